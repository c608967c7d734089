//! Rows that only together are right: the shares of an item, and the segments of a bill code or of a batch.
//!
//! The stage checks them over the rows that it sees. Somebody may edit the others before the file's rows are written, so they are looked
//! at once more in the transaction that writes the last row of a set.

use contract::rows::Table;
use contract::rules::WHOLE_BP;
use node::Failure;
use sqlx::sqlite::SqliteConnection;

use super::stage::Stage;

/// The column that says to which set a row belongs; none where rows are right each by itself.
pub(super) fn set_column(table: &Table) -> Option<&'static str> {
    match table.shape.table {
        "base_item_share" => Some("item_id"),
        "base_bill_batch" => Some("bill_code"),
        "base_agency_bill" => Some("bill_batch_id"),
        _ => None,
    }
}

/// The sets that are wrong, among those that `sets` selects. `schema` is where the tables are; the stage leaves the file's rows out.
fn wrong_sql(table: &Table, schema: &str, sets: &str, is_without_lines: bool) -> String {
    let name = table.shape.table;
    let but = |prefix: &str| {
        if is_without_lines { format!("AND {prefix}id NOT IN (SELECT id FROM line)") } else { String::new() }
    };
    let Some(of) = set_column(table) else { return "SELECT '' WHERE 0".to_owned() };
    if name == "base_item_share" {
        return format!(
            "SELECT item_id FROM {schema}.{name} WHERE item_id IN ({sets}) AND is_enabled = 1 AND is_deleted = 0 {} \
             GROUP BY item_id HAVING sum(ratio_bp) <> {WHOLE_BP}",
            but("")
        );
    }
    // A batch and what agencies have of it are looked at from both sides.
    let side = if name == "base_bill_batch" { "b" } else { "s" };
    let (but, but_side) = (but(""), but(&format!("{side}.")));
    format!(
        "SELECT {of} FROM (SELECT {of}, begin_no, max(end_no) OVER (PARTITION BY {of} ORDER BY begin_no, end_no, id \
         ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS reach FROM {schema}.{name} \
         WHERE {of} IN ({sets}) AND is_deleted = 0 {but}) WHERE begin_no <= reach \
         UNION SELECT {side}.{of} FROM {schema}.base_bill_batch b JOIN {schema}.base_agency_bill s ON s.bill_batch_id = b.id \
         WHERE {side}.{of} IN ({sets}) AND s.is_deleted = 0 AND (s.begin_no < b.begin_no OR s.end_no > b.end_no) {but_side}"
    )
}

/// Notes the sets that the file changes, each with the last place among the rows to be written at which one of its rows stands. Those
/// that are wrong already among the rows which the file leaves alone are not its fault, and are left out.
///
/// # Errors
/// When the stage fails.
pub(super) async fn note_sets(stage: &mut Stage, table: &Table) -> Result<(), Failure> {
    stage.run("CREATE TABLE due (of_id TEXT NOT NULL PRIMARY KEY, seq INTEGER NOT NULL) STRICT").await?;
    let Some(of) = set_column(table) else { return Ok(()) };
    let place = table.position(of).ok_or_else(|| Failure::internal("a set's column is one of its table"))?;
    stage
        .run(&format!(
            "INSERT INTO due SELECT of_id, max(seq) FROM (SELECT t.of_id, t.seq FROM todo t UNION ALL \
             SELECT l.was ->> '$[{place}]', t.seq FROM todo t JOIN line l ON l.line = t.line WHERE l.was IS NOT NULL) \
             WHERE of_id IS NOT NULL GROUP BY of_id; \
             CREATE INDEX due_seq ON due (seq)"
        ))
        .await?;
    // The shares of an item are judged whole: a sum that was wrong before is refused with the file's lines.
    if table.shape.table != "base_item_share" {
        let wrong = wrong_sql(table, "zone", "SELECT of_id FROM due", true);
        stage.run(&format!("DELETE FROM due WHERE of_id IN ({wrong})")).await?;
    }
    Ok(())
}

/// A set that is wrong in the zone's database itself, of some sets.
///
/// # Errors
/// When the database cannot be read.
pub(super) async fn find_wrong(
    connection: &mut SqliteConnection,
    table: &Table,
    sets: &[String],
) -> Result<Option<String>, Failure> {
    if sets.is_empty() {
        return Ok(None);
    }
    let sql = format!("{} LIMIT 1", wrong_sql(table, "main", "SELECT value FROM json_each(?1)", false));
    let sets = serde_json::to_string(sets).map_err(Failure::internal)?;
    Ok(sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).bind(sets).fetch_optional(connection).await?)
}
