//! The ledger: what was booked.

use std::sync::Arc;

use node::http::Api;
use node::{Failure, Node, Service as _};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{PAGE_ROWS, READERS};
use crate::service::Inner;

/// What is looked for. Everything that is given must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Looked {
    /// 缴款码.
    pub pay_code: Option<String>,
    /// 执收单位.
    pub agency_id: Option<String>,
    /// 处理决定: 1 入账, 2 线上退付, 3 线下退付, 4 人工核查.
    pub decision: Option<i64>,
    /// 匹配结果: 1 相符, 2 重复, 3 金额不符, 4 无通知书.
    pub match_state: Option<i64>,
    /// The number of the change after which the page begins: the largest `seq` that was pulled.
    pub after: Option<i64>,
}

/// A booking.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Booking {
    /// The number of the booking's last change. A booking that is written or decided about gets a number larger than any before, also
    /// after a backup was put back: whoever pulls by it hears of every booking, and again of each that changed, under the same
    /// `book_no`.
    pub seq: i64,
    /// 记账号.
    pub book_no: String,
    /// ONLINE, BANK or POLICE_BATCH.
    pub source: String,
    /// 确认单号 or 线下缴款号.
    pub payment_id: String,
    /// 缴款码.
    pub pay_code: Option<String>,
    /// 执收单位.
    pub agency_id: String,
    /// 金额, in fen.
    pub amount_fen: i64,
    /// 业务日期, yyyyMMdd.
    pub pay_date: String,
    /// 匹配结果.
    pub match_state: i64,
    /// 处理决定.
    pub decision: i64,
    /// 先行缴款: the payment that came first.
    pub other_ref: Option<String>,
    /// 记账时间, yyyyMMddHHmmssSSS.
    pub book_time: String,
}

/// A page of bookings, those that have not changed for longest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Page {
    /// The bookings.
    pub bookings: Vec<Booking>,
}

pub(super) fn operations(api: Api<Inner>) -> Api<Inner> {
    api.get("/bookings", READERS, "What was booked", |service: Arc<Inner>, _, asked: Looked| async move {
        look(service.node(), asked).await
    })
}

type Found = (i64, String, String, String, Option<String>, String, i64, String, i64, i64, Option<String>, String);

/// A page of bookings.
///
/// # Errors
/// When the database cannot be read.
pub async fn look(node: &Node, asked: Looked) -> Result<Page, Failure> {
    let found: Vec<Found> = node
        .database
        .read(move |connection| {
            Box::pin(async move {
                let found = sqlx::query_as(
                    "SELECT seq, book_no, source, payment_id, pay_code, agency_id, amount_fen, pay_date, match_state, decision, \
                     other_ref, book_time FROM inner_book WHERE (?1 IS NULL OR pay_code = ?1) AND (?2 IS NULL OR agency_id = ?2) \
                     AND (?3 IS NULL OR decision = ?3) AND (?4 IS NULL OR match_state = ?4) AND (?5 IS NULL OR seq > ?5) \
                     ORDER BY seq LIMIT ?6",
                )
                .bind(asked.pay_code)
                .bind(asked.agency_id)
                .bind(asked.decision)
                .bind(asked.match_state)
                .bind(asked.after)
                .bind(PAGE_ROWS);
                Ok(found.fetch_all(connection).await?)
            })
        })
        .await?;
    Ok(Page { bookings: found.into_iter().map(of_found).collect() })
}

fn of_found(found: Found) -> Booking {
    let (
        seq,
        book_no,
        source,
        payment_id,
        pay_code,
        agency_id,
        amount_fen,
        pay_date,
        match_state,
        decision,
        other_ref,
        time,
    ) = found;
    Booking {
        seq,
        book_no,
        source,
        payment_id,
        pay_code,
        agency_id,
        amount_fen,
        pay_date,
        match_state,
        decision,
        other_ref,
        book_time: time,
    }
}
