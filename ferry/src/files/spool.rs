//! Spool and archive: batches until they are applied, and whole files as evidence afterwards.
//!
//! ```text
//! spool/<link>/<out|in>/<stream>/<name>      archive/<link>/<out|in>/<stream>/<name>
//! spool/<link>/damaged/<name>                archive/<link>/<out|in>/status/<name>
//!                                            archive/<link>/<out|in>/<stream>/heads/<range>/<name>
//! ```
//!
//! A batch that has been in the archive long enough leaves its head there. Heads are kept for years, so they lie in
//! directories of ten thousand seqs each; what is kept for a time only lies in one.
//! A batch bears the name of its first attempt, whatever its attempt was; the extension is always the same, so a change
//! of the gate's profile moves nothing.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use ferry_core::ports::{BatchId, FaultKind, PortError, Side, Spool};
use ferry_format::limits::FILE_BYTES_MAX;
use ferry_format::{FileName, LinkId, NameKind, StreamName, ZoneName, batch_head, inspect_batch};

use super::durable::{self, port_error};
use crate::config::Config;

/// The extension of files in spool and archive.
pub const SPOOL_EXTENSION: &str = "dat";
/// The extension of heads.
pub const HEAD_EXTENSION: &str = "head";
/// Seqs of a directory of heads: few enough for any file system, many enough to make few directories.
const HEADS_OF_A_DIRECTORY: u64 = 10_000;
const STATUS: &str = "status";
const HEADS: &str = "heads";
const DAMAGED: &str = "damaged";
const NOT_ITS_NAME: &str = "its name is not its own";

/// Spool and archive of one link.
#[derive(Debug)]
pub struct SpoolDirectories {
    spool: PathBuf,
    archive: PathBuf,
    zone: ZoneName,
    peer: ZoneName,
    link: LinkId,
}

