//! Acts: what operators decided, for which reason, signed by them.
//!
//! An act names the zone that carries it out. It crosses in that zone's status files, so that both zones list it.

use crate::approvals;
use crate::canon::{Value, object, text};
use crate::deed::Deed;
use crate::error::{FormatError, SealError};
use crate::fields::Fields;
use crate::keys::KeyProvider;
use crate::limits::ACT_BYTES_MAX;
use crate::magic::Kind;
use crate::reason::Reason;
use crate::signed_line::signed_part;
use crate::trust::TrustStore;
use crate::verified::Verified;
use crate::{ActId, Approval, Digest, LinkId, ZoneName};

/// What an operator decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Act {
    /// The link.
    pub link: LinkId,
    /// The zone that carries it out.
    pub zone: ZoneName,
    /// A random id: the same decision made twice is two acts.
    pub id: ActId,
    /// When it was made, in milliseconds since 1970-01-01 UTC: the operator's word only.
    pub at_ms: u64,
    /// Why.
    pub reason: Reason,
    /// What.
    pub deed: Deed,
}

/// An act with the signatures under it, as a text file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedAct {
    /// What was decided.
    pub act: Act,
    /// Who signed it, ordered by key id. Nothing is verified.
    pub approvals: Vec<Approval>,
}

impl SignedAct {
    /// An act that nobody has signed yet.
    #[must_use]
    pub fn unsigned(act: Act) -> Self {
        Self { act, approvals: Vec::new() }
    }

    /// Adds an operator's signature, in the place of an earlier one by the same key.
    ///
    /// # Errors
    /// When the key does not sign, or enough operators have signed.
    pub fn approve(&mut self, keys: &dyn KeyProvider) -> Result<(), SealError> {
        let signed = self.signed_bytes()?;
        approvals::approve(&mut self.approvals, &signed, keys)
    }

    /// The file.
    ///
    /// # Errors
    /// When the act is not canonical or too long.
    pub fn write(&self) -> Result<Vec<u8>, FormatError> {
        let out = approvals::write(self.signed_bytes()?, &self.approvals);
        Self::parse(&out)?;
        Ok(out)
    }

    /// Reads the file. Nothing is verified.
    ///
    /// # Errors
    /// When it is no act, or not spelled exactly as [`SignedAct::write`] does.
    pub fn parse(bytes: &[u8]) -> Result<Self, FormatError> {
        let (value, approvals) = approvals::read(bytes, Kind::Act, "act bytes", ACT_BYTES_MAX)?;
        Ok(Self { act: read(value)?, approvals })
    }

    /// The act's identity: the SM3 of what is signed.
    ///
    /// # Errors
    /// When the act is not canonical or too long.
    pub fn digest(&self) -> Result<Digest, FormatError> {
        Ok(Digest::of(&[&self.signed_bytes()?]))
    }

    /// Verifies every signature, each by a trusted operator of the link, and that there are as many as the deed needs.
    /// Keys that are retired, or expired at `now_ms`, count only for acts that are `past`.
    ///
    /// # Errors
    /// [`FormatError::BadApproval`], [`FormatError::TooFewApprovals`] or [`FormatError::WrongLink`].
    pub fn verify(&self, trust: &TrustStore, link: &LinkId, when: ActTime) -> Result<Verified<Act>, FormatError> {
        if self.act.link != *link {
            return Err(FormatError::WrongLink);
        }
        let signed = self.signed_bytes()?;
        let needed = self.act.deed.approvals();
        approvals::verify((&signed, &self.approvals), Kind::Act, trust, link, when, needed)?;
        Ok(Verified::new(self.act.clone()))
    }

    fn signed_bytes(&self) -> Result<Vec<u8>, FormatError> {
        signed_part(Kind::Act, &write(&self.act))
    }
}

/// Whether an act is to be carried out, or was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActTime {
    /// It is to be carried out now, in milliseconds since 1970-01-01 UTC.
    Now(u64),
    /// It was carried out; the peer, or an archive, tells of it.
    Past,
}

fn write(act: &Act) -> Value {
    let mut entries = vec![
        ("act", text(act.deed.name())),
        ("at", Value::Integer(act.at_ms)),
        ("id", text(act.id)),
        ("link", text(&act.link)),
        ("reason", text(&act.reason)),
        ("stream", text(act.deed.stream())),
        ("zone", text(&act.zone)),
    ];
    act.deed.write(&mut entries);
    object(entries)
}

