//! A database that was put back, to which ferry returns confirmations without their orders.

use std::sync::Arc;

use contract::rows::{PayConfirm, PayConfirmItem};
use node::rounds::Round;
use outer::returned;
use serde_json::{Value, json};

use super::unit::Unit;
use super::zone::{Zone, by_code, code, paid};

/// What a zone confirmed before it was lost.
async fn lost() -> (String, i64, PayConfirm, Vec<PayConfirmItem>) {
    lost_less(0).await
}

/// The same, where the agency gave so much.
async fn lost_less(discount_fen: i64) -> (String, i64, PayConfirm, Vec<PayConfirmItem>) {
    let zone = Zone::new().await;
    let notice = zone.notice(1, |_| {}).await;
    let total = notice.notice.total_fen;
    let mut asked = by_code("b1", &notice);
    asked["biz_discount_fen"] = json!(discount_fen);
    let (status, answer) = zone.unit("/order/create", asked).await;
    assert_eq!(status, 200, "{answer}");
    let number = answer["data"]["platform_order_no"].as_str().unwrap().to_owned();
    let mut result = paid(&number, "w1", total - discount_fen);
    result["payer_acct"] = json!("6222020200112233445");
    assert_eq!(zone.wx(result).await.0, 200);
    let (confirm, items) = zone.confirmations().await.remove(0);
    (number, total, confirm, items)
}

async fn put_back(zone: &Zone, confirm: &PayConfirm, items: &[PayConfirmItem]) {
    zone.put(confirm).await;
    for item in items {
        zone.put(item).await;
    }
}

