//! A vector: one file that says what it is, what must come of it and with which keys, then a blank line, then bytes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// One vector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vector {
    pub name: String,
    /// `expect`, `what`, `story` and whatever else the kind needs.
    pub lines: Vec<(String, String)>,
    pub bytes: Vec<u8>,
}

impl Vector {
    pub fn new(name: &str, expect: &str, what: &str, story: &str, bytes: impl Into<Vec<u8>>) -> Self {
        let lines = [("expect", expect), ("what", what), ("story", story)];
        let lines = lines.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
        Self { name: name.to_owned(), lines, bytes: bytes.into() }
    }

    #[must_use]
    pub fn with(mut self, key: &str, value: &str) -> Self {
        self.lines.push((key.to_owned(), value.to_owned()));
        self
    }

    pub fn get(&self, key: &str) -> Option<&str> {
        self.lines.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    pub fn required(&self, key: &str) -> &str {
        self.get(key).unwrap_or_else(|| panic!("{} has no line {key}", self.name))
    }

    pub fn is_ok(&self) -> bool {
        self.required("expect") == "ok"
    }

    pub fn write(&self) -> Vec<u8> {
        let lines: String = self.lines.iter().map(|(key, value)| format!("{key}: {value}\n")).collect();
        [lines.as_bytes(), b"\n", &self.bytes].concat()
    }

    pub fn parse(name: &str, file: &[u8]) -> Self {
        let end = file.windows(2).position(|pair| pair == b"\n\n").unwrap_or_else(|| panic!("{name}: no blank line"));
        let head = std::str::from_utf8(&file[..end]).unwrap();
        let lines = head.lines().map(|line| {
            let (key, value) = line.split_once(": ").unwrap_or_else(|| panic!("{name}: {line}"));
            (key.to_owned(), value.to_owned())
        });
        let lines: Vec<_> = lines.collect();
        assert_eq!(lines[0].0, "expect", "{name}");
        Self { name: name.to_owned(), lines, bytes: file[end + 2..].to_vec() }
    }
}

/// Where vectors, keys and trust files lie.
pub fn testdata() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata")
}

/// Every vector in the directory, by name.
pub fn discover() -> Vec<Vector> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(testdata().join("vectors")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        assert_eq!(path.extension().and_then(|extension| extension.to_str()), Some("vec"), "{}", path.display());
        let vector = Vector::parse(&name, &std::fs::read(&path).unwrap());
        found.insert(name, vector);
    }
    found.into_values().collect()
}
