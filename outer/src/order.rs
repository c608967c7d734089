//! Orders (订单) as the database keeps them.

use console::Text;
use contract::Cell;
use contract::rules::{Charge, OrderState};
use node::rows::text;
use node::{Failure, Kind, Moment};
use sqlx::sqlite::SqliteConnection;

use crate::kept::kept;

kept! {
    /// An order (订单).
    Order in "outer_order" {
        /// 平台订单号: a GUID that nobody can guess.
        platform_order_no: String,
        /// 接入系统: the client that made it.
        client: String,
        /// 业务订单号: unique for the client.
        biz_order_no: String,
        /// The digest of what the client asked for.
        content: String,
        /// 缴款码; none when the payment starts at a unit's own site.
        pay_code: Option<String>,
        /// 财政区划编码.
        mof_div_code: String,
        /// 预算年度.
        fiscal_year: String,
        /// 执收单位: the id of an agency.
        agency_id: String,
        /// 业务条线.
        biz_line: String,
        /// 业务号.
        biz_ref: Option<String>,
        /// 缴款人类型: 1 个人, 2 单位.
        payer_type: i64,
        /// 缴款人全称.
        payer_name: String,
        /// 缴款账号: field-encrypted.
        payer_acct: Option<String>,
        /// 订单标题.
        title: String,
        /// 订单金额, in fen: what counts against the notice.
        original_fen: i64,
        /// 业务优惠, in fen.
        biz_discount_fen: i64,
        /// 渠道优惠, in fen.
        channel_discount_fen: i64,
        /// 手续费, in fen.
        fee_fen: i64,
        /// 实收, in fen.
        received_fen: i64,
        /// What came less what the order asks for, in fen: nothing, but where two people confirmed another amount.
        diff_fen: i64,
        /// 订单状态: the number of an [`OrderState`].
        state: i64,
        /// 支付渠道: what the payer chose, or what the money came through.
        channel: Option<String>,
        /// 支付方式, as the payer's page names it.
        pay_mode: Option<String>,
        /// How often the payer began to pay it: the number of the present attempt (支付尝试).
        attempt_no: i64,
        /// 通知地址; none where the client's own counts.
        notify_url: Option<String>,
        /// What the client wants to be told back.
        passback: Option<String>,
        /// 下单时间: yyyyMMddHHmmss.
        order_time: String,
        /// When it expires, in milliseconds since 1970.
        expire_ms: i64,
        /// How often the channel was asked about it after it expired.
        ask_attempt: i64,
        /// When the channel is asked next, in milliseconds since 1970.
        ask_next_ms: i64,
        /// 确认单号 of the payment that made the state.
        confirm_id: Option<String>,
        /// Whether the inner zone decided that its money goes back, so that it counts no more.
        is_released: bool,
        /// 创建时间: yyyyMMddHHmmssSSS.
        create_time: String,
        /// 更新时间: yyyyMMddHHmmssSSS.
        update_time: String,
    }
}

kept! {
    /// A line of an order (订单明细).
    OrderItem in "outer_order_item" {
        /// 平台订单号.
        platform_order_no: String,
        /// 行号: from 1.
        line_no: i64,
        /// 收入项目编码.
        item_code: String,
        /// 收入项目名称.
        item_name: String,
        /// 数量.
        quantity: i64,
        /// 收缴标准, in fen.
        unit_fen: i64,
        /// 金额, in fen.
        amount_fen: i64,
    }
}

impl Order {
    /// The state.
    ///
    /// # Errors
    /// When the database holds a number that is none; its check does not let it.
    pub fn state(&self) -> Result<OrderState, Failure> {
        state_of(self.state)
    }

    /// What the payer is to pay, in fen: the original amount less what the agency gives.
    #[must_use]
    pub const fn payable_fen(&self) -> i64 {
        self.original_fen.saturating_sub(self.biz_discount_fen)
    }

    /// The money of the order, if the payer pays so much, and a channel gives and keeps so much of it. Its original amount is what
    /// counts against the notice: what was paid, and what the agency gives.
    #[must_use]
    pub const fn charge(&self, paid_fen: i64, channel_discount_fen: i64, fee_fen: i64) -> Charge {
        Charge {
            original_fen: paid_fen.saturating_add(self.biz_discount_fen),
            biz_discount_fen: self.biz_discount_fen,
            channel_discount_fen,
            fee_fen,
            received_fen: paid_fen.saturating_sub(channel_discount_fen).saturating_sub(fee_fen),
        }
    }

    /// The order of a number.
    ///
    /// # Errors
    /// When there is none.
    pub async fn find(connection: &mut SqliteConnection, platform_order_no: &str) -> Result<Self, Failure> {
        let found = Self::look_up(connection, platform_order_no).await?;
        found.ok_or_else(|| Failure::missing("order", "订单", platform_order_no))
    }

