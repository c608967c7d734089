//! Invariant 6: each applied batch follows on the one before it, and two statements for one place stop the stream.

use std::collections::BTreeMap;

use ferry_format::StreamName;

use super::{Checker, Moment, identity};
use crate::world::World;
use crate::world::host::ZoneId;

/// The batches that a replica has applied name each other's digests without a gap, and nothing is applied at or above a
/// place that is remembered as disputed.
#[derive(Debug, Default)]
pub(super) struct Judged {
    /// By stream: the watermark when a dispute was first seen.
    stopped_at: BTreeMap<StreamName, u64>,
    checked: BTreeMap<StreamName, u64>,
}

impl Checker for Judged {
    identity!(6, "judged");

    fn look(&mut self, world: &World, _moment: &Moment) -> Result<(), String> {
        for zone in ZoneId::BOTH {
            let database = world.host(zone).store.database();
            let owner = world.host(zone.peer()).store.database();
            for (stream, peer) in &database.peers {
                let Some((_, mark)) = &peer.followed else { continue };
                if !peer.disputed.is_empty() {
                    // What was under way when the second statement was remembered may still commit, one group of it.
                    let stopped = *self.stopped_at.entry(stream.clone()).or_insert(mark.seq);
                    let group_end =
                        owner.own[stream].batches.range(stopped + 1..).find(|(_, one)| one.batch.group.last);
                    if mark.seq > group_end.map_or(stopped, |(seq, _)| *seq) {
                        return Err(format!("{stream} went on to {} past a dispute at {stopped}", mark.seq));
                    }
                }
                if world.fates[stream].frozen {
                    continue;
                }
                let checked = self.checked.entry(stream.clone()).or_default();
                for (seq, digest) in peer.applied.range((*checked).max(1) + 1..) {
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
