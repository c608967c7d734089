//! The ports: everything that the protocol asks of the world, as traits with their promises in words.
//!
//! Every call may block and may fail; a failure says whether its outcome is known. No call is ever
//! cancelled. Implementations are used from several threads at once.

mod acts;
mod apply;
mod files;
mod load;
mod returning;
mod standing;
mod store;

use ferry_format::{KeyError, SealError};
use thiserror::Error;

pub use acts::{
    ACT_DONE, ACT_IMPOSSIBLE, ACTED_ALREADY, ActEnd, ActOrder, AppliedPlace, DisputedPlace, Instead, OpenAct, PeerAct,
    ReadAct, STREAM_MOVED, SupersededPlace, Superseding, TURNED_AWAY_BEFORE, UntoldAct,
};
pub use apply::{
    AppliedBatch, ApplyOutcome, ApplyRequest, BatchSource, CheckedBatch, CheckedRow, SourceFault, Spoiled,
};
pub use files::{
    Anchor, AnchorStore, BatchId, Gate, Quarantine, QuarantineNote, Scan, Sealer, Seen, Side, Spool, Vetted,
};
pub use load::Loaded;
pub use returning::{RETURN_CONFLICT, RETURN_TORN, ReturnSource, ReturnedBatch, TakeBackOutcome, TakeBackRequest};
pub use standing::{PeerKey, Standing, is_sealed_with, peer_keys};
pub use store::{
    Attempt, CutRequest, Direction, Dispute, LifeEvent, LifeKind, Notes, Observation, OutgoingBatch, RawCut, Recovered,
    RecoveredBatch, RecoveredIn, RecoveredOut, Retained, RetainedMark, Settled, Store, StreamBacklog, StreamState,
};

/// What kind of failure a port met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// Busy, a lost connection, a directory that is not there at the moment: the same call may succeed later.
    Transient,
    /// No room on the disk: nothing was written; the same call may succeed later.
    Full,
    /// The commit was sent and its outcome is not known: read the state again before judging anything.
    Unknown,
    /// What lies on disk or in the database is not what was put there.
    Corrupt,
    /// A precondition does not hold: another process moved the state on, or the program is wrong.
    Conflict,
}

/// A failed call of a port.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{text}")]
pub struct PortError {
    /// What kind of failure.
    pub kind: FaultKind,
    /// What failed, for the log. Never a value of a row.
    pub text: String,
}

impl PortError {
    /// A failure of `kind` with `text`.
    #[must_use]
    pub fn new(kind: FaultKind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into() }
    }
}

/// Keys and randomness may come back; a statement that no reader would accept is a mistake in this program.
impl From<SealError> for PortError {
    fn from(error: SealError) -> Self {
        let passing = matches!(error, SealError::Key(KeyError::Unavailable { .. }) | SealError::Entropy(_));
        let kind = if passing { FaultKind::Transient } else { FaultKind::Conflict };
        Self::new(kind, format!("cannot seal: {error}"))
    }
}

/// The ports of one link, as one action needs them.
#[derive(Clone, Copy)]
pub struct Ports<'a> {
    /// The zone's database.
    pub store: &'a dyn Store,
    /// The zone's durable files.
    pub spool: &'a dyn Spool,
    /// The drop directories.
    pub gate: &'a dyn Gate,
    /// Keys and trust.
    pub sealer: &'a dyn Sealer,
    /// Where refused files go.
    pub quarantine: &'a dyn Quarantine,
    /// What the zone must not forget.
    pub anchor: &'a dyn AnchorStore,
}
