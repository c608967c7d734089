//! One of the peer's streams: from files taken at the gate to groups applied in order.
//!
//! `judge` decides about a single batch, `promote` which group is next. This file holds the state that they share.

mod epoch;
mod judge;
mod promote;
mod revoked;
mod supersede;
mod together;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use ferry_format::{
    ActId, BatchReport, Digest, EpochId, Group, KeyId, Mark, OutgoingReport, Parked, Refusal, Requirement, SeqRange,
    StreamName,
};

use crate::breaks::{self, Break};
use crate::coverage::{self, Place};
use crate::ports::{BatchId, PeerKey, RecoveredIn, Spoiled};
use crate::ranges;
use crate::time::{Mono, Now};

pub use epoch::EPOCH_ENDED;
pub use judge::Verdict;
pub use promote::{Applied, Expelled, NextGroup};
pub use revoked::REVOKED_CHAIN;
pub use supersede::{SUPERSEDE_LATE, SUPERSEDED};

/// The published code of a stream that an operator has put on hold.
pub const HELD_BY_OPERATOR: &str = "held-by-operator";

/// A batch that is durably held above the watermark, or about to be.
#[derive(Debug, Clone)]
pub struct Held {
    /// The statement digest.
    pub digest: Digest,
    /// Whose signature the file bears.
    signer: KeyId,
    /// The digest by which the chain names the place.
    chain: Digest,
    /// How it supersedes others.
    supersedes: Option<Superseding>,
    previous: Digest,
    epoch_id: EpochId,
    group: Group,
    contract: Digest,
    requires: Vec<Requirement>,
    file_bytes: u64,
    taken_at_ms: u64,
    since: Mono,
    /// The file is durable; before that the batch is not reported held.
    durable: bool,
}

/// A held batch that supersedes others.
#[derive(Debug, Clone)]
struct Superseding {
    act: ActId,
    /// The digests that it names.
    old: Vec<Digest>,
    /// The last place of its group.
    last: u64,
    /// What was in dispute at its place before it came; it is again if the batch has to be set aside.
    ended: Option<Option<Digest>>,
}

/// The epoch that is followed.
#[derive(Debug, Clone)]
pub struct Followed {
    /// Its id.
    pub epoch_id: EpochId,
    /// The last batch applied; seq 0 and the genesis digest before the first.
    pub mark: Mark,
}

/// What a status of the peer says of how much of its stream is applied here.
#[derive(Debug, Clone, Copy, Default)]
struct Told {
    /// The age, when it said so, of the oldest change that it does not know to be applied here; 0 when there is none.
    unapplied_ms: u64,
    /// When the status came.
    at: Mono,
    /// What its daemon had seen committed then, by its clock, is applied here; 0 when that is not known.
    known_at_ms: u64,
}

/// The receiving side of one stream.
#[derive(Debug)]
pub struct Receiver {
    /// The stream.
    pub stream: StreamName,
    /// Who goes first.
    pub priority: u8,
    contract: Digest,
    followed: Option<Followed>,
    following: bool,
    /// What the peer says its epoch is, learned from a status that echoes this start of the daemon.
    announced: Option<(u64, EpochId)>,
    held: BTreeMap<(u64, u64), Held>,
    held_bytes: u64,
    /// Places (epoch, seq) for which two verified statements came; nothing at or above is applied. Only an operator's
    /// decision removes one. Where two batches that supersede stand against each other, the digest of the held one.
    disputed: BTreeMap<(u64, u64), Option<Digest>>,
    /// Applied places of which operators have said that what was applied stands, whatever else comes for them.
    dismissed: BTreeSet<(u64, u64)>,
    published: u64,
    applying: bool,
    together: together::Together,
    reading: bool,
    retry_at: Option<Mono>,
    expelling: Option<(u64, u64)>,
    /// A held file that turned out gone or damaged when it was to be applied.
    spoiled: Option<Spoiled>,
    refused: Option<Refusal>,
    parked_rows: u64,
    reports: VecDeque<(BatchReport, Option<u64>)>,
    /// An operator has put the stream on hold: nothing is applied.
    on_hold: bool,
    /// What the peer's last status says of how much is applied here.
    told: Told,
    /// The last batch applied that superseded another, by its own digest.
    superseded: Option<Mark>,
    /// Batches that turned out applied when the watermark was read again; their files lie in the spool still.
    turned_out: Vec<BatchId>,
    /// The peer's signing keys.
    peer_keys: Arc<Vec<PeerKey>>,
    /// Held batches (epoch, seq, digest) that a revoked key signed and that do not count any more, until they are set aside.
    revoked: Vec<(u64, u64, Digest)>,
    /// Held batches (epoch, seq, digest) of an epoch that is not followed any more, until they are set aside.
    ended: Vec<(u64, u64, Digest)>,
}