impl SpoolDirectories {
    /// Spool and archive of a configuration. Nothing is touched until it is used.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        Self {
            spool: config.paths.spool.join(config.link.as_str()),
            archive: config.paths.archive.join(config.link.as_str()),
            zone: config.zone.clone(),
            peer: config.peer.clone(),
            link: config.link.clone(),
        }
    }

    /// Removes what an interrupted process left half-written; see [`durable::clean`].
    ///
    /// # Errors
    /// When a directory cannot be read.
    pub fn clean(&self) -> Result<u64, PortError> {
        let mut removed = 0;
        for root in [&self.spool, &self.archive] {
            for side in [Side::Out, Side::In] {
                for directory in subdirectories(&root.join(side_name(side)))? {
                    removed +=
                        durable::clean(&directory).map_err(|error| port_error("cannot clean", &directory, &error))?;
                }
            }
        }
        Ok(removed)
    }

    /// Where a batch lies while it is in the spool.
    #[must_use]
    pub fn spool_path(&self, side: Side, id: &BatchId) -> PathBuf {
        self.spool.join(side_name(side)).join(id.stream.as_str()).join(self.name(side, id))
    }

    /// Where a batch lies after it was archived.
    #[must_use]
    pub fn archive_path(&self, side: Side, id: &BatchId) -> PathBuf {
        self.archive.join(side_name(side)).join(id.stream.as_str()).join(self.name(side, id))
    }

    /// Where the head of a batch lies after its rows have left the archive.
    #[must_use]
    pub fn head_path(&self, side: Side, id: &BatchId) -> PathBuf {
        let first = id.seq - id.seq % HEADS_OF_A_DIRECTORY;
        let range = format!("{:08}-{first:012}", id.epoch);
        let stream = self.archive.join(side_name(side)).join(id.stream.as_str());
        stream.join(HEADS).join(range).join(self.name_with(side, id, HEAD_EXTENSION))
    }

    /// The name of a batch: that of its first attempt.
    fn name(&self, side: Side, id: &BatchId) -> String {
        self.name_with(side, id, SPOOL_EXTENSION)
    }

    fn name_with(&self, side: Side, id: &BatchId, extension: &str) -> String {
        let (from, to) = self.zones(side);
        let kind = NameKind::Batch { stream: id.stream.clone(), epoch: id.epoch, seq: id.seq };
        let extension = extension.to_owned();
        FileName { from: from.clone(), to: to.clone(), kind, attempt: 1, digest8: id.digest.short(), extension }
            .to_string()
    }

    /// From which zone to which the files of a side go.
    fn zones(&self, side: Side) -> (&ZoneName, &ZoneName) {
        match side {
            Side::Out => (&self.zone, &self.peer),
            Side::In => (&self.peer, &self.zone),
        }
    }

    /// The batch that lies at `path` in the spool, read from its header, if it is whole and its name is its own.
    fn identify(&self, side: Side, path: &Path) -> Result<Result<BatchId, String>, PortError> {
        let known = self.read_whole(side, path)?.map(|(id, _)| id);
        Ok(known.and_then(|id| if self.spool_path(side, &id) == path { Ok(id) } else { Err(NOT_ITS_NAME.to_owned()) }))
    }

    /// The batch of this link that lies at `path`, if it is whole, with its bytes.
    #[expect(clippy::type_complexity, reason = "what cannot be read is told apart from what is no batch")]
    fn read_whole(&self, side: Side, path: &Path) -> Result<Result<(BatchId, Vec<u8>), String>, PortError> {
        let bytes = match durable::read_bounded(path, FILE_BYTES_MAX) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::FileTooLarge => return Ok(Err("it is too large".to_owned())),
            Err(error) => return Err(port_error("cannot read", path, &error)),
        };
        let read = match inspect_batch(&bytes) {
            Ok(read) => read,
            Err(error) => return Ok(Err(error.to_string())),
        };
        let statement = read.statement;
        let (from, to) = self.zones(side);
        if statement.link != self.link || statement.from != *from || statement.to != *to {
            return Ok(Err("it belongs elsewhere".to_owned()));
        }
        let id = BatchId { stream: statement.stream, epoch: statement.epoch, seq: statement.seq, digest: read.digest };
        Ok(Ok((id, bytes)))
    }

    /// Leaves the head of an archived batch in its place. Says whether the file was the batch that its name says.
    fn behead(&self, side: Side, path: &Path) -> Result<bool, PortError> {
        let failed = |error: io::Error| port_error("cannot prune", path, &error);
        let why = match self.read_whole(side, path)? {
            Ok((id, bytes)) if self.archive_path(side, &id) == path => {
                let head = batch_head(&bytes).map_err(|error| PortError::new(FaultKind::Corrupt, error.to_string()))?;
                let place = self.head_path(side, &id);
                let (stream, directory) =
                    (path.parent().unwrap_or(&self.archive), place.parent().unwrap_or(&self.archive));
                durable::create_directory(directory).map_err(failed)?;
                let name = self.name_with(side, &id, HEAD_EXTENSION);
                durable::publish_through(stream, directory, &name, &head, durable::PRIVATE).map_err(failed)?;
                std::fs::remove_file(path).map_err(failed)?;
                return Ok(true);
            }
            Ok(_) => NOT_ITS_NAME.to_owned(),
            Err(why) => why,
        };
        tracing::error!(file = %path.display(), why, "a file of the archive is damaged, and stays as it is");
        Ok(false)
    }

    /// Sets a file aside that is not the batch that was put there.
    fn set_aside(&self, path: &Path, why: &str) -> Result<(), PortError> {
        let failed = |error: io::Error| port_error("cannot set aside", path, &error);
        let damaged = self.spool.join(DAMAGED);
        durable::create_directory(&damaged).map_err(failed)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let free = (1_u32..).map(|number| damaged.join(format!("{number}-{name}"))).find(|place| !place.exists());
        let place = free.expect("a directory has fewer files than there are numbers");
        tracing::error!(file = %path.display(), moved_to = %place.display(), why, "a file of the spool is damaged");
        durable::relocate(path, &place).map_err(failed)?;
        durable::sync_directory(&damaged).map_err(failed)
    }
}

impl Spool for SpoolDirectories {
    fn put(&self, side: Side, id: &BatchId, bytes: &[u8]) -> Result<(), PortError> {
        let path = self.spool_path(side, id);
        let failed = |error: io::Error| port_error("cannot keep", &path, &error);
        let directory = path.parent().unwrap_or(&self.spool);
        durable::create_directory(directory).map_err(failed)?;
        if path.exists()
            && let Ok(other) = self.identify(side, &path)?
            && other.digest != id.digest
        {
            // Eight digits of the digest are in the name: another batch with the same ones must not be lost.
            return Err(PortError::new(FaultKind::Conflict, format!("{} is another batch", path.display())));
        }
        durable::publish(directory, &self.name(side, id), bytes).map_err(failed)
    }

