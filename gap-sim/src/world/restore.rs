//! Zones that are put back to what they were, or lose what they must not forget.

use std::collections::{BTreeMap, BTreeSet};

use ferry_core::ports::{Anchor, AnchorStore as _, BatchId, Side};
use ferry_format::{Digest, FileName, NameKind, StreamName, inspect_batch};

use super::World;
use super::database::{Database, PeerStream};
use super::disk::Disk;
use super::faults::Fault;
use super::files::{ANCHOR, TO_GATE, archive_directory, batch_name, spool_directory};
use super::host::ZoneId;
use super::lives::{self, place, place_of};

/// What was copied of a zone at one moment.
#[derive(Debug, Clone)]
pub(super) struct Backup {
    pub database: Database,
    pub anchor: Option<Anchor>,
}

impl World {
    pub(super) fn back_up(&mut self, zone: ZoneId) {
        let database = self.host(zone).store.database().clone();
        let anchor = self.host(zone).anchor.load().ok().flatten();
        self.backups.insert(zone, Backup { database, anchor });
    }

    /// A zone's database is put back from its backup; the anchor stays what it was. Nothing happens where the backup would
    /// not lose what the fault is named after.
    pub(super) fn restore(&mut self, zone: ZoneId, fault: Fault) -> bool {
        let Some(backup) = self.backups.get(&zone).map(|backup| backup.database.clone()) else { return false };
        let loses = match fault == Fault::OwnerRestored {
            true => self.loses_sent(zone, &backup),
            false => self.loses_applied(zone, &backup),
        };
        if loses {
            self.put_back(zone, backup);
            if fault == Fault::OwnerRestored && self.options.strikes.contains_key(&Fault::WrongKey) {
                self.plant(zone);
            }
        }
        loses
    }

    /// Both zones are put back, each to its own backup of the same moment.
    pub(super) fn restore_both(&mut self) -> bool {
        let backups: Vec<_> =
            ZoneId::BOTH.iter().filter_map(|zone| Some(self.backups.get(zone)?.database.clone())).collect();
        let [inner, outer] = backups.as_slice() else { return false };
        let loses = |zone, backup| self.loses_sent(zone, backup) || self.loses_applied(zone, backup);
        if !loses(ZoneId::Inner, inner) || !loses(ZoneId::Outer, outer) {
            return false;
        }
        self.put_back(ZoneId::Inner, inner.clone());
        self.put_back(ZoneId::Outer, outer.clone());
        true
    }

    /// A zone has lost its disk; database and anchor are put back from one backup, and nothing tells the zone what it sent since.
    pub(super) fn rebuild(&mut self, zone: ZoneId) -> bool {
        let Some(Backup { database, anchor: Some(anchor) }) = self.backups.get(&zone).cloned() else { return false };
        if !self.loses_sent(zone, &database) {
            return false;
        }
        self.host(zone).disk.take_away(ANCHOR);
        // What a batch says that its peer has not applied, or may forget again, is nowhere else, and cannot come back.
        let strikes = &self.options.strikes;
        let needed = [Fault::OwnerRestored, Fault::ReceiverRestored, Fault::BothRestored]
            .iter()
            .any(|fault| strikes.contains_key(fault))
            || strikes.get(&Fault::OwnerRebuilt).is_some_and(|count| *count > 1)
            || database.own.values().any(|own| place_of(&own.last) > self.applied_place(&own.last.stream));
        self.put_back(zone, database);
        if !needed {
            for side in [Side::Out, Side::In] {
                for directory in [spool_directory(side), archive_directory(side)] {
                    for name in self.host(zone).disk.names(directory) {
                        self.host(zone).disk.take_away(&format!("{directory}/{name}"));
                    }
                }
            }
        }
        self.host(zone).anchor.save(&Anchor { restored: true, ..anchor }).is_ok()
    }

    fn loses_sent(&self, zone: ZoneId, backup: &Database) -> bool {
        let anchored = self.anchored(zone);
        backup.own.values().any(|own| place_of(&own.last) < anchored.get(&own.last.stream).copied().unwrap_or(0))
    }

    fn loses_applied(&self, zone: ZoneId, backup: &Database) -> bool {
        let at = |peer: &PeerStream| peer.followed.as_ref().map_or(0, |(_, mark)| place_of(mark));
        let database = self.host(zone).store.database();
        let mut peers = database.peers.iter();
        peers.any(|(stream, peer)| backup.peers.get(stream).is_some_and(|old| at(old) < at(peer)))
    }

