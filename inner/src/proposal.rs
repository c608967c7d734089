//! What one person asks for and another allows (双人复核): voiding a notice, deciding about a payment that nobody can match.

use contract::rows::{ConfirmResult, OfflinePayment, PayNotice};
use contract::rules::Decision;
use node::record::{self, Act};
use node::rows::{find_by, put};
use node::{Failure, Kind, Moment};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::sqlite::SqliteConnection;

/// The longest reason, in characters: a few sentences.
const REASON_CHARS_MAX: usize = 500;

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "what", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Wish {
    /// 作废缴款通知书: a notice that is not paid counts no more.
    VoidNotice {
        /// 缴款码.
        pay_code: String,
    },
    /// 入账: a payment under review is right as it is.
    Book {
        /// 确认单号.
        confirm_id: String,
    },
    /// 线上退付: a payment under review goes back on its way.
    RefundOnline {
        /// 确认单号.
        confirm_id: String,
    },
    /// 线下入账: an offline payment under review is right as it is.
    BookOffline {
        /// 线下缴款号.
        payment_id: String,
    },
    /// 线下退付: an offline payment under review is to go back.
    RefundOffline {
        /// 线下缴款号.
        payment_id: String,
    },
}

/// What is asked for, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// What.
    pub wish: Wish,
    /// Why.
    pub reason: String,
}

/// A proposal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Proposal {
    /// Its number.
    pub id: i64,
    /// What is asked for, as JSON.
    pub wish: String,
    /// Why.
    pub reason: String,
    /// By whom.
    pub asked_by: String,
    /// When, yyyyMMddHHmmssSSS.
    pub asked_time: String,
    /// Who decided; none while it waits.
    pub decided_by: Option<String>,
    /// Whether it was allowed.
    pub is_allowed: Option<bool>,
}

type Found = (i64, String, String, String, String, Option<String>, Option<bool>);
const COLUMNS: &str = "id, wish, reason, asked_by, asked_time, decided_by, is_allowed";

fn of_found((id, wish, reason, asked_by, asked_time, decided_by, is_allowed): Found) -> Proposal {
    Proposal { id, wish, reason, asked_by, asked_time, decided_by, is_allowed }
}

/// Asks for something, which is looked at now and again when it is allowed.
///
/// # Errors
/// When it cannot be, or the reason is empty or too long.
pub async fn ask(connection: &mut SqliteConnection, asked: Asked, act: Act) -> Result<i64, Failure> {
    let length = asked.reason.chars().count();
    if asked.reason.trim().is_empty() || length > REASON_CHARS_MAX {
        return Err(Failure::new(
            Kind::Bad,
            "reason",
            console::text!(
                "a reason has 1 to {REASON_CHARS_MAX} characters",
                "理由应为 1 至 {REASON_CHARS_MAX} 个字符"
            ),
            console::Text::fixed("say why", "请说明理由"),
        ));
    }
    judge(connection, &asked.wish).await?;
    let wish = serde_json::to_string(&asked.wish).map_err(Failure::internal)?;
    let id: i64 = sqlx::query_scalar(
        "INSERT INTO inner_proposal (wish, reason, asked_by, asked_time) VALUES (?1, ?2, ?3, ?4) RETURNING id",
    )
    .bind(wish.clone())
    .bind(asked.reason.clone())
    .bind(act.who.clone())
    .bind(act.time.clone())
    .fetch_one(&mut *connection)
    .await?;
    let is_now = json!({ "wish": asked.wish, "reason": asked.reason }).to_string();
    let act = Act { object: format!("inner_proposal/{id}"), is_now: Some(is_now), ..act };
    record::note(connection, &act).await?;
    Ok(id)
}

