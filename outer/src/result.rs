//! What channels say became of orders (渠道结果).

use std::sync::Arc;

use console::Text;
use contract::rows::PayConfirm;
use contract::rules::{AMOUNT_FEN_MAX, Fault, OrderEvent, Rule, check_value};
use contract::{Cell, Row as _};
use node::field_key::PLAIN_BYTES_MAX;
use node::message::SKEW_MS;
use node::{Failure, Kind, Moment};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::sqlite::SqliteConnection;

use crate::callback;
use crate::create::judge_text;
use crate::exception::{self, Oddity, Place};
use crate::order::Order;
use crate::service::PayNode;
use crate::settle::{Basis, Payment, Settled, Txn, settle};

/// The paper whose columns bound what a channel says.
const TABLE: &str = "pay_confirm";
/// The widest number of an order: what its column in the contract holds.
const PLATFORM_ORDER_NO_WIDTH_MAX: usize = 128;
/// The widest reason, a Chinese character counting 2.
const REASON_WIDTH_MAX: usize = 512;

/// Whether an order was paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// 成功.
    Success,
    /// 失败.
    Failure,
}

/// What a channel says became of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChannelResult {
    /// 平台订单号.
    pub platform_order_no: String,
    /// Whether it was paid.
    pub outcome: Outcome,
    /// 渠道订单号: unique within the channel; needed for a success.
    pub channel_order_no: Option<String>,
    /// What the payer paid, channel discount included, in fen; needed for a success.
    pub amount_fen: Option<i64>,
    /// 手续费, in fen: what the channel keeps.
    #[serde(default)]
    pub fee_fen: i64,
    /// 渠道优惠, in fen: what the channel gives.
    #[serde(default)]
    pub channel_discount_fen: i64,
    /// 缴款时间: yyyyMMddHHmmss; needed for a success.
    pub paid_time: Option<String>,
    /// 缴款账号.
    pub payer_acct: Option<String>,
    /// 付款行行号.
    pub pay_bank_no: Option<String>,
    /// Why it failed.
    pub reason: Option<String>,
}

/// What a write came to that must be kept although it is answered with a failure.
enum Taken {
    Settled(Settled),
    Odd(Oddity),
}

/// Takes what a channel says. The same message twice is answered the same and changes nothing; what does not fit is kept for
/// people before it is turned away.
///
/// # Errors
/// When a value is none of its column, the channel is not configured, or the message does not fit.
pub async fn take(own: &Arc<PayNode>, channel: &str, result: ChannelResult) -> Result<Settled, Failure> {
    if !own.settings.channels.contains_key(channel) {
        return Err(Failure::new(
            Kind::Forbidden,
            "channel-unknown",
            console::text!("{channel} is no channel of this node", "{channel} 不是本节点的支付渠道"),
            Text::fixed("have it configured as `[[channel]]`", "请在配置中增加 `[[channel]]`"),
        ));
    }
    judge_text("platform_order_no", &result.platform_order_no, PLATFORM_ORDER_NO_WIDTH_MAX)?;
    if let Some(reason) = &result.reason {
        judge_text("reason", reason, REASON_WIDTH_MAX)?;
    }
    let channel = channel.to_owned();
    let taken = match result.outcome {
        Outcome::Success => {
            let payment = payment(&channel, &result)?;
            own.write(move |own, connection| Box::pin(async move { success(&own, connection, payment, result).await }))
                .await?
        }
        Outcome::Failure => {
            own.write(move |own, connection| Box::pin(async move { failure(&own, connection, &channel, result).await }))
                .await?
        }
    };
    match taken {
        Taken::Settled(settled) => Ok(settled),
        Taken::Odd(oddity) => Err(oddity.failure()),
    }
}

fn faulty(column: &'static str, rule: Rule) -> Fault {
    Fault::refusal(TABLE, "", column, rule)
}

