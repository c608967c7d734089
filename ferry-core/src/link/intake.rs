//! What comes in: files at the gate, and groups to apply.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use ferry_format::{
    BatchStatement, Digest, EpochId, FileName, FormatError, KeyId, Mark, NameKind, StreamName, genesis, inspect_batch,
};

use super::Link;
use crate::action::{Action, LeftFiles, TakenFile};
use crate::coverage::{self, Place};
use crate::ports::{
    AppliedPlace, ApplyOutcome, BatchId, Direction, Dispute, FaultKind, LifeEvent, LifeKind, PortError, QuarantineNote,
    Scan, Vetted,
};
use crate::receiver::{EPOCH_ENDED, Expelled, REVOKED_CHAIN, SUPERSEDE_LATE, SUPERSEDED, Verdict};
use crate::settings::{LIFE_EVENTS_MAX, TAKES_MAX};
use crate::time::{Mono, Now};

/// A file of ours at the gate.
#[derive(Debug, Clone, Copy)]
struct AtGate {
    first_seen: Mono,
    /// Not to be looked at before this; `None` while an action is under way.
    look_at: Option<Mono>,
}

/// Who is taken first: a class, and a place in it.
type Rank = (u8, u64);

/// The class of files that are here already, by their names.
const NOT_NEEDED: u8 = u8::MAX - 1;

/// The files at the gate and what is to be done with those taken.
#[derive(Debug, Default)]
pub(super) struct Intake {
    files: BTreeMap<String, AtGate>,
    /// Names to take: statuses first and the newest of them, then what is missing by priority and place, then the rest.
    ready: BTreeSet<(Rank, String)>,
    taking: usize,
    /// What was decided about files that were read; done before more are taken.
    todo: VecDeque<Action>,
}

impl Intake {
    /// Something is to be done with a file that was read.
    pub(super) fn push(&mut self, action: Action) {
        self.todo.push_back(action);
    }
}

/// Codes of files that are whole and were judged by their signer: waiting cannot make them better.
const FINAL_CODES: [&str; 10] = [
    "unknown-signer",
    "announced-key",
    "revoked-key",
    "not-permitted",
    "wrong-link",
    "wrong-sender",
    "wrong-receiver",
    "signature-encoding",
    "bad-signature",
    "bad-approval",
];

/// The code of a held file that turned out gone or damaged: the disk's fault, not the peer's.
const SPOILED: &str = "spool-damaged";

/// Whether a file that was verified is a batch that supersedes others.
fn supersedes(bytes: &[u8]) -> bool {
    inspect_batch(bytes).is_ok_and(|batch| batch.statement.supersedes.is_some())
}

/// Signs that a file may still be growing: it is looked at again until it has lain long enough.
fn may_grow(error: &FormatError) -> bool {
    !FINAL_CODES.contains(&error.code())
}

/// Signs that a trusted key signed the file and something changed it afterwards.
fn is_damage(error: &FormatError) -> bool {
    matches!(error.code(), "damaged-chunk")
}

impl Link {
    pub(super) fn next_incoming(&mut self, now: Now) -> Option<Action> {
        if let Some(action) = self.intake.todo.pop_front() {
            return Some(action);
        }
        self.next_expel(now)
            .or_else(|| self.next_apply(now))
            .or_else(|| self.next_follow(now))
            .or_else(|| self.next_epoch(now))
            .or_else(|| self.next_put_away(now))
            .or_else(|| self.next_take())
    }

    pub(super) fn scanned(&mut self, result: Result<Scan, PortError>, now: Now) {
        self.scan.busy = false;
        self.scan.at = now.mono + self.settings.scan_ms;
        let scan = match result {
            Ok(scan) => scan,
            Err(error) => return self.fault("scan", &error),
        };
        self.counters.foreign = scan.foreign;
        if scan.foreign > 0 {
            coverage::hit(Place::ForeignLeft);
        }
        let mut present = BTreeMap::new();
        for seen in scan.files {
            let fresh = AtGate { first_seen: now.mono, look_at: Some(now.mono) };
            let known = self.intake.files.remove(&seen.name).unwrap_or(fresh);
            if known.look_at.is_some_and(|at| now.mono >= at) {
                self.intake.ready.insert((self.rank(&seen.name), seen.name.clone()));
            }
            present.insert(seen.name, known);
        }
        // Files under way stay known until their action ends; the others have gone.
        present.extend(std::mem::take(&mut self.intake.files).into_iter().filter(|(_, file)| file.look_at.is_none()));
        self.intake.files = present;
        let Intake { ready, files, .. } = &mut self.intake;
        ready.retain(|(_, name)| files.contains_key(name));
    }

