//! Proposals (双人复核): what one person asks for is done when another one allows it.

use node::record::{self, Act};
use node::{Failure, Kind, Moment, Node};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::sqlite::SqliteConnection;

use crate::wish::{Wish, fulfil, judge};

/// The longest reason, in characters: a few sentences.
const REASON_CHARS_MAX: usize = 500;

/// What is asked for, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// What.
    pub wish: Wish,
    /// Why.
    pub reason: String,
}

/// A proposal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Proposal {
    /// Its number.
    pub id: i64,
    /// What is asked for, as JSON.
    pub wish: String,
    /// Why.
    pub reason: String,
    /// By whom.
    pub asked_by: String,
    /// When, yyyyMMddHHmmssSSS.
    pub asked_time: String,
    /// Who decided; none while it waits.
    pub decided_by: Option<String>,
    /// Whether it was allowed.
    pub is_allowed: Option<bool>,
}

type Found = (i64, String, String, String, String, Option<String>, Option<bool>);
const COLUMNS: &str = "id, wish, reason, asked_by, asked_time, decided_by, is_allowed";

fn of_found((id, wish, reason, asked_by, asked_time, decided_by, is_allowed): Found) -> Proposal {
    Proposal { id, wish, reason, asked_by, asked_time, decided_by, is_allowed }
}

/// Asks for something, which is looked at now and again when it is allowed.
///
/// # Errors
/// When it cannot be, or the reason is empty or too long.
pub async fn ask(connection: &mut SqliteConnection, asked: Asked, act: Act, now: Moment) -> Result<i64, Failure> {
    let length = asked.reason.chars().count();
    if asked.reason.trim().is_empty() || length > REASON_CHARS_MAX {
        return Err(Failure::new(
            Kind::Bad,
            "reason",
            console::text!(
                "a reason has 1 to {REASON_CHARS_MAX} characters",
                "理由应为 1 至 {REASON_CHARS_MAX} 个字符"
            ),
            console::Text::fixed("say why", "请说明理由"),
        ));
    }
    let ground = judge(connection, &asked.wish, now).await?;
    let asked = Asked { wish: asked.wish.about(&ground), ..asked };
    let wish = serde_json::to_string(&asked.wish).map_err(Failure::internal)?;
    let id: i64 = sqlx::query_scalar(
        "INSERT INTO inner_proposal (wish, reason, asked_by, asked_time) VALUES (?1, ?2, ?3, ?4) RETURNING id",
    )
    .bind(wish.clone())
    .bind(asked.reason.clone())
    .bind(act.who.clone())
    .bind(act.time.clone())
    .fetch_one(&mut *connection)
    .await?;
    let is_now = json!({ "wish": asked.wish, "reason": asked.reason }).to_string();
    let act = Act { object: format!("inner_proposal/{id}"), is_now: Some(is_now), ..act };
    record::note(connection, &act).await?;
    Ok(id)
}

/// Allows or refuses what another person asked for; what is allowed is done at once, in the caller's transaction.
///
/// # Errors
/// When whoever decides is whoever asked, it was decided before, or it cannot be any more.
pub async fn decide(
    connection: &mut SqliteConnection,
    node: &Node,
    id: i64,
    is_allowed: bool,
    act: Act,
    now: Moment,
) -> Result<(), Failure> {
    let sql = format!("SELECT {COLUMNS} FROM inner_proposal WHERE id = ?1");
    let found: Option<Found> =
        sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(id).fetch_optional(&mut *connection).await?;
    let proposal = found.map(of_found).ok_or_else(|| Failure::missing("proposal", "申请", &id.to_string()))?;
    let conflict = |code, en, zh| {
        let next = console::Text::fixed("look at the list of proposals", "请查看申请列表");
        Err(Failure::new(Kind::Conflict, code, console::Text::fixed(en, zh), next))
    };
    if proposal.decided_by.is_some() {
        return conflict("decided", "this was decided before", "该申请已处理");
    }
    if proposal.asked_by == act.who {
        return conflict("same-person", "whoever asked may not allow it", "经办人不得复核本人申请");
    }
    let wish: Wish = serde_json::from_str(&proposal.wish).map_err(Failure::internal)?;
    if is_allowed {
        fulfil(connection, node, &wish, now).await?;
    }
    sqlx::query("UPDATE inner_proposal SET decided_by = ?2, decided_time = ?3, is_allowed = ?4 WHERE id = ?1")
        .bind(id)
        .bind(act.who.clone())
        .bind(act.time.clone())
        .bind(is_allowed)
        .execute(&mut *connection)
        .await?;
    let (was, is_now) = (json!({ "wish": wish }).to_string(), json!({ "is_allowed": is_allowed }).to_string());
    let act = Act { object: format!("inner_proposal/{id}"), was: Some(was), is_now: Some(is_now), ..act };
    record::note(connection, &act).await
}

/// The proposals that wait, and after them the latest that were decided.
///
/// # Errors
/// When the database cannot be read.
pub async fn list(connection: &mut SqliteConnection, most: i64) -> Result<Vec<Proposal>, Failure> {
    let sql = format!("SELECT {COLUMNS} FROM inner_proposal ORDER BY decided_by IS NOT NULL, id DESC LIMIT ?1");
    let found: Vec<Found> = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(most).fetch_all(connection).await?;
    Ok(found.into_iter().map(of_found).collect())
}
