//! One own stream: from captured rows to batches that the peer has proved to have applied.
//!
//! `cutting` decides what to cut and seal next, `window` what is published again and when, `reports` what a status of
//! the peer proves. This file holds the state that they share.

mod cutting;
mod epoch;
mod loading;
mod reopen;
mod reports;
mod returning;
mod supersede;
mod window;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use ferry_format::{Digest, EpochId, Group, Mark, SeqRange, StreamName};

use crate::contract::BatchLimits;
use crate::coverage::{self, Place};
use crate::cut::CutBatch;
use crate::delay::LearnedDelay;
use crate::ports::{OutgoingBatch, RecoveredOut, UntoldAct};
use crate::ranges;
use crate::time::{Mono, Now};

pub use cutting::Frame;
use loading::Loading;
use reopen::Reopening;
pub use reports::Evidence;
pub use supersede::Obstacle;
pub use window::Turn;

/// A visible end of the outbox, with how far the streams that this one depends on had come in the same snapshot.
#[derive(Debug, Clone)]
struct Boundary {
    id: u64,
    seen: Mono,
    depends: Vec<(StreamName, u64)>,
}

/// A recorded batch that the peer has not proved to have applied.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// The statement digest by which the chain names the place.
    pub digest: Digest,
    /// The statements that took its place one after the other; the file that counts is that of the last.
    pub instead: Vec<Digest>,
    /// Its place in its group.
    pub group: Group,
    /// Records.
    pub rows: u64,
    /// The sealed file's length.
    pub file_bytes: u64,
    /// The last attempt recorded.
    pub attempt: u32,
    /// When it was cut, wall clock.
    pub cut_at_ms: u64,
    /// When it came into this process, for its age.
    since: Mono,
    /// When the last attempt was published in this life of the daemon.
    published: Option<Mono>,
    /// Attempts made in this life of the daemon.
    tries: u32,
    /// The peer has reported it durably held.
    held: bool,
    stage: Stage,
}

/// Where the present attempt of a batch stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Waits for its turn to be published.
    Queued,
    /// Is being published.
    Publishing,
    /// Was published; the next attempt is due at this time, if ever.
    Out(Option<Mono>),
    /// The next attempt is due and waits to be recorded.
    Due,
    /// The next attempt is being recorded.
    Recording,
}

/// The code of a stream whose triggers do not stand as they were installed.
const CAPTURE_CHANGED: &str = "capture-changed";

/// Why a stream cuts nothing more until somebody acts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stop {
    /// The published code.
    pub code: String,
    /// Where: an outbox id, a table, a seq.
    pub place: String,
    /// The captured row that is to blame, by its id in the outbox.
    pub row: Option<u64>,
}

/// The sending side of one stream.
#[derive(Debug)]
pub struct Sender {
    /// The stream.
    pub stream: StreamName,
    /// Its epoch.
    pub epoch: u64,
    /// The id of that epoch.
    pub epoch_id: EpochId,
    /// When batches are cut.
    pub limits: BatchLimits,
    /// Who goes first.
    pub priority: u8,
    depends: Vec<StreamName>,

    boundaries: VecDeque<Boundary>,
    /// Every outbox row up to here is cut or beyond.
    cut_through: u64,
    /// Every outbox row up to here is recorded.
    recorded_through: u64,
    /// The last batch cut does not end its group.
    cut_open: bool,
    cutting: bool,
    cut_ready: VecDeque<CutBatch>,
    sealing: bool,
    sealed_ready: Vec<OutgoingBatch>,
    recording: bool,
    retry_at: Option<Mono>,
    attempts_retry_at: Option<Mono>,

