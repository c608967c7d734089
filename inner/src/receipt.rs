//! Receipts (受理回执): who asks with a number of its own is answered once; the same again is answered as the first time, so that a lost
//! answer does nothing twice.

use console::Text;
use node::{Failure, Kind, Moment, Node};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sm3::{Digest as _, Sm3};
use sqlx::sqlite::SqliteConnection;

/// The longest number, in characters: a GUID, or the name of a file with its date.
const NUMBER_CHARS_MAX: usize = 64;
/// How long an answer is kept, in milliseconds: ninety days. A sender that hears nothing for a quarter has to look what was done
/// before it sends anew.
pub const KEPT_MS: i64 = 90 * 24 * 3_600 * 1_000;
/// Where the digest of what was asked is sealed: it says nothing to who has no field key.
const PLACE: (&str, &str) = ("inner_receipt", "content");

/// What is asked, by whom, under which number.
#[derive(Debug, Clone)]
pub struct Ticket {
    who: String,
    request_no: String,
    /// SM3 of what is asked, in hex.
    digest: String,
}

impl Ticket {
    /// The ticket of a request.
    ///
    /// # Errors
    /// When the number is none.
    pub fn new<T: Serialize>(who: String, request_no: String, asked: &T) -> Result<Self, Failure> {
        let is_number = (1..=NUMBER_CHARS_MAX).contains(&request_no.len())
            && request_no.bytes().all(|byte| byte.is_ascii_graphic());
        if !is_number {
            return Err(Failure::new(
                Kind::Bad,
                "request-no",
                console::text!(
                    "a request's number has 1 to {NUMBER_CHARS_MAX} printable ASCII characters",
                    "请求编号应为 1 至 {NUMBER_CHARS_MAX} 个可见 ASCII 字符"
                ),
                Text::fixed("take another one", "请更换编号"),
            ));
        }
        let asked = serde_json::to_vec(asked).map_err(Failure::internal)?;
        let digest = Sm3::digest(&asked).iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Self { who, request_no, digest })
    }

    /// What was answered to the same request before, if it was.
    ///
    /// # Errors
    /// When something else was asked under the number.
    pub async fn answered<T: DeserializeOwned>(
        &self,
        connection: &mut SqliteConnection,
        node: &Node,
    ) -> Result<Option<T>, Failure> {
        let found: Option<(String, String)> =
            sqlx::query_as("SELECT content, answer FROM inner_receipt WHERE who = ?1 AND request_no = ?2")
                .bind(self.who.clone())
                .bind(self.request_no.clone())
                .fetch_optional(connection)
                .await?;
        let Some((content, answer)) = found else { return Ok(None) };
        if node.field_key.open(PLACE, &content).as_deref() != Some(self.digest.as_str()) {
            let number = &self.request_no;
            return Err(Failure::new(
                Kind::Conflict,
                "request-no-taken",
                console::text!(
                    "something else was asked under the number {number}",
                    "请求编号 {number} 已用于其他内容"
                ),
                Text::fixed(
                    "take another number for another request; send the same again to have its answer",
                    "不同内容请换编号；重发原内容可取得原结果",
                ),
            ));
        }
        serde_json::from_str(&answer).map(Some).map_err(Failure::internal)
    }

    /// Keeps an answer, in the transaction of what it answers.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn keep<T: Serialize>(
        &self,
        connection: &mut SqliteConnection,
        node: &Node,
        answer: &T,
        now: Moment,
    ) -> Result<(), Failure> {
        let content = node.field_key.seal(PLACE, &self.digest, &*node.entropy)?;
        sqlx::query(
            "INSERT INTO inner_receipt (who, request_no, content, answer, create_ms) VALUES (?1, ?2, ?3, ?4, ?5)",
        )
        .bind(self.who.clone())
        .bind(self.request_no.clone())
        .bind(content)
        .bind(serde_json::to_string(answer).map_err(Failure::internal)?)
        .bind(now.ms())
        .execute(connection)
        .await?;
        Ok(())
    }
}

/// Forgets answers that are older than they are kept.
///
/// # Errors
/// When the database cannot be written.
pub async fn prune(connection: &mut SqliteConnection, now: Moment) -> Result<(), Failure> {
    sqlx::query("DELETE FROM inner_receipt WHERE create_ms < ?1")
        .bind(now.ms().saturating_sub(KEPT_MS))
        .execute(connection)
        .await?;
    Ok(())
}
