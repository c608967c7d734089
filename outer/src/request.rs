//! Requests that a notice be issued (缴款书开具), and what the inner zone answered.

use std::sync::Arc;

use console::Text;
use contract::rows::{NoticeRequest, NoticeRequestItem, NoticeRequestResult};
use contract::rules::{Fault, LINES_MAX, Rule, check_request};
use node::client::Client;
use node::rows::{find_by, insert, text};
use node::{Failure, Kind, Moment, guid};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sqlx::sqlite::SqliteConnection;

use crate::content::{digest, taken};
use crate::create::judge_text;
use crate::income::{self, AskedLine};
use crate::kept::kept;
use crate::service::PayNode;

const TABLE: &str = "notice_request";
/// The widest number of a request: as wide as the client's number of an order.
const REQUEST_NO_WIDTH_MAX: usize = 128;
/// The columns that identify the payer.
const ID_NO: (&str, &str) = ("notice_request", "payer_id_no");
const PHONE: (&str, &str) = ("notice_request", "payer_phone");

kept! {
    /// Whose a request is.
    Owned in "outer_request" {
        /// 开具申请号: a GUID.
        request_id: String,
        /// 接入系统: the client that made it.
        client: String,
        /// 申请编号 of the client.
        request_no: String,
        /// 业务号; empty where there is none.
        biz_ref: String,
        /// The digest of what the client asked for, without what identifies the payer.
        content: String,
        /// 创建时间: yyyyMMddHHmmssSSS.
        create_time: String,
    }
}

/// A request that a notice be issued.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRequest {
    /// 申请编号: unique for the client and the business reference.
    pub request_no: String,
    /// 执收单位: the id of the agency.
    pub agency_id: String,
    /// 业务条线: GENERAL, TRAFFIC, IMMIGRATION, SCHOOL or EXAM.
    pub biz_line: String,
    /// 业务号.
    pub biz_ref: Option<String>,
    /// 缴款人类型: 1 个人, 2 单位.
    pub payer_type: i64,
    /// 缴款人全称.
    pub payer_name: String,
    /// 缴款人证件号.
    pub payer_id_no: Option<String>,
    /// 缴款人手机号.
    pub payer_phone: Option<String>,
    /// 应缴金额, in fen: the sum of the lines.
    pub amount_fen: i64,
    /// 缴款期限: yyyyMMdd, the last day.
    pub expire_date: Option<String>,
    /// 明细.
    pub lines: Vec<AskedLine>,
}

/// Which request.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RequestAsked {
    /// 开具申请号.
    pub request_id: String,
}

/// Which request of the client's own.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OwnRequestAsked {
    /// 开具申请号, or `request_no`.
    pub request_id: Option<String>,
    /// 申请编号 of the client.
    pub request_no: Option<String>,
    /// 业务号, together with `request_no`.
    pub biz_ref: Option<String>,
}

/// How far a request is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Answer {
    /// 待答复.
    Pending,
    /// 已开具.
    Issued,
    /// 已退回.
    Refused,
}

/// A request and its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RequestShown {
    /// 开具申请号.
    pub request_id: String,
    /// How far it is.
    pub answer: Answer,
    /// 缴款码 of the notice that was issued.
    pub pay_code: Option<String>,
    /// 退回原因编码.
    pub reason_code: Option<String>,
    /// 退回原因.
    pub reason: Option<String>,
    /// 答复时间: yyyyMMddHHmmssSSS.
    pub answer_time: Option<String>,
}

/// What a request must be to be the same as one that was made before.
#[derive(Clone)]
struct Before {
    client: String,
    request_no: String,
    biz_ref: String,
    content: String,
    id_no: Option<String>,
    phone: Option<String>,
}

impl Before {
    async fn find(&self, own: &PayNode, connection: &mut SqliteConnection) -> Result<Option<String>, Failure> {
        let Some(known) = owned(connection, &self.client, &self.request_no, &self.biz_ref).await? else {
            return Ok(None);
        };
        let request = find_by::<NoticeRequest>(connection, &known.request_id).await?;
        let open = |place, sealed: &Option<String>| {
            sealed.as_deref().and_then(|sealed| own.node.field_key.open(place, sealed))
        };
        let is_same = request.is_some_and(|request| {
            open(ID_NO, &request.payer_id_no) == self.id_no && open(PHONE, &request.payer_phone) == self.phone
        });
        if is_same && known.content == self.content {
            return Ok(Some(known.request_id));
        }
        Err(taken("request-no-taken", &self.request_no))
    }
}

