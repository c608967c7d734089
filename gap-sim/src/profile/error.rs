//! Why a profile cannot be used.

use super::field::Fault;
use thiserror::Error;

/// Why a profile cannot be used, and what to do next.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ProfileError {
    /// No built-in profile has this name.
    #[error("there is no profile {name:?}; take one of {known}, or give the path of a .toml file")]
    Unknown {
        /// The name that was asked for.
        name: String,
        /// The names that there are.
        known: String,
    },
    /// The text is not TOML, or names a field that no profile has, or a value has the wrong type.
    #[error(
        "{file}, line {line}, column {column}: {message}; correct that line (docs/gate-profiles.md lists the fields)"
    )]
    Syntax {
        /// The file as the caller named it.
        file: String,
        /// The line, from 1.
        line: usize,
        /// The column in characters, from 1.
        column: usize,
        /// What the TOML reader found.
        message: String,
    },
    /// A value is out of its range.
    #[error("{file}, line {line}: {field} is {value}, but must be {allowed}; correct that line")]
    Range {
        /// The file as the caller named it.
        file: String,
        /// The line that sets the field, from 1; 0 when no line sets it.
        line: usize,
        /// The field.
        field: &'static str,
        /// Its value.
        value: String,
        /// What is allowed.
        allowed: String,
    },
}

impl ProfileError {
    pub(super) fn syntax(file: &str, text: &str, fault: &toml::de::Error) -> Self {
        let offset = fault.span().map_or(0, |span| span.start);
        let before = text.get(..offset).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Self::Syntax {
            file: file.to_owned(),
            line: 1 + before.matches('\n').count(),
            column: 1 + before[line_start..].chars().count(),
            message: fault.message().replace('\n', " "),
        }
    }

    pub(super) fn range(file: &str, text: &str, fault: Fault) -> Self {
        // The profile is flat, so a line that begins with the field's name is the line that sets it.
        let sets = |line: &str| {
            line.trim_start().strip_prefix(fault.field).is_some_and(|rest| rest.trim_start().starts_with('='))
        };
        Self::Range {
            file: file.to_owned(),
            line: text.lines().position(sets).map_or(0, |index| index + 1),
            field: fault.field,
            value: fault.value,
            allowed: fault.allowed,
        }
    }
}
