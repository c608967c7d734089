//! Base data: looking at it, and changing it row by row.

use std::sync::Arc;

use contract::rows::Kind;
use node::http::{Api, Caller};
use node::rows::{cells, columns_sql};
use node::{Failure, Node, Service as _};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{OPERATOR, PAGE_ROWS, READERS};
use crate::base::{Edit, Edited, edit_all, masked};
use crate::service::Inner;

/// What is looked for.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Looked {
    /// The kind: its code, such as AGENCY, or its Chinese title.
    pub kind: String,
    /// What code or name begins with; of a kind without them, its id.
    pub text: Option<String>,
    /// The id after which the page begins.
    pub after: Option<String>,
}

/// A page of rows, by id.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Page {
    /// The rows: values by column, sensitive ones masked.
    pub rows: Vec<Value>,
}

/// Rows of base data that are written together, all or none.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Edits {
    /// The rows, at most 500; what is referred to comes first.
    pub rows: Vec<Edit>,
}

/// What became of each, in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AllEdited {
    /// What became of each.
    pub rows: Vec<Edited>,
}

pub(super) fn operations(api: Api<Inner>) -> Api<Inner> {
    api.get("/base", READERS, "Looks at base data", |service: Arc<Inner>, _, asked: Looked| async move {
        look(service.node(), asked).await
    })
    .post(
        "/base/edit",
        OPERATOR,
        "Adds, changes or disables a row of base data",
        |service: Arc<Inner>, caller, asked: Edit| async move {
            let mut edited = change(service.node(), caller, vec![asked]).await?;
            edited.rows.pop().ok_or_else(|| Failure::internal("an edit came to nothing"))
        },
    )
    .bulk(
        "/base/edit-all",
        OPERATOR,
        "Adds, changes or disables rows of base data that depend on one another, all or none",
        |service: Arc<Inner>, caller, asked: Edits| async move { change(service.node(), caller, asked.rows).await },
    )
}

async fn look(node: &Node, asked: Looked) -> Result<Page, Failure> {
    let kind =
        Kind::parse(&asked.kind).ok_or_else(|| Failure::missing("kind of base data", "基础数据种类", &asked.kind))?;
    let table = kind.definition();
    let begins = if table.column("ele_code").is_some() {
        "(substr(ele_code, 1, length(?1)) = ?1 OR substr(ele_name, 1, length(?1)) = ?1)"
    } else {
        "id = ?1"
    };
    let sql = format!(
        "SELECT {} FROM {} WHERE (?1 IS NULL OR {begins}) AND (?2 IS NULL OR id > ?2) ORDER BY id LIMIT {PAGE_ROWS}",
        columns_sql(table),
        table.shape.table
    );
    let rows = node
        .database
        .read(move |connection| {
            Box::pin(async move {
                let found = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(asked.text).bind(asked.after);
                found.fetch_all(connection).await?.iter().map(|row| cells(table, row)).collect::<Result<Vec<_>, _>>()
            })
        })
        .await?;
    Ok(Page { rows: rows.iter().map(|row| masked(node, table, row)).collect() })
}

async fn change(node: &Node, caller: Caller, asked: Vec<Edit>) -> Result<AllEdited, Failure> {
    let (for_job, now) = (node.clone(), node.clock.now());
    let act = caller.act(now.time17(), "base-edit", String::new());
    node.database
        .write(move |connection| {
            Box::pin(async move { Ok(AllEdited { rows: edit_all(connection, &for_job, asked, act, now).await? }) })
        })
        .await
}
