//! Two zones, each with a database of its own, and rows that go from one to the other.

mod applying;
mod beginning;
mod books;
mod capturing;
mod conformance;
mod cutting;
mod differential;
mod opening;
mod refusing;
mod standing;
mod streams;
mod tracing;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use ferry_core::contract::{Contract, StreamContract};
use ferry_core::ports::{
    ApplyOutcome, ApplyRequest, BatchSource, CheckedBatch, CheckedRow, CutRequest, OutgoingBatch, PortError, RawCut,
    SourceFault, Store as _,
};
use ferry_format::merkle::{Frontier, leaf_digest};
use ferry_format::{
    Digest, EpochId, Group, Instance, LinkId, Mark, Refusal, StreamName, Value, ZoneName, parse_record, write_value,
};
use tempfile::TempDir;

use super::failure::DbError;
use super::lane::{Access, Columns as _, Lane, args};
use super::{AuditHead, InstallReport, Registration, SqliteStore, audit, checkpoint, create};
use crate::store::{StoreError, TraceKey};

pub(super) const CONTRACT: &str = r#"
name = "shop"
version = 1
zones = ["inner", "outer"]

[[stream]]
name = "sale"
owner = "outer"
to = "inner"
priority = 5
limits = { rows = 100, plain_bytes = 65536, linger_ms = 1000 }

[[stream.table]]
name = "item"
key = ["id"]
columns = [
  { name = "id", type = "text", max = 40 },
  { name = "code", type = "text", max = 40, nullable = true },
  { name = "fen", type = "fen", money = true },
  { name = "paid", type = "bool" },
  { name = "seal", type = "bytes", max = 100, nullable = true },
  { name = "extra", type = "json", max = 1000, nullable = true },
]

[[stream.table]]
name = "line"
key = ["item", "no"]
columns = [
  { name = "item", type = "text", max = 40 },
  { name = "no", type = "integer" },
  { name = "text", type = "text", max = 100 },
]

[[stream.table]]
name = "remark"
key = ["no"]
independent = true
columns = [
  { name = "no", type = "integer" },
  { name = "item", type = "text", max = 40, nullable = true },
  { name = "stars", type = "integer" },
]

[[stream]]
name = "base"
owner = "inner"
to = "outer"
priority = 3
limits = { rows = 100, plain_bytes = 65536, linger_ms = 1000 }

[[stream.table]]
name = "unit"
key = ["id"]
columns = [
  { name = "id", type = "integer" },
  { name = "name", type = "text", max = 100 },
]
"#;

pub(super) const SCHEMA: &str = "
CREATE TABLE item (id TEXT NOT NULL PRIMARY KEY, code TEXT UNIQUE, fen INTEGER NOT NULL CHECK (fen < 1000000),
  paid INTEGER NOT NULL, seal BLOB, extra TEXT) STRICT;
CREATE TABLE line (item TEXT NOT NULL REFERENCES item (id) ON DELETE CASCADE ON UPDATE CASCADE, no INTEGER NOT NULL,
  text TEXT NOT NULL, PRIMARY KEY (item, no)) STRICT, WITHOUT ROWID;
CREATE TABLE remark (no INTEGER PRIMARY KEY, item TEXT REFERENCES item (id), stars INTEGER NOT NULL
  CONSTRAINT stars_range CHECK (stars BETWEEN 1 AND 5)) STRICT;
