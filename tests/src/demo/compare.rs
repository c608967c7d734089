//! The proof at the end: every table of both zones, row by row, under one digest each.

use std::path::Path;

use contract::Shape;
use contract::rows::shapes;
use ferry_format::Digest;
use sm3::{Digest as _, Sm3};

use super::database::Database;
use super::failure::Failure;

/// Rows read at a time.
const PAGE_ROWS: usize = 20_000;

/// What one zone has in one table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Content {
    /// Rows.
    pub rows: u64,
    /// The SM3 digest over all rows in the order of the key, each a JSON array of all columns on a line of its own:
    /// `SELECT json_array(…) FROM … ORDER BY …` in any SQLite shell gives the same bytes.
    pub sm3: Digest,
}

/// One table in both zones.
#[derive(Debug, Clone, Copy)]
pub struct Comparison {
    /// The table.
    pub shape: Shape,
    /// What the inner zone has.
    pub inner: Content,
    /// What the outer zone has.
    pub outer: Content,
}

impl Comparison {
    /// Whether both have the same rows.
    #[must_use]
    pub fn is_equal(&self) -> bool {
        self.inner == self.outer
    }
}

/// Compares every table of the contract.
///
/// # Errors
/// When a database cannot be read.
pub fn compare(inner: &Path, outer: &Path) -> Result<Vec<Comparison>, Failure> {
    let (inner, outer) = std::thread::scope(|scope| {
        let inner = scope.spawn(|| contents(inner));
        let outer = contents(outer);
        (inner.join().expect("reading a table does not panic"), outer)
    });
    let pairs = shapes().zip(inner?).zip(outer?);
    Ok(pairs.map(|((shape, inner), outer)| Comparison { shape, inner, outer }).collect())
}

fn contents(path: &Path) -> Result<Vec<Content>, Failure> {
    let mut database = Database::open(path)?;
    let contents = shapes().map(|shape| content(&mut database, shape)).collect();
    database.close();
    contents
}

fn content(database: &mut Database, shape: Shape) -> Result<Content, Failure> {
    let (mut rows, mut hasher) = (0, Sm3::new());
    let mut last: Option<String> = None;
    loop {
        let parameters: Vec<&str> = last.as_deref().into_iter().collect();
        let sql = page_sql(shape, last.is_some());
        let page = database.rows(&sql, &parameters, |row| Ok((row.text(0)?, row.text(1)?)))?;
        for (line, _) in &page {
            hasher.update(line.as_bytes());
            hasher.update(b"\n");
            rows += 1;
        }
        match page.into_iter().last() {
            Some((_, key)) => last = Some(key),
            None => return Ok(Content { rows, sm3: Digest(hasher.finalize().into()) }),
        }
    }
}

/// Yields the rows after a key, the first ones without one: each row as a line, and its key.
fn page_sql(shape: Shape, after_key: bool) -> String {
    let (columns, key) = (shape.columns.join(", "), shape.key.join(", "));
    let places: Vec<String> = (0..shape.key.len()).map(|place| format!("json_extract(?1, '$[{place}]')")).collect();
    let after = if after_key { format!("WHERE ({key}) > ({}) ", places.join(", ")) } else { String::new() };
    let table = shape.table;
    format!("SELECT json_array({columns}), json_array({key}) FROM {table} {after}ORDER BY {key} LIMIT {PAGE_ROWS}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_changed_row_changes_the_digest() {
        let place = tempfile::tempdir().expect("a temporary directory");
        let path = place.path().join("a.db");
        std::fs::File::create(&path).expect("an empty file is an empty database");
        let mut database = Database::open(&path).expect("it opens");
        database.run("CREATE TABLE t (a TEXT, n INTEGER, PRIMARY KEY (a, n)) STRICT", &[]).expect("a table");
        let shape = Shape { table: "t", columns: &["a", "n"], key: &["a", "n"] };
        let empty = content(&mut database, shape).expect("it reads");
        assert_eq!((empty.rows, empty.sm3), (0, Digest::of(&[])));
        let fill = format!(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i <= {PAGE_ROWS}) \
             INSERT INTO t SELECT 'k' || i % 7, i FROM n"
        );
        database.run(&fill, &[]).expect("rows");
        let one = content(&mut database, shape).expect("it reads");
        assert_eq!(one.rows, 20_001);
        database.run("UPDATE t SET n = 0 WHERE n = 9", &[]).expect("a change");
        let other = content(&mut database, shape).expect("it reads");
        assert_eq!(other.rows, one.rows);
        assert_ne!(other.sm3, one.sm3);
    }
}
