//! What to cut, seal and record next.

use std::collections::{BTreeMap, VecDeque};

use ferry_format::{BatchStatement, Checkpoint, Digest, Group, LinkId, Mark, StreamName, ZoneName};

use super::{Boundary, Outgoing, Sender, Stage, Stop};
use crate::action::Action;
use crate::breaks::{self, Break};
use crate::coverage::{self, Place};
use crate::cut::{CutBatch, CutOutcome};
use crate::ports::{CutRequest, FaultKind, OutgoingBatch, PortError};
use crate::settings::{BOUNDARIES_MAX, PIPELINE_MAX, RECORDS_MAX, Settings};
use crate::time::{Mono, Now};

/// What a statement says beside the batch itself.
pub struct Frame<'a> {
    /// The link.
    pub link: &'a LinkId,
    /// This zone.
    pub from: &'a ZoneName,
    /// The peer.
    pub to: &'a ZoneName,
    /// Where the streams stand that this one depends on.
    pub requires: Vec<Mark>,
    /// The audit log.
    pub audit: Checkpoint,
}

impl Sender {
    /// Learns the visible end of the outbox, and that of the streams depended on, from the ends of one snapshot.
    pub fn observe(&mut self, ends: &BTreeMap<StreamName, u64>, now: Mono) {
        self.load_seen();
        let last_id = ends.get(&self.stream).copied().unwrap_or(0);
        let newest = self.boundaries.back().map_or(self.cut_through, |boundary| boundary.id);
        if last_id <= newest && !self.is_open_with_nothing_behind() {
            return;
        }
        let depends = self.depends.iter().filter_map(|name| Some((name.clone(), *ends.get(name)?))).collect();
        self.boundaries.push_back(Boundary { id: last_id.max(newest), seen: now, depends });
        if self.boundaries.len() > BOUNDARIES_MAX {
            self.thin_boundaries();
        }
    }

    /// Whether a group is open in the books and the outbox has nothing more: a database that was put back to a backup had merged
    /// transactions of which it has the first ones only. Each of these was whole, so the group ends there.
    fn is_open_with_nothing_behind(&self) -> bool {
        self.open_group.is_some() && self.boundaries.is_empty() && self.in_pipeline() == 0 && !self.recording
    }

    /// Merges neighbours, first those that fit into one batch together, so that groups stay as small as they can. The
    /// later of two stands for both, as old as the earlier.
    fn thin_boundaries(&mut self) {
        let mut room = self.limits.rows;
        while self.boundaries.len() > BOUNDARIES_MAX / 2 {
            let mut before = self.cut_through;
            let mut kept: VecDeque<Boundary> = VecDeque::with_capacity(BOUNDARIES_MAX);
            for mut boundary in std::mem::take(&mut self.boundaries) {
                match kept.back_mut().filter(|last| boundary.id - before <= room && last.id > before) {
                    Some(last) => {
                        boundary.seen = last.seen;
                        *last = boundary;
                    }
                    None => {
                        before = kept.back().map_or(before, |last| last.id);
                        kept.push_back(boundary);
                    }
                }
            }
            self.boundaries = kept;
            room = room.saturating_mul(2);
        }
    }

    /// Whether rows wait long enough, or enough of them, to be cut.
    #[must_use]
    pub fn wants_cut(&self, now: Mono) -> bool {
        let Some(front) = self.boundaries.front() else { return false };
        let newest = self.boundaries.back().map_or(0, |boundary| boundary.id);
        self.open_group.is_some()
            || now.since(front.seen) >= self.limits.linger_ms
            || newest.saturating_sub(self.cut_through) >= self.limits.rows
    }

    /// When [`Self::wants_cut`] becomes true by itself.
    #[must_use]
    pub fn linger_ends(&self) -> Option<Mono> {
        self.boundaries.front().map(|boundary| boundary.seen + self.limits.linger_ms)
    }

    /// When a failed operation is tried again.
    #[must_use]
    pub fn retry_at(&self) -> Option<Mono> {
        [self.retry_at, self.attempts_retry_at].into_iter().flatten().min()
    }

    /// The outbox end to which another stream that waits to be cut needs this one recorded.
    #[must_use]
    pub fn needs_of(&self, other: &StreamName) -> u64 {
        let front = self.boundaries.front();
        front.and_then(|boundary| boundary.depends.iter().find(|(name, _)| name == other)).map_or(0, |(_, id)| *id)
    }

