//! What a backup that was put back does not know: ferry returns what this zone had written since, and the books follow it. What was
//! answered stands; nothing is judged anew that somebody was told of.

use contract::rows::{ConfirmResult, OfflinePayment, PayConfirm, PayNotice};
use contract::rules::{Decision, Judgement, MatchState, OfflineSource, judge_returned_offline};
use node::rows::{find_by, put};
use node::{Failure, Moment};
use sqlx::sqlite::SqliteConnection;

use crate::book::{self, Entry, ONLINE, counting, counts_online, pay_notice, source_name};
use crate::push::{Event, tell_booking};
use crate::waiting::Queue;
use crate::{matching, offline};

/// Payments in one transaction, as confirmations are.
const RETURNED_AT_ONCE: i64 = 200;

/// Offline payments that are not what the books say.
pub const QUEUE: Queue = Queue {
    of: "returned",
    table: "inner_returned",
    id: "payment_id",
    at_once: RETURNED_AT_ONCE,
    deal: |connection, _, payment_id, now| Box::pin(follow(connection, payment_id, now)),
};

/// What came back about a pay code goes first: an answer that others were told of is in the books before anything is judged anew.
pub(crate) async fn catch_up(connection: &mut SqliteConnection, pay_code: &str, now: Moment) -> Result<(), Failure> {
    catch_up_answers(connection, pay_code, now).await?;
    let waiting: Vec<String> = sqlx::query_scalar(
        "SELECT w.payment_id FROM offline_payment AS p JOIN inner_returned AS w ON w.payment_id = p.payment_id \
         WHERE p.pay_code = ?1 AND w.problem IS NULL ORDER BY w.rowid",
    )
    .bind(pay_code.to_owned())
    .fetch_all(&mut *connection)
    .await?;
    for payment_id in &waiting {
        let sql = "DELETE FROM inner_returned WHERE payment_id = ?1";
        sqlx::query(sql).bind(payment_id.clone()).execute(&mut *connection).await?;
        follow_payment(connection, payment_id, now).await?;
    }
    Ok(())
}

/// Confirmations of a pay code that were answered and wait.
async fn catch_up_answers(connection: &mut SqliteConnection, pay_code: &str, now: Moment) -> Result<(), Failure> {
    let waiting: Vec<String> = sqlx::query_scalar(
        "SELECT w.confirm_id FROM pay_confirm AS c JOIN inner_arrived AS w ON w.confirm_id = c.confirm_id \
         JOIN confirm_result AS r ON r.confirm_id = c.confirm_id WHERE c.pay_code = ?1 AND w.problem IS NULL ORDER BY w.rowid",
    )
    .bind(pay_code.to_owned())
    .fetch_all(&mut *connection)
    .await?;
    for confirm_id in &waiting {
        let (confirm, answered) = (find_by(connection, confirm_id).await?, find_by(connection, confirm_id).await?);
        let (Some(confirm), Some(answered)) = (confirm, answered) else { continue };
        let sql = "DELETE FROM inner_arrived WHERE confirm_id = ?1";
        sqlx::query(sql).bind(confirm_id.clone()).execute(&mut *connection).await?;
        follow_answer(connection, &confirm, &answered, now).await?;
    }
    Ok(())
}

/// The books follow an answer: the confirmation is booked, or decided, as the answer says.
pub(crate) async fn follow_answer(
    connection: &mut SqliteConnection,
    confirm: &PayConfirm,
    answered: &ConfirmResult,
    now: Moment,
) -> Result<(), Failure> {
    match book::decision(connection, &confirm.confirm_id).await? {
        None => rebook(connection, confirm, answered, now).await,
        Some(decision) if decision != answered.decision => decide_as_answered(connection, confirm, answered, now).await,
        // One that comes once more, by a load say, was booked.
        Some(_) => Ok(()),
    }
}

