//! Batches that supersede others: which of them stands at a place that is not applied.

use ferry_format::{BatchStatement, Digest, Mark};

use super::{Held, Receiver, Superseding};
use crate::coverage::{self, Place};
use crate::ports::BatchId;

/// The published code of a batch whose place another one took.
pub const SUPERSEDED: &str = "superseded";
/// The published code of a batch that came to supersede what was applied already.
pub const SUPERSEDE_LATE: &str = "supersede-late";

impl Receiver {
    /// The last batch applied that superseded another, by its own digest.
    #[must_use]
    pub fn superseded(&self) -> Option<&Mark> {
        self.superseded.as_ref()
    }

    /// Whether a batch is the one that is held at its place.
    pub(super) fn is_held(&self, statement: &BatchStatement, digest: Digest) -> bool {
        self.held.get(&(statement.epoch, statement.seq)).is_some_and(|held| held.digest == digest)
    }

    /// The code by which a batch is refused for what else is held for its group; `None` when nothing there speaks against it.
    pub(super) fn judge_rivals(&self, statement: &BatchStatement, digest: Digest) -> Option<&'static str> {
        for rival in self.rivals(statement) {
            match (&statement.supersedes, &rival.supersedes) {
                // Two operators have spoken: whatever else is signed for the place gives way.
                (Some(_), None) => {}
                (None, Some(_)) => return Some(SUPERSEDED),
                (Some(new), Some(it)) if new.act == it.act => {}
                (Some(new), Some(_)) if new.old.contains(&rival.digest) => {}
                (Some(_), Some(it)) if it.old.contains(&digest) => return Some(SUPERSEDED),
                (Some(_), Some(_)) => return Some("two-statements"),
                (None, None) => {}
            }
        }
        let is_taken = self.held.contains_key(&(statement.epoch, statement.seq));
        (is_taken && statement.supersedes.is_none()).then_some("two-statements")
    }

    /// Whether a batch has given way to what is held for its group.
    #[must_use]
    pub fn is_displaced(&self, statement: &BatchStatement, digest: Digest) -> bool {
        !self.is_held(statement, digest) && self.judge_rivals(statement, digest) == Some(SUPERSEDED)
    }

    /// What is held for the places of a batch's group up to its own, or all of it when it supersedes; and whatever
    /// supersedes its place.
    fn rivals<'r>(&'r self, statement: &BatchStatement) -> impl Iterator<Item = &'r Held> {
        let (epoch, seq, first) = (statement.epoch, statement.seq, statement.group.first);
        let last = statement.supersedes.as_ref().map_or(seq, |it| last_of(first, it.new.len())).max(seq);
        let held = self.held.range((epoch, first)..=(epoch, u64::MAX)).map(|((_, at), held)| (*at, held));
        held.take_while(move |(at, held)| *at <= last || held.group.first <= seq)
            .filter(move |(at, held)| *at <= last && held.group.first <= last || held.supersedes_place(seq))
            .map(|(_, held)| held)
    }

    /// The first batch held that supersedes what stands at a place.
    pub(super) fn superseding_over(&self, epoch: u64, seq: u64) -> Option<Digest> {
        let at = self.held.get(&(epoch, seq)).filter(|held| held.supersedes.is_some());
        let of_group = || {
            let later = self.held.range((epoch, seq)..=(epoch, u64::MAX)).map(|(_, held)| held);
            let later = later.take_while(|held| held.group.first <= seq).find(|held| held.supersedes_place(seq));
            let before = self.held.range((epoch, 0)..(epoch, seq)).rev().map(|(_, held)| held);
            later
                .or_else(|| before.take_while(|held| held.supersedes.is_some()).find(|held| held.supersedes_place(seq)))
        };
        at.or_else(of_group).map(|held| held.digest)
    }

    /// How a batch that is about to be held supersedes others. A dispute about its place has ended then: two operators have
    /// spoken, unless it is the very batch that is disputed by another one of theirs.
    pub(super) fn superseding(&mut self, statement: &BatchStatement) -> Option<Superseding> {
        let it = statement.supersedes.as_ref()?;
        let key = (statement.epoch, statement.seq);
        let decides = |against: &Option<Digest>| against.is_none_or(|digest| it.old.contains(&digest));
        let ended = self.disputed.get(&key).copied().filter(decides);
        if ended.is_some() {
            self.disputed.remove(&key);
        }
        let last = last_of(statement.group.first, it.new.len());
        Some(Superseding { act: it.act, old: it.old.clone(), last, ended })
    }

    /// Makes room for a batch that supersedes: what else is held for its group gives way, as does a refusal of the group.
    /// Returns what gave way.
    pub fn displace(&mut self, statement: &BatchStatement) -> Vec<BatchId> {
        let Some(supersedes) = &statement.supersedes else { return Vec::new() };
        let (epoch, first) = (statement.epoch, statement.group.first);
        let last = last_of(first, supersedes.new.len());
        let of_other = |held: &Held| held.supersedes.as_ref().is_none_or(|it| it.act != supersedes.act);
        let others = self.held.range((epoch, first)..=(epoch, last)).filter(|(_, held)| of_other(held));
        let displaced: Vec<((u64, u64), Digest)> = others.map(|(key, held)| (*key, held.digest)).collect();
        for (key, _) in &displaced {
            coverage::hit(Place::Displaced);
            self.forget(*key);
        }
        if self.refused.as_ref().is_some_and(|refusal| (first..=last).contains(&refusal.seq)) {
            self.refused = None;
        }
        let id = |((epoch, seq), digest)| BatchId { stream: self.stream.clone(), epoch, seq, digest };
        displaced.into_iter().map(id).collect()
    }
}

impl Held {
    /// Whether it is one of those that supersede what stands at a place.
    fn supersedes_place(&self, seq: u64) -> bool {
        self.supersedes.as_ref().is_some_and(|it| (self.group.first..=it.last).contains(&seq))
    }
}

fn last_of(first: u64, count: usize) -> u64 {
    first.saturating_add(u64::try_from(count).unwrap_or(u64::MAX)).saturating_sub(1)
}
