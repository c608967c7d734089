//! What cannot be captured or applied is refused at the installation, with its reason.

use super::{SCHEMA, Zone, code};
use crate::store::{StoreError, TableFlaw};

/// The flaws of a schema in one zone, each as its table and its sentence.
fn flaws(zone: &str, schema: &str) -> Vec<String> {
    match Zone::bare(zone, schema).install() {
        Err(StoreError::Tables(faults)) => faults.iter().map(ToString::to_string).collect(),
        other => panic!("{other:?}"),
    }
}

/// The flaws of the usual schema with more in it.
fn with(zone: &str, more: &str) -> Vec<String> {
    flaws(zone, &format!("{SCHEMA}{more}"))
}

/// The usual schema with one of its texts replaced.
fn replaced(from: &str, to: &str) -> String {
    assert!(SCHEMA.contains(from), "{from}");
    SCHEMA.replacen(from, to, 1)
}

#[test]
fn whatever_is_no_table_is_named_as_what_it_is() {
    let view = format!("{}CREATE VIEW unit AS SELECT 1 AS id, '' AS name;", replaced("TABLE unit", "TABLE other"));
    assert_eq!(
        flaws("outer", &view),
        ["unit: is a view, where a table must be: no trigger sees what becomes of its rows"]
    );
}

#[test]
fn a_trigger_is_judged_by_when_it_runs_and_not_by_how_it_is_written() {
    let after = |name: &str| TableFlaw::Trigger { trigger: name.to_owned() }.of("remark").to_string();
    let body = "BEGIN UPDATE remark SET stars = 1 WHERE no = NEW.no; END;";
    assert_eq!(with("outer", &format!("CREATE TRIGGER t /* BEFORE */ AFTER INSERT ON remark {body}")), [after("t")]);
    assert_eq!(with("outer", &format!("CREATE TRIGGER BEFORE AFTER INSERT ON remark {body}")), [after("BEFORE")]);
    assert_eq!(with("outer", &format!("CREATE TRIGGER t AFTER INSERT ON \"REMARK\" {body}")), [after("t")]);
    let ends = "CREATE TRIGGER t AFTER INSERT ON remark WHEN NEW.stars = 2 BEGIN SELECT RAISE(IGNORE); END;";
    assert_eq!(with("outer", ends), [after("t")]);
    let elsewhere = "CREATE TABLE log (a TEXT) STRICT;
        CREATE TRIGGER t AFTER INSERT ON remark BEGIN INSERT INTO log VALUES (NEW.no); SELECT RAISE(ABORT, 'no') WHERE NEW.no = 0; END;";
    Zone::bare("outer", &format!("{SCHEMA}{elsewhere}")).install().unwrap();
}

#[test]
fn a_trigger_that_could_change_the_table_again_is_refused() {
    let returns =
        |name: &str, table: &str| TableFlaw::TriggerReturns { trigger: name.to_owned() }.of(table).to_string();
    let own = "CREATE TRIGGER t BEFORE DELETE ON remark BEGIN UPDATE OR IGNORE remark SET no = no + 1 WHERE no = OLD.no; END;";
    assert_eq!(with("outer", own), [returns("t", "remark")]);
    let around = "CREATE TABLE log (a) STRICT;".replace("(a)", "(a TEXT)")
        + "CREATE TRIGGER one BEFORE INSERT ON remark BEGIN INSERT INTO log VALUES (NEW.no); END;
           CREATE TRIGGER two AFTER INSERT ON log BEGIN DELETE FROM Remark WHERE no = 0; END;";
    assert_eq!(with("outer", &around), [returns("one", "remark")]);
    let cascade = "CREATE TABLE note (item TEXT REFERENCES item (id) ON DELETE CASCADE) STRICT;
        CREATE TRIGGER three BEFORE DELETE ON note BEGIN INSERT INTO item VALUES (OLD.item, NULL, 1, 0, NULL, NULL); END;";
    assert_eq!(with("outer", cascade), [returns("three", "item")]);
}

#[test]
fn a_trigger_that_could_end_a_statement_between_change_and_capture_is_refused() {
    let note = "CREATE TABLE note (item TEXT REFERENCES item (id) ON DELETE CASCADE) STRICT;";
    let trigger = "CREATE TRIGGER t AFTER DELETE ON note BEGIN SELECT RAISE(FAIL, 'no'); END;";
    let fails = TableFlaw::TriggerFails { trigger: "t".to_owned() }.of("item").to_string();
    assert_eq!(with("outer", &format!("{note}{trigger}")), [fails]);
    Zone::bare("outer", &format!("{SCHEMA}{note}{}", trigger.replace("FAIL", "ABORT"))).install().unwrap();
}

