//! What operators read of a zone's books, with the real program on a zone that the real program made.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::archive::{Archive, Made, assert_documented, link, put};
use ferry::store::SqliteStore;
use ferry_core::ports::{
    Attempt, Direction, LifeEvent, LifeKind, Notes, OutgoingBatch, QuarantineNote, Settled, Store as _, StreamState,
};
use ferry_format::{Digest, Mark, StreamName};
use serde_json::Value;
use tempfile::TempDir;

const CONTRACT: &str = r#"name = "small"
version = 1
zones = ["inner", "outer"]

[schema]
sqlite = "small.sql"

[[stream]]
name = "confirm"
owner = "outer"
to = "inner"
priority = 10
limits = { rows = 100, plain_bytes = 65536, linger_ms = 0 }

[[stream.table]]
name = "t_payment"
key = ["id"]
columns = [{ name = "id", type = "integer" }, { name = "amt", type = "fen", money = true }]

[[stream]]
name = "notice"
owner = "inner"
to = "outer"
priority = 5
limits = { rows = 100, plain_bytes = 65536, linger_ms = 0 }

[[stream.table]]
name = "t_notice"
key = ["id"]
columns = [{ name = "id", type = "integer" }]
"#;

const SCHEMA: &str = "CREATE TABLE t_payment (id INTEGER NOT NULL PRIMARY KEY, amt INTEGER NOT NULL) STRICT;\n\
    CREATE TABLE t_notice (id INTEGER NOT NULL PRIMARY KEY) STRICT;\n";

/// An outer zone that `ferry init` made.
pub struct Zone {
    directory: TempDir,
    archive: Archive,
}

impl Zone {
    pub fn new() -> Self {
        let zone = Self { directory: TempDir::new().unwrap(), archive: Archive::new() };
        put(&zone.path("small.toml"), CONTRACT.as_bytes());
        put(&zone.path("small.sql"), SCHEMA.as_bytes());
        let output = Command::new(env!("CARGO_BIN_EXE_ferry"))
            .args(["init", "--zone", "outer", "--peer", "inner", "--link", link().as_str()])
            .arg("--dir")
            .arg(zone.path("zone"))
            .arg("--contract")
            .arg(zone.path("small.toml"))
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        zone
    }

    pub fn path(&self, below: &str) -> PathBuf {
        self.directory.path().join(below)
    }

    pub fn store(&self) -> SqliteStore {
        SqliteStore::open(&self.path("zone/outer.db"), &link()).unwrap()
    }

    /// Records batches of `confirm`, with their files in the spool.
    pub fn record(&mut self, count: usize) -> Vec<Made> {
        let store = self.store();
        let mut made: Vec<Made> = Vec::new();
        for _ in 0..count {
            let next = self.archive.confirm(made.last());
            let last = store.recover().unwrap().outgoing.remove(0).last;
            store.record(&[outgoing(&next, last.digest)]).unwrap();
            let spool = self.path("zone/spool/demo/out/confirm");
            fs::create_dir_all(&spool).unwrap();
            put(&spool.join(next.name(1)), &next.sealed.bytes);
            made.push(next);
        }
        made
    }

    pub fn run(&self, arguments: &[&str], locale: &str) -> Output {
        let config = self.path("zone/ferry.toml");
        let mut command = Command::new(env!("CARGO_BIN_EXE_ferry"));
        command.args(arguments).arg("--config").arg(config).env("LC_ALL", locale).env("TZ", "UTC").output().unwrap()
    }

    pub fn json(&self, arguments: &[&str]) -> Value {
        let output = self.run(&[arguments, &["--json"]].concat(), "C");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        let document = serde_json::from_slice(&output.stdout).unwrap();
        let verb = if ["quarantine", "acts", "parked", "keys", "trust", "capture"].contains(&arguments[0]) {
            arguments[..2].join(" ")
        } else {
            arguments[0].to_owned()
        };
        assert_documented(&verb, &document);
        document
    }

