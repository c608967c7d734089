//! A zone's private keys: two PEM files in a directory of mode 0700, or handed over by the service manager.

use std::io;
use std::path::Path;

use ferry_format::{Card, EncryptKey, Instance, KeyState, SignKey, SoftKeys, TrustEntry};
use zeroize::Zeroizing;

use super::OsEntropy;
use crate::config::{Config, check_keys};
use crate::error::Fault;
use crate::exit::ExitCode;
use crate::files::{durable, os};
use crate::lang::Text;
use crate::text;

/// The file of the key that signs.
pub const SIGN_KEY: &str = "sign.pem";
/// The file of the key that unwraps. Older ones, which a rotation left, are `encrypt-<anything>.pem` beside it.
pub const ENCRYPT_KEY: &str = "encrypt.pem";
/// A PKCS#8 PEM of an SM2 key has about 250 bytes.
const PEM_BYTES_MAX: u64 = 8 << 10;

/// Whether a directory holds a zone's keys.
#[must_use]
pub fn has_keys(directory: &Path) -> bool {
    [SIGN_KEY, ENCRYPT_KEY].iter().all(|name| directory.join(name).is_file())
}

/// Reads the zone's keys, from `credentials` when the service manager handed them over.
///
/// # Errors
/// When they are missing, not SM2 keys, or another user could have read them.
pub fn load_keys(config: &Config, credentials: Option<&Path>) -> Result<SoftKeys, Fault> {
    check_keys(config, credentials)?;
    let directory = credentials.unwrap_or(&config.paths.keys);
    let keys = read_pair(directory)?;
    let mut older = older_keys(directory)?;
    // The store holds one pair; the keys that a rotation left are those of the zone's directory then too.
    if credentials.is_some() && config.paths.keys.is_dir() {
        older.extend(older_keys(&config.paths.keys)?);
    }
    older.into_iter().try_fold(keys, |keys, path| {
        let key = EncryptKey::from_pem(&read(&path)?).map_err(|error| unusable(&path, &error))?;
        Ok(keys.with_older(key))
    })
}

/// Reads the pair of a directory.
pub(super) fn read_pair(directory: &Path) -> Result<SoftKeys, Fault> {
    let (sign, encrypt) = (read(&directory.join(SIGN_KEY))?, read(&directory.join(ENCRYPT_KEY))?);
    SoftKeys::from_pem(&sign, &encrypt).map_err(|error| unusable(directory, &error))
}

/// Makes the zone's keys where there are none.
///
/// # Errors
/// When there are some, or they could not be durably written.
pub fn create_keys(config: &Config) -> Result<SoftKeys, Fault> {
    let directory = &config.paths.keys;
    let existing = [SIGN_KEY, ENCRYPT_KEY].iter().map(|name| directory.join(name)).find(|path| path.exists());
    if let Some(path) = existing {
        return Err(exists(&path));
    }
    prepare(directory)?;
    write_new(directory)
}

/// Makes a directory of keys, if it is not there.
pub(super) fn prepare(directory: &Path) -> Result<(), Fault> {
    durable::create_directory(directory).map_err(|error| unwritable(directory, &error))
}

/// Draws a pair and writes it into a directory that has none.
pub(super) fn write_new(directory: &Path) -> Result<SoftKeys, Fault> {
    let keys = SoftKeys::generate(&mut OsEntropy::new()).map_err(Fault::internal)?;
    let (sign, encrypt) = keys.to_pem();
    for (name, pem) in [(ENCRYPT_KEY, &encrypt), (SIGN_KEY, &sign)] {
        let path = directory.join(name);
        durable::publish_new(&path, pem.as_bytes(), durable::PRIVATE).map_err(|error| {
            let there = error.kind() == io::ErrorKind::AlreadyExists;
            if there { exists(&path) } else { unwritable(&path, &error) }
        })?;
    }
    Ok(keys)
}

