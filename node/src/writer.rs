//! The one task that writes: what waits goes into one transaction, each job under a savepoint of its own.
//!
//! A job that fails or panics takes nothing with it. A transaction that cannot end, or a connection that breaks, costs its own jobs
//! and no others: the next ones get a new connection.

use std::any::Any;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

use console::Text;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions as _, Connection as _, Executor as _};
use tokio::sync::mpsc;

use crate::failure::{Failure, Kind};

/// Jobs in one transaction: a commit is worth waiting for, and one that fails should not undo much.
const TOGETHER_MAX: usize = 200;

/// How a job ended, and how its caller is told once the transaction has: with its result, or with why nothing was written.
pub(crate) struct Settled {
    pub(crate) is_done: bool,
    pub(crate) tell: Box<dyn FnOnce(Option<Failure>) + Send>,
}

/// Runs a job; without a connection it only learns that its transaction cannot be.
pub(crate) type Run = Box<
    dyn for<'c> FnOnce(Option<&'c mut SqliteConnection>) -> Pin<Box<dyn Future<Output = Settled> + Send + 'c>> + Send,
>;

pub(crate) struct Task(pub(crate) Run);

impl std::fmt::Debug for Task {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Task")
    }
}

/// The result of a future, or the failure of the node that a panic in it is.
///
/// # Errors
/// When it panics; what happened goes into the log.
pub async fn unwound<F: Future>(future: F) -> Result<F::Output, Failure> {
    let mut future = pin!(future);
    poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
        Ok(polled) => polled.map(Ok),
        Err(panic) => Poll::Ready(Err(Failure::internal(format!("a job panicked: {}", said(&*panic))))),
    })
    .await
}

/// What a panic says, where it says something.
fn said(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("it does not say why")
}

/// The writer.
pub(crate) struct Writer {
    options: SqliteConnectOptions,
    /// None after one that broke, until there is something to write.
    connection: Option<SqliteConnection>,
    is_well: Arc<AtomicBool>,
}

impl Writer {
    /// A writer on a connection, which tells by `is_well` whether it has one.
    pub(crate) fn new(options: SqliteConnectOptions, connection: SqliteConnection, is_well: Arc<AtomicBool>) -> Self {
        Self { options, connection: Some(connection), is_well }
    }

    /// One transaction after the other, until nobody can send a job any more.
    pub(crate) async fn run(mut self, mut tasks: mpsc::Receiver<Task>) {
        let mut waiting = Vec::new();
        while tasks.recv_many(&mut waiting, TOGETHER_MAX).await > 0 {
            self.together(waiting.drain(..)).await;
        }
        if let Some(connection) = self.connection
            && let Err(error) = connection.close().await
        {
            tracing::warn!(code = "database", "closing the database: {error}");
        }
    }

    async fn together(&mut self, tasks: impl Iterator<Item = Task>) {
        let mut connection = match self.begin().await {
            Ok(connection) => connection,
            Err(failure) => {
                for Task(run) in tasks {
                    (run(None).await.tell)(Some(failure.clone()));
                }
                return;
            }
        };
        let (mut settled, mut broken) = (Vec::new(), None);
        for Task(run) in tasks {
            settled.push(run_one(&mut connection, run, &mut broken).await);
        }
        if broken.is_none() {
            broken = connection.execute("COMMIT").await.err();
        }
        let failed = match broken {
            None => {
                self.connection = Some(connection);
                None
            }
            Some(error) => Some(give_up(connection, &error).await),
        };
        settled.into_iter().for_each(|one| (one.tell)(failed.clone()));
    }

    /// A connection that has begun a transaction; a new one where the last one broke.
    async fn begin(&mut self) -> Result<SqliteConnection, Failure> {
        let opened = match self.connection.take() {
            Some(connection) => Ok(connection),
            None => self.options.connect().await,
        };
        self.is_well.store(opened.is_ok(), Ordering::Relaxed);
        let mut connection = opened?;
        match connection.execute("BEGIN IMMEDIATE").await {
            Ok(_) => Ok(connection),
            Err(error) => {
                let failure = Failure::from(error);
                // Another program's transaction is no fault of this connection.
                if failure.kind == Kind::Busy {
                    self.connection = Some(connection);
                }
                Err(failure)
            }
        }
    }
}

/// Runs a job under a savepoint; once the transaction is broken the rest is told so without being tried.
async fn run_one(connection: &mut SqliteConnection, run: Run, broken: &mut Option<sqlx::Error>) -> Settled {
    if broken.is_none()
        && let Err(error) = connection.execute("SAVEPOINT job").await
    {
        *broken = Some(error);
    }
    if broken.is_some() {
        return run(None).await;
    }
    let one = run(Some(&mut *connection)).await;
    let end = if one.is_done { "RELEASE job" } else { "ROLLBACK TO job; RELEASE job" };
    if let Err(error) = connection.execute(end).await {
        *broken = Some(error);
    }
    one
}

/// Ends a transaction that cannot be committed, together with its connection, and says what that means for its jobs.
async fn give_up(mut connection: SqliteConnection, error: &sqlx::Error) -> Failure {
    let rolled_back = connection.execute("ROLLBACK").await;
    if let Err(error) = connection.close().await {
        tracing::warn!(code = "database", "closing a connection that is given up: {error}");
    }
    match rolled_back {
        Ok(_) => uncommitted(error),
        // A full disk or another program's lock makes the database roll back by itself.
        Err(_) if crate::failure::is_passing(error) => uncommitted(error),
        Err(again) => unknown(error, &again),
    }
}

/// A commit fails for all of its jobs, whatever any of them did: nothing was written, and each may be tried again.
fn uncommitted(error: &sqlx::Error) -> Failure {
    tracing::error!(code = "not-committed", "a transaction was not committed: {error}");
    Failure::new(
        Kind::Busy,
        "not-committed",
        Text::fixed("the database did not commit; nothing was written", "数据库未能提交，数据未写入"),
        Text::fixed("try again in a moment", "请稍后重试"),
    )
}

/// The transaction ended, and nothing says how: its jobs may have been written.
fn unknown(error: &sqlx::Error, again: &sqlx::Error) -> Failure {
    tracing::error!(code = "commit-unknown", "how a transaction ended is not known: {error}; rolling back: {again}");
    Failure::new(
        Kind::Busy,
        "commit-unknown",
        Text::fixed("it is not known whether this was written", "尚不确定数据是否已写入"),
        Text::fixed(
            "ask again with the same number: what was written is answered as it was, and nothing is written twice",
            "请以同一编号重新提交：已写入的按原结果答复，不会重复写入",
        ),
    )
}
