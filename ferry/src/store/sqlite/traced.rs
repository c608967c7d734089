//! Finds a row again: in the index, in the outbox, and among what operators passed over.

use ferry_core::contract::{StreamContract, Table};
use ferry_core::ports::Direction;
use ferry_format::{LinkId, Op};
use serde_json::Value;

use super::books::batch;
use super::dialect::SqliteDialect;
use super::failure::{DbError, corrupt};
use super::incoming::followed;
use super::lane::{Columns as _, Session, args, sql};
use super::notes::direction_name;
use super::outgoing::own_stream;
use super::trace::{keys, op_of};
use crate::store::dialect::Dialect as _;
use crate::store::trace::{
    ENTRY_BYTES, Entry, PassedRow, Print, RUN_ENTRY_BYTES, Trace, TraceQuery, TracedChange, Unsearched,
    UnsearchedCause, WaitingRow, of_run_entry,
};
use crate::store::{BatchRow, PassedOver};

/// Rows of the outbox that are looked at together.
const WAITING_ROWS: u64 = 10_000;

/// One entry that was found, with its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Hit {
    epoch: u64,
    seq: u64,
    /// The act that put the batch there; 0 for the first batch of the place.
    act: u64,
    row: u64,
}

/// First batches that the index has, under a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Covered {
    first: u64,
    last: u64,
    /// Whether the secret is the one that was given.
    ours: bool,
}

/// What an index has of one print.
struct Search {
    print: Print,
    found: Vec<(Hit, Entry)>,
    /// By epoch.
    covered: Vec<(u64, Covered)>,
}

/// Everything that the database knows of a row, in the caller's snapshot.
pub(super) fn trace(session: &mut Session, link: &LinkId, query: &TraceQuery<'_>) -> Result<Trace, DbError> {
    let mark = query.secret.mark();
    let ours = keys(session)?.into_iter().find(|(_, other)| *other == mark).map(|(id, _)| id);
    let print = query.secret.print(&query.table.name, query.key.as_bytes());
    let mut search = Search { print, found: Vec::new(), covered: Vec::new() };
    search.loose(session, link, query, ours)?;
    search.runs(session, link, query, ours)?;
    search.found.sort_unstable_by_key(|(hit, _)| *hit);
    let left_out = search.found.len().saturating_sub(query.limit);
    let mut changes = Vec::new();
    for (hit, entry) in &search.found[left_out..] {
        changes.extend(change(session, link, query, *hit, *entry)?);
    }
    let key = key_values(query.key)?;
    let (waiting, passed) = match query.direction {
        Direction::Out => (waiting(session, link, query, &key)?, passed(session, link, query, &key)?),
        Direction::In => (Vec::new(), Vec::new()),
    };
    let unsearched = unsearched(session, link, query, &search.covered)?;
    Ok(Trace { changes, left_out, waiting, passed, unsearched, secret_is_known: ours.is_some() })
}

impl Search {
    /// Looks through the batches that are in no run yet.
    fn loose(
        &mut self,
        session: &mut Session,
        link: &LinkId,
        query: &TraceQuery<'_>,
        ours: Option<i64>,
    ) -> Result<(), DbError> {
        let of = args![link.as_str(), direction_name(query.direction), query.stream.as_str()];
        for row in session.all(sql().trace.batch_all, of)? {
            let (epoch, seq, act) = (row.int(0)?, row.int(1)?, row.int(2)?);
            let ours = Some(row.signed(3)?) == ours;
            if act == 0 {
                self.covered.push((epoch, Covered { first: seq, last: seq, ours }));
            }
            if !ours {
                continue;
            }
            let bytes = row.bytes(4)?;
            let (entries, rest) = bytes.as_chunks::<ENTRY_BYTES>();
            if !rest.is_empty() {
                return Err(damaged());
            }
            for (entry, row) in entries.iter().zip(0_u64..) {
                if entry[..8] == self.print {
                    self.found.push((Hit { epoch, seq, act, row }, Entry::of_bytes(entry)));
                }
            }
        }
        Ok(())
    }

