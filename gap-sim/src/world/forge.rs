//! Files that the zones did not make: signed by a stranger, or with the stolen key of a zone.

use std::sync::Arc;

use ferry_core::contract::Tally;
use ferry_core::ports::{BatchId, Sealer as _, Side};
use ferry_format::{
    Act, ActId, BatchStatement, Checkpoint, Deed, Digest, EpochId, FileName, Group, Mark, NameKind, Payload, Reason,
    SignedAct, StreamName, Supersedes, genesis, parse_record,
};

use super::World;
use super::faults::Fault;
use super::files::{archive_directory, batch_name};
use super::host::ZoneId;
use super::lives::place;
use super::make::{link, zone_name};
use super::nodes::trouble::{Oddity, orphan};
use super::sealer::{SimSealer, card, strange_operators, strangers};

impl World {
    pub(super) fn file_name(&self, from: ZoneId, stream: &StreamName, seq: u64, digest: Digest) -> String {
        let kind = NameKind::Batch { stream: stream.clone(), epoch: 1, seq };
        let (from, to) = (zone_name(from), zone_name(from.peer()));
        FileName { from, to, kind, attempt: 1, digest8: digest.short(), extension: "dat".to_owned() }.to_string()
    }

    /// A file that must be turned away, signed with a key that nobody trusts or with the stolen key of the zone.
    pub(super) fn forge(&mut self, fault: Fault) -> bool {
        let Some(stream) = self.any_stream() else { return false };
        let owner = self.model.streams[&stream].owner;
        let mut statement = self.next_statement(&stream);
        let sealed = if fault == Fault::WrongKey {
            let strangers = strangers(self.options.seed);
            let own = card(&strangers, &link(), &zone_name(owner));
            let peer_keys = self.host(owner.peer()).sealer.keys();
            let peer = card(peer_keys, &link(), &zone_name(owner.peer()));
            let payload = self.fill(&mut statement);
            SimSealer::new(strangers, &own, &peer, &[], self.options.seed).seal_batch(&statement, &payload)
        } else {
            let payload = self.fill(&mut statement);
            match self.prng.below(5) {
                0 => statement.link = "other".parse().expect("a good name"),
                1 => (statement.from, statement.to) = (statement.to.clone(), statement.from.clone()),
                2 => statement.stream = self.foreign_stream(owner),
                3 => self.approve_falsely(&mut statement),
                _ => "stranger_row".clone_into(&mut statement.tables[0].name),
            }
            self.host(owner).sealer.seal_batch(&statement, &payload)
        };
        let Ok(sealed) = sealed else { return false };
        let name = self.file_name(owner, &stream, statement.seq, sealed.digest);
        self.drop_into(owner.peer(), &name, sealed.bytes);
        true
    }

    /// Somebody with the stolen key of a zone begins another epoch of a stream, which no operator has decided.
    pub(super) fn forge_epoch(&mut self) -> bool {
        let Some(stream) = self.any_stream() else { return false };
        let owner = self.model.streams[&stream].owner;
        let last = self.host(owner).store.database().own[&stream].last.clone();
        let epoch_id = EpochId(self.prng.draw().to_be_bytes());
        let epoch = last.epoch + 1;
        let digest = genesis(&link(), &zone_name(owner), &zone_name(owner.peer()), &stream, epoch, epoch_id);
        let mut statement = self.statement_after(&stream, &Mark { epoch, seq: 0, digest, ..last });
        statement.epoch_id = epoch_id;
        let payload = self.fill(&mut statement);
        let Ok(sealed) = self.host(owner).sealer.seal_batch(&statement, &payload) else { return false };
        let name = self.file_name(owner, &stream, statement.seq, sealed.digest);
        self.drop_into(owner.peer(), &name, sealed.bytes);
        true
    }

