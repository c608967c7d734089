//! Faults that strike at one moment: what they do to hosts, files and people.

use std::sync::Arc;

use ferry_core::ports::Side;
use ferry_format::{Digest, FileName};

use super::faults::Fault;
use super::files::{FROM_GATE, spool_directory};
use super::host::ZoneId;
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
            Fault::ForgedEpoch => self.forge_epoch(),
            Fault::TwoStatements => self.two_statements(),
            Fault::StolenKey => self.stolen_key(),
            Fault::KeysChanged | Fault::KeyRevoked => self.strike_keys(zone, fault),
            Fault::Flood => self.flood(zone),
            Fault::OwnerRestored | Fault::ReceiverRestored => self.restore(zone, fault),
            Fault::BothRestored => self.restore_both(),
            Fault::OwnerRebuilt => self.rebuild(zone),
            Fault::AnchorLost => self.lose_anchor(zone),
            Fault::ContractSkew => self.skew(zone),
            Fault::PoisonRow => return self.poison(),
            Fault::UnsendableRow => return self.unsendable(),
            Fault::SpoolRot => self.rot(zone),
            Fault::OperatorHold
            | Fault::OperatorResend
            | Fault::OperatorReseal
            | Fault::OperatorLoad
            | Fault::OperatorEpoch
            | Fault::OperatorSupersede => self.operator_acts(zone, fault),
            // The gate's act by its profile, and what is lost is lost when power is cut.
            Fault::LostWrites
            | Fault::Delay
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

    pub(super) fn drop_into(&mut self, zone: ZoneId, name: &str, bytes: Vec<u8>) {
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
        let directory = spool_directory(Side::In);
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
