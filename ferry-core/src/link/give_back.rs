//! Gives a peer that was put back to a backup its own batches back, out of this zone's spool and archive.

use std::collections::{BTreeMap, BTreeSet};

use ferry_format::limits::ATTEMPT_MAX;
use ferry_format::{FileName, NameKind, SeqRange, StatusBody, StreamName, Want, WantKind};

use super::Link;
use crate::action::Action;
use crate::coverage::{self, Place};
use crate::ports::PortError;
use crate::settings::RETURN_FILES_MAX;
use crate::time::{Mono, Now};

/// What the peer wants back.
#[derive(Debug, Default)]
pub(super) struct Giving {
    /// By stream and seq, of what the peer wants at the moment: when it was given.
    given: BTreeMap<StreamName, BTreeMap<u64, Mono>>,
    /// One for each stream at most: what waits because the gate fails does not pile up.
    orders: BTreeMap<StreamName, Order>,
    busy: bool,
    /// Files that may still lie at the gate.
    at_gate: Vec<String>,
    /// Those of them that need not cross any more.
    over: Vec<String>,
    retry_at: Option<Mono>,
}

/// Batches that are to be given back.
#[derive(Debug, Clone)]
struct Order {
    epoch: u64,
    seqs: BTreeSet<u64>,
    attempt: u32,
}

impl Giving {
    /// When a failed operation is tried again.
    pub(super) fn retry_at(&self) -> Option<Mono> {
        self.retry_at
    }
}

impl Link {
    /// The peer repeats in every status what it wants. Each batch is given once, and again when it should have arrived by now.
    pub(super) fn read_wanted_back(&mut self, body: &StatusBody, number: u64, now: Now) {
        let mut wants: BTreeMap<StreamName, (u64, SeqRange)> = BTreeMap::new();
        for Want { kind, stream, epoch, range } in &body.wants {
            if *kind == WantKind::Return && self.receivers.contains_key(stream) {
                let last = range.last.min(range.first.saturating_add(RETURN_FILES_MAX - 1));
                wants.insert(stream.clone(), (*epoch, SeqRange { first: range.first, last }));
            }
        }
        // Names of earlier attempts have crossed already; the number of a status never comes again.
        let attempt = u32::try_from(number % u64::from(ATTEMPT_MAX)).unwrap_or(0) + 1;
        let patience = self.settings.gate_worst_ms;
        let giving = &mut self.giving;
        giving.given.retain(|stream, _| wants.contains_key(stream));
        for (stream, (epoch, range)) in &wants {
            let given = giving.given.entry(stream.clone()).or_default();
            given.retain(|seq, at| (range.first..=range.last).contains(seq) && now.mono.since(*at) < patience);
            let seqs: Vec<u64> = (range.first..=range.last).filter(|seq| !given.contains_key(seq)).collect();
            given.extend(seqs.iter().map(|seq| (*seq, now.mono)));
            let waiting = giving.orders.remove(stream).filter(|order| order.epoch == *epoch);
            let waiting = waiting.into_iter().flat_map(|order| order.seqs);
            let seqs: BTreeSet<u64> =
                waiting.chain(seqs).filter(|seq| (range.first..=range.last).contains(seq)).collect();
            if !seqs.is_empty() {
                giving.orders.insert(stream.clone(), Order { epoch: *epoch, seqs, attempt });
            }
        }
        giving.orders.retain(|stream, _| wants.contains_key(stream));
        // What is not wanted any more has arrived, or lies at a gate that does not take its files away.
        let is_wanted = |name: &String| match name.parse::<FileName>().map(|name| name.kind) {
            Ok(NameKind::Batch { stream, seq, .. }) => {
                wants.get(&stream).is_some_and(|(_, range)| (range.first..=range.last).contains(&seq))
            }
            Ok(NameKind::Status { .. }) | Err(_) => false,
        };
        let (wanted, over) = std::mem::take(&mut giving.at_gate).into_iter().partition(is_wanted);
        giving.at_gate = wanted;
        giving.over.extend::<Vec<String>>(over);
    }

    pub(super) fn next_give_back(&mut self, now: Now) -> Option<Action> {
        if self.giving.busy || self.giving.retry_at.is_some_and(|at| now.mono < at) {
            return None;
        }
        if !self.giving.over.is_empty() {
            self.giving.busy = true;
            return Some(Action::Withdraw(std::mem::take(&mut self.giving.over)));
        }
        let (stream, Order { epoch, seqs, attempt }) = self.giving.orders.pop_first()?;
        let seqs = seqs.into_iter().collect();
        self.giving.busy = true;
        Some(Action::GiveBack { stream, epoch, seqs, attempt })
    }

    pub(super) fn given_back(&mut self, stream: &StreamName, names: Vec<String>, error: Option<PortError>, now: Now) {
        self.giving.busy = false;
        self.giving.retry_at = None;
        if !names.is_empty() {
            coverage::hit(Place::GaveBack);
        }
        self.giving.at_gate.extend(names);
        if let Some(error) = error {
            self.fault("give-back", &error);
            // The peer says again what it wants.
            self.giving.given.remove(stream);
            self.giving.retry_at = Some(now.mono + self.settings.retry_ms);
        }
    }

    pub(super) fn withdrawn(&mut self, names: Vec<String>, result: Result<(), PortError>, now: Now) {
        self.giving.busy = false;
        self.giving.retry_at = None;
        if let Err(error) = result {
            self.fault("withdraw", &error);
            self.giving.over.extend(names);
            self.giving.retry_at = Some(now.mono + self.settings.retry_ms);
        }
    }
}
