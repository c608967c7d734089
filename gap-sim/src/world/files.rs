//! Spool, drop directories, quarantine and anchor of a host, on its simulated disk, in the steps in which the product
//! writes: beside, sync, rename, sync the directory.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use ferry_core::breaks::{self, Break};
use ferry_core::ports::{
    Anchor, AnchorStore, BatchId, FaultKind, Gate, PortError, Quarantine, QuarantineNote, Scan, Seen, Side, Spool,
};
use ferry_format::{FileName, ZoneName, inspect_batch};

use super::disk::{Disk, DiskError};

/// Files that no trusted key signed and that are kept; the oldest make room.
pub const UNVERIFIED_FILES_MAX: usize = 64;
/// Refused files that are kept; the oldest make room.
pub const REFUSED_FILES_MAX: usize = 256;

/// Where files on their way lie.
pub const TO_GATE: &str = "to-gate";
/// Where files of the peer appear.
pub const FROM_GATE: &str = "from-gate";
const TEMPORARY: &str = "temporary";
/// The directory of the anchor.
pub const STATE: &str = "state";

fn error(fault: DiskError, what: &str) -> PortError {
    let kind = match fault {
        DiskError::NotFound => FaultKind::Corrupt,
        DiskError::Full => FaultKind::Full,
        DiskError::Io | DiskError::Stopped => FaultKind::Transient,
    };
    PortError::new(kind, format!("{what}: {fault:?}"))
}

/// Writes a file so that it is there whole after any power cut, or not at all.
fn publish(disk: &Disk, through: &str, directory: &str, name: &str, bytes: &[u8]) -> Result<(), DiskError> {
    let beside = format!("{through}/.{name}.tmp");
    disk.write(&beside, Arc::new(bytes.to_vec()))?;
    disk.sync_file(&beside)?;
    disk.rename(&beside, &format!("{directory}/{name}"))?;
    disk.sync_directory(directory)
}

fn is_temporary(name: &str) -> bool {
    name.starts_with('.')
}

/// The durable batches of a host.
#[derive(Debug)]
pub struct SimSpool {
    disk: Arc<Disk>,
    ids: Mutex<BTreeMap<String, BatchId>>,
}

/// The directory of the spool for a side.
#[must_use]
pub const fn spool_directory(side: Side) -> &'static str {
    match side {
        Side::Out => "spool-out",
        Side::In => "spool-in",
    }
}

/// The directory of the archive for a side.
#[must_use]
pub const fn archive_directory(side: Side) -> &'static str {
    match side {
        Side::Out => "archive-out",
        Side::In => "archive-in",
    }
}

/// The name of a batch in spool and archive.
#[must_use]
pub fn batch_name(id: &BatchId) -> String {
    format!("{}-{:08}-{:012}-{}", id.stream, id.epoch, id.seq, id.digest.short())
}

impl SimSpool {
    /// The spool on a disk.
    #[must_use]
    pub fn new(disk: Arc<Disk>) -> Self {
        Self { disk, ids: Mutex::default() }
    }

    /// What a file of the spool is, read from its own header.
    fn identify(&self, path: &str) -> Option<BatchId> {
        let bytes = self.disk.peek(path)?;
        let read = inspect_batch(&bytes).ok()?;
        let id = BatchId::of(&read.statement, read.digest);
        self.ids.lock().unwrap_or_else(PoisonError::into_inner).insert(path.to_owned(), id.clone());
        Some(id)
    }
}

impl Spool for SimSpool {
    fn put(&self, side: Side, id: &BatchId, bytes: &[u8]) -> Result<(), PortError> {
        let directory = spool_directory(side);
        publish(&self.disk, directory, directory, &batch_name(id), bytes).map_err(|fault| error(fault, "cannot keep"))
    }

    fn get(&self, side: Side, id: &BatchId) -> Result<Vec<u8>, PortError> {
        for directory in [spool_directory(side), archive_directory(side)] {
            let bytes = match self.disk.read(&format!("{directory}/{}", batch_name(id))) {
                Ok(bytes) => bytes,
                Err(DiskError::NotFound) => continue,
                Err(fault) => return Err(error(fault, "cannot read")),
            };
            if inspect_batch(&bytes).is_ok_and(|read| read.digest == id.digest) {
                return Ok(bytes.to_vec());
            }
            return Err(PortError::new(FaultKind::Corrupt, "the file is damaged"));
        }
        Err(PortError::new(FaultKind::Corrupt, "the file is neither in the spool nor in the archive"))
    }

