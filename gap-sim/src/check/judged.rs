//! Invariant 6: each applied batch follows on the one before it, and two statements for one place stop the stream.

use std::collections::{BTreeMap, BTreeSet};

use ferry_format::StreamName;

use super::{Checker, Moment, identity};
use crate::world::World;
use crate::world::host::ZoneId;
use crate::world::lives::{epoch_of, place, place_of, seq_of};

/// The batches that a replica has applied name each other's digests without a gap, and nothing is applied at or above a
/// place that is remembered as disputed.
#[derive(Debug, Default)]
pub(super) struct Judged {
    /// By stream: the lowest place with a dispute, and the watermark when it was first seen.
    stopped_at: BTreeMap<StreamName, (u64, u64)>,
    checked: BTreeMap<StreamName, u64>,
}

impl Checker for Judged {
    identity!(6, "judged");

    fn look(&mut self, world: &World, _moment: &Moment) -> Result<(), String> {
        for zone in ZoneId::BOTH {
            let streams = world.model.streams.keys();
            let usurped: BTreeSet<StreamName> = streams.filter(|stream| world.is_usurped(stream)).cloned().collect();
            let database = world.host(zone).store.database();
            let owner = world.host(zone.peer()).store.database();
            for (stream, peer) in &database.peers {
                let Some((_, mark)) = &peer.followed else { continue };
                let places = peer.disputed.range((mark.epoch, 0)..=(mark.epoch, u64::MAX));
                let (epoch, at_mark) = (mark.epoch, place_of(mark));
                if let Some(place) = places.map(|((_, seq), _)| place(epoch, *seq)).min() {
                    let seen = self.stopped_at.entry(stream.clone()).or_insert((place, at_mark));
                    if place < seen.0 || epoch_of(seen.0) < epoch {
                        *seen = (place, at_mark);
                    }
                    // What was under way when the second statement was remembered may still commit, one group of it.
                    let (_, stopped) = *seen;
                    let group_end =
                        owner.own[stream].batches.range(stopped + 1..).find(|(_, one)| one.batch.group.last);
                    let under_way = group_end.map_or(stopped + 1, |(seq, _)| *seq);
                    if at_mark > under_way.max(place.saturating_sub(1)) {
                        return Err(format!(
                            "{stream} went on from {stopped} to {} past a dispute at {place}",
                            mark.seq
                        ));
                    }
                }
                if peer.disputed.is_empty() {
                    self.stopped_at.remove(stream);
                }
                if world.fates[stream].frozen || usurped.contains(stream) {
                    continue;
                }
                let checked = self.checked.entry(stream.clone()).or_default();
                for (seq, digest) in peer.applied.range((*checked).max(1) + 1..) {
                    // The first batch of a life follows on its genesis.
                    if seq_of(*seq) == 1 {
                        *checked = *seq;
                        continue;
                    }
                    let previous = owner.own[stream].batches.get(seq).map(|recorded| recorded.previous);
                    if previous.as_ref() != peer.applied.get(&(seq - 1)) {
                        return Err(format!("{stream}/{seq} ({digest}) does not follow on what was applied before it"));
                    }
                    *checked = *seq;
                }
            }
        }
        Ok(())
    }

    fn restored(&mut self, _zone: ZoneId) {
        self.checked.clear();
        self.stopped_at.clear();
    }
}
