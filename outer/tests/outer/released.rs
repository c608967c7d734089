//! Debts whose payment goes back by a decision of the inner zone, and that are paid again.

use std::sync::Arc;

use contract::generate::Notice;
use contract::rows::ConfirmResult;
use node::rounds::Round;
use outer::returned;
use serde_json::{Value, json};

use super::closing::Desk;
use super::evidence::asked;
use super::zone::{Zone, by_code, code, paid};

/// What the inner zone answers to a confirmation.
fn answer(confirm_id: &str, match_state: i64, decision: i64) -> ConfirmResult {
    ConfirmResult {
        confirm_id: confirm_id.to_owned(),
        match_state,
        decision,
        book_no: format!("B-{confirm_id}"),
        book_time: "20260601100500000".to_owned(),
        other_ref: None,
        diff_fen: -100,
        update_time: "20260601100500000".to_owned(),
    }
}

/// An order that two people confirmed with a yuan less than it asks for, and its confirmation.
async fn short(zone: &Zone, desk: &Desk, notice: &Notice) -> (String, String) {
    let number = zone.paying("b1", notice, "wx").await;
    let mut evidence = asked(&number, "w1", notice.notice.total_fen - 100);
    evidence["is_other_amount"] = json!(true);
    let (status, answer) = desk.confirm(zone, evidence).await;
    assert_eq!((status, &answer["data"]["settled"]["state"]), (200, &json!(7)), "{answer}");
    (number, answer["data"]["settled"]["confirm_id"].as_str().unwrap().to_owned())
}

async fn refusal(zone: &Zone, notice: &Notice) -> Value {
    let (_, answer) = zone.get(&format!("/notice?pay_code={}", notice.notice.pay_code)).await;
    answer["data"]["refusal"]["code"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_debt_whose_payment_goes_back_is_paid_again() {
    let zone = Zone::new().await;
    let desk = Desk::new(&zone).await;
    let notice = zone.notice(1, |_| {}).await;
    let total = notice.notice.total_fen;
    let (first, confirm_id) = short(&zone, &desk, &notice).await;
    zone.put(&answer(&confirm_id, 3, 4)).await;
    assert_eq!(refusal(&zone, &notice).await, "already-paid");
    assert_eq!(code(&zone.unit("/order/create", by_code("b2", &notice)).await.1), "already-paid");
    // Two people inside decide that it goes back.
    zone.put(&answer(&confirm_id, 3, 2)).await;
    assert_eq!(refusal(&zone, &notice).await, Value::Null);
    assert_eq!(zone.state(&first).await, 7);
    let second = zone.paying("b2", &notice, "wx").await;
    let (status, said) = zone.wx(paid(&second, "w2", total)).await;
    assert_eq!(
        (status, &said["data"]["state"], &said["data"]["is_duplicate"]),
        (200, &json!(2), &json!(false)),
        "{said}"
    );
    let marks: Vec<bool> = zone.confirmations().await.iter().map(|(confirm, _)| confirm.is_duplicate).collect();
    assert_eq!(marks, [false, false]);
    // That one counts, and a third is one too many.
    assert_eq!(refusal(&zone, &notice).await, "already-paid");
    assert_eq!(code(&zone.unit("/order/create", by_code("b3", &notice)).await.1), "already-paid");
    let both = sqlx::query("UPDATE outer_order SET is_released = 0").execute(&mut zone.connection().await).await;
    assert!(both.unwrap_err().to_string().contains("UNIQUE"));
    // What the channel says of the first order may still be the money that went back.
    assert_eq!(code(&zone.wx(paid(&first, "w3", total)).await.1), "confirmed-by-people");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_that_goes_back_because_another_one_counts_keeps_the_debt_paid() {
    let zone = Zone::new().await;
    let notice = zone.notice(1, |_| {}).await;
    let number = zone.paying("b1", &notice, "wx").await;
    let (_, said) = zone.wx(paid(&number, "w1", notice.notice.total_fen)).await;
    // The payment at a counter, which counts inside, has yet to cross.
    zone.put(&answer(said["data"]["confirm_id"].as_str().unwrap(), 2, 2)).await;
    assert_eq!(refusal(&zone, &notice).await, "already-paid");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_went_back_counts_no_more_in_a_database_that_was_put_back() {
    let lost = Zone::new().await;
    let desk = Desk::new(&lost).await;
    let notice = lost.notice(1, |_| {}).await;
    let (first, confirm_id) = short(&lost, &desk, &notice).await;
    let result = answer(&confirm_id, 3, 2);
    lost.put(&result).await;
    let second = lost.paying("b2", &notice, "wx").await;
    lost.wx(paid(&second, "w2", notice.notice.total_fen)).await;
    for reversed in [false, true] {
        let zone = Zone::new().await;
        let notice = zone.notice(1, |_| {}).await;
        zone.put(&result).await;
        let mut confirmations = lost.confirmations().await;
        if reversed {
            confirmations.reverse();
        }
        for (confirm, items) in &confirmations {
            zone.put(confirm).await;
            for item in items {
                zone.put(item).await;
            }
        }
        while returned::round(Arc::clone(&zone.own)).await.unwrap() == Round::More {}
        assert_eq!((zone.state(&first).await, zone.state(&second).await), (7, 2), "reversed: {reversed}");
        assert_eq!(refusal(&zone, &notice).await, "already-paid");
        assert_eq!(zone.number("SELECT count(*) FROM outer_exception").await, 0);
    }
}
