//! The fate of one file, drawn whole when it is picked up.

use super::act::{Damage, Discarded, Visibility};
use crate::delay::Delay;
use crate::direction::Direction;
use crate::prng::Prng;
use crate::profile::Profile;

/// What becomes of one file.
#[derive(Debug)]
pub(super) struct Fate {
    /// The crossing time of the first copy.
    pub(super) delay_ms: u64,
    /// The time that the virus scan adds; `None` when it does not hold the file.
    pub(super) hold_ms: Option<u64>,
    pub(super) end: End,
}

#[derive(Debug)]
pub(super) enum End {
    Discarded(Discarded),
    Delivered { first: CopyFate, second: Option<SecondFate> },
}

#[derive(Debug)]
pub(super) struct CopyFate {
    pub(super) damage: Damage,
    pub(super) visibility: Visibility,
}

#[derive(Debug)]
pub(super) struct SecondFate {
    pub(super) fate: CopyFate,
    /// The crossing time of the second copy, which has its own.
    pub(super) delay_ms: u64,
}

/// Draws the fate of the pick-up with this number; each has a sequence of its own.
pub(super) fn draw(profile: &Profile, delay: &Delay, seed: u64, way: Direction, number: u64, bytes: u64) -> Fate {
    let mut prng = Prng::fork(seed, &[way.label(), number]);
    let delay_ms = delay.draw(&mut prng);
    let second_delay_ms = delay.draw(&mut prng);
    let hold_drawn_ms = prng.between(profile.hold_min_ms, profile.hold_max_ms);
    let hold_ms = prng.chance(profile.hold).then_some(hold_drawn_ms);
    let lost = prng.chance(profile.loss);
    let removed = prng.chance(profile.remove);
    let doubled = prng.chance(profile.duplicate);
    let first = copy_fate(profile, &mut prng, bytes);
    let second = copy_fate(profile, &mut prng, bytes);
    let end = if lost {
        End::Discarded(Discarded::Lost)
    } else if removed {
        End::Discarded(Discarded::Removed)
    } else {
        End::Delivered { first, second: doubled.then_some(SecondFate { fate: second, delay_ms: second_delay_ms }) }
    };
    Fate { delay_ms, hold_ms, end }
}

fn copy_fate(profile: &Profile, prng: &mut Prng, bytes: u64) -> CopyFate {
    let corrupt = prng.chance(profile.corrupt);
    let truncate = prng.chance(profile.truncate);
    let half_visible = prng.chance(profile.half_visible);
    let temporary_name = prng.chance(profile.temporary_name);
    let damage = match bytes.checked_sub(1) {
        Some(last) if corrupt => Damage::Flip {
            offset: prng.between(0, last),
            bit: u8::try_from(prng.below(8)).expect("a number below 8 fits into a byte"),
        },
        Some(last) if truncate => Damage::Truncate { length: prng.between(0, last) },
        Some(_) | None => Damage::None,
    };
    let arriving_bytes = arriving_bytes(damage, bytes);
    let for_ms = profile.unfinished_ms;
    let visibility = if half_visible && arriving_bytes >= 2 {
        Visibility::HalfVisible { first_bytes: prng.between(1, arriving_bytes - 1), for_ms }
    } else if temporary_name {
        Visibility::TemporaryName { for_ms }
    } else {
        Visibility::Atomic
    };
    CopyFate { damage, visibility }
}

/// How many bytes of a file arrive.
pub(super) fn arriving_bytes(damage: Damage, bytes: u64) -> u64 {
    match damage {
        Damage::None | Damage::Flip { .. } => bytes,
        Damage::Truncate { length } => length,
    }
}
