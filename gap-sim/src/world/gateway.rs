//! One way of the gate at work between the drop directories of two simulated hosts.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::disk::Disk;
use super::files::{FROM_GATE, TO_GATE};
use crate::gate::{Damage, Delivery, Visibility, is_ignored};
use crate::profile::{Profile, Source};
use crate::{Act, Direction, Gate, Hand, PickUpId, RENAMED_SUFFIX, Seen, TEMPORARY_SUFFIX, Tally};

/// A delivery into a full directory is tried again after this time.
const RETRY_MS: u64 = 1_000;

/// What the gate did, for the timeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GateEvent {
    /// A file was picked up, with these bytes.
    PickedUp(String, Arc<Vec<u8>>),
    /// A file arrived; whether its bytes were damaged.
    Arrived(String, bool),
    /// A file will never arrive.
    Vanished(String),
    /// A file may not cross.
    Refused(String),
}

/// One way across the gate.
#[derive(Debug)]
pub struct Gateway {
    gate: Gate,
    from: Arc<Disk>,
    to: Arc<Disk>,
    inside: BTreeMap<PickUpId, Arc<Vec<u8>>>,
    /// The target directory takes no files before this.
    target_full_until_ms: u64,
}

impl Gateway {
    /// A gate that has seen nothing.
    #[must_use]
    pub fn new(profile: Profile, seed: u64, way: Direction, from: Arc<Disk>, to: Arc<Disk>) -> Self {
        let gate = Gate::new(profile, seed, way);
        Self { gate, from, to, inside: BTreeMap::new(), target_full_until_ms: 0 }
    }

    /// What it counted.
    #[must_use]
    pub fn tally(&self) -> &Tally {
        self.gate.tally()
    }

    /// When there is something to do next.
    #[must_use]
    pub fn next_deadline_ms(&self, now_ms: u64) -> u64 {
        self.gate.next_deadline_ms(now_ms)
    }

    /// A person does something to the next file whose name has this part.
    pub fn by_hand(&mut self, now_ms: u64, hand: Hand, part: &str) {
        self.gate.by_hand(now_ms, hand, part);
    }

    /// The target directory is full until a moment.
    pub fn fill_target(&mut self, until_ms: u64) {
        self.target_full_until_ms = until_ms;
    }

    /// A gate that behaves takes the place of this one. What was on its way arrives late, damaged or not.
    pub fn replace(&mut self, profile: Profile, seed: u64, way: Direction, now_ms: u64) -> Tally {
        let old = self.gate.tally().clone();
        self.gate = Gate::new(profile, seed, way);
        self.inside.clear();
        self.target_full_until_ms = 0;
        // The new gate looks when the world has come to now, not from its own beginning.
        drop(self.gate.due(now_ms));
        old
    }

    /// Does everything that is due.
    pub fn step(&mut self, now_ms: u64) -> Vec<GateEvent> {
        let mut events = Vec::new();
        if self.gate.wants_scan(now_ms) {
            let seen = self.scan();
            let acts = self.gate.observe(now_ms, &seen);
            self.perform(acts, now_ms, &mut events);
        }
        let acts = self.gate.due(now_ms);
        self.perform(acts, now_ms, &mut events);
        events
    }

    fn scan(&self) -> Vec<Seen> {
        let size = |name: &str| self.from.peek(&format!("{TO_GATE}/{name}")).map(|bytes| bytes.len() as u64);
        let names = self.from.names(TO_GATE).into_iter().filter(|name| !is_ignored(name));
        names.filter_map(|name| Some(Seen { size: size(&name)?, name })).collect()
    }

    fn perform(&mut self, acts: Vec<Act>, now_ms: u64, events: &mut Vec<GateEvent>) {
        for act in acts {
            match act {
                Act::PickUp { id, name, source } => self.pick_up(id, &name, source, now_ms, events),
                Act::RemoveRefused { name, .. } => {
                    drop(self.from.remove(&format!("{TO_GATE}/{name}")));
                    events.push(GateEvent::Refused(name));
                }
                Act::Deliver(delivery) => self.deliver(&delivery, false, now_ms, events),
                Act::Complete(delivery) => self.deliver(&delivery, true, now_ms, events),
                Act::Discard { id, name, .. } => {
                    self.inside.remove(&id);
                    events.push(GateEvent::Vanished(name));
                }
            }
        }
    }

    /// The host of the drop directory may be down; its disk is remote to the gate and answers all the same.
    fn pick_up(&mut self, id: PickUpId, name: &str, source: Source, now_ms: u64, events: &mut Vec<GateEvent>) {
        let path = format!("{TO_GATE}/{name}");
        let Some(bytes) = self.from.peek(&path) else {
            self.gate.missed(id);
            return;
        };
        match source {
            Source::Remove => self.from.take_away(&path),
            Source::Rename => self.from.put_there(&format!("{path}{RENAMED_SUFFIX}"), None, Some(&path)),
            Source::Leave => {}
        }
        self.gate.picked_up(now_ms, id, bytes.len() as u64);
        self.inside.insert(id, bytes.clone());
        events.push(GateEvent::PickedUp(name.to_owned(), bytes));
    }

    fn deliver(&mut self, delivery: &Delivery, completes: bool, now_ms: u64, events: &mut Vec<GateEvent>) {
        if now_ms < self.target_full_until_ms {
            self.gate.deferred(delivery.id, delivery.copy, now_ms + RETRY_MS);
            return;
        }
        let Some(bytes) = self.inside.get(&delivery.id) else {
            self.gate.deferred(delivery.id, delivery.copy, now_ms + RETRY_MS);
            return;
        };
        let whole = damaged(bytes, delivery.damage);
        let path = format!("{FROM_GATE}/{}", delivery.name);
        let temporary = format!("{path}{TEMPORARY_SUFFIX}");
        let visible = match (delivery.visibility, completes) {
            (Visibility::HalfVisible { first_bytes, .. }, false) => {
                let length = usize::try_from(first_bytes).unwrap_or(usize::MAX).min(whole.len());
                self.to.put_there(&path, Some(Arc::new(whole[..length].to_vec())), None);
                false
            }
            (Visibility::TemporaryName { .. }, false) => {
                self.to.put_there(&temporary, Some(whole), None);
                false
            }
            (Visibility::TemporaryName { .. }, true) => {
                self.to.put_there(&path, None, Some(&temporary));
                true
            }
            // The zone may have taken a half-visible file away as damaged; then the rest has nowhere to go.
            (Visibility::HalfVisible { .. }, true) => {
                if self.to.peek(&path).is_some() {
                    self.to.put_there(&path, Some(whole), None);
                }
                true
            }
            (Visibility::Atomic, _) => {
                self.to.put_there(&path, Some(whole), None);
                true
            }
        };
        if visible {
            events.push(GateEvent::Arrived(delivery.name.clone(), delivery.damage != Damage::None));
        }
        if self.gate.delivered(now_ms, delivery.id, delivery.copy) {
            self.inside.remove(&delivery.id);
        }
    }
}

fn damaged(bytes: &Arc<Vec<u8>>, damage: Damage) -> Arc<Vec<u8>> {
    match damage {
        Damage::None => bytes.clone(),
        Damage::Flip { offset, bit } => {
            let mut copy = bytes.to_vec();
            if let Some(byte) = usize::try_from(offset).ok().and_then(|at| copy.get_mut(at)) {
                *byte ^= 1 << bit;
            }
            Arc::new(copy)
        }
        Damage::Truncate { length } => {
            let length = usize::try_from(length).unwrap_or(usize::MAX).min(bytes.len());
            Arc::new(bytes[..length].to_vec())
        }
    }
}
