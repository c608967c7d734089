//! The one place that prints: an answer on standard output, a failure on standard error.

use std::io::{self, Write};
use std::process;

use serde_json::Value;

use crate::{ExitCode, Fault, Lang};

/// What a verb answers.
#[derive(Debug, Clone, PartialEq)]
pub struct Output {
    /// What a person reads; ends in a newline unless it is empty.
    pub human: String,
    /// What a program reads: one document.
    pub json: Value,
    /// How the process ends.
    pub exit: ExitCode,
}

impl Output {
    /// An answer to a question that could be answered.
    #[must_use]
    pub fn new(human: impl Into<String>, json: Value) -> Self {
        Self { human: human.into(), json, exit: ExitCode::Ok }
    }

    /// Nothing to say.
    #[must_use]
    pub fn silent() -> Self {
        Self::new("", Value::Null)
    }

    /// The same answer with another end.
    #[must_use]
    pub fn ending(mut self, exit: ExitCode) -> Self {
        self.exit = exit;
        self
    }
}

/// Prints an answer or a failure, and tells how the process ends.
#[must_use]
pub fn finish(result: Result<Output, Fault>, lang: Lang, as_json: bool) -> process::ExitCode {
    match result {
        Ok(output) => match print(&output, as_json, &mut io::stdout().lock()) {
            Ok(()) => output.exit.into(),
            // Whoever read the answer has seen enough of it.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => output.exit.into(),
            Err(error) => finish_failure(&unprintable(&error), lang, as_json),
        },
        Err(fault) => finish_failure(&fault, lang, as_json),
    }
}

fn print(output: &Output, as_json: bool, out: &mut dyn Write) -> io::Result<()> {
    if !as_json {
        out.write_all(output.human.as_bytes())?;
    } else if !output.json.is_null() {
        writeln!(out, "{}", output.json)?;
    }
    out.flush()
}

fn finish_failure(fault: &Fault, lang: Lang, as_json: bool) -> process::ExitCode {
    // Nobody is left to be told when standard error cannot be written to; the exit code still says it.
    let _told = fault.print(&mut io::stderr().lock(), lang, as_json);
    fault.exit.into()
}

fn unprintable(error: &io::Error) -> Fault {
    Fault::new(
        "unprintable",
        ExitCode::Storage,
        crate::text!("the answer could not be printed: {error}", "结果无法输出：{error}"),
        crate::text!("look where standard output goes", "请检查标准输出的去向"),
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_answer_is_text_or_one_json_document() {
        let output = Output::new("two\nlines\n", json!({"a": 1}));
        let mut text = Vec::new();
        print(&output, false, &mut text).unwrap();
        assert_eq!(text, b"two\nlines\n");
        let mut document = Vec::new();
        print(&output, true, &mut document).unwrap();
        assert_eq!(document, b"{\"a\":1}\n");
        let mut nothing = Vec::new();
        print(&Output::silent(), true, &mut nothing).unwrap();
        assert!(nothing.is_empty());
    }
}
