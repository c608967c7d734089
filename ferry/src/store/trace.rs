//! What is kept of the rows of a batch so that they are found again: a keyed digest of each key, never the key.
//!
//! An entry has [`ENTRY_BYTES`] bytes, and [`RUN_ENTRY_BYTES`] in the end. Whoever steals the database cannot try guesses of
//! keys on it: the digests are under a secret that lies elsewhere.

use ferry_core::contract::Table;
use ferry_core::ports::Direction;
use ferry_format::{Digest, KEYED_DIGEST_BYTES, KEYED_SECRET_BYTES, KeyedDigest, Op, StreamName};

use super::BatchRow;

/// The version of ferry's tables from which on rows can be traced.
pub const TRACE_SCHEMA: u64 = 4;
/// The purpose, so that no other use of the secret yields the same digests.
const LABEL: &str = "ferry-trace-1";
/// What tells keys apart in the database.
const MARK: &[u8] = b"mark";
/// Print 8, what and whether parked 1, age 5.
pub(super) const ENTRY_BYTES: usize = PRINT_BYTES + TAIL_BYTES;
/// Print 8, batch within the run 1, row 3, what and whether parked 1, age 5.
pub(super) const RUN_ENTRY_BYTES: usize = PRINT_BYTES + 1 + ROW_BYTES + TAIL_BYTES;
const PRINT_BYTES: usize = KEYED_DIGEST_BYTES;
/// A batch has at most a hundred thousand rows.
const ROW_BYTES: usize = 3;
const TAIL_BYTES: usize = 1 + AGE_BYTES;
/// Milliseconds up to 34 years.
const AGE_BYTES: usize = 5;
/// An age that is not known.
const NO_AGE: u64 = (1 << (8 * AGE_BYTES)) - 1;
const PARKED: u8 = 1 << 7;
const OPS: [(u8, Op); 3] = [(1, Op::Insert), (2, Op::Update), (3, Op::Delete)];

/// A key, as the index knows it.
pub(super) type Print = [u8; PRINT_BYTES];

/// The secret of a zone under which keys of rows are digested.
#[derive(Debug, Clone)]
pub struct TraceKey {
    digest: KeyedDigest,
}

impl TraceKey {
    /// The key of a secret.
    #[must_use]
    pub fn new(secret: &[u8; KEYED_SECRET_BYTES]) -> Self {
        Self { digest: KeyedDigest::new(secret, LABEL) }
    }

    /// Which key it is. It tells nothing about the secret, and no row has it as its print.
    #[must_use]
    pub fn mark(&self) -> String {
        u64::from_be_bytes(self.digest.of(&[MARK])).to_string()
    }

    /// The print of a key: the JSON array of its values. No table's name has a zero byte in it.
    pub(super) fn print(&self, table: &str, key: &[u8]) -> Print {
        self.digest.of(&[table.as_bytes(), &[0], key])
    }
}

/// One row of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    pub print: Print,
    /// What the row does; `None` where the captured line could not be read any more.
    pub op: Option<Op>,
    /// Whether it was parked alone.
    pub parked: bool,
    /// The milliseconds from its capture to the cut of its batch, if known.
    pub age_ms: Option<u64>,
}

impl Entry {
    pub fn to_bytes(self) -> [u8; ENTRY_BYTES] {
        let mut bytes = [0; ENTRY_BYTES];
        let (print, tail) = bytes.split_at_mut(PRINT_BYTES);
        print.copy_from_slice(&self.print);
        let op = OPS.iter().find(|(_, op)| Some(*op) == self.op).map_or(0, |(number, _)| *number);
        tail[0] = op | if self.parked { PARKED } else { 0 };
        let age = self.age_ms.unwrap_or(NO_AGE).min(NO_AGE).to_be_bytes();
        tail[1..].copy_from_slice(&age[age.len() - AGE_BYTES..]);
        bytes
    }

    pub fn of_bytes(bytes: &[u8; ENTRY_BYTES]) -> Self {
        let (mut print, mut age) = ([0; PRINT_BYTES], [0; 8]);
        print.copy_from_slice(&bytes[..PRINT_BYTES]);
        let tail = &bytes[PRINT_BYTES..];
        age[8 - AGE_BYTES..].copy_from_slice(&tail[1..]);
        let age = u64::from_be_bytes(age);
        let op = OPS.iter().find(|(number, _)| *number == tail[0] & !PARKED).map(|(_, op)| *op);
        Self { print, op, parked: tail[0] & PARKED != 0, age_ms: (age != NO_AGE).then_some(age) }
    }
}

/// An entry with its place in a run of batches. In order of bytes, equal prints lie together.
pub(super) type RunEntry = [u8; RUN_ENTRY_BYTES];

/// The entry of `row` in the batch at `offset` of a run.
pub(super) fn run_entry(entry: &[u8; ENTRY_BYTES], offset: u8, row: u32) -> RunEntry {
    let mut bytes = [0; RUN_ENTRY_BYTES];
    bytes[..PRINT_BYTES].copy_from_slice(&entry[..PRINT_BYTES]);
    bytes[PRINT_BYTES] = offset;
    let row = row.to_be_bytes();
    bytes[PRINT_BYTES + 1..=PRINT_BYTES + ROW_BYTES].copy_from_slice(&row[row.len() - ROW_BYTES..]);
    bytes[PRINT_BYTES + 1 + ROW_BYTES..].copy_from_slice(&entry[PRINT_BYTES..]);
    bytes
}

