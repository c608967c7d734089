//! A seed is one run, whatever the compiler makes of the simulator: the optimised program and the other tell the same hash.

use std::path::Path;
use std::process::Command;

use tests::pair::{build, program};

/// Worlds with real keys and as many kinds of faults as so few can have.
const SEEDS: [&str; 6] = ["1", "7", "42", "433", "2026", "152773725127428"];

#[test]
fn debug_and_release_tell_the_same_hash() {
    let debug = program("gap-sim");
    let target = debug.parent().and_then(Path::parent).expect("a program lies in the directory of its profile");
    let release = target.join("release");
    build(&release, &["-p", "gap-sim", "--bin", "gap-sim"]);
    let optimised = release.join("gap-sim");
    for seed in SEEDS {
        let one = hash(&debug, &["--seed", seed]);
        assert_eq!(one, hash(&debug, &["--seed", seed]), "seed {seed} run twice");
        assert_eq!(one, hash(&optimised, &["--seed", seed]), "seed {seed} in the two profiles");
    }
    let backlog = ["--seed", "1", "--backlog", "2000"];
    assert_eq!(hash(&debug, &backlog), hash(&optimised, &backlog));
}

/// The trace hash of a world, and how many lines and steps it took.
fn hash(program: &Path, options: &[&str]) -> [String; 2] {
    let output = Command::new(program).arg("run").args(options).output().expect("gap-sim starts");
    assert!(output.status.success(), "{options:?}: {}", String::from_utf8_lossy(&output.stdout));
    let text = String::from_utf8(output.stdout).expect("gap-sim writes UTF-8");
    let line = |start: &str| text.lines().find(|line| line.starts_with(start)).expect("a run tells it").to_owned();
    [line("trace hash "), line("steps ")]
}
