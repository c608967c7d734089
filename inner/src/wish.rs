//! What one person may ask for and another allow (双人复核事项), and what is done when it is allowed.

use console::Text;
use contract::rows::{ConfirmResult, OfflinePayment, PayNotice};
use contract::rules::{Decision, OfflineSource};
use node::rows::{find_by, put};
use node::{Failure, Kind, Moment, Node};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sqlx::sqlite::SqliteConnection;

use crate::push::{Event, tell_booking, tell_notice};
use crate::report::{self, DESK, Kept, Report, Reporter};
use crate::{book, offline};

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
    /// 补录线下缴款: a payment that was made offline, and that no counter reports by itself.
    EnterOffline {
        /// The payment.
        payment: Report,
        /// The counter's client whose number it has, where it is one: a report of the same number is then the same payment.
        client: Option<String>,
    },
    /// 认领报送: a report that is kept is for the notice of this pay code.
    AssignReport {
        /// 报送号: reporter/流水号.
        report_id: String,
        /// 缴款码.
        pay_code: String,
        /// The report that is meant, as it is kept; what is asked for without it is asked for with the one that is kept then. It is booked
        /// only as it was when it was asked for.
        #[serde(default)]
        report: Option<Report>,
    },
    /// 退回报送: the money of a report that is kept goes back where it was paid.
    ReturnReport {
        /// 报送号: reporter/流水号.
        report_id: String,
        /// The report that is meant, as for one that is assigned.
        #[serde(default)]
        report: Option<Report>,
    },
}

impl Wish {
    /// The payment in the books that it is about, if it is about one.
    #[must_use]
    pub fn payment_id(&self) -> Option<&str> {
        match self {
            Self::Book { confirm_id } | Self::RefundOnline { confirm_id } => Some(confirm_id),
            Self::BookOffline { payment_id } | Self::RefundOffline { payment_id } => Some(payment_id),
            Self::VoidNotice { .. }
            | Self::EnterOffline { .. }
            | Self::AssignReport { .. }
            | Self::ReturnReport { .. } => None,
        }
    }

    /// The wish with what it is about, as that stands when it is asked for: whoever allows it sees it, and allows nothing else.
    pub(crate) fn about(self, ground: &Ground) -> Self {
        let Ground::Report(_, kept) = ground else { return self };
        let report = Some((**kept).clone());
        match self {
            Self::AssignReport { report_id, pay_code, .. } => Self::AssignReport { report_id, pay_code, report },
            Self::ReturnReport { report_id, .. } => Self::ReturnReport { report_id, report },
            Self::VoidNotice { .. }
            | Self::Book { .. }
            | Self::RefundOnline { .. }
            | Self::BookOffline { .. }
            | Self::RefundOffline { .. }
            | Self::EnterOffline { .. } => self,
        }
    }
}

/// What a wish is about, as it stands.
pub(crate) enum Ground {
    Notice(Box<PayNotice>),
    Result(Box<ConfirmResult>),
    Offline(Box<OfflinePayment>),
    Entered(Reporter),
    Report(Reporter, Box<Report>),
}

fn conflict(code: &'static str, message: Text) -> Failure {
    Failure::new(Kind::Conflict, code, message, Text::fixed("look at its present state", "请查看其当前状态"))
}

/// Looks whether a wish can be fulfilled as things stand.
///
/// # Errors
/// Why not.
pub(crate) async fn judge(connection: &mut SqliteConnection, wish: &Wish, now: Moment) -> Result<Ground, Failure> {
    match wish {
        Wish::VoidNotice { pay_code } => {
            let notice: PayNotice = notice(connection, pay_code).await?;
            if notice.state != 0 {
                let message =
                    console::text!("the notice {pay_code} is not unpaid", "缴款通知书 {pay_code} 不是未缴状态");
                return Err(conflict("notice-state", message));
            }
            Ok(Ground::Notice(Box::new(notice)))
        }
        Wish::Book { confirm_id } | Wish::RefundOnline { confirm_id } => {
            let result: Option<ConfirmResult> = find_by(connection, confirm_id).await?;
            let result =
                result.ok_or_else(|| Failure::missing("booked confirmation", "已入账的缴款确认", confirm_id))?;
            under_review(connection, confirm_id, &result.book_no, matches!(wish, Wish::Book { .. })).await?;
            Ok(Ground::Result(Box::new(result)))
        }
        Wish::BookOffline { payment_id } | Wish::RefundOffline { payment_id } => {
            let payment: Option<OfflinePayment> = find_by(connection, payment_id).await?;
            let payment = payment.ok_or_else(|| Failure::missing("offline payment", "线下缴款", payment_id))?;
            under_review(connection, payment_id, &payment.book_no, matches!(wish, Wish::BookOffline { .. })).await?;
            Ok(Ground::Offline(Box::new(payment)))
        }
        Wish::EnterOffline { payment, client } => {
            let reporter = reporter(connection, payment, client.as_deref()).await?;
            offline::judge(&reporter, payment, now)?;
            let report_id = reporter.report_id(&payment.source_ref);
            if report::before(connection, &reporter, payment).await?.is_some() {
                let message = console::text!("{report_id} was reported already", "{report_id} 已报送");
                return Err(conflict("reported", message));
            }
            notice(connection, &payment.pay_code).await?;
            Ok(Ground::Entered(reporter))
        }
        Wish::AssignReport { report_id, pay_code, report } => {
            notice(connection, pay_code).await?;
            kept(connection, report_id, report.as_ref()).await
        }
        Wish::ReturnReport { report_id, report } => kept(connection, report_id, report.as_ref()).await,
    }
}

