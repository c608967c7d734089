//! Writes the index by which rows are found again, in the transactions that record and apply their batches.
//!
//! Each batch first has its entries in one blob, in its own order. When there are [`RUN_ROWS`] of them, or [`RUN_BATCHES`] batches
//! of a stream, they are sorted by print into one run, in chunks, so that a search reads one chunk of each run instead of every batch. A row is
//! written twice so, both times in sequence; an ordinary index would touch a page for every row.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use ferry_core::contract::{Contract, StreamContract};
use ferry_core::ports::{CheckedBatch, Direction, OutgoingBatch};
use ferry_format::limits::RECORDS_MAX;
use ferry_format::{LinkId, Mark, Op, Payload, StreamName, parse_record_head, write_value};

use super::dialect::SqliteDialect;
use super::failure::{DbError, corrupt};
use super::lane::{Columns as _, Session, args, sql};
use super::notes::direction_name;
use super::trace_ahead::{Ahead, Captured};
use crate::store::dialect::Dialect as _;
use crate::store::trace::{ENTRY_BYTES, Entry, RunEntry, TraceKey, run_entry};

/// Batches of one run: as many as one byte tells apart.
const RUN_BATCHES: u64 = 256;
/// A run ends with the batch by which it has so many rows. Sorting them takes 10 MiB of memory and some tens of milliseconds, in
/// which programs wait for the database; with fewer of them a search would have to look into more runs.
const RUN_ROWS: u64 = 1 << 18;
/// Entries of a chunk, 18 KiB: what a search reads of each run. A chunk is longer where one key changed more often.
const CHUNK_ENTRIES: usize = 1_024;

/// The index of one database under one secret.
pub(super) struct Index {
    secret: TraceKey,
    /// The number of the secret in the database.
    key: i64,
    /// The contracts under which own rows were captured, by their id.
    contracts: Mutex<BTreeMap<i64, Arc<Contract>>>,
    /// Rows that were cut and are not recorded.
    ahead: Ahead,
}

/// Rows of an outbox as they were read: lines joined by newlines, the times of their capture by commas.
#[derive(Debug, Default)]
pub(super) struct Lines {
    pub lines: Vec<u8>,
    pub times: String,
    /// The id of the contract under which all of them were captured.
    pub contract: i64,
}

/// Where entries belong.
struct Place<'p> {
    link: &'p LinkId,
    direction: Direction,
    stream: &'p StreamName,
    epoch: u64,
}

/// A batch that is not in a run yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Loose {
    seq: u64,
    key: i64,
    rows: u64,
}

impl Index {
    /// The index under a secret, in the caller's transaction.
    pub fn open(session: &mut Session, secret: TraceKey) -> Result<Self, DbError> {
        let mark = secret.mark();
        session.run(sql().trace.key_add, args![mark.as_str()])?;
        let key = keys(session)?.into_iter().find(|(_, other)| *other == mark);
        let (key, _) = key.ok_or_else(|| corrupt("a key's mark that was added is not there"))?;
        Ok(Self { secret, key, contracts: Mutex::new(BTreeMap::new()), ahead: Ahead::default() })
    }

    /// Takes up the rows that batches of one own stream hold, while they are still in the outbox: those above `after`, the
    /// last one that was recorded before.
    pub fn recorded(
        &self,
        session: &mut Session,
        link: &LinkId,
        batches: &[OutgoingBatch],
        mut after: u64,
    ) -> Result<(), DbError> {
        for batch in batches {
            let entries = self.captured(session, link, batch, after)?;
            let (direction, stream, epoch) = (Direction::Out, &batch.stream, batch.epoch);
            self.add(session, &Place { link, direction, stream, epoch }, batch.seq, 0, &entries)?;
            after = after.max(batch.through_id);
        }
        Ok(())
    }

    /// Reckons what will be kept of rows that were cut, before a batch of them is recorded.
    pub fn look_ahead(
        &self,
        session: &mut Session,
        stream: &StreamName,
        ids: &[u64],
        read: &Lines,
    ) -> Result<(), DbError> {
        if !ids.is_empty() {
            self.ahead.keep(stream, ids, self.read(session, stream, read)?);
        }
        Ok(())
    }

