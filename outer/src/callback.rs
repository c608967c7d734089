//! What units must be told (后台通知): queued with what happened, sent until received, compensated, and in the end listed for people.

use std::sync::Arc;

use console::Text;
use node::http::{Caller, Done};
use node::message::Message;
use node::post::NOT_REACHED;
use node::rounds::Round;
use node::rows::text;
use node::{Failure, Kind, Moment, client, record, url};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::sqlite::SqliteConnection;
use tokio::task::JoinSet;

use crate::kept::kept;
use crate::order::{Order, int};
use crate::service::{PayNode, all};
use crate::settle::Txn;

/// Delays after each try that was not received, in milliseconds, counted from that try: 1, 3, 5, 15 and 30 minutes (通知补偿). After the
/// last one the notification is given up, listed, and sent again only by people.
pub const COMPENSATION_MS: [i64; 5] = [60_000, 180_000, 300_000, 900_000, 1_800_000];
/// Notifications on one page: what a person reads.
pub const PAGE: i64 = 100;
/// Notifications of a unit sent at once: as many threads wait for it where it is away.
const AT_ONCE: i64 = 4;
/// Notifications that a unit is sent in its turn, in parts of [`AT_ONCE`]: then the units that wait for a place have theirs.
const TURN_PARTS: usize = 50;
/// The longest error that is kept, in characters.
const ERROR_CHARS_MAX: usize = 300;

kept! {
    /// A notification (通知).
    Callback in "outer_callback" {
        /// The number, ascending.
        callback_id: i64,
        /// `order`, `confirm`, `request` or `offline`.
        kind: String,
        /// The number of the order, confirmation, request or offline payment.
        object: String,
        /// The client that is told.
        client: String,
        /// The address that the order named, if it named one.
        url: Option<String>,
        /// The order's state, of orders.
        state: Option<i64>,
        /// What it is told, as JSON.
        document: String,
        /// Tries until now.
        attempt: i64,
        /// When it is tried next, in milliseconds since 1970.
        next_ms: i64,
        /// When it was received, in milliseconds since 1970.
        done_ms: Option<i64>,
        /// When it was given up, in milliseconds since 1970.
        given_up_ms: Option<i64>,
        /// Why the last try failed.
        last_error: Option<String>,
        /// 创建时间: yyyyMMddHHmmssSSS.
        create_time: String,
    }
}

/// What is to be told.
#[derive(Debug, Clone)]
pub struct Told {
    /// `order`, `confirm`, `request` or `offline`.
    pub kind: &'static str,
    /// The number of the order, confirmation, request or offline payment.
    pub object: String,
    /// The client.
    pub client: String,
    /// Where, if not at its registered address itself.
    pub url: Option<String>,
    /// The order's state, of orders.
    pub state: Option<i64>,
    /// What.
    pub document: Value,
}

/// Queues a notification in the transaction of what it tells of. A client without an address is not told; it asks.
///
/// # Errors
/// When the database cannot be written.
pub async fn queue(connection: &mut SqliteConnection, told: Told, now: Moment) -> Result<(), Failure> {
    let client = client::find(connection, &told.client).await?;
    if client.is_none_or(|client| client.notify_url.is_none()) {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO outer_callback (kind, object, client, url, state, document, next_ms, create_time) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )
    .bind(told.kind)
    .bind(told.object)
    .bind(told.client)
    .bind(told.url)
    .bind(told.state)
    .bind(told.document.to_string())
    .bind(now.ms())
    .bind(now.time17())
    .execute(connection)
    .await?;
    Ok(())
}

/// Queues what an order's unit is told of it, and of the payment by which it came about.
///
/// # Errors
/// When the database cannot be written.
pub async fn queue_order(
    connection: &mut SqliteConnection,
    order: &Order,
    state: i64,
    txn: Option<&Txn>,
    now: Moment,
) -> Result<(), Failure> {
    let document = json!({
        "kind": "order",
        "platform_order_no": order.platform_order_no,
        "biz_order_no": order.biz_order_no,
        "pay_code": order.pay_code,
        "state": state,
        "amount_fen": order.original_fen,
        "paid_fen": txn.map(|txn| txn.amount_fen),
        "channel": txn.map_or(order.channel.as_ref(), |txn| Some(&txn.channel)),
        "confirm_id": txn.map(|txn| &txn.confirm_id),
        "passback": order.passback,
        "time": now.time14(),
    });
    let told = Told {
        kind: "order",
        object: order.platform_order_no.clone(),
        client: order.client.clone(),
        url: order.notify_url.clone(),
        state: Some(state),
        document,
    };
    queue(connection, told, now).await
}

