//! What the protocol wants done, and what became of it.

use std::sync::Arc;

use ferry_format::{
    BatchStatement, Digest, EpochId, FormatError, Mark, SeqRange, StatusBody, StatusStatement, StreamName,
};

use crate::cut::{CutBatch, CutOutcome};
use crate::ports::{
    ActEnd, ActOrder, Anchor, AppliedPlace, ApplyOutcome, Attempt, BatchId, CutRequest, Dispute, Loaded, Notes,
    Observation, OutgoingBatch, PeerAct, PeerKey, PortError, QuarantineNote, ReadAct, RecoveredBatch, Retained, Scan,
    Settled, Standing, TakeBackOutcome, Vetted,
};
use crate::retention::Prunable;

/// Names one action from its issue to its completion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct OpId(pub u64);

/// Which of the bounded workers runs an action. Actions of one lane begin in the order of their issue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lane {
    /// Reads and writes the books of what goes out.
    Export,
    /// Compresses, encrypts and signs.
    Seal,
    /// Writes to the drop directory, and the anchor before it.
    Publish,
    /// Looks into the drop directory and takes files from it.
    Take,
    /// Applies groups.
    Apply,
    /// Writes what the operator sees, and clears the archive: nothing that crosses waits for either.
    Note,
}

impl Lane {
    /// Every lane.
    pub const ALL: [Self; 6] = [Self::Export, Self::Seal, Self::Publish, Self::Take, Self::Apply, Self::Note];

    /// How many workers it has. One keeps the order of issue to the end; two overlap one file's disk with the other's
    /// cryptography, where no order matters.
    #[must_use]
    pub const fn workers(self) -> usize {
        match self {
            Self::Publish | Self::Take => 2,
            Self::Export | Self::Seal | Self::Apply | Self::Note => 1,
        }
    }
}

