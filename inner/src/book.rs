//! The books (收入账): one line for every payment, online and offline, and which of them counts for its notice.

use contract::rows::PayNotice;
use contract::rules::{Decision, Judgement, MatchState, OfflineSource};
use node::rows::{find_by, put};
use node::{Failure, Moment};
use sqlx::sqlite::SqliteConnection;

/// Numbers of changes that begin with one millisecond: more than are written in it, and small enough for the numbers to stay whole in
/// JSON, below 2^53, for the next two centuries.
const CHANGES_OF_A_MS: i64 = 1_000;

/// The least number of a change at a time.
pub(crate) const fn first_change(now: Moment) -> i64 {
    now.ms() * CHANGES_OF_A_MS
}

/// The source of bookings that came through the gap.
pub(crate) const ONLINE: &str = "ONLINE";

/// The source of bookings of offline payments.
pub(crate) const fn source_name(source: OfflineSource) -> &'static str {
    match source {
        OfflineSource::Bank => "BANK",
        OfflineSource::PoliceBatch => "POLICE_BATCH",
    }
}

/// A line of the books.
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
    /// Writes the line; `counts` says whether it is the payment that counts for its notice.
    pub(crate) async fn write(
        &self,
        connection: &mut SqliteConnection,
        judged: Judgement<'_>,
        counts: bool,
        now: Moment,
    ) -> Result<(), Failure> {
        sqlx::query(
            "INSERT INTO inner_book (seq, book_no, source, payment_id, pay_code, agency_id, amount_fen, pay_date, match_state, decision, \
             other_ref, book_time, counts) VALUES (max(?13, (SELECT ifnull(max(seq), 0) + 1 FROM inner_book)), ?1, ?2, ?3, ?4, ?5, ?6, ?7, \
             ?8, ?9, ?10, ?11, ?12)",
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
        .bind(counts)
        .bind(first_change(now))
        .execute(connection)
        .await?;
        Ok(())
    }
}

/// The payment that counts for a notice, with its source.
pub(crate) async fn counting(
    connection: &mut SqliteConnection,
    pay_code: &str,
) -> Result<Option<(String, String)>, Failure> {
    let sql = "SELECT payment_id, source FROM inner_book WHERE pay_code = ?1 AND counts = 1";
    Ok(sqlx::query_as(sql).bind(pay_code.to_owned()).fetch_optional(connection).await?)
}

/// The decision about a payment that is in the books.
pub(crate) async fn decision(connection: &mut SqliteConnection, payment_id: &str) -> Result<Option<i64>, Failure> {
    let sql = "SELECT decision FROM inner_book WHERE payment_id = ?1";
    Ok(sqlx::query_scalar(sql).bind(payment_id.to_owned()).fetch_optional(connection).await?)
}

/// Whether an online payment counts for its notice as it was judged when it came.
pub(crate) fn counts_online(judged: Judgement<'_>) -> bool {
    judged.state == MatchState::Matched
        || (judged.state == MatchState::Duplicate && judged.decision == Decision::RefundOffline)
}

/// A booking under review is decided; where it is booked it counts for its notice, which is paid thereby.
pub(crate) async fn decide(
    connection: &mut SqliteConnection,
    book_no: &str,
    decision: Decision,
    now: Moment,
) -> Result<(), Failure> {
    let counts = decision == Decision::Book;
    let pay_code: Option<String> = sqlx::query_scalar(
        "UPDATE inner_book SET decision = ?2, counts = ?3 AND ifnull(pay_code IN (SELECT pay_code FROM pay_notice), 0), \
         seq = max(?4, (SELECT max(seq) + 1 FROM inner_book)) WHERE book_no = ?1 RETURNING pay_code",
    )
    .bind(book_no.to_owned())
    .bind(decision.number())
    .bind(counts)
    .bind(first_change(now))
    .fetch_one(&mut *connection)
    .await?;
    match pay_code.filter(|_| counts) {
        Some(pay_code) => pay_notice(connection, &pay_code, now).await,
        None => Ok(()),
    }
}

/// A notice that is not paid is paid.
pub(crate) async fn pay_notice(connection: &mut SqliteConnection, pay_code: &str, now: Moment) -> Result<(), Failure> {
    let notice: Option<PayNotice> = find_by(connection, pay_code).await?;
    if let Some(notice) = notice.filter(|notice| notice.state == 0) {
        put(connection, &PayNotice { state: 1, update_time: now.time17(), ..notice }).await?;
    }
    Ok(())
}
