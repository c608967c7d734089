//! Invariant 1: every committed change is applied at the peer, or lies visibly at its owner.

use super::{Checker, Moment, identity};
use crate::world::World;
use crate::world::files::{archive_directory, batch_name, head_directory, spool_directory};
use crate::world::lives::{epoch_of, place_of, seq_of};
use ferry_core::ports::{BatchId, Side};
use ferry_format::StreamName;
use std::collections::BTreeMap;

/// Outbox and recorded batches of a stream cover every change without a gap, and the file of every recorded batch that the
/// peer has not applied is on its owner's disk.
#[derive(Debug, Default)]
pub(super) struct NothingVanishes {
    seen: Option<[u64; 5]>,
    /// By stream: the losses of the owner's disk, and the last batch whose file was there then.
    found: BTreeMap<StreamName, (u64, u64)>,
}

impl Checker for NothingVanishes {
    identity!(1, "nothing-vanishes");

    fn look(&mut self, world: &World, moment: &Moment) -> Result<(), String> {
        match moment {
            Moment::Acted(..) | Moment::Stopped(_) | Moment::Committed | Moment::Ended => {}
            Moment::Started(_)
            | Moment::Handled(_)
            | Moment::Status(..)
            | Moment::Crosses(..)
            | Moment::FaultsEnded => return Ok(()),
        }
        // Syncs and files of the peer change nothing here; a commit, or a file that goes, may.
        let version = world.version();
        if self.seen.replace(version) == Some(version) {
            return Ok(());
        }
        for (stream, model) in &world.model.streams {
            if world.fates[stream].frozen {
                continue;
            }
            let host = world.host(model.owner);
            let database = host.store.database();
            let own = &database.own[stream];
            let waiting = own.outbox.len() as u64;
            let void = model.passed.range(own.through_id + 1..).filter(|(_, instead)| instead.is_none()).count() as u64;
            if own.last_id != model.len() || own.through_id + waiting + void != own.last_id {
                return Err(format!(
                    "{stream}: {} changes committed, {} recorded, {waiting} wait",
                    model.len(),
                    own.through_id
                ));
            }
            let losses = host.disk.losses();
            let (at, found) = self.found.get(stream).copied().unwrap_or_default();
            let found = if at == losses { found } else { 0 };
            self.found.insert(stream.clone(), (losses, place_of(&own.last)));
            // What was recorded of a life that has ended, and was not applied, may be all that is left of its rows.
            let open = world.unapplied(stream, own.last.epoch).into_iter().flat_map(|places| own.batches.range(places));
            for (seq, recorded) in open.filter(|(at, _)| **at > found) {
                let id = BatchId {
                    stream: stream.clone(),
                    epoch: epoch_of(*seq),
                    seq: seq_of(*seq),
                    digest: recorded.batch.file_digest(),
                };
                let lies_in = |directory| host.disk.peek(&format!("{directory}/{}", batch_name(&id))).is_some();
                let is_there = lies_in(spool_directory(Side::Out)) || lies_in(archive_directory(Side::Out));
                // A receiver that is put back to longer ago than the archive keeps rows cannot be given them again.
                let is_pruned = world.fates[stream].rewound && lies_in(head_directory(Side::Out));
                if !is_there && !is_pruned {
                    return Err(format!("{stream}/{seq} is recorded, not applied, and its file is gone"));
                }
            }
        }
        if matches!(moment, Moment::Ended) { self.owners_have_their_rows(world) } else { Ok(()) }
    }
}

impl NothingVanishes {
    /// Also a zone that was put back has everything in its tables that it ever sent.
    fn owners_have_their_rows(&self, world: &World) -> Result<(), String> {
        for (stream, model) in &world.model.streams {
            let fate = &world.fates[stream];
            // What was passed over or superseded has never crossed, and so cannot come back.
            let never_crossed = !model.passed.is_empty() || !fate.superseding.is_empty();
            if fate.frozen || fate.forgotten || fate.put_back && never_crossed {
                continue;
            }
            let meant = model.owners_rows();
            let database = world.host(model.owner).store.database();
            for (table, rows) in &meant {
                let found = database.tables.get(table);
                if found.map_or(!rows.is_empty(), |found| found != rows) {
                    let count = found.map_or(0, BTreeMap::len);
                    return Err(format!("{table}: its owner has {count} rows where its changes make {}", rows.len()));
                }
            }
        }
        Ok(())
    }
}