    fn put_back(&mut self, zone: ZoneId, backup: Database) {
        self.stop_now(zone, false);
        let (anchored, forgot) = (self.anchored(zone), self.host(zone).disk.peek(ANCHOR).is_none());
        for (stream, own) in &backup.own {
            let sent = anchored.get(stream).copied().unwrap_or(0).max(self.sent(zone, stream));
            self.put_back_own(stream, own.last_id, place_of(&own.last), sent);
            let lost = self.loses_superseding(zone, stream, &backup);
            if let Some(fate) = self.fates.get_mut(stream) {
                fate.frozen |= lost;
            }
            // Rows that wait in the backup, and whose batch was superseded afterwards, are sent once more after the return: nobody
            // tells the zone that operators had passed them over. What comes of it is not compared.
            let waits = !own.outbox.is_empty();
            if let Some(fate) = self.fates.get_mut(stream) {
                let decided = fate.instead.range(place_of(&own.last) + 1..).next().is_some();
                fate.forgotten |= fate.frozen && (forgot || waits && decided);
            }
        }
        for (stream, peer) in &backup.peers {
            self.put_back_replica(stream, peer);
        }
        let mut backup = backup;
        for (stream, own) in &mut backup.own {
            own.numbers = self.fates[stream].recorded.iter().map(|(seq, (_, through))| (*seq, *through)).collect();
        }
        *self.host(zone).store.database() = backup;
        self.put_back_node(zone);
        if let Some(checkers) = &mut self.checkers {
            checkers.restored(zone);
        }
    }

    /// Whether a backup lacks a batch that took the place of another, and that left the zone or may have.
    fn loses_superseding(&self, zone: ZoneId, stream: &StreamName, backup: &Database) -> bool {
        let batches = &backup.own[stream].batches;
        let lacks =
            |at: &u64, digest: &Digest| batches.get(at).is_none_or(|recorded| !recorded.batch.instead.contains(digest));
        match self.host(zone).anchor.load().ok().flatten() {
            Some(anchor) => {
                anchor.superseding.iter().any(|mark| mark.stream == *stream && lacks(&place_of(mark), &mark.digest))
            }
            None => self.fates[stream].superseding.keys().any(|(seq, digest)| lacks(seq, digest)),
        }
    }

    /// What the anchor says of each own stream.
    fn anchored(&self, zone: ZoneId) -> BTreeMap<StreamName, u64> {
        let anchor = self.host(zone).anchor.load().ok().flatten();
        anchor
            .map(|anchor| anchor.sent.into_iter().map(|mark| (mark.stream.clone(), place_of(&mark))).collect())
            .unwrap_or_default()
    }

    /// The last batch of a stream that left the zone, or lies where the gate may take it.
    fn sent(&self, zone: ZoneId, stream: &StreamName) -> u64 {
        let at_gate = self.host(zone).disk.names(TO_GATE).into_iter().filter_map(|name| {
            match name.parse::<FileName>().ok()?.kind {
                NameKind::Batch { stream: of, epoch, seq } => (of == *stream).then_some(place(epoch, seq)),
                NameKind::Status { .. } => None,
            }
        });
        at_gate.max().unwrap_or(0).max(self.fates[stream].sent)
    }

    fn put_back_own(&mut self, stream: &StreamName, last_id: u64, last: u64, sent: u64) {
        let Some(fate) = self.fates.get_mut(stream) else { return };
        fate.put_back = true;
        if sent > last {
            fate.frozen = true;
            return;
        }
        self.forget_after(stream, last, last_id);
    }

    /// Nothing that comes after was sent: the stream goes on as if it had never been.
    fn forget_after(&mut self, stream: &StreamName, last: u64, last_id: u64) {
        if let Some(fate) = self.fates.get_mut(stream) {
            fate.recorded.retain(|at, _| *at <= last);
        }
        if let Some(model) = self.model.streams.get_mut(stream) {
            model.changes.truncate(usize::try_from(last_id).unwrap_or(usize::MAX));
            model.ends = model.ends.iter().copied().filter(|end| *end <= last_id).collect::<BTreeSet<u64>>();
            model.ends.insert(model.changes.len() as u64);
            model.poison.retain(|bad| *bad <= last_id);
            model.passed.retain(|number, _| *number <= last_id);
        }
    }

