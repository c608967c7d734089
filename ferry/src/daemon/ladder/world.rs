//! Two zones in one process, driven as the simulator drives its own: one action at a time, on a clock that the run turns.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ferry_core::action::{Action, OpId};
use ferry_core::link::{Link, recover};
use ferry_core::perform::{Surroundings, perform};
use ferry_core::ports::Store as _;
use ferry_core::receiver::Receiver;
use ferry_core::settings::{DAY_MS, Settings};
use ferry_core::time::{Mono, Now};
use ferry_format::{BootNonce, SignedAct};
use tempfile::TempDir;

use super::judge::files_below;
use super::make;
use super::program::Program;
use super::work;
use crate::config::{Config, ZoneLock};
use crate::daemon::{ZonePorts, start};
use crate::error::Fault;
use crate::fail::plan;

/// The service manager starts a daemon again that could not start.
const START_AGAIN_MS: u64 = 1_000;
/// The wall clock at the beginning.
const WALL_MS: u64 = 1_700_000_000_000;

/// Timers that make a run short, and let a zone seldom look, tell or note anything while nothing happens; everything else is
/// as shipped.
fn settings(retention_ms: u64) -> Settings {
    Settings {
        observe_ms: 400,
        scan_ms: 400,
        settle_ms: 300,
        heartbeat_ms: 4_000,
        handshake_ms: 1_000,
        status_debounce_ms: 1_500,
        gate_worst_ms: 2_000,
        resend_max_ms: 8_000,
        retry_ms: 400,
        note_ms: 2_000,
        retention_ms,
        ..Settings::default()
    }
}

/// A zone whose daemon runs.
struct Running {
    ports: ZonePorts,
    link: Link,
    jobs: VecDeque<(OpId, Action)>,
    _lock: ZoneLock,
}

/// A zone.
pub struct Zone {
    pub config: Config,
    index: usize,
    directory: PathBuf,
    around: Arc<Surroundings>,
    contract_text: String,
    running: Option<Running>,
    start_at: u64,
    boots: u8,
    /// How long batches stay in the archive whole, from the next start on.
    pub retention_ms: u64,
    pub program: Option<Program>,
    /// Its database is being put back to a backup.
    pub is_being_restored: bool,
}

/// Both zones and what lies between them.
pub struct World {
    pub dir: TempDir,
    pub zones: [Zone; 2],
    pub now_ms: u64,
    /// Whether the gate carries nothing.
    pub gate_is_shut: bool,
    /// What the gate does with the next batch from a zone.
    pub gate_does: [Option<Mischief>; 2],
    /// Failures that were told, the last ones.
    pub told: VecDeque<String>,
    /// When a command that failed is given again.
    pub again_ms: u64,
    /// How often each zone was backed up; the last backup is the one that counts.
    pub backups: [u32; 2],
}

/// What the gate does to a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mischief {
    Lose,
    Double,
    Damage,
}

/// So many failures are shown of a run that went wrong.
const TOLD_MAX: usize = 12;

impl World {
    /// A copy of the template, with both daemons down.
    pub fn new(template: &Path) -> Self {
        let dir = make::scratch();
        make::copy(template, dir.path());
        let zones = [0, 1].map(|index| Zone::new(dir.path(), index));
        Self {
            dir,
            zones,
            now_ms: 0,
            gate_is_shut: false,
            gate_does: [None, None],
            told: VecDeque::new(),
            again_ms: 0,
            backups: [0, 0],
        }
    }

    pub const fn now(&self) -> Now {
        Now { mono: Mono(self.now_ms), wall_ms: WALL_MS + self.now_ms }
    }

    pub fn tell(&mut self, what: String) {
        if self.told.len() == TOLD_MAX {
            self.told.pop_front();
        }
        self.told.push_back(format!("{:>6} ms  {what}", self.now_ms));
    }

