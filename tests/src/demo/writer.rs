//! Rows written into a zone's database by its own programs, past the node.

use contract::{Change, Op, json_rows};

use super::database::Database;
use super::failure::Failure;
use super::lang::text;

/// Writes one transaction: consecutive changes of one kind in one statement, in the order in which they come.
///
/// # Errors
/// When the database refuses, or a change does not meet the row that it is for.
pub fn write(database: &mut Database, transaction: &[Change]) -> Result<(), Failure> {
    database.run("BEGIN IMMEDIATE", &[])?;
    for run in transaction.chunk_by(|one, next| (one.shape, one.op) == (next.shape, next.op)) {
        write_run(database, run)?;
    }
    database.run("COMMIT", &[])?;
    Ok(())
}

fn write_run(database: &mut Database, run: &[Change]) -> Result<(), Failure> {
    let Some(Change { shape, op, .. }) = run.first() else { return Ok(()) };
    let sql = match op {
        Op::Insert => shape.insert_sql(),
        Op::Update => shape.update_sql(),
        Op::Delete => shape.delete_sql(),
    };
    let rows = json_rows(run.iter().map(|change| change.cells.clone()));
    let changed = database.run(&sql, &[&rows])?;
    let expected = u64::try_from(run.len()).unwrap_or(u64::MAX);
    if changed == expected {
        return Ok(());
    }
    let table = shape.table;
    Err(Failure::new(text!(
        "{op:?} of {expected} rows of {table} changed {changed}; this is a bug of the demo",
        "对 {table} 的 {op:?} 应影响 {expected} 行，实际 {changed} 行；这是演示程序的缺陷"
    )))
}
