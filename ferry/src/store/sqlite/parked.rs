//! Rows of `independent` tables that were parked alone, and what becomes of them.

use ferry_core::contract::{StreamContract, Table};
use ferry_format::{ActRange, LinkId, StreamName};

use super::apply::CascadeCheck;
use super::dialect::SqliteDialect;
use super::failure::{DbError, Violation, corrupt};
use super::inspect::foreign_keys;
use super::lane::{Columns as _, Session, args, sql};
use crate::store::dialect::Dialect as _;

/// Parked rows of a stream.
pub(super) fn count(session: &mut Session, link: &LinkId, stream: &StreamName) -> Result<u64, DbError> {
    let row = session.first(sql().in_get, args![link.as_str(), stream.as_str()])?;
    Ok(row.map(|row| row.int(4)).transpose()?.unwrap_or(0))
}

/// Tries the parked rows of some batches again, in their order, and forgets those that the database takes. Tells how many
/// those were. A row with a later image has been forgotten before, so nothing newer is written over.
pub(super) fn retry(
    session: &mut Session,
    link: &LinkId,
    range: &ActRange,
    contract: &StreamContract,
) -> Result<u64, DbError> {
    let (link_name, stream) = (link.as_str(), range.stream.as_str());
    let place = args![link_name, stream, range.epoch, range.first, range.last];
    session.run(sql().applying_set, args![link_name])?;
    let mut written = 0;
    for row in session.all(sql().parked_in, place)? {
        let (seq, index, name, record) = (row.int(0)?, row.int(1)?, row.string(2)?, row.string(3)?);
        let table = contract.table(&name).ok_or_else(|| corrupt("a parked row is of a table that is not known"))?;
        match write(session, &contract.tables, table, &record) {
            Ok(()) => {
                session.run(sql().parked_remove, args![link_name, stream, range.epoch, seq, index])?;
                written += 1;
            }
            Err(DbError::Constraint(violation)) => {
                let of = args![link_name, stream, range.epoch, seq, index, violation.code];
                session.run(sql().parked_code, of)?;
            }
            Err(error @ DbError::Port(_)) => return Err(error),
        }
    }
    session.run(sql().applying_clear, &[])?;
    session.run(sql().in_unpark, args![link_name, stream, written])?;
    Ok(written)
}

/// Writes one parked record: `["table","op",values…]`.
fn write(session: &mut Session, tables: &[Table], table: &Table, record: &str) -> Result<(), DbError> {
    let values: Vec<serde_json::Value> =
        serde_json::from_str(record).map_err(|_| corrupt("a parked row is no record"))?;
    let [_, op, values @ ..] = values.as_slice() else { return Err(corrupt("a parked row is no record")) };
    let one = serde_json::Value::Array(vec![values.into()]).to_string();
    if op.as_str() == Some("d") {
        if let Some(cascades) = CascadeCheck::new(session, tables, table)? {
            cascades.run(session, &one)?;
        }
        session.run(SqliteDialect.delete(table), args![one])?;
        return Ok(());
    }
    let keys = foreign_keys(session, table)?;
    if !keys.is_empty() {
        let row = session.first(SqliteDialect.count_orphans(table, &keys), args![one.as_str()])?;
        if row.map(|row| row.int(0)).transpose()?.unwrap_or(0) > 0 {
            return Err(DbError::Constraint(Violation { code: super::apply::FOREIGN_KEY, name: None }));
        }
    }
    session.run(SqliteDialect.upsert(table), args![one])?;
    Ok(())
}
