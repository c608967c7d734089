//! One node as a real process, and what is asked of it.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use node::message::Message;
use node::testing::pair;
use node::{Clock as _, SystemClock, SystemEntropy};
use serde_json::{Value, json};

use crate::pair::{Daemon, expect_success, program, run, wait_until, write_file};

/// The password of everybody.
const PASSWORD: &str = "Correct-Horse-7";

/// A node.
pub struct Node {
    name: &'static str,
    config: PathBuf,
    log: PathBuf,
    address: SocketAddr,
    health: SocketAddr,
    daemon: Option<Daemon>,
}

/// Who asks a node.
#[derive(Debug, Clone, Copy)]
pub enum Ask<'a> {
    /// Nobody who is known.
    Anyone,
    /// A person by a token.
    Token(&'a str),
    /// A client by its id and the seed of its key.
    Client(&'a str, u8),
}

impl Node {
    /// Lays a node's files out, and makes its tables. `more` is what its configuration has beside `[node]`.
    pub fn make(name: &'static str, database: &Path, field_key: &Path, more: &str) -> Self {
        let directory = database.parent().expect("a database lies in a directory");
        let [address, health] = [free_port(), free_port()];
        let config = directory.join(format!("{name}.toml"));
        let (database, field_key) = (database.display(), field_key.display());
        let text = format!(
            "[node]\ndatabase = \"{database}\"\nlisten = \"{address}\"\nhealth = \"{health}\"\nfield_key = \"{field_key}\"\n{more}"
        );
        write_file(&config, text.as_bytes());
        let log = directory.join(format!("{name}.log"));
        let node = Self { name, config, log, address, health, daemon: None };
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
        self.daemon = Some(Daemon::spawn(&mut command));
        wait_until(&format!("{} to answer", self.name), || {
            self.reach_at(self.health, "GET", "/health", Ask::Anyone, None).is_some()
        });
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

    /// The session of a person.
    pub fn log_in(&self, name: &str) -> String {
        let asked = json!({ "name": name, "password": PASSWORD });
        let (status, answer) = self.ask("POST", "/login", Ask::Anyone, Some(asked));
        assert_eq!(status, 200, "{answer}");
        answer["data"]["token"].as_str().expect("a session has a token").to_owned()
    }

    /// Asks, and yields status and document.
    pub fn ask(&self, method: &str, path: &str, who: Ask<'_>, asked: Option<Value>) -> (u16, Value) {
        self.reach(method, path, who, asked).unwrap_or_else(|| panic!("{} does not answer {path}", self.name))
    }

    /// Asks, and yields what was asked for.
    pub fn get(&self, path: &str, who: Ask<'_>) -> Value {
        let (status, answer) = self.ask("GET", path, who, None);
        assert_eq!(status, 200, "{path}: {answer}");
        answer["data"].clone()
    }

    /// Sends a document, and yields what was asked for.
    pub fn post(&self, path: &str, who: Ask<'_>, asked: Value) -> Value {
        let (status, answer) = self.ask("POST", path, who, Some(asked));
        assert_eq!(status, 200, "{path}: {answer}");
        answer["data"].clone()
    }

    /// Asks a node that may not be there.
    pub fn reach(&self, method: &str, path: &str, who: Ask<'_>, asked: Option<Value>) -> Option<(u16, Value)> {
        self.reach_at(self.address, method, path, who, asked)
    }

    fn reach_at(
        &self,
        address: SocketAddr,
        method: &str,
        path: &str,
        who: Ask<'_>,
        asked: Option<Value>,
    ) -> Option<(u16, Value)> {
        let url = format!("http://{address}{path}");
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let asked = match (who, asked) {
            (Ask::Client(id, seed), Some(asked)) => {
                let message = Message::sign(&pair(seed).0, id, &asked, SystemClock.now(), &SystemEntropy::new());
                Some(serde_json::to_value(message.expect("a message is signed")).expect("a message is JSON"))
            }
            (_, asked) => asked,
        };
        let token = if let Ask::Token(token) = who { Some(format!("Bearer {token}")) } else { None };
        let answer = if method == "GET" {
            let request = token.iter().fold(agent.get(&url), |request, token| request.header("Authorization", token));
            request.call()
        } else {
            let request = agent.post(&url).header("Content-Type", "application/json");
            let request = token.iter().fold(request, |request, token| request.header("Authorization", token));
            request.send(asked.unwrap_or_else(|| json!({})).to_string())
        };
        let mut answer = answer.ok()?;
        let text = answer.body_mut().read_to_string().ok()?;
        Some((answer.status().as_u16(), serde_json::from_str(&text).expect("a node answers with JSON")))
    }
}

/// A port that nobody has. Between this and the node's own taking of it another program could take it, which shows at once.
#[expect(clippy::disallowed_types, reason = "a test asks the system for a free port")]
fn free_port() -> SocketAddr {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
    taken.local_addr().expect("a port has a number")
}
