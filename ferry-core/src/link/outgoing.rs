//! What goes out: cut, seal, record, anchor, publish, and publish again.

use std::collections::BTreeMap;

use ferry_format::{BatchStatement, Digest, Mark, StreamName};

use super::{Link, Lock, SettleTodo};
use crate::action::{Action, Observed};
use crate::coverage::{self, Place};
use crate::cut::{CutBatch, CutOutcome};
use crate::ports::{
    Anchor, Attempt, BatchId, FaultKind, LifeKind, Loaded, OutgoingBatch, PortError, RecoveredBatch, Settled,
};
use crate::sender::Frame;
use crate::settings::{PUBLISHES_MAX, STATUS_NUMBERS_RESERVED, SUPERSEDED_OPEN_MAX};
use crate::time::{Mono, Now};

/// What the anchor on disk covers.
#[derive(Debug, Default)]
pub(super) struct AnchorState {
    pub(super) sent: BTreeMap<StreamName, (u64, u64)>,
    /// What it says of own streams, to be kept as it is while the zone is locked.
    pub(super) marks: Vec<Mark>,
    /// What it does not say yet of streams: what operators have approved to be taken back, and what it said before of a life that
    /// does not begin; of epoch 0 where it is to say nothing. One for each stream.
    raised: Vec<Mark>,
    /// What it said of the stream of which it names a life that is about to begin.
    pub(super) before: Option<Mark>,
    /// What it says of groups that are superseded.
    pub(super) superseding: Vec<Mark>,
    /// What of that the books do not have, and cannot have again.
    pub(super) unknown: Vec<Mark>,
    pub(super) status_next: u64,
    /// It says that the database is older than what was sent.
    pub(super) restored: bool,
    pub(super) busy: bool,
    pub(super) retry_at: Option<Mono>,
}

impl AnchorState {
    /// Before it is read: the books do not have these superseding batches that it names.
    pub(super) fn lacking(unknown: Vec<Mark>) -> Self {
        Self { unknown, ..Self::default() }
    }

    /// What it is to say of own streams while the zone is locked.
    fn raised_marks(&self, beginning: Option<&Mark>) -> Vec<Mark> {
        let mut marks = overlaid(overlaid(self.marks.clone(), &self.raised), beginning);
        marks.retain(|mark| mark.epoch > 0);
        marks
    }

    /// It is to say this of a stream, in the place of what else it was to say.
    pub(super) fn raise(&mut self, mark: Mark) {
        self.raised.retain(|one| one.stream != mark.stream);
        self.raised.push(mark);
    }

    /// What it is to say of a stream before another life is named: nothing more is to be said of the one that ends.
    pub(super) fn take_last(&mut self, stream: &StreamName) -> Mark {
        let raised = self.raised.iter().position(|mark| mark.stream == *stream).map(|at| self.raised.remove(at));
        let last = raised.or_else(|| self.marks.iter().find(|mark| mark.stream == *stream).cloned());
        last.unwrap_or_else(|| Mark { stream: stream.clone(), epoch: 0, seq: 0, digest: Digest([0; 32]) })
    }

    /// Takes over what was written. What was decided while it was being written is not in it.
    fn written(&mut self, anchor: Anchor) {
        self.status_next = anchor.status_next;
        self.restored = anchor.restored;
        let says = |mark: &Mark| match mark.epoch {
            0 => anchor.sent.iter().all(|one| one.stream != mark.stream),
            _ => anchor.sent.contains(mark),
        };
        self.raised.retain(|mark| !says(mark));
        self.marks.clone_from(&anchor.sent);
        self.superseding = anchor.superseding;
        self.before = anchor.before;
        for mark in anchor.sent {
            self.sent.insert(mark.stream, (mark.epoch, mark.seq));
        }
    }

    /// Whether it says less of a stream than a mark does, or names an epoch that has not begun.
    fn is_behind(&self, mark: &Mark) -> bool {
        let (epoch, seq) = self.sent.get(&mark.stream).copied().unwrap_or((mark.epoch, 0));
        epoch != mark.epoch || seq < mark.seq
    }
}

/// Marks, with others in the place of those of their streams.
fn overlaid<'m>(marks: Vec<Mark>, others: impl IntoIterator<Item = &'m Mark>) -> Vec<Mark> {
    let mut by_stream: BTreeMap<StreamName, Mark> = marks.into_iter().map(|mark| (mark.stream.clone(), mark)).collect();
    by_stream.extend(others.into_iter().map(|mark| (mark.stream.clone(), mark.clone())));
    by_stream.into_values().collect()
}

