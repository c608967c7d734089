//! An owner with two programs, and a replica that follows it through the whole chain.

use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::io::Write as _;
use std::time::Duration;

use ferry_core::ports::{
    ApplyOutcome, ApplyRequest, CheckedBatch, CutRequest, FaultKind, OutgoingBatch, PortError, Store as _,
};
use ferry_format::{Digest, Group, Mark, StreamName};
use tempfile::TempDir;

use super::super::super::SqliteStore;
use super::super::super::failure::DbError;
use super::super::super::lane::{Access, Columns as _, Lane, args};
use super::super::{Batches, EPOCH_ID, checked_batch, link};
use super::program::Step;
use super::setup::{Setup, Side};

/// Why a world did not hold.
pub enum Broken {
    /// The replica is not what the owner was when the group was cut.
    Different { owner: String, replica: String },
    /// A group that the owner committed was not applied.
    NotApplied(String),
    /// Nor was this one, but the owner itself holds rows that refer to nothing: SQLite loses count of what a transaction still
    /// owes when rows are moved by their parents' keys after a savepoint was rolled back. No replica could hold them.
    Dangling(String),
}

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Different { owner, replica } => write!(f, "owner:\n{owner}\nreplica:\n{replica}"),
            Self::NotApplied(outcome) => write!(f, "a group was not applied: {outcome}"),
            Self::Dangling(outcome) => write!(f, "a group with rows that refer to nothing was not applied: {outcome}"),
        }
    }
}

/// No world loses its power.
const NO_SYNC: &str = "PRAGMA synchronous = OFF";

/// One stream's part of a group.
struct Part {
    stream: StreamName,
    batches: Vec<CheckedBatch>,
}

/// A group that is cut and not applied.
struct Cut {
    parts: Vec<Part>,
    /// What the owner's tables were then.
    shadow: String,
    /// Whether a row of theirs referred to nothing.
    dangling: bool,
}

pub struct World {
    setup: &'static Setup,
    dump: String,
    _dir: TempDir,
    owner: SqliteStore,
    replica: SqliteStore,
    programs: [Lane; 2],
    /// Sees what is committed.
    reader: Lane,
    groups: VecDeque<Cut>,
    forgetful: bool,
    /// How often each kind of statement went through.
    pub done: BTreeMap<&'static str, u64>,
    /// How often a statement was turned away, by code.
    pub turned_away: BTreeMap<&'static str, u64>,
}

impl World {
    pub fn new(setup: &'static Setup) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = |side: &Side| dir.path().join(format!("{}.db", side.zone));
        let store = |side: &Side| {
            File::create_new(path(side)).unwrap().write_all(&side.file).unwrap();
            let store = SqliteStore::open(&path(side), &link()).unwrap();
            for lane in [&store.out, &store.into, &store.books] {
                let mut session = lane.lock();
                // A program that is in a transaction goes on only after the step, so there is nothing to wait for.
                session.patience = Duration::ZERO;
                session.script(NO_SYNC).unwrap();
            }
            store
        };
        let (owner, replica) = (store(&setup.owner), store(&setup.replica));
        let lane = || {
            let lane = Lane::new(&path(&setup.owner), Access::Write).unwrap();
            lane.lock().script(&format!("PRAGMA busy_timeout = 0; {NO_SYNC}")).unwrap();
            lane
        };
        let (programs, reader) = ([lane(), lane()], lane());
        let (groups, done, turned_away) = (VecDeque::new(), BTreeMap::new(), BTreeMap::new());
        let (dump, forgetful) = (setup.dump(), false);
        Self { setup, dump, _dir: dir, owner, replica, programs, reader, groups, forgetful, done, turned_away }
    }

    /// Changes the owner's database as no program of the zone may.
    pub fn tamper(&self, sql: &str) {
        self.programs[0].lock().script(sql).unwrap();
    }

    /// Lets the programs break foreign keys, as connections do that do not ask for them.
    pub fn loosen(&self) {
        for program in &self.programs {
            program.lock().script("PRAGMA foreign_keys = OFF").unwrap();
        }
    }

    /// From here on nothing stays of rows that were recorded.
    pub fn forget_the_floor(&mut self) {
        self.forgetful = true;
    }

    /// The text of one of the owner's triggers, by the end of its name.
    pub fn trigger(&self, end: &str) -> (String, String) {
        let query = format!("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' AND name LIKE 'ferry:%:{end}'");
        let row = self.reader.lock().first(query, args![]).unwrap().unwrap();
        (row.string(0).unwrap(), row.string(1).unwrap())
    }

    /// Runs a program to its end, applies everything, and compares after every group.
    pub fn run(&mut self, steps: &[Step]) -> Result<(), Broken> {
        for step in steps {
            match step {
                Step::Run { program, kind, sql } => self.statement(*program, kind, sql),
                Step::Cut(rows) => self.cut(*rows),
                Step::Apply => self.apply()?,
            }
        }
        for program in &self.programs {
            // Whatever cannot be committed any more is rolled back.
            if program.lock().script("COMMIT").is_err() {
                let _ = program.lock().script("ROLLBACK");
            }
        }
        self.cut(5);
        while !self.groups.is_empty() {
            self.apply()?;
        }
        Ok(())
    }

