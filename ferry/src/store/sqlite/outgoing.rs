//! Own streams: captured rows on their way into recorded batches, and what becomes of those.

use ferry_core::ports::{Attempt, CutRequest, OutgoingBatch, RawCut, Settled};
use ferry_format::limits::PLAIN_BYTES_MAX;
use ferry_format::{Digest, EpochId, LinkId, StreamName, TableSummary};
use serde_json::{Value, json};

use super::audit::{Leaf, Log, append};
use super::dialect::SqliteDialect;
use super::failure::{DbError, conflict, corrupt};
use super::lane::{Columns as _, Session, args, sql};
use super::trace::{Index, read_captured};
use crate::store::dialect::Dialect as _;

/// One cut reads no more than this, whoever asks. It is above what any batch can hold.
const CUT_BYTES_MAX: u64 = 2 * PLAIN_BYTES_MAX;

/// One own stream, as the database has it.
#[derive(Debug, Clone)]
pub(super) struct OwnStream {
    pub stream: StreamName,
    pub outbox: String,
    pub epoch: u64,
    pub epoch_id: EpochId,
    pub last_seq: u64,
    pub last_digest: Digest,
    pub through_id: u64,
    pub settled_seq: u64,
    pub settled_digest: Digest,
}

impl OwnStream {
    pub fn from_row(row: &sqlx::sqlite::SqliteRow) -> Result<Self, DbError> {
        Ok(Self {
            stream: row.parsed(0)?,
            outbox: row.string(1)?,
            epoch: row.int(2)?,
            epoch_id: row.parsed(3)?,
            last_seq: row.int(4)?,
            last_digest: row.parsed(5)?,
            through_id: row.int(6)?,
            settled_seq: row.int(7)?,
            settled_digest: row.parsed(8)?,
        })
    }
}

pub(super) fn own_stream(session: &mut Session, link: &LinkId, stream: &StreamName) -> Result<OwnStream, DbError> {
    let row = session.first(sql().out_get, args![link.as_str(), stream.as_str()])?;
    OwnStream::from_row(&row.ok_or_else(|| conflict(format!("{stream} is no stream of this zone")))?)
}

/// The first rows of an outbox, in one pass to measure them and one to read them. Rows up to a boundary never change,
/// and only this connection removes them, so the passes need no transaction around them.
pub(super) fn cut(
    session: &mut Session,
    link: &LinkId,
    request: &CutRequest,
    index: Option<&Index>,
) -> Result<RawCut, DbError> {
    let own = own_stream(session, link, &request.stream)?;
    let outbox = own.outbox;
    // The last recorded row is there still, empty.
    let after = request.after.max(own.through_id);
    let range = args![after, request.upto, request.rows];
    let row = session.first(SqliteDialect.measure_cut(&outbox), range)?;
    let row = row.ok_or_else(|| corrupt("an aggregate yielded no row"))?;
    let mut count = row.int(0)?;
    if count == 0 {
        return Ok(RawCut::default());
    }
    let (first, mut last, bytes) = (row.int(1)?, row.int(2)?, row.int(3)?);
    let (least, greatest) = (row.signed(4)?, row.signed(5)?);
    let mut contract = least;
    let mut shortened = false;
    if least != greatest {
        let (end, id) = first_contract(session, &outbox, after, last)?;
        (last, contract, shortened) = (end, id, true);
    }
    let enough = request.bytes.min(CUT_BYTES_MAX);
    if bytes > enough {
        let row = session.first(SqliteDialect.enough_bytes(&outbox), args![after, last, enough])?;
        if let Some(row) = row {
            (last, shortened) = (row.int(0)?, true);
        }
    }
    if shortened {
        let row = session.first(SqliteDialect.measure_cut(&outbox), args![after, last, request.rows])?;
        count = row.ok_or_else(|| corrupt("an aggregate yielded no row"))?.int(0)?;
    }
    let read = read_captured(session, &outbox, after, last, count)?;
    let read = read.ok_or_else(|| corrupt("rows of the outbox that were measured are gone"))?;
    let ids = read_ids(session, &outbox, first, last, count)?;
    let newlines = read.lines.iter().filter(|byte| **byte == b'\n').count();
    if newlines + 1 != ids.len() {
        return Err(corrupt("a line of the outbox has a newline in it"));
    }
    if let Some(index) = index {
        index.look_ahead(session, &request.stream, &ids, &read)?;
    }
    Ok(RawCut { ids, lines: read.lines, contract: Some(contract_digest(session, contract)?) })
}

/// The last id under the contract of the first row, and that contract's id.
fn first_contract(session: &mut Session, outbox: &str, after: u64, upto: u64) -> Result<(u64, i64), DbError> {
    let row = session.first(SqliteDialect.same_contract(outbox), args![after, upto])?;
    let row = row.ok_or_else(|| corrupt("an aggregate yielded no row"))?;
    Ok((row.int(0)?, row.signed(1)?))
}

