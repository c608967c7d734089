//! Every vector under `testdata/vectors`: what must come of it, that writing gives the same bytes, and that no damage
//! to it passes.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod support;

use std::collections::BTreeSet;

use ferry_format::{
    ActTime, Card, Carrier, Compression, Expect, FileName, FormatError, LinkId, PublicKey, Sealing, SignedAct,
    SignedRevocation, SoftKeys, TrustStore, ZoneName, inspect_batch, open_batch, open_status, parse_record, seal_batch,
    seal_status, verify_batch, verify_status, write_record,
};
use support::Seeded;
use support::corpus::{trust_files, vectors};
use support::vector::{Vector, discover, testdata};

#[test]
fn every_vector_ends_as_it_says() {
    for vector in discover() {
        let judge = Judge::of(&vector);
        let result = judge.code(&vector.bytes);
        assert_eq!(result, vector.required("expect"), "{}: {}", vector.name, vector.required("story"));
    }
}

#[test]
fn what_is_read_is_written_back_to_the_same_bytes() {
    let mut pinned = 0;
    for vector in discover().iter().filter(|vector| vector.get("writes").is_some()) {
        let written = Judge::of(vector).write(vector);
        assert_eq!(written, vector.bytes, "{}", vector.name);
        pinned += usize::from(vector.get("entropy-seed").is_some());
    }
    assert!(pinned >= 10, "only {pinned} vectors pin the bytes of a sealed file");
}

#[test]
fn a_vector_that_is_cut_anywhere_is_refused() {
    let good = good();
    for vector in discover() {
        let judge = Judge::of(&vector);
        for length in 0..vector.bytes.len() {
            let bytes = &vector.bytes[..length];
            if judge.code(bytes) == "ok" && !good.contains(bytes) {
                assert!(!judge.is_signed(), "{} cut to {length} bytes", vector.name);
                assert_eq!(judge.rewrite(bytes), bytes, "{} cut to {length} bytes", vector.name);
            }
        }
    }
}

#[test]
fn a_vector_with_any_byte_changed_is_refused_or_means_something_else() {
    let good = good();
    for vector in discover() {
        let judge = Judge::of(&vector);
        // A refused file shares most bytes with a good one, of which every byte is changed.
        let step = if vector.is_ok() || !judge.is_signed() { 1 } else { 13 };
        let mut bytes = vector.bytes.clone();
        for index in (0..bytes.len()).step_by(step) {
            let flip = 1 << (index % 8);
            bytes[index] ^= flip;
            if judge.code(&bytes) == "ok" && !good.contains(&bytes) {
                assert!(!judge.is_signed(), "{} with byte {index} changed", vector.name);
                assert_eq!(judge.rewrite(&bytes), bytes, "{} with byte {index} changed", vector.name);
            }
            bytes[index] ^= flip;
        }
    }
}

fn good() -> BTreeSet<Vec<u8>> {
    discover().into_iter().filter(Vector::is_ok).map(|vector| vector.bytes).collect()
}

#[test]
fn the_committed_vectors_are_those_that_the_seeds_give() {
    assert_eq!(discover(), vectors(), "run the example make-vectors and look at what it changed");
    for (name, store) in trust_files() {
        assert_eq!(trust(name).write(), store.write());
    }
}

#[test]
fn most_vectors_are_refused_and_most_codes_have_one() {
    let vectors = discover();
    let refused = vectors.iter().filter(|vector| !vector.is_ok()).count();
    assert!(vectors.len() >= 60 && 10 * refused >= 7 * vectors.len(), "{refused} of {} are refused", vectors.len());
    let seen: BTreeSet<&str> = vectors.iter().map(|vector| vector.required("expect")).collect();
    let source = include_str!("../src/error.rs");
    // These three come of things that no file holds: a private key, a key provider, a stored head of a log.
    let elsewhere = ["bad-private-key", "key-unavailable", "bad-frontier"];
    for code in support::codes(source) {
        assert!(seen.contains(code) || elsewhere.contains(&code), "no vector ends with {code}");
    }
}

