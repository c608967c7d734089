//! How long a gate keeps a file: a distribution with a chosen least, mean and greatest delay, in integers.
//!
//! The shape is a stretched exponential, E^(5/4) for an exponentially distributed E. With the seed's least
//! delay (57 ms) and mean (17 323 ms), the greatest of as many files as the seed measured (25 907) is then
//! expected near 297 s, where the seed saw 303.968 s: one shape meets all three figures. A plain
//! exponential would hardly pass 186 s.

use crate::prng::Prng;

/// Fixed-point numbers here have 24 bits after the point.
const FRACTION_BITS: u32 = 24;
/// The natural logarithm of 2, with 32 bits after the point.
const LN_2_Q32: u64 = 2_977_044_472;
/// The scale has 16 bits after the point, in milliseconds.
const SCALE_BITS: u32 = 16;
/// Points of the shape over which the mean is fitted; more change it by less than 0.1 %.
const FIT_POINTS: u64 = 1_024;

/// A distribution of delays in milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delay {
    min_ms: u64,
    max_ms: u64,
    scale_q16: u64,
}

impl Delay {
    /// Fits the distribution to a least, mean and greatest delay.
    ///
    /// # Panics
    /// Unless `min_ms <= mean_ms <= max_ms <= 2^32`, which a profile checks.
    pub fn fit(min_ms: u64, mean_ms: u64, max_ms: u64) -> Self {
        assert!(min_ms <= mean_ms && mean_ms <= max_ms && max_ms <= 1 << 32, "a profile checks its delays");
        let mut fitted = Self { min_ms, max_ms, scale_q16: 0 };
        if min_ms == mean_ms {
            return fitted;
        }
        let shapes: Vec<u64> =
            (0..FIT_POINTS).map(|point| stretched((2 * point + 1) * ((1 << 32) / (2 * FIT_POINTS)))).collect();
        let target = mean_ms * FIT_POINTS;
        // The highest scale puts even the smallest point of the shape at the greatest delay.
        let (mut low, mut high) = (0, u64::MAX);
        while high - low > 1 {
            fitted.scale_q16 = low + (high - low) / 2;
            let sum: u64 = shapes.iter().map(|shape| fitted.at(*shape)).sum();
            if sum < target { low = fitted.scale_q16 } else { high = fitted.scale_q16 }
        }
        fitted.scale_q16 = high;
        fitted
    }

    /// Draws one delay in milliseconds, never below the least nor above the greatest.
    pub fn draw(&self, prng: &mut Prng) -> u64 {
        self.at(stretched(prng.between(1, 1 << 32)))
    }

    fn at(&self, shape_q24: u64) -> u64 {
        let beyond = (u128::from(shape_q24) * u128::from(self.scale_q16)) >> (FRACTION_BITS + SCALE_BITS);
        let range = self.max_ms - self.min_ms;
        self.min_ms + u64::try_from(beyond).unwrap_or(range).min(range)
    }
}

/// E^(5/4) for E = -ln(uniform / 2^32), `uniform` from 1 to 2^32, with 24 bits after the point.
fn stretched(uniform: u64) -> u64 {
    let exponential = minus_ln(uniform);
    let root = (exponential << FRACTION_BITS).isqrt();
    let fourth_root = (root << FRACTION_BITS).isqrt();
    (exponential * fourth_root) >> FRACTION_BITS
}

/// -ln(uniform / 2^32) with 24 bits after the point; the logarithm's bits come from repeated squaring.
fn minus_ln(uniform: u64) -> u64 {
    assert!((1..=1 << 32).contains(&uniform), "the caller draws from 1 to 2^32");
    let whole = uniform.ilog2();
    let mut mantissa = if whole <= 31 { uniform << (31 - whole) } else { uniform >> (whole - 31) };
    let mut log_2 = u64::from(whole);
    for _ in 0..FRACTION_BITS {
        mantissa = (mantissa * mantissa) >> 31;
        log_2 <<= 1;
        if mantissa >= 1 << 32 {
            mantissa >>= 1;
            log_2 |= 1;
        }
    }
    (((32 << FRACTION_BITS) - log_2) * LN_2_Q32) >> 32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seeds_figures_are_met_over_a_million_draws() {
        let delay = Delay::fit(57, 17_323, 303_968);
        let mut prng = Prng::new(1);
        let (mut sum, mut least, mut greatest) = (0, u64::MAX, 0);
        for _ in 0..1_000_000 {
            let drawn = delay.draw(&mut prng);
            sum += drawn;
            least = least.min(drawn);
            greatest = greatest.max(drawn);
        }
        let mean = sum / 1_000_000;
        assert!(mean.abs_diff(17_323) * 100 <= 17_323 * 3, "mean {mean}");
        assert!((57..=60).contains(&least), "least {least}");
        assert_eq!(greatest, 303_968);
    }

    #[test]
    fn as_many_files_as_the_seed_measured_reach_about_its_greatest_delay() {
        let delay = Delay::fit(57, 17_323, 303_968);
        let mut greatest: Vec<u64> = (0..15)
            .map(|seed| {
                let mut prng = Prng::new(seed);
                (0..25_907).map(|_| delay.draw(&mut prng)).max().unwrap()
            })
            .collect();
        greatest.sort_unstable();
        assert!((250_000..=303_968).contains(&greatest[7]), "median of the greatest {}", greatest[7]);
    }

    #[test]
    fn every_mean_between_least_and_greatest_can_be_had() {
        for (min, mean, max) in [(0, 0, 0), (5, 5, 900), (0, 1, 1_000), (10, 500, 1_000), (10, 990, 1_000), (0, 7, 7)] {
            let delay = Delay::fit(min, mean, max);
            let mut prng = Prng::new(4);
            let sum: u64 =
                (0..100_000).map(|_| delay.draw(&mut prng)).inspect(|ms| assert!((min..=max).contains(ms))).sum();
            assert!((sum / 100_000).abs_diff(mean) <= 1 + mean / 33, "{min} {mean} {max}: {}", sum / 100_000);
        }
    }

    #[test]
    fn the_logarithm_is_right_to_a_millionth() {
        for uniform in [1, 2, 3, 1_000, 1 << 20, (1 << 31) + 12_345, (1 << 32) - 1, 1 << 32] {
            let exact = 32.0 * 2.0_f64.ln() - f64::from(u32::try_from(uniform - 1).unwrap()).ln_1p();
            let ours = f64::from(u32::try_from(minus_ln(uniform)).unwrap()) / f64::from(1 << FRACTION_BITS);
            assert!((exact - ours).abs() < 1e-6 * exact.max(1.0), "{uniform}: {exact} {ours}");
        }
    }
}