impl Receiver {
    /// Goes on where the books end.
    #[must_use]
    pub fn recover(recovered: RecoveredIn, priority: u8, contract: Digest) -> Self {
        // A dispute may have been written down when its epoch had ended: it is about nothing any more.
        let epoch = recovered.followed.as_ref().map_or(0, |(_, mark)| mark.epoch);
        let open = recovered.disputed.iter().filter(|it| it.epoch >= epoch);
        Self {
            turned_out: Vec::new(),
            peer_keys: Arc::default(),
            revoked: Vec::new(),
            ended: Vec::new(),
            stream: recovered.stream,
            priority,
            contract,
            followed: recovered.followed.map(|(epoch_id, mark)| Followed { epoch_id, mark }),
            following: false,
            announced: None,
            held: BTreeMap::new(),
            held_bytes: 0,
            disputed: match breaks::is(Break::DisputeForgotten) {
                true => BTreeMap::new(),
                false => open.map(|it| ((it.epoch, it.seq), it.against)).collect(),
            },
            dismissed: recovered.dismissed.into_iter().collect(),
            published: 0,
            applying: false,
            together: together::Together::default(),
            reading: false,
            retry_at: None,
            expelling: None,
            spoiled: None,
            refused: None,
            parked_rows: recovered.parked_rows,
            reports: recovered.reports.into_iter().map(|report| (report, None)).collect(),
            on_hold: recovered.on_hold,
            told: Told::default(),
            superseded: recovered.superseded,
        }
    }

    /// The epoch that is followed, with its watermark.
    #[must_use]
    pub fn followed(&self) -> Option<&Followed> {
        self.followed.as_ref()
    }

    /// The last batch applied; `None` before an epoch is followed.
    #[must_use]
    pub fn mark(&self) -> Option<&Mark> {
        self.followed.as_ref().map(|followed| &followed.mark)
    }

    /// Whether the owner names another batch at our watermark.
    #[must_use]
    pub fn contradicts(&self, mark: &Mark) -> bool {
        self.mark().is_some_and(|here| (here.epoch, here.seq) == (mark.epoch, mark.seq) && here.digest != mark.digest)
    }

    /// Whether two verified statements came for one place.
    #[must_use]
    pub fn is_disputed(&self) -> bool {
        !self.disputed.is_empty()
    }

    /// The watermark as a status states it.
    #[must_use]
    pub fn stated_mark(&self) -> Option<Mark> {
        let mark = self.mark()?.clone();
        if self.applying && breaks::is(Break::AcknowledgedBeforeCommit) {
            let next = self.held_here().take_while(|(_, held)| held.durable).last();
            return next.map(|(seq, held)| Mark { seq, digest: held.digest, ..mark });
        }
        Some(mark)
    }

    fn epoch(&self) -> u64 {
        self.mark().map_or(0, |mark| mark.epoch)
    }

    fn applied_seq(&self) -> u64 {
        self.mark().map_or(0, |mark| mark.seq)
    }

    /// The last batch known to exist in the epoch that is followed.
    #[must_use]
    pub fn last_known(&self) -> u64 {
        let held = self.held_here().next_back().map_or(0, |(seq, _)| seq);
        held.max(self.published).max(self.applied_seq())
    }

