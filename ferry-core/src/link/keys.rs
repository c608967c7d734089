//! Keys that change: what the peer announces, what is revoked or has expired, and this zone's own next keys.

use std::sync::Arc;

use ferry_format::{
    Card, Digest, Expect, KeyId, KeyState, LinkId, SignedBatch, StatusBody, TrustEntry, TrustStore, Verified, ZoneName,
    verify_batch,
};

use super::Link;
use crate::coverage::{self, Place};
use crate::perform::Surroundings;
use crate::ports::{PeerKey, Standing};
use crate::time::Now;

/// Alarm: the peer's statuses announce two different cards, so one of them may be a thief's.
pub(super) const PEER_TWO_CARDS: &str = "peer-two-cards";
/// Alarm: what the peer signs is held because its key's time has run out.
const PEER_KEY_EXPIRED: &str = "peer-key-expired";
/// The code under which a card counts that proves nothing.
const BAD_CARD: &str = "bad-card";

/// What is known of keys.
#[derive(Debug, Default)]
pub(super) struct Keys {
    standing: Standing,
    /// What the peer has announced since this start: the card and its file.
    announced: Option<(Card, Vec<u8>)>,
    /// It has announced two.
    two_cards: bool,
    /// A file is held whose key's time has run out.
    holds_expired: bool,
}

impl Keys {
    /// The card that statuses announce.
    pub(super) fn cards(&self) -> Vec<Vec<u8>> {
        self.standing.card.iter().map(|card| card.to_vec()).collect()
    }

    /// What is wrong with what the peer announces, by its published code.
    pub(super) fn alarm(&self) -> Option<&'static str> {
        let expired = self.holds_expired.then_some(PEER_KEY_EXPIRED);
        self.two_cards.then_some(PEER_TWO_CARDS).or(expired)
    }

    /// The peer's keys, for an action to find whether they still stand so.
    pub(super) fn peer_keys(&self) -> Arc<Vec<PeerKey>> {
        self.standing.peer_keys.clone()
    }

    fn state(&self, key: KeyId) -> Option<&PeerKey> {
        self.standing.peer_keys.iter().find(|known| known.key == key)
    }

    /// Whether a key is revoked.
    pub(super) fn is_revoked(&self, key: KeyId) -> bool {
        self.state(key).is_some_and(|known| matches!(known.state, KeyState::Revoked { .. }))
    }

    /// Whether what a key signed is to be held because the key has expired.
    pub(super) fn has_expired(&self, key: KeyId, now: Now) -> bool {
        self.state(key).is_some_and(|known| known.not_after_ms.is_some_and(|end| now.wall_ms > end))
    }

    /// Whether a file is a batch by a key that the peer has announced and nobody has put in use.
    fn is_announced(&self, bytes: &[u8], link: &LinkId, zone: &ZoneName, peer: &ZoneName) -> bool {
        let Some((card, _)) = &self.announced else { return false };
        let mut trust = TrustStore::new();
        if trust.add(TrustEntry::of_zone(card, KeyState::Active)).is_err() {
            return false;
        }
        verify_batch(bytes, &Expect { trust: &trust, link: Some(link), from: Some(peer), to: Some(zone) }).is_ok()
    }

    /// What an operator is told: the card that the peer announces, whether the peer has taken ours, and which one of ours that is.
    pub(super) fn facts(&self) -> [(&'static str, String); 3] {
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let card = self.standing.card.as_ref();
        let own = card.map_or("", |_| if self.standing.accepted { "accepted" } else { "announced" });
        let which = card.map_or_else(String::new, |card| Digest::of(&[card]).to_string());
        let peer = self.announced.as_ref().map_or(String::new(), |(_, file)| hex(file));
        [("own_card", own.to_owned()), ("own_card_digest", which), ("peer_card", peer)]
    }

    /// What an operator would call a change.
    pub(super) fn fingerprint(&self) -> (Option<KeyId>, bool, bool, bool) {
        let announced = self.announced.as_ref().map(|(card, _)| card.sign.id());
        (announced, self.two_cards, self.standing.card.is_some(), self.standing.accepted)
    }
}

