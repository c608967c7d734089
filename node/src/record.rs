//! The record of acts (操作记录): who did what to which object, from which address, and what was before and after.
//!
//! Entries are only added. Each has the SM3 digest of the one before it and its own content, so that one that was changed or
//! taken out of the middle shows; whoever can write the file of the database can still write the whole record anew, and against that
//! stand the backups.

use sm3::{Digest as _, Sm3};
use sqlx::sqlite::SqliteConnection;

use crate::clock::Moment;
use crate::failure::Failure;
use crate::field_key::hex;

/// Entries that one search yields: a page that a person reads.
pub const FOUND_MAX: i64 = 500;
/// The digest before the first entry.
const NOTHING: &str = "0000000000000000000000000000000000000000000000000000000000000000";
/// Entries read at a time when the chain is checked.
const CHECKED_AT_ONCE: i64 = 1_000;

/// One act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Act {
    /// When, yyyyMMddHHmmssSSS.
    pub time: String,
    /// Who: a person, a client, or the program.
    pub who: String,
    /// From which address; `local` at the machine itself.
    pub address: String,
    /// What, in kebab case.
    pub what: String,
    /// To what: table and key.
    pub object: String,
    /// What was before, as JSON with sensitive values as they are stored.
    pub was: Option<String>,
    /// What is now, the same way.
    pub is_now: Option<String>,
}

/// What a search looks for. Everything that is given must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Search {
    /// Text that stands in any part of an entry.
    pub text: Option<String>,
    /// The first time, a beginning of yyyyMMddHHmmssSSS.
    pub from: Option<String>,
    /// The last time, the same way.
    pub to: Option<String>,
    /// Entries before this number, for the next page.
    pub before: Option<i64>,
}

/// Adds an entry, in the transaction of the act itself.
///
/// # Errors
/// When the database cannot be written.
pub async fn note(connection: &mut SqliteConnection, act: &Act) -> Result<(), Failure> {
    let last: Option<String> = sqlx::query_scalar("SELECT digest FROM node_act ORDER BY id DESC LIMIT 1")
        .fetch_optional(&mut *connection)
        .await?;
    let digest = digest(last.as_deref().unwrap_or(NOTHING), act);
    sqlx::query(
        "INSERT INTO node_act (time, who, address, what, object, was, is_now, digest) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )
    .bind(act.time.clone())
    .bind(act.who.clone())
    .bind(act.address.clone())
    .bind(act.what.clone())
    .bind(act.object.clone())
    .bind(act.was.clone())
    .bind(act.is_now.clone())
    .bind(digest)
    .execute(connection)
    .await?;
    Ok(())
}

type Found = (i64, String, String, String, String, String, Option<String>, Option<String>);

fn of_found(found: Found) -> (i64, Act) {
    let (id, time, who, address, what, object, was, is_now) = found;
    (id, Act { time, who, address, what, object, was, is_now })
}

/// The entries that a search finds, the latest first.
///
/// # Errors
/// When the database cannot be read.
pub async fn search(connection: &mut SqliteConnection, search: &Search) -> Result<Vec<(i64, Act)>, Failure> {
    let found: Vec<Found> = sqlx::query_as(
        "SELECT id, time, who, address, what, object, was, is_now FROM node_act \
         WHERE (?1 IS NULL OR instr(who || ' ' || address || ' ' || what || ' ' || object || ' ' || ifnull(was, '') || ' ' \
         || ifnull(is_now, ''), ?1) > 0) AND (?2 IS NULL OR time >= ?2) AND (?3 IS NULL OR substr(time, 1, length(?3)) <= ?3) \
         AND (?4 IS NULL OR id < ?4) ORDER BY id DESC LIMIT ?5",
    )
    .bind(search.text.clone())
    .bind(search.from.clone())
    .bind(search.to.clone())
    .bind(search.before)
    .bind(FOUND_MAX)
    .fetch_all(connection)
    .await?;
    Ok(found.into_iter().map(of_found).collect())
}

/// The number of the first entry that does not follow on the one before it; none if the chain is whole.
///
/// # Errors
/// When the database cannot be read.
pub async fn first_broken(connection: &mut SqliteConnection) -> Result<Option<i64>, Failure> {
    let (mut last, mut after) = (NOTHING.to_owned(), 0);
    loop {
        let page: Vec<(i64, String)> =
            sqlx::query_as("SELECT id, digest FROM node_act WHERE id > ?1 ORDER BY id LIMIT ?2")
                .bind(after)
                .bind(CHECKED_AT_ONCE)
                .fetch_all(&mut *connection)
                .await?;
        let acts: Vec<Found> = sqlx::query_as(
            "SELECT id, time, who, address, what, object, was, is_now FROM node_act WHERE id > ?1 ORDER BY id LIMIT ?2",
        )
        .bind(after)
        .bind(CHECKED_AT_ONCE)
        .fetch_all(&mut *connection)
        .await?;
        if page.is_empty() {
            return Ok(None);
        }
        for ((id, stated), (_, act)) in page.into_iter().zip(acts.into_iter().map(of_found)) {
            if stated != digest(&last, &act) {
                return Ok(Some(id));
            }
            (last, after) = (stated, id);
        }
    }
}

/// Over the digest before, and each part with its length, so that no two entries have one spelling.
fn digest(before: &str, act: &Act) -> String {
    let mut hasher = Sm3::new();
    hasher.update(before);
    let parts = [Some(&act.time), Some(&act.who), Some(&act.address), Some(&act.what), Some(&act.object)];
    for part in parts.into_iter().chain([act.was.as_ref(), act.is_now.as_ref()]) {
        match part {
            Some(text) => hasher.update(format!("\n{}:{text}", text.len())),
            None => hasher.update("\n-"),
        }
    }
    hex(&hasher.finalize())
}

/// An act of the program itself.
#[must_use]
pub fn of_program(now: Moment, what: &str, object: String) -> Act {
    Act {
        time: now.time17(),
        who: "program".to_owned(),
        address: "local".to_owned(),
        what: what.to_owned(),
        object,
        was: None,
        is_now: None,
    }
}
