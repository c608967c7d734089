//! `ferry explain`: the whole life of one batch, and one sentence on what it waits for.

use clap::Args;
use ferry_core::ports::Direction;
use ferry_format::Digest;
use serde_json::json;

use super::Context;
use super::advice::advice;
use super::desk::{Desk, unread};
use super::output::Output;
use super::place::{self, Found, Named};
use super::queue::{batch_json, state};
use super::status::{direction_name, way};
use super::tables::Table;
use super::{show, when};
use crate::lang::Text;
use crate::store::{BatchRow, LifeRow, StreamStateRow};
use crate::{Fault, Lang, text};

/// The arguments of `ferry explain`.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// Which batch: stream/seq, 6 or more digits of its digest, a file's name, or a path
    #[arg(value_name = "BATCH")]
    pub batch: String,
}

/// Reads the books and tells.
///
/// # Errors
/// When nobody has heard of the batch, or the books cannot be read.
pub fn run(args: ExplainArgs, context: &Context) -> Result<Output, Fault> {
    let named = place::parse(&args.batch)?;
    let desk = Desk::open(context)?;
    let found = match named {
        Named::File(path) => {
            let statement = show::read(&path)?.batch.statement;
            place::at(&desk, &statement.stream, statement.seq)?
        }
        Named::Place { stream, seq } => place::at(&desk, &stream, seq)?,
        Named::Digest(prefix) => place::with_digest(&desk, &prefix)?,
    };
    let states = desk.books.stream_states().map_err(unread)?;
    let state = states.into_iter().find(|state| state.stream == found.stream && state.direction == found.direction);
    let told = desk.books.life(found.direction, &found.stream, found.epoch, found.seq).map_err(unread)?;
    let known = state.as_ref().is_some_and(|state| found.seq <= state.last_seq && found.epoch == state.epoch);
    if found.row.is_none() && told.is_empty() && found.file.is_none() && !known {
        let (stream, seq) = (&found.stream, found.seq);
        return Err(place::not_found(&text!(
            "nobody has heard of batch {stream}/{seq} yet",
            "尚无任何关于批次 {stream}/{seq} 的消息"
        )));
    }
    let instead = match found.direction {
        Direction::Out => desk.books.superseding(&found.stream, found.epoch, found.seq).map_err(unread)?,
        Direction::In => Vec::new(),
    };
    let life = whole_life(told, found.row.as_ref());
    let now = standing(&found, state.as_ref());
    let document = json!({
        "stream": found.stream.as_str(),
        "direction": direction_name(found.direction),
        "epoch": found.epoch,
        "seq": found.seq,
        "books": found.row.as_ref().map(|row| batch_json(row, &desk.config)),
        "file": found.file.as_ref().map(|path| path.display().to_string()),
        "instead": instead.iter().map(Digest::to_string).collect::<Vec<_>>(),
        "life": life.iter().map(|event| json!({
            "kind": event.kind,
            "at_ms": event.at_ms,
            "detail": event.detail,
        })).collect::<Vec<_>>(),
        "state": now.state,
        "now": now.sentence.get(context.lang),
        "next": now.next.get(context.lang),
    });
    Ok(Output::new(human(&found, &instead, &life, &now, context.lang), document))
}

/// Where a batch is at present.
pub struct Standing {
    /// The stable word.
    pub state: &'static str,
    /// What it waits for.
    pub sentence: Text,
    /// What to do.
    pub next: Text,
}

/// What the life tells, with what only the books remember, in order of time.
pub fn whole_life(mut life: Vec<LifeRow>, row: Option<&BatchRow>) -> Vec<LifeRow> {
    let Some(row) = row else { return life };
    let remembered = [
        ("recorded", row.cut_at_ms),
        ("published", row.published_at_ms),
        ("held", row.held_at_ms),
        ("settled", row.settled_at_ms),
        ("taken", row.taken_at_ms),
        ("applied", row.applied_at_ms),
    ];
    for (kind, at_ms) in remembered {
        let Some(at_ms) = at_ms.filter(|at_ms| *at_ms > 0) else { continue };
        if !life.iter().any(|event| event.kind == kind) {
            life.push(LifeRow { kind: kind.to_owned(), at_ms, detail: String::new() });
        }
    }
    life.sort_by_key(|event| event.at_ms);
    life
}

