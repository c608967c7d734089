//! What concerns several rows together: the lines of the file over the rows that are there.

use contract::Cell;
use contract::rows::Table;
use contract::rules::{Rule, Segment, Severity, WHOLE_BP, check_segments};
use node::Failure;
use sqlx::Row as _;

use super::limits::REPORT_FAULTS_MAX;
use super::report::{Faults, LineRule};
use super::resolve::is_tree;
use super::stage::{Hit, Stage};
use crate::keys::{referrers, unique};

/// Levels of a tree, as the contract has them.
const LEVELS_MAX: usize = 9;
/// Steps that are taken upwards in search of a ring; a longer one is refused for its levels.
const RING_MAX: usize = 32;
/// Segments that are looked at together.
const SEGMENTS: i64 = 2_000;

/// Checks the lines together, with the rows of the zone that they leave as they are.
///
/// # Errors
/// When the stage fails.
pub(super) async fn check_together(
    stage: &mut Stage,
    table: &'static Table,
    faults: &mut Faults,
) -> Result<(), Failure> {
    if is_tree(table) {
        check_places(stage, table, faults).await?;
    }
    check_unique(stage, table, faults).await?;
    check_deleted(stage, table, faults).await?;
    match table.shape.table {
        "base_item_share" => check_item_shares(stage, faults).await?,
        "base_bill_batch" => {
            check_numbers(stage, table, "bill_code", faults).await?;
            check_batches(stage, faults).await?;
            check_bill_codes(stage, faults).await?;
        }
        "base_agency_bill" => {
            check_numbers(stage, table, "bill_batch_id", faults).await?;
            check_within(stage, faults).await?;
        }
        "base_bill_type" => check_bill_kinds(stage, faults).await?,
        "base_budget_subject" => check_prefixes(stage, faults).await?,
        _ => {}
    }
    if is_tree(table) {
        adjoin(stage, table).await?;
    }
    Ok(())
}

/// No two lines are one row, and none has the business key of another row. A key that goes from one row to another
/// takes two imports: the database refuses it within one.
async fn check_unique(stage: &mut Stage, table: &Table, faults: &mut Faults) -> Result<(), Failure> {
    let name = table.shape.table;
    for key in unique(table) {
        let (columns, last) = (key.join(", "), key.last().copied().unwrap_or_default());
        let given: Vec<String> = key.iter().map(|column| format!("{column} IS NOT NULL")).collect();
        let given = given.join(" AND ");
        let select = format!(
            "SELECT line, '', first FROM (SELECT line, is_good, min(line) OVER (PARTITION BY {columns}) AS first \
             FROM line WHERE {given}) WHERE line <> first AND is_good = 1"
        );
        stage.refuse(&select, last, |hit| LineRule::DuplicateLine { line: hit.number }, faults).await?;
        let same: Vec<String> = key.iter().map(|column| format!("z.{column} = line.{column}")).collect();
        let select = format!(
            "SELECT line, z.id, 0 FROM line JOIN zone.{name} z ON {} WHERE z.id <> line.id AND line.is_good = 1",
            same.join(" AND ")
        );
        stage.refuse(&select, last, |hit| Rule::Duplicate { other: hit.text.clone() }.into(), faults).await?;
    }
    let select = "SELECT line, '', first FROM (SELECT line, is_good, min(line) OVER (PARTITION BY id) AS first FROM line) \
                  WHERE line <> first AND is_good = 1";
    stage.refuse(select, "id", |hit| LineRule::DuplicateLine { line: hit.number }, faults).await
}

