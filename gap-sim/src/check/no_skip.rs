//! Invariant 8: a hole or a refused group is never passed.

use std::collections::BTreeMap;

use ferry_format::{Digest, StreamName};

use super::{Checker, Moment, identity};
use crate::world::World;
use crate::world::host::ZoneId;
use crate::world::lives::{epoch_of, seq_of};

/// The seqs that a replica has applied have no holes, none is applied at or above a row that its database refuses, and what
/// stands for a group that was passed over is what two operators approved, and came before the group was applied.
#[derive(Debug, Default)]
pub(super) struct NoSkip {
    checked: BTreeMap<StreamName, u64>,
    /// What stood at the checked places instead of the first statement.
    superseding: BTreeMap<StreamName, BTreeMap<u64, Digest>>,
}

impl Checker for NoSkip {
    identity!(8, "no-skip");

    fn look(&mut self, world: &World, _moment: &Moment) -> Result<(), String> {
        for zone in ZoneId::BOTH {
            let database = world.host(zone).store.database();
            for (stream, peer) in &database.peers {
                let checked = self.checked.entry(stream.clone()).or_default();
                let known = self.superseding.entry(stream.clone()).or_default();
                let is_late = |(seq, digest): &(&u64, &Digest)| **seq <= *checked && known.get(*seq) != Some(*digest);
                if let Some((seq, digest)) = peer.superseding.iter().find(is_late) {
                    return Err(format!("{digest} took the place {stream}/{seq}, which was applied already"));
                }
                if known.len() != peer.superseding.len() {
                    known.clone_from(&peer.superseding);
                }
                for seq in peer.applied.range(*checked + 1..).map(|(seq, _)| *seq) {
                    let begins_a_life = seq_of(seq) == 1 && epoch_of(seq) > epoch_of(*checked);
                    if seq != *checked + 1 && !begins_a_life {
                        return Err(format!("{stream}: {seq} was applied after {checked}"));
                    }
                    *checked = seq;
                }
                let approved = &world.fates[stream].superseding;
                let unapproved =
                    peer.superseding.iter().find(|(seq, digest)| !approved.contains_key(&(**seq, **digest)));
                if let Some((seq, digest)) = unapproved {
                    return Err(format!("{stream}/{seq} was applied as {digest}, which no two operators approved"));
                }
                let model = &world.model.streams[stream];
                if let Some(bad) = model.next_poison(0).filter(|bad| *bad <= model.followed) {
                    return Err(format!("{stream}: change {bad} is refused and change {} applied", model.followed));
                }
            }
        }
        Ok(())
    }

    fn restored(&mut self, _zone: ZoneId) {
        self.checked.clear();
        self.superseding.clear();
    }
}
