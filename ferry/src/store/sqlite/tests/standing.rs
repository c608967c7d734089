//! Triggers that do not stand as they were installed are noticed, and put back.

use std::collections::BTreeSet;

use ferry_core::ports::Store as _;

use super::{Zone, epochs, registration, sale};
use crate::store::{StoreError, TableFlaw};

impl Zone {
    fn watch(&self) -> Result<(), StoreError> {
        self.store.watch_capture(&registration(&self.name, &self.contract, &epochs()))
    }

    fn flaws(&self) -> Vec<String> {
        let state = self.store.capture_state(&registration(&self.name, &self.contract, &epochs())).unwrap();
        state.faults().iter().map(ToString::to_string).collect()
    }

    fn install_unchanged(&self, tables: &[&str]) -> Result<(), StoreError> {
        let tables: BTreeSet<String> = tables.iter().map(|table| (*table).to_owned()).collect();
        self.store.install_capture(&registration(&self.name, &self.contract, &epochs()), &tables).map(|_| ())
    }

    /// What the next observation says about the capture of the sale stream.
    fn observed(&self) -> Option<String> {
        let streams = self.store.observe().unwrap().streams;
        streams.into_iter().find(|one| one.stream == sale()).unwrap().capture
    }
}

fn missing(table: &str, name: &str) -> String {
    TableFlaw::TriggerMissing { trigger: format!("ferry:shop:{table}:{name}") }.of(table).to_string()
}

#[test]
fn whatever_happens_to_the_triggers_the_next_observation_tells() {
    let ways = [
        ("DROP TRIGGER \"ferry:shop:line:capture_delete\"", "trigger ferry:shop:line:capture_delete is missing"),
        ("DROP TABLE line", "line: there is no such table"),
        ("ALTER TABLE remark RENAME TO note", "remark: there is no such table"),
        ("ALTER TABLE item RENAME COLUMN code TO label", "item: has no column code that can be written"),
        ("CREATE UNIQUE INDEX new ON remark (item)", "trigger ferry:shop:remark:unique_insert_0 is missing"),
        ("CREATE UNIQUE INDEX new ON remark (item) WHERE stars = 1", "unique index new covers an expression"),
        ("CREATE TRIGGER t AFTER INSERT ON item BEGIN DELETE FROM item; END", "trigger t runs after a change"),
        ("CREATE TRIGGER t BEFORE DELETE ON ferry_outbox_shop_sale BEGIN SELECT 1; END", "trigger t stands on a table"),
        (
            "DROP TRIGGER \"ferry:shop:line:capture_delete\"; CREATE TRIGGER \"ferry:shop:line:capture_delete\"
             AFTER DELETE ON line BEGIN SELECT 1; END",
            "trigger ferry:shop:line:capture_delete is not what it should be",
        ),
        (
            "CREATE TRIGGER \"ferry:shop:other\" BEFORE INSERT ON line BEGIN SELECT 1; END",
            "trigger ferry:shop:other has no place there",
        ),
    ];
    for (change, told) in ways {
        let zone = Zone::new("outer");
        zone.watch().unwrap();
        assert_eq!(zone.observed(), None);
        zone.run(change).unwrap();
        let observed = zone.observed().unwrap_or_else(|| panic!("{change} was not noticed"));
        assert!(observed.contains(told), "{change}: {observed}");
        match zone.watch() {
            Err(StoreError::Capture(faults)) => assert!(faults.iter().any(|fault| fault.to_string().contains(told))),
            other => panic!("{change}: {other:?}"),
        }
    }
}

#[test]
fn a_table_that_was_made_anew_under_its_name_is_not_taken_for_the_old_one() {
    let zone = Zone::new("outer");
    zone.watch().unwrap();
    zone.run(
        "ALTER TABLE remark RENAME TO old; CREATE TABLE remark (no INTEGER PRIMARY KEY, item TEXT REFERENCES item (id),
         stars INTEGER NOT NULL) STRICT",
    )
    .unwrap();
    assert!(zone.observed().is_some());
    assert_eq!(zone.flaws().len(), 4, "{:?}", zone.flaws());
}

#[test]
fn what_crosses_and_what_does_not_concern_ferry_is_no_change() {
    let zone = Zone::new("outer");
    zone.watch().unwrap();
    zone.run(
        "ALTER TABLE item ADD COLUMN note TEXT; CREATE INDEX more ON item (note); CREATE TABLE mine (a TEXT) STRICT;
         CREATE TRIGGER t AFTER INSERT ON mine BEGIN UPDATE item SET note = NEW.a; END; VACUUM",
    )
    .unwrap();
    assert_eq!(zone.observed(), None);
}

#[test]
fn triggers_that_were_gone_come_back_only_where_no_row_can_be_missing() {
    let zone = Zone::new("outer");
    zone.watch().unwrap();
    zone.run("INSERT INTO item VALUES ('a', NULL, 1, 0, NULL, NULL); DROP TRIGGER \"ferry:shop:item:capture_update\"")
        .unwrap();
    zone.run("UPDATE item SET fen = 2; DROP TRIGGER \"ferry:shop:line:capture_update\"").unwrap();
    assert_eq!(zone.flaws(), [missing("item", "capture_update"), missing("line", "capture_update")]);
    match zone.install() {
        Err(StoreError::NeedsLoad(tables)) => assert_eq!(tables, ["item"], "line has no rows"),
        other => panic!("{other:?}"),
    }
    assert!(zone.observed().is_some(), "nothing was installed");
    match zone.install_unchanged(&["unit"]) {
        Err(StoreError::NotOwned { table }) => assert_eq!(table, "unit"),
        other => panic!("{other:?}"),
    }
    zone.install_unchanged(&["item"]).unwrap();
    assert_eq!((zone.observed(), zone.flaws().len()), (None, 0));
    zone.run("UPDATE item SET fen = 3").unwrap();
    assert_eq!(zone.captured().last().unwrap(), r#"["item","u","a",null,3,0,null,null]"#);
}

#[test]
fn a_changed_trigger_counts_as_gone() {
    let zone = Zone::new("outer");
    zone.run("INSERT INTO remark VALUES (1, NULL, 3)").unwrap();
    zone.run(
        "DROP TRIGGER \"ferry:shop:remark:capture_update\"; CREATE TRIGGER \"ferry:shop:remark:capture_update\"
         AFTER UPDATE ON remark WHEN NEW.stars = 5 BEGIN SELECT 1; END",
    )
    .unwrap();
    match zone.install() {
        Err(StoreError::NeedsLoad(tables)) => assert_eq!(tables, ["remark"]),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_numbering_that_a_program_resets_loses_nothing() {
    let zone = Zone::new("outer");
    zone.run("INSERT INTO remark VALUES (1, NULL, 3), (2, NULL, 3)").unwrap();
    zone.send();
    assert!(zone.captured().is_empty());
    zone.run("DELETE FROM sqlite_sequence").unwrap();
    assert_eq!(zone.store.observe().unwrap().streams[0].last_id, 2);
    zone.run("INSERT INTO remark VALUES (3, NULL, 3)").unwrap();
    assert_eq!(zone.captured(), [r#"["remark","i",3,null,3]"#]);
}
