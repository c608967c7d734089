//! The port to the zone's database: capture on one side, apply on the other.

use std::collections::BTreeMap;

use ferry_format::{
    BatchReport, Checkpoint, Digest, EpochId, Group, Instance, Mark, Payload, StreamName, TableSummary,
};

use super::{
    ActEnd, ActOrder, AppliedPlace, ApplyOutcome, ApplyRequest, BatchSource, DisputedPlace, Loaded, OpenAct, PeerAct,
    PortError, ReturnSource, Side, TakeBackOutcome, TakeBackRequest, UntoldAct,
};
use crate::contract::StreamContract;

/// The visible end of each own stream's outbox, read in one snapshot: a transaction boundary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    /// By own stream, ordered by stream.
    pub streams: Vec<StreamBacklog>,
    /// The audit log at the same moment.
    pub audit: Checkpoint,
    /// Acts of operators that are not carried out, in order of id.
    pub acts: Vec<OpenAct>,
}

/// The visible end of one outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamBacklog {
    /// The stream.
    pub stream: StreamName,
    /// The highest visible outbox id; 0 when the outbox has always been empty.
    pub last_id: u64,
    /// Where changes of the stream may escape capture; `None` when nothing is known to be wrong.
    pub capture: Option<String>,
}

/// Which captured rows to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CutRequest {
    /// The stream.
    pub stream: StreamName,
    /// Read ids above this one.
    pub after: u64,
    /// Read ids up to this one, a transaction boundary.
    pub upto: u64,
    /// Read at most so many rows.
    pub rows: u64,
    /// What is beyond so many bytes of lines need not be read, but for two rows: the one with which they are exceeded, and one
    /// after it, which shows that there are more.
    pub bytes: u64,
}

/// Captured rows in order of id, all under one contract digest; rows after a change of digest are left for the next cut.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RawCut {
    /// The outbox ids, ascending.
    pub ids: Vec<u64>,
    /// The record lines in the same order, separated by one newline each, none at the end.
    pub lines: Vec<u8>,
    /// The digest of the stream's contract under which they were captured; `None` when there are no rows.
    pub contract: Option<Digest>,
}

/// A sealed batch on its way into the books. Recording it records its attempt 1 with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutgoingBatch {
    /// The stream.
    pub stream: StreamName,
    /// The epoch.
    pub epoch: u64,
    /// The place in the stream.
    pub seq: u64,
    /// The statement digest.
    pub digest: Digest,
    /// The statement digest before it.
    pub previous: Digest,
    /// Its place in its group.
    pub group: Group,
    /// Records.
    pub rows: u64,
    /// The sealed file's length in bytes.
    pub file_bytes: u64,
    /// Every outbox row up to this id is in this batch or an earlier one.
    pub through_id: u64,
    /// When it was cut, wall clock.
    pub cut_at_ms: u64,
    /// Counts and totals by table.
    pub tables: Vec<TableSummary>,
}

/// The next attempt of a batch, recorded before it is published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// The stream.
    pub stream: StreamName,
    /// The epoch.
    pub epoch: u64,
    /// The place in the stream.
    pub seq: u64,
    /// The attempt, from 1.
    pub attempt: u32,
    /// When, wall clock.
    pub at_ms: u64,
}

/// The peer's proof that it has applied everything up to a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// The peer's watermark; its digest is our own batch's.
    pub mark: Mark,
    /// When we learned it, wall clock.
    pub at_ms: u64,
}

/// What must survive a restart so that batches stay in the archive as long as they should.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Retained {
    /// How long the zone's daemons have run together, in milliseconds of monotonic time.
    pub elapsed_ms: u64,
    /// How far streams had come at moments of that time, by direction and stream, the oldest first.
    pub marks: Vec<RetainedMark>,
}

/// How far a stream had been applied at a moment.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RetainedMark {
    /// Which way the stream runs.
    pub direction: Direction,
    /// The stream.
    pub stream: StreamName,
    /// When, in the time of [`Retained::elapsed_ms`].
    pub elapsed_ms: u64,
    /// The epoch.
    pub epoch: u64,
    /// The last batch applied at the receiving side, as far as this zone knew.
    pub seq: u64,
}

