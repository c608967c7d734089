//! One line of a trace as a sentence in English and in Chinese.

use ferry_format::{FileName, NameKind, Refusal};

use super::fault_words;
use super::timeline::Place;
use crate::world::host::ZoneId;

/// A sentence and whether it is about a status file.
pub(super) type Sentence = ([String; 2], bool);

fn plain(en: impl Into<String>, zh: impl Into<String>) -> Sentence {
    ([en.into(), zh.into()], false)
}

/// What a line says; nothing for polling, bookkeeping and sealing. `by_name` tells of which files it is known
/// only what they are called.
pub(super) fn sentence(words: &[&str], by_name: impl Fn(&str) -> bool) -> Option<Sentence> {
    let file = |name: &&str, en: &str, zh: &str| Some(about(name, by_name(name), en, zh));
    match words {
        ["publish", name] => Some(published(name)),
        ["picks", "up", name] => file(name, "takes {} in", "摄入{}"),
        ["delivers", name] => file(name, "delivers {}", "送达{}"),
        ["delivers", name, "damaged"] => file(name, "delivers {}, damaged", "送达{}，内容已损坏"),
        ["loses", name] => file(name, "loses {}", "丢失{}").map(|(text, _)| (text, false)),
        ["refuses", name] => file(name, "does not let {} pass", "不放行{}"),
        ["keep", "status", name] => file(name, "reads {}", "读取{}"),
        ["keep", "own", name] => file(name, "gets {} back and holds it durably", "取回{}并持久保存"),
        ["keep", name] => file(name, "verifies {} and holds it durably", "核验{}并持久保存"),
        ["drop", name, ""] | ["drop", name] => file(name, "knows {} already and drops it", "已有{}，丢弃此件"),
        ["drop", name, code] => {
            let ([en, zh], is_status) = about(name, by_name(name), "turns {} away", "拒收{}");
            Some(([format!("{en}: {code}"), format!("{zh}：{code}")], is_status))
        }
        ["status", number] => Some(([format!("writes status {number}"), format!("写出状态文件 {number}")], true)),
        ["hand", hand, part @ ..] => Some(by_hand(hand, part.first().copied().unwrap_or_default())),
        ["fault", "crash" | "power-cut"] => None,
        ["fault", fault] => fault_words::words(fault).map(|[en, zh]| plain(en, zh)),
        words => of_zone(words),
    }
}

/// What a zone does or suffers beside its files.
fn of_zone(words: &[&str]) -> Option<Sentence> {
    let told = match words {
        ["commit", stream, changes, ..] => plain(
            format!("the program commits {changes} changes of {stream}"),
            format!("业务程序提交 {stream} 的 {changes} 项变更"),
        ),
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
        ["follow", stream] => plain(
            format!("hears of its peer's stream {stream} and begins to follow it"),
            format!("得知对端的流 {stream}，开始跟随"),
        ),
        ["take", "back", stream, "after", after, "batches", count] => taken_back(stream, after, count),
        ["give", "back", places] => plain(
            format!("gives its peer its own batches {places} back"),
            format!("将对端自己的批次 {places} 交还对端"),
        ),
        ["locks", "anchor-missing"] => plain(
            "has no anchor and sends nothing until a fresh status of its peer has come",
            "没有锚，在收到对端的最新状态文件之前不发送任何内容",
        ),
        ["locks", code] => plain(
            format!("compares its database with its anchor, and locks itself before it sends anything: {code}"),
            format!("比较数据库与锚，在发送任何内容之前自行锁定：{code}"),
        ),
        ["unlocks"] => plain(
            "has everything again that it had sent, and may send from here on",
            "已取齐曾发送的全部内容，从此可以发送",
        ),
        ["the", "daemon", "starts"] => plain("the daemon starts", "守护进程启动"),
        ["the", "daemon", "ends"] => plain("the daemon ends", "守护进程终止"),
        ["power", "is", "cut"] => plain("the power fails: the daemon is gone at once", "断电：守护进程立即中断"),
        ["faults", "end"] => plain("from here on nothing goes wrong any more", "从此不再发生任何故障"),
        ["Unknown:", ..] => plain("does not learn whether its commit happened", "无从得知提交是否成功"),
        _ => return None,
    };
    Some(told)
}

/// Own batches that a zone takes back.
fn taken_back(stream: &str, after: &str, count: &str) -> Sentence {
    let (after, count) = (after.parse::<u64>().unwrap_or(0), count.parse::<u64>().unwrap_or(1));
    let [en, zh] = batches(stream, after, count);
    plain(format!("takes {en} back into its own tables and books"), format!("将{zh}重新收入本区的表和账"))
}

fn batches(stream: &str, after: u64, count: u64) -> [String; 2] {
    let (first, last) = (after + 1, after + count);
    match count {
        1 => [format!("batch {stream}/{first}"), format!("批次 {stream}/{first}")],
        _ => [
            format!("batches {stream}/{first} to {stream}/{last}"),
            format!("批次 {stream}/{first} 至 {stream}/{last}"),
        ],
    }
}

