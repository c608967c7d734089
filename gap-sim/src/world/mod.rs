//! Worlds: two zones that run the shipped protocol on simulated hosts, with a gate between them, all from one seed.
//!
//! A world has one thread and its own time. Its seed draws the streams, the numbers of the protocol, the gate, the work of
//! the zones' programs and everything that goes wrong ([`options`]). First faults act; then they end, and everything must
//! be applied within a bound. Checkers look on all the time ([`crate::check`]).

mod acts;
mod apply;
mod backlog;
pub mod change;
pub mod clock;
#[cfg(test)]
mod conformance;
pub mod database;
pub mod disk;
pub mod faults;
pub mod files;
mod forge;
pub mod fuse;
pub mod gateway;
pub mod host;
mod keys;
pub mod lives;
mod load;
mod make;
pub mod model;
pub mod nodes;
pub mod options;
mod restore;
pub mod run;
pub mod sealer;
pub mod store;
pub mod story;
mod strike;
pub mod supersede;
mod take_back;
pub mod trace;
pub mod work;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use ferry_core::contract::Contract;
use ferry_format::{Digest, StreamName};

use crate::check::Checkers;
use crate::prng::Prng;
use crate::{Direction, Hand};
use faults::{Fault, FaultTally};
use gateway::Gateway;
use host::{Host, ZoneId};
use model::Model;
use options::Options;
use trace::Trace;

/// Files that crossed and are remembered for replays.
const CAPTURED_MAX: usize = 64;

