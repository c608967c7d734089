//! A line to a node: what anybody who knows its address asks of it over HTTP.

use std::net::SocketAddr;

use node::message::Message;
use node::testing::pair;
use node::{Clock as _, SystemClock, SystemEntropy};
use serde_json::{Value, json};

use crate::pair::wait_until;

/// The password of everybody.
pub(super) const PASSWORD: &str = "Correct-Horse-7";
/// From here on the fault is the node's, or that of whoever stands before it.
const FAILED: u16 = 500;

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

/// A line to a node, which may be away.
#[derive(Debug, Clone, Copy)]
pub struct Line {
    address: SocketAddr,
}

impl Line {
    /// A line to whoever listens at an address.
    #[must_use]
    pub const fn to(address: SocketAddr) -> Self {
        Self { address }
    }

    /// The address of a path.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
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
        self.reach(method, path, who, asked).unwrap_or_else(|| panic!("{} does not answer", self.url(path)))
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

    /// Sends a document again and again until the node is there and takes it.
    pub fn insist(&self, path: &str, who: Ask<'_>, asked: &Value) -> Value {
        let mut data = Value::Null;
        wait_until(&format!("{} to take {asked}", self.url(path)), || {
            match self.reach("POST", path, who, Some(asked.clone())) {
                Some((200, answer)) => data = answer["data"].clone(),
                Some((FAILED.., _)) | None => return false,
                Some((status, answer)) => panic!("{path}: {status} {answer}"),
            }
            true
        });
        data
    }

    /// Asks a node that may not be there.
    pub fn reach(&self, method: &str, path: &str, who: Ask<'_>, asked: Option<Value>) -> Option<(u16, Value)> {
        let url = self.url(path);
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
