//! Index entries of rows that were cut and are not recorded yet.
//!
//! A cut has the rows in its hands outside any transaction. Whoever records its batches needs what the index keeps of them inside
//! one, while programs wait for the database: so it is reckoned at the cut and kept until then.

use std::collections::{BTreeMap, VecDeque};
use std::ops::RangeInclusive;
use std::sync::{Mutex, MutexGuard, PoisonError};

use ferry_core::ports::OutgoingBatch;
use ferry_core::settings::PIPELINE_MAX;
use ferry_format::StreamName;

use crate::store::trace::Entry;

/// Cuts of one stream that are kept. No more batches than these are under way; of one that was forgotten the rows are read again.
const CUTS_KEPT: usize = PIPELINE_MAX + 1;

/// What the index keeps of one row, and when that was captured.
#[derive(Debug, Clone, Copy)]
pub(super) struct Captured {
    pub entry: Entry,
    pub at_ms: Option<u64>,
}

impl Captured {
    /// The entry in a batch that was cut at a moment.
    pub fn in_batch(self, cut_at_ms: u64) -> Entry {
        Entry { age_ms: self.at_ms.map(|at_ms| cut_at_ms.saturating_sub(at_ms)), ..self.entry }
    }
}

/// The rows of one cut, whose ids have no gap.
#[derive(Debug)]
struct Cut {
    ids: RangeInclusive<u64>,
    rows: Vec<Captured>,
}

/// The cuts by stream, in order of their ids.
#[derive(Debug, Default)]
pub(super) struct Ahead {
    cuts: Mutex<BTreeMap<StreamName, VecDeque<Cut>>>,
}

impl Ahead {
    /// Keeps the rows of a cut. Ids with a gap are not worth it: rows are removed one by one only by operators.
    pub fn keep(&self, stream: &StreamName, ids: &[u64], rows: Vec<Captured>) {
        let (Some(first), Some(last)) = (ids.first(), ids.last()) else { return };
        if last - first + 1 != ids.len() as u64 || rows.len() != ids.len() {
            return;
        }
        let mut cuts = self.lock();
        let cuts = cuts.entry(stream.clone()).or_default();
        // What is cut anew replaces what was cut before.
        cuts.retain(|cut| cut.ids.start() < first);
        if cuts.len() == CUTS_KEPT {
            cuts.pop_front();
        }
        cuts.push_back(Cut { ids: *first..=*last, rows });
    }

    /// The rows above `after` that a batch holds, if they were cut in one and none was removed since.
    pub fn take(&self, batch: &OutgoingBatch, after: u64) -> Option<Vec<Entry>> {
        let mut cuts = self.lock();
        let cuts = cuts.get_mut(&batch.stream)?;
        let place = cuts.iter().position(|cut| *cut.ids.start() == after + 1)?;
        let cut = cuts.drain(..=place).next_back()?;
        let held = usize::try_from(batch.through_id.checked_sub(after)?).ok()?;
        if held > cut.rows.len() || batch.rows != held as u64 {
            return None;
        }
        Some(cut.rows[..held].iter().map(|row| row.in_batch(batch.cut_at_ms)).collect())
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<StreamName, VecDeque<Cut>>> {
        self.cuts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
