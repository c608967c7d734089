//! The whole protocol of one link: every own stream, every stream of the peer, the gate and the peer's status.
//!
//! [`Link::handle`] takes what became of an action, [`Link::next`] gives the next one, [`Link::deadline`] says when to
//! ask again if nothing happens before. Nothing is ever cancelled, and nothing happens by itself.

mod acts;
mod coming;
mod epochs;
mod failing;
mod give_back;
mod intake;
mod keys;
mod notes;
mod outgoing;
mod peer;
mod put_away;
mod recover;
mod retain;
mod returning;
mod status;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use ferry_format::{BootNonce, Checkpoint, Counters, Instance, StreamName};

use crate::action::{Action, OpId, Outcome};
use crate::coverage::{self, Place};
use crate::perform::Surroundings;
use crate::ports::{BatchId, FaultKind, Notes, Settled};
use crate::receiver::Receiver;
use crate::retention::Retention;
use crate::sender::Sender;
use crate::settings::Settings;
use crate::time::{Mono, Now};

pub use recover::{RecoverError, recover};

/// Why nothing of our own is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lock {
    /// There is no anchor: the peer must say first how far it has come.
    AnchorMissing,
    /// The anchor belongs to another database: the peer must say first how far it has come.
    AnchorForeign,
    /// The database is older than what was sent: an operator must bring back what it lacks.
    Restored,
}

impl Lock {
    /// The published code.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::AnchorMissing => "anchor-missing",
            Self::AnchorForeign => "anchor-foreign",
            Self::Restored => "zone-restored",
        }
    }
}

/// Something that is done again and again.
#[derive(Debug, Clone, Copy, Default)]
struct Chore {
    at: Mono,
    busy: bool,
}

impl Chore {
    fn is_due(self, now: Mono) -> bool {
        !self.busy && now >= self.at
    }
}

/// The state machine of one link.
#[derive(Debug)]
pub struct Link {
    around: Arc<Surroundings>,
    settings: Settings,
    instance: Instance,
    boot: BootNonce,
    next_op: u64,
    in_flight: BTreeSet<OpId>,
    senders: BTreeMap<StreamName, Sender>,
    receivers: BTreeMap<StreamName, Receiver>,
    /// Own streams with the higher priority first.
    order: Vec<StreamName>,
    audit: Checkpoint,
    lock: Option<Lock>,
    observe: Chore,
    scan: Chore,
    note: Chore,
    retention: Retention,
    retain: Chore,
    prune: Chore,
    anchor: outgoing::AnchorState,
    settles: VecDeque<SettleTodo>,
    settling: bool,
    publishing: usize,
    publish_retry: Option<Mono>,
    intake: intake::Intake,
    counters: Counters,
    /// Files turned away, by code.
    turned_away: BTreeMap<String, u64>,
    status: status::StatusState,
    peer: peer::PeerState,
    notes: Notes,
    last_noted: Mono,
    noted_fingerprint: u64,
    dropped_life: u64,
    acts: acts::Acts,
    returning: returning::Returning,
    giving: give_back::Giving,
    epochs: epochs::Epochs,
    last_fault: BTreeMap<&'static str, String>,
    failing: failing::Failing,
    left: put_away::LeftBehind,
    keys: keys::Keys,
}

#[derive(Debug, Clone)]
struct SettleTodo {
    settled: Settled,
    archive: Vec<BatchId>,
    withdraw: Vec<String>,
    at: Mono,
}

impl Link {
    /// The next action to start, if there is one. Call again until there is none.
    pub fn next(&mut self, now: Now) -> Option<(OpId, Action)> {
        let action = self
            .next_outgoing(now)
            .or_else(|| self.next_incoming(now))
            .or_else(|| self.next_status(now))
            .or_else(|| self.next_chore(now))?;
        let op = OpId(self.next_op);
        self.next_op += 1;
        self.in_flight.insert(op);
        Some((op, action))
    }

