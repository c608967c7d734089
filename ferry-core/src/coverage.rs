//! Named places of the protocol that simulated worlds must reach, so that a fault that strikes is known to be answered and
//! not merely survived. Without the feature `breaks`, which no program that is shipped has, nothing is counted.

macro_rules! places {
    ($($(#[doc = $doc:literal])+ $kind:ident = $name:literal;)*) => {
        /// A place where the protocol answers something that went wrong.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Place {
            $($(#[doc = $doc])+ $kind,)*
        }

        impl Place {
            /// Every place.
            pub const ALL: &[Self] = &[$(Self::$kind,)*];

            /// Its name.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$kind => $name,)* }
            }
        }
    };
}

places! {
    /// A round trip across the gate is learned.
    DelayLearned = "delay-learned";
    /// A batch is published again because its time has come.
    ResentByTime = "resent-by-time";
    /// A batch is published again because the peer reports it missing.
    ResentMissing = "resent-missing";
    /// A batch has needed five attempts.
    ManyAttempts = "many-attempts";
    /// A batch is kept ahead of a hole.
    KeptAhead = "kept-ahead";
    /// A batch that is here already is dropped.
    DuplicateDropped = "duplicate-dropped";
    /// A file of an applied batch that could not be archived is tried again.
    PutAwayLater = "put-away-later";
    /// A batch from below the watermark is looked up in the books.
    Recalled = "recalled";
    /// A status that another has overtaken is dropped.
    OldStatusDropped = "old-status-dropped";
    /// A file that may still be growing is left for a later look.
    LookedAgain = "looked-again";
    /// A file that nobody can have signed as it is goes to the ring.
    UnverifiedKept = "unverified-kept";
    /// A file whose bytes were changed after it was signed is told apart.
    DamageTold = "damage-told";
    /// A file that is not ours is left where it is.
    ForeignLeft = "foreign-left";
    /// A file by a key that is not trusted is turned away.
    UnknownSigner = "unknown-signer";
    /// A file that a trusted key signed is turned away.
    VerifiedRefused = "verified-refused";
    /// An earlier status still lies at the gate and stays there.
    StatusWaits = "status-waits";
    /// The window or the hold limit lets no more be cut.
    WindowFull = "window-full";
    /// The peer has been silent, and is heard again.
    HeardAgain = "heard-again";
    /// Something was due long ago: the machine slept, or its clock ran ahead.
    WokeLate = "woke-late";
    /// The wall clock shows a time before a batch was cut.
    WallWentBack = "wall-went-back";
    /// An operation failed for a moment and is tried again.
    TriedAgain = "tried-again";
    /// A disk has no room; the operation is tried again.
    NoRoom = "no-room";
    /// The outcome of a commit is not known, and the same is asked again.
    UnknownOutcome = "unknown-outcome";
    /// The daemon takes up batches that nobody has proved to be applied.
    TookUpWork = "took-up-work";
    /// Something durable was found in the spool at the start.
    SpoolTakenUp = "spool-taken-up";
    /// A held file turns out damaged and is set aside.
    SpoiledExpelled = "spoiled-expelled";
    /// A zone finds out that its database was put back.
    RestoredLocked = "restored-locked";
    /// The peer has forgotten what it had applied.
    PeerBehind = "peer-behind";
    /// A zone without its anchor is locked.
    AnchorLocked = "anchor-locked";
    /// A batch under a contract that is not known here is parked, or rows under one are not cut.
    ContractParked = "contract-parked";
    /// A group is refused for a row.
    RowRefused = "row-refused";
    /// Groups that waited one behind the other are applied in one transaction.
    GroupsTogether = "groups-together";
    /// Something in several groups was refused, so they are judged one at a time.
    GroupsParted = "groups-parted";
    /// A row of an independent table is parked alone.
    RowParked = "row-parked";
    /// A row cannot be encoded and stops its stream.
    Unsendable = "unsendable";
    /// Two statements came for one place.
    Disputed = "disputed";
    /// The peer has applied something under a digest that is not ours.
    ForeignWatermark = "foreign-watermark";
    /// A batch has been archived long enough.
    Pruned = "pruned";
    /// A batch has been archived long enough, and nobody confirms at the moment that it is applied.
    PruneWaits = "prune-waits";
    /// An operator's act is carried out.
    ActDone = "act-done";
    /// An operator's act is turned away.
    ActTurnedAway = "act-turned-away";
    /// An act of the peer's operators is listed.
    ActListed = "act-listed";
    /// A batch is sealed again.
    Resealed = "resealed";
    /// A refused group is judged again.
    RefusedRetried = "refused-retried";
    /// A stream on hold has something that it would do.
    HoldWaits = "hold-waits";
    /// A peer forgot what it had applied, and gets it again.
    Reopened = "reopened";
    /// A group has taken the place of a refused one at the peer.
    Superseded = "superseded";
    /// The peer had applied a group before another could take its place.
    SupersededLate = "superseded-late";
    /// A restored zone carries an act out again whose batches it has.
    SupersededAgain = "superseded-again";
    /// A held batch gives way to one that supersedes it.
    Displaced = "displaced";
    /// A zone that was put back finds one of its own batches, or is given one.
    CameBack = "came-back";
    /// Own batches are taken back into the database.
    TakenBack = "taken-back";
    /// Every row of a stream's tables was captured once more.
    LoadDone = "load-done";
    /// Operators have begun another life of an own stream.
    EpochBegun = "epoch-begun";
    /// Another life of a stream of the peer is followed, with the act that began it.
    EpochFollowed = "epoch-followed";
    /// Operators have approved a return of what lies beyond the anchor.
    ReturnApproved = "return-approved";
    /// A status announced the peer's next keys.
    CardAnnounced = "card-announced";
    /// A batch was turned away or set aside that a revoked key had signed.
    RevokedOut = "revoked-out";
    /// A batch of a revoked key counted because it chains to the last good one.
    RevokedKept = "revoked-kept";
    /// A batch was sealed anew because a key of either zone had changed.
    ResealedForKey = "resealed-for-key";
    /// A row stands against taking own batches back.
    ReturnStopped = "return-stopped";
    /// A peer that was put back is given its own batches.
    GaveBack = "gave-back";
    /// A zone that was put back has everything again.
    Unlocked = "unlocked";
}

#[cfg(feature = "breaks")]
mod seen {
    use std::cell::Cell;

    use super::Place;

    thread_local! {
        static SEEN: Cell<u64> = const { Cell::new(0) };
    }

    /// This thread has reached a place.
    pub fn hit(place: Place) {
        SEEN.set(SEEN.get() | 1 << place as u32);
    }

    /// The places that this thread has reached since it was last asked.
    #[must_use]
    pub fn take() -> Vec<Place> {
        let seen = SEEN.replace(0);
        Place::ALL.iter().copied().filter(|place| seen & 1 << *place as u32 != 0).collect()
    }
}

#[cfg(feature = "breaks")]
pub use seen::{hit, take};

/// Counts nothing.
#[cfg(not(feature = "breaks"))]
pub const fn hit(_place: Place) {}

/// Nothing was counted.
#[cfg(not(feature = "breaks"))]
#[must_use]
pub const fn take() -> Vec<Place> {
    Vec::new()
}
