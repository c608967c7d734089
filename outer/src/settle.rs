//! Money that came in (到账): transaction, order, confirmation and notification, all or nothing.

use contract::rows::{PayConfirm, PayConfirmItem, PayNotice};
use contract::rules::{self, OrderEvent, OrderState, OtherPayments, UNCLEAR, check_confirm};
use node::rows::{find_by, insert, text};
use node::{Failure, Moment};
use schemars::JsonSchema;
use serde::Serialize;
use sqlx::sqlite::SqliteConnection;

use crate::attested;
use crate::callback;
use crate::content::digest;
use crate::create::{PAYER_ACCT, confirm_item, confirmed};
use crate::kept::kept;
use crate::order::{Order, state_refuses};
use crate::service::PayNode;

/// The column that a confirmation's account is encrypted for.
pub(crate) const CONFIRM_ACCT: (&str, &str) = ("pay_confirm", "payer_acct");

kept! {
    /// A transaction (交易): money that came in.
    Txn in "outer_txn" {
        /// 支付渠道.
        channel: String,
        /// 渠道订单号: unique within the channel.
        channel_order_no: String,
        /// 平台订单号.
        platform_order_no: String,
        /// What the payer paid, channel discount included, in fen.
        amount_fen: i64,
        /// 手续费, in fen.
        fee_fen: i64,
        /// 渠道优惠, in fen.
        channel_discount_fen: i64,
        /// 缴款时间: yyyyMMddHHmmss.
        paid_time: String,
        /// 入账依据: 1 渠道结果, 2 双人确认支付.
        evidence: i64,
        /// 确认单号.
        confirm_id: String,
        /// The state that was answered.
        told_state: i64,
        /// 是否重复缴款.
        is_duplicate: bool,
        /// 创建时间: yyyyMMddHHmmssSSS.
        create_time: String,
    }
}

impl Txn {
    /// The transaction of a channel's number, if it is there.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn find(
        connection: &mut SqliteConnection,
        channel: &str,
        channel_order_no: &str,
    ) -> Result<Option<Self>, Failure> {
        let rest = "WHERE channel = ?1 AND channel_order_no = ?2";
        Ok(Self::select(connection, rest, &[text(channel), text(channel_order_no)]).await?.into_iter().next())
    }

    /// The transaction of a channel's number: its own, or one that people found the channel to have spoken of under this number.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn known(
        connection: &mut SqliteConnection,
        channel: &str,
        channel_order_no: &str,
    ) -> Result<Option<Self>, Failure> {
        match Self::find(connection, channel, channel_order_no).await? {
            Some(txn) => Ok(Some(txn)),
            None => attested::of_number(connection, channel, channel_order_no).await,
        }
    }

    /// The transaction of a confirmation, if it is there.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn confirmed_by(connection: &mut SqliteConnection, confirm_id: &str) -> Result<Option<Self>, Failure> {
        Ok(Self::select(connection, "WHERE confirm_id = ?1", &[text(confirm_id)]).await?.into_iter().next())
    }
}

/// On what a payment is booked (入账依据).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// 渠道结果.
    Channel,
    /// 双人确认支付.
    TwoPeople,
}

impl Basis {
    /// The number in rows.
    #[must_use]
    pub const fn number(self) -> i64 {
        match self {
            Self::Channel => 1,
            Self::TwoPeople => 2,
        }
    }
}

/// A payment whose values were judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payment {
    /// 支付渠道.
    pub channel: String,
    /// 渠道订单号.
    pub channel_order_no: String,
    /// What the payer paid, in fen.
    pub amount_fen: i64,
    /// 手续费, in fen.
    pub fee_fen: i64,
    /// 渠道优惠, in fen.
    pub channel_discount_fen: i64,
    /// 缴款时间: yyyyMMddHHmmss.
    pub paid_time: String,
    /// 缴款账号, in the clear.
    pub payer_acct: Option<String>,
    /// 付款行行号.
    pub pay_bank_no: Option<String>,
    /// 入账依据.
    pub basis: Basis,
}