/// Ids have no gaps unless rows were removed by hand, so they are read only then.
fn read_ids(session: &mut Session, outbox: &str, first: u64, last: u64, count: u64) -> Result<Vec<u64>, DbError> {
    if last - first + 1 == count {
        return Ok((first..=last).collect());
    }
    session.all(SqliteDialect.read_ids(outbox), args![first, last])?.iter().map(|row| row.int(0)).collect()
}

fn contract_digest(session: &mut Session, id: i64) -> Result<Digest, DbError> {
    let row = session.first(sql().contract_digest, args![id])?;
    row.ok_or_else(|| corrupt("captured under a contract that is not registered"))?.parsed(0)
}

/// Compares and sets the end of the stream, and removes the rows that the batches hold. Batches that are recorded
/// already are passed over.
pub(super) fn record(
    session: &mut Session,
    link: &LinkId,
    batches: &[OutgoingBatch],
    index: Option<&Index>,
) -> Result<(), DbError> {
    let batches = unrecorded(session, link, batches)?;
    let (Some(first), Some(last)) = (batches.first(), batches.last()) else { return Ok(()) };
    if batches.iter().any(|batch| batch.stream != first.stream || batch.epoch != first.epoch) {
        return Err(conflict("batches of several streams or epochs in one call"));
    }
    let before = first.seq.saturating_sub(1);
    let after = own_stream(session, link, &first.stream)?.through_id;
    let (mut seq, mut digest) = (before, first.previous);
    for batch in batches {
        if batch.seq != seq + 1 || batch.previous != digest {
            return Err(conflict(format!("batches of {} do not follow each other", first.stream)));
        }
        (seq, digest) = (batch.seq, batch.digest);
    }
    let stream = first.stream.as_str();
    let from = (first.epoch, before, &first.previous);
    let changed = session.run(
        sql().out_advance,
        args![link.as_str(), stream, from.0, from.1, from.2, last.seq, &last.digest, last.through_id],
    )?;
    if changed != 1 {
        return Err(conflict(format!("stream {stream} does not stand before seq {}", first.seq)));
    }
    for batch in batches {
        add_batch(session, link, batch)?;
    }
    if let Some(index) = index {
        index.recorded(session, link, batches, after)?;
    }
    let outbox = SqliteDialect.outbox(link, &first.stream);
    session.run(SqliteDialect.remove_below(&outbox), args![last.through_id])?;
    session.run(SqliteDialect.empty_row(&outbox), args![last.through_id])?;
    session.run(sql().boundary_pass, args![link.as_str(), stream, last.through_id])?;
    let leaves: Vec<Leaf<'_>> = batches.iter().map(recorded).collect();
    append(session, link, Log::Out, &first.stream, &leaves)
}

/// The batches after those that are in the books under the same digests.
fn unrecorded<'b>(
    session: &mut Session,
    link: &LinkId,
    batches: &'b [OutgoingBatch],
) -> Result<&'b [OutgoingBatch], DbError> {
    for (place, batch) in batches.iter().enumerate() {
        if batch_digest(session, link, &batch.stream, batch.epoch, batch.seq)? != Some(batch.digest) {
            return Ok(&batches[place..]);
        }
    }
    Ok(&[])
}

/// The digests under which a place of an own stream was recorded: the first, and those that took its place.
pub(super) fn recorded_digests(
    session: &mut Session,
    link: &LinkId,
    stream: &StreamName,
    epoch: u64,
    seq: u64,
) -> Result<Vec<Digest>, DbError> {
    own_stream(session, link, stream)?;
    let first = batch_digest(session, link, stream, epoch, seq)?;
    let later = superseding(session, link, stream, epoch, seq)?;
    Ok(first.into_iter().chain(later.into_iter().map(|one| one.digest)).collect())
}

/// A batch that took the place of a recorded one.
pub(super) struct Superseding {
    pub digest: Digest,
    pub rows: u64,
    pub file_bytes: u64,
}

/// The batches that took a place, one after the other.
pub(super) fn superseding(
    session: &mut Session,
    link: &LinkId,
    stream: &StreamName,
    epoch: u64,
    seq: u64,
) -> Result<Vec<Superseding>, DbError> {
    let rows = session.all(sql().superseding_list, args![link.as_str(), stream.as_str(), epoch, seq])?;
    let one = |row: &sqlx::sqlite::SqliteRow| {
        Ok(Superseding { digest: row.parsed(0)?, rows: row.int(1)?, file_bytes: row.int(2)? })
    };
    rows.iter().map(one).collect()
}

fn batch_digest(
    session: &mut Session,
    link: &LinkId,
    stream: &StreamName,
    epoch: u64,
    seq: u64,
) -> Result<Option<Digest>, DbError> {
    let row = session.first(sql().batch_out_digest, args![link.as_str(), stream.as_str(), epoch, seq])?;
    row.map(|row| row.parsed(0)).transpose()
}

