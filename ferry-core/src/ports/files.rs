//! Ports that keep or carry whole files.

use ferry_format::{
    Act, ActTime, BatchStatement, BootNonce, Checkpoint, Digest, FormatError, Instance, Mark, Payload, Sealed,
    SeqRange, SignedBatch, Status, StatusBody, StatusStatement, StreamName, Verified,
};

use super::{PortError, Standing};

/// Which batch file is meant: its place, and the digest that is its identity.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct BatchId {
    /// The stream.
    pub stream: StreamName,
    /// The epoch.
    pub epoch: u64,
    /// The place in the stream.
    pub seq: u64,
    /// The statement digest.
    pub digest: Digest,
}

impl BatchId {
    /// The batch that a statement names.
    #[must_use]
    pub fn of(statement: &BatchStatement, digest: Digest) -> Self {
        Self { stream: statement.stream.clone(), epoch: statement.epoch, seq: statement.seq, digest }
    }
}

/// Whose batches a part of the spool or the archive holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// Sealed here, for the peer.
    Out,
    /// Taken from the gate, sealed by the peer.
    In,
}

/// The zone's durable files: batches until they are applied, the archive afterwards.
pub trait Spool: Send + Sync {
    /// Makes the file durable, under its final name, whole or not at all. Writing the same batch again is no
    /// error; where it was sealed anew the later file stays.
    ///
    /// # Errors
    /// When the file is not durably there; `Conflict` when another batch in the spool has the same name.
    fn put(&self, side: Side, id: &BatchId, bytes: &[u8]) -> Result<(), PortError>;

    /// Reads a batch from the spool or, when it was archived, from the archive.
    ///
    /// # Errors
    /// `Corrupt` when it is in neither, or damaged.
    fn get(&self, side: Side, id: &BatchId) -> Result<Vec<u8>, PortError>;

    /// Every whole batch of these places, in the spool or the archive, in order of seq and digest. What cannot be read, or is
    /// not what its name says, is passed over.
    ///
    /// # Errors
    /// When a directory cannot be read.
    fn find(&self, side: Side, stream: &StreamName, epoch: u64, range: SeqRange) -> Result<Vec<BatchId>, PortError>;

    /// Every batch in the spool (not the archive) of one side, in order of stream, epoch and seq. What it names is durable:
    /// a file that a killed process had put there, and whose directory it had not synced, is synced now. A file that is not
    /// the batch that its name says is set aside.
    ///
    /// # Errors
    /// When the directory cannot be read.
    fn list(&self, side: Side) -> Result<Vec<BatchId>, PortError>;

    /// Moves batches from the spool to the archive. A batch that is archived already, whole or as a head, is no error.
    ///
    /// # Errors
    /// When one of them could not be moved; those before it were. `Corrupt` when it is in neither.
    fn archive(&self, side: Side, ids: &[BatchId]) -> Result<(), PortError>;

    /// Takes the rows out of archived batches of one epoch of a stream, up to a seq, the oldest first, at most `limit` of
    /// them: their heads stay, durable before the whole files go. Says how many that were. A file that is not the batch
    /// that its name says is set aside, one that cannot be read is passed over, and everything in the spool stays.
    ///
    /// # Errors
    /// When not all of them could be worked off; those before were.
    fn prune(
        &self,
        side: Side,
        stream: &StreamName,
        epoch: u64,
        through: u64,
        limit: usize,
    ) -> Result<usize, PortError>;

    /// Removes a sealed batch that was never recorded, and so never published. The archive keeps what it has.
    ///
    /// # Errors
    /// When the file is still there.
    fn discard(&self, side: Side, id: &BatchId) -> Result<(), PortError>;

    /// Keeps a status file that was published (`Out`) or accepted (`In`) as evidence.
    ///
    /// # Errors
    /// When it could not be written.
    fn archive_status(&self, side: Side, name: &str, bytes: &[u8]) -> Result<(), PortError>;

    /// Keeps an act that begins an epoch of this zone's (`Out`) or of the peer's (`In`) as evidence, by the SM3 of its file. The
    /// same one again is no error.
    ///
    /// # Errors
    /// When it could not be written.
    fn archive_act(&self, side: Side, digest: &Digest, bytes: &[u8]) -> Result<(), PortError>;
}

/// A file that lies in the drop directory under a name of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Its name.
    pub name: String,
    /// Its length in bytes, as the carrier wrote it.
    pub bytes: u64,
}

/// One look into the drop directory.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scan {
    /// Files with names of ours for this zone, ordered by name, at most as many as were asked for.
    pub files: Vec<Seen>,
    /// How many files lie there that are not ours. They are neither read nor removed.
    pub foreign: u64,
    /// Whether there were more files of ours than were asked for.
    pub more: bool,
}

/// The pair of drop directories. A name that is not one of ours, for the peer in `to-gate/` and for this zone in
/// `from-gate/`, is a `Conflict`: such a file is neither written, read nor removed.
pub trait Gate: Send + Sync {
    /// Puts a whole file into `to-gate/` durably: nothing half-written is ever visible. Publishing the same name again
    /// replaces the file.
    ///
    /// # Errors
    /// When the file may not be durably there.
    fn publish(&self, name: &str, bytes: &[u8]) -> Result<(), PortError>;

    /// Removes a file of ours from `to-gate/` if it still lies there: a later attempt takes its place, or the peer has it.
    ///
    /// # Errors
    /// When the file is still there.
    fn withdraw(&self, name: &str) -> Result<(), PortError>;

    /// Whether a file of ours still lies in `to-gate/`.
    ///
    /// # Errors
    /// When the directory cannot be looked into.
    fn waits(&self, name: &str) -> Result<bool, PortError>;

