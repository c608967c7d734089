//! Payments that two people confirm on evidence (确认支付), after the channel's answer was lost or did not fit the order.

use std::sync::Arc;

use console::Text;
use contract::rules::{Fault, OrderState, Rule};
use node::http::Caller;
use node::rows::text;
use node::{Failure, Kind, Moment, guid, record};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::sqlite::SqliteConnection;

use crate::attested::attest;
use crate::closing::same_person;
use crate::create::judge_text;
use crate::exception::{self, Exception, Oddity};
use crate::kept::kept;
use crate::order::{Order, int, state_refuses};
use crate::result::{ChannelResult, Outcome, broken, oddity, payment};
use crate::returned;
use crate::service::PayNode;
use crate::settle::{Basis, Payment, Settled, Txn, settle};

/// The widest reason, a Chinese character counting 2.
const REASON_WIDTH_MAX: usize = 400;
/// Hex digits of an SM3 digest.
const DIGEST_DIGITS: usize = 64;
/// Entries on one page: what a person reads.
const PAGE: i64 = 100;
/// 待复核, 已同意, 已退回.
const ASKED: i64 = 0;
const ALLOWED: i64 = 1;
const TURNED_DOWN: i64 = 2;

kept! {
    /// Evidence of a payment (确认支付依据).
    Evidence in "outer_evidence" {
        /// The number: a GUID.
        evidence_id: String,
        /// 平台订单号.
        platform_order_no: String,
        /// 支付渠道.
        channel: String,
        /// 渠道订单号, out of the channel's statement.
        channel_order_no: String,
        /// What the payer paid, in fen.
        amount_fen: i64,
        /// 手续费, in fen.
        fee_fen: i64,
        /// 渠道优惠, in fen.
        channel_discount_fen: i64,
        /// 缴款时间: yyyyMMddHHmmss.
        paid_time: String,
        /// What shows the payment.
        reason: String,
        /// The SM3 digest of the document that shows it.
        file_digest: String,
        /// 异常 that is confirmed, if one is.
        exception_id: Option<i64>,
        /// Whether it is another payment than the one that the order has.
        is_second: bool,
        /// Whether the amount is knowingly another than the order's.
        is_other_amount: bool,
        /// 0 待复核, 1 已同意, 2 已退回.
        state: i64,
        /// Who asked.
        maker: String,
        /// When, yyyyMMddHHmmssSSS.
        make_time: String,
        /// Who decided.
        checker: Option<String>,
        /// When, yyyyMMddHHmmssSSS.
        check_time: Option<String>,
    }
}

/// A payment that an operator wants confirmed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfirmAsked {
    /// 平台订单号.
    pub platform_order_no: String,
    /// 支付渠道.
    pub channel: String,
    /// 渠道订单号, out of the channel's statement.
    pub channel_order_no: String,
    /// What the payer paid, in fen.
    pub amount_fen: i64,
    /// 手续费, in fen.
    #[serde(default)]
    pub fee_fen: i64,
    /// 渠道优惠, in fen.
    #[serde(default)]
    pub channel_discount_fen: i64,
    /// 缴款时间: yyyyMMddHHmmss.
    pub paid_time: String,
    /// What shows the payment.
    pub reason: String,
    /// The SM3 digest of the document that shows it: 64 lower-case hex digits.
    pub file_digest: String,
    /// 异常 that is confirmed: what the channel said under this number that did not fit. It is closed then.
    pub exception_id: Option<i64>,
    /// Whether it is another payment than the one that the order has: one too many (重缴), which goes back.
    #[serde(default)]
    pub is_second: bool,
    /// Whether the amount is knowingly another than the order's. What was paid is confirmed then, and the ledger finds the
    /// difference.
    #[serde(default)]
    pub is_other_amount: bool,
}

/// What a reviewer decides.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfirmDecided {
    /// The number of the evidence.
    pub evidence_id: String,
    /// Whether the payment is confirmed; otherwise it is turned down.
    pub is_allowed: bool,
}

/// Evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct EvidenceShown {
    /// The number.
    pub evidence_id: String,
    /// 平台订单号.
    pub platform_order_no: String,
    /// 支付渠道.
    pub channel: String,
    /// 渠道订单号.
    pub channel_order_no: String,
    /// What the payer paid, in fen.
    pub amount_fen: i64,
    /// 缴款时间: yyyyMMddHHmmss.
    pub paid_time: String,
    /// What shows the payment.
    pub reason: String,
    /// The SM3 digest of the document that shows it.
    pub file_digest: String,
    /// 异常 that is confirmed, if one is.
    pub exception_id: Option<i64>,
    /// Whether it is another payment than the one that the order has.
    pub is_second: bool,
    /// Whether the amount is knowingly another than the order's.
    pub is_other_amount: bool,
    /// 0 待复核, 1 已同意, 2 已退回.
    pub state: i64,
    /// Who asked.
    pub maker: String,
    /// When, yyyyMMddHHmmssSSS.
    pub make_time: String,
    /// Who decided.
    pub checker: Option<String>,
    /// When, yyyyMMddHHmmssSSS.
    pub check_time: Option<String>,
    /// What became of the payment, right after it was confirmed.
    pub settled: Option<Settled>,
}

impl EvidenceShown {
    fn of(one: Evidence, settled: Option<Settled>) -> Self {
        Self {
            evidence_id: one.evidence_id,
            platform_order_no: one.platform_order_no,
            channel: one.channel,
            channel_order_no: one.channel_order_no,
            amount_fen: one.amount_fen,
            paid_time: one.paid_time,
            reason: one.reason,
            file_digest: one.file_digest,
            exception_id: one.exception_id,
            is_second: one.is_second,
            is_other_amount: one.is_other_amount,
            state: one.state,
            maker: one.maker,
            make_time: one.make_time,
            checker: one.checker,
            check_time: one.check_time,
            settled,
        }
    }
}

/// Which evidence.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EvidenceAsked {
    /// That which was decided too.
    #[serde(default)]
    pub all: bool,
    /// Before this number, for the next page.
    pub before: Option<String>,
}

/// A page of evidence, the latest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct EvidenceList {
    /// The evidence.
    pub evidence: Vec<EvidenceShown>,
}

fn judge_form(own: &PayNode, asked: &ConfirmAsked) -> Result<(), Failure> {
    judge_text("reason", &asked.reason, REASON_WIDTH_MAX)?;
    let is_digest = asked.file_digest.len() == DIGEST_DIGITS
        && asked.file_digest.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if !is_digest {
        return Err(Failure::new(
            Kind::Bad,
            "file-digest",
            Text::fixed("file_digest has 64 lower-case hex digits", "file_digest 应为 64 位小写十六进制"),
            Text::fixed("take the SM3 digest of the document", "请填写依据文件的 SM3 摘要"),
        ));
    }
    if own.settings.channels.contains_key(&asked.channel) {
        return Ok(());
    }
    Err(Failure::new(
        Kind::Bad,
        "channel-unknown",
        Text::fixed("there is no such channel", "没有该支付渠道"),
        Text::fixed("take a configured one", "请选择已配置的渠道"),
    ))
}

/// What was asked as the channel would have said it, whose rules it keeps.
fn judge_values(asked: &ConfirmAsked) -> Result<(), Failure> {
    let result = ChannelResult {
        platform_order_no: asked.platform_order_no.clone(),
        outcome: Outcome::Success,
        attempt_no: None,
        channel_order_no: Some(asked.channel_order_no.clone()),
        amount_fen: Some(asked.amount_fen),
        fee_fen: asked.fee_fen,
        channel_discount_fen: asked.channel_discount_fen,
        paid_time: Some(asked.paid_time.clone()),
        payer_acct: None,
        pay_bank_no: None,
        reason: None,
    };
    payment(&asked.channel, &result)?;
    let fault = Fault::refusal("pay_confirm", "", "amount_fen", Rule::AmountZero);
    if asked.amount_fen > 0 { Ok(()) } else { Err(Failure::of_faults(vec![fault])) }
}

fn does_not_fit(oddity: Oddity) -> Failure {
    let next = Text::fixed("compare the evidence with the order", "请核对依据与订单");
    Failure::new(Kind::Bad, oddity.code(), oddity.text(), next)
}

fn refuse(code: &'static str, message: Text, next: Text) -> Failure {
    Failure::new(Kind::Conflict, code, message, next)
}

fn booked(txn: &Txn) -> Failure {
    let id = &txn.confirm_id;
    refuse(
        "transaction-known",
        console::text!("the channel's number is booked already as {id}", "该渠道订单号已入账：{id}"),
        Text::fixed("look at its confirmation", "请查询其缴款确认"),
    )
}

