//! What the tests of this crate share: fixed randomness, fixed keys, sample statements, and the vectors themselves.
#![allow(dead_code, reason = "each test binary uses its own part")]
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]
#![allow(clippy::type_complexity, reason = "tables of cases are read as tables")]

pub mod corpus;
pub mod raw;
pub mod sample;
pub mod vector;

use ferry_format::{
    Card, Digest, Entropy, EntropyError, Instance, KeyState, LinkId, SoftKeys, TrustEntry, TrustStore, ZoneName,
};

/// Bytes that follow from a seed: SM3(seed, counter), block after block.
pub struct Seeded {
    seed: String,
    counter: u64,
    left: Vec<u8>,
}

impl Seeded {
    pub fn new(seed: &str) -> Self {
        Self { seed: seed.to_owned(), counter: 0, left: Vec::new() }
    }
}

impl Entropy for Seeded {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), EntropyError> {
        for byte in out {
            if self.left.is_empty() {
                let block = Digest::of(&[self.seed.as_bytes(), &self.counter.to_be_bytes()]);
                self.left = block.0.iter().rev().copied().collect();
                self.counter += 1;
            }
            *byte = self.left.pop().unwrap();
        }
        Ok(())
    }
}

/// Randomness that never comes.
pub struct Dry;

impl Entropy for Dry {
    fn fill(&mut self, _: &mut [u8]) -> Result<(), EntropyError> {
        Err(EntropyError)
    }
}

/// The holders of test keys. `ann` and `bob` are operators of zone `outer`; `mallory` is in no trust file.
pub const HOLDERS: [&str; 7] = ["outer", "inner", "auditor", "ann", "bob", "older", "mallory"];

/// A holder's keys.
pub fn keys(holder: &str) -> SoftKeys {
    SoftKeys::generate(&mut Seeded::new(&format!("keys of {holder}"))).unwrap()
}

pub fn link() -> LinkId {
    "nontax".parse().unwrap()
}

pub fn zone(name: &str) -> ZoneName {
    name.parse().unwrap()
}

/// The card of a holder in `zone`.
pub fn card(holder: &str, zone_name: &str) -> Card {
    let keys = keys(holder);
    let operator = ["ann", "bob"].contains(&holder);
    Card {
        link: link(),
        zone: zone(zone_name),
        instance: (!operator).then(|| Instance(Digest::of(&[holder.as_bytes()]).0[..16].try_into().unwrap())),
        sign: keys.sign_public().clone(),
        encrypt: keys.encrypt_public().clone(),
        created_at_ms: 1_767_225_600_000,
    }
}

/// The trust file that both zones have: each other's cards, their own, and two operators of the outer zone.
pub fn trust() -> TrustStore {
    let mut store = TrustStore::new();
    for zone in ["outer", "inner"] {
        store.add(TrustEntry::of_zone(&card(zone, zone), KeyState::Active)).unwrap();
    }
    for operator in ["ann", "bob"] {
        store.add(TrustEntry::of_operator(&card(operator, "outer"), KeyState::Active)).unwrap();
    }
    store
}

/// The trust file with the outer zone's entry changed.
pub fn trust_with(change: impl FnOnce(&mut TrustEntry)) -> TrustStore {
    let mut store = trust();
    let mut entry = store.remove(&keys("outer").sign_public().id()).unwrap();
    change(&mut entry);
    store.add(entry).unwrap();
    store
}

/// The codes in the source of `error.rs` or `records.rs`: what stands behind an arrow in quotes.
pub fn codes(source: &str) -> Vec<&str> {
    let codes = source.lines().filter_map(|line| line.split_once("=> \"")?.1.strip_suffix("\","));
    codes.filter(|code| code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')).collect()
}
