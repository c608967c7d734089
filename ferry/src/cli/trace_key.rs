//! The key of a row, as it is typed and as records spell it.

use std::borrow::Cow;

use ferry_core::contract::{Column, ColumnKind, Contract, RecordFault, StreamContract, Table};
use ferry_format::{Op, Record, Value, write_value};

use crate::lang::Text;
use crate::{ExitCode, Fault, Lang, text};

/// Finds a table by its name.
///
/// # Errors
/// When the contract does not have it. That is a mistake of the command line: a table that is not there has no rows of
/// which nothing is known.
pub fn table<'c>(contract: &'c Contract, name: &str) -> Result<(&'c StreamContract, &'c Table), Fault> {
    contract.table(name).ok_or_else(|| {
        let known: Vec<&str> =
            contract.streams().iter().flat_map(|stream| &stream.tables).map(|table| table.name.as_str()).collect();
        let (of, list) = (&contract.name, known.join(", "));
        Fault::new(
            "no-such-table",
            ExitCode::Usage,
            text!("contract {of} has no table of that name", "契约 {of} 中没有此表"),
            text!("name one of these: {list}", "请指定其中之一：{list}"),
        )
    })
}

/// The canonical JSON array of a key, typed as one value a column in key order.
///
/// # Errors
/// When there are too many or too few, or one cannot be a value of its column.
pub fn json(stream: &StreamContract, table: &Table, typed: &[String]) -> Result<String, Fault> {
    let columns: Vec<&Column> = table.key_columns().collect();
    if typed.len() != columns.len() {
        let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
        let (name, list, found) = (&table.name, names.join(", "), typed.len());
        return Err(bad_key(&text!(
            "the key of {name} is {list}; {found} values were given",
            "{name} 的主键为 {list}；给出了 {found} 个值"
        )));
    }
    let mut values = Vec::new();
    for (column, typed) in columns.iter().zip(typed) {
        values.push(value(column, typed).ok_or_else(|| wrong(column, "wrong-type"))?);
    }
    let record = Record { table: Cow::Borrowed(table.name.as_str()), op: Op::Delete, values };
    stream.check(&record).map_err(|fault| blame(&columns, &fault))?;
    let mut key = Vec::new();
    for value in &record.values {
        key.push(if key.is_empty() { b'[' } else { b',' });
        write_value(&mut key, value);
    }
    key.push(b']');
    String::from_utf8(key).map_err(Fault::internal)
}

fn value<'v>(column: &Column, typed: &'v str) -> Option<Value<'v>> {
    if column.kind.is_integer() {
        typed.parse().ok().map(Value::Integer)
    } else {
        Some(Value::Text(Cow::Borrowed(typed)))
    }
}

fn blame(columns: &[&Column], fault: &RecordFault) -> Fault {
    let column = columns.iter().find(|column| fault.column() == Some(column.name.as_str()));
    column.map_or_else(|| Fault::internal(fault), |column| wrong(column, fault.code()))
}

/// A value that its column cannot have. It may be a person's number, so it is not repeated.
fn wrong(column: &Column, code: &str) -> Fault {
    let (name, rule) = (&column.name, rule(column, code));
    let (en, zh) = (rule.get(Lang::En), rule.get(Lang::Zh));
    bad_key(&text!("key column {name}: {en}", "主键列 {name}：{zh}"))
}

