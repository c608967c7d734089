//! The zone's database: ferry's own tables beside the business tables, capture on one side, apply on the other.
//!
//! What the protocol asks of it is [`ferry_core::ports::Store`]; what operators read is [`Books`]. Programs of the zone
//! read one table of ferry's, `ferry_stream_state`: a row for each link, stream and direction with lag, watermark and
//! health. Everything else that begins with `ferry_` is ferry's own.
//!
//! # What capture guarantees
//!
//! Triggers write every change of an own table into its stream's outbox, in the transaction that makes the change.
//! SQLite tells triggers nothing of rows that `REPLACE` removes, so guards abort a statement that would remove a row
//! with another key: one that inserts or updates to a secondary unique key which another row has. They cannot see which
//! conflict clause a statement has. So `INSERT OR IGNORE`, and `ON CONFLICT (…) DO UPDATE` over a secondary unique key,
//! abort as well where they would have met such a row; over the primary key both work as ever. Actions of foreign keys
//! (`CASCADE`, `SET NULL`) are captured like any other change.
//!
//! What happens to triggers and tables afterwards is noticed: the daemon compares them with what would be installed, at its start
//! and whenever the schema has changed. Where triggers cannot see (a connection that switches them off, a file that is edited),
//! nobody can; `docs/operations.md` lists what is captured, what is refused, and what cannot be seen.
//!
//! # What guards on replicas do
//!
//! They refuse writes outside the applier's transaction. They are a fence against mistakes, not against a hostile
//! program: whoever may write to the database may also remove them, or set the applier's mark.

mod books;
mod dialect;
mod error;
mod fault;
mod sqlite;
mod trace;

pub use books::{
    ActRow, Backlog, BatchQuery, BatchRow, Books, ContractRow, Identity, LifeRow, OwnLife, ParkedRow, PassedOver,
    PlacedBatch, RowKey, StreamStateRow,
};
pub use error::{StoreError, TableFault, TableFlaw};
pub use fault::{fault, stale};
pub use sqlite::{
    AuditHead, AuditLeaf, CaptureState, InstallReport, Registered, Registration, SqliteBooks, SqliteStore, TableState,
    checkpoint, copy_database, create, database_mode, is_in_use,
};
pub use trace::{
    PassedRow, TRACE_SCHEMA, Trace, TraceKey, TraceQuery, TracedChange, Unsearched, UnsearchedCause, WaitingRow,
};
