//! Import of base data (基础数据导入) from CSV and XLSX files into the zone's own database.
//!
//! One file holds rows of one kind. It is read twice, first for its digest and encoding, then line by line into a
//! stage beside the database; there the lines are checked, each and together with the rows that are there, and only
//! when none is refused are they written. Memory does not grow with the file: [`Limits`] names what is taken.

mod cells;
mod encoding;
mod header;
mod limits;
mod lines;
mod parts;
mod progress;
mod report;
mod resolve;
mod sets;
mod settle;
mod sheet;
mod source;
mod stage;
#[cfg(test)]
mod tests;
mod together;
mod write;

use std::path::PathBuf;

use contract::Cell;
use contract::rows::Kind;
use contract::rules::{Rule, Severity, Spelling};
use node::http::Caller;
use node::record::{self, Act};
use node::{Failure, Node};
use serde_json::json;
use tokio::sync::mpsc;

pub use encoding::Encoding;
pub use limits::{Limits, REPORT_FAULTS_MAX};
pub use progress::{Bar, Progress, STEPS, Silent};
pub use report::{LineFault, Report};

use header::Header;
use lines::{Piece, RawLine};
use report::{Faults, LineRule};
use settle::Change;
use source::Source;
use stage::Stage;

/// Pieces that wait to be staged; the reader waits beyond them.
const WAITING: usize = 2;

/// The form of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Comma-separated text (RFC 4180).
    Csv,
    /// A workbook of Office Open XML.
    Xlsx,
}

/// What is to be imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportAsked {
    /// The file.
    pub path: PathBuf,
    /// The kind of base data that it holds.
    pub kind: Kind,
    /// Its form; none to go by its extension.
    pub form: Option<Form>,
    /// The encoding of a CSV file.
    pub encoding: Encoding,
    /// How it spells yes and no, and money.
    pub spelling: Spelling,
    /// The sheet of a workbook; none for the first that can be seen.
    pub sheet: Option<String>,
    /// Whether the file is only checked and nothing written.
    pub dry_run: bool,
}

/// Imports a file of base data.
///
/// A line is the row of its `id`, or without one the row of its business key, or a new row. A column that the file
/// does not have stays as it is in rows that are there, and so does an empty cell of a column that need not be given
/// (`is_enabled`, `is_deleted`, `create_time`); every other empty cell empties the column. Rows that do not differ
/// are not written.
///
/// If any line is refused nothing is written, and the report says why. Otherwise up to [`Limits::whole_rows`] rows
/// are written in one transaction. More go in transactions of [`Limits::chunk_rows`] rows, parents before those below
/// them: a crash in between leaves whole transactions, and the same file run again finds their rows unchanged and
/// finishes the rest. A row that somebody changed after the file was checked against it is not written over: the import
/// fails with `changed-meanwhile`, and the transaction in which it was found leaves nothing.
///
/// The record of acts gets an entry at the beginning and one at the end, unless nothing was to be written anyway, and
/// one for each row that was there before, with what it was and what it is. Rows that are new are those of the file,
/// whose digest stands in the entries.
///
/// # Errors
/// When the file cannot be read or is beyond a limit, its header does not fit the kind, another import is running, or
/// the database fails. What lines break is in the report.
pub async fn import(
    node: &Node,
    caller: &Caller,
    asked: &ImportAsked,
    progress: &dyn Progress,
) -> Result<Report, Failure> {
    import_within(node, caller, asked, progress, &Limits::default()).await
}

