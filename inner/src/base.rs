//! Base data one row at a time (基础数据维护): as people and a ledger enter, change and disable it.
//!
//! Rows are never deleted: what ceases to count is disabled, or marked as deleted, and the mark crosses like any change.

use std::collections::BTreeMap;

use contract::Cell;
use contract::rows::{Column, ColumnType, Kind, Table};
use contract::rules::{Fault, Rule, Severity, check_base};
use node::record::{self, Act};
use node::rows::{bind, cells, columns_sql, put_cells};
use node::{Failure, Moment, Node, guid};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sqlx::Row as _;
use sqlx::sqlite::SqliteConnection;

use crate::base_sets::{Touched, check_sets};
use crate::keys::{referred, unique};
use crate::plain::plain;

/// A row as people and ledgers write it: values by the names of columns. What is left out of a row that is there stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Edit {
    /// The kind: its code, such as AGENCY, or its Chinese title.
    pub kind: String,
    /// Values by column; `id` names a row that is there, and without one a new row is made.
    pub values: BTreeMap<String, Value>,
}

/// What became of an edit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Edited {
    /// The row's id.
    pub id: String,
    /// Whether it is new.
    pub is_new: bool,
    /// What people should look at, in both languages.
    pub warnings: Vec<String>,
}

/// Rows of one request: a screen of a person, or a message of a ledger.
pub const EDITS_MAX: usize = 500;

/// Writes edits one after the other in the caller's transaction, notes them in the record, and looks at what they are together: the
/// shares of an item, segments of numbers and the places of a tree are right when the last one is written.
///
/// # Errors
/// Every rule that a row breaks, or all of them together.
pub async fn edit_all(
    connection: &mut SqliteConnection,
    node: &Node,
    edits: Vec<Edit>,
    act: Act,
    now: Moment,
) -> Result<Vec<Edited>, Failure> {
    if edits.is_empty() || edits.len() > EDITS_MAX {
        return Err(Failure::new(
            node::Kind::Bad,
            "rows",
            console::text!("1 to {EDITS_MAX} rows are taken at once", "一次可受理 1 至 {EDITS_MAX} 行"),
            console::Text::fixed("send them in several requests", "请分多次提交"),
        ));
    }
    let (mut edited, mut touched) = (Vec::with_capacity(edits.len()), Vec::with_capacity(edits.len()));
    for one in edits {
        let (row, written) = edit(connection, node, one, act.clone(), now).await?;
        edited.push(row);
        touched.push(written);
    }
    let faults = check_sets(connection, &touched).await?;
    if faults.is_empty() { Ok(edited) } else { Err(Failure::of_faults(faults)) }
}

/// Writes an edit in the caller's transaction, and notes it in the record.
async fn edit(
    connection: &mut SqliteConnection,
    node: &Node,
    edit: Edit,
    act: Act,
    now: Moment,
) -> Result<(Edited, Touched), Failure> {
    let kind =
        Kind::parse(&edit.kind).ok_or_else(|| Failure::missing("kind of base data", "基础数据种类", &edit.kind))?;
    let table = kind.definition();
    let id = match edit.values.get("id") {
        Some(Value::String(id)) => Some(id.clone()),
        Some(_) => return Err(refused(table, "", "id", Rule::WrongType { wanted: "text" })),
        None => None,
    };
    let before = match &id {
        Some(id) => find(connection, table, id).await?,
        None => None,
    };
    let is_new = before.is_none();
    let id = match id {
        Some(id) => id,
        None => guid(&*node.entropy, now)?,
    };
    let row = merged(node, table, before.as_deref(), &id, &edit.values, now)?;
    let mut faults = check_base(table, &row, &node.policy);
    if faults.iter().all(|fault| fault.severity == Severity::Warning) {
        faults.extend(references(connection, table, &row).await?);
        faults.extend(doubled(connection, table, &row).await?);
        faults.extend(together(connection, table, &row).await?);
    }
    let (broken, warned): (Vec<Fault>, Vec<Fault>) =
        faults.into_iter().partition(|fault| fault.severity == Severity::Refusal);
    if !broken.is_empty() {
        return Err(Failure::of_faults(broken));
    }
    put_cells(connection, table, &row).await?;
    let shown = |cells: &[Cell]| document(table, cells).to_string();
    let act = Act {
        object: format!("{}/{id}", table.shape.table),
        was: before.as_deref().map(shown),
        is_now: Some(shown(&row)),
        ..act
    };
    record::note(connection, &act).await?;
    let warnings = warned.iter().map(|fault| format!("{fault} / {}", fault.chinese())).collect();
    Ok((Edited { id, is_new, warnings }, Touched { table, before, after: row }))
}

