//! What a store promises: the zone's own streams on their way out, the peer's on their way in, and what is refused.

pub mod acting;
pub mod applying;
pub mod beginning;
pub mod loading;
pub mod outgoing;
pub mod refusing;
pub mod reopening;
pub mod returning;
pub mod superseding;

use ferry_format::{
    Digest, EpochId, Group, Instance, Mark, Op, Payload, StreamName, Value, genesis, parse_record, write_record,
    write_value,
};

use super::{link, peer, zone};
use crate::contract::{Contract, StreamContract};
use crate::ports::{
    AppliedBatch, ApplyOutcome, ApplyRequest, BatchSource, CheckedBatch, CheckedRow, CutRequest, OutgoingBatch,
    PortError, RawCut, RecoveredIn, RecoveredOut, SourceFault, Store,
};

/// The contract of every fixture. Zone [`ZONE`](super::ZONE) owns `bill` and `notice`; `confirm` and `request` are the
/// peer's, and table `remark` of `confirm` is independent.
pub const CONTRACT: &str = include_str!("contract.toml");

/// No row of a table takes this word: a constraint called [`CONSTRAINT`] stands against it.
pub const BAD_WORD: &str = "poison";
/// The name of that constraint.
pub const CONSTRAINT: &str = "word_is_clean";

/// The instance id of the database of every fixture.
pub const INSTANCE: Instance = Instance([9; 16]);

/// The contract of every fixture, parsed.
#[must_use]
pub fn contract() -> Contract {
    Contract::parse(CONTRACT, "shop.toml").unwrap()
}

/// The next version of the contract, under which each stream has another digest.
#[must_use]
pub fn next_contract() -> Contract {
    Contract::parse(&CONTRACT.replace("max = 40", "max = 41"), "shop.toml").unwrap()
}

/// The id of the only epoch of a stream.
#[must_use]
pub fn epoch_id(stream: &StreamName) -> EpochId {
    let digest = Digest::of(&[stream.as_str().as_bytes()]);
    let mut id = EpochId([0; 8]);
    id.0.copy_from_slice(&digest.0[..8]);
    id
}

/// The database of the zone in a world of its own: the streams of the contract, its tables, and no rows.
pub trait StoreFixture {
    /// The store.
    fn store(&self) -> &dyn Store;

    /// The process ends and another one begins.
    fn reopen(&mut self);

    /// A program of the zone changes own tables in one transaction.
    fn commit(&mut self, changes: &[Change]);

    /// From now on changes are captured under this contract.
    fn adopt(&mut self, contract: &Contract);

    /// The rows of a table, each as the JSON array of its values, in any order.
    fn rows(&self, table: &str) -> Vec<String>;

    /// The rows of independent tables that were parked, in any order: seq, index in the batch, table.
    fn parked(&self, stream: &StreamName) -> Vec<(u64, u64, String)>;

    /// Another program keeps the database for itself, or lets go of it.
    fn keep_busy(&mut self, busy: bool);

    /// An operator hands an act in. Yields its place in the list.
    fn hand_in(&mut self, file: &[u8]) -> u64;

    /// An operator prepares what is to take the place of a batch.
    fn leave_draft(&mut self, payload: &Payload);

    /// From now on the tables take [`BAD_WORD`].
    fn mend(&mut self);

    /// The digests of the acts of the peer that are listed, ordered.
    fn listed(&self) -> Vec<Digest>;
}

/// One change of a table with a number as its key and a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The table.
    pub table: &'static str,
    /// What is done.
    pub op: Op,
    /// The key.
    pub no: u64,
    /// The word; without meaning for a delete.
    pub word: &'static str,
}

impl Change {
    /// The JSON array of the key.
    #[must_use]
    pub fn key(&self) -> String {
        format!("[{}]", self.no)
    }

    /// The JSON array of the values.
    #[must_use]
    pub fn values(&self) -> String {
        let mut text = Vec::new();
        write_value(&mut text, &Value::Text(self.word.into()));
        format!("[{},{}]", self.no, String::from_utf8(text).unwrap())
    }

