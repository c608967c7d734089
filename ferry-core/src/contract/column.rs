//! Columns and their types.

use core::fmt;
use core::ops::RangeInclusive;
use core::str::FromStr;

/// One column of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// The column's name in both databases.
    pub name: String,
    /// What its values are.
    pub kind: ColumnKind,
    /// Whether null is allowed.
    pub nullable: bool,
    /// Whether it holds field-encrypted text (敏感字段); such values are never shown.
    pub sensitive: bool,
    /// Whether it has a control total (控制金额) in every batch.
    pub money: bool,
    /// The range of integer values; everything for the kinds that are text.
    pub range: RangeInclusive<i64>,
    /// The longest value: GBK width for text, UTF-8 bytes for JSON, decoded bytes for bytes; 0 for the other kinds.
    pub length_max: usize,
}

/// The type of a column, by the name that it has in a contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ColumnKind {
    /// `text`: UTF-8 without U+0000, measured by GBK width.
    Text,
    /// `integer`: a 64-bit signed integer.
    Integer,
    /// `fen`: money in fen (分), not negative unless the column says so.
    Fen,
    /// `bool`: 0 or 1.
    Bool,
    /// `date8`: yyyyMMdd, China time.
    Date8,
    /// `time14`: yyyyMMddHHmmss, China time.
    Time14,
    /// `time17`: yyyyMMddHHmmssSSS, China time.
    Time17,
    /// `bytes`: lower-case hex.
    Bytes,
    /// `json`: text that both ends treat as JSON; only its characters and length are checked here, never its syntax.
    Json,
}

impl ColumnKind {
    /// Every kind, in the order of the documentation.
    pub const ALL: [Self; 9] = [
        Self::Text,
        Self::Integer,
        Self::Fen,
        Self::Bool,
        Self::Date8,
        Self::Time14,
        Self::Time17,
        Self::Bytes,
        Self::Json,
    ];

    /// The name of the kind in a contract.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Integer => "integer",
            Self::Fen => "fen",
            Self::Bool => "bool",
            Self::Date8 => "date8",
            Self::Time14 => "time14",
            Self::Time17 => "time17",
            Self::Bytes => "bytes",
            Self::Json => "json",
        }
    }

    /// Whether records and databases hold values of the kind as integers; the others are text.
    #[must_use]
    pub const fn is_integer(self) -> bool {
        match self {
            Self::Integer | Self::Fen | Self::Bool => true,
            Self::Text | Self::Date8 | Self::Time14 | Self::Time17 | Self::Bytes | Self::Json => false,
        }
    }

    /// Whether a contract has to state the longest value.
    #[must_use]
    pub const fn has_length(self) -> bool {
        match self {
            Self::Text | Self::Bytes | Self::Json => true,
            Self::Integer | Self::Fen | Self::Bool | Self::Date8 | Self::Time14 | Self::Time17 => false,
        }
    }
}

impl fmt::Display for ColumnKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ColumnKind {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or(())
    }
}
