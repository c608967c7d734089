//! What edits of base data break together with the rows that they leave as they are: shares of an item, segments of numbers, trees.
//!
//! Looked at when all edits of a transaction are written, so that a set whose rows depend on one another can be changed as a whole.

use std::collections::{BTreeMap, BTreeSet};

use contract::Cell;
use contract::rows::{BaseAgencyBill, BaseBillBatch, BaseBillType, BaseBudgetSubject, BaseItemShare, Row as _, Table};
use contract::rules::{Fault, Place, Rule, Segment, check_segments, check_shares, check_tree, is_within, key_text};
use node::Failure;
use node::rows::{find_by, select, text};
use sqlx::sqlite::SqliteConnection;

use crate::keys::referrers;

/// A row that an edit has written.
#[derive(Debug, Clone)]
pub(crate) struct Touched {
    pub table: &'static Table,
    pub before: Option<Vec<Cell>>,
    pub after: Vec<Cell>,
}

impl Touched {
    /// The values of a column before and after, where there are any.
    fn values(&self, column: &str) -> impl Iterator<Item = String> {
        let place = self.table.position(column);
        let of = |cells: &[Cell]| place.and_then(|place| cells[place].text()).map(str::to_owned);
        [self.before.as_deref().and_then(of), of(&self.after)].into_iter().flatten()
    }
}

/// What the edits of a transaction break together.
///
/// # Errors
/// When the database cannot be read.
pub(crate) async fn check_sets(connection: &mut SqliteConnection, touched: &[Touched]) -> Result<Vec<Fault>, Failure> {
    let mut faults = shares(connection, touched).await?;
    faults.extend(batches(connection, touched).await?);
    faults.extend(agency_bills(connection, touched).await?);
    faults.extend(bill_codes(connection, touched).await?);
    faults.extend(deleted(connection, touched).await?);
    let mut trees = BTreeMap::<&str, (&'static Table, BTreeSet<String>)>::new();
    for one in touched.iter().filter(|one| one.table.column("parent_id").is_some()) {
        let (_, ids) = trees.entry(one.table.shape.table).or_insert((one.table, BTreeSet::new()));
        ids.extend(one.values("id"));
    }
    for (table, ids) in trees.into_values() {
        faults.extend(places(connection, table, &ids).await?);
    }
    Ok(faults)
}

/// The values of a column in the edited rows of a table.
fn edited(touched: &[Touched], table: &Table, column: &str) -> BTreeSet<String> {
    let of_table = touched.iter().filter(|one| one.table.shape.table == table.shape.table);
    of_table.flat_map(|one| one.values(column)).collect()
}

/// Rows that are deleted while others, which are not, name them: nobody could edit those any more.
async fn deleted(connection: &mut SqliteConnection, touched: &[Touched]) -> Result<Vec<Fault>, Failure> {
    let mut faults = Vec::new();
    let is_deleted = |one: &&Touched| {
        let place = one.table.position("is_deleted");
        let is = |cells: &[Cell]| place.is_some_and(|place| cells[place] == Cell::Int(1));
        is(&one.after) && !one.before.as_deref().is_some_and(is)
    };
    for one in touched.iter().filter(is_deleted) {
        let name = one.table.shape.table;
        let id = key_text(one.table, &one.after);
        for (table, column) in referrers(name) {
            let sql = format!(
                "SELECT r.id FROM {name} t JOIN {table} r ON r.{column} = t.id AND r.is_deleted = 0 \
                 WHERE t.id = ?1 AND t.is_deleted = 1 LIMIT 1"
            );
            let found: Option<String> =
                sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).bind(id.clone()).fetch_optional(&mut *connection).await?;
            let rule = |id| Rule::Referred { table, id };
            faults.extend(found.map(|other| Fault::refusal(name, id.as_str(), "is_deleted", rule(other))));
        }
    }
    Ok(faults)
}

async fn shares(connection: &mut SqliteConnection, touched: &[Touched]) -> Result<Vec<Fault>, Failure> {
    let mut faults = Vec::new();
    for item in edited(touched, &BaseItemShare::TABLE, "item_id") {
        let shares: Vec<BaseItemShare> = select(connection, "WHERE item_id = ?1", &[text(&item)]).await?;
        faults.extend(check_shares(BaseItemShare::TABLE.shape.table, shares.iter()));
    }
    Ok(faults)
}

/// Batches of one bill code do not overlap, and each keeps the numbers that agencies have of it.
async fn batches(connection: &mut SqliteConnection, touched: &[Touched]) -> Result<Vec<Fault>, Failure> {
    let table = &BaseBillBatch::TABLE;
    let ids = edited(touched, table, "id");
    let mut faults = Vec::new();
    for code in edited(touched, table, "bill_code") {
        let batches: Vec<BaseBillBatch> =
            select(connection, "WHERE bill_code = ?1 AND is_deleted = 0", &[text(&code)]).await?;
        let segment =
            |row: BaseBillBatch| Segment { of: row.bill_code, begin_no: row.begin_no, end_no: row.end_no, id: row.id };
        let found = check_segments(table.shape.table, batches.into_iter().map(segment).collect());
        faults.extend(found.into_iter().filter(|fault| is_about(fault, &ids)));
    }
    for id in &ids {
        let Some(batch) = find_by::<BaseBillBatch>(connection, id).await? else { continue };
        for bill in bills_of(connection, id).await? {
            faults.extend(outside(&batch, &bill));
        }
    }
    Ok(faults)
}

