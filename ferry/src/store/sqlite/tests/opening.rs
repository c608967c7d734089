use std::os::unix::fs::PermissionsExt as _;

use ferry_core::ports::{Retained, Store as _};

use super::super::lane::{Columns as _, args};
use super::{INSTANCE, SCHEMA, Zone, epochs, link, registration};
use crate::store::{Books as _, SqliteBooks, SqliteStore, StoreError, create};

#[test]
fn a_new_database_is_for_its_owner_and_keeps_its_instance() {
    let zone = Zone::new("outer");
    assert_eq!(zone.path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(zone.store.recover().unwrap().instance, INSTANCE);
    zone.store.close().unwrap();
    let again = SqliteStore::open(&zone.path, &link()).unwrap();
    assert_eq!(again.recover().unwrap(), zone.store.recover().unwrap());
    assert_eq!(again.recover().unwrap().outgoing.len(), 1);
}

#[test]
fn a_database_in_a_directory_of_a_group_is_for_that_group() {
    let zone = Zone::new("outer");
    let directory = zone.path.with_file_name("shared");
    std::fs::create_dir(&directory).unwrap();
    let epochs = epochs();
    let registration = registration(&zone.name, &zone.contract, &epochs);
    for (directory_mode, mode) in [(0o700, 0o600), (0o770, 0o600), (0o2750, 0o600), (0o2770, 0o660)] {
        std::fs::set_permissions(&directory, std::fs::Permissions::from_mode(directory_mode)).unwrap();
        let path = directory.join(format!("{directory_mode:o}.db"));
        create(&path, &link(), INSTANCE, SCHEMA, &registration).unwrap();
        // What stands beside the database is there as long as it is open.
        let _open = SqliteStore::open(&path, &link()).unwrap();
        for suffix in ["", "-wal", "-shm"] {
            let found = directory.join(format!("{directory_mode:o}.db{suffix}")).metadata().unwrap();
            assert_eq!(found.permissions().mode() & 0o777, mode, "{directory_mode:o} {suffix}");
        }
    }
}

#[test]
fn creating_over_a_file_is_refused_and_a_failed_creation_leaves_none() {
    let zone = Zone::new("outer");
    let epochs = epochs();
    let registration = registration(&zone.name, &zone.contract, &epochs);
    let exists = create(&zone.path, &link(), INSTANCE, SCHEMA, &registration);
    assert!(matches!(exists, Err(StoreError::Exists { .. })));
    let path = zone.path.with_file_name("other.db");
    let refused = create(&path, &link(), INSTANCE, "CREATE TABLE item (", &registration);
    assert!(matches!(refused, Err(StoreError::Schema(_))));
    let left = std::fs::read_dir(path.parent().unwrap())
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().starts_with("other"));
    assert_eq!(left.count(), 0);
}

#[test]
fn a_newer_database_names_the_program_that_it_needs() {
    let zone = Zone::new("outer");
    zone.run("UPDATE ferry_meta SET value = '6' WHERE key = 'schema_version'").unwrap();
    zone.run("UPDATE ferry_meta SET value = '7.1.0' WHERE key = 'written_by'").unwrap();
    let error = SqliteStore::open(&zone.path, &link()).err().unwrap();
    assert_eq!(error.code(), "database-newer");
    assert!(error.to_string().ends_with("install ferry 7.1.0 or newer"), "{error}");
    assert_eq!(SqliteBooks::open(&zone.path, &link()).err().unwrap().code(), "database-newer");
}

#[test]
fn a_database_of_the_first_version_is_read_and_brought_to_the_present_one() {
    let zone = Zone::new("outer");
    for table in ["epoch", "retention", "retention_mark", "passed_row", "hold", "act", "draft", "superseding"] {
        zone.run(&format!("DROP TABLE ferry_{table}")).unwrap();
    }
    for (table, column) in [
        ("batch_in", "chain"),
        ("stream_in", "superseded_seq"),
        ("stream_in", "superseded_digest"),
        ("dispute", "dismissed"),
        ("dispute", "against"),
    ] {
        zone.run(&format!("ALTER TABLE ferry_{table} DROP COLUMN {column}")).unwrap();
    }
    zone.run("DROP TABLE ferry_load").unwrap();
    for table in ["key", "batch", "run", "chunk"] {
        zone.run(&format!("DROP TABLE ferry_trace_{table}")).unwrap();
    }
    drop_triggers(&zone);
    zone.run("ALTER TABLE ferry_outbox_shop_sale DROP COLUMN at_ms").unwrap();
    zone.run("INSERT INTO ferry_outbox_shop_sale (contract, line) VALUES (1, '[\"item\",\"d\",\"old\"]')").unwrap();
    zone.run("CREATE TABLE ferry_request (id INTEGER PRIMARY KEY, kind TEXT NOT NULL) STRICT").unwrap();
    zone.run("UPDATE ferry_meta SET value = '1' WHERE key = 'schema_version'").unwrap();
    let books = || SqliteBooks::open(&zone.path, &link()).unwrap().identity().unwrap().schema_version;
    assert_eq!(books(), 1);
    let store = SqliteStore::open(&zone.path, &link()).unwrap();
    assert_eq!(books(), 5);
    assert_eq!(zone.number("SELECT count(*) FROM ferry_outbox_shop_sale WHERE at_ms IS NULL"), 1);
    zone.install().unwrap();
    zone.run("DELETE FROM unit; INSERT INTO remark VALUES (1, NULL, 3)").unwrap();
    assert_eq!(zone.number("SELECT count(*) FROM ferry_outbox_shop_sale WHERE at_ms > 0"), 1);
    assert_eq!(store.recover().unwrap().retained, Retained::default());
    store.retain(&Retained { elapsed_ms: 5, marks: Vec::new() }).unwrap();
    assert_eq!(store.recover().unwrap().retained.elapsed_ms, 5);
}

fn drop_triggers(zone: &Zone) {
    let names = zone.program.lock().all("SELECT name FROM sqlite_schema WHERE type = 'trigger'", args![]).unwrap();
    for name in names.iter().map(|row| row.string(0).unwrap()) {
        zone.run(&format!("DROP TRIGGER \"{name}\"")).unwrap();
    }
}

#[test]
fn what_is_no_database_of_this_link_is_refused() {
    let zone = Zone::new("outer");
    let code = |error: Option<StoreError>| error.unwrap().code();
    assert_eq!(code(SqliteStore::open(&zone.path, &"other".parse().unwrap()).err()), "unknown-link");
    assert_eq!(code(SqliteStore::open(&zone.path.with_file_name("no.db"), &link()).err()), "database-missing");
    let empty = zone.path.with_file_name("empty.db");
    std::fs::File::create(&empty).unwrap();
    assert_eq!(code(SqliteStore::open(&empty, &link()).err()), "database-foreign");
}
