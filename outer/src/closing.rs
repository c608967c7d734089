//! Closing exceptions (异常处理). What has no money in it one person closes. What has is asked for by one and decided by another:
//! either its money is a payment that is confirmed already, or there is nothing to be confirmed. Money that is still to be confirmed
//! is confirmed on evidence, which closes the exception.

use std::sync::Arc;

use console::Text;
use node::http::{Caller, Done};
use node::{Failure, Kind, record};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use sqlx::sqlite::SqliteConnection;

use crate::attested::{self, attest};
use crate::create::judge_text;
use crate::exception::{Exception, ExceptionShown, closed};
use crate::returned;
use crate::service::PayNode;
use crate::settle::Txn;

/// The widest note, a Chinese character counting 2.
const NOTE_WIDTH_MAX: usize = 400;

/// Which exception without money was dealt with, and how.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExceptionClosed {
    /// The number.
    pub exception_id: i64,
    /// What was done.
    pub note: String,
}

/// How an operator wants an exception with money closed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CloseAsked {
    /// The number.
    pub exception_id: i64,
    /// Why, and what was done.
    pub note: String,
    /// 确认单号 of the payment that this money is; none where there is nothing to be confirmed, as when the channel took it back.
    pub confirm_id: Option<String>,
}

/// What a reviewer decides about closing an exception.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CloseDecided {
    /// The number of the exception.
    pub exception_id: i64,
    /// Whether it is closed as was asked; otherwise it stays open.
    pub is_allowed: bool,
}

fn refuse(code: &'static str, message: Text, next: Text) -> Failure {
    Failure::new(Kind::Conflict, code, message, next)
}

async fn open(connection: &mut SqliteConnection, id: i64) -> Result<Exception, Failure> {
    let exception = Exception::find(connection, id).await?;
    if exception.is_closed { Err(closed()) } else { Ok(exception) }
}

/// Closes an exception without money.
///
/// # Errors
/// When there is none of that number, it is closed, or it has money.
pub async fn close(own: &Arc<PayNode>, caller: &Caller, asked: ExceptionClosed) -> Result<Done, Failure> {
    judge_text("note", &asked.note, NOTE_WIDTH_MAX)?;
    let now = own.node.clock.now();
    let id = asked.exception_id;
    let mut act = caller.act(now.time17(), "exception-close", format!("outer_exception/{id}"));
    act.is_now = Some(json!({ "is_closed": true, "note": asked.note }).to_string());
    let who = caller.name();
    own.write(move |_, connection| {
        Box::pin(async move {
            let exception = open(connection, id).await?;
            if exception.has_money {
                return Err(refuse(
                    "needs-two",
                    Text::fixed(
                        "there is money in the exception, and two people deal with it",
                        "该异常涉及款项，须双人处理",
                    ),
                    Text::fixed(
                        "ask for it with `/exception/close-ask`, or have the money confirmed with `/order/confirm-ask`",
                        "请以 `/exception/close-ask` 提出，或以 `/order/confirm-ask` 确认该款项",
                    ),
                ));
            }
            act.was = Some(json!({ "is_closed": false, "kind": exception.kind }).to_string());
            Exception { note: Some(asked.note), maker: None, make_time: None, ..exception }
                .close(connection, &who, now)
                .await?;
            record::note(connection, &act).await?;
            Ok(Done::YES)
        })
    })
    .await
}

/// An operator asks that an exception with money be closed.
///
/// # Errors
/// When there is none of that number, it is closed, it was asked for, or the payment cannot be its money.
pub async fn ask(own: &Arc<PayNode>, caller: &Caller, asked: CloseAsked) -> Result<ExceptionShown, Failure> {
    judge_text("note", &asked.note, NOTE_WIDTH_MAX)?;
    let now = own.node.clock.now();
    let id = asked.exception_id;
    let mut act = caller.act(now.time17(), "exception-close-ask", format!("outer_exception/{id}"));
    act.is_now = Some(json!({ "note": asked.note, "confirm_id": asked.confirm_id }).to_string());
    let who = caller.name();
    own.write(move |own, connection| {
        Box::pin(async move {
            let mut exception = open(connection, id).await?;
            if let Some(maker) = &exception.maker {
                return Err(refuse(
                    "close-asked",
                    console::text!("{maker} has asked for this already", "{maker} 已提出处理该异常"),
                    Text::fixed("let a reviewer decide it first", "请先由复核员处理"),
                ));
            }
            judge_same(&own, connection, &exception, asked.confirm_id.as_deref()).await?;
            act.was = Some(json!({ "is_closed": false, "kind": exception.kind }).to_string());
            exception.note = Some(asked.note);
            exception.maker = Some(who);
            exception.make_time = Some(now.time17());
            exception.confirm_id = asked.confirm_id;
            put(connection, &exception).await?;
            record::note(connection, &act).await?;
            Ok(exception.into())
        })
    })
    .await
}

