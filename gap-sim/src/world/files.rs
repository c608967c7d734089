//! Spool, drop directories, quarantine and anchor of a host, on its simulated disk, in the steps in which the product
//! writes: beside, sync, rename, sync the directory.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use ferry_core::breaks::{self, Break};
use ferry_core::ports::{
    Anchor, AnchorStore, BatchId, FaultKind, Gate, PortError, Quarantine, QuarantineNote, Scan, Seen, Side, Spool,
};
use ferry_format::limits::FILE_NAME_BYTES_MAX;
use ferry_format::{Digest, FileName, SeqRange, StreamName, ZoneName, batch_head, inspect_batch};

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
const QUARANTINE: &str = "quarantine";
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
    /// Batches whose rows have left the archive, in that order.
    pruned: Mutex<Vec<(Side, BatchId)>>,
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

/// The directory of the heads of batches whose rows have left the archive.
#[must_use]
pub const fn head_directory(side: Side) -> &'static str {
    match side {
        Side::Out => "heads-out",
        Side::In => "heads-in",
    }
}

/// The directory of the statuses that are kept for a side.
#[must_use]
pub const fn status_directory(side: Side) -> &'static str {
    match side {
        Side::Out => "status-out",
        Side::In => "status-in",
    }
}

/// The directory of the acts that are kept for a side.
#[must_use]
pub const fn act_directory(side: Side) -> &'static str {
    match side {
        Side::Out => "acts-out",
        Side::In => "acts-in",
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
        Self { disk, ids: Mutex::default(), pruned: Mutex::default() }
    }

    /// Batches whose rows have left the archive since so many had, in that order.
    #[must_use]
    pub fn pruned_since(&self, count: usize) -> Vec<(Side, BatchId)> {
        let pruned = self.pruned.lock().unwrap_or_else(PoisonError::into_inner);
        assert!(count <= pruned.len(), "a spool forgets nothing that was pruned");
        pruned[count..].to_vec()
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
        let (directory, name) = (spool_directory(side), batch_name(id));
        // What a failing disk has made of a file does not bear the name that its own digest gives.
        let there = self.identify(&format!("{directory}/{name}")).filter(|other| batch_name(other) == name);
        if there.is_some_and(|other| other.digest != id.digest) {
            return Err(PortError::new(FaultKind::Conflict, "the name is another batch's"));
        }
        publish(&self.disk, directory, directory, &name, bytes).map_err(|fault| error(fault, "cannot keep"))
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

    fn find(&self, side: Side, stream: &StreamName, epoch: u64, range: SeqRange) -> Result<Vec<BatchId>, PortError> {
        let first = format!("{stream}-{epoch:08}-{:012}-", range.first);
        let last = format!("{stream}-{epoch:08}-{:012}-g", range.last);
        let mut found = BTreeSet::new();
        for directory in [spool_directory(side), archive_directory(side)] {
            let names = self.disk.list(directory).map_err(|fault| error(fault, "cannot list"))?;
            for name in names.into_iter().filter(|name| *name > first && *name < last) {
                found.extend(self.identify(&format!("{directory}/{name}")).filter(|id| batch_name(id) == name));
            }
        }
        Ok(found.into_iter().collect())
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
            let is_there =
                [to, head_directory(side)].iter().any(|one| self.disk.peek(&format!("{one}/{name}")).is_some());
            match self.disk.rename(&format!("{from}/{name}"), &format!("{to}/{name}")) {
                Err(DiskError::NotFound) if is_there => {}
                other => other.map_err(|fault| error(fault, "cannot archive"))?,
            }
        }
        for directory in [to, from] {
            self.disk.sync_directory(directory).map_err(|fault| error(fault, "cannot sync"))?;
        }
        Ok(())
    }

    fn prune(
        &self,
        side: Side,
        stream: &StreamName,
        epoch: u64,
        through: u64,
        limit: usize,
    ) -> Result<usize, PortError> {
        let (whole, heads) = (archive_directory(side), head_directory(side));
        let (first, last) = (format!("{stream}-{epoch:08}-"), format!("{stream}-{epoch:08}-{through:012}-g"));
        let names = self.disk.list(whole).map_err(|fault| error(fault, "cannot list"))?;
        let mut count = 0;
        for name in names.into_iter().filter(|name| *name > first && *name < last) {
            if count == limit {
                break;
            }
            let path = format!("{whole}/{name}");
            // One file that cannot be read must not keep the others from being cleared.
            let Ok(bytes) = self.disk.read(&path) else { continue };
            let Some(id) = self.identify(&path).filter(|id| batch_name(id) == name) else {
                self.disk.rename(&path, &format!("damaged/{name}")).map_err(|e| error(e, "cannot set aside"))?;
                continue;
            };
            let head = batch_head(&bytes).map_err(|fault| PortError::new(FaultKind::Corrupt, fault.to_string()))?;
            publish(&self.disk, heads, heads, &name, &head).map_err(|fault| error(fault, "cannot keep a head"))?;
            self.disk.remove(&path).map_err(|fault| error(fault, "cannot prune"))?;
            self.pruned.lock().unwrap_or_else(PoisonError::into_inner).push((side, id));
            count += 1;
        }
        self.disk.sync_directory(whole).map_err(|fault| error(fault, "cannot sync"))?;
        Ok(count)
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
        let directory = status_directory(side);
        publish(&self.disk, directory, directory, name, bytes).map_err(|fault| error(fault, "cannot keep a status"))
    }

    fn archive_act(&self, side: Side, digest: &Digest, bytes: &[u8]) -> Result<(), PortError> {
        let directory = act_directory(side);
        let kept = publish(&self.disk, directory, directory, &digest.to_string(), bytes);
        kept.map_err(|fault| error(fault, "cannot keep an act"))
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

    /// The path of a file of the peer.
    fn path_of(&self, name: &str) -> Result<String, PortError> {
        match self.is_for_us(name) {
            true => Ok(format!("{FROM_GATE}/{name}")),
            false => Err(PortError::new(FaultKind::Conflict, "the name is not of a file for this zone")),
        }
    }

    /// The path of a file for the peer.
    fn path_to_gate(&self, name: &str) -> Result<String, PortError> {
        match name.parse::<FileName>().is_ok_and(|name| name.from == self.zone && name.to == self.peer) {
            true => Ok(format!("{TO_GATE}/{name}")),
            false => Err(PortError::new(FaultKind::Conflict, "the name is not of a file for the peer")),
        }
    }
}

