//! Applies a group in one transaction: rows, watermark, batch reports, audit leaves.
//!
//! A batch is first written as sets: for each table the keys that are gone in the end, then the last image of every
//! other key. When a constraint stands against that, the batch is taken back and written row by row in its own order,
//! which succeeds where only the order was to blame (two rows that swap a unique value), and otherwise names the row.
//! Foreign keys are checked when the whole group is there, as the owner's transaction was.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use ferry_core::breaks::{self, Break};
use ferry_core::contract::{StreamContract, Table};
use ferry_core::ports::{
    ACT_DONE, AppliedBatch, ApplyOutcome, ApplyRequest, BatchSource, CheckedBatch, CheckedRow, FaultKind, PeerAct,
    PortError, SourceFault, Spoiled,
};
use ferry_format::{Digest, LinkId, Mark, Refusal};

use super::acts;
use super::audit::{Leaf, Log, append};
use super::collapse::{TableSet, array, collapse, is_delete};
use super::dialect::SqliteDialect;
use super::failure::{DbError, Violation, conflict, corrupt};
use super::incoming::{Followed, followed};
use super::inspect::{cascades, foreign_keys};
use super::lane::{Columns as _, Session, args, sql};
use super::trace::Index;
use crate::drill;
use crate::store::dialect::Dialect as _;

/// The code of a row that refers to a row which is not there.
pub(super) const FOREIGN_KEY: &str = "constraint-foreign-key";

/// How the tables of one contract are written, by their place in it.
pub(super) struct Plan {
    tables: Vec<TablePlan>,
}

impl Plan {
    /// Writes rows of a table.
    pub(super) fn upsert(&self, table: usize) -> Arc<str> {
        Arc::clone(&self.tables[table].upsert)
    }

    /// Removes rows of a table.
    pub(super) fn delete(&self, table: usize) -> Arc<str> {
        Arc::clone(&self.tables[table].delete)
    }
}

struct TablePlan {
    upsert: Arc<str>,
    delete: Arc<str>,
    /// Counts rows that refer to nothing; only for independent tables with foreign keys, whose bad rows are parked.
    orphans: Option<Arc<str>>,
    /// Tells whether the database itself would change rows; only where foreign keys of other rows make it do so.
    cascades: Option<CascadeCheck>,
}

/// Removing a row must change no other: the owner tells of every row that changed, and one that it left as it is would differ.
pub(super) struct CascadeCheck {
    count: Arc<str>,
    /// The foreign keys, for the refusal.
    name: String,
}

impl CascadeCheck {
    /// The check for rows of `table`, one of a stream's `tables`; `None` where no foreign key acts.
    pub fn new(session: &mut Session, tables: &[Table], table: &Table) -> Result<Option<Self>, DbError> {
        let found = cascades(session, tables, table)?;
        if found.is_empty() {
            return Ok(None);
        }
        let names: Vec<String> = found.iter().map(|one| format!("{} to {}", one.child.name, table.name)).collect();
        Ok(Some(Self { count: SqliteDialect.count_cascades(table, &found).into(), name: names.join(", ") }))
    }

    /// Fails if removing the rows with these keys would change others.
    pub fn run(&self, session: &mut Session, keys: &str) -> Result<(), DbError> {
        let row = session.first(Arc::clone(&self.count), args![keys])?;
        match row.map(|row| row.int(0)).transpose()? {
            Some(0) | None => Ok(()),
            Some(_) => Err(DbError::Constraint(Violation { code: FOREIGN_KEY, name: Some(self.name.clone()) })),
        }
    }
}

/// Why a group is not committed.
enum Stop {
    Refused(Refusal),
    Spoiled(Spoiled),
    Moved(Mark),
    Failed(DbError),
}

impl From<DbError> for Stop {
    fn from(error: DbError) -> Self {
        Self::Failed(error)
    }
}

