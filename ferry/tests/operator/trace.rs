//! The life of one row, with the real program on a zone that the real program made.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

use crate::archive::{Made, assert_documented, put};
use crate::books::Zone;
use ferry::config::Config;
use ferry::keyring::load_trace_key;
use ferry::store::SqliteStore;
use ferry_core::ports::{OutgoingBatch, Settled, Store as _};
use ferry_format::Mark;
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection as _, SqliteConnection};

/// Runs statements as a program of the zone.
pub fn sql(zone: &Zone, statements: &str) {
    let path = zone.path("zone/outer.db");
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let mut program = SqliteConnection::connect(path.to_str().unwrap()).await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(statements.to_owned())).execute(&mut program).await.unwrap();
        program.close().await.unwrap();
    });
}

/// The zone's store as the daemon has it.
fn store(zone: &Zone) -> SqliteStore {
    let config = Config::load(&zone.path("zone/ferry.toml")).unwrap();
    zone.store().indexed(load_trace_key(&config).unwrap()).unwrap()
}

/// Records the outbox up to a row as the next batch.
fn record(zone: &Zone, made: &Made, rows: u64, through_id: u64) {
    let (store, statement) = (store(zone), &made.statement);
    let last = store.recover().unwrap().outgoing.remove(0).last;
    let batch = OutgoingBatch {
        stream: statement.stream.clone(),
        epoch: 1,
        seq: statement.seq,
        digest: made.sealed.digest,
        previous: last.digest,
        group: statement.group,
        rows,
        file_bytes: 9,
        through_id,
        cut_at_ms: 2_500_000_000_000,
        tables: Vec::new(),
    };
    store.record(&[batch]).unwrap();
}

/// The answer to a question that finds nothing.
fn unknown(zone: &Zone, arguments: &[&str]) -> Value {
    let output = zone.run(&[arguments, &["--json"]].concat(), "C");
    assert_eq!(output.status.code(), Some(21), "{}", String::from_utf8_lossy(&output.stderr));
    let document = serde_json::from_slice(&output.stdout).unwrap();
    assert_documented("trace", &document);
    document
}

#[test]
fn what_is_no_table_or_no_key_of_it_is_a_mistake_of_the_command_line() {
    let zone = Zone::new();
    let cases: [(&[&str], &str); 4] = [
        (&["trace", "t_nothing", "1"], "no-such-table"),
        (&["trace", "t_payment", "x1"], "bad-key"),
        (&["trace", "t_payment", "1", "2"], "bad-key"),
        (&["trace", "t_payment", "99999999999999999999"], "bad-key"),
    ];
    for (arguments, code) in cases {
        assert_eq!(zone.fault(arguments), (Some(2), code.to_owned()), "{arguments:?}");
    }
    assert_eq!(zone.run(&["trace", "t_payment"], "C").status.code(), Some(2));
    let said = String::from_utf8(zone.run(&["trace", "t_nothing", "1"], "C").stderr).unwrap();
    assert!(said.contains("name one of these: t_payment, t_notice"), "{said}");
    let said = String::from_utf8(zone.run(&["trace", "t_payment", "x1"], "zh_CN").stderr).unwrap();
    assert!(said.contains("主键列 id：应为整数") && !said.contains("x1"), "{said}");
}

#[test]
fn a_row_of_which_nothing_is_known_has_an_exit_code_of_its_own() {
    let zone = Zone::new();
    for table in ["t_payment", "t_notice"] {
        let document = unknown(&zone, &["trace", table, "-7"]);
        assert_eq!((&document["present"], &document["unsearched"]), (&false.into(), &Value::Array(Vec::new())));
    }
    let said = String::from_utf8(zone.run(&["trace", "t_payment", "7"], "C").stdout).unwrap();
    assert_eq!(
        said,
        "table t_payment, stream confirm, out; the row is not in the table here\nnothing is known of it\n"
    );
    let said = String::from_utf8(zone.run(&["trace", "t_payment", "7"], "zh_CN").stdout).unwrap();
    assert_eq!(said, "表 t_payment，流 confirm，发出；该行现不在本区表中\n没有关于该行的任何记录\n");
}

