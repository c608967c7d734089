//! Who is trusted: keys, what they may sign, and since when not any more. Expiry is reported here, and decided by
//! callers, who have a clock.

use crate::batch_header::{read_marks, write_marks};
use crate::canon::{self, Value, object, text};
use crate::card::{Card, read_key};
use crate::envelope::SUITE;
use crate::error::FormatError;
use crate::fields::{Fields, as_integer, as_text, ascend};
use crate::ident::hex_encode;
use crate::keys::PublicKey;
use crate::limits::{TRUST_BYTES_MAX, TRUST_ENTRIES_MAX};
use crate::magic::Kind;
use crate::revocation::Revocation;
use crate::verified::Verified;
use crate::{Digest, KeyId, LinkId, Mark, StreamName, ZoneName};

/// The keys that are trusted, ordered by the id of the signing key.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TrustStore {
    entries: Vec<TrustEntry>,
}

/// One zone's or operator's keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustEntry {
    /// The zone.
    pub zone: ZoneName,
    /// The link.
    pub link: LinkId,
    /// The key that verifies.
    pub sign: PublicKey,
    /// The key to which files are sealed.
    pub encrypt: PublicKey,
    /// The fingerprint of the card that the keys came from.
    pub fingerprint: Digest,
    /// How far the key is trusted.
    pub state: KeyState,
    /// The suites that the key may be used with, in ascending order.
    pub suites: Vec<u16>,
    /// The kinds of objects that the key may sign, in the order of [`Kind`].
    pub objects: Vec<Kind>,
    /// When the key expires, in milliseconds since 1970-01-01 UTC.
    pub not_after_ms: Option<u64>,
}

/// How far a key is trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyState {
    /// In use.
    Active,
    /// Seen in a status of the peer, not confirmed by an operator: what it signs is held, not taken.
    Announced,
    /// Replaced. What it signed stays verifiable.
    Retired,
    /// Possibly in other hands. Only what is at or below the last good places is accepted.
    Revoked {
        /// The last good batch of each stream, ordered by stream; other streams have none.
        last_good: Vec<Mark>,
        /// The last good status.
        status_number: u64,
    },
}

/// Where a signed object stands, for revoked keys.
pub(crate) enum Place<'a> {
    Batch { stream: &'a StreamName, epoch: u64, seq: u64 },
    Status { number: u64 },
}

impl TrustEntry {
    /// An entry for a zone's card: suite 1; batches, status files and cards.
    #[must_use]
    pub fn of_zone(card: &Card, state: KeyState) -> Self {
        Self::of_card(card, state, vec![Kind::Batch, Kind::Status, Kind::Card])
    }

    /// An entry for an operator's card: suite 1; acts and revocations.
    #[must_use]
    pub fn of_operator(card: &Card, state: KeyState) -> Self {
        Self::of_card(card, state, vec![Kind::Act, Kind::Revocation])
    }

    /// Whether the entry's card has expired at `now_ms`, in milliseconds since 1970-01-01 UTC.
    #[must_use]
    pub fn expired_at(&self, now_ms: u64) -> bool {
        self.not_after_ms.is_some_and(|end| now_ms > end)
    }

    fn of_card(card: &Card, state: KeyState, objects: Vec<Kind>) -> Self {
        Self {
            zone: card.zone.clone(),
            link: card.link.clone(),
            sign: card.sign.clone(),
            encrypt: card.encrypt.clone(),
            fingerprint: card.fingerprint(),
            state,
            suites: vec![SUITE],
            objects,
            not_after_ms: None,
        }
    }

    /// Refuses what a revoked key signed above its last good places. Whether a batch at or below them chains to the
    /// digest that stands there is for the caller to check, who has the batches between.
    pub(crate) fn admit(&self, place: &Place<'_>) -> Result<(), FormatError> {
        let KeyState::Revoked { last_good, status_number } = &self.state else { return Ok(()) };
        let good = match place {
            Place::Status { number } => number <= status_number,
            Place::Batch { stream, epoch, seq } => {
                last_good.iter().any(|mark| mark.stream == **stream && (*epoch, *seq) <= (mark.epoch, mark.seq))
            }
        };
        if good { Ok(()) } else { Err(FormatError::RevokedKey) }
    }
}

