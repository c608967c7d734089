//! Two zones in memory with a gate between them that misbehaves, all drawn from one seed.

pub mod files;
pub mod store;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use ferry_core::action::{Action, OpId};
use ferry_core::contract::Contract;
use ferry_core::link::{Link, recover};
use ferry_core::perform::{Surroundings, perform};
use ferry_core::ports::Ports;
use ferry_core::settings::Settings;
use ferry_core::time::{Mono, Now};
use ferry_format::{
    BootNonce, Card, EpochId, KeyProvider, KeyState, LinkId, Mark, PublicKey, SoftKeys, StreamName, TrustEntry,
    TrustStore, ZoneName, genesis,
};

use files::{Counter, MemoryAnchor, MemoryGate, MemoryQuarantine, MemorySpool, RealSealer};
use store::{Books, In, MemoryStore, Out};

pub const CONTRACT: &str = include_str!("contract.toml");

/// A small generator of numbers (SplitMix64), so that a seed says everything.
pub struct Draw(pub u64);

impl Draw {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }

    pub fn per_cent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }
}

pub struct Faults {
    pub loss: u64,
    pub double: u64,
    pub damage: u64,
    pub restart: u64,
    pub unknown: u64,
    pub delay_max_ms: u64,
}

impl Faults {
    pub const NONE: Self = Self { loss: 0, double: 0, damage: 0, restart: 0, unknown: 0, delay_max_ms: 500 };
}

pub struct Zone {
    pub name: ZoneName,
    pub store: MemoryStore,
    pub spool: MemorySpool,
    pub gate: MemoryGate,
    pub quarantine: MemoryQuarantine,
    pub anchor: MemoryAnchor,
    pub sealer: RealSealer,
    around: Arc<Surroundings>,
    pub link: Link,
    running: Vec<(OpId, Action)>,
    boots: u8,
}

impl Zone {
    fn ports(&self) -> Ports<'_> {
        Ports {
            store: &self.store,
            spool: &self.spool,
            gate: &self.gate,
            sealer: &self.sealer,
            quarantine: &self.quarantine,
            anchor: &self.anchor,
        }
    }

    pub fn contract(&self) -> Arc<Contract> {
        self.around.contract.clone()
    }

    fn start(&mut self, now: Now, settings: &Settings) {
        self.boots += 1;
        let mut boot = [0; 16];
        boot[0] = self.boots;
        boot[1] = self.name.as_str().as_bytes()[0];
        self.running.clear();
        self.link = recover(self.around.clone(), settings.clone(), BootNonce(boot), &self.ports(), now).unwrap();
    }

    fn complete(&mut self, index: usize, now: Now) {
        let (op, action) = self.running.swap_remove(index);
        let outcome = perform(action, &self.around, &self.ports());
        self.link.handle(op, outcome, now);
    }
}

/// A file inside the gate.
pub struct InFlight {
    pub arrives: u64,
    pub to: usize,
    pub name: String,
    pub bytes: Vec<u8>,
}

pub struct World {
    pub zones: [Zone; 2],
    pub settings: Settings,
    pub faults: Faults,
    pub draw: Draw,
    pub now_ms: u64,
    /// Files that the gate has and has not delivered.
    pub gate: Vec<InFlight>,
    /// What each stream's owner has committed: lines, and the counts at which transactions end.
    pub committed: BTreeMap<StreamName, (usize, Vec<String>, Vec<usize>)>,
    pub restarts: u64,
}

pub fn settings() -> Settings {
    Settings {
        window_batches: 4,
        observe_ms: 20,
        scan_ms: 50,
        settle_ms: 200,
        heartbeat_ms: 2_000,
        handshake_ms: 300,
        status_debounce_ms: 50,
        gate_worst_ms: 3_000,
        resend_max_ms: 20_000,
        retry_ms: 50,
        note_ms: 100,
        ..Settings::default()
    }
}

pub fn card(keys: &SoftKeys, link: &LinkId, zone: &ZoneName) -> Card {
    let (sign, encrypt) = (keys.sign_public().clone(), keys.encrypt_public().clone());
    Card { link: link.clone(), zone: zone.clone(), instance: None, sign, encrypt, created_at_ms: 0 }
}

