//! A stream whose zone was put back to a backup, and that gets its own batches back.

use super::{FirstLook, Sender, Stage, Stop};
use crate::ports::RecoveredOut;
use crate::time::Now;

impl Sender {
    /// Whether no operation of the stream is under way.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        let busy = self.cutting || self.sealing || self.recording || self.reopening.is_busy();
        let on_the_way = |stage: Stage| matches!(stage, Stage::Publishing | Stage::Recording);
        !busy && !self.unsettled.values().any(|batch| on_the_way(batch.stage))
    }

    /// Goes on where the books end after batches were taken back. What was cut and not recorded is cut again.
    pub fn taken_back(&mut self, recovered: RecoveredOut, now: Now, look: FirstLook) {
        let (limits, depends) = (self.limits, std::mem::take(&mut self.depends));
        *self = Self::recover(recovered, limits, self.priority, depends, now, look);
    }

    /// What stands against taking the next group back.
    pub fn return_stops(&mut self, code: String, place: String, row: Option<u64>) {
        self.stopped = Some(Stop { code, place, row });
    }
}