    /// A zone that was put back has everything again that it had sent, and goes on.
    pub(super) fn thaw(&mut self, zone: ZoneId) {
        let is_locked = self.host(zone).link.as_ref().is_none_or(|link| link.lock().is_some());
        let is_frozen = |stream: &&StreamName| {
            let (model, fate) = (&self.model.streams[*stream], &self.fates[*stream]);
            model.owner == zone && fate.frozen && (!fate.forgotten || self.remembers(zone, stream))
        };
        let frozen: Vec<StreamName> = self.model.streams.keys().filter(is_frozen).cloned().collect();
        if is_locked || frozen.is_empty() {
            return;
        }
        for stream in frozen {
            let (last, last_id) = {
                let database = self.host(zone).store.database();
                (place_of(&database.own[&stream].last), database.own[&stream].last_id)
            };
            self.forget_after(&stream, last, last_id);
            if let Some(fate) = self.fates.get_mut(&stream) {
                (fate.frozen, fate.forgotten) = (false, false);
            }
        }
        self.tell(zone.name(), "unlocks");
    }

    /// Whether a zone whose anchor was lost too has every batch again that ever left it.
    fn remembers(&self, zone: ZoneId, stream: &StreamName) -> bool {
        let database = self.host(zone).store.database();
        let (last, fate) = (&database.own[stream].last, &self.fates[stream]);
        let own = &database.own[stream];
        let is_known = |(digest, through): &(Digest, u64)| (*digest, *through) == (last.digest, own.last_id);
        let knows =
            if last.seq == 0 { own.last_id == 0 } else { fate.recorded.get(&place_of(last)).is_some_and(is_known) };
        let is_told = fate.superseding.is_empty() && fate.stolen.is_empty();
        knows && is_told && self.sent(zone, stream) <= place_of(last)
    }

    /// Whether a zone that was put back can get everything again: each batch that its anchor names lies whole on its own
    /// disk or on its peer's.
    #[must_use]
    pub fn is_returnable(&self, zone: ZoneId) -> bool {
        let host = self.host(zone);
        let Some(anchor) = host.anchor.load().ok().flatten() else { return false };
        let database = host.store.database();
        let peer = self.host(zone.peer());
        let lies = |disk: &Disk, side: Side, id: &BatchId| {
            [spool_directory(side), archive_directory(side)].iter().any(|directory| {
                let bytes = disk.peek(&format!("{directory}/{}", batch_name(id)));
                bytes.is_some_and(|bytes| inspect_batch(&bytes).is_ok_and(|read| read.digest == id.digest))
            })
        };
        let names = |stream: &StreamName| anchor.sent.iter().any(|mark| mark.stream == *stream);
        anchor.superseding.is_empty()
            && database.own.keys().all(names)
            && anchor.instance == database.instance
            && anchor.sent.iter().all(|mark| {
                let (own, fate) = (&database.own[&mark.stream], &self.fates[&mark.stream]);
                let known = |seq: u64| fate.recorded.get(&place(mark.epoch, seq)).map(|(digest, _)| *digest);
                let is_of_life = own.last.epoch == mark.epoch;
                let goes_on = own.last.seq == 0 || known(own.last.seq) == Some(own.last.digest);
                let has = |seq: u64| {
                    known(seq).is_some_and(|digest| {
                        let id = BatchId { stream: mark.stream.clone(), epoch: mark.epoch, seq, digest };
                        lies(&host.disk, Side::Out, &id) || lies(&peer.disk, Side::In, &id)
                    })
                };
                let is_superseded = |seq: u64| fate.superseding.keys().any(|(of, _)| *of == place(mark.epoch, seq));
                is_of_life
                    && goes_on
                    && fate.stolen.is_empty()
                    && (own.last.seq + 1..=mark.seq).all(|seq| has(seq) && !is_superseded(seq))
            })
    }

    fn put_back_replica(&mut self, stream: &StreamName, peer: &PeerStream) {
        let applied = self.applied_place(stream);
        let Some(fate) = self.fates.get_mut(stream) else { return };
        let last = lives::lives(peer).last().map_or(0, place_of);
        // Also where the world could not follow what was applied.
        fate.rewound |= last < applied;
        let through = fate.recorded.range(..=last).next_back().map_or(0, |(_, (_, through))| *through);
        let Some(model) = self.model.streams.get_mut(stream) else { return };
        if through < model.followed {
            fate.rewound = true;
            model.followed = 0;
            model.parked.clear();
            model.dropped.clear();
            model.replica.clear();
            lives::follow(model, fate, peer);
        }
    }

    /// What a zone must not forget is gone.
    pub(super) fn lose_anchor(&mut self, zone: ZoneId) -> bool {
        self.stop_now(zone, false);
        self.host(zone).disk.take_away(ANCHOR);
        let model = &self.model;
        for (_, fate) in self.fates.iter_mut().filter(|(stream, _)| model.streams[*stream].owner == zone) {
            fate.forgotten |= fate.frozen;
        }
        true
    }
}
