//! New lives of streams: an own one that operators begin, and those of the peer.
//!
//! An owner begins one only under a number above every number that it, its anchor and a fresh word of its peer know, and names
//! it in the anchor first. A receiver follows one only with the act that began it, which it verifies itself.

use std::collections::BTreeMap;

use ferry_format::limits::ACTS_MAX;
use ferry_format::{
    Act, ActReport, Deed, Digest, EpochId, Mark, SignedAct, StatusBody, StatusStatement, StreamName, genesis,
};

use super::{Link, Lock};
use crate::action::Action;
use crate::ports::{ACT_DONE, Direction, PeerAct, PortError, UntoldAct};
use crate::sender::{FirstLook, Sender};
use crate::time::{Mono, Now};

/// Acts that began epochs which the peer does not follow yet, told in one status: half of the room, so that others are told too.
const EPOCH_ACTS_TOLD_MAX: usize = ACTS_MAX / 2;

/// New lives on their way.
#[derive(Debug, Default)]
pub(super) struct Epochs {
    /// By own stream, the highest epoch that the last fresh status of the peer names.
    there: BTreeMap<StreamName, u64>,
    /// The life of an own stream that is about to begin.
    beginning: Option<Beginning>,
    /// The peer's acts of which its last status tells and whose epochs are not followed, each not looked at before.
    told: Vec<(PeerAct, Mono)>,
    following: bool,
    /// What failed is tried again, whatever later statuses tell.
    again: Option<(Mono, PeerAct)>,
}

/// A life that is about to begin.
#[derive(Debug, Clone)]
struct Beginning {
    /// The place before its first batch.
    genesis: Mark,
    /// What the anchor said of the stream before; of epoch 0 where it said nothing.
    anchored: Mark,
}

impl Epochs {
    /// When what failed is tried again.
    pub(super) fn retry_at(&self) -> Option<Mono> {
        self.again.as_ref().map(|(at, _)| *at)
    }

    /// What the anchor is to name of an own stream that is about to begin another life.
    pub(super) fn beginning(&self) -> Option<&Mark> {
        self.beginning.as_ref().map(|beginning| &beginning.genesis)
    }

    /// What the anchor is to keep of that stream until the life has begun.
    pub(super) fn before(&self) -> Option<&Mark> {
        self.beginning.as_ref().map(|beginning| &beginning.anchored)
    }
}

impl Link {
    fn own_genesis(&self, stream: &StreamName, epoch: u64, epoch_id: EpochId) -> Mark {
        let around = &self.around;
        let digest = genesis(&around.link, &around.zone, &around.peer, stream, epoch, epoch_id);
        Mark { stream: stream.clone(), epoch, seq: 0, digest }
    }

    /// The highest epoch of an own stream that anybody is known to have named.
    pub(super) fn highest_epoch(&self, sender: &Sender) -> u64 {
        let stream = &sender.stream;
        let anchored = self.anchor.marks.iter().filter(|mark| mark.stream == *stream).map(|mark| mark.epoch);
        let there = self.epochs.there.get(stream).copied();
        anchored.chain(there).chain([sender.epoch]).max().unwrap_or(sender.epoch)
    }

