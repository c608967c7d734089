//! What the record of acts holds of clients and of the program.

use serde_json::{Value, json};

use super::zone::{MINUTE, Zone, failed, paid};

/// The latest act of a kind: who, from where, to what, what was before and what is after.
async fn act(zone: &Zone, what: &str) -> (String, String, String, Value, Value) {
    let found: (String, String, String, Option<String>, Option<String>) = sqlx::query_as(
        "SELECT who, address, object, was, is_now FROM node_act WHERE what = ?1 ORDER BY id DESC LIMIT 1",
    )
    .bind(what.to_owned())
    .fetch_one(&mut zone.connection().await)
    .await
    .unwrap();
    let parsed = |text: Option<String>| text.map_or(Value::Null, |text| serde_json::from_str(&text).unwrap());
    (found.0, found.1, found.2, parsed(found.3), parsed(found.4))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_turned_away_and_kept_and_closed_is_in_the_record() {
    let zone = Zone::new().await;
    let notice = zone.notice(1, |_| {}).await;
    let total = notice.notice.total_fen;
    let number = zone.paying("b1", &notice, "wx").await;
    let order = format!("outer_order/{number}");
    let mut bad = paid(&number, "w1", -1);
    bad["payer_acct"] = json!("6222020200112233445");
    assert_eq!(zone.wx(bad).await.0, 400);
    let (who, address, object, _, is_now) = act(&zone, "result-turn-away").await;
    assert_eq!((who.as_str(), address.as_str(), &object), ("client:wx", "127.0.0.1", &order));
    assert_eq!((&is_now["code"], &is_now["amount_fen"]), (&json!("rules-broken"), &json!(-1)));
    // What is kept stands in the record once, however often it comes.
    for _ in 0..2 {
        assert_eq!(zone.wx(paid(&number, "w1", total - 1)).await.0, 409);
    }
    let (who, _, object, _, is_now) = act(&zone, "result-keep").await;
    assert_eq!((who.as_str(), object.as_str()), ("client:wx", "outer_exception/1"));
    assert_eq!((&is_now["kind"], &is_now["document"]["channel_order_no"]), (&json!("amount-differs"), &json!("w1")));
    assert_eq!(zone.acts("result-keep").await.len(), 1);
    zone.wx(failed(&number)).await;
    let (who, address, object, was, is_now) = act(&zone, "order-fail").await;
    assert_eq!((who.as_str(), address.as_str(), &object), ("client:wx", "127.0.0.1", &order));
    assert_eq!((&was["state"], &is_now["state"]), (&json!(1), &json!(3)));
    zone.pass(120 * MINUTE);
    zone.expire_all().await;
    let (who, address, object, was, is_now) = act(&zone, "order-close").await;
    assert_eq!((who.as_str(), address.as_str(), &object), ("program", "local", &order));
    assert_eq!((&was["state"], &is_now["state"]), (&json!(3), &json!(4)));
    let whole = zone.own.node.database.read(|connection| Box::pin(node::record::first_broken(connection))).await;
    assert_eq!(whole.unwrap(), None);
    let acts = zone.number("SELECT count(*) FROM node_act WHERE is_now LIKE '%6222020200112233445%'").await;
    assert_eq!(acts, 0, "an account stands in no record");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_that_is_not_configured_is_turned_away_on_record() {
    let zone = Zone::new().await;
    zone.client("new", "channel", 5, None, None).await;
    let long = "n".repeat(200_000);
    assert_eq!(zone.signed(("new", 5), "/channel/result", paid(&long, "w1", 5)).await.0, 403);
    let (who, _, object, _, is_now) = act(&zone, "result-turn-away").await;
    assert_eq!((who.as_str(), &is_now["code"]), ("client:new", &json!("channel-unknown")));
    assert_eq!(object.len(), "outer_order/".len() + 128, "a long number does not fill the record");
}
