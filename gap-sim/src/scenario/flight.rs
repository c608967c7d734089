//! What became of each file that the gate took in.

use std::collections::{BTreeMap, BTreeSet};

use ferry_format::{FileName, NameKind};

use crate::world::trace::Line;

/// How a flight ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It has not.
    Inside,
    /// Whole, on the other side.
    Arrives,
    /// Damaged, on the other side.
    Damaged,
    /// In the gate.
    Lost,
}

/// A file between the zones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flight {
    /// The name under which it was taken in.
    pub name: String,
    /// The name under which it arrives, if a person exchanged it.
    pub arrives_as: Option<String>,
    /// From the outer zone to the inner.
    pub is_inward: bool,
    /// When the gate took it in.
    pub from_ms: u64,
    /// When it ended.
    pub to_ms: Option<u64>,
    /// How it ended.
    pub end: End,
    /// When a second copy arrived.
    pub again_ms: Option<u64>,
}

impl Flight {
    /// Whether it is a status file.
    #[must_use]
    pub fn is_status(&self) -> bool {
        self.name.parse::<FileName>().is_ok_and(|name| matches!(name.kind, NameKind::Status { .. }))
    }
}

/// The word for the place of the gate on the way in.
const INWARD: &str = "gate <";

/// Every flight of a trace, in the order in which the gate took the files in.
#[must_use]
pub fn flights<'t>(lines: impl Iterator<Item = &'t Line>) -> Vec<Flight> {
    let mut found = Flights::default();
    for line in lines {
        found.follow(line);
    }
    found.all
}

/// The names that a person exchanged: such a file says of itself what it is.
#[must_use]
pub fn exchanged(flights: &[Flight]) -> BTreeSet<String> {
    flights.iter().filter_map(|flight| flight.arrives_as.clone()).collect()
}

#[derive(Debug, Default)]
struct Flights<'t> {
    all: Vec<Flight>,
    /// The latest flight under a name, on each way.
    latest: BTreeMap<(&'t str, &'t str), usize>,
    /// A part of a name that a person spoke of, and the file that waits for a second one.
    exchange: BTreeMap<&'t str, (&'t str, Option<&'t str>)>,
}

impl<'t> Flights<'t> {
    fn follow(&mut self, line: &'t Line) {
        let words: Vec<&str> = line.text.split(' ').collect();
        match words.as_slice() {
            ["hand", "swap", part] => {
                self.exchange.insert(line.place, (part, None));
            }
            ["picks", "up", name] => self.begin(line, name),
            ["delivers", name, rest @ ..] => {
                let end = if rest.is_empty() { End::Arrives } else { End::Damaged };
                self.end(line, name, end);
            }
            ["loses", name] => self.end(line, name, End::Lost),
            _ => {}
        }
    }

    fn begin(&mut self, line: &'t Line, name: &'t str) {
        self.latest.insert((line.place, name), self.all.len());
        self.all.push(Flight {
            name: name.to_owned(),
            arrives_as: None,
            is_inward: line.place == INWARD,
            from_ms: line.at_ms,
            to_ms: None,
            end: End::Inside,
            again_ms: None,
        });
        let Some((part, waiting)) = self.exchange.get(line.place).copied().filter(|(part, _)| name.contains(part))
        else {
            return;
        };
        let Some(other) = waiting else {
            self.exchange.insert(line.place, (part, Some(name)));
            return;
        };
        self.exchange.remove(line.place);
        for (one, other) in [(name, other), (other, name)] {
            let place = self.latest.get(&(line.place, one)).copied();
            if let Some(flight) = place.and_then(|place| self.all.get_mut(place)) {
                flight.arrives_as = Some(other.to_owned());
            }
        }
    }

    fn end(&mut self, line: &Line, name: &str, end: End) {
        let goes_as = |flight: &Flight| flight.arrives_as.as_deref().unwrap_or(&flight.name) == name;
        let of_way = |flight: &&mut Flight| flight.is_inward == (line.place == INWARD);
        let Some(flight) = self.all.iter_mut().rev().filter(of_way).find(|flight| goes_as(flight)) else { return };
        if flight.end == End::Inside {
            (flight.to_ms, flight.end) = (Some(line.at_ms), end);
        } else {
            flight.again_ms = Some(line.at_ms);
        }
    }
}
