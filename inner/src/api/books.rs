//! The ledger: what was booked.

use std::sync::Arc;

use contract::rows::{OfflinePayment, PayConfirm, PayConfirmItem, Row as _};
use node::http::Api;
use node::rows::{find_by, select, text};
use node::{Failure, Node, Service as _};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::sqlite::SqliteConnection;

use super::{PAGE_ROWS, READERS};
use crate::base::masked;
use crate::matching;
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
    /// 业务条线, of the confirmation or the notice.
    pub biz_line: Option<String>,
    /// 业务号, the same way.
    pub biz_ref: Option<String>,
    /// 金额, in fen.
    pub amount_fen: i64,
    /// 差额, in fen: how much more was paid than the notice asks for, where the amount is another.
    pub diff_fen: i64,
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

/// A booking that is looked at.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct One {
    /// 记账号.
    pub book_no: String,
}

/// A booking with what was paid.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Shown {
    /// The booking.
    pub booking: Booking,
    /// The confirmation, or the offline payment: values by column, sensitive ones masked.
    pub payment: Value,
    /// The confirmation's lines.
    pub lines: Vec<Value>,
    /// What the confirmation breaks by itself, as an error of the interface lists it.
    pub faults: Value,
}

/// Which bookings are summed up. Everything that is given must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Summed {
    /// 执收单位.
    pub agency_id: Option<String>,
    /// 处理决定.
    pub decision: Option<i64>,
    /// 匹配结果; 4 无通知书.
    pub match_state: Option<i64>,
    /// 业务日期 from, yyyyMMdd.
    pub from_date: Option<String>,
    /// 业务日期 until, yyyyMMdd.
    pub to_date: Option<String>,
    /// The agency after which the page begins.
    pub after: Option<String>,
}

/// What was booked for an agency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Total {
    /// 执收单位.
    pub agency_id: String,
    /// Its name, where base data has it.
    pub agency_name: Option<String>,
    /// 笔数.
    pub count: i64,
    /// 金额, in fen.
    pub amount_fen: i64,
}

/// A page of sums, by agency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Totals {
    /// The sums.
    pub totals: Vec<Total>,
}

pub(super) fn operations(api: Api<Inner>) -> Api<Inner> {
    api.get("/bookings", READERS, "What was booked", |service: Arc<Inner>, _, asked: Looked| async move {
        look(service.node(), asked).await
    })
    .get("/booking", READERS, "A booking with what was paid", |service: Arc<Inner>, _, asked: One| async move {
        look_at(service.node(), asked.book_no).await
    })
    .get(
        "/bookings/totals",
        READERS,
        "Count and sum of what was booked, by agency",
        |service: Arc<Inner>, _, asked: Summed| async move { sum(service.node(), asked).await },
    )
}

/// What a booking is read from: its line, and what the contract's tables say of it.
const BOOKING_SQL: &str = "SELECT b.seq, b.book_no, b.source, b.payment_id, b.pay_code, b.agency_id, coalesce(o.biz_line, n.biz_line), \
    coalesce(o.biz_ref, n.biz_ref), b.amount_fen, \
    coalesce(r.diff_fen, CASE b.match_state WHEN 3 THEN b.amount_fen - n.total_fen END, 0), b.pay_date, b.match_state, b.decision, \
    b.other_ref, b.book_time FROM inner_book AS b LEFT JOIN pay_confirm AS o ON o.confirm_id = b.payment_id \
    LEFT JOIN confirm_result AS r ON r.confirm_id = b.payment_id LEFT JOIN pay_notice AS n ON n.pay_code = b.pay_code ";

type Found = (
    i64,
    String,
    String,
    String,
    Option<String>,
    String,
    Option<String>,
    Option<String>,
    i64,
    i64,
    String,
    i64,
    i64,
    Option<String>,
    String,
);

