//! A batch's statement as canonical JSON, and the rules that it keeps.

use std::collections::BTreeMap;

use crate::canon::{Value, object, text};
use crate::error::FormatError;
use crate::fields::{Fields, as_text, ascend, bad, is_table_name};
use crate::ident::hex_encode;
use crate::limits::{
    APPROVALS_MAX, COLUMNS_MAX, EPOCH_MAX, PLAIN_BYTES_MAX, RECORDS_MAX, SALT_BYTES, SEQ_MAX, SIGNATURE_BYTES_MAX,
    STREAMS_MAX, SUPERSEDED_MAX, TABLES_MAX,
};
use crate::statement::Approval;
use crate::{BatchStatement, Checkpoint, Digest, Group, Mark, Plain, Supersedes, TableSummary};

/// The stream name that stands for status files; no stream may have it.
pub const STATUS_STREAM: &str = "status";

pub(crate) fn write(statement: &BatchStatement) -> Value {
    let group = [
        ("first", Value::Integer(statement.group.first)),
        ("index", Value::Integer(statement.group.index)),
        ("last", Value::Bool(statement.group.last)),
    ];
    let mut entries = vec![
        ("audit", write_checkpoint(&statement.audit)),
        ("contract", text(statement.contract)),
        ("cut_at", Value::Integer(statement.cut_at_ms)),
        ("epoch", Value::Integer(statement.epoch)),
        ("epoch_id", text(statement.epoch_id)),
        ("from", text(&statement.from)),
        ("group", object(group)),
        ("link", text(&statement.link)),
        ("plain", write_plain(&statement.plain)),
        ("previous", text(statement.previous)),
        ("records", Value::Integer(statement.records)),
        ("requires", write_marks(&statement.requires)),
        ("seq", Value::Integer(statement.seq)),
        ("stream", text(&statement.stream)),
        ("tables", Value::Array(statement.tables.iter().map(write_table).collect())),
        ("to", text(&statement.to)),
    ];
    if let Some(supersedes) = &statement.supersedes {
        entries.push(("supersedes", write_supersedes(supersedes)));
    }
    object(entries)
}

pub(crate) fn read(value: Value) -> Result<BatchStatement, FormatError> {
    let mut fields = Fields::of(value, "statement")?;
    let statement = BatchStatement {
        link: fields.parsed("link")?,
        from: fields.parsed("from")?,
        to: fields.parsed("to")?,
        stream: fields.parsed("stream")?,
        epoch: fields.integer("epoch")?,
        epoch_id: fields.parsed("epoch_id")?,
        seq: fields.integer("seq")?,
        group: read_group(fields.object("group")?)?,
        previous: fields.parsed("previous")?,
        contract: fields.parsed("contract")?,
        requires: read_marks(&mut fields, "requires")?,
        tables: fields.objects("tables", "tables", TABLES_MAX, read_table)?,
        records: fields.integer("records")?,
        plain: read_plain(fields.object("plain")?)?,
        cut_at_ms: fields.integer("cut_at")?,
        audit: read_checkpoint(fields.object("audit")?)?,
        supersedes: fields.optional_object("supersedes")?.map(read_supersedes).transpose()?,
    };
    fields.done()?;
    check(&statement)?;
    Ok(statement)
}

fn check(statement: &BatchStatement) -> Result<(), FormatError> {
    check_place(statement)?;
    if statement.plain.bytes > PLAIN_BYTES_MAX {
        return Err(FormatError::Limit { what: "plain bytes", max: PLAIN_BYTES_MAX });
    }
    if statement.records > RECORDS_MAX {
        return Err(FormatError::Limit { what: "records", max: RECORDS_MAX });
    }
    let counts = statement.tables.iter().flat_map(|table| [table.inserts, table.updates, table.deletes]);
    // Every count is below 2^53 and there are at most 768, so the sum is exact.
    if counts.sum::<u64>() != statement.records {
        return Err(FormatError::Inconsistent { reason: "records are not the sum of the counts by table" });
    }
    if !ascend(&statement.tables, |table| table.name.clone()) {
        return Err(FormatError::Inconsistent { reason: "tables do not ascend by name" });
    }
    if statement.requires.iter().any(|mark| mark.stream == statement.stream || mark.epoch == 0) {
        return Err(FormatError::Inconsistent { reason: "requires its own stream, or no epoch" });
    }
    check_superseding(statement)
}

