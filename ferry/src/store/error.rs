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
    /// Own tables hold rows that were written while changes were not captured, or may have been.
    #[error("these tables hold rows already, which only a load could carry across: {}", .0.join(", "))]
    NeedsLoad(Vec<String>),
    /// The triggers do not stand as they were installed, or the tables are not as they were then.
    #[error("capture is not as it was installed: {}", list(.0))]
    Capture(Vec<TableFault>),
    /// A table was named that this zone does not own.
    #[error("{table} is no table that this zone owns")]
    NotOwned {
        /// The table.
        table: String,
    },
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
            Self::Capture(_) => "capture-changed",
            Self::NotOwned { .. } => "table-not-owned",
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
    /// Something else has its name.
    #[error("is a {kind}, where a table must be: no trigger sees what becomes of its rows")]
    NoTable {
        /// What it is.
        kind: String,
    },
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
    /// A trigger that runs after a change may run before its capture, and could change the table again or end the statement.
    #[error(
        "trigger {trigger} runs after a change, and could change this table again or end the statement before it is captured"
    )]
    Trigger {
        /// The trigger.
        trigger: String,
    },
    /// A trigger that runs before a change is captured, and may change the table itself.
    #[error("trigger {trigger} could change this table again before a change of it is captured; write elsewhere in it")]
    TriggerReturns {
        /// The trigger.
        trigger: String,
    },
    /// A trigger that a foreign key sets off between a change and its capture, and that may end the statement there.
    #[error(
        "trigger {trigger} could FAIL after rows of this table changed and before that is captured; use ABORT in it"
    )]
    TriggerFails {
        /// The trigger.
        trigger: String,
    },
    /// A trigger on one of ferry's own tables.
    #[error("trigger {trigger} stands on a table of ferry's, and nothing may stand there; drop it")]
    TriggerOnOurs {
        /// The trigger.
        trigger: String,
    },
    /// A trigger on a replica that may keep rows from being applied, without an error.
    #[error("trigger {trigger} could leave out rows of the owner without an error; use RAISE (ABORT) in it")]
    TriggerSkips {
        /// The trigger.
        trigger: String,
    },
    /// A trigger on a replica that may change replicas.
    #[error(
        "trigger {trigger} could change {table}, a replica, which only its owner may; write to a table of this zone"
    )]
    TriggerWrites {
        /// The trigger.
        trigger: String,
        /// The replica.
        table: String,
    },
    /// A conflict clause in the text of a replica.
    #[error("its constraints have ON CONFLICT {clause}, by which rows of the owner could be left out or removed")]
    ConflictClause {
        /// The clause.
        clause: String,
    },
    /// A foreign key of a replica that changes rows where the applier cannot look before.
    #[error("a foreign key to {parent} could change rows that the owner did not change; let it take no action")]
    Action {
        /// The table that is referred to.
        parent: String,
    },
    /// A trigger of ferry's is gone.
    #[error("trigger {trigger} is missing")]
    TriggerMissing {
        /// The trigger.
        trigger: String,
    },
    /// A trigger of ferry's is not what it should be.
    #[error("trigger {trigger} is not what it should be")]
    TriggerChanged {
        /// The trigger.
        trigger: String,
    },
    /// A trigger of ferry's has no place there.
    #[error("trigger {trigger} has no place there")]
    TriggerLeft {
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