/// Imports a file of base data under other limits.
///
/// # Errors
/// Those of [`import`].
pub async fn import_within(
    node: &Node,
    caller: &Caller,
    asked: &ImportAsked,
    progress: &dyn Progress,
    limits: &Limits,
) -> Result<Report, Failure> {
    progress.begin(None, "look");
    let (path, form, encoding, taken) = (asked.path.clone(), asked.form, asked.encoding, *limits);
    let source = blocking(move || Source::open(&path, form, encoding, &taken)).await;
    progress.end();
    let source = source?;
    let import = Import { node, caller, asked, progress, limits, object: object(asked.kind, &source) };
    if !asked.dry_run {
        import.note("import-begin", json!({ "kind": asked.kind.code })).await?;
    }
    let result = import.run(source).await;
    progress.end();
    if let Err(failure) = &result
        && !asked.dry_run
    {
        import.note("import-end", json!({ "failure": failure.code })).await?;
    }
    result
}

/// The kind, the name and the digest of a file, as the record of acts names it.
fn object(kind: Kind, source: &Source) -> String {
    format!("{} {} sm3:{}", kind.code, source.name, source.digest)
}

/// Runs what waits for the disk where nothing else has to wait with it.
async fn blocking<T: Send + 'static>(job: impl FnOnce() -> Result<T, Failure> + Send + 'static) -> Result<T, Failure> {
    tokio::task::spawn_blocking(job).await.map_err(Failure::internal)?
}

struct Import<'i> {
    node: &'i Node,
    caller: &'i Caller,
    asked: &'i ImportAsked,
    progress: &'i dyn Progress,
    limits: &'i Limits,
    object: String,
}

