//! What came and could not be dealt with: it waits for people, and everything else goes on.

use std::sync::Arc;

use node::http::{Api, Caller, Done, Empty};
use node::record;
use node::{Failure, Node, Service as _};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{OPERATOR, PAGE_ROWS, READERS};
use crate::push::{self, Untold};
use crate::report::{self, Report};
use crate::service::Inner;
use crate::waiting;

/// Something that came and is not booked or not answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Problem {
    /// `confirmation`, `request`, `report` (of a counter) or `returned` (an offline payment that came back after a restore).
    pub of: String,
    /// 确认单号, 开具申请号, 报送号 (reporter/流水号) or 线下缴款号.
    pub id: String,
    /// What stands in its way.
    pub problem: String,
    /// What a report says that is kept.
    pub report: Option<Report>,
}

/// All of them, up to a page of each kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Problems {
    /// The problems.
    pub problems: Vec<Problem>,
    /// Agencies that have messages waiting and no system that could be told, up to a page.
    pub untold: Vec<Untold>,
}

/// What is tried again.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Again {
    /// The id of the problem.
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

/// What waits for people.
///
/// # Errors
/// When the database cannot be read.
pub async fn list(node: &Node) -> Result<Problems, Failure> {
    let read = node.database.read(|connection| {
        Box::pin(async move {
            let mut problems = Vec::new();
            for one in waiting::problems(connection, PAGE_ROWS).await? {
                let kept = if one.of == report::QUEUE.of { report::find(connection, &one.id).await? } else { None };
                let report = kept.map(|kept| kept.report);
                problems.push(Problem { of: one.of.to_owned(), id: one.id, problem: one.problem, report });
            }
            Ok(Problems { problems, untold: push::untold(connection, PAGE_ROWS).await? })
        })
    });
    read.await
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
                if !waiting::free(connection, &id).await? {
                    return Err(Failure::missing("problem", "待处理事项", &id));
                }
                record::note(connection, &act).await
            })
        })
        .await?;
    Ok(Done::YES)
}
