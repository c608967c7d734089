//! `ferry trace`: the life of one row, told by its key.

use std::io;
use std::path::{Path, PathBuf};

use clap::Args;
use ferry_core::contract::{StreamContract, Table};
use ferry_core::ports::{BatchId, Direction, Sealer as _};
use ferry_format::limits::FILE_BYTES_MAX;
use ferry_format::{Digest, FileName, NameKind, Op, parse_record, write_value};
use serde_json::{Value, json};

use super::Context;
use super::desk::{Desk, unread};
use super::explain::{Standing, because, nothing, standing, whole_life};
use super::output::Output;
use super::place::{self, Found};
use super::queue::batch_json;
use super::status::direction_name;
use super::{trace_key, trace_text};
use crate::config::load_contract;
use crate::files::{SpoolDirectories, durable};
use crate::keyring::{FerrySealer, credentials_directory, load_trace_key, trace_key_path};
use crate::lang::Text;
use crate::store::{
    BatchRow, LifeRow, PassedRow, RowKey, StreamStateRow, TRACE_SCHEMA, TraceQuery, TracedChange, Unsearched,
    UnsearchedCause, WaitingRow,
};
use crate::{ExitCode, Fault, Lang, text};

/// The arguments of `ferry trace`.
#[derive(Debug, Args)]
pub struct TraceArgs {
    /// A table of the contract
    #[arg(value_name = "TABLE")]
    pub table: String,
    /// The row's key: its columns in the contract's order, one value each
    #[arg(value_name = "KEY", required = true, num_args = 1.., allow_negative_numbers = true)]
    pub key: Vec<String>,
}

/// More changes of one row than that nobody reads; the latest are told.
const CHANGES_MAX: usize = 1_000;

/// Everything that is known of the row.
pub struct Traced {
    /// The table.
    pub table: String,
    /// Its stream.
    pub stream: StreamContract,
    /// Which way that runs.
    pub direction: Direction,
    /// Whether the row is in the table here at present.
    pub present: bool,
    /// Its changes in batches of the books.
    pub changes: Vec<Change>,
    /// Earlier ones that are not told.
    pub left_out: usize,
    /// Its changes in batches that are held here and not applied.
    pub held: Vec<Held>,
    /// Why those batches could not be looked into.
    pub held_unread: Option<Text>,
    /// Its changes in the outbox.
    pub waiting: Vec<(WaitingRow, Standing)>,
    /// Its changes that operators passed over.
    pub passed: Vec<PassedRow>,
    /// Batches that could not be searched.
    pub unsearched: Vec<Unsearched>,
}

/// A change in a batch of the books, with the life of that batch.
pub struct Change {
    /// The change.
    pub change: TracedChange,
    /// What happened to its batch.
    pub life: Vec<LifeRow>,
    /// Where it is.
    pub now: Standing,
}

/// A change in a batch that is held here and not applied.
pub struct Held {
    /// What it does.
    pub op: Op,
    /// The record in the batch, from 0.
    pub row: u64,
    /// Its batch.
    pub batch: BatchId,
    /// What happened to its batch.
    pub life: Vec<LifeRow>,
    /// Where it is.
    pub now: Standing,
}

/// Looks everywhere, and tells.
///
/// # Errors
/// When table or key are none of the contract's, when the secret is missing or another one, or the books cannot be read.
pub fn run(args: &TraceArgs, context: &Context) -> Result<Output, Fault> {
    let desk = Desk::open(context)?;
    let (contract, _) = load_contract(&desk.config.contract)?;
    let (stream, table) = trace_key::table(&contract, &args.table)?;
    let key = trace_key::json(stream, table, &args.key)?;
    let traced = look(&desk, stream, table, &key)?;
    let output = Output::new(trace_text::human(&traced, context.lang), document(&traced, &desk, context.lang));
    Ok(if traced.is_unknown() { output.ending(ExitCode::NotFound) } else { output })
}

