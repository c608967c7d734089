//! What cannot be returned or sent again: a database is lost and there is no backup, and the archives have nothing left.

use contract::rows::{PayConfirm, Row as _, json_rows};
use contract::{Generator, Size};
use serde_json::Value;
use tests::demo::database::Database;
use tests::pair::{INNER, OUTER, Pair, files, run};

use super::manual;
use super::office::Office;

/// Payments, ten batches of them.
const ROWS: u64 = 10_000;
/// Notices, three batches of them.
const NOTICES: u64 = 2_500;

/// What archives tell of an owner that has lost its database without a backup: the act that ended the life it had forgotten names
/// another beginning of it than the batches do.
const FORGOTTEN: &str = "digest-conflict notice";

/// How the manual names the receiver's loss.
const HEADS_LEFT: &str = "the database of a receiver, with no backup, and its peer's archive has only heads left";

/// Payments in one transaction, by a program of the outer zone.
fn pay(office: &Office, rows: std::ops::Range<u64>) {
    let rows = json_rows(Generator::new(3, Size::S).confirmations(rows).map(|one| one.confirm.cells()));
    office.sql(OUTER, &PayConfirm::SHAPE.insert_sql(), &[&rows]);
}

fn notices(office: &Office, zone: usize) -> u64 {
    let mut database = Database::open(&office.pair.database(zone)).unwrap();
    database.number("SELECT count(*) FROM pay_notice", &[]).unwrap()
}

/// The command that the manual has two operators sign for such a loss.
fn end_of_life(lost: &str, stream: &str) -> Vec<String> {
    let steps = manual::steps(lost);
    assert_eq!((steps.len(), steps[0].signers), (1, 2), "{steps:?}");
    steps[0].at(stream, 0)
}

/// Waits until the owner of a stream knows that all of it is applied.
fn until_settled(office: &Office, zone: usize, stream: &str) {
    office.pair.carry_until(&format!("{stream} to settle"), || {
        let stream = office.pair.stream(zone, stream);
        stream["health"] == "ok" && stream["last_seq"] != 0 && stream["last_seq"] == stream["applied_seq"]
    });
}

/// The inner zone's database is lost with its anchor, and there is no backup of it.
fn lose_inner(office: &Office) {
    let pair = &office.pair;
    for name in ["inner.db", "inner.db-wal", "inner.db-shm", "anchor"] {
        let path = pair.path(INNER, name);
        if path.exists() {
            std::fs::remove_file(path).unwrap();
        }
    }
    let words = manual::command("init", "");
    let made = pair.json(INNER, &words.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(made["anchor"], "missing", "{made}");
}

/// The codes of everything that is wrong with the archives, by public keys alone.
fn faults(pair: &Pair) -> Vec<String> {
    let archives = [INNER, OUTER].map(|zone| pair.path(zone, "archive"));
    let cards = [pair.card(INNER), pair.card(OUTER), pair.path(INNER, "trust")];
    let mut command = pair.command(INNER);
    command.args(["--json", "verify"]).args(archives).arg("--trust").args(cards);
    let told: Value = serde_json::from_slice(&run(&mut command).stdout).unwrap();
    let code =
        |fault: &Value| format!("{} {}", fault["code"].as_str().unwrap(), fault["stream"].as_str().unwrap_or(""));
    let mut codes: Vec<String> = told["faults"].as_array().unwrap().iter().map(code).collect();
    codes.sort_unstable();
    codes.dedup();
    codes
}

#[test]
fn a_receiver_whose_past_is_nowhere_is_equal_again_in_another_epoch() {
    let mut office = Office::open();
    pay(&office, 0..ROWS);
    office.notify(0..NOTICES);
    office.until_applied(ROWS);
    until_settled(&office, OUTER, "confirm");
    until_settled(&office, INNER, "notice");
    office.stop();
    lose_inner(&office);
    std::fs::remove_dir_all(office.pair.path(OUTER, "archive/nontax/out/confirm")).unwrap();
    office.start();
    office.until(OUTER, "stopped", "spool-damaged");

    // One operator is not enough; two end the epoch, and every row crosses once more.
    let words = end_of_life(HEADS_LEFT, "confirm");
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let (code, error) = office.act(OUTER, &words, 1);
    assert_eq!((code, &error["error"]["code"]), (13, &"too-few-approvals".into()), "{error}");
    let (code, error) = office.act(INNER, &words, 2);
    assert_eq!((code, &error["error"]["code"]), (26, &"not-own-stream".into()), "{error}");
    office.done(OUTER, &words, 2);
    office.until_applied(ROWS);
    office.until(OUTER, "ok", "");
    for zone in [INNER, OUTER] {
        assert_eq!(office.pair.stream(zone, "confirm")["epoch"], 2);
        let acts = office.listed(zone);
        let act = acts.iter().find(|act| act["deed"] == "new-epoch" && act["code"] == "done").unwrap();
        assert_eq!(act["verified"], true, "{act}");
        let side = if zone == INNER { "in" } else { "out" };
        assert_eq!(files(&office.pair.path(zone, &format!("archive/nontax/{side}/acts"))).len(), 1);
    }
    let told = office.pair.json(OUTER, &["explain", "confirm/1"]);
    assert_eq!((&told["epoch"], &told["state"]), (&2.into(), &"settled".into()), "{told}");

    // The zone that lost its database has forgotten what it had sent, and begins its own streams anew too.
    office
        .pair
        .carry_until("the inner zone to be locked", || office.pair.stream(INNER, "notice")["health"] == "locked");
    for stream in ["base", "notice", "result"] {
        let words = end_of_life("the database of an owner, with no backup", stream);
        office.done(INNER, &words.iter().map(String::as_str).collect::<Vec<_>>(), 2);
    }
    office.pair.carry_until("both zones to be well", || {
        let is_well = |zone: usize, stream: &str| {
            let stream = office.pair.stream(zone, stream);
            stream["health"] == "ok" && stream["epoch"] == 2
        };
        ["base", "notice", "result", "confirm"].iter().all(|stream| is_well(INNER, stream) && is_well(OUTER, stream))
    });
    // What only the peer has stays there, and what is new crosses.
    assert_eq!((notices(&office, INNER), notices(&office, OUTER)), (0, NOTICES));
    office.notify(NOTICES..2 * NOTICES);
    office.pair.carry_until("the new notices to be applied", || notices(&office, OUTER) == 2 * NOTICES);
    until_settled(&office, INNER, "notice");
    pay(&office, ROWS..2 * ROWS);
    office.until_applied(2 * ROWS);
    let mut replica = Database::open(&office.pair.database(INNER)).unwrap();
    assert_eq!(replica.number("SELECT count(*) FROM pay_confirm", &[]).unwrap(), 2 * ROWS);
    office.until(OUTER, "ok", "");
    office.stop();

    assert_eq!(faults(&office.pair), [FORGOTTEN]);
    // The acts are among the evidence, and without them nothing shows who began the new lives.
    for (zone, side) in [(INNER, "in"), (OUTER, "out")] {
        std::fs::remove_dir_all(office.pair.path(zone, &format!("archive/nontax/{side}/acts"))).unwrap();
    }
    assert_eq!(faults(&office.pair), [FORGOTTEN, "epoch-without-act confirm"]);
}