/// A row that is deleted is named by none that is not, but for one that the file changes with it.
async fn check_deleted(stage: &mut Stage, table: &'static Table, faults: &mut Faults) -> Result<(), Failure> {
    let name = table.shape.table;
    for (referrer, column) in referrers(name) {
        // Rows of the same kind are as the file leaves them.
        let rows = if referrer == name { "known".to_owned() } else { format!("zone.{referrer}") };
        let select = format!(
            "SELECT l.line, min(r.id), 0 FROM line l JOIN zone.{name} z ON z.id = l.id AND z.is_deleted = 0 \
             JOIN {rows} r ON r.{column} = l.id AND r.is_deleted = 0 WHERE l.is_deleted = 1 AND l.is_good = 1 GROUP BY l.line"
        );
        let rule = |id: &str| Rule::Referred { table: referrer, id: id.to_owned() };
        stage.refuse(&select, "is_deleted", |hit| rule(&hit.text).into(), faults).await?;
    }
    Ok(())
}

/// The tree of an element: parents that are there, levels that follow, no rings, and leaves that are some.
async fn check_places(stage: &mut Stage, table: &'static Table, faults: &mut Faults) -> Result<(), Failure> {
    let name = table.shape.table;
    stage
        .run(&format!(
            "CREATE TABLE known (id TEXT NOT NULL PRIMARY KEY, line INTEGER, parent_id TEXT, level_no INTEGER, \
             is_deleted INTEGER NOT NULL) STRICT, WITHOUT ROWID; \
             INSERT OR IGNORE INTO known SELECT id, line, parent_id, level_no, is_deleted FROM line; \
             INSERT OR IGNORE INTO known SELECT id, NULL, parent_id, level_no, is_deleted FROM zone.{name}; \
             CREATE INDEX known_parent ON known (parent_id)"
        ))
        .await?;
    let select = "SELECT line, parent_id, 0 FROM line WHERE is_good = 1 AND parent_id IS NOT NULL \
                  AND NOT EXISTS (SELECT 1 FROM known k WHERE k.id = line.parent_id \
                  AND (k.is_deleted = 0 OR line.is_deleted = 1))";
    stage.refuse(select, "parent_id", |hit| Rule::NoSuch { table: name, id: hit.text.clone() }.into(), faults).await?;
    count_levels(stage).await?;
    check_levels(stage, table, faults).await?;
    let select = "SELECT line, '', 0 FROM line WHERE is_leaf = 1 AND is_good = 1 \
                  AND EXISTS (SELECT 1 FROM known k WHERE k.parent_id = line.id)";
    stage.refuse(select, "is_leaf", |_| Rule::LeafState.into(), faults).await?;
    stage
        .run(
            "UPDATE line SET is_leaf = NOT EXISTS (SELECT 1 FROM known k WHERE k.parent_id = line.id) \
             WHERE is_leaf IS NULL",
        )
        .await?;
    Ok(())
}

/// Levels that the file does not say follow from the parents', level by level.
async fn count_levels(stage: &mut Stage) -> Result<(), Failure> {
    stage.run("UPDATE line SET level_no = 1 WHERE level_no IS NULL AND parent_id IS NULL").await?;
    for _ in 0..=LEVELS_MAX {
        stage
            .run(
                "UPDATE known SET level_no = l.level_no FROM line l \
                 WHERE l.id = known.id AND known.level_no IS NULL AND l.level_no IS NOT NULL",
            )
            .await?;
        let counted = stage
            .run(
                "UPDATE line SET level_no = k.level_no + 1 FROM known k \
                 WHERE k.id = line.parent_id AND line.level_no IS NULL AND k.level_no IS NOT NULL",
            )
            .await?;
        if counted == 0 {
            break;
        }
    }
    Ok(())
}

