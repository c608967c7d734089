//! Acts of operators: the list of them, and what each does to the database.

use ferry_core::contract::StreamContract;
use ferry_core::ports::{
    ACTED_ALREADY, ActEnd, ActOrder, FaultKind, Instead, OpenAct, PeerAct, PortError, STREAM_MOVED, TURNED_AWAY_BEFORE,
    UntoldAct,
};
use ferry_core::settings::UNTOLD_ACTS_MAX;
use ferry_format::{Act, Deed, Digest, LinkId, Payload, SignedAct, StreamName, Substitute};

use super::audit::{Leaf, Log, append};
use super::dialect::SqliteDialect;
use super::failure::{DbError, conflict, corrupt};
use super::incoming::followed;
use super::lane::{Columns as _, Session, args, sql};
use super::load;
use super::trace::Index;
use super::{epochs, outgoing, parked};
use crate::store::dialect::Dialect as _;

/// Open acts handed to the daemon at a time; the others follow when these have ended.
const OPEN_ACTS_MAX: u64 = 64;

/// Acts of this zone that are not carried out, in the caller's snapshot.
pub(super) fn open(session: &mut Session, link: &LinkId) -> Result<Vec<OpenAct>, DbError> {
    let rows = session.all(sql().act_open, args![link.as_str(), OPEN_ACTS_MAX])?;
    rows.iter().map(|row| Ok(OpenAct { id: row.int(0)?, file: row.bytes(1)? })).collect()
}

/// Ended acts of this zone that the peer is not known to have listed, the oldest first.
pub(super) fn untold(session: &mut Session, link: &LinkId) -> Result<Vec<UntoldAct>, DbError> {
    let limit = u64::try_from(UNTOLD_ACTS_MAX).map_err(|_| corrupt("a limit is out of range"))?;
    let rows = session.all(sql().act_untold, args![link.as_str(), limit])?;
    rows.iter()
        .map(|row| {
            Ok(UntoldAct {
                id: row.int(0)?,
                file: row.bytes(1)?,
                end: ActEnd { code: row.string(2)? },
                at_ms: row.int(3)?,
            })
        })
        .collect()
}

/// Whether an operator has put a stream on hold.
pub(super) fn is_on_hold(session: &mut Session, link: &LinkId, stream: &StreamName) -> Result<bool, DbError> {
    Ok(session.first(sql().hold_get, args![link.as_str(), stream.as_str()])?.is_some())
}

/// Puts an act into the list, open. The same file again is the same act. Yields its id.
pub(super) fn hand_in(session: &mut Session, link: &LinkId, file: &[u8], now_ms: u64) -> Result<u64, DbError> {
    let digest = Digest::of(&[file]);
    session.run(sql().act_add, args![link.as_str(), "here", &digest, file, true, now_ms])?;
    let row = session.first(sql().act_id, args![link.as_str(), "here", &digest])?;
    row.ok_or_else(|| corrupt("an act that was added is not there"))?.int(0)
}

/// Carries an act out, in the caller's transaction.
pub(super) fn act(
    session: &mut Session,
    link: &LinkId,
    order: &ActOrder,
    contract: Option<&StreamContract>,
    index: Option<&Index>,
) -> Result<(ActEnd, Option<u64>), PortError> {
    let row = session.first(sql().act_get, args![link.as_str(), order.id]).map_err(PortError::from)?;
    let row = row.ok_or_else(|| PortError::new(FaultKind::Conflict, format!("there is no act {}", order.id)))?;
    let ended = row.maybe_string(0).map_err(PortError::from)?;
    let act = order.verdict.as_ref();
    let count = |session: &mut Session| match act.map(|act| &act.deed) {
        Ok(Deed::RetryRows { range }) => parked::count(session, link, &range.stream).map(Some),
        Ok(_) | Err(_) => Ok(None),
    };
    if let Some(code) = ended {
        return Ok((ActEnd { code }, count(session)?));
    }
    let (end, more, statement) = match act {
        Ok(act) => {
            let statement = SignedAct::unsigned(act.clone()).digest()?.to_string();
            let (end, more) = match session.first(sql().act_done, args![link.as_str(), statement.as_str()])? {
                Some(_) => (ActEnd::turned_away(ACTED_ALREADY), Vec::new()),
                None => carry_out(session, link, order, act, (contract, index))?,
            };
            let statement = end.is_done().then_some(statement);
            (end, more, statement)
        }
        Err(code) => (ActEnd::turned_away(verdict_of(session, link, order, code)?), Vec::new(), None),
    };
    session.run(sql().act_end, args![link.as_str(), order.id, end.code.as_str(), order.at_ms, statement])?;
    if let Ok(act) = act {
        list(session, link, order, act, &end, more)?;
    }
    Ok((end, count(session)?))
}

