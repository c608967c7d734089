//! The contract of the nodes with the limits that a world draws.

use toml::{Table, Value};

use crate::world::options::StreamPlan;

/// The streams of the contract, with whether the inner zone owns each and what it depends on.
const STREAMS: [(&str, bool, &[&str]); 5] = [
    ("base", true, &[]),
    ("notice", true, &["base"]),
    ("result", true, &[]),
    ("confirm", false, &[]),
    ("request", false, &[]),
];

/// The plans of the five streams, each with limits that `draw` draws.
pub fn streams(mut draw: impl FnMut(&'static str) -> StreamPlan) -> Vec<StreamPlan> {
    let plan = |(name, inner_owns, depends): (&'static str, bool, &[&'static str])| StreamPlan {
        inner_owns,
        depends: depends.to_vec(),
        ..draw(name)
    };
    STREAMS.map(plan).into()
}

/// The contract's text under other limits and priorities; the next version has wider columns, so that all digests differ.
///
/// # Panics
/// When the contract is no TOML, which its own tests say that it is.
#[must_use]
pub fn contract_text(streams: &[StreamPlan], version: u64) -> String {
    let mut contract: Table = contract::NONTAX_TOML.parse().expect("the contract is TOML");
    let list = contract.get_mut("stream").and_then(Value::as_array_mut).expect("the contract has streams");
    for stream in list.iter_mut().filter_map(Value::as_table_mut) {
        let name = stream.get("name").and_then(Value::as_str).map(str::to_owned);
        let plan = streams.iter().find(|plan| Some(plan.name) == name.as_deref());
        let plan = plan.expect("a world of the nodes has each stream of the contract");
        let number = |number: u64| Value::Integer(i64::try_from(number).expect("drawn limits are small"));
        let limits = [("rows", plan.rows), ("plain_bytes", plan.plain_bytes), ("linger_ms", plan.linger_ms)];
        let limits = limits.into_iter().map(|(limit, drawn)| (limit.to_owned(), number(drawn))).collect();
        stream.insert("limits".to_owned(), Value::Table(limits));
        stream.insert("priority".to_owned(), number(plan.priority.into()));
        let tables = stream.get_mut("table").and_then(Value::as_array_mut).expect("a stream has tables");
        for table in tables.iter_mut().filter_map(Value::as_table_mut) {
            table.insert("independent".to_owned(), Value::Boolean(plan.independent));
            if version > 1 {
                widen(table);
            }
        }
    }
    contract.insert("version".to_owned(), Value::Integer(2 + i64::try_from(version).expect("a small number")));
    contract.remove("schema");
    toml::to_string(&contract).expect("what was parsed can be written")
}

/// Makes the first text column of a table wider.
fn widen(table: &mut Table) {
    let columns = table.get_mut("columns").and_then(Value::as_array_mut).into_iter().flatten();
    let mut texts = columns
        .filter_map(Value::as_table_mut)
        .filter(|column| column.get("type").and_then(Value::as_str) == Some("text"));
    if let Some(max) = texts.next().and_then(|column| column.get_mut("max"))
        && let Some(width) = max.as_integer()
    {
        *max = Value::Integer(width + 1);
    }
}