    fn list(&self, side: Side) -> Result<Vec<BatchId>, PortError> {
        let directory = spool_directory(side);
        let names = self.disk.list(directory).map_err(|fault| error(fault, "cannot list"))?;
        let mut found = Vec::new();
        for name in names {
            let path = format!("{directory}/{name}");
            if is_temporary(&name) {
                // What an interrupted write left.
                self.disk.remove(&path).map_err(|fault| error(fault, "cannot clean"))?;
                continue;
            }
            match self.identify(&path).filter(|id| batch_name(id) == name) {
                Some(id) => found.push(id),
                None => {
                    self.disk.rename(&path, &format!("damaged/{name}")).map_err(|e| error(e, "cannot set aside"))?
                }
            }
        }
        self.disk.sync_directory(directory).map_err(|fault| error(fault, "cannot sync"))?;
        found.sort();
        Ok(found)
    }

    fn archive(&self, side: Side, ids: &[BatchId]) -> Result<(), PortError> {
        let (from, to) = (spool_directory(side), archive_directory(side));
        for id in ids {
            let name = batch_name(id);
            match self.disk.rename(&format!("{from}/{name}"), &format!("{to}/{name}")) {
                Err(DiskError::NotFound) if self.disk.peek(&format!("{to}/{name}")).is_some() => {}
                other => other.map_err(|fault| error(fault, "cannot archive"))?,
            }
        }
        for directory in [to, from] {
            self.disk.sync_directory(directory).map_err(|fault| error(fault, "cannot sync"))?;
        }
        Ok(())
    }

    fn discard(&self, side: Side, id: &BatchId) -> Result<(), PortError> {
        let directory = spool_directory(side);
        match self.disk.remove(&format!("{directory}/{}", batch_name(id))) {
            Ok(()) => self.disk.sync_directory(directory).map_err(|fault| error(fault, "cannot sync")),
            Err(DiskError::NotFound) => Ok(()),
            Err(fault) => Err(error(fault, "cannot discard")),
        }
    }

    fn archive_status(&self, side: Side, name: &str, bytes: &[u8]) -> Result<(), PortError> {
        let directory = match side {
            Side::Out => "status-out",
            Side::In => "status-in",
        };
        publish(&self.disk, directory, directory, name, bytes).map_err(|fault| error(fault, "cannot keep a status"))
    }
}

/// The pair of drop directories of a host.
#[derive(Debug)]
pub struct SimGate {
    disk: Arc<Disk>,
    zone: ZoneName,
    peer: ZoneName,
}

impl SimGate {
    /// The drop directories on a disk.
    #[must_use]
    pub fn new(disk: Arc<Disk>, zone: ZoneName, peer: ZoneName) -> Self {
        Self { disk, zone, peer }
    }

    fn is_for_us(&self, name: &str) -> bool {
        name.parse::<FileName>().is_ok_and(|name| name.from == self.peer && name.to == self.zone)
    }
}

impl Gate for SimGate {
    fn publish(&self, name: &str, bytes: &[u8]) -> Result<(), PortError> {
        publish(&self.disk, TEMPORARY, TO_GATE, name, bytes).map_err(|fault| error(fault, "cannot publish"))
    }

    fn withdraw(&self, name: &str) -> Result<(), PortError> {
        match self.disk.remove(&format!("{TO_GATE}/{name}")) {
            Ok(()) | Err(DiskError::NotFound) => Ok(()),
            Err(fault) => Err(error(fault, "cannot withdraw")),
        }
    }

    fn waits(&self, name: &str) -> Result<bool, PortError> {
        let names = self.disk.list(TO_GATE).map_err(|fault| error(fault, "cannot look"))?;
        Ok(names.iter().any(|one| one == name))
    }

    fn scan(&self, limit: usize) -> Result<Scan, PortError> {
        let names = self.disk.list(FROM_GATE).map_err(|fault| error(fault, "cannot look"))?;
        let (ours, foreign): (Vec<String>, Vec<String>) = names.into_iter().partition(|name| self.is_for_us(name));
        let more = ours.len() > limit;
        let seen = |name: String| {
            let bytes = self.disk.peek(&format!("{FROM_GATE}/{name}"))?.len();
            Some(Seen { name, bytes: u64::try_from(bytes).unwrap_or(u64::MAX) })
        };
        let files = ours.into_iter().take(limit).filter_map(seen).collect();
        Ok(Scan { files, foreign: u64::try_from(foreign.len()).unwrap_or(u64::MAX), more })
    }

    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, PortError> {
        match self.disk.read(&format!("{FROM_GATE}/{name}")) {
            Ok(bytes) => Ok(Some(bytes.to_vec())),
            Err(DiskError::NotFound) => Ok(None),
            Err(fault) => Err(error(fault, "cannot read")),
        }
    }