fn refused(table: &Table, key: &str, column: &'static str, rule: Rule) -> Failure {
    Failure::of_faults(vec![Fault::refusal(table.shape.table, key, column, rule)])
}

/// The row of an id, as values.
///
/// # Errors
/// When the database cannot be read.
pub async fn find(connection: &mut SqliteConnection, table: &Table, id: &str) -> Result<Option<Vec<Cell>>, Failure> {
    let sql = format!("SELECT {} FROM {} WHERE id = ?1", columns_sql(table), table.shape.table);
    let found = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(id.to_owned()).fetch_optional(connection).await?;
    found.map(|row| cells(table, &row)).transpose()
}

/// The values of the row as it is to be: those of the edit over those that are there, over what a new row begins with.
fn merged(
    node: &Node,
    table: &Table,
    before: Option<&[Cell]>,
    id: &str,
    values: &BTreeMap<String, Value>,
    now: Moment,
) -> Result<Vec<Cell>, Failure> {
    let unknown: Vec<&String> = values.keys().filter(|name| table.column(name).is_none()).collect();
    if let Some(name) = unknown.first() {
        return Err(Failure::missing("column", "字段", name));
    }
    let mut row = Vec::with_capacity(table.columns.len());
    for (place, column) in table.columns.iter().enumerate() {
        let there = before.map(|cells| cells[place].clone());
        let cell = match (column.name, values.get(column.name)) {
            ("id", _) => Cell::Text(id.to_owned()),
            ("update_time", _) => Cell::Text(now.time17()),
            ("create_time", _) => there.unwrap_or_else(|| Cell::Text(now.time17())),
            (_, Some(value)) => given(node, table, column, id, value)?,
            ("is_enabled", None) => there.unwrap_or(Cell::Int(1)),
            ("is_deleted", None) => there.unwrap_or(Cell::Int(0)),
            ("is_leaf", None) => there.unwrap_or(Cell::Int(1)),
            (_, None) => there.unwrap_or(Cell::Null),
        };
        row.push(cell);
    }
    Ok(row)
}

/// A value as JSON has it. A sensitive one comes in the clear and is encrypted.
fn given(node: &Node, table: &Table, column: &'static Column, id: &str, value: &Value) -> Result<Cell, Failure> {
    let wrong = |wanted| Err(refused(table, id, column.name, Rule::WrongType { wanted }));
    match (value, column.kind) {
        (Value::Null, _) => Ok(Cell::Null),
        (Value::String(text), ColumnType::Text(_)) if column.is_sensitive => {
            let text = plain(text).map_err(|rule| refused(table, id, column.name, rule))?;
            let seal = |text| node.field_key.seal((table.shape.table, column.name), text, &*node.entropy);
            Ok(text.map(seal).transpose()?.map_or(Cell::Null, Cell::Text))
        }
        (Value::String(text), ColumnType::Text(_) | ColumnType::Date8 | ColumnType::Time14 | ColumnType::Time17) => {
            Ok(Cell::Text(text.clone()))
        }
        (Value::Number(number), ColumnType::Integer(..) | ColumnType::Fen | ColumnType::Money) => {
            number.as_i64().map_or_else(|| wrong("an integer"), |number| Ok(Cell::Int(number)))
        }
        (Value::Bool(flag), ColumnType::Bool) => Ok(Cell::Int(i64::from(*flag))),
        (_, ColumnType::Bool) => wrong("true or false"),
        (_, ColumnType::Integer(..) | ColumnType::Fen | ColumnType::Money) => wrong("an integer"),
        (_, ColumnType::Text(_) | ColumnType::Date8 | ColumnType::Time14 | ColumnType::Time17) => wrong("text"),
    }
}

/// Ids that name nothing. Foreign keys are checked when a transaction ends, and by then other jobs are in it.
async fn references(connection: &mut SqliteConnection, table: &Table, row: &[Cell]) -> Result<Vec<Fault>, Failure> {
    let mut faults = Vec::new();
    // A row that is deleted may name another one that is.
    let is_deleted = table.position("is_deleted").is_some_and(|place| row[place] == Cell::Int(1));
    let also = if is_deleted { "" } else { "AND is_deleted = 0" };
    for (column, cell) in table.columns.iter().zip(row) {
        let (Some(target), Some(id)) = (referred(table, column.name), cell.text()) else { continue };
        let sql = format!("SELECT count(*) FROM {target} WHERE id = ?1 {also}");
        let found: i64 =
            sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).bind(id.to_owned()).fetch_one(&mut *connection).await?;
        if found == 0 {
            let rule = Rule::NoSuch { table: target, id: id.to_owned() };
            faults.push(Fault::refusal(table.shape.table, contract::rules::key_text(table, row), column.name, rule));
        }
    }
    Ok(faults)
}

