//! The files of one host: what programs see, and what a power cut leaves.
//!
//! A file's content is on disk once it was synced; a name is in its directory once the directory was synced. A power cut
//! keeps what was synced. Of the rest it keeps any part: each change of a directory happened or did not, and a file that
//! was not synced is whole, cut short, or empty.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::fuse::{Fuse, Stopped};
use crate::prng::Prng;

/// What a file system says when an operation does not succeed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DiskError {
    /// There is no such file.
    NotFound,
    /// There is no room.
    Full,
    /// The device answered with an error; the same operation may succeed later.
    Io,
    /// The host has stopped.
    Stopped,
}

impl From<Stopped> for DiskError {
    fn from(_: Stopped) -> Self {
        Self::Stopped
    }
}

/// A change of a directory that is not on disk yet.
#[derive(Debug, Clone)]
enum Change {
    Link { path: String, file: u64 },
    Unlink { path: String },
    Rename { from: String, to: String, file: u64 },
}

impl Change {
    fn is_in(&self, directory: &str) -> bool {
        match self {
            Self::Link { path, .. } | Self::Unlink { path } => lies_in(path, directory),
            Self::Rename { from, to, .. } => lies_in(from, directory) || lies_in(to, directory),
        }
    }
}

impl Change {
    fn names(&self, path: &str) -> bool {
        match self {
            Self::Link { path: own, .. } | Self::Unlink { path: own } => own == path,
            Self::Rename { to, .. } => to == path,
        }
    }
}

#[derive(Debug, Clone)]
struct Content {
    bytes: Arc<Vec<u8>>,
    synced: bool,
}

#[derive(Debug, Default)]
struct State {
    contents: BTreeMap<u64, Content>,
    next_file: u64,
    /// What programs see.
    live: BTreeMap<String, u64>,
    /// What a power cut leaves for certain.
    durable: BTreeMap<String, u64>,
    pending: Vec<Change>,
    /// Bytes that may lie on the disk; 0 means as many as one likes.
    capacity: u64,
    used: u64,
    /// The next so many writes fail with an error of the device.
    failing_writes: u64,
    /// Syncs of directories change nothing: for the break that leaves them out.
    directories_sync: bool,
    changes: u64,
    /// Changes by which a file may be lost or be another one.
    losses: u64,
    syncs: u64,
}

/// Contents that no name leads to are dropped once in so many syncs: looking for them costs more than keeping them.
const SYNCS_BETWEEN_SWEEPS: u64 = 256;

/// The disk of one host. Paths are `directory/name` with one level of directories.
#[derive(Debug)]
pub struct Disk {
    fuse: Arc<Fuse>,
    state: Mutex<State>,
}

fn lies_in(path: &str, directory: &str) -> bool {
    path.as_bytes().get(directory.len()) == Some(&b'/') && path.starts_with(directory)
}

impl Disk {
    /// An empty disk without a limit.
    #[must_use]
    pub fn new(fuse: Arc<Fuse>) -> Self {
        Self { fuse, state: Mutex::new(State { directories_sync: true, ..State::default() }) }
    }