    /// The entries of the outbox rows above `after` that a batch holds.
    fn captured(
        &self,
        session: &mut Session,
        link: &LinkId,
        batch: &OutgoingBatch,
        after: u64,
    ) -> Result<Vec<Entry>, DbError> {
        if let Some(entries) = self.ahead.take(batch, after) {
            return Ok(entries);
        }
        let outbox = SqliteDialect.outbox(link, &batch.stream);
        let Some(read) = read_captured(session, &outbox, after, batch.through_id, RECORDS_MAX)? else {
            return Ok(Vec::new());
        };
        let rows = self.read(session, &batch.stream, &read)?;
        Ok(rows.into_iter().map(|row| row.in_batch(batch.cut_at_ms)).collect())
    }

    fn read(&self, session: &mut Session, stream: &StreamName, read: &Lines) -> Result<Vec<Captured>, DbError> {
        let contract = self.contract(session, read.contract)?;
        let contract = contract.stream(stream).ok_or_else(|| corrupt("a stream is not in its own contract"))?;
        let mut times = read.times.split(',');
        let mut key = Vec::new();
        let values_max = key_values_max(contract);
        let mut rows = Vec::new();
        for line in read.lines.split(|byte| *byte == b'\n') {
            let time = times.next().ok_or_else(|| corrupt("a line of the outbox has a newline in it"))?;
            let at_ms = time.parse::<u64>().ok().filter(|at_ms| *at_ms > 0);
            rows.push(Captured { entry: self.entry(line, contract, values_max, &mut key), at_ms });
        }
        match times.next() {
            None => Ok(rows),
            Some(_) => Err(corrupt("a row of the outbox has a time and no line")),
        }
    }

    fn contract(&self, session: &mut Session, id: i64) -> Result<Arc<Contract>, DbError> {
        let mut contracts = self.contracts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(contract) = contracts.get(&id) {
            return Ok(Arc::clone(contract));
        }
        let row = session.first(sql().trace.contract_text, args![id])?;
        let text = row.ok_or_else(|| corrupt("captured under a contract that is not registered"))?.string(0)?;
        let contract = Contract::parse(&text, "").map_err(|_| corrupt("a registered contract is damaged"))?;
        let contract = Arc::new(contract);
        contracts.insert(id, Arc::clone(&contract));
        Ok(contract)
    }

    /// The entry of a record line. One that cannot be read, which was sent before it became so, keeps its place.
    fn entry(&self, line: &[u8], contract: &StreamContract, values_max: usize, key: &mut Vec<u8>) -> Entry {
        let mut entry = Entry { print: [0; 8], op: None, parked: false, age_ms: None };
        let Ok(record) = parse_record_head(line, values_max) else { return entry };
        let Some(table) = contract.table(&record.table) else { return entry };
        if table.key_values(&record).count() != table.key.len() {
            return entry;
        }
        key.clear();
        for value in table.key_values(&record) {
            key.push(if key.is_empty() { b'[' } else { b',' });
            write_value(key, value);
        }
        key.push(b']');
        (entry.print, entry.op) = (self.secret.print(&table.name, key), Some(record.op));
        entry
    }

    /// Takes up the rows of a batch that was applied. `parked` are the indexes of those that were parked alone, ascending.
    pub fn applied(
        &self,
        session: &mut Session,
        link: &LinkId,
        mark: &Mark,
        contract: &StreamContract,
        batch: &CheckedBatch,
        parked: &[u64],
    ) -> Result<(), DbError> {
        let (direction, stream, epoch) = (Direction::In, &mark.stream, mark.epoch);
        self.checked(session, &Place { link, direction, stream, epoch }, contract, batch, parked)
    }

    /// Takes up the rows of an own batch that came back from the peer. When each was captured is lost.
    pub fn taken_back(
        &self,
        session: &mut Session,
        link: &LinkId,
        epoch: u64,
        contract: &StreamContract,
        batch: &CheckedBatch,
    ) -> Result<(), DbError> {
        let (direction, stream) = (Direction::Out, &contract.name);
        self.checked(session, &Place { link, direction, stream, epoch }, contract, batch, &[])
    }

