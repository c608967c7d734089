//! The one source of chance: xoshiro256**, seeded through splitmix64, with integer arithmetic only.

use crate::rate::PER_MILLION;
pub use crate::rate::Rate;

/// A pseudo-random number generator whose numbers depend on nothing but its seed.
///
/// It is for simulation. Keys and nonces never come from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prng {
    state: [u64; 4],
}

impl Prng {
    /// Starts from a seed; every seed is as good as any other, 0 included.
    pub fn new(seed: u64) -> Self {
        let mut mixed = seed;
        Self { state: std::array::from_fn(|_| split_mix(&mut mixed)) }
    }

    /// Starts from a seed and labels, so that each thing drawn for has a sequence of its own.
    ///
    /// A fork does not move when other things draw more or fewer numbers.
    pub fn fork(seed: u64, labels: &[u64]) -> Self {
        let mut mixed = seed;
        for label in labels {
            let step = split_mix(&mut mixed);
            mixed = step ^ label.wrapping_mul(0xd6e8_feb8_6659_fd93);
        }
        Self::new(mixed)
    }

    /// Draws any 64-bit number.
    pub fn draw(&mut self) -> u64 {
        let [a, b, c, d] = self.state;
        let result = b.wrapping_mul(5).rotate_left(7).wrapping_mul(9);
        let (c, d) = (c ^ a, d ^ b);
        self.state = [a ^ d, b ^ c, c ^ (b << 17), d.rotate_left(45)];
        result
    }

    /// Draws a number below `limit`, each equally likely.
    ///
    /// # Panics
    /// When `limit` is 0, because there is no such number.
    pub fn below(&mut self, limit: u64) -> u64 {
        assert!(limit > 0, "no number is below 0");
        // Numbers of the last, incomplete round would favour the small results.
        let whole_rounds = u64::MAX - (u64::MAX % limit);
        loop {
            let drawn = self.draw();
            if drawn < whole_rounds {
                return drawn % limit;
            }
        }
    }

    /// Draws a number from `low` to `high`, both included, each equally likely.
    ///
    /// # Panics
    /// When `low` is above `high`.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        assert!(low <= high, "the range from {low} to {high} is empty");
        match (high - low).checked_add(1) {
            Some(count) => low + self.below(count),
            None => self.draw(),
        }
    }

    /// Says yes as often as the rate states. It draws even for a rate of 0, so that rates do not move later draws.
    pub fn chance(&mut self, rate: Rate) -> bool {
        self.below(u64::from(PER_MILLION)) < u64::from(rate.per_million())
    }

    /// Brings a list into an order drawn at random, each order equally likely.
    pub fn shuffle<T>(&mut self, list: &mut [T]) {
        let mut rest = list;
        while rest.len() > 1 {
            let count = u64::try_from(rest.len()).expect("a length fits into 64 bits on every platform of ours");
            let chosen = usize::try_from(self.below(count)).expect("a number below a length is a usize");
            let last = rest.len() - 1;
            rest.swap(chosen, last);
            rest = &mut rest[..last];
        }
    }
}

fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seeding_is_the_published_splitmix64() {
        let mut state = 1_234_567;
        assert_eq!(split_mix(&mut state), 6_457_827_717_110_365_317);
        assert_eq!(split_mix(&mut state), 3_203_168_211_198_807_973);
    }

    #[test]
    fn the_generator_is_the_published_xoshiro256_star_star() {
        let mut prng = Prng { state: [1, 2, 3, 4] };
        let drawn: Vec<u64> = (0..4).map(|_| prng.draw()).collect();
        assert_eq!(drawn, [11_520, 0, 1_509_978_240, 1_215_971_899_390_074_240]);
    }

    #[test]
    fn forks_differ_by_label_and_repeat_by_seed() {
        assert_eq!(Prng::fork(7, &[1, 2]), Prng::fork(7, &[1, 2]));
        assert_ne!(Prng::fork(7, &[1, 2]), Prng::fork(7, &[2, 1]));
        assert_ne!(Prng::fork(7, &[1]), Prng::fork(8, &[1]));
    }

    #[test]
    fn chance_keeps_its_rate() {
        let mut prng = Prng::new(1);
        let rate = Rate::from_per_million(50_000).unwrap();
        let count = (0..100_000).filter(|_| prng.chance(rate)).count();
        assert!((4_700..5_300).contains(&count), "{count}");
        assert!((0..1_000).all(|_| prng.chance(Rate::ALWAYS)));
        assert!(!(0..1_000).any(|_| prng.chance(Rate::NEVER)));
    }

    #[test]
    fn between_reaches_both_ends_and_nothing_beyond() {
        let mut prng = Prng::new(2);
        let drawn: Vec<u64> = (0..1_000).map(|_| prng.between(3, 6)).collect();
        assert_eq!(drawn.iter().min(), Some(&3));
        assert_eq!(drawn.iter().max(), Some(&6));
        assert_eq!(prng.between(5, 5), 5);
        prng.between(0, u64::MAX);
    }

    #[test]
    fn shuffle_keeps_every_item() {
        let mut list: Vec<u32> = (0..100).collect();
        Prng::new(3).shuffle(&mut list);
        assert_ne!(list, (0..100).collect::<Vec<u32>>());
        list.sort_unstable();
        assert_eq!(list, (0..100).collect::<Vec<u32>>());
    }
}