/// Every ring has a step at which the level does not follow, so rings are looked for from there.
async fn check_levels(stage: &mut Stage, table: &Table, faults: &mut Faults) -> Result<(), Failure> {
    stage
        .run(&format!(
            "CREATE TABLE odd (line INTEGER NOT NULL PRIMARY KEY, id TEXT NOT NULL, above INTEGER) STRICT; \
             INSERT INTO odd SELECT l.line, l.id, k.level_no FROM line l JOIN known k ON k.id = l.parent_id \
             WHERE l.is_good = 1 AND (l.level_no IS NULL OR l.level_no <> k.level_no + 1); \
             CREATE TABLE ring (id TEXT NOT NULL PRIMARY KEY) STRICT; \
             CREATE TABLE up AS WITH RECURSIVE up (start, at, depth) AS ( \
             SELECT f.id, k.parent_id, 1 FROM (SELECT id FROM odd ORDER BY line LIMIT {REPORT_FAULTS_MAX}) f \
             JOIN known k ON k.id = f.id \
             UNION ALL SELECT up.start, k.parent_id, up.depth + 1 FROM up JOIN known k ON k.id = up.at \
             WHERE up.at <> up.start AND k.parent_id IS NOT NULL AND up.depth < {RING_MAX}) SELECT start, at FROM up; \
             INSERT OR IGNORE INTO ring SELECT at FROM up WHERE start IN (SELECT start FROM up WHERE at = start)"
        ))
        .await?;
    let select = "SELECT line, '', 0 FROM line WHERE is_good = 1 AND id IN (SELECT id FROM ring)";
    stage.refuse(select, "parent_id", |_| Rule::ParentCycle.into(), faults).await?;
    let rest = "FROM odd o JOIN line l ON l.line = o.line WHERE l.is_good = 1";
    let select = format!("SELECT o.line, '', o.above {rest} AND l.level_no IS NOT NULL AND o.above IS NOT NULL");
    stage.refuse(&select, "level_no", |hit| Rule::ParentLevel { parent: hit.number }.into(), faults).await?;
    let select = format!("SELECT o.line, '', 0 {rest} AND l.level_no IS NULL");
    stage.refuse(&select, "level_no", |_| LineRule::NoLevel, faults).await?;
    // A row that goes to another level takes the rows below it along, or may not go.
    let select = format!(
        "SELECT l.line, '', l.level_no FROM line l JOIN zone.{} z ON z.id = l.id AND z.level_no <> l.level_no \
         WHERE l.is_good = 1 AND EXISTS (SELECT 1 FROM known k WHERE k.parent_id = l.id AND k.line IS NULL \
         AND k.level_no <> l.level_no + 1)",
        table.shape.table
    );
    stage.refuse(&select, "level_no", |hit| Rule::ParentLevel { parent: hit.number }.into(), faults).await
}

/// A row outside the file that gets rows below it is no leaf any more; it is changed with the file's rows, under a
/// negative line.
async fn adjoin(stage: &mut Stage, table: &Table) -> Result<(), Failure> {
    let (name, columns) = (table.shape.table, table.shape.columns);
    let value = |column: &&&str| match **column {
        "is_leaf" => "0".to_owned(),
        "update_time" => "NULL".to_owned(),
        column => format!("z.{column}"),
    };
    let values: Vec<String> = columns.iter().map(|column| value(&column)).collect();
    stage
        .run(&format!(
            "INSERT INTO line (line, is_good, found, {}) SELECT -row_number() OVER (ORDER BY z.id), 1, 1, {} \
             FROM zone.{name} z WHERE z.is_leaf = 1 AND z.id IN (SELECT parent_id FROM line WHERE is_good = 1) \
             AND z.id NOT IN (SELECT id FROM line)",
            columns.join(", "),
            values.join(", ")
        ))
        .await?;
    Ok(())
}

/// The shares in force of every item that the file touches are the whole. Items with refused lines are left out:
/// their sum says nothing before those are mended.
async fn check_item_shares(stage: &mut Stage, faults: &mut Faults) -> Result<(), Failure> {
    stage.run("CREATE INDEX line_item ON line (item_id)").await?;
    let select = format!(
        "WITH touched AS (SELECT item_id FROM line WHERE item_id IS NOT NULL UNION \
         SELECT z.item_id FROM zone.base_item_share z JOIN line l ON l.id = z.id), \
         share AS (SELECT item_id, ratio_bp FROM line WHERE is_enabled = 1 AND is_deleted = 0 UNION ALL \
         SELECT z.item_id, z.ratio_bp FROM zone.base_item_share z WHERE z.item_id IN (SELECT item_id FROM touched) \
         AND z.is_enabled = 1 AND z.is_deleted = 0 AND NOT EXISTS (SELECT 1 FROM line l WHERE l.id = z.id)) \
         SELECT coalesce((SELECT min(l.line) FROM line l WHERE l.item_id = s.item_id), \
         (SELECT min(l.line) FROM zone.base_item_share z JOIN line l ON l.id = z.id WHERE z.item_id = s.item_id)), \
         s.item_id, sum(s.ratio_bp) FROM share s WHERE s.item_id IS NOT NULL AND NOT EXISTS \
         (SELECT 1 FROM line l WHERE l.item_id = s.item_id AND l.is_good = 0) \
         GROUP BY s.item_id HAVING sum(s.ratio_bp) <> {WHOLE_BP}"
    );
    stage.refuse(&select, "ratio_bp", |hit| Rule::ShareSum { sum: hit.number }.into(), faults).await
}

