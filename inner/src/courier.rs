//! Carrying what agencies' systems are told to them: each agency has a turn of its own, so that a system that is away delays no other.

use std::sync::Arc;

use node::message::{ClientKey, Message};
use node::post::{NOT_REACHED, Post};
use node::rounds::Round;
use node::turns::Turns;
use node::{Failure, Moment, Node};
use serde_json::Value;
use sqlx::sqlite::SqliteConnection;

use crate::push::{AGENCY, receiver};

/// Delays after each try that was not received, in milliseconds: 1, 3, 5, 15 and 30 minutes (后台通知补偿). The last one repeats, because a
/// booking that nobody was told of is never given up.
pub const DELAYS_MS: [i64; 5] = [60_000, 180_000, 300_000, 900_000, 1_800_000];
/// Systems that are told at once: each costs a thread while it is waited for, and one that is away holds its place for seconds.
const AT_ONCE: u16 = 16;
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
    turns: Turns,
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
        Self { node, post, signer, turns: Turns::new(AT_ONCE) }
    }

    /// Begins a turn for each agency whose system can be told something and has no turn at present; whose message waits longest comes
    /// first.
    /// Nobody's turn is waited for.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn round(&self) -> Result<Round, Failure> {
        let now = self.node.clock.now();
        let agencies: Vec<String> = self
            .node
            .database
            .read(move |connection| {
                Box::pin(async move {
                    let found = sqlx::query_scalar(
                        "SELECT agency_id FROM (SELECT agency_id, (SELECT min(p.next_ms) FROM inner_push AS p \
                         WHERE p.agency_id = c.agency_id AND p.done_time IS NULL) AS due FROM node_client AS c \
                         WHERE permission = ?2 AND is_enabled = 1 AND notify_url IS NOT NULL GROUP BY agency_id) \
                         WHERE due <= ?1 ORDER BY due, agency_id",
                    );
                    Ok(found.bind(now.ms()).bind(AGENCY).fetch_all(connection).await?)
                })
            })
            .await?;
        for agency_id in agencies {
            if let Some(turn) = self.turns.begin(&agency_id) {
                let courier = self.clone();
                turn.spend("telling an agency", async move { courier.tell(agency_id).await });
            }
        }
        Ok(Round::Rest)
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

    /// Tells what waits, that which was tried least first. A system that is away is left alone until its next message is due.
    async fn tell(&self, agency_id: String) -> Result<(), Failure> {
        let node = &self.node;
        for _ in 0..TURN_MAX {
            let (whose, now) = (agency_id.clone(), node.clock.now());
            let waiting = node
                .database
                .read(move |connection| Box::pin(async move { next(connection, &whose, now).await }))
                .await?;
            let Some(one) = waiting else { break };
            let tried = self.send(one.url.clone(), &one.document).await?;
            let is_away = matches!(tried, Try::Away(_));
            self.note(agency_id.clone(), one, tried).await?;
            if is_away {
                break;
            }
        }
        Ok(())
    }

    async fn note(&self, agency_id: String, one: Waiting, tried: Try) -> Result<(), Failure> {
        let node = &self.node;
        let now = node.clock.now();
        let place = usize::try_from(one.attempt).map_err(Failure::internal)?.min(DELAYS_MS.len() - 1);
        let next_ms = now.plus_ms(DELAYS_MS[place]).ms();
        let (error, is_away) = match tried {
            Try::Received => (None, false),
            Try::Refused(error) => (Some(error), false),
            Try::Away(error) => (Some(error), true),
        };
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
                            "UPDATE inner_push SET next_ms = ?2 WHERE agency_id = ?1 AND done_time IS NULL AND next_ms < ?2",
                        )
                        .bind(agency_id)
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

type Found = (String, i64, String);

/// The next message of an agency, for the system that is told now.
async fn next(connection: &mut SqliteConnection, agency_id: &str, now: Moment) -> Result<Option<Waiting>, Failure> {
    let Some(url) = receiver(connection, agency_id).await?.and_then(|client| client.notify_url) else {
        return Ok(None);
    };
    let found: Option<Found> = sqlx::query_as(
        "SELECT push_no, attempt, document FROM inner_push WHERE agency_id = ?1 AND done_time IS NULL AND next_ms <= ?2 \
         ORDER BY attempt, rowid LIMIT 1",
    )
    .bind(agency_id.to_owned())
    .bind(now.ms())
    .fetch_optional(connection)
    .await?;
    let Some((push_no, attempt, document)) = found else { return Ok(None) };
    let document = serde_json::from_str(&document).map_err(Failure::internal)?;
    Ok(Some(Waiting { push_no, attempt, url, document }))
}
