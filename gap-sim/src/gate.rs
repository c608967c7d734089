//! One direction of a gate, as a pure state machine.
//!
//! The driver tells the gate what it sees in the drop directory and what time it is; the gate answers with
//! acts, and the driver reports how they went. The bytes stay with the driver: in flight the gate holds a
//! name, a size and a fate for each file, at most [`IN_FLIGHT_FILES_MAX`] of them, and leaves further files
//! in the drop directory until there is room.
//!
//! # What determinism means
//!
//! The fate of a file depends on the profile, the seed, the direction, its size, and its place in the order of
//! pick-ups; on nothing else. In a world in process, where the driver's answers and times come from a seed
//! too, a run repeats exactly. Between real directories the operating system decides in which scan a file is
//! first seen, so a run repeats as far as the files come in the same order: the seventh pick-up is lost
//! again, but it may be another file, and other moments.

mod act;
mod fate;
mod hand;
mod pace;
mod switch;
mod watch;

pub use act::{Act, Damage, Delivery, Discarded, PickUpId, Refusal, Seen, Visibility, WhichCopy};
pub use hand::Hand;
pub use watch::{RENAMED_SUFFIX, TEMPORARY_SUFFIX, is_ignored};

use crate::delay::Delay;
use crate::direction::Direction;
use crate::profile::{Order, Profile, Source};
use crate::tally::Tally;
use fate::{CopyFate, End, Fate};
use std::collections::BTreeMap;

/// Files in flight in one direction: what bounds the gate's memory.
pub const IN_FLIGHT_FILES_MAX: usize = 100_000;

/// Pick-ups of one scan, and acts of one answer of [`Gate::due`]: after so many a driver sees to its other work.
pub const ACTS_MAX: usize = 2_000;

/// One direction of a gate.
#[derive(Debug)]
pub struct Gate {
    profile: Profile,
    delay: Delay,
    seed: u64,
    way: Direction,
    tally: Tally,
    watch: watch::Watch,
    pace: pace::Pace,
    next_scan_ms: u64,
    next_number: u64,
    scan_number: u64,
    /// Pick-ups that the driver was asked for and has not answered.
    asked: BTreeMap<PickUpId, Asked>,
    transits: BTreeMap<PickUpId, Transit>,
    steps: BTreeMap<StepKey, Step>,
    /// Deliveries that the driver was asked for and has not answered.
    in_hand: BTreeMap<(PickUpId, WhichCopy), Step>,
    latest_due_ms: u64,
    /// The scan whose files cross together, and when they leave, for alphabetical order.
    crossing_together: Option<(u64, u64)>,
    latest_arrived: Option<PickUpId>,
    hands: hand::Hands,
}

#[derive(Debug)]
struct Asked {
    name: String,
    source: Source,
    scan_number: u64,
}

#[derive(Debug)]
struct Transit {
    /// Under which it arrives; a person may have exchanged it.
    name: String,
    /// Under which it was picked up.
    taken_as: String,
    bytes: u64,
    picked_up_ms: u64,
    copies_left: u8,
    arrived: bool,
}

/// When a step is due; those of one moment go by name in alphabetical order, else by pick-up.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct StepKey {
    due_ms: u64,
    name: Option<String>,
    id: PickUpId,
    copy: WhichCopy,
}

#[derive(Debug)]
enum Step {
    Deliver(CopyFate),
    Complete(CopyFate),
    Discard(Discarded),
}

impl Gate {
    /// Makes a gate at time 0 that has seen nothing.
    ///
    /// # Panics
    /// When the profile's values are out of range; [`Profile::parse`] and [`Profile::check`] refuse such.
    pub fn new(profile: Profile, seed: u64, way: Direction) -> Self {
        let delay = Delay::fit(profile.delay_min_ms, profile.delay_mean_ms, profile.delay_max_ms);
        Self {
            profile,
            delay,
            seed,
            way,
            tally: Tally::default(),
            watch: watch::Watch::default(),
            pace: pace::Pace::default(),
            next_scan_ms: 0,
            next_number: 0,
            scan_number: 0,
            asked: BTreeMap::new(),
            transits: BTreeMap::new(),
            steps: BTreeMap::new(),
            in_hand: BTreeMap::new(),
            latest_due_ms: 0,
            crossing_together: None,
            latest_arrived: None,
            hands: hand::Hands::default(),
        }
    }

