//! What is published, and published again, and when.

use ferry_format::{Digest, Mark};

use super::{Sender, Stage};
use crate::breaks::{self, Break};
use crate::coverage::{self, Place};
use crate::ports::{Attempt, BatchId, FaultKind, PortError};
use crate::settings::{ALARM_ATTEMPT, ATTEMPTS_MAX, ResendPlan, Settings};
use crate::time::{Mono, Now};

/// A batch whose turn it is to be published.
#[derive(Debug)]
pub struct Turn {
    /// The batch.
    pub id: BatchId,
    /// The attempt, which is recorded.
    pub attempt: u32,
    /// The attempt before it, if its file may still lie in the drop directory.
    pub replaces: Option<u32>,
    /// Whether it is sealed again first.
    pub reseal: bool,
}

impl Sender {
    /// The lowest batch that waits to be published and that the anchor covers.
    pub fn next_publish(&mut self, anchored_seq: u64, superseding: &[Mark]) -> Option<Turn> {
        let seq = *self.queue.first().filter(|_| !self.ending)?;
        if self.on_hold {
            coverage::hit(Place::HoldWaits);
            return None;
        }
        let is_anchored = seq <= anchored_seq && self.is_superseding_anchored(seq, superseding);
        if !is_anchored && !breaks::is(Break::PublishedBeforeAnchored) {
            return None;
        }
        self.queue.pop_first();
        let id = self.id(seq)?;
        let batch = self.unsettled.get_mut(&seq)?;
        batch.stage = Stage::Publishing;
        let replaces = (batch.attempt > 1).then(|| batch.attempt - 1);
        let reseal = self.reseal.remove(&seq);
        if reseal {
            self.resealing.insert(seq);
        }
        Some(Turn { id, attempt: batch.attempt, replaces, reseal })
    }

    /// Takes the result of publishing. Returns the attempt that is out.
    pub fn publish_done(
        &mut self,
        seq: u64,
        result: &Result<(), PortError>,
        now: Mono,
        settings: &Settings,
    ) -> Option<u32> {
        let delay = self.resend_delay(seq, settings);
        if self.resealing.remove(&seq) && result.is_err() {
            self.reseal.insert(seq);
        }
        // Asked for while this attempt was on its way out.
        let again = self.reseal.contains(&seq);
        let batch = self.unsettled.get_mut(&seq)?;
        match result {
            Ok(()) => self.damaged.remove(&seq),
            Err(error) if error.kind == FaultKind::Corrupt => {
                // Trying again mends nothing; the batches beside it go on.
                batch.stage = Stage::Out(None);
                self.damaged.insert(seq);
                return None;
            }
            Err(_) => {
                batch.stage = Stage::Queued;
                self.queue.insert(seq);
                return None;
            }
        };
        self.published_max = self.published_max.max(seq);
        batch.tries += 1;
        batch.published = Some(now);
        batch.stage = Stage::Out(None);
        let attempt = batch.attempt;
        if again {
            self.resend_now(seq);
        } else if !batch.held {
            self.set_due(seq, now + delay);
        }
        Some(attempt)
    }

    /// Until the next attempt: above the gate's known worst case and three learned round trips, doubled with every try,
    /// give or take a fifth, so that many batches do not come due at once.
    fn resend_delay(&self, seq: u64, settings: &Settings) -> u64 {
        let Some(batch) = self.unsettled.get(&seq) else { return settings.resend_max_ms };
        let base = match &settings.resend {
            ResendPlan::Doubling => {
                let learned = self.delay.longest_ms().unwrap_or(0).saturating_mul(3).min(settings.resend_max_ms);
                let first = learned.max(settings.gate_worst_ms + settings.gate_worst_ms / 50 + 1);
                first.saturating_mul(1 << batch.tries.min(16)).min(settings.resend_max_ms.max(first))
            }
            ResendPlan::Steps(steps) => {
                let index = usize::try_from(batch.tries).unwrap_or(usize::MAX).min(steps.len().saturating_sub(1));
                steps.get(index).copied().unwrap_or(settings.resend_max_ms)
            }
        };
        if batch.tries == 0 { base } else { jitter(base, &batch.digest, batch.attempt) }
    }

    fn set_due(&mut self, seq: u64, at: Mono) {
        let Some(batch) = self.unsettled.get_mut(&seq) else { return };
        if let Stage::Out(previous) = &mut batch.stage {
            if let Some(old) = previous.replace(at) {
                self.due.remove(&(old, seq));
            }
            self.due.insert((at, seq));
        }
    }

    /// Nothing more is to be sent of this batch unless the peer says otherwise.
    pub(super) fn clear_due(&mut self, seq: u64) {
        let Some(batch) = self.unsettled.get_mut(&seq) else { return };
        match batch.stage {
            Stage::Out(due) => {
                if let Some(at) = due {
                    self.due.remove(&(at, seq));
                }
                batch.stage = Stage::Out(None);
            }
            Stage::Due => {
                self.overdue.remove(&seq);
                batch.stage = Stage::Out(None);
            }
            Stage::Queued if batch.tries > 0 => {
                self.queue.remove(&seq);
                batch.stage = Stage::Out(None);
            }
            Stage::Queued | Stage::Publishing | Stage::Recording => {}
        }
    }