    /// Names are hints only, but good ones: what is taken first is judged first. A batch that is missing must not wait
    /// behind twenty attempts of one that is here, nor the newest status behind those that it has overtaken.
    fn rank(&self, name: &str) -> Rank {
        match name.parse::<FileName>().ok().map(|name| name.kind) {
            Some(NameKind::Status { number }) => (0, u64::MAX - number),
            Some(NameKind::Batch { stream, epoch, seq }) => match self.receivers.get(&stream) {
                Some(receiver) if receiver.needs(epoch, seq) => {
                    ((NOT_NEEDED - 1) - receiver.priority.min(NOT_NEEDED - 2), seq)
                }
                Some(_) => (NOT_NEEDED, seq),
                None => (u8::MAX, 0),
            },
            None => (u8::MAX, 0),
        }
    }

    fn next_take(&mut self) -> Option<Action> {
        if self.intake.taking >= TAKES_MAX {
            return None;
        }
        while let Some((_, name)) = self.intake.ready.pop_first() {
            // A file that has gone since it was seen needs nothing.
            let Some(file) = self.intake.files.get_mut(&name) else { continue };
            file.look_at = None;
            self.intake.taking += 1;
            return Some(Action::Take { name, peer_keys: self.keys.peer_keys() });
        }
        None
    }

    pub(super) fn taken(&mut self, name: String, result: Result<TakenFile, PortError>, now: Now) {
        match result {
            Err(error) => {
                self.fault("take", &error);
                self.look_later(&name, now);
            }
            Ok(None) => self.gone(&name),
            Ok(Some((_, Ok(Vetted::Batch(batch))))) if self.is_held_for_its_key(&batch, now) => {
                self.hold_expired(&name, now);
            }
            Ok(Some((bytes, Ok(Vetted::Batch(batch))))) => {
                self.judge(name, &batch.statement, (batch.digest, batch.signer), bytes, now);
            }
            Ok(Some((bytes, Ok(Vetted::Own(batch))))) => {
                let batch = batch.into_inner();
                self.came_back(name, batch.statement, batch.digest, bytes, now);
            }
            Ok(Some((bytes, Ok(Vetted::Status(status))))) => {
                // For what is so now a status of a revoked key may be a thief's; one of a key whose time is over is not held, since
                // there are many and a newer one says more.
                let counts = self.may_tell(status.signer, now);
                if counts && self.read_status(&status.statement, &status.body, now) {
                    self.read_cards(&status.body, status.signer);
                    self.intake.todo.push_back(Action::KeepStatus { name, bytes });
                } else {
                    coverage::hit(Place::OldStatusDropped);
                    // A newer status has overtaken it, or it is a replay; either way it says nothing.
                    self.intake.todo.push_back(Action::Drop { name, dispute: None, refused: None });
                }
            }
            Ok(Some((bytes, Err(error)))) => self.unverified(name, &error, bytes, now),
        }
    }

    /// The file stays where it is and is looked at again at a later scan.
    pub(super) fn look_later(&mut self, name: &str, now: Now) {
        self.intake.taking -= 1;
        let at = now.mono + self.settings.retry_ms;
        if let Some(file) = self.intake.files.get_mut(name) {
            file.look_at = Some(at);
        }
    }

    pub(super) fn gone(&mut self, name: &str) {
        self.intake.taking -= 1;
        self.intake.files.remove(name);
    }