/// One thing to do.
#[derive(Debug)]
pub enum Action {
    /// Look at the visible end of the outboxes, and for acts of operators.
    Observe {
        /// The wall clock.
        now_ms: u64,
    },
    /// Read captured rows and make a payload of them.
    Cut {
        /// What to read.
        request: CutRequest,
        /// Transaction boundaries (outbox ids) at which a group may end, ascending.
        boundaries: Vec<u64>,
        /// The payload's limit in bytes.
        plain_bytes: u64,
        /// Whether a group is open that must end, if need be with an empty batch.
        open: bool,
    },
    /// Seal a payload and make the file durable.
    Seal {
        /// The statement.
        statement: Box<BatchStatement>,
        /// What `cut` gave.
        cut: Box<CutBatch>,
    },
    /// Put sealed batches into the books and remove their rows from the outbox.
    Record(Vec<OutgoingBatch>),
    /// Make the anchor durable.
    Anchor(Anchor),
    /// Put the next attempts into the books.
    Attempt(Vec<Attempt>),
    /// Put a batch into the drop directory.
    Publish {
        /// The batch.
        id: BatchId,
        /// Its file name, attempt included.
        name: String,
        /// The name of the attempt before, which this one replaces if the gate has not taken it.
        replaces: Option<String>,
        /// Whether it is sealed again first.
        reseal: bool,
    },
    /// Look into the drop directory.
    Scan,
    /// Read and check one file of the drop directory.
    Take {
        /// Its name.
        name: String,
        /// The peer's keys by which it will be judged: it is looked at again once they have changed.
        peer_keys: Arc<Vec<PeerKey>>,
    },
    /// Make a batch of the peer durable, then remove it from the drop directory.
    Keep {
        /// The file's name.
        name: String,
        /// The batch.
        id: BatchId,
        /// The file.
        bytes: Arc<Vec<u8>>,
    },
    /// Remove a file from the drop directory, after keeping it in quarantine if there is a note.
    Drop {
        /// The file's name.
        name: String,
        /// Made durable before the file leaves the drop directory: the place for which it is the second statement.
        dispute: Option<Dispute>,
        /// Why it is refused, with the file; `None` for one that is here already.
        refused: Option<(QuarantineNote, Arc<Vec<u8>>)>,
    },
    /// Move a kept batch that turned out wrong from the spool to the quarantine.
    Expel {
        /// The batch.
        id: BatchId,
        /// Why.
        note: QuarantineNote,
    },
    /// Follow an epoch from its beginning.
    Follow {
        /// The id of the epoch.
        epoch_id: EpochId,
        /// Its place 0.
        genesis: Mark,
    },
    /// Follow an epoch from its beginning, with the act of the peer's operators that began it.
    FollowBegun(Box<PeerAct>),
    /// Apply a group in one transaction.
    Apply {
        /// The stream.
        stream: StreamName,
        /// The epoch's id.
        epoch_id: EpochId,
        /// The watermark on which the group follows.
        expect: Mark,
        /// The group's batches in order, each with the moment it was taken (wall clock).
        batches: Vec<(BatchId, u64)>,
        /// The peer's keys by which they were judged: under others nothing is applied.
        peer_keys: Arc<Vec<PeerKey>>,
        /// The wall clock.
        now_ms: u64,
    },
    /// Archive the files of batches that are applied and lie in the spool still.
    PutAway(Vec<BatchId>),
    /// Read a watermark again after an unknown outcome.
    ReadMark {
        /// The stream.
        stream: StreamName,
    },
    /// Find under which digest a place was applied that a file claims again.
    Recall {
        /// The file's name.
        name: String,
        /// What the file claims to be.
        id: BatchId,
        /// The file.
        bytes: Arc<Vec<u8>>,
    },
    /// Record that the peer has applied everything up to a mark, and archive the files.
    Settle {
        /// The mark.
        settled: Settled,
        /// The files.
        archive: Vec<BatchId>,
        /// Files of ours that may still lie in the drop directory.
        withdraw: Vec<String>,
    },
    /// Count a stream as settled only up to a mark again: the peer has forgotten what came after it.
    Reopen(Settled),
    /// Capture the next rows of an own stream's tables as they stand.
    Load {
        /// The stream.
        stream: StreamName,
        /// At most so many rows.
        rows: u64,
    },
    /// Look for own batches that the books do not know in spool and archive, and verify them.
    FindOwn {
        /// The stream.
        stream: StreamName,
        /// The epoch.
        epoch: u64,
        /// The places.
        range: SeqRange,
    },
    /// Make an own batch that came back durable, then remove it from the drop directory.
    KeepOwn {
        /// The file's name.
        name: String,
        /// What it states.
        statement: Box<BatchStatement>,
        /// Its identity.
        digest: Digest,
        /// The file.
        bytes: Arc<Vec<u8>>,
    },
    /// Take own batches back into the database in one transaction.
    TakeBack {
        /// The stream.
        stream: StreamName,
        /// The epoch's id.
        epoch_id: EpochId,
        /// The last batch recorded, on which they follow.
        expect: Mark,
        /// The batches in order.
        batches: Vec<BatchId>,
        /// The first batch of the group of the first of them, which may be in the books already.
        group_first: u64,
        /// The last of them ends its group.
        whole: bool,
        /// The wall clock.
        now_ms: u64,
    },
    /// Put batches of the peer that it has lost into the drop directory.
    GiveBack {
        /// The peer's stream.
        stream: StreamName,
        /// The epoch.
        epoch: u64,
        /// The places, ascending.
        seqs: Vec<u64>,
        /// The attempt that their names bear.
        attempt: u32,
    },
    /// Remove files that were given back and that the peer does not want any more, if the gate has left them.
    Withdraw(Vec<String>),
    /// Seal a status and put it into the drop directory.
    PublishStatus {
        /// The clear part; the length and digest of the body are filled in when it is sealed.
        statement: Box<StatusStatement>,
        /// The sealed part.
        body: Box<StatusBody>,
        /// Earlier statuses that may still lie at the gate, the oldest first. The oldest stays, the others are replaced.
        earlier: Vec<String>,
        /// Earlier statuses that need not cross any more.
        withdraw: Vec<String>,
    },
    /// Keep an accepted status as evidence, then remove it from the drop directory.
    KeepStatus {
        /// The file's name.
        name: String,
        /// The file.
        bytes: Arc<Vec<u8>>,
    },
    /// Carry out what an operator decided, or note why not.
    Act(ActOrder),
    /// List acts of the peer's operators.
    ListActs(Vec<PeerAct>),
    /// Write what the operator sees.
    Note(Notes),
    /// Remember how long batches have been archived.
    Retain(Retained),
    /// Take the rows out of batches that have been archived long enough.
    Prune(Prunable),
}

impl Action {
    /// The lane that runs this action.
    #[must_use]
    pub fn lane(&self) -> Lane {
        match self {
            Self::Observe { .. }
            | Self::Cut { .. }
            | Self::Record(_)
            | Self::Attempt(_)
            | Self::Settle { .. }
            | Self::Reopen(_)
            | Self::TakeBack { .. }
            | Self::Load { .. }
            | Self::Act(_) => Lane::Export,
            Self::Seal { .. } | Self::FindOwn { .. } => Lane::Seal,
            Self::Anchor(_)
            | Self::Publish { .. }
            | Self::PublishStatus { .. }
            | Self::GiveBack { .. }
            | Self::Withdraw(_) => Lane::Publish,
            Self::Scan
            | Self::Take { .. }
            | Self::Keep { .. }
            | Self::KeepOwn { .. }
            | Self::Drop { .. }
            | Self::Recall { .. }
            | Self::KeepStatus { .. } => Lane::Take,
            Self::Expel { .. }
            | Self::Follow { .. }
            | Self::FollowBegun(_)
            | Self::Apply { .. }
            | Self::PutAway(_)
            | Self::ReadMark { .. } => Lane::Apply,
            Self::Note(_) | Self::ListActs(_) | Self::Retain(_) | Self::Prune(_) => Lane::Note,
        }
    }
}