async fn restore(zone: &Zone) {
    while returned::round(Arc::clone(&zone.own)).await.unwrap() == Round::More {}
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_that_came_back_counts_before_anybody_looks() {
    let (number, total, confirm, items) = lost().await;
    let zone = Zone::new().await;
    let notice = zone.notice(1, |_| {}).await;
    let other = zone.paying("b2", &notice, "ali").await;
    put_back(&zone, &confirm, &items).await;
    let (_, answer) = zone.get(&format!("/notice?pay_code={}", notice.notice.pay_code)).await;
    assert_eq!(answer["data"]["refusal"]["code"], "already-paid");
    assert_eq!(code(&zone.unit("/order/create", by_code("b3", &notice)).await.1), "already-paid");
    // A second payment of the same pay code is one too many.
    let (_, answer) = zone.ali(paid(&other, "a1", total)).await;
    assert_eq!((&answer["data"]["state"], &answer["data"]["is_duplicate"]), (&json!(5), &json!(true)), "{answer}");
    // The channel says again what it had said: it is answered as before, and nothing is confirmed twice.
    let (status, answer) = zone.wx(paid(&number, "w1", total)).await;
    assert_eq!((status, &answer["data"]["confirm_id"]), (200, &json!(confirm.confirm_id)), "{answer}");
    assert_eq!((&answer["data"]["state"], &answer["data"]["is_duplicate"]), (&json!(2), &json!(false)));
    assert_eq!(zone.confirmations().await.len(), 2);
    assert_eq!(code(&zone.wx(paid(&number, "w1", total + 1)).await.1), "transaction-differs");
    assert_eq!(zone.number("SELECT count(*) FROM outer_returned").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_and_transactions_are_made_of_what_came_back() {
    let (number, total, confirm, items) = lost().await;
    let zone = Zone::new().await;
    zone.notice(1, |_| {}).await;
    put_back(&zone, &confirm, &items).await;
    assert_eq!(zone.number("SELECT count(*) FROM outer_returned").await, 1);
    restore(&zone).await;
    assert_eq!(zone.number("SELECT count(*) FROM outer_returned").await, 0);
    assert_eq!(zone.state(&number).await, 2);
    let (order, txns, exceptions) = outer::query::whole(&zone.own, number.clone()).await.unwrap();
    assert_eq!((order.original_fen, order.pay_code.as_ref()), (total, confirm.pay_code.as_ref()));
    let acct = zone.own.node.field_key.open(("outer_order", "payer_acct"), order.payer_acct.as_deref().unwrap());
    assert_eq!(acct.as_deref(), Some("6222020200112233445"));
    assert_eq!((txns.len(), exceptions.len()), (1, 0));
    assert_eq!((txns[0].confirm_id.as_str(), txns[0].amount_fen), (confirm.confirm_id.as_str(), total));
    let lines = zone.number("SELECT count(*) FROM outer_order_item").await;
    assert_eq!(usize::try_from(lines).unwrap(), items.len());
    // Nobody's order is told to nobody, and restoring again changes nothing.
    restore(&zone).await;
    assert_eq!(zone.number("SELECT count(*) FROM outer_callback").await, 0);
    assert_eq!(zone.acts("payment-restore").await, [("program".to_owned(), format!("outer_order/{number}"))]);
    // Another payment of that order is one too many.
    let (_, answer) = zone.wx(paid(&number, "w2", total)).await;
    assert_eq!((&answer["data"]["state"], &answer["data"]["is_duplicate"]), (&json!(5), &json!(true)), "{answer}");
    let (_, answer) = zone.post("/order/pay", json!({ "platform_order_no": number, "channel": "wx" })).await;
    assert_eq!(code(&answer), "order-state");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_was_put_back_to_before_its_payment_is_paid() {
    let (_, total, confirm, items) = lost().await;
    let zone = Zone::new().await;
    let (unit, url) = Unit::new().await;
    zone.client("unit", "unit", 1, Some(&url), None).await;
    let notice = zone.notice(1, |_| {}).await;
    let number = zone.order("b1", &notice).await;
    let confirm = PayConfirm { platform_order_no: number.clone(), ..confirm };
    put_back(&zone, &confirm, &items).await;
    // Nobody begins to pay it once more.
    let (_, answer) = zone.post("/order/pay", json!({ "platform_order_no": number, "channel": "ali" })).await;
    assert_eq!(code(&answer), "order-state", "{answer}");
    restore(&zone).await;
    assert_eq!(zone.state(&number).await, 2);
    let (_, answer) = zone.ali(paid(&number, "a1", total)).await;
    assert_eq!(answer["data"]["is_duplicate"], true);
    assert_eq!(zone.wx(paid(&number, "w1", total)).await.1["data"]["confirm_id"], json!(confirm.confirm_id));
    // The unit is told, for it may never have been.
    zone.send_all().await;
    assert_eq!(unit.states(), [2, 5]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_back_after_another_payment_counted_does_not_count_too() {
    let (number, total, confirm, items) = lost().await;
    let zone = Zone::new().await;
    let notice = zone.notice(1, |_| {}).await;
    let other = zone.paying("b2", &notice, "ali").await;
    zone.ali(paid(&other, "a1", total)).await;
    put_back(&zone, &confirm, &items).await;
    restore(&zone).await;
    assert_eq!((zone.state(&other).await, zone.state(&number).await), (2, 5));
    assert_eq!(zone.wx(paid(&number, "w1", total)).await.1["data"]["confirm_id"], json!(confirm.confirm_id));
    assert_eq!(zone.confirmations().await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_restored_is_listed_and_keeps_nothing_else_waiting() {
    let (number, total, confirm, items) = lost().await;
    let zone = Zone::new().await;
    zone.notice(1, |_| {}).await;
    let nothing = PayConfirm {
        confirm_id: "C0".to_owned(),
        platform_order_no: "P0".to_owned(),
        channel_order_no: "w0".to_owned(),
        amount_fen: 0,
        ..confirm.clone()
    };
    zone.put(&nothing).await;
    put_back(&zone, &confirm, &items).await;
    restore(&zone).await;
    assert_eq!(zone.state(&number).await, 2);
    assert_eq!(zone.number("SELECT count(*) FROM outer_returned WHERE problem IS NOT NULL").await, 1);
    assert_eq!(zone.number("SELECT count(*) FROM outer_exception WHERE kind = 'unrestorable'").await, 1);
    assert_eq!(zone.wx(paid(&number, "w1", total)).await.1["data"]["state"], 2);
    let operator = zone.person("op", node::people::Role::Operator).await;
    let listed = super::closing::latest(&zone, &operator).await;
    assert_eq!((&listed["document"]["confirm_id"], &listed["has_money"]), (&json!("C0"), &json!(false)));
    assert_eq!(listed["closed_by"], Value::Null);
    assert_eq!(node::desk::health(&*zone.own).await.unwrap().problems, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn in_whatever_order_they_come_back_one_payment_counts() {
    let (number, total, confirm, items) = lost().await;
    let zone = Zone::new().await;
    let notice = zone.notice(1, |_| {}).await;
    let other = zone.paying("b2", &notice, "ali").await;
    let twice = PayConfirm {
        confirm_id: "C2".to_owned(),
        channel_order_no: "w2".to_owned(),
        is_duplicate: true,
        ..confirm.clone()
    };
    zone.put(&twice).await;
    restore(&zone).await;
    put_back(&zone, &confirm, &items).await;
    restore(&zone).await;
    assert_eq!(zone.wx(paid(&number, "w1", total)).await.1["data"]["confirm_id"], json!(confirm.confirm_id));
    assert_eq!(zone.wx(paid(&number, "w2", total)).await.1["data"]["confirm_id"], "C2");
    let (_, answer) = zone.get(&format!("/notice?pay_code={}", notice.notice.pay_code)).await;
    assert_eq!(answer["data"]["refusal"]["code"], "already-paid");
    assert_eq!(zone.ali(paid(&other, "a1", total)).await.1["data"]["is_duplicate"], true);
    let counting: Vec<bool> = zone.confirmations().await.iter().map(|(confirm, _)| !confirm.is_duplicate).collect();
    assert_eq!(counting, [false, true, false]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_agency_gave_is_lost_and_the_payment_is_known_all_the_same() {
    let (number, total, confirm, items) = lost_less(5).await;
    let zone = Zone::new().await;
    zone.notice(1, |_| {}).await;
    put_back(&zone, &confirm, &items).await;
    let (status, answer) = zone.wx(paid(&number, "w1", total - 5)).await;
    assert_eq!((status, &answer["data"]["confirm_id"]), (200, &json!(confirm.confirm_id)), "{answer}");
    assert_eq!(zone.confirmations().await.len(), 1);
    assert_eq!(zone.number("SELECT count(*) FROM outer_exception").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_payment_that_counts_gives_the_order_its_state_whichever_is_heard_of_first() {
    let (number, total, confirm, items) = lost().await;
    let zone = Zone::new().await;
    zone.notice(1, |_| {}).await;
    let twice = PayConfirm {
        confirm_id: "C2".to_owned(),
        channel_order_no: "w2".to_owned(),
        is_duplicate: true,
        ..confirm.clone()
    };
    put_back(&zone, &twice, &[]).await;
    put_back(&zone, &confirm, &items).await;
    let (status, answer) = zone.wx(paid(&number, "w2", total)).await;
    assert_eq!((status, &answer["data"]["confirm_id"]), (200, &json!("C2")), "{answer}");
    assert_eq!((&answer["data"]["state"], &answer["data"]["is_duplicate"]), (&json!(5), &json!(true)));
    assert_eq!(zone.state(&number).await, 2);
    let (order, txns, _) = outer::query::whole(&zone.own, number).await.unwrap();
    assert_eq!((order.confirm_id.as_ref(), txns.len()), (Some(&confirm.confirm_id), 2));
}
