//! Batches: whole files, single records, and files made from a statement and what it is about.

use ferry_format::lines::write_batch_header;
use ferry_format::magic::MAGIC_BYTES;
use ferry_format::{
    Batch, Compression, Expect, Kind, SignedBatch, Verified, batch_head, inspect_batch, inspect_head, open_batch,
    parse_record, reseal_batch, seal_batch, verify_batch, verify_head, write_record,
};

use crate::forge::{self, BATCH};
use crate::layout;
use crate::refusal::accepted;
use crate::zones::{Counted, ZONES, cheaply};

/// The largest plaintext that the target unpacks itself, in bytes: as much as libFuzzer may well invent, and no bomb.
const UNPACKED_BYTES_MAX: u64 = 1 << 20;

/// Takes one of four inputs, told apart by the first byte:
///
/// - `f`, with which every file begins: a whole file;
/// - `[`: one record;
/// - `r`: a statement, a newline, and records that are sealed as they are;
/// - anything else: a statement, a newline, and a zstd frame that is sealed as it is.
pub fn batch(bytes: &[u8]) -> bool {
    match bytes.split_first() {
        Some((b'f', _)) => open(bytes).is_some(),
        Some((b'[', _)) => record(bytes),
        Some((b'r', rest)) => cheaply(|| records(rest)),
        Some((_, rest)) => cheaply(|| frame(rest)),
        None => false,
    }
}

/// A record that is read is spelled exactly so.
fn record(line: &[u8]) -> bool {
    let Ok(record) = parse_record(line) else { return false };
    let mut written = Vec::new();
    write_record(&mut written, &record.table, record.op, &record.values);
    assert!(written == line, "a record has a second spelling");
    true
}

/// A batch of which statement and rows are read is sealed by the product to the same bytes.
fn records(bytes: &[u8]) -> bool {
    let (statement, rows) = cut(bytes);
    let plain = [&BATCH.salt[..], rows].concat();
    let file = forge::seal(Kind::Batch, &forge::about(statement, &plain), &plain, Compression::None);
    let Some(batch) = open(&file) else { return false };
    let sealed = seal_batch(&batch.statement, &batch.payload, &forge::sealing(&ZONES.outer), &mut Counted::default())
        .expect("a writer accepts what a reader accepted");
    assert!(sealed.bytes == file, "a batch has a second spelling");
    assert!(batch.records().all(record), "a batch holds a record that is none");
    true
}

/// A batch of which the frame is unpacked is sealed again under the same identity.
fn frame(bytes: &[u8]) -> bool {
    let (statement, frame) = cut(bytes);
    let statement = match unpack(frame) {
        Some(plain) => forge::about(statement, &plain),
        None => statement.to_vec(),
    };
    let file = forge::seal(Kind::Batch, &statement, frame, Compression::Zstd);
    let Some(batch) = open(&file) else { return false };
    let sealed = reseal_batch(&batch, &forge::sealing(&ZONES.outer), &mut Counted::default());
    let sealed = sealed.expect("a writer accepts what a reader accepted");
    assert!(sealed.digest == batch.digest, "a batch that is sealed again is another one");
    true
}

/// Reads a whole file in each of the three ways. What opens verifies, what verifies can be inspected, and all three
/// agree.
fn open(file: &[u8]) -> Option<Verified<Batch>> {
    let expect = Expect::any(&ZONES.trust);
    let inspected = inspect_batch(file);
    if let Ok(inspected) = &inspected {
        let header = write_batch_header(&inspected.envelope, &inspected.statement);
        layout::check(file, &header, &inspected.envelope);
    }
    let verified = verify_batch(file, &expect);
    heads(file, inspected.is_ok(), verified.as_ref().ok());
    let opened = open_batch(file, &expect, &ZONES.inner);
    if let Ok(verified) = &verified {
        let inspected = inspected.expect("what verifies can be inspected");
        assert_eq!((&verified.statement, verified.digest), (&inspected.statement, inspected.digest));
    }
    let batch = accepted(opened)?;
    let verified = verified.expect("what opens verifies");
    assert_eq!((&verified.statement, verified.digest, verified.signer), (&batch.statement, batch.digest, batch.signer));
    assert_eq!(batch.records().count() as u64, batch.statement.records);
    Some(batch)
}

/// Nothing verifies as a batch and as a head. The head of a batch proves what the batch proves; a head that is read has the
/// bytes that it should.
fn heads(file: &[u8], is_batch: bool, verified: Option<&Verified<SignedBatch>>) {
    let expect = Expect::any(&ZONES.trust);
    let kept = inspect_head(file);
    assert!(verified.is_none() || verify_head(file, &expect).is_err(), "a file verifies as a batch and as a head");
    if let Ok(head) = &kept {
        let header = write_batch_header(&head.envelope, &head.statement);
        assert!(file[MAGIC_BYTES..].starts_with(&header), "a header is written to other bytes");
    }
    assert!(kept.is_ok() || verify_head(file, &expect).is_err(), "what verifies can be inspected");
    let Ok(head) = batch_head(file) else {
        assert!(!is_batch, "a batch has a head");
        return;
    };
    assert!(is_batch && inspect_head(&head).is_ok(), "the head of a batch is one");
    if let Some(batch) = verified {
        let head = verify_head(&head, &expect).expect("the head of what verifies does");
        assert_eq!((&head.statement, head.digest, head.signer), (&batch.statement, batch.digest, batch.signer));
    }
}

fn unpack(frame: &[u8]) -> Option<Vec<u8>> {
    let size = zstd::zstd_safe::get_frame_content_size(frame).ok()??;
    let size = usize::try_from(size).ok().filter(|_| size <= UNPACKED_BYTES_MAX)?;
    zstd::bulk::decompress(frame, size).ok()
}

fn cut(bytes: &[u8]) -> (&[u8], &[u8]) {
    let end = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
    (&bytes[..end], bytes.get(end + 1..).unwrap_or_default())
}
