//! The time of one run: the only clock of the demo, and the only place where it waits.

use std::thread;
use std::time::{Duration, Instant};

/// A clock that counts from the start of the run.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    started: Instant,
}

impl Clock {
    /// Begins at 0 ms.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the demo runs in real time, and its clock is here alone")]
    pub fn start() -> Self {
        Self { started: Instant::now() }
    }

    /// Milliseconds since the run began.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the demo runs in real time, and its clock is here alone")]
    pub fn now_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// Waits a little before something is looked at again.
#[expect(clippy::disallowed_methods, reason = "the waits are short, and signals are looked for after each")]
pub fn rest(ms: u64) {
    thread::sleep(Duration::from_millis(ms));
}
