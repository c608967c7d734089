//! A run as one self-contained page: lanes for the zones and the gate, files as arrows, watermarks as lines, and a slider
//! over time.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use ferry_format::{FileName, NameKind};
use serde_json::{Value, json};

use super::timeline::{Place, entries};
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
    /// How the run ended.
    pub verdict: String,
    /// Whether the page opens in Chinese.
    pub chinese: bool,
}

/// Writes the page of a run.
#[must_use]
pub fn page(about: &About, lines: &[&Line]) -> String {
    let told = entries(lines.iter().copied());
    // The quiet time after the last event shows nothing.
    let eventful = told.iter().rev().find(|entry| !entry.is_status && entry.place != Place::World);
    let end = eventful.map_or(0, |entry| entry.at_ms + entry.at_ms / 20 + 1_000);
    let data = json!({
        "title": about.title,
        "lesson": about.lesson,
        "seed": about.seed,
        "verdict": about.verdict,
        "lang": usize::from(about.chinese),
        "end": end,
        "entries": told.iter().map(|entry| json!({
            "at": entry.at_ms,
            "place": match entry.place {
                Place::Outer => "outer",
                Place::Gate => "gate",
                Place::Inner => "inner",
                Place::World => "world",
            },
            "text": entry.text,
            "status": entry.is_status,
        })).collect::<Vec<Value>>(),
        "files": files(lines),
        "marks": marks(lines),
    });
    // A closing tag inside the data would end the script.
    PAGE.replace(DATA, &data.to_string().replace("</", "<\\/"))
}

/// Every file that the gate took in, and what became of it.
fn files(lines: &[&Line]) -> Vec<Value> {
    let mut inside: BTreeMap<(&str, String), Vec<usize>> = BTreeMap::new();
    let mut files: Vec<Value> = Vec::new();
    for line in lines {
        let words: Vec<&str> = line.text.split(' ').collect();
        match words.as_slice() {
            ["picks", "up", name] => {
                inside.entry((line.place, (*name).to_owned())).or_default().push(files.len());
                files.push(json!({
                    "from": line.at_ms, "to": null, "ends": "inside", "inward": line.place == "gate <",
                    "name": name, "label": label(name), "copies": 0,
                }));
            }
            ["delivers", name, rest @ ..] => {
                let key = (line.place, (*name).to_owned());
                // A file under an exchanged name has no pick-up of that name; any open one stands for it.
                let place = inside.get(&key).and_then(|list| list.last().copied());
                let Some(file) = place.and_then(|place| files.get_mut(place)) else { continue };
                let copies = file["copies"].as_u64().unwrap_or(0) + 1;
                file["copies"] = json!(copies);
                if copies > 1 {
                    file["again"] = json!(line.at_ms);
                    continue;
                }
                file["to"] = json!(line.at_ms);
                file["ends"] = json!(if rest.is_empty() { "arrives" } else { "damaged" });
            }
            ["loses", name] => {
                let key = (line.place, (*name).to_owned());
                let place = inside.get(&key).and_then(|list| list.last().copied());
                let Some(file) = place.and_then(|place| files.get_mut(place)) else { continue };
                file["to"] = json!(line.at_ms);
                file["ends"] = json!("lost");
            }
            _ => {}
        }
    }
    files
}

/// What stands beside an arrow.
fn label(name: &str) -> String {
    match name.parse::<FileName>().ok().map(|parsed| (parsed.kind, parsed.attempt)) {
        Some((NameKind::Batch { stream, seq, .. }, 1)) => format!("{stream}/{seq}"),
        Some((NameKind::Batch { stream, seq, .. }, attempt)) => format!("{stream}/{seq} a{attempt}"),
        Some((NameKind::Status { number }, _)) => format!("s{number}"),
        None => name.to_owned(),
    }
}

/// How far each stream was committed, applied and known to be applied, whenever it moved.
fn marks(lines: &[&Line]) -> Vec<Value> {
    let mut marks = Vec::new();
    for line in lines {
        let words: Vec<&str> = line.text.split(' ').collect();
        match words.as_slice() {
            ["record", batches @ ..] => {
                for batch in batches {
                    push(&mut marks, line, "recorded", batch);
                }
            }
            ["apply", stream, "after", seq, "batches", count] => {
                let through = seq.parse::<u64>().unwrap_or(0) + count.parse::<u64>().unwrap_or(0);
                let mut batch = String::new();
                // Writing to a string does not fail.
                let _ = write!(batch, "{stream}/{through}");
                push(&mut marks, line, "applied", &batch);
            }
            ["settle", batch] => push(&mut marks, line, "settled", batch),
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