/// Where a batch is, as far as the books and its stream's state tell.
pub fn standing(found: &Found, state: Option<&StreamStateRow>) -> Standing {
    match (found.direction, &found.row) {
        (Direction::Out, Some(row)) => outgoing(row, state),
        (Direction::Out, None) => Standing {
            state: "forgotten",
            sentence: Text::fixed(
                "it was applied by the peer long ago, and the books keep it no more",
                "对端早已应用它，登记中不再保留",
            ),
            next: nothing(),
        },
        (Direction::In, Some(_)) => Standing {
            state: "applied",
            sentence: Text::fixed("it is applied here; nothing waits", "已在本区应用，无待办事项"),
            next: nothing(),
        },
        (Direction::In, None) => incoming(found, state),
    }
}

fn outgoing(row: &BatchRow, state_of_stream: Option<&StreamStateRow>) -> Standing {
    let here = state(row);
    if here == "settled" {
        let sentence = Text::fixed("the peer has applied it; nothing waits", "对端已应用，无待办事项");
        return Standing { state: here, sentence, next: nothing() };
    }
    if state_of_stream.is_some_and(|stream| row.epoch < stream.epoch) {
        let sentence = Text::fixed(
            "its epoch has ended: it is not sent any more; its rows were sent again as they stood then, its deletions were not",
            "其所属纪元已结束：不再发送；其中各行已按当时现状重新发送，删除则未重新发送",
        );
        let next = Text::fixed(
            "compare the tables of both zones if it had deletions (`ferry show` tells)",
            "若其中有删除（`ferry show` 可见），请比对双方数据表",
        );
        return Standing { state: "ended", sentence, next };
    }
    let place = match here {
        "held" => Text::fixed("the peer holds it and has not applied it yet", "对端已持有，尚未应用"),
        "published" => {
            let attempt = row.attempt.unwrap_or(0);
            text!(
                "it was sent {attempt} times and the peer has not reported it; it is sent again by itself",
                "已发送 {attempt} 次，对端尚未报告收到；会自动重发"
            )
        }
        _ => Text::fixed("it is sealed and waits to be put before the gate", "已封装，等待放入网闸目录"),
    };
    let blocked = state_of_stream.filter(|stream| !["ok", "waiting"].contains(&stream.health.as_str()));
    match blocked {
        Some(stream) => because(here, &place, stream),
        None => Standing { state: here, sentence: place, next: nothing() },
    }
}

fn incoming(found: &Found, state: Option<&StreamStateRow>) -> Standing {
    let Some(stream) = state else {
        let sentence =
            Text::fixed("its file is here, and the daemon has not said more", "文件在此，守护进程尚无更多说明");
        return Standing { state: "taken", sentence, next: Text::fixed("start the daemon", "请启动守护进程") };
    };
    if found.epoch == stream.epoch && found.seq <= stream.applied_seq {
        let sentence = Text::fixed(
            "it was applied here long ago, and the books keep it no more",
            "本区早已应用它，登记中不再保留",
        );
        return Standing { state: "applied", sentence, next: nothing() };
    }
    if found.file.is_none() && !within(&stream.held, found.seq) {
        let sentence = Text::fixed(
            "it is known to exist and has not arrived; the peer sends it again by itself",
            "已知其存在但尚未到达；对端会自动重发",
        );
        let next = Text::fixed(
            "nothing, unless it lasts: then look into the gate's log",
            "无需操作；如久未到达请查看网闸日志",
        );
        return Standing { state: "missing", sentence, next };
    }
    let place = match stream.missing.as_str() {
        "" => Text::fixed("it is held here and not applied yet", "已在本区持有，尚未应用"),
        missing => text!(
            "it is held here until the missing ones before it ({missing}) have come",
            "已在本区持有，等待其前缺失的批次（{missing}）"
        ),
    };
    if ["ok", "waiting"].contains(&stream.health.as_str()) {
        return Standing { state: "held", sentence: place, next: nothing() };
    }
    because("held", &place, stream)
}

