//! New keys for a zone: made beside those in use, announced to the peer, and put in their place.
//!
//! `keys/next/` holds the pair that is to be, and its card. Every step of taking it up is durable before the next, and a command
//! that was interrupted goes on when it is run again.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ferry_format::limits::CARD_BYTES_MAX;
use ferry_format::{Card, KeyState, SoftKeys, TrustEntry, TrustStore, Verified};

use super::keys::{self, ENCRYPT_KEY, SIGN_KEY, own_card, own_entry};
use super::trust::{read_trust, write_trust};
use crate::config::Config;
use crate::error::Fault;
use crate::exit::ExitCode;
use crate::files::{durable, os};
use crate::lang::Text;
use crate::text;

/// The directory of the next keys, in that of the keys.
pub const NEXT: &str = "next";
/// The card of the next keys, in their directory.
const NEXT_CARD: &str = "card";
/// Digits of a key id in the name of a key that was replaced.
const ID_CHARS: usize = 16;

/// The keys that are to be.
#[derive(Debug, Clone)]
pub struct NextKeys {
    /// The keys.
    pub keys: SoftKeys,
    /// Their card.
    pub card: Card,
    /// The card as a file.
    pub file: Arc<Vec<u8>>,
}

/// The directory of the next keys.
#[must_use]
pub fn next_directory(config: &Config) -> PathBuf {
    config.paths.keys.join(NEXT)
}

/// Makes the zone's next keys and their card, if there are none. `anew` puts others in the place of those that are there.
///
/// # Errors
/// When they could not be read or durably written.
pub fn create_next(config: &Config, anew: bool, now_ms: u64) -> Result<NextKeys, Fault> {
    let directory = next_directory(config);
    if anew {
        remove(&directory.join(NEXT_CARD))?;
    }
    if let Some(next) = load_next(config)? {
        return Ok(next);
    }
    // Keys without a card were left by a command that did not come to its end: nobody has seen them.
    keys::prepare(&directory)?;
    for name in [SIGN_KEY, ENCRYPT_KEY] {
        remove(&directory.join(name))?;
    }
    let keys = keys::write_new(&directory)?;
    let card = own_card(config, &keys, None, now_ms);
    let file = card.write(&keys).map_err(Fault::internal)?;
    let path = directory.join(NEXT_CARD);
    durable::publish_new(&path, &file, durable::PRIVATE).map_err(|error| keys::unwritable(&path, &error))?;
    Ok(NextKeys { keys, card, file: Arc::new(file) })
}

/// Reads the zone's next keys, if it has some.
///
/// # Errors
/// When they are there and cannot be used.
pub fn load_next(config: &Config) -> Result<Option<NextKeys>, Fault> {
    let directory = next_directory(config);
    let path = directory.join(NEXT_CARD);
    let max = u64::try_from(CARD_BYTES_MAX).unwrap_or(u64::MAX);
    let file = match durable::read_bounded(&path, max) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(keys::unreadable(&path, &error)),
    };
    let card = Card::parse(&file).map(Verified::into_inner).map_err(|error| keys::unusable(&path, &error))?;
    let keys = keys::read_pair(&directory)?;
    if card.sign != *keys.sign_public() || card.encrypt != *keys.encrypt_public() {
        return Err(keys::unusable(&path, &"it is not the card of the keys beside it"));
    }
    Ok(Some(NextKeys { keys, card, file: Arc::new(file) }))
}

/// Puts the next keys in the place of those in use. The old encryption key stays, to open what was sealed to it; of the old
/// signing key only the public half does, in the trust file.
///
/// # Errors
/// When there are no next keys, or a step could not be done; it is done when the command is run again.
pub fn take_up_next(config: &Config) -> Result<Card, Fault> {
    let Some(next) = load_next(config)? else { return Err(no_next(config)) };
    let directory = &config.paths.keys;
    let current = keys::read_pair(directory)?;
    if current.sign_public() != next.keys.sign_public() {
        retire_own(config, &current)?;
    }
    let (sign, encrypt) = next.keys.to_pem();
    if current.encrypt_public() != next.keys.encrypt_public() {
        let id = current.encrypt_public().id().to_string();
        let older = directory.join(format!("encrypt-{}.pem", &id[..ID_CHARS.min(id.len())]));
        let (_, old) = current.to_pem();
        match durable::publish_new(&older, old.as_bytes(), durable::PRIVATE) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(keys::unwritable(&older, &error)),
        }
        put(directory, ENCRYPT_KEY, &encrypt)?;
    }
    put(directory, SIGN_KEY, &sign)?;
    // The card goes first: what is left of the next keys then counts as unfinished.
    let left = next_directory(config);
    for name in [NEXT_CARD, SIGN_KEY, ENCRYPT_KEY] {
        remove(&left.join(name))?;
    }
    Ok(next.card)
}

/// What this zone signed with the old key stays its own.
fn retire_own(config: &Config, old: &SoftKeys) -> Result<(), Fault> {
    let mut trust = read_trust(&config.paths.trust)?;
    if trust.entry(&old.sign_public().id()).is_some() {
        return Ok(());
    }
    trust.add(TrustEntry { state: KeyState::Retired, ..own_entry(config, old) }).map_err(Fault::internal)?;
    write_trust(&config.paths.trust, &trust)
}

/// The keys with which this zone signed: the present one, and those before it. Whatever became of an earlier one, what is opened
/// as this zone's own is known by its digest.
pub(super) fn own_entries(config: &Config, keys: &SoftKeys, trust: &TrustStore) -> Vec<TrustEntry> {
    let present = own_entry(config, keys);
    let earlier = trust.entries().iter().filter(|entry| {
        let is_own = entry.zone == config.zone && entry.link == config.link && entry.sign != present.sign;
        is_own && entry.objects.contains(&ferry_format::Kind::Batch)
    });
    let earlier = earlier.map(|entry| TrustEntry { state: KeyState::Retired, ..entry.clone() });
    earlier.chain([present.clone()]).collect()
}

fn put(directory: &Path, name: &str, pem: &str) -> Result<(), Fault> {
    durable::publish(directory, name, pem.as_bytes()).map_err(|error| keys::unwritable(&directory.join(name), &error))
}

fn remove(path: &Path) -> Result<(), Fault> {
    match os::remove(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(keys::unwritable(path, &error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn no_next(config: &Config) -> Fault {
    let directory = next_directory(config);
    let place = directory.display();
    Fault::new(
        "no-next-keys",
        ExitCode::NotFound,
        text!("{place} holds no next keys", "{place} 中没有下一代密钥"),
        Text::fixed("make them with `ferry keys rotate`", "请用 `ferry keys rotate` 生成"),
    )
}