/// A batch that supersedes is one of exactly those that its act names.
fn check_superseding(statement: &BatchStatement) -> Result<(), FormatError> {
    let Some(supersedes) = &statement.supersedes else { return Ok(()) };
    let group = statement.group;
    let payload = usize::try_from(group.index).ok().and_then(|index| supersedes.new.get(index));
    let is_last = group.index.checked_add(1) == u64::try_from(supersedes.new.len()).ok();
    if payload != Some(&statement.plain.sm3) || group.last != is_last {
        return Err(FormatError::Inconsistent { reason: "is not one of the batches that were approved" });
    }
    Ok(())
}

fn check_place(statement: &BatchStatement) -> Result<(), FormatError> {
    if statement.from == statement.to {
        return Err(FormatError::Inconsistent { reason: "a zone does not send to itself" });
    }
    if statement.stream.as_str() == STATUS_STREAM {
        return Err(bad("statement.stream", "is reserved for status files"));
    }
    if !(1..=EPOCH_MAX).contains(&statement.epoch) {
        return Err(bad("statement.epoch", "is not from 1 to its maximum"));
    }
    if !(1..=SEQ_MAX).contains(&statement.seq) {
        return Err(bad("statement.seq", "is not from 1 to its maximum"));
    }
    let group = statement.group;
    if group.first == 0 || group.first.checked_add(group.index) != Some(statement.seq) {
        return Err(FormatError::Inconsistent { reason: "the group's index is not seq - first" });
    }
    Ok(())
}

fn read_group(mut fields: Fields) -> Result<Group, FormatError> {
    let group =
        Group { first: fields.integer("first")?, index: fields.integer("index")?, last: fields.boolean("last")? };
    fields.done()?;
    Ok(group)
}

fn write_table(table: &TableSummary) -> Value {
    let totals = table.totals.iter().map(|(column, total)| (column.clone(), text(total)));
    object([
        ("deletes", Value::Integer(table.deletes)),
        ("inserts", Value::Integer(table.inserts)),
        ("name", text(&table.name)),
        ("totals", Value::Object(totals.collect())),
        ("updates", Value::Integer(table.updates)),
    ])
}

fn read_table(fields: &mut Fields) -> Result<TableSummary, FormatError> {
    Ok(TableSummary {
        name: fields.table_name("name")?,
        inserts: fields.integer("inserts")?,
        updates: fields.integer("updates")?,
        deletes: fields.integer("deletes")?,
        totals: read_totals(fields.object("totals")?)?,
    })
}

fn read_totals(fields: Fields) -> Result<BTreeMap<String, i128>, FormatError> {
    let path = fields.at("*");
    let entries = fields.into_entries();
    if entries.len() > COLUMNS_MAX {
        return Err(FormatError::Limit { what: "totals", max: COLUMNS_MAX as u64 });
    }
    let read_one = |(column, value): (String, Value)| {
        let total = as_text(value, || path.clone())?;
        if !is_table_name(&column) {
            return Err(bad(&path, "is not the name of a column"));
        }
        let number = read_total(&total).ok_or_else(|| bad(&path, "is not a canonical decimal of 128 bits"))?;
        Ok((column, number))
    };
    entries.into_iter().map(read_one).collect()
}

/// An integer of at most 128 bits in the one decimal spelling.
fn read_total(total: &str) -> Option<i128> {
    let number: i128 = total.parse().ok()?;
    (number.to_string() == total).then_some(number)
}

fn write_supersedes(supersedes: &Supersedes) -> Value {
    let approvals = supersedes
        .approvals
        .iter()
        .map(|approval| object([("key", text(approval.key)), ("signature", text(hex_encode(&approval.signature)))]));
    object([
        ("act", text(supersedes.act)),
        ("approvals", Value::Array(approvals.collect())),
        ("at", Value::Integer(supersedes.at_ms)),
        ("new", Value::Array(supersedes.new.iter().map(text).collect())),
        ("old", Value::Array(supersedes.old.iter().map(text).collect())),
        ("reason", text(&supersedes.reason)),
    ])
}