    /// Somebody who is not the owner puts a file of his own into the archive of a zone that was put back, at the first place that
    /// the zone lacks and sealed so that the zone can open it.
    pub(super) fn plant(&mut self, zone: ZoneId) {
        let lost = self.model.streams.iter().filter(|(name, stream)| stream.owner == zone && self.fates[*name].lost());
        for stream in lost.map(|(name, _)| name.clone()).collect::<Vec<_>>() {
            let mut statement = self.next_statement(&stream);
            let payload = self.fill(&mut statement);
            let strangers = strangers(self.options.seed);
            let signer = card(&strangers, &link(), &zone_name(zone));
            let opener = card(self.host(zone).sealer.keys(), &link(), &zone_name(zone.peer()));
            let sealer = SimSealer::new(strangers, &signer, &opener, &[], self.options.seed);
            let Ok(sealed) = sealer.seal_batch(&statement, &payload) else { continue };
            let name = batch_name(&BatchId::of(&statement, sealed.digest));
            let path = format!("{}/{name}", archive_directory(Side::Out));
            self.host(zone).disk.put_there(&path, Some(Arc::new(sealed.bytes)), None);
            self.tell(zone.name(), &format!("a stranger puts {name} into the archive"));
        }
    }

    /// Makes a statement claim the place that the receiver waits for, with approvals by people who are no operators.
    fn approve_falsely(&self, statement: &mut BatchStatement) {
        let stream = &statement.stream;
        let owner = self.model.streams[stream].owner;
        let database = self.host(owner.peer()).store.database();
        let applied = database.peers.get(stream).and_then(|peer| peer.followed.as_ref()).map(|(_, mark)| mark.clone());
        if let Some(mark) = applied {
            statement.seq = mark.seq + 1;
            statement.previous = mark.digest;
        }
        statement.group = Group { first: statement.seq, index: 0, last: true };
        let (old, new) = (vec![Digest::of(&[b"passed over\n"])], vec![statement.plain.sm3]);
        let deed = Deed::Supersede {
            stream: stream.clone(),
            epoch: statement.epoch,
            epoch_id: statement.epoch_id,
            contract: statement.contract,
            first: statement.seq,
            old: old.clone(),
            new: new.clone(),
        };
        let (id, at_ms) = (ActId([0xfe; 16]), statement.cut_at_ms);
        let reason = Reason::new("nobody knows these people").expect("a good reason");
        let act = Act { link: link(), zone: zone_name(owner), id, at_ms, reason: reason.clone(), deed };
        let mut signed = SignedAct::unsigned(act);
        let strange = strange_operators(self.options.seed);
        // A thief may have won one operator over; it takes two.
        let won_over = usize::from(self.forged_count.is_multiple_of(2));
        for keys in self.operators[..won_over].iter().chain(&strange[won_over..]) {
            signed.approve(keys).expect("their keys sign");
        }
        let approvals = signed.approvals;
        statement.supersedes = Some(Supersedes { act: id, at_ms, reason, old, new, approvals });
    }

    /// A stream that this zone does not own.
    fn foreign_stream(&self, owner: ZoneId) -> StreamName {
        let mut streams = self.model.streams.iter();
        let foreign = streams.find(|(_, stream)| stream.owner != owner);
        foreign.map(|(name, _)| name.clone()).expect("both zones own a stream")
    }

    /// What the thief of a key states after `before`.
    pub(super) fn stolen_statement(&mut self, before: &Mark) -> (BatchStatement, Payload) {
        let mut statement = self.statement_after(&before.stream, before);
        let payload = self.fill(&mut statement);
        (statement, payload)
    }

    /// A statement like the next one of the owner.
    fn next_statement(&self, stream: &StreamName) -> BatchStatement {
        let owner = self.model.streams[stream].owner;
        let last = self.host(owner).store.database().own[stream].last.clone();
        self.statement_after(stream, &last)
    }

    fn statement_after(&self, stream: &StreamName, last: &Mark) -> BatchStatement {
        let owner = self.model.streams[stream].owner;
        let contract = self.contract().stream(stream).expect("the model's streams are the contract's");
        BatchStatement {
            link: link(),
            from: zone_name(owner),
            to: zone_name(owner.peer()),
            stream: stream.clone(),
            epoch: last.epoch,
            epoch_id: self.host(owner).store.database().own[stream].epoch_id,
            seq: last.seq + 1,
            group: Group { first: last.seq + 1, index: 0, last: true },
            previous: last.digest,
            contract: contract.digest,
            requires: Vec::new(),
            tables: Vec::new(),
            records: 1,
            plain: Payload::new([0; 32]).plain(),
            cut_at_ms: 0,
            audit: Checkpoint { size: 0, root: Digest::of(&[]) },
            supersedes: None,
        }
    }

