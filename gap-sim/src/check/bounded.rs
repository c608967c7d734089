//! Invariant 10: memory, quarantine and drop directories stay within named limits.

use std::collections::BTreeMap;

use ferry_core::sender::Sender;
use ferry_core::settings::{BOUNDARIES_MAX, HELD_BATCHES_MAX, PUBLISHES_MAX, RETURNED_ATTEMPT};
use ferry_format::StreamName;

use super::{Checker, Moment, identity};
use crate::profile::Source;
use crate::world::World;
use crate::world::database::OwnStream;
use crate::world::files::{REFUSED_FILES_MAX, UNVERIFIED_FILES_MAX};
use crate::world::host::ZoneId;
use crate::world::lives::place_of;

/// What is under way of a stream is bounded by its window, what is held by its limit, and what is refused by the rings.
#[derive(Debug, Default)]
pub(super) struct Bounded {
    streams: BTreeMap<StreamName, Seen>,
}

/// What was seen of an own stream when its last batch was recorded.
#[derive(Debug, Default)]
struct Seen {
    last: u64,
    /// The last batch when the window was found full, as long as those up to it fill it.
    full_since: Option<u64>,
}

impl Checker for Bounded {
    identity!(10, "bounded");

    fn look(&mut self, world: &World, moment: &Moment) -> Result<(), String> {
        if !matches!(moment, Moment::Acted(..) | Moment::Ended) {
            return Ok(());
        }
        for zone in ZoneId::BOTH {
            let host = world.host(zone);
            let (refused, unverified) = host.quarantine.sizes();
            if refused > REFUSED_FILES_MAX || unverified > UNVERIFIED_FILES_MAX {
                return Err(format!("{}: {refused} and {unverified} files in the quarantine", zone.name()));
            }
            let streams =
                host.around.contract.streams().iter().filter(|stream| stream.owner == host.around.zone).count();
            let window = world.options.settings.window_batches;
            // Each stream keeps its window; what is being published and a group that must be finished come on top.
            let (at_gate, _, _) = world.occupancy(zone);
            let group = world.options.rows_max * 20;
            let mut limit = streams * (window + PUBLISHES_MAX) * 2 + usize::try_from(group).unwrap_or(usize::MAX);
            // What took the place of others is sent again until it is applied, since nobody can say that it is held.
            let superseding = |own: &OwnStream| {
                let open = own.batches.range(place_of(&own.settled) + 1..);
                open.filter(|(_, recorded)| !recorded.batch.instead.is_empty()).count()
            };
            limit += 2 * host.store.database().own.values().map(superseding).sum::<usize>();
            if world.options.profile.source == Source::Leave {
                // Such a gate leaves every file where it is until its owner withdraws it, which it does when it is applied.
                let database = host.store.database();
                let open: u64 = database.own.values().map(|own| own.last.seq - own.settled.seq).sum();
                limit += usize::try_from(open).unwrap_or(usize::MAX);
            }
            if at_gate > limit {
                return Err(format!("{}: {at_gate} batches wait at the gate, more than {limit}", zone.name()));
            }
            let Some(link) = &host.link else { continue };
            for receiver in link.receivers() {
                let most = world.options.settings.hold_bytes + 2 * world.options.settings.group_bytes;
                if receiver.held_bytes() > most || receiver.held_ranges(usize::MAX).len() > HELD_BATCHES_MAX {
                    return Err(format!("{}: {} bytes held", receiver.stream, receiver.held_bytes()));
                }
            }
            for sender in link.senders() {
                let own = &host.store.database().own[&sender.stream];
                self.streams.entry(sender.stream.clone()).or_default().look(sender, own, window)?;
                if sender.boundaries() > BOUNDARIES_MAX {
                    return Err(format!("{}: {} boundaries", sender.stream, sender.boundaries()));
                }
            }
        }
        Ok(())
    }
}

impl Seen {
    /// A full window lets nothing begin but what was in the pipeline: no group starts a whole window later.
    fn look(&mut self, sender: &Sender, own: &OwnStream, window: usize) -> Result<(), String> {
        let last = own.last.seq;
        if last == self.last {
            return Ok(());
        }
        self.last = last;
        // What was taken back was begun in another life.
        if own.batches.get(&last).is_some_and(|recorded| recorded.batch.attempt >= RETURNED_ATTEMPT) {
            self.full_since = None;
            return Ok(());
        }
        let window = window as u64;
        let is_full = |through: &u64| under_way(sender, *through) > window;
        // A database that was put back has fewer batches.
        let since = self.full_since.map_or(last, |since| since.min(last));
        self.full_since = Some(since).filter(is_full).or(Some(last).filter(is_full));
        let Some(since) = self.full_since else { return Ok(()) };
        let group = own.batches.get(&last).map_or(0, |recorded| recorded.batch.group.first);
        if group > since + window {
            let stream = &sender.stream;
            return Err(format!("{stream}: group {group} was begun though the window of {window} was full at {since}"));
        }
        Ok(())
    }
}

/// Batches up to a seq that are neither known to be applied nor to be held.
fn under_way(sender: &Sender, through: u64) -> u64 {
    let open = through.saturating_sub(sender.settled().seq);
    let held = sender.held_ranges(usize::MAX).into_iter().filter(|range| range.first <= through);
    open.saturating_sub(held.map(|range| range.last.min(through) - range.first + 1).sum())
}
