//! What to do with one batch whose signature, link and zones are good.

use ferry_format::{ActRange, BatchStatement, Digest, KeyId};

use super::{REVOKED_CHAIN, Receiver};
use crate::breaks::{self, Break};
use crate::contract::StreamContract;
use crate::settings::{AHEAD_MAX, HELD_BATCHES_MAX, Settings};

/// What to do with a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Make it durable; it may have to wait, which is told by its stream.
    Keep,
    /// It is here already.
    Duplicate,
    /// It claims a place that was applied: ask the books under which digest.
    Recall,
    /// It is wrong, with the published code.
    Refuse(&'static str),
    /// There is no room for it: it stays at the gate.
    Leave,
}

impl Receiver {
    /// Judges a batch by its statement.
    #[must_use]
    pub fn judge(
        &self,
        statement: &BatchStatement,
        (digest, signer): (Digest, KeyId),
        contract: &StreamContract,
        settings: &Settings,
    ) -> Verdict {
        if statement.from != contract.owner {
            return Verdict::Refuse("not-owner");
        }
        if statement.contract == contract.digest
            && statement.tables.iter().any(|table| contract.table(&table.name).is_none())
        {
            return Verdict::Refuse("foreign-table");
        }
        if let Some(followed) = self.followed() {
            if statement.epoch < followed.mark.epoch {
                return Verdict::Refuse("old-epoch");
            }
            if statement.epoch == followed.mark.epoch {
                if statement.epoch_id != followed.epoch_id {
                    return Verdict::Refuse("foreign-epoch");
                }
                let accepts_late = breaks::is(Break::SupersedeAfterApply) && statement.supersedes.is_some();
                if statement.seq <= followed.mark.seq && !accepts_late {
                    return self.judge_applied(statement, digest);
                }
            }
        }
        // What is held there and counts no more gives way first.
        let (epoch, seq) = (statement.epoch, statement.seq);
        if self.is_revoked_at(epoch, seq) || self.is_ended_at(epoch, seq) {
            return Verdict::Leave;
        }
        if self.is_held(statement, digest) {
            return Verdict::Duplicate;
        }
        // Of two lives under one number operators have signed at most one, which shows when it is followed.
        if self.held.get(&(epoch, seq)).is_some_and(|held| held.epoch_id != statement.epoch_id) {
            return Verdict::Leave;
        }
        if !self.counts((statement.epoch, statement.seq), signer, statement.chain_digest(digest)) {
            return Verdict::Refuse(REVOKED_CHAIN);
        }
        self.judge_open(statement, digest, settings)
    }

    fn judge_applied(&self, statement: &BatchStatement, digest: Digest) -> Verdict {
        let is_mark = self.mark().is_some_and(|mark| mark.seq == statement.seq && mark.digest == digest);
        if is_mark { Verdict::Duplicate } else { Verdict::Recall }
    }

    fn judge_open(&self, statement: &BatchStatement, digest: Digest, settings: &Settings) -> Verdict {
        // What is being applied cannot give way, nor be disputed: once it is, this one is late.
        let displaces = statement.supersedes.is_some() && statement.group.first <= self.applied_seq() + 1;
        if displaces && (self.applying || self.reading) {
            return Verdict::Leave;
        }
        if let Some(code) = self.judge_rivals(statement, digest) {
            return Verdict::Refuse(code);
        }
        let next = self.applied_seq() + 1;
        let follows = self.mark().is_some_and(|mark| mark.epoch == statement.epoch && statement.seq == next);
        if follows && self.mark().is_some_and(|mark| mark.digest != statement.previous) {
            return Verdict::Refuse("wrong-previous");
        }
        if statement.seq > next + AHEAD_MAX {
            return Verdict::Leave;
        }
        // The group that comes next always finds room: without it nothing would ever be freed.
        let full = self.held_bytes >= settings.hold_bytes + settings.group_bytes || self.held.len() >= HELD_BATCHES_MAX;
        let in_head_group = self.epoch() == statement.epoch && statement.group.first == next;
        if full && !in_head_group { Verdict::Leave } else { Verdict::Keep }
    }

    /// Places in a range that are applied and disputed.
    pub fn disputed_within(&self, range: &ActRange) -> impl Iterator<Item = u64> {
        let applied = self.mark().filter(|mark| mark.epoch == range.epoch).map_or(0, |mark| mark.seq);
        let places = (range.epoch, range.first)..=(range.epoch, range.last.min(applied).max(range.first));
        self.disputed.range(places).map(|((_, seq), _)| *seq).filter(move |seq| *seq <= applied)
    }

    /// What was applied at disputed places stands.
    pub fn dismiss(&mut self, range: &ActRange) {
        let dismissed: Vec<u64> = self.disputed_within(range).collect();
        for seq in dismissed {
            self.disputed.remove(&(range.epoch, seq));
            self.dismissed.insert((range.epoch, seq));
        }
    }

    /// Whether operators have said of a place that what was applied stands.
    #[must_use]
    pub fn is_dismissed(&self, epoch: u64, seq: u64) -> bool {
        self.dismissed.contains(&(epoch, seq))
    }

    /// Two verified statements for one place: the stream stops before it. Returns the place that stops it, and the batch
    /// that is disputed where it supersedes others. Of the places that are applied one is enough: whoever has a stolen key can
    /// dispute as many as there are. Above them every place counts, since each is decided by itself.
    pub fn dispute(&mut self, epoch: u64, seq: u64) -> (u64, Option<Digest>) {
        let applied = self.mark().filter(|mark| mark.epoch == epoch).map_or(0, |mark| mark.seq);
        if seq <= applied {
            let other = self.disputed.range((epoch, 0)..=(epoch, applied)).next().map(|((_, seq), _)| *seq);
            let stops_at = other.unwrap_or(seq);
            self.disputed.entry((epoch, stops_at)).or_insert(None);
            return (stops_at, None);
        }
        let against = self.superseding_over(epoch, seq);
        let known = self.disputed.entry((epoch, seq)).or_insert(against);
        *known = against.or(*known);
        (seq, *known)
    }
}
