//! What one zone's database holds, committed and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use ferry_core::ports::{
    ActEnd, Attempt, Direction, LifeEvent, LifeKind, PeerAct, RecoveredBatch, Retained, UntoldAct,
};
use ferry_core::settings::BOUNDARIES_MAX;
use ferry_format::{Act, BatchReport, Checkpoint, Digest, EpochId, Frontier, Instance, Mark, StreamName};

use super::lives::{place, seq_of};
use super::nodes::books::Books;

/// A row's key or values, as canonical JSON.
pub type Json = String;

/// Tables of a database: name, key, values.
pub type Tables = BTreeMap<String, BTreeMap<Json, Json>>;

/// One captured change of an own table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Captured {
    /// The record line.
    pub line: String,
    /// The contract digest under which it was captured.
    pub contract: Digest,
}

/// An own stream.
#[derive(Debug, Clone)]
pub struct OwnStream {
    /// Captured and not recorded, by outbox id.
    pub outbox: BTreeMap<u64, Captured>,
    /// The highest outbox id ever given.
    pub last_id: u64,
    /// The id of the epoch.
    pub epoch_id: EpochId,
    /// The last batch recorded.
    pub last: Mark,
    /// Every outbox row up to here is recorded.
    pub through_id: u64,
    /// The last batch that the peer has proved to have applied.
    pub settled: Mark,
    /// Every batch ever recorded, by place.
    pub batches: BTreeMap<u64, RecordedBatch>,
    /// What a world knows of batches that are lost: by place, the last change in each.
    pub numbers: BTreeMap<u64, u64>,
    /// The ends of all own outboxes whenever this one had moved, above `through_id`.
    pub boundaries: BTreeMap<u64, BTreeMap<StreamName, u64>>,
    /// The act that began the present life.
    pub begun: Option<UntoldAct>,
}

impl OwnStream {
    /// Remembers that the outboxes ended here. When there are many ends every second one is forgotten, never the last.
    pub fn remember(&mut self, ends: &BTreeMap<StreamName, u64>) {
        self.boundaries.insert(self.last_id, ends.clone());
        let count = self.boundaries.len();
        if count > BOUNDARIES_MAX / 2 {
            let mut place = 0;
            self.boundaries.retain(|_, _| {
                place += 1;
                place % 2 == 0 || place == count
            });
        }
    }
}

/// A recorded batch.
#[derive(Debug, Clone)]
pub struct RecordedBatch {
    /// What a restart gives back.
    pub batch: RecoveredBatch,
    /// Every outbox row up to here is in it or an earlier one.
    pub through_id: u64,
    /// The digest before it.
    pub previous: Digest,
    /// The SM3 of the payload of each batch that took its place.
    pub payloads: Vec<Digest>,
}

/// A stream of the peer.
#[derive(Debug, Clone, Default)]
pub struct PeerStream {
    /// The epoch that is followed with its watermark.
    pub followed: Option<(EpochId, Mark)>,
    /// The digest of every batch applied, by place, as the chain names it.
    pub applied: BTreeMap<u64, Digest>,
    /// The digests of batches applied in the place of others, by place.
    pub superseding: BTreeMap<u64, Digest>,
    /// A report for every batch applied, by place.
    pub reports: BTreeMap<u64, BatchReport>,
    /// Parked rows, in the order in which they were parked.
    pub parked: Vec<ParkedRow>,
    /// Places with two verified statements.
    pub disputed: BTreeMap<(u64, u64), Option<Digest>>,
    /// Disputed places of which operators have said that what was applied stands.
    pub dismissed: BTreeSet<(u64, u64)>,
    /// Where epochs were left that are not followed any more.
    pub left: Vec<Mark>,
}

/// A row of an independent table that was parked alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParkedRow {
    /// The batch.
    pub seq: u64,
    /// The record in it.
    pub index: u64,
    /// The table.
    pub table: String,
    /// The key.
    pub key: Json,
    /// The image; `None` for a delete.
    pub values: Option<Json>,
}

/// An act that an operator of this zone has handed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandedAct {
    /// Its file.
    pub file: Vec<u8>,
    /// What became of it, and when.
    pub end: Option<(ActEnd, u64)>,
    /// What was carried out.
    pub done: Option<Act>,
    /// The peer has listed it.
    pub told: bool,
}

impl PeerStream {
    /// The last reports of the epoch that is followed, in order of seq.
    #[must_use]
    pub fn last_reports(&self, limit: usize) -> Vec<BatchReport> {
        let from = self.followed.as_ref().map_or(0, |(_, mark)| place(mark.epoch, 0));
        let mut last: Vec<BatchReport> =
            self.reports.range(from..).rev().take(limit).map(|(_, one)| one.clone()).collect();
        last.reverse();
        last
    }

    /// Leaves what is followed for a later epoch.
    pub fn follow(&mut self, epoch_id: EpochId, genesis: &Mark) {
        if let Some((_, mark)) = self.followed.replace((epoch_id, genesis.clone())) {
            self.left.push(mark);
        }
        self.disputed.retain(|(epoch, _), _| *epoch >= genesis.epoch);
        self.dismissed.retain(|(epoch, _)| *epoch >= genesis.epoch);
    }