/// Allows or refuses what another person asked for; what is allowed is done at once, in the caller's transaction.
///
/// # Errors
/// When whoever decides is whoever asked, it was decided before, or it cannot be any more.
pub async fn decide(
    connection: &mut SqliteConnection,
    id: i64,
    is_allowed: bool,
    act: Act,
    now: Moment,
) -> Result<(), Failure> {
    let sql = format!("SELECT {COLUMNS} FROM inner_proposal WHERE id = ?1");
    let found: Option<Found> =
        sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(id).fetch_optional(&mut *connection).await?;
    let proposal = found.map(of_found).ok_or_else(|| Failure::missing("proposal", "申请", &id.to_string()))?;
    let conflict = |code, en, zh| {
        let next = console::Text::fixed("look at the list of proposals", "请查看申请列表");
        Err(Failure::new(Kind::Conflict, code, console::Text::fixed(en, zh), next))
    };
    if proposal.decided_by.is_some() {
        return conflict("decided", "this was decided before", "该申请已处理");
    }
    if proposal.asked_by == act.who {
        return conflict("same-person", "whoever asked may not allow it", "经办人不得复核本人申请");
    }
    let wish: Wish = serde_json::from_str(&proposal.wish).map_err(Failure::internal)?;
    if is_allowed {
        fulfil(connection, &wish, now).await?;
    }
    sqlx::query("UPDATE inner_proposal SET decided_by = ?2, decided_time = ?3, is_allowed = ?4 WHERE id = ?1")
        .bind(id)
        .bind(act.who.clone())
        .bind(act.time.clone())
        .bind(is_allowed)
        .execute(&mut *connection)
        .await?;
    let (was, is_now) = (json!({ "wish": wish }).to_string(), json!({ "is_allowed": is_allowed }).to_string());
    let act = Act { object: format!("inner_proposal/{id}"), was: Some(was), is_now: Some(is_now), ..act };
    record::note(connection, &act).await
}

/// The proposals that wait, and after them the latest that were decided.
///
/// # Errors
/// When the database cannot be read.
pub async fn list(connection: &mut SqliteConnection, most: i64) -> Result<Vec<Proposal>, Failure> {
    let sql = format!("SELECT {COLUMNS} FROM inner_proposal ORDER BY decided_by IS NOT NULL, id DESC LIMIT ?1");
    let found: Vec<Found> = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(most).fetch_all(connection).await?;
    Ok(found.into_iter().map(of_found).collect())
}

/// What a wish is about, as it stands.
enum Ground {
    Notice(Box<PayNotice>),
    Result(Box<ConfirmResult>),
    Offline(Box<OfflinePayment>),
}

async fn judge(connection: &mut SqliteConnection, wish: &Wish) -> Result<Ground, Failure> {
    let next = || console::Text::fixed("look at its present state", "请查看其当前状态");
    match wish {
        Wish::VoidNotice { pay_code } => {
            let notice: Option<PayNotice> = find_by(connection, pay_code).await?;
            let notice = notice.ok_or_else(|| Failure::missing("notice", "缴款通知书", pay_code))?;
            if notice.state != 0 {
                let message =
                    console::text!("the notice {pay_code} is not unpaid", "缴款通知书 {pay_code} 不是未缴状态");
                return Err(Failure::new(Kind::Conflict, "notice-state", message, next()));
            }
            Ok(Ground::Notice(Box::new(notice)))
        }
        Wish::Book { confirm_id } | Wish::RefundOnline { confirm_id } => {
            let result: Option<ConfirmResult> = find_by(connection, confirm_id).await?;
            let result =
                result.ok_or_else(|| Failure::missing("booked confirmation", "已入账的缴款确认", confirm_id))?;
            if Decision::of(result.decision) != Some(Decision::Review) {
                let message = console::text!("{confirm_id} is not under review", "{confirm_id} 不在核查状态");
                return Err(Failure::new(Kind::Conflict, "not-under-review", message, next()));
            }
            if matches!(wish, Wish::Book { .. }) {
                nothing_counts(connection, &result.book_no).await?;
            }
            Ok(Ground::Result(Box::new(result)))
        }
        Wish::BookOffline { payment_id } | Wish::RefundOffline { payment_id } => {
            let payment: Option<OfflinePayment> = find_by(connection, payment_id).await?;
            let payment = payment.ok_or_else(|| Failure::missing("offline payment", "线下缴款", payment_id))?;
            let decision: Option<i64> = sqlx::query_scalar("SELECT decision FROM inner_book WHERE book_no = ?1")
                .bind(payment.book_no.clone())
                .fetch_optional(&mut *connection)
                .await?;
            if decision.and_then(Decision::of) != Some(Decision::Review) {
                let message = console::text!("{payment_id} is not under review", "{payment_id} 不在核查状态");
                return Err(Failure::new(Kind::Conflict, "not-under-review", message, next()));
            }
            if matches!(wish, Wish::BookOffline { .. }) {
                nothing_counts(connection, &payment.book_no).await?;
            }
            Ok(Ground::Offline(Box::new(payment)))
        }
    }
}