/// The payment that a success tells of, if each value fits its column.
pub(crate) fn payment(channel: &str, result: &ChannelResult) -> Result<Payment, Failure> {
    let there = (result.channel_order_no.clone(), result.amount_fen, result.paid_time.clone());
    let (Some(channel_order_no), Some(amount_fen), Some(paid_time)) = there else {
        let missing = [
            ("channel_order_no", result.channel_order_no.is_none()),
            ("amount_fen", result.amount_fen.is_none()),
            ("pay_time", result.paid_time.is_none()),
        ];
        let faults = missing.into_iter().filter(|(_, is)| *is).map(|(column, _)| faulty(column, Rule::Missing));
        return Err(Failure::of_faults(faults.collect()));
    };
    let fen = |column, fen: i64| {
        let rule = match fen {
            ..0 => Some(Rule::Negative),
            fen if fen > AMOUNT_FEN_MAX => Some(Rule::AmountTooLarge { most: AMOUNT_FEN_MAX }),
            _ => None,
        };
        rule.map(|rule| faulty(column, rule))
    };
    let cell = |column, value: Cell| {
        let rule = PayConfirm::TABLE.column(column).and_then(|of| check_value(of, &value));
        rule.map(|rule| faulty(column, rule))
    };
    let acct = result.payer_acct.as_ref().map_or(0, String::len);
    let is_long = acct > PLAIN_BYTES_MAX;
    let faults = [
        cell("channel_order_no", Cell::Text(channel_order_no.clone())),
        cell("pay_time", Cell::Text(paid_time.clone())),
        cell("pay_bank_no", Cell::from(&result.pay_bank_no)),
        fen("amount_fen", amount_fen),
        fen("fee_fen", result.fee_fen),
        fen("channel_discount_fen", result.channel_discount_fen),
        is_long.then(|| faulty("payer_acct", Rule::TooWide { width: acct, most: PLAIN_BYTES_MAX })),
    ];
    let faults: Vec<Fault> = faults.into_iter().flatten().collect();
    if !faults.is_empty() {
        return Err(Failure::of_faults(faults));
    }
    Ok(Payment {
        channel: channel.to_owned(),
        channel_order_no,
        amount_fen,
        fee_fen: result.fee_fen,
        channel_discount_fen: result.channel_discount_fen,
        paid_time,
        payer_acct: result.payer_acct.clone(),
        pay_bank_no: result.pay_bank_no.clone(),
        basis: Basis::Channel,
    })
}

/// What does not fit about a payment of an order, if anything.
#[must_use]
pub fn oddity(order: &Order, payment: &Payment, now: Moment) -> Option<Oddity> {
    if payment.amount_fen != order.payable_fen() {
        return Some(Oddity::AmountDiffers);
    }
    if order.charge(payment.channel_discount_fen, payment.fee_fen).check().is_some() {
        return Some(Oddity::ChargeBroken);
    }
    let is_ahead = Moment::of_time14(&payment.paid_time).is_none_or(|paid| paid > now.plus_ms(SKEW_MS));
    is_ahead.then_some(Oddity::TimeAhead)
}

async fn success(
    own: &PayNode,
    connection: &mut SqliteConnection,
    payment: Payment,
    result: ChannelResult,
) -> Result<Taken, Failure> {
    let now = own.node.clock.now();
    let known = Txn::find(connection, &payment.channel, &payment.channel_order_no).await?;
    let odd = if let Some(txn) = known {
        // Whether the fee is the same is a question of the reconciliation; order, amount and channel make the payment.
        if txn.platform_order_no == result.platform_order_no && txn.amount_fen == payment.amount_fen {
            return Ok(Taken::Settled(txn.into()));
        }
        Oddity::TransactionDiffers
    } else {
        match Order::look_up(connection, &result.platform_order_no).await? {
            None => Oddity::OrderUnknown,
            Some(order) => match oddity(&order, &payment, now) {
                None => match settle(own, connection, order, payment.clone()).await {
                    // Rules that have changed since the order was made must not lose a payment.
                    Err(failure) if failure.kind == Kind::Bad => Oddity::Unconfirmable,
                    settled => return settled.map(Taken::Settled),
                },
                Some(oddity) => oddity,
            },
        }
    };
    keep(connection, odd, &payment.channel, result, now).await
}

/// Keeps for people what does not fit.
async fn keep(
    connection: &mut SqliteConnection,
    oddity: Oddity,
    channel: &str,
    result: ChannelResult,
    now: Moment,
) -> Result<Taken, Failure> {
    let document = document(&result)?;
    let place = Place {
        channel,
        channel_order_no: result.channel_order_no.as_deref().unwrap_or_default(),
        platform_order_no: &result.platform_order_no,
    };
    exception::note(connection, oddity, place, &document, now).await?;
    Ok(Taken::Odd(oddity))
}

/// What the channel said, without what identifies the payer.
fn document(result: &ChannelResult) -> Result<Value, Failure> {
    serde_json::to_value(ChannelResult { payer_acct: None, ..result.clone() }).map_err(Failure::internal)
}

/// A failure ends an order that is open in this channel; it changes nothing else.
async fn failure(
    own: &PayNode,
    connection: &mut SqliteConnection,
    channel: &str,
    result: ChannelResult,
) -> Result<Taken, Failure> {
    let now = own.node.clock.now();
    let Some(mut order) = Order::look_up(connection, &result.platform_order_no).await? else {
        return keep(connection, Oddity::OrderUnknown, channel, result, now).await;
    };
    let is_of_channel = order.channel.as_deref().is_none_or(|chosen| chosen == channel);
    if let Some(after) = order.state()?.after(OrderEvent::Failed).filter(|_| is_of_channel) {
        order.go(connection, after, now).await?;
        callback::queue_order(connection, &order, after.number(), None, now).await?;
    }
    Ok(Taken::Settled(Settled {
        platform_order_no: order.platform_order_no,
        state: order.state,
        confirm_id: order.confirm_id,
        is_duplicate: false,
    }))
}
