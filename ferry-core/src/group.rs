//! Hands a group to the store: reads each batch from the spool, opens it, and checks every value against the contract.

use ferry_format::{Batch, FormatError, Op, Refusal, Value, Verified, parse_record, supersede_act, write_value};

use crate::breaks::{self, Break};
use crate::contract::{StreamContract, Table};
use crate::ports::{
    BatchId, BatchSource, CheckedBatch, CheckedRow, FaultKind, OutgoingBatch, PeerKey, PortError, ReturnSource,
    ReturnedBatch, Sealer, Side, SourceFault, Spoiled, Spool, Vetted,
};

/// The batches of one group, each with the moment it was taken, and the peer's keys by which they were judged.
#[derive(Debug, Clone, Copy)]
pub struct ToApply<'a> {
    /// The batches in order.
    pub batches: &'a [(BatchId, u64)],
    /// The keys.
    pub peer_keys: &'a [PeerKey],
}

/// The batches of one group, opened one at a time.
pub struct Group<'a> {
    spool: &'a dyn Spool,
    sealer: &'a dyn Sealer,
    contract: &'a StreamContract,
    batches: std::slice::Iter<'a, (BatchId, u64)>,
    peer_keys: &'a [PeerKey],
}

impl<'a> Group<'a> {
    /// A group that is to be applied.
    #[must_use]
    pub fn new(
        spool: &'a dyn Spool,
        sealer: &'a dyn Sealer,
        contract: &'a StreamContract,
        to_apply: ToApply<'a>,
    ) -> Self {
        let ToApply { batches, peer_keys } = to_apply;
        Self { spool, sealer, contract, batches: batches.iter(), peer_keys }
    }
}

/// Own batches that came back, opened one at a time with this zone's own keys.
pub struct OwnGroup<'a> {
    spool: &'a dyn Spool,
    sealer: &'a dyn Sealer,
    contract: &'a StreamContract,
    batches: std::slice::Iter<'a, BatchId>,
}

impl<'a> OwnGroup<'a> {
    /// The group of `batches`.
    #[must_use]
    pub fn new(
        spool: &'a dyn Spool,
        sealer: &'a dyn Sealer,
        contract: &'a StreamContract,
        batches: &'a [BatchId],
    ) -> Self {
        Self { spool, sealer, contract, batches: batches.iter() }
    }
}

impl ReturnSource for OwnGroup<'_> {
    fn next(&mut self) -> Result<Option<ReturnedBatch>, SourceFault> {
        let Some(id) = self.batches.next() else { return Ok(None) };
        let bytes = read(self.spool, Side::Out, id)?;
        let batch = self.sealer.open_own(&bytes).map_err(|error| spoiled(id, error.to_string()))?;
        if batch.digest != id.digest {
            return Err(spoiled(id, "it is another batch".to_owned()));
        }
        let file_bytes = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let rows = check(&batch, self.contract, file_bytes, 0).map_err(SourceFault::Refused)?;
        let statement = &batch.statement;
        let batch = OutgoingBatch {
            stream: statement.stream.clone(),
            epoch: statement.epoch,
            seq: statement.seq,
            digest: rows.chain,
            previous: statement.previous,
            group: statement.group,
            rows: statement.records,
            file_bytes,
            through_id: 0,
            cut_at_ms: statement.cut_at_ms,
            tables: statement.tables.clone(),
        };
        Ok(Some(ReturnedBatch { batch, rows }))
    }
}

fn read(spool: &dyn Spool, side: Side, id: &BatchId) -> Result<Vec<u8>, SourceFault> {
    spool.get(side, id).map_err(|error| match error.kind {
        FaultKind::Corrupt => spoiled(id, error.text),
        FaultKind::Transient | FaultKind::Full | FaultKind::Unknown | FaultKind::Conflict => SourceFault::Port(error),
    })
}

impl BatchSource for Group<'_> {
    fn next(&mut self) -> Result<Option<CheckedBatch>, SourceFault> {
        let next = self.batches.next();
        // Looked at after the last batch too, shortly before the commit.
        if *self.sealer.standing().peer_keys != self.peer_keys {
            let text = "the peer's keys have changed; the group is judged again".to_owned();
            return Err(SourceFault::Port(PortError::new(FaultKind::Transient, text)));
        }
        let Some((id, taken_at_ms)) = next else { return Ok(None) };
        let bytes = read(self.spool, Side::In, id)?;
        let batch = self.sealer.open(&bytes).map_err(|error| self.blame(id, &bytes, &error))?;
        if batch.digest != id.digest {
            return Err(spoiled(id, "it is another batch".to_owned()));
        }
        let file_bytes = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        check(&batch, self.contract, file_bytes, *taken_at_ms).map(Some).map_err(SourceFault::Refused)
    }
}

