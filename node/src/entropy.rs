//! Randomness as an argument.

use ring::rand::{SecureRandom, SystemRandom};

use crate::clock::Moment;
use crate::failure::Failure;

/// Yields bytes that nobody can guess.
pub trait Entropy: Send + Sync {
    /// Fills `bytes`.
    ///
    /// # Errors
    /// When there is no randomness.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), Failure>;
}

/// The randomness of the operating system.
#[derive(Debug, Clone)]
pub struct SystemEntropy(SystemRandom);

impl SystemEntropy {
    /// The randomness of this machine.
    #[must_use]
    pub fn new() -> Self {
        Self(SystemRandom::new())
    }
}

impl Default for SystemEntropy {
    fn default() -> Self {
        Self::new()
    }
}

impl Entropy for SystemEntropy {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), Failure> {
        self.0.fill(bytes).map_err(|_| Failure::internal("the operating system has no randomness"))
    }
}

/// A GUID whose first 48 bits are the moment (RFC 9562, version 7), in the upper case of finance systems, so that rows of one
/// time stand together in an index.
///
/// # Errors
/// When there is no randomness.
pub fn guid(entropy: &dyn Entropy, now: Moment) -> Result<String, Failure> {
    let mut random = [0; 10];
    entropy.fill(&mut random)?;
    let ms = now.ms();
    let [a, b, c, d, rest @ ..] = random;
    let first = u16::from_be_bytes([a, b]) & 0xfff;
    let second = u16::from_be_bytes([c, d]) & 0x3fff | 0x8000;
    let node = rest.iter().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
    Ok(format!("{:08X}-{:04X}-7{first:03X}-{second:04X}-{node:012X}", ms >> 16, ms & 0xffff))
}

#[cfg(test)]
mod tests {
    use super::{SystemEntropy, guid};
    use crate::clock::Moment;

    #[test]
    fn guids_are_ordered_by_time_and_differ() {
        let entropy = SystemEntropy::new();
        let at = |ms| guid(&entropy, Moment::of_ms(ms).unwrap()).unwrap();
        let (one, other, later) = (at(1_767_196_800_000), at(1_767_196_800_000), at(1_767_196_800_001));
        assert_ne!(one, other);
        assert!(one < later && other < later);
        assert_eq!((one.len(), &one[14..15]), (36, "7"));
    }
}