async fn owned(
    connection: &mut SqliteConnection,
    client: &str,
    request_no: &str,
    biz_ref: &str,
) -> Result<Option<Owned>, Failure> {
    let rest = "WHERE client = ?1 AND biz_ref = ?2 AND request_no = ?3";
    Ok(Owned::select(connection, rest, &[text(client), text(biz_ref), text(request_no)]).await?.into_iter().next())
}

/// A request with its lines, before it is written.
struct Draft {
    request: NoticeRequest,
    items: Vec<NoticeRequestItem>,
}

/// Makes a request. The same document under the same numbers yields the request that it made before.
///
/// # Errors
/// What is wrong with it, or that its number was used for something else.
pub async fn create(own: &Arc<PayNode>, client: &Client, asked: NewRequest) -> Result<RequestShown, Failure> {
    judge_text("request_no", &asked.request_no, REQUEST_NO_WIDTH_MAX)?;
    income::judge_client(client, &asked.agency_id)?;
    if asked.lines.len() > LINES_MAX {
        let rule = Rule::TooManyLines { most: LINES_MAX };
        return Err(Failure::of_faults(vec![Fault::refusal(TABLE, "", "line_no", rule)]));
    }
    let before = Before {
        client: client.id.clone(),
        request_no: asked.request_no.clone(),
        biz_ref: asked.biz_ref.clone().unwrap_or_default(),
        content: digest(&NewRequest { payer_id_no: None, payer_phone: None, ..asked.clone() })?,
        id_no: asked.payer_id_no.clone(),
        phone: asked.payer_phone.clone(),
    };
    let (reader, check) = (Arc::clone(own), before.clone());
    let draft = own
        .read(move |connection| {
            Box::pin(async move {
                if let Some(request_id) = check.find(&reader, connection).await? {
                    return Ok(Err(request_id));
                }
                draft(&reader, connection, asked).await.map(Ok)
            })
        })
        .await?;
    let request_id = match draft {
        Err(request_id) => request_id,
        Ok(draft) => {
            own.write(move |own, connection| Box::pin(async move { add(&own, connection, before, draft).await }))
                .await?
        }
    };
    show(own, RequestAsked { request_id }).await
}

async fn add(
    own: &PayNode,
    connection: &mut SqliteConnection,
    before: Before,
    draft: Draft,
) -> Result<String, Failure> {
    if let Some(request_id) = before.find(own, connection).await? {
        return Ok(request_id);
    }
    let request_id = draft.request.request_id.clone();
    let owned = Owned {
        request_id: request_id.clone(),
        client: before.client,
        request_no: before.request_no,
        biz_ref: before.biz_ref,
        content: before.content,
        create_time: draft.request.create_time.clone(),
    };
    owned.add(connection).await?;
    insert(connection, &draft.request).await?;
    for item in &draft.items {
        insert(connection, item).await?;
    }
    Ok(request_id)
}

async fn draft(own: &PayNode, connection: &mut SqliteConnection, asked: NewRequest) -> Result<Draft, Failure> {
    let now = own.node.clock.now();
    let today = now.date8();
    let agency = match income::agency(connection, TABLE, &asked.agency_id, &today).await? {
        Ok(agency) => agency,
        Err(fault) => return Err(Failure::of_faults(vec![fault])),
    };
    let checked = income::items(connection, "notice_request_item", &agency.id, &asked.lines, &today).await?;
    let mut faults = checked.err().unwrap_or_default();
    let draft = paper(own, agency.mof_div_code, asked, now)?;
    let ends_early = draft.request.expire_date.as_ref().is_some_and(|end| *end < today);
    faults.extend(ends_early.then(|| Fault::refusal(TABLE, "", "expire_date", Rule::EndsBeforeStart)));
    faults.extend(check_request(&draft.request, &draft.items));
    if faults.is_empty() { Ok(draft) } else { Err(Failure::of_faults(faults)) }
}

