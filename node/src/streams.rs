//! What ferry says of the zone's streams: the one thing of ferry's that a node reads.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sqlx::sqlite::SqliteConnection;

use crate::failure::Failure;

/// The state of a stream, as the daemon keeps it in `ferry_stream_state`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StreamState {
    /// The stream.
    pub stream: String,
    /// `in` or `out`.
    pub direction: String,
    /// The last batch that is applied, here or at the peer.
    pub applied_seq: i64,
    /// How old the oldest change is that has not been applied, in milliseconds; of an incoming stream as the peer says.
    pub lag_ms: i64,
    /// `ok`, `waiting` or what is wrong.
    pub health: String,
}

type Found = (String, String, i64, i64, String);

fn of_found((stream, direction, applied_seq, lag_ms, health): Found) -> StreamState {
    StreamState { stream, direction, applied_seq, lag_ms, health }
}

const COLUMNS: &str = "stream, direction, applied_seq, coalesce(lag_ms, 0) AS lag_ms, health";

/// All streams of the zone.
///
/// # Errors
/// When the database cannot be read.
pub async fn all(connection: &mut SqliteConnection) -> Result<Vec<StreamState>, Failure> {
    if !is_there(connection).await? {
        return Ok(Vec::new());
    }
    let sql = format!("SELECT {COLUMNS} FROM ferry_stream_state ORDER BY stream, direction");
    let found: Vec<Found> = sqlx::query_as(sqlx::AssertSqlSafe(sql)).fetch_all(connection).await?;
    Ok(found.into_iter().map(of_found).collect())
}

/// How much may be missing of an incoming stream: whether the zone has all that the peer had told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// Everything that the peer has said it has is here.
    Current,
    /// The peer has more, or has not been heard, or something is wrong; so many milliseconds behind, as far as known.
    Behind(i64),
}

/// How fresh an incoming stream is.
///
/// # Errors
/// When the database cannot be read.
pub async fn freshness(connection: &mut SqliteConnection, stream: &str) -> Result<Freshness, Failure> {
    if !is_there(connection).await? {
        return Ok(Freshness::Behind(0));
    }
    let sql = format!("SELECT {COLUMNS} FROM ferry_stream_state WHERE stream = ?1 AND direction = 'in'");
    let found: Option<Found> =
        sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(stream.to_owned()).fetch_optional(connection).await?;
    Ok(match found.map(of_found) {
        Some(state) if state.health == "ok" && state.lag_ms == 0 => Freshness::Current,
        Some(state) => Freshness::Behind(state.lag_ms),
        None => Freshness::Behind(0),
    })
}

/// Before the daemon's first start its table may not be there.
async fn is_there(connection: &mut SqliteConnection) -> Result<bool, Failure> {
    let found: i64 = sqlx::query_scalar("SELECT count(*) FROM sqlite_master WHERE name = 'ferry_stream_state'")
        .fetch_one(connection)
        .await?;
    Ok(found > 0)
}
