//! What operators decided: judged here, written into the database with its effect, and told to the peer.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use ferry_format::limits::{ACT_TOLD_BYTES_MAX, ACTS_MAX};
use ferry_format::{Act, ActRange, ActReport, Deed, Digest, StatusBody};

use super::Link;
use crate::action::Action;
use crate::coverage::{self, Place};
use crate::ports::{
    ACT_IMPOSSIBLE, ActEnd, ActOrder, BatchId, FaultKind, PeerAct, PortError, ReadAct, Superseding, UntoldAct,
};
use crate::sender::Obstacle;
use crate::settings::SUPERSEDED_OPEN_MAX;
use crate::time::{Mono, Now};

/// Acts remembered so that each is carried out once; operators make a few a day.
const ACTS_REMEMBERED_MAX: usize = 1_024;

/// Acts of both zones on their way.
#[derive(Debug, Default)]
pub(super) struct Acts {
    /// Read and not begun.
    open: BTreeMap<u64, ReadAct>,
    /// Begun: an observation from before their end may still name them.
    begun: BTreeSet<u64>,
    busy: bool,
    /// What failed is tried again, before anything else.
    again: Option<(Mono, ActOrder)>,
    /// What waits for an operation to end is judged again.
    open_again: Option<Mono>,
    /// Ended, and not known to be listed by the peer.
    untold: VecDeque<UntoldAct>,
    /// The peer's, to be listed here.
    of_peer: Vec<PeerAct>,
    listing: bool,
    list_again: Option<Mono>,
    /// Of those in the peer's last status, the listed ones.
    listed: BTreeSet<Digest>,
}

impl Acts {
    pub(super) fn recovered(untold: Vec<UntoldAct>) -> Self {
        Self { untold: untold.into(), ..Self::default() }
    }

    /// When a failed one is tried again.
    pub(super) fn retry_at(&self) -> Option<Mono> {
        let again = self.again.as_ref().map(|(at, _)| *at);
        [again, self.open_again, self.list_again].into_iter().flatten().min()
    }

    /// What a status tells, the oldest first.
    pub(super) fn told(&self) -> Vec<ActReport> {
        let report =
            |one: &UntoldAct| ActReport { act: one.file.clone(), code: one.end.code.clone(), at_ms: one.at_ms };
        self.untold.iter().filter(|one| one.file.len() <= ACT_TOLD_BYTES_MAX).take(ACTS_MAX).map(report).collect()
    }

    /// An act of the peer is listed.
    pub(super) fn list(&mut self, digest: Digest) {
        self.listed.insert(digest);
    }

    pub(super) fn listed(&self) -> Vec<Digest> {
        self.listed.iter().take(ACTS_MAX).copied().collect()
    }
}

impl Link {
    pub(super) fn acts_observed(&mut self, acts: Vec<ReadAct>) {
        for act in acts.into_iter().filter(|act| !self.acts.begun.contains(&act.id)) {
            self.acts.open.insert(act.id, act);
        }
        if self.acts.open.is_empty() && !self.acts.busy && self.acts.again.is_none() {
            // The act that was about to begin a life had ended when the daemon did.
            self.give_up_epoch();
        }
    }

    /// The next act to write into the database: one at a time, since each may depend on the one before.
    pub(super) fn next_act(&mut self, now: Now) -> Option<Action> {
        if self.acts.busy {
            return None;
        }
        if let Some((_, order)) = self.acts.again.take_if(|(at, _)| now.mono >= *at) {
            self.acts.busy = true;
            return Some(Action::Act(order));
        }
        if self.acts.again.is_some() || self.acts.open_again.is_some_and(|at| now.mono < at) {
            return None;
        }
        self.acts.open_again = None;
        let (id, ReadAct { file, act, .. }) = self.acts.open.pop_first()?;
        self.acts.begun.insert(id);
        while self.acts.begun.len() > ACTS_REMEMBERED_MAX {
            self.acts.begun.pop_first();
        }
        let mut verdict = act.and_then(|act| self.judge_act(&act).map(|()| act).map_err(str::to_owned));
        if let Ok(Act { deed: Deed::TakeBack { through }, .. }) = &verdict
            && !self.approve_return(through)
        {
            return self.judge_later(ReadAct { id, file, act: verdict }, now);
        }
        if !self.prepare_epoch(verdict.as_ref().ok()) {
            return self.judge_later(ReadAct { id, file, act: verdict }, now);
        }
        let superseding = match verdict.as_ref().map(|act| self.superseding(act)) {
            Err(_) | Ok(Ok(None)) => None,
            Ok(Ok(Some(superseding))) => Some(superseding),
            Ok(Err(Obstacle::Never(code))) => {
                verdict = Err(code.to_owned());
                None
            }
            Ok(Err(Obstacle::Busy)) => {
                return self.judge_later(ReadAct { id, file, act: verdict }, now);
            }
        };
        self.acts.busy = true;
        let ended = self.ended_by(verdict.as_ref().ok());
        let (at_ms, instead) = (now.wall_ms, Vec::new());
        Some(Action::Act(ActOrder { id, file, verdict, at_ms, superseding, instead, ended }))
    }

