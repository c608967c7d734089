//! The contracts under test: one with everything that SQLite does behind a program's back, and the real one.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::LazyLock;

use ferry_core::contract::Contract;

use super::super::super::{Registration, SqliteStore, create};
use super::super::{EPOCH_ID, INSTANCE, link};

/// What a pair of zones is made of.
pub struct Setup {
    pub contract: Contract,
    pub owner: Side,
    pub replica: Side,
}

/// One zone with its triggers installed.
pub struct Side {
    pub zone: &'static str,
    /// The database file, from which every world begins.
    pub file: Vec<u8>,
}

/// Composite keys, secondary unique keys, foreign keys that act, also on their own table, and triggers of the application.
pub static NASTY: LazyLock<Setup> = LazyLock::new(|| {
    let owner = format!("{NASTY_TABLES}{}{APPLICATION}", TREE[0]);
    let replica = format!("{NASTY_TABLES}{}", TREE[1]);
    Setup::make(NASTY_TOML, ("outer", &owner), ("inner", &replica))
});

/// The contract that crosses the real gap, with its schema.
pub static REAL: LazyLock<Setup> = LazyLock::new(|| {
    let schema = include_str!("../../../../../../contract/schema/nontax.sqlite.sql");
    Setup::make(include_str!("../../../../../../contract/nontax.toml"), ("inner", schema), ("outer", schema))
});

impl Setup {
    fn make(text: &str, owner: (&'static str, &str), replica: (&'static str, &str)) -> Self {
        let contract = Contract::parse(text, "test.toml").unwrap();
        let side = |(zone, schema)| Side { zone, file: database(&contract, text, zone, schema) };
        let (owner, replica) = (side(owner), side(replica));
        Self { contract, owner, replica }
    }

    /// A query for every row that the owner's programs write, as lines that can be compared.
    pub fn dump(&self) -> String {
        let owner = self.owner.zone.parse().unwrap();
        let mut query = String::new();
        for table in self.contract.owned_by(&owner).flat_map(|stream| &stream.tables) {
            let union = if query.is_empty() { "" } else { " UNION ALL " };
            let values = super::super::super::spelling::record("t", table.columns.iter());
            write!(query, "{union}SELECT '{0}' || json_array({values}) AS line FROM {0} AS t", table.name).unwrap();
        }
        format!("SELECT coalesce(group_concat(line, char(10)), '') FROM (SELECT line FROM ({query}) ORDER BY line)")
    }
}

fn database(contract: &Contract, text: &str, zone: &str, schema: &str) -> Vec<u8> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("zone.db");
    let zone = zone.parse().unwrap();
    let epochs = contract.streams().iter().map(|stream| (stream.name.clone(), EPOCH_ID)).collect();
    let registration = Registration { zone: &zone, contract, text, epochs: &epochs, now_ms: 1 };
    create(&path, &link(), INSTANCE, schema, &registration).unwrap();
    let store = SqliteStore::open(&path, &link()).unwrap();
    store.install_capture(&registration, &BTreeSet::new()).unwrap();
    store.close().unwrap();
    std::fs::read(&path).unwrap()
}

const NASTY_TOML: &str = r#"
name = "nasty"
version = 1
zones = ["inner", "outer"]

[[stream]]
name = "stock"
owner = "outer"
to = "inner"
priority = 5
limits = { rows = 100, plain_bytes = 65536, linger_ms = 1000 }

[[stream.table]]
name = "shelf"
key = ["id"]
columns = [
  { name = "id", type = "text", max = 40 },
  { name = "code", type = "text", max = 40, nullable = true },
  { name = "floor", type = "integer" },
  { name = "place", type = "integer" },
  { name = "fen", type = "fen", money = true },
  { name = "seal", type = "bytes", max = 100, nullable = true },
]

[[stream.table]]
name = "box"
key = ["shelf", "no"]
columns = [
  { name = "shelf", type = "text", max = 40 },
  { name = "no", type = "integer" },
  { name = "label", type = "text", max = 40, nullable = true },
]

[[stream.table]]
name = "item"
key = ["no"]
columns = [
  { name = "no", type = "integer" },
  { name = "shelf", type = "text", max = 40, nullable = true },
  { name = "box", type = "integer", nullable = true },
  { name = "tag", type = "text", max = 40, nullable = true },
]

[[stream.table]]
name = "tree"
key = ["id"]
columns = [
  { name = "id", type = "text", max = 40 },
  { name = "up", type = "text", max = 40, nullable = true },
  { name = "n", type = "integer" },
]

[[stream.table]]
name = "pair"
key = ["b", "a"]
columns = [
  { name = "a", type = "text", max = 40 },
  { name = "b", type = "integer" },
  { name = "c", type = "text", max = 40, nullable = true },
]