    fn get(&self, side: Side, id: &BatchId) -> Result<Vec<u8>, PortError> {
        for path in [self.spool_path(side, id), self.archive_path(side, id)] {
            let bytes = match durable::read_bounded(&path, FILE_BYTES_MAX) {
                Ok(bytes) => bytes,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(port_error("cannot read", &path, &error)),
            };
            let what = inspect_batch(&bytes).map(|batch| batch.digest);
            if what.as_ref() == Ok(&id.digest) {
                return Ok(bytes);
            }
            let why = what.map_or_else(|error| error.to_string(), |_| "it is another batch".to_owned());
            return Err(PortError::new(FaultKind::Corrupt, format!("{} is damaged: {why}", path.display())));
        }
        let name = self.name(side, id);
        let text = match self.head_path(side, id).exists() {
            true => format!("the rows of {name} have left the archive; only its head is kept"),
            false => format!("{name} is neither in the spool nor in the archive"),
        };
        Err(PortError::new(FaultKind::Corrupt, text))
    }

    fn list(&self, side: Side) -> Result<Vec<BatchId>, PortError> {
        let mut found = Vec::new();
        for directory in subdirectories(&self.spool.join(side_name(side)))? {
            for path in files(&directory)? {
                match self.identify(side, &path)? {
                    Ok(id) => found.push(id),
                    Err(why) => self.set_aside(&path, &why)?,
                }
            }
            durable::sync_directory(&directory).map_err(|error| port_error("cannot sync", &directory, &error))?;
        }
        found.sort();
        Ok(found)
    }

    fn archive(&self, side: Side, ids: &[BatchId]) -> Result<(), PortError> {
        let mut touched = BTreeSet::new();
        for id in ids {
            let (from, to) = (self.spool_path(side, id), self.archive_path(side, id));
            let failed = |error: io::Error| port_error("cannot archive", &from, &error);
            let (source, target) = (from.parent().unwrap_or(&self.spool), to.parent().unwrap_or(&self.archive));
            if touched.insert(target.to_owned()) {
                durable::create_directory(target).map_err(failed)?;
            }
            match durable::relocate(&from, &to) {
                Ok(()) => _ = touched.insert(source.to_owned()),
                Err(error) if error.kind() == io::ErrorKind::NotFound && to.exists() => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    let text = format!("{} is neither in the spool nor in the archive", from.display());
                    return Err(PortError::new(FaultKind::Corrupt, text));
                }
                Err(error) => return Err(failed(error)),
            }
        }
        for directory in touched.iter().filter(|directory| directory.exists()) {
            durable::sync_directory(directory).map_err(|error| port_error("cannot sync", directory, &error))?;
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
        let directory = self.archive.join(side_name(side)).join(stream.as_str());
        let is_old = |path: &PathBuf| {
            let name = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.parse::<FileName>().ok());
            name.is_some_and(|name| match name.kind {
                NameKind::Batch { epoch: of, seq, .. } => of == epoch && seq <= through,
                NameKind::Status { .. } => false,
            })
        };
        let mut old: Vec<PathBuf> = files(&directory)?.into_iter().filter(is_old).collect();
        // Names are of one stream and epoch, and so in the order of their seqs.
        old.sort();
        let mut count = 0;
        for path in old {
            if count == limit {
                break;
            }
            count += usize::from(self.behead(side, &path)?);
        }
        if count > 0 {
            durable::sync_directory(&directory).map_err(|error| port_error("cannot sync", &directory, &error))?;
        }
        Ok(count)
    }

    fn discard(&self, side: Side, id: &BatchId) -> Result<(), PortError> {
        let path = self.spool_path(side, id);
        let failed = |error: io::Error| port_error("cannot discard", &path, &error);
        match std::fs::remove_file(&path) {
            Ok(()) => durable::sync_directory(path.parent().unwrap_or(&self.spool)).map_err(failed),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(failed(error)),
        }
    }

    fn archive_status(&self, side: Side, name: &str, bytes: &[u8]) -> Result<(), PortError> {
        let (from, to) = self.zones(side);
        let good = name
            .parse::<FileName>()
            .is_ok_and(|name| name.from == *from && name.to == *to && matches!(name.kind, NameKind::Status { .. }));
        if !good {
            return Err(PortError::new(FaultKind::Conflict, "the name is not of a status of this link"));
        }
        let directory = self.archive.join(side_name(side)).join(STATUS);
        let kept = durable::create_directory(&directory).and_then(|()| durable::publish(&directory, name, bytes));
        kept.map_err(|error| port_error("cannot keep a status in", &directory, &error))
    }
}

/// The directory of a side.
fn side_name(side: Side) -> &'static str {
    match side {
        Side::Out => "out",
        Side::In => "in",
    }
}

/// The directories in a directory; none when it is not there.
fn subdirectories(directory: &Path) -> Result<Vec<PathBuf>, PortError> {
    entries(directory, std::fs::FileType::is_dir)
}

