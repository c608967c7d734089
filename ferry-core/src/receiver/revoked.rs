//! Batches that a revoked key signed: which of them count.
//!
//! A revocation names the last good batch by its digest. That batch counts, and so does every batch that one which counts
//! names as the one before it. Whatever else the key signed may be a thief's.

use std::sync::Arc;

use ferry_format::{Digest, KeyId, KeyState, Mark};

use super::Receiver;
use crate::breaks::{self, Break};
use crate::ports::{BatchId, PeerKey};

/// The published code of a batch that a revoked key signed and that does not chain to the last good one.
pub const REVOKED_CHAIN: &str = "revoked-chain";

impl Receiver {
    /// Takes how the peer's keys stand. What is held and does not count any more is to be set aside.
    pub fn set_peer_keys(&mut self, keys: &Arc<Vec<PeerKey>>) {
        if self.peer_keys == *keys {
            return;
        }
        self.peer_keys.clone_from(keys);
        let is_out = |((epoch, seq), held): (&(u64, u64), &super::Held)| {
            (!self.counts((*epoch, *seq), held.signer, held.chain)).then_some((*epoch, *seq, held.digest))
        };
        self.revoked = self.held.iter().filter_map(is_out).collect();
    }

    /// The last good batches of a key that is revoked.
    fn last_good(&self, signer: KeyId) -> Option<&[Mark]> {
        let found = self.peer_keys.iter().find(|key| key.key == signer)?;
        match &found.state {
            KeyState::Revoked { last_good, .. } => Some(last_good),
            KeyState::Active | KeyState::Announced | KeyState::Retired => None,
        }
    }

    /// Whether a key is revoked.
    #[must_use]
    pub fn is_revoked(&self, signer: KeyId) -> bool {
        self.last_good(signer).is_some()
    }

    /// Whether a batch above the watermark counts that bears a key's signature, and by whose digest the chain names it.
    pub(super) fn counts(&self, (epoch, seq): (u64, u64), signer: KeyId, chain: Digest) -> bool {
        let (mut signer, mut chain, mut seq) = (signer, chain, seq);
        while let Some(last_good) = self.last_good(signer) {
            let good = last_good.iter().find(|mark| mark.stream == self.stream);
            let Some(good) = good.filter(|good| good.epoch == epoch && seq <= good.seq) else { return false };
            if seq == good.seq {
                return chain == good.digest;
            }
            if breaks::is(Break::ChainIgnored) {
                return true;
            }
            let next = self.held.get(&(epoch, seq + 1)).filter(|next| next.previous == chain);
            let Some(next) = next else { return false };
            (signer, chain, seq) = (next.signer, next.chain, seq + 1);
        }
        true
    }

    /// Whether nothing is to be applied before batches that do not count any more are set aside.
    pub(super) fn has_revoked(&self) -> bool {
        !self.revoked.is_empty()
    }

    /// Whether what is held at a place is about to be set aside.
    pub(super) fn is_revoked_at(&self, epoch: u64, seq: u64) -> bool {
        self.revoked.iter().any(|(out_epoch, out, _)| (*out_epoch, *out) == (epoch, seq))
    }

    /// The first held batch that does not count any more and whose file is there to be set aside.
    pub(super) fn next_revoked(&mut self) -> Option<BatchId> {
        let Self { revoked, held, stream, .. } = self;
        revoked.retain(|(epoch, seq, digest)| held.get(&(*epoch, *seq)).is_some_and(|held| held.digest == *digest));
        let is_there =
            |(epoch, seq, _): &&(u64, u64, Digest)| held.get(&(*epoch, *seq)).is_some_and(|held| held.durable);
        let (epoch, seq, digest) = *revoked.iter().find(is_there)?;
        Some(BatchId { stream: stream.clone(), epoch, seq, digest })
    }
}
