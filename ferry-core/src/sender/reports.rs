//! What a status of the peer proves about one own stream.

use ferry_format::{BatchReport, IncomingReport, Mark};

use super::{Outgoing, Sender, Stage};
use crate::breaks::{self, Break};
use crate::coverage::{self, Place};
use crate::ports::{Attempt, BatchId, LifeKind, Settled};
use crate::settings::Settings;
use crate::time::Now;

/// What a status said about a stream, and what follows from it.
#[derive(Debug, Default)]
pub struct Evidence {
    /// Lines for the life of batches: seq, what, detail.
    pub life: Vec<(u64, LifeKind, String)>,
    /// Set when the watermark it names is not ours: the peer has applied something that we did not send, or was
    /// restored. Nothing counts as applied then.
    pub alarm: Option<&'static str>,
    /// Whether the peer's watermark or held ranges moved.
    pub progress: bool,
}

impl Sender {
    /// Takes the peer's watermark, held and missing ranges, and what it waits for.
    pub fn read_report(
        &mut self,
        mark: Option<&Mark>,
        report: Option<&IncomingReport>,
        fresh: bool,
        now: Now,
        settings: &Settings,
    ) -> Evidence {
        let mut evidence = Evidence::default();
        self.followed_there = mark.map(|mark| mark.epoch);
        if let Some(mark) = mark.filter(|mark| mark.epoch == self.epoch) {
            self.read_mark(mark, fresh, &mut evidence);
        }
        let Some(report) = report else { return evidence };
        // What an epoch that has ended was refused for is no matter of this one.
        let is_of_epoch = report.epoch == self.epoch;
        self.peer_refused = report.refused.clone().filter(|_| is_of_epoch);
        self.peer_parked = report.parked.clone();
        self.peer_parked_rows = report.parked_rows;
        if breaks::is(Break::HeldTakenForApplied)
            && let Some(last) = report.held.last().map(|range| range.last)
            && let Some(batch) = self.unsettled.get(&last)
        {
            let mark = Mark { stream: self.stream.clone(), epoch: self.epoch, seq: last, digest: batch.digest };
            self.settling = Some(mark);
        }
        if is_of_epoch && evidence.alarm.is_none() {
            self.read_held(report, now, &mut evidence);
            self.read_missing(report, now, settings, &mut evidence);
        }
        // The peer repeats its reports until it sees them echoed.
        let reports = report.reports.iter().filter(|_| is_of_epoch);
        for BatchReport { seq, rows, parked, wait_ms, apply_ms, instead } in reports {
            if *seq <= self.reported {
                continue;
            }
            self.reported = *seq;
            let detail = format!("rows={rows} parked={parked} wait_ms={wait_ms} apply_ms={apply_ms}");
            evidence.life.push((*seq, LifeKind::Settled, detail));
            if let Some(kind) = self.judge_superseded(*seq, instead.is_some()) {
                evidence.life.push((*seq, kind, instead.map(|digest| digest.short().to_string()).unwrap_or_default()));
            }
        }
        evidence
    }

    fn read_mark(&mut self, mark: &Mark, fresh: bool, evidence: &mut Evidence) {
        let target = self.settling.as_ref().unwrap_or(&self.settled);
        if mark.seq < target.seq {
            // An older status overtaken by a newer one never gets here; so the peer has forgotten.
            coverage::hit(Place::PeerBehind);
            evidence.alarm = Some("peer-behind");
            if fresh {
                self.peer_forgot(mark);
            }
            return;
        }
        if fresh {
            self.reopening.peer_is_back();
        }
        if mark.seq == target.seq {
            if mark.digest != target.digest {
                coverage::hit(Place::ForeignWatermark);
                evidence.alarm = Some("watermark-foreign");
            }
            return;
        }
        match self.unsettled.get(&mark.seq) {
            Some(batch) if batch.digest == mark.digest || breaks::is(Break::WatermarkWithoutDigest) => {
                evidence.progress = true;
                self.settling = Some(Mark { digest: batch.digest, ..mark.clone() });
            }
            Some(_) | None => {
                coverage::hit(Place::ForeignWatermark);
                evidence.alarm = Some("watermark-foreign");
            }
        }
    }

