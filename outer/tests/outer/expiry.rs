//! Orders whose time is over.

use std::sync::Arc;

use serde_json::{Value, json};

use super::unit::Unit;
use super::zone::{MINUTE, Zone, failed, paid};

async fn expire_all(zone: &Zone) {
    zone.expire_all().await;
}

/// A zone whose channel `wx` can be asked.
async fn asked_zone() -> (Zone, Arc<Unit>) {
    let (channel, url) = Unit::new().await;
    let zone =
        Zone::with(&format!("[[channel]]\nid = \"wx\"\nquery_url = \"{url}\"\n[[channel]]\nid = \"ali\"\n")).await;
    (zone, channel)
}

#[tokio::test(flavor = "multi_thread")]
async fn open_orders_are_closed_in_time_and_not_before() {
    let zone = Zone::new().await;
    let (unit, url) = Unit::new().await;
    zone.client("unit", "unit", 1, Some(&url), None).await;
    let mut numbers = Vec::new();
    for (serial, name) in [(1, "b1"), (2, "b2"), (3, "b3"), (4, "b4")] {
        let notice = zone.notice(serial, |_| {}).await;
        numbers.push((zone.order(name, &notice).await, notice.notice.total_fen));
    }
    let pay = async |number: &str| {
        zone.post("/order/pay", json!({ "platform_order_no": number, "channel": "wx" })).await;
    };
    pay(&numbers[1].0).await;
    pay(&numbers[2].0).await;
    zone.wx(failed(&numbers[2].0)).await;
    pay(&numbers[3].0).await;
    zone.wx(paid(&numbers[3].0, "w4", numbers[3].1)).await;
    zone.pass(120 * MINUTE - 1);
    expire_all(&zone).await;
    let states = async || {
        let mut states = Vec::new();
        for (number, _) in &numbers {
            states.push(zone.state(number).await);
        }
        states
    };
    assert_eq!(states().await, [0, 1, 3, 2]);
    zone.pass(1);
    expire_all(&zone).await;
    assert_eq!(states().await, [4, 4, 4, 2]);
    zone.send_all().await;
    let mut told = unit.states();
    told.sort_unstable();
    assert_eq!(told, [2, 3, 4, 4, 4]);
    // Money that comes after that counts, as late.
    let (status, answer) = zone.wx(paid(&numbers[1].0, "w2", numbers[1].1)).await;
    assert_eq!((status, &answer["data"]["state"]), (200, &json!(6)));
    let (_, answer) = zone.wx(paid(&numbers[1].0, "w5", numbers[1].1)).await;
    assert_eq!(answer["data"]["is_duplicate"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_is_asked_before_an_order_is_closed() {
    let (zone, channel) = asked_zone().await;
    let notice = zone.notice(1, |_| {}).await;
    let number = zone.paying("b1", &notice, "wx").await;
    zone.pass(120 * MINUTE);
    let result = paid(&number, "w1", notice.notice.total_fen);
    channel.answers_signed("wx", 2, zone.now(), &json!({ "result": result }));
    expire_all(&zone).await;
    assert_eq!(zone.state(&number).await, 2);
    assert_eq!(channel.told()[0]["platform_order_no"], json!(number));
    let notice = zone.notice(2, |_| {}).await;
    let number = zone.paying("b2", &notice, "wx").await;
    zone.pass(120 * MINUTE);
    channel.answers_signed("wx", 2, zone.now(), &json!({ "result": failed(&number) }));
    expire_all(&zone).await;
    // It failed, and its time is over.
    assert_eq!(zone.state(&number).await, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_the_channel_did_not_sign_counts_for_nothing() {
    let (zone, channel) = asked_zone().await;
    let notice = zone.notice(1, |_| {}).await;
    let number = zone.paying("b1", &notice, "wx").await;
    zone.pass(120 * MINUTE);
    let said = json!({ "result": paid(&number, "w1", notice.notice.total_fen) });
    channel.answers(said.clone());
    expire_all(&zone).await;
    zone.pass(MINUTE);
    // Another channel's signature, and the right name with another key.
    channel.answers_signed("ali", 3, zone.now(), &said);
    expire_all(&zone).await;
    zone.pass(3 * MINUTE);
    channel.answers_signed("wx", 3, zone.now(), &said);
    expire_all(&zone).await;
    assert_eq!((zone.state(&number).await, channel.told().len()), (1, 3));
    assert_eq!(zone.confirmations().await.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_channel_is_asked_for_an_hour_and_listed() {
    let (zone, channel) = asked_zone().await;
    let notice = zone.notice(1, |_| {}).await;
    let number = zone.paying("b1", &notice, "wx").await;
    zone.pass(120 * MINUTE);
    for minutes in [1, 3, 5, 15, 30] {
        channel.answers_signed("wx", 2, zone.now(), &json!({ "result": Value::Null }));
        expire_all(&zone).await;
        assert_eq!(zone.state(&number).await, 1);
        // The payer cannot pay elsewhere while nobody knows.
        let refused = zone.get(&format!("/notice?pay_code={}", notice.notice.pay_code)).await.1;
        assert_eq!(refused["data"]["refusal"]["code"], "being-paid");
        zone.pass(minutes * MINUTE);
    }
    channel.answers(json!({}));
    expire_all(&zone).await;
    assert_eq!((zone.state(&number).await, channel.told().len()), (4, 6));
    assert_eq!(zone.number("SELECT count(*) FROM outer_exception WHERE kind = 'channel-silent'").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_over_is_forgotten() {
    let zone = Zone::new().await;
    zone.person("op", node::people::Role::Operator).await;
    let notice = zone.notice(1, |_| {}).await;
    zone.order("b1", &notice).await;
    assert_eq!(zone.number("SELECT count(*) FROM node_session").await, 1);
    assert_eq!(zone.number("SELECT count(*) FROM node_nonce").await, 1);
    zone.pass(60 * MINUTE);
    node::prune::prune(&zone.own.node).await.unwrap();
    assert_eq!(zone.number("SELECT (SELECT count(*) FROM node_session) + (SELECT count(*) FROM node_nonce)").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_leaves_the_order_being_paid_is_not_asked_for_at_once_again() {
    let (zone, channel) = asked_zone().await;
    let desk = super::closing::Desk::new(&zone).await;
    let notice = zone.notice(1, |_| {}).await;
    let total = notice.notice.total_fen;
    let first = zone.paying("b1", &notice, "wx").await;
    zone.wx(failed(&first)).await;
    let second = zone.paying("b2", &notice, "wx").await;
    let (_, answer) = desk.confirm(&zone, super::evidence::asked(&first, "w1", total)).await;
    let confirm_id = answer["data"]["settled"]["confirm_id"].clone();
    zone.wx(paid(&second, "w2", total)).await;
    let id = super::closing::latest(&zone, &desk.operator).await["exception_id"].clone();
    assert_eq!(desk.close(&zone, &id, &confirm_id).await.0, 200);
    // The channel's answer is the payment of the other order, and this one stays as it is.
    zone.pass(120 * MINUTE);
    for minutes in [1, 3, 5, 15, 30] {
        channel.answers_signed("wx", 2, zone.now(), &json!({ "result": paid(&second, "w2", total) }));
        expire_all(&zone).await;
        assert_eq!(zone.state(&second).await, 1);
        zone.pass(minutes * MINUTE);
    }
    expire_all(&zone).await;
    assert_eq!((zone.state(&second).await, channel.told().len()), (4, 6));
    assert_eq!(zone.confirmations().await.len(), 1);
}
