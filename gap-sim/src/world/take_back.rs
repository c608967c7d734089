//! What taking own batches back changes in a [`Database`], found out before anything is changed.

use std::collections::{BTreeMap, BTreeSet};

use ferry_core::ports::{
    CheckedBatch, CheckedRow, FaultKind, PortError, RETURN_CONFLICT, RETURN_TORN, RecoveredBatch, RecoveredOut,
    ReturnSource, ReturnedBatch, SourceFault, TakeBackOutcome, TakeBackRequest,
};
use ferry_core::settings::RETURNED_ATTEMPT;
use ferry_format::{Deed, Digest, Op, Refusal, SignedAct, StreamName};

use super::change::Change;
use super::database::{Database, Json, OwnStream, RecordedBatch};
use super::lives::{place, place_of};

/// What becomes of a stream.
pub(super) struct TakeBackPlan {
    stream: StreamName,
    own: OwnStream,
    /// Rows that were lost: table, key, and what they say.
    writes: Vec<(String, Json, Option<Json>)>,
    leaves: Vec<String>,
}

fn refused(seq: u64, code: &str, row: usize, captured: Option<u64>) -> TakeBackOutcome {
    let row = u64::try_from(row).ok();
    let refusal = Refusal { code: code.to_owned(), seq, table: None, row, constraint: None };
    TakeBackOutcome::Refused { refusal, captured }
}

fn conflict(text: &str) -> PortError {
    PortError::new(FaultKind::Conflict, text)
}

impl TakeBackPlan {
    pub fn make(
        database: &Database,
        request: &TakeBackRequest<'_>,
        source: &mut dyn ReturnSource,
    ) -> Result<Result<Self, TakeBackOutcome>, PortError> {
        let stream = request.contract.name.clone();
        let own = database.own.get(&stream).ok_or_else(|| conflict("no stream of this zone"))?;
        if own.last != *request.expect {
            return Ok(Err(TakeBackOutcome::Moved(Box::new(recovered_out(database, own)))));
        }
        if own.epoch_id != request.epoch_id {
            return Err(conflict("another epoch of the same number"));
        }
        let mut plan = Self { stream, own: own.clone(), writes: Vec::new(), leaves: Vec::new() };
        let mut count = 0;
        loop {
            let returned = match source.next() {
                Ok(Some(returned)) => returned,
                Ok(None) if count == 0 => return Err(conflict("no batch came back")),
                Ok(None) => return Ok(Ok(plan)),
                Err(SourceFault::Refused(refusal)) => {
                    return Ok(Err(TakeBackOutcome::Refused { refusal, captured: None }));
                }
                Err(SourceFault::Spoiled(spoiled)) => return Ok(Err(TakeBackOutcome::Spoiled(spoiled))),
                Err(SourceFault::Port(error)) => return Err(error),
            };
            let (batch, last) = (&returned.batch, &plan.own.last);
            if batch.seq != last.seq + 1 || batch.previous != last.digest || batch.epoch != last.epoch {
                return Err(conflict("the batches do not follow each other"));
            }
            if let Err(outcome) = plan.add(request, &returned) {
                return Ok(Err(outcome));
            }
            count += 1;
        }
    }

    fn add(&mut self, request: &TakeBackRequest<'_>, returned: &ReturnedBatch) -> Result<(), TakeBackOutcome> {
        let (batch, rows) = (&returned.batch, &returned.rows);
        let mut lost = Vec::new();
        for (index, row) in rows.rows.iter().enumerate() {
            let change = change_of(request, rows, row);
            let waits = self.own.outbox.first_key_value();
            let is_next = waits.is_some_and(|(_, captured)| {
                captured.line == change.line() && captured.contract == request.contract.digest
            });
            if is_next && lost.is_empty() && self.writes.is_empty() {
                let (id, _) = self.own.outbox.pop_first().expect("it is there");
                self.own.through_id = id;
            } else {
                lost.push((index, change));
            }
        }
        if let Some((index, _)) = lost.first().filter(|_| !request.whole) {
            return Err(refused(batch.seq, RETURN_TORN, *index, None));
        }
        let keys: BTreeSet<(&str, &str)> =
            lost.iter().map(|(_, change)| (change.table.as_str(), change.key.as_str())).collect();
        let changed = self.own.outbox.iter().filter(|_| !lost.is_empty()).find(|(_, captured)| {
            let change = Change::of_line(&captured.line);
            keys.contains(&(change.table.as_str(), change.key.as_str()))
        });
        if let Some((id, _)) = changed {
            return Err(refused(batch.seq, RETURN_CONFLICT, lost[0].0, Some(*id)));
        }
        let lost_count = u64::try_from(lost.len()).unwrap_or(u64::MAX);
        let is_superseded = returned.rows.digest != batch.digest;
        self.number(place(batch.epoch, batch.seq), lost_count, is_superseded);
        for (_, change) in lost {
            let values = (change.op != Op::Delete).then_some(change.values);
            self.writes.push((change.table, change.key, values));
        }
        self.record(returned);
        Ok(())
    }

