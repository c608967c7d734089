//! A program of a zone: it writes rows, and counts what the tables saw.

use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteRow};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Row as _};
use tokio::runtime::{Builder, Runtime};

/// A connection that a killed daemon had may be closing still; nothing else runs beside this one.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// A connection of its own. What it does is no step of the appliance.
pub struct Program {
    runtime: Runtime,
    connection: SqliteConnection,
}

impl Program {
    pub fn open(database: &Path) -> Self {
        let runtime = Builder::new_current_thread().enable_time().build().unwrap();
        let options = SqliteConnectOptions::new().filename(database).foreign_keys(true).busy_timeout(BUSY_TIMEOUT);
        let connection = runtime.block_on(options.disable_statement_logging().connect()).unwrap();
        Self { runtime, connection }
    }

    /// Runs a text of several statements.
    ///
    /// # Errors
    /// When the database refuses one of them.
    pub fn run(&mut self, text: &str) -> Result<(), String> {
        let script = sqlx::raw_sql(AssertSqlSafe(text.to_owned()));
        let done = self.runtime.block_on(script.execute(&mut self.connection));
        done.map(|_| ()).map_err(|error| format!("{text}: {error}"))
    }

    /// Rows of one column of text.
    pub fn texts(&mut self, query: &str) -> Vec<String> {
        let rows: Vec<SqliteRow> = self
            .runtime
            .block_on(sqlx::query(AssertSqlSafe(query.to_owned())).fetch_all(&mut self.connection))
            .unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// Pairs of a text and bytes.
    pub fn files(&mut self, query: &str) -> Vec<(String, Vec<u8>)> {
        let query = sqlx::query(AssertSqlSafe(query.to_owned()));
        let rows: Vec<SqliteRow> = self.runtime.block_on(query.fetch_all(&mut self.connection)).unwrap();
        rows.iter().map(|row| (row.get(0), row.get(1))).collect()
    }

    /// One number.
    pub fn number(&mut self, query: &str) -> i64 {
        let query = sqlx::query(AssertSqlSafe(query.to_owned()));
        self.runtime.block_on(query.fetch_one(&mut self.connection)).unwrap().get(0)
    }

    pub fn close(self) {
        self.runtime.block_on(self.connection.close()).unwrap();
    }
}
