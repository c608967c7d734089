//! `ferry status`: how the streams and the link stand, and what to do next.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use clap::Args;
use ferry_core::ports::Direction;
use ferry_format::Card;
use serde_json::{Value, json};

use super::Context;
use super::advice::{advice, needs_operator};
use super::desk::{Desk, unread};
use super::output::Output;
use super::rotation::{OWN_CARD, PEER_CARD};
use super::tables::Table;
use super::when;
use crate::config::Config;
use crate::keyring::read_trust;
use crate::lang::Text;
use crate::store::{Identity, StreamStateRow};
use crate::{ExitCode, Fault, Lang, text};

/// The arguments of `ferry status`.
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// End with code 27 (attention) when something waits for an operator
    #[arg(long)]
    pub check: bool,
}

/// Reads the books and tells.
///
/// # Errors
/// When configuration or database cannot be read.
pub fn run(args: StatusArgs, context: &Context) -> Result<Output, Fault> {
    let desk = Desk::open(context)?;
    let picture = Picture {
        identity: desk.books.identity().map_err(unread)?,
        streams: desk.books.stream_states().map_err(unread)?,
        facts: desk.books.facts().map_err(unread)?.into_iter().collect(),
        config: desk.config,
        now_ms: context.now_ms,
    };
    let troubles = picture.troubles();
    let output = Output::new(picture.human(&troubles, context.lang), picture.json(&troubles, context.lang));
    let attention = args.check && troubles.iter().any(|trouble| trouble.attention);
    Ok(if attention { output.ending(ExitCode::Attention) } else { output })
}

/// Everything that the answer is made of.
struct Picture {
    config: Config,
    identity: Identity,
    streams: Vec<StreamStateRow>,
    facts: BTreeMap<String, String>,
    now_ms: u64,
}

/// Something that is not as it should be.
struct Trouble {
    code: String,
    stream: Option<String>,
    attention: bool,
    meaning: Text,
    next: Text,
}

/// A daemon that runs writes at least four times a heartbeat; one that was silent for two has ended or hangs.
const MISSED_HEARTBEATS_MAX: u64 = 2;
/// On a busy host a note may be late by some seconds.
const LATE_MS: u64 = 10_000;

impl Picture {
    fn fact(&self, name: &str) -> &str {
        self.facts.get(name).map_or("", String::as_str)
    }

    fn number(&self, name: &str) -> Option<u64> {
        self.fact(name).parse().ok()
    }

    /// When the daemon last wrote.
    fn written_at_ms(&self) -> u64 {
        self.streams.iter().map(|stream| stream.updated_at_ms).max().unwrap_or(0)
    }

    fn troubles(&self) -> Vec<Trouble> {
        let mut troubles: Vec<Trouble> = self.daemon_trouble().into_iter().collect();
        for name in ["lock", "peer_alarm"] {
            if !self.fact(name).is_empty() {
                troubles.push(trouble("locked", self.fact(name), None, true));
            }
        }
        if !self.fact("failing").is_empty() {
            troubles.push(failing(self.fact("failing"), self.fact("failing_detail")));
        }
        if self.fact("peer_silent") == "1" {
            troubles.push(trouble("silent", "peer-silent", None, true));
        }
        for stream in self.streams.iter().filter(|stream| stream.health != "ok") {
            let told = [self.fact("lock"), "peer-silent"].contains(&stream.code.as_str()) && !stream.code.is_empty();
            if !told {
                let attention = needs_operator(&stream.health, &stream.code);
                troubles.push(trouble(&stream.health, &stream.code, Some(stream), attention));
            }
        }
        for stream in self.streams.iter().filter(|stream| stream.parked_rows > 0) {
            troubles.push(parked_rows(stream));
        }
        troubles
    }

    fn daemon_trouble(&self) -> Option<Trouble> {
        let written = self.written_at_ms();
        let patience = self.config.scaled(self.config.timers.heartbeat_ms) * MISSED_HEARTBEATS_MAX + LATE_MS;
        if self.now_ms.saturating_sub(written) <= patience {
            return None;
        }
        let (meaning, code) = if written == 0 {
            (Text::fixed("the daemon has not run yet", "守护进程尚未运行过"), "daemon-never")
        } else {
            let since = when::local(written);
            (
                text!(
                    "the daemon has not written since {since}; what follows is as of then",
                    "守护进程自 {since} 起未再写入；以下为当时情况"
                ),
                "daemon-silent",
            )
        };
        let next = Text::fixed(
            "start the daemon (`ferry run`), or read its log",
            "请启动守护进程（`ferry run`），或查看其日志",
        );
        Some(Trouble { code: code.to_owned(), stream: None, attention: true, meaning, next })
    }

