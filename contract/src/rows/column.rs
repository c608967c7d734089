//! What the columns of the contract hold.

/// What a column holds, as the contract names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnType {
    /// Text of at most so many columns of GBK width: a Chinese character counts two.
    Text(usize),
    /// An integer in a range, both ends included.
    Integer(i64, i64),
    /// Money in fen (分), not negative.
    Fen,
    /// Money in fen (分) that the sender states the total of.
    Money,
    /// 0 or 1.
    Bool,
    /// A day, yyyyMMdd.
    Date8,
    /// A second, yyyyMMddHHmmss, in China time.
    Time14,
    /// A millisecond, yyyyMMddHHmmssSSS, in China time.
    Time17,
}

/// A column of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// Its name for people, in Chinese.
    pub title: &'static str,
    /// What it holds.
    pub kind: ColumnType,
    /// Whether it may hold nothing.
    pub is_nullable: bool,
    /// Whether it holds what identifies people: text that was encrypted with the field key.
    pub is_sensitive: bool,
}

/// Text of at most so much GBK width.
pub(super) const fn text(width: usize) -> (ColumnType, bool) {
    (ColumnType::Text(width), false)
}

/// Encrypted text of at most so many bytes.
pub(super) const fn secret(width: usize) -> (ColumnType, bool) {
    (ColumnType::Text(width), true)
}

/// An integer in a range.
pub(super) const fn int(least: i64, most: i64) -> (ColumnType, bool) {
    (ColumnType::Integer(least, most), false)
}

pub(super) const FEN: (ColumnType, bool) = (ColumnType::Fen, false);
pub(super) const MONEY: (ColumnType, bool) = (ColumnType::Money, false);
pub(super) const BOOL: (ColumnType, bool) = (ColumnType::Bool, false);
pub(super) const DATE8: (ColumnType, bool) = (ColumnType::Date8, false);
pub(super) const TIME14: (ColumnType, bool) = (ColumnType::Time14, false);
pub(super) const TIME17: (ColumnType, bool) = (ColumnType::Time17, false);
