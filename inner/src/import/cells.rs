//! One cell of a file as a value of a column.

use contract::Cell;
use contract::rows::{Column, ColumnType, Table};
use contract::rules::{MoneySpelling, Spelling, check_value, parse_cell};
use node::field_key::PLAIN_BYTES_MAX;
use node::{Failure, Node};

use super::lines::Raw;
use super::report::LineRule;
use crate::plain::plain;

/// Spreadsheets keep 15 digits of a number.
const NUMBER_END: f64 = 1e15;

/// A value, or what is wrong with the cell.
pub(super) type Valued = Result<Cell, LineRule>;

/// The value of a column that is not encrypted.
///
/// # Errors
/// What is wrong with the cell.
pub(super) fn value(column: &Column, raw: &Raw, spelling: Spelling) -> Valued {
    let cell = match raw {
        Raw::Empty => return Ok(Cell::Null),
        Raw::Text(text) => parse_cell(column, text, spelling)?,
        Raw::Number(number) => parse_cell(column, &digits(column, *number, spelling)?, spelling)?,
        Raw::Bool(flag) if column.kind == ColumnType::Bool => Cell::Int(i64::from(*flag)),
        Raw::Bool(_) => return Err(LineRule::BooleanCell),
        Raw::Date => return Err(LineRule::DateCell),
        Raw::Error(error) => return Err(LineRule::FormulaError { error: error.clone() }),
        Raw::Broken(encoding) => return Err(LineRule::BrokenBytes { encoding: encoding.name() }),
        Raw::TooLong { most } => return Err(LineRule::CellTooLong { most: *most }),
    };
    let is_checked = !column.is_sensitive && cell != Cell::Null;
    is_checked.then(|| check_value(column, &cell)).flatten().map_or(Ok(cell), |rule| Err(rule.into()))
}

/// A number of a spreadsheet as people would write it.
fn digits(column: &Column, number: f64, spelling: Spelling) -> Result<String, LineRule> {
    let is_yuan = matches!(column.kind, ColumnType::Fen | ColumnType::Money) && spelling.money == MoneySpelling::Yuan;
    if !number.is_finite() || number.abs() >= NUMBER_END {
        Err(LineRule::NumberDigits)
    } else if number.fract() == 0.0 {
        Ok(format!("{number:.0}"))
    } else if is_yuan {
        Ok(number.to_string())
    } else {
        Err(LineRule::Fraction)
    }
}

/// The value of a sensitive column, encrypted; it is plain in no file of ours.
///
/// # Errors
/// When there is no randomness; inside, what is wrong with the cell.
pub(super) fn sealed(node: &Node, table: &Table, column: &Column, raw: &Raw) -> Result<Valued, Failure> {
    let text = match value(column, raw, Spelling::default()) {
        Ok(Cell::Text(text)) => text,
        Ok(Cell::Null | Cell::Int(_)) => return Ok(Ok(Cell::Null)),
        Err(rule) => return Ok(Err(rule)),
    };
    let plain = match plain(&text) {
        Ok(Some(plain)) => plain,
        Ok(None) => return Ok(Ok(Cell::Null)),
        Err(rule) => return Ok(Err(rule.into())),
    };
    if plain.len() > PLAIN_BYTES_MAX {
        return Ok(Err(LineRule::CellTooLong { most: PLAIN_BYTES_MAX }));
    }
    let sealed = node.field_key.seal((table.shape.table, column.name), plain, &*node.entropy)?;
    Ok(Ok(Cell::Text(sealed)))
}