impl Link {
    pub(super) fn next_outgoing(&mut self, now: Now) -> Option<Action> {
        self.next_anchor(now)
            .or_else(|| self.next_settle(now))
            .or_else(|| self.next_returning(now))
            .or_else(|| self.next_give_back(now))
            .or_else(|| self.next_reopen(now))
            .or_else(|| self.next_publish(now))
            .or_else(|| self.next_record(now))
            .or_else(|| self.next_seal(now))
            .or_else(|| self.next_attempts(now))
            .or_else(|| self.next_cut(now))
            .or_else(|| self.next_load(now))
    }

    fn next_anchor(&mut self, now: Now) -> Option<Action> {
        let waits = self.anchor.busy || self.anchor.retry_at.is_some_and(|at| now.mono < at);
        // A new anchor would make the zone look sound at its next start: the peer must speak first.
        if waits || matches!(self.lock, Some(Lock::AnchorMissing | Lock::AnchorForeign)) {
            return None;
        }
        let beginning = self.epochs.beginning();
        let out_of_numbers = self.status.next >= self.anchor.status_next;
        let locked = self.lock.is_some();
        let superseding = self.superseding_to_anchor();
        let is_behind = || {
            self.sent_marks().iter().any(|mark| self.anchor.is_behind(mark))
                || superseding.iter().any(|mark| !self.anchor.superseding.contains(mark))
        };
        let settled = self.anchor.restored == locked && (locked || !is_behind());
        let before = self.epochs.before();
        let is_named =
            before == self.anchor.before.as_ref() && beginning.is_none_or(|it| self.anchor.marks.contains(it));
        let is_raised = self.anchor.raised.is_empty() && is_named;
        if settled && !out_of_numbers && is_raised {
            return None;
        }
        // A restored zone keeps the marks that show it.
        let (sent, superseding) = match locked {
            true => (self.anchor.raised_marks(beginning), self.anchor.superseding.clone()),
            false => (self.sent_marks(), superseding),
        };
        let before = before.cloned();
        self.anchor.busy = true;
        Some(Action::Anchor(Anchor {
            instance: self.instance,
            sent,
            superseding,
            status_next: self.status.next + STATUS_NUMBERS_RESERVED,
            peer: self.peer.highest,
            audit: self.audit,
            before,
            restored: locked,
        }))
    }

    fn sent_marks(&self) -> Vec<Mark> {
        let recorded = self.senders.values().map(|sender| sender.last_recorded().clone()).collect();
        overlaid(recorded, self.epochs.beginning())
    }

    /// What the anchor is to say of superseded groups: of each stream those that are open, and the last one that was settled since
    /// anything else was recorded. A database from before it would show nothing else that it lacks.
    fn superseding_to_anchor(&self) -> Vec<Mark> {
        let mut marks = self.superseding_marks();
        for sender in self.senders.values() {
            let last = sender.last_recorded();
            let mut of_stream = self.anchor.superseding.iter().filter(|mark| mark.stream == last.stream);
            let settled = of_stream.rfind(|mark| mark.epoch == last.epoch && mark.seq <= sender.settled().seq);
            let is_kept = |mark: &&Mark| !self.anchor.is_behind(last) && !self.anchor.unknown.contains(mark);
            if marks.len() < SUPERSEDED_OPEN_MAX {
                marks.extend(settled.filter(is_kept).cloned());
            }
        }
        marks.sort_by(|one, other| (&one.stream, one.epoch, one.seq).cmp(&(&other.stream, other.epoch, other.seq)));
        marks
    }

    /// The last batch of each group that is superseded and not settled, as many as the anchor has room for.
    pub(super) fn superseding_marks(&self) -> Vec<Mark> {
        let open = self.senders.values().flat_map(crate::sender::Sender::open_superseding);
        open.take(SUPERSEDED_OPEN_MAX).collect()
    }

    pub(super) fn anchored(&mut self, anchor: Anchor, result: Result<(), PortError>, now: Now) {
        self.anchor.busy = false;
        if let Err(error) = result {
            self.fault("anchor", &error);
            self.anchor.retry_at = Some(now.mono + self.settings.retry_ms);
            return;
        }
        self.anchor.retry_at = None;
        self.anchor.written(anchor);
        if self.lock.is_none() {
            self.anchor.raised.clear();
        }
    }

    /// A load goes last: everything that programs have written goes before it.
    fn next_load(&mut self, now: Now) -> Option<Action> {
        if self.lock.is_some() {
            return None;
        }
        let window = self.settings.window_batches;
        self.order.iter().find_map(|stream| {
            let rows = self.senders.get_mut(stream)?.next_load(now.mono, window)?;
            Some(Action::Load { stream: stream.clone(), rows })
        })
    }

    pub(super) fn loaded(&mut self, stream: &StreamName, result: Result<Loaded, PortError>, now: Now) {
        if let Err(error) = &result {
            self.fault("load", error);
        }
        if let Ok(Loaded { done: true, .. }) = &result {
            coverage::hit(Place::LoadDone);
        }
        self.observe.at = now.mono;
        let retry_at = now.mono + self.settings.retry_ms;
        if let Some(sender) = self.senders.get_mut(stream) {
            sender.loaded(result, retry_at);
        }
    }

