//! Refused files with their reasons.
//!
//! ```text
//! quarantine/<link>/refused/<number>-<name>       and beside it <number>-<name>.reason.json
//! quarantine/<link>/unverified/<number>-<name>    the same, a bounded ring
//! ```
//!
//! Both parts are bounded: the oldest files make room for the newest. What no trusted key signed can only push out its
//! like. The same content is kept once. The lists are read once, at the start, and kept in memory, so that a flood costs
//! no more than the files that are kept of it.

use std::collections::{BTreeSet, VecDeque};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use ferry_core::ports::{FaultKind, PortError, Quarantine, QuarantineNote};
use ferry_format::Digest;
use ferry_format::limits::FILE_NAME_BYTES_MAX;
use serde::{Deserialize, Serialize};

use super::durable::{self, port_error};
use super::gate::OVERSIZE_PREFIX_BYTES;
use super::os;
use crate::config::Config;

const REASON: &str = ".reason.json";
/// A reason holds a code, a name and a sentence.
const REASON_BYTES_MAX: u64 = 16 << 10;
/// More verified files than that in the quarantine are many more than people look at.
const REFUSED_FILES_MAX: u64 = 100_000;

/// A file in the quarantine with the reason beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Where it lies.
    pub path: PathBuf,
    /// Its number; higher ones are newer.
    pub number: u64,
    /// Why it is here; `None` when a crash left it without.
    pub reason: Option<Reason>,
}

/// What stands in a reason file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// The file's name in the drop directory.
    pub name: String,
    /// The code, from the published list.
    pub code: String,
    /// One sentence for the operator.
    pub story: String,
    /// Whether a trusted key signed the file.
    pub verified: bool,
    /// When, in milliseconds since 1970-01-01 UTC.
    pub at_ms: u64,
    /// The file's length; more than is kept when the file is larger than all that may be kept.
    pub bytes: u64,
    /// The SM3 of the whole file.
    pub sm3: String,
}

/// The quarantine of one link.
#[derive(Debug)]
pub struct QuarantineDirectories {
    refused: Mutex<Ring>,
    unverified: Mutex<Ring>,
}

impl QuarantineDirectories {
    /// Opens the quarantine, and removes what an interrupted process left half-written.
    ///
    /// # Errors
    /// When its directories cannot be made or read.
    pub fn open(config: &Config) -> Result<Self, PortError> {
        let limits = config.quarantine;
        let [refused, unverified] = directories(config);
        Ok(Self {
            refused: Mutex::new(Ring::open(refused, REFUSED_FILES_MAX, limits.refused_bytes, true)?),
            unverified: Mutex::new(Ring::open(unverified, limits.unverified_files, limits.unverified_bytes, false)?),
        })
    }

    /// Every file in the quarantine, the oldest first: first those that a trusted key signed, then the others.
    ///
    /// # Errors
    /// When a directory cannot be read.
    pub fn list(config: &Config) -> Result<[Vec<Kept>; 2], PortError> {
        let [refused, unverified] = directories(config);
        Ok([read(&refused)?, read(&unverified)?])
    }
}

impl Quarantine for QuarantineDirectories {
    fn put(&self, name: &str, bytes: &[u8], note: &QuarantineNote) -> Result<(), PortError> {
        if name.is_empty() || name.len() > FILE_NAME_BYTES_MAX || name.contains(['/', '\0']) {
            return Err(PortError::new(FaultKind::Conflict, "the name is not of a file for this zone"));
        }
        let ring = if note.verified { &self.refused } else { &self.unverified };
        let mut ring = ring.lock().unwrap_or_else(PoisonError::into_inner);
        ring.put(name, bytes, note)
    }
}

/// A directory of which the oldest files make room for the newest.
#[derive(Debug)]
struct Ring {
    directory: PathBuf,
    files_max: u64,
    bytes_max: u64,
    durable: bool,
    next: u64,
    bytes: u64,
    entries: VecDeque<Entry>,
    known: BTreeSet<Digest>,
}

#[derive(Debug)]
struct Entry {
    path: PathBuf,
    bytes: u64,
    digest: Option<Digest>,
}

