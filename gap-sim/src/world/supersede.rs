//! Operators who put other batches into the place of a group.

use std::collections::BTreeSet;

use ferry_format::{Deed, Digest, Op, Payload, StreamName};

use super::World;
use super::change::Change;
use super::faults::Fault;
use super::lives::{epoch_of, place, place_of};

/// What takes the place of one batch of a group, as the world knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Substitute {
    /// The SM3 of its payload, by which its batch is known once it is sealed.
    pub payload: Digest,
    /// Its changes, in order.
    pub changes: Vec<Change>,
}

impl World {
    /// Supersedes some group of a stream that its owner does not know to be applied.
    pub(super) fn supersede_some(&mut self, stream: &StreamName) -> bool {
        let owner = self.model.streams[stream].owner;
        let open: Vec<u64> = {
            let database = self.host(owner).store.database();
            let own = &database.own[stream];
            own.batches.range(place_of(&own.settled) + 1..).map(|(at, _)| *at).collect()
        };
        let drawn = self.prng.below(open.len().max(1) as u64);
        let Some(at) = open.get(usize::try_from(drawn).unwrap_or(0)).copied() else { return false };
        self.supersede_group(stream, at)
    }

    /// Hands in the act that puts nothing, or the present images, into the place of the group that a batch belongs to.
    pub(super) fn supersede_group(&mut self, stream: &StreamName, at: u64) -> bool {
        let owner = self.model.streams[stream].owner;
        if self.fates[stream].frozen || self.fates[stream].put_back {
            return false;
        }
        let with_images = self.prng.below(2) == 0;
        let (first, group, epoch, epoch_id) = {
            let database = self.host(owner).store.database();
            let own = &database.own[stream];
            let Some(batch) = own.batches.get(&at).filter(|_| epoch_of(at) == own.last.epoch) else { return false };
            let first = batch.batch.group.first;
            let group: Vec<_> = own
                .batches
                .range(place(own.last.epoch, first)..)
                .take_while(|(_, one)| one.batch.group.first == first)
                .map(|(at, one)| (*at, one.batch.clone(), one.through_id))
                .collect();
            (first, group, own.last.epoch, own.epoch_id)
        };
        if !group.last().is_some_and(|(_, batch, _)| batch.group.last) {
            return false;
        }
        let mut before = self.fates[stream]
            .recorded
            .range(..place(epoch, first))
            .next_back()
            .map_or(0, |(_, (_, through))| *through);
        let (mut new, mut payloads) = (Vec::new(), Vec::new());
        for (at, _, through) in &group {
            let changes = if with_images { self.present_images(stream, before, *through) } else { Vec::new() };
            before = *through;
            self.acts_made += 1;
            let salt = Digest::of(&[b"draft\n", &self.options.seed.to_be_bytes(), &self.acts_made.to_be_bytes()]);
            let mut payload = Payload::new(salt.0);
            for change in &changes {
                payload.push(change.line().as_bytes()).expect("a group of a world is small");
            }
            let sm3 = payload.plain().sm3;
            new.push(sm3);
            payloads.push((sm3, payload.as_bytes().to_vec()));
            if let Some(fate) = self.fates.get_mut(stream) {
                fate.instead.entry(*at).or_default().push(Substitute { payload: sm3, changes });
            }
        }
        let originals = group.iter().map(|(_, batch, _)| batch.digest);
        let generations = group.first().map_or(0, |(_, batch, _)| batch.instead.len());
        let later = (0..generations).flat_map(|index| group.iter().map(move |(_, batch, _)| batch.instead[index]));
        let old = originals.chain(later).collect();
        self.hosts[owner.index()].store.database().drafts.extend(payloads);
        let contract = self.contract().stream(stream).expect("the model's streams are the contract's").digest;
        let of_stream = stream.clone();
        self.hand_in(owner, Deed::Supersede { stream: of_stream, epoch, epoch_id, contract, first, old, new });
        // What was passed over leaves the peer with other rows than its owner has. Some try to mend that with a load.
        let loads =
            self.options.strikes.contains_key(&Fault::OperatorLoad) && self.fates[stream].unsendable_from.is_none();
        if !with_images && loads && !self.is_safe {
            self.hand_in(owner, Deed::Load { stream: stream.clone() });
        }
        true
    }

    /// The rows that changes were about, as they stand now: deletions first.
    fn present_images(&self, stream: &StreamName, after: u64, upto: u64) -> Vec<Change> {
        let model = &self.model.streams[stream];
        let place = |number: u64| usize::try_from(number).expect("a world has few changes");
        let of = &model.changes[place(after)..place(upto.min(model.len()))];
        let keys: BTreeSet<(&str, &str)> = of.iter().map(|one| (one.table.as_str(), one.key.as_str())).collect();
        let database = self.host(model.owner).store.database();
        let image = |(table, key): (&str, &str)| {
            let values = database.tables.get(table).and_then(|rows| rows.get(key));
            let op = if values.is_some() { Op::Update } else { Op::Delete };
            let (table, key) = (table.to_owned(), key.to_owned());
            Change { table, op, values: values.unwrap_or(&key).clone(), key }
        };
        let mut images: Vec<Change> = keys.into_iter().map(image).collect();
        images.sort_by_key(|change| change.op != Op::Delete);
        images
    }
}
