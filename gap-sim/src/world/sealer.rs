//! Keys and trust of a zone: the shipped cryptography with entropy from the seed.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use ferry_core::breaks::{self, Break};
use ferry_core::ports::{FaultKind, PortError, Sealer, Standing, Vetted, is_sealed_with, peer_keys};
use ferry_format::{
    Act, ActTime, Batch, BatchStatement, Card, Digest, Entropy, EntropyError, Expect, FormatError, KeyId,
    KeyProvider as _, KeyState, Kind, LinkId, Payload, PublicKey, SealError, Sealed, Sealing, SignedAct,
    SignedRevocation, SoftKeys, StatusBody, StatusStatement, TrustEntry, TrustStore, Verified, ZoneName,
};

/// Entropy that repeats with the seed.
#[derive(Debug)]
pub struct SeededEntropy {
    seed: u64,
    drawn: u64,
}

impl SeededEntropy {
    /// Starts from a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { seed, drawn: 0 }
    }
}

impl Entropy for SeededEntropy {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), EntropyError> {
        for chunk in out.chunks_mut(32) {
            self.drawn += 1;
            let digest = Digest::of(&[b"gap-sim entropy\n", &self.seed.to_be_bytes(), &self.drawn.to_be_bytes()]);
            chunk.copy_from_slice(&digest.0[..chunk.len()]);
        }
        Ok(())
    }
}

/// The keys and the trust of one zone.
pub struct SimSealer {
    keys: SoftKeys,
    recipients: Vec<PublicKey>,
    trust: TrustStore,
    own: TrustStore,
    next: Option<NextKeys>,
    wrongly: Option<TrustStore>,
    /// The trust of a zone that asks only one operator.
    beside: Option<TrustStore>,
    /// Who signs what a zone takes for its own although it is not.
    not_own: Option<TrustStore>,
    link: LinkId,
    zone: ZoneName,
    peer: ZoneName,
    entropy: Mutex<SeededEntropy>,
}

/// The keys that a zone announces.
struct NextKeys {
    keys: SoftKeys,
    card: Card,
    file: Arc<Vec<u8>>,
    accepted: AtomicBool,
}

impl std::fmt::Debug for SimSealer {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "SimSealer({})", self.zone)
    }
}

/// Draws the keys of a zone from a seed.
///
/// # Panics
/// When key generation rejects entropy that comes from a digest, which it does with no chance worth naming.
#[must_use]
pub fn keys_from(seed: u64) -> SoftKeys {
    SoftKeys::generate(&mut SeededEntropy::new(seed)).expect("digests are good entropy")
}

/// The keys of somebody whom nobody trusts.
#[must_use]
pub fn strangers(seed: u64) -> SoftKeys {
    keys_from(seed ^ 0x7374_7261_6e67_6572)
}

/// The keys of two operators.
#[must_use]
pub fn operators(seed: u64) -> [SoftKeys; 2] {
    [1, 2].map(|number| keys_from(seed ^ (0x6f70_6572_6174 + number)))
}

/// The keys of two people who are no operators.
#[must_use]
pub fn strange_operators(seed: u64) -> [SoftKeys; 2] {
    [1, 2].map(|number| keys_from(seed ^ (0x6e6f_626f_6479 + number)))
}

/// The public card of a zone's keys.
#[must_use]
pub fn card(keys: &SoftKeys, link: &LinkId, zone: &ZoneName) -> Card {
    let (sign, encrypt) = (keys.sign_public().clone(), keys.encrypt_public().clone());
    Card { link: link.clone(), zone: zone.clone(), instance: None, sign, encrypt, created_at_ms: 0 }
}

impl SimSealer {
    /// The sealer of a zone that trusts the card of its peer, and those of operators.
    ///
    /// # Panics
    /// When the card is of another link, a mistake of the world.
    #[must_use]
    pub fn new(keys: SoftKeys, own: &Card, peer: &Card, operators: &[Card], entropy_seed: u64) -> Self {
        let mut trust = TrustStore::new();
        let entries = operators.iter().map(|card| TrustEntry::of_operator(card, KeyState::Active));
        for entry in entries.chain([TrustEntry::of_zone(peer, KeyState::Active)]) {
            trust.add(entry).expect("every key of a world is another");
        }
        let mut own_trust = TrustStore::new();
        for card in operators {
            own_trust.add(TrustEntry::of_operator(card, KeyState::Active)).expect("every key of a world is another");
        }
        own_trust.add(TrustEntry::of_zone(own, KeyState::Active)).expect("every key of a world is another");
        Self {
            keys,
            recipients: vec![peer.encrypt.clone(), own.encrypt.clone()],
            trust,
            own: own_trust,
            next: None,
            wrongly: None,
            beside: None,
            not_own: None,
            link: own.link.clone(),
            zone: own.zone.clone(),
            peer: peer.zone.clone(),
            entropy: Mutex::new(SeededEntropy::new(entropy_seed)),
        }
    }

