//! People who may use a node, and their sessions.

use console::Text;
use sqlx::sqlite::SqliteConnection;

use crate::clock::Moment;
use crate::failure::{Failure, Kind};

/// What a person may do.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// 系统管理员: people and clients; no business.
    Administrator,
    /// 操作员: enters and asks for what needs a second person.
    Operator,
    /// 复核员: allows what an operator asked for.
    Reviewer,
    /// 审计员: reads everything, the record of acts among it, and changes nothing.
    Auditor,
}

impl Role {
    /// The name in the database, in messages and on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Administrator => "administrator",
            Self::Operator => "operator",
            Self::Reviewer => "reviewer",
            Self::Auditor => "auditor",
        }
    }

    /// The role of a name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Administrator, Self::Operator, Self::Reviewer, Self::Auditor]
            .into_iter()
            .find(|role| role.as_str() == name)
    }
}

/// Wrong passwords in a row after which a person is locked out (等保三级: lockout after five).
pub const FAILED_MAX: i64 = 5;
/// How long a person is locked out, in milliseconds: guessing five an interval comes to nothing.
pub const LOCKED_MS: i64 = 15 * 60 * 1_000;
/// How long a session lasts without being used, in milliseconds.
pub const SESSION_MS: i64 = 30 * 60 * 1_000;
/// Sessions of one person at once: a desk and another one; the oldest ends.
const SESSIONS_MAX: i64 = 3;
/// Names under which the record of acts keeps the programs themselves.
const RESERVED: [&str; 3] = ["anyone", "console", "program"];
/// A name is what people type: letters and digits.
const NAME_CHARS_MAX: usize = 32;

/// A person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The name that is typed.
    pub name: String,
    /// The name of the human being.
    pub title: String,
    /// The role.
    pub role: Role,
    /// The hash of the password.
    pub password: String,
    /// Whether the person may log in.
    pub is_enabled: bool,
    /// Wrong passwords since the last right one.
    pub failed: i64,
    /// Until when the person is locked out, in milliseconds since 1970.
    pub locked_until_ms: i64,
}

type Found = (String, String, String, String, bool, i64, i64);
const COLUMNS: &str = "name, title, role, password, is_enabled, failed, locked_until_ms";

fn of_found((name, title, role, password, is_enabled, failed, locked_until_ms): Found) -> Result<Person, Failure> {
    let role = Role::parse(&role).ok_or_else(|| Failure::internal(format!("{name} has no known role")))?;
    Ok(Person { name, title, role, password, is_enabled, failed, locked_until_ms })
}

/// Whether a name may be a person's.
///
/// # Errors
/// Why not.
pub fn judge_name(name: &str) -> Result<(), Failure> {
    let is_name = !RESERVED.contains(&name)
        && !name.is_empty()
        && name.len() <= NAME_CHARS_MAX
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    if is_name {
        return Ok(());
    }
    Err(Failure::new(
        Kind::Bad,
        "name-form",
        console::text!(
            "a name has 1 to {NAME_CHARS_MAX} lower-case letters and digits",
            "名称应为 1 至 {NAME_CHARS_MAX} 个小写字母或数字"
        ),
        Text::fixed("take another one", "请另取名称"),
    ))
}

/// The person of a name.
///
/// # Errors
/// When the database cannot be read.
pub async fn find(connection: &mut SqliteConnection, name: &str) -> Result<Option<Person>, Failure> {
    let sql = format!("SELECT {COLUMNS} FROM node_person WHERE name = ?1");
    let found: Option<Found> =
        sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(name.to_owned()).fetch_optional(connection).await?;
    found.map(of_found).transpose()
}

/// All people, by name.
///
/// # Errors
/// When the database cannot be read.
pub async fn list(connection: &mut SqliteConnection) -> Result<Vec<Person>, Failure> {
    let sql = format!("SELECT {COLUMNS} FROM node_person ORDER BY name");
    let found: Vec<Found> = sqlx::query_as(sqlx::AssertSqlSafe(sql)).fetch_all(connection).await?;
    found.into_iter().map(of_found).collect()
}

/// Adds a person.
///
/// # Errors
/// When the name is taken.
pub async fn add(connection: &mut SqliteConnection, person: &Person, now: Moment) -> Result<(), Failure> {
    judge_name(&person.name)?;
    if find(connection, &person.name).await?.is_some() {
        let name = &person.name;
        return Err(Failure::new(
            Kind::Conflict,
            "name-taken",
            console::text!("there is a person {name} already", "已有人员 {name}"),
            Text::fixed("take another name", "请另取名称"),
        ));
    }
    sqlx::query(
        "INSERT INTO node_person (name, title, role, password, is_enabled, create_time, update_time) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)",
    )
    .bind(person.name.clone())
    .bind(person.title.clone())
    .bind(person.role.as_str())
    .bind(person.password.clone())
    .bind(person.is_enabled)
    .bind(now.time17())
    .execute(connection)
    .await?;
    Ok(())
}

