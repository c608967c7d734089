//! Documents of the wrong form, and too much of them.

use node::http::{ANYONE_BYTES_MAX, BODY_BYTES_MAX, BULK_BYTES_MAX};
use serde_json::{Value, json};
use tests::nodes::UNIT;
use tests::pair::{INNER, OUTER};

use super::access::client;
use super::case::{Case, How};
use super::place::Place;

/// The cases.
pub fn cases(place: &Place) -> Vec<Case> {
    [forms(place), types(place), sizes()].into_iter().flatten().collect()
}

fn forms(place: &Place) -> Vec<Case> {
    let operator = Some(place.tokens[INNER].operator.as_str());
    let login = |name, text: &str| Case::raw(INNER, name, "/login", None, text.as_bytes().to_vec());
    vec![
        login("broken JSON", "{\"name\":").ends(400, "document").naming("EOF"),
        login("something after the document", "{\"name\":\"li\",\"password\":\"a\"} x")
            .ends(400, "document")
            .naming("trailing"),
        login("a field twice", "{\"name\":\"li\",\"name\":\"li\",\"password\":\"a\"}")
            .ends(400, "document")
            .naming("name"),
        login("a list instead of an object", "[\"li\",\"Correct-Horse-7\"]").ends(400, "document").naming("object"),
        login("nothing at all", "").ends(400, "document"),
        Case::raw(
            INNER,
            "a document that is not UTF-8",
            "/login",
            None,
            b"{\"name\":\"\xff\xfe\",\"password\":\"a\"}".to_vec(),
        )
        .ends(400, "document"),
        Case::new(
            INNER,
            "a document that says that it is text",
            How::Ask {
                method: "POST",
                path: "/login".to_owned(),
                token: None,
                form: "text/plain",
                body: b"{\"name\":\"li\",\"password\":\"a\"}".to_vec(),
            },
        )
        .ends(415, "content-type")
        .naming("application/json"),
        Case::send(OUTER, "a message whose document is a text", "/order/query", client(UNIT), json!("R-1"))
            .ends(400, "document"),
        Case::get(INNER, "an operation that there is not", "/treasure", operator).ends(404, "no-operation"),
        Case::get(INNER, "a method that is not taken", "/login", operator).ends(405, "no-operation"),
        Case::get(INNER, "a parameter that is not known", "/bookings?colour=red", operator)
            .ends(400, "document")
            .naming("colour"),
        Case::get(INNER, "a parameter that is no number", "/bookings?after=x", operator)
            .ends(400, "document")
            .naming("after"),
        Case::get(INNER, "a parameter twice", "/bookings?after=1&after=2", operator)
            .ends(400, "document")
            .naming("after"),
        Case::get(INNER, "a parameter that is missing", "/notice", operator).ends(400, "document").naming("pay_code"),
    ]
}

fn types(place: &Place) -> Vec<Case> {
    let operator = Some(place.tokens[INNER].operator.as_str());
    let issue = |name, change: &dyn Fn(&mut Value)| {
        Case::post(INNER, name, "/notice/issue", operator, &place.draft(|draft| change(draft))).ends(400, "document")
    };
    let unit_fen = "drafts[0].lines[0].unit_fen";
    let overlong = place.draft(|draft| draft["lines"][0]["unit_fen"] = json!(4_711)).to_string();
    let overlong = overlong.replace("4711", &"9".repeat(400));
    vec![
        issue("money as a text", &|draft| draft["lines"][0]["unit_fen"] = "100".into()).naming(unit_fen),
        issue("money as a fraction", &|draft| draft["lines"][0]["unit_fen"] = json!(100.5)).naming(unit_fen),
        issue("money that is true", &|draft| draft["lines"][0]["unit_fen"] = json!(true)).naming(unit_fen),
        issue("money that is nothing", &|draft| draft["lines"][0]["unit_fen"] = Value::Null).naming(unit_fen),
        issue("a field that is not known", &|draft| draft["colour"] = "red".into()).naming("colour"),
        issue("a field that is not known in a line", &|draft| draft["lines"][0]["colour"] = "red".into())
            .naming("colour"),
        issue("a name that is a number", &|draft| draft["payer_name"] = json!(7)).naming("drafts[0].payer_name"),
        issue("lines that are no list", &|draft| draft["lines"] = json!({})).naming("drafts[0].lines"),
        issue("a field that is missing", &|draft| {
            draft.as_object_mut().unwrap().remove("payer_name");
        })
        .naming("payer_name"),
        Case::raw(INNER, "a number of four hundred digits", "/notice/issue", operator, overlong.into_bytes())
            .ends(400, "document"),
    ]
}

fn sizes() -> Vec<Case> {
    let full = |bytes: usize| format!("{{\"name\":\"{}\"}}", "a".repeat(bytes)).into_bytes();
    let raw = |zone, name, path, bytes| Case::raw(zone, name, path, None, full(bytes)).ends(413, "body-too-large");
    vec![
        raw(INNER, "a name that is larger than a login may be", "/login", ANYONE_BYTES_MAX)
            .naming(ANYONE_BYTES_MAX.to_string()),
        raw(OUTER, "a message that is too large", "/order/create", BODY_BYTES_MAX).naming(BODY_BYTES_MAX.to_string()),
        raw(INNER, "a bulk message that is too large", "/ledger/base", BULK_BYTES_MAX)
            .naming(BULK_BYTES_MAX.to_string()),
    ]
}