[[stream]]
name = "word"
owner = "inner"
to = "outer"
priority = 3
limits = { rows = 100, plain_bytes = 65536, linger_ms = 1000 }

[[stream.table]]
name = "word"
key = ["id"]
columns = [{ name = "id", type = "integer" }]
"#;

const NASTY_TABLES: &str = "
CREATE TABLE shelf (id TEXT NOT NULL PRIMARY KEY, code TEXT COLLATE NOCASE UNIQUE, floor INTEGER NOT NULL,
  place INTEGER NOT NULL, fen INTEGER NOT NULL CHECK (fen < 9), seal BLOB, twice INTEGER AS (fen * 2) STORED,
  UNIQUE (floor, place)) STRICT;
CREATE TABLE box (shelf TEXT NOT NULL REFERENCES shelf (id) ON DELETE CASCADE ON UPDATE CASCADE, no INTEGER NOT NULL,
  label TEXT, PRIMARY KEY (shelf, no)) STRICT, WITHOUT ROWID;
CREATE TABLE item (no INTEGER PRIMARY KEY, shelf TEXT, box INTEGER, tag TEXT UNIQUE,
  FOREIGN KEY (shelf, box) REFERENCES box (shelf, no) ON DELETE SET NULL ON UPDATE CASCADE) STRICT;
CREATE TABLE pair (a TEXT NOT NULL, b INTEGER NOT NULL, c TEXT, PRIMARY KEY (b, a)) STRICT;
CREATE TABLE word (id INTEGER PRIMARY KEY) STRICT;
";

/// The owner's trees cascade; those of the replica must not, in a circle.
const TREE: [&str; 2] = [
    "CREATE TABLE tree (id TEXT NOT NULL PRIMARY KEY, up TEXT REFERENCES tree (id) ON DELETE CASCADE ON UPDATE CASCADE,
       n INTEGER NOT NULL) STRICT;",
    "CREATE TABLE tree (id TEXT NOT NULL PRIMARY KEY, up TEXT REFERENCES tree (id), n INTEGER NOT NULL) STRICT;",
];

/// What the programs of the owner brought along: a log, an inbox whose triggers write captured tables, rules, and a view.
const APPLICATION: &str = "
CREATE TABLE audit (what TEXT) STRICT;
CREATE TABLE inbox (no INTEGER PRIMARY KEY AUTOINCREMENT, what TEXT, k TEXT, n INTEGER) STRICT;
CREATE TRIGGER shelf_audit BEFORE UPDATE ON shelf BEGIN INSERT INTO audit VALUES (OLD.id); END;
CREATE TRIGGER shelf_log AFTER UPDATE ON shelf BEGIN INSERT INTO audit VALUES (NEW.id); END;
CREATE TRIGGER pair_trees AFTER INSERT ON pair BEGIN UPDATE tree SET n = n + 1 WHERE id >= NEW.a; END;
CREATE TRIGGER box_skips BEFORE INSERT ON box WHEN NEW.label = 'skip' BEGIN SELECT RAISE(IGNORE); END;
CREATE TRIGGER pair_fails BEFORE INSERT ON pair WHEN NEW.c = 'fail' BEGIN SELECT RAISE(FAIL, 'rule'); END;
CREATE TRIGGER pair_rolls BEFORE DELETE ON pair WHEN OLD.c = 'roll' BEGIN SELECT RAISE(ROLLBACK, 'rule'); END;
CREATE TRIGGER inbox_shelf AFTER INSERT ON inbox WHEN NEW.what = 'shelf' BEGIN
  INSERT INTO shelf (id, floor, place, fen) VALUES (NEW.k, NEW.n, NEW.n, NEW.n) ON CONFLICT (id) DO UPDATE SET fen = NEW.n;
  UPDATE tree SET n = n + 1 WHERE id <= NEW.k;
  DELETE FROM inbox WHERE no < NEW.no;
END;
CREATE TRIGGER inbox_pair AFTER INSERT ON inbox WHEN NEW.what = 'pair' BEGIN
  INSERT OR REPLACE INTO pair VALUES (NEW.k, NEW.n, 'inbox');
  UPDATE box SET no = no + 1 WHERE shelf = NEW.k;
  DELETE FROM tree WHERE id = NEW.k;
END;
CREATE TRIGGER inbox_gone AFTER DELETE ON inbox BEGIN UPDATE pair SET c = 'gone' WHERE a = OLD.k; END;
CREATE VIEW shelves AS SELECT id, fen FROM shelf;
CREATE TRIGGER shelves_update INSTEAD OF UPDATE ON shelves BEGIN
  UPDATE shelf SET fen = NEW.fen, id = NEW.id WHERE id = OLD.id;
END;
CREATE TRIGGER shelves_delete INSTEAD OF DELETE ON shelves BEGIN DELETE FROM shelf WHERE id = OLD.id; END;
";