/// Other rows that have the row's business key, which the database would refuse without saying which one.
async fn doubled(connection: &mut SqliteConnection, table: &Table, row: &[Cell]) -> Result<Vec<Fault>, Failure> {
    let name = table.shape.table;
    let id = contract::rules::key_text(table, row);
    let mut faults = Vec::new();
    for key in unique(table) {
        let cells = key.iter().filter_map(|column| table.position(column)).map(|place| &row[place]);
        let same: Vec<String> = (2..).zip(*key).map(|(at, column)| format!("{column} = ?{at}")).collect();
        let sql = format!("SELECT id FROM {name} WHERE id <> ?1 AND {} LIMIT 1", same.join(" AND "));
        let query = bind(sqlx::query(sqlx::AssertSqlSafe(sql)), &Cell::Text(id.clone()));
        let found = cells.fold(query, bind).fetch_optional(&mut *connection).await?;
        if let (Some(found), Some(column)) = (found, key.last()) {
            faults.push(Fault::refusal(name, id.as_str(), column, Rule::Duplicate { other: found.try_get(0)? }));
        }
    }
    Ok(faults)
}

/// What a row breaks together with those that are there: its place in the tree.
async fn together(connection: &mut SqliteConnection, table: &Table, row: &[Cell]) -> Result<Vec<Fault>, Failure> {
    let value = |name: &str| table.position(name).map(|place| &row[place]);
    let Some(parent) = value("parent_id").and_then(Cell::text) else { return Ok(Vec::new()) };
    let (Some(id), Some(level)) = (value("id").and_then(Cell::text), value("level_no").and_then(Cell::int)) else {
        return Ok(Vec::new());
    };
    let name = table.shape.table;
    let refuse = |column, rule| Ok(vec![Fault::refusal(name, id, column, rule)]);
    let sql = format!(
        "WITH RECURSIVE above (id, level_no) AS (SELECT id, level_no FROM {name} WHERE id = ?1 UNION \
         SELECT p.id, p.level_no FROM {name} AS c JOIN above ON above.id = c.id JOIN {name} AS p ON p.id = c.parent_id) \
         SELECT id, level_no FROM above"
    );
    let above =
        bind(sqlx::query(sqlx::AssertSqlSafe(sql)), &Cell::Text(parent.to_owned())).fetch_all(connection).await?;
    let above: Vec<(String, i64)> =
        above.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect::<Result<_, sqlx::Error>>()?;
    if above.iter().any(|(other, _)| other == id) {
        return refuse("parent_id", Rule::ParentCycle);
    }
    match above.first() {
        Some((_, parent)) if parent + 1 != level => refuse("level_no", Rule::ParentLevel { parent: *parent }),
        Some(_) | None => Ok(Vec::new()),
    }
}

/// A row as a document, its sensitive values as they are stored.
#[must_use]
pub fn document(table: &Table, row: &[Cell]) -> Value {
    let value = |(column, cell): (&Column, &Cell)| (column.name.to_owned(), value_of(column, cell));
    Value::Object(table.columns.iter().zip(row).map(value).collect::<Map<_, _>>())
}

/// A value of a column as a document has it.
pub(crate) fn value_of(column: &Column, cell: &Cell) -> Value {
    match cell {
        Cell::Null => Value::Null,
        Cell::Int(number) if column.kind == ColumnType::Bool => Value::Bool(*number == 1),
        Cell::Int(number) => Value::from(*number),
        Cell::Text(text) => Value::from(text.clone()),
    }
}

/// A row as people see it: sensitive values opened and masked (脱敏).
#[must_use]
pub fn masked(node: &Node, table: &Table, row: &[Cell]) -> Value {
    let mut shown = document(table, row);
    for column in table.columns.iter().filter(|column| column.is_sensitive) {
        if let Some(sealed) = shown[column.name].as_str() {
            let plain = node.field_key.open((table.shape.table, column.name), sealed);
            // A value under another key is told as hidden whole.
            shown[column.name] = Value::from(plain.map_or_else(|| "***".to_owned(), |plain| node::mask::mask(&plain)));
        }
    }
    shown
}