impl Traced {
    /// Whether nothing at all is known of the row.
    pub fn is_unknown(&self) -> bool {
        !self.present
            && self.changes.is_empty()
            && self.held.is_empty()
            && self.waiting.is_empty()
            && self.passed.is_empty()
    }
}

fn look(desk: &Desk, stream: &StreamContract, table: &Table, key: &str) -> Result<Traced, Fault> {
    let version = desk.books.identity().map_err(unread)?.schema_version;
    if version < TRACE_SCHEMA {
        return Err(older_database(version));
    }
    let secret = load_trace_key(&desk.config)?;
    let direction = if stream.owner == desk.config.zone { Direction::Out } else { Direction::In };
    let query = TraceQuery { direction, stream: &stream.name, table, key, secret: &secret, limit: CHANGES_MAX };
    let found = desk.books.trace(&query).map_err(unread)?;
    if !found.secret_is_known {
        return Err(unknown_secret(desk));
    }
    let states = desk.books.stream_states().map_err(unread)?;
    let state = states.into_iter().find(|state| state.stream == stream.name && state.direction == direction);
    let mut changes = Vec::new();
    for change in found.changes {
        changes.push(with_life(desk, stream, table, change, state.as_ref())?);
    }
    let (held, held_unread) = match direction {
        Direction::Out => (Vec::new(), None),
        Direction::In => match held(desk, stream, table, key, state.as_ref()) {
            Ok(held) => (held, None),
            Err(fault) => (Vec::new(), Some(fault.message)),
        },
    };
    Ok(Traced {
        table: table.name.clone(),
        stream: stream.clone(),
        direction,
        present: is_present(desk, stream, table, key)?,
        changes,
        left_out: found.left_out,
        held,
        held_unread,
        waiting: found.waiting.into_iter().map(|row| (row, in_outbox(state.as_ref()))).collect(),
        passed: found.passed,
        unsearched: found.unsearched,
    })
}

/// Whether the table here has the row.
fn is_present(desk: &Desk, stream: &StreamContract, table: &Table, key: &str) -> Result<bool, Fault> {
    let index = stream.tables.iter().position(|other| other.name == table.name).unwrap_or_default();
    let keys = vec![RowKey { table: index, key: key.to_owned() }];
    let lines = desk.books.current_rows(stream, &[keys]).map_err(unread)?;
    let record = lines.iter().flatten().next().map(|line| parse_record(line.as_bytes()));
    // A row that could not be sent is there all the same.
    Ok(record.is_some_and(|record| record.map_or(true, |record| record.op != Op::Delete)))
}

fn with_life(
    desk: &Desk,
    stream: &StreamContract,
    table: &Table,
    change: TracedChange,
    state: Option<&StreamStateRow>,
) -> Result<Change, Fault> {
    let BatchRow { direction, epoch, seq, .. } = change.batch;
    let told = desk.books.life(direction, &stream.name, epoch, seq).map_err(unread)?;
    let life = whole_life(told, Some(&change.batch));
    let instead = match direction {
        Direction::Out => desk.books.superseding(&stream.name, epoch, seq).map_err(unread)?,
        Direction::In => Vec::new(),
    };
    let row = Some(change.batch.clone());
    let found = Found { direction, stream: stream.name.clone(), epoch, seq, row, file: None };
    let now = if passed_over(&change, &instead, &life) {
        superseded()
    } else if change.parked {
        parked(&change)
    } else {
        hedged(standing(&found, state), table, &life, state)
    };
    Ok(Change { change, life, now })
}

/// Whether the batch that holds the change was superseded, or came too late to supersede.
fn passed_over(change: &TracedChange, instead: &[Digest], life: &[LifeRow]) -> bool {
    let too_late = life.iter().any(|event| event.kind == "supersede-late");
    match (instead.last(), change.instead) {
        (None, _) => false,
        (Some(_), None) => !too_late,
        (Some(last), Some(this)) => too_late || *last != this,
    }
}

