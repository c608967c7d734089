//! What a zone has lost comes back: databases put back to a backup, disks and anchors that are gone.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use contract::rows::{PayConfirm, PayNotice, Row as _, json_rows};
use contract::{Generator, Size};
use serde_json::Value;
use tests::demo::database::Database;
use tests::kills::settled;
use tests::pair::{INNER, OUTER, Pair, files, run, wait_until, write_file};

use super::manual;
use super::office::Office;

/// The tables into which the zones' programs write, each zone its own.
const TABLES: [&str; 2] = [PayNotice::SHAPE.table, PayConfirm::SHAPE.table];
/// The streams of those tables.
const STREAMS: [&str; 2] = ["notice", "confirm"];
/// Notices and payments of yesterday, which are in the backup.
const YESTERDAY: [u64; 2] = [3_000, 10_000];
/// Those of today, which are not.
const TODAY: [u64; 2] = [1_000, 2_500];
/// Those of programs that write while their zone is not where it was.
const MEANWHILE: u64 = 400;
/// What of a zone's directory an operator has from elsewhere when its disk is gone; the contract lies outside of it.
const ELSEWHERE: [&str; 3] = ["ferry.toml", "trust", "keys"];

/// A running pair with a backup of yesterday of both zones, and rows of both that are younger.
struct Drill {
    office: Office,
    generator: Generator,
    /// Notices and payments that were written.
    rows: [u64; 2],
    /// The zones' cards, as an auditor has them.
    cards: [PathBuf; 2],
    /// Whether a database was put back.
    went_back: bool,
    /// Places of `confirm` for which operators had other batches made.
    superseded: Vec<u64>,
}

impl Drill {
    fn begin() -> Self {
        let office = Office::open();
        let cards = [INNER, OUTER].map(|zone| {
            let card = office.pair.dir.path().join(format!("card-{zone}"));
            std::fs::copy(office.pair.card(zone), &card).unwrap();
            card
        });
        let generator = Generator::new(3, Size::M);
        let mut drill = Self { office, generator, rows: [0; 2], cards, went_back: false, superseded: Vec::new() };
        drill.write_both(YESTERDAY);
        drill.until_equal();
        for zone in [INNER, OUTER] {
            drill.back_up(zone);
        }
        drill.write_both(TODAY);
        drill.until_equal();
        drill.until_well();
        drill.office.stop();
        drill
    }

    /// Makes the backup of a zone while its daemon runs and a program writes.
    fn back_up(&mut self, zone: usize) {
        let backup = self.backup(zone);
        let mut command = self.office.pair.command(zone);
        command.arg("--json").args(manual::command("backup", backup.to_str().unwrap())).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        while child.try_wait().unwrap().is_none() {
            self.write(zone, 1);
        }
        let output = child.wait_with_output().unwrap();
        let made: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(made["anchor"], true, "{made}");
    }

    fn backup(&self, zone: usize) -> PathBuf {
        self.office.pair.dir.path().join(format!("backup-{zone}"))
    }

    /// Puts the zone's database back to the backup, and tells which anchor it has then.
    fn restore(&mut self, zone: usize) -> String {
        self.went_back = true;
        let words = manual::command("restore", self.backup(zone).to_str().unwrap());
        let done = self.office.pair.json(zone, &words.iter().map(String::as_str).collect::<Vec<_>>());
        done["anchor"].as_str().unwrap().to_owned()
    }

    /// Does what the manual says for such a loss of the outer zone, and yields how often.
    fn follows_the_manual(&self, lost: &str, seq: u64) -> usize {
        let steps = manual::steps(lost);
        for step in &steps {
            let words = step.at("confirm", seq);
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            if step.signers > 1 {
                let (code, error) = self.office.act(OUTER, &words, step.signers - 1);
                assert_eq!((code, &error["error"]["code"]), (13, &"too-few-approvals".into()), "{error}");
            }
            self.office.done(OUTER, &words, step.signers);
        }
        steps.len()
    }

    fn lose(&self, zone: usize, what: &[&str]) {
        for name in what {
            remove(&self.office.pair.path(zone, name));
        }
    }

