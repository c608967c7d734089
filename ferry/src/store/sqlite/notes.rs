//! What the operator should see.

use ferry_core::ports::{Direction, LifeEvent, LifeKind, Notes, StreamState};
use ferry_format::LinkId;

use super::acts;
use super::audit::{Leaf, Log, append};
use super::failure::DbError;
use super::lane::{Session, args, sql};

/// The name of a direction in the database.
pub(super) const fn direction_name(direction: Direction) -> &'static str {
    match direction {
        Direction::Out => "out",
        Direction::In => "in",
    }
}

/// The name of a kind of life event in the database.
pub(super) const fn kind_name(kind: LifeKind) -> &'static str {
    match kind {
        LifeKind::Recorded => "recorded",
        LifeKind::Published => "published",
        LifeKind::Held => "held",
        LifeKind::Missing => "missing",
        LifeKind::Settled => "settled",
        LifeKind::Taken => "taken",
        LifeKind::Applied => "applied",
        LifeKind::Refused => "refused",
        LifeKind::Duplicate => "duplicate",
        LifeKind::Parked => "parked",
        LifeKind::Superseded => "superseded",
        LifeKind::SupersedeLate => "supersede-late",
        LifeKind::Returned => "returned",
        LifeKind::TakenBack => "taken-back",
    }
}

/// The fact that tells the number of the last status.
pub(super) const STATUS_NUMBER: &str = "status_number";

/// Writes notes, in the caller's transaction.
pub(super) fn note(session: &mut Session, link: &LinkId, notes: &Notes) -> Result<(), DbError> {
    for event in &notes.life {
        add_life(session, link, event)?;
    }
    for state in &notes.states {
        put_state(session, link, state, notes.now_ms)?;
    }
    let number = notes.status_number.map(|number| (STATUS_NUMBER, number.to_string()));
    let facts = notes.facts.iter().map(|(name, value)| (name.as_str(), value.clone())).chain(number);
    for (name, value) in facts {
        session.run(sql().fact_put, args![link.as_str(), name, value.as_str(), notes.now_ms])?;
    }
    acts::told(session, link, &notes.acts_told, notes.now_ms)
}

fn add_life(session: &mut Session, link: &LinkId, event: &LifeEvent) -> Result<(), DbError> {
    let (link_name, stream, kind) = (link.as_str(), event.stream.as_str(), kind_name(event.kind));
    let direction = direction_name(event.direction);
    session.run(
        sql().life_add,
        args![link_name, direction, stream, event.epoch, event.seq, kind, event.at_ms, event.detail.as_str()],
    )?;
    let place = args![link_name, stream, event.epoch, event.seq, event.at_ms];
    match event.kind {
        LifeKind::Published => session.run(sql().batch_out_published, place).map(|_| ()),
        LifeKind::Held => session.run(sql().batch_out_held, place).map(|_| ()),
        // The other leaves are written where the thing itself is committed; these two have no commit of their own.
        LifeKind::Taken => append_leaf(session, link, event, "file"),
        LifeKind::Refused => append_leaf(session, link, event, "code"),
        LifeKind::Recorded
        | LifeKind::Missing
        | LifeKind::Settled
        | LifeKind::Applied
        | LifeKind::Duplicate
        | LifeKind::Parked
        | LifeKind::Superseded
        | LifeKind::SupersedeLate
        | LifeKind::Returned
        | LifeKind::TakenBack => Ok(()),
    }
}

fn append_leaf(session: &mut Session, link: &LinkId, event: &LifeEvent, detail: &'static str) -> Result<(), DbError> {
    let log = match event.direction {
        Direction::Out => Log::Out,
        Direction::In => Log::In,
    };
    let leaf = Leaf {
        kind: kind_name(event.kind),
        epoch: event.epoch,
        seq: event.seq,
        digest: None,
        at_ms: event.at_ms,
        more: vec![(detail, event.detail.as_str().into())],
    };
    append(session, link, log, &event.stream, &[leaf])
}

fn put_state(session: &mut Session, link: &LinkId, state: &StreamState, now_ms: u64) -> Result<(), DbError> {
    session.run(
        sql().state_put,
        args![
            link.as_str(),
            state.stream.as_str(),
            direction_name(state.direction),
            state.epoch,
            state.last_seq,
            state.published_seq,
            state.applied_seq,
            &state.applied_digest,
            state.held.as_str(),
            state.missing.as_str(),
            state.lag_ms,
            state.health,
            state.code.as_str(),
            state.detail.as_str(),
            state.parked_rows,
            now_ms,
            state.known_at_ms
        ],
    )?;
    Ok(())
}
