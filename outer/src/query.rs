//! Looking up orders, confirmations, agencies and items.

use console::Text;
use contract::rows::{BaseAgency, BaseIncomeItem, ConfirmResult, PayConfirm};
use contract::rules::{Decision, MatchState};
use node::client::Client;
use node::rows::{find_by, select, text};
use node::{Failure, Kind};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sqlx::sqlite::SqliteConnection;

use crate::create::OrderShown;
use crate::order::{Order, int};
use crate::service::PayNode;

/// Rows on one page that callers get where they do not say how many: a screen.
const PAGE: i64 = 50;
/// The most that they can have: what fits into one answer of some hundred kilobytes.
const PAGE_MAX: i64 = 500;

/// Which order.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OrderAsked {
    /// 平台订单号, which is a secret of whoever pays.
    pub platform_order_no: String,
}

/// Which order of the client's own.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OwnOrderAsked {
    /// 平台订单号, or `biz_order_no`.
    pub platform_order_no: Option<String>,
    /// 业务订单号.
    pub biz_order_no: Option<String>,
}

/// Where an order is looked for.
enum Number {
    Platform(String),
    Biz { client: String, number: String },
}

impl Number {
    async fn find(&self, connection: &mut SqliteConnection) -> Result<Order, Failure> {
        match self {
            Self::Platform(number) => Order::find(connection, number).await,
            Self::Biz { client, number } => {
                let found = Order::of_client(connection, client, number).await?;
                found.ok_or_else(|| Failure::missing("order", "订单", number))
            }
        }
    }
}

fn one_of() -> Failure {
    Failure::new(
        Kind::Bad,
        "one-number",
        Text::fixed(
            "send platform_order_no or biz_order_no, one of them",
            "platform_order_no 与 biz_order_no 应填写其一",
        ),
        Text::fixed("leave the other one out", "请勿同时填写"),
    )
}

async fn show(own: &PayNode, number: Number, only: Option<String>) -> Result<OrderShown, Failure> {
    let order = own.read(move |connection| Box::pin(async move { number.find(connection).await })).await?;
    match only.filter(|client| *client != order.client) {
        // What belongs to others is not there for this client.
        Some(_) => Err(Failure::missing("order", "订单", &order.platform_order_no)),
        None => OrderShown::of(&order),
    }
}

/// An order, for whoever has its number.
///
/// # Errors
/// When there is none.
pub async fn order(own: &PayNode, asked: OrderAsked) -> Result<OrderShown, Failure> {
    show(own, Number::Platform(asked.platform_order_no), None).await
}

/// An order of the client's own.
///
/// # Errors
/// When it has none of that number.
pub async fn own_order(own: &PayNode, client: &Client, asked: OwnOrderAsked) -> Result<OrderShown, Failure> {
    let number = match (asked.platform_order_no, asked.biz_order_no) {
        (Some(number), None) => Number::Platform(number),
        (None, Some(number)) => Number::Biz { client: client.id.clone(), number },
        (Some(_), Some(_)) | (None, None) => return Err(one_of()),
    };
    show(own, number, Some(client.id.clone())).await
}

/// Which orders.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OrdersAsked {
    /// 订单状态.
    pub state: Option<i64>,
    /// 缴款码.
    pub pay_code: Option<String>,
    /// 执收单位: the id of the agency.
    pub agency_id: Option<String>,
    /// Those before this number, for the next page.
    pub before: Option<String>,
    /// How many, at most 500.
    pub limit: Option<i64>,
}

/// A page of orders, the latest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Orders {
    /// The orders.
    pub orders: Vec<OrderShown>,
}

/// Lists orders.
///
/// # Errors
/// When the database cannot be read.
pub async fn orders(own: &PayNode, asked: OrdersAsked) -> Result<Orders, Failure> {
    let rest = "WHERE (?1 IS NULL OR state = ?1) AND (?2 IS NULL OR pay_code = ?2) AND (?3 IS NULL OR agency_id = ?3) \
                AND (?4 IS NULL OR platform_order_no < ?4) ORDER BY platform_order_no DESC LIMIT ?5";
    let values = [
        (&asked.state).into(),
        (&asked.pay_code).into(),
        (&asked.agency_id).into(),
        (&asked.before).into(),
        int(limit(asked.limit)?),
    ];
    let found = own.read(move |connection| Box::pin(async move { Order::select(connection, rest, &values).await }));
    Ok(Orders { orders: found.await?.iter().map(OrderShown::of).collect::<Result<_, _>>()? })
}

