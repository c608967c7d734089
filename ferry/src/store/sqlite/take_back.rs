//! Takes own batches back into a database that was put back to a backup, in one transaction.
//!
//! The first rows of the batches may still wait in the outbox: the backup was made after they were captured and before they
//! were recorded. They are in the tables already, and leave the outbox. The others were lost; they are written into the
//! tables, and what the triggers capture of that is removed again. A change that a program has made since the zone was put back
//! stands behind both, and a lost row of the same key is not written under it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use ferry_core::contract::StreamContract;
use ferry_core::ports::{
    CheckedBatch, CheckedRow, CutRequest, PortError, RETURN_CONFLICT, RETURN_TORN, ReturnSource, ReturnedBatch,
    SourceFault, TakeBackOutcome, TakeBackRequest,
};
use ferry_core::settings::RETURNED_ATTEMPT;
use ferry_format::{Digest, LinkId, Refusal, parse_record, write_value};

use super::apply::{Plan, plan, written};
use super::audit::{Leaf, Log, append};
use super::collapse::collapse;
use super::dialect::SqliteDialect;
use super::failure::{DbError, Violation, conflict, corrupt};
use super::lane::{Columns as _, Session, args, sql};
use super::outgoing::{self, OwnStream};
use super::recover::recover_out;
use super::trace::Index;
use crate::store::dialect::Dialect as _;

/// Captured changes that are compared with lost rows at a time.
const COMPARED_AT_A_TIME: u64 = 1_000;

/// Why nothing is committed.
enum Stop {
    Ended(TakeBackOutcome),
    Failed(DbError),
}

impl From<DbError> for Stop {
    fn from(error: DbError) -> Self {
        Self::Failed(error)
    }
}

/// Takes the batches that `source` hands over, or tells why not.
pub(super) fn take_back(
    session: &mut Session,
    link: &LinkId,
    (plans, index): (&Mutex<BTreeMap<Digest, Arc<Plan>>>, Option<&Index>),
    request: &TakeBackRequest<'_>,
    source: &mut dyn ReturnSource,
) -> Result<TakeBackOutcome, PortError> {
    let plan = plan(session, plans, request.contract)?;
    session.begin()?;
    let outbox = SqliteDialect.outbox(link, &request.contract.name);
    let mut work = Work { session, link, request, plan: &plan, index, outbox, cursor: 0, follows: true, last_seq: 0 };
    let done = work.run(source).and_then(|outcome| work.commit().map(|()| outcome));
    match done {
        Ok(outcome) => Ok(outcome),
        Err(stop) => {
            session.roll_back();
            match stop {
                Stop::Ended(outcome) => Ok(outcome),
                Stop::Failed(error) => Err(error.into()),
            }
        }
    }
}

struct Work<'w> {
    session: &'w mut Session,
    link: &'w LinkId,
    request: &'w TakeBackRequest<'w>,
    plan: &'w Plan,
    index: Option<&'w Index>,
    outbox: String,
    /// The last outbox row that one of the batches holds.
    cursor: u64,
    /// Every row so far was the next one of the outbox.
    follows: bool,
    last_seq: u64,
}

