//! What the gate promises, whatever the profile, the seed and the order of events.

use gap_sim::prng::Prng;
use gap_sim::profile::{Order, Outage, Source, Zones};
use gap_sim::{Act, Damage, Direction, Gate, PickUpId, Profile, Rate, Seen, Visibility, WhichCopy};
use proptest::prelude::*;
use std::collections::BTreeMap;

/// A drop directory, a driver and a receiver without an operating system.
struct World {
    gate: Gate,
    prng: Prng,
    source: Source,
    directory: BTreeMap<String, u64>,
    now_ms: u64,
    acts: Vec<Act>,
    picked_up_ms: BTreeMap<PickUpId, u64>,
    arrivals: Vec<(PickUpId, WhichCopy, u64)>,
    discarded: u64,
    damaged: u64,
}

/// How often the driver fails to do what it is asked.
const DRIVER_FAULTS: u32 = 50_000;

impl World {
    fn new(profile: &Profile, seed: u64) -> Self {
        Self {
            gate: Gate::new(profile.clone(), seed, Direction::InnerToOuter),
            prng: Prng::new(!seed),
            source: profile.source,
            directory: BTreeMap::new(),
            now_ms: 0,
            acts: Vec::new(),
            picked_up_ms: BTreeMap::new(),
            arrivals: Vec::new(),
            discarded: 0,
            damaged: 0,
        }
    }

    /// Drops `count` files over time, and goes on until the gate is empty or `rounds` have passed.
    fn run(&mut self, count: u64, rounds: u64) {
        let mut dropped = 0;
        for _ in 0..rounds {
            while dropped < count && self.prng.below(3) > 0 {
                self.directory.insert(format!("f{:05}.dat", self.prng.below(100_000)), self.prng.below(2_000));
                dropped += 1;
            }
            if self.gate.wants_scan(self.now_ms) {
                let seen: Vec<Seen> =
                    self.directory.iter().map(|(name, size)| Seen { name: name.clone(), size: *size }).collect();
                let acts = self.gate.observe(self.now_ms, &seen);
                self.perform(acts);
            }
            let acts = self.gate.due(self.now_ms);
            self.perform(acts);
            self.check();
            let next_ms = self.gate.next_deadline_ms(self.now_ms).min(self.now_ms + 10_000);
            self.now_ms = next_ms.max(self.now_ms + 1);
            if dropped == count && self.gate.is_empty() && self.directory.is_empty() {
                return;
            }
        }
    }

    fn perform(&mut self, acts: Vec<Act>) {
        let fault = rate_of(DRIVER_FAULTS);
        for act in acts {
            let fails = self.prng.chance(fault);
            match &act {
                Act::PickUp { id, .. } if fails => self.gate.missed(*id),
                Act::PickUp { id, name, .. } => self.pick_up(*id, name),
                Act::RemoveRefused { name, .. } => {
                    self.directory.remove(name);
                }
                Act::Deliver(delivery) | Act::Complete(delivery) if fails => {
                    self.gate.deferred(delivery.id, delivery.copy, self.now_ms + 500);
                }
                Act::Deliver(delivery) => {
                    self.damaged += u64::from(delivery.damage != Damage::None);
                    self.gate.delivered(self.now_ms, delivery.id, delivery.copy);
                    if delivery.visibility == Visibility::Atomic {
                        self.arrivals.push((delivery.id, delivery.copy, self.now_ms));
                    }
                }
                Act::Complete(delivery) => {
                    self.gate.delivered(self.now_ms, delivery.id, delivery.copy);
                    self.arrivals.push((delivery.id, delivery.copy, self.now_ms));
                }
                Act::Discard { .. } => self.discarded += 1,
            }
            self.acts.push(act);
        }
    }

    fn pick_up(&mut self, id: PickUpId, name: &str) {
        let bytes = self.directory[name];
        match self.source {
            Source::Remove => drop(self.directory.remove(name)),
            Source::Rename => {
                self.directory.remove(name);
                self.directory.insert(format!("{name}{}", gap_sim::gate::RENAMED_SUFFIX), bytes);
            }
            Source::Leave => {}
        }
        self.gate.picked_up(self.now_ms, id, bytes);
        self.picked_up_ms.insert(id, self.now_ms);
    }