    /// Where no later change waits, the lost rows have the ids that they had when they were captured first.
    fn number(&mut self, at: u64, lost: u64, is_superseded: bool) {
        if lost == 0 && !is_superseded || !self.own.outbox.is_empty() {
            return;
        }
        let next = self.own.last_id + lost;
        self.own.last_id = self.own.numbers.get(&at).copied().unwrap_or(next).max(next);
        self.own.through_id = self.own.last_id;
    }

    fn record(&mut self, returned: &ReturnedBatch) {
        let batch = &returned.batch;
        let file = returned.rows.digest;
        let recovered = RecoveredBatch {
            seq: batch.seq,
            digest: batch.digest,
            group: batch.group,
            rows: batch.rows,
            file_bytes: batch.file_bytes,
            attempt: RETURNED_ATTEMPT,
            cut_at_ms: batch.cut_at_ms,
            instead: if file == batch.digest { Vec::new() } else { vec![file] },
        };
        let (through_id, previous) = (self.own.through_id, batch.previous);
        let act = returned.rows.act.as_deref();
        let payloads = recovered.instead.iter().filter_map(|_| decided(act?, batch.seq)).collect();
        let at = place(batch.epoch, batch.seq);
        self.own.batches.insert(at, RecordedBatch { batch: recovered, through_id, previous, payloads });
        (self.own.last.seq, self.own.last.digest) = (batch.seq, batch.digest);
        self.own.boundaries = self.own.boundaries.split_off(&(through_id + 1));
        self.leaves.push(format!("taken-back {} {file}", batch.seq));
    }

    pub fn write(self, database: &mut Database) {
        for (table, key, values) in self.writes {
            let table = database.tables.entry(table).or_default();
            match values {
                Some(values) => table.insert(key, values),
                None => table.remove(&key),
            };
        }
        let log = format!("out.{}", self.stream);
        database.own.insert(self.stream, self.own);
        for leaf in self.leaves {
            database.leaf(&log, &leaf);
        }
    }
}

/// What operators decided to put into a place: its payload, as their act says.
fn decided(act: &[u8], seq: u64) -> Option<Digest> {
    let Deed::Supersede { first, new, .. } = SignedAct::parse(act).ok()?.act.deed else { return None };
    new.get(usize::try_from(seq.checked_sub(first)?).ok()?).copied()
}

fn change_of(request: &TakeBackRequest<'_>, batch: &CheckedBatch, row: &CheckedRow) -> Change {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let table = request.contract.tables[row.table].name.clone();
    Change { table, op: row.op, key: text(batch.key(row)), values: text(batch.values(row)) }
}

/// What a restart gives back of an own stream.
pub(super) fn recovered_out(database: &Database, own: &OwnStream) -> RecoveredOut {
    let unsettled = own.batches.range(place_of(&own.settled) + 1..).map(|(_, recorded)| recorded.batch.clone());
    let boundaries: Vec<BTreeMap<StreamName, u64>> = own.boundaries.values().cloned().collect();
    RecoveredOut {
        last: own.last.clone(),
        epoch_id: own.epoch_id,
        through_id: own.through_id,
        settled: own.settled.clone(),
        unsettled: unsettled.collect(),
        boundaries,
        on_hold: database.on_hold.contains(&own.last.stream),
        loading: database.loading.contains_key(&own.last.stream),
        begun: own.begun.clone(),
    }
}
