//! The numbers that a zone runs with: timers, windows and limits. The defaults are what is shipped.

use core::num::NonZeroU64;

/// How long to wait for a sign of a published batch before it is published again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResendPlan {
    /// First above the gate's worst case and three learned round trips, then twice as long each time.
    Doubling,
    /// These delays one after the other, in milliseconds, the last one again and again.
    Steps(Vec<u64>),
}

impl ResendPlan {
    /// 1, 3, 5, 15 and 30 minutes: the compensation schedule of provincial payment platforms (补偿通知).
    #[must_use]
    pub fn seed_b() -> Self {
        Self::Steps([1, 3, 5, 15, 30].map(|minutes: u64| minutes * 60_000).to_vec())
    }
}

/// Timers in milliseconds, windows and limits of one link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Batches of one stream that may be out without the peer having reported them durably held.
    pub window_batches: usize,
    /// Bytes of one stream's files that may be out and not applied before no new group is begun.
    pub hold_bytes: u64,
    /// The largest group; a larger single transaction stops its stream.
    pub group_bytes: u64,
    /// How often the outboxes are looked at, and so how fine transaction boundaries are seen.
    pub observe_ms: u64,
    /// How often the drop directory is looked at when nothing hints at a change.
    pub scan_ms: u64,
    /// How long a file that cannot be read yet may lie before it is judged as it is.
    pub settle_ms: u64,
    /// A status goes out at least so often.
    pub heartbeat_ms: u64,
    /// The same until the peer has echoed this start of the daemon.
    pub handshake_ms: u64,
    /// A status that reports progress waits so long for more progress.
    pub status_debounce_ms: u64,
    /// The longest time the gate is known to need.
    pub gate_worst_ms: u64,
    /// When to publish again.
    pub resend: ResendPlan,
    /// The longest time between two attempts.
    pub resend_max_ms: u64,
    /// A failed operation is tried again after so long.
    pub retry_ms: u64,
    /// What the operator sees is written at most so often.
    pub note_ms: u64,
    /// So long after it was applied a batch stays in the archive whole; afterwards its head stays.
    pub retention_ms: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            window_batches: 64,
            hold_bytes: 1 << 30,
            group_bytes: 512 << 20,
            observe_ms: 200,
            scan_ms: 1_000,
            settle_ms: 10_000,
            heartbeat_ms: 60_000,
            handshake_ms: 10_000,
            status_debounce_ms: 500,
            gate_worst_ms: 304_000,
            resend: ResendPlan::Doubling,
            resend_max_ms: 30 * 60_000,
            retry_ms: 1_000,
            note_ms: 500,
            retention_ms: 90 * DAY_MS,
        }
    }
}

impl Settings {
    /// Looks at the outboxes more often where a stream has a short linger, in milliseconds, of which looking must not be the
    /// larger part.
    #[must_use]
    pub fn hastened(mut self, lingers_ms: impl IntoIterator<Item = u64>) -> Self {
        let shortest = lingers_ms.into_iter().min().map_or(u64::MAX, |linger| linger / LOOKS_A_LINGER);
        self.observe_ms = self.observe_ms.min(shortest.max(OBSERVE_MS_MIN));
        self
    }

    /// Divides every timer by `scale`, each to at least one millisecond. Windows and sizes stay.
    #[must_use]
    pub fn scaled(mut self, scale: NonZeroU64) -> Self {
        let divide = |ms: &mut u64| *ms = (*ms / scale).max(1);
        for ms in [
            &mut self.observe_ms,
            &mut self.scan_ms,
            &mut self.settle_ms,
            &mut self.heartbeat_ms,
            &mut self.handshake_ms,
            &mut self.status_debounce_ms,
            &mut self.gate_worst_ms,
            &mut self.resend_max_ms,
            &mut self.retry_ms,
            &mut self.note_ms,
            &mut self.retention_ms,
        ] {
            divide(ms);
        }
        if let ResendPlan::Steps(steps) = &mut self.resend {
            steps.iter_mut().for_each(divide);
        }
        self
    }
}

