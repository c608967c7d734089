//! The exercise at the bridge, on the gate alone: the same files, the same acts of the hand, and no directories.

use std::collections::BTreeMap;

use super::COURSE_SEED;
use crate::gate::Delivery;
use crate::{Act, Direction, Gate, Hand, Profile, Seen, Tally};

/// The files that the course puts into the drop directory.
const FILES: u64 = 6;
/// What the course has a person do, in this order; the last one is done to two files that no other is meant for.
const ACTS: [(Hand, &str); 4] =
    [(Hand::Lose, "pay-1"), (Hand::Double, "pay-2"), (Hand::Corrupt, "pay-3"), (Hand::Swap, "pay")];
/// Longer than the slowest second copy.
const END_MS: u64 = 60_000;

/// What the gate counted, and under which name each file arrived.
pub(super) struct Carried {
    pub(super) tally: Tally,
    /// By the name on arrival: the name at pick-up.
    pub(super) arrived: BTreeMap<String, String>,
}

/// Carries the files.
pub(super) fn carry() -> Option<Carried> {
    let profile = Profile::built_in("by-hand").ok()?;
    let mut gate = Gate::new(profile, COURSE_SEED, Direction::OuterToInner);
    ACTS.into_iter().for_each(|(hand, part)| gate.by_hand(0, hand, part));
    let mut waiting: Vec<Seen> =
        (1..=FILES).map(|number| Seen { name: format!("pay-{number}.txt"), size: 10 }).collect();
    let mut arrived = BTreeMap::new();
    let mut now_ms = 0;
    while now_ms < END_MS {
        if gate.wants_scan(now_ms) {
            for act in gate.observe(now_ms, &waiting) {
                if let Act::PickUp { id, name, .. } = act {
                    waiting.retain(|seen| seen.name != name);
                    gate.picked_up(now_ms, id, 10);
                }
            }
        }
        for act in gate.due(now_ms) {
            if let Act::Deliver(Delivery { id, copy, name, taken_as, .. }) = act {
                arrived.insert(name, taken_as);
                gate.delivered(now_ms, id, copy);
            }
        }
        now_ms = gate.next_deadline_ms(now_ms).max(now_ms + 1);
    }
    Some(Carried { tally: gate.tally().clone(), arrived })
}
