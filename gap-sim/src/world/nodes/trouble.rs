//! Rows that no node writes: those of a stranger, those that a database does not take, and those that cannot be encoded.

use contract::rows::{
    BaseCategory, Cell, ColumnType, ConfirmResult, NoticeRequestItem, PayConfirmItem, PayNoticeItem, Row, Table, table,
};
use ferry_format::{Op, StreamName};

use super::desk::json;
use crate::world::change::Change;
use crate::world::store::POISON;

/// How the key of such a row begins. It belongs to no paper, so the nodes do not see it.
pub const ORPHAN: &str = "ORPHAN";

/// What is odd about a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Oddity {
    /// Nothing but that no node wrote it.
    None,
    /// It holds the word that the receiving database does not take.
    Poison,
    /// A number of it is none of its column.
    Unsendable(&'static str),
}

/// The change that writes such a row of a stream.
///
/// # Panics
/// When the stream is none of the contract's.
#[must_use]
pub fn orphan(stream: &StreamName, number: u64, oddity: Oddity) -> Change {
    let id = format!("{ORPHAN}{number}");
    match stream.as_str() {
        "base" => change(&BaseCategory { id, ..BaseCategory::default() }, "ele_name", "level_no", oddity),
        "notice" => {
            change(&PayNoticeItem { pay_code: id, ..PayNoticeItem::default() }, "item_name", "amount_fen", oddity)
        }
        "result" => {
            change(&ConfirmResult { confirm_id: id, ..ConfirmResult::default() }, "book_no", "match_state", oddity)
        }
        "confirm" => {
            change(&PayConfirmItem { confirm_id: id, ..PayConfirmItem::default() }, "item_name", "amount_fen", oddity)
        }
        "request" => change(
            &NoticeRequestItem { request_id: id, ..NoticeRequestItem::default() },
            "item_code",
            "amount_fen",
            oddity,
        ),
        other => panic!("{other} is no stream of the contract"),
    }
}

fn change<R: Row>(row: &R, word: &str, number: &str, oddity: Oddity) -> Change {
    let of = table(R::SHAPE.table).expect("its table is in the contract");
    let cells: Vec<Cell> = row.cells().into_iter().enumerate().map(|(place, cell)| filled(of, place, cell)).collect();
    let place = |column: &str| of.position(column).expect("its column is in the contract");
    let key = json(of.shape.key_positions().map(|place| cells[place].clone()).collect());
    let mut shown = cells.clone();
    match oddity {
        Oddity::None => {}
        Oddity::Poison => shown[place(word)] = Cell::Text(POISON.to_owned()),
        Oddity::Unsendable(_) => shown[place(number)] = Cell::Text("no number".to_owned()),
    }
    let mut values = json(shown);
    if let Oddity::Unsendable(text) = oddity {
        values = values.replace("\"no number\"", text);
    }
    Change { table: R::SHAPE.table.to_owned(), op: Op::Insert, key, values }
}

/// A value that its column takes, where the row has none.
fn filled(of: &Table, place: usize, cell: Cell) -> Cell {
    let sample = match of.columns[place].kind {
        ColumnType::Date8 => "20260101",
        ColumnType::Time14 => "20260101120000",
        ColumnType::Time17 => "20260101120000000",
        ColumnType::Text(_) | ColumnType::Integer(..) | ColumnType::Fen | ColumnType::Money | ColumnType::Bool => "1",
    };
    match cell {
        Cell::Text(text) if text.is_empty() => Cell::Text(sample.to_owned()),
        Cell::Int(0) => Cell::Int(1),
        Cell::Text(_) | Cell::Int(_) | Cell::Null => cell,
    }
}
