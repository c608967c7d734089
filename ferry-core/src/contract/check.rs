//! Whether a record fits its table.

use ferry_format::records::{Op, Record, Value};

use super::date::{is_date8, is_time14, is_time17};
use super::{Column, ColumnKind, RecordFault, StreamContract, Table, width};

impl StreamContract {
    /// Checks every value of `record` against its table: how many there are, types, nulls, ranges, lengths, dates.
    ///
    /// A good record costs no allocation. A delete holds the key's columns in key order; an insert and an update
    /// hold the whole row.
    ///
    /// # Errors
    /// The first fault; it never holds a value.
    pub fn check(&self, record: &Record<'_>) -> Result<&Table, RecordFault> {
        let table =
            self.table(&record.table).ok_or_else(|| RecordFault::UnknownTable { stream: self.name.to_string() })?;
        match record.op {
            Op::Insert | Op::Update => check_values(table, table.columns.iter(), table.columns.len(), record)?,
            Op::Delete => check_values(table, table.key_columns(), table.key.len(), record)?,
        }
        Ok(table)
    }
}

impl Table {
    /// The values of the key in key order, of a record that [`StreamContract::check`] found good.
    pub fn key_values<'r, 'v>(&'r self, record: &'r Record<'v>) -> impl Iterator<Item = &'r Value<'v>> {
        self.key.iter().enumerate().filter_map(|(place, position)| match record.op {
            Op::Insert | Op::Update => record.values.get(*position),
            Op::Delete => record.values.get(place),
        })
    }
}

fn check_values<'c>(
    table: &Table,
    columns: impl Iterator<Item = &'c Column>,
    expected: usize,
    record: &Record<'_>,
) -> Result<(), RecordFault> {
    let found = record.values.len();
    if found != expected {
        return Err(RecordFault::WrongArity { table: table.name.clone(), expected, found });
    }
    for (column, value) in columns.zip(&record.values) {
        check_value(column, value).map_err(|flaw| flaw.fault(table, column))?;
    }
    Ok(())
}

fn check_value(column: &Column, value: &Value<'_>) -> Result<(), Flaw> {
    match value {
        Value::Null if column.nullable => Ok(()),
        Value::Null => Err(Flaw::Null),
        Value::Integer(_) if !column.kind.is_integer() => Err(Flaw::Type),
        Value::Integer(number) if column.range.contains(number) => Ok(()),
        Value::Integer(_) => Err(Flaw::Range),
        Value::Text(text) => check_text(column, text),
    }
}

fn check_text(column: &Column, text: &str) -> Result<(), Flaw> {
    match column.kind {
        ColumnKind::Integer | ColumnKind::Fen | ColumnKind::Bool => Err(Flaw::Type),
        ColumnKind::Text => {
            demand(width::fits(text, column.length_max), Flaw::Length)?;
            demand(!text.as_bytes().contains(&0), Flaw::Zero)
        }
        ColumnKind::Json => {
            demand(text.len() <= column.length_max, Flaw::Length)?;
            demand(!text.as_bytes().contains(&0), Flaw::Zero)
        }
        ColumnKind::Bytes => {
            demand(text.len().div_ceil(2) <= column.length_max, Flaw::Length)?;
            demand(is_hex(text), Flaw::Spelling)
        }
        ColumnKind::Date8 => demand(is_date8(text), Flaw::Spelling),
        ColumnKind::Time14 => demand(is_time14(text), Flaw::Spelling),
        ColumnKind::Time17 => demand(is_time17(text), Flaw::Spelling),
    }
}

fn is_hex(text: &str) -> bool {
    text.len().is_multiple_of(2) && text.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
}

fn demand(holds: bool, flaw: Flaw) -> Result<(), Flaw> {
    if holds { Ok(()) } else { Err(flaw) }
}

/// A fault without its names, so that the good path builds none.
#[derive(Debug, Clone, Copy)]
enum Flaw {
    Null,
    Type,
    Range,
    Length,
    Spelling,
    Zero,
}

