//! One connection, used by one thread at a time.

use std::future::Future as _;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use ferry_core::ports::{FaultKind, PortError};
use ferry_format::Digest;
use sqlx::sqlite::{
    SqliteArguments, SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteRow, SqliteSynchronous,
};
use sqlx::{Arguments as _, AssertSqlSafe, ConnectOptions as _, Connection as _, Row as _, SqlSafeStr, SqlStr};
use tokio::runtime::{Builder, Runtime};

use super::dialect::SqliteDialect;
use super::failure::{DbError, corrupt};
use crate::drill;
use crate::fail::{Step, step};
use crate::store::dialect::{Dialect as _, Statements};

/// How long a statement waits for another connection's transaction.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// How often a transaction that writes asks for its turn. SQLite itself sleeps up to 100 ms between two questions, and a
/// program that commits without a pause leaves the database free only for moments: the daemon would rarely meet one.
const TURN_INTERVAL: Duration = Duration::from_micros(250);
/// Turns SQLite's own waiting off. Every other statement waits as [`BUSY_TIMEOUT`] says.
const WAIT_NOT: &str = "PRAGMA busy_timeout = 0";
/// The primary result code of a statement that another connection's lock keeps from running.
const SQLITE_BUSY: u32 = 5;
/// The primary result code stands in the low byte of the extended one.
const PRIMARY: u32 = 0xff;
/// Pages kept in memory by a connection that writes rows wherever their keys are, in KiB; SQLite takes a negative number as KiB.
const CACHE_KIB: &str = "-32768";
/// The same of a connection that goes through tables in order. More would only keep what is not read again.
const ORDERED_CACHE_KIB: &str = "-6144";
/// What is left of the write-ahead log on disk after a checkpoint.
const WAL_BYTES_LIMIT: &str = "67108864";
/// The write-ahead log is folded into the database when it has so many pages: 64 MiB of pages of 4 KiB, what is kept of
/// it on disk anyway. A page of an index that was written many times since is then written to the database once.
const CHECKPOINT_PAGES: &str = "16384";
/// Prepared statements kept by each connection: every fixed one, and a few for each table of each stream.
const STATEMENTS_KEPT: usize = 1024;

/// The fixed statements.
pub(super) fn sql() -> &'static Statements {
    SqliteDialect.fixed()
}

/// What a lane may do to the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// Reads and writes rows anywhere.
    Write,
    /// Reads and writes, mostly one row behind the other.
    WriteOrdered,
    /// Reads; writes fail.
    Read,
    /// Shares the database with nobody.
    Alone,
}

/// A connection behind a lock. It is opened when it is first needed, and again after a failure that left it in an
/// unknown state.
pub(super) struct Lane {
    state: Mutex<Session>,
}

impl Lane {
    pub fn new(file: &std::path::Path, access: Access) -> Result<Self, PortError> {
        let runtime = Builder::new_current_thread().build();
        let runtime = runtime.map_err(|error| PortError::new(FaultKind::Transient, format!("no runtime: {error}")))?;
        let options = options(file, access);
        let session = Session { runtime, options, connection: None, opened: 0, patience: BUSY_TIMEOUT };
        Ok(Self { state: Mutex::new(session) })
    }