/// Numbers of bills belong to one row each, among all rows of the same `of`.
async fn check_numbers(stage: &mut Stage, table: &'static Table, of: &str, faults: &mut Faults) -> Result<(), Failure> {
    let name = table.shape.table;
    stage
        .run(&format!(
            "CREATE TABLE segment (seq INTEGER NOT NULL PRIMARY KEY, of_id TEXT NOT NULL, begin_no TEXT NOT NULL, \
             end_no TEXT NOT NULL, id TEXT NOT NULL, line INTEGER) STRICT; \
             INSERT INTO segment (of_id, begin_no, end_no, id, line) \
             SELECT {of}, begin_no, end_no, id, line FROM line WHERE is_deleted = 0 AND {of} IS NOT NULL \
             AND begin_no IS NOT NULL AND end_no IS NOT NULL AND id IS NOT NULL \
             UNION ALL SELECT z.{of}, z.begin_no, z.end_no, z.id, NULL FROM zone.{name} z WHERE z.is_deleted = 0 \
             AND z.{of} IN (SELECT {of} FROM line) AND z.id NOT IN (SELECT id FROM line) ORDER BY 1, 2, 3, 4"
        ))
        .await?;
    let mut last = 0;
    // The segment that reaches farthest so far.
    let mut farthest: Option<Numbered> = None;
    loop {
        let sql = "SELECT seq, of_id, begin_no, end_no, id, line FROM segment WHERE seq > ?1 ORDER BY seq LIMIT ?2";
        let rows = stage.rows(sql, &[last, SEGMENTS]).await?;
        let mut refused = Vec::new();
        for row in &rows {
            last = row.try_get(0)?;
            let [of, begin_no, end_no, id] = [row.try_get(1)?, row.try_get(2)?, row.try_get(3)?, row.try_get(4)?];
            let this = Numbered { segment: Segment { of, begin_no, end_no, id }, line: row.try_get(5)? };
            if let Some((line, rule)) = farthest.as_ref().and_then(|other| overlap(name, other, &this)) {
                faults.add(line, "begin_no", &rule.into(), Severity::Refusal);
                refused.push(vec![Cell::Int(line)]);
            }
            if !farthest.as_ref().is_some_and(|other| other.reaches(&this)) {
                farthest = Some(this);
            }
        }
        stage.each("UPDATE line SET is_good = 0 FROM r WHERE line.line = r.value ->> '$[0]'", refused).await?;
        if rows.is_empty() {
            return Ok(());
        }
    }
}

/// A segment, and its line where the file has it.
struct Numbered {
    segment: Segment,
    line: Option<i64>,
}

impl Numbered {
    fn reaches(&self, other: &Self) -> bool {
        self.segment.of == other.segment.of && self.segment.end_no >= other.segment.end_no
    }
}

/// The line that is to blame where two segments overlap. Two rows outside the file are not its fault, and two lines
/// of one row are told as such.
fn overlap(table: &'static str, before: &Numbered, this: &Numbered) -> Option<(i64, Rule)> {
    let pair = vec![before.segment.clone(), this.segment.clone()];
    if before.segment.id == this.segment.id || check_segments(table, pair).is_empty() {
        return None;
    }
    let (line, other) = match this.line {
        Some(line) => (line, before),
        None => (before.line?, this),
    };
    Some((line, Rule::SegmentOverlap { other: other.segment.id.clone() }))
}