impl Flaw {
    fn fault(self, table: &Table, of: &Column) -> RecordFault {
        let (table, column, kind) = (table.name.clone(), of.name.clone(), of.kind);
        match self {
            Self::Null => RecordFault::NullNotAllowed { table, column },
            Self::Type => RecordFault::WrongType { table, column, kind },
            Self::Range => RecordFault::OutOfRange { table, column },
            Self::Length => RecordFault::TooLong { table, column, max: of.length_max },
            Self::Spelling => RecordFault::BadSpelling { table, column, kind },
            Self::Zero => RecordFault::ZeroCharacter { table, column },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use ferry_format::records::{Op, Record, Value};
    use proptest::prelude::*;

    use crate::contract::{Contract, StreamContract};

    const TEXT: &str = r#"
name = "shop"
version = 1
zones = ["inner", "outer"]

[[stream]]
name = "bill"
owner = "inner"
to = "outer"
priority = 5
limits = { rows = 100, plain_bytes = 65536, linger_ms = 1000 }

[[stream.table]]
name = "bill"
key = ["line", "no"]
columns = [
  { name = "no", type = "text", max = 8 },
  { name = "line", type = "integer", min = 1, max = 99 },
  { name = "amount", type = "fen" },
  { name = "change", type = "fen", signed = true },
  { name = "done", type = "bool" },
  { name = "day", type = "date8" },
  { name = "at", type = "time14" },
  { name = "made", type = "time17" },
  { name = "seal", type = "bytes", max = 2 },
  { name = "extra", type = "json", max = 6, nullable = true },
]
"#;

    #[test]
    fn a_good_row_and_a_good_key_pass() {
        let stream = stream();
        assert_eq!(stream.check(&row()).unwrap().name, "bill");
        let update = Record { op: Op::Update, ..row() };
        let table = stream.check(&update).unwrap();
        let key: Vec<_> = table.key_values(&update).cloned().collect();
        let delete = Record { table: "bill".into(), op: Op::Delete, values: key.clone() };
        assert_eq!(key, [Value::Integer(1), text("A1")]);
        assert_eq!(stream.check(&delete), Ok(table));
        assert!(table.key_values(&delete).eq(&key));
    }

    #[test]
    fn each_flaw_of_a_value_has_its_code_and_column() {
        let cases: [(usize, Value<'static>, &str); 28] = [
            (0, Value::Null, "null-not-allowed"),
            (0, Value::Integer(1), "wrong-type"),
            (0, text("缴款码书"), ""),
            (0, text("缴款码书1"), "too-long"),
            (0, text("a\0b"), "zero-character"),
            (1, Value::Integer(0), "out-of-range"),
            (1, Value::Integer(100), "out-of-range"),
            (1, text("1"), "wrong-type"),
            (2, Value::Integer(-1), "out-of-range"),
            (2, Value::Integer(i64::MAX), ""),
            (3, Value::Integer(i64::MIN), ""),
            (4, Value::Integer(2), "out-of-range"),
            (4, text("0"), "wrong-type"),
            (5, text("20240230"), "bad-spelling"),
            (5, Value::Integer(20_240_229), "wrong-type"),
            (6, text("20240229246060"), "bad-spelling"),
            (6, text("20240229"), "bad-spelling"),
            (7, text("20240229235959"), "bad-spelling"),
            (7, Value::Null, "null-not-allowed"),
            (8, text("0aff"), ""),
            (8, text("0afg"), "bad-spelling"),
            (8, text("0AFF"), "bad-spelling"),
            (8, text("0af"), "bad-spelling"),
            (8, text("0aff0"), "too-long"),
            (9, Value::Null, ""),
            (9, text("{\"a\":1"), ""),
            (9, text("{\"a\":1}"), "too-long"),
            (9, text("\0"), "zero-character"),
        ];
        let stream = stream();
        for (position, value, code) in cases {
            let mut record = row();
            record.values[position] = value.clone();
            let column = stream.tables[0].columns[position].name.as_str();
            match stream.check(&record) {
                Ok(_) => assert_eq!("", code, "{column}: {value:?}"),
                Err(fault) => {
                    assert_eq!((fault.code(), fault.column()), (code, Some(column)), "{value:?}");
                    assert_eq!(fault.table(), Some("bill"));
                }
            }
        }
    }

    #[test]
    fn tables_and_counts_of_values_are_checked() {
        let stream = stream();
        let foreign = Record { table: "secret".into(), ..row() };
        let fault = stream.check(&foreign).unwrap_err();
        assert_eq!((fault.code(), fault.table()), ("unknown-table", None));
        assert_eq!(fault.to_string(), "the record's table does not belong to stream `bill`");
        for op in [Op::Insert, Op::Update, Op::Delete] {
            let record = Record { op, values: vec![Value::Integer(1)], ..row() };
            let fault = stream.check(&record).unwrap_err();
            assert_eq!((fault.code(), fault.column()), ("wrong-arity", None));
        }
    }

    proptest! {
        #[test]
        fn a_fault_never_shows_the_value(position in 0_usize..10, value in "[^a-z `]{3,9}", number in 1_000_i64..) {
            let stream = stream();
            for value in [Value::Text(Cow::Owned(value.clone())), Value::Integer(number)] {
                let mut record = row();
                record.values[position] = value.clone();
                if let Err(fault) = stream.check(&record) {
                    let shown = match &value {
                        Value::Text(text) => text.to_string(),
                        Value::Integer(number) => number.to_string(),
                        Value::Null => unreachable!("no case is null"),
                    };
                    prop_assert!(!fault.to_string().contains(&shown));
                }
            }
        }
    }

    fn stream() -> StreamContract {
        Contract::parse(TEXT, "shop.toml").unwrap().streams()[0].clone()
    }

    fn row() -> Record<'static> {
        let values = vec![
            text("A1"),
            Value::Integer(1),
            Value::Integer(100),
            Value::Integer(-1),
            Value::Integer(1),
            text("20240229"),
            text("20240229235959"),
            text("20240229235959999"),
            text("0a"),
            Value::Null,
        ];
        Record { table: "bill".into(), op: Op::Insert, values }
    }

    fn text(text: &'static str) -> Value<'static> {
        Value::Text(text.into())
    }
}