    fn read_held(&mut self, report: &IncomingReport, now: Now, evidence: &mut Evidence) {
        let applied = self.settling.as_ref().unwrap_or(&self.settled).seq;
        let in_ranges = |seq: u64| report.held.iter().any(|range| (range.first..=range.last).contains(&seq));
        let seqs: Vec<u64> = self.unsettled.keys().copied().collect();
        for seq in seqs {
            let Some(batch) = self.unsettled.get_mut(&seq) else { continue };
            // Ranges name no digest: what the peer holds may be the batch whose place another one took.
            let reported = seq <= applied || batch.instead.is_empty() && in_ranges(seq);
            if reported && !batch.held {
                batch.held = true;
                self.not_held -= 1;
                self.superseding_out -= usize::from(!batch.instead.is_empty());
                evidence.progress = true;
                if let Some(published) = batch.published.filter(|_| batch.attempt == 1 && batch.tries == 1) {
                    self.early.insert(seq, now.mono.since(published));
                }
                evidence.life.push((seq, LifeKind::Held, String::new()));
                self.reopening.forget(seq);
                self.clear_due(seq);
            }
        }
        self.learn_in_order();
    }

    /// Learns from every batch that was published before the oldest one that is still out with its first attempt.
    fn learn_in_order(&mut self) {
        let is_out = |batch: &Outgoing| !batch.held && batch.attempt == 1 && batch.published.is_some();
        let frontier = self.unsettled.iter().find(|(_, batch)| is_out(batch)).map_or(u64::MAX, |(seq, _)| *seq);
        let later = self.early.split_off(&frontier);
        for round_trip in std::mem::replace(&mut self.early, later).into_values() {
            coverage::hit(Place::DelayLearned);
            self.delay.learn(round_trip);
        }
    }

    /// A batch reported missing is published again once per attempt, when that attempt is older than the gate's learned
    /// delay: before that it may still be on its way.
    fn read_missing(&mut self, report: &IncomingReport, now: Now, settings: &Settings, evidence: &mut Evidence) {
        let learned = self.delay.longest_ms().map_or(settings.gate_worst_ms, |longest| longest + longest / 2);
        let patience = learned.min(settings.gate_worst_ms);
        for range in &report.missing {
            let seqs: Vec<u64> = self.unsettled.range(range.first..=range.last).map(|(seq, _)| *seq).collect();
            for seq in seqs {
                let Some(batch) = self.unsettled.get_mut(&seq) else { continue };
                if self.reopening.waits(seq) || self.damaged.contains(&seq) {
                    continue;
                }
                if batch.held {
                    // It was there and is not any more: a restored receiver.
                    batch.held = false;
                    self.not_held += 1;
                    self.superseding_out += usize::from(!batch.instead.is_empty());
                }
                let old = batch.published.is_none_or(|published| now.mono.since(published) > patience);
                if matches!(batch.stage, Stage::Out(_)) && old && self.resend_now(seq) {
                    coverage::hit(Place::ResentMissing);
                    evidence.life.push((seq, LifeKind::Missing, String::new()));
                }
            }
        }
    }

    /// The proof to write into the books, with the files to archive and the attempts that may still lie at the gate.
    pub fn next_settle(&mut self, now: Now) -> Option<(Settled, Vec<BatchId>, Vec<Attempt>)> {
        let mark = self.settling.clone().filter(|_| !self.ending)?;
        if mark.seq <= self.settled.seq {
            return None;
        }
        let seqs: Vec<u64> = self.unsettled.range(..=mark.seq).map(|(seq, _)| *seq).collect();
        if seqs.iter().any(|seq| self.is_busy(*seq)) {
            return None;
        }
        let mut archive = Vec::new();
        let mut last_attempts = Vec::new();
        for seq in seqs {
            self.clear_due(seq);
            self.queue.remove(&seq);
            self.damaged.remove(&seq);
            self.reseal.remove(&seq);
            self.resealing.remove(&seq);
            self.reopening.forget(seq);
            archive.extend(self.id(seq));
            let Some(batch) = self.unsettled.remove(&seq) else { continue };
            if !batch.instead.is_empty() {
                self.superseding_out -= usize::from(!batch.held);
                if seq > self.reported {
                    self.untold.insert(seq);
                }
            }
            self.not_held -= usize::from(!batch.held);
            self.unsettled_bytes -= batch.file_bytes;
            last_attempts.push(Attempt {
                stream: self.stream.clone(),
                epoch: self.epoch,
                seq,
                attempt: batch.attempt,
                at_ms: now.wall_ms,
            });
        }
        self.settled = mark.clone();
        Some((Settled { mark, at_ms: now.wall_ms }, archive, last_attempts))
    }

    /// Whether an operation on this batch is under way.
    fn is_busy(&self, seq: u64) -> bool {
        self.unsettled.get(&seq).is_some_and(|batch| matches!(batch.stage, Stage::Publishing | Stage::Recording))
    }
}
