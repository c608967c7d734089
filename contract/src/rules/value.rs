//! What every value must be, whatever row it stands in.

use super::calendar::{is_date8, is_time14, is_time17};
use super::fault::{Fault, Rule};
use super::width::gbk_width;
use super::words::AMOUNT_FEN_MAX;
use crate::rows::{Cell, Column, ColumnType, Table};

/// How the ciphertext of a sensitive column begins: the version, and after it the key's id.
const SEALED: &str = "f1:";
/// Digits of a field key's id.
const KEY_ID_DIGITS: usize = 8;

/// Checks a row's values against its table's columns, each alone.
#[must_use]
pub fn check_values(table: &Table, cells: &[Cell]) -> Vec<Fault> {
    let key = key_text(table, cells);
    if cells.len() != table.columns.len() {
        let wanted = "as many values as the table has columns";
        return vec![Fault::refusal(table.shape.table, key.as_str(), "", Rule::WrongType { wanted })];
    }
    let pairs = table.columns.iter().zip(cells);
    let broken = pairs.filter_map(|(column, cell)| check_value(column, cell).map(|rule| (column.name, rule)));
    broken.map(|(column, rule)| Fault::refusal(table.shape.table, key.as_str(), column, rule)).collect()
}

/// The key of a row as faults name it.
#[must_use]
pub fn key_text(table: &Table, cells: &[Cell]) -> String {
    let part = |position: usize| match cells.get(position) {
        Some(Cell::Text(text)) => text.clone(),
        Some(Cell::Int(number)) => number.to_string(),
        Some(Cell::Null) | None => String::new(),
    };
    table.shape.key_positions().map(part).collect::<Vec<_>>().join("/")
}

/// What is wrong with a value of a column, if anything.
#[must_use]
pub fn check_value(column: &Column, cell: &Cell) -> Option<Rule> {
    match cell {
        Cell::Null => (!column.is_nullable).then_some(Rule::Missing),
        Cell::Int(number) => check_integer(column.kind, *number),
        Cell::Text(text) => check_text(column, text),
    }
}

fn check_integer(kind: ColumnType, number: i64) -> Option<Rule> {
    match kind {
        ColumnType::Integer(least, most) => {
            (!(least..=most).contains(&number)).then_some(Rule::OutOfRange { least, most })
        }
        ColumnType::Bool => (!(0..=1).contains(&number)).then_some(Rule::OutOfRange { least: 0, most: 1 }),
        ColumnType::Fen | ColumnType::Money if number < 0 => Some(Rule::Negative),
        ColumnType::Fen | ColumnType::Money => {
            (number > AMOUNT_FEN_MAX).then_some(Rule::AmountTooLarge { most: AMOUNT_FEN_MAX })
        }
        ColumnType::Text(_) | ColumnType::Date8 | ColumnType::Time14 | ColumnType::Time17 => {
            Some(Rule::WrongType { wanted: "text" })
        }
    }
}

fn check_text(column: &Column, text: &str) -> Option<Rule> {
    match column.kind {
        ColumnType::Text(_) if text.is_empty() => Some(Rule::Missing),
        ColumnType::Text(_) if text.chars().any(char::is_control) => Some(Rule::ControlCharacter),
        ColumnType::Text(_) if column.is_sensitive && !is_sealed(text) => Some(Rule::NotEncrypted),
        ColumnType::Text(most) => {
            let width = gbk_width(text);
            (width > most).then_some(Rule::TooWide { width, most })
        }
        ColumnType::Date8 => (!is_date8(text)).then_some(Rule::NotADate),
        ColumnType::Time14 => (!is_time14(text)).then_some(Rule::NotATime { form: "yyyyMMddHHmmss" }),
        ColumnType::Time17 => (!is_time17(text)).then_some(Rule::NotATime { form: "yyyyMMddHHmmssSSS" }),
        ColumnType::Integer(..) | ColumnType::Fen | ColumnType::Money | ColumnType::Bool => {
            Some(Rule::WrongType { wanted: "an integer" })
        }
    }
}

/// Whether text has the form of field encryption: `f1:<key id>:<base64>`.
#[must_use]
pub fn is_sealed(text: &str) -> bool {
    let Some((key, body)) = text.strip_prefix(SEALED).and_then(|rest| rest.split_once(':')) else { return false };
    let is_key = key.len() == KEY_ID_DIGITS && key.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let digits = body.trim_end_matches('=');
    let is_base64 = digits.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'));
    is_key && is_base64 && !digits.is_empty() && body.len().is_multiple_of(4) && body.len() - digits.len() <= 2
}

#[cfg(test)]
mod tests {
    use super::{check_values, is_sealed};
    use crate::rows::{Cell, PayNotice, Row};
    use crate::{Generator, Size};

    /// The codes of what is wrong with a notice of which one value is another.
    fn with(column: &str, cell: Cell) -> Vec<&'static str> {
        let mut cells = Generator::new(1, Size::S).notice(0).notice.cells();
        cells[PayNotice::TABLE.position(column).unwrap()] = cell;
        check_values(&PayNotice::TABLE, &cells).iter().map(|fault| fault.rule.code()).collect()
    }

    fn text(text: &str) -> Cell {
        Cell::Text(text.to_owned())
    }

    #[test]
    fn each_column_refuses_what_it_cannot_hold() {
        assert_eq!(with("state", Cell::Int(0)), [""; 0]);
        assert_eq!(with("state", Cell::Int(3)), ["out-of-range"]);
        assert_eq!(with("state", text("0")), ["wrong-type"]);
        assert_eq!(with("payer_name", Cell::Null), ["missing"]);
        assert_eq!(with("payer_name", text("")), ["missing"]);
        assert_eq!(with("payer_name", text("王\u{7}芳")), ["control-character"]);
        assert_eq!(with("payer_name", text(&"王".repeat(51))), ["too-wide"]);
        assert_eq!(with("payer_name", text(&"王".repeat(50))), [""; 0]);
        assert_eq!(with("payer_name", Cell::Int(5)), ["wrong-type"]);
        assert_eq!(with("payer_id_no", text("110101199003070011")), ["not-encrypted"]);
        assert_eq!(with("amount_fen", Cell::Int(-1)), ["negative"]);
        assert_eq!(with("amount_fen", Cell::Int(100_000_000_000)), ["amount-too-large"]);
        assert_eq!(with("amount_fen", Cell::Int(99_999_999_999)), [""; 0]);
        assert_eq!(with("bill_date", text("20260230")), ["not-a-date"]);
        assert_eq!(with("create_time", text("20260101")), ["not-a-time"]);
        assert_eq!(check_values(&PayNotice::TABLE, &[])[0].rule.code(), "wrong-type");
    }

    #[test]
    fn ciphertext_has_one_form() {
        assert!(is_sealed("f1:5d0c31a7:AAAA"));
        for bad in
            ["", "f1:", "f1:5d0c31a7:", "f1:5D0C31A7:AAAA", "f2:5d0c31a7:AAAA", "f1:5d0c31a7:AAA", "f1:5d0c31a7:A==="]
        {
            assert!(!is_sealed(bad), "{bad}");
        }
    }
}
