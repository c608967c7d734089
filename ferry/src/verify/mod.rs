//! The verification of archives with public keys alone: files in, a list of every fault out.
//!
//! `walk` lists the files, `read` judges one file at a time on several threads, `evidence` keeps what a good
//! file proves (less than 400 bytes a file, so a hundred thousand files fit anywhere), and when all are read `chain`,
//! `marks`, `statuses` and `audit` judge them together; `standing` knows which of several statements of a place was applied.
//! Nothing here decrypts, and nothing needs a database.

mod audit;
mod chain;
mod evidence;
mod finding;
mod marks;
mod read;
mod report;
mod sentences;
mod standing;
mod statuses;
mod trusted;
mod walk;

use std::num::NonZero;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use ferry_format::{LinkId, TrustStore};

use crate::Fault;
use evidence::Evidence;
use read::{Piece, Reader};
use walk::Files;

pub use finding::{Finding, FindingCode, Place};
pub use report::{Counts, KeyLine, Report, StatusLine, StreamLine};
pub use sentences::{chinese_of_code, format_error};
pub use trusted::load as load_trust;

/// What is to be verified, and against which keys.
#[derive(Debug)]
pub struct Request<'a> {
    /// Files and directories.
    pub paths: &'a [PathBuf],
    /// Whose signatures count.
    pub trust: &'a TrustStore,
    /// Accept this link only.
    pub link: Option<LinkId>,
    /// The files are known to be a part of an archive: what lies before and after them is not looked for.
    pub partial: bool,
}

/// Told how many files were read, of how many.
pub type Progress<'a> = &'a dyn Fn(usize, usize);

/// How many files are read before their results are taken over in order: enough to keep the threads busy, few enough
/// to hold in memory.
const ROUND_FILES: usize = 512;

/// Reads everything and judges it.
///
/// # Errors
/// When a path that was named does not exist. What is wrong with a file is a finding, not an error.
pub fn verify(request: &Request<'_>, progress: Progress<'_>) -> Result<Report, Fault> {
    let files = walk::list(request.paths)?;
    let reader = Reader::new(request.trust, request.link.clone());
    let mut evidence = Evidence::default();
    let mut start = 0;
    while start < files.len() {
        let end = files.len().min(start + ROUND_FILES);
        for (index, piece) in read_round(&files, &reader, start, end) {
            evidence.take(&files, index, piece);
        }
        progress(end, files.len());
        start = end;
    }
    Ok(report::conclude(request, &files, &reader, evidence))
}

/// Reads the files from `start` to `end` on all threads; the results come back in the order of the files.
fn read_round(files: &Files, reader: &Reader<'_>, start: usize, end: usize) -> Vec<(usize, Piece)> {
    let next = AtomicUsize::new(start);
    let work = || {
        let mut done = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= end {
                return done;
            }
            done.push((index, reader.read(&files.path(index))));
        }
    };
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    let mut pieces: Vec<(usize, Piece)> = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let join = |worker: thread::ScopedJoinHandle<'_, Vec<(usize, Piece)>>| {
            worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        workers.into_iter().flat_map(join).collect()
    });
    pieces.sort_by_key(|(index, _)| *index);
    pieces
}