    /// The last batch given a seq, sealed or being sealed.
    tail: Mark,
    /// The first seq of the group that the next batch goes on with.
    open_group: Option<u64>,
    open_group_bytes: u64,
    last_recorded: Mark,
    settled: Mark,
    settling: Option<Mark>,
    published_max: u64,
    /// The last batch whose report the peer has sent.
    reported: u64,
    unsettled: BTreeMap<u64, Outgoing>,
    /// Superseded batches that are settled, and of which the peer has not reported what it applied.
    untold: BTreeSet<u64>,
    /// How many of `unsettled` the peer has not reported held.
    not_held: usize,
    unsettled_bytes: u64,
    due: BTreeSet<(Mono, u64)>,
    queue: BTreeSet<u64>,
    overdue: BTreeSet<u64>,
    delay: LearnedDelay,
    /// Round trips of batches that were published after one that is still out: the quick ones come first, and to learn
    /// from them alone would make the gate look quicker than it is.
    early: BTreeMap<u64, u64>,
    stopped: Option<Stop>,
    /// Changes may escape capture: nothing is cut, since a batch would look as if everything were in it.
    uncaptured: Option<Stop>,
    /// Batches whose file cannot be read any more. What the peer proves, or an operator's resend after mending, removes one.
    damaged: BTreeSet<u64>,
    peer_refused: Option<ferry_format::Refusal>,
    peer_parked: Option<ferry_format::Parked>,
    peer_parked_rows: u64,
    /// An operator has put the stream on hold: nothing is cut or published.
    on_hold: bool,
    /// Batches to seal again before they are published.
    reseal: BTreeSet<u64>,
    /// Those of them that are being sealed again and published.
    resealing: BTreeSet<u64>,
    /// Batches not known to be held that took the place of others: ranges name no digest, so they never are.
    superseding_out: usize,
    reopening: Reopening,
    loading: Option<Loading>,
    /// This life is about to end: nothing more of it is begun.
    ending: bool,
    /// The act that began this life; the first one has none.
    begun: Option<UntoldAct>,
    /// The epoch that the peer last said to follow.
    followed_there: Option<u64>,
}

/// When batches from before a restart are published again, and how many of them at once.
#[derive(Debug, Clone, Copy)]
pub struct FirstLook {
    /// The peer's first status should be here by then.
    pub at: Mono,
    /// Batches of a stream that are not known to be held.
    pub window: usize,
}

impl Sender {
    /// Goes on where the books end.
    #[must_use]
    pub fn recover(
        recovered: RecoveredOut,
        limits: BatchLimits,
        priority: u8,
        depends: Vec<StreamName>,
        now: Now,
        look: FirstLook,
    ) -> Self {
        let in_group = |first: u64| recovered.unsettled.iter().filter(move |batch| batch.group.first == first);
        let open_group = recovered.unsettled.last().filter(|batch| !batch.group.last).map(|batch| batch.group.first);
        let mut sender = Self {
            stream: recovered.last.stream.clone(),
            epoch: recovered.last.epoch,
            epoch_id: recovered.epoch_id,
            limits,
            priority,
            depends,
            boundaries: VecDeque::new(),
            cut_through: recovered.through_id,
            recorded_through: recovered.through_id,
            cut_open: open_group.is_some(),
            cutting: false,
            cut_ready: VecDeque::new(),
            sealing: false,
            sealed_ready: Vec::new(),
            recording: false,
            retry_at: None,
            attempts_retry_at: None,
            tail: recovered.last.clone(),
            open_group,
            open_group_bytes: open_group.map_or(0, |first| in_group(first).map(|batch| batch.file_bytes).sum()),
            published_max: recovered.settled.seq,
            last_recorded: recovered.last,
            reported: recovered.settled.seq,
            settled: recovered.settled,
            settling: None,
            unsettled: BTreeMap::new(),
            untold: BTreeSet::new(),
            not_held: 0,
            unsettled_bytes: 0,
            due: BTreeSet::new(),
            queue: BTreeSet::new(),
            overdue: BTreeSet::new(),
            delay: LearnedDelay::default(),
            early: BTreeMap::new(),
            stopped: None,
            uncaptured: None,
            damaged: BTreeSet::new(),
            peer_refused: None,
            peer_parked: None,
            peer_parked_rows: 0,
            on_hold: recovered.on_hold,
            reseal: BTreeSet::new(),
            resealing: BTreeSet::new(),
            superseding_out: 0,
            reopening: Reopening::default(),
            loading: recovered.loading.then(Loading::default),
            ending: false,
            begun: recovered.begun,
            followed_there: None,
        };
        for batch in recovered.unsettled {
            sender.adopt(batch, now, look.at);
        }
        sender.wait_for_the_window(look.window);
        for ends in &recovered.boundaries {
            sender.observe(ends, now.mono);
        }
        sender
    }

    /// A batch from before the restart may or may not have been published: it is published again unless the peer is
    /// heard to hold it by `first_look`.
    fn adopt(&mut self, batch: crate::ports::RecoveredBatch, now: Now, first_look: Mono) {
        coverage::hit(Place::TookUpWork);
        if batch.cut_at_ms > now.wall_ms {
            coverage::hit(Place::WallWentBack);
        }
        self.due.insert((first_look, batch.seq));
        self.published_max = self.published_max.max(batch.seq);
        self.insert(
            batch.seq,
            Outgoing {
                digest: batch.digest,
                instead: batch.instead,
                group: batch.group,
                rows: batch.rows,
                file_bytes: batch.file_bytes,
                attempt: batch.attempt.max(1),
                cut_at_ms: batch.cut_at_ms,
                since: Mono(now.mono.0.saturating_sub(now.wall_ms.saturating_sub(batch.cut_at_ms))),
                published: None,
                tries: 0,
                held: false,
                stage: Stage::Out(Some(first_look)),
            },
        );
    }

