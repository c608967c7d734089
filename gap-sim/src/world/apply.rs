//! What applying a group changes in a [`Database`], found out before anything is changed.

use std::collections::BTreeMap;

use ferry_core::breaks::{self, Break};
use ferry_core::contract::StreamContract;
use ferry_core::ports::{
    ACT_DONE, AppliedBatch, ApplyOutcome, ApplyRequest, BatchSource, CheckedBatch, CheckedRow, FaultKind, PeerAct,
    PortError, SourceFault,
};
use ferry_format::{BatchReport, Digest, Mark, Op, Refusal};

use super::database::{Database, Json, ParkedRow};
use super::lives::place;
use super::store::POISON;

/// What else is known of an applied batch.
struct Taken {
    digest: Digest,
    chain: Digest,
    act: Option<Vec<u8>>,
    at_ms: u64,
}

/// What becomes of one row.
enum Step {
    /// Table, key, and the values that it has afterwards.
    Write(String, Json, Option<Json>),
    /// The database does not take it, and it is parked alone.
    Park(ParkedRow),
}

fn fault(kind: FaultKind, text: &str) -> PortError {
    PortError::new(kind, text)
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// Whether the database does not take the image that a row leaves.
fn is_bad(batch: &CheckedBatch, row: &CheckedRow) -> bool {
    let word = POISON.as_bytes();
    row.op != Op::Delete && batch.values(row).windows(word.len()).any(|part| part == word)
}

/// What becomes of a group of which a batch cannot be handed over.
pub(super) fn not_applied(fault: SourceFault) -> Result<ApplyOutcome, PortError> {
    match fault {
        SourceFault::Refused(refusal) => Ok(ApplyOutcome::Refused(refusal)),
        SourceFault::Spoiled(spoiled) => Ok(ApplyOutcome::Spoiled(spoiled)),
        SourceFault::Port(error) => Err(error),
    }
}

/// What a group changes, found out before anything is changed.
pub(super) struct ApplyPlan {
    pub mark: Mark,
    /// The constraint that the bad word breaks has been taken away.
    mended: bool,
    steps: Vec<Step>,
    pub applied: Vec<AppliedBatch>,
    /// By applied batch.
    taken: Vec<Taken>,
}

impl ApplyPlan {
    pub fn make(
        request: &ApplyRequest<'_>,
        mark: Mark,
        mended: bool,
        first: CheckedBatch,
        source: &mut dyn BatchSource,
    ) -> Result<Result<Self, ApplyOutcome>, PortError> {
        let mut plan = Self { mark, mended, steps: Vec::new(), applied: Vec::new(), taken: Vec::new() };
        let mut upcoming = Some(first);
        while let Some(batch) = upcoming {
            let any_place = breaks::is(Break::HolePassedByTime) || breaks::is(Break::SupersedeAfterApply);
            if batch.seq != plan.mark.seq + 1 && !any_place {
                return Err(fault(FaultKind::Conflict, "the batches of a group do not follow each other"));
            }
            if let Err(refusal) = plan.add(request.contract, &batch) {
                return Ok(Err(ApplyOutcome::Refused(refusal)));
            }
            upcoming = match source.next() {
                Ok(next) => next,
                Err(error) => return not_applied(error).map(Err),
            };
        }
        Ok(Ok(plan))
    }

    fn add(&mut self, contract: &StreamContract, batch: &CheckedBatch) -> Result<(), Refusal> {
        let mut parked = 0;
        let is_bad = |row: &CheckedRow| !self.mended && is_bad(batch, row);
        let last: BTreeMap<(usize, &[u8]), bool> =
            batch.rows.iter().map(|row| ((row.table, batch.key(row)), is_bad(row))).collect();
        // An image that the same batch replaces meets no constraint, unless another one makes the database go row by row.
        let is_clean = last.values().all(|bad| !bad);
        for (index, row) in batch.rows.iter().enumerate() {
            let table = &contract.tables[row.table];
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            let (key, values) = (text(batch.key(row)), text(batch.values(row)));
            let values = match row.op {
                Op::Insert | Op::Update => Some(values),
                Op::Delete => None,
            };
            if is_clean || !is_bad(row) {
                self.steps.push(Step::Write(table.name.clone(), key, values));
            } else if table.independent {
                parked += 1;
                let (seq, index, table) = (batch.seq, count(index), table.name.clone());
                self.steps.push(Step::Park(ParkedRow { seq, index, table, key, values }));
            } else if !breaks::is(Break::RefusedPassedByTime) {
                let quoted = values.unwrap_or_default();
                let constraint = if breaks::is(Break::ValuesInRefusal) { quoted } else { "word_is_clean".to_owned() };
                return Err(Refusal {
                    code: "constraint-check".to_owned(),
                    seq: batch.seq,
                    table: Some(table.name.clone()),
                    row: u64::try_from(index).ok(),
                    constraint: Some(constraint),
                });
            }
        }
        if batch.seq > self.mark.seq || !breaks::is(Break::SupersedeAfterApply) {
            (self.mark.seq, self.mark.digest) = (batch.seq, batch.chain);
        }
        self.applied.push(AppliedBatch { seq: batch.seq, rows: count(batch.rows.len()) - parked, parked, apply_ms: 1 });
        self.taken.push(Taken {
            digest: batch.digest,
            chain: batch.chain,
            act: batch.act.clone(),
            at_ms: batch.taken_at_ms,
        });
        Ok(())
    }

    pub fn write_rows(&self, database: &mut Database) {
        *database.written.entry(self.mark.stream.clone()).or_default() += 1;
        if breaks::is(Break::LoadRemovesUnlisted) {
            self.remove_unlisted(database);
        }
        for step in &self.steps {
            let Step::Write(table, key, values) = step else { continue };
            let table = database.tables.entry(table.clone()).or_default();
            match values {
                Some(values) => table.insert(key.clone(), values.clone()),
                None => table.remove(key),
            };
        }
    }

    /// The mistake of [`Break::LoadRemovesUnlisted`]. Rows of one table in the order of their keys, all of which stand here as
    /// they are, come from a load: a program would have changed something.
    fn remove_unlisted(&self, database: &mut Database) {
        let row = |step: &Step| match step {
            Step::Write(table, key, Some(values)) => Some((table.clone(), key.clone(), values.clone())),
            Step::Write(_, _, None) | Step::Park(_) => None,
        };
        let Some(rows) = self.steps.iter().map(row).collect::<Option<Vec<_>>>() else { return };
        let Some(first) = rows.first() else { return };
        let Some(present) = database.tables.get_mut(&first.0) else { return };
        let in_order = rows.windows(2).all(|pair| pair[0].1 < pair[1].1);
        let stands =
            |(table, key, values): &(String, Json, Json)| *table == first.0 && present.get(key) == Some(values);
        if in_order && rows.iter().all(stands) {
            let listed = |key: &Json| rows.iter().any(|row| row.1 == *key);
            present.retain(|key, _| listed(key));
        }
    }

    pub fn write_books(&self, database: &mut Database, request: &ApplyRequest<'_>) {
        let stream = &request.contract.name;
        let peer = database.peers.entry(stream.clone()).or_default();
        for step in &self.steps {
            let (table, key) = match step {
                Step::Write(table, key, _) => (table, key),
                Step::Park(row) => (&row.table, &row.key),
            };
            // A parked row that has a later image, parked or not, must not be tried again.
            if !breaks::is(Break::OvertakenRowKept) {
                peer.parked.retain(|row| row.table != *table || row.key != *key);
            }
            if let Step::Park(row) = step {
                peer.parked.push(row.clone());
            }
        }
        peer.followed = Some((request.epoch_id, self.mark.clone()));
        for (batch, taken) in self.applied.iter().zip(&self.taken) {
            let at = place(self.mark.epoch, batch.seq);
            peer.applied.insert(at, taken.chain);
            if taken.act.is_some() {
                peer.superseding.insert(at, taken.digest);
                peer.disputed.remove(&(self.mark.epoch, batch.seq));
            }
            let AppliedBatch { seq, rows, parked, apply_ms } = *batch;
            let wait_ms = if taken.at_ms == 0 { 0 } else { request.now_ms.saturating_sub(taken.at_ms) };
            let instead = taken.act.as_ref().map(|_| taken.digest);
            peer.reports.insert(at, BatchReport { seq, rows, parked, wait_ms, apply_ms, instead });
        }
        for (batch, taken) in self.applied.iter().zip(&self.taken) {
            *database.applied_leaves.entry(stream.clone()).or_default() += 1;
            database.leaf(&format!("in.{stream}"), &format!("applied {} {}", batch.seq, taken.digest));
            if let Some(file) = &taken.act {
                let digest = Digest::of(&[file]);
                let (file, code, at_ms) = (file.clone(), ACT_DONE.to_owned(), request.now_ms);
                let act = PeerAct { digest, file, verified: true, code, at_ms };
                database.peer_acts.entry(digest).or_insert(act);
            }
        }
    }
}