    /// Batches of the epoch that is followed, in order of seq.
    fn held_here(&self) -> impl DoubleEndedIterator<Item = (u64, &Held)> {
        let epoch = self.epoch();
        self.held.range((epoch, 0)..=(epoch, u64::MAX)).map(|((_, seq), held)| (*seq, held))
    }

    /// Durably held above the watermark.
    #[must_use]
    pub fn held_ranges(&self, limit: usize) -> Vec<SeqRange> {
        let counts = |held: &Held| held.durable || breaks::is(Break::HeldBeforeDurable);
        // What is about to be set aside counts as missing to the peer.
        let stays = |seq: u64| !self.is_revoked_at(self.epoch(), seq) && !self.is_ended_at(self.epoch(), seq);
        let here = self.held_here().filter(|(seq, held)| counts(held) && stays(*seq));
        ranges::collect(here.map(|(seq, _)| seq), limit)
    }

    /// Known to exist and not here.
    #[must_use]
    pub fn missing_ranges(&self, limit: usize) -> Vec<SeqRange> {
        ranges::gaps(self.applied_seq(), self.last_known(), self.held_here().map(|(seq, _)| seq), limit)
    }

    /// Whether a place lies behind a hole.
    #[must_use]
    pub fn is_ahead(&self, epoch: u64, seq: u64) -> bool {
        let before = self.held.range(..(epoch, seq)).next_back().map(|(key, _)| *key);
        let (last_epoch, last) = before.unwrap_or((self.epoch(), 0)).max((self.epoch(), self.applied_seq()));
        (last_epoch, last + 1) < (epoch, seq)
    }

    /// Whether a batch of this place would be news.
    #[must_use]
    pub fn needs(&self, epoch: u64, seq: u64) -> bool {
        let applied = self.mark().is_some_and(|mark| (epoch, seq) <= (mark.epoch, mark.seq));
        !applied && !self.held.contains_key(&(epoch, seq))
    }

    /// Bytes of files held.
    #[must_use]
    pub fn held_bytes(&self) -> u64 {
        self.held_bytes
    }

    /// The refused group at the head of the stream.
    #[must_use]
    pub fn refused(&self) -> Option<&Refusal> {
        self.refused.as_ref()
    }

