//! Invariant 12: a zone that was put back, or forgot, is found out before it sends, and no old word counts as a new one.

use std::collections::{BTreeMap, BTreeSet};

use ferry_format::{BootNonce, Digest, Echo, FileName, NameKind, StatusStatement, StreamName};

use super::{Checker, Moment, identity};
use crate::world::World;
use crate::world::files::{ANCHOR, TO_GATE};
use crate::world::host::ZoneId;
use crate::world::lives::place;

/// No two files with the same stream and seq and different digests leave one zone, and no status number is used twice. A
/// zone that starts without its anchor sends no batch before its peer has spoken to this start, and nothing in a place that
/// the peer had applied by then. What a zone echoes of its peer never goes back, but to the present start from an earlier one. And of what a peer has, however its owner
/// was put back or captured its rows once more, no row goes that neither a change of the owner nor two operators removed.
#[derive(Debug, Default)]
pub(super) struct Restored {
    published: BTreeMap<(StreamName, u64, u64), String>,
    statuses: BTreeMap<(ZoneId, u64), Digest>,
    unanchored: BTreeMap<ZoneId, Unanchored>,
    echoes: BTreeMap<ZoneId, Echoes>,
    /// The last start of each zone.
    present: BTreeMap<ZoneId, BootNonce>,
    /// How far a stream was followed, and the commits of its receiver, when its rows were counted.
    counted: BTreeMap<StreamName, (u64, u64)>,
}

/// A zone that has started without its anchor.
#[derive(Debug)]
struct Unanchored {
    boot: BootNonce,
    /// What lay at the gate already.
    at_gate: BTreeSet<String>,
    /// How far the peer had applied each stream of this zone.
    applied: BTreeMap<StreamName, u64>,
    /// The peer has published a status that answers this start.
    answered: bool,
}

/// What a zone has echoed since one start.
#[derive(Debug)]
struct Echoes {
    boot: BootNonce,
    last: Echo,
    /// Starts of the peer that it has echoed.
    known: BTreeMap<BootNonce, u64>,
}

impl Checker for Restored {
    identity!(12, "restored");

    fn look(&mut self, world: &World, moment: &Moment) -> Result<(), String> {
        self.keeps_rows(world)?;
        match moment {
            Moment::Started(zone) => {
                self.started(world, *zone);
                Ok(())
            }
            Moment::Status(zone, statement, _) => self.spoke(*zone, statement),
            Moment::Crosses(zone, name, bytes) => self.crosses(world, *zone, name, bytes),
            Moment::Committed
            | Moment::Stopped(_)
            | Moment::Acted(..)
            | Moment::Handled(_)
            | Moment::FaultsEnded
            | Moment::Ended => Ok(()),
        }
    }
}

impl Restored {
    fn keeps_rows(&mut self, world: &World) -> Result<(), String> {
        for (stream, model) in world.model.streams.iter().filter(|(stream, _)| !world.is_usurped(stream)) {
            let database = world.host(model.owner.peer()).store.database();
            let state = (model.followed, database.commits);
            if self.counted.insert(stream.clone(), state) == Some(state) {
                continue;
            }
            for (table, meant) in &model.replica {
                let found = database.tables.get(table);
                // Rows that others stand for are the matter of the first invariants; this one counts.
                if found.map_or(0, BTreeMap::len) < meant.len() {
                    let is_gone = |key: &&String| found.is_none_or(|found| !found.contains_key(*key));
                    let gone = meant.keys().find(is_gone).map_or("", String::as_str);
                    return Err(format!("{table}: row {gone} went, and nobody had removed it"));
                }
            }
        }
        Ok(())
    }

