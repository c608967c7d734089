//! Operators: what their acts do to a database, and when they act in a world.

use ferry_core::contract::StreamContract;
use ferry_core::ports::{
    ACTED_ALREADY, ActEnd, ActOrder, Instead, OpenAct, STREAM_MOVED, TURNED_AWAY_BEFORE, UntoldAct,
};
use ferry_core::settings::UNTOLD_ACTS_MAX;
use ferry_format::{
    Act, ActId, ActRange, Deed, Digest, EpochId, Mark, Reason, SignedAct, StreamName, Substitute, genesis,
};

use super::change::Change;
use super::database::{Database, HandedAct};
use super::faults::Fault;
use super::host::ZoneId;
use super::lives::{place, place_of};
use super::make::{link, zone_name};
use super::{Plan, World};

impl Database {
    /// Acts that are not carried out.
    #[must_use]
    pub fn open_acts(&self) -> Vec<OpenAct> {
        let open = self.acts.iter().filter(|(_, act)| act.end.is_none());
        open.map(|(id, act)| OpenAct { id: *id, file: act.file.clone() }).collect()
    }

    /// Ended acts that the peer has not listed.
    #[must_use]
    pub fn untold_acts(&self) -> Vec<UntoldAct> {
        let untold = |(id, act): (&u64, &HandedAct)| {
            let (end, at_ms) = act.end.clone().filter(|_| !act.told)?;
            Some(UntoldAct { id: *id, file: act.file.clone(), end, at_ms })
        };
        self.acts.iter().filter_map(untold).take(UNTOLD_ACTS_MAX).collect()
    }

    /// Puts an act into the list. The same file again is the same act.
    pub fn hand_in(&mut self, file: &[u8]) -> u64 {
        if let Some((id, _)) = self.acts.iter().find(|(_, act)| act.file == file) {
            return *id;
        }
        let id = self.acts.keys().next_back().map_or(1, |last| last + 1);
        self.acts.insert(id, HandedAct { file: file.to_vec(), end: None, done: None, told: false });
        id
    }

    /// What becomes of an act.
    #[must_use]
    pub fn end_of(&self, order: &ActOrder) -> ActEnd {
        let act = match &order.verdict {
            Ok(act) => act,
            Err(code) => {
                let is_done = code == STREAM_MOVED && self.was_done(&order.file);
                return ActEnd::turned_away(if is_done { ACTED_ALREADY } else { code });
            }
        };
        if self.acts.values().any(|handed| handed.done.as_ref() == Some(act)) {
            return ActEnd::turned_away(ACTED_ALREADY);
        }
        match &act.deed {
            Deed::Pass { stream, row, .. } if !self.own.get(stream).is_some_and(|own| own.outbox.contains_key(row)) => {
                ActEnd::turned_away("not-stopped-there")
            }
            Deed::Supersede { stream, epoch, first, .. }
                if self.own.get(stream).is_none_or(|own| own.last.epoch != *epoch || own.settled.seq >= *first) =>
            {
                ActEnd::turned_away("no-such-open-group")
            }
            Deed::NewEpoch { epoch, ended, .. }
                if self.own.get(&ended.stream).is_none_or(|own| own.last != *ended || own.last.epoch >= *epoch) =>
            {
                ActEnd::turned_away(STREAM_MOVED)
            }
            Deed::NewEpoch { .. } if self.was_turned_away(act) => ActEnd::turned_away(TURNED_AWAY_BEFORE),
            Deed::Hold { .. }
            | Deed::Release { .. }
            | Deed::Retry { .. }
            | Deed::Resend { .. }
            | Deed::Reseal { .. }
            | Deed::Pass { .. }
            | Deed::RetryRows { .. }
            | Deed::Dismiss { .. }
            | Deed::TakeBack { .. }
            | Deed::Load { .. }
            | Deed::NewEpoch { .. }
            | Deed::Supersede { .. } => ActEnd::done(),
        }
    }

