//! Faults that strike at one moment: what they do to hosts, files and people.

use std::collections::BTreeSet;
use std::sync::Arc;

use ferry_core::contract::Tally;
use ferry_core::ports::Sealer as _;
use ferry_format::{
    BatchStatement, Checkpoint, Digest, FileName, Group, Mark, NameKind, Payload, StreamName, parse_record,
};

use super::faults::Fault;
use super::files::{ANCHOR, FROM_GATE, spool_directory};
use super::host::ZoneId;
use super::make::{epoch_id, link, zone_name};
use super::sealer::{SimSealer, card, strangers};
use super::{Plan, World};

/// Files of a flood: enough that the bounded ring turns over several times.
const FLOOD_FILES: u64 = 300;

impl World {
    /// A fault strikes.
    pub(super) fn strike(&mut self, fault: Fault) {
        let zone = if self.prng.below(2) == 0 { ZoneId::Inner } else { ZoneId::Outer };
        self.strike_at(fault, zone);
    }

    /// A fault strikes a zone; those of files and people choose theirs themselves.
    pub(super) fn strike_at(&mut self, fault: Fault, zone: ZoneId) {
        let acted = match fault {
            Fault::DirectoryFull
            | Fault::DiskFull
            | Fault::DiskError
            | Fault::ClockStep
            | Fault::ClockDrift
            | Fault::ClockStandstill
            | Fault::UnknownCommit
            | Fault::DatabaseBusy
            | Fault::DatabaseFull => self.strike_host(zone, fault),
            Fault::Crash | Fault::PowerCut => self.stop_soon(zone, fault == Fault::PowerCut),
            Fault::Replay | Fault::ReDrop => self.replay(fault == Fault::ReDrop),
            Fault::WrongKey | Fault::Forged => self.forge(fault),
            Fault::TwoStatements => self.two_statements(),
            Fault::Flood => self.flood(zone),
            Fault::OwnerRestored | Fault::ReceiverRestored => self.restore(zone, fault),
            Fault::AnchorLost => self.lose_anchor(zone),
            Fault::ContractSkew => self.skew(zone),
            Fault::PoisonRow => return self.poison(),
            Fault::UnsendableRow => return self.unsendable(),
            Fault::SpoolRot => self.rot(zone),
            // These are the gate's, and act by its profile.
            Fault::Delay
            | Fault::Loss
            | Fault::Duplicate
            | Fault::Reorder
            | Fault::Alphabetical
            | Fault::Truncate
            | Fault::BitFlip
            | Fault::HalfVisible
            | Fault::TemporaryName
            | Fault::VirusHold
            | Fault::VirusRemoval
            | Fault::Rename
            | Fault::ExtensionBlock
            | Fault::SizeBlock
            | Fault::SlowScan
            | Fault::Switch
            | Fault::OneWayDown => false,
        };
        if acted {
            self.tell(zone.name(), &format!("fault {fault}"));
            self.faults.add(fault, 1);
        }
    }

    /// A fault of one host's disk, clock or database.
    #[expect(clippy::wildcard_enum_match_arm, reason = "the caller names each of the other kinds")]
    fn strike_host(&mut self, zone: ZoneId, fault: Fault) -> bool {
        let minute = self.options.settings.heartbeat_ms;
        match fault {
            Fault::DirectoryFull => {
                let until = self.now_ms + self.prng.between(1, 10 * minute);
                self.gateways[zone.index()].fill_target(until);
            }
            Fault::DiskFull => {
                let until = self.now_ms + self.prng.between(1, 10 * minute);
                let room = self.prng.below(8_000);
                let disk = self.host(zone).disk.clone();
                disk.set_capacity(disk.used() + room + 1);
                self.plan(until, Plan::FreeDisk(zone));
            }
            Fault::DiskError => {
                let count = self.prng.between(1, 6);
                self.host(zone).disk.fail_writes(count);
            }
            Fault::ClockStep => {
                let by = i64::try_from(self.prng.between(1, 40 * 86_400_000)).unwrap_or(0);
                let back = self.prng.below(2) == 0;
                self.host_mut(zone).clock.step_wall(if back { -by } else { by });
            }
            Fault::ClockDrift => {
                let millionths = i64::try_from(self.prng.below(100_000)).unwrap_or(0) - 50_000;
                let now = self.now_ms;
                self.host_mut(zone).clock.drift(now, millionths);
            }
            Fault::ClockStandstill => {
                let for_ms = self.prng.between(1, 20 * minute);
                let until = self.now_ms + for_ms;
                self.host_mut(zone).suspended_until_ms = until;
                self.plan(until, Plan::Wake(zone, for_ms));
            }
            Fault::UnknownCommit => {
                let happens = self.prng.below(2) == 0;
                self.host(zone).store.make_unknown(happens);
            }
            Fault::DatabaseBusy => {
                let calls = self.prng.between(1, 30);
                self.host(zone).store.make_busy(calls);
            }
            Fault::DatabaseFull => {
                let commits = self.prng.between(1, 10);
                self.host(zone).store.make_full(commits);
            }
            _ => return false,
        }
        true
    }

