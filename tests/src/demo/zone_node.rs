//! A node of a zone, made and asked through its own commands, as a person would.

use std::ffi::OsStr;
use std::fs::{File, Permissions};
use std::io::Write as _;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use node::testing::private_pem;
use serde_json::Value;

use super::clock::{Clock, rest};
use super::failure::Failure;
use super::folder::Folder;
use super::lang::text;
use super::line::{Client, Line};
use super::process::Program;
use super::stop::Stop;
use super::verb::obey;
use super::zone::Zone;

/// The password of everybody.
pub const PASSWORD: &str = "Correct-Horse-7";
/// How long a node may take to answer after its start: it opens a database and two sockets.
const START_MS_MAX: u64 = 30_000;
const LOOK_MS: u64 = 20;
/// The mode of a file that nobody but its owner reads.
const PRIVATE: u32 = 0o600;

/// A node.
#[derive(Debug)]
pub struct Node {
    /// Its name, which is its program's.
    pub name: &'static str,
    /// Its program.
    pub program: PathBuf,
    /// Its configuration.
    pub config: PathBuf,
    /// The line to it.
    pub line: Line,
    health: Line,
}

impl Node {
    /// Lays out a node's files beside those of its zone, and makes its tables. `more` is what its configuration has beside `[node]`.
    ///
    /// # Errors
    /// When the disk or the node's program refuses.
    pub fn make(
        name: &'static str,
        program: &Path,
        zone: &Zone,
        field_key: &Path,
        more: &str,
    ) -> Result<Self, Failure> {
        let [address, health] = [free_port()?, free_port()?];
        let config = zone.config.with_file_name(format!("{name}.toml"));
        let (database, field_key) = (toml_text(&zone.database), toml_text(field_key));
        let text = format!(
            "[node]\ndatabase = {database}\nlisten = \"{address}\"\nhealth = \"{health}\"\nfield_key = {field_key}\n{more}"
        );
        put(&config, &text)?;
        let (line, health) = (Line::new(name, address), Line::new(name, health));
        let node = Self { name, program: program.to_owned(), config, line, health };
        node.obey(&["init".as_ref()], "")?;
        Ok(node)
    }

    /// Runs one of the node's commands, gives it `input`, and takes its answer.
    ///
    /// # Errors
    /// When it refuses.
    pub fn obey(&self, arguments: &[&OsStr], input: &str) -> Result<Value, Failure> {
        let more: [&OsStr; 3] = ["--config".as_ref(), self.config.as_ref(), "--json".as_ref()];
        obey(&self.program, &[arguments, &more].concat(), input)
    }

    /// Adds a person with the password of everybody.
    ///
    /// # Errors
    /// When the node refuses.
    pub fn person(&self, name: &str, title: &str, role: &str) -> Result<(), Failure> {
        let arguments = ["person", "add", name, "--title", title, "--role", role].map(OsStr::new);
        self.obey(&arguments, &format!("{PASSWORD}\n")).map(|_| ())
    }

    /// Writes a system down that may do one thing, for an agency or for all, and is told at an address or not at all.
    ///
    /// # Errors
    /// When the node refuses.
    pub fn client(&self, client: &Client, permission: &str, at: [Option<&str>; 2]) -> Result<(), Failure> {
        let key = self.config.with_file_name(format!("{}.pub.pem", client.id));
        put(&key, &client.public)?;
        let id = client.id;
        let mut arguments: Vec<&OsStr> = ["client", "put", id, "--title", id, "--permission", permission, "--key"]
            .into_iter()
            .map(OsStr::new)
            .chain([key.as_os_str()])
            .collect();
        for (name, value) in ["--agency", "--notify-url"].into_iter().zip(at) {
            arguments.extend(value.iter().flat_map(|value| [OsStr::new(name), OsStr::new(*value)]));
        }
        self.obey(&arguments, "").map(|_| ())
    }

    /// Starts the node, and waits until it answers.
    ///
    /// # Errors
    /// When it cannot be started, ends, or does not answer in time.
    pub fn start(&self, folder: &Folder, (clock, stop): (Clock, &Stop)) -> Result<Program, Failure> {
        let mut command = Command::new(&self.program);
        command.arg("run").arg("--config").arg(&self.config);
        let mut program = Program::start(self.name, &mut command, folder.log(self.name))?;
        let until_ms = clock.now_ms() + START_MS_MAX;
        while !self.health.is_answered("/health") {
            stop.check()?;
            program.check()?;
            if clock.now_ms() > until_ms {
                let (name, seconds) = (self.name, START_MS_MAX / 1_000);
                return Err(Failure::new(text!(
                    "{name} does not answer {seconds} s after its start; look at its log",
                    "{name} 启动 {seconds} 秒后仍未应答；请查看其日志"
                )));
            }
            rest(LOOK_MS);
        }
        Ok(program)
    }
}

/// Puts the private key of a seed where a configuration names it. Yields the path as TOML text.
///
/// # Errors
/// When the disk refuses.
pub fn key_file(zone: &Zone, name: &str, seed: u8) -> Result<String, Failure> {
    let path = zone.config.with_file_name(format!("{name}.pem"));
    put(&path, &private_pem(seed))?;
    std::fs::set_permissions(&path, Permissions::from_mode(PRIVATE)).map_err(|cause| Failure::file(&path, &cause))?;
    Ok(toml_text(&path))
}

/// A path as a TOML document has it, whole: the node may be started anywhere.
fn toml_text(path: &Path) -> String {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    toml::Value::from(path.display().to_string()).to_string()
}

fn put(path: &Path, text: &str) -> Result<(), Failure> {
    let written = File::create(path).and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|cause| Failure::file(path, &cause))
}

/// A port that nobody has. Between this and the node's own taking of it another program could take it, which shows at once.
#[expect(clippy::disallowed_types, reason = "the demo asks the system for a free port")]
fn free_port() -> Result<SocketAddr, Failure> {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").and_then(|taken| taken.local_addr());
    taken.map_err(|cause| Failure::new(text!("no port is free: {cause}", "没有空闲端口：{cause}")))
}
