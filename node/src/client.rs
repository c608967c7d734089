//! Systems that speak to a node by signed messages (接入系统): ledgers, agencies' systems, channels.

use console::Text;
use sqlx::sqlite::SqliteConnection;

use crate::clock::Moment;
use crate::failure::{Failure, Kind};

/// The longest id: what the merchant interface allows a `devId`.
const ID_CHARS_MAX: usize = 64;

/// A client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// Its id (`devId`).
    pub id: String,
    /// Its name for people.
    pub title: String,
    /// Its SM2 public key as PEM.
    pub public_key: String,
    /// What it may do: one of the node's permissions.
    pub permission: String,
    /// The agency that it belongs to, where it does.
    pub agency_id: Option<String>,
    /// Where it is told of what happened, where it is.
    pub notify_url: Option<String>,
    /// Whether its messages are taken.
    pub is_enabled: bool,
}

impl Client {
    /// Whether the client may do what a permission names. A permission may say more after a colon, as `counter:bank` does: it is the
    /// one before the colon, too.
    #[must_use]
    pub fn may(&self, permission: &str) -> bool {
        self.permission.strip_prefix(permission).is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
    }
}

type Found = (String, String, String, String, Option<String>, Option<String>, bool);
const COLUMNS: &str = "id, title, public_key, permission, agency_id, notify_url, is_enabled";

fn of_found((id, title, public_key, permission, agency_id, notify_url, is_enabled): Found) -> Client {
    Client { id, title, public_key, permission, agency_id, notify_url, is_enabled }
}

/// The client of an id.
///
/// # Errors
/// When the database cannot be read.
pub async fn find(connection: &mut SqliteConnection, id: &str) -> Result<Option<Client>, Failure> {
    let sql = format!("SELECT {COLUMNS} FROM node_client WHERE id = ?1");
    let found: Option<Found> =
        sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(id.to_owned()).fetch_optional(connection).await?;
    Ok(found.map(of_found))
}

/// The clients of a permission that are enabled; those of an agency where one is named.
///
/// # Errors
/// When the database cannot be read.
pub async fn of_permission(
    connection: &mut SqliteConnection,
    permission: &str,
    agency_id: Option<&str>,
) -> Result<Vec<Client>, Failure> {
    let sql = format!(
        "SELECT {COLUMNS} FROM node_client WHERE permission = ?1 AND is_enabled = 1 AND (?2 IS NULL OR agency_id = ?2) ORDER BY id"
    );
    let found: Vec<Found> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(permission.to_owned())
        .bind(agency_id.map(str::to_owned))
        .fetch_all(connection)
        .await?;
    Ok(found.into_iter().map(of_found).collect())
}

/// All clients, by id.
///
/// # Errors
/// When the database cannot be read.
pub async fn list(connection: &mut SqliteConnection) -> Result<Vec<Client>, Failure> {
    let sql = format!("SELECT {COLUMNS} FROM node_client ORDER BY id");
    let found: Vec<Found> = sqlx::query_as(sqlx::AssertSqlSafe(sql)).fetch_all(connection).await?;
    Ok(found.into_iter().map(of_found).collect())
}

/// Writes a client down as it is now. Yields what it was before.
///
/// # Errors
/// When its id or its key is none.
pub async fn put(connection: &mut SqliteConnection, client: &Client, now: Moment) -> Result<Option<Client>, Failure> {
    let is_id = !client.id.is_empty()
        && client.id.len() <= ID_CHARS_MAX
        && client.id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    if !is_id {
        return Err(Failure::new(
            Kind::Bad,
            "client-id",
            console::text!(
                "a client's id has 1 to {ID_CHARS_MAX} letters, digits, - and _",
                "接入系统编号应为 1 至 {ID_CHARS_MAX} 个字母、数字、- 或 _"
            ),
            Text::fixed("take another one", "请另取编号"),
        ));
    }
    crate::message::public_key(&client.public_key)?;
    let before = find(connection, &client.id).await?;
    sqlx::query(
        "INSERT INTO node_client (id, title, public_key, permission, agency_id, notify_url, is_enabled, create_time, update_time) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8) ON CONFLICT (id) DO UPDATE SET title = ?2, public_key = ?3, \
         permission = ?4, agency_id = ?5, notify_url = ?6, is_enabled = ?7, update_time = ?8",
    )
    .bind(client.id.clone())
    .bind(client.title.clone())
    .bind(client.public_key.clone())
    .bind(client.permission.clone())
    .bind(client.agency_id.clone())
    .bind(client.notify_url.clone())
    .bind(client.is_enabled)
    .bind(now.time17())
    .execute(connection)
    .await?;
    Ok(before)
}

/// Takes a nonce of a client; one that was taken within its time is a replay.
///
/// # Errors
/// When it was taken.
pub async fn take_nonce(
    connection: &mut SqliteConnection,
    client: &str,
    nonce: &str,
    expires: Moment,
    now: Moment,
) -> Result<(), Failure> {
    prune(connection, now).await?;
    let taken: Option<i64> = sqlx::query_scalar("SELECT 1 FROM node_nonce WHERE client = ?1 AND nonce = ?2")
        .bind(client.to_owned())
        .bind(nonce.to_owned())
        .fetch_optional(&mut *connection)
        .await?;
    if taken.is_some() {
        return Err(Failure::new(
            Kind::Conflict,
            "replayed",
            Text::fixed("this nonce was used before", "该 nonce 已使用过"),
            Text::fixed(
                "ask what became of the first message; if it was not done, sign it anew with another nonce",
                "请先查询首次报文的结果；如未办理，请更换 nonce 重新签名发送",
            ),
        ));
    }
    sqlx::query("INSERT INTO node_nonce (client, nonce, expires_ms) VALUES (?1, ?2, ?3)")
        .bind(client.to_owned())
        .bind(nonce.to_owned())
        .bind(expires.ms())
        .execute(connection)
        .await?;
    Ok(())
}

/// Gives a nonce back: the node failed to do what its message asked for, and the same message may come again.
///
/// # Errors
/// When the database cannot be written.
pub async fn give_nonce_back(connection: &mut SqliteConnection, client: &str, nonce: &str) -> Result<(), Failure> {
    sqlx::query("DELETE FROM node_nonce WHERE client = ?1 AND nonce = ?2")
        .bind(client.to_owned())
        .bind(nonce.to_owned())
        .execute(connection)
        .await?;
    Ok(())
}

/// Forgets nonces of messages that are too old to be taken.
///
/// # Errors
/// When the database cannot be written.
pub async fn prune(connection: &mut SqliteConnection, now: Moment) -> Result<(), Failure> {
    sqlx::query("DELETE FROM node_nonce WHERE expires_ms < ?1").bind(now.ms()).execute(connection).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::Client;

    #[test]
    fn a_permission_holds_for_what_it_narrows() {
        let may = |has: &str, wants: &str| {
            let client = Client {
                id: String::new(),
                title: String::new(),
                public_key: String::new(),
                permission: has.to_owned(),
                agency_id: None,
                notify_url: None,
                is_enabled: true,
            };
            client.may(wants)
        };
        assert!(may("counter:bank", "counter") && may("ledger", "ledger"));
        assert!(!may("counter", "counter:bank") && !may("counters", "counter") && !may("", "counter"));
    }
}
