//! The triggers that ferry puts on tables.

use ferry_core::contract::Table;
use ferry_format::{LinkId, ZoneName};

use super::dialect::NOW_MS;
use super::spelling::{append, literal, quote, record, same_key};
use crate::store::dialect::{NamedTrigger, Shape, UniqueKey};

/// How the names of all triggers of a link begin.
pub(super) fn prefix(link: &LinkId) -> String {
    format!("ferry:{link}:")
}

/// The triggers of one table.
struct Triggers<'t> {
    link: &'t LinkId,
    table: &'t Table,
    made: Vec<NamedTrigger>,
}

impl Triggers<'_> {
    fn add(&mut self, name: &str, event: &str, body: &str) {
        let name = format!("{}{}:{name}", prefix(self.link), self.table.name);
        let text = format!("CREATE TRIGGER {} {event} ON {} {body}", quote(&name), quote(&self.table.name));
        self.made.push(NamedTrigger { name, text });
    }

    /// A trigger that ends the statement under a condition, and takes back what it changed.
    fn refuse(&mut self, name: &str, event: &str, when: &str, message: &str) {
        self.add(name, event, &format!("WHEN {when} BEGIN SELECT RAISE(ABORT, {}); END", literal(message)));
    }
}

/// Triggers that write the rows of an own table to its outbox.
pub(super) fn capture(link: &LinkId, outbox: &str, contract: i64, table: &Table, shape: &Shape) -> Vec<NamedTrigger> {
    let name = literal(&table.name);
    let into = |values: &str| format!("INSERT INTO {} (contract, line, at_ms) {values};", quote(outbox));
    let row = record("NEW", table.columns.iter());
    let key = |of: &str| record(of, table.key_columns());
    let told =
        |op: &str, values: &str| into(&format!("VALUES ({contract}, json_array({name}, '{op}', {values}), {NOW_MS})"));
    // What becomes of a key is told as it stands when the trigger runs: the row may have changed once more by then.
    let standing = |op: &str, of: &str| {
        let present = record("t", table.columns.iter());
        into(&format!(
            "SELECT {contract}, coalesce((SELECT json_array({name}, '{op}', {present}) FROM {} AS t WHERE {}), \
             json_array({name}, 'd', {})), {NOW_MS}",
            quote(&table.name),
            same_key(table, "t.", &format!("{of}.")),
            key(of)
        ))
    };
    let (inserted, deleted, updated, moved) = if shape.returns {
        let moved = format!("{} {}", standing("u", "OLD"), standing("i", "NEW"));
        (standing("i", "NEW"), standing("u", "OLD"), standing("u", "NEW"), moved)
    } else {
        let deleted = told("d", &key("OLD"));
        (told("i", &row), deleted.clone(), told("u", &row), format!("{deleted} {}", told("i", &row)))
    };
    let same_key = same_key(table, "NEW.", "OLD.");
    let mut triggers = Triggers { link, table, made: Vec::new() };
    triggers.add("capture_insert", "AFTER INSERT", &format!("BEGIN {inserted} END"));
    triggers.add("capture_delete", "AFTER DELETE", &format!("BEGIN {deleted} END"));
    triggers.add("capture_update", "AFTER UPDATE", &format!("WHEN {same_key} BEGIN {updated} END"));
    triggers.add("capture_key_update", "AFTER UPDATE", &format!("WHEN NOT ({same_key}) BEGIN {moved} END"));
    triggers.made
}

/// Triggers that refuse a write by which SQLite would remove another row unseen.
pub(super) fn guards(link: &LinkId, table: &Table, shape: &Shape) -> Vec<NamedTrigger> {
    let mut triggers = Triggers { link, table, made: Vec::new() };
    for (index, key) in shape.unique.iter().enumerate() {
        let columns: Vec<&str> = key.columns.iter().map(|(column, _)| column.as_str()).collect();
        let message = format!("ferry: another row of {} has the same {}", table.name, columns.join(", "));
        let taken = other_row_has(table, key);
        triggers.refuse(&format!("unique_insert_{index}"), "BEFORE INSERT", &taken("NEW."), &message);
        triggers.refuse(&format!("unique_update_{index}"), "BEFORE UPDATE", &taken("OLD."), &message);
    }
    if let Some(row_id) = shape.row_id {
        guard_row_id(&mut triggers, row_id);
    }
    if shape.returns {
        // The row whose place is taken is removed first, and its removal may reach the row that was to take it: then nothing
        // is left that a trigger could run for.
        let message = format!("ferry: another row of {} has this key", table.name);
        let when = format!(
            "NOT ({}) AND EXISTS (SELECT 1 FROM {} WHERE {})",
            same_key(table, "NEW.", "OLD."),
            quote(&table.name),
            same_key(table, "", "NEW.")
        );
        triggers.refuse("key_update", "BEFORE UPDATE", &when, &message);
    }
    triggers.made
}

/// Before an insert the row number is −1 if the statement does not set it. So no row may have that number in the end: another
/// one that is given it would take its place, and look as if it had none.
fn guard_row_id(triggers: &mut Triggers<'_>, row_id: &str) {
    let table = triggers.table;
    let message = format!("ferry: the row numbers of {} must not be set", table.name);
    let taken = format!(
        "NEW.{row_id} <> -1 AND EXISTS (SELECT 1 FROM {} WHERE {row_id} = NEW.{row_id} AND NOT ({}))",
        quote(&table.name),
        same_key(table, "", "NEW.")
    );
    triggers.refuse("row_id_insert", "BEFORE INSERT", &taken, &message);
    triggers.refuse("row_id_inserted", "AFTER INSERT", &format!("NEW.{row_id} = -1"), &message);
    triggers.refuse("row_id_update", "BEFORE UPDATE", &format!("NEW.{row_id} <> OLD.{row_id}"), &message);
}

/// Triggers that refuse writes to a replica outside the applier's transaction.
pub(super) fn fence(link: &LinkId, owner: &ZoneName, table: &Table) -> Vec<NamedTrigger> {
    let message = format!("ferry: {} is a replica; its owner is zone {owner}", table.name);
    let when = format!("NOT EXISTS (SELECT 1 FROM ferry_applying WHERE link = {})", literal(link.as_str()));
    let mut triggers = Triggers { link, table, made: Vec::new() };
    for event in ["insert", "update", "delete"] {
        let before = format!("BEFORE {}", event.to_uppercase());
        triggers.refuse(&format!("replica_{event}"), &before, &when, &message);
    }
    triggers.made
}

/// Whether a row with another key than `self_row` has the same values in a secondary unique key as `NEW`.
fn other_row_has<'a>(table: &'a Table, key: &'a UniqueKey) -> impl Fn(&str) -> String + 'a {
    move |self_row| {
        let mut equal = String::new();
        for (column, collation) in &key.columns {
            let (name, and) = (quote(column), if equal.is_empty() { "" } else { " AND " });
            append(&mut equal, format_args!("{and}{name} = NEW.{name} COLLATE {}", quote(collation)));
        }
        let same = same_key(table, "", self_row);
        format!("EXISTS (SELECT 1 FROM {} WHERE {equal} AND NOT ({same}))", quote(&table.name))
    }
}
