//! Two zones made by the real `ferry`, their daemons as real processes, and a gate that the test itself plays.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

use ferry_format::{FileName, NameKind};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::nested_cargo::cargo;
use crate::workspace_root;

/// The zone that owns the ledger.
pub const INNER: usize = 0;
/// The zone that faces payers.
pub const OUTER: usize = 1;
const NAMES: [&str; 2] = ["inner", "outer"];
/// Longer than any step of a test takes on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(120);
/// How often a condition is looked at.
const GLANCE: Duration = Duration::from_millis(20);

/// Programs that exist for tests alone: one that can be stopped where it is told to, and one that does not encrypt. Unoptimised, our
/// part of them is built in half the time; the cryptography and the database stay quick.
const CONTROLS: [[&str; 10]; 2] = [control("ferry-drill", "drill"), control("ferry-clear-control", "clear-control")];

const fn control(bin: &'static str, feature: &'static str) -> [&'static str; 10] {
    let (ours, core) = ("profile.dev.package.ferry.opt-level=0", "profile.dev.package.ferry-core.opt-level=0");
    ["-p", "ferry", "--bin", bin, "--features", feature, "--config", ours, "--config", core]
}

/// The programs under test, built once for this process in the profile of the test itself.
pub fn program(name: &str) -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let directory = BUILT.get_or_init(|| {
        let test = std::env::current_exe().expect("a running test has a path");
        let directory = test.ancestors().find(|path| path.ends_with("debug") || path.ends_with("release"));
        let directory = directory.expect("tests run below target/debug or target/release").to_owned();
        build(&directory, &["-p", "ferry", "-p", "gap-sim", "-p", "inner", "-p", "outer"]);
        if directory.ends_with("debug") {
            // Before any test runs: beside them a build takes the processors that they wait for.
            CONTROLS.iter().for_each(|control| build(&directory, control));
        }
        directory
    });
    directory.join(name)
}

/// Builds programs into the directory of a profile.
pub fn build(directory: &Path, what: &[&str]) {
    let mut build = cargo();
    build.current_dir(workspace_root()).args(["build", "--quiet", "--locked"]).args(what);
    if directory.ends_with("release") {
        build.arg("--release");
    }
    let built = build.status().expect("cargo starts");
    assert!(built.success(), "the programs do not build");
}

/// A variable of the environment: how a test or a benchmark is told what it should do otherwise.
#[expect(clippy::disallowed_methods, reason = "tests and benchmarks have no command line of their own")]
pub fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Tells that a test cannot run here; fails where nothing may be skipped.
pub fn skip(test: &str, why: &str) {
    println!("SKIPPED: {test}: {why}");
    assert!(environment("FERRY_NO_SKIP").is_none(), "nothing may be skipped here");
}

/// Tells that a machine does not allow what a test needs. That is no failure, but it is named at the end.
pub fn leave_out(test: &str, why: &str) {
    println!("LEFT OUT: {test}: {why}");
}

/// How a pair of zones is made.
#[derive(Debug, Clone)]
pub struct Making {
    /// Divides the protocol's timers.
    pub time_scale: u64,
    /// The `ferry` that makes and runs the zones.
    pub ferry: PathBuf,
    /// No gate at all: what one zone publishes lies in the other's drop directory at once.
    pub no_gate: bool,
    /// What crosses.
    pub contract: PathBuf,
}

impl Default for Making {
    fn default() -> Self {
        let contract = workspace_root().join("contract/nontax.toml");
        Self { time_scale: 200, ferry: program("ferry"), no_gate: false, contract }
    }
}

/// A place in a stream: the zone that owns it, the stream, the epoch and the seq.
pub type Place = (String, String, u64, u64);

/// Two zones that trust each other.
pub struct Pair {
    /// Where everything lies; removed at the end.
    pub dir: tempfile::TempDir,
    making: Making,
    /// The digests in the names of all batch files that were seen before the gate, by place.
    seen: Mutex<BTreeMap<Place, BTreeSet<String>>>,
}

impl Pair {
    /// Makes both zones, and exchanges their cards.
    pub fn make(making: Making) -> Self {
        let dir = tempfile::tempdir().expect("a scratch directory");
        let pair = Self { dir, making, seen: Mutex::default() };
        let fingerprints = [INNER, OUTER].map(|zone| pair.init(zone));
        for zone in [INNER, OUTER] {
            let card = pair.card(1 - zone);
            let fingerprint = &fingerprints[1 - zone];
            let args: [&OsStr; 5] =
                ["trust".as_ref(), "add".as_ref(), card.as_ref(), "--fingerprint".as_ref(), fingerprint.as_ref()];
            expect_success(&run(pair.command(zone).args(args)));
        }
        pair
    }

