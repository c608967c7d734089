//! Puts a zone's database back to a backup.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use ferry_core::ports::{Anchor, AnchorStore as _, FaultKind};

use super::manifest::{Manifest, digest_of};
use super::{ANCHOR, DATABASE};
use crate::config::{Config, DatabaseKind, ZoneLock};
use crate::files::durable::{self, port_error};
use crate::files::{AnchorFile, storage_fault};
use crate::lang::Text;
use crate::store::{database_mode, is_in_use};
use crate::{ExitCode, Fault, text};

/// What SQLite keeps beside a database.
const BESIDE: [&str; 3] = ["", "-wal", "-shm"];

/// What was put back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PutBack {
    /// When the backup was made, in milliseconds since 1970-01-01 UTC.
    pub made_at_ms: u64,
    /// Where the database that was there is now.
    pub replaced: Option<PathBuf>,
    /// Which anchor the zone has now.
    pub anchor: AnchorKept,
}

/// Which anchor a zone has after it was put back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnchorKept {
    /// The one that was there: it knows everything that the zone has sent.
    Present,
    /// The one of the backup: what was sent since it does not know.
    OfBackup,
    /// None: the zone has to hear from its peer first.
    Missing,
}

/// Puts the database back, and the anchor where the zone has lost its own. The database that is there is moved aside, and
/// nothing is deleted. Directories of the zone that are missing are made.
///
/// # Errors
/// When the zone's daemon or another program has the database open, or the backup is damaged or another zone's; nothing is
/// changed then.
pub fn put_back(config: &Config, directory: &Path, now_ms: u64) -> Result<PutBack, Fault> {
    for path in [&config.paths.spool, &config.paths.archive, &config.paths.quarantine] {
        durable::create_directory(path).map_err(|error| unwritable(path, &error))?;
    }
    let _lock = ZoneLock::take(config)?;
    let manifest = Manifest::read(directory)?;
    if (&manifest.zone, &manifest.link) != (&config.zone, &config.link) {
        return Err(of_another(directory, &manifest));
    }
    let anchor = check(directory, &manifest)?;
    let DatabaseKind::Sqlite = config.database.kind;
    let path = &config.database.path;
    if path.exists() && is_in_use(path) {
        return Err(in_use(path));
    }
    let is_present = has_anchor(config, &manifest)?;
    let replaced = replace(&directory.join(DATABASE), path, now_ms).map_err(|error| unwritable(path, &error))?;
    let anchor = if is_present { AnchorKept::Present } else { put_anchor_back(config, anchor)? };
    Ok(PutBack { made_at_ms: manifest.made_at_ms, replaced, anchor })
}

/// Compares the files of the backup with what the manifest says of them.
fn check(directory: &Path, manifest: &Manifest) -> Result<Option<Anchor>, Fault> {
    let expected = [(DATABASE, Some(manifest.database)), (ANCHOR, manifest.anchor)];
    for (name, digest) in expected {
        let Some(digest) = digest else { continue };
        let path = directory.join(name);
        let read = digest_of(&path).map_err(|error| storage_fault(&port_error("cannot read", &path, &error)))?;
        if read != digest {
            return Err(damaged(&path));
        }
    }
    match manifest.anchor {
        None => Ok(None),
        Some(_) => AnchorFile::new(directory.join(ANCHOR)).load().map_err(|error| storage_fault(&error)),
    }
}

/// Puts a copy of the backup where the database was. It is whole before it has the name.
fn replace(backup: &Path, path: &Path, now_ms: u64) -> io::Result<Option<PathBuf>> {
    let (copy, directory) = (with(path, ".restoring"), path.parent().unwrap_or_else(|| Path::new("/")));
    fs::copy(backup, &copy)?;
    let mode = match fs::metadata(path) {
        Ok(present) => present.permissions(),
        Err(_) => fs::Permissions::from_mode(database_mode(path)?),
    };
    fs::set_permissions(&copy, mode)?;
    File::open(&copy)?.sync_all()?;
    let aside = with(path, &format!(".replaced-{now_ms}"));
    let mut replaced = None;
    // Without the database nothing starts; beside another one its write-ahead log would be applied to that.
    for suffix in BESIDE {
        let present = with(path, suffix);
        if present.exists() {
            durable::relocate(&present, &with(&aside, suffix))?;
            replaced = Some(aside.clone());
        }
    }
    durable::relocate(&copy, path)?;
    durable::sync_directory(directory)?;
    Ok(replaced)
}

fn with(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Whether an anchor of this database is still there: it knows more than the one of the backup. One that cannot be read at the
/// moment is not lost, and must not give way to an older one.
fn has_anchor(config: &Config, manifest: &Manifest) -> Result<bool, Fault> {
    match AnchorFile::new(config.paths.anchor.clone()).load() {
        Ok(present) => Ok(present.is_some_and(|present| present.instance == manifest.instance)),
        Err(error) if error.kind == FaultKind::Corrupt => Ok(false),
        Err(error) => Err(storage_fault(&error)),
    }
}

/// Puts the anchor of the backup where the zone has none of its own.
fn put_anchor_back(config: &Config, of_backup: Option<Anchor>) -> Result<AnchorKept, Fault> {
    let file = AnchorFile::new(config.paths.anchor.clone());
    let Some(anchor) = of_backup else { return Ok(AnchorKept::Missing) };
    if let Some(directory) = config.paths.anchor.parent() {
        durable::create_directory(directory).map_err(|error| unwritable(directory, &error))?;
    }
    // What was sent since the backup is not in it: the zone must hear from its peer before it sends.
    let anchor = Anchor { restored: true, ..anchor };
    file.save(&anchor).map_err(|error| storage_fault(&error))?;
    Ok(AnchorKept::OfBackup)
}

fn unwritable(path: &Path, error: &io::Error) -> Fault {
    storage_fault(&port_error("cannot write", path, error))
}

fn of_another(directory: &Path, manifest: &Manifest) -> Fault {
    let (directory, zone, link) = (directory.display(), &manifest.zone, &manifest.link);
    Fault::new(
        "backup-of-another",
        ExitCode::Input,
        text!(
            "{directory} is a backup of zone {zone} of link {link}, not of this zone",
            "{directory} 是链路 {link} 中 {zone} 区的备份，不是本区的备份"
        ),
        Text::fixed("name a backup of this zone", "请指定本区的备份"),
    )
}

fn damaged(path: &Path) -> Fault {
    let path = path.display();
    Fault::new(
        "backup-damaged",
        ExitCode::Corrupt,
        text!("{path} is not what was backed up: its SM3 is another", "{path} 与备份时不一致：SM3 摘要不符"),
        Text::fixed("use another backup; nothing was changed", "请使用其他备份；本区未作任何改动"),
    )
}

fn in_use(path: &Path) -> Fault {
    let path = path.display();
    Fault::new(
        "database-in-use",
        ExitCode::InUse,
        text!("another program has {path} open", "另有程序正在使用 {path}"),
        Text::fixed(
            "stop the zone's programs first: what they would still write into the old file would be lost",
            "请先停止本区的程序：它们继续写入旧文件的内容将会丢失",
        ),
    )
}
