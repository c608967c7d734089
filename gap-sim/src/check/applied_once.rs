//! Invariant 2: each seq is applied at most once; rows, watermark, report and audit leaf commit together.

use std::collections::BTreeMap;

use ferry_format::StreamName;

use super::{Checker, Moment, identity};
use crate::world::World;
use crate::world::database::{Database, Json};
use crate::world::host::ZoneId;

/// After every commit the watermark, the reports and the audit leaves of a stream say the same, a watermark never goes
/// back, and no row changes unless it goes on.
#[derive(Debug, Default)]
pub(super) struct AppliedOnce {
    seen: BTreeMap<StreamName, u64>,
    put_back: Vec<ZoneId>,
    /// The tables of each stream of a zone's peer, and the watermark and the commits at which they were looked at.
    rows: BTreeMap<StreamName, (u64, u64, Tables)>,
}

/// The tables of a stream, in the order of the contract.
type Tables = Vec<BTreeMap<Json, Json>>;

/// The tables of a stream as a database holds them.
fn tables(world: &World, database: &Database, stream: &StreamName) -> Tables {
    let contract = world.contract().stream(stream).into_iter().flat_map(|contract| &contract.tables);
    contract.map(|table| database.tables.get(&table.name).cloned().unwrap_or_default()).collect()
}

impl AppliedOnce {
    fn compare_rows(&mut self, world: &World, database: &Database, stream: &StreamName, seq: u64) -> Result<(), String> {
        let before = self.rows.get(stream).filter(|(at, ..)| *at == seq);
        if before.is_some_and(|(_, commits, _)| *commits == database.commits) {
            return Ok(());
        }
        let found = tables(world, database, stream);
        if before.is_some_and(|(_, _, rows)| *rows != found) {
            return Err(format!("{stream}: rows have changed, and the watermark is still {seq}"));
        }
        self.rows.insert(stream.clone(), (seq, database.commits, found));
        Ok(())
    }
}

impl Checker for AppliedOnce {
    identity!(2, "applied-once");

    fn look(&mut self, world: &World, _moment: &Moment) -> Result<(), String> {
        for zone in ZoneId::BOTH {
            let anew = self.put_back.contains(&zone);
            let database = world.host(zone).store.database();
            for (stream, peer) in &database.peers {
                let seq = peer.followed.as_ref().map_or(0, |(_, mark)| mark.seq);
                let leaves = database.applied_leaves.get(stream).copied().unwrap_or(0);
                let (reports, digests) = (peer.reports.len() as u64, peer.applied.len() as u64);
                if [leaves, reports, digests] != [seq; 3] {
                    return Err(format!(
                        "{stream}: watermark {seq}, {reports} reports, {digests} digests, {leaves} audit leaves"
                    ));
                }
                let before = self.seen.insert(stream.clone(), seq).unwrap_or(0);
                if seq < before && !anew {
                    return Err(format!("{stream}: the watermark went back from {before} to {seq}"));
                }
                if anew {
                    self.rows.remove(stream);
                }
                self.compare_rows(world, &database, stream, seq)?;
            }
        }
        self.put_back.clear();
        Ok(())
    }

    fn restored(&mut self, zone: ZoneId) {
        self.put_back.push(zone);
    }
}
