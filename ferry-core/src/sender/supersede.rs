//! Groups whose place other batches take.

use ferry_format::{Digest, EpochId, Mark};

use super::{Sender, Stage};
use crate::coverage::{self, Place};
use crate::ports::{Instead, LifeKind, SupersededPlace};

/// Why a group cannot be superseded now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Obstacle {
    /// An operation on one of its batches is under way: ask again.
    Busy,
    /// It cannot be, with the published code.
    Never(&'static str),
}

impl Sender {
    /// The places of a group, if an act that names it so can supersede it.
    ///
    /// # Errors
    /// What stands in the way.
    pub fn supersedable(
        &self,
        epoch: (u64, EpochId),
        first: u64,
        old: &[Digest],
        count: u64,
    ) -> Result<Vec<SupersededPlace>, Obstacle> {
        if epoch != (self.epoch, self.epoch_id) {
            return Err(Obstacle::Never("not-that-epoch"));
        }
        let last = first.saturating_add(count).saturating_sub(1);
        let group: Vec<_> = self.unsettled.range(first..=last).collect();
        let is_whole = group.len() as u64 == count
            && group.iter().all(|(_, batch)| batch.group.first == first)
            && group.last().is_some_and(|(_, batch)| batch.group.last);
        if !is_whole || self.settling.as_ref().is_some_and(|mark| mark.seq >= first) {
            return Err(Obstacle::Never("no-such-open-group"));
        }
        let generations = group.first().map_or(0, |(_, batch)| batch.instead.len());
        let originals = group.iter().map(|(_, batch)| batch.digest);
        let later =
            (0..generations).flat_map(|index| group.iter().filter_map(move |(_, it)| it.instead.get(index).copied()));
        if !originals.chain(later).eq(old.iter().copied()) {
            return Err(Obstacle::Never("other-digests"));
        }
        if group.iter().any(|(_, batch)| matches!(batch.stage, Stage::Publishing | Stage::Recording)) {
            return Err(Obstacle::Busy);
        }
        let mut previous = match self.unsettled.range(..first).next_back() {
            Some((_, batch)) => batch.digest,
            None => self.settled.digest,
        };
        let places = group.into_iter().map(|(seq, batch)| {
            let file = batch.instead.last().copied().unwrap_or(batch.digest);
            let before = std::mem::replace(&mut previous, batch.digest);
            SupersededPlace { seq: *seq, previous: before, file, attempt: batch.attempt }
        });
        Ok(places.collect())
    }

    /// The last batch of each group that is superseded and not settled, by its own digest, in order of seq.
    pub fn open_superseding(&self) -> impl Iterator<Item = Mark> {
        self.unsettled.iter().filter(|(_, batch)| batch.group.last).filter_map(|(seq, batch)| {
            let digest = *batch.instead.last()?;
            Some(Mark { stream: self.stream.clone(), epoch: self.epoch, seq: *seq, digest })
        })
    }

    /// Whether the anchor knows what took the place of a batch's group, if anything did.
    pub(super) fn is_superseding_anchored(&self, seq: u64, anchored: &[Mark]) -> bool {
        let last = self.unsettled.range(seq..).find(|(_, batch)| batch.group.last);
        let Some(digest) = last.and_then(|(_, batch)| batch.instead.last()) else { return true };
        anchored.iter().any(|mark| mark.stream == self.stream && mark.digest == *digest)
    }

    /// Other batches have taken the places of a group, and are to be published.
    pub fn superseded(&mut self, instead: &[Instead]) {
        for Instead { seq, digest, rows, file_bytes, .. } in instead {
            let Some(batch) = self.unsettled.get_mut(seq) else { continue };
            self.unsettled_bytes = self.unsettled_bytes - batch.file_bytes + file_bytes;
            self.not_held += usize::from(batch.held);
            self.superseding_out += usize::from(batch.held || batch.instead.is_empty());
            batch.held = false;
            batch.instead.push(*digest);
            (batch.rows, batch.file_bytes) = (*rows, *file_bytes);
            self.damaged.remove(seq);
            self.reopening.forget(*seq);
            self.resend_now(*seq);
        }
    }

    /// What became of a batch that was superseded, by the peer's report of it: whether it applied what took the place.
    pub(super) fn judge_superseded(&mut self, seq: u64, instead: bool) -> Option<LifeKind> {
        let was_superseded = self.unsettled.get(&seq).is_some_and(|batch| !batch.instead.is_empty());
        let was_superseded = self.untold.remove(&seq) || was_superseded;
        if instead {
            coverage::hit(Place::Superseded);
            Some(LifeKind::Superseded)
        } else if was_superseded {
            coverage::hit(Place::SupersededLate);
            Some(LifeKind::SupersedeLate)
        } else {
            None
        }
    }
}
