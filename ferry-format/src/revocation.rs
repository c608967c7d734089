//! Revocations: from where on a zone's key may be in other hands. Carried by hand, signed by two operators.

use crate::act::ActTime;
use crate::approvals;
use crate::batch_header::{read_marks, write_marks};
use crate::canon::{Value, object, text};
use crate::digest::KeyId;
use crate::error::{FormatError, SealError};
use crate::fields::Fields;
use crate::keys::KeyProvider;
use crate::limits::REVOCATION_BYTES_MAX;
use crate::magic::Kind;
use crate::reason::Reason;
use crate::signed_line::signed_part;
use crate::trust::TrustStore;
use crate::verified::Verified;
use crate::{Approval, LinkId, Mark, ZoneName};

/// Operators who must sign a revocation: one alone could shut a zone out.
pub const REVOCATION_APPROVALS: usize = 2;

/// A zone's signing key, and the last that it signed in its owner's hands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revocation {
    /// The link.
    pub link: LinkId,
    /// The zone whose key it is.
    pub zone: ZoneName,
    /// The signing key.
    pub key: KeyId,
    /// The last good batch of each stream, each the end of a group, ordered by stream. What the key signed up to there counts
    /// if it chains to the digest; other streams have nothing good.
    pub last_good: Vec<Mark>,
    /// The number of the last good status.
    pub status_number: u64,
    /// When it was made, in milliseconds since 1970-01-01 UTC: the operator's word only.
    pub at_ms: u64,
    /// Why.
    pub reason: Reason,
}

/// A revocation with the signatures under it, as a text file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedRevocation {
    /// What is revoked.
    pub revocation: Revocation,
    /// Who signed it, ordered by key id. Nothing is verified.
    pub approvals: Vec<Approval>,
}

