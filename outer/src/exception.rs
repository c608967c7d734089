//! What a channel said that does not fit (异常): kept for people, never lost.

use std::sync::Arc;

use console::{Lang, Text};
use node::http::{Caller, Done};
use node::rows::text;
use node::{Failure, Kind, Moment, record};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::sqlite::SqliteConnection;

use crate::create::judge_text;
use crate::kept::kept;
use crate::order::int;
use crate::service::PayNode;

/// Exceptions on one page: what a person reads.
pub const PAGE: i64 = 100;
/// The widest note, a Chinese character counting 2.
const NOTE_WIDTH_MAX: usize = 400;

/// What does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Oddity {
    /// 订单不存在.
    OrderUnknown,
    /// 金额不符.
    AmountDiffers,
    /// 手续费或优惠不符: discounts and fee are more than was paid.
    ChargeBroken,
    /// 同一渠道订单号内容不同: the channel said something else under the same number before.
    TransactionDiffers,
    /// 缴款时间超前: the time of the payment is yet to come.
    TimeAhead,
    /// 无法确认: the confirmation would break a rule of the contract.
    Unconfirmable,
    /// 渠道无答复: the channel did not say what became of an order until it was closed.
    ChannelSilent,
}

impl Oddity {
    /// The code by which interfaces know it.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::OrderUnknown => "order-unknown",
            Self::AmountDiffers => "amount-differs",
            Self::ChargeBroken => "charge-broken",
            Self::TransactionDiffers => "transaction-differs",
            Self::TimeAhead => "time-ahead",
            Self::Unconfirmable => "unconfirmable",
            Self::ChannelSilent => "channel-silent",
        }
    }

    /// What it means, for people.
    #[must_use]
    pub const fn text(self) -> Text {
        match self {
            Self::OrderUnknown => Text::fixed("there is no such order", "订单不存在"),
            Self::AmountDiffers => Text::fixed("the amount is not the order's", "金额与订单不符"),
            Self::ChargeBroken => Text::fixed("discount and fee do not fit the amount", "优惠、手续费与金额不符"),
            Self::TransactionDiffers => {
                Text::fixed("under this number the channel said something else before", "同一渠道订单号此前的内容不同")
            }
            Self::TimeAhead => Text::fixed("the time of the payment is yet to come", "缴款时间晚于当前时间"),
            Self::Unconfirmable => {
                Text::fixed("its confirmation would break a rule of the contract", "缴款确认不符合交换契约的规则")
            }
            Self::ChannelSilent => {
                Text::fixed("the channel did not say what became of the order", "渠道未答复订单结果，订单已关闭")
            }
        }
    }

    /// The failure that tells of it.
    #[must_use]
    pub fn failure(self) -> Failure {
        let next = Text::fixed(
            "it is kept and listed for people; do not send it again, compare the order",
            "已登记并由人工处理；请勿重发，请核对订单",
        );
        Failure::new(Kind::Conflict, self.code(), self.text(), next)
    }
}

kept! {
    /// An exception (异常).
    Exception in "outer_exception" {
        /// The number, ascending.
        exception_id: i64,
        /// The code of an [`Oddity`].
        kind: String,
        /// 支付渠道.
        channel: String,
        /// 渠道订单号; empty where there is none.
        channel_order_no: String,
        /// 平台订单号, as the channel said it.
        platform_order_no: String,
        /// What the channel said, as JSON, without the payer's account.
        document: String,
        /// 登记时间: yyyyMMddHHmmssSSS.
        create_time: String,
        /// Whether people have dealt with it.
        is_closed: bool,
        /// Who closed it.
        closed_by: Option<String>,
        /// When.
        close_time: Option<String>,
        /// What was done.
        note: Option<String>,
    }
}

/// Where an exception belongs.
#[derive(Debug, Clone, Copy)]
pub struct Place<'p> {
    /// 支付渠道.
    pub channel: &'p str,
    /// 渠道订单号; empty where there is none.
    pub channel_order_no: &'p str,
    /// 平台订单号.
    pub platform_order_no: &'p str,
}

/// Writes an exception down; the same one twice is one.
///
/// # Errors
/// When the database cannot be written.
pub async fn note(
    connection: &mut SqliteConnection,
    oddity: Oddity,
    place: Place<'_>,
    document: &Value,
    now: Moment,
) -> Result<(), Failure> {
    sqlx::query(
        "INSERT INTO outer_exception (kind, channel, channel_order_no, platform_order_no, document, create_time) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6) \
         ON CONFLICT (kind, channel, channel_order_no, platform_order_no, document) DO NOTHING",
    )
    .bind(oddity.code())
    .bind(place.channel.to_owned())
    .bind(place.channel_order_no.to_owned())
    .bind(place.platform_order_no.to_owned())
    .bind(document.to_string())
    .bind(now.time17())
    .execute(connection)
    .await?;
    tracing::warn!(code = oddity.code(), "the channel {}: {}", place.channel, oddity.text().get(Lang::En));
    Ok(())
}