/// Which way a stream runs, seen from this zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Direction {
    /// This zone owns it.
    Out,
    /// The peer owns it.
    In,
}

impl Direction {
    /// The part of spool and archive that holds the batches of such a stream.
    #[must_use]
    pub const fn side(self) -> Side {
        match self {
            Self::Out => Side::Out,
            Self::In => Side::In,
        }
    }
}

/// What happened to a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LifeKind {
    /// Sealed and recorded here.
    Recorded,
    /// Put into the drop directory; the detail is the attempt.
    Published,
    /// The peer reported it durably held.
    Held,
    /// The peer reported it missing.
    Missing,
    /// The peer reported it applied.
    Settled,
    /// Taken from the drop directory and durably held here.
    Taken,
    /// Applied here.
    Applied,
    /// Refused; the detail is the code.
    Refused,
    /// Came again; the detail is the file's name.
    Duplicate,
    /// Waits; the detail is the code.
    Parked,
    /// The peer applied what took the place of it.
    Superseded,
    /// The peer had applied it before another batch could take its place.
    SupersedeLate,
    /// Came back to the zone that made it; the detail is the file's name.
    Returned,
    /// Taken back into the database that had lost it.
    TakenBack,
}

/// One line in the life of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LifeEvent {
    /// Which way the stream runs.
    pub direction: Direction,
    /// The stream.
    pub stream: StreamName,
    /// The epoch.
    pub epoch: u64,
    /// The place in the stream.
    pub seq: u64,
    /// What happened.
    pub kind: LifeKind,
    /// When, wall clock.
    pub at_ms: u64,
    /// The attempt, the code or the file's name, by kind.
    pub detail: String,
}

/// Two verified statements for one place. Nothing at or above it is applied until an operator has decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dispute {
    /// The peer's stream.
    pub stream: StreamName,
    /// The epoch.
    pub epoch: u64,
    /// The place in the stream.
    pub seq: u64,
    /// The statement digest of the file by which it was found out.
    pub digest: Digest,
    /// The batch that it disputes, where both supersede others.
    pub against: Option<Digest>,
    /// When, wall clock.
    pub at_ms: u64,
}

/// How one stream stands, for the operator and for the zone's own programs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamState {
    /// Which way the stream runs.
    pub direction: Direction,
    /// The stream.
    pub stream: StreamName,
    /// The epoch; 0 before one is known.
    pub epoch: u64,
    /// Out: the last batch recorded. In: the last batch known to exist.
    pub last_seq: u64,
    /// Out: the last batch published at least once. In: the same as `last_seq`.
    pub published_seq: u64,
    /// The last batch applied at the receiving side, as far as this zone knows.
    pub applied_seq: u64,
    /// The statement digest at `applied_seq`.
    pub applied_digest: Digest,
    /// Durably held above `applied_seq`, as `3-7,9`.
    pub held: String,
    /// Known to exist and not held, as `3-7,9`.
    pub missing: String,
    /// Age of the oldest change or batch that is not applied, in milliseconds; 0 when there is none. In: the age of the oldest batch
    /// held, or what the peer says, whichever is more; the peer also counts what it does not know to be applied.
    pub lag_ms: u64,
    /// In: what the peer's daemon had seen committed at this moment, by its clock, is applied here; 0 while this start of the daemon does not know.
    /// Out: 0.
    pub known_at_ms: u64,
    /// `ok`, `waiting`, `parked`, `refused`, `stopped`, `locked` or `silent`.
    pub health: &'static str,
    /// The code behind the health; empty when it is `ok`.
    pub code: String,
    /// Where the refusal is: `seq`, table, row, constraint; empty otherwise.
    pub detail: String,
    /// Rows of `independent` tables that were parked alone.
    pub parked_rows: u64,
}

