//! Which batch is meant: a place in a stream, the beginning of a digest, a file name or a path.

use std::fs;
use std::path::{Path, PathBuf};

use ferry_core::ports::{BatchId, Direction};
use ferry_format::{Digest, FileName, NameKind, StreamName};

use super::desk::{Desk, unread};
use crate::files::SpoolDirectories;
use crate::lang::Text;
use crate::store::BatchRow;
use crate::{ExitCode, Fault, text};

/// How a batch was named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Named {
    /// By its place; without an epoch the highest that has it.
    Place {
        /// The stream.
        stream: StreamName,
        /// The seq.
        seq: u64,
    },
    /// By the first digits of its statement digest.
    Digest(String),
    /// By a file.
    File(PathBuf),
}

/// A batch that was found, or a place where one could be.
#[derive(Debug)]
pub struct Found {
    /// Which way its stream runs.
    pub direction: Direction,
    /// The stream.
    pub stream: StreamName,
    /// The epoch.
    pub epoch: u64,
    /// The seq.
    pub seq: u64,
    /// What the books say of it.
    pub row: Option<BatchRow>,
    /// Its file in spool or archive, or its head.
    pub file: Option<PathBuf>,
}

/// Fewer digits of a digest would often mean several batches.
const DIGEST_DIGITS_MIN: usize = 6;
/// One more than is needed to see that digits are too few.
const MATCHES_MAX: u64 = 2;

/// Reads how a batch was named.
///
/// # Errors
/// When it is none of the ways.
pub fn parse(name: &str) -> Result<Named, Fault> {
    if let Some((stream, seq)) = name.split_once(['/', ':'])
        && let (Ok(stream), Ok(seq)) = (stream.parse::<StreamName>(), seq.parse::<u64>())
    {
        return Ok(Named::Place { stream, seq });
    }
    let path = Path::new(name);
    if path.is_file() {
        return Ok(Named::File(path.to_owned()));
    }
    let last = path.file_name().and_then(|last| last.to_str()).unwrap_or_default();
    if let Ok(FileName { kind: NameKind::Batch { stream, seq, .. }, .. }) = last.parse() {
        return Ok(Named::Place { stream, seq });
    }
    let hex = name.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if hex && name.len() >= DIGEST_DIGITS_MIN {
        return Ok(Named::Digest(name.to_owned()));
    }
    Err(Fault::new(
        "bad-batch",
        ExitCode::Usage,
        text!("{name} does not name a batch", "{name} 不是批次的写法"),
        Text::fixed(
            "write stream/seq (confirm/42), at least 6 digits of a digest, a file name or a path",
            "请写成 流/序号（如 confirm/42）、至少 6 位的摘要、文件名或文件路径",
        ),
    ))
}

/// Looks a place up, in the books and among the files.
///
/// # Errors
/// When the stream is none of this zone's, or the books cannot be read.
pub fn at(desk: &Desk, stream: &StreamName, seq: u64) -> Result<Found, Fault> {
    for direction in [Direction::Out, Direction::In] {
        if let Some(row) = desk.books.batch(direction, stream, seq).map_err(unread)? {
            return Ok(of_row(desk, row));
        }
    }
    let states = desk.books.stream_states().map_err(unread)?;
    let known = states.iter().find(|state| state.stream == *stream).map(|state| (state.direction, state.epoch));
    let contracts = desk.books.contracts().map_err(unread)?;
    let agreed = contracts.iter().find(|part| part.stream == *stream).map(|part| (part.direction, 0));
    let (direction, epoch) = known.or(agreed).ok_or_else(|| no_stream(stream))?;
    let file = file_at(desk, direction, stream, seq);
    Ok(Found { direction, stream: stream.clone(), epoch, seq, row: None, file })
}

/// Looks the beginning of a digest up.
///
/// # Errors
/// When none or several begin so.
pub fn with_digest(desk: &Desk, prefix: &str) -> Result<Found, Fault> {
    let mut rows = desk.books.batches_by_digest(prefix, MATCHES_MAX).map_err(unread)?;
    match (rows.pop(), rows.is_empty()) {
        (Some(row), true) => Ok(of_row(desk, row)),
        (Some(_), false) => Err(Fault::new(
            "ambiguous-digest",
            ExitCode::NotFound,
            text!("several batches have a digest that begins with {prefix}", "有多个批次的摘要以 {prefix} 开头"),
            Text::fixed("give more digits", "请给出更多位数"),
        )),
        (None, _) => Err(not_found(&text!(
            "no batch in the books has a digest that begins with {prefix}",
            "登记中没有摘要以 {prefix} 开头的批次"
        ))),
    }
}

/// The failure of a search.
pub fn not_found(message: &Text) -> Fault {
    let next = Text::fixed(
        "`ferry queue` lists what waits, `ferry status` how far every stream is",
        "`ferry queue` 列出等待中的批次，`ferry status` 显示各流进度",
    );
    Fault::new("no-such-batch", ExitCode::NotFound, message.clone(), next)
}

/// The failure when a stream is none of this zone's.
pub fn no_stream(stream: &StreamName) -> Fault {
    Fault::new(
        "no-such-stream",
        ExitCode::NotFound,
        text!("this zone has no stream {stream}", "本区没有流 {stream}"),
        Text::fixed("`ferry status` lists the streams", "`ferry status` 列出全部流"),
    )
}

fn of_row(desk: &Desk, row: BatchRow) -> Found {
    let id = BatchId { stream: row.stream.clone(), epoch: row.epoch, seq: row.seq, digest: row.digest };
    let directories = SpoolDirectories::new(&desk.config);
    let side = row.direction.side();
    let places =
        [directories.spool_path(side, &id), directories.archive_path(side, &id), directories.head_path(side, &id)];
    let file = places.into_iter().find(|path| path.is_file());
    let (direction, stream, epoch, seq) = (row.direction, row.stream.clone(), row.epoch, row.seq);
    Found { direction, stream, epoch, seq, row: Some(row), file }
}

/// A file for a place that is not in the books: one that is held before its turn.
fn file_at(desk: &Desk, direction: Direction, stream: &StreamName, seq: u64) -> Option<PathBuf> {
    let any = BatchId { stream: stream.clone(), epoch: 1, seq, digest: Digest([0; 32]) };
    let directory = SpoolDirectories::new(&desk.config).spool_path(direction.side(), &any);
    let mut paths: Vec<PathBuf> = fs::read_dir(directory.parent()?).ok()?.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    paths.into_iter().rev().find(|path| {
        let name = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.parse::<FileName>().ok());
        name.is_some_and(|name| matches!(name.kind, NameKind::Batch { seq: of, .. } if of == seq))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_way_of_naming_a_batch_is_read() {
        let place = Named::Place { stream: "confirm".parse().unwrap(), seq: 42 };
        assert_eq!(parse("confirm/42"), Ok(place.clone()));
        assert_eq!(parse("confirm:42"), Ok(place.clone()));
        let name = "f1-outer-inner-confirm-00000001-000000000042-a3-0123abcd.dat";
        assert_eq!(parse(name), Ok(place.clone()));
        assert_eq!(parse(&format!("elsewhere/{name}")), Ok(place));
        assert_eq!(parse("0123ab"), Ok(Named::Digest("0123ab".to_owned())));
        for wrong in ["", "0123a", "confirm", "confirm/x", "Confirm/1", "0123AB"] {
            assert_eq!(parse(wrong).unwrap_err().exit, ExitCode::Usage, "{wrong}");
        }
    }
}
