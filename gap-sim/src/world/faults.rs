//! Everything that can go wrong in a world, by name.

use std::collections::BTreeMap;
use std::fmt;

use ferry_core::coverage::Place;

macro_rules! faults {
    ($($(#[doc = $doc:literal])* $kind:ident = $name:literal,)*) => {
        /// One kind of fault.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Fault {
            $($(#[doc = $doc])* $kind,)*
        }

        impl Fault {
            /// Every kind.
            pub const ALL: &[Self] = &[$(Self::$kind,)*];

            /// The name as reports spell it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$kind => $name,)* }
            }
        }
    };
}

faults! {
    /// Files take their time.
    Delay = "delay",
    /// The gate loses a file.
    Loss = "loss",
    /// The gate delivers a file twice.
    Duplicate = "duplicate",
    /// A file overtakes another.
    Reorder = "reorder",
    /// Files of one scan leave in the order of their names.
    Alphabetical = "alphabetical",
    /// A file arrives cut short.
    Truncate = "truncate",
    /// A file arrives with one bit flipped.
    BitFlip = "bit-flip",
    /// A file stands half written under its final name for a while.
    HalfVisible = "half-visible",
    /// A file stands under a temporary name for a while.
    TemporaryName = "temporary-name",
    /// The virus scan holds a file.
    VirusHold = "virus-hold",
    /// The virus scan removes a file.
    VirusRemoval = "virus-removal",
    /// The gate renames the source file after pick-up.
    Rename = "rename",
    /// The gate lets no file of our extension pass.
    ExtensionBlock = "extension-block",
    /// The gate lets no large file pass.
    SizeBlock = "size-block",
    /// The gate looks seldom.
    SlowScan = "slow-scan",
    /// The switch faces one side at a time.
    Switch = "switch",
    /// One way is down.
    OneWayDown = "one-way-down",
    /// The target directory is full.
    DirectoryFull = "directory-full",
    /// A host's disk is full.
    DiskFull = "disk-full",
    /// A host's disk answers with errors.
    DiskError = "disk-error",
    /// A wall clock is set.
    ClockStep = "clock-step",
    /// A clock runs fast or slow.
    ClockDrift = "clock-drift",
    /// A clock stands still, as that of a suspended machine.
    ClockStandstill = "clock-standstill",
    /// A daemon is killed between two steps of an operation.
    Crash = "crash",
    /// Power is cut: what was not synced may be lost.
    PowerCut = "power-cut",
    /// A power cut takes back what was not synced.
    LostWrites = "lost-writes",
    /// The outcome of a commit is not known.
    UnknownCommit = "unknown-commit",
    /// The database is busy.
    DatabaseBusy = "database-busy",
    /// The database has no room.
    DatabaseFull = "database-full",
    /// An old file comes again from the gate.
    Replay = "replay",
    /// A file that somebody signed with a key that nobody trusts.
    WrongKey = "wrong-key",
    /// A file that somebody signed with a stolen key of the zone.
    Forged = "forged",
    /// Very many files that nobody signed.
    Flood = "flood",
    /// An operator drops an archived file again, under another name.
    ReDrop = "re-drop",
    /// The owner's database is put back from a backup.
    OwnerRestored = "owner-restored",
    /// The receiver's database is put back from a backup.
    ReceiverRestored = "receiver-restored",
    /// The databases of both zones are put back from backups.
    BothRestored = "both-restored",
    /// The owner's disk is lost, and its database and anchor are put back from a backup.
    OwnerRebuilt = "owner-rebuilt",
    /// A zone loses its anchor.
    AnchorLost = "anchor-lost",
    /// One zone has another version of the contract for a while.
    ContractSkew = "contract-skew",
    /// A row that the receiving database does not take.
    PoisonRow = "poison-row",
    /// A row that cannot be encoded.
    UnsendableRow = "unsendable-row",
    /// Two statements for one place, both signed by the owner's key.
    TwoStatements = "two-statements",
    /// Somebody with the owner's key states the next batch before the owner does.
    StolenKey = "stolen-key",
    /// A zone gets new keys while files are on their way.
    KeysChanged = "keys-changed",
    /// A zone's key was stolen: it is revoked, and the thief goes on.
    KeyRevoked = "key-revoked",
    /// A held file rots on the disk.
    SpoolRot = "spool-rot",
    /// An operator puts a stream on hold, or lets it go on.
    OperatorHold = "operator-hold",
    /// An operator has batches sent again.
    OperatorResend = "operator-resend",
    /// An operator has batches sealed again.
    OperatorReseal = "operator-reseal",
    /// Two operators put other batches into the place of a group.
    OperatorSupersede = "operator-supersede",
    /// An operator has every row of a stream captured once more.
    OperatorLoad = "operator-load",
    /// Two operators begin another life of a stream.
    OperatorEpoch = "operator-epoch",
    /// Somebody with a stolen key of the zone begins another epoch.
    ForgedEpoch = "forged-epoch",
}

impl Fault {
    /// The places of the protocol that answer a fault of this kind; each such fault should reach one of them now and then.
    #[must_use]
    pub const fn answers(self) -> &'static [Place] {
        match self {
            Self::Delay => &[Place::DelayLearned],
            Self::Loss | Self::VirusRemoval => &[Place::ResentMissing, Place::ResentByTime],
            Self::Duplicate => &[Place::DuplicateDropped],
            Self::Reorder | Self::Alphabetical => &[Place::KeptAhead, Place::OldStatusDropped],
            Self::Truncate | Self::Flood => &[Place::UnverifiedKept],
            Self::BitFlip => &[Place::DamageTold],
            Self::HalfVisible => &[Place::LookedAgain],
            Self::TemporaryName => &[Place::ForeignLeft],
            Self::VirusHold => &[Place::Recalled, Place::KeptAhead, Place::OldStatusDropped],
            Self::Rename => &[Place::ResentMissing, Place::ResentByTime],
            Self::ExtensionBlock | Self::SizeBlock => &[Place::ManyAttempts],
            Self::SlowScan => &[Place::StatusWaits],
            Self::Switch => &[Place::WindowFull],
            Self::OneWayDown => &[Place::HeardAgain],
            Self::DirectoryFull => &[Place::ResentByTime, Place::WindowFull],
            Self::DiskFull | Self::DatabaseFull => &[Place::NoRoom],
            Self::DiskError | Self::DatabaseBusy => &[Place::TriedAgain],
            Self::ClockStep => &[Place::WallWentBack],
            Self::ClockDrift => &[Place::DelayLearned, Place::ResentByTime],
            Self::ClockStandstill => &[Place::HeardAgain, Place::WokeLate],
            Self::Crash => &[Place::TookUpWork],
            Self::PowerCut => &[Place::SpoolTakenUp],
            Self::LostWrites => &[Place::TookUpWork],
            Self::UnknownCommit => &[Place::UnknownOutcome],
            Self::Replay => &[Place::OldStatusDropped],
            Self::ReDrop => &[Place::Recalled, Place::DuplicateDropped],
            Self::WrongKey => &[Place::UnknownSigner],
            Self::Forged => &[Place::VerifiedRefused],
            Self::OwnerRestored => &[Place::RestoredLocked],
            Self::ReceiverRestored => &[Place::PeerBehind],
            Self::BothRestored => &[Place::PeerBehind, Place::RestoredLocked],
            Self::OwnerRebuilt => &[Place::ReturnApproved],
            Self::AnchorLost => &[Place::AnchorLocked],
            Self::ContractSkew => &[Place::ContractParked],
            Self::PoisonRow => &[Place::RowRefused, Place::RowParked, Place::RefusedRetried],
            Self::UnsendableRow => &[Place::Unsendable],
            Self::OperatorHold => &[Place::HoldWaits],
            Self::OperatorResend => &[Place::ActDone, Place::ActTurnedAway],
            Self::OperatorReseal => &[Place::Resealed],
            Self::OperatorLoad => &[Place::LoadDone],
            Self::OperatorEpoch => &[Place::EpochBegun, Place::EpochFollowed],
            Self::ForgedEpoch => &[Place::KeptAhead, Place::VerifiedRefused],
            Self::OperatorSupersede => &[Place::Superseded, Place::SupersededLate, Place::Displaced],
            Self::TwoStatements => &[Place::Disputed],
            Self::StolenKey => &[Place::ForeignWatermark],
            Self::KeysChanged => &[Place::CardAnnounced],
            Self::KeyRevoked => &[Place::RevokedOut, Place::RevokedKept],
            Self::SpoolRot => &[Place::SpoiledExpelled],
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

/// How often each kind has acted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FaultTally {
    counts: BTreeMap<Fault, u64>,
}

impl FaultTally {
    /// A fault acted.
    pub fn add(&mut self, fault: Fault, count: u64) {
        if count > 0 {
            *self.counts.entry(fault).or_default() += count;
        }
    }

    /// How often a kind has acted.
    #[must_use]
    pub fn of(&self, fault: Fault) -> u64 {
        self.counts.get(&fault).copied().unwrap_or(0)
    }

    /// Every kind that has acted, with how often.
    pub fn iter(&self) -> impl Iterator<Item = (Fault, u64)> + '_ {
        self.counts.iter().map(|(fault, count)| (*fault, *count))
    }
}
