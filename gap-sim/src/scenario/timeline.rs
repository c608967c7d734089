//! The trace of a scenario as sentences that a person reads.

use std::collections::{BTreeMap, BTreeSet};

use ferry_format::{FileName, NameKind};

use super::ending::Ending;
use super::flight::{exchanged, flights};
use super::sentence::{Sentence, applied, refused, sentence};
use crate::direction::Direction;
use crate::world::World;
use crate::world::host::ZoneId;
use crate::world::trace::Line;

/// Attempts of one batch, and files turned away for one reason, that are told one by one: what comes after them is told
/// in one sentence, since a night or a flood has hundreds.
const ONE_BY_ONE_MAX: u64 = 3;

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

    /// The place of a zone.
    #[must_use]
    pub const fn of_zone(zone: ZoneId) -> Self {
        match zone {
            ZoneId::Inner => Self::Inner,
            ZoneId::Outer => Self::Outer,
        }
    }

    fn of(line: &Line) -> Self {
        // Files that nobody sent come from the gate, whichever zone the fault was drawn for.
        let from_the_gate =
            ["fault replay", "fault re-drop", "fault wrong-key", "fault forged", "fault two-statements"];
        match line.place {
            _ if from_the_gate.contains(&line.text.as_str()) => Self::Gate,
            "inner" => Self::Inner,
            "outer" => Self::Outer,
            "gate >" | "gate <" => Self::Gate,
            _ => Self::World,
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

impl Entry {
    /// A sentence about a zone.
    pub(super) fn of_zone(at_ms: u64, zone: ZoneId, text: [String; 2]) -> Self {
        Self { at_ms, place: Place::of_zone(zone), text, is_status: false }
    }
}

/// The sentences of a world that has ended. Polling, bookkeeping and sealing are left out, and what repeats itself is told
/// in one sentence.
#[must_use]
pub fn entries(world: &World, ending: &Ending) -> Vec<Entry> {
    let lines: Vec<&Line> = world.trace.lines().collect();
    let mut teller = Teller::new(&lines, ending);
    let mut told: Vec<Entry> = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        // A failure stands right below what failed.
        let failure = lines.get(index + 1).filter(|next| next.at_ms == line.at_ms && next.place == line.place);
        let failed = failure
            .is_some_and(|next| ["Unknown:", "Transient:", "Full:"].iter().any(|kind| next.text.starts_with(kind)));
        teller.tell(line, failed, &mut told);
    }
    told.extend(outage_entries(world));
    told.sort_by_key(|entry| entry.at_ms);
    told
}

struct Teller<'t> {
    ending: &'t Ending,
    exchanged: BTreeSet<String>,
    repeats: BTreeMap<Repeat, Repeats>,
}

