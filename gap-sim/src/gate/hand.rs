//! What a person does to single files by hand, beside what the profile draws.

use super::fate::{CopyFate, End, Fate, SecondFate};
use super::{Damage, Discarded, Gate, PickUpId, Visibility, WhichCopy};
use std::collections::VecDeque;

/// Done to the next file that is picked up, except [`Hand::Release`], which is done at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hand {
    /// It vanishes.
    Lose,
    /// It stays in the gate until it is released.
    Hold,
    /// Everything that is held by hand goes on.
    Release,
    /// It arrives twice.
    Double,
    /// It arrives with one bit flipped near its end, where a batch has its rows.
    Corrupt,
    /// It arrives under the name of the file after it, and that one under its name; it waits for that.
    Swap,
}

impl Hand {
    /// Every one of them.
    pub const ALL: [Self; 6] = [Self::Lose, Self::Hold, Self::Release, Self::Double, Self::Corrupt, Self::Swap];

    /// The word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Lose => "lose",
            Self::Hold => "hold",
            Self::Release => "release",
            Self::Double => "double",
            Self::Corrupt => "corrupt",
            Self::Swap => "swap",
        }
    }
}

/// A batch ends with its chunks, a signature of some 70 bytes and a mark of 16.
const FROM_THE_END: u64 = 150;

/// The second copy comes so much later, when the first has been taken.
const APART_MS: u64 = 10_000;

/// Orders that wait for a file, and files that wait for an order.
#[derive(Debug, Default)]
pub(super) struct Hands {
    waiting: VecDeque<(Hand, String)>,
    held: Vec<PickUpId>,
    /// The file that waits for the one with which it exchanges names, and what that one must have in its name.
    swapping: Option<(PickUpId, String)>,
}

/// Whether a file is kept back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keeping {
    No,
    /// Until it is released.
    Held,
    /// Until the next file comes.
    Swapping,
}

impl Hands {
    /// Changes the fate of the file that was just picked up.
    pub(super) fn act(&mut self, id: PickUpId, name: &str, bytes: u64, fate: &mut Fate) -> Keeping {
        let meant = self.waiting.iter().position(|(_, part)| name.contains(part.as_str()));
        let Some((hand, part)) = meant.and_then(|place| self.waiting.remove(place)) else { return Keeping::No };
        let undamaged = || CopyFate { damage: Damage::None, visibility: Visibility::Atomic };
        match hand {
            Hand::Release => Keeping::No,
            Hand::Lose => {
                fate.end = End::Discarded(Discarded::Lost);
                Keeping::No
            }
            Hand::Double => {
                let second = Some(SecondFate { fate: undamaged(), delay_ms: fate.delay_ms + APART_MS });
                fate.end = End::Delivered { first: undamaged(), second };
                Keeping::No
            }
            Hand::Corrupt => {
                let damage = Damage::Flip { offset: bytes.saturating_sub(FROM_THE_END), bit: 0 };
                let first = CopyFate { damage, visibility: Visibility::Atomic };
                fate.end = End::Delivered { first, second: None };
                Keeping::No
            }
            Hand::Hold => {
                fate.end = End::Delivered { first: undamaged(), second: None };
                self.held.push(id);
                Keeping::Held
            }
            Hand::Swap => {
                fate.end = End::Delivered { first: undamaged(), second: None };
                self.swapping = Some((id, part));
                Keeping::Swapping
            }
        }
    }
}

impl Gate {
    /// A person does something: to the next file whose name has this part (an empty one means any), or with
    /// [`Hand::Release`] to all that are held by hand.
    pub fn by_hand(&mut self, now_ms: u64, hand: Hand, part: &str) {
        if hand != Hand::Release {
            self.hands.waiting.push_back((hand, part.to_owned()));
            return;
        }
        for id in std::mem::take(&mut self.hands.held) {
            self.reschedule(id, now_ms);
        }
    }

    /// Files that a person holds.
    pub fn held_by_hand(&self) -> usize {
        self.hands.held.len()
    }

    /// Exchanges the names of the file that waits for it and of the one that was just picked up.
    pub(super) fn exchange_names(&mut self, now_ms: u64, id: PickUpId) {
        let own = self.transits.get(&id).map(|transit| transit.name.clone());
        let fits = |(other, part): &(PickUpId, String)| {
            *other != id && own.as_ref().is_some_and(|own| own.contains(part.as_str()))
        };
        let Some((other, _)) = self.hands.swapping.take_if(|waiting| fits(waiting)) else { return };
        let others = self.transits.get(&other).map(|transit| transit.name.clone());
        let (Some(own), Some(others)) = (own, others) else { return };
        for (one, name) in [(id, others), (other, own)] {
            if let Some(transit) = self.transits.get_mut(&one) {
                transit.name = name;
            }
        }
        self.reschedule(other, now_ms);
    }

    fn reschedule(&mut self, id: PickUpId, due_ms: u64) {
        let key = self.steps.keys().find(|key| key.id == id && key.copy == WhichCopy::First).cloned();
        let step = key.and_then(|key| self.steps.remove(&key));
        if let Some(step) = step {
            self.put_back(due_ms, id, WhichCopy::First, step);
        }
    }
}