/// Something that the world has planned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Plan {
    /// A zone's program commits transactions.
    Work,
    /// A fault strikes.
    Strike(Fault),
    /// A daemon starts.
    Start(ZoneId),
    /// A host stops if it has not yet; whether its power is cut.
    Stop(ZoneId, bool),
    /// A suspended machine wakes up after so long.
    Wake(ZoneId, u64),
    /// A disk has room again.
    FreeDisk(ZoneId),
    /// A zone gets the contract back that it had.
    OldContract(ZoneId),
    /// A backup of a zone's database is made.
    Backup(ZoneId),
    /// A zone's program commits one transaction of so many rows in a stream.
    Commit(&'static str, u64),
    /// A zone's program commits a transaction with a row that says a word.
    Say(&'static str, &'static str),
    /// An operator looks at both zones, and does what they say is to be done.
    Operate,
    /// A person does something at the gate: on the way out of a zone, to the next file whose name has this part.
    ByHand(ZoneId, Hand, &'static str),
    /// A fault strikes this zone.
    StrikeZone(Fault, ZoneId),
    /// Operators look after a zone's next keys.
    TurnKeys(ZoneId),
    /// The peer is told that a key of this zone is revoked; after that its thief makes a file.
    Thief(ZoneId),
    /// A node, or somebody around it, does something.
    Nodes(nodes::Event),
}

/// A file that crossed.
#[derive(Debug, Clone)]
pub struct Crossed {
    /// Its way.
    pub way: Direction,
    /// Its name.
    pub name: String,
    /// Its bytes.
    pub bytes: Arc<Vec<u8>>,
}

/// What the world knows of a stream beyond what the zones know.
#[derive(Debug, Clone, Default)]
pub struct Fate {
    /// Every batch that the owner ever recorded and may have published, by [place](lives): the digest, and through which change.
    pub recorded: BTreeMap<u64, (Digest, u64)>,
    /// What operators have decided to put into the places of batches, one decision after the other.
    pub instead: BTreeMap<u64, Vec<supersede::Substitute>>,
    /// The digests of batches that were sealed to supersede others, with what they hold.
    pub superseding: BTreeMap<(u64, Digest), Vec<change::Change>>,
    /// The last batch that the gate has picked up or may pick up.
    pub sent: u64,
    /// The owner's database was put back to before batches that it had sent: nothing new of it may cross.
    pub frozen: bool,
    /// The owner's database was put back: it may count fewer attempts than it has made.
    pub put_back: bool,
    /// Database and anchor of the owner were both lost: what it had sent and nobody heard of is gone.
    pub forgotten: bool,
    /// The receiver's database was put back: what it lacks may be gone from the owner's spool.
    pub rewound: bool,
    /// The last epoch for whose beginning the world was given time.
    pub timed_epoch: u64,
    /// Two statements exist for one of its places.
    pub disputed: bool,
    /// What a thief stated with the owner's key: seq and digest.
    pub stolen: BTreeSet<(u64, Digest)>,
    /// A row that cannot be encoded was captured and not passed over: nothing at or above this change may be expected.
    pub unsendable_from: Option<u64>,
    /// A row that a load captured otherwise than it stood in its table at that place of the outbox.
    pub misread: Option<String>,
}

impl Fate {
    /// Learns under which digests batches were sealed that supersede others.
    fn learn_superseding(&mut self, own: &database::OwnStream) {
        for (seq, substitutes) in &self.instead {
            let Some(recorded) = own.batches.get(seq) else { continue };
            for (digest, payload) in recorded.batch.instead.iter().zip(&recorded.payloads) {
                if let Some(substitute) = substitutes.iter().find(|one| one.payload == *payload) {
                    self.superseding.insert((*seq, *digest), substitute.changes.clone());
                }
            }
        }
    }

    /// Whether the owner has lost what it had sent, and its anchor shows it.
    #[must_use]
    pub const fn lost(&self) -> bool {
        self.frozen && !self.forgotten
    }
}

/// A world.
#[derive(Debug)]
pub struct World {
    /// What was drawn.
    pub options: Options,
    /// Milliseconds since the world began.
    pub now_ms: u64,
    /// The zones: inner, outer.
    pub hosts: [Host; 2],
    /// The ways across the gate: inner to outer, outer to inner.
    pub gateways: [Gateway; 2],
    /// What each zone must contain.
    pub model: Model,
    /// What the world knows of each stream.
    pub fates: BTreeMap<StreamName, Fate>,
    /// How often each fault has acted.
    pub faults: FaultTally,
    /// What happened.
    pub trace: Trace,
    /// Files that crossed lately.
    pub crossed: VecDeque<Crossed>,
    /// Whether faults still act.
    pub is_safe: bool,
    /// The nodes, in worlds that have them.
    pub nodes: Option<Box<nodes::Nodes>>,
    contract: Arc<Contract>,
    next_contract: Arc<Contract>,
    checkers: Option<Checkers>,
    agenda: BTreeMap<(u64, u64), Plan>,
    planned: u64,
    prng: Prng,
    backups: BTreeMap<ZoneId, restore::Backup>,
    /// Hosts that are about to stop, and whether their power is cut.
    stopping: BTreeMap<ZoneId, bool>,
    /// Zones whose daemon waits to be started.
    down: BTreeSet<ZoneId>,
    transactions_left: u64,
    row_count: u64,
    /// Files that the gate of the first phase picked up.
    files_before: u64,
    /// When everything must have converged.
    liveness_end_ms: u64,
    forged_count: u64,
    /// Keys that are in other hands, by the zone whose they were.
    thefts: BTreeMap<ZoneId, keys::Theft>,
    keys_made: u64,
    /// The keys of two operators, whom both zones trust.
    operators: [ferry_format::SoftKeys; 2],
    acts_made: u64,
}

impl World {
    /// The host of a zone.
    #[must_use]
    pub fn host(&self, zone: ZoneId) -> &Host {
        &self.hosts[zone.index()]
    }

    pub(crate) fn host_mut(&mut self, zone: ZoneId) -> &mut Host {
        &mut self.hosts[zone.index()]
    }

    /// The contract of the world.
    #[must_use]
    pub fn contract(&self) -> &Arc<Contract> {
        &self.contract
    }

    /// From now on only the checker of one invariant looks, to show what it notices by itself.
    pub fn keep_checker(&mut self, invariant: u8) {
        if let Some(checkers) = &mut self.checkers {
            checkers.keep(invariant);
        }
    }

    pub(crate) fn plan(&mut self, at_ms: u64, plan: Plan) {
        self.planned += 1;
        self.agenda.insert((at_ms, self.planned), plan);
    }

    pub(crate) fn tell(&mut self, place: &'static str, text: &str) {
        self.trace.add(self.now_ms, place, text);
    }

    /// The way out of a zone.
    #[must_use]
    pub const fn way_from(zone: ZoneId) -> Direction {
        match zone {
            ZoneId::Inner => Direction::InnerToOuter,
            ZoneId::Outer => Direction::OuterToInner,
        }
    }
}
