//! Makes two zones once; every run works on a copy of them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use ferry_core::contract::Contract;
use ferry_core::ports::{Anchor, AnchorStore as _, Store as _};
use ferry_format::{EpochId, Instance, KeyState, TrustEntry, TrustStore};
use tempfile::TempDir;

use super::program::Program;
use crate::config::Config;
use crate::files::{AnchorFile, durable};
use crate::keyring::{create_keys, create_operator, create_trace_key, own_card, write_trust};
use crate::store::{Registration, SqliteStore, create};

/// The names of the zones, by their numbers.
pub const NAMES: [&str; 2] = ["inner", "outer"];

const CONTRACT: &str = r#"
name = "ladder"
version = 1
zones = ["inner", "outer"]

[schema]
sqlite = "ladder.sql"

[[stream]]
name = "confirm"
owner = "outer"
to = "inner"
priority = 10
limits = { rows = 4, plain_bytes = 65536, linger_ms = 0 }

[[stream.table]]
name = "payment"
key = ["id"]
columns = [{ name = "id", type = "integer" }, { name = "amt", type = "fen", money = true }, { name = "number", type = "integer" }]

[[stream.table]]
name = "item"
key = ["payment", "no"]
columns = [{ name = "payment", type = "integer" }, { name = "no", type = "integer" }, { name = "number", type = "integer" }]

[[stream]]
name = "notice"
owner = "inner"
to = "outer"
priority = 5
limits = { rows = 4, plain_bytes = 65536, linger_ms = 0 }

[[stream.table]]
name = "notice"
key = ["id"]
columns = [{ name = "id", type = "integer" }, { name = "number", type = "integer" }]
"#;

const SCHEMA: &str = "
CREATE TABLE payment (id INTEGER NOT NULL PRIMARY KEY, amt INTEGER NOT NULL, number INTEGER NOT NULL) STRICT;
CREATE TABLE item (payment INTEGER NOT NULL REFERENCES payment (id), no INTEGER NOT NULL, number INTEGER NOT NULL,
  PRIMARY KEY (payment, no)) STRICT;
CREATE TABLE notice (id INTEGER NOT NULL PRIMARY KEY, number INTEGER NOT NULL) STRICT;
";

/// Each table, and the zone that owns it.
pub const TABLES: [(&str, usize); 3] = [("notice", 0), ("payment", 1), ("item", 1)];
/// What makes a row of a table known, for each.
const KEYS: [&str; 3] = ["id", "id", "payment, {row}.no"];

/// The private keys of the two operators whom both zones trust.
pub const OPERATORS: [&str; 2] = ["first.key", "second.key"];

/// The file of somebody's card.
pub fn card_of(name: &str) -> String {
    format!("{name}.card")
}

/// The file of a zone's configuration. What stands there is what a run changes of it.
pub const CONFIG: &str = "ferry.toml";

/// A directory in memory where there is one, because the ladder writes for hours what nobody needs; power loss is not its matter.
pub fn scratch() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

/// Makes both zones, each with a count of every change that its tables see.
pub fn template() -> TempDir {
    let dir = scratch();
    let contract = Contract::parse(CONTRACT, "ladder.toml").unwrap();
    let zones = [0, 1].map(|index| {
        let place = dir.path().join(NAMES[index]);
        durable::create_directory(&place).unwrap();
        durable::publish(&place, "ladder.toml", CONTRACT.as_bytes()).unwrap();
        durable::publish(&place, CONFIG, text(index).as_bytes()).unwrap();
        let config = config(dir.path(), index);
        for directory in directories(&config) {
            durable::create_directory(&directory).unwrap();
        }
        let keys = create_keys(&config).unwrap();
        let _secret = create_trace_key(&config).unwrap();
        let card = own_card(&config, &keys, Some(instance(index)), 0);
        durable::publish(dir.path(), &card_of(NAMES[index]), &card.write(&keys).unwrap()).unwrap();
        (config, card)
    });
    let operators = OPERATORS.map(|name| {
        let keys = create_operator(&dir.path().join(name)).unwrap();
        let card = own_card(&zones[0].0, &keys, None, 0);
        durable::publish(dir.path(), &card_of(name), &card.write(&keys).unwrap()).unwrap();
        card
    });
    for index in [0, 1] {
        let config = &zones[index].0;
        let mut trust = TrustStore::new();
        operators.iter().for_each(|card| trust.add(TrustEntry::of_operator(card, KeyState::Active)).unwrap());
        trust.add(TrustEntry::of_zone(&zones[1 - index].1, KeyState::Active)).unwrap();
        write_trust(&config.paths.trust, &trust).unwrap();
        database(config, &contract, index);
        count(config, index);
    }
    dir
}