/// Why an act is not carried out. Where the stream has moved because the same was done under other signatures, the peer must not
/// hear that it was turned away.
fn verdict_of<'a>(session: &mut Session, link: &LinkId, order: &ActOrder, code: &'a str) -> Result<&'a str, PortError> {
    if code != STREAM_MOVED {
        return Ok(code);
    }
    let signed = SignedAct::parse(&order.file).and_then(|signed| signed.digest());
    let Ok(statement) = signed.map(|digest| digest.to_string()) else { return Ok(code) };
    let done = session.first(sql().act_done, args![link.as_str(), statement.as_str()])?;
    Ok(done.map_or(code, |_| ACTED_ALREADY))
}

pub(super) type More = Vec<(&'static str, serde_json::Value)>;

/// The audit leaf of an act, in the log of its stream.
fn list(
    session: &mut Session,
    link: &LinkId,
    order: &ActOrder,
    act: &Act,
    end: &ActEnd,
    more: More,
) -> Result<(), DbError> {
    let stream = act.deed.stream();
    let log = match session.first(sql().out_get, args![link.as_str(), stream.as_str()])? {
        Some(_) => Log::Out,
        None => Log::In,
    };
    let digest = Digest::of(&[&order.file]);
    let mut all = vec![("act", act.deed.name().into()), ("code", end.code.as_str().into())];
    all.extend(more);
    let leaf = Leaf { kind: "act", epoch: 0, seq: 0, digest: Some(&digest), at_ms: order.at_ms, more: all };
    append(session, link, log, stream, &[leaf])
}

/// What an act does to the database. What it does to the state machine alone needs nothing here.
fn carry_out(
    session: &mut Session,
    link: &LinkId,
    order: &ActOrder,
    act: &Act,
    (contract, index): (Option<&StreamContract>, Option<&Index>),
) -> Result<(ActEnd, More), PortError> {
    match &act.deed {
        Deed::Hold { stream } => {
            session.run(sql().hold_add, args![link.as_str(), stream.as_str(), order.id])?;
        }
        Deed::Release { stream } => {
            session.run(sql().hold_remove, args![link.as_str(), stream.as_str()])?;
        }
        Deed::Retry { .. } | Deed::Resend { .. } | Deed::Reseal { .. } | Deed::TakeBack { .. } => {}
        Deed::Load { stream } => load::begin(session, link, stream, order.id)?,
        Deed::NewEpoch { epoch, epoch_id, ended } => {
            let contract = contract.ok_or_else(|| conflict(format!("{} is not in the contract", ended.stream)))?;
            if is_turned_away(session, link, act)? {
                return Ok((ActEnd::turned_away(TURNED_AWAY_BEFORE), Vec::new()));
            }
            return Ok(epochs::begin(session, link, order, contract, (*epoch, *epoch_id, ended))?);
        }
        Deed::Dismiss { range } => {
            // Only what is applied: at other places a statement that supersedes decides.
            let stream = range.stream.as_str();
            let applied = followed(session, link, &range.stream)?.filter(|it| it.mark.epoch == range.epoch);
            let last = range.last.min(applied.map_or(0, |it| it.mark.seq));
            session.run(sql().dispute_dismiss, args![link.as_str(), stream, range.epoch, range.first, last])?;
        }
        Deed::Supersede { stream, epoch, first, new, .. } => {
            let end = supersede(session, link, order, (stream, *epoch, *first, new.len()))?;
            if let (true, Some(index), Some(contract)) = (end.is_done(), index, contract) {
                index_superseding(session, link, order, (*epoch, contract, new), index)?;
            }
            for payload in new {
                session.run(sql().draft_remove, args![payload])?;
            }
            return Ok((end, vec![("first", (*first).into()), ("batches", new.len().into())]));
        }
        Deed::Pass { stream, row, with } => {
            let contract = contract.ok_or_else(|| conflict(format!("{stream} is not in the contract")))?;
            return Ok((pass(session, link, order, (*row, *with), contract)?, Vec::new()));
        }
        Deed::RetryRows { range } => {
            let contract = contract.ok_or_else(|| conflict(format!("{} is not in the contract", range.stream)))?;
            let written = parked::retry(session, link, range, contract)?;
            return Ok((ActEnd::done(), vec![("rows", written.into())]));
        }
    }
    Ok((ActEnd::done(), Vec::new()))
}

/// Puts sealed batches into the places of a group that is not known to be applied.
fn supersede(
    session: &mut Session,
    link: &LinkId,
    order: &ActOrder,
    (stream, epoch, first, batches): (&StreamName, u64, u64, usize),
) -> Result<ActEnd, DbError> {
    let own = outgoing::own_stream(session, link, stream)?;
    if own.epoch != epoch || own.settled_seq >= first {
        return Ok(ActEnd::turned_away("no-such-open-group"));
    }
    let name = stream.as_str();
    if order.instead.len() != batches {
        return Err(conflict(format!("{} of {batches} batches were sealed for act {}", order.instead.len(), order.id)));
    }
    for instead in &order.instead {
        let Instead { seq, digest, rows, file_bytes, tables } = instead;
        let tables = outgoing::tables_json(tables);
        let of = args![link.as_str(), name, epoch, *seq, order.id, digest, *rows, *file_bytes, tables];
        session.run(sql().superseding_add, of)?;
        let more = vec![("rows", (*rows).into())];
        let leaf = Leaf { kind: "superseding", epoch, seq: *seq, digest: Some(digest), at_ms: order.at_ms, more };
        append(session, link, Log::Out, stream, &[leaf])?;
    }
    Ok(ActEnd::done())
}

/// Indexes the rows of batches that take the places of others, from the drafts that they were sealed from.
fn index_superseding(
    session: &mut Session,
    link: &LinkId,
    order: &ActOrder,
    (epoch, contract, drafts): (u64, &StreamContract, &[Digest]),
    index: &Index,
) -> Result<(), DbError> {
    for (instead, payload) in order.instead.iter().zip(drafts) {
        let bytes = draft(session, payload)?.ok_or_else(|| corrupt("a draft that was sealed is not there"))?;
        let payload = Payload::of_bytes(bytes).map_err(|_| corrupt("a draft that was sealed is damaged"))?;
        index.superseding(session, link, contract, (epoch, instead.seq, order.id), &payload)?;
    }
    Ok(())
}

/// Leaves the payloads of batches that are to supersede.
pub(super) fn add_drafts(session: &mut Session, payloads: &[Payload], now_ms: u64) -> Result<(), DbError> {
    for payload in payloads {
        session.run(sql().draft_add, args![&payload.plain().sm3, payload.as_bytes(), now_ms])?;
    }
    Ok(())
}

/// The payload of a batch that is to supersede.
pub(super) fn draft(session: &mut Session, payload: &Digest) -> Result<Option<Vec<u8>>, DbError> {
    session.first(sql().draft_get, args![payload])?.map(|row| row.bytes(0)).transpose()
}

/// Takes a captured row out of the outbox, or puts the present image of its key into its place. The row itself is kept.
fn pass(
    session: &mut Session,
    link: &LinkId,
    order: &ActOrder,
    (row, with): (u64, Substitute),
    contract: &StreamContract,
) -> Result<ActEnd, DbError> {
    let outbox = SqliteDialect.outbox(link, &contract.name);
    let Some(found) = session.first(SqliteDialect.read_row(&outbox), args![row])? else {
        return Ok(ActEnd::turned_away("not-stopped-there"));
    };
    // A text that is not UTF-8 may be why the row cannot be sent.
    let line = found.raw(0)?;
    let change = match (with, named_table(&line, contract)) {
        (Substitute::Void, _) => SqliteDialect.remove_row(&outbox),
        (Substitute::Current, Some(table)) => SqliteDialect.current_image(&outbox, table),
        (Substitute::Current, None) => return Ok(ActEnd::turned_away("no-current-image")),
    };
    session.run(change, args![row])?;
    let of = args![link.as_str(), contract.name.as_str(), row, line.as_slice(), order.id, order.at_ms];
    session.run(sql().passed_add, of)?;
    Ok(ActEnd::done())
}

/// The table that a captured line names.
fn named_table<'c>(line: &[u8], contract: &'c StreamContract) -> Option<&'c ferry_core::contract::Table> {
    let values: Vec<serde_json::Value> = serde_json::from_str(&String::from_utf8_lossy(line)).ok()?;
    contract.table(values.first()?.as_str()?)
}

