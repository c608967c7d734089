//! The interface for a ledger that is there already (现有非税系统): it pushes base data and notices, and pulls bookings.

use std::sync::Arc;

use node::http::{Access, Api, Caller};
use node::{Failure, Kind, Node, Service as _};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::LEDGER;
use super::books::{self, Looked, Page};
use super::notice::{Drafts, Issued, issue_all};
use crate::base::{Edit, Edited, edit};
use crate::service::Inner;

/// Rows of base data of one message.
pub const EDITS_MAX: usize = 500;

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
    let ledger = Access::Client(LEDGER);
    api.post(
        "/ledger/base",
        ledger,
        "Pushes base data, all or none",
        |service: Arc<Inner>, caller, asked: Edits| async move { edit_all(service.node(), caller, asked.rows).await },
    )
    .post(
        "/ledger/notices",
        ledger,
        "Has notices issued, all or none",
        |service: Arc<Inner>, caller, asked: Drafts| async move {
            let issued: Issued = issue_all(service.node(), caller, asked.drafts).await?;
            Ok(issued)
        },
    )
    .post(
        "/ledger/bookings",
        ledger,
        "Pulls bookings after one",
        |service: Arc<Inner>, _, asked: Looked| async move {
            let page: Page = books::look(service.node(), asked).await?;
            Ok(page)
        },
    )
}

async fn edit_all(node: &Node, caller: Caller, rows: Vec<Edit>) -> Result<AllEdited, Failure> {
    if rows.is_empty() || rows.len() > EDITS_MAX {
        return Err(Failure::new(
            Kind::Bad,
            "rows",
            console::text!("1 to {EDITS_MAX} rows are taken at once", "一次可受理 1 至 {EDITS_MAX} 行"),
            console::Text::fixed("send them in several messages", "请分多次发送"),
        ));
    }
    let (for_job, now) = (node.clone(), node.clock.now());
    let act = caller.act(now.time17(), "base-edit", String::new());
    node.database
        .write(move |connection| {
            Box::pin(async move {
                let mut edited = Vec::with_capacity(rows.len());
                for row in rows {
                    edited.push(edit(connection, &for_job, row, act.clone(), now).await?);
                }
                Ok(AllEdited { rows: edited })
            })
        })
        .await
}
