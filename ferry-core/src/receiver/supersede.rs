//! Batches that supersede others: which of them stands at a place that is not applied.

use ferry_format::{BatchStatement, Digest, Mark};

use super::{Held, Receiver, Verdict};
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

    /// What a batch meets among those held for its group; `None` when nothing there speaks against it.
    pub(super) fn judge_rivals(&self, statement: &BatchStatement, digest: Digest) -> Option<Verdict> {
        let held = self.held.get(&(statement.epoch, statement.seq));
        if held.is_some_and(|held| held.digest == digest) {
            return Some(Verdict::Duplicate);
        }
        for rival in self.rivals(statement) {
            match (&statement.supersedes, &rival.supersedes) {
                // Two operators have spoken: whatever else is signed for the place gives way.
                (Some(_), None) => {}
                (None, Some(_)) => return Some(Verdict::Refuse(SUPERSEDED)),
                (Some(new), Some((act, _))) if new.act == *act => {}
                (Some(new), Some(_)) if new.old.contains(&rival.digest) => {}
                (Some(_), Some((_, old))) if old.contains(&digest) => return Some(Verdict::Refuse(SUPERSEDED)),
                (Some(_), Some(_)) => return Some(Verdict::Refuse("two-statements")),
                (None, None) => {}
            }
        }
        match (held, &statement.supersedes) {
            (Some(_), None) => Some(Verdict::Refuse("two-statements")),
            (Some(_) | None, Some(_)) | (None, None) => None,
        }
    }

    /// Whether a batch has given way to what is held for its group.
    #[must_use]
    pub fn is_displaced(&self, statement: &BatchStatement, digest: Digest) -> bool {
        matches!(self.judge_rivals(statement, digest), Some(Verdict::Refuse(SUPERSEDED)))
    }

    /// What is held for the group of a batch.
    fn rivals<'r>(&'r self, statement: &BatchStatement) -> impl Iterator<Item = &'r Held> {
        let first = statement.group.first;
        let last = statement.supersedes.as_ref().map_or(statement.seq, |it| last_of(first, it.new.len()));
        let range = (statement.epoch, first)..=(statement.epoch, last.max(statement.seq));
        self.held.range(range).map(|(_, held)| held).filter(move |held| held.group.first <= last)
    }

    /// Makes room for a batch that supersedes: what else is held for its group gives way, as do a refusal of the group and
    /// disputes about it. Returns what gave way.
    pub fn displace(&mut self, statement: &BatchStatement) -> Vec<BatchId> {
        let Some(supersedes) = &statement.supersedes else { return Vec::new() };
        let (epoch, first) = (statement.epoch, statement.group.first);
        let last = last_of(first, supersedes.new.len());
        let of_other = |held: &Held| held.supersedes.as_ref().is_none_or(|(act, _)| *act != supersedes.act);
        let others = self.held.range((epoch, first)..=(epoch, last)).filter(|(_, held)| of_other(held));
        let displaced: Vec<((u64, u64), Digest)> = others.map(|(key, held)| (*key, held.digest)).collect();
        for (key, _) in &displaced {
            coverage::hit(Place::Displaced);
            self.forget(*key);
        }
        if self.refused.as_ref().is_some_and(|refusal| (first..=last).contains(&refusal.seq)) {
            self.refused = None;
        }
        self.disputed.retain(|(of, seq)| *of != epoch || !(first..=last).contains(seq));
        let id = |((epoch, seq), digest)| BatchId { stream: self.stream.clone(), epoch, seq, digest };
        displaced.into_iter().map(id).collect()
    }
}

fn last_of(first: u64, count: usize) -> u64 {
    first.saturating_add(u64::try_from(count).unwrap_or(u64::MAX)).saturating_sub(1)
}