    /// The record line that capture writes.
    fn line(&self) -> Vec<u8> {
        let no = Value::Integer(i64::try_from(self.no).unwrap());
        let mut line = Vec::new();
        match self.op {
            Op::Insert | Op::Update => {
                write_record(&mut line, self.table, self.op, &[no, Value::Text(self.word.into())]);
            }
            Op::Delete => write_record(&mut line, self.table, self.op, &[no]),
        }
        line
    }
}

fn insert(table: &'static str, no: u64, word: &'static str) -> Change {
    Change { table, op: Op::Insert, no, word }
}

fn update(table: &'static str, no: u64, word: &'static str) -> Change {
    Change { table, op: Op::Update, no, word }
}

fn delete(table: &'static str, no: u64) -> Change {
    Change { table, op: Op::Delete, no, word: "" }
}

fn name(stream: &str) -> StreamName {
    stream.parse().unwrap()
}

/// The record lines of changes, as a cut yields them.
fn lines(changes: &[Change]) -> Vec<u8> {
    changes.iter().map(Change::line).collect::<Vec<_>>().join(&b'\n')
}

/// The rows of a table in order.
fn sorted_rows(fixture: &dyn StoreFixture, table: &str) -> Vec<String> {
    let mut rows = fixture.rows(table);
    rows.sort();
    rows
}

/// The mark before the first batch of a stream.
fn beginning(stream: &str) -> Mark {
    let stream = name(stream);
    let (from, to) = match contract().stream(&stream).unwrap().owner == zone() {
        true => (zone(), peer()),
        false => (peer(), zone()),
    };
    let digest = genesis(&link(), &from, &to, &stream, 1, epoch_id(&stream));
    Mark { stream, epoch: 1, seq: 0, digest }
}

/// What the store remembers of an own stream.
fn own(fixture: &dyn StoreFixture, stream: &str) -> RecoveredOut {
    let streams = fixture.store().recover().unwrap().outgoing;
    streams.into_iter().find(|own| own.last.stream == name(stream)).unwrap()
}

/// What the store remembers of a stream of the peer.
fn theirs(fixture: &dyn StoreFixture, stream: &str) -> RecoveredIn {
    let streams = fixture.store().recover().unwrap().incoming;
    streams.into_iter().find(|peer| peer.stream == name(stream)).unwrap()
}

/// How many leaves the audit log has.
fn leaves(fixture: &dyn StoreFixture) -> u64 {
    fixture.store().recover().unwrap().audit.size
}

/// Rows of a stream with ids above `after`, up to `upto`.
fn cut(fixture: &dyn StoreFixture, stream: &str, after: u64, upto: u64, rows: u64) -> RawCut {
    fixture.store().cut(&CutRequest { stream: name(stream), after, upto, rows, bytes: u64::MAX }).unwrap()
}

/// A batch after `last` that holds the rows up to `through_id`.
fn outgoing(last: &Mark, rows: u64, through_id: u64) -> OutgoingBatch {
    let seq = last.seq + 1;
    OutgoingBatch {
        stream: last.stream.clone(),
        epoch: last.epoch,
        seq,
        digest: digest_of(seq),
        previous: last.digest,
        group: Group { first: seq, index: 0, last: true },
        rows,
        file_bytes: 700 + seq,
        through_id,
        cut_at_ms: 10 * seq,
        tables: Vec::new(),
    }
}

/// The mark of a batch.
fn mark_of(batch: &OutgoingBatch) -> Mark {
    Mark { stream: batch.stream.clone(), epoch: batch.epoch, seq: batch.seq, digest: batch.digest }
}

fn digest_of(seq: u64) -> Digest {
    Digest::of(&[b"batch", &seq.to_be_bytes()])
}