/// What the books should show, written from time to time and never waited for, but for the number with which a start without an
/// anchor begins.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Notes {
    /// Lines in the life of batches.
    pub life: Vec<LifeEvent>,
    /// The present state of streams that changed.
    pub states: Vec<StreamState>,
    /// Named numbers and texts of the link: silence, lock, gate counters, peer's clock.
    pub facts: Vec<(String, String)>,
    /// The number of the last status that was published, or of the first that a start without an anchor may use; for the next
    /// start that finds none.
    pub status_number: Option<u64>,
    /// Acts that the peer has listed, by id.
    pub acts_told: Vec<u64>,
    /// The wall clock.
    pub now_ms: u64,
}

/// What the database remembered across a restart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovered {
    /// The id of this life of the database.
    pub instance: Instance,
    /// The audit log.
    pub audit: Checkpoint,
    /// Own streams, ordered by stream.
    pub outgoing: Vec<RecoveredOut>,
    /// The peer's streams, ordered by stream.
    pub incoming: Vec<RecoveredIn>,
    /// The time for which batches have been archived.
    pub retained: Retained,
    /// Ended acts that the peer is not known to have listed, the oldest first.
    pub untold: Vec<UntoldAct>,
    /// The number of the last status that a note told of; a few more may have been published since. 0 when none was.
    pub status_number: u64,
}

/// One own stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecoveredOut {
    /// The stream, its epoch, and the last batch recorded (seq 0 and the genesis digest before the first).
    pub last: Mark,
    /// The id of the epoch.
    pub epoch_id: EpochId,
    /// Every outbox row up to this id has been recorded in a batch.
    pub through_id: u64,
    /// The last batch that the peer has proved to have applied.
    pub settled: Mark,
    /// Recorded and not settled, in order of seq.
    pub unsettled: Vec<RecoveredBatch>,
    /// Transaction boundaries of this stream above `through_id`, the oldest first: each is the visible end of every own
    /// outbox in the snapshot in which this one had moved.
    pub boundaries: Vec<BTreeMap<StreamName, u64>>,
    /// An operator has put the stream on hold.
    pub on_hold: bool,
    /// Its tables are being captured once more.
    pub loading: bool,
    /// The act that began its epoch; the first epoch has none.
    pub begun: Option<UntoldAct>,
}

/// A recorded batch that is not known to be applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecoveredBatch {
    /// The place in the stream.
    pub seq: u64,
    /// The statement digest.
    pub digest: Digest,
    /// Its place in its group.
    pub group: Group,
    /// Records.
    pub rows: u64,
    /// The sealed file's length in bytes.
    pub file_bytes: u64,
    /// The last attempt recorded; 0 when none was.
    pub attempt: u32,
    /// When it was cut, wall clock.
    pub cut_at_ms: u64,
    /// The statements that took its place one after the other; the file that counts is that of the last.
    pub instead: Vec<Digest>,
}

impl RecoveredBatch {
    /// The digest of the statement whose file counts.
    #[must_use]
    pub fn file_digest(&self) -> Digest {
        self.instead.last().copied().unwrap_or(self.digest)
    }
}

/// One of the peer's streams.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecoveredIn {
    /// The stream.
    pub stream: StreamName,
    /// The epoch that is followed with its watermark; `None` before one is.
    pub followed: Option<(EpochId, Mark)>,
    /// Rows of `independent` tables that were parked alone.
    pub parked_rows: u64,
    /// The latest batch reports, in order of seq.
    pub reports: Vec<BatchReport>,
    /// Places for which two verified statements came.
    pub disputed: Vec<DisputedPlace>,
    /// The places, by epoch and seq, of which operators have said that what was applied stands.
    pub dismissed: Vec<(u64, u64)>,
    /// An operator has put the stream on hold.
    pub on_hold: bool,
    /// The last batch applied that superseded another, by its own digest.
    pub superseded: Option<Mark>,
}

/// The zone's database.
pub trait Store: Send + Sync {
    /// Reads everything that the protocol needs to go on after a start.
    ///
    /// # Errors
    /// When the database cannot be read.
    fn recover(&self) -> Result<Recovered, PortError>;

    /// Reads the visible end of every own outbox in one snapshot, and remembers the ends that moved as transaction
    /// boundaries, until their rows are recorded. How many are remembered is bounded: neighbours may be merged.
    ///
    /// # Errors
    /// When the database cannot be read, or what moved was not remembered.
    fn observe(&self) -> Result<Observation, PortError>;

