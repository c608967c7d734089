//! The good lines into the zone's database.

use console::Text;
use contract::rows::Table;
use contract::{Cell, json_rows};
use node::record::{self, Act};
use node::{Failure, Kind as FailureKind, Node};
use serde_json::Map;
use sqlx::Row as _;
use sqlx::sqlite::SqliteConnection;

use super::Limits;
use super::progress::Progress;
use super::sets::{find_wrong, note_sets, set_column};
use super::settle::{Change, cells_from};
use super::stage::Stage;
use crate::base::value_of;

/// Rows of one statement.
const ROWS: u64 = 500;

/// Rows that one statement adds or changes, as the JSON that it takes.
#[derive(Debug)]
struct Batch {
    change: Change,
    rows: u64,
    json: String,
    /// What the record notes of them: the id, and what it was and is where it differs.
    noted: Vec<(String, String, String)>,
}

/// What one transaction writes.
#[derive(Debug)]
struct Portion {
    batches: Vec<Batch>,
    /// The sets of rows whose last one it writes.
    sets: Vec<String>,
}

/// Puts the lines that change something in order, and keeps what the rows that they change are, as the checks have seen them.
///
/// # Errors
/// When the stage fails.
pub(super) async fn plan(stage: &mut Stage, table: &'static Table) -> Result<(), Failure> {
    // Parents come first, so that a transaction never names a row of a later one; rows of one set stand together.
    let of = set_column(table);
    let order = match of {
        Some(of) => format!("{of}, line"),
        None if table.column("level_no").is_some() => "level_no, line".to_owned(),
        None => "line".to_owned(),
    };
    stage
        .run(&format!(
            "CREATE TABLE todo (seq INTEGER NOT NULL PRIMARY KEY, line INTEGER NOT NULL, of_id TEXT) STRICT; \
             INSERT INTO todo (line, of_id) SELECT line, {} FROM line WHERE change <> {} ORDER BY {order}; \
             UPDATE line SET was = {} FROM zone.{} z WHERE line.change = {} AND z.id = line.id",
            of.unwrap_or("NULL"),
            Change::None.number(),
            whole_row(table, "z"),
            table.shape.table,
            Change::Update.number()
        ))
        .await?;
    note_sets(stage, table).await
}

/// A whole row as text, for comparison.
fn whole_row(table: &Table, prefix: &str) -> String {
    let columns: Vec<String> = table.shape.columns.iter().map(|column| format!("{prefix}.{column}")).collect();
    format!("json_array({})", columns.join(", "))
}

/// Writes what the lines change with an act for each row that was there, and the act that ends the import in the last transaction.
///
/// # Errors
/// When a row is not what it was when the file was checked, or the database refuses one. Whole transactions before that stay.
pub(super) async fn write(
    node: &Node,
    stage: &mut Stage,
    table: &'static Table,
    limits: &Limits,
    (changed, end): (Act, Act),
    progress: &dyn Progress,
) -> Result<(), Failure> {
    let count = u64::try_from(stage.number("SELECT count(*) FROM todo").await?).map_err(Failure::internal)?;
    let chunk = if count <= limits.whole_rows { limits.whole_rows } else { limits.chunk_rows };
    if count > 0 {
        progress.begin(Some(count), "write");
    }
    let (mut done, mut end) = (0, Some(end));
    while done < count {
        let to = portion_end(stage, done, count.min(done + chunk), limits).await?;
        let portion = load(stage, table, done, to).await?;
        done = to;
        let (changed, act) = (changed.clone(), if done == count { end.take() } else { None });
        node.database.write(move |connection| Box::pin(commit(connection, table, portion, changed, act))).await?;
        progress.advance(done);
    }
    progress.end();
    if let Some(act) = end {
        node.database.write(move |connection| Box::pin(async move { record::note(connection, &act).await })).await?;
    }
    Ok(())
}

