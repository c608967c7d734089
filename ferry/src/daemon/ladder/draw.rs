//! Which rungs are climbed.

use super::rung::Rung;

/// Rungs of each kind of step that an ordinary check climbs.
const OF_EACH_KIND: usize = 2;

/// How many rungs of each kind of step are wanted, and what they are drawn from.
pub struct Wanted {
    /// `None` for all.
    of_each: Option<usize>,
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

impl Wanted {
    /// As the environment says.
    pub fn of_environment() -> Self {
        let of_each = match variable("FERRY_LADDER").as_deref() {
            None => Some(OF_EACH_KIND),
            Some("all") => None,
            Some(number) => Some(number.parse().expect("FERRY_LADDER is a number or all")),
        };
        let fresh = || u64::from_be_bytes(crate::keyring::OsEntropy::new().fresh().unwrap());
        let seed = variable("FERRY_LADDER_SEED");
        Self { of_each, seed: seed.map_or_else(fresh, |seed| seed.parse().expect("FERRY_LADDER_SEED is a number")) }
    }

    /// Those that are wanted, in their order.
    pub fn choose(&self, mut all: Vec<Rung>) -> Vec<Rung> {
        let Some(of_each) = self.of_each else { return all };
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