    /// The host stops after a drawn number of steps, in the middle of whatever it does then.
    fn stop_soon(&mut self, zone: ZoneId, power: bool) -> bool {
        if self.stopping.contains_key(&zone) || self.host(zone).link.is_none() {
            return false;
        }
        let steps = self.prng.below(40);
        self.host(zone).fuse.light(steps);
        self.stopping.insert(zone, power);
        let at = self.now_ms + self.options.settings.heartbeat_ms;
        self.plan(at, Plan::Stop(zone, power));
        true
    }

    /// A file that crossed comes again, as it was or under another attempt.
    fn replay(&mut self, renamed: bool) -> bool {
        let drawn = self.prng.below(self.crossed.len().max(1) as u64);
        let Some(file) = self.crossed.get(usize::try_from(drawn).unwrap_or(0)).cloned() else { return false };
        let mut name = file.name.clone();
        if let Some(mut parsed) = file.name.parse::<FileName>().ok().filter(|_| renamed) {
            parsed.attempt += 50;
            name = parsed.to_string();
        }
        let target = if file.way == World::way_from(ZoneId::Inner) { ZoneId::Outer } else { ZoneId::Inner };
        self.drop_into(target, &name, file.bytes.to_vec());
        true
    }

    fn drop_into(&mut self, zone: ZoneId, name: &str, bytes: Vec<u8>) {
        self.host(zone).disk.put_there(&format!("{FROM_GATE}/{name}"), Some(Arc::new(bytes)), None);
    }

    fn flood(&mut self, zone: ZoneId) -> bool {
        for _ in 0..FLOOD_FILES {
            self.forged_count += 1;
            let stream = self.any_stream().expect("a world has streams");
            let name = self.file_name(
                zone.peer(),
                &stream,
                self.forged_count,
                Digest::of(&[&self.forged_count.to_be_bytes()]),
            );
            self.drop_into(zone, &name, format!("no file of anybody {}", self.forged_count).into_bytes());
        }
        true
    }

    fn file_name(&self, from: ZoneId, stream: &StreamName, seq: u64, digest: Digest) -> String {
        let kind = NameKind::Batch { stream: stream.clone(), epoch: 1, seq };
        let (from, to) = (zone_name(from), zone_name(from.peer()));
        FileName { from, to, kind, attempt: 1, digest8: digest.short(), extension: "dat".to_owned() }.to_string()
    }

    /// A file that must be turned away, signed with a key that nobody trusts or with the stolen key of the zone.
    fn forge(&mut self, fault: Fault) -> bool {
        let Some(stream) = self.any_stream() else { return false };
        let owner = self.model.streams[&stream].owner;
        let mut statement = self.next_statement(&stream);
        let sealed = if fault == Fault::WrongKey {
            let strangers = strangers(self.options.seed);
            let own = card(&strangers, &link(), &zone_name(owner));
            let peer_keys = self.host(owner.peer()).sealer.keys();
            let peer = card(peer_keys, &link(), &zone_name(owner.peer()));
            let payload = self.fill(&mut statement);
            SimSealer::new(strangers, &own, &peer, self.options.seed).seal_batch(&statement, &payload)
        } else {
            let payload = self.fill(&mut statement);
            match self.prng.below(4) {
                0 => statement.link = "other".parse().expect("a good name"),
                1 => (statement.from, statement.to) = (statement.to.clone(), statement.from.clone()),
                2 => statement.stream = self.foreign_stream(owner),
                _ => "stranger_row".clone_into(&mut statement.tables[0].name),
            }
            self.host(owner).sealer.seal_batch(&statement, &payload)
        };
        let Ok(sealed) = sealed else { return false };
        let name = self.file_name(owner, &stream, statement.seq, sealed.digest);
        self.drop_into(owner.peer(), &name, sealed.bytes);
        true
    }

