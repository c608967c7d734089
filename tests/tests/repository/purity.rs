//! The pure crates name no clock, no file, no randomness of the operating system, no socket and no thread.

use crate::sources::{Source, assert_none, sources};

/// Where the rule holds. A program's own files are its edge, so they are outside.
const PURE: [&str; 4] = ["ferry-format/src/", "ferry-core/src/", "contract/src/", "gap-sim/src/"];
const EDGE: [&str; 2] = ["gap-sim/src/bin/", "gap-sim/src/main.rs"];

/// Modules of the standard library that reach the operating system.
const MODULES: [&str; 6] = ["env", "fs", "net", "os", "process", "thread"];

/// Other names that reach it, wherever they come from.
const NAMES: [&str; 13] = [
    "Instant",
    "SystemTime",
    "OsRng",
    "SysRng",
    "SystemRandom",
    "RandomState",
    "getrandom",
    "stdin",
    "stdout",
    "stderr",
    "rustix",
    "tokio",
    "sqlx",
];

#[test]
fn pure_crates_name_nothing_of_the_operating_system() {
    let mut findings = Vec::new();
    let mut read = 0;
    for source in sources().iter().filter(|source| is_pure(source)) {
        read += 1;
        for (number, line) in shipped_lines(&source.text) {
            for name in forbidden(line) {
                findings.push(format!("{}:{number}: {name}", source.path));
            }
        }
    }
    assert!(read >= PURE.len(), "only {read} files were read");
    assert_none("a pure crate reaches the operating system", &findings);
}

#[test]
fn each_way_of_naming_a_module_is_found() {
    assert_eq!(forbidden("use std::fs;"), ["std::fs"]);
    assert_eq!(forbidden("use std::{fmt, fs::File};"), ["std::fs"]);
    assert_eq!(forbidden("    let now = std::time::Instant::now();"), ["Instant"]);
    assert_eq!(forbidden("use std::os::fd::AsFd as _;"), ["std::os"]);
    assert!(forbidden("use std::fmt; // not std::fs").is_empty());
    assert!(forbidden("let instantly = offset;").is_empty());
}

#[test]
fn tests_at_the_end_of_a_file_are_free() {
    let text = "fn a() {}\n\n#[cfg(test)]\nmod tests {\n    use std::fs;\n}\n";
    assert_eq!(shipped_lines(text).count(), 2);
}

fn is_pure(source: &Source) -> bool {
    let is_test = source.path.ends_with("/tests.rs") || source.path.contains("/tests/");
    source.is_rust()
        && !is_test
        && PURE.iter().any(|start| source.path.starts_with(start))
        && !EDGE.iter().any(|start| source.path.starts_with(start))
}

/// The numbered lines before the tests, which the house keeps at the end of a file.
fn shipped_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let numbered = text.lines().enumerate().map(|(index, line)| (index + 1, line));
    numbered.take_while(|(_, line)| line.trim() != "#[cfg(test)]")
}

fn forbidden(line: &str) -> Vec<String> {
    let code = line.split("//").next().unwrap_or_default();
    let words: Vec<&str> = code.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|w| !w.is_empty()).collect();
    let mut found = Vec::new();
    for module in MODULES {
        let by_path = words.windows(2).any(|pair| pair == ["std", module]);
        let in_group = code.contains("std::{") && words.contains(&module);
        if by_path || in_group {
            found.push(format!("std::{module}"));
        }
    }
    found.extend(NAMES.iter().filter(|name| words.contains(name)).map(|name| (*name).to_owned()));
    found
}
