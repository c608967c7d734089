//! Keys and trust at work: seals what goes out, vets and opens what comes in.

use std::path::Path;
use std::sync::Arc;

use ferry_core::ports::{FaultKind, PortError, Sealer, Vetted};
use ferry_format::{
    Batch, BatchStatement, Expect, FormatError, KeyError, KeyState, Kind, LinkId, Payload, PublicKey, SealError, Sealed,
    Sealing, SoftKeys, StatusBody, StatusStatement, TrustStore, Verified, ZoneName, open_batch, open_status, peek,
    seal_batch, seal_status, verify_batch,
};

use super::keys::{load_keys, own_entry};
use super::{OsEntropy, TrustFile};
use crate::config::Config;
use crate::error::Fault;
use crate::exit::ExitCode;
use crate::text;

/// The keys of one zone and the trust of one link.
#[derive(Debug)]
pub struct FerrySealer {
    link: LinkId,
    zone: ZoneName,
    peer: ZoneName,
    keys: SoftKeys,
    trust: TrustFile,
    own: TrustStore,
}

impl FerrySealer {
    /// Reads keys and trust, and checks that there is a key to seal to.
    ///
    /// # Errors
    /// When keys or trust cannot be used, or no card of the peer is trusted.
    pub fn open(config: &Config, credentials: Option<&Path>) -> Result<Self, Fault> {
        let keys = load_keys(config, credentials)?;
        let sealer = Self::new(config, keys, TrustFile::open(&config.paths.trust)?)?;
        if sealer.trust.current().recipient_on(&sealer.link, &sealer.peer).is_none() {
            return Err(untrusted_peer(config));
        }
        Ok(sealer)
    }

    /// The sealer of a zone.
    ///
    /// # Errors
    /// When the zone's own keys cannot be trusted, which is a mistake in this program.
    pub fn new(config: &Config, keys: SoftKeys, trust: TrustFile) -> Result<Self, Fault> {
        let mut own = TrustStore::new();
        own.add(own_entry(config, &keys)).map_err(Fault::internal)?;
        let (link, zone, peer) = (config.link.clone(), config.zone.clone(), config.peer.clone());
        Ok(Self { link, zone, peer, keys, trust, own })
    }

    /// Checks and decrypts a batch that this zone itself sealed.
    ///
    /// # Errors
    /// Why the file is not what it should be.
    pub fn open_own(&self, bytes: &[u8]) -> Result<Verified<Batch>, FormatError> {
        let expect =
            Expect { trust: &self.own, link: Some(&self.link), from: Some(&self.zone), to: Some(&self.peer) };
        open_batch(bytes, &expect, &self.keys)
    }

    /// The zone's keys.
    #[must_use]
    pub fn keys(&self) -> &SoftKeys {
        &self.keys
    }

    /// Who is trusted at the moment.
    #[must_use]
    pub fn trust(&self) -> Arc<TrustStore> {
        self.trust.current()
    }

    /// The keys to seal to: the peer's, this zone's own, and those of auditors.
    fn recipients(&self) -> Result<Vec<PublicKey>, PortError> {
        let trust = self.trust.current();
        let Some(peer) = trust.recipient_on(&self.link, &self.peer) else {
            let text = format!("no card of {} is trusted, so there is no key to seal to", self.peer);
            return Err(PortError::new(FaultKind::Transient, text));
        };
        let mut recipients = vec![peer.clone(), self.keys.encrypt_public().clone()];
        let auditors = trust.entries().iter().filter(|entry| {
            entry.link == self.link && entry.state == KeyState::Active && entry.objects.is_empty()
        });
        for auditor in auditors {
            if !recipients.contains(&auditor.encrypt) {
                recipients.push(auditor.encrypt.clone());
            }
        }
        Ok(recipients)
    }

    fn expect<'a>(&'a self, trust: &'a TrustStore) -> Expect<'a> {
        Expect { trust, link: Some(&self.link), from: Some(&self.peer), to: Some(&self.zone) }
    }
}

impl Sealer for FerrySealer {
    fn seal_batch(&self, statement: &BatchStatement, payload: &Payload) -> Result<Sealed, PortError> {
        let recipients = self.recipients()?;
        let sealing = Sealing::new(&self.keys, &recipients);
        seal_batch(statement, payload, &sealing, &mut OsEntropy::new()).map_err(|error| port_error(&error))
    }

    fn seal_status(&self, statement: &StatusStatement, body: &StatusBody) -> Result<Sealed, PortError> {
        let recipients = self.recipients()?;
        let sealing = Sealing::new(&self.keys, &recipients);
        seal_status(statement, body, &sealing, &mut OsEntropy::new()).map_err(|error| port_error(&error))
    }

    fn salt(&self) -> Result<[u8; 32], PortError> {
        OsEntropy::new().fresh().map_err(|error| PortError::new(FaultKind::Transient, error.to_string()))
    }

    fn vet(&self, bytes: &[u8]) -> Result<Vetted, FormatError> {
        let trust = self.trust.current();
        let expect = self.expect(&trust);
        match peek(bytes)? {
            Kind::Batch => verify_batch(bytes, &expect).map(Vetted::Batch),
            Kind::Status => open_status(bytes, &expect, &self.keys).map(|status| Vetted::Status(Box::new(status))),
            Kind::Card | Kind::Checkpoint | Kind::Act | Kind::Revocation => Err(FormatError::WrongKind),
        }
    }

    fn open(&self, bytes: &[u8]) -> Result<Verified<Batch>, FormatError> {
        let trust = self.trust.current();
        open_batch(bytes, &self.expect(&trust), &self.keys)
    }
}

/// Keys and randomness may come back; a statement that no reader would accept is a mistake in this program.
fn port_error(error: &SealError) -> PortError {
    let kind = match error {
        SealError::Key(KeyError::Unavailable { .. }) | SealError::Entropy(_) => FaultKind::Transient,
        _ => FaultKind::Conflict,
    };
    PortError::new(kind, format!("cannot seal: {error}"))
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