/// The configuration of a zone below a directory.
pub fn config(directory: &Path, index: usize) -> Config {
    let file = directory.join(NAMES[index]).join(CONFIG);
    Config::parse(&text(index), &file).unwrap()
}

fn text(index: usize) -> String {
    let (zone, peer) = (NAMES[index], NAMES[1 - index]);
    format!(
        "zone = \"{zone}\"\npeer = \"{peer}\"\nlink = \"ladder\"\n[database]\npath = \"zone.db\"\n\
         [contract]\npath = \"ladder.toml\"\n[gate]\nto_gate = \"to-gate\"\nfrom_gate = \"from-gate\"\n\
         temporary = \"temporary\"\nlow_water_bytes = 0\n"
    )
}

fn directories(config: &Config) -> Vec<PathBuf> {
    let (gate, paths) = (&config.gate, &config.paths);
    [&gate.to_gate, &gate.from_gate, &gate.temporary, &paths.spool, &paths.archive, &paths.quarantine, &paths.keys]
        .map(PathBuf::clone)
        .to_vec()
}

/// The id of a zone's database.
fn instance(index: usize) -> Instance {
    Instance([u8::try_from(index).unwrap() + 1; 16])
}

fn database(config: &Config, contract: &Contract, index: usize) {
    let fill = u8::try_from(index).unwrap() + 1;
    let owned = contract.owned_by(&config.zone);
    let epochs: BTreeMap<_, _> = owned.map(|stream| (stream.name.clone(), EpochId([fill; 8]))).collect();
    let registration = Registration { zone: &config.zone, contract, text: CONTRACT, epochs: &epochs, now_ms: 0 };
    let path = &config.database.path;
    create(path, &config.link, instance(index), SCHEMA, &registration).unwrap();
    let store = SqliteStore::open(path, &config.link).unwrap();
    store.install_capture(&registration, &BTreeSet::new()).unwrap();
    let recovered = store.recover().unwrap();
    let anchor = Anchor {
        instance: recovered.instance,
        sent: recovered.outgoing.into_iter().map(|stream| stream.last).collect(),
        superseding: Vec::new(),
        status_next: 1,
        peer: None,
        audit: recovered.audit,
        before: None,
        restored: false,
    };
    AnchorFile::new(config.paths.anchor.clone()).save(&anchor).unwrap();
    store.close().unwrap();
}

/// Triggers beside those of the appliance write down each row that is written or removed, in the same transaction. On an
/// own table the appliance allows none that comes after a change; on a replica only that one tells what became of an upsert.
fn count(config: &Config, index: usize) {
    let mut program = Program::open(&config.database.path);
    program.run("CREATE TABLE counted (id INTEGER PRIMARY KEY, line TEXT NOT NULL) STRICT").unwrap();
    for ((table, owner), key) in TABLES.iter().zip(KEYS) {
        let when = if *owner == index { "BEFORE" } else { "AFTER" };
        for (event, row, op) in [("INSERT", "NEW", "i"), ("UPDATE", "NEW", "u"), ("DELETE", "OLD", "d")] {
            let key = key.replace("{row}", row);
            let made = program.run(&format!(
                "CREATE TRIGGER \"counted:{table}:{event}\" {when} {event} ON {table} BEGIN \
                 INSERT INTO counted (line) VALUES (json_array('{table}', {row}.{key}, '{op}', {row}.number)); END"
            ));
            made.unwrap();
        }
    }
    program.close();
}

/// Copies everything below a directory.
pub fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let place = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            durable::create_directory(&place).unwrap();
            copy(&entry.path(), &place);
        } else {
            std::fs::copy(entry.path(), &place).unwrap();
        }
    }
}