impl Link {
    /// The card of the peer's next keys, which its statuses announce.
    #[must_use]
    pub fn announced_card(&self) -> Option<&Card> {
        self.keys.announced.as_ref().map(|(card, _)| card)
    }

    /// Whether the peer seals to the next keys of this zone, of which this is the card. The zone may have other ones by now than
    /// those that it knew when it last looked.
    #[must_use]
    pub fn are_keys_accepted(&self, card: &[u8]) -> bool {
        let Standing { card: announced, accepted, .. } = &self.keys.standing;
        *accepted && announced.as_ref().is_some_and(|announced| announced.as_slice() == card)
    }

    /// Takes how the keys stand.
    pub(super) fn read_standing(&mut self, standing: Standing, now: Now) {
        if standing == self.keys.standing {
            return;
        }
        if standing.card != self.keys.standing.card {
            self.status.progress(now.mono);
        }
        for receiver in self.receivers.values_mut() {
            receiver.set_peer_keys(&standing.peer_keys);
        }
        if standing.peer_keys != self.keys.standing.peer_keys {
            // People have decided about the peer's keys: what was announced before is announced again if it still is.
            (self.keys.announced, self.keys.two_cards, self.keys.holds_expired) = (None, false, false);
        }
        self.keys.standing = standing;
    }

    /// Whether a file is a batch by a key that the peer has announced and nobody has put in use.
    pub(super) fn is_by_announced(&self, bytes: &[u8]) -> bool {
        let Surroundings { link, zone, peer, .. } = &*self.around;
        self.keys.is_announced(bytes, link, zone, peer)
    }

    /// Whether a batch that is needed is to wait because the time of its key has run out.
    pub(super) fn is_held_for_its_key(&self, batch: &SignedBatch, now: Now) -> bool {
        let (stream, epoch, seq) = (&batch.statement.stream, batch.statement.epoch, batch.statement.seq);
        let needed = self.receivers.get(stream).is_some_and(|receiver| receiver.needs(epoch, seq));
        needed && self.keys.has_expired(batch.signer, now)
    }

    /// Whether a status by a key may tell how things are.
    pub(super) fn may_tell(&mut self, signer: KeyId, now: Now) -> bool {
        let expired = self.keys.has_expired(signer, now);
        let counts = !expired && !self.keys.is_revoked(signer);
        if expired || counts {
            self.keys.holds_expired = expired;
        }
        counts
    }

    /// A file of a key whose time has run out stays at the gate until operators have put another key in use, or this one again.
    pub(super) fn hold_expired(&mut self, name: &str, now: Now) {
        self.keys.holds_expired = true;
        self.look_later(name, now);
    }

    /// What a fresh status announces. It bears a signature of the key in use; the card bears one of the next key. Whether the
    /// card is the peer's its fingerprint tells, compared by people.
    pub(super) fn read_cards(&mut self, body: &StatusBody, signer: KeyId) {
        let in_use = self.keys.state(signer).is_some_and(|known| known.state == KeyState::Active);
        if !in_use {
            return;
        }
        let mut announced = Vec::new();
        for file in &body.cards {
            let card = Card::parse(file).ok().map(Verified::into_inner);
            match card.filter(|card| card.link == self.around.link && card.zone == self.around.peer) {
                // It is in use already; the peer does not know yet.
                Some(card) if self.keys.state(card.sign.id()).is_some() => {}
                Some(card) => announced.push((card, file.clone())),
                None => *self.turned_away.entry(BAD_CARD.to_owned()).or_default() += 1,
            }
        }
        let known = self.keys.announced.as_ref().map(|(card, _)| card);
        let differs = announced.iter().any(|(card, _)| known.or(announced.first().map(|one| &one.0)) != Some(card));
        if differs {
            self.keys.two_cards = true;
            return;
        }
        if known.is_none() && !announced.is_empty() {
            coverage::hit(Place::CardAnnounced);
        }
        if announced.is_empty() && !self.keys.two_cards {
            self.keys.announced = None;
        }
        if let Some(one) = announced.into_iter().next() {
            self.keys.announced = Some(one);
        }
    }
}