async fn notice(connection: &mut SqliteConnection, pay_code: &str) -> Result<PayNotice, Failure> {
    find_by(connection, pay_code).await?.ok_or_else(|| Failure::missing("notice", "缴款通知书", pay_code))
}

/// Who reports what a person enters; whose notices a counter reports for does not matter to two people.
async fn reporter(
    connection: &mut SqliteConnection,
    payment: &Report,
    client: Option<&str>,
) -> Result<Reporter, Failure> {
    match (client, OfflineSource::of(payment.source)) {
        (Some(client), _) => Ok(Reporter { agency_id: None, ..Reporter::find(connection, client).await? }),
        (None, Some(source)) => Ok(Reporter { id: DESK.to_owned(), source, agency_id: None }),
        (None, None) => {
            let rule = contract::rules::Rule::OutOfRange { least: 1, most: 2 };
            let key = payment.source_ref.as_str();
            Err(Failure::of_faults(vec![contract::rules::Fault::refusal("offline_payment", key, "source", rule)]))
        }
    }
}

/// A report that is kept, and still as it was meant; whose notices its counter reports for does not matter to two people.
async fn kept(connection: &mut SqliteConnection, report_id: &str, meant: Option<&Report>) -> Result<Ground, Failure> {
    let kept: Option<Kept> = report::find(connection, report_id).await?;
    let kept = kept.ok_or_else(|| Failure::missing("report", "线下缴款报送", report_id))?;
    if kept.is_booked || kept.is_returned {
        return Err(conflict("not-kept", console::text!("{report_id} waits for nobody", "{report_id} 不在待处理状态")));
    }
    if meant.is_some_and(|meant| *meant != kept.report) {
        let message = console::text!("{report_id} says something else by now", "报送 {report_id} 的内容已变更");
        return Err(conflict("report-changed", message));
    }
    let source = OfflineSource::of(kept.report.source)
        .ok_or_else(|| Failure::internal(format!("{report_id} has no known source")))?;
    let id = report_id.split('/').next().unwrap_or_default().to_owned();
    Ok(Ground::Report(Reporter { id, source, agency_id: None }, Box::new(kept.report)))
}

/// Looks that a booking is under review, and where it is to count, that no other payment counts for its notice.
async fn under_review(
    connection: &mut SqliteConnection,
    payment_id: &str,
    book_no: &str,
    is_to_count: bool,
) -> Result<(), Failure> {
    let line: Option<(i64, Option<String>)> =
        sqlx::query_as("SELECT decision, pay_code FROM inner_book WHERE book_no = ?1")
            .bind(book_no.to_owned())
            .fetch_optional(&mut *connection)
            .await?;
    let Some((_, pay_code)) = line.filter(|(decision, _)| Decision::of(*decision) == Some(Decision::Review)) else {
        let message = console::text!("{payment_id} is not under review", "{payment_id} 不在核查状态");
        return Err(conflict("not-under-review", message));
    };
    let Some(pay_code) = pay_code.filter(|_| is_to_count) else { return Ok(()) };
    match book::counting(connection, &pay_code).await? {
        None => Ok(()),
        Some((other, _)) => Err(Failure::new(
            Kind::Conflict,
            "already-counted",
            console::text!("{other} counts for the same notice", "{other} 已抵销同一通知书"),
            Text::fixed("ask for a refund instead", "请改为申请退付"),
        )),
    }
}

/// Does what was allowed, in the caller's transaction.
///
/// # Errors
/// When it cannot be any more.
pub(crate) async fn fulfil(
    connection: &mut SqliteConnection,
    node: &Node,
    wish: &Wish,
    now: Moment,
) -> Result<(), Failure> {
    match judge(connection, wish, now).await? {
        Ground::Notice(notice) => {
            put(connection, &PayNotice { state: 2, update_time: now.time17(), ..(*notice).clone() }).await?;
            tell_notice(connection, Event::Voided, &notice, now).await
        }
        Ground::Result(result) => {
            let refund = matches!(wish, Wish::RefundOnline { .. });
            let decision = if refund { Decision::RefundOnline } else { Decision::Book };
            book::decide(connection, &result.book_no, decision, now).await?;
            tell_booking(connection, Event::Decided, &result.book_no, now).await?;
            let decision = decision.number();
            put(connection, &ConfirmResult { decision, update_time: now.time17(), ..*result }).await.map(|_| ())
        }
        Ground::Offline(payment) => {
            let refund = matches!(wish, Wish::RefundOffline { .. });
            let decision = if refund { Decision::RefundOffline } else { Decision::Book };
            book::decide(connection, &payment.book_no, decision, now).await?;
            tell_booking(connection, Event::Decided, &payment.book_no, now).await?;
            if refund {
                put(connection, &OfflinePayment { refund_state: 1, update_time: now.time17(), ..*payment }).await?;
            }
            Ok(())
        }
        Ground::Entered(reporter) => {
            let Wish::EnterOffline { payment, .. } = wish else {
                return Err(Failure::internal("a payment that nobody entered"));
            };
            report::keep(connection, &reporter, payment, now).await?;
            offline::book(connection, node, &reporter, payment, now).await.map(|_| ())
        }
        Ground::Report(reporter, report) => {
            let report_id = reporter.report_id(&report.source_ref);
            report::forget(connection, &report_id).await?;
            if let Wish::AssignReport { pay_code, .. } = wish {
                let assigned = Report { pay_code: pay_code.clone(), ..*report };
                return offline::book(connection, node, &reporter, &assigned, now).await.map(|_| ());
            }
            sqlx::query("UPDATE inner_report SET returned_time = ?2 WHERE report_id = ?1")
                .bind(report_id)
                .bind(now.time17())
                .execute(connection)
                .await?;
            Ok(())
        }
    }
}
