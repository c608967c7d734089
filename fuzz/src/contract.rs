//! Contracts. Their text has many spellings, so what is read is spelled anew and read again.

use std::fmt::Write as _;

use ferry_core::contract::{Column, ColumnKind, Contract, StreamContract, Table};

/// A contract that is read is the same after it was written down, digests and all; its streams can be applied in the
/// stated order. A fault lies inside the text.
pub fn contract(bytes: &[u8]) -> bool {
    let Ok(text) = core::str::from_utf8(bytes) else { return false };
    let contract = match Contract::parse(text, "fuzz.toml") {
        Ok(contract) => contract,
        Err(error) => {
            let lines = text.split('\n').count();
            assert!((1..=lines).contains(&error.line) && error.column >= 1, "{error} is outside the text");
            return false;
        }
    };
    let spelled = spell(&contract);
    let again = Contract::parse(&spelled, "fuzz.toml");
    assert_eq!(again.as_ref(), Ok(&contract), "not what was read:\n{spelled}");
    check_order(&contract);
    true
}

/// Every stream stands once in the order, after all that it depends on.
fn check_order(contract: &Contract) {
    let mut applied = Vec::new();
    for stream in contract.in_apply_order() {
        assert!(stream.depends.iter().all(|on| applied.contains(&on)), "{} comes too early", stream.name);
        applied.push(&stream.name);
        for table in &stream.tables {
            assert_eq!(contract.table(&table.name), Some((stream, table)));
        }
    }
    assert_eq!(applied.len(), contract.streams().len());
}

/// The contract in one of its spellings, with every option stated.
fn spell(contract: &Contract) -> String {
    let Contract { name, version, zones: [one, other], .. } = contract;
    let mut text = format!("name = \"{name}\"\nversion = {version}\nzones = [\"{one}\", \"{other}\"]\n[schema]\n");
    for (kind, path) in &contract.schema {
        line(&mut text, &format!("{kind} = {}", toml::Value::String(path.clone())));
    }
    for stream in contract.streams() {
        spell_stream(&mut text, stream);
    }
    text
}

fn spell_stream(text: &mut String, stream: &StreamContract) {
    let StreamContract { name, owner, to, priority, limits, .. } = stream;
    let depends: Vec<String> = stream.depends.iter().map(|on| format!("\"{on}\"")).collect();
    line(text, &format!("[[stream]]\nname = \"{name}\"\nowner = \"{owner}\"\nto = \"{to}\"\npriority = {priority}"));
    line(text, &format!("depends = [{}]", depends.join(", ")));
    line(
        text,
        &format!(
            "limits = {{ rows = {}, plain_bytes = {}, linger_ms = {} }}",
            limits.rows, limits.plain_bytes, limits.linger_ms
        ),
    );
    for table in &stream.tables {
        spell_table(text, table);
    }
}

fn spell_table(text: &mut String, table: &Table) {
    let key: Vec<String> = table.key_columns().map(|column| format!("\"{}\"", column.name)).collect();
    let columns: Vec<String> = table.columns.iter().map(spell_column).collect();
    line(text, &format!("[[stream.table]]\nname = \"{}\"\nkey = [{}]", table.name, key.join(", ")));
    line(text, &format!("sensitive_key = {}", table.key_columns().any(|column| column.sensitive)));
    line(text, &format!("independent = {}\ncolumns = [{}]", table.independent, columns.join(", ")));
}

/// A column with the options that its type has.
fn spell_column(column: &Column) -> String {
    let Column { name, kind, nullable, sensitive, money, range, length_max } = column;
    let options = match kind {
        ColumnKind::Text | ColumnKind::Bytes => format!(", max = {length_max}, sensitive = {sensitive}"),
        ColumnKind::Json => format!(", max = {length_max}"),
        ColumnKind::Integer => format!(", min = {}, max = {}", range.start(), range.end()),
        ColumnKind::Fen => format!(", money = {money}, signed = {}", *range.start() < 0),
        ColumnKind::Bool | ColumnKind::Date8 | ColumnKind::Time14 | ColumnKind::Time17 => String::new(),
    };
    format!("{{ name = \"{name}\", type = \"{kind}\", nullable = {nullable}{options} }}")
}

fn line(text: &mut String, words: &str) {
    writeln!(text, "{words}").expect("writing to a string cannot fail");
}
