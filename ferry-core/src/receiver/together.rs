//! Groups that wait behind the head of the stream and are applied with it, in one transaction.
//!
//! Each of them is whole, and the transaction is all of them or nothing, so what is applied is a prefix of the owner's sequence
//! as it is with one group at a time. When something is refused, nothing of it stays, and the groups are judged again one at a
//! time: those before the bad one are applied, and the bad one is refused by itself.

use std::ops::RangeInclusive;

use ferry_format::{Mark, StreamName};

use super::Receiver;
use super::promote::obstacle_of;
use crate::coverage::{self, Place};
use crate::settings::{GROUPS_TOGETHER_MAX, TOGETHER_BYTES_MAX};

/// What is known of groups that are applied together.
#[derive(Debug, Default)]
pub(super) struct Together {
    /// The last seq of several groups under way.
    under_way: Option<u64>,
    /// Up to here groups are applied one at a time.
    alone_through: u64,
}

impl Together {
    /// What was under way has ended. Returns its last seq if it was several groups.
    pub fn landed(&mut self) -> Option<u64> {
        self.under_way.take()
    }

    /// From here on each group up to a seq is judged by itself.
    pub fn part(&mut self, through: Option<u64>) {
        coverage::hit(Place::GroupsParted);
        self.alone_through = through.unwrap_or(self.alone_through);
    }
}

/// A whole group that may be applied with the one before it.
struct Behind {
    last: u64,
    file_bytes: u64,
}

impl Receiver {
    /// Chooses which groups are applied with the head group. Returns the last seq of them all.
    pub(super) fn take_together(
        &mut self,
        head: &RangeInclusive<u64>,
        watermark: &impl Fn(&StreamName) -> Option<Mark>,
    ) -> u64 {
        let alone = *head.end();
        let last = self.last_together(head, watermark).unwrap_or(alone);
        self.together.under_way = (last > alone).then_some(last);
        if last > alone {
            coverage::hit(Place::GroupsTogether);
        }
        last
    }

    fn last_together(
        &self,
        head: &RangeInclusive<u64>,
        watermark: &impl Fn(&StreamName) -> Option<Mark>,
    ) -> Option<u64> {
        let epoch = self.epoch();
        let mut last = *head.end();
        let is_plain = self.held.get(&(epoch, last))?.supersedes.is_none();
        if !is_plain || last <= self.together.alone_through {
            return None;
        }
        let mut bytes: u64 =
            self.held.range((epoch, *head.start())..=(epoch, last)).map(|(_, held)| held.file_bytes).sum();
        for _ in 1..GROUPS_TOGETHER_MAX {
            let Some(next) = self.group_behind(last, watermark) else { break };
            bytes = bytes.saturating_add(next.file_bytes);
            if bytes > TOGETHER_BYTES_MAX {
                break;
            }
            last = next.last;
        }
        Some(last)
    }

    /// The group behind a seq, if it is whole, follows on what is there, and nothing at all speaks against it. What does is looked
    /// at when it has become the head.
    fn group_behind(&self, end: u64, watermark: &impl Fn(&StreamName) -> Option<Mark>) -> Option<Behind> {
        let epoch = self.epoch();
        let epoch_id = self.followed.as_ref()?.epoch_id;
        let mut chain = self.held.get(&(epoch, end))?.chain;
        let (first, mut file_bytes) = (end + 1, 0_u64);
        for (next, ((_, seq), held)) in (first..).zip(self.held.range((epoch, first)..=(epoch, u64::MAX))) {
            let follows =
                *seq == next && held.group.first == first && held.previous == chain && held.epoch_id == epoch_id;
            let is_clear = held.durable
                && held.supersedes.is_none()
                && held.contract == self.contract
                && !self.disputed.contains_key(&(epoch, *seq))
                && held.requires.iter().all(|required| obstacle_of(required, watermark).is_none());
            if !follows || !is_clear {
                return None;
            }
            (chain, file_bytes) = (held.chain, file_bytes.saturating_add(held.file_bytes));
            if held.group.last {
                return Some(Behind { last: *seq, file_bytes });
            }
        }
        None
    }
}
