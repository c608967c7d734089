//! What an act passed over or put aside, for `ferry acts show`.

use ferry_core::ports::{ACT_DONE, Direction};
use ferry_format::{Deed, Digest, SignedAct, StreamName};
use serde_json::{Value, json};

use super::desk::{Desk, unread};
use super::tables::Table;
use super::trace::op_name;
use super::trace_text::op_text;
use super::when;
use crate::config::load_contract;
use crate::store::{ActRow, PassedOver};
use crate::{Fault, Lang};

/// What an act did to single rows and batches.
pub struct Effect {
    /// The captured row that it passed over.
    passed: Option<PassedOver>,
    /// The batches that it put aside; `None` of an act of another kind, or one that was not carried out.
    superseded: Option<Vec<PutAside>>,
}

/// A batch that another one took the place of.
struct PutAside {
    stream: StreamName,
    epoch: u64,
    seq: u64,
    digest: Digest,
    /// Its records, where the books know them.
    rows: Option<u64>,
    /// The batch in its place, where the books know it, with its records.
    new: Option<(Digest, u64)>,
}

impl Effect {
    /// Reads what the books tell of it. The key of a row is read only when it is asked for.
    ///
    /// # Errors
    /// When the books cannot be read, or a key is asked for and the contract cannot be.
    pub fn of(desk: &Desk, row: &ActRow, keys: bool) -> Result<Self, Fault> {
        let mut effect = Self { passed: None, superseded: None };
        let Ok(SignedAct { act, .. }) = SignedAct::parse(&row.file) else { return Ok(effect) };
        let is_done = row.code.as_deref() == Some(ACT_DONE);
        match &act.deed {
            Deed::Pass { stream, .. } if row.here => {
                let contract = keys.then(|| load_contract(&desk.config.contract)).transpose()?;
                let contract = contract.as_ref().and_then(|(contract, _)| contract.stream(stream));
                effect.passed = desk.books.passed_over(row.id, contract).map_err(unread)?;
            }
            Deed::Supersede { stream, epoch, first, old, new, .. } if is_done => {
                let mut all = Vec::new();
                for (index, seq) in (0..new.len()).zip(*first..) {
                    let place = (stream, *epoch, seq);
                    let digests: Vec<Digest> = old.iter().skip(index).step_by(new.len()).copied().collect();
                    all.append(&mut if row.here {
                        own(desk, row.id, place, &digests)?
                    } else {
                        of_peer(desk, place, &digests)?
                    });
                }
                effect.superseded = Some(all);
            }
            Deed::Pass { .. }
            | Deed::Supersede { .. }
            | Deed::Hold { .. }
            | Deed::Release { .. }
            | Deed::Retry { .. }
            | Deed::Resend { .. }
            | Deed::Reseal { .. }
            | Deed::RetryRows { .. }
            | Deed::Dismiss { .. }
            | Deed::TakeBack { .. }
            | Deed::Load { .. }
            | Deed::NewEpoch { .. } => {}
        }
        Ok(effect)
    }

    /// Adds it to the JSON answer.
    pub fn add_to(&self, document: &mut Value) {
        document["passed"] = self.passed.as_ref().map_or(Value::Null, |row| {
            json!({ "row": row.row, "table": row.table, "op": op_name(row.op), "key": row.key, "at_ms": row.at_ms })
        });
        let one = |aside: &PutAside| {
            json!({
                "stream": aside.stream.as_str(),
                "epoch": aside.epoch,
                "seq": aside.seq,
                "digest": aside.digest.to_string(),
                "rows": aside.rows,
                "new_digest": aside.new.map(|(digest, _)| digest.to_string()),
                "new_rows": aside.new.map(|(_, rows)| rows),
            })
        };
        document["superseded"] =
            self.superseded.as_ref().map_or(Value::Null, |all| all.iter().map(one).collect::<Vec<_>>().into());
    }

    /// The same for people; empty where there is nothing.
    pub fn human(&self, act: u64, lang: Lang) -> String {
        let passed = self.passed.as_ref().map(|row| passed_text(row, act, lang)).unwrap_or_default();
        let all = self.superseded.as_deref().unwrap_or_default();
        if all.is_empty() { passed } else { passed + &superseded_text(all, lang) }
    }
}

