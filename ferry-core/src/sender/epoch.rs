//! A life of the stream that ends, and the one that begins in its place.

use std::collections::BTreeMap;

use ferry_format::{EpochId, Mark};

use super::{Boundary, FirstLook, Sender};
use crate::coverage::{self, Place};
use crate::ports::{BatchId, RecoveredOut, UntoldAct};
use crate::time::Now;

impl Sender {
    /// Begins nothing more of this life, so that an act finds it as it is to end; or goes on with it.
    pub const fn set_ending(&mut self, ending: bool) {
        self.ending = ending;
    }

    /// Whether the stream stands still because its life is about to end.
    #[must_use]
    pub const fn is_ending(&self) -> bool {
        self.ending
    }

    /// Whether nothing of the stream is under way.
    #[must_use]
    pub fn is_still(&self) -> bool {
        self.is_quiet() && !self.is_capturing()
    }

    /// The files of recorded batches that are not known to be applied, each with its last attempt.
    #[must_use]
    pub fn unsettled_files(&self) -> Vec<(BatchId, u32)> {
        let file = |(seq, batch): (&u64, &super::Outgoing)| Some((self.id(*seq)?, batch.attempt));
        self.unsettled.iter().filter_map(file).collect()
    }

    /// The stream has begun another life. What is captured and not recorded is cut into it, and what its tables hold is
    /// captured once more: that was in the old life and may have reached nobody.
    pub fn begin_epoch(&mut self, epoch_id: EpochId, genesis: Mark, act: UntoldAct, now: Now, look: FirstLook) {
        coverage::hit(Place::EpochBegun);
        let ends = |boundary: &Boundary| {
            let own = (self.stream.clone(), boundary.id);
            boundary.depends.iter().cloned().chain([own]).collect::<BTreeMap<_, _>>()
        };
        let recovered = RecoveredOut {
            last: genesis.clone(),
            epoch_id,
            through_id: self.recorded_through,
            settled: genesis,
            unsettled: Vec::new(),
            boundaries: self.boundaries.iter().map(ends).collect(),
            on_hold: self.on_hold,
            loading: true,
            begun: Some(act),
        };
        let (limits, depends, uncaptured) =
            (self.limits, std::mem::take(&mut self.depends), std::mem::take(&mut self.uncaptured));
        *self = Self::recover(recovered, limits, self.priority, depends, now, look);
        self.uncaptured = uncaptured;
    }

    /// What a batch of a stream that depends on this one requires of it. A life that was begun and has no batch yet is to be
    /// followed first: what the old one held comes in it once more.
    #[must_use]
    pub fn required(&self) -> Option<Mark> {
        Some(self.last_recorded.clone()).filter(|mark| mark.seq > 0 || self.begun.is_some())
    }

    /// The act that began this life, as long as the peer is not known to follow it.
    #[must_use]
    pub fn untold_epoch(&self) -> Option<&UntoldAct> {
        self.begun.as_ref().filter(|_| self.followed_there != Some(self.epoch))
    }
}
