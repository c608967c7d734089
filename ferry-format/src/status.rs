//! What a status states: what this zone has, holds and lacks of its peer's streams, and where its own stand.

use crate::{BootNonce, Checkpoint, Digest, EpochId, Instance, LinkId, Mark, Plain, StreamName, ZoneName};

/// The clear, signed part of a status: enough for an auditor to see how far each side had come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusStatement {
    /// The link.
    pub link: LinkId,
    /// The zone that speaks.
    pub from: ZoneName,
    /// The zone that is spoken to.
    pub to: ZoneName,
    /// The speaker's database instance.
    pub instance: Instance,
    /// Drawn at the start of the speaker's daemon.
    pub boot: BootNonce,
    /// Grows by at least one with every status, also across restarts.
    pub number: u64,
    /// The speaker's wall clock in milliseconds since 1970-01-01 UTC: information only.
    pub clock_ms: u64,
    /// The highest status of the peer that the speaker has accepted.
    pub echo: Option<Echo>,
    /// The last batch applied of each of the peer's streams, ordered by stream.
    pub received: Vec<Mark>,
    /// The last batch recorded of each own stream, ordered by stream.
    pub sent: Vec<Mark>,
    /// The last batch applied of each of the peer's streams that took the place of a refused one, by its own digest, ordered by
    /// stream. `received` names places by the statements that stood there first.
    pub superseded: Vec<Mark>,
    /// The speaker's audit log.
    pub audit: Checkpoint,
    /// The peer's audit log as the speaker last saw it.
    pub witness: Option<Checkpoint>,
    /// Length and digest of the body, salt included.
    pub plain: Plain,
}

/// The highest status accepted of the peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Echo {
    /// Its boot nonce.
    pub boot: BootNonce,
    /// Its number.
    pub number: u64,
}

/// The sealed part of a status.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StatusBody {
    /// Streams that the peer sends, ordered by stream.
    pub incoming: Vec<IncomingReport>,
    /// Streams that the speaker sends, ordered by stream.
    pub outgoing: Vec<OutgoingReport>,
    /// The contract digest of every stream that the speaker has, ordered by stream; several during a change.
    pub contracts: Vec<(StreamName, Digest)>,
    /// The format versions that the speaker reads.
    pub formats: Vec<u64>,
    /// Cards announced by a rotation, as whole card files.
    pub cards: Vec<Vec<u8>>,
    /// What the speaker asks for.
    pub wants: Vec<Want>,
    /// What the speaker has counted at its gate since its daemon started.
    pub counters: Counters,
    /// Files that the speaker has turned away since its daemon started, by code, ordered by code.
    pub turned_away: Vec<CodeCount>,
    /// Acts of the speaker's operators that the peer has not said to have listed, in the order of their ends.
    pub acts: Vec<ActReport>,
    /// Digests of the acts of the peer's last status that the speaker has durably listed.
    pub acts_listed: Vec<Digest>,
}

/// What became of an operator's act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActReport {
    /// The act's file, as it was signed.
    pub act: Vec<u8>,
    /// `done`, or why it was not done, from the published list.
    pub code: String,
    /// When, in milliseconds since 1970-01-01 UTC: the speaker's word only.
    pub at_ms: u64,
}

/// How many files were turned away for one reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeCount {
    /// The reason, from the published list.
    pub code: String,
    /// Files.
    pub count: u64,
}

/// An inclusive range of seqs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SeqRange {
    /// The first.
    pub first: u64,
    /// The last; not below the first.
    pub last: u64,
}

/// How one of the peer's streams stands with the speaker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncomingReport {
    /// The stream.
    pub stream: StreamName,
    /// The epoch that is followed; 0 before one is.
    pub epoch: u64,
    /// Durably held above the watermark, in order.
    pub held: Vec<SeqRange>,
    /// Known to exist and not here, in order.
    pub missing: Vec<SeqRange>,
    /// The group at the head of the stream, if it was refused.
    pub refused: Option<Refusal>,
    /// Why the head of the stream waits, if it does.
    pub parked: Option<Parked>,
    /// Rows of `independent` tables that were parked alone.
    pub parked_rows: u64,
    /// Applied batches that the peer has not yet echoed a report of, in order.
    pub reports: Vec<BatchReport>,
}

/// A refused group. Never database text, which quotes values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Why, from the published list.
    pub code: String,
    /// The batch.
    pub seq: u64,
    /// The table, where one row is to blame.
    pub table: Option<String>,
    /// The record in the batch, from 0, where one row is to blame.
    pub row: Option<u64>,
    /// The constraint, where the database names one.
    pub constraint: Option<String>,
}

/// A batch that waits for a stated reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parked {
    /// Why, from the published list.
    pub code: String,
    /// The batch.
    pub seq: u64,
}

/// What applying one batch did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchReport {
    /// The batch.
    pub seq: u64,
    /// Rows written or deleted.
    pub rows: u64,
    /// Rows parked.
    pub parked: u64,
    /// From taking the file to the commit, in milliseconds.
    pub wait_ms: u64,
    /// The transaction, in milliseconds.
    pub apply_ms: u64,
    /// The statement digest, when the batch took the place of another.
    pub instead: Option<Digest>,
}

/// How one of the speaker's own streams stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutgoingReport {
    /// The stream.
    pub stream: StreamName,
    /// Its epoch.
    pub epoch: u64,
    /// The id of that epoch.
    pub epoch_id: EpochId,
    /// The last seq that was published at least once; what is above is not yet due at the peer.
    pub published: u64,
    /// The age of the oldest batch not known to be applied, in milliseconds; 0 when there is none.
    pub oldest_unapplied_ms: u64,
}

/// What a zone asks its peer for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Want {
    /// What kind of work.
    pub kind: WantKind,
    /// For which stream.
    pub stream: StreamName,
    /// In which epoch.
    pub epoch: u64,
    /// For which seqs.
    pub range: SeqRange,
}

/// The kinds of work that a zone can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum WantKind {
    /// Publish these batches again at once.
    Resend,
    /// Give back batches that the asker itself once sent.
    Return,
    /// Send whole tables.
    Snapshot,
    /// Send digests to compare.
    Compare,
}

/// Files seen at the gate since the daemon started. Counters only, so that a flood cannot make a status grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Files whose name is not ours.
    pub foreign: u64,
    /// Files that no trusted key signed.
    pub unverified: u64,
    /// Files with a good signature and changed content.
    pub damaged: u64,
    /// Files that were here before.
    pub duplicate: u64,
    /// Batches refused by their statement.
    pub refused: u64,
}
