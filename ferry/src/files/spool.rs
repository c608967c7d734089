//! Spool and archive: batches until they are applied, and whole files as evidence afterwards.
//!
//! ```text
//! spool/<link>/<out|in>/<stream>/<name>      archive/<link>/<out|in>/<stream>/<range>/<name>
//! spool/<link>/damaged/<name>                archive/<link>/<out|in>/<stream>/heads/<range>/<name>
//!                                            archive/<link>/<out|in>/<stream>/damaged/<name>
//!                                            archive/<link>/<out|in>/status/<name>
//!                                            archive/<link>/<out|in>/acts/<digest>.act
//! ```
//!
//! A batch bears the name of its first attempt, whatever its attempt was; the extension is always the same, so a change
//! of the gate's profile moves nothing. An archive grows for years, so its batches, and the heads that they leave after their
//! time, lie in directories of ten thousand seqs each.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use ferry_core::ports::{BatchId, FaultKind, PortError, Side, Spool};
use ferry_format::limits::FILE_BYTES_MAX;
use ferry_format::{Digest, FileName, LinkId, NameKind, SeqRange, StreamName, ZoneName, batch_head, inspect_batch};

use super::durable::{self, port_error};
use super::ground::Ground;
use super::os;
use crate::config::Config;

/// The extension of files in spool and archive.
pub const SPOOL_EXTENSION: &str = "dat";
/// The extension of heads.
pub const HEAD_EXTENSION: &str = "head";
/// The extension of acts.
const ACT_EXTENSION: &str = "act";
/// Seqs of a directory of the archive: few enough to be listed at once, many enough to make few directories.
const RANGE: u64 = 10_000;
const STATUS: &str = "status";
const ACTS: &str = "acts";
const HEADS: &str = "heads";
const DAMAGED: &str = "damaged";
const NOT_ITS_NAME: &str = "its name is not its own";

/// Spool and archive of one link.
#[derive(Debug)]
pub struct SpoolDirectories {
    spool: PathBuf,
    archive: PathBuf,
    /// The directories that both lie in: without them nothing is missing, and nothing is made in their place.
    grounds: [Ground; 2],
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
            grounds: [Ground::new(&config.paths.spool), Ground::new(&config.paths.archive)],
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
        let mut waiting = Vec::new();
        for root in [&self.spool, &self.archive] {
            for side in [Side::Out, Side::In] {
                waiting.extend(subdirectories(&root.join(side_name(side)))?);
            }
        }
        let mut removed = 0;
        for stream in waiting {
            // Heads are written by way of the directory of their stream, batches from another disk in that of their range.
            let ranges = subdirectories(&stream)?.into_iter().filter(|path| !path.ends_with(HEADS));
            for directory in ranges.chain([stream.clone()]) {
                removed +=
                    durable::clean(&directory).map_err(|error| port_error("cannot clean", &directory, &error))?;
            }
        }
        Ok(removed)
    }

    /// Fails unless spool and archive are where they were at the start.
    fn stand(&self) -> Result<(), PortError> {
        for ground in &self.grounds {
            ground.check().map_err(|error| port_error("cannot use", ground.path(), &error))?;
        }
        Ok(())
    }

    /// Where a batch lies while it is in the spool.
    #[must_use]
    pub fn spool_path(&self, side: Side, id: &BatchId) -> PathBuf {
        self.spool.join(side_name(side)).join(id.stream.as_str()).join(self.name(side, id))
    }

    /// Where a batch lies after it was archived.
    #[must_use]
    pub fn archive_path(&self, side: Side, id: &BatchId) -> PathBuf {
        self.archived(side, &id.stream).join(range_name(id)).join(self.name(side, id))
    }

    /// Where the head of a batch lies after its rows have left the archive.
    #[must_use]
    pub fn head_path(&self, side: Side, id: &BatchId) -> PathBuf {
        let heads = self.archived(side, &id.stream).join(HEADS).join(range_name(id));
        heads.join(self.name_with(side, id, HEAD_EXTENSION))
    }

    /// The archive of a stream.
    fn archived(&self, side: Side, stream: &StreamName) -> PathBuf {
        self.archive.join(side_name(side)).join(stream.as_str())
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

    /// Takes the rows out of a directory of archived batches, the oldest first.
    fn prune_range(&self, side: Side, range: &Path, through: u64, limit: usize) -> Result<usize, PortError> {
        let failed = |error: io::Error| port_error("cannot prune", range, &error);
        let stream = range.parent().unwrap_or(&self.archive);
        let seq_of = |path: &PathBuf| match path.file_name()?.to_str()?.parse::<FileName>().ok()?.kind {
            NameKind::Batch { seq, .. } => Some(seq),
            NameKind::Status { .. } => None,
        };
        let listed = files(range)?.into_iter().filter_map(|path| Some((seq_of(&path)?, path)));
        let mut old: Vec<(u64, PathBuf)> = listed.filter(|(seq, _)| *seq <= through).collect();
        old.sort();
        let mut beheaded = Vec::new();
        for (_, path) in old {
            if beheaded.len() == limit {
                break;
            }
            if self.behead(side, &path)? {
                beheaded.push(path);
            }
        }
        if !beheaded.is_empty() {
            // What is on the way to the heads must be there after a power cut, whoever made it.
            durable::sync_directory(&stream.join(HEADS)).map_err(failed)?;
            durable::sync_directory(stream).map_err(failed)?;
            for path in &beheaded {
                os::remove(path).map_err(failed)?;
            }
            durable::sync_directory(range).map_err(failed)?;
        }
        Ok(beheaded.len())
    }

    /// Writes the head of an archived batch. Says whether the file was the batch that its name says.
    fn behead(&self, side: Side, path: &Path) -> Result<bool, PortError> {
        let failed = |error: io::Error| port_error("cannot prune", path, &error);
        let stream = path.parent().and_then(Path::parent).unwrap_or(&self.archive);
        let why = match self.read_whole(side, path) {
            Ok(Ok((id, bytes))) if self.archive_path(side, &id) == path => {
                let head = batch_head(&bytes).map_err(|error| PortError::new(FaultKind::Corrupt, error.to_string()))?;
                let place = self.head_path(side, &id);
                let directory = place.parent().unwrap_or(&self.archive);
                durable::create_directory(directory).map_err(failed)?;
                let name = self.name_with(side, &id, HEAD_EXTENSION);
                durable::publish_through(stream, directory, &name, &head, durable::PRIVATE).map_err(failed)?;
                return Ok(true);
            }
            Ok(Ok(_)) => NOT_ITS_NAME.to_owned(),
            Ok(Err(why)) => why,
            // One file that cannot be read must not keep the others from being cleared; it is tried again with the next ones.
            Err(error) => {
                tracing::error!(file = %path.display(), %error, "a file of the archive cannot be read, and stays");
                return Ok(false);
            }
        };
        set_aside(path, &stream.join(DAMAGED), &why)?;
        Ok(false)
    }
}

