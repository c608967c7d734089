//! What the daemon does to the file system is a step that a test can refuse.

use crate::sources::{assert_none, sources};

/// Where the rule holds: what the daemon does once it holds its zone. Commands of the command line, the verification of archives and
/// the checks before a start end with an error and leave nothing half-done.
const WATCHED: [&str; 4] = ["ferry/src/files/", "ferry/src/store/sqlite/", "ferry/src/keyring/", "ferry/src/daemon/"];
/// The one place that calls the system, and what makes the databases of new zones.
const FREE: [&str; 2] = ["ferry/src/files/os.rs", "ferry/src/store/sqlite/create.rs"];

/// Ways to call it.
const CALLS: [&str; 14] = [
    "std::fs::read",
    "std::fs::rename",
    "std::fs::hard_link",
    "std::fs::remove",
    "std::fs::create",
    "std::fs::metadata",
    "std::fs::symlink_metadata",
    "std::fs::copy",
    "rustix::fs::open",
    "rustix::fs::mkdir",
    "rustix::fs::stat",
    " File::open(",
    ".sync_all(",
    ".write_all(",
];

#[test]
fn nothing_goes_past_the_steps_that_a_test_can_refuse() {
    let mut findings = Vec::new();
    let mut read = 0;
    for source in sources() {
        let is_test =
            ["/tests", "/ladder/", "/testing.rs", "/conformance.rs"].iter().any(|part| source.path.contains(part));
        let is_watched = WATCHED.iter().any(|start| source.path.starts_with(start)) && !is_test;
        if !source.is_rust() || !is_watched || FREE.contains(&source.path.as_str()) {
            continue;
        }
        read += 1;
        findings
            .extend(calls(&source.text).into_iter().map(|(number, call)| format!("{}:{number}: {call}", source.path)));
    }
    assert!(read > 30, "only {read} files were read");
    assert_none("a call goes past ferry/src/files/os.rs, and the ladder cannot refuse it", &findings);
}

/// Every call before the tests of a file, with its line.
fn calls(text: &str) -> Vec<(usize, &'static str)> {
    let lines = text.lines().take_while(|line| line.trim() != "mod tests {").enumerate();
    let found = lines.flat_map(|(index, line)| {
        CALLS.iter().filter(move |call| line.contains(**call)).map(move |call| (index + 1, *call))
    });
    found.collect()
}

#[test]
fn a_call_that_goes_past_is_found() {
    assert_eq!(calls("fn a() {\n    std::fs::read(path)?;\n}\n"), [(2, "std::fs::read")]);
    assert_eq!(calls("let file = File::open(path)?;"), [(1, " File::open(")]);
    assert!(calls("os::remove(path)?;\nmod tests {\n    std::fs::read(path);\n}\n").is_empty());
}