    /// Every outbox row up to here is recorded.
    #[must_use]
    pub fn recorded_through(&self) -> u64 {
        self.recorded_through
    }

    /// Every outbox row up to here is cut.
    #[must_use]
    pub fn cut_through(&self) -> u64 {
        self.cut_through
    }

    /// The streams that this one depends on.
    #[must_use]
    pub fn depends(&self) -> &[StreamName] {
        &self.depends
    }

    pub(super) fn in_pipeline(&self) -> usize {
        usize::from(self.cutting) + self.cut_ready.len() + usize::from(self.sealing) + self.sealed_ready.len()
    }

    fn has_credit(&self, settings: &Settings) -> bool {
        if breaks::is(Break::WindowWithoutEnd) {
            return true;
        }
        let room = self.open_group.is_some() || self.unsettled_bytes < settings.hold_bytes;
        if breaks::is(Break::WindowIgnoresHeld) {
            return room && self.unsettled.len() + self.in_pipeline() < settings.window_batches;
        }
        room && self.not_held + self.in_pipeline() < settings.window_batches && self.in_pipeline() < PIPELINE_MAX
    }

    /// The next cut, if one is due, allowed by the window, and `recorded` (how far each stream depended on is recorded)
    /// covers its snapshot.
    pub fn next_cut(
        &mut self,
        now: Mono,
        hurried: bool,
        settings: &Settings,
        recorded: impl Fn(&StreamName) -> u64,
    ) -> Option<Action> {
        if self.on_hold && self.wants_cut(now) {
            coverage::hit(Place::HoldWaits);
        }
        let stands = self.stopped().is_some() || self.on_hold || self.ending;
        let waits = stands || self.cutting || self.retry_at.is_some_and(|at| now < at);
        if waits || !(hurried || self.wants_cut(now)) {
            return None;
        }
        if !self.has_credit(settings) {
            coverage::hit(Place::WindowFull);
            return None;
        }
        let covered = |boundary: &&Boundary| boundary.depends.iter().all(|(name, id)| recorded(name) >= *id);
        let boundaries: Vec<u64> = self.boundaries.iter().take_while(covered).map(|boundary| boundary.id).collect();
        let upto = *boundaries.last()?;
        self.cutting = true;
        self.retry_at = None;
        let (rows, bytes) = (self.limits.rows, self.limits.plain_bytes);
        let request = CutRequest { stream: self.stream.clone(), after: self.cut_through, upto, rows, bytes };
        Some(Action::Cut { request, boundaries, plain_bytes: bytes, open: self.cut_open })
    }

    /// Takes what a cut gave.
    pub fn cut_done(&mut self, result: Result<CutOutcome, PortError>, now: Mono, settings: &Settings) {
        self.cutting = false;
        match result {
            Ok(CutOutcome::Batch(batch)) => {
                self.cut_through = batch.through_id;
                self.cut_open = !batch.ends;
                self.cut_ready.push_back(*batch);
                self.pass_boundaries();
            }
            Ok(CutOutcome::Empty { upto }) => {
                // The rows were passed over, or taken away by hand; boundaries up to here promise nothing more.
                self.cut_through = self.cut_through.max(upto);
                self.pass_boundaries();
                self.nothing_left_to_record();
            }
            Ok(CutOutcome::Unsendable { id, code, place }) => {
                coverage::hit(Place::Unsendable);
                let place = format!("outbox row {id} {place}");
                self.stopped = Some(Stop { code: code.to_owned(), place, row: Some(id) });
            }
            Ok(CutOutcome::UnknownContract(digest)) => {
                coverage::hit(Place::ContractParked);
                let place = format!("rows were captured under contract {}", digest.short());
                self.stopped = Some(Stop { code: "unknown-contract".to_owned(), place, row: None });
            }
            Err(_) => self.retry_at = Some(now + settings.retry_ms),
        }
    }

    /// The captured row that stops the stream because it cannot be encoded.
    #[must_use]
    pub fn stopped_at_row(&self) -> Option<u64> {
        self.stopped.as_ref().and_then(|stop| stop.row)
    }

