//! What the intranet node can be asked.

mod base;
mod books;
mod ledger;
mod notice;
mod payment;
mod problem;

use node::desk;
use node::http::{Access, Api};
use node::people::Role;

use crate::report::{COUNTER_BANK, COUNTER_POLICE};
use crate::service::Inner;

/// Whoever may look.
const READERS: Access = Access::People(&[Role::Operator, Role::Reviewer, Role::Auditor]);
/// Whoever enters.
const OPERATOR: Access = Access::People(&[Role::Operator]);
/// Whoever allows what another one asked for.
const REVIEWER: Access = Access::People(&[Role::Reviewer]);
/// A ledger that is there already (现有非税系统).
pub const LEDGER: &str = "ledger";
/// Every permission of a client.
pub const PERMISSIONS: &[&str] = &[LEDGER, COUNTER_BANK, COUNTER_POLICE, crate::push::AGENCY];

pub use books::{Booking, Looked, Summed, Total, look, look_at, sum};
pub use notice::{Drafts, issue_all, proposals};
pub use payment::{refund, take_all};
pub use problem::{again, list as problems};

/// Rows of one page: what a person reads, or a message carries.
const PAGE_ROWS: i64 = 200;

/// All operations.
#[must_use]
pub fn operations() -> Api<Inner> {
    let api = desk::operations(Api::new());
    let api = base::operations(api);
    let api = notice::operations(api);
    let api = payment::operations(api);
    let api = problem::operations(books::operations(api));
    ledger::operations(api)
}

/// A page of bookings for the command line.
///
/// # Errors
/// When the database cannot be read.
pub async fn bookings(node: &node::Node, asked: Looked) -> Result<console::Output, console::Fault> {
    let page = look(node, asked).await.map_err(|failure| failure.fault())?;
    let line = |one: &Booking| {
        let code = one.pay_code.as_deref().unwrap_or("-");
        let yuan = console::yuan(i128::from(one.amount_fen));
        let Booking { seq, book_no, source, agency_id, match_state, decision, .. } = one;
        format!("{seq}\t{book_no}\t{source}\t{agency_id}\t{code}\t{yuan}\t{match_state}\t{decision}\n")
    };
    let human = page.bookings.iter().map(line).collect::<String>();
    Ok(console::Output::new(human, serde_json::json!(page)))
}

/// A page of sums by agency for the command line.
///
/// # Errors
/// When the database cannot be read.
pub async fn totals(node: &node::Node, asked: Summed) -> Result<console::Output, console::Fault> {
    let page = sum(node, asked).await.map_err(|failure| failure.fault())?;
    let line = |one: &Total| {
        let yuan = console::yuan(i128::from(one.amount_fen));
        let name = one.agency_name.as_deref().unwrap_or("-");
        format!("{}\t{name}\t{}\t{yuan}\n", one.agency_id, one.count)
    };
    let human = page.totals.iter().map(line).collect::<String>();
    Ok(console::Output::new(human, serde_json::json!(page)))
}
