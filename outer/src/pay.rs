//! Paying (支付): the payer chooses a channel, and the guard is asked in the same transaction.

use std::sync::Arc;

use console::Text;
use contract::rules::{OrderEvent, OrderState};
use node::{Failure, Kind, Moment};
use schemars::JsonSchema;
use serde::Deserialize;
use sqlx::sqlite::SqliteConnection;

use crate::attempt;
use crate::create::{OrderShown, judge_text};
use crate::notice::{self, Known};
use crate::order::{Order, state_refuses};
use crate::returned;
use crate::service::PayNode;

/// The widest name of a way to pay, a Chinese character counting 2.
const PAY_MODE_WIDTH_MAX: usize = 32;

/// Which order is paid, and how.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PayAsked {
    /// 平台订单号.
    pub platform_order_no: String,
    /// 支付渠道: one of the configured channels.
    pub channel: String,
    /// 支付方式, as the payer's page names it.
    pub pay_mode: Option<String>,
}

/// Begins a payment. Asking the same again while it goes on changes nothing.
///
/// # Errors
/// When the channel is none, the order's time is over, or the guard does not allow it.
pub async fn pay(own: &Arc<PayNode>, asked: PayAsked) -> Result<OrderShown, Failure> {
    if !own.settings.channels.contains_key(&asked.channel) {
        let list = own.settings.channels.keys().cloned().collect::<Vec<_>>().join(", ");
        return Err(Failure::new(
            Kind::Bad,
            "channel-unknown",
            console::text!("a channel is one of {list}", "支付渠道应为 {list} 之一"),
            Text::fixed("take one of them", "请选择其一"),
        ));
    }
    if let Some(mode) = &asked.pay_mode {
        judge_text("pay_mode", mode, PAY_MODE_WIDTH_MAX)?;
    }
    let order = own.write(move |own, connection| Box::pin(async move { begin(&own, connection, asked).await })).await?;
    OrderShown::of(&order)
}

async fn begin(own: &PayNode, connection: &mut SqliteConnection, asked: PayAsked) -> Result<Order, Failure> {
    let now = own.node.clock.now();
    returned::of_order(own, connection, &asked.platform_order_no).await?;
    let mut order = Order::find(connection, &asked.platform_order_no).await?;
    let state = order.state()?;
    if state == OrderState::Paying && order.channel.as_deref() == Some(asked.channel.as_str()) {
        return Ok(order);
    }
    let Some(after) = state.after(OrderEvent::Started) else { return Err(state_refuses(state)) };
    if order.expire_ms <= now.ms() {
        return Err(Failure::new(
            Kind::Conflict,
            "order-expired",
            Text::fixed("the time to pay this order is over", "订单已超过支付时限"),
            Text::fixed("make another order", "请重新下单"),
        ));
    }
    if let Some(pay_code) = &order.pay_code {
        guard(connection, &order, pay_code, now).await?;
    }
    attempt::begin(connection, &mut order, &asked.channel, now).await?;
    order.channel = Some(asked.channel);
    order.pay_mode = asked.pay_mode;
    order.go(connection, after, now).await?;
    Ok(order)
}

/// The debt must be there, unpaid, and as large as when it was ordered.
async fn guard(connection: &mut SqliteConnection, order: &Order, pay_code: &str, now: Moment) -> Result<(), Failure> {
    let Some(known) = Known::find(connection, pay_code, &order.platform_order_no).await? else {
        return Err(notice::absent(connection, pay_code, now).await?);
    };
    known.judge(&now.date8()).map_err(notice::refused)?;
    let (ordered, due) = (order.original_fen, known.notice.total_fen);
    if ordered == due {
        return Ok(());
    }
    Err(Failure::new(
        Kind::Conflict,
        "amount-changed",
        console::text!(
            "the notice asks for {due} fen now, and the order is of {ordered}",
            "通知书现为 {due} 分，订单为 {ordered} 分"
        ),
        Text::fixed("make another order", "请重新下单"),
    ))
}