impl TrustStore {
    /// A store that trusts nobody.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// All entries, ordered by the id of the signing key.
    #[must_use]
    pub fn entries(&self) -> &[TrustEntry] {
        &self.entries
    }

    /// The entry of a signing key, whatever its state.
    #[must_use]
    pub fn entry(&self, key: &KeyId) -> Option<&TrustEntry> {
        self.entries.iter().find(|entry| entry.sign.id() == *key)
    }

    /// Adds an entry.
    ///
    /// # Errors
    /// When its signing key is there already, or its zone has another active key on that link.
    pub fn add(&mut self, entry: TrustEntry) -> Result<(), FormatError> {
        let mut entries = self.entries.clone();
        entries.push(entry);
        entries.sort_by_key(|entry| entry.sign.id());
        check(&entries)?;
        self.entries = entries;
        Ok(())
    }

    /// Puts a zone's keys in use, in the place of those that it has used on that link: they are retired, and expire at
    /// `old_ends_ms` (milliseconds since 1970-01-01 UTC). An entry of the same key that was announced takes part from now on.
    ///
    /// # Errors
    /// When the key is there in another state.
    pub fn put_in_use(&mut self, card: &Card, old_ends_ms: Option<u64>) -> Result<Option<KeyId>, FormatError> {
        let mut changed = self.clone();
        let key = card.sign.id();
        if changed.entry(&key).is_some_and(|entry| entry.state == KeyState::Announced) {
            changed.remove(&key);
        }
        let active = changed.entries.iter_mut().find(|entry| {
            is_active_zone(entry) && entry.zone == card.zone && entry.link == card.link && entry.sign.id() != key
        });
        let retired = active.map(|entry| {
            entry.state = KeyState::Retired;
            entry.not_after_ms = old_ends_ms;
            entry.sign.id()
        });
        changed.add(TrustEntry::of_zone(card, KeyState::Active))?;
        *self = changed;
        Ok(retired)
    }

    /// Revokes a zone's key. A key that is revoked may be revoked to an earlier place, never to a later one.
    ///
    /// # Errors
    /// [`FormatError::UnknownSigner`]; `Inconsistent` when it is not that zone's key, or more would count than before.
    pub fn revoke(&mut self, revocation: &Verified<Revocation>) -> Result<(), FormatError> {
        let refuse = |reason| Err(FormatError::Inconsistent { reason });
        let entry = self.entries.iter_mut().find(|entry| entry.sign.id() == revocation.key);
        let entry = entry.ok_or(FormatError::UnknownSigner)?;
        let is_its = entry.zone == revocation.zone && entry.link == revocation.link;
        if !is_its || !entry.objects.contains(&Kind::Batch) {
            return refuse("the revoked key is not one of that zone");
        }
        if let KeyState::Revoked { last_good, status_number } = &entry.state {
            let counted = |mark: &Mark| {
                last_good.iter().any(|old| old.stream == mark.stream && (mark.epoch, mark.seq) <= (old.epoch, old.seq))
            };
            if !revocation.last_good.iter().all(counted) || revocation.status_number > *status_number {
                return refuse("the key was revoked from an earlier place on");
            }
        }
        let Revocation { last_good, status_number, .. } = &**revocation;
        entry.state = KeyState::Revoked { last_good: last_good.clone(), status_number: *status_number };
        // What it signed is judged by the places alone from now on.
        entry.not_after_ms = None;
        Ok(())
    }

    /// Removes the entry of a signing key.
    pub fn remove(&mut self, key: &KeyId) -> Option<TrustEntry> {
        let index = self.entries.iter().position(|entry| entry.sign.id() == *key)?;
        Some(self.entries.remove(index))
    }

