//! The time of one run: the only clock of the program, and the only place where it waits.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// A sleep does not end with a signal, so none is longer than a signal may go unnoticed.
const SLEEP_MS_MAX: u64 = 50;

/// The time of one run, and whether it is to end.
#[derive(Debug)]
pub struct Shift<'run> {
    started: Instant,
    stop: &'run AtomicBool,
}

impl<'run> Shift<'run> {
    /// Begins at 0 ms.
    #[expect(clippy::disallowed_methods, reason = "the bridge runs in real time, and its clock is here alone")]
    pub fn begin(stop: &'run AtomicBool) -> Self {
        Self { started: Instant::now(), stop }
    }

    /// Milliseconds since the run began.
    #[expect(clippy::disallowed_methods, reason = "the bridge runs in real time, and its clock is here alone")]
    pub fn now_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).expect("a run is shorter than 500 million years")
    }

    /// Whether a signal asked to stop.
    pub fn is_over(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Waits until this moment, or a little while if that is longer.
    #[expect(clippy::disallowed_methods, reason = "the wait is short, and a signal is looked for after each")]
    pub fn rest_until(&self, moment_ms: u64) {
        let rest_ms = moment_ms.saturating_sub(self.now_ms()).min(SLEEP_MS_MAX);
        thread::sleep(Duration::from_millis(rest_ms));
    }
}
