//! Zones that are put back to what they were, or lose what they must not forget.

use std::collections::{BTreeMap, BTreeSet};

use ferry_core::ports::AnchorStore as _;
use ferry_format::{Digest, FileName, NameKind, StreamName};

use super::World;
use super::database::{Database, PeerStream};
use super::faults::Fault;
use super::files::{ANCHOR, TO_GATE};
use super::host::ZoneId;

impl World {
    /// A zone's database is put back from its backup; the anchor stays what it was. Nothing happens where the backup would
    /// not lose what the fault is named after.
    pub(super) fn restore(&mut self, zone: ZoneId, fault: Fault) -> bool {
        let Some(backup) = self.backups.get(&zone).cloned() else { return false };
        let loses = match fault == Fault::OwnerRestored {
            true => self.loses_sent(zone, &backup),
            false => self.loses_applied(zone, &backup),
        };
        if loses {
            self.put_back(zone, backup);
        }
        loses
    }

    /// Both zones are put back, each to its own backup of the same moment.
    pub(super) fn restore_both(&mut self) -> bool {
        let backups: Vec<_> = ZoneId::BOTH.iter().filter_map(|zone| self.backups.get(zone).cloned()).collect();
        let [inner, outer] = backups.as_slice() else { return false };
        let loses = |zone, backup| self.loses_sent(zone, backup) || self.loses_applied(zone, backup);
        if !loses(ZoneId::Inner, inner) || !loses(ZoneId::Outer, outer) {
            return false;
        }
        self.put_back(ZoneId::Inner, inner.clone());
        self.put_back(ZoneId::Outer, outer.clone());
        true
    }

    fn loses_sent(&self, zone: ZoneId, backup: &Database) -> bool {
        let anchored = self.anchored(zone);
        backup.own.values().any(|own| own.last.seq < anchored.get(&own.last.stream).copied().unwrap_or(0))
    }

    fn loses_applied(&self, zone: ZoneId, backup: &Database) -> bool {
        let seq = |peer: &PeerStream| peer.followed.as_ref().map_or(0, |(_, mark)| mark.seq);
        let database = self.host(zone).store.database();
        let mut peers = database.peers.iter();
        peers.any(|(stream, peer)| backup.peers.get(stream).is_some_and(|old| seq(old) < seq(peer)))
    }

    fn put_back(&mut self, zone: ZoneId, backup: Database) {
        self.stop_now(zone, false);
        let (anchored, forgot) = (self.anchored(zone), self.host(zone).disk.peek(ANCHOR).is_none());
        for (stream, own) in &backup.own {
            let sent = anchored.get(stream).copied().unwrap_or(0).max(self.sent(zone, stream));
            self.put_back_own(stream, own.last_id, own.last.seq, sent);
            let lost = self.loses_superseding(zone, stream, &backup);
            if let Some(fate) = self.fates.get_mut(stream) {
                fate.frozen |= lost;
            }
            if let Some(fate) = self.fates.get_mut(stream) {
                fate.forgotten |= forgot && fate.frozen;
            }
        }
        for (stream, peer) in &backup.peers {
            let seq = peer.followed.as_ref().map_or(0, |(_, mark)| mark.seq);
            self.put_back_replica(stream, seq, &peer.superseding);
        }
        *self.host(zone).store.database() = backup;
        if let Some(checkers) = &mut self.checkers {
            checkers.restored(zone);
        }
    }

    /// Whether a backup lacks a batch that took the place of another, and that left the zone or may have.
    fn loses_superseding(&self, zone: ZoneId, stream: &StreamName, backup: &Database) -> bool {
        let batches = &backup.own[stream].batches;
        let lacks = |seq: &u64, digest: &Digest| {
            batches.get(seq).is_none_or(|recorded| !recorded.batch.instead.contains(digest))
        };
        match self.host(zone).anchor.load().ok().flatten() {
            Some(anchor) => {
                anchor.superseding.iter().any(|mark| mark.stream == *stream && lacks(&mark.seq, &mark.digest))
            }
            None => self.fates[stream].superseding.keys().any(|(seq, digest)| lacks(seq, digest)),
        }
    }

    /// What the anchor says of each own stream.
    fn anchored(&self, zone: ZoneId) -> BTreeMap<StreamName, u64> {
        let anchor = self.host(zone).anchor.load().ok().flatten();
        anchor.map(|anchor| anchor.sent.into_iter().map(|mark| (mark.stream, mark.seq)).collect()).unwrap_or_default()
    }

    /// The last batch of a stream that left the zone, or lies where the gate may take it.
    fn sent(&self, zone: ZoneId, stream: &StreamName) -> u64 {
        let at_gate = self.host(zone).disk.names(TO_GATE).into_iter().filter_map(|name| {
            match name.parse::<FileName>().ok()?.kind {
                NameKind::Batch { stream: of, seq, .. } => (of == *stream).then_some(seq),
                NameKind::Status { .. } => None,
            }
        });
        at_gate.max().unwrap_or(0).max(self.fates[stream].sent)
    }

    fn put_back_own(&mut self, stream: &StreamName, last_id: u64, last_seq: u64, sent: u64) {
        let Some(fate) = self.fates.get_mut(stream) else { return };
        fate.put_back = true;
        if sent > last_seq {
            fate.frozen = true;
            return;
        }
        // Nothing that the zone has lost was sent: it goes on as if it had never been.
        fate.recorded.retain(|seq, _| *seq <= last_seq);
        if let Some(model) = self.model.streams.get_mut(stream) {
            model.changes.truncate(usize::try_from(last_id).unwrap_or(usize::MAX));
            model.ends = model.ends.iter().copied().filter(|end| *end <= last_id).collect::<BTreeSet<u64>>();
            model.ends.insert(model.changes.len() as u64);
            model.poison.retain(|bad| *bad <= last_id);
        }
    }

    fn put_back_replica(&mut self, stream: &StreamName, seq: u64, superseding: &BTreeMap<u64, Digest>) {
        let Some(fate) = self.fates.get_mut(stream) else { return };
        let through = fate.recorded.get(&seq).map_or(0, |(_, through)| *through);
        let Some(model) = self.model.streams.get_mut(stream) else { return };
        if through < model.followed {
            fate.rewound = true;
            model.followed = 0;
            model.parked.clear();
            model.replica.clear();
            let batches = fate.recorded.range(..=seq).map(|(seq, (_, through))| {
                let instead = superseding.get(seq).and_then(|digest| fate.superseding.get(&(*seq, *digest)));
                (*through, instead)
            });
            model.follow(batches);
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