    /// One action of each zone, or time until something is due. Never goes beyond `until_ms`.
    pub fn step(&mut self, until_ms: u64) {
        self.carry();
        let mut worked = false;
        for index in [0, 1] {
            worked |= self.work(index);
        }
        if worked {
            self.now_ms += 1;
            return;
        }
        let due = self.zones.iter().map(|zone| zone.due(self.now_ms)).min().unwrap_or(until_ms);
        self.now_ms = due.min(until_ms).max(self.now_ms + 1);
    }

    /// Does one thing in a zone. Returns whether there was one.
    fn work(&mut self, index: usize) -> bool {
        let now = self.now();
        if self.zones[index].running.is_none() {
            if self.now_ms < self.zones[index].start_at {
                return false;
            }
            self.try_start(index);
            return true;
        }
        let zone = &mut self.zones[index];
        let running = zone.running.as_mut().unwrap();
        while let Some(job) = running.link.next(now) {
            running.jobs.push_back(job);
        }
        let Some((op, action)) = running.jobs.pop_front() else { return false };
        let name = work::name_of(&action);
        let outcome = plan::within(index, now.mono.0, name, || perform(action, &zone.around, &running.ports.ports()));
        running.link.handle(op, outcome, now);
        for (what, text) in running.link.take_faults() {
            self.tell(format!("{} {what}: {text}", make::NAMES[index]));
        }
        true
    }

    /// Starts a zone's daemon; when that fails it is started again after a while.
    pub fn try_start(&mut self, index: usize) {
        if let Err(fault) = self.start(index) {
            self.tell(format!("{} does not start: {fault}", make::NAMES[index]));
            self.zones[index].start_at = self.now_ms + START_AGAIN_MS;
        }
    }

