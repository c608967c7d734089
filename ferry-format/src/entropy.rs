//! Randomness, passed in by the caller, so that test vectors can pin the writer's bytes.

use rand_core::{TryCryptoRng, TryRng};
use thiserror::Error;

/// A source of unpredictable bytes. The caller supplies the operating system's, a test a fixed one.
pub trait Entropy {
    /// Fills `out` entirely.
    ///
    /// # Errors
    /// When the source cannot deliver; what was written then must not be used.
    fn fill(&mut self, out: &mut [u8]) -> Result<(), EntropyError>;
}

/// The source of randomness failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the source of randomness failed")]
pub struct EntropyError;

impl<E: Entropy + ?Sized> Entropy for &mut E {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), EntropyError> {
        (**self).fill(out)
    }
}

/// An array of fresh bytes.
pub(crate) fn fresh<const N: usize>(entropy: &mut dyn Entropy) -> Result<[u8; N], EntropyError> {
    let mut out = [0; N];
    entropy.fill(&mut out)?;
    Ok(out)
}

/// Lends an [`Entropy`] to the SM2 library.
pub(crate) struct Lent<'a>(pub &'a mut dyn Entropy);

impl TryRng for Lent<'_> {
    type Error = EntropyError;

    fn try_next_u32(&mut self) -> Result<u32, EntropyError> {
        fresh(self.0).map(u32::from_be_bytes)
    }

    fn try_next_u64(&mut self) -> Result<u64, EntropyError> {
        fresh(self.0).map(u64::from_be_bytes)
    }

    fn try_fill_bytes(&mut self, dst: &mut [u8]) -> Result<(), EntropyError> {
        self.0.fill(dst)
    }
}

impl TryCryptoRng for Lent<'_> {}
