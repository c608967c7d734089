//! What operators do about what stands still, what was refused and what cannot be sent.

use std::path::{Path, PathBuf};

use tests::demo::database::Database;
use tests::pair::{INNER, OUTER, files, run, wait_until};

use super::office::{Office, ROWS, confirm_id};

/// Rows of a batch of `confirm`, by the contract.
const BATCH_ROWS: u64 = 1_000;

#[test]
fn a_stream_on_hold_stands_still_and_both_zones_list_why() {
    let office = Office::open();
    office.done(INNER, &["hold", "confirm"], 1);
    office.insert(0, |_| {});
    office.until(OUTER, "parked", "held-by-operator");
    office.until(INNER, "held", "held-by-operator");
    office.pair.carry_until("the batches to be held", || {
        office.pair.stream(INNER, "confirm")["held"].as_str().is_some_and(|held| !held.is_empty())
    });
    assert_eq!(office.pair.stream(INNER, "confirm")["applied_seq"], 0);
    let (code, error) = office.act(INNER, &["hold", "confirm"], 1);
    assert_eq!((code, &error["error"]["code"]), (26, &"held-already".into()), "{error}");
    office.done(INNER, &["release", "confirm"], 1);
    office.until_applied(ROWS);

    office.done(OUTER, &["hold", "confirm"], 1);
    office.insert(ROWS, |_| {});
    wait_until("the owner to say that it holds", || office.pair.stream(OUTER, "confirm")["health"] == "held");
    assert!(
        files(&office.pair.path(OUTER, "to-gate")).iter().all(|path| !path.to_string_lossy().contains("-confirm-"))
    );
    office.done(OUTER, &["release", "confirm"], 1);
    office.until_applied(2 * ROWS);

    office.both_list(&[
        ("hold", "done"),
        ("hold", "held-already"),
        ("release", "done"),
        ("hold", "done"),
        ("release", "done"),
    ]);
}

#[test]
fn a_refused_group_goes_on_once_its_cause_is_mended() {
    let office = Office::open();
    office.sql(INNER, "CREATE UNIQUE INDEX one_payment_a_channel ON pay_confirm (channel)", &[]);
    office.insert(0, |confirm| confirm.channel = "wechat".to_owned());
    for zone in [INNER, OUTER] {
        office.until(zone, "refused", "constraint-unique");
        assert!(office.pair.stream(zone, "confirm")["detail"].to_string().contains("pay_confirm"));
    }
    office.done(INNER, &["quarantine", "retry", "confirm"], 1);
    wait_until("the group to be refused again", || office.pair.stream(INNER, "confirm")["health"] == "refused");
    office.sql(INNER, "DROP INDEX one_payment_a_channel", &[]);
    office.done(INNER, &["quarantine", "retry", "confirm"], 1);
    office.until_applied(ROWS);
    office.until(OUTER, "ok", "");
    office.both_list(&[("retry", "done"), ("retry", "done")]);
}

#[test]
fn a_row_that_cannot_be_sent_is_passed_by_two_operators() {
    let office = Office::open();
    office.insert(0, |_| {});
    office.until_applied(ROWS);
    let nth =
        |place| format!("confirm_id = (SELECT confirm_id FROM pay_confirm ORDER BY confirm_id LIMIT 1 OFFSET {place})");
    let mend = "UPDATE pay_confirm SET payer_name = 'mended'";
    let spoil = "UPDATE pay_confirm SET payer_name = replace(hex(zeroblob(150)), '00', '长')";
    office.sql(OUTER, &format!("{spoil} WHERE {}", nth(7)), &[]);
    wait_until("the owner to stop", || office.pair.stream(OUTER, "confirm")["health"] == "stopped");
    office.insert(ROWS, |_| {});
    let detail = office.pair.stream(OUTER, "confirm")["detail"].as_str().unwrap().to_owned();
    let row = detail.strip_prefix("outbox row ").and_then(|rest| rest.split(' ').next()).unwrap().to_owned();
    office.sql(OUTER, &format!("{mend} WHERE {}", nth(7)), &[]);
    let pass = ["pass", "confirm", &row, "--with", "current"];
    let (code, error) = office.act(OUTER, &pass, 1);
    assert_eq!((code, &error["error"]["code"]), (13, &"too-few-approvals".into()), "{error}");
    office.done(OUTER, &pass, 2);
    office.until_applied(2 * ROWS);
    let (code, error) = office.act(OUTER, &pass, 2);
    assert_eq!((code, &error["error"]["code"]), (26, &"not-stopped-there".into()), "{error}");

    office.sql(OUTER, &format!("{spoil} WHERE {}", nth(8)), &[]);
    wait_until("the owner to stop again", || office.pair.stream(OUTER, "confirm")["health"] == "stopped");
    let detail = office.pair.stream(OUTER, "confirm")["detail"].as_str().unwrap().to_owned();
    let row = detail.strip_prefix("outbox row ").and_then(|rest| rest.split(' ').next()).unwrap().to_owned();
    office.sql(OUTER, &format!("{mend} WHERE {}", nth(8)), &[]);
    office.done(OUTER, &["pass", "confirm", &row, "--with", "void"], 2);
    office.until_applied(2 * ROWS);
    let mut books = Database::open(&office.pair.database(OUTER)).unwrap();
    assert_eq!(books.number("SELECT count(*) FROM ferry_passed_row", &[]).unwrap(), 2, "what was passed is kept");
    // The first crosses as it stood then and once more as it was mended, the second only as it was mended.
    is_traced(&office, 7, &["insert", "update", "update"]);
    is_traced(&office, 8, &["insert", "update"]);
    office.both_list(&[("pass", "done"), ("pass", "not-stopped-there"), ("pass", "done")]);
}

