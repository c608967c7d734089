//! One way across the gate, between two real directories: the gate decides, the lane does.

use crate::failure::Failure;
use crate::lang::Lang;
use crate::options::{Options, way_name};
use crate::place::{self, Placed};
use crate::report::Counters;
use crate::shift::Shift;
use crate::trouble::{Attempt, Troubles};
use crate::words::{Word, say};
use crate::work::WorkRoom;
use gap_sim::gate::{Delivery, is_ignored};
use gap_sim::profile::Source;
use gap_sim::{Act, Direction, Gate, Hand, PickUpId, Seen, Tally};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// A delivery that failed is tried again after this time, whatever the time scale.
const RETRY_MS: u64 = 1_000;

/// One way across the gate.
#[derive(Debug)]
pub struct Lane {
    way: Direction,
    gate: Gate,
    from: PathBuf,
    to: PathBuf,
    room: WorkRoom,
    counters: Counters,
    troubles: Troubles,
    lang: Lang,
    /// Whether what becomes of each file is told.
    tells: bool,
}

impl Lane {
    /// Opens a lane; nothing moves yet.
    pub fn open(way: Direction, gate: Gate, options: &Options, room: WorkRoom, lang: Lang) -> Self {
        let ((from, to), tells) = (options.directories(way), options.hands);
        let troubles = Troubles::new(lang, way_name(lang, way));
        let counters = Counters::default();
        Self { way, gate, from: from.to_owned(), to: to.to_owned(), room, counters, troubles, lang, tells }
    }

    /// Its way.
    pub const fn way(&self) -> Direction {
        self.way
    }

    /// Its directories, from and to.
    pub fn directories(&self) -> (&Path, &Path) {
        (&self.from, &self.to)
    }

    /// What the gate counted.
    pub const fn tally(&self) -> &Tally {
        self.gate.tally()
    }

    /// What the lane counted beside the gate.
    pub const fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Delivers whole files that an earlier run left in flight, undamaged and at once, and discards the rest.
    pub fn clear_leftovers(&mut self) -> Result<(), Failure> {
        let leftovers = self.room.leftovers()?;
        let names: Vec<String> = leftovers.whole.iter().map(|leftover| leftover.name.clone()).collect();
        let swept = place::sweep(&self.to, &names).map_err(|cause| Failure::Sweep { path: self.to.clone(), cause })?;
        for leftover in leftovers.whole {
            let placed = place::hand_over(&leftover.path, &self.to, &leftover.name)
                .map_err(|cause| Failure::Leftover { path: leftover.path, to: self.to.clone(), cause })?;
            self.count(placed);
            self.counters.leftovers_delivered += 1;
        }
        self.counters.leftovers_discarded = leftovers.discarded + swept;
        for (word, count) in [
            (Word::LeftoverDelivered, self.counters.leftovers_delivered),
            (Word::LeftoverDiscarded, self.counters.leftovers_discarded),
        ] {
            if count > 0 {
                eprintln!("{}", say(self.lang, word, &[&way_name(self.lang, self.way), &count]));
            }
        }
        Ok(())
    }

    /// Does everything that is due.
    pub fn step(&mut self, shift: &Shift<'_>) {
        if self.gate.wants_scan(shift.now_ms()) {
            let seen = self.scan();
            let acts = self.gate.observe(shift.now_ms(), &seen);
            self.perform(acts, shift);
        }
        let acts = self.gate.due(shift.now_ms());
        self.perform(acts, shift);
    }

    /// A person does something to the next file whose name has this part.
    pub fn by_hand(&mut self, shift: &Shift<'_>, hand: Hand, part: &str) {
        self.gate.by_hand(shift.now_ms(), hand, part);
    }

    /// When there is something to do next.
    pub fn next_deadline_ms(&self, now_ms: u64) -> u64 {
        self.gate.next_deadline_ms(now_ms)
    }

    /// Whether nothing moves here by itself: nothing is in flight, or what is cannot leave before the end.
    pub fn is_quiet(&self, now_ms: u64) -> bool {
        self.gate.is_empty() || self.gate.interrupted_until_ms(now_ms) == Some(u64::MAX)
    }

    fn scan(&mut self) -> Vec<Seen> {
        match list(&self.from) {
            Ok(seen) => {
                self.troubles.worked(Attempt::Scan);
                self.counters.waiting = count(seen.iter().filter(|file| !is_ignored(&file.name)).count());
                seen
            }
            Err(fault) => {
                self.counters.failures += 1;
                self.troubles.failed(Attempt::Scan, &self.from.display(), &fault);
                Vec::new()
            }
        }
    }

