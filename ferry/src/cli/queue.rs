//! `ferry queue`: what waits, on its way out and on its way in.

use clap::Args;
use ferry_core::ports::Direction;
use ferry_format::StreamName;
use serde_json::{Value, json};

use super::Context;
use super::desk::{Desk, unread};
use super::output::Output;
use super::status::{direction_name, stream_json};
use super::tables::Table;
use super::{place, when};
use crate::config::Config;
use crate::store::{Backlog, BatchQuery, BatchRow, ParkedRow, StreamStateRow};
use crate::{Fault, Lang};

/// The arguments of `ferry queue`.
#[derive(Debug, Args)]
pub struct QueueArgs {
    /// List this stream only
    #[arg(value_name = "STREAM")]
    pub stream: Option<StreamName>,
}

/// More rows than that are told as "at least".
const BACKLOG_ROWS_MAX: u64 = 1_000_000;
/// More batches of one stream than that nobody reads; the window is 64.
const BATCHES_MAX: u64 = 1_000;
/// More parked rows than that are told as a number only.
const PARKED_ROWS_MAX: u64 = 100;

/// Everything that waits.
struct Queue {
    outbox: Vec<Backlog>,
    outgoing: Vec<BatchRow>,
    incoming: Vec<StreamStateRow>,
    parked_rows: Vec<ParkedRow>,
    /// Files turned away since the daemon started, by code.
    turned_away: Vec<(String, String)>,
}

/// Reads the books and tells.
///
/// # Errors
/// When configuration or database cannot be read, or there is no such stream.
pub fn run(args: QueueArgs, context: &Context) -> Result<Output, Fault> {
    let desk = Desk::open(context)?;
    if let Some(stream) = &args.stream {
        place::at(&desk, stream, 0)?;
    }
    let queue = read(&desk, args.stream.as_ref())?;
    Ok(Output::new(queue.human(context), queue.json(&desk.config, context)))
}

fn read(desk: &Desk, only: Option<&StreamName>) -> Result<Queue, Fault> {
    let books = &desk.books;
    let wanted = |stream: &StreamName| only.is_none_or(|only| only == stream);
    let states = books.stream_states().map_err(unread)?;
    let query = BatchQuery { direction: Direction::Out, stream: only.cloned(), unsettled: true, limit: BATCHES_MAX };
    let waits = |state: &StreamStateRow| {
        state.direction == Direction::In
            && (!state.held.is_empty()
                || !state.missing.is_empty()
                || !["ok", "silent"].contains(&state.health.as_str()))
    };
    let mut queue = Queue {
        outbox: books.backlog(BACKLOG_ROWS_MAX).map_err(unread)?,
        outgoing: books.batches(&query).map_err(unread)?,
        incoming: states.into_iter().filter(waits).collect(),
        parked_rows: books.parked_rows(PARKED_ROWS_MAX).map_err(unread)?,
        turned_away: turned_away(books.facts().map_err(unread)?),
    };
    queue.outbox.retain(|backlog| backlog.rows > 0 && wanted(&backlog.stream));
    queue.incoming.retain(|state| wanted(&state.stream));
    queue.parked_rows.retain(|row| wanted(&row.stream));
    queue.outgoing.sort_by(|a, b| (&a.stream, a.epoch, a.seq).cmp(&(&b.stream, b.epoch, b.seq)));
    Ok(queue)
}

/// The counts by code among the facts.
fn turned_away(facts: impl IntoIterator<Item = (String, String)>) -> Vec<(String, String)> {
    let counts = facts.into_iter();
    let mut counts: Vec<(String, String)> =
        counts.filter_map(|(name, count)| Some((name.strip_prefix("turned_away:")?.to_owned(), count))).collect();
    counts.sort();
    counts
}

impl Queue {
    fn json(&self, config: &Config, context: &Context) -> Value {
        json!({
            "now_ms": context.now_ms,
            "outbox": self.outbox.iter().map(|backlog| json!({
                "stream": backlog.stream.as_str(),
                "rows": backlog.rows,
                "at_least": backlog.capped,
            })).collect::<Vec<_>>(),
            "outgoing": self.outgoing.iter().map(|row| batch_json(row, config)).collect::<Vec<_>>(),
            "incoming": self.incoming.iter().map(stream_json).collect::<Vec<_>>(),
            "turned_away": self.turned_away.iter().map(|(code, count)| json!({
                "code": code,
                "files": count.parse::<u64>().unwrap_or(0),
            })).collect::<Vec<_>>(),
            "parked_rows": self.parked_rows.iter().map(parked_json).collect::<Vec<_>>(),
        })
    }

    fn human(&self, context: &Context) -> String {
        let lang = context.lang;
        let parts = [
            self.outbox_text(lang),
            self.outgoing_text(context),
            self.incoming_text(lang),
            self.parked_text(lang),
            self.turned_away_text(lang),
        ];
        let told: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        match (told.is_empty(), lang) {
            (true, Lang::En) => "nothing waits\n".to_owned(),
            (true, Lang::Zh) => "没有等待中的内容\n".to_owned(),
            (false, Lang::En | Lang::Zh) => told.join("\n"),
        }
    }

    fn turned_away_text(&self, lang: Lang) -> String {
        let (title, head) = match lang {
            Lang::En => ("files turned away since the daemon started; see `ferry quarantine list`", ["code", "files"]),
            Lang::Zh => ("守护进程启动以来拒收的文件；详见 `ferry quarantine list`", ["代码", "文件数"]),
        };
        let mut table = Table::new(&head).right(&[1]).indented(2);
        for (code, count) in &self.turned_away {
            table.row(vec![code.clone(), count.clone()]);
        }
        titled(title, &table)
    }

