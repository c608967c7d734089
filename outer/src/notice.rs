//! Notices (缴款通知书) as payers see them, and whether one may be paid.

use console::{Lang, Text};
use contract::rows::{BaseAgency, OfflinePayment, PayNotice, PayNoticeItem};
use contract::rules::{Debt, GuardRefusal, OrderState, may_pay};
use node::mask::mask;
use node::rows::{find_by, select, text};
use node::streams::{Freshness, freshness};
use node::{Failure, Kind, Moment};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sqlx::sqlite::SqliteConnection;

use crate::order::{int, states};
use crate::service::PayNode;

/// The stream in which notices come.
const STREAM: &str = "notice";
/// 个人.
const PERSON: i64 = 1;

/// Which notice.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoticeAsked {
    /// 缴款码.
    pub pay_code: String,
}

/// A line of a notice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct LineShown {
    /// 收入项目编码.
    pub item_code: String,
    /// 收入项目名称.
    pub item_name: String,
    /// 数量.
    pub quantity: i64,
    /// 收缴标准, in fen.
    pub unit_fen: i64,
    /// 金额, in fen.
    pub amount_fen: i64,
}

/// Why a notice cannot be paid now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RefusalShown {
    /// The code.
    pub code: String,
    /// In English.
    pub message: String,
    /// In Chinese.
    pub message_zh: String,
}

/// A payment that was made at a counter or to the police (线下缴款).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct OfflineShown {
    /// 线下缴款号.
    pub payment_id: String,
    /// 来源: 1 银行柜面, 2 交警批量.
    pub source: i64,
    /// In fen.
    pub amount_fen: i64,
    /// 缴款日期: yyyyMMdd.
    pub pay_date: String,
    /// 退付状态: 0 none, 1 待退, 2 已退.
    pub refund_state: i64,
}

/// A notice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct NoticeShown {
    /// 缴款码.
    pub pay_code: String,
    /// 执收单位: its id.
    pub agency_id: String,
    /// 执收单位名称; none while the base data of the agency has not come.
    pub agency_name: Option<String>,
    /// 财政区划编码.
    pub mof_div_code: String,
    /// 填制日期: yyyyMMdd.
    pub bill_date: String,
    /// 缴款期限: yyyyMMdd, the last day.
    pub expire_date: Option<String>,
    /// 缴款人类型: 1 个人, 2 单位.
    pub payer_type: i64,
    /// 缴款人全称; of a person masked.
    pub payer_name: String,
    /// 应缴金额, in fen.
    pub amount_fen: i64,
    /// 滞纳金, in fen.
    pub late_fee_fen: i64,
    /// 合计金额, in fen.
    pub total_fen: i64,
    /// 状态: 0 未缴, 1 已缴, 2 作废.
    pub state: i64,
    /// 业务条线.
    pub biz_line: String,
    /// 业务号.
    pub biz_ref: Option<String>,
    /// 明细.
    pub lines: Vec<LineShown>,
    /// Whether it may be paid now.
    pub may_be_paid: bool,
    /// Why not.
    pub refusal: Option<RefusalShown>,
    /// What was paid for it offline, the first ten: one that goes back because an online payment stands is told of here.
    pub offline: Vec<OfflineShown>,
}

/// What the zone knows of a debt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// The notice.
    pub notice: PayNotice,
    /// Whether a payment was made offline that is not refunded.
    pub paid_offline: bool,
    /// The states of its orders.
    pub orders: Vec<OrderState>,
}

impl Known {
    /// What the zone knows of a pay code, leaving one order out; none where there is no notice.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn find(connection: &mut SqliteConnection, pay_code: &str, but: &str) -> Result<Option<Self>, Failure> {
        let Some(notice) = find_by::<PayNotice>(connection, pay_code).await? else { return Ok(None) };
        let paid_offline = is_paid_offline(connection, pay_code).await?;
        let orders = states(connection, pay_code, but).await?;
        Ok(Some(Self { notice, paid_offline, orders }))
    }

    /// Whether it may be paid on a day, yyyyMMdd.
    ///
    /// # Errors
    /// Why not.
    pub fn judge(&self, today: &str) -> Result<(), GuardRefusal> {
        let debt = Debt {
            notice_state: self.notice.state,
            expire_date: self.notice.expire_date.as_deref(),
            paid_offline: self.paid_offline,
            orders: &self.orders,
        };
        may_pay(debt, today)
    }
}