impl Ring {
    fn open(directory: PathBuf, files_max: u64, bytes_max: u64, durable: bool) -> Result<Self, PortError> {
        let failed = |error: io::Error| port_error("cannot open the quarantine", &directory, &error);
        durable::create_directory(&directory).map_err(failed)?;
        durable::clean(&directory).map_err(failed)?;
        let mut ring = Self {
            directory: directory.clone(),
            files_max,
            bytes_max,
            durable,
            next: 1,
            bytes: 0,
            entries: VecDeque::new(),
            known: BTreeSet::new(),
        };
        for kept in read(&directory)? {
            let bytes = os::look_at_link(&kept.path).map_err(failed)?.len();
            let digest = kept.reason.and_then(|reason| reason.sm3.parse().ok());
            ring.next = kept.number + 1;
            ring.bytes += bytes;
            ring.known.extend(digest);
            ring.entries.push_back(Entry { path: kept.path, bytes, digest });
        }
        ring.make_room(0, 0)?;
        Ok(ring)
    }

    fn put(&mut self, name: &str, bytes: &[u8], note: &QuarantineNote) -> Result<(), PortError> {
        let digest = Digest::of(&[bytes]);
        if self.known.contains(&digest) {
            return Ok(());
        }
        let length = count(bytes);
        let kept = if length > self.bytes_max {
            let prefix = usize::try_from(OVERSIZE_PREFIX_BYTES).unwrap_or(usize::MAX);
            bytes.get(..prefix).unwrap_or(bytes)
        } else {
            bytes
        };
        self.make_room(1, count(kept))?;
        let file = format!("{:012}-{name}", self.next);
        let path = self.directory.join(&file);
        self.next += 1;
        self.write(&file, kept)?;
        self.bytes += count(kept);
        self.known.insert(digest);
        self.entries.push_back(Entry { path, bytes: count(kept), digest: Some(digest) });
        let reason = Reason {
            name: name.to_owned(),
            code: note.code.clone(),
            story: note.story.clone(),
            verified: note.verified,
            at_ms: note.at_ms,
            bytes: length,
            sm3: digest.to_string(),
        };
        let mut text = serde_json::to_vec(&reason).expect("texts and numbers are valid JSON");
        text.push(b'\n');
        self.write(&format!("{file}{REASON}"), &text)
    }

    fn write(&self, file: &str, bytes: &[u8]) -> Result<(), PortError> {
        let written = if self.durable {
            durable::publish(&self.directory, file, bytes)
        } else {
            durable::publish_unsynced(&self.directory, file, bytes)
        };
        written.map_err(|error| port_error("cannot quarantine into", &self.directory, &error))
    }

    /// Removes the oldest files until so many more files and bytes have room.
    fn make_room(&mut self, files: u64, bytes: u64) -> Result<(), PortError> {
        while count_of(self.entries.len()) + files > self.files_max || self.bytes + bytes > self.bytes_max {
            let Some(oldest) = self.entries.pop_front() else { return Ok(()) };
            if self.durable {
                tracing::warn!(file = %oldest.path.display(), "the quarantine is full; its oldest file makes room");
            }
            for path in [beside(&oldest.path), oldest.path.clone()] {
                match os::remove(&path) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => {
                        self.entries.push_front(oldest);
                        return Err(port_error("cannot remove", &path, &error));
                    }
                    Ok(()) | Err(_) => {}
                }
            }
            self.bytes -= oldest.bytes;
            if let Some(digest) = oldest.digest {
                self.known.remove(&digest);
            }
        }
        Ok(())
    }
}

fn directories(config: &Config) -> [PathBuf; 2] {
    let root = config.paths.quarantine.join(config.link.as_str());
    [root.join("refused"), root.join("unverified")]
}

/// The reason file of a file.
fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(REASON);
    path.with_file_name(name)
}

fn count(bytes: &[u8]) -> u64 {
    count_of(bytes.len())
}