/// Looks at the outboxes within the shortest linger: the last one is late by a fifth of it at most.
const LOOKS_A_LINGER: u64 = 5;
/// No linger makes looks more frequent than this: fifty a second cost a hundredth of a processor when there is nothing to see.
const OBSERVE_MS_MIN: u64 = 20;
/// A day in milliseconds.
pub const DAY_MS: u64 = 86_400_000;
/// Whole batches stay in the archive at least so long: a zone that was put back to a backup of last week is given its rows
/// out of them.
pub const RETENTION_MIN_MS: u64 = 7 * DAY_MS;
/// How often at least the time for which batches have been archived is written down: what a restart may lose of it.
pub const RETAIN_MAX_MS: u64 = 600_000;
/// Moments remembered by stream within the retention: while the peer is heard and nothing is wrong, a batch stays longer than it
/// must by little more than a 64th.
pub const RETENTION_MARKS: u64 = 64;
/// Moments remembered by stream when none of them can be worked off.
pub const RETENTION_MARKS_MAX: usize = 128;
/// Batches cleared from the archive at a time: what the operator sees waits meanwhile, a second or two on a slow disk.
pub const PRUNES_MAX: usize = 64;
/// From this attempt on a batch raises an alarm: four resends without a sign are not the gate's usual loss.
pub const ALARM_ATTEMPT: u32 = 5;
/// Heartbeats that may be missed before the peer counts as silent.
pub const SILENT_HEARTBEATS: u64 = 3;
/// Files looked at in one scan: enough that a flood is worked off quickly, few enough to keep in memory.
pub const SCAN_FILES_MAX: usize = 65_536;
/// Files taken at the same time: each lies in memory whole.
pub const TAKES_MAX: usize = 4;
/// Files published at the same time.
pub const PUBLISHES_MAX: usize = 4;
/// Batches cut or sealed and not yet recorded, by stream: each lies in memory whole.
pub const PIPELINE_MAX: usize = 4;
/// Sealed batches recorded in one transaction.
pub const RECORDS_MAX: usize = 16;
/// Attempts recorded in one transaction.
pub const ATTEMPTS_MAX: usize = 256;
/// Transaction boundaries remembered by stream; beyond it neighbours are merged, which only makes groups larger.
pub const BOUNDARIES_MAX: usize = 4_096;
/// Batches held above the watermark by stream: bounds memory when every file is tiny.
pub const HELD_BATCHES_MAX: usize = 65_536;
/// What a load captures at a time, in full batches: few enough that a program waits for the database only for moments, and that
/// the group they make stays far below [`Settings::group_bytes`].
pub const LOAD_BATCHES: u64 = 2;
/// Groups that one transaction applies when they wait: a page of an index that they all change is written once, and what a commit
/// costs is shared. Few enough that a program waits for the database only for moments.
pub const GROUPS_TOGETHER_MAX: usize = 8;
/// Bytes of the files of such groups: seven of a thousand confirmations. A larger group is applied by itself.
pub const TOGETHER_BYTES_MAX: u64 = 1 << 20;
/// How far above the watermark a seq may lie; beyond it a batch stays at the gate.
pub const AHEAD_MAX: u64 = 1 << 20;
/// Lines in the life of batches kept until the next note; beyond it the oldest are dropped.
pub const LIFE_EVENTS_MAX: usize = 16_384;
/// Batches that are sent again to a peer that has forgotten them. Each takes some 300 bytes of memory, and a day of a busy province has
/// fewer; a peer that lacks more has to be put back to a newer backup.
pub const REOPENED_MAX: u64 = 100_000;
/// Batches that are given back at a time for one wish of a status: a window, so that the gate's directory stays as small as it
/// is otherwise.
pub const RETURN_FILES_MAX: u64 = 64;
/// The attempt from which a batch that came back is published again: how often it was before is not known, and gates
/// remember names. Nineteen resends take eight hours, and from then on one is made every half hour.
pub const RETURNED_ATTEMPT: u32 = 1_000;
/// Groups of a link that are superseded and not known to be applied, at a time: each has a line in the anchor. Operators make few;
/// a peer that was put back opens those of its lost months again. Beyond this no act supersedes another, and those that were opened
/// again wait until the ones before them are applied.
pub const SUPERSEDED_OPEN_MAX: usize = 4_096;
/// Ended acts that wait to be listed by the peer, as far as a start takes them up: some months of an operator's acts.
pub const UNTOLD_ACTS_MAX: usize = 4_096;
/// Applied batches whose files wait to be archived: some megabytes of memory. More are archived at the next start, as they were
/// left by a daemon that was killed.
pub const LEFT_BEHIND_MAX: usize = 65_536;
/// Status numbers reserved by one write of the anchor.
pub const STATUS_NUMBERS_RESERVED: u64 = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_lingers_hasten_the_looks_and_long_ones_do_not() {
        let looks = |lingers: &[u64]| Settings::default().hastened(lingers.iter().copied()).observe_ms;
        assert_eq!((looks(&[]), looks(&[60_000, 1_000])), (200, 200));
        assert_eq!((looks(&[60_000, 500]), looks(&[0, 1_000])), (100, OBSERVE_MS_MIN));
        let often = Settings { observe_ms: 5, ..Settings::default() };
        assert_eq!(often.hastened([0]).observe_ms, 5);
    }

    #[test]
    fn scale_divides_every_timer_and_no_size() {
        let shipped = Settings { resend: ResendPlan::seed_b(), ..Settings::default() };
        let scaled = shipped.clone().scaled(NonZeroU64::new(100).expect("100 is not zero"));
        assert_eq!(scaled.heartbeat_ms, 600);
        assert_eq!(scaled.observe_ms, 2);
        assert_eq!(scaled.window_batches, shipped.window_batches);
        assert_eq!(scaled.resend, ResendPlan::Steps(vec![600, 1_800, 3_000, 9_000, 18_000]));
    }
}
