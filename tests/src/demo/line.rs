//! A line to a node: what people, systems and anybody else ask of it over HTTP.

use std::net::SocketAddr;
use std::time::Duration;

use node::message::{ClientKey, Message};
use node::testing::pair;
use node::{Clock as _, SystemClock, SystemEntropy};
use serde_json::{Value, json};

use super::clock::rest;
use super::failure::Failure;
use super::lang::text;

/// Longer than a node lets any request take.
const PATIENCE: Duration = Duration::from_secs(60);
/// Connections kept open to a node: one for each thread that asks.
const CONNECTIONS: usize = 16;
/// A node that is busy is asked again after so long, and so often: the writer of its database waits ten seconds at most.
const BUSY_MS: u64 = 100;
const BUSY_TRIES: usize = 200;
/// What a node answers when it is to be asked again.
const BUSY: u16 = 503;

/// A system that signs its messages. Its key is a known one: nothing in a demo is worth a better one.
#[derive(Debug)]
pub struct Client {
    /// Its id (`devId`).
    pub id: &'static str,
    /// Its public key in PEM.
    pub public: String,
    key: ClientKey,
}

impl Client {
    /// A system of an id with the key of a seed, which is not 0.
    #[must_use]
    pub fn new(id: &'static str, seed: u8) -> Self {
        let (key, public) = pair(seed);
        Self { id, public, key }
    }

    fn sign(&self, asked: &Value) -> Result<Value, Failure> {
        let signed = Message::sign(&self.key, self.id, asked, SystemClock.now(), &SystemEntropy::new());
        let cause = |cause: &dyn std::fmt::Display| {
            Failure::new(text!("a message cannot be signed: {cause}", "无法签名报文：{cause}"))
        };
        serde_json::to_value(signed.map_err(|failure| cause(&failure))?).map_err(|failure| cause(&failure))
    }
}

/// Who asks a node.
#[derive(Debug, Clone, Copy)]
pub enum Who<'w> {
    /// Nobody who is known.
    Anyone,
    /// A person by a token.
    Person(&'w str),
    /// A system by its signature.
    Client(&'w Client),
}

/// What a node answers.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status of HTTP.
    pub status: u16,
    /// The document.
    pub document: Value,
}

impl Answer {
    /// The code of a refusal; empty where it is none.
    #[must_use]
    pub fn code(&self) -> &str {
        self.document["error"]["code"].as_str().unwrap_or_default()
    }

    /// Whether what was asked for is there.
    #[must_use]
    pub const fn is_good(&self) -> bool {
        self.status == 200
    }
}

/// A line to a node. Clones share its connections.
#[derive(Debug, Clone)]
pub struct Line {
    name: &'static str,
    address: SocketAddr,
    agent: ureq::Agent,
}

impl Line {
    /// A line to the node of a name that listens at an address.
    #[must_use]
    pub fn new(name: &'static str, address: SocketAddr) -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(PATIENCE))
            .max_idle_connections_per_host(CONNECTIONS)
            .build();
        Self { name, address, agent: config.into() }
    }

    /// Asks, with a document by POST and without one by GET.
    ///
    /// # Errors
    /// When the node does not answer, or answers that it is busy for too long.
    pub fn ask(&self, who: Who<'_>, path: &str, asked: Option<&Value>) -> Result<Answer, Failure> {
        for _ in 0..BUSY_TRIES {
            let answer = self.reach(who, path, asked)?;
            if answer.status != BUSY {
                return Ok(answer);
            }
            rest(BUSY_MS);
        }
        let (name, seconds) = (self.name, u64::try_from(BUSY_TRIES).unwrap_or(u64::MAX) * BUSY_MS / 1_000);
        Err(Failure::new(text!(
            "{name} has said for {seconds} s that it is busy, when asked {path}",
            "{name} 连续 {seconds} 秒回答忙，请求为 {path}"
        )))
    }

    /// Asks for what must be there, and yields it.
    ///
    /// # Errors
    /// When the node refuses.
    pub fn get(&self, who: Who<'_>, path: &str) -> Result<Value, Failure> {
        self.good(path, self.ask(who, path, None)?)
    }

    /// Sends a document that must be taken, and yields what came of it.
    ///
    /// # Errors
    /// When the node refuses.
    pub fn post(&self, who: Who<'_>, path: &str, asked: &Value) -> Result<Value, Failure> {
        self.good(path, self.ask(who, path, Some(asked))?)
    }

    /// The session of a person.
    ///
    /// # Errors
    /// When the node refuses.
    pub fn log_in(&self, name: &str, password: &str) -> Result<String, Failure> {
        let session = self.post(Who::Anyone, "/login", &json!({ "name": name, "password": password }))?;
        Ok(session["token"].as_str().unwrap_or_default().to_owned())
    }

    /// Whether the node answers at all.
    #[must_use]
    pub fn is_answered(&self, path: &str) -> bool {
        self.reach(Who::Anyone, path, None).is_ok()
    }

    fn good(&self, path: &str, answer: Answer) -> Result<Value, Failure> {
        if answer.is_good() {
            let mut document = answer.document;
            return Ok(document["data"].take());
        }
        let (name, status, document) = (self.name, answer.status, answer.document);
        Err(Failure::new(text!(
            "{name} answers {path} with {status}: {document}",
            "{name} 对 {path} 回答 {status}：{document}"
        )))
    }

    fn reach(&self, who: Who<'_>, path: &str, asked: Option<&Value>) -> Result<Answer, Failure> {
        let url = format!("http://{}{path}", self.address);
        let token = if let Who::Person(token) = who { Some(format!("Bearer {token}")) } else { None };
        let answer = match asked {
            None => {
                let request = self.agent.get(&url);
                token.iter().fold(request, |request, token| request.header("Authorization", token)).call()
            }
            Some(asked) => {
                let body = if let Who::Client(client) = who { client.sign(asked)? } else { asked.clone() };
                let request = self.agent.post(&url).header("Content-Type", "application/json");
                let request = token.iter().fold(request, |request, token| request.header("Authorization", token));
                request.send(body.to_string())
            }
        };
        let read = answer.and_then(|mut answer| Ok((answer.status().as_u16(), answer.body_mut().read_to_string()?)));
        let (status, text) = read.map_err(|cause| self.away(path, &cause))?;
        let document = serde_json::from_str(&text).map_err(|cause| self.away(path, &cause))?;
        Ok(Answer { status, document })
    }

    fn away(&self, path: &str, cause: &dyn std::fmt::Display) -> Failure {
        let name = self.name;
        Failure::new(text!("{name} does not answer {path}: {cause}", "{name} 未应答 {path}：{cause}"))
    }
}