    fn insert(&mut self, seq: u64, batch: Outgoing) {
        self.not_held += usize::from(!batch.held);
        self.superseding_out += usize::from(!batch.instead.is_empty());
        self.unsettled_bytes += batch.file_bytes;
        self.unsettled.insert(seq, batch);
    }

    /// The last batch recorded.
    #[must_use]
    pub fn last_recorded(&self) -> &Mark {
        &self.last_recorded
    }

    /// The last batch that the peer has proved to have applied.
    #[must_use]
    pub fn settled(&self) -> &Mark {
        &self.settled
    }

    /// Whether our books have another digest at a mark's place; `false` where they do not reach back or on to it.
    #[must_use]
    pub fn contradicts(&self, mark: &Mark) -> bool {
        let known = match self.unsettled.get(&mark.seq) {
            Some(batch) => Some(batch.digest),
            None => {
                [&self.settled, &self.last_recorded].into_iter().find(|own| own.seq == mark.seq).map(|own| own.digest)
            }
        };
        mark.epoch == self.epoch && known.is_some_and(|digest| digest != mark.digest)
    }

    /// The last batch published at least once.
    #[must_use]
    pub fn published(&self) -> u64 {
        self.published_max
    }

    /// Whether nothing captured, cut or sent waits for anything.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.boundaries.is_empty() && self.in_pipeline() == 0 && self.unsettled.is_empty()
    }

    /// Transaction boundaries that wait to be cut.
    #[must_use]
    pub fn boundaries(&self) -> usize {
        self.boundaries.len()
    }

    /// The age of the oldest change that is not known to be applied, in milliseconds; 0 when there is none.
    #[must_use]
    pub fn lag_ms(&self, now: Mono) -> u64 {
        let oldest = self.unsettled.values().next().map(|batch| batch.since);
        let waiting = self.boundaries.front().map(|boundary| boundary.seen);
        oldest.or(waiting).map_or(0, |since| now.since(since))
    }

    /// The highest attempt among batches that the peer has not reported held.
    #[must_use]
    pub fn worst_attempt(&self) -> u32 {
        self.unsettled.values().filter(|batch| !batch.held).map(|batch| batch.attempt).max().unwrap_or(0)
    }

    /// Batches that the peer has reported held and not applied.
    #[must_use]
    pub fn held_ranges(&self, limit: usize) -> Vec<SeqRange> {
        ranges::collect(self.unsettled.iter().filter(|(_, batch)| batch.held).map(|(seq, _)| *seq), limit)
    }

    /// What the gate's delay has been lately.
    #[must_use]
    pub fn delay(&self) -> &LearnedDelay {
        &self.delay
    }

    /// Why nothing more is cut.
    #[must_use]
    pub fn stopped(&self) -> Option<&Stop> {
        self.stopped.as_ref().or(self.uncaptured.as_ref())
    }

    /// Learns where changes of the stream may escape capture, or that its triggers stand.
    pub fn set_capture(&mut self, place: Option<String>) {
        self.uncaptured = place.map(|place| Stop { code: CAPTURE_CHANGED.to_owned(), place, row: None });
    }

    /// Whether an operator has put the stream on hold.
    #[must_use]
    pub const fn is_on_hold(&self) -> bool {
        self.on_hold
    }

    /// Puts the stream on hold, or lets it go on.
    pub const fn set_on_hold(&mut self, on_hold: bool) {
        self.on_hold = on_hold;
    }

    /// The first batch whose file cannot be read any more.
    #[must_use]
    pub fn damaged(&self) -> Option<u64> {
        self.damaged.first().copied()
    }

    /// The refusal that the peer last reported.
    #[must_use]
    pub fn peer_refused(&self) -> Option<&ferry_format::Refusal> {
        self.peer_refused.as_ref()
    }

    /// What the peer last said that it waits for.
    #[must_use]
    pub fn peer_parked(&self) -> Option<&ferry_format::Parked> {
        self.peer_parked.as_ref()
    }

    /// Rows that the peer has parked alone.
    #[must_use]
    pub fn peer_parked_rows(&self) -> u64 {
        self.peer_parked_rows
    }
}