/// Applies the group that `source` hands over, or tells why not.
pub(super) fn apply(
    session: &mut Session,
    link: &LinkId,
    (plans, index): (&Mutex<BTreeMap<Digest, Arc<Plan>>>, Option<&Index>),
    request: &ApplyRequest<'_>,
    source: &mut dyn BatchSource,
) -> Result<ApplyOutcome, PortError> {
    // The first batch is opened before the database is locked; most groups have no other.
    let first = match next(source) {
        Ok(Some(first)) => first,
        Ok(None) => return Err(PortError::new(FaultKind::Conflict, "a group without batches")),
        Err(stop) => return end(stop),
    };
    let plan = plan(session, plans, request.contract)?;
    session.begin()?;
    let (applied, clock) = (Vec::new(), Clock::start());
    let mut group = Group { session, link, index, request, plan: &plan, applied, parked_rows: 0, clock };
    let written = group.write(first, &mut Ahead { source, opened: None });
    match written.and_then(|outcome| group.commit().map(|()| outcome)) {
        Ok(outcome) => Ok(outcome),
        Err(stop) => {
            session.roll_back();
            end(stop)
        }
    }
}

fn end(stop: Stop) -> Result<ApplyOutcome, PortError> {
    match stop {
        Stop::Refused(refusal) => Ok(ApplyOutcome::Refused(refusal)),
        Stop::Spoiled(spoiled) => Ok(ApplyOutcome::Spoiled(spoiled)),
        Stop::Moved(mark) => Ok(ApplyOutcome::Moved(mark)),
        Stop::Failed(error) => Err(error.into()),
    }
}

/// The batches that come after the one in hand. The next one is opened while the database writes this one.
struct Ahead<'s> {
    source: &'s mut dyn BatchSource,
    opened: Option<Result<Option<CheckedBatch>, Stop>>,
}

impl Ahead<'_> {
    fn open(&mut self) {
        if self.opened.is_none() {
            self.opened = Some(next(self.source));
        }
    }

    fn take(&mut self) -> Result<Option<CheckedBatch>, Stop> {
        self.open();
        self.opened.take().unwrap_or(Ok(None))
    }
}

fn next(source: &mut dyn BatchSource) -> Result<Option<CheckedBatch>, Stop> {
    source.next().map_err(|fault| match fault {
        SourceFault::Refused(refusal) => Stop::Refused(refusal),
        SourceFault::Spoiled(spoiled) => Stop::Spoiled(spoiled),
        SourceFault::Port(error) => Stop::Failed(error.into()),
    })
}

/// How the tables of a contract are written.
pub(super) fn plan(
    session: &mut Session,
    plans: &Mutex<BTreeMap<Digest, Arc<Plan>>>,
    contract: &StreamContract,
) -> Result<Arc<Plan>, DbError> {
    let mut plans = plans.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(plan) = plans.get(&contract.digest) {
        return Ok(Arc::clone(plan));
    }
    let mut tables = Vec::new();
    for table in &contract.tables {
        let keys = if table.independent { foreign_keys(session, table)? } else { Vec::new() };
        let orphans = (!keys.is_empty()).then(|| SqliteDialect.count_orphans(table, &keys).into());
        let (upsert, delete) = (SqliteDialect.upsert(table).into(), SqliteDialect.delete(table).into());
        let cascades = CascadeCheck::new(session, &contract.tables, table)?;
        tables.push(TablePlan { upsert, delete, orphans, cascades });
    }
    let plan = Arc::new(Plan { tables });
    plans.insert(contract.digest, Arc::clone(&plan));
    Ok(plan)
}

struct Group<'g> {
    session: &'g mut Session,
    link: &'g LinkId,
    index: Option<&'g Index>,
    request: &'g ApplyRequest<'g>,
    plan: &'g Plan,
    applied: Vec<(AppliedBatch, Digest)>,
    /// Rows of the stream that are parked, as far as the group has come.
    parked_rows: u64,
    clock: Clock,
}