/// What many lines have in common that are told together: the place, and a batch that is sent or a code.
type Repeat = (&'static str, String);

#[derive(Debug, Default)]
struct Repeats {
    count: u64,
    told: u64,
    last_ms: u64,
}

impl<'t> Teller<'t> {
    fn new(lines: &[&'t Line], ending: &'t Ending) -> Self {
        let mut repeats: BTreeMap<Repeat, Repeats> = BTreeMap::new();
        for line in lines {
            if let Some(repeat) = repeat(line) {
                let found = repeats.entry(repeat).or_default();
                (found.count, found.last_ms) = (found.count + 1, line.at_ms);
            }
        }
        Self { ending, exchanged: exchanged(&flights(lines.iter().copied())), repeats }
    }

    fn tell(&mut self, line: &'t Line, failed: bool, told: &mut Vec<Entry>) {
        let mut say = |(text, is_status): Sentence| {
            told.push(Entry { at_ms: line.at_ms, place: Place::of(line), text, is_status });
        };
        if let Some(together) = repeat(line).and_then(|repeat| self.together(repeat)) {
            together.into_iter().for_each(say);
            return;
        }
        let words: Vec<&str> = line.text.split(' ').collect();
        if let ["apply", stream, "after", seq, "batches", count] = words.as_slice() {
            say(self.apply(stream, seq.parse().unwrap_or(0), count.parse().unwrap_or(1), failed));
            return;
        }
        sentence(&words, |name| self.exchanged.contains(name)).into_iter().for_each(say);
    }

    fn apply(&self, stream: &str, after: u64, count: u64, failed: bool) -> Sentence {
        let end = self.ending.stream(stream);
        let refusal = end.and_then(|end| end.refusal.as_ref());
        match refusal.filter(|refusal| (after + 1..=after + count).contains(&refusal.seq)) {
            Some(refusal) => refused(stream, refusal),
            None => applied(stream, after, count, failed),
        }
    }

    /// For a line that has many like it: nothing, or the sentence for all that follow.
    fn together(&mut self, (place, what): Repeat) -> Option<Option<Sentence>> {
        let repeats = self.repeats.get_mut(&(place, what.clone()))?;
        repeats.told += 1;
        if repeats.told <= ONE_BY_ONE_MAX || repeats.count <= ONE_BY_ONE_MAX + 1 {
            return None;
        }
        if repeats.told > ONE_BY_ONE_MAX + 1 {
            return Some(None);
        }
        let (left, until) = (repeats.count - ONE_BY_ONE_MAX, clock(repeats.last_ms));
        let text = match what.contains('/') {
            true => [
                format!("goes on putting batch {what} into the drop directory, {left} more times until {until}"),
                format!("继续将批次 {what} 放入投递目录，至 {until} 又放入 {left} 次"),
            ],
            false => [
                format!("turns {left} more files away until {until}: {what}"),
                format!("至 {until} 又拒收 {left} 个文件：{what}"),
            ],
        };
        Some(Some((text, false)))
    }
}

/// What a line repeats, if it is of a kind of which there may be very many.
fn repeat(line: &Line) -> Option<Repeat> {
    let words: Vec<&str> = line.text.split(' ').collect();
    match words.as_slice() {
        ["publish", name] => match name.parse::<FileName>().ok()?.kind {
            NameKind::Batch { stream, seq, .. } => Some((line.place, format!("{stream}/{seq}"))),
            NameKind::Status { .. } => None,
        },
        ["drop", _, code] if !code.is_empty() => Some((line.place, (*code).to_owned())),
        _ => None,
    }
}

/// A way that is down for a while by the gate's profile: which, from when and until when. The trace has no line for it.
#[must_use]
pub fn outage(world: &World) -> Option<(Direction, u64, u64)> {
    let profile = &world.options.profile;
    let way = Direction::ALL.into_iter().find(|way| profile.outage.covers(*way))?;
    let until_ms = match profile.outage_for_ms {
        0 => world.options.safety_ms,
        length_ms => profile.outage_from_ms.saturating_add(length_ms).min(world.options.safety_ms),
    };
    Some((way, profile.outage_from_ms, until_ms))
}

fn outage_entries(world: &World) -> Vec<Entry> {
    let Some((way, from_ms, until_ms)) = outage(world) else { return Vec::new() };
    let (from, to) = match way {
        Direction::InnerToOuter => (Place::Inner.words(), Place::Outer.words()),
        Direction::OuterToInner => (Place::Outer.words(), Place::Inner.words()),
    };
    let entry = |at_ms, text| Entry { at_ms, place: Place::Gate, text, is_status: false };
    let down = [
        format!("nothing passes from {} to {} from here on", from[0], to[0]),
        format!("{}到{}方向从此中断", from[1], to[1]),
    ];
    let up = [format!("files pass from {} to {} again", from[0], to[0]), format!("{}到{}方向恢复", from[1], to[1])];
    vec![entry(from_ms, down), entry(until_ms, up)]
}

/// Hours, minutes, seconds and milliseconds.
#[must_use]
pub fn clock(at_ms: u64) -> String {
    let (seconds, ms) = (at_ms / 1_000, at_ms % 1_000);
    format!("{:02}:{:02}:{:02}.{ms:03}", seconds / 3_600, seconds / 60 % 60, seconds % 60)
}