impl World {
    pub fn new(seed: u64, settings: Settings, faults: Faults) -> Self {
        let mut draw = Draw(seed);
        let contract = Arc::new(Contract::parse(CONTRACT, "contract.toml").unwrap());
        let link: LinkId = "gap".parse().unwrap();
        let names: [ZoneName; 2] = ["inner", "outer"].map(|name| name.parse().unwrap());
        let keys = [1, 2].map(|seed| SoftKeys::generate(&mut Counter(seed << 40)).unwrap());
        let cards = [0, 1].map(|index: usize| card(&keys[index], &link, &names[index]));
        let recipients: Vec<PublicKey> = cards.iter().map(|card| card.encrypt.clone()).collect();
        let mut keys = keys.into_iter();
        let now = Now { mono: Mono(0), wall_ms: 1_700_000_000_000 };
        let zones = [0, 1].map(|index: usize| {
            let (zone, peer) = (names[index].clone(), names[1 - index].clone());
            let mut trust = TrustStore::new();
            trust.add(TrustEntry::of_zone(&cards[1 - index], KeyState::Active)).unwrap();
            let sealer = RealSealer {
                keys: keys.next().unwrap(),
                recipients: recipients.clone(),
                trust,
                link: link.clone(),
                zone: zone.clone(),
                peer: peer.clone(),
                entropy: Mutex::new(Counter(draw.next() >> 8)),
                card: None,
            };
            assert_eq!(sealer.keys.sign_key_id(), cards[index].sign.id());
            let around = Arc::new(Surroundings {
                contract: contract.clone(),
                link: link.clone(),
                zone: zone.clone(),
                peer: peer.clone(),
                extension: "dat".to_owned(),
            });
            let store = MemoryStore { books: Mutex::new(books(&contract, &link, &zone, &peer)) };
            let (spool, gate, quarantine) = <(MemorySpool, MemoryGate, MemoryQuarantine)>::default();
            let anchor = MemoryAnchor::default();
            let ports = Ports {
                store: &store,
                spool: &spool,
                gate: &gate,
                sealer: &sealer,
                quarantine: &quarantine,
                anchor: &anchor,
            };
            let boot = BootNonce([u8::try_from(index).unwrap(); 16]);
            let running = recover(around.clone(), settings.clone(), boot, &ports, now).unwrap();
            Zone {
                name: zone,
                store,
                spool,
                gate,
                quarantine,
                anchor,
                sealer,
                around,
                link: running,
                running: Vec::new(),
                boots: 0,
            }
        });
        let owner = |stream: &ferry_core::contract::StreamContract| usize::from(stream.owner == names[1]);
        let committed = contract.streams().iter().map(|s| (s.name.clone(), (owner(s), Vec::new(), vec![0]))).collect();
        Self { zones, settings, faults, draw, now_ms: 0, gate: Vec::new(), committed, restarts: 0 }
    }

    pub fn now(&self) -> Now {
        Now { mono: Mono(self.now_ms), wall_ms: 1_700_000_000_000 + self.now_ms }
    }

    /// The owner of `stream` commits one transaction of `rows` new rows.
    pub fn commit(&mut self, stream: &str, rows: usize) {
        let stream: StreamName = stream.parse().unwrap();
        let (owner, lines, ends) = self.committed.get_mut(&stream).unwrap();
        let fresh: Vec<String> =
            (0..rows).map(|row| format!("[\"{stream}_row\",\"i\",{},\"text {row}\"]", lines.len() + row)).collect();
        lines.extend(fresh.iter().cloned());
        ends.push(lines.len());
        self.zones[*owner].store.commit(&stream, &fresh);
        // Boundaries are seen at ticks; each transaction is seen by itself when the zone looks after it.
        self.zones[*owner].link.hint();
    }

    /// One step: start what can be started, complete something, let the gate act, or let time pass.
    pub fn step(&mut self) {
        let now = self.now();
        for zone in &mut self.zones {
            while let Some((op, action)) = zone.link.next(now) {
                zone.running.push((op, action));
            }
        }
        self.fetch();
        self.deliver();
        if self.draw.per_cent(self.faults.restart) && self.draw.per_cent(10) {
            self.restart();
        }
        if self.draw.per_cent(self.faults.unknown) {
            let index = usize::from(self.draw.per_cent(50));
            self.zones[index].store.books.lock().unwrap().unknown_next_apply = true;
        }
        let busy: Vec<usize> = (0..2).filter(|index| !self.zones[*index].running.is_empty()).collect();
        if busy.is_empty() {
            let deadline = self.zones.iter().map(|zone| zone.link.deadline(now.mono).0).min().unwrap();
            let arrival = self.gate.iter().map(|file| file.arrives).min().unwrap_or(u64::MAX);
            self.now_ms = deadline.min(arrival).max(self.now_ms + 1);
        } else {
            let index = busy[usize::try_from(self.draw.below(busy.len() as u64)).unwrap()];
            let op = usize::try_from(self.draw.below(self.zones[index].running.len() as u64)).unwrap();
            self.zones[index].complete(op, now);
            self.now_ms += u64::from(self.draw.per_cent(30));
        }
        self.check();
    }

