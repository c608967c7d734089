//! The reference page of the command line, made from the help texts.

use clap::Command;

use super::command;
use crate::Lang;

/// The whole page `docs/cli.md`.
#[must_use]
pub fn page() -> String {
    let mut command = command(Lang::En).term_width(100);
    command.build();
    let mut page = HEAD.to_owned();
    describe(&mut command, &mut page);
    page
}

const HEAD: &str = "# The command line of `ferry`\n\n\
    This page is made from the program's help texts; a test compares the two. To write it anew, run the tests of the \
    crate\n`ferry` with `FERRY_WRITE_DOCS=1`. The same texts appear in Chinese when `LANG` begins with `zh`.\n\n\
    Every verb takes `--json`. The answer is then one JSON document on standard output, and a failure is one JSON \
    document\non standard error, also when the command line itself is wrong. Times in JSON are milliseconds since \
    1970-01-01 UTC and\nend in `_ms`; money is in fen, as decimal strings. The numbers with which the program ends are \
    listed in\n[exit-codes.md](exit-codes.md).\n";

fn describe(command: &mut Command, page: &mut String) {
    let name = command.get_bin_name().unwrap_or("ferry").to_owned();
    let help = command.render_help().to_string();
    let lines: Vec<&str> = help.trim_end().lines().map(str::trim_end).collect();
    page.push_str(&format!("\n## {name}\n\n```text\n{}\n```\n", lines.join("\n")));
    for verb in command.get_subcommands_mut() {
        describe(verb, page);
    }
}
