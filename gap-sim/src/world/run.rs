//! Runs a world: one thing after the other, in the order of its time.

use ferry_core::ports::Side;
use ferry_format::{Digest, FileName, NameKind};

use super::faults::Fault;
use super::files::{FROM_GATE, TO_GATE, spool_directory};
use super::gateway::GateEvent;
use super::host::{Acted, Step, ZoneId};
use super::lives::{self, place};
use super::nodes::counts::Counts;
use super::{CAPTURED_MAX, Crossed, Plan, World};
use crate::check::{Moment, Violation};
use crate::profile::{Order, Profile, Source};

/// Steps of a world: a run that needs more is not judged. The largest drawn worlds need some ten thousand.
pub const STEPS_MAX: u64 = 3_000_000;

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Every invariant held, and everything converged.
    Pass,
    /// An invariant was broken.
    Correctness(Violation),
    /// Something did not converge in time; what is told.
    Liveness(String),
    /// The run was not judged: it took more steps than allowed.
    Undecided,
}

/// What a run was.
#[derive(Debug, Clone)]
pub struct Report {
    /// How it ended.
    pub verdict: Verdict,
    /// The hash of its trace.
    pub hash: Digest,
    /// Lines of the trace.
    pub lines: u64,
    /// Steps of hosts and gate.
    pub steps: u64,
    /// Simulated milliseconds.
    pub simulated_ms: u64,
    /// Files that the gate picked up.
    pub files: u64,
    /// Changes that were applied.
    pub rows: u64,
    /// What the nodes did.
    pub counts: Counts,
}

impl World {
    /// Runs to the end.
    pub fn run(&mut self) -> Report {
        let mut steps = 0;
        let verdict = loop {
            if steps >= STEPS_MAX {
                break Verdict::Undecided;
            }
            match self.turn(&mut steps) {
                Ok(None) => {}
                Ok(Some(verdict)) => break verdict,
                Err(violation) => break Verdict::Correctness(violation),
            }
        };
        let tallies = self.gateways.each_ref().map(|gateway| gateway.tally().picked_up);
        Report {
            verdict,
            hash: self.trace.hash(),
            lines: self.trace.count(),
            steps,
            simulated_ms: self.now_ms,
            files: tallies.iter().sum::<u64>() + self.files_before,
            rows: self.model.streams.values().map(|stream| stream.followed).sum(),
            counts: self.counts(),
        }
    }

    /// Everything that happens at the next moment.
    fn turn(&mut self, steps: &mut u64) -> Result<Option<Verdict>, Violation> {
        let next = self.next_ms();
        self.now_ms = self.now_ms.max(next);
        if !self.is_safe && self.now_ms >= self.options.safety_ms {
            self.now_ms = self.options.safety_ms;
            self.end_faults()?;
        }
        while let Some(entry) = self.agenda.first_entry().filter(|entry| entry.key().0 <= self.now_ms) {
            let plan = entry.remove();
            self.carry_out(plan)?;
        }
        for way in 0..2 {
            if self.gateways[way].next_deadline_ms(self.now_ms) <= self.now_ms {
                let events = self.gateways[way].step(self.now_ms);
                *steps += 1;
                self.gate_events(way, events)?;
            }
        }
        for zone in ZoneId::BOTH {
            self.serve(zone, steps)?;
        }
        if self.is_safe {
            return self.judge_end();
        }
        Ok(None)
    }

    fn next_ms(&self) -> u64 {
        let agenda = self.agenda.keys().next().map_or(u64::MAX, |(at, _)| *at);
        let gates = self.gateways.iter().map(|gateway| gateway.next_deadline_ms(self.now_ms));
        let hosts = self.hosts.iter().map(|host| host.next_ms(self.now_ms));
        let end = if self.is_safe { u64::MAX } else { self.options.safety_ms };
        gates.chain(hosts).chain([agenda, end]).min().unwrap_or(end)
    }

