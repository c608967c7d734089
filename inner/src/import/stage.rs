//! The lines of a file in a database of their own beside the zone's, until it is known whether all of them are good.
//!
//! Nothing of an import is in memory but the lines at hand, and nothing is in the zone's database before all lines
//! are good. Sensitive values are encrypted before they come here.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use console::Text;
use contract::rows::{Column, ColumnType};
use contract::rules::Severity;
use contract::{Cell, json_rows};
use node::{Failure, Kind as FailureKind, Node};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteRow, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _, Executor as _, Row as _};

use super::header::{Header, Reference};
use super::report::{Faults, LineRule};

/// What stands after the database's name in those of the stage and of the lock that keeps other imports away.
const SUFFIX: &str = ".import";
const LOCK_SUFFIX: &str = ".import-lock";
/// Nobody but the owner reads what is staged.
const MODE: u32 = 0o600;
/// How long a statement waits for a writer of the zone's database.
const BUSY: Duration = Duration::from_secs(10);
/// Pages of the stage in memory, in KiB: enough for the indexes that are hit at random.
const CACHE: &str = "-65536";

/// The staged lines, with the zone's database attached as `zone`, of which the stage only reads.
#[derive(Debug)]
pub(super) struct Stage {
    connection: SqliteConnection,
    path: PathBuf,
    /// Held while the import goes on.
    _lock: File,
}

/// A line that a check found, with what the sentence about it shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hit {
    /// The line.
    pub line: i64,
    /// A text, such as a code.
    pub text: String,
    /// A number, such as a sum.
    pub number: i64,
}

impl Stage {
    /// Makes an empty stage beside the node's database; what an import that was cut off has left is removed.
    ///
    /// # Errors
    /// When another import goes on, or the directory cannot be written.
    pub(super) async fn open(node: &Node) -> Result<Self, Failure> {
        let zone = node.database.read(|connection| Box::pin(zone_path(connection))).await?;
        let path = with_suffix(&zone, SUFFIX);
        let lock = lock(&with_suffix(&zone, LOCK_SUFFIX))?;
        remove(&path)?;
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(MODE)
            .open(&path)
            .map_err(|error| unwritable(&path, &error))?;
        let options = SqliteConnectOptions::new()
            .filename(&path)
            // What is cut off is begun anew, so nothing here has to survive.
            .journal_mode(SqliteJournalMode::Off)
            .synchronous(SqliteSynchronous::Off)
            .busy_timeout(BUSY)
            .pragma("temp_store", "FILE")
            .pragma("cache_size", CACHE);
        let mut connection = options.connect().await?;
        sqlx::query("ATTACH DATABASE ?1 AS zone").bind(zone).execute(&mut connection).await?;
        Ok(Self { connection, path, _lock: lock })
    }

    /// Removes the stage.
    ///
    /// # Errors
    /// When its file cannot be removed.
    pub(super) async fn close(self) -> Result<(), Failure> {
        self.connection.close().await?;
        remove(&self.path)
    }

    /// Makes the tables for lines with a header.
    ///
    /// # Errors
    /// When they cannot be made.
    pub(super) async fn make(&mut self, header: &Header) -> Result<(), Failure> {
        let typed = |column: &Column| {
            let kind = match column.kind {
                ColumnType::Text(_) | ColumnType::Date8 | ColumnType::Time14 | ColumnType::Time17 => "TEXT",
                ColumnType::Integer(..) | ColumnType::Fen | ColumnType::Money | ColumnType::Bool => "INTEGER",
            };
            format!("{} {kind}", column.name)
        };
        let mut columns: Vec<String> = header.table.columns.iter().map(typed).collect();
        columns.extend(header.by_code().map(|reference| format!("{} TEXT", reference.code_column())));
        self.run(&format!(
            "CREATE TABLE line (line INTEGER NOT NULL PRIMARY KEY, is_good INTEGER NOT NULL, \
             found INTEGER NOT NULL DEFAULT 0, change INTEGER NOT NULL DEFAULT 0, was TEXT, {}) STRICT; \
             CREATE TABLE hit (line INTEGER NOT NULL, text TEXT NOT NULL, number INTEGER NOT NULL) STRICT; \
             CREATE TABLE code (target TEXT NOT NULL, year TEXT NOT NULL, code TEXT NOT NULL, division TEXT NOT NULL, \
             level_no INTEGER, id TEXT NOT NULL) STRICT; \
             CREATE INDEX code_place ON code (target, year, code, division)",
            columns.join(", ")
        ))
        .await?;
        Ok(())
    }