/// Looks that no other payment counts for the notice of a booking.
async fn nothing_counts(connection: &mut SqliteConnection, book_no: &str) -> Result<(), Failure> {
    let other: Option<String> = sqlx::query_scalar(
        "SELECT payment_id FROM inner_book WHERE counts = 1 AND pay_code = (SELECT pay_code FROM inner_book WHERE book_no = ?1)",
    )
    .bind(book_no.to_owned())
    .fetch_optional(connection)
    .await?;
    match other {
        None => Ok(()),
        Some(other) => Err(Failure::new(
            Kind::Conflict,
            "already-counted",
            console::text!("{other} counts for the same notice", "{other} 已抵销同一通知书"),
            console::Text::fixed("ask for a refund instead", "请改为申请退付"),
        )),
    }
}

/// A booking under review is decided; where it is booked it counts for its notice, which is paid thereby.
async fn decide_booking(
    connection: &mut SqliteConnection,
    book_no: &str,
    decision: Decision,
    now: Moment,
) -> Result<(), Failure> {
    let counts = decision == Decision::Book;
    let pay_code: Option<String> = sqlx::query_scalar(
        "UPDATE inner_book SET decision = ?2, counts = ?3 AND pay_code IN (SELECT pay_code FROM pay_notice) WHERE book_no = ?1 \
         RETURNING pay_code",
    )
    .bind(book_no.to_owned())
    .bind(decision.number())
    .bind(counts)
    .fetch_one(&mut *connection)
    .await?;
    let Some(pay_code) = pay_code.filter(|_| counts) else { return Ok(()) };
    let notice: Option<PayNotice> = find_by(connection, &pay_code).await?;
    if let Some(notice) = notice.filter(|notice| notice.state == 0) {
        put(connection, &PayNotice { state: 1, update_time: now.time17(), ..notice }).await?;
    }
    Ok(())
}

async fn fulfil(connection: &mut SqliteConnection, wish: &Wish, now: Moment) -> Result<(), Failure> {
    match judge(connection, wish).await? {
        Ground::Notice(notice) => {
            put(connection, &PayNotice { state: 2, update_time: now.time17(), ..*notice }).await?;
        }
        Ground::Result(result) => {
            let refund = matches!(wish, Wish::RefundOnline { .. });
            let decision = if refund { Decision::RefundOnline } else { Decision::Book };
            decide_booking(connection, &result.book_no, decision, now).await?;
            let decision = decision.number();
            put(connection, &ConfirmResult { decision, update_time: now.time17(), ..*result }).await?;
        }
        Ground::Offline(payment) => {
            let refund = matches!(wish, Wish::RefundOffline { .. });
            let decision = if refund { Decision::RefundOffline } else { Decision::Book };
            decide_booking(connection, &payment.book_no, decision, now).await?;
            if refund {
                put(connection, &OfflinePayment { refund_state: 1, update_time: now.time17(), ..*payment }).await?;
            }
        }
    }
    Ok(())
}
