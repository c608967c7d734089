//! Keyed digests: SM3 (GB/T 32905) over a block with a secret, then over what is digested, cut to eight bytes.
//!
//! SM3 is cut so that nobody who sees a digest can go on from it and append to what was digested: three quarters of the
//! state are never given out (chopped Merkle-Damgård, Coron and others, CRYPTO 2005). What HMAC would do against that costs
//! a second digest, and one is needed for every row that crosses.

use core::fmt;

use sm3::{Digest as _, Sm3};

use crate::Digest;

/// The bytes of a secret: as many as an SM3 digest has.
pub const KEYED_SECRET_BYTES: usize = 32;
/// The bytes of a keyed digest: a quarter of SM3's, so that the rest stays hidden. Among a hundred million of them, one that
/// was never digested seems to be there once in two hundred thousand million questions.
pub const KEYED_DIGEST_BYTES: usize = 8;

/// A secret under which things are digested. Who does not have it cannot tell by a digest what was digested, nor try
/// guesses.
#[derive(Clone)]
pub struct KeyedDigest {
    /// SM3 after the one block that holds secret and label.
    begun: Sm3,
}

impl KeyedDigest {
    /// The keyed digest for one purpose: `label` makes it unlike that of every other purpose under the same secret.
    #[must_use]
    pub fn new(secret: &[u8; KEYED_SECRET_BYTES], label: &str) -> Self {
        let mut begun = Sm3::new();
        begun.update(secret);
        begun.update(Digest::of(&[label.as_bytes()]).0);
        Self { begun }
    }

    /// Digests `parts` one after the other, as if they were one string of bytes.
    #[must_use]
    pub fn of(&self, parts: &[&[u8]]) -> [u8; KEYED_DIGEST_BYTES] {
        let mut hasher = self.begun.clone();
        for part in parts {
            hasher.update(part);
        }
        let whole: [u8; 32] = hasher.finalize().into();
        let mut cut = [0; KEYED_DIGEST_BYTES];
        cut.copy_from_slice(&whole[..KEYED_DIGEST_BYTES]);
        cut
    }
}

/// Nothing of the secret is shown.
impl fmt::Debug for KeyedDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyedDigest(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ident::hex_encode;

    #[test]
    fn the_digest_is_what_another_implementation_reckons() {
        // Python: sm3(b"k" * 32 + sm3(b"ferry-trace-1") + b'item\0["a"]')
        let digest =
            KeyedDigest::new(b"kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk", "ferry-trace-1").of(&[b"item\0", b"[\"a\"]"]);
        assert_eq!(hex_encode(&digest), "d957dfbf17a34917");
    }

    #[test]
    fn secret_label_and_text_all_count() {
        let secret = [7; KEYED_SECRET_BYTES];
        let here = KeyedDigest::new(&secret, "one");
        assert_eq!(here.of(&[b"a", b"b"]), KeyedDigest::new(&secret, "one").of(&[b"ab"]));
        for other in [KeyedDigest::new(&secret, "two"), KeyedDigest::new(&[8; KEYED_SECRET_BYTES], "one")] {
            assert_ne!(here.of(&[b"ab"]), other.of(&[b"ab"]));
        }
        assert_ne!(here.of(&[b"ab"]), here.of(&[b"ac"]));
        assert_eq!(format!("{here:?}"), "KeyedDigest(…)");
    }
}