fn rule(column: &Column, code: &str) -> Text {
    let (least, greatest, longest) = (column.range.start(), column.range.end(), column.length_max);
    match (code, column.kind) {
        ("wrong-type", _) => Text::fixed("an integer is wanted", "应为整数"),
        ("out-of-range", ColumnKind::Bool) => Text::fixed("0 or 1 is wanted", "应为 0 或 1"),
        ("out-of-range", _) => {
            text!("the integer must lie between {least} and {greatest}", "整数应在 {least} 与 {greatest} 之间")
        }
        ("too-long", ColumnKind::Text) => {
            text!("at most {longest} characters, Chinese ones counting two", "至多 {longest} 个字符，汉字按两个计")
        }
        ("too-long", _) => text!("at most {longest} bytes", "至多 {longest} 字节"),
        ("bad-spelling", ColumnKind::Date8) => Text::fixed("a day yyyyMMdd is wanted", "应为日期 yyyyMMdd"),
        ("bad-spelling", ColumnKind::Time14) => {
            Text::fixed("a time yyyyMMddHHmmss is wanted", "应为时间 yyyyMMddHHmmss")
        }
        ("bad-spelling", ColumnKind::Time17) => {
            Text::fixed("a time yyyyMMddHHmmssSSS is wanted", "应为时间 yyyyMMddHHmmssSSS")
        }
        ("bad-spelling", ColumnKind::Bytes) => Text::fixed("lower-case hex digits are wanted", "应为小写十六进制"),
        (_, kind) => text!("not a value of type {kind}", "不是 {kind} 类型的值"),
    }
}

fn bad_key(message: &Text) -> Fault {
    let next = Text::fixed(
        "give the key's columns in the contract's order, one argument each",
        "请按契约次序给出主键各列，每列一个参数",
    );
    Fault::new("bad-key", ExitCode::Usage, message.clone(), next)
}

#[cfg(test)]
mod tests {
    use super::*;

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
key = ["line", "no", "day", "seal", "done"]
columns = [
  { name = "no", type = "text", max = 8 },
  { name = "line", type = "integer", min = -1, max = 99 },
  { name = "day", type = "date8" },
  { name = "seal", type = "bytes", max = 2 },
  { name = "done", type = "bool" },
]
"#;

    fn key(typed: [&str; 5]) -> Result<String, Fault> {
        let contract = Contract::parse(TEXT, "shop.toml").unwrap();
        let (stream, table) = table(&contract, "bill").unwrap();
        json(stream, table, &typed.map(str::to_owned))
    }

    #[test]
    fn a_key_is_spelled_as_records_spell_it() {
        assert_eq!(key(["-1", "缴\"1", "20240229", "0aff", "1"]).unwrap(), r#"[-1,"缴\"1","20240229","0aff",1]"#);
    }

    #[test]
    fn what_a_column_cannot_have_is_told_with_column_and_rule_and_never_repeated() {
        let cases = [
            (["x1", "A", "20240229", "0a", "1"], "key column line: an integer is wanted"),
            (["100", "A", "20240229", "0a", "1"], "key column line: the integer must lie between -1 and 99"),
            (
                ["1", "缴款码书1", "20240229", "0a", "1"],
                "key column no: at most 8 characters, Chinese ones counting two",
            ),
            (["1", "A", "20240230", "0a", "1"], "key column day: a day yyyyMMdd is wanted"),
            (["1", "A", "20240229", "0A", "1"], "key column seal: lower-case hex digits are wanted"),
            (["1", "A", "20240229", "0a0a0a", "1"], "key column seal: at most 2 bytes"),
            (["1", "A", "20240229", "0a", "7"], "key column done: 0 or 1 is wanted"),
        ];
        for (typed, message) in cases {
            let fault = key(typed).unwrap_err();
            assert_eq!((fault.code, fault.exit, fault.message.get(Lang::En)), ("bad-key", ExitCode::Usage, message));
        }
    }

    #[test]
    fn the_number_of_values_and_the_table_are_checked() {
        let contract = Contract::parse(TEXT, "shop.toml").unwrap();
        let (stream, of) = table(&contract, "bill").unwrap();
        let fault = json(stream, of, &["1".to_owned()]).unwrap_err();
        assert_eq!(fault.message.get(Lang::En), "the key of bill is line, no, day, seal, done; 1 values were given");
        let fault = table(&contract, "bills").unwrap_err();
        assert_eq!((fault.code, fault.next.get(Lang::En)), ("no-such-table", "name one of these: bill"));
    }
}