    fn outbox_text(&self, lang: Lang) -> String {
        let (title, head) = match lang {
            Lang::En => ("changes that are not sealed yet", ["stream", "rows"]),
            Lang::Zh => ("尚未封装的变更", ["流", "行数"]),
        };
        let mut table = Table::new(&head).right(&[1]).indented(2);
        for backlog in &self.outbox {
            let more = if backlog.capped { "≥ " } else { "" };
            table.row(vec![backlog.stream.to_string(), format!("{more}{}", backlog.rows)]);
        }
        titled(title, &table)
    }

    fn outgoing_text(&self, context: &Context) -> String {
        let lang = context.lang;
        let (title, head) = match lang {
            Lang::En => (
                "batches to the peer that are not known to be applied",
                ["batch", "state", "attempt", "rows", "bytes", "age", "digest"],
            ),
            Lang::Zh => ("发往对端、尚未确认应用的批次", ["批次", "状态", "次数", "行数", "字节", "时长", "摘要"]),
        };
        let mut table = Table::new(&head).right(&[2, 3, 4, 5]).indented(2);
        for row in &self.outgoing {
            let age = row.cut_at_ms.map(|cut| when::duration(context.now_ms.saturating_sub(cut), lang));
            table.row(vec![
                format!("{}/{}", row.stream, row.seq),
                state_text(row, lang).to_owned(),
                row.attempt.unwrap_or(0).to_string(),
                row.rows.to_string(),
                row.file_bytes.to_string(),
                age.unwrap_or_default(),
                row.digest.short(),
            ]);
        }
        titled(title, &table)
    }

    fn incoming_text(&self, lang: Lang) -> String {
        let (title, head) = match lang {
            Lang::En => (
                "streams of the peer that wait here",
                ["stream", "applied/known", "held", "missing", "health", "code", "where"],
            ),
            Lang::Zh => ("在此等待的对端流", ["流", "已应用/已知", "已持有", "缺失", "状况", "代码", "位置"]),
        };
        let mut table = Table::new(&head).right(&[1]).indented(2);
        for state in &self.incoming {
            table.row(vec![
                state.stream.to_string(),
                format!("{}/{}", state.applied_seq, state.last_seq),
                state.held.clone(),
                state.missing.clone(),
                state.health.clone(),
                state.code.clone(),
                state.detail.clone(),
            ]);
        }
        titled(title, &table)
    }

    fn parked_text(&self, lang: Lang) -> String {
        let title = match lang {
            Lang::En => "rows that were parked alone",
            Lang::Zh => "被单独搁置的行",
        };
        titled(title, &parked_table(&self.parked_rows, lang).indented(2))
    }
}

/// Parked rows as a table.
pub fn parked_table(rows: &[ParkedRow], lang: Lang) -> Table {
    let head = match lang {
        Lang::En => ["batch", "row", "table", "code", "since"],
        Lang::Zh => ["批次", "行", "表", "代码", "自"],
    };
    let mut table = Table::new(&head).right(&[1]);
    for row in rows {
        let (batch, since) = (format!("{}/{}", row.stream, row.seq), when::local(row.at_ms));
        table.row(vec![batch, row.row.to_string(), row.table.clone(), row.code.clone(), since]);
    }
    table
}

fn titled(title: &str, table: &Table) -> String {
    if table.is_empty() { String::new() } else { format!("{title}\n{}", table.text()) }
}

/// How far a batch has come, as a stable word.
pub fn state(row: &BatchRow) -> &'static str {
    match row.direction {
        Direction::In => "applied",
        Direction::Out if row.settled_at_ms.is_some() => "settled",
        Direction::Out if row.held_at_ms.is_some() => "held",
        // The first attempt is recorded before it is made; when it was made, only a note tells.
        Direction::Out if row.published_at_ms.is_some() || row.attempt.unwrap_or(0) > 1 => "published",
        Direction::Out => "recorded",
    }
}

/// How far a batch has come, for people.
pub fn state_text(row: &BatchRow, lang: Lang) -> &'static str {
    match (state(row), lang) {
        ("applied", Lang::Zh) => "已应用",
        ("settled", Lang::En) => "applied by the peer",
        ("settled", Lang::Zh) => "对端已应用",
        ("held", Lang::Zh) => "对端已持有",
        ("published", Lang::Zh) => "已发布",
        ("recorded", Lang::Zh) => "已登记",
        (state, Lang::En | Lang::Zh) => state,
    }
}

/// The stable JSON form of a batch in the books.
pub fn batch_json(row: &BatchRow, config: &Config) -> Value {
    json!({
        "link": config.link.as_str(),
        "direction": direction_name(row.direction),
        "stream": row.stream.as_str(),
        "epoch": row.epoch,
        "seq": row.seq,
        "digest": row.digest.to_string(),
        "state": state(row),
        "rows": row.rows,
        "parked": row.parked,
        "file_bytes": row.file_bytes,
        "group_first": row.group.map(|group| group.first),
        "group_last": row.group.map(|group| group.last),
        "attempt": row.attempt,
        "cut_at_ms": row.cut_at_ms,
        "published_at_ms": row.published_at_ms,
        "held_at_ms": row.held_at_ms,
        "settled_at_ms": row.settled_at_ms,
        "taken_at_ms": row.taken_at_ms,
        "applied_at_ms": row.applied_at_ms,
        "wait_ms": row.wait_ms,
        "apply_ms": row.apply_ms,
    })
}

/// A parked row as a document.
pub fn parked_json(row: &ParkedRow) -> Value {
    json!({
        "stream": row.stream.as_str(),
        "epoch": row.epoch,
        "seq": row.seq,
        "row": row.row,
        "table": row.table,
        "code": row.code,
        "at_ms": row.at_ms,
    })
}
