//! Orders whose time is over (超时关单). One that is being paid is asked for at its channel before, because closing it lets the payer
//! pay again.

use std::sync::Arc;

use console::Text;
use contract::Cell;
use contract::rules::{OrderEvent, OrderState};
use node::client::{self, Client};
use node::http::{Caller, Who};
use node::message::Message;
use node::rounds::Round;
use node::rows::text;
use node::{Failure, Kind, record};
use serde::Deserialize;
use serde_json::{Value, json};
use sqlx::sqlite::SqliteConnection;
use tokio::task::JoinSet;

use crate::callback::{self, COMPENSATION_MS};
use crate::exception::{self, Oddity, Place};
use crate::order::{Order, int};
use crate::result::{self, ChannelResult};
use crate::returned;
use crate::service::{CHANNEL, PayNode, all};

/// Orders closed, or asked for at one channel, at once.
const AT_ONCE: i64 = 16;
/// Orders that a channel is asked for in its turn, in parts of [`AT_ONCE`]: then the channels that wait for a place have theirs.
const TURN_PARTS: usize = 16;

/// What a channel answers when it is asked for an order.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    /// What became of it; none while that is not decided.
    result: Option<ChannelResult>,
}

/// Closes orders whose time is over, and begins a turn for each channel that is to be asked and has none at present.
///
/// # Errors
/// When the database cannot be used.
pub async fn expire(own: Arc<PayNode>) -> Result<Round, Failure> {
    let now = own.node.clock.now();
    let channels: Vec<String> = own
        .read(move |connection| {
            Box::pin(async move {
                let sql = "SELECT DISTINCT coalesce(channel, '') FROM outer_order \
                           WHERE state = 1 AND expire_ms <= ?1 AND ask_next_ms <= ?1";
                Ok(sqlx::query_scalar(sql).bind(now.ms()).fetch_all(connection).await?)
            })
        })
        .await?;
    for channel in channels {
        if let Some(turn) = own.asking.begin(&channel) {
            let own = Arc::clone(&own);
            turn.spend("asking a channel", async move { ask_all(&own, channel).await });
        }
    }
    // What nobody is paying waits for no answer.
    let rest = "WHERE state IN (0, 3) AND expire_ms <= ?1 ORDER BY expire_ms, platform_order_no LIMIT ?2";
    let is_done = expire_part(&own, rest, vec![int(now.ms()), int(AT_ONCE)]).await?;
    Ok(if is_done { Round::Rest } else { Round::More })
}

/// Asks a channel for its orders whose time is over.
async fn ask_all(own: &Arc<PayNode>, channel: String) -> Result<(), Failure> {
    let rest = "WHERE state = 1 AND expire_ms <= ?1 AND ask_next_ms <= ?1 AND coalesce(channel, '') = ?3 \
                ORDER BY expire_ms, platform_order_no LIMIT ?2";
    for _ in 0..TURN_PARTS {
        let values = vec![int(own.node.clock.now().ms()), int(AT_ONCE), text(&channel)];
        if expire_part(own, rest, values).await? {
            break;
        }
    }
    Ok(())
}

/// Deals with some orders whose time is over. Yields whether there were none.
async fn expire_part(own: &Arc<PayNode>, rest: &'static str, values: Vec<Cell>) -> Result<bool, Failure> {
    let due =
        own.read(move |connection| Box::pin(async move { Order::select(connection, rest, &values).await })).await?;
    let is_empty = due.is_empty();
    let mut closing = JoinSet::new();
    for order in due {
        let own = Arc::clone(own);
        closing.spawn(async move { expire_one(&own, order).await });
    }
    all(closing).await?;
    Ok(is_empty)
}

async fn expire_one(own: &Arc<PayNode>, order: Order) -> Result<(), Failure> {
    let channel = order.channel.clone().filter(|_| order.state == OrderState::Paying.number());
    let Some(channel) = channel else { return close(own, order.platform_order_no, None).await };
    let Some(url) = own.settings.channels.get(&channel).cloned().flatten() else {
        // A channel that cannot be asked is silent, and people look.
        return close(own, order.platform_order_no, Some(channel)).await;
    };
    match ask(own, &channel, url, &order).await {
        Ok((by, Some(said))) => {
            if let Err(failure) = result::take(own, &by, said).await {
                tracing::warn!(code = failure.code, "what {channel} says does not fit: {}", failure.message);
            }
        }
        Ok((_, None)) => {}
        Err(failure) => tracing::warn!(code = failure.code, "asking {channel}: {}", failure.message),
    }
    later(own, order, channel).await
}

