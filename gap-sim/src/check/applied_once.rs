//! Invariant 2: each seq is applied at most once; rows, watermark, report and audit leaf commit together.

use std::collections::BTreeMap;

use ferry_format::StreamName;

use super::{Checker, Moment, identity};
use crate::world::World;
use crate::world::host::ZoneId;
use crate::world::lives::{lives, place_of};

/// After every commit the watermark, the reports and the audit leaves of a stream say the same, a watermark never goes
/// back, and no row is written unless it goes on.
#[derive(Debug, Default)]
pub(super) struct AppliedOnce {
    seen: BTreeMap<StreamName, u64>,
    put_back: Vec<ZoneId>,
    /// The watermark of each stream, and how often its rows had been written then.
    written: BTreeMap<StreamName, (u64, u64)>,
}

impl Checker for AppliedOnce {
    identity!(2, "applied-once");

    fn look(&mut self, world: &World, _moment: &Moment) -> Result<(), String> {
        for zone in ZoneId::BOTH {
            let anew = self.put_back.contains(&zone);
            let database = world.host(zone).store.database();
            for (stream, peer) in &database.peers {
                let seq = peer.followed.as_ref().map_or(0, |(_, mark)| place_of(mark));
                let all: u64 = lives(peer).iter().map(|mark| mark.seq).sum();
                let leaves = database.applied_leaves.get(stream).copied().unwrap_or(0);
                let (reports, digests) = (peer.reports.len() as u64, peer.applied.len() as u64);
                if [leaves, reports, digests] != [all; 3] {
                    return Err(format!(
                        "{stream}: {all} up to the watermark, {reports} reports, {digests} digests, {leaves} audit leaves"
                    ));
                }
                let before = self.seen.insert(stream.clone(), seq).unwrap_or(0);
                if seq < before && !anew {
                    return Err(format!("{stream}: the watermark went back from {before} to {seq}"));
                }
                let written = database.written.get(stream).copied().unwrap_or(0);
                let last = self.written.insert(stream.clone(), (seq, written)).filter(|_| !anew);
                if last.is_some_and(|(at, count)| at == seq && count != written) {
                    return Err(format!("{stream}: rows were written, and the watermark is still {seq}"));
                }
            }
        }
        self.put_back.clear();
        Ok(())
    }

    fn restored(&mut self, zone: ZoneId) {
        self.put_back.push(zone);
    }
}
