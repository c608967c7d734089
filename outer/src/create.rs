//! Making orders (下单), and showing them.

use std::sync::Arc;

use console::{Lang, Text};
use contract::rows::{PayConfirm, PayConfirmItem};
use contract::rules::{Fault, GuardRefusal, LATE_FEE, LINES_MAX, OrderState, Rule, check_confirm, gbk_width};
use node::client::Client;
use node::{Failure, Kind, Moment, guid, url};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sqlx::sqlite::SqliteConnection;

use crate::config::EXPIRE_MINUTES_MAX;
use crate::content::{digest, taken};
use crate::income::{self, AskedLine};
use crate::notice::{self, Known};
use crate::order::{Order, OrderItem, title};
use crate::service::PayNode;

/// The paper whose rules an order keeps: what it becomes when it is paid. An order that could not be confirmed is never made.
const TABLE: &str = "pay_confirm";
/// The column that the payer's account is encrypted for.
pub const PAYER_ACCT: (&str, &str) = ("outer_order", "payer_acct");
/// The widest number of an order, as the merchant interface has it; a Chinese character counts 2.
const BIZ_ORDER_NO_WIDTH_MAX: usize = 128;
/// The widest title, as the merchant interface has it.
const TITLE_WIDTH_MAX: usize = 64;
/// The widest text that is told back, as the merchant interface has it.
const PASSBACK_WIDTH_MAX: usize = 1_024;

/// An order that a unit asks for: by pay code, or, for what starts at the unit's own site, with everything a confirmation needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewOrder {
    /// 业务订单号: unique for the client.
    pub biz_order_no: String,
    /// 缴款码; without one `agency_id`, `biz_line`, `payer_type`, `payer_name` and `lines` must be there.
    pub pay_code: Option<String>,
    /// 执收单位: the id of the agency.
    pub agency_id: Option<String>,
    /// 业务条线: GENERAL, TRAFFIC, IMMIGRATION, SCHOOL or EXAM.
    pub biz_line: Option<String>,
    /// 业务号.
    pub biz_ref: Option<String>,
    /// 缴款人类型: 1 个人, 2 单位.
    pub payer_type: Option<i64>,
    /// 缴款人全称.
    pub payer_name: Option<String>,
    /// 缴款账号.
    pub payer_acct: Option<String>,
    /// 明细.
    #[serde(default)]
    pub lines: Vec<AskedLine>,
    /// 订单标题.
    pub title: String,
    /// 订单金额, in fen: the notice's total, or the sum of the lines.
    pub amount_fen: i64,
    /// 业务优惠, in fen: what the agency gives.
    #[serde(default)]
    pub biz_discount_fen: i64,
    /// 通知地址, at the scheme, host and port that are registered for the client; without it the registered one counts.
    pub notify_url: Option<String>,
    /// What is told back with every notification.
    pub passback: Option<String>,
    /// How long it may be paid, in minutes.
    pub expire_minutes: Option<i64>,
}

/// An order, without its payer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct OrderShown {
    /// 平台订单号.
    pub platform_order_no: String,
    /// 业务订单号.
    pub biz_order_no: String,
    /// 缴款码.
    pub pay_code: Option<String>,
    /// 订单状态: 0 待支付, 1 支付中, 2 支付成功, 3 支付失败, 4 已关闭, 5 重缴, 6 关闭后到账, 7 确认支付.
    pub state: i64,
    /// The state in English.
    pub state_text: String,
    /// The state in Chinese.
    pub state_text_zh: String,
    /// 订单标题.
    pub title: String,
    /// 订单金额, in fen.
    pub amount_fen: i64,
    /// What the payer is to pay, in fen.
    pub payable_fen: i64,
    /// 支付渠道.
    pub channel: Option<String>,
    /// 支付方式.
    pub pay_mode: Option<String>,
    /// 支付尝试: the number of the present one, which the channel's result may carry; 0 before the payer began to pay.
    pub attempt_no: i64,
    /// 下单时间: yyyyMMddHHmmss.
    pub order_time: String,
    /// Until when it may be paid: yyyyMMddHHmmss.
    pub expire_time: String,
    /// 确认单号, once money came in.
    pub confirm_id: Option<String>,
}

impl OrderShown {
    /// An order as it is shown.
    ///
    /// # Errors
    /// When its state is none.
    pub fn of(order: &Order) -> Result<Self, Failure> {
        let title = title(order.state()?);
        Ok(Self {
            platform_order_no: order.platform_order_no.clone(),
            biz_order_no: order.biz_order_no.clone(),
            pay_code: order.pay_code.clone(),
            state: order.state,
            state_text: title.get(Lang::En).to_owned(),
            state_text_zh: title.get(Lang::Zh).to_owned(),
            title: order.title.clone(),
            amount_fen: order.original_fen,
            payable_fen: order.payable_fen(),
            channel: order.channel.clone(),
            pay_mode: order.pay_mode.clone(),
            attempt_no: order.attempt_no,
            order_time: order.order_time.clone(),
            expire_time: Moment::of_ms(order.expire_ms).map(Moment::time14).unwrap_or_default(),
            confirm_id: order.confirm_id.clone(),
        })
    }
}

