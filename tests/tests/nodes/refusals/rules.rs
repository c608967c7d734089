//! Papers and base data that break rules of the contract.

use serde_json::{Value, json};
use tests::nodes::LEDGER;
use tests::pair::INNER;

use super::access::client;
use super::case::Case;
use super::place::Place;

/// The cases.
pub fn cases(place: &Place) -> Vec<Case> {
    [notices(place), many(place), base(place), others(place)].into_iter().flatten().collect()
}

fn notices(place: &Place) -> Vec<Case> {
    let operator = Some(place.tokens[INNER].operator.as_str());
    let issue = |name, column: &str, rule: &str, change: &dyn Fn(&mut Value)| {
        let case = Case::post(INNER, name, "/notice/issue", operator, &place.draft(|draft| change(draft)));
        case.ends(400, "rules-broken").naming(column).naming(rule)
    };
    vec![
        issue("an agency that there is not", "agency_id", "no-such", &|draft| draft["agency_id"] = "nobody".into()),
        issue("an item that there is not", "item_code", "not-collected", &|draft| {
            draft["lines"][0]["item_code"] = "999999".into()
        }),
        issue("a statement instead of an item", "item_code", "not-collected", &|draft| {
            draft["lines"][0]["item_code"] = "' OR '1'='1".into();
        }),
        issue("negative money", "unit_fen", "outside-standard", &|draft| draft["lines"][0]["unit_fen"] = json!(-1)),
        issue("no money", "unit_fen", "outside-standard", &|draft| draft["lines"][0]["unit_fen"] = json!(0)),
        issue("a line of nothing", "quantity", "out-of-range", &|draft| draft["lines"][0]["quantity"] = json!(0)),
        issue("a late fee below nothing", "late_fee_fen", "negative", &|draft| draft["late_fee_fen"] = json!(-1)),
        issue("a late fee of twelve digits", "late_fee_fen", "amount-too-large", &|draft| {
            draft["late_fee_fen"] = json!(100_000_000_000_i64);
        }),
        issue("an amount that no number can hold", "amount_fen", "amount-too-large", &|draft| {
            draft["lines"][0]["quantity"] = json!(i64::MAX);
        }),
        issue("a name wider than its column in GBK", "payer_name", "too-wide", &|draft| {
            draft["payer_name"] = "王".repeat(101).into()
        }),
        issue("a name with a NUL", "payer_name", "control-character", &|draft| draft["payer_name"] = "王\0芳".into()),
        issue("a reference with a line feed", "biz_ref", "control-character", &|draft| {
            draft["biz_ref"] = "1\n2".into()
        }),
        issue("a business line that there is not", "biz_line", "not-one-of", &|draft| {
            draft["biz_line"] = "GAMBLING".into()
        }),
        issue("a day that there is not", "expire_date", "not-a-date", &|draft| {
            draft["expire_date"] = "20260231".into()
        }),
        issue("a payer of a third kind", "payer_type", "out-of-range", &|draft| draft["payer_type"] = json!(3)),
        issue("a notice without lines", "", "no-lines", &|draft| draft["lines"] = json!([])),
        issue("a thousand lines", "", "too-many-lines", &|draft| {
            let line = draft["lines"][0].clone();
            draft["lines"] = vec![line; 1_000].into();
        }),
    ]
}

