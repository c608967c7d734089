//! Invariant 9: after faults end everything converges within a bound, except what is named as waiting for an operator.

use ferry_core::link::Lock;
use ferry_core::ports::{RETURN_CONFLICT, RETURN_TORN};
use ferry_format::{Mark, StreamName};

use super::{Checker, Moment, identity};
use crate::world::World;
use crate::world::database::{Database, HandedAct};
use crate::world::host::ZoneId;
use crate::world::lives::place_of;

/// What stands against taking batches back, by its code.
const RETURN_STOPS: [&str; 3] = [RETURN_CONFLICT, RETURN_TORN, "unknown-contract"];

/// A stream that waits for an operator says so, in the zone where the operator stands.
#[derive(Debug, Default)]
pub(super) struct Convergence;

impl Checker for Convergence {
    identity!(9, "convergence");

    fn look(&mut self, world: &World, moment: &Moment) -> Result<(), String> {
        if !matches!(moment, Moment::Ended) {
            return Ok(());
        }
        match waiting(world) {
            None => Ok(()),
            Some(what) => Err(what),
        }
    }
}

/// What has not converged and is not named as waiting for an operator either; the first of it.
#[must_use]
pub fn waiting(world: &World) -> Option<String> {
    for zone in ZoneId::BOTH {
        if world.host(zone).link.is_none() {
            return Some(format!("the daemon of {} is down", zone.name()));
        }
    }
    world.model.streams.keys().find_map(|stream| waiting_stream(world, stream))
}

fn waiting_stream(world: &World, stream: &StreamName) -> Option<String> {
    let model = &world.model.streams[stream];
    let none_parked = model.parked.is_empty() || !world.options.operators;
    if model.followed >= model.goal() && none_parked && is_settled(world, stream) {
        return None;
    }
    if is_excused(world, stream) {
        return None;
    }
    Some(format!("{stream}: {} of {} changes applied; {}", model.followed, model.len(), standing(world, stream)))
}

fn is_settled(world: &World, stream: &StreamName) -> bool {
    let model = &world.model.streams[stream];
    let link = world.host(model.owner).link.as_ref();
    let sender = link.and_then(|link| link.senders().find(|sender| sender.stream == *stream));
    sender.is_some_and(|sender| sender.is_idle() && !sender.is_on_hold()) || world.fates[stream].frozen
}

/// Whether somebody is told why this stream, or one that it depends on, does not go on.
fn is_excused(world: &World, stream: &StreamName) -> bool {
    let fate = &world.fates[stream];
    let model = &world.model.streams[stream];
    let (Some(owner), Some(receiver)) = (&world.host(model.owner).link, &world.host(model.owner.peer()).link) else {
        return false;
    };
    let sender = owner.senders().find(|sender| sender.stream == *stream);
    let state = receiver.receivers().find(|state| state.stream == *stream);
    let (Some(sender), Some(state)) = (sender, state) else { return false };
    // Where operators act, nothing waits for them in the end.
    let poisoned = model.next_poison(model.followed).is_some() && state.refused().is_some();
    let unsendable = fate.unsendable_from.is_some() && sender.stopped().is_some();
    let disputed = fate.disputed && state.waits_for(|_| None).is_some_and(|parked| parked.code == "two-statements");
    // Nor do operators decide for an owner that has forgotten what it sent.
    let waits =
        !world.options.operators && (poisoned || unsendable) || disputed && (!world.options.operators || fate.put_back);
    // What a zone has lost comes back unless something of it is nowhere any more, or a row stands against it.
    let stands_against = || {
        let mut senders = owner.senders();
        senders.any(|sender| sender.stopped().is_some_and(|stop| RETURN_STOPS.contains(&stop.code.as_str())))
    };
    let locked = fate.frozen && owner.lock().is_some() && (!world.is_returnable(model.owner) || stands_against());
    // What a zone has forgotten comes back from its peer's archive, unless only heads are left there; then operators begin another
    // life of the stream, where any do.
    let pruned = fate.rewound && sender.damaged().is_some() && !world.begins_epochs();
    let too_large = sender.stopped().is_some_and(|stop| stop.code == "group-too-large");
    let turned_away = |act: &HandedAct| act.end.as_ref().is_some_and(|(end, _)| end.code == "superseding-too-large");
    let too_large = too_large || disputed && owner_database(world, stream).acts.values().any(turned_away);
    // What the peer has applied of it, operators let come back.
    let approves = |mark: &Mark| fate.recorded.get(&place_of(mark)).is_some_and(|(digest, _)| *digest == mark.digest);
    let is_left = owner.beyond().any(|mark| mark.stream == *stream && approves(mark));
    let more = |act: &HandedAct| act.end.as_ref().is_some_and(|(end, _)| end.code == "peer-holds-more");
    if world.options.operators && is_left && !owner_database(world, stream).acts.values().any(more) {
        return false;
    }
    if fate.forgotten || waits || locked || pruned || too_large {
        return true;
    }
    // A zone that has lost its anchor must find out by itself. One that was put back stays locked, and all its streams with
    // it, and so does one in whose name a thief has spoken.
    let was_put_back = || {
        let mut owned = world.model.streams.iter().filter(|(_, other)| other.owner == model.owner);
        owned.any(|(name, _)| world.fates[name].put_back || !world.fates[name].stolen.is_empty())
    };
    let stays_locked = || !world.is_returnable(model.owner) || stands_against() || owner.beyond().next().is_some();
    if owner.lock() == Some(Lock::Restored) && was_put_back() && stays_locked() {
        return true;
    }
    if world.is_usurped(stream) && owner.alarm().is_some() {
        return true;
    }
    let depends = world.contract().stream(stream).map(|contract| contract.depends.clone()).unwrap_or_default();
    depends.iter().any(|name| is_excused(world, name))
}

fn owner_database<'w>(world: &'w World, stream: &StreamName) -> impl std::ops::Deref<Target = Database> + 'w {
    world.host(world.model.streams[stream].owner).store.database()
}

/// What the two zones say of a stream, for whoever reads the failure.
fn standing(world: &World, stream: &StreamName) -> String {
    let model = &world.model.streams[stream];
    let (owner, receiver) = (world.host(model.owner), world.host(model.owner.peer()));
    let sender = owner.link.as_ref().and_then(|link| link.senders().find(|sender| sender.stream == *stream));
    let state = receiver.link.as_ref().and_then(|link| link.receivers().find(|state| state.stream == *stream));
    let sent = sender.map(|sender| {
        format!(
            "recorded {}, published {}, settled {}, stopped {:?}, damaged {:?}, lock {:?}",
            sender.last_recorded().seq,
            sender.published(),
            sender.settled().seq,
            sender.stopped(),
            sender.damaged(),
            owner.link.as_ref().and_then(ferry_core::link::Link::lock)
        )
    });
    let got = state.map(|state| {
        format!(
            "applied {:?}, held {:?}, missing {:?}, refused {:?}, waits for {:?}",
            state.mark().map(|mark| mark.seq),
            state.held_ranges(4),
            state.missing_ranges(4),
            state.refused(),
            state.waits_for(|_| None)
        )
    });
    format!("owner: {}; receiver: {}", sent.unwrap_or_default(), got.unwrap_or_default())
}
