//! Imports into real databases.

mod files;
mod meanwhile;
mod refusals;
mod round_trip;
mod sheets;

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;

use contract::Cell;
use contract::rows::{Kind, Table, table};
use contract::rules::{Policy, Spelling};
use node::http::Caller;
use node::{Clock, Database, Failure, FieldKey, Moment, Node, SystemEntropy};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, Executor as _};

use super::settle::cells_from;
use super::{Encoding, ImportAsked, Limits, Report, Silent, import_within};

struct Fixed(i64);

impl Clock for Fixed {
    fn now(&self) -> Moment {
        Moment::of_ms(self.0).unwrap()
    }
}

/// 2026-01-01 00:00:00.123 in China.
const NOW_MS: i64 = 1_767_196_800_123;
const NOW: &str = "20260101000000123";

/// Runs a test on several threads, as a node does.
fn run<T>(test: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(test)
}

/// A zone's database in a directory of its own, and a node on it.
struct Bench {
    directory: tempfile::TempDir,
    node: Node,
    limits: Limits,
}

impl Bench {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("zone.db");
        let options = SqliteConnectOptions::new().filename(&path).create_if_missing(true);
        let mut connection = options.connect().await.unwrap();
        connection.execute(contract::NONTAX_SQLITE_SQL).await.unwrap();
        connection.execute(node::OWN_SQL).await.unwrap();
        connection.close().await.unwrap();
        let node = Node {
            database: Database::open(&path).await.unwrap(),
            clock: Arc::new(Fixed(NOW_MS)),
            entropy: Arc::new(SystemEntropy::new()),
            field_key: Arc::new(FieldKey::new(&[7; 16])),
            policy: Arc::new(Policy::default()),
        };
        Self { directory, node, limits: Limits::default() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    #[expect(clippy::disallowed_methods, reason = "a file of a test")]
    fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    async fn ask(&self, asked: &ImportAsked) -> Result<Report, Failure> {
        import_within(&self.node, &Caller::local("tester"), asked, &Silent, &self.limits).await
    }

    /// Imports bytes as a file of that extension.
    async fn import(&self, kind: &str, extension: &str, bytes: impl AsRef<[u8]>) -> Result<Report, Failure> {
        self.ask(&asked(kind, self.file(&format!("data.{extension}"), bytes))).await
    }

    /// Imports lines of CSV, and says what it came to.
    async fn csv(&self, kind: &str, lines: &[&str]) -> Report {
        self.import(kind, "csv", lines.join("\n")).await.unwrap()
    }

    /// What a query yields, each row as text.
    async fn query(&self, sql: &'static str) -> Vec<String> {
        let job = self.node.database.read(move |connection| {
            Box::pin(async move { Ok(sqlx::query_scalar::<_, String>(sql).fetch_all(connection).await?) })
        });
        job.await.unwrap()
    }

    /// All rows of a table by id.
    async fn rows(&self, name: &'static str) -> Vec<Vec<Cell>> {
        let of = table(name).unwrap();
        let sql = format!("SELECT {} FROM {name} ORDER BY id", of.shape.columns.join(", "));
        let job = self.node.database.read(move |connection| {
            Box::pin(async move {
                let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).fetch_all(connection).await?;
                rows.iter().map(|row| cells_from(of, row, 0)).collect()
            })
        });
        job.await.unwrap()
    }

    async fn execute(&self, sql: &'static str) {
        let job = self.node.database.write(move |connection| {
            Box::pin(async move {
                connection.execute(sql).await?;
                Ok(())
            })
        });
        job.await.unwrap();
    }
}

fn asked(kind: &str, path: PathBuf) -> ImportAsked {
    ImportAsked {
        path,
        kind: Kind::parse(kind).unwrap(),
        form: None,
        encoding: Encoding::Auto,
        spelling: Spelling::default(),
        sheet: None,
        dry_run: false,
    }
}

/// Line, column and rule of each fault.
fn said(report: &Report) -> Vec<String> {
    report.faults.iter().map(|fault| format!("{} {} {}", fault.line, fault.column, fault.code)).collect()
}

/// Inserted, updated, unchanged, refused.
fn counts(report: &Report) -> [u64; 4] {
    [report.inserted, report.updated, report.unchanged, report.refused]
}

/// A plain value for a sensitive column.
const PLAIN: &str = "13800001111";

/// Rows as CSV, with sensitive values in the plain.
fn csv_of(of: &Table, rows: &[Vec<Cell>]) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(of.shape.columns).unwrap();
    for row in rows {
        let text = |(place, cell): (usize, &Cell)| match cell {
            Cell::Null => String::new(),
            Cell::Int(number) => number.to_string(),
            Cell::Text(_) if of.columns[place].is_sensitive => PLAIN.to_owned(),
            Cell::Text(text) => text.clone(),
        };
        writer.write_record(row.iter().enumerate().map(text)).unwrap();
    }
    String::from_utf8(writer.into_inner().unwrap()).unwrap()
}

/// A category, a nature of funds and an item `I`.
async fn item(bench: &Bench) {
    let head = "id,mof_div_code,fiscal_year,ele_code,ele_name,start_date";
    for kind in ["CATEGORY", "FUND_NATURE"] {
        bench.csv(kind, &[head, "C,610000000,2026,01,a,20260101"]).await;
    }
    let head = format!("{head},category_id,fund_nature_id,unit_of_measure,settle_mode");
    let report = bench.csv("INCOME_ITEM", &[&head, "I,610000000,2026,01,a,20260101,C,C,元,1"]).await;
    assert_eq!(counts(&report), [1, 0, 0, 0]);
}