    /// Once a signal asked to stop, only what the gate has counted already is still done.
    fn perform(&mut self, acts: Vec<Act>, shift: &Shift<'_>) {
        for act in acts {
            match act {
                Act::PickUp { id, .. } if shift.is_over() => self.gate.missed(id),
                Act::PickUp { id, name, source } => self.pick_up(id, &name, source, shift),
                Act::RemoveRefused { name, .. } => {
                    let removed = fs::remove_file(self.from.join(&name));
                    self.removed(&name, removed);
                }
                Act::Deliver(delivery) | Act::Complete(delivery) if shift.is_over() => {
                    self.gate.deferred(delivery.id, delivery.copy, shift.now_ms());
                }
                Act::Deliver(delivery) => {
                    let own = self.room.path_of(delivery.id, &delivery.taken_as);
                    let may_move = self.gate.copies_left(delivery.id) == 1;
                    let placed = place::deliver(&own, &self.to, &delivery, may_move);
                    self.delivered(&delivery, placed, shift);
                }
                Act::Complete(delivery) => {
                    let own = self.room.path_of(delivery.id, &delivery.taken_as);
                    let placed = place::complete(&own, &self.to, &delivery);
                    self.delivered(&delivery, placed, shift);
                }
                Act::Discard { id, name, .. } => {
                    self.tell(Word::LaneLoses, &name);
                    let removed = self.room.discard(id, &name);
                    self.removed(&name, removed);
                }
            }
        }
    }

    fn pick_up(&mut self, id: PickUpId, name: &str, source: Source, shift: &Shift<'_>) {
        match self.room.take_in(&self.from, id, name, source) {
            Ok(bytes) => {
                self.troubles.worked(Attempt::PickUp);
                self.gate.picked_up(shift.now_ms(), id, bytes);
                self.tell(Word::LaneTakes, name);
            }
            Err(fault) => {
                self.gate.missed(id);
                // A writer may take its own file back between the scan and now.
                if fault.kind() != io::ErrorKind::NotFound {
                    self.counters.failures += 1;
                    self.troubles.failed(Attempt::PickUp, &name, &fault);
                }
            }
        }
    }

    fn delivered(&mut self, delivery: &Delivery, placed: io::Result<Placed>, shift: &Shift<'_>) {
        match placed {
            Ok(placed) => {
                self.troubles.worked(Attempt::Deliver);
                self.count(placed);
                self.tell(Word::LaneDelivers, &delivery.name);
                if self.gate.delivered(shift.now_ms(), delivery.id, delivery.copy) {
                    let removed = self.room.discard(delivery.id, &delivery.taken_as);
                    self.removed(&delivery.name, removed);
                }
            }
            Err(fault) => {
                self.counters.failures += 1;
                self.troubles.failed(Attempt::Deliver, &delivery.name, &fault);
                self.gate.deferred(delivery.id, delivery.copy, shift.now_ms() + RETRY_MS);
            }
        }
    }

    fn tell(&self, word: Word, name: &str) {
        if self.tells {
            eprintln!("{}", say(self.lang, word, &[&way_name(self.lang, self.way), &name]));
        }
    }

    fn removed(&mut self, name: &str, removed: io::Result<()>) {
        match removed {
            Err(fault) if fault.kind() != io::ErrorKind::NotFound => {
                self.counters.failures += 1;
                self.troubles.failed(Attempt::Remove, &name, &fault);
            }
            Ok(()) | Err(_) => self.troubles.worked(Attempt::Remove),
        }
    }

    fn count(&mut self, placed: Placed) {
        match placed {
            Placed::New => {}
            Placed::Replaced => self.counters.replaced += 1,
            Placed::TakenUnfinished => self.counters.taken_unfinished += 1,
        }
    }
}

/// Lists the regular files of a directory, the oldest first. Names that are not UTF-8 are passed over.
fn list(directory: &Path) -> io::Result<Vec<Seen>> {
    let mut found: Vec<(SystemTime, Seen)> = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        match entry.metadata() {
            Ok(metadata) if metadata.is_file() => {
                found.push((metadata.modified()?, Seen { name, size: metadata.len() }))
            }
            Ok(_) => {}
            // It was taken back since the directory was read.
            Err(fault) if fault.kind() == io::ErrorKind::NotFound => {}
            Err(fault) => return Err(fault),
        }
    }
    found.sort_by(|(one_time, one), (other_time, other)| (one_time, &one.name).cmp(&(other_time, &other.name)));
    Ok(found.into_iter().map(|(_, seen)| seen).collect())
}

fn count(length: usize) -> u64 {
    u64::try_from(length).expect("a length fits into 64 bits on every platform of ours")
}
