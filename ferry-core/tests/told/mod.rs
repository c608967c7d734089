//! What stops a stream is soon named in both zones.

use ferry_core::ports::Direction;
use ferry_core::settings::Settings;
use ferry_format::Refusal;

use crate::world::{Faults, World};
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