impl SignedRevocation {
    /// A revocation that nobody has signed yet.
    #[must_use]
    pub fn unsigned(revocation: Revocation) -> Self {
        Self { revocation, approvals: Vec::new() }
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
    /// When the revocation is not canonical or too long.
    pub fn write(&self) -> Result<Vec<u8>, FormatError> {
        let out = approvals::write(self.signed_bytes()?, &self.approvals);
        Self::parse(&out)?;
        Ok(out)
    }

    /// Reads the file. Nothing is verified.
    ///
    /// # Errors
    /// When it is no revocation, or not spelled exactly as [`SignedRevocation::write`] does.
    pub fn parse(bytes: &[u8]) -> Result<Self, FormatError> {
        let (value, approvals) = approvals::read(bytes, Kind::Revocation, "revocation bytes", REVOCATION_BYTES_MAX)?;
        let mut fields = Fields::of(value, "")?;
        let revocation = Revocation {
            link: fields.parsed("link")?,
            zone: fields.parsed("zone")?,
            key: fields.parsed("key")?,
            last_good: read_marks(&mut fields, "last_good")?,
            status_number: fields.integer("status_number")?,
            at_ms: fields.integer("at")?,
            reason: fields.parsed("reason")?,
        };
        fields.done()?;
        Ok(Self { revocation, approvals })
    }

    /// Verifies every signature, each by an active operator of the link, and that there are [`REVOCATION_APPROVALS`].
    ///
    /// # Errors
    /// [`FormatError::BadApproval`], [`FormatError::TooFewApprovals`] or [`FormatError::WrongLink`].
    pub fn verify(
        &self,
        trust: &TrustStore,
        link: &LinkId,
        when: ActTime,
    ) -> Result<Verified<Revocation>, FormatError> {
        if self.revocation.link != *link {
            return Err(FormatError::WrongLink);
        }
        let signed = self.signed_bytes()?;
        approvals::verify((&signed, &self.approvals), Kind::Revocation, trust, link, when, REVOCATION_APPROVALS)?;
        Ok(Verified::new(self.revocation.clone()))
    }

    fn signed_bytes(&self) -> Result<Vec<u8>, FormatError> {
        signed_part(Kind::Revocation, &write(&self.revocation))
    }
}

fn write(revocation: &Revocation) -> Value {
    object([
        ("at", Value::Integer(revocation.at_ms)),
        ("key", text(revocation.key)),
        ("last_good", write_marks(&revocation.last_good)),
        ("link", text(&revocation.link)),
        ("reason", text(&revocation.reason)),
        ("status_number", Value::Integer(revocation.status_number)),
        ("zone", text(&revocation.zone)),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Card, Digest, Entropy, EntropyError, KeyState, SoftKeys, TrustEntry};

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

    fn card(keys: &SoftKeys) -> Card {
        let (sign, encrypt) = (keys.sign_public().clone(), keys.encrypt_public().clone());
        Card { link: link(), zone: "outer".parse().unwrap(), instance: None, sign, encrypt, created_at_ms: 0 }
    }

    /// A zone's keys, those of two operators, and a store that trusts them all.
    fn people() -> (SoftKeys, [SoftKeys; 2], TrustStore) {
        let [zone, one, two] = [1, 60, 120].map(|seed| SoftKeys::generate(&mut Counter(seed)).unwrap());
        let mut trust = TrustStore::new();
        trust.add(TrustEntry::of_zone(&card(&zone), KeyState::Active)).unwrap();
        for keys in [&one, &two] {
            trust.add(TrustEntry::of_operator(&card(keys), KeyState::Active)).unwrap();
        }
        (zone, [one, two], trust)
    }

    fn revocation(key: KeyId) -> Revocation {
        let last_good = Mark { stream: "confirm".parse().unwrap(), epoch: 1, seq: 9, digest: Digest([4; 32]) };
        let (zone, reason) = ("outer".parse().unwrap(), Reason::new("服务器被盗").unwrap());
        Revocation { link: link(), zone, key, last_good: vec![last_good], status_number: 70, at_ms: 5, reason }
    }

    #[test]
    fn two_operators_revoke_a_key_and_one_does_not() {
        let (zone, operators, mut trust) = people();
        let key = zone.sign_key_id();
        let mut signed = SignedRevocation::unsigned(revocation(key));
        for signers in 0..=2 {
            let bytes = signed.write().unwrap();
            assert_eq!(SignedRevocation::parse(&bytes), Ok(signed.clone()));
            let verified = signed.verify(&trust, &link(), ActTime::Now(1));
            match signers {
                2 => trust.revoke(&verified.unwrap()).unwrap(),
                _ => assert_eq!(verified.unwrap_err(), FormatError::TooFewApprovals { needed: 2 }),
            }
            if let Some(keys) = operators.get(signers) {
                signed.approve(keys).unwrap();
            }
        }
        let state = &trust.entry(&key).unwrap().state;
        assert_eq!(*state, KeyState::Revoked { last_good: revocation(key).last_good, status_number: 70 });
        assert_eq!(TrustStore::parse(&trust.write()), Ok(trust.clone()));
    }

    #[test]
    fn what_was_signed_cannot_be_changed_and_a_zone_revokes_nothing() {
        let (zone, operators, trust) = people();
        let key = zone.sign_key_id();
        let mut signed = SignedRevocation::unsigned(revocation(key));
        operators.iter().for_each(|keys| signed.approve(keys).unwrap());
        for changed in [
            Revocation { key: operators[0].sign_key_id(), ..signed.revocation.clone() },
            Revocation { zone: "inner".parse().unwrap(), ..signed.revocation.clone() },
            Revocation { last_good: Vec::new(), ..signed.revocation.clone() },
            Revocation { status_number: 71, ..signed.revocation.clone() },
        ] {
            let forged = SignedRevocation { revocation: changed, ..signed.clone() };
            assert_eq!(forged.verify(&trust, &link(), ActTime::Now(1)).unwrap_err(), FormatError::BadApproval);
        }
        let other: LinkId = "other".parse().unwrap();
        assert_eq!(signed.verify(&trust, &other, ActTime::Now(1)).unwrap_err(), FormatError::WrongLink);
        let mut by_zone = SignedRevocation::unsigned(revocation(key));
        by_zone.approve(&zone).unwrap();
        by_zone.approve(&operators[0]).unwrap();
        assert_eq!(by_zone.verify(&trust, &link(), ActTime::Now(1)).unwrap_err(), FormatError::BadApproval);
    }

    #[test]
    fn a_key_is_revoked_to_an_earlier_place_and_never_to_a_later_one() {
        let (zone, operators, mut trust) = people();
        let key = zone.sign_key_id();
        let verified = |revocation: Revocation, trust: &TrustStore| {
            let mut signed = SignedRevocation::unsigned(revocation);
            operators.iter().for_each(|keys| signed.approve(keys).unwrap());
            signed.verify(trust, &link(), ActTime::Now(1)).unwrap()
        };
        let at = |seq| Revocation {
            last_good: vec![Mark { seq, ..revocation(key).last_good[0].clone() }],
            ..revocation(key)
        };
        let first = verified(at(9), &trust);
        trust.revoke(&first).unwrap();
        let later = verified(at(10), &trust);
        assert_eq!(trust.revoke(&later).unwrap_err().code(), "inconsistent");
        let earlier = verified(at(8), &trust);
        trust.revoke(&earlier).unwrap();
        let unknown = verified(Revocation { key: KeyId([9; 16]), ..at(8) }, &trust);
        assert_eq!(trust.revoke(&unknown).unwrap_err(), FormatError::UnknownSigner);
        let operator = verified(Revocation { key: operators[0].sign_key_id(), ..at(8) }, &trust);
        assert_eq!(trust.revoke(&operator).unwrap_err().code(), "inconsistent");
    }
}
