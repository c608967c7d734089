//! What many worlds were together.

use crate::exit::Exit;
use crate::lang::Lang;
use crate::words::{Word, say};
use crate::worlds::Finished;
use ferry_core::coverage::Place;
use gap_sim::world::faults::Fault;
use gap_sim::world::nodes::counts::Counts;
use gap_sim::world::options::Workload;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

/// Every kind of fault should act in one world of so many.
const WORLDS_FOR_A_FAULT: u64 = 20;

/// Seeds of failed worlds named again at the end: a log that is cut off keeps its last lines.
const SEEDS_TOLD_MAX: usize = 20;

/// What one kind of fault has done.
#[derive(Debug, Clone, Copy, Default)]
struct Acted {
    worlds: u64,
    times: u64,
    /// Worlds in which it acted and a place that answers it was reached.
    answered: u64,
}

/// Sums over all worlds.
#[derive(Debug, Default)]
pub struct Totals {
    worlds: u64,
    /// Seeds of the worlds that failed, with what their programs did.
    failed: Vec<(u64, Workload)>,
    /// Worlds of the nodes.
    of_nodes: u64,
    worst: Option<Exit>,
    faults: BTreeMap<Fault, Acted>,
    places: BTreeMap<Place, u64>,
    files: u64,
    rows: u64,
    steps: u64,
    simulated_ms: u64,
    counts: Counts,
}

impl Totals {
    /// One more world has ended.
    pub fn add(&mut self, world: &Finished) {
        self.worlds += 1;
        self.of_nodes += u64::from(world.workload == Workload::Nodes);
        let exit = world.exit();
        if exit != Exit::Ok {
            self.failed.push((world.seed, world.workload));
            self.worst = Some(self.worst.map_or(exit, |worst| if (exit as u8) < (worst as u8) { exit } else { worst }));
        }
        for (fault, count) in &world.faults {
            let acted = self.faults.entry(*fault).or_default();
            acted.worlds += 1;
            acted.times += count;
            acted.answered += u64::from(fault.answers().iter().any(|place| world.places.contains(place)));
        }
        for place in &world.places {
            *self.places.entry(*place).or_default() += 1;
        }
        if let Ok(report) = &world.result {
            self.files += report.files;
            self.rows += report.rows;
            self.steps += report.steps;
            self.simulated_ms += report.simulated_ms;
            self.counts.add(report.counts);
        }
    }

    /// How many worlds failed.
    pub fn failures(&self) -> u64 {
        self.failed.len() as u64
    }

    /// The gravest failure: a crash before a wrong result before one that is stuck.
    pub fn exit(&self) -> Exit {
        self.worst.unwrap_or(Exit::Ok)
    }

    /// Faults that acted in too few worlds, or were never answered, and places that no world has reached.
    pub fn lacks(&self) -> Vec<&'static str> {
        let acted = |fault: &Fault| self.faults.get(fault).copied().unwrap_or_default();
        let is_rare =
            |fault: &&Fault| acted(fault).worlds * WORLDS_FOR_A_FAULT < self.worlds || acted(fault).answered == 0;
        let faults = Fault::ALL.iter().filter(is_rare).map(|fault| fault.name());
        let places = Place::ALL.iter().filter(|place| !self.places.contains_key(place)).map(|place| place.name());
        faults.chain(places).collect()
    }

    /// Everything as text.
    pub fn text(&self, took: Duration, lang: Lang) -> String {
        let mut text = String::new();
        for fault in Fault::ALL {
            let Acted { worlds, times, answered } = self.faults.get(fault).copied().unwrap_or_default();
            let line = match self.places.is_empty() {
                true => say(lang, Word::SwarmFault, &[&fault, &times, &worlds]),
                false => say(lang, Word::SwarmAnswered, &[&fault, &times, &worlds, &answered]),
            };
            // Writing to a string does not fail.
            let _ = writeln!(text, "{line}");
        }
        for (place, worlds) in &self.places {
            let _ = writeln!(text, "{}", say(lang, Word::SwarmPlace, &[&place.name(), worlds]));
        }
        for (what, count) in self.counts.list().into_iter().filter(|_| self.of_nodes > 0) {
            let _ = writeln!(text, "{}", say(lang, Word::SwarmNodes, &[&what, &count]));
        }
        let seconds = took.as_secs_f64();
        let (simulated_s, rate) = (self.simulated_ms / 1_000, self.worlds as f64 / seconds);
        let speed = self.simulated_ms as f64 / 1_000.0 / seconds;
        let lines = [
            say(
                lang,
                Word::SwarmSums,
                &[&self.worlds, &self.of_nodes, &self.files, &self.rows, &self.steps, &simulated_s],
            ),
            say(lang, Word::SwarmSpeed, &[&format!("{seconds:.1}"), &format!("{rate:.1}"), &format!("{speed:.0}")]),
            say(lang, Word::SwarmFailures, &[&self.failures()]),
        ];
        let seeds =
            self.failed.iter().take(SEEDS_TOLD_MAX).map(|(seed, of)| say(lang, Word::SwarmFailed, &[seed, &of.name()]));
        let told: Vec<String> = lines.into_iter().chain(seeds).collect();
        text + &told.join("\n") + "\n"
    }
}
