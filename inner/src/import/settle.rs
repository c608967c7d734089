//! What becomes of each line: its whole row is checked, and compared with the row that is there.

use contract::Cell;
use contract::rows::{ColumnType, Table};
use contract::rules::{Severity, check_base};
use node::{Failure, Node};
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::progress::Progress;
use super::report::Faults;
use super::stage::Stage;

/// Lines that are looked at together.
const LINES: i64 = 1_000;
/// What is selected before the columns: the line, whether it is good, whether the row is there.
const BEFORE: usize = 3;

/// What a line does to its row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// Nothing: the row is as the file says.
    None,
    /// The row is added.
    Insert,
    /// The row gets other values.
    Update,
}

impl Change {
    /// The number under which the stage keeps it.
    pub(super) const fn number(self) -> i64 {
        match self {
            Self::None => 0,
            Self::Insert => 1,
            Self::Update => 2,
        }
    }
}

/// Checks every good line's whole row, and notes what it does to the row that is there.
///
/// # Errors
/// When the stage fails.
pub(super) async fn settle(
    node: &Node,
    stage: &mut Stage,
    table: &'static Table,
    faults: &mut Faults,
    progress: &dyn Progress,
) -> Result<(), Failure> {
    let list = |prefix: &str| {
        table.shape.columns.iter().map(|column| format!("{prefix}.{column}")).collect::<Vec<_>>().join(", ")
    };
    let sql = format!(
        "SELECT l.line, l.is_good, l.found, {}, {} FROM line l LEFT JOIN zone.{} z ON z.id = l.id \
         WHERE l.line > ?1 AND l.is_good = 1 ORDER BY l.line LIMIT {LINES}",
        list("l"),
        list("z"),
        table.shape.table
    );
    let changed = changed_columns(table);
    let sets: Vec<String> = changed
        .iter()
        .enumerate()
        .map(|(place, column)| format!("{column} = r.value ->> '$[{}]'", place + 3))
        .collect();
    let update = format!(
        "UPDATE line SET is_good = r.value ->> '$[1]', change = r.value ->> '$[2]', {} FROM r \
         WHERE line.line = r.value ->> '$[0]'",
        sets.join(", ")
    );
    let now = node.clock.now().time17();
    let good = stage.number("SELECT count(*) FROM line WHERE is_good = 1").await?;
    progress.begin(Some(u64::try_from(good).map_err(Failure::internal)?), "compare");
    let (mut last, mut done) = (i64::MIN, 0);
    loop {
        let rows = stage.rows(&sql, &[last]).await?;
        if rows.is_empty() {
            progress.end();
            return Ok(());
        }
        let mut settled = Vec::with_capacity(rows.len());
        for row in &rows {
            last = row.try_get(0)?;
            settled.push(settle_one(node, table, row, &now, faults)?);
        }
        stage.each(&update, settled).await?;
        done += rows.len() as u64;
        progress.advance(done);
    }
}

/// The columns that settling changes: the time of the update, and values that keep their ciphertext.
fn changed_columns(table: &Table) -> Vec<&'static str> {
    let is_changed = |column: &&contract::rows::Column| column.is_sensitive || column.name == "update_time";
    table.columns.iter().filter(is_changed).map(|column| column.name).collect()
}

fn settle_one(
    node: &Node,
    table: &'static Table,
    row: &SqliteRow,
    now: &str,
    faults: &mut Faults,
) -> Result<Vec<Cell>, Failure> {
    let (line, found): (i64, i64) = (row.try_get(0)?, row.try_get(2)?);
    let mut cells = cells_from(table, row, BEFORE)?;
    let was = if found == 1 { Some(cells_from(table, row, BEFORE + table.columns.len())?) } else { None };
    if let Some(was) = &was {
        keep_ciphertext(node, table, &mut cells, was);
    }
    let time = table.position("update_time").ok_or_else(|| Failure::internal("base data has update_time"))?;
    let is_given = cells[time] != Cell::Null;
    let change = match &was {
        None => Change::Insert,
        Some(was) if differs(&cells, was, (!is_given).then_some(time)) => Change::Update,
        Some(was) => {
            cells[time] = was[time].clone();
            Change::None
        }
    };
    if cells[time] == Cell::Null {
        cells[time] = Cell::Text(now.to_owned());
    }
    let mut is_good = true;
    // A row outside the file is changed with it, and not judged.
    let broken = if line > 0 { check_base(table, &cells, &node.policy) } else { Vec::new() };
    for fault in broken {
        is_good &= fault.severity == Severity::Warning;
        faults.add(line, fault.column, &fault.rule.into(), fault.severity);
    }
    let mut settled = vec![Cell::Int(line), Cell::Int(i64::from(is_good)), Cell::Int(change.number())];
    let columns = changed_columns(table);
    settled.extend(columns.into_iter().filter_map(|column| table.position(column)).map(|place| cells[place].clone()));
    Ok(settled)
}

/// Whether a row gets other values, but for a column that does not count.
fn differs(cells: &[Cell], was: &[Cell], but: Option<usize>) -> bool {
    cells.iter().zip(was).enumerate().any(|(place, (cell, was))| Some(place) != but && cell != was)
}

/// Encryption gives another text each time; a value that is the same keeps the text it has.
fn keep_ciphertext(node: &Node, table: &Table, cells: &mut [Cell], was: &[Cell]) {
    for (place, column) in table.columns.iter().enumerate().filter(|(_, column)| column.is_sensitive) {
        let open =
            |cell: &Cell| cell.text().and_then(|text| node.field_key.open((table.shape.table, column.name), text));
        if open(&cells[place]).is_some_and(|plain| open(&was[place]) == Some(plain)) {
            cells[place] = was[place].clone();
        }
    }
}

/// The values of a table's columns from some place of a row on.
///
/// # Errors
/// When a value is of another type than its column.
pub(super) fn cells_from(table: &Table, row: &SqliteRow, from: usize) -> Result<Vec<Cell>, Failure> {
    let value = |(place, kind): (usize, ColumnType)| -> Result<Cell, sqlx::Error> {
        Ok(match kind {
            ColumnType::Text(_) | ColumnType::Date8 | ColumnType::Time14 | ColumnType::Time17 => {
                row.try_get::<Option<String>, _>(from + place)?.map_or(Cell::Null, Cell::Text)
            }
            ColumnType::Integer(..) | ColumnType::Fen | ColumnType::Money | ColumnType::Bool => {
                row.try_get::<Option<i64>, _>(from + place)?.map_or(Cell::Null, Cell::Int)
            }
        })
    };
    let kinds = table.columns.iter().map(|column| column.kind).enumerate();
    kinds.map(value).collect::<Result<_, _>>().map_err(Failure::from)
}
