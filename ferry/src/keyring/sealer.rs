//! Keys and trust at work: seals what goes out, vets and opens what comes in.

use std::path::Path;
use std::sync::Arc;

use ferry_core::ports::{FaultKind, PortError, Sealer, Standing, Vetted, is_sealed_with, peer_keys};
use ferry_format::{
    Act, ActTime, Batch, BatchStatement, Expect, FormatError, KeyId, KeyState, Kind, Payload, PublicKey, Sealed,
    Sealing, SignedAct, SoftKeys, StatusBody, StatusStatement, TrustStore, Verified, open_batch, open_status, peek,
    reseal_batch, seal_batch, seal_status, verify_batch,
};

use super::rotation::own_entries;
use super::{KeyRing, OsEntropy, TrustFile};
use crate::config::Config;
use crate::error::Fault;
use crate::exit::ExitCode;
use crate::text;

/// The keys of one zone and the trust of one link.
#[derive(Debug)]
pub struct FerrySealer {
    config: Config,
    ring: KeyRing,
    trust: TrustFile,
}

impl FerrySealer {
    /// Reads keys and trust, and checks that there is a key to seal to.
    ///
    /// # Errors
    /// When keys or trust cannot be used, or no card of the peer is trusted.
    pub fn open(config: &Config, credentials: Option<&Path>) -> Result<Self, Fault> {
        let ring = KeyRing::open(config, credentials)?;
        let sealer = Self { config: config.clone(), ring, trust: TrustFile::open(&config.paths.trust)? };
        if sealer.trust.current().recipient_on(&config.link, &config.peer).is_none() {
            return Err(untrusted_peer(config));
        }
        Ok(sealer)
    }

    /// Whom to trust for batches of this zone itself: its own keys, also those that were replaced. A batch that supersedes others
    /// bears the signatures of operators too.
    fn own_trust(&self, keys: &SoftKeys) -> Result<TrustStore, FormatError> {
        let trust = self.trust.current();
        let mut own = TrustStore::new();
        for entry in own_entries(&self.config, keys, &trust) {
            own.add(entry)?;
        }
        let operators = trust.entries().iter().filter(|entry| entry.objects.contains(&Kind::Act));
        for entry in operators {
            if own.entry(&entry.sign.id()).is_none() {
                own.add(entry.clone())?;
            }
        }
        Ok(own)
    }

    fn expect_own<'a>(&'a self, own: &'a TrustStore) -> Expect<'a> {
        let Config { link, zone, peer, .. } = &self.config;
        Expect { trust: own, link: Some(link), from: Some(zone), to: Some(peer) }
    }

    /// Who is trusted at the moment.
    #[must_use]
    pub fn trust(&self) -> Arc<TrustStore> {
        self.trust.current()
    }

    /// The keys to seal to: the peer's, this zone's own, and those of auditors.
    fn recipients(&self, keys: &SoftKeys) -> Result<Vec<PublicKey>, PortError> {
        let trust = self.trust.current();
        let (link, peer) = (&self.config.link, &self.config.peer);
        let Some(of_peer) = trust.recipient_on(link, peer) else {
            let text = format!("no card of {peer} is trusted, so there is no key to seal to");
            return Err(PortError::new(FaultKind::Transient, text));
        };
        let mut recipients = vec![of_peer.clone(), keys.encrypt_public().clone()];
        let auditors = trust
            .entries()
            .iter()
            .filter(|entry| entry.link == *link && entry.state == KeyState::Active && entry.objects.is_empty());
        for auditor in auditors {
            if !recipients.contains(&auditor.encrypt) {
                recipients.push(auditor.encrypt.clone());
            }
        }
        Ok(recipients)
    }

    fn expect<'a>(&'a self, trust: &'a TrustStore) -> Expect<'a> {
        let Config { link, zone, peer, .. } = &self.config;
        Expect { trust, link: Some(link), from: Some(peer), to: Some(zone) }
    }
}

impl Sealer for FerrySealer {
    fn seal_batch(&self, statement: &BatchStatement, payload: &Payload) -> Result<Sealed, PortError> {
        let zone = self.ring.current();
        let recipients = self.recipients(&zone.keys)?;
        let sealing = Sealing::new(&zone.keys, &recipients);
        Ok(seal_batch(statement, payload, &sealing, &mut OsEntropy::new())?)
    }

    fn seal_status(&self, statement: &StatusStatement, body: &StatusBody) -> Result<Sealed, PortError> {
        let zone = self.ring.current();
        let recipients = self.recipients(&zone.keys)?;
        let sealing = Sealing::new(&zone.keys, &recipients);
        Ok(seal_status(statement, body, &sealing, &mut OsEntropy::new())?)
    }

