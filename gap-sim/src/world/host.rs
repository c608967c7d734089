//! One zone: its host with disk, database and clock, and the shipped state machine that runs on it.

use std::collections::BTreeMap;
use std::sync::Arc;

use ferry_core::action::{Action, Lane, OpId, Outcome};
use ferry_core::contract::Contract;
use ferry_core::link::{Link, recover};
use ferry_core::perform::{Surroundings, perform};
use ferry_core::ports::Ports;
use ferry_core::settings::Settings;
use ferry_core::time::Now;
use ferry_format::{BootNonce, Digest, StatusBody, StatusStatement};

use super::clock::HostClock;
use super::disk::Disk;
use super::files::{SimAnchor, SimGate, SimQuarantine, SimSpool};
use super::fuse::Fuse;
use super::sealer::SimSealer;
use super::store::SimStore;
use crate::prng::Prng;

/// Which of the two zones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ZoneId {
    /// The inner zone.
    Inner,
    /// The outer zone.
    Outer,
}

impl ZoneId {
    /// Both.
    pub const BOTH: [Self; 2] = [Self::Inner, Self::Outer];

    /// The other one.
    #[must_use]
    pub const fn peer(self) -> Self {
        match self {
            Self::Inner => Self::Outer,
            Self::Outer => Self::Inner,
        }
    }

    /// Its place in arrays.
    #[must_use]
    pub const fn index(self) -> usize {
        match self {
            Self::Inner => 0,
            Self::Outer => 1,
        }
    }

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Inner => "inner",
            Self::Outer => "outer",
        }
    }
}

/// An operation on its way: it acts at one moment, and the state machine learns of it at a later one.
#[derive(Debug)]
struct Operation {
    op: OpId,
    lane: Lane,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    Waits(Box<Action>),
    Done(Box<Outcome>),
}

/// A step of a host that the world and its checkers look at.
#[derive(Debug)]
pub enum Step {
    /// An operation acted; the state machine does not know yet.
    Acted(Box<Acted>),
    /// The state machine took an outcome.
    Handled(OpId),
}

/// What an operation was, and whether the host was stopped in its middle.
#[derive(Debug)]
pub struct Acted {
    /// A line for the timeline.
    pub text: String,
    /// The status that was published, whether or not the host lived to see it.
    pub status: Option<(StatusStatement, StatusBody)>,
    /// What failed, as the log would have it.
    pub failure: Option<String>,
    /// The host was stopped in the middle of it.
    pub stopped: bool,
}

/// The order in which operations act and end: the moment, and a draw that lanes share.
type Key = (u64, u64);

/// One zone.
#[derive(Debug)]
pub struct Host {
    /// Which.
    pub id: ZoneId,
    /// Stops it between two steps.
    pub fuse: Arc<Fuse>,
    /// Its disk.
    pub disk: Arc<Disk>,
    /// Its database.
    pub store: SimStore,
    /// Its spool.
    pub spool: SimSpool,
    /// Its drop directories.
    pub gate: SimGate,
    /// Its keys and trust.
    pub sealer: SimSealer,
    /// Its quarantine.
    pub quarantine: SimQuarantine,
    /// Its anchor.
    pub anchor: SimAnchor,
    /// Its clocks.
    pub clock: HostClock,
    /// The contract that it has at the moment, and where it stands.
    pub around: Arc<Surroundings>,
    /// The state machine; `None` while the daemon is down.
    pub link: Option<Link>,
    /// Why the last start failed.
    pub start_failure: Option<String>,
    /// How often the daemon has started.
    pub boots: u64,
    settings: Settings,
    operations: BTreeMap<Key, Operation>,
    /// When each worker of a lane is free again.
    workers: BTreeMap<Lane, Vec<u64>>,
    /// The last act and the last end of each lane with one worker: it keeps the order of issue.
    last: BTreeMap<(Lane, bool), Key>,
    /// Until when the machine is suspended.
    pub suspended_until_ms: u64,
    latency_ms: u64,
    prng: Prng,
}

/// The parts of which a host is made.
#[derive(Debug)]
pub struct Parts {
    /// Which zone.
    pub id: ZoneId,
    /// Its disk.
    pub disk: Arc<Disk>,
    /// Its fuse, the one that its disk and its store burn.
    pub fuse: Arc<Fuse>,
    /// Its database.
    pub store: SimStore,
    /// Its keys and trust.
    pub sealer: SimSealer,
    /// Contract and names.
    pub around: Arc<Surroundings>,
    /// The protocol's numbers.
    pub settings: Settings,
    /// The longest time that an ordinary operation takes.
    pub latency_ms: u64,
    /// What its wall clock shows when the world begins.
    pub wall_start_ms: u64,
    /// Its own sequence of draws.
    pub prng: Prng,
}

