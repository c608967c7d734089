//! What a backup that was put back does not know: ferry returns what this zone had written since, and the books follow it. What was
//! answered stands; nothing is judged anew that somebody was told of.

use contract::rows::{ConfirmResult, OfflinePayment, PayConfirm, PayNotice};
use contract::rules::{Decision, Judgement, MatchState, OfflineSource};
use node::rows::find_by;
use node::{Failure, Moment, Node};
use sqlx::sqlite::SqliteConnection;

use crate::book::{self, Entry, counting, counts_online, source_name};
use crate::matching;
use crate::push::{Event, tell_booking};
use crate::waiting::Queue;

/// Payments in one transaction, as confirmations are.
const RETURNED_AT_ONCE: i64 = 200;

/// Offline payments that are not what the books say.
pub const QUEUE: Queue = Queue {
    of: "returned",
    table: "inner_returned",
    id: "payment_id",
    at_once: RETURNED_AT_ONCE,
    deal: |connection, node, payment_id, now| Box::pin(follow(connection, node, payment_id, now)),
};

/// Books a confirmation that was answered and is not in the books. The agency may have been told, or not: it is told under the number
/// that it knows.
pub(crate) async fn rebook(
    connection: &mut SqliteConnection,
    confirm: &PayConfirm,
    answered: &ConfirmResult,
    now: Moment,
) -> Result<(), Failure> {
    let (state, decision) = (MatchState::of(answered.match_state), Decision::of(answered.decision));
    let Some((state, decision)) = state.zip(decision) else {
        return Err(Failure::internal(format!("{} was answered with numbers that mean nothing", confirm.confirm_id)));
    };
    let judged = Judgement { state, decision, other: answered.other_ref.as_deref(), diff_fen: answered.diff_fen };
    // What begins at a unit's site has no pay code and is never reviewed.
    let is_reviewed = confirm.pay_code.is_some()
        && matches!(state, MatchState::AmountDiff | MatchState::NoNotice)
        && decision != Decision::Review;
    let counts = counts_online(judged)
        || (is_reviewed && decision == Decision::Book && has_notice(connection, confirm.pay_code.as_deref()).await?);
    let entry = matching::entry(confirm, &answered.book_no, &answered.book_time);
    entry.write(connection, judged, counts).await?;
    tell_booking(connection, Event::Booked, &answered.book_no, now).await?;
    if is_reviewed {
        tell_booking(connection, Event::Decided, &answered.book_no, now).await?;
    }
    Ok(())
}

async fn has_notice(connection: &mut SqliteConnection, pay_code: Option<&str>) -> Result<bool, Failure> {
    let Some(pay_code) = pay_code else { return Ok(false) };
    Ok(find_by::<PayNotice>(connection, pay_code).await?.is_some())
}

/// The books have a booking under review that was decided since.
pub(crate) async fn decide_as_answered(
    connection: &mut SqliteConnection,
    answered: &ConfirmResult,
    now: Moment,
) -> Result<(), Failure> {
    let decision = Decision::of(answered.decision)
        .ok_or_else(|| Failure::internal(format!("{} was decided as nothing that is known", answered.confirm_id)))?;
    book::decide(connection, &answered.book_no, decision, now).await?;
    tell_booking(connection, Event::Decided, &answered.book_no, now).await
}

/// The books follow an offline payment: it is booked, or is to go back.
async fn follow(connection: &mut SqliteConnection, _: &Node, payment_id: &str, now: Moment) -> Result<(), Failure> {
    let payment: Option<OfflinePayment> = find_by(connection, payment_id).await?;
    let Some(payment) = payment else { return Ok(()) };
    let booked: Option<i64> = sqlx::query_scalar("SELECT decision FROM inner_book WHERE payment_id = ?1")
        .bind(payment_id.to_owned())
        .fetch_optional(&mut *connection)
        .await?;
    match booked {
        None => rebook_offline(connection, &payment, now).await,
        Some(decision) if payment.refund_state > 0 && decision != Decision::RefundOffline.number() => {
            book::decide(connection, &payment.book_no, Decision::RefundOffline, now).await?;
            tell_booking(connection, Event::RefundDue, &payment.book_no, now).await
        }
        Some(_) => Ok(()),
    }
}

/// Books an offline payment under its own number. Its row says whether it is to go back; whether another amount was reviewed it does
/// not say, so two people look again.
async fn rebook_offline(
    connection: &mut SqliteConnection,
    payment: &OfflinePayment,
    now: Moment,
) -> Result<(), Failure> {
    let notice: Option<PayNotice> = find_by(connection, &payment.pay_code).await?;
    let notice = notice.ok_or_else(|| Failure::missing("notice", "缴款通知书", &payment.pay_code))?;
    let first = counting(connection, &payment.pay_code).await?.map(|(payment_id, _)| payment_id);
    let diff_fen = payment.amount_fen.saturating_sub(notice.total_fen);
    let (state, decision) = if payment.refund_state > 0 {
        (MatchState::Duplicate, Decision::RefundOffline)
    } else if diff_fen != 0 {
        (MatchState::AmountDiff, Decision::Review)
    } else if first.is_some() || notice.state == 2 {
        (MatchState::NoNotice, Decision::Review)
    } else {
        (MatchState::Matched, Decision::Book)
    };
    let source = OfflineSource::of(payment.source)
        .ok_or_else(|| Failure::internal(format!("{} has no known source", payment.payment_id)))?;
    let judged = Judgement { state, decision, other: first.as_deref(), diff_fen };
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
    entry.write(connection, judged, state == MatchState::Matched).await?;
    tell_booking(connection, Event::Booked, &payment.book_no, now).await
}
