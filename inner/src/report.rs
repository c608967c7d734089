//! Reports of payments made offline (线下缴款报送): each is booked, kept for people, or refused with the rule that it breaks.
//!
//! Money that came is never turned away: a report that is right in itself and cannot be booked, because nobody knows its pay code
//! say, is kept until two people say to which notice it belongs or that it goes back.

use console::Text;
use contract::rows::OfflinePayment;
use contract::rules::OfflineSource;
use node::client::Client;
use node::rows::{select, text};
use node::{Failure, Kind, Moment, Node, unwound};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::Executor as _;
use sqlx::sqlite::SqliteConnection;

use crate::offline::{self, Booked};
use crate::waiting::Queue;

/// The permission of counters; what follows it says of which source a counter is.
pub const COUNTER: &str = "counter";
/// The permission of a bank's counter (银行柜面).
pub const COUNTER_BANK: &str = "counter:bank";
/// The permission of a police office (交警批量).
pub const COUNTER_POLICE: &str = "counter:police";
/// Who reports what people enter for a counter that is no client. No client has such an id.
pub const DESK: &str = "@desk";
/// Reports in one transaction, as confirmations are.
const REPORTED_AT_ONCE: i64 = 200;

/// Reports that are not booked yet.
pub const QUEUE: Queue = Queue {
    of: "report",
    table: "inner_reported",
    id: "report_id",
    at_once: REPORTED_AT_ONCE,
    deal: |connection, node, report_id, now| Box::pin(again(connection, node, report_id, now)),
};

/// A payment that is reported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// 缴款码.
    pub pay_code: String,
    /// 来源: 1 银行柜面, 2 交警批量; a client's own.
    pub source: i64,
    /// 来源流水号, unique with whoever reports.
    pub source_ref: String,
    /// 金额, in fen.
    pub amount_fen: i64,
    /// 缴款时间, yyyyMMddHHmmss.
    pub pay_time: String,
}

impl Report {
    /// Whether both tell of the same money: all but whose notice it is for.
    fn is_same_payment(&self, other: &Self) -> bool {
        let of = |report: &Self| (report.source, report.source_ref.clone(), report.amount_fen, report.pay_time.clone());
        of(self) == of(other)
    }
}

/// What became of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Became {
    /// 已入账: it is in the books.
    Booked,
    /// 待处理: the money is known of, and people decide to which notice it belongs.
    Kept,
    /// 已退回: two people decided that the money goes back where it was paid.
    Returned,
    /// 不受理: it was not taken; `error` says what to mend.
    Refused,
}

/// What became of a report, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Taken {
    /// 来源流水号.
    pub source_ref: String,
    /// What became of it.
    pub became: Became,
    /// 线下缴款号, where it is booked.
    pub payment_id: Option<String>,
    /// 记账号.
    pub book_no: Option<String>,
    /// 匹配结果: 1 相符, 2 重复, 3 金额不符, 4 通知书已作废.
    pub match_state: Option<i64>,
    /// 退付状态: 0 无需, 1 待退, 2 已退.
    pub refund_state: Option<i64>,
    /// Whether the same report had been taken before; then nothing was written.
    pub repeated: bool,
    /// Why it is kept or refused, as an error of the interface.
    pub error: Option<Value>,
}

impl Taken {
    fn of(source_ref: String, became: Became) -> Self {
        Self {
            source_ref,
            became,
            payment_id: None,
            book_no: None,
            match_state: None,
            refund_state: None,
            repeated: false,
            error: None,
        }
    }

    fn failed(source_ref: String, became: Became, failure: &Failure) -> Self {
        Self { error: Some(failure.document()["error"].clone()), ..Self::of(source_ref, became) }
    }

    fn booked(source_ref: String, booked: Booked) -> Self {
        Self {
            payment_id: Some(booked.payment.payment_id),
            book_no: Some(booked.payment.book_no),
            match_state: booked.match_state,
            refund_state: Some(booked.payment.refund_state),
            ..Self::of(source_ref, Became::Booked)
        }
    }
}

/// Whoever reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reporter {
    /// The client's id, or the desk.
    pub id: String,
    /// The source that it reports.
    pub source: OfflineSource,
    /// The agency whose notices alone it may report payments for.
    pub agency_id: Option<String>,
}

