//! Keys that protect nothing and cost nothing, for long runs of simulated worlds. Without the feature `toy-keys`, which no
//! program that is shipped has, nothing of this is compiled in; with it, a thread must still switch them on.
//!
//! They keep what the protocol rests on: a signature fits one key and one message, and a wrapped key opens for one holder.

use std::cell::Cell;

use crate::digest::Digest;
use crate::keys::{DataKey, KeyError};

thread_local! {
    static ON: Cell<bool> = const { Cell::new(false) };
}

/// Switches toy keys on or off in this thread.
pub fn set(on: bool) {
    ON.set(on);
}

/// Whether this thread uses toy keys.
#[must_use]
pub fn are_on() -> bool {
    ON.get()
}

/// A positive integer below the order of the curve, in DER.
fn integer(digest: &Digest) -> [u8; 34] {
    let mut der = [0; 34];
    der[..2].copy_from_slice(&[0x02, 0x20]);
    der[2..].copy_from_slice(&digest.0);
    // The highest bit would be a sign, and a leading zero byte would be too long an encoding.
    der[2] = (der[2] & 0x3f) | 0x40;
    der
}

/// What stands for a signature: two digests in the encoding of one.
pub(crate) fn sign(spki: &[u8], message: &[u8]) -> Vec<u8> {
    let [r, s] = [b"r", b"s"].map(|part| integer(&Digest::of(&[b"toy signature ", part, spki, message])));
    [&[0x30, 0x44], r.as_slice(), s.as_slice()].concat()
}

/// What stands for a wrapped key: the key under a digest of the holder's public key, and a check.
pub(crate) fn wrap(spki: &[u8], key: &DataKey) -> Vec<u8> {
    let mask = Digest::of(&[b"toy mask ", spki]);
    let hidden = key.0.iter().zip(mask.0).map(|(one, other)| one ^ other);
    hidden.chain(Digest::of(&[b"toy check ", spki, &key.0]).0).collect()
}

/// Undoes [`wrap`].
pub(crate) fn unwrap(spki: &[u8], wrapped: &[u8]) -> Result<DataKey, KeyError> {
    let (hidden, check) = wrapped.split_at_checked(16).ok_or(KeyError::Refused)?;
    let mask = Digest::of(&[b"toy mask ", spki]);
    let mut key = DataKey([0; 16]);
    for (place, byte) in key.0.iter_mut().enumerate() {
        *byte = hidden[place] ^ mask.0[place];
    }
    if Digest::of(&[b"toy check ", spki, &key.0]).0 == check { Ok(key) } else { Err(KeyError::Refused) }
}