    fn salt(&self) -> Result<[u8; 32], PortError> {
        OsEntropy::new().fresh().map_err(|error| PortError::new(FaultKind::Transient, error.to_string()))
    }

    fn vet(&self, bytes: &[u8]) -> Result<Vetted, FormatError> {
        let trust = self.trust.current();
        let expect = self.expect(&trust);
        match peek(bytes)? {
            Kind::Batch => match verify_batch(bytes, &expect) {
                Ok(batch) => Ok(Vetted::Batch(Box::new(batch))),
                Err(error) => {
                    let own = self.own_trust(&self.ring.current().keys)?;
                    let batch = verify_batch(bytes, &self.expect_own(&own)).map_err(|_| error)?;
                    Ok(Vetted::Own(Box::new(batch)))
                }
            },
            Kind::Status => {
                let zone = self.ring.current();
                let status = open_status(bytes, &expect, &zone.keys)?;
                zone.was_sealed_to(&status.recipients);
                Ok(Vetted::Status(Box::new(status)))
            }
            Kind::Card | Kind::Checkpoint | Kind::Act | Kind::Revocation => Err(FormatError::WrongKind),
        }
    }

    fn open(&self, bytes: &[u8]) -> Result<Verified<Batch>, FormatError> {
        let trust = self.trust.current();
        open_batch(bytes, &self.expect(&trust), &self.ring.current().keys)
    }

    fn open_own(&self, bytes: &[u8]) -> Result<Verified<Batch>, FormatError> {
        let zone = self.ring.current();
        let own = self.own_trust(&zone.keys)?;
        open_batch(bytes, &self.expect_own(&own), &zone.keys)
    }

    fn read_act(&self, file: &[u8], when: ActTime) -> Result<Act, FormatError> {
        let act = SignedAct::parse(file)?.verify(&self.trust.current(), &self.config.link, when)?;
        Ok(act.into_inner())
    }

    fn standing(&self) -> Standing {
        let (zone, trust) = (self.ring.current(), self.trust.current());
        Standing {
            peer_keys: Arc::new(peer_keys(&trust, &self.config.link, &self.config.peer)),
            card: zone.next.as_ref().map(|next| next.file.clone()),
            accepted: zone.is_accepted(),
        }
    }

    fn is_current(&self, bytes: &[u8]) -> Result<bool, PortError> {
        let zone = self.ring.current();
        let recipients = self.recipients(&zone.keys)?;
        // An auditor who was added later can open what is sealed from then on; nothing is sealed anew for that.
        let of_zones: Vec<KeyId> = recipients.iter().take(2).map(PublicKey::id).collect();
        is_sealed_with(bytes, zone.keys.sign_public().id(), &of_zones)
    }

    fn reseal(&self, bytes: &[u8]) -> Result<Sealed, PortError> {
        let batch = self.open_own(bytes).map_err(|error| PortError::new(FaultKind::Corrupt, error.to_string()))?;
        let zone = self.ring.current();
        let recipients = self.recipients(&zone.keys)?;
        let sealing = Sealing::new(&zone.keys, &recipients);
        Ok(reseal_batch(&batch, &sealing, &mut OsEntropy::new())?)
    }
}

fn untrusted_peer(config: &Config) -> Fault {
    let (peer, link) = (&config.peer, &config.link);
    Fault::new(
        "peer-untrusted",
        ExitCode::Trust,
        text!(
            "no card of zone {peer} on link {link} is trusted, so nothing can be sealed to it",
            "没有链路 {link} 上 {peer} 区的受信名片，无法为其封装"
        ),
        text!(
            "carry the peer's card here and run: ferry trust add {peer}.card",
            "请把对端名片带到本机并运行：ferry trust add {peer}.card"
        ),
    )
}

#[cfg(test)]
mod tests {
    use ferry_core::ports::Side;

    use super::*;
    use crate::config::Config;
    use crate::files::testing::{statement, zone};
    use crate::keyring::{create_keys, load_keys, own_card, own_entry, write_trust};

    struct Zone {
        _dir: tempfile::TempDir,
        config: Config,
        keys: SoftKeys,
    }