/// A group that is committed; `tried` when it is not known or not so that it was.
pub(super) fn applied(stream: &str, after: u64, count: u64, tried: bool) -> Sentence {
    let [en, zh] = batches(stream, after, count);
    match tried {
        true => plain(
            format!("tries to apply {en}, rows and watermark in one transaction"),
            format!("尝试应用{zh}，数据行与水位在同一事务中"),
        ),
        false => plain(
            format!("applies {en}, rows and watermark in one transaction"),
            format!("应用{zh}，数据行与水位在同一事务中"),
        ),
    }
}

/// A group that the database does not take.
pub(super) fn refused(stream: &str, refusal: &Refusal) -> Sentence {
    let Refusal { code, seq, table, row, constraint } = refusal;
    let table = table.clone().unwrap_or_default();
    let row = row.map_or_else(String::new, |row| row.to_string());
    let constraint = constraint.clone().unwrap_or_default();
    plain(
        format!(
            "tries to apply batch {stream}/{seq} and refuses it whole: {code} (table {table}, row {row}, constraint {constraint})"
        ),
        format!("尝试应用批次 {stream}/{seq}，整批拒绝：{code}（表 {table}，行号 {row}，约束 {constraint}）"),
    )
}

fn published(name: &str) -> Sentence {
    let again = name.parse::<FileName>().ok().filter(|parsed| parsed.attempt > 1);
    match again.map(|parsed| (parsed.kind, parsed.attempt)) {
        Some((NameKind::Batch { stream, seq, .. }, attempt)) => plain(
            format!("puts batch {stream}/{seq} into the drop directory again (attempt {attempt})"),
            format!("再次将批次 {stream}/{seq} 放入投递目录（第 {attempt} 次）"),
        ),
        Some((NameKind::Status { .. }, _)) | None => {
            about(name, false, "puts {} into the drop directory", "将{}放入投递目录")
        }
    }
}

fn by_hand(hand: &str, part: &str) -> Sentence {
    let of = match part {
        "" => [String::new(), String::new()],
        part => [format!(" with {part} in its name"), format!("名称含 {part} 的")],
    };
    let [en, zh] = of;
    let (does, tut) = match hand {
        "lose" => (format!("the next file{en} shall get lost"), format!("下一个{zh}文件将丢失")),
        "hold" => (format!("the next file{en} shall be held back"), format!("下一个{zh}文件将被扣留")),
        "double" => (format!("the next file{en} shall arrive twice"), format!("下一个{zh}文件将到达两次")),
        "corrupt" => (format!("the next file{en} shall arrive damaged"), format!("下一个{zh}文件将在损坏后到达")),
        "swap" => (format!("the next two files{en} shall exchange their names"), format!("下两个{zh}文件将互换名称")),
        _ => ("what is held back may go on".to_owned(), "被扣留的文件予以放行".to_owned()),
    };
    plain(format!("a person at the gate: {does}"), format!("网闸旁有人动手：{tut}"))
}

/// A status with the zone that wrote it: each zone numbers its own from 1.
fn status_of(name: &FileName, number: u64) -> [String; 2] {
    let writer = ZoneId::BOTH.into_iter().find(|zone| zone.name() == name.from.as_str());
    let [en, zh] = writer.map_or([name.from.as_str(); 2], |zone| Place::of_zone(zone).words());
    [format!("{en}'s status {number}"), format!("{zh}的状态文件 {number}")]
}

/// A sentence about a file, with what its name says.
fn about(name: &str, by_name: bool, en: &str, zh: &str) -> Sentence {
    let parsed = name.parse::<FileName>().ok();
    let (words, is_status) = match parsed.as_ref().map(|parsed| (parsed, &parsed.kind, parsed.attempt)) {
        Some((_, NameKind::Batch { stream, seq, .. }, _)) if by_name => {
            ([format!("the file named {stream}/{seq}"), format!("名为 {stream}/{seq} 的文件")], false)
        }
        Some((_, NameKind::Batch { stream, seq, .. }, 1)) => {
            ([format!("batch {stream}/{seq}"), format!("批次 {stream}/{seq}")], false)
        }
        Some((_, NameKind::Batch { stream, seq, .. }, attempt)) => (
            [format!("batch {stream}/{seq}, attempt {attempt}"), format!("批次 {stream}/{seq}（第 {attempt} 次）")],
            false,
        ),
        Some((parsed, NameKind::Status { number }, _)) => (status_of(parsed, *number), true),
        None => ([name.to_owned(), name.to_owned()], false),
    };
    // Between Latin letters and a Chinese word stands a space.
    let goes_on = zh.split("{}").nth(1).is_some_and(|rest| rest.starts_with(char::is_alphabetic));
    let space = if goes_on && words[1].ends_with(|letter: char| letter.is_ascii()) { " " } else { "" };
    ([en.replace("{}", &words[0]), zh.replace("{}", &format!("{}{space}", words[1]))], is_status)
}