/// An operator asks that a payment be confirmed.
///
/// # Errors
/// When the evidence does not fit the order, the order cannot be confirmed, or it was asked for already.
pub async fn ask(own: &Arc<PayNode>, caller: &Caller, asked: ConfirmAsked) -> Result<EvidenceShown, Failure> {
    judge_form(own, &asked)?;
    judge_values(&asked)?;
    let now = own.node.clock.now();
    let id = guid(&*own.node.entropy, now)?;
    let mut act = caller.act(now.time17(), "confirm-ask", format!("outer_order/{}", asked.platform_order_no));
    let evidence = Evidence {
        evidence_id: id.clone(),
        platform_order_no: asked.platform_order_no,
        channel: asked.channel,
        channel_order_no: asked.channel_order_no,
        amount_fen: asked.amount_fen,
        fee_fen: asked.fee_fen,
        channel_discount_fen: asked.channel_discount_fen,
        paid_time: asked.paid_time,
        reason: asked.reason,
        file_digest: asked.file_digest,
        exception_id: asked.exception_id,
        is_second: asked.is_second,
        is_other_amount: asked.is_other_amount,
        state: ASKED,
        maker: caller.name(),
        make_time: now.time17(),
        checker: None,
        check_time: None,
    };
    own.write(move |own, connection| {
        Box::pin(async move {
            let Judged { order, .. } = judge(&own, connection, &evidence, now).await?;
            let rest = "WHERE platform_order_no = ?1 AND state = 0";
            if let Some(open) = Evidence::select(connection, rest, &[text(&order.platform_order_no)]).await?.first() {
                return Err(waiting(&open.maker));
            }
            act.was = Some(json!({ "state": order.state }).to_string());
            act.is_now = Some(
                json!({ "evidence_id": id, "channel": evidence.channel, "channel_order_no": evidence.channel_order_no,
                    "amount_fen": evidence.amount_fen, "paid_time": evidence.paid_time, "reason": evidence.reason,
                    "file_digest": evidence.file_digest, "exception_id": evidence.exception_id,
                    "is_second": evidence.is_second, "is_other_amount": evidence.is_other_amount })
                .to_string(),
            );
            evidence.clone().add(connection).await?;
            record::note(connection, &act).await?;
            Ok(EvidenceShown::of(evidence, None))
        })
    })
    .await
}

fn waiting(maker: &str) -> Failure {
    Failure::new(
        Kind::Conflict,
        "confirm-asked",
        console::text!("{maker} has asked for this order already", "{maker} 已对该订单提出确认"),
        Text::fixed("let a reviewer decide it first", "请先由复核员处理"),
    )
}

/// What may be confirmed.
struct Judged {
    order: Order,
    payment: Payment,
    exception: Option<Exception>,
}

/// Looks at evidence as the orders and payments are now: when it is given, and when it is decided about.
async fn judge(
    own: &PayNode,
    connection: &mut SqliteConnection,
    evidence: &Evidence,
    now: Moment,
) -> Result<Judged, Failure> {
    returned::of_order(own, connection, &evidence.platform_order_no).await?;
    returned::of_number(own, connection, &evidence.channel, &evidence.channel_order_no).await?;
    let order = Order::find(connection, &evidence.platform_order_no).await?;
    let exception = exception_of(connection, evidence).await?;
    if let Some(txn) = Txn::known(connection, &evidence.channel, &evidence.channel_order_no).await? {
        return Err(booked(&txn));
    }
    judge_state(connection, &order, evidence).await?;
    let payment = Payment {
        channel: evidence.channel.clone(),
        channel_order_no: evidence.channel_order_no.clone(),
        amount_fen: evidence.amount_fen,
        fee_fen: evidence.fee_fen,
        channel_discount_fen: evidence.channel_discount_fen,
        paid_time: evidence.paid_time.clone(),
        payer_acct: None,
        pay_bank_no: None,
        basis: Basis::TwoPeople,
    };
    let odd = if evidence.is_other_amount { broken(&order, &payment, now) } else { oddity(&order, &payment, now) };
    match odd {
        Some(oddity) => Err(does_not_fit(oddity)),
        None => Ok(Judged { order, payment, exception }),
    }
}

