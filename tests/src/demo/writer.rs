//! The zones' own programs: threads that write rows into the zones' databases while the daemons run.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, JoinHandle};

use contract::{Change, Op, json_rows};

use super::clock::Clock;
use super::database::Database;
use super::failure::Failure;
use super::lang::text;
use super::stop::Stop;
use super::workload::Transaction;

/// What the writers have done, seen by the thread that watches.
#[derive(Debug, Default)]
pub struct Written {
    /// Rows inserted, updated or deleted, each once for every time.
    changes: AtomicU64,
    /// Updates and deletes among them.
    later: AtomicU64,
    /// When the first transaction was committed, by the clock of the run, plus one; 0 before.
    first_commit: AtomicU64,
}

impl Written {
    /// Rows inserted, updated or deleted.
    pub fn changes(&self) -> u64 {
        self.changes.load(Ordering::Relaxed)
    }

    /// Updates and deletes among them.
    pub fn later(&self) -> u64 {
        self.later.load(Ordering::Relaxed)
    }

    /// When the first transaction was committed, in milliseconds of the run; none before.
    pub fn first_commit_ms(&self) -> Option<u64> {
        self.first_commit.load(Ordering::Relaxed).checked_sub(1)
    }

    fn add(&self, changes: &[Change], now_ms: u64) {
        let count = |changes: usize| u64::try_from(changes).unwrap_or(u64::MAX);
        let later = changes.iter().filter(|change| change.op != Op::Insert).count();
        self.changes.fetch_add(count(changes.len()), Ordering::Relaxed);
        self.later.fetch_add(count(later), Ordering::Relaxed);
        // The earliest commit stays, whichever writer made it.
        let _ = self.first_commit.compare_exchange(0, now_ms + 1, Ordering::Relaxed, Ordering::Relaxed);
    }
}

/// A writer that runs.
pub struct Writer {
    thread: Option<JoinHandle<Result<(), Failure>>>,
    stop: Stop,
}

impl Writer {
    /// Starts to write into a zone's database what `work` hands over, transaction by transaction.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(
        database: PathBuf,
        work: impl FnOnce(&mut dyn FnMut(Transaction) -> Result<(), Failure>) -> Result<(), Failure> + Send + 'static,
        written: Arc<Written>,
        clock: Clock,
        stop: Stop,
    ) -> Result<Self, Failure> {
        let asked = stop.clone();
        let run = move || {
            let mut database = Database::open(&database)?;
            work(&mut |transaction| {
                asked.check()?;
                write(&mut database, &transaction)?;
                written.add(&transaction, clock.now_ms());
                Ok(())
            })?;
            database.close();
            Ok(())
        };
        let thread = thread::Builder::new().name("writer".to_owned()).spawn(run);
        let thread = thread
            .map_err(|cause| Failure::new(text!("no thread can be started: {cause}", "无法启动线程：{cause}")))?;
        Ok(Self { thread: Some(thread), stop })
    }

    /// Whether everything is written.
    ///
    /// # Errors
    /// When the writer failed.
    pub fn is_done(&mut self) -> Result<bool, Failure> {
        if self.thread.as_ref().is_some_and(|thread| !thread.is_finished()) {
            return Ok(false);
        }
        let Some(thread) = self.thread.take() else { return Ok(true) };
        match thread.join() {
            Ok(result) => result.map(|()| true),
            Err(_) => Err(Failure::new(text!("a writer broke; see above", "写入线程异常退出；请看上面的输出"))),
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if let Some(thread) = self.thread.take() {
            self.stop.ask();
            // The run has failed for another reason by now.
            let _ = thread.join();
        }
    }
}

/// Writes one transaction: consecutive changes of one kind in one statement, in the order in which they come.
///
/// # Errors
/// When the database refuses, or a change does not meet the row that it is for.
pub fn write(database: &mut Database, transaction: &[Change]) -> Result<(), Failure> {
    database.run("BEGIN IMMEDIATE", &[])?;
    for run in transaction.chunk_by(|one, next| (one.shape, one.op) == (next.shape, next.op)) {
        write_run(database, run)?;
    }
    database.run("COMMIT", &[])?;
    Ok(())
}

fn write_run(database: &mut Database, run: &[Change]) -> Result<(), Failure> {
    let Some(Change { shape, op, .. }) = run.first() else { return Ok(()) };
    let sql = match op {
        Op::Insert => shape.insert_sql(),
        Op::Update => shape.update_sql(),
        Op::Delete => shape.delete_sql(),
    };
    let rows = json_rows(run.iter().map(|change| change.cells.clone()));
    let changed = database.run(&sql, &[&rows])?;
    let expected = u64::try_from(run.len()).unwrap_or(u64::MAX);
    if changed == expected {
        return Ok(());
    }
    let table = shape.table;
    Err(Failure::new(text!(
        "{op:?} of {expected} rows of {table} changed {changed}; this is a bug of the demo",
        "对 {table} 的 {op:?} 应影响 {expected} 行，实际 {changed} 行；这是演示程序的缺陷"
    )))
}