fn read(value: Value) -> Result<Act, FormatError> {
    let mut fields = Fields::of(value, "")?;
    let stream = fields.parsed("stream")?;
    let deed = Deed::read(&mut fields, stream)?;
    let act = Act {
        link: fields.parsed("link")?,
        zone: fields.parsed("zone")?,
        id: fields.parsed("id")?,
        at_ms: fields.integer("at")?,
        reason: fields.parsed("reason")?,
        deed,
    };
    fields.done()?;
    Ok(act)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deed::{ActRange, Substitute};
    use crate::{Card, Entropy, EntropyError, EpochId, KeyState, Mark, SoftKeys, StreamName, TrustEntry};

    struct Counter(u8);

    impl Entropy for Counter {
        fn fill(&mut self, out: &mut [u8]) -> Result<(), EntropyError> {
            for chunk in out.chunks_mut(32) {
                self.0 += 1;
                chunk.copy_from_slice(&Digest::of(&[&[self.0]]).0[..chunk.len()]);
            }
            Ok(())
        }
    }

    fn link() -> LinkId {
        "nontax".parse().unwrap()
    }

    fn act(deed: Deed) -> Act {
        let reason = Reason::new("银行已确认").unwrap();
        Act { link: link(), zone: "outer".parse().unwrap(), id: ActId([7; 16]), at_ms: 5, reason, deed }
    }

    fn deeds() -> Vec<Deed> {
        let stream: StreamName = "confirm".parse().unwrap();
        let range = ActRange { stream: stream.clone(), epoch: 1, first: 3, last: 9 };
        vec![
            Deed::Hold { stream: stream.clone() },
            Deed::Release { stream: stream.clone() },
            Deed::Retry { range: range.clone() },
            Deed::Resend { range: range.clone() },
            Deed::Reseal { range: range.clone() },
            Deed::Pass { stream: stream.clone(), row: 4, with: Substitute::Void },
            Deed::Pass { stream, row: 4, with: Substitute::Current },
            Deed::RetryRows { range: range.clone() },
            Deed::Dismiss { range },
            Deed::TakeBack {
                through: Mark { stream: "confirm".parse().unwrap(), epoch: 1, seq: 9, digest: Digest([4; 32]) },
            },
            Deed::Supersede {
                stream: "confirm".parse().unwrap(),
                epoch: 1,
                epoch_id: EpochId([5; 8]),
                contract: Digest([6; 32]),
                first: 3,
                old: vec![Digest([1; 32]), Digest([2; 32])],
                new: vec![Digest([3; 32])],
            },
            Deed::Load { stream: "confirm".parse().unwrap() },
            Deed::NewEpoch {
                epoch: 2,
                epoch_id: EpochId([7; 8]),
                ended: Mark { stream: "confirm".parse().unwrap(), epoch: 1, seq: 9, digest: Digest([4; 32]) },
            },
        ]
    }

    /// Two operators, and a store that trusts both as it is told.
    fn operators(state: &KeyState) -> ([SoftKeys; 2], TrustStore) {
        let keys = [1, 101].map(|seed| SoftKeys::generate(&mut Counter(seed)).unwrap());
        let mut trust = TrustStore::new();
        for keys in &keys {
            let (sign, encrypt) = (keys.sign_public().clone(), keys.encrypt_public().clone());
            let zone = "outer".parse().unwrap();
            let card = Card { link: link(), zone, instance: None, sign, encrypt, created_at_ms: 0 };
            trust.add(TrustEntry::of_operator(&card, state.clone())).unwrap();
        }
        (keys, trust)
    }

    #[test]
    fn every_deed_is_read_as_it_is_written() {
        let (keys, trust) = operators(&KeyState::Active);
        for deed in deeds() {
            let mut signed = SignedAct::unsigned(act(deed));
            for signers in 0..=2 {
                let bytes = signed.write().unwrap();
                assert_eq!(SignedAct::parse(&bytes), Ok(signed.clone()));
                let enough = signers >= signed.act.deed.approvals();
                assert_eq!(
                    signed.verify(&trust, &link(), ActTime::Now(1)).is_ok(),
                    enough,
                    "{signers}: {:?}",
                    signed.act
                );
                if let Some(keys) = keys.get(signers) {
                    signed.approve(keys).unwrap();
                }
            }
        }
    }

    #[test]
    fn one_operator_counts_once() {
        let (keys, trust) = operators(&KeyState::Active);
        let mut signed = SignedAct::unsigned(act(deeds().remove(5)));
        signed.approve(&keys[0]).unwrap();
        signed.approve(&keys[0]).unwrap();
        let verified = signed.verify(&trust, &link(), ActTime::Now(1));
        assert_eq!(verified.unwrap_err(), FormatError::TooFewApprovals { needed: 2 });
        let text = String::from_utf8(signed.write().unwrap()).unwrap();
        let line = text.lines().nth(2).unwrap();
        let doubled = text.replace(line, &format!("{line}\n{line}"));
        let error = SignedAct::parse(doubled.as_bytes()).unwrap_err();
        assert_eq!(error, FormatError::Inconsistent { reason: "approvals do not ascend by key" });
    }

    #[test]
    fn what_was_signed_cannot_be_changed() {
        let (keys, trust) = operators(&KeyState::Active);
        let mut signed = SignedAct::unsigned(act(deeds().remove(0)));
        signed.approve(&keys[0]).unwrap();
        for changed in [
            Act { deed: deeds().remove(1), ..signed.act.clone() },
            Act { id: ActId([8; 16]), ..signed.act.clone() },
            Act { zone: "inner".parse().unwrap(), ..signed.act.clone() },
            Act { reason: Reason::new("other").unwrap(), ..signed.act.clone() },
        ] {
            let forged = SignedAct { act: changed, ..signed.clone() };
            assert_eq!(forged.verify(&trust, &link(), ActTime::Past).unwrap_err(), FormatError::BadApproval);
        }
        let other: LinkId = "other".parse().unwrap();
        assert_eq!(signed.verify(&trust, &other, ActTime::Past).unwrap_err(), FormatError::WrongLink);
        assert_eq!(signed.verify(&TrustStore::new(), &link(), ActTime::Past).unwrap_err(), FormatError::BadApproval);
    }

    #[test]
    fn a_key_that_was_replaced_or_has_expired_signs_nothing_new() {
        let (keys, retired) = operators(&KeyState::Retired);
        let mut signed = SignedAct::unsigned(act(deeds().remove(0)));
        signed.approve(&keys[0]).unwrap();
        assert!(signed.verify(&retired, &link(), ActTime::Past).is_ok());
        assert_eq!(signed.verify(&retired, &link(), ActTime::Now(1)).unwrap_err(), FormatError::BadApproval);
        let (_, active) = operators(&KeyState::Active);
        let mut expired = TrustStore::new();
        for entry in active.entries() {
            expired.add(TrustEntry { not_after_ms: Some(10), ..entry.clone() }).unwrap();
        }
        assert!(signed.verify(&expired, &link(), ActTime::Now(10)).is_ok());
        assert_eq!(signed.verify(&expired, &link(), ActTime::Now(11)).unwrap_err(), FormatError::BadApproval);
    }

    #[test]
    fn what_is_no_act_is_refused() {
        let bytes = SignedAct::unsigned(act(deeds().remove(2))).write().unwrap();
        let text = String::from_utf8(bytes.clone()).unwrap();
        let with = |from: &str, to: &str| SignedAct::parse(text.replace(from, to).as_bytes()).unwrap_err().code();
        assert_eq!(with("\"retry\"", "\"rewrite\""), "bad-value");
        assert_eq!(with("\"first\":3", "\"first\":10"), "bad-value");
        assert_eq!(with("\"last\":9,", ""), "missing-field");
        let begun = SignedAct::unsigned(act(deeds().pop().unwrap())).write().unwrap();
        let begun = String::from_utf8(begun).unwrap();
        for epoch in ["1", "100000000"] {
            let changed = begun.replace("\"epoch\":2", &format!("\"epoch\":{epoch}"));
            assert_eq!(SignedAct::parse(changed.as_bytes()).unwrap_err().code(), "bad-value", "{epoch}");
        }
        assert_eq!(with("ferry/1 act ", "ferry/1 card"), "wrong-kind");
        assert_eq!(SignedAct::parse(&bytes[..bytes.len() - 1]).unwrap_err().code(), "truncated");
        assert_eq!(SignedAct::parse(&[bytes, b"\n".to_vec()].concat()).unwrap_err().code(), "bad-end");
        assert_eq!(SignedAct::parse(&vec![b' '; ACT_BYTES_MAX + 1]).unwrap_err().code(), "limit");
    }
}