    /// The row that stopped the stream is passed: it is cut again from there.
    pub fn row_passed(&mut self, now: Mono) {
        if self.stopped.take_if(|stop| stop.row.is_some()).is_some() {
            self.retry_at = Some(now);
        }
    }

    /// Streams that depend on this one wait for rows that are recorded, and not for those that there are no more.
    fn nothing_left_to_record(&mut self) {
        if self.in_pipeline() == 0 && !self.recording {
            self.recorded_through = self.recorded_through.max(self.cut_through);
        }
    }

    fn pass_boundaries(&mut self) {
        while self.boundaries.front().is_some_and(|boundary| boundary.id <= self.cut_through) {
            self.boundaries.pop_front();
        }
    }

    /// The next payload to seal, if there is one and none is being sealed: its statement follows the last one's digest.
    pub fn next_seal(&mut self, now: Now, frame: Frame<'_>) -> Option<Action> {
        let stands = self.stopped.is_some() || self.ending;
        if stands || self.sealing || self.retry_at.is_some_and(|at| now.mono < at) {
            return None;
        }
        let cut = self.cut_ready.pop_front()?;
        let statement = self.statement(&cut, now, frame);
        self.sealing = true;
        Some(Action::Seal { statement: Box::new(statement), cut: Box::new(cut) })
    }

    fn statement(&self, cut: &CutBatch, now: Now, frame: Frame<'_>) -> BatchStatement {
        let seq = self.tail.seq + 1;
        let first = self.open_group.unwrap_or(seq);
        BatchStatement {
            link: frame.link.clone(),
            from: frame.from.clone(),
            to: frame.to.clone(),
            stream: self.stream.clone(),
            epoch: self.epoch,
            epoch_id: self.epoch_id,
            seq,
            group: Group { first, index: seq - first, last: cut.ends },
            previous: self.tail.digest,
            contract: cut.contract,
            requires: frame.requires,
            tables: cut.tables.clone(),
            records: cut.rows,
            plain: cut.payload.plain(),
            cut_at_ms: now.wall_ms,
            audit: frame.audit,
            supersedes: None,
        }
    }

    /// Takes a sealed batch, or its payload back when sealing failed.
    pub fn sealed(
        &mut self,
        statement: BatchStatement,
        cut: CutBatch,
        result: Result<(Digest, u64), PortError>,
        now: Mono,
        settings: &Settings,
    ) {
        self.sealing = false;
        let Ok((digest, file_bytes)) = result else {
            self.cut_ready.push_front(cut);
            self.retry_at = Some(now + settings.retry_ms);
            return;
        };
        self.tail.seq = statement.seq;
        self.tail.digest = digest;
        self.open_group_bytes += file_bytes;
        if statement.group.last {
            self.open_group = None;
            self.open_group_bytes = 0;
        } else {
            self.open_group = Some(statement.group.first);
            if self.open_group_bytes > settings.group_bytes {
                let place = format!("group {} at seq {}", statement.group.first, statement.seq);
                self.stopped = Some(Stop { code: "group-too-large".to_owned(), place, row: None });
            }
        }
        self.sealed_ready.push(OutgoingBatch {
            stream: self.stream.clone(),
            epoch: statement.epoch,
            seq: statement.seq,
            digest,
            previous: statement.previous,
            group: statement.group,
            rows: statement.records,
            file_bytes,
            through_id: cut.through_id + u64::from(breaks::is(Break::RecordTakesOneMore)),
            cut_at_ms: statement.cut_at_ms,
            tables: statement.tables,
        });
    }

    /// Sealed batches to record, if there are any and none are being recorded.
    pub fn next_record(&mut self, now: Mono) -> Option<Action> {
        if self.ending || self.recording || self.sealed_ready.is_empty() || self.retry_at.is_some_and(|at| now < at) {
            return None;
        }
        self.recording = true;
        let take = self.sealed_ready.len().min(RECORDS_MAX);
        Some(Action::Record(self.sealed_ready.drain(..take).collect()))
    }

