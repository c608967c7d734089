//! The two clocks of a host: one that is set, drifts and stands still with the machine, and the wall clock beside it.

use ferry_core::time::{Mono, Now};

/// The beginning of a year: 2026-01-01 00:00:00 in China, in milliseconds since 1970-01-01 UTC.
pub const NEW_YEAR_MS: u64 = 1_767_196_800_000;
/// Parts of a million: a clock without drift.
const TRUE_RATE: u64 = 1_000_000;

/// The clocks of one host as functions of the world's time.
#[derive(Debug, Clone)]
pub struct HostClock {
    /// The world's time and the monotonic clock at the last change.
    base_ms: u64,
    base_mono: u64,
    /// Monotonic milliseconds in a million of the world's.
    rate: u64,
    wall_start_ms: u64,
    wall_offset_ms: i64,
}

impl HostClock {
    /// Clocks of which the wall clock shows so much when the world begins.
    #[must_use]
    pub const fn new(wall_start_ms: u64) -> Self {
        Self { base_ms: 0, base_mono: 0, rate: TRUE_RATE, wall_start_ms, wall_offset_ms: 0 }
    }

    /// What both clocks show.
    #[must_use]
    pub fn now(&self, world_ms: u64) -> Now {
        let mono = self.mono(world_ms);
        let wall = (self.wall_start_ms + world_ms).saturating_add_signed(self.wall_offset_ms);
        Now { mono: Mono(mono), wall_ms: wall }
    }

    fn mono(&self, world_ms: u64) -> u64 {
        self.base_mono + world_ms.saturating_sub(self.base_ms) * self.rate / TRUE_RATE
    }

    /// The first moment of the world at which the monotonic clock shows `mono` or more.
    #[must_use]
    pub fn world_ms(&self, mono: Mono) -> u64 {
        let ahead = mono.0.saturating_sub(self.base_mono);
        self.base_ms.saturating_add(ahead.saturating_mul(TRUE_RATE).div_ceil(self.rate))
    }

    /// A process starts: its monotonic clock begins at 0.
    pub fn restart(&mut self, world_ms: u64) {
        (self.base_ms, self.base_mono) = (world_ms, 0);
    }

    /// The wall clock is set forwards or backwards.
    pub fn step_wall(&mut self, by_ms: i64) {
        self.wall_offset_ms += by_ms;
    }

    /// The clock runs so many millionths fast (or slow, below 0).
    pub fn drift(&mut self, world_ms: u64, millionths: i64) {
        (self.base_mono, self.base_ms) = (self.mono(world_ms), world_ms);
        self.rate = TRUE_RATE.saturating_add_signed(millionths);
    }

    /// The machine was suspended until now for so long; its monotonic clock did not run.
    pub fn stood_still(&mut self, world_ms: u64, for_ms: u64) {
        let before = self.mono(world_ms.saturating_sub(for_ms));
        (self.base_mono, self.base_ms) = (before, world_ms);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_shows_what_it_should_and_a_deadline_is_met() {
        let mut clock = HostClock::new(NEW_YEAR_MS);
        assert_eq!(clock.now(500).mono, Mono(500));
        clock.drift(1_000, 100_000);
        assert_eq!(clock.now(2_000).mono, Mono(2_100));
        for mono in [1_001, 2_099, 2_100, 9_999] {
            let at = clock.world_ms(Mono(mono));
            assert!(clock.now(at).mono >= Mono(mono) && clock.now(at.saturating_sub(1)).mono < Mono(mono), "{mono}");
        }
        clock.step_wall(-3_600_000);
        assert_eq!(clock.now(2_000).wall_ms, NEW_YEAR_MS + 2_000 - 3_600_000);
        clock.stood_still(5_000, 3_000);
        assert_eq!(clock.now(5_000).mono, Mono(2_100));
        clock.restart(6_000);
        assert_eq!(clock.now(6_010).mono, Mono(11));
    }
}