fn paper(own: &PayNode, mof_div_code: String, asked: NewRequest, now: Moment) -> Result<Draft, Failure> {
    let entropy = &*own.node.entropy;
    let seal =
        |place, plain: Option<String>| plain.map(|plain| own.node.field_key.seal(place, &plain, entropy)).transpose();
    let request_id = guid(entropy, now)?;
    let item = |(line_no, line): (i64, AskedLine)| NoticeRequestItem {
        request_id: request_id.clone(),
        line_no,
        item_code: line.item_code,
        quantity: line.quantity,
        unit_fen: line.unit_fen,
        amount_fen: line.amount_fen,
    };
    let items = (1..).zip(asked.lines).map(item).collect();
    let request = NoticeRequest {
        request_id,
        mof_div_code,
        fiscal_year: now.date8()[..4].to_owned(),
        agency_id: asked.agency_id,
        biz_line: asked.biz_line,
        biz_ref: asked.biz_ref,
        payer_type: asked.payer_type,
        payer_name: asked.payer_name,
        payer_id_no: seal(ID_NO, asked.payer_id_no)?,
        payer_phone: seal(PHONE, asked.payer_phone)?,
        amount_fen: asked.amount_fen,
        expire_date: asked.expire_date,
        create_time: now.time17(),
        update_time: now.time17(),
    };
    Ok(Draft { request, items })
}

/// A request and its answer. The number of a request is a secret of whoever made it.
///
/// # Errors
/// When there is none of that number.
pub async fn show(own: &PayNode, asked: RequestAsked) -> Result<RequestShown, Failure> {
    own.read(move |connection| {
        Box::pin(async move {
            if find_by::<NoticeRequest>(connection, &asked.request_id).await?.is_none() {
                return Err(Failure::missing("request", "开具申请", &asked.request_id));
            }
            let answer = find_by::<NoticeRequestResult>(connection, &asked.request_id).await?;
            Ok(shown(asked.request_id, answer))
        })
    })
    .await
}

/// 已开具.
const ISSUED: i64 = 1;

fn shown(request_id: String, answer: Option<NoticeRequestResult>) -> RequestShown {
    let state = match &answer {
        None => Answer::Pending,
        Some(answer) if answer.state == ISSUED => Answer::Issued,
        Some(_) => Answer::Refused,
    };
    let answer = answer.unwrap_or_default();
    RequestShown {
        request_id,
        answer: state,
        pay_code: answer.pay_code,
        reason_code: answer.reason_code,
        reason: answer.reason,
        answer_time: (state != Answer::Pending).then_some(answer.answer_time),
    }
}

/// A request of the client's own and its answer.
///
/// # Errors
/// When it has none of that number.
pub async fn show_own(own: &PayNode, client: &Client, asked: OwnRequestAsked) -> Result<RequestShown, Failure> {
    let of = client.id.clone();
    let request_id = own
        .read(move |connection| {
            Box::pin(async move {
                let (found, key) = match (asked.request_id, asked.request_no) {
                    (Some(id), None) => {
                        let found = Owned::select(connection, "WHERE request_id = ?1", &[text(&id)]).await?;
                        (found.into_iter().find(|one| one.client == of), id)
                    }
                    (None, Some(no)) => {
                        let biz_ref = asked.biz_ref.unwrap_or_default();
                        (owned(connection, &of, &no, &biz_ref).await?, no)
                    }
                    (Some(_), Some(_)) | (None, None) => return Err(one_of()),
                };
                found.map(|one| one.request_id).ok_or_else(|| Failure::missing("request", "开具申请", &key))
            })
        })
        .await?;
    show(own, RequestAsked { request_id }).await
}

fn one_of() -> Failure {
    Failure::new(
        Kind::Bad,
        "one-number",
        Text::fixed("send request_id or request_no, one of them", "request_id 与 request_no 应填写其一"),
        Text::fixed("leave the other one out", "请勿同时填写"),
    )
}
