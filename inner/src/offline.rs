//! Payments that were made offline (线下缴款): at a bank's counter, or to the police, who report a batch.

use console::Text;
use contract::rows::{OfflinePayment, PayNotice};
use contract::rules::{Decision, Fault, MatchState, Rule, check_offline, judge_offline};
use node::rows::{find_by, insert, put};
use node::{Failure, Kind, Moment, Node, guid};
use sqlx::sqlite::SqliteConnection;

use crate::book::{Entry, counting, first_change, pay_notice, source_name};
use crate::push::{Event, tell_booking};
use crate::report::{Report, Reporter};
use crate::returned;

/// How far ahead of this machine's clock a payment's time may be, in milliseconds: clocks of two systems differ as much as those of
/// signed messages may.
const AHEAD_MS: i64 = node::message::SKEW_MS;

/// A payment that is booked.
pub(crate) struct Booked {
    pub payment: OfflinePayment,
    pub match_state: Option<i64>,
}

/// Looks at what a report says by itself.
///
/// # Errors
/// Every rule that it breaks.
pub(crate) fn judge(reporter: &Reporter, report: &Report, now: Moment) -> Result<(), Failure> {
    let payment = payment(reporter, report, String::new(), now);
    // The pay code may be anything: whose money it is is found out later.
    let pattern = contract::rules::Policy::default();
    let is_of_code = |fault: &Fault| matches!(fault.rule, Rule::PayCodeForm { .. } | Rule::PayCodeCheck);
    let faults: Vec<Fault> = check_offline(&payment, &pattern).into_iter().filter(|fault| !is_of_code(fault)).collect();
    if !faults.is_empty() {
        return Err(Failure::of_faults(faults));
    }
    if report.source != reporter.source.number() {
        let (id, source) = (&reporter.id, reporter.source.number());
        return Err(Failure::new(
            Kind::Forbidden,
            "source-not-bound",
            console::text!("{id} reports payments of the source {source} alone", "{id} 仅可报送来源 {source} 的缴款"),
            Text::fixed("report it as whoever took the money", "请由实际收款方报送"),
        ));
    }
    judge_time(&report.pay_time, now)
}

/// A payment is made before it is reported, and no earlier than in the year before: the books of years before that are closed (决算).
fn judge_time(pay_time: &str, now: Moment) -> Result<(), Failure> {
    let today = now.date8();
    let year = today[..4].parse::<u32>().map_err(Failure::internal)?;
    let first = format!("{:04}0101000000", year.saturating_sub(1));
    let last = now.plus_ms(AHEAD_MS).time14();
    if (first.as_str()..=last.as_str()).contains(&pay_time) {
        return Ok(());
    }
    Err(Failure::new(
        Kind::Bad,
        "pay-time",
        console::text!(
            "the payment's time is {pay_time}, and must lie between {first} and {last}",
            "缴款时间为 {pay_time}，应在 {first} 与 {last} 之间"
        ),
        Text::fixed("look the time up, and set the clock", "请核对缴款时间并校准时钟"),
    ))
}

fn payment(reporter: &Reporter, report: &Report, payment_id: String, now: Moment) -> OfflinePayment {
    OfflinePayment {
        // Before a payment has numbers, faults name it by its source's.
        payment_id: if payment_id.is_empty() { "-".to_owned() } else { payment_id },
        pay_code: report.pay_code.clone(),
        source: report.source,
        source_ref: reporter.report_id(&report.source_ref),
        amount_fen: report.amount_fen,
        pay_date: report.pay_time.get(..8).unwrap_or_default().to_owned(),
        pay_time: report.pay_time.clone(),
        book_no: "-".to_owned(),
        refund_state: 0,
        create_time: now.time17(),
        update_time: now.time17(),
    }
}