/// What an agency has lies within its batch.
async fn check_within(stage: &mut Stage, faults: &mut Faults) -> Result<(), Failure> {
    let select = "SELECT l.line, '', 0 FROM line l JOIN zone.base_bill_batch b ON b.id = l.bill_batch_id \
                  WHERE l.is_good = 1 AND l.is_deleted = 0 AND (l.begin_no < b.begin_no OR l.end_no > b.end_no)";
    stage.refuse(select, "begin_no", |_| Rule::SegmentOutside.into(), faults).await
}

/// A batch keeps the numbers that agencies have of it.
async fn check_batches(stage: &mut Stage, faults: &mut Faults) -> Result<(), Failure> {
    let select = "SELECT l.line, '', 0 FROM line l WHERE l.is_good = 1 AND EXISTS (SELECT 1 FROM zone.base_agency_bill s \
                  WHERE s.bill_batch_id = l.id AND s.is_deleted = 0 AND (s.begin_no < l.begin_no OR s.end_no > l.end_no))";
    stage.refuse(select, "begin_no", |_| Rule::SegmentOutside.into(), faults).await
}

/// The code of a batch says of which type of bill it is.
async fn check_bill_codes(stage: &mut Stage, faults: &mut Faults) -> Result<(), Failure> {
    let select = "SELECT l.line, t.class_code || t.kind_code AS digits, 0 FROM line l \
                  JOIN zone.base_bill_type t ON t.id = l.bill_type_id \
                  WHERE l.is_good = 1 AND l.is_deleted = 0 AND substr(l.bill_code, 3, 4) <> digits";
    let rule = |hit: &Hit| Rule::BillCodeKind { digits: hit.text.clone() }.into();
    stage.refuse(select, "bill_code", rule, faults).await
}

/// A type keeps the class and the kind that the codes of its batches say.
async fn check_bill_kinds(stage: &mut Stage, faults: &mut Faults) -> Result<(), Failure> {
    let select = "SELECT l.line, l.class_code || l.kind_code AS digits, 0 FROM line l WHERE l.is_good = 1 AND EXISTS \
                  (SELECT 1 FROM zone.base_bill_batch b WHERE b.bill_type_id = l.id AND b.is_deleted = 0 \
                  AND substr(b.bill_code, 3, 4) <> l.class_code || l.kind_code)";
    let rule = |hit: &Hit| Rule::BillCodeKind { digits: hit.text.clone() }.into();
    stage.refuse(select, "kind_code", rule, faults).await
}

/// Subjects begin with the code of the one above, whether that is in the file or not.
async fn check_prefixes(stage: &mut Stage, faults: &mut Faults) -> Result<(), Failure> {
    let above = "FROM line l JOIN line p ON p.id = l.parent_id WHERE l.is_good = 1 \
                 AND substr(l.ele_code, 1, length(l.ele_code) - 2) <> p.ele_code";
    let outside = "FROM line l JOIN zone.base_budget_subject p ON p.id = l.parent_id WHERE l.is_good = 1 \
                   AND p.id NOT IN (SELECT id FROM line) \
                   AND substr(l.ele_code, 1, length(l.ele_code) - 2) <> p.ele_code";
    let below = "FROM line l WHERE l.is_good = 1 AND EXISTS (SELECT 1 FROM zone.base_budget_subject c \
                 WHERE c.parent_id = l.id AND c.id NOT IN (SELECT id FROM line) \
                 AND substr(c.ele_code, 1, length(c.ele_code) - 2) <> l.ele_code)";
    for rows in [above, outside, below] {
        let select = format!("SELECT DISTINCT l.line, '', 0 {rows}");
        stage.refuse(&select, "ele_code", |_| Rule::SubjectPrefix.into(), faults).await?;
    }
    Ok(())
}