    fn json(&self, troubles: &[Trouble], lang: Lang) -> Value {
        json!({
            "zone": self.config.zone.as_str(),
            "peer": self.config.peer.as_str(),
            "link": self.config.link.as_str(),
            "instance": self.identity.instance.to_string(),
            "schema_version": self.identity.schema_version,
            "time_scale": self.config.timers.time_scale,
            "now_ms": self.now_ms,
            "written_at_ms": self.written_at_ms(),
            "attention": troubles.iter().any(|trouble| trouble.attention),
            "streams": self.streams.iter().map(stream_json).collect::<Vec<_>>(),
            "facts": self.facts,
            "troubles": troubles.iter().map(|trouble| json!({
                "code": trouble.code,
                "stream": trouble.stream,
                "attention": trouble.attention,
                "meaning": trouble.meaning.get(lang),
                "next": trouble.next.get(lang),
            })).collect::<Vec<_>>(),
        })
    }

    fn human(&self, troubles: &[Trouble], lang: Lang) -> String {
        let Config { zone, peer, link, .. } = &self.config;
        let mut out = match lang {
            Lang::En => format!("zone {zone}, peer {peer}, link {link}\n\n"),
            Lang::Zh => format!("本区 {zone}，对端 {peer}，链路 {link}\n\n"),
        };
        out.push_str(&self.streams_text(lang));
        out.push('\n');
        out.push_str(&self.link_text(lang));
        out.push('\n');
        for trouble in troubles {
            let (meaning, next) = (trouble.meaning.get(lang), trouble.next.get(lang));
            let of = trouble.stream.as_ref().map_or_else(String::new, |stream| format!("{stream}: "));
            out.push_str(&match lang {
                Lang::En => format!("{of}{} - {meaning}\n  next: {next}\n", trouble.code),
                Lang::Zh => format!("{of}{}：{meaning}\n  下一步：{next}\n", trouble.code),
            });
        }
        if troubles.is_empty() {
            out.push_str(match lang {
                Lang::En => "everything is in order\n",
                Lang::Zh => "一切正常\n",
            });
        }
        out
    }

    fn streams_text(&self, lang: Lang) -> String {
        let head = match lang {
            Lang::En => ["stream", "way", "applied/last", "held", "missing", "lag", "health", "code"],
            Lang::Zh => ["流", "方向", "已应用/最新", "已持有", "缺失", "滞后", "状况", "代码"],
        };
        let mut table = Table::new(&head).right(&[2, 5]);
        for stream in &self.streams {
            let shown = |text: &str| if text.is_empty() { "-".to_owned() } else { text.to_owned() };
            table.row(vec![
                stream.stream.to_string(),
                way(stream.direction, lang).to_owned(),
                format!("{}/{}", stream.applied_seq, stream.last_seq),
                shown(&stream.held),
                shown(&stream.missing),
                when::duration(stream.lag_ms, lang),
                health_text(&stream.health, lang).to_owned(),
                stream.code.clone(),
            ]);
        }
        if table.is_empty() { String::new() } else { table.text() }
    }

    fn link_text(&self, lang: Lang) -> String {
        let heard = self.number("peer_heard_ago_ms").map(|ms| when::duration(ms, lang));
        let counter = |name: &str| self.number(name).unwrap_or(0);
        let (foreign, unverified, damaged) =
            (counter("gate_foreign"), counter("gate_unverified"), counter("gate_damaged"));
        let (duplicate, refused) = (counter("gate_duplicate"), counter("gate_refused"));
        let trip = self.number("round_trip_median_ms").map(|ms| when::duration(ms, lang));
        let scale = self.config.timers.time_scale;
        let mut out = match lang {
            Lang::En => {
                let heard = heard.map_or("never".to_owned(), |heard| format!("{heard} before the last note"));
                let trip = trip.map_or("not known".to_owned(), |trip| format!("{trip} (median)"));
                format!(
                    "peer last heard: {heard}; round trip: {trip}\n\
                     files at the gate since the start: {foreign} foreign, {unverified} unverified, \
                     {damaged} damaged, {duplicate} duplicate, {refused} refused\n"
                )
            }
            Lang::Zh => {
                let heard = heard.map_or("从未".to_owned(), |heard| format!("上次记录前 {heard}"));
                let trip = trip.map_or("未知".to_owned(), |trip| format!("{trip}（中位数）"));
                format!(
                    "最近一次收到对端消息：{heard}；往返时间：{trip}\n\
                     启动以来网闸侧文件：外来 {foreign}，未通过验证 {unverified}，\
                     受损 {damaged}，重复 {duplicate}，拒收 {refused}\n"
                )
            }
        };
        out.push_str(&self.cards_text(lang));
        for (prefix, who) in [
            ("turned_away:", text!("turned away here", "本区拒收")),
            ("peer_turned_away:", text!("turned away by the peer", "对端拒收")),
        ] {
            let codes: Vec<String> = self
                .facts
                .iter()
                .filter_map(|(name, count)| Some(format!("{} {count}", name.strip_prefix(prefix)?)))
                .collect();
            if !codes.is_empty() {
                writeln!(out, "{}: {}", who.get(lang), codes.join(", ")).expect("writing to a string cannot fail");
            }
        }
        if scale > 1 {
            out.push_str(&match lang {
                Lang::En => format!("all times are divided by {scale}: this is a demonstration\n"),
                Lang::Zh => format!("所有时间均除以 {scale}：此为演示环境\n"),
            });
        }
        out
    }
}