fn limit(asked: Option<i64>) -> Result<i64, Failure> {
    match asked.unwrap_or(PAGE) {
        limit @ 1..=PAGE_MAX => Ok(limit),
        limit => Err(Failure::new(
            Kind::Bad,
            "limit",
            console::text!(
                "limit is {limit}, which is not 1 to {PAGE_MAX}",
                "limit 为 {limit}，应在 1 至 {PAGE_MAX} 之间"
            ),
            Text::fixed("ask for the rest page by page", "请分页查询"),
        )),
    }
}

/// Which confirmation.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfirmationAsked {
    /// 确认单号.
    pub confirm_id: String,
}

/// What the inner zone made of a confirmation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ConfirmationShown {
    /// 确认单号.
    pub confirm_id: String,
    /// Whether the answer has not come yet.
    pub is_pending: bool,
    /// 匹配结果: 1 相符, 2 重复, 3 金额不符, 4 无通知书.
    pub match_state: Option<i64>,
    /// 处理决定: 1 入账, 2 线上退付, 3 线下退付, 4 人工核查.
    pub decision: Option<i64>,
    /// 记账号.
    pub book_no: Option<String>,
    /// 记账时间: yyyyMMddHHmmssSSS.
    pub book_time: Option<String>,
    /// The match and the decision in English.
    pub text: String,
    /// The same in Chinese.
    pub text_zh: String,
}

/// What the inner zone made of a confirmation.
///
/// # Errors
/// When there is none of that number.
pub async fn confirmation(own: &PayNode, asked: ConfirmationAsked) -> Result<ConfirmationShown, Failure> {
    own.read(move |connection| {
        Box::pin(async move {
            if find_by::<PayConfirm>(connection, &asked.confirm_id).await?.is_none() {
                return Err(Failure::missing("confirmation", "缴款确认", &asked.confirm_id));
            }
            let result = find_by::<ConfirmResult>(connection, &asked.confirm_id).await?;
            let text = result.as_ref().map_or(Text::fixed("not answered yet", "待内网答复"), result_text);
            Ok(ConfirmationShown {
                confirm_id: asked.confirm_id,
                is_pending: result.is_none(),
                match_state: result.as_ref().map(|result| result.match_state),
                decision: result.as_ref().map(|result| result.decision),
                text: text.get(console::Lang::En).to_owned(),
                text_zh: text.get(console::Lang::Zh).to_owned(),
                book_time: result.as_ref().map(|result| result.book_time.clone()),
                book_no: result.map(|result| result.book_no),
            })
        })
    })
    .await
}

/// What an answer means, for people.
#[must_use]
pub fn result_text(result: &ConfirmResult) -> Text {
    let (state, state_zh) = match MatchState::of(result.match_state) {
        Some(MatchState::Matched) => ("matched", "相符"),
        Some(MatchState::Duplicate) => ("duplicate", "重复"),
        Some(MatchState::AmountDiff) => ("another amount", "金额不符"),
        Some(MatchState::NoNotice) => ("no notice", "无通知书"),
        None => ("unknown", "未知"),
    };
    let (decision, decision_zh) = match Decision::of(result.decision) {
        Some(Decision::Book) => ("booked", "入账"),
        Some(Decision::RefundOnline) => ("refunded online", "线上退付"),
        Some(Decision::RefundOffline) => ("the offline payment is refunded", "线下退付"),
        Some(Decision::Review) => ("under review", "人工核查"),
        None => ("unknown", "未知"),
    };
    Text::new(format!("{state}, {decision}"), format!("{state_zh}，{decision_zh}"))
}

/// Which agencies or items.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BaseAsked {
    /// The beginning of the code.
    pub code: Option<String>,
    /// A part of the name.
    pub name: Option<String>,
    /// Items that this agency collects.
    pub agency_id: Option<String>,
    /// Those after the row of this id, for the next page.
    pub after: Option<String>,
    /// How many, at most 500.
    pub limit: Option<i64>,
}

