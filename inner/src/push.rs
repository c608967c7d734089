//! What the collecting agency's system is told (入账通知): of a booking, and of everything that is decided about it or its notice
//! later. Each message has a number that is made of what happened, so that it is the same whenever it is told.
//!
//! Messages wait for the agency, not for a system of it: one that is disabled, replaced or added later hears what waited.

use contract::rows::PayNotice;
use node::client::{self, Client};
use node::{Failure, Moment};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::sqlite::SqliteConnection;

/// The permission of agencies' systems.
pub const AGENCY: &str = "agency";
/// Messages of one agency that are counted where nobody can be told: more only say that somebody has to be found.
const COUNTED_MAX: i64 = 1_000;

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
    let push_no = format!("{}/{about}", event.kind());
    document["push_no"] = json!(push_no);
    document["kind"] = json!(event.kind());
    document["time"] = json!(now.time17());
    sqlx::query(
        "INSERT INTO inner_push (push_no, agency_id, document, next_ms) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (push_no) DO NOTHING",
    )
    .bind(push_no)
    .bind(agency_id.to_owned())
    .bind(document.to_string())
    .bind(now.ms())
    .execute(connection)
    .await?;
    Ok(())
}

/// Whom an agency's messages are told: the first of its systems by id that is enabled and has an address.
///
/// # Errors
/// When the database cannot be read.
pub(crate) async fn receiver(connection: &mut SqliteConnection, agency_id: &str) -> Result<Option<Client>, Failure> {
    let clients = client::of_permission(connection, AGENCY, Some(agency_id)).await?;
    Ok(clients.into_iter().find(|client| client.notify_url.is_some()))
}

/// An agency that has messages waiting and no system that could be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Untold {
    /// 执收单位.
    pub agency_id: String,
    /// How many messages wait; at most 1 000 are counted.
    pub messages: i64,
    /// Whether the agency has a system that is disabled or has no address; otherwise it has none at all.
    pub has_client: bool,
}

/// Agencies with messages that nobody can be told, up to so many: those first that have a system.
///
/// # Errors
/// When the database cannot be read.
pub async fn untold(connection: &mut SqliteConnection, most: i64) -> Result<Vec<Untold>, Failure> {
    // Each step finds the next agency in the index: what waits for one is not looked through.
    let found: Vec<(String, i64, bool)> = sqlx::query_as(
        "WITH RECURSIVE waiting (id) AS (SELECT min(agency_id) FROM inner_push WHERE done_time IS NULL \
         UNION ALL SELECT (SELECT min(p.agency_id) FROM inner_push AS p WHERE p.done_time IS NULL AND p.agency_id > w.id) \
         FROM waiting AS w WHERE w.id IS NOT NULL) \
         SELECT w.id, (SELECT count(*) FROM (SELECT 1 FROM inner_push AS p WHERE p.agency_id = w.id AND p.done_time IS NULL LIMIT ?3)), \
         EXISTS (SELECT 1 FROM node_client AS c WHERE c.permission = ?1 AND c.agency_id = w.id) AS has_client \
         FROM waiting AS w WHERE w.id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM node_client AS c WHERE c.permission = ?1 \
         AND c.agency_id = w.id AND c.is_enabled = 1 AND c.notify_url IS NOT NULL) ORDER BY has_client DESC, w.id LIMIT ?2",
    )
    .bind(AGENCY)
    .bind(most)
    .bind(COUNTED_MAX)
    .fetch_all(connection)
    .await?;
    let of = |(agency_id, messages, has_client)| Untold { agency_id, messages, has_client };
    Ok(found.into_iter().map(of).collect())
}

/// How many agencies have a system that cannot be told what waits for it. One that has no system at all is no problem: most have none.
///
/// # Errors
/// When the database cannot be read.
pub async fn count_untold(connection: &mut SqliteConnection) -> Result<u64, Failure> {
    let count: i64 = sqlx::query_scalar(
        "SELECT count(DISTINCT c.agency_id) FROM node_client AS c WHERE c.permission = ?1 AND NOT EXISTS (SELECT 1 FROM node_client AS o \
         WHERE o.permission = ?1 AND o.agency_id = c.agency_id AND o.is_enabled = 1 AND o.notify_url IS NOT NULL) \
         AND EXISTS (SELECT 1 FROM inner_push AS p WHERE p.agency_id = c.agency_id AND p.done_time IS NULL)",
    )
    .bind(AGENCY)
    .fetch_one(connection)
    .await?;
    u64::try_from(count).map_err(Failure::internal)
}
