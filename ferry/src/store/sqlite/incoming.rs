//! The peer's streams: which epoch is followed, and how far it is applied.

use ferry_core::ports::{AppliedPlace, Dispute, DisputedPlace, PeerAct};
use ferry_format::{EpochId, LinkId, Mark, StreamName};

use super::acts;
use super::audit::{Leaf, Log, append};
use super::failure::{DbError, conflict};
use super::lane::{Columns as _, Session, args, sql};

/// One followed stream, as the database has it.
#[derive(Debug, Clone)]
pub(super) struct Followed {
    pub epoch_id: EpochId,
    pub mark: Mark,
    pub parked_rows: u64,
    /// The last batch applied that superseded another, by its own digest.
    pub superseded: Option<Mark>,
}

/// The watermark of a stream; `None` before an epoch is followed.
pub(super) fn followed(session: &mut Session, link: &LinkId, stream: &StreamName) -> Result<Option<Followed>, DbError> {
    let Some(row) = session.first(sql().in_get, args![link.as_str(), stream.as_str()])? else {
        return Ok(None);
    };
    let mark = Mark { stream: stream.clone(), epoch: row.int(0)?, seq: row.int(2)?, digest: row.parsed(3)? };
    let superseded = match row.maybe_int(5)? {
        Some(seq) => Some(Mark { seq, digest: row.parsed(6)?, ..mark.clone() }),
        None => None,
    };
    Ok(Some(Followed { epoch_id: row.parsed(1)?, mark, parked_rows: row.int(4)?, superseded }))
}

/// Follows an epoch from its beginning.
pub(super) fn follow(session: &mut Session, link: &LinkId, epoch_id: EpochId, genesis: &Mark) -> Result<(), DbError> {
    let stream = &genesis.stream;
    if followed(session, link, stream)?.is_some() {
        return Err(conflict(format!("{stream} follows an epoch already")));
    }
    session.run(
        sql().in_add,
        args![link.as_str(), stream.as_str(), genesis.epoch, epoch_id.to_string(), genesis.seq, &genesis.digest],
    )?;
    append(session, link, Log::In, stream, &[followed_leaf(epoch_id, genesis, Vec::new())])
}

/// Leaves an epoch for a later one, with the act that began it.
pub(super) fn follow_begun(
    session: &mut Session,
    link: &LinkId,
    epoch_id: EpochId,
    genesis: &Mark,
    act: &PeerAct,
) -> Result<(), DbError> {
    let (link_name, stream, epoch) = (link.as_str(), genesis.stream.as_str(), genesis.epoch);
    let of = args![link_name, stream, epoch, epoch_id.to_string(), &genesis.digest];
    if session.run(sql().in_begin, of)? != 1 {
        return Err(conflict(format!("{stream} does not follow an epoch before {epoch}")));
    }
    session.run(sql().dispute_forget, args![link_name, stream, epoch])?;
    acts::list_of_peer(session, link, std::slice::from_ref(act))?;
    session.run(sql().act_verify, args![link_name, &act.digest])?;
    let more = vec![("act", act.digest.to_string().into())];
    append(session, link, Log::In, &genesis.stream, &[followed_leaf(epoch_id, genesis, more)])
}

fn followed_leaf<'m>(
    epoch_id: EpochId,
    genesis: &'m Mark,
    mut more: Vec<(&'static str, serde_json::Value)>,
) -> Leaf<'m> {
    more.push(("epoch_id", epoch_id.to_string().into()));
    Leaf { kind: "followed", epoch: genesis.epoch, seq: genesis.seq, digest: Some(&genesis.digest), at_ms: 0, more }
}

/// Remembers that two verified statements came for a place; the first time counts.
pub(super) fn dispute(session: &mut Session, link: &LinkId, dispute: &Dispute) -> Result<(), DbError> {
    let Dispute { stream, epoch, seq, digest, against, at_ms } = dispute;
    let against = against.map(|digest| digest.to_string());
    let of = args![link.as_str(), stream.as_str(), *epoch, *seq, digest, *at_ms, against];
    if session.run(sql().dispute_add, of)? == 0 {
        return Ok(());
    }
    let (epoch, seq, digest) = (*epoch, *seq, Some(digest));
    let leaf = Leaf { kind: "disputed", epoch, seq, digest, at_ms: *at_ms, more: Vec::new() };
    append(session, link, Log::In, stream, &[leaf])
}

/// Places in dispute, and those (epoch, seq) that operators have dismissed.
type Disputes = (Vec<DisputedPlace>, Vec<(u64, u64)>);

/// The places for which two verified statements came: those in dispute, and those that operators have dismissed.
pub(super) fn disputed(session: &mut Session, link: &LinkId, stream: &StreamName) -> Result<Disputes, DbError> {
    let (mut open, mut dismissed) = (Vec::new(), Vec::new());
    for row in session.all(sql().dispute_list, args![link.as_str(), stream.as_str()])? {
        let (epoch, seq) = (row.int(0)?, row.int(1)?);
        if row.int(2)? != 0 {
            dismissed.push((epoch, seq));
        } else {
            let against = row.maybe_string(3)?.map(|_| row.parsed(3)).transpose()?;
            open.push(DisputedPlace { epoch, seq, against });
        }
    }
    Ok((open, dismissed))
}

/// What was applied at a place.
pub(super) fn applied_place(
    session: &mut Session,
    link: &LinkId,
    stream: &StreamName,
    epoch: u64,
    seq: u64,
) -> Result<Option<AppliedPlace>, DbError> {
    let row = session.first(sql().batch_in_digest, args![link.as_str(), stream.as_str(), epoch, seq])?;
    let Some(row) = row else { return Ok(None) };
    let digest = row.parsed(0)?;
    let chain = row.maybe_string(1)?.map(|_| row.parsed(1)).transpose()?;
    Ok(Some(AppliedPlace { digest, chain: chain.unwrap_or(digest) }))
}
