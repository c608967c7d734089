//! SQLite's result codes, as kinds of failure.

use ferry_core::ports::{FaultKind, PortError};
use ferry_format::canon::is_plain;
use ferry_format::limits::TEXT_BYTES_MAX;

/// A failed statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum DbError {
    /// A constraint does not hold; the statement changed nothing.
    Constraint(Violation),
    /// Anything else.
    Port(PortError),
}

/// Which constraint does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Violation {
    /// The published code.
    pub code: &'static str,
    /// The constraint or its columns, as SQLite names them, in printable ASCII.
    pub name: Option<String>,
}

impl From<DbError> for PortError {
    fn from(error: DbError) -> Self {
        match error {
            DbError::Port(error) => error,
            DbError::Constraint(violation) => {
                let name = violation.name.unwrap_or_default();
                Self::new(FaultKind::Conflict, format!("{} {name}", violation.code).trim_end())
            }
        }
    }
}

impl From<PortError> for DbError {
    fn from(error: PortError) -> Self {
        Self::Port(error)
    }
}

impl From<sqlx::Error> for DbError {
    fn from(error: sqlx::Error) -> Self {
        let Some(database) = error.as_database_error() else {
            return Self::Port(PortError::new(FaultKind::Transient, format!("the database driver failed: {error}")));
        };
        let code = database.code().and_then(|code| code.parse::<u32>().ok()).unwrap_or(0);
        classify(code, database.message())
    }
}

#[cfg(test)]
impl From<crate::fail::plan::Injected> for DbError {
    fn from(injected: crate::fail::plan::Injected) -> Self {
        Self::Port(PortError::new(injected.kind(), injected.to_string()))
    }
}

/// What lies in the database is not what ferry put there.
pub(super) fn corrupt(text: &str) -> DbError {
    DbError::Port(PortError::new(FaultKind::Corrupt, text))
}

/// A precondition does not hold.
pub(super) fn conflict(text: impl Into<String>) -> DbError {
    DbError::Port(PortError::new(FaultKind::Conflict, text))
}

/// The primary result code stands in the low byte of the extended one.
const PRIMARY: u32 = 0xff;

/// Messages of constraints name tables, columns and constraints; the text of a trigger is left out, since a trigger
/// could quote a value.
fn classify(code: u32, message: &str) -> DbError {
    let violation = |code, name: Option<&str>| DbError::Constraint(Violation { code, name: name.map(printable) });
    let after_colon = message.split_once(": ").map(|(_, name)| name);
    match code {
        275 => return violation("constraint-check", after_colon),
        787 => return violation("constraint-foreign-key", None),
        1299 => return violation("constraint-not-null", after_colon),
        1555 | 2067 | 2579 => return violation("constraint-unique", after_colon),
        1811 => return violation("constraint-trigger", None),
        20 | 3091 => return violation("datatype", message.rsplit_once("column ").map(|(_, name)| name)),
        _ => {}
    }
    let kind = match code & PRIMARY {
        19 => return violation("constraint", None),
        13 => FaultKind::Full,
        11 | 26 => FaultKind::Corrupt,
        // BUSY, LOCKED, NOMEM, READONLY, INTERRUPT, IOERR, CANTOPEN, PROTOCOL.
        5..=10 | 14 | 15 => FaultKind::Transient,
        _ => FaultKind::Conflict,
    };
    DbError::Port(PortError::new(kind, format!("SQLite: {message} ({code})")))
}

/// At most [`TEXT_BYTES_MAX`] characters, each that has no place in a header replaced by `?`.
fn printable(text: &str) -> String {
    let plain = |c: char| if u8::try_from(c).is_ok_and(is_plain) { c } else { '?' };
    text.chars().take(TEXT_BYTES_MAX).map(plain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constraints_are_named_without_values() {
        let named = |code, message| match classify(code, message) {
            DbError::Constraint(violation) => (violation.code, violation.name),
            DbError::Port(error) => panic!("{error}"),
        };
        let unique = named(2067, "UNIQUE constraint failed: t.a, t.b");
        assert_eq!(unique, ("constraint-unique", Some("t.a, t.b".to_owned())));
        let check = named(275, "CHECK constraint failed: a <> \"b\"");
        assert_eq!(check, ("constraint-check", Some("a <> ?b?".to_owned())));
        let datatype = named(3091, "cannot store TEXT value in INTEGER column t.a");
        assert_eq!(datatype, ("datatype", Some("t.a".to_owned())));
        assert_eq!(named(1811, "a secret"), ("constraint-trigger", None));
    }

    #[test]
    fn each_kind_of_failure_is_told_apart() {
        let kind = |code| match classify(code, "") {
            DbError::Port(error) => error.kind,
            DbError::Constraint(violation) => panic!("{violation:?}"),
        };
        assert_eq!([kind(5), kind(517), kind(6), kind(4874)], [FaultKind::Transient; 4]);
        assert_eq!(kind(13), FaultKind::Full);
        assert_eq!([kind(11), kind(26)], [FaultKind::Corrupt; 2]);
        assert_eq!(kind(1), FaultKind::Conflict);
    }
}