    /// One step of a host at a time, so that the other zone's come between.
    fn serve(&mut self, zone: ZoneId, steps: &mut u64) -> Result<(), Violation> {
        if !self.host(zone).is_awake(self.now_ms) {
            return Ok(());
        }
        let now = self.now_ms;
        self.host_mut(zone).begin(now);
        while let Some(step) = self.host_mut(zone).step(now) {
            *steps += 1;
            match step {
                Step::Acted(acted) => {
                    let stopped = acted.stopped;
                    self.acted(zone, *acted)?;
                    if stopped {
                        let power = self.stopping.get(&zone).copied().unwrap_or(false);
                        self.stop_now(zone, power);
                        return self.look(&Moment::Stopped(zone));
                    }
                }
                Step::Handled(_) => {
                    self.thaw(zone);
                    self.look(&Moment::Handled(zone))?;
                }
            }
            self.host_mut(zone).begin(now);
        }
        Ok(())
    }

    fn acted(&mut self, zone: ZoneId, acted: Acted) -> Result<(), Violation> {
        self.tell(zone.name(), &acted.text);
        if let Some(failure) = &acted.failure {
            self.tell(zone.name(), failure);
        }
        self.learn_loaded(zone);
        self.learn_recorded(zone);
        self.thaw(zone);
        self.wake_node(zone);
        self.look(&Moment::Acted(zone, acted.failure))?;
        match acted.status {
            Some((statement, body)) => self.look(&Moment::Status(zone, Box::new(statement), Box::new(body))),
            None => Ok(()),
        }
    }

    /// Remembers what the owner has recorded: what its peer may apply.
    fn learn_recorded(&mut self, zone: ZoneId) {
        let database = self.hosts[zone.index()].store.database();
        for (stream, own) in &database.own {
            let Some(fate) = self.fates.get_mut(stream) else { continue };
            // A decision that a backup brought back is carried out once more, as another batch with the same rows.
            fate.learn_superseding(own);
            if fate.frozen {
                continue;
            }
            let known = fate.recorded.keys().next_back().copied().unwrap_or(0);
            for (at, recorded) in own.batches.range(known + 1..) {
                fate.recorded.insert(*at, (recorded.batch.digest, recorded.through_id));
            }
        }
    }

    /// The checkers look at the world.
    pub(super) fn look(&mut self, moment: &Moment) -> Result<(), Violation> {
        let Some(mut checkers) = self.checkers.take() else { return Ok(()) };
        let result = checkers.look(self, moment);
        self.checkers = Some(checkers);
        result
    }

    fn gate_events(&mut self, way: usize, events: Vec<GateEvent>) -> Result<(), Violation> {
        for event in events {
            let text = match &event {
                GateEvent::PickedUp(name, _) => format!("picks up {name}"),
                GateEvent::Arrived(name, damaged) => {
                    format!("delivers {name}{}", if *damaged { " damaged" } else { "" })
                }
                GateEvent::Vanished(name) => format!("loses {name}"),
                GateEvent::Refused(name) => format!("refuses {name}"),
            };
            self.tell(if way == 0 { "gate >" } else { "gate <" }, &text);
            match event {
                GateEvent::PickedUp(name, bytes) => {
                    let zone = ZoneId::BOTH[way];
                    self.capture(zone, &name, &bytes);
                    self.look(&Moment::Crosses(zone, name, bytes))?;
                }
                GateEvent::Arrived(..) => {
                    let target = ZoneId::BOTH[1 - way];
                    if let Some(link) = &mut self.host_mut(target).link {
                        link.hint_gate();
                    }
                }
                GateEvent::Vanished(_) | GateEvent::Refused(_) => {}
            }
        }
        Ok(())
    }

    fn capture(&mut self, zone: ZoneId, name: &str, bytes: &std::sync::Arc<Vec<u8>>) {
        if self.crossed.len() == CAPTURED_MAX {
            self.crossed.pop_front();
        }
        let kind = name.parse::<FileName>().ok().map(|name| name.kind);
        if let Some(NameKind::Batch { stream, epoch, seq }) = kind
            && let Some(fate) = self.fates.get_mut(&stream)
        {
            fate.sent = fate.sent.max(place(epoch, seq));
        }
        let way = World::way_from(zone);
        self.crossed.push_back(Crossed { way, name: name.to_owned(), bytes: bytes.clone() });
    }

