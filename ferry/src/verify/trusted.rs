//! Whose signatures count: cards, trust files, and directories of both, put together.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use ferry_format::limits::{CARD_BYTES_MAX, TRUST_BYTES_MAX};
use ferry_format::{Card, FormatError, KeyState, Kind, TrustEntry, TrustStore, peek};

use super::sentences::format_error;
use crate::lang::Text;
use crate::text;
use crate::{ExitCode, Fault, Lang};

/// Puts together what `paths` hold. A key that several of them know counts as revoked if one says so. Of two keys of
/// one zone that are both in use the second counts as retired, so both verify.
///
/// # Errors
/// When a path cannot be read, or is neither a card nor a trust file, or nothing is trusted in the end.
pub fn load(paths: &[PathBuf]) -> Result<TrustStore, Fault> {
    let mut entries = Vec::new();
    for path in paths {
        let metadata = fs::metadata(path).map_err(|error| unreadable(path, &error))?;
        if metadata.is_dir() {
            entries.extend(of_directory(path)?);
        } else {
            entries.extend(of_file(path)?.ok_or_else(|| not_trust(path))?);
        }
    }
    let mut store = TrustStore::new();
    for entry in entries {
        admit(&mut store, entry)?;
    }
    if store.entries().is_empty() {
        return Err(nobody());
    }
    Ok(store)
}

fn of_directory(directory: &Path) -> Result<Vec<TrustEntry>, Fault> {
    let listed = fs::read_dir(directory).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    let mut paths: Vec<PathBuf> =
        listed.map_err(|error| unreadable(directory, &error))?.iter().map(fs::DirEntry::path).collect();
    paths.sort();
    let mut entries = Vec::new();
    for path in paths.iter().filter(|path| path.is_file()) {
        entries.extend(of_file(path)?.unwrap_or_default());
    }
    Ok(entries)
}

/// The entries of a card or a trust file; `None` when it is neither.
fn of_file(path: &Path) -> Result<Option<Vec<TrustEntry>>, Fault> {
    let length = fs::metadata(path).map_err(|error| unreadable(path, &error))?.len();
    if length > TRUST_BYTES_MAX.max(CARD_BYTES_MAX) as u64 {
        return Ok(None);
    }
    let bytes = fs::read(path).map_err(|error| unreadable(path, &error))?;
    if peek(&bytes) == Ok(Kind::Card) {
        let card = Card::parse(&bytes).map_err(|error| bad(path, &error))?;
        let entry = match card.instance {
            Some(_) => TrustEntry::of_zone(&card, KeyState::Active),
            None => TrustEntry::of_operator(&card, KeyState::Active),
        };
        return Ok(Some(vec![entry]));
    }
    if bytes.starts_with(b"{\"entries\":[") {
        let store = TrustStore::parse(&bytes).map_err(|error| bad(path, &error))?;
        return Ok(Some(store.entries().to_vec()));
    }
    Ok(None)
}

fn admit(store: &mut TrustStore, entry: TrustEntry) -> Result<(), Fault> {
    let key = entry.sign.id();
    if let Some(known) = store.entry(&key) {
        let revokes = |state: &KeyState| matches!(state, KeyState::Revoked { .. });
        if !revokes(&known.state) && revokes(&entry.state) {
            store.remove(&key);
        } else {
            return Ok(());
        }
    }
    let mut retired = entry.clone();
    retired.state = KeyState::Retired;
    store.add(entry).or_else(|_| store.add(retired)).map_err(|error| {
        let reason = format_error(&error);
        let message = Text::new(
            format!("the keys do not fit together: {}", reason.get(Lang::En)),
            format!("密钥之间有冲突：{}", reason.get(Lang::Zh)),
        );
        trust_fault("bad-trust", message)
    })
}

fn bad(path: &Path, error: &FormatError) -> Fault {
    let (shown, reason) = (path.display(), format_error(error));
    let message = Text::new(
        format!("{shown} is no good card or trust file: {}", reason.get(Lang::En)),
        format!("{shown} 不是有效的名片或信任文件：{}", reason.get(Lang::Zh)),
    );
    trust_fault("bad-trust", message)
}

fn not_trust(path: &Path) -> Fault {
    let shown = path.display();
    trust_fault("bad-trust", text!("{shown} is neither a card nor a trust file", "{shown} 既不是名片也不是信任文件"))
}

fn nobody() -> Fault {
    trust_fault("no-trust", text!("no card and no trust file was found", "未找到任何名片或信任文件"))
}

fn unreadable(path: &Path, error: &io::Error) -> Fault {
    let shown = path.display();
    trust_fault("no-trust", text!("{shown} cannot be read: {error}", "无法读取 {shown}：{error}"))
}

fn trust_fault(code: &'static str, message: Text) -> Fault {
    let next = text!(
        "name with --trust the zones' cards (`ferry keys card` writes them), a directory of cards, or a trust file",
        "请用 --trust 指定各区的名片（由 `ferry keys card` 生成）、存放名片的目录，或信任文件"
    );
    Fault::new(code, ExitCode::Trust, message, next)
}
