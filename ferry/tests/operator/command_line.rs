//! The command line itself: wrong ones are refused alike everywhere, and the reference page says what the program says.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn ferry(arguments: &[&str], locale: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ferry")).args(arguments).env("LC_ALL", locale).output().unwrap()
}

fn error_of(output: &Output) -> Value {
    assert!(output.stdout.is_empty(), "a failure says nothing on standard output");
    let text = String::from_utf8(output.stderr.clone()).unwrap();
    serde_json::from_str::<Value>(&text).unwrap_or_else(|error| panic!("{error}: {text}"))["error"].clone()
}

/// Command lines that are wrong, and what the message names.
const WRONG: [(&[&str], &str); 14] = [
    (&[], "a verb is missing"),
    (&["fly"], "no verb fly"),
    (&["status", "--fast"], "no argument --fast"),
    (&["init", "--zone", "outer"], "missing: --dir"),
    (&["init", "--database-only", "--dir", "a"], "exclude each other"),
    (&["verify", "a"], "missing: --trust"),
    (&["verify", "--trust", "a"], "missing: <PATH>"),
    (&["verify", "a", "--trust", "b", "--link", "Not a link"], "--link <LINK> cannot be Not a link"),
    (&["show"], "missing: <BATCH>"),
    (&["resend", "confirm", "9-7", "--reason", "x"], "cannot be 9-7"),
    (&["hold", "confirm"], "missing: --reason"),
    (&["pass", "confirm", "3", "--reason", "x"], "missing: --with"),
    (&["pass", "confirm", "3", "--reason", "x", "--with", "luck"], "cannot be luck"),
    (&["quarantine", "lose"], "no verb lose"),
];

#[test]
fn a_wrong_command_line_ends_with_2_and_says_what_is_wrong() {
    for (arguments, said) in WRONG {
        let output = ferry(arguments, "C");
        let text = String::from_utf8(output.stderr.clone()).unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {text}");
        assert!(text.starts_with("error: ") && text.contains(said), "{arguments:?}: {text}");
        assert!(text.contains("\nnext: "), "{arguments:?}: {text}");
    }
}

#[test]
fn a_wrong_command_line_is_told_in_json_when_json_was_asked_for() {
    for (arguments, said) in WRONG {
        let output = ferry(&[&["--json"], arguments].concat(), "C");
        let error = error_of(&output);
        assert_eq!((output.status.code(), &error["exit"], &error["code"]), (Some(2), &2.into(), &"usage".into()));
        assert!(error["message"].as_str().unwrap().contains(said), "{arguments:?}: {error}");
        assert!(!error["next"].as_str().unwrap().is_empty());
    }
}

#[test]
fn a_wrong_command_line_is_told_in_chinese() {
    for (arguments, _) in WRONG {
        let text = String::from_utf8(ferry(arguments, "zh_CN.UTF-8").stderr).unwrap();
        assert!(text.starts_with("错误：") && text.contains("下一步："), "{arguments:?}: {text}");
    }
}

#[test]
fn help_and_version_are_answers_in_both_languages_and_in_json() {
    let english = ferry(&["verify", "--help"], "C");
    assert_eq!(english.status.code(), Some(0));
    assert!(String::from_utf8(english.stdout).unwrap().contains("Usage: ferry verify"));
    let chinese = ferry(&["verify", "--help"], "zh_CN.UTF-8");
    assert!(String::from_utf8(chinese.stdout).unwrap().contains("用法：ferry verify"));
    let document: Value = serde_json::from_slice(&ferry(&["--version", "--json"], "C").stdout).unwrap();
    assert_eq!(document["version"], env!("CARGO_PKG_VERSION"));
    let document: Value = serde_json::from_slice(&ferry(&["--json", "status", "--help"], "C").stdout).unwrap();
    assert!(document["help"].as_str().unwrap().contains("--check"));
}

#[test]
fn a_missing_configuration_is_a_failure_that_says_what_to_do() {
    for verb in [&["status"][..], &["queue"], &["explain", "confirm/1"], &["quarantine", "list"], &["run"]] {
        let output = ferry(&[verb, &["--config", "no/such/ferry.toml", "--json"]].concat(), "C");
        let error = error_of(&output);
        assert_eq!((output.status.code(), &error["exit"]), (Some(10), &10.into()), "{verb:?}: {error}");
    }
}

#[test]
fn what_is_to_be_verified_and_whose_signatures_count_must_be_there() {
    let here = env!("CARGO_MANIFEST_DIR");
    let manifest = format!("{here}/Cargo.toml");
    let empty = tempfile::tempdir().unwrap();
    let nobody = empty.path().to_str().unwrap();
    let cases = [
        (["verify", here, "--trust", &manifest], 13, "bad-trust"),
        (["verify", here, "--trust", nobody], 13, "no-trust"),
        (["verify", here, "--trust", "no/such/card"], 13, "no-trust"),
    ];
    for (arguments, exit, code) in cases {
        let output = ferry(&[&arguments[..], &["--json"]].concat(), "C");
        let error = error_of(&output);
        assert_eq!((output.status.code(), &error["code"]), (Some(exit), &code.into()), "{arguments:?}: {error}");
    }
}

#[test]
fn the_reference_page_is_what_the_program_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/cli.md");
    let meant = ferry::cli::reference::page();
    #[expect(clippy::disallowed_methods, reason = "a test that writes the page when it is asked to")]
    let rewrite = std::env::var_os("FERRY_WRITE_DOCS").is_some();
    if rewrite {
        fs::File::create(&path).and_then(|mut file| file.write_all(meant.as_bytes())).unwrap();
    }
    let told = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(told, meant, "docs/cli.md differs; FERRY_WRITE_DOCS=1 writes it anew");
}
