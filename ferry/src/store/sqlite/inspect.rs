//! What a table of the database looks like, and whether it fits the contract.

use std::collections::BTreeSet;

use ferry_core::contract::{Column, ColumnKind, Table};

use super::failure::DbError;
use super::lane::{Columns as _, Session, args, sql};
use super::reach::Reach;
use super::words::{Word, words};
use crate::store::dialect::{Cascade, ForeignKey, Shape, UniqueKey};
use crate::store::error::TableFlaw;

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

/// Everything around a table that its judgement needs.
pub(super) struct Surroundings<'a> {
    /// What changes lead to.
    pub reach: &'a Reach,
    /// The replicas of this zone, by stream.
    pub replicas: Vec<&'a [Table]>,
}

struct DbColumn {
    name: String,
    kind: String,
    not_null: bool,
    key_place: u64,
    computed: bool,
    has_default: bool,
}

/// Looks at `table`: its shape, and everything that is wrong with it.
pub(super) fn inspect(
    session: &mut Session,
    table: &Table,
    part: Part,
    around: &Surroundings<'_>,
) -> Result<(Shape, Vec<TableFlaw>), DbError> {
    let name = table.name.as_str();
    let Some(row) = session.first(sql().catalog_table, args![name])? else {
        return Ok((Shape::default(), vec![TableFlaw::Missing]));
    };
    let (without_row_id, strict, kind, text) = (row.int(0)? != 0, row.int(1)? != 0, row.string(2)?, row.string(3)?);
    if kind != "table" {
        return Ok((Shape::default(), vec![TableFlaw::NoTable { kind }]));
    }
    let columns = columns(session, name)?;
    let mut flaws = Vec::new();
    if !strict {
        flaws.push(TableFlaw::NotStrict);
    }
    judge_columns(table, part, &columns, &mut flaws);
    judge_key(table, &columns, &mut flaws);
    let indexes = indexes(session, name, &mut flaws)?;
    match part {
        Part::Own => judge_own(name, around.reach, &mut flaws),
        Part::Replica => {
            flaws.retain(|flaw| !matches!(flaw, TableFlaw::PartialIndex { .. }));
            judge_clauses(&text, &mut flaws);
            judge_replica(name, around, &mut flaws);
            judge_actions(session, table, around, &mut flaws)?;
        }
    }
    let hidden = !without_row_id && indexes.key_has_index;
    let row_id = if hidden { row_id(&columns) } else { None };
    Ok((Shape { unique: indexes.unique, row_id, returns: around.reach.returns(name) }, flaws))
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

/// SQLite runs the triggers of one event in no defined order, so one that runs after a change may run before its capture. It
/// must not change the table once more, or end the statement there and leave the change in place. A trigger that runs before a
/// change and itself changes the table makes what follows undefined, as SQLite says.
fn judge_own(table: &str, reach: &Reach, flaws: &mut Vec<TableFlaw>) {
    flaws.extend(reach.on_ours().map(|trigger| TableFlaw::TriggerOnOurs { trigger: trigger.name.clone() }));
    let mut returning = BTreeSet::new();
    for trigger in reach.on(table) {
        let returns = reach.of(trigger).has(table);
        if trigger.after && (returns || trigger.leaves_halves) {
            flaws.push(TableFlaw::Trigger { trigger: trigger.name.clone() });
        } else if returns {
            returning.insert(trigger.name.as_str());
        }
    }
    // Actions of foreign keys run between a change and its capture too.
    for trigger in reach.of_actions(table).triggers {
        if trigger.leaves_halves {
            flaws.push(TableFlaw::TriggerFails { trigger: trigger.name.clone() });
        }
        if trigger.on != table && reach.of(trigger).has(table) {
            returning.insert(trigger.name.as_str());
        }
    }
    flaws.extend(returning.into_iter().map(|name| TableFlaw::TriggerReturns { trigger: name.to_owned() }));
}

/// A trigger on a replica runs inside the applier's transaction, where no guard holds it back.
fn judge_replica(table: &str, around: &Surroundings<'_>, flaws: &mut Vec<TableFlaw>) {
    for trigger in around.reach.on(table) {
        let name = || trigger.name.clone();
        if trigger.skips || trigger.leaves_halves {
            flaws.push(TableFlaw::TriggerSkips { trigger: name() });
        }
        let reached = around.reach.of(trigger);
        let replica = around.replicas.iter().copied().flatten().find(|replica| reached.has(&replica.name));
        flaws.extend(replica.map(|to| TableFlaw::TriggerWrites { trigger: name(), table: to.name.clone() }));
    }
}

/// A conflict clause in a table's own text decides where a statement has none, as the applier's do.
fn judge_clauses(text: &str, flaws: &mut Vec<TableFlaw>) {
    let words = words(text);
    let clauses = words.windows(3).filter(|part| part[0].is("ON") && part[1].is("CONFLICT") && !part[2].is("ABORT"));
    let names: BTreeSet<String> = clauses.filter_map(|part| part.last().and_then(Word::name)).collect();
    flaws.extend(names.into_iter().map(|clause| TableFlaw::ConflictClause { clause: clause.to_ascii_uppercase() }));
}

/// The applier looks before it removes rows of a parent in the same stream. Everything else by which a foreign key would change
/// rows of a replica goes unseen.
fn judge_actions(
    session: &mut Session,
    table: &Table,
    around: &Surroundings<'_>,
    flaws: &mut Vec<TableFlaw>,
) -> Result<(), DbError> {
    let same_stream = around.replicas.iter().find(|tables| tables.iter().any(|one| one.name == table.name));
    for action in actions(session, &table.name)? {
        let parent =
            around.replicas.iter().copied().flatten().find(|one| one.name.eq_ignore_ascii_case(&action.parent));
        let Some(parent) = parent else { continue };
        let elsewhere = !same_stream.is_some_and(|tables| tables.iter().any(|one| one.name == parent.name));
        let mut key: Vec<&str> = parent.key_columns().map(|column| column.name.as_str()).collect();
        let mut to: Vec<&str> = action.columns.iter().map(|(_, to)| to.as_str()).collect();
        key.sort_unstable();
        to.sort_unstable();
        // In a circle no order of removals lets every row go before the one that it refers to.
        if elsewhere || action.on_update && key != to || around.reach.returns(&table.name) {
            flaws.push(TableFlaw::Action { parent: parent.name.clone() });
        }
    }
    Ok(())
}

/// The first of SQLite's names for the row number that no column hides; without one nobody can set it.
fn row_id(columns: &[DbColumn]) -> Option<&'static str> {
    let taken: BTreeSet<String> = columns.iter().map(|column| column.name.to_ascii_lowercase()).collect();
    ["rowid", "_rowid_", "oid"].into_iter().find(|name| !taken.contains(*name))
}

