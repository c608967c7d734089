//! A stream whose tables are captured once more.

use super::Sender;
use crate::ports::{Loaded, PortError};
use crate::settings::LOAD_BATCHES;
use crate::time::Mono;

/// How far a load has come.
#[derive(Debug, Default)]
pub(super) struct Loading {
    busy: bool,
    /// What was captured last has not been seen in the outbox yet.
    unseen: bool,
    retry_at: Option<Mono>,
    /// The table that was read last, and the rows captured since the start of the daemon.
    table: String,
    rows: u64,
}

impl Sender {
    /// Whether the stream's tables are being captured once more.
    #[must_use]
    pub fn is_loading(&self) -> bool {
        self.loading.is_some()
    }

    /// An operator has asked for it.
    pub fn begin_load(&mut self) {
        self.loading = Some(Loading::default());
    }

    /// How many rows to capture next. The next ones wait until the ones before are in batches, and until half of the window is
    /// free: what programs write goes on beside.
    pub fn next_load(&mut self, now: Mono, window: usize) -> Option<u64> {
        let is_clear = self.boundaries.is_empty() && self.in_pipeline() == 0 && self.unsettled.len() <= window / 2;
        let stands = self.on_hold || self.ending || self.stopped.is_some() || self.uncaptured.is_some();
        let loading = self.loading.as_mut().filter(|loading| !loading.busy && !loading.unseen)?;
        if stands || !is_clear || loading.retry_at.is_some_and(|at| now < at) {
            return None;
        }
        loading.busy = true;
        Some(self.limits.rows.saturating_mul(LOAD_BATCHES))
    }

    /// Takes what became of it. After an unknown outcome the next step goes on from wherever the database stands.
    pub fn loaded(&mut self, result: Result<Loaded, PortError>, retry_at: Mono) {
        let Some(loading) = &mut self.loading else { return };
        loading.busy = false;
        match result {
            Ok(Loaded { done: true, .. }) => self.loading = None,
            Ok(Loaded { table, rows, .. }) => {
                loading.retry_at = None;
                loading.unseen = rows > 0;
                loading.rows += rows;
                loading.table = table;
            }
            Err(_) => loading.retry_at = Some(retry_at),
        }
    }

    /// Whether rows are being captured at the moment.
    pub(super) fn is_capturing(&self) -> bool {
        self.loading.as_ref().is_some_and(|loading| loading.busy)
    }

    /// The outbox was looked at.
    pub(super) fn load_seen(&mut self) {
        self.loading.iter_mut().for_each(|loading| loading.unseen = false);
    }

    /// When a failed step is tried again.
    #[must_use]
    pub fn load_retry_at(&self) -> Option<Mono> {
        self.loading.as_ref()?.retry_at
    }

    /// Where the load stands, for an operator.
    #[must_use]
    pub fn load_place(&self) -> Option<String> {
        let loading = self.loading.as_ref()?;
        if loading.table.is_empty() {
            return Some("begins".to_owned());
        }
        Some(format!("table {}, {} rows since the start", loading.table, loading.rows))
    }
}