/// A file that was read from the drop directory, and whether it is good; `None` when it had gone.
pub type TakenFile = Option<(Arc<Vec<u8>>, Result<Vetted, FormatError>)>;

/// Files that could not be archived, and why.
pub type LeftFiles = (Vec<BatchId>, PortError);

/// An own batch that lies in spool or archive, verified: what it states, and its identity.
pub type FoundBatch = (BatchStatement, Digest);

/// What a look at the database showed, with the acts read and how the keys stand.
#[derive(Debug)]
pub struct Observed {
    /// The database.
    pub observation: Observation,
    /// The acts that wait there.
    pub acts: Vec<ReadAct>,
    /// The keys.
    pub standing: Standing,
}

/// What became of an action. Each says for what it was.
#[derive(Debug)]
pub enum Outcome {
    /// Of [`Action::Observe`].
    Observed(Result<Observed, PortError>),
    /// Of [`Action::Cut`].
    Cut(StreamName, Result<CutOutcome, PortError>),
    /// Of [`Action::Seal`]: the digest and the file's length.
    Sealed(Box<BatchStatement>, Box<CutBatch>, Result<(Digest, u64), PortError>),
    /// Of [`Action::Record`].
    Recorded(Vec<OutgoingBatch>, Result<(), PortError>),
    /// Of [`Action::Anchor`].
    Anchored(Anchor, Result<(), PortError>),
    /// Of [`Action::Attempt`].
    Attempted(Vec<Attempt>, Result<(), PortError>),
    /// Of [`Action::Publish`].
    Published(BatchId, Result<(), PortError>),
    /// Of [`Action::Scan`].
    Scanned(Result<Scan, PortError>),
    /// Of [`Action::Take`]: `None` when the file has gone.
    Taken(String, Result<TakenFile, PortError>),
    /// Of [`Action::Keep`].
    Kept(String, BatchId, Result<(), PortError>),
    /// Of [`Action::Drop`] and [`Action::KeepStatus`].
    Dropped(String, Result<(), PortError>),
    /// Of [`Action::Expel`], with the code of its note.
    Expelled(BatchId, String, Result<(), PortError>),
    /// Of [`Action::Follow`].
    Followed(EpochId, Mark, Result<(), PortError>),
    /// Of [`Action::FollowBegun`]: what is followed; `None` when the act does not count.
    FollowedBegun(Box<PeerAct>, Result<Option<(EpochId, Mark)>, PortError>),
    /// Of [`Action::Apply`]: with the files that could not be archived after the commit.
    Applied(StreamName, Result<(ApplyOutcome, Option<LeftFiles>), PortError>),
    /// Of [`Action::PutAway`]: what is left, and why; what is gone or damaged is told and not left.
    PutAway(Vec<BatchId>, Option<PortError>),
    /// Of [`Action::ReadMark`].
    MarkRead(StreamName, Result<Option<Mark>, PortError>),
    /// Of [`Action::Recall`]: what was applied, if anything.
    Recalled(String, BatchId, Arc<Vec<u8>>, Result<Option<AppliedPlace>, PortError>),
    /// Of [`Action::Settle`]; what of its files was lost.
    Settled(Settled, Vec<BatchId>, Vec<String>, Result<Option<PortError>, PortError>),
    /// Of [`Action::Reopen`]: the batches that are not settled any more.
    Reopened(Settled, Result<Vec<RecoveredBatch>, PortError>),
    /// Of [`Action::Load`].
    Loaded(StreamName, Result<Loaded, PortError>),
    /// Of [`Action::FindOwn`]: what was found.
    FoundOwn(StreamName, SeqRange, Result<Vec<FoundBatch>, PortError>),
    /// Of [`Action::KeepOwn`].
    KeptOwn(String, Box<FoundBatch>, Result<(), PortError>),
    /// Of [`Action::TakeBack`].
    TakenBack(StreamName, Result<TakeBackOutcome, PortError>),
    /// Of [`Action::GiveBack`]: the names of the files, and what could not be given.
    GivenBack(StreamName, Vec<String>, Option<PortError>),
    /// Of [`Action::Withdraw`].
    Withdrawn(Vec<String>, Result<(), PortError>),
    /// Of [`Action::PublishStatus`]: its number, and the statuses that lie at the gate now, the oldest first.
    StatusPublished(u64, Result<Vec<String>, PortError>),
    /// Of [`Action::Act`]: what became of it, and how many parked rows the stream has after an act on them.
    Acted(Box<ActOrder>, Result<(ActEnd, Option<u64>), PortError>),
    /// Of [`Action::ListActs`], by their digests.
    ActsListed(Vec<Digest>, Result<(), PortError>),
    /// Of [`Action::Note`].
    Noted(Notes, Result<(), PortError>),
    /// Of [`Action::Retain`].
    Retained(Result<(), PortError>),
    /// Of [`Action::Prune`]: how many batches that were.
    Pruned(Prunable, Result<usize, PortError>),
}