    /// Looks into the one chunk of each run that can have the print.
    fn runs(
        &mut self,
        session: &mut Session,
        link: &LinkId,
        query: &TraceQuery<'_>,
        ours: Option<i64>,
    ) -> Result<(), DbError> {
        let of = args![link.as_str(), direction_name(query.direction), query.stream.as_str()];
        for run in session.all(sql().trace.run_all, of)? {
            let (id, epoch, first, last) = (run.int(0)?, run.int(1)?, run.int(2)?, run.int(3)?);
            let ours = Some(run.signed(4)?) == ours;
            self.covered.push((epoch, Covered { first, last, ours }));
            if !ours {
                continue;
            }
            let Some(chunk) = session.first(sql().trace.chunk_get, args![id, &self.print[..]])? else { continue };
            let bytes = chunk.bytes(0)?;
            let (entries, rest) = bytes.as_chunks::<RUN_ENTRY_BYTES>();
            if !rest.is_empty() {
                return Err(damaged());
            }
            let from = entries.partition_point(|entry| entry[..8] < self.print[..]);
            for entry in entries[from..].iter().take_while(|entry| entry[..8] == self.print) {
                let (offset, row, entry) = of_run_entry(entry);
                let hit = Hit { epoch, seq: first + u64::from(offset), act: 0, row: u64::from(row) };
                self.found.push((hit, entry));
            }
        }
        Ok(())
    }
}

fn damaged() -> DbError {
    corrupt("the index of a batch is damaged")
}

/// What is told of one entry; nothing of one that could not be read when it was taken up.
fn change(
    session: &mut Session,
    link: &LinkId,
    query: &TraceQuery<'_>,
    hit: Hit,
    entry: Entry,
) -> Result<Option<TracedChange>, DbError> {
    let Some(op) = entry.op else { return Ok(None) };
    let batch =
        batch_at(session, link, query, hit.seq)?.ok_or_else(|| corrupt("an indexed batch is not in the books"))?;
    let stream = query.stream.as_str();
    let place = args![link.as_str(), stream, hit.epoch, hit.seq, hit.act];
    let instead = match hit.act {
        0 => None,
        _ => session.first(sql().trace.superseding, place)?.map(|row| row.parsed(0)).transpose()?,
    };
    let parked_code = if entry.parked {
        let place = args![link.as_str(), stream, hit.epoch, hit.seq, hit.row];
        session.first(sql().trace.parked, place)?.map(|row| row.string(0)).transpose()?
    } else {
        None
    };
    let age = entry.age_ms.filter(|_| hit.act == 0);
    let captured_at_ms = age.and_then(|age| Some(batch.cut_at_ms?.saturating_sub(age)));
    Ok(Some(TracedChange { batch, instead, row: hit.row, op, captured_at_ms, parked: entry.parked, parked_code }))
}

fn batch_at(
    session: &mut Session,
    link: &LinkId,
    query: &TraceQuery<'_>,
    seq: u64,
) -> Result<Option<BatchRow>, DbError> {
    let statement = match query.direction {
        Direction::Out => sql().books_out_at,
        Direction::In => sql().books_in_at,
    };
    let row = session.first(statement, args![link.as_str(), query.stream.as_str(), seq])?;
    row.map(|row| batch(&row, query.direction)).transpose()
}

fn key_values(key: &str) -> Result<Vec<Value>, DbError> {
    serde_json::from_str(key).map_err(|_| corrupt("a key is no JSON array"))
}

/// What a captured line does to the row, if it is one of the row's. It may be a line that cannot be sent, with
/// a text that is not UTF-8 or a number that is no integer in it.
fn of_row(line: &[u8], table: &Table, key: &[Value]) -> Option<Option<Op>> {
    let begins = format!("[\"{}\",", table.name);
    if !line.starts_with(begins.as_bytes()) {
        return None;
    }
    let record: Vec<Value> = serde_json::from_str(&String::from_utf8_lossy(line)).ok()?;
    let [_, op, values @ ..] = record.as_slice() else { return None };
    let op = op.as_str().and_then(op_of);
    let same = match op {
        Some(Op::Delete) => values == key,
        Some(Op::Insert | Op::Update) | None => {
            table.key.iter().map(|position| values.get(*position)).eq(key.iter().map(Some))
        }
    };
    same.then_some(op)
}

fn waiting(
    session: &mut Session,
    link: &LinkId,
    query: &TraceQuery<'_>,
    key: &[Value],
) -> Result<Vec<WaitingRow>, DbError> {
    let own = own_stream(session, link, query.stream)?;
    let (mut found, mut after) = (Vec::new(), 0);
    loop {
        let rows = session.all(SqliteDialect.read_waiting(&own.outbox), args![after, WAITING_ROWS])?;
        let Some(last) = rows.last() else { return Ok(found) };
        after = last.int(0)?;
        for row in &rows {
            if let Some(op) = of_row(&row.raw(1)?, query.table, key) {
                found.push(WaitingRow { id: row.int(0)?, op, captured_at_ms: row.maybe_int(2)? });
            }
        }
    }
}

fn passed(
    session: &mut Session,
    link: &LinkId,
    query: &TraceQuery<'_>,
    key: &[Value],
) -> Result<Vec<PassedRow>, DbError> {
    let mut found = Vec::new();
    for row in session.all(sql().trace.passed, args![link.as_str(), query.stream.as_str()])? {
        if let Some(op) = of_row(&row.raw(1)?, query.table, key) {
            found.push(PassedRow { id: row.int(0)?, op, act: row.int(2)?, at_ms: row.int(3)? });
        }
    }
    Ok(found)
}