/// Asks a channel what became of an order; its answer must be signed like every message of it, and is of the present attempt where it
/// says no other. Yields who answers, too.
async fn ask(
    own: &Arc<PayNode>,
    channel: &str,
    url: String,
    order: &Order,
) -> Result<(Caller, Option<ChannelResult>), Failure> {
    let now = own.node.clock.now();
    let signer = &own.settings.signer;
    let document = json!({
        "platform_order_no": order.platform_order_no,
        "attempt_no": order.attempt_no,
        "amount_fen": order.payable_fen(),
    });
    let message = Message::sign(&signer.key, &signer.id, &document, now, &*own.node.entropy)?;
    let answer = own.post.send(url.clone(), serde_json::to_value(message).map_err(Failure::internal)?).await?;
    let answer: Message = serde_json::from_value(answer).map_err(|error| wrong(&error))?;
    let (client, said) = verified(own, channel, answer).await?;
    let said = said.result.filter(|said| said.platform_order_no == order.platform_order_no);
    let said = said.map(|said| ChannelResult { attempt_no: said.attempt_no.or(Some(order.attempt_no)), ..said });
    Ok((Caller { who: Who::Client(client), address: url }, said))
}

/// The channel and the document of its answer, if it signed it and did not send it before.
async fn verified(own: &Arc<PayNode>, channel: &str, answer: Message) -> Result<(Client, Asked), Failure> {
    let now = own.node.clock.now();
    let expires = answer.check_form(now)?;
    if answer.dev_id != channel {
        return Err(wrong(&"it is signed by another system"));
    }
    let id = channel.to_owned();
    let client: Option<Client> =
        own.read(move |connection| Box::pin(async move { client::find(connection, &id).await })).await?;
    let client = client.filter(|client| client.is_enabled && client.permission == CHANNEL);
    let client = client.ok_or_else(|| wrong(&"the channel is no client of this node"))?;
    answer.verify(&client.public_key)?;
    let (id, nonce) = (client.id.clone(), answer.nonce.clone());
    own.write(move |_, connection| {
        Box::pin(async move { client::take_nonce(connection, &id, &nonce, expires, now).await })
    })
    .await?;
    let said = serde_json::from_slice(&answer.document()?).map_err(|error| wrong(&error))?;
    Ok((client, said))
}

fn wrong(why: &dyn std::fmt::Display) -> Failure {
    Failure::new(
        Kind::Bad,
        "channel-answer",
        console::text!("the channel's answer cannot be used: {why}", "渠道的答复无法使用：{why}"),
        Text::fixed("have the channel answer with a signed message", "请渠道以签名报文答复"),
    )
}

/// Puts the next question off as long as notifications are, if the order is still being paid: what the channel said may be of another
/// attempt, or a payment that counts for another order. After the last one the order is closed, and people are told that the channel
/// was silent.
async fn later(own: &Arc<PayNode>, order: Order, channel: String) -> Result<(), Failure> {
    let place = usize::try_from(order.ask_attempt).map_err(Failure::internal)?;
    let Some(delay) = COMPENSATION_MS.get(place) else {
        return close(own, order.platform_order_no, Some(channel)).await;
    };
    let next = own.node.clock.now().plus_ms(*delay);
    own.write(move |_, connection| {
        Box::pin(async move {
            sqlx::query(
                "UPDATE outer_order SET ask_attempt = ask_attempt + 1, ask_next_ms = ?2 WHERE platform_order_no = ?1 AND state = 1",
            )
            .bind(order.platform_order_no)
            .bind(next.ms())
            .execute(connection)
            .await?;
            Ok(())
        })
    })
    .await
}

/// Closes an order, if it is still open; `silent` is the channel that did not say what became of it.
async fn close(own: &Arc<PayNode>, platform_order_no: String, silent: Option<String>) -> Result<(), Failure> {
    own.write(move |own, connection| {
        Box::pin(async move { close_now(&own, connection, &platform_order_no, silent).await })
    })
    .await
}

async fn close_now(
    own: &PayNode,
    connection: &mut SqliteConnection,
    platform_order_no: &str,
    silent: Option<String>,
) -> Result<(), Failure> {
    let now = own.node.clock.now();
    returned::of_order(own, connection, platform_order_no).await?;
    let mut order = Order::find(connection, platform_order_no).await?;
    let before = order.state()?;
    let Some(after) = before.after(OrderEvent::Expired) else { return Ok(()) };
    order.go(connection, after, now).await?;
    callback::queue_order(connection, &order, after.number(), None, now).await?;
    let mut act = record::of_program(now, "order-close", format!("outer_order/{platform_order_no}"));
    act.was = Some(json!({ "state": before.number() }).to_string());
    act.is_now = Some(json!({ "state": after.number() }).to_string());
    record::note(connection, &act).await?;
    let Some(channel) = silent.filter(|_| before == OrderState::Paying) else { return Ok(()) };
    let place = Place { channel: &channel, channel_order_no: "", platform_order_no };
    exception::note(connection, Oddity::ChannelSilent, place, &Value::Null, now).await?;
    Ok(())
}