    /// What it counted so far.
    pub const fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Whether a scan of the drop directory is due.
    pub const fn wants_scan(&self, now_ms: u64) -> bool {
        now_ms >= self.next_scan_ms
    }

    /// Whether nothing is on its way.
    pub fn is_empty(&self) -> bool {
        self.asked.is_empty() && self.transits.is_empty()
    }

    /// Whether this way is interrupted, and until when; `u64::MAX` means to the end.
    pub fn interrupted_until_ms(&self, now_ms: u64) -> Option<u64> {
        let profile = &self.profile;
        if !profile.outage.covers(self.way) {
            return None;
        }
        let end_ms = match profile.outage_for_ms {
            0 => u64::MAX,
            length_ms => profile.outage_from_ms.saturating_add(length_ms),
        };
        (profile.outage_from_ms..end_ms).contains(&now_ms).then_some(end_ms)
    }

    /// The next moment at which [`Gate::wants_scan`] or [`Gate::due`] has something to say.
    pub fn next_deadline_ms(&self, now_ms: u64) -> u64 {
        let step_ms = self.steps.first_key_value().map_or(u64::MAX, |(key, _)| key.due_ms);
        let free_ms = self.interrupted_until_ms(now_ms).unwrap_or(0);
        self.next_scan_ms.min(step_ms.max(free_ms))
    }

    /// Takes note of a scan: every regular file in the drop directory, in the order in which the gate comes upon them.
    ///
    /// Answers with at most [`ACTS_MAX`] files to pick up and, where the profile says so, with files to remove.
    pub fn observe(&mut self, now_ms: u64, seen: &[Seen]) -> Vec<Act> {
        self.next_scan_ms = now_ms.saturating_add(self.profile.scan_interval_ms);
        if self.interrupted_until_ms(now_ms).is_some() {
            return Vec::new();
        }
        self.scan_number += 1;
        self.pace.begin_scan(&self.profile, now_ms);
        let mut scanned = self.watch.scan(&self.profile, seen);
        self.tally.seen += scanned.new_count;
        let mut acts = self.refuse(scanned.refused);
        match self.profile.order {
            Order::ByDelay | Order::Fifo => {}
            Order::Alphabetical => scanned.ready.sort_by(|one, other| one.name.cmp(&other.name)),
        }
        for file in scanned.ready.into_iter().take(ACTS_MAX) {
            let full = self.asked.len() + self.transits.len() >= IN_FLIGHT_FILES_MAX;
            if full || !self.pace.take(&self.profile, now_ms, file.size) {
                break;
            }
            acts.push(self.ask_for(file.name));
        }
        acts
    }

    fn refuse(&mut self, refused: Vec<(String, Refusal)>) -> Vec<Act> {
        self.tally.refused += count(refused.len());
        if !self.profile.remove_refused {
            return Vec::new();
        }
        refused
            .into_iter()
            .map(|(name, reason)| {
                self.watch.forget(&name);
                Act::RemoveRefused { name, reason }
            })
            .collect()
    }

    fn ask_for(&mut self, name: String) -> Act {
        let id = PickUpId(self.next_number);
        self.next_number += 1;
        self.watch.asked(&name);
        let source = self.profile.source;
        self.asked.insert(id, Asked { name: name.clone(), source, scan_number: self.scan_number });
        Act::PickUp { id, name, source }
    }

    /// The driver took the file in, with so many bytes. Its fate is drawn here, and shows in [`Gate::due`].
    ///
    /// # Panics
    /// When the driver was not asked for this pick-up, or answers twice.
    pub fn picked_up(&mut self, now_ms: u64, id: PickUpId, bytes: u64) {
        let asked = self.asked.remove(&id).expect("a driver answers once for each pick-up it was asked for");
        match asked.source {
            Source::Remove | Source::Rename => self.watch.forget(&asked.name),
            Source::Leave => self.watch.taken(&asked.name),
        }
        self.tally.picked_up += 1;
        self.tally.picked_up_bytes += bytes;
        self.tally.in_flight += 1;
        let mut fate = fate::draw(&self.profile, &self.delay, self.seed, self.way, id.0, bytes);
        let keeping = self.hands.act(id, &asked.name, bytes, &mut fate);
        self.tally.held += u64::from(fate.hold_ms.is_some() || keeping == hand::Keeping::Held);
        self.schedule(now_ms, id, bytes, asked, fate, keeping != hand::Keeping::No);
        self.exchange_names(now_ms, id);
    }

