//! Which group is applied next, and what stands in its way.

use ferry_format::{BatchReport, EpochId, Mark, Requirement, StreamName};

use super::Receiver;
use crate::breaks::{self, Break};
use crate::coverage::{self, Place};
use crate::ports::{AppliedBatch, ApplyOutcome, BatchId, FaultKind, PortError, Spoiled};
use crate::settings::Settings;
use crate::time::{Mono, Now};

/// Reports remembered until the peer echoes a status that carried them; beyond it the oldest are dropped, since they are
/// information only.
const REPORTS_KEPT_MAX: usize = 4 * ferry_format::limits::REPORTS_MAX;

/// A group that is whole, here, and allowed, and perhaps others that follow it.
#[derive(Debug)]
pub struct NextGroup {
    /// The epoch's id.
    pub epoch_id: EpochId,
    /// The watermark on which it follows.
    pub expect: Mark,
    /// Their batches, each with the moment it was taken.
    pub batches: Vec<(BatchId, u64)>,
}

/// Why a held batch is set aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expelled {
    /// It does not follow what was applied before it.
    WrongPrevious,
    /// Its file is gone or damaged, and must come again.
    Spoiled(String),
    /// The key that signed it is revoked, and it does not chain to what that key signed last in its owner's hands.
    Revoked,
    /// Its epoch is not followed any more.
    Ended,
}

/// What applying changed.
#[derive(Debug, Default)]
pub struct Applied {
    /// The seqs that are applied now, with rows, parked rows and milliseconds.
    pub reports: Vec<BatchReport>,
    /// The watermark must be read again before anything is judged.
    pub read_mark: bool,
}

impl Receiver {
    /// The group at the head of the stream, if it is whole and nothing stands in its way, and groups behind it that can be
    /// applied with it.
    pub fn next_group(&mut self, now: Mono, watermark: impl Fn(&StreamName) -> Option<Mark>) -> Option<NextGroup> {
        if self.on_hold && self.whole_group().is_some() {
            coverage::hit(Place::HoldWaits);
        }
        let waits = self.applying || self.reading || self.retry_at.is_some_and(|at| now < at) || self.refused.is_some();
        if waits
            || self.following
            || self.has_ended()
            || self.expelling.is_some()
            || self.has_revoked()
            || self.head_obstacle(&watermark).is_some()
        {
            return None;
        }
        let followed = self.followed.clone()?;
        let seqs = self.whole_group()?;
        let last = self.take_together(&seqs, &watermark);
        self.applying = true;
        self.retry_at = None;
        let batches = (*seqs.start()..=last)
            .filter_map(|seq| {
                let held = self.held.get(&(followed.mark.epoch, seq))?;
                let id = BatchId { stream: self.stream.clone(), epoch: followed.mark.epoch, seq, digest: held.digest };
                Some((id, held.taken_at_ms))
            })
            .collect();
        Some(NextGroup { epoch_id: followed.epoch_id, expect: followed.mark, batches })
    }

    /// The seqs of the head group when all of it is durably held.
    fn whole_group(&self) -> Option<std::ops::RangeInclusive<u64>> {
        let mut first = self.applied_seq() + 1;
        if breaks::is(Break::HolePassedByTime) {
            first = self.held_here().find(|(seq, held)| *seq == held.group.first).map_or(first, |(seq, _)| seq);
        }
        if breaks::is(Break::SupersedeAfterApply) {
            first = self.held_here().next().map_or(first, |(seq, _)| seq.min(first));
        }
        let here = self.held_here().skip_while(|(seq, _)| *seq < first);
        let mut of_act = None;
        for (next, (seq, held)) in (first..).zip(here) {
            let act = |held: &super::Held| held.supersedes.as_ref().map(|it| it.act);
            if seq != next
                || !held.durable
                || held.group.first != first
                || act(held) != *of_act.get_or_insert(act(held))
            {
                return None;
            }
            if held.group.last || breaks::is(Break::GroupInParts) {
                return Some(first..=seq);
            }
        }
        None
    }

