//! What channels say became of orders (渠道结果).

use std::sync::Arc;

use console::Text;
use contract::rows::PayConfirm;
use contract::rules::{AMOUNT_FEN_MAX, Fault, OrderEvent, Rule, check_value};
use contract::{Cell, Row as _};
use node::field_key::PLAIN_BYTES_MAX;
use node::http::Caller;
use node::message::SKEW_MS;
use node::{Failure, Kind, Moment, record};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::Executor as _;
use sqlx::sqlite::SqliteConnection;

use crate::attempt::{self, Told};
use crate::attested::{self, attest};
use crate::callback;
use crate::create::judge_text;
use crate::exception::{self, Exception, Oddity, Place};
use crate::order::Order;
use crate::returned;
use crate::service::PayNode;
use crate::settle::{Basis, Payment, Settled, Txn, settle};

/// The paper whose columns bound what a channel says.
const TABLE: &str = "pay_confirm";
/// The widest number of an order: what its column in the contract holds.
const PLATFORM_ORDER_NO_WIDTH_MAX: usize = 128;
/// The widest number of the channel's: what its column in the contract holds.
const CHANNEL_ORDER_NO_WIDTH_MAX: usize = 64;
/// The widest reason, a Chinese character counting 2.
const REASON_WIDTH_MAX: usize = 512;
/// Characters that the record keeps of a number in a message that was turned away: more than any number has that could be right.
const TURNED_AWAY_CHARS_MAX: usize = 128;

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
    /// 支付尝试: the number that the payment began with. It says which attempt failed where there were several in the channel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt_no: Option<i64>,
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
    Unclear,
}

/// Takes what a channel says. The same message twice is answered the same and changes nothing; what does not fit is kept for
/// people before it is turned away, and whatever is turned away stands in the record of acts.
///
/// # Errors
/// When a value is none of its column, the channel is not configured, or the message does not fit.
pub async fn take(own: &Arc<PayNode>, caller: &Caller, result: ChannelResult) -> Result<Settled, Failure> {
    let channel = caller.client()?.id.clone();
    let payment = match judge_form(own, &channel, &result) {
        Ok(payment) => payment,
        Err(failure) => {
            turned_away(own, caller, &result, &failure).await?;
            return Err(failure);
        }
    };
    let by = caller.clone();
    let kept = result.clone();
    let taken = own
        .write(move |own, connection| {
            Box::pin(async move {
                match payment {
                    Some(payment) => success(&own, connection, &by, payment, result).await,
                    None => failure(&own, connection, &by, &channel, result).await,
                }
            })
        })
        .await?;
    match taken {
        Taken::Settled(settled) => Ok(settled),
        Taken::Odd(oddity) => Err(oddity.failure()),
        Taken::Unclear => {
            let failure = attempt::unclear();
            turned_away(own, caller, &kept, &failure).await?;
            Err(failure)
        }
    }
}

/// What can be judged without the database: the payment of a success, and none for a failure.
fn judge_form(own: &PayNode, channel: &str, result: &ChannelResult) -> Result<Option<Payment>, Failure> {
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
    match result.outcome {
        Outcome::Success => payment(channel, result).map(Some),
        Outcome::Failure => {
            let number = result.channel_order_no.as_ref();
            number.map_or(Ok(()), |number| judge_text("channel_order_no", number, CHANNEL_ORDER_NO_WIDTH_MAX))?;
            Ok(None)
        }
    }
}

/// Writes into the record that a channel's message was turned away, with as much of it as a person needs to find it again.
async fn turned_away(
    own: &Arc<PayNode>,
    caller: &Caller,
    result: &ChannelResult,
    failure: &Failure,
) -> Result<(), Failure> {
    let short = |text: &str| text.chars().take(TURNED_AWAY_CHARS_MAX).collect::<String>();
    let now = own.node.clock.now();
    let object = format!("outer_order/{}", short(&result.platform_order_no));
    let mut act = caller.act(now.time17(), "result-turn-away", object);
    act.is_now = Some(
        json!({ "code": failure.code, "outcome": result.outcome, "amount_fen": result.amount_fen,
            "channel_order_no": result.channel_order_no.as_deref().map(short) })
        .to_string(),
    );
    own.write(move |_, connection| Box::pin(async move { record::note(connection, &act).await })).await
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
    broken(order, payment, now)
}

