//! Two operators let other batches take the place of a group.

use std::path::Path;

use ferry_format::Card;
use serde_json::Value;
use tests::demo::database::Database;
use tests::forge::{self, Forger};
use tests::pair::{INNER, OUTER, expect_success, run};

use super::office::{Office, ROWS, confirm_id, operator};

/// A payment of the group that is superseded.
const PLACE: u64 = 3;

/// The name that the inner zone's database takes only once.
const POISON: &str = "poison";

impl Office {
    /// A pair in which the inner zone refuses the first group of `confirm`: both zones name the place and the rule.
    fn refusing() -> Self {
        let office = Self::open();
        let rule =
            format!("CREATE UNIQUE INDEX one_{POISON} ON pay_confirm (payer_name) WHERE payer_name = '{POISON}'");
        office.sql(INNER, &rule, &[]);
        office.insert(0, |confirm| confirm.payer_name = POISON.to_owned());
        for zone in [INNER, OUTER] {
            office.until(zone, "refused", "constraint-unique");
            let detail = office.pair.stream(zone, "confirm")["detail"].to_string();
            assert!(detail.contains("pay_confirm"), "{detail}");
        }
        office
    }

    /// Mends the rows in the zone that owns them.
    fn mend(&self) {
        self.sql(OUTER, &format!("UPDATE pay_confirm SET payer_name = confirm_id WHERE payer_name = '{POISON}'"), &[]);
    }

    /// Waits until the life of the first batch tells something in the owner's zone.
    fn until_told(&self, kind: &str) {
        self.pair.carry_until(&format!("{kind} to be told"), || {
            let life = self.pair.json(OUTER, &["explain", "confirm/1"])["life"].clone();
            life.as_array().unwrap().iter().any(|event| event["kind"] == kind)
        });
    }

    /// Waits until `ferry trace` tells of these changes of every payment of the superseded group, in order.
    fn until_traced(&self, zone: usize, changes: &[(&str, &str)]) {
        let meant: Vec<_> = changes.iter().map(|(op, state)| ((*op).to_owned(), (*state).to_owned())).collect();
        for id in (0..ROWS).map(confirm_id) {
            self.pair.carry_until(&format!("{meant:?} of {id} to be told in zone {zone}"), || {
                self.changes(zone, &id) == meant
            });
        }
    }

