//! Invariant 7: commit, then acknowledge; record, then publish; delete nothing that the peer has not applied.

use std::collections::BTreeMap;

use ferry_core::ports::{AnchorStore as _, BatchId, Side};
use ferry_format::{FileName, IncomingReport, NameKind, StatusBody, StatusStatement, StreamName};

use super::{Checker, Moment, identity};
use crate::world::World;
use crate::world::faults::Fault;
use crate::world::files::{archive_directory, batch_name, head_directory, spool_directory};
use crate::world::host::ZoneId;
use crate::world::lives::{epoch_of, place, place_of};

/// A clock that runs fast by as much as any does here shows so many hundredths of the time that has passed.
const FASTEST_HUNDREDTHS: u64 = 105;

/// A status names only committed watermarks and files that a power cut would leave; a file at the gate is a batch that is
/// recorded, and whose file a power cut would leave. The rows of an applied batch leave an archive late enough, and its head
/// stays.
#[derive(Debug, Default)]
pub(super) struct DurableFirst {
    /// How far each stream was applied, for each zone that archives it, and since when.
    reached: BTreeMap<(ZoneId, StreamName), Vec<(u64, u64)>>,
    /// Batches of which each zone's archive has lost the rows.
    pruned: BTreeMap<ZoneId, usize>,
}

impl Checker for DurableFirst {
    identity!(7, "durable-first");

    fn look(&mut self, world: &World, moment: &Moment) -> Result<(), String> {
        match moment {
            Moment::Status(zone, statement, body) => status(world, *zone, statement, body),
            Moment::Crosses(zone, name, _) => crosses(world, *zone, name),
            Moment::Acted(zone, _) => {
                ZoneId::BOTH.into_iter().for_each(|zone| self.reach(world, zone));
                self.pruned(world, *zone)?;
                settled(world, *zone)
            }
            Moment::Committed
            | Moment::Started(_)
            | Moment::Stopped(_)
            | Moment::Handled(_)
            | Moment::FaultsEnded
            | Moment::Ended => Ok(()),
        }
    }
}

impl DurableFirst {
    fn reach(&mut self, world: &World, zone: ZoneId) {
        let database = world.host(zone).store.database();
        // Its own batches are applied when the peer has committed them, whoever knows.
        let own = database.own.keys().map(|stream| (stream, world.applied_place(stream), false));
        let peers = database.peers.iter().filter_map(|(stream, peer)| {
            let (_, mark) = peer.followed.as_ref()?;
            Some((stream, place_of(mark), true))
        });
        for (stream, seq, forgets) in own.chain(peers) {
            let reached = self.reached.entry((zone, stream.clone())).or_default();
            // A zone that was put back has what it had then, and since then.
            while forgets && reached.last().is_some_and(|(last, _)| *last > seq) {
                reached.pop();
            }
            if reached.last().is_none_or(|(last, _)| *last < seq) {
                reached.push((seq, world.now_ms));
            }
        }
    }

    fn pruned(&mut self, world: &World, zone: ZoneId) -> Result<(), String> {
        let host = world.host(zone);
        let count = self.pruned.entry(zone).or_default();
        for (side, id) in host.spool.pruned_since(*count) {
            *count += 1;
            let name = batch_name(&id);
            let reached = self.reached.get(&(zone, id.stream.clone())).map(Vec::as_slice).unwrap_or_default();
            let first = reached.get(reached.partition_point(|(at, _)| *at < place(id.epoch, id.seq)));
            let Some((_, since)) = first.filter(|(at, _)| epoch_of(*at) == id.epoch) else {
                return Err(format!("the rows of {name} have left the archive, and it is not applied"));
            };
            let for_ms = (world.now_ms - since) * FASTEST_HUNDREDTHS / 100;
            let retention_ms = world.options.settings.retention_ms;
            if for_ms < retention_ms {
                return Err(format!("the rows of {name} have left the archive after {for_ms} of {retention_ms} ms"));
            }
            if !host.disk.is_durable(&format!("{}/{name}", head_directory(side))) {
                return Err(format!("the rows of {name} have left the archive, and a power cut may take its head"));
            }
            // A zone that was put back may need them, and must know that it was.
            let put_back =
                |stream: &StreamName| world.model.streams[stream].owner == zone && world.fates[stream].lost();
            if world.fates.keys().any(put_back) {
                return Err(format!("the rows of {name} have left the archive of a zone that was put back"));
            }
        }
        Ok(())
    }
}

/// What an owner takes for applied is applied, unless the receiver's database was put back since.
fn settled(world: &World, zone: ZoneId) -> Result<(), String> {
    let database = world.host(zone).store.database();
    for (stream, own) in &database.own {
        let (applied, settled) = (world.applied_place(stream), place_of(&own.settled));
        let peer = world.host(zone.peer()).store.database();
        let under = peer.peers[stream].applied.get(&settled).copied();
        let rewound = world.fates[stream].rewound;
        if own.settled.seq > 0 && !rewound && under.is_some_and(|digest| digest != own.settled.digest) {
            return Err(format!("{stream}/{} counts as applied, and is under another digest", own.settled.seq));
        }
        if own.settled.seq > 0 && settled > applied && !rewound {
            return Err(format!("{stream}/{} counts as applied, and {applied} is", own.settled.seq));
        }
    }
    Ok(())
}