    fn carry_out(&mut self, plan: Plan) -> Result<(), Violation> {
        match plan {
            Plan::Work => {
                self.work();
                self.look(&Moment::Committed)
            }
            Plan::Strike(fault) => {
                if !self.is_safe {
                    self.strike(fault);
                }
                self.look(&Moment::Committed)
            }
            Plan::Start(zone) => {
                self.start(zone);
                self.look(&Moment::Started(zone))
            }
            Plan::Stop(zone, power) => {
                if self.stopping.contains_key(&zone) {
                    self.stop_now(zone, power);
                }
                self.look(&Moment::Stopped(zone))
            }
            Plan::Commit(stream, rows) => {
                self.commit_rows_of(stream, rows);
                self.look(&Moment::Committed)
            }
            Plan::Say(stream, word) => {
                let stream = stream.parse().expect("a scenario names streams of its world");
                self.transact(&stream, word);
                self.look(&Moment::Committed)
            }
            Plan::Nodes(event) => {
                self.happen(event);
                self.look(&Moment::Committed)
            }
            Plan::StrikeZone(fault, zone) => {
                self.strike_at(fault, zone);
                self.look(&Moment::Committed)
            }
            Plan::Operate => {
                self.operate();
                self.look(&Moment::Committed)
            }
            quiet @ (Plan::Wake(..)
            | Plan::TurnKeys(_)
            | Plan::Thief(_)
            | Plan::FreeDisk(_)
            | Plan::OldContract(_)
            | Plan::ByHand(..)
            | Plan::Backup(_)) => {
                self.carry_out_quietly(quiet);
                Ok(())
            }
        }
    }

    /// What no checker needs to look at when it is done.
    #[expect(clippy::wildcard_enum_match_arm, reason = "the caller names each of the other kinds")]
    fn carry_out_quietly(&mut self, plan: Plan) {
        match plan {
            Plan::Wake(zone, for_ms) => {
                let now = self.now_ms;
                self.host_mut(zone).clock.stood_still(now, for_ms);
            }
            Plan::TurnKeys(zone) => {
                self.turn_keys(zone);
            }
            Plan::Thief(zone) => {
                self.thief(zone);
            }
            Plan::FreeDisk(zone) => {
                self.host(zone).disk.set_capacity(0);
            }
            Plan::OldContract(zone) => {
                self.stop_now(zone, false);
                let old = self.contract().clone();
                self.host_mut(zone).set_contract(old);
            }
            Plan::ByHand(zone, hand, part) => {
                let now = self.now_ms;
                self.tell(
                    if zone == ZoneId::Inner { "gate >" } else { "gate <" },
                    &format!("hand {} {part}", hand.name()),
                );
                self.gateways[zone.index()].by_hand(now, hand, part);
            }
            Plan::Backup(zone) => self.back_up(zone),
            _ => {}
        }
    }

    /// The daemon ends at once; later something starts it again.
    pub(super) fn stop_now(&mut self, zone: ZoneId, power: bool) {
        self.stopping.remove(&zone);
        let mut prng = self.prng.clone();
        self.prng.draw();
        let host = self.host_mut(zone);
        host.stop();
        if power {
            let lost = host.disk.cut_power(&mut prng);
            self.faults.add(Fault::LostWrites, lost);
        }
        self.tell(zone.name(), if power { "power is cut" } else { "the daemon ends" });
        if self.down.insert(zone) {
            let quick = self.prng.below(3) > 0;
            let most = if quick { 1_000 } else { 10 * self.options.settings.heartbeat_ms };
            let at = self.now_ms + self.prng.between(1, most.max(1));
            self.plan(at, Plan::Start(zone));
        }
    }