/// What does not fit about a payment besides its amount, if anything. Clocks may differ by as much as those of messages. Of an order
/// that was made anew nobody knows when it was made.
#[must_use]
pub fn broken(order: &Order, payment: &Payment, now: Moment) -> Option<Oddity> {
    if order.charge(payment.amount_fen, payment.channel_discount_fen, payment.fee_fen).check().is_some() {
        return Some(Oddity::ChargeBroken);
    }
    let paid = Moment::of_time14(&payment.paid_time);
    if paid.is_none_or(|paid| paid > now.plus_ms(SKEW_MS)) {
        return Some(Oddity::TimeAhead);
    }
    let ordered = Moment::of_time14(&order.order_time).filter(|_| order.client != returned::NOBODY);
    let is_behind = paid.zip(ordered).is_some_and(|(paid, ordered)| paid.plus_ms(SKEW_MS) < ordered);
    is_behind.then_some(Oddity::TimeBehind)
}

async fn success(
    own: &PayNode,
    connection: &mut SqliteConnection,
    caller: &Caller,
    payment: Payment,
    result: ChannelResult,
) -> Result<Taken, Failure> {
    let now = own.node.clock.now();
    let document = document(&result)?;
    let place = place(&payment.channel, &result);
    if let Some(exception) = Exception::decided(connection, place, &document).await? {
        return decided(connection, exception).await;
    }
    returned::of_number(own, connection, &payment.channel, &payment.channel_order_no).await?;
    returned::of_order(own, connection, &result.platform_order_no).await?;
    let odd = if let Some(txn) = Txn::known(connection, &payment.channel, &payment.channel_order_no).await? {
        if is_that(connection, &txn, &payment, &result.platform_order_no).await? {
            attest(connection, &payment.channel, &payment.channel_order_no, &txn.confirm_id, now).await?;
            return Ok(Taken::Settled(txn.into()));
        }
        Oddity::TransactionDiffers
    } else {
        match Order::look_up(connection, &result.platform_order_no).await? {
            None => Oddity::OrderUnknown,
            Some(order) => match odd_now(connection, &order, &payment, now).await? {
                None => match settled(own, connection, order, payment.clone()).await? {
                    Some(settled) => return Ok(Taken::Settled(settled)),
                    None => Oddity::Unconfirmable,
                },
                Some(oddity) => oddity,
            },
        }
    };
    keep(connection, caller, odd, place, &document, now).await
}

/// Whether a transaction of the channel's number is the payment that it speaks of. Whether the fee is the same is a question of the
/// reconciliation; order, amount and channel make the payment. Of one that was made of a confirmation alone nobody knows what the
/// agency gave, and the payer may have paid less by that.
async fn is_that(
    connection: &mut SqliteConnection,
    txn: &Txn,
    payment: &Payment,
    platform_order_no: &str,
) -> Result<bool, Failure> {
    if txn.platform_order_no != platform_order_no || txn.amount_fen < payment.amount_fen {
        return Ok(false);
    }
    if txn.amount_fen == payment.amount_fen {
        return Ok(true);
    }
    let order = Order::look_up(connection, platform_order_no).await?;
    Ok(order.is_some_and(|order| order.client == returned::NOBODY))
}

/// What people decided about these words stays decided: they are a payment that is confirmed, or nothing.
async fn decided(connection: &mut SqliteConnection, exception: Exception) -> Result<Taken, Failure> {
    let known = match &exception.confirm_id {
        Some(confirm_id) => Txn::confirmed_by(connection, confirm_id).await?,
        None => None,
    };
    if let Some(txn) = known {
        return Ok(Taken::Settled(txn.into()));
    }
    let oddity = Oddity::of(&exception.kind);
    oddity.map(Taken::Odd).ok_or_else(|| Failure::internal(format!("{} is no oddity", exception.kind)))
}

/// What does not fit about a payment of an order, with what was confirmed of it before. Money that two people confirmed may be what
/// the channel speaks of, under another number; to confirm it would count it twice.
async fn odd_now(
    connection: &mut SqliteConnection,
    order: &Order,
    payment: &Payment,
    now: Moment,
) -> Result<Option<Oddity>, Failure> {
    if !attested::missing(connection, order).await?.is_empty() {
        return Ok(Some(Oddity::ConfirmedByPeople));
    }
    Ok(oddity(order, payment, now))
}

