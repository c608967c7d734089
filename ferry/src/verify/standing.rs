//! Places where two operators let another batch take the place of one: which of the two the receiver applied.

use std::collections::{BTreeMap, BTreeSet};

use ferry_format::{ActId, Digest, Mark, Supersedes};

use super::evidence::Kept;

/// What is known of the superseding batches of one life of one stream.
#[derive(Debug, Default)]
pub struct Superseding {
    acts: BTreeMap<ActId, Passing>,
    /// What any of them passes over.
    old: BTreeSet<Digest>,
    /// By which act a batch, named by its own digest, supersedes.
    batches: BTreeMap<Digest, ActId>,
    /// How far the receiver had applied while the last superseding batch that it had applied was this one, or none.
    told: BTreeMap<Option<(u64, Digest)>, u64>,
}

/// One act of two operators.
#[derive(Debug)]
struct Passing {
    first: u64,
    last: u64,
    old: BTreeSet<Digest>,
}

/// What a receiver is known to have applied at a place with several statements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    /// No status of its tells.
    Untold,
    /// The batch that stood there first: what was to supersede it came too late.
    First,
    /// The one that supersedes by this act.
    Act(ActId),
}

impl Superseding {
    /// A verified batch supersedes.
    pub fn batch(&mut self, digest: Digest, group_first: u64, supersedes: &Supersedes) {
        let count = u64::try_from(supersedes.new.len()).unwrap_or(u64::MAX);
        let last = group_first.saturating_add(count).saturating_sub(1);
        let old: BTreeSet<Digest> = supersedes.old.iter().copied().collect();
        self.old.extend(&old);
        self.acts.entry(supersedes.act).or_insert(Passing { first: group_first, last, old });
        self.batches.insert(digest, supersedes.act);
    }

    /// A status of the receiver says how far it has applied, and which batch was the last that superseded another.
    pub fn status(&mut self, received: &Mark, superseded: Option<&Mark>) {
        let last = superseded.map(|mark| (mark.seq, mark.digest));
        let through = self.told.entry(last).or_default();
        *through = received.seq.max(*through);
    }

    /// Whether a verified batch supersedes another one.
    pub fn is_superseded(&self, digest: &Digest) -> bool {
        self.old.contains(digest)
    }

    /// What the receiver applied at a place.
    pub fn applied(&self, seq: u64) -> Applied {
        let mut applied = Applied::Untold;
        for (last, through) in &self.told {
            let id = last.and_then(|(_, digest)| self.batches.get(&digest));
            match (last, id.and_then(|id| Some((*id, self.acts.get(id)?)))) {
                // A receiver that was put back may have applied one, and later another: the later one stands.
                (Some((_, digest)), Some((id, act)))
                    if (act.first..=act.last).contains(&seq)
                        && (!self.is_superseded(digest) || !matches!(applied, Applied::Act(_))) =>
                {
                    applied = Applied::Act(id);
                }
                // Which batches superseded others before the last one, it does not tell.
                (Some((at, _)), _) if *at >= seq => {}
                _ if *through >= seq && applied == Applied::Untold => applied = Applied::First,
                _ => {}
            }
        }
        applied
    }

    /// Whether a batch is the one that was applied at its place.
    pub fn is_applied(&self, kept: &Kept, applied: Applied) -> bool {
        match applied {
            Applied::Untold => false,
            Applied::First => !self.batches.contains_key(&kept.digest),
            Applied::Act(id) => self.batches.get(&kept.digest) == Some(&id),
        }
    }

    /// Whether a batch came to supersede another one.
    pub fn came_for(&self, late: &Kept, other: &Kept) -> bool {
        let act = self.batches.get(&late.digest).and_then(|id| self.acts.get(id));
        act.is_some_and(|act| act.old.contains(&other.digest))
    }
}
