//! Notices: issuing them singly and in bulk, looking at them, and voiding them by two people.

use std::collections::BTreeSet;
use std::sync::Arc;

use contract::rows::{PayNotice, PayNoticeItem, Row as _};
use node::http::{Api, Caller, Done, Empty};
use node::record::{self, Act};
use node::rows::{find_by, select, text};
use node::{Failure, Kind, Node, Service as _};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::books::{Booking, of_payment};
use super::{OPERATOR, PAGE_ROWS, READERS, REVIEWER};
use crate::base::masked;
use crate::issue::{Draft, issue};
use crate::proposal::{self, Asked, Proposal};
use crate::receipt::Ticket;
use crate::service::Inner;
use crate::wish::Wish;

/// Notices issued at once: a transaction of some thousand rows, which ferry carries as one group.
pub const DRAFTS_MAX: usize = 500;

/// Notices that are to be issued together, all or none.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Drafts {
    /// 请求编号: whoever gives one is answered once, as a ledger is.
    pub request_no: Option<String>,
    /// The drafts, at most 500.
    pub drafts: Vec<Draft>,
}

/// What was issued.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Issued {
    /// 缴款码, in the order of the drafts.
    pub pay_codes: Vec<String>,
}

/// A notice that is looked for.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Looked {
    /// 缴款码.
    pub pay_code: String,
}

/// A notice, its sensitive values masked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Shown {
    /// The notice: values by column.
    pub notice: Value,
    /// Its lines.
    pub items: Vec<Value>,
}

/// A proposal that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Proposed {
    /// Its number.
    pub id: i64,
}

/// A decision about a proposal.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Decided {
    /// The proposal's number.
    pub id: i64,
    /// Whether it is allowed.
    pub is_allowed: bool,
}

/// Proposals: those that wait first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Proposals {
    /// The proposals.
    pub proposals: Vec<Proposal>,
    /// The bookings that they are about, known by `payment_id`: with the difference that two people decide about.
    pub bookings: Vec<Booking>,
}

pub(super) fn operations(api: Api<Inner>) -> Api<Inner> {
    api.bulk(
        "/notice/issue",
        OPERATOR,
        "Issues notices, all or none",
        |service: Arc<Inner>, caller, asked: Drafts| async move { issue_all(service.node(), caller, asked).await },
    )
    .get("/notice", READERS, "A notice with its lines", |service: Arc<Inner>, _, asked: Looked| async move {
        look(service.node(), asked.pay_code).await
    })
    .post(
        "/proposal/ask",
        OPERATOR,
        "Asks for what a second person must allow",
        |service: Arc<Inner>, caller, asked| async move { ask(service.node(), caller, asked).await },
    )
    .post(
        "/proposal/decide",
        REVIEWER,
        "Allows or refuses what another person asked for",
        |service: Arc<Inner>, caller, asked| async move { decide(service.node(), caller, asked).await },
    )
    .get("/proposals", READERS, "What waits for a second person", |service: Arc<Inner>, _, _: Empty| async move {
        proposals(service.node()).await
    })
}

/// Issues notices in one transaction. The same request under the same number is answered as the first time.
///
/// # Errors
/// When one of them breaks a rule, or something else was asked under the number: then none is issued.
pub async fn issue_all(node: &Node, caller: Caller, asked: Drafts) -> Result<Issued, Failure> {
    let Drafts { request_no, drafts } = asked;
    if drafts.is_empty() || drafts.len() > DRAFTS_MAX {
        return Err(Failure::new(
            Kind::Bad,
            "drafts",
            console::text!("1 to {DRAFTS_MAX} drafts are issued at once", "一次可开具 1 至 {DRAFTS_MAX} 份"),
            console::Text::fixed("send them in several requests", "请分多次提交"),
        ));
    }
    let ticket = request_no.map(|number| Ticket::new(caller.name(), number, &("notices", &drafts))).transpose()?;
    let sealed = drafts.into_iter().map(|draft| draft.seal(node)).collect::<Result<Vec<_>, _>>()?;
    let (for_job, now) = (node.clone(), node.clock.now());
    let act = caller.act(now.time17(), "notice-issue", String::new());
    node.database
        .write(move |connection| {
            Box::pin(async move {
                if let Some(ticket) = &ticket
                    && let Some(answer) = ticket.answered(connection, &for_job).await?
                {
                    return Ok(answer);
                }
                let mut pay_codes = Vec::with_capacity(sealed.len());
                for one in sealed {
                    let notice = issue(connection, &for_job, one, now).await?;
                    let act = Act {
                        object: format!("pay_notice/{}", notice.pay_code),
                        is_now: Some(crate::base::document(&PayNotice::TABLE, &notice.cells()).to_string()),
                        ..act.clone()
                    };
                    record::note(connection, &act).await?;
                    pay_codes.push(notice.pay_code);
                }
                let answer = Issued { pay_codes };
                if let Some(ticket) = ticket {
                    ticket.keep(connection, &for_job, &answer, now).await?;
                }
                Ok(answer)
            })
        })
        .await
}

async fn look(node: &Node, pay_code: String) -> Result<Shown, Failure> {
    let found = node.database.read(move |connection| {
        Box::pin(async move {
            let notice: Option<PayNotice> = find_by(connection, &pay_code).await?;
            let notice = notice.ok_or_else(|| Failure::missing("notice", "缴款通知书", &pay_code))?;
            let items: Vec<PayNoticeItem> =
                select(connection, "WHERE pay_code = ?1 ORDER BY line_no", &[text(&pay_code)]).await?;
            Ok((notice, items))
        })
    });
    let (notice, items) = found.await?;
    let items = items.iter().map(|item| masked(node, &PayNoticeItem::TABLE, &item.cells())).collect();
    Ok(Shown { notice: masked(node, &PayNotice::TABLE, &notice.cells()), items })
}

/// Proposals, with the bookings that they are about.
///
/// # Errors
/// When the database cannot be read.
pub async fn proposals(node: &Node) -> Result<Proposals, Failure> {
    let read = node.database.read(|connection| {
        Box::pin(async move {
            let proposals = proposal::list(connection, PAGE_ROWS).await?;
            let mut about = BTreeSet::new();
            for one in &proposals {
                let wish: Wish = serde_json::from_str(&one.wish).map_err(Failure::internal)?;
                about.extend(wish.payment_id().map(str::to_owned));
            }
            let mut bookings = Vec::with_capacity(about.len());
            for payment_id in about {
                bookings.extend(of_payment(connection, &payment_id).await?);
            }
            Ok(Proposals { proposals, bookings })
        })
    });
    read.await
}

async fn ask(node: &Node, caller: Caller, asked: Asked) -> Result<Proposed, Failure> {
    let now = node.clock.now();
    let act = caller.act(now.time17(), "proposal-ask", String::new());
    let asked = node
        .database
        .write(move |connection| Box::pin(async move { proposal::ask(connection, asked, act, now).await }));
    Ok(Proposed { id: asked.await? })
}

async fn decide(node: &Node, caller: Caller, asked: Decided) -> Result<Done, Failure> {
    let (for_job, now) = (node.clone(), node.clock.now());
    let act = caller.act(now.time17(), "proposal-decide", String::new());
    node.database
        .write(move |connection| {
            Box::pin(async move { proposal::decide(connection, &for_job, asked.id, asked.is_allowed, act, now).await })
        })
        .await?;
    Ok(Done::YES)
}
