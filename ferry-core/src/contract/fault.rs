//! What can be wrong with a contract's text, and where.

use core::fmt;

use ferry_format::IdentError;
use thiserror::Error;

use super::ColumnKind;

/// A fault of a contract, with its place.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub struct ContractError {
    /// The name of the file, as the caller gave it.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// What is wrong.
    #[source]
    pub cause: ContractFault,
}

impl fmt::Display for ContractError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}", self.file, self.line, self.column, self.cause)
    }
}

/// What is wrong with a contract.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ContractFault {
    /// The text is not TOML, or a key is missing, unknown or of another type.
    #[error("{0}")]
    Toml(String),
    /// A zone or stream has a name that it may not have.
    #[error("{what} name `{name}` {cause}")]
    Ident {
        /// What is named.
        what: &'static str,
        /// The name.
        name: String,
        /// Why it may not be.
        cause: IdentError,
    },
    /// The contract, a table, a column or a kind of database has a name that it may not have.
    #[error("{what} name `{name}` must have 1 to 63 characters, begin with a-z and go on with a-z, 0-9 or _")]
    Name {
        /// What is named.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// A name that the system keeps for itself.
    #[error("{what} name `{name}` is reserved")]
    Reserved {
        /// What is named.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// The same name twice.
    #[error("{what} `{name}` is defined twice")]
    Duplicate {
        /// What is named.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// There are not exactly two different zones.
    #[error("a contract is between two different zones")]
    Zones,
    /// The path of a schema leaves the contract's directory.
    #[error("schema path `{0}` must be relative, with `/` and without `.` or `..`")]
    SchemaPath(String),
    /// The owner or receiver of a stream is not a zone of the contract.
    #[error("`{0}` is not a zone of this contract")]
    UnknownZone(String),
    /// A stream leads from a zone to itself.
    #[error("stream `{0}` leads from a zone to itself")]
    SameZone(String),
    /// A stream depends on one that is not there.
    #[error("stream `{stream}` depends on `{on}`, which is not a stream of this contract")]
    UnknownDependency {
        /// The stream.
        stream: String,
        /// What it depends on.
        on: String,
    },
    /// A stream depends on one that goes the other way.
    #[error("stream `{stream}` depends on `{on}`, which another zone owns")]
    ForeignDependency {
        /// The stream.
        stream: String,
        /// What it depends on.
        on: String,
    },
    /// Streams depend on each other in a circle.
    #[error("streams depend on each other in a circle: {0}")]
    Cycle(String),
    /// A number is outside its limits.
    #[error("{what} must be {min} to {max}")]
    Limit {
        /// What the number is.
        what: &'static str,
        /// The smallest value.
        min: u64,
        /// The largest value.
        max: u64,
    },
    /// Too few or too many of something.
    #[error("{of} must have 1 to {max} {what}")]
    Count {
        /// What has them.
        of: String,
        /// What is counted.
        what: &'static str,
        /// How many there may be.
        max: usize,
    },
    /// The text of a type is none of the types.
    #[error(
        "column `{column}` has type `{kind}`, which is none of {}",
        ColumnKind::ALL.map(ColumnKind::as_str).join(", ")
    )]
    UnknownType {
        /// The column.
        column: String,
        /// The text of the type.
        kind: String,
    },
    /// An option that the column's type does not have.
    #[error("column `{column}` of type {kind} cannot have `{option}`")]
    Option {
        /// The column.
        column: String,
        /// Its type.
        kind: ColumnKind,
        /// The option.
        option: &'static str,
    },
    /// The column's type needs a longest length.
    #[error("column `{column}` of type {kind} needs `max`")]
    NoMax {
        /// The column.
        column: String,
        /// Its type.
        kind: ColumnKind,
    },
    /// The smallest value is above the largest.
    #[error("column `{0}` has `min` above `max`")]
    EmptyRange(String),
    /// A key names a column that the table does not have.
    #[error("key column `{column}` is not a column of table `{table}`")]
    UnknownKey {
        /// The table.
        table: String,
        /// The column.
        column: String,
    },
    /// A key column may be null.
    #[error("key column `{0}` cannot be nullable")]
    NullableKey(String),
    /// A key column is sensitive and the table does not say that this is meant.
    #[error("key column `{0}` cannot be sensitive unless the table says `sensitive_key = true`")]
    SensitiveKey(String),
}

impl ContractFault {
    /// The fault's stable code, in kebab case.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Toml(_) => "toml",
            Self::Ident { .. } | Self::Name { .. } => "bad-name",
            Self::Reserved { .. } => "reserved-name",
            Self::Duplicate { .. } => "duplicate-name",
            Self::Zones => "zones",
            Self::SchemaPath(_) => "schema-path",
            Self::UnknownZone(_) => "unknown-zone",
            Self::SameZone(_) => "same-zone",
            Self::UnknownDependency { .. } => "unknown-dependency",
            Self::ForeignDependency { .. } => "foreign-dependency",
            Self::Cycle(_) => "dependency-cycle",
            Self::Limit { .. } => "limit",
            Self::Count { .. } => "count",
            Self::UnknownType { .. } => "unknown-type",
            Self::Option { .. } => "column-option",
            Self::NoMax { .. } => "no-max",
            Self::EmptyRange(_) => "empty-range",
            Self::UnknownKey { .. } => "unknown-key",
            Self::NullableKey(_) => "nullable-key",
            Self::SensitiveKey(_) => "sensitive-key",
        }
    }
}
