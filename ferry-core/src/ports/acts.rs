//! What operators decided, on its way through the database.

use ferry_format::{Act, Checkpoint, Digest, EpochId, Mark, TableSummary};

use super::BatchId;

/// An act that lies in the database and is not carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenAct {
    /// Its place in the list of acts.
    pub id: u64,
    /// Its file, as it was handed in.
    pub file: Vec<u8>,
}

/// An open act that was read, and whether it may be carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadAct {
    /// Its place in the list of acts.
    pub id: u64,
    /// Its file.
    pub file: Vec<u8>,
    /// The act, verified by the signatures of trusted operators, or the code by which it is turned away.
    pub act: Result<Act, String>,
}

/// What is to be written of an act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActOrder {
    /// Its place in the list of acts.
    pub id: u64,
    /// Its file.
    pub file: Vec<u8>,
    /// What to carry out, or the code by which the act is turned away.
    pub verdict: Result<Act, String>,
    /// The wall clock.
    pub at_ms: u64,
    /// For an act that supersedes a group: what its batches state beside what the act says.
    pub superseding: Option<Superseding>,
    /// The batches that were sealed for it, in order of seq.
    pub instead: Vec<Instead>,
    /// For an act that begins another life of a stream: the files of the old one that are not known to be applied, each with its
    /// last attempt.
    pub ended: Vec<(BatchId, u32)>,
}

/// What batches that take the place of a group state beside what their act says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Superseding {
    /// The id of the epoch.
    pub epoch_id: EpochId,
    /// The places of the group, in order of seq.
    pub places: Vec<SupersededPlace>,
    /// Where the streams stand that this one depends on.
    pub requires: Vec<Mark>,
    /// The audit log.
    pub audit: Checkpoint,
    /// What the sealed files may have together, in bytes: what the peer makes room for.
    pub bytes_max: u64,
}

/// One place of a group that is superseded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SupersededPlace {
    /// The place.
    pub seq: u64,
    /// The statement digest before it, as the chain names it.
    pub previous: Digest,
    /// The statement whose file stands here at the moment.
    pub file: Digest,
    /// The last attempt of that file.
    pub attempt: u32,
}

/// A sealed batch that takes the place of a recorded one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instead {
    /// The place.
    pub seq: u64,
    /// Its statement digest.
    pub digest: Digest,
    /// Records.
    pub rows: u64,
    /// The sealed file's length in bytes.
    pub file_bytes: u64,
    /// Counts and totals by table.
    pub tables: Vec<TableSummary>,
}

/// A place of one of the peer's streams that was applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AppliedPlace {
    /// The statement that was applied.
    pub digest: Digest,
    /// The statement that stood here first: another one when the applied one superseded it.
    pub chain: Digest,
}

/// A place of one of the peer's streams that is in dispute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DisputedPlace {
    /// The epoch.
    pub epoch: u64,
    /// The place in the stream.
    pub seq: u64,
    /// See [`super::Dispute::against`].
    pub against: Option<Digest>,
}

/// What became of an act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActEnd {
    /// [`ACT_DONE`], or the code by which it was turned away.
    pub code: String,
}

/// The code of an act that was carried out.
pub const ACT_DONE: &str = "done";

/// The code of an act that the database or the keys of this zone do not allow, or whose data are damaged; the log has the reason.
pub const ACT_IMPOSSIBLE: &str = "act-impossible";

/// The code of an act that was carried out before, handed in again with other signatures.
pub const ACTED_ALREADY: &str = "acted-already";

/// The code of an act that begins a life of a stream and was turned away before, with as many signatures as it needs: the peer has
/// it listed so, and does not follow it any more.
pub const TURNED_AWAY_BEFORE: &str = "turned-away-before";

/// The code of an act that ends a life of a stream at another batch than the last one recorded.
pub const STREAM_MOVED: &str = "stream-moved";

impl ActEnd {
    /// It was carried out.
    #[must_use]
    pub fn done() -> Self {
        Self { code: ACT_DONE.to_owned() }
    }

    /// It was turned away.
    #[must_use]
    pub fn turned_away(code: &str) -> Self {
        Self { code: code.to_owned() }
    }

    /// Whether it was carried out.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.code == ACT_DONE
    }
}

/// An ended act of this zone that the peer has not said to have listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UntoldAct {
    /// Its place in the list of acts.
    pub id: u64,
    /// Its file.
    pub file: Vec<u8>,
    /// What became of it.
    pub end: ActEnd,
    /// When, wall clock.
    pub at_ms: u64,
}

/// An act of the peer's operators, as its status tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerAct {
    /// The SM3 of the file.
    pub digest: Digest,
    /// The file.
    pub file: Vec<u8>,
    /// Whether operators whom this zone trusts have signed it.
    pub verified: bool,
    /// What became of it there.
    pub code: String,
    /// When, by the peer's clock.
    pub at_ms: u64,
}
