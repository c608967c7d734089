//! What an act does.

use crate::batch_header::read_digests;
use crate::canon::{Value, text};
use crate::error::FormatError;
use crate::fields::Fields;
use crate::limits::{EPOCH_MAX, SEQ_MAX, SUPERSEDED_MAX};
use crate::{Digest, EpochId, Mark, StreamName};

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed {
    /// A stream stands still: its owner sends nothing of it, its receiver applies nothing of it.
    Hold {
        /// The stream.
        stream: StreamName,
    },
    /// A stream that was held goes on.
    Release {
        /// The stream.
        stream: StreamName,
    },
    /// A refused group is judged again.
    Retry {
        /// The group.
        range: ActRange,
    },
    /// Batches are published again at once.
    Resend {
        /// The batches.
        range: ActRange,
    },
    /// Batches are sealed again under the present keys, and published at once.
    Reseal {
        /// The batches.
        range: ActRange,
    },
    /// A captured row that cannot be encoded is passed over.
    Pass {
        /// The stream.
        stream: StreamName,
        /// The row's id in the outbox.
        row: u64,
        /// What crosses in its place.
        with: Substitute,
    },
    /// Parked rows of `independent` tables are tried again.
    RetryRows {
        /// The batches whose parked rows are meant.
        range: ActRange,
    },
    /// What was applied stands, although a second statement came for its place.
    Dismiss {
        /// The places.
        range: ActRange,
    },
    /// What the peer has applied beyond the anchor of a zone that was restored is this zone's own, and is taken back.
    TakeBack {
        /// The last batch of the stream that the peer has applied.
        through: Mark,
    },
    /// Every row of the stream's tables is captured once more, as it stands.
    Load {
        /// The stream.
        stream: StreamName,
    },
    /// A stream begins another life, with seq 1 again: what its peer lacks is nowhere any more.
    NewEpoch {
        /// The number of the new life.
        epoch: u64,
        /// Its random id.
        epoch_id: EpochId,
        /// The last batch of the life that ends, as its owner knows it; seq 0 and the genesis digest when it had none.
        ended: Mark,
    },
    /// Other batches take the place of a group that its receiver refuses, or that cannot reach it.
    Supersede {
        /// The stream.
        stream: StreamName,
        /// The epoch.
        epoch: u64,
        /// The id of the epoch.
        epoch_id: EpochId,
        /// The digest of the stream's contract.
        contract: Digest,
        /// The first seq of the group.
        first: u64,
        /// The statement digests that are passed over; see [`Supersedes::old`](crate::Supersedes).
        old: Vec<Digest>,
        /// The SM3 of the payload of each batch that takes their place, in order of seq.
        new: Vec<Digest>,
    },
}

/// What takes the place of a row that is passed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Substitute {
    /// Nothing: the peer keeps what it has.
    Void,
    /// The row as it stands in the table now, or its deletion when it is gone.
    Current,
}

/// Batches of one stream that an act names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActRange {
    /// The stream.
    pub stream: StreamName,
    /// The epoch.
    pub epoch: u64,
    /// The first seq.
    pub first: u64,
    /// The last seq.
    pub last: u64,
}