    /// The last batch applied that superseded another, by its own digest.
    #[must_use]
    pub fn last_superseded(&self, stream: &StreamName) -> Option<Mark> {
        let (_, mark) = self.followed.as_ref()?;
        let (at, digest) = self.superseding.range(place(mark.epoch, 0)..).next_back()?;
        Some(Mark { stream: stream.clone(), epoch: mark.epoch, seq: seq_of(*at), digest: *digest })
    }
}

/// Everything that is committed.
#[derive(Debug, Clone)]
pub struct Database {
    /// The id of this life of the database.
    pub instance: Instance,
    /// Business tables, own and replicas: table, key, values.
    pub tables: Tables,
    /// Own streams.
    pub own: BTreeMap<StreamName, OwnStream>,
    /// Streams of the peer.
    pub peers: BTreeMap<StreamName, PeerStream>,
    /// One audit log for each stream.
    pub audit: BTreeMap<String, Frontier>,
    /// Applied leaves in the logs, by stream: for the check that they were written with the rows.
    pub applied_leaves: BTreeMap<StreamName, u64>,
    /// Acts of this zone's operators, by id.
    pub acts: BTreeMap<u64, HandedAct>,
    /// Acts of the peer's operators, by the digest of their files.
    pub peer_acts: BTreeMap<Digest, PeerAct>,
    /// Streams that an operator has put on hold.
    pub on_hold: BTreeSet<StreamName>,
    /// Own streams whose tables are captured once more: the place of the table, and the last key.
    pub loading: BTreeMap<StreamName, (usize, Option<String>)>,
    /// Captured rows that were passed over: the stream, its id, and what crosses in its place.
    pub passed: Vec<(StreamName, u64, Option<String>)>,
    /// Streams whose parked rows were tried again and taken.
    pub unparked: Vec<StreamName>,
    /// Payloads of batches that are to supersede others, by their SM3.
    pub drafts: BTreeMap<Digest, Vec<u8>>,
    /// The constraint that the bad word breaks has been taken away.
    pub mended: bool,
    /// How long batches have been archived.
    pub retained: Retained,
    /// The number of the last status that a note told of.
    pub status_number: u64,
    /// What the zone's node keeps beside the tables that cross.
    pub books: Books,
    /// How often rows of each of the peer's streams were written.
    pub written: BTreeMap<StreamName, u64>,
    /// How often anything was committed that a checker may compare.
    pub commits: u64,
}

impl Database {
    /// The tree over the heads of the logs, as a zone states it.
    #[must_use]
    pub fn checkpoint(&self) -> Checkpoint {
        let mut heads = Frontier::new();
        let mut size = 0;
        for (log, frontier) in &self.audit {
            heads.push(format!("{log} {} {}", frontier.size(), frontier.root()).as_bytes());
            size += frontier.size();
        }
        Checkpoint { size, root: heads.root() }
    }

    /// Whether every attempt is of a recorded batch and goes forward.
    #[must_use]
    pub fn awaits(&self, attempts: &[Attempt]) -> bool {
        let mut last = BTreeMap::new();
        attempts.iter().all(|attempt| {
            let own = self.own.get(&attempt.stream).filter(|own| own.last.epoch == attempt.epoch);
            let recorded = own
                .and_then(|own| own.batches.get(&place(attempt.epoch, attempt.seq)))
                .map(|recorded| recorded.batch.attempt);
            let before = last.insert((&attempt.stream, attempt.seq), attempt.attempt).or(recorded);
            before.is_some_and(|before| before <= attempt.attempt)
        })
    }

    /// Appends the leaf of an event that has no commit of its own.
    pub fn note(&mut self, event: &LifeEvent) {
        let log = match event.direction {
            Direction::Out => format!("out.{}", event.stream),
            Direction::In => format!("in.{}", event.stream),
        };
        match event.kind {
            LifeKind::Taken => self.leaf(&log, &format!("taken {} {}", event.seq, event.detail)),
            LifeKind::Refused => self.leaf(&log, &format!("refused {} {}", event.seq, event.detail)),
            LifeKind::Recorded
            | LifeKind::Published
            | LifeKind::Held
            | LifeKind::Missing
            | LifeKind::Settled
            | LifeKind::Applied
            | LifeKind::Duplicate
            | LifeKind::Parked
            | LifeKind::Superseded
            | LifeKind::SupersedeLate
            | LifeKind::Returned
            | LifeKind::TakenBack => {}
        }
    }

    /// Appends a leaf to a log.
    pub fn leaf(&mut self, log: &str, text: &str) {
        self.audit.entry(log.to_owned()).or_default().push(text.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_boundaries_are_remembered_and_always_the_last() {
        let stream: StreamName = "bill".parse().unwrap();
        let mark = Mark { stream, epoch: 1, seq: 0, digest: Digest([0; 32]) };
        let mut own = OwnStream {
            outbox: BTreeMap::new(),
            last_id: 0,
            epoch_id: EpochId([0; 8]),
            last: mark.clone(),
            through_id: 0,
            settled: mark,
            batches: BTreeMap::new(),
            numbers: BTreeMap::new(),
            boundaries: BTreeMap::new(),
            begun: None,
        };
        for last_id in 1..=10_000 {
            own.last_id = last_id;
            own.remember(&BTreeMap::new());
            assert!(own.boundaries.len() <= BOUNDARIES_MAX / 2);
            assert_eq!(own.boundaries.last_key_value().map(|(id, _)| *id), Some(last_id));
        }
        assert!(own.boundaries.len() > BOUNDARIES_MAX / 4);
    }
}
