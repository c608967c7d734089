//! What may happen to a payment.

use gap_sim::prng::Prng;

/// The most of the item that a payer owes: amounts differ, so that one that is swapped for another is noticed.
const QUANTITY_MAX: u64 = 9;
/// The most cases that a seed has beside one of each.
const MORE_MAX: u64 = 5;

/// What happens to a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// It is paid online, and the channel says so.
    Online,
    /// The channel says so twice at once.
    Doubled,
    /// The channel's message is lost, and the outer node asks when the order's time is over.
    Lost,
    /// The channel says so after the order was closed (关闭后到账).
    Late,
    /// Two people confirm the payment on evidence (确认支付).
    TwoPeople,
    /// Two channels take money for one debt at once (重缴): for two orders of one notice, or for one order that has none.
    Raced,
    /// The payer paid the police before, whose report is inside while the order is being paid.
    PoliceFirst,
    /// The payer pays the police, too, and they report it after the online payment was booked.
    PoliceLate,
}

/// What may happen to a visa fee, which begins at the unit's site and has no notice.
const OF_VISA_FEES: [Way; 6] = [Way::Online, Way::Doubled, Way::Lost, Way::Late, Way::TwoPeople, Way::Raced];
/// What may happen to a fine.
const OF_FINES: [Way; 8] =
    [Way::Online, Way::Doubled, Way::Lost, Way::Late, Way::TwoPeople, Way::Raced, Way::PoliceFirst, Way::PoliceLate];

/// A payment and what happens to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// Whether it is a fine (交警) that has a notice; otherwise a visa fee (出入境).
    pub is_fine: bool,
    /// What happens to it.
    pub way: Way,
    /// So many of the item.
    pub quantity: i64,
    /// Whether it is paid in the channel that can be asked; otherwise in the other one.
    pub at_wechat: bool,
    /// Whether a channel whose payment two people confirmed says so itself in the end.
    pub speaks_later: bool,
}

/// Draws the cases of a seed: one of each, some more, and in any order.
#[must_use]
pub fn draw(seed: u64) -> Vec<Case> {
    let mut prng = Prng::fork(seed, &[1]);
    let fines = OF_FINES.map(|way| (true, way));
    let visa_fees = OF_VISA_FEES.map(|way| (false, way));
    let mut drawn: Vec<(bool, Way)> = fines.into_iter().chain(visa_fees).collect();
    let all = drawn.clone();
    for _ in 0..prng.between(0, MORE_MAX) {
        let place = prng.below(u64::try_from(all.len()).expect("a length fits into 64 bits"));
        drawn.push(all[usize::try_from(place).expect("a place in a list is a usize")]);
    }
    prng.shuffle(&mut drawn);
    drawn.into_iter().map(|(is_fine, way)| case(&mut prng, is_fine, way)).collect()
}

fn case(prng: &mut Prng, is_fine: bool, way: Way) -> Case {
    let quantity = i64::try_from(prng.between(1, QUANTITY_MAX)).expect("a small number");
    let is_first = prng.below(2) == 0;
    let at_wechat = match way {
        Way::Lost => true,
        Way::Late => false,
        Way::Online | Way::Doubled | Way::TwoPeople | Way::Raced | Way::PoliceFirst | Way::PoliceLate => is_first,
    };
    Case { is_fine, way, quantity, at_wechat, speaks_later: way == Way::TwoPeople && prng.below(2) == 0 }
}

impl Case {
    /// What it must come to: the states of its orders, and what the inner zone answers, as match and decision.
    #[must_use]
    pub const fn due(&self) -> (&'static [u64], &'static [&'static str]) {
        match (self.way, self.is_fine) {
            (Way::Online | Way::Doubled | Way::Lost | Way::PoliceLate, true) => (&[2], &["1:1"]),
            (Way::Online | Way::Doubled | Way::Lost | Way::PoliceLate, false) => (&[2], &["4:1"]),
            (Way::Late, true) => (&[6], &["1:1"]),
            (Way::Late, false) => (&[6], &["4:1"]),
            (Way::TwoPeople, true) => (&[7], &["1:1"]),
            (Way::TwoPeople, false) => (&[7], &["4:1"]),
            (Way::Raced, true) => (&[2, 5], &["1:1", "2:2"]),
            (Way::Raced, false) => (&[2], &["2:2", "4:1"]),
            (Way::PoliceFirst, _) => (&[2], &["2:3"]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_seed_has_every_case_and_draws_the_same_again() {
        for seed in 1..=20 {
            let cases = draw(seed);
            for way in OF_FINES {
                assert!(cases.iter().any(|case| case.is_fine && case.way == way), "{seed} {way:?}");
            }
            for way in OF_VISA_FEES {
                assert!(cases.iter().any(|case| !case.is_fine && case.way == way), "{seed} {way:?}");
            }
            assert_eq!(cases, draw(seed));
        }
        assert_ne!(draw(1), draw(2));
    }
}