    /// The driver could not take the file in. It is judged anew when a later scan sees it.
    ///
    /// # Panics
    /// When the driver was not asked for this pick-up, or answers twice.
    pub fn missed(&mut self, id: PickUpId) {
        let asked = self.asked.remove(&id).expect("a driver answers once for each pick-up it was asked for");
        self.watch.forget(&asked.name);
    }

    fn schedule(&mut self, now_ms: u64, id: PickUpId, bytes: u64, asked: Asked, fate: Fate, is_kept: bool) {
        let released_ms = now_ms.saturating_add(fate.hold_ms.unwrap_or(0));
        let own_ms = switch::arrival_ms(&self.profile, self.way, released_ms, fate.delay_ms);
        // What a person keeps back does not hold up the files behind it.
        let due_ms = if is_kept { u64::MAX } else { self.in_order(own_ms, asked.scan_number) };
        let mut copies_left = 1;
        let key = |due_ms, copy| StepKey { due_ms, name: self.sort_name(&asked.name), id, copy };
        match fate.end {
            End::Discarded(reason) => {
                self.steps.insert(key(due_ms, WhichCopy::First), Step::Discard(reason));
            }
            End::Delivered { first, second } => {
                let first_key = key(due_ms, WhichCopy::First);
                if let Some(second) = second {
                    copies_left = 2;
                    let second_ms = match self.profile.order {
                        Order::ByDelay => switch::arrival_ms(&self.profile, self.way, released_ms, second.delay_ms),
                        Order::Fifo | Order::Alphabetical => due_ms,
                    };
                    let second_key = key(second_ms, WhichCopy::Second);
                    self.steps.insert(second_key, Step::Deliver(second.fate));
                }
                self.steps.insert(first_key, Step::Deliver(first));
            }
        }
        let transit = Transit {
            taken_as: asked.name.clone(),
            name: asked.name,
            bytes,
            picked_up_ms: now_ms,
            copies_left,
            arrived: false,
        };
        self.transits.insert(id, transit);
    }

    fn in_order(&mut self, own_ms: u64, scan_number: u64) -> u64 {
        let due_ms = match (self.profile.order, self.crossing_together) {
            (Order::ByDelay, _) => own_ms,
            (Order::Alphabetical, Some((scan, due_ms))) if scan == scan_number => due_ms,
            (Order::Fifo | Order::Alphabetical, _) => own_ms.max(self.latest_due_ms),
        };
        self.latest_due_ms = self.latest_due_ms.max(due_ms);
        self.crossing_together = Some((scan_number, due_ms));
        due_ms
    }

    fn sort_name(&self, name: &str) -> Option<String> {
        match self.profile.order {
            Order::ByDelay | Order::Fifo => None,
            Order::Alphabetical => Some(name.to_owned()),
        }
    }

    /// Answers with what is due by now, at most [`ACTS_MAX`] acts; the next call answers with the rest.
    pub fn due(&mut self, now_ms: u64) -> Vec<Act> {
        let mut acts = Vec::new();
        if self.interrupted_until_ms(now_ms).is_some() {
            return acts;
        }
        while acts.len() < ACTS_MAX {
            let Some(entry) = self.steps.first_entry().filter(|entry| entry.key().due_ms <= now_ms) else {
                break;
            };
            let (key, step) = entry.remove_entry();
            acts.push(self.begin(key.id, key.copy, step));
        }
        acts
    }

    fn begin(&mut self, id: PickUpId, copy: WhichCopy, step: Step) -> Act {
        let transit = self.transits.get(&id).expect("a step belongs to a file in flight");
        let (name, taken_as) = (transit.name.clone(), transit.taken_as.clone());
        let delivery = |fate: &CopyFate| Delivery {
            id,
            copy,
            name: name.clone(),
            taken_as: taken_as.clone(),
            damage: fate.damage,
            visibility: fate.visibility,
        };
        let act = match &step {
            Step::Deliver(fate) => Act::Deliver(delivery(fate)),
            Step::Complete(fate) => Act::Complete(delivery(fate)),
            Step::Discard(reason) => {
                let reason = *reason;
                self.transits.remove(&id);
                self.tally.in_flight -= 1;
                match reason {
                    Discarded::Lost => self.tally.lost += 1,
                    Discarded::Removed => self.tally.removed += 1,
                }
                return Act::Discard { id, name, reason };
            }
        };
        self.in_hand.insert((id, copy), step);
        act
    }

