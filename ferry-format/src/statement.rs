//! What a batch states: who sent which rows, in which order, under which contract.

use std::collections::BTreeMap;

use crate::{ActId, Digest, EpochId, KeyId, LinkId, Reason, StreamName, ZoneName};

/// The label before the bytes of a statement when it is digested.
pub const STATEMENT_LABEL: &[u8] = b"ferry-statement/1\n";
/// The label before the fields of a genesis digest.
pub const GENESIS_LABEL: &[u8] = b"ferry-genesis/1\n";

/// The signed statement of a batch, the same in every resend and reseal. Its digest is the batch's identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchStatement {
    /// The link that the batch belongs to.
    pub link: LinkId,
    /// The zone that owns the rows.
    pub from: ZoneName,
    /// The zone that applies them.
    pub to: ZoneName,
    /// The stream.
    pub stream: StreamName,
    /// The life of the stream, from 1.
    pub epoch: u64,
    /// The random id of that life.
    pub epoch_id: EpochId,
    /// The place in the stream, from 1.
    pub seq: u64,
    /// The group that is applied whole or not at all.
    pub group: Group,
    /// The statement digest of seq - 1, or [`genesis`] for seq 1.
    pub previous: Digest,
    /// The digest of the stream's part of the contract.
    pub contract: Digest,
    /// What other streams of the same direction must have applied first, ordered by stream.
    pub requires: Vec<Requirement>,
    /// Counts and control totals by table, ordered by table name.
    pub tables: Vec<TableSummary>,
    /// How many records the payload holds.
    pub records: u64,
    /// Length and digest of the payload, salt included.
    pub plain: Plain,
    /// When the batch was cut, in milliseconds since 1970-01-01 UTC: the sender's word only.
    pub cut_at_ms: u64,
    /// The sender's audit log when the batch was cut.
    pub audit: Checkpoint,
    /// Set when this batch takes the place of refused ones.
    pub supersedes: Option<Supersedes>,
}

/// Where a batch stands in its group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Group {
    /// The seq of the group's first batch.
    pub first: u64,
    /// The place in the group, from 0; always `seq - first`.
    pub index: u64,
    /// Whether the group ends here.
    pub last: bool,
}

/// A place in a stream, with the digest that proves which batch is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// The stream.
    pub stream: StreamName,
    /// Its epoch.
    pub epoch: u64,
    /// The place in it; 0 before the first batch.
    pub seq: u64,
    /// The statement digest at that place, or [`genesis`] at 0.
    pub digest: Digest,
}

/// What another stream must have applied before this batch may be.
pub type Requirement = Mark;

/// What one batch does to one table.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TableSummary {
    /// The table.
    pub name: String,
    /// Records that insert.
    pub inserts: u64,
    /// Records that update.
    pub updates: u64,
    /// Records that delete.
    pub deletes: u64,
    /// Sums in fen over the rows inserted and updated, by money column.
    pub totals: BTreeMap<String, i128>,
}

/// Length and SM3 of a payload, salt included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plain {
    /// Bytes.
    pub bytes: u64,
    /// SM3.
    pub sm3: Digest,
}

/// The head of a zone's audit log: how many leaves, and the root over them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checkpoint {
    /// Leaves.
    pub size: u64,
    /// Root.
    pub root: Digest,
}

/// The statement that takes the place of a refused group, approved by two operators.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Supersedes {
    /// The id of the act.
    pub act: ActId,
    /// When the act was made, in milliseconds since 1970-01-01 UTC: the operators' word only.
    pub at_ms: u64,
    /// Why.
    pub reason: Reason,
    /// The statement digests of the group that is passed over, in order of seq; then those of statements that had taken its
    /// place before and are passed over too, likewise.
    pub old: Vec<Digest>,
    /// The SM3 of the payload of each batch that takes its place, in order of seq.
    pub new: Vec<Digest>,
    /// The operators' signatures, ordered by key id; at least two.
    pub approvals: Vec<Approval>,
}

impl BatchStatement {
    /// The digest by which other batches name this place: that of the statement that stood here first.
    #[must_use]
    pub fn chain_digest(&self, own: Digest) -> Digest {
        let index = usize::try_from(self.group.index).unwrap_or(usize::MAX);
        let original = self.supersedes.as_ref().and_then(|supersedes| supersedes.old.get(index));
        original.copied().unwrap_or(own)
    }
}

/// One operator's signature under an act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// The operator's key.
    pub key: KeyId,
    /// The SM2 signature in DER.
    pub signature: Vec<u8>,
}

/// What `previous` is in the first batch of an epoch, and the digest of the place before it.
#[must_use]
pub fn genesis(
    link: &LinkId,
    from: &ZoneName,
    to: &ZoneName,
    stream: &StreamName,
    epoch: u64,
    epoch_id: EpochId,
) -> Digest {
    let fields = format!("{link}\n{from}\n{to}\n{stream}\n{epoch}\n{epoch_id}\n");
    Digest::of(&[GENESIS_LABEL, fields.as_bytes()])
}
