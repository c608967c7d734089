//! Makes a backup while the daemon and the zone's programs go on.

use std::fs::File;
use std::io;
use std::path::Path;

use ferry_core::ports::{AnchorStore as _, PortError};
use ferry_format::Instance;
use rustix::fs::Mode;

use super::manifest::{Manifest, digest_of};
use super::{ANCHOR, DATABASE, MANIFEST};
use crate::config::{Config, DatabaseKind};
use crate::files::durable::{self, port_error};
use crate::files::{AnchorFile, storage_fault};
use crate::lang::Text;
use crate::store::{copy_database, fault as store_fault};
use crate::{ExitCode, Fault, text};

/// What a backup holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// The id of the database.
    pub instance: Instance,
    /// The length of the copy of the database.
    pub database_bytes: u64,
    /// Whether the zone's anchor was there to be copied.
    pub has_anchor: bool,
}

/// Copies database and anchor into `directory`, which is made.
///
/// # Errors
/// When the directory is there already, the database or the anchor cannot be read, or the copy not be written. Nothing of a
/// backup that failed is left.
pub fn make(config: &Config, directory: &Path, now_ms: u64) -> Result<Made, Fault> {
    create(directory)?;
    let made = fill(config, directory, now_ms);
    if made.is_err() {
        // The failure is told; what is left without a manifest is no backup.
        for name in [MANIFEST, ANCHOR, DATABASE] {
            let _ = std::fs::remove_file(directory.join(name));
        }
        let _ = std::fs::remove_dir(directory);
    }
    made
}

fn create(directory: &Path) -> Result<(), Fault> {
    if let Some(parent) = directory.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        durable::create_directory(parent).map_err(|error| unwritable(parent, &error))?;
    }
    match rustix::fs::mkdir(directory, Mode::RWXU).map_err(io::Error::from) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(exists(directory)),
        Err(error) => Err(unwritable(directory, &error)),
    }
}

fn fill(config: &Config, directory: &Path, now_ms: u64) -> Result<Made, Fault> {
    let copy = directory.join(DATABASE);
    let instance = match config.database.kind {
        DatabaseKind::Sqlite => copy_database(&config.database.path, &copy).map_err(|error| store_fault(&error))?,
    };
    make_private(&copy).map_err(|error| unwritable(&copy, &error))?;
    let anchor = AnchorFile::new(config.paths.anchor.clone()).load().map_err(|error| storage_fault(&error))?;
    let anchor = anchor.filter(|anchor| anchor.instance == instance);
    let anchor_digest = anchor
        .as_ref()
        .map(|anchor| {
            let path = directory.join(ANCHOR);
            AnchorFile::new(path.clone()).save(anchor).map_err(|error| storage_fault(&error))?;
            digest(&path)
        })
        .transpose()?;
    let manifest = Manifest {
        link: config.link.clone(),
        zone: config.zone.clone(),
        instance,
        made_at_ms: now_ms,
        database: digest(&copy)?,
        anchor: anchor_digest,
    };
    durable::publish(directory, MANIFEST, &manifest.to_bytes()).map_err(|error| unwritable(directory, &error))?;
    let database_bytes = std::fs::metadata(&copy).map_err(|error| unwritable(&copy, &error))?.len();
    Ok(Made { instance, database_bytes, has_anchor: anchor.is_some() })
}

/// The copy holds everything that the database does.
fn make_private(path: &Path) -> io::Result<()> {
    let file = File::open(path)?;
    rustix::fs::fchmod(&file, durable::PRIVATE)?;
    file.sync_all()
}

fn digest(path: &Path) -> Result<ferry_format::Digest, Fault> {
    digest_of(path).map_err(|error| storage_fault(&port_error("cannot read", path, &error)))
}

fn unwritable(path: &Path, error: &io::Error) -> Fault {
    let error: PortError = port_error("cannot write", path, error);
    storage_fault(&error)
}

fn exists(directory: &Path) -> Fault {
    let directory = directory.display();
    Fault::new(
        "backup-exists",
        ExitCode::Exists,
        text!("{directory} is there already", "{directory} 已存在"),
        Text::fixed("name a directory that is not there yet", "请指定一个尚不存在的目录"),
    )
}