    /// Looks into `from-gate/`.
    ///
    /// # Errors
    /// When the directory cannot be read.
    fn scan(&self, limit: usize) -> Result<Scan, PortError>;

    /// Reads one file of `from-gate/` and undoes the carrier; `None` when it has gone.
    ///
    /// # Errors
    /// When it cannot be read. A file that the carrier cannot undo is handed over as it lies.
    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, PortError>;

    /// Removes one file of `from-gate/`; one that has gone is no error.
    ///
    /// # Errors
    /// When the file is still there.
    fn remove(&self, name: &str) -> Result<(), PortError>;
}

/// A file whose signature, link, zones and chunk digests are good.
#[derive(Debug)]
pub enum Vetted {
    /// A batch; its rows are still sealed.
    Batch(Box<Verified<SignedBatch>>),
    /// A status, opened.
    Status(Box<Verified<Status>>),
    /// A batch of this zone itself, which came back; its rows are still sealed.
    Own(Box<Verified<SignedBatch>>),
}

/// Keys and trust: seals what goes out, vets and opens what comes in.
pub trait Sealer: Send + Sync {
    /// Seals a batch to the peer and to this zone itself.
    ///
    /// # Errors
    /// When the keys cannot be used; `Conflict` when the statement is not about the payload.
    fn seal_batch(&self, statement: &BatchStatement, payload: &Payload) -> Result<Sealed, PortError>;

    /// Seals a status to the peer and to this zone itself.
    ///
    /// # Errors
    /// When the keys cannot be used.
    fn seal_status(&self, statement: &StatusStatement, body: &StatusBody) -> Result<Sealed, PortError>;

    /// 32 fresh random bytes for a payload.
    ///
    /// # Errors
    /// When there is no randomness.
    fn salt(&self) -> Result<[u8; 32], PortError>;

    /// Checks a file from the peer, or a batch of this zone itself. A batch is not decrypted.
    ///
    /// # Errors
    /// Why the file is not what it should be.
    fn vet(&self, bytes: &[u8]) -> Result<Vetted, FormatError>;

    /// Reads an act and verifies that operators whom this zone trusts have signed it, as many as its deed needs.
    ///
    /// # Errors
    /// Why it is no act, or may not be carried out.
    fn read_act(&self, file: &[u8], when: ActTime) -> Result<Act, FormatError>;

    /// How the keys of the link stand.
    fn standing(&self) -> Standing;

    /// Whether a sealed batch of this zone bears its present signature and can be opened with the present keys of both zones.
    ///
    /// # Errors
    /// When the keys cannot be used; `Corrupt` when it is no whole batch.
    fn is_current(&self, bytes: &[u8]) -> Result<bool, PortError>;

    /// Seals a batch of this zone again: the same statement and payload under a fresh key and the present signature.
    ///
    /// # Errors
    /// When the keys cannot be used; `Corrupt` when it is no whole batch of this zone.
    fn reseal(&self, bytes: &[u8]) -> Result<Sealed, PortError>;

    /// Checks and decrypts a batch of the peer.
    ///
    /// # Errors
    /// Why the file is not what it should be.
    fn open(&self, bytes: &[u8]) -> Result<Verified<ferry_format::Batch>, FormatError>;

    /// Checks and decrypts a batch of this zone itself.
    ///
    /// # Errors
    /// Why the file is not what it should be.
    fn open_own(&self, bytes: &[u8]) -> Result<Verified<ferry_format::Batch>, FormatError>;
}

/// Why a file was refused, kept beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuarantineNote {
    /// The code, from the published list.
    pub code: String,
    /// One sentence for the operator; never a value of a row.
    pub story: String,
    /// Whether a trusted key signed the file. Files that none signed go to a bounded ring.
    pub verified: bool,
    /// When, in milliseconds since 1970-01-01 UTC.
    pub at_ms: u64,
}

/// Where refused files go, with their reasons.
pub trait Quarantine: Send + Sync {
    /// Keeps a refused file. Unverified ones push out the oldest unverified ones. Files of one name are all kept, and the
    /// same content is kept once among the verified and once among the others.
    ///
    /// # Errors
    /// When it could not be written; `Conflict` when the name is no file's.
    fn put(&self, name: &str, bytes: &[u8], note: &QuarantineNote) -> Result<(), PortError>;
}

/// What a zone must not forget, kept outside its database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anchor {
    /// The database that this anchor belongs to.
    pub instance: Instance,
    /// The highest recorded batch of each own stream, ordered by stream.
    pub sent: Vec<Mark>,
    /// The last batch of each group that was superseded and is not settled, by its own digest, ordered by stream and seq; and of each
    /// stream the last one that was settled since anything else was recorded.
    pub superseding: Vec<Mark>,
    /// No status with a number at or above this has been published.
    pub status_next: u64,
    /// The highest status accepted of the peer, with its boot nonce.
    pub peer: Option<(BootNonce, u64)>,
    /// The audit log.
    pub audit: Checkpoint,
    /// What it said of the stream of which it names a life that is about to begin; of epoch 0 where it said nothing. `None` when none
    /// is about to begin.
    pub before: Option<Mark>,
    /// The peer has shown that the database is older than what was sent: it stays locked across restarts.
    pub restored: bool,
}

/// Keeps the anchor.
pub trait AnchorStore: Send + Sync {
    /// Replaces the anchor durably.
    ///
    /// # Errors
    /// When the new one is not durably there.
    fn save(&self, anchor: &Anchor) -> Result<(), PortError>;

    /// Reads the anchor; `None` when there is none.
    ///
    /// # Errors
    /// When it cannot be read or is no anchor.
    fn load(&self) -> Result<Option<Anchor>, PortError>;
}