/// Sets a file aside that is not the batch that was put there.
fn set_aside(path: &Path, damaged: &Path, why: &str) -> Result<(), PortError> {
    let failed = |error: io::Error| port_error("cannot set aside", path, &error);
    durable::create_directory(damaged).map_err(failed)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let mut number = 1_u64;
    let mut place = damaged.join(format!("{number}-{name}"));
    while os::exists(&place).map_err(failed)? {
        number += 1;
        place = damaged.join(format!("{number}-{name}"));
    }
    tracing::error!(file = %path.display(), moved_to = %place.display(), why, "a file is damaged");
    durable::relocate(path, &place).map_err(failed)?;
    durable::sync_directory(damaged).map_err(failed)
}

/// Removes a directory in which nothing is left.
fn remove_empty(directory: &Path) -> Result<(), PortError> {
    match os::remove_directory(directory) {
        Ok(()) => {
            let parent = directory.parent().unwrap_or_else(|| Path::new("/"));
            durable::sync_directory(parent).map_err(|error| port_error("cannot sync", parent, &error))
        }
        Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => Ok(()),
        Err(error) => Err(port_error("cannot remove", directory, &error)),
    }
}

/// The directory of the archive in which a batch lies.
fn range_name(id: &BatchId) -> String {
    range_directory(id.epoch, id.seq - id.seq % RANGE)
}

fn range_directory(epoch: u64, start: u64) -> String {
    format!("{epoch:08}-{start:012}")
}

impl Spool for SpoolDirectories {
    fn put(&self, side: Side, id: &BatchId, bytes: &[u8]) -> Result<(), PortError> {
        self.stand()?;
        let path = self.spool_path(side, id);
        let failed = |error: io::Error| port_error("cannot keep", &path, &error);
        let directory = path.parent().unwrap_or(&self.spool);
        durable::create_directory(directory).map_err(failed)?;
        if os::exists(&path).map_err(failed)?
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
        self.stand()?;
        let name = self.name(side, id);
        let head = self.head_path(side, id);
        let text = match os::exists(&head).map_err(|error| port_error("cannot look at", &head, &error))? {
            true => format!("the rows of {name} have left the archive; only its head is kept"),
            false => format!("{name} is neither in the spool nor in the archive"),
        };
        Err(PortError::new(FaultKind::Corrupt, text))
    }

