//! Statements of other programs in a zone's database: what is another zone's, and what stays as it is.

use tests::pair::{INNER, OUTER};

use super::case::{Case, How};
use super::place::Place;

/// The cases.
pub fn cases(place: &Place) -> Vec<Case> {
    let write = |zone, name, sql: &str, says: &str| Case::new(zone, name, How::Write(sql.to_owned())).naming(says);
    let foreign = |zone, name, sql: &str, owner: &str| write(zone, name, sql, owner);
    vec![
        foreign(OUTER, "base data that is written outside", "UPDATE base_agency SET ele_name = '我的'", "inner"),
        foreign(OUTER, "a notice that is written outside", "UPDATE pay_notice SET total_fen = 1", "inner"),
        foreign(OUTER, "a notice that is deleted outside", "DELETE FROM pay_notice", "inner"),
        foreign(OUTER, "an answer that is written outside", "UPDATE confirm_result SET decision = 1", "inner"),
        foreign(INNER, "a confirmation that is written inside", "UPDATE pay_confirm SET amount_fen = 1", "outer"),
        foreign(INNER, "a confirmation that is deleted inside", "DELETE FROM pay_confirm_item", "outer"),
        write(INNER, "the record of acts that is changed", "UPDATE node_act SET who = 'nobody'", "append-only"),
        write(INNER, "the record of acts that is cut", "DELETE FROM node_act", "append-only"),
        write(
            OUTER,
            "an order that is deleted",
            &format!("DELETE FROM outer_order WHERE platform_order_no = '{}'", place.open_order),
            "orders remain",
        ),
        write(OUTER, "a transaction that is changed", "UPDATE outer_txn SET amount_fen = 1", "transactions stay"),
        write(
            OUTER,
            "money that leaves its state",
            "UPDATE outer_order SET state = 3 WHERE state = 2",
            "money that came in never leaves",
        ),
        write(OUTER, "evidence that is deleted", "DELETE FROM outer_evidence", "evidence remains"),
    ]
}
