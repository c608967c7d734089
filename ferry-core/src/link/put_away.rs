//! Applied batches whose files could not be archived, because the archive's disk was full or away: they are tried again.

use std::collections::BTreeSet;

use ferry_format::StreamName;

use super::Link;
use crate::action::Action;
use crate::coverage::{self, Place};
use crate::ports::{BatchId, PortError};
use crate::settings::LEFT_BEHIND_MAX;
use crate::time::{Mono, Now};

/// What lies in the spool although it is applied.
#[derive(Debug, Default)]
pub(super) struct LeftBehind {
    ids: BTreeSet<BatchId>,
    busy: bool,
    at: Option<Mono>,
}

impl LeftBehind {
    /// When the next attempt comes due.
    pub(super) fn retry_at(&self) -> Option<Mono> {
        self.at.filter(|_| !self.busy)
    }
}

impl Link {
    /// Files of applied batches stay in the spool. Those beyond the limit are archived at the next start.
    pub(super) fn left_behind(&mut self, ids: Vec<BatchId>, error: &PortError, now: Now) {
        self.fault("archive", error);
        let room = LEFT_BEHIND_MAX.saturating_sub(self.left.ids.len());
        self.left.ids.extend(ids.into_iter().take(room));
        self.left.at = Some(now.mono + self.settings.retry_ms);
    }

    /// Files of batches whose commit had an unknown outcome, and which turned out applied.
    pub(super) fn put_away_what_turned_out(&mut self, stream: &StreamName, now: Now) {
        let Some(receiver) = self.receivers.get_mut(stream) else { return };
        let turned_out = receiver.take_turned_out();
        if turned_out.is_empty() {
            return;
        }
        let room = LEFT_BEHIND_MAX.saturating_sub(self.left.ids.len());
        self.left.ids.extend(turned_out.into_iter().take(room));
        self.left.at.get_or_insert(now.mono);
    }

    pub(super) fn next_put_away(&mut self, now: Now) -> Option<Action> {
        if self.left.busy || self.left.at.is_none_or(|at| now.mono < at) {
            return None;
        }
        coverage::hit(Place::PutAwayLater);
        self.left.busy = true;
        self.left.at = None;
        Some(Action::PutAway(std::mem::take(&mut self.left.ids).into_iter().collect()))
    }

    pub(super) fn put_away(&mut self, left: Vec<BatchId>, error: Option<PortError>, now: Now) {
        self.left.busy = false;
        match error {
            Some(error) if left.is_empty() => self.fault("archive", &error),
            Some(error) => self.left_behind(left, &error, now),
            None => {}
        }
    }
}