    /// Takes the result of recording. Returns the batches that are recorded.
    pub fn recorded(
        &mut self,
        batches: Vec<OutgoingBatch>,
        result: Result<(), PortError>,
        now: Mono,
        settings: &Settings,
    ) -> Vec<OutgoingBatch> {
        self.recording = false;
        if let Err(error) = result {
            self.record_failed(batches, &error, now, settings);
            return Vec::new();
        }
        for batch in &batches {
            self.recorded_through = batch.through_id;
            self.last_recorded.seq = batch.seq;
            self.last_recorded.digest = batch.digest;
            self.queue.insert(batch.seq);
            self.insert(batch.seq, Outgoing::new(batch, now));
        }
        self.nothing_left_to_record();
        batches
    }

    /// After an unknown outcome the same transaction is tried again: it changes nothing if the first one did commit, and
    /// the conflict that it then meets is told apart by the store's own end of the stream.
    fn record_failed(&mut self, batches: Vec<OutgoingBatch>, error: &PortError, now: Mono, settings: &Settings) {
        match error.kind {
            FaultKind::Transient | FaultKind::Full | FaultKind::Unknown => {
                self.sealed_ready.splice(0..0, batches);
                self.retry_at = Some(now + settings.retry_ms);
            }
            FaultKind::Corrupt | FaultKind::Conflict => {
                let place = error.text.clone();
                self.stopped = Some(Stop { code: "record-conflict".to_owned(), place, row: None });
            }
        }
    }
}

#[cfg(feature = "breaks")]
impl Sender {
    /// The mistake of [`Break::OrphanResealed`].
    pub fn adopt_orphan(&mut self, id: &crate::ports::BatchId) {
        if id.epoch != self.epoch || id.seq != self.tail.seq + 1 {
            return;
        }
        self.sealed_ready.push(OutgoingBatch {
            stream: self.stream.clone(),
            epoch: id.epoch,
            seq: id.seq,
            digest: id.digest,
            previous: self.tail.digest,
            group: Group { first: id.seq, index: 0, last: true },
            rows: 0,
            file_bytes: 0,
            through_id: self.recorded_through,
            cut_at_ms: 0,
            tables: Vec::new(),
        });
        (self.tail.seq, self.tail.digest) = (id.seq, id.digest);
    }
}