    /// How many copies of this file are still to be finished; with one, the driver may hand over its own.
    pub fn copies_left(&self, id: PickUpId) -> u8 {
        self.transits.get(&id).map_or(0, |transit| transit.copies_left)
    }

    /// The driver did what [`Act::Deliver`] or [`Act::Complete`] asked. Says whether the file has left the
    /// gate, so that the driver can throw away what it still has of it.
    ///
    /// # Panics
    /// When the driver was not asked for this delivery, or answers twice.
    pub fn delivered(&mut self, now_ms: u64, id: PickUpId, copy: WhichCopy) -> bool {
        let step = self.in_hand.remove(&(id, copy)).expect("a driver answers once for each delivery it was asked for");
        let (fate, begun_for_ms) = match step {
            Step::Deliver(fate) => match fate.visibility {
                Visibility::Atomic => (fate, None),
                Visibility::HalfVisible { for_ms, .. } | Visibility::TemporaryName { for_ms } => (fate, Some(for_ms)),
            },
            Step::Complete(fate) => (fate, None),
            Step::Discard(_) => unreachable!("a discarded file is never in the driver's hand"),
        };
        match begun_for_ms {
            Some(for_ms) => {
                self.put_back(now_ms.saturating_add(for_ms), id, copy, Step::Complete(fate));
                false
            }
            None => self.finish(now_ms, id, &fate),
        }
    }

    /// The driver could not do what [`Act::Deliver`] or [`Act::Complete`] asked; it is asked again at `until_ms`.
    ///
    /// # Panics
    /// When the driver was not asked for this delivery, or answers twice.
    pub fn deferred(&mut self, id: PickUpId, copy: WhichCopy, until_ms: u64) {
        let step = self.in_hand.remove(&(id, copy)).expect("a driver answers once for each delivery it was asked for");
        self.put_back(until_ms, id, copy, step);
    }

    fn put_back(&mut self, due_ms: u64, id: PickUpId, copy: WhichCopy, step: Step) {
        let name = self.transits.get(&id).and_then(|transit| self.sort_name(&transit.name));
        self.steps.insert(StepKey { due_ms, name, id, copy }, step);
    }

    fn finish(&mut self, now_ms: u64, id: PickUpId, fate: &CopyFate) -> bool {
        let transit = self.transits.get_mut(&id).expect("a delivery belongs to a file in flight");
        transit.copies_left -= 1;
        let tally = &mut self.tally;
        tally.delivered += 1;
        tally.delivered_bytes += fate::arriving_bytes(fate.damage, transit.bytes);
        match fate.damage {
            Damage::None => {}
            Damage::Flip { .. } => tally.corrupted += 1,
            Damage::Truncate { .. } => tally.truncated += 1,
        }
        match fate.visibility {
            Visibility::Atomic => {}
            Visibility::HalfVisible { .. } => tally.half_visible += 1,
            Visibility::TemporaryName { .. } => tally.temporary_name += 1,
        }
        if transit.arrived {
            tally.doubled += 1;
            tally.doubles_in_flight -= 1;
        } else {
            transit.arrived = true;
            tally.in_flight -= 1;
            tally.doubles_in_flight += u64::from(transit.copies_left > 0);
            tally.delivered_files += 1;
            tally.delay_ms.record(now_ms.saturating_sub(transit.picked_up_ms));
            tally.reordered += u64::from(self.latest_arrived.is_some_and(|latest| id < latest));
            self.latest_arrived = self.latest_arrived.max(Some(id));
        }
        let left = transit.copies_left == 0;
        if left {
            self.transits.remove(&id);
        }
        left
    }
}

fn count(length: usize) -> u64 {
    u64::try_from(length).expect("a length fits into 64 bits on every platform of ours")
}