CREATE TABLE unit (id INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT;
";

/// Every table of stream `sale`, as lines that can be compared.
const DUMP: &str = "
SELECT 'item', json_array(id, code, fen, paid, lower(hex(seal)), extra) FROM item UNION ALL
SELECT 'line', json_array(item, no, text) FROM line UNION ALL
SELECT 'remark', json_array(no, item, stars) FROM remark ORDER BY 1, 2";

/// One zone: its database, its store, and a connection as a program of the zone has it.
pub(super) struct Zone {
    _dir: TempDir,
    pub path: PathBuf,
    pub name: ZoneName,
    pub contract: Contract,
    pub store: SqliteStore,
    pub program: Lane,
}

pub(super) fn link() -> LinkId {
    "shop".parse().unwrap()
}

pub(super) fn sale() -> StreamName {
    "sale".parse().unwrap()
}

/// The secret of that number, under which a zone digests keys.
pub(super) fn secret(number: u8) -> TraceKey {
    TraceKey::new(&[number; 32])
}

pub(super) const EPOCH_ID: EpochId = EpochId([3; 8]);
pub(super) const INSTANCE: Instance = Instance([9; 16]);

impl Zone {
    /// A zone with its triggers installed.
    pub fn new(name: &str) -> Self {
        let zone = Self::bare(name, SCHEMA);
        zone.install().unwrap();
        zone
    }

    /// A zone without triggers, on tables of its own.
    pub fn bare(name: &str, schema: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("zone.db");
        let contract = Contract::parse(CONTRACT, "shop.toml").unwrap();
        let name: ZoneName = name.parse().unwrap();
        let epochs = epochs();
        create(&path, &link(), INSTANCE, schema, &registration(&name, &contract, &epochs)).unwrap();
        let store = SqliteStore::open(&path, &link()).unwrap().indexed(secret(1)).unwrap();
        let program = Lane::new(&path, Access::Write).unwrap();
        Self { _dir: dir, path, name, contract, store, program }
    }

    pub fn install(&self) -> Result<InstallReport, StoreError> {
        self.store.install_capture(&registration(&self.name, &self.contract, &epochs()), &BTreeSet::new())
    }

    /// Runs statements as a program of the zone.
    pub fn run(&self, text: &str) -> Result<(), DbError> {
        self.program.lock().script(text)
    }

    pub fn number(&self, query: &str) -> u64 {
        self.program.lock().first(query.to_owned(), args![]).unwrap().unwrap().int(0).unwrap()
    }

    pub fn dump(&self) -> Vec<String> {
        let rows = self.program.lock().all(DUMP, args![]).unwrap();
        rows.iter().map(|row| format!("{} {}", row.string(0).unwrap(), row.string(1).unwrap())).collect()
    }

    /// Everything that is captured and not recorded.
    pub fn cut(&self) -> RawCut {
        let after =
            self.store.recover().unwrap().outgoing.iter().find(|out| out.last.stream == sale()).unwrap().through_id;
        let upto = self.store.observe().unwrap().streams.iter().find(|one| one.stream == sale()).unwrap().last_id;
        self.store.cut(&CutRequest { stream: sale(), after, upto, rows: 100_000, bytes: u64::MAX }).unwrap()
    }

    /// The lines of a cut.
    pub fn captured(&self) -> Vec<String> {
        let lines = String::from_utf8(self.cut().lines).unwrap();
        lines.lines().map(str::to_owned).collect()
    }

    /// Records everything that is captured as one batch, and yields it as the peer opens it.
    pub fn send(&self) -> CheckedBatch {
        let raw = self.cut();
        let own = self.store.recover().unwrap().outgoing.into_iter().find(|out| out.last.stream == sale()).unwrap();
        let batch = outgoing(&own.last, &raw);
        self.store.record(std::slice::from_ref(&batch)).unwrap();
        self.checked(&raw.lines, batch.seq, batch.digest)
    }

    /// Record lines as a checked batch.
    pub fn checked(&self, lines: &[u8], seq: u64, digest: Digest) -> CheckedBatch {
        checked_batch(self.contract.stream(&sale()).unwrap(), lines, seq, digest)
    }

    /// The watermark, after following the one epoch if none is followed.
    pub fn mark(&self) -> Mark {
        if let Some(mark) = self.store.watermark(&sale()).unwrap() {
            return mark;
        }
        let genesis = Mark { stream: sale(), epoch: 1, seq: 0, digest: Digest([1; 32]) };
        self.store.follow(EPOCH_ID, &genesis, None).unwrap();
        genesis
    }

    pub fn apply(&self, batches: Vec<CheckedBatch>) -> Result<ApplyOutcome, PortError> {
        let contract = self.contract.stream(&sale()).unwrap();
        let request = ApplyRequest { contract, epoch_id: EPOCH_ID, expect: &self.mark(), now_ms: 1_000 };
        self.store.apply(&request, &mut Batches(batches.into_iter()))
    }
}

/// A batch as a sender makes it of a whole cut.
pub(super) fn outgoing(last: &Mark, raw: &RawCut) -> OutgoingBatch {
    let seq = last.seq + 1;
    OutgoingBatch {
        stream: last.stream.clone(),
        epoch: last.epoch,
        seq,
        digest: Digest::of(&[&seq.to_be_bytes(), &raw.lines]),
        previous: last.digest,
        group: Group { first: seq, index: 0, last: true },
        rows: u64::try_from(raw.ids.len()).unwrap(),
        file_bytes: 7,
        through_id: raw.ids.last().copied().unwrap_or(0),
        cut_at_ms: 10 * seq,
        tables: Vec::new(),
    }
}

pub(super) fn epochs() -> BTreeMap<StreamName, EpochId> {
    [(sale(), EPOCH_ID), ("base".parse().unwrap(), EpochId([4; 8])), ("more".parse().unwrap(), EpochId([5; 8]))].into()
}

pub(super) fn registration<'a>(
    zone: &'a ZoneName,
    contract: &'a Contract,
    epochs: &'a BTreeMap<StreamName, EpochId>,
) -> Registration<'a> {
    Registration { zone, contract, text: CONTRACT, epochs, now_ms: 1 }
}