    /// Whether the same was carried out under these signatures or others.
    fn was_done(&self, file: &[u8]) -> bool {
        let act = SignedAct::parse(file).ok().map(|signed| signed.act);
        self.acts.values().any(|handed| handed.done.is_some() && handed.done == act)
    }

    /// Whether an act was turned away before, with as many signatures as it needs.
    fn was_turned_away(&self, act: &Act) -> bool {
        let is_it = |handed: &HandedAct| {
            let is_away = handed.end.as_ref().is_some_and(|(end, _)| !end.is_done() && end.code != ACTED_ALREADY);
            let signed = SignedAct::parse(&handed.file).ok().filter(|_| is_away);
            signed.is_some_and(|signed| signed.act == *act && signed.approvals.len() >= act.deed.approvals())
        };
        self.acts.values().any(is_it)
    }

    /// Writes an act's end with its effect.
    pub fn carry_out(&mut self, order: &ActOrder, end: &ActEnd, contract: Option<&StreamContract>) {
        if let Some(handed) = self.acts.get_mut(&order.id) {
            handed.end = Some((end.clone(), order.at_ms));
            handed.done = order.verdict.clone().ok().filter(|_| end.is_done());
        }
        let Ok(act) = &order.verdict else { return };
        let stream = act.deed.stream().clone();
        let log = if self.own.contains_key(&stream) { "out" } else { "in" };
        self.leaf(&format!("{log}.{stream}"), &format!("act {} {}", act.deed.name(), end.code));
        if !end.is_done() {
            return;
        }
        match &act.deed {
            Deed::Hold { .. } => _ = self.on_hold.insert(stream),
            Deed::Release { .. } => _ = self.on_hold.remove(&stream),
            Deed::Retry { .. } | Deed::Resend { .. } | Deed::Reseal { .. } | Deed::TakeBack { .. } => {}
            Deed::Load { .. } => _ = self.loading.insert(stream, (0, None)),
            Deed::NewEpoch { epoch, epoch_id, .. } => {
                let contract = contract.expect("an own stream is in the contract");
                let (link, from, to) = (&act.link, &contract.owner, &contract.to);
                let digest = genesis(link, from, to, &stream, *epoch, *epoch_id);
                self.begin_epoch(*epoch_id, Mark { stream, epoch: *epoch, seq: 0, digest }, order);
            }
            Deed::Pass { row, with, .. } => self.pass(&stream, *row, *with),
            Deed::Dismiss { range } => {
                let Some(peer) = self.peers.get_mut(&stream) else { return };
                let applied = peer.followed.as_ref().map_or(0, |(_, mark)| mark.seq);
                let last = range.last.min(applied);
                let meant = |(epoch, seq): &(u64, u64)| *epoch == range.epoch && (range.first..=last).contains(seq);
                peer.dismissed.extend(peer.disputed.keys().copied().filter(meant));
                peer.disputed.retain(|place, _| !meant(place));
            }
            Deed::Supersede { epoch, new, .. } => self.supersede(&stream, *epoch, &order.instead, new),
            Deed::RetryRows { range } => self.retry_rows(range),
        }
    }

    fn supersede(&mut self, stream: &StreamName, epoch: u64, instead: &[Instead], payloads: &[Digest]) {
        let Some(own) = self.own.get_mut(stream) else { return };
        for (Instead { seq, digest, rows, file_bytes, .. }, payload) in instead.iter().zip(payloads) {
            let Some(recorded) = own.batches.get_mut(&place(epoch, *seq)) else { continue };
            recorded.batch.instead.push(*digest);
            recorded.payloads.push(*payload);
            self.drafts.remove(payload);
            (recorded.batch.rows, recorded.batch.file_bytes) = (*rows, *file_bytes);
        }
        for one in instead {
            self.leaf(&format!("out.{stream}"), &format!("superseding {} {}", one.seq, one.digest));
        }
    }

