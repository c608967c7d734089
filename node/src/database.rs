//! The zone's database: many readers, one writer.
//!
//! What is to be written comes to one task, which takes what waits into one transaction: with a durable commit at a
//! millisecond or more, a thousand clients wait for a few commits instead of a thousand. Each job has a savepoint of its own, so
//! one that fails takes nothing with it. Nobody is answered before the commit.

use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use console::{ExitCode, Fault, Text};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions as _, Connection as _, Executor as _};
use tokio::sync::{mpsc, oneshot};

use crate::failure::Failure;
use crate::writer::{Run, Settled, Task, Writer, unwound};

/// What a job on a connection comes to.
pub type Job<'c, T> = Pin<Box<dyn Future<Output = Result<T, Failure>> + Send + 'c>>;

/// Jobs that wait for the writer; beyond them callers wait before they have a place, so memory stays bounded.
const WAITING_MAX: usize = 4_096;
/// Connections that read: more than cores are no faster.
const READERS: u32 = 8;
/// How long a statement waits for the daemon's or another program's transaction.
const BUSY: Duration = Duration::from_secs(10);
/// How long a request waits for a reader.
const READER_WAIT: Duration = Duration::from_secs(10);

/// The zone's database as a node uses it. Clones share it.
#[derive(Debug, Clone)]
pub struct Database {
    readers: SqlitePool,
    writer: mpsc::Sender<Task>,
    is_well: Arc<AtomicBool>,
}

impl Database {
    /// Opens the database of a zone, which must be there: `ferry init` makes it.
    ///
    /// # Errors
    /// When it is not there or cannot be used.
    pub async fn open(path: &Path) -> Result<Self, Fault> {
        let shown = path.display().to_string();
        if !path.exists() {
            return Err(Fault::new(
                "no-database",
                ExitCode::Database,
                console::text!("there is no database {shown}", "没有数据库 {shown}"),
                Text::fixed("make the zone first with `ferry init`", "请先用 `ferry init` 建立本区"),
            ));
        }
        let unusable = |error: sqlx::Error| {
            Fault::new(
                "database",
                ExitCode::Database,
                console::text!("the database {shown} cannot be used: {error}", "数据库 {shown} 无法使用：{error}"),
                Text::fixed(
                    "look at the path in the configuration, and at owner and mode",
                    "请检查配置中的路径及文件属主和权限",
                ),
            )
        };
        let options = options(path);
        let connection = options.connect().await.map_err(unusable)?;
        let pool = SqlitePoolOptions::new().max_connections(READERS).acquire_timeout(READER_WAIT);
        let readers = pool.connect_with(options.clone().pragma("query_only", "ON")).await.map_err(unusable)?;
        let (writer, tasks) = mpsc::channel(WAITING_MAX);
        let is_well = Arc::new(AtomicBool::new(true));
        tokio::spawn(Writer::new(options, connection, Arc::clone(&is_well)).run(tasks));
        Ok(Self { readers, writer, is_well })
    }