/// An order with its lines, before it is written.
struct Draft {
    order: Order,
    items: Vec<OrderItem>,
}

/// Makes an order. The same document under the same number yields the order that it made before.
///
/// # Errors
/// What is wrong with it, or that its number was used for something else.
pub async fn create(own: &Arc<PayNode>, client: &Client, asked: NewOrder) -> Result<OrderShown, Failure> {
    judge_form(client, &asked)?;
    let acct = asked.payer_acct.clone();
    let content = digest(&NewOrder { payer_acct: None, ..asked.clone() })?;
    let known = Before { client: client.id.clone(), number: asked.biz_order_no.clone(), content, acct };
    let (reader, of) = (Arc::clone(own), client.clone());
    let check = known.clone();
    let draft = own
        .read(move |connection| {
            Box::pin(async move {
                if let Some(order) = check.find(&reader, connection).await? {
                    return Ok(Err(order));
                }
                draft(&reader, connection, &of, asked, check.content).await.map(Ok)
            })
        })
        .await?;
    let draft = match draft {
        Ok(draft) => draft,
        Err(order) => return OrderShown::of(&order),
    };
    let order = own
        .write(move |own, connection| {
            Box::pin(async move {
                if let Some(order) = known.find(&own, connection).await? {
                    return Ok(order);
                }
                draft.order.clone().add(connection).await?;
                for item in draft.items {
                    item.add(connection).await?;
                }
                Ok(draft.order)
            })
        })
        .await?;
    OrderShown::of(&order)
}

/// What an order must be to be the same as one that was made before.
#[derive(Clone)]
struct Before {
    client: String,
    number: String,
    content: String,
    acct: Option<String>,
}

impl Before {
    async fn find(&self, own: &PayNode, connection: &mut SqliteConnection) -> Result<Option<Order>, Failure> {
        let Some(order) = Order::of_client(connection, &self.client, &self.number).await? else { return Ok(None) };
        let acct = order.payer_acct.as_deref().and_then(|sealed| own.node.field_key.open(PAYER_ACCT, sealed));
        if order.content == self.content && acct == self.acct {
            return Ok(Some(order));
        }
        Err(taken("biz-order-taken", &self.number))
    }
}

fn bad(code: &'static str, message: Text, next: Text) -> Failure {
    Failure::new(Kind::Bad, code, message, next)
}

/// Whether `text` is there, no wider than `most`, and without control characters.
pub(crate) fn judge_text(field: &'static str, text: &str, most: usize) -> Result<(), Failure> {
    if !text.is_empty() && gbk_width(text) <= most && !text.chars().any(char::is_control) {
        return Ok(());
    }
    Err(bad(
        "field-form",
        console::text!(
            "{field} must be there, at most {most} wide, without control characters",
            "{field} 不得为空，宽度最多 {most}，不得含控制字符"
        ),
        Text::fixed("mend it and send it again; a Chinese character counts 2", "请更正后重发；一个汉字计 2"),
    ))
}

/// What can be judged without the database.
fn judge_form(client: &Client, asked: &NewOrder) -> Result<(), Failure> {
    judge_text("biz_order_no", &asked.biz_order_no, BIZ_ORDER_NO_WIDTH_MAX)?;
    judge_text("title", &asked.title, TITLE_WIDTH_MAX)?;
    if let Some(passback) = &asked.passback {
        judge_text("passback", passback, PASSBACK_WIDTH_MAX)?;
    }
    url::judge(client, asked.notify_url.as_deref())?;
    if let Some(minutes) = asked.expire_minutes.filter(|minutes| !(1..=EXPIRE_MINUTES_MAX).contains(minutes)) {
        return Err(bad(
            "expire-minutes",
            console::text!(
                "expire_minutes is {minutes}, which is not 1 to {EXPIRE_MINUTES_MAX}",
                "expire_minutes 为 {minutes}，应在 1 至 {EXPIRE_MINUTES_MAX} 之间"
            ),
            Text::fixed("leave it out for the usual time", "不填则取默认值"),
        ));
    }
    if asked.lines.len() > LINES_MAX {
        let rule = Rule::TooManyLines { most: LINES_MAX };
        return Err(Failure::of_faults(vec![Fault::refusal(TABLE, "", "line_no", rule)]));
    }
    let has_own = asked.agency_id.is_some()
        || asked.biz_line.is_some()
        || asked.biz_ref.is_some()
        || asked.payer_type.is_some()
        || asked.payer_name.is_some()
        || !asked.lines.is_empty();
    if asked.pay_code.is_some() && has_own {
        return Err(bad(
            "both-ways",
            Text::fixed(
                "an order by pay code takes agency, payer and lines from the notice",
                "按缴款码下单时，单位、缴款人和明细取自通知书",
            ),
            Text::fixed("leave them out, or leave the pay code out", "请勿同时填写"),
        ));
    }
    Ok(())
}

