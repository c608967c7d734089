//! A batch's statement and envelope in readable form.

use std::collections::BTreeMap;

use console::yuan;
use ferry_format::{BatchStatement, Mark, TableSummary, UnverifiedBatch};
use serde_json::{Value, json};

use super::tables::Table;
use super::when;
use crate::Lang;

/// The stable JSON form of a batch file's header. Money is in fen, as decimal strings.
pub fn header_json(batch: &UnverifiedBatch) -> Value {
    let BatchStatement { link, from, to, stream, epoch, seq, group, .. } = &batch.statement;
    let statement = &batch.statement;
    json!({
        "link": link.as_str(),
        "from": from.as_str(),
        "to": to.as_str(),
        "stream": stream.as_str(),
        "epoch": epoch,
        "epoch_id": statement.epoch_id.to_string(),
        "seq": seq,
        "digest": batch.digest.to_string(),
        "previous": statement.previous.to_string(),
        "group": { "first": group.first, "index": group.index, "last": group.last },
        "contract": statement.contract.to_string(),
        "requires": statement.requires.iter().map(mark_json).collect::<Vec<_>>(),
        "records": statement.records,
        "tables": statement.tables.iter().map(table_json).collect::<Vec<_>>(),
        "plain_bytes": statement.plain.bytes,
        "plain_sm3": statement.plain.sm3.to_string(),
        "cut_at_ms": statement.cut_at_ms,
        "audit": { "size": statement.audit.size, "root": statement.audit.root.to_string() },
        "supersedes": statement.supersedes.as_ref().map(|supersedes| json!({
            "old": supersedes.old.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "act": supersedes.act.to_string(),
            "reason": supersedes.reason.as_str(),
            "approvals": supersedes.approvals.iter().map(|approval| approval.key.to_string()).collect::<Vec<_>>(),
        })),
        "signer": batch.envelope.signer.to_string(),
        "recipients": batch.envelope.recipients.iter().map(|one| one.key.to_string()).collect::<Vec<_>>(),
        "chunks": batch.envelope.chunks.len(),
        "compressed_bytes": batch.envelope.compressed,
        "file_bytes": batch.file_bytes,
    })
}

/// Counts and totals of one table: money in fen, as decimal strings.
pub fn table_json(table: &TableSummary) -> Value {
    let totals: BTreeMap<&str, String> =
        table.totals.iter().map(|(column, total)| (column.as_str(), total.to_string())).collect();
    json!({
        "name": table.name,
        "inserts": table.inserts,
        "updates": table.updates,
        "deletes": table.deletes,
        "totals_fen": totals,
    })
}

/// The header for people.
pub fn header_text(batch: &UnverifiedBatch, lang: Lang) -> String {
    let statement = &batch.statement;
    let BatchStatement { link, from, to, stream, epoch, seq, group, .. } = statement;
    let label = |en: &str, zh: &str| match lang {
        Lang::En => en.to_owned(),
        Lang::Zh => zh.to_owned(),
    };
    let whole = match (lang, group.last) {
        (Lang::En, true) => format!("{} to {seq}, ends here", group.first),
        (Lang::En, false) => format!("{} to {seq}, goes on", group.first),
        (Lang::Zh, true) => format!("{} 至 {seq}，到此结束", group.first),
        (Lang::Zh, false) => format!("{} 至 {seq}，未结束", group.first),
    };
    let requires: Vec<String> = statement
        .requires
        .iter()
        .map(|mark| format!("{}/{} ({})", mark.stream, mark.seq, mark.digest.short()))
        .collect();
    let recipients: Vec<String> = batch.envelope.recipients.iter().map(|one| one.key.to_string()).collect();
    let mut lines = vec![
        (
            label("batch", "批次"),
            format!("{stream}/{seq}, {} {epoch} ({})", label("epoch", "纪元"), statement.epoch_id),
        ),
        (label("way", "方向"), format!("{link} {from}→{to}")),
        (label("digest", "摘要"), batch.digest.to_string()),
        (label("previous", "前一摘要"), statement.previous.to_string()),
        (label("group", "组"), whole),
        (label("contract", "契约"), statement.contract.to_string()),
        (label("cut at", "切批时间"), when::local(statement.cut_at_ms)),
        (label("records", "记录数"), statement.records.to_string()),
        (label("signer", "签名密钥"), batch.envelope.signer.to_string()),
        (label("sealed to", "加密给"), recipients.join(" ")),
        (
            label("file bytes", "文件字节"),
            format!("{} ({} {})", batch.file_bytes, batch.envelope.chunks.len(), label("chunks", "块")),
        ),
        (label("audit log", "审计日志"), format!("{} @ {}", statement.audit.size, statement.audit.root.short())),
    ];
    if !requires.is_empty() {
        lines.push((label("requires", "依赖"), requires.join(", ")));
    }
    if let Some(supersedes) = &statement.supersedes {
        let old: Vec<String> = supersedes.old.iter().map(ferry_format::Digest::short).collect();
        lines.push((label("supersedes", "取代"), format!("{}: {}", old.join(", "), supersedes.reason.as_str())));
    }
    let mut table = Table::bare();
    for (name, value) in lines {
        table.row(vec![name, value]);
    }
    format!("{}{}", table.text(), tables_text(&statement.tables, lang))
}

/// Counts and totals by table, for people.
pub fn tables_text(tables: &[TableSummary], lang: Lang) -> String {
    if tables.is_empty() {
        return String::new();
    }
    let head = match lang {
        Lang::En => ["table", "inserts", "updates", "deletes", "totals stated (yuan)"],
        Lang::Zh => ["表", "新增", "更新", "删除", "声明的金额合计（元）"],
    };
    let mut shown = Table::new(&head).indented(2).right(&[1, 2, 3]);
    for table in tables {
        let totals: Vec<String> =
            table.totals.iter().map(|(column, total)| format!("{column} {}", yuan(*total))).collect();
        let counts = [table.inserts, table.updates, table.deletes].map(|count| count.to_string());
        let [inserts, updates, deletes] = counts;
        shown.row(vec![table.name.clone(), inserts, updates, deletes, totals.join(", ")]);
    }
    shown.text()
}

fn mark_json(mark: &Mark) -> Value {
    json!({
        "stream": mark.stream.as_str(),
        "epoch": mark.epoch,
        "seq": mark.seq,
        "digest": mark.digest.to_string(),
    })
}