    /// Adds lines: number, whether it is good, the columns of the table, the codes of references that the file gives
    /// by code.
    ///
    /// # Errors
    /// When they cannot be written.
    pub(super) async fn append(&mut self, header: &Header, rows: Vec<Vec<Cell>>) -> Result<(), Failure> {
        let mut columns = vec!["line".to_owned(), "is_good".to_owned()];
        columns.extend(header.table.columns.iter().map(|column| column.name.to_owned()));
        columns.extend(header.by_code().map(Reference::code_column));
        let values: Vec<String> = (0..columns.len()).map(|place| format!("r.value ->> '$[{place}]'")).collect();
        let (columns, values) = (columns.join(", "), values.join(", "));
        self.each(&format!("INSERT INTO line ({columns}) SELECT {values} FROM r"), rows).await?;
        Ok(())
    }

    /// Runs statements that have no parameters. Yields how many rows were changed.
    ///
    /// # Errors
    /// When one fails.
    pub(super) async fn run(&mut self, sql: &str) -> Result<u64, Failure> {
        Ok(self.connection.execute(sqlx::AssertSqlSafe(sql.to_owned())).await?.rows_affected())
    }

    /// Runs a statement over rows, which it sees as `r`, one JSON array each.
    ///
    /// # Errors
    /// When it fails.
    pub(super) async fn each(&mut self, sql: &str, rows: Vec<Vec<Cell>>) -> Result<(), Failure> {
        if rows.is_empty() {
            return Ok(());
        }
        let sql = format!("WITH r AS MATERIALIZED (SELECT value FROM json_each(?1)) {sql}");
        let query = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(json_rows(rows));
        query.execute(&mut self.connection).await?;
        Ok(())
    }

    /// The rows of a query with integers as parameters.
    ///
    /// # Errors
    /// When it fails.
    pub(super) async fn rows(&mut self, sql: &str, values: &[i64]) -> Result<Vec<SqliteRow>, Failure> {
        let query = sqlx::query(sqlx::AssertSqlSafe(sql.to_owned()));
        let query = values.iter().fold(query, |query, value| query.bind(*value));
        Ok(query.fetch_all(&mut self.connection).await?)
    }

    /// The one number of a query.
    ///
    /// # Errors
    /// When it fails.
    pub(super) async fn number(&mut self, sql: &str) -> Result<i64, Failure> {
        let query = sqlx::query_scalar(sqlx::AssertSqlSafe(sql.to_owned()));
        Ok(query.fetch_one(&mut self.connection).await?)
    }

    /// Refuses the lines that `select` finds, which yields line, text and number. They are counted whatever their
    /// number, and listed as far as the report lists any.
    ///
    /// # Errors
    /// When the check fails.
    pub(super) async fn refuse(
        &mut self,
        select: &str,
        column: &str,
        rule: impl Fn(&Hit) -> LineRule,
        faults: &mut Faults,
    ) -> Result<(), Failure> {
        self.run("DELETE FROM hit").await?;
        self.run(&format!("INSERT INTO hit (line, text, number) {select}")).await?;
        let count = u64::try_from(self.number("SELECT count(*) FROM hit").await?).map_err(Failure::internal)?;
        if count == 0 {
            return Ok(());
        }
        let room = i64::try_from(faults.room()).map_err(Failure::internal)?;
        let rows = self.rows("SELECT line, text, number FROM hit ORDER BY line LIMIT ?1", &[room]).await?;
        for row in &rows {
            let hit = Hit { line: row.try_get(0)?, text: row.try_get(1)?, number: row.try_get(2)? };
            faults.add(hit.line, column, &rule(&hit), Severity::Refusal);
        }
        faults.add_unlisted(count - rows.len() as u64);
        self.run("UPDATE line SET is_good = 0 WHERE line IN (SELECT line FROM hit)").await?;
        Ok(())
    }
}

async fn zone_path(connection: &mut SqliteConnection) -> Result<String, Failure> {
    let path = sqlx::query_scalar("SELECT file FROM pragma_database_list WHERE name = 'main'");
    Ok(path.fetch_one(connection).await?)
}

fn with_suffix(path: &str, suffix: &str) -> PathBuf {
    PathBuf::from(format!("{path}{suffix}"))
}

/// The lock goes with the file that is open, also when the process is killed; its name stays.
fn lock(path: &Path) -> Result<File, Failure> {
    let file = OpenOptions::new().write(true).create(true).truncate(false).mode(MODE).open(path);
    let file = file.map_err(|error| unwritable(path, &error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Failure::new(
            FailureKind::Busy,
            "import-running",
            Text::fixed("another import is running", "另一导入正在进行"),
            Text::fixed("wait for its end", "请待其结束"),
        )),
        Err(TryLockError::Error(error)) => Err(unwritable(path, &error)),
    }
}

fn remove(path: &Path) -> Result<(), Failure> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(unwritable(path, &error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn unwritable(path: &Path, error: &std::io::Error) -> Failure {
    let shown = path.display().to_string();
    Failure::new(
        FailureKind::Internal,
        "stage-unwritable",
        console::text!("{shown} cannot be written: {error}", "{shown} 无法写入：{error}"),
        Text::fixed(
            "look at owner, mode and free space of the database's directory",
            "请检查数据库目录的属主、权限和剩余空间",
        ),
    )
}
