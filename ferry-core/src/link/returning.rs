//! A zone that was put back to a backup gets its own batches back: out of its own spool and archive, and from its peer.
//!
//! What the anchor says was sent is taken back, and nothing else: the digest there names the last batch, each batch names the
//! one before it, and every one bears this zone's own signature. What a peer has beyond the anchor may be somebody else's
//! who has the keys, and is for operators to judge.

use std::collections::BTreeMap;
use std::sync::Arc;

use ferry_format::{BatchStatement, Digest, FormatError, IncomingReport, Mark, SeqRange, StreamName, Want, WantKind};

use super::coming::{Back, Coming};
use super::{Link, Lock};
use crate::action::{Action, FoundBatch};
use crate::coverage::{self, Place};
use crate::ports::{BatchId, LifeKind, PortError, TakeBackOutcome};
use crate::sender::FirstLook;
use crate::settings::{HELD_BATCHES_MAX, RETURN_FILES_MAX};
use crate::time::{Mono, Now};

/// Own streams on their way back.
#[derive(Debug, Default)]
pub(super) struct Returning {
    streams: BTreeMap<StreamName, Coming>,
    /// What was asked of the peer last.
    asked: Vec<Want>,
    /// What the peer has applied beyond this zone's books and its anchor: that is for operators to judge.
    beyond: BTreeMap<StreamName, Mark>,
    /// The last batch of each own stream that the peer holds or misses.
    held_there: BTreeMap<StreamName, (u64, u64)>,
}

impl Returning {
    /// When a failed operation is tried again.
    pub(super) fn retry_at(&self) -> Option<Mono> {
        self.streams.values().filter_map(|coming| coming.retry_at).min()
    }
}

impl Link {
    /// Streams whose books end before the anchor says, with the last batch that it names.
    fn lacking(&self) -> impl Iterator<Item = (&StreamName, &Mark)> {
        let is_locked = self.lock == Some(Lock::Restored);
        let marks = self.anchor.marks.iter().filter(move |_| is_locked);
        marks.filter_map(|mark| {
            let sender = self.senders.get(&mark.stream)?;
            let is_behind = sender.epoch == mark.epoch && sender.last_recorded().seq < mark.seq;
            (is_behind && !sender.is_ending()).then_some((&mark.stream, mark))
        })
    }

    /// Whether everything is back, and nothing else speaks against going on.
    pub(super) fn is_returned(&self) -> bool {
        self.returning.beyond.is_empty() && self.is_at_anchor()
    }

    /// Whether the books are where the anchor says, and have every batch that took the place of another.
    fn is_at_anchor(&self) -> bool {
        let is_there = |mark: &Mark| {
            self.senders.get(&mark.stream).is_some_and(|sender| {
                let last = sender.last_recorded();
                sender.epoch == mark.epoch && (last.seq > mark.seq || last == mark)
            })
        };
        let has_superseding = |mark: &Mark| {
            let sender = self.senders.get(&mark.stream);
            sender.is_some_and(|sender| {
                let settled = sender.settled();
                (settled.epoch, settled.seq) >= (mark.epoch, mark.seq)
                    || sender.open_superseding().any(|it| it == *mark)
            })
        };
        !self.anchor.marks.is_empty()
            && self.anchor.marks.iter().all(is_there)
            && self.anchor.superseding.iter().all(has_superseding)
    }

    /// A fresh status shows what the peer has applied, holds and misses. Up to the anchor that is this zone's own; what lies
    /// beyond, operators have to judge.
    pub(super) fn judge_beyond(&mut self, received: &[Mark], incoming: &[IncomingReport]) {
        self.returning.beyond.clear();
        for mark in received {
            let Some(sender) = self.senders.get(&mark.stream) else { continue };
            let anchored = self.anchor.marks.iter().find(|it| it.stream == mark.stream);
            let anchored = anchored.map_or((0, 0), |it| (it.epoch, it.seq));
            let known = anchored.max((sender.epoch, sender.last_recorded().seq));
            if (mark.epoch, mark.seq) > known {
                self.returning.beyond.insert(mark.stream.clone(), mark.clone());
            }
        }
        let last = |report: &IncomingReport| {
            let known = report.held.last().into_iter().chain(report.missing.last());
            Some((report.stream.clone(), (report.epoch, known.map(|range| range.last).max()?)))
        };
        self.returning.held_there = incoming.iter().filter_map(last).collect();
    }

    /// The last batch that the peer holds or misses beyond the books of a stream that the anchor does not name: an act about another
    /// stream says nothing of it.
    pub(super) fn held_beyond(&self, stream: &StreamName) -> Option<u64> {
        let sender = self.senders.get(stream)?;
        let is_named = self.anchor.marks.iter().any(|mark| mark.stream == *stream);
        let held = self.returning.held_there.get(stream).filter(|_| !is_named && self.lock == Some(Lock::Restored))?;
        (*held > (sender.epoch, sender.last_recorded().seq)).then_some(held.1)
    }

