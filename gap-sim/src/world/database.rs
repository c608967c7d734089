//! What one zone's database holds, committed and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use ferry_core::ports::{RecoveredBatch, ResendRequest};
use ferry_format::{BatchReport, Checkpoint, Digest, EpochId, Frontier, Instance, Mark, StreamName};

/// A row's key or values, as canonical JSON.
pub type Json = String;

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
    /// Every batch ever recorded, by seq.
    pub batches: BTreeMap<u64, RecordedBatch>,
    /// The ends of all own outboxes whenever this one had moved, above `through_id`.
    pub boundaries: BTreeMap<u64, BTreeMap<StreamName, u64>>,
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
}

/// A stream of the peer.
#[derive(Debug, Clone, Default)]
pub struct PeerStream {
    /// The epoch that is followed with its watermark.
    pub followed: Option<(EpochId, Mark)>,
    /// The digest of every batch applied, by seq.
    pub applied: BTreeMap<u64, Digest>,
    /// A report for every batch applied.
    pub reports: BTreeMap<u64, BatchReport>,
    /// Parked rows: seq, row index, table.
    pub parked: Vec<(u64, u64, String)>,
    /// Places with two verified statements.
    pub disputed: BTreeSet<(u64, u64)>,
}

/// Everything that is committed.
#[derive(Debug, Clone)]
pub struct Database {
    /// The id of this life of the database.
    pub instance: Instance,
    /// Business tables, own and replicas: table, key, values.
    pub tables: BTreeMap<String, BTreeMap<Json, Json>>,
    /// Own streams.
    pub own: BTreeMap<StreamName, OwnStream>,
    /// Streams of the peer.
    pub peers: BTreeMap<StreamName, PeerStream>,
    /// One audit log for each stream.
    pub audit: BTreeMap<String, Frontier>,
    /// Applied leaves in the logs, by stream: for the check that they were written with the rows.
    pub applied_leaves: BTreeMap<StreamName, u64>,
    /// What operators asked for and is not done.
    pub requests: Vec<ResendRequest>,
    /// How often the whole was committed.
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

    /// Appends a leaf to a log.
    pub fn leaf(&mut self, log: &str, text: &str) {
        self.audit.entry(log.to_owned()).or_default().push(text.as_bytes());
    }
}
