//! Named scenarios: short worlds in which one thing goes wrong, told as a timeline.

mod list;
pub mod page;
pub mod timeline;

use std::collections::BTreeMap;

use ferry_core::settings::Settings;

use crate::Hand;
use crate::profile::{Outage, Profile};
use crate::world::clock::NEW_YEAR_MS;
use crate::world::faults::Fault;
use crate::world::host::ZoneId;
use crate::world::options::{Options, StreamPlan};
use crate::world::{Plan, World};

pub use list::SCENARIOS;

/// A short world with a story.
#[derive(Debug)]
pub struct Scenario {
    /// The name on the command line.
    pub name: &'static str,
    /// One line in English and in Chinese.
    pub title: [&'static str; 2],
    /// What to look for, in English and in Chinese.
    pub lesson: [&'static str; 2],
    /// Until faults end, in seconds.
    safety_s: u64,
    /// What happens.
    script: fn(&mut Script),
}

/// What a scenario plans.
#[derive(Debug)]
pub struct Script {
    plans: Vec<(u64, Plan)>,
    profile: Profile,
}

impl Script {
    /// A zone's program commits rows.
    fn commit(&mut self, at_s: u64, stream: &'static str, rows: u64) -> &mut Self {
        self.plans.push((at_s * 1_000, Plan::Commit(stream, rows)));
        self
    }

    /// A zone's program commits a row that the other database does not take.
    fn poison(&mut self, at_s: u64, stream: &'static str) -> &mut Self {
        self.plans.push((at_s * 1_000, Plan::Say(stream, crate::world::store::POISON)));
        self
    }

    /// A person does something at the gate, on the way out of a zone.
    fn hand(&mut self, at_s: u64, from: ZoneId, hand: Hand, part: &'static str) -> &mut Self {
        self.plans.push((at_s * 1_000, Plan::ByHand(from, hand, part)));
        self
    }

    /// A fault strikes.
    fn strike(&mut self, at_s: u64, fault: Fault, zone: ZoneId) -> &mut Self {
        self.plans.push((at_s * 1_000, Plan::StrikeZone(fault, zone)));
        self
    }

    /// A backup of a zone's database is made.
    fn backup(&mut self, at_s: u64, zone: ZoneId) -> &mut Self {
        self.plans.push((at_s * 1_000, Plan::Backup(zone)));
        self
    }

    /// One way is down for a while.
    fn outage(&mut self, way: Outage, from_s: u64, for_s: u64) -> &mut Self {
        self.profile.outage = way;
        (self.profile.outage_from_ms, self.profile.outage_for_ms) = (from_s * 1_000, for_s * 1_000);
        self
    }
}

/// The gate of every scenario: it needs 5 to 20 seconds, loses nothing, and looks every second.
fn calm_gate() -> Profile {
    Profile {
        name: "calm".to_owned(),
        scan_interval_ms: 1_000,
        stable_scans: 1,
        delay_min_ms: 5_000,
        delay_mean_ms: 8_000,
        delay_max_ms: 20_000,
        ..Profile::default()
    }
}

fn stream(name: &'static str, inner_owns: bool, priority: u8) -> StreamPlan {
    StreamPlan {
        name,
        inner_owns,
        depends: Vec::new(),
        priority,
        rows: 10,
        plain_bytes: 8_192,
        linger_ms: 1_000,
        independent: false,
    }
}

impl Scenario {
    /// Finds a scenario by its name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        SCENARIOS.iter().find(|scenario| scenario.name == name)
    }

    /// The world of the scenario, with its trace kept. The seed draws delays and rows, not what happens.
    #[must_use]
    pub fn world(&self, seed: u64) -> World {
        let mut script = Script { plans: Vec::new(), profile: calm_gate() };
        (self.script)(&mut script);
        let settings = Settings { gate_worst_ms: 30_000, ..Settings::default() };
        let options = Options {
            seed,
            streams: vec![stream("notice", true, 5), stream("confirm", false, 9)],
            profile: script.profile,
            safety_ms: self.safety_s * 1_000,
            transactions: 0,
            rows_max: 3,
            big_per_mille: 0,
            keys: 50,
            burst: 1,
            idle: false,
            wall_start_ms: NEW_YEAR_MS,
            latency_ms: 20,
            strikes: BTreeMap::new(),
            liveness_ms: 2 * settings.resend_max_ms + 10 * settings.heartbeat_ms,
            round_ms: 2 * settings.gate_worst_ms,
            settings,
        };
        let mut world = World::bare(options, true);
        for zone in ZoneId::BOTH {
            world.plan(0, Plan::Start(zone));
        }
        for (at_ms, plan) in script.plans {
            world.plan(at_ms, plan);
        }
        world
    }
}
