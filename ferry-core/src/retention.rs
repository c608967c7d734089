//! When the rows of an applied batch may leave the archive: after a time that the zone's daemons have run since, by their
//! monotonic clocks and added up over restarts. The wall clock, which people set, has no part in it.
//!
//! Nothing is kept by batch. From time to time it is marked how far each stream has been applied; when a mark is old enough,
//! everything up to it is.

use std::collections::{BTreeMap, VecDeque};

use ferry_format::StreamName;

use crate::breaks::{self, Break};
use crate::ports::{Direction, Retained, RetainedMark};
use crate::settings::{RETAIN_MAX_MS, RETENTION_MARKS, RETENTION_MARKS_MAX};
use crate::time::Now;

/// Batches that have been archived long enough.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prunable {
    /// Which way the stream runs.
    pub direction: Direction,
    /// The stream.
    pub stream: StreamName,
    /// The epoch.
    pub epoch: u64,
    /// Everything up to here.
    pub through: u64,
}

/// How far a stream had come at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Moment {
    elapsed_ms: u64,
    epoch: u64,
    seq: u64,
}

/// The archive's time, and how far each stream had come when.
#[derive(Debug)]
pub struct Retention {
    keep_ms: u64,
    elapsed_ms: u64,
    counted: Now,
    moments: BTreeMap<(Direction, StreamName), VecDeque<Moment>>,
    /// What was cleared last: the next one comes after it, so that none that fails keeps the others waiting.
    tried: Option<(Direction, StreamName)>,
}

impl Retention {
    /// Goes on where the books end. The time in which no daemon ran does not count.
    #[must_use]
    pub fn recover(retained: Retained, keep_ms: u64, now: Now) -> Self {
        let mut moments: BTreeMap<_, VecDeque<Moment>> = BTreeMap::new();
        for RetainedMark { direction, stream, elapsed_ms, epoch, seq } in retained.marks {
            moments.entry((direction, stream)).or_default().push_back(Moment { elapsed_ms, epoch, seq });
        }
        Self { keep_ms, elapsed_ms: retained.elapsed_ms, counted: now, moments, tried: None }
    }

    /// How often the time is to be counted and written down.
    #[must_use]
    pub fn interval_ms(&self) -> u64 {
        self.spacing_ms().min(RETAIN_MAX_MS)
    }

    /// The time between two moments that are both remembered.
    fn spacing_ms(&self) -> u64 {
        (self.keep_ms / RETENTION_MARKS).max(1)
    }

    /// Counts the time since it was last counted.
    pub fn count(&mut self, now: Now) {
        self.elapsed_ms += match breaks::is(Break::RetentionByWallClock) {
            true => now.wall_ms.saturating_sub(self.counted.wall_ms),
            false => now.mono.since(self.counted.mono),
        };
        self.counted = now;
    }

    /// Marks how far a stream has been applied by now.
    pub fn mark(&mut self, direction: Direction, stream: &StreamName, epoch: u64, seq: u64) {
        let spacing = self.spacing_ms();
        let moments = self.moments.entry((direction, stream.clone())).or_default();
        let moved = moments.back().is_none_or(|last| (last.epoch, last.seq) < (epoch, seq));
        if !moved || seq == 0 {
            return;
        }
        // The latest of them moves on until it is far enough from the one before: what it covered then stays longer.
        let same_epoch = moments.back().is_some_and(|last| last.epoch == epoch);
        let near = moments.len() >= 2 && {
            let (last, before) = (moments[moments.len() - 1], moments[moments.len() - 2]);
            last.elapsed_ms - before.elapsed_ms < spacing
        };
        if same_epoch && (near || moments.len() >= RETENTION_MARKS_MAX) {
            moments.pop_back();
        }
        moments.push_back(Moment { elapsed_ms: self.elapsed_ms, epoch, seq });
    }

    /// What has been archived long enough and `is_confirmed` at the moment; of a stream as much as may go, and one stream after
    /// the other.
    #[must_use]
    pub fn due(&self, is_confirmed: impl Fn(&Prunable) -> bool) -> Option<Prunable> {
        let later = |key: &&(Direction, StreamName)| self.tried.as_ref().is_none_or(|tried| *key > tried);
        let (after, before): (Vec<_>, Vec<_>) = self.moments.keys().partition(later);
        after.into_iter().chain(before).find_map(|key| {
            let moments = &self.moments[key];
            let epoch = moments.front()?.epoch;
            let is_due =
                |moment: &&Moment| moment.epoch == epoch && moment.elapsed_ms + self.keep_ms <= self.elapsed_ms;
            let due: Vec<&Moment> = moments.iter().take_while(is_due).collect();
            let prunable =
                |moment: &Moment| Prunable { direction: key.0, stream: key.1.clone(), epoch, through: moment.seq };
            due.into_iter().rev().map(prunable).find(&is_confirmed)
        })
    }

    /// Clearing this was tried.
    pub fn tried(&mut self, what: &Prunable) {
        self.tried = Some((what.direction, what.stream.clone()));
    }

    /// Everything up to there has been cleared.
    pub fn done(&mut self, what: &Prunable) {
        let Some(moments) = self.moments.get_mut(&(what.direction, what.stream.clone())) else { return };
        while moments.front().is_some_and(|first| (first.epoch, first.seq) <= (what.epoch, what.through)) {
            moments.pop_front();
        }
    }

