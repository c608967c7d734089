//! A group on its way into the database: what is asked, what is handed over, and what becomes of it.

use ferry_format::{Digest, EpochId, Mark, Op, Refusal};

use super::PortError;
use crate::contract::StreamContract;

/// A group to apply in one transaction.
#[derive(Debug, Clone, Copy)]
pub struct ApplyRequest<'a> {
    /// The stream's contract.
    pub contract: &'a StreamContract,
    /// The id of the epoch that the batches belong to.
    pub epoch_id: EpochId,
    /// The watermark on which the group follows; the transaction compares and sets it.
    pub expect: &'a Mark,
    /// The wall clock, for the books.
    pub now_ms: u64,
}

/// One batch of a group, opened, every value checked against the contract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedBatch {
    /// The place in the stream.
    pub seq: u64,
    /// The statement digest.
    pub digest: Digest,
    /// The digest by which the chain names the place; another one when the batch supersedes.
    pub chain: Digest,
    /// For a batch that supersedes: the file of the act that says so.
    pub act: Option<Vec<u8>>,
    /// The sealed file's length in bytes.
    pub file_bytes: u64,
    /// When the file was taken from the gate, wall clock; 0 when that was before a restart.
    pub taken_at_ms: u64,
    /// The rows in order.
    pub rows: Vec<CheckedRow>,
    /// What `rows` point into.
    pub bytes: Vec<u8>,
}

/// One checked row: slices of canonical JSON in its batch's `bytes`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CheckedRow {
    /// The table, as an index into the contract's tables.
    pub table: usize,
    /// What to do.
    pub op: Op,
    /// `[v1,…,vn]`: the row in contract order, or for a delete the key.
    pub values: (usize, usize),
    /// `[k1,…,km]`: the key in key order.
    pub key: (usize, usize),
}

impl CheckedBatch {
    /// The JSON array of a row's values, or of a delete's key.
    #[must_use]
    pub fn values(&self, row: &CheckedRow) -> &[u8] {
        &self.bytes[row.values.0..row.values.1]
    }

    /// The JSON array of a row's key.
    #[must_use]
    pub fn key(&self, row: &CheckedRow) -> &[u8] {
        &self.bytes[row.key.0..row.key.1]
    }
}

/// Hands the batches of a group to the store, one at a time, so that a large group never lies in memory whole.
pub trait BatchSource {
    /// The next batch in order of seq, `None` after the last.
    ///
    /// # Errors
    /// Why there is no next batch; the group is not applied then.
    fn next(&mut self) -> Result<Option<CheckedBatch>, SourceFault>;
}

/// Why a batch of a group could not be handed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceFault {
    /// A record is not the contract's: the group is refused.
    Refused(Refusal),
    /// The file that was whole when it was taken is gone or damaged now: it must come again.
    Spoiled(Spoiled),
    /// The file cannot be read at the moment.
    Port(PortError),
}

/// A held file that is not what was held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spoiled {
    /// The place in the stream.
    pub seq: u64,
    /// The statement digest of the batch that was held.
    pub digest: Digest,
    /// What is wrong with the file.
    pub text: String,
}

/// What became of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ApplyOutcome {
    /// Rows, watermark, reports and audit leaf are committed.
    Applied {
        /// The new watermark.
        mark: Mark,
        /// What each batch did, in order.
        batches: Vec<AppliedBatch>,
        /// Rows of `independent` tables parked so far in this stream, this group's included.
        parked_rows: u64,
    },
    /// Nothing is committed: a row or the group is wrong.
    Refused(Refusal),
    /// Nothing is committed: a held file is gone or damaged.
    Spoiled(Spoiled),
    /// Nothing is committed: the watermark is not where the request expected it.
    Moved(Mark),
}

/// What applying one batch did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppliedBatch {
    /// The place in the stream.
    pub seq: u64,
    /// Rows written or deleted.
    pub rows: u64,
    /// Rows parked alone.
    pub parked: u64,
    /// The share of the transaction, in milliseconds.
    pub apply_ms: u64,
}