    /// Takes what became of an action.
    ///
    /// # Panics
    /// When `op` is not under way: the driver completed an operation twice, or invented one.
    pub fn handle(&mut self, op: OpId, outcome: Outcome, now: Now) {
        assert!(self.in_flight.remove(&op), "operation {} is not under way", op.0);
        self.failing.turned = now.mono;
        match outcome {
            Outcome::Observed(result) => self.observed(result, now),
            Outcome::Cut(stream, result) => self.cut_done(&stream, result, now),
            Outcome::Sealed(statement, cut, result) => self.sealed(*statement, *cut, result, now),
            Outcome::Recorded(batches, result) => self.recorded(batches, result, now),
            Outcome::Anchored(anchor, result) => self.anchored(anchor, result, now),
            Outcome::Attempted(attempts, result) => self.attempted(&attempts, result, now),
            Outcome::Published(id, result) => self.published(&id, result, now),
            Outcome::Settled(settled, archive, withdraw, result) => {
                self.settled(SettleTodo { settled, archive, withdraw, at: now.mono }, result, now);
            }
            Outcome::Reopened(reopened, result) => self.reopened(&reopened, result, now),
            Outcome::Loaded(stream, result) => self.loaded(&stream, result, now),
            Outcome::FoundOwn(stream, range, result) => self.found_own(&stream, range, result, now),
            Outcome::KeptOwn(name, batch, result) => self.kept_own(&name, &batch, result, now),
            Outcome::TakenBack(stream, result) => self.taken_back(&stream, result, now),
            Outcome::GivenBack(stream, names, error) => self.given_back(&stream, names, error, now),
            Outcome::Withdrawn(names, result) => self.withdrawn(names, result, now),
            Outcome::StatusPublished(number, result) => self.status_published(number, result, now),
            Outcome::Acted(order, result) => self.acted(*order, result, now),
            Outcome::ActsListed(digests, result) => self.acts_listed(digests, result, now),
            Outcome::Noted(notes, result) => self.noted(notes, result, now),
            Outcome::Retained(result) => self.retained(result, now),
            Outcome::Pruned(what, result) => self.pruned(&what, result, now),
            Outcome::Scanned(result) => self.scanned(result, now),
            Outcome::Taken(name, result) => self.taken(name, result, now),
            Outcome::Kept(name, id, result) => self.kept(&name, &id, result, now),
            Outcome::Dropped(name, result) => self.dropped(&name, result, now),
            Outcome::Recalled(name, id, bytes, result) => self.recalled(name, &id, bytes, result, now),
            Outcome::Expelled(id, code, result) => self.expelled(&id, &code, result, now),
            Outcome::Followed(epoch_id, genesis, result) => self.followed(epoch_id, genesis, result, now),
            Outcome::FollowedBegun(act, result) => self.followed_begun(*act, result, now),
            Outcome::Applied(stream, result) => self.applied(&stream, result, now),
            Outcome::PutAway(left, error) => self.put_away(left, error, now),
            Outcome::MarkRead(stream, result) => self.mark_read(&stream, result, now),
        }
    }

    /// When [`Self::next`] has something to do if nothing completes before, asked after it had nothing left to do at
    /// `now`. What is overdue then waits for a completion, not for time.
    #[must_use]
    pub fn deadline(&self, now: Mono) -> Mono {
        let chores = [self.observe, self.scan, self.note, self.retain, self.prune];
        let chores = chores.into_iter().filter(|chore| !chore.busy).map(|chore| chore.at);
        let senders =
            self.senders.values().flat_map(|s| [s.linger_ends(), s.next_due(), s.retry_at(), s.load_retry_at()]);
        let retries = self.receivers.values().map(Receiver::retry_at);
        let settle_at = self.settles.front().map(|todo| todo.at);
        let back = [self.returning.retry_at(), self.giving.retry_at(), self.epochs.retry_at()];
        let retries = retries.chain([self.left.retry_at()]);
        let others = [self.publish_retry, self.anchor.retry_at, settle_at, self.acts.retry_at()];
        let optional = senders.chain(retries).chain(others).chain(back).flatten();
        let all = chores.chain(optional).chain([self.status_at()]);
        all.filter(|at| *at > now).min().unwrap_or(now + self.settings.heartbeat_ms)
    }

    /// Something may have changed in the drop directory or the database: look at once.
    pub fn hint(&mut self) {
        self.scan.at = Mono(0);
        self.observe.at = Mono(0);
    }

    /// A file may have appeared in the drop directory: look at once.
    pub fn hint_gate(&mut self) {
        self.scan.at = Mono(0);
    }

    /// Whether an action is under way.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        !self.in_flight.is_empty()
    }

    /// Why nothing of our own is sent, if so.
    #[must_use]
    pub fn lock(&self) -> Option<Lock> {
        self.lock
    }

    /// What is wrong with the peer as a whole, by its published code.
    #[must_use]
    pub fn alarm(&self) -> Option<&'static str> {
        self.peer.alarm().or(self.keys.alarm())
    }

    /// The nonce of this start of the daemon.
    #[must_use]
    pub fn boot(&self) -> BootNonce {
        self.boot
    }

    /// Own streams, ordered by name.
    pub fn senders(&self) -> impl Iterator<Item = &Sender> {
        self.senders.values()
    }

    /// The peer's streams, ordered by name.
    pub fn receivers(&self) -> impl Iterator<Item = &Receiver> {
        self.receivers.values()
    }

    /// The latest failure of each kind of action, for the log; each is handed out once.
    pub fn take_faults(&mut self) -> BTreeMap<&'static str, String> {
        std::mem::take(&mut self.last_fault)
    }

    fn fault(&mut self, what: &'static str, error: &crate::ports::PortError) {
        coverage::hit(match error.kind {
            FaultKind::Transient | FaultKind::Corrupt | FaultKind::Conflict => Place::TriedAgain,
            FaultKind::Full => Place::NoRoom,
            FaultKind::Unknown => Place::UnknownOutcome,
        });
        self.failing.add(what, error, &self.settings);
        self.last_fault.insert(what, error.text.clone());
    }

    fn next_chore(&mut self, now: Now) -> Option<Action> {
        if self.observe.is_due(now.mono) {
            self.observe.busy = true;
            return Some(Action::Observe { now_ms: now.wall_ms });
        }
        if self.scan.is_due(now.mono) {
            self.scan.busy = true;
            return Some(Action::Scan);
        }
        if let Some(action) = self.next_act(now).or_else(|| self.next_list(now)) {
            return Some(action);
        }
        if self.note.is_due(now.mono)
            && let Some(action) = self.next_note(now)
        {
            return Some(action);
        }
        self.next_retain(now)
    }
}
