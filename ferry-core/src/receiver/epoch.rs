//! Another life of the stream, which operators of its owner have begun.

use ferry_format::{EpochId, Mark};

use super::{Followed, Receiver};
use crate::coverage::{self, Place};
use crate::ports::BatchId;

/// The published code of a held batch whose epoch has ended.
pub const EPOCH_ENDED: &str = "epoch-ended";

impl Receiver {
    /// Whether the epoch that is followed can be left for a later one now.
    #[must_use]
    pub fn can_leave_for(&self, epoch: u64) -> bool {
        let is_later = self.mark().is_some_and(|mark| mark.epoch < epoch);
        is_later && !self.following && !self.applying && !self.reading && self.expelling.is_none()
    }

    /// The epoch is being left: nothing of it is applied any more.
    pub const fn leave(&mut self) {
        self.following = true;
    }

    /// The epoch is not left: what should have begun another one does not count.
    pub const fn stay(&mut self) {
        self.following = false;
    }

    /// Goes on with another epoch from its beginning. What was refused, in dispute or to be reported of the old one has
    /// ended with it; rows that were parked alone stay.
    pub fn begin(&mut self, epoch_id: EpochId, genesis: Mark) {
        coverage::hit(Place::EpochFollowed);
        self.following = false;
        self.retry_at = None;
        (self.refused, self.spoiled, self.superseded) = (None, None, None);
        self.published = 0;
        self.reports.clear();
        self.together = super::together::Together::default();
        self.disputed.retain(|(epoch, _), _| *epoch >= genesis.epoch);
        self.dismissed.retain(|(epoch, _)| *epoch >= genesis.epoch);
        self.followed = Some(Followed { epoch_id, mark: genesis });
        self.find_ended();
    }

    /// Finds out which held batches are of an epoch that has ended, or of one with the number of this one and another id.
    pub fn find_ended(&mut self) {
        let Some(Followed { epoch_id, mark }) = self.followed.clone() else { return };
        self.ended.clear();
        for ((epoch, seq), held) in self.held.range_mut(..=(mark.epoch, u64::MAX)) {
            if *epoch < mark.epoch || held.epoch_id != epoch_id {
                held.supersedes.iter_mut().for_each(|it| it.ended = None);
                self.ended.push((*epoch, *seq, held.digest));
            }
        }
    }

    /// Whether nothing is to be applied before batches of an ended epoch are set aside.
    pub(super) fn has_ended(&self) -> bool {
        !self.ended.is_empty()
    }

    /// Whether what is held at a place is about to be set aside.
    pub(super) fn is_ended_at(&self, epoch: u64, seq: u64) -> bool {
        self.ended.iter().any(|(out_epoch, out, _)| (*out_epoch, *out) == (epoch, seq))
    }

    /// The first held batch of an ended epoch whose file is there to be set aside.
    pub(super) fn next_ended(&mut self) -> Option<BatchId> {
        let Self { ended, held, stream, .. } = self;
        ended.retain(|(epoch, seq, digest)| held.get(&(*epoch, *seq)).is_some_and(|held| held.digest == *digest));
        let is_there = |(epoch, seq, _): &&(u64, u64, ferry_format::Digest)| {
            held.get(&(*epoch, *seq)).is_some_and(|it| it.durable)
        };
        let (epoch, seq, digest) = *ended.iter().find(is_there)?;
        Some(BatchId { stream: stream.clone(), epoch, seq, digest })
    }
}
