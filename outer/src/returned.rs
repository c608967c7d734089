//! Confirmations that no transaction knows (待恢复). When this zone's database was put back, ferry returns the confirmations that had
//! crossed since; the orders and transactions behind them are lost. They are made anew out of the confirmations, so that a payment
//! which is heard of again is known, and another one for the same debt is one too many.

use std::sync::Arc;

use contract::rows::{PayConfirm, PayConfirmItem};
use contract::rules::{OrderEvent, OrderState};
use node::rounds::Round;
use node::rows::{find_by, select, text};
use node::{Failure, Kind, Moment, record};
use serde_json::json;
use sqlx::Executor as _;
use sqlx::sqlite::SqliteConnection;

use crate::callback;
use crate::content::digest;
use crate::create::PAYER_ACCT;
use crate::exception::{self, Oddity, Place};
use crate::kept::kept;
use crate::order::{Order, OrderItem, int};
use crate::service::PayNode;
use crate::settle::{Basis, CONFIRM_ACCT, Payment, Txn, pay};

/// Confirmations looked at in one round: as many share a commit, and requests do not wait long behind them.
const AT_ONCE: i64 = 100;
/// Whose orders are that were made anew. No client has this id, so nobody is told of them.
pub const NOBODY: &str = "*";
const TITLE: &str = "由缴款确认恢复";
/// Chooses, of some confirmations, those that no transaction knows; the one that counts comes first.
macro_rules! unknown {
    ($which:literal) => {
        concat!(
            "WHERE ",
            $which,
            " AND NOT EXISTS (SELECT 1 FROM outer_txn AS t WHERE t.confirm_id = pay_confirm.confirm_id) \
             ORDER BY is_duplicate, create_time, confirm_id"
        )
    };
}

kept! {
    /// A confirmation that came back alone.
    Returned in "outer_returned" {
        /// 确认单号.
        confirm_id: String,
        /// Why no transaction could be made of it.
        problem: Option<String>,
    }
}

/// Makes transactions of what has come back, oldest first. One of which none can be made is listed for people, and the others go on.
///
/// # Errors
/// When the database cannot be used.
pub async fn round(own: Arc<PayNode>) -> Result<Round, Failure> {
    let rest = "WHERE problem IS NULL ORDER BY rowid LIMIT ?1";
    let waiting =
        own.read(move |connection| Box::pin(async move { Returned::select(connection, rest, &[int(AT_ONCE)]).await }));
    let waiting = waiting.await?;
    let is_empty = waiting.is_empty();
    own.write(move |own, connection| {
        Box::pin(async move {
            for Returned { confirm_id, .. } in waiting {
                if let Some(confirm) = find_by::<PayConfirm>(connection, &confirm_id).await? {
                    of_order(&own, connection, &confirm.platform_order_no).await?;
                }
                forget(connection, &confirm_id).await?;
            }
            Ok(())
        })
    })
    .await?;
    Ok(if is_empty { Round::Rest } else { Round::More })
}

/// Makes transactions of what has come back of an order, before something happens to it.
///
/// # Errors
/// When the database cannot be used.
pub async fn of_order(own: &PayNode, connection: &mut SqliteConnection, number: &str) -> Result<(), Failure> {
    let found = select(connection, unknown!("platform_order_no = ?1"), &[text(number)]).await?;
    all(own, connection, found).await
}

/// Makes transactions of what has come back of the order of a channel's number, before that is looked for: whichever of its payments
/// is asked for, the one that counts is made first and gives the order its state.
///
/// # Errors
/// When the database cannot be used.
pub async fn of_number(
    own: &PayNode,
    connection: &mut SqliteConnection,
    channel: &str,
    channel_order_no: &str,
) -> Result<(), Failure> {
    let key = [text(channel), text(channel_order_no)];
    let found: Vec<PayConfirm> = select(connection, unknown!("channel = ?1 AND channel_order_no = ?2"), &key).await?;
    for confirm in found {
        of_order(own, connection, &confirm.platform_order_no).await?;
    }
    Ok(())
}

async fn all(own: &PayNode, connection: &mut SqliteConnection, found: Vec<PayConfirm>) -> Result<(), Failure> {
    for confirm in found {
        connection.execute("SAVEPOINT returned").await?;
        match one(own, connection, &confirm).await {
            Ok(()) => {
                connection.execute("RELEASE returned").await?;
            }
            Err(failure) => {
                connection.execute("ROLLBACK TO returned; RELEASE returned").await?;
                set_aside(own, connection, &confirm, failure).await?;
            }
        }
    }
    Ok(())
}