impl Gate for SimGate {
    fn publish(&self, name: &str, bytes: &[u8]) -> Result<(), PortError> {
        self.path_to_gate(name)?;
        publish(&self.disk, TEMPORARY, TO_GATE, name, bytes).map_err(|fault| error(fault, "cannot publish"))
    }

    fn withdraw(&self, name: &str) -> Result<(), PortError> {
        match self.disk.remove(&self.path_to_gate(name)?) {
            Ok(()) | Err(DiskError::NotFound) => Ok(()),
            Err(fault) => Err(error(fault, "cannot withdraw")),
        }
    }

    fn waits(&self, name: &str) -> Result<bool, PortError> {
        self.path_to_gate(name)?;
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
        match self.disk.read(&self.path_of(name)?) {
            Ok(bytes) => Ok(Some(bytes.to_vec())),
            Err(DiskError::NotFound) => Ok(None),
            Err(fault) => Err(error(fault, "cannot read")),
        }
    }

    fn remove(&self, name: &str) -> Result<(), PortError> {
        match self.disk.remove(&self.path_of(name)?) {
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
    verified: VecDeque<Kept>,
    unverified: VecDeque<Kept>,
    by_code: BTreeMap<String, u64>,
    numbers: u64,
}

#[derive(Debug)]
struct Kept {
    path: String,
    name: String,
    digest: Digest,
    note: QuarantineNote,
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
        kept.verified.iter().chain(&kept.unverified).map(|file| file.note.story.clone()).collect()
    }

    /// What is kept, the oldest first, signed files before others: where it lies, the name that it had, and why.
    #[must_use]
    pub fn kept(&self) -> Vec<(String, String, QuarantineNote)> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let files = kept.verified.iter().chain(&kept.unverified);
        files.map(|file| (file.path.clone(), file.name.clone(), file.note.clone())).collect()
    }
}

impl Quarantine for SimQuarantine {
    fn put(&self, name: &str, bytes: &[u8], note: &QuarantineNote) -> Result<(), PortError> {
        if name.is_empty() || name.len() > FILE_NAME_BYTES_MAX || name.contains(['/', '\0']) {
            return Err(PortError::new(FaultKind::Conflict, "the name is not of a file for this zone"));
        }
        let failed = |fault| error(fault, "cannot keep a refused file");
        let mut rings = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let rings = &mut *rings;
        let (ring, limit) = match note.verified {
            true => (&mut rings.verified, REFUSED_FILES_MAX),
            false => (&mut rings.unverified, UNVERIFIED_FILES_MAX),
        };
        let digest = Digest::of(&[bytes]);
        if !ring.iter().any(|kept| kept.digest == digest) {
            let file = format!("{:012}-{name}", rings.numbers + 1);
            publish(&self.disk, QUARANTINE, QUARANTINE, &file, bytes).map_err(failed)?;
            rings.numbers += 1;
            let path = format!("{QUARANTINE}/{file}");
            ring.push_back(Kept { path, name: name.to_owned(), digest, note: note.clone() });
        }
        *rings.by_code.entry(note.code.clone()).or_default() += 1;
        let oldest = if ring.len() > limit && !breaks::is(Break::RingWithoutEnd) { ring.pop_front() } else { None };
        oldest.map_or(Ok(()), |oldest| self.disk.remove(&oldest.path).map_err(failed))
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
