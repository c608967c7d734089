//! Deliberate mistakes, for simulated worlds that must notice them. Without the feature `breaks`, which no program that is
//! shipped has, none can be switched on and nothing of them is compiled in.

macro_rules! breaks {
    ($($(#[doc = $doc:literal])+ $kind:ident = $name:literal, $invariant:literal;)*) => {
        /// A mistake that somebody could make.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Break {
            $($(#[doc = $doc])+ $kind,)*
        }

        impl Break {
            /// Every mistake.
            pub const ALL: &[Self] = &[$(Self::$kind,)*];

            /// Its name.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$kind => $name,)* }
            }

            /// The invariant that it breaks first of all.
            #[must_use]
            pub const fn invariant(self) -> u8 {
                match self { $(Self::$kind => $invariant,)* }
            }

            /// What is done wrong.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$kind => concat!($($doc),+),)* }
            }
        }
    };
}

breaks! {
    /// Recording a batch removes one row from the outbox that is not in it.
    RecordTakesOneMore = "record-takes-one-more", 1;
    /// The owner's file is deleted when it is published.
    SpoolDeletedWhenTaken = "spool-deleted-when-taken", 1;
    /// The rows are committed before the watermark, in a transaction of their own.
    WatermarkApart = "watermark-apart", 2;
    /// A group is applied without comparing the watermark, and tried again after an unknown outcome.
    NoCompare = "no-compare", 2;
    /// Deletes are not carried over.
    DeletesDropped = "deletes-dropped", 3;
    /// Rows of a batch are applied in reverse order.
    RowsReversed = "rows-reversed", 3;
    /// A sealed file that was never recorded is sent after all, and its rows once more under the next seq.
    OrphanResealed = "orphan-resealed", 3;
    /// Rows of a load are read before the place in the outbox at which they are put.
    LoadReadEarly = "load-read-early", 3;
    /// A group ends wherever a batch is full.
    GroupEndsAnywhere = "group-ends-anywhere", 4;
    /// The batches of a group that are here are applied before the others.
    GroupInParts = "group-in-parts", 4;
    /// A parked row is kept although a later image of it is applied.
    OvertakenRowKept = "overtaken-row-kept", 4;
    /// The link that a statement names is not compared.
    AnyLink = "any-link", 5;
    /// A signature by any key is good enough.
    AnySigner = "any-signer", 5;
    /// What is taken back is not verified: neither who signed it nor whether chain and anchor name it.
    ReturnUnverified = "return-unverified", 5;
    /// Two statements for one place stop nothing.
    DisputeIgnored = "dispute-ignored", 6;
    /// A dispute is not remembered across a restart.
    DisputeForgotten = "dispute-forgotten", 6;
    /// A group that is being applied is reported as applied.
    AcknowledgedBeforeCommit = "acknowledged-before-commit", 7;
    /// A file is reported held before it is durable.
    HeldBeforeDurable = "held-before-durable", 7;
    /// Directories are not synced after a file was put into them.
    NoDirectorySync = "no-directory-sync", 7;
    /// What the peer holds counts as applied.
    HeldTakenForApplied = "held-taken-for-applied", 7;
    /// A batch is published before the anchor knows of it.
    PublishedBeforeAnchored = "published-before-anchored", 7;
    /// A hole is passed after a while.
    HolePassedByTime = "hole-passed-by-time", 8;
    /// A refused group is passed after a while.
    RefusedPassedByTime = "refused-passed-by-time", 8;
    /// Whoever signs an approval counts as an operator.
    AnyOperator = "any-operator", 8;
    /// One operator is enough to put another batch into the place of a group; who signed beside is not asked.
    OneOperator = "one-operator", 8;
    /// A newer epoch is followed as soon as a batch of it is here, whoever began it.
    EpochUnsigned = "epoch-unsigned", 5;
    /// A batch takes the place of one that is applied already.
    SupersedeAfterApply = "supersede-after-apply", 8;
    /// Batches that the peer holds go on filling the window.
    WindowIgnoresHeld = "window-ignores-held", 9;
    /// Nothing is published a second time.
    NeverResent = "never-resent", 9;
    /// Every status replaces the one before, whether or not a slow gate ever sees one twice.
    StatusAlwaysReplaced = "status-always-replaced", 9;
    /// The window has no end.
    WindowWithoutEnd = "window-without-end", 10;
    /// Files that nobody signed are all kept.
    RingWithoutEnd = "ring-without-end", 10;
    /// What cannot be sent is shown with its values.
    ValuesInStop = "values-in-stop", 11;
    /// A refusal quotes what the database said, and that quotes values.
    ValuesInRefusal = "values-in-refusal", 11;
    /// The anchor is not read.
    AnchorIgnored = "anchor-ignored", 12;
    /// A zone without its anchor sends at once.
    MissingAnchorIgnored = "missing-anchor-ignored", 12;
    /// What a part of a load does not list of its table is removed at the peer.
    LoadRemovesUnlisted = "load-removes-unlisted", 12;
    /// Status numbers begin anew at every start.
    StatusNumbersReused = "status-numbers-reused", 12;
    /// What a revoked key signed below its last good batch counts without a chain to it.
    ChainIgnored = "chain-ignored", 5;
    /// An old status counts as a new one.
    StaleStatusAccepted = "stale-status-accepted", 12;
    /// A peer's watermark is compared by its place alone.
    WatermarkWithoutDigest = "watermark-without-digest", 7;
    /// How long a batch has been archived is read from the wall clock.
    RetentionByWallClock = "retention-by-wall-clock", 7;
    /// What has been archived long enough is cleared whatever the peer says, and whatever is wrong.
    PrunedUnconfirmed = "pruned-unconfirmed", 7;
}

#[cfg(feature = "breaks")]
mod switch {
    use std::cell::Cell;

    use super::Break;

    thread_local! {
        static ON: Cell<Option<Break>> = const { Cell::new(None) };
    }

    /// Switches one mistake on in this thread, or all off.
    pub fn set(which: Option<Break>) {
        ON.set(which);
    }

    /// Whether a mistake is made.
    #[must_use]
    pub fn is(which: Break) -> bool {
        ON.get() == Some(which)
    }
}

#[cfg(feature = "breaks")]
pub use switch::{is, set};

/// Whether a mistake is made: never.
#[cfg(not(feature = "breaks"))]
#[must_use]
pub const fn is(_which: Break) -> bool {
    false
}
