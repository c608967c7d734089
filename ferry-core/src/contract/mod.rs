//! The contract (交换契约): which tables may cross, who owns each, and what their rows look like.
//!
//! A contract is data. It is parsed from TOML text, is valid by construction, and carries for each stream
//! a digest of the part that both zones must agree on; tuning (priority, dependencies, limits) stays out of it.
//! The same model judges records: [`StreamContract::check`] before a row is sent, and again before it is applied.

mod check;
mod column;
mod date;
mod digest;
mod fault;
mod order;
mod parse;
mod raw;
mod record_fault;
mod tally;
mod width;

use core::num::NonZeroU64;
use std::collections::BTreeMap;

use ferry_format::{Digest, StreamName, ZoneName};

pub use column::{Column, ColumnKind};
pub use digest::CONTRACT_LABEL;
pub use fault::{ContractError, ContractFault};
pub use record_fault::RecordFault;
pub use tally::Tally;
pub use width::gbk_width;

/// The longest name of a table or column, in bytes: the shortest limit among the databases in the field (PostgreSQL's).
pub const NAME_BYTES_MAX: usize = 63;
/// The smallest plaintext limit of a batch, in bytes; below it the header outweighs the rows.
pub const BATCH_PLAIN_BYTES_MIN: u64 = 4 << 10;
/// The longest time that a change may wait for others, in milliseconds (one hour).
pub const LINGER_MS_MAX: u64 = 3_600_000;

/// One contract between two zones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contract {
    /// The contract's name, such as `nontax`.
    pub name: String,
    /// Its version, from 1; information for people, since the streams' digests decide.
    pub version: u64,
    /// The two zones.
    pub zones: [ZoneName; 2],
    /// The schema file by kind of database, as a path relative to the contract's own file.
    pub schema: BTreeMap<String, String>,
    streams: Vec<StreamContract>,
    apply_order: Vec<usize>,
}

impl Contract {
    /// Parses the TOML `text`; `file` is the name that errors show.
    ///
    /// # Errors
    /// The first fault of the contract, with its line, column and cause.
    pub fn parse(text: &str, file: &str) -> Result<Self, ContractError> {
        parse::parse(text, file)
    }

    /// The same contract with every linger divided by `scale`, to at least 1 ms unless it is 0. Digests stay.
    #[must_use]
    pub fn scaled(mut self, scale: NonZeroU64) -> Self {
        for stream in &mut self.streams {
            let linger = &mut stream.limits.linger_ms;
            *linger = if *linger == 0 { 0 } else { (*linger / scale).max(1) };
        }
        self
    }

    /// The streams, in the order of the contract's text.
    #[must_use]
    pub fn streams(&self) -> &[StreamContract] {
        &self.streams
    }

    /// The stream called `name`.
    #[must_use]
    pub fn stream(&self, name: &StreamName) -> Option<&StreamContract> {
        self.streams.iter().find(|stream| stream.name == *name)
    }

    /// The streams whose rows `zone` writes, in the order of the contract's text.
    pub fn owned_by<'c>(&'c self, zone: &'c ZoneName) -> impl Iterator<Item = &'c StreamContract> {
        self.streams.iter().filter(move |stream| stream.owner == *zone)
    }

    /// The streams, each after those that it depends on; among free ones the higher priority goes first.
    pub fn in_apply_order(&self) -> impl Iterator<Item = &StreamContract> {
        self.apply_order.iter().map(|index| &self.streams[*index])
    }

    /// The stream that `table` belongs to, and the table.
    #[must_use]
    pub fn table(&self, table: &str) -> Option<(&StreamContract, &Table)> {
        self.streams.iter().find_map(|stream| Some((stream, stream.table(table)?)))
    }
}

/// One stream: an ordered sequence of changes that one zone owns and the other applies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamContract {
    /// The stream's name.
    pub name: StreamName,
    /// The only zone that writes these tables.
    pub owner: ZoneName,
    /// The zone that applies them.
    pub to: ZoneName,
    /// Who goes first through the gate: a higher number goes first.
    pub priority: u8,
    /// Streams of the same owner whose rows these rows may refer to.
    pub depends: Vec<StreamName>,
    /// When a batch is cut.
    pub limits: BatchLimits,
    /// The tables, parents before children.
    pub tables: Vec<Table>,
    /// The SM3 digest of the canonical form of what both zones must agree on.
    pub digest: Digest,
}

impl StreamContract {
    /// The table called `name`.
    #[must_use]
    pub fn table(&self, name: &str) -> Option<&Table> {
        self.tables.iter().find(|table| table.name == name)
    }
}

/// When a batch is cut: whichever is reached first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchLimits {
    /// Rows.
    pub rows: u64,
    /// Bytes of plaintext, salt included; one record larger than this travels in a batch of its own.
    pub plain_bytes: u64,
    /// How long the oldest change may wait for others, in milliseconds.
    pub linger_ms: u64,
}

/// One table of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// The table's name in both databases.
    pub name: String,
    /// The columns, in the order in which records carry them.
    pub columns: Vec<Column>,
    /// The positions in `columns` of the primary key's columns, in key order.
    pub key: Vec<usize>,
    /// Whether a bad row of this table is parked alone, where others refuse the whole group.
    pub independent: bool,
}

impl Table {
    /// The column called `name`.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// The key's columns, in key order.
    pub fn key_columns(&self) -> impl Iterator<Item = &Column> {
        self.key.iter().map(|position| &self.columns[*position])
    }
}