/// Settles a payment; none where it cannot be confirmed, and nothing was written. Rules that have changed since the order was made,
/// and rows that stand in its way, must not lose a payment.
async fn settled(
    own: &PayNode,
    connection: &mut SqliteConnection,
    order: Order,
    payment: Payment,
) -> Result<Option<Settled>, Failure> {
    connection.execute("SAVEPOINT payment").await?;
    match settle(own, connection, order, payment).await {
        Ok(settled) => {
            connection.execute("RELEASE payment").await?;
            Ok(Some(settled))
        }
        Err(failure) => {
            connection.execute("ROLLBACK TO payment; RELEASE payment").await?;
            if matches!(failure.kind, Kind::Bad | Kind::Conflict) { Ok(None) } else { Err(failure) }
        }
    }
}

fn place<'p>(channel: &'p str, result: &'p ChannelResult) -> Place<'p> {
    Place {
        channel,
        channel_order_no: result.channel_order_no.as_deref().unwrap_or_default(),
        platform_order_no: &result.platform_order_no,
    }
}

/// Keeps for people what does not fit.
async fn keep(
    connection: &mut SqliteConnection,
    caller: &Caller,
    oddity: Oddity,
    place: Place<'_>,
    document: &Value,
    now: Moment,
) -> Result<Taken, Failure> {
    if let Some(id) = exception::note(connection, oddity, place, document, now).await? {
        let mut act = caller.act(now.time17(), "result-keep", format!("outer_exception/{id}"));
        act.is_now = Some(json!({ "kind": oddity.code(), "document": document }).to_string());
        record::note(connection, &act).await?;
    }
    Ok(Taken::Odd(oddity))
}

/// What the channel said, without what identifies the payer; of a failure also without what only a payment has, which nobody judged.
fn document(result: &ChannelResult) -> Result<Value, Failure> {
    let mut said = ChannelResult { payer_acct: None, ..result.clone() };
    if said.outcome == Outcome::Failure {
        (said.paid_time, said.pay_bank_no) = (None, None);
    }
    serde_json::to_value(said).map_err(Failure::internal)
}

/// A failure ends the attempt that it tells of, if that goes on; it changes nothing else.
async fn failure(
    own: &PayNode,
    connection: &mut SqliteConnection,
    caller: &Caller,
    channel: &str,
    result: ChannelResult,
) -> Result<Taken, Failure> {
    let now = own.node.clock.now();
    returned::of_order(own, connection, &result.platform_order_no).await?;
    let Some(mut order) = Order::look_up(connection, &result.platform_order_no).await? else {
        return keep(connection, caller, Oddity::OrderUnknown, place(channel, &result), &document(&result)?, now).await;
    };
    let before = order.state()?;
    let told = attempt::told(connection, &order, channel, &result).await?;
    match (before.after(OrderEvent::Failed), told) {
        (Some(_), Told::Unclear) => return Ok(Taken::Unclear),
        (Some(after), Told::Present) => {
            order.go(connection, after, now).await?;
            attempt::fail(connection, &order, result.channel_order_no.as_deref(), now).await?;
            callback::queue_order(connection, &order, after.number(), None, now).await?;
            let mut act = caller.act(now.time17(), "order-fail", format!("outer_order/{}", order.platform_order_no));
            act.was = Some(json!({ "state": before.number(), "attempt_no": order.attempt_no }).to_string());
            act.is_now = Some(json!({ "state": after.number(), "reason": result.reason }).to_string());
            record::note(connection, &act).await?;
        }
        (None, Told::Present) if denies(connection, &order).await? => {
            return keep(connection, caller, Oddity::Denied, place(channel, &result), &document(&result)?, now).await;
        }
        (Some(_) | None, Told::Other) | (None, Told::Present | Told::Unclear) => {}
    }
    Ok(Taken::Settled(Settled {
        platform_order_no: order.platform_order_no,
        state: order.state,
        confirm_id: order.confirm_id,
        is_duplicate: false,
    }))
}

/// Whether a failure of the present attempt says that money which two people confirmed never came: the channel has said nothing
/// else of it, and had not said this before they confirmed.
async fn denies(connection: &mut SqliteConnection, order: &Order) -> Result<bool, Failure> {
    let missing = attested::missing(connection, order).await?;
    let is_missing = missing.iter().any(|txn| txn.platform_order_no == order.platform_order_no);
    Ok(is_missing && !attempt::has_failed(connection, order).await?)
}
