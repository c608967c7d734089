//! The interface for a ledger that is there already (现有非税系统): it pushes base data and notices, and pulls bookings.
//!
//! A push has a number of the ledger's. The same push again, because its answer was lost say, is answered as the first time.

use std::sync::Arc;

use node::http::{Access, Api, Caller};
use node::{Failure, Node, Service as _};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::LEDGER;
use super::base::AllEdited;
use super::books::{self, Looked, Page};
use super::notice::{Drafts, issue_all};
use crate::base::{Edit, edit_all};
use crate::issue::Draft;
use crate::receipt::Ticket;
use crate::service::Inner;

/// Rows of base data that are pushed together, all or none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PushedRows {
    /// 请求编号: the ledger's own, 1 to 64 printable ASCII characters; known for ninety days.
    pub request_no: String,
    /// The rows, at most 500; what is referred to comes first.
    pub rows: Vec<Edit>,
}

/// Notices that a ledger has issued together, all or none.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PushedDrafts {
    /// 请求编号: the ledger's own, 1 to 64 printable ASCII characters; known for ninety days.
    pub request_no: String,
    /// The drafts, at most 500.
    pub drafts: Vec<Draft>,
}

pub(super) fn operations(api: Api<Inner>) -> Api<Inner> {
    let ledger = Access::Client(LEDGER);
    api.bulk(
        "/ledger/base",
        ledger,
        "Pushes base data, all or none",
        |service: Arc<Inner>, caller, asked: PushedRows| async move { push_rows(service.node(), caller, asked).await },
    )
    .bulk(
        "/ledger/notices",
        ledger,
        "Has notices issued, all or none",
        |service: Arc<Inner>, caller, asked: PushedDrafts| async move {
            let drafts = Drafts { request_no: Some(asked.request_no), drafts: asked.drafts };
            issue_all(service.node(), caller, drafts).await
        },
    )
    .post(
        "/ledger/bookings",
        ledger,
        "Pulls bookings, and what was decided about them, after a number",
        |service: Arc<Inner>, _, asked: Looked| async move {
            let page: Page = books::look(service.node(), asked).await?;
            Ok(page)
        },
    )
}

async fn push_rows(node: &Node, caller: Caller, asked: PushedRows) -> Result<AllEdited, Failure> {
    let ticket = Ticket::new(caller.name(), asked.request_no, &("base", &asked.rows))?;
    let (for_job, now) = (node.clone(), node.clock.now());
    let act = caller.act(now.time17(), "base-edit", String::new());
    node.database
        .write(move |connection| {
            Box::pin(async move {
                if let Some(answer) = ticket.answered(connection, &for_job).await? {
                    return Ok(answer);
                }
                let answer = AllEdited { rows: edit_all(connection, &for_job, asked.rows, act, now).await? };
                ticket.keep(connection, &for_job, &answer, now).await?;
                Ok(answer)
            })
        })
        .await
}
