//! What a node answers when it cannot do what it was asked.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use console::{ExitCode, Fault, Text};
use serde_json::{Value, json};

/// The kind of a failure, which decides how a request and how a command ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// What was asked is not right.
    Bad,
    /// Nobody knows who asks.
    Unknown,
    /// Whoever asks may not.
    Forbidden,
    /// What was asked for is not there.
    Missing,
    /// The present state does not allow it.
    Conflict,
    /// What was sent came too slowly.
    TooSlow,
    /// What was sent is too large.
    TooLarge,
    /// What was sent is of a form that is not taken.
    WrongForm,
    /// Too much is asked at once, or the database is busy; it may be tried again.
    Busy,
    /// The node itself failed.
    Internal,
}

impl Kind {
    /// The status of the answer to a request.
    #[must_use]
    pub const fn status(self) -> StatusCode {
        match self {
            Self::Bad => StatusCode::BAD_REQUEST,
            Self::Unknown => StatusCode::UNAUTHORIZED,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::Missing => StatusCode::NOT_FOUND,
            Self::Conflict => StatusCode::CONFLICT,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::WrongForm => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// How a command ends.
    #[must_use]
    pub const fn exit(self) -> ExitCode {
        match self {
            Self::Bad | Self::TooLarge | Self::WrongForm => ExitCode::Input,
            Self::TooSlow => ExitCode::TimedOut,
            Self::Unknown | Self::Forbidden => ExitCode::Permissions,
            Self::Missing => ExitCode::NotFound,
            Self::Conflict => ExitCode::Refused,
            Self::Busy => ExitCode::Database,
            Self::Internal => ExitCode::Internal,
        }
    }
}

/// A failure: what is wrong, and what to do next.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    /// The kind.
    pub kind: Kind,
    /// The stable id, in kebab case.
    pub code: &'static str,
    /// What is wrong; never a value of a sensitive column.
    pub message: Text,
    /// What to do next.
    pub next: Text,
    /// What is wrong with rows, each naming table, key, column and rule.
    pub faults: Vec<contract::rules::Fault>,
}

impl Failure {
    /// A failure.
    #[must_use]
    pub const fn new(kind: Kind, code: &'static str, message: Text, next: Text) -> Self {
        Self { kind, code, message, next, faults: Vec::new() }
    }

    /// Rows that break rules.
    #[must_use]
    pub fn of_faults(faults: Vec<contract::rules::Fault>) -> Self {
        let count = faults.len();
        Self {
            faults,
            ..Self::new(
                Kind::Bad,
                "rules-broken",
                console::text!("{count} rules are broken", "违反 {count} 条规则"),
                Text::fixed("mend what `faults` lists and send it again", "按 `faults` 所列更正后重新提交"),
            )
        }
    }

    /// The node itself failed; what happened goes into the log and not to whoever asked.
    #[must_use]
    pub fn internal(what: impl std::fmt::Display) -> Self {
        tracing::error!(code = "internal", "{what}");
        Self::new(
            Kind::Internal,
            "internal",
            Text::fixed("the node failed", "节点内部故障"),
            Text::fixed("try again; if it comes again, look into the node's log", "请重试；如再次出现请查看节点日志"),
        )
    }

    /// A row that is not there.
    #[must_use]
    pub fn missing(what: &str, what_zh: &str, key: &str) -> Self {
        Self::new(
            Kind::Missing,
            "not-found",
            console::text!("there is no {what} {key}", "没有{what_zh} {key}"),
            Text::fixed("look the key up and try again", "请核对编号后重试"),
        )
    }

    /// The answer's document: message and next step in both languages, and each broken rule.
    #[must_use]
    pub fn document(&self) -> Value {
        let fault = |fault: &contract::rules::Fault| {
            json!({
                "table": fault.table,
                "key": fault.key,
                "column": fault.column,
                "rule": fault.rule.code(),
                "message": fault.rule.english(),
                "message_zh": fault.rule.chinese(),
            })
        };
        json!({ "error": {
            "code": self.code,
            "message": self.message.get(console::Lang::En),
            "message_zh": self.message.get(console::Lang::Zh),
            "next": self.next.get(console::Lang::En),
            "next_zh": self.next.get(console::Lang::Zh),
            "faults": self.faults.iter().map(fault).collect::<Vec<_>>(),
        } })
    }

