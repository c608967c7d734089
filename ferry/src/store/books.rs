//! What an operator looks into: a port of its own, so that every kind of database shows the same.

use ferry_core::contract::StreamContract;
use ferry_core::ports::{Direction, PortError};
use ferry_format::{Checkpoint, Digest, EpochId, Group, Instance, Mark, Op, Payload, StreamName};

use super::{AuditHead, AuditLeaf, Trace, TraceQuery};

/// Which database this is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The id of this life of the database.
    pub instance: Instance,
    /// The version of ferry's tables.
    pub schema_version: u64,
    /// The program that brought them there.
    pub written_by: String,
}

/// How one stream stood when the daemon last said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamStateRow {
    /// Which way the stream runs.
    pub direction: Direction,
    /// The stream.
    pub stream: StreamName,
    /// The epoch; 0 before one is known.
    pub epoch: u64,
    /// Out: the last batch recorded. In: the last batch known to exist.
    pub last_seq: u64,
    /// The last batch published at least once.
    pub published_seq: u64,
    /// The last batch applied at the receiving side, as far as this zone knows.
    pub applied_seq: u64,
    /// The statement digest at `applied_seq`.
    pub applied_digest: Digest,
    /// Durably held above `applied_seq`, as `3-7,9`.
    pub held: String,
    /// Known to exist and not held, as `3-7,9`.
    pub missing: String,
    /// Age of the oldest change or batch that is not applied, in milliseconds; of an incoming stream also as the peer says.
    pub lag_ms: u64,
    /// In: what the peer's daemon had seen committed at this moment, by its clock, is applied here; 0 while that is not known. Out: 0.
    pub known_at_ms: u64,
    /// `ok`, `waiting`, `parked`, `refused`, `stopped`, `locked` or `silent`.
    pub health: String,
    /// The code behind the health; empty when it is `ok`.
    pub code: String,
    /// Where the refusal is; empty otherwise.
    pub detail: String,
    /// Rows of `independent` tables that were parked alone.
    pub parked_rows: u64,
    /// When the daemon said so, wall clock.
    pub updated_at_ms: u64,
}

/// Rows that wait in one own outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backlog {
    /// The stream.
    pub stream: StreamName,
    /// Rows, at most the cap that was asked for.
    pub rows: u64,
    /// Whether there may be more.
    pub capped: bool,
}

/// Which batches to list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchQuery {
    /// Which way they run.
    pub direction: Direction,
    /// Only of this stream.
    pub stream: Option<StreamName>,
    /// Only those that the peer is not known to have applied; means nothing for the peer's own.
    pub unsettled: bool,
    /// At most so many of each stream, the latest first.
    pub limit: u64,
}

/// One batch in the books. Times are wall clock; what does not apply to its direction is `None`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchRow {
    /// Which way it runs.
    pub direction: Direction,
    /// The stream.
    pub stream: StreamName,
    /// The epoch.
    pub epoch: u64,
    /// The place in the stream.
    pub seq: u64,
    /// The statement digest.
    pub digest: Digest,
    /// Out: records. In: rows written or deleted.
    pub rows: u64,
    /// In: rows parked alone.
    pub parked: u64,
    /// The sealed file's length in bytes.
    pub file_bytes: u64,
    /// Out: its place in its group.
    pub group: Option<Group>,
    /// Out: the last attempt that was recorded, and so may have been published.
    pub attempt: Option<u64>,
    /// Out: when it was cut.
    pub cut_at_ms: Option<u64>,
    /// Out: when it was first published.
    pub published_at_ms: Option<u64>,
    /// Out: when the peer first reported it held.
    pub held_at_ms: Option<u64>,
    /// Out: when the peer's proof came that it is applied.
    pub settled_at_ms: Option<u64>,
    /// In: when it was taken from the gate; 0 when that was before a restart.
    pub taken_at_ms: Option<u64>,
    /// In: when it was applied.
    pub applied_at_ms: Option<u64>,
    /// In: from taking to applying, in milliseconds.
    pub wait_ms: Option<u64>,
    /// In: the share of the transaction, in milliseconds.
    pub apply_ms: Option<u64>,
}