    pub fn people(&self, arguments: &[&str], locale: &str) -> String {
        let output = self.run(arguments, locale);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    pub fn fault(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let output = self.run(&[arguments, &["--json"]].concat(), "C");
        let document: Value = serde_json::from_slice(&output.stderr).unwrap();
        (output.status.code(), document["error"]["code"].as_str().unwrap().to_owned())
    }
}

fn outgoing(made: &Made, previous: Digest) -> OutgoingBatch {
    OutgoingBatch {
        stream: made.statement.stream.clone(),
        epoch: 1,
        seq: made.statement.seq,
        digest: made.sealed.digest,
        previous,
        group: made.statement.group,
        rows: 1,
        file_bytes: u64::try_from(made.sealed.bytes.len()).unwrap(),
        through_id: 0,
        cut_at_ms: made.statement.cut_at_ms,
        tables: made.statement.tables.clone(),
    }
}

fn stream(name: &str) -> StreamName {
    name.parse().unwrap()
}

fn state(name: &str, direction: Direction, health: &'static str, code: &str) -> StreamState {
    StreamState {
        direction,
        stream: stream(name),
        epoch: 1,
        last_seq: 9,
        published_seq: 9,
        applied_seq: 2,
        applied_digest: Digest([1; 32]),
        held: "5-7".to_owned(),
        missing: if direction == Direction::In { "3-4".to_owned() } else { String::new() },
        lag_ms: 61_000,
        known_at_ms: 0,
        health,
        code: code.to_owned(),
        detail: "seq 3, table t_payment, row 0".to_owned(),
        parked_rows: 0,
    }
}

fn now_ms() -> u64 {
    u64::try_from(jiff::Timestamp::now().as_millisecond()).unwrap()
}

fn notes(states: Vec<StreamState>, facts: &[(&str, &str)]) -> Notes {
    let facts = facts.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Notes { states, facts, now_ms: now_ms(), ..Notes::default() }
}

#[test]
fn a_zone_whose_daemon_never_ran_says_so() {
    let zone = Zone::new();
    let document = zone.json(&["status"]);
    assert_eq!(document["troubles"][0]["code"], "daemon-never");
    assert_eq!(document["attention"], true);
    assert_eq!(zone.run(&["status", "--check"], "C").status.code(), Some(27));
    assert!(zone.people(&["queue"], "C").contains("nothing waits"));
    assert!(zone.people(&["queue"], "zh_CN").contains("没有等待中的内容"));
}

#[test]
fn status_tells_how_streams_and_link_stand_and_what_to_do() {
    let zone = Zone::new();
    let good = StreamState { held: String::new(), ..state("confirm", Direction::Out, "ok", "") };
    let refused = state("notice", Direction::In, "refused", "constraint-check");
    zone.store().note(&notes(vec![good, refused], &[("gate_damaged", "3"), ("peer_heard_ago_ms", "61000")])).unwrap();

    let document = zone.json(&["status"]);
    assert_eq!(
        (&document["zone"], &document["peer"], &document["attention"]),
        (&"outer".into(), &"inner".into(), &true.into())
    );
    let notice = &document["streams"][1];
    assert_eq!(
        (&notice["direction"], &notice["held"], &notice["missing"]),
        (&"in".into(), &"5-7".into(), &"3-4".into())
    );
    assert_eq!(
        (&notice["applied_seq"], &notice["last_seq"], &notice["lag_ms"]),
        (&2.into(), &9.into(), &61_000.into())
    );
    let trouble = &document["troubles"][0];
    assert_eq!((&trouble["code"], &trouble["stream"]), (&"constraint-check".into(), &"notice".into()));
    assert_eq!(document["facts"]["gate_damaged"], "3");

    let english = zone.people(&["status"], "C");
    for part in ["zone outer, peer inner, link demo", "2/9", "1 min 1 s", "3 damaged", "table t_payment", "next: mend"]
    {
        assert!(english.contains(part), "{part} in:\n{english}");
    }
    let chinese = zone.people(&["status"], "zh_CN.UTF-8");
    for part in ["本区 outer，对端 inner", "被拒", "受损 3", "下一步：请按所列位置"] {
        assert!(chinese.contains(part), "{part} in:\n{chinese}");
    }
    assert_eq!(zone.run(&["status"], "C").status.code(), Some(0));
    assert_eq!(zone.run(&["status", "--check"], "C").status.code(), Some(27));
}

#[test]
fn status_with_nothing_to_do_passes_the_check() {
    let zone = Zone::new();
    let good = StreamState { lag_ms: 0, ..state("confirm", Direction::Out, "ok", "") };
    let waiting = state("notice", Direction::In, "waiting", "");
    zone.store().note(&notes(vec![good.clone()], &[])).unwrap();
    assert!(zone.people(&["status", "--check"], "C").contains("everything is in order"));
    zone.store().note(&notes(vec![good, waiting], &[])).unwrap();
    assert_eq!(zone.json(&["status", "--check"])["attention"], false);
    zone.store().note(&notes(Vec::new(), &[("lock", "zone-restored")])).unwrap();
    assert_eq!(zone.run(&["status", "--check"], "C").status.code(), Some(27));
}

#[test]
fn the_queue_lists_what_is_not_applied() {
    let mut zone = Zone::new();
    let made = zone.record(3);
    let store = zone.store();
    store.attempt(&[Attempt { stream: stream("confirm"), epoch: 1, seq: 2, attempt: 2, at_ms: 5 }]).unwrap();
    let mark = Mark { stream: stream("confirm"), epoch: 1, seq: 1, digest: made[0].sealed.digest };
    store.settle(&Settled { mark, at_ms: 9 }).unwrap();
    store.note(&notes(vec![state("notice", Direction::In, "parked", "requires-stream")], &[])).unwrap();

    let document = zone.json(&["queue"]);
    let outgoing = document["outgoing"].as_array().unwrap();
    let told: Vec<_> =
        outgoing.iter().map(|row| (row["seq"].as_u64().unwrap(), row["state"].as_str().unwrap())).collect();
    assert_eq!(told, [(2, "published"), (3, "recorded")]);
    assert_eq!(outgoing[0]["digest"], made[1].sealed.digest.to_string());
    assert_eq!(document["incoming"][0]["code"], "requires-stream");
    assert!(zone.json(&["queue", "confirm"])["incoming"].as_array().unwrap().is_empty());
    assert!(zone.people(&["queue"], "C").contains("confirm/3"));
    assert_eq!(zone.fault(&["queue", "nowhere"]), (Some(21), "no-such-stream".to_owned()));
}

#[test]
fn a_batch_is_shown_by_place_digest_name_and_path() {
    let mut zone = Zone::new();
    let made = zone.record(2);
    let digest = made[1].sealed.digest.to_string();
    let path = zone.path("zone/spool/demo/out/confirm").join(made[1].name(1));
    let names = ["confirm/2", "confirm:2", &digest[..8], &made[1].name(4), path.to_str().unwrap()];
    for name in names {
        let document = zone.json(&["show", name]);
        assert_eq!(document["header"]["digest"], digest, "{name}");
        assert_eq!(document["header"]["tables"][0]["totals_fen"]["amt"], "100", "{name}");
    }
    let english = zone.people(&["show", "confirm/2"], "C");
    assert!(english.contains("amt 1.00") && english.contains("2023-11-14 22:13:20 +00:00"), "{english}");
    assert!(zone.people(&["show", "confirm/2"], "zh_CN").contains("切批时间"));
    assert_eq!(zone.fault(&["show", "confirm/7"]), (Some(21), "no-such-batch".to_owned()));
    assert_eq!(zone.fault(&["show", "0000000000"]), (Some(21), "no-such-batch".to_owned()));
    assert_eq!(zone.fault(&["show", "nonsense!"]), (Some(2), "bad-batch".to_owned()));
    assert_eq!(zone.fault(&["show", zone.path("small.sql").to_str().unwrap()]).0, Some(31));
}

#[test]
fn a_batch_tells_its_life_and_what_it_waits_for() {
    let mut zone = Zone::new();
    let made = zone.record(2);
    let store = zone.store();
    store
        .attempt(&[Attempt { stream: stream("confirm"), epoch: 1, seq: 1, attempt: 1, at_ms: 1_700_000_001_000 }])
        .unwrap();
    let event = |kind, at_ms, detail: &str| LifeEvent {
        direction: Direction::Out,
        stream: stream("confirm"),
        epoch: 1,
        seq: 1,
        kind,
        at_ms,
        detail: detail.to_owned(),
    };
    let mut said = notes(vec![state("confirm", Direction::Out, "refused", "not-owner")], &[]);
    said.life = vec![
        event(LifeKind::Recorded, 1_700_000_000_500, ""),
        event(LifeKind::Published, 1_700_000_001_000, "1"),
        event(LifeKind::Missing, 1_700_000_003_000, ""),
    ];
    store.note(&said).unwrap();

    let document = zone.json(&["explain", "confirm/1"]);
    let kinds: Vec<_> = document["life"].as_array().unwrap().iter().map(|event| event["kind"].clone()).collect();
    assert_eq!(kinds, ["recorded", "published", "missing"]);
    assert_eq!(document["state"], "published");
    assert!(document["now"].as_str().unwrap().contains("does not own that stream"), "{document}");
    let mark = Mark { stream: stream("confirm"), epoch: 1, seq: 2, digest: made[1].sealed.digest };
    store.settle(&Settled { mark, at_ms: 1_700_000_009_000 }).unwrap();
    let english = zone.people(&["explain", "confirm/1"], "C");
    assert!(english.contains("2023-11-14 22:13:29 +00:00  applied by the peer"), "{english}");
    assert!(english.ends_with("now: the peer has applied it; nothing waits\nnext: nothing\n"), "{english}");
    assert!(zone.people(&["explain", "confirm/1"], "zh_CN").contains("当前：对端已应用"));
    assert_eq!(zone.fault(&["explain", "confirm/77"]), (Some(21), "no-such-batch".to_owned()));
}

#[test]
fn a_batch_of_the_peer_tells_where_it_waits() {
    let zone = Zone::new();
    zone.store().note(&notes(vec![state("notice", Direction::In, "waiting", "")], &[])).unwrap();
    assert_eq!(zone.json(&["explain", "notice/3"])["state"], "missing");
    let held = zone.json(&["explain", "notice/6"]);
    assert_eq!(held["state"], "held");
    assert!(held["now"].as_str().unwrap().contains("3-4"), "{held}");
    assert_eq!(zone.json(&["explain", "notice/2"])["state"], "applied");
    assert_eq!(zone.fault(&["explain", "notice/10"]).0, Some(21));
}

#[test]
fn the_quarantine_shows_files_with_their_reasons() {
    use ferry_core::ports::Quarantine as _;
    let mut zone = Zone::new();
    assert!(zone.people(&["quarantine", "list"], "C").contains("the quarantine is empty"));
    let made = zone.archive.confirm(None);
    let config = ferry::config::Config::load(&zone.path("zone/ferry.toml")).unwrap();
    let quarantine = ferry::files::QuarantineDirectories::open(&config).unwrap();
    let note = |code: &str, verified| QuarantineNote {
        code: code.to_owned(),
        story: format!("told of {code}"),
        verified,
        at_ms: 1_700_000_000_000,
    };
    quarantine.put(&made.name(1), &made.sealed.bytes, &note("wrong-previous", true)).unwrap();
    quarantine.put("f1-forged.dat", b"noise", &note("unknown-magic", false)).unwrap();

    let document = zone.json(&["quarantine", "list"]);
    let codes: Vec<_> = document["files"].as_array().unwrap().iter().map(|file| file["code"].clone()).collect();
    assert_eq!(codes.len(), 2);
    assert!(codes.contains(&"wrong-previous".into()) && codes.contains(&"unknown-magic".into()));
    let shown = zone.json(&["quarantine", "show", &made.name(1)]);
    assert_eq!((&shown["signed"], &shown["claims"]["seq"]), (&true.into(), &1.into()));
    assert!(shown["next"].as_str().unwrap().contains("ferry verify"));
    let name = Path::new(shown["path"].as_str().unwrap()).file_name().unwrap().to_str().unwrap().to_owned();
    assert!(zone.people(&["quarantine", "show", &name], "zh_CN").contains("文件头所声称的内容"));
    assert_eq!(zone.json(&["quarantine", "show", "f1-forged.dat"])["claims"], Value::Null);
    assert_eq!(zone.fault(&["quarantine", "show", "nothing"]), (Some(21), "no-such-file".to_owned()));
}