    /// Reads captured rows. Rows stay in the outbox until they are recorded.
    ///
    /// # Errors
    /// When the database cannot be read; `Conflict` when the stream is not an own one.
    fn cut(&self, request: &CutRequest) -> Result<RawCut, PortError>;

    /// In one transaction: records sealed batches of one stream, in order, and removes exactly their outbox rows.
    /// Batches that are recorded already under the same digests are no error, so an unknown outcome is asked again.
    ///
    /// # Errors
    /// `Conflict` when the stream does not stand right before the first of them; nothing is changed then.
    fn record(&self, batches: &[OutgoingBatch]) -> Result<(), PortError>;

    /// Records the next attempts of batches, before they are published. The same attempt again is no error.
    ///
    /// # Errors
    /// When nothing was recorded; `Conflict` when one of the batches is not recorded or has had a later attempt.
    fn attempt(&self, attempts: &[Attempt]) -> Result<(), PortError>;

    /// Records that the peer has applied everything up to a mark. A mark at or below the last one changes nothing.
    ///
    /// # Errors
    /// When nothing was recorded; `Conflict` when the mark is not one of our own batches.
    fn settle(&self, settled: &Settled) -> Result<(), PortError>;

    /// Counts a stream as settled only up to a mark again, because the peer has forgotten what came after it. Yields the batches
    /// that are not settled then, in order; the core asks for at most [`REOPENED_MAX`](crate::settings::REOPENED_MAX).
    ///
    /// # Errors
    /// When nothing was recorded; `Conflict` when the mark is none of our settled batches.
    fn reopen(&self, reopened: &Settled) -> Result<Vec<RecoveredBatch>, PortError>;

    /// The digests under which a place of an own stream was recorded: the first one, and those that took its place; none when
    /// it was not.
    ///
    /// # Errors
    /// When the database cannot be read; `Conflict` when the stream is not an own one.
    fn recorded_digests(&self, stream: &StreamName, epoch: u64, seq: u64) -> Result<Vec<Digest>, PortError>;

    /// Captures the next rows of an own stream's tables as they stand, at most so many of one table, in one transaction with how
    /// far the load has come. Tables come in the order of the contract, rows in the order of their keys. What a program changes
    /// afterwards is captured after them.
    ///
    /// # Errors
    /// When the database does not answer; `Unknown` when the commit's outcome is not known; `Conflict` when no load of the
    /// stream is under way.
    fn load(&self, contract: &StreamContract, rows: u64) -> Result<Loaded, PortError>;

    /// Takes own batches back, in one transaction: rows, books, outbox, audit leaf. Rows that still wait in the outbox, in
    /// the same order, leave it; the others are written into the tables and are not captured again. Nothing is written over a
    /// change that has been captured since.
    ///
    /// # Errors
    /// Only when the batches themselves are not to blame; `Unknown` when the commit's outcome is not known; `Conflict` when
    /// there is no batch, the batches do not follow each other, or the stream has another epoch.
    fn take_back(
        &self,
        request: &TakeBackRequest<'_>,
        source: &mut dyn ReturnSource,
    ) -> Result<TakeBackOutcome, PortError>;

    /// Follows an epoch of one of the peer's streams from its beginning. With the act that began it, an earlier one is left for
    /// it: in the same transaction the act is listed as verified, and disputes about the earlier one end. Rows that were parked
    /// alone stay.
    ///
    /// # Errors
    /// `Conflict` when the stream already follows one; with an act, when it follows none or not an earlier one.
    fn follow(&self, epoch_id: EpochId, genesis: &Mark, act: Option<&PeerAct>) -> Result<(), PortError>;

    /// Remembers that two verified statements came for a place of one of the peer's streams. The first time counts; again
    /// is no error.
    ///
    /// # Errors
    /// When it is not durably remembered.
    fn dispute(&self, dispute: &Dispute) -> Result<(), PortError>;