    /// What is captured and not recorded stays; the tables are captured once more.
    fn begin_epoch(&mut self, epoch_id: EpochId, genesis: Mark, order: &ActOrder) {
        let stream = genesis.stream.clone();
        self.loading.insert(stream.clone(), (0, None));
        let Some(own) = self.own.get_mut(&stream) else { return };
        let (id, file, end, at_ms) = (order.id, order.file.clone(), ActEnd::done(), order.at_ms);
        own.begun = Some(UntoldAct { id, file, end, at_ms });
        own.epoch_id = epoch_id;
        (own.last, own.settled) = (genesis.clone(), genesis);
        let begun = format!("begun {}", own.last.epoch);
        self.leaf(&format!("out.{stream}"), &begun);
    }

    fn pass(&mut self, stream: &StreamName, row: u64, with: Substitute) {
        let Some(own) = self.own.get_mut(stream) else { return };
        let line = match with {
            Substitute::Void => {
                own.outbox.remove(&row);
                None
            }
            Substitute::Current => {
                let Some(captured) = own.outbox.get_mut(&row) else { return };
                captured.line = current_image(&captured.line, &self.tables);
                Some(captured.line.clone())
            }
        };
        self.passed.push((stream.clone(), row, line));
    }

    /// Parked rows that the database takes now are written, in the order in which they were parked.
    fn retry_rows(&mut self, range: &ActRange) {
        let Some(peer) = self.peers.get_mut(&range.stream).filter(|_| self.mended) else { return };
        let (again, stay) =
            std::mem::take(&mut peer.parked).into_iter().partition(|row| (range.first..=range.last).contains(&row.seq));
        peer.parked = stay;
        let again: Vec<super::database::ParkedRow> = again;
        self.unparked.push(range.stream.clone());
        for row in again {
            let table = self.tables.entry(row.table).or_default();
            match row.values {
                Some(values) => table.insert(row.key, values),
                None => table.remove(&row.key),
            };
        }
    }
}

/// The line that captures the present image of the row that a captured line is about.
fn current_image(line: &str, tables: &super::database::Tables) -> String {
    let values: Vec<serde_json::Value> = serde_json::from_str(line).expect("captured lines are JSON");
    let table = values[0].as_str().expect("a captured line names its table");
    let key = Change::of_line(line).key;
    match tables.get(table).and_then(|rows| rows.get(&key)) {
        Some(image) => format!("[\"{table}\",\"u\",{}", &image[1..]),
        None => format!("[\"{table}\",\"d\",{}", &key[1..]),
    }
}

/// One act that is to be made.
struct Intent {
    zone: ZoneId,
    deed: Deed,
}

impl World {
    /// Hands an act in, signed by as many operators as it needs.
    pub(super) fn hand_in(&mut self, zone: ZoneId, deed: Deed) {
        self.acts_made += 1;
        let digest = Digest::of(&[b"act\n", &self.options.seed.to_be_bytes(), &self.acts_made.to_be_bytes()]);
        let mut id = ActId([0; 16]);
        id.0.copy_from_slice(&digest.0[..16]);
        let at_ms = self.host(zone).now(self.now_ms).wall_ms;
        let reason = Reason::new("operator of the world").expect("a good reason");
        let (stream, name, signers) = (deed.stream().clone(), deed.name(), deed.approvals());
        let act = Act { link: link(), zone: zone_name(zone), id, at_ms, reason, deed };
        let mut signed = SignedAct::unsigned(act);
        for keys in &self.operators[..signers] {
            signed.approve(keys).expect("the keys of operators sign");
        }
        let file = signed.write().expect("acts of a world are small");
        self.hosts[zone.index()].store.database().hand_in(&file);
        self.tell(zone.name(), &format!("operator: {name} {stream}"));
    }

