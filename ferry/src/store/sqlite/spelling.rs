//! How SQLite spells names, values and conditions.

use std::fmt::Write as _;

use ferry_core::contract::{Column, ColumnKind, Table};

/// An identifier in quotes.
pub(super) fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A text literal.
pub(super) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

pub(super) fn append(text: &mut String, more: std::fmt::Arguments<'_>) {
    text.write_fmt(more).expect("writing to a string cannot fail");
}

/// The values of a record's columns, as arguments of `json_array`.
pub(super) fn record<'c>(of: &str, columns: impl Iterator<Item = &'c Column>) -> String {
    let value = |column: &Column| {
        let place = format!("{of}.{}", quote(&column.name));
        match column.kind {
            ColumnKind::Bytes => format!("iif({place} IS NULL, NULL, lower(hex({place})))"),
            ColumnKind::Text
            | ColumnKind::Integer
            | ColumnKind::Fen
            | ColumnKind::Bool
            | ColumnKind::Date8
            | ColumnKind::Time14
            | ColumnKind::Time17
            | ColumnKind::Json => place,
        }
    };
    let values: Vec<String> = columns.map(value).collect();
    values.join(", ")
}

/// The value at `position` of the JSON array `array`, as the column holds it.
pub(super) fn value(array: &str, position: usize, column: &Column) -> String {
    match column.kind {
        ColumnKind::Bytes => format!("unhex({array} ->> {position})"),
        ColumnKind::Text
        | ColumnKind::Integer
        | ColumnKind::Fen
        | ColumnKind::Bool
        | ColumnKind::Date8
        | ColumnKind::Time14
        | ColumnKind::Time17
        | ColumnKind::Json => format!("{array} ->> {position}"),
    }
}

/// Whether two rows have the same key, byte for byte.
pub(super) fn same_key(table: &Table, one: &str, other: &str) -> String {
    let same = |column: &Column| {
        let name = quote(&column.name);
        format!("{one}{name} IS {other}{name} COLLATE BINARY")
    };
    let all: Vec<String> = table.key_columns().map(same).collect();
    all.join(" AND ")
}