    /// Makes the next attempt due now.
    pub fn resend_now(&mut self, seq: u64) -> bool {
        let Some(batch) = self.unsettled.get_mut(&seq) else { return false };
        let Stage::Out(due) = batch.stage else { return false };
        // What waits for the window is sent when its turn comes, whoever asks.
        if self.reopening.waits(seq) || breaks::is(Break::NeverResent) {
            return false;
        }
        if let Some(at) = due {
            self.due.remove(&(at, seq));
        }
        batch.stage = Stage::Due;
        self.overdue.insert(seq);
        true
    }

    /// Makes the next attempts of a range due now, and has them sealed again first if so asked.
    pub fn resend_range(&mut self, first: u64, last: u64, reseal: bool) {
        for seq in self.unsettled_between(first, last) {
            if reseal {
                self.reseal.insert(seq);
            }
            self.resend_now(seq);
        }
    }

    /// When the next attempt comes due by itself.
    #[must_use]
    pub fn next_due(&self) -> Option<Mono> {
        self.due.first().map(|(at, _)| *at)
    }

    /// The attempts to record now, each before it is published.
    pub fn next_attempts(&mut self, now: Now, window: usize) -> Vec<Attempt> {
        if self.on_hold || self.ending || self.attempts_retry_at.is_some_and(|at| now.mono < at) {
            return Vec::new();
        }
        while let Some((at, seq)) = self.due.first().copied() {
            if at > now.mono {
                break;
            }
            if self.resend_now(seq) {
                coverage::hit(Place::ResentByTime);
            } else {
                self.due.remove(&(at, seq));
            }
        }
        self.release_reopened(window);
        let mut attempts = Vec::new();
        while let Some(seq) = self.overdue.first().copied().filter(|_| attempts.len() < ATTEMPTS_MAX) {
            self.overdue.remove(&seq);
            let Some(batch) = self.unsettled.get_mut(&seq) else { continue };
            batch.stage = Stage::Recording;
            attempts.push(Attempt {
                stream: self.stream.clone(),
                epoch: self.epoch,
                seq,
                attempt: batch.attempt + 1,
                at_ms: now.wall_ms,
            });
        }
        attempts
    }

    /// Takes the result of recording attempts.
    pub fn attempts_done(&mut self, attempts: &[Attempt], recorded: bool, now: Mono, settings: &Settings) {
        self.attempts_retry_at = (!recorded).then(|| now + settings.retry_ms);
        for attempt in attempts {
            let Some(batch) = self.unsettled.get_mut(&attempt.seq) else { continue };
            if recorded {
                batch.attempt = attempt.attempt;
                if batch.attempt >= ALARM_ATTEMPT {
                    coverage::hit(Place::ManyAttempts);
                }
                batch.stage = Stage::Queued;
                self.queue.insert(attempt.seq);
            } else {
                batch.stage = Stage::Due;
                self.overdue.insert(attempt.seq);
            }
        }
    }

    /// The first status after a silence: what waited for a late attempt need not wait the long end of its schedule.
    pub fn reset_backoff(&mut self, now: Mono, settings: &Settings) {
        let waiting: Vec<u64> = self.due.iter().map(|(_, seq)| *seq).collect();
        for seq in waiting {
            if let Some(batch) = self.unsettled.get_mut(&seq) {
                batch.tries = batch.tries.min(1);
            }
            let at = now + self.resend_delay(seq, settings);
            if self.due_of(seq).is_some_and(|due| at < due) {
                self.set_due(seq, at);
            }
        }
    }

    fn due_of(&self, seq: u64) -> Option<Mono> {
        match self.unsettled.get(&seq)?.stage {
            Stage::Out(due) => due,
            Stage::Queued | Stage::Publishing | Stage::Due | Stage::Recording => None,
        }
    }

    pub(super) fn id(&self, seq: u64) -> Option<BatchId> {
        let batch = self.unsettled.get(&seq)?;
        let digest = batch.instead.last().copied().unwrap_or(batch.digest);
        Some(BatchId { stream: self.stream.clone(), epoch: self.epoch, seq, digest })
    }
}

/// `base` give or take 20 %, drawn from the batch and the attempt, so that it needs no randomness.
fn jitter(base: u64, digest: &Digest, attempt: u32) -> u64 {
    let mixed = Digest::of(&[&digest.0, &attempt.to_be_bytes()]);
    let draw = u64::from(mixed.0[0]) * 256 + u64::from(mixed.0[1]);
    let fifth = base / 5;
    base - fifth + (2 * fifth).saturating_mul(draw) / 65_536
}

impl Sender {
    /// The batches of a range that the peer has not proved to have applied.
    #[must_use]
    pub fn unsettled_between(&self, first: u64, last: u64) -> Vec<u64> {
        if first > last { Vec::new() } else { self.unsettled.range(first..=last).map(|(seq, _)| *seq).collect() }
    }
}
