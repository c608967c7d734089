//! What a channel said that does not fit (异常): kept for people, never lost.

use console::{Lang, Text};
use node::rows::text;
use node::{Failure, Kind, Moment};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::sqlite::SqliteConnection;

use crate::kept::kept;
use crate::order::int;
use crate::service::PayNode;

/// Exceptions on one page: what a person reads.
pub const PAGE: i64 = 100;

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
    /// 缴款时间早于下单: the payment is older than the order that it is said to be of.
    TimeBehind,
    /// 无法确认: the confirmation would break a rule of the contract.
    Unconfirmable,
    /// 已由双人确认: two people confirmed a payment of the order's debt, and this may be that money under another number or order, or
    /// one payment too many.
    ConfirmedByPeople,
    /// 渠道否认: the channel says that what two people confirmed has failed.
    Denied,
    /// 渠道无答复: the channel did not say what became of an order until it was closed.
    ChannelSilent,
    /// 无法恢复: a confirmation came back, and no transaction can be made of it.
    Unrestorable,
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
            Self::TimeBehind => "time-behind",
            Self::Unconfirmable => "unconfirmable",
            Self::ConfirmedByPeople => "confirmed-by-people",
            Self::Denied => "denied",
            Self::ChannelSilent => "channel-silent",
            Self::Unrestorable => "unrestorable",
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
            Self::TimeBehind => Text::fixed("the payment is older than the order", "缴款时间早于下单时间"),
            Self::Unconfirmable => {
                Text::fixed("its confirmation would break a rule of the contract", "缴款确认不符合交换契约的规则")
            }
            Self::ConfirmedByPeople => Text::fixed(
                "two people confirmed a payment of this debt under another number or order; this may be the same money",
                "该笔应缴已由双人确认支付，渠道订单号或订单不同，可能为同一笔款",
            ),
            Self::Denied => {
                Text::fixed("the channel says that what two people confirmed has failed", "渠道称双人确认的支付已失败")
            }
            Self::ChannelSilent => {
                Text::fixed("the channel did not say what became of the order", "渠道未答复订单结果，订单已关闭")
            }
            Self::Unrestorable => Text::fixed(
                "no transaction can be made of a confirmation that came back",
                "返回的缴款确认无法恢复为交易",
            ),
        }
    }

    /// The oddity of a code.
    #[must_use]
    pub fn of(code: &str) -> Option<Self> {
        const ALL: [Oddity; 11] = [
            Oddity::OrderUnknown,
            Oddity::AmountDiffers,
            Oddity::ChargeBroken,
            Oddity::TransactionDiffers,
            Oddity::TimeAhead,
            Oddity::TimeBehind,
            Oddity::Unconfirmable,
            Oddity::ConfirmedByPeople,
            Oddity::Denied,
            Oddity::ChannelSilent,
            Oddity::Unrestorable,
        ];
        ALL.into_iter().find(|one| one.code() == code)
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
        /// Whether the channel speaks of money that came in; then two people deal with it.
        has_money: bool,
        /// 登记时间: yyyyMMddHHmmssSSS.
        create_time: String,
        /// Who asked that it be closed.
        maker: Option<String>,
        /// When.
        make_time: Option<String>,
        /// What was done.
        note: Option<String>,
        /// 确认单号 of the payment that its money is.
        confirm_id: Option<String>,
        /// Whether people have dealt with it.
        is_closed: bool,
        /// Who closed it.
        closed_by: Option<String>,
        /// When.
        close_time: Option<String>,
    }
}

impl Exception {
    /// The exception of a number.
    ///
    /// # Errors
    /// When there is none.
    pub async fn find(connection: &mut SqliteConnection, id: i64) -> Result<Self, Failure> {
        let found = Self::select(connection, "WHERE exception_id = ?1", &[int(id)]).await?;
        found.into_iter().next().ok_or_else(|| Failure::missing("exception", "异常", &id.to_string()))
    }

