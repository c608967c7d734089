//! What channels said that did not fit, and what two people make of it.

use contract::rules::{Decision, Known, MatchState, Paid, check_confirm, judge};
use node::people::Role;
use serde_json::{Value, json};

use super::evidence::{asked, role};
use super::unit::Unit;
use super::zone::{Zone, code, failed, paid};

/// The latest exception that people have yet to deal with.
pub async fn latest(zone: &Zone, token: &str) -> Value {
    let (status, answer) = zone.get_as(token, "/exceptions").await;
    assert_eq!(status, 200, "{answer}");
    answer["data"]["exceptions"][0].clone()
}

pub struct Desk {
    pub operator: String,
    pub reviewer: String,
}

impl Desk {
    pub async fn new(zone: &Zone) -> Self {
        Self { operator: zone.person("op", Role::Operator).await, reviewer: zone.person("re", Role::Reviewer).await }
    }

    /// Has a payment confirmed by two people. Yields what became of it.
    pub async fn confirm(&self, zone: &Zone, document: Value) -> (u16, Value) {
        let (status, answer) = zone.post_as(&self.operator, "/order/confirm-ask", document).await;
        if status != 200 {
            return (status, answer);
        }
        let decided = json!({ "evidence_id": answer["data"]["evidence_id"], "is_allowed": true });
        zone.post_as(&self.reviewer, "/order/confirm-allow", decided).await
    }