#[test]
fn a_change_is_followed_from_the_outbox_to_the_peer() {
    let zone = Zone::new();
    let made = crate::archive::Archive::new().confirm(None);
    sql(&zone, "INSERT INTO t_payment VALUES (-5, 100), (8, 200); UPDATE t_payment SET amt = 300 WHERE id = 8");
    let document = zone.json(&["trace", "t_payment", "8"]);
    let waiting = document["waiting"].as_array().unwrap();
    assert_eq!((waiting.len(), &waiting[0]["op"], &waiting[1]["op"]), (2, &"insert".into(), &"update".into()));
    assert!(waiting[0]["captured_at_ms"].as_u64().unwrap() > 0 && document["present"] == true, "{document}");
    let said = zone.people(&["trace", "t_payment", "8"], "C");
    for part in ["insert in the outbox, row 2\n", "  captured\n", "  now: it is captured and in no batch yet\n"] {
        assert!(said.contains(part), "{part} in:\n{said}");
    }

    record(&zone, &made, 2, 2);
    let document = zone.json(&["trace", "t_payment", "8"]);
    let change = &document["changes"][0];
    assert_eq!((&change["row"], &change["batch"]["seq"], &change["state"]), (&1.into(), &1.into(), &"recorded".into()));
    assert_eq!(
        (&change["captured_at_ms"], document["waiting"].as_array().unwrap().len()),
        (&waiting[0]["captured_at_ms"], 1)
    );
    assert_eq!(zone.json(&["trace", "t_payment", "-5"])["changes"][0]["row"], 0);

    let mark = Mark { stream: made.statement.stream.clone(), epoch: 1, seq: 1, digest: made.sealed.digest };
    store(&zone).settle(&Settled { mark, at_ms: 2_500_000_005_000 }).unwrap();
    sql(&zone, "DELETE FROM t_payment WHERE id = -5");
    let document = zone.json(&["trace", "t_payment", "-5"]);
    assert_eq!((&document["changes"][0]["state"], &document["present"]), (&"settled".into(), &false.into()));
    let said = zone.people(&["trace", "t_payment", "-5"], "C");
    for part in [
        "insert in batch confirm/1, row 0, epoch 1\n",
        "  2049-03-22 04:26:45 +00:00  applied by the peer\n",
        "  now: the peer has applied it; nothing waits\n",
        "delete in the outbox, row 4\n",
    ] {
        assert!(said.contains(part), "{part} in:\n{said}");
    }
    let said = zone.people(&["trace", "t_payment", "-5"], "zh_CN");
    assert!(said.contains("新增，批次 confirm/1，第 0 行，纪元 1") && said.contains("对端已应用"), "{said}");
}

#[test]
fn without_its_secret_a_zone_says_so_instead_of_finding_nothing() {
    let zone = Zone::new();
    let made = crate::archive::Archive::new().confirm(None);
    sql(&zone, "INSERT INTO t_payment VALUES (1, 100)");
    record(&zone, &made, 1, 1);
    let (path, ask) = (zone.path("zone/keys/trace.key"), ["trace", "t_payment", "1"]);
    let secret = fs::read(&path).unwrap();
    assert_eq!((secret.len(), path.metadata().unwrap().permissions().mode() & 0o7777), (65, 0o600));
    assert_eq!(zone.json(&ask)["changes"].as_array().unwrap().len(), 1);
    assert_eq!(zone.fault(&["keys", "trace"]), (Some(25), "keys-exist".to_owned()));

    fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
    assert_eq!(zone.fault(&ask), (Some(14), "key-mode".to_owned()));
    fs::remove_file(&path).unwrap();
    assert_eq!(zone.fault(&ask), (Some(12), "trace-key-missing".to_owned()));
    assert!(!path.exists(), "a reader makes no secret");
    put(&path, b"not hex\n");
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    assert_eq!(zone.fault(&ask), (Some(12), "trace-key-unusable".to_owned()));
    fs::remove_file(&path).unwrap();
    assert_eq!(zone.json(&["keys", "trace"])["secret"], path.to_str().unwrap());
    assert_eq!(zone.fault(&ask), (Some(12), "trace-key-unknown".to_owned()));

    // The daemon takes up the new secret: what came before is told as not searched.
    drop(store(&zone));
    let document = zone.json(&ask);
    let hole = &document["unsearched"][0];
    assert_eq!((&hole["first"], &hole["last"], &hole["why"]), (&1.into(), &1.into(), &"other-secret".into()));
    let said = zone.people(&ask, "C");
    assert!(said.contains("batches confirm/1 to 1 were not searched"), "{said}");
    put(&path, &secret);
    assert_eq!(zone.json(&ask)["changes"].as_array().unwrap().len(), 1);
}

#[test]
fn a_database_of_an_older_program_names_what_it_needs() {
    let zone = Zone::new();
    sql(&zone, "UPDATE ferry_meta SET value = '3' WHERE key = 'schema_version'");
    assert_eq!(zone.fault(&["trace", "t_payment", "1"]), (Some(18), "database-older".to_owned()));
}
