//! The commands of the programs, run to their end as a person runs them.

use std::ffi::OsStr;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::failure::Failure;
use super::lang::text;

/// Runs one command of a program, gives it `input`, and takes its JSON answer. `--json` is among the arguments.
///
/// # Errors
/// When it cannot be run, or ends with anything but 0.
pub fn obey(program: &Path, arguments: &[&OsStr], input: &str) -> Result<Value, Failure> {
    let refused = |cause: &std::io::Error| {
        let program = program.display();
        Failure::new(text!("{program} cannot be run: {cause}", "无法运行 {program}：{cause}"))
    };
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|cause| refused(&cause))?;
    if let Some(mut pipe) = child.stdin.take() {
        // A program that does not read has no use for it.
        let _ = pipe.write_all(input.as_bytes());
    }
    let output = child.wait_with_output().map_err(|cause| refused(&cause))?;
    if output.status.success() {
        return Ok(serde_json::from_slice(&output.stdout).unwrap_or(Value::Null));
    }
    let said = [&output.stdout, &output.stderr].map(|said| String::from_utf8_lossy(said).trim().to_owned());
    let (told, status) = (said.join("\n"), output.status);
    let words: Vec<_> = arguments.iter().map(|argument| argument.to_string_lossy()).collect();
    let (name, words) = (program.file_name().unwrap_or_default().display(), words.join(" "));
    Err(Failure::new(text!(
        "`{name} {words}` ended with {status}: {told}",
        "`{name} {words}` 以 {status} 结束：{told}"
    )))
}