    fn next_publish(&mut self, now: Now) -> Option<Action> {
        let waits = self.publish_retry.is_some_and(|at| now.mono < at);
        if waits || self.publishing >= PUBLISHES_MAX || self.lock.is_some() {
            return None;
        }
        for stream in &self.order {
            let Some(sender) = self.senders.get_mut(stream) else { continue };
            let anchored = self.anchor.sent.get(stream).filter(|(epoch, _)| *epoch == sender.epoch);
            let anchored = anchored.map_or(0, |(_, seq)| *seq);
            let Some(turn) = sender.next_publish(anchored, &self.anchor.superseding) else { continue };
            self.publishing += 1;
            self.publish_retry = None;
            let name = self.around.batch_name(&turn.id, turn.attempt);
            let replaces = turn.replaces.map(|attempt| self.around.batch_name(&turn.id, attempt));
            return Some(Action::Publish { id: turn.id, name, replaces, reseal: turn.reseal });
        }
        None
    }

    pub(super) fn published(&mut self, id: &BatchId, result: Result<(), PortError>, now: Now) {
        self.publishing -= 1;
        if let Err(error) = &result {
            self.fault("publish", error);
            // A file that cannot be read concerns its own batch; anything else concerns the gate, and so every batch.
            if error.kind != FaultKind::Corrupt {
                self.publish_retry = Some(now.mono + self.settings.retry_ms);
            }
        }
        let Some(sender) = self.senders.get_mut(&id.stream) else { return };
        let before = sender.published();
        if let Some(attempt) = sender.publish_done(id.seq, &result, now.mono, &self.settings) {
            if sender.published() > before {
                self.status.publish_progress(now.mono);
            }
            let epoch = id.epoch;
            self.out_event(&id.stream, epoch, id.seq, LifeKind::Published, now, attempt.to_string());
        }
    }

    fn next_record(&mut self, now: Now) -> Option<Action> {
        if self.lock.is_some() {
            return None;
        }
        self.order.iter().find_map(|stream| self.senders.get_mut(stream)?.next_record(now.mono))
    }

    pub(super) fn recorded(&mut self, batches: Vec<OutgoingBatch>, result: Result<(), PortError>, now: Now) {
        let Some(stream) = batches.first().map(|batch| batch.stream.clone()) else { return };
        if let Err(error) = &result {
            self.fault("record", error);
        }
        let Some(sender) = self.senders.get_mut(&stream) else { return };
        for batch in sender.recorded(batches, result, now.mono, &self.settings) {
            let detail = format!("rows={} bytes={}", batch.rows, batch.file_bytes);
            self.out_event(&stream, batch.epoch, batch.seq, LifeKind::Recorded, now, detail);
        }
    }

    fn next_seal(&mut self, now: Now) -> Option<Action> {
        if self.lock.is_some() {
            return None;
        }
        let (around, audit) = (&self.around, self.audit);
        for stream in &self.order {
            let requires: Vec<Mark> = self
                .senders
                .get(stream)?
                .depends()
                .iter()
                .filter_map(|name| self.senders.get(name))
                .filter_map(crate::sender::Sender::required)
                .collect();
            let frame = Frame { link: &around.link, from: &around.zone, to: &around.peer, requires, audit };
            if let Some(action) = self.senders.get_mut(stream)?.next_seal(now, frame) {
                return Some(action);
            }
        }
        None
    }

    pub(super) fn sealed(
        &mut self,
        statement: BatchStatement,
        cut: CutBatch,
        result: Result<(Digest, u64), PortError>,
        now: Now,
    ) {
        if let Err(error) = &result {
            self.fault("seal", error);
        }
        if let Some(sender) = self.senders.get_mut(&statement.stream) {
            sender.sealed(statement, cut, result, now.mono, &self.settings);
        }
    }

    fn next_cut(&mut self, now: Now) -> Option<Action> {
        if self.lock.is_some() {
            return None;
        }
        let recorded: BTreeMap<StreamName, u64> =
            self.senders.iter().map(|(name, sender)| (name.clone(), sender.recorded_through())).collect();
        for stream in self.order.clone() {
            let hurried = self.is_hurried(&stream, now.mono);
            let sender = self.senders.get_mut(&stream)?;
            let through = |name: &StreamName| recorded.get(name).copied().unwrap_or(u64::MAX);
            if let Some(action) = sender.next_cut(now.mono, hurried, &self.settings, through) {
                return Some(action);
            }
        }
        None
    }