impl Reporter {
    /// The reporter that a client is.
    ///
    /// # Errors
    /// When it is no counter.
    pub fn of(client: &Client) -> Result<Self, Failure> {
        let source = match client.permission.as_str() {
            COUNTER_BANK => OfflineSource::Bank,
            COUNTER_POLICE => OfflineSource::PoliceBatch,
            _ => {
                let id = &client.id;
                return Err(Failure::new(
                    Kind::Conflict,
                    "no-counter",
                    console::text!("{id} is no counter", "{id} 不是线下缴款报送方"),
                    Text::fixed("name a client whose permission is that of a counter", "请指明权限为报送的接入系统"),
                ));
            }
        };
        Ok(Self { id: client.id.clone(), source, agency_id: client.agency_id.clone() })
    }

    /// The reporter of an id.
    ///
    /// # Errors
    /// When no counter has it.
    pub async fn find(connection: &mut SqliteConnection, id: &str) -> Result<Self, Failure> {
        let client = node::client::find(connection, id).await?;
        Self::of(&client.ok_or_else(|| Failure::missing("client", "接入系统", id))?)
    }

    /// The id of a report.
    #[must_use]
    pub fn report_id(&self, source_ref: &str) -> String {
        format!("{}/{source_ref}", self.id)
    }
}

/// Takes a report in the caller's transaction. The same report again is answered as the first time; one that is kept may come again with
/// another pay code alone, because the money of its number is known by its amount and time.
///
/// # Errors
/// When the database is busy; what is wrong with the report is in what becomes of it.
pub async fn take(
    connection: &mut SqliteConnection,
    node: &Node,
    reporter: &Reporter,
    report: Report,
    now: Moment,
) -> Result<Taken, Failure> {
    let source_ref = report.source_ref.clone();
    connection.execute("SAVEPOINT report").await?;
    let taken = unwound(take_one(connection, node, reporter, &report, now)).await.and_then(|taken| taken);
    let end = if taken.is_ok() { "RELEASE report" } else { "ROLLBACK TO report; RELEASE report" };
    connection.execute(end).await?;
    match taken {
        Err(failure) if failure.kind == Kind::Busy => Err(failure),
        Err(failure) => Ok(Taken::failed(source_ref, Became::Refused, &failure)),
        taken => taken,
    }
}

async fn take_one(
    connection: &mut SqliteConnection,
    node: &Node,
    reporter: &Reporter,
    report: &Report,
    now: Moment,
) -> Result<Taken, Failure> {
    let source_ref = report.source_ref.clone();
    offline::judge(reporter, report, now)?;
    let repeated = match before(connection, reporter, report).await? {
        Some(taken) if taken.became != Became::Kept => return Ok(taken),
        Some(_) => true,
        None => false,
    };
    keep(connection, reporter, report, now).await?;
    connection.execute("SAVEPOINT booking").await?;
    let booked = unwound(offline::book(connection, node, reporter, report, now)).await.and_then(|booked| booked);
    let end = if booked.is_ok() { "RELEASE booking" } else { "ROLLBACK TO booking; RELEASE booking" };
    connection.execute(end).await?;
    match booked {
        Ok(booked) => {
            forget(connection, &reporter.report_id(&report.source_ref)).await?;
            Ok(Taken::booked(source_ref, booked))
        }
        Err(failure) if failure.kind == Kind::Busy => Err(failure),
        Err(failure) => {
            tracing::warn!(code = failure.code, "a report of {} is kept: {}", reporter.id, failure.message);
            sqlx::query(
                "INSERT INTO inner_reported (report_id, problem) VALUES (?1, ?2) \
                 ON CONFLICT (report_id) DO UPDATE SET problem = ?2",
            )
            .bind(reporter.report_id(&report.source_ref))
            .bind(failure.to_string())
            .execute(connection)
            .await?;
            Ok(Taken { repeated, ..Taken::failed(source_ref, Became::Kept, &failure) })
        }
    }
}