    fn checked(
        &self,
        session: &mut Session,
        place: &Place<'_>,
        contract: &StreamContract,
        batch: &CheckedBatch,
        parked: &[u64],
    ) -> Result<(), DbError> {
        let mut entries = Vec::with_capacity(batch.rows.len());
        for (row, index) in batch.rows.iter().zip(0_u64..) {
            let print = self.secret.print(&contract.tables[row.table].name, batch.key(row));
            let parked = parked.binary_search(&index).is_ok();
            entries.push(Entry { print, op: Some(row.op), parked, age_ms: None });
        }
        self.add(session, place, batch.seq, 0, &entries)
    }

    /// Takes up the rows of a batch that an act puts into the place of another.
    pub fn superseding(
        &self,
        session: &mut Session,
        link: &LinkId,
        contract: &StreamContract,
        (epoch, seq, act): (u64, u64, u64),
        payload: &Payload,
    ) -> Result<(), DbError> {
        let (mut key, values_max) = (Vec::new(), key_values_max(contract));
        let entries: Vec<Entry> =
            payload.lines().map(|line| self.entry(line, contract, values_max, &mut key)).collect();
        let (direction, stream) = (Direction::Out, &contract.name);
        self.add(session, &Place { link, direction, stream, epoch }, seq, act, &entries)
    }

    fn add(
        &self,
        session: &mut Session,
        place: &Place<'_>,
        seq: u64,
        act: u64,
        entries: &[Entry],
    ) -> Result<(), DbError> {
        let rows = u64::try_from(entries.len()).map_err(|_| corrupt("a batch with too many rows"))?;
        let bytes: Vec<[u8; ENTRY_BYTES]> = entries.iter().map(|entry| entry.to_bytes()).collect();
        let (link, direction) = (place.link.as_str(), direction_name(place.direction));
        let of =
            args![link, direction, place.stream.as_str(), place.epoch, seq, act, self.key, rows, bytes.as_flattened()];
        session.run(sql().trace.batch_add, of)?;
        if act == 0 { sort(session, place, seq) } else { Ok(()) }
    }
}

/// Reads rows of an outbox above an id; `None` when there are none.
pub(super) fn read_captured(
    session: &mut Session,
    outbox: &str,
    after: u64,
    last: u64,
    rows_max: u64,
) -> Result<Option<Lines>, DbError> {
    let row = session.first(SqliteDialect.read_captured(outbox), args![after, last, rows_max])?;
    let row = row.ok_or_else(|| corrupt("an aggregate yielded no row"))?;
    let Some(times) = row.maybe_string(1)? else { return Ok(None) };
    // A text that is not UTF-8 is the sender's to judge, row by row.
    Ok(Some(Lines { lines: row.raw(0)?, times, contract: row.signed(2)? }))
}

/// So many values of a record hold its key, whichever table it is of: most keys stand first.
fn key_values_max(contract: &StreamContract) -> usize {
    contract.tables.iter().flat_map(|table| &table.key).max().map_or(0, |last| last + 1)
}

/// Id and mark of every secret under which the index was ever kept.
pub(super) fn keys(session: &mut Session) -> Result<Vec<(i64, String)>, DbError> {
    session.all(sql().trace.keys, &[])?.iter().map(|row| Ok((row.signed(0)?, row.string(1)?))).collect()
}

/// Sorts the batches up to `last` that are in no run into runs, when they are enough.
fn sort(session: &mut Session, place: &Place<'_>, last: u64) -> Result<(), DbError> {
    let (link, direction, stream) = (place.link.as_str(), direction_name(place.direction), place.stream.as_str());
    let first = last.saturating_sub(RUN_BATCHES - 1);
    let mut loose = Vec::new();
    for row in session.all(sql().trace.batch_list, args![link, direction, stream, place.epoch, first, last])? {
        loose.push(Loose { seq: row.int(0)?, key: row.signed(1)?, rows: row.int(2)? });
    }
    if !last.is_multiple_of(RUN_BATCHES) && loose.iter().map(|batch| batch.rows).sum::<u64>() < RUN_ROWS {
        return Ok(());
    }
    for run in runs(&loose) {
        let (Some(one), Some(other)) = (run.first(), run.last()) else { continue };
        let of = args![link, direction, stream, place.epoch, one.seq, other.seq];
        let entries = sorted(&session.all(sql().trace.batch_entries, of)?, one.seq)?;
        let of_run = args![link, direction, stream, place.epoch, one.seq, other.seq, one.key];
        let row = session.first(sql().trace.run_add, of_run)?;
        let id = row.ok_or_else(|| corrupt("a run that was added has no id"))?.int(0)?;
        for chunk in chunks(&entries) {
            let least = chunk.first().map_or(&[][..], |entry| &entry[..8]);
            session.run(sql().trace.chunk_add, args![id, least, chunk.as_flattened()])?;
        }
        session.run(sql().trace.batch_remove, of)?;
    }
    Ok(())
}