    /// Applies a group in one transaction: rows, watermark, batch reports, audit leaf. The first batch is asked for before
    /// the watermark is compared. What a batch leaves of each key is what counts: an image that the same batch replaces
    /// meets no constraint, unless a row of the batch breaks one; its rows are then written one by one, in order. The watermark
    /// is named by the chain's digest; with a group that supersedes go the disputes about its places, and its act is listed.
    ///
    /// # Errors
    /// Only when the group itself is not to blame; `Unknown` when the commit's outcome is not known; `Conflict` when there
    /// is no batch, the batches do not follow each other, or the stream does not follow the epoch.
    fn apply(&self, request: &ApplyRequest<'_>, source: &mut dyn BatchSource) -> Result<ApplyOutcome, PortError>;

    /// The watermark of one of the peer's streams; `None` before an epoch is followed.
    ///
    /// # Errors
    /// When the database cannot be read.
    fn watermark(&self, stream: &StreamName) -> Result<Option<Mark>, PortError>;

    /// What was applied at a place of one of the peer's streams; `None` when nothing was.
    ///
    /// # Errors
    /// When the database cannot be read.
    fn applied_place(&self, stream: &StreamName, epoch: u64, seq: u64) -> Result<Option<AppliedPlace>, PortError>;

    /// The payload of a batch that is to supersede, by its SM3; `None` when nobody has left it.
    ///
    /// # Errors
    /// When the database cannot be read.
    fn draft(&self, payload: &Digest) -> Result<Option<Vec<u8>>, PortError>;

    /// Leaves the payload of a batch that is to supersede. The same one again is no error.
    ///
    /// # Errors
    /// When nothing was written.
    fn leave_draft(&self, payload: &Payload, now_ms: u64) -> Result<(), PortError>;

    /// Carries an act out that a database which was put back to a backup has forgotten, as [`Self::act`] does, and puts it into the
    /// list with that; the order's `id` means nothing. An act that is in the list and open has ended then; what has ended stays
    /// what it became.
    ///
    /// # Errors
    /// When nothing was changed; `Unknown` when the commit's outcome is not known.
    fn act_again(&self, order: &ActOrder, contract: Option<&StreamContract>) -> Result<ActEnd, PortError>;

    /// Carries out what an operator decided, or notes why it is not carried out: one transaction with its line in the list
    /// of acts and its audit leaf. An act that has ended is no error: what became of it is told again. With an act on
    /// parked rows comes how many the stream still has. `contract` is that of the act's stream, if there is one. Batches that
    /// supersede take their places in the books, and the drafts of their payloads go. Where an act begins another life of a
    /// stream, that begins behind the rows recorded so far, with what is captured and not recorded and then a load. It is turned
    /// away as [`super::STREAM_MOVED`] when another batch than the one that it names was recorded last, as
    /// [`super::TURNED_AWAY_BEFORE`] where it was once, and as [`super::ACTED_ALREADY`] where the same was done under other
    /// signatures, also when the order says that the stream has moved: it was that act which moved it.
    ///
    /// # Errors
    /// When nothing was changed; `Conflict` when there is no such act.
    fn act(&self, order: &ActOrder, contract: Option<&StreamContract>) -> Result<(ActEnd, Option<u64>), PortError>;

    /// Lists acts of the peer's operators. One that is listed already, by its digest, changes nothing.
    ///
    /// # Errors
    /// When they are not all durably listed.
    fn list_acts(&self, acts: &[PeerAct]) -> Result<(), PortError>;

    /// The files of acts of the peer's operators that are listed as turned away by the peer, whether or not they were verified
    /// then; not of those that it had carried out before.
    ///
    /// # Errors
    /// When the database cannot be read.
    fn turned_away(&self) -> Result<Vec<Vec<u8>>, PortError>;

    /// Remembers how long batches have been archived, in the place of what was remembered before.
    ///
    /// # Errors
    /// When it was not remembered; batches then stay longer.
    fn retain(&self, retained: &Retained) -> Result<(), PortError>;

    /// Writes what the operator should see. That a file was taken or refused is a leaf of the audit log too.
    ///
    /// # Errors
    /// When it was not written; nothing depends on it.
    fn note(&self, notes: &Notes) -> Result<(), PortError>;
}
