use ferry_core::ports::Store as _;

use super::{SCHEMA, Zone, code};
use crate::store::{StoreError, TableFlaw};

#[test]
fn every_kind_of_change_is_captured_as_a_canonical_record() {
    let zone = Zone::new("outer");
    zone.run(
        r#"INSERT INTO item VALUES ('a', 'x"y\z' || char(10, 1, 127), 5, 1, x'00ff', '{"k":1}'), ('b', NULL, -0, 0, NULL, NULL);
           UPDATE item SET fen = 6 WHERE id = 'a';
           UPDATE item SET id = 'c' WHERE id = 'b';
           INSERT INTO remark VALUES (-9223372036854775808, NULL, 3), (9223372036854775807, NULL, 3);
           DELETE FROM remark;
           UPDATE item SET code = '缴款' WHERE id = 'c';
           DELETE FROM item WHERE id = 'a';"#,
    )
    .unwrap();
    let image = |op: &str, fen: &str| {
        format!(r#"["item","{op}","a","x\"y\\z\n\u0001{}",{fen},1,"00ff","{{\"k\":1}}"]"#, '\u{7f}')
    };
    let (first, second) = (image("i", "5"), image("u", "6"));
    let expected = [
        first.as_str(),
        r#"["item","i","b",null,0,0,null,null]"#,
        second.as_str(),
        r#"["item","d","b"]"#,
        r#"["item","i","c",null,0,0,null,null]"#,
        r#"["remark","i",-9223372036854775808,null,3]"#,
        r#"["remark","i",9223372036854775807,null,3]"#,
        r#"["remark","d",-9223372036854775808]"#,
        r#"["remark","d",9223372036854775807]"#,
        r#"["item","u","c","缴款",0,0,null,null]"#,
        r#"["item","d","a"]"#,
    ];
    assert_eq!(zone.captured(), expected);
    zone.checked(&zone.cut().lines, 1, ferry_format::Digest([0; 32]));
}

#[test]
fn what_is_rolled_back_was_never_captured() {
    let zone = Zone::new("outer");
    zone.run("BEGIN; INSERT INTO item VALUES ('a', NULL, 1, 0, NULL, NULL); ROLLBACK").unwrap();
    assert_eq!(code(zone.run("INSERT INTO remark VALUES (1, NULL, 9)")), "constraint-check");
    assert!(zone.captured().is_empty());
    assert_eq!(zone.store.observe().unwrap().streams[0].last_id, 0);
}

#[test]
fn replace_over_the_primary_key_is_captured_and_over_another_key_refused() {
    let zone = Zone::new("outer");
    zone.run("INSERT INTO item VALUES ('a', 'x', 1, 0, NULL, NULL), ('b', 'y', 1, 0, NULL, NULL)").unwrap();
    zone.run("INSERT OR REPLACE INTO item VALUES ('a', 'x', 2, 0, NULL, NULL)").unwrap();
    assert_eq!(zone.captured().last().unwrap(), r#"["item","i","a","x",2,0,null,null]"#);
    for escape in [
        "INSERT OR REPLACE INTO item VALUES ('c', 'x', 2, 0, NULL, NULL)",
        "UPDATE OR REPLACE item SET code = 'x' WHERE id = 'b'",
        "INSERT OR IGNORE INTO item VALUES ('c', 'x', 2, 0, NULL, NULL)",
        "INSERT INTO item VALUES ('c', 'x', 2, 0, NULL, NULL) ON CONFLICT (code) DO UPDATE SET fen = 3",
        "INSERT OR REPLACE INTO item (rowid, id, code, fen, paid) VALUES (2, 'c', 'z', 2, 0)",
        "UPDATE OR REPLACE item SET rowid = 2 WHERE id = 'a'",
    ] {
        assert_eq!(code(zone.run(escape)), "constraint-trigger", "{escape}");
    }
    assert_eq!(zone.captured().len(), 3);
    zone.run("INSERT INTO item (rowid, id, fen, paid) VALUES (77, 'd', 2, 0)").unwrap();
    zone.run("UPDATE item SET code = NULL; UPDATE OR REPLACE item SET id = 'd' WHERE id = 'a'").unwrap();
    let captured = zone.captured();
    assert_eq!(captured[7..], [r#"["item","d","a"]"#, r#"["item","i","d",null,2,0,null,null]"#]);
}

#[test]
fn what_foreign_keys_do_is_captured() {
    let zone = Zone::new("outer");
    zone.run("INSERT INTO item VALUES ('a', NULL, 1, 0, NULL, NULL), ('b', NULL, 1, 0, NULL, NULL)").unwrap();
    zone.run("INSERT INTO line VALUES ('a', 1, 'one'), ('b', 1, 'two'), ('b', 2, 'three')").unwrap();
    let before = zone.captured().len();
    zone.run("UPDATE item SET id = 'c' WHERE id = 'a'; DELETE FROM item WHERE id = 'b'").unwrap();
    let mut after = zone.captured()[before..].to_vec();
    after.sort();
    let expected = [
        r#"["item","d","a"]"#,
        r#"["item","d","b"]"#,
        r#"["item","i","c",null,1,0,null,null]"#,
        r#"["line","d","a",1]"#,
        r#"["line","d","b",1]"#,
        r#"["line","d","b",2]"#,
        r#"["line","i","c",1,"one"]"#,
    ];
    assert_eq!(after, expected);
}

#[test]
fn replace_of_a_parent_captures_what_becomes_of_its_children() {
    let zone = Zone::new("outer");
    zone.run("INSERT INTO item VALUES ('a', NULL, 1, 0, NULL, NULL); INSERT INTO line VALUES ('a', 1, 'one')").unwrap();
    let before = zone.captured().len();
    zone.run("INSERT OR REPLACE INTO item VALUES ('a', NULL, 2, 0, NULL, NULL)").unwrap();
    assert_eq!(zone.number("SELECT count(*) FROM line"), 0);
    assert!(zone.captured()[before..].contains(&r#"["line","d","a",1]"#.to_owned()));
}

#[test]
fn a_replica_refuses_writes_that_are_not_the_appliers() {
    let zone = Zone::new("inner");
    assert_eq!(code(zone.run("INSERT INTO item VALUES ('a', NULL, 1, 0, NULL, NULL)")), "constraint-trigger");
    let sender = Zone::new("outer");
    sender.run("INSERT INTO item VALUES ('a', NULL, 1, 0, NULL, NULL)").unwrap();
    zone.apply(vec![sender.send()]).unwrap();
    assert_eq!(code(zone.run("UPDATE item SET fen = 2")), "constraint-trigger");
    assert_eq!(code(zone.run("DELETE FROM item")), "constraint-trigger");
    assert_eq!(zone.dump(), sender.dump());
    zone.run("INSERT INTO unit VALUES (1, 'own')").unwrap();
}

#[test]
fn installing_twice_is_no_error_and_captures_once() {
    let zone = Zone::new("outer");
    zone.run("INSERT INTO item VALUES ('a', NULL, 1, 0, NULL, NULL)").unwrap();
    let report = zone.install().unwrap();
    assert_eq!(report.captured, ["item", "line", "remark"]);
    assert_eq!(report.guarded, ["unit"]);
    zone.run("INSERT INTO item VALUES ('b', NULL, 1, 0, NULL, NULL)").unwrap();
    assert_eq!(zone.captured().len(), 2);
}

#[test]
fn rows_from_before_the_capture_need_a_load() {
    let zone = Zone::bare("outer", SCHEMA);
    zone.run("INSERT INTO remark VALUES (1, NULL, 3)").unwrap();
    match zone.install() {
        Err(StoreError::NeedsLoad(tables)) => assert_eq!(tables, ["remark"]),
        other => panic!("{other:?}"),
    }
    zone.run("INSERT INTO remark VALUES (2, NULL, 3)").unwrap();
    assert!(zone.captured().is_empty());
}

#[test]
fn tables_in_which_a_change_could_escape_are_all_named() {
    let schema = "
        CREATE TABLE item (id TEXT PRIMARY KEY COLLATE NOCASE, code TEXT, fen INTEGER NOT NULL, paid TEXT NOT NULL,
          seal BLOB, extra TEXT) STRICT;
        CREATE UNIQUE INDEX item_code ON item (code) WHERE paid = 1;
        CREATE TABLE line (item TEXT, no INTEGER, text TEXT, PRIMARY KEY (no, item));
        CREATE TRIGGER line_after AFTER INSERT ON line BEGIN DELETE FROM line WHERE no < 0; END;
        CREATE TRIGGER line_before BEFORE INSERT ON line BEGIN SELECT RAISE(ABORT, 'no') WHERE NEW.no < 0; END;
        CREATE TABLE unit (id INTEGER PRIMARY KEY, name TEXT NOT NULL, other TEXT NOT NULL) STRICT;";
    let zone = Zone::bare("outer", schema);
    let Err(StoreError::Tables(faults)) = zone.install() else { panic!("installed") };
    let flaws: Vec<(&str, TableFlaw)> = faults.iter().map(|fault| (fault.table.as_str(), fault.flaw.clone())).collect();
    let expected = [
        ("item", TableFlaw::ColumnType { column: "paid".into(), expected: "INTEGER", found: "TEXT".into() }),
        ("item", TableFlaw::PartialIndex { index: "item_code".into() }),
        ("item", TableFlaw::KeyCollation { collation: "NOCASE".into() }),
        ("line", TableFlaw::NotStrict),
        ("line", TableFlaw::MayBeNull { column: "text".into() }),
        ("line", TableFlaw::Key { expected: "item, no".into() }),
        ("line", TableFlaw::Trigger { trigger: "line_after".into() }),
        ("remark", TableFlaw::Missing),
        ("unit", TableFlaw::Unfilled { column: "other".into() }),
    ];
    assert_eq!(flaws, expected);
    assert_eq!(zone.number("SELECT count(*) FROM sqlite_schema WHERE name LIKE 'ferry:%'"), 0);
}

#[test]
fn a_program_with_recursive_triggers_is_captured_the_same() {
    let zone = Zone::new("outer");
    zone.run("PRAGMA recursive_triggers = ON; INSERT INTO item VALUES ('a', NULL, 1, 0, NULL, NULL)").unwrap();
    zone.run("INSERT OR REPLACE INTO item VALUES ('a', NULL, 2, 0, NULL, NULL)").unwrap();
    assert_eq!(zone.captured()[1..], [r#"["item","d","a"]"#, r#"["item","i","a",null,2,0,null,null]"#]);
}

#[test]
fn a_row_that_a_foreign_key_changes_twice_is_captured_as_it_ends() {
    let own = "code TEXT REFERENCES item (id) ON DELETE CASCADE ON UPDATE CASCADE";
    let zone = Zone::bare("outer", &SCHEMA.replacen("code TEXT UNIQUE", own, 1));
    zone.install().unwrap();
    zone.run("INSERT INTO item VALUES ('a', 'a', 1, 0, NULL, NULL), ('b', 'a', 1, 0, NULL, NULL)").unwrap();
    zone.run("UPDATE item SET id = 'z' WHERE id = 'a'").unwrap();
    let expected = [
        r#"["item","u","z","z",1,0,null,null]"#,
        r#"["item","u","b","z",1,0,null,null]"#,
        r#"["item","d","a"]"#,
        r#"["item","i","z","z",1,0,null,null]"#,
    ];
    assert_eq!(zone.captured()[2..], expected);
    // The row in the way would be removed, and with it the one that was to take its place.
    assert_eq!(code(zone.run("UPDATE OR REPLACE item SET id = 'z' WHERE id = 'b'")), "constraint-trigger");
    zone.run("DELETE FROM item WHERE id = 'z'").unwrap();
    assert_eq!(zone.captured()[6..], [r#"["item","d","b"]"#, r#"["item","d","z"]"#]);
}
