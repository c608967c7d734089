//! 交警: a fine is paid online, or to the police, or both.

use serde_json::{Value, json};
use tests::nodes::{Ask, COUNTER, Town};
use tests::pair::wait_until;

#[test]
fn a_fine_is_paid_online_and_booked_and_everybody_is_told() {
    let town = Town::open();
    let (pay_code, total) = town.issue(1);
    let notice = town.outer.get(&format!("/notice?pay_code={pay_code}"), Ask::Anyone);
    assert_eq!((&notice["total_fen"], &notice["may_be_paid"]), (&json!(total), &json!(true)), "{notice}");
    let order = town.order("T-1", Some(&pay_code), total);
    let taken = town.succeed(&order, "WX-1", total);
    let confirm_id = taken["confirm_id"].as_str().unwrap().to_owned();
    assert_eq!(town.state(&order), 2);
    let answer = town.until_answered(&confirm_id);
    assert_eq!((&answer["match_state"], &answer["decision"]), (&json!(1), &json!(1)), "{answer}");
    wait_until("the unit's site to be told of the payment", || {
        let paid = |told: &Value| told["kind"] == "order" && told["state"] == 2 && told["paid_fen"] == json!(total);
        town.site.heard().iter().any(|told| paid(told) && told["platform_order_no"] == json!(order))
    });
    wait_until("the unit's site to be told of the answer", || {
        let answered = |told: &Value| told["kind"] == "confirm" && told["match_state"] == 1 && told["decision"] == 1;
        town.site.heard().iter().any(|told| answered(told) && told["confirm_id"] == json!(confirm_id))
    });
    until_agency_hears(&town, "booked", &json!(confirm_id));
    let li = town.inner.log_in("li");
    let shown = town.inner.get(&format!("/notice?pay_code={pay_code}"), Ask::Token(&li));
    assert_eq!(shown["notice"]["state"], 1);
    // The change of the notice crosses, too, and nobody can pay it again.
    town.pair.carry_until("the notice to be paid outside", || {
        town.outer.get(&format!("/notice?pay_code={pay_code}"), Ask::Anyone)["state"] == 1
    });
    let again = json!({ "biz_order_no": "T-2", "title": "罚款", "amount_fen": total, "pay_code": pay_code });
    let (status, answer) = town.outer.ask("POST", "/order/create", tests::nodes::UNIT, Some(again));
    assert_eq!((status, &answer["error"]["code"]), (409, &json!("already-paid")), "{answer}");
}

#[test]
fn what_the_police_took_before_the_online_payment_goes_back() {
    let town = Town::open();
    let (pay_code, total) = town.issue(2);
    // The payer paid the police, who report late: the payer paid online, too.
    let order = town.order("T-1", Some(&pay_code), total);
    let report = json!({ "payments": [{
        "pay_code": pay_code, "source": 2, "source_ref": "JJ-1", "amount_fen": total, "pay_time": "20260302093000",
    }] });
    let reported = town.inner.post("/offline/report", COUNTER, report);
    assert_eq!(reported["payments"][0]["match_state"], 1, "{reported}");
    let taken = town.succeed(&order, "WX-1", total);
    let answer = town.until_answered(taken["confirm_id"].as_str().unwrap());
    assert_eq!((&answer["match_state"], &answer["decision"]), (&json!(2), &json!(3)), "{answer}");
    assert_eq!(town.state(&order), 2, "the online order stands");
    let payment_id = reported["payments"][0]["payment_id"].clone();
    until_agency_hears(&town, "refund-due", &payment_id);
    until_site_hears_of_refund(&town, 1, &payment_id);
    assert!(!agency_has_heard(&town, "refunded", &payment_id), "it has not gone back yet");
    let zhao = town.inner.log_in("zhao");
    let refunded = town.inner.post("/offline/refunded", Ask::Token(&zhao), json!({ "payment_id": payment_id }));
    assert_eq!(refunded["done"], true);
    until_agency_hears(&town, "refunded", &payment_id);
    // The site that tells the payer hears of it, and whoever looks the notice up sees it.
    until_site_hears_of_refund(&town, 2, &payment_id);
    let notice = town.outer.get(&format!("/notice?pay_code={pay_code}"), Ask::Anyone);
    let shown = &notice["offline"][0];
    assert_eq!((&shown["payment_id"], &shown["refund_state"]), (&payment_id, &json!(2)), "{notice}");
}

#[test]
fn a_fine_that_was_paid_to_the_police_cannot_be_paid_online() {
    let town = Town::open();
    let (pay_code, total) = town.issue(1);
    let report = json!({ "payments": [{
        "pay_code": pay_code, "source": 2, "source_ref": "JJ-1", "amount_fen": total, "pay_time": "20260302093000",
    }] });
    town.inner.post("/offline/report", COUNTER, report);
    town.pair.carry_until("the payment to be known outside", || {
        town.outer.get(&format!("/notice?pay_code={pay_code}"), Ask::Anyone)["may_be_paid"] == false
    });
    let asked = json!({ "biz_order_no": "T-1", "title": "罚款", "amount_fen": total, "pay_code": pay_code });
    let (status, answer) = town.outer.ask("POST", "/order/create", tests::nodes::UNIT, Some(asked));
    assert_eq!(status, 409, "{answer}");
}

#[test]
fn what_was_paid_at_a_banks_counter_stands_and_the_online_payment_goes_back() {
    let town = Town::open();
    let (pay_code, total) = town.issue(2);
    let order = town.order("T-1", Some(&pay_code), total);
    // The money is at the bureau; the outer zone does not know it yet.
    let taken = town.pay_bank(&pay_code, "GM-1", total);
    assert_eq!((&taken["match_state"], &taken["refund_state"]), (&json!(1), &json!(0)), "{taken}");
    let paid = town.succeed(&order, "WX-1", total);
    let confirm_id = paid["confirm_id"].as_str().unwrap();
    let answer = town.until_answered(confirm_id);
    assert_eq!((&answer["match_state"], &answer["decision"]), (&json!(2), &json!(2)), "{answer}");
    let li = town.inner.log_in("li");
    let listed = town.inner.get("/bookings?decision=2", Ask::Token(&li))["bookings"].clone();
    assert_eq!(
        (&listed[0]["payment_id"], &listed[0]["other_ref"]),
        (&json!(confirm_id), &taken["payment_id"]),
        "{listed}"
    );
    wait_until("the unit's site to hear that the online payment goes back", || {
        town.site
            .heard()
            .iter()
            .any(|told| told["kind"] == "confirm" && told["confirm_id"] == json!(confirm_id) && told["decision"] == 2)
    });
}

fn until_site_hears_of_refund(town: &Town, refund_state: i64, payment_id: &Value) {
    town.pair.carry_until("the unit's site to hear of the refund", || {
        town.site.heard().iter().any(|told| {
            told["kind"] == "offline-refund"
                && told["payment_id"] == *payment_id
                && told["refund_state"] == json!(refund_state)
        })
    });
}

fn agency_has_heard(town: &Town, kind: &str, payment_id: &Value) -> bool {
    town.agency.heard().iter().any(|told| told["kind"] == kind && told["payment_id"] == *payment_id)
}

fn until_agency_hears(town: &Town, kind: &str, payment_id: &Value) {
    wait_until(&format!("the agency's system to hear {kind}"), || agency_has_heard(town, kind, payment_id));
}
