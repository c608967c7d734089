//! One node as a real process, and what is asked of it.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use node::testing::pair;
use serde_json::Value;

use super::line::{Ask, Line, PASSWORD};
use crate::pair::{Daemon, expect_success, program, run, wait_until, write_file};

/// A node.
pub struct Node {
    name: &'static str,
    config: PathBuf,
    log: PathBuf,
    address: SocketAddr,
    health: SocketAddr,
    /// Keeps the ports until the node is started.
    #[expect(clippy::disallowed_types, reason = "a test keeps a port free")]
    kept: Option<[std::net::TcpListener; 2]>,
    daemon: Option<Daemon>,
}

impl Node {
    /// Lays a node's files out, and makes its tables. `more` is what its configuration has beside `[node]`.
    pub fn make(name: &'static str, database: &Path, field_key: &Path, more: &str) -> Self {
        let directory = database.parent().expect("a database lies in a directory");
        let kept = [free_port(), free_port()];
        let [address, health] = kept.each_ref().map(|listener| listener.local_addr().expect("a port has a number"));
        let config = directory.join(format!("{name}.toml"));
        let (database, field_key) = (database.display(), field_key.display());
        let text = format!(
            "[node]\ndatabase = \"{database}\"\nlisten = \"{address}\"\nhealth = \"{health}\"\nfield_key = \"{field_key}\"\n{more}"
        );
        write_file(&config, text.as_bytes());
        let log = directory.join(format!("{name}.log"));
        let node = Self { name, config, log, address, health, kept: Some(kept), daemon: None };
        expect_success(&run(node.command().arg("init")));
        node
    }

    /// The program with the node's configuration, in English.
    pub fn command(&self) -> Command {
        let mut command = Command::new(program(self.name));
        command.env("LANG", "C").arg("--config").arg(&self.config);
        command
    }

    /// Adds a person with the password of everybody.
    pub fn person(&self, name: &str, role: &str) {
        let mut command = self.command();
        command
            .args(["person", "add", name, "--title", name, "--role", role])
            .stdin(Stdio::piped())
            .stdout(Stdio::null());
        let mut child = command.spawn().expect("the node's program starts");
        let mut input = child.stdin.take().expect("its input is ours");
        writeln!(input, "{PASSWORD}").expect("it reads the password");
        drop(input);
        assert!(child.wait().expect("it ends").success(), "{name} is added");
    }

    /// Writes a client down whose key comes from a seed.
    pub fn client(&self, id: &str, seed: u8, permission: &str, agency: Option<&str>, notify_url: Option<&str>) {
        let key = self.config.with_file_name(format!("{id}.pub.pem"));
        write_file(&key, pair(seed).1.as_bytes());
        let mut command = self.command();
        command.args(["client", "put", id, "--title", id, "--permission", permission, "--key"]).arg(&key);
        for (name, value) in [("--agency", agency), ("--notify-url", notify_url)] {
            if let Some(value) = value {
                command.args([name, value]);
            }
        }
        expect_success(&run(&mut command));
    }

    /// Starts the node, and waits until it answers.
    pub fn start(&mut self) {
        let log = std::fs::File::options().create(true).append(true).open(&self.log).expect("a log file");
        let mut command = self.command();
        command.arg("run").stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        drop(self.kept.take());
        self.daemon = Some(Daemon::spawn(&mut command));
        wait_until(&format!("{} to answer", self.name), || {
            Line::to(self.health).reach("GET", "/health", Ask::Anyone, None).is_some()
        });
    }

    /// The number of its process.
    ///
    /// # Panics
    /// When it does not run.
    pub fn process(&self) -> u32 {
        self.daemon.as_ref().expect("the node runs").process()
    }

    /// Ends the node as `kill -9` does.
    pub fn kill(&mut self) {
        self.daemon.take().expect("the node runs").kill();
    }

    /// Ends the node as the service manager does.
    pub fn stop(&mut self) {
        let code = self.daemon.take().expect("the node runs").stop();
        assert_eq!(code, Some(0), "{}", std::fs::read_to_string(&self.log).unwrap_or_default());
    }

    /// A line to it, which stays when the node is killed and started again.
    #[must_use]
    pub const fn line(&self) -> Line {
        Line::to(self.address)
    }

    /// The session of a person.
    pub fn log_in(&self, name: &str) -> String {
        self.line().log_in(name)
    }

    /// Asks, and yields status and document.
    pub fn ask(&self, method: &str, path: &str, who: Ask<'_>, asked: Option<Value>) -> (u16, Value) {
        self.line().ask(method, path, who, asked)
    }

    /// Asks, and yields what was asked for.
    pub fn get(&self, path: &str, who: Ask<'_>) -> Value {
        self.line().get(path, who)
    }

    /// Sends a document, and yields what was asked for.
    pub fn post(&self, path: &str, who: Ask<'_>, asked: Value) -> Value {
        self.line().post(path, who, asked)
    }

    /// Asks a node that may not be there.
    pub fn reach(&self, method: &str, path: &str, who: Ask<'_>, asked: Option<Value>) -> Option<(u16, Value)> {
        self.line().reach(method, path, who, asked)
    }
}

/// Ports for nodes lie below those that the system gives to whoever asks for any: while a node is away, no connection takes its own.
const PORTS: std::ops::Range<u16> = 20_000..32_000;

/// A port that nobody has, kept until the node takes it.
#[expect(clippy::disallowed_types, reason = "a test looks for a free port")]
fn free_port() -> std::net::TcpListener {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let count = u32::from(PORTS.end - PORTS.start);
    // Each process begins elsewhere.
    let first = std::process::id().wrapping_mul(PORTS_OF_PROCESS);
    let ports = (0..count).map(|_| first.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % count);
    let ports = ports.map(|place| PORTS.start + u16::try_from(place).expect("a place in a range of ports"));
    let mut free = ports.filter_map(|port| std::net::TcpListener::bind(("127.0.0.1", port)).ok());
    free.next().expect("a port is free")
}

/// As many ports as a process of tests takes, so that two of them seldom try the same one.
const PORTS_OF_PROCESS: u32 = 97;
