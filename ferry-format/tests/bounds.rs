//! What the source of this crate may not reach, and that announced sizes are refused before anything is reserved.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod support;

use std::path::Path;

use ferry_format::limits::{FILE_BYTES_MAX, HEADER_BYTES_MAX, PLAIN_BYTES_MAX, TRUST_BYTES_MAX};
use ferry_format::{Card, Carrier, Expect, FormatError, TrustStore, open_batch};
use support::raw::Parts;
use support::{keys, sample, trust};

#[test]
fn the_source_has_no_clock_files_threads_environment_or_randomness() {
    let forbidden = [
        "std::fs",
        "std::net",
        "std::time",
        "std::thread",
        "std::env",
        "std::process",
        "std::io",
        "getrandom",
        "SysRng",
        "HashMap",
        "HashSet",
    ];
    for (name, source) in sources() {
        for word in forbidden {
            assert!(!source.contains(word), "{name} names {word}");
        }
    }
}

#[test]
fn files_are_short() {
    for (name, source) in sources() {
        assert!(source.lines().count() <= 600, "{name} is too long");
    }
}

/// Each of these announces more than there may be, or is itself too long; none may be looked at any further.
#[test]
fn announced_sizes_are_refused_before_anything_is_reserved() {
    let trust = trust();
    let expect = Expect::any(&trust);
    let inner = keys("inner");
    let code = |bytes: &[u8]| open_batch(bytes, &expect, &inner).unwrap_err().code();

    let endless_header = [b"ferry/1 batch  \n".to_vec(), vec![b'{'; HEADER_BYTES_MAX + 1]].concat();
    assert_eq!(code(&endless_header), "limit");
    let deep_header = [b"ferry/1 batch  \n".to_vec(), vec![b'['; HEADER_BYTES_MAX - 1], vec![b'\n']].concat();
    assert_eq!(code(&deep_header), "not-canonical");
    let long_file = vec![0; usize::try_from(FILE_BYTES_MAX).unwrap() + 1];
    let long_file = [b"ferry/1 batch  \n", &long_file[..]].concat();
    assert_eq!(code(&long_file), "limit");

    let batch = sample::batch();
    let parts = Parts::cut(&batch);
    let announce = |from: &str, to: &str| parts.clone().replace(from, to).sign(&keys("outer")).join();
    let plain = format!("\"bytes\":{}", PLAIN_BYTES_MAX + 1);
    assert_eq!(code(&announce("\"bytes\":195", &plain)), "limit");
    let compressed = format!("\"compressed\":{}", parts.body.len() - 16);
    assert_eq!(code(&announce(&compressed, "\"compressed\":9007199254740991")), "limit");
    assert_eq!(code(&announce("\"records\":2", "\"records\":100001")), "limit");

    assert_eq!(Card::parse(&vec![b'x'; 9000]).unwrap_err().code(), "limit");
    let long_trust = vec![b'x'; TRUST_BYTES_MAX + 1];
    assert_eq!(TrustStore::parse(&long_trust).unwrap_err().code(), "limit");
    let text = Carrier::Base64.encode(&[0; 1000]);
    assert_eq!(Carrier::Base64.decode(&text, 999), Err(FormatError::Limit { what: "file bytes", max: 999 }));
}

fn sources() -> Vec<(String, String)> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let entries = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let sources: Vec<_> =
        entries.map(|path| (path.display().to_string(), std::fs::read_to_string(&path).unwrap())).collect();
    assert!(sources.len() > 20);
    sources
}