async fn draft(
    own: &PayNode,
    connection: &mut SqliteConnection,
    client: &Client,
    asked: NewOrder,
    content: String,
) -> Result<Draft, Failure> {
    let now = own.node.clock.now();
    let base = base(own, client, &asked, content, now)?;
    let draft = match &asked.pay_code {
        Some(pay_code) => by_notice(own, connection, client, base, pay_code, &now.date8()).await?,
        None => by_lines(connection, client, base, asked, &now.date8()).await?,
    };
    let charge = draft.order.charge(draft.order.payable_fen(), 0, 0);
    if let Some((column, rule)) = charge.check() {
        return Err(Failure::of_faults(vec![Fault::refusal("outer_order", "", column, rule)]));
    }
    if draft.order.payable_fen() <= 0 {
        return Err(Failure::of_faults(vec![Fault::refusal("outer_order", "", "biz_discount_fen", Rule::AmountZero)]));
    }
    let faults = check_confirm(&confirmed(&draft.order, now), &confirm_items(&draft), &own.node.policy);
    if faults.is_empty() { Ok(draft) } else { Err(Failure::of_faults(faults)) }
}

/// The order without what the notice or the lines say.
fn base(own: &PayNode, client: &Client, asked: &NewOrder, content: String, now: Moment) -> Result<Order, Failure> {
    let entropy = &*own.node.entropy;
    let seal = |acct: &String| own.node.field_key.seal(PAYER_ACCT, acct, entropy);
    let minutes = asked.expire_minutes.unwrap_or(own.settings.expire_minutes);
    Ok(Order {
        platform_order_no: guid(entropy, now)?,
        client: client.id.clone(),
        biz_order_no: asked.biz_order_no.clone(),
        content,
        pay_code: asked.pay_code.clone(),
        mof_div_code: String::new(),
        fiscal_year: String::new(),
        agency_id: String::new(),
        biz_line: String::new(),
        biz_ref: None,
        payer_type: 0,
        payer_name: String::new(),
        payer_acct: asked.payer_acct.as_ref().map(seal).transpose()?,
        title: asked.title.clone(),
        original_fen: asked.amount_fen,
        biz_discount_fen: asked.biz_discount_fen,
        channel_discount_fen: 0,
        fee_fen: 0,
        received_fen: asked.amount_fen.saturating_sub(asked.biz_discount_fen),
        diff_fen: 0,
        state: OrderState::Pending.number(),
        channel: None,
        pay_mode: None,
        attempt_no: 0,
        notify_url: asked.notify_url.clone(),
        passback: asked.passback.clone(),
        order_time: now.time14(),
        expire_ms: now.plus_ms(minutes * 60_000).ms(),
        ask_attempt: 0,
        ask_next_ms: 0,
        confirm_id: None,
        is_released: false,
        create_time: now.time17(),
        update_time: now.time17(),
    })
}

async fn by_notice(
    own: &PayNode,
    connection: &mut SqliteConnection,
    client: &Client,
    base: Order,
    pay_code: &str,
    today: &str,
) -> Result<Draft, Failure> {
    notice::judge_form(own, pay_code)?;
    let Some(known) = Known::find(connection, pay_code, "").await? else {
        return Err(notice::absent(connection, pay_code, own.node.clock.now()).await?);
    };
    income::judge_client(client, &known.notice.agency_id)?;
    match known.judge(today) {
        // The other order may still fail; whoever pays is judged again.
        Ok(()) | Err(GuardRefusal::BeingPaid) => {}
        Err(refusal) => return Err(notice::refused(refusal)),
    }
    let notice = known.notice;
    judge_amount(base.original_fen, notice.total_fen)?;
    let item = |line: contract::rows::PayNoticeItem| OrderItem {
        platform_order_no: base.platform_order_no.clone(),
        line_no: line.line_no,
        item_code: line.item_code,
        item_name: line.item_name,
        quantity: line.quantity,
        unit_fen: line.unit_fen,
        amount_fen: line.amount_fen,
    };
    let mut items: Vec<OrderItem> = notice::lines(connection, pay_code).await?.into_iter().map(item).collect();
    if notice.late_fee_fen > 0 {
        items.push(OrderItem {
            platform_order_no: base.platform_order_no.clone(),
            line_no: items.last().map_or(1, |line| line.line_no + 1),
            item_code: LATE_FEE.code.to_owned(),
            item_name: LATE_FEE.name.to_owned(),
            quantity: 1,
            unit_fen: notice.late_fee_fen,
            amount_fen: notice.late_fee_fen,
        });
    }
    let order = Order {
        mof_div_code: notice.mof_div_code,
        fiscal_year: notice.fiscal_year,
        agency_id: notice.agency_id,
        biz_line: notice.biz_line,
        biz_ref: notice.biz_ref,
        payer_type: notice.payer_type,
        payer_name: notice.payer_name,
        ..base
    };
    Ok(Draft { order, items })
}