    /// The state, about to be changed.
    fn change(&self) -> MutexGuard<'_, State> {
        let mut state = self.state();
        state.changes += 1;
        state
    }

    /// How often anything on the disk has changed: who has seen the disk at a count need not look again.
    #[must_use]
    pub fn changes(&self) -> u64 {
        self.state().changes
    }

    /// How often a file was moved, removed or damaged: who has seen a file at a count need not look for it again.
    #[must_use]
    pub fn losses(&self) -> u64 {
        self.state().losses
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Limits the disk to so many bytes; 0 takes the limit away.
    pub fn set_capacity(&self, bytes: u64) {
        self.state().capacity = bytes;
    }

    /// Makes the next writes fail.
    pub fn fail_writes(&self, count: u64) {
        self.state().failing_writes = count;
    }

    /// From now on syncing a directory does nothing.
    pub fn forget_directory_syncs(&self) {
        self.state().directories_sync = false;
    }

    /// Bytes on the disk.
    #[must_use]
    pub fn used(&self) -> u64 {
        self.state().used
    }

    /// Writes a file under a name, replacing what had it. Neither is on disk yet.
    ///
    /// # Errors
    /// When there is no room, or the device fails.
    pub fn write(&self, path: &str, bytes: Arc<Vec<u8>>) -> Result<(), DiskError> {
        self.fuse.burn()?;
        let mut state = self.change();
        if state.failing_writes > 0 {
            state.failing_writes -= 1;
            return Err(DiskError::Io);
        }
        let length = bytes.len() as u64;
        if state.capacity > 0 && state.used + length > state.capacity {
            return Err(DiskError::Full);
        }
        let file = state.next_file;
        state.next_file += 1;
        state.used += length;
        state.contents.insert(file, Content { bytes, synced: false });
        let old = state.live.insert(path.to_owned(), file);
        state.pending.push(Change::Link { path: path.to_owned(), file });
        state.release(old);
        Ok(())
    }

    /// Makes a file's content durable.
    ///
    /// # Errors
    /// When there is no such file.
    pub fn sync_file(&self, path: &str) -> Result<(), DiskError> {
        self.fuse.burn()?;
        let mut state = self.change();
        let file = *state.live.get(path).ok_or(DiskError::NotFound)?;
        if let Some(content) = state.contents.get_mut(&file) {
            content.synced = true;
        }
        Ok(())
    }

    /// Gives a file another name, replacing what had it, in one step.
    ///
    /// # Errors
    /// When there is no such file.
    pub fn rename(&self, from: &str, to: &str) -> Result<(), DiskError> {
        self.fuse.burn()?;
        let mut state = self.change();
        // A file that gets its first lasting name is not lost by it.
        state.losses += u64::from(!from.contains("/."));
        let file = state.live.remove(from).ok_or(DiskError::NotFound)?;
        let old = state.live.insert(to.to_owned(), file);
        // The old name may have reached the disk or not; after the new one has, it is gone either way.
        state.pending.retain(|change| !matches!(change, Change::Link { path, .. } if path == from));
        state.pending.push(Change::Rename { from: from.to_owned(), to: to.to_owned(), file });
        state.release(old);
        Ok(())
    }

    /// Removes a name.
    ///
    /// # Errors
    /// When there is no such file.
    pub fn remove(&self, path: &str) -> Result<(), DiskError> {
        self.fuse.burn()?;
        let mut state = self.change();
        state.losses += 1;
        let file = state.live.remove(path).ok_or(DiskError::NotFound)?;
        state.pending.push(Change::Unlink { path: path.to_owned() });
        state.release(Some(file));
        Ok(())
    }

    /// Makes the names of a directory durable.
    ///
    /// # Errors
    /// When the host has stopped.
    pub fn sync_directory(&self, directory: &str) -> Result<(), DiskError> {
        self.fuse.burn()?;
        let mut state = self.change();
        if !state.directories_sync {
            return Ok(());
        }
        let (now, later): (Vec<_>, Vec<_>) =
            std::mem::take(&mut state.pending).into_iter().partition(|change| change.is_in(directory));
        state.pending = later;
        for change in now {
            state.settle(&change);
        }
        state.syncs += 1;
        if state.syncs.is_multiple_of(SYNCS_BETWEEN_SWEEPS) {
            state.forget_unnamed();
        }
        Ok(())
    }

    /// Reads a file.
    ///
    /// # Errors
    /// When there is no such file.
    pub fn read(&self, path: &str) -> Result<Arc<Vec<u8>>, DiskError> {
        self.fuse.burn()?;
        self.peek(path).ok_or(DiskError::NotFound)
    }

    /// A file as it is seen, for those who look on.
    #[must_use]
    pub fn peek(&self, path: &str) -> Option<Arc<Vec<u8>>> {
        let state = self.state();
        state.live.get(path).and_then(|file| state.contents.get(file)).map(|content| content.bytes.clone())
    }

    /// Whether a power cut now would certainly leave this file as it is seen.
    #[must_use]
    pub fn is_durable(&self, path: &str) -> bool {
        let state = self.state();
        let (live, durable) = (state.live.get(path), state.durable.get(path));
        live.is_some() && live == durable && live.and_then(|file| state.contents.get(file)).is_some_and(|c| c.synced)
    }

    /// Whether a power cut now would leave a whole file under this name: the one that is seen, or the one that it has taken
    /// the place of while its directory was not synced.
    #[must_use]
    pub fn survives(&self, path: &str) -> bool {
        let state = self.state();
        let is_whole = |file: Option<&u64>| file.and_then(|file| state.contents.get(file)).is_some_and(|c| c.synced);
        is_whole(state.live.get(path)) && is_whole(state.durable.get(path))
    }

    /// The names in a directory, in order.
    ///
    /// # Errors
    /// When the host has stopped.
    pub fn list(&self, directory: &str) -> Result<Vec<String>, DiskError> {
        self.fuse.burn()?;
        Ok(self.names(directory))
    }

    /// The names in a directory, for those who look on.
    #[must_use]
    pub fn names(&self, directory: &str) -> Vec<String> {
        let prefix = format!("{directory}/");
        let state = self.state();
        let from = state.live.range(prefix.clone()..).map(|(path, _)| path);
        from.take_while(|path| path.starts_with(&prefix)).map(|path| path[prefix.len()..].to_owned()).collect()
    }

    /// Puts a file there from outside, durably at once: a drop directory is the gate's as much as the host's. With `from`
    /// a file that is there gets this name.
    pub fn put_there(&self, path: &str, bytes: Option<Arc<Vec<u8>>>, from: Option<&str>) {
        let mut state = self.change();
        let moved = from.and_then(|from| {
            state.durable.remove(from);
            state.live.remove(from)
        });
        let file = match (bytes, moved) {
            (Some(bytes), _) => {
                let file = state.next_file;
                state.next_file += 1;
                state.used += bytes.len() as u64;
                state.contents.insert(file, Content { bytes, synced: true });
                file
            }
            (None, Some(file)) => file,
            (None, None) => return,
        };
        state.pending.retain(|change| !change.names(path));
        let old = state.live.insert(path.to_owned(), file);
        state.durable.insert(path.to_owned(), file);
        state.release(old);
    }

    /// Takes a file away from outside, durably at once.
    pub fn take_away(&self, path: &str) {
        let mut state = self.change();
        state.losses += 1;
        state.pending.retain(|change| !change.names(path));
        let old = state.live.remove(path);
        state.durable.remove(path);
        state.release(old);
    }

    /// Changes a file's bytes where they lie, as a failing disk does.
    pub fn rot(&self, path: &str, change: impl FnOnce(&mut Vec<u8>)) {
        let mut state = self.change();
        state.losses += 1;
        let Some(file) = state.live.get(path).copied() else { return };
        let Some(content) = state.contents.get_mut(&file) else { return };
        let before = content.bytes.len() as u64;
        change(Arc::make_mut(&mut content.bytes));
        let after = content.bytes.len() as u64;
        state.used = state.used + after - before;
    }

    /// Power is cut: of what was not synced, any part is left. Returns how many changes are taken back.
    pub fn cut_power(&self, prng: &mut Prng) -> u64 {
        let mut state = self.change();
        state.losses += 1;
        let mut lost = 0;
        for change in std::mem::take(&mut state.pending) {
            if prng.below(2) == 0 {
                state.settle(&change);
            } else {
                lost += 1;
            }
        }
        let named: Vec<u64> = state.durable.values().copied().collect();
        for file in named {
            let Some(content) = state.contents.get_mut(&file).filter(|content| !content.synced) else { continue };
            content.synced = true;
            let fate = prng.below(3);
            lost += u64::from(fate > 0);
            match fate {
                0 => {}
                1 => Arc::make_mut(&mut content.bytes).clear(),
                _ => {
                    let length = content.bytes.len() as u64;
                    let left = usize::try_from(prng.below(length + 1)).unwrap_or(0);
                    Arc::make_mut(&mut content.bytes).truncate(left);
                }
            }
        }
        state.live = state.durable.clone();
        state.forget_unnamed();
        state.used = state.contents.values().map(|content| content.bytes.len() as u64).sum();
        lost
    }
}

