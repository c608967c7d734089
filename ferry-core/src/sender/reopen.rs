//! A peer that has forgotten what it had applied gets it again.

use std::collections::BTreeSet;

use ferry_format::Mark;

use super::Sender;
use crate::coverage::{self, Place};
use crate::ports::RecoveredBatch;
use crate::settings::REOPENED_MAX;
use crate::time::{Mono, Now};

/// How far the peer was, and is to come again.
#[derive(Debug, Default)]
pub(super) struct Reopening {
    /// The watermark that the peer has gone back to.
    wanted: Option<Mark>,
    busy: bool,
    /// The books do not go back as far as the peer has.
    out_of_reach: bool,
    retry_at: Option<Mono>,
    /// The last batch that the peer had proved to have applied before it forgot.
    until: u64,
    /// Batches that wait for a place in the window.
    waiting: BTreeSet<u64>,
}

impl Reopening {
    pub(super) fn waits(&self, seq: u64) -> bool {
        self.waiting.contains(&seq)
    }

    /// The peer is where the books are: nothing needs to go back any more.
    pub(super) fn peer_is_back(&mut self) {
        self.wanted = None;
        self.out_of_reach = false;
    }

    pub(super) fn forget(&mut self, seq: u64) {
        self.waiting.remove(&seq);
    }

    pub(super) const fn is_busy(&self) -> bool {
        self.busy
    }
}

impl Sender {
    /// Whether the peer is behind what it had once proved to have applied.
    #[must_use]
    pub fn is_behind(&self) -> bool {
        self.reopening.wanted.is_some() || self.settled.seq < self.reopening.until
    }

    /// The peer is behind what it had proved to have applied.
    pub(super) fn peer_forgot(&mut self, mark: &Mark) {
        self.reopening.wanted = Some(mark.clone());
    }

    /// The mark to go back to in the books, if the peer has forgotten what came after it.
    pub fn next_reopen(&mut self, now: Mono) -> Option<Mark> {
        let waits = self.ending || self.reopening.busy || self.reopening.retry_at.is_some_and(|at| now < at);
        // What is proved and not written down yet would be written over it.
        if waits || self.settling.as_ref().is_some_and(|mark| mark.seq > self.settled.seq) {
            return None;
        }
        let mark = self.reopening.wanted.clone()?;
        if self.last_recorded.seq - mark.seq > REOPENED_MAX {
            self.reopening.out_of_reach = true;
            return None;
        }
        self.reopening.busy = true;
        Some(mark)
    }

    /// The books have not gone back: tried again later. Where they cannot, the peer may still say another place.
    pub fn reopen_failed(&mut self, retry_at: Mono, can_never: bool) {
        self.reopening.busy = false;
        self.reopening.retry_at = Some(retry_at);
        self.reopening.out_of_reach = can_never;
    }

    /// Whether the peer is behind what the books can go back to.
    #[must_use]
    pub const fn is_out_of_reach(&self) -> bool {
        self.reopening.out_of_reach
    }

    /// The books have gone back: what the peer lacks is sent again, as the window allows.
    pub fn reopened(&mut self, mark: &Mark, batches: Vec<RecoveredBatch>, now: Now) {
        coverage::hit(Place::Reopened);
        self.reopening.busy = false;
        self.reopening.peer_is_back();
        self.reopening.retry_at = None;
        self.reopening.until = self.reopening.until.max(self.settled.seq);
        self.settled = mark.clone();
        self.settling = None;
        self.reported = self.reported.min(mark.seq);
        for batch in batches {
            if self.unsettled.contains_key(&batch.seq) {
                continue;
            }
            let seq = batch.seq;
            let supersedes = !batch.instead.is_empty();
            self.adopt(batch, now, now.mono);
            if supersedes {
                continue;
            }
            self.clear_due(seq);
            self.reopening.waiting.insert(seq);
        }
    }

    /// What a restart finds beyond the window waits for a place in it: a peer that had forgotten much may lack all of it.
    /// What supersedes does not wait, nor here nor elsewhere: that it has arrived is known only when its group is applied.
    pub(super) fn wait_for_the_window(&mut self, window: usize) {
        let ordinary = self.unsettled.iter().filter(|(_, batch)| batch.instead.is_empty());
        let beyond: Vec<u64> = ordinary.map(|(seq, _)| *seq).skip(window).collect();
        for seq in beyond {
            self.clear_due(seq);
            self.reopening.waiting.insert(seq);
        }
    }

    /// Sends what waits for a place in the window.
    pub(super) fn release_reopened(&mut self, window: usize) {
        while self.not_held.saturating_sub(self.reopening.waiting.len() + self.superseding_out) < window {
            let Some(seq) = self.reopening.waiting.pop_first() else { return };
            self.resend_now(seq);
        }
    }
}

#[cfg(test)]
mod tests {
    use ferry_format::{Digest, EpochId};

    use super::super::FirstLook;
    use super::*;
    use crate::contract::BatchLimits;
    use crate::ports::RecoveredOut;
    use crate::settings::Settings;

    const NOW: Now = Now { mono: Mono(0), wall_ms: 0 };

    fn mark(seq: u64) -> Mark {
        let digest = Digest::of(&[&seq.to_be_bytes()]);
        Mark { stream: "bill".parse().expect("a name"), epoch: 1, seq, digest }
    }

    /// A sender of which the peer had applied everything up to `seq`.
    fn settled(seq: u64) -> Sender {
        let recovered = RecoveredOut {
            epoch_id: EpochId([1; 8]),
            last: mark(seq),
            through_id: seq,
            settled: mark(seq),
            unsettled: Vec::new(),
            boundaries: Vec::new(),
            on_hold: false,
            loading: false,
            begun: None,
        };
        let limits = BatchLimits { rows: 10, plain_bytes: 1 << 20, linger_ms: 1_000 };
        Sender::recover(recovered, limits, 5, Vec::new(), NOW, FirstLook { at: Mono(0), window: 64 })
    }

    fn hears(sender: &mut Sender, seq: u64) {
        sender.read_report(Some(&mark(seq)), None, true, NOW, &Settings::default());
    }

    #[test]
    fn a_peer_that_lacks_too_much_is_out_of_reach_until_it_has_more() {
        let mut sender = settled(REOPENED_MAX + 10);
        hears(&mut sender, 9);
        assert_eq!(sender.next_reopen(Mono(0)), None);
        assert!(sender.is_out_of_reach() && sender.is_behind());
        hears(&mut sender, 10);
        assert_eq!(sender.next_reopen(Mono(0)), Some(mark(10)));
        sender.reopened(&mark(10), Vec::new(), NOW);
        assert!(!sender.is_out_of_reach() && sender.is_behind());
    }

    #[test]
    fn a_peer_that_is_back_by_itself_needs_nothing_again() {
        let mut sender = settled(50);
        hears(&mut sender, 9);
        assert!(sender.is_behind());
        hears(&mut sender, 50);
        assert_eq!(sender.next_reopen(Mono(0)), None);
        assert!(!sender.is_behind());
    }
}
