//! Matching and booking (匹配入账): every confirmation that comes is booked once, answered, and told to the collecting agency.

use contract::rows::{ConfirmResult, OfflinePayment, PayConfirm, PayNotice};
use contract::rules::{Decision, Judgement, Known, MatchState, OfflineSource, Paid, judge};
use node::rounds::Round;
use node::rows::{find_by, insert, put};
use node::{Failure, Kind, Moment, Node, guid};
use sqlx::Executor as _;
use sqlx::sqlite::SqliteConnection;

use crate::push;

/// Confirmations matched in one transaction: a batch of the stream has a thousand rows with lines, and a long transaction keeps the
/// daemon waiting.
const MATCHED_AT_ONCE: i64 = 200;

/// Matches what has come, oldest first. One that cannot be booked is set aside with its reason, and the others go on.
///
/// # Errors
/// When the database cannot be used; then nothing of this round is booked.
pub async fn round(node: &Node) -> Result<Round, Failure> {
    let (for_job, now) = (node.clone(), node.clock.now());
    let count = node
        .database
        .write(move |connection| {
            Box::pin(async move {
                let waiting: Vec<String> = sqlx::query_scalar(
                    "SELECT confirm_id FROM inner_arrived WHERE problem IS NULL ORDER BY rowid LIMIT ?1",
                )
                .bind(MATCHED_AT_ONCE)
                .fetch_all(&mut *connection)
                .await?;
                let count = waiting.len();
                for confirm_id in waiting {
                    connection.execute("SAVEPOINT confirmation").await?;
                    match book(connection, &for_job, &confirm_id, now).await {
                        Ok(()) => {
                            connection.execute("RELEASE confirmation").await?;
                        }
                        Err(failure) => {
                            connection.execute("ROLLBACK TO confirmation; RELEASE confirmation").await?;
                            set_aside(connection, &confirm_id, failure).await?;
                        }
                    }
                }
                Ok(count)
            })
        })
        .await?;
    Ok(if count > 0 { Round::More } else { Round::Rest })
}

/// What is busy is tried again as a whole; everything else waits for people.
async fn set_aside(connection: &mut SqliteConnection, confirm_id: &str, failure: Failure) -> Result<(), Failure> {
    if failure.kind == Kind::Busy {
        return Err(failure);
    }
    tracing::error!(code = failure.code, "the confirmation {confirm_id} is not booked: {}", failure.message);
    sqlx::query("UPDATE inner_arrived SET problem = ?2 WHERE confirm_id = ?1")
        .bind(confirm_id.to_owned())
        .bind(failure.to_string())
        .execute(connection)
        .await?;
    Ok(())
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
    let answered: Option<ConfirmResult> = find_by(connection, confirm_id).await?;
    let paid = Paid {
        pay_code: confirm.pay_code.as_deref(),
        amount_fen: confirm.amount_fen,
        is_duplicate: confirm.is_duplicate,
    };
    let judged = judge(paid, known.borrow());
    if let Some(answered) = answered {
        return rebook(connection, &confirm, &answered).await;
    }
    let (book_no, book_time) = (guid(&*node.entropy, now)?, now.time17());
    let entry = Entry::of(&confirm, &book_no, &book_time);
    settle(connection, judged, &known, &book_time).await?;
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
    push::queue(connection, &book_no, &confirm.agency_id, now).await
}

/// A confirmation that was answered and is not in the books: the database was put back, and ferry returned the answer. What was
/// answered stands.
async fn rebook(
    connection: &mut SqliteConnection,
    confirm: &PayConfirm,
    answered: &ConfirmResult,
) -> Result<(), Failure> {
    let (state, decision) = (MatchState::of(answered.match_state), Decision::of(answered.decision));
    let Some((state, decision)) = state.zip(decision) else {
        return Err(Failure::internal(format!("{} was answered with numbers that mean nothing", confirm.confirm_id)));
    };
    let judged = Judgement { state, decision, other: answered.other_ref.as_deref(), diff_fen: answered.diff_fen };
    Entry::of(confirm, &answered.book_no, &answered.book_time).write(connection, judged).await
}

/// What follows from a judgement for rows of this zone: the notice is paid, or an offline payment is to go back.
async fn settle(
    connection: &mut SqliteConnection,
    judged: Judgement<'_>,
    known: &KnownRows,
    time: &str,
) -> Result<(), Failure> {
    if judged.decision == Decision::RefundOffline
        && let Some(offline) = &known.offline
    {
        sqlx::query("UPDATE inner_book SET counts = 0, decision = 3 WHERE payment_id = ?1")
            .bind(offline.payment_id.clone())
            .execute(&mut *connection)
            .await?;
        let offline = OfflinePayment { refund_state: 1, update_time: time.to_owned(), ..offline.clone() };
        put(connection, &offline).await?;
    }
    if let Some(notice) = known.notice.as_ref().filter(|notice| counts(judged) && notice.state == 0) {
        put(connection, &PayNotice { state: 1, update_time: time.to_owned(), ..notice.clone() }).await?;
    }
    Ok(())
}

/// Whether a payment is the one that counts for its notice.
fn counts(judged: Judgement<'_>) -> bool {
    judged.state == MatchState::Matched
        || (judged.state == MatchState::Duplicate && judged.decision == Decision::RefundOffline)
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
    let counting: Option<(String, String)> =
        sqlx::query_as("SELECT payment_id, source FROM inner_book WHERE pay_code = ?1 AND counts = 1")
            .bind(pay_code.clone())
            .fetch_optional(&mut *connection)
            .await?;
    let notice = find_by(connection, pay_code).await?;
    let (booked, offline) = match counting {
        Some((payment_id, source)) if source == ONLINE => (Some(payment_id), None),
        Some((payment_id, _)) => (None, find_by(connection, &payment_id).await?),
        None => (None, None),
    };
    Ok(KnownRows { notice, booked, offline })
}

/// The source of bookings that came through the gap.
const ONLINE: &str = "ONLINE";

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

impl<'r> Entry<'r> {
    fn of(confirm: &'r PayConfirm, book_no: &'r str, book_time: &'r str) -> Self {
        Self {
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

    /// Writes the line; an offline payment counts for its notice only where it is matched.
    pub(crate) async fn write(&self, connection: &mut SqliteConnection, judged: Judgement<'_>) -> Result<(), Failure> {
        sqlx::query(
            "INSERT INTO inner_book (book_no, source, payment_id, pay_code, agency_id, amount_fen, pay_date, match_state, decision, \
             other_ref, book_time, counts) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
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
        .bind(if self.source == ONLINE { counts(judged) } else { judged.state == MatchState::Matched })
        .execute(connection)
        .await?;
        Ok(())
    }
}
