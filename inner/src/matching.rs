//! Matching and booking (匹配入账): every confirmation that comes is booked once, answered, and told to the collecting agency.

use contract::rows::{ConfirmResult, OfflinePayment, PayConfirm, PayConfirmItem, PayNotice};
use contract::rules::{
    Decision, Fault, Judgement, Known, MatchState, OfflineSource, Paid, Policy, Rule, Severity, check_confirm, judge,
};
use node::rows::{find_by, insert, select, text};
use node::{Failure, Moment, Node, guid};
use sqlx::sqlite::SqliteConnection;

use crate::book::{self, Entry, ONLINE, counting, counts_online, pay_notice};
use crate::push::{Event, tell_booking};
use crate::waiting::Queue;
use crate::{offline, returned};

/// Confirmations matched in one transaction: a batch of the stream has a thousand rows with lines, and a long transaction keeps the
/// daemon waiting.
const MATCHED_AT_ONCE: i64 = 200;

/// What was confirmed and is not booked yet.
pub const QUEUE: Queue = Queue {
    of: "confirmation",
    table: "inner_arrived",
    id: "confirm_id",
    at_once: MATCHED_AT_ONCE,
    deal: |connection, node, confirm_id, now| Box::pin(deal(connection, node, confirm_id, now)),
};

async fn deal(connection: &mut SqliteConnection, node: &Node, confirm_id: &str, now: Moment) -> Result<(), Failure> {
    // A confirmation that its owner took back again is none.
    let confirm: Option<PayConfirm> = find_by(connection, confirm_id).await?;
    let Some(confirm) = confirm else { return Ok(()) };
    let answered: Option<ConfirmResult> = find_by(connection, confirm_id).await?;
    match answered {
        Some(answered) => returned::follow_answer(connection, &confirm, &answered, now).await,
        None if book::decision(connection, confirm_id).await?.is_some() => Ok(()),
        None => book_first(connection, node, &confirm, now).await,
    }
}

async fn book_first(
    connection: &mut SqliteConnection,
    node: &Node,
    confirm: &PayConfirm,
    now: Moment,
) -> Result<(), Failure> {
    if let Some(pay_code) = &confirm.pay_code {
        returned::catch_up(connection, pay_code, now).await?;
    }
    let known = known(connection, confirm).await?;
    let paid = Paid {
        pay_code: confirm.pay_code.as_deref(),
        amount_fen: confirm.amount_fen,
        is_duplicate: confirm.is_duplicate,
    };
    let faults = faults(connection, confirm).await?;
    for fault in &faults {
        tracing::warn!("the confirmation {} is not right: {fault}", confirm.confirm_id);
    }
    let judged = reviewed_if(!faults.is_empty(), judge(paid, known.borrow()));
    let (book_no, book_time) = (guid(&*node.entropy, now)?, now.time17());
    settle(connection, judged, &known, now).await?;
    entry(confirm, &book_no, &book_time).write(connection, judged, counts_online(judged), now).await?;
    insert(
        connection,
        &ConfirmResult {
            confirm_id: confirm.confirm_id.clone(),
            match_state: judged.state.number(),
            decision: judged.decision.number(),
            book_no: book_no.clone(),
            book_time: book_time.clone(),
            other_ref: judged.other.map(str::to_owned),
            diff_fen: judged.diff_fen,
            update_time: book_time.clone(),
        },
    )
    .await?;
    tell_booking(connection, Event::Booked, &book_no, now).await
}

/// What a confirmation breaks by itself: lines that do not add up say. Whose it is is judged by its notice, so its pay code may be of
/// any form.
pub(crate) async fn faults(connection: &mut SqliteConnection, confirm: &PayConfirm) -> Result<Vec<Fault>, Failure> {
    let items: Vec<PayConfirmItem> =
        select(connection, "WHERE confirm_id = ?1 ORDER BY line_no", &[text(&confirm.confirm_id)]).await?;
    let is_broken = |fault: &Fault| {
        fault.severity == Severity::Refusal && !matches!(fault.rule, Rule::PayCodeForm { .. } | Rule::PayCodeCheck)
    };
    Ok(check_confirm(confirm, &items, &Policy::default()).into_iter().filter(is_broken).collect())
}

/// Money whose confirmation is not right in itself is real: it is booked for two people to decide about, and counts for nothing until
/// then. One that goes back anyway goes back.
fn reviewed_if(is_at_fault: bool, judged: Judgement<'_>) -> Judgement<'_> {
    if !is_at_fault || judged.decision != Decision::Book {
        return judged;
    }
    let state = if judged.state == MatchState::Matched { MatchState::AmountDiff } else { judged.state };
    Judgement { state, decision: Decision::Review, ..judged }
}

/// The line of a confirmation.
pub(crate) fn entry<'r>(confirm: &'r PayConfirm, book_no: &'r str, book_time: &'r str) -> Entry<'r> {
    Entry {
        book_no,
        source: ONLINE,
        payment_id: &confirm.confirm_id,
        pay_code: confirm.pay_code.as_deref(),
        agency_id: &confirm.agency_id,
        amount_fen: confirm.amount_fen,
        pay_date: &confirm.pay_date,
        book_time,
    }
}

/// What follows from a judgement for rows of this zone: the notice is paid, or an offline payment is to go back.
async fn settle(
    connection: &mut SqliteConnection,
    judged: Judgement<'_>,
    known: &KnownRows,
    now: Moment,
) -> Result<(), Failure> {
    if judged.decision == Decision::RefundOffline
        && let Some(payment) = &known.offline
    {
        offline::give_way(connection, &payment.payment_id, now).await?;
    }
    match known.notice.as_ref().filter(|_| counts_online(judged)) {
        Some(notice) => pay_notice(connection, &notice.pay_code, now).await,
        None => Ok(()),
    }
}

/// What the ledger knows about a pay code.
struct KnownRows {
    notice: Option<PayNotice>,
    booked: Option<String>,
    offline: Option<OfflinePayment>,
}

impl KnownRows {
    fn borrow(&self) -> Known<'_> {
        let source = |payment: &OfflinePayment| OfflineSource::of(payment.source).unwrap_or(OfflineSource::Bank);
        Known {
            notice: self.notice.as_ref().map(|notice| (notice.state, notice.total_fen)),
            booked: self.booked.as_deref(),
            offline: self.offline.as_ref().map(|payment| (payment.payment_id.as_str(), source(payment))),
        }
    }
}

async fn known(connection: &mut SqliteConnection, confirm: &PayConfirm) -> Result<KnownRows, Failure> {
    let Some(pay_code) = &confirm.pay_code else {
        return Ok(KnownRows { notice: None, booked: None, offline: None });
    };
    let counting = counting(connection, pay_code).await?;
    let notice = find_by(connection, pay_code).await?;
    let (booked, offline) = match counting {
        Some((payment_id, source)) if source == ONLINE => (Some(payment_id), None),
        Some((payment_id, _)) => (None, find_by(connection, &payment_id).await?),
        None => (None, None),
    };
    Ok(KnownRows { notice, booked, offline })
}
