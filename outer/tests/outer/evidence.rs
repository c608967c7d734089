//! Payments that two people confirm.

use node::desk::ChangedPerson;
use node::http::Caller;
use node::people::Role;
use serde_json::{Value, json};

use super::zone::{START, Zone, code, failed, paid, rules};

pub fn asked(number: &str, channel_order_no: &str, amount_fen: i64) -> Value {
    json!({
        "platform_order_no": number,
        "channel": "wx",
        "channel_order_no": channel_order_no,
        "amount_fen": amount_fen,
        "paid_time": START,
        "reason": "渠道对账单第 3 页载有该笔缴款",
        "file_digest": "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    })
}

pub async fn role(zone: &Zone, name: &str, role: Role) -> String {
    let change = ChangedPerson {
        name: name.to_owned(),
        title: None,
        role: Some(role),
        password: None,
        is_enabled: None,
        unlock: false,
    };
    node::desk::change_person(&zone.own.node, &Caller::local("test"), change).await.unwrap();
    zone.login(name).await
}

#[tokio::test(flavor = "multi_thread")]
async fn one_person_asks_and_another_allows() {
    let zone = Zone::new().await;
    zone.person("admin", Role::Administrator).await;
    let operator = zone.person("op", Role::Operator).await;
    let reviewer = zone.person("re", Role::Reviewer).await;
    let notice = zone.notice(1, |_| {}).await;
    let total = notice.notice.total_fen;
    let number = zone.paying("b1", &notice, "wx").await;
    let (status, answer) = zone.post_as(&operator, "/order/confirm-ask", asked(&number, "w1", total)).await;
    assert_eq!(status, 200, "{answer}");
    let evidence = answer["data"]["evidence_id"].clone();
    assert_eq!(node::desk::health(&*zone.own).await.unwrap().problems, 1);
    let again = zone.post_as(&operator, "/order/confirm-ask", asked(&number, "w2", total)).await;
    assert_eq!((again.0, code(&again.1)), (409, "confirm-asked"));
    let (_, list) = zone.get_as(&reviewer, "/evidence").await;
    assert_eq!(list["data"]["evidence"][0]["maker"], "op");
    let allow = json!({ "evidence_id": evidence, "is_allowed": true });
    assert_eq!(code(&zone.post_as(&operator, "/order/confirm-allow", allow.clone()).await.1), "not-permitted");
    // The operator does not become another person by another role.
    let same = role(&zone, "op", Role::Reviewer).await;
    let (status, answer) = zone.post_as(&same, "/order/confirm-allow", allow.clone()).await;
    assert_eq!((status, code(&answer)), (409, "same-person"));
    let sql = "UPDATE outer_evidence SET state = 1, checker = maker, check_time = make_time";
    let forced = sqlx::query(sql).execute(&mut zone.connection().await).await;
    assert!(forced.unwrap_err().to_string().contains("CHECK"));
    let (status, answer) = zone.post_as(&reviewer, "/order/confirm-allow", allow.clone()).await;
    assert_eq!((status, &answer["data"]["settled"]["state"]), (200, &json!(7)), "{answer}");
    assert_eq!(zone.state(&number).await, 7);
    assert_eq!(node::desk::health(&*zone.own).await.unwrap().problems, 0);
    let (confirm, _) = &zone.confirmations().await[0];
    assert_eq!((confirm.evidence, confirm.is_duplicate), (2, false));
    assert_eq!(code(&zone.post_as(&reviewer, "/order/confirm-allow", allow).await.1), "confirm-decided");
    let object = format!("outer_order/{number}");
    assert_eq!(zone.acts("confirm-ask").await, [("op".to_owned(), object)]);
    let object = format!("outer_evidence/{}", evidence.as_str().unwrap());
    assert_eq!(zone.acts("confirm-allow").await, [("re".to_owned(), object)]);
    // The channel's answer turns up after all: it is the same payment.
    let (status, answer) = zone.wx(paid(&number, "w1", total)).await;
    assert_eq!((status, &answer["data"]["state"]), (200, &json!(7)));
    assert_eq!(zone.confirmations().await.len(), 1);
    for sql in ["DELETE FROM outer_evidence", "UPDATE outer_evidence SET reason = 'x'"] {
        assert!(sqlx::query(sql).execute(&mut zone.connection().await).await.is_err(), "{sql}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reviewer_may_turn_it_down() {
    let zone = Zone::new().await;
    let operator = zone.person("op", Role::Operator).await;
    let reviewer = zone.person("re", Role::Reviewer).await;
    let notice = zone.notice(1, |_| {}).await;
    let total = notice.notice.total_fen;
    let number = zone.paying("b1", &notice, "wx").await;
    let (_, answer) = zone.post_as(&operator, "/order/confirm-ask", asked(&number, "w1", total)).await;
    let decided = json!({ "evidence_id": answer["data"]["evidence_id"], "is_allowed": false });
    let (status, answer) = zone.post_as(&reviewer, "/order/confirm-allow", decided).await;
    assert_eq!((status, &answer["data"]["state"], &answer["data"]["settled"]), (200, &json!(2), &Value::Null));
    assert_eq!((zone.state(&number).await, zone.confirmations().await.len()), (1, 0));
    assert_eq!(zone.acts("confirm-turn-down").await.len(), 1);
    zone.pass(1);
    // It may be asked for again; but what is paid meanwhile is not confirmed a second time.
    let (status, answer) = zone.post_as(&operator, "/order/confirm-ask", asked(&number, "w1", total)).await;
    assert_eq!(status, 200, "{answer}");
    zone.wx(paid(&number, "w1", total)).await;
    let decided = json!({ "evidence_id": answer["data"]["evidence_id"], "is_allowed": true });
    let (status, answer) = zone.post_as(&reviewer, "/order/confirm-allow", decided).await;
    assert_eq!((status, code(&answer)), (409, "transaction-known"));
    assert_eq!(zone.confirmations().await.len(), 1);
    let (_, list) = zone.get_as(&reviewer, "/evidence?all=true").await;
    // Nothing of the refused decision was written.
    assert_eq!(list["data"]["evidence"][0]["state"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn evidence_must_fit_the_order() {
    let zone = Zone::new().await;
    let operator = zone.person("op", Role::Operator).await;
    let notice = zone.notice(1, |_| {}).await;
    let total = notice.notice.total_fen;
    let number = zone.order("b1", &notice).await;
    let ask = async |change: &dyn Fn(&mut Value)| {
        let mut document = asked(&number, "w1", total);
        change(&mut document);
        let (status, answer) = zone.post_as(&operator, "/order/confirm-ask", document).await;
        (status, code(&answer).to_owned(), rules(&answer))
    };
    let said = |status: u16, code: &str| (status, code.to_owned(), Vec::new());
    // Nobody began to pay it.
    assert_eq!(ask(&|_| {}).await, said(409, "order-state"));
    zone.post("/order/pay", json!({ "platform_order_no": number, "channel": "wx" })).await;
    zone.wx(failed(&number)).await;
    assert_eq!(ask(&|one| one["amount_fen"] = json!(total + 1)).await, said(400, "amount-differs"));
    assert_eq!(ask(&|one| one["amount_fen"] = json!(0)).await.2, ["amount_fen amount-zero"]);
    assert_eq!(ask(&|one| one["is_second"] = json!(true)).await, said(409, "no-first-payment"));
    assert_eq!(ask(&|one| one["exception_id"] = json!(7)).await, said(404, "not-found"));
    assert_eq!(ask(&|one| one["file_digest"] = json!("00")).await, said(400, "file-digest"));
    assert_eq!(ask(&|one| one["reason"] = json!("")).await, said(400, "field-form"));
    assert_eq!(ask(&|one| one["channel"] = json!("cash")).await, said(400, "channel-unknown"));
    assert_eq!(ask(&|one| one["platform_order_no"] = json!("x")).await, said(404, "not-found"));
    assert_eq!(ask(&|one| one["paid_time"] = json!("x")).await.2, ["pay_time not-a-time"]);
    assert_eq!(ask(&|one| one["paid_time"] = json!("20160601100000")).await, said(400, "time-behind"));
    assert_eq!(ask(&|_| {}).await, said(200, ""));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_two_confirm_may_be_one_too_many() {
    let zone = Zone::new().await;
    let operator = zone.person("op", Role::Operator).await;
    let reviewer = zone.person("re", Role::Reviewer).await;
    let notice = zone.notice(1, |_| {}).await;
    let total = notice.notice.total_fen;
    let (first, second) = (zone.paying("b1", &notice, "wx").await, zone.order("b2", &notice).await);
    zone.ali(paid(&second, "a1", total)).await;
    let (_, answer) = zone.post_as(&operator, "/order/confirm-ask", asked(&first, "w1", total)).await;
    let decided = json!({ "evidence_id": answer["data"]["evidence_id"], "is_allowed": true });
    let (status, answer) = zone.post_as(&reviewer, "/order/confirm-allow", decided).await;
    assert_eq!((status, &answer["data"]["settled"]["state"]), (200, &json!(5)), "{answer}");
    let marks: Vec<(bool, i64)> =
        zone.confirmations().await.iter().map(|(confirm, _)| (confirm.is_duplicate, confirm.evidence)).collect();
    assert_eq!(marks, [(false, 1), (true, 2)]);
    // The channel's number is booked: nobody asks for it again for another order.
    let third = zone.notice(2, |_| {}).await;
    let number = zone.paying("b3", &third, "wx").await;
    zone.run(&format!(
        "UPDATE outer_order SET original_fen = {total}, received_fen = {total} WHERE biz_order_no = 'b3'"
    ))
    .await;
    let (status, answer) = zone.post_as(&operator, "/order/confirm-ask", asked(&number, "w1", total)).await;
    assert_eq!((status, code(&answer)), (409, "transaction-known"));
}