    fn started(&mut self, world: &World, zone: ZoneId) {
        let host = world.host(zone);
        let Some(link) = &host.link else { return };
        self.present.insert(zone, link.boot());
        if host.disk.peek(ANCHOR).is_some() {
            self.unanchored.remove(&zone);
            return;
        }
        // A second order to start a daemon that runs is no start.
        if self.unanchored.get(&zone).is_some_and(|start| start.boot == link.boot()) {
            return;
        }
        let own = world.model.streams.iter().filter(|(_, stream)| stream.owner == zone);
        let start = Unanchored {
            boot: link.boot(),
            at_gate: host.disk.names(TO_GATE).into_iter().collect(),
            applied: own.map(|(name, _)| (name.clone(), world.applied_place(name))).collect(),
            answered: false,
        };
        self.unanchored.insert(zone, start);
    }

    fn spoke(&mut self, zone: ZoneId, statement: &StatusStatement) -> Result<(), String> {
        let Some(echo) = statement.echo else { return Ok(()) };
        if let Some(start) = self.unanchored.get_mut(&zone.peer()) {
            start.answered |= echo.boot == start.boot;
        }
        let fresh = || Echoes { boot: statement.boot, last: echo, known: BTreeMap::new() };
        let echoes = self.echoes.entry(zone).or_insert_with(fresh);
        if echoes.boot != statement.boot {
            *echoes = fresh();
        }
        let goes_back = echo.number < echoes.last.number || echo.boot != echoes.last.boot;
        // A start without its anchor draws its numbers, and may have lower ones than an earlier start whose files come late.
        let present = self.present.get(&zone.peer()) == Some(&echo.boot);
        let again = echoes.known.get(&echo.boot).is_some_and(|number| !present || echo.number < *number);
        if goes_back && again {
            return Err(format!("{} echoes status {} after {}", zone.name(), echo.number, echoes.last.number));
        }
        echoes.known.insert(echo.boot, echo.number);
        echoes.last = echo;
        Ok(())
    }

    fn crosses(&mut self, world: &World, zone: ZoneId, name: &str, bytes: &[u8]) -> Result<(), String> {
        let Ok(parsed) = name.parse::<FileName>() else { return Ok(()) };
        match parsed.kind {
            // What the peer has lost is given back to it as it was.
            NameKind::Batch { stream, .. } if world.model.streams[&stream].owner != zone => {}
            NameKind::Batch { stream, epoch, seq } => {
                let at = place(epoch, seq);
                if let Some(start) = self.unanchored.get(&zone).filter(|start| !start.at_gate.contains(name)) {
                    if !start.answered {
                        return Err(format!(
                            "{stream}/{seq} was sent before the peer answered a zone without its anchor"
                        ));
                    }
                    let mut approved = world.fates[&stream].superseding.keys();
                    let is_superseding = approved.any(|(of, digest)| *of == at && digest.short() == parsed.digest8);
                    let database = world.host(zone.peer()).store.database();
                    let applied = database.peers[&stream].applied.get(&at).map(Digest::short);
                    if at <= start.applied[&stream]
                        && applied.is_some_and(|applied| applied != parsed.digest8)
                        && !is_superseding
                    {
                        return Err(format!("{stream}/{seq} was sent anew, and the peer had applied it"));
                    }
                }
                let before = self.published.insert((stream.clone(), epoch, seq), parsed.digest8.clone());
                let fate = &world.fates[&stream];
                let superseding = |digest8: &String| {
                    fate.superseding.keys().any(|(of, digest)| *of == at && digest.short() == *digest8)
                };
                let differs = before.is_some_and(|before| {
                    before != parsed.digest8 && !superseding(&before) && !superseding(&parsed.digest8)
                });
                // Where database and anchor are both gone, nobody in the zone can know what it had sent.
                if differs && !world.fates[&stream].forgotten {
                    return Err(format!("{stream}/{seq} was sent under two digests"));
                }
            }
            NameKind::Status { number } => {
                let digest = Digest::of(&[bytes]);
                let before = self.statuses.insert((zone, number), digest);
                if before.is_some_and(|before| before != digest) {
                    return Err(format!("{} used the status number {number} twice", zone.name()));
                }
            }
        }
        Ok(())
    }
}
