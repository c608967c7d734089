//! Matching and booking (匹配入账): every confirmation that comes is booked once, answered, and told to the collecting agency.

use contract::rows::{ConfirmResult, OfflinePayment, PayConfirm, PayNotice};
use contract::rules::{Decision, Judgement, Known, MatchState, OfflineSource, Paid, judge};
use node::rounds::Round;
use node::rows::{find_by, insert, put, select, text};
use node::{Failure, Moment, Node, guid};
use sqlx::sqlite::SqliteConnection;

use crate::push;

/// Confirmations matched in one transaction: a batch of the stream has a thousand rows with lines, and a long transaction keeps the
/// daemon waiting.
const MATCHED_AT_ONCE: i64 = 200;

/// Matches what has come, oldest first.
///
/// # Errors
/// When the database cannot be used; then nothing of this round is booked.
pub async fn round(node: &Node) -> Result<Round, Failure> {
    let (for_job, now) = (node.clone(), node.clock.now());
    let count = node
        .database
        .write(move |connection| {
            Box::pin(async move {
                let waiting: Vec<String> =
                    sqlx::query_scalar("SELECT confirm_id FROM inner_arrived ORDER BY rowid LIMIT ?1")
                        .bind(MATCHED_AT_ONCE)
                        .fetch_all(&mut *connection)
                        .await?;
                let count = waiting.len();
                for confirm_id in waiting {
                    book(connection, &for_job, &confirm_id, now).await?;
                }
                Ok(count)
            })
        })
        .await?;
    Ok(if count > 0 { Round::More } else { Round::Rest })
}

async fn book(connection: &mut SqliteConnection, node: &Node, confirm_id: &str, now: Moment) -> Result<(), Failure> {
    sqlx::query("DELETE FROM inner_arrived WHERE confirm_id = ?1")
        .bind(confirm_id.to_owned())
        .execute(&mut *connection)
        .await?;
    let is_booked: Option<i64> = sqlx::query_scalar("SELECT 1 FROM inner_book WHERE payment_id = ?1")
        .bind(confirm_id.to_owned())
        .fetch_optional(&mut *connection)
        .await?;
    // A confirmation that comes once more, by a load say, was booked; one that its owner took back again is none.
    let confirm: Option<PayConfirm> = find_by(connection, confirm_id).await?;
    let Some(confirm) = confirm.filter(|_| is_booked.is_none()) else { return Ok(()) };
    let known = known(connection, &confirm).await?;
    let paid = Paid {
        pay_code: confirm.pay_code.as_deref(),
        amount_fen: confirm.amount_fen,
        is_duplicate: confirm.is_duplicate,
    };
    let judged = judge(paid, known.borrow());
    let (book_no, book_time) = (guid(&*node.entropy, now)?, now.time17());
    let entry = Entry {
        book_no: &book_no,
        source: "ONLINE",
        payment_id: confirm_id,
        pay_code: confirm.pay_code.as_deref(),
        agency_id: &confirm.agency_id,
        amount_fen: confirm.amount_fen,
        pay_date: &confirm.pay_date,
        book_time: &book_time,
    };
    entry.write(connection, judged).await?;
    insert(
        connection,
        &ConfirmResult {
            confirm_id: confirm_id.to_owned(),
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
    settle(connection, judged, &confirm, &known, &book_time).await?;
    push::queue(connection, &book_no, &confirm.agency_id, now).await
}

/// What follows from a judgement for rows of this zone: the notice is paid, or an offline payment is to go back.
async fn settle(
    connection: &mut SqliteConnection,
    judged: Judgement<'_>,
    confirm: &PayConfirm,
    known: &KnownRows,
    time: &str,
) -> Result<(), Failure> {
    if judged.decision == Decision::RefundOffline
        && let Some(offline) = &known.offline
    {
        let offline = OfflinePayment { refund_state: 1, update_time: time.to_owned(), ..offline.clone() };
        put(connection, &offline).await?;
    }
    let counts = judged.state == MatchState::Matched || judged.decision == Decision::RefundOffline;
    if let Some(notice) = known.notice.as_ref().filter(|notice| counts && notice.state == 0) {
        let paid = PayNotice { state: 1, update_time: time.to_owned(), ..notice.clone() };
        debug_assert_eq!(confirm.pay_code.as_ref(), Some(&paid.pay_code));
        put(connection, &paid).await?;
    }
    Ok(())
}

/// What the ledger knows about a pay code.
pub(crate) struct KnownRows {
    pub notice: Option<PayNotice>,
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
    let booked: Option<String> = sqlx::query_scalar(
        "SELECT payment_id FROM inner_book WHERE pay_code = ?1 AND source = 'ONLINE' AND (match_state = 1 OR decision = 3) LIMIT 1",
    )
    .bind(pay_code.clone())
    .fetch_optional(&mut *connection)
    .await?;
    let offline: Vec<OfflinePayment> = select(
        connection,
        "WHERE pay_code = ?1 AND refund_state <> 2 ORDER BY create_time, payment_id LIMIT 1",
        &[text(pay_code)],
    )
    .await?;
    Ok(KnownRows { notice: find_by(connection, pay_code).await?, booked, offline: offline.into_iter().next() })
}

/// A line of the ledger.
pub(crate) struct Entry<'r> {
    pub book_no: &'r str,
    pub source: &'static str,
    pub payment_id: &'r str,
    pub pay_code: Option<&'r str>,
    pub agency_id: &'r str,
    pub amount_fen: i64,
    pub pay_date: &'r str,
    pub book_time: &'r str,
}

impl Entry<'_> {
    pub(crate) async fn write(&self, connection: &mut SqliteConnection, judged: Judgement<'_>) -> Result<(), Failure> {
        sqlx::query(
            "INSERT INTO inner_book (book_no, source, payment_id, pay_code, agency_id, amount_fen, pay_date, match_state, decision, \
             other_ref, book_time) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        )
        .bind(self.book_no.to_owned())
        .bind(self.source)
        .bind(self.payment_id.to_owned())
        .bind(self.pay_code.map(str::to_owned))
        .bind(self.agency_id.to_owned())
        .bind(self.amount_fen)
        .bind(self.pay_date.to_owned())
        .bind(judged.state.number())
        .bind(judged.decision.number())
        .bind(judged.other.map(str::to_owned))
        .bind(self.book_time.to_owned())
        .execute(connection)
        .await?;
        Ok(())
    }
}
