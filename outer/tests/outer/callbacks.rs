//! What units are told, and again.

use std::sync::Arc;

use contract::rows::{ConfirmResult, NoticeRequestResult, OfflinePayment};
use contract::{Generator, Size};
use node::people::Role;
use node::rounds::Round;
use outer::callback::COMPENSATION_MS;
use outer::{callback, relay};
use serde_json::json;

use super::unit::Unit;
use super::zone::{MINUTE, Zone, code, failed, paid};

async fn send(zone: &Zone) {
    zone.send_all().await;
}

async fn relay_all(zone: &Zone) {
    while relay::relay(Arc::clone(&zone.own)).await.unwrap() == Round::More {}
    send(zone).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_unit_hears_of_states_in_their_order() {
    let zone = Zone::new().await;
    let (unit, url) = Unit::new().await;
    zone.client("unit", "unit", 1, Some(&url), None).await;
    let notice = zone.notice(1, |_| {}).await;
    let number = zone.paying("b1", &notice, "wx").await;
    unit.answers(json!({ "received": false }));
    zone.wx(failed(&number)).await;
    send(&zone).await;
    zone.wx(paid(&number, "w1", notice.notice.total_fen)).await;
    unit.answers(json!({ "received": true }));
    // The later state waits for the earlier one.
    send(&zone).await;
    assert_eq!(unit.states(), [3]);
    zone.pass(MINUTE);
    send(&zone).await;
    assert_eq!(unit.states(), [3, 3, 6]);
    let told = unit.told().pop().unwrap();
    assert_eq!((&told["kind"], &told["biz_order_no"]), (&json!("order"), &json!("b1")));
    assert!(told["confirm_id"].is_string() && told["callback_id"].is_number());
    zone.pass(60 * MINUTE);
    send(&zone).await;
    assert_eq!(unit.told().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_received_is_told_again_and_given_up_in_the_end() {
    let zone = Zone::new().await;
    let (unit, url) = Unit::new().await;
    zone.client("unit", "unit", 1, Some(&url), None).await;
    unit.answers(json!({ "ok": true }));
    let notice = zone.notice(1, |_| {}).await;
    let number = zone.paying("b1", &notice, "wx").await;
    zone.wx(paid(&number, "w1", notice.notice.total_fen)).await;
    send(&zone).await;
    assert_eq!(unit.told().len(), 1);
    for (tries, delay) in (2..).zip(COMPENSATION_MS) {
        zone.pass(delay - 1);
        send(&zone).await;
        assert_eq!(unit.told().len(), tries - 1, "before {delay}");
        zone.pass(1);
        send(&zone).await;
        assert_eq!(unit.told().len(), tries, "after {delay}");
    }
    assert_eq!(COMPENSATION_MS.iter().sum::<i64>(), 54 * MINUTE);
    zone.pass(24 * 60 * MINUTE);
    send(&zone).await;
    assert_eq!(unit.told().len(), 6);
    assert_eq!(node::desk::health(&*zone.own).await.unwrap().problems, 1);
    let operator = zone.person("op", Role::Operator).await;
    let (_, answer) = zone.get_as(&operator, "/callbacks?progress=given-up").await;
    let listed = &answer["data"]["callbacks"][0];
    assert_eq!((&listed["attempt"], &listed["object"]), (&json!(6), &json!(number)));
    assert!(listed["last_error"].as_str().unwrap().contains("received"));
    assert_eq!(zone.get_as(&operator, "/callbacks?progress=waiting").await.1["data"]["callbacks"], json!([]));
    let again = json!({ "callback_id": listed["callback_id"] });
    unit.answers(json!({ "received": true }));
    let auditor = zone.person("au", Role::Auditor).await;
    assert_eq!(code(&zone.post_as(&auditor, "/callback/again", again.clone()).await.1), "not-permitted");
    assert_eq!(zone.post_as(&operator, "/callback/again", again.clone()).await.0, 200);
    assert_eq!(code(&zone.post_as(&operator, "/callback/again", again.clone()).await.1), "callback-waiting");
    send(&zone).await;
    assert_eq!(unit.told().len(), 7);
    let (_, answer) = zone.get_as(&operator, &format!("/callbacks?progress=received&object={number}")).await;
    assert_eq!(answer["data"]["callbacks"].as_array().unwrap().len(), 1);
    let object = format!("outer_callback/{}", again["callback_id"]);
    assert_eq!(zone.acts("callback-again").await, [("op".to_owned(), object)]);
    assert_eq!(zone.post_as(&operator, "/callback/again", json!({ "callback_id": 99 })).await.0, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_unit_that_is_away_costs_the_others_nothing() {
    let zone = Zone::new().await;
    let (unit, url) = Unit::new().await;
    zone.client("unit", "unit", 1, Some("http://127.0.0.1:1/told"), None).await;
    zone.client("other", "unit", 4, Some(&url), None).await;
    for (serial, client) in [(1, ("unit", 1)), (2, ("other", 4))] {
        let notice = zone.notice(serial, |_| {}).await;
        let asked = super::zone::by_code("b1", &notice);
        let (_, answer) = zone.signed(client, "/order/create", asked).await;
        let number = answer["data"]["platform_order_no"].as_str().unwrap();
        zone.wx(paid(number, &format!("w{serial}"), notice.notice.total_fen)).await;
    }
    send(&zone).await;
    assert_eq!(unit.states(), [2]);
    assert_eq!(zone.number("SELECT count(*) FROM outer_callback WHERE done_ms IS NULL").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_of_the_inner_zone_reach_the_client_that_made_the_order() {
    let zone = Zone::new().await;
    let (unit, url) = Unit::new().await;
    zone.client("unit", "unit", 1, Some(&url), None).await;
    let notice = zone.notice(1, |_| {}).await;
    let number = zone.paying("b1", &notice, "wx").await;
    let (_, answer) = zone.wx(paid(&number, "w1", notice.notice.total_fen)).await;
    let confirm_id = answer["data"]["confirm_id"].as_str().unwrap().to_owned();
    send(&zone).await;
    let result = ConfirmResult {
        confirm_id: confirm_id.clone(),
        match_state: 1,
        decision: 1,
        book_no: "B1".to_owned(),
        book_time: "20260601100500000".to_owned(),
        other_ref: None,
        diff_fen: 0,
        update_time: "20260601100500000".to_owned(),
    };
    zone.put(&result).await;
    relay_all(&zone).await;
    let told = unit.told().pop().unwrap();
    assert_eq!((&told["kind"], &told["confirm_id"]), (&json!("confirm"), &json!(confirm_id)));
    assert_eq!((&told["match_state"], &told["decision"], &told["biz_order_no"]), (&json!(1), &json!(1), &json!("b1")));
    let (_, answer) = zone.get(&format!("/confirm?confirm_id={confirm_id}")).await;
    assert_eq!((&answer["data"]["is_pending"], &answer["data"]["text_zh"]), (&json!(false), &json!("相符，入账")));
    // The same answer again, as a snapshot brings it, is not told twice; another one is.
    let count = unit.told().len();
    zone.put(&ConfirmResult { update_time: "20260601100600000".to_owned(), ..result.clone() }).await;
    zone.run("DELETE FROM confirm_result").await;
    zone.put(&result).await;
    relay_all(&zone).await;
    assert_eq!(unit.told().len(), count);
    zone.put(&ConfirmResult { decision: 4, ..result }).await;
    relay_all(&zone).await;
    assert_eq!(unit.told().pop().unwrap()["decision"], 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_unit_hears_that_what_was_paid_offline_goes_back_and_has_gone_back() {
    let zone = Zone::new().await;
    let (unit, url) = Unit::new().await;
    zone.client("unit", "unit", 1, Some(&url), None).await;
    let notice = zone.notice(1, |_| {}).await;
    let number = zone.paying("b1", &notice, "wx").await;
    zone.wx(paid(&number, "w1", notice.notice.total_fen)).await;
    send(&zone).await;
    let count = unit.told().len();
    let payment = OfflinePayment {
        pay_code: notice.notice.pay_code.clone(),
        refund_state: 0,
        source: 2,
        ..Generator::new(1, Size::S).offline_payment(3)
    };
    zone.put(&payment).await;
    relay_all(&zone).await;
    assert_eq!(unit.told().len(), count, "nothing goes back yet");
    for refund_state in [1, 2] {
        // The same row again, as a snapshot brings it, is not told twice.
        for _ in 0..2 {
            zone.put(&OfflinePayment { refund_state, ..payment.clone() }).await;
            relay_all(&zone).await;
        }
        let told = unit.told();
        let last = told.last().unwrap();
        assert_eq!(told.len() as i64, count as i64 + refund_state);
        assert_eq!((&last["kind"], &last["refund_state"]), (&json!("offline-refund"), &json!(refund_state)));
        assert_eq!((&last["biz_order_no"], &last["payment_id"]), (&json!("b1"), &json!(payment.payment_id)));
        let (_, answer) = zone.get(&format!("/notice?pay_code={}", payment.pay_code)).await;
        assert_eq!(answer["data"]["offline"][0]["refund_state"], json!(refund_state));
    }
    // What was paid offline for a notice that nobody ordered is told to nobody.
    let other = zone.notice(2, |_| {}).await;
    let pay_code = other.notice.pay_code.clone();
    zone.put(&OfflinePayment {
        payment_id: "other".to_owned(),
        source_ref: "other".to_owned(),
        pay_code,
        refund_state: 1,
        ..payment
    })
    .await;
    relay_all(&zone).await;
    assert_eq!(unit.told().len(), count + 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_to_requests_reach_the_client_that_asked() {
    let zone = Zone::new().await;
    let (unit, url) = Unit::new().await;
    zone.client("unit", "unit", 1, Some(&url), None).await;
    let (_, answer) = zone.unit("/request/create", super::requests::asked(&zone, "r1")).await;
    let request_id = answer["data"]["request_id"].as_str().unwrap().to_owned();
    zone.put(&NoticeRequestResult {
        request_id: request_id.clone(),
        state: 1,
        pay_code: Some("61010026000000000019".to_owned()),
        reason_code: None,
        reason: None,
        answer_time: "20260601100500000".to_owned(),
    })
    .await;
    // Answers to what is not this node's are nobody's.
    zone.put(&NoticeRequestResult {
        request_id: "other".to_owned(),
        state: 2,
        pay_code: None,
        reason_code: Some("not-collected".to_owned()),
        reason: None,
        answer_time: "20260601100500000".to_owned(),
    })
    .await;
    relay_all(&zone).await;
    let told = unit.told();
    assert_eq!(told.len(), 1);
    assert_eq!((&told[0]["request_no"], &told[0]["pay_code"]), (&json!("r1"), &json!("61010026000000000019")));
    assert_eq!(zone.number("SELECT count(*) FROM outer_answered WHERE told = 0").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_was_moved_is_told_no_more() {
    let zone = Zone::new().await;
    let ((old, old_url), (new, new_url)) = (Unit::new().await, Unit::new().await);
    zone.client("unit", "unit", 1, Some(&old_url), None).await;
    let notice = zone.notice(1, |_| {}).await;
    let mut asked = super::zone::by_code("b1", &notice);
    asked["notify_url"] = json!(old_url);
    let (status, answer) = zone.unit("/order/create", asked).await;
    assert_eq!(status, 200, "{answer}");
    let number = answer["data"]["platform_order_no"].as_str().unwrap();
    // It was queued for the old address, which is moved before it is sent.
    zone.wx(paid(number, "w1", notice.notice.total_fen)).await;
    zone.client("unit", "unit", 1, Some(&new_url), None).await;
    send(&zone).await;
    assert_eq!((old.told().len(), new.states()), (0, vec![2]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_unit_that_is_disabled_is_told_when_it_is_enabled_again() {
    let zone = Zone::new().await;
    let (unit, url) = Unit::new().await;
    zone.client("unit", "unit", 1, Some(&url), None).await;
    let notice = zone.notice(1, |_| {}).await;
    let number = zone.order("b1", &notice).await;
    zone.run("UPDATE node_client SET is_enabled = 0 WHERE id = 'unit'").await;
    zone.wx(paid(&number, "w1", notice.notice.total_fen)).await;
    send(&zone).await;
    assert_eq!(unit.told().len(), 0);
    zone.run("UPDATE node_client SET is_enabled = 1 WHERE id = 'unit'").await;
    send(&zone).await;
    assert_eq!(unit.states(), [2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_unit_that_takes_a_call_and_never_answers_delays_no_other() {
    let zone = Zone::new().await;
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/told", silent.local_addr().unwrap());
    let (unit, url) = Unit::new().await;
    zone.client("unit", "unit", 1, Some(&address), None).await;
    zone.client("other", "unit", 4, Some(&url), None).await;
    let notice = zone.notice(1, |_| {}).await;
    let asked = super::zone::by_code("b1", &notice);
    let (_, answer) = zone.signed(("unit", 1), "/order/create", asked).await;
    let number = answer["data"]["platform_order_no"].as_str().unwrap().to_owned();
    zone.wx(paid(&number, "w0", notice.notice.total_fen)).await;
    // More than are sent at once, and all of them have waited longer.
    zone.run(
        "WITH RECURSIVE n (n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM n WHERE n < 100) \
         INSERT INTO outer_callback (kind, object, client, state, document, next_ms, create_time) \
         SELECT 'order', 'x' || n, 'unit', 2, '{}', next_ms - 1000, create_time FROM n, outer_callback WHERE client = 'unit'",
    )
    .await;
    let notice = zone.notice(2, |_| {}).await;
    let asked = super::zone::by_code("b2", &notice);
    let (_, answer) = zone.signed(("other", 4), "/order/create", asked).await;
    let number = answer["data"]["platform_order_no"].as_str().unwrap();
    zone.wx(paid(number, "w1", notice.notice.total_fen)).await;
    callback::send(Arc::clone(&zone.own)).await.unwrap();
    while unit.states() != [2] {
        tokio::task::yield_now().await;
    }
    assert!(zone.own.telling.begin("unit").is_none(), "the silent unit has its turn still");
}
