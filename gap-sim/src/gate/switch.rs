//! The exclusive switch: it faces one side at a time, so that the two sides are never joined.

use crate::direction::{Direction, Side};
use crate::profile::{Profile, Zones};

/// Says when a file that was picked up now, and needs so long to cross, is let out on the target side.
pub(super) fn arrival_ms(profile: &Profile, way: Direction, now_ms: u64, delay_ms: u64) -> u64 {
    let faces = |side, from_ms| next_facing_ms(profile.switch_ms, side, from_ms);
    match profile.zones {
        Zones::Two => faces(way.target(), now_ms.saturating_add(delay_ms)),
        Zones::Three => {
            let first_hop_ms = delay_ms / 2;
            let entered_ms = faces(way.source(), now_ms.saturating_add(first_hop_ms));
            faces(way.target(), entered_ms.saturating_add(delay_ms - first_hop_ms))
        }
    }
}

/// The first moment from `from_ms` on at which the switch faces the side. It begins with the inner side at 0.
fn next_facing_ms(switch_ms: u64, side: Side, from_ms: u64) -> u64 {
    let Some(turn) = from_ms.checked_div(switch_ms) else {
        return from_ms;
    };
    let facing = if turn.is_multiple_of(2) { Side::Inner } else { Side::Outer };
    if facing == side { from_ms } else { (turn + 1).saturating_mul(switch_ms) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_switch_faces_one_side_at_a_time() {
        assert_eq!(next_facing_ms(0, Side::Outer, 123), 123);
        assert_eq!(next_facing_ms(100, Side::Inner, 50), 50);
        assert_eq!(next_facing_ms(100, Side::Outer, 50), 100);
        assert_eq!(next_facing_ms(100, Side::Outer, 199), 199);
        assert_eq!(next_facing_ms(100, Side::Inner, 100), 200);
    }

    #[test]
    fn three_zones_wait_for_the_source_side_and_then_for_the_target_side() {
        let two = Profile { switch_ms: 100, ..Profile::default() };
        let three = Profile { zones: Zones::Three, ..two.clone() };
        assert_eq!(arrival_ms(&two, Direction::InnerToOuter, 150, 20), 170);
        assert_eq!(arrival_ms(&three, Direction::InnerToOuter, 150, 20), 300);
        assert_eq!(arrival_ms(&three, Direction::OuterToInner, 150, 20), 200);
    }
}
