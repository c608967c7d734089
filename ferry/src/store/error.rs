//! What can stand in the way of making, opening and installing a store.

use std::path::PathBuf;

use ferry_core::ports::PortError;
use thiserror::Error;

/// Why a database was not made, opened or prepared.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StoreError {
    /// A new database was asked for where there is one.
    #[error("{path} exists already")]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// There is no database.
    #[error("there is no database at {path}; `ferry init` makes one")]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// The file could not be made.
    #[error("cannot make {path}: {cause}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
    /// The database has no tables of ferry's.
    #[error("{path} is no database of ferry's; `ferry init` makes one")]
    NotOurs {
        /// The file.
        path: PathBuf,
    },
    /// A newer program has changed the tables.
    #[error(
        "the database has schema version {found}, and this program knows versions up to {known}; \
         install ferry {written_by} or newer"
    )]
    NewerSchema {
        /// The version in the database.
        found: String,
        /// The newest version that this program knows.
        known: u64,
        /// The program that wrote it.
        written_by: String,
    },
    /// The database does not have the link.
    #[error("the database does not have link {link}")]
    UnknownLink {
        /// The link.
        link: String,
    },
    /// The zone is none of the contract's.
    #[error("zone {zone} is none of the contract's")]
    UnknownZone {
        /// The zone.
        zone: String,
    },
    /// No epoch id was given for an own stream.
    #[error("stream {stream} was given no epoch id")]
    NoEpoch {
        /// The stream.
        stream: String,
    },
    /// The schema of the business tables was not accepted.
    #[error("the schema was not accepted: {0}")]
    Schema(PortError),
    /// Tables in which a change could escape, or rows could not be applied.
    #[error("{} of the tables cannot be ferried: {}", .0.len(), list(.0))]
    Tables(Vec<TableFault>),
    /// Own tables hold rows that were written before changes were captured.
    #[error("these tables hold rows already, which only a load could carry across: {}", .0.join(", "))]
    NeedsLoad(Vec<String>),
    /// The database failed.
    #[error(transparent)]
    Port(#[from] PortError),
}

impl StoreError {
    /// The stable code, in kebab case.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Exists { .. } => "database-exists",
            Self::Missing { .. } => "database-missing",
            Self::File { .. } => "database-file",
            Self::NotOurs { .. } => "database-foreign",
            Self::NewerSchema { .. } => "database-newer",
            Self::UnknownLink { .. } => "unknown-link",
            Self::UnknownZone { .. } => "unknown-zone",
            Self::NoEpoch { .. } => "no-epoch",
            Self::Schema(_) => "schema-refused",
            Self::Tables(_) => "tables-refused",
            Self::NeedsLoad(_) => "needs-load",
            Self::Port(_) => "database-failed",
        }
    }
}

/// Why one table cannot be ferried.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{table}: {flaw}")]
pub struct TableFault {
    /// The table.
    pub table: String,
    /// What is wrong with it.
    pub flaw: TableFlaw,
}

/// What is wrong with a table.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TableFlaw {
    /// It is not there.
    #[error("there is no such table")]
    Missing,
    /// It takes values of any type.
    #[error("must be STRICT, so that no value has another type than its column")]
    NotStrict,
    /// A column of the contract is not there, or is computed.
    #[error("has no column {column} that can be written")]
    NoColumn {
        /// The column.
        column: String,
    },
    /// A column is declared with another type than the contract's.
    #[error("column {column} must be {expected}, not {found}")]
    ColumnType {
        /// The column.
        column: String,
        /// The type that the contract asks for.
        expected: &'static str,
        /// The declared type.
        found: String,
    },
    /// An own column may be null where the contract says that it is not.
    #[error("column {column} must be NOT NULL, as the contract says")]
    MayBeNull {
        /// The column.
        column: String,
    },
    /// A replica's column may not be null where the contract says that it may.
    #[error("column {column} is NOT NULL, and the contract lets it be null")]
    NeverNull {
        /// The column.
        column: String,
    },
    /// A replica has a column that the contract does not fill.
    #[error("column {column} is not in the contract, so it must allow null or have a default")]
    Unfilled {
        /// The column.
        column: String,
    },
    /// The primary key is not the contract's key.
    #[error("the primary key must be ({expected})")]
    Key {
        /// The contract's key.
        expected: String,
    },
    /// The key compares texts by other rules than byte for byte.
    #[error("the primary key must compare byte for byte, not by {collation}")]
    KeyCollation {
        /// The collation.
        collation: String,
    },
    /// A unique index that no guard can watch.
    #[error("unique index {index} covers an expression or a part of the rows, so REPLACE could remove rows unseen")]
    PartialIndex {
        /// The index.
        index: String,
    },
    /// A trigger that changes rows after the capture triggers or before them, in no defined order.
    #[error("trigger {trigger} is not a BEFORE trigger, so captured changes could stand in the wrong order")]
    Trigger {
        /// The trigger.
        trigger: String,
    },
}

impl TableFlaw {
    /// The flaw, with its table.
    #[must_use]
    pub fn of(self, table: &str) -> TableFault {
        TableFault { table: table.to_owned(), flaw: self }
    }
}

fn list(faults: &[TableFault]) -> String {
    let texts: Vec<String> = faults.iter().map(ToString::to_string).collect();
    texts.join("; ")
}