/// Puts a batch into the books, with its attempt 1.
pub(super) fn add_batch(session: &mut Session, link: &LinkId, batch: &OutgoingBatch) -> Result<(), DbError> {
    session.run(
        sql().batch_out_add,
        args![
            link.as_str(),
            batch.stream.as_str(),
            batch.epoch,
            batch.seq,
            &batch.digest,
            &batch.previous,
            batch.group.first,
            batch.group.last,
            batch.rows,
            batch.file_bytes,
            batch.through_id,
            batch.cut_at_ms,
            tables_json(&batch.tables)
        ],
    )?;
    Ok(())
}

/// Counts by table, and totals as decimal texts, which no reader rounds.
pub(super) fn tables_json(tables: &[TableSummary]) -> String {
    let one = |table: &TableSummary| {
        let totals = table.totals.iter().map(|(column, total)| (column.clone(), Value::from(total.to_string())));
        json!({
            "deletes": table.deletes,
            "inserts": table.inserts,
            "name": table.name,
            "totals": totals.collect::<serde_json::Map<String, Value>>(),
            "updates": table.updates,
        })
    };
    Value::Array(tables.iter().map(one).collect()).to_string()
}

fn recorded(batch: &OutgoingBatch) -> Leaf<'_> {
    Leaf {
        kind: "recorded",
        epoch: batch.epoch,
        seq: batch.seq,
        digest: Some(&batch.digest),
        at_ms: batch.cut_at_ms,
        more: vec![("file_bytes", batch.file_bytes.into()), ("rows", batch.rows.into())],
    }
}

/// An attempt never goes back; the same one again is no error, since an unknown outcome is asked again.
pub(super) fn attempt(session: &mut Session, link: &LinkId, attempts: &[Attempt]) -> Result<(), DbError> {
    for one in attempts {
        let stream = one.stream.as_str();
        let number = u64::from(one.attempt);
        let changed = session
            .run(sql().batch_out_attempt, args![link.as_str(), stream, one.epoch, one.seq, number, one.at_ms])?;
        if changed != 1 {
            return Err(conflict(format!("{stream} {} has no batch that waits for attempt {number}", one.seq)));
        }
        let leaf = Leaf {
            kind: "attempt",
            epoch: one.epoch,
            seq: one.seq,
            digest: None,
            at_ms: one.at_ms,
            more: vec![("attempt", one.attempt.into())],
        };
        append(session, link, Log::Out, &one.stream, &[leaf])?;
    }
    Ok(())
}

/// The mark must be one of our own batches; one that is settled already changes nothing.
pub(super) fn settle(session: &mut Session, link: &LinkId, settled: &Settled) -> Result<(), DbError> {
    let mark = &settled.mark;
    let own = own_stream(session, link, &mark.stream)?;
    if mark.epoch != own.epoch || mark.seq > own.last_seq {
        return Err(conflict(format!("{} has no batch {} in epoch {}", mark.stream, mark.seq, mark.epoch)));
    }
    if mark.seq <= own.settled_seq {
        return Ok(());
    }
    if batch_digest(session, link, &mark.stream, mark.epoch, mark.seq)? != Some(mark.digest) {
        return Err(conflict(format!("{} {} has another digest here", mark.stream, mark.seq)));
    }
    let (link_name, stream) = (link.as_str(), mark.stream.as_str());
    let range = args![link_name, stream, mark.epoch, own.settled_seq, mark.seq, settled.at_ms];
    session.run(sql().batch_out_settle, range)?;
    session.run(sql().out_settle, args![link_name, stream, mark.seq, &mark.digest])?;
    let leaf = Leaf {
        kind: "settled",
        epoch: mark.epoch,
        seq: mark.seq,
        digest: Some(&mark.digest),
        at_ms: settled.at_ms,
        more: Vec::new(),
    };
    append(session, link, Log::Out, &mark.stream, &[leaf])
}

/// The mark must be one of our settled batches, or the beginning.
pub(super) fn reopen(session: &mut Session, link: &LinkId, reopened: &Settled) -> Result<(), DbError> {
    let mark = &reopened.mark;
    let own = own_stream(session, link, &mark.stream)?;
    let (link_name, stream) = (link.as_str(), mark.stream.as_str());
    let digest = match mark.seq {
        0 => {
            let row = session.first(sql().batch_out_genesis, args![link_name, stream, mark.epoch])?;
            row.map(|row| row.parsed(0)).transpose()?
        }
        seq => batch_digest(session, link, &mark.stream, mark.epoch, seq)?,
    };
    if mark.epoch != own.epoch || mark.seq > own.settled_seq || digest != Some(mark.digest) {
        return Err(conflict(format!("{stream} {} is none of the settled batches", mark.seq)));
    }
    if mark.seq == own.settled_seq {
        return Ok(());
    }
    session.run(sql().batch_out_reopen, args![link_name, stream, mark.epoch, mark.seq])?;
    session.run(sql().out_reopen, args![link_name, stream, mark.seq, &mark.digest])?;
    let (epoch, seq, digest) = (mark.epoch, mark.seq, Some(&mark.digest));
    let leaf = Leaf { kind: "reopened", epoch, seq, digest, at_ms: reopened.at_ms, more: Vec::new() };
    append(session, link, Log::Out, &mark.stream, &[leaf])
}
