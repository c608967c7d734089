//! Every call by which the daemon reaches the file system, and nothing but the call: each is a step that can be refused.

use std::ffi::OsString;
use std::fs::{File, FileType, Metadata};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Mode, OFlags, StatxFlags};

use crate::fail::{Step, step};

/// Opens a file, or makes it where the flags say so.
///
/// # Errors
/// Those of the system.
pub fn open(path: &Path, flags: OFlags, mode: Mode) -> io::Result<File> {
    let what = if flags.contains(OFlags::CREATE) { Step::Create } else { Step::Open };
    step(what, || Ok(File::from(rustix::fs::open(path, flags, mode)?)))
}

/// Reads at most `max` bytes.
///
/// # Errors
/// Those of the system.
pub fn read_up_to(file: &File, max: u64) -> io::Result<Vec<u8>> {
    step(Step::Read, || {
        let mut bytes = Vec::new();
        file.take(max).read_to_end(&mut bytes)?;
        Ok(bytes)
    })
}

/// Reads a whole file.
///
/// # Errors
/// Those of the system.
pub fn read_whole(path: &Path) -> io::Result<Vec<u8>> {
    let file = open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    read_up_to(&file, u64::MAX)
}

/// Writes bytes.
///
/// # Errors
/// Those of the system; then a part of them may be written.
pub fn write(file: &mut File, bytes: &[u8]) -> io::Result<()> {
    step(Step::Write, || file.write_all(bytes))
}

/// Makes a file durable.
///
/// # Errors
/// Those of the system.
pub fn sync(file: &File) -> io::Result<()> {
    step(Step::SyncFile, || file.sync_all())
}

/// Makes the names in a directory durable.
///
/// # Errors
/// Those of the system.
pub fn sync_directory(directory: &Path) -> io::Result<()> {
    let opened = open(directory, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
    step(Step::SyncDirectory, || opened.sync_all())
}

/// Gives a file another name.
///
/// # Errors
/// Those of the system.
#[expect(clippy::disallowed_methods, reason = "the module for durable publishing, which calls this, syncs afterwards")]
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    step(Step::Rename, || std::fs::rename(from, to))
}

/// Gives a file a second name.
///
/// # Errors
/// Those of the system.
pub fn link(from: &Path, to: &Path) -> io::Result<()> {
    step(Step::Link, || std::fs::hard_link(from, to))
}

/// Removes a file.
///
/// # Errors
/// Those of the system.
pub fn remove(path: &Path) -> io::Result<()> {
    step(Step::Remove, || std::fs::remove_file(path))
}

/// Makes a directory of mode 0700.
///
/// # Errors
/// Those of the system.
pub fn make_directory(directory: &Path) -> io::Result<()> {
    step(Step::MakeDirectory, || Ok(rustix::fs::mkdir(directory, Mode::RWXU)?))
}

/// Removes an empty directory.
///
/// # Errors
/// Those of the system.
pub fn remove_directory(directory: &Path) -> io::Result<()> {
    step(Step::RemoveDirectory, || std::fs::remove_dir(directory))
}

/// What a name stands for; links are followed.
///
/// # Errors
/// Those of the system.
pub fn look(path: &Path) -> io::Result<Metadata> {
    step(Step::Look, || std::fs::metadata(path))
}

/// What a name stands for; links are not followed.
///
/// # Errors
/// Those of the system.
pub fn look_at_link(path: &Path) -> io::Result<Metadata> {
    step(Step::Look, || std::fs::symlink_metadata(path))
}

/// What an open file is.
///
/// # Errors
/// Those of the system.
pub fn look_into(file: &File) -> io::Result<Metadata> {
    step(Step::Look, || file.metadata())
}

/// What the system tells of a path beyond the usual.
///
/// # Errors
/// Those of the system.
pub fn look_closely(path: &Path) -> io::Result<rustix::fs::Statx> {
    step(Step::Look, || Ok(rustix::fs::statx(CWD, path, AtFlags::empty(), StatxFlags::BASIC_STATS)?))
}

/// Whether a name stands for anything.
///
/// # Errors
/// Those of the system, when it cannot tell.
pub fn exists(path: &Path) -> io::Result<bool> {
    match look(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// The free bytes of the file system that a directory lies on.
///
/// # Errors
/// Those of the system.
pub fn free_bytes(directory: &Path) -> io::Result<u64> {
    step(Step::Look, || {
        let found = rustix::fs::statvfs(directory)?;
        Ok(found.f_bavail.saturating_mul(found.f_frsize))
    })
}

/// A name in a directory.
#[derive(Debug)]
pub struct Entry {
    entry: std::fs::DirEntry,
}

impl Entry {
    /// The name.
    #[must_use]
    pub fn name(&self) -> OsString {
        self.entry.file_name()
    }

    /// The directory and the name.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.entry.path()
    }

    /// What it stands for; links are not followed.
    ///
    /// # Errors
    /// Those of the system, which may have to look again.
    pub fn kind(&self) -> io::Result<FileType> {
        step(Step::Look, || self.entry.file_type())
    }
}

/// Lists a directory, in no order.
///
/// # Errors
/// Those of the system.
pub fn list(directory: &Path) -> io::Result<impl Iterator<Item = io::Result<Entry>>> {
    let listed = step(Step::List, || std::fs::read_dir(directory))?;
    Ok(listed.map(|entry| step(Step::NextEntry, || Ok(Entry { entry: entry? }))))
}