    /// The inner zone and the outer one, each trusting the other.
    fn pair() -> [Zone; 2] {
        let make = |turn: bool| {
            let (dir, mut config) = zone("");
            if turn {
                std::mem::swap(&mut config.zone, &mut config.peer);
            }
            let keys = create_keys(&config).unwrap();
            Zone { _dir: dir, config, keys }
        };
        let zones = [make(false), make(true)];
        for (zone, peer) in [(&zones[0], &zones[1]), (&zones[1], &zones[0])] {
            let mut trust = TrustStore::new();
            trust.add(own_entry(&peer.config, &peer.keys)).unwrap();
            write_trust(&zone.config.paths.trust, &trust).unwrap();
        }
        zones
    }

    #[test]
    fn a_change_of_the_trust_file_counts_at_once_and_a_damaged_one_changes_nothing() {
        let [inner, outer] = pair();
        let sender = FerrySealer::open(&inner.config, None).unwrap();
        let receiver = FerrySealer::open(&outer.config, None).unwrap();
        let (statement, payload) = statement(&inner.config, Side::Out, 1);
        let sealed = sender.seal_batch(&statement, &payload).unwrap();
        let path = &outer.config.paths.trust;
        crate::files::durable::publish(path.parent().unwrap(), "trust", b"damaged\n").unwrap();
        assert!(receiver.vet(&sealed.bytes).is_ok());
        write_trust(path, &TrustStore::new()).unwrap();
        assert_eq!(receiver.vet(&sealed.bytes).unwrap_err(), FormatError::UnknownSigner);
        assert_eq!(receiver.seal_batch(&statement, &payload).unwrap_err().kind, FaultKind::Transient);
        assert_eq!(FerrySealer::open(&outer.config, None).unwrap_err().code, "peer-untrusted");
    }

    #[test]
    fn an_auditor_can_open_what_is_sealed_and_signs_nothing() {
        let [inner, outer] = pair();
        let auditor = SoftKeys::generate(&mut OsEntropy::new()).unwrap();
        let mut card = own_card(&inner.config, &auditor, None, 0);
        card.zone = "audit".parse().unwrap();
        let entry = ferry_format::TrustEntry {
            objects: Vec::new(),
            ..ferry_format::TrustEntry::of_zone(&card, KeyState::Active)
        };
        let mut trust = TrustStore::new();
        trust.add(own_entry(&outer.config, &outer.keys)).unwrap();
        trust.add(entry).unwrap();
        write_trust(&inner.config.paths.trust, &trust).unwrap();
        let sender = FerrySealer::open(&inner.config, None).unwrap();
        let (statement, payload) = statement(&inner.config, Side::Out, 1);
        let sealed = sender.seal_batch(&statement, &payload).unwrap();
        let mut own = TrustStore::new();
        own.add(own_entry(&inner.config, &inner.keys)).unwrap();
        assert_eq!(open_batch(&sealed.bytes, &Expect::any(&own), &auditor).unwrap().payload, payload);
    }

    #[test]
    fn keys_that_others_may_read_and_trust_that_others_may_write_are_not_used() {
        use std::os::unix::fs::PermissionsExt as _;
        let [inner, _outer] = pair();
        let set = |path: &Path, mode| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
        let key = inner.config.paths.keys.join("sign.pem");
        set(&key, 0o640);
        assert_eq!(FerrySealer::open(&inner.config, None).unwrap_err().code, "key-mode");
        set(&key, 0o600);
        set(&inner.config.paths.keys, 0o755);
        assert_eq!(FerrySealer::open(&inner.config, None).unwrap_err().code, "key-mode");
        set(&inner.config.paths.keys, 0o700);
        set(&inner.config.paths.trust, 0o620);
        assert_eq!(FerrySealer::open(&inner.config, None).unwrap_err().code, "writable-by-others");
        set(&inner.config.paths.trust, 0o600);
        assert!(FerrySealer::open(&inner.config, None).is_ok());
        assert_eq!(create_keys(&inner.config).unwrap_err().exit, ExitCode::Exists);
    }

    #[test]
    fn older_keys_and_handed_over_keys_are_read() {
        let [inner, _outer] = pair();
        let keys = &inner.config.paths.keys;
        let older = SoftKeys::generate(&mut OsEntropy::new()).unwrap();
        crate::files::durable::publish(keys, "encrypt-2025.pem", older.to_pem().1.as_bytes()).unwrap();
        let loaded = load_keys(&inner.config, None).unwrap();
        assert_eq!(ferry_format::KeyProvider::encrypt_key_ids(&loaded).len(), 2);
        let mut other = inner.config.clone();
        other.paths.keys = "/nowhere".into();
        assert_eq!(load_keys(&other, None).unwrap_err().code, "keys-missing");
        assert_eq!(load_keys(&other, Some(keys)).unwrap().sign_public(), inner.keys.sign_public());
    }
}