/// Reads an operator's key, one file that nobody else may read. It signs acts and unwraps nothing.
///
/// # Errors
/// When it is missing, no SM2 key, or another user could have read it.
pub fn load_operator(path: &Path) -> Result<SoftKeys, Fault> {
    crate::config::check_private(path)?;
    let pem = read(path)?;
    SoftKeys::from_pem(&pem, &pem).map_err(|error| unusable(path, &error))
}

/// Makes an operator's key where there is none.
///
/// # Errors
/// When there is a file, or it could not be durably written.
pub fn create_operator(path: &Path) -> Result<SoftKeys, Fault> {
    let key = SignKey::generate(&mut OsEntropy::new()).map_err(Fault::internal)?;
    let pem = key.to_pem();
    durable::publish_new(path, pem.as_bytes(), durable::PRIVATE).map_err(|error| {
        let there = error.kind() == io::ErrorKind::AlreadyExists;
        if there { exists(path) } else { unwritable(path, &error) }
    })?;
    SoftKeys::from_pem(&pem, &pem).map_err(Fault::internal)
}

/// The card of this zone's keys.
#[must_use]
pub fn own_card(config: &Config, keys: &SoftKeys, instance: Option<Instance>, created_at_ms: u64) -> Card {
    Card {
        link: config.link.clone(),
        zone: config.zone.clone(),
        instance,
        sign: keys.sign_public().clone(),
        encrypt: keys.encrypt_public().clone(),
        created_at_ms,
    }
}

/// Trust in this zone's own keys, to open what it sealed to itself.
#[must_use]
pub fn own_entry(config: &Config, keys: &SoftKeys) -> TrustEntry {
    TrustEntry::of_zone(&own_card(config, keys, None, 0), KeyState::Active)
}

/// The encryption keys that a rotation left, in order of their names.
fn older_keys(directory: &Path) -> Result<Vec<std::path::PathBuf>, Fault> {
    let mut found = Vec::new();
    for entry in os::list(directory).map_err(|error| unreadable(directory, &error))? {
        let entry = entry.map_err(|error| unreadable(directory, &error))?;
        let name = entry.name();
        if name.to_str().is_some_and(|name| name.starts_with("encrypt-") && name.ends_with(".pem")) {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

fn read(path: &Path) -> Result<Zeroizing<String>, Fault> {
    let bytes = durable::read_bounded(path, PEM_BYTES_MAX).map_err(|error| unreadable(path, &error))?;
    let text = String::from_utf8(bytes).map_err(|_| unusable(path, &"not text"))?;
    Ok(Zeroizing::new(text))
}

pub(super) fn unreadable(path: &Path, error: &io::Error) -> Fault {
    let path = path.display();
    Fault::new(
        "keys-missing",
        ExitCode::Keys,
        text!("{path}: the keys cannot be read: {error}", "{path}：无法读取密钥：{error}"),
        Text::fixed(
            "make the zone's keys with `ferry keys init`, or restore them from the key ceremony",
            "请用 `ferry keys init` 生成本区密钥，或从密钥仪式的备份恢复",
        ),
    )
}

pub(super) fn unusable(path: &Path, error: &dyn std::fmt::Display) -> Fault {
    let path = path.display();
    Fault::new(
        "keys-unusable",
        ExitCode::Keys,
        text!("{path}: {error}", "{path}：不是可用的 SM2 私钥（{error}）"),
        Text::fixed("restore the keys from the key ceremony", "请从密钥仪式的备份恢复密钥"),
    )
}

fn exists(path: &Path) -> Fault {
    let path = path.display();
    Fault::new(
        "keys-exist",
        ExitCode::Exists,
        text!("{path} exists already; keys are never overwritten", "{path} 已存在；密钥永不覆盖"),
        Text::fixed("show the keys with `ferry keys show`", "请用 `ferry keys show` 查看现有密钥"),
    )
}

pub(super) fn unwritable(path: &Path, error: &io::Error) -> Fault {
    let path = path.display();
    Fault::new(
        "keys-unwritable",
        ExitCode::Storage,
        text!("{path}: the keys cannot be written: {error}", "{path}：无法写入密钥：{error}"),
        Text::fixed("look at the disk and the directory's owner", "请检查磁盘与目录属主"),
    )
}
