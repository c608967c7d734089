//! A zone whose database was put back to a backup: its daemon returns what had crossed, its node is started last and settles what hangs
//! on that, and the money is the same everywhere as before the loss.

use serde_json::json;
use tests::kills::settled::unequal;
use tests::nodes::accounts::Accounts;
use tests::nodes::{Ask, Process, Town};
use tests::pair::{INNER, OUTER};

/// A fine and a visa fee that are paid online, and a fine that is paid to the police: each way into the ledger. Yields the orders and what
/// they were for, in fen.
fn pay(town: &Town, mark: &str) -> Vec<(String, i64)> {
    let (pay_code, total) = town.issue(2);
    let unit_fen = town.item().1;
    let orders = vec![
        (town.order(&format!("{mark}-1"), Some(&pay_code), total), total),
        (town.order(&format!("{mark}-2"), None, unit_fen), unit_fen),
    ];
    for (order, fen) in &orders {
        town.wechat.arrange(order, tests::nodes::Fate::Once);
        town.wechat.pay(order, *fen);
    }
    let (pay_code, total) = town.issue(3);
    let taken = town.pay_police(&pay_code, &format!("{mark}-3"), total);
    assert_eq!(taken["match_state"], 1, "{taken}");
    orders
}

/// Both zones' money, in an order that does not depend on who wrote it when.
fn money(accounts: &Accounts) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    all.extend(accounts.outside.iter().map(|one| format!("outside {one:?}")));
    all.extend(accounts.inside.iter().map(|one| format!("inside {one:?}")));
    all.extend(accounts.booked.iter().map(|one| format!("{one:?}")));
    all.extend(accounts.orders.iter().map(|one| format!("{one:?}")));
    all.extend(accounts.offline.iter().map(|one| format!("offline {one:?}")));
    all.extend(accounts.notices.iter().map(|one| format!("notice {one}")));
    all.extend(accounts.answered.iter().flatten().map(|one| format!("answer {one:?}")));
    all.sort_unstable();
    all
}

/// What the manual says of when everything is back: none of the zone's own streams is locked, and of each of its peer's it has the last
/// batch that the peer has.
fn is_back(town: &Town, zone: usize) -> bool {
    let streams = |zone: usize| town.pair.json(zone, &["status"])["streams"].as_array().unwrap().clone();
    let theirs = streams(if zone == INNER { OUTER } else { INNER });
    streams(zone).iter().all(|one| match one["direction"].as_str() {
        Some("out") => one["health"] != "locked",
        Some("in") => {
            let sent = theirs.iter().find(|other| other["stream"] == one["stream"]).unwrap();
            one["applied_seq"] == sent["last_seq"]
        }
        other => panic!("a stream without a direction: {other:?}"),
    })
}

/// Waits until both zones have all of each other's rows and no more is on its way, and the money is right.
fn at_rest(town: &Town) -> Accounts {
    Accounts::at_rest_when(town, || {
        unequal(&town.pair).is_empty() && [INNER, OUTER].into_iter().all(|zone| is_back(town, zone))
    })
}

/// Does what the manual says: everything that uses the database stops, it is put back, the daemon starts, and when everything is back the
/// node starts.
fn put_back(town: &mut Town, zone: usize, backup: &str) {
    let (node, daemon) = if zone == INNER {
        (Process::InnerNode, Process::InnerDaemon)
    } else {
        (Process::OuterNode, Process::OuterDaemon)
    };
    town.kill(node);
    town.kill(daemon);
    let starts = town.pair.starts(zone);
    town.pair.json(zone, &["restore", backup]);
    town.start(daemon);
    town.until("the daemon to run", || town.pair.starts(zone) > starts);
    town.until("everything to be back", || is_back(town, zone));
    town.start(node);
}

fn comes_back(zone: usize) {
    let mut town = Town::open();
    pay(&town, "B");
    Accounts::at_rest(&town);
    let backup = town.pair.dir.path().join("backup").display().to_string();
    let made = town.pair.json(zone, &["backup", &backup]);
    assert_eq!(made["anchor"], true, "{made}");
    let orders = pay(&town, "A");
    let before = Accounts::at_rest(&town);
    assert_eq!((before.outside.len(), before.booked.len()), (4, 6));
    put_back(&mut town, zone, &backup);
    let after = at_rest(&town);
    assert_eq!(money(&after), money(&before));
    assert_eq!(after.sums_fen(), before.sums_fen());

    // A channel that says once more what it said before the loss is answered as it was.
    for (order, fen) in &orders {
        let taken = town.wechat.takings().into_iter().find(|one| one.platform_order_no == *order).unwrap();
        let again = town.succeed(order, &taken.channel_order_no, *fen);
        assert_eq!(again["confirm_id"], taken.answers[0]["confirm_id"], "{again}");
    }
    // A debt that was paid before the loss is paid.
    let paid = before.orders.iter().find(|one| one.order == orders[0].0).unwrap();
    let asked = json!({ "biz_order_no": "N-1", "title": "罚款", "amount_fen": orders[0].1, "pay_code": paid.pay_code });
    let (status, refused) = town.outer.ask("POST", "/order/create", tests::nodes::UNIT, Some(asked));
    assert_eq!((status, &refused["error"]["code"]), (409, &json!("already-paid")), "{refused}");
    let sun = town.inner.log_in("sun");
    let problems = town.inner.get("/problems", Ask::Token(&sun));
    assert_eq!(problems["problems"], json!([]), "{problems}");
    // And business goes on.
    pay(&town, "C");
    let later = at_rest(&town);
    assert_eq!((later.outside.len(), later.booked.len()), (6, 9));
}

#[test]
fn an_inner_zone_that_was_put_back_has_the_same_money_and_goes_on() {
    comes_back(INNER);
}

#[test]
fn an_outer_zone_that_was_put_back_has_the_same_money_and_goes_on() {
    comes_back(OUTER);
}