    /// Runs a statement, which may well be turned away. One that could never run is a mistake of the test.
    fn statement(&mut self, program: usize, kind: &'static str, sql: &str) {
        let code = match self.programs[program].lock().script(sql) {
            Ok(()) => {
                *self.done.entry(kind).or_default() += 1;
                return;
            }
            Err(DbError::Constraint(violation)) => violation.code,
            Err(DbError::Port(error)) if error.kind == FaultKind::Transient => "busy",
            Err(DbError::Port(error)) => {
                let outside = ["within a transaction", "no transaction is active", "no such savepoint"];
                assert!(outside.iter().any(|text| error.text.contains(text)), "{sql}: {error}");
                "transaction"
            }
        };
        *self.turned_away.entry(code).or_default() += 1;
    }

    /// Cuts what is committed into a group of batches and records them, unless a program holds the database.
    fn cut(&mut self, rows: u64) {
        let seen = match self.owner.observe() {
            Ok(seen) => seen,
            Err(error) => return is_busy(&error),
        };
        let mut parts = Vec::new();
        let before = self.owner.recover().unwrap().outgoing;
        for own in before {
            let upto = seen.streams.iter().find(|one| one.stream == own.last.stream).unwrap().last_id;
            let (mut last, mut after) = (own.last.clone(), own.through_id);
            let mut batches = Vec::new();
            let mut recorded = Vec::new();
            while after < upto {
                let raw = self
                    .owner
                    .cut(&CutRequest { stream: last.stream.clone(), after, upto, rows, bytes: u64::MAX })
                    .unwrap();
                let Some(through_id) = raw.ids.last().copied() else { break };
                let seq = last.seq + 1;
                let digest = Digest::of(&[&seq.to_be_bytes(), &raw.lines]);
                recorded.push(OutgoingBatch {
                    stream: last.stream.clone(),
                    epoch: last.epoch,
                    seq,
                    digest,
                    previous: last.digest,
                    group: Group { first: own.last.seq + 1, index: seq - own.last.seq - 1, last: through_id == upto },
                    rows: u64::try_from(raw.ids.len()).unwrap(),
                    file_bytes: 7,
                    through_id,
                    cut_at_ms: seq,
                    tables: Vec::new(),
                });
                let contract = self.setup.contract.stream(&last.stream).unwrap();
                batches.push(checked_batch(contract, &raw.lines, seq, digest));
                (last.seq, last.digest, after) = (seq, digest, through_id);
            }
            if batches.is_empty() {
                continue;
            }
            if let Err(error) = self.owner.record(&recorded) {
                return is_busy(&error);
            }
            if self.forgetful {
                // No program holds the database: the batches were recorded just so.
                let outbox = format!("DELETE FROM ferry_outbox_shop_{}", last.stream);
                self.reader.lock().script(&outbox).unwrap();
            }
            parts.push(Part { stream: last.stream, batches });
        }
        let shadow = dump(&self.reader, &self.dump);
        let check = "SELECT 1 FROM pragma_foreign_key_check LIMIT 1";
        let dangling = self.reader.lock().first(check, args![]).unwrap().is_some();
        self.groups.push_back(Cut { parts, shadow, dangling });
    }

    /// Applies the oldest group, one transaction a stream, and compares.
    fn apply(&mut self) -> Result<(), Broken> {
        let Some(Cut { parts, shadow: owner, dangling }) = self.groups.pop_front() else { return Ok(()) };
        for part in parts {
            let stream = part.stream;
            let expect = match self.replica.watermark(&stream).unwrap() {
                Some(mark) => mark,
                None => {
                    let genesis = Mark { stream: stream.clone(), epoch: 1, seq: 0, digest: Digest([1; 32]) };
                    self.replica.follow(EPOCH_ID, &genesis, None).unwrap();
                    genesis
                }
            };
            let contract = self.setup.contract.stream(&stream).unwrap();
            let request = ApplyRequest { contract, epoch_id: EPOCH_ID, expect: &expect, now_ms: 1_000 };
            match self.replica.apply(&request, &mut Batches(part.batches.into_iter())).unwrap() {
                ApplyOutcome::Applied { parked_rows: 0, .. } => {}
                ApplyOutcome::Refused(refused) if dangling && refused.code == "constraint-foreign-key" => {
                    return Err(Broken::Dangling(format!("{refused:?}")));
                }
                other @ (ApplyOutcome::Applied { .. }
                | ApplyOutcome::Refused(_)
                | ApplyOutcome::Spoiled(_)
                | ApplyOutcome::Moved(_)) => return Err(Broken::NotApplied(format!("{other:?}"))),
            }
        }
        let replica = dump(&self.replica.books, &self.dump);
        if replica == owner { Ok(()) } else { Err(Broken::Different { owner, replica }) }
    }
}

fn dump(lane: &Lane, query: &str) -> String {
    lane.lock().first(query.to_owned(), args![]).unwrap().unwrap().string(0).unwrap()
}

/// A step that another program's transaction holds up is left out.
fn is_busy(error: &PortError) {
    assert_eq!(error.kind, FaultKind::Transient, "{error}");
}
