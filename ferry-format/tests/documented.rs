//! The specification names every code, limit, magic line and field.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod support;

use std::path::Path;

use ferry_format::limits::*;

macro_rules! named {
    ($($name:ident),*) => {
        [$((stringify!($name), u64::try_from($name).unwrap())),*]
    };
}

#[test]
fn every_limit_stands_in_the_specification_with_its_value() {
    let page = page();
    let limits = named!(
        ZONE_NAME_BYTES_MAX,
        LINK_ID_BYTES_MAX,
        STREAM_NAME_BYTES_MAX,
        FILE_NAME_BYTES_MAX,
        INTEGER_MAX,
        HEADER_BYTES_MAX,
        HEADER_DEPTH_MAX,
        STATUS_BODY_BYTES_MAX,
        PLAIN_BYTES_MAX,
        COMPRESSED_BYTES_MAX,
        FILE_BYTES_MAX,
        RECORD_BYTES_MAX,
        RECORDS_MAX,
        COLUMNS_MAX,
        STREAMS_MAX,
        TABLES_MAX,
        RANGES_MAX,
        CODES_MAX,
        REPORTS_MAX,
        RECIPIENTS_MAX,
        WRAPPED_KEY_BYTES_MAX,
        SIGNATURE_BYTES_MAX,
        CHUNK_BYTES_MIN,
        CHUNK_BYTES_DEFAULT,
        CHUNK_BYTES_MAX,
        CHUNKS_MAX,
        ZSTD_WINDOW_LOG_MAX,
        SALT_BYTES,
        TEXT_BYTES_MAX,
        CARD_BYTES_MAX,
        REVOCATION_BYTES_MAX,
        TRUST_BYTES_MAX,
        TABLE_NAME_BYTES_MAX,
        EPOCH_MAX,
        SEQ_MAX,
        ATTEMPT_MAX,
        SUPERSEDED_MAX,
        APPROVALS_MAX,
        CONTRACTS_MAX,
        FORMATS_MAX,
        CARDS_MAX,
        WANTS_MAX,
        REASON_CHARS_MAX,
        ACT_BYTES_MAX,
        ACT_TOLD_BYTES_MAX,
        ACTS_MAX,
        TRUST_ENTRIES_MAX
    );
    let declared = include_str!("../src/limits.rs").matches("pub const ").count();
    assert_eq!(limits.len(), declared, "this test lists every limit");
    for (name, value) in limits {
        assert!(page.contains(&format!("| `{name}` | {value} |")), "{name} = {value}");
    }
}

#[test]
fn every_code_stands_in_the_specification() {
    let page = page();
    let codes =
        [support::codes(include_str!("../src/error.rs")), support::codes(include_str!("../src/records.rs"))].concat();
    assert!(codes.len() > 40, "{} codes", codes.len());
    for code in codes {
        assert!(page.contains(&format!("| `{code}` | ")), "{code}");
    }
}

#[test]
fn every_magic_line_and_label_stands_in_the_specification() {
    let page = page();
    for kind in ferry_format::Kind::ALL {
        let magic = std::str::from_utf8(kind.magic()).unwrap().trim_end_matches('\n');
        assert!(page.contains(&format!("| {} | `{magic}` |", kind.name())), "{magic}");
    }
    for label in [ferry_format::STATEMENT_LABEL, ferry_format::STATUS_LABEL, ferry_format::statement::GENESIS_LABEL] {
        let label = std::str::from_utf8(label).unwrap().replace('\n', "\\n");
        assert!(page.contains(&label), "{label}");
    }
}

#[test]
fn every_field_of_a_vector_stands_in_the_specification() {
    let page = page();
    for vector in support::vector::discover().iter().filter(|vector| vector.is_ok()) {
        for key in keys(&vector.bytes) {
            assert!(page.contains(&format!("`{key}`")) || page.contains(&format!(" {key},")), "{key}");
        }
    }
}

/// The keys in the first canonical line of a file.
fn keys(bytes: &[u8]) -> Vec<String> {
    let lines = bytes.split(|byte| *byte == b'\n');
    let line = lines.filter_map(|line| std::str::from_utf8(line).ok()).find(|line| line.starts_with('{'));
    let parts = line.unwrap_or_default().split("\":").map(|part| part.rsplit('"').next().unwrap().to_owned());
    let mut keys: Vec<String> = parts.collect();
    keys.pop();
    keys.retain(|key| !["envelope", "statement", "amount_fen"].contains(&key.as_str()));
    keys
}

fn page() -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("docs/format.md")).unwrap()
}