fn status(world: &World, zone: ZoneId, statement: &StatusStatement, body: &StatusBody) -> Result<(), String> {
    let host = world.host(zone);
    let database = host.store.database();
    for mark in &statement.received {
        let committed = database.peers.get(&mark.stream).and_then(|peer| peer.followed.as_ref()).map(|(_, mark)| mark);
        if committed.is_none_or(|committed| place_of(committed) < place_of(mark)) {
            return Err(format!("{}/{} is acknowledged and not committed", mark.stream, mark.seq));
        }
    }
    let names: BTreeMap<String, bool> = [spool_directory(Side::In), archive_directory(Side::In)]
        .iter()
        .flat_map(|directory| host.disk.names(directory).into_iter().map(move |name| (*directory, name)))
        .map(|(directory, name)| {
            let durable = host.disk.survives(&format!("{directory}/{name}"));
            (name, durable)
        })
        .collect();
    for report in &body.incoming {
        let applied = database.peers.get(&report.stream).and_then(|peer| peer.followed.as_ref());
        let applied = applied.map_or(0, |(_, mark)| place_of(mark));
        let is_above = |seq: &u64| place(report.epoch, *seq) > applied;
        for seq in report.held.iter().flat_map(|range| range.first..=range.last).filter(is_above) {
            let prefix = format!("{}-{:08}-{seq:012}-", report.stream, report.epoch);
            let durable = names.range(prefix.clone()..).next().filter(|(name, _)| name.starts_with(&prefix));
            // What an owner has superseded gives way whole; nobody counts on it any more.
            if world.fates[&report.stream].instead.contains_key(&place(report.epoch, seq)) {
                continue;
            }
            // A file that vanishes after it was held is the disk's fault, or was set aside while the status was sealed.
            let may_be_gone = || {
                world.faults.of(Fault::SpoolRot) > 0
                    || world.fates[&report.stream].rewound
                    || was_set_aside(world, zone, report, seq)
            };
            if !durable.map_or_else(may_be_gone, |(_, durable)| *durable) {
                return Err(format!("{}/{seq} is reported held, and a power cut may lose it", report.stream));
            }
        }
    }
    Ok(())
}

/// Whether a signed batch that is reported lies in the quarantine.
fn was_set_aside(world: &World, zone: ZoneId, report: &IncomingReport, seq: u64) -> bool {
    let place = NameKind::Batch { stream: report.stream.clone(), epoch: report.epoch, seq };
    let is_it = |name: &str| name.parse::<FileName>().is_ok_and(|name| name.kind == place);
    world.host(zone).quarantine.kept().iter().any(|(_, name, note)| note.verified && is_it(name))
}

fn crosses(world: &World, zone: ZoneId, name: &str) -> Result<(), String> {
    let Ok(parsed) = name.parse::<FileName>() else { return Ok(()) };
    let NameKind::Batch { stream, epoch, seq } = parsed.kind else { return Ok(()) };
    let host = world.host(zone);
    let database = host.store.database();
    let Some(own) = database.own.get(&stream) else {
        // What the peer has lost is given back to it out of what it had sent. Its rows may have left the archive when a slow gate
        // takes the file.
        let kept = format!("{stream}-{epoch:08}-{seq:012}-{}", parsed.digest8);
        let mut places = [spool_directory, archive_directory, head_directory].into_iter().map(|of| of(Side::In));
        let is_kept = places.any(|directory| host.disk.peek(&format!("{directory}/{kept}")).is_some());
        return if is_kept { Ok(()) } else { Err(format!("{name} is of no own stream, and was never taken")) };
    };
    if world.fates[&stream].frozen {
        return Ok(());
    }
    let at = place(epoch, seq);
    let Some(recorded) = own.batches.get(&at) else { return Err(format!("{name} is published and not recorded")) };
    if recorded.batch.attempt < parsed.attempt && !world.fates[&stream].put_back {
        return Err(format!("{name} is published and its attempt is not recorded"));
    }
    let id = BatchId { stream: stream.clone(), epoch, seq, digest: recorded.batch.file_digest() };
    let kept = [spool_directory(Side::Out), archive_directory(Side::Out)]
        .iter()
        .any(|directory| host.disk.survives(&format!("{directory}/{}", batch_name(&id))));
    let pruned = world.fates[&stream].rewound
        && host.disk.is_durable(&format!("{}/{}", head_directory(Side::Out), batch_name(&id)));
    if !kept && !pruned && world.applied_place(&stream) < at {
        return Err(format!("{name} is published, and a power cut may lose the owner's own file"));
    }
    let anchor = host.anchor.load().ok().flatten();
    // A zone that has lost its anchor since is locked; what it sent before is on its way.
    let anchored = anchor.is_none_or(|anchor| {
        anchor.sent.iter().any(|mark| mark.stream == stream && (mark.epoch, mark.seq) >= (epoch, seq))
    });
    let sends = host.link.as_ref().is_some_and(|link| link.lock().is_none());
    if !anchored && sends {
        return Err(format!("{name} is published and the anchor does not know of it"));
    }
    Ok(())
}