/// 已退: the payment went back.
const REFUNDED: i64 = 2;

/// Whether a payment was made offline for a pay code that is not refunded.
///
/// # Errors
/// When the database cannot be read.
pub async fn is_paid_offline(connection: &mut SqliteConnection, pay_code: &str) -> Result<bool, Failure> {
    let found: i64 =
        sqlx::query_scalar("SELECT count(*) FROM offline_payment WHERE pay_code = ?1 AND refund_state <> ?2")
            .bind(pay_code.to_owned())
            .bind(REFUNDED)
            .fetch_one(connection)
            .await?;
    Ok(found > 0)
}

/// The lines of a notice.
///
/// # Errors
/// When the database cannot be read.
pub async fn lines(connection: &mut SqliteConnection, pay_code: &str) -> Result<Vec<PayNoticeItem>, Failure> {
    select(connection, "WHERE pay_code = ?1 ORDER BY line_no", &[text(pay_code)]).await
}

/// Why a notice cannot be paid, for people.
#[must_use]
pub const fn refusal_text(refusal: GuardRefusal) -> Text {
    match refusal {
        GuardRefusal::Paid => Text::fixed("it was paid already", "该缴款码已缴款"),
        GuardRefusal::PaidOffline => Text::fixed("it was paid offline already", "该缴款码已线下缴款"),
        GuardRefusal::Void => Text::fixed("the notice is void", "该缴款通知书已作废"),
        GuardRefusal::Expired => Text::fixed("the last day to pay is over", "已过缴款期限"),
        GuardRefusal::BeingPaid => Text::fixed("it is being paid by another order", "该缴款码正在支付中"),
    }
}

/// The guard does not allow another payment.
#[must_use]
pub fn refused(refusal: GuardRefusal) -> Failure {
    let next = match refusal {
        GuardRefusal::Paid | GuardRefusal::PaidOffline => {
            Text::fixed("nothing is left to be paid; ask for the receipt", "无需再次缴款，可查询缴款凭证")
        }
        GuardRefusal::Void | GuardRefusal::Expired => {
            Text::fixed("ask the agency for another notice", "请联系执收单位重新开具")
        }
        GuardRefusal::BeingPaid => Text::fixed(
            "wait until the other order is paid, has failed or is closed",
            "请等待另一订单支付完成、失败或关闭",
        ),
    };
    Failure::new(Kind::Conflict, refusal.code(), refusal_text(refusal), next)
}

/// Looks at the form of a pay code.
///
/// # Errors
/// When it is no pay code.
pub fn judge_form(own: &PayNode, pay_code: &str) -> Result<(), Failure> {
    let Some(rule) = own.node.policy.pay_code.check(pay_code) else { return Ok(()) };
    Err(Failure::new(
        Kind::Bad,
        "pay-code-form",
        Text::new(format!("the pay code {}", rule.english()), format!("缴款码{}", rule.chinese())),
        Text::fixed("compare it with the notice, digit by digit", "请与缴款通知书逐位核对"),
    ))
}

/// A pay code without a notice: unknown, or not here yet. Either says as of when the zone knows, since a notice that was issued later
/// may be on its way.
///
/// # Errors
/// When the database cannot be read.
pub async fn absent(connection: &mut SqliteConnection, pay_code: &str, now: Moment) -> Result<Failure, Failure> {
    Ok(match freshness(connection, STREAM, now).await? {
        Freshness::Current(moment) => {
            let at = shown_time(moment);
            Failure::new(
                Kind::Missing,
                "pay-code-unknown",
                console::text!(
                    "there is no notice with the pay code {pay_code} among those that were issued until {at}",
                    "截至 {at} 开具的缴款通知书中没有缴款码 {pay_code}"
                ),
                Text::fixed(
                    "compare the pay code with the notice; one that was issued since takes minutes to come: try it again later",
                    "请核对缴款码；此后开具的通知书需数分钟才能到达，请稍后重试",
                ),
            )
        }
        Freshness::Behind(moment) => {
            let message = match moment.map(shown_time) {
                Some(at) => console::text!(
                    "the notice {pay_code} is not here yet; this zone is behind, and knows the notices issued until {at}",
                    "缴款码 {pay_code} 尚未同步；外网数据滞后，仅确知截至 {at} 开具的通知书"
                ),
                None => console::text!(
                    "the notice {pay_code} is not here yet; this zone has not heard how much the other one has",
                    "缴款码 {pay_code} 尚未同步；外网尚未获知内网现有数据"
                ),
            };
            let next = Text::fixed("try again in some minutes", "请几分钟后重试");
            Failure::new(Kind::Missing, "not-yet-synchronised", message, next)
        }
    })
}