/// A standing that the health of the stream explains.
pub fn because(state: &'static str, place: &Text, stream: &StreamStateRow) -> Standing {
    let (meaning, next) = advice(&stream.health, &stream.code);
    let code = if stream.code.is_empty() { &stream.health } else { &stream.code };
    let detail = if stream.detail.is_empty() { String::new() } else { format!(", {}", stream.detail) };
    let sentence = Text::new(
        format!("{}; its stream: {} ({code}{detail})", place.get(Lang::En), meaning.get(Lang::En)),
        format!("{}；所属流：{}（{code}{detail}）", place.get(Lang::Zh), meaning.get(Lang::Zh)),
    );
    Standing { state, sentence, next }
}

/// When nothing is to be done.
pub fn nothing() -> Text {
    Text::fixed("nothing", "无需操作")
}

/// Whether ranges such as `3-7,9` have a seq.
fn within(ranges: &str, seq: u64) -> bool {
    ranges.split(',').any(|range| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        first.parse::<u64>().is_ok_and(|first| first <= seq) && last.parse::<u64>().is_ok_and(|last| seq <= last)
    })
}

fn human(found: &Found, instead: &[Digest], life: &[LifeRow], now: &Standing, lang: Lang) -> String {
    let (stream, seq, epoch, way) = (&found.stream, found.seq, found.epoch, way(found.direction, lang));
    let mut out = match lang {
        Lang::En => format!("batch {stream}/{seq}, epoch {epoch}, {way}\n"),
        Lang::Zh => format!("批次 {stream}/{seq}，纪元 {epoch}，{way}\n"),
    };
    for digest in instead {
        let digest = digest.short();
        out.push_str(&match lang {
            Lang::En => format!("  superseded by {digest}, see `ferry acts list`\n"),
            Lang::Zh => format!("  已由 {digest} 取代，见 `ferry acts list`\n"),
        });
    }
    let mut table = Table::bare().indented(2);
    for event in life {
        table.row(vec![when::local(event.at_ms), kind_text(&event.kind, lang).to_owned(), event.detail.clone()]);
    }
    out.push_str(&table.text());
    let (sentence, next) = (now.sentence.get(lang), now.next.get(lang));
    out.push_str(&match lang {
        Lang::En => format!("now: {sentence}\nnext: {next}\n"),
        Lang::Zh => format!("当前：{sentence}\n下一步：{next}\n"),
    });
    out
}

/// What happened to a batch, for people.
pub fn kind_text(kind: &str, lang: Lang) -> &str {
    match (lang, kind) {
        (Lang::En, "recorded") => "sealed and recorded",
        (Lang::En, "published") => "put before the gate, attempt",
        (Lang::En, "held") => "held by the peer",
        (Lang::En, "missing") => "reported missing by the peer",
        (Lang::En, "settled") => "applied by the peer",
        (Lang::En, "taken") => "taken from the gate",
        (Lang::En, "applied") => "applied here",
        (Lang::En, "duplicate") => "came again",
        (Lang::En, "superseded") => "the peer applied what superseded it",
        (Lang::En, "supersede-late") => "the peer had applied it before it was superseded",
        (Lang::En, "returned") => "came back, as",
        (Lang::En, "taken-back") => "taken back into the database",
        (Lang::Zh, "recorded") => "封装并登记",
        (Lang::Zh, "published") => "放入网闸目录，次数",
        (Lang::Zh, "held") => "对端已持有",
        (Lang::Zh, "missing") => "对端报告缺失",
        (Lang::Zh, "settled") => "对端已应用",
        (Lang::Zh, "taken") => "从网闸目录取走",
        (Lang::Zh, "applied") => "在本区应用",
        (Lang::Zh, "refused") => "被拒",
        (Lang::Zh, "duplicate") => "重复到达",
        (Lang::Zh, "parked") => "搁置",
        (Lang::Zh, "superseded") => "对端应用了取代它的批次",
        (Lang::Zh, "supersede-late") => "取代之前对端已应用它",
        (Lang::Zh, "returned") => "返回本区，文件",
        (Lang::Zh, "taken-back") => "重新收入数据库",
        (Lang::En | Lang::Zh, other) => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read() {
        assert!(within("3-7,9", 3) && within("3-7,9", 7) && within("3-7,9", 9));
        assert!(!within("3-7,9", 8) && !within("", 0));
    }
}