    /// The connection, once every other thread has let go of it.
    pub fn lock(&self) -> MutexGuard<'_, Session> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The connection while a thread has it.
pub(super) struct Session {
    runtime: Runtime,
    options: SqliteConnectOptions,
    connection: Option<SqliteConnection>,
    /// How often it was opened.
    opened: u64,
    /// How long a transaction waits for its turn to write.
    pub(super) patience: Duration,
}

impl Session {
    /// Runs a statement and tells how many rows it changed.
    pub fn run(&mut self, sql: impl Into<Sql>, args: &[Arg<'_>]) -> Result<u64, DbError> {
        self.run_as(Step::Run, sql, args)
    }

    fn run_as(&mut self, what: Step, sql: impl Into<Sql>, args: &[Arg<'_>]) -> Result<u64, DbError> {
        let query = sqlx::query_with(sql.into().0, bind(args)?);
        let (runtime, connection) = self.parts()?;
        step(what, || Ok(runtime.block_on(query.execute(connection)).map_err(DbError::from)?.rows_affected()))
    }

    /// Runs a statement as [`Self::run`] does, and does `meanwhile` while the connection's own thread works on it.
    pub fn run_while(
        &mut self,
        sql: impl Into<Sql>,
        args: &[Arg<'_>],
        meanwhile: impl FnOnce(),
    ) -> Result<u64, DbError> {
        let query = sqlx::query_with(sql.into().0, bind(args)?);
        let (runtime, connection) = self.parts()?;
        step(Step::Run, || {
            let done = runtime.block_on(async {
                let mut running = std::pin::pin!(query.execute(connection));
                // The first look hands the statement over.
                let first = std::future::poll_fn(|context| Poll::Ready(running.as_mut().poll(context))).await;
                meanwhile();
                match first {
                    Poll::Ready(done) => done,
                    Poll::Pending => running.await,
                }
            });
            Ok(done.map_err(DbError::from)?.rows_affected())
        })
    }

    /// Runs a statement and takes every row that it yields.
    pub fn all(&mut self, sql: impl Into<Sql>, args: &[Arg<'_>]) -> Result<Vec<SqliteRow>, DbError> {
        let query = sqlx::query_with(sql.into().0, bind(args)?);
        let (runtime, connection) = self.parts()?;
        step(Step::Query, || runtime.block_on(query.fetch_all(connection)).map_err(DbError::from))
    }

    /// Runs a statement and takes the first row that it yields.
    pub fn first(&mut self, sql: impl Into<Sql>, args: &[Arg<'_>]) -> Result<Option<SqliteRow>, DbError> {
        let query = sqlx::query_with(sql.into().0, bind(args)?);
        let (runtime, connection) = self.parts()?;
        step(Step::Query, || runtime.block_on(query.fetch_optional(connection)).map_err(DbError::from))
    }

    /// As long as this is the same, no other connection has committed anything.
    pub fn version(&mut self) -> Result<Version, DbError> {
        let row = self.first(sql().data_version, &[])?;
        let committed = row.ok_or_else(|| corrupt("a pragma yielded no row"))?.signed(0)?;
        Ok(Version { opened: self.opened, committed })
    }

    /// Runs a text of several statements.
    pub fn script(&mut self, text: &str) -> Result<(), DbError> {
        let script = sqlx::raw_sql(AssertSqlSafe(text.to_owned()));
        let (runtime, connection) = self.parts()?;
        step(Step::Script, || runtime.block_on(script.execute(connection)).map(|_| ()).map_err(DbError::from))
    }

    /// Does `work` in one transaction that writes; nothing of it stays when it fails.
    pub fn write<T, E: From<DbError>>(&mut self, work: impl FnOnce(&mut Self) -> Result<T, E>) -> Result<T, E> {
        self.begin()?;
        match work(self) {
            Ok(value) => self.commit().map(|()| value).map_err(E::from),
            Err(error) => {
                self.roll_back();
                Err(error)
            }
        }
    }

    /// Begins a transaction that writes, as soon as no other connection has one.
    pub fn begin(&mut self) -> Result<(), DbError> {
        self.run(WAIT_NOT, &[])?;
        let begun = step(Step::Begin, || self.wait_for_turn());
        if begun.is_err() {
            self.roll_back();
        }
        // A connection that could not be set is dropped, and the transaction with it.
        let restored = self.run(wait_again(), &[]).inspect_err(|_| self.connection = None);
        begun.and(restored)?;
        drill::pass("transaction begun");
        Ok(())
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "waits for other programs as SQLite's own busy handler does, in steps"
    )]
    fn wait_for_turn(&mut self) -> Result<(), DbError> {
        let start = std::time::Instant::now();
        loop {
            let (runtime, connection) = self.parts()?;
            match runtime.block_on(sqlx::query(sql().begin).execute(connection)) {
                Ok(_) => return Ok(()),
                Err(error) if is_busy(&error) && start.elapsed() < self.patience => std::thread::sleep(TURN_INTERVAL),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Does `work` on one snapshot.
    pub fn read<T, E: From<DbError>>(&mut self, work: impl FnOnce(&mut Self) -> Result<T, E>) -> Result<T, E> {
        self.run(sql().begin_read, &[]).inspect_err(|_| self.roll_back())?;
        let result = work(self);
        self.roll_back();
        result
    }

    /// Commits. After a failure nothing is committed, or the outcome is [`FaultKind::Unknown`].
    pub fn commit(&mut self) -> Result<(), DbError> {
        self.try_commit().inspect_err(|_| self.roll_back())
    }

    /// Commits; after a failed constraint the transaction is still open.
    pub fn try_commit(&mut self) -> Result<(), DbError> {
        drill::pass("transaction written");
        match self.run_as(Step::Commit, sql().commit, &[]) {
            Ok(_) => {
                drill::pass("transaction committed");
                Ok(())
            }
            Err(DbError::Port(error)) if unclear(error.kind) => {
                let text = format!("the outcome of a commit is not known: {}", error.text);
                Err(DbError::Port(PortError::new(FaultKind::Unknown, text)))
            }
            Err(error @ (DbError::Port(_) | DbError::Constraint(_))) => Err(error),
        }
    }

    /// Rolls back; a connection that cannot is dropped, which rolls back too.
    pub fn roll_back(&mut self) {
        if self.run_as(Step::RollBack, sql().rollback, &[]).is_err() {
            self.connection = None;
        }
    }

    /// Closes the connection in order, so that the write-ahead log is folded into the database.
    pub fn close(&mut self) -> Result<(), DbError> {
        let Some(connection) = self.connection.take() else { return Ok(()) };
        step(Step::Close, || self.runtime.block_on(connection.close()).map_err(DbError::from))
    }

    fn parts(&mut self) -> Result<(&Runtime, &mut SqliteConnection), DbError> {
        if self.connection.is_none() {
            let connect = || self.runtime.block_on(self.options.connect()).map_err(DbError::from);
            self.connection = Some(step(Step::Connect, connect)?);
            self.opened += 1;
        }
        let connection = self.connection.as_mut().expect("it was opened above");
        Ok((&self.runtime, connection))
    }
}

/// How far the database has come, as one connection sees it: each counts the commits of the others for itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Version {
    opened: u64,
    committed: i64,
}

/// Turns SQLite's own waiting on again.
fn wait_again() -> String {
    format!("PRAGMA busy_timeout = {}", BUSY_TIMEOUT.as_millis())
}

/// Whether another connection has the lock.
fn is_busy(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code()?.parse::<u32>().ok());
    code.is_some_and(|code| code & PRIMARY == SQLITE_BUSY)
}

/// A failed commit of these kinds may have been made durable before it failed. A full disk is told before that.
const fn unclear(kind: FaultKind) -> bool {
    match kind {
        FaultKind::Transient | FaultKind::Unknown | FaultKind::Corrupt | FaultKind::Conflict => true,
        FaultKind::Full => false,
    }
}

const fn cache_kib(access: Access) -> &'static str {
    match access {
        Access::Write | Access::Alone => CACHE_KIB,
        Access::WriteOrdered | Access::Read => ORDERED_CACHE_KIB,
    }
}

/// No memory map: a read error of the disk would then be a signal instead of an error.
fn options(file: &std::path::Path, access: Access) -> SqliteConnectOptions {
    let options = SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(false)
        .busy_timeout(BUSY_TIMEOUT)
        .foreign_keys(true)
        .statement_cache_capacity(STATEMENTS_KEPT)
        .pragma("cache_size", cache_kib(access))
        .pragma("journal_size_limit", WAL_BYTES_LIMIT)
        .pragma("mmap_size", "0")
        .pragma("temp_store", "MEMORY")
        .pragma("trusted_schema", "OFF")
        .pragma("cell_size_check", "ON")
        .disable_statement_logging();
    match access {
        Access::Write | Access::WriteOrdered => options
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .pragma("wal_autocheckpoint", CHECKPOINT_PAGES),
        Access::Read => options.pragma("query_only", "ON"),
        Access::Alone => options.busy_timeout(Duration::ZERO).pragma("locking_mode", "EXCLUSIVE"),
    }
}

/// A statement: one of the fixed ones, or one that the dialect made for a table.
pub(super) struct Sql(SqlStr);

impl From<&'static str> for Sql {
    fn from(text: &'static str) -> Self {
        Self(text.into_sql_str())
    }
}

impl From<String> for Sql {
    fn from(text: String) -> Self {
        Self(AssertSqlSafe(text).into_sql_str())
    }
}

impl From<std::sync::Arc<str>> for Sql {
    fn from(text: std::sync::Arc<str>) -> Self {
        Self(AssertSqlSafe(text).into_sql_str())
    }
}

/// Values bound to a statement, each by its own conversion.
macro_rules! args {
    ($($value:expr),* $(,)?) => {
        &[$($crate::store::sqlite::lane::Arg::from($value)),*]
    };
}
pub(super) use args;

/// A value bound to a statement.
#[derive(Clone)]
pub(super) enum Arg<'a> {
    Int(i64),
    Text(&'a str),
    Owned(String),
    Bytes(&'a [u8]),
    Null,
}

impl<'a> From<&'a str> for Arg<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}

impl From<String> for Arg<'_> {
    fn from(text: String) -> Self {
        Self::Owned(text)
    }
}

/// Numbers of ours stay below 2^63; one that does not is written as the greatest, which nothing takes for its own.
impl From<u64> for Arg<'_> {
    fn from(number: u64) -> Self {
        Self::Int(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<bool> for Arg<'_> {
    fn from(flag: bool) -> Self {
        Self::Int(i64::from(flag))
    }
}

impl<'a> From<&'a [u8]> for Arg<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self::Bytes(bytes)
    }
}

impl From<i64> for Arg<'_> {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<Option<String>> for Arg<'_> {
    fn from(text: Option<String>) -> Self {
        text.map_or(Self::Null, Self::Owned)
    }
}

impl From<&Digest> for Arg<'_> {
    fn from(digest: &Digest) -> Self {
        Self::Owned(digest.to_string())
    }
}

fn bind(args: &[Arg<'_>]) -> Result<SqliteArguments, DbError> {
    let mut bound = SqliteArguments::default();
    for arg in args {
        let done = match arg {
            Arg::Int(number) => bound.add(*number),
            Arg::Text(text) => bound.add(*text),
            Arg::Owned(text) => bound.add(text.as_str()),
            Arg::Bytes(bytes) => bound.add(*bytes),
            Arg::Null => bound.add(None::<String>),
        };
        done.map_err(|_| corrupt("a value could not be bound"))?;
    }
    Ok(bound)
}

/// Reads columns of a row by position; what is not as ferry wrote it is corrupt.
pub(super) trait Columns {
    fn int(&self, column: usize) -> Result<u64, DbError>;
    fn signed(&self, column: usize) -> Result<i64, DbError>;
    fn maybe_int(&self, column: usize) -> Result<Option<u64>, DbError>;
    fn string(&self, column: usize) -> Result<String, DbError>;
    fn maybe_string(&self, column: usize) -> Result<Option<String>, DbError>;
    fn bytes(&self, column: usize) -> Result<Vec<u8>, DbError>;
    /// The bytes of a text that may not be UTF-8.
    fn raw(&self, column: usize) -> Result<Vec<u8>, DbError>;

    /// A text that is a digest, an id or a name.
    fn parsed<T: std::str::FromStr>(&self, column: usize) -> Result<T, DbError> {
        self.string(column)?.parse().map_err(|_| corrupt("a stored name or digest is malformed"))
    }
}

impl Columns for SqliteRow {
    fn int(&self, column: usize) -> Result<u64, DbError> {
        u64::try_from(self.signed(column)?).map_err(|_| corrupt("a stored number is negative"))
    }

    fn signed(&self, column: usize) -> Result<i64, DbError> {
        Ok(self.try_get::<i64, _>(column)?)
    }

    fn maybe_int(&self, column: usize) -> Result<Option<u64>, DbError> {
        let number = self.try_get::<Option<i64>, _>(column)?;
        number.map(|number| u64::try_from(number).map_err(|_| corrupt("a stored number is negative"))).transpose()
    }

    fn string(&self, column: usize) -> Result<String, DbError> {
        Ok(self.try_get::<String, _>(column)?)
    }

    fn maybe_string(&self, column: usize) -> Result<Option<String>, DbError> {
        Ok(self.try_get::<Option<String>, _>(column)?)
    }

    fn bytes(&self, column: usize) -> Result<Vec<u8>, DbError> {
        Ok(self.try_get::<Vec<u8>, _>(column)?)
    }

    fn raw(&self, column: usize) -> Result<Vec<u8>, DbError> {
        Ok(self.try_get_unchecked::<Vec<u8>, _>(column)?)
    }
}