    /// An operator does something that the zones did not ask for.
    pub(super) fn operator_acts(&mut self, zone: ZoneId, fault: Fault) -> bool {
        let Some(stream) = self.any_stream() else { return false };
        let owner = self.model.streams[&stream].owner;
        let whole = |world: &Self| {
            let epoch = world.host(owner).store.database().own[&stream].last.epoch;
            ActRange { stream: stream.clone(), epoch, first: 1, last: u64::from(u32::MAX) }
        };
        if fault == Fault::OperatorSupersede {
            return self.supersede_some(&stream);
        }
        if fault == Fault::OperatorEpoch {
            return self.begin_some_epoch(&stream);
        }
        if fault == Fault::OperatorLoad && self.fates[&stream].unsendable_from.is_some() {
            return false;
        }
        let (at, deed) = if fault == Fault::OperatorLoad {
            (owner, Deed::Load { stream })
        } else if fault == Fault::OperatorResend {
            (owner, Deed::Resend { range: whole(self) })
        } else if fault == Fault::OperatorReseal {
            (owner, Deed::Reseal { range: whole(self) })
        } else if self.host(zone).store.database().on_hold.contains(&stream) {
            (zone, Deed::Release { stream })
        } else {
            (zone, Deed::Hold { stream })
        };
        self.hand_in(at, deed);
        true
    }

    /// An administrator takes the rule away that a zone's database has against a word.
    fn mend_cause(&mut self, zone: ZoneId) {
        if self.host(zone).store.database().mended {
            return;
        }
        self.follow_replicas();
        self.host(zone).store.database().mended = true;
        for model in self.model.streams.values_mut().filter(|model| model.owner == zone.peer()) {
            model.mend();
        }
    }

    /// An operator looks at both zones, and does what they say is to be done; then again, until the world ends.
    pub(super) fn operate(&mut self) {
        for Intent { zone, deed } in self.intents() {
            if let Deed::Dismiss { range } = &deed
                && self.applied_place(&range.stream) < place(range.epoch, range.first)
            {
                let (stream, at) = (range.stream.clone(), place(range.epoch, range.first));
                // What was put into its place may still be on its way: whoever decides again and again never lets it arrive.
                let owner = self.model.streams[&stream].owner;
                let is_open = {
                    let database = self.host(owner).store.database();
                    database.own[&stream].batches.get(&at).is_some_and(|batch| !batch.batch.instead.is_empty())
                };
                if !is_open {
                    self.supersede_group(&stream, at);
                }
                continue;
            }
            if let Deed::Retry { range } = &deed
                && self.prng.below(2) == 0
            {
                let (stream, at) = (range.stream.clone(), place(range.epoch, range.first));
                self.supersede_group(&stream, at);
                continue;
            }
            if let Deed::RetryRows { range } = &deed
                && self.mend_parked(zone, &range.stream)
            {
                continue;
            }
            match &deed {
                Deed::Pass { stream, row, with } => self.mend_row(zone, &stream.clone(), *row, *with),
                Deed::Retry { .. } | Deed::RetryRows { .. } => self.mend_cause(zone),
                Deed::Hold { .. }
                | Deed::Release { .. }
                | Deed::Resend { .. }
                | Deed::Reseal { .. }
                | Deed::Dismiss { .. }
                | Deed::TakeBack { .. }
                | Deed::Load { .. }
                | Deed::NewEpoch { .. }
                | Deed::Supersede { .. } => {}
            }
            if let Deed::NewEpoch { epoch, ended, .. } = &deed {
                self.give_time(&ended.stream, *epoch);
            }
            self.hand_in(zone, deed);
        }
        let next = self.now_ms + self.options.settings.heartbeat_ms;
        self.plan(next, Plan::Operate);
    }

