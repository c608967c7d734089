//! A run as one self-contained page: lanes for the zones and the gate, files as arrows, watermarks as lines, and a slider
//! over time.

use ferry_format::{FileName, NameKind};
use serde_json::{Value, json};

use super::Played;
use super::ending::Ending;
use super::flight::{End, Flight, flights};
use super::timeline::{Entry, Place, outage};
use crate::direction::Direction;
use crate::world::trace::Line;

/// The page with a place for the data of a run.
const PAGE: &str = include_str!("page.html");
/// Where the data goes.
const DATA: &str = "/*DATA*/";

/// What is told about a run beside its trace.
#[derive(Debug, Clone)]
pub struct About {
    /// Title in English and in Chinese.
    pub title: [String; 2],
    /// What to look for, in English and in Chinese.
    pub lesson: [String; 2],
    /// The seed.
    pub seed: u64,
    /// How the run ended, in English and in Chinese.
    pub verdict: [String; 2],
    /// Whether the page opens in Chinese.
    pub chinese: bool,
}

/// Writes the page of a run.
#[must_use]
pub fn page(about: &About, played: &Played) -> String {
    let world = &played.world;
    let lines: Vec<&Line> = world.trace.lines().collect();
    let told = played.entries();
    // The quiet time after the last event shows nothing.
    let eventful = told.iter().rev().find(|entry| !entry.is_status && entry.place != Place::World);
    let last = eventful.map_or(0, |entry| entry.at_ms);
    let data = json!({
        "title": about.title,
        "lesson": about.lesson,
        "seed": about.seed,
        "verdict": about.verdict,
        "lang": usize::from(about.chinese),
        "last": last,
        "entries": told.iter().map(entry).collect::<Vec<Value>>(),
        "files": files(&lines, world.options.profile.delay_max_ms),
        "marks": marks(&played.ending(), &lines),
        "notices": notices(&lines),
        "outages": outage(world).into_iter().map(outage_value).collect::<Vec<Value>>(),
        "ending": played.ending().sentences(),
    });
    // A closing tag inside the data would end the script.
    PAGE.replace(DATA, &data.to_string().replace("</", "<\\/"))
}

fn place_name(place: Place) -> &'static str {
    match place {
        Place::Outer => "outer",
        Place::Gate => "gate",
        Place::Inner => "inner",
        Place::World => "world",
    }
}

fn entry(entry: &Entry) -> Value {
    json!({ "at": entry.at_ms, "place": place_name(entry.place), "text": entry.text, "status": entry.is_status })
}

fn outage_value((way, from_ms, until_ms): (Direction, u64, u64)) -> Value {
    json!({ "inward": way == Direction::OuterToInner, "from": from_ms, "to": until_ms })
}

/// Every file that the gate took in, and what became of it. One that needs longer than the gate ever needs by itself is late.
fn files(lines: &[&Line], delay_max_ms: u64) -> Vec<Value> {
    let file = |flight: Flight| {
        let ends = match flight.end {
            End::Inside => "inside",
            End::Lost => "lost",
            End::Damaged => "damaged",
            End::Arrives if flight.to_ms.is_some_and(|to_ms| to_ms - flight.from_ms > delay_max_ms) => "late",
            End::Arrives => "arrives",
        };
        let label = match &flight.arrives_as {
            Some(name) => format!("{} ⇢ {}", label(&flight.name), label(name)),
            None => label(&flight.name),
        };
        json!({
            "from": flight.from_ms, "to": flight.to_ms, "again": flight.again_ms, "ends": ends,
            "inward": flight.is_inward, "status": flight.is_status(), "name": flight.name, "label": label,
        })
    };
    flights(lines.iter().copied()).into_iter().map(file).collect()
}

/// Where a zone drops what it knows, or turns something away.
fn notices(lines: &[&Line]) -> Vec<Value> {
    let mut found = Vec::new();
    for line in lines {
        let words: Vec<&str> = line.text.split(' ').collect();
        let (name, code) = match words.as_slice() {
            ["drop", name] => (name, ""),
            ["drop", name, code] => (name, *code),
            _ => continue,
        };
        if name.parse::<FileName>().is_ok_and(|name| matches!(name.kind, NameKind::Batch { .. })) {
            found.push(json!({ "at": line.at_ms, "place": line.place, "label": label(name), "code": code }));
        }
    }
    found
}

/// What stands beside an arrow.
fn label(name: &str) -> String {
    match name.parse::<FileName>().ok().map(|parsed| (parsed.kind, parsed.attempt)) {
        Some((NameKind::Batch { stream, seq, .. }, 1)) => format!("{stream}/{seq}"),
        Some((NameKind::Batch { stream, seq, .. }, attempt)) => format!("{stream}/{seq} ({attempt})"),
        Some((NameKind::Status { number }, _)) => format!("s{number}"),
        None => name.to_owned(),
    }
}

/// How far each stream was cut, applied and known to be applied, whenever it moved.
fn marks(ending: &Ending, lines: &[&Line]) -> Vec<Value> {
    let mut marks = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let words: Vec<&str> = line.text.split(' ').collect();
        match words.as_slice() {
            ["record", batches @ ..] => {
                for batch in batches {
                    push(&mut marks, line, "cut", batch);
                }
            }
            ["apply", stream, "after", seq, "batches", count] => {
                let after = seq.parse::<u64>().unwrap_or(0);
                let through = after + count.parse::<u64>().unwrap_or(0);
                // What was refused, or is tried again, moved nothing.
                let refusal = ending.stream(stream).and_then(|end| end.refusal.as_ref());
                let is_refused = refusal.is_some_and(|refusal| (after + 1..=through).contains(&refusal.seq));
                let again = format!("apply {stream} after {seq} ");
                let is_tried_again = lines[index + 1..].iter().any(|later| later.text.starts_with(&again));
                if !is_refused && !is_tried_again {
                    push(&mut marks, line, "applied", &format!("{stream}/{through}"));
                }
            }
            ["settle", batch] => push(&mut marks, line, "known", batch),
            _ => {}
        }
    }
    marks
}

fn push(marks: &mut Vec<Value>, line: &Line, kind: &str, batch: &str) {
    if let Some((stream, seq)) = batch.split_once('/') {
        let seq = seq.parse::<u64>().unwrap_or(0);
        marks.push(json!({ "at": line.at_ms, "stream": stream, "seq": seq, "kind": kind }));
    }
}