/// Writes a person down as she is now; her sessions end when she may not log in any more or has another password.
///
/// # Errors
/// When there is no such person.
pub async fn change(connection: &mut SqliteConnection, person: &Person, now: Moment) -> Result<(), Failure> {
    let before = find(connection, &person.name).await?;
    let before = before.ok_or_else(|| Failure::missing("person", "人员", &person.name))?;
    sqlx::query(
        "UPDATE node_person SET title = ?2, role = ?3, password = ?4, is_enabled = ?5, failed = ?6, locked_until_ms = ?7, \
         update_time = ?8 WHERE name = ?1",
    )
    .bind(person.name.clone())
    .bind(person.title.clone())
    .bind(person.role.as_str())
    .bind(person.password.clone())
    .bind(person.is_enabled)
    .bind(person.failed)
    .bind(person.locked_until_ms)
    .bind(now.time17())
    .execute(&mut *connection)
    .await?;
    if !person.is_enabled || person.password != before.password || person.role != before.role {
        sqlx::query("DELETE FROM node_session WHERE name = ?1").bind(person.name.clone()).execute(connection).await?;
    }
    Ok(())
}

/// Opens a session for a person who has shown the password. `token_digest` is the digest of what the person's program holds.
///
/// # Errors
/// When the database cannot be written.
pub async fn open_session(
    connection: &mut SqliteConnection,
    name: &str,
    address: &str,
    token_digest: &str,
    now: Moment,
) -> Result<(), Failure> {
    sqlx::query("DELETE FROM node_session WHERE expires_ms <= ?1").bind(now.ms()).execute(&mut *connection).await?;
    sqlx::query(
        "DELETE FROM node_session WHERE name = ?1 AND token_digest NOT IN \
         (SELECT token_digest FROM node_session WHERE name = ?1 ORDER BY expires_ms DESC LIMIT ?2)",
    )
    .bind(name.to_owned())
    .bind(SESSIONS_MAX - 1)
    .execute(&mut *connection)
    .await?;
    sqlx::query("INSERT INTO node_session (token_digest, name, address, expires_ms) VALUES (?1, ?2, ?3, ?4)")
        .bind(token_digest.to_owned())
        .bind(name.to_owned())
        .bind(address.to_owned())
        .bind(now.plus_ms(SESSION_MS).ms())
        .execute(connection)
        .await?;
    Ok(())
}

/// The person of a session that goes on, and until when it does.
///
/// # Errors
/// When the database cannot be read.
pub async fn of_session(
    connection: &mut SqliteConnection,
    token_digest: &str,
    now: Moment,
) -> Result<Option<(Person, i64)>, Failure> {
    let found: Option<(String, i64)> =
        sqlx::query_as("SELECT name, expires_ms FROM node_session WHERE token_digest = ?1 AND expires_ms > ?2")
            .bind(token_digest.to_owned())
            .bind(now.ms())
            .fetch_optional(&mut *connection)
            .await?;
    let Some((name, expires_ms)) = found else { return Ok(None) };
    let person = find(connection, &name).await?.filter(|person| person.is_enabled);
    Ok(person.map(|person| (person, expires_ms)))
}

/// Lets a session go on from now.
///
/// # Errors
/// When the database cannot be written.
pub async fn prolong(connection: &mut SqliteConnection, token_digest: &str, now: Moment) -> Result<(), Failure> {
    sqlx::query("UPDATE node_session SET expires_ms = ?2 WHERE token_digest = ?1")
        .bind(token_digest.to_owned())
        .bind(now.plus_ms(SESSION_MS).ms())
        .execute(connection)
        .await?;
    Ok(())
}

/// Ends all sessions of a person.
///
/// # Errors
/// When the database cannot be written.
pub async fn end_sessions(connection: &mut SqliteConnection, name: &str) -> Result<(), Failure> {
    sqlx::query("DELETE FROM node_session WHERE name = ?1").bind(name.to_owned()).execute(connection).await?;
    Ok(())
}

/// Forgets sessions that have ended, and locks that are over.
///
/// # Errors
/// When the database cannot be written.
pub async fn prune(connection: &mut SqliteConnection, now: Moment) -> Result<(), Failure> {
    for sql in [
        "DELETE FROM node_session WHERE expires_ms <= ?1",
        "UPDATE node_person SET locked_until_ms = 0 WHERE locked_until_ms <> 0 AND locked_until_ms <= ?1",
    ] {
        sqlx::query(sql).bind(now.ms()).execute(&mut *connection).await?;
    }
    Ok(())
}