impl Deed {
    /// The name of the deed, as it stands in the header.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Hold { .. } => "hold",
            Self::Release { .. } => "release",
            Self::Retry { .. } => "retry",
            Self::Resend { .. } => "resend",
            Self::Reseal { .. } => "reseal",
            Self::Pass { .. } => "pass",
            Self::RetryRows { .. } => "retry-rows",
            Self::Dismiss { .. } => "dismiss",
            Self::TakeBack { .. } => "take-back",
            Self::Load { .. } => "load",
            Self::NewEpoch { .. } => "new-epoch",
            Self::Supersede { .. } => "supersede",
        }
    }

    /// The stream that it is about.
    #[must_use]
    pub const fn stream(&self) -> &StreamName {
        match self {
            Self::Hold { stream }
            | Self::Release { stream }
            | Self::Load { stream }
            | Self::Pass { stream, .. }
            | Self::Supersede { stream, .. }
            | Self::NewEpoch { ended: Mark { stream, .. }, .. }
            | Self::TakeBack { through: Mark { stream, .. } } => stream,
            Self::Retry { range }
            | Self::Resend { range }
            | Self::Reseal { range }
            | Self::RetryRows { range }
            | Self::Dismiss { range } => &range.stream,
        }
    }

    /// The first and the last seq that it names; `None` when it names no batches.
    #[must_use]
    pub fn places(&self) -> Option<(u64, u64)> {
        match self {
            Self::Retry { range }
            | Self::Resend { range }
            | Self::Reseal { range }
            | Self::RetryRows { range }
            | Self::Dismiss { range } => Some((range.first, range.last)),
            Self::Supersede { first, new, .. } => {
                let count = u64::try_from(new.len()).unwrap_or(u64::MAX);
                Some((*first, first.saturating_add(count).saturating_sub(1)))
            }
            Self::Hold { .. }
            | Self::Release { .. }
            | Self::Pass { .. }
            | Self::TakeBack { .. }
            | Self::NewEpoch { .. }
            | Self::Load { .. } => None,
        }
    }

    /// How many operators must have signed it: two where a row of the owner does not reach the peer as it was, or where a row
    /// of the peer is believed to be the owner's, or where a life of a stream ends.
    #[must_use]
    pub const fn approvals(&self) -> usize {
        match self {
            Self::Pass { .. }
            | Self::Dismiss { .. }
            | Self::TakeBack { .. }
            | Self::NewEpoch { .. }
            | Self::Supersede { .. } => 2,
            Self::Hold { .. }
            | Self::Release { .. }
            | Self::Load { .. }
            | Self::Retry { .. }
            | Self::Resend { .. }
            | Self::Reseal { .. }
            | Self::RetryRows { .. } => 1,
        }
    }

    /// Adds what the act's header tells of the deed beside its name and its stream.
    pub(crate) fn write(&self, entries: &mut Vec<(&'static str, Value)>) {
        match self {
            Self::Hold { .. } | Self::Release { .. } | Self::Load { .. } => {}
            Self::Retry { range }
            | Self::Resend { range }
            | Self::Reseal { range }
            | Self::RetryRows { range }
            | Self::Dismiss { range } => {
                entries.push(("epoch", Value::Integer(range.epoch)));
                entries.push(("first", Value::Integer(range.first)));
                entries.push(("last", Value::Integer(range.last)));
            }
            Self::TakeBack { through } => {
                entries.push(("digest", text(through.digest)));
                entries.push(("epoch", Value::Integer(through.epoch)));
                entries.push(("seq", Value::Integer(through.seq)));
            }
            Self::NewEpoch { epoch, epoch_id, ended } => {
                entries.push(("ended_digest", text(ended.digest)));
                entries.push(("ended_epoch", Value::Integer(ended.epoch)));
                entries.push(("ended_seq", Value::Integer(ended.seq)));
                entries.push(("epoch", Value::Integer(*epoch)));
                entries.push(("epoch_id", text(epoch_id)));
            }
            Self::Pass { row, with, .. } => {
                entries.push(("row", Value::Integer(*row)));
                entries.push(("with", text(substitute_name(*with))));
            }
            Self::Supersede { epoch, epoch_id, contract, first, old, new, .. } => {
                entries.push(("contract", text(contract)));
                entries.push(("epoch", Value::Integer(*epoch)));
                entries.push(("epoch_id", text(epoch_id)));
                entries.push(("first", Value::Integer(*first)));
                entries.push(("new", Value::Array(new.iter().map(text).collect())));
                entries.push(("old", Value::Array(old.iter().map(text).collect())));
            }
        }
    }

    /// Reads the deed out of an act's header.
    pub(crate) fn read(fields: &mut Fields, stream: StreamName) -> Result<Self, FormatError> {
        let name = fields.text("act")?;
        Ok(match name.as_str() {
            "hold" => Self::Hold { stream },
            "release" => Self::Release { stream },
            "load" => Self::Load { stream },
            "retry" => Self::Retry { range: read_range(fields, stream)? },
            "resend" => Self::Resend { range: read_range(fields, stream)? },
            "reseal" => Self::Reseal { range: read_range(fields, stream)? },
            "retry-rows" => Self::RetryRows { range: read_range(fields, stream)? },
            "dismiss" => Self::Dismiss { range: read_range(fields, stream)? },
            "take-back" => Self::TakeBack { through: read_mark(fields, stream)? },
            "new-epoch" => read_new_epoch(fields, stream)?,
            "supersede" => read_supersede(fields, stream)?,
            "pass" => Self::Pass { stream, row: fields.integer("row")?, with: read_substitute(fields)? },
            _ => return Err(fields.refuse("act", "is not a deed that this program knows")),
        })
    }
}

fn read_range(fields: &mut Fields, stream: StreamName) -> Result<ActRange, FormatError> {
    let (epoch, first, last) = (fields.integer("epoch")?, fields.integer("first")?, fields.integer("last")?);
    if first == 0 || first > last {
        return Err(fields.refuse("first", "must be from 1 on and not above the last"));
    }
    Ok(ActRange { stream, epoch, first, last })
}

fn read_mark(fields: &mut Fields, stream: StreamName) -> Result<Mark, FormatError> {
    let (epoch, seq) = (fields.integer("epoch")?, fields.integer("seq")?);
    Ok(Mark { stream, epoch, seq, digest: fields.parsed("digest")? })
}

fn read_new_epoch(fields: &mut Fields, stream: StreamName) -> Result<Deed, FormatError> {
    let (epoch, seq) = (fields.integer("ended_epoch")?, fields.integer("ended_seq")?);
    let ended = Mark { stream, epoch, seq, digest: fields.parsed("ended_digest")? };
    let epoch = fields.integer("epoch")?;
    if epoch > EPOCH_MAX || epoch <= ended.epoch || ended.epoch == 0 {
        return Err(fields.refuse("epoch", "must be above the epoch that ends, and within its maximum"));
    }
    if seq > SEQ_MAX {
        return Err(fields.refuse("ended_seq", "is above its maximum"));
    }
    Ok(Deed::NewEpoch { epoch, epoch_id: fields.parsed("epoch_id")?, ended })
}

fn read_supersede(fields: &mut Fields, stream: StreamName) -> Result<Deed, FormatError> {
    let deed = Deed::Supersede {
        stream,
        epoch: fields.integer("epoch")?,
        epoch_id: fields.parsed("epoch_id")?,
        contract: fields.parsed("contract")?,
        first: fields.integer("first")?,
        old: read_digests(fields, "old", SUPERSEDED_MAX)?,
        new: read_digests(fields, "new", SUPERSEDED_MAX)?,
    };
    if let Deed::Supersede { old, new, .. } = &deed
        && (new.is_empty() || old.is_empty() || !old.len().is_multiple_of(new.len()))
    {
        return Err(fields.refuse("old", "must name every batch of the group"));
    }
    Ok(deed)
}

const fn substitute_name(with: Substitute) -> &'static str {
    match with {
        Substitute::Void => "void",
        Substitute::Current => "current",
    }
}

fn read_substitute(fields: &mut Fields) -> Result<Substitute, FormatError> {
    match fields.text("with")?.as_str() {
        "void" => Ok(Substitute::Void),
        "current" => Ok(Substitute::Current),
        _ => Err(fields.refuse("with", "must be void or current")),
    }
}