    /// Makes the zone's next keys, which its statuses announce and which open files already.
    ///
    /// # Panics
    /// When the card of good keys cannot be written, a mistake of this program.
    pub fn rotate(&mut self, keys: SoftKeys) {
        let card = card(&keys, &self.link, &self.zone);
        let file = Arc::new(card.write(&keys).expect("the card of good keys"));
        self.keys = self.keys.clone().also_unwrapping(&keys);
        self.next = Some(NextKeys { keys, card, file, accepted: AtomicBool::new(false) });
    }

    /// The card of the zone's next keys.
    #[must_use]
    pub fn next_card(&self) -> Option<&Card> {
        self.next.as_ref().map(|next| &next.card)
    }

    /// Its file.
    #[must_use]
    pub fn next_card_file(&self) -> Option<&[u8]> {
        self.next.as_ref().map(|next| next.file.as_slice())
    }

    /// Signs with the next keys from now on. What the earlier ones sealed still opens.
    ///
    /// # Panics
    /// When a key of a world is there twice, a mistake of this program.
    pub fn finish(&mut self) {
        let Some(next) = self.next.take() else { return };
        self.own.put_in_use(&next.card, None).expect("every key of a world is another");
        self.recipients[1] = next.card.encrypt.clone();
        self.keys = next.keys.also_unwrapping(&self.keys);
    }

    /// Whether a card is in use.
    #[must_use]
    pub fn trusts(&self, card: &Card) -> bool {
        self.trust.entry(&card.sign.id()).is_some()
    }

    /// To whom this zone seals: the peer, and itself.
    #[must_use]
    pub fn recipients(&self) -> &[PublicKey] {
        &self.recipients
    }

    /// The operators of this zone put a card of the peer in use.
    ///
    /// # Panics
    /// When a key of a world is there twice, a mistake of this program.
    pub fn put_in_use(&mut self, card: &Card) {
        self.trust.put_in_use(card, None).expect("every key of a world is another");
        self.recipients[0] = card.encrypt.clone();
    }

    /// The operators of this zone revoke a key of the peer. Says why they may not.
    ///
    /// # Errors
    /// When it is not signed as it must be, or the key is not known.
    pub fn revoke(&mut self, revocation: &SignedRevocation) -> Result<(), FormatError> {
        let verified = revocation.verify(&self.trust, &self.link, ActTime::Now(0))?;
        self.trust.revoke(&verified)
    }

    /// Trusts a card that must not be trusted: for the mistakes that do.
    ///
    /// # Panics
    /// When a store does not take its first card, which would be a mistake of this program.
    pub fn trust_wrongly(&mut self, card: &Card) {
        let mut trust = TrustStore::new();
        trust.add(TrustEntry::of_zone(card, KeyState::Active)).expect("the first card of a store is no double");
        self.wrongly = Some(trust);
    }

    /// Takes for this zone's own what somebody else signed: for the mistake that does.
    ///
    /// # Panics
    /// When a store does not take its first card, which would be a mistake of this program.
    pub fn take_for_own(&mut self, card: &Card) {
        let mut trust = TrustStore::new();
        trust.add(TrustEntry::of_zone(card, KeyState::Active)).expect("the first card of a store is no double");
        self.not_own = Some(trust);
    }

    /// Lets these people sign beside one operator: for the mistake that does.
    ///
    /// # Panics
    /// When one of them is an operator, a mistake of the world.
    pub fn trust_beside(&mut self, cards: &[Card]) {
        let mut trust = self.trust.clone();
        for card in cards {
            trust.add(TrustEntry::of_operator(card, KeyState::Active)).expect("every key of a world is another");
        }
        self.beside = Some(trust);
    }