    /// The refused group is judged again.
    pub fn retry_refused(&mut self) {
        coverage::hit(Place::RefusedRetried);
        self.refused = None;
        self.retry_at = None;
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

    /// How many parked rows there are after some were tried again.
    pub const fn set_parked_rows(&mut self, count: u64) {
        self.parked_rows = count;
    }

    /// Rows of `independent` tables that were parked alone.
    #[must_use]
    pub fn parked_rows(&self) -> u64 {
        self.parked_rows
    }

    /// The age of the oldest batch that is held and not applied, or of the oldest change of which the peer does not know that it is,
    /// whichever is more, in milliseconds; 0 when there is neither.
    #[must_use]
    pub fn lag_ms(&self, now: Mono) -> u64 {
        let held = self.held.values().map(|held| now.since(held.since)).max().unwrap_or(0);
        let told = match self.told.unapplied_ms {
            0 => 0,
            age => age.saturating_add(now.since(self.told.at)),
        };
        held.max(told)
    }

    /// What the peer's daemon had seen committed at this moment, by its clock, is applied here; 0 while this start of the daemon does not know.
    #[must_use]
    pub fn known_at_ms(&self) -> u64 {
        self.told.known_at_ms
    }

    /// The reports for a status with this number, marking those that it carries for the first time.
    pub fn reports_for(&mut self, number: u64, limit: usize) -> Vec<BatchReport> {
        let take = self.reports.iter_mut().take(limit);
        take.map(|(report, carried)| {
            carried.get_or_insert(number);
            report.clone()
        })
        .collect()
    }

    /// The peer has echoed a status: reports that it or an earlier one carried need not be told again.
    pub fn reports_echoed(&mut self, number: u64) {
        while self.reports.front().is_some_and(|(_, carried)| carried.is_some_and(|carried| carried <= number)) {
            self.reports.pop_front();
        }
    }

    /// What a fresh status of the peer, made at `clock_ms` by its clock, says about its own stream.
    pub fn announce(&mut self, report: &OutgoingReport, clock_ms: u64, echoes_this_boot: bool, now: Mono) {
        if echoes_this_boot {
            self.announced = Some((report.epoch, report.epoch_id));
        }
        let is_followed = self.mark().is_some_and(|mark| mark.epoch == report.epoch);
        if is_followed {
            self.published = self.published.max(report.published);
        }
        let unapplied_ms = report.oldest_unapplied_ms;
        // A peer that has not heard this start may count what a zone that was put back has lost.
        let knows = is_followed && echoes_this_boot;
        let known_at_ms = if knows { clock_ms.saturating_sub(unapplied_ms) } else { 0 };
        self.told = Told { unapplied_ms, at: now, known_at_ms };
    }

    /// The epoch to follow, if none is and the peer has announced one to this start of the daemon.
    pub fn next_follow(&mut self, now: Mono) -> Option<(u64, EpochId)> {
        if self.following || self.retry_at.is_some_and(|at| now < at) {
            return None;
        }
        let announced = match &self.followed {
            None => self.announced?,
            Some(followed) => self.newer_held(followed.mark.epoch)?,
        };
        self.following = true;
        Some(announced)
    }

    /// The mistake of [`Break::EpochUnsigned`]: the epoch of a held batch that is later than the one that is followed.
    fn newer_held(&self, epoch: u64) -> Option<(u64, EpochId)> {
        let is_free = breaks::is(Break::EpochUnsigned) && !self.applying && !self.reading;
        let ((newer, _), held) = self.held.range((epoch + 1, 0)..).next().filter(|_| is_free)?;
        Some((*newer, held.epoch_id))
    }

    /// Takes the result of following an epoch.
    pub fn followed_now(&mut self, epoch_id: EpochId, genesis: Mark, ok: bool, retry_at: Mono) {
        self.following = false;
        if ok {
            self.followed = Some(Followed { epoch_id, mark: genesis });
            self.find_ended();
        } else {
            self.retry_at = Some(retry_at);
        }
    }

    /// Adds a batch that was found in the spool at the start, or whose file is being made durable.
    pub fn add(
        &mut self,
        statement: &ferry_format::BatchStatement,
        (digest, signer): (Digest, KeyId),
        bytes: u64,
        now: Now,
        durable: bool,
    ) {
        let key = (statement.epoch, statement.seq);
        self.forget(key);
        let held = Held {
            digest,
            signer,
            chain: statement.chain_digest(digest),
            supersedes: self.superseding(statement),
            previous: statement.previous,
            epoch_id: statement.epoch_id,
            group: statement.group,
            contract: statement.contract,
            requires: statement.requires.clone(),
            file_bytes: bytes,
            taken_at_ms: now.wall_ms,
            since: now.mono,
            durable,
        };
        self.held_bytes += bytes;
        self.held.insert(key, held);
    }

    /// Takes the result of making a file durable.
    pub fn kept(&mut self, id: &BatchId, ok: bool) {
        let key = (id.epoch, id.seq);
        let Some(held) = self.held.get_mut(&key).filter(|held| held.digest == id.digest) else { return };
        if ok {
            held.durable = true;
        } else {
            self.forget(key);
        }
    }

    fn forget(&mut self, key: (u64, u64)) {
        let Some(held) = self.remove(key) else { return };
        if let Some(ended) = held.supersedes.and_then(|it| it.ended) {
            self.disputed.entry(key).or_insert(ended);
        }
    }

    fn remove(&mut self, key: (u64, u64)) -> Option<Held> {
        let held = self.held.remove(&key)?;
        self.held_bytes -= held.file_bytes;
        Some(held)
    }

    /// What the head of the stream waits for.
    #[must_use]
    pub fn waits_for(&self, watermark: impl Fn(&StreamName) -> Option<Mark>) -> Option<Parked> {
        self.head_obstacle(&watermark).map(|(code, seq)| Parked { code: code.to_owned(), seq })
    }
}