/// Books a report for the notice of its pay code, in the caller's transaction.
///
/// # Errors
/// When there is no such notice, or it is of an agency that the counter does not report for.
pub(crate) async fn book(
    connection: &mut SqliteConnection,
    node: &Node,
    reporter: &Reporter,
    report: &Report,
    now: Moment,
) -> Result<Booked, Failure> {
    returned::catch_up(connection, &report.pay_code, now).await?;
    let notice: Option<PayNotice> = find_by(connection, &report.pay_code).await?;
    let notice = notice.ok_or_else(|| Failure::missing("notice", "缴款通知书", &report.pay_code))?;
    if reporter.agency_id.as_ref().is_some_and(|agency_id| *agency_id != notice.agency_id) {
        let id = &reporter.id;
        return Err(Failure::new(
            Kind::Forbidden,
            "agency-not-bound",
            console::text!(
                "the notice is of an agency that {id} does not report for",
                "该通知书不属于 {id} 可报送的执收单位"
            ),
            Text::fixed("two people decide about it", "由双人处理"),
        ));
    }
    let first = counting(connection, &notice.pay_code).await?.map(|(payment_id, _)| payment_id);
    let judged = judge_offline((notice.state, notice.total_fen), first.as_deref(), report.amount_fen);
    let payment = OfflinePayment {
        book_no: guid(&*node.entropy, now)?,
        refund_state: i64::from(judged.decision == Decision::RefundOffline),
        ..payment(reporter, report, guid(&*node.entropy, now)?, now)
    };
    let entry = Entry {
        book_no: &payment.book_no,
        source: source_name(reporter.source),
        payment_id: &payment.payment_id,
        pay_code: Some(&payment.pay_code),
        agency_id: &notice.agency_id,
        amount_fen: payment.amount_fen,
        pay_date: &payment.pay_date,
        book_time: &payment.create_time,
    };
    let is_matched = judged.state == MatchState::Matched;
    // The line comes first: a payment without one is taken for one that ferry returned.
    entry.write(connection, judged, is_matched, now).await?;
    insert(connection, &payment).await?;
    if is_matched {
        pay_notice(connection, &notice.pay_code, now).await?;
    }
    sqlx::query("UPDATE inner_report SET payment_id = ?2 WHERE report_id = ?1")
        .bind(payment.source_ref.clone())
        .bind(payment.payment_id.clone())
        .execute(&mut *connection)
        .await?;
    tell_booking(connection, Event::Booked, &payment.book_no, now).await?;
    Ok(Booked { payment, match_state: Some(judged.state.number()) })
}

/// An online payment counts in the place of an offline one (线下退付), which is to go back. One that has gone back already stays so.
pub(crate) async fn give_way(connection: &mut SqliteConnection, payment_id: &str, now: Moment) -> Result<(), Failure> {
    // The line comes first: a payment that is not as its line says is taken for one that ferry returned.
    let line: Option<String> = sqlx::query_scalar(
        "UPDATE inner_book SET counts = 0, decision = 3, seq = max(?2, (SELECT max(seq) + 1 FROM inner_book)) \
         WHERE payment_id = ?1 RETURNING book_no",
    )
    .bind(payment_id.to_owned())
    .bind(first_change(now))
    .fetch_optional(&mut *connection)
    .await?;
    let found: Option<OfflinePayment> = find_by(connection, payment_id).await?;
    let Some(mut payment) = found else { return Ok(()) };
    if payment.refund_state == 0 {
        payment = OfflinePayment { refund_state: 1, update_time: now.time17(), ..payment };
        put(connection, &payment).await?;
    }
    match line {
        Some(_) => tell_refund(connection, &payment, now).await,
        // It is told of when it is booked.
        None => Ok(()),
    }
}

/// Tells that a booked offline payment is to go back and has gone back, as far as that is so.
pub(crate) async fn tell_refund(
    connection: &mut SqliteConnection,
    payment: &OfflinePayment,
    now: Moment,
) -> Result<(), Failure> {
    if payment.refund_state > 0 {
        tell_booking(connection, Event::RefundDue, &payment.book_no, now).await?;
    }
    if payment.refund_state > 1 {
        tell_booking(connection, Event::Refunded, &payment.book_no, now).await?;
    }
    Ok(())
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
            Text::fixed("the payment is not waiting for a refund", "该笔缴款不在待退状态"),
            Text::fixed("look at its state first", "请先查看其状态"),
        ));
    }
    let book_no = payment.book_no.clone();
    put(connection, &OfflinePayment { refund_state: 2, update_time: now.time17(), ..payment }).await?;
    tell_booking(connection, Event::Refunded, &book_no, now).await
}