    /// Puts one row into a statement, and gives its payload.
    fn fill(&mut self, statement: &mut BatchStatement) -> Payload {
        self.forged_count += 1;
        let salt = Digest::of(&[b"forged\n", &self.forged_count.to_be_bytes()]).0;
        let line = match self.nodes {
            Some(_) => orphan(&statement.stream, 9_000, Oddity::None).line(),
            None => format!("[\"{}_row\",\"i\",9000,\"forged\",1,\"forged\",\"20260101\"]", statement.stream),
        };
        let contract = self.contract().clone();
        let of_stream = contract.stream(&statement.stream).expect("a stream of the contract");
        let mut tally = Tally::new(of_stream);
        let record = parse_record(line.as_bytes()).expect("the line is a record");
        tally.add(&record).expect("the record is the contract's");
        statement.tables = tally.summarize();
        let mut payload = Payload::new(salt);
        payload.push(line.as_bytes()).expect("one line fits");
        statement.plain = payload.plain();
        payload
    }

    /// Somebody with the owner's key states something else for a place that the receiver holds or has applied.
    pub(super) fn two_statements(&mut self) -> bool {
        let Some(stream) = self.any_stream() else { return false };
        let owner = self.model.streams[&stream].owner;
        let Some(link) = &self.host(owner.peer()).link else { return false };
        let Some(state) = link.receivers().find(|state| state.stream == stream) else { return false };
        let Some(mark) = state.mark().cloned() else { return false };
        let held = state.held_ranges(1).first().map(|range| range.first);
        let Some(seq) = held.or((mark.seq > 0).then_some(mark.seq)) else { return false };
        let previous = self.host(owner).store.database().own[&stream]
            .batches
            .get(&place(mark.epoch, seq))
            .map(|batch| batch.previous);
        let Some(digest) = previous else { return false };
        self.state_instead(&Mark { stream, epoch: mark.epoch, seq: seq - 1, digest })
    }

    /// Somebody with the owner's key states the batch that the receiver waits for, before the owner's own is there.
    pub(super) fn stolen_key(&mut self) -> bool {
        let Some(stream) = self.any_stream() else { return false };
        let owner = self.model.streams[&stream].owner;
        let Some(link) = &self.host(owner.peer()).link else { return false };
        let Some(state) = link.receivers().find(|state| state.stream == stream) else { return false };
        let Some(mark) = state.mark().filter(|mark| state.needs(mark.epoch, mark.seq + 1)).cloned() else {
            return false;
        };
        self.state_instead(&mark)
    }

    /// A statement after `before` with the owner's key, that is not the owner's.
    fn state_instead(&mut self, before: &Mark) -> bool {
        let stream = &before.stream;
        let owner = self.model.streams[stream].owner;
        let mut statement = self.statement_after(stream, before);
        let payload = self.fill(&mut statement);
        let Ok(sealed) = self.host(owner).sealer.seal_batch(&statement, &payload) else { return false };
        let name = self.file_name(owner, stream, statement.seq, sealed.digest);
        self.drop_into(owner.peer(), &name, sealed.bytes);
        if let Some(fate) = self.fates.get_mut(stream) {
            fate.disputed = true;
            fate.stolen.insert((place(statement.epoch, statement.seq), sealed.digest));
        }
        true
    }

    /// Whether a stream's receiver has applied what a thief stated, or what an owner stated who had lost its database and its
    /// anchor: its rows are then none that the world knows.
    pub(crate) fn is_usurped(&self, stream: &StreamName) -> bool {
        let fate = &self.fates[stream];
        if fate.stolen.is_empty() && !fate.forgotten {
            return false;
        }
        let database = self.host(self.model.streams[stream].owner.peer()).store.database();
        let applied = &database.peers[stream].applied;
        let differs =
            |(seq, digest): (&u64, &Digest)| fate.recorded.get(seq).is_none_or(|(recorded, _)| recorded != digest);
        fate.stolen.iter().any(|(seq, digest)| applied.get(seq) == Some(digest))
            || fate.forgotten && applied.iter().any(differs)
    }
}