fn superseded() -> Standing {
    let sentence = Text::fixed(
        "another batch has its place: this change is not applied by it",
        "其位置已由另一批次占据：此变更不随该批次应用",
    );
    let next = Text::fixed("`ferry acts list` says who decided so", "`ferry acts list` 列出决定者");
    Standing { state: "superseded", sentence, next }
}

fn parked(change: &TracedChange) -> Standing {
    match &change.parked_code {
        Some(code) => Standing {
            state: "parked",
            sentence: text!(
                "its batch is applied here, and this row is parked alone ({code})",
                "所在批次已在本区应用，此行被单独搁置（{code}）"
            ),
            next: Text::fixed(
                "mend the cause, then `ferry parked retry STREAM`",
                "排除原因后运行 `ferry parked retry 流`",
            ),
        },
        None => Standing {
            state: "applied",
            sentence: Text::fixed(
                "it was parked alone when its batch was applied; since then it was written by a retry, or a later change took its place",
                "所在批次应用时此行曾被单独搁置；此后已经重试写入，或被更晚的变更取代",
            ),
            next: nothing(),
        },
    }
}

/// What the peer says of a batch it says of all its rows but those that it parked alone, which it only counts.
fn hedged(now: Standing, table: &Table, life: &[LifeRow], state: Option<&StreamStateRow>) -> Standing {
    if now.state != "settled" || !table.independent {
        return now;
    }
    let sentence = match (parked_there(life), state.map_or(0, |state| state.parked_rows)) {
        (Some(0), _) | (None, 0) => return now,
        (Some(parked), _) => text!(
            "the peer has applied its batch; {parked} of the batch's rows it parked alone, and this may be one of them",
            "对端已应用所在批次；其中 {parked} 行在对端被单独搁置，此行可能在内"
        ),
        (None, parked) => text!(
            "the peer has applied its batch; of this stream it has parked {parked} rows alone, and this may be one of them",
            "对端已应用所在批次；该流在对端有 {parked} 行被单独搁置，此行可能在内"
        ),
    };
    Standing {
        state: now.state, sentence, next: Text::fixed("ask `ferry trace` there", "请在对端运行 `ferry trace`")
    }
}

/// How many rows of a batch the peer parked, if its report came.
fn parked_there(life: &[LifeRow]) -> Option<u64> {
    let settled = life.iter().rev().find(|event| event.kind == "settled")?;
    settled.detail.split(' ').find_map(|part| part.strip_prefix("parked=")?.parse().ok())
}

fn in_outbox(state: Option<&StreamStateRow>) -> Standing {
    let place = Text::fixed("it is captured and in no batch yet", "已捕获，尚未编入批次");
    match state.filter(|state| !["ok", "waiting"].contains(&state.health.as_str())) {
        Some(state) => because("captured", &place, state),
        None => Standing { state: "captured", sentence: place, next: nothing() },
    }
}

/// Looks into the batches of the peer that lie in the spool: of their rows the database knows nothing yet.
fn held(
    desk: &Desk,
    stream: &StreamContract,
    table: &Table,
    key: &str,
    state: Option<&StreamStateRow>,
) -> Result<Vec<Held>, Fault> {
    let files = spooled(desk, stream)?;
    if files.is_empty() {
        return Ok(Vec::new());
    }
    let sealer = FerrySealer::open(&desk.config, credentials_directory().as_deref())?;
    let mut found = Vec::new();
    for (seq, path) in files {
        let bytes = match durable::read_bounded(&path, FILE_BYTES_MAX) {
            Ok(bytes) => bytes,
            // The daemon has applied it in the meantime.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(unreadable(&path, &error)),
        };
        let batch = sealer.open(&bytes).map_err(|error| unreadable(&path, &error))?;
        for (line, row) in batch.records().zip(0_u64..) {
            let Some(op) = change_of(line, table, key) else { continue };
            let (epoch, digest) = (batch.statement.epoch, batch.digest);
            let life = desk.books.life(Direction::In, &stream.name, epoch, seq).map_err(unread)?;
            let at = Found { file: Some(path.clone()), ..place::at(desk, &stream.name, seq)? };
            if at.row.is_some() {
                continue;
            }
            let batch = BatchId { stream: stream.name.clone(), epoch, seq, digest };
            found.push(Held { op, row, batch, life, now: standing(&at, state) });
        }
    }
    Ok(found)
}