/// One line in the life of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LifeRow {
    /// What happened: `recorded`, `published`, `held`, `missing`, `settled`, `taken`, `applied`, `refused`,
    /// `duplicate` or `parked`.
    pub kind: String,
    /// When, wall clock.
    pub at_ms: u64,
    /// The attempt, the code or the file's name, by kind.
    pub detail: String,
}

/// One row that was parked alone. Its values stay in the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParkedRow {
    /// The stream.
    pub stream: StreamName,
    /// The epoch.
    pub epoch: u64,
    /// The batch.
    pub seq: u64,
    /// The record in the batch, from 0.
    pub row: u64,
    /// The table.
    pub table: String,
    /// Why.
    pub code: String,
    /// When, wall clock.
    pub at_ms: u64,
}

/// One registered part of a contract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContractRow {
    /// The stream.
    pub stream: StreamName,
    /// Which way it runs.
    pub direction: Direction,
    /// The digest of its part.
    pub digest: Digest,
    /// When it was registered, wall clock.
    pub installed_at_ms: u64,
    /// The text of the whole contract.
    pub text: String,
}

/// The present life of an own stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnLife {
    /// The last batch recorded; seq 0 and the genesis digest before the first.
    pub last: Mark,
    /// Batches that are not known to be applied.
    pub batches: u64,
    /// Their records.
    pub rows: u64,
    /// Deletions among them.
    pub deletes: u64,
}

/// Which row is meant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RowKey {
    /// The table, as an index into the contract's tables.
    pub table: usize,
    /// The JSON array of its key, in key order.
    pub key: String,
}

/// An operator's act, of this zone or of the peer's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActRow {
    /// Its place in the list.
    pub id: u64,
    /// Whether it was handed in here; the others were told by the peer.
    pub here: bool,
    /// The SM3 of its file.
    pub digest: Digest,
    /// Its file.
    pub file: Vec<u8>,
    /// Whether operators whom this zone trusts have signed it.
    pub verified: bool,
    /// When it was handed in, wall clock; an act of the peer when it ended there.
    pub handed_in_at_ms: u64,
    /// What became of it; `None` while it waits for the daemon.
    pub code: Option<String>,
    /// When it ended, wall clock.
    pub ended_at_ms: Option<u64>,
    /// When the peer is known to have listed it, wall clock.
    pub told_at_ms: Option<u64>,
}

/// The captured row that operators passed over by one act. Its other values stay in the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassedOver {
    /// Its row in the outbox.
    pub row: u64,
    /// The table; `None` when the line does not say.
    pub table: Option<String>,
    /// What it does; `None` when the line does not say.
    pub op: Option<Op>,
    /// The values of its key as they are typed, in the contract's order; `None` when the line or the contract does not have them.
    pub key: Option<Vec<String>>,
    /// When, wall clock.
    pub at_ms: u64,
}

/// A batch that stands, or stood, at a place of an own stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlacedBatch {
    /// The act that put it there; `None` of the first batch, and of one that came back after a restore.
    pub act: Option<u64>,
    /// The statement digest.
    pub digest: Digest,
    /// Its records.
    pub rows: u64,
}

/// What operators read while the daemon runs.
///
/// Every call is one snapshot and fails only when the database cannot be read.
#[expect(clippy::missing_errors_doc, reason = "they all fail for the one reason that the trait states")]
pub trait Books: Send + Sync {
    /// Which database this is.
    fn identity(&self) -> Result<Identity, PortError>;

    /// Every stream as the daemon last wrote it, own streams first, each ordered by name.
    fn stream_states(&self) -> Result<Vec<StreamStateRow>, PortError>;

    /// Named numbers and texts of the link, ordered by name.
    fn facts(&self) -> Result<Vec<(String, String)>, PortError>;

