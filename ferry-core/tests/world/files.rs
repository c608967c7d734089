//! Spool, gate, quarantine and anchor in memory, and a sealer with real keys.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use ferry_core::ports::{
    Anchor, AnchorStore, BatchId, FaultKind, Gate, PortError, Quarantine, QuarantineNote, Scan, Sealer, Seen, Side,
    Spool, Standing, Vetted, is_sealed_with, peer_keys,
};
use ferry_format::{
    Act, ActTime, Batch, BatchStatement, Digest, Entropy, EntropyError, Expect, FormatError, KeyProvider, Kind, LinkId,
    Payload, PublicKey, Sealed, Sealing, SeqRange, SignedAct, SoftKeys, StatusBody, StatusStatement, StreamName,
    TrustStore, Verified, ZoneName,
};

#[derive(Default)]
pub struct MemorySpool {
    pub live: Mutex<BTreeMap<(Side, BatchId), Vec<u8>>>,
    pub archive: Mutex<BTreeMap<(Side, BatchId), Vec<u8>>>,
}

impl Spool for MemorySpool {
    fn put(&self, side: Side, id: &BatchId, bytes: &[u8]) -> Result<(), PortError> {
        self.live.lock().unwrap().insert((side, id.clone()), bytes.to_vec());
        Ok(())
    }

    fn get(&self, side: Side, id: &BatchId) -> Result<Vec<u8>, PortError> {
        let key = (side, id.clone());
        let found = self.live.lock().unwrap().get(&key).cloned();
        found
            .or_else(|| self.archive.lock().unwrap().get(&key).cloned())
            .ok_or_else(|| PortError::new(FaultKind::Corrupt, "no such file"))
    }

    fn find(&self, side: Side, stream: &StreamName, epoch: u64, range: SeqRange) -> Result<Vec<BatchId>, PortError> {
        let (live, archive) = (self.live.lock().unwrap(), self.archive.lock().unwrap());
        let all = live.keys().chain(archive.keys()).filter(|(one, _)| *one == side).map(|(_, id)| id);
        let mut found: Vec<BatchId> = all
            .filter(|id| id.stream == *stream && id.epoch == epoch && (range.first..=range.last).contains(&id.seq))
            .cloned()
            .collect();
        found.sort();
        Ok(found)
    }

    fn list(&self, side: Side) -> Result<Vec<BatchId>, PortError> {
        Ok(self.live.lock().unwrap().keys().filter(|(one, _)| *one == side).map(|(_, id)| id.clone()).collect())
    }

    fn archive(&self, side: Side, ids: &[BatchId]) -> Result<(), PortError> {
        for id in ids {
            if let Some(bytes) = self.live.lock().unwrap().remove(&(side, id.clone())) {
                self.archive.lock().unwrap().insert((side, id.clone()), bytes);
            }
        }
        Ok(())
    }

    fn prune(&self, side: Side, stream: &StreamName, epoch: u64, through: u64, _: usize) -> Result<usize, PortError> {
        let is_old = |id: &BatchId| id.stream == *stream && id.epoch == epoch && id.seq <= through;
        self.archive.lock().unwrap().retain(|(one, id), _| *one != side || !is_old(id));
        Ok(0)
    }

    fn discard(&self, side: Side, id: &BatchId) -> Result<(), PortError> {
        self.live.lock().unwrap().remove(&(side, id.clone()));
        Ok(())
    }

    fn archive_act(&self, _side: Side, _digest: &Digest, _bytes: &[u8]) -> Result<(), PortError> {
        Ok(())
    }

    fn archive_status(&self, _side: Side, _name: &str, _bytes: &[u8]) -> Result<(), PortError> {
        Ok(())
    }
}

#[derive(Default)]
pub struct MemoryGate {
    pub to_gate: Mutex<BTreeMap<String, Vec<u8>>>,
    pub from_gate: Mutex<BTreeMap<String, Vec<u8>>>,
    pub published: Mutex<u64>,
    /// There is no room in the drop directory.
    pub full: Mutex<bool>,
}

impl Gate for MemoryGate {
    fn publish(&self, name: &str, bytes: &[u8]) -> Result<(), PortError> {
        *self.published.lock().unwrap() += 1;
        if *self.full.lock().unwrap() {
            return Err(PortError::new(FaultKind::Full, "no room in the drop directory"));
        }
        self.to_gate.lock().unwrap().insert(name.to_owned(), bytes.to_vec());
        Ok(())
    }

    fn withdraw(&self, name: &str) -> Result<(), PortError> {
        self.to_gate.lock().unwrap().remove(name);
        Ok(())
    }

    fn waits(&self, name: &str) -> Result<bool, PortError> {
        Ok(self.to_gate.lock().unwrap().contains_key(name))
    }

    fn scan(&self, limit: usize) -> Result<Scan, PortError> {
        let files = self.from_gate.lock().unwrap();
        let seen = |(name, bytes): (&String, &Vec<u8>)| Seen { name: name.clone(), bytes: bytes.len() as u64 };
        Ok(Scan { files: files.iter().take(limit).map(seen).collect(), foreign: 0, more: files.len() > limit })
    }

    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, PortError> {
        Ok(self.from_gate.lock().unwrap().get(name).cloned())
    }

