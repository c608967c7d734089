//! What goes wrong, as people and scripts see it: a stable code, an exit code, a sentence, and what to do next.

use std::fmt;
use std::io::{self, Write};

use serde_json::json;

use crate::exit::ExitCode;
use crate::lang::{Lang, Text};

/// A failure of a command. Message and hint are decided where it happens and printed in one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The stable id, in kebab case; finer than the exit code.
    pub code: &'static str,
    /// How the process ends because of it.
    pub exit: ExitCode,
    /// What is wrong. Never a value of a row, never key material.
    pub message: Text,
    /// What to do next.
    pub next: Text,
}

impl Fault {
    /// A failure.
    #[must_use]
    pub const fn new(code: &'static str, exit: ExitCode, message: Text, next: Text) -> Self {
        Self { code, exit, message, next }
    }

    /// A failure of the program itself.
    #[must_use]
    pub fn internal(what: impl fmt::Display) -> Self {
        Self::new(
            "internal",
            ExitCode::Internal,
            crate::text!("the program failed: {what}", "程序内部故障：{what}"),
            Text::fixed(
                "try again; if it comes again, report it with the output of `ferry --version`",
                "请重试；如再次出现，请连同 `ferry --version` 的输出一并报告",
            ),
        )
    }

    /// What a person reads: two lines.
    #[must_use]
    pub fn human(&self, lang: Lang) -> String {
        let (message, next) = (self.message.get(lang), self.next.get(lang));
        match lang {
            Lang::En => format!("error: {message}\nnext: {next}\n"),
            Lang::Zh => format!("错误：{message}\n下一步：{next}\n"),
        }
    }

    /// What a script reads: one line of JSON.
    #[must_use]
    pub fn json(&self, lang: Lang) -> String {
        let error = json!({
            "code": self.code,
            "exit": self.exit.number(),
            "message": self.message.get(lang),
            "next": self.next.get(lang),
        });
        format!("{}\n", json!({ "error": error }))
    }

    /// Prints the failure, for a person or as JSON.
    ///
    /// # Errors
    /// When `out` cannot be written to.
    pub fn print(&self, out: &mut dyn Write, lang: Lang, as_json: bool) -> io::Result<()> {
        let text = if as_json { self.json(lang) } else { self.human(lang) };
        out.write_all(text.as_bytes())?;
        out.flush()
    }
}

/// The English message, for logs.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for Fault {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_reads_in_both_languages_and_as_json() {
        let fault =
            Fault::new("a-code", ExitCode::Keys, crate::text!("no key", "无密钥"), crate::text!("run x", "运行 x"));
        assert_eq!(fault.human(Lang::En), "error: no key\nnext: run x\n");
        assert_eq!(fault.human(Lang::Zh), "错误：无密钥\n下一步：运行 x\n");
        let parsed: serde_json::Value = serde_json::from_str(&fault.json(Lang::En)).unwrap();
        assert_eq!(parsed["error"]["code"], "a-code");
        assert_eq!(parsed["error"]["exit"], 12);
        assert_eq!(parsed["error"]["next"], "run x");
    }
}
