//! Attempts to pay, and which of them a failure ends.

use serde_json::{Value, json};

use super::unit::Unit;
use super::zone::{MINUTE, Zone, code, failed, paid};

async fn pay(zone: &Zone, number: &str, channel: &str) -> i64 {
    let (status, answer) = zone.post("/order/pay", json!({ "platform_order_no": number, "channel": channel })).await;
    assert_eq!(status, 200, "{answer}");
    answer["data"]["attempt_no"].as_i64().unwrap()
}

fn failed_of(number: &str, field: &str, value: Value) -> Value {
    let mut result = failed(number);
    result[field] = value;
    result
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_failure_of_the_first_attempt_does_not_end_the_second() {
    let zone = Zone::new().await;
    let notice = zone.notice(1, |_| {}).await;
    let number = zone.order("b1", &notice).await;
    assert_eq!(pay(&zone, &number, "wx").await, 1);
    // Asking again for the same attempt begins no other.
    assert_eq!(pay(&zone, &number, "wx").await, 1);
    assert_eq!(zone.wx(failed_of(&number, "attempt_no", json!(1))).await.1["data"]["state"], 3);
    assert_eq!(pay(&zone, &number, "wx").await, 2);
    assert_eq!(zone.wx(failed_of(&number, "attempt_no", json!(1))).await.1["data"]["state"], 1);
    // Without a number nobody can say which of the two it is.
    let (status, answer) = zone.wx(failed(&number)).await;
    assert_eq!((status, code(&answer)), (409, "attempt-unclear"));
    assert_eq!(zone.acts("result-turn-away").await, [("client:wx".to_owned(), format!("outer_order/{number}"))]);
    assert_eq!(zone.state(&number).await, 1);
    assert_eq!(zone.wx(failed_of(&number, "attempt_no", json!(2))).await.1["data"]["state"], 3);
    // In another channel it is the first, and needs none.
    assert_eq!(pay(&zone, &number, "ali").await, 3);
    assert_eq!(zone.wx(failed(&number)).await.1["data"]["state"], 1);
    assert_eq!(zone.ali(failed(&number)).await.1["data"]["state"], 3);
    // Money counts whatever the attempt.
    assert_eq!(pay(&zone, &number, "wx").await, 4);
    let mut success = paid(&number, "w1", notice.notice.total_fen);
    success["attempt_no"] = json!(2);
    assert_eq!(zone.wx(success).await.1["data"]["state"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_is_told_from_an_earlier_one_by_the_channels_number() {
    let zone = Zone::new().await;
    let notice = zone.notice(1, |_| {}).await;
    let number = zone.order("b1", &notice).await;
    pay(&zone, &number, "wx").await;
    let of = |channel_order_no: &str| failed_of(&number, "channel_order_no", json!(channel_order_no));
    assert_eq!(zone.wx(of("w1")).await.1["data"]["state"], 3);
    pay(&zone, &number, "wx").await;
    assert_eq!(zone.wx(of("w1")).await.1["data"]["state"], 1);
    assert_eq!(zone.wx(of("w2")).await.1["data"]["state"], 3);
    let long = zone.wx(of(&"w".repeat(65))).await;
    assert_eq!((long.0, code(&long.1)), (400, "field-form"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_that_is_asked_answers_for_the_present_attempt() {
    let (channel, url) = Unit::new().await;
    let zone =
        Zone::with(&format!("[[channel]]\nid = \"wx\"\nquery_url = \"{url}\"\n[[channel]]\nid = \"ali\"\n")).await;
    let notice = zone.notice(1, |_| {}).await;
    let number = zone.order("b1", &notice).await;
    pay(&zone, &number, "wx").await;
    zone.wx(failed(&number)).await;
    pay(&zone, &number, "wx").await;
    zone.pass(120 * MINUTE);
    // It speaks of the attempt before: nothing is decided, and it is asked again only after a while.
    channel.answers_signed("wx", 2, zone.now(), &json!({ "result": failed_of(&number, "attempt_no", json!(1)) }));
    zone.expire_all().await;
    assert_eq!((zone.state(&number).await, channel.told().len()), (1, 1));
    assert_eq!(channel.told()[0]["attempt_no"], 2);
    zone.pass(MINUTE);
    channel.answers_signed("wx", 2, zone.now(), &json!({ "result": failed(&number) }));
    zone.expire_all().await;
    assert_eq!((zone.state(&number).await, channel.told().len()), (4, 2));
}