/// Notifications of a client that are due, of each object the earliest alone, so that a unit hears of states in their order. One that
/// was given up does not hold back those after it.
const DUE: &str = "WHERE client = ?3 AND done_ms IS NULL AND given_up_ms IS NULL AND next_ms <= ?1 AND NOT EXISTS (\
    SELECT 1 FROM outer_callback AS b WHERE b.kind = outer_callback.kind AND b.object = outer_callback.object \
    AND b.done_ms IS NULL AND b.given_up_ms IS NULL AND b.callback_id < outer_callback.callback_id) \
    ORDER BY next_ms, callback_id LIMIT ?2";
/// Clients that can be told something; whose notification waits longest comes first. A client that is disabled waits.
const CLIENTS: &str = "SELECT id FROM (SELECT id, (SELECT min(next_ms) FROM outer_callback WHERE client = node_client.id \
    AND done_ms IS NULL AND given_up_ms IS NULL) AS due FROM node_client WHERE is_enabled = 1 AND notify_url IS NOT NULL) \
    WHERE due <= ?1 ORDER BY due, id";

/// Begins a turn for each unit that can be told something and has none at present.
///
/// # Errors
/// When the database cannot be used.
pub async fn send(own: Arc<PayNode>) -> Result<Round, Failure> {
    let now = own.node.clock.now();
    let clients: Vec<String> = own
        .read(move |connection| {
            Box::pin(async move { Ok(sqlx::query_scalar(CLIENTS).bind(now.ms()).fetch_all(connection).await?) })
        })
        .await?;
    for client in clients {
        if let Some(turn) = own.telling.begin(&client) {
            let own = Arc::clone(&own);
            turn.spend("telling a unit", async move { tell(&own, client).await });
        }
    }
    Ok(Round::Rest)
}

/// Tells a unit what is due. One that is away is left alone until its next notification is due.
async fn tell(own: &Arc<PayNode>, id: String) -> Result<(), Failure> {
    for _ in 0..TURN_PARTS {
        let (whose, now) = (id.clone(), own.node.clock.now());
        let found = own.read(move |connection| {
            Box::pin(async move {
                let client = client::find(connection, &whose).await?.filter(|client| client.is_enabled);
                let due = Callback::select(connection, DUE, &[int(now.ms()), int(AT_ONCE), text(&whose)]).await?;
                Ok((client, due))
            })
        });
        let (Some(client), due) = found.await? else { break };
        let mut sending = JoinSet::new();
        for callback in due {
            // An address that the administrator has moved since it was named is told no more, and the registered one is.
            let Some(url) = url::of(&client, callback.url.clone()) else { continue };
            let own = Arc::clone(own);
            sending.spawn(async move { send_one(&own, callback, url).await });
        }
        if all(sending).await?.into_iter().all(|is_there| !is_there) {
            break;
        }
    }
    Ok(())
}

/// Sends a notification. Yields whether the unit was there.
async fn send_one(own: &Arc<PayNode>, callback: Callback, url: String) -> Result<bool, Failure> {
    let mut document: Value = serde_json::from_str(&callback.document).map_err(Failure::internal)?;
    document["callback_id"] = json!(callback.callback_id);
    let signer = &own.settings.signer;
    let message = Message::sign(&signer.key, &signer.id, &document, own.node.clock.now(), &*own.node.entropy)?;
    let message = serde_json::to_value(message).map_err(Failure::internal)?;
    let sent = own.post.send(url, message).await;
    let is_there = sent.as_ref().err().is_none_or(|failure| failure.code != NOT_REACHED);
    let error = match sent {
        Ok(answer) if answer["received"] == true => None,
        Ok(_) => Some("the answer does not say `received`: true".to_owned()),
        Err(failure) => Some(failure.message.to_string()),
    };
    settle(own, callback, error).await?;
    Ok(is_there)
}

/// Writes down what a try came to.
async fn settle(own: &Arc<PayNode>, callback: Callback, error: Option<String>) -> Result<(), Failure> {
    let now = own.node.clock.now();
    let delay = usize::try_from(callback.attempt).ok().and_then(|place| COMPENSATION_MS.get(place));
    let is_over = error.is_some() && delay.is_none();
    let error: Option<String> = error.map(|error| error.chars().take(ERROR_CHARS_MAX).collect());
    if is_over {
        tracing::warn!(code = "callback-given-up", "the notification {} is given up", callback.callback_id);
    }
    own.write(move |_, connection| {
        Box::pin(async move {
            sqlx::query(
                "UPDATE outer_callback SET attempt = attempt + 1, next_ms = ?2, last_error = ?3, \
                 done_ms = CASE WHEN ?3 IS NULL THEN ?4 END, given_up_ms = CASE WHEN ?5 THEN ?4 END WHERE callback_id = ?1",
            )
            .bind(callback.callback_id)
            .bind(now.plus_ms(delay.copied().unwrap_or(0)).ms())
            .bind(error)
            .bind(now.ms())
            .bind(is_over)
            .execute(connection)
            .await?;
            Ok(())
        })
    })
    .await
}

/// Which notifications.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Progress {
    /// All.
    #[default]
    All,
    /// Those that wait for a try.
    Waiting,
    /// Those that were received.
    Received,
    /// Those that were given up.
    GivenUp,
}