/// What is busy is tried again as a whole; everything else waits for people. The money is confirmed, so the exception has none.
async fn set_aside(
    own: &PayNode,
    connection: &mut SqliteConnection,
    confirm: &PayConfirm,
    failure: Failure,
) -> Result<(), Failure> {
    if failure.kind == Kind::Busy {
        return Err(failure);
    }
    let confirm_id = &confirm.confirm_id;
    tracing::error!(code = failure.code, "no transaction can be made of the confirmation {confirm_id}: {failure}");
    sqlx::query(
        "INSERT INTO outer_returned (confirm_id, problem) VALUES (?1, ?2) ON CONFLICT (confirm_id) DO UPDATE SET problem = ?2",
    )
    .bind(confirm_id.clone())
    .bind(failure.to_string())
    .execute(&mut *connection)
    .await?;
    let place = Place {
        channel: &confirm.channel,
        channel_order_no: &confirm.channel_order_no,
        platform_order_no: &confirm.platform_order_no,
    };
    let document = json!({ "confirm_id": confirm_id, "problem": failure.to_string() });
    exception::note(connection, Oddity::Unrestorable, place, &document, own.node.clock.now()).await?;
    Ok(())
}

/// What could not be restored keeps its problem; everything else is done with.
async fn forget(connection: &mut SqliteConnection, confirm_id: &str) -> Result<(), Failure> {
    sqlx::query("DELETE FROM outer_returned WHERE confirm_id = ?1 AND problem IS NULL")
        .bind(confirm_id.to_owned())
        .execute(connection)
        .await?;
    Ok(())
}

async fn one(own: &PayNode, connection: &mut SqliteConnection, confirm: &PayConfirm) -> Result<(), Failure> {
    let now = own.node.clock.now();
    let basis = if confirm.evidence == Basis::TwoPeople.number() { Basis::TwoPeople } else { Basis::Channel };
    let is_released = is_released(connection, &confirm.confirm_id).await?;
    let paid_before = confirm.is_duplicate || (!is_released && counts_already(connection, confirm).await?);
    let (order, told) = match Order::look_up(connection, &confirm.platform_order_no).await? {
        Some(order) => into_order(connection, order, confirm, basis, (paid_before, is_released), now).await?,
        None => stand_in(own, connection, confirm, basis, (paid_before, is_released), now).await?,
    };
    let txn = Txn {
        channel: confirm.channel.clone(),
        channel_order_no: confirm.channel_order_no.clone(),
        platform_order_no: order.platform_order_no.clone(),
        amount_fen: paid_fen(&order, confirm),
        fee_fen: 0,
        channel_discount_fen: 0,
        paid_time: confirm.pay_time.clone(),
        evidence: basis.number(),
        confirm_id: confirm.confirm_id.clone(),
        told_state: told.number(),
        is_duplicate: confirm.is_duplicate,
        create_time: now.time17(),
    };
    txn.clone().add(connection).await?;
    // A unit that heard of it before hears the same again, and one that did not hears of it.
    callback::queue_order(connection, &order, told.number(), Some(&txn), now).await?;
    forget(connection, &confirm.confirm_id).await?;
    let mut act = record::of_program(now, "payment-restore", format!("outer_order/{}", order.platform_order_no));
    act.is_now = Some(json!({ "confirm_id": confirm.confirm_id, "state": told.number() }).to_string());
    record::note(connection, &act).await
}

/// What the payer paid: what counts against the notice, less what the agency gives. What the channel kept and gave is not told by a
/// confirmation.
fn paid_fen(order: &Order, confirm: &PayConfirm) -> i64 {
    confirm.amount_fen.saturating_sub(order.biz_discount_fen).max(0)
}

/// Whether the inner zone has decided that a payment's money goes back.
async fn is_released(connection: &mut SqliteConnection, confirm_id: &str) -> Result<bool, Failure> {
    let found: i64 = sqlx::query_scalar("SELECT count(*) FROM outer_released WHERE confirm_id = ?1")
        .bind(confirm_id.to_owned())
        .fetch_one(connection)
        .await?;
    Ok(found > 0)
}

