//! The one place where files become visible: whole or not at all, and so that a power cut does not undo it.
//!
//! A file is written under a temporary name, synced, renamed, and the directory that holds the new name is synced. Until
//! the rename nothing of it is visible under its name; after the last sync it is durably there.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{Mode, OFlags};

use ferry_core::ports::{FaultKind, PortError};

use super::os;
use crate::drill;

/// What temporary names begin with. No name of a batch, a status or anything else of ours does.
const TEMPORARY: &str = "tmp-";
/// Files that only the zone's user may read.
pub const PRIVATE: Mode = Mode::RUSR.union(Mode::WUSR);
/// Files in a drop directory: the gate reads them through its group.
pub const GROUP_READABLE: Mode = PRIVATE.union(Mode::RGRP);

/// Puts a file into `directory` under `name`, replacing the one that is there.
///
/// # Errors
/// When it may not be durably there.
pub fn publish(directory: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    publish_through(directory, directory, name, bytes, PRIVATE)
}

/// Puts a file into `directory` under `name` by way of `temporary`, a directory of the same file system.
///
/// # Errors
/// When it may not be durably there.
pub fn publish_through(temporary: &Path, directory: &Path, name: &str, bytes: &[u8], mode: Mode) -> io::Result<()> {
    let written = write_temporary(temporary, bytes, mode, true)?;
    rename(&written, &directory.join(name)).inspect_err(|_| discard(&written))?;
    sync_directory(directory)?;
    if temporary == directory { Ok(()) } else { sync_directory(temporary) }
}

/// Puts a file into `directory` whole or not at all, but leaves it to the system when it reaches the disk.
///
/// # Errors
/// When it is not there.
pub fn publish_unsynced(directory: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let written = write_temporary(directory, bytes, PRIVATE, false)?;
    rename(&written, &directory.join(name)).inspect_err(|_| discard(&written))
}

/// Puts a file where there is none.
///
/// # Errors
/// `AlreadyExists` when there is one, which is left as it is; otherwise when it may not be durably there.
pub fn publish_new(path: &Path, bytes: &[u8], mode: Mode) -> io::Result<()> {
    let directory = path.parent().unwrap_or_else(|| Path::new("/"));
    let written = write_temporary(directory, bytes, mode, true)?;
    let linked = os::link(&written, path);
    discard(&written);
    linked?;
    sync_directory(directory)
}

/// Moves a file, also to another file system. The directories are not synced.
///
/// # Errors
/// When it is not at its new place.
pub fn relocate(from: &Path, to: &Path) -> io::Result<()> {
    match rename(from, to) {
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
            let bytes = os::read_whole(from)?;
            let directory = to.parent().unwrap_or_else(|| Path::new("/"));
            let written = write_temporary(directory, &bytes, PRIVATE, true)?;
            rename(&written, to).inspect_err(|_| discard(&written))?;
            sync_directory(directory)?;
            os::remove(from)
        }
        moved => moved,
    }
}

/// Makes the names in a directory durable.
///
/// # Errors
/// When they may not be.
pub fn sync_directory(directory: &Path) -> io::Result<()> {
    os::sync_directory(directory)?;
    drill::pass("directory synced");
    Ok(())
}

/// Makes a directory and those above it that are missing, each with mode 0700, and makes their names durable.
///
/// # Errors
/// When one is not there.
pub fn create_directory(directory: &Path) -> io::Result<()> {
    if is_directory(directory)? {
        return Ok(());
    }
    let parent = directory.parent().unwrap_or_else(|| Path::new("/"));
    create_directory(parent)?;
    match os::make_directory(directory) {
        Ok(()) => sync_directory(parent),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && is_directory(directory)? => Ok(()),
        Err(error) => Err(error),
    }
}