/// A batch of the peer's stream as the core hands it to a store.
fn checked(stream: &str, seq: u64, changes: &[Change]) -> CheckedBatch {
    let contract = contract();
    let stream = contract.stream(&name(stream)).unwrap();
    let (digest, chain, rows, bytes) = (digest_of(seq), digest_of(seq), Vec::new(), Vec::new());
    let mut batch = CheckedBatch { seq, digest, chain, act: None, file_bytes: 7, taken_at_ms: 5, rows, bytes };
    for change in changes {
        add_row(&mut batch, stream, &change.line());
    }
    batch
}

fn add_row(batch: &mut CheckedBatch, stream: &StreamContract, line: &[u8]) {
    let record = parse_record(line).unwrap();
    stream.check(&record).unwrap();
    let table = stream.tables.iter().position(|table| table.name == record.table).unwrap();
    let key: Vec<&Value<'_>> = stream.tables[table].key_values(&record).collect();
    let values = array(&mut batch.bytes, &record.values.iter().collect::<Vec<_>>());
    let key = array(&mut batch.bytes, &key);
    batch.rows.push(CheckedRow { table, op: record.op, values, key });
}

fn array(bytes: &mut Vec<u8>, values: &[&Value<'_>]) -> (usize, usize) {
    let from = bytes.len();
    for (index, value) in values.iter().enumerate() {
        bytes.push(if index == 0 { b'[' } else { b',' });
        write_value(bytes, value);
    }
    bytes.push(b']');
    (from, bytes.len())
}

/// Hands over what it is made of, in order, and tells how often it was asked.
struct Source(std::vec::IntoIter<Result<CheckedBatch, SourceFault>>);

impl BatchSource for Source {
    fn next(&mut self) -> Result<Option<CheckedBatch>, SourceFault> {
        self.0.next().transpose()
    }
}

/// Follows the only epoch of a stream of the peer.
fn follow(fixture: &dyn StoreFixture, stream: &str) {
    fixture.store().follow(epoch_id(&name(stream)), &beginning(stream), None).unwrap();
}

/// Asks the store to apply what a source hands over, on a mark.
fn apply_from(
    fixture: &dyn StoreFixture,
    expect: &Mark,
    source: Vec<Result<CheckedBatch, SourceFault>>,
) -> Result<ApplyOutcome, PortError> {
    let contract = contract();
    let contract = contract.stream(&expect.stream).unwrap();
    let request = ApplyRequest { contract, epoch_id: epoch_id(&expect.stream), expect, now_ms: 1_000 };
    fixture.store().apply(&request, &mut Source(source.into_iter()))
}

/// Asks the store to apply batches where the stream stands.
fn apply(fixture: &dyn StoreFixture, stream: &str, batches: &[&[Change]]) -> Result<ApplyOutcome, PortError> {
    let mark = fixture.store().watermark(&name(stream)).unwrap().unwrap();
    let batches = batches.iter().zip(mark.seq + 1..).map(|(changes, seq)| Ok(checked(stream, seq, changes)));
    apply_from(fixture, &mark, batches.collect())
}

/// An outcome without the time that it took.
fn timeless(outcome: ApplyOutcome) -> ApplyOutcome {
    match outcome {
        ApplyOutcome::Applied { mark, batches, parked_rows } => {
            let batches = batches.into_iter().map(|batch| AppliedBatch { apply_ms: 0, ..batch }).collect();
            ApplyOutcome::Applied { mark, batches, parked_rows }
        }
        other @ (ApplyOutcome::Refused(_) | ApplyOutcome::Spoiled(_) | ApplyOutcome::Moved(_)) => other,
    }
}

/// What applying batches up to `seq` yields: for each its seq, its rows applied and its rows parked.
fn applied(stream: &str, seq: u64, batches: &[(u64, u64, u64)], parked_rows: u64) -> ApplyOutcome {
    let mark = Mark { seq, digest: digest_of(seq), ..beginning(stream) };
    let one =
        |(seq, rows, parked): &(u64, u64, u64)| AppliedBatch { seq: *seq, rows: *rows, parked: *parked, apply_ms: 0 };
    ApplyOutcome::Applied { mark, batches: batches.iter().map(one).collect(), parked_rows }
}
