//! What came and could not be dealt with: it waits for people, and everything else goes on.

use std::sync::Arc;

use node::http::{Api, Caller, Done, Empty};
use node::record;
use node::{Failure, Node, Service as _};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{OPERATOR, PAGE_ROWS, READERS};
use crate::service::Inner;

/// A confirmation that is not booked, or a request that is not answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Problem {
    /// `confirmation` or `request`.
    pub of: String,
    /// 确认单号 or 开具申请号.
    pub id: String,
    /// What stands in its way.
    pub problem: String,
}

/// All of them, up to a page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Problems {
    /// The problems.
    pub problems: Vec<Problem>,
}

/// What is tried again.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Again {
    /// 确认单号 or 开具申请号.
    pub id: String,
}

pub(super) fn operations(api: Api<Inner>) -> Api<Inner> {
    api.get("/problems", READERS, "What could not be dealt with", |service: Arc<Inner>, _, _: Empty| async move {
        list(service.node()).await
    })
    .post("/problem/again", OPERATOR, "Tries one again", |service: Arc<Inner>, caller, asked: Again| async move {
        again(service.node(), &caller, asked.id).await
    })
}

async fn list(node: &Node) -> Result<Problems, Failure> {
    let found: Vec<(String, String, String)> = node
        .database
        .read(|connection| {
            Box::pin(async move {
                let found = sqlx::query_as(
                    "SELECT 'confirmation', confirm_id, problem FROM inner_arrived WHERE problem IS NOT NULL \
                     UNION ALL SELECT 'request', request_id, problem FROM inner_asked WHERE problem IS NOT NULL LIMIT ?1",
                );
                Ok(found.bind(PAGE_ROWS).fetch_all(connection).await?)
            })
        })
        .await?;
    let problems = found.into_iter().map(|(of, id, problem)| Problem { of, id, problem }).collect();
    Ok(Problems { problems })
}

/// Lets the next round try one again.
///
/// # Errors
/// When none of that number waits.
pub async fn again(node: &Node, caller: &Caller, id: String) -> Result<Done, Failure> {
    let act = caller.act(node.clock.now().time17(), "problem-again", id.clone());
    node.database
        .write(move |connection| {
            Box::pin(async move {
                let mut freed = 0;
                for sql in [
                    "UPDATE inner_arrived SET problem = NULL WHERE confirm_id = ?1 AND problem IS NOT NULL",
                    "UPDATE inner_asked SET problem = NULL WHERE request_id = ?1 AND problem IS NOT NULL",
                ] {
                    freed += sqlx::query(sql).bind(id.clone()).execute(&mut *connection).await?.rows_affected();
                }
                if freed == 0 {
                    return Err(Failure::missing("problem", "待处理事项", &id));
                }
                record::note(connection, &act).await
            })
        })
        .await?;
    Ok(Done::YES)
}