    /// A zone loses its whole disk. The files that come from elsewhere are put back, and the drop directories, which are the
    /// gate's as well, are made anew.
    fn lose_disk(&self, zone: usize) {
        for entry in std::fs::read_dir(self.office.pair.zone_dir(zone)).unwrap() {
            let entry = entry.unwrap();
            if !ELSEWHERE.contains(&entry.file_name().to_str().unwrap()) {
                remove(&entry.path());
            }
        }
        for name in ["to-gate", "from-gate", "to-gate.tmp"] {
            std::fs::create_dir(self.office.pair.path(zone, name)).unwrap();
        }
    }

    /// Rows in one transaction, by a program of a zone: notices inside, payments outside.
    fn write(&mut self, zone: usize, count: u64) {
        let numbers = self.rows[zone]..self.rows[zone] + count;
        let (sql, rows) = if zone == INNER {
            let notices = self.generator.notices(numbers).map(|one| one.notice.cells());
            (PayNotice::SHAPE.insert_sql(), json_rows(notices))
        } else {
            let payments = self.generator.confirmations(numbers).map(|one| one.confirm.cells());
            (PayConfirm::SHAPE.insert_sql(), json_rows(payments))
        };
        self.office.sql(zone, &sql, &[&rows]);
        self.rows[zone] += count;
    }

    fn write_both(&mut self, counts: [u64; 2]) {
        for zone in [INNER, OUTER] {
            self.write(zone, counts[zone]);
        }
    }

    /// Starts both daemons. A zone that was put back waits for its peer, since the gate stands still, and its programs write.
    fn start_behind(&mut self, behind: &[usize]) {
        self.office.start();
        for zone in behind {
            let pair = &self.office.pair;
            wait_until("the owner to be locked", || pair.stream(*zone, STREAMS[*zone])["health"] == "locked");
            self.write(*zone, MEANWHILE);
        }
    }

    /// Lets the gate carry until each zone has every row of every table that the other has.
    fn until_equal(&self) {
        let pair = &self.office.pair;
        for zone in [INNER, OUTER] {
            let mut database = Database::open(&pair.database(zone)).unwrap();
            for (table, rows) in TABLES.into_iter().zip(self.rows) {
                let count = format!("SELECT count(*) FROM {table}");
                let what = format!("zone {zone} to have {rows} rows of {table}");
                pair.carry_until(&what, || database.number(&count, &[]).unwrap() == rows);
            }
            database.close();
        }
        pair.carry_until("all tables to be the same", || settled::unequal(pair).is_empty());
    }

    fn until_well(&self) {
        let pair = &self.office.pair;
        let is_well = |zone: usize| {
            let streams = pair.json(zone, &["status"])["streams"].clone();
            streams.as_array().unwrap().iter().all(|stream| stream["health"] == "ok")
        };
        pair.carry_until("both zones to be well", || is_well(INNER) && is_well(OUTER));
    }

    /// Everything is there again, and what is written from now on crosses as ever, in the same epoch.
    fn ends_well(&mut self) {
        self.until_equal();
        self.until_well();
        self.write_both(TODAY);
        self.until_equal();
        self.until_well();
        for zone in [INNER, OUTER] {
            assert_eq!(self.office.pair.stream(zone, STREAMS[zone])["epoch"], 1);
        }
        self.office.stop();
        let unequal = settled::unequal(&self.office.pair);
        assert!(unequal.is_empty(), "{unequal:?}");
        self.states_each_place_once();
        self.is_evident();
    }

    /// For no place two batches have left a zone that state different things, but where operators decided so.
    fn states_each_place_once(&self) {
        let meant = self.superseded.iter().map(|seq| ("outer".to_owned(), "confirm".to_owned(), 1, *seq));
        let (places, twice) = self.office.pair.stated();
        assert!(places > 15, "{places} places were seen");
        assert_eq!(twice, meant.collect::<Vec<_>>());
    }

    /// Whoever compares a zone's words sees that its books went back, and nothing else that is wrong.
    fn is_evident(&self) {
        let archives = [INNER, OUTER].map(|zone| self.office.pair.path(zone, "archive"));
        let pair = &self.office.pair;
        // A trust file has the cards of the operators.
        let mut command = pair.command(INNER);
        command.args(["--json", "verify", "--partial"]).args(archives).arg("--trust").args(&self.cards);
        command.arg(pair.path(INNER, "trust"));
        let told: Value = serde_json::from_slice(&run(&mut command).stdout).unwrap();
        let faults = told["faults"].as_array().unwrap();
        let mut codes: Vec<&str> = faults.iter().map(|fault| fault["code"].as_str().unwrap()).collect();
        codes.sort_unstable();
        codes.dedup();
        // A zone that stopped before it told of its longest log shows the way back by its marks alone.
        codes.retain(|code| !self.went_back || *code != "audit-fork");
        let expected: &[&str] = if self.went_back { &["status-regression"] } else { &[] };
        assert_eq!(codes, expected, "{told}");
    }