    /// Reads on one snapshot.
    ///
    /// # Errors
    /// What the job fails with.
    pub async fn read<T, F>(&self, job: F) -> Result<T, Failure>
    where
        F: for<'c> FnOnce(&'c mut SqliteConnection) -> Job<'c, T>,
    {
        let mut connection = self.readers.acquire().await?;
        let mut transaction = connection.begin().await?;
        let result = job(&mut transaction).await;
        transaction.rollback().await?;
        result
    }

    /// Writes in one transaction, and yields what the job yields once that is committed.
    ///
    /// # Errors
    /// What the job fails with, or why its transaction did; then nothing was written. The code `commit-unknown` alone says that it may
    /// have been.
    pub async fn write<T, F>(&self, job: F) -> Result<T, Failure>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut SqliteConnection) -> Job<'c, T> + Send + 'static,
    {
        let (answer, told) = oneshot::channel();
        let run: Run = Box::new(move |connection| {
            Box::pin(async move {
                let result = match connection {
                    Some(connection) => Some(unwound(async move { job(connection).await }).await.and_then(|done| done)),
                    None => None,
                };
                let is_done = matches!(result, Some(Ok(_)));
                let tell = Box::new(move |failed: Option<Failure>| {
                    // Whoever asked may have gone; what was written stays written.
                    drop(answer.send(match (result, failed) {
                        (Some(Err(failure)), _) | (_, Some(failure)) => Err(failure),
                        (Some(done), None) => done,
                        (None, None) => Err(Failure::internal("a job was not tried and nothing says why")),
                    }));
                });
                Settled { is_done, tell }
            })
        });
        let gone = || Failure::internal("the writer of the database has ended");
        self.writer.send(Task(run)).await.map_err(|_| gone())?;
        told.await.map_err(|_| gone())?
    }

    /// Whether the writer works: it goes on, and its last look for a connection found one.
    #[must_use]
    pub fn is_open(&self) -> bool {
        !self.writer.is_closed() && self.is_well.load(Ordering::Relaxed)
    }

    /// Takes the node's own tables to its schema, and looks whether the contract's are there.
    ///
    /// # Errors
    /// When the contract's tables are not there, or the node's have a schema that this program does not know.
    pub async fn migrate(&self, program: &'static str, migrations: &'static [&'static str]) -> Result<(), Fault> {
        let known = migrations.len();
        let done = self.write(move |connection| Box::pin(migrate(connection, program, migrations))).await;
        match done.map_err(|failure| failure.fault())? {
            Migrated::Now => Ok(()),
            Migrated::NoContract => Err(Fault::new(
                "no-contract-tables",
                ExitCode::Database,
                Text::fixed("the database does not have the tables of the contract", "数据库中没有交换契约的表"),
                Text::fixed(
                    "make the zone with `ferry init` and this version's contract",
                    "请用 `ferry init` 及本版本的契约建立本区",
                ),
            )),
            Migrated::Newer(found) => Err(Fault::new(
                "schema-version",
                ExitCode::SchemaVersion,
                console::text!(
                    "the tables of {program} have version {found}, and this program knows up to {known}",
                    "{program} 的表为版本 {found}，本程序最高支持 {known}"
                ),
                Text::fixed("install the version of the program that wrote them", "请安装写入这些表的程序版本"),
            )),
        }
    }
}

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY)
}

enum Migrated {
    Now,
    NoContract,
    Newer(i64),
}

async fn migrate(
    connection: &mut SqliteConnection,
    program: &str,
    migrations: &[&'static str],
) -> Result<Migrated, Failure> {
    let tables: i64 =
        sqlx::query_scalar("SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'pay_confirm'")
            .fetch_one(&mut *connection)
            .await?;
    if tables == 0 {
        return Ok(Migrated::NoContract);
    }
    connection
        .execute("CREATE TABLE IF NOT EXISTS node_schema (program TEXT NOT NULL PRIMARY KEY, version INTEGER NOT NULL) STRICT")
        .await?;
    let found: Option<i64> = sqlx::query_scalar("SELECT version FROM node_schema WHERE program = ?1")
        .bind(program)
        .fetch_optional(&mut *connection)
        .await?;
    let found = found.unwrap_or(0);
    let Some(rest) = usize::try_from(found).ok().and_then(|found| migrations.get(found..)) else {
        return Ok(Migrated::Newer(found));
    };
    for sql in rest {
        connection.execute(*sql).await?;
    }
    let version = i64::try_from(migrations.len()).map_err(Failure::internal)?;
    sqlx::query(
        "INSERT INTO node_schema (program, version) VALUES (?1, ?2) ON CONFLICT (program) DO UPDATE SET version = ?2",
    )
    .bind(program)
    .bind(version)
    .execute(connection)
    .await?;
    Ok(Migrated::Now)
}
