//! Invariant 5: nothing is applied that the owner did not state for this link under a known contract.

use std::collections::BTreeMap;

use ferry_format::StreamName;

use super::{Checker, Moment, identity};
use crate::world::World;
use crate::world::host::ZoneId;

/// Every digest that a replica has applied is one that the owner recorded at that place; and what an owner that was put back
/// takes back is what it had recorded.
#[derive(Debug, Default)]
pub(super) struct Authentic {
    checked: BTreeMap<StreamName, u64>,
    taken_back: BTreeMap<StreamName, u64>,
}

impl Checker for Authentic {
    identity!(5, "authentic");

    fn look(&mut self, world: &World, _moment: &Moment) -> Result<(), String> {
        for zone in ZoneId::BOTH {
            let database = world.host(zone).store.database();
            for (stream, peer) in &database.peers {
                let checked = self.checked.entry(stream.clone()).or_default();
                for (seq, digest) in peer.applied.range(*checked + 1..) {
                    let stated = world.fates[stream].recorded.get(seq).map(|(digest, _)| *digest);
                    // A stolen key states what nobody can tell from the owner's own word, and so does an owner that has
                    // lost database and anchor.
                    let fate = &world.fates[stream];
                    let untold = fate.forgotten || fate.stolen.contains(&(*seq, *digest));
                    if stated != Some(*digest) && !untold {
                        return Err(format!("{stream}/{seq} was applied as {digest}, the owner recorded {stated:?}"));
                    }
                    *checked = *seq;
                }
            }
        }
        self.taken_back(world)
    }

    fn restored(&mut self, _zone: ZoneId) {
        self.checked.clear();
        self.taken_back.clear();
    }
}

impl Authentic {
    fn taken_back(&mut self, world: &World) -> Result<(), String> {
        for (stream, fate) in world.fates.iter().filter(|(_, fate)| fate.lost()) {
            let database = world.host(world.model.streams[stream].owner).store.database();
            let checked = self.taken_back.entry(stream.clone()).or_default();
            for (seq, recorded) in database.own[stream].batches.range(*checked + 1..) {
                let digest = recorded.batch.digest;
                let stated = fate.recorded.get(seq).map(|(digest, _)| *digest);
                if stated != Some(digest) {
                    return Err(format!(
                        "{stream}/{seq} was taken back as {digest}, and had been recorded as {stated:?}"
                    ));
                }
                *checked = *seq;
            }
        }
        Ok(())
    }
}
