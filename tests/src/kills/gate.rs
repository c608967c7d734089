//! The gate between the zones, a real `gap-sim bridge`, which is killed too.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::demo::clock::rest;
use crate::pair::{Daemon, INNER, OUTER, Pair, files_below, program, wait_until};

/// Loses and doubles files, damages some, and reorders all.
const PROFILE: &str = "demo";
/// Makes 17 ms of the mean delay of 17 s, and 304 ms of the greatest.
const TIME_SCALE: u64 = 1_000;

/// A gate that runs.
pub struct Gate {
    process: Option<Daemon>,
    work: PathBuf,
    seed: u64,
}

impl Gate {
    /// Starts the gate.
    #[must_use]
    pub fn start(pair: &Pair, seed: u64) -> Self {
        let mut gate = Self { process: None, work: pair.dir.path().join("gate"), seed };
        gate.spawn(pair);
        gate
    }

    /// A gate draws the fate of a file by its place since the start, so each start has another seed.
    fn spawn(&mut self, pair: &Pair) {
        let log = std::fs::File::options().create(true).append(true).open(pair.dir.path().join("gate.log"));
        let mut command = Command::new(program("gap-sim"));
        command.args(["bridge", "--profile", PROFILE, "--time-scale", &TIME_SCALE.to_string()]);
        command.args(["--seed", &self.seed.to_string()]).arg("--work").arg(&self.work);
        command.arg("--inner-to-gate").arg(pair.path(INNER, "to-gate"));
        command.arg("--inner-from-gate").arg(pair.path(INNER, "from-gate"));
        command.arg("--outer-to-gate").arg(pair.path(OUTER, "to-gate"));
        command.arg("--outer-from-gate").arg(pair.path(OUTER, "from-gate"));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log.expect("a log file"));
        self.process = Some(Daemon::spawn(&mut command));
        self.seed = self.seed.wrapping_add(1);
    }

    /// Kills the gate, and starts one that another seed draws. It delivers what was in flight.
    #[must_use]
    pub fn change(mut self, pair: &Pair, seed: u64) -> Self {
        self.process.take().expect("a gate runs between two kills").kill();
        self.seed = seed;
        self.spawn(pair);
        self
    }

    /// Files that were picked up and are not delivered.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        ["inner-to-outer", "outer-to-inner"].map(|way| files_below(&self.work.join(way)).len()).iter().sum()
    }

    /// Kills the gate so many milliseconds after a file was seen in flight, and starts another. Returns how many files were in
    /// flight at its death.
    pub fn kill(&mut self, pair: &Pair, after_ms: u64) -> usize {
        wait_until("a file in flight", || self.in_flight() > 0);
        rest(after_ms);
        self.process.take().expect("a gate runs between two kills").kill();
        let in_flight = self.in_flight();
        self.spawn(pair);
        in_flight
    }
}