    fn start(&mut self, zone: ZoneId) {
        if self.host(zone).link.is_some() {
            return;
        }
        let now = self.now_ms;
        let fault = self.strike_start(zone);
        let started = self.host_mut(zone).start(now);
        self.learn_recorded(zone);
        if started && !self.host(zone).fuse.is_burnt() {
            self.host(zone).fuse.mend();
            self.down.remove(&zone);
            self.tell(zone.name(), "the daemon starts");
            if let Some(lock) = self.host(zone).link.as_ref().and_then(ferry_core::link::Link::lock) {
                self.tell(zone.name(), &format!("locks {}", lock.code()));
            }
            return;
        }
        let why = self.host(zone).start_failure.clone().unwrap_or_default();
        self.tell(zone.name(), &format!("the daemon does not start: {why}"));
        if let Some(fault) = fault.filter(|_| self.host(zone).fuse.is_burnt()) {
            self.faults.add(fault, 1);
            self.stop_now(zone, fault == Fault::PowerCut);
        }
        self.host_mut(zone).stop();
        let at = now + self.options.settings.retry_ms.max(1);
        self.plan(at, Plan::Start(zone));
    }

    /// A daemon may be killed, and power be cut, also while it takes up its work.
    fn strike_start(&mut self, zone: ZoneId) -> Option<Fault> {
        let kinds = [Fault::Crash, Fault::PowerCut];
        let drawn: Vec<Fault> =
            kinds.into_iter().filter(|kind| self.options.strikes.contains_key(kind) && !self.is_safe).collect();
        if drawn.is_empty() || self.prng.below(3) > 0 {
            return None;
        }
        let steps = self.prng.below(12);
        self.host(zone).fuse.light(steps);
        let which = usize::try_from(self.prng.below(drawn.len() as u64)).expect("one of two");
        Some(drawn[which])
    }

    /// Faults end: the gate behaves, hosts are mended, and what is down starts.
    fn end_faults(&mut self) -> Result<(), Violation> {
        self.is_safe = true;
        self.tell("world", "faults end");
        let clean = Profile {
            scan_interval_ms: self.options.profile.scan_interval_ms,
            delay_min_ms: self.options.profile.delay_min_ms,
            delay_mean_ms: self.options.profile.delay_mean_ms,
            delay_max_ms: self.options.profile.delay_max_ms,
            source: Source::Remove,
            order: Order::ByDelay,
            ..Profile::default()
        };
        for (index, way) in crate::Direction::ALL.into_iter().enumerate() {
            self.count_gate_faults(index);
            // Renamed files of before are the gate's own business; its operators clear them away.
            self.files_before +=
                self.gateways[index].replace(clean.clone(), self.options.seed, way, self.now_ms).picked_up;
        }
        for zone in ZoneId::BOTH {
            let host = self.host_mut(zone);
            host.disk.set_capacity(0);
            host.disk.fail_writes(0);
            host.store.mend();
            if !self.stopping.contains_key(&zone) {
                self.host(zone).fuse.mend();
            }
            if self.down.contains(&zone) {
                let now = self.now_ms;
                self.plan(now, Plan::Start(zone));
            }
        }
        // Whoever was struck and has not fallen yet falls now.
        for (zone, power) in self.stopping.clone() {
            self.stop_now(zone, power);
        }
        let rows_go_on = self.options.transactions > 0 && self.nodes.is_none();
        for stream in self.model.streams.keys().filter(|_| rows_go_on).cloned().collect::<Vec<_>>() {
            self.transact(&stream, "");
        }
        if self.options.operators {
            let now = self.now_ms;
            self.plan(now, Plan::Operate);
        }
        self.end_thefts();
        if self.nodes.is_some() {
            self.end_acts();
        }
        self.liveness_end_ms =
            self.now_ms + self.options.liveness_ms + self.rounds() * self.options.round_ms + self.load_ms();
        self.look(&Moment::FaultsEnded)
    }

    /// How many windows of batches wait, the streams one after the other as their dependence may have it.
    pub(super) fn rounds(&self) -> u64 {
        let window = self.options.settings.window_batches as u64;
        let of_stream = |plan: &super::options::StreamPlan| {
            let name = plan.name.parse::<ferry_format::StreamName>().expect("a drawn name is good");
            let model = &self.model.streams[&name];
            // A batch may hold less than its limit of rows where transactions end, and at least one.
            (model.len() - model.followed).min(2 * (model.len() - model.followed) / plan.rows + model.ends.len() as u64)
        };
        self.options.streams.iter().map(|plan| of_stream(plan).div_ceil(window)).sum()
    }

