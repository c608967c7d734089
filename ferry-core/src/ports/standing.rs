//! How keys stand: those of the peer, and this zone's own that are to be.

use std::sync::Arc;

use ferry_format::{KeyId, KeyState, LinkId, TrustStore, ZoneName, inspect_batch};

use super::{FaultKind, PortError};

/// A signing key of the peer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerKey {
    /// The key.
    pub key: KeyId,
    /// How far it is trusted.
    pub state: KeyState,
    /// When it expires, in milliseconds since 1970-01-01 UTC. What it signs is held from then on.
    pub not_after_ms: Option<u64>,
}

/// How the keys of a link stand at the moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Standing {
    /// The peer's signing keys, ordered by key.
    pub peer_keys: Arc<Vec<PeerKey>>,
    /// The card of this zone's next keys, to be announced to the peer.
    pub card: Option<Arc<Vec<u8>>>,
    /// The peer seals to those next keys: its operators have put them in use.
    pub accepted: bool,
}

/// Whether a sealed batch bears a key's signature and can be opened by each recipient. Both are read, not verified: the file is
/// this zone's own.
///
/// # Errors
/// `Corrupt` when it is no batch.
pub fn is_sealed_with(bytes: &[u8], signer: KeyId, recipients: &[KeyId]) -> Result<bool, PortError> {
    let batch = inspect_batch(bytes).map_err(|error| PortError::new(FaultKind::Corrupt, error.to_string()))?;
    let can_open = |key: &KeyId| batch.envelope.recipients.iter().any(|recipient| recipient.key == *key);
    Ok(batch.envelope.signer == signer && recipients.iter().all(can_open))
}

/// The keys with which a zone signs batches, in the order of the trust file.
#[must_use]
pub fn peer_keys(trust: &TrustStore, link: &LinkId, peer: &ZoneName) -> Vec<PeerKey> {
    let of_peer = trust.entries().iter().filter(|entry| entry.zone == *peer && entry.link == *link);
    of_peer
        .filter(|entry| entry.objects.contains(&ferry_format::Kind::Batch))
        .map(|entry| PeerKey { key: entry.sign.id(), state: entry.state.clone(), not_after_ms: entry.not_after_ms })
        .collect()
}
