//! The status that this zone publishes: what it says and when it goes out.

use ferry_format::limits::{CODES_MAX, RANGES_MAX, REPORTS_MAX};
use ferry_format::{CodeCount, Digest, Echo, IncomingReport, OutgoingReport, Plain, StatusBody, StatusStatement};

use super::Link;
use crate::action::Action;
use crate::coverage::{self, Place};
use crate::ports::PortError;
use crate::receiver::Receiver;
use crate::time::{Mono, Now};

/// Batches taken or applied since the last status that make the next one urgent: a quarter of the default window.
const URGENT_BATCHES: u32 = 16;
/// Batch reports in one status over all streams: each takes some eighty bytes of the body's limit.
const REPORTS_OF_A_STATUS_MAX: usize = 4_096;
/// Statuses that may be published after the last one that a note told of: those of some minutes in which no note could be
/// written. Beyond that nothing is said until one is.
pub(super) const UNNOTED_NUMBERS: u64 = 1_000;
/// The versions of the format that this program reads.
pub const FORMATS_READ: [u64; 1] = [1];

/// A status that was published.
#[derive(Debug)]
struct AtGate {
    name: String,
    number: u64,
    since: Mono,
}

/// When the next status goes out.
#[derive(Debug, Default)]
pub(super) struct StatusState {
    /// The number of the next status.
    pub(super) next: u64,
    /// The last number that the books are known to tell of.
    pub(super) noted: u64,
    /// When this life of the daemon began.
    pub(super) started: Mono,
    busy: bool,
    last_sent: Option<Mono>,
    /// Statuses that may still lie at the gate, the oldest first.
    at_gate: Vec<AtGate>,
    progress_since: Option<Mono>,
    batches: u32,
    retry_at: Option<Mono>,
    /// Publications that failed since one succeeded.
    failures: u32,
}

impl StatusState {
    /// Whether the books are to know the next number before it is used: a start that finds no anchor goes on so far above what they
    /// tell of, and must not come upon a number that was used.
    pub(super) const fn is_unnoted(&self) -> bool {
        self.next >= self.noted.saturating_add(UNNOTED_NUMBERS)
    }

    /// Something happened that the peer should hear of.
    pub(super) fn progress(&mut self, now: Mono) {
        self.progress_since.get_or_insert(now);
    }

    /// A batch was taken or applied.
    pub(super) fn batch_progress(&mut self, now: Mono) {
        self.batches += 1;
        self.progress(now);
    }

    /// A batch was published for the first time: the peer should know that it exists.
    pub(super) fn publish_progress(&mut self, now: Mono) {
        self.progress(now);
    }
}

impl Link {
    /// When the next status is due if nothing more happens.
    pub(super) fn status_at(&self) -> Mono {
        if self.status.busy || self.status.is_unnoted() {
            return Mono(u64::MAX);
        }
        let Some(last) = self.status.last_sent else { return self.status.retry_at.unwrap_or_default() };
        // A peer that could have answered by now and did not is not there: haste would only fill its directory.
        let is_young = last.since(self.status.started) < 2 * self.settings.gate_worst_ms + self.settings.heartbeat_ms;
        let hurries = is_young && !self.peer.echoed_this_boot;
        let beat = last + if hurries { self.settings.handshake_ms } else { self.settings.heartbeat_ms };
        let urgent = self.status.batches >= URGENT_BATCHES;
        let progress = self.status.progress_since.map(|since| {
            let paced = last + self.settings.status_debounce_ms;
            if urgent { since } else { since.max(paced) }
        });
        progress.map_or(beat, |at| at.min(beat)).max(self.status.retry_at.unwrap_or_default())
    }

    pub(super) fn next_status(&mut self, now: Now) -> Option<Action> {
        let numbered = self.status.next < self.anchor.status_next;
        if self.status.busy || !numbered || now.mono < self.status_at() {
            return None;
        }
        if now.mono.since(self.status_at()) >= self.settings.heartbeat_ms / 2 && self.status.last_sent.is_some() {
            coverage::hit(Place::WokeLate);
        }
        let number = self.status.next;
        self.status.next += 1;
        self.status.busy = true;
        self.status.last_sent = Some(now.mono);
        self.status.progress_since = None;
        self.status.batches = 0;
        let statement = self.status_statement(number, now);
        let body = self.status_body(number, now);
        let (withdraw, earlier) = self.statuses_at_gate(now.mono);
        Some(Action::PublishStatus { statement: Box::new(statement), body: Box::new(body), earlier, withdraw })
    }