impl Host {
    /// A host whose daemon has not started.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let Parts { id, disk, fuse, store, sealer, around, settings, latency_ms, wall_start_ms, prng } = parts;
        let gate = SimGate::new(disk.clone(), around.zone.clone(), around.peer.clone());
        Self {
            id,
            fuse,
            spool: SimSpool::new(disk.clone()),
            quarantine: SimQuarantine::new(disk.clone()),
            anchor: SimAnchor::new(disk.clone()),
            gate,
            disk,
            store,
            sealer,
            clock: HostClock::new(wall_start_ms),
            around,
            link: None,
            start_failure: None,
            boots: 0,
            settings,
            operations: BTreeMap::new(),
            last: BTreeMap::new(),
            workers: Lane::ALL.into_iter().map(|lane| (lane, vec![0; lane.workers()])).collect(),
            suspended_until_ms: 0,
            latency_ms,
            prng,
        }
    }

    /// The ports of this host.
    #[must_use]
    pub fn ports(&self) -> Ports<'_> {
        Ports {
            store: &self.store,
            spool: &self.spool,
            gate: &self.gate,
            sealer: &self.sealer,
            quarantine: &self.quarantine,
            anchor: &self.anchor,
        }
    }

    /// What its clocks show.
    #[must_use]
    pub fn now(&self, world_ms: u64) -> Now {
        self.clock.now(world_ms)
    }

    /// Starts the daemon. It may fail, as any recovery may.
    pub fn start(&mut self, world_ms: u64) -> bool {
        self.clock.restart(world_ms);
        self.boots += 1;
        let nonce = Digest::of(&[b"boot\n", self.id.name().as_bytes(), &self.boots.to_be_bytes()]);
        let mut boot = [0; 16];
        boot.copy_from_slice(&nonce.0[..16]);
        let now = self.now(world_ms);
        match recover(self.around.clone(), self.settings.clone(), BootNonce(boot), &self.ports(), now) {
            Ok(link) => {
                self.link = Some(link);
                self.start_failure = None;
                true
            }
            Err(error) => {
                self.start_failure = Some(error.to_string());
                false
            }
        }
    }

    /// The daemon is gone with everything that it had in hand.
    pub fn stop(&mut self) {
        self.link = None;
        self.operations.clear();
        self.last.clear();
        for free in self.workers.values_mut() {
            free.fill(0);
        }
        self.fuse.mend();
    }

    /// Whether the daemon runs and the machine is awake.
    #[must_use]
    pub fn is_awake(&self, world_ms: u64) -> bool {
        self.link.is_some() && world_ms >= self.suspended_until_ms
    }

    /// Starts every operation that the state machine wants.
    pub fn begin(&mut self, world_ms: u64) {
        let now = self.now(world_ms);
        let Some(mut link) = self.link.take() else { return };
        while let Some((op, action)) = link.next(now) {
            self.schedule(op, action, world_ms);
        }
        self.link = Some(link);
    }

    fn schedule(&mut self, op: OpId, action: Action, world_ms: u64) {
        let (lane, latency) = (action.lane(), self.draw_latency());
        let half = self.prng.below(latency + 1);
        let free = self.workers.get_mut(&lane).expect("every lane has workers");
        let worker = free.iter_mut().min().expect("a lane has at least one worker");
        let acts_at = world_ms.max(*worker) + half;
        *worker = acts_at + (latency - half);
        self.put(acts_at, Operation { op, lane, stage: Stage::Waits(Box::new(action)) });
    }

    /// Most operations are quick, some are slow, and one in a while is very slow.
    fn draw_latency(&mut self) -> u64 {
        match self.prng.below(200) {
            0 => self.prng.below(20 * self.latency_ms + 1),
            _ => self.prng.below(self.latency_ms + 1),
        }
    }

    fn put(&mut self, at: u64, operation: Operation) {
        let mut key = (at, self.prng.draw() >> 1);
        if operation.lane.workers() == 1 {
            let ends = matches!(operation.stage, Stage::Done(_));
            let last = self.last.entry((operation.lane, ends)).or_default();
            key = key.max((last.0, last.1 + 1));
            *last = key;
        }
        while self.operations.contains_key(&key) {
            key.1 += 1;
        }
        self.operations.insert(key, operation);
    }

    /// The next moment at which this host does something by itself.
    #[must_use]
    pub fn next_ms(&self, world_ms: u64) -> u64 {
        let Some(link) = &self.link else { return u64::MAX };
        let operation = self.operations.keys().next().map_or(u64::MAX, |(at, _)| *at);
        let deadline = self.clock.world_ms(link.deadline(self.now(world_ms).mono));
        operation.min(deadline).max(self.suspended_until_ms)
    }

    /// Runs the next operation that is due, or hands its outcome to the state machine.
    pub fn step(&mut self, world_ms: u64) -> Option<Step> {
        let key = *self.operations.keys().next().filter(|(at, _)| *at <= world_ms)?;
        let Operation { op, lane, stage } = self.operations.remove(&key)?;
        match stage {
            Stage::Waits(action) => {
                let text = super::story::describe(&action);
                let status = if let Action::PublishStatus { statement, body, .. } = &*action {
                    Some(((**statement).clone(), (**body).clone()))
                } else {
                    None
                };
                let outcome = perform(*action, &self.around, &self.ports());
                let failure = super::story::failure(&outcome);
                let stopped = self.fuse.is_burnt();
                if !stopped {
                    let at = world_ms + self.prng.below(self.latency_ms + 1);
                    self.put(at, Operation { op, lane, stage: Stage::Done(Box::new(outcome)) });
                }
                Some(Step::Acted(Box::new(Acted { text, status, failure, stopped })))
            }
            Stage::Done(outcome) => {
                let now = self.now(world_ms);
                if let Some(link) = &mut self.link {
                    link.handle(op, *outcome, now);
                }
                Some(Step::Handled(op))
            }
        }
    }

    /// The contract that it has from now on; it takes effect at the next start.
    pub fn set_contract(&mut self, contract: Arc<Contract>) {
        let mut around = Surroundings::clone(&self.around);
        around.contract = contract;
        self.around = Arc::new(around);
    }
}
