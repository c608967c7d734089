//! A zone's own program: a thread that changes papers without a pause worth the name, so that every kill meets work.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use gap_sim::prng::Prng;

use super::papers::{Numbers, Papers};
use crate::demo::clock::rest;
use crate::demo::database::Database;
use crate::demo::writer::write;

/// Between two transactions: the daemons under test need the processors too.
const REST_MS: u64 = 15;

/// A writer that runs, until it is stopped or dropped.
pub struct Writer {
    thread: Option<JoinHandle<u64>>,
    stop: Arc<AtomicBool>,
}

impl Writer {
    /// Starts to change the papers of a zone.
    #[must_use]
    pub fn start(database: PathBuf, mut papers: Vec<Papers>, seed: u64) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let asked = stop.clone();
        let work = move || {
            let mut database = Database::open(&database).expect("the zone has a database");
            let (mut prng, mut numbers, mut transactions) = (Prng::new(seed), Numbers::default(), 0);
            while !asked.load(Ordering::Relaxed) {
                for papers in &mut papers {
                    transactions += u64::from(change(&mut database, papers, &mut prng, &mut numbers));
                }
                rest(REST_MS);
            }
            database.close();
            transactions
        };
        let thread = std::thread::Builder::new().name("papers".to_owned()).spawn(work).expect("there is a thread");
        Self { thread: Some(thread), stop }
    }

    /// Stops after the transaction in hand. Returns how many were committed.
    pub fn stop(mut self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        let thread = self.thread.take().expect("it is taken once");
        thread.join().expect("the writer ends in order")
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // The test has failed for another reason by now.
            let _ = thread.join();
        }
    }
}

/// Commits one transaction, if a paper is free.
fn change(database: &mut Database, papers: &mut Papers, prng: &mut Prng, numbers: &mut Numbers) -> bool {
    let cut = "SELECT through_id FROM ferry_stream_out WHERE stream = ?1";
    let cut = database.number(cut, &[papers.stream]).expect("the zone owns the stream");
    let changes = papers.draw(prng, cut, numbers);
    if changes.is_empty() {
        return false;
    }
    write(database, &changes).expect("the database takes the rows");
    // Nobody else adds to the outbox.
    let last = "SELECT seq FROM sqlite_sequence WHERE name = \
        (SELECT outbox FROM ferry_stream_out WHERE stream = ?1)";
    papers.committed(database.number(last, &[papers.stream]).expect("the outbox has had a row"));
    true
}