    /// What verifies a file that an operator has signed, whoever signed beside.
    fn expect_beside(&self, bytes: &[u8]) -> Option<Expect<'_>> {
        let trust = self.beside.as_ref()?;
        let supersedes = ferry_format::inspect_batch(bytes).ok()?.statement.supersedes?;
        let mut signers = supersedes.approvals.iter();
        signers.any(|it| self.trust.entry(&it.key).is_some()).then(|| Expect { trust, ..self.expect() })
    }

    /// What verifies a file that must not be trusted.
    fn expect_wrongly(&self, bytes: &[u8]) -> Option<Expect<'_>> {
        let wrongly = self.wrongly.as_ref().map(|trust| Expect { trust, ..self.expect() });
        wrongly.or_else(|| self.expect_beside(bytes))
    }

    /// What a world that looks into a file needs to open it as the peer's.
    #[must_use]
    pub fn expect(&self) -> Expect<'_> {
        let link = (!breaks::is(Break::AnyLink)).then_some(&self.link);
        Expect { trust: &self.trust, link, from: Some(&self.peer), to: Some(&self.zone) }
    }

    fn expect_own(&self) -> Expect<'_> {
        Expect { trust: &self.own, link: Some(&self.link), from: Some(&self.zone), to: Some(&self.peer) }
    }

    /// The same with what is not this zone's own.
    fn expect_not_own(&self) -> Option<Expect<'_>> {
        self.not_own.as_ref().map(|trust| Expect { trust, ..self.expect_own() })
    }

    /// The zone's keys.
    #[must_use]
    pub fn keys(&self) -> &SoftKeys {
        &self.keys
    }

    fn entropy(&self) -> std::sync::MutexGuard<'_, SeededEntropy> {
        self.entropy.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sealer for SimSealer {
    fn seal_batch(&self, statement: &BatchStatement, payload: &Payload) -> Result<Sealed, PortError> {
        let sealing = Sealing::new(&self.keys, &self.recipients);
        Ok(ferry_format::seal_batch(statement, payload, &sealing, &mut *self.entropy())?)
    }

    fn seal_status(&self, statement: &StatusStatement, body: &StatusBody) -> Result<Sealed, PortError> {
        let sealing = Sealing::new(&self.keys, &self.recipients);
        Ok(ferry_format::seal_status(statement, body, &sealing, &mut *self.entropy())?)
    }

    fn salt(&self) -> Result<[u8; 32], PortError> {
        let mut salt = [0; 32];
        self.entropy().fill(&mut salt).map_err(SealError::from)?;
        Ok(salt)
    }

    fn vet(&self, bytes: &[u8]) -> Result<Vetted, FormatError> {
        match ferry_format::peek(bytes)? {
            Kind::Batch => {
                let verified = ferry_format::verify_batch(bytes, &self.expect());
                let or_wrongly = verified.or_else(|error| match self.expect_wrongly(bytes) {
                    Some(expect) => ferry_format::verify_batch(bytes, &expect),
                    None => Err(error),
                });
                match or_wrongly {
                    Ok(batch) => Ok(Vetted::Batch(Box::new(batch))),
                    Err(error) => {
                        let own = ferry_format::verify_batch(bytes, &self.expect_own());
                        let own = own.or_else(|error| match self.expect_not_own() {
                            Some(expect) => ferry_format::verify_batch(bytes, &expect),
                            None => Err(error),
                        });
                        let own = own.map_err(|_| error)?;
                        Ok(Vetted::Own(Box::new(own)))
                    }
                }
            }
            Kind::Status => {
                let status = ferry_format::open_status(bytes, &self.expect(), &self.keys)?;
                if let Some(next) = &self.next
                    && status.recipients.contains(&next.card.encrypt.id())
                {
                    next.accepted.store(true, Ordering::Relaxed);
                }
                Ok(Vetted::Status(Box::new(status)))
            }
            Kind::Card | Kind::Checkpoint | Kind::Act | Kind::Revocation => Err(FormatError::WrongKind),
        }
    }

    fn read_act(&self, file: &[u8], when: ActTime) -> Result<Act, FormatError> {
        let act = SignedAct::parse(file)?.verify(&self.trust, &self.link, when)?;
        Ok(act.into_inner())
    }

    fn standing(&self) -> Standing {
        Standing {
            peer_keys: Arc::new(peer_keys(&self.trust, &self.link, &self.peer)),
            card: self.next.as_ref().map(|next| next.file.clone()),
            accepted: self.next.as_ref().is_some_and(|next| next.accepted.load(Ordering::Relaxed)),
        }
    }

    fn is_current(&self, bytes: &[u8]) -> Result<bool, PortError> {
        let recipients: Vec<KeyId> = self.recipients.iter().map(PublicKey::id).collect();
        is_sealed_with(bytes, self.keys.sign_key_id(), &recipients)
    }

    fn reseal(&self, bytes: &[u8]) -> Result<Sealed, PortError> {
        let batch = self.open_own(bytes);
        let batch = batch.map_err(|error| PortError::new(FaultKind::Corrupt, error.to_string()))?;
        let sealing = Sealing::new(&self.keys, &self.recipients);
        Ok(ferry_format::reseal_batch(&batch, &sealing, &mut *self.entropy())?)
    }

    fn open_own(&self, bytes: &[u8]) -> Result<Verified<Batch>, FormatError> {
        ferry_format::open_batch(bytes, &self.expect_own(), &self.keys).or_else(|error| match self.expect_not_own() {
            Some(expect) => ferry_format::open_batch(bytes, &expect, &self.keys),
            None => Err(error),
        })
    }

    fn open(&self, bytes: &[u8]) -> Result<Verified<Batch>, FormatError> {
        ferry_format::open_batch(bytes, &self.expect(), &self.keys).or_else(|error| match self.expect_wrongly(bytes) {
            Some(expect) => ferry_format::open_batch(bytes, &expect, &self.keys),
            None => Err(error),
        })
    }
}