    fn remove(&self, name: &str) -> Result<(), PortError> {
        self.from_gate.lock().unwrap().remove(name);
        Ok(())
    }
}

#[derive(Default)]
pub struct MemoryQuarantine {
    pub notes: Mutex<Vec<(String, QuarantineNote)>>,
}

impl Quarantine for MemoryQuarantine {
    fn put(&self, name: &str, _bytes: &[u8], note: &QuarantineNote) -> Result<(), PortError> {
        self.notes.lock().unwrap().push((name.to_owned(), note.clone()));
        Ok(())
    }
}

#[derive(Default)]
pub struct MemoryAnchor {
    pub anchor: Mutex<Option<Anchor>>,
}

impl AnchorStore for MemoryAnchor {
    fn save(&self, anchor: &Anchor) -> Result<(), PortError> {
        *self.anchor.lock().unwrap() = Some(anchor.clone());
        Ok(())
    }

    fn load(&self) -> Result<Option<Anchor>, PortError> {
        Ok(self.anchor.lock().unwrap().clone())
    }
}

/// Entropy from a counter: the same in every run.
pub struct Counter(pub u64);

impl Entropy for Counter {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), EntropyError> {
        for chunk in out.chunks_mut(32) {
            self.0 += 1;
            let digest = Digest::of(&[b"test", &self.0.to_be_bytes()]);
            chunk.copy_from_slice(&digest.0[..chunk.len()]);
        }
        Ok(())
    }
}

pub struct RealSealer {
    pub keys: SoftKeys,
    pub recipients: Vec<PublicKey>,
    pub trust: TrustStore,
    pub link: LinkId,
    pub zone: ZoneName,
    pub peer: ZoneName,
    pub entropy: Mutex<Counter>,
    /// The card that is announced.
    pub card: Option<Arc<Vec<u8>>>,
}

fn keys_fault(error: ferry_format::SealError) -> PortError {
    PortError::new(FaultKind::Transient, error.to_string())
}

impl RealSealer {
    fn expect(&self) -> Expect<'_> {
        Expect { trust: &self.trust, link: Some(&self.link), from: Some(&self.peer), to: Some(&self.zone) }
    }
}

impl Sealer for RealSealer {
    fn seal_batch(&self, statement: &BatchStatement, payload: &Payload) -> Result<Sealed, PortError> {
        let sealing = Sealing::new(&self.keys, &self.recipients);
        ferry_format::seal_batch(statement, payload, &sealing, &mut *self.entropy.lock().unwrap()).map_err(keys_fault)
    }

    fn seal_status(&self, statement: &StatusStatement, body: &StatusBody) -> Result<Sealed, PortError> {
        let sealing = Sealing::new(&self.keys, &self.recipients);
        ferry_format::seal_status(statement, body, &sealing, &mut *self.entropy.lock().unwrap()).map_err(keys_fault)
    }

    fn salt(&self) -> Result<[u8; 32], PortError> {
        let mut salt = [0; 32];
        self.entropy
            .lock()
            .unwrap()
            .fill(&mut salt)
            .map_err(|e| PortError::new(FaultKind::Transient, e.to_string()))?;
        Ok(salt)
    }

    fn vet(&self, bytes: &[u8]) -> Result<Vetted, FormatError> {
        match ferry_format::peek(bytes)? {
            Kind::Status => ferry_format::open_status(bytes, &self.expect(), &self.keys)
                .map(|status| Vetted::Status(Box::new(status))),
            Kind::Batch | Kind::Card | Kind::Checkpoint | Kind::Act | Kind::Revocation => {
                ferry_format::verify_batch(bytes, &self.expect()).map(|batch| Vetted::Batch(Box::new(batch)))
            }
        }
    }

    fn open(&self, bytes: &[u8]) -> Result<Verified<Batch>, FormatError> {
        ferry_format::open_batch(bytes, &self.expect(), &self.keys)
    }

    fn open_own(&self, bytes: &[u8]) -> Result<Verified<Batch>, FormatError> {
        let expect = Expect { from: Some(&self.zone), to: Some(&self.peer), ..self.expect() };
        ferry_format::open_batch(bytes, &expect, &self.keys)
    }

    fn read_act(&self, file: &[u8], when: ActTime) -> Result<Act, FormatError> {
        Ok(SignedAct::parse(file)?.verify(&self.trust, &self.link, when)?.into_inner())
    }

    fn standing(&self) -> Standing {
        let peer_keys = Arc::new(peer_keys(&self.trust, &self.link, &self.peer));
        Standing { peer_keys, card: self.card.clone(), accepted: false }
    }

    fn is_current(&self, bytes: &[u8]) -> Result<bool, PortError> {
        let recipients: Vec<_> = self.recipients.iter().map(PublicKey::id).collect();
        is_sealed_with(bytes, self.keys.sign_key_id(), &recipients)
    }

    fn reseal(&self, bytes: &[u8]) -> Result<Sealed, PortError> {
        let batch = self.open_own(bytes).map_err(|error| keys_fault(error.into()))?;
        let sealing = Sealing::new(&self.keys, &self.recipients);
        ferry_format::reseal_batch(&batch, &sealing, &mut *self.entropy.lock().unwrap()).map_err(keys_fault)
    }
}