    /// Has an exception closed by two people.
    pub async fn close(&self, zone: &Zone, exception_id: &Value, confirm_id: &Value) -> (u16, Value) {
        let ask = json!({ "exception_id": exception_id, "note": "已与渠道核对", "confirm_id": confirm_id });
        let (status, answer) = zone.post_as(&self.operator, "/exception/close-ask", ask).await;
        if status != 200 {
            return (status, answer);
        }
        let decided = json!({ "exception_id": exception_id, "is_allowed": true });
        zone.post_as(&self.reviewer, "/exception/close-allow", decided).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn money_that_two_confirmed_is_not_counted_again_under_another_number() {
    let zone = Zone::new().await;
    zone.person("admin", Role::Administrator).await;
    let desk = Desk::new(&zone).await;
    let notice = zone.notice(1, |_| {}).await;
    let total = notice.notice.total_fen;
    let number = zone.paying("b1", &notice, "wx").await;
    let (status, answer) = desk.confirm(&zone, asked(&number, "w1", total)).await;
    assert_eq!((status, &answer["data"]["settled"]["state"]), (200, &json!(7)), "{answer}");
    let confirm_id = answer["data"]["settled"]["confirm_id"].clone();
    // The channel speaks at last, under another number; another channel, too.
    for answer in [zone.wx(paid(&number, "w9", total)).await, zone.ali(paid(&number, "a9", total)).await] {
        assert_eq!((answer.0, code(&answer.1)), (409, "confirmed-by-people"));
    }
    assert_eq!(zone.confirmations().await.len(), 1);
    let of_ali = latest(&zone, &desk.operator).await;
    let of_wx = json!(of_ali["exception_id"].as_i64().unwrap() - 1);
    // One person does not close it, and nobody decides alone.
    let alone = json!({ "exception_id": of_wx, "note": "x" });
    assert_eq!(code(&zone.post_as(&desk.operator, "/exception/close", alone).await.1), "needs-two");
    let decided = json!({ "exception_id": of_wx, "is_allowed": true });
    let early = zone.post_as(&desk.reviewer, "/exception/close-allow", decided.clone()).await;
    assert_eq!(code(&early.1), "close-not-asked");
    let ask = json!({ "exception_id": of_wx, "note": "对账单：同一笔款", "confirm_id": confirm_id });
    let (status, answer) = zone.post_as(&desk.operator, "/exception/close-ask", ask.clone()).await;
    assert_eq!((status, &answer["data"]["maker"]), (200, &json!("op")), "{answer}");
    assert_eq!(code(&zone.post_as(&desk.operator, "/exception/close-ask", ask).await.1), "close-asked");
    let same = role(&zone, "op", Role::Reviewer).await;
    assert_eq!(code(&zone.post_as(&same, "/exception/close-allow", decided.clone()).await.1), "same-person");
    let (status, answer) = zone.post_as(&desk.reviewer, "/exception/close-allow", decided).await;
    assert_eq!((status, &answer["data"]["closed_by"]), (200, &json!("re")), "{answer}");
    let operator = role(&zone, "op", Role::Operator).await;
    // The other channel's money cannot be that payment, too.
    let ask = json!({ "exception_id": of_ali["exception_id"], "note": "同一笔款", "confirm_id": confirm_id });
    assert_eq!(code(&zone.post_as(&operator, "/exception/close-ask", ask).await.1), "spoken-of");
    // The channel repeats itself, in the same words and in others: it is that payment.
    for fee in [0, 1] {
        let mut again = paid(&number, "w9", total);
        again["fee_fen"] = json!(fee);
        let (status, answer) = zone.wx(again).await;
        assert_eq!((status, &answer["data"]["confirm_id"]), (200, &confirm_id), "{answer}");
    }
    let (_, answer) = zone.post_as(&operator, "/order/confirm-ask", asked(&number, "w9", total)).await;
    assert_eq!(code(&answer), "transaction-known");
    assert_eq!(zone.confirmations().await.len(), 1);
    // The channel has spoken of that money: what it says of another number now is another payment.
    let (_, answer) = zone.wx(paid(&number, "w10", total)).await;
    assert_eq!((&answer["data"]["state"], &answer["data"]["is_duplicate"]), (&json!(5), &json!(true)), "{answer}");
    let object = format!("outer_exception/{of_wx}");
    assert_eq!(zone.acts("exception-close-ask").await, [("op".to_owned(), object.clone())]);
    assert_eq!(zone.acts("exception-close-allow").await, [("re".to_owned(), object)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_payment_than_the_one_that_two_confirmed_goes_back() {
    let zone = Zone::new().await;
    let desk = Desk::new(&zone).await;
    let notice = zone.notice(1, |_| {}).await;
    let total = notice.notice.total_fen;
    let number = zone.paying("b1", &notice, "wx").await;
    desk.confirm(&zone, asked(&number, "w1", total)).await;
    assert_eq!(code(&zone.wx(paid(&number, "w9", total)).await.1), "confirmed-by-people");
    let exception = latest(&zone, &desk.operator).await["exception_id"].clone();
    let mut other = asked(&number, "w9", total);
    assert_eq!(code(&desk.confirm(&zone, other.clone()).await.1), "exception-open");
    other["exception_id"] = exception.clone();
    assert_eq!(code(&desk.confirm(&zone, other.clone()).await.1), "already-settled");
    other["is_second"] = json!(true);
    let mut foreign = other.clone();
    foreign["channel_order_no"] = json!("w8");
    assert_eq!(code(&desk.confirm(&zone, foreign).await.1), "exception-other");
    let (status, answer) = desk.confirm(&zone, other.clone()).await;
    let settled = answer["data"]["settled"].clone();
    assert_eq!((status, &settled["state"], &settled["is_duplicate"]), (200, &json!(5), &json!(true)), "{answer}");
    assert_eq!(zone.state(&number).await, 7);
    let marks: Vec<(bool, i64)> =
        zone.confirmations().await.iter().map(|(confirm, _)| (confirm.is_duplicate, confirm.evidence)).collect();
    assert_eq!(marks, [(false, 2), (true, 2)]);
    // The exception is dealt with, and the channel is answered with what was made of it.
    assert_eq!(latest(&zone, &desk.operator).await, Value::Null);
    assert_eq!(code(&desk.confirm(&zone, other).await.1), "exception-closed");
    let (status, answer) = zone.wx(paid(&number, "w9", total)).await;
    assert_eq!((status, &answer["data"]["confirm_id"]), (200, &settled["confirm_id"]));
    assert_eq!(zone.confirmations().await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_really_paid_is_confirmed_by_two_and_the_ledger_finds_the_difference() {
    let zone = Zone::new().await;
    let (unit, url) = Unit::new().await;
    zone.client("unit", "unit", 1, Some(&url), None).await;
    let desk = Desk::new(&zone).await;
    let notice = zone.notice(1, |_| {}).await;
    let total = notice.notice.total_fen;
    // Nobody began to pay the order at this node, and yet the channel says that it was paid.
    let number = zone.order("b1", &notice).await;
    assert_eq!(code(&zone.wx(paid(&number, "w1", total - 1)).await.1), "amount-differs");
    let mut real = asked(&number, "w1", total - 1);
    real["exception_id"] = latest(&zone, &desk.operator).await["exception_id"].clone();
    // The exception is not closed with another amount than the channel spoke of, also where that is the order's.
    let mut order_s = real.clone();
    order_s["amount_fen"] = json!(total);
    let (status, answer) = desk.confirm(&zone, order_s).await;
    assert_eq!((status, code(&answer)), (409, "exception-amount"));
    assert!(answer["error"]["message"].as_str().unwrap().contains(&(total - 1).to_string()), "{answer}");
    // Nobody confirms another amount by a slip of the hand.
    assert_eq!(code(&desk.confirm(&zone, real.clone()).await.1), "amount-differs");
    real["is_other_amount"] = json!(true);
    let (status, answer) = desk.confirm(&zone, real).await;
    let settled = answer["data"]["settled"].clone();
    assert_eq!((status, &settled["state"], &settled["is_duplicate"]), (200, &json!(7), &json!(false)), "{answer}");
    let (confirm, items) = &zone.confirmations().await[0];
    assert_eq!(check_confirm(confirm, items, &zone.own.node.policy), []);
    assert_eq!((confirm.amount_fen, confirm.evidence, items.len()), (total - 1, 2, 1));
    // What the money is for is open: it stands under no item.
    assert_eq!((items[0].item_code.as_str(), items[0].amount_fen), ("UNCLEAR", total - 1));
    let due = Known { notice: Some((0, total)), ..Known::default() };
    let came = Paid { pay_code: confirm.pay_code.as_deref(), amount_fen: confirm.amount_fen, is_duplicate: false };
    let judged = judge(came, due);
    assert_eq!((judged.state, judged.decision, judged.diff_fen), (MatchState::AmountDiff, Decision::Review, -1));
    assert_eq!(zone.number("SELECT diff_fen FROM outer_order").await, -1);
    assert_eq!(zone.number("SELECT received_fen FROM outer_order").await, total - 1);
    let (status, answer) = zone.wx(paid(&number, "w1", total - 1)).await;
    assert_eq!((status, &answer["data"]["confirm_id"]), (200, &settled["confirm_id"]));
    let (_, answer) = zone.unit("/order/create", super::zone::by_code("b2", &notice)).await;
    assert_eq!(code(&answer), "already-paid");
    zone.send_all().await;
    let told = unit.told().pop().unwrap();
    assert_eq!((&told["amount_fen"], &told["paid_fen"]), (&json!(total), &json!(total - 1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_agency_gives_counts_beside_what_was_really_paid() {
    let zone = Zone::new().await;
    let desk = Desk::new(&zone).await;
    let notice = zone.notice(1, |_| {}).await;
    let total = notice.notice.total_fen;
    let mut order = super::zone::by_code("b1", &notice);
    order["biz_discount_fen"] = json!(5);
    let (_, answer) = zone.unit("/order/create", order).await;
    let number = answer["data"]["platform_order_no"].as_str().unwrap();
    zone.post("/order/pay", json!({ "platform_order_no": number, "channel": "wx" })).await;
    let mut real = asked(number, "w1", total);
    real["is_other_amount"] = json!(true);
    real["fee_fen"] = json!(3);
    let (status, answer) = desk.confirm(&zone, real).await;
    assert_eq!(status, 200, "{answer}");
    let (confirm, _) = &zone.confirmations().await[0];
    assert_eq!(confirm.amount_fen, total + 5);
    assert_eq!(zone.number("SELECT diff_fen FROM outer_order").await, 5);
    assert_eq!(zone.number("SELECT received_fen FROM outer_order").await, total - 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn money_that_is_nothing_is_closed_by_two_and_stays_closed() {
    let zone = Zone::new().await;
    let desk = Desk::new(&zone).await;
    assert_eq!(code(&zone.wx(paid("nothing", "w4", 5)).await.1), "order-unknown");
    let id = latest(&zone, &desk.operator).await["exception_id"].clone();
    // The schema holds even where the code would not.
    for who in ["maker = 'op', make_time = create_time, closed_by = 'op'", "closed_by = 'op'"] {
        let sql = format!("UPDATE outer_exception SET is_closed = 1, note = 'x', close_time = create_time, {who}");
        let forced = sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut zone.connection().await).await;
        assert!(forced.unwrap_err().to_string().contains("CHECK"), "{who}");
    }
    let ask = json!({ "exception_id": id, "note": "渠道已撤销该结果", "confirm_id": null });
    assert_eq!(zone.post_as(&desk.operator, "/exception/close-ask", ask).await.0, 200);
    let down = json!({ "exception_id": id, "is_allowed": false });
    let (_, answer) = zone.post_as(&desk.reviewer, "/exception/close-allow", down).await;
    assert_eq!((&answer["data"]["is_closed"], &answer["data"]["maker"]), (&json!(false), &Value::Null), "{answer}");
    let (status, answer) = desk.close(&zone, &id, &Value::Null).await;
    assert_eq!((status, &answer["data"]["is_closed"]), (200, &json!(true)), "{answer}");
    let forced = sqlx::query("UPDATE outer_exception SET note = 'y'").execute(&mut zone.connection().await).await;
    assert!(forced.unwrap_err().to_string().contains("stays"));
    // What two people decided about these words of the channel is not asked again.
    assert_eq!(code(&zone.wx(paid("nothing", "w4", 5)).await.1), "order-unknown");
    assert_eq!(zone.number("SELECT count(*) FROM outer_exception").await, 1);
    assert_eq!(zone.confirmations().await.len(), 0);
    assert_eq!(zone.acts("exception-close-turn-down").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn money_under_an_unknown_order_is_confirmed_for_the_right_one() {
    let zone = Zone::new().await;
    let desk = Desk::new(&zone).await;
    let notice = zone.notice(1, |_| {}).await;
    let total = notice.notice.total_fen;
    let number = zone.order("b1", &notice).await;
    assert_eq!(code(&zone.wx(paid("nothing", "w4", total)).await.1), "order-unknown");
    let mut right = asked(&number, "w4", total);
    right["exception_id"] = latest(&zone, &desk.operator).await["exception_id"].clone();
    let (status, answer) = desk.confirm(&zone, right).await;
    assert_eq!((status, &answer["data"]["settled"]["state"]), (200, &json!(7)), "{answer}");
    let (status, again) = zone.wx(paid("nothing", "w4", total)).await;
    assert_eq!((status, &again["data"]["platform_order_no"]), (200, &json!(number)));
    assert_eq!(zone.confirmations().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_amounts_are_not_the_same_money() {
    let zone = Zone::new().await;
    let desk = Desk::new(&zone).await;
    let notice = zone.notice(1, |_| {}).await;
    let total = notice.notice.total_fen;
    let number = zone.paying("b1", &notice, "wx").await;
    let (_, answer) = desk.confirm(&zone, asked(&number, "w1", total)).await;
    let confirm_id = answer["data"]["settled"]["confirm_id"].clone();
    assert_eq!(code(&zone.wx(paid(&number, "w9", total - 1)).await.1), "confirmed-by-people");
    let id = latest(&zone, &desk.operator).await["exception_id"].clone();
    assert_eq!(code(&desk.close(&zone, &id, &json!("x")).await.1), "not-found");
    assert_eq!(code(&desk.close(&zone, &id, &confirm_id).await.1), "amount-differs");
    // Under the number that is booked the money is the booked one, whatever the channel says of its amount.
    assert_eq!(code(&zone.wx(paid(&number, "w1", total + 1)).await.1), "transaction-differs");
    let id = latest(&zone, &desk.operator).await["exception_id"].clone();
    let (status, answer) = desk.close(&zone, &id, &confirm_id).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(zone.confirmations().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_that_denies_what_two_confirmed_is_heard() {
    let zone = Zone::new().await;
    let desk = Desk::new(&zone).await;
    let notice = zone.notice(1, |_| {}).await;
    let total = notice.notice.total_fen;
    let number = zone.paying("b1", &notice, "wx").await;
    desk.confirm(&zone, asked(&number, "w1", total)).await;
    assert_eq!(code(&zone.wx(failed(&number)).await.1), "denied");
    let denied = latest(&zone, &desk.operator).await;
    assert_eq!((&denied["kind"], &denied["has_money"]), (&json!("denied"), &json!(false)));
    assert_eq!((zone.state(&number).await, zone.confirmations().await.len()), (7, 1));
    // A failure that was known before they confirmed says nothing new.
    let notice = zone.notice(2, |_| {}).await;
    let number = zone.paying("b2", &notice, "wx").await;
    zone.wx(failed(&number)).await;
    let (status, answer) = desk.confirm(&zone, asked(&number, "w2", notice.notice.total_fen)).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(zone.wx(failed(&number)).await.1["data"]["state"], 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn money_that_two_confirmed_for_the_wrong_order_of_a_debt_is_not_counted_again() {
    let zone = Zone::new().await;
    let desk = Desk::new(&zone).await;
    let notice = zone.notice(1, |_| {}).await;
    let total = notice.notice.total_fen;
    let first = zone.paying("b1", &notice, "wx").await;
    zone.wx(failed(&first)).await;
    let second = zone.paying("b2", &notice, "wx").await;
    let (_, answer) = desk.confirm(&zone, asked(&first, "w1", total)).await;
    let confirm_id = answer["data"]["settled"]["confirm_id"].clone();
    // The money was the second order's, and it would go back to the payer as one too many.
    assert_eq!(code(&zone.wx(paid(&second, "w2", total)).await.1), "confirmed-by-people");
    assert_eq!(zone.confirmations().await.len(), 1);
    let id = latest(&zone, &desk.operator).await["exception_id"].clone();
    let (status, answer) = desk.close(&zone, &id, &confirm_id).await;
    assert_eq!(status, 200, "{answer}");
    let (status, answer) = zone.wx(paid(&second, "w2", total)).await;
    assert_eq!((status, &answer["data"]["confirm_id"]), (200, &confirm_id), "{answer}");
    assert_eq!(zone.confirmations().await.len(), 1);
}