impl Outgoing {
    fn new(batch: &OutgoingBatch, now: Mono) -> Self {
        Self {
            digest: batch.digest,
            instead: Vec::new(),
            group: batch.group,
            rows: batch.rows,
            file_bytes: batch.file_bytes,
            attempt: 1,
            cut_at_ms: batch.cut_at_ms,
            since: now,
            published: None,
            tries: 0,
            held: false,
            stage: Stage::Queued,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{BatchLimits, Contract};
    use crate::cut::cut;
    use crate::ports::{RawCut, RecoveredOut};

    fn sender(rows: u64) -> Sender {
        let last = Mark { stream: "notice".parse().unwrap(), epoch: 1, seq: 0, digest: Digest([0; 32]) };
        let recovered = RecoveredOut {
            settled: last.clone(),
            last,
            epoch_id: ferry_format::EpochId([1; 8]),
            through_id: 0,
            unsettled: Vec::new(),
            boundaries: Vec::new(),
            on_hold: false,
            loading: false,
            begun: None,
        };
        let limits = BatchLimits { rows, plain_bytes: 1 << 20, linger_ms: 1_000 };
        let now = Now { mono: Mono(0), wall_ms: 0 };
        let look = super::super::FirstLook { at: Mono(0), window: 64 };
        Sender::recover(recovered, limits, 5, Vec::new(), now, look)
    }

    /// Sees transactions of `size` rows, one after the other.
    fn see(sender: &mut Sender, count: u64, size: u64) {
        for number in 1..=count {
            let ends = BTreeMap::from([(sender.stream.clone(), number * size)]);
            sender.observe(&ends, Mono(number));
        }
    }

    #[test]
    fn many_small_transactions_are_merged_into_batches_and_no_further() {
        let mut sender = sender(1_000);
        see(&mut sender, 100_000, 1);
        assert!(sender.boundaries.len() <= BOUNDARIES_MAX);
        let ids: Vec<u64> = sender.boundaries.iter().map(|boundary| boundary.id).collect();
        assert!(ids.windows(2).all(|pair| pair[1] - pair[0] <= 1_000), "a group would be larger than a batch");
        assert_eq!(ids.last(), Some(&100_000));
        assert_eq!(sender.boundaries.front().map(|boundary| boundary.seen), Some(Mono(1)), "the oldest keeps its age");
    }

    #[test]
    fn boundaries_stay_bounded_also_when_each_fills_a_batch() {
        let mut sender = sender(10);
        see(&mut sender, 3 * u64::try_from(BOUNDARIES_MAX).unwrap(), 10);
        assert!(sender.boundaries.len() <= BOUNDARIES_MAX);
        let widest = sender.boundaries.iter().zip(sender.boundaries.iter().skip(1)).map(|(one, next)| next.id - one.id);
        assert!(widest.max().unwrap() <= 80, "neighbours are merged evenly");
    }

    #[test]
    fn a_group_whose_other_rows_were_passed_over_ends_with_an_empty_batch() {
        let contract = Contract::parse(include_str!("../../tests/world/contract.toml"), "world.toml").unwrap();
        let contract = &contract.streams()[0];
        let nothing = RawCut::default();
        let empty = |open| match cut(&nothing, 9, &[12], 1 << 20, contract, [0; 32], open) {
            CutOutcome::Batch(batch) => Some(*batch),
            CutOutcome::Empty { upto: 12 } => None,
            other @ (CutOutcome::Empty { .. } | CutOutcome::Unsendable { .. } | CutOutcome::UnknownContract(_)) => {
                panic!("{other:?}")
            }
        };
        assert!(empty(false).is_none());
        let batch = empty(true).unwrap();
        assert_eq!((batch.rows, batch.through_id, batch.ends), (0, 12, true));

        let mut sender = sender(2);
        see(&mut sender, 1, 12);
        let settings = Settings::default();
        let next = |sender: &mut Sender, done| {
            let action = sender.next_cut(Mono(5_000), false, &settings, |_| 0);
            sender.cut_done(Ok(done), Mono(5_000), &settings);
            match action {
                Some(Action::Cut { open, .. }) => open,
                _ => panic!("nothing is cut"),
            }
        };
        let first = CutBatch { through_id: 2, ends: false, ..empty(true).unwrap() };
        assert!(!next(&mut sender, CutOutcome::Batch(Box::new(first))));
        assert!(next(&mut sender, CutOutcome::Batch(Box::new(batch))), "a group is open");
        assert!(sender.boundaries.is_empty() && !sender.cut_open);
    }

    #[test]
    fn a_group_whose_other_rows_are_gone_with_an_older_database_ends_with_an_empty_batch() {
        let contract = Contract::parse(include_str!("../../tests/world/contract.toml"), "world.toml").unwrap();
        let contract = &contract.streams()[0];
        let mut sender = sender(2);
        (sender.cut_through, sender.open_group, sender.cut_open) = (12, Some(1), true);
        see(&mut sender, 1, 12);
        assert_eq!(sender.boundaries.iter().map(|boundary| boundary.id).collect::<Vec<_>>(), [12]);
        see(&mut sender, 1, 12);
        let settings = Settings::default();
        let Some(Action::Cut { request, boundaries, open: true, .. }) =
            sender.next_cut(Mono(3), false, &settings, |_| 0)
        else {
            panic!("the group is not ended")
        };
        assert_eq!((request.after, request.upto), (12, 12));
        let done = cut(&RawCut::default(), 2, &boundaries, 1 << 20, contract, [0; 32], true);
        sender.cut_done(Ok(done), Mono(3), &settings);
        let ends: Vec<_> = sender.cut_ready.iter().map(|cut| (cut.rows, cut.through_id, cut.ends)).collect();
        assert_eq!(ends, [(0, 12, true)]);
        assert!(sender.boundaries.is_empty() && !sender.cut_open);
    }

    #[test]
    fn nothing_is_cut_while_changes_may_escape_and_everything_afterwards() {
        let mut sender = sender(10);
        see(&mut sender, 1, 5);
        let (settings, now) = (Settings::default(), Mono(5_000));
        sender.set_capture(Some("item: trigger t is missing".to_owned()));
        assert!(sender.next_cut(now, true, &settings, |_| 0).is_none());
        let stop = sender.stopped().unwrap();
        assert_eq!((stop.code.as_str(), stop.place.as_str()), ("capture-changed", "item: trigger t is missing"));
        sender.set_capture(None);
        assert!(sender.stopped().is_none() && sender.next_cut(now, true, &settings, |_| 0).is_some());
    }
}
