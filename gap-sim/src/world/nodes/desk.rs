//! One transaction of a node: it reads and writes the rows of its zone's database, and its books.

use contract::rows::{Cell, Row, json_rows, table};
use ferry_format::Op;
use jiff::{Timestamp, tz};
use serde_json::Value;

use super::books::Books;
use super::mistake::Mistake;
use crate::prng::Prng;
use crate::world::change::Change;
use crate::world::database::Database;

/// One transaction of a node.
#[derive(Debug)]
pub struct Desk<'d> {
    database: &'d mut Database,
    /// What changes rows of the tables that cross.
    pub(super) changes: Vec<Change>,
    /// The wall clock of the zone.
    pub(super) wall_ms: u64,
    pub(super) prng: &'d mut Prng,
    pub(super) mistake: Option<Mistake>,
}

impl<'d> Desk<'d> {
    pub(super) const fn new(
        database: &'d mut Database,
        wall_ms: u64,
        prng: &'d mut Prng,
        mistake: Option<Mistake>,
    ) -> Self {
        Self { database, changes: Vec::new(), wall_ms, prng, mistake }
    }

    /// The row of a key of one text.
    pub(super) fn find_by<R: Row>(&self, key: &str) -> Option<R> {
        find(self.database, &[Cell::Text(key.to_owned())])
    }

    /// Every row of a table that can be read.
    pub(super) fn all<R: Row>(&self) -> Vec<R> {
        all(self.database)
    }

    pub(super) fn books(&mut self) -> &mut Books {
        &mut self.database.books
    }

    pub(super) const fn kept(&self) -> &Books {
        &self.database.books
    }

    /// Writes a row, new or anew.
    pub(super) fn put<R: Row>(&mut self, row: &R) {
        let (key, values) = (json(row.key_cells()), json(row.cells()));
        self.write(R::SHAPE.table, key, values);
    }

    /// Writes a row of a table by its values.
    pub(super) fn write(&mut self, name: &str, key: String, values: String) {
        let rows = self.database.tables.entry(name.to_owned()).or_default();
        let op = if rows.insert(key.clone(), values.clone()).is_some() { Op::Update } else { Op::Insert };
        self.changes.push(Change { table: name.to_owned(), op, key, values });
    }

    /// Removes a row.
    pub(super) fn remove<R: Row>(&mut self, row: &R) {
        let key = json(row.key_cells());
        let rows = self.database.tables.entry(R::SHAPE.table.to_owned()).or_default();
        if rows.remove(&key).is_some() {
            self.changes.push(Change {
                table: R::SHAPE.table.to_owned(),
                op: Op::Delete,
                key: key.clone(),
                values: key,
            });
        }
    }

    /// One of a list; none of an empty one.
    pub(super) fn pick<T: Clone>(&mut self, list: &[T]) -> Option<T> {
        let drawn = self.prng.below(list.len().max(1) as u64);
        list.get(usize::try_from(drawn).ok()?).cloned()
    }

    /// The day in China, yyyyMMdd.
    pub(super) fn today(&self) -> String {
        china(self.wall_ms, "%Y%m%d")
    }

    /// The time in China, yyyyMMddHHmmssSSS.
    pub(super) fn time17(&self) -> String {
        format!("{}{:03}", china(self.wall_ms, "%Y%m%d%H%M%S"), self.wall_ms % 1_000)
    }

    /// A number that nobody has.
    pub(super) fn guid(&mut self, letter: char) -> String {
        format!("{letter}{:016X}{:016X}", self.prng.draw(), self.prng.draw())
    }
}

/// A moment in China.
pub(in crate::world) fn china(wall_ms: u64, form: &str) -> String {
    let moment = i64::try_from(wall_ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
    let moment = moment.expect("the clock of a world stays within some years of its beginning");
    tz::offset(8).to_datetime(moment).strftime(form).to_string()
}

/// Values as the database has them.
#[must_use]
pub fn json(cells: Vec<Cell>) -> String {
    let rows = json_rows([cells]);
    rows[1..rows.len() - 1].to_owned()
}

/// The row of a key, if it is there and can be read.
#[must_use]
pub fn find<R: Row>(database: &Database, key: &[Cell]) -> Option<R> {
    database.tables.get(R::SHAPE.table)?.get(&json(key.to_vec())).and_then(|values| row(values))
}

/// Every row of a table that can be read: one that a program wrote past the types of its table cannot.
#[must_use]
pub fn all<R: Row>(database: &Database) -> Vec<R> {
    database.tables.get(R::SHAPE.table).into_iter().flatten().filter_map(|(_, values)| row(values)).collect()
}

fn row<R: Row>(values: &str) -> Option<R> {
    let values: Vec<Value> = serde_json::from_str(values).ok()?;
    let cell = |value| match value {
        Value::Null => Some(Cell::Null),
        Value::Number(number) => number.as_i64().map(Cell::Int),
        Value::String(text) => Some(Cell::Text(text)),
        Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    };
    R::of_cells(values.into_iter().map(cell).collect::<Option<Vec<Cell>>>()?)
}

/// The places of the key's columns in the rows of a table: those of the contract, or the first of a table that a world made up.
#[must_use]
pub fn key_places(name: &str) -> Vec<usize> {
    table(name).map_or_else(|| vec![0], |table| table.shape.key_positions().collect())
}

#[cfg(test)]
mod tests {
    use contract::rows::PayNoticeItem;
    use contract::{Generator, Size};

    use super::*;

    #[test]
    fn a_row_is_read_as_it_was_written() {
        let item = Generator::new(1, Size::S).notice(3).items.remove(0);
        assert_eq!(row::<PayNoticeItem>(&json(item.cells())), Some(item.clone()));
        let change = Change {
            table: "pay_notice_item".to_owned(),
            op: Op::Update,
            key: json(item.key_cells()),
            values: json(item.cells()),
        };
        assert_eq!(Change::of_line(&change.line()), change);
        let gone = Change { op: Op::Delete, values: change.key.clone(), ..change };
        assert_eq!(Change::of_line(&gone.line()), gone);
    }

    #[test]
    fn what_a_program_wrote_past_the_types_is_not_read() {
        assert_eq!(row::<PayNoticeItem>("[\"61\",0.5,\"a\",\"b\",\"c\",\"d\",1,2,2]"), None);
    }
}