fn count_of(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// The files of a directory with their reasons, by number; none when it is not there.
fn read(directory: &Path) -> Result<Vec<Kept>, PortError> {
    let failed = |error: io::Error| port_error("cannot read the quarantine", directory, &error);
    let listed = match os::list(directory) {
        Ok(listed) => listed,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    let mut found = Vec::new();
    for entry in listed {
        let entry = entry.map_err(failed)?;
        let name = entry.name();
        let number = name.to_str().and_then(|name| name.split_once('-')).and_then(|(number, _)| number.parse().ok());
        let Some(number) = number.filter(|_| !name.to_string_lossy().ends_with(REASON)) else { continue };
        let path = entry.path();
        let reason = durable::read_bounded(&beside(&path), REASON_BYTES_MAX).ok();
        let reason = reason.and_then(|text| serde_json::from_slice(&text).ok());
        found.push(Kept { path, number, reason });
    }
    found.sort_by_key(|kept| kept.number);
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::testing::zone;

    fn note(verified: bool) -> QuarantineNote {
        QuarantineNote { code: "bad-signature".into(), story: "It does not verify.".into(), verified, at_ms: 5 }
    }

    fn count_files(directory: &Path) -> usize {
        std::fs::read_dir(directory).unwrap().count()
    }

    #[test]
    fn a_refused_file_has_its_reason_beside_it() {
        let (_dir, config) = zone("");
        let quarantine = QuarantineDirectories::open(&config).unwrap();
        quarantine.put("a.dat", b"content", &note(true)).unwrap();
        quarantine.put("a.dat", b"content", &note(true)).unwrap();
        quarantine.put("a.dat", b"other", &note(true)).unwrap();
        let [refused, unverified] = QuarantineDirectories::list(&config).unwrap();
        assert_eq!((refused.len(), unverified.len()), (2, 0));
        let reason = refused[0].reason.clone().unwrap();
        assert_eq!((reason.code.as_str(), reason.bytes, reason.name.as_str()), ("bad-signature", 7, "a.dat"));
        assert_eq!(std::fs::read(&refused[1].path).unwrap(), b"other");
        assert!(beside(&refused[1].path).to_string_lossy().ends_with("000000000002-a.dat.reason.json"));
    }

    #[test]
    fn the_ring_stays_bounded_in_a_flood_and_over_restarts() {
        let (_dir, mut config) = zone("");
        config.quarantine.unverified_files = 16;
        let unverified = directories(&config)[1].clone();
        let quarantine = QuarantineDirectories::open(&config).unwrap();
        for number in 0..10_000_u32 {
            quarantine.put("x.dat", &number.to_be_bytes(), &note(false)).unwrap();
        }
        assert_eq!(count_files(&unverified), 32);
        drop(quarantine);
        config.quarantine.unverified_files = 4;
        let quarantine = QuarantineDirectories::open(&config).unwrap();
        assert_eq!(count_files(&unverified), 8);
        quarantine.put("x.dat", b"new", &note(false)).unwrap();
        let [_, kept] = QuarantineDirectories::list(&config).unwrap();
        let contents: Vec<_> = kept.iter().map(|kept| std::fs::read(&kept.path).unwrap()).collect();
        assert_eq!(contents[3], b"new");
        assert_eq!(contents[0], 9_997_u32.to_be_bytes());
    }

    #[test]
    fn the_ring_is_bounded_in_bytes_and_keeps_the_head_of_what_is_larger() {
        let (_dir, mut config) = zone("");
        config.quarantine.unverified_bytes = 1 << 20;
        let quarantine = QuarantineDirectories::open(&config).unwrap();
        for fill in 0..10_u8 {
            quarantine.put("x.dat", &vec![fill; 300 << 10], &note(false)).unwrap();
        }
        let [_, kept] = QuarantineDirectories::list(&config).unwrap();
        assert_eq!(kept.len(), 3);
        quarantine.put("x.dat", &vec![0; 2 << 20], &note(false)).unwrap();
        let [_, kept] = QuarantineDirectories::list(&config).unwrap();
        let last = kept.last().unwrap();
        assert_eq!(last.reason.as_ref().unwrap().bytes, 2 << 20);
        assert_eq!(std::fs::metadata(&last.path).unwrap().len(), OVERSIZE_PREFIX_BYTES);
    }
}
