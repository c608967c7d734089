//! What a table of the database looks like, and whether it fits the contract.

use std::collections::BTreeSet;

use ferry_core::contract::{Column, ColumnKind, Table};

use super::failure::DbError;
use super::lane::{Columns as _, Session, args, sql};
use crate::store::dialect::{ForeignKey, UniqueKey};
use crate::store::error::{TableFault, TableFlaw};

/// How the names of ferry's triggers begin.
const OUR_TRIGGERS: &str = "ferry:";
/// The collation that compares byte for byte.
const BYTEWISE: &str = "BINARY";

/// Which part a table plays in this zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// This zone writes it.
    Own,
    /// The peer writes it, and ferry applies it here.
    Replica,
}

/// What the triggers of a table must know.
#[derive(Debug, Clone, Default)]
pub(super) struct Shape {
    pub unique: Vec<UniqueKey>,
    /// The name under which statements reach a hidden row number.
    pub row_id: Option<&'static str>,
}

struct DbColumn {
    name: String,
    kind: String,
    not_null: bool,
    key_place: u64,
    computed: bool,
    has_default: bool,
}

/// Looks at `table`, and adds everything that is wrong with it to `faults`.
pub(super) fn inspect(
    session: &mut Session,
    table: &Table,
    part: Part,
    faults: &mut Vec<TableFault>,
) -> Result<Shape, DbError> {
    let name = table.name.as_str();
    let Some(row) = session.first(sql().catalog_table, args![name])? else {
        faults.push(TableFlaw::Missing.of(name));
        return Ok(Shape::default());
    };
    let (without_row_id, strict) = (row.int(0)? != 0, row.int(1)? != 0);
    let columns = columns(session, name)?;
    let mut flaws = Vec::new();
    if !strict {
        flaws.push(TableFlaw::NotStrict);
    }
    judge_columns(table, part, &columns, &mut flaws);
    judge_key(table, &columns, &mut flaws);
    let indexes = indexes(session, name, &mut flaws)?;
    if part == Part::Own {
        judge_triggers(session, name, &mut flaws)?;
    } else {
        flaws.retain(|flaw| !matches!(flaw, TableFlaw::PartialIndex { .. }));
    }
    faults.extend(flaws.into_iter().map(|flaw| flaw.of(name)));
    let hidden = !without_row_id && indexes.key_has_index;
    Ok(Shape { unique: indexes.unique, row_id: if hidden { row_id(&columns) } else { None } })
}

fn columns(session: &mut Session, table: &str) -> Result<Vec<DbColumn>, DbError> {
    let rows = session.all(sql().catalog_columns, args![table])?;
    rows.iter()
        .map(|row| {
            Ok(DbColumn {
                name: row.string(0)?,
                kind: row.string(1)?,
                not_null: row.int(2)? != 0,
                key_place: row.int(3)?,
                computed: row.int(4)? != 0,
                has_default: row.int(5)? != 0,
            })
        })
        .collect()
}

fn judge_columns(table: &Table, part: Part, columns: &[DbColumn], flaws: &mut Vec<TableFlaw>) {
    for column in &table.columns {
        let found = columns.iter().find(|found| found.name == column.name && !found.computed);
        match found {
            Some(found) => judge_column(column, part, found, flaws),
            None => flaws.push(TableFlaw::NoColumn { column: column.name.clone() }),
        }
    }
    if part == Part::Replica {
        let unfilled = |column: &&DbColumn| {
            table.column(&column.name).is_none() && column.not_null && !column.has_default && !column.computed
        };
        let names = columns.iter().filter(unfilled).map(|column| column.name.clone());
        flaws.extend(names.map(|column| TableFlaw::Unfilled { column }));
    }
}

fn judge_column(column: &Column, part: Part, found: &DbColumn, flaws: &mut Vec<TableFlaw>) {
    let name = || column.name.clone();
    let expected = declared_type(column.kind);
    let kind = found.kind.to_ascii_uppercase();
    if kind != expected && !(expected == "INTEGER" && kind == "INT") {
        flaws.push(TableFlaw::ColumnType { column: name(), expected, found: kind });
    }
    if part == Part::Own && !column.nullable && !found.not_null && found.key_place == 0 {
        flaws.push(TableFlaw::MayBeNull { column: name() });
    }
    if part == Part::Replica && column.nullable && found.not_null {
        flaws.push(TableFlaw::NeverNull { column: name() });
    }
}

/// The type that a STRICT table declares for a column of a kind.
const fn declared_type(kind: ColumnKind) -> &'static str {
    match kind {
        ColumnKind::Integer | ColumnKind::Fen | ColumnKind::Bool => "INTEGER",
        ColumnKind::Bytes => "BLOB",
        ColumnKind::Text | ColumnKind::Date8 | ColumnKind::Time14 | ColumnKind::Time17 | ColumnKind::Json => "TEXT",
    }
}

