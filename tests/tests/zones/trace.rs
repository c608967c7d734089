//! The life of one payment, asked for in both zones.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use contract::rows::{PayConfirm, Row as _, json_rows};
use contract::{Generator, Size};
use serde_json::Value;
use tests::demo::database::Database;
use tests::pair::{INNER, Making, OUTER, Pair};

use super::office::{Office, ROWS};

/// The key of a confirmation of the generated rows.
fn confirm_id(place: u64) -> String {
    Generator::new(3, Size::S).confirmations(place..place + 1).next().unwrap().confirm.confirm_id
}

fn trace(pair: &Pair, zone: usize, place: u64) -> Value {
    pair.json(zone, &["trace", "pay_confirm", &confirm_id(place)])
}

/// The kinds of events in the life of the first change.
fn kinds(document: &Value) -> Vec<&str> {
    let life = document["changes"][0]["life"].as_array().unwrap();
    life.iter().map(|event| event["kind"].as_str().unwrap()).collect()
}

#[test]
fn a_payment_is_found_in_both_zones_when_outbox_and_archives_have_it_no_more() {
    let pair = Pair::make(Making::default());
    // As in a zone that was made before there was such a secret.
    for zone in [INNER, OUTER] {
        fs::remove_file(pair.path(zone, "keys/trace.key")).unwrap();
    }
    let daemons = [pair.start(INNER), pair.start(OUTER)];
    for zone in [INNER, OUTER] {
        pair.carry_until("the daemon to make the secret", || pair.path(zone, "keys/trace.key").exists());
        let mode = pair.path(zone, "keys/trace.key").metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o600);
    }
    let rows = json_rows(Generator::new(3, Size::S).confirmations(0..ROWS).map(|one| one.confirm.cells()));
    Database::open(&pair.database(OUTER)).unwrap().run(&PayConfirm::SHAPE.insert_sql(), &[&rows]).unwrap();
    pair.carry_until("the payment to be known as applied", || {
        trace(&pair, OUTER, 7)["changes"][0]["state"] == "settled"
    });
    for daemon in daemons {
        assert_eq!(daemon.stop(), Some(0));
    }
    for zone in [INNER, OUTER] {
        fs::remove_dir_all(pair.path(zone, "archive")).unwrap();
        fs::create_dir(pair.path(zone, "archive")).unwrap();
    }
    assert_eq!(
        Database::open(&pair.database(OUTER))
            .unwrap()
            .number("SELECT count(*) FROM ferry_outbox_nontax_confirm WHERE line <> ''", &[])
            .unwrap(),
        0
    );
    let (sent, received) = (trace(&pair, OUTER, 7), trace(&pair, INNER, 7));
    assert_eq!((&sent["direction"], &received["direction"]), (&"out".into(), &"in".into()));
    let [there, here] = [&sent, &received].map(|document| &document["changes"][0]);
    assert_eq!((&there["op"], &there["row"]), (&"insert".into(), &here["row"]));
    assert_eq!(there["batch"]["digest"], here["batch"]["digest"]);
    assert_eq!((&there["state"], &here["state"]), (&"settled".into(), &"applied".into()));
    assert!(there["captured_at_ms"].as_u64().unwrap() <= there["batch"]["cut_at_ms"].as_u64().unwrap());
    assert!(["recorded", "published", "settled"].iter().all(|kind| kinds(&sent).contains(kind)), "{sent}");
    assert!(["taken", "applied"].iter().all(|kind| kinds(&received).contains(kind)), "{received}");
    assert!(sent["present"] == true && received["present"] == true);
    let unknown = pair.command(INNER).args(["trace", "pay_confirm", "no such payment"]).output().unwrap();
    assert_eq!(unknown.status.code(), Some(21));
}

#[test]
fn a_payment_that_the_receiver_refuses_is_found_where_it_is_held() {
    let office = Office::open();
    office.insert(0, |_| {});
    office.until_applied(ROWS);
    office.sql(INNER, "CREATE UNIQUE INDEX one_poison ON pay_confirm (payer_name) WHERE payer_name = 'poison'", &[]);
    office.insert(ROWS, |confirm| confirm.payer_name = "poison".to_owned());
    for zone in [INNER, OUTER] {
        office.until(zone, "refused", "constraint-unique");
    }
    let here = trace(&office.pair, INNER, ROWS + 3);
    let held = here["held"].as_array().unwrap();
    assert_eq!((held.len(), &held[0]["op"], &here["present"]), (1, &"insert".into(), &false.into()), "{here}");
    assert!(held[0]["now"].as_str().unwrap().contains("constraint-unique"), "{here}");
    assert!(here["changes"].as_array().unwrap().is_empty() && here["held_unread"].is_null(), "{here}");
    let there = trace(&office.pair, OUTER, ROWS + 3);
    let change = &there["changes"][0];
    assert_eq!((&change["batch"]["seq"], &change["row"]), (&held[0]["seq"], &held[0]["row"]));
    assert!(change["now"].as_str().unwrap().contains("constraint-unique"), "{there}");
    assert!(trace(&office.pair, INNER, 3)["held"].as_array().unwrap().is_empty());

    office.sql(INNER, "DROP INDEX one_poison", &[]);
    office.done(INNER, &["quarantine", "retry", "confirm"], 1);
    office.until_applied(2 * ROWS);
    let here = trace(&office.pair, INNER, ROWS + 3);
    assert_eq!((&here["changes"][0]["state"], here["held"].as_array().map(Vec::len)), (&"applied".into(), Some(0)));

    office.sql(OUTER, "UPDATE pay_confirm SET payer_name = 'once more' WHERE confirm_id = ?1", &[&confirm_id(3)]);
    office.pair.carry_until("the second change to be applied", || {
        trace(&office.pair, INNER, 3)["changes"].as_array().unwrap().len() == 2
    });
    let ops = trace(&office.pair, OUTER, 3)["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["op"].clone())
        .collect::<Vec<_>>();
    assert_eq!(ops, ["insert", "update"]);
}