    /// Whether operators may begin another life of a stream, or by which code not.
    pub(super) fn judge_new_epoch(&self, epoch: u64, epoch_id: EpochId, ended: &Mark) -> Result<(), &'static str> {
        let sender = self.senders.get(&ended.stream).ok_or("not-own-stream")?;
        if sender.last_recorded() != ended {
            return Err("stream-moved");
        }
        // It was judged before it was anchored, and the daemon has ended in between.
        if self.anchor.marks.contains(&self.own_genesis(&ended.stream, epoch, epoch_id)) && sender.epoch < epoch {
            return Ok(());
        }
        let is_heard =
            self.peer.echoed_this_boot && !matches!(self.lock, Some(Lock::AnchorMissing | Lock::AnchorForeign));
        if !is_heard {
            return Err("peer-not-heard");
        }
        if epoch > self.highest_epoch(sender) { Ok(()) } else { Err("epoch-not-above") }
    }

    /// Brings a stream to a standstill and has the anchor name its next life, before the act that begins it is written. Tells
    /// whether both are so. What any other act was preparing is given up.
    pub(super) fn prepare_epoch(&mut self, act: Option<&Act>) -> bool {
        let Some(Act { deed: Deed::NewEpoch { epoch, epoch_id, ended }, .. }) = act else {
            self.give_up_epoch();
            return true;
        };
        let genesis = self.own_genesis(&ended.stream, *epoch, *epoch_id);
        if self.epochs.beginning() != Some(&genesis) {
            self.give_up_epoch();
        }
        let settles = self.settling || self.settles.iter().any(|todo| todo.settled.mark.stream == ended.stream);
        let returns = self.is_returning(&ended.stream);
        let Some(sender) = self.senders.get_mut(&ended.stream) else { return true };
        sender.set_ending(true);
        if settles || returns || !sender.is_still() {
            return false;
        }
        if self.epochs.beginning.is_none() {
            let anchored = self.anchor.take_last(&ended.stream);
            self.epochs.beginning = Some(Beginning { genesis: genesis.clone(), anchored });
        }
        self.anchor.marks.contains(&genesis)
    }

    /// The anchor names a life that had not begun when the daemon ended: it may begin still, or is given up.
    pub(super) fn recover_beginning(&mut self) {
        let Some(anchored) = self.anchor.before.clone() else { return };
        let sender = self.senders.get(&anchored.stream);
        let named = self.anchor.marks.iter().find(|mark| mark.stream == anchored.stream);
        let genesis = named.filter(|mark| sender.is_some_and(|sender| sender.epoch < mark.epoch)).cloned();
        self.epochs.beginning = genesis.map(|genesis| Beginning { genesis, anchored });
    }

    /// The life that was about to begin does not: the stream goes on as it was, and the anchor says so again.
    pub(super) fn give_up_epoch(&mut self) {
        self.senders.values_mut().for_each(|sender| sender.set_ending(false));
        let Some(Beginning { anchored, .. }) = self.epochs.beginning.take() else { return };
        // The anchor names the life, or does so when it is written. One that is not locked says what the books do.
        if self.lock.is_some() {
            self.anchor.raise(anchored);
        }
    }

    /// Operators have begun another life of an own stream.
    pub(super) fn epoch_begun(&mut self, (epoch, epoch_id): (u64, EpochId), ended: &Mark, act: UntoldAct, now: Now) {
        let stream = &ended.stream;
        let genesis = self.own_genesis(stream, epoch, epoch_id);
        let look = FirstLook { at: now.mono + 2 * self.settings.handshake_ms, window: self.settings.window_batches };
        if let Some(sender) = self.senders.get_mut(stream) {
            sender.begin_epoch(epoch_id, genesis, act, now, look);
        }
        self.epochs.beginning = None;
        self.forget_return(stream);
        self.peer.epoch_begun(Direction::Out, stream);
        self.status.progress(now.mono);
    }

    /// What a status tells of acts: first those without which the peer cannot follow a stream, then those that it has not
    /// listed, the oldest first.
    pub(super) fn told_acts(&self) -> Vec<ActReport> {
        let report =
            |one: &UntoldAct| ActReport { act: one.file.clone(), code: one.end.code.clone(), at_ms: one.at_ms };
        let begun = self.senders.values().filter_map(Sender::untold_epoch);
        let mut told: Vec<ActReport> = begun.take(EPOCH_ACTS_TOLD_MAX).map(report).collect();
        for report in self.acts.told() {
            if told.len() < ACTS_MAX && told.iter().all(|one| one.act != report.act) {
                told.push(report);
            }
        }
        told
    }

    /// What the peer's status says of epochs: which of ours it follows, if it answers this start, and which of its own began.
    pub(super) fn read_epochs(&mut self, statement: &StatusStatement, body: &StatusBody, fresh: bool, now: Now) {
        if fresh {
            let marks = statement.received.iter().map(|mark| (&mark.stream, mark.epoch));
            let reports = body.incoming.iter().map(|report| (&report.stream, report.epoch));
            self.epochs.there.clear();
            for (stream, epoch) in marks.chain(reports) {
                let highest = self.epochs.there.entry(stream.clone()).or_default();
                *highest = epoch.max(*highest);
            }
        }
        let known = std::mem::take(&mut self.epochs.told);
        for ActReport { act: file, code, at_ms } in body.acts.iter().filter(|report| report.code == ACT_DONE) {
            let Some((stream, epoch)) = begun_by(file) else { continue };
            let follows_earlier = |mark: &Mark| mark.epoch < epoch;
            if !self.receivers.get(&stream).and_then(|it| it.mark()).is_some_and(follows_earlier) {
                continue;
            }
            let digest = Digest::of(&[file]);
            let at = known.iter().find(|(act, _)| act.digest == digest).map_or(now.mono, |(_, at)| *at);
            let (file, code, at_ms) = (file.clone(), code.clone(), *at_ms);
            self.epochs.told.push((PeerAct { digest, file, verified: false, code, at_ms }, at));
        }
    }

    /// The next epoch of the peer to follow, with the act that began it.
    pub(super) fn next_epoch(&mut self, now: Now) -> Option<Action> {
        if self.epochs.following {
            return None;
        }
        if self.epochs.again.is_some() {
            let (_, act) = self.epochs.again.take_if(|(at, _)| now.mono >= *at)?;
            self.epochs.following = true;
            return Some(Action::FollowBegun(Box::new(act)));
        }
        let receivers = &mut self.receivers;
        let act = self.epochs.told.iter().filter(|(_, at)| now.mono >= *at).find_map(|(act, _)| {
            let (stream, epoch) = begun_by(&act.file)?;
            let receiver = receivers.get_mut(&stream).filter(|receiver| receiver.can_leave_for(epoch))?;
            receiver.leave();
            Some(act.clone())
        })?;
        self.epochs.following = true;
        Some(Action::FollowBegun(Box::new(act)))
    }

    /// Takes the result of following an epoch with its act.
    pub(super) fn followed_begun(
        &mut self,
        act: PeerAct,
        result: Result<Option<(EpochId, Mark)>, PortError>,
        now: Now,
    ) {
        self.epochs.following = false;
        let found = begun_by(&act.file).and_then(|(stream, _)| self.receivers.get_mut(&stream));
        match (result, found) {
            (Ok(Some((epoch_id, genesis))), Some(receiver)) => {
                let stream = genesis.stream.clone();
                receiver.begin(epoch_id, genesis);
                self.epochs.told.retain(|(one, _)| one.digest != act.digest);
                self.acts.list(act.digest);
                self.peer.epoch_begun(Direction::In, &stream);
                self.status.progress(now.mono);
            }
            (Ok(None), Some(receiver)) => {
                // Operators may come to be trusted: it is looked at again.
                receiver.stay();
                let later = now.mono + self.settings.heartbeat_ms;
                self.epochs.told.iter_mut().filter(|(one, _)| one.digest == act.digest).for_each(|one| one.1 = later);
            }
            (Ok(_), None) => {}
            (Err(error), _) => {
                self.fault("follow", &error);
                // The stream may have left its epoch: nothing is applied before that is known.
                self.epochs.again = Some((now.mono + self.settings.retry_ms, act));
            }
        }
    }
}

/// The stream and the number of the epoch that an act begins. Nothing is verified.
fn begun_by(file: &[u8]) -> Option<(StreamName, u64)> {
    let Deed::NewEpoch { epoch, ended, .. } = SignedAct::parse(file).ok()?.act.deed else { return None };
    Some((ended.stream, epoch))
}
