//! Telling the collecting agency's system of what was booked for it (入账通知).

use node::client;
use node::message::{ClientKey, Message};
use node::post::Post;
use node::rounds::Round;
use node::{Failure, Moment, Node};
use serde_json::{Value, json};
use sqlx::sqlite::SqliteConnection;

/// The permission of agencies' systems.
pub const AGENCY: &str = "agency";
/// Delays after each try that was not received, in milliseconds: 1, 3, 5, 15 and 30 minutes (后台通知补偿). The last one repeats, because a
/// booking that nobody was told of is never given up.
pub const DELAYS_MS: [i64; 5] = [60_000, 180_000, 300_000, 900_000, 1_800_000];
/// Bookings told in one round, one after the other: a system that is away costs six seconds each.
const TOLD_AT_ONCE: i64 = 50;

/// Queues a booking for the system of its agency that is told of bookings, in the caller's transaction.
///
/// # Errors
/// When the database cannot be written.
pub async fn queue(
    connection: &mut SqliteConnection,
    book_no: &str,
    agency_id: &str,
    now: Moment,
) -> Result<(), Failure> {
    let clients = client::of_permission(connection, AGENCY, Some(agency_id)).await?;
    let Some(client) = clients.into_iter().find(|client| client.notify_url.is_some()) else { return Ok(()) };
    sqlx::query("INSERT INTO inner_push (book_no, client, next_ms) VALUES (?1, ?2, ?3)")
        .bind(book_no.to_owned())
        .bind(client.id)
        .bind(now.ms())
        .execute(connection)
        .await?;
    Ok(())
}

/// Who signs what is told.
#[derive(Debug)]
pub struct Signer {
    /// The id under which the other side knows this node.
    pub id: String,
    /// The key.
    pub key: ClientKey,
}

/// A booking that waits to be told.
struct Waiting {
    book_no: String,
    attempt: i64,
    url: String,
    document: Value,
}

/// Tells what waits.
///
/// # Errors
/// When the database cannot be used.
pub async fn round(node: &Node, post: &Post, signer: &Signer) -> Result<Round, Failure> {
    let now = node.clock.now();
    let waiting = node.database.read(move |connection| Box::pin(waiting(connection, now))).await?;
    let is_full = i64::try_from(waiting.len()).map_err(Failure::internal)? == TOLD_AT_ONCE;
    for one in waiting {
        let message = Message::sign(&signer.key, &signer.id, &one.document, node.clock.now(), &*node.entropy)?;
        let answer = post.send(one.url, serde_json::to_value(message).map_err(Failure::internal)?).await;
        let error = match answer {
            Ok(answer) if answer["received"] == true => None,
            Ok(_) => Some("the answer does not say that it was received".to_owned()),
            Err(failure) => Some(failure.message.to_string()),
        };
        note(node, one.book_no, one.attempt, error).await?;
    }
    Ok(if is_full { Round::More } else { Round::Rest })
}

type Found = (String, i64, String, String, Option<String>, String, i64, String, i64, i64, Option<String>);

async fn waiting(connection: &mut SqliteConnection, now: Moment) -> Result<Vec<Waiting>, Failure> {
    let found: Vec<Found> = sqlx::query_as(
        "SELECT p.book_no, p.attempt, c.notify_url, b.source, b.pay_code, b.payment_id, b.amount_fen, b.pay_date, b.match_state, \
         b.decision, o.biz_ref FROM inner_push AS p JOIN node_client AS c ON c.id = p.client \
         JOIN inner_book AS b ON b.book_no = p.book_no LEFT JOIN pay_confirm AS o ON o.confirm_id = b.payment_id \
         WHERE p.done_time IS NULL AND p.next_ms <= ?1 AND c.is_enabled = 1 AND c.notify_url IS NOT NULL \
         ORDER BY p.next_ms LIMIT ?2",
    )
    .bind(now.ms())
    .bind(TOLD_AT_ONCE)
    .fetch_all(connection)
    .await?;
    let one = |(
        book_no,
        attempt,
        url,
        source,
        pay_code,
        payment_id,
        amount_fen,
        pay_date,
        match_state,
        decision,
        biz_ref,
    ): Found| {
        let document = json!({
            "book_no": book_no, "source": source, "pay_code": pay_code, "payment_id": payment_id, "amount_fen": amount_fen,
            "pay_date": pay_date, "match_state": match_state, "decision": decision, "biz_ref": biz_ref,
        });
        Waiting { book_no, attempt, url, document }
    };
    Ok(found.into_iter().map(one).collect())
}

async fn note(node: &Node, book_no: String, attempt: i64, error: Option<String>) -> Result<(), Failure> {
    let now = node.clock.now();
    let place = usize::try_from(attempt).map_err(Failure::internal)?.min(DELAYS_MS.len() - 1);
    let next_ms = now.plus_ms(DELAYS_MS[place]).ms();
    node.database
        .write(move |connection| {
            Box::pin(async move {
                sqlx::query(
                    "UPDATE inner_push SET attempt = attempt + 1, next_ms = ?2, last_error = ?3, \
                     done_time = CASE WHEN ?3 IS NULL THEN ?4 END WHERE book_no = ?1",
                )
                .bind(book_no)
                .bind(next_ms)
                .bind(error)
                .bind(now.time17())
                .execute(connection)
                .await?;
                Ok(())
            })
        })
        .await
}