fn place(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Where a transaction ends: a set of rows is not cut in two, unless it is larger than any transaction may be.
async fn portion_end(stage: &mut Stage, from: u64, to: u64, limits: &Limits) -> Result<u64, Failure> {
    let sql = "SELECT coalesce(max(t.seq), ?1) FROM todo t WHERE t.seq > ?1 AND t.seq <= ?2 \
               AND t.of_id = (SELECT of_id FROM todo WHERE seq = ?1)";
    let rows = stage.rows(sql, &[place(to), place(from + limits.whole_rows + 1)]).await?;
    let end = rows.first().map_or(Ok(place(to)), |row| row.try_get::<i64, _>(0))?;
    let end = u64::try_from(end).map_err(Failure::internal)?;
    Ok(if end - from <= limits.whole_rows.max(to - from) { end } else { to })
}

/// The rows of one transaction, from one place to another.
async fn load(stage: &mut Stage, table: &Table, from: u64, to: u64) -> Result<Portion, Failure> {
    let columns: Vec<String> = table.shape.columns.iter().map(|column| format!("l.{column}")).collect();
    let sql = format!(
        "SELECT l.change, l.was, {} FROM todo t JOIN line l ON l.line = t.line WHERE t.seq > ?1 AND t.seq <= ?2 \
         ORDER BY t.seq",
        columns.join(", ")
    );
    let (mut batches, mut at) = (Vec::new(), from);
    while at < to {
        let next = (at + ROWS).min(to);
        let (mut inserts, mut updates, mut noted) = (Vec::new(), Vec::new(), Vec::new());
        for row in &stage.rows(&sql, &[place(at), place(next)]).await? {
            let mut cells = cells_from(table, row, 2)?;
            if row.try_get::<i64, _>(0)? == Change::Insert.number() {
                inserts.push(cells);
            } else {
                let was: String = row.try_get(1)?;
                noted.push(difference(table, &was, &cells)?);
                cells.push(Cell::Text(was));
                updates.push(cells);
            }
        }
        for (change, rows, noted) in [(Change::Insert, inserts, Vec::new()), (Change::Update, updates, noted)] {
            if !rows.is_empty() {
                batches.push(Batch { change, rows: rows.len() as u64, json: json_rows(rows), noted });
            }
        }
        at = next;
    }
    let sql = "SELECT of_id FROM due WHERE seq > ?1 AND seq <= ?2 ORDER BY of_id";
    let rows = stage.rows(sql, &[place(from), place(to)]).await?;
    let sets = rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
    Ok(Portion { batches, sets })
}

/// The id of a row that changes, and what it was and is in the columns that do: sensitive ones as they are stored.
fn difference(table: &Table, was: &str, is_now: &[Cell]) -> Result<(String, String, String), Failure> {
    let was: Vec<serde_json::Value> = serde_json::from_str(was).map_err(Failure::internal)?;
    let (mut before, mut after) = (Map::new(), Map::new());
    for ((column, was), is_now) in table.columns.iter().zip(was).zip(is_now) {
        let was = match was {
            serde_json::Value::String(text) => Cell::Text(text),
            serde_json::Value::Number(number) => number.as_i64().map_or(Cell::Null, Cell::Int),
            serde_json::Value::Null
            | serde_json::Value::Bool(_)
            | serde_json::Value::Array(_)
            | serde_json::Value::Object(_) => Cell::Null,
        };
        if was != *is_now {
            before.insert(column.name.to_owned(), value_of(column, &was));
            after.insert(column.name.to_owned(), value_of(column, is_now));
        }
    }
    let id = table.position("id").and_then(|place| is_now[place].text()).unwrap_or_default();
    let text = |values: Map<_, _>| serde_json::Value::Object(values).to_string();
    Ok((id.to_owned(), text(before), text(after)))
}

async fn commit(
    connection: &mut SqliteConnection,
    table: &'static Table,
    portion: Portion,
    changed: Act,
    end: Option<Act>,
) -> Result<(), Failure> {
    let (shape, name) = (table.shape, table.shape.table);
    for batch in portion.batches {
        let sql = match batch.change {
            Change::Insert => shape.insert_sql(),
            // What is written over is what the file was checked against, value by value.
            Change::Update => format!(
                "{} AND {} = r.value ->> '$[{}]'",
                shape.update_sql(),
                whole_row(table, name),
                shape.columns.len()
            ),
            Change::None => continue,
        };
        let done = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(batch.json).execute(&mut *connection).await?;
        if done.rows_affected() != batch.rows {
            return Err(changed_meanwhile(name, ""));
        }
        for (id, was, is_now) in batch.noted {
            let object = format!("{name}/{id}");
            let act = Act { object, was: Some(was), is_now: Some(is_now), ..changed.clone() };
            record::note(connection, &act).await?;
        }
    }
    if let Some(of) = find_wrong(connection, table, &portion.sets).await? {
        return Err(changed_meanwhile(name, &format!("/{of}")));
    }
    if let Some(act) = end {
        record::note(connection, &act).await?;
    }
    Ok(())
}

fn changed_meanwhile(table: &str, of: &str) -> Failure {
    Failure::new(
        FailureKind::Conflict,
        "changed-meanwhile",
        console::text!(
            "rows of {table}{of} were changed while the file was checked",
            "校验期间 {table}{of} 的数据被修改"
        ),
        Text::fixed("run the import again: it is checked against what is there", "请重新导入，将按现有数据重新校验"),
    )
}