    pub(super) fn unverified(&mut self, name: String, error: &FormatError, bytes: Arc<Vec<u8>>, now: Now) {
        let by_next_key = matches!(error.code(), "unknown-signer" | "announced-key") && self.is_by_announced(&bytes);
        if by_next_key {
            // It is held at the gate until operators have compared the fingerprint.
            return self.look_later(&name, now);
        }
        let first_seen = self.intake.files.get(&name).map_or(now.mono, |file| file.first_seen);
        if may_grow(error) && now.mono.since(first_seen) < self.settings.settle_ms {
            coverage::hit(Place::LookedAgain);
            return self.look_later(&name, now);
        }
        if is_damage(error) {
            coverage::hit(Place::DamageTold);
            self.counters.damaged += 1;
        } else {
            let by_stranger = error.code() == "unknown-signer";
            coverage::hit(if by_stranger { Place::UnknownSigner } else { Place::UnverifiedKept });
            self.counters.unverified += 1;
        }
        self.count_turned_away(error.code());
        self.status.progress(now.mono);
        let note = QuarantineNote {
            code: error.code().to_owned(),
            story: error.to_string(),
            verified: false,
            at_ms: now.wall_ms,
        };
        self.intake.todo.push_back(Action::Drop { name, dispute: None, refused: Some((note, bytes)) });
    }

    /// The codes are ours, so there are only so many.
    fn count_turned_away(&mut self, code: &str) {
        *self.turned_away.entry(code.to_owned()).or_default() += 1;
    }

    /// The file of a revoked key that does not count. Whoever has the key can write as many as there are, so that they are kept
    /// among those of strangers.
    fn revoked(&mut self, name: String, id: &BatchId, bytes: Arc<Vec<u8>>, now: Now) {
        coverage::hit(Place::RevokedOut);
        self.counters.unverified += 1;
        self.count_turned_away(REVOKED_CHAIN);
        self.status.progress(now.mono);
        let (stream, seq, epoch) = (&id.stream, id.seq, id.epoch);
        let story =
            format!("batch {stream}/{seq} of epoch {epoch} does not chain to the last good one of a revoked key");
        let note = QuarantineNote { code: REVOKED_CHAIN.to_owned(), story, verified: false, at_ms: now.wall_ms };
        self.intake.todo.push_back(Action::Drop { name, dispute: None, refused: Some((note, bytes)) });
    }

    fn judge(
        &mut self,
        name: String,
        statement: &BatchStatement,
        (digest, signer): (Digest, KeyId),
        bytes: Arc<Vec<u8>>,
        now: Now,
    ) {
        let contract = self.around.contract.stream(&statement.stream);
        let receiver = self.receivers.get_mut(&statement.stream);
        let (Some(contract), Some(receiver)) = (contract, receiver) else {
            return self.refuse(name, &BatchId::of(statement, digest), "not-owner", bytes, now);
        };
        let verdict = receiver.judge(statement, (digest, signer), contract, &self.settings);
        let id = BatchId::of(statement, digest);
        match verdict {
            Verdict::Keep => {
                if receiver.is_ahead(statement.epoch, statement.seq) {
                    coverage::hit(Place::KeptAhead);
                }
                let displaced = receiver.displace(statement);
                let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
                if receiver.is_revoked(signer) {
                    coverage::hit(Place::RevokedKept);
                }
                receiver.add(statement, (digest, signer), length, now, false);
                self.intake.todo.push_back(Action::Keep { name, id, bytes });
                displaced.into_iter().for_each(|id| self.displaced(id, now));
            }
            Verdict::Duplicate => self.duplicate(name, &id, now),
            Verdict::Recall => self.intake.todo.push_back(Action::Recall { name, id, bytes }),
            Verdict::Refuse("two-statements") => self.two_statements(name, &id, bytes, now),
            Verdict::Refuse(REVOKED_CHAIN) => self.revoked(name, &id, bytes, now),
            Verdict::Refuse(code) => self.refuse(name, &id, code, bytes, now),
            Verdict::Leave => self.look_later(&name, now),
        }
    }