/// A payment is the money of an exception where the channel's number is that payment's; or is nobody's, two people confirmed the
/// payment, the channel has not spoken of it, and the amounts are equal.
async fn judge_same(
    own: &PayNode,
    connection: &mut SqliteConnection,
    exception: &Exception,
    confirm_id: Option<&str>,
) -> Result<(), Failure> {
    let Some(confirm_id) = confirm_id else { return Ok(()) };
    let Exception { channel, channel_order_no, .. } = exception;
    returned::of_number(own, connection, channel, channel_order_no).await?;
    let Some(txn) = Txn::confirmed_by(connection, confirm_id).await? else {
        return Err(Failure::missing("payment", "到账", confirm_id));
    };
    if let Some(booked) = Txn::known(connection, channel, channel_order_no).await? {
        if booked.confirm_id == txn.confirm_id {
            return Ok(());
        }
        let booked = &booked.confirm_id;
        return Err(refuse(
            "transaction-known",
            console::text!("the channel's number is that of {booked}", "该渠道订单号属于 {booked}"),
            Text::fixed("name that payment", "请填写该缴款确认"),
        ));
    }
    if !attested::is_missing(connection, &txn).await? {
        return Err(refuse(
            "spoken-of",
            Text::fixed(
                "the channel has spoken of that payment under its own number, so this is another one",
                "渠道已以该笔缴款自己的渠道订单号报过结果，故此为另一笔款",
            ),
            Text::fixed(
                "have it confirmed with `/order/confirm-ask`, or leave `confirm_id` out if there is nothing to confirm",
                "请以 `/order/confirm-ask` 确认该款项；如无款可确认则不填 `confirm_id`",
            ),
        ));
    }
    let said: serde_json::Value = serde_json::from_str(&exception.document).map_err(Failure::internal)?;
    if said["amount_fen"] == txn.amount_fen {
        return Ok(());
    }
    let (said, paid) = (said["amount_fen"].as_i64().unwrap_or_default(), txn.amount_fen);
    Err(refuse(
        "amount-differs",
        console::text!(
            "the channel says {said} fen, and the payment is of {paid}",
            "渠道称 {said} 分，该笔到账为 {paid} 分"
        ),
        Text::fixed(
            "two amounts are not the same money; compare them with the channel",
            "金额不同即非同一笔款，请与渠道核对",
        ),
    ))
}

async fn put(connection: &mut SqliteConnection, exception: &Exception) -> Result<(), Failure> {
    sqlx::query(
        "UPDATE outer_exception SET note = ?2, maker = ?3, make_time = ?4, confirm_id = ?5 WHERE exception_id = ?1",
    )
    .bind(exception.exception_id)
    .bind(exception.note.clone())
    .bind(exception.maker.clone())
    .bind(exception.make_time.clone())
    .bind(exception.confirm_id.clone())
    .execute(connection)
    .await?;
    Ok(())
}

/// A reviewer, who is not the one that asked, closes an exception or leaves it open.
///
/// # Errors
/// When nobody asked, the same person asks and decides, it is closed, or the payment is its money no more.
pub async fn decide(own: &Arc<PayNode>, caller: &Caller, asked: CloseDecided) -> Result<ExceptionShown, Failure> {
    let now = own.node.clock.now();
    let id = asked.exception_id;
    let what = if asked.is_allowed { "exception-close-allow" } else { "exception-close-turn-down" };
    let mut act = caller.act(now.time17(), what, format!("outer_exception/{id}"));
    let who = caller.name();
    own.write(move |own, connection| {
        Box::pin(async move {
            let mut exception = open(connection, id).await?;
            let Some(maker) = exception.maker.clone() else {
                return Err(refuse(
                    "close-not-asked",
                    Text::fixed("nobody has asked that it be closed", "尚无人提出处理该异常"),
                    Text::fixed("let an operator ask for it", "请由操作员提出"),
                ));
            };
            if maker == who {
                return Err(same_person());
            }
            act.was =
                Some(json!({ "maker": maker, "note": exception.note, "confirm_id": exception.confirm_id }).to_string());
            act.is_now = Some(json!({ "is_closed": asked.is_allowed }).to_string());
            record::note(connection, &act).await?;
            if !asked.is_allowed {
                (exception.note, exception.maker, exception.make_time, exception.confirm_id) = (None, None, None, None);
                put(connection, &exception).await?;
                return Ok(exception.into());
            }
            judge_same(&own, connection, &exception, exception.confirm_id.as_deref()).await?;
            if let Some(confirm_id) = &exception.confirm_id {
                attest(connection, &exception.channel, &exception.channel_order_no, confirm_id, now).await?;
            }
            exception.close(connection, &who, now).await?;
            Exception::find(connection, id).await.map(ExceptionShown::from)
        })
    })
    .await
}

/// Whoever asked does not decide (制单人与复核人不得为同一人).
#[must_use]
pub fn same_person() -> Failure {
    Failure::new(
        Kind::Conflict,
        "same-person",
        Text::fixed("whoever asked does not decide", "提出人与复核人不得为同一人"),
        Text::fixed("let another reviewer decide", "请由其他复核员处理"),
    )
}
