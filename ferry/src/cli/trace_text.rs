//! The life of a row as people read it.

use ferry_core::ports::Direction;
use ferry_format::Op;

use super::explain::{Standing, kind_text, nothing};
use super::status::way;
use super::tables::Table;
use super::trace::{Change, Held, Traced};
use super::when;
use crate::Lang;
use crate::store::{LifeRow, PassedRow, Unsearched, UnsearchedCause, WaitingRow};

/// Everything that is known of the row.
pub fn human(traced: &Traced, lang: Lang) -> String {
    let (table, stream, way) = (&traced.table, &traced.stream.name, way(traced.direction, lang));
    let present = match (traced.present, lang) {
        (true, Lang::En) => "the row is in the table here",
        (false, Lang::En) => "the row is not in the table here",
        (true, Lang::Zh) => "该行现在本区表中",
        (false, Lang::Zh) => "该行现不在本区表中",
    };
    let mut out = match lang {
        Lang::En => format!("table {table}, stream {stream}, {way}; {present}\n"),
        Lang::Zh => format!("表 {table}，流 {stream}，{way}；{present}\n"),
    };
    if traced.left_out > 0 {
        let count = traced.left_out;
        out.push_str(&match lang {
            Lang::En => format!("{count} earlier changes are not shown\n"),
            Lang::Zh => format!("另有 {count} 次更早的变更未显示\n"),
        });
    }
    for row in &traced.passed {
        out.push_str(&passed(row, lang));
    }
    for change in &traced.changes {
        out.push_str(&in_batch(change, traced, lang));
    }
    for held in &traced.held {
        out.push_str(&in_spool(held, lang));
    }
    for (row, now) in &traced.waiting {
        out.push_str(&in_outbox(row, now, lang));
    }
    if traced.is_unknown() {
        out.push_str(match lang {
            Lang::En => "nothing is known of it\n",
            Lang::Zh => "没有关于该行的任何记录\n",
        });
    }
    for hole in &traced.unsearched {
        out.push_str(&unsearched(hole, traced, lang));
    }
    if let Some(why) = &traced.held_unread {
        let why = why.get(lang);
        out.push_str(&match lang {
            Lang::En => format!("batches that are held here and not applied were not searched: {why}\n"),
            Lang::Zh => format!("未能查找在此持有而未应用的批次：{why}\n"),
        });
    }
    out
}

fn in_batch(told: &Change, traced: &Traced, lang: Lang) -> String {
    let Change { change, life, now } = told;
    let (op, row, batch) = (op_text(Some(change.op), lang), change.row, &change.batch);
    let (stream, seq, epoch) = (&batch.stream, batch.seq, batch.epoch);
    let instead = change.instead.map(|digest| digest.short());
    let mut out = match (lang, instead) {
        (Lang::En, None) => format!("{op} in batch {stream}/{seq}, row {row}, epoch {epoch}\n"),
        (Lang::En, Some(digest)) => {
            format!("{op} in batch {digest}, which superseded {stream}/{seq}, row {row}, epoch {epoch}\n")
        }
        (Lang::Zh, None) => format!("{op}，批次 {stream}/{seq}，第 {row} 行，纪元 {epoch}\n"),
        (Lang::Zh, Some(digest)) => format!("{op}，取代 {stream}/{seq} 的批次 {digest}，第 {row} 行，纪元 {epoch}\n"),
    };
    let captured = (traced.direction == Direction::Out && change.instead.is_none()).then_some(change.captured_at_ms);
    out.push_str(&lines(captured, life, lang));
    out.push_str(&ending(now, lang));
    out
}

fn in_spool(held: &Held, lang: Lang) -> String {
    let (op, row, batch) = (op_text(Some(held.op), lang), held.row, &held.batch);
    let (stream, seq, epoch) = (&batch.stream, batch.seq, batch.epoch);
    let head = match lang {
        Lang::En => format!("{op} in batch {stream}/{seq}, row {row}, epoch {epoch}\n"),
        Lang::Zh => format!("{op}，批次 {stream}/{seq}，第 {row} 行，纪元 {epoch}\n"),
    };
    head + &lines(None, &held.life, lang) + &ending(&held.now, lang)
}