    /// Statuses at the gate that need not cross any more, and those that should: one that the peer has echoed or gone past,
    /// or that has lain longer than any file needs, is left over from a gate that does not take its files away.
    fn statuses_at_gate(&self, now: Mono) -> (Vec<String>, Vec<String>) {
        let echoed = self.peer.echoed_number();
        let is_over = |one: &&AtGate| one.number <= echoed || now.since(one.since) >= self.settings.gate_worst_ms;
        let (over, open): (Vec<&AtGate>, Vec<&AtGate>) = self.status.at_gate.iter().partition(is_over);
        let names = |list: Vec<&AtGate>| list.into_iter().map(|one| one.name.clone()).collect();
        (names(over), names(open))
    }

    fn status_statement(&self, number: u64, now: Now) -> StatusStatement {
        StatusStatement {
            link: self.around.link.clone(),
            from: self.around.zone.clone(),
            to: self.around.peer.clone(),
            instance: self.instance,
            boot: self.boot,
            number,
            clock_ms: now.wall_ms,
            echo: self.peer.highest.map(|(boot, number)| Echo { boot, number }),
            received: self.receivers.values().filter_map(Receiver::stated_mark).collect(),
            sent: self.senders.values().map(|sender| sender.last_recorded().clone()).collect(),
            superseded: self.receivers.values().filter_map(|receiver| receiver.superseded().cloned()).collect(),
            audit: self.audit,
            witness: self.peer.audit,
            // The sealer fills in what it seals.
            plain: Plain { bytes: 0, sm3: Digest([0; 32]) },
        }
    }

    fn status_body(&mut self, number: u64, now: Now) -> StatusBody {
        let marks = self.marks();
        let reports = (REPORTS_OF_A_STATUS_MAX / self.receivers.len().max(1)).min(REPORTS_MAX);
        let incoming =
            self.receivers.values_mut().map(|receiver| incoming(receiver, number, reports, &marks)).collect();
        let wants = self.ask_back();
        let outgoing = self.senders.values().map(|sender| OutgoingReport {
            stream: sender.stream.clone(),
            epoch: sender.epoch,
            epoch_id: sender.epoch_id,
            published: sender.published(),
            oldest_unapplied_ms: sender.lag_ms(now.mono),
        });
        let mut contracts: Vec<_> =
            self.around.contract.streams().iter().map(|stream| (stream.name.clone(), stream.digest)).collect();
        contracts.sort();
        StatusBody {
            incoming,
            outgoing: outgoing.collect(),
            contracts,
            formats: FORMATS_READ.to_vec(),
            cards: self.keys.cards(),
            wants,
            acts: self.told_acts(),
            acts_listed: self.acts.listed(),
            counters: self.counters,
            turned_away: self.turned_away.iter().take(CODES_MAX).map(code_count).collect(),
        }
    }

    pub(super) fn status_published(&mut self, number: u64, result: Result<Vec<String>, PortError>, now: Now) {
        self.status.busy = false;
        match result {
            Ok(names) => {
                self.status.retry_at = None;
                self.status.failures = 0;
                self.failing.end("status");
                let known = std::mem::take(&mut self.status.at_gate);
                let at_gate = names.into_iter().map(|name| {
                    let since = known.iter().find(|one| one.name == name);
                    let (number, since) = since.map_or((number, now.mono), |one| (one.number, one.since));
                    AtGate { name, number, since }
                });
                self.status.at_gate = at_gate.collect();
                self.notes.status_number = Some(number);
            }
            Err(error) => {
                self.fault("status", &error);
                // Each try leaves a file in the archive: a gate that is full or away for days must not fill that disk too.
                let wait =
                    self.settings.retry_ms.saturating_mul(1_u64.checked_shl(self.status.failures).unwrap_or(u64::MAX));
                let longest = self.settings.heartbeat_ms.max(self.settings.retry_ms);
                self.status.failures = self.status.failures.saturating_add(1);
                self.status.retry_at = Some(now.mono + wait.min(longest));
                self.status.progress(now.mono);
            }
        }
    }
}

fn code_count((code, count): (&String, &u64)) -> CodeCount {
    CodeCount { code: code.clone(), count: *count }
}

fn incoming(
    receiver: &mut Receiver,
    number: u64,
    reports: usize,
    marks: &std::collections::BTreeMap<ferry_format::StreamName, ferry_format::Mark>,
) -> IncomingReport {
    IncomingReport {
        stream: receiver.stream.clone(),
        epoch: receiver.mark().map_or(0, |mark| mark.epoch),
        held: receiver.held_ranges(RANGES_MAX),
        missing: receiver.missing_ranges(RANGES_MAX),
        refused: receiver.refused().cloned(),
        parked: receiver.waits_for(|stream| marks.get(stream).cloned()),
        parked_rows: receiver.parked_rows(),
        reports: receiver.reports_for(number, reports),
    }
}