/// A moment as payers read it: China time, to the second.
fn shown_time(moment: Moment) -> String {
    let text = moment.time14();
    let part = |from: usize, to: usize| &text[from..to];
    format!("{}-{}-{} {}:{}:{}", part(0, 4), part(4, 6), part(6, 8), part(8, 10), part(10, 12), part(12, 14))
}

/// A notice as a payer sees it.
///
/// # Errors
/// When the pay code has another form, is unknown or has not come yet.
pub async fn show(own: &PayNode, asked: NoticeAsked) -> Result<NoticeShown, Failure> {
    judge_form(own, &asked.pay_code)?;
    let now = own.node.clock.now();
    let today = now.date8();
    own.read(move |connection| {
        Box::pin(async move {
            let Some(known) = Known::find(connection, &asked.pay_code, "").await? else {
                return Err(absent(connection, &asked.pay_code, now).await?);
            };
            let lines = lines(connection, &asked.pay_code).await?;
            let agency = find_by::<BaseAgency>(connection, &known.notice.agency_id).await?;
            let offline = offline(connection, &asked.pay_code).await?;
            Ok(NoticeShown { offline, ..shown(known, lines, agency, &today) })
        })
    })
    .await
}

fn shown(known: Known, lines: Vec<PayNoticeItem>, agency: Option<BaseAgency>, today: &str) -> NoticeShown {
    let refusal = known.judge(today).err().map(|refusal| {
        let message = refusal_text(refusal);
        RefusalShown {
            code: refusal.code().to_owned(),
            message: message.get(Lang::En).to_owned(),
            message_zh: message.get(Lang::Zh).to_owned(),
        }
    });
    let line = |line: PayNoticeItem| LineShown {
        item_code: line.item_code,
        item_name: line.item_name,
        quantity: line.quantity,
        unit_fen: line.unit_fen,
        amount_fen: line.amount_fen,
    };
    let notice = known.notice;
    NoticeShown {
        agency_name: agency.map(|agency| agency.ele_name),
        payer_name: payer_shown(notice.payer_type, &notice.payer_name),
        pay_code: notice.pay_code,
        agency_id: notice.agency_id,
        mof_div_code: notice.mof_div_code,
        bill_date: notice.bill_date,
        expire_date: notice.expire_date,
        payer_type: notice.payer_type,
        amount_fen: notice.amount_fen,
        late_fee_fen: notice.late_fee_fen,
        total_fen: notice.total_fen,
        state: notice.state,
        biz_line: notice.biz_line,
        biz_ref: notice.biz_ref,
        lines: lines.into_iter().map(line).collect(),
        may_be_paid: refusal.is_none(),
        refusal,
        offline: Vec::new(),
    }
}

/// Offline payments that an answer shows of a notice: more than two are a matter for people.
const OFFLINE_MAX: i64 = 10;

async fn offline(connection: &mut SqliteConnection, pay_code: &str) -> Result<Vec<OfflineShown>, Failure> {
    let rest = "WHERE pay_code = ?1 ORDER BY pay_time, payment_id LIMIT ?2";
    let found: Vec<OfflinePayment> = select(connection, rest, &[text(pay_code), int(OFFLINE_MAX)]).await?;
    let shown = |one: OfflinePayment| OfflineShown {
        payment_id: one.payment_id,
        source: one.source,
        amount_fen: one.amount_fen,
        pay_date: one.pay_date,
        refund_state: one.refund_state,
    };
    Ok(found.into_iter().map(shown).collect())
}

/// The name of a payer as everybody may see it: a person's is masked.
#[must_use]
pub fn payer_shown(payer_type: i64, name: &str) -> String {
    if payer_type == PERSON { mask(name) } else { name.to_owned() }
}
