//! The files of the repository, as the other tests read them.

use std::fs;
use std::path::Path;

use tests::workspace_root;

/// One text file of the repository.
pub struct Source {
    /// The path below the root, with `/` between its parts.
    pub path: String,
    pub text: String,
}

impl Source {
    pub fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    pub fn is_markdown(&self) -> bool {
        self.path.ends_with(".md")
    }

    /// Whether the file is data that a program made or another project wrote, which our rules about form do not reach.
    pub fn is_data(&self) -> bool {
        self.path.split('/').any(|part| ["testdata", "data", "corpus"].contains(&part))
            || [".snap", ".csv", ".lock", ".proptest-regressions"].iter().any(|end| self.path.ends_with(end))
            || self.path.starts_with("LICENSE-")
    }
}

/// Every text file that belongs to the repository, in the order of its paths.
pub fn sources() -> Vec<Source> {
    let mut found = Vec::new();
    collect(workspace_root(), "", &mut found);
    found.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(found.iter().any(|source| source.path == "Cargo.toml"), "the walk must begin at the workspace root");
    found
}

/// One file by its path below the root.
pub fn read(path: &str) -> String {
    fs::read_to_string(workspace_root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Fails with every finding on a line of its own.
pub fn assert_none(rule: &str, findings: &[String]) {
    assert!(findings.is_empty(), "{rule}:\n  {}", findings.join("\n  "));
}

/// Names at the root that git ignores or keeps for itself.
const OUTSIDE: [&str; 3] = ["target", ".git", "demo"];

fn collect(directory: &Path, prefix: &str, found: &mut Vec<Source>) {
    for entry in fs::read_dir(directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display())) {
        let entry = entry.expect("the directory was just opened");
        let name = entry.file_name().into_string().expect("names in the repository are UTF-8");
        if prefix.is_empty() && OUTSIDE.contains(&name.as_str()) {
            continue;
        }
        let path = format!("{prefix}{name}");
        if entry.file_type().expect("its kind is known").is_dir() {
            collect(&entry.path(), &format!("{path}/"), found);
        } else if let Ok(text) = fs::read_to_string(entry.path()) {
            found.push(Source { path, text });
        }
    }
}
