//! Puts copies into a drop directory on the target side, damaged or unfinished where the gate says so.

use crate::rename::rename;
use gap_sim::gate::{Delivery, TEMPORARY_SUFFIX};
use gap_sim::{Damage, Visibility, WhichCopy};
use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// What is still being written on the target side has such a name; receivers pass over it.
const HIDDEN_PREFIX: &str = ".gap-sim-";

/// What happened to the name in the target directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placed {
    /// It was free.
    New,
    /// It took the place of a file that nobody had taken yet.
    Replaced,
    /// The unfinished file was taken away before it was finished; the rest of it is gone.
    TakenUnfinished,
}

/// Delivers a copy, or begins to. `may_move` says that the gate has no further need of its own file.
pub fn deliver(own: &Path, directory: &Path, delivery: &Delivery, may_move: bool) -> io::Result<Placed> {
    let target = directory.join(&delivery.name);
    match delivery.visibility {
        Visibility::Atomic => whole(own, directory, delivery, may_move),
        Visibility::HalfVisible { first_bytes, .. } => {
            let placed = if target.symlink_metadata().is_ok() { Placed::Replaced } else { Placed::New };
            let mut file = open_anew(&target)?;
            copy_part(own, &mut file, 0, first_bytes)?;
            damage(&mut file, flip_within(delivery.damage, 0, first_bytes))?;
            Ok(placed)
        }
        Visibility::TemporaryName { .. } => {
            write_copy(own, &temporary_path(directory, delivery), delivery.damage)?;
            Ok(Placed::New)
        }
    }
}

/// Finishes a copy that was begun.
pub fn complete(own: &Path, directory: &Path, delivery: &Delivery) -> io::Result<Placed> {
    match delivery.visibility {
        Visibility::Atomic => whole(own, directory, delivery, false),
        Visibility::HalfVisible { first_bytes, .. } => complete_half(own, directory, delivery, first_bytes),
        Visibility::TemporaryName { .. } => {
            match put(&temporary_path(directory, delivery), &directory.join(&delivery.name)) {
                Err(fault) if fault.kind() == io::ErrorKind::NotFound => whole(own, directory, delivery, false),
                placed => placed,
            }
        }
    }
}

/// Removes what an earlier run left under names of its own, and says how much that was.
pub fn sweep(directory: &Path, arrived: &[String]) -> io::Result<u64> {
    let mut removed = 0;
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let temporary_of = name.strip_suffix(TEMPORARY_SUFFIX);
        if name.starts_with(HIDDEN_PREFIX) || temporary_of.is_some_and(|name| arrived.iter().any(|one| one == name)) {
            fs::remove_file(path)?;
            removed += 1;
        }
    }
    Ok(removed)
}

/// Moves a whole file to its place without ever showing a part of it.
pub fn hand_over(own: &Path, directory: &Path, name: &str) -> io::Result<Placed> {
    let target = directory.join(name);
    match put(own, &target) {
        Err(fault) if fault.kind() == io::ErrorKind::CrossesDevices => {
            let hidden = directory.join(format!("{HIDDEN_PREFIX}{name}"));
            let placed = write_copy(own, &hidden, Damage::None).and_then(|()| put(&hidden, &target));
            finish_hidden(&hidden, placed).and_then(|placed| fs::remove_file(own).map(|()| placed))
        }
        placed => placed,
    }
}

fn whole(own: &Path, directory: &Path, delivery: &Delivery, may_move: bool) -> io::Result<Placed> {
    if may_move && delivery.damage == Damage::None {
        return hand_over(own, directory, &delivery.name);
    }
    let hidden = directory.join(format!("{HIDDEN_PREFIX}{}-{}", delivery.id, copy_number(delivery.copy)));
    let placed = write_copy(own, &hidden, delivery.damage).and_then(|()| put(&hidden, &directory.join(&delivery.name)));
    finish_hidden(&hidden, placed)
}