/// Books a confirmation that was answered and is not in the books. The agency may have been told, or not: it is told under the number
/// that it knows. Answers and notices cross in streams of their own, so what followed from the answer may not have come back.
async fn rebook(
    connection: &mut SqliteConnection,
    confirm: &PayConfirm,
    answered: &ConfirmResult,
    now: Moment,
) -> Result<(), Failure> {
    let judged = judgement(answered)?;
    let Judgement { state, decision, .. } = judged;
    let pay_code = confirm.pay_code.as_deref();
    // What begins at a unit's site has no pay code, and is reviewed only where it is not right in itself.
    let is_reviewed = matches!(state, MatchState::AmountDiff | MatchState::NoNotice)
        && decision != Decision::Review
        && (pay_code.is_some() || !matching::faults(connection, confirm).await?.is_empty());
    let is_to_count = counts_online(judged)
        || (is_reviewed && decision == Decision::Book && has_notice(connection, pay_code).await?);
    let counts_for = pay_code.filter(|_| is_to_count);
    let entry = matching::entry(confirm, &answered.book_no, &answered.book_time);
    if let Some(other) = make_room(connection, counts_for, now).await? {
        let judged = Judgement { decision: Decision::Review, other: Some(&other), ..judged };
        entry.write(connection, judged, false, now).await?;
        tell_booking(connection, Event::Booked, &answered.book_no, now).await?;
        return review_again(connection, answered, &other, now).await;
    }
    entry.write(connection, judged, counts_for.is_some(), now).await?;
    if let Some(other) = judged.other.filter(|_| decision == Decision::RefundOffline) {
        offline::give_way(connection, other, now).await?;
    }
    if let Some(pay_code) = counts_for {
        pay_notice(connection, pay_code, now).await?;
    }
    tell_booking(connection, Event::Booked, &answered.book_no, now).await?;
    if is_reviewed {
        tell_booking(connection, Event::Decided, &answered.book_no, now).await?;
    }
    Ok(())
}

fn judgement(answered: &ConfirmResult) -> Result<Judgement<'_>, Failure> {
    let (state, decision) = (MatchState::of(answered.match_state), Decision::of(answered.decision));
    let Some((state, decision)) = state.zip(decision) else {
        return Err(Failure::internal(format!("{} was answered with numbers that mean nothing", answered.confirm_id)));
    };
    Ok(Judgement { state, decision, other: answered.other_ref.as_deref(), diff_fen: answered.diff_fen })
}

/// Makes room for a confirmation that was answered as the payment that counts: an offline payment that counts gives way. Yields
/// another confirmation that counts, which cannot.
async fn make_room(
    connection: &mut SqliteConnection,
    pay_code: Option<&str>,
    now: Moment,
) -> Result<Option<String>, Failure> {
    let Some(pay_code) = pay_code else { return Ok(None) };
    match counting(connection, pay_code).await? {
        Some((confirm_id, source)) if source == ONLINE => Ok(Some(confirm_id)),
        Some((payment_id, _)) => offline::give_way(connection, &payment_id, now).await.map(|()| None),
        None => Ok(None),
    }
}

/// Two confirmations were answered as the one that counts: two people decide about the one whose answer came later.
async fn review_again(
    connection: &mut SqliteConnection,
    answered: &ConfirmResult,
    other: &str,
    now: Moment,
) -> Result<(), Failure> {
    tracing::warn!("{} was answered as what counts, and {other} counts: two people decide", answered.confirm_id);
    let review = ConfirmResult {
        decision: Decision::Review.number(),
        other_ref: Some(other.to_owned()),
        update_time: now.time17(),
        ..answered.clone()
    };
    put(connection, &review).await.map(|_| ())
}

async fn has_notice(connection: &mut SqliteConnection, pay_code: Option<&str>) -> Result<bool, Failure> {
    let Some(pay_code) = pay_code else { return Ok(false) };
    Ok(find_by::<PayNotice>(connection, pay_code).await?.is_some())
}

