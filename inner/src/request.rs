//! Answering requests of the outer zone (开具申请): a notice is issued, or the request is refused with its reason.

use contract::rows::{NoticeRequest, NoticeRequestItem, NoticeRequestResult};
use contract::rules::{Fault, check_request};
use node::rows::{find_by, insert, select, text};
use node::{Failure, Kind, Moment, Node};
use sqlx::Executor as _;
use sqlx::sqlite::SqliteConnection;

use crate::issue::{Draft, Line, Sealed, issue};
use crate::waiting::Queue;

/// Requests answered in one transaction.
const ANSWERED_AT_ONCE: i64 = 100;
/// The widest reason that an answer carries: the width of its column.
const REASON_WIDTH_MAX: usize = 400;

/// What is asked for and not answered yet.
pub const QUEUE: Queue = Queue {
    of: "request",
    table: "inner_asked",
    id: "request_id",
    at_once: ANSWERED_AT_ONCE,
    deal: |connection, node, request_id, now| Box::pin(answer(connection, node, request_id, now)),
};

async fn answer(connection: &mut SqliteConnection, node: &Node, request_id: &str, now: Moment) -> Result<(), Failure> {
    let request: Option<NoticeRequest> = find_by(connection, request_id).await?;
    let answered: Option<NoticeRequestResult> = find_by(connection, request_id).await?;
    let Some(request) = request.filter(|_| answered.is_none()) else { return Ok(()) };
    let items: Vec<NoticeRequestItem> =
        select(connection, "WHERE request_id = ?1 ORDER BY line_no", &[text(request_id)]).await?;
    // A notice that breaks a rule half-way must leave nothing behind, while the answer stays.
    connection.execute("SAVEPOINT request").await?;
    let issued = issue_for(connection, node, request, items, now).await;
    let end = if issued.is_ok() { "RELEASE request" } else { "ROLLBACK TO request; RELEASE request" };
    connection.execute(end).await?;
    let result = |state, pay_code, reason: Option<(String, String)>| NoticeRequestResult {
        request_id: request_id.to_owned(),
        state,
        pay_code,
        reason_code: reason.as_ref().map(|(code, _)| code.clone()),
        reason: reason.map(|(_, text)| text),
        answer_time: now.time17(),
    };
    let answer = match issued {
        Ok(pay_code) => result(1, Some(pay_code), None),
        // What a request breaks, or what stands in its way, is its answer; what fails here is not.
        Err(failure) if matches!(failure.kind, Kind::Bad | Kind::Conflict) => result(2, None, Some(reason(&failure))),
        Err(failure) => return Err(failure),
    };
    insert(connection, &answer).await
}

async fn issue_for(
    connection: &mut SqliteConnection,
    node: &Node,
    request: NoticeRequest,
    items: Vec<NoticeRequestItem>,
    now: Moment,
) -> Result<String, Failure> {
    let faults = check_request(&request, &items);
    if !faults.is_empty() {
        return Err(Failure::of_faults(faults));
    }
    let id = request.request_id.clone();
    let reseal = |column: &'static str, sealed: Option<String>| {
        // The value is authenticated with its table, so it is encrypted anew for the notice's.
        let Some(sealed) = sealed else { return Ok(None) };
        let plain = node.field_key.open(("notice_request", column), &sealed).ok_or_else(|| {
            let rule = contract::rules::Rule::NotEncrypted;
            Failure::of_faults(vec![Fault::refusal("notice_request", id.as_str(), column, rule)])
        })?;
        node.field_key.seal(("pay_notice", column), &plain, &*node.entropy).map(Some)
    };
    let line =
        |item: NoticeRequestItem| Line { item_code: item.item_code, quantity: item.quantity, unit_fen: item.unit_fen };
    let draft = Draft {
        payer_id_no: reseal("payer_id_no", request.payer_id_no)?,
        payer_phone: reseal("payer_phone", request.payer_phone)?,
        agency_id: request.agency_id,
        biz_line: request.biz_line,
        biz_ref: request.biz_ref,
        payer_type: request.payer_type,
        payer_name: request.payer_name,
        late_fee_fen: 0,
        expire_date: request.expire_date,
        lines: items.into_iter().map(line).collect(),
    };
    let sealed = Sealed { draft, request_id: Some(request.request_id) };
    issue(connection, node, sealed, now).await.map(|notice| notice.pay_code)
}

/// The first broken rule with its sentence in Chinese, cut to what an answer carries.
fn reason(failure: &Failure) -> (String, String) {
    let (code, mut text) = match failure.faults.first() {
        Some(fault) => (fault.rule.code(), fault.chinese()),
        None => (failure.code, failure.message.get(console::Lang::Zh).to_owned()),
    };
    while contract::rules::gbk_width(&text) > REASON_WIDTH_MAX {
        text.pop();
    }
    (code.to_owned(), text)
}