    fn check(&self) {
        let tally = self.gate.tally();
        assert_eq!(tally.picked_up, tally.delivered_files + tally.lost + tally.removed + tally.in_flight);
        assert_eq!(tally.delivered, tally.delivered_files + tally.doubled);
        assert_eq!(tally.delivered, self.arrivals.len() as u64);
        assert_eq!(tally.lost + tally.removed, self.discarded);
    }
}

fn rate_of(per_million: u32) -> Rate {
    Rate::from_per_million(per_million).expect("the test asks for a rate of at most one")
}

fn rate() -> impl Strategy<Value = Rate> {
    prop_oneof![2 => Just(0), 2 => 0..=300_000_u32, 1 => Just(1_000_000)].prop_map(rate_of)
}

prop_compose! {
    fn faults()(rates in prop::collection::vec(rate(), 8), unfinished_ms in 0..3_000_u64, hold in (0..5_000_u64, 0..5_000_u64)) -> Profile {
        Profile {
            loss: rates[0].min(rate_of(300_000)),
            duplicate: rates[1],
            corrupt: rates[2],
            truncate: rates[3],
            half_visible: rates[4],
            temporary_name: rates[5],
            hold: rates[6],
            remove: rates[7].min(rate_of(300_000)),
            unfinished_ms,
            hold_min_ms: hold.0,
            hold_max_ms: hold.0 + hold.1,
            ..Profile::default()
        }
    }
}