impl Picture {
    /// What is to be done about keys that change.
    fn cards_text(&self, lang: Lang) -> String {
        let mut out = String::new();
        let own = match self.fact(OWN_CARD) {
            "announced" => Some(text!(
                "next keys are announced: the peer's operator runs `ferry trust activate`",
                "已公告下一代密钥：请对端操作员运行 `ferry trust activate`"
            )),
            "accepted" => Some(text!(
                "the peer has put the next keys in use: run `ferry keys finish`",
                "对端已启用下一代密钥：请运行 `ferry keys finish`"
            )),
            _ => None,
        };
        let card = super::rotation::card_of(self.fact(PEER_CARD));
        let in_use = |card: &Card| {
            read_trust(&self.config.paths.trust).is_ok_and(|trust| trust.entry(&card.sign.id()).is_some())
        };
        let peer = card.filter(|card| !in_use(card)).map(|_| {
            text!(
                "the peer announces new keys: compare their fingerprint by telephone, then `ferry trust activate`",
                "对端公告了新密钥：请电话核对指纹后运行 `ferry trust activate`"
            )
        });
        for line in own.iter().chain(&peer) {
            out.push_str(line.get(lang));
            out.push('\n');
        }
        out
    }
}

fn trouble(health: &str, code: &str, stream: Option<&StreamStateRow>, attention: bool) -> Trouble {
    let (meaning, next) = advice(health, code);
    let detail = stream.map_or("", |stream| stream.detail.as_str());
    let meaning = match detail {
        "" => meaning,
        detail => {
            Text::new(format!("{} ({detail})", meaning.get(Lang::En)), format!("{}（{detail}）", meaning.get(Lang::Zh)))
        }
    };
    let code = if code.is_empty() { health } else { code };
    Trouble { code: code.to_owned(), stream: stream.map(|stream| stream.stream.to_string()), attention, meaning, next }
}

/// What fails again and again, in the words of the operation that does.
fn failing(code: &str, detail: &str) -> Trouble {
    let (meaning, next) = advice("waiting", code);
    let meaning =
        Text::new(format!("{} ({detail})", meaning.get(Lang::En)), format!("{}（{detail}）", meaning.get(Lang::Zh)));
    Trouble { code: code.to_owned(), stream: None, attention: true, meaning, next }
}

fn parked_rows(stream: &StreamStateRow) -> Trouble {
    let (count, name) = (stream.parked_rows, &stream.stream);
    let meaning = text!(
        "{count} rows of independent tables were parked alone; the stream went on without them",
        "独立表中有 {count} 行被单独搁置；该流已越过它们继续"
    );
    let next = match stream.direction {
        Direction::In => text!(
            "mend the causes that `ferry parked list {name}` tells, then `ferry parked retry {name}`",
            "请排除 `ferry parked list {name}` 所列原因，然后运行 `ferry parked retry {name}`"
        ),
        Direction::Out => Text::fixed("tell the peer's operator", "请通知对端操作员"),
    };
    Trouble { code: "parked-rows".to_owned(), stream: Some(stream.stream.to_string()), attention: true, meaning, next }
}

/// The stable JSON form of one stream's state.
pub fn stream_json(stream: &StreamStateRow) -> Value {
    json!({
        "stream": stream.stream.as_str(),
        "direction": direction_name(stream.direction),
        "epoch": stream.epoch,
        "last_seq": stream.last_seq,
        "published_seq": stream.published_seq,
        "applied_seq": stream.applied_seq,
        "applied_digest": stream.applied_digest.to_string(),
        "held": stream.held,
        "missing": stream.missing,
        "lag_ms": stream.lag_ms,
        "known_at_ms": stream.known_at_ms,
        "health": stream.health,
        "code": stream.code,
        "detail": stream.detail,
        "parked_rows": stream.parked_rows,
        "updated_at_ms": stream.updated_at_ms,
    })
}

/// The direction as it stands in JSON.
pub fn direction_name(direction: Direction) -> &'static str {
    match direction {
        Direction::Out => "out",
        Direction::In => "in",
    }
}

/// The direction for people.
pub fn way(direction: Direction, lang: Lang) -> &'static str {
    match (direction, lang) {
        (Direction::Out, Lang::En) => "out",
        (Direction::In, Lang::En) => "in",
        (Direction::Out, Lang::Zh) => "发出",
        (Direction::In, Lang::Zh) => "接收",
    }
}

fn health_text(health: &str, lang: Lang) -> &str {
    match (lang, health) {
        (Lang::Zh, "ok") => "正常",
        (Lang::Zh, "waiting") => "等待",
        (Lang::Zh, "parked") => "搁置",
        (Lang::Zh, "refused") => "被拒",
        (Lang::Zh, "stopped") => "停止",
        (Lang::Zh, "locked") => "锁定",
        (Lang::Zh, "silent") => "静默",
        (Lang::En | Lang::Zh, other) => other,
    }
}
