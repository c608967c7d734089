//! Named scenarios: short worlds in which one thing goes wrong, told as a timeline.

pub mod ending;
mod fault_words;
pub mod flight;
mod list;
pub mod page;
mod sentence;
pub mod timeline;

use std::collections::BTreeMap;

use ferry_core::settings::Settings;

use crate::Hand;
use crate::profile::{Outage, Profile};
use crate::world::clock::NEW_YEAR_MS;
use crate::world::database::Database;
use crate::world::faults::Fault;
use crate::world::host::ZoneId;
use crate::world::options::{Options, StreamPlan, Workload};
use crate::world::run::{Report, Verdict};
use crate::world::{Plan, World};
use ending::Ending;
use timeline::Entry;

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
    /// What somebody does to a zone behind the back of its daemon when all is over, and the sentence for it.
    meddling: Option<Meddling>,
}

/// Something that no rule of the protocol allows, done to a zone's database by hand: the checkers must notice it.
#[derive(Debug)]
pub struct Meddling {
    /// In which zone.
    zone: ZoneId,
    /// The sentence in English and in Chinese.
    text: [&'static str; 2],
    /// What is done.
    act: fn(&mut Database),
}

/// A scenario that was run to its end.
#[derive(Debug)]
pub struct Played {
    /// The world as it stands at the end.
    pub world: World,
    /// How it ended.
    pub report: Report,
    /// The sentence about meddling and when it was, if there was any.
    meddled: Option<Entry>,
}

/// What a scenario plans.
#[derive(Debug)]
pub struct Script {
    plans: Vec<(u64, Plan)>,
    profile: Profile,
    settings: Settings,
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

    /// The daemons look at their outboxes and drop directories once a minute and write a status every five: a night has
    /// fewer lines and is soon simulated.
    fn at_leisure(&mut self) -> &mut Self {
        (self.settings.observe_ms, self.settings.scan_ms, self.settings.heartbeat_ms) = (60_000, 60_000, 300_000);
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
    /// Runs the scenario to its end.
    #[must_use]
    pub fn play(&self, seed: u64) -> Played {
        let mut world = self.world(seed);
        let mut report = world.run();
        let mut meddled = None;
        if let Some(meddling) = self.meddling.as_ref().filter(|_| report.verdict == Verdict::Pass) {
            let mut database = world.host(meddling.zone).store.database();
            (meddling.act)(&mut database);
            database.commits += 1;
            drop(database);
            let text = meddling.text.map(str::to_owned);
            meddled = Some(Entry::of_zone(world.now_ms, meddling.zone, text));
            report = world.run();
        }
        Played { world, report, meddled }
    }

    /// Finds a scenario by its name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        SCENARIOS.iter().find(|scenario| scenario.name == name)
    }

    /// The world of the scenario, with its trace kept. The seed draws delays and rows, not what happens.
    #[must_use]
    pub fn world(&self, seed: u64) -> World {
        let settings = Settings { gate_worst_ms: 30_000, ..Settings::default() };
        let mut script = Script { plans: Vec::new(), profile: calm_gate(), settings };
        (self.script)(&mut script);
        let settings = script.settings;
        let options = Options {
            seed,
            workload: Workload::Rows,
            mistake: None,
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
            operators: false,
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

impl Played {
    /// Its timeline.
    #[must_use]
    pub fn entries(&self) -> Vec<Entry> {
        let mut told = timeline::entries(&self.world, &self.ending());
        told.extend(self.meddled.clone());
        told.sort_by_key(|entry| entry.at_ms);
        told
    }

    /// How things stand at its end.
    #[must_use]
    pub fn ending(&self) -> Ending {
        Ending::of(&self.world)
    }
}
