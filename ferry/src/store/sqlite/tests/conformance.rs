//! The store under the suites that every store passes.

use std::collections::BTreeSet;
use std::time::Duration;

use ferry_core::conformance::store::{
    BAD_WORD, CONSTRAINT, CONTRACT, Change, INSTANCE, StoreFixture, contract, epoch_id,
};
use ferry_core::conformance::{link, zone};
use ferry_core::contract::Contract;
use ferry_core::ports::Store;
use ferry_format::{Digest, Op, Payload, StreamName};
use tempfile::TempDir;

use super::super::lane::{Access, Columns as _, Lane, args};
use super::super::{Registration, SqliteStore, create};
use crate::store::{Books as _, SqliteBooks};

mod outgoing {
    use super::RealStore;
    ferry_core::store_outgoing_cases!(ferry_core::conformance_tests, store_outgoing, RealStore::new());
}

mod acting {
    use super::RealStore;
    ferry_core::store_acting_cases!(ferry_core::conformance_tests, store_acting, RealStore::new());
    ferry_core::store_superseding_cases!(ferry_core::conformance_tests, store_superseding, RealStore::new());
}

mod reopening {
    use super::RealStore;
    ferry_core::store_reopening_cases!(ferry_core::conformance_tests, store_reopening, RealStore::new());
}

mod beginning {
    use super::RealStore;
    ferry_core::store_beginning_cases!(ferry_core::conformance_tests, store_beginning, RealStore::new());
}

mod loading {
    use super::RealStore;
    ferry_core::store_loading_cases!(ferry_core::conformance_tests, store_loading, RealStore::new());
}

mod returning {
    use super::RealStore;
    ferry_core::store_returning_cases!(ferry_core::conformance_tests, store_returning, RealStore::new());

    #[test]
    fn a_row_that_the_table_does_not_take_stands_against_it() {
        let mut fixture = RealStore::new();
        ferry_core::conformance::store_returning::a_row_that_the_table_does_not_take_stands_against_it(&mut fixture);
    }
}

mod applying {
    use super::RealStore;
    ferry_core::store_applying_cases!(ferry_core::conformance_tests, store_applying, RealStore::new());
}

mod refusing {
    use super::RealStore;
    ferry_core::store_refusing_cases!(ferry_core::conformance_tests, store_refusing, RealStore::new());
}

const TABLES: [&str; 5] = ["bill", "notice", "payment", "remark", "request"];

/// A database in a temporary directory, with its triggers, and a connection as a program of the zone has it.
struct RealStore {
    dir: TempDir,
    store: SqliteStore,
    program: Lane,
}

impl RealStore {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("zone.db");
        let table =
            |table| format!("CREATE TABLE {table} (no INTEGER PRIMARY KEY, word TEXT NOT NULL {}) STRICT;", rule());
        let schema: String = TABLES.map(table).concat();
        registered(&contract(), |registration| create(&path, &link(), INSTANCE, &schema, registration)).unwrap();
        let store = SqliteStore::open(&path, &link()).unwrap().indexed(super::secret(1)).unwrap();
        let program = Lane::new(&path, Access::Write).unwrap();
        let mut made = Self { dir, store, program };
        made.adopt(&contract());
        made
    }
}

/// The rule that no table takes the bad word.
fn rule() -> String {
    format!("CONSTRAINT {CONSTRAINT} CHECK (instr(word, '{BAD_WORD}') = 0)")
}

/// Does something with a contract as the zone registers it.
fn registered<T>(contract: &Contract, work: impl FnOnce(&Registration<'_>) -> T) -> T {
    let zone = zone();
    let epochs = contract.streams().iter().map(|stream| (stream.name.clone(), epoch_id(&stream.name))).collect();
    work(&Registration { zone: &zone, contract, text: CONTRACT, epochs: &epochs, now_ms: 1 })
}

fn statement(change: &Change) -> String {
    let Change { table, op, no, word } = change;
    let word = word.replace('\'', "''");
    match op {
        Op::Insert => format!("INSERT INTO {table} VALUES ({no}, '{word}');"),
        Op::Update => format!("UPDATE {table} SET word = '{word}' WHERE no = {no};"),
        Op::Delete => format!("DELETE FROM {table} WHERE no = {no};"),
    }
}

impl StoreFixture for RealStore {
    fn store(&self) -> &dyn Store {
        &self.store
    }

    fn reopen(&mut self) {
        self.store.close().unwrap();
        let opened = SqliteStore::open(&self.dir.path().join("zone.db"), &link()).unwrap();
        self.store = opened.indexed(super::secret(1)).unwrap();
    }

    fn commit(&mut self, changes: &[Change]) {
        let statements: String = changes.iter().map(statement).collect();
        self.program.lock().script(&format!("BEGIN IMMEDIATE; {statements} COMMIT")).unwrap();
    }

    fn adopt(&mut self, contract: &Contract) {
        registered(contract, |registration| self.store.install_capture(registration, &BTreeSet::new())).unwrap();
    }

    fn rows(&self, table: &str) -> Vec<String> {
        let query = format!("SELECT json_array(no, word) FROM {table}");
        self.program.lock().all(query, args![]).unwrap().iter().map(|row| row.string(0).unwrap()).collect()
    }

    fn parked(&self, stream: &StreamName) -> Vec<(u64, u64, String)> {
        let query = format!("SELECT seq, row_index, table_name FROM ferry_parked_row WHERE stream = '{stream}'");
        let rows = self.program.lock().all(query, args![]).unwrap();
        rows.iter().map(|row| (row.int(0).unwrap(), row.int(1).unwrap(), row.string(2).unwrap())).collect()
    }

    fn keep_busy(&mut self, busy: bool) {
        for lane in [&self.store.out, &self.store.into, &self.store.books] {
            lane.lock().patience = Duration::from_millis(10);
        }
        self.program.lock().script(if busy { "BEGIN IMMEDIATE" } else { "ROLLBACK" }).unwrap();
    }

    fn hand_in(&mut self, file: &[u8]) -> u64 {
        SqliteBooks::open(&self.dir.path().join("zone.db"), &link()).unwrap().hand_in(file, 5).unwrap()
    }

    fn leave_draft(&mut self, payload: &Payload) {
        let books = SqliteBooks::open(&self.dir.path().join("zone.db"), &link()).unwrap();
        books.leave_drafts(std::slice::from_ref(payload), 5).unwrap();
    }

    /// As an administrator would: the rule leaves the tables' definitions.
    fn mend(&mut self) {
        let mend = format!(
            "PRAGMA writable_schema = ON;
             UPDATE sqlite_schema SET sql = replace(sql, ' {}', '') WHERE type = 'table';
             PRAGMA writable_schema = RESET",
            rule().replace('\'', "''")
        );
        self.program.lock().script(&mend).unwrap();
        self.reopen();
    }

    fn listed(&self) -> Vec<Digest> {
        let query = "SELECT digest FROM ferry_act WHERE origin = 'peer' ORDER BY digest";
        self.program.lock().all(query, args![]).unwrap().iter().map(|row| row.parsed(0).unwrap()).collect()
    }
}
