//! What the gate's delay has been lately, learned from batches that needed one attempt only.

use std::collections::VecDeque;

/// Samples remembered: enough to have met the slow tail of a gate that delays at random.
const SAMPLES_MAX: usize = 128;
/// Below so many samples nothing is claimed about the tail.
const SAMPLES_MIN: usize = 16;

/// Round trips from publishing a batch to the first status that shows it at the peer, in milliseconds.
#[derive(Debug, Clone, Default)]
pub struct LearnedDelay {
    samples: VecDeque<u64>,
}

impl LearnedDelay {
    /// Adds a round trip of a batch that was published once. A batch that was published twice says nothing, since it
    /// is not known which attempt arrived.
    pub fn learn(&mut self, round_trip_ms: u64) {
        if self.samples.len() == SAMPLES_MAX {
            self.samples.pop_front();
        }
        self.samples.push_back(round_trip_ms);
    }

    /// The longest round trip remembered; `None` before there are enough to speak of.
    #[must_use]
    pub fn longest_ms(&self) -> Option<u64> {
        if self.samples.len() < SAMPLES_MIN { None } else { self.samples.iter().copied().max() }
    }

    /// The median round trip, for the operator; `None` before there is any.
    #[must_use]
    pub fn median_ms(&self) -> Option<u64> {
        let mut sorted: Vec<u64> = self.samples.iter().copied().collect();
        sorted.sort_unstable();
        sorted.get(sorted.len() / 2).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_samples_are_forgotten() {
        let mut delay = LearnedDelay::default();
        assert_eq!(delay.longest_ms(), None);
        delay.learn(9_000);
        for _ in 0..SAMPLES_MAX - 1 {
            delay.learn(10);
        }
        assert_eq!(delay.longest_ms(), Some(9_000));
        delay.learn(10);
        assert_eq!(delay.longest_ms(), Some(10));
        assert_eq!(delay.median_ms(), Some(10));
    }
}