/// What became of a payment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Settled {
    /// 平台订单号.
    pub platform_order_no: String,
    /// 订单状态 as of this payment: 5 for one too many.
    pub state: i64,
    /// 确认单号; none when no money came in.
    pub confirm_id: Option<String>,
    /// 是否重复缴款.
    pub is_duplicate: bool,
}

impl From<Txn> for Settled {
    fn from(txn: Txn) -> Self {
        Self {
            platform_order_no: txn.platform_order_no,
            state: txn.told_state,
            confirm_id: Some(txn.confirm_id),
            is_duplicate: txn.is_duplicate,
        }
    }
}

/// Offline payments that are not refunded: those at a bank's counter, and those to the police (交警批量).
async fn paid_offline(connection: &mut SqliteConnection, pay_code: &str) -> Result<(i64, i64), Failure> {
    let found = sqlx::query_as(
        "SELECT count(*) FILTER (WHERE source <> 2), count(*) FILTER (WHERE source = 2) FROM offline_payment \
         WHERE pay_code = ?1 AND refund_state <> 2",
    );
    Ok(found.bind(pay_code.to_owned()).fetch_one(connection).await?)
}

/// Whether another payment counts already for what an order pays.
async fn is_paid_before(connection: &mut SqliteConnection, order: &Order) -> Result<bool, Failure> {
    let Some(pay_code) = &order.pay_code else { return Ok(false) };
    let orders = order.siblings(connection).await?;
    let (at_a_bank, to_the_police) = paid_offline(connection, pay_code).await?;
    let notice_state = find_by::<PayNotice>(connection, pay_code).await?.map(|notice| notice.state);
    let others =
        OtherPayments { orders: &orders, at_a_bank: at_a_bank > 0, to_the_police: to_the_police > 0, notice_state };
    Ok(rules::is_paid_before(others))
}

/// 确认单号: the same for the same payment, so that a zone that was put back and hears of it again confirms nothing twice. The first 48
/// bits are the time of payment, so that rows of one time stand together in an index.
fn confirm_id(payment: &Payment) -> Result<String, Failure> {
    let paid = Moment::of_time14(&payment.paid_time)
        .ok_or_else(|| Failure::internal("a payment without a time came to be settled"))?;
    let (ms, digest) = (paid.ms(), digest(&(&payment.channel, &payment.channel_order_no))?.to_uppercase());
    Ok(format!("{:08X}-{:04X}-8{}-A{}-{}", ms >> 16, ms & 0xffff, &digest[..3], &digest[3..6], &digest[6..18]))
}

/// Takes money in: every payment is confirmed, also one too many, which is marked as such and goes back. What two people confirm was
/// judged before.
///
/// # Errors
/// When the confirmation would break a rule of the contract, or the database refuses a row. A broken rule is found before anything
/// is written.
pub async fn settle(
    own: &PayNode,
    connection: &mut SqliteConnection,
    mut order: Order,
    payment: Payment,
) -> Result<Settled, Failure> {
    let now = own.node.clock.now();
    let before = order.state()?;
    let paid_before = is_paid_before(connection, &order).await?;
    let event = match payment.basis {
        Basis::Channel => OrderEvent::Succeeded { paid_before },
        Basis::TwoPeople => OrderEvent::ConfirmedByTwo { paid_before },
    };
    let after = before.after(event);
    if after.is_none() && !before.has_money() {
        return Err(state_refuses(before));
    }
    // A second payment of a paid order leaves the order as it is.
    let told = after.unwrap_or(OrderState::Repaid);
    let is_duplicate = told == OrderState::Repaid;
    let confirm_id = confirm_id(&payment)?;
    let (confirm, items) = confirmation(own, connection, &order, &payment, &confirm_id, is_duplicate).await?;
    if after.is_some() {
        order.channel = Some(payment.channel.clone());
        pay(connection, &order, &payment, told, &confirm_id, now).await?;
    }
    let txn = Txn {
        channel: payment.channel,
        channel_order_no: payment.channel_order_no,
        platform_order_no: order.platform_order_no.clone(),
        amount_fen: payment.amount_fen,
        fee_fen: payment.fee_fen,
        channel_discount_fen: payment.channel_discount_fen,
        paid_time: payment.paid_time,
        evidence: payment.basis.number(),
        confirm_id: confirm_id.clone(),
        told_state: told.number(),
        is_duplicate,
        create_time: now.time17(),
    };
    // Before its confirmation, which would else be taken for one that came back without it.
    txn.clone().add(connection).await?;
    insert(connection, &confirm).await?;
    for item in &items {
        insert(connection, item).await?;
    }
    callback::queue_order(connection, &order, told.number(), Some(&txn), now).await?;
    Ok(txn.into())
}