    /// Makes one zone, and returns the fingerprint of its card.
    fn init(&self, zone: usize) -> String {
        let mut command = Command::new(&self.making.ferry);
        command.env("LANG", "C").args(["--json", "init"]).arg("--dir").arg(self.zone_dir(zone));
        command.args(["--zone", NAMES[zone], "--peer", NAMES[1 - zone], "--link", "nontax", "--contract"]);
        command.arg(&self.making.contract).arg("--time-scale").arg(self.making.time_scale.to_string());
        if self.making.no_gate {
            let crossing = |from: &str| self.dir.path().join(format!("from-{from}"));
            command.arg("--to-gate").arg(crossing(NAMES[zone])).arg("--from-gate").arg(crossing(NAMES[1 - zone]));
        }
        let output = run(&mut command);
        expect_success(&output);
        let made: Value = serde_json::from_slice(&output.stdout).expect("an answer in JSON");
        made["fingerprint"].as_str().expect("init tells the fingerprint").to_owned()
    }

    /// A zone's public card.
    pub fn card(&self, zone: usize) -> PathBuf {
        self.path(zone, &format!("{}.card", NAMES[zone]))
    }

    /// The directory of a zone.
    pub fn zone_dir(&self, zone: usize) -> PathBuf {
        self.dir.path().join(NAMES[zone])
    }

    /// A path in a zone's directory.
    pub fn path(&self, zone: usize, inside: &str) -> PathBuf {
        self.zone_dir(zone).join(inside)
    }

    /// The zone's configuration file.
    pub fn config(&self, zone: usize) -> PathBuf {
        self.path(zone, "ferry.toml")
    }

    /// The zone's database file.
    pub fn database(&self, zone: usize) -> PathBuf {
        self.path(zone, &format!("{}.db", NAMES[zone]))
    }

    /// `ferry` for a zone, in English.
    pub fn command(&self, zone: usize) -> Command {
        let mut command = Command::new(&self.making.ferry);
        command.env("LANG", "C").arg("--config").arg(self.config(zone));
        command
    }

    /// Runs a verb and reads its JSON answer.
    pub fn json(&self, zone: usize, args: &[&str]) -> Value {
        let output = run(self.command(zone).arg("--json").args(args));
        expect_success(&output);
        serde_json::from_slice(&output.stdout).expect("an answer in JSON")
    }

    /// Starts a zone's daemon; its log goes to `daemon.log` in the zone's directory.
    pub fn start(&self, zone: usize) -> Daemon {
        self.start_with(zone, |_| {})
    }

    /// Starts a zone's daemon as [`Pair::start`] does, in surroundings that `change` makes.
    pub fn start_with(&self, zone: usize, change: impl FnOnce(&mut Command)) -> Daemon {
        self.start_program(&self.making.ferry, zone, change)
    }

    /// Starts a zone's daemon as [`Pair::start_with`] does, from another program.
    pub fn start_program(&self, ferry: &Path, zone: usize, change: impl FnOnce(&mut Command)) -> Daemon {
        let log = std::fs::File::options().create(true).append(true).open(self.path(zone, "daemon.log"));
        let log = log.expect("a log file");
        let mut command = Command::new(ferry);
        command.env("LANG", "C").arg("--config").arg(self.config(zone));
        command.arg("run").stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        change(&mut command);
        Daemon::spawn(&mut command)
    }

    /// How many daemons of a zone have begun to work, as its log tells.
    pub fn starts(&self, zone: usize) -> usize {
        let log = std::fs::read_to_string(self.path(zone, "daemon.log")).unwrap_or_default();
        log.lines().filter(|line| line.contains("ferry::daemon: started")).count()
    }

    /// Plays the gate once: every file that waits goes across, whole, unless `keep` says no. Returns how many went.
    pub fn carry(&self, mut keep: impl FnMut(&Path) -> bool) -> usize {
        let mut carried = 0;
        for zone in [INNER, OUTER] {
            let from = self.path(zone, "to-gate");
            let to = self.path(1 - zone, "from-gate");
            for path in files(&from) {
                let name = path.file_name().expect("a file in a directory has a name");
                self.see(&path);
                if keep(&path) && move_file(&path, &to.join(name)) {
                    carried += 1;
                }
            }
        }
        carried
    }

    /// Takes down which batch a file before the gate is by its name. One that is sent again bears the same digest.
    fn see(&self, path: &Path) {
        let name = path.file_name().and_then(OsStr::to_str).and_then(|name| name.parse::<FileName>().ok());
        if let Some(FileName { from, kind: NameKind::Batch { stream, epoch, seq }, digest8, .. }) = name {
            let place = (from.to_string(), stream.to_string(), epoch, seq);
            self.seen.lock().expect("nobody failed here").entry(place).or_default().insert(digest8);
        }
    }

    /// Looks at what waits before the gate, as far as it is to be lost there and never carried.
    pub fn see_waiting(&self) {
        for zone in [INNER, OUTER] {
            files(&self.path(zone, "to-gate")).iter().for_each(|path| self.see(path));
        }
    }

    /// How many places have been stated, and those for which batches with different digests have left their zones.
    pub fn stated(&self) -> (usize, Vec<Place>) {
        let seen = self.seen.lock().expect("nobody failed here");
        let twice = seen.iter().filter(|(_, digests)| digests.len() > 1).map(|(place, _)| place.clone());
        (seen.len(), twice.collect())
    }