    /// The entry of a key that may sign objects of `kind` under `suite`. A retired key is such a key, so that what it
    /// signed stays verifiable; callers read its state where they take new work.
    ///
    /// # Errors
    /// [`FormatError::UnknownSigner`], [`FormatError::AnnouncedKey`], [`FormatError::RevokedKey`] or
    /// [`FormatError::NotPermitted`].
    pub fn signer(&self, key: &KeyId, kind: Kind, suite: u16) -> Result<&TrustEntry, FormatError> {
        let entry = self.signer_or_revoked(key, kind, suite)?;
        match entry.state {
            KeyState::Active | KeyState::Retired => Ok(entry),
            KeyState::Announced => Err(FormatError::AnnouncedKey),
            KeyState::Revoked { .. } => Err(FormatError::RevokedKey),
        }
    }

    /// Like [`TrustStore::signer`], but leaves it to [`TrustEntry::admit`] to refuse a revoked key.
    pub(crate) fn signer_or_revoked(&self, key: &KeyId, kind: Kind, suite: u16) -> Result<&TrustEntry, FormatError> {
        let entry = self.entry(key).ok_or(FormatError::UnknownSigner)?;
        if !entry.objects.contains(&kind) || !entry.suites.contains(&suite) {
            return Err(FormatError::NotPermitted);
        }
        match entry.state {
            KeyState::Active | KeyState::Retired | KeyState::Revoked { .. } => Ok(entry),
            KeyState::Announced => Err(FormatError::AnnouncedKey),
        }
    }

    /// The key to seal to for `zone`: that of its active entry. Stores that serve several links ask
    /// [`TrustStore::recipient_on`].
    #[must_use]
    pub fn recipient(&self, zone: &ZoneName) -> Option<&PublicKey> {
        self.entries.iter().find(|entry| is_active_zone(entry) && entry.zone == *zone).map(|entry| &entry.encrypt)
    }

    /// The key to seal to for `zone` on `link`.
    #[must_use]
    pub fn recipient_on(&self, link: &LinkId, zone: &ZoneName) -> Option<&PublicKey> {
        let mut active = self.entries.iter().filter(|entry| is_active_zone(entry));
        active.find(|entry| entry.link == *link && entry.zone == *zone).map(|entry| &entry.encrypt)
    }

    /// Reads a trust file.
    ///
    /// # Errors
    /// When it is not spelled exactly as [`TrustStore::write`] does, or contradicts itself.
    pub fn parse(bytes: &[u8]) -> Result<Self, FormatError> {
        if bytes.len() > TRUST_BYTES_MAX {
            return Err(FormatError::Limit { what: "trust file bytes", max: TRUST_BYTES_MAX as u64 });
        }
        let line = bytes.strip_suffix(b"\n").ok_or(FormatError::Truncated)?;
        let mut fields = Fields::of(canon::parse(line)?, "")?;
        if fields.integer("version")? != 1 {
            return Err(FormatError::UnknownVersion);
        }
        let entries = fields.objects("entries", "trust entries", TRUST_ENTRIES_MAX, read_entry)?;
        fields.done()?;
        check(&entries)?;
        Ok(Self { entries })
    }

    /// The trust file: one canonical JSON document and a newline.
    #[must_use]
    pub fn write(&self) -> Vec<u8> {
        let entries = Value::Array(self.entries.iter().map(write_entry).collect());
        let mut bytes = canon::write(&object([("entries", entries), ("version", Value::Integer(1))]));
        bytes.push(b'\n');
        bytes
    }
}

fn is_active_zone(entry: &TrustEntry) -> bool {
    entry.state == KeyState::Active && entry.objects.contains(&Kind::Batch)
}

fn check(entries: &[TrustEntry]) -> Result<(), FormatError> {
    if entries.len() > TRUST_ENTRIES_MAX {
        return Err(FormatError::Limit { what: "trust entries", max: TRUST_ENTRIES_MAX as u64 });
    }
    if !ascend(entries, |entry| entry.sign.id()) {
        return Err(FormatError::Inconsistent { reason: "trust entries do not ascend by key" });
    }
    let mut active: Vec<_> =
        entries.iter().filter(|entry| is_active_zone(entry)).map(|entry| (&entry.link, &entry.zone)).collect();
    active.sort();
    if active.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(FormatError::Inconsistent { reason: "a zone has two active keys on one link" });
    }
    Ok(())
}