/// The books have a booking under review that was decided since.
async fn decide_as_answered(
    connection: &mut SqliteConnection,
    confirm: &PayConfirm,
    answered: &ConfirmResult,
    now: Moment,
) -> Result<(), Failure> {
    let decision = judgement(answered)?.decision;
    let counts_for = confirm.pay_code.as_deref().filter(|_| decision == Decision::Book);
    if has_notice(connection, counts_for).await?
        && let Some(other) = make_room(connection, counts_for, now).await?
    {
        return review_again(connection, answered, &other, now).await;
    }
    book::decide(connection, &answered.book_no, decision, now).await?;
    tell_booking(connection, Event::Decided, &answered.book_no, now).await
}

/// The books follow an offline payment, after the answers that may name it.
async fn follow(connection: &mut SqliteConnection, payment_id: &str, now: Moment) -> Result<(), Failure> {
    let payment: Option<OfflinePayment> = find_by(connection, payment_id).await?;
    let Some(payment) = payment else { return Ok(()) };
    catch_up_answers(connection, &payment.pay_code, now).await?;
    follow_payment(connection, payment_id, now).await
}

/// An offline payment is booked, or is to go back.
async fn follow_payment(connection: &mut SqliteConnection, payment_id: &str, now: Moment) -> Result<(), Failure> {
    let booked = book::decision(connection, payment_id).await?;
    if booked.is_none() && is_named(connection, payment_id).await? {
        offline::give_way(connection, payment_id, now).await?;
    }
    let payment: Option<OfflinePayment> = find_by(connection, payment_id).await?;
    let Some(payment) = payment else { return Ok(()) };
    match booked {
        None => rebook_offline(connection, &payment, now).await,
        Some(decision) if payment.refund_state > 0 && decision != Decision::RefundOffline.number() => {
            book::decide(connection, &payment.book_no, Decision::RefundOffline, now).await?;
            offline::tell_refund(connection, &payment, now).await
        }
        Some(_) => Ok(()),
    }
}

/// Whether a confirmation in the books counts in the place of an offline payment that is not there yet.
async fn is_named(connection: &mut SqliteConnection, payment_id: &str) -> Result<bool, Failure> {
    let sql = "SELECT EXISTS (SELECT 1 FROM inner_book AS b JOIN offline_payment AS p ON b.pay_code = p.pay_code \
               WHERE p.payment_id = ?1 AND b.other_ref = p.payment_id AND b.decision = 3)";
    Ok(sqlx::query_scalar(sql).bind(payment_id.to_owned()).fetch_one(connection).await?)
}

/// Books an offline payment that came back, under its own number.
async fn rebook_offline(
    connection: &mut SqliteConnection,
    payment: &OfflinePayment,
    now: Moment,
) -> Result<(), Failure> {
    let notice: Option<PayNotice> = find_by(connection, &payment.pay_code).await?;
    let notice = notice.ok_or_else(|| Failure::missing("notice", "缴款通知书", &payment.pay_code))?;
    let first = counting(connection, &payment.pay_code).await?.map(|(payment_id, _)| payment_id);
    let due = (notice.state, notice.total_fen);
    let judged = judge_returned_offline(due, first.as_deref(), payment.amount_fen, payment.refund_state);
    let is_matched = judged.state == MatchState::Matched;
    let source = OfflineSource::of(payment.source)
        .ok_or_else(|| Failure::internal(format!("{} has no known source", payment.payment_id)))?;
    let entry = Entry {
        book_no: &payment.book_no,
        source: source_name(source),
        payment_id: &payment.payment_id,
        pay_code: Some(&payment.pay_code),
        agency_id: &notice.agency_id,
        amount_fen: payment.amount_fen,
        pay_date: &payment.pay_date,
        book_time: &payment.create_time,
    };
    entry.write(connection, judged, is_matched, now).await?;
    if is_matched {
        pay_notice(connection, &payment.pay_code, now).await?;
    }
    tell_booking(connection, Event::Booked, &payment.book_no, now).await?;
    offline::tell_refund(connection, payment, now).await
}