    /// The files that end with a life of a stream.
    fn ended_by(&self, act: Option<&Act>) -> Vec<(BatchId, u32)> {
        let Some(Act { deed: Deed::NewEpoch { ended, .. }, .. }) = act else { return Vec::new() };
        self.senders.get(&ended.stream).map(crate::sender::Sender::unsettled_files).unwrap_or_default()
    }

    /// The operation in the way of an act ends before long.
    fn judge_later(&mut self, act: ReadAct, now: Now) -> Option<Action> {
        self.acts.begun.remove(&act.id);
        self.acts.open.insert(act.id, act);
        self.acts.open_again = Some(now.mono + self.settings.retry_ms);
        None
    }

    /// Whether an act can be carried out as things stand, or by which code it is turned away.
    fn judge_act(&self, act: &Act) -> Result<(), &'static str> {
        if act.zone != self.around.zone {
            return Err("act-for-another-zone");
        }
        let stream = act.deed.stream();
        let (own, theirs) = (self.senders.get(stream), self.receivers.get(stream));
        if own.is_none() && theirs.is_none() {
            return Err("unknown-stream");
        }
        let on_hold = own.is_some_and(|own| own.is_on_hold()) || theirs.is_some_and(|it| it.is_on_hold());
        match &act.deed {
            Deed::Hold { .. } if on_hold => Err("held-already"),
            Deed::Release { .. } if !on_hold => Err("not-held"),
            Deed::Hold { .. } | Deed::Release { .. } => Ok(()),
            Deed::Retry { range } => {
                let refused = theirs.and_then(|it| Some((it.mark()?.epoch, it.refused()?.seq)));
                let meant = refused.is_some_and(|(epoch, seq)| epoch == range.epoch && covers(range, seq));
                if meant { Ok(()) } else { Err("nothing-refused") }
            }
            Deed::Resend { range } | Deed::Reseal { range } => {
                let Some(own) = own else { return Err("not-own-stream") };
                let waits = own.epoch == range.epoch && !own.unsettled_between(range.first, range.last).is_empty();
                if waits { Ok(()) } else { Err("nothing-unapplied") }
            }
            Deed::Pass { row, .. } => {
                let Some(own) = own else { return Err("not-own-stream") };
                if own.stopped_at_row() == Some(*row) { Ok(()) } else { Err("not-stopped-there") }
            }
            Deed::RetryRows { .. } => {
                let Some(theirs) = theirs else { return Err("not-their-stream") };
                if theirs.parked_rows() > 0 { Ok(()) } else { Err("no-parked-rows") }
            }
            Deed::Dismiss { range } => {
                let Some(theirs) = theirs else { return Err("not-their-stream") };
                if theirs.disputed_within(range).next().is_some() { Ok(()) } else { Err("no-dispute-to-dismiss") }
            }
            Deed::TakeBack { through } => self.judge_take_back(through),
            Deed::Load { .. } => {
                let Some(own) = own else { return Err("not-own-stream") };
                if own.is_loading() { Err("loading-already") } else { Ok(()) }
            }
            Deed::NewEpoch { epoch, epoch_id, ended } => self.judge_new_epoch(*epoch, *epoch_id, ended),
            Deed::Supersede { .. } if own.is_none() => Err("not-own-stream"),
            Deed::Supersede { .. } => Ok(()),
        }
    }

    /// What batches that supersede a group state beside what their act says; `None` for other acts.
    fn superseding(&self, act: &Act) -> Result<Option<Superseding>, Obstacle> {
        let Deed::Supersede { stream, epoch, epoch_id, contract, first, old, new } = &act.deed else { return Ok(None) };
        if self.around.contract.stream(stream).is_none_or(|known| known.digest != *contract) {
            return Err(Obstacle::Never("other-contract"));
        }
        if self.superseding_marks().len() >= SUPERSEDED_OPEN_MAX {
            return Err(Obstacle::Never("too-many-superseded"));
        }
        let Some(own) = self.senders.get(stream) else { return Err(Obstacle::Never("not-own-stream")) };
        let count = u64::try_from(new.len()).unwrap_or(u64::MAX);
        let places = own.supersedable((*epoch, *epoch_id), *first, old, count)?;
        let depends = own.depends().iter().filter_map(|name| self.senders.get(name));
        let requires = depends.filter_map(crate::sender::Sender::required).collect();
        Ok(Some(Superseding {
            epoch_id: *epoch_id,
            places,
            requires,
            audit: self.audit,
            bytes_max: self.settings.group_bytes,
        }))
    }

    /// Takes what became of an act. Its effect is committed when it is done.
    pub(super) fn acted(&mut self, order: ActOrder, result: Result<(ActEnd, Option<u64>), PortError>, now: Now) {
        self.acts.busy = false;
        let (end, parked_rows) = match result {
            Ok(ended) => ended,
            Err(error) => {
                self.fault("act", &error);
                self.act_failed(order, error.kind, now);
                return;
            }
        };
        if let Ok(act) = order.verdict.as_ref().map_err(|_| ()).and_then(|act| end.is_done().then_some(act).ok_or(())) {
            coverage::hit(Place::ActDone);
            self.take_effect(act, &order, parked_rows, now);
        } else {
            coverage::hit(Place::ActTurnedAway);
            self.give_up_epoch();
        }
        self.acts.untold.push_back(UntoldAct { id: order.id, file: order.file, end, at_ms: order.at_ms });
        self.status.progress(now.mono);
    }

    /// An act that can never be carried out must not keep those behind it waiting.
    fn act_failed(&mut self, mut order: ActOrder, kind: FaultKind, now: Now) {
        if matches!(kind, FaultKind::Conflict | FaultKind::Corrupt) {
            if order.verdict.is_err() {
                // It is not even in the list any more.
                return;
            }
            order.verdict = Err(ACT_IMPOSSIBLE.to_owned());
            order.superseding = None;
        }
        self.acts.again = Some((now.mono + self.settings.retry_ms, order));
    }

    fn take_effect(&mut self, act: &Act, order: &ActOrder, parked_rows: Option<u64>, now: Now) {
        let stream = act.deed.stream();
        let (own, theirs) = (self.senders.get_mut(stream), self.receivers.get_mut(stream));
        match &act.deed {
            Deed::Hold { .. } | Deed::Release { .. } => {
                let on_hold = matches!(act.deed, Deed::Hold { .. });
                own.into_iter().for_each(|own| own.set_on_hold(on_hold));
                theirs.into_iter().for_each(|it| it.set_on_hold(on_hold));
            }
            Deed::Retry { .. } => theirs.into_iter().for_each(crate::receiver::Receiver::retry_refused),
            Deed::Resend { range } | Deed::Reseal { range } => {
                let reseal = matches!(act.deed, Deed::Reseal { .. });
                own.into_iter().for_each(|own| own.resend_range(range.first, range.last, reseal));
            }
            Deed::Pass { .. } => own.into_iter().for_each(|own| own.row_passed(now.mono)),
            Deed::RetryRows { .. } => {
                if let (Some(theirs), Some(count)) = (theirs, parked_rows) {
                    theirs.set_parked_rows(count);
                }
            }
            Deed::Dismiss { range } => theirs.into_iter().for_each(|it| it.dismiss(range)),
            Deed::TakeBack { through } => self.return_approved(through, now),
            Deed::Load { .. } => own.into_iter().for_each(crate::sender::Sender::begin_load),
            Deed::Supersede { .. } => own.into_iter().for_each(|own| own.superseded(&order.instead)),
            Deed::NewEpoch { epoch, epoch_id, ended } => {
                let (id, file, end) = (order.id, order.file.clone(), ActEnd::done());
                let act = UntoldAct { id, file, end, at_ms: order.at_ms };
                self.epoch_begun((*epoch, *epoch_id), ended, act, now);
            }
        }
    }

    /// What the peer's status says of acts: its own, to be listed here, and which of ours it has listed.
    pub(super) fn read_acts(&mut self, body: &StatusBody) {
        let digest = |file: &[u8]| Digest::of(&[file]);
        let told: BTreeSet<Digest> = body.acts.iter().map(|report| digest(&report.act)).collect();
        self.acts.listed.retain(|one| told.contains(one));
        for ActReport { act, code, at_ms } in &body.acts {
            let digest = digest(act);
            let known = self.acts.listed.contains(&digest) || self.acts.of_peer.iter().any(|one| one.digest == digest);
            if !known && self.acts.of_peer.len() < 2 * ACTS_MAX {
                let (file, code, at_ms) = (act.clone(), code.clone(), *at_ms);
                self.acts.of_peer.push(PeerAct { digest, file, verified: false, code, at_ms });
            }
        }
        let heard: Vec<u64> = self
            .acts
            .untold
            .iter()
            .filter(|one| body.acts_listed.contains(&digest(&one.file)))
            .map(|one| one.id)
            .collect();
        self.acts.untold.retain(|one| !heard.contains(&one.id));
        self.notes.acts_told.extend(heard);
    }

    pub(super) fn next_list(&mut self, now: Now) -> Option<Action> {
        let waits = self.acts.listing || self.acts.list_again.is_some_and(|at| now.mono < at);
        if waits || self.acts.of_peer.is_empty() {
            return None;
        }
        self.acts.listing = true;
        self.acts.list_again = None;
        Some(Action::ListActs(self.acts.of_peer.clone()))
    }

    pub(super) fn acts_listed(&mut self, digests: Vec<Digest>, result: Result<(), PortError>, now: Now) {
        self.acts.listing = false;
        if let Err(error) = result {
            self.fault("list-acts", &error);
            self.acts.list_again = Some(now.mono + self.settings.retry_ms);
            return;
        }
        coverage::hit(Place::ActListed);
        self.acts.of_peer.retain(|one| !digests.contains(&one.digest));
        self.acts.listed.extend(digests);
        self.status.progress(now.mono);
    }
}

fn covers(range: &ActRange, seq: u64) -> bool {
    (range.first..=range.last).contains(&seq)
}
