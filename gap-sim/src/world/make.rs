//! Makes a world from what was drawn: keys, databases, hosts, the gate and the agenda.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use ferry_core::breaks::{self, Break};
use ferry_core::contract::Contract;
use ferry_core::perform::Surroundings;
use ferry_core::ports::{Anchor, AnchorStore as _, Retained};
use ferry_format::{EpochId, Instance, LinkId, Mark, StreamName, ZoneName, genesis};

use super::database::{Database, OwnStream, PeerStream};
use super::disk::Disk;
use super::faults::Fault;
use super::fuse::Fuse;
use super::gateway::Gateway;
use super::host::{Host, Parts, ZoneId};
use super::model::{Model, ModelStream};
use super::nodes::books::Books;
use super::nodes::{Event, Nodes};
use super::options::{Options, Workload};
use super::sealer::{SimSealer, card, keys_from, operators, strange_operators, strangers};
use super::store::SimStore;
use super::trace::Trace;
use super::{Fate, Plan, World};
use crate::Direction;
use crate::check::Checkers;
use crate::prng::Prng;

/// The link of every world.
pub(super) const LINK: &str = "world";
const EPOCH: u64 = 1;

pub(super) fn zone_name(zone: ZoneId) -> ZoneName {
    zone.name().parse().expect("the names of zones are good")
}

pub(super) fn link() -> LinkId {
    LINK.parse().expect("the name of the link is good")
}

pub(super) fn epoch_id(seed: u64, stream: &StreamName) -> EpochId {
    let digest = ferry_format::Digest::of(&[b"epoch\n", &seed.to_be_bytes(), stream.as_str().as_bytes()]);
    let mut id = [0; 8];
    id.copy_from_slice(&digest.0[..8]);
    EpochId(id)
}

impl World {
    /// Makes the world of some options. `keeps_lines` keeps its trace for a reader.
    ///
    /// # Panics
    /// When the drawn contract is not accepted, which is a mistake of the drawing.
    #[must_use]
    pub fn new(options: Options, keeps_lines: bool) -> Self {
        let mut world = Self::bare(options, keeps_lines);
        world.make_agenda();
        world
    }

    /// The same in which nothing is planned.
    pub(crate) fn bare(options: Options, keeps_lines: bool) -> Self {
        let parse = |text: &str| Arc::new(Contract::parse(text, "world.toml").expect("drawn contracts are good"));
        let (contract, next_contract) = (parse(&options.contract()), parse(&options.next_contract()));
        let seed = options.seed;
        let keys = ZoneId::BOTH.map(|zone| keys_from(seed ^ (0x6b65_7973 + zone.index() as u64)));
        let cards = ZoneId::BOTH.map(|zone| card(&keys[zone.index()], &link(), &zone_name(zone)));
        let mut keys = keys.into_iter();
        let operators = operators(seed);
        let operators_cards = operators_cards(seed, &operators);
        let hosts = ZoneId::BOTH.map(|zone| {
            let own_keys = keys.next().expect("there are keys for both zones");
            let (own, peer) = (&cards[zone.index()], &cards[zone.peer().index()]);
            let entropy = seed.rotate_left(17) ^ zone.index() as u64;
            let mut sealer = SimSealer::new(own_keys, own, peer, &operators_cards, entropy);
            make_mistakes(&mut sealer, seed, zone, peer);
            make_host(zone, &options, &contract, sealer)
        });
        let gateways = [
            Gateway::new(
                options.profile.clone(),
                seed,
                Direction::InnerToOuter,
                hosts[0].disk.clone(),
                hosts[1].disk.clone(),
            ),
            Gateway::new(
                options.profile.clone(),
                seed,
                Direction::OuterToInner,
                hosts[1].disk.clone(),
                hosts[0].disk.clone(),
            ),
        ];
        Self {
            now_ms: 0,
            hosts,
            gateways,
            model: model(&contract),
            fates: contract.streams().iter().map(|stream| (stream.name.clone(), Fate::default())).collect(),
            faults: super::FaultTally::default(),
            trace: Trace::new(keeps_lines),
            crossed: VecDeque::new(),
            is_safe: false,
            nodes: (options.workload == Workload::Nodes).then(|| Box::new(Nodes::new(&options))),
            contract,
            next_contract,
            checkers: Some(Checkers::new()),
            agenda: BTreeMap::new(),
            planned: 0,
            prng: Prng::fork(seed, &[0x0077_6f72_6c64]),
            backups: BTreeMap::new(),
            stopping: BTreeMap::new(),
            down: BTreeSet::new(),
            transactions_left: options.transactions,
            row_count: 0,
            files_before: 0,
            liveness_end_ms: u64::MAX,
            forged_count: 0,
            thefts: BTreeMap::new(),
            keys_made: 0,
            operators,
            acts_made: 0,
            options,
        }
    }

    fn make_agenda(&mut self) {
        let safety_ms = self.options.safety_ms;
        for zone in ZoneId::BOTH {
            let at = self.prng.below(1_000);
            self.plan(at, Plan::Start(zone));
        }
        if self.options.workload == Workload::Nodes {
            let at = self.prng.below(1 + safety_ms / 20);
            self.plan(at, Plan::Nodes(Event::Import));
        }
        let bursts = self.options.transactions.div_ceil(self.options.burst);
        for _ in 0..bursts {
            let mut at = self.prng.below(safety_ms);
            if self.options.idle {
                let tenth = safety_ms / 10;
                at = if at < safety_ms / 2 { at % tenth } else { safety_ms - 1 - at % tenth };
            }
            self.plan(at, Plan::Work);
        }
        for (fault, count) in self.options.strikes.clone() {
            for _ in 0..count {
                let at = self.prng.between(safety_ms / 20, safety_ms);
                let from_backup =
                    [Fault::OwnerRestored, Fault::ReceiverRestored, Fault::BothRestored, Fault::OwnerRebuilt];
                if from_backup.contains(&fault) {
                    let backup_at = self.prng.below(at);
                    for zone in ZoneId::BOTH {
                        self.plan(backup_at, Plan::Backup(zone));
                    }
                }
                self.plan(at, Plan::Strike(fault));
            }
        }
    }
}