/// A page of bookings.
///
/// # Errors
/// When the database cannot be read.
pub async fn look(node: &Node, asked: Looked) -> Result<Page, Failure> {
    let sql = format!(
        "{BOOKING_SQL} WHERE (?1 IS NULL OR b.pay_code = ?1) AND (?2 IS NULL OR b.agency_id = ?2) \
         AND (?3 IS NULL OR b.decision = ?3) AND (?4 IS NULL OR b.match_state = ?4) AND (?5 IS NULL OR b.seq > ?5) \
         ORDER BY b.seq LIMIT ?6"
    );
    let found: Vec<Found> = node
        .database
        .read(move |connection| {
            Box::pin(async move {
                let found = sqlx::query_as(sqlx::AssertSqlSafe(sql))
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

/// The booking of a payment, if it is in the books.
pub(super) async fn of_payment(
    connection: &mut SqliteConnection,
    payment_id: &str,
) -> Result<Option<Booking>, Failure> {
    let sql = format!("{BOOKING_SQL} WHERE b.payment_id = ?1");
    let found: Option<Found> =
        sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(payment_id.to_owned()).fetch_optional(connection).await?;
    Ok(found.map(of_found))
}

/// A booking with what was paid.
///
/// # Errors
/// When there is none of that number.
pub async fn look_at(node: &Node, book_no: String) -> Result<Shown, Failure> {
    let for_job = node.clone();
    node.database.read(move |connection| Box::pin(async move { shown(connection, &for_job, &book_no).await })).await
}

async fn shown(connection: &mut SqliteConnection, node: &Node, book_no: &str) -> Result<Shown, Failure> {
    let payment_id: Option<String> = sqlx::query_scalar("SELECT payment_id FROM inner_book WHERE book_no = ?1")
        .bind(book_no.to_owned())
        .fetch_optional(&mut *connection)
        .await?;
    let payment_id = payment_id.ok_or_else(|| Failure::missing("booking", "入账记录", book_no))?;
    let booking = of_payment(connection, &payment_id).await?;
    let booking = booking.ok_or_else(|| Failure::missing("booking", "入账记录", book_no))?;
    let confirm: Option<PayConfirm> = find_by(connection, &payment_id).await?;
    let Some(confirm) = confirm else {
        let payment: Option<OfflinePayment> = find_by(connection, &payment_id).await?;
        let payment = payment.map(|payment| masked(node, &OfflinePayment::TABLE, &payment.cells()));
        return Ok(Shown { booking, payment: payment.unwrap_or_default(), lines: Vec::new(), faults: json!([]) });
    };
    let items: Vec<PayConfirmItem> =
        select(connection, "WHERE confirm_id = ?1 ORDER BY line_no", &[text(&payment_id)]).await?;
    let faults = Failure::of_faults(matching::faults(connection, &confirm).await?).document()["error"]["faults"].take();
    let lines = items.iter().map(|item| masked(node, &PayConfirmItem::TABLE, &item.cells())).collect();
    Ok(Shown { booking, payment: masked(node, &PayConfirm::TABLE, &confirm.cells()), lines, faults })
}

/// Count and sum of bookings, by agency.
///
/// # Errors
/// When the database cannot be read.
pub async fn sum(node: &Node, asked: Summed) -> Result<Totals, Failure> {
    let found: Vec<(String, Option<String>, i64, i64)> = node
        .database
        .read(move |connection| {
            Box::pin(async move {
                let found = sqlx::query_as(
                    "SELECT b.agency_id, (SELECT a.ele_name FROM base_agency AS a WHERE a.id = b.agency_id), count(*), sum(b.amount_fen) \
                     FROM inner_book AS b WHERE (?1 IS NULL OR b.agency_id = ?1) AND (?2 IS NULL OR b.decision = ?2) \
                     AND (?3 IS NULL OR b.match_state = ?3) AND (?4 IS NULL OR b.pay_date >= ?4) AND (?5 IS NULL OR b.pay_date <= ?5) \
                     AND (?6 IS NULL OR b.agency_id > ?6) GROUP BY b.agency_id ORDER BY b.agency_id LIMIT ?7",
                )
                .bind(asked.agency_id)
                .bind(asked.decision)
                .bind(asked.match_state)
                .bind(asked.from_date)
                .bind(asked.to_date)
                .bind(asked.after)
                .bind(PAGE_ROWS);
                Ok(found.fetch_all(connection).await?)
            })
        })
        .await?;
    let of = |(agency_id, agency_name, count, amount_fen)| Total { agency_id, agency_name, count, amount_fen };
    Ok(Totals { totals: found.into_iter().map(of).collect() })
}

fn of_found(found: Found) -> Booking {
    let (seq, book_no, source, payment_id, pay_code, agency_id, biz_line, biz_ref, amount_fen, diff_fen, pay_date, ..) =
        found;
    let (.., match_state, decision, other_ref, book_time) = found;
    Booking {
        seq,
        book_no,
        source,
        payment_id,
        pay_code,
        agency_id,
        biz_line,
        biz_ref,
        amount_fen,
        diff_fen,
        pay_date,
        match_state,
        decision,
        other_ref,
        book_time,
    }
}
