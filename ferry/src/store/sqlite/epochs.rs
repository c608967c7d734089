//! Lives of own streams: which act began the present one, and the beginning of another.

use ferry_core::contract::StreamContract;
use ferry_core::ports::{ActEnd, ActOrder, STREAM_MOVED, UntoldAct};
use ferry_format::{EpochId, LinkId, Mark, genesis};

use super::acts::More;
use super::audit::{Leaf, Log, append};
use super::failure::{DbError, corrupt};
use super::lane::{Columns as _, Session, args, sql};
use super::outgoing::{self, OwnStream};

/// What was recorded of a life and is not known to be applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unsettled {
    pub batches: u64,
    pub rows: u64,
    pub deletes: u64,
}

/// The act that began the present life of a stream; the first one has none.
pub(super) fn begun(session: &mut Session, link: &LinkId, own: &OwnStream) -> Result<Option<UntoldAct>, DbError> {
    let row = session.first(sql().epoch_act, args![link.as_str(), own.stream.as_str(), own.epoch])?;
    row.map(|row| {
        let end = ActEnd { code: row.string(2)? };
        Ok(UntoldAct { id: row.int(0)?, file: row.bytes(1)?, end, at_ms: row.int(3)? })
    })
    .transpose()
}

/// Counts what the present life of a stream has unsettled.
pub(super) fn unsettled(session: &mut Session, link: &LinkId, own: &OwnStream) -> Result<Unsettled, DbError> {
    let of = args![link.as_str(), own.stream.as_str(), own.epoch, own.settled_seq];
    let row = session.first(sql().epoch_unsettled, of)?;
    let row = row.ok_or_else(|| corrupt("an aggregate yielded no row"))?;
    Ok(Unsettled { batches: row.int(0)?, rows: row.int(1)?, deletes: row.int(2)? })
}

/// Begins another life of a stream, in the caller's transaction, and its load. What is captured and not recorded is cut into it
/// as it was captured, before the load.
pub(super) fn begin(
    session: &mut Session,
    link: &LinkId,
    order: &ActOrder,
    contract: &StreamContract,
    (epoch, epoch_id, ended): (u64, EpochId, &Mark),
) -> Result<(ActEnd, More), DbError> {
    let own = outgoing::own_stream(session, link, &ended.stream)?;
    let last = (own.epoch, own.last_seq, own.last_digest);
    if last != (ended.epoch, ended.seq, ended.digest) || epoch <= own.epoch {
        return Ok((ActEnd::turned_away(STREAM_MOVED), Vec::new()));
    }
    let left = unsettled(session, link, &own)?;
    let (link_name, stream) = (link.as_str(), ended.stream.as_str());
    let digest = genesis(link, &contract.owner, &contract.to, &ended.stream, epoch, epoch_id);
    session.run(sql().out_begin, args![link_name, stream, epoch, epoch_id.to_string(), &digest])?;
    let counts = args![link_name, stream, epoch, order.id, left.batches, left.rows, left.deletes];
    session.run(sql().epoch_add, counts)?;
    session.run(sql().load_again, args![link_name, stream, order.id])?;
    let more = vec![("epoch_id", epoch_id.to_string().into()), ("ended_seq", ended.seq.into())];
    let leaf = Leaf { kind: "begun", epoch, seq: 0, digest: Some(&digest), at_ms: order.at_ms, more };
    append(session, link, Log::Out, &ended.stream, &[leaf])?;
    let more = vec![
        ("epoch", epoch.into()),
        ("batches", left.batches.into()),
        ("rows", left.rows.into()),
        ("deletes", left.deletes.into()),
    ];
    Ok((ActEnd::done(), more))
}