/// The exception that is confirmed. What the channel said that did not fit is confirmed as such, so that it is dealt with once.
async fn exception_of(connection: &mut SqliteConnection, evidence: &Evidence) -> Result<Option<Exception>, Failure> {
    let Some(id) = evidence.exception_id else {
        let open = Exception::open_of_number(connection, &evidence.channel, &evidence.channel_order_no).await?;
        let Some(open) = open else { return Ok(None) };
        let id = open.exception_id;
        return Err(refuse(
            "exception-open",
            console::text!("the exception {id} is of this number", "该渠道订单号有未处理的异常 {id}"),
            Text::fixed("name it as `exception_id`, or have it closed first", "请填写 `exception_id`，或先处理该异常"),
        ));
    };
    let exception = Exception::find(connection, id).await?;
    if exception.is_closed {
        return Err(exception::closed());
    }
    // A number that another payment has cannot be this one's, too; its own is in the channel's statement.
    let is_of_number =
        exception.channel_order_no == evidence.channel_order_no || exception.kind == Oddity::TransactionDiffers.code();
    if exception.has_money && exception.channel == evidence.channel && is_of_number {
        judge_said(&exception, evidence)?;
        return Ok(Some(exception));
    }
    Err(refuse(
        "exception-other",
        console::text!("the exception {id} is not of this payment", "异常 {id} 不是该笔款"),
        Text::fixed(
            "compare channel and number; leave it out if there is none",
            "请核对支付渠道和渠道订单号；无异常则不填",
        ),
    ))
}

/// What the channel said is confirmed with the amount that it said; where that is wrong, it is closed as nothing first.
fn judge_said(exception: &Exception, evidence: &Evidence) -> Result<(), Failure> {
    let document: serde_json::Value = serde_json::from_str(&exception.document).map_err(Failure::internal)?;
    if document["amount_fen"] == evidence.amount_fen {
        return Ok(());
    }
    let (said, paid) = (document["amount_fen"].as_i64().unwrap_or_default(), evidence.amount_fen);
    Err(refuse(
        "exception-amount",
        console::text!(
            "the channel says {said} fen, and the evidence is of {paid}",
            "渠道称 {said} 分，依据所载为 {paid} 分"
        ),
        Text::fixed(
            "compare the amount with the channel; if what it said was wrong, have the exception closed without a payment, and ask again",
            "请与渠道核对金额；如渠道所报有误，请先以无款可确认处理该异常，再重新提出",
        ),
    ))
}

/// An order that may be confirmed was being paid, or its channel spoke of money; and one payment is not confirmed twice.
async fn judge_state(connection: &mut SqliteConnection, order: &Order, evidence: &Evidence) -> Result<(), Failure> {
    let state = order.state()?;
    match (state.has_money(), evidence.is_second) {
        (true, true) => Ok(()),
        (true, false) => Err(settled_already(connection, order).await?),
        (false, true) => Err(refuse(
            "no-first-payment",
            Text::fixed("the order has no payment, so this is no second one", "该订单尚无到账，不是第二笔款"),
            Text::fixed("leave `is_second` out", "请勿填写 `is_second`"),
        )),
        (false, false) if state == OrderState::Pending && evidence.exception_id.is_none() => Err(state_refuses(state)),
        (false, false) => Ok(()),
    }
}

/// The order has money already, and the evidence may be of that.
async fn settled_already(connection: &mut SqliteConnection, order: &Order) -> Result<Failure, Failure> {
    let id = order.confirm_id.as_deref().unwrap_or_default();
    let Some(txn) = Txn::confirmed_by(connection, id).await? else { return Ok(state_refuses(order.state()?)) };
    let Txn { channel, channel_order_no, amount_fen, .. } = txn;
    Ok(refuse(
        "already-settled",
        console::text!(
            "{amount_fen} fen of the order came through {channel} as {channel_order_no} and are confirmed as {id}",
            "该订单已有 {channel} 渠道订单号 {channel_order_no} 到账 {amount_fen} 分，缴款确认 {id}"
        ),
        Text::fixed(
            "if the evidence is of that money, nothing is left to be done; if it is of another payment, say `is_second`",
            "如为同一笔款，无需处理；如为另一笔款，请填写 `is_second`",
        ),
    ))
}

