//! The course does what it says: its commands run, and what it names exists.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Output};

use gap_sim::exercise::exercises;
use gap_sim::scenario::Scenario;

const COURSE: &str = include_str!("../../docs/gap-sim.md");

#[test]
fn every_command_of_the_course_runs() {
    let room = tempfile::tempdir().unwrap();
    symlink(env!("CARGO_BIN_EXE_gap-sim"), room.path().join("gap-sim")).unwrap();
    let blocks = blocks("sh");
    assert!(blocks.len() > 30, "{}", blocks.len());
    for block in &blocks {
        let output = shell(room.path(), block);
        let told = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{block}\n{told}");
    }
    for page in ["virus-scan.html", "night.html"] {
        assert!(fs::read_to_string(room.path().join(page)).unwrap().ends_with("</html>\n"), "{page}");
    }
    let arrived = |name: &str| fs::read_to_string(room.path().join("room/inner/from-gate").join(name)).ok();
    assert_eq!(arrived("pay-1.txt"), None);
    assert_eq!(arrived("pay-2.txt").as_deref(), Some("payment 2\n"));
    assert_ne!(arrived("pay-3.txt").as_deref(), Some("payment 3\n"));
    assert_eq!(arrived("pay-4.txt").as_deref(), Some("payment 5\n"));
}

#[test]
fn every_exercise_is_in_the_course_and_every_one_there_exists() {
    let asked: Vec<&str> = words_after("gap-sim check ").into_iter().filter(|name| !name.starts_with("NAME")).collect();
    let known: Vec<&str> = exercises().map(|exercise| exercise.name).collect();
    let told: BTreeSet<&str> = asked.iter().copied().collect();
    assert_eq!(told, known.iter().copied().collect());
    let mut part = 0;
    for line in COURSE.lines() {
        if let Some(number) = line.strip_prefix("## ").and_then(|title| title.split(' ').next()?.parse::<u8>().ok()) {
            part = number;
        }
        let asked = line.strip_prefix("gap-sim check ");
        if let Some(exercise) = exercises().find(|exercise| Some(exercise.name) == asked) {
            assert_eq!(exercise.part, part, "{}", exercise.name);
        }
    }
    let parts =
        COURSE.lines().filter(|line| line.starts_with("## ")).filter(|line| line.as_bytes()[3].is_ascii_digit());
    assert_eq!(exercises().map(|exercise| exercise.part).max().map(usize::from), Some(parts.count()));
}

#[test]
fn every_scenario_and_option_that_the_course_names_exists() {
    for name in words_after("--scenario ") {
        assert!(Scenario::named(name).is_some(), "{name}");
    }
    let mut options = 0;
    for command in COURSE.split("gap-sim ").skip(1) {
        let command = command.replace("\\\n", " ");
        let mut words = command.split(['\n', '`']).next().unwrap().split_whitespace();
        let Some(verb) = words.next().filter(|verb| verb.bytes().all(|letter| letter.is_ascii_lowercase())) else {
            continue;
        };
        let help =
            Command::new(env!("CARGO_BIN_EXE_gap-sim")).args([verb, "--help"]).env("LC_ALL", "C").output().unwrap();
        let help = String::from_utf8(help.stdout).unwrap();
        for option in words.filter(|word| word.starts_with("--")) {
            assert!(help.contains(&format!("{option} ")) || help.contains(&format!("{option}\n")), "{verb} {option}");
            options += 1;
        }
    }
    assert!(options > 20, "{options}");
}

#[test]
fn the_seeds_of_the_power_cut_show_both_sides_of_the_commit() {
    let told = |seed| {
        let played = Scenario::named("power-cut").unwrap().play(seed);
        let lines: Vec<String> = played.entries().into_iter().map(|entry| entry.text[0].clone()).collect();
        let place = |part: &str| lines.iter().position(|line| line.contains(part));
        (place("applies batch confirm/1"), place("the power fails"))
    };
    let (applied, cut) = told(1);
    assert!(cut < applied, "before the rows are written");
    let (applied, cut) = told(6);
    assert!(applied < cut, "after");
}

/// The words that stand after a phrase, wherever it is in the course.
fn words_after(phrase: &str) -> Vec<&'static str> {
    let word = |rest: &'static str| {
        rest.split(|letter: char| letter != '-' && !letter.is_ascii_alphanumeric()).next().unwrap()
    };
    COURSE.split(phrase).skip(1).map(word).collect()
}

/// The code blocks of a language.
fn blocks(language: &str) -> Vec<&'static str> {
    let fence = format!("\n```{language}\n");
    COURSE.split(fence.as_str()).skip(1).map(|rest| rest.split("```").next().unwrap()).collect()
}

#[expect(clippy::disallowed_methods, reason = "the program of the test is found before any other of its name")]
fn shell(directory: &Path, script: &str) -> Output {
    let path = format!("{}:{}", directory.display(), std::env::var("PATH").unwrap_or_default());
    Command::new("sh")
        .args(["-e", "-c", script])
        .current_dir(directory)
        .env("PATH", path)
        .env("LC_ALL", "C")
        .output()
        .unwrap()
}