fn write_entry(entry: &TrustEntry) -> Value {
    let mut entries = vec![
        ("encrypt", text(hex_encode(entry.encrypt.spki()))),
        ("fingerprint", text(entry.fingerprint)),
        ("link", text(&entry.link)),
        ("objects", Value::Array(entry.objects.iter().map(|kind| text(kind.name())).collect())),
        ("sign", text(hex_encode(entry.sign.spki()))),
        ("state", text(state_name(&entry.state))),
        ("suites", Value::Array(entry.suites.iter().map(|suite| Value::Integer(u64::from(*suite))).collect())),
        ("zone", text(&entry.zone)),
    ];
    if let Some(end) = entry.not_after_ms {
        entries.push(("not_after", Value::Integer(end)));
    }
    if let KeyState::Revoked { last_good, status_number } = &entry.state {
        let number = Value::Integer(*status_number);
        entries.push(("revoked", object([("last_good", write_marks(last_good)), ("status_number", number)])));
    }
    object(entries)
}

fn read_entry(fields: &mut Fields) -> Result<TrustEntry, FormatError> {
    Ok(TrustEntry {
        zone: fields.parsed("zone")?,
        link: fields.parsed("link")?,
        sign: read_key(fields, "sign")?,
        encrypt: read_key(fields, "encrypt")?,
        fingerprint: fields.parsed("fingerprint")?,
        state: read_state(fields)?,
        suites: read_suites(fields)?,
        objects: read_objects(fields)?,
        not_after_ms: fields.optional_integer("not_after")?,
    })
}

fn state_name(state: &KeyState) -> &'static str {
    match state {
        KeyState::Active => "active",
        KeyState::Announced => "announced",
        KeyState::Retired => "retired",
        KeyState::Revoked { .. } => "revoked",
    }
}

fn read_state(fields: &mut Fields) -> Result<KeyState, FormatError> {
    let name = fields.text("state")?;
    match name.as_str() {
        "active" => Ok(KeyState::Active),
        "announced" => Ok(KeyState::Announced),
        "retired" => Ok(KeyState::Retired),
        "revoked" => {
            let mut revoked = fields.object("revoked")?;
            let last_good = read_marks(&mut revoked, "last_good")?;
            let status_number = revoked.integer("status_number")?;
            revoked.done()?;
            Ok(KeyState::Revoked { last_good, status_number })
        }
        _ => Err(fields.refuse("state", "is not a state of a key")),
    }
}

fn read_suites(fields: &mut Fields) -> Result<Vec<u16>, FormatError> {
    let values = fields.array("suites", "suites", 16)?;
    let read_one = |value: &Value| {
        let suite = as_integer(value, || fields.at("suites"))?;
        u16::try_from(suite).map_err(|_| fields.refuse("suites", "is not the number of a suite"))
    };
    let suites = values.iter().map(read_one).collect::<Result<Vec<_>, _>>()?;
    if !ascend(&suites, |suite| *suite) {
        return Err(fields.refuse("suites", "must ascend"));
    }
    Ok(suites)
}

fn read_objects(fields: &mut Fields) -> Result<Vec<Kind>, FormatError> {
    let values = fields.array("objects", "objects", Kind::ALL.len())?;
    let read_one = |value| {
        let name = as_text(value, || fields.at("objects"))?;
        let kind = Kind::ALL.into_iter().find(|kind| kind.name() == name);
        kind.ok_or_else(|| fields.refuse("objects", "is not a kind of object"))
    };
    let objects = values.into_iter().map(read_one).collect::<Result<Vec<_>, _>>()?;
    if !ascend(&objects, |kind| *kind) {
        return Err(fields.refuse("objects", "must ascend"));
    }
    Ok(objects)
}