/// The files of a peer's stream in the spool, by seq.
fn spooled(desk: &Desk, stream: &StreamContract) -> Result<Vec<(u64, PathBuf)>, Fault> {
    let any = BatchId { stream: stream.name.clone(), epoch: 1, seq: 1, digest: Digest([0; 32]) };
    let path = SpoolDirectories::new(&desk.config).spool_path(Direction::In.side(), &any);
    let directory = path.parent().unwrap_or(Path::new("/"));
    let entries = match std::fs::read_dir(directory) {
        Ok(entries) => entries,
        // Nothing of the stream has come yet.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(unreadable(directory, &error)),
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| unreadable(directory, &error))?.path();
        let name = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.parse::<FileName>().ok());
        if let Some(FileName { kind: NameKind::Batch { seq, .. }, .. }) = name {
            files.push((seq, path));
        }
    }
    files.sort();
    Ok(files)
}

/// What a record does to the row, if it is one of the row's.
fn change_of(line: &[u8], table: &Table, key: &str) -> Option<Op> {
    let record = parse_record(line).ok().filter(|record| record.table == table.name)?;
    let mut of_record = Vec::new();
    for value in table.key_values(&record) {
        of_record.push(if of_record.is_empty() { b'[' } else { b',' });
        write_value(&mut of_record, value);
    }
    of_record.push(b']');
    (of_record == key.as_bytes()).then_some(record.op)
}

fn document(traced: &Traced, desk: &Desk, lang: Lang) -> Value {
    let life = |life: &[LifeRow]| {
        let event = |event: &LifeRow| json!({ "kind": event.kind, "at_ms": event.at_ms, "detail": event.detail });
        life.iter().map(event).collect::<Vec<_>>()
    };
    json!({
        "table": traced.table,
        "stream": traced.stream.name.as_str(),
        "direction": direction_name(traced.direction),
        "present": traced.present,
        "changes": traced.changes.iter().map(|Change { change, life: events, now }| json!({
            "op": op_name(Some(change.op)),
            "row": change.row,
            "captured_at_ms": change.captured_at_ms,
            "parked_code": change.parked_code,
            "was_parked": change.parked,
            "instead": change.instead.map(|digest| digest.to_string()),
            "batch": batch_json(&change.batch, &desk.config),
            "life": life(events),
            "state": now.state,
            "now": now.sentence.get(lang),
            "next": now.next.get(lang),
        })).collect::<Vec<_>>(),
        "left_out": traced.left_out,
        "held": traced.held.iter().map(|held| json!({
            "op": op_name(Some(held.op)),
            "row": held.row,
            "epoch": held.batch.epoch,
            "seq": held.batch.seq,
            "digest": held.batch.digest.to_string(),
            "life": life(&held.life),
            "state": held.now.state,
            "now": held.now.sentence.get(lang),
            "next": held.now.next.get(lang),
        })).collect::<Vec<_>>(),
        "held_unread": traced.held_unread.as_ref().map(|why| why.get(lang)),
        "waiting": traced.waiting.iter().map(|(row, now)| json!({
            "op": op_name(row.op),
            "row": row.id,
            "captured_at_ms": row.captured_at_ms,
            "state": now.state,
            "now": now.sentence.get(lang),
            "next": now.next.get(lang),
        })).collect::<Vec<_>>(),
        "passed": traced.passed.iter().map(|row| json!({
            "op": op_name(row.op),
            "row": row.id,
            "act": row.act,
            "at_ms": row.at_ms,
        })).collect::<Vec<_>>(),
        "unsearched": traced.unsearched.iter().map(|hole| json!({
            "first": hole.first,
            "last": hole.last,
            "why": match hole.cause {
                UnsearchedCause::NoIndex => "no-index",
                UnsearchedCause::OtherSecret => "other-secret",
            },
        })).collect::<Vec<_>>(),
    })
}