/// Which notifications.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CallbacksAsked {
    /// How far they are.
    #[serde(default)]
    pub progress: Progress,
    /// Of this order, confirmation, request or offline payment.
    pub object: Option<String>,
    /// Those before this number, for the next page.
    pub before: Option<i64>,
}

/// A notification.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CallbackShown {
    /// The number.
    pub callback_id: i64,
    /// `order`, `confirm`, `request` or `offline`.
    pub kind: String,
    /// The number of the order, confirmation, request or offline payment.
    pub object: String,
    /// The client that is told.
    pub client: String,
    /// The address that the order named, if it named one: told while that is still registered for the client, and else the registered
    /// one.
    pub url: Option<String>,
    /// The order's state, of orders.
    pub state: Option<i64>,
    /// How far it is.
    pub progress: Progress,
    /// Tries until now.
    pub attempt: i64,
    /// When it is tried next, yyyyMMddHHmmss; none when it is not.
    pub next_time: Option<String>,
    /// Why the last try failed.
    pub last_error: Option<String>,
    /// 创建时间: yyyyMMddHHmmssSSS.
    pub create_time: String,
}

/// A page of notifications, the latest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Callbacks {
    /// The notifications.
    pub callbacks: Vec<CallbackShown>,
}

/// Lists notifications.
///
/// # Errors
/// When the database cannot be read.
pub async fn list(own: &PayNode, asked: CallbacksAsked) -> Result<Callbacks, Failure> {
    let wanted = match asked.progress {
        Progress::All => None,
        Progress::Waiting => Some(0),
        Progress::Received => Some(1),
        Progress::GivenUp => Some(2),
    };
    let rest = "WHERE (?1 IS NULL OR ?1 = CASE WHEN done_ms IS NOT NULL THEN 1 WHEN given_up_ms IS NOT NULL THEN 2 ELSE 0 END) \
                AND (?2 IS NULL OR object = ?2) AND (?3 IS NULL OR callback_id < ?3) ORDER BY callback_id DESC LIMIT ?4";
    let values = [(&wanted).into(), (&asked.object).into(), (&asked.before).into(), int(PAGE)];
    let found =
        own.read(move |connection| Box::pin(async move { Callback::select(connection, rest, &values).await })).await?;
    Ok(Callbacks { callbacks: found.into_iter().map(shown).collect() })
}

fn shown(one: Callback) -> CallbackShown {
    let progress = match (one.done_ms, one.given_up_ms) {
        (Some(_), _) => Progress::Received,
        (None, Some(_)) => Progress::GivenUp,
        (None, None) => Progress::Waiting,
    };
    let next = (progress == Progress::Waiting).then_some(one.next_ms);
    CallbackShown {
        callback_id: one.callback_id,
        kind: one.kind,
        object: one.object,
        client: one.client,
        url: one.url,
        state: one.state,
        progress,
        attempt: one.attempt,
        next_time: next.and_then(Moment::of_ms).map(Moment::time14),
        last_error: one.last_error,
        create_time: one.create_time,
    }
}

/// Which notification.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CallbackAsked {
    /// The number.
    pub callback_id: i64,
}

/// Sends a notification again, from the first try on.
///
/// # Errors
/// When there is none of that number.
pub async fn again(own: &Arc<PayNode>, caller: &Caller, asked: CallbackAsked) -> Result<Done, Failure> {
    let now = own.node.clock.now();
    let id = asked.callback_id;
    let mut act = caller.act(now.time17(), "callback-again", format!("outer_callback/{id}"));
    own.write(move |_, connection| {
        Box::pin(async move {
            let found = Callback::select(connection, "WHERE callback_id = ?1", &[int(id)]).await?;
            let Some(before) = found.into_iter().next() else {
                return Err(Failure::missing("notification", "通知", &id.to_string()));
            };
            if before.done_ms.is_none() && before.given_up_ms.is_none() && before.attempt == 0 {
                return Err(Failure::new(
                    Kind::Conflict,
                    "callback-waiting",
                    Text::fixed("the notification has not been tried yet", "该通知尚未发送"),
                    Text::fixed("wait for its first try", "请等待首次发送"),
                ));
            }
            act.was = Some(
                json!({ "attempt": before.attempt, "done_ms": before.done_ms, "given_up_ms": before.given_up_ms }).to_string(),
            );
            act.is_now = Some(json!({ "attempt": 0, "next_ms": now.ms() }).to_string());
            sqlx::query(
                "UPDATE outer_callback SET attempt = 0, next_ms = ?2, done_ms = NULL, given_up_ms = NULL WHERE callback_id = ?1",
            )
            .bind(id)
            .bind(now.ms())
            .execute(&mut *connection)
            .await?;
            record::note(connection, &act).await?;
            Ok(Done::YES)
        })
    })
    .await
}