/// Keeps a report that is not booked, in the place of what was kept under its number: of the same payment, as [`before`] has looked.
pub(crate) async fn keep(
    connection: &mut SqliteConnection,
    reporter: &Reporter,
    report: &Report,
    now: Moment,
) -> Result<(), Failure> {
    sqlx::query(
        "INSERT INTO inner_report (report_id, report, create_time) VALUES (?1, ?2, ?3) \
         ON CONFLICT (report_id) DO UPDATE SET report = ?2",
    )
    .bind(reporter.report_id(&report.source_ref))
    .bind(serde_json::to_string(report).map_err(Failure::internal)?)
    .bind(now.time17())
    .execute(connection)
    .await?;
    Ok(())
}

/// Takes a report out of those that wait.
pub(crate) async fn forget(connection: &mut SqliteConnection, report_id: &str) -> Result<(), Failure> {
    sqlx::query("DELETE FROM inner_reported WHERE report_id = ?1")
        .bind(report_id.to_owned())
        .execute(connection)
        .await?;
    Ok(())
}

/// A report as it is kept.
pub(crate) struct Kept {
    pub report: Report,
    pub is_booked: bool,
    pub is_returned: bool,
}

/// The report of an id.
pub(crate) async fn find(connection: &mut SqliteConnection, report_id: &str) -> Result<Option<Kept>, Failure> {
    let found: Option<(String, bool, bool)> = sqlx::query_as(
        "SELECT report, payment_id IS NOT NULL, returned_time IS NOT NULL FROM inner_report WHERE report_id = ?1",
    )
    .bind(report_id.to_owned())
    .fetch_optional(connection)
    .await?;
    let Some((report, is_booked, is_returned)) = found else { return Ok(None) };
    Ok(Some(Kept { report: serde_json::from_str(&report).map_err(Failure::internal)?, is_booked, is_returned }))
}

/// What became of a report of that number, if there was one.
pub(crate) async fn before(
    connection: &mut SqliteConnection,
    reporter: &Reporter,
    report: &Report,
) -> Result<Option<Taken>, Failure> {
    let report_id = reporter.report_id(&report.source_ref);
    let source = contract::Cell::Int(report.source);
    let payments: Vec<OfflinePayment> =
        select(connection, "WHERE source = ?1 AND source_ref = ?2", &[source, text(&report_id)]).await?;
    let kept = find(connection, &report_id).await?;
    let source_ref = report.source_ref.clone();
    if let Some(payment) = payments.into_iter().next() {
        // Where the report itself is gone, because a backup was put back, the payment tells what it was.
        let is_same = kept.as_ref().map_or_else(
            || {
                (payment.pay_code.as_str(), payment.amount_fen, payment.pay_time.as_str())
                    == (report.pay_code.as_str(), report.amount_fen, report.pay_time.as_str())
            },
            |kept| kept.report == *report,
        );
        if !is_same {
            return Err(taken_number(&report.source_ref));
        }
        let match_state = sqlx::query_scalar("SELECT match_state FROM inner_book WHERE book_no = ?1")
            .bind(payment.book_no.clone())
            .fetch_optional(connection)
            .await?;
        return Ok(Some(Taken { repeated: true, ..Taken::booked(source_ref, Booked { payment, match_state }) }));
    }
    match kept {
        None => Ok(None),
        Some(kept) if kept.is_returned && kept.report != *report => Err(taken_number(&report.source_ref)),
        Some(kept) if !kept.report.is_same_payment(report) => Err(taken_number(&report.source_ref)),
        Some(kept) => {
            let became = if kept.is_returned { Became::Returned } else { Became::Kept };
            Ok(Some(Taken { repeated: kept.report == *report, ..Taken::of(source_ref, became) }))
        }
    }
}

fn taken_number(number: &str) -> Failure {
    Failure::new(
        Kind::Conflict,
        "source-ref-taken",
        console::text!("another payment has the number {number}", "流水号 {number} 已用于另一笔缴款"),
        Text::fixed("look the number up at its source", "请向来源方核对流水号"),
    )
}

/// Tries one that was kept again.
async fn again(connection: &mut SqliteConnection, node: &Node, report_id: &str, now: Moment) -> Result<(), Failure> {
    let kept = find(connection, report_id).await?;
    let Some(kept) = kept.filter(|kept| !kept.is_booked && !kept.is_returned) else { return Ok(()) };
    let id = report_id.split('/').next().unwrap_or_default();
    let reporter = Reporter::find(connection, id).await?;
    offline::book(connection, node, &reporter, &kept.report, now).await.map(|_| ())
}
