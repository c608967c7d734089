//! What a gate counts in one direction, in memory that does not grow.

use serde::Serialize;

/// What a gate counted in one direction since it started.
///
/// At every moment `picked_up = delivered_files + lost + removed + in_flight`,
/// and `delivered = delivered_files + doubled`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Tally {
    /// Files that a scan saw for the first time, or with a new size after a pick-up.
    pub seen: u64,
    /// Files that may not cross, for their extension, their size or because they are empty.
    pub refused: u64,
    /// Files picked up.
    pub picked_up: u64,
    /// The bytes of the files picked up.
    pub picked_up_bytes: u64,
    /// Files picked up of which nothing arrived yet, and which are neither lost nor removed so far.
    pub in_flight: u64,
    /// Files of which one copy arrived and a second one is still to come.
    pub doubles_in_flight: u64,
    /// Files of which at least one copy is delivered.
    pub delivered_files: u64,
    /// Copies delivered, second ones included.
    pub delivered: u64,
    /// The bytes of the copies delivered, as long as they arrived.
    pub delivered_bytes: u64,
    /// Second copies delivered.
    pub doubled: u64,
    /// Files that vanished without a word.
    pub lost: u64,
    /// Files that the virus scan removed.
    pub removed: u64,
    /// Files that the virus scan held back, removed ones included.
    pub held: u64,
    /// Copies delivered with a flipped bit.
    pub corrupted: u64,
    /// Copies delivered short.
    pub truncated: u64,
    /// Copies that stood half written under their final name before they were whole.
    pub half_visible: u64,
    /// Copies that stood under a temporary name before they had their final one.
    pub temporary_name: u64,
    /// Files whose first copy arrived after the first copy of one that was picked up later.
    pub reordered: u64,
    /// From pick-up to the delivery of the first copy.
    pub delay_ms: DelayHistogram,
}

/// Values from 0 to 15 have a bucket each; above, each power of two has 16.
const STEPS: u64 = 16;
const STEP_BITS: u32 = STEPS.ilog2();
const BUCKETS: usize = 61 * 16;

/// Delays in milliseconds, in buckets no wider than a sixteenth of their value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DelayHistogram {
    buckets: Vec<u64>,
    count: u64,
    sum_ms: u64,
    max_ms: u64,
}

impl Default for DelayHistogram {
    fn default() -> Self {
        Self { buckets: vec![0; BUCKETS], count: 0, sum_ms: 0, max_ms: 0 }
    }
}

impl DelayHistogram {
    /// Counts one delay.
    pub fn record(&mut self, delay_ms: u64) {
        self.buckets[bucket_of(delay_ms)] += 1;
        self.count += 1;
        self.sum_ms = self.sum_ms.saturating_add(delay_ms);
        self.max_ms = self.max_ms.max(delay_ms);
    }

    /// How many delays were counted.
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// The mean, rounded down; 0 when nothing was counted.
    pub const fn mean_ms(&self) -> u64 {
        match self.sum_ms.checked_div(self.count) {
            Some(mean) => mean,
            None => 0,
        }
    }

    /// The greatest delay, exactly.
    pub const fn max_ms(&self) -> u64 {
        self.max_ms
    }

    /// The delay that `percent` of a hundred do not exceed, to a sixteenth of its value; 0 when nothing was counted.
    ///
    /// # Panics
    /// When `percent` is above 100.
    pub fn percentile_ms(&self, percent: u64) -> u64 {
        assert!(percent <= 100, "there is no {percent}th percentile");
        let wanted = self.count.saturating_mul(percent).div_ceil(100).max(1);
        let mut passed = 0;
        for (index, count) in self.buckets.iter().enumerate() {
            passed += count;
            if passed >= wanted {
                return last_of(index).min(self.max_ms);
            }
        }
        0
    }
}

fn bucket_of(value: u64) -> usize {
    let index = if value < STEPS {
        value
    } else {
        let power = value.ilog2();
        u64::from(power - STEP_BITS + 1) * STEPS + ((value >> (power - STEP_BITS)) - STEPS)
    };
    usize::try_from(index).expect("there are fewer buckets than a usize can count")
}

/// The greatest value that a bucket holds.
fn last_of(index: usize) -> u64 {
    let index = u64::try_from(index).expect("a usize fits into 64 bits on every platform of ours");
    if index < STEPS {
        return index;
    }
    let shift = index / STEPS - 1;
    let first = (STEPS + index % STEPS) << shift;
    first + ((1 << shift) - 1)
}

impl Serialize for DelayHistogram {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Summary {
            count: u64,
            mean: u64,
            p50: u64,
            p99: u64,
            max: u64,
        }
        Summary {
            count: self.count,
            mean: self.mean_ms(),
            p50: self.percentile_ms(50),
            p99: self.percentile_ms(99),
            max: self.max_ms,
        }
        .serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_lies_in_its_bucket() {
        for value in (0..5_000).chain([303_968, 1 << 40, u64::MAX - 1, u64::MAX]) {
            let index = bucket_of(value);
            assert!(index < BUCKETS);
            assert!(value <= last_of(index), "{value}");
            assert!(index == 0 || value > last_of(index - 1), "{value}");
        }
    }

    #[test]
    fn percentiles_are_right_to_a_sixteenth() {
        let mut histogram = DelayHistogram::default();
        assert_eq!((histogram.percentile_ms(50), histogram.mean_ms()), (0, 0));
        for value in 1..=10_000 {
            histogram.record(value);
        }
        for (percent, exact) in [(1, 100), (50, 5_000), (99, 9_900)] {
            let found = histogram.percentile_ms(percent);
            assert!((exact..=exact + exact / 16 + 1).contains(&found), "{percent}: {found}");
        }
        assert_eq!((histogram.percentile_ms(100), histogram.max_ms(), histogram.mean_ms()), (10_000, 10_000, 5_000));
    }
}
