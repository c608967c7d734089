//! What many worlds were together.

use crate::exit::Exit;
use crate::lang::Lang;
use crate::words::{Word, say};
use crate::worlds::Finished;
use gap_sim::world::faults::Fault;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

/// Sums over all worlds.
#[derive(Debug, Default)]
pub struct Totals {
    worlds: u64,
    failures: BTreeMap<u8, u64>,
    worst: Option<Exit>,
    faults: BTreeMap<&'static str, (u64, u64)>,
    files: u64,
    rows: u64,
    steps: u64,
    simulated_ms: u64,
}

impl Totals {
    /// One more world has ended.
    pub fn add(&mut self, world: &Finished) {
        self.worlds += 1;
        let exit = world.exit();
        if exit != Exit::Ok {
            *self.failures.entry(exit as u8).or_default() += 1;
            self.worst = Some(self.worst.map_or(exit, |worst| if (exit as u8) < (worst as u8) { exit } else { worst }));
        }
        for (name, count) in &world.faults {
            let (worlds, times) = self.faults.entry(name).or_default();
            *worlds += 1;
            *times += count;
        }
        if let Ok(report) = &world.result {
            self.files += report.files;
            self.rows += report.rows;
            self.steps += report.steps;
            self.simulated_ms += report.simulated_ms;
        }
    }

    /// How many worlds failed.
    pub fn failures(&self) -> u64 {
        self.failures.values().sum()
    }

    /// The gravest failure: a crash before a wrong result before one that is stuck.
    pub fn exit(&self) -> Exit {
        self.worst.unwrap_or(Exit::Ok)
    }

    /// Everything as text.
    pub fn text(&self, took: Duration, lang: Lang) -> String {
        let mut text = String::new();
        for fault in Fault::ALL {
            let (worlds, times) = self.faults.get(fault.name()).copied().unwrap_or_default();
            // Writing to a string does not fail.
            let _ = writeln!(text, "{}", say(lang, Word::SwarmFault, &[&fault.name(), &times, &worlds]));
        }
        let seconds = took.as_secs_f64();
        let (simulated_s, rate) = (self.simulated_ms / 1_000, self.worlds as f64 / seconds);
        let speed = self.simulated_ms as f64 / 1_000.0 / seconds;
        let lines = [
            say(lang, Word::SwarmSums, &[&self.worlds, &self.files, &self.rows, &self.steps, &simulated_s]),
            say(lang, Word::SwarmSpeed, &[&format!("{seconds:.1}"), &format!("{rate:.1}"), &format!("{speed:.0}")]),
            say(lang, Word::SwarmFailures, &[&self.failures()]),
        ];
        text + &lines.join("\n") + "\n"
    }
}