    /// Lets the gate carry until the outer zone says that it is locked, and looks that it sends no batch.
    fn is_locked(&self, code: &str) {
        let pair = &self.office.pair;
        pair.carry_until(&format!("the outer zone to say {code}"), || {
            let stream = pair.stream(OUTER, "confirm");
            assert!(no_batch(&pair.path(OUTER, "to-gate")), "a locked zone sends nothing of its own");
            stream["health"] == "locked" && stream["code"] == code
        });
    }
}

/// The exit code and the code of a verb of the outer zone that fails.
fn refused(pair: &Pair, verb: &str, directory: &Path) -> (i32, String) {
    let output = run(pair.command(OUTER).args(["--json", verb]).arg(directory));
    let error: Value = serde_json::from_slice(&output.stderr).unwrap();
    (output.status.code().unwrap(), error["error"]["code"].as_str().unwrap().to_owned())
}

fn remove(path: &Path) {
    if path.is_dir() {
        std::fs::remove_dir_all(path).unwrap();
    } else {
        std::fs::remove_file(path).unwrap();
    }
}

fn no_batch(directory: &Path) -> bool {
    files(directory).iter().all(|path| !path.to_string_lossy().contains("f1-outer-inner-confirm-"))
}

#[test]
fn an_owner_that_was_put_back_takes_its_rows_back_out_of_both_archives() {
    let mut drill = Drill::begin();
    assert_eq!(drill.restore(OUTER), "present");
    drill.start_behind(&[OUTER]);
    assert_eq!(drill.follows_the_manual("the database of an owner", 0), 0);
    drill.ends_well();
}

#[test]
fn an_owner_without_its_archive_is_given_its_rows_by_the_peer() {
    let mut drill = Drill::begin();
    drill.lose(OUTER, &["archive/nontax", "spool/nontax"]);
    assert_eq!(drill.restore(OUTER), "present");
    drill.start_behind(&[OUTER]);
    drill.until_equal();
    drill.office.pair.carry_until("the books to tell of the return", || {
        let life = drill.office.pair.json(OUTER, &["explain", "confirm/11"]).to_string();
        life.contains("taken-back") && life.contains("returned")
    });
    drill.ends_well();
}

#[test]
fn a_receiver_that_was_put_back_is_sent_again_what_it_lacks() {
    let mut drill = Drill::begin();
    assert_eq!(drill.restore(INNER), "present");
    // It owns notices as well. The payments are sent by a zone that lacks nothing, and goes on.
    drill.start_behind(&[INNER]);
    drill.write(OUTER, MEANWHILE);
    assert_eq!(drill.follows_the_manual("the database of a receiver", 0), 0);
    drill.ends_well();
}

#[test]
fn both_zones_put_back_to_yesterday_have_everything_again() {
    let mut drill = Drill::begin();
    for zone in [INNER, OUTER] {
        assert_eq!(drill.restore(zone), "present");
    }
    drill.start_behind(&[INNER, OUTER]);
    assert_eq!(drill.follows_the_manual("both databases", 0), 0);
    drill.ends_well();
}

#[test]
fn an_owner_of_which_only_the_backup_is_left_gets_back_what_two_operators_approve() {
    let mut drill = Drill::begin();
    drill.lose_disk(OUTER);
    assert_eq!(drill.restore(OUTER), "of-backup");
    drill.start_behind(&[OUTER]);
    drill.is_locked("beyond-anchor");
    assert_eq!(drill.follows_the_manual("an owner's whole disk", 0), 1);
    drill.until_equal();
    let (code, error) = drill.office.act(OUTER, &["take-back", "confirm"], 2);
    assert_eq!((code, &error["error"]["code"]), (26, &"nothing-beyond".into()), "{error}");
    drill.office.both_list(&[("take-back", "done")]);
    drill.ends_well();
}