    fn find(&self, side: Side, stream: &StreamName, epoch: u64, range: SeqRange) -> Result<Vec<BatchId>, PortError> {
        self.stand()?;
        let mut directories = vec![self.spool.join(side_name(side)).join(stream.as_str())];
        let archived = self.archived(side, stream);
        let first = range.first - range.first % RANGE;
        let starts = (first..=range.last).step_by(usize::try_from(RANGE).unwrap_or(usize::MAX));
        directories.extend(starts.map(|start| archived.join(range_directory(epoch, start))));
        let is_meant = |path: &PathBuf| {
            let name = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.parse::<FileName>().ok());
            name.is_some_and(|name| match name.kind {
                NameKind::Batch { epoch: of, seq, .. } => of == epoch && (range.first..=range.last).contains(&seq),
                NameKind::Status { .. } => false,
            })
        };
        let mut found = BTreeSet::new();
        for directory in directories {
            for path in files(&directory)?.into_iter().filter(is_meant) {
                match self.read_whole(side, &path) {
                    Ok(Ok((id, _))) if path.ends_with(self.name(side, &id)) => _ = found.insert(id),
                    Ok(Ok(_)) => tracing::warn!(file = %path.display(), why = NOT_ITS_NAME, "passed over"),
                    Ok(Err(why)) => tracing::warn!(file = %path.display(), why, "passed over"),
                    Err(error) => tracing::warn!(file = %path.display(), %error, "passed over"),
                }
            }
        }
        Ok(found.into_iter().collect())
    }

    fn list(&self, side: Side) -> Result<Vec<BatchId>, PortError> {
        self.stand()?;
        let mut found = Vec::new();
        for directory in subdirectories(&self.spool.join(side_name(side)))? {
            for path in files(&directory)? {
                match self.identify(side, &path)? {
                    Ok(id) => found.push(id),
                    Err(why) => set_aside(&path, &self.spool.join(DAMAGED), &why)?,
                }
            }
            durable::sync_directory(&directory).map_err(|error| port_error("cannot sync", &directory, &error))?;
        }
        found.sort();
        Ok(found)
    }

    fn archive(&self, side: Side, ids: &[BatchId]) -> Result<(), PortError> {
        self.stand()?;
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
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    let head = self.head_path(side, id);
                    if os::exists(&to).map_err(failed)? || os::exists(&head).map_err(failed)? {
                        continue;
                    }
                    let text = format!("{} is neither in the spool nor in the archive", from.display());
                    return Err(PortError::new(FaultKind::Corrupt, text));
                }
                Err(error) => return Err(failed(error)),
            }
        }
        for directory in &touched {
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
        self.stand()?;
        let stream = self.archived(side, stream);
        let first_of = |path: &PathBuf| {
            let name = path.file_name()?.to_str()?.strip_prefix(&format!("{epoch:08}-"))?;
            name.parse::<u64>().ok().filter(|first| *first <= through)
        };
        let found = subdirectories(&stream)?.into_iter().filter_map(|path| Some((first_of(&path)?, path)));
        let mut ranges: Vec<(u64, PathBuf)> = found.collect();
        ranges.sort();
        let mut count = 0;
        for (first, range) in ranges {
            if count == limit {
                break;
            }
            count += self.prune_range(side, &range, through, limit - count)?;
            // Nothing is added any more to a range that lies below.
            if first + RANGE <= through {
                remove_empty(&range)?;
            }
        }
        Ok(count)
    }

    fn discard(&self, side: Side, id: &BatchId) -> Result<(), PortError> {
        self.stand()?;
        let path = self.spool_path(side, id);
        let failed = |error: io::Error| port_error("cannot discard", &path, &error);
        match os::remove(&path) {
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
        self.stand()?;
        let directory = self.archive.join(side_name(side)).join(STATUS);
        let kept = durable::create_directory(&directory).and_then(|()| durable::publish(&directory, name, bytes));
        kept.map_err(|error| port_error("cannot keep a status in", &directory, &error))
    }

    fn archive_act(&self, side: Side, digest: &Digest, bytes: &[u8]) -> Result<(), PortError> {
        self.stand()?;
        let directory = self.archive.join(side_name(side)).join(ACTS);
        let name = format!("{digest}.{ACT_EXTENSION}");
        let kept = durable::create_directory(&directory).and_then(|()| durable::publish(&directory, &name, bytes));
        kept.map_err(|error| port_error("cannot keep an act in", &directory, &error))
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
    let listed = match os::list(directory) {
        Ok(listed) => listed,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    let mut found = Vec::new();
    for entry in listed {
        let entry = entry.map_err(failed)?;
        let unfinished = entry.name().to_str().is_some_and(durable::is_temporary);
        if !unfinished && wanted(&entry.kind().map_err(failed)?) {
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