    /// The beginnings of the digests that were stated for a place since this was asked last.
    pub fn take_stated(&self, place: &Place) -> BTreeSet<String> {
        self.seen.lock().expect("nobody failed here").remove(place).unwrap_or_default()
    }

    /// Carries files until `done` says so.
    pub fn carry_until(&self, what: &str, mut done: impl FnMut() -> bool) {
        self.carry_some_until(what, |_| true, &mut done);
    }

    /// Carries the files that `keep` lets through until `done` says so.
    pub fn carry_some_until(&self, what: &str, mut keep: impl FnMut(&Path) -> bool, done: &mut dyn FnMut() -> bool) {
        wait_until(what, || {
            self.carry(&mut keep);
            done()
        });
    }

    /// Drops a file at a zone as the gate would.
    pub fn drop_file(&self, zone: usize, name: &str, bytes: &[u8]) {
        let hidden = self.path(zone, "from-gate").join(".arriving");
        write_file(&hidden, bytes);
        assert!(move_file(&hidden, &self.path(zone, "from-gate").join(name)), "{name} arrives");
    }

    /// How a stream stands in a zone, as `ferry status` tells it.
    pub fn stream(&self, zone: usize, stream: &str) -> Value {
        let status = self.json(zone, &["status"]);
        let streams = status["streams"].as_array().expect("status lists streams");
        streams.iter().find(|one| one["stream"] == stream).cloned().unwrap_or(Value::Null)
    }
}

/// A running daemon or gate, ended when it is dropped.
pub struct Daemon {
    child: Child,
}

impl Daemon {
    /// Starts a program that runs until it is ended.
    pub fn spawn(command: &mut Command) -> Self {
        Self { child: command.spawn().unwrap_or_else(|error| panic!("{command:?} does not start: {error}")) }
    }

    /// Kills it as `kill -9` does, and waits. Fails when it had ended by itself.
    pub fn kill(mut self) {
        self.signal(Signal::KILL);
        let status = self.child.wait().expect("it is a child of this process");
        assert_eq!(status.signal(), Some(Signal::KILL.as_raw()), "it had ended by itself: {status}");
    }

    /// Asks the daemon to end, and waits. Returns its exit code.
    pub fn stop(mut self) -> Option<i32> {
        self.signal(Signal::TERM);
        self.child.wait().ok().and_then(|status| status.code())
    }

    /// The number of its process.
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    fn signal(&self, signal: Signal) {
        if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            // A daemon that has ended by itself needs no signal.
            let _gone = kill_process(pid, signal);
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
        let _ended = self.child.wait();
    }
}

/// Runs a command to its end.
pub fn run(command: &mut Command) -> Output {
    command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("{command:?} does not start: {error}"))
}

/// Fails with what the command said unless it succeeded.
pub fn expect_success(output: &Output) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{:?}: {said}", output.status);
}

/// Waits until a condition holds; fails, naming it, when it never does.
#[expect(clippy::disallowed_methods, reason = "a test waits for other processes in real time")]
pub fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < PATIENCE, "waited in vain for: {what}");
        std::thread::sleep(GLANCE);
    }
}

/// The plain files of a directory whose names do not begin with a dot, by name.
pub fn files(directory: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(directory) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.retain(|path| path.is_file() && path.file_name().is_none_or(|name| name.as_encoded_bytes()[0] != b'.'));
    paths.sort();
    paths
}

/// Every plain file below a directory.
pub fn files_below(directory: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(directory) else { return Vec::new() };
    let mut found = Vec::new();
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        if path.is_dir() {
            found.extend(files_below(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Moves a file; `false` when it has gone, as files in a drop directory may.
#[expect(clippy::disallowed_methods, reason = "the test plays the gate, which promises nothing")]
pub fn move_file(from: &Path, to: &Path) -> bool {
    match std::fs::rename(from, to) {
        Err(error) if error.kind() == std::io::ErrorKind::CrossesDevices => copy_across(from, to),
        moved => moved.is_ok(),
    }
}

/// Moves a file to another file system, where it appears whole or not at all.
#[expect(clippy::disallowed_methods, reason = "the test plays the gate, which promises nothing")]
fn copy_across(from: &Path, to: &Path) -> bool {
    let hidden = to.with_file_name(".arriving");
    let arrived = std::fs::copy(from, &hidden).and_then(|_| std::fs::rename(&hidden, to));
    if arrived.is_err() {
        // What a full disk took of it; when nothing is there, nothing is to be removed.
        let _gone = std::fs::remove_file(&hidden);
        return false;
    }
    std::fs::remove_file(from).is_ok()
}

/// Writes a file, not durably.
#[expect(clippy::disallowed_methods, reason = "a test's own file")]
pub fn write_file(path: &Path, bytes: &[u8]) {
    std::fs::write(path, bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}