/// The code of a batch says of which type of bill it is.
async fn bill_codes(connection: &mut SqliteConnection, touched: &[Touched]) -> Result<Vec<Fault>, Failure> {
    let name = BaseBillBatch::TABLE.shape.table;
    let json = |ids: BTreeSet<String>| serde_json::to_string(&ids).map_err(Failure::internal);
    let (batches, types) = (edited(touched, &BaseBillBatch::TABLE, "id"), edited(touched, &BaseBillType::TABLE, "id"));
    if batches.is_empty() && types.is_empty() {
        return Ok(Vec::new());
    }
    let wrong: Vec<(String, String)> = sqlx::query_as(
        "SELECT b.id, t.class_code || t.kind_code AS digits FROM base_bill_batch b JOIN base_bill_type t ON t.id = b.bill_type_id \
         WHERE (b.id IN (SELECT value FROM json_each(?1)) OR t.id IN (SELECT value FROM json_each(?2))) AND b.is_deleted = 0 \
         AND substr(b.bill_code, 3, 4) <> digits ORDER BY b.id",
    )
    .bind(json(batches)?)
    .bind(json(types)?)
    .fetch_all(connection)
    .await?;
    let fault = |(id, digits): (String, String)| Fault::refusal(name, id, "bill_code", Rule::BillCodeKind { digits });
    Ok(wrong.into_iter().map(fault).collect())
}

/// What agencies have of a batch does not overlap and lies within the batch.
async fn agency_bills(connection: &mut SqliteConnection, touched: &[Touched]) -> Result<Vec<Fault>, Failure> {
    let table = &BaseAgencyBill::TABLE;
    let ids = edited(touched, table, "id");
    let mut faults = Vec::new();
    for batch_id in edited(touched, table, "bill_batch_id") {
        let bills = bills_of(connection, &batch_id).await?;
        if let Some(batch) = find_by::<BaseBillBatch>(connection, &batch_id).await? {
            let edited = bills.iter().filter(|bill| ids.contains(&bill.id));
            faults.extend(edited.filter_map(|bill| outside(&batch, bill)));
        }
        let segment = |row: BaseAgencyBill| Segment {
            of: row.bill_batch_id,
            begin_no: row.begin_no,
            end_no: row.end_no,
            id: row.id,
        };
        let found = check_segments(table.shape.table, bills.into_iter().map(segment).collect());
        faults.extend(found.into_iter().filter(|fault| is_about(fault, &ids)));
    }
    Ok(faults)
}

async fn bills_of(connection: &mut SqliteConnection, batch_id: &str) -> Result<Vec<BaseAgencyBill>, Failure> {
    select(connection, "WHERE bill_batch_id = ?1 AND is_deleted = 0", &[text(batch_id)]).await
}

fn outside(batch: &BaseBillBatch, bill: &BaseAgencyBill) -> Option<Fault> {
    let is_inside = is_within((&batch.begin_no, &batch.end_no), (&bill.begin_no, &bill.end_no));
    let table = BaseAgencyBill::TABLE.shape.table;
    (!is_inside).then(|| Fault::refusal(table, bill.id.as_str(), "begin_no", Rule::SegmentOutside))
}

/// Whether an overlap is one of rows that were edited. One between two others was there before and is not this edit's.
fn is_about(fault: &Fault, ids: &BTreeSet<String>) -> bool {
    let is_with = matches!(&fault.rule, Rule::SegmentOverlap { other } if ids.contains(other));
    is_with || ids.contains(&fault.key)
}

/// Subjects begin with the code of the one above.
async fn subject_prefixes(
    connection: &mut SqliteConnection,
    table: &'static Table,
    ids: &BTreeSet<String>,
) -> Result<Vec<Fault>, Failure> {
    let name = BaseBudgetSubject::TABLE.shape.table;
    if table.shape.table != name {
        return Ok(Vec::new());
    }
    let wrong: Vec<String> = sqlx::query_scalar(
        "WITH edited AS (SELECT value AS id FROM json_each(?1)) \
         SELECT c.id FROM base_budget_subject c JOIN base_budget_subject p ON p.id = c.parent_id \
         WHERE (c.id IN (SELECT id FROM edited) OR p.id IN (SELECT id FROM edited)) \
         AND substr(c.ele_code, 1, length(c.ele_code) - 2) <> p.ele_code ORDER BY c.id",
    )
    .bind(serde_json::to_string(ids).map_err(Failure::internal)?)
    .fetch_all(connection)
    .await?;
    Ok(wrong.into_iter().map(|id| Fault::refusal(name, id, "ele_code", Rule::SubjectPrefix)).collect())
}

/// The edited rows of a tree with the rows above and below them: levels follow, and leaves have nothing below them.
async fn places(
    connection: &mut SqliteConnection,
    table: &'static Table,
    ids: &BTreeSet<String>,
) -> Result<Vec<Fault>, Failure> {
    let name = table.shape.table;
    let sql = format!(
        "WITH edited AS (SELECT value AS id FROM json_each(?1)) SELECT id, parent_id, level_no, is_leaf FROM {name} \
         WHERE id IN (SELECT id FROM edited) OR parent_id IN (SELECT id FROM edited) \
         OR id IN (SELECT parent_id FROM {name} WHERE id IN (SELECT id FROM edited)) ORDER BY id"
    );
    let edited = serde_json::to_string(ids).map_err(Failure::internal)?;
    let found: Vec<(String, Option<String>, i64, bool)> =
        sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(edited).fetch_all(&mut *connection).await?;
    let place = |(id, parent_id, level_no, is_leaf)| Place { id, parent_id, level_no, is_leaf };
    let places: Vec<Place> = found.into_iter().map(place).collect();
    let mut faults = subject_prefixes(connection, table, ids).await?;
    // Rows further up are not looked at here, and those that name them are not missing anything.
    let is_told = |fault: &Fault| matches!(fault.rule, Rule::LeafState | Rule::ParentLevel { .. });
    faults.extend(check_tree(name, &places).into_iter().filter(is_told));
    Ok(faults)
}
