//! 出入境: an order begins at the unit's own site, and its confirmation comes inside without a notice.

use serde_json::json;
use tests::nodes::Town;
use tests::pair::wait_until;

#[test]
fn a_visa_fee_is_paid_at_the_units_site_booked_and_told() {
    let town = Town::open();
    let (_, unit_fen) = town.item();
    let order = town.order("V-1", None, unit_fen);
    let first = town.succeed(&order, "WX-1", unit_fen);
    // The channel doubles its callback.
    assert_eq!(town.succeed(&order, "WX-1", unit_fen)["confirm_id"], first["confirm_id"]);
    let confirm_id = first["confirm_id"].as_str().unwrap();
    let answer = town.until_answered(confirm_id);
    assert_eq!((&answer["match_state"], &answer["decision"]), (&json!(4), &json!(1)), "{answer}");
    wait_until("the agency's system to be told with its own reference", || {
        town.agency.heard().iter().any(|told| told["biz_ref"] == "签证-V-1" && told["payment_id"] == json!(confirm_id))
    });
    assert_eq!(town.number(tests::pair::INNER, "SELECT count(*) FROM inner_book"), 1);
    assert_eq!(town.number(tests::pair::INNER, "SELECT count(*) FROM pay_confirm_item"), 1);
}