/// Batches that go into one run: they follow each other under one secret, and are enough.
fn runs(loose: &[Loose]) -> Vec<&[Loose]> {
    let mut runs = Vec::new();
    let (mut from, mut rows) = (0, 0);
    for (index, batch) in loose.iter().enumerate() {
        let follows = index == 0 || (loose[index - 1].seq + 1 == batch.seq && loose[index - 1].key == batch.key);
        if index > from && (!follows || rows >= RUN_ROWS) {
            runs.push(&loose[from..index]);
            (from, rows) = (index, 0);
        }
        rows += batch.rows;
    }
    runs.push(&loose[from..]);
    runs
}

fn sorted(batches: &[sqlx::sqlite::SqliteRow], first: u64) -> Result<Vec<RunEntry>, DbError> {
    let mut entries = Vec::new();
    for batch in batches {
        let out_of_place = |_| corrupt("a batch is not of its run");
        let offset = u8::try_from(batch.int(0)? - first).map_err(out_of_place)?;
        let bytes = batch.bytes(1)?;
        let (of_batch, rest) = bytes.as_chunks::<ENTRY_BYTES>();
        if !rest.is_empty() {
            return Err(corrupt("the index of a batch is damaged"));
        }
        entries.extend(of_batch.iter().zip(0_u32..).map(|(entry, row)| run_entry(entry, offset, row)));
    }
    entries.sort_unstable();
    Ok(entries)
}

/// Chunks of sorted entries; equal prints are never parted.
fn chunks(entries: &[RunEntry]) -> Vec<&[RunEntry]> {
    let mut chunks = Vec::new();
    let mut from = 0;
    for index in 0..entries.len() {
        if index - from >= CHUNK_ENTRIES && entries[index][..8] != entries[index - 1][..8] {
            chunks.push(&entries[from..index]);
            from = index;
        }
    }
    if from < entries.len() {
        chunks.push(&entries[from..]);
    }
    chunks
}

/// What a record does, as the index can tell it.
pub(super) fn op_of(letter: &str) -> Option<Op> {
    [Op::Insert, Op::Update, Op::Delete].into_iter().find(|op| letter.chars().eq([op.letter()]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loose(seq: u64, key: i64, rows: u64) -> Loose {
        Loose { seq, key, rows }
    }

    #[test]
    fn runs_end_at_holes_at_another_secret_and_where_rows_are_too_many() {
        let all = [
            loose(1, 1, 5),
            loose(2, 1, 5),
            loose(4, 1, 5),
            loose(5, 2, RUN_ROWS),
            loose(6, 2, 1),
            loose(7, 2, RUN_ROWS - 1),
            loose(8, 2, 1),
        ];
        assert_eq!(runs(&all), [&all[..2], &all[2..3], &all[3..4], &all[4..6], &all[6..]]);
    }

    #[test]
    fn chunks_never_part_equal_prints() {
        let entry = |print: u8, row: u32| run_entry(&[print; ENTRY_BYTES], 0, row);
        let hot = u32::try_from(CHUNK_ENTRIES).unwrap() * 2;
        let entries: Vec<RunEntry> = (0..5).map(|row| entry(1, row)).chain((0..hot).map(|row| entry(2, row))).collect();
        assert_eq!(chunks(&entries).len(), 1);
        let entries: Vec<RunEntry> = [entries, vec![entry(3, 0)]].concat();
        assert_eq!(chunks(&entries).iter().map(|chunk| chunk.len()).collect::<Vec<_>>(), [entries.len() - 1, 1]);
        assert!(chunks(&[]).is_empty());
    }
}
