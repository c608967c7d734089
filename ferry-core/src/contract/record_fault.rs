//! What can be wrong with a record under a contract.

use thiserror::Error;

use super::ColumnKind;

/// Why a record does not fit the contract. It names tables and columns of the contract, and never holds a value of
/// the record.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RecordFault {
    /// The record's table does not belong to the stream.
    #[error("the record's table does not belong to stream `{stream}`")]
    UnknownTable {
        /// The stream.
        stream: String,
    },
    /// The record has too few or too many values.
    #[error("a record of table `{table}` has {found} values where {expected} belong")]
    WrongArity {
        /// The table.
        table: String,
        /// How many values belong there.
        expected: usize,
        /// How many there are.
        found: usize,
    },
    /// An integer where text belongs, or text where an integer belongs.
    #[error("`{table}.{column}` is not of type {kind}")]
    WrongType {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// The column's type.
        kind: ColumnKind,
    },
    /// Null in a column that must have a value.
    #[error("`{table}.{column}` is null")]
    NullNotAllowed {
        /// The table.
        table: String,
        /// The column.
        column: String,
    },
    /// An integer outside the column's range.
    #[error("`{table}.{column}` is out of range")]
    OutOfRange {
        /// The table.
        table: String,
        /// The column.
        column: String,
    },
    /// A text that is longer than the column.
    #[error("`{table}.{column}` is longer than {max}")]
    TooLong {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// The longest value, in the unit of the column's type.
        max: usize,
    },
    /// A text that is not a date, a time or bytes as the column's type spells them.
    #[error("`{table}.{column}` is not spelled as type {kind}")]
    BadSpelling {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// The column's type.
        kind: ColumnKind,
    },
    /// A text with U+0000, which not every database can hold.
    #[error("`{table}.{column}` holds a zero character")]
    ZeroCharacter {
        /// The table.
        table: String,
        /// The column.
        column: String,
    },
}

impl RecordFault {
    /// The fault's stable code, in kebab case.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::UnknownTable { .. } => "unknown-table",
            Self::WrongArity { .. } => "wrong-arity",
            Self::WrongType { .. } => "wrong-type",
            Self::NullNotAllowed { .. } => "null-not-allowed",
            Self::OutOfRange { .. } => "out-of-range",
            Self::TooLong { .. } => "too-long",
            Self::BadSpelling { .. } => "bad-spelling",
            Self::ZeroCharacter { .. } => "zero-character",
        }
    }

    /// The table, when the record names one of the stream.
    #[must_use]
    pub fn table(&self) -> Option<&str> {
        match self {
            Self::UnknownTable { .. } => None,
            Self::WrongArity { table, .. }
            | Self::WrongType { table, .. }
            | Self::NullNotAllowed { table, .. }
            | Self::OutOfRange { table, .. }
            | Self::TooLong { table, .. }
            | Self::BadSpelling { table, .. }
            | Self::ZeroCharacter { table, .. } => Some(table),
        }
    }

    /// The column, when one is to blame.
    #[must_use]
    pub fn column(&self) -> Option<&str> {
        match self {
            Self::UnknownTable { .. } | Self::WrongArity { .. } => None,
            Self::WrongType { column, .. }
            | Self::NullNotAllowed { column, .. }
            | Self::OutOfRange { column, .. }
            | Self::TooLong { column, .. }
            | Self::BadSpelling { column, .. }
            | Self::ZeroCharacter { column, .. } => Some(column),
        }
    }
}