    /// A crash: what was under way may or may not have happened.
    fn restart(&mut self) {
        self.restarts += 1;
        let now = self.now();
        let settings = self.settings.clone();
        let index = usize::from(self.draw.per_cent(50));
        let zone = &mut self.zones[index];
        for (_, action) in std::mem::take(&mut zone.running) {
            if self.draw.per_cent(50) {
                perform(action, &zone.around, &zone.ports());
            }
        }
        zone.start(now, &settings);
    }

    /// A zone ends and starts again; nothing of its memory is left.
    pub fn restart_zone(&mut self, index: usize) {
        let (now, settings) = (self.now(), self.settings.clone());
        self.zones[index].start(now, &settings);
    }

    /// Steps until something is so.
    pub fn until(&mut self, what: &str, so: impl Fn(&Self) -> bool) {
        let end = self.now_ms + 10 * 60_000;
        while !so(self) {
            assert!(self.now_ms < end, "never: {what}\n{}", self.story());
            self.step();
        }
    }

    fn fetch(&mut self) {
        for from in 0..2 {
            let files = std::mem::take(&mut *self.zones[from].gate.to_gate.lock().unwrap());
            for (name, mut bytes) in files {
                if self.draw.per_cent(self.faults.loss) {
                    continue;
                }
                let copies = 1 + u64::from(self.draw.per_cent(self.faults.double));
                if self.draw.per_cent(self.faults.damage) {
                    let at = usize::try_from(self.draw.below(bytes.len() as u64)).unwrap();
                    if self.draw.per_cent(50) {
                        bytes[at] ^= 1;
                    } else {
                        bytes.truncate(at);
                    }
                }
                for _ in 0..copies {
                    let arrives = self.now_ms + 1 + self.draw.below(self.faults.delay_max_ms);
                    self.gate.push(InFlight { arrives, to: 1 - from, name: name.clone(), bytes: bytes.clone() });
                }
            }
        }
    }

    fn deliver(&mut self) {
        let now = self.now_ms;
        let (here, later) = std::mem::take(&mut self.gate).into_iter().partition(|file| file.arrives <= now);
        self.gate = later;
        for file in here {
            self.zones[file.to].gate.from_gate.lock().unwrap().insert(file.name, file.bytes);
        }
    }

    /// What is applied is a prefix of what was committed, and ends where a transaction ends.
    pub fn check(&self) {
        for (stream, (owner, lines, ends)) in &self.committed {
            let applied = self.zones[1 - owner].store.applied(stream);
            assert!(applied.len() <= lines.len(), "{stream}: more applied than committed");
            for (row, line) in applied.iter().zip(lines) {
                assert!(line.ends_with(&row[1..]), "{stream}: {row} applied where {line} was committed");
            }
            assert!(ends.contains(&applied.len()), "{stream}: a transaction is applied in part");
        }
    }

    pub fn is_done(&self) -> bool {
        let equal = self
            .committed
            .iter()
            .all(|(stream, (owner, lines, _))| self.zones[1 - owner].store.applied(stream).len() == lines.len());
        equal && self.zones.iter().all(|zone| zone.link.senders().all(ferry_core::sender::Sender::is_idle))
    }

    /// Faults end; everything must be applied and settled within `bound_ms`.
    pub fn settle(&mut self, bound_ms: u64) {
        self.faults = Faults::NONE;
        let end = self.now_ms + bound_ms;
        while !self.is_done() {
            assert!(self.now_ms < end, "not done {bound_ms} ms after the faults ended:\n{}", self.story());
            self.step();
        }
    }

    pub fn story(&self) -> String {
        let mut lines = Vec::new();
        for zone in &self.zones {
            for sender in zone.link.senders() {
                lines.push(format!("{} sends {sender:?}", zone.name));
            }
            for receiver in zone.link.receivers() {
                lines.push(format!("{} gets {receiver:?}", zone.name));
            }
            lines.push(format!("lock {:?}, running {:?}", zone.link.lock(), zone.running.len()));
        }
        lines.join("\n")
    }
}

fn books(contract: &Contract, link: &LinkId, zone: &ZoneName, peer: &ZoneName) -> Books {
    let mut books = Books::default();
    for stream in contract.streams() {
        if stream.owner == *peer {
            books.incoming.insert(stream.name.clone(), In::default());
            continue;
        }
        let epoch_id = EpochId([9; 8]);
        let digest = genesis(link, zone, peer, &stream.name, 1, epoch_id);
        let last = Mark { stream: stream.name.clone(), epoch: 1, seq: 0, digest };
        let out = Out {
            contract: stream.digest,
            outbox: BTreeMap::new(),
            next_id: 1,
            epoch_id,
            last: last.clone(),
            through_id: 0,
            settled: last,
            batches: BTreeMap::new(),
            begun: None,
            boundaries: BTreeMap::new(),
        };
        books.outgoing.insert(stream.name.clone(), out);
    }
    books
}
