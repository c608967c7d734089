//! Values out of text, as files and forms have them.

use super::fault::Rule;
use super::words::AMOUNT_FEN_MAX;
use crate::rows::{Cell, Column, ColumnType};

/// How a source spells yes and no. Budget integration (预算管理一体化) has both, so it must be said which; nothing is guessed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BoolSpelling {
    /// 1 is yes and 0 is no.
    #[default]
    OneZero,
    /// 1 is yes and 2 is no.
    OneTwo,
}

/// How a source spells money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MoneySpelling {
    /// 分: whole numbers.
    #[default]
    Fen,
    /// 元: at most two decimals.
    Yuan,
}

/// How a source spells what can be spelled in several ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Spelling {
    /// Yes and no.
    pub bools: BoolSpelling,
    /// Money.
    pub money: MoneySpelling,
}

/// The value of a column that `text` spells; blanks around it do not count, and nothing is no value.
///
/// # Errors
/// What is wrong with the spelling. Whether the value fits the column is a question of its own.
pub fn parse_cell(column: &Column, text: &str, spelling: Spelling) -> Result<Cell, Rule> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(Cell::Null);
    }
    match column.kind {
        ColumnType::Text(_) | ColumnType::Date8 | ColumnType::Time14 | ColumnType::Time17 => {
            Ok(Cell::Text(text.to_owned()))
        }
        ColumnType::Integer(..) => integer(text).map(Cell::Int).ok_or(Rule::WrongType { wanted: "an integer" }),
        ColumnType::Fen | ColumnType::Money => money(text, spelling.money).map(Cell::Int),
        ColumnType::Bool => match (text, spelling.bools) {
            ("1" | "是", _) => Ok(Cell::Int(1)),
            ("0", BoolSpelling::OneZero) | ("2", BoolSpelling::OneTwo) | ("否", _) => Ok(Cell::Int(0)),
            (_, BoolSpelling::OneZero) => Err(Rule::WrongType { wanted: "1 (是) or 0 (否)" }),
            (_, BoolSpelling::OneTwo) => Err(Rule::WrongType { wanted: "1 (是) or 2 (否)" }),
        },
    }
}

/// Decimal digits with at most one sign: what `str::parse` takes, without its leading plus.
fn integer(text: &str) -> Option<i64> {
    if text.starts_with('+') { None } else { text.parse().ok() }
}

/// Money in fen out of its spelling.
///
/// # Errors
/// When it is no amount, is negative or is larger than an order can be.
pub fn money(text: &str, spelling: MoneySpelling) -> Result<i64, Rule> {
    let wanted = match spelling {
        MoneySpelling::Fen => "an amount in fen",
        MoneySpelling::Yuan => "an amount in yuan with at most two decimals",
    };
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let are_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let part_max = if spelling == MoneySpelling::Yuan { 2 } else { 0 };
    let is_number = !whole.is_empty() && are_digits(whole) && are_digits(part) && part.len() <= part_max;
    if !is_number || digits.ends_with('.') {
        return Err(Rule::WrongType { wanted });
    }
    let fen = match spelling {
        MoneySpelling::Fen => whole.to_owned(),
        MoneySpelling::Yuan => format!("{whole}{part:0<2}"),
    };
    let fen: i64 = fen.parse().map_err(|_| Rule::AmountTooLarge { most: AMOUNT_FEN_MAX })?;
    match fen {
        fen if text.starts_with('-') && fen != 0 => Err(Rule::Negative),
        fen if fen > AMOUNT_FEN_MAX => Err(Rule::AmountTooLarge { most: AMOUNT_FEN_MAX }),
        fen => Ok(fen),
    }
}

#[cfg(test)]
mod tests {
    use super::{BoolSpelling, MoneySpelling, Spelling, money, parse_cell};
    use crate::rows::{BaseAgency, BaseItemStandard, Cell, Row};

    #[test]
    fn money_is_whole_fen() {
        let yuan = |text| money(text, MoneySpelling::Yuan).map_err(|rule| rule.code());
        assert_eq!(yuan("12.34"), Ok(1_234));
        assert_eq!(yuan("12.3"), Ok(1_230));
        assert_eq!(yuan("0012"), Ok(1_200));
        assert_eq!(yuan("-0.00"), Ok(0));
        assert_eq!(yuan("999999999.99"), Ok(99_999_999_999));
        assert_eq!(yuan("1000000000.00"), Err("amount-too-large"));
        assert_eq!(yuan("99999999999999999999"), Err("amount-too-large"));
        assert_eq!(yuan("-1"), Err("negative"));
        for bad in ["", ".", "1.", ".5", "1.234", "1,000", "1e3", "+1", "１２", "NaN", "--1"] {
            assert_eq!(yuan(bad), Err("wrong-type"), "{bad}");
        }
        assert_eq!(money("1234", MoneySpelling::Fen), Ok(1_234));
        assert!(money("12.34", MoneySpelling::Fen).is_err());
    }

    #[test]
    fn yes_and_no_are_spelled_as_was_said() {
        let column = BaseAgency::TABLE.column("is_deleted").unwrap();
        let parse = |text, bools| {
            let spelling = Spelling { bools, ..Spelling::default() };
            parse_cell(column, text, spelling).map_err(|rule| rule.code())
        };
        assert_eq!(parse("2", BoolSpelling::OneTwo), Ok(Cell::Int(0)));
        assert_eq!(parse("2", BoolSpelling::OneZero), Err("wrong-type"));
        assert_eq!(parse("0", BoolSpelling::OneTwo), Err("wrong-type"));
        assert_eq!(parse(" 是 ", BoolSpelling::OneTwo), Ok(Cell::Int(1)));
        assert_eq!(parse("true", BoolSpelling::OneZero), Err("wrong-type"));
    }

    #[test]
    fn nothing_is_no_value_and_numbers_are_plain() {
        let column = |name| BaseItemStandard::TABLE.column(name).unwrap();
        let parse = |name, text| parse_cell(column(name), text, Spelling::default()).map_err(|rule| rule.code());
        assert_eq!(parse("min_fen", "  "), Ok(Cell::Null));
        assert_eq!(parse("std_no", "7"), Ok(Cell::Int(7)));
        assert_eq!(parse("std_no", "+7"), Err("wrong-type"));
        assert_eq!(parse("std_no", "7.0"), Err("wrong-type"));
        assert_eq!(parse("item_id", " 七 "), Ok(Cell::Text("七".to_owned())));
    }
}