/// A reviewer, who is not the one that asked, confirms a payment or turns it down.
///
/// # Errors
/// When the same person asks and decides, it was decided, or the order cannot be confirmed any more.
pub async fn decide(own: &Arc<PayNode>, caller: &Caller, asked: ConfirmDecided) -> Result<EvidenceShown, Failure> {
    let now = own.node.clock.now();
    let checker = caller.name();
    let what = if asked.is_allowed { "confirm-allow" } else { "confirm-turn-down" };
    let mut act = caller.act(now.time17(), what, format!("outer_evidence/{}", asked.evidence_id));
    own.write(move |own, connection| {
        Box::pin(async move {
            let mut evidence = find(connection, &asked.evidence_id).await?;
            judge_checker(&evidence, &checker)?;
            let state = if asked.is_allowed { ALLOWED } else { TURNED_DOWN };
            evidence.state = state;
            evidence.checker = Some(checker);
            evidence.check_time = Some(now.time17());
            update(connection, &evidence).await?;
            let settled = if asked.is_allowed { Some(allow(&own, connection, &evidence, now).await?) } else { None };
            act.was = Some(json!({ "state": ASKED, "maker": evidence.maker }).to_string());
            act.is_now = Some(json!({ "state": state, "settled": settled }).to_string());
            record::note(connection, &act).await?;
            Ok(EvidenceShown::of(evidence, settled))
        })
    })
    .await
}

fn judge_checker(evidence: &Evidence, checker: &str) -> Result<(), Failure> {
    if evidence.state != ASKED {
        return Err(refuse(
            "confirm-decided",
            Text::fixed("this was decided already", "该确认已处理"),
            Text::fixed("look at who decided it", "请查看处理人"),
        ));
    }
    if evidence.maker == checker {
        return Err(same_person());
    }
    Ok(())
}

async fn find(connection: &mut SqliteConnection, id: &str) -> Result<Evidence, Failure> {
    let found = Evidence::select(connection, "WHERE evidence_id = ?1", &[text(id)]).await?;
    found.into_iter().next().ok_or_else(|| Failure::missing("evidence", "确认支付依据", id))
}

async fn update(connection: &mut SqliteConnection, evidence: &Evidence) -> Result<(), Failure> {
    sqlx::query("UPDATE outer_evidence SET state = ?2, checker = ?3, check_time = ?4 WHERE evidence_id = ?1")
        .bind(evidence.evidence_id.clone())
        .bind(evidence.state)
        .bind(evidence.checker.clone())
        .bind(evidence.check_time.clone())
        .execute(connection)
        .await?;
    Ok(())
}

/// Confirms the payment, and closes the exception that it is: the channel spoke of it, and two people have dealt with that.
async fn allow(
    own: &PayNode,
    connection: &mut SqliteConnection,
    evidence: &Evidence,
    now: Moment,
) -> Result<Settled, Failure> {
    let Judged { order, payment, exception } = judge(own, connection, evidence, now).await?;
    let (channel, number) = (payment.channel.clone(), payment.channel_order_no.clone());
    let settled = settle(own, connection, order, payment).await?;
    let Some((exception, checker)) = exception.zip(evidence.checker.as_deref()) else { return Ok(settled) };
    if let Some(confirm_id) = &settled.confirm_id {
        attest(connection, &channel, &number, confirm_id, now).await?;
    }
    let exception = Exception {
        note: Some(evidence.reason.clone()),
        maker: Some(evidence.maker.clone()),
        make_time: Some(evidence.make_time.clone()),
        confirm_id: settled.confirm_id.clone(),
        ..exception
    };
    exception.close(connection, checker, now).await?;
    Ok(settled)
}

/// Lists evidence.
///
/// # Errors
/// When the database cannot be read.
pub async fn list(own: &PayNode, asked: EvidenceAsked) -> Result<EvidenceList, Failure> {
    let rest = "WHERE (?1 = 1 OR state = 0) AND (?2 IS NULL OR evidence_id < ?2) ORDER BY evidence_id DESC LIMIT ?3";
    let values = [int(i64::from(asked.all)), (&asked.before).into(), int(PAGE)];
    let found =
        own.read(move |connection| Box::pin(async move { Evidence::select(connection, rest, &values).await })).await?;
    Ok(EvidenceList { evidence: found.into_iter().map(|one| EvidenceShown::of(one, None)).collect() })
}
