//! Orders whose time is over, and orders of one debt that are paid in two channels.

use serde_json::{Value, json};
use tests::nodes::{Ask, Fate, Town, UNIT};
use tests::pair::{INNER, OUTER, wait_until};

/// What the unit's site was told of an order, in order: its states.
fn told(town: &Town, order: &str) -> Vec<i64> {
    let heard = town.site.heard();
    let of_order = heard.iter().filter(|told| told["kind"] == "order" && told["platform_order_no"] == order);
    of_order.filter_map(|told| told["state"].as_i64()).collect()
}

#[test]
fn an_order_whose_time_is_over_is_closed_and_its_money_is_taken_in_when_it_comes_after_all() {
    let town = Town::open();
    let (pay_code, total) = town.issue(2);
    let payer = town.payer();
    let order = payer.order("O-1", Some(&pay_code), total);
    payer.begin(&order, town.unionpay.id());
    town.unionpay.arrange(&order, Fate::Held);
    town.unionpay.pay(&order, total);
    town.time_out(&order);
    town.until("the order to be closed and told", || town.state(&order) == 4 && told(&town, &order) == [4]);
    let li = town.outer.log_in("li");
    let listed = town.outer.get("/exceptions", Ask::Token(&li));
    assert_eq!(listed["exceptions"][0]["kind"], "channel-silent", "people hear that nobody knows: {listed}");
    // The debt can be paid again, because nobody knows of the money.
    let notice = town.outer.get(&format!("/notice?pay_code={pay_code}"), Ask::Anyone);
    assert_eq!(notice["may_be_paid"], true, "{notice}");
    town.unionpay.let_go(&order);
    town.until("the money to be taken in", || town.state(&order) == 6 && told(&town, &order) == [4, 6]);
    let shown = town.outer.get(&format!("/order?platform_order_no={order}"), Ask::Anyone);
    let answer = town.until_answered(shown["confirm_id"].as_str().unwrap());
    assert_eq!((&answer["match_state"], &answer["decision"]), (&json!(1), &json!(1)), "{answer}");
    let again = payer.document("O-2", Some(&pay_code), total);
    let (status, refused) = town.outer.ask("POST", "/order/create", UNIT, Some(again));
    assert_eq!((status, &refused["error"]["code"]), (409, &json!("already-paid")), "{refused}");
}

#[test]
fn a_channel_whose_message_was_lost_is_asked_before_an_order_is_closed() {
    let town = Town::open();
    let (_, unit_fen) = town.item();
    let order = town.order("O-1", None, unit_fen);
    town.wechat.arrange(&order, Fate::Lost);
    town.wechat.pay(&order, unit_fen);
    town.time_out(&order);
    town.until("the outer node to ask", || town.state(&order) == 2);
    assert_eq!(town.wechat.takings()[0].asked, 1);
    wait_until("the unit's site to be told", || told(&town, &order) == [2]);
}

#[test]
fn of_two_channels_that_are_paid_for_one_debt_one_counts_and_the_other_goes_back() {
    let town = Town::open();
    let (pay_code, total) = town.issue(1);
    let payer = town.payer();
    let orders = ["O-1", "O-2"].map(|number| payer.order(number, Some(&pay_code), total));
    payer.begin(&orders[0], town.wechat.id());
    let begun = json!({ "platform_order_no": orders[1], "channel": town.unionpay.id() });
    let (status, refused) = town.outer.ask("POST", "/order/pay", Ask::Anyone, Some(begun));
    assert_eq!((status, &refused["error"]["code"]), (409, &json!("being-paid")), "{refused}");
    // The payer pays nevertheless, and both channels have the money.
    let channels = [&town.wechat, &town.unionpay];
    for (channel, order) in channels.into_iter().zip(&orders) {
        channel.arrange(order, Fate::Once);
        channel.pay(order, total);
    }
    town.until("both orders to be paid", || {
        let mut states = orders.each_ref().map(|order| town.state(order));
        states.sort_unstable();
        states == [2, 5]
    });
    let confirm_id = |order: &String| -> String {
        let shown: Value = town.outer.get(&format!("/order?platform_order_no={order}"), Ask::Anyone);
        shown["confirm_id"].as_str().unwrap().to_owned()
    };
    let (first, second) = if town.state(&orders[0]) == 2 { (0, 1) } else { (1, 0) };
    let ids = [first, second].map(|place| confirm_id(&orders[place]));
    let answers = ids.each_ref().map(|id| town.until_answered(id));
    assert_eq!((&answers[0]["match_state"], &answers[0]["decision"]), (&json!(1), &json!(1)), "{answers:?}");
    assert_eq!((&answers[1]["match_state"], &answers[1]["decision"]), (&json!(2), &json!(2)), "{answers:?}");
    // The ledger has both, names the first one in the second, and lists the second as one that goes back online.
    let li = town.inner.log_in("li");
    let listed = town.inner.get("/bookings?decision=2", Ask::Token(&li))["bookings"].clone();
    assert_eq!((&listed[0]["payment_id"], &listed[0]["other_ref"]), (&json!(ids[1]), &json!(ids[0])), "{listed}");
    assert_eq!(town.number(INNER, "SELECT count(*) FROM inner_book WHERE counts = 1"), 1);
    assert_eq!(town.number(OUTER, "SELECT count(*) FROM pay_confirm WHERE is_duplicate = 1"), 1);
    // The unit hears that the second one goes back.
    wait_until("the unit's site to hear of the refund", || {
        town.site
            .heard()
            .iter()
            .any(|told| told["kind"] == "confirm" && told["confirm_id"] == json!(ids[1]) && told["decision"] == 2)
    });
}

#[test]
fn payments_without_a_notice_are_booked_and_listed_for_their_unit() {
    let town = Town::open();
    let (_, unit_fen) = town.item();
    let (pay_code, total) = town.issue(1);
    let orders = [
        (town.order("O-1", None, unit_fen), unit_fen),
        (town.order("O-2", None, 2 * unit_fen), 2 * unit_fen),
        (town.order("O-3", Some(&pay_code), total), total),
    ];
    for (order, fen) in &orders {
        town.wechat.arrange(order, Fate::Once);
        town.wechat.pay(order, *fen);
    }
    let accounts = tests::nodes::accounts::Accounts::at_rest(&town);
    assert_eq!(accounts.inside.len(), 3);
    let sun = town.inner.log_in("sun");
    let path = format!("/bookings?agency_id={}&match_state=4", town.agency_id());
    let listed = town.inner.get(&path, Ask::Token(&sun))["bookings"].clone();
    let mut amounts: Vec<i64> =
        listed.as_array().unwrap().iter().map(|one| one["amount_fen"].as_i64().unwrap()).collect();
    amounts.sort_unstable();
    assert_eq!(amounts, [unit_fen, 2 * unit_fen], "{listed}");
    let nobody = town.inner.get("/bookings?agency_id=NOBODY&match_state=4", Ask::Token(&sun));
    assert_eq!(nobody["bookings"], json!([]));
}
