//! Help in Chinese: the texts of a command line that stands in English, and the words that clap itself would write.

use clap::{Arg, Command};

/// Yields the Chinese text of a verb and an argument; an empty argument is the verb itself, an empty verb the program.
pub type TextOf<'t> = &'t dyn Fn(&str, &str) -> Option<&'static str>;

/// The same command line with its help in Chinese.
#[must_use]
pub fn localise(command: Command, text_of: TextOf<'_>) -> Command {
    let mut command = texts(command, "", text_of);
    command.build();
    headed(command)
}

/// The verbs and arguments, as `verb argument`, that have no Chinese text.
#[must_use]
pub fn missing(command: &Command, text_of: TextOf<'_>) -> Vec<String> {
    let mut found = Vec::new();
    collect(command, "", text_of, &mut found);
    found
}

fn collect(command: &Command, path: &str, text_of: TextOf<'_>, found: &mut Vec<String>) {
    if text_of(path, "").is_none() {
        found.push(path.to_owned());
    }
    for argument in command.get_arguments() {
        if text_of(path, argument.get_id().as_str()).is_none() {
            found.push(format!("{path} {}", argument.get_id()));
        }
    }
    for verb in command.get_subcommands() {
        collect(verb, &below(path, verb.get_name()), text_of, found);
    }
}

fn texts(mut command: Command, path: &str, text_of: TextOf<'_>) -> Command {
    if let Some(text) = text_of(path, "") {
        command = command.about(text);
    }
    let arguments: Vec<String> = command.get_arguments().map(|argument| argument.get_id().to_string()).collect();
    for id in arguments {
        if let Some(text) = text_of(path, &id) {
            command = command.mut_arg(&id, |argument| explained(argument, text));
        }
    }
    let verbs: Vec<String> = command.get_subcommands().map(|verb| verb.get_name().to_owned()).collect();
    for verb in verbs {
        let below = below(path, &verb);
        command = command.mut_subcommand(&verb, |command| texts(command, &below, text_of));
    }
    command
}

/// The argument with its Chinese text, and with what clap itself would append in English.
fn explained(argument: Arg, text: &str) -> Arg {
    if !argument.get_action().takes_values() {
        return argument.help(text.to_owned());
    }
    let mut text = text.to_owned();
    let defaults: Vec<String> =
        argument.get_default_values().iter().map(|value| value.to_string_lossy().into_owned()).collect();
    if !defaults.is_empty() {
        text.push_str(&format!(" [默认：{}]", defaults.join("、")));
    }
    let possible: Vec<String> =
        argument.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect();
    if !possible.is_empty() {
        text.push_str(&format!(" [可选：{}]", possible.join("、")));
    }
    argument.help(text).hide_default_value(true).hide_possible_values(true)
}

/// Headings and usage, which clap itself writes in English.
fn headed(command: Command) -> Command {
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage:").trim();
    let usage = usage.replace("[OPTIONS]", "[选项]").replace("<COMMAND>", "<命令>").replace("[COMMAND]", "[命令]");
    let verbs: Vec<String> = command.get_subcommands().map(|verb| verb.get_name().to_owned()).collect();
    let mut command = command
        .help_template("{about-with-newline}\n用法：{usage}\n\n{all-args}{after-help}")
        .subcommand_help_heading("命令")
        .override_usage(usage)
        .mut_args(under_heading);
    for verb in verbs {
        command = command.mut_subcommand(verb, headed);
    }
    command
}

fn under_heading(argument: Arg) -> Arg {
    let heading = if argument.is_positional() { "参数" } else { "选项" };
    argument.help_heading(heading)
}

/// The path of a verb below another.
#[must_use]
pub fn below(path: &str, verb: &str) -> String {
    if path.is_empty() { verb.to_owned() } else { format!("{path} {verb}") }
}