/// Offset, row and entry.
pub(super) fn of_run_entry(bytes: &RunEntry) -> (u8, u32, Entry) {
    let mut entry = [0; ENTRY_BYTES];
    entry[..PRINT_BYTES].copy_from_slice(&bytes[..PRINT_BYTES]);
    entry[PRINT_BYTES..].copy_from_slice(&bytes[PRINT_BYTES + 1 + ROW_BYTES..]);
    let mut row = [0; 4];
    row[4 - ROW_BYTES..].copy_from_slice(&bytes[PRINT_BYTES + 1..=PRINT_BYTES + ROW_BYTES]);
    (bytes[PRINT_BYTES], u32::from_be_bytes(row), Entry::of_bytes(&entry))
}

/// Which row's life is asked for.
#[derive(Debug, Clone, Copy)]
pub struct TraceQuery<'q> {
    /// Which way the table's stream runs.
    pub direction: Direction,
    /// The stream.
    pub stream: &'q StreamName,
    /// The table.
    pub table: &'q Table,
    /// The canonical JSON array of its key, in key order.
    pub key: &'q str,
    /// The secret of the zone.
    pub secret: &'q TraceKey,
    /// At most so many changes, the latest.
    pub limit: usize,
}

/// Everything that a database knows of the life of one key.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Trace {
    /// Its changes in batches, in order.
    pub changes: Vec<TracedChange>,
    /// Earlier changes that the limit left out.
    pub left_out: usize,
    /// Its changes in the outbox, in order.
    pub waiting: Vec<WaitingRow>,
    /// Its captured changes that operators passed over.
    pub passed: Vec<PassedRow>,
    /// Batches in which it could not be looked for, in order.
    pub unsearched: Vec<Unsearched>,
    /// Whether the index was ever kept under the secret.
    pub secret_is_known: bool,
}

/// A change in a batch of the books.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TracedChange {
    /// The place's batch in the books.
    pub batch: BatchRow,
    /// The batch that holds it, where that took the place of another.
    pub instead: Option<Digest>,
    /// The record in the batch, from 0.
    pub row: u64,
    /// What it does.
    pub op: Op,
    /// When it was captured, wall clock of the program that wrote it; known only to its owner.
    pub captured_at_ms: Option<u64>,
    /// Whether it was parked alone when its batch was applied here.
    pub parked: bool,
    /// Why it is parked still.
    pub parked_code: Option<String>,
}

/// A captured change that is in no batch yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingRow {
    /// Its row in the outbox.
    pub id: u64,
    /// What it does; `None` when the line does not say.
    pub op: Option<Op>,
    /// When it was captured, wall clock of the program that wrote it, if known.
    pub captured_at_ms: Option<u64>,
}

/// A captured change that operators passed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassedRow {
    /// Its row in the outbox.
    pub id: u64,
    /// What it does; `None` when the line does not say.
    pub op: Option<Op>,
    /// The place of their act in the list of acts.
    pub act: u64,
    /// When, wall clock.
    pub at_ms: u64,
}

/// Batches that were not searched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsearched {
    /// The first.
    pub first: u64,
    /// The last.
    pub last: u64,
    /// Why.
    pub cause: UnsearchedCause,
}

/// Why batches were not searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnsearchedCause {
    /// They were recorded before the zone kept an index, or while it had no secret.
    NoIndex,
    /// They are indexed under another secret.
    OtherSecret,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn an_entry_is_read_as_it_was_written(
            print: Print, op in 0_usize..4, parked: bool, age in proptest::option::of(0..NO_AGE), offset: u8, row in 0_u32..1 << 24,
        ) {
            let entry = Entry { print, op: OPS.get(op).map(|(_, op)| *op), parked, age_ms: age };
            prop_assert_eq!(Entry::of_bytes(&entry.to_bytes()), entry);
            prop_assert_eq!(of_run_entry(&run_entry(&entry.to_bytes(), offset, row)), (offset, row, entry));
        }
    }

    #[test]
    fn an_age_that_does_not_fit_is_not_known() {
        let entry = Entry { print: [1; 8], op: Some(Op::Insert), parked: false, age_ms: Some(u64::MAX) };
        assert_eq!(Entry::of_bytes(&entry.to_bytes()).age_ms, None);
    }

    #[test]
    fn prints_differ_by_secret_table_and_key_and_show_nothing_of_them() {
        let key = TraceKey::new(&[1; 32]);
        let print = key.print("item", br#"["a"]"#);
        assert_eq!(print, key.clone().print("item", br#"["a"]"#));
        let others = [
            key.print("item", br#"["b"]"#),
            key.print("line", br#"["a"]"#),
            TraceKey::new(&[2; 32]).print("item", br#"["a"]"#),
        ];
        assert!(!others.contains(&print) && key.mark() != TraceKey::new(&[2; 32]).mark());
        assert!(!format!("{key:?}").contains('1'));
    }
}