/// A foreign key by which the database changes rows of a table when rows of its parent change.
#[derive(Debug, Clone)]
pub(super) struct ActionKey {
    /// The table that is referred to.
    pub parent: String,
    /// Whether it acts when the columns of the parent's row change.
    pub on_update: bool,
    /// Whether it acts when the parent's row is removed.
    pub on_delete: bool,
    /// Column, and the parent's column.
    pub columns: Vec<(String, String)>,
}

/// The foreign keys of a table that act.
pub(super) fn actions(session: &mut Session, table: &str) -> Result<Vec<ActionKey>, DbError> {
    let mut keys: Vec<(u64, ActionKey)> = Vec::new();
    for row in session.all(sql().catalog_foreign_keys, args![table])? {
        let (id, parent, from) = (row.int(0)?, row.string(1)?, row.string(2)?);
        let acts = |action: &str| matches!(action, "CASCADE" | "SET NULL" | "SET DEFAULT");
        let (on_update, on_delete) = (acts(&row.string(4)?), acts(&row.string(5)?));
        if !on_update && !on_delete {
            continue;
        }
        if keys.last().is_none_or(|(last, _)| *last != id) {
            keys.push((id, ActionKey { parent: parent.clone(), on_update, on_delete, columns: Vec::new() }));
        }
        let place = keys.last().map_or(0, |(_, key)| key.columns.len());
        let to = match row.maybe_string(3)? {
            Some(to) => Some(to),
            None => key_column(session, &parent, place)?,
        };
        if let (Some((_, key)), Some(to)) = (keys.last_mut(), to) {
            key.columns.push((from, to));
        }
    }
    Ok(keys.into_iter().map(|(_, key)| key).collect())
}

/// The foreign keys by which removing rows of `parent` would change rows of tables of its stream.
pub(super) fn cascades<'c>(
    session: &mut Session,
    tables: &'c [Table],
    parent: &Table,
) -> Result<Vec<Cascade<'c>>, DbError> {
    let mut found = Vec::new();
    for child in tables {
        for key in actions(session, &child.name)? {
            if key.on_delete && key.parent.eq_ignore_ascii_case(&parent.name) {
                found.push(Cascade { child, columns: key.columns });
            }
        }
    }
    Ok(found)
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
