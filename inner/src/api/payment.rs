//! Payments that were made offline.

use std::sync::Arc;

use node::http::{Access, Api, Caller, Done};
use node::record::{self, Act};
use node::{Failure, Kind, Moment, Node, Service as _};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::sqlite::SqliteConnection;

use super::REVIEWER;
use crate::offline;
use crate::report::{self, COUNTER, Report, Reporter, Taken};
use crate::service::Inner;

/// Payments of one message.
pub const REPORTS_MAX: usize = 1_000;

/// Payments that are reported together; each is taken or not by itself.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reports {
    /// The payments, at most 1 000.
    pub payments: Vec<Report>,
}

/// What became of each, in order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AllTaken {
    /// What became of each.
    pub payments: Vec<Taken>,
}

/// A payment that has gone back.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Refunded {
    /// 线下缴款号.
    pub payment_id: String,
}

pub(super) fn operations(api: Api<Inner>) -> Api<Inner> {
    api.bulk(
        "/offline/report",
        Access::Client(COUNTER),
        "A bank or the police report payments made offline",
        |service: Arc<Inner>, caller, asked: Reports| async move { take_all(service.node(), caller, asked.payments).await },
    )
    .post("/offline/refunded", REVIEWER, "A payment made offline has gone back", |service: Arc<Inner>, caller, asked| async move {
        let asked: Refunded = asked;
        refund(service.node(), &caller, asked.payment_id).await
    })
}

/// Takes the reports of a counter in one transaction, each by itself.
///
/// # Errors
/// When there are none or too many, or whoever asks is no counter; what is wrong with a report stands in what became of it.
pub async fn take_all(node: &Node, caller: Caller, reports: Vec<Report>) -> Result<AllTaken, Failure> {
    if reports.is_empty() || reports.len() > REPORTS_MAX {
        return Err(Failure::new(
            Kind::Bad,
            "payments",
            console::text!("1 to {REPORTS_MAX} payments are taken at once", "一次可受理 1 至 {REPORTS_MAX} 笔"),
            console::Text::fixed("send them in several requests", "请分多次提交"),
        ));
    }
    let reporter = Reporter::of(caller.client()?)?;
    let (for_job, now) = (node.clone(), node.clock.now());
    let act = caller.act(now.time17(), "offline-take", String::new());
    node.database
        .write(move |connection| {
            Box::pin(async move {
                let mut payments = Vec::with_capacity(reports.len());
                for report in reports {
                    payments.push(take_one(connection, &for_job, &reporter, report, (&act, now)).await?);
                }
                Ok(AllTaken { payments })
            })
        })
        .await
}

/// Takes a report, and records what was known of its number before, what it says and what became of it.
async fn take_one(
    connection: &mut SqliteConnection,
    node: &Node,
    reporter: &Reporter,
    report: Report,
    (act, now): (&Act, Moment),
) -> Result<Taken, Failure> {
    let report_id = reporter.report_id(&report.source_ref);
    let kept = report::find(connection, &report_id).await?;
    let said = json!(report);
    let taken = report::take(connection, node, reporter, report, now).await?;
    let act = Act {
        object: format!("inner_report/{report_id}"),
        was: kept.map(|kept| json!({ "report": kept.report }).to_string()),
        is_now: Some(json!({ "report": said, "taken": taken }).to_string()),
        ..act.clone()
    };
    record::note(connection, &act).await?;
    Ok(taken)
}

/// Notes that a payment that was to go back has gone back.
///
/// # Errors
/// When there is none of that number, or it was not to go back.
pub async fn refund(node: &Node, caller: &Caller, payment_id: String) -> Result<Done, Failure> {
    let now = node.clock.now();
    let act = caller.act(now.time17(), "offline-refunded", format!("offline_payment/{payment_id}"));
    node.database
        .write(move |connection| {
            Box::pin(async move {
                offline::refunded(connection, &payment_id, now).await?;
                let (was, is_now) =
                    (json!({ "refund_state": 1 }).to_string(), json!({ "refund_state": 2 }).to_string());
                record::note(connection, &Act { was: Some(was), is_now: Some(is_now), ..act }).await
            })
        })
        .await?;
    Ok(Done::YES)
}
