//! Cards: the public keys of a zone or an operator, signed by themselves, to be carried by hand.

use crate::canon::{Value, object, text};
use crate::error::{FormatError, SealError};
use crate::fields::Fields;
use crate::ident::hex_encode;
use crate::keys::{KeyProvider, PublicKey};
use crate::limits::CARD_BYTES_MAX;
use crate::magic::Kind;
use crate::signed_line::{SignedLine, write_signed_line};
use crate::verified::Verified;
use crate::{Digest, Instance, LinkId, ZoneName};

/// A zone's or an operator's public keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Card {
    /// The link.
    pub link: LinkId,
    /// The zone.
    pub zone: ZoneName,
    /// The zone's database instance; absent on an operator's card.
    pub instance: Option<Instance>,
    /// The key that verifies.
    pub sign: PublicKey,
    /// The key to which files are sealed.
    pub encrypt: PublicKey,
    /// When the card was made, in milliseconds since 1970-01-01 UTC: the maker's word only.
    pub created_at_ms: u64,
}

/// The longest SPKI of an SM2 key in DER has 91 bytes.
const SPKI_BYTES_MAX: usize = 128;

impl Card {
    /// The card as a text file, signed by the key that it shows.
    ///
    /// # Errors
    /// When `keys` does not sign, or signs with another key than the card's.
    pub fn write(&self, keys: &dyn KeyProvider) -> Result<Vec<u8>, SealError> {
        let bytes = write_signed_line(Kind::Card, &self.header(), keys)?;
        Self::parse(&bytes)?;
        Ok(bytes)
    }

    /// Reads a card and verifies that its own key signed it. Whether the key is the right one only its fingerprint
    /// tells, compared by people.
    ///
    /// # Errors
    /// When it is not a card, or its signature does not verify.
    pub fn parse(bytes: &[u8]) -> Result<Verified<Self>, FormatError> {
        if bytes.len() > CARD_BYTES_MAX {
            return Err(FormatError::Limit { what: "card bytes", max: CARD_BYTES_MAX as u64 });
        }
        let line = SignedLine::read(bytes, Kind::Card)?;
        let card = Self::read(line.value.clone())?;
        line.verify(&card.sign)?;
        Ok(Verified::new(card))
    }

    /// The SM3 of the header line, its newline included.
    #[must_use]
    pub fn fingerprint(&self) -> Digest {
        let mut line = crate::canon::write(&self.header());
        line.push(b'\n');
        Digest::of(&[&line])
    }

    /// The fingerprint in groups of four hex digits, to be read aloud.
    #[must_use]
    pub fn fingerprint_text(&self) -> String {
        fingerprint_text(&self.fingerprint())
    }

    fn header(&self) -> Value {
        let mut entries = vec![
            ("created_at", Value::Integer(self.created_at_ms)),
            ("encrypt", text(hex_encode(self.encrypt.spki()))),
            ("link", text(&self.link)),
            ("sign", text(hex_encode(self.sign.spki()))),
            ("zone", text(&self.zone)),
        ];
        if let Some(instance) = self.instance {
            entries.push(("instance", text(instance)));
        }
        object(entries)
    }

    fn read(value: Value) -> Result<Self, FormatError> {
        let mut fields = Fields::of(value, "")?;
        let card = Self {
            link: fields.parsed("link")?,
            zone: fields.parsed("zone")?,
            instance: fields.optional_parsed("instance")?,
            sign: read_key(&mut fields, "sign")?,
            encrypt: read_key(&mut fields, "encrypt")?,
            created_at_ms: fields.integer("created_at")?,
        };
        fields.done()?;
        Ok(card)
    }
}

/// A digest in groups of four hex digits, to be read aloud.
#[must_use]
pub fn fingerprint_text(digest: &Digest) -> String {
    let groups: Vec<String> = digest.0.chunks(2).map(hex_encode).collect();
    groups.join(" ")
}

pub(crate) fn read_key(fields: &mut Fields, key: &str) -> Result<PublicKey, FormatError> {
    PublicKey::from_spki(&fields.hex(key, SPKI_BYTES_MAX)?)
}