    /// What must survive a restart.
    #[must_use]
    pub fn retained(&self) -> Retained {
        let mark = |((direction, stream), moments): (&(Direction, StreamName), &VecDeque<Moment>)| {
            let (direction, stream) = (*direction, stream.clone());
            let one = move |&Moment { elapsed_ms, epoch, seq }| RetainedMark {
                direction,
                stream: stream.clone(),
                elapsed_ms,
                epoch,
                seq,
            };
            moments.iter().map(one).collect::<Vec<_>>()
        };
        Retained { elapsed_ms: self.elapsed_ms, marks: self.moments.iter().flat_map(mark).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Mono;

    const KEEP: u64 = 64_000;

    fn at(mono: u64, wall_ms: u64) -> Now {
        Now { mono: Mono(mono), wall_ms }
    }

    fn bill() -> StreamName {
        "bill".parse().unwrap()
    }

    fn through(retention: &Retention) -> Option<u64> {
        retention.due(|_| true).map(|what| what.through)
    }

    #[test]
    fn a_batch_stays_for_the_whole_time_whatever_the_wall_clock_shows() {
        let mut retention = Retention::recover(Retained::default(), KEEP, at(5, 0));
        retention.mark(Direction::Out, &bill(), 1, 7);
        for (mono, wall_ms) in [(5 + KEEP - 1, 1 << 40), (5 + KEEP - 1, 0)] {
            retention.count(at(mono, wall_ms));
            assert_eq!(through(&retention), None);
        }
        retention.count(at(5 + KEEP, 0));
        let due = retention.due(|_| true).unwrap();
        assert_eq!((due.direction, due.epoch, due.through), (Direction::Out, 1, 7));
        assert_eq!(retention.due(|_| false), None);
        retention.done(&due);
        assert_eq!(through(&retention), None);
    }

    #[test]
    fn time_adds_up_over_restarts_and_does_not_run_between_them() {
        let mut retention = Retention::recover(Retained::default(), KEEP, at(0, 0));
        retention.mark(Direction::In, &bill(), 1, 3);
        for _ in 0..3 {
            retention.count(at(KEEP / 4, 0));
            // The next daemon's clock begins elsewhere.
            retention = Retention::recover(retention.retained(), KEEP, at(1_000_000, 1 << 50));
            assert_eq!(through(&retention), None);
            retention.count(at(1_000_000, 1 << 51));
            retention = Retention::recover(retention.retained(), KEEP, at(0, 0));
        }
        retention.count(at(KEEP / 4, 0));
        assert_eq!(through(&retention), Some(3));
    }

    #[test]
    fn marks_are_few_and_never_too_early() {
        let mut retention = Retention::recover(Retained::default(), KEEP, at(0, 0));
        let step = KEEP / RETENTION_MARKS / 10;
        let mut cleared = 0;
        for round in 1..10_000 {
            retention.count(at(round * step, 0));
            retention.mark(Direction::Out, &bill(), 1, round);
            while let Some(due) = retention.due(|_| true) {
                assert!(due.through * step + KEEP <= round * step, "{due:?} in round {round}");
                cleared = due.through;
                retention.done(&due);
            }
            let late = round.saturating_sub(cleared) * step;
            assert!(late <= KEEP + KEEP / RETENTION_MARKS + 2 * step, "{cleared} in round {round}");
            assert!(retention.retained().marks.len() as u64 <= RETENTION_MARKS + 2);
        }
        for round in 10_000..100_000 {
            retention.count(at(round * step, 0));
            retention.mark(Direction::Out, &bill(), 1, round);
        }
        assert_eq!(retention.retained().marks.len(), RETENTION_MARKS_MAX);
    }

    #[test]
    fn as_much_as_may_go_goes_and_no_stream_waits_for_another() {
        let mut retention = Retention::recover(Retained::default(), KEEP, at(0, 0));
        let notice: StreamName = "notice".parse().unwrap();
        for (mono, seq) in [(0, 1), (KEEP / 8, 2), (KEEP / 4, 3), (KEEP / 2, 9)] {
            retention.count(at(mono, 0));
            retention.mark(Direction::Out, &bill(), 1, seq);
            retention.mark(Direction::Out, &notice, 1, seq);
        }
        retention.count(at(KEEP + KEEP / 4, 0));
        let all = retention.due(|_| true).unwrap();
        assert_eq!((all.stream.clone(), all.through), (bill(), 3));
        assert_eq!(retention.due(|what| what.through < 3).map(|what| what.through), Some(2));
        retention.tried(&all);
        assert_eq!(retention.due(|_| true).unwrap().stream, notice);
        retention.tried(&retention.due(|_| true).unwrap());
        assert_eq!(retention.due(|_| true), Some(all.clone()));
        retention.done(&all);
        assert_eq!(retention.due(|_| true).unwrap().stream, notice);
    }

    #[test]
    fn nothing_is_marked_where_nothing_moved() {
        let mut retention = Retention::recover(Retained::default(), KEEP, at(0, 0));
        retention.mark(Direction::Out, &bill(), 1, 0);
        retention.mark(Direction::Out, &bill(), 1, 4);
        retention.mark(Direction::Out, &bill(), 1, 4);
        retention.mark(Direction::Out, &bill(), 1, 3);
        retention.mark(Direction::Out, &bill(), 2, 1);
        let marks: Vec<_> = retention.retained().marks.iter().map(|mark| (mark.epoch, mark.seq)).collect();
        assert_eq!(marks, [(1, 4), (2, 1)]);
    }
}