    /// The same for a command: its broken rules stand in the sentence.
    #[must_use]
    pub fn fault(&self) -> Fault {
        let list = |zh: bool| {
            let one = |fault: &contract::rules::Fault| if zh { fault.chinese() } else { fault.to_string() };
            self.faults.iter().map(|fault| format!("\n  {}", one(fault))).collect::<String>()
        };
        let message = Text::new(
            format!("{}{}", self.message.get(console::Lang::En), list(false)),
            format!("{}{}", self.message.get(console::Lang::Zh), list(true)),
        );
        Fault::new(self.code, self.kind.exit(), message, self.next.clone())
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for Failure {}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        (self.kind.status(), Json(self.document())).into_response()
    }
}

/// The driver's codes of `SQLITE_BUSY`, `SQLITE_LOCKED` and `SQLITE_FULL`, without their extensions.
const BUSY: [u32; 2] = [5, 6];
const FULL: u32 = 13;
const CONSTRAINT: u32 = 19;

/// The driver's code of an error, without its extension.
fn sqlite_code(error: &sqlx::Error) -> Option<u32> {
    let code = error.as_database_error().and_then(|error| error.code()).and_then(|code| code.parse::<u32>().ok());
    code.map(|code| code & 0xff)
}

/// Whether an error is one after which the database has rolled back, if it has ended a transaction: a lock or a full disk.
pub(crate) fn is_passing(error: &sqlx::Error) -> bool {
    sqlite_code(error).is_some_and(|code| BUSY.contains(&code) || code == FULL)
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        match sqlite_code(&error) {
            Some(code) if BUSY.contains(&code) => Self::new(
                Kind::Busy,
                "database-busy",
                Text::fixed("another program holds the database", "数据库被其他程序占用"),
                Text::fixed("try again in a moment", "请稍后重试"),
            ),
            Some(FULL) => Self::new(
                Kind::Busy,
                "disk-full",
                Text::fixed("there is no room on the disk of the database", "数据库所在磁盘空间不足"),
                Text::fixed("make room; nothing was written", "请腾出空间；数据未写入"),
            ),
            Some(CONSTRAINT) => {
                tracing::warn!(code = "constraint", "{error}");
                Self::new(
                    Kind::Conflict,
                    "constraint",
                    Text::fixed("the database refuses the row", "数据库拒绝该行"),
                    Text::fixed(
                        "a row of that key is there, one that it names is not, or the table belongs to the other zone",
                        "该主键已存在、所引用的行不存在，或该表属于对端",
                    ),
                )
            }
            // All who read share a few connections; that none came free in time is load, and no failure of the node.
            None if matches!(error, sqlx::Error::PoolTimedOut) => Self::new(
                Kind::Busy,
                "database-busy",
                Text::fixed("too many requests read the database at once", "同时读取数据库的请求过多"),
                Text::fixed("try again in a moment", "请稍后重试"),
            ),
            _ => Self::internal(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use console::{ExitCode, Lang};
    use contract::rules::{Fault, Rule};

    use super::Failure;

    #[test]
    fn that_no_connection_came_free_in_time_is_load_and_no_failure_of_the_node() {
        let failure = Failure::from(sqlx::Error::PoolTimedOut);
        assert_eq!((failure.kind, failure.code), (super::Kind::Busy, "database-busy"));
        assert_eq!(Failure::from(sqlx::Error::PoolClosed).kind, super::Kind::Internal);
    }

    #[test]
    fn broken_rules_are_listed_in_both_languages() {
        let failure = Failure::of_faults(vec![Fault::refusal("pay_notice", "61", "state", Rule::Missing)]);
        let document = failure.document();
        assert_eq!(document["error"]["faults"][0]["rule"], "missing");
        assert_eq!(document["error"]["faults"][0]["message_zh"], "不得为空");
        let fault = failure.fault();
        assert_eq!(fault.exit, ExitCode::Input);
        assert!(fault.message.get(Lang::Zh).contains("pay_notice/61.state：不得为空（missing）"));
    }
}