    fn count_gate_faults(&mut self, index: usize) {
        let tally = self.gateways[index].tally().clone();
        let profile = self.options.profile.clone();
        let some = |condition: bool| if condition { tally.picked_up } else { 0 };
        let counts = [
            (Fault::Delay, some(profile.delay_max_ms > 0)),
            (Fault::Loss, tally.lost),
            (Fault::Duplicate, tally.doubled),
            (Fault::Reorder, tally.reordered),
            (Fault::Alphabetical, some(profile.order == Order::Alphabetical)),
            (Fault::Truncate, tally.truncated),
            (Fault::BitFlip, tally.corrupted),
            (Fault::HalfVisible, tally.half_visible),
            (Fault::TemporaryName, tally.temporary_name),
            (Fault::VirusHold, tally.held),
            (Fault::VirusRemoval, tally.removed),
            (Fault::Rename, some(profile.source == Source::Rename)),
            (Fault::ExtensionBlock, if profile.extensions.is_empty() { 0 } else { tally.refused }),
            (Fault::SizeBlock, if profile.extensions.is_empty() { tally.refused } else { 0 }),
            (Fault::SlowScan, some(profile.scan_interval_ms * 6 > self.options.settings.heartbeat_ms)),
            (Fault::Switch, some(profile.switch_ms > 0)),
            (Fault::OneWayDown, u64::from(profile.outage.covers(crate::Direction::ALL[index]))),
        ];
        for (fault, count) in counts {
            self.faults.add(fault, count);
        }
    }

    /// Whether everything has converged that can, or it is too late.
    fn judge_end(&mut self) -> Result<Option<Verdict>, Violation> {
        let waiting = crate::check::convergence::waiting(self).or_else(|| self.nodes_wait());
        if waiting.is_none() {
            self.look(&Moment::Ended)?;
            return Ok(Some(Verdict::Pass));
        }
        if self.now_ms >= self.liveness_end_ms {
            return Ok(Some(Verdict::Liveness(waiting.unwrap_or_default())));
        }
        Ok(None)
    }

    /// Files that lie where the gate should have taken or the zone should have read them, for those who look on.
    #[must_use]
    pub fn occupancy(&self, zone: ZoneId) -> (usize, usize, usize) {
        let disk = &self.host(zone).disk;
        let ours =
            |name: &String| name.parse::<FileName>().is_ok_and(|name| matches!(name.kind, NameKind::Batch { .. }));
        let waiting = disk.names(TO_GATE).iter().filter(|name| ours(name)).count();
        (waiting, disk.names(FROM_GATE).len(), disk.names(spool_directory(Side::In)).len())
    }
}

impl World {
    /// How far the receiver of a stream has applied it.
    #[must_use]
    pub fn applied_seq(&self, stream: &ferry_format::StreamName) -> u64 {
        let receiver = self.model.streams[stream].owner.peer();
        let database = self.host(receiver).store.database();
        let followed = database.peers.get(stream).and_then(|peer| peer.followed.as_ref());
        followed.map_or(0, |(_, mark)| mark.seq)
    }

    /// Changes with everything that lies on a disk or is committed in a database.
    pub(crate) fn version(&self) -> [u64; 5] {
        let [inner, outer] = &self.hosts;
        let commits = |host: &super::host::Host| host.store.database().commits;
        let changes: u64 = self.model.streams.values().map(|stream| stream.changes.len() as u64).sum();
        [commits(inner), commits(outer), inner.disk.changes(), outer.disk.changes(), changes]
    }

    /// The model's replicas go on to what the receivers have applied.
    pub(crate) fn follow_replicas(&mut self) {
        self.learn_passed();
        let streams: Vec<ferry_format::StreamName> = self.model.streams.keys().cloned().collect();
        for stream in streams {
            if self.is_usurped(&stream) {
                continue;
            }
            let Some(model) = self.model.streams.get_mut(&stream) else { continue };
            let database = self.hosts[model.owner.peer().index()].store.database();
            lives::follow(model, &self.fates[&stream], &database.peers[&stream]);
        }
        self.learn_unparked();
    }
}
