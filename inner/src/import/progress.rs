//! How far an import has come.

use std::fmt::Write;
use std::io::IsTerminal as _;
use std::sync::Mutex;
use std::time::Duration;

use console::Lang;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

/// The steps of an import, as [`Progress::begin`] names them: reading, comparing and writing count rows, the other steps
/// count nothing.
pub const STEPS: [&str; 5] = ["look", "read", "check", "compare", "write"];
/// How often a step that counts nothing shows that it goes on: slow enough to cost nothing, quick enough not to look stuck.
const TICK: Duration = Duration::from_millis(200);

/// Is told how far an import has come.
pub trait Progress: Sync {
    /// A step of [`STEPS`] begins; `total` is how many rows it has, if that is known.
    fn begin(&self, total: Option<u64>, what: &str);
    /// The step has come so far, in rows.
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
            ("compare", Lang::En) => "comparing",
            ("compare", Lang::Zh) => "比对",
            ("write", Lang::En) => "writing",
            ("write", Lang::Zh) => "写入",
            _ => "",
        }
    }

    /// What the bar of a step shows: rows done of all, how many a second, and how long the rest will take.
    const fn template(&self, what: Counted) -> &'static str {
        match (what, self.lang) {
            (Counted::OfAll, Lang::En) => {
                "{msg} [{bar:20}] {human_pos} of {human_len} rows, {rate} rows/s, {eta_precise} left"
            }
            (Counted::OfAll, Lang::Zh) => {
                "{msg} [{bar:20}] {human_pos}/{human_len} 行，{rate} 行/秒，剩余 {eta_precise}"
            }
            (Counted::Rows, Lang::En) => "{msg} {spinner} {human_pos} rows, {rate} rows/s",
            (Counted::Rows, Lang::Zh) => "{msg} {spinner} {human_pos} 行，{rate} 行/秒",
            (Counted::Nothing, _) => "{msg} {spinner} {elapsed_precise}",
        }
    }

    fn with(&self, act: impl FnOnce(&mut Option<ProgressBar>)) {
        // A bar that another thread left half drawn is still a bar.
        act(&mut self.bar.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
    }
}

/// What a step counts.
#[derive(Debug, Clone, Copy)]
enum Counted {
    /// Rows, and it is known how many there are.
    OfAll,
    /// Rows, and nobody knows how many there will be.
    Rows,
    Nothing,
}

impl Progress for Bar {
    fn begin(&self, total: Option<u64>, what: &str) {
        if !std::io::stderr().is_terminal() {
            return;
        }
        let counted = match (total, what) {
            (Some(_), _) => Counted::OfAll,
            (None, "read") => Counted::Rows,
            (None, _) => Counted::Nothing,
        };
        let bar = total.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
        bar.set_draw_target(ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template(self.template(counted)) {
            let rate = |state: &ProgressState, into: &mut dyn Write| {
                // Writing into a text in memory does not fail.
                let _written = write!(into, "{:.0}", state.per_sec());
            };
            bar.set_style(style.with_key("rate", rate));
        }
        bar.set_message(self.word(what));
        if matches!(counted, Counted::Nothing) {
            bar.enable_steady_tick(TICK);
        }
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
