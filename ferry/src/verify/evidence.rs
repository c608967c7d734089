//! What verified files prove, kept in few bytes until all are read.

use std::collections::{BTreeMap, BTreeSet};

use ferry_format::{
    Act, BatchStatement, BootNonce, Checkpoint, Deed, Digest, EpochId, Instance, Kind, LinkId, Mark, StatusStatement,
    StreamName, TableSummary, ZoneName,
};

use super::finding::{Finding, Place};
use super::read::Piece;
use super::report::Counts;
use super::standing::Superseding;
use super::walk::Files;

/// One life of one stream.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct StreamKey {
    pub link: LinkId,
    pub from: ZoneName,
    pub to: ZoneName,
    pub stream: StreamName,
    pub epoch: u64,
}

impl StreamKey {
    pub fn of(statement: &BatchStatement) -> Self {
        Self {
            link: statement.link.clone(),
            from: statement.from.clone(),
            to: statement.to.clone(),
            stream: statement.stream.clone(),
            epoch: statement.epoch,
        }
    }

    /// The life that a mark is about, of a stream between two zones.
    pub fn of_mark(link: &LinkId, from: &ZoneName, to: &ZoneName, mark: &Mark) -> Self {
        Self { link: link.clone(), from: from.clone(), to: to.clone(), stream: mark.stream.clone(), epoch: mark.epoch }
    }

    /// Some places of this stream.
    pub fn place(&self, first: u64, last: u64) -> Place {
        Place {
            link: Some(self.link.clone()),
            from: Some(self.from.clone()),
            to: Some(self.to.clone()),
            stream: Some(self.stream.clone()),
            epoch: Some(self.epoch),
            seq: Some(first),
            seq_last: Some(last),
            number: None,
            claimed: false,
        }
    }
}

/// What is kept of a verified batch.
#[derive(Debug, Clone)]
pub struct Kept {
    pub seq: u64,
    pub digest: Digest,
    /// How other batches and statuses name the place: the digest of the statement that stood there first.
    pub chain: Digest,
    pub previous: Digest,
    pub audit: Checkpoint,
    pub group_first: u64,
    pub file: u32,
    pub group_last: bool,
    /// Whether any file has its rows.
    pub whole: bool,
}

/// Counts and totals by table.
pub type Tables = BTreeMap<String, TableSummary>;

impl KeptEpoch {
    /// Whether it is about the lives of a stream.
    pub fn is_of(&self, key: &StreamKey) -> bool {
        self.link == key.link && self.zone == key.from && self.ended.stream == key.stream
    }
}

/// What is known of one life of one stream.
#[derive(Debug, Default)]
pub struct StreamEvidence {
    pub epoch_id: Option<EpochId>,
    /// The first statement met for each seq.
    pub batches: BTreeMap<u64, Kept>,
    /// Every other statement met for a seq that is in `batches`.
    pub others: Vec<Kept>,
    /// Which of its batches supersede others.
    pub superseding: Superseding,
    /// Sums over `batches`.
    pub tables: Tables,
    /// Places that were witnessed and are not met yet, or not as witnessed.
    pub marks: BTreeMap<(u64, Digest), Witness>,
    /// The highest place that was witnessed.
    pub highest: Option<(u64, Witness)>,
    /// The highest place of which the receiver says that it has applied it. What must be applied first may have ended with its life,
    /// and so may what required it.
    pub highest_applied: Option<(u64, Witness)>,
    /// Batches whose file has another epoch id than the first: which file.
    pub other_epoch_ids: Vec<(u64, u32)>,
}

/// Who says that a batch is at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Witness {
    pub kind: WitnessKind,
    pub file: u32,
}

/// By which words a witness says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum WitnessKind {
    /// The receiver's status: it has applied it.
    Received,
    /// The owner's status: it has recorded it.
    Sent,
    /// A batch of another stream: it must be applied first.
    Required,
}

/// A zone as it speaks on a link.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Speaker {
    pub link: LinkId,
    pub from: ZoneName,
    pub to: ZoneName,
}

/// What is kept of a verified status.
#[derive(Debug, Clone)]
pub struct KeptStatus {
    pub number: u64,
    pub digest: Digest,
    pub boot: BootNonce,
    pub audit: Checkpoint,
    pub witness: Option<Checkpoint>,
    pub echo: Option<(BootNonce, u64)>,
    /// Received and sent places.
    pub marks: Box<[StatusMark]>,
    pub file: u32,
}

/// One place of a status, short.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatusMark {
    pub stream: u32,
    pub epoch: u32,
    pub seq: u64,
    pub sent: bool,
}

