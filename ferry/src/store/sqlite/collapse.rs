//! The last image of each key in a batch, table by table.

use ferry_core::ports::{CheckedBatch, CheckedRow};
use ferry_format::Op;

/// What one batch does to one table in the end, as JSON arrays for one statement each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TableSet {
    /// The table, as an index into the contract's tables.
    pub table: usize,
    /// Rows whose last change wrote them, in the order of those changes.
    pub upserts: Option<String>,
    /// Keys whose last change removed them, the last one first.
    pub deletes: Option<String>,
}

/// Collapses a batch; the tables come in the contract's order, parents before children.
///
/// # Errors
/// When the batch is not UTF-8, which a checked batch always is.
pub(super) fn collapse(batch: &CheckedBatch) -> Result<Vec<TableSet>, std::str::Utf8Error> {
    let mut rows: Vec<(usize, &[u8], usize)> =
        batch.rows.iter().enumerate().map(|(index, row)| (row.table, batch.key(row), index)).collect();
    rows.sort_unstable();
    let mut last: Vec<(usize, usize)> = Vec::with_capacity(rows.len());
    for (place, (table, key, index)) in rows.iter().enumerate() {
        let replaced = rows.get(place + 1).is_some_and(|(other, same, _)| other == table && same == key);
        if !replaced {
            last.push((*table, *index));
        }
    }
    last.sort_unstable();
    last.chunk_by(|one, other| one.0 == other.0).map(|chunk| table_set(batch, chunk)).collect()
}

fn table_set(batch: &CheckedBatch, chunk: &[(usize, usize)]) -> Result<TableSet, std::str::Utf8Error> {
    let rows = || chunk.iter().map(|(_, index)| &batch.rows[*index]);
    let written = rows().filter(|row| !is_delete(row)).map(|row| batch.values(row));
    let removed = rows().rev().filter(|row| is_delete(row)).map(|row| batch.key(row));
    let table = chunk.first().map_or(0, |(table, _)| *table);
    Ok(TableSet { table, upserts: array(written)?, deletes: array(removed)? })
}

/// Whether the row removes its key.
pub(super) const fn is_delete(row: &CheckedRow) -> bool {
    match row.op {
        Op::Insert | Op::Update => false,
        Op::Delete => true,
    }
}

/// A JSON array of arrays; `None` when there are none.
pub(super) fn array<'a>(items: impl Iterator<Item = &'a [u8]>) -> Result<Option<String>, std::str::Utf8Error> {
    let mut text = String::new();
    for item in items {
        text.push(if text.is_empty() { '[' } else { ',' });
        text.push_str(std::str::from_utf8(item)?);
    }
    if text.is_empty() {
        return Ok(None);
    }
    text.push(']');
    Ok(Some(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ferry_format::Digest;

    #[test]
    fn the_last_image_of_each_key_remains_in_order() {
        let batch =
            batch(&[(1, 'i', "[5,1]"), (0, 'i', "[2,1]"), (0, 'i', "[1,1]"), (0, 'd', "[2]"), (0, 'u', "[1,2]")]);
        let sets = collapse(&batch).unwrap();
        let set = |table, upserts: Option<&str>, deletes: Option<&str>| TableSet {
            table,
            upserts: upserts.map(str::to_owned),
            deletes: deletes.map(str::to_owned),
        };
        assert_eq!(sets, [set(0, Some("[[1,2]]"), Some("[[2]]")), set(1, Some("[[5,1]]"), None)]);
    }

    #[test]
    fn deletes_run_backwards() {
        let batch = batch(&[(0, 'd', "[1]"), (0, 'd', "[2]")]);
        assert_eq!(collapse(&batch).unwrap()[0].deletes.as_deref(), Some("[[2],[1]]"));
    }

    fn batch(rows: &[(usize, char, &str)]) -> CheckedBatch {
        let mut bytes = Vec::new();
        let mut add = |text: String| {
            let from = bytes.len();
            bytes.extend_from_slice(text.as_bytes());
            (from, bytes.len())
        };
        let rows = rows.iter().map(|(table, op, values)| {
            let key = format!("{}]", values.split([',', ']']).next().unwrap());
            let op = [Op::Insert, Op::Update, Op::Delete].into_iter().find(|one| one.letter() == *op).unwrap();
            CheckedRow { table: *table, op, values: add((*values).to_owned()), key: add(key) }
        });
        let rows = rows.collect();
        let digest = Digest([0; 32]);
        CheckedBatch { seq: 1, digest, chain: digest, act: None, file_bytes: 0, taken_at_ms: 0, rows, bytes }
    }
}
