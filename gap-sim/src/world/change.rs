//! A change of an own row, and the line that capture writes of it.

use ferry_format::Op;
use serde_json::Value;

use super::nodes::desk::key_places;

/// One change of an own row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The table.
    pub table: String,
    /// What is done.
    pub op: Op,
    /// The key as canonical JSON array.
    pub key: String,
    /// All values as canonical JSON array; the key again for a delete.
    pub values: String,
}

impl Change {
    /// The change that a captured line tells.
    ///
    /// # Panics
    /// When it is no captured line of a world.
    #[must_use]
    pub fn of_line(line: &str) -> Self {
        let parts: Vec<Value> = serde_json::from_str(line).expect("captured lines are JSON");
        let [table, op, cells @ ..] = parts.as_slice() else { panic!("a captured line has a table and an op") };
        let (table, op) = (table.as_str().expect("a name").to_owned(), op.as_str().expect("a letter"));
        let op = [Op::Insert, Op::Update, Op::Delete].into_iter().find(|one| op == one.letter().to_string());
        let head = format!("[\"{table}\",\"x\",").len();
        let values = format!("[{}", &line[head..]);
        let op = op.expect("a letter of an op");
        let key = if op == Op::Delete { values.clone() } else { key_of(&table, cells) };
        Self { table, op, key, values }
    }

    /// The record line that capture writes.
    #[must_use]
    pub fn line(&self) -> String {
        let (op, values) = match self.op {
            Op::Insert => ('i', &self.values),
            Op::Update => ('u', &self.values),
            Op::Delete => ('d', &self.key),
        };
        format!("[\"{}\",\"{op}\",{}", self.table, &values[1..])
    }
}

/// The key of a row as canonical JSON array.
///
/// # Panics
/// When the row has fewer values than its table's key.
#[must_use]
pub fn key_of(table: &str, cells: &[Value]) -> String {
    let parts: Vec<String> = key_places(table).into_iter().map(|place| cells[place].to_string()).collect();
    format!("[{}]", parts.join(","))
}
