//! Attempts to pay (支付尝试). A failure ends the attempt that it tells of, and no other: one that comes late must not end the attempt
//! that the payer has begun since.

use console::Text;
use node::rows::text;
use node::{Failure, Kind, Moment};
use sqlx::sqlite::SqliteConnection;

use crate::kept::kept;
use crate::order::{Order, int};
use crate::result::ChannelResult;

kept! {
    /// An attempt to pay an order.
    Attempt in "outer_attempt" {
        /// 平台订单号.
        platform_order_no: String,
        /// The number: from 1 within the order.
        attempt_no: i64,
        /// 支付渠道.
        channel: String,
        /// When it began: yyyyMMddHHmmssSSS.
        begin_time: String,
        /// When the channel said that it failed, the same way.
        fail_time: Option<String>,
        /// 渠道订单号 of that failure, where the channel said one.
        failed_no: Option<String>,
    }
}

/// Which attempt a failure tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// The present one.
    Present,
    /// Another one, whose failure changes nothing.
    Other,
    /// Nobody can say: the channel made several attempts and did not say which.
    Unclear,
}

impl Attempt {
    /// The attempts of an order, the first one first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn of(connection: &mut SqliteConnection, platform_order_no: &str) -> Result<Vec<Self>, Failure> {
        let rest = "WHERE platform_order_no = ?1 ORDER BY attempt_no";
        Self::select(connection, rest, &[text(platform_order_no)]).await
    }
}

/// Writes down that the payer begins to pay an order, whose attempt is the next one then.
///
/// # Errors
/// When the database refuses it.
pub async fn begin(
    connection: &mut SqliteConnection,
    order: &mut Order,
    channel: &str,
    now: Moment,
) -> Result<(), Failure> {
    order.attempt_no += 1;
    let attempt = Attempt {
        platform_order_no: order.platform_order_no.clone(),
        attempt_no: order.attempt_no,
        channel: channel.to_owned(),
        begin_time: now.time17(),
        fail_time: None,
        failed_no: None,
    };
    attempt.add(connection).await
}

/// Which attempt of an order a channel's failure tells of: the one whose number it carries. Without a number it is the channel's
/// only one, or the present one where each earlier one failed under another number of the channel's.
///
/// # Errors
/// When the database cannot be read.
pub async fn told(
    connection: &mut SqliteConnection,
    order: &Order,
    channel: &str,
    result: &ChannelResult,
) -> Result<Told, Failure> {
    if order.channel.as_deref().is_some_and(|chosen| chosen != channel) {
        return Ok(Told::Other);
    }
    if let Some(number) = result.attempt_no {
        return Ok(if number == order.attempt_no { Told::Present } else { Told::Other });
    }
    let attempts = Attempt::of(connection, &order.platform_order_no).await?;
    let mut earlier = attempts.iter().filter(|one| one.channel == channel && one.attempt_no < order.attempt_no);
    let Some(number) = &result.channel_order_no else {
        return Ok(if earlier.next().is_none() { Told::Present } else { Told::Unclear });
    };
    let failed: Vec<Option<&String>> = earlier.map(|one| one.failed_no.as_ref()).collect();
    if failed.contains(&Some(number)) {
        return Ok(Told::Other);
    }
    Ok(if failed.contains(&None) { Told::Unclear } else { Told::Present })
}

/// Writes down that the present attempt failed.
///
/// # Errors
/// When the database refuses it.
pub async fn fail(
    connection: &mut SqliteConnection,
    order: &Order,
    failed_no: Option<&str>,
    now: Moment,
) -> Result<(), Failure> {
    sqlx::query(
        "UPDATE outer_attempt SET fail_time = ?3, failed_no = ?4 WHERE platform_order_no = ?1 AND attempt_no = ?2",
    )
    .bind(order.platform_order_no.clone())
    .bind(order.attempt_no)
    .bind(now.time17())
    .bind(failed_no.map(str::to_owned))
    .execute(connection)
    .await?;
    Ok(())
}

/// Whether the present attempt of an order has failed.
///
/// # Errors
/// When the database cannot be read.
pub async fn has_failed(connection: &mut SqliteConnection, order: &Order) -> Result<bool, Failure> {
    let rest = "WHERE platform_order_no = ?1 AND attempt_no = ?2 AND fail_time IS NOT NULL";
    let key = [text(&order.platform_order_no), int(order.attempt_no)];
    Ok(!Attempt::select(connection, rest, &key).await?.is_empty())
}

/// A failure that does not say which attempt it tells of.
#[must_use]
pub fn unclear() -> Failure {
    Failure::new(
        Kind::Conflict,
        "attempt-unclear",
        Text::fixed(
            "the order was tried more than once in this channel, and the failure does not say which attempt it tells of",
            "该订单在本渠道有多次支付尝试，失败结果未注明是哪一次",
        ),
        Text::fixed(
            "send the `attempt_no` that the payment began with; the order stays as it is",
            "请在结果中填写发起支付时的 `attempt_no`；订单保持不变",
        ),
    )
}
