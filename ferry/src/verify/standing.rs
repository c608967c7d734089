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
    /// What statuses of the receiver say, by the last superseding batch that it had applied then, if any: of each those that no
    /// later one outdoes.
    told: BTreeMap<Option<(u64, Digest)>, Vec<Told>>,
}

/// What one status says.
#[derive(Debug, Clone, Copy)]
struct Told {
    number: u64,
    /// How far the receiver had applied.
    through: u64,
}

impl Told {
    fn outdoes(self, other: Self) -> bool {
        self.number >= other.number && self.through >= other.through
    }
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
    pub fn status(&mut self, number: u64, received: &Mark, superseded: Option<&Mark>) {
        let last = superseded.map(|mark| (mark.seq, mark.digest));
        let (all, told) = (self.told.entry(last).or_default(), Told { number, through: received.seq });
        if !all.iter().any(|one| one.outdoes(told)) {
            all.retain(|one| !told.outdoes(*one));
            all.push(told);
        }
    }

    /// Whether any batch supersedes others.
    pub fn is_empty(&self) -> bool {
        self.batches.is_empty()
    }

    /// Whether a verified batch supersedes another one.
    pub fn is_superseded(&self, digest: &Digest) -> bool {
        self.old.contains(digest)
    }

    /// What the receiver applied at a place. One that was put back may have applied one batch and later another: what the latest
    /// status says stands.
    pub fn applied(&self, seq: u64) -> Applied {
        let says = |(last, all): (&Option<(u64, Digest)>, &Vec<Told>)| {
            let number = all.iter().filter(|told| told.through >= seq).map(|told| told.number).max()?;
            let id = last.and_then(|(_, digest)| self.batches.get(&digest));
            let act = id.and_then(|id| self.acts.get(id)).filter(|act| (act.first..=act.last).contains(&seq));
            match (act.and(id), last) {
                (Some(id), _) => Some((number, Applied::Act(*id))),
                // Which batches superseded others before the last one, it does not tell.
                (None, Some((at, _))) if *at >= seq => None,
                (None, _) => Some((number, Applied::First)),
            }
        };
        self.told.iter().filter_map(says).max_by_key(|(number, _)| *number).map_or(Applied::Untold, |(_, it)| it)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(number: u8) -> Digest {
        Digest([number; 32])
    }

    /// An act that puts batches into the places 2 and 3, the last of which has this digest.
    fn superseding(act: u8, old: &[u8]) -> Superseding {
        let mut all = Superseding::default();
        add(&mut all, act, old);
        all
    }

    fn add(all: &mut Superseding, act: u8, old: &[u8]) {
        let supersedes = Supersedes {
            act: ActId([act; 16]),
            at_ms: 1,
            reason: ferry_format::Reason::new("why").unwrap(),
            old: old.iter().copied().map(digest).collect(),
            new: vec![digest(100); 2],
            approvals: Vec::new(),
        };
        for number in [act, act + 1] {
            all.batch(digest(number), 2, &supersedes);
        }
    }

    fn mark(seq: u64, number: u8) -> Mark {
        Mark { stream: "confirm".parse().unwrap(), epoch: 1, seq, digest: digest(number) }
    }

    #[test]
    fn the_last_batch_of_a_group_tells_of_all_of_it() {
        let mut all = superseding(10, &[2, 3]);
        assert_eq!([1, 2, 3, 4].map(|seq| all.applied(seq)), [Applied::Untold; 4]);
        all.status(1, &mark(3, 3), Some(&mark(3, 11)));
        let act = Applied::Act(ActId([10; 16]));
        assert_eq!([1, 2, 3, 4].map(|seq| all.applied(seq)), [Applied::Untold, act, act, Applied::Untold]);
        // What is applied after it and does not supersede says so.
        all.status(2, &mark(5, 5), Some(&mark(3, 11)));
        assert_eq!(all.applied(4), Applied::First);
    }

    #[test]
    fn what_lies_before_a_later_superseding_batch_is_not_told() {
        let mut all = superseding(10, &[2, 3]);
        all.status(1, &mark(9, 9), Some(&mark(8, 80)));
        assert_eq!([2, 8, 9].map(|seq| all.applied(seq)), [Applied::Untold, Applied::Untold, Applied::First]);
    }

    #[test]
    fn of_two_lives_of_a_receiver_the_later_counts() {
        let mut all = superseding(10, &[2, 3]);
        add(&mut all, 20, &[2, 3, 10, 11]);
        all.status(5, &mark(3, 3), Some(&mark(3, 11)));
        all.status(9, &mark(3, 3), Some(&mark(3, 21)));
        assert_eq!(all.applied(2), Applied::Act(ActId([20; 16])));
        // One that was put back, and has not come as far again, says nothing of the place.
        all.status(10, &mark(1, 1), None);
        assert_eq!(all.applied(2), Applied::Act(ActId([20; 16])));
        all.status(12, &mark(3, 3), None);
        assert_eq!(all.applied(2), Applied::First);
    }
}
