//! One value of a row.

/// One value of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    /// No value.
    Null,
    /// An integer, money in fen (分), or a boolean as 0 and 1.
    Int(i64),
    /// Text, a date or a time.
    Text(String),
}

impl From<&String> for Cell {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

impl From<&i64> for Cell {
    fn from(number: &i64) -> Self {
        Self::Int(*number)
    }
}

impl From<&bool> for Cell {
    fn from(flag: &bool) -> Self {
        Self::Int(i64::from(*flag))
    }
}

impl From<&Option<String>> for Cell {
    fn from(text: &Option<String>) -> Self {
        text.as_ref().map_or(Self::Null, Self::from)
    }
}

impl From<&Option<i64>> for Cell {
    fn from(number: &Option<i64>) -> Self {
        number.map_or(Self::Null, Self::Int)
    }
}