    /// A held batch gave way to one that supersedes it: its file is kept with the refused ones.
    fn displaced(&mut self, id: BatchId, now: Now) {
        let story = format!("batch {}/{} of epoch {} was superseded", id.stream, id.seq, id.epoch);
        let note = QuarantineNote { code: SUPERSEDED.to_owned(), story, verified: true, at_ms: now.wall_ms };
        self.intake.todo.push_back(Action::Expel { id, note });
    }

    fn duplicate(&mut self, name: String, id: &BatchId, now: Now) {
        coverage::hit(Place::DuplicateDropped);
        self.counters.duplicate += 1;
        self.in_event(&id.stream, id.epoch, id.seq, LifeKind::Duplicate, now, name.clone());
        self.intake.todo.push_back(Action::Drop { name, dispute: None, refused: None });
        // The peer would not have sent it again had it known.
        self.status.progress(now.mono);
    }

    fn refuse(&mut self, name: String, id: &BatchId, code: &str, bytes: Arc<Vec<u8>>, now: Now) {
        coverage::hit(Place::VerifiedRefused);
        let (stream, epoch, seq) = (&id.stream, id.epoch, id.seq);
        let story = format!("batch {stream}/{seq} of epoch {epoch}: {code}");
        let note = self.turn_away(id, code, story, now);
        self.intake.todo.push_back(Action::Drop { name, dispute: None, refused: Some((note, bytes)) });
    }

    /// The stream stops before the place: in memory at once, in the books before the second file leaves the gate. What was
    /// applied under the first statement stays applied; what comes after it waits.
    fn two_statements(&mut self, name: String, id: &BatchId, bytes: Arc<Vec<u8>>, now: Now) {
        let (stream, epoch) = (id.stream.clone(), id.epoch);
        if self.receivers.get(&stream).is_some_and(|receiver| receiver.is_dismissed(epoch, id.seq)) {
            return self.refuse(name, id, "two-statements", bytes, now);
        }
        // Its epoch may have ended while the books were asked what was applied there.
        if self.receivers.get(&stream).and_then(|it| it.mark()).is_some_and(|mark| epoch < mark.epoch) {
            return self.refuse(name, id, "old-epoch", bytes, now);
        }
        coverage::hit(Place::Disputed);
        let receiver = self.receivers.get_mut(&stream);
        let (seq, against) = receiver.map_or((id.seq, None), |receiver| receiver.dispute(epoch, id.seq));
        let story = format!("batch {stream}/{} of epoch {epoch} is here under another digest", id.seq);
        let note = self.turn_away(id, "two-statements", story, now);
        let dispute = Some(Dispute { stream, epoch, seq, digest: id.digest, against, at_ms: now.wall_ms });
        self.intake.todo.push_back(Action::Drop { name, dispute, refused: Some((note, bytes)) });
    }

    fn turn_away(&mut self, id: &BatchId, code: &str, story: String, now: Now) -> QuarantineNote {
        self.counters.refused += 1;
        self.count_turned_away(code);
        self.in_event(&id.stream, id.epoch, id.seq, LifeKind::Refused, now, code.to_owned());
        self.status.progress(now.mono);
        QuarantineNote { code: code.to_owned(), story, verified: true, at_ms: now.wall_ms }
    }

    pub(super) fn recalled(
        &mut self,
        name: String,
        id: &BatchId,
        bytes: Arc<Vec<u8>>,
        result: Result<Option<AppliedPlace>, PortError>,
        now: Now,
    ) {
        coverage::hit(Place::Recalled);
        match result {
            Err(error) => {
                self.fault("recall", &error);
                self.look_later(&name, now);
            }
            Ok(Some(place)) if [place.digest, place.chain].contains(&id.digest) => self.duplicate(name, id, now),
            Ok(_) if self.is_by_revoked(&bytes) => self.revoked(name, id, bytes, now),
            Ok(_) if supersedes(&bytes) => self.refuse(name, id, SUPERSEDE_LATE, bytes, now),
            Ok(_) => self.two_statements(name, id, bytes, now),
        }
    }

    /// Whether a file that was verified bears the signature of a revoked key.
    fn is_by_revoked(&self, bytes: &[u8]) -> bool {
        inspect_batch(bytes).is_ok_and(|batch| self.keys.is_revoked(batch.envelope.signer))
    }

