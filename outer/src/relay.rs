//! What the inner zone says, on its way to the clients whom it is about (答复转发): answers, and refunds of offline payments.

use std::sync::Arc;

use contract::rows::{ConfirmResult, NoticeRequestResult, OfflinePayment, PayConfirm};
use node::rounds::Round;
use node::rows::{find_by, text};
use node::{Failure, Moment};
use serde_json::json;
use sqlx::sqlite::SqliteConnection;
use tokio::task::JoinSet;

use crate::callback::{self, Told};
use crate::kept::kept;
use crate::order::{Order, int};
use crate::request::Owned;
use crate::service::{PayNode, all};

/// Answers queued at once: as many share a commit, and requests do not wait long behind them.
const AT_ONCE: i64 = 100;

kept! {
    /// An answer that has come.
    Answered in "outer_answered" {
        /// `confirm`, `request` or `offline`.
        kind: String,
        /// The number of the confirmation, request or offline payment.
        object: String,
        /// What was answered.
        content: String,
        /// Whether it was queued for the client.
        told: bool,
    }
}

/// Queues the answers that have come for the clients whose orders and requests they answer.
///
/// # Errors
/// When the database cannot be used.
pub async fn relay(own: Arc<PayNode>) -> Result<Round, Failure> {
    let rest = "WHERE told = 0 ORDER BY kind, object LIMIT ?1";
    let waiting = own
        .read(move |connection| Box::pin(async move { Answered::select(connection, rest, &[int(AT_ONCE)]).await }))
        .await?;
    let is_empty = waiting.is_empty();
    let now = own.node.clock.now();
    let mut relaying = JoinSet::new();
    for answered in waiting {
        let own = Arc::clone(&own);
        // The writer takes what comes at once into one transaction, and one that fails takes nothing with it.
        relaying.spawn(async move {
            own.write(move |_, connection| Box::pin(async move { relay_one(connection, answered, now).await })).await
        });
    }
    all(relaying).await?;
    Ok(if is_empty { Round::Rest } else { Round::More })
}

async fn relay_one(connection: &mut SqliteConnection, answered: Answered, now: Moment) -> Result<(), Failure> {
    let told = match answered.kind.as_str() {
        "confirm" => of_confirm(connection, &answered.object).await?,
        "offline" => of_offline(connection, &answered.object).await?,
        _ => of_request(connection, &answered.object).await?,
    };
    if let Some(told) = told {
        callback::queue(connection, told, now).await?;
    }
    // An answer that has changed since it was read stays untold, and comes again.
    sqlx::query("UPDATE outer_answered SET told = 1 WHERE kind = ?1 AND object = ?2 AND content = ?3")
        .bind(answered.kind)
        .bind(answered.object)
        .bind(answered.content)
        .execute(connection)
        .await?;
    Ok(())
}

/// What a client is told of a confirmation; none when the order is not this node's, as after the database was made anew.
async fn of_confirm(connection: &mut SqliteConnection, confirm_id: &str) -> Result<Option<Told>, Failure> {
    let Some(result) = find_by::<ConfirmResult>(connection, confirm_id).await? else { return Ok(None) };
    let Some(confirm) = find_by::<PayConfirm>(connection, confirm_id).await? else { return Ok(None) };
    let Some(order) = Order::look_up(connection, &confirm.platform_order_no).await? else { return Ok(None) };
    let document = json!({
        "kind": "confirm",
        "confirm_id": confirm_id,
        "platform_order_no": order.platform_order_no,
        "biz_order_no": order.biz_order_no,
        "pay_code": order.pay_code,
        "match_state": result.match_state,
        "decision": result.decision,
        "book_no": result.book_no,
        "book_time": result.book_time,
        "passback": order.passback,
    });
    Ok(Some(Told {
        kind: "confirm",
        object: confirm_id.to_owned(),
        client: order.client,
        url: order.notify_url,
        state: None,
        document,
    }))
}

/// What a client is told of an offline payment that goes back (线下退付): the payment of its order stands, and whoever paid twice
/// gets the other money back. None where no order of this node stands, as where the first of two offline payments does.
async fn of_offline(connection: &mut SqliteConnection, payment_id: &str) -> Result<Option<Told>, Failure> {
    let Some(payment) = find_by::<OfflinePayment>(connection, payment_id).await? else { return Ok(None) };
    let stands = "WHERE pay_code = ?1 AND state IN (2, 6, 7) AND is_released = 0 LIMIT 1";
    let found = Order::select(connection, stands, &[text(&payment.pay_code)]).await?;
    let Some(order) = found.into_iter().next() else { return Ok(None) };
    let document = json!({
        "kind": "offline-refund",
        "payment_id": payment_id,
        "platform_order_no": order.platform_order_no,
        "biz_order_no": order.biz_order_no,
        "pay_code": order.pay_code,
        "source": payment.source,
        "amount_fen": payment.amount_fen,
        "pay_time": payment.pay_time,
        "refund_state": payment.refund_state,
        "passback": order.passback,
    });
    Ok(Some(Told {
        kind: "offline",
        object: payment_id.to_owned(),
        client: order.client,
        url: order.notify_url,
        state: None,
        document,
    }))
}

async fn of_request(connection: &mut SqliteConnection, request_id: &str) -> Result<Option<Told>, Failure> {
    let Some(result) = find_by::<NoticeRequestResult>(connection, request_id).await? else { return Ok(None) };
    let found = Owned::select(connection, "WHERE request_id = ?1", &[text(request_id)]).await?;
    let Some(owned) = found.into_iter().next() else { return Ok(None) };
    let document = json!({
        "kind": "request",
        "request_id": request_id,
        "request_no": owned.request_no,
        "biz_ref": owned.biz_ref,
        "state": result.state,
        "pay_code": result.pay_code,
        "reason_code": result.reason_code,
        "reason": result.reason,
        "answer_time": result.answer_time,
    });
    Ok(Some(Told {
        kind: "request",
        object: request_id.to_owned(),
        client: owned.client,
        url: None,
        state: None,
        document,
    }))
}
