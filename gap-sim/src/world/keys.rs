//! Keys that change: a zone gets new ones while files are on their way, and a key that was stolen is revoked.

use ferry_core::ports::PortError;
use ferry_format::{
    KeyProvider as _, Mark, Reason, Revocation, Sealing, SignedRevocation, SoftKeys, StreamName, seal_batch,
};

use super::faults::Fault;
use super::host::ZoneId;
use super::lives::{epoch_of, place};
use super::make::{link, zone_name};
use super::sealer::{SeededEntropy, card, keys_from, operators};
use super::{Plan, World};

/// Files that the thief of a key makes after it was revoked.
const THEFTS: u64 = 6;

/// A key that is in other hands.
#[derive(Debug)]
pub(crate) struct Theft {
    keys: SoftKeys,
    revocation: SignedRevocation,
    /// The peer's operators have the new card and the revocation.
    told: bool,
    left: u64,
}

impl World {
    /// A zone makes its next keys, which its statuses announce; people do the rest.
    pub(super) fn change_keys(&mut self, zone: ZoneId) -> bool {
        if self.host(zone).sealer.next_card().is_some() || self.thefts.contains_key(&zone) {
            return false;
        }
        let keys = self.new_keys();
        self.host_mut(zone).sealer.rotate(keys);
        self.plan_keys(Plan::TurnKeys(zone));
        true
    }

    /// The operators of both zones do what is to be done about next keys: compare the fingerprint and put them in use, then sign
    /// with them.
    pub(super) fn turn_keys(&mut self, zone: ZoneId) {
        let Some(card) = self.host(zone).sealer.next_card().cloned() else { return };
        let announced = self.host(zone.peer()).link.as_ref().and_then(|link| link.announced_card().cloned());
        let known = self.host(zone.peer()).sealer.trusts(&card);
        if !known && announced.as_ref() == Some(&card) {
            self.tell(zone.peer().name(), "operator: the announced keys are put in use");
            self.host_mut(zone.peer()).sealer.put_in_use(&card);
        }
        let file = self.host(zone).sealer.next_card_file().unwrap_or_default();
        if self.host(zone).link.as_ref().is_some_and(|link| link.are_keys_accepted(file)) {
            self.tell(zone.name(), "operator: signs with the next keys");
            self.host_mut(zone).sealer.finish();
            return;
        }
        self.plan_keys(Plan::TurnKeys(zone));
    }

    /// A zone's key is found to be in other hands. It signs with new ones at once, and two operators revoke the old one up to
    /// what the zone's books say; people carry card and revocation to the peer.
    pub(super) fn revoke_key(&mut self, zone: ZoneId) -> bool {
        let host = self.host(zone);
        let is_sound = host.link.as_ref().is_some_and(|link| link.lock().is_none());
        if !is_sound || self.thefts.contains_key(&zone) || host.sealer.next_card().is_some() {
            return false;
        }
        let keys = host.sealer.keys().clone();
        let (last_good, status_number) = (self.last_groups(zone), host.store.database().status_number);
        let reason = Reason::new("the key was stolen").expect("a good reason");
        let (zone_name, key) = (zone_name(zone), keys.sign_key_id());
        let revocation =
            Revocation { link: link(), zone: zone_name, key, last_good, status_number, at_ms: self.now_ms, reason };
        let mut signed = SignedRevocation::unsigned(revocation);
        for operator in operators(self.options.seed) {
            signed.approve(&operator).expect("operators' keys sign");
        }
        let new = self.new_keys();
        let sealer = &mut self.host_mut(zone).sealer;
        sealer.rotate(new);
        sealer.finish();
        self.thefts.insert(zone, Theft { keys, revocation: signed, told: false, left: THEFTS });
        self.plan_keys(Plan::Thief(zone));
        true
    }

