//! Typed rows of the contract in and out of the database.

use contract::Cell;
use contract::rows::{ColumnType, Row, Table};
use sqlx::sqlite::{SqliteArguments, SqliteConnection, SqliteRow};
use sqlx::{Row as _, Sqlite};

use crate::failure::Failure;

type Query<'q> = sqlx::query::Query<'q, Sqlite, SqliteArguments>;

/// Binds a value.
pub fn bind<'q>(query: Query<'q>, cell: &Cell) -> Query<'q> {
    match cell {
        Cell::Null => query.bind(None::<String>),
        Cell::Int(number) => query.bind(*number),
        Cell::Text(text) => query.bind(text.clone()),
    }
}

/// Adds a row.
///
/// # Errors
/// When the database refuses it.
pub async fn insert<R: Row>(connection: &mut SqliteConnection, row: &R) -> Result<(), Failure> {
    insert_cells(connection, &R::TABLE, &row.cells()).await
}

/// Adds the row of some values.
///
/// # Errors
/// When the database refuses it.
pub async fn insert_cells(connection: &mut SqliteConnection, table: &Table, cells: &[Cell]) -> Result<(), Failure> {
    let sql = insert_sql(table);
    let query = cells.iter().fold(sqlx::query(sqlx::AssertSqlSafe(sql)), bind);
    query.execute(connection).await?;
    Ok(())
}

/// Gives the row of that key these values, or adds it. Yields whether it was there.
///
/// # Errors
/// When the database refuses it.
pub async fn put<R: Row>(connection: &mut SqliteConnection, row: &R) -> Result<bool, Failure> {
    put_cells(connection, &R::TABLE, &row.cells()).await
}

/// Gives the row of that key these values, or adds it. Yields whether it was there.
///
/// # Errors
/// When the database refuses it.
pub async fn put_cells(connection: &mut SqliteConnection, table: &Table, cells: &[Cell]) -> Result<bool, Failure> {
    let key: Vec<usize> = table.shape.key_positions().collect();
    let sets: Vec<String> = (0..cells.len())
        .filter(|place| !key.contains(place))
        .map(|place| format!("{} = ?{}", table.columns[place].name, place + 1))
        .collect();
    let same: Vec<String> =
        key.iter().map(|place| format!("{} = ?{}", table.columns[*place].name, place + 1)).collect();
    let sql = format!("UPDATE {} SET {} WHERE {}", table.shape.table, sets.join(", "), same.join(" AND "));
    let query = cells.iter().fold(sqlx::query(sqlx::AssertSqlSafe(sql)), bind);
    if query.execute(&mut *connection).await?.rows_affected() > 0 {
        return Ok(true);
    }
    insert_cells(connection, table, cells).await?;
    Ok(false)
}

fn insert_sql(table: &Table) -> String {
    let names = table.shape.columns.join(", ");
    let places: Vec<String> = (1..=table.columns.len()).map(|place| format!("?{place}")).collect();
    format!("INSERT INTO {} ({names}) VALUES ({})", table.shape.table, places.join(", "))
}

/// The rows that `rest` chooses: what follows `FROM` and the table, with `?1` and so on for `values`.
///
/// # Errors
/// When the database cannot be read.
pub async fn select<R: Row>(
    connection: &mut SqliteConnection,
    rest: &'static str,
    values: &[Cell],
) -> Result<Vec<R>, Failure> {
    let sql = format!("SELECT {} FROM {} {rest}", columns_sql(&R::TABLE), R::TABLE.shape.table);
    let query = values.iter().fold(sqlx::query(sqlx::AssertSqlSafe(sql)), bind);
    query.fetch_all(connection).await?.iter().map(|row| typed::<R>(row)).collect()
}

/// The row of a key, if it is there.
///
/// # Errors
/// When the database cannot be read.
pub async fn find<R: Row>(connection: &mut SqliteConnection, key: &[Cell]) -> Result<Option<R>, Failure> {
    let same: Vec<String> =
        R::TABLE.shape.key.iter().enumerate().map(|(place, name)| format!("{name} = ?{}", place + 1)).collect();
    let table = R::TABLE.shape.table;
    let sql = format!("SELECT {} FROM {table} WHERE {}", columns_sql(&R::TABLE), same.join(" AND "));
    let query = key.iter().fold(sqlx::query(sqlx::AssertSqlSafe(sql)), bind);
    query.fetch_optional(connection).await?.as_ref().map(typed::<R>).transpose()
}

/// The row of a key that is one text.
///
/// # Errors
/// When the database cannot be read.
pub async fn find_by<R: Row>(connection: &mut SqliteConnection, key: &str) -> Result<Option<R>, Failure> {
    find(connection, &[Cell::Text(key.to_owned())]).await
}

/// The columns of a table, as a statement lists them.
#[must_use]
pub fn columns_sql(table: &Table) -> String {
    table.shape.columns.join(", ")
}

/// The values of a row of a table whose columns were selected in the order of the contract.
///
/// # Errors
/// When a value is of another type than its column.
pub fn cells(table: &Table, row: &SqliteRow) -> Result<Vec<Cell>, Failure> {
    let value = |(place, kind): (usize, ColumnType)| -> Result<Cell, sqlx::Error> {
        Ok(match kind {
            ColumnType::Text(_) | ColumnType::Date8 | ColumnType::Time14 | ColumnType::Time17 => {
                row.try_get::<Option<String>, _>(place)?.map_or(Cell::Null, Cell::Text)
            }
            ColumnType::Integer(..) | ColumnType::Fen | ColumnType::Money | ColumnType::Bool => {
                row.try_get::<Option<i64>, _>(place)?.map_or(Cell::Null, Cell::Int)
            }
        })
    };
    let kinds = table.columns.iter().map(|column| column.kind).enumerate();
    kinds.map(value).collect::<Result<_, _>>().map_err(Failure::from)
}

fn typed<R: Row>(row: &SqliteRow) -> Result<R, Failure> {
    let table = R::TABLE.shape.table;
    R::of_cells(cells(&R::TABLE, row)?)
        .ok_or_else(|| Failure::internal(format!("a row of {table} is not what the contract says")))
}

/// A text as a value.
#[must_use]
pub fn text(text: &str) -> Cell {
    Cell::Text(text.to_owned())
}