/// What all files prove together.
#[derive(Debug, Default)]
pub struct Evidence {
    pub streams: BTreeMap<StreamKey, StreamEvidence>,
    pub statuses: BTreeMap<Speaker, BTreeMap<Instance, Vec<KeptStatus>>>,
    /// Names that [`StatusMark::stream`] points into.
    pub names: Vec<StreamName>,
    /// Places that files claim which did not verify.
    pub claims: BTreeMap<StreamKey, BTreeSet<u64>>,
    /// Epochs that two operators began.
    pub epochs: Vec<KeptEpoch>,
    pub findings: Vec<Finding>,
    pub counts: Counts,
}

/// What is kept of a verified act that began an epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptEpoch {
    pub link: LinkId,
    pub zone: ZoneName,
    pub epoch: u64,
    pub epoch_id: EpochId,
    /// The last batch of the life that ended, as its owner knew it.
    pub ended: Mark,
    pub file: u32,
}

impl Evidence {
    /// Takes over what one file proved.
    pub fn take(&mut self, files: &Files, index: usize, piece: Piece) {
        let file = u32::try_from(index).expect("fewer than 2^32 files");
        debug_assert!(index < files.len());
        match piece {
            Piece::Batch { statement, digest, is_head, findings } => {
                self.counts.batch_files += 1;
                self.findings.extend(findings);
                self.take_batch(&statement, digest, file, !is_head);
            }
            Piece::Status { statement, digest, findings } => {
                self.counts.status_files += 1;
                self.findings.extend(findings);
                self.take_status(&statement, digest, file);
            }
            Piece::Faulty { finding, claim } => {
                self.counts.faulty_files += 1;
                self.findings.push(*finding);
                if let Some((key, seq)) = claim {
                    self.claims.entry(*key).or_default().insert(seq);
                }
            }
            Piece::Epoch(act) => {
                *self.counts.other_kinds.entry(Kind::Act.name()).or_default() += 1;
                if let Act { link, zone, deed: Deed::NewEpoch { epoch, epoch_id, ended }, .. } = *act {
                    self.epochs.push(KeptEpoch { link, zone, epoch, epoch_id, ended, file });
                }
            }
            Piece::Other(kind) => *self.counts.other_kinds.entry(kind.name()).or_default() += 1,
            Piece::Foreign => self.counts.foreign_files += 1,
        }
    }

    fn take_batch(&mut self, statement: &BatchStatement, digest: Digest, file: u32, whole: bool) {
        let key = StreamKey::of(statement);
        for mark in &statement.requires {
            self.witness(&key.link, &key.from, &key.to, mark, Witness { kind: WitnessKind::Required, file });
        }
        let stream = self.streams.entry(key).or_default();
        if *stream.epoch_id.get_or_insert(statement.epoch_id) != statement.epoch_id {
            stream.other_epoch_ids.push((statement.seq, file));
        }
        if let Some(supersedes) = &statement.supersedes {
            stream.superseding.batch(digest, statement.group.first, supersedes);
        }
        let kept = Kept {
            seq: statement.seq,
            digest,
            chain: statement.chain_digest(digest),
            previous: statement.previous,
            audit: statement.audit,
            group_first: statement.group.first,
            group_last: statement.group.last,
            file,
            whole,
        };
        match stream.batches.get_mut(&statement.seq) {
            None => {
                stream.batches.insert(statement.seq, kept);
                add(&mut stream.tables, &statement.tables);
                stream.marks.remove(&(statement.seq, digest));
            }
            Some(first) if first.digest == digest => {
                first.whole |= whole;
                self.counts.copies += 1;
            }
            Some(_) if stream.others.iter().any(|other| other.digest == digest) => self.counts.copies += 1,
            Some(_) => stream.others.push(kept),
        }
    }

    fn take_status(&mut self, statement: &StatusStatement, digest: Digest, file: u32) {
        let (link, from, to) = (&statement.link, &statement.from, &statement.to);
        for mark in statement.received.iter().chain(&statement.superseded) {
            self.witness(link, to, from, mark, Witness { kind: WitnessKind::Received, file });
        }
        for mark in statement.received.iter().filter(|mark| mark.epoch > 0) {
            let of_life = |it: &&Mark| it.stream == mark.stream && it.epoch == mark.epoch;
            let last = statement.superseded.iter().find(of_life);
            let stream = self.streams.entry(StreamKey::of_mark(link, to, from, mark)).or_default();
            stream.superseding.status(statement.number, mark, last);
        }
        for mark in &statement.sent {
            self.witness(link, from, to, mark, Witness { kind: WitnessKind::Sent, file });
        }
        let received = statement.received.iter().map(|mark| (mark, false));
        let marks = received.chain(statement.sent.iter().map(|mark| (mark, true)));
        let marks: Vec<StatusMark> = marks.map(|(mark, sent)| short(&mut self.names, mark, sent)).collect();
        let kept = KeptStatus {
            number: statement.number,
            digest,
            boot: statement.boot,
            audit: statement.audit,
            witness: statement.witness,
            echo: statement.echo.map(|echo| (echo.boot, echo.number)),
            marks: marks.into_boxed_slice(),
            file,
        };
        let speaker = Speaker { link: link.clone(), from: from.clone(), to: to.clone() };
        self.statuses.entry(speaker).or_default().entry(statement.instance).or_default().push(kept);
    }

