//! Which files of a drop directory may be picked up, and when.

use super::act::{Refusal, Seen};
use crate::profile::Profile;
use std::collections::BTreeMap;

/// A gate that renames its source files appends this to their names.
pub const RENAMED_SUFFIX: &str = ".done";
/// A gate that delivers under a temporary name appends this to it.
pub const TEMPORARY_SUFFIX: &str = ".part";

const IGNORED_SUFFIXES: [&str; 4] = [".tmp", TEMPORARY_SUFFIX, ".filepart", RENAMED_SUFFIX];

/// Whether a gate takes no notice of a name: writers use such names for files that are not finished.
pub fn is_ignored(name: &str) -> bool {
    name.starts_with('.') || IGNORED_SUFFIXES.iter().any(|suffix| name.ends_with(suffix))
}

/// What the gate remembers of the files in the drop directory: only of those that the last scan saw.
#[derive(Debug, Default)]
pub(super) struct Watch {
    files: BTreeMap<String, Watched>,
}

#[derive(Debug, Clone, Copy)]
struct Watched {
    size: u64,
    unchanged_scans: u64,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Waiting,
    Asked,
    Taken,
    Refused,
}

/// What a scan found.
#[derive(Debug, Default)]
pub(super) struct Scanned {
    /// Files that were not there before, or changed after their pick-up.
    pub(super) new_count: u64,
    /// Files that may be picked up, in the order in which they were seen.
    pub(super) ready: Vec<Seen>,
    /// Files that may not cross, told once each.
    pub(super) refused: Vec<(String, Refusal)>,
}

impl Watch {
    pub(super) fn scan(&mut self, profile: &Profile, seen: &[Seen]) -> Scanned {
        let mut before = std::mem::take(&mut self.files);
        let mut scanned = Scanned::default();
        for file in seen.iter().filter(|file| !is_ignored(&file.name)) {
            let mut watched = match before.remove(&file.name) {
                Some(watched) if watched.size == file.size => {
                    Watched { unchanged_scans: watched.unchanged_scans + 1, ..watched }
                }
                Some(Watched { state: State::Waiting, .. }) => fresh(file),
                Some(_) | None => {
                    scanned.new_count += 1;
                    fresh(file)
                }
            };
            if watched.state == State::Waiting && watched.unchanged_scans >= profile.stable_scans {
                match refusal(profile, file) {
                    Some(reason) => {
                        watched.state = State::Refused;
                        scanned.refused.push((file.name.clone(), reason));
                    }
                    None => scanned.ready.push(file.clone()),
                }
            }
            self.files.insert(file.name.clone(), watched);
        }
        scanned
    }

    /// The driver was asked to pick this file up.
    pub(super) fn asked(&mut self, name: &str) {
        self.set(name, State::Asked);
    }

    /// The file was picked up and stays where it is.
    pub(super) fn taken(&mut self, name: &str) {
        self.set(name, State::Taken);
    }

    /// The file is gone, or is to be judged anew.
    pub(super) fn forget(&mut self, name: &str) {
        self.files.remove(name);
    }

    fn set(&mut self, name: &str, state: State) {
        if let Some(watched) = self.files.get_mut(name) {
            watched.state = state;
        }
    }
}

fn fresh(file: &Seen) -> Watched {
    Watched { size: file.size, unchanged_scans: 0, state: State::Waiting }
}

fn refusal(profile: &Profile, file: &Seen) -> Option<Refusal> {
    let extension = file.name.rsplit_once('.').map_or("", |(_, extension)| extension);
    let may_cross = profile.extensions.is_empty()
        || profile.extensions.iter().any(|allowed| allowed.eq_ignore_ascii_case(extension));
    if file.size == 0 {
        Some(Refusal::Empty)
    } else if profile.max_file_bytes > 0 && file.size > profile.max_file_bytes {
        Some(Refusal::TooLarge)
    } else if !may_cross {
        Some(Refusal::Extension)
    } else {
        None
    }
}