impl Import<'_> {
    fn act(&self, what: &str, is_now: &serde_json::Value) -> Act {
        let act = self.caller.act(self.node.clock.now().time17(), what, self.object.clone());
        Act { is_now: Some(is_now.to_string()), ..act }
    }

    async fn note(&self, what: &str, is_now: serde_json::Value) -> Result<(), Failure> {
        let act = self.act(what, &is_now);
        self.node.database.write(move |connection| Box::pin(async move { record::note(connection, &act).await })).await
    }

    async fn run(&self, source: Source) -> Result<Report, Failure> {
        let mut stage = Stage::open(self.node).await?;
        let result = self.run_on(&mut stage, source).await;
        let closed = stage.close().await;
        let report = result?;
        closed?;
        Ok(report)
    }

    async fn run_on(&self, stage: &mut Stage, source: Source) -> Result<Report, Failure> {
        let table = self.asked.kind.definition();
        let mut faults = Faults::default();
        let mut report = Report {
            kind: self.asked.kind,
            file: source.name.clone(),
            digest: source.digest.clone(),
            is_dry_run: self.asked.dry_run,
            lines: 0,
            inserted: 0,
            updated: 0,
            unchanged: 0,
            refused: 0,
            warned: 0,
            fault_count: 0,
            faults: Vec::new(),
        };
        // Without a transaction around them every piece of lines would be one of its own.
        stage.run("BEGIN").await?;
        let header = self.read(stage, source, &mut faults).await?;
        self.progress.begin(None, "check");
        resolve::resolve(self.node, stage, &header, &mut faults).await?;
        together::check_together(stage, table, &mut faults).await?;
        self.progress.end();
        settle::settle(self.node, stage, table, &mut faults, self.progress).await?;
        count(stage, &mut report, faults).await?;
        if report.refused == 0 && !self.asked.dry_run {
            write::plan(stage, table).await?;
        }
        stage.run("COMMIT").await?;
        let end = self.act("import-end", &report.counts());
        if self.asked.dry_run {
            return Ok(report);
        }
        if report.refused > 0 {
            self.node
                .database
                .write(move |connection| Box::pin(async move { record::note(connection, &end).await }))
                .await?;
            return Ok(report);
        }
        let changed = self.act("import-change", &json!({}));
        write::write(self.node, stage, table, self.limits, (changed, end), self.progress).await?;
        Ok(report)
    }

    /// Reads the file into the stage.
    async fn read(&self, stage: &mut Stage, source: Source, faults: &mut Faults) -> Result<Header, Failure> {
        self.progress.begin(source.rows, "read");
        let (sender, mut pieces) = mpsc::channel(WAITING);
        let (limits, sheet) = (*self.limits, self.asked.sheet.clone());
        let reader = tokio::task::spawn_blocking(move || match source.form {
            Form::Csv => lines::read_csv(source, &limits, sender),
            Form::Xlsx => sheet::read_xlsx(source, sheet.as_deref(), &limits, sender),
        });
        let mut header = None;
        while let Some(piece) = pieces.recv().await {
            match (piece, &header) {
                (Piece::Header(cells), _) => {
                    let read = Header::read(self.asked.kind, &cells)?;
                    stage.make(&read).await?;
                    header = Some(read);
                }
                (Piece::Lines(lines, at), Some(header)) => {
                    let rows: Result<_, Failure> = lines.iter().map(|line| self.line(header, line, faults)).collect();
                    stage.append(header, rows?).await?;
                    self.progress.advance(at);
                }
                (Piece::Lines(..), None) => return Err(Failure::internal("lines came before their header")),
            }
        }
        reader.await.map_err(Failure::internal)??;
        self.progress.end();
        header.ok_or_else(|| Failure::internal("a file without a header was read"))
    }

    /// A line as it is staged. One that is refused is staged too, so that those which refer to it are not refused
    /// with it.
    fn line(&self, header: &Header, line: &RawLine, faults: &mut Faults) -> Result<Vec<Cell>, Failure> {
        let table = header.table;
        let (mut row, mut codes) = (vec![Cell::Null; table.columns.len()], Vec::new());
        let mut is_good = true;
        let mut refuse = |column: &str, rule: &LineRule| {
            faults.add(line.line, column, rule, Severity::Refusal);
            is_good = false;
        };
        if let Some(rule) = &line.broken {
            refuse("", rule);
        } else if line.cells.iter().skip(header.targets.len()).any(|cell| !cell.is_blank()) {
            let (found, wanted) = (line.cells.len(), header.targets.len());
            refuse("", &LineRule::CellCount { found, wanted });
        }
        for (target, raw) in header.targets.iter().zip(&line.cells) {
            let column = &table.columns[target.position];
            let valued = if column.is_sensitive {
                cells::sealed(self.node, table, column, raw)?
            } else {
                cells::value(column, raw, self.asked.spelling)
            };
            let cell = match valued {
                Ok(Cell::Null) if header.must(column) => Err(Rule::Missing.into()),
                other => other,
            };
            let cell = cell.unwrap_or_else(|rule| {
                refuse(&header.shown(target.position), &rule);
                Cell::Null
            });
            if target.by_code {
                codes.push((target.position, cell));
            } else {
                row[target.position] = cell;
            }
        }
        // The stage has the codes in the order of the table's columns.
        codes.sort_by_key(|(position, _)| *position);
        let mut staged = vec![Cell::Int(line.line), Cell::Int(i64::from(is_good))];
        staged.append(&mut row);
        staged.extend(codes.into_iter().map(|(_, code)| code));
        Ok(staged)
    }
}

async fn count(stage: &mut Stage, report: &mut Report, faults: Faults) -> Result<(), Failure> {
    let mut number = async |sql: &str| -> Result<u64, Failure> {
        u64::try_from(stage.number(sql).await?).map_err(Failure::internal)
    };
    let of = |change: Change| format!("SELECT count(*) FROM line WHERE is_good = 1 AND change = {}", change.number());
    report.lines = number("SELECT count(*) FROM line WHERE line > 0").await?;
    report.refused = number("SELECT count(*) FROM line WHERE is_good = 0").await?;
    if report.refused == 0 {
        report.inserted = number(&of(Change::Insert)).await?;
        report.updated = number(&of(Change::Update)).await?;
        report.unchanged = number(&of(Change::None)).await?;
    }
    report.warned = faults.warnings;
    report.fault_count = faults.count;
    report.faults = faults.listed();
    Ok(())
}