    /// Notes that a batch is said to be at a place. What a batch that was met already confirms is not kept.
    fn witness(&mut self, link: &LinkId, from: &ZoneName, to: &ZoneName, mark: &Mark, witness: Witness) {
        if mark.epoch == 0 {
            return;
        }
        let stream = self.streams.entry(StreamKey::of_mark(link, from, to, mark)).or_default();
        if stream.highest.is_none_or(|(seq, _)| seq < mark.seq) {
            stream.highest = Some((mark.seq, witness));
        }
        let is_applied = witness.kind == WitnessKind::Received;
        if is_applied && stream.highest_applied.is_none_or(|(seq, _)| seq < mark.seq) {
            stream.highest_applied = Some((mark.seq, witness));
        }
        if stream.batches.get(&mark.seq).is_none_or(|kept| kept.digest != mark.digest) {
            let first = stream.marks.entry((mark.seq, mark.digest)).or_insert(witness);
            *first = witness.min(*first);
        }
    }
}

/// Adds a statement's counts and totals to sums.
pub fn add(sums: &mut Tables, tables: &[TableSummary]) {
    for table in tables {
        let sum = sum_of(sums, table);
        sum.inserts = sum.inserts.saturating_add(table.inserts);
        sum.updates = sum.updates.saturating_add(table.updates);
        sum.deletes = sum.deletes.saturating_add(table.deletes);
        for (column, total) in &table.totals {
            let slot = sum.totals.entry(column.clone()).or_default();
            *slot = slot.saturating_add(*total);
        }
    }
}

/// Takes away what [`add`] added.
pub fn subtract(sums: &mut Tables, tables: &[TableSummary]) {
    for table in tables {
        let sum = sum_of(sums, table);
        sum.inserts = sum.inserts.saturating_sub(table.inserts);
        sum.updates = sum.updates.saturating_sub(table.updates);
        sum.deletes = sum.deletes.saturating_sub(table.deletes);
        for (column, total) in &table.totals {
            let slot = sum.totals.entry(column.clone()).or_default();
            *slot = slot.saturating_sub(*total);
        }
    }
}

fn sum_of<'a>(sums: &'a mut Tables, table: &TableSummary) -> &'a mut TableSummary {
    sums.entry(table.name.clone()).or_insert_with(|| TableSummary { name: table.name.clone(), ..Default::default() })
}

fn short(names: &mut Vec<StreamName>, mark: &Mark, sent: bool) -> StatusMark {
    let index = names.iter().position(|name| *name == mark.stream).unwrap_or_else(|| {
        names.push(mark.stream.clone());
        names.len() - 1
    });
    StatusMark {
        stream: u32::try_from(index).expect("fewer than 2^32 stream names lie in memory"),
        epoch: u32::try_from(mark.epoch).expect("the format bounds epochs by eight digits"),
        seq: mark.seq,
        sent,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_receiver_says_what_of_a_life_was_applied() {
        let (link, from, to): (LinkId, ZoneName, ZoneName) =
            ("gap".parse().unwrap(), "outer".parse().unwrap(), "inner".parse().unwrap());
        let mut evidence = Evidence::default();
        let mut says = |kind, seq| {
            let mark = Mark { stream: "notice".parse().unwrap(), epoch: 1, seq, digest: Digest([1; 32]) };
            evidence.witness(&link, &from, &to, &mark, Witness { kind, file: 0 });
            let stream = evidence.streams.values().next().unwrap();
            (stream.highest.map(|(seq, _)| seq), stream.highest_applied.map(|(seq, _)| seq))
        };
        assert_eq!(says(WitnessKind::Sent, 3), (Some(3), None));
        assert_eq!(says(WitnessKind::Required, 5), (Some(5), None));
        assert_eq!(says(WitnessKind::Received, 2), (Some(5), Some(2)));
    }
}
