//! A database that is lost without a backup is made anew, with the real program, and nothing else is touched.

use std::fs;
use std::path::{Path, PathBuf};

use crate::archive::{assert_documented, put};
use crate::books::Zone;
use ferry::config::{Config, ZoneLock};
use ferry_core::ports::{Recovered, Store as _};
use serde_json::Value;

const AGAIN: [&str; 2] = ["init", "--database-only"];

/// Loses the zone's database, with what lies beside it.
fn lose(zone: &Zone) {
    for name in ["outer.db", "outer.db-wal", "outer.db-shm"] {
        let path = zone.path("zone").join(name);
        if path.exists() {
            fs::remove_file(path).unwrap();
        }
    }
}

/// What the database remembers. It is closed before it is lost.
fn recovered(zone: &Zone) -> Recovered {
    let store = zone.store();
    let recovered = store.recover().unwrap();
    store.close().unwrap();
    recovered
}

fn made(zone: &Zone) -> Value {
    let output = zone.run(&["init", "--database-only", "--json"], "C");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let document = serde_json::from_slice(&output.stdout).unwrap();
    assert_documented("init --database-only", &document);
    document
}

/// What must stay as it is: file by file.
fn kept(zone: &Zone) -> Vec<(PathBuf, Vec<u8>)> {
    let mut paths = ["ferry.toml", "trust", "outer.card"].map(|name| zone.path("zone").join(name)).to_vec();
    paths.extend(fs::read_dir(zone.path("zone/keys")).unwrap().map(|entry| entry.unwrap().path()));
    paths.push(zone.path("small.toml"));
    paths.sort();
    paths.into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

#[test]
fn a_new_database_leaves_everything_else_as_it_is_and_writes_no_anchor() {
    let zone = Zone::new();
    let (before, anchor) = (kept(&zone), fs::read(zone.path("zone/anchor")).unwrap());
    let lost = recovered(&zone).instance;
    lose(&zone);
    for name in ["spool", "archive", "to-gate"] {
        fs::remove_dir_all(zone.path("zone").join(name)).unwrap();
    }
    let document = made(&zone);
    assert_eq!((&document["anchor"], &document["streams"][0]), (&"foreign".into(), &"confirm".into()));
    assert_eq!(document["made"].as_array().unwrap().len(), 4, "{document}");
    assert_eq!(kept(&zone), before);
    assert_eq!(fs::read(zone.path("zone/anchor")).unwrap(), anchor, "the anchor of the lost database stays");
    let recovered = recovered(&zone);
    assert_ne!(recovered.instance, lost);
    assert_eq!((recovered.outgoing[0].last.epoch, recovered.outgoing[0].last.seq), (1, 0));
    assert_eq!(document["instance"], recovered.instance.to_string());
    let shown = zone.json(&["capture", "show"]);
    assert!(shown["tables"].as_array().unwrap().iter().all(|table| table["flaws"] == Value::Array(Vec::new())));

    lose(&zone);
    fs::remove_file(zone.path("zone/anchor")).unwrap();
    assert_eq!(made(&zone)["anchor"], "missing");
    assert!(!zone.path("zone/anchor").exists(), "an anchor would let the zone send before it has heard its peer");
    lose(&zone);
    let said = zone.people(&AGAIN, "C");
    for part in ["anchor-missing", "sends nothing before it has heard its peer", "ferry new-epoch STREAM"] {
        assert!(said.contains(part), "{part} in:\n{said}");
    }
    lose(&zone);
    let said = zone.people(&AGAIN, "zh_CN");
    assert!(said.contains("在收到对端消息之前不会发送"), "{said}");
}

#[test]
fn a_database_is_made_anew_only_where_there_is_none_and_all_else_is_there() {
    let zone = Zone::new();
    let database = zone.path("zone/outer.db");
    let bytes = fs::read(&database).unwrap();
    assert_eq!(zone.fault(&AGAIN), (Some(25), "database-exists".to_owned()));
    assert_eq!(fs::read(&database).unwrap(), bytes);
    lose(&zone);
    // What a lost database leaves beside it may be all that is left of it.
    let beside = zone.path("zone/outer.db-wal");
    put(&beside, b"rows");
    assert_eq!(zone.fault(&AGAIN), (Some(25), "database-exists".to_owned()));
    assert_eq!(fs::read(&beside).unwrap(), b"rows");
    fs::remove_file(&beside).unwrap();

    let cases = [
        ("small.toml", 11, "contract-unreadable"),
        ("small.sql", 11, "contract-unreadable"),
        ("zone/keys", 12, "keys-missing"),
        ("zone/trust", 13, "trust-unreadable"),
        ("zone/ferry.toml", 10, "config-unreadable"),
    ];
    for (name, exit, code) in cases {
        let (path, aside) = (zone.path(name), zone.path("aside"));
        rename(&path, &aside);
        assert_eq!(zone.fault(&AGAIN), (Some(exit), code.to_owned()), "{name}");
        rename(&aside, &path);
    }
    let lock = ZoneLock::take(&Config::load(&zone.path("zone/ferry.toml")).unwrap()).unwrap();
    assert_eq!(zone.fault(&AGAIN), (Some(19), "zone-in-use".to_owned()));
    drop(lock);
    assert!(!database.exists());
    made(&zone);
}

#[expect(clippy::disallowed_methods, reason = "a test's file need not survive a power cut")]
pub fn rename(from: &Path, to: &Path) {
    fs::rename(from, to).unwrap();
}
