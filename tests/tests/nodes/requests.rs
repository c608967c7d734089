//! A notice that the outer zone asks for is issued inside, and its pay code comes back.

use serde_json::json;
use tests::nodes::{Ask, Town, UNIT};

#[test]
fn a_notice_is_asked_for_outside_issued_inside_and_paid_outside() {
    let town = Town::open();
    let (item_code, unit_fen) = town.item();
    let asked = |number: &str, item_code: &str| {
        json!({
            "request_no": number, "agency_id": town.agency_id(), "biz_line": "EXAM", "biz_ref": "报名-1", "payer_type": 1,
            "payer_name": "王芳", "payer_id_no": "610113199003070011", "amount_fen": unit_fen,
            "lines": [{ "item_code": item_code, "quantity": 1, "unit_fen": unit_fen, "amount_fen": unit_fen }],
        })
    };
    let made = town.outer.post("/request/create", UNIT, asked("R-1", &item_code));
    let request_id = made["request_id"].as_str().unwrap().to_owned();
    let mut shown = json!(null);
    town.pair.carry_until("the request to be answered", || {
        shown = town.outer.get(&format!("/request?request_id={request_id}"), Ask::Anyone);
        shown["pay_code"].is_string()
    });
    let pay_code = shown["pay_code"].as_str().unwrap();
    // The notice and the answer are one transaction, so whoever has the answer has the notice.
    let notice = town.outer.get(&format!("/notice?pay_code={pay_code}"), Ask::Anyone);
    assert_eq!((&notice["total_fen"], &notice["biz_line"]), (&json!(unit_fen), &json!("EXAM")), "{notice}");
    let order = town.order("E-1", Some(pay_code), unit_fen);
    let taken = town.succeed(&order, "WX-1", unit_fen);
    let answer = town.until_answered(taken["confirm_id"].as_str().unwrap());
    assert_eq!(answer["match_state"], 1, "{answer}");
}

#[test]
fn a_pay_code_that_has_not_crossed_is_told_apart_from_one_that_nobody_minted() {
    let town = Town::open();
    let unknown = format!("/notice?pay_code={}", "9".repeat(20));
    let code = || {
        let (status, answer) = town.outer.ask("GET", &unknown, Ask::Anyone, None);
        (status, answer["error"]["code"].as_str().unwrap_or_default().to_owned())
    };
    town.pair.carry_until("everything to have crossed", || code() == (404, "pay-code-unknown".to_owned()));
    let li = town.inner.log_in("li");
    let (item_code, unit_fen) = town.item();
    let drafts = json!({ "drafts": [{
        "agency_id": town.agency_id(), "biz_line": "TRAFFIC", "payer_type": 1, "payer_name": "王芳",
        "lines": [{ "item_code": item_code, "quantity": 1, "unit_fen": unit_fen }],
    }] });
    town.inner.post("/notice/issue", Ask::Token(&li), drafts);
    // Statuses cross and batches do not: the outer zone hears that there is more than it has.
    let is_status = |path: &std::path::Path| path.to_string_lossy().contains("-status-");
    town.pair.carry_some_until("the outer zone to hear that it is behind", is_status, &mut || {
        code() == (404, "not-yet-synchronised".to_owned())
    });
}
