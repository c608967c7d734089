//! The limit of flow: how many files and bytes a gate picks up in a stretch of time.

use crate::profile::Profile;

const US_PER_MS: u64 = 1_000;
const US_PER_SECOND: u64 = 1_000_000;
const US_PER_MINUTE: u64 = 60 * US_PER_SECOND;

/// The moment from which the next pick-up is within the limits, in microseconds.
#[derive(Debug, Default)]
pub(super) struct Pace {
    free_from_us: u64,
}

impl Pace {
    /// Begins a scan. What a gate did not use since the scan before is not lost, but what is older is.
    pub(super) fn begin_scan(&mut self, profile: &Profile, now_ms: u64) {
        let oldest_us = now_ms.saturating_sub(profile.scan_interval_ms).saturating_mul(US_PER_MS);
        self.free_from_us = self.free_from_us.max(oldest_us);
    }

    /// Takes the share of one file, if one is free.
    pub(super) fn take(&mut self, profile: &Profile, now_ms: u64, bytes: u64) -> bool {
        let now_us = now_ms.saturating_mul(US_PER_MS);
        let per_file_us = US_PER_MINUTE.checked_div(profile.files_per_minute).unwrap_or(0);
        let for_bytes_us = bytes.saturating_mul(US_PER_SECOND).checked_div(profile.bytes_per_second).unwrap_or(0);
        let share_us = per_file_us.max(for_bytes_us);
        let within_limits = share_us == 0 || self.free_from_us <= now_us;
        if within_limits {
            self.free_from_us = self.free_from_us.saturating_add(share_us);
        }
        within_limits
    }
}