    /// The peer's operators are told, and from then on the thief tries what the key is still good for.
    pub(super) fn thief(&mut self, zone: ZoneId) {
        let Some(mut theft) = self.thefts.remove(&zone) else { return };
        if !theft.told {
            theft.told = true;
            self.tell(zone.peer().name(), "operator: a key of the peer is revoked");
            let card = card(self.host(zone).sealer.keys(), &link(), &zone_name(zone));
            let sealer = &mut self.host_mut(zone.peer()).sealer;
            sealer.put_in_use(&card);
            sealer.revoke(&theft.revocation).expect("two operators have signed it");
        } else if theft.left > 0 {
            theft.left -= 1;
            self.steal_with(zone, &theft);
        }
        let goes_on = theft.left > 0 && self.liveness_end_ms == u64::MAX;
        self.thefts.insert(zone, theft);
        if goes_on {
            self.plan_keys(Plan::Thief(zone));
        }
    }

    /// A batch by a revoked key for the place after the watermark, or for one that is applied.
    fn steal_with(&mut self, zone: ZoneId, theft: &Theft) {
        let streams: Vec<StreamName> = self
            .model
            .streams
            .iter()
            .filter(|(_, stream)| stream.owner == zone)
            .map(|(name, _)| name.clone())
            .collect();
        let drawn = self.prng.below(streams.len().max(1) as u64);
        let Some(stream) = streams.get(usize::try_from(drawn).unwrap_or(0)) else { return };
        let followed = self.host(zone.peer()).store.database().peers[stream].followed.clone();
        let Some((_, mark)) = followed else { return };
        let back = if self.prng.below(4) == 0 { 1 } else { 0 };
        let before = match mark.seq.checked_sub(back) {
            Some(seq) if back > 0 => {
                let database = self.host(zone.peer()).store.database();
                let Some(digest) = database.peers[stream].applied.get(&place(mark.epoch, seq)).copied() else { return };
                Mark { seq, digest, ..mark }
            }
            Some(_) | None => mark,
        };
        let (statement, payload) = self.stolen_statement(&before);
        let recipients = self.host(zone).sealer.recipients().to_vec();
        let sealing = Sealing::new(&theft.keys, &recipients);
        let entropy = &mut SeededEntropy::new(self.options.seed ^ self.forged_count);
        let sealed = seal_batch(&statement, &payload, &sealing, entropy).map_err(PortError::from);
        let Ok(sealed) = sealed else { return };
        let name = self.file_name(zone, stream, statement.seq, sealed.digest);
        self.drop_into(zone.peer(), &name, sealed.bytes);
    }

    /// The last whole group of each stream that a zone has recorded.
    fn last_groups(&self, zone: ZoneId) -> Vec<Mark> {
        let database = self.host(zone).store.database();
        let last_of = |(stream, own): (&StreamName, &super::database::OwnStream)| {
            let (at, ends) = own.batches.iter().rev().find(|(_, recorded)| recorded.batch.group.last)?;
            let batch = &ends.batch;
            let (stream, epoch, seq, digest) = (stream.clone(), epoch_of(*at), batch.seq, batch.digest);
            Some(Mark { stream, epoch, seq, digest })
        };
        database.own.iter().filter_map(last_of).collect()
    }

    fn new_keys(&mut self) -> SoftKeys {
        self.keys_made += 1;
        keys_from(self.options.seed ^ (0x6e65_775f_6b65_7973 + self.keys_made))
    }

    fn plan_keys(&mut self, plan: Plan) {
        let wait = self.prng.between(1, 3 * self.options.settings.heartbeat_ms);
        self.plan(self.now_ms + wait, plan);
    }

    /// Faults end: whoever was not told of a revocation is told now, and thieves steal no more.
    pub(super) fn end_thefts(&mut self) {
        for zone in ZoneId::BOTH {
            if self.thefts.get(&zone).is_some_and(|theft| !theft.told) {
                self.thief(zone);
            }
            self.thefts.get_mut(&zone).into_iter().for_each(|theft| theft.left = 0);
        }
    }

    /// A fault of keys strikes a zone.
    pub(super) fn strike_keys(&mut self, zone: ZoneId, fault: Fault) -> bool {
        if fault == Fault::KeysChanged { self.change_keys(zone) } else { self.revoke_key(zone) }
    }
}
