//! Carrying what agencies' systems are told to them: each system has a turn of its own, so that one that is away delays no other.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use node::message::{ClientKey, Message};
use node::post::{NOT_REACHED, Post};
use node::rounds::Round;
use node::{Failure, Moment, Node, unwound};
use serde_json::Value;
use sqlx::sqlite::SqliteConnection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Delays after each try that was not received, in milliseconds: 1, 3, 5, 15 and 30 minutes (后台通知补偿). The last one repeats, because a
/// booking that nobody was told of is never given up.
pub const DELAYS_MS: [i64; 5] = [60_000, 180_000, 300_000, 900_000, 1_800_000];
/// Systems that are told at once: each costs a thread while it is waited for, and one that is away holds its place for seconds.
const AT_ONCE: usize = 16;
/// Messages of one turn: then the systems that wait for a place have theirs.
const TURN_MAX: usize = 50;

/// Who signs what is told.
#[derive(Debug)]
pub struct Signer {
    /// The id under which the other side knows this node.
    pub id: String,
    /// The key.
    pub key: ClientKey,
}

/// Tells systems. Clones share who is being told.
#[derive(Debug, Clone)]
pub struct Courier {
    node: Node,
    post: Post,
    signer: Arc<Signer>,
    room: Arc<Semaphore>,
    busy: Arc<Mutex<BTreeSet<String>>>,
}

/// The turn of a system; when it ends, however it ends, the system may have another.
struct Turn {
    courier: Courier,
    client: String,
    _place: OwnedSemaphorePermit,
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.courier.busy.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.client);
    }
}

/// A message that waits.
struct Waiting {
    push_no: String,
    attempt: i64,
    url: String,
    document: Value,
}

/// How a try ended.
enum Try {
    Received,
    /// The system answered, and not that it has received the message.
    Refused(String),
    /// The system is not there.
    Away(String),
}

impl Courier {
    /// A courier.
    #[must_use]
    pub fn new(node: Node, post: Post, signer: Arc<Signer>) -> Self {
        Self { node, post, signer, room: Arc::new(Semaphore::new(AT_ONCE)), busy: Arc::default() }
    }

    /// Begins a turn for each system that has something to be told and none at present; whose message waits longest comes first.
    /// Nobody's turn is waited for.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn round(&self) -> Result<Round, Failure> {
        let now = self.node.clock.now();
        let clients: Vec<String> = self
            .node
            .database
            .read(move |connection| {
                Box::pin(async move {
                    let found = sqlx::query_scalar(
                        "SELECT p.client FROM inner_push AS p JOIN node_client AS c ON c.id = p.client \
                         WHERE p.done_time IS NULL AND p.next_ms <= ?1 AND c.is_enabled = 1 AND c.notify_url IS NOT NULL \
                         GROUP BY p.client ORDER BY min(p.next_ms), p.client",
                    );
                    Ok(found.bind(now.ms()).fetch_all(connection).await?)
                })
            })
            .await?;
        for client in clients {
            let Some(turn) = self.turn(client) else { continue };
            tokio::spawn(async move {
                if let Err(failure) = unwound(turn.take()).await.and_then(|taken| taken) {
                    tracing::warn!(code = failure.code, "telling {}: {}", turn.client, failure.message);
                }
            });
        }
        Ok(Round::Rest)
    }

    fn turn(&self, client: String) -> Option<Turn> {
        let mut busy = self.busy.lock().unwrap_or_else(PoisonError::into_inner);
        if busy.contains(&client) {
            return None;
        }
        let place = Arc::clone(&self.room).try_acquire_owned().ok()?;
        busy.insert(client.clone());
        Some(Turn { courier: self.clone(), client, _place: place })
    }

    async fn send(&self, url: String, document: &Value) -> Result<Try, Failure> {
        let node = &self.node;
        let message = Message::sign(&self.signer.key, &self.signer.id, document, node.clock.now(), &*node.entropy)?;
        let message = serde_json::to_value(message).map_err(Failure::internal)?;
        Ok(match self.post.send(url, message).await {
            Ok(answer) if answer["received"] == true => Try::Received,
            Ok(_) => Try::Refused("the answer does not say that it was received".to_owned()),
            Err(failure) if failure.code == NOT_REACHED => Try::Away(failure.message.to_string()),
            Err(failure) => Try::Refused(failure.message.to_string()),
        })
    }
}

impl Turn {
    /// Tells what waits, that which was tried least first. A system that is away is left alone until its next message is due.
    async fn take(&self) -> Result<(), Failure> {
        let node = &self.courier.node;
        for _ in 0..TURN_MAX {
            let (client, now) = (self.client.clone(), node.clock.now());
            let waiting = node
                .database
                .read(move |connection| Box::pin(async move { next(connection, &client, now).await }))
                .await?;
            let Some(one) = waiting else { break };
            let tried = self.courier.send(one.url.clone(), &one.document).await?;
            let is_away = matches!(tried, Try::Away(_));
            self.note(one, tried).await?;
            if is_away {
                break;
            }
        }
        Ok(())
    }

    async fn note(&self, one: Waiting, tried: Try) -> Result<(), Failure> {
        let node = &self.courier.node;
        let now = node.clock.now();
        let place = usize::try_from(one.attempt).map_err(Failure::internal)?.min(DELAYS_MS.len() - 1);
        let next_ms = now.plus_ms(DELAYS_MS[place]).ms();
        let (error, is_away) = match tried {
            Try::Received => (None, false),
            Try::Refused(error) => (Some(error), false),
            Try::Away(error) => (Some(error), true),
        };
        let client = self.client.clone();
        node.database
            .write(move |connection| {
                Box::pin(async move {
                    sqlx::query(
                        "UPDATE inner_push SET attempt = attempt + 1, next_ms = ?2, last_error = ?3, \
                         done_time = CASE WHEN ?3 IS NULL THEN ?4 END WHERE push_no = ?1",
                    )
                    .bind(one.push_no)
                    .bind(next_ms)
                    .bind(error)
                    .bind(now.time17())
                    .execute(&mut *connection)
                    .await?;
                    if is_away {
                        sqlx::query(
                            "UPDATE inner_push SET next_ms = ?2 WHERE client = ?1 AND done_time IS NULL AND next_ms < ?2",
                        )
                        .bind(client)
                        .bind(next_ms)
                        .execute(connection)
                        .await?;
                    }
                    Ok(())
                })
            })
            .await
    }
}

type Found = (String, i64, String, String);

async fn next(connection: &mut SqliteConnection, client: &str, now: Moment) -> Result<Option<Waiting>, Failure> {
    let found: Option<Found> = sqlx::query_as(
        "SELECT p.push_no, p.attempt, c.notify_url, p.document FROM inner_push AS p JOIN node_client AS c ON c.id = p.client \
         WHERE p.client = ?1 AND p.done_time IS NULL AND p.next_ms <= ?2 AND c.is_enabled = 1 AND c.notify_url IS NOT NULL \
         ORDER BY p.attempt, p.rowid LIMIT 1",
    )
    .bind(client.to_owned())
    .bind(now.ms())
    .fetch_optional(connection)
    .await?;
    let Some((push_no, attempt, url, document)) = found else { return Ok(None) };
    let document = serde_json::from_str(&document).map_err(Failure::internal)?;
    Ok(Some(Waiting { push_no, attempt, url, document }))
}
