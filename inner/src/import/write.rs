//! The good lines into the zone's database.

use console::Text;
use contract::json_rows;
use contract::rows::{Shape, Table};
use node::record::{self, Act};
use node::{Failure, Kind as FailureKind, Node};
use sqlx::Row as _;
use sqlx::sqlite::SqliteConnection;

use super::Limits;
use super::progress::Progress;
use super::settle::{Change, cells_from};
use super::stage::Stage;

/// Rows of one statement.
const ROWS: u64 = 500;

/// Rows that one statement adds or changes, as the JSON that it takes.
#[derive(Debug)]
struct Batch {
    change: Change,
    rows: u64,
    json: String,
}

/// Writes what the lines change, and the act that ends the import in the last transaction.
///
/// # Errors
/// When the database refuses it. Whole transactions before that stay.
pub(super) async fn write(
    node: &Node,
    stage: &mut Stage,
    table: &'static Table,
    limits: &Limits,
    end: Act,
    progress: &dyn Progress,
) -> Result<(), Failure> {
    // Parents come first, so that a transaction never names a row of a later one.
    let order = if table.column("level_no").is_some() { "level_no, line" } else { "line" };
    stage
        .run(&format!(
            "CREATE TABLE todo (seq INTEGER NOT NULL PRIMARY KEY, line INTEGER NOT NULL) STRICT; \
             INSERT INTO todo (line) SELECT line FROM line WHERE change <> {} ORDER BY {order}",
            Change::None.number()
        ))
        .await?;
    let count = u64::try_from(stage.number("SELECT count(*) FROM todo").await?).map_err(Failure::internal)?;
    let chunk = if count <= limits.whole_rows { limits.whole_rows } else { limits.chunk_rows };
    if count > 0 {
        progress.begin(Some(count), "write");
    }
    let (mut done, mut end) = (0, Some(end));
    while done < count {
        let rows = chunk.min(count - done);
        let batches = load(stage, table, done, rows).await?;
        done += rows;
        let act = if done == count { end.take() } else { None };
        node.database.write(move |connection| Box::pin(commit(connection, table.shape, batches, act))).await?;
        progress.advance(done);
    }
    progress.end();
    if let Some(act) = end {
        node.database.write(move |connection| Box::pin(async move { record::note(connection, &act).await })).await?;
    }
    Ok(())
}

/// The rows of one transaction, from some place on.
async fn load(stage: &mut Stage, table: &Table, from: u64, count: u64) -> Result<Vec<Batch>, Failure> {
    let columns: Vec<String> = table.shape.columns.iter().map(|column| format!("l.{column}")).collect();
    let sql = format!(
        "SELECT l.change, {} FROM todo t JOIN line l ON l.line = t.line WHERE t.seq > ?1 AND t.seq <= ?2 ORDER BY t.seq",
        columns.join(", ")
    );
    let mut batches = Vec::new();
    let (mut from, end) = (from, from + count);
    while from < end {
        let to = (from + ROWS).min(end);
        let places = [from, to].map(|place| i64::try_from(place).unwrap_or(i64::MAX));
        let (mut inserts, mut updates) = (Vec::new(), Vec::new());
        for row in &stage.rows(&sql, &places).await? {
            let is_insert = row.try_get::<i64, _>(0)? == Change::Insert.number();
            let rows = if is_insert { &mut inserts } else { &mut updates };
            rows.push(cells_from(table, row, 1)?);
        }
        for (change, rows) in [(Change::Insert, inserts), (Change::Update, updates)] {
            if !rows.is_empty() {
                batches.push(Batch { change, rows: rows.len() as u64, json: json_rows(rows) });
            }
        }
        from = to;
    }
    Ok(batches)
}

async fn commit(
    connection: &mut SqliteConnection,
    shape: Shape,
    batches: Vec<Batch>,
    act: Option<Act>,
) -> Result<(), Failure> {
    for batch in batches {
        let sql = match batch.change {
            Change::Insert => shape.insert_sql(),
            Change::Update => shape.update_sql(),
            Change::None => continue,
        };
        let done = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(batch.json).execute(&mut *connection).await?;
        if done.rows_affected() != batch.rows {
            return Err(Failure::new(
                FailureKind::Conflict,
                "changed-meanwhile",
                Text::fixed("rows were removed while the file was checked", "校验期间有数据被删除"),
                Text::fixed("run the import again", "请重新导入"),
            ));
        }
    }
    if let Some(act) = act {
        record::note(connection, &act).await?;
    }
    Ok(())
}
