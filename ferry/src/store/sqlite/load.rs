//! Captures the rows of own tables once more, as they stand.

use ferry_core::contract::StreamContract;
use ferry_core::ports::Loaded;
use ferry_format::{LinkId, StreamName};

use super::create::contract_id;
use super::dialect::SqliteDialect;
use super::failure::{DbError, conflict, corrupt};
use super::lane::{Columns as _, Session, args, sql};
use crate::store::dialect::Dialect as _;

/// Whether a load of an own stream is under way.
pub(super) fn is_loading(session: &mut Session, link: &LinkId, stream: &StreamName) -> Result<bool, DbError> {
    Ok(session.first(sql().load_get, args![link.as_str(), stream.as_str()])?.is_some())
}

/// Begins one with the act that asks for it.
pub(super) fn begin(session: &mut Session, link: &LinkId, stream: &StreamName, act: u64) -> Result<(), DbError> {
    session.run(sql().load_begin, args![link.as_str(), stream.as_str(), act])?;
    Ok(())
}

/// The next rows, in the caller's transaction.
pub(super) fn step(
    session: &mut Session,
    link: &LinkId,
    contract: &StreamContract,
    rows: u64,
) -> Result<Loaded, DbError> {
    let (link_name, stream) = (link.as_str(), contract.name.as_str());
    let row = session.first(sql().load_get, args![link_name, stream])?;
    let row = row.ok_or_else(|| conflict(format!("no load of {stream} is under way")))?;
    let (place, after) = (row.int(0)?, row.maybe_string(1)?);
    let place = usize::try_from(place).map_err(|_| corrupt("a load is beyond the tables of its stream"))?;
    let Some(table) = contract.tables.get(place) else {
        return Err(corrupt("a load is beyond the tables of its stream"));
    };
    let first = after.is_none();
    let after = after.unwrap_or_default();
    let page = session.first(SqliteDialect.load_page(table, first), args![after.as_str(), rows])?;
    let last = page.map(|row| row.string(0)).transpose()?;
    let captured = match &last {
        None => 0,
        Some(last) => {
            let outbox = SqliteDialect.outbox(link, &contract.name);
            let id = contract_id(session, link, contract)?;
            let copy = SqliteDialect.load_rows(&outbox, id, table, first);
            session.run(copy, args![after.as_str(), last.as_str()])?
        }
    };
    let is_last_table = place + 1 == contract.tables.len();
    let done = captured < rows && is_last_table;
    if done {
        session.run(sql().load_end, args![link_name, stream])?;
    } else {
        let next = if captured < rows { (place + 1, None) } else { (place, last) };
        let next_place = u64::try_from(next.0).map_err(|_| corrupt("a stream with too many tables"))?;
        session.run(sql().load_advance, args![link_name, stream, next_place, next.1])?;
    }
    Ok(Loaded { table: table.name.clone(), rows: captured, done })
}
