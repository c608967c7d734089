//! What ferry says of the zone's streams: the one thing of ferry's that a node reads.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sqlx::sqlite::SqliteConnection;

use crate::clock::Moment;
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
    /// How old the oldest change is that has not been applied, in milliseconds; of an incoming stream also as the peer says.
    pub lag_ms: i64,
    /// Of an incoming stream: what the peer's daemon had seen committed at this moment, by its clock, is here; 0 while that is not known.
    pub known_at_ms: i64,
    /// `ok`, `waiting` or what is wrong.
    pub health: String,
    /// When the daemon said so.
    pub updated_at_ms: i64,
}

/// A row that the daemon has not written for so long is no news of the stream: the daemon is down, or hangs. It writes each row at
/// least four times a heartbeat, every fifteen seconds as it is installed; a heartbeat may be twelve times as long.
const ROW_AGE_MS_MAX: i64 = 3 * 60_000;

type Found = (String, String, i64, i64, i64, String, i64);

fn of_found((stream, direction, applied_seq, lag_ms, known_at_ms, health, updated_at_ms): Found) -> StreamState {
    StreamState { stream, direction, applied_seq, lag_ms, known_at_ms, health, updated_at_ms }
}

const COLUMNS: &str = "stream, direction, applied_seq, lag_ms, known_at_ms, health, updated_at_ms";

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

/// How much may be missing of an incoming stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// Everything is here that the peer's last word told of, and that word is young. What the peer has committed since the moment that
    /// stands here may still be on its way.
    Current(Moment),
    /// The peer has more, or has not been heard, or something is wrong here; what it had until the moment is here, if one is known.
    Behind(Option<Moment>),
}

/// How fresh an incoming stream is. One of which the daemon has said nothing yet is behind.
///
/// # Errors
/// When the database cannot be read.
pub async fn freshness(connection: &mut SqliteConnection, stream: &str, now: Moment) -> Result<Freshness, Failure> {
    Ok(incoming(connection, stream, now).await?.unwrap_or(Freshness::Behind(None)))
}

/// The same; none where the daemon says of no such incoming stream, because the zone owns it or the daemon has not run.
///
/// # Errors
/// When the database cannot be read.
pub async fn incoming(
    connection: &mut SqliteConnection,
    stream: &str,
    now: Moment,
) -> Result<Option<Freshness>, Failure> {
    if !is_there(connection).await? {
        return Ok(None);
    }
    let sql = format!("SELECT {COLUMNS} FROM ferry_stream_state WHERE stream = ?1 AND direction = 'in'");
    let found: Option<Found> =
        sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(stream.to_owned()).fetch_optional(connection).await?;
    let Some(state) = found.map(of_found) else { return Ok(None) };
    let known_at = Moment::of_ms(state.known_at_ms).filter(|moment| moment.ms() > 0);
    let is_written = now.ms().abs_diff(state.updated_at_ms) <= ROW_AGE_MS_MAX.unsigned_abs();
    Ok(Some(match known_at {
        Some(moment) if state.health == "ok" && state.lag_ms == 0 && is_written => Freshness::Current(moment),
        known_at => Freshness::Behind(known_at),
    }))
}

/// Before the daemon's first start its table may not be there.
async fn is_there(connection: &mut SqliteConnection) -> Result<bool, Failure> {
    let found: i64 = sqlx::query_scalar("SELECT count(*) FROM sqlite_master WHERE name = 'ferry_stream_state'")
        .fetch_one(connection)
        .await?;
    Ok(found > 0)
}
