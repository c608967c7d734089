//! What the database remembers across a restart.

use ferry_core::ports::{Recovered, RecoveredBatch, RecoveredIn, RecoveredOut};
use ferry_format::limits::REPORTS_MAX;
use ferry_format::{BatchReport, Group, LinkId, Mark, StreamName};

use super::acts;
use super::audit::read_checkpoint;
use super::boundaries;
use super::create::meta;
use super::epochs;
use super::failure::{DbError, corrupt};
use super::incoming::{Followed, disputed, followed};
use super::lane::{Columns as _, Session, args, sql};
use super::load;
use super::notes::STATUS_NUMBER;
use super::outgoing::{self, OwnStream};
use super::retention;

/// Reads everything in the caller's snapshot.
pub(super) fn recover(session: &mut Session, link: &LinkId) -> Result<Recovered, DbError> {
    let instance = meta(session, "instance")?.ok_or_else(|| corrupt("the database has no instance id"))?;
    let instance = instance.parse().map_err(|_| corrupt("the instance id is malformed"))?;
    let audit = read_checkpoint(session, link)?;
    let mut outgoing = Vec::new();
    for own in own_streams(session, link)? {
        outgoing.push(recover_out(session, link, own)?);
    }
    let mut incoming = Vec::new();
    for row in session.all(sql().contract_streams, args![link.as_str(), "in"])? {
        incoming.push(recover_in(session, link, row.parsed(0)?)?);
    }
    let retained = retention::retained(session, link)?;
    let untold = acts::untold(session, link)?;
    let status_number = status_number(session, link)?;
    Ok(Recovered { instance, audit, outgoing, incoming, retained, untold, status_number })
}

fn status_number(session: &mut Session, link: &LinkId) -> Result<u64, DbError> {
    for row in session.all(sql().fact_list, args![link.as_str()])? {
        if row.string(0)? == STATUS_NUMBER {
            return row.parsed(1);
        }
    }
    Ok(0)
}

/// The own streams of a link, ordered by stream.
pub(super) fn own_streams(session: &mut Session, link: &LinkId) -> Result<Vec<OwnStream>, DbError> {
    session.all(sql().out_list, args![link.as_str()])?.iter().map(OwnStream::from_row).collect()
}

/// How an own stream stands.
pub(super) fn recover_out(session: &mut Session, link: &LinkId, own: OwnStream) -> Result<RecoveredOut, DbError> {
    let unsettled = unsettled(session, link, &own)?;
    let boundaries = boundaries::above(session, link, &own)?;
    let on_hold = acts::is_on_hold(session, link, &own.stream)?;
    let loading = load::is_loading(session, link, &own.stream)?;
    let begun = epochs::begun(session, link, &own)?;
    let mark = |seq, digest| Mark { stream: own.stream.clone(), epoch: own.epoch, seq, digest };
    Ok(RecoveredOut {
        last: mark(own.last_seq, own.last_digest),
        epoch_id: own.epoch_id,
        through_id: own.through_id,
        settled: mark(own.settled_seq, own.settled_digest),
        unsettled,
        boundaries,
        on_hold,
        loading,
        begun,
    })
}

/// The batches of an own stream that are not settled, in order.
pub(super) fn unsettled(session: &mut Session, link: &LinkId, own: &OwnStream) -> Result<Vec<RecoveredBatch>, DbError> {
    let of = args![link.as_str(), own.stream.as_str(), own.epoch, own.settled_seq];
    let rows = session.all(sql().batch_out_unsettled, of)?;
    let mut unsettled = rows.iter().map(recovered_batch).collect::<Result<Vec<_>, _>>()?;
    for batch in &mut unsettled {
        for later in outgoing::superseding(session, link, &own.stream, own.epoch, batch.seq)? {
            batch.instead.push(later.digest);
            (batch.rows, batch.file_bytes) = (later.rows, later.file_bytes);
        }
    }
    Ok(unsettled)
}

fn recovered_batch(row: &sqlx::sqlite::SqliteRow) -> Result<RecoveredBatch, DbError> {
    let (seq, first) = (row.int(0)?, row.int(2)?);
    let index = seq.checked_sub(first).ok_or_else(|| corrupt("a group begins after one of its batches"))?;
    Ok(RecoveredBatch {
        seq,
        digest: row.parsed(1)?,
        group: Group { first, index, last: row.int(3)? != 0 },
        rows: row.int(4)?,
        file_bytes: row.int(5)?,
        attempt: u32::try_from(row.int(6)?).map_err(|_| corrupt("an attempt is out of range"))?,
        cut_at_ms: row.int(7)?,
        instead: Vec::new(),
    })
}

fn recover_in(session: &mut Session, link: &LinkId, stream: StreamName) -> Result<RecoveredIn, DbError> {
    let (disputed, dismissed) = disputed(session, link, &stream)?;
    let on_hold = acts::is_on_hold(session, link, &stream)?;
    let Some(found) = followed(session, link, &stream)? else {
        let (followed, superseded) = (None, None);
        return Ok(RecoveredIn {
            stream,
            followed,
            parked_rows: 0,
            reports: Vec::new(),
            disputed,
            dismissed,
            on_hold,
            superseded,
        });
    };
    let limit = u64::try_from(REPORTS_MAX).map_err(|_| corrupt("a limit is out of range"))?;
    let of = args![link.as_str(), stream.as_str(), found.mark.epoch, limit];
    let rows = session.all(sql().batch_in_reports, of)?;
    let report = |row: &sqlx::sqlite::SqliteRow| {
        Ok(BatchReport {
            seq: row.int(0)?,
            rows: row.int(1)?,
            parked: row.int(2)?,
            wait_ms: row.int(3)?,
            apply_ms: row.int(4)?,
            instead: row.maybe_string(5)?.map(|_| row.parsed(5)).transpose()?,
        })
    };
    let mut reports = rows.iter().map(report).collect::<Result<Vec<_>, DbError>>()?;
    reports.reverse();
    let Followed { epoch_id, mark, parked_rows, superseded } = found;
    let followed = Some((epoch_id, mark));
    Ok(RecoveredIn { stream, followed, parked_rows, reports, disputed, dismissed, on_hold, superseded })
}