    /// What keeps the head of the stream from being applied, by its published code; `None` also when it is not here.
    pub(super) fn head_obstacle(
        &self,
        watermark: &impl Fn(&StreamName) -> Option<Mark>,
    ) -> Option<(&'static str, u64)> {
        let Some(mark) = self.mark() else {
            return self.held.keys().next().map(|(_, seq)| ("epoch-not-followed", *seq));
        };
        let head = mark.seq + 1;
        if self.on_hold {
            return Some((super::HELD_BY_OPERATOR, head));
        }
        if breaks::is(Break::DisputeIgnored) {
            return None;
        }
        let places = (mark.epoch, 0)..=(mark.epoch, self.group_end(head));
        if let Some(((_, seq), _)) = self.disputed.range(places).next() {
            return Some(("two-statements", *seq));
        }
        let Some(held) = self.held.get(&(mark.epoch, head)) else {
            let later = self.held.range((mark.epoch + 1, 0)..).next();
            return later.map(|((_, seq), _)| ("newer-epoch", *seq));
        };
        if held.contract != self.contract {
            coverage::hit(Place::ContractParked);
            return Some(("unknown-contract", head));
        }
        held.requires.iter().find_map(|required| obstacle_of(required, watermark)).map(|code| (code, head))
    }

    fn group_end(&self, head: u64) -> u64 {
        let end = self.held_here().skip_while(|(seq, _)| *seq < head).find(|(_, held)| held.group.last);
        end.map_or(head, |(seq, _)| seq)
    }

    /// A held batch at the head, or in its group, whose file is spoiled or that does not chain to what comes before it or is of
    /// another group.
    pub fn next_expelled(&mut self, now: Mono) -> Option<(BatchId, Expelled)> {
        if self.expelling.is_some() || self.applying || self.retry_at.is_some_and(|at| now < at) {
            return None;
        }
        let mark = self.mark()?.clone();
        if let Some(Spoiled { seq, digest, text }) = self.spoiled.take()
            && self.held.get(&(mark.epoch, seq)).is_some_and(|held| held.digest == digest)
        {
            let id = BatchId { stream: self.stream.clone(), epoch: mark.epoch, seq, digest };
            self.expelling = Some((mark.epoch, seq));
            return Some((id, Expelled::Spoiled(text)));
        }
        if self.has_revoked()
            && let Some(id) = self.next_revoked()
        {
            self.expelling = Some((id.epoch, id.seq));
            return Some((id, Expelled::Revoked));
        }
        if self.has_ended()
            && let Some(id) = self.next_ended()
        {
            self.expelling = Some((id.epoch, id.seq));
            return Some((id, Expelled::Ended));
        }
        let mut previous = mark.digest;
        let first = mark.seq + 1;
        let mut next = first;
        let broken = self.held_here().find_map(|(seq, held)| {
            if seq != next {
                return Some(None);
            }
            // One that begins or goes on with another group than the one it stands in would let that never end.
            let chains = held.previous == previous
                && held.group.first == first
                && self.followed().is_some_and(|f| f.epoch_id == held.epoch_id);
            previous = held.chain;
            next += 1;
            if !chains { Some(Some((seq, held.digest))) } else { held.group.last.then_some(None) }
        });
        let (seq, digest) = broken.flatten()?;
        self.expelling = Some((mark.epoch, seq));
        let id = BatchId { stream: self.stream.clone(), epoch: mark.epoch, seq, digest };
        Some((id, Expelled::WrongPrevious))
    }

    /// Takes the result of moving a batch to the quarantine.
    pub fn expelled(&mut self, id: &BatchId, ok: bool) {
        self.expelling = None;
        let key = (id.epoch, id.seq);
        if ok && self.held.get(&key).is_some_and(|held| held.digest == id.digest) {
            self.forget(key);
        }
    }

