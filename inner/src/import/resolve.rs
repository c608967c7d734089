//! Which row a line is, and which rows it refers to.

use contract::Cell;
use contract::rows::{Column, Table};
use contract::rules::Rule;
use node::{Failure, Node, guid};
use sqlx::Row as _;

use super::header::{Header, Reference, is_filled};
use super::report::{Faults, LineRule};
use super::stage::{Hit, Stage};
use crate::keys::unique;

/// Ids that are minted at a time.
const MINTED: usize = 1_000;

/// Whether a table is one of elements, which have codes and stand in a tree.
pub(super) fn is_tree(table: &Table) -> bool {
    table.column("parent_id").is_some()
}

/// `a.x = b.x AND …` for some columns.
fn same(columns: &[&str], left: &str, right: &str) -> String {
    columns.iter().map(|name| format!("{left}.{name} = {right}.{name}")).collect::<Vec<_>>().join(" AND ")
}

/// Finds out which row each line is and which rows it refers to, and fills in what the file does not say.
///
/// # Errors
/// When the stage fails.
pub(super) async fn resolve(
    node: &Node,
    stage: &mut Stage,
    header: &Header,
    faults: &mut Faults,
) -> Result<(), Failure> {
    for reference in header.references.iter().filter(|reference| reference.column != "parent_id") {
        if header.by_code().any(|one| one == reference) {
            codes_of_zone(stage, reference.target, "").await?;
            by_code(stage, reference, faults).await?;
        }
    }
    identify(node, stage, header).await?;
    keep(stage, header).await?;
    fill(stage, &node.clock.now().time17()).await?;
    // What a row keeps is judged like what the file says: the whole row is to be right.
    for reference in header.references.iter().filter(|reference| reference.column != "parent_id") {
        if !header.by_code().any(|one| one == reference) {
            by_id(stage, reference, faults).await?;
        }
    }
    if let Some(parent) = header.by_code().find(|reference| reference.column == "parent_id") {
        codes_of_lines(stage, parent.target).await?;
        by_code(stage, parent, faults).await?;
    }
    Ok(())
}

/// The codes of the zone's rows, for look-ups that its own indexes do not serve. Deleted rows are not named by code.
async fn codes_of_zone(stage: &mut Stage, table: &Table, also: &str) -> Result<(), Failure> {
    let name = table.shape.table;
    let known = stage.number(&format!("SELECT EXISTS (SELECT 1 FROM code WHERE target = '{name}')")).await?;
    if known == 0 || !also.is_empty() {
        stage
            .run(&format!(
                "INSERT INTO code (target, year, code, division, level_no, id) \
                 SELECT '{name}', fiscal_year, ele_code, mof_div_code, level_no, id FROM zone.{name} \
                 WHERE is_deleted = 0 {also}"
            ))
            .await?;
    }
    Ok(())
}

/// The codes of the file's own kind: those of its lines, and of the rows that it leaves as they are.
async fn codes_of_lines(stage: &mut Stage, table: &Table) -> Result<(), Failure> {
    let name = table.shape.table;
    stage
        .run(&format!(
            "INSERT INTO code (target, year, code, division, level_no, id) \
             SELECT '{name}', fiscal_year, ele_code, mof_div_code, level_no, id FROM line \
             WHERE is_deleted = 0 AND fiscal_year IS NOT NULL AND ele_code IS NOT NULL AND mof_div_code IS NOT NULL"
        ))
        .await?;
    codes_of_zone(stage, table, "AND id NOT IN (SELECT id FROM line)").await
}

/// Resolves the codes of a reference: the same division counts first, then any row of the year that is the only one.
async fn by_code(stage: &mut Stage, reference: &Reference, faults: &mut Faults) -> Result<(), Failure> {
    let (column, code, table) = (reference.column, reference.code_column(), reference.target.shape.table);
    let is_parent = column == "parent_id";
    let other = if is_parent { "AND k.id <> line.id" } else { "" };
    let named = format!("k.target = '{table}' AND k.year = line.fiscal_year AND k.code = line.{code} {other}");
    let (near, above) = ("AND k.division = line.mof_div_code", "AND k.level_no = line.level_no - 1");
    // A city without counties has the code of its only county, and the level tells them apart.
    let steps: &[[&str; 2]] =
        if is_parent { &[[near, above], ["", above], [near, ""], ["", ""]] } else { &[[near, ""], ["", ""]] };
    for [division, level] in steps {
        stage
            .run(&format!(
                "UPDATE line SET {column} = (SELECT min(k.id) FROM code k WHERE {named} {division} {level} \
                 HAVING count(DISTINCT k.id) = 1) WHERE {column} IS NULL AND {code} IS NOT NULL"
            ))
            .await?;
    }
    let select = format!(
        "SELECT line, {code}, (SELECT count(DISTINCT k.id) FROM code k WHERE {named}) FROM line \
         WHERE {column} IS NULL AND {code} IS NOT NULL AND fiscal_year IS NOT NULL AND mof_div_code IS NOT NULL"
    );
    let rule = |hit: &Hit| match hit.number {
        0 => Rule::NoSuch { table, id: hit.text.clone() }.into(),
        count => LineRule::AmbiguousCode { table, code: hit.text.clone(), count },
    };
    stage.refuse(&select, &code, rule, faults).await
}

