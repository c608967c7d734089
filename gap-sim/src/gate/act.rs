//! What a gate sees and what it asks its driver to do.

use crate::profile::Source;
use std::fmt;

/// A regular file in the drop directory on the source side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Its name, without a directory.
    pub name: String,
    /// Its size in bytes at this scan.
    pub size: u64,
}

/// The number of a pick-up, counted from 0 in the order in which the gate asked for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PickUpId(pub(super) u64);

impl PickUpId {
    /// The number.
    pub const fn number(self) -> u64 {
        self.0
    }
}

impl fmt::Display for PickUpId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:012}", self.0)
    }
}

/// Which copy of a file is delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WhichCopy {
    /// The one that every file which arrives has.
    First,
    /// The one too many.
    Second,
}

/// What the driver is asked to do. Acts of one answer are done in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// Take this file into the gate, then answer [`Gate::picked_up`](super::Gate::picked_up), or
    /// [`Gate::missed`](super::Gate::missed) when it cannot be had.
    PickUp {
        /// The number of this pick-up.
        id: PickUpId,
        /// The file.
        name: String,
        /// What becomes of the source file.
        source: Source,
    },
    /// Remove a source file that may not cross.
    RemoveRefused {
        /// The file.
        name: String,
        /// Why it may not cross.
        reason: Refusal,
    },
    /// Deliver a copy, or begin to; then answer [`Gate::delivered`](super::Gate::delivered), or
    /// [`Gate::deferred`](super::Gate::deferred) when it cannot be done.
    Deliver(Delivery),
    /// Finish a copy that was begun; answered as [`Act::Deliver`].
    Complete(Delivery),
    /// Throw a file away that will never be delivered. It needs no answer.
    Discard {
        /// The pick-up.
        id: PickUpId,
        /// The file.
        name: String,
        /// Why.
        reason: Discarded,
    },
}

/// One copy on its way out of the gate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The pick-up.
    pub id: PickUpId,
    /// Which copy of it.
    pub copy: WhichCopy,
    /// The name under which it arrives.
    pub name: String,
    /// The name under which it was picked up: another one when a person exchanged it.
    pub taken_as: String,
    /// What is done to its bytes.
    pub damage: Damage,
    /// How it becomes visible.
    pub visibility: Visibility,
}

/// What is done to the bytes of a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Damage {
    /// Nothing.
    None,
    /// One bit is flipped.
    Flip {
        /// The byte, from 0.
        offset: u64,
        /// The bit, 0 to 7, from the lowest.
        bit: u8,
    },
    /// The end is cut off.
    Truncate {
        /// How many bytes are left.
        length: u64,
    },
}

/// How a copy becomes visible on the target side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visibility {
    /// Whole, at once, under its name.
    Atomic,
    /// At first only its first bytes, under its name.
    HalfVisible {
        /// How many bytes are visible at first.
        first_bytes: u64,
        /// How long that lasts.
        for_ms: u64,
    },
    /// Whole, but at first under its name followed by [`TEMPORARY_SUFFIX`](super::TEMPORARY_SUFFIX).
    TemporaryName {
        /// How long that lasts.
        for_ms: u64,
    },
}

/// Why a file may not cross.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// It has no bytes; scanners skip such files.
    Empty,
    /// It has more bytes than the profile allows.
    TooLarge,
    /// Its extension is not among those that may cross.
    Extension,
}

/// Why a file is thrown away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Discarded {
    /// It vanishes without a word.
    Lost,
    /// The virus scan removes it.
    Removed,
}
