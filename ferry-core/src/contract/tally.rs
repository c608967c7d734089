//! Counts and control totals (控制总数) of checked records.

use ferry_format::TableSummary;
use ferry_format::records::{Op, Record, Value};

use super::{RecordFault, StreamContract, Table};

/// Checks records one by one and sums up what they do, as a batch's statement tells it.
#[derive(Debug, Clone)]
pub struct Tally<'c> {
    stream: &'c StreamContract,
    /// One summary for each table of the stream, in the stream's order.
    counts: Vec<Counts>,
}

#[derive(Debug, Clone, Default)]
struct Counts {
    inserts: u64,
    updates: u64,
    deletes: u64,
    /// Sums by position of the money column among the table's columns.
    totals: Vec<(usize, i128)>,
}

impl<'c> Tally<'c> {
    /// An empty tally over the tables of `stream`.
    #[must_use]
    pub fn new(stream: &'c StreamContract) -> Self {
        Self { stream, counts: stream.tables.iter().map(Counts::of).collect() }
    }

    /// Checks `record` and adds it.
    ///
    /// # Errors
    /// Those of [`StreamContract::check`]; the tally stays as it was.
    pub fn add(&mut self, record: &Record<'_>) -> Result<&'c Table, RecordFault> {
        let table = self.stream.check(record)?;
        let index = self.stream.tables.iter().position(|other| core::ptr::eq(other, table));
        self.counts[index.expect("the stream's check returns one of the stream's tables")].add(record);
        Ok(table)
    }

    /// The records added so far.
    #[must_use]
    pub fn records(&self) -> u64 {
        self.counts.iter().map(Counts::records).sum()
    }

    /// What the records did to each table that they touched, ordered by table name.
    ///
    /// Every money column of a touched table has a total: the sum in fen over the rows inserted and updated, where
    /// null counts nothing.
    #[must_use]
    pub fn summarize(&self) -> Vec<TableSummary> {
        let touched = self.stream.tables.iter().zip(&self.counts).filter(|(_, counts)| counts.records() > 0);
        let mut summaries: Vec<TableSummary> = touched.map(|(table, counts)| counts.summarize(table)).collect();
        summaries.sort_by(|one, other| one.name.cmp(&other.name));
        summaries
    }
}

impl Counts {
    fn of(table: &Table) -> Self {
        let money = table.columns.iter().enumerate().filter(|(_, column)| column.money);
        Self { totals: money.map(|(position, _)| (position, 0)).collect(), ..Self::default() }
    }

    fn add(&mut self, record: &Record<'_>) {
        match record.op {
            Op::Insert => self.inserts += 1,
            Op::Update => self.updates += 1,
            Op::Delete => {
                self.deletes += 1;
                return;
            }
        }
        for (position, total) in &mut self.totals {
            if let Value::Integer(fen) = record.values[*position] {
                *total += i128::from(fen);
            }
        }
    }

    const fn records(&self) -> u64 {
        self.inserts + self.updates + self.deletes
    }

    fn summarize(&self, table: &Table) -> TableSummary {
        let total = |(position, total): &(usize, i128)| (table.columns[*position].name.clone(), *total);
        TableSummary {
            name: table.name.clone(),
            inserts: self.inserts,
            updates: self.updates,
            deletes: self.deletes,
            totals: self.totals.iter().map(total).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use ferry_format::records::{Op, Record, Value};

    use super::Tally;
    use crate::contract::Contract;

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
key = ["no"]
columns = [
  { name = "no", type = "integer" },
  { name = "amount", type = "fen", money = true },
  { name = "fee", type = "fen", money = true, nullable = true, signed = true },
]

[[stream.table]]
name = "act"
key = ["no"]
columns = [{ name = "no", type = "integer" }]

[[stream.table]]
name = "idle"
key = ["no"]
columns = [{ name = "no", type = "integer" }]
"#;

    #[test]
    fn totals_cover_new_images_and_outgrow_64_bits() {
        let contract = Contract::parse(TEXT, "shop.toml").unwrap();
        let mut tally = Tally::new(&contract.streams()[0]);
        let most = Value::Integer(i64::MAX);
        tally.add(&record("bill", Op::Insert, vec![Value::Integer(1), most.clone(), Value::Null])).unwrap();
        tally.add(&record("bill", Op::Update, vec![Value::Integer(1), most, Value::Integer(-5)])).unwrap();
        tally.add(&record("bill", Op::Delete, vec![Value::Integer(1)])).unwrap();
        tally.add(&record("act", Op::Insert, vec![Value::Integer(1)])).unwrap();
        assert_eq!(tally.records(), 4);
        let [act, bill] = <[_; 2]>::try_from(tally.summarize()).unwrap();
        assert_eq!((act.name.as_str(), act.inserts, act.totals.len()), ("act", 1, 0));
        assert_eq!((bill.inserts, bill.updates, bill.deletes), (1, 1, 1));
        assert_eq!(bill.totals["amount"], 2 * i128::from(i64::MAX));
        assert_eq!(bill.totals["fee"], -5);
    }

    #[test]
    fn a_refused_record_counts_nothing() {
        let contract = Contract::parse(TEXT, "shop.toml").unwrap();
        let mut tally = Tally::new(&contract.streams()[0]);
        let bad = record("bill", Op::Insert, vec![Value::Integer(1), Value::Integer(-1), Value::Null]);
        assert!(tally.add(&bad).is_err());
        assert!(tally.summarize().is_empty());
    }

    fn record(table: &'static str, op: Op, values: Vec<Value<'static>>) -> Record<'static> {
        Record { table: table.into(), op, values }
    }
}
