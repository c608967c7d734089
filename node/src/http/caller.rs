//! Who asks.

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use console::Text;
use sm3::{Digest as _, Sm3};

use crate::client::{self, Client};
use crate::failure::{Failure, Kind};
use crate::field_key::hex;
use crate::message::Message;
use crate::people::{self, Person, SESSION_MS};
use crate::record::Act;
use crate::service::Node;

/// The longest token, in characters: ours have 64.
const TOKEN_CHARS_MAX: usize = 128;

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// Nobody who is known.
    Anyone,
    /// A person with a session.
    Person(Person),
    /// A client with a signature.
    Client(Client),
}

/// Who asks, from where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Who.
    pub who: Who,
    /// The address, as the record of acts keeps it.
    pub address: String,
}

impl Caller {
    /// The name that stands in the record of acts.
    #[must_use]
    pub fn name(&self) -> String {
        match &self.who {
            Who::Anyone => "anyone".to_owned(),
            Who::Person(person) => person.name.clone(),
            Who::Client(client) => format!("client:{}", client.id),
        }
    }

    /// The client that asks.
    ///
    /// # Errors
    /// When it is none; an access that wants one has let nobody else through.
    pub fn client(&self) -> Result<&Client, Failure> {
        match &self.who {
            Who::Client(client) => Ok(client),
            Who::Anyone | Who::Person(_) => Err(Failure::internal("a message came from no client")),
        }
    }

    /// An entry for the record of acts.
    #[must_use]
    pub fn act(&self, time17: String, what: &str, object: String) -> Act {
        Act {
            time: time17,
            who: self.name(),
            address: self.address.clone(),
            what: what.to_owned(),
            object,
            was: None,
            is_now: None,
        }
    }

    /// The program's own command line.
    #[must_use]
    pub fn local(name: &str) -> Self {
        let person = Person {
            name: name.to_owned(),
            title: name.to_owned(),
            role: people::Role::Operator,
            password: String::new(),
            is_enabled: true,
            failed: 0,
            locked_until_ms: 0,
        };
        Self { who: Who::Person(person), address: "local".to_owned() }
    }
}

/// The token of a request, if it has one.
#[must_use]
pub fn token(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    value.strip_prefix("Bearer ").filter(|token| token.len() <= TOKEN_CHARS_MAX)
}

/// What the database keeps of a token.
#[must_use]
pub fn token_digest(token: &str) -> String {
    hex(&Sm3::digest(token.as_bytes()))
}

/// The person whose session a request belongs to. A session that is used goes on.
pub(super) async fn person(node: &Node, headers: &HeaderMap) -> Result<Person, Failure> {
    let unknown = || {
        Failure::new(
            Kind::Unknown,
            "not-logged-in",
            Text::fixed("nobody is logged in with this token", "令牌无效或已过期"),
            Text::fixed(
                "log in and send the token as `Authorization: Bearer`",
                "请先登录，并以 `Authorization: Bearer` 发送令牌",
            ),
        )
    };
    let digest = token_digest(token(headers).ok_or_else(unknown)?);
    let now = node.clock.now();
    let of = digest.clone();
    let found =
        node.database.read(move |connection| Box::pin(async move { people::of_session(connection, &of, now).await }));
    let (person, expires_ms) = found.await?.ok_or_else(unknown)?;
    // A write for every click would be dear; one in a third of the session's time is enough.
    if expires_ms - now.ms() < SESSION_MS * 2 / 3 {
        node.database
            .write(move |connection| Box::pin(async move { people::prolong(connection, &digest, now).await }))
            .await?;
    }
    Ok(person)
}

/// The client that signed a message, whose nonce is taken thereby.
pub(super) async fn client(node: &Node, message: &Message, permission: &str) -> Result<Client, Failure> {
    let now = node.clock.now();
    let expires = message.check_form(now)?;
    let id = message.dev_id.clone();
    let found =
        node.database.read(move |connection| Box::pin(async move { client::find(connection, &id).await })).await?;
    let client = found.filter(|client| client.is_enabled).ok_or_else(|| {
        Failure::new(
            Kind::Unknown,
            "client-unknown",
            Text::fixed("no client of that devId may send messages", "没有该 devId 的启用接入系统"),
            Text::fixed("ask the administrator to add it", "请联系系统管理员登记"),
        )
    })?;
    let key = client.public_key.clone();
    let signed = message.clone();
    let verified = tokio::task::spawn_blocking(move || signed.verify(&key)).await;
    verified.map_err(Failure::internal)??;
    if !client.may(permission) {
        return Err(Failure::new(
            Kind::Forbidden,
            "not-permitted",
            console::text!(
                "this is for clients with the permission {permission}",
                "该接口仅限权限为 {permission} 的接入系统"
            ),
            Text::fixed("ask the administrator", "请联系系统管理员"),
        ));
    }
    let (id, nonce) = (client.id.clone(), message.nonce.clone());
    node.database
        .write(move |connection| {
            Box::pin(async move { client::take_nonce(connection, &id, &nonce, expires, now).await })
        })
        .await?;
    Ok(client)
}

/// Lets a message come again that the node failed to do. Where even that fails, its client is told to sign it anew.
pub(super) async fn let_repeat(node: &Node, id: String, nonce: String) {
    let given = node
        .database
        .write(move |connection| Box::pin(async move { client::give_nonce_back(connection, &id, &nonce).await }));
    if let Err(failure) = given.await {
        tracing::warn!(code = failure.code, "a nonce is not given back: {}", failure.message);
    }
}