fn in_outbox(row: &WaitingRow, now: &Standing, lang: Lang) -> String {
    let (op, id) = (op_text(row.op, lang), row.id);
    let head = match lang {
        Lang::En => format!("{op} in the outbox, row {id}\n"),
        Lang::Zh => format!("{op}，位于发件箱第 {id} 行\n"),
    };
    head + &lines(Some(row.captured_at_ms), &[], lang) + &ending(now, lang)
}

fn passed(row: &PassedRow, lang: Lang) -> String {
    let (op, id, act, at) = (op_text(row.op, lang), row.id, row.act, when::local(row.at_ms));
    match lang {
        Lang::En => {
            format!("{op} in row {id} of the outbox, passed over at {at} by act {act}; see `ferry acts show {act}`\n")
        }
        Lang::Zh => format!("{op}，发件箱第 {id} 行，已于 {at} 由操作 {act} 越过，见 `ferry acts show {act}`\n"),
    }
}

/// What happened and when. `captured` is the time of capture, where there should be one.
fn lines(captured: Option<Option<u64>>, life: &[LifeRow], lang: Lang) -> String {
    let mut table = Table::bare().indented(2);
    if let Some(at_ms) = captured {
        let what = match (at_ms, lang) {
            (Some(_), Lang::En) => "captured",
            (Some(_), Lang::Zh) => "捕获",
            (None, Lang::En) => "captured; when was not written down",
            (None, Lang::Zh) => "捕获；时间未记录",
        };
        table.row(vec![when::local(at_ms.unwrap_or(0)), what.to_owned(), String::new()]);
    }
    for event in life {
        table.row(vec![when::local(event.at_ms), kind_text(&event.kind, lang).to_owned(), event.detail.clone()]);
    }
    table.text()
}

fn ending(now: &Standing, lang: Lang) -> String {
    let (sentence, next) = (now.sentence.get(lang), now.next.get(lang));
    let mut out = match lang {
        Lang::En => format!("  now: {sentence}\n"),
        Lang::Zh => format!("  当前：{sentence}\n"),
    };
    if now.next != nothing() {
        out.push_str(&match lang {
            Lang::En => format!("  next: {next}\n"),
            Lang::Zh => format!("  下一步：{next}\n"),
        });
    }
    out
}

fn unsearched(hole: &Unsearched, traced: &Traced, lang: Lang) -> String {
    let (stream, first, last) = (&traced.stream.name, hole.first, hole.last);
    let why = match (hole.cause, lang) {
        (UnsearchedCause::NoIndex, Lang::En) => "no index was kept then",
        (UnsearchedCause::NoIndex, Lang::Zh) => "当时未建索引",
        (UnsearchedCause::OtherSecret, Lang::En) => "they are indexed under another secret than keys/trace.key",
        (UnsearchedCause::OtherSecret, Lang::Zh) => "其索引所用密钥与现在的 keys/trace.key 不同",
    };
    match lang {
        Lang::En => format!("batches {stream}/{first} to {last} were not searched: {why}\n"),
        Lang::Zh => format!("未查找批次 {stream}/{first} 至 {last}：{why}\n"),
    }
}

/// What a change does.
pub fn op_text(op: Option<Op>, lang: Lang) -> &'static str {
    match (op, lang) {
        (Some(Op::Insert), Lang::En) => "insert",
        (Some(Op::Update), Lang::En) => "update",
        (Some(Op::Delete), Lang::En) => "delete",
        (None, Lang::En) => "change",
        (Some(Op::Insert), Lang::Zh) => "新增",
        (Some(Op::Update), Lang::Zh) => "更新",
        (Some(Op::Delete), Lang::Zh) => "删除",
        (None, Lang::Zh) => "变更",
    }
}