/// The stable word for what a change does; null when its line does not say.
pub fn op_name(op: Option<Op>) -> Option<&'static str> {
    op.map(|op| match op {
        Op::Insert => "insert",
        Op::Update => "update",
        Op::Delete => "delete",
    })
}

fn older_database(version: u64) -> Fault {
    Fault::new(
        "database-older",
        ExitCode::SchemaVersion,
        text!(
            "the database has schema version {version}; rows are traced from version {TRACE_SCHEMA} on",
            "数据库结构版本为 {version}；自版本 {TRACE_SCHEMA} 起方可查找行"
        ),
        Text::fixed("start the daemon once, which brings it there", "请启动一次守护进程，由其升级数据库"),
    )
}

fn unknown_secret(desk: &Desk) -> Fault {
    let path = trace_key_path(&desk.config);
    let path = path.display();
    Fault::new(
        "trace-key-unknown",
        ExitCode::Keys,
        text!(
            "nothing in the database is indexed under the secret in {path}, so no row can be found by it",
            "数据库中没有以 {path} 为密钥的索引，因而无法据此查找任何行"
        ),
        Text::fixed(
            "if the file was changed, restore the former one from the backup of the keys; if it is new, start the daemon",
            "如文件被更换，请从密钥备份恢复原文件；如为新建，请启动守护进程",
        ),
    )
}

fn unreadable(path: &Path, error: &dyn std::fmt::Display) -> Fault {
    let path = path.display();
    Fault::new(
        "unreadable",
        ExitCode::Storage,
        text!("{path} cannot be read: {error}", "无法读取 {path}：{error}"),
        Text::fixed("look whether this user may read it", "请检查当前用户是否可读"),
    )
}

#[cfg(test)]
mod tests {
    use ferry_core::contract::Contract;

    use super::*;

    const TEXT: &str = r#"
name = "shop"
version = 1
zones = ["inner", "outer"]

[[stream]]
name = "sale"
owner = "inner"
to = "outer"
priority = 5
limits = { rows = 100, plain_bytes = 65536, linger_ms = 1000 }

[[stream.table]]
name = "strict"
key = ["no"]
columns = [{ name = "no", type = "integer" }]

[[stream.table]]
name = "loose"
key = ["no"]
independent = true
columns = [{ name = "no", type = "integer" }]
"#;

    /// What is said of a settled change of a table when the peer's report had a detail.
    fn said(table: &str, detail: &str) -> String {
        let contract = Contract::parse(TEXT, "shop.toml").unwrap();
        let (_, table) = contract.table(table).unwrap();
        let life = [LifeRow { kind: "settled".to_owned(), at_ms: 5, detail: detail.to_owned() }];
        let now = Standing { state: "settled", sentence: Text::fixed("applied", "已应用"), next: nothing() };
        hedged(now, table, &life, None).sentence.get(Lang::En).to_owned()
    }

    #[test]
    fn a_row_that_the_peer_may_have_parked_is_not_told_as_applied() {
        assert_eq!(said("loose", "rows=5 parked=0 wait_ms=1 apply_ms=1"), "applied");
        assert!(
            said("loose", "rows=5 parked=2 wait_ms=1 apply_ms=1").contains("2 of the batch's rows it parked alone")
        );
        assert_eq!(said("strict", "rows=5 parked=2 wait_ms=1 apply_ms=1"), "applied");
        assert_eq!(said("loose", ""), "applied");
    }
}