    /// Starts a zone's daemon, as the daemon itself does it.
    pub fn start(&mut self, index: usize) -> Result<(), Fault> {
        let now = self.now();
        let zone = &mut self.zones[index];
        zone.boots += 1;
        let boot = BootNonce([zone.boots, u8::try_from(index).unwrap(), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        zone.running = Some(plan::within(index, now.mono.0, work::START, || zone.open(boot, now))?);
        Ok(())
    }

    /// Ends a zone's daemon as a kill does; whatever it had begun and not done is forgotten.
    pub fn kill(&mut self, index: usize) {
        self.zones[index].running = None;
        self.zones[index].start_at = self.now_ms;
    }

    /// Ends a zone's daemon in order, and has it started again.
    pub fn restart(&mut self, index: usize) {
        self.stop(index);
        self.zones[index].start_at = self.now_ms;
    }

    /// Ends a zone's daemon in order.
    pub fn stop(&mut self, index: usize) {
        let now = self.now();
        let zone = &mut self.zones[index];
        let Some(mut running) = zone.running.take() else { return };
        plan::within(index, now.mono.0, work::STOP, || {
            for (op, action) in std::mem::take(&mut running.jobs) {
                let outcome = perform(action, &zone.around, &running.ports.ports());
                running.link.handle(op, outcome, now);
            }
            // The daemon logs what fails here, and ends.
            let notes = running.link.last_notes(now);
            let _noted = running.ports.store.note(&notes);
            let _closed = running.ports.store.close();
        });
        zone.start_at = u64::MAX;
    }

    /// The gate takes what lies in one drop directory to the other.
    fn carry(&mut self) {
        if self.gate_is_shut {
            return;
        }
        for from in [0, 1] {
            for name in names(&self.zones[from].config.gate.to_gate) {
                self.carry_one(from, &name);
            }
        }
    }

    fn carry_one(&mut self, from: usize, name: &str) {
        let here = self.zones[from].config.gate.to_gate.join(name);
        let to = self.zones[1 - from].config.gate.from_gate.clone();
        let is_batch = !name.contains("-status-");
        let mischief = if is_batch { self.gate_does[from].take() } else { None };
        match mischief {
            Some(Mischief::Lose) => return std::fs::remove_file(here).unwrap(),
            Some(Mischief::Double) => {
                let again = name.replace("-a1-", "-a99-");
                let bytes = std::fs::read(&here).unwrap();
                arrive(&to, &again, &bytes);
            }
            Some(Mischief::Damage) => {
                let mut bytes = std::fs::read(&here).unwrap();
                let middle = bytes.len() / 2;
                bytes[middle] ^= 1;
                std::fs::remove_file(&here).unwrap();
                return arrive(&to, name, &bytes);
            }
            None => {}
        }
        let bytes = std::fs::read(&here).unwrap();
        std::fs::remove_file(here).unwrap();
        arrive(&to, name, &bytes);
    }

    /// Whether both zones run, everything captured is settled under its own digest, and no batch lies at the gate.
    pub fn is_settled(&mut self) -> bool {
        let Self { zones, .. } = self;
        let at_rest = zones.iter().all(|zone| {
            zone.running.as_ref().is_some_and(|running| {
                running.link.lock().is_none() && running.link.senders().all(|sender| sender.is_idle())
            })
        });
        at_rest && self.outboxes_are_empty() && self.zones.iter().all(|zone| zone.batches_at_gate().is_empty())
    }

    /// Whether the peer refuses the first own batch that is not known to be applied.
    pub fn is_refused(&self, index: usize) -> bool {
        let (peer, open) = (&self.zones[1 - index].running, self.first_open(index));
        let refused = peer.iter().flat_map(|running| running.link.receivers()).find_map(Receiver::refused);
        self.zones[index].running.is_some() && refused.is_some_and(|refused| refused.seq == open)
    }

    /// The first own batch that is not applied.
    pub fn first_open(&self, index: usize) -> u64 {
        let running = self.zones[index].running.as_ref();
        running.and_then(|running| running.link.senders().next()).map_or(1, |sender| sender.settled().seq + 1)
    }

    /// Where the last backup of a zone lies.
    pub fn backup(&self, index: usize) -> String {
        self.dir.path().join(format!("backup-{index}-{}", self.backups[index])).display().to_string()
    }

    /// Whether no sealed file waits in a spool.
    pub fn spools_are_empty(&self) -> bool {
        self.zones.iter().all(|zone| batches_below(&zone.config.paths.spool) == 0)
    }

    /// Whether only heads are left of archived batches.
    pub fn rows_have_left_the_archives(&self) -> bool {
        self.zones.iter().all(|zone| batches_below(&zone.config.paths.archive) == 0)
    }

    /// Whether every captured change is in a batch.
    pub fn outboxes_are_empty(&mut self) -> bool {
        let mut waiting = 0;
        for (zone, stream) in self.zones.iter_mut().zip(["notice", "confirm"]) {
            waiting += zone.program().number(&format!(
                "SELECT count(*) FROM \"ferry_outbox_ladder_{stream}\" \
                 WHERE id > (SELECT through_id FROM ferry_stream_out WHERE stream = '{stream}')"
            ));
        }
        waiting == 0
    }

    /// How the zones stand, for a run that went wrong.
    pub fn story(&mut self) -> String {
        let mut lines: Vec<String> = self.told.iter().cloned().collect();
        for zone in &mut self.zones {
            let name = make::NAMES[zone.index];
            lines.extend(zone.acts().into_iter().map(|act| format!("{name} has act {act}")));
            let left = zone.batches_at_gate().into_iter().chain(files_below(&zone.config.paths.spool));
            lines.extend(left.map(|path| format!("{name} has {}", path.display())));
            let Some(running) = &zone.running else {
                lines.push(format!("{name} is down"));
                continue;
            };
            for sender in running.link.senders() {
                let (sent, settled) = (sender.last_recorded().seq, sender.settled().seq);
                let (stopped, damaged, idle) = (sender.stopped(), sender.damaged(), sender.is_idle());
                lines.push(format!(
                    "{name} sends {}: recorded {sent}, settled {settled}, idle {idle}, stopped {stopped:?}, damaged {damaged:?}",
                    sender.stream
                ));
            }
            for receiver in running.link.receivers() {
                let (applied, held, refused) =
                    (receiver.mark().map(|mark| mark.seq), receiver.held_bytes(), receiver.refused());
                lines.push(format!(
                    "{name} gets {}: applied {applied:?}, {held} bytes held, refused {refused:?}",
                    receiver.stream
                ));
            }
            let (lock, alarm, jobs) = (running.link.lock(), running.link.alarm(), running.jobs.len());
            lines.push(format!("{name} at {} ms: lock {lock:?}, alarm {alarm:?}, {jobs} jobs", self.now_ms));
        }
        lines.join("\n")
    }
}

impl Zone {
    fn new(directory: &Path, index: usize) -> Self {
        let config = make::config(directory, index);
        let (around, contract_text) = start::surroundings(&config).unwrap();
        let program = Some(Program::open(&config.database.path));
        let around = Arc::new(around);
        Self {
            config,
            index,
            directory: directory.join(make::NAMES[index]),
            around,
            contract_text,
            running: None,
            start_at: 0,
            boots: 0,
            retention_ms: DAY_MS,
            program,
            is_being_restored: false,
        }
    }

    pub fn program(&mut self) -> &mut Program {
        self.program.as_mut().expect("it is closed at the end")
    }

    /// Ends the connection of the zone's program.
    pub fn close_program(&mut self) {
        self.program.take().into_iter().for_each(Program::close);
    }

    /// Begins another one.
    pub fn open_program(&mut self) {
        self.program = Some(Program::open(&self.config.database.path));
    }

    /// What became of the acts that were handed in, while its program is there.
    fn acts(&mut self) -> Vec<String> {
        let query = "SELECT id || ' ' || origin || ' ' || coalesce(code, 'open'), file FROM ferry_act ORDER BY id";
        let acts = self.program.as_mut().map_or_else(Vec::new, |program| program.files(query));
        let told = |(text, file): (String, Vec<u8>)| {
            format!("{text} {:?}", SignedAct::parse(&file).map(|signed| signed.act.deed))
        };
        acts.into_iter().map(told).collect()
    }

    /// Whether the daemon has carried out or turned away every act that was handed in; a load, when all its rows are captured.
    pub fn acts_have_ended(&mut self) -> bool {
        let open = "SELECT (SELECT count(*) FROM ferry_act WHERE code IS NULL) + (SELECT count(*) FROM ferry_load)";
        self.program().number(open) == 0
    }

    /// Whether a batch has taken the place of another.
    pub fn has_superseded(&mut self) -> bool {
        self.program().number("SELECT count(*) FROM ferry_superseding") > 0
    }

    /// The zone's configuration.
    pub fn config_file(&self) -> String {
        self.directory.join(make::CONFIG).display().to_string()
    }

    fn open(&self, boot: BootNonce, now: Now) -> Result<Running, Fault> {
        let lock = ZoneLock::take(&self.config)?;
        let ports = start::open(&self.config, &lock, None)?;
        start::register(&ports, &self.config, &self.around.contract, &self.contract_text, now)?;
        let link = recover(self.around.clone(), settings(self.retention_ms), boot, &ports.ports(), now)
            .map_err(Fault::internal)?;
        Ok(Running { ports, link, jobs: VecDeque::new(), _lock: lock })
    }

    fn due(&self, now_ms: u64) -> u64 {
        self.running.as_ref().map_or(self.start_at, |running| running.link.deadline(Mono(now_ms)).0)
    }

    /// Batches that lie in the zone's drop directories.
    pub fn batches_at_gate(&self) -> Vec<PathBuf> {
        let gate = &self.config.gate;
        let at =
            |directory: &PathBuf| names(directory).into_iter().map(|name| directory.join(name)).collect::<Vec<_>>();
        let all = [at(&gate.to_gate), at(&gate.from_gate)].concat();
        all.into_iter().filter(|path| !path.to_string_lossy().contains("-status-")).collect()
    }
}

/// Whole batches below a directory.
fn batches_below(directory: &Path) -> usize {
    let is_batch = |path: &PathBuf| {
        path.extension().is_some_and(|extension| extension == "dat") && !path.to_string_lossy().contains("-status-")
    };
    files_below(directory).iter().filter(|path| is_batch(path)).count()
}

/// Puts a file where the gate puts it, whole.
fn arrive(directory: &Path, name: &str, bytes: &[u8]) {
    crate::files::durable::publish_unsynced(directory, name, bytes).unwrap();
}

fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}
