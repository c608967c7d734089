//! Nothing in the repository knows the machine that it was written on.

use crate::sources::{assert_none, sources};

/// Directories of one machine. Each is put together here so that this file does not hold it.
const MACHINE_PATHS: [&str; 5] = [
    concat!("/wo", "rk/"),
    concat!("/ro", "ot/"),
    concat!("/ho", "me/"),
    concat!("/Us", "ers/"),
    concat!("/opt/", "wheels"),
];

/// Hosts that serve packages; which one serves a build is that machine's affair.
const PACKAGE_HOSTS: [&str; 6] = [
    concat!("index.cra", "tes.io"),
    concat!("static.cra", "tes.io"),
    concat!("py", "pi.org"),
    concat!("python", "hosted.org"),
    concat!("registry.n", "pmjs"),
    concat!("proxy.go", "lang"),
];

#[test]
fn no_file_names_a_path_of_one_machine() {
    assert_none("machine paths", &occurrences(&MACHINE_PATHS));
}

#[test]
fn no_file_names_a_host_of_packages() {
    assert_none("package hosts", &occurrences(&PACKAGE_HOSTS));
}

#[test]
fn no_file_leans_on_a_number_in_a_tracker() {
    let mut findings = Vec::new();
    for source in sources().iter().filter(|source| source.path != "Cargo.lock") {
        for (index, line) in source.text.lines().enumerate() {
            if tracker_number(line) {
                findings.push(format!("{}:{}", source.path, index + 1));
            }
        }
    }
    assert_none("say what it was about instead", &findings);
}

#[test]
fn a_tracker_number_is_found() {
    assert!(tracker_number(concat!("// See iss", "ue #12.")));
    assert!(tracker_number(concat!("Fixes", " #3")));
    assert!(!tracker_number("batch #12 of the stream; an issue of notices"));
}

fn occurrences(patterns: &[&str]) -> Vec<String> {
    let mut findings = Vec::new();
    for source in sources().iter().filter(|source| source.path != "Cargo.lock") {
        for (index, line) in source.text.lines().enumerate() {
            for pattern in patterns.iter().filter(|pattern| line.contains(**pattern)) {
                findings.push(format!("{}:{}: {pattern}", source.path, index + 1));
            }
        }
    }
    findings
}

fn tracker_number(line: &str) -> bool {
    let words: Vec<String> = line.split_whitespace().map(str::to_lowercase).collect();
    words.windows(2).any(|pair| {
        let verb = ["issue", "issues", "fixes", "closes", "resolves"].contains(&pair[0].trim_start_matches('('));
        verb && pair[1].trim_start_matches('#').starts_with(|c: char| c.is_ascii_digit())
    })
}