/// Whether an order that was not lost counts for the debt. Confirmations beside this one do not: one of them comes first.
async fn counts_already(connection: &mut SqliteConnection, confirm: &PayConfirm) -> Result<bool, Failure> {
    let Some(pay_code) = &confirm.pay_code else { return Ok(false) };
    let found: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM outer_order WHERE pay_code = ?1 AND platform_order_no <> ?2 AND state IN (2, 6, 7) AND is_released = 0",
    )
    .bind(pay_code.clone())
    .bind(confirm.platform_order_no.clone())
    .fetch_one(connection)
    .await?;
    Ok(found > 0)
}

/// Pays an order that was put back to before its payment. Yields it with the state as of this payment.
async fn into_order(
    connection: &mut SqliteConnection,
    mut order: Order,
    confirm: &PayConfirm,
    basis: Basis,
    (paid_before, is_released): (bool, bool),
    now: Moment,
) -> Result<(Order, OrderState), Failure> {
    let event = match basis {
        Basis::Channel => OrderEvent::Succeeded { paid_before },
        Basis::TwoPeople => OrderEvent::ConfirmedByTwo { paid_before },
    };
    let Some(after) = order.state()?.after(event) else { return Ok((order, OrderState::Repaid)) };
    order.channel = Some(confirm.channel.clone());
    order.is_released = is_released;
    let payment = Payment {
        channel: confirm.channel.clone(),
        channel_order_no: confirm.channel_order_no.clone(),
        amount_fen: paid_fen(&order, confirm),
        fee_fen: 0,
        channel_discount_fen: 0,
        paid_time: confirm.pay_time.clone(),
        payer_acct: None,
        pay_bank_no: None,
        basis,
    };
    pay(connection, &order, &payment, after, &confirm.confirm_id, now).await?;
    Ok((order, after))
}

/// An order in the place of one that is lost, with what its confirmation says of it.
async fn stand_in(
    own: &PayNode,
    connection: &mut SqliteConnection,
    confirm: &PayConfirm,
    basis: Basis,
    (paid_before, is_released): (bool, bool),
    now: Moment,
) -> Result<(Order, OrderState), Failure> {
    let state = match (paid_before, basis) {
        (true, _) => OrderState::Repaid,
        (false, Basis::Channel) => OrderState::Paid,
        (false, Basis::TwoPeople) => OrderState::Confirmed,
    };
    let open = |sealed: &String| own.node.field_key.open(CONFIRM_ACCT, sealed);
    let acct = confirm.payer_acct.as_ref().and_then(open);
    let seal = |acct: String| own.node.field_key.seal(PAYER_ACCT, &acct, &*own.node.entropy);
    let order = Order {
        platform_order_no: confirm.platform_order_no.clone(),
        client: NOBODY.to_owned(),
        biz_order_no: confirm.platform_order_no.clone(),
        content: digest(&confirm.confirm_id)?,
        pay_code: confirm.pay_code.clone(),
        mof_div_code: confirm.mof_div_code.clone(),
        fiscal_year: confirm.fiscal_year.clone(),
        agency_id: confirm.agency_id.clone(),
        biz_line: confirm.biz_line.clone(),
        biz_ref: confirm.biz_ref.clone(),
        payer_type: confirm.payer_type,
        payer_name: confirm.payer_name.clone(),
        payer_acct: acct.map(seal).transpose()?,
        title: TITLE.to_owned(),
        original_fen: confirm.amount_fen,
        biz_discount_fen: 0,
        channel_discount_fen: 0,
        fee_fen: 0,
        received_fen: confirm.amount_fen,
        diff_fen: 0,
        state: state.number(),
        channel: Some(confirm.channel.clone()),
        pay_mode: None,
        attempt_no: 0,
        notify_url: None,
        passback: None,
        order_time: confirm.pay_time.clone(),
        expire_ms: Moment::of_time14(&confirm.pay_time).unwrap_or(now).ms(),
        ask_attempt: 0,
        ask_next_ms: 0,
        confirm_id: Some(confirm.confirm_id.clone()),
        is_released,
        create_time: now.time17(),
        update_time: now.time17(),
    };
    order.clone().add(connection).await?;
    let items: Vec<PayConfirmItem> =
        select(connection, "WHERE confirm_id = ?1 ORDER BY line_no", &[text(&confirm.confirm_id)]).await?;
    for item in items {
        let item = OrderItem {
            platform_order_no: order.platform_order_no.clone(),
            line_no: item.line_no,
            item_code: item.item_code,
            item_name: item.item_name,
            quantity: item.quantity,
            unit_fen: item.unit_fen,
            amount_fen: item.amount_fen,
        };
        item.add(connection).await?;
    }
    Ok((order, state))
}