    /// What both zones say that an operator should do, where no act of the kind waits already.
    fn intents(&mut self) -> Vec<Intent> {
        let mut found = Vec::new();
        for zone in ZoneId::BOTH {
            let host = self.host(zone);
            let Some(link) = &host.link else { continue };
            let database = host.store.database();
            if database.acts.values().any(|act| act.end.is_none()) {
                continue;
            }
            for stream in &database.on_hold {
                found.push(Intent { zone, deed: Deed::Release { stream: stream.clone() } });
            }
            for mark in link.beyond() {
                // Whoever is asked knows what the zone had sent.
                let known = self.fates[&mark.stream].recorded.get(&place_of(mark));
                if known.is_some_and(|(digest, _)| *digest == mark.digest) {
                    found.push(Intent { zone, deed: Deed::TakeBack { through: mark.clone() } });
                }
            }
            for sender in link.senders() {
                if sender.damaged().is_some() && self.begins_epochs() && self.fates[&sender.stream].rewound {
                    let ended = sender.last_recorded().clone();
                    let mut epoch_id = EpochId([0; 8]);
                    epoch_id.0.copy_from_slice(&ended.digest.0[..8]);
                    let deed = Deed::NewEpoch { epoch: ended.epoch + 1, epoch_id, ended };
                    found.push(Intent { zone, deed });
                }
                if let Some(row) = sender.stopped_at_row() {
                    let with = if row % 2 == 0 { Substitute::Void } else { Substitute::Current };
                    found.push(Intent { zone, deed: Deed::Pass { stream: sender.stream.clone(), row, with } });
                }
            }
            for receiver in link.receivers() {
                let Some(epoch) = receiver.mark().map(|mark| mark.epoch) else { continue };
                let range = |first, last| ActRange { stream: receiver.stream.clone(), epoch, first, last };
                if let Some(refused) = receiver.refused() {
                    found.push(Intent { zone, deed: Deed::Retry { range: range(refused.seq, refused.seq) } });
                }
                let dispute = receiver.waits_for(|_| None).filter(|waits| waits.code == "two-statements");
                if let Some(dispute) = dispute {
                    found.push(Intent { zone, deed: Deed::Dismiss { range: range(dispute.seq, dispute.seq) } });
                }
                if receiver.parked_rows() > 0 {
                    found.push(Intent { zone, deed: Deed::RetryRows { range: range(1, u64::from(u32::MAX)) } });
                }
            }
        }
        found
    }

    /// The program of the zone writes the row anew, as it should be.
    fn mend_row(&mut self, zone: ZoneId, stream: &StreamName, row: u64, with: Substitute) {
        let line = self.host(zone).store.database().own[stream].outbox.get(&row).map(|captured| captured.line.clone());
        let Some(line) = line.filter(|_| with == Substitute::Current) else { return };
        let Change { table, key, .. } = Change::of_line(&line);
        self.rewrite(stream, table, key);
    }

    /// The program that owns a parked row may write it anew instead, as it should be. Tells whether it does.
    fn mend_parked(&mut self, zone: ZoneId, stream: &StreamName) -> bool {
        if self.fates[stream].frozen || self.prng.below(2) == 0 {
            return false;
        }
        let row = {
            let database = self.host(zone).store.database();
            let parked = database.peers.get(stream).and_then(|peer| peer.parked.first());
            parked.map(|row| (row.table.clone(), row.key.clone()))
        };
        let Some((table, key)) = row else { return false };
        self.rewrite(stream, table, key);
        true
    }

    /// Learns which captured rows were passed over.
    pub(super) fn learn_passed(&mut self) {
        for zone in ZoneId::BOTH {
            let passed = std::mem::take(&mut self.host(zone).store.database().passed);
            for (stream, row, line) in passed {
                if let Some(model) = self.model.streams.get_mut(&stream) {
                    model.pass(row, line.as_deref());
                }
                if let Some(fate) = self.fates.get_mut(&stream).filter(|fate| fate.unsendable_from == Some(row)) {
                    fate.unsendable_from = None;
                }
            }
        }
    }

    /// Learns which parked rows were written.
    pub(super) fn learn_unparked(&mut self) {
        for zone in ZoneId::BOTH {
            let unparked = std::mem::take(&mut self.host(zone).store.database().unparked);
            for stream in unparked {
                self.model.streams.get_mut(&stream).into_iter().for_each(super::model::ModelStream::unpark);
            }
        }
    }
}
