//! The main job end to end, small: real daemons, the real gate with all its faults, and both databases compared.

use std::process::{Command, Stdio};

use serde_json::Value;
use tests::pair::program;
use tests::workspace_root;

/// A seed with which the gate loses, doubles, corrupts and truncates something in this small run.
const SEED: &str = "3";

#[test]
fn the_demo_ends_with_both_sides_equal() {
    let place = tempfile::tempdir().expect("a scratch directory");
    let ferry = program("ferry");
    let programs = ferry.parent().expect("a program lies in a directory");
    let output = Command::new(env!("CARGO_BIN_EXE_demo"))
        .current_dir(place.path())
        .args(["--json", "--seed", SEED, "--size", "xs", "--notices", "600", "--confirmations", "600"])
        .arg("--bin-dir")
        .arg(programs)
        .stdin(Stdio::null())
        .output()
        .expect("the demo starts");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}\n{told}", output.status);

    let outcome: Value = serde_json::from_slice(&output.stdout).expect("the result is JSON");
    assert_eq!(outcome["equal"], true);
    assert_eq!(outcome["captured"], outcome["changes"]);
    assert_eq!(outcome["seed"].to_string(), SEED);
    let tables = outcome["tables"].as_array().expect("there are tables");
    assert_eq!(tables.len(), 27);
    for table in tables {
        assert_eq!(table["inner"], table["outer"], "{table}");
        assert!(table["inner"]["rows"].as_u64().is_some_and(|rows| rows > 0), "{table}");
        assert!(table["inner"]["sm3"].as_str().is_some_and(|digest| digest.len() == 64), "{table}");
    }
    for (way, zone) in [("inner_to_outer", "outer"), ("outer_to_inner", "inner")] {
        let count = |name: &str| outcome[way][name].as_u64().unwrap_or_default();
        assert!(count("files") > 0, "{outcome}");
        let damaged = count("corrupted") + count("truncated");
        assert!(outcome[zone]["quarantined"].as_u64().is_some_and(|kept| kept <= damaged), "{outcome}");
    }
    let faults: u64 =
        ["lost", "doubled", "corrupted", "truncated"].into_iter().map(|fault| both_ways(&outcome, fault)).sum();
    assert!(faults > 0, "a gate without a fault proves little; take another seed: {outcome}");
    the_commands_work(&outcome, place.path());
}

#[test]
fn a_folder_that_the_demo_did_not_make_is_left_alone() {
    let place = tempfile::tempdir().expect("a scratch directory");
    let letter = place.path().join("letter");
    std::fs::File::create(&letter).expect("a file can be made");
    let ferry = program("ferry");
    let output = Command::new(env!("CARGO_BIN_EXE_demo"))
        .arg("--dir")
        .arg(place.path())
        .arg("--bin-dir")
        .arg(ferry.parent().expect("a program lies in a directory"))
        .output()
        .expect("the demo starts");
    assert_eq!(output.status.code(), Some(25));
    assert!(letter.exists());
}

#[test]
fn the_first_command_of_the_readme_is_the_demo() {
    for page in ["README.md", "README.zh-CN.md"] {
        let text = std::fs::read_to_string(workspace_root().join(page)).expect("the page is there");
        let first = text.lines().skip_while(|line| !line.starts_with("```")).nth(1);
        assert_eq!(first, Some("cargo demo"), "{page}");
    }
}

fn both_ways(outcome: &Value, count: &str) -> u64 {
    ["inner_to_outer", "outer_to_inner"].into_iter().filter_map(|way| outcome[way][count].as_u64()).sum()
}

/// The commands that the demo names at its end do what they say, where the demo was started.
fn the_commands_work(outcome: &Value, place: &std::path::Path) {
    let commands = outcome["commands"].as_array().expect("there are commands");
    assert_eq!(commands.len(), 3);
    for command in commands {
        let command = command.as_str().expect("a command is a text");
        let output = Command::new("sh").current_dir(place).args(["-c", command]).output().expect("there is a shell");
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{command}: {}\n{told}", output.status);
    }
}