/// Both zones tell of a payment whose change was passed what became of the others, and its owner tells of that one too.
fn is_traced(office: &Office, place: u64, ops: &[&str]) {
    let id = confirm_id(place);
    for (zone, state) in [(INNER, "applied"), (OUTER, "settled")] {
        let changes: Vec<_> = ops.iter().map(|op| ((*op).to_owned(), state.to_owned())).collect();
        office.pair.carry_until(&format!("{changes:?} in zone {zone}"), || office.changes(zone, &id) == changes);
    }
    let (_, there) = office.trace(OUTER, &id);
    let passed = there["passed"].as_array().unwrap();
    assert_eq!((passed.len(), &passed[0]["op"], &there["present"]), (1, &"update".into(), &true.into()), "{there}");
    let act = office.listed(OUTER).into_iter().find(|act| act["act"] == passed[0]["act"]).unwrap();
    assert_eq!((&act["deed"], &act["code"]), (&"pass".into(), &"done".into()), "{act}");
    let told = run(office.pair.command(OUTER).args(["trace", "pay_confirm", &id])).stdout;
    assert!(String::from_utf8(told).unwrap().contains("passed over at"));
    let (_, here) = office.trace(INNER, &id);
    assert!(here["passed"].as_array().unwrap().is_empty() && here["present"] == true, "{here}");
}

#[test]
fn a_transaction_whose_last_row_was_passed_is_applied_without_it() {
    let office = Office::open();
    // More than one batch holds, in one transaction: the group is open when its last row turns out to be unsendable.
    let last = BATCH_ROWS;
    office.insert_rows(0..=last, |place, confirm| {
        if place == last {
            confirm.payer_name = "长".repeat(150);
        }
    });
    wait_until("the owner to stop", || office.pair.stream(OUTER, "confirm")["health"] == "stopped");
    let row = (last + 1).to_string();
    office.done(OUTER, &["pass", "confirm", &row, "--with", "void"], 2);
    let mut replica = Database::open(&office.pair.database(INNER)).unwrap();
    office.pair.carry_until("the rest of the transaction to be applied", || {
        replica.number("SELECT count(*) FROM pay_confirm", &[]).unwrap() == last
    });
    office.until(OUTER, "ok", "");
    let (code, there) = office.trace(OUTER, &confirm_id(last));
    assert_eq!((code, &there["passed"][0]["op"], &there["present"]), (0, &"insert".into(), &true.into()), "{there}");
    assert!(["changes", "waiting"].iter().all(|list| there[*list].as_array().unwrap().is_empty()), "{there}");
    let (code, here) = office.trace(INNER, &confirm_id(last));
    assert_eq!((code, &here["present"]), (21, &false.into()), "{here}");
    assert_eq!(office.changes(INNER, &confirm_id(last - 1)), [("insert".to_owned(), "applied".to_owned())]);
}

#[test]
fn a_batch_that_the_gate_lost_is_sealed_and_sent_again() {
    let office = Office::open();
    let batches = || {
        let mut found = files(&office.pair.path(OUTER, "to-gate"));
        found.retain(|path| path.to_string_lossy().contains("-confirm-"));
        found
    };
    office.insert(0, |_| {});
    wait_until("the batch to be published", || !batches().is_empty());
    let first = read_away(&batches());
    office.done(OUTER, &["reseal", "confirm"], 1);
    wait_until("the batch to be published again", || !batches().is_empty());
    let second = read_away(&batches());
    assert_ne!(first, second, "it is sealed anew");
    let digest = |bytes: &[u8]| ferry_format::inspect_batch(bytes).unwrap().digest;
    assert_eq!(digest(&first), digest(&second), "it states the same");
    office.done(OUTER, &["resend", "confirm"], 1);
    wait_until("the batch to be published once more", || !batches().is_empty());
    assert_eq!(std::fs::read(&batches()[0]).unwrap(), second, "a resend is the same file");
    office.until_applied(ROWS);
    office.both_list(&[("reseal", "done"), ("resend", "done")]);
}

/// Reads the only file, and takes it away as a gate would that loses it.
fn read_away(paths: &[PathBuf]) -> Vec<u8> {
    let [path] = paths else { panic!("one file of {paths:?}") };
    let bytes = std::fs::read(path).unwrap();
    remove(path);
    bytes
}

fn remove(path: &Path) {
    std::fs::remove_file(path).unwrap();
}