/// An agency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct AgencyShown {
    /// The id.
    pub id: String,
    /// 单位编码.
    pub code: String,
    /// 单位名称.
    pub name: String,
    /// 财政区划编码.
    pub mof_div_code: String,
}

/// A page of agencies, by code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Agencies {
    /// The agencies.
    pub agencies: Vec<AgencyShown>,
}

/// An item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ItemShown {
    /// The id.
    pub id: String,
    /// 收入项目编码.
    pub code: String,
    /// 收入项目名称.
    pub name: String,
    /// 计量单位.
    pub unit_of_measure: String,
}

/// A page of items, by code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Items {
    /// The items.
    pub items: Vec<ItemShown>,
}

fn base_values(asked: &BaseAsked) -> Result<[contract::Cell; 5], Failure> {
    Ok([
        (&asked.code).into(),
        (&asked.name).into(),
        (&asked.after).into(),
        int(limit(asked.limit)?),
        (&asked.agency_id).into(),
    ])
}

/// Looks for agencies that are in use.
///
/// # Errors
/// When the database cannot be read.
pub async fn agencies(own: &PayNode, asked: BaseAsked) -> Result<Agencies, Failure> {
    let rest = "WHERE is_enabled = 1 AND is_deleted = 0 AND (?1 IS NULL OR substr(ele_code, 1, length(?1)) = ?1) \
                AND (?2 IS NULL OR instr(ele_name, ?2) > 0) AND (?5 IS NULL OR id = ?5) AND (?3 IS NULL OR (ele_code, id) > \
                (SELECT b.ele_code, b.id FROM base_agency AS b WHERE b.id = ?3)) ORDER BY ele_code, id LIMIT ?4";
    let values = base_values(&asked)?;
    let found: Vec<BaseAgency> =
        own.read(move |connection| Box::pin(async move { select(connection, rest, &values).await })).await?;
    let shown = |one: BaseAgency| AgencyShown {
        id: one.id,
        code: one.ele_code,
        name: one.ele_name,
        mof_div_code: one.mof_div_code,
    };
    Ok(Agencies { agencies: found.into_iter().map(shown).collect() })
}

/// Looks for items that are in use.
///
/// # Errors
/// When the database cannot be read.
pub async fn items(own: &PayNode, asked: BaseAsked) -> Result<Items, Failure> {
    let rest = "WHERE is_enabled = 1 AND is_deleted = 0 AND (?1 IS NULL OR substr(ele_code, 1, length(?1)) = ?1) \
                AND (?2 IS NULL OR instr(ele_name, ?2) > 0) AND (?5 IS NULL OR id IN (SELECT i.item_id FROM base_agency_item AS i \
                WHERE i.agency_id = ?5 AND i.is_enabled = 1 AND i.is_deleted = 0)) AND (?3 IS NULL OR (ele_code, id) > \
                (SELECT b.ele_code, b.id FROM base_income_item AS b WHERE b.id = ?3)) ORDER BY ele_code, id LIMIT ?4";
    let values = base_values(&asked)?;
    let found: Vec<BaseIncomeItem> =
        own.read(move |connection| Box::pin(async move { select(connection, rest, &values).await })).await?;
    let shown = |one: BaseIncomeItem| ItemShown {
        id: one.id,
        code: one.ele_code,
        name: one.ele_name,
        unit_of_measure: one.unit_of_measure,
    };
    Ok(Items { items: found.into_iter().map(shown).collect() })
}

/// Everything about an order, for people at the machine.
///
/// # Errors
/// When there is none.
pub async fn whole(
    own: &PayNode,
    platform_order_no: String,
) -> Result<(Order, Vec<crate::settle::Txn>, Vec<crate::exception::Exception>), Failure> {
    own.read(move |connection| {
        Box::pin(async move {
            let order = Order::find(connection, &platform_order_no).await?;
            let rest = "WHERE platform_order_no = ?1 ORDER BY create_time, channel, channel_order_no";
            let txns = crate::settle::Txn::select(connection, rest, &[text(&platform_order_no)]).await?;
            let exceptions = crate::exception::open_of(connection, &platform_order_no).await?;
            Ok((order, txns, exceptions))
        })
    })
    .await
}