prop_compose! {
    fn profile()(
        faults in faults(),
        source in prop_oneof![Just(Source::Remove), Just(Source::Rename), Just(Source::Leave)],
        order in prop_oneof![Just(Order::ByDelay), Just(Order::Fifo), Just(Order::Alphabetical)],
        zones in prop_oneof![Just(Zones::Two), Just(Zones::Three)],
        switch_ms in prop_oneof![Just(0), 1..2_000_u64],
        scan in (1..1_000_u64, 0..3_u64),
        delay in (0..500_u64, prop_oneof![Just(0), 0..500_u64], 0..5_000_u64),
        flow in (prop_oneof![Just(0), 600..60_000_u64], prop_oneof![Just(0), 10_000..1_000_000_u64]),
        outage in (prop_oneof![3 => Just(Outage::None), 1 => Just(Outage::Both)], 0..5_000_u64, 1..5_000_u64),
        remove_refused in any::<bool>(),
    ) -> Profile {
        Profile {
            source, order, zones, switch_ms, remove_refused,
            scan_interval_ms: scan.0,
            stable_scans: scan.1,
            delay_min_ms: delay.0,
            delay_mean_ms: delay.0 + delay.1,
            delay_max_ms: delay.0 + delay.1 + delay.2,
            files_per_minute: flow.0,
            bytes_per_second: flow.1,
            outage: outage.0,
            outage_from_ms: outage.1,
            outage_for_ms: outage.2,
            ..faults
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    #[test]
    fn every_file_is_delivered_or_lost_or_removed_and_counted(profile in profile(), seed in any::<u64>()) {
        prop_assert_eq!(profile.check(), Ok(()));
        let mut world = World::new(&profile, seed);
        world.run(40, 4_000);
        // A gate that scans every millisecond has spent its rounds on scans: what is in flight still arrives.
        for _ in 0..50 {
            if !world.gate.is_empty() {
                world.run(0, 4_000);
            }
        }
        let tally = world.gate.tally();
        prop_assert!(world.gate.is_empty(), "{tally:?}");
        prop_assert_eq!(tally.in_flight + tally.doubles_in_flight, 0);
        prop_assert_eq!(tally.picked_up, world.picked_up_ms.len() as u64);
        let seconds = world.arrivals.iter().fold(BTreeMap::new(), |mut counts, (id, ..)| {
            *counts.entry(*id).or_insert(0_u64) += 1;
            counts
        });
        prop_assert_eq!(tally.doubled, seconds.values().map(|count| count - 1).sum::<u64>());
        prop_assert!(seconds.values().all(|count| *count <= 2));
        prop_assert!(tally.corrupted + tally.truncated <= world.damaged);
    }

    /// A mean that equals the least delay makes every delay equal, so the check is exact for such profiles.
    #[test]
    fn nothing_is_delivered_before_its_delay(profile in profile(), seed in any::<u64>()) {
        let mut world = World::new(&profile, seed);
        world.run(40, 2_000);
        for (id, _, arrived_ms) in &world.arrivals {
            prop_assert!(*arrived_ms >= world.picked_up_ms[id] + profile.delay_min_ms);
        }
    }

    #[test]
    fn the_same_seed_and_observations_give_the_same_acts(profile in profile(), seed in any::<u64>()) {
        let (mut one, mut other) = (World::new(&profile, seed), World::new(&profile, seed));
        one.run(30, 1_000);
        other.run(30, 1_000);
        prop_assert_eq!(one.acts, other.acts);
        prop_assert_eq!(one.gate.tally(), other.gate.tally());
    }
}

fn drop_at_once(profile: &Profile, names: &[&str]) -> Vec<String> {
    let mut gate = Gate::new(profile.clone(), 1, Direction::InnerToOuter);
    let seen: Vec<Seen> = names.iter().map(|name| Seen { name: (*name).to_owned(), size: 100 }).collect();
    for act in gate.observe(0, &seen) {
        if let Act::PickUp { id, .. } = act {
            gate.picked_up(0, id, 100);
        }
    }
    let mut arrived = Vec::new();
    while !gate.is_empty() {
        for act in gate.due(u64::MAX) {
            if let Act::Deliver(delivery) = act {
                gate.delivered(u64::MAX, delivery.id, delivery.copy);
                arrived.push(delivery.name);
            }
        }
    }
    arrived
}

fn slow() -> Profile {
    Profile { stable_scans: 0, delay_mean_ms: 1_000, delay_max_ms: 9_000, ..Profile::default() }
}

#[test]
fn order_fifo_keeps_the_order_of_pick_up() {
    let names = ["s-9.dat", "s-10.dat", "s-11.dat", "s-2.dat"];
    assert_eq!(drop_at_once(&Profile { order: Order::Fifo, ..slow() }, &names), names);
}

#[test]
fn order_alphabetical_puts_10_before_9() {
    let arrived = drop_at_once(
        &Profile { order: Order::Alphabetical, ..slow() },
        &["s-9.dat", "s-10.dat", "s-11.dat", "s-2.dat"],
    );
    assert_eq!(arrived, ["s-10.dat", "s-11.dat", "s-2.dat", "s-9.dat"]);
}

#[test]
fn order_alphabetical_lets_the_files_of_one_scan_leave_together() {
    let mut gate = Gate::new(Profile { order: Order::Alphabetical, ..slow() }, 1, Direction::InnerToOuter);
    assert_eq!(picked(&mut gate, 0, &[("b.dat", 1), ("a.dat", 1), ("c.dat", 1)]).len(), 3);
    let leaves_ms = (0..=9_000).find(|now_ms| !gate.due(*now_ms).is_empty());
    assert!(leaves_ms.is_some_and(|now_ms| gate.due(now_ms + 9_000).is_empty()), "one answer held all of them");
}

#[test]
fn order_by_delay_lets_files_overtake_each_other() {
    let names: Vec<String> = (0..100).map(|number| format!("f{number:03}.dat")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let arrived = drop_at_once(&slow(), &names);
    assert_ne!(arrived, names);
    assert_eq!(arrived.len(), names.len());
}

fn picked(gate: &mut Gate, now_ms: u64, files: &[(&str, u64)]) -> Vec<String> {
    let seen: Vec<Seen> = files.iter().map(|(name, size)| Seen { name: (*name).to_owned(), size: *size }).collect();
    let mut names = Vec::new();
    for act in gate.observe(now_ms, &seen) {
        if let Act::PickUp { id, name, .. } = act {
            gate.picked_up(now_ms, id, 1);
            names.push(name);
        }
    }
    names
}

#[test]
fn a_growing_file_and_unfinished_names_are_left_alone() {
    let mut gate = Gate::new(Profile { stable_scans: 2, ..Profile::default() }, 1, Direction::InnerToOuter);
    let unfinished = [(".hidden", 5), ("a.tmp", 5), ("b.part", 5), ("c.filepart", 5), ("d.done", 5)];
    for (scan, size) in [10, 20, 20, 30, 30].into_iter().enumerate() {
        let mut files = unfinished.to_vec();
        files.push(("grows.dat", size));
        assert_eq!(picked(&mut gate, scan as u64 * 200, &files), [""; 0]);
    }
    assert_eq!(picked(&mut gate, 1_000, &[("grows.dat", 30)]), ["grows.dat"]);
    assert_eq!(gate.tally().seen, 1);
}

#[test]
fn a_source_that_stays_is_picked_up_once_per_size() {
    let profile = Profile { source: Source::Leave, stable_scans: 0, ..Profile::default() };
    let mut gate = Gate::new(profile, 1, Direction::InnerToOuter);
    assert_eq!(picked(&mut gate, 0, &[("a.dat", 5)]), ["a.dat"]);
    assert_eq!(picked(&mut gate, 200, &[("a.dat", 5)]), [""; 0]);
    assert_eq!(picked(&mut gate, 400, &[("a.dat", 6)]), ["a.dat"]);
    assert_eq!(picked(&mut gate, 600, &[]), [""; 0]);
    assert_eq!(picked(&mut gate, 800, &[("a.dat", 6)]), ["a.dat"]);
}

#[test]
fn what_may_not_cross_is_refused_once_each() {
    let profile = Profile {
        stable_scans: 0,
        extensions: vec!["dat".to_owned()],
        max_file_bytes: 100,
        remove_refused: true,
        ..Profile::default()
    };
    let mut gate = Gate::new(profile.clone(), 1, Direction::InnerToOuter);
    let files = [("a.exe", 5), ("b.DAT", 5), ("c.dat", 101), ("d.dat", 0), ("e", 5)];
    let seen: Vec<Seen> = files.iter().map(|(name, size)| Seen { name: (*name).to_owned(), size: *size }).collect();
    let acts = gate.observe(0, &seen);
    let removed = acts.iter().filter(|act| matches!(act, Act::RemoveRefused { .. })).count();
    assert_eq!((acts.len(), removed, gate.tally().refused), (5, 4, 4));
    let mut leaves = Gate::new(Profile { remove_refused: false, ..profile }, 1, Direction::InnerToOuter);
    assert_eq!(picked(&mut leaves, 0, &files), ["b.DAT"]);
    let left: Vec<(&str, u64)> = files.into_iter().filter(|(name, _)| *name != "b.DAT").collect();
    assert_eq!(picked(&mut leaves, 200, &left), [""; 0]);
    assert_eq!(leaves.tally().refused, 4);
}

#[test]
fn the_flow_stays_within_the_seeds_limit() {
    let profile = Profile::built_in("seed-a").unwrap();
    let mut gate = Gate::new(Profile { stable_scans: 0, ..profile }, 1, Direction::InnerToOuter);
    let mut waiting: Vec<String> = (0..800).map(|number| format!("f{number:03}.dat")).collect();
    let mut count = 0;
    for second in 0..10 {
        let files: Vec<(&str, u64)> = waiting.iter().map(|name| (name.as_str(), 100_000)).collect();
        let taken = picked(&mut gate, second * 1_000, &files);
        count += taken.len();
        waiting.retain(|name| !taken.contains(name));
    }
    assert!((335..=345).contains(&count), "{count} files in 9 s at 37.9 a second");
}

#[test]
fn an_interrupted_way_carries_nothing_and_then_everything() {
    let profile = Profile {
        outage: Outage::InnerToOuter,
        outage_from_ms: 100,
        outage_for_ms: 1_000,
        stable_scans: 0,
        ..Profile::default()
    };
    let mut gate = Gate::new(profile.clone(), 1, Direction::InnerToOuter);
    assert_eq!(picked(&mut gate, 50, &[("a.dat", 5)]), ["a.dat"]);
    assert_eq!(gate.due(150), []);
    assert_eq!(picked(&mut gate, 500, &[("b.dat", 5)]), [""; 0]);
    assert_eq!(gate.due(1_100).len(), 1);
    let mut other = Gate::new(profile, 1, Direction::OuterToInner);
    assert_eq!(picked(&mut other, 500, &[("b.dat", 5)]), ["b.dat"]);
}

#[test]
fn one_answer_has_no_more_acts_than_a_driver_can_do_between_its_other_work() {
    let mut gate = Gate::new(Profile { stable_scans: 0, ..Profile::default() }, 1, Direction::InnerToOuter);
    let names: Vec<String> = (0..3_000).map(|number| format!("f{number}.dat")).collect();
    let files: Vec<(&str, u64)> = names.iter().map(|name| (name.as_str(), 1)).collect();
    assert_eq!(picked(&mut gate, 0, &files).len(), gap_sim::gate::ACTS_MAX);
    assert_eq!(picked(&mut gate, 200, &files[gap_sim::gate::ACTS_MAX..]).len(), 1_000);
    assert_eq!((gate.due(200).len(), gate.due(200).len(), gate.due(200).len()), (2_000, 1_000, 0));
}