fn read_supersedes(mut fields: Fields) -> Result<Supersedes, FormatError> {
    let supersedes = Supersedes {
        act: fields.parsed("act")?,
        at_ms: fields.integer("at")?,
        reason: fields.parsed("reason")?,
        old: read_digests(&mut fields, "old", SUPERSEDED_MAX)?,
        new: read_digests(&mut fields, "new", SUPERSEDED_MAX)?,
        approvals: fields.objects("approvals", "approvals", APPROVALS_MAX, read_approval)?,
    };
    fields.done()?;
    if supersedes.old.is_empty()
        || supersedes.new.is_empty()
        || !supersedes.old.len().is_multiple_of(supersedes.new.len())
    {
        return Err(FormatError::Inconsistent { reason: "does not name every batch of the group that it supersedes" });
    }
    if supersedes.approvals.len() < 2 || !ascend(&supersedes.approvals, |approval| approval.key) {
        return Err(FormatError::Inconsistent { reason: "fewer than two approvals that ascend by key" });
    }
    Ok(supersedes)
}

fn read_approval(fields: &mut Fields) -> Result<Approval, FormatError> {
    Ok(Approval { key: fields.parsed("key")?, signature: fields.hex("signature", SIGNATURE_BYTES_MAX)? })
}

pub(crate) fn read_digests(fields: &mut Fields, key: &str, max: usize) -> Result<Vec<Digest>, FormatError> {
    let values = fields.array(key, "digests", max)?;
    let path = || fields.at(key);
    let read_one = |value| as_text(value, path)?.parse().map_err(|_| bad(&path(), "must be SM3 digests in hex"));
    values.into_iter().map(read_one).collect()
}

pub(crate) fn write_checkpoint(checkpoint: &Checkpoint) -> Value {
    object([("root", text(checkpoint.root)), ("size", Value::Integer(checkpoint.size))])
}

pub(crate) fn read_checkpoint(mut fields: Fields) -> Result<Checkpoint, FormatError> {
    let checkpoint = Checkpoint { size: fields.integer("size")?, root: fields.parsed("root")? };
    fields.done()?;
    Ok(checkpoint)
}

pub(crate) fn write_plain(plain: &Plain) -> Value {
    object([("bytes", Value::Integer(plain.bytes)), ("sm3", text(plain.sm3))])
}

pub(crate) fn read_plain(mut fields: Fields) -> Result<Plain, FormatError> {
    let plain = Plain { bytes: fields.integer("bytes")?, sm3: fields.parsed("sm3")? };
    fields.done()?;
    if plain.bytes < SALT_BYTES as u64 {
        return Err(bad("statement.plain.bytes", "is less than the salt"));
    }
    Ok(plain)
}

pub(crate) fn write_marks(marks: &[Mark]) -> Value {
    let write_one = |mark: &Mark| {
        object([
            ("digest", text(mark.digest)),
            ("epoch", Value::Integer(mark.epoch)),
            ("seq", Value::Integer(mark.seq)),
            ("stream", text(&mark.stream)),
        ])
    };
    Value::Array(marks.iter().map(write_one).collect())
}

pub(crate) fn read_marks(fields: &mut Fields, key: &str) -> Result<Vec<Mark>, FormatError> {
    let marks = fields.objects(key, "streams", STREAMS_MAX, |mark| {
        let read = Mark {
            stream: mark.parsed("stream")?,
            epoch: mark.integer("epoch")?,
            seq: mark.integer("seq")?,
            digest: mark.parsed("digest")?,
        };
        if read.epoch > EPOCH_MAX || read.seq > SEQ_MAX {
            return Err(mark.refuse("seq", "the place is above its maximum"));
        }
        Ok(read)
    })?;
    if !ascend(&marks, |mark| mark.stream.clone()) {
        return Err(fields.refuse(key, "must ascend by stream"));
    }
    Ok(marks)
}
