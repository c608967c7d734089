//! Making orders and beginning to pay them.

use contract::rows::{BaseAgency, OfflinePayment};
use contract::{Generator, Size};
use serde_json::{Value, json};

use super::zone::{MINUTE, Zone, by_code, code, pair, rules};

/// An order that starts at the unit's own site.
fn by_lines(zone: &Zone, biz_order_no: &str) -> Value {
    let (item, least) = &zone.items[0];
    json!({
        "biz_order_no": biz_order_no,
        "agency_id": zone.agency.id,
        "biz_line": "IMMIGRATION",
        "biz_ref": "护照2026001",
        "payer_type": 1,
        "payer_name": "王小明",
        "payer_acct": "6222020200112233445",
        "lines": [{ "item_code": item.ele_code, "quantity": 2, "unit_fen": least, "amount_fen": 2 * least }],
        "title": "出入境证件费",
        "amount_fen": 2 * least,
        "passback": "a=1",
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_document_makes_one_order() {
    let zone = Zone::new().await;
    let notice = zone.notice(1, |_| {}).await;
    let asked = by_code("b1", &notice);
    let (status, first) = zone.unit("/order/create", asked.clone()).await;
    assert_eq!(status, 200, "{first}");
    assert_eq!((&first["data"]["state"], &first["data"]["expire_time"]), (&json!(0), &json!("20260601120000")));
    assert_eq!(first["data"]["attempt_no"], 0);
    zone.pass(MINUTE);
    assert_eq!(zone.unit("/order/create", asked.clone()).await, (200, first.clone()));
    let mut other = asked.clone();
    other["title"] = json!("另一笔");
    let (status, answer) = zone.unit("/order/create", other).await;
    assert_eq!((status, code(&answer)), (409, "biz-order-taken"));
    // The number is the client's own: another one may use it.
    zone.client("other", "unit", 4, None, None).await;
    let (status, answer) = zone.signed(("other", 4), "/order/create", asked).await;
    assert_eq!(status, 200, "{answer}");
    assert_ne!(answer["data"]["platform_order_no"], first["data"]["platform_order_no"]);
    assert_eq!(zone.number("SELECT count(*) FROM outer_order").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_at_once_make_one_order() {
    let zone = std::sync::Arc::new(Zone::new().await);
    let notice = zone.notice(1, |_| {}).await;
    let mut asking = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let (zone, asked) = (std::sync::Arc::clone(&zone), by_code("b1", &notice));
        asking.spawn(async move { zone.unit("/order/create", asked).await });
    }
    let answers = asking.join_all().await;
    assert!(answers.iter().all(|(status, answer)| *status == 200 && *answer == answers[0].1), "{answers:?}");
    assert_eq!(zone.number("SELECT count(*) FROM outer_order").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_by_lines_keeps_the_rules_of_the_contract() {
    let zone = Zone::new().await;
    let good = by_lines(&zone, "b1");
    let (status, answer) = zone.unit("/order/create", good.clone()).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(zone.unit("/order/create", good.clone()).await.0, 200);
    let mut other = good.clone();
    other["payer_acct"] = json!("6222020200112233446");
    assert_eq!(code(&zone.unit("/order/create", other).await.1), "biz-order-taken");
    let broken = async |change: &dyn Fn(&mut Value)| {
        let mut asked = by_lines(&zone, "b2");
        change(&mut asked);
        let (status, answer) = zone.unit("/order/create", asked).await;
        assert_eq!(status, 400, "{answer}");
        rules(&answer)
    };
    assert_eq!(broken(&|asked| asked["agency_id"] = json!("x")).await, ["agency_id no-such"]);
    assert_eq!(broken(&|asked| asked["lines"][0]["item_code"] = json!("x")).await, ["item_code not-collected"]);
    assert_eq!(broken(&|asked| asked["lines"][0]["quantity"] = json!(3)).await, ["amount_fen line-amount"]);
    assert_eq!(broken(&|asked| asked["biz_line"] = json!("TAX")).await, ["biz_line not-one-of"]);
    assert_eq!(broken(&|asked| asked["payer_type"] = json!(3)).await, ["payer_type out-of-range"]);
    assert_eq!(broken(&|asked| asked["payer_name"] = json!("名".repeat(51))).await, ["payer_name too-wide"]);
    assert_eq!(broken(&|asked| asked["amount_fen"] = json!(0)).await, ["original_fen amount-zero"]);
    assert_eq!(broken(&|asked| asked["amount_fen"] = json!(i64::MAX)).await, ["original_fen amount-too-large"]);
    assert_eq!(broken(&|asked| asked["biz_discount_fen"] = json!(-1)).await, ["biz_discount_fen negative"]);
    assert_eq!(broken(&|asked| asked["biz_discount_fen"] = json!(i64::MIN)).await, ["biz_discount_fen negative"]);
    assert_eq!(broken(&|asked| asked["lines"] = json!([])).await, ["line_no no-lines"]);
    let line = good["lines"][0].clone();
    assert_eq!(broken(&|asked| asked["lines"] = json!(vec![line.clone(); 1_000])).await, ["line_no too-many-lines"]);
    let cheap = |asked: &mut Value| {
        asked["lines"][0]["unit_fen"] = json!(0);
        asked["lines"][0]["amount_fen"] = json!(0);
    };
    assert_eq!(broken(&cheap).await, ["unit_fen outside-standard"]);
    zone.put(&BaseAgency { is_enabled: false, ..zone.agency.clone() }).await;
    assert_eq!(broken(&|_| {}).await, ["agency_id not-in-force"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_an_order_is_said() {
    let zone = Zone::new().await;
    let notice = zone.notice(1, |_| {}).await;
    let refused = async |change: &dyn Fn(&mut Value)| {
        let mut asked = by_code("b1", &notice);
        change(&mut asked);
        let (status, answer) = zone.unit("/order/create", asked).await;
        (status, code(&answer).to_owned())
    };
    let said = |status: u16, code: &str| (status, code.to_owned());
    assert_eq!(refused(&|asked| asked["amount_fen"] = json!(1)).await, said(400, "amount-differs"));
    assert_eq!(refused(&|asked| asked["pay_code"] = json!("1")).await, said(400, "pay-code-form"));
    let unknown = |asked: &mut Value| asked["pay_code"] = json!("61010026000000099919");
    assert_eq!(refused(&unknown).await, said(404, "not-yet-synchronised"));
    assert_eq!(refused(&|asked| asked["biz_line"] = json!("EXAM")).await, said(400, "both-ways"));
    assert_eq!(refused(&|asked| asked["pay_code"] = json!(null)).await, said(400, "pay-code-or-lines"));
    assert_eq!(refused(&|asked| asked["title"] = json!("")).await, said(400, "field-form"));
    assert_eq!(refused(&|asked| asked["title"] = json!("a\nb")).await, said(400, "field-form"));
    assert_eq!(refused(&|asked| asked["biz_order_no"] = json!("b".repeat(129))).await, said(400, "field-form"));
    assert_eq!(refused(&|asked| asked["expire_minutes"] = json!(0)).await, said(400, "expire-minutes"));
    assert_eq!(refused(&|asked| asked["notify_url"] = json!("file:///etc")).await, said(400, "notify-url"));
    assert_eq!(refused(&|asked| asked["more"] = json!(1)).await, said(400, "document"));
    assert_eq!(refused(&|asked| asked["amount_fen"] = json!("1")).await, said(400, "document"));
    // A client names no address while none is registered for it.
    let unregistered = refused(&|asked| asked["notify_url"] = json!("http://a.example/told")).await;
    assert_eq!(unregistered, said(403, "notify-url-unregistered"));
    zone.client("unit", "unit", 1, Some("http://a.example/told"), None).await;
    assert_eq!(refused(&|asked| asked["notify_url"] = json!("https://a.example/")).await, said(403, "notify-url-host"));
    assert_eq!(
        refused(&|asked| asked["notify_url"] = json!("http://a.example:81/")).await,
        said(403, "notify-url-host")
    );
    assert_eq!(refused(&|asked| asked["notify_url"] = json!("http://b.example/")).await, said(403, "notify-url-host"));
    assert_eq!(refused(&|asked| asked["notify_url"] = json!("http://a.example/else")).await, said(200, ""));
    zone.client("unit", "unit", 1, None, Some("another agency")).await;
    assert_eq!(refused(&|asked| asked["biz_order_no"] = json!("b9")).await, said(403, "other-agency"));
    // Who signs with another key, or may do something else, makes nothing.
    let (status, answer) = zone.signed(("unit", 2), "/order/create", by_code("b8", &notice)).await;
    assert_eq!((status, code(&answer)), (401, "signature"));
    let (status, answer) = zone.signed(("wx", 2), "/order/create", by_code("b8", &notice)).await;
    assert_eq!((status, code(&answer)), (403, "not-permitted"));
    assert_ne!(pair(1).1, pair(2).1);
    assert_eq!(zone.number("SELECT count(*) FROM outer_order").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_debt_is_being_paid_once() {
    let zone = Zone::new().await;
    let notice = zone.notice(1, |_| {}).await;
    let (first, second) = (zone.order("b1", &notice).await, zone.order("b2", &notice).await);
    let pay = async |number: &str, channel: &str| {
        let (status, answer) =
            zone.post("/order/pay", json!({ "platform_order_no": number, "channel": channel })).await;
        (status, code(&answer).to_owned())
    };
    let said = |status: u16, code: &str| (status, code.to_owned());
    assert_eq!(pay(&first, "cash").await, said(400, "channel-unknown"));
    assert_eq!(pay("nothing", "wx").await, said(404, "not-found"));
    assert_eq!(pay(&first, "wx").await, said(200, ""));
    assert_eq!(pay(&first, "wx").await, said(200, ""));
    assert_eq!(pay(&first, "ali").await, said(409, "order-state"));
    assert_eq!(pay(&second, "ali").await, said(409, "being-paid"));
    // The schema holds even where the code would not.
    let forced = sqlx::query("UPDATE outer_order SET state = 1").execute(&mut zone.connection().await).await;
    assert!(forced.unwrap_err().to_string().contains("UNIQUE"));
    zone.wx(super::zone::failed(&first)).await;
    assert_eq!(pay(&second, "ali").await, said(200, ""));
    assert_eq!(pay(&first, "wx").await, said(409, "being-paid"));
    zone.ali(super::zone::paid(&second, "a1", notice.notice.total_fen)).await;
    assert_eq!(pay(&first, "wx").await, said(409, "already-paid"));
    let (status, answer) = zone.unit("/order/create", by_code("b3", &notice)).await;
    assert_eq!((status, code(&answer)), (409, "already-paid"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changed_since_the_order_stops_the_payment() {
    let zone = Zone::new().await;
    let pay = async |number: &str| {
        let (_, answer) = zone.post("/order/pay", json!({ "platform_order_no": number, "channel": "wx" })).await;
        code(&answer).to_owned()
    };
    let notice = zone.notice(1, |_| {}).await;
    let number = zone.order("b1", &notice).await;
    zone.notice(1, |notice| {
        notice.notice.late_fee_fen += 1;
        notice.notice.total_fen += 1;
    })
    .await;
    assert_eq!(pay(&number).await, "amount-changed");
    zone.notice(1, |notice| notice.notice.state = 2).await;
    assert_eq!(pay(&number).await, "notice-void");
    zone.notice(1, |_| {}).await;
    zone.put(&OfflinePayment { refund_state: 1, ..Generator::new(1, Size::S).offline_payment(1) }).await;
    assert_eq!(pay(&number).await, "paid-offline");
    zone.run("DELETE FROM offline_payment").await;
    zone.pass(120 * MINUTE);
    assert_eq!(pay(&number).await, "order-expired");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_shown_to_whoever_has_its_number() {
    let zone = Zone::new().await;
    let notice = zone.notice(1, |_| {}).await;
    let number = zone.order("b1", &notice).await;
    let shown = zone.get(&format!("/order?platform_order_no={number}")).await;
    assert_eq!(shown.1["data"]["state_text_zh"], "待支付");
    assert_eq!(zone.unit("/order/query", json!({ "biz_order_no": "b1" })).await, shown);
    assert_eq!(zone.unit("/order/query", json!({ "platform_order_no": number })).await, shown);
    assert_eq!(code(&zone.get("/order").await.1), "document");
    assert_eq!(code(&zone.get("/order?biz_order_no=b1").await.1), "document");
    assert_eq!(code(&zone.unit("/order/query", json!({})).await.1), "one-number");
    assert_eq!(code(&zone.get("/order?platform_order_no=x").await.1), "not-found");
    zone.client("other", "unit", 4, None, None).await;
    let (status, answer) = zone.signed(("other", 4), "/order/query", json!({ "platform_order_no": number })).await;
    assert_eq!((status, code(&answer)), (404, "not-found"));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_payers_at_once_one_begins() {
    let zone = std::sync::Arc::new(Zone::new().await);
    let notice = zone.notice(1, |_| {}).await;
    let mut paying = tokio::task::JoinSet::new();
    for place in 0..12 {
        let number = zone.order(&format!("b{place}"), &notice).await;
        let zone = std::sync::Arc::clone(&zone);
        paying.spawn(
            async move { zone.post("/order/pay", json!({ "platform_order_no": number, "channel": "wx" })).await },
        );
    }
    let answers = paying.join_all().await;
    let begun = answers.iter().filter(|(status, _)| *status == 200).count();
    assert_eq!(begun, 1, "{answers:?}");
    assert!(answers.iter().all(|(status, answer)| *status == 200 || code(answer) == "being-paid"), "{answers:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_the_node_failed_to_do_may_come_again() {
    let zone = Zone::new().await;
    let notice = zone.notice(1, |_| {}).await;
    let key = node::message::ClientKey::from_pem(&pair(1).0).unwrap();
    let entropy = node::SystemEntropy::new();
    let message = node::message::Message::sign(&key, "unit", &by_code("b1", &notice), zone.now(), &entropy).unwrap();
    let message = serde_json::to_value(message).unwrap();
    zone.run("ALTER TABLE outer_order RENAME TO outer_order_gone").await;
    let (status, answer) = zone.post("/order/create", message.clone()).await;
    assert_eq!((status, code(&answer)), (500, "internal"), "{answer}");
    zone.run("ALTER TABLE outer_order_gone RENAME TO outer_order").await;
    let (status, answer) = zone.post("/order/create", message.clone()).await;
    assert_eq!(status, 200, "{answer}");
    // What was done is done once.
    let (status, answer) = zone.post("/order/create", message).await;
    assert_eq!((status, code(&answer)), (409, "replayed"));
    assert!(answer["error"]["next"].as_str().unwrap().contains("sign it anew"), "{answer}");
}
