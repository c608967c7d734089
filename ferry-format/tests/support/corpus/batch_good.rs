//! Batches that open, each with the seed that pins the writer's bytes.

use ferry_format::{BatchStatement, Compression, Group, Payload, PublicKey};

use crate::support::keys;
use crate::support::sample::{CONFIRM_ROWS, mark, payload, recipients, sealed_as, statement, supersede};
use crate::support::vector::Vector;

pub fn vectors() -> Vec<Vector> {
    let two = payload(&CONFIRM_ROWS);
    let plain = statement(&two);
    let mut required = plain.clone();
    required.requires = vec![mark("notice", 1, 12), mark("request", 4, 1)];
    let mut middle = plain.clone();
    middle.group = Group { first: 1, index: 2, last: false };
    let mut replacing = plain.clone();
    supersede(&mut replacing, &["ann", "bob"]);
    let mut maximal = plain.clone();
    (maximal.epoch, maximal.seq, maximal.cut_at_ms) = (99_999_999, 999_999_999_999, 9_007_199_254_740_991);
    maximal.group = Group { first: 1, index: 999_999_999_998, last: true };
    maximal.tables[0].totals.insert("amount_fen".to_owned(), i128::MIN);

    let mut vectors = vec![
        pinned("batch_two_rows", "Two rows, compressed.", &plain, &two),
        pinned("batch_requires", "Waits for batches of two other streams.", &required, &two),
        pinned("batch_group_middle", "In the middle of a group.", &middle, &two),
        pinned("batch_supersedes", "Takes the place of a refused group; two operators approve.", &replacing, &two),
        pinned("batch_largest_numbers", "Every number at its maximum.", &maximal, &two),
    ];
    let rows: [(&str, &str, &[&str]); 4] = [
        ("batch_no_rows", "No rows at all: salt only.", &[]),
        ("batch_delete", "One row is removed; a record of it has the key only.", &[r#"["confirm","d","0001"]"#]),
        (
            "batch_two_tables",
            "Rows of two tables, interleaved.",
            &[
                r#"["confirm_item","i","0001",1,500]"#,
                r#"["confirm","i","0001","x",500]"#,
                r#"["confirm_item","i","0001",2,-500]"#,
            ],
        ),
        (
            "batch_hard_texts",
            "Control characters, the empty text, characters outside the basic plane, the least integer.",
            &[
                "[\"confirm\",\"i\",\"\\u0000\\u001f\\b\\t\\n\\f\\r\\\"\\\\/\u{7f}\",\"\",-9223372036854775808,\"\u{20bb7}\u{1f4b4}\"]",
            ],
        ),
    ];
    for (name, story, rows) in rows {
        let payload = payload(rows);
        vectors.push(pinned(name, story, &statement(&payload), &payload));
    }
    vectors.extend(uncompressed());
    vectors.push(audited(&plain, &two));
    vectors
}

/// Chunks that end before, at and after their size.
fn uncompressed() -> Vec<Vector> {
    let cases = [
        ("batch_uncompressed", "Not compressed, one chunk.", 60),
        ("batch_one_full_chunk", "The only chunk is exactly full; no empty one follows.", 4096 - 32 - 1),
        ("batch_two_chunks", "The second chunk holds one byte.", 4096 - 32),
    ];
    let vectors = cases.into_iter().map(|(name, story, row_bytes)| {
        let row = format!("[\"confirm\",\"i\",\"{}\"]", "x".repeat(row_bytes - 18));
        assert_eq!(row.len(), row_bytes);
        let payload = payload(&[&row]);
        sealed_vector(name, story, &statement(&payload), &payload, &recipients(), Compression::None)
    });
    vectors.collect()
}

fn audited(statement: &BatchStatement, payload: &Payload) -> Vector {
    let mut recipients = recipients();
    recipients.push(keys("auditor").encrypt_public().clone());
    let name = "batch_three_recipients";
    sealed_vector(name, "Sealed to an auditor too.", statement, payload, &recipients, Compression::Zstd)
}

fn pinned(name: &str, story: &str, statement: &BatchStatement, payload: &Payload) -> Vector {
    sealed_vector(name, story, statement, payload, &recipients(), Compression::Zstd)
}

fn sealed_vector(
    name: &str,
    story: &str,
    statement: &BatchStatement,
    payload: &Payload,
    recipients: &[PublicKey],
    compression: Compression,
) -> Vector {
    let bytes = sealed_as(statement, payload, name, recipients, compression, 4096);
    Vector::new(name, "ok", "batch", story, bytes)
        .with("trust", "both")
        .with("keys", "inner")
        .with("writes", "yes")
        .with("signer", "outer")
        .with("entropy-seed", name)
}