    fn remove(&self, name: &str) -> Result<(), PortError> {
        match self.disk.remove(&format!("{FROM_GATE}/{name}")) {
            Ok(()) | Err(DiskError::NotFound) => Ok(()),
            Err(fault) => Err(error(fault, "cannot remove")),
        }
    }
}

/// Refused files of a host with their reasons: two rings, so that what nobody signed cannot push out what somebody did.
#[derive(Debug)]
pub struct SimQuarantine {
    disk: Arc<Disk>,
    kept: Mutex<Rings>,
}

#[derive(Debug, Default)]
struct Rings {
    verified: VecDeque<(String, QuarantineNote)>,
    unverified: VecDeque<(String, QuarantineNote)>,
    by_code: BTreeMap<String, u64>,
}

impl SimQuarantine {
    /// The quarantine on a disk.
    #[must_use]
    pub fn new(disk: Arc<Disk>) -> Self {
        Self { disk, kept: Mutex::default() }
    }

    /// How many files are kept: signed ones, others.
    #[must_use]
    pub fn sizes(&self) -> (usize, usize) {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        (kept.verified.len(), kept.unverified.len())
    }

    /// How many files were ever put here under a code.
    #[must_use]
    pub fn count(&self, code: &str) -> u64 {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).by_code.get(code).copied().unwrap_or(0)
    }

    /// The reasons kept at the moment.
    #[must_use]
    pub fn stories(&self) -> Vec<String> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.verified.iter().chain(&kept.unverified).map(|(_, note)| note.story.clone()).collect()
    }
}

impl Quarantine for SimQuarantine {
    fn put(&self, name: &str, bytes: &[u8], note: &QuarantineNote) -> Result<(), PortError> {
        let failed = |fault| error(fault, "cannot keep a refused file");
        publish(&self.disk, "quarantine", "quarantine", name, bytes).map_err(failed)?;
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        *kept.by_code.entry(note.code.clone()).or_default() += 1;
        let (ring, limit) = match note.verified {
            true => (&mut kept.verified, REFUSED_FILES_MAX),
            false => (&mut kept.unverified, UNVERIFIED_FILES_MAX),
        };
        ring.retain(|(one, _)| one != name);
        ring.push_back((name.to_owned(), note.clone()));
        let oldest = if ring.len() > limit && !breaks::is(Break::RingWithoutEnd) { ring.pop_front() } else { None };
        let still_named =
            |rings: &Rings, name: &str| rings.verified.iter().chain(&rings.unverified).any(|(one, _)| one == name);
        if let Some((oldest, _)) = oldest.filter(|(oldest, _)| !still_named(&kept, oldest)) {
            self.disk.remove(&format!("quarantine/{oldest}")).map_err(failed)?;
        }
        Ok(())
    }
}

/// The anchor of a host: the newest that was saved, if the disk still has it.
#[derive(Debug)]
pub struct SimAnchor {
    disk: Arc<Disk>,
    /// Anchors by the bytes that stand for them; the file's own format is the appliance's.
    saved: Mutex<BTreeMap<Vec<u8>, Anchor>>,
}

/// The path of the anchor.
pub const ANCHOR: &str = "state/anchor";

impl SimAnchor {
    /// The anchor on a disk.
    #[must_use]
    pub fn new(disk: Arc<Disk>) -> Self {
        Self { disk, saved: Mutex::default() }
    }

    fn saved(&self) -> std::sync::MutexGuard<'_, BTreeMap<Vec<u8>, Anchor>> {
        self.saved.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AnchorStore for SimAnchor {
    fn save(&self, anchor: &Anchor) -> Result<(), PortError> {
        let bytes = format!("{anchor:?}").into_bytes();
        self.saved().insert(bytes.clone(), anchor.clone());
        publish(&self.disk, STATE, STATE, "anchor", &bytes).map_err(|fault| error(fault, "cannot save the anchor"))
    }

    fn load(&self) -> Result<Option<Anchor>, PortError> {
        match self.disk.read(ANCHOR) {
            Err(DiskError::NotFound) => Ok(None),
            Err(fault) => Err(error(fault, "cannot read the anchor")),
            Ok(bytes) => match self.saved().get(bytes.as_slice()) {
                Some(anchor) => Ok(Some(anchor.clone())),
                None => Err(PortError::new(FaultKind::Corrupt, "the anchor is damaged")),
            },
        }
    }
}