    /// Whether there is a stream of which the peer holds or misses more than books and anchor tell of.
    pub(super) fn is_held_beyond(&self) -> bool {
        self.senders.keys().any(|stream| self.held_beyond(stream).is_some())
    }

    /// What the peer has applied beyond the books and the anchor of a zone that is locked for it.
    pub fn beyond(&self) -> impl Iterator<Item = &Mark> {
        let is_locked = self.lock == Some(Lock::Restored);
        self.returning.beyond.values().filter(move |_| is_locked)
    }

    /// Whether operators may say that what the peer has applied up to `mark` is this zone's own, or by which code not.
    pub(super) fn judge_take_back(&self, mark: &Mark) -> Result<(), &'static str> {
        let sender = self.senders.get(&mark.stream).ok_or("not-own-stream")?;
        match self.lock {
            None => return Err("not-restored"),
            Some(Lock::AnchorMissing | Lock::AnchorForeign) => return Err("peer-not-heard"),
            Some(Lock::Restored) if self.anchor.marks.contains(mark) => return Ok(()),
            Some(Lock::Restored) => {}
        }
        if sender.epoch != mark.epoch {
            return Err("not-that-epoch");
        }
        match self.returning.beyond.get(&mark.stream) {
            None => return Err("nothing-beyond"),
            Some(there) if there != mark => return Err("peer-is-elsewhere"),
            Some(_) => {}
        }
        // A batch of this zone that comes in such a place would be a second statement for it.
        let held = self.returning.held_there.get(&mark.stream);
        if held.is_some_and(|last| *last > (mark.epoch, mark.seq)) { Err("peer-holds-more") } else { Ok(()) }
    }

    /// Before an act that approves a return is written, the anchor names what is to come back. Tells whether it does.
    pub(super) fn approve_return(&mut self, mark: &Mark) -> bool {
        // What it named of a life that does not begin would stand before this.
        self.give_up_epoch();
        if self.anchor.marks.contains(mark) {
            return true;
        }
        self.anchor.raise(mark.clone());
        false
    }

    /// Operators have said that it is this zone's own.
    pub(super) fn return_approved(&mut self, mark: &Mark, now: Now) {
        coverage::hit(Place::ReturnApproved);
        self.returning.beyond.remove(&mark.stream);
        self.status.progress(now.mono);
    }

    /// Whether batches of a stream are being looked for or taken back at the moment.
    pub(super) fn is_returning(&self, stream: &StreamName) -> bool {
        self.returning.streams.get(stream).is_some_and(|coming| coming.searching || coming.taking)
    }

    /// A stream has begun another life: nothing of the old one comes back any more.
    pub(super) fn forget_return(&mut self, stream: &StreamName) {
        self.returning.beyond.remove(stream);
        if let Some(coming) = self.returning.streams.get_mut(stream) {
            *coming = Coming::default();
        }
    }

    /// What the peer has of streams that lack batches.
    pub(super) fn read_returnable(&mut self, received: &[Mark], now: Now) {
        let lacking: Vec<(StreamName, u64)> =
            self.lacking().map(|(stream, mark)| (stream.clone(), mark.epoch)).collect();
        for (stream, epoch) in lacking {
            let coming = self.returning.streams.entry(stream.clone()).or_default();
            let applied = received.iter().find(|mark| mark.stream == stream && mark.epoch == epoch);
            coming.applied_there = Some(applied.map_or(0, |mark| mark.seq));
        }
        if self.return_wants() != self.returning.asked {
            self.status.progress(now.mono);
        }
    }

    /// What the next status asks for.
    pub(super) fn ask_back(&mut self) -> Vec<Want> {
        self.returning.asked = self.return_wants();
        self.returning.asked.clone()
    }

    /// Of each stream the first batches that are nowhere here. The peer may have them in its archive even where it does not say
    /// so, because it was put back too.
    fn return_wants(&self) -> Vec<Want> {
        let mut wants = Vec::new();
        for (stream, mark) in self.lacking() {
            let (Some(sender), Some(coming)) = (self.senders.get(stream), self.returning.streams.get(stream)) else {
                continue;
            };
            let searched = coming.searched >= mark.seq && coming.applied_there.is_some();
            let superseding = self.anchored_superseding(stream);
            let lacks = |seq: &u64| !coming.has_any(*seq, &superseding) || coming.is_undecided(*seq);
            let mut places = (sender.last_recorded().seq + 1..=mark.seq).filter(lacks);
            let Some(first) = places.next().filter(|_| searched) else { continue };
            let last = places.take_while(|seq| *seq < first + RETURN_FILES_MAX).last().unwrap_or(first);
            let range = SeqRange { first, last };
            wants.push(Want { kind: WantKind::Return, stream: stream.clone(), epoch: mark.epoch, range });
        }
        wants
    }

    /// The superseding batches of an own stream that the anchor names.
    fn anchored_superseding(&self, stream: &StreamName) -> Vec<Digest> {
        self.anchor.superseding.iter().filter(|mark| mark.stream == *stream).map(|mark| mark.digest).collect()
    }

    /// The next step of the return.
    pub(super) fn next_returning(&mut self, now: Now) -> Option<Action> {
        let lacking: Vec<Mark> = self.lacking().map(|(_, mark)| mark.clone()).collect();
        for mark in lacking {
            let coming = self.returning.streams.entry(mark.stream.clone()).or_default();
            if coming.retry_at.is_some_and(|at| now.mono < at) {
                continue;
            }
            if let Some(action) = self.next_search(&mark).or_else(|| self.next_take_back(&mark, now)) {
                return Some(action);
            }
        }
        None
    }

    fn next_search(&mut self, mark: &Mark) -> Option<Action> {
        let sender = self.senders.get(&mark.stream)?;
        let coming = self.returning.streams.get_mut(&mark.stream)?;
        let from = coming.searched.max(sender.last_recorded().seq) + 1;
        if coming.searching || from > mark.seq || coming.here.len() > HELD_BATCHES_MAX {
            return None;
        }
        coming.searching = true;
        let range = SeqRange { first: from, last: mark.seq.min(from + RETURN_FILES_MAX - 1) };
        Some(Action::FindOwn { stream: mark.stream.clone(), epoch: mark.epoch, range })
    }

    pub(super) fn found_own(
        &mut self,
        stream: &StreamName,
        range: SeqRange,
        result: Result<Vec<FoundBatch>, PortError>,
        now: Now,
    ) {
        if let Err(error) = &result {
            self.fault("find-own", error);
        }
        let retry_at = now.mono + self.settings.retry_ms;
        let coming = self.returning.streams.entry(stream.clone()).or_default();
        coming.searching = false;
        match result {
            Ok(found) => {
                coming.searched = range.last;
                coming.retry_at = None;
                for (statement, digest) in found {
                    coming.add(statement.seq, Back::of(&statement, digest, false));
                }
                // The peer is asked for what was not found.
                self.status.progress(now.mono);
            }
            Err(_) => coming.retry_at = Some(retry_at),
        }
    }

    /// An own batch lies in the drop directory. One that is lacking is kept; what was asked for twice is dropped; anything else
    /// is a file that nobody should have put there.
    pub(super) fn came_back(
        &mut self,
        name: String,
        statement: BatchStatement,
        digest: Digest,
        bytes: Arc<Vec<u8>>,
        now: Now,
    ) {
        if self.is_lacking(&statement, digest) {
            let statement = Box::new(statement);
            self.intake.push(Action::KeepOwn { name, statement, digest, bytes });
        } else if self.returning.streams.contains_key(&statement.stream) {
            self.counters.duplicate += 1;
            self.intake.push(Action::Drop { name, dispute: None, refused: None });
        } else {
            self.unverified(name, &FormatError::UnknownSigner, bytes, now);
        }
    }

    fn is_lacking(&self, statement: &BatchStatement, digest: Digest) -> bool {
        let mut lacking = self.lacking();
        let Some((_, mark)) = lacking.find(|(stream, _)| **stream == statement.stream) else { return false };
        let last = self.senders.get(&statement.stream).map_or(0, |sender| sender.last_recorded().seq);
        let coming = self.returning.streams.get(&statement.stream);
        let is_here = |coming: &Coming| {
            let all = coming.here.get(&statement.seq);
            let is_known = all.is_some_and(|all| all.iter().any(|back| back.digest == digest));
            is_known && !coming.is_undecided(statement.seq)
        };
        statement.epoch == mark.epoch
            && (last + 1..=mark.seq).contains(&statement.seq)
            && coming.is_some_and(|coming| !is_here(coming) && coming.here.len() <= HELD_BATCHES_MAX)
    }

    pub(super) fn kept_own(
        &mut self,
        name: &str,
        (statement, digest): &FoundBatch,
        result: Result<(), PortError>,
        now: Now,
    ) {
        if let Err(error) = result {
            self.fault("keep-own", &error);
            return self.look_later(name, now);
        }
        self.gone(name);
        coverage::hit(Place::CameBack);
        let coming = self.returning.streams.entry(statement.stream.clone()).or_default();
        coming.add(statement.seq, Back::of(statement, *digest, true));
        let (stream, epoch, seq) = (&statement.stream, statement.epoch, statement.seq);
        self.out_event(stream, epoch, seq, LifeKind::Returned, now, name.to_owned());
        // The peer is asked for the next ones.
        self.status.batch_progress(now.mono);
    }

    /// The first group that is here, follows on the books, and has what it requires.
    fn next_take_back(&mut self, target: &Mark, now: Now) -> Option<Action> {
        let stream = &target.stream;
        let is_settling = self.settling || self.settles.iter().any(|todo| todo.settled.mark.stream == *stream);
        let sender = self.senders.get(stream)?;
        let coming = self.returning.streams.get_mut(stream)?;
        coming.recorded = sender.last_recorded().seq;
        let coming = self.returning.streams.get(stream)?;
        if coming.taking || coming.searching || is_settling || sender.stopped().is_some() || !sender.is_quiet() {
            return None;
        }
        let contract = self.around.contract.stream(stream)?.digest;
        let superseding = self.anchored_superseding(stream);
        let (expect, mut batches, mut whole) = (sender.last_recorded().clone(), Vec::new(), false);
        let mut previous = expect.digest;
        let (mut requires, mut group_first) = (Vec::new(), expect.seq + 1);
        for seq in expect.seq + 1..=target.seq {
            let Some(back) = coming.follows(seq, previous, target, &superseding) else { break };
            if back.epoch_id != sender.epoch_id || back.contract != contract {
                let code = if back.contract == contract { "return-other-epoch" } else { "unknown-contract" };
                let place = format!("seq {seq}");
                let sender = self.senders.get_mut(stream)?;
                sender.return_stops(code.to_owned(), place, None);
                return None;
            }
            if batches.is_empty() {
                group_first = back.group.first;
            }
            previous = back.chain;
            requires.extend(back.requires.iter().cloned());
            batches.push(BatchId { stream: stream.clone(), epoch: target.epoch, seq, digest: back.digest });
            whole = back.group.last;
            if whole || batches.len() >= HELD_BATCHES_MAX {
                break;
            }
        }
        let reaches_the_end = batches.last().is_some_and(|id| id.seq == target.seq);
        let has = |mark: &Mark| {
            let last = self.senders.get(&mark.stream).map(|other| other.last_recorded());
            last.is_none_or(|last| (last.epoch, last.seq) >= (mark.epoch, mark.seq))
        };
        if batches.is_empty() || !(whole || reaches_the_end) || !requires.iter().all(has) {
            return None;
        }
        let epoch_id = sender.epoch_id;
        self.returning.streams.get_mut(stream)?.taking = true;
        let (stream, now_ms) = (stream.clone(), now.wall_ms);
        Some(Action::TakeBack { stream, epoch_id, expect, batches, group_first, whole, now_ms })
    }

    pub(super) fn taken_back(&mut self, stream: &StreamName, result: Result<TakeBackOutcome, PortError>, now: Now) {
        let retry_at = now.mono + self.settings.retry_ms;
        let look = FirstLook { at: now.mono + 2 * self.settings.handshake_ms, window: self.settings.window_batches };
        if let Err(error) = &result {
            self.fault("take-back", error);
        }
        let Some(sender) = self.senders.get_mut(stream) else { return };
        let coming = self.returning.streams.entry(stream.clone()).or_default();
        coming.taking = false;
        coming.retry_at = None;
        match result {
            Ok(TakeBackOutcome::TakenBack(recovered) | TakeBackOutcome::Moved(recovered)) => {
                coverage::hit(Place::TakenBack);
                let before = sender.last_recorded().seq;
                sender.taken_back(*recovered, now, look);
                let (epoch, last) = (sender.epoch, sender.last_recorded().seq);
                coming.here = coming.here.split_off(&(last + 1));
                for seq in before + 1..=last {
                    self.out_event(stream, epoch, seq, LifeKind::TakenBack, now, String::new());
                }
                self.status.progress(now.mono);
            }
            Ok(TakeBackOutcome::Refused { refusal, captured }) => {
                coverage::hit(Place::ReturnStopped);
                let table = refusal.table.map(|table| format!(" table {table}")).unwrap_or_default();
                let row = refusal.row.map(|row| format!(" row {row}")).unwrap_or_default();
                let against = captured.map(|id| format!(", outbox row {id}")).unwrap_or_default();
                let place = format!("seq {}{table}{row}{against}", refusal.seq);
                sender.return_stops(refusal.code, place, captured);
            }
            Ok(TakeBackOutcome::Spoiled(spoiled)) => {
                // The peer may have a good one.
                if let Some(all) = coming.here.get_mut(&spoiled.seq) {
                    all.retain(|back| back.digest != spoiled.digest);
                }
                coming.here.retain(|_, all| !all.is_empty());
                self.status.progress(now.mono);
            }
            Err(_) => coming.retry_at = Some(retry_at),
        }
    }
}
