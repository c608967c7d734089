//! What is wrong with a command line, said like every other failure; and the answers to `--help` and `--version`.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use serde_json::json;

use crate::lang::Text;
use crate::output::Output;
use crate::{ExitCode, Fault, text};

/// Whether a command line that may be wrong asks for JSON.
#[must_use]
pub fn asks_for_json(arguments: &[OsString]) -> bool {
    arguments.iter().skip(1).take_while(|argument| *argument != "--").any(|argument| argument == "--json")
}

/// The help or version that was asked for of `program`, or the failure.
///
/// # Errors
/// When the command line is wrong.
pub fn judge(error: &clap::Error, program: &str) -> Result<Output, Fault> {
    match error.kind() {
        ErrorKind::DisplayHelp => {
            let help = error.render().to_string();
            let document = json!({ "help": help });
            Ok(Output::new(help, document))
        }
        ErrorKind::DisplayVersion => {
            Ok(Output::new(error.render().to_string(), json!({ "version": env!("CARGO_PKG_VERSION") })))
        }
        ErrorKind::InvalidValue
        | ErrorKind::UnknownArgument
        | ErrorKind::InvalidSubcommand
        | ErrorKind::NoEquals
        | ErrorKind::ValueValidation
        | ErrorKind::TooManyValues
        | ErrorKind::TooFewValues
        | ErrorKind::WrongNumberOfValues
        | ErrorKind::ArgumentConflict
        | ErrorKind::MissingRequiredArgument
        | ErrorKind::MissingSubcommand
        | ErrorKind::InvalidUtf8
        | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
        | ErrorKind::Io
        | ErrorKind::Format
        | _ => Err(usage(error, program)),
    }
}

fn usage(error: &clap::Error, program: &str) -> Fault {
    let next = text!(
        "`{program} --help` lists the verbs, `{program} VERB --help` the arguments of one",
        "`{program} --help` 列出全部命令，`{program} 命令 --help` 列出该命令的参数"
    );
    Fault::new("usage", ExitCode::Usage, message(error), next)
}

fn message(error: &clap::Error) -> Text {
    let argument = told(error, ContextKind::InvalidArg);
    let value = told(error, ContextKind::InvalidValue);
    match error.kind() {
        ErrorKind::UnknownArgument => text!("there is no argument {argument}", "没有参数 {argument}"),
        ErrorKind::InvalidSubcommand => {
            let verb = told(error, ContextKind::InvalidSubcommand);
            text!("there is no verb {verb}", "没有命令 {verb}")
        }
        ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            Text::fixed("a verb is missing", "缺少命令")
        }
        ErrorKind::MissingRequiredArgument => text!("missing: {argument}", "缺少：{argument}"),
        ErrorKind::InvalidValue | ErrorKind::ValueValidation if value.is_empty() => {
            text!("{argument} needs a value", "{argument} 需要一个值")
        }
        ErrorKind::InvalidValue => text!("{argument} cannot be {value}", "{argument} 不能为 {value}"),
        ErrorKind::ValueValidation => {
            let reason = std::error::Error::source(error).map_or_else(String::new, |source| format!(" ({source})"));
            text!("{argument} cannot be {value}{reason}", "{argument} 不能为 {value}{reason}")
        }
        ErrorKind::ArgumentConflict => {
            let other = told(error, ContextKind::PriorArg);
            text!("{argument} and {other} exclude each other", "{argument} 与 {other} 不能同时使用")
        }
        ErrorKind::TooManyValues | ErrorKind::TooFewValues | ErrorKind::WrongNumberOfValues | ErrorKind::NoEquals => {
            text!("{argument} has the wrong number of values", "{argument} 的值个数不对")
        }
        ErrorKind::InvalidUtf8 => Text::fixed("an argument is not UTF-8", "有参数不是 UTF-8 编码"),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion | ErrorKind::Io | ErrorKind::Format | _ => {
            let first = error.render().to_string().lines().next().unwrap_or_default().to_owned();
            text!("{first}", "{first}")
        }
    }
}

/// One piece of what clap knows about the error; empty when it does not know it.
fn told(error: &clap::Error, kind: ContextKind) -> String {
    match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        Some(ContextValue::Strings(texts)) => texts.join(", "),
        Some(ContextValue::StyledStr(text)) => text.to_string(),
        Some(ContextValue::Number(number)) => number.to_string(),
        Some(ContextValue::Bool(_) | ContextValue::None | ContextValue::StyledStrs(_) | _) | None => String::new(),
    }
}
