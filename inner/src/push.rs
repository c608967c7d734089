//! What the collecting agency's system is told (入账通知): of a booking, and of everything that is decided about it or its notice
//! later. Each message has a number that is made of what happened, so that it is the same whenever it is told.

use contract::rows::PayNotice;
use node::client;
use node::{Failure, Moment};
use serde_json::{Value, json};
use sqlx::sqlite::SqliteConnection;

/// The permission of agencies' systems.
pub const AGENCY: &str = "agency";

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// 入账: a payment is in the books.
    Booked,
    /// 核查结论: two people decided about a payment under review.
    Decided,
    /// 应退付: an offline payment that was booked is to go back after all.
    RefundDue,
    /// 已退付: an offline payment has gone back.
    Refunded,
    /// 作废: a notice counts no more.
    Voided,
}

impl Event {
    /// The kind, as messages carry it.
    #[must_use]
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Booked => "booked",
            Self::Decided => "decided",
            Self::RefundDue => "refund-due",
            Self::Refunded => "refunded",
            Self::Voided => "voided",
        }
    }
}

type Line = (String, Option<String>, String, String, i64, String, i64, i64, Option<String>);

/// Queues what happened to a booking, in the caller's transaction.
///
/// # Errors
/// When there is no such booking or the database cannot be written.
pub async fn tell_booking(
    connection: &mut SqliteConnection,
    event: Event,
    book_no: &str,
    now: Moment,
) -> Result<(), Failure> {
    let line: Option<Line> = sqlx::query_as(
        "SELECT b.source, b.pay_code, b.payment_id, b.agency_id, b.amount_fen, b.pay_date, b.match_state, b.decision, \
         coalesce(o.biz_ref, n.biz_ref) FROM inner_book AS b LEFT JOIN pay_confirm AS o ON o.confirm_id = b.payment_id \
         LEFT JOIN pay_notice AS n ON n.pay_code = b.pay_code WHERE b.book_no = ?1",
    )
    .bind(book_no.to_owned())
    .fetch_optional(&mut *connection)
    .await?;
    let Some((source, pay_code, payment_id, agency_id, amount_fen, pay_date, match_state, decision, biz_ref)) = line
    else {
        return Err(Failure::internal(format!("{book_no} is to be told of and is not in the books")));
    };
    let document = json!({
        "book_no": book_no, "source": source, "pay_code": pay_code, "payment_id": payment_id, "amount_fen": amount_fen,
        "pay_date": pay_date, "match_state": match_state, "decision": decision, "biz_ref": biz_ref,
    });
    queue(connection, event, book_no, &agency_id, document, now).await
}

/// Queues what happened to a notice, in the caller's transaction.
///
/// # Errors
/// When the database cannot be written.
pub async fn tell_notice(
    connection: &mut SqliteConnection,
    event: Event,
    notice: &PayNotice,
    now: Moment,
) -> Result<(), Failure> {
    let document = json!({ "pay_code": notice.pay_code, "amount_fen": notice.total_fen, "biz_ref": notice.biz_ref });
    queue(connection, event, &notice.pay_code, &notice.agency_id, document, now).await
}

/// A message that is queued already, after a backup was put back say, stays as it is.
async fn queue(
    connection: &mut SqliteConnection,
    event: Event,
    about: &str,
    agency_id: &str,
    mut document: Value,
    now: Moment,
) -> Result<(), Failure> {
    let clients = client::of_permission(connection, AGENCY, Some(agency_id)).await?;
    let Some(client) = clients.into_iter().find(|client| client.notify_url.is_some()) else { return Ok(()) };
    let push_no = format!("{}/{about}", event.kind());
    document["push_no"] = json!(push_no);
    document["kind"] = json!(event.kind());
    document["time"] = json!(now.time17());
    sqlx::query(
        "INSERT INTO inner_push (push_no, client, document, next_ms) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (push_no) DO NOTHING",
    )
    .bind(push_no)
    .bind(client.id)
    .bind(document.to_string())
    .bind(now.ms())
    .execute(connection)
    .await?;
    Ok(())
}
