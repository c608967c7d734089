//! From captured rows to a payload: every row checked against the contract, totals counted, the cut made at a
//! transaction boundary.

use ferry_format::{Digest, Payload, TableSummary, parse_record};

use crate::breaks::{self, Break};
use crate::contract::{StreamContract, Tally};
use crate::ports::RawCut;

/// Rows of one batch, ready to be sealed.
#[derive(Debug)]
pub struct CutBatch {
    /// Salt and records.
    pub payload: Payload,
    /// Counts and totals by table.
    pub tables: Vec<TableSummary>,
    /// Records.
    pub rows: u64,
    /// The contract digest under which they were captured.
    pub contract: Digest,
    /// The outbox id of the last row.
    pub through_id: u64,
    /// Whether a transaction ends with the last row, so the group may end.
    pub ends: bool,
}

/// What cutting gave.
#[derive(Debug)]
pub enum CutOutcome {
    /// A batch.
    Batch(Box<CutBatch>),
    /// There was nothing to read.
    Empty {
        /// Up to this outbox id.
        upto: u64,
    },
    /// The first row cannot cross. It stops its stream.
    Unsendable {
        /// Its outbox id.
        id: u64,
        /// Why.
        code: &'static str,
        /// The table and column, where they are known.
        place: String,
    },
    /// The rows were captured under a contract that this side does not have any more.
    UnknownContract(Digest),
}

/// Makes a batch of the first rows of `raw`: as many as fit into `plain_bytes`, fewer if that ends a transaction.
///
/// `asked` is how many rows were asked for; fewer in `raw` means that no more are visible under this contract. Where a group is
/// `open` and the rest of it was passed over, an empty batch ends it: the peer applies a group only when it is whole.
#[must_use]
pub fn cut(
    raw: &RawCut,
    asked: u64,
    boundaries: &[u64],
    plain_bytes: u64,
    contract: &StreamContract,
    salt: [u8; 32],
    open: bool,
) -> CutOutcome {
    let Some(&first_id) = raw.ids.first() else {
        let upto = boundaries.last().copied().unwrap_or(0);
        if open {
            return CutOutcome::Batch(Box::new(CutBatch {
                payload: Payload::new(salt),
                tables: Vec::new(),
                rows: 0,
                contract: contract.digest,
                through_id: upto,
                ends: true,
            }));
        }
        return CutOutcome::Empty { upto };
    };
    let lines: Vec<&[u8]> = raw.lines.split(|byte| *byte == b'\n').collect();
    if lines.len() != raw.ids.len() {
        return CutOutcome::Unsendable { id: first_id, code: "outbox-damaged", place: String::new() };
    }
    let exhausted = u64::try_from(lines.len()).is_ok_and(|rows| rows < asked);
    let end = choose_end(&raw.ids, count_fitting(&lines, plain_bytes), boundaries, exhausted);
    let fault = match fill(&lines[..end.rows], raw, end.ends, contract, salt) {
        Ok(batch) => return CutOutcome::Batch(Box::new(batch)),
        Err(fault) => fault,
    };
    // Whole transactions before the bad row still cross; its own waits with it.
    let before = choose_end(&raw.ids[..fault.index], fault.index, boundaries, false);
    if before.ends
        && let Ok(batch) = fill(&lines[..before.rows], raw, true, contract, salt)
    {
        return CutOutcome::Batch(Box::new(batch));
    }
    CutOutcome::Unsendable { id: raw.ids[fault.index], code: fault.code, place: fault.place }
}

/// How many leading rows fit; at least one.
fn count_fitting(lines: &[&[u8]], plain_bytes: u64) -> usize {
    let mut bytes: u64 = 0;
    let fits = |line: &&&[u8]| {
        bytes += u64::try_from(line.len()).unwrap_or(u64::MAX) + 1;
        bytes <= plain_bytes
    };
    lines.iter().take_while(fits).count().max(1)
}

struct End {
    rows: usize,
    ends: bool,
}

/// Ends at the last transaction boundary among the rows that fit, or, when there is none, takes them all and leaves
/// the group open.
fn choose_end(ids: &[u64], fitting: usize, boundaries: &[u64], exhausted: bool) -> End {
    if fitting == ids.len() && exhausted {
        return End { rows: fitting, ends: true };
    }
    let boundary = (1..=fitting).rev().find(|rows| boundaries.binary_search(&ids[rows - 1]).is_ok());
    if breaks::is(Break::GroupEndsAnywhere) {
        return End { rows: fitting, ends: true };
    }
    match boundary {
        Some(rows) => End { rows, ends: true },
        None => End { rows: fitting, ends: false },
    }
}

struct BadRow {
    index: usize,
    code: &'static str,
    place: String,
}

fn fill(
    lines: &[&[u8]],
    raw: &RawCut,
    ends: bool,
    contract: &StreamContract,
    salt: [u8; 32],
) -> Result<CutBatch, BadRow> {
    let mut payload = Payload::new(salt);
    let mut tally = Tally::new(contract);
    for (index, line) in lines.iter().enumerate() {
        let bad = |code, place| BadRow { index, code, place };
        let record = parse_record(line).map_err(|error| bad(error.code(), String::new()))?;
        let shown = |fault: &dyn core::fmt::Display| match breaks::is(Break::ValuesInStop) {
            true => String::from_utf8_lossy(line).into_owned(),
            false => format!("{}: {fault}", record.table),
        };
        tally.add(&record).map_err(|fault| bad(fault.code(), shown(&fault)))?;
        payload.push(line).map_err(|error| bad(error.code(), record.table.clone().into_owned()))?;
    }
    // The state machine asks for the digest when it makes the statement; the work is done here, by a worker.
    let _ = payload.plain();
    Ok(CutBatch {
        payload,
        tables: tally.summarize(),
        rows: tally.records(),
        contract: contract.digest,
        through_id: raw.ids[lines.len() - 1],
        ends,
    })
}
