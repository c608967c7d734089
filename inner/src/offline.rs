//! Payments that were made offline (线下缴款): at a bank's counter, or to the police, who report a batch.

use contract::rows::{OfflinePayment, PayNotice};
use contract::rules::{Decision, Fault, Judgement, MatchState, OfflineSource, Rule, check_offline};
use node::rows::{find_by, insert, put, select, text};
use node::{Failure, Kind, Moment, Node, guid};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sqlx::sqlite::SqliteConnection;

use crate::matching::Entry;
use crate::push;

/// A payment that is reported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// 缴款码.
    pub pay_code: String,
    /// 来源: 1 银行柜面, 2 交警批量.
    pub source: i64,
    /// 来源流水号, unique in its source.
    pub source_ref: String,
    /// 金额, in fen.
    pub amount_fen: i64,
    /// 缴款时间, yyyyMMddHHmmss.
    pub pay_time: String,
}

/// What became of a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Taken {
    /// 线下缴款号.
    pub payment_id: String,
    /// 记账号.
    pub book_no: String,
    /// 匹配结果: 1 相符, 2 重复, 3 金额不符.
    pub match_state: i64,
    /// 退付状态: 0 无需, 1 待退.
    pub refund_state: i64,
    /// Whether the same report had been taken before; then nothing was written.
    pub repeated: bool,
}

/// Takes a report in the caller's transaction. The same report again is answered as the first time.
///
/// # Errors
/// When there is no such notice, the report breaks a rule, or another report has its number.
pub async fn take(
    connection: &mut SqliteConnection,
    node: &Node,
    report: Report,
    now: Moment,
) -> Result<Taken, Failure> {
    let Some(source) = OfflineSource::of(report.source) else {
        let rule = Rule::OutOfRange { least: 1, most: 2 };
        return Err(Failure::of_faults(vec![Fault::refusal("offline_payment", report.source_ref, "source", rule)]));
    };
    if let Some(before) = before(connection, &report).await? {
        return repeated(connection, &report, before).await;
    }
    let notice: Option<PayNotice> = find_by(connection, &report.pay_code).await?;
    let notice = notice.ok_or_else(|| Failure::missing("notice", "缴款通知书", &report.pay_code))?;
    let (book_no, time) = (guid(&*node.entropy, now)?, now.time17());
    let judged = judge(connection, &notice, report.amount_fen).await?;
    let payment = OfflinePayment {
        payment_id: guid(&*node.entropy, now)?,
        pay_code: report.pay_code,
        source: report.source,
        source_ref: report.source_ref,
        amount_fen: report.amount_fen,
        pay_date: report.pay_time.get(..8).unwrap_or_default().to_owned(),
        pay_time: report.pay_time,
        book_no: book_no.clone(),
        refund_state: i64::from(judged.decision == Decision::RefundOffline),
        create_time: time.clone(),
        update_time: time.clone(),
    };
    let faults = check_offline(&payment, &node.policy);
    if !faults.is_empty() {
        return Err(Failure::of_faults(faults));
    }
    insert(connection, &payment).await?;
    let entry = Entry {
        book_no: &book_no,
        source: if source == OfflineSource::Bank { "BANK" } else { "POLICE_BATCH" },
        payment_id: &payment.payment_id,
        pay_code: Some(&payment.pay_code),
        agency_id: &notice.agency_id,
        amount_fen: payment.amount_fen,
        pay_date: &payment.pay_date,
        book_time: &time,
    };
    entry.write(connection, judged.borrow()).await?;
    let agency_id = notice.agency_id.clone();
    if judged.state == MatchState::Matched && notice.state == 0 {
        put(connection, &PayNotice { state: 1, update_time: time, ..notice }).await?;
    }
    push::queue(connection, &book_no, &agency_id, now).await?;
    Ok(Taken {
        payment_id: payment.payment_id,
        book_no,
        match_state: judged.state.number(),
        refund_state: payment.refund_state,
        repeated: false,
    })
}

async fn before(connection: &mut SqliteConnection, report: &Report) -> Result<Option<OfflinePayment>, Failure> {
    let source = contract::Cell::Int(report.source);
    let found =
        select(connection, "WHERE source = ?1 AND source_ref = ?2", &[source, text(&report.source_ref)]).await?;
    Ok(found.into_iter().next())
}

async fn repeated(
    connection: &mut SqliteConnection,
    report: &Report,
    before: OfflinePayment,
) -> Result<Taken, Failure> {
    let is_same = (before.pay_code.as_str(), before.amount_fen, before.pay_time.as_str())
        == (report.pay_code.as_str(), report.amount_fen, report.pay_time.as_str());
    if !is_same {
        let number = &report.source_ref;
        return Err(Failure::new(
            Kind::Conflict,
            "source-ref-taken",
            console::text!("another payment has the number {number}", "流水号 {number} 已用于另一笔缴款"),
            console::Text::fixed("look the number up at its source", "请向来源方核对流水号"),
        ));
    }
    let match_state: i64 = sqlx::query_scalar("SELECT match_state FROM inner_book WHERE book_no = ?1")
        .bind(before.book_no.clone())
        .fetch_one(connection)
        .await?;
    Ok(Taken {
        payment_id: before.payment_id,
        book_no: before.book_no,
        match_state,
        refund_state: before.refund_state,
        repeated: true,
    })
}

/// A judgement that owns what it refers to.
struct Judged {
    state: MatchState,
    decision: Decision,
    other: Option<String>,
    diff_fen: i64,
}

impl Judged {
    fn borrow(&self) -> Judgement<'_> {
        Judgement { state: self.state, decision: self.decision, other: self.other.as_deref(), diff_fen: self.diff_fen }
    }
}

/// Judges an offline payment: one that comes after any other that counts is to go back offline.
async fn judge(connection: &mut SqliteConnection, notice: &PayNotice, amount_fen: i64) -> Result<Judged, Failure> {
    let first: Option<String> =
        sqlx::query_scalar("SELECT payment_id FROM inner_book WHERE pay_code = ?1 AND counts = 1")
            .bind(notice.pay_code.clone())
            .fetch_optional(connection)
            .await?;
    let plain = |state, decision| Judged { state, decision, other: None, diff_fen: 0 };
    let diff_fen = amount_fen.saturating_sub(notice.total_fen);
    Ok(match (first, notice.state) {
        (Some(first), _) => Judged { other: Some(first), ..plain(MatchState::Duplicate, Decision::RefundOffline) },
        (None, _) if diff_fen != 0 => Judged { diff_fen, ..plain(MatchState::AmountDiff, Decision::Review) },
        (None, 0) => plain(MatchState::Matched, Decision::Book),
        (None, _) => plain(MatchState::NoNotice, Decision::Review),
    })
}

/// An offline payment that was to go back has gone back.
///
/// # Errors
/// When there is none of that number, or it was not to go back.
pub async fn refunded(connection: &mut SqliteConnection, payment_id: &str, now: Moment) -> Result<(), Failure> {
    let found: Option<OfflinePayment> = find_by(connection, payment_id).await?;
    let payment = found.ok_or_else(|| Failure::missing("offline payment", "线下缴款", payment_id))?;
    if payment.refund_state != 1 {
        return Err(Failure::new(
            Kind::Conflict,
            "not-to-be-refunded",
            console::Text::fixed("the payment is not waiting for a refund", "该笔缴款不在待退状态"),
            console::Text::fixed("look at its state first", "请先查看其状态"),
        ));
    }
    put(connection, &OfflinePayment { refund_state: 2, update_time: now.time17(), ..payment }).await?;
    Ok(())
}