    pub(super) fn kept(&mut self, name: &str, id: &BatchId, result: Result<(), PortError>, now: Now) {
        if let Some(receiver) = self.receivers.get_mut(&id.stream) {
            receiver.kept(id, result.is_ok());
        }
        match result {
            Ok(()) => {
                self.gone(name);
                self.in_event(&id.stream, id.epoch, id.seq, LifeKind::Taken, now, name.to_owned());
                self.status.batch_progress(now.mono);
            }
            Err(error) => {
                self.fault("keep", &error);
                self.look_later(name, now);
            }
        }
    }

    pub(super) fn dropped(&mut self, name: &str, result: Result<(), PortError>, now: Now) {
        match result {
            Ok(()) => self.gone(name),
            Err(error) => {
                self.fault("drop", &error);
                self.look_later(name, now);
            }
        }
    }

    fn next_expel(&mut self, now: Now) -> Option<Action> {
        let (id, why) = self.receivers.values_mut().find_map(|receiver| receiver.next_expelled(now.mono))?;
        let (code, story) = match why {
            Expelled::WrongPrevious => {
                ("wrong-previous", format!("batch {}/{} does not follow what was applied before it", id.stream, id.seq))
            }
            Expelled::Revoked => {
                coverage::hit(Place::RevokedOut);
                let story = format!("the key that signed batch {}/{} was revoked", id.stream, id.seq);
                (REVOKED_CHAIN, story)
            }
            Expelled::Ended => {
                let story =
                    format!("batch {}/{} of epoch {} was held when that had ended", id.stream, id.seq, id.epoch);
                (EPOCH_ENDED, story)
            }
            Expelled::Spoiled(text) => {
                coverage::hit(Place::SpoiledExpelled);
                (SPOILED, format!("the held file of batch {}/{} was damaged in the spool: {text}", id.stream, id.seq))
            }
        };
        let note = QuarantineNote { code: code.to_owned(), story, verified: true, at_ms: now.wall_ms };
        Some(Action::Expel { id, note })
    }

    pub(super) fn expelled(&mut self, id: &BatchId, code: &str, result: Result<(), PortError>, now: Now) {
        if let Err(error) = &result {
            self.fault("expel", error);
        }
        if code == SUPERSEDED {
            self.in_event(&id.stream, id.epoch, id.seq, LifeKind::Refused, now, code.to_owned());
            self.status.progress(now.mono);
            return;
        }
        if result.is_ok() && code != SPOILED {
            self.counters.refused += 1;
            self.count_turned_away(code);
        }
        self.in_event(&id.stream, id.epoch, id.seq, LifeKind::Refused, now, code.to_owned());
        // The peer must hear that it is missing again.
        self.status.progress(now.mono);
        if let Some(receiver) = self.receivers.get_mut(&id.stream) {
            let gone = result.as_ref().err().is_some_and(|error| error.kind == FaultKind::Corrupt);
            receiver.expelled(id, result.is_ok() || gone);
            if result.is_err() {
                receiver.retry_later(now.mono + self.settings.retry_ms);
            }
        }
    }

    fn next_apply(&mut self, now: Now) -> Option<Action> {
        let marks = self.marks();
        let watermark = |stream: &StreamName| marks.get(stream).cloned();
        for receiver in self.receivers.values_mut() {
            if receiver.must_read_mark() && receiver.retry_at().is_none_or(|at| now.mono >= at) {
                receiver.retry_later(now.mono + self.settings.retry_ms);
                return Some(Action::ReadMark { stream: receiver.stream.clone() });
            }
        }
        let mut by_priority: Vec<&mut crate::receiver::Receiver> = self.receivers.values_mut().collect();
        by_priority.sort_by_key(|receiver| std::cmp::Reverse(receiver.priority));
        for receiver in by_priority {
            let Some(group) = receiver.next_group(now.mono, watermark) else { continue };
            let stream = receiver.stream.clone();
            let crate::receiver::NextGroup { epoch_id, expect, batches } = group;
            let (peer_keys, now_ms) = (self.keys.peer_keys(), now.wall_ms);
            return Some(Action::Apply { stream, epoch_id, expect, batches, peer_keys, now_ms });
        }
        None
    }

