//! How long batches stay in the archive whole.

use super::Link;
use crate::action::Action;
use crate::breaks::{self, Break};
use crate::coverage::{self, Place};
use crate::ports::{Direction, PortError};
use crate::retention::Prunable;
use crate::settings::PRUNES_MAX;
use crate::time::{Mono, Now};

impl Link {
    /// Counts the archive's time and writes it down, or clears what has been there long enough.
    pub(super) fn next_retain(&mut self, now: Now) -> Option<Action> {
        if self.retain.is_due(now.mono) {
            self.retain.busy = true;
            self.retention.count(now);
            for sender in self.senders.values() {
                let mark = sender.settled();
                self.retention.mark(Direction::Out, &sender.stream, mark.epoch, mark.seq);
            }
            for (stream, mark) in self.receivers.iter().filter_map(|(stream, it)| Some((stream, it.mark()?))) {
                self.retention.mark(Direction::In, stream, mark.epoch, mark.seq);
            }
            return Some(Action::Retain(self.retention.retained()));
        }
        if !self.prune.is_due(now.mono) {
            return None;
        }
        let due = self.retention.due(|what| self.is_confirmed(what, now.mono));
        if due.is_none() {
            if self.retention.due(|_| true).is_some() {
                coverage::hit(Place::PruneWaits);
            }
            // Nothing more becomes due before the time is counted again.
            self.prune.at = Mono(u64::MAX);
        }
        self.prune.busy = due.is_some();
        due.map(Action::Prune)
    }

    /// Whether both zones have these batches behind them by the last word of a peer that is heard, and nothing is wrong by
    /// which they may be needed again: a lock, an alarm, a contradiction, a dispute.
    fn is_confirmed(&self, what: &Prunable, now: Mono) -> bool {
        if breaks::is(Break::PrunedUnconfirmed) {
            return true;
        }
        let here = match what.direction {
            Direction::Out => self.senders.get(&what.stream).map(|sender| sender.settled()),
            Direction::In => {
                let sound = self.receivers.get(&what.stream).filter(|receiver| !receiver.is_disputed());
                sound.and_then(|receiver| receiver.mark())
            }
        };
        let reaches = |mark: &ferry_format::Mark| (mark.epoch, mark.seq) >= (what.epoch, what.through);
        let there = self.peer.confirmed.get(&(what.direction, what.stream.clone()));
        let is_well = self.lock.is_none() && self.peer.alarm().is_none() && !self.is_silent(now);
        is_well && here.is_some_and(reaches) && there.is_some_and(reaches)
    }

    pub(super) fn retained(&mut self, result: Result<(), PortError>, now: Now) {
        self.retain.busy = false;
        self.retain.at = now.mono + self.retention.interval_ms();
        self.prune.at = now.mono;
        if let Err(error) = result {
            self.fault("retain", &error);
        }
    }

    pub(super) fn pruned(&mut self, what: &Prunable, result: Result<usize, PortError>, now: Now) {
        self.prune.busy = false;
        self.retention.tried(what);
        match result {
            Ok(count) => {
                if count > 0 {
                    coverage::hit(Place::Pruned);
                }
                if count < PRUNES_MAX {
                    self.retention.done(what);
                }
            }
            Err(error) => {
                self.fault("prune", &error);
                self.prune.at = now.mono + self.settings.heartbeat_ms;
            }
        }
    }
}
