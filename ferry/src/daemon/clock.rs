//! The clocks of the daemon: the one place where it reads them.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use ferry_core::time::{Mono, Now};

/// Both clocks; the monotonic one counts from the daemon's start.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    start: Instant,
}

impl Clock {
    /// Starts the monotonic clock.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the daemon's edge, where time comes from")]
    pub fn start() -> Self {
        Self { start: Instant::now() }
    }

    /// The present moment. A wall clock before 1970 reads as 1970.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the daemon's edge, where time comes from")]
    pub fn now(&self) -> Now {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let wall_ms = u64::try_from(wall.as_millis()).unwrap_or(u64::MAX);
        Now { mono: Mono(u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX)), wall_ms }
    }
}
