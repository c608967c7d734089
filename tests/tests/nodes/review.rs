//! A notice that counts no more cannot be paid outside; a payment that nobody can match is booked, reviewed by two people, and what they
//! decide is known outside.

use serde_json::{Value, json};
use tests::nodes::{Ask, Fate, Town, UNIT};
use tests::pair::{INNER, OUTER, wait_until};

#[test]
fn a_payment_for_a_notice_that_was_voided_meanwhile_goes_back_when_two_people_say_so() {
    let town = Town::open();
    let (pay_code, total) = town.issue(1);
    let order = town.order("R-1", Some(&pay_code), total);
    let (li, zhao) = (town.inner.log_in("li"), town.inner.log_in("zhao"));
    let propose = |wish| {
        let asked = json!({ "wish": wish, "reason": "经核实" });
        town.inner.post("/proposal/ask", Ask::Token(&li), asked)["id"].clone()
    };
    let allow = |id| town.inner.post("/proposal/decide", Ask::Token(&zhao), json!({ "id": id, "is_allowed": true }));
    allow(propose(json!({ "what": "void-notice", "pay_code": pay_code })));
    // The outer zone hears of it, and nobody can begin to pay any more.
    until_refused(&town, &pay_code, total, "notice-void", |notice| notice["state"] == 2);
    // The payer of before is at the channel already, and pays.
    town.wechat.arrange(&order, Fate::Once);
    town.wechat.pay(&order, total);
    town.until("the order to be paid", || town.state(&order) == 2);
    let shown = town.outer.get(&format!("/order?platform_order_no={order}"), Ask::Anyone);
    let confirm_id = shown["confirm_id"].as_str().unwrap();
    let answer = town.until_answered(confirm_id);
    assert_eq!((&answer["match_state"], &answer["decision"]), (&json!(4), &json!(4)), "{answer}");
    assert_eq!(town.number(INNER, "SELECT count(*) FROM inner_book WHERE counts = 1"), 0);
    heard(&town, confirm_id, 4);
    let id = propose(json!({ "what": "refund-online", "confirm_id": confirm_id }));
    let alone = json!({ "id": id, "is_allowed": true });
    let (status, refused) = town.inner.ask("POST", "/proposal/decide", Ask::Token(&li), Some(alone));
    assert_eq!(status, 403, "whoever asks does not decide: {refused}");
    allow(id);
    town.until("the decision to be known outside", || {
        town.outer.get(&format!("/confirm?confirm_id={confirm_id}"), Ask::Anyone)["decision"] == 2
    });
    heard(&town, confirm_id, 2);
}

#[test]
fn a_notice_whose_last_day_is_over_inside_cannot_be_paid_outside() {
    let town = Town::open();
    let (pay_code, total) = town.issue(1);
    let order = town.payer().order("R-1", Some(&pay_code), total);
    // What the calendar would come to, the test writes into the notice; the inner zone owns it, and it crosses.
    let past = "UPDATE pay_notice SET bill_date = '20200101', expire_date = '20200131' WHERE pay_code = ?1";
    assert_eq!(town.write(INNER, past, &[&pay_code]), 1);
    until_refused(&town, &pay_code, total, "notice-expired", |notice| notice["expire_date"] == "20200131");
    // An order that was made before cannot be begun either.
    let asked = json!({ "platform_order_no": order, "channel": town.wechat.id() });
    let (status, refused) = town.outer.ask("POST", "/order/pay", Ask::Anyone, Some(asked));
    assert_eq!((status, &refused["error"]["code"]), (409, &json!("notice-expired")), "{refused}");
    assert_eq!(town.number(OUTER, "SELECT count(*) FROM outer_order WHERE state <> 0"), 0);
}

/// Carries until the outer zone knows what became of a notice; then it cannot be paid, and a new order is refused for that reason.
fn until_refused(town: &Town, pay_code: &str, total: i64, code: &str, is_known: impl Fn(&Value) -> bool) {
    let mut shown = Value::Null;
    town.until("the outer zone to know what became of the notice", || {
        shown = town.outer.get(&format!("/notice?pay_code={pay_code}"), Ask::Anyone);
        is_known(&shown)
    });
    assert_eq!(shown["may_be_paid"], false, "{shown}");
    let asked = town.payer().document("R-2", Some(pay_code), total);
    let (status, refused) = town.outer.ask("POST", "/order/create", UNIT, Some(asked));
    assert_eq!((status, &refused["error"]["code"]), (409, &json!(code)), "{refused}");
}

/// Waits until the unit's site has heard what the inner zone decided.
fn heard(town: &Town, confirm_id: &str, decision: i64) {
    wait_until("the unit's site to hear of the decision", || {
        town.site.heard().iter().any(|told| {
            told["kind"] == "confirm" && told["confirm_id"] == json!(confirm_id) && told["decision"] == json!(decision)
        })
    });
}