    /// Takes the result of applying a group.
    pub fn applied(&mut self, result: Result<ApplyOutcome, PortError>, now: Now, settings: &Settings) -> Applied {
        self.applying = false;
        let several = self.together.landed();
        match result {
            Ok(ApplyOutcome::Applied { mark, batches, parked_rows }) => {
                if batches.iter().any(|batch| batch.parked > 0) {
                    coverage::hit(Place::RowParked);
                }
                self.parked_rows = parked_rows;
                let report = |batch: AppliedBatch| {
                    let held = self.held.get(&(mark.epoch, batch.seq));
                    BatchReport {
                        seq: batch.seq,
                        rows: batch.rows,
                        parked: batch.parked,
                        wait_ms: held.map_or(0, |held| now.mono.since(held.since)),
                        apply_ms: batch.apply_ms,
                        instead: held.filter(|held| held.supersedes.is_some()).map(|held| held.digest),
                    }
                };
                let reports = batches.into_iter().map(report).collect();
                self.pass(mark);
                let applied = Applied { reports, read_mark: false };
                self.reports.extend(applied.reports.iter().map(|report| (report.clone(), None)));
                while self.reports.len() > REPORTS_KEPT_MAX {
                    self.reports.pop_front();
                }
                applied
            }
            Ok(ApplyOutcome::Refused(_)) if several.is_some() => {
                self.together.part(several);
                Applied::default()
            }
            Ok(ApplyOutcome::Refused(refusal)) => {
                coverage::hit(Place::RowRefused);
                self.refused = Some(refusal);
                Applied::default()
            }
            Ok(ApplyOutcome::Spoiled(spoiled)) => {
                self.spoiled = Some(spoiled);
                Applied::default()
            }
            Ok(ApplyOutcome::Moved(mark)) => {
                self.turn_out(mark);
                Applied::default()
            }
            Err(error) => {
                self.retry_at = Some(now.mono + settings.retry_ms);
                self.reading = error.kind == FaultKind::Unknown && !breaks::is(Break::NoCompare);
                Applied { reports: Vec::new(), read_mark: self.reading }
            }
        }
    }

    /// Takes the watermark that was read again.
    pub fn mark_read(&mut self, result: Result<Option<Mark>, PortError>) -> bool {
        match result {
            Ok(mark) => {
                self.reading = false;
                if let Some(mark) = mark {
                    self.turn_out(mark);
                }
                true
            }
            Err(_) => false,
        }
    }

    /// Whether the watermark waits to be read again.
    #[must_use]
    pub fn must_read_mark(&self) -> bool {
        self.reading
    }

    /// Nothing is tried again before `at`.
    pub fn retry_later(&mut self, at: Mono) {
        self.retry_at = Some(at);
    }

    /// When a failed operation is tried again.
    #[must_use]
    pub fn retry_at(&self) -> Option<Mono> {
        self.retry_at
    }

    /// Batches that turned out applied since this was asked last.
    pub fn take_turned_out(&mut self) -> Vec<BatchId> {
        std::mem::take(&mut self.turned_out)
    }

    /// The watermark stands elsewhere than was thought.
    fn turn_out(&mut self, mark: Mark) {
        let passed = self.held.range(..=(mark.epoch, mark.seq)).map(|((epoch, seq), held)| BatchId {
            stream: self.stream.clone(),
            epoch: *epoch,
            seq: *seq,
            digest: held.digest,
        });
        self.turned_out.extend(passed);
        self.pass(mark);
    }

    fn pass(&mut self, mark: Mark) {
        let passed: Vec<(u64, u64)> = self.held.range(..=(mark.epoch, mark.seq)).map(|(key, _)| *key).collect();
        for key in passed {
            if let Some(held) = self.remove(key).filter(|held| held.supersedes.is_some()) {
                let (stream, digest) = (self.stream.clone(), held.digest);
                self.superseded = Some(Mark { stream, epoch: key.0, seq: key.1, digest });
            }
        }
        self.published = self.published.max(mark.seq);
        if let Some(followed) = &mut self.followed {
            followed.mark = mark;
        }
    }
}

pub(super) fn obstacle_of(
    required: &Requirement,
    watermark: &impl Fn(&StreamName) -> Option<Mark>,
) -> Option<&'static str> {
    let Some(mark) = watermark(&required.stream) else { return Some("requires-stream") };
    let place = (required.epoch, required.seq);
    match (mark.epoch, mark.seq).cmp(&place) {
        std::cmp::Ordering::Greater => None,
        std::cmp::Ordering::Less => Some("requires-stream"),
        std::cmp::Ordering::Equal => (mark.digest != required.digest).then_some("requires-other-digest"),
    }
}
