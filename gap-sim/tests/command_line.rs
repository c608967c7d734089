//! What the program says, in which language, and how it ends.
#![expect(clippy::disallowed_methods, reason = "the program under test works on real files")]

use gap_sim::Profile;
use gap_sim::profile::BUILT_INS;
use std::fs;
use std::process::{Command, Output};

fn gap_sim(arguments: &[&str], locale: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gap-sim"));
    command.args(arguments).env("LC_ALL", locale).output().expect("the program starts")
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("it prints UTF-8")
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("it prints UTF-8")
}

#[test]
fn profiles_lists_each_built_in_on_a_line() {
    let english = stdout(&gap_sim(&["profiles"], "C"));
    let chinese = stdout(&gap_sim(&["profiles"], "zh_CN.UTF-8"));
    for (text, word) in [(english, "lost"), (chinese, "丢失")] {
        assert_eq!(text.lines().count(), BUILT_INS.len());
        assert!(BUILT_INS.iter().zip(text.lines()).all(|(built_in, line)| line.starts_with(built_in.name)));
        assert!(text.contains(word));
    }
}

#[test]
fn a_printed_profile_reads_back_the_same() {
    let text = stdout(&gap_sim(&["profile", "rough"], "C"));
    assert_eq!(Profile::parse("printed", &text), Profile::built_in("rough"));
}

#[test]
fn help_speaks_both_languages() {
    let english = stdout(&gap_sim(&["bridge", "--help"], "C"));
    let chinese = stdout(&gap_sim(&["bridge", "--help"], "zh_CN.UTF-8"));
    assert!(english.contains("Divides every duration") && english.contains("Usage:"));
    assert!(chinese.contains("配置中所有时长") && chinese.contains("用法：") && !chinese.contains("Print help"));
}

#[test]
fn each_failure_has_its_code_and_says_what_to_do() {
    let root = tempfile::tempdir().unwrap();
    let directory = |name: &str| {
        let path = root.path().join(name);
        fs::create_dir_all(&path).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (a, b, c, d) = (directory("a"), directory("b"), directory("c"), directory("d"));
    let missing = root.path().join("missing").to_str().unwrap().to_owned();
    let bad_profile = root.path().join("bad.toml").to_str().unwrap().to_owned();
    fs::write(&bad_profile, "name = \"bad\"\nloss = \"200 %\"\n").unwrap();
    let bridge = |profile: &str, outer_from: &str, more: &[&str]| {
        let mut arguments = vec!["bridge", "--profile", profile, "--inner-to-gate", &a, "--inner-from-gate", &b];
        arguments.extend(["--outer-to-gate", &c, "--outer-from-gate", outer_from]);
        arguments.extend(more);
        let output = gap_sim(&arguments, "C");
        (output.status.code(), stderr(&output))
    };
    let busy = directory("busy");
    let lock = fs::File::create(root.path().join("busy/lock")).unwrap();
    lock.lock().unwrap();
    let cases = [
        (bridge("instant", &missing, &[]), 15, "--outer-from-gate"),
        (bridge("instant", &c, &[]), 15, "are the same directory"),
        (bridge("instant", &d, &["--work", &bad_profile]), 15, "--work"),
        (bridge("instant", &d, &["--work", &busy]), 19, "another bridge uses"),
        (bridge(&bad_profile, &d, &[]), 10, "line 2"),
        (bridge(&missing, &d, &[]), 10, "check the path"),
        (bridge("prefect", &d, &[]), 10, "perfect, seed-a"),
        (bridge("instant", &d, &["--report", "/"]), 32, "--report"),
        (bridge("instant", &d, &["--time-scale", "0"]), 2, "a whole number from 1 to 100000"),
    ];
    for ((code, message), expected_code, expected_words) in cases {
        assert_eq!(code, Some(expected_code), "{message}");
        assert!(message.contains(expected_words), "{message}");
    }
}

#[test]
fn the_seed_and_every_option_are_printed_first() {
    let root = tempfile::tempdir().unwrap();
    let mut arguments = vec!["bridge".to_owned(), "--profile".to_owned(), "instant".to_owned()];
    for option in ["inner-to-gate", "inner-from-gate", "outer-to-gate", "outer-from-gate"] {
        let path = root.path().join(option);
        fs::create_dir(&path).unwrap();
        arguments.extend([format!("--{option}"), path.to_str().unwrap().to_owned()]);
    }
    arguments.extend(["--seed", "42", "--until-idle", "0"].map(str::to_owned));
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let output = gap_sim(&arguments, "C");
    assert!(stderr(&output).starts_with("gap-sim bridge: seed 42, profile instant, time scale 1\n"));
    assert!(gap_sim::profile::FIELDS.iter().all(|field| stderr(&output).contains(&format!("  {} = ", field.name))));
    assert!(stdout(&output).starts_with("seed 42, profile instant, time scale 1, "));
}

#[test]
fn an_answer_is_judged_in_the_language_of_the_terminal_with_a_code_of_its_own() {
    let check = |arguments: &[&str], locale: &str| {
        let output = gap_sim(&[&["check"], arguments].concat(), locale);
        (output.status.code(), stdout(&output), stderr(&output))
    };
    let (code, told, _) = check(&["damaged-code", " Damaged-Chunk "], "C");
    assert_eq!(code, Some(0));
    assert!(told.starts_with("Right. "), "{told}");
    let (code, told, _) = check(&["damaged-code", "ｄａｍａｇｅｄ－ｃｈｕｎｋ"], "zh_CN.UTF-8");
    assert_eq!((code, told.starts_with("正确。")), (Some(0), true), "{told}");
    let (code, told, _) = check(&["damaged-code", "unknown-signer"], "C");
    assert_eq!(code, Some(44));
    assert!(told.starts_with("Not so. ") && !told.contains("damaged-chunk"), "{told}");
    let (code, _, trouble) = check(&["damaged", "x"], "C");
    assert_eq!(code, Some(2));
    assert!(trouble.contains("calm-delay") && trouble.contains("bridge-silence"), "it lists the names: {trouble}");
    for (answer, words) in
        [("", "empty"), ("many", "whole number"), ("3000 ms", "another unit"), (&"1".repeat(90), "80 characters")]
    {
        let (code, told, trouble) = check(&["calm-delay", answer], "C");
        assert_eq!((code, told.as_str()), (Some(2), ""), "{answer}");
        assert!(trouble.contains(words), "{answer}: {trouble}");
    }
    assert_eq!(check(&["calm-delay", "-3"], "C").0, Some(2));
    assert_eq!(check(&["calm-delay", "12", "s"], "C").0, Some(0));
}

#[test]
fn check_lists_the_exercises_and_asks_one() {
    let (english, chinese) = (stdout(&gap_sim(&["check"], "C")), stdout(&gap_sim(&["check"], "zh_CN.UTF-8")));
    for exercise in gap_sim::exercise::exercises() {
        assert!(english.contains(&format!("{} ", exercise.name)) && english.contains(exercise.question[0]));
        assert!(chinese.contains(exercise.question[1]));
    }
    let asked = stdout(&gap_sim(&["check", "calm-knows"], "C"));
    assert!(asked.contains("\n  a) ") && asked.contains("\n  c) ") && !asked.contains("\n  d) "), "{asked}");
}