/// Writes the money and the state into the order.
pub(crate) async fn pay(
    connection: &mut SqliteConnection,
    order: &Order,
    payment: &Payment,
    state: OrderState,
    confirm_id: &str,
    now: Moment,
) -> Result<(), Failure> {
    let charge = order.charge(payment.amount_fen, payment.channel_discount_fen, payment.fee_fen);
    sqlx::query(
        "UPDATE outer_order SET state = ?2, channel = ?3, channel_discount_fen = ?4, fee_fen = ?5, received_fen = ?6, \
         confirm_id = ?7, update_time = ?8, diff_fen = ?9, is_released = ?10 WHERE platform_order_no = ?1",
    )
    .bind(order.platform_order_no.clone())
    .bind(state.number())
    .bind(order.channel.clone())
    .bind(charge.channel_discount_fen)
    .bind(charge.fee_fen)
    .bind(charge.received_fen)
    .bind(confirm_id.to_owned())
    .bind(now.time17())
    .bind(payment.amount_fen.saturating_sub(order.payable_fen()))
    .bind(order.is_released)
    .execute(connection)
    .await?;
    Ok(())
}

/// The confirmation that crosses, with its lines. Where the amount is not the order's, the lines are not the order's either: the
/// ledger finds that the amount differs, and what the money is for is open until people have decided.
async fn confirmation(
    own: &PayNode,
    connection: &mut SqliteConnection,
    order: &Order,
    payment: &Payment,
    confirm_id: &str,
    is_duplicate: bool,
) -> Result<(PayConfirm, Vec<PayConfirmItem>), Failure> {
    let now = own.node.clock.now();
    let of_order = || order.payer_acct.as_deref().and_then(|sealed| own.node.field_key.open(PAYER_ACCT, sealed));
    let acct = payment.payer_acct.clone().or_else(of_order);
    let seal = |acct: String| own.node.field_key.seal(CONFIRM_ACCT, &acct, &*own.node.entropy);
    let amount_fen = order.charge(payment.amount_fen, payment.channel_discount_fen, payment.fee_fen).original_fen;
    let confirm = PayConfirm {
        confirm_id: confirm_id.to_owned(),
        payer_acct: acct.map(seal).transpose()?,
        pay_bank_no: payment.pay_bank_no.clone(),
        channel: payment.channel.clone(),
        channel_order_no: payment.channel_order_no.clone(),
        pay_time: payment.paid_time.clone(),
        pay_date: own.settings.day_cut.day_of(&payment.paid_time).unwrap_or_default(),
        is_duplicate,
        evidence: payment.basis.number(),
        amount_fen,
        ..confirmed(order, now)
    };
    let items: Vec<_> = if amount_fen == order.original_fen {
        order.items(connection).await?.iter().map(|item| confirm_item(confirm_id, item)).collect()
    } else {
        vec![UNCLEAR.line(confirm_id, 1, amount_fen)]
    };
    let faults = check_confirm(&confirm, &items, &own.node.policy);
    if faults.is_empty() { Ok((confirm, items)) } else { Err(Failure::of_faults(faults)) }
}
