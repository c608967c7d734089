//! The form of the sources: sizes, names, comments, whitespace.

use std::os::unix::fs::PermissionsExt as _;

use tests::workspace_root;

use crate::sources::{assert_none, read, sources};

const FILE_LINES_MAX: usize = 600;
const FUNCTION_LINES_MAX: usize = 70;

/// Words that say nothing about what a file holds.
const DRAWERS: [&str; 8] = ["util", "utils", "common", "helper", "helpers", "misc", "manager", "managers"];

#[test]
fn no_rust_file_is_longer_than_600_lines() {
    let mut findings = Vec::new();
    for source in sources().iter().filter(|source| source.is_rust()) {
        let lines = source.text.lines().count();
        if lines > FILE_LINES_MAX {
            findings.push(format!("{}: {lines} lines", source.path));
        }
    }
    assert_none("too long, so likely more than one thing", &findings);
}

#[test]
fn no_function_is_longer_than_70_lines() {
    let mut findings = Vec::new();
    for source in sources().iter().filter(|source| source.is_rust()) {
        for function in functions(&source.text).iter().filter(|function| function.lines > FUNCTION_LINES_MAX) {
            findings.push(format!("{}:{}: {} lines", source.path, function.at, function.lines));
        }
    }
    assert_none("functions too long", &findings);
}

#[test]
fn comments_describe_the_code_as_it_is() {
    let mut findings = Vec::new();
    for source in sources().iter().filter(|source| !source.is_data() && !source.is_markdown()) {
        let marker = if source.is_rust() { "//" } else { "#" };
        for (index, line) in source.text.lines().enumerate() {
            let Some(comment) = comment(line, marker) else { continue };
            for phrase in change_talk(comment) {
                findings.push(format!("{}:{}: {phrase}", source.path, index + 1));
            }
        }
    }
    assert_none("comments about work or change", &findings);
}

#[test]
fn every_limit_says_why_it_is_that() {
    let mut findings = Vec::new();
    for source in sources().iter().filter(|source| source.is_rust() && !source.path.starts_with("tests/tests/")) {
        for name in undocumented_limits(&source.text) {
            findings.push(format!("{}: {name}", source.path));
        }
    }
    assert_none("limits without a reason", &findings);
}

#[test]
fn lines_end_clean_and_files_end_with_a_newline() {
    let mut findings = Vec::new();
    for source in sources().iter().filter(|source| !source.is_data()) {
        for (index, line) in source.text.split('\n').enumerate() {
            if line.ends_with([' ', '\t', '\r']) {
                findings.push(format!("{}:{}: trailing whitespace", source.path, index + 1));
            }
        }
        if !source.text.is_empty() && !source.text.ends_with('\n') {
            findings.push(format!("{}: no newline at the end", source.path));
        }
    }
    assert_none("untidy", &findings);
}

#[test]
fn every_file_is_named_after_what_it_holds() {
    let mut findings = Vec::new();
    for source in sources() {
        let stems = source.path.split('/').map(|part| part.split('.').next().unwrap_or_default());
        if stems.flat_map(|stem| stem.split(['_', '-'])).any(|word| DRAWERS.contains(&word)) {
            findings.push(source.path);
        }
    }
    assert_none("names that could hold anything", &findings);
}

#[test]
fn the_checks_can_be_run() {
    for path in ["check", ".ci/run"] {
        let mode = workspace_root().join(path).metadata().expect("the script exists").permissions().mode();
        assert_eq!(mode & 0o111, 0o111, "{path} must be executable");
    }
    assert!(read(".ci/run").contains("exec ./check --install"), "a laptop and the integration run the same checks");
}

#[test]
fn the_form_checks_find_what_they_look_for() {
    let text = "impl A {\n    pub(crate) async fn b(\n        c: u8,\n    ) {\n        d();\n    }\n    fn e();\n}\n";
    let found = functions(text);
    assert_eq!(found.iter().map(|function| (function.at, function.lines)).collect::<Vec<_>>(), [(2, 5)]);
    assert_eq!(
        undocumented_limits("/// Why.\n#[rustfmt::skip]\nconst A_MAX: u8 = 1;\npub const B_MAX: u8 = 2;\n"),
        ["B_MAX"]
    );
    assert_eq!(comment("let a = 1; // It holds.", "//"), Some("It holds."));
    assert_eq!(comment("let a = \"b\";", "//"), None);
    assert_eq!(change_talk("It no longer holds."), ["no longer"]);
    assert!(change_talk("a to-do list").is_empty());
}

struct Function {
    /// The line of its signature, counted from 1.
    at: usize,
    /// How many lines it has, from signature to closing brace.
    lines: usize,
}

/// Every function with a body, found by the indentation that the formatter guarantees.
fn functions(text: &str) -> Vec<Function> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (start, line) in lines.iter().enumerate().filter(|(_, line)| is_signature(line)) {
        let indent = &line[..line.len() - line.trim_start().len()];
        let opens = lines[start..].iter().find(|line| line.trim_end().ends_with(['{', '}', ';']));
        if !opens.is_some_and(|line| line.trim_end().ends_with('{')) {
            continue;
        }
        let closing = format!("{indent}}}");
        if let Some(body) = lines[start..].iter().position(|line| *line == closing) {
            found.push(Function { at: start + 1, lines: body + 1 });
        }
    }
    found
}

fn is_signature(line: &str) -> bool {
    let words = line.split_whitespace();
    let mut words =
        words.skip_while(|word| word.starts_with("pub") || ["async", "const", "unsafe", "extern"].contains(word));
    words.next() == Some("fn")
}

/// The text of a line's comment.
fn comment<'a>(line: &'a str, marker: &str) -> Option<&'a str> {
    let spaced = format!(" {marker} ");
    let trimmed = line.trim_start();
    let comment = if trimmed.starts_with(marker) { trimmed } else { line.split_once(&spaced)?.1 };
    Some(comment.trim_start_matches(['/', '#', '!']).trim())
}

fn change_talk(comment: &str) -> Vec<&'static str> {
    let lower = comment.to_lowercase();
    let marks = ["TODO", "FIXME", "XXX"].into_iter().filter(|mark| comment.contains(mark));
    marks.chain(["no longer", "previously"].into_iter().filter(|phrase| lower.contains(phrase))).collect()
}

/// Constants named `…_MAX` with no documentation above them.
fn undocumented_limits(text: &str) -> Vec<&str> {
    let mut documented = false;
    let mut found = Vec::new();
    for line in text.lines().map(str::trim) {
        if let Some(name) = limit_name(line)
            && !documented
        {
            found.push(name);
        }
        documented = line.starts_with("///") || (documented && line.starts_with("#["));
    }
    found
}

fn limit_name(line: &str) -> Option<&str> {
    let (visibility, rest) = line.split_once("const ")?;
    let name = rest.split(':').next()?;
    ((visibility.is_empty() || visibility.starts_with("pub")) && name.ends_with("_MAX")).then_some(name)
}
