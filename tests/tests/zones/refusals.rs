//! Files that must not be applied: each has its own code, seen in both zones.

use serde_json::Value;
use tests::demo::database::Database;
use tests::forge::{self, Forger};
use tests::pair::{Daemon, INNER, Making, OUTER, Pair};

/// A pair that has greeted each other.
fn running() -> (Pair, [Daemon; 2]) {
    let pair = Pair::make(Making::default());
    let daemons = [pair.start(INNER), pair.start(OUTER)];
    greet(&pair);
    (pair, daemons)
}

fn greet(pair: &Pair) {
    pair.carry_until("the zones to greet each other", || {
        pair.stream(INNER, "confirm")["epoch"].as_u64().is_some_and(|epoch| epoch > 0)
    });
}

fn fact(pair: &Pair, zone: usize, name: &str) -> u64 {
    let status = pair.json(zone, &["status"]);
    status["facts"][name].as_str().and_then(|count| count.parse().ok()).unwrap_or(0)
}

/// Drops a file at the inner zone and waits until both zones tell its code.
fn turned_away(pair: &Pair, code: &str, name: &str, bytes: &[u8]) {
    pair.drop_file(INNER, name, bytes);
    let (here, there) = (format!("turned_away:{code}"), format!("peer_turned_away:{code}"));
    pair.carry_until(&format!("{code} to be told by the receiver"), || fact(pair, INNER, &here) == 1);
    pair.carry_until(&format!("{code} to be told to the sender"), || fact(pair, OUTER, &there) == 1);
    let listed = pair.json(INNER, &["quarantine", "list"]).to_string();
    assert!(listed.contains(code), "{code} is not in the quarantine: {listed}");
    let queue = pair.json(INNER, &["queue"]).to_string();
    assert!(queue.contains(code), "{code} is not in the queue: {queue}");
}

fn applied_rows(pair: &Pair) -> u64 {
    let mut replica = Database::open(&pair.database(INNER)).unwrap();
    replica.number("SELECT count(*) FROM pay_confirm", &[]).unwrap()
        + replica.number("SELECT seq FROM ferry_stream_in WHERE stream = 'confirm'", &[]).unwrap()
}

#[test]
fn a_wrong_file_is_turned_away_under_its_own_code() {
    let (pair, _daemons) = running();
    let forger = Forger::of(&pair);
    let strange = Forger::of(&pair).with_strange_keys();
    let good = forger.seal(|_| {});
    let length = format!("\"plain\":{{\"bytes\":{}", forger.statement.plain.bytes);
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("unknown-signer", strange.seal(|_| {})),
        ("wrong-link", forger.seal(|s| s.link = "other".parse().unwrap())),
        ("wrong-receiver", forger.seal(|s| s.to = "third".parse().unwrap())),
        ("not-owner", forger.seal(|s| s.stream = "base".parse().unwrap())),
        ("foreign-table", forger.seal_rows(&[r#"["base_region","d","a region"]"#])),
        ("wrong-previous", forger.seal(|s| s.previous.0[0] ^= 1)),
        ("foreign-epoch", forger.seal(|s| s.epoch_id.0[0] ^= 1)),
        ("limit", forger.edit(&good, &length, "\"plain\":{\"bytes\":10000000000")),
        ("not-canonical", forger.edit(&good, "\"seq\":", "\"seq\": ")),
    ];
    for (number, (code, bytes)) in (1..).zip(&cases) {
        turned_away(&pair, code, &forge::name(&forger.statement, bytes, number), bytes);
    }
    assert_eq!(applied_rows(&pair), 0, "nothing is applied");
}

#[test]
fn a_file_of_an_old_epoch_is_turned_away() {
    let (pair, daemons) = running();
    for daemon in daemons {
        assert_eq!(daemon.stop(), Some(0));
    }
    let mut books = Database::open(&pair.database(INNER)).unwrap();
    books.run("UPDATE ferry_stream_in SET epoch = 2 WHERE stream = 'confirm'", &[]).unwrap();
    books.close();
    let _daemons = [pair.start(INNER), pair.start(OUTER)];
    let forger = Forger::of(&pair);
    let bytes = forger.seal(|_| {});
    turned_away(&pair, "old-epoch", &forge::name(&forger.statement, &bytes, 1), &bytes);
    assert_eq!(applied_rows(&pair), 0);
}

/// Drops a batch that is kept and then stops its stream, and waits until both zones tell why.
fn stops_the_stream(code: &str, health: &str, forge_it: impl FnOnce(&Forger) -> Vec<u8>) -> (Pair, [Daemon; 2]) {
    let (pair, daemons) = running();
    let forger = Forger::of(&pair);
    let bytes = forge_it(&forger);
    pair.drop_file(INNER, &forge::name(&forger.statement, &bytes, 1), &bytes);
    for zone in [INNER, OUTER] {
        pair.carry_until(&format!("{code} to be told in zone {zone}"), || {
            let stream = pair.stream(zone, "confirm");
            stream["code"] == code && stream["health"] == health
        });
    }
    let queue = pair.json(INNER, &["queue"]);
    let told = |stream: &Value| stream["stream"] == "confirm" && stream["code"] == code;
    assert!(queue["incoming"].as_array().unwrap().iter().any(told), "{queue}");
    assert_eq!(applied_rows(&pair), 0, "nothing is applied");
    (pair, daemons)
}

#[test]
fn a_batch_under_an_unknown_contract_is_parked() {
    stops_the_stream("unknown-contract", "parked", |forger| forger.seal(|s| s.contract.0[0] ^= 1));
}

#[test]
fn a_record_whose_type_is_not_the_contracts_refuses_its_group() {
    let row = r#"["pay_confirm_item","d",7,"not a line number"]"#;
    let (pair, _daemons) = stops_the_stream("wrong-type", "refused", |forger| forger.seal_rows(&[row]));
    let detail = pair.stream(INNER, "confirm")["detail"].to_string();
    assert!(detail.contains("pay_confirm_item") && detail.contains("row 0"), "{detail}");
    assert!(!detail.contains("not a line number"), "a value is told: {detail}");
}

#[test]
fn a_decompression_bomb_refuses_its_group() {
    stops_the_stream("bad-compression", "refused", Forger::bomb);
}
