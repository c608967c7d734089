//! What stops a stream is soon named in both zones.

use ferry_core::ports::{Direction, StreamState};
use ferry_core::settings::Settings;
use ferry_format::Refusal;

use crate::world::{Faults, World, settings};
use crate::{INNER, OUTER, confirm};

/// A gate that takes a second at most, so that a heartbeat is long beside it.
const GATE_MS: u64 = 1_000;

fn health(world: &World, zone: usize) -> Option<(&'static str, String)> {
    let books = world.zones[zone].store.books.lock().unwrap();
    let direction = if zone == INNER { Direction::In } else { Direction::Out };
    let state = books.states.iter().rfind(|state| state.stream == confirm() && state.direction == direction);
    state.map(|state| (state.health, state.detail.clone()))
}

#[test]
fn a_refused_group_is_named_in_both_zones_within_a_heartbeat() {
    let settings = Settings::default();
    let heartbeat_ms = settings.heartbeat_ms;
    for seed in 0..20 {
        let mut world = World::new(seed, settings.clone(), Faults { delay_max_ms: GATE_MS, ..Faults::NONE });
        world.commit("confirm", 3);
        world.until("the rows are applied", World::is_done);
        let refusal = Refusal {
            code: "constraint-check".to_owned(),
            seq: 2,
            table: Some("payment".to_owned()),
            row: Some(0),
            constraint: Some("amount_range".to_owned()),
        };
        world.zones[INNER].store.books.lock().unwrap().refuses = Some(refusal);
        world.commit("confirm", 1);
        let names = |world: &World, zone| {
            let told = health(world, zone);
            told.is_some_and(|(health, detail)| health == "refused" && detail.contains("payment"))
        };
        let is_refused = |world: &World| {
            let mut receivers = world.zones[INNER].link.receivers();
            receivers.any(|receiver| receiver.stream == confirm() && receiver.refused().is_some())
        };
        world.until("the group is refused", is_refused);
        let since = world.now_ms;
        for zone in [INNER, OUTER] {
            world.until("the zone names it", |world| names(world, zone));
        }
        let took = world.now_ms - since;
        assert!(took <= heartbeat_ms, "seed {seed}: {took} of {heartbeat_ms} ms");
    }
}

/// How the inner zone states the stream `confirm`, which comes to it.
fn incoming(world: &World) -> StreamState {
    let books = world.zones[INNER].store.books.lock().unwrap();
    let of_it = |state: &&StreamState| state.stream == confirm() && state.direction == Direction::In;
    books.states.iter().rfind(of_it).unwrap().clone()
}

#[test]
fn an_incoming_stream_tells_until_when_it_is_known_and_that_the_peer_is_silent() {
    let settings = settings();
    let mut world = World::new(51, settings.clone(), Faults { delay_max_ms: GATE_MS, ..Faults::NONE });
    world.commit("confirm", 3);
    world.until("the rows are applied", World::is_done);
    let caught_up_ms = world.now().wall_ms;
    world.until("the peer to say so", |world| {
        let state = incoming(world);
        state.known_at_ms > caught_up_ms && state.lag_ms == 0 && state.health == "ok"
    });
    // From now on nothing crosses: the peer may have anything, and its last word stays what it was.
    world.faults.loss = 100;
    world.until("the gate to be empty", |world| world.gate.is_empty());
    let gone_ms = world.now().wall_ms;
    world.commit("confirm", 1);
    world.until("the stream to be told silent", |world| incoming(world).health == "silent");
    let state = incoming(&world);
    assert_eq!(state.code, "peer-silent");
    assert!(state.known_at_ms <= gone_ms, "{} of {gone_ms}", state.known_at_ms);
    assert!(world.now().wall_ms - gone_ms <= 4 * settings.heartbeat_ms + settings.gate_worst_ms);
    world.faults.loss = 0;
    world.until("all to be known again", |world| {
        let state = incoming(world);
        world.is_done() && state.health == "ok" && state.lag_ms == 0 && state.known_at_ms > gone_ms
    });
    world.restart_zone(INNER);
    world.until("the new start to have noted", |world| incoming(world).known_at_ms == 0);
}

#[test]
fn an_incoming_stream_is_as_old_as_the_peer_says_while_its_batches_are_under_way() {
    let mut world = World::new(52, settings(), Faults::NONE);
    world.until("nothing to be under way", |world| {
        let books = world.zones[INNER].store.books.lock().unwrap();
        books.states.iter().any(|state| state.stream == confirm() && state.known_at_ms > 0)
    });
    let since = world.now();
    world.commit("confirm", 1);
    // Statuses cross and batches do not.
    while incoming(&world).lag_ms < 2 * world.settings.heartbeat_ms {
        assert!(world.now_ms - since.mono.0 < 10 * 60_000, "{:?}", incoming(&world));
        world.step();
        world.gate.retain(|file| file.name.contains("-status-"));
    }
    let state = incoming(&world);
    assert!(state.lag_ms <= world.now_ms - since.mono.0, "{state:?}");
    // The peer's daemon sees a commit when it looks for it, which is soon.
    let seen_ms = since.wall_ms + world.settings.heartbeat_ms / 2;
    assert!(state.held.is_empty() && state.known_at_ms <= seen_ms, "{state:?}");
}
