//! How far an import has come.

use console::Lang;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal as _;
use std::sync::Mutex;

/// The steps of an import, as [`Progress::begin`] names them: reading counts bytes (CSV) or rows (XLSX), writing
/// counts rows, and the other steps count nothing.
pub const STEPS: [&str; 4] = ["look", "read", "check", "write"];

/// Is told how far an import has come.
pub trait Progress: Sync {
    /// A step of [`STEPS`] begins; `total` is where it will end, if that is known.
    fn begin(&self, total: Option<u64>, what: &str);
    /// The step has come so far.
    fn advance(&self, to: u64);
    /// The step is over.
    fn end(&self);
}

/// Tells nobody.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn begin(&self, _: Option<u64>, _: &str) {}
    fn advance(&self, _: u64) {}
    fn end(&self) {}
}

/// A bar on standard error, and nothing where that is no terminal.
#[derive(Debug)]
pub struct Bar {
    lang: Lang,
    bar: Mutex<Option<ProgressBar>>,
}

impl Bar {
    /// A bar with words of a language.
    #[must_use]
    pub const fn new(lang: Lang) -> Self {
        Self { lang, bar: Mutex::new(None) }
    }

    fn word(&self, what: &str) -> &'static str {
        match (what, self.lang) {
            ("look", Lang::En) => "looking at the file",
            ("look", Lang::Zh) => "检视文件",
            ("read", Lang::En) => "reading",
            ("read", Lang::Zh) => "读取",
            ("check", Lang::En) => "checking",
            ("check", Lang::Zh) => "校验",
            ("write", Lang::En) => "writing",
            ("write", Lang::Zh) => "写入",
            _ => "",
        }
    }

    fn with(&self, act: impl FnOnce(&mut Option<ProgressBar>)) {
        // A bar that another thread left half drawn is still a bar.
        act(&mut self.bar.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
    }
}

impl Progress for Bar {
    fn begin(&self, total: Option<u64>, what: &str) {
        if !std::io::stderr().is_terminal() {
            return;
        }
        let (bar, template) = match total {
            Some(total) => (ProgressBar::new(total), "{msg} [{bar:40}] {percent}%"),
            None => (ProgressBar::new_spinner(), "{msg} {spinner} {pos}"),
        };
        bar.set_draw_target(ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_message(self.word(what));
        self.with(|held| *held = Some(bar));
    }

    fn advance(&self, to: u64) {
        self.with(|held| {
            if let Some(bar) = held {
                bar.set_position(to);
            }
        });
    }

    fn end(&self) {
        self.with(|held| {
            if let Some(bar) = held.take() {
                bar.finish_and_clear();
            }
        });
    }
}
