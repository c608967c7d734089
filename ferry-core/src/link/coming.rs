//! Batches of one own stream on their way back, and which of several at one place is meant.

use std::collections::BTreeMap;

use ferry_format::{ActId, BatchStatement, Digest, EpochId, Group, Mark};

use crate::breaks::{self, Break};
use crate::time::Mono;

/// An own batch that is here and not in the books.
#[derive(Debug, Clone)]
pub(super) struct Back {
    /// Its identity.
    pub(super) digest: Digest,
    /// The digest by which the chain names its place.
    pub(super) chain: Digest,
    pub(super) previous: Digest,
    pub(super) epoch_id: EpochId,
    pub(super) group: Group,
    pub(super) contract: Digest,
    /// Own streams that must have come so far first.
    pub(super) requires: Vec<Mark>,
    /// The act by which it supersedes others, and how many batches that puts into their places.
    pub(super) act: Option<(ActId, u64)>,
    /// The peer gave it back: it is the one that it has applied or holds.
    pub(super) of_peer: bool,
}

impl Back {
    pub(super) fn of(statement: &BatchStatement, digest: Digest, of_peer: bool) -> Self {
        let mark = |it: &ferry_format::Requirement| Mark {
            stream: it.stream.clone(),
            epoch: it.epoch,
            seq: it.seq,
            digest: it.digest,
        };
        Self {
            digest,
            chain: statement.chain_digest(digest),
            previous: statement.previous,
            epoch_id: statement.epoch_id,
            group: statement.group,
            contract: statement.contract,
            requires: statement.requires.iter().map(mark).collect(),
            act: statement.supersedes.as_ref().map(|it| (it.act, u64::try_from(it.new.len()).unwrap_or(u64::MAX))),
            of_peer,
        }
    }
}

/// One own stream on its way back.
#[derive(Debug, Default)]
pub(super) struct Coming {
    /// Batches that are here, by seq; several where one took the place of another.
    pub(super) here: BTreeMap<u64, Vec<Back>>,
    /// Spool and archive have been searched up to this seq.
    pub(super) searched: u64,
    pub(super) searching: bool,
    /// The last batch that is in the books.
    pub(super) recorded: u64,
    /// The last batch that the peer has applied, once it has said so.
    pub(super) applied_there: Option<u64>,
    pub(super) taking: bool,
    pub(super) retry_at: Option<Mono>,
}

impl Coming {
    pub(super) fn add(&mut self, seq: u64, back: Back) {
        let all = self.here.entry(seq).or_default();
        match all.iter_mut().find(|other| other.digest == back.digest) {
            Some(other) => other.of_peer |= back.of_peer,
            None => all.push(back),
        }
    }

    /// Whether this zone alone cannot tell which batch the peer has applied at a place: one may have superseded the other
    /// before, or have come too late.
    pub(super) fn is_undecided(&self, seq: u64) -> bool {
        let all = self.here.get(&seq).map_or(&[][..], Vec::as_slice);
        let is_replaced = |one: &Back| all.iter().any(|other| other.chain == one.chain && other.digest != one.digest);
        self.may_be_applied(seq) && all.iter().any(is_replaced) && !all.iter().any(|back| back.of_peer)
    }

    fn may_be_applied(&self, seq: u64) -> bool {
        self.applied_there.is_none_or(|last| seq <= last)
    }

    /// Whether a batch that supersedes another may have been sent. Where the daemon was killed while it sealed what an act puts into
    /// the places of a group, some files of that are here and others never were: the act was not done, and the anchor does not
    /// name it.
    fn was_decided(&self, back: &Back, anchored: &[Digest]) -> bool {
        let Some((act, count)) = back.act else { return true };
        let of_act = |seq: u64| {
            let all = self.here.get(&seq).map_or(&[][..], Vec::as_slice);
            all.iter().find(|other| other.act.is_some_and(|(id, _)| id == act))
        };
        let mut places = (back.group.first..).take(usize::try_from(count).unwrap_or(usize::MAX)).map(of_act);
        let is_named = |one: &Back| one.of_peer || anchored.contains(&one.digest);
        places.clone().flatten().any(is_named) || places.all(|one| one.is_some())
    }

