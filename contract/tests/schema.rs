//! The schema says in SQL what the contract says in TOML.

use contract::{NONTAX_SQLITE_SQL, NONTAX_TOML};
use ferry_core::contract::{Column, ColumnKind, Contract};

#[test]
fn tables_and_columns_agree_with_the_contract() {
    let contract = Contract::parse(NONTAX_TOML, "nontax.toml").unwrap();
    let tables: Vec<_> = contract.streams().iter().flat_map(|stream| &stream.tables).collect();
    let schema = tables_of(NONTAX_SQLITE_SQL);
    assert_eq!(
        schema.iter().map(|table| table.name).collect::<Vec<_>>(),
        tables.iter().map(|table| table.name.as_str()).collect::<Vec<_>>()
    );
    for (in_sql, table) in schema.iter().zip(tables) {
        let columns: Vec<_> = in_sql.columns().collect();
        assert_eq!(columns.len(), table.columns.len(), "{}", table.name);
        for (line, column) in columns.iter().zip(&table.columns) {
            assert!(line.starts_with(&start_of(column)), "{}: {line}", table.name);
            assert_eq!(!line.contains("NOT NULL"), column.nullable, "{}: {line}", table.name);
        }
        assert_eq!(in_sql.key(), table.key_columns().map(|column| column.name.clone()).collect::<Vec<_>>());
    }
}

#[test]
fn every_table_is_strict_and_is_made_once() {
    assert!(!NONTAX_SQLITE_SQL.contains("IF NOT EXISTS"));
    assert_eq!(NONTAX_SQLITE_SQL.matches("CREATE TABLE").count(), NONTAX_SQLITE_SQL.matches(") STRICT;").count());
}

#[test]
fn foreign_keys_stay_in_one_stream_are_deferred_and_do_not_cascade() {
    let contract = Contract::parse(NONTAX_TOML, "nontax.toml").unwrap();
    let mut count = 0;
    for table in tables_of(NONTAX_SQLITE_SQL) {
        let (stream, _) = contract.table(table.name).unwrap();
        for line in table.lines.iter().filter(|line| line.contains("REFERENCES")) {
            let target = line.split("REFERENCES ").nth(1).unwrap().split(' ').next().unwrap();
            assert!(stream.table(target).is_some(), "{}: {line}", table.name);
            assert!(line.contains("DEFERRABLE INITIALLY DEFERRED"), "{line}");
            assert!(!line.contains("ON DELETE") && !line.contains("ON UPDATE"), "{line}");
            count += 1;
        }
    }
    assert_eq!(count, 34);
}

/// The text of one table.
struct SqlTable {
    name: &'static str,
    lines: Vec<&'static str>,
}

impl SqlTable {
    fn columns(&self) -> impl Iterator<Item = &'static str> {
        let starts = ["--", "UNIQUE", "PRIMARY KEY", "CHECK"];
        self.lines.iter().copied().filter(move |line| !starts.iter().any(|start| line.starts_with(start)))
    }

    fn key(&self) -> Vec<String> {
        if let Some(list) = self.lines.iter().find_map(|line| line.strip_prefix("PRIMARY KEY (")) {
            return list.trim_end_matches(')').split(", ").map(str::to_owned).collect();
        }
        let line = self.columns().find(|line| line.contains("PRIMARY KEY")).expect("a table has a key");
        vec![line.split(' ').next().expect("a split has a first part").to_owned()]
    }
}

fn tables_of(sql: &'static str) -> Vec<SqlTable> {
    let parts = sql.split("CREATE TABLE ").skip(1);
    parts
        .map(|part| {
            let (name, rest) = part.split_once(" (\n").expect("a table opens its columns");
            let body = rest.split("\n) STRICT;").next().expect("a split has a first part");
            SqlTable { name, lines: body.lines().map(|line| line.trim().trim_end_matches(',')).collect() }
        })
        .collect()
}

fn start_of(column: &Column) -> String {
    let kind = match column.kind {
        ColumnKind::Integer | ColumnKind::Fen | ColumnKind::Bool => "INTEGER",
        ColumnKind::Text
        | ColumnKind::Date8
        | ColumnKind::Time14
        | ColumnKind::Time17
        | ColumnKind::Bytes
        | ColumnKind::Json => "TEXT",
    };
    format!("{} {kind}", column.name)
}
