//! Puts triggers on the tables of a contract.

use std::collections::BTreeSet;

use ferry_core::contract::{StreamContract, Table};
use ferry_format::LinkId;

use super::create::{Registration, contract_id};
use super::dialect::SqliteDialect;
use super::failure::DbError;
use super::inspect::{Part, Shape, inspect};
use super::lane::{Columns as _, Session, args, sql};
use crate::store::dialect::Dialect as _;
use crate::store::{StoreError, TableFault};

/// What was installed, each in the order of the contract.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct InstallReport {
    /// Own tables whose changes are captured.
    pub captured: Vec<String>,
    /// Replicas that only ferry writes.
    pub guarded: Vec<String>,
}

/// Replaces the triggers of a link, in the caller's transaction.
pub(super) fn install(
    session: &mut Session,
    link: &LinkId,
    registration: &Registration<'_>,
) -> Result<InstallReport, StoreError> {
    let prefix = SqliteDialect.trigger_prefix(link);
    let present: Vec<String> = session
        .all(sql().catalog_triggers_like, args![prefix.as_str()])?
        .iter()
        .map(|row| row.string(0))
        .collect::<Result<_, _>>()?;
    let captured_before: BTreeSet<&str> =
        present.iter().filter_map(|name| name.strip_prefix(&prefix)?.strip_suffix(":capture_insert")).collect();
    let tables = judge(session, registration, &captured_before)?;
    for name in &present {
        session.run(SqliteDialect.drop_trigger(name), &[])?;
    }
    let mut report = InstallReport::default();
    for (stream, table, part, shape) in tables {
        for trigger in triggers(session, link, stream, table, part, &shape)? {
            session.run(trigger, &[])?;
        }
        match part {
            Part::Own => report.captured.push(table.name.clone()),
            Part::Replica => report.guarded.push(table.name.clone()),
        }
    }
    for stream in registration.contract.owned_by(registration.zone) {
        let id = contract_id(session, link, stream)?;
        session.run(sql().out_capture, args![link.as_str(), stream.name.as_str(), id])?;
    }
    Ok(report)
}

type Judged<'a> = (&'a StreamContract, &'a Table, Part, Shape);

/// Looks at every table before anything is changed.
fn judge<'a>(
    session: &mut Session,
    registration: &Registration<'a>,
    captured_before: &BTreeSet<&str>,
) -> Result<Vec<Judged<'a>>, StoreError> {
    let mut faults: Vec<TableFault> = Vec::new();
    let mut needs_load = Vec::new();
    let mut tables = Vec::new();
    for stream in registration.contract.streams() {
        let part = if stream.owner == *registration.zone { Part::Own } else { Part::Replica };
        for table in &stream.tables {
            let known = faults.len();
            let shape = inspect(session, table, part, &mut faults)?;
            let fresh = part == Part::Own && !captured_before.contains(table.name.as_str());
            if faults.len() == known && fresh && has_rows(session, table)? {
                needs_load.push(table.name.clone());
            }
            tables.push((stream, table, part, shape));
        }
    }
    if !faults.is_empty() {
        return Err(StoreError::Tables(faults));
    }
    if !needs_load.is_empty() {
        return Err(StoreError::NeedsLoad(needs_load));
    }
    Ok(tables)
}

fn has_rows(session: &mut Session, table: &Table) -> Result<bool, DbError> {
    Ok(session.first(SqliteDialect.any_row(&table.name), &[])?.is_some())
}

fn triggers(
    session: &mut Session,
    link: &LinkId,
    stream: &StreamContract,
    table: &Table,
    part: Part,
    shape: &Shape,
) -> Result<Vec<String>, DbError> {
    match part {
        Part::Own => {
            let outbox = SqliteDialect.outbox(link, &stream.name);
            let contract = contract_id(session, link, stream)?;
            let mut triggers = SqliteDialect.capture_triggers(link, &outbox, contract, table);
            triggers.extend(SqliteDialect.escape_guards(link, table, &shape.unique, shape.row_id));
            Ok(triggers)
        }
        Part::Replica => Ok(SqliteDialect.replica_guards(link, &stream.owner, table)),
    }
}
