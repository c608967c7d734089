//! Which rungs are climbed.

use std::ops::RangeInclusive;
use std::str::FromStr;

use super::rung::Rung;

/// Rungs of each kind of step that an ordinary check climbs.
const OF_EACH_KIND: usize = 2;

/// Which rungs are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Which {
    /// So many of each kind of step.
    OfEachKind(usize),
    /// Every one of the steps with these numbers.
    OfSteps(RangeInclusive<u64>),
}

/// Which rungs are wanted, and what they are drawn from.
pub struct Wanted {
    which: Which,
    /// What they are drawn from.
    pub seed: u64,
}

#[expect(clippy::disallowed_methods, reason = "a test has no command line of its own")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// The one rung that is named.
pub fn named_rung() -> Option<Rung> {
    variable("FERRY_LADDER_RUNG").map(|name| name.parse().unwrap_or_else(|why| panic!("FERRY_LADDER_RUNG: {why}")))
}

impl FromStr for Which {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = |part: &str| part.parse().map_err(|_| "it is `all`, a number, or a range such as 1..2000");
        match text.split_once("..") {
            _ if text == "all" => Ok(Self::OfSteps(1..=u64::MAX)),
            Some((from, to)) => Ok(Self::OfSteps(number(from)?..=number(to)?)),
            None => Ok(Self::OfEachKind(usize::try_from(number(text)?).map_err(|_| "a smaller number")?)),
        }
    }
}

impl Wanted {
    /// As the environment says.
    pub fn of_environment() -> Self {
        let which = variable("FERRY_LADDER").map_or(Ok(Which::OfEachKind(OF_EACH_KIND)), |text| text.parse());
        let fresh = || u64::from_be_bytes(crate::keyring::OsEntropy::new().fresh().unwrap());
        let seed = variable("FERRY_LADDER_SEED");
        Self {
            which: which.unwrap_or_else(|why| panic!("FERRY_LADDER: {why}")),
            seed: seed.map_or_else(fresh, |seed| seed.parse().expect("FERRY_LADDER_SEED is a number")),
        }
    }

    /// Whether every rung of some steps is wanted: then the test has the machine for itself.
    pub const fn is_whole(&self) -> bool {
        matches!(self.which, Which::OfSteps(_))
    }

    /// Those that are wanted of all rungs of one kind of step, in their order.
    pub fn choose(&self, mut all: Vec<Rung>) -> Vec<Rung> {
        let of_each = match &self.which {
            Which::OfEachKind(of_each) => *of_each,
            Which::OfSteps(steps) => {
                all.retain(|rung| steps.contains(&rung.at));
                return all;
            }
        };
        let mut state = self.seed;
        while all.len() > of_each {
            let length = u64::try_from(all.len()).unwrap();
            all.remove(usize::try_from(next(&mut state) % length).unwrap());
        }
        all
    }
}

/// The next number (SplitMix64).
const fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[test]
fn a_piece_of_the_ladder_is_named_by_its_steps() {
    assert_eq!("40".parse(), Ok(Which::OfEachKind(40)));
    assert_eq!("all".parse(), Ok(Which::OfSteps(1..=u64::MAX)));
    assert_eq!("1..2000".parse(), Ok(Which::OfSteps(1..=2_000)));
    assert!("many".parse::<Which>().is_err() && "1..".parse::<Which>().is_err());
    let rung = |at| Rung::new(super::scenario::Life::Quiet, at, crate::fail::plan::How::Before, 0);
    let wanted = Wanted { which: Which::OfSteps(2..=3), seed: 0 };
    assert_eq!(wanted.choose((1..=4).map(rung).collect()), [rung(2), rung(3)]);
}