/// Refuses ids of rows that are not there, or are deleted and named by one that is not.
async fn by_id(stage: &mut Stage, reference: &Reference, faults: &mut Faults) -> Result<(), Failure> {
    let (column, table) = (reference.column, reference.target.shape.table);
    let select = format!(
        "SELECT line, {column}, 0 FROM line WHERE {column} IS NOT NULL \
         AND NOT EXISTS (SELECT 1 FROM zone.{table} k WHERE k.id = line.{column} \
         AND (k.is_deleted = 0 OR line.is_deleted = 1))"
    );
    stage.refuse(&select, column, |hit| Rule::NoSuch { table, id: hit.text.clone() }.into(), faults).await
}

/// Gives every line its id: its own, that of the row which it is by its business key, or a new one.
async fn identify(node: &Node, stage: &mut Stage, header: &Header) -> Result<(), Failure> {
    let table = header.table.shape.table;
    if table == "base_region" {
        // A division's code says its level. Where it can say two, the upper one is meant unless the file says the
        // other.
        stage
            .run(
                "UPDATE line SET level_no = CASE WHEN length(ele_code) = 9 THEN 4 WHEN ele_code LIKE '%0000' THEN 1 \
                 WHEN ele_code LIKE '%00' THEN 2 ELSE 3 END WHERE level_no IS NULL AND ele_code IS NOT NULL",
            )
            .await?;
    }
    let key = unique(header.table).first().copied().unwrap_or_default();
    stage
        .run(&format!(
            "UPDATE line SET id = (SELECT z.id FROM zone.{table} z WHERE {}) WHERE id IS NULL",
            same(key, "z", "line")
        ))
        .await?;
    stage.run(&format!("UPDATE line SET found = EXISTS (SELECT 1 FROM zone.{table} z WHERE z.id = line.id)")).await?;
    let mut last = i64::MIN;
    let now = node.clock.now();
    loop {
        let sql = format!("SELECT line FROM line WHERE line > ?1 AND id IS NULL ORDER BY line LIMIT {MINTED}");
        let rows = stage.rows(&sql, &[last]).await?;
        let mut minted = Vec::with_capacity(rows.len());
        for row in rows {
            last = row.try_get(0)?;
            minted.push(vec![Cell::Int(last), Cell::Text(guid(&*node.entropy, now)?)]);
        }
        if minted.is_empty() {
            break;
        }
        stage
            .each("UPDATE line SET id = r.value ->> '$[1]' FROM r WHERE line.line = r.value ->> '$[0]'", minted)
            .await?;
    }
    stage.run("CREATE INDEX line_id ON line (id)").await?;
    Ok(())
}

/// A row that is there keeps what the file does not have: a whole column, or a value that need not be given.
async fn keep(stage: &mut Stage, header: &Header) -> Result<(), Failure> {
    let has_parent = header.table.position("parent_id").is_some_and(|position| header.has(position));
    let is_kept = |(position, column): &(usize, &Column)| match column.name {
        // These follow from the whole tree, or from whether the row differs.
        "id" | "is_leaf" | "update_time" => false,
        "level_no" => !has_parent,
        _ => is_filled(column) || !header.has(*position),
    };
    let columns = header.table.columns.iter().enumerate().filter(is_kept);
    let sets: Vec<String> =
        columns.map(|(_, column)| format!("{0} = coalesce(line.{0}, z.{0})", column.name)).collect();
    let table = header.table.shape.table;
    stage
        .run(&format!(
            "UPDATE line SET {} FROM zone.{table} z WHERE line.found = 1 AND z.id = line.id",
            sets.join(", ")
        ))
        .await?;
    Ok(())
}

async fn fill(stage: &mut Stage, now: &str) -> Result<(), Failure> {
    stage
        .run(&format!(
            "UPDATE line SET create_time = coalesce(create_time, '{now}'), is_deleted = coalesce(is_deleted, 0), \
             is_enabled = coalesce(is_enabled, 1)"
        ))
        .await?;
    Ok(())
}
