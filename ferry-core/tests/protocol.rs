//! The protocol against a naive model: whatever the gate does, what is applied is a prefix of what was committed, and
//! all of it once the faults end.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod world;

use proptest::prelude::*;
use world::{Faults, World, settings};

/// A world in which two zones commit while the gate misbehaves.
fn run(seed: u64, faults: Faults, transactions: u64) -> World {
    let mut world = World::new(seed, settings(), faults);
    for _ in 0..transactions {
        let stream = ["base", "notice", "confirm"][usize::try_from(world.draw.below(3)).unwrap()];
        let rows = 1 + usize::try_from(world.draw.below(8)).unwrap();
        world.commit(stream, rows);
        for _ in 0..world.draw.below(60) {
            world.step();
        }
    }
    world
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn applied_is_a_prefix_and_complete_once_faults_end(
        seed in any::<u64>(),
        loss in 0_u64..40,
        double in 0_u64..30,
        damage in 0_u64..20,
        restart in 0_u64..15,
        unknown in 0_u64..10,
        delay_max_ms in 1_u64..5_000,
    ) {
        let mut world = run(seed, Faults { loss, double, damage, restart, unknown, delay_max_ms }, 25);
        world.settle(10 * 60_000);
    }
}

#[test]
fn a_group_larger_than_the_window_completes() {
    let mut world = World::new(3, settings(), Faults { loss: 20, ..Faults::NONE });
    let batches_in_group = 8 * world.settings.window_batches;
    world.commit("confirm", 5 * batches_in_group);
    world.settle(10 * 60_000);
}

#[test]
fn a_clean_gate_that_reorders_costs_no_second_file() {
    let mut world = run(11, Faults { delay_max_ms: 3_000, ..Faults::NONE }, 60);
    world.settle(10 * 60_000);
    let archived: usize = world.zones.iter().map(|zone| zone.spool.archive.lock().unwrap().len()).sum();
    let batches = world.zones.iter().map(|zone| zone.link.senders().map(|s| s.settled().seq).sum::<u64>()).sum::<u64>();
    assert!(archived > 0 && batches > 10);
    for zone in &world.zones {
        let books = zone.store.books.lock().unwrap();
        let attempts: u64 =
            books.outgoing.values().flat_map(|o| o.batches.values()).map(|b| u64::from(b.attempt)).sum();
        let needed: u64 = books.outgoing.values().map(|out| out.last.seq).sum();
        assert!(2 * attempts <= 3 * needed, "{attempts} files published for {needed} batches");
    }
}

#[test]
fn a_dependant_is_never_applied_before_what_it_requires() {
    let mut world = World::new(5, settings(), Faults { loss: 30, delay_max_ms: 2_000, ..Faults::NONE });
    for _ in 0..20 {
        world.commit("base", 3);
        world.commit("notice", 3);
        for _ in 0..80 {
            world.step();
            let applied = |stream: &str| world.zones[1].store.applied(&stream.parse().unwrap()).len();
            assert!(applied("base") >= applied("notice"), "a notice was applied before its base rows");
        }
    }
    world.settle(10 * 60_000);
}

#[test]
fn files_of_a_stranger_stop_nothing() {
    let mut world = World::new(8, settings(), Faults::NONE);
    for number in 0..200 {
        let name = format!("f1-outer-inner-confirm-00000001-{number:012}-a1-00000000.dat");
        world.zones[0].gate.from_gate.lock().unwrap().insert(name, b"forged".to_vec());
    }
    world.commit("confirm", 7);
    world.settle(60_000);
    while world.zones[0].quarantine.notes.lock().unwrap().len() < 200 {
        world.step();
    }
    assert!(world.zones[0].quarantine.notes.lock().unwrap().iter().all(|(_, note)| !note.verified));
}
