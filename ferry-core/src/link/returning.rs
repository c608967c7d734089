//! A zone that was put back to a backup gets its own batches back: out of its own spool and archive, and from its peer.
//!
//! What the anchor says was sent is taken back, and nothing else: the digest there names the last batch, each batch names the
//! one before it, and every one bears this zone's own signature. What a peer has beyond the anchor may be somebody else's
//! who has the keys, and is for operators to judge.

use std::collections::BTreeMap;
use std::sync::Arc;

use ferry_format::{
    ActId, BatchStatement, Digest, EpochId, FormatError, Group, IncomingReport, Mark, SeqRange, StreamName, Want,
    WantKind,
};

use super::{Link, Lock};
use crate::action::{Action, FoundBatch};
use crate::breaks::{self, Break};
use crate::coverage::{self, Place};
use crate::ports::{BatchId, LifeKind, PortError, TakeBackOutcome};
use crate::sender::FirstLook;
use crate::settings::{HELD_BATCHES_MAX, RETURN_FILES_MAX};
use crate::time::{Mono, Now};

/// An own batch that is here and not in the books.
#[derive(Debug, Clone)]
struct Back {
    /// Its identity.
    digest: Digest,
    /// The digest by which the chain names its place.
    chain: Digest,
    previous: Digest,
    epoch_id: EpochId,
    group: Group,
    contract: Digest,
    /// Own streams that must have come so far first.
    requires: Vec<Mark>,
    /// The act by which it supersedes others, and how many batches that puts into their places.
    act: Option<(ActId, u64)>,
    /// The peer gave it back: it is the one that it has applied or holds.
    of_peer: bool,
}

impl Back {
    fn of(statement: &BatchStatement, digest: Digest, of_peer: bool) -> Self {
        let mark = |it: &ferry_format::Requirement| Mark {
            stream: it.stream.clone(),
            epoch: it.epoch,
            seq: it.seq,
            digest: it.digest,
        };
        Self {
            digest,
            chain: statement.chain_digest(digest),
            previous: statement.previous,
            epoch_id: statement.epoch_id,
            group: statement.group,
            contract: statement.contract,
            requires: statement.requires.iter().map(mark).collect(),
            act: statement.supersedes.as_ref().map(|it| (it.act, u64::try_from(it.new.len()).unwrap_or(u64::MAX))),
            of_peer,
        }
    }
}

