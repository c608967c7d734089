//! One value of a row.

/// One value of a row.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cell {
    /// No value.
    Null,
    /// An integer, money in fen (分), or a boolean as 0 and 1.
    Int(i64),
    /// Text, a date or a time.
    Text(String),
}

impl Cell {
    /// The text; none for anything else.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Null | Self::Int(_) => None,
        }
    }

    /// The integer; none for anything else.
    #[must_use]
    pub const fn int(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            Self::Null | Self::Text(_) => None,
        }
    }
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

/// A type that a row's field can have.
pub trait Held: Sized {
    /// Whether the field may hold nothing.
    const NULLABLE: bool = false;

    /// The field's value; none where the cell holds another type.
    fn of(cell: Cell) -> Option<Self>;
}

impl Held for String {
    fn of(cell: Cell) -> Option<Self> {
        match cell {
            Cell::Text(text) => Some(text),
            Cell::Null | Cell::Int(_) => None,
        }
    }
}

impl Held for i64 {
    fn of(cell: Cell) -> Option<Self> {
        cell.int()
    }
}

impl Held for bool {
    fn of(cell: Cell) -> Option<Self> {
        match cell {
            Cell::Int(0) => Some(false),
            Cell::Int(1) => Some(true),
            Cell::Null | Cell::Int(_) | Cell::Text(_) => None,
        }
    }
}

impl<T: Held> Held for Option<T> {
    const NULLABLE: bool = true;

    fn of(cell: Cell) -> Option<Self> {
        if cell == Cell::Null { Some(None) } else { T::of(cell).map(Some) }
    }
}

#[cfg(test)]
mod tests {
    use super::{Cell, Held};

    #[test]
    fn a_cell_of_another_type_is_no_value() {
        assert_eq!(<Option<i64>>::of(Cell::Null), Some(None));
        assert_eq!(<Option<i64>>::of(Cell::Text("1".to_owned())), None);
        assert_eq!(bool::of(Cell::Int(2)), None);
        assert_eq!(String::of(Cell::Null), None);
    }
}