fn make_host(zone: ZoneId, options: &Options, contract: &Arc<Contract>, sealer: SimSealer) -> Host {
    let fuse = Arc::new(Fuse::default());
    let disk = Arc::new(Disk::new(fuse.clone()));
    if breaks::is(Break::NoDirectorySync) {
        disk.forget_directory_syncs();
    }
    let database = database(zone, options.seed, contract);
    let anchor = Anchor {
        instance: database.instance,
        sent: database.own.values().map(|own| own.last.clone()).collect(),
        superseding: Vec::new(),
        status_next: 1,
        peer: None,
        audit: database.checkpoint(),
        before: None,
        restored: false,
    };
    let around = Surroundings {
        contract: contract.clone(),
        link: link(),
        zone: zone_name(zone),
        peer: zone_name(zone.peer()),
        extension: "dat".to_owned(),
    };
    let host = Host::new(Parts {
        id: zone,
        store: SimStore::new(database, fuse.clone()),
        disk,
        fuse,
        sealer,
        around: Arc::new(around),
        settings: options.settings.clone(),
        latency_ms: options.latency_ms,
        wall_start_ms: options.wall_start_ms,
        prng: Prng::fork(options.seed, &[0x686f_7374, zone.index() as u64]),
    });
    host.anchor.save(&anchor).expect("a new disk takes an anchor");
    host
}

fn database(zone: ZoneId, seed: u64, contract: &Contract) -> Database {
    let mut instance = [0; 16];
    let digest = ferry_format::Digest::of(&[b"instance\n", &seed.to_be_bytes(), zone.name().as_bytes()]);
    instance.copy_from_slice(&digest.0[..16]);
    empty_database(&zone_name(zone), &link(), Instance(instance), contract, |stream| epoch_id(seed, stream))
}

/// Makes a sealer trust whom it must not: for the mistakes that do.
fn make_mistakes(sealer: &mut SimSealer, seed: u64, zone: ZoneId, peer: &ferry_format::Card) {
    if breaks::is(Break::AnySigner) {
        sealer.trust_wrongly(&card(&strangers(seed), &link(), &zone_name(zone.peer())));
    }
    if breaks::is(Break::AnyLink) {
        let other = "other".parse().expect("a good name");
        sealer.trust_wrongly(&ferry_format::Card { link: other, ..peer.clone() });
    }
    if breaks::is(Break::ReturnUnverified) {
        sealer.take_for_own(&card(&strangers(seed), &link(), &zone_name(zone)));
    }
    if breaks::is(Break::OneOperator) {
        sealer.trust_beside(&strange_operators(seed).map(|keys| card(&keys, &link(), &zone_name(ZoneId::Inner))));
    }
}

/// The cards of operators whom both zones trust.
fn operators_cards(seed: u64, operators: &[ferry_format::SoftKeys]) -> Vec<ferry_format::Card> {
    let strange = if breaks::is(Break::AnyOperator) { &strange_operators(seed)[..] } else { &[] };
    operators.iter().chain(strange).map(|keys| card(keys, &link(), &zone_name(ZoneId::Inner))).collect()
}

/// A database with the streams of a contract at their beginning.
pub(super) fn empty_database(
    zone: &ZoneName,
    link: &LinkId,
    instance: Instance,
    contract: &Contract,
    epoch_id: impl Fn(&StreamName) -> EpochId,
) -> Database {
    let mut database = Database {
        instance,
        tables: BTreeMap::new(),
        own: BTreeMap::new(),
        peers: BTreeMap::new(),
        audit: BTreeMap::new(),
        applied_leaves: BTreeMap::new(),
        acts: BTreeMap::new(),
        peer_acts: BTreeMap::new(),
        on_hold: BTreeSet::new(),
        loading: BTreeMap::new(),
        passed: Vec::new(),
        unparked: Vec::new(),
        drafts: BTreeMap::new(),
        mended: false,
        retained: Retained::default(),
        status_number: 0,
        written: BTreeMap::new(),
        books: Books::default(),
        commits: 0,
    };
    for stream in contract.streams() {
        if stream.owner != *zone {
            database.peers.insert(stream.name.clone(), PeerStream::default());
            continue;
        }
        let epoch_id = epoch_id(&stream.name);
        let digest = genesis(link, &stream.owner, &stream.to, &stream.name, EPOCH, epoch_id);
        let last = Mark { stream: stream.name.clone(), epoch: EPOCH, seq: 0, digest };
        let own = OwnStream {
            outbox: BTreeMap::new(),
            last_id: 0,
            epoch_id,
            settled: last.clone(),
            last,
            through_id: 0,
            batches: BTreeMap::new(),
            numbers: BTreeMap::new(),
            boundaries: BTreeMap::new(),
            begun: None,
        };
        database.own.insert(stream.name.clone(), own);
    }
    database
}

fn model(contract: &Contract) -> Model {
    let stream_of = |stream: &ferry_core::contract::StreamContract| {
        let owner = if stream.owner == zone_name(ZoneId::Inner) { ZoneId::Inner } else { ZoneId::Outer };
        let independent = stream.tables.iter().filter(|table| table.independent).map(|table| table.name.clone());
        (stream.name.clone(), ModelStream::new(owner, independent.collect()))
    };
    Model { streams: contract.streams().iter().map(stream_of).collect() }
}