/// Which exceptions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExceptionsAsked {
    /// Those that are closed too.
    #[serde(default)]
    pub all: bool,
    /// Those before this number, for the next page.
    pub before: Option<i64>,
}

/// An exception.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ExceptionShown {
    /// The number.
    pub exception_id: i64,
    /// The code.
    pub kind: String,
    /// 支付渠道.
    pub channel: String,
    /// 渠道订单号.
    pub channel_order_no: String,
    /// 平台订单号.
    pub platform_order_no: String,
    /// What the channel said.
    pub document: Value,
    /// 登记时间: yyyyMMddHHmmssSSS.
    pub create_time: String,
    /// Whether people have dealt with it.
    pub is_closed: bool,
    /// Who closed it.
    pub closed_by: Option<String>,
    /// When.
    pub close_time: Option<String>,
    /// What was done.
    pub note: Option<String>,
}

/// A page of exceptions, the latest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Exceptions {
    /// The exceptions.
    pub exceptions: Vec<ExceptionShown>,
}

/// Lists exceptions.
///
/// # Errors
/// When the database cannot be read.
pub async fn list(own: &PayNode, asked: ExceptionsAsked) -> Result<Exceptions, Failure> {
    let rest =
        "WHERE (?1 = 1 OR is_closed = 0) AND (?2 IS NULL OR exception_id < ?2) ORDER BY exception_id DESC LIMIT ?3";
    let values = [int(i64::from(asked.all)), (&asked.before).into(), int(PAGE)];
    let found =
        own.read(move |connection| Box::pin(async move { Exception::select(connection, rest, &values).await })).await?;
    let shown = |one: Exception| ExceptionShown {
        exception_id: one.exception_id,
        kind: one.kind,
        channel: one.channel,
        channel_order_no: one.channel_order_no,
        platform_order_no: one.platform_order_no,
        document: serde_json::from_str(&one.document).unwrap_or(Value::Null),
        create_time: one.create_time,
        is_closed: one.is_closed,
        closed_by: one.closed_by,
        close_time: one.close_time,
        note: one.note,
    };
    Ok(Exceptions { exceptions: found.into_iter().map(shown).collect() })
}

/// Which exception was dealt with, and how.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExceptionClosed {
    /// The number.
    pub exception_id: i64,
    /// What was done.
    pub note: String,
}

/// Closes an exception.
///
/// # Errors
/// When there is none of that number, or it is closed.
pub async fn close(own: &Arc<PayNode>, caller: &Caller, asked: ExceptionClosed) -> Result<Done, Failure> {
    judge_text("note", &asked.note, NOTE_WIDTH_MAX)?;
    let now = own.node.clock.now();
    let id = asked.exception_id;
    let mut act = caller.act(now.time17(), "exception-close", format!("outer_exception/{id}"));
    act.is_now = Some(json!({ "is_closed": true, "note": asked.note }).to_string());
    let who = caller.name();
    own.write(move |_, connection| {
        Box::pin(async move {
            let found = Exception::select(connection, "WHERE exception_id = ?1", &[int(id)]).await?;
            let Some(exception) = found.into_iter().next() else {
                return Err(Failure::missing("exception", "异常", &id.to_string()));
            };
            if exception.is_closed {
                return Err(Failure::new(
                    Kind::Conflict,
                    "exception-closed",
                    Text::fixed("the exception is closed", "该异常已处理"),
                    Text::fixed("look at who closed it", "请查看处理人"),
                ));
            }
            act.was = Some(json!({ "is_closed": false, "kind": exception.kind }).to_string());
            sqlx::query(
                "UPDATE outer_exception SET is_closed = 1, closed_by = ?2, close_time = ?3, note = ?4 WHERE exception_id = ?1",
            )
            .bind(id)
            .bind(who)
            .bind(now.time17())
            .bind(asked.note)
            .execute(&mut *connection)
            .await?;
            record::note(connection, &act).await?;
            Ok(Done::YES)
        })
    })
    .await
}

/// Whether an order has exceptions that nobody has dealt with.
///
/// # Errors
/// When the database cannot be read.
pub async fn open_of(connection: &mut SqliteConnection, platform_order_no: &str) -> Result<Vec<Exception>, Failure> {
    let rest = "WHERE platform_order_no = ?1 AND is_closed = 0 ORDER BY exception_id";
    Exception::select(connection, rest, &[text(platform_order_no)]).await
}
