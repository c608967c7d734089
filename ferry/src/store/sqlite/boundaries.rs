//! Where the outboxes end, and the ends that were seen: between two of them lie whole transactions.
//!
//! They are remembered in the database, so that what has gathered while nothing crossed is cut into groups as small as
//! before also after a restart.

use std::collections::BTreeMap;

use ferry_core::ports::{Observation, StreamBacklog};
use ferry_core::settings::BOUNDARIES_MAX;
use ferry_format::{LinkId, StreamName};

use super::acts;
use super::audit::read_checkpoint;
use super::dialect::SqliteDialect;
use super::failure::{DbError, corrupt};
use super::lane::{Columns as _, Session, args, sql};
use super::outgoing::OwnStream;
use super::recover::own_streams;
use crate::store::dialect::Dialect as _;

/// Boundaries closer than this are merged: half of the smallest usual batch, so that merging costs no batch much room,
/// and there is at most one boundary for every 250 rows that wait.
const SPACING_ROWS: u64 = 500;

/// A stream whose outbox has grown, and the remembered boundary that the new one replaces, if any.
pub(super) struct Moved {
    stream: StreamName,
    last_id: u64,
    replaces: Option<u64>,
}

/// The ends of the outboxes, the audit log and the operators' acts, in the caller's snapshot, with what has moved.
pub(super) fn observe(session: &mut Session, link: &LinkId) -> Result<(Observation, Vec<Moved>), DbError> {
    let own = own_streams(session, link)?;
    let outboxes: Vec<(String, String)> = own.iter().map(|own| (own.stream.to_string(), own.outbox.clone())).collect();
    let mut streams = Vec::new();
    if !outboxes.is_empty() {
        for row in session.all(SqliteDialect.observe(&outboxes), &[])? {
            streams.push(StreamBacklog { stream: row.parsed(0)?, last_id: row.int(1)?, capture: None });
        }
    }
    let mut moved = Vec::new();
    for (own, backlog) in own.iter().zip(&streams) {
        if backlog.last_id > own.through_id {
            moved.extend(growth(session, link, own, backlog)?);
        }
    }
    let acts = acts::open(session, link)?;
    Ok((Observation { streams, audit: read_checkpoint(session, link)?, acts }, moved))
}

fn growth(
    session: &mut Session,
    link: &LinkId,
    own: &OwnStream,
    backlog: &StreamBacklog,
) -> Result<Option<Moved>, DbError> {
    let rows = session.all(sql().boundary_last, args![link.as_str(), own.stream.as_str()])?;
    let last = rows.first().map(|row| row.int(0)).transpose()?.filter(|last| *last > own.through_id);
    let before = rows.get(1).map(|row| row.int(0)).transpose()?.unwrap_or(0).max(own.through_id);
    if last.is_some_and(|last| last >= backlog.last_id) {
        return Ok(None);
    }
    let replaces = last.filter(|_| backlog.last_id - before <= SPACING_ROWS);
    Ok(Some(Moved { stream: own.stream.clone(), last_id: backlog.last_id, replaces }))
}

/// Remembers what has moved, each with the ends of all outboxes in the same snapshot.
pub(super) fn remember(
    session: &mut Session,
    link: &LinkId,
    moved: &[Moved],
    observation: &Observation,
) -> Result<(), DbError> {
    let ends: BTreeMap<&str, u64> =
        observation.streams.iter().map(|backlog| (backlog.stream.as_str(), backlog.last_id)).collect();
    let ends = serde_json::to_string(&ends).map_err(|_| corrupt("the ends cannot be written"))?;
    for Moved { stream, last_id, replaces } in moved {
        session.run(sql().boundary_add, args![link.as_str(), stream.as_str(), *last_id, ends.as_str()])?;
        if let Some(old) = replaces {
            session.run(sql().boundary_remove, args![link.as_str(), stream.as_str(), *old])?;
        }
    }
    Ok(())
}

/// The boundaries above what is recorded, in order, thinned when there are very many.
pub(super) fn above(
    session: &mut Session,
    link: &LinkId,
    own: &OwnStream,
) -> Result<Vec<BTreeMap<StreamName, u64>>, DbError> {
    let limit = u64::try_from(BOUNDARIES_MAX / 2).map_err(|_| corrupt("a limit is out of range"))?;
    let of = args![link.as_str(), own.stream.as_str(), own.through_id, limit];
    session.all(sql().boundary_list, of)?.iter().map(|row| read_ends(&row.string(0)?)).collect()
}

fn read_ends(text: &str) -> Result<BTreeMap<StreamName, u64>, DbError> {
    let malformed = |_| corrupt("a remembered boundary is malformed");
    let ends: BTreeMap<String, u64> = serde_json::from_str(text).map_err(malformed)?;
    let named = ends.into_iter().map(|(name, end)| Some((name.parse().ok()?, end)));
    named.collect::<Option<_>>().ok_or_else(|| corrupt("a remembered boundary names no stream"))
}
