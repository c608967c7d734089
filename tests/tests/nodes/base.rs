//! Base data that is changed inside arrives outside, and what begins there from then on goes by it.

use serde_json::{Value, json};
use tests::nodes::{Ask, ITEM, Town, UNIT};
use tests::pair::OUTER;

/// Changes the item that the agency collects, as an operator does.
fn edit(town: &Town, column: &str, value: Value) {
    let li = town.inner.log_in("li");
    let id = town.item_id(ITEM);
    let mut values = json!({ "id": id });
    values[column] = value;
    let edited = town.inner.post("/base/edit", Ask::Token(&li), json!({ "kind": "INCOME_ITEM", "values": values }));
    assert_eq!((&edited["id"], &edited["is_new"]), (&json!(id), &json!(false)), "{edited}");
}

#[test]
fn an_item_that_is_renamed_inside_is_what_the_next_order_outside_is_for() {
    let town = Town::open();
    let (item_code, unit_fen) = town.item();
    let name = || town.outer.get(&format!("/items?code={item_code}"), Ask::Anyone)["items"][0]["name"].clone();
    assert_ne!(name(), "出入境证照费（新）");
    edit(&town, "ele_name", json!("出入境证照费（新）"));
    town.until("the new name to arrive", || name() == "出入境证照费（新）");
    let order = town.order("B-1", None, unit_fen);
    let taken = town.succeed(&order, "WX-1", unit_fen);
    let answer = town.until_answered(taken["confirm_id"].as_str().unwrap());
    assert_eq!(answer["decision"], 1, "{answer}");
    for zone in [tests::pair::INNER, OUTER] {
        let named = "SELECT count(*) FROM pay_confirm_item WHERE item_name = '出入境证照费（新）'";
        assert_eq!(town.number(zone, named), 1, "the confirmation that crossed carries the name");
    }
}

#[test]
fn an_item_that_is_disabled_inside_can_be_ordered_no_more_outside_and_what_was_ordered_stands() {
    let town = Town::open();
    let (_, unit_fen) = town.item();
    let begun = town.order("B-1", None, unit_fen);
    edit(&town, "is_enabled", json!(false));
    let asked = |number: &str| town.payer().document(number, None, unit_fen);
    let mut numbers = 1..;
    let mut refused = Value::Null;
    town.until("the item to be refused outside", || {
        let number = format!("B-2-{}", numbers.next().unwrap());
        let (status, answer) = town.outer.ask("POST", "/order/create", UNIT, Some(asked(&number)));
        refused = answer;
        status != 200
    });
    assert!(refused.to_string().contains("item_code"), "{refused}");
    // No notice for it either, inside.
    let li = town.inner.log_in("li");
    let (item_code, unit_fen) = town.item();
    let drafts = json!({ "drafts": [{
        "agency_id": town.agency_id(), "biz_line": "TRAFFIC", "payer_type": 1, "payer_name": "王芳",
        "lines": [{ "item_code": item_code, "quantity": 1, "unit_fen": unit_fen }],
    }] });
    let (status, answer) = town.inner.ask("POST", "/notice/issue", Ask::Token(&li), Some(drafts));
    assert!(status >= 400 && answer.to_string().contains("item_code"), "{status} {answer}");
    // Money for what was ordered before is taken in: it is there.
    let taken = town.succeed(&begun, "WX-1", unit_fen);
    let answer = town.until_answered(taken["confirm_id"].as_str().unwrap());
    assert_eq!(answer["decision"], 1, "{answer}");
    edit(&town, "is_enabled", json!(true));
    town.until("the item to be orderable again", || {
        town.outer.ask("POST", "/order/create", UNIT, Some(asked("B-3"))).0 == 200
    });
}
