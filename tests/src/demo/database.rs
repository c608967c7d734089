//! A connection to a zone's database, as the zone's own programs have one.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteRow, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Row as _};
use tokio::runtime::{Builder, Runtime};

use super::failure::Failure;

/// How long a statement waits while the daemon or another program writes.
const BUSY_TIMEOUT: Duration = Duration::from_secs(60);

/// Pages kept in memory, in KiB; SQLite takes a negative number as KiB. As many as the daemon keeps.
const CACHE_KIB: &str = "-32768";
/// The write-ahead log is folded into the database when it has so many pages, as the daemon does it.
const CHECKPOINT_PAGES: &str = "16384";

/// One connection, used by one thread.
pub struct Database {
    path: PathBuf,
    runtime: Runtime,
    connection: SqliteConnection,
}

impl Database {
    /// Opens a database that is there.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open(path: &Path) -> Result<Self, Failure> {
        let failed = |cause: &dyn std::fmt::Display| Failure::database(path, cause);
        let runtime = Builder::new_current_thread().enable_time().build().map_err(|cause| failed(&cause))?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(false)
            .busy_timeout(BUSY_TIMEOUT)
            .foreign_keys(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .pragma("cache_size", CACHE_KIB)
            .pragma("wal_autocheckpoint", CHECKPOINT_PAGES)
            .disable_statement_logging();
        let connection = runtime.block_on(options.connect()).map_err(|cause| failed(&cause))?;
        Ok(Self { path: path.to_owned(), runtime, connection })
    }

    /// Runs a statement with texts as its parameters, and tells how many rows it changed.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn run(&mut self, sql: &str, parameters: &[&str]) -> Result<u64, Failure> {
        let mut query = sqlx::query(AssertSqlSafe(sql.to_owned()));
        for parameter in parameters {
            query = query.bind((*parameter).to_owned());
        }
        let done = self.runtime.block_on(query.execute(&mut self.connection));
        done.map(|done| done.rows_affected()).map_err(|cause| Failure::database(&self.path, &cause))
    }

    /// Runs a statement with texts as its parameters, and takes from each row what `take` makes of it.
    ///
    /// # Errors
    /// When the database refuses, or a row is not as `take` expects.
    pub fn rows<T>(
        &mut self,
        sql: &str,
        parameters: &[&str],
        take: impl Fn(&Found<'_>) -> Result<T, sqlx::Error>,
    ) -> Result<Vec<T>, Failure> {
        let mut query = sqlx::query(AssertSqlSafe(sql.to_owned()));
        for parameter in parameters {
            query = query.bind((*parameter).to_owned());
        }
        let rows = self.runtime.block_on(query.fetch_all(&mut self.connection));
        let taken = rows.and_then(|rows| rows.iter().map(|row| take(&Found(row))).collect());
        taken.map_err(|cause| Failure::database(&self.path, &cause))
    }

    /// Runs a statement that yields one number.
    ///
    /// # Errors
    /// When the database refuses, or it yields no number.
    pub fn number(&mut self, sql: &str, parameters: &[&str]) -> Result<u64, Failure> {
        let found = self.rows(sql, parameters, |row| row.number(0))?;
        found.first().copied().ok_or_else(|| Failure::database(&self.path, &"it yields no row"))
    }

    /// Closes the connection in order.
    pub fn close(self) {
        // What was committed is safe even when the connection does not close in order.
        let _ = self.runtime.block_on(self.connection.close());
    }
}

/// A row that was found.
pub struct Found<'a>(&'a SqliteRow);

impl Found<'_> {
    /// A text.
    ///
    /// # Errors
    /// When the column is not a text.
    pub fn text(&self, column: usize) -> Result<String, sqlx::Error> {
        self.0.try_get(column)
    }

    /// A number that is not negative.
    ///
    /// # Errors
    /// When the column is not such a number.
    pub fn number(&self, column: usize) -> Result<u64, sqlx::Error> {
        let number: i64 = self.0.try_get(column)?;
        u64::try_from(number).map_err(|cause| sqlx::Error::Decode(Box::new(cause)))
    }
}