impl State {
    /// A change of a directory reaches the disk.
    fn settle(&mut self, change: &Change) {
        match change {
            Change::Link { path, file } => {
                self.durable.insert(path.clone(), *file);
            }
            Change::Unlink { path } => {
                self.durable.remove(path);
            }
            Change::Rename { from, to, file } => {
                self.durable.remove(from);
                self.durable.insert(to.clone(), *file);
            }
        }
    }

    /// A file that no program sees any more counts no more, though a power cut may bring it back.
    fn release(&mut self, file: Option<u64>) {
        let Some(file) = file else { return };
        if let Some(content) = self.contents.get(&file) {
            self.used = self.used.saturating_sub(content.bytes.len() as u64);
        }
    }

    /// Drops contents that no name leads to, seen, durable or on its way.
    fn forget_unnamed(&mut self) {
        let mut named: Vec<u64> = self.live.values().chain(self.durable.values()).copied().collect();
        named.extend(self.pending.iter().filter_map(|change| match change {
            Change::Link { file, .. } | Change::Rename { file, .. } => Some(*file),
            Change::Unlink { .. } => None,
        }));
        named.sort_unstable();
        self.contents.retain(|file, _| named.binary_search(file).is_ok());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn disk() -> Disk {
        Disk::new(Arc::new(Fuse::default()))
    }

    fn content(text: &str) -> Arc<Vec<u8>> {
        Arc::new(text.as_bytes().to_vec())
    }

    #[test]
    fn what_was_synced_survives_every_power_cut() {
        for seed in 0..200 {
            let disk = disk();
            disk.write("tmp/a", content("whole")).unwrap();
            disk.sync_file("tmp/a").unwrap();
            disk.rename("tmp/a", "spool/a").unwrap();
            assert!(!disk.survives("spool/a"), "its name may be lost");
            disk.sync_directory("spool").unwrap();
            assert!(disk.is_durable("spool/a") && disk.survives("spool/a"));
            disk.cut_power(&mut Prng::new(seed));
            assert_eq!(disk.peek("spool/a"), Some(content("whole")));
            assert_eq!(disk.peek("tmp/a"), None);
        }
    }

    #[test]
    fn what_was_not_synced_may_be_lost_cut_short_or_whole() {
        let mut outcomes = std::collections::BTreeSet::new();
        for seed in 0..200 {
            let disk = disk();
            disk.write("spool/a", content("whole")).unwrap();
            assert!(!disk.is_durable("spool/a") && !disk.survives("spool/a"));
            disk.cut_power(&mut Prng::new(seed));
            outcomes.insert(disk.peek("spool/a").map(|bytes| bytes.len()));
        }
        assert!(outcomes.contains(&None) && outcomes.contains(&Some(0)) && outcomes.contains(&Some(5)));
        assert!(outcomes.len() > 3, "{outcomes:?}");
    }

    #[test]
    fn a_rename_without_a_sync_of_its_directory_may_be_undone() {
        let undone = (0..100).filter(|seed| {
            let disk = disk();
            disk.write("spool/a", content("old")).unwrap();
            disk.sync_file("spool/a").unwrap();
            disk.sync_directory("spool").unwrap();
            disk.write("spool/b", content("new")).unwrap();
            disk.sync_file("spool/b").unwrap();
            disk.rename("spool/b", "spool/a").unwrap();
            assert!(disk.survives("spool/a") && !disk.is_durable("spool/a"));
            disk.cut_power(&mut Prng::new(*seed));
            disk.peek("spool/a") == Some(content("old"))
        });
        assert!((20..80).contains(&undone.count()));
    }

    #[test]
    fn a_full_disk_takes_nothing_and_gives_room_back() {
        let disk = disk();
        disk.set_capacity(8);
        disk.write("spool/a", content("12345")).unwrap();
        assert_eq!(disk.write("spool/b", content("1234")), Err(DiskError::Full));
        disk.remove("spool/a").unwrap();
        disk.write("spool/b", content("1234")).unwrap();
        assert_eq!(disk.used(), 4);
        disk.fail_writes(1);
        assert_eq!(disk.write("spool/c", content("1")), Err(DiskError::Io));
        disk.write("spool/c", content("1")).unwrap();
        assert_eq!(disk.names("spool"), ["b", "c"]);
    }
}