/// What an act of this zone put aside at a place.
fn own(
    desk: &Desk,
    act: u64,
    (stream, epoch, seq): (&StreamName, u64, u64),
    old: &[Digest],
) -> Result<Vec<PutAside>, Fault> {
    let placed = desk.books.placed(stream, epoch, seq).map_err(unread)?;
    let new = placed.iter().find(|batch| batch.act == Some(act)).map(|batch| (batch.digest, batch.rows));
    let rows = |digest: &Digest| placed.iter().find(|batch| batch.digest == *digest).map(|batch| batch.rows);
    let aside =
        |digest: &Digest| PutAside { stream: stream.clone(), epoch, seq, digest: *digest, rows: rows(digest), new };
    Ok(old.iter().map(aside).collect())
}

/// What an act of the peer put aside at a place: this zone knows the rows of what it has applied, and of nothing else.
fn of_peer(desk: &Desk, (stream, epoch, seq): (&StreamName, u64, u64), old: &[Digest]) -> Result<Vec<PutAside>, Fault> {
    let applied = desk.books.batch(Direction::In, stream, seq).map_err(unread)?.filter(|batch| batch.epoch == epoch);
    let applied = applied.map(|batch| (batch.digest, batch.rows));
    let new = applied.filter(|(digest, _)| !old.contains(digest));
    let rows = |digest: &Digest| applied.filter(|(there, _)| there == digest).map(|(_, rows)| rows);
    let aside =
        |digest: &Digest| PutAside { stream: stream.clone(), epoch, seq, digest: *digest, rows: rows(digest), new };
    Ok(old.iter().map(aside).collect())
}

fn passed_text(row: &PassedOver, act: u64, lang: Lang) -> String {
    let (id, op, at) = (row.row, op_text(row.op, lang), when::local(row.at_ms));
    let table = row.table.as_deref().unwrap_or("?");
    let head = match lang {
        Lang::En => format!("passed over: {op} of table {table}, row {id} of the outbox, at {at}\n"),
        Lang::Zh => format!("已越过：表 {table} 的{op}，发件箱第 {id} 行，时间 {at}\n"),
    };
    let trace = row.key.as_ref().map(|key| {
        let words: Vec<String> = key.iter().map(|value| quoted(value)).collect();
        format!("ferry trace {table} {}", words.join(" "))
    });
    head + &match (trace, lang) {
        (Some(trace), Lang::En) => format!("  its life: {trace}\n"),
        (Some(trace), Lang::Zh) => format!("  其经历：{trace}\n"),
        (None, Lang::En) => format!("  `ferry acts show {act} --keys` shows the row's key, as far as it can be read\n"),
        (None, Lang::Zh) => format!("  `ferry acts show {act} --keys` 显示该行的主键（如可读取）\n"),
    }
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.:/".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    if word.chars().any(char::is_control) {
        return format!("{word:?}");
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

fn superseded_text(all: &[PutAside], lang: Lang) -> String {
    let head = match lang {
        Lang::En => ["batch", "epoch", "put aside", "rows", "in its place", "rows"],
        Lang::Zh => ["批次", "纪元", "被取代", "行数", "取而代之", "行数"],
    };
    let mut table = Table::new(&head).right(&[1, 3, 5]);
    let count = |rows: Option<u64>| rows.map_or_else(|| "?".to_owned(), |rows| rows.to_string());
    for aside in all {
        table.row(vec![
            format!("{}/{}", aside.stream, aside.seq),
            aside.epoch.to_string(),
            aside.digest.short(),
            count(aside.rows),
            aside.new.map_or_else(|| "?".to_owned(), |(digest, _)| digest.short()),
            count(aside.new.map(|(_, rows)| rows)),
        ]);
    }
    table.text()
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn a_key_is_shown_as_a_shell_takes_it() {
        for (word, meant) in [
            ("-5", "-5"),
            ("", "''"),
            ("缴1", "'缴1'"),
            ("a b", "'a b'"),
            ("a'b", r"'a'\''b'"),
            ("a\u{1b}", r#""a\u{1b}""#),
        ] {
            assert_eq!(quoted(word), meant);
        }
    }
}