/// The row that an act passed over, in the caller's snapshot. Its line is one that could not be sent, and tells what it can.
pub(super) fn passed_by(
    session: &mut Session,
    link: &LinkId,
    act: u64,
    contract: Option<&StreamContract>,
) -> Result<Option<PassedOver>, DbError> {
    let Some(row) = session.first(sql().passed_by, args![link.as_str(), act])? else { return Ok(None) };
    let (table, op, key) = head_of(&row.raw(1)?, contract);
    Ok(Some(PassedOver { row: row.int(0)?, table, op, key, at_ms: row.int(2)? }))
}

/// Table, operation and key of a captured line, as far as they can be read.
fn head_of(line: &[u8], contract: Option<&StreamContract>) -> (Option<String>, Option<Op>, Option<Vec<String>>) {
    let record: Vec<Value> = serde_json::from_str(&String::from_utf8_lossy(line)).unwrap_or_default();
    let [table, op, values @ ..] = record.as_slice() else { return (None, None, None) };
    let (table, op) = (table.as_str(), op.as_str().and_then(op_of));
    let of = contract.zip(table).and_then(|(contract, name)| contract.table(name));
    let key = of.zip(op).and_then(|(of, op)| {
        let place = |(nth, position): (usize, &usize)| values.get(if op == Op::Delete { nth } else { *position });
        of.key.iter().enumerate().map(|at| place(at).map(typed)).collect()
    });
    (table.map(str::to_owned), op, key)
}

/// A value as a person types it for a column of its kind.
fn typed(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The batches of the present epoch that the books have, and the index under this secret has not.
fn unsearched(
    session: &mut Session,
    link: &LinkId,
    query: &TraceQuery<'_>,
    covered: &[(u64, Covered)],
) -> Result<Vec<Unsearched>, DbError> {
    let (epoch, last) = match query.direction {
        Direction::Out => {
            let own = own_stream(session, link, query.stream)?;
            (own.epoch, own.last_seq)
        }
        Direction::In => followed(session, link, query.stream)?.map_or((0, 0), |it| (it.mark.epoch, it.mark.seq)),
    };
    let mut covered: Vec<Covered> =
        covered.iter().filter(|(of, _)| *of == epoch).map(|(_, covered)| *covered).collect();
    covered.sort_unstable();
    Ok(holes(&covered, last))
}

/// What is missing of `1..=last`, and what is covered under another secret.
fn holes(covered: &[Covered], last: u64) -> Vec<Unsearched> {
    let mut holes: Vec<Unsearched> = Vec::new();
    let mut add = |first: u64, last: u64, cause: UnsearchedCause| match holes.last_mut() {
        _ if first > last => {}
        Some(before) if before.cause == cause && before.last + 1 == first => before.last = last,
        Some(_) | None => holes.push(Unsearched { first, last, cause }),
    };
    let mut next = 1;
    for one in covered {
        add(next, one.first.saturating_sub(1), UnsearchedCause::NoIndex);
        if !one.ours {
            add(one.first, one.last, UnsearchedCause::OtherSecret);
        }
        next = next.max(one.last + 1);
    }
    add(next, last, UnsearchedCause::NoIndex);
    holes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_cannot_be_read_tells_nothing_and_one_without_a_contract_no_key() {
        let nothing = (None, None, None);
        for line in [&b""[..], b"[", b"{}", b"[]", br#"["item"]"#] {
            assert_eq!(head_of(line, None), nothing, "{}", String::from_utf8_lossy(line));
        }
        let told = head_of(b"[\"item\",\"d\",\"\xff\"]", None);
        assert_eq!(told, (Some("item".to_owned()), Some(Op::Delete), None));
    }

    #[test]
    fn what_the_index_lacks_is_told_in_ranges() {
        let covered = |first, last, ours| Covered { first, last, ours };
        let hole = |first, last, cause| Unsearched { first, last, cause };
        let (none, other) = (UnsearchedCause::NoIndex, UnsearchedCause::OtherSecret);
        assert_eq!(holes(&[], 0), []);
        assert_eq!(holes(&[], 7), [hole(1, 7, none)]);
        assert_eq!(holes(&[covered(1, 7, true)], 7), []);
        let some = [covered(3, 4, true), covered(5, 5, false), covered(6, 9, false), covered(11, 11, true)];
        assert_eq!(holes(&some, 12), [hole(1, 2, none), hole(5, 9, other), hole(10, 10, none), hole(12, 12, none)]);
    }
}