/// The notice asks for another amount than the order says.
fn judge_amount(asked_fen: i64, total_fen: i64) -> Result<(), Failure> {
    if asked_fen == total_fen {
        return Ok(());
    }
    Err(bad(
        "amount-differs",
        console::text!(
            "the order says {asked_fen} fen and the notice {total_fen}",
            "订单金额为 {asked_fen} 分，通知书为 {total_fen} 分"
        ),
        Text::fixed("look the notice up again and order its total", "请重新查询通知书并按合计金额下单"),
    ))
}

async fn by_lines(
    connection: &mut SqliteConnection,
    client: &Client,
    base: Order,
    asked: NewOrder,
    today: &str,
) -> Result<Draft, Failure> {
    let there = (asked.agency_id, asked.biz_line, asked.payer_type, asked.payer_name);
    let (Some(agency_id), Some(biz_line), Some(payer_type), Some(payer_name)) = there else {
        return Err(bad(
            "pay-code-or-lines",
            Text::fixed(
                "an order without a pay code needs agency_id, biz_line, payer_type, payer_name and lines",
                "无缴款码的订单应有 agency_id、biz_line、payer_type、payer_name 和 lines",
            ),
            Text::fixed("send them, or the pay code", "请补齐，或填写缴款码"),
        ));
    };
    income::judge_client(client, &agency_id)?;
    let agency = match income::agency(connection, TABLE, &agency_id, today).await? {
        Ok(agency) => agency,
        Err(fault) => return Err(Failure::of_faults(vec![fault])),
    };
    let names = match income::items(connection, "pay_confirm_item", &agency_id, &asked.lines, today).await? {
        Ok(names) => names,
        Err(faults) => return Err(Failure::of_faults(faults)),
    };
    let item = |(line_no, (line, item_name)): (i64, (AskedLine, String))| OrderItem {
        platform_order_no: base.platform_order_no.clone(),
        line_no,
        item_code: line.item_code,
        item_name,
        quantity: line.quantity,
        unit_fen: line.unit_fen,
        amount_fen: line.amount_fen,
    };
    let items = (1..).zip(asked.lines.into_iter().zip(names)).map(item).collect();
    let order = Order {
        mof_div_code: agency.mof_div_code,
        fiscal_year: today[..4].to_owned(),
        agency_id,
        biz_line,
        biz_ref: asked.biz_ref,
        payer_type,
        payer_name,
        ..base
    };
    Ok(Draft { order, items })
}

/// The confirmation that an order becomes, before a channel has said anything.
#[must_use]
pub fn confirmed(order: &Order, now: Moment) -> PayConfirm {
    PayConfirm {
        confirm_id: order.platform_order_no.clone(),
        pay_code: order.pay_code.clone(),
        mof_div_code: order.mof_div_code.clone(),
        fiscal_year: order.fiscal_year.clone(),
        agency_id: order.agency_id.clone(),
        biz_line: order.biz_line.clone(),
        biz_ref: order.biz_ref.clone(),
        payer_type: order.payer_type,
        payer_name: order.payer_name.clone(),
        payer_acct: None,
        pay_bank_no: None,
        platform_order_no: order.platform_order_no.clone(),
        channel: "-".to_owned(),
        channel_order_no: "-".to_owned(),
        amount_fen: order.original_fen,
        pay_time: now.time14(),
        pay_date: now.date8(),
        is_duplicate: false,
        evidence: 1,
        create_time: now.time17(),
        update_time: now.time17(),
    }
}

fn confirm_items(draft: &Draft) -> Vec<PayConfirmItem> {
    draft.items.iter().map(|item| confirm_item(&draft.order.platform_order_no, item)).collect()
}

/// A line of a confirmation out of a line of its order.
#[must_use]
pub fn confirm_item(confirm_id: &str, item: &OrderItem) -> PayConfirmItem {
    PayConfirmItem {
        confirm_id: confirm_id.to_owned(),
        line_no: item.line_no,
        item_code: item.item_code.clone(),
        item_name: item.item_name.clone(),
        quantity: item.quantity,
        unit_fen: item.unit_fen,
        amount_fen: item.amount_fen,
    }
}