/// Record lines as a checked batch of a stream.
pub(super) fn checked_batch(stream: &StreamContract, lines: &[u8], seq: u64, digest: Digest) -> CheckedBatch {
    let (chain, rows, bytes) = (digest, Vec::new(), Vec::new());
    let mut batch = CheckedBatch { seq, digest, chain, act: None, file_bytes: 7, taken_at_ms: 5, rows, bytes };
    for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let record = parse_record(line).unwrap();
        stream.check(&record).unwrap();
        let table = stream.tables.iter().position(|table| table.name == record.table).unwrap();
        let key: Vec<&Value<'_>> = stream.tables[table].key_values(&record).collect();
        let values = array(&mut batch.bytes, &record.values.iter().collect::<Vec<_>>());
        let key = array(&mut batch.bytes, &key);
        batch.rows.push(CheckedRow { table, op: record.op, values, key });
    }
    batch
}

fn array(bytes: &mut Vec<u8>, values: &[&Value<'_>]) -> (usize, usize) {
    let from = bytes.len();
    for (index, value) in values.iter().enumerate() {
        bytes.push(if index == 0 { b'[' } else { b',' });
        write_value(bytes, value);
    }
    bytes.push(b']');
    (from, bytes.len())
}

pub(super) struct Batches(pub std::vec::IntoIter<CheckedBatch>);

impl BatchSource for Batches {
    fn next(&mut self) -> Result<Option<CheckedBatch>, SourceFault> {
        Ok(self.0.next())
    }
}

/// The refusal of an outcome.
pub(super) fn refusal(outcome: ApplyOutcome) -> Refusal {
    match outcome {
        ApplyOutcome::Refused(refusal) => refusal,
        other @ (ApplyOutcome::Applied { .. } | ApplyOutcome::Spoiled(_) | ApplyOutcome::Moved(_)) => {
            panic!("{other:?}")
        }
    }
}

/// The code of a violated constraint.
pub(super) fn code(result: Result<(), DbError>) -> &'static str {
    match result {
        Err(DbError::Constraint(violation)) => violation.code,
        other @ (Ok(()) | Err(DbError::Port(_))) => panic!("{other:?}"),
    }
}

/// The checkpoint over a zone's logs, reckoned from their leaves.
pub(super) fn checkpoint_of(zone: &Zone) -> ferry_format::Checkpoint {
    let mut heads: Vec<AuditHead> = Vec::new();
    for log in ["in.base", "in.sale", "out.base", "out.sale"] {
        let mut tree = Frontier::new();
        for leaf in audit::leaves(&mut zone.program.lock(), &link(), log, 0, 1_000).unwrap() {
            assert_eq!((leaf.index, leaf.digest), (tree.size(), leaf_digest(leaf.body.as_bytes())));
            tree.push(leaf.body.as_bytes());
        }
        if tree.size() > 0 {
            heads.push(AuditHead { log: log.to_owned(), size: tree.size(), root: tree.root() });
        }
    }
    checkpoint(&heads)
}