    /// Rows that wait in each own outbox, counted up to `cap`, ordered by stream.
    fn backlog(&self, cap: u64) -> Result<Vec<Backlog>, PortError>;

    /// Batches, stream by stream, the latest of each first.
    fn batches(&self, query: &BatchQuery) -> Result<Vec<BatchRow>, PortError>;

    /// The batch at a place of a stream, in the highest epoch that has one.
    fn batch(&self, direction: Direction, stream: &StreamName, seq: u64) -> Result<Option<BatchRow>, PortError>;

    /// Batches whose digest begins with `prefix`, at most `limit` each way. What is not lower-case hex finds none.
    fn batches_by_digest(&self, prefix: &str, limit: u64) -> Result<Vec<BatchRow>, PortError>;

    /// What happened to a batch, in order.
    fn life(&self, direction: Direction, stream: &StreamName, epoch: u64, seq: u64) -> Result<Vec<LifeRow>, PortError>;

    /// Rows that were parked alone, the latest first.
    fn parked_rows(&self, limit: u64) -> Result<Vec<ParkedRow>, PortError>;

    /// Every registered part of a contract, in the order of registration.
    fn contracts(&self) -> Result<Vec<ContractRow>, PortError>;

    /// Acts of both zones' operators, the latest first.
    fn acts(&self, limit: u64) -> Result<Vec<ActRow>, PortError>;

    /// One act, by its place in the list.
    fn act(&self, id: u64) -> Result<Option<ActRow>, PortError>;

    /// The id of the epoch of an own stream.
    fn epoch_id(&self, stream: &StreamName) -> Result<Option<EpochId>, PortError>;

    /// The present life of an own stream.
    fn own_life(&self, stream: &StreamName) -> Result<Option<OwnLife>, PortError>;

    /// The batches that took the place of one of this zone's, one after the other.
    fn superseding(&self, stream: &StreamName, epoch: u64, seq: u64) -> Result<Vec<Digest>, PortError>;

    /// The batches that had a place of an own stream, one after the other: the first, as long as the books keep it, and those
    /// that acts put there.
    fn placed(&self, stream: &StreamName, epoch: u64, seq: u64) -> Result<Vec<PlacedBatch>, PortError>;

    /// The captured row that operators passed over by an act; its key by the stream's contract.
    fn passed_over(&self, act: u64, contract: Option<&StreamContract>) -> Result<Option<PassedOver>, PortError>;

    /// Rows as they stand in the tables in one snapshot, as record lines: for each list of keys first the deletions of those
    /// that are gone, children before parents, then the images of the others, parents before children.
    fn current_rows(&self, contract: &StreamContract, keys: &[Vec<RowKey>]) -> Result<Vec<Vec<String>>, PortError>;

    /// What became of a row: its changes in batches, in the outbox, and passed over. The database must have the version
    /// [`TRACE_SCHEMA`](super::TRACE_SCHEMA) at least.
    fn trace(&self, query: &TraceQuery<'_>) -> Result<Trace, PortError>;

    /// Leaves the payloads of batches that are to supersede others, for the daemon to seal. Those that nobody used within
    /// thirty days go.
    fn leave_drafts(&self, payloads: &[Payload], now_ms: u64) -> Result<(), PortError>;

    /// Hands an act in for the daemon to carry out; yields its place in the list. The same file again is the same act.
    fn hand_in(&self, file: &[u8], now_ms: u64) -> Result<u64, PortError>;

    /// The heads of the audit logs, ordered by log.
    fn audit_heads(&self) -> Result<Vec<AuditHead>, PortError>;

    /// The one checkpoint over them.
    fn audit_checkpoint(&self) -> Result<Checkpoint, PortError>;

    /// The leaves of one log from a place on, in order.
    fn audit_leaves(&self, log: &str, from: u64, limit: u64) -> Result<Vec<AuditLeaf>, PortError>;
}