fn finish_hidden(hidden: &Path, placed: io::Result<Placed>) -> io::Result<Placed> {
    if placed.is_err() {
        // It may never have been there, and receivers pass over its name.
        let _ = fs::remove_file(hidden);
    }
    placed
}

fn complete_half(own: &Path, directory: &Path, delivery: &Delivery, first_bytes: u64) -> io::Result<Placed> {
    let target = directory.join(&delivery.name);
    let mut file = match OpenOptions::new().read(true).write(true).open(&target) {
        Err(fault) if fault.kind() == io::ErrorKind::NotFound && directory.is_dir() => {
            return Ok(Placed::TakenUnfinished);
        }
        opened => opened?,
    };
    // A file of another length is another file of that name: ours was taken.
    if file.metadata()?.len() != first_bytes {
        return Ok(Placed::TakenUnfinished);
    }
    let end = match delivery.damage {
        Damage::None | Damage::Flip { .. } => u64::MAX,
        Damage::Truncate { length } => length,
    };
    file.seek(SeekFrom::Start(first_bytes))?;
    if let Err(fault) = copy_part(own, &mut file, first_bytes, end) {
        // The next attempt knows the file again by its length.
        file.set_len(first_bytes)?;
        return Err(fault);
    }
    damage(&mut file, flip_within(delivery.damage, first_bytes, end))?;
    Ok(Placed::New)
}

/// Renames, and says whether a file of that name was still there.
fn put(from: &Path, to: &Path) -> io::Result<Placed> {
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Ok(()) => Ok(Placed::New),
        Err(Errno::EXIST) => rename(from, to).map(|()| Placed::Replaced),
        // Some network file systems cannot rename on this condition.
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {
            let placed = if to.symlink_metadata().is_ok() { Placed::Replaced } else { Placed::New };
            rename(from, to).map(|()| placed)
        }
        Err(fault) => Err(fault.into()),
    }
}

fn write_copy(own: &Path, to: &Path, done: Damage) -> io::Result<()> {
    let mut file = open_anew(to)?;
    let end = match done {
        Damage::None | Damage::Flip { .. } => u64::MAX,
        Damage::Truncate { length } => length,
    };
    copy_part(own, &mut file, 0, end)?;
    damage(&mut file, flip_within(done, 0, end))
}

fn copy_part(own: &Path, to: &mut File, from_byte: u64, to_byte: u64) -> io::Result<()> {
    let mut source = File::open(own)?;
    source.seek(SeekFrom::Start(from_byte))?;
    io::copy(&mut source.take(to_byte - from_byte), to).map(|_| ())
}

/// The flipped bit, if it lies between these bytes.
fn flip_within(damage: Damage, from_byte: u64, to_byte: u64) -> Option<(u64, u8)> {
    match damage {
        Damage::Flip { offset, bit } if (from_byte..to_byte).contains(&offset) => Some((offset, bit)),
        Damage::Flip { .. } | Damage::None | Damage::Truncate { .. } => None,
    }
}

fn damage(file: &mut File, flip: Option<(u64, u8)>) -> io::Result<()> {
    let Some((offset, bit)) = flip else {
        return Ok(());
    };
    let mut byte = [0];
    file.seek(SeekFrom::Start(offset))?;
    file.read_exact(&mut byte)?;
    byte[0] ^= 1 << bit;
    file.seek(SeekFrom::Start(offset))?;
    file.write_all(&byte)
}

fn temporary_path(directory: &Path, delivery: &Delivery) -> PathBuf {
    directory.join(format!("{}{TEMPORARY_SUFFIX}", delivery.name))
}

const fn copy_number(copy: WhichCopy) -> u8 {
    match copy {
        WhichCopy::First => 1,
        WhichCopy::Second => 2,
    }
}

/// Opens an empty file; it is readable too, because flipping a bit reads the byte first.
fn open_anew(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(true).open(path)
}