    /// A stream that this zone does not own.
    fn foreign_stream(&self, owner: ZoneId) -> StreamName {
        let mut streams = self.model.streams.iter();
        let foreign = streams.find(|(_, stream)| stream.owner != owner);
        foreign.map(|(name, _)| name.clone()).expect("both zones own a stream")
    }

    /// A statement like the next one of the owner.
    fn next_statement(&self, stream: &StreamName) -> BatchStatement {
        let owner = self.model.streams[stream].owner;
        let last = self.host(owner).store.database().own[stream].last.clone();
        self.statement_after(stream, &last)
    }

    fn statement_after(&self, stream: &StreamName, last: &Mark) -> BatchStatement {
        let owner = self.model.streams[stream].owner;
        let contract = self.contract().stream(stream).expect("the model's streams are the contract's");
        BatchStatement {
            link: link(),
            from: zone_name(owner),
            to: zone_name(owner.peer()),
            stream: stream.clone(),
            epoch: last.epoch,
            epoch_id: epoch_id(self.options.seed, stream),
            seq: last.seq + 1,
            group: Group { first: last.seq + 1, index: 0, last: true },
            previous: last.digest,
            contract: contract.digest,
            requires: Vec::new(),
            tables: Vec::new(),
            records: 1,
            plain: Payload::new([0; 32]).plain(),
            cut_at_ms: 0,
            audit: Checkpoint { size: 0, root: Digest::of(&[]) },
            supersedes: None,
        }
    }

    /// Puts one row into a statement, and gives its payload.
    fn fill(&mut self, statement: &mut BatchStatement) -> Payload {
        self.forged_count += 1;
        let salt = Digest::of(&[b"forged\n", &self.forged_count.to_be_bytes()]).0;
        let line = format!("[\"{}_row\",\"i\",9000,\"forged\",1,\"forged\"]", statement.stream);
        let contract = self.contract().clone();
        let of_stream = contract.stream(&statement.stream).expect("a stream of the contract");
        let mut tally = Tally::new(of_stream);
        let record = parse_record(line.as_bytes()).expect("the line is a record");
        tally.add(&record).expect("the record is the contract's");
        statement.tables = tally.summarize();
        let mut payload = Payload::new(salt);
        payload.push(line.as_bytes()).expect("one line fits");
        statement.plain = payload.plain();
        payload
    }

    /// Somebody with the owner's key states something else for a place that the receiver holds or has applied.
    fn two_statements(&mut self) -> bool {
        let Some(stream) = self.any_stream() else { return false };
        let owner = self.model.streams[&stream].owner;
        let receiver = self.host(owner.peer());
        let Some(link) = &receiver.link else { return false };
        let Some(state) = link.receivers().find(|state| state.stream == stream) else { return false };
        let Some(mark) = state.mark().cloned() else { return false };
        let held = state.held_ranges(1).first().map(|range| range.first);
        let Some(seq) = held.or((mark.seq > 0).then_some(mark.seq)) else { return false };
        let previous = self.host(owner).store.database().own[&stream].batches.get(&seq).map(|batch| batch.previous);
        let Some(digest) = previous else { return false };
        let before = Mark { stream: stream.clone(), epoch: mark.epoch, seq: seq - 1, digest };
        let mut statement = self.statement_after(&stream, &before);
        let payload = self.fill(&mut statement);
        let Ok(sealed) = self.host(owner).sealer.seal_batch(&statement, &payload) else { return false };
        let name = self.file_name(owner, &stream, seq, sealed.digest);
        self.drop_into(owner.peer(), &name, sealed.bytes);
        if let Some(fate) = self.fates.get_mut(&stream) {
            fate.disputed = true;
        }
        true
    }

