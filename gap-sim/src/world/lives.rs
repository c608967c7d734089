//! Lives of a stream: places in all of them, in one number that goes on from life to life, and what is followed of each.

use std::ops::Range;

use ferry_core::settings::LOAD_BATCHES;
use ferry_format::{Deed, EpochId, Mark, StreamName};

use super::database::PeerStream;
use super::faults::Fault;
use super::host::ZoneId;
use super::model::ModelStream;
use super::options::StreamPlan;
use super::{Fate, World};

/// How far the number of a place is shifted by its life: the first life's places are their seqs.
const LIFE_BITS: u32 = 32;

/// Operations of a zone from one step of a load to the next: it captures, looks, cuts, seals, writes the file and records.
const LOAD_STEP_OPERATIONS: u64 = 6;

/// The number of a place.
#[must_use]
pub const fn place(epoch: u64, seq: u64) -> u64 {
    (epoch.saturating_sub(1) << LIFE_BITS) | seq
}

/// The number of the place that a mark names.
#[must_use]
pub const fn place_of(mark: &Mark) -> u64 {
    place(mark.epoch, mark.seq)
}

/// The epoch of a place.
#[must_use]
pub const fn epoch_of(place: u64) -> u64 {
    (place >> LIFE_BITS) + 1
}

/// The seq of a place.
#[must_use]
pub const fn seq_of(place: u64) -> u64 {
    place & ((1 << LIFE_BITS) - 1)
}

/// How far a stream was followed in each of its lives, the present one last.
#[must_use]
pub fn lives(peer: &PeerStream) -> Vec<Mark> {
    peer.left.iter().chain(peer.followed.as_ref().map(|(_, mark)| mark)).cloned().collect()
}

/// The model's replica of a stream goes on through what was applied of each life. What had been recorded of a life that has
/// ended, and was not applied, never is.
pub(super) fn follow(model: &mut ModelStream, fate: &Fate, peer: &PeerStream) {
    let lives = lives(peer);
    let last = lives.last().map_or(0, place_of);
    let through = fate.recorded.range(..=last).next_back().map_or(0, |(_, (_, through))| *through);
    if through <= model.followed || through > model.len() {
        return;
    }
    for mark in &lives {
        // Also of a life that the receiver has never followed.
        let earlier = fate.recorded.range(..place(mark.epoch, 0)).next_back();
        model.end_life(earlier.map_or(0, |(_, (_, through))| *through));
        let applied = fate.recorded.range(place(mark.epoch, 0)..=place_of(mark));
        model.follow(applied.map(|(at, (_, through))| {
            let instead = peer.superseding.get(at).and_then(|digest| fate.superseding.get(&(*at, *digest)));
            (*through, instead)
        }));
    }
}

impl World {
    /// The place up to which the receiver of a stream has applied it.
    #[must_use]
    pub fn applied_place(&self, stream: &StreamName) -> u64 {
        let receiver = self.model.streams[stream].owner.peer();
        let database = self.host(receiver).store.database();
        let followed = database.peers.get(stream).and_then(|peer| peer.followed.as_ref());
        followed.map_or(0, |(_, mark)| place_of(mark))
    }

    /// The places of each life of a stream, up to a present one, that its receiver has not applied in it.
    #[must_use]
    pub fn unapplied(&self, stream: &StreamName, present: u64) -> Vec<Range<u64>> {
        let receiver = self.model.streams[stream].owner.peer();
        let database = self.host(receiver).store.database();
        let lives = database.peers.get(stream).map(lives).unwrap_or_default();
        let applied = |epoch| lives.iter().find(|mark| mark.epoch == epoch).map_or(0, |mark| mark.seq);
        (1..=present).map(|epoch| place(epoch, applied(epoch) + 1)..place(epoch + 1, 0)).collect()
    }

    /// Two operators begin another life of a stream, whether or not it needs one.
    pub(super) fn begin_some_epoch(&mut self, stream: &StreamName) -> bool {
        let fate = &self.fates[stream];
        let is_told = fate.frozen || fate.put_back || fate.forgotten || fate.disputed || fate.unsendable_from.is_some();
        if is_told || !fate.stolen.is_empty() {
            return false;
        }
        let owner = self.model.streams[stream].owner;
        let deed = self.new_epoch(owner, stream);
        self.hand_in(owner, deed);
        true
    }

    /// The act that ends a life where its owner's books end.
    pub(super) fn new_epoch(&mut self, owner: ZoneId, stream: &StreamName) -> Deed {
        let ended = self.host(owner).store.database().own[stream].last.clone();
        let id = self.prng.draw().to_be_bytes();
        Deed::NewEpoch { epoch: ended.epoch + 1, epoch_id: EpochId(id), ended }
    }

    /// The most simulated milliseconds that the loads of a world take that are not done yet: those under way and handed in, and of all
    /// streams if it begins lives of streams.
    pub(super) fn load_ms(&self) -> u64 {
        self.options.streams.iter().filter(|plan| self.may_load(plan)).map(|plan| self.load_ms_of(plan)).sum()
    }

    fn may_load(&self, plan: &StreamPlan) -> bool {
        let name = plan.name.parse::<StreamName>().expect("a drawn name is good");
        let database = self.host(self.model.streams[&name].owner).store.database();
        let is_handed_in = || {
            self.options.strikes.contains_key(&Fault::OperatorLoad)
                && database.acts.values().any(|act| act.end.is_none())
        };
        self.begins_epochs() || database.loading.contains_key(&name) || is_handed_in()
    }

    fn load_ms_of(&self, plan: &StreamPlan) -> u64 {
        let name = plan.name.parse::<StreamName>().expect("a drawn name is good");
        let contract = self.contract().stream(&name).expect("the model's streams are the contract's");
        let database = self.host(self.model.streams[&name].owner).store.database();
        let rows_of = |table: &str| database.tables.get(table).map_or(0, |rows| rows.len() as u64);
        let rows: Vec<u64> = contract.tables.iter().map(|table| rows_of(&table.name)).collect();
        // A load waits for half of the window, and its batches for each other. No batch has rows that were captured in two steps.
        let batches: u64 = rows.iter().map(|rows| rows.div_ceil(plan.rows)).sum();
        let rounds = (2 * batches).div_ceil(self.options.settings.window_batches as u64) + 2;
        // The last rows of a table fill no batch, so they wait for company. None comes: the next step waits for their batch.
        let steps: u64 = rows.iter().map(|rows| rows / (plan.rows * LOAD_BATCHES) + 1).sum();
        let step_ms =
            plan.linger_ms + self.options.settings.observe_ms + LOAD_STEP_OPERATIONS * self.options.latency_ms;
        rounds * self.options.round_ms + steps * step_ms
    }

    /// A life that begins after the faults have ended takes its time: what is left to do begins anew.
    pub(super) fn give_time(&mut self, stream: &StreamName, epoch: u64) {
        let load_ms = self.load_ms();
        let Some(fate) = self.fates.get_mut(stream).filter(|fate| self.is_safe && fate.timed_epoch < epoch) else {
            return;
        };
        fate.timed_epoch = epoch;
        self.liveness_end_ms += self.options.liveness_ms + load_ms;
    }

    /// Whether operators of this world begin other lives of streams.
    #[must_use]
    pub fn begins_epochs(&self) -> bool {
        self.options.operators && self.options.strikes.contains_key(&Fault::OperatorEpoch)
    }
}