impl Group<'_> {
    fn write(&mut self, first: CheckedBatch, ahead: &mut Ahead<'_>) -> Result<ApplyOutcome, Stop> {
        let before = self.expected_watermark()?;
        self.parked_rows = before.parked_rows;
        self.session.run(sql().applying_set, args![self.link.as_str()])?;
        self.session.run(sql().defer_foreign_keys, &[])?;
        let mut mark = before.mark;
        let mut upcoming = Some(first);
        while let Some(batch) = upcoming {
            if batch.seq != mark.seq + 1 {
                return Err(conflict(format!("batches of {} do not follow each other", mark.stream)).into());
            }
            let parked = self.write_batch(&batch, ahead)?;
            drill::pass("rows written");
            if breaks::is(Break::WatermarkApart) {
                self.part()?;
            }
            (mark.seq, mark.digest) = (batch.seq, batch.chain);
            if let Some(index) = self.index {
                index.applied(self.session, self.link, &mark, self.request.contract, &batch, &parked)?;
            }
            self.report(&batch, u64::try_from(parked.len()).map_err(|_| corrupt("a batch with too many rows"))?)?;
            self.supersede(&batch)?;
            upcoming = ahead.take()?;
        }
        self.session.run(sql().applying_clear, &[])?;
        self.advance(&mark, before.parked_rows)?;
        let parked_rows = self.parked_rows;
        let batches = self.applied.iter().map(|(batch, _)| batch.clone()).collect();
        Ok(ApplyOutcome::Applied { mark, batches, parked_rows })
    }

    /// A mistake that a test must notice: what follows is committed in a transaction of its own.
    fn part(&mut self) -> Result<(), Stop> {
        self.session.run(sql().applying_clear, &[])?;
        self.commit()?;
        self.session.begin()?;
        self.session.run(sql().applying_set, args![self.link.as_str()])?;
        self.session.run(sql().defer_foreign_keys, &[])?;
        Ok(())
    }

    fn expected_watermark(&mut self) -> Result<Followed, Stop> {
        let stream = &self.request.contract.name;
        let Some(found) = followed(self.session, self.link, stream)? else {
            return Err(conflict(format!("{stream} follows no epoch")).into());
        };
        if found.mark != *self.request.expect {
            return Err(Stop::Moved(found.mark));
        }
        if found.epoch_id != self.request.epoch_id {
            return Err(conflict(format!("{stream} follows another epoch of the same number")).into());
        }
        Ok(found)
    }

    /// Writes one batch, and tells the indexes of its rows that were parked, in order.
    fn write_batch(&mut self, batch: &CheckedBatch, ahead: &mut Ahead<'_>) -> Result<Vec<u64>, Stop> {
        self.session.run(sql().savepoint, &[])?;
        let sets = collapse(batch).map_err(|_| corrupt("a checked batch is not UTF-8"))?;
        let parked_before = self.parked_rows;
        let parked = match self.write_sets(&sets, ahead) {
            Ok(()) => Vec::new(),
            Err(DbError::Constraint(_)) => {
                self.parked_rows = parked_before;
                self.session.run(sql().rollback_to, &[])?;
                self.write_rows(batch)?
            }
            Err(error @ DbError::Port(_)) => return Err(error.into()),
        };
        self.session.run(sql().release, &[])?;
        Ok(parked)
    }

    fn write_sets(&mut self, sets: &[TableSet], ahead: &mut Ahead<'_>) -> Result<(), DbError> {
        for set in sets.iter().rev() {
            if let Some(keys) = &set.deletes {
                self.remove(set.table, keys)?;
            }
        }
        for set in sets {
            if let Some(rows) = &set.upserts {
                let upsert = Arc::clone(&self.plan.tables[set.table].upsert);
                self.session.run_while(upsert, args![rows.as_str()], || ahead.open())?;
            }
        }
        for set in sets {
            if let Some(rows) = &set.upserts {
                self.check_orphans(set.table, rows)?;
            }
        }
        for set in sets {
            self.overtake(set.table, set.deletes.as_deref(), false)?;
            self.overtake(set.table, set.upserts.as_deref(), true)?;
        }
        Ok(())
    }

    fn remove(&mut self, table: usize, keys: &str) -> Result<(), DbError> {
        let plan = &self.plan.tables[table];
        if let Some(cascades) = &plan.cascades {
            cascades.run(self.session, keys)?;
        }
        self.session.run(Arc::clone(&plan.delete), args![keys]).map(|_| ())
    }

    /// Forgets parked rows that have a later image now: tried again, they would take its place.
    fn overtake(&mut self, table: usize, written: Option<&str>, by_rows: bool) -> Result<(), DbError> {
        let table = &self.request.contract.tables[table];
        let Some(written) = written.filter(|_| self.parked_rows > 0 && table.independent) else { return Ok(()) };
        let place = (self.link.as_str(), self.request.contract.name.as_str(), table.name.as_str());
        let of = args![place.0, place.1, place.2, written];
        self.parked_rows -= self.session.run(SqliteDialect.parked_overtaken(table, by_rows), of)?;
        Ok(())
    }

    fn check_orphans(&mut self, table: usize, rows: &str) -> Result<(), DbError> {
        let Some(orphans) = &self.plan.tables[table].orphans else { return Ok(()) };
        let row = self.session.first(Arc::clone(orphans), args![rows])?;
        match row.map(|row| row.int(0)).transpose()? {
            Some(0) | None => Ok(()),
            Some(_) => Err(DbError::Constraint(Violation { code: FOREIGN_KEY, name: None })),
        }
    }

    fn write_rows(&mut self, batch: &CheckedBatch) -> Result<Vec<u64>, Stop> {
        let mut parked = Vec::new();
        for (index, row) in batch.rows.iter().enumerate() {
            let violation = match self.write_row(batch, row) {
                Ok(()) => continue,
                Err(DbError::Constraint(violation)) => violation,
                Err(error @ DbError::Port(_)) => return Err(error.into()),
            };
            let table = &self.request.contract.tables[row.table];
            let index = u64::try_from(index).map_err(|_| corrupt("a batch with too many rows"))?;
            if !table.independent {
                return Err(Stop::Refused(Refusal {
                    code: violation.code.to_owned(),
                    seq: batch.seq,
                    table: Some(table.name.clone()),
                    row: Some(index),
                    constraint: violation.name,
                }));
            }
            self.park(batch, row, index, violation.code)?;
            parked.push(index);
        }
        Ok(parked)
    }

    /// A statement that fails a constraint changes nothing, so rows need no savepoint of their own. A row that refers
    /// to nothing is found before it is written.
    fn write_row(&mut self, batch: &CheckedBatch, row: &CheckedRow) -> Result<(), DbError> {
        let (one, removes) = written(batch, row)?;
        let plan = &self.plan.tables[row.table];
        if removes {
            self.remove(row.table, &one)?;
        } else {
            self.check_orphans(row.table, &one)?;
            self.session.run(Arc::clone(&plan.upsert), args![one.as_str()])?;
        }
        self.overtake(row.table, Some(&one), !removes)
    }

    fn park(&mut self, batch: &CheckedBatch, row: &CheckedRow, index: u64, code: &str) -> Result<(), DbError> {
        let table = &self.request.contract.tables[row.table].name;
        let values = std::str::from_utf8(batch.values(row)).map_err(|_| corrupt("a checked batch is not UTF-8"))?;
        let values = values.strip_prefix('[').ok_or_else(|| corrupt("a checked row is no array"))?;
        // One parked row of a key is enough: tried again, the older one would take the place of the newer.
        let (one, removes) = written(batch, row)?;
        self.overtake(row.table, Some(&one), !removes)?;
        let record = format!("[\"{table}\",\"{}\",{values}", row.op.letter());
        let (mark, now_ms) = (self.request.expect, self.request.now_ms);
        let place = (self.link.as_str(), mark.stream.as_str());
        self.session.run(
            sql().parked_add,
            args![place.0, place.1, mark.epoch, batch.seq, index, table.as_str(), code, record, now_ms],
        )?;
        self.parked_rows += 1;
        Ok(())
    }

    fn report(&mut self, batch: &CheckedBatch, parked: u64) -> Result<(), DbError> {
        let all = u64::try_from(batch.rows.len()).map_err(|_| corrupt("a batch with too many rows"))?;
        let applied = AppliedBatch { seq: batch.seq, rows: all - parked, parked, apply_ms: self.clock.lap_ms() };
        let (mark, now_ms) = (self.request.expect, self.request.now_ms);
        let wait_ms = if batch.taken_at_ms == 0 { 0 } else { now_ms.saturating_sub(batch.taken_at_ms) };
        self.session.run(
            sql().batch_in_add,
            args![
                self.link.as_str(),
                mark.stream.as_str(),
                mark.epoch,
                batch.seq,
                &batch.digest,
                applied.rows,
                parked,
                batch.file_bytes,
                batch.taken_at_ms,
                now_ms,
                wait_ms,
                applied.apply_ms,
                (batch.chain != batch.digest).then(|| batch.chain.to_string())
            ],
        )?;
        self.applied.push((applied, batch.digest));
        Ok(())
    }

    /// What else goes with a batch that supersedes: disputes about its place, and its act into the list.
    fn supersede(&mut self, batch: &CheckedBatch) -> Result<(), DbError> {
        let Some(act) = &batch.act else { return Ok(()) };
        let (link, mark) = (self.link, self.request.expect);
        let stream = mark.stream.as_str();
        self.session.run(sql().dispute_end, args![link.as_str(), stream, mark.epoch, batch.seq, batch.seq])?;
        self.session.run(sql().in_superseded, args![link.as_str(), stream, batch.seq, &batch.digest])?;
        let (digest, code, at_ms) = (Digest::of(&[act]), ACT_DONE.to_owned(), self.request.now_ms);
        let act = PeerAct { digest, file: act.clone(), verified: true, code, at_ms };
        acts::list_of_peer(self.session, link, &[act])
    }

    fn advance(&mut self, mark: &Mark, parked_before: u64) -> Result<(), DbError> {
        let expect = self.request.expect;
        let (link, stream) = (self.link.as_str(), expect.stream.as_str());
        let changed = self.session.run(
            sql().in_advance,
            args![
                link,
                stream,
                expect.epoch,
                expect.seq,
                &expect.digest,
                mark.seq,
                &mark.digest,
                parked_before,
                self.parked_rows
            ],
        )?;
        if changed != 1 {
            return Err(conflict(format!("the watermark of {stream} moved inside a transaction")));
        }
        let leaf = |(batch, digest): &(AppliedBatch, Digest)| (batch.clone(), *digest);
        let applied: Vec<(AppliedBatch, Digest)> = self.applied.iter().map(leaf).collect();
        let leaves: Vec<Leaf<'_>> = applied
            .iter()
            .map(|(batch, digest)| Leaf {
                kind: "applied",
                epoch: expect.epoch,
                seq: batch.seq,
                digest: Some(digest),
                at_ms: self.request.now_ms,
                more: vec![("parked", batch.parked.into()), ("rows", batch.rows.into())],
            })
            .collect();
        append(self.session, self.link, Log::In, &expect.stream, &leaves)
    }

    fn commit(&mut self) -> Result<(), Stop> {
        match self.session.try_commit() {
            Ok(()) => Ok(()),
            Err(DbError::Constraint(violation)) => Err(Stop::Refused(self.dangling(violation)?)),
            Err(error @ DbError::Port(_)) => Err(error.into()),
        }
    }

    /// Only foreign keys are left to be checked at the commit. They name no row, so the table is looked for.
    fn dangling(&mut self, violation: Violation) -> Result<Refusal, DbError> {
        let seq = self.applied.last().map_or(0, |(batch, _)| batch.seq);
        let mut refusal =
            Refusal { code: violation.code.to_owned(), seq, table: None, row: None, constraint: violation.name };
        for table in &self.request.contract.tables {
            if let Some(row) = self.session.first(sql().foreign_key_check, args![table.name.as_str()])? {
                refusal.table = Some(table.name.clone());
                refusal.constraint = Some(format!("{} to {}", table.name, row.string(0)?));
                break;
            }
        }
        Ok(refusal)
    }
}

/// What a row writes, as the only one of its set, and whether it is a key to remove.
pub(super) fn written(batch: &CheckedBatch, row: &CheckedRow) -> Result<(String, bool), DbError> {
    let (removes, values) = if is_delete(row) { (true, batch.key(row)) } else { (false, batch.values(row)) };
    let one = array(std::iter::once(values)).map_err(|_| corrupt("a checked batch is not UTF-8"))?;
    Ok((one.ok_or_else(|| corrupt("a checked row is empty"))?, removes))
}

/// Measures how long batches take; information only.
struct Clock {
    last: std::time::Instant,
}

impl Clock {
    #[expect(clippy::disallowed_methods, reason = "how long a batch took is told to operators and decides nothing")]
    fn start() -> Self {
        Self { last: std::time::Instant::now() }
    }

    /// The milliseconds since the last lap.
    fn lap_ms(&mut self) -> u64 {
        let before = std::mem::replace(self, Self::start());
        u64::try_from(self.last.duration_since(before.last).as_millis()).unwrap_or(u64::MAX)
    }
}
