//! Own batches that come back: what a zone that was put back to a backup takes into its database again.

use ferry_format::{EpochId, Mark, Refusal};

use super::{CheckedBatch, OutgoingBatch, RecoveredOut, SourceFault, Spoiled};
use crate::contract::StreamContract;

/// The code of a returned row whose key a program has changed since the zone was put back. The captured change must be
/// passed over first: what the peer has applied cannot be undone.
pub const RETURN_CONFLICT: &str = "return-conflict";
/// The code of a returned group whose end has never left the zone: it is taken back only where every row of it still waits
/// in the outbox.
pub const RETURN_TORN: &str = "return-torn";

/// Batches to take back in one transaction: a group, or the beginning of the last one.
#[derive(Debug, Clone, Copy)]
pub struct TakeBackRequest<'a> {
    /// The stream's contract.
    pub contract: &'a StreamContract,
    /// The id of the epoch that the batches belong to.
    pub epoch_id: EpochId,
    /// The last batch recorded, on which they follow; the transaction compares and sets it.
    pub expect: &'a Mark,
    /// The last of them ends its group.
    pub whole: bool,
    /// The wall clock, for the books.
    pub now_ms: u64,
}

/// One batch of this zone's own, verified and opened with its own keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReturnedBatch {
    /// What the books say of it, but for the outbox: `through_id` is 0. The digest is that of the chain.
    pub batch: OutgoingBatch,
    /// Its rows, every value checked against the contract, and the digest of the file that counts.
    pub rows: CheckedBatch,
}

/// Hands over the batches of a group that came back, one at a time.
pub trait ReturnSource {
    /// The next batch in order of seq, `None` after the last.
    ///
    /// # Errors
    /// Why there is no next batch; nothing is taken back then.
    fn next(&mut self) -> Result<Option<ReturnedBatch>, SourceFault>;
}

/// What became of a group that came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TakeBackOutcome {
    /// Rows, books and audit leaves are committed; how the stream stands now.
    TakenBack(Box<RecoveredOut>),
    /// Nothing is committed: a row stands against it.
    Refused {
        /// Where and why.
        refusal: Refusal,
        /// The captured change that stands against it, by its id in the outbox.
        captured: Option<u64>,
    },
    /// Nothing is committed: a file is gone or damaged.
    Spoiled(Spoiled),
    /// Nothing is committed: the stream does not stand where the request expected it, as after a commit whose outcome was not
    /// known; how it stands now.
    Moved(Box<RecoveredOut>),
}
