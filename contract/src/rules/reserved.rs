//! Lines of confirmations under which no item of an agency stands.

use crate::rows::PayConfirmItem;

/// A line that is no item's: its code and its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReservedLine {
    /// The code, in the column of 收入项目编码.
    pub code: &'static str,
    /// The name, in the column of 收入项目名称.
    pub name: &'static str,
}

/// 滞纳金: a notice has it beside its lines, and a confirmation as its last line.
pub const LATE_FEE: ReservedLine = ReservedLine { code: "103050199", name: "滞纳金" };

/// 待查款项: the whole of a payment whose amount is not what the lines ask for. Which of them it is for nobody knows, and a line
/// cannot be less than nothing; so it has this line alone until people have decided about it. The code is no number, so that it can
/// be no item's.
pub const UNCLEAR: ReservedLine = ReservedLine { code: "UNCLEAR", name: "待查款项" };

impl ReservedLine {
    /// The line of so many fen in a confirmation.
    #[must_use]
    pub fn line(self, confirm_id: &str, line_no: i64, fen: i64) -> PayConfirmItem {
        PayConfirmItem {
            confirm_id: confirm_id.to_owned(),
            line_no,
            item_code: self.code.to_owned(),
            item_name: self.name.to_owned(),
            quantity: 1,
            unit_fen: fen,
            amount_fen: fen,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{LATE_FEE, UNCLEAR};
    use crate::rows::{PayConfirmItem, Row as _};
    use crate::rules::check_values;

    #[test]
    fn a_reserved_line_keeps_the_rules_of_a_line() {
        for reserved in [LATE_FEE, UNCLEAR] {
            let line = reserved.line("c1", 1, 150);
            assert_eq!((line.quantity * line.unit_fen, line.amount_fen), (150, 150));
            assert_eq!(check_values(&PayConfirmItem::TABLE, &line.cells()), []);
        }
    }
}
