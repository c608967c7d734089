//! A stream's tables captured once more, as they stand.

/// What one step of a load has captured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loaded {
    /// The table that it read last.
    pub table: String,
    /// How many rows it captured.
    pub rows: u64,
    /// Every row of every table was captured.
    pub done: bool,
}