    /// Whether a batch is here that may be taken back to a place.
    pub(super) fn has_any(&self, seq: u64, anchored: &[Digest]) -> bool {
        self.here.get(&seq).is_some_and(|all| all.iter().any(|back| self.was_decided(back, anchored)))
    }

    /// Whether batches that are here lead from one to that which the anchor names, each named by the one after it.
    fn leads(&self, seq: u64, chain: Digest, target: &Mark) -> bool {
        let mut named = vec![target.digest];
        for at in (seq + 1..=target.seq).rev() {
            let all = self.here.get(&at).map_or(&[][..], Vec::as_slice);
            named = all.iter().filter(|back| named.contains(&back.chain)).map(|back| back.previous).collect();
            if named.is_empty() {
                return false;
            }
        }
        named.contains(&chain)
    }

    /// The batch of a place that follows on the one before it. Of several the one is meant that the next one names, or the
    /// anchor; and of those that took each other's places the latest. `anchored` are the superseding ones that the anchor names.
    /// Of a group that is in the books in part, those are taken that stood there first: what superseded them supersedes it whole.
    pub(super) fn follows(&self, seq: u64, previous: Digest, target: &Mark, anchored: &[Digest]) -> Option<&Back> {
        let is_first = |back: &Back| back.previous == previous && back.digest == back.chain;
        let is_torn = self.here.get(&seq)?.iter().any(|back| is_first(back) && back.group.first <= self.recorded);
        if self.is_undecided(seq) && !is_torn {
            return None;
        }
        let is_of_peer = self.here.get(&seq)?.iter().any(|back| back.of_peer);
        let decided = self.may_be_applied(seq) && is_of_peer && !is_torn;
        let meant = |back: &&Back| back.previous == previous && (back.of_peer || !decided);
        let all: Vec<&Back> = self.here.get(&seq)?.iter().filter(meant).collect();
        let mut chains: Vec<Digest> = all.iter().map(|back| back.chain).collect();
        chains.sort_unstable();
        chains.dedup();
        // Two histories may have begun here, each with batches that name one another: only one of them ends where the anchor says.
        let is_one_of_several = chains.len() > 1;
        let is_named = |chain: &Digest| match is_one_of_several || seq == target.seq {
            true => self.leads(seq, *chain, target),
            false => self.here.get(&(seq + 1)).is_some_and(|next| next.iter().any(|back| back.previous == *chain)),
        };
        // What the peer gave back, now or before an earlier end of the daemon, may be by somebody else who has the zone's key: the
        // one after it must name it.
        let needs_name = !breaks::is(Break::ReturnUnverified);
        let chain = chains.into_iter().find(|chain| !needs_name || is_named(chain))?;
        let of_chain = |back: &&&Back| back.chain == chain && self.was_decided(back, anchored);
        let first = || all.iter().find(|back| back.digest == chain);
        let latest = || all.iter().filter(of_chain).rfind(|back| back.digest != chain);
        let meant = if is_torn { first().or_else(latest) } else { latest().or_else(first) };
        meant.copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(word: &str) -> Digest {
        Digest::of(&[word.as_bytes()])
    }

    /// A batch of the group 1 to 3: the first that stood at its place, or the one that an act puts there.
    fn back(seq: u64, act: Option<u8>) -> Back {
        let chain = |seq: u64| digest(&format!("batch {seq}"));
        Back {
            digest: act.map_or(chain(seq), |act| digest(&format!("{act} at {seq}"))),
            chain: chain(seq),
            previous: chain(seq - 1),
            epoch_id: EpochId([1; 8]),
            group: Group { first: 1, index: seq - 1, last: seq == 3 },
            contract: digest("contract"),
            requires: Vec::new(),
            act: act.map(|act| (ActId([act; 16]), 3)),
            of_peer: false,
        }
    }

    /// Every batch that stood first, none of which the peer has applied.
    fn with_originals() -> Coming {
        let mut coming = Coming { applied_there: Some(0), ..Coming::default() };
        (1..=3).for_each(|seq| coming.add(seq, back(seq, None)));
        coming
    }

    fn chosen(coming: &Coming, anchored: &[Digest]) -> Vec<bool> {
        let target = Mark { stream: "bill".parse().unwrap(), epoch: 1, seq: 3, digest: back(3, None).chain };
        let choose = |seq: u64| coming.follows(seq, back(seq, None).previous, &target, anchored).unwrap().act.is_some();
        (1..=3).map(choose).collect()
    }

    #[test]
    fn what_an_act_puts_in_is_taken_back_whole_or_not_at_all() {
        let mut coming = with_originals();
        coming.add(1, back(1, Some(7)));
        coming.add(2, back(2, Some(7)));
        assert_eq!(chosen(&coming, &[]), [false; 3]);
        coming.add(3, back(3, Some(8)));
        assert_eq!(chosen(&coming, &[]), [false; 3], "another act does not make it whole");
        coming.add(3, back(3, Some(7)));
        assert_eq!(chosen(&coming, &[]), [true; 3]);
    }

    #[test]
    fn what_an_act_never_put_in_stands_for_no_original_that_is_gone() {
        let mut coming = Coming { applied_there: Some(0), ..Coming::default() };
        coming.add(1, back(1, None));
        coming.add(2, back(2, Some(7)));
        coming.add(3, back(3, None));
        let target = Mark { stream: "bill".parse().unwrap(), epoch: 1, seq: 3, digest: back(3, None).chain };
        assert!(coming.follows(2, back(2, None).previous, &target, &[]).is_none());
        assert_eq!([1, 2, 3].map(|seq| coming.has_any(seq, &[])), [true, false, true]);
    }

    #[test]
    fn what_only_the_peer_has_is_taken_back_once_the_next_one_names_it() {
        let target = Mark { stream: "bill".parse().unwrap(), epoch: 1, seq: 3, digest: back(3, None).chain };
        let theirs = |seq| Back { of_peer: true, ..back(seq, None) };
        let mut coming = Coming { applied_there: Some(3), ..Coming::default() };
        coming.add(1, theirs(1));
        let first = |coming: &Coming| coming.follows(1, back(1, None).previous, &target, &[]).is_some();
        assert!(!first(&coming));
        coming.add(2, Back { previous: digest("another"), ..theirs(2) });
        assert!(!first(&coming), "a thief's batch is named by nobody");
        coming.add(2, Back { digest: digest("genuine"), ..theirs(2) });
        assert!(first(&coming));
        let mut here = Coming { applied_there: Some(0), ..Coming::default() };
        here.add(1, back(1, None));
        assert!(!first(&here), "it may have been given back before an earlier end of the daemon");
        here.add(2, back(2, None));
        assert!(first(&here));
    }

    #[test]
    fn of_two_histories_the_one_that_ends_where_the_anchor_says_comes_back() {
        let mut coming = Coming { applied_there: Some(0), ..Coming::default() };
        let other = |seq: u64| digest(&format!("other {seq}"));
        for seq in 1..=3 {
            let previous = if seq == 1 { back(1, None).previous } else { other(seq - 1) };
            coming.add(seq, Back { digest: other(seq), chain: other(seq), previous, ..back(seq, None) });
            coming.add(seq, back(seq, None));
        }
        let end = |digest: Digest| Mark { stream: "bill".parse().unwrap(), epoch: 1, seq: 3, digest };
        for (digest, first) in [(other(3), other(1)), (back(3, None).chain, back(1, None).chain)] {
            let chosen = coming.follows(1, back(1, None).previous, &end(digest), &[]).unwrap();
            assert_eq!(chosen.chain, first);
        }
        coming.here.remove(&2);
        let nobody = coming.follows(1, back(1, None).previous, &end(other(3)), &[]);
        assert!(nobody.is_none(), "not before it shows which it is");
    }

    #[test]
    fn of_a_group_that_is_in_the_books_in_part_the_originals_come_back() {
        let mut coming = with_originals();
        (coming.recorded, coming.applied_there) = (1, Some(3));
        for seq in 1..=3 {
            coming.add(seq, Back { of_peer: true, ..back(seq, Some(7)) });
        }
        assert_eq!(chosen(&coming, &[back(3, Some(7)).digest]), [false; 3], "they are superseded whole afterwards");
        coming.recorded = 0;
        assert_eq!(chosen(&coming, &[back(3, Some(7)).digest]), [true; 3]);
    }

    #[test]
    fn what_the_anchor_names_was_decided() {
        let mut coming = with_originals();
        coming.add(1, back(1, Some(7)));
        assert_eq!(chosen(&coming, &[back(1, Some(7)).digest]), [true, false, false]);
    }
}
