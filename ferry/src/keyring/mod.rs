//! Keys and trust of a zone: on disk, and at work.

#[cfg(test)]
mod conformance;
mod key_ring;
mod keys;
mod rotation;
mod sealer;
mod trace;
mod trust;

use std::path::PathBuf;

use ferry_format::{Entropy, EntropyError};
use ring::rand::{SecureRandom as _, SystemRandom};

pub use key_ring::{KeyRing, ZoneKeys};
pub use keys::{
    ENCRYPT_KEY, SIGN_KEY, create_keys, create_operator, has_keys, load_keys, load_operator, own_card, own_entry,
};
pub use rotation::{NEXT, NextKeys, create_next, load_next, next_directory, take_up_next};
pub use sealer::FerrySealer;
pub use trace::{TRACE_KEY, create_trace_key, load_trace_key, take_trace_key, trace_key_path};
pub use trust::{OVERLAP_MS, TrustFile, read_trust, write_trust};

/// The randomness of the operating system.
#[derive(Debug, Clone)]
pub struct OsEntropy {
    random: SystemRandom,
}

impl OsEntropy {
    /// The randomness of the operating system.
    #[must_use]
    pub fn new() -> Self {
        Self { random: SystemRandom::new() }
    }

    /// An array of fresh bytes.
    ///
    /// # Errors
    /// When there is no randomness.
    pub fn fresh<const N: usize>(&mut self) -> Result<[u8; N], EntropyError> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }
}

impl Default for OsEntropy {
    fn default() -> Self {
        Self::new()
    }
}

impl Entropy for OsEntropy {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), EntropyError> {
        self.random.fill(out).map_err(|_| EntropyError)
    }
}

/// The directory that the service manager put this zone's keys into; `None` when it did not.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the service manager names the directory only in the environment")]
pub fn credentials_directory() -> Option<PathBuf> {
    let directory = PathBuf::from(std::env::var_os("CREDENTIALS_DIRECTORY")?);
    has_keys(&directory).then_some(directory)
}
