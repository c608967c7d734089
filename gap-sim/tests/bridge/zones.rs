//! The drop directories of two zones below a temporary directory, and the program between them.

use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A test that waits longer than this has failed; a busy machine is allowed for.
const PATIENCE: Duration = Duration::from_secs(30);

/// The drop directories of two zones.
pub struct Zones {
    root: TempDir,
}

/// A running bridge.
pub struct Bridge {
    child: Child,
    /// What it says to people.
    said: PathBuf,
}

impl Zones {
    pub fn new() -> Self {
        let zones = Self { root: tempfile::tempdir().expect("there is a temporary directory") };
        for directory in ["inner/to-gate", "inner/from-gate", "outer/to-gate", "outer/from-gate"] {
            fs::create_dir_all(zones.path(directory)).expect("a temporary directory can be written");
        }
        zones
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    pub fn text(&self, name: &str) -> String {
        self.path(name).into_os_string().into_string().expect("temporary directories have UTF-8 names")
    }

    /// Writes a file beside the zones and gives its path.
    pub fn write(&self, name: &str, text: &str) -> String {
        fs::write(self.path(name), text).expect("a temporary directory can be written");
        self.text(name)
    }

    /// Publishes a file as a zone does: whole or not at all.
    pub fn drop_one(&self, directory: &str, name: &str, bytes: &[u8]) {
        let unfinished = self.path("unfinished");
        fs::write(&unfinished, bytes).expect("a temporary directory can be written");
        fs::rename(unfinished, self.path(directory).join(name)).expect("the drop directory is there");
    }

    pub fn drop_all(&self, directory: &str, files: &BTreeMap<String, Vec<u8>>) {
        for (name, bytes) in files {
            self.drop_one(directory, name, bytes);
        }
    }

    pub fn count(&self, directory: &str) -> usize {
        fs::read_dir(self.path(directory)).expect("the directory is there").count()
    }

    pub fn contents(&self, directory: &str) -> BTreeMap<String, Vec<u8>> {
        let entries = fs::read_dir(self.path(directory)).expect("the directory is there");
        entries
            .map(|entry| {
                let entry = entry.expect("the directory was just opened");
                let name = entry.file_name().into_string().expect("the test gives UTF-8 names");
                (name, fs::read(entry.path()).expect("nobody takes it away"))
            })
            .collect()
    }

    /// What waits in the gate on the way from the inner zone to the outer.
    pub fn in_flight(&self) -> BTreeMap<String, Vec<u8>> {
        self.contents("inner/.gap-sim-work/inner-to-outer")
    }

    /// Waits until the file has bytes such as these, and gives them.
    pub fn wait_for(&self, file: &str, is_right: impl Fn(&[u8]) -> bool) -> Vec<u8> {
        let begun = Instant::now();
        loop {
            match fs::read(self.path(file)) {
                Ok(bytes) if is_right(&bytes) => return bytes,
                Ok(_) | Err(_) => assert!(begun.elapsed() < PATIENCE, "{file} is not there in time"),
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gap-sim"));
        command.arg("bridge");
        for (option, directory) in [
            ("--inner-to-gate", "inner/to-gate"),
            ("--inner-from-gate", "inner/from-gate"),
            ("--outer-to-gate", "outer/to-gate"),
            ("--outer-from-gate", "outer/from-gate"),
        ] {
            command.arg(option).arg(self.path(directory));
        }
        command.args(["--report", &self.text("report.json")]).args(arguments).env("LC_ALL", "C");
        command
    }

    /// Runs a bridge to its end and gives its report.
    pub fn run(&self, arguments: &[&str]) -> Value {
        let report = self.spawn(arguments).end();
        let written = fs::read(self.path("report.json")).expect("the report is written");
        let written: Value = serde_json::from_slice(&written).expect("the report is JSON");
        assert_eq!(written["inner_to_outer"], report["inner_to_outer"]);
        report
    }

    /// Starts a bridge and waits until its first report is there.
    pub fn start(&self, arguments: &[&str]) -> Bridge {
        let bridge = self.spawn(arguments);
        self.wait_for("report.json", |bytes| serde_json::from_slice::<Value>(bytes).is_ok());
        bridge
    }

    fn spawn(&self, arguments: &[&str]) -> Bridge {
        let said = self.path("said.txt");
        let stderr = fs::File::create(&said).expect("a temporary directory can be written");
        let mut command = self.command(arguments);
        Bridge { child: command.stdout(Stdio::piped()).stderr(stderr).spawn().expect("the program starts"), said }
    }
}

impl Bridge {
    /// Asks it to stop, and gives its report.
    pub fn stop(self) -> Value {
        let id = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(id, rustix::process::Signal::TERM).expect("the program runs");
        self.end()
    }

    /// Waits until it ends by itself, and gives its report.
    fn end(mut self) -> Value {
        let begun = Instant::now();
        while self.child.try_wait().expect("the program is ours").is_none() {
            assert!(begun.elapsed() < PATIENCE, "it does not end; it said:\n{}", self.said());
            std::thread::sleep(Duration::from_millis(5));
        }
        let status = self.child.wait().expect("the program is ours");
        assert!(status.success(), "it said:\n{}", self.said());
        let mut text = String::new();
        let mut stdout = self.child.stdout.take().expect("its output was piped");
        stdout.read_to_string(&mut text).expect("its output is text");
        serde_json::from_str(&text).expect("--json prints JSON")
    }

    fn said(&self) -> String {
        fs::read_to_string(&self.said).unwrap_or_default()
    }
}

impl Drop for Bridge {
    fn drop(&mut self) {
        // It has ended already unless the test failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The number at this place of a report.
pub fn number(report: &Value, pointer: &str) -> u64 {
    report.pointer(pointer).and_then(Value::as_u64).unwrap_or_else(|| panic!("no number {pointer} in {report}"))
}
