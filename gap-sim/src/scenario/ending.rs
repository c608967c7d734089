//! How things stand when a scenario is over: each stream, each zone.

use ferry_core::link::Lock;
use ferry_format::{Refusal, StreamName};

use super::timeline::Place;
use crate::world::World;
use crate::world::host::ZoneId;

/// How things stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// Every stream, ordered by name.
    pub streams: Vec<StreamEnd>,
    /// Both zones.
    pub zones: Vec<ZoneEnd>,
}

/// How a stream stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamEnd {
    /// Its name.
    pub name: StreamName,
    /// Its owner.
    pub owner: ZoneId,
    /// The last batch that the owner's database knows.
    pub cut: u64,
    /// The last batch that the receiver has applied: its watermark.
    pub applied: u64,
    /// The last batch of which the owner knows that it is applied.
    pub known: u64,
    /// Changes that are in no batch.
    pub uncut: u64,
    /// Why it stops, if it does: the seq before which, and the code.
    pub stopped: Option<(u64, String)>,
    /// The refusal, if that is why.
    pub refusal: Option<Refusal>,
}

/// How a zone stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZoneEnd {
    /// Which.
    pub zone: ZoneId,
    /// Why it sends nothing, if it does not.
    pub lock: Option<Lock>,
    /// Files in its quarantine.
    pub quarantined: usize,
}

impl Ending {
    /// Looks at a world.
    #[must_use]
    pub fn of(world: &World) -> Self {
        let streams = world.model.streams.keys().map(|stream| StreamEnd::of(world, stream)).collect();
        let zone = |zone| {
            let host = world.host(zone);
            let (refused, unverified) = host.quarantine.sizes();
            let lock = host.link.as_ref().and_then(ferry_core::link::Link::lock);
            ZoneEnd { zone, lock, quarantined: refused + unverified }
        };
        Self { streams, zones: ZoneId::BOTH.map(zone).to_vec() }
    }

    /// A stream by its name.
    #[must_use]
    pub fn stream(&self, name: &str) -> Option<&StreamEnd> {
        self.streams.iter().find(|stream| stream.name.as_str() == name)
    }

    /// A zone.
    #[must_use]
    pub fn zone(&self, zone: ZoneId) -> Option<&ZoneEnd> {
        self.zones.iter().find(|end| end.zone == zone)
    }

    /// A sentence for each stream, and for each zone about which there is something to say.
    #[must_use]
    pub fn sentences(&self) -> Vec<[String; 2]> {
        let streams = self.streams.iter().map(StreamEnd::sentence);
        streams.chain(self.zones.iter().flat_map(ZoneEnd::sentences)).collect()
    }
}

impl StreamEnd {
    fn of(world: &World, name: &StreamName) -> Self {
        let owner = world.model.streams[name].owner;
        let (cut, known, uncut) = {
            let database = world.host(owner).store.database();
            let own = &database.own[name];
            (own.last.seq, own.settled.seq, own.outbox.len() as u64)
        };
        let link = world.host(owner.peer()).link.as_ref();
        let state = link.and_then(|link| link.receivers().find(|state| state.stream == *name));
        let refusal = state.and_then(|state| state.refused().cloned());
        let applied = world.applied_seq(name);
        let waits = || state.and_then(|state| state.waits_for(|_| None)).map(|parked| (applied + 1, parked.code));
        let stopped = refusal.as_ref().map(|refusal| (refusal.seq, refusal.code.clone())).or_else(waits);
        Self { name: name.clone(), owner, cut, applied, known, uncut, stopped, refusal }
    }

    fn sentence(&self) -> [String; 2] {
        let Self { name, cut, applied, known, uncut, .. } = self;
        let [from, to] = [self.owner, self.owner.peer()].map(|zone| Place::of_zone(zone).words());
        let mut text = [
            format!(
                "{name}, {} to {}: {cut} in the owner's books, {applied} applied, {known} known to be applied",
                from[0], to[0]
            ),
            format!(
                "{name}（{} → {}）：所有者账上 {cut} 批，已应用 {applied} 批，所有者确知已应用 {known} 批",
                from[1], to[1]
            ),
        ];
        if *uncut > 0 {
            text[0] += &format!("; {uncut} changes wait to be cut");
            text[1] += &format!("；{uncut} 项变更等待切批");
        }
        if let Some((seq, code)) = &self.stopped {
            text[0] += &format!("; stopped before {name}/{seq}: {code}");
            text[1] += &format!("；停在 {name}/{seq} 之前：{code}");
        }
        text
    }
}

impl ZoneEnd {
    fn sentences(&self) -> Vec<[String; 2]> {
        let [zone, zone_zh] = Place::of_zone(self.zone).words();
        let mut told = Vec::new();
        if let Some(lock) = self.lock {
            let code = lock.code();
            told.push([
                format!("{zone} is locked and sends nothing: {code}"),
                format!("{zone_zh}已锁定，不发送任何内容：{code}"),
            ]);
        }
        if self.quarantined > 0 {
            let count = self.quarantined;
            told.push([
                format!("{zone} keeps files in its quarantine: {count}"),
                format!("{zone_zh}的隔离区中有 {count} 个文件"),
            ]);
        }
        told
    }
}