    /// The order of a number, if it is there.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn look_up(connection: &mut SqliteConnection, platform_order_no: &str) -> Result<Option<Self>, Failure> {
        let found = Self::select(connection, "WHERE platform_order_no = ?1", &[text(platform_order_no)]).await?;
        Ok(found.into_iter().next())
    }

    /// The order of a client's own number, if it is there.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn of_client(
        connection: &mut SqliteConnection,
        client: &str,
        biz_order_no: &str,
    ) -> Result<Option<Self>, Failure> {
        let rest = "WHERE client = ?1 AND biz_order_no = ?2";
        Ok(Self::select(connection, rest, &[text(client), text(biz_order_no)]).await?.into_iter().next())
    }

    /// The other orders for the same pay code, and their states; none for a payment without one.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn siblings(&self, connection: &mut SqliteConnection) -> Result<Vec<OrderState>, Failure> {
        let Some(pay_code) = &self.pay_code else { return Ok(Vec::new()) };
        states(connection, pay_code, &self.platform_order_no).await
    }

    /// Its lines.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn items(&self, connection: &mut SqliteConnection) -> Result<Vec<OrderItem>, Failure> {
        let rest = "WHERE platform_order_no = ?1 ORDER BY line_no";
        OrderItem::select(connection, rest, &[text(&self.platform_order_no)]).await
    }

    /// Gives the order a state that has no money.
    ///
    /// # Errors
    /// When the database refuses it.
    pub async fn go(
        &mut self,
        connection: &mut SqliteConnection,
        state: OrderState,
        now: Moment,
    ) -> Result<(), Failure> {
        self.state = state.number();
        self.update_time = now.time17();
        sqlx::query(
            "UPDATE outer_order SET state = ?2, channel = ?3, pay_mode = ?4, update_time = ?5, attempt_no = ?6 \
             WHERE platform_order_no = ?1",
        )
        .bind(self.platform_order_no.clone())
        .bind(self.state)
        .bind(self.channel.clone())
        .bind(self.pay_mode.clone())
        .bind(self.update_time.clone())
        .bind(self.attempt_no)
        .execute(connection)
        .await?;
        Ok(())
    }
}

/// The states of the orders for a pay code, all but one. A confirmation that is not one too many counts as an order that is paid,
/// whatever its order is: that may be lost with the database, or have been made anew out of another confirmation. A payment whose money
/// goes back by a decision of the inner zone is left out, with its order: the debt can be paid again.
///
/// # Errors
/// When the database cannot be read.
pub async fn states(connection: &mut SqliteConnection, pay_code: &str, but: &str) -> Result<Vec<OrderState>, Failure> {
    let numbers: Vec<i64> = sqlx::query_scalar(
        "SELECT state FROM outer_order WHERE pay_code = ?1 AND platform_order_no <> ?2 \
         AND NOT EXISTS (SELECT 1 FROM outer_released AS r WHERE r.confirm_id = outer_order.confirm_id) \
         UNION ALL SELECT 2 FROM pay_confirm WHERE pay_code = ?1 AND platform_order_no <> ?2 AND is_duplicate = 0 \
         AND NOT EXISTS (SELECT 1 FROM outer_released AS r WHERE r.confirm_id = pay_confirm.confirm_id)",
    )
    .bind(pay_code.to_owned())
    .bind(but.to_owned())
    .fetch_all(connection)
    .await?;
    numbers.into_iter().map(state_of).collect()
}

fn state_of(number: i64) -> Result<OrderState, Failure> {
    OrderState::of(number).ok_or_else(|| Failure::internal(format!("{number} is no state of an order")))
}

/// The name of a state for people.
#[must_use]
pub const fn title(state: OrderState) -> Text {
    match state {
        OrderState::Pending => Text::fixed("to be paid", "待支付"),
        OrderState::Paying => Text::fixed("being paid", "支付中"),
        OrderState::Paid => Text::fixed("paid", "支付成功"),
        OrderState::Failed => Text::fixed("failed", "支付失败"),
        OrderState::Closed => Text::fixed("closed", "已关闭"),
        OrderState::Repaid => Text::fixed("paid twice", "重缴"),
        OrderState::Late => Text::fixed("paid after it was closed", "关闭后到账"),
        OrderState::Confirmed => Text::fixed("confirmed by two people", "确认支付"),
    }
}

/// The present state does not allow what was asked.
#[must_use]
pub fn state_refuses(state: OrderState) -> Failure {
    let title = title(state);
    let message = Text::new(
        format!("the order's state is `{}`", title.get(console::Lang::En)),
        format!("订单状态为“{}”", title.get(console::Lang::Zh)),
    );
    Failure::new(
        Kind::Conflict,
        "order-state",
        message,
        Text::fixed("look at the order; make another one if it must still be paid", "请查询订单；如仍需缴款请重新下单"),
    )
}

/// A number as a value.
#[must_use]
pub const fn int(number: i64) -> Cell {
    Cell::Int(number)
}