/// Reads what a vector is, with the keys and expectations that it names.
struct Judge {
    what: String,
    trust: TrustStore,
    keys: Option<SoftKeys>,
    link: Option<LinkId>,
    from: Option<ZoneName>,
    to: Option<ZoneName>,
    carrier: Option<Carrier>,
    max: usize,
}

impl Judge {
    fn of(vector: &Vector) -> Self {
        let carrier = vector.get("carrier").map(|name| Carrier::ALL.into_iter().find(|carrier| carrier.name() == name));
        Self {
            what: vector.required("what").to_owned(),
            trust: vector.get("trust").map(trust).unwrap_or_default(),
            keys: vector.get("keys").map(keys),
            link: vector.get("link").map(|name| name.parse().unwrap()),
            from: vector.get("from").map(|name| name.parse().unwrap()),
            to: vector.get("to").map(|name| name.parse().unwrap()),
            carrier: carrier.map(|carrier| carrier.unwrap()),
            max: vector.get("max").map_or(0, |max| max.parse().unwrap()),
        }
    }

    fn expect(&self) -> Expect<'_> {
        let Self { trust, link, from, to, .. } = self;
        Expect { trust, link: link.as_ref(), from: from.as_ref(), to: to.as_ref() }
    }

    /// `ok` or the code of the refusal.
    fn code(&self, bytes: &[u8]) -> &'static str {
        match self.what.as_str() {
            "batch" => self.batch(bytes).map_or_else(|error| error.code(), |()| "ok"),
            "status" => self.status(bytes).map_or_else(|error| error.code(), |()| "ok"),
            "card" => Card::parse(bytes).map_or_else(|error| error.code(), |_| "ok"),
            "act" => self.act(bytes).map_or_else(|error| error.code(), |()| "ok"),
            "revocation" => self.revocation(bytes).map_or_else(|error| error.code(), |()| "ok"),
            "trust" => TrustStore::parse(bytes).map_or_else(|error| error.code(), |_| "ok"),
            "record" => parse_record(bytes).map_or_else(|error| error.code(), |_| "ok"),
            "carrier" => self.carrier.unwrap().decode(bytes, self.max).map_or_else(|error| error.code(), |_| "ok"),
            "name" => name(bytes).map_or_else(|error| error.code(), |_| "ok"),
            other => panic!("nothing is known of {other}"),
        }
    }

    /// Opens with a private key if there is one, else verifies. What opens must verify too.
    fn batch(&self, bytes: &[u8]) -> Result<(), FormatError> {
        let expect = self.expect();
        let Some(keys) = &self.keys else { return verify_batch(bytes, &expect).map(drop) };
        let batch = open_batch(bytes, &expect, keys)?;
        let signed = verify_batch(bytes, &expect).unwrap();
        assert_eq!((&signed.statement, signed.digest, signed.signer), (&batch.statement, batch.digest, batch.signer));
        assert_eq!(inspect_batch(bytes).unwrap().statement, batch.statement);
        assert_eq!(batch.records().count() as u64, batch.statement.records);
        Ok(())
    }

    fn act(&self, bytes: &[u8]) -> Result<(), FormatError> {
        let link = self.link.as_ref().unwrap();
        SignedAct::parse(bytes)?.verify(&self.trust, link, ActTime::Past).map(drop)
    }

    fn revocation(&self, bytes: &[u8]) -> Result<(), FormatError> {
        let link = self.link.as_ref().unwrap();
        SignedRevocation::parse(bytes)?.verify(&self.trust, link, ActTime::Past).map(drop)
    }

    fn status(&self, bytes: &[u8]) -> Result<(), FormatError> {
        let expect = self.expect();
        let Some(keys) = &self.keys else { return verify_status(bytes, &expect).map(drop) };
        let status = open_status(bytes, &expect, keys)?;
        let signed = verify_status(bytes, &expect).unwrap();
        assert_eq!((&signed.statement, signed.digest), (&status.statement, status.digest));
        Ok(())
    }

    /// Signed objects have no two spellings and no accidental neighbours.
    fn is_signed(&self) -> bool {
        ["batch", "status", "card", "act", "revocation"].contains(&self.what.as_str())
    }

    /// What the writer gives for what these bytes mean, for kinds that need no key.
    fn rewrite(&self, bytes: &[u8]) -> Vec<u8> {
        match self.what.as_str() {
            "trust" => TrustStore::parse(bytes).unwrap().write(),
            "carrier" => {
                let carrier = self.carrier.unwrap();
                carrier.encode(&carrier.decode(bytes, self.max).unwrap())
            }
            "name" => name(bytes).unwrap().to_string().into_bytes(),
            "record" => {
                let record = parse_record(bytes).unwrap();
                let mut out = Vec::new();
                write_record(&mut out, &record.table, record.op, &record.values);
                out
            }
            other => panic!("{other} is written with keys"),
        }
    }

    fn write(&self, vector: &Vector) -> Vec<u8> {
        match self.what.as_str() {
            "batch" => self.write_batch(vector),
            "status" => self.write_status(vector),
            "card" => Card::parse(&vector.bytes).unwrap().write(&keys(vector.required("signer"))).unwrap(),
            "act" => SignedAct::parse(&vector.bytes).unwrap().write().unwrap(),
            "revocation" => SignedRevocation::parse(&vector.bytes).unwrap().write().unwrap(),
            _ => self.rewrite(&vector.bytes),
        }
    }

    fn write_batch(&self, vector: &Vector) -> Vec<u8> {
        let batch = open_batch(&vector.bytes, &self.expect(), self.keys.as_ref().unwrap()).unwrap();
        let envelope = inspect_batch(&vector.bytes).unwrap().envelope;
        let recipients = recipients(envelope.recipients.iter().map(|recipient| recipient.key));
        let signer = keys(vector.required("signer"));
        let sealing = Sealing {
            keys: &signer,
            recipients: &recipients,
            chunk_bytes: envelope.chunk_bytes,
            compression: envelope.compression,
        };
        let mut entropy = Seeded::new(vector.required("entropy-seed"));
        seal_batch(&batch.statement, &batch.payload, &sealing, &mut entropy).unwrap().bytes
    }

    fn write_status(&self, vector: &Vector) -> Vec<u8> {
        let status = open_status(&vector.bytes, &self.expect(), self.keys.as_ref().unwrap()).unwrap();
        let signed = verify_status(&vector.bytes, &self.expect()).unwrap();
        let recipients = recipients(signed.recipients.iter().copied());
        let signer = keys(vector.required("signer"));
        let sealing =
            Sealing { keys: &signer, recipients: &recipients, chunk_bytes: 4096, compression: Compression::Zstd };
        let mut entropy = Seeded::new(vector.required("entropy-seed"));
        seal_status(&status.statement, &status.body, &sealing, &mut entropy).unwrap().bytes
    }
}

fn name(bytes: &[u8]) -> Result<FileName, FormatError> {
    std::str::from_utf8(bytes).map_err(|_| FormatError::BadName)?.parse()
}

fn trust(name: &str) -> TrustStore {
    let path = testdata().join("trust").join(format!("{name}.trust"));
    TrustStore::parse(&std::fs::read(path).unwrap()).unwrap()
}

fn keys(holder: &str) -> SoftKeys {
    let pem = |what: &str| std::fs::read_to_string(testdata().join("keys").join(format!("{holder}-{what}.pem")));
    SoftKeys::from_pem(&pem("sign").unwrap(), &pem("encrypt").unwrap()).unwrap()
}

fn recipients(ids: impl Iterator<Item = ferry_format::KeyId>) -> Vec<PublicKey> {
    let holders: Vec<SoftKeys> = support::HOLDERS.into_iter().map(keys).collect();
    let find = |id| holders.iter().map(SoftKeys::encrypt_public).find(|key| key.id() == id).unwrap().clone();
    ids.map(find).collect()
}