fn judge_key(table: &Table, columns: &[DbColumn], flaws: &mut Vec<TableFlaw>) {
    let mut found: Vec<(u64, &str)> =
        columns.iter().filter(|c| c.key_place > 0).map(|c| (c.key_place, c.name.as_str())).collect();
    found.sort_unstable();
    let expected: Vec<&str> = table.key_columns().map(|column| column.name.as_str()).collect();
    if !found.iter().map(|(_, name)| *name).eq(expected.iter().copied()) {
        flaws.push(TableFlaw::Key { expected: expected.join(", ") });
    }
}

#[derive(Default)]
struct Indexes {
    unique: Vec<UniqueKey>,
    /// Whether the primary key is an index of its own, and so not the row number.
    key_has_index: bool,
}

fn indexes(session: &mut Session, table: &str, flaws: &mut Vec<TableFlaw>) -> Result<Indexes, DbError> {
    let mut found = Indexes::default();
    for index in session.all(sql().catalog_unique, args![table])? {
        let (name, is_key, partial) = (index.string(0)?, index.string(1)? == "pk", index.int(2)? != 0);
        let mut columns = Vec::new();
        let mut expression = partial;
        for part in session.all(sql().catalog_index_columns, args![name.as_str()])? {
            match part.maybe_string(0)? {
                Some(column) => columns.push((column, part.string(1)?)),
                None => expression = true,
            }
        }
        if is_key {
            found.key_has_index = true;
            let other = columns.into_iter().find(|(_, collation)| collation != BYTEWISE);
            flaws.extend(other.map(|(_, collation)| TableFlaw::KeyCollation { collation }));
        } else if expression {
            flaws.push(TableFlaw::PartialIndex { index: name });
        } else {
            found.unique.push(UniqueKey { columns });
        }
    }
    Ok(found)
}

/// SQLite runs the triggers of one event in no defined order. One that changes rows could do so between a change and
/// its capture; a BEFORE trigger is done with when the change begins.
fn judge_triggers(session: &mut Session, table: &str, flaws: &mut Vec<TableFlaw>) -> Result<(), DbError> {
    for row in session.all(sql().catalog_triggers, args![table])? {
        let (name, text) = (row.string(0)?, row.string(1)?.to_ascii_uppercase());
        let before_body = text.split_whitespace().take_while(|word| *word != "BEGIN").any(|word| word == "BEFORE");
        if !name.starts_with(OUR_TRIGGERS) && !before_body {
            flaws.push(TableFlaw::Trigger { trigger: name });
        }
    }
    Ok(())
}

/// The first of SQLite's names for the row number that no column hides; without one nobody can set it.
fn row_id(columns: &[DbColumn]) -> Option<&'static str> {
    let taken: BTreeSet<String> = columns.iter().map(|column| column.name.to_ascii_lowercase()).collect();
    ["rowid", "_rowid_", "oid"].into_iter().find(|name| !taken.contains(*name))
}

/// The foreign keys of a table whose columns are all in the contract.
pub(super) fn foreign_keys(session: &mut Session, table: &Table) -> Result<Vec<ForeignKey>, DbError> {
    let mut keys: Vec<(u64, Option<ForeignKey>)> = Vec::new();
    for row in session.all(sql().catalog_foreign_keys, args![table.name.as_str()])? {
        let (id, parent, from) = (row.int(0)?, row.string(1)?, row.string(2)?);
        if keys.last().is_none_or(|(last, _)| *last != id) {
            keys.push((id, Some(ForeignKey { parent: parent.clone(), columns: Vec::new() })));
        }
        let place = keys.last().and_then(|(_, key)| key.as_ref()).map_or(0, |key| key.columns.len());
        let to = match row.maybe_string(3)? {
            Some(to) => Some(to),
            None => key_column(session, &parent, place)?,
        };
        let position = table.columns.iter().position(|column| column.name == from);
        let Some((_, slot)) = keys.last_mut() else { continue };
        match (slot.as_mut(), position, to) {
            (Some(key), Some(position), Some(to)) => key.columns.push((position, to)),
            (Some(_) | None, _, _) => *slot = None,
        }
    }
    Ok(keys.into_iter().filter_map(|(_, key)| key).collect())
}

/// The column at `place` of a table's primary key.
fn key_column(session: &mut Session, table: &str, place: usize) -> Result<Option<String>, DbError> {
    let columns = columns(session, table)?;
    let found = columns.into_iter().find(|c| usize::try_from(c.key_place).is_ok_and(|at| at == place + 1));
    Ok(found.map(|column| column.name))
}
