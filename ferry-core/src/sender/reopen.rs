//! A peer that has forgotten what it had applied gets it again.

use std::collections::BTreeSet;

use ferry_format::Mark;

use super::Sender;
use crate::coverage::{self, Place};
use crate::ports::RecoveredBatch;
use crate::time::{Mono, Now};

/// How far the peer was, and is to come again.
#[derive(Debug, Default)]
pub(super) struct Reopening {
    /// The watermark that the peer has gone back to.
    wanted: Option<Mark>,
    busy: bool,
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

    /// The last batch that the peer had applied once, if it has forgotten that.
    pub(super) const fn until(&self) -> u64 {
        self.until
    }

    /// The peer is where the books are: nothing needs to go back any more.
    pub(super) fn peer_is_back(&mut self) {
        self.wanted = None;
    }

    pub(super) fn forget(&mut self, seq: u64) {
        self.waiting.remove(&seq);
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
        let waits = self.reopening.busy || self.reopening.retry_at.is_some_and(|at| now < at);
        // What is proved and not written down yet would be written over it.
        if waits || self.settling.as_ref().is_some_and(|mark| mark.seq > self.settled.seq) {
            return None;
        }
        let mark = self.reopening.wanted.clone()?;
        self.reopening.busy = true;
        Some(mark)
    }

    /// The books cannot go back there: tried again later, since the peer may say more.
    pub fn reopen_failed(&mut self, retry_at: Mono) {
        self.reopening.busy = false;
        self.reopening.retry_at = Some(retry_at);
    }

    /// The books have gone back: what the peer lacks is sent again, as the window allows.
    pub fn reopened(&mut self, mark: &Mark, batches: Vec<RecoveredBatch>, now: Now) {
        coverage::hit(Place::Reopened);
        self.reopening.busy = false;
        self.reopening.wanted = None;
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