/// Whether there is a directory of this name.
fn is_directory(path: &Path) -> io::Result<bool> {
    match os::look(path) {
        Ok(found) => Ok(found.is_dir()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Opens a regular file for reading. Links are not followed, and a pipe that someone left there does not block.
///
/// # Errors
/// When there is none.
pub fn open_regular(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = os::open(path, flags, Mode::empty())?;
    if os::look_into(&file)?.is_file() { Ok(file) } else { Err(io::Error::other("not a regular file")) }
}

/// Reads a regular file of at most `max` bytes.
///
/// # Errors
/// `FileTooLarge` when it is larger; otherwise when it cannot be read.
pub fn read_bounded(path: &Path, max: u64) -> io::Result<Vec<u8>> {
    let bytes = os::read_up_to(&open_regular(path)?, max.saturating_add(1))?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length <= max) {
        return Ok(bytes);
    }
    Err(io::ErrorKind::FileTooLarge.into())
}

/// Removes what an interrupted publication left in a directory, and tells how many files that were. Only the one process
/// that publishes there may ask for it.
///
/// # Errors
/// When the directory cannot be read.
pub fn clean(directory: &Path) -> io::Result<u64> {
    let mut removed = 0;
    for entry in os::list(directory)? {
        let entry = entry?;
        let ours = entry.name().to_str().is_some_and(|name| name.starts_with(TEMPORARY));
        if ours && entry.kind()?.is_file() {
            os::remove(&entry.path())?;
            removed += 1;
        }
    }
    Ok(removed)
}

/// Whether a name is one of an unfinished publication.
#[must_use]
pub fn is_temporary(name: &str) -> bool {
    name.starts_with(TEMPORARY)
}

/// The failure of a port that a failed system call means.
#[must_use]
pub fn port_error(what: &str, path: &Path, error: &io::Error) -> PortError {
    let full = matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
    let kind = if full { FaultKind::Full } else { FaultKind::Transient };
    PortError::new(kind, format!("{what} {}: {error}", path.display()))
}

fn write_temporary(directory: &Path, bytes: &[u8], mode: Mode, sync: bool) -> io::Result<PathBuf> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let path = directory.join(format!("{TEMPORARY}{}-{number}", std::process::id()));
    // A name of an earlier process with this id may still be there.
    discard(&path);
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut file = os::open(&path, flags, mode)?;
    drill::pass("file created");
    let written = os::write(&mut file, bytes).and_then(|()| {
        drill::pass("file written");
        if sync { os::sync(&file) } else { Ok(()) }
    });
    written.inspect_err(|_| discard(&path))?;
    drill::pass("file whole");
    Ok(path)
}

fn rename(from: &Path, to: &Path) -> io::Result<()> {
    os::rename(from, to)?;
    drill::pass("file renamed");
    Ok(())
}

/// Removes a temporary file. One that stays does no harm; [`clean`] takes it.
fn discard(path: &Path) {
    let _ = os::remove(path);
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_published_file_is_whole_private_and_alone() {
        let dir = tempfile::tempdir().unwrap();
        publish(dir.path(), "a", b"one").unwrap();
        publish(dir.path(), "a", b"other").unwrap();
        assert_eq!(std::fs::read(dir.path().join("a")).unwrap(), b"other");
        let mode = std::fs::metadata(dir.path().join("a")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_publication_that_fails_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("a")).unwrap();
        assert!(publish(dir.path(), "a", b"x").is_err());
        assert!(publish(&dir.path().join("missing"), "a", b"x").is_err());
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_is_there_is_not_overwritten_by_a_new_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        publish_new(&path, b"one", PRIVATE).unwrap();
        assert_eq!(publish_new(&path, b"two", PRIVATE).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(std::fs::read(&path).unwrap(), b"one");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn leftovers_are_cleaned_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        publish(dir.path(), "kept", b"x").unwrap();
        write_temporary(dir.path(), b"half", PRIVATE, false).unwrap();
        std::fs::create_dir(dir.path().join("tmp-dir")).unwrap();
        assert_eq!(clean(dir.path()).unwrap(), 1);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2);
    }

    #[test]
    fn only_regular_files_within_the_limit_are_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        publish(dir.path(), "a", b"12345").unwrap();
        std::os::unix::fs::symlink(&path, dir.path().join("link")).unwrap();
        assert_eq!(read_bounded(&path, 5).unwrap(), b"12345");
        assert_eq!(read_bounded(&path, 4).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
        assert!(read_bounded(&dir.path().join("link"), 5).is_err());
        assert!(read_bounded(dir.path(), 5).is_err());
    }

    #[test]
    fn directories_are_made_private() {
        let dir = tempfile::tempdir().unwrap();
        let deep = dir.path().join("a/b/c");
        create_directory(&deep).unwrap();
        create_directory(&deep).unwrap();
        assert_eq!(std::fs::metadata(&deep).unwrap().permissions().mode() & 0o777, 0o700);
    }
}