#[test]
fn an_owner_without_its_spool_sends_its_rows_once_more() {
    let mut drill = Drill::begin();
    drill.office.start();
    drill.until_well();
    let first = drill.office.pair.stream(OUTER, "confirm")["last_seq"].as_u64().unwrap() + 1;
    // The gate stands still while batches are published, and loses what lay in it. They are one transaction.
    drill.write(OUTER, TODAY[OUTER]);
    let (pair, last) = (&drill.office.pair, first + 2);
    wait_until("batches to be published", || pair.stream(OUTER, "confirm")["published_seq"] == last);
    drill.office.stop();
    drill.office.pair.see_waiting();
    drill.lose(OUTER, &["spool/nontax", "to-gate"]);
    std::fs::create_dir(drill.office.pair.path(OUTER, "to-gate")).unwrap();
    drill.office.start();
    drill.office.until(OUTER, "stopped", "spool-damaged");
    assert_eq!(drill.office.pair.stream(OUTER, "confirm")["detail"], format!("seq {first}"));
    drill.write(OUTER, MEANWHILE);
    // The lost transaction was three batches; two operators have three empty ones made for the same places.
    drill.superseded = (first..=last).collect();
    let lost = "the spool of an owner, with batches in it that the peer does not have";
    assert_eq!(drill.follows_the_manual(lost, first), 2);
    let (code, error) = drill.office.act(OUTER, &["load", "confirm"], 1);
    assert!(code == 0 || error["error"]["code"] == "loading-already", "{error}");
    let second = if code == 0 { "done" } else { "loading-already" };
    drill.office.both_list(&[("supersede", "done"), ("load", "done"), ("load", second)]);
    drill.ends_well();
}

#[test]
fn a_zone_without_its_anchor_goes_on_when_its_peer_has_spoken() {
    let mut drill = Drill::begin();
    drill.lose(OUTER, &["anchor"]);
    drill.office.start();
    // The gate stands still: nothing has been heard.
    wait_until("the zone to be locked", || {
        let stream = drill.office.pair.stream(OUTER, "confirm");
        stream["health"] == "locked" && stream["code"] == "anchor-missing"
    });
    drill.write(OUTER, MEANWHILE);
    drill.is_locked("anchor-missing");
    assert_eq!(drill.follows_the_manual("only the anchor, or it is another's", 0), 0);
    drill.ends_well();
}

#[test]
fn the_anchor_of_another_database_is_no_anchor() {
    let mut drill = Drill::begin();
    std::fs::copy(drill.office.pair.path(INNER, "anchor"), drill.office.pair.path(OUTER, "anchor")).unwrap();
    drill.office.start();
    wait_until("the zone to be locked", || {
        let stream = drill.office.pair.stream(OUTER, "confirm");
        stream["health"] == "locked" && stream["code"] == "anchor-foreign"
    });
    drill.write(OUTER, MEANWHILE);
    drill.ends_well();
}

#[test]
fn a_database_that_is_open_and_a_backup_that_is_another_or_damaged_are_left_alone() {
    let mut drill = Drill::begin();
    let pair = &drill.office.pair;
    let before = std::fs::read(pair.database(OUTER)).unwrap();
    assert_eq!(refused(pair, "backup", &drill.backup(OUTER)), (25, "backup-exists".to_owned()));
    assert_eq!(refused(pair, "restore", &drill.backup(INNER)), (31, "backup-of-another".to_owned()));
    assert_eq!(refused(pair, "restore", &pair.path(OUTER, "archive")), (31, "no-backup".to_owned()));
    let mut open = Database::open(&pair.database(OUTER)).unwrap();
    open.number("SELECT count(*) FROM pay_confirm", &[]).unwrap();
    assert_eq!(refused(pair, "restore", &drill.backup(OUTER)), (19, "database-in-use".to_owned()));
    drop(open);
    let copy = drill.backup(OUTER).join("zone.db");
    let mut bytes = std::fs::read(&copy).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    write_file(&copy, &bytes);
    assert_eq!(refused(pair, "restore", &drill.backup(OUTER)), (33, "backup-damaged".to_owned()));
    assert!(std::fs::read(pair.database(OUTER)).unwrap() == before, "nothing was changed");
    let starts = drill.office.pair.starts(OUTER);
    drill.office.start();
    wait_until("the daemon to hold the zone", || drill.office.pair.starts(OUTER) > starts);
    let pair = &drill.office.pair;
    assert_eq!(refused(pair, "restore", &drill.backup(OUTER)), (19, "zone-in-use".to_owned()));
    drill.ends_well();
}