impl Work<'_> {
    fn run(&mut self, source: &mut dyn ReturnSource) -> Result<TakeBackOutcome, Stop> {
        let request = self.request;
        let own = outgoing::own_stream(self.session, self.link, &request.contract.name)?;
        let mut mark = request.expect.clone();
        if (own.epoch, own.last_seq, own.last_digest) != (mark.epoch, mark.seq, mark.digest) {
            let recovered = recover_out(self.session, self.link, own)?;
            return Err(Stop::Ended(TakeBackOutcome::Moved(Box::new(recovered))));
        }
        if own.epoch_id != request.epoch_id {
            return Err(conflict(format!("{} has another epoch of the same number", mark.stream)).into());
        }
        self.cursor = own.through_id;
        self.session.run(sql().defer_foreign_keys, &[])?;
        while let Some(returned) = next(source)? {
            let batch = &returned.batch;
            if batch.seq != mark.seq + 1 || batch.previous != mark.digest || batch.epoch != mark.epoch {
                return Err(conflict(format!("batches of {} do not follow each other", mark.stream)).into());
            }
            let lost = self.lost_rows(&returned)?;
            self.write(&lost)?;
            self.record(&returned)?;
            (mark.seq, mark.digest) = (batch.seq, batch.digest);
        }
        if mark.seq == request.expect.seq {
            return Err(conflict(format!("no batch of {} came back", mark.stream)).into());
        }
        self.last_seq = mark.seq;
        self.advance(&own, &mark)?;
        let own = outgoing::own_stream(self.session, self.link, &mark.stream)?;
        let recovered = recover_out(self.session, self.link, own)?;
        Ok(TakeBackOutcome::TakenBack(Box::new(recovered)))
    }

    /// The rows of a batch that do not wait in the outbox; what does is passed.
    fn lost_rows(&mut self, returned: &ReturnedBatch) -> Result<CheckedBatch, Stop> {
        let mut lost = returned.rows.clone();
        let waiting = if self.follows { self.waiting(returned.batch.rows)? } else { Vec::new() };
        let mut found = 0;
        for (row, (id, line)) in returned.rows.rows.iter().zip(&waiting) {
            if *line != self.line(&returned.rows, row) {
                break;
            }
            self.cursor = *id;
            found += 1;
        }
        self.follows = found == lost.rows.len();
        lost.rows.drain(..found);
        if lost.rows.is_empty() {
            return Ok(lost);
        }
        if !self.request.whole {
            return Err(self.refused(&lost, found, RETURN_TORN, None));
        }
        if let Some((place, id)) = self.changed_since(&lost)? {
            return Err(self.refused(&lost, found + place, RETURN_CONFLICT, Some((place, id))));
        }
        Ok(lost)
    }

    /// The next rows of the outbox, as far as they were captured under the contract of the batches.
    fn waiting(&mut self, rows: u64) -> Result<Vec<(u64, Vec<u8>)>, DbError> {
        let stream = self.request.contract.name.clone();
        let (upto, bytes) = (i64::MAX.unsigned_abs(), u64::MAX);
        let request = CutRequest { stream, after: self.cursor, upto, rows, bytes };
        let cut = outgoing::cut(self.session, self.link, &request, None)?;
        if cut.contract != Some(self.request.contract.digest) {
            return Ok(Vec::new());
        }
        Ok(cut.ids.into_iter().zip(cut.lines.split(|byte| *byte == b'\n').map(<[u8]>::to_vec)).collect())
    }

    /// The line that capture writes for a row.
    fn line(&self, batch: &CheckedBatch, row: &CheckedRow) -> Vec<u8> {
        let head = format!("[\"{}\",\"{}\",", self.request.contract.tables[row.table].name, row.op.letter());
        [head.as_bytes(), batch.values(row).strip_prefix(b"[").unwrap_or_default()].concat()
    }

    /// The first lost row whose key a program has changed since, by its place among them, with the captured change.
    fn changed_since(&mut self, lost: &CheckedBatch) -> Result<Option<(usize, u64)>, DbError> {
        let mut keys = BTreeMap::new();
        for (place, row) in lost.rows.iter().enumerate() {
            keys.entry((row.table, lost.key(row).to_vec())).or_insert(place);
        }
        let (stream, mut after) = (self.request.contract.name.clone(), self.cursor);
        loop {
            let (upto, bytes) = (i64::MAX.unsigned_abs(), u64::MAX);
            let request = CutRequest { stream: stream.clone(), after, upto, rows: COMPARED_AT_A_TIME, bytes };
            let cut = outgoing::cut(self.session, self.link, &request, None)?;
            let Some(last) = cut.ids.last() else { return Ok(None) };
            after = *last;
            for (id, line) in cut.ids.iter().zip(cut.lines.split(|byte| *byte == b'\n')) {
                // What cannot be sent cannot be compared either; operators have to pass it all the same.
                let place = captured_key(line, self.request.contract).map_or(Some(&0), |key| keys.get(&key));
                if let Some(place) = place {
                    return Ok(Some((*place, *id)));
                }
            }
        }
    }

    fn refused(&self, lost: &CheckedBatch, index: usize, code: &str, captured: Option<(usize, u64)>) -> Stop {
        let row = lost.rows.get(captured.map_or(0, |(place, _)| place));
        let refusal = Refusal {
            code: code.to_owned(),
            seq: lost.seq,
            table: row.map(|row| self.request.contract.tables[row.table].name.clone()),
            row: u64::try_from(index).ok(),
            constraint: None,
        };
        Stop::Ended(TakeBackOutcome::Refused { refusal, captured: captured.map(|(_, id)| id) })
    }

    /// Writes lost rows into the tables, and removes what the triggers capture of it.
    fn write(&mut self, lost: &CheckedBatch) -> Result<(), Stop> {
        if lost.rows.is_empty() {
            return Ok(());
        }
        let before = self.last_captured()?;
        self.session.run(sql().savepoint, &[])?;
        match self.write_sets(lost) {
            Ok(()) => {}
            Err(DbError::Constraint(_)) => {
                self.session.run(sql().rollback_to, &[])?;
                self.write_rows(lost)?;
            }
            Err(error @ DbError::Port(_)) => return Err(error.into()),
        }
        self.session.run(sql().release, &[])?;
        self.session.run(SqliteDialect.remove_above(&self.outbox), args![before])?;
        Ok(())
    }

    fn last_captured(&mut self) -> Result<u64, DbError> {
        let stream = self.request.contract.name.as_str().to_owned();
        let row = self.session.first(SqliteDialect.observe(&[(stream, self.outbox.clone())]), &[])?;
        row.ok_or_else(|| corrupt("an outbox has no last id"))?.int(1)
    }

    fn write_sets(&mut self, lost: &CheckedBatch) -> Result<(), DbError> {
        let sets = collapse(lost).map_err(|_| corrupt("a checked batch is not UTF-8"))?;
        for set in sets.iter().rev() {
            if let Some(keys) = &set.deletes {
                self.session.run(self.plan.delete(set.table), args![keys.as_str()])?;
            }
        }
        for set in &sets {
            if let Some(rows) = &set.upserts {
                self.session.run(self.plan.upsert(set.table), args![rows.as_str()])?;
            }
        }
        Ok(())
    }

    fn write_rows(&mut self, lost: &CheckedBatch) -> Result<(), Stop> {
        for (index, row) in lost.rows.iter().enumerate() {
            let (one, removes) = written(lost, row)?;
            let statement = if removes { self.plan.delete(row.table) } else { self.plan.upsert(row.table) };
            match self.session.run(statement, args![one.as_str()]) {
                Ok(_) => {}
                Err(DbError::Constraint(Violation { code, name })) => {
                    let refusal = Refusal {
                        code: code.to_owned(),
                        seq: lost.seq,
                        table: Some(self.request.contract.tables[row.table].name.clone()),
                        row: u64::try_from(index).ok(),
                        constraint: name,
                    };
                    return Err(Stop::Ended(TakeBackOutcome::Refused { refusal, captured: None }));
                }
                Err(error @ DbError::Port(_)) => return Err(error.into()),
            }
        }
        Ok(())
    }

    fn record(&mut self, returned: &ReturnedBatch) -> Result<(), DbError> {
        let mut batch = returned.batch.clone();
        batch.through_id = self.cursor;
        outgoing::add_batch(self.session, self.link, &batch)?;
        let (link, stream) = (self.link.as_str(), batch.stream.as_str());
        let attempt = u64::from(RETURNED_ATTEMPT);
        self.session
            .run(sql().batch_out_attempt, args![link, stream, batch.epoch, batch.seq, attempt, self.request.now_ms])?;
        let counts = &returned.rows.digest;
        if *counts != batch.digest {
            let tables = outgoing::tables_json(&batch.tables);
            let of = args![link, stream, batch.epoch, batch.seq, 0_u64, counts, batch.rows, batch.file_bytes, tables];
            self.session.run(sql().superseding_add, of)?;
        }
        if let Some(index) = self.index {
            index.taken_back(self.session, self.link, batch.epoch, self.request.contract, &returned.rows)?;
        }
        let leaf = Leaf {
            kind: "taken-back",
            epoch: batch.epoch,
            seq: batch.seq,
            digest: Some(counts),
            at_ms: self.request.now_ms,
            more: vec![("file_bytes", batch.file_bytes.into()), ("rows", batch.rows.into())],
        };
        append(self.session, self.link, Log::Out, &batch.stream, &[leaf])
    }

    fn advance(&mut self, own: &OwnStream, mark: &ferry_format::Mark) -> Result<(), DbError> {
        let (link, stream) = (self.link.as_str(), mark.stream.as_str());
        let expect = self.request.expect;
        let changed = self.session.run(
            sql().out_advance,
            args![link, stream, expect.epoch, expect.seq, &expect.digest, mark.seq, &mark.digest, self.cursor],
        )?;
        if changed != 1 {
            return Err(conflict(format!("stream {stream} moved inside a transaction")));
        }
        if self.cursor > own.through_id {
            self.session.run(SqliteDialect.remove_below(&self.outbox), args![self.cursor])?;
            self.session.run(SqliteDialect.empty_row(&self.outbox), args![self.cursor])?;
            self.session.run(sql().boundary_pass, args![link, stream, self.cursor])?;
        }
        Ok(())
    }

    fn commit(&mut self) -> Result<(), Stop> {
        match self.session.try_commit() {
            Ok(()) => Ok(()),
            Err(DbError::Constraint(Violation { code, name })) => {
                let code = code.to_owned();
                let refusal = Refusal { code, seq: self.last_seq, table: None, row: None, constraint: name };
                Err(Stop::Ended(TakeBackOutcome::Refused { refusal, captured: None }))
            }
            Err(error @ DbError::Port(_)) => Err(error.into()),
        }
    }
}

fn next(source: &mut dyn ReturnSource) -> Result<Option<ReturnedBatch>, Stop> {
    source.next().map_err(|fault| match fault {
        SourceFault::Refused(refusal) => Stop::Ended(TakeBackOutcome::Refused { refusal, captured: None }),
        SourceFault::Spoiled(spoiled) => Stop::Ended(TakeBackOutcome::Spoiled(spoiled)),
        SourceFault::Port(error) => Stop::Failed(error.into()),
    })
}

/// The table and the key of a captured change, spelled as a checked batch spells them; `None` when it is no record of the
/// contract.
fn captured_key(line: &[u8], contract: &StreamContract) -> Option<(usize, Vec<u8>)> {
    let record = parse_record(line).ok()?;
    let table = contract.tables.iter().position(|table| table.name == record.table)?;
    contract.check(&record).ok()?;
    let mut key = vec![b'['];
    for (index, value) in contract.tables[table].key_values(&record).enumerate() {
        if index > 0 {
            key.push(b',');
        }
        write_value(&mut key, value);
    }
    key.push(b']');
    Some((table, key))
}
