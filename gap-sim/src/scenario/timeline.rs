//! The trace of a world as sentences that a person reads.

use ferry_format::{FileName, NameKind};

use crate::world::trace::Line;

/// Where something happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In the outer zone.
    Outer,
    /// In the gate.
    Gate,
    /// In the inner zone.
    Inner,
    /// Nowhere in particular.
    World,
}

impl Place {
    /// The word for it, in English and in Chinese.
    #[must_use]
    pub const fn words(self) -> [&'static str; 2] {
        match self {
            Self::Outer => ["outer", "外区"],
            Self::Gate => ["gate", "网闸"],
            Self::Inner => ["inner", "内区"],
            Self::World => ["", ""],
        }
    }
}

/// One sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// When, in milliseconds since the world began.
    pub at_ms: u64,
    /// Where.
    pub place: Place,
    /// In English and in Chinese.
    pub text: [String; 2],
    /// Whether it is about a status, of which there are many.
    pub is_status: bool,
}

/// The sentences of a trace. Polling, bookkeeping and sealing are left out.
pub fn entries<'t>(lines: impl Iterator<Item = &'t Line>) -> Vec<Entry> {
    lines.filter_map(entry).collect()
}

fn entry(line: &Line) -> Option<Entry> {
    let words: Vec<&str> = line.text.split(' ').collect();
    let place = match line.place {
        "inner" => Place::Inner,
        "outer" => Place::Outer,
        "gate >" | "gate <" => Place::Gate,
        _ => Place::World,
    };
    let (text, is_status) = sentence(place, &words)?;
    Some(Entry { at_ms: line.at_ms, place, text, is_status })
}

type Sentence = ([String; 2], bool);

fn sentence(place: Place, words: &[&str]) -> Option<Sentence> {
    let plain = |en: String, zh: String| Some(([en, zh], false));
    match words {
        ["commit", stream, changes, ..] => plain(
            format!("the program commits {changes} changes of {stream}"),
            format!("业务程序提交 {stream} 的 {changes} 项变更"),
        ),
        ["publish", name] => about(name, "puts {} into the drop directory", "将{}放入投递目录"),
        ["picks", "up", name] => about(name, "takes {} in", "摄入{}"),
        ["delivers", name] => about(name, "delivers {}", "送达{}"),
        ["delivers", name, "damaged"] => about(name, "delivers {}, damaged", "送达{}，内容已损坏"),
        ["loses", name] => about(name, "loses {}", "丢失{}"),
        ["refuses", name] => about(name, "does not let {} pass", "不放行{}"),
        ["hand", hand, part @ ..] => {
            let of = part.first().filter(|part| !part.is_empty());
            let next = of.map_or_else(String::new, |part| format!(" ({part})"));
            plain(format!("a person at the gate: {hand}{next}"), format!("网闸旁有人操作：{hand}{next}"))
        }
        ["keep", "status", name] => about(name, "reads {}", "读取{}"),
        ["keep", name] => about(name, "checks {} and holds it durably", "核验{}并持久保存"),
        ["drop", name, ""] | ["drop", name] => about(name, "knows {} already and drops it", "已有{}，丢弃此件"),
        ["drop", name, code] => {
            let ([en, zh], is_status) = about(name, "turns {} away", "拒收{}")?;
            Some(([format!("{en}: {code}"), format!("{zh}：{code}")], is_status))
        }
        ["apply", stream, "after", seq, "batches", count] => plain(
            format!("applies {count} batch(es) of {stream} after seq {seq} in one transaction"),
            format!("在一个事务中应用 {stream} 序号 {seq} 之后的 {count} 个批次"),
        ),
        ["attempt", attempts @ ..] => {
            let list = attempts.join(", ");
            plain(format!("will send again: {list}"), format!("将重新发送：{list}"))
        }
        ["settle", mark] => {
            plain(format!("learns that everything up to {mark} is applied"), format!("获知 {mark} 及之前均已应用"))
        }
        ["expel", batch, code] => {
            plain(format!("sets held {batch} aside: {code}"), format!("移出已持有的 {batch}：{code}"))
        }
        ["read", "watermark", stream] => plain(
            format!("reads the watermark of {stream} again before it goes on"),
            format!("继续之前重新读取 {stream} 的水位"),
        ),
        ["follow", stream] => {
            plain(format!("begins to follow {stream} of its peer"), format!("开始跟随对端的 {stream}"))
        }
        ["fault", fault] => plain(format!("fault: {fault}"), format!("故障：{fault}")),
        ["the", "daemon", "starts"] => plain("the daemon starts".to_owned(), "守护进程启动".to_owned()),
        ["the", "daemon", "ends"] => plain("the daemon ends".to_owned(), "守护进程终止".to_owned()),
        ["power", "is", "cut"] => plain("power is cut".to_owned(), "断电".to_owned()),
        ["faults", "end"] => plain("faults end".to_owned(), "故障结束".to_owned()),
        ["status", number] if place != Place::World => {
            Some(([format!("writes status {number}"), format!("写出状态文件 {number}")], true))
        }
        ["Unknown:", ..] => {
            plain("does not learn whether its commit happened".to_owned(), "不知道提交是否成功".to_owned())
        }
        _ => None,
    }
}

/// A sentence about a file, with what its name says.
fn about(name: &str, en: &str, zh: &str) -> Option<Sentence> {
    let parsed = name.parse::<FileName>().ok();
    let (words, is_status) = match parsed.as_ref().map(|parsed| (&parsed.kind, parsed.attempt)) {
        Some((NameKind::Batch { stream, seq, .. }, 1)) => {
            ([format!("batch {stream}/{seq}"), format!("批次 {stream}/{seq}")], false)
        }
        Some((NameKind::Batch { stream, seq, .. }, attempt)) => (
            [format!("batch {stream}/{seq}, attempt {attempt}"), format!("批次 {stream}/{seq}（第 {attempt} 次）")],
            false,
        ),
        Some((NameKind::Status { number }, _)) => ([format!("status {number}"), format!("状态文件 {number}")], true),
        None => ([name.to_owned(), name.to_owned()], false),
    };
    Some(([en.replace("{}", &words[0]), zh.replace("{}", &words[1])], is_status))
}

/// Hours, minutes, seconds and milliseconds.
#[must_use]
pub fn clock(at_ms: u64) -> String {
    let (seconds, ms) = (at_ms / 1_000, at_ms % 1_000);
    format!("{:02}:{:02}:{:02}.{ms:03}", seconds / 3_600, seconds / 60 % 60, seconds % 60)
}