    /// Whether a stream that depends on this one waits for rows that this one has not cut: it lends its own urgency.
    fn is_hurried(&self, stream: &StreamName, now: Mono) -> bool {
        let Some(cut_through) = self.senders.get(stream).map(crate::sender::Sender::cut_through) else { return false };
        self.senders.values().any(|other| other.needs_of(stream) > cut_through && other.wants_cut(now))
    }

    pub(super) fn cut_done(&mut self, stream: &StreamName, result: Result<CutOutcome, PortError>, now: Now) {
        if let Err(error) = &result {
            self.fault("cut", error);
        }
        if let Some(sender) = self.senders.get_mut(stream) {
            sender.cut_done(result, now.mono, &self.settings);
        }
    }

    fn next_attempts(&mut self, now: Now) -> Option<Action> {
        if self.lock.is_some() {
            return None;
        }
        self.order.iter().find_map(|stream| {
            let attempts = self.senders.get_mut(stream)?.next_attempts(now, self.settings.window_batches);
            (!attempts.is_empty()).then_some(Action::Attempt(attempts))
        })
    }

    pub(super) fn attempted(&mut self, attempts: &[Attempt], result: Result<(), PortError>, now: Now) {
        if let Err(error) = &result {
            self.fault("attempt", error);
        }
        let Some(stream) = attempts.first().map(|attempt| &attempt.stream) else { return };
        if let Some(sender) = self.senders.get_mut(stream) {
            sender.attempts_done(attempts, result.is_ok(), now.mono, &self.settings);
        }
    }

    fn next_settle(&mut self, now: Now) -> Option<Action> {
        if self.settling {
            return None;
        }
        if let Some(todo) = self.settles.front().filter(|todo| now.mono >= todo.at).cloned() {
            self.settles.pop_front();
            return Some(self.settle_action(todo));
        }
        let (settled, archive, attempts) =
            self.order.iter().find_map(|stream| self.senders.get_mut(stream)?.next_settle(now))?;
        let names = archive.iter().zip(&attempts).map(|(id, attempt)| self.around.batch_name(id, attempt.attempt));
        let withdraw = names.collect();
        Some(self.settle_action(SettleTodo { settled, archive, withdraw, at: now.mono }))
    }

    fn settle_action(&mut self, todo: SettleTodo) -> Action {
        self.settling = true;
        Action::Settle { settled: todo.settled, archive: todo.archive, withdraw: todo.withdraw }
    }

    pub(super) fn settled(&mut self, mut todo: SettleTodo, result: Result<Option<PortError>, PortError>, now: Now) {
        self.settling = false;
        match result {
            Ok(None) => {}
            Ok(Some(lost)) => self.fault("archive", &lost),
            Err(error) => {
                self.fault("settle", &error);
                todo.at = now.mono + self.settings.retry_ms;
                self.settles.push_back(todo);
            }
        }
    }

    /// The next stream of which the peer has forgotten what it had applied; not while a settlement of it is under way, which
    /// would be written over it.
    fn next_reopen(&mut self, now: Now) -> Option<Action> {
        if self.lock.is_some() || self.settling {
            return None;
        }
        let settles = &self.settles;
        let settled = |stream: &StreamName| settles.iter().all(|todo| todo.settled.mark.stream != *stream);
        let mut senders = self.senders.iter_mut().filter(|(stream, _)| settled(stream));
        let mark = senders.find_map(|(_, sender)| sender.next_reopen(now.mono))?;
        Some(Action::Reopen(Settled { mark, at_ms: now.wall_ms }))
    }

    pub(super) fn reopened(&mut self, reopened: &Settled, result: Result<Vec<RecoveredBatch>, PortError>, now: Now) {
        let Some(sender) = self.senders.get_mut(&reopened.mark.stream) else { return };
        match result {
            Ok(batches) => sender.reopened(&reopened.mark, batches, now),
            Err(error) => {
                let can_never = error.kind == FaultKind::Conflict;
                let wait = if can_never { self.settings.heartbeat_ms } else { self.settings.retry_ms };
                sender.reopen_failed(now.mono + wait, can_never);
                self.fault("reopen", &error);
            }
        }
    }

    pub(super) fn observed(&mut self, result: Result<Observed, PortError>, now: Now) {
        self.observe.busy = false;
        self.observe.at = now.mono + self.settings.observe_ms;
        let Observed { observation, acts, standing } = match result {
            Ok(observed) => observed,
            Err(error) => return self.fault("observe", &error),
        };
        self.audit = observation.audit;
        self.read_standing(standing, now);
        let mut ends = BTreeMap::new();
        for backlog in observation.streams {
            if let Some(sender) = self.senders.get_mut(&backlog.stream) {
                sender.set_capture(backlog.capture);
            }
            ends.insert(backlog.stream, backlog.last_id);
        }
        for sender in self.senders.values_mut() {
            sender.observe(&ends, now.mono);
        }
        self.acts_observed(acts);
    }
}