    /// The watermark of every stream of the peer.
    pub(super) fn marks(&self) -> BTreeMap<StreamName, Mark> {
        self.receivers.iter().filter_map(|(name, receiver)| Some((name.clone(), receiver.mark()?.clone()))).collect()
    }

    pub(super) fn applied(
        &mut self,
        stream: &StreamName,
        result: Result<(ApplyOutcome, Option<LeftFiles>), PortError>,
        now: Now,
    ) {
        let result = match result {
            Ok((outcome, left_behind)) => {
                if let Some((ids, error)) = left_behind {
                    self.left_behind(ids, &error, now);
                }
                Ok(outcome)
            }
            Err(error) => {
                self.fault("apply", &error);
                Err(error)
            }
        };
        let Some(receiver) = self.receivers.get_mut(stream) else { return };
        let was_refused = matches!(result, Ok(ApplyOutcome::Refused(_)));
        let applied = receiver.applied(result, now, &self.settings);
        let epoch = receiver.mark().map_or(0, |mark| mark.epoch);
        self.put_away_what_turned_out(stream, now);
        if was_refused {
            let refusal = self.receivers.get(stream).and_then(|receiver| receiver.refused().cloned());
            self.status.progress(now.mono);
            if let Some(refusal) = refusal {
                self.in_event(stream, epoch, refusal.seq, LifeKind::Refused, now, refusal.code);
            }
        }
        for report in applied.reports {
            let detail = format!("rows={} parked={}", report.rows, report.parked);
            self.in_event(stream, epoch, report.seq, LifeKind::Applied, now, detail);
            self.status.batch_progress(now.mono);
        }
    }

    pub(super) fn mark_read(&mut self, stream: &StreamName, result: Result<Option<Mark>, PortError>, now: Now) {
        if let Err(error) = &result {
            self.fault("read-watermark", error);
        }
        if let Some(receiver) = self.receivers.get_mut(stream) {
            receiver.mark_read(result);
        }
        self.put_away_what_turned_out(stream, now);
    }

    fn next_follow(&mut self, now: Now) -> Option<Action> {
        let around = &self.around;
        for (stream, receiver) in &mut self.receivers {
            let Some((epoch, epoch_id)) = receiver.next_follow(now.mono) else { continue };
            let digest = genesis(&around.link, &around.peer, &around.zone, stream, epoch, epoch_id);
            let genesis = Mark { stream: stream.clone(), epoch, seq: 0, digest };
            return Some(Action::Follow { epoch_id, genesis });
        }
        None
    }

    pub(super) fn followed(&mut self, epoch_id: EpochId, genesis: Mark, result: Result<(), PortError>, now: Now) {
        if let Err(error) = &result {
            self.fault("follow", error);
        }
        let retry_at = now.mono + self.settings.retry_ms;
        if let Some(receiver) = self.receivers.get_mut(&genesis.stream) {
            receiver.followed_now(epoch_id, genesis, result.is_ok(), retry_at);
        }
        self.status.progress(now.mono);
    }

    pub(super) fn in_event(
        &mut self,
        stream: &StreamName,
        epoch: u64,
        seq: u64,
        kind: LifeKind,
        now: Now,
        detail: String,
    ) {
        self.life(LifeEvent {
            direction: Direction::In,
            stream: stream.clone(),
            epoch,
            seq,
            kind,
            at_ms: now.wall_ms,
            detail,
        });
    }

    pub(super) fn out_event(
        &mut self,
        stream: &StreamName,
        epoch: u64,
        seq: u64,
        kind: LifeKind,
        now: Now,
        detail: String,
    ) {
        self.life(LifeEvent {
            direction: Direction::Out,
            stream: stream.clone(),
            epoch,
            seq,
            kind,
            at_ms: now.wall_ms,
            detail,
        });
    }

    pub(super) fn life(&mut self, event: LifeEvent) {
        if self.notes.life.len() >= LIFE_EVENTS_MAX {
            self.dropped_life += 1;
        } else {
            self.notes.life.push(event);
        }
    }
}
