//! A change of an own row, and the line that capture writes of it.

use ferry_format::Op;

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
        let parts: Vec<serde_json::Value> = serde_json::from_str(line).expect("captured lines are JSON");
        let [table, op, no, ..] = parts.as_slice() else { panic!("a captured line has a table, an op and a key") };
        let (table, op) = (table.as_str().expect("a name").to_owned(), op.as_str().expect("a letter"));
        let op = [Op::Insert, Op::Update, Op::Delete].into_iter().find(|one| op == one.letter().to_string());
        let head = format!("[\"{table}\",\"x\",").len();
        let values = format!("[{}", &line[head..]);
        Self { table, op: op.expect("a letter of an op"), key: format!("[{no}]"), values }
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
