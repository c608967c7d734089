//! What a channel has settled, and two people want to confirm; and rows that stand in a payment's way.

use contract::rows::PayConfirm;
use serde_json::json;

use super::closing::Desk;
use super::evidence::asked;
use super::zone::{Zone, code, paid};

#[tokio::test(flavor = "multi_thread")]
async fn what_the_channel_settled_two_people_confirm_as_another_payment_alone() {
    let zone = Zone::new().await;
    let desk = Desk::new(&zone).await;
    let notice = zone.notice(1, |_| {}).await;
    let total = notice.notice.total_fen;
    let number = zone.paying("b1", &notice, "wx").await;
    // It was asked for before the channel spoke, and is decided about after that.
    let (_, answer) = zone.post_as(&desk.operator, "/order/confirm-ask", asked(&number, "w2", total)).await;
    let evidence = answer["data"]["evidence_id"].clone();
    assert_eq!(zone.wx(paid(&number, "w1", total)).await.1["data"]["state"], 2);
    let decide = async |is_allowed: bool| {
        let decided = json!({ "evidence_id": evidence, "is_allowed": is_allowed });
        zone.post_as(&desk.reviewer, "/order/confirm-allow", decided).await
    };
    let (status, answer) = decide(true).await;
    assert_eq!((status, code(&answer)), (409, "already-settled"));
    assert!(answer["error"]["message"].as_str().unwrap().contains("w1"), "{answer}");
    assert_eq!(decide(false).await.0, 200);
    let mut other = asked(&number, "w2", total);
    assert_eq!(code(&desk.confirm(&zone, other.clone()).await.1), "already-settled");
    assert_eq!(zone.confirmations().await.len(), 1);
    // The evidence is of another payment, whose result was lost: it goes back.
    other["is_second"] = json!(true);
    let (status, answer) = desk.confirm(&zone, other).await;
    let settled = &answer["data"]["settled"];
    assert_eq!((status, &settled["state"], &settled["is_duplicate"]), (200, &json!(5), &json!(true)), "{answer}");
    assert_eq!(zone.state(&number).await, 2);
    let marks: Vec<bool> = zone.confirmations().await.iter().map(|(confirm, _)| confirm.is_duplicate).collect();
    assert_eq!(marks, [false, true]);
    // Its result turns up under yet another number.
    assert_eq!(code(&zone.wx(paid(&number, "w3", total)).await.1), "confirmed-by-people");
    assert_eq!(zone.confirmations().await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_in_the_way_of_a_payment_does_not_lose_it() {
    let (zone, other) = (Zone::new().await, Zone::new().await);
    let notice = zone.notice(1, |_| {}).await;
    let number = zone.paying("b1", &notice, "wx").await;
    zone.wx(paid(&number, "w1", notice.notice.total_fen)).await;
    let (confirm, _) = zone.confirmations().await.remove(0);
    // Another confirmation has the number that this payment's would have.
    let notice = other.notice(1, |_| {}).await;
    let number = other.paying("b1", &notice, "wx").await;
    let other_confirm = PayConfirm {
        channel_order_no: "w7".to_owned(),
        platform_order_no: "P7".to_owned(),
        pay_code: None,
        ..confirm.clone()
    };
    other.put(&other_confirm).await;
    let (status, answer) = other.wx(paid(&number, "w1", notice.notice.total_fen)).await;
    assert_eq!((status, code(&answer)), (409, "unconfirmable"));
    assert_eq!(other.number("SELECT count(*) FROM outer_exception WHERE has_money = 1").await, 1);
    // Nothing of it was written by halves.
    assert_eq!(other.state(&number).await, 1);
    assert_eq!(other.number("SELECT count(*) FROM outer_txn").await, 0);
}