    /// What people decided about the same words of a channel, if they did.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn decided(
        connection: &mut SqliteConnection,
        place: Place<'_>,
        document: &Value,
    ) -> Result<Option<Self>, Failure> {
        let rest = "WHERE channel = ?1 AND channel_order_no = ?2 AND platform_order_no = ?3 AND document = ?4 AND is_closed = 1";
        let Place { channel, channel_order_no, platform_order_no } = place;
        let key = [text(channel), text(channel_order_no), text(platform_order_no), text(&document.to_string())];
        Ok(Self::select(connection, rest, &key).await?.into_iter().next())
    }

    /// The exception with money under a channel's number that people have yet to deal with, if there is one.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn open_of_number(
        connection: &mut SqliteConnection,
        channel: &str,
        channel_order_no: &str,
    ) -> Result<Option<Self>, Failure> {
        let rest =
            "WHERE channel = ?1 AND channel_order_no = ?2 AND has_money = 1 AND is_closed = 0 ORDER BY exception_id";
        Ok(Self::select(connection, rest, &[text(channel), text(channel_order_no)]).await?.into_iter().next())
    }

    /// Writes down that people have dealt with it.
    ///
    /// # Errors
    /// When the database refuses it, as it does what has money and one person alone.
    pub async fn close(&self, connection: &mut SqliteConnection, by: &str, now: Moment) -> Result<(), Failure> {
        sqlx::query(
            "UPDATE outer_exception SET is_closed = 1, closed_by = ?2, close_time = ?3, note = ?4, maker = ?5, make_time = ?6, \
             confirm_id = ?7 WHERE exception_id = ?1",
        )
        .bind(self.exception_id)
        .bind(by.to_owned())
        .bind(now.time17())
        .bind(self.note.clone())
        .bind(self.maker.clone())
        .bind(self.make_time.clone())
        .bind(self.confirm_id.clone())
        .execute(connection)
        .await?;
        Ok(())
    }
}

/// The exception was dealt with.
#[must_use]
pub fn closed() -> Failure {
    Failure::new(
        Kind::Conflict,
        "exception-closed",
        Text::fixed("the exception is closed", "该异常已处理"),
        Text::fixed("look at who closed it", "请查看处理人"),
    )
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

/// Whether words of a channel speak of money that came in.
fn has_money(document: &Value) -> bool {
    document["outcome"] == "success" && document["amount_fen"].as_i64().is_some_and(|fen| fen > 0)
}

/// Writes an exception down; the same words twice are one. Yields the number of a new one.
///
/// # Errors
/// When the database cannot be written.
pub async fn note(
    connection: &mut SqliteConnection,
    oddity: Oddity,
    place: Place<'_>,
    document: &Value,
    now: Moment,
) -> Result<Option<i64>, Failure> {
    let done = sqlx::query(
        "INSERT INTO outer_exception (kind, channel, channel_order_no, platform_order_no, document, create_time, has_money) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) \
         ON CONFLICT (channel, channel_order_no, platform_order_no, document) DO NOTHING",
    )
    .bind(oddity.code())
    .bind(place.channel.to_owned())
    .bind(place.channel_order_no.to_owned())
    .bind(place.platform_order_no.to_owned())
    .bind(document.to_string())
    .bind(now.time17())
    .bind(has_money(document))
    .execute(connection)
    .await?;
    tracing::warn!(code = oddity.code(), "the channel {}: {}", place.channel, oddity.text().get(Lang::En));
    Ok((done.rows_affected() > 0).then(|| done.last_insert_rowid()))
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
    /// Whether the channel speaks of money that came in; then two people deal with it.
    pub has_money: bool,
    /// 登记时间: yyyyMMddHHmmssSSS.
    pub create_time: String,
    /// Who asked that it be closed.
    pub maker: Option<String>,
    /// When.
    pub make_time: Option<String>,
    /// What was done.
    pub note: Option<String>,
    /// 确认单号 of the payment that its money is.
    pub confirm_id: Option<String>,
    /// Whether people have dealt with it.
    pub is_closed: bool,
    /// Who closed it.
    pub closed_by: Option<String>,
    /// When.
    pub close_time: Option<String>,
}

impl From<Exception> for ExceptionShown {
    fn from(one: Exception) -> Self {
        Self {
            exception_id: one.exception_id,
            kind: one.kind,
            channel: one.channel,
            channel_order_no: one.channel_order_no,
            platform_order_no: one.platform_order_no,
            document: serde_json::from_str(&one.document).unwrap_or(Value::Null),
            has_money: one.has_money,
            create_time: one.create_time,
            maker: one.maker,
            make_time: one.make_time,
            note: one.note,
            confirm_id: one.confirm_id,
            is_closed: one.is_closed,
            closed_by: one.closed_by,
            close_time: one.close_time,
        }
    }
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
    Ok(Exceptions { exceptions: found.into_iter().map(ExceptionShown::from).collect() })
}

/// Whether an order has exceptions that nobody has dealt with.
///
/// # Errors
/// When the database cannot be read.
pub async fn open_of(connection: &mut SqliteConnection, platform_order_no: &str) -> Result<Vec<Exception>, Failure> {
    let rest = "WHERE platform_order_no = ?1 AND is_closed = 0 ORDER BY exception_id";
    Exception::select(connection, rest, &[text(platform_order_no)]).await
}