/// Lists acts of the peer's operators, each with an audit leaf of its own.
pub(super) fn list_of_peer(session: &mut Session, link: &LinkId, acts: &[PeerAct]) -> Result<(), DbError> {
    for one in acts {
        let of = args![link.as_str(), "peer", &one.digest, one.file.as_slice(), one.verified, one.at_ms];
        if session.run(sql().act_add, of)? == 0 {
            continue;
        }
        let row = session.first(sql().act_id, args![link.as_str(), "peer", &one.digest])?;
        let id = row.ok_or_else(|| corrupt("an act that was added is not there"))?.int(0)?;
        session.run(sql().act_end, args![link.as_str(), id, one.code.as_str(), one.at_ms, None::<String>])?;
    }
    Ok(())
}

/// The files of acts of one origin that were turned away.
pub(super) fn turned_away(session: &mut Session, link: &LinkId, origin: &str) -> Result<Vec<Vec<u8>>, DbError> {
    session.all(sql().act_turned_away, args![link.as_str(), origin])?.iter().map(|row| row.bytes(0)).collect()
}

/// Whether an act was turned away here before, with as many signatures as it needs: the peer has it listed so.
fn is_turned_away(session: &mut Session, link: &LinkId, act: &Act) -> Result<bool, DbError> {
    let is_it = |file: &Vec<u8>| {
        let signed = SignedAct::parse(file).ok();
        signed.is_some_and(|signed| signed.act == *act && signed.approvals.len() >= act.deed.approvals())
    };
    Ok(turned_away(session, link, "here")?.iter().any(is_it))
}

/// Remembers that the peer has listed acts of this zone.
pub(super) fn told(session: &mut Session, link: &LinkId, ids: &[u64], now_ms: u64) -> Result<(), DbError> {
    for id in ids {
        session.run(sql().act_told, args![link.as_str(), *id, now_ms])?;
    }
    Ok(())
}