    /// What the auditor finds in both archives, with the cards of all who signed.
    fn verify(&self) -> Value {
        let mut command = self.pair.command(INNER);
        command.args(["--json", "verify"]);
        command.args([self.pair.path(INNER, "archive"), self.pair.path(OUTER, "archive")]).arg("--trust");
        command.args([INNER, OUTER].map(|zone| self.pair.card(zone)));
        let operators: Vec<_> = self.keys.iter().map(|key| key.with_extension("card")).collect();
        let output = run(command.args(operators));
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

fn supersede(with: &str) -> [&str; 5] {
    ["supersede", "confirm", "1", "--with", with]
}

#[test]
fn rows_as_they_stand_now_take_the_place_of_a_refused_group() {
    let office = Office::refusing();
    office.mend();
    let (code, error) = office.act(OUTER, &supersede("current"), 1);
    assert_eq!((code, &error["error"]["code"]), (13, &"too-few-approvals".into()), "{error}");
    let draft = office.pair.dir.path().join("late.act");
    let (code, answer) =
        office.act(OUTER, &[&supersede("void")[..], &["--draft", draft.to_str().unwrap()]].concat(), 2);
    assert_eq!(code, 0, "{answer}");
    office.done(OUTER, &supersede("current"), 2);
    office.until_applied(ROWS);
    office.until(OUTER, "ok", "");
    office.until_told("superseded");

    let (code, error) = office.act(OUTER, &supersede("void"), 2);
    assert_eq!((code, &error["error"]["code"]), (26, &"no-such-open-group".into()), "{error}");
    let late = run(office.pair.command(OUTER).args(["--json", "acts", "submit", "--wait", "60"]).arg(&draft));
    let error: Value = serde_json::from_slice(&late.stderr).unwrap();
    assert_eq!((late.status.code(), &error["error"]["code"]), (Some(26), &"no-such-open-group".into()), "{error}");

    let listed =
        |zone: usize| office.listed(zone).into_iter().find(|act| act["deed"] == "supersede" && act["code"] == "done");
    office.pair.carry_until("both zones to list the act", || [INNER, OUTER].iter().all(|zone| listed(*zone).is_some()));
    for zone in [INNER, OUTER] {
        let act = listed(zone).unwrap();
        assert_eq!((&act["verified"], &act["reason"]), (&true.into(), &"银行已确认".into()));
        assert_eq!((&act["first"], act["signers"].as_array().unwrap().len()), (&1.into(), 2));
    }
    let explained = office.pair.json(OUTER, &["explain", "confirm/1"]);
    assert_eq!(explained["instead"].as_array().unwrap().len(), 1, "{explained}");
    // The row as it was refused, as it came instead, and as it was mended.
    office.until_traced(OUTER, &[("insert", "superseded"), ("update", "settled"), ("update", "settled")]);
    office.until_traced(INNER, &[("update", "applied"), ("update", "applied")]);
    let found = office.verify();
    assert_eq!(found["faults"], Value::Array(Vec::new()), "{found}");
}

#[test]
fn nothing_takes_the_place_of_a_group_that_must_not_arrive() {
    let office = Office::refusing();
    office.insert(ROWS, |_| {});
    office.done(OUTER, &supersede("void"), 2);
    let mut replica = Database::open(&office.pair.database(INNER)).unwrap();
    let count = "SELECT count(*) FROM pay_confirm";
    office.pair.carry_until("later rows to be applied", || replica.number(count, &[]).unwrap() == ROWS);
    let poisoned = format!("{count} WHERE payer_name = '{POISON}'");
    assert_eq!(replica.number(&poisoned, &[]).unwrap(), 0);
    office.until(OUTER, "ok", "");
    // What was passed over is kept where it was sent from, and where it was refused.
    let explained = office.pair.json(OUTER, &["explain", "confirm/1"]);
    assert_eq!((&explained["books"]["rows"], explained["instead"].as_array().unwrap().len()), (&ROWS.into(), 1));
    let quarantined = office.pair.json(INNER, &["quarantine", "list"]);
    let codes: Vec<&Value> = quarantined["files"].as_array().unwrap().iter().map(|file| &file["code"]).collect();
    assert!(codes.contains(&&Value::from("superseded")), "{quarantined}");
    office.until_traced(OUTER, &[("insert", "superseded")]);
    let (code, here) = office.trace(INNER, &confirm_id(PLACE));
    assert_eq!((code, &here["present"]), (21, &false.into()), "{here}");
    let told = run(office.pair.command(OUTER).args(["trace", "pay_confirm", &confirm_id(PLACE)])).stdout;
    assert!(String::from_utf8(told).unwrap().contains("another batch has its place"));
    // Once the rows are as they should be, an ordinary change carries them over.
    office.mend();
    office.until_applied(2 * ROWS);
    office.until_traced(OUTER, &[("insert", "superseded"), ("update", "settled")]);
    office.until_traced(INNER, &[("update", "applied")]);
}

#[test]
fn what_the_peer_has_applied_is_superseded_too_late() {
    let office = Office::open();
    office.insert(0, |_| {});
    let from_owner = |path: &Path| path.starts_with(office.pair.zone_dir(OUTER));
    let mut replica = Database::open(&office.pair.database(INNER)).unwrap();
    let mut applied = || replica.number("SELECT count(*) FROM pay_confirm", &[]).unwrap() == ROWS;
    office.pair.carry_some_until("the peer to apply", from_owner, &mut applied);
    office.done(OUTER, &supersede("void"), 2);
    office.pair.carry_some_until("the late batch to be turned away", from_owner, &mut || {
        office.pair.json(INNER, &["quarantine", "list"]).to_string().contains("supersede-late")
    });
    office.until_told("supersede-late");
    office.until_traced(OUTER, &[("insert", "settled")]);
    office.until_traced(INNER, &[("insert", "applied")]);
    office.until_applied(ROWS);
    office.insert(ROWS, |_| {});
    office.until_applied(2 * ROWS);
    office.until(OUTER, "ok", "");
    let found = office.verify();
    assert_eq!(found["faults"], Value::Array(Vec::new()), "{found}");
    // The auditor counts what was applied, and not the empty batch that came too late: a status of the receiver says so.
    let confirm = found["streams"].as_array().unwrap().iter().find(|stream| stream["stream"] == "confirm").unwrap();
    assert_eq!((&confirm["superseded"], &confirm["superseded_untold"]), (&1.into(), &0.into()), "{confirm}");
    assert_eq!(confirm["tables"][0]["inserts"], 2 * ROWS, "{confirm}");
}

/// A database that was put back to a backup knows nothing of what operators decided later; nor does the peer's, which was put back
/// as well.
#[test]
fn what_operators_decided_stands_after_both_zones_were_put_back() {
    let mut office = Office::refusing();
    let backup = |zone: usize| office.pair.dir.path().join(format!("backup-{zone}"));
    let backups = [INNER, OUTER].map(backup);
    let words = |verb: &str, zone: usize| [verb.to_owned(), backups[zone].to_str().unwrap().to_owned()];
    for zone in [INNER, OUTER] {
        office.pair.json(zone, &words("backup", zone).each_ref().map(String::as_str));
    }
    office.done(OUTER, &supersede("void"), 2);
    office.until_told("superseded");
    office.until(OUTER, "ok", "");
    let sealed = office.pair.json(OUTER, &["explain", "confirm/1"])["instead"].clone();
    office.stop();
    for zone in [INNER, OUTER] {
        office.pair.json(zone, &words("restore", zone).each_ref().map(String::as_str));
    }
    assert!(office.listed(OUTER).is_empty(), "the backup does not know of it");
    let place = ("outer".to_owned(), "confirm".to_owned(), 1, 1);
    assert_eq!(office.pair.take_stated(&place).len(), 2, "the group, and what took its place");
    office.start();
    office.both_list(&[("supersede", "done")]);
    office.until(OUTER, "ok", "");
    assert_eq!(office.pair.json(OUTER, &["explain", "confirm/1"])["instead"], sealed);
    let stated: Vec<String> = office.pair.take_stated(&place).into_iter().collect();
    assert!(sealed[0].as_str().unwrap().starts_with(&stated[0]) && stated.len() == 1, "{stated:?} {sealed}");
    assert_eq!(office.pair.stream(INNER, "confirm")["applied_seq"], 1);
    let mut replica = Database::open(&office.pair.database(INNER)).unwrap();
    assert_eq!(replica.number("SELECT count(*) FROM pay_confirm", &[]).unwrap(), 0, "the group is void");
    office.mend();
    office.until_applied(ROWS);
    office.until_traced(INNER, &[("update", "applied")]);
}

#[test]
fn whoever_is_no_operator_supersedes_nothing() {
    let office = Office::refusing();
    // Keys that only the sending zone trusts: its own check lets the act pass, the receiver's does not.
    let strangers = ["zhao", "sun"].map(|name| {
        let key = operator(&office.pair, name);
        let card = Card::parse(&std::fs::read(key.with_extension("card")).unwrap()).unwrap().into_inner();
        office.pair.json(INNER, &["trust", "remove", &card.sign.id().to_string()]);
        key
    });
    let mut command = office.pair.command(OUTER);
    command.arg("--json").args(supersede("void")).args(["--reason", "nobody knows them", "--wait", "60"]);
    for key in &strangers {
        command.arg("--key").arg(key);
    }
    expect_success(&run(&mut command));
    office.pair.carry_until("the batch to be turned away", || {
        office.pair.json(INNER, &["status"])["facts"]["turned_away:bad-approval"].as_str().is_some()
    });
    assert_eq!(office.pair.stream(INNER, "confirm")["applied_seq"], 0);
    // Two operators whom both zones know decide otherwise, and theirs names what it passes over.
    office.mend();
    office.done(OUTER, &supersede("current"), 2);
    office.until_applied(ROWS);
}

#[test]
fn a_dispute_ends_when_two_operators_let_stand_what_was_applied() {
    let office = Office::open();
    let forger = Forger::of(&office.pair);
    office.insert(0, |_| {});
    office.until_applied(ROWS);
    office.until(OUTER, "ok", "");
    let forged = forger.seal(|_| {});
    office.pair.drop_file(INNER, &forge::name(&forger.statement, &forged, 1), &forged);
    office.until(INNER, "parked", "two-statements");
    office.insert(ROWS, |_| {});
    let dismiss = ["quarantine", "dismiss", "confirm", "1"];
    let (code, error) = office.act(INNER, &dismiss, 1);
    assert_eq!((code, &error["error"]["code"]), (13, &"too-few-approvals".into()), "{error}");
    office.done(INNER, &dismiss, 2);
    office.until_applied(2 * ROWS);
    // A gate repeats files: the same one again disputes nothing.
    office.pair.drop_file(INNER, &forge::name(&forger.statement, &forged, 2), &forged);
    office.insert(2 * ROWS, |_| {});
    office.until_applied(3 * ROWS);
    let (code, error) = office.act(INNER, &dismiss, 2);
    assert_eq!((code, &error["error"]["code"]), (26, &"no-dispute-to-dismiss".into()), "{error}");
    office.both_list(&[("dismiss", "done"), ("dismiss", "no-dispute-to-dismiss")]);
}
