//! The private directory of one way, where files in flight wait.
//!
//! A file bears the number of its pick-up and its own name, so a later run knows what an earlier one left.

use crate::failure::Failure;
use crate::rename::rename;
use gap_sim::PickUpId;
use gap_sim::profile::Source;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

const LOCK_NAME: &str = "lock";
/// What is still being copied in has such a name, and never counts as picked up.
const UNFINISHED_PREFIX: &str = ".in-";

/// Holds the work directory for this process; the lock ends with it.
pub fn lock(root: &Path) -> Result<File, Failure> {
    let refused = |cause| Failure::Work { path: root.to_owned(), cause };
    fs::create_dir_all(root).map_err(refused)?;
    let file = File::create(root.join(LOCK_NAME)).map_err(refused)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Failure::WorkBusy { path: root.to_owned() }),
        Err(TryLockError::Error(cause)) => Err(refused(cause)),
    }
}

/// The private directory of one way.
#[derive(Debug)]
pub struct WorkRoom {
    path: PathBuf,
}

/// A file that an earlier run left in flight.
#[derive(Debug)]
pub struct Leftover {
    /// Where it is.
    pub path: PathBuf,
    /// The name under which it was picked up.
    pub name: String,
}

/// What an earlier run left.
#[derive(Debug, Default)]
pub struct Leftovers {
    /// Whole files, in the order of their pick-up.
    pub whole: Vec<Leftover>,
    /// How many unfinished ones were discarded.
    pub discarded: u64,
}

impl WorkRoom {
    /// Makes the directory if there is none.
    pub fn open(path: PathBuf) -> Result<Self, Failure> {
        match fs::create_dir_all(&path) {
            Ok(()) => Ok(Self { path }),
            Err(cause) => Err(Failure::Work { path, cause }),
        }
    }

    /// Where the file of this pick-up is.
    pub fn path_of(&self, id: PickUpId, name: &str) -> PathBuf {
        self.path.join(format!("{id}-{name}"))
    }

    /// Lists what an earlier run left, and discards what it had not finished copying in.
    pub fn leftovers(&self) -> Result<Leftovers, Failure> {
        let refused = |path: &Path, cause| Failure::Work { path: path.to_owned(), cause };
        let mut found = Leftovers::default();
        let entries = fs::read_dir(&self.path).map_err(|cause| refused(&self.path, cause))?;
        for entry in entries {
            let path = entry.map_err(|cause| refused(&self.path, cause))?.path();
            let name = path.file_name().and_then(|name| name.to_str()).and_then(original_name);
            match name {
                Some(name) => found.whole.push(Leftover { name: name.to_owned(), path }),
                None => {
                    fs::remove_file(&path).map_err(|cause| refused(&path, cause))?;
                    found.discarded += 1;
                }
            }
        }
        found.whole.sort_by(|one, other| one.path.cmp(&other.path));
        Ok(found)
    }

    /// Takes a file in, and says how many bytes it has. The source goes only after the file is here.
    pub fn take_in(&self, directory: &Path, id: PickUpId, name: &str, source: Source) -> io::Result<u64> {
        let from = directory.join(name);
        let to = self.path_of(id, name);
        match source {
            Source::Remove => match rename(&from, &to) {
                Err(fault) if fault.kind() == io::ErrorKind::CrossesDevices => {
                    self.copy_in(&from, id, &to)?;
                    self.let_go(&to, fs::remove_file(&from))?;
                }
                renamed => renamed?,
            },
            Source::Rename => {
                self.copy_in(&from, id, &to)?;
                let renamed = directory.join(format!("{name}{}", gap_sim::gate::RENAMED_SUFFIX));
                self.let_go(&to, rename(&from, &renamed))?;
            }
            Source::Leave => self.copy_in(&from, id, &to)?,
        }
        Ok(fs::metadata(&to)?.len())
    }

    fn copy_in(&self, from: &Path, id: PickUpId, to: &Path) -> io::Result<()> {
        let unfinished = self.path.join(format!("{UNFINISHED_PREFIX}{id}"));
        let copied = File::open(from)
            .and_then(|mut source| io::copy(&mut source, &mut File::create(&unfinished)?))
            .and_then(|_| rename(&unfinished, to));
        if copied.is_err() {
            // What is left is discarded at the next start at the latest.
            let _ = fs::remove_file(&unfinished);
        }
        copied
    }

    /// Gives the copy up again when its source cannot be let go, else both would count.
    fn let_go(&self, copy: &Path, source_gone: io::Result<()>) -> io::Result<()> {
        if source_gone.is_err() {
            fs::remove_file(copy)?;
        }
        source_gone
    }

    /// Throws a file away; one that is gone already is fine.
    pub fn discard(&self, id: PickUpId, name: &str) -> io::Result<()> {
        match fs::remove_file(self.path_of(id, name)) {
            Err(fault) if fault.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed,
        }
    }
}

fn original_name(file_name: &str) -> Option<&str> {
    let (number, name) = file_name.split_once('-')?;
    let is_number = number.len() >= 12 && number.bytes().all(|byte| byte.is_ascii_digit());
    (is_number && !name.is_empty()).then_some(name)
}