#[test]
fn nothing_may_stand_on_the_outbox() {
    let zone = Zone::bare("outer", SCHEMA);
    zone.run("CREATE TRIGGER t BEFORE INSERT ON ferry_outbox_shop_sale BEGIN SELECT RAISE(IGNORE); END").unwrap();
    let Err(StoreError::Tables(faults)) = zone.install() else { panic!("installed") };
    let flaw = TableFlaw::TriggerOnOurs { trigger: "t".to_owned() };
    assert_eq!(faults, ["item", "line", "remark"].map(|table| flaw.clone().of(table)));
}

#[test]
fn a_trigger_that_only_looks_or_writes_elsewhere_is_welcome() {
    let more = "CREATE TABLE log (no INTEGER) STRICT;
        CREATE TRIGGER one BEFORE UPDATE ON remark BEGIN INSERT INTO log VALUES (OLD.no); END;
        CREATE TRIGGER two BEFORE INSERT ON remark WHEN NEW.stars = 2 BEGIN SELECT RAISE(IGNORE); END;
        CREATE TRIGGER three AFTER INSERT ON log BEGIN INSERT OR REPLACE INTO item VALUES ('log', NULL, NEW.no, 0, NULL, NULL); END;";
    let zone = Zone::bare("outer", &format!("{SCHEMA}{more}"));
    zone.install().unwrap();
    zone.run("INSERT INTO remark VALUES (1, NULL, 1), (2, NULL, 2); UPDATE remark SET stars = 4").unwrap();
    let expected =
        [r#"["remark","i",1,null,1]"#, r#"["item","i","log",null,1,0,null,null]"#, r#"["remark","u",1,null,4]"#];
    assert_eq!(zone.captured(), expected);
}

#[test]
fn a_replica_that_could_differ_from_its_owner_is_refused() {
    let skips = TableFlaw::TriggerSkips { trigger: "t".to_owned() }.of("remark").to_string();
    for raise in ["RAISE(IGNORE)", "RAISE(FAIL, 'no')", "RAISE(ROLLBACK, 'no')"] {
        let trigger = format!("CREATE TRIGGER t BEFORE INSERT ON remark WHEN NEW.no = 0 BEGIN SELECT {raise}; END;");
        assert_eq!(with("inner", &trigger), std::slice::from_ref(&skips));
    }
    let writes =
        TableFlaw::TriggerWrites { trigger: "t".to_owned(), table: "item".to_owned() }.of("remark").to_string();
    let trigger = "CREATE TRIGGER t AFTER INSERT ON remark BEGIN UPDATE item SET fen = fen + 1; END;";
    assert_eq!(with("inner", trigger), [writes]);
    let clause = TableFlaw::ConflictClause { clause: "REPLACE".to_owned() }.of("item").to_string();
    assert_eq!(
        flaws("inner", &replaced("code TEXT UNIQUE", "code TEXT UNIQUE /* so */ on conflict replace")),
        [clause]
    );
    let action = TableFlaw::Action { parent: "item".to_owned() }.of("remark").to_string();
    let to_code = replaced("TEXT REFERENCES item (id)", "TEXT REFERENCES item (code) ON UPDATE CASCADE");
    assert_eq!(flaws("inner", &to_code), [action]);
    let circle = TableFlaw::Action { parent: "item".to_owned() }.of("item").to_string();
    let to_itself = replaced("code TEXT UNIQUE", "code TEXT REFERENCES item (id) ON DELETE CASCADE");
    assert_eq!(flaws("inner", &to_itself), [circle]);
    // What a trigger of the zone writes into its own tables crosses the other way.
    let own = "CREATE TRIGGER t AFTER INSERT ON remark BEGIN INSERT INTO unit VALUES (NEW.no, 'new'); END;";
    Zone::bare("inner", &format!("{SCHEMA}{own}")).install().unwrap();
}

#[test]
fn a_row_number_that_looks_unset_takes_no_row_away() {
    let zone = Zone::new("outer");
    let insert =
        |id: &str| zone.run(&format!("INSERT OR REPLACE INTO item (rowid, id, fen, paid) VALUES (-1, '{id}', 1, 0)"));
    assert_eq!(code(insert("a")), "constraint-trigger");
    zone.run("INSERT INTO item (id, fen, paid) VALUES ('b', 1, 0)").unwrap();
    assert_eq!(code(insert("c")), "constraint-trigger");
    assert_eq!(zone.number("SELECT count(*) FROM item"), 1);
}

#[test]
fn keys_are_never_null() {
    let zone = Zone::new("outer");
    for insert in ["INSERT INTO item VALUES (NULL, NULL, 1, 0, NULL, NULL)", "INSERT INTO line VALUES ('a', NULL, 'x')"]
    {
        assert_eq!(code(zone.run(insert)), "constraint-not-null");
    }
    // A strict table takes a key for NOT NULL also where it does not say so.
    let zone = Zone::bare("outer", &replaced("id TEXT NOT NULL PRIMARY KEY", "id TEXT PRIMARY KEY"));
    zone.install().unwrap();
    assert_eq!(code(zone.run("INSERT INTO item VALUES (NULL, NULL, 1, 0, NULL, NULL)")), "constraint-not-null");
}