fn many(place: &Place) -> Vec<Case> {
    let operator = Some(place.tokens[INNER].operator.as_str());
    let good = place.draft(|_| {})["drafts"][0].clone();
    let bad = place.draft(|draft| draft["payer_name"] = "".into())["drafts"][0].clone();
    let mixed = json!({ "drafts": [good, good, bad] });
    let row = |code: &str| json!({ "kind": "FUND_NATURE", "values": { "ele_code": code } });
    vec![
        Case::post(INNER, "two good notices and a bad one", "/notice/issue", operator, &mixed)
            .ends(400, "rules-broken")
            .naming("payer_name"),
        Case::post(INNER, "no notices", "/notice/issue", operator, &json!({ "drafts": [] }))
            .ends(400, "drafts")
            .naming("500"),
        Case::post(INNER, "501 notices", "/notice/issue", operator, &json!({ "drafts": vec![good.clone(); 501] }))
            .ends(400, "drafts")
            .naming("500"),
        Case::send(
            INNER,
            "base data in a message, all of it incomplete",
            "/ledger/base",
            client(LEDGER),
            json!({ "request_no": "B-1", "rows": [row("71"), row("72")] }),
        )
        .ends(400, "rules-broken")
        .naming("mof_div_code"),
        Case::send(
            INNER,
            "a message without base data",
            "/ledger/base",
            client(LEDGER),
            json!({ "request_no": "B-2", "rows": [] }),
        )
        .ends(400, "rows"),
    ]
}

fn base(place: &Place) -> Vec<Case> {
    let operator = Some(place.tokens[INNER].operator.as_str());
    let edit = |name, kind: &str, values: Value| {
        let mut whole = json!({ "mof_div_code": "610100000", "fiscal_year": "2026", "ele_code": "71", "ele_name": "其他资金", "start_date": "20260101", "level_no": 1 });
        values.as_object().unwrap().iter().for_each(|(column, value)| whole[column] = value.clone());
        Case::post(INNER, name, "/base/edit", operator, &json!({ "kind": kind, "values": whole }))
    };
    let wrong = |name, column: &str, rule: &str, value: Value| {
        edit(name, "FUND_NATURE", json!({ column: value })).ends(400, "rules-broken").naming(column).naming(rule)
    };
    vec![
        edit("a kind of base data that there is not", "TREASURE", json!({})).ends(404, "not-found").naming("TREASURE"),
        edit("a column that there is not", "FUND_NATURE", json!({ "colour": "red" }))
            .ends(404, "not-found")
            .naming("colour"),
        wrong("a name that is a number in base data", "ele_name", "wrong-type", json!(7)),
        wrong("a name with a bell in base data", "ele_name", "control-character", json!("其他\u{7}")),
        wrong("a name wider than its column in base data", "ele_name", "too-wide", json!("长".repeat(101))),
        wrong("a day that there is not in base data", "start_date", "not-a-date", json!("20261301")),
        wrong("a region of eight digits", "mof_div_code", "not-digits", json!("61010000")),
        wrong("a parent that there is not", "parent_id", "no-such", json!("nobody")),
        wrong("an end before the beginning", "end_date", "ends-before-start", json!("20251231")),
    ]
}

fn others(place: &Place) -> Vec<Case> {
    let operator = Some(place.tokens[INNER].operator.as_str());
    let ask = |name, wish: Value, reason: &str| {
        Case::post(INNER, name, "/proposal/ask", operator, &json!({ "wish": wish, "reason": reason }))
    };
    let void = |pay_code: &str| json!({ "what": "void-notice", "pay_code": pay_code });
    vec![
        Case::get(INNER, "a pay code that nobody minted", "/notice?pay_code=99999999999999999999", operator)
            .ends(404, "not-found")
            .naming("99999999999999999999"),
        Case::get(INNER, "a statement instead of a pay code", "/notice?pay_code=%27%20OR%201=1%20--", operator)
            .ends(404, "not-found")
            .naming("' OR 1=1 --"),
        ask("a review of a notice that there is not", void("99999999999999999999"), "开错")
            .ends(404, "not-found")
            .naming("99999999999999999999"),
        ask("a review of a notice that is paid", void(&place.paid_code), "开错")
            .ends(409, "notice-state")
            .naming(place.paid_code.clone()),
        ask("a review without a reason", void(&place.pay_code), " ").ends(400, "reason").naming("500"),
        ask("a wish that there is not", json!({ "what": "print-money" }), "急用")
            .ends(400, "document")
            .naming("print-money"),
    ]
}
