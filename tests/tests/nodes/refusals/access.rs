//! Whoever may not, and whoever is nobody.

use serde_json::json;
use tests::nodes::{Ask, CHANNEL, UNIT};
use tests::pair::{INNER, OUTER};

use super::case::Case;
use super::place::{Place, STRANGER_KEY};

/// Longer than a message's time may be off, in milliseconds.
const TOO_LONG_AGO_MS: i64 = 10 * 60 * 1_000;

/// The id and the seed of a client.
pub fn client(ask: Ask<'static>) -> (&'static str, u8) {
    let Ask::Client(id, seed) = ask else { unreachable!("only clients send messages") };
    (id, seed)
}

/// The cases.
pub fn cases(place: &Place) -> Vec<Case> {
    [messages(place), sessions(place), people(place)].into_iter().flatten().collect()
}

fn messages(place: &Place) -> Vec<Case> {
    let asked = || json!({ "biz_order_no": "R-1" });
    let query = |name, client| Case::send(OUTER, name, "/order/query", client, asked());
    let unit = client(UNIT);
    vec![
        Case::post(OUTER, "a callback that was taken comes again", "/order/query", None, &place.taken)
            .ends(409, "replayed")
            .naming("nonce"),
        query("a client that nobody knows", ("nobody-1", STRANGER_KEY)).ends(401, "client-unknown").naming("devId"),
        query("a client that is disabled", ("off-1", STRANGER_KEY)).ends(401, "client-unknown").naming("devId"),
        query("a message of another key", (unit.0, STRANGER_KEY)).ends(401, "signature"),
        query("a message whose data was changed", unit)
            .forged(|message| message.data.insert(0, 'A'))
            .ends(401, "signature"),
        query("a message without a signature", unit).forged(|message| message.sign.clear()).ends(401, "signature"),
        query("a signature that is no base64", unit)
            .forged(|message| message.sign = "签名".to_owned())
            .ends(401, "signature"),
        query("an old message", unit).signed_ago(TOO_LONG_AGO_MS).ends(401, "timestamp"),
        query("a message from the future", unit).signed_ago(-TOO_LONG_AGO_MS).ends(401, "timestamp"),
        query("a short nonce", unit).forged(|message| message.nonce = "1".to_owned()).ends(401, "nonce").naming("16"),
        query("another version of the interface", unit)
            .forged(|message| message.version = "2.0.0".to_owned())
            .ends(401, "version")
            .naming("1.0.0"),
        Case::send(OUTER, "an order of a channel", "/order/create", client(CHANNEL), place.order(|_| {}))
            .ends(403, "not-permitted")
            .naming("unit"),
        Case::send(OUTER, "a result of a unit", "/channel/result", unit, place.result(|_| {}))
            .ends(403, "not-permitted")
            .naming("channel"),
        Case::send(
            OUTER,
            "an order for another agency",
            "/order/create",
            unit,
            place.own_order(|order| order["agency_id"] = "another".into()),
        )
        .ends(403, "other-agency"),
    ]
}

fn sessions(place: &Place) -> Vec<Case> {
    let tokens = &place.tokens[INNER];
    let log_in = |name, asked| Case::post(INNER, name, "/login", None, &asked);
    vec![
        Case::get(INNER, "nobody is logged in", "/people", None).ends(401, "not-logged-in").naming("Authorization"),
        Case::get(INNER, "a token that was never given", "/people", Some("nothing")).ends(401, "not-logged-in"),
        Case::get(INNER, "a session that is over", "/bookings", Some(&tokens.expired)).ends(401, "not-logged-in"),
        Case::get(INNER, "an operator looks at people", "/people", Some(&tokens.operator))
            .ends(403, "not-permitted")
            .naming("administrator"),
        Case::post(
            INNER,
            "an administrator issues a notice",
            "/notice/issue",
            Some(&tokens.administrator),
            &place.draft(|_| {}),
        )
        .ends(403, "not-permitted")
        .naming("operator"),
        Case::post(INNER, "an auditor issues a notice", "/notice/issue", Some(&tokens.auditor), &place.draft(|_| {}))
            .ends(403, "not-permitted")
            .naming("operator"),
        log_in("a wrong password", json!({ "name": "wang", "password": "Wrong-Horse-7" }))
            .ends(401, "wrong-password")
            .naming("5")
            .noting(&["node_person", "node_act"]),
        log_in("a name that nobody has", json!({ "name": "nobody", "password": "Correct-Horse-7" }))
            .ends(401, "wrong-password"),
        log_in(
            "the right password of a person who is locked out",
            json!({ "name": "lock", "password": "Correct-Horse-7" }),
        )
        .ends(401, "wrong-password")
        .naming("5")
        .noting(&["node_person", "node_act"]),
        log_in(
            "the right password of a person who is disabled",
            json!({ "name": "gone", "password": "Correct-Horse-7" }),
        )
        .ends(401, "wrong-password")
        .noting(&["node_person", "node_act"]),
    ]
}

fn people(place: &Place) -> Vec<Case> {
    let administrator = Some(place.tokens[INNER].administrator.as_str());
    let person =
        |name: &str, password: &str| json!({ "name": name, "title": "王芳", "role": "operator", "password": password });
    let add = |name, asked| Case::post(INNER, name, "/people/add", administrator, &asked);
    let decide = |name, id| {
        let asked = json!({ "id": id, "is_allowed": true });
        Case::post(INNER, name, "/proposal/decide", Some(&place.tokens[INNER].both), &asked)
    };
    let put = |name, change: &[(&str, &str)]| {
        let mut client = json!({ "id": "new-1", "title": "新系统", "public_key": node::testing::pair(STRANGER_KEY).1,
            "permission": "unit", "is_enabled": true });
        change.iter().for_each(|(field, value)| client[*field] = (*value).into());
        Case::post(OUTER, name, "/clients/put", Some(&place.tokens[OUTER].administrator), &client)
    };
    let allow = json!({ "evidence_id": place.evidence_id, "is_allowed": true });
    vec![
        add("a weak password", person("neu", "short")).ends(400, "password-weak"),
        add("a name with capitals", person("Neu", "Correct-Horse-7")).ends(400, "name-form"),
        add("a name that is taken", person("li", "Correct-Horse-7")).ends(409, "name-taken").naming("li"),
        add(
            "a role that there is not",
            json!({ "name": "neu", "title": "a", "role": "king", "password": "Correct-Horse-7" }),
        )
        .ends(400, "document")
        .naming("king"),
        Case::post(
            INNER,
            "the last administrator goes",
            "/people/change",
            administrator,
            &json!({ "name": "qian", "is_enabled": false }),
        )
        .ends(409, "last-administrator"),
        decide("whoever asked allows it", place.proposals[0]).ends(409, "same-person"),
        decide("what was decided is decided again", place.proposals[1]).ends(409, "decided"),
        decide("a proposal that there is not", 999_999).ends(404, "not-found").naming("999999"),
        Case::post(
            OUTER,
            "whoever gave evidence allows it",
            "/order/confirm-allow",
            Some(&place.tokens[OUTER].both),
            &allow,
        )
        .ends(409, "same-person"),
        put("a client with an unknown permission", &[("permission", "king")]).ends(400, "permission").naming("unit"),
        put("a client whose key is none", &[("public_key", "-----BEGIN PUBLIC KEY-----")]).ends(400, "public-key"),
        put("a client with a blank in its id", &[("id", "a b")]).ends(400, "client-id").naming("64"),
    ]
}