    /// A zone's database is put back from its backup; the anchor stays what it was.
    fn restore(&mut self, zone: ZoneId, fault: Fault) -> bool {
        let Some(backup) = self.backups.get(&zone).cloned() else { return false };
        let anchored = self.anchored(zone);
        let moved_out =
            backup.own.values().any(|own| own.last.seq < anchored.get(&own.last.stream).copied().unwrap_or(0));
        let wanted = fault == Fault::OwnerRestored;
        let now = self.host(zone).store.database().clone();
        let moved_in = now.peers.iter().any(|(stream, peer)| {
            let seq = |peer: &super::database::PeerStream| peer.followed.as_ref().map_or(0, |(_, mark)| mark.seq);
            backup.peers.get(stream).is_some_and(|old| seq(old) < seq(peer))
        });
        if !(if wanted { moved_out } else { moved_in }) {
            return false;
        }
        self.stop_now(zone, false);
        for (stream, own) in &backup.own {
            self.put_back_own(stream, own.last_id, own.last.seq, anchored.get(stream).copied().unwrap_or(0));
        }
        for (stream, peer) in &backup.peers {
            self.put_back_replica(stream, peer.followed.as_ref().map_or(0, |(_, mark)| mark.seq));
        }
        *self.host(zone).store.database() = backup;
        if let Some(checkers) = &mut self.checkers {
            checkers.restored(zone);
        }
        true
    }

    /// What the anchor says of each own stream.
    fn anchored(&self, zone: ZoneId) -> std::collections::BTreeMap<StreamName, u64> {
        use ferry_core::ports::AnchorStore as _;
        let anchor = self.host(zone).anchor.load().ok().flatten();
        anchor.map(|anchor| anchor.sent.into_iter().map(|mark| (mark.stream, mark.seq)).collect()).unwrap_or_default()
    }

    fn put_back_own(&mut self, stream: &StreamName, last_id: u64, last_seq: u64, anchored: u64) {
        let Some(fate) = self.fates.get_mut(stream) else { return };
        fate.put_back = true;
        if anchored > last_seq {
            fate.frozen = true;
            return;
        }
        // Nothing that the zone has lost was sent: it goes on as if it had never been.
        fate.recorded.retain(|seq, _| *seq <= last_seq);
        if let Some(model) = self.model.streams.get_mut(stream) {
            model.changes.truncate(usize::try_from(last_id).unwrap_or(usize::MAX));
            model.ends = model.ends.iter().copied().filter(|end| *end <= last_id).collect::<BTreeSet<u64>>();
            model.ends.insert(model.changes.len() as u64);
            model.poison.retain(|bad| *bad <= last_id);
        }
    }

    fn put_back_replica(&mut self, stream: &StreamName, seq: u64) {
        let Some(fate) = self.fates.get_mut(stream) else { return };
        let through = fate.recorded.get(&seq).map_or(0, |(_, through)| *through);
        let Some(model) = self.model.streams.get_mut(stream) else { return };
        if through < model.followed {
            fate.rewound = true;
            (model.followed, model.parked) = (0, 0);
            model.replica.clear();
            model.follow(fate.recorded.range(..=seq).map(|(_, (_, through))| *through));
        }
    }

    fn lose_anchor(&mut self, zone: ZoneId) -> bool {
        self.stop_now(zone, false);
        self.host(zone).disk.take_away(ANCHOR);
        let model = &self.model;
        for (_, fate) in self.fates.iter_mut().filter(|(stream, _)| model.streams[*stream].owner == zone) {
            fate.forgotten |= fate.frozen;
        }
        true
    }

    /// One zone starts with the next version of the contract, and some time later again with the old one.
    fn skew(&mut self, zone: ZoneId) -> bool {
        if self.stopping.contains_key(&zone) {
            return false;
        }
        self.stop_now(zone, false);
        let next = self.next_contract.clone();
        self.host_mut(zone).set_contract(next);
        let back = self.now_ms + self.prng.between(1, 20 * self.options.settings.heartbeat_ms);
        self.plan(back, Plan::OldContract(zone));
        true
    }

    /// Flips a bit of a held file, or takes it away.
    fn rot(&mut self, zone: ZoneId) -> bool {
        let directory = spool_directory(ferry_core::ports::Side::In);
        let disk = self.host(zone).disk.clone();
        let names: Vec<String> = disk.names(directory).into_iter().filter(|name| !name.starts_with('.')).collect();
        let drawn = self.prng.below(names.len().max(1) as u64);
        let Some(name) = names.get(usize::try_from(drawn).unwrap_or(0)) else { return false };
        let path = format!("{directory}/{name}");
        if self.prng.below(4) == 0 {
            disk.take_away(&path);
            return true;
        }
        let prng = &mut self.prng;
        disk.rot(&path, |bytes| {
            let at = usize::try_from(prng.below(bytes.len().max(1) as u64)).unwrap_or(0);
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << prng.below(8);
            }
        });
        true
    }
}
