//! What channels say became of orders: nothing is lost, nothing is counted twice.

use std::sync::Arc;

use contract::generate::Notice;
use contract::rows::OfflinePayment;
use contract::rules::check_confirm;
use contract::{Generator, Size};
use node::people::Role;
use serde_json::json;

use super::zone::{Zone, by_code, code, failed, paid, rules};

/// A notice with a late fee.
fn late(notice: &mut Notice) {
    notice.notice.late_fee_fen = 150;
    notice.notice.total_fen = notice.notice.amount_fen + 150;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_becomes_a_confirmation_of_the_contract() {
    let zone = Zone::new().await;
    let notice = zone.notice(1, late).await;
    let total = notice.notice.total_fen;
    let number = zone.paying("b1", &notice, "wx").await;
    let mut result = paid(&number, "w1", total);
    result["fee_fen"] = json!(3);
    result["channel_discount_fen"] = json!(2);
    result["payer_acct"] = json!("6222020200112233445");
    result["pay_bank_no"] = json!("102100000030");
    result["paid_time"] = json!("20260601220000");
    zone.pass(12 * 60 * 60_000);
    let (status, answer) = zone.wx(result).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!((&answer["data"]["state"], &answer["data"]["is_duplicate"]), (&json!(2), &json!(false)));
    let confirmations = zone.confirmations().await;
    let [(confirm, items)] = &confirmations[..] else { panic!("{confirmations:?}") };
    assert_eq!(check_confirm(confirm, items, &zone.own.node.policy), []);
    assert_eq!(answer["data"]["confirm_id"], json!(confirm.confirm_id));
    assert_eq!((confirm.amount_fen, confirm.evidence, confirm.is_duplicate), (total, 1, false));
    // The day cut is at 22:00.
    assert_eq!((confirm.pay_time.as_str(), confirm.pay_date.as_str()), ("20260601220000", "20260602"));
    assert_eq!(confirm.pay_code.as_deref(), Some(notice.notice.pay_code.as_str()));
    assert_eq!(items.len(), notice.items.len() + 1);
    assert_eq!(items.last().map(|item| (item.item_name.as_str(), item.amount_fen)), Some(("滞纳金", 150)));
    let sealed = confirm.payer_acct.as_deref().unwrap();
    let opened = zone.own.node.field_key.open(("pay_confirm", "payer_acct"), sealed);
    assert_eq!(opened.as_deref(), Some("6222020200112233445"));
    let sql = format!("SELECT received_fen FROM outer_order WHERE platform_order_no = '{number}'");
    assert_eq!(zone.number(&sql).await, total - 5);
    let (_, answer) = zone.get(&format!("/confirm?confirm_id={}", confirm.confirm_id)).await;
    assert_eq!((&answer["data"]["is_pending"], &answer["data"]["text_zh"]), (&json!(true), &json!("待内网答复")));
    assert_eq!(zone.get("/confirm?confirm_id=x").await.0, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_of_a_units_own_is_confirmed_with_its_account() {
    let zone = Zone::new().await;
    let (item, least) = &zone.items[0];
    let asked = json!({
        "biz_order_no": "b1", "agency_id": zone.agency.id, "biz_line": "IMMIGRATION", "payer_type": 1,
        "payer_name": "王小明", "payer_acct": "6222020200112233445", "title": "证件费", "amount_fen": least,
        "biz_discount_fen": 1,
        "lines": [{ "item_code": item.ele_code, "quantity": 1, "unit_fen": least, "amount_fen": least }],
    });
    let (status, answer) = zone.unit("/order/create", asked).await;
    assert_eq!(status, 200, "{answer}");
    let number = answer["data"]["platform_order_no"].as_str().unwrap();
    assert_eq!(answer["data"]["payable_fen"], json!(least - 1));
    // What the payer pays is less than the order by what the agency gives.
    assert_eq!(code(&zone.wx(paid(number, "w1", *least)).await.1), "amount-differs");
    assert_eq!(zone.wx(paid(number, "w1", least - 1)).await.0, 200);
    let (confirm, items) = &zone.confirmations().await[0];
    assert_eq!((confirm.pay_code.as_deref(), confirm.amount_fen, items.len()), (None, *least, 1));
    assert_eq!(
        (items[0].item_code.as_str(), items[0].item_name.as_str()),
        (item.ele_code.as_str(), item.ele_name.as_str())
    );
    let opened = zone.own.node.field_key.open(("pay_confirm", "payer_acct"), confirm.payer_acct.as_deref().unwrap());
    assert_eq!(opened.as_deref(), Some("6222020200112233445"));
    let kept: String =
        sqlx::query_scalar("SELECT payer_acct FROM outer_order").fetch_one(&mut zone.connection().await).await.unwrap();
    assert!(kept.starts_with("f1:"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_doubled_message_changes_nothing() {
    let zone = Arc::new(Zone::new().await);
    let notice = zone.notice(1, |_| {}).await;
    let total = notice.notice.total_fen;
    let number = zone.paying("b1", &notice, "wx").await;
    let mut sending = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let (zone, result) = (Arc::clone(&zone), paid(&number, "w1", total));
        sending.spawn(async move { zone.wx(result).await });
    }
    let answers = sending.join_all().await;
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    assert_eq!(answers[0].0, 200, "{answers:?}");
    assert_eq!(zone.wx(failed(&number)).await.1["data"]["state"], 2);
    assert_eq!(zone.wx(paid(&number, "w1", total)).await, answers[0]);
    assert_eq!(zone.confirmations().await.len(), 1);
    // Something else under the same number is kept for people.
    let (status, answer) = zone.wx(paid(&number, "w1", total + 1)).await;
    assert_eq!((status, code(&answer)), (409, "transaction-differs"));
    assert_eq!(zone.number("SELECT count(*) FROM outer_exception WHERE kind = 'transaction-differs'").await, 1);
    assert_eq!(zone.confirmations().await.len(), 1);
    for sql in [
        "UPDATE outer_txn SET amount_fen = 1",
        "DELETE FROM outer_txn",
        "UPDATE outer_order SET state = 3, confirm_id = NULL",
    ] {
        assert!(sqlx::query(sql).execute(&mut zone.connection().await).await.is_err(), "{sql}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_lets_the_payer_try_again() {
    let zone = Zone::new().await;
    let notice = zone.notice(1, |_| {}).await;
    let number = zone.paying("b1", &notice, "wx").await;
    // Another channel's failure says nothing about this one.
    assert_eq!(zone.ali(failed(&number)).await.1["data"]["state"], 1);
    assert_eq!(zone.wx(failed(&number)).await.1["data"]["state"], 3);
    assert_eq!(zone.wx(failed(&number)).await.1["data"]["state"], 3);
    let (_, answer) = zone.post("/order/pay", json!({ "platform_order_no": number, "channel": "ali" })).await;
    assert_eq!(answer["data"]["state"], 1, "{answer}");
    assert_eq!(zone.ali(paid(&number, "a1", notice.notice.total_fen)).await.1["data"]["state"], 2);
    // A failure of what is not known is kept too.
    assert_eq!(code(&zone.wx(failed("nothing")).await.1), "order-unknown");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_is_kept_for_people() {
    let zone = Zone::new().await;
    let notice = zone.notice(1, |_| {}).await;
    let total = notice.notice.total_fen;
    let number = zone.paying("b1", &notice, "wx").await;
    let mut odd = paid(&number, "w1", total - 1);
    odd["payer_acct"] = json!("6222020200112233445");
    for _ in 0..2 {
        let (status, answer) = zone.wx(odd.clone()).await;
        assert_eq!((status, code(&answer)), (409, "amount-differs"));
    }
    let mut fee = paid(&number, "w2", total);
    fee["fee_fen"] = json!(total + 1);
    assert_eq!(code(&zone.wx(fee).await.1), "charge-broken");
    let mut ahead = paid(&number, "w3", total);
    ahead["paid_time"] = json!("20260601110000");
    assert_eq!(code(&zone.wx(ahead).await.1), "time-ahead");
    let mut behind = paid(&number, "w5", total);
    behind["paid_time"] = json!("20160601100000");
    assert_eq!(code(&zone.wx(behind.clone()).await.1), "time-behind");
    behind["paid_time"] = json!("20260601095459");
    assert_eq!(code(&zone.wx(behind).await.1), "time-behind");
    assert_eq!(code(&zone.wx(paid("nothing", "w4", 5)).await.1), "order-unknown");
    assert_eq!((zone.state(&number).await, zone.confirmations().await.len()), (1, 0));
    let (operator, auditor) = (zone.person("op", Role::Operator).await, zone.person("au", Role::Auditor).await);
    let (_, answer) = zone.get_as(&auditor, "/exceptions").await;
    let listed = answer["data"]["exceptions"].as_array().unwrap().clone();
    let kinds: Vec<&str> = listed.iter().map(|one| one["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["order-unknown", "time-behind", "time-behind", "time-ahead", "charge-broken", "amount-differs"]);
    assert_eq!(listed[5]["document"]["amount_fen"], json!(total - 1));
    assert!(!answer.to_string().contains("6222020200112233445"));
    assert!(listed.iter().all(|one| one["has_money"] == true), "{listed:?}");
    // What has no money in it one person closes.
    assert_eq!(code(&zone.wx(failed("nothing")).await.1), "order-unknown");
    let (_, answer) = zone.get_as(&operator, "/exceptions").await;
    let failure = answer["data"]["exceptions"][0].clone();
    assert_eq!(failure["has_money"], false);
    let close = json!({ "exception_id": failure["exception_id"], "note": "已与渠道核对" });
    assert_eq!(code(&zone.post_as(&auditor, "/exception/close", close.clone()).await.1), "not-permitted");
    assert_eq!(code(&zone.post("/exception/close", close.clone()).await.1), "not-logged-in");
    assert_eq!(zone.post_as(&operator, "/exception/close", close.clone()).await.0, 200);
    assert_eq!(code(&zone.post_as(&operator, "/exception/close", close).await.1), "exception-closed");
    let (_, answer) = zone.get_as(&operator, "/exceptions").await;
    assert_eq!(answer["data"]["exceptions"].as_array().unwrap().len(), 6);
    let (_, answer) = zone.get_as(&operator, "/exceptions?all=true").await;
    assert_eq!(answer["data"]["exceptions"][0]["closed_by"], "op");
    let object = format!("outer_exception/{}", failure["exception_id"]);
    assert_eq!(zone.acts("exception-close").await, [("op".to_owned(), object)]);
    // The right amount still counts under the number that came with a wrong one, by a clock that is five minutes slow.
    let mut right = paid(&number, "w1", total);
    right["paid_time"] = json!("20260601095500");
    assert_eq!(zone.wx(right).await.1["data"]["state"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_payment_too_many_is_confirmed_and_marked() {
    let zone = Zone::new().await;
    let notice = zone.notice(1, |_| {}).await;
    let total = notice.notice.total_fen;
    let (first, second) = (zone.paying("b1", &notice, "wx").await, zone.order("b2", &notice).await);
    assert_eq!(zone.wx(paid(&first, "w1", total)).await.1["data"]["state"], 2);
    // Another order for the same pay code.
    let (_, answer) = zone.ali(paid(&second, "a1", total)).await;
    assert_eq!((&answer["data"]["state"], &answer["data"]["is_duplicate"]), (&json!(5), &json!(true)));
    assert_eq!(zone.state(&second).await, 5);
    // A second payment of the paid order, and a third.
    let (_, answer) = zone.wx(paid(&first, "w2", total)).await;
    assert_eq!((&answer["data"]["state"], &answer["data"]["is_duplicate"]), (&json!(5), &json!(true)));
    assert_eq!(zone.wx(paid(&first, "w2", total)).await.1, answer);
    assert_eq!(zone.ali(paid(&second, "a2", total)).await.1["data"]["is_duplicate"], true);
    assert_eq!(zone.state(&first).await, 2);
    let marks: Vec<bool> = zone.confirmations().await.iter().map(|(confirm, _)| confirm.is_duplicate).collect();
    // By channel and number: a1, a2, w1, w2.
    assert_eq!(marks, [true, true, false, true]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_paid_elsewhere_makes_a_payment_one_too_many() {
    let zone = Zone::new().await;
    let notice = zone.notice(1, |_| {}).await;
    let number = zone.paying("b1", &notice, "wx").await;
    zone.put(&OfflinePayment { refund_state: 0, source: 1, ..Generator::new(1, Size::S).offline_payment(1) }).await;
    let (_, answer) = zone.wx(paid(&number, "w1", notice.notice.total_fen)).await;
    assert_eq!((&answer["data"]["state"], &answer["data"]["is_duplicate"]), (&json!(5), &json!(true)));
    let notice = zone.notice(2, |_| {}).await;
    let number = zone.paying("b2", &notice, "wx").await;
    zone.notice(2, |notice| notice.notice.state = 1).await;
    assert_eq!(zone.wx(paid(&number, "w2", notice.notice.total_fen)).await.1["data"]["state"], 5);
    // What the police took goes back, and the online payment stands.
    let notice = zone.notice(3, |_| {}).await;
    let number = zone.paying("b3", &notice, "wx").await;
    zone.put(&OfflinePayment { refund_state: 0, source: 2, ..Generator::new(1, Size::S).offline_payment(3) }).await;
    zone.notice(3, |notice| notice.notice.state = 1).await;
    let (_, answer) = zone.wx(paid(&number, "w3", notice.notice.total_fen)).await;
    assert_eq!((&answer["data"]["state"], &answer["data"]["is_duplicate"]), (&json!(2), &json!(false)), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_messages_of_channels_are_refused() {
    let zone = Zone::new().await;
    let notice = zone.notice(1, |_| {}).await;
    let number = zone.paying("b1", &notice, "wx").await;
    let good = paid(&number, "w1", notice.notice.total_fen);
    let (status, answer) = zone.wx(json!({ "platform_order_no": number, "outcome": "success" })).await;
    assert_eq!(status, 400);
    assert_eq!(rules(&answer), ["channel_order_no missing", "amount_fen missing", "pay_time missing"]);
    let broken = async |field: &str, value: serde_json::Value| {
        let mut result = good.clone();
        result[field] = value;
        rules(&zone.wx(result).await.1)
    };
    assert_eq!(broken("channel_order_no", json!("w".repeat(65))).await, ["channel_order_no too-wide"]);
    assert_eq!(broken("amount_fen", json!(-1)).await, ["amount_fen negative"]);
    assert_eq!(broken("fee_fen", json!(100_000_000_000_i64)).await, ["fee_fen amount-too-large"]);
    assert_eq!(broken("paid_time", json!("20260601250000")).await, ["pay_time not-a-time"]);
    assert_eq!(broken("payer_acct", json!("6".repeat(101))).await, ["payer_acct too-wide"]);
    assert_eq!(broken("pay_bank_no", json!("1".repeat(15))).await, ["pay_bank_no too-wide"]);
    let (status, answer) = zone.unit("/channel/result", good.clone()).await;
    assert_eq!((status, code(&answer)), (403, "not-permitted"));
    zone.client("new", "channel", 5, None, None).await;
    let (status, answer) = zone.signed(("new", 5), "/channel/result", good.clone()).await;
    assert_eq!((status, code(&answer)), (403, "channel-unknown"));
    assert_eq!(code(&zone.post("/channel/result", good).await.1), "document");
    assert_eq!(zone.number("SELECT count(*) FROM outer_exception").await, 0);
    assert_eq!(zone.state(&number).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_confirmation_that_cannot_be_is_kept_for_people() {
    let zone = Zone::new().await;
    let notice = zone.notice(1, |_| {}).await;
    let (_, answer) = zone.unit("/order/create", by_code("b1", &notice)).await;
    let number = answer["data"]["platform_order_no"].as_str().unwrap();
    zone.run("UPDATE outer_order SET biz_line = 'TAX'").await;
    let (status, answer) = zone.wx(paid(number, "w1", notice.notice.total_fen)).await;
    assert_eq!((status, code(&answer)), (409, "unconfirmable"));
    assert_eq!((zone.state(number).await, zone.confirmations().await.len()), (0, 0));
    assert_eq!(zone.number("SELECT count(*) FROM outer_exception WHERE kind = 'unconfirmable'").await, 1);
}