impl Group<'_> {
    /// A file that was whole when it was taken and is so no more has rotted here; one that is still whole was made so.
    fn blame(&self, id: &BatchId, bytes: &[u8], error: &FormatError) -> SourceFault {
        if *error == FormatError::NotARecipient {
            // The peer seals to a key that this zone is to have: its keys are wrong, not the batch.
            let text = format!("batch {}/{} is sealed to keys that are not here", id.stream, id.seq);
            return SourceFault::Port(PortError::new(FaultKind::Transient, text));
        }
        match self.sealer.vet(bytes) {
            Ok(Vetted::Batch(batch)) if batch.digest == id.digest => {
                SourceFault::Refused(refusal(id.seq, error.code(), None, None))
            }
            Ok(_) => spoiled(id, "it is another file".to_owned()),
            Err(fault) => spoiled(id, fault.to_string()),
        }
    }
}

fn spoiled(id: &BatchId, text: String) -> SourceFault {
    SourceFault::Spoiled(Spoiled { seq: id.seq, digest: id.digest, text })
}

fn refusal(seq: u64, code: &str, table: Option<String>, row: Option<u64>) -> Refusal {
    Refusal { code: code.to_owned(), seq, table, row, constraint: None }
}

/// The act by which a batch supersedes others, as a file of its own.
fn act_of(batch: &Batch) -> Option<Vec<u8>> {
    batch.statement.supersedes.as_ref()?;
    supersede_act(&batch.statement).and_then(|signed| signed.write()).ok()
}

/// Checks every record and writes its values out again, so that the database gets our spelling and nothing else.
fn check(
    batch: &Verified<Batch>,
    contract: &StreamContract,
    file_bytes: u64,
    taken_at_ms: u64,
) -> Result<CheckedBatch, Refusal> {
    let seq = batch.statement.seq;
    let mut checked = CheckedBatch {
        seq,
        digest: batch.digest,
        chain: batch.statement.chain_digest(batch.digest),
        act: act_of(batch),
        file_bytes,
        taken_at_ms,
        rows: Vec::new(),
        bytes: Vec::with_capacity(batch.payload.len()),
    };
    let mut tally = crate::contract::Tally::new(contract);
    for (index, line) in batch.records().enumerate() {
        let row = u64::try_from(index).ok();
        let record = parse_record(line).map_err(|error| refusal(seq, error.code(), None, row))?;
        let table = tally.add(&record).map_err(|fault| {
            let known = contract.table(&record.table).map(|table| table.name.clone());
            refusal(seq, fault.code(), known, row)
        })?;
        let position = contract.tables.iter().position(|other| core::ptr::eq(other, table));
        let position = position.expect("the check returns one of this contract's tables");
        push_row(&mut checked, table, position, record.op, &record.values);
    }
    if breaks::is(Break::RowsReversed) {
        checked.rows.reverse();
    }
    if tally.summarize() != batch.statement.tables {
        return Err(refusal(seq, "totals-differ", None, None));
    }
    Ok(checked)
}

fn push_row(checked: &mut CheckedBatch, table: &Table, position: usize, op: Op, values: &[Value<'_>]) {
    if op == Op::Delete && breaks::is(Break::DeletesDropped) {
        return;
    }
    let start = checked.bytes.len();
    write_array(&mut checked.bytes, values.iter());
    let end = checked.bytes.len();
    let key = match op {
        Op::Delete => (start, end),
        Op::Insert | Op::Update => {
            write_array(&mut checked.bytes, table.key.iter().map(|column| &values[*column]));
            (end, checked.bytes.len())
        }
    };
    checked.rows.push(CheckedRow { table: position, op, values: (start, end), key });
}

fn write_array<'v>(out: &mut Vec<u8>, values: impl Iterator<Item = &'v Value<'v>>) {
    out.push(b'[');
    for (index, value) in values.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_value(out, value);
    }
    out.push(b']');
}