/// The files in a directory, without unfinished ones.
fn files(directory: &Path) -> Result<Vec<PathBuf>, PortError> {
    entries(directory, std::fs::FileType::is_file)
}

fn entries(directory: &Path, wanted: fn(&std::fs::FileType) -> bool) -> Result<Vec<PathBuf>, PortError> {
    let failed = |error: io::Error| port_error("cannot read", directory, &error);
    let listed = match std::fs::read_dir(directory) {
        Ok(listed) => listed,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    let mut found = Vec::new();
    for entry in listed {
        let entry = entry.map_err(failed)?;
        let unfinished = entry.file_name().to_str().is_some_and(durable::is_temporary);
        if !unfinished && wanted(&entry.file_type().map_err(failed)?) {
            found.push(entry.path());
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::testing::{batch, zone};

    #[test]
    fn a_batch_is_kept_listed_archived_and_read_from_either_place() {
        let (_dir, config) = zone("");
        let spool = SpoolDirectories::new(&config);
        assert_eq!(spool.list(Side::In), Ok(Vec::new()));
        let made: Vec<_> = [3, 1, 2].map(|seq| batch(&config, Side::In, seq)).into();
        for (id, bytes) in &made {
            spool.put(Side::In, id, bytes).unwrap();
            spool.put(Side::In, id, bytes).unwrap();
        }
        let listed = spool.list(Side::In).unwrap();
        assert_eq!(listed.iter().map(|id| id.seq).collect::<Vec<_>>(), [1, 2, 3]);
        assert_eq!(spool.list(Side::Out), Ok(Vec::new()));
        spool.archive(Side::In, &listed[..2]).unwrap();
        spool.archive(Side::In, &listed).unwrap();
        spool.archive(Side::In, &listed).unwrap();
        assert_eq!(spool.list(Side::In), Ok(Vec::new()));
        for (id, bytes) in &made {
            assert_eq!(&spool.get(Side::In, id).unwrap(), bytes);
        }
        let path = spool.archive_path(Side::In, &made[0].0);
        let name = path.file_name().unwrap().to_str().unwrap();
        let start = "f1-outer-inner-bill-00000001-000000000003-a1-";
        assert!(name.starts_with(start) && name.ends_with(".dat"), "{name}");
    }

    #[test]
    fn a_damaged_file_is_set_aside_and_the_others_are_listed() {
        let (_dir, config) = zone("");
        let spool = SpoolDirectories::new(&config);
        let (good, bad) = (batch(&config, Side::Out, 1), batch(&config, Side::Out, 2));
        spool.put(Side::Out, &good.0, &good.1).unwrap();
        spool.put(Side::Out, &bad.0, &bad.1[..bad.1.len() - 1]).unwrap();
        assert_eq!(spool.get(Side::Out, &bad.0).unwrap_err().kind, FaultKind::Corrupt);
        assert_eq!(spool.list(Side::Out), Ok(vec![good.0]));
        assert_eq!(spool.get(Side::Out, &bad.0).unwrap_err().kind, FaultKind::Corrupt);
        assert_eq!(std::fs::read_dir(config.paths.spool.join("nontax/damaged")).unwrap().count(), 1);
        spool.put(Side::Out, &bad.0, &bad.1).unwrap();
        assert_eq!(spool.list(Side::Out).unwrap().len(), 2);
    }

    #[test]
    fn status_files_are_kept_under_their_own_names() {
        let (_dir, config) = zone("");
        let spool = SpoolDirectories::new(&config);
        let name = "f1-inner-outer-status-00000000-000000000007-a1-0123abcd.dat";
        spool.archive_status(Side::Out, name, b"status").unwrap();
        assert_eq!(std::fs::read(config.paths.archive.join("nontax/out/status").join(name)).unwrap(), b"status");
        for (side, name) in [(Side::In, name), (Side::Out, "../x"), (Side::Out, &name.replace("status", "bill"))] {
            assert_eq!(spool.archive_status(side, name, b"x").unwrap_err().kind, FaultKind::Conflict);
        }
    }

    #[test]
    fn leftovers_of_an_interrupted_process_are_removed() {
        let (_dir, config) = zone("");
        let spool = SpoolDirectories::new(&config);
        let (id, bytes) = batch(&config, Side::Out, 1);
        spool.put(Side::Out, &id, &bytes).unwrap();
        let path = spool.spool_path(Side::Out, &id);
        durable::publish(path.parent().unwrap(), "tmp-1-1", b"half").unwrap();
        assert_eq!(spool.list(Side::Out).unwrap().len(), 1);
        assert_eq!(spool.clean(), Ok(1));
        assert_eq!(spool.clean(), Ok(0));
    }
}