/// One own stream on its way back.
#[derive(Debug, Default)]
struct Coming {
    /// Batches that are here, by seq; several where one took the place of another.
    here: BTreeMap<u64, Vec<Back>>,
    /// Spool and archive have been searched up to this seq.
    searched: u64,
    searching: bool,
    /// The last batch that the peer has applied, once it has said so.
    applied_there: Option<u64>,
    taking: bool,
    retry_at: Option<Mono>,
}

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
            is_behind.then_some((&mark.stream, mark))
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
                sender.settled().seq >= mark.seq || sender.open_superseding().any(|it| it == *mark)
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
        if self.anchor.marks.contains(mark) {
            return true;
        }
        self.anchor.raised.push(mark.clone());
        false
    }

    /// Operators have said that it is this zone's own.
    pub(super) fn return_approved(&mut self, mark: &Mark, now: Now) {
        coverage::hit(Place::ReturnApproved);
        self.returning.beyond.remove(&mark.stream);
        self.status.progress(now.mono);
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
        if coming.searching || from > mark.seq || coming.here.len() >= HELD_BATCHES_MAX {
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
            && coming.is_some_and(|coming| !is_here(coming) && coming.here.len() < HELD_BATCHES_MAX)
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
        let coming = self.returning.streams.get(stream)?;
        if coming.taking || coming.searching || is_settling || sender.stopped().is_some() || !sender.is_quiet() {
            return None;
        }
        let contract = self.around.contract.stream(stream)?.digest;
        let superseding = self.anchored_superseding(stream);
        let (expect, mut batches, mut whole) = (sender.last_recorded().clone(), Vec::new(), false);
        let mut previous = expect.digest;
        let mut requires = Vec::new();
        for seq in expect.seq + 1..=target.seq {
            let Some(back) = coming.follows(seq, previous, target, &superseding) else { break };
            if back.epoch_id != sender.epoch_id || back.contract != contract {
                let code = if back.contract == contract { "return-other-epoch" } else { "unknown-contract" };
                let place = format!("seq {seq}");
                let sender = self.senders.get_mut(stream)?;
                sender.return_stops(code.to_owned(), place, None);
                return None;
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
        let has =
            |mark: &Mark| self.senders.get(&mark.stream).is_none_or(|other| other.last_recorded().seq >= mark.seq);
        if batches.is_empty() || !(whole || reaches_the_end) || !requires.iter().all(has) {
            return None;
        }
        let epoch_id = sender.epoch_id;
        self.returning.streams.get_mut(stream)?.taking = true;
        Some(Action::TakeBack { stream: stream.clone(), epoch_id, expect, batches, whole, now_ms: now.wall_ms })
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

impl Coming {
    fn add(&mut self, seq: u64, back: Back) {
        let all = self.here.entry(seq).or_default();
        match all.iter_mut().find(|other| other.digest == back.digest) {
            Some(other) => other.of_peer |= back.of_peer,
            None => all.push(back),
        }
    }

    /// Whether this zone alone cannot tell which batch the peer has applied at a place: one may have superseded the other
    /// before, or have come too late.
    fn is_undecided(&self, seq: u64) -> bool {
        let all = self.here.get(&seq).map_or(&[][..], Vec::as_slice);
        let is_replaced = |one: &Back| all.iter().any(|other| other.chain == one.chain && other.digest != one.digest);
        self.may_be_applied(seq) && all.iter().any(is_replaced) && !all.iter().any(|back| back.of_peer)
    }

    fn may_be_applied(&self, seq: u64) -> bool {
        self.applied_there.is_none_or(|last| seq <= last)
    }

    /// Whether a batch that supersedes another may have been sent. Where the daemon was killed while it sealed what an act puts into
    /// the places of a group, some files of that are here and others never were: the act was not done, and the anchor does not
    /// name it.
    fn was_decided(&self, back: &Back, anchored: &[Digest]) -> bool {
        let Some((act, count)) = back.act else { return true };
        let of_act = |seq: u64| {
            let all = self.here.get(&seq).map_or(&[][..], Vec::as_slice);
            all.iter().find(|other| other.act.is_some_and(|(id, _)| id == act))
        };
        let mut places = (back.group.first..).take(usize::try_from(count).unwrap_or(usize::MAX)).map(of_act);
        let is_named = |one: &Back| one.of_peer || anchored.contains(&one.digest);
        places.clone().flatten().any(is_named) || places.all(|one| one.is_some())
    }

    /// Whether a batch is here that may be taken back to a place.
    fn has_any(&self, seq: u64, anchored: &[Digest]) -> bool {
        self.here.get(&seq).is_some_and(|all| all.iter().any(|back| self.was_decided(back, anchored)))
    }

    /// The batch of a place that follows on the one before it. Of several the one is meant that the next one names, or the
    /// anchor; and of those that took each other's places the latest. `anchored` are the superseding ones that the anchor names.
    fn follows(&self, seq: u64, previous: Digest, target: &Mark, anchored: &[Digest]) -> Option<&Back> {
        if self.is_undecided(seq) {
            return None;
        }
        let decided = self.may_be_applied(seq) && self.here.get(&seq)?.iter().any(|back| back.of_peer);
        let meant = |back: &&Back| back.previous == previous && (back.of_peer || !decided);
        let all: Vec<&Back> = self.here.get(&seq)?.iter().filter(meant).collect();
        let mut chains: Vec<Digest> = all.iter().map(|back| back.chain).collect();
        chains.dedup();
        let is_named = |chain: &Digest| match seq == target.seq {
            true => *chain == target.digest,
            false => self.here.get(&(seq + 1)).is_some_and(|next| next.iter().any(|back| back.previous == *chain)),
        };
        let needs_name = (chains.len() > 1 || seq == target.seq) && !breaks::is(Break::ReturnUnverified);
        let chain = chains.into_iter().find(|chain| !needs_name || is_named(chain))?;
        let of_chain = |back: &&&Back| back.chain == chain && self.was_decided(back, anchored);
        let latest = all.iter().filter(of_chain).rfind(|back| back.digest != chain);
        latest.or_else(|| all.iter().find(of_chain)).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(word: &str) -> Digest {
        Digest::of(&[word.as_bytes()])
    }

    /// A batch of the group 1 to 3: the first that stood at its place, or the one that an act puts there.
    fn back(seq: u64, act: Option<u8>) -> Back {
        let chain = |seq: u64| digest(&format!("batch {seq}"));
        Back {
            digest: act.map_or(chain(seq), |act| digest(&format!("{act} at {seq}"))),
            chain: chain(seq),
            previous: chain(seq - 1),
            epoch_id: EpochId([1; 8]),
            group: Group { first: 1, index: seq - 1, last: seq == 3 },
            contract: digest("contract"),
            requires: Vec::new(),
            act: act.map(|act| (ActId([act; 16]), 3)),
            of_peer: false,
        }
    }

    /// Every batch that stood first, none of which the peer has applied.
    fn with_originals() -> Coming {
        let mut coming = Coming { applied_there: Some(0), ..Coming::default() };
        (1..=3).for_each(|seq| coming.add(seq, back(seq, None)));
        coming
    }

    fn chosen(coming: &Coming, anchored: &[Digest]) -> Vec<bool> {
        let target = Mark { stream: "bill".parse().unwrap(), epoch: 1, seq: 3, digest: back(3, None).chain };
        let choose = |seq: u64| coming.follows(seq, back(seq, None).previous, &target, anchored).unwrap().act.is_some();
        (1..=3).map(choose).collect()
    }

    #[test]
    fn what_an_act_puts_in_is_taken_back_whole_or_not_at_all() {
        let mut coming = with_originals();
        coming.add(1, back(1, Some(7)));
        coming.add(2, back(2, Some(7)));
        assert_eq!(chosen(&coming, &[]), [false; 3]);
        coming.add(3, back(3, Some(8)));
        assert_eq!(chosen(&coming, &[]), [false; 3], "another act does not make it whole");
        coming.add(3, back(3, Some(7)));
        assert_eq!(chosen(&coming, &[]), [true; 3]);
    }

    #[test]
    fn what_an_act_never_put_in_stands_for_no_original_that_is_gone() {
        let mut coming = Coming { applied_there: Some(0), ..Coming::default() };
        coming.add(1, back(1, None));
        coming.add(2, back(2, Some(7)));
        coming.add(3, back(3, None));
        let target = Mark { stream: "bill".parse().unwrap(), epoch: 1, seq: 3, digest: back(3, None).chain };
        assert!(coming.follows(2, back(2, None).previous, &target, &[]).is_none());
        assert_eq!([1, 2, 3].map(|seq| coming.has_any(seq, &[])), [true, false, true]);
    }

    #[test]
    fn what_the_anchor_names_was_decided() {
        let mut coming = with_originals();
        coming.add(1, back(1, Some(7)));
        assert_eq!(chosen(&coming, &[back(1, Some(7)).digest]), [true, false, false]);
    }
}
