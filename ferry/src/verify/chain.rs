//! The batches of one stream: no holes, each follows on the one before it, groups fit, one statement a place.

use std::collections::{BTreeMap, BTreeSet};

use ferry_format::{Digest, TrustStore, genesis};

use super::evidence::{Kept, KeptEpoch, StreamEvidence, StreamKey};
use super::finding::{Finding, FindingCode};
use super::standing::Applied;
use super::walk::Files;
use crate::text;

/// The epoch that begins with a zone; every later one begins with an act.
const FIRST_EPOCH: u64 = 1;

/// One stream, judged.
#[derive(Debug, Default)]
pub struct Chain<'a> {
    /// The batch that counts at each place, in order of seq.
    pub batches: Vec<&'a Kept>,
    /// Batches that do not count: a verified statement supersedes them, or they came too late to supersede another one.
    pub superseded: Vec<&'a Kept>,
    /// At how many places with such batches no status of the receiver tells which one it applied.
    pub untold: u64,
    /// Every batch from the first to this seq is there and follows on the one before it.
    pub proven_to: Option<u64>,
}

impl Chain<'_> {
    /// The batch that counts at a place.
    pub fn at(&self, seq: u64) -> Option<&Kept> {
        self.batches.binary_search_by_key(&seq, |kept| kept.seq).ok().map(|index| self.batches[index])
    }
}

/// What one stream is judged by.
pub struct Bench<'a> {
    pub key: &'a StreamKey,
    pub stream: &'a StreamEvidence,
    pub files: &'a Files,
    /// Places claimed by files that did not verify.
    pub claims: Option<&'a BTreeSet<u64>>,
    pub trust: &'a TrustStore,
    /// Epochs that two operators began.
    pub epochs: &'a [KeptEpoch],
    pub partial: bool,
}

impl<'a> Bench<'a> {
    /// Judges the stream and appends its faults.
    pub fn judge(&self, findings: &mut Vec<Finding>) -> Chain<'a> {
        let mut chain = self.choose(findings);
        for (seq, file) in &self.stream.other_epoch_ids {
            let message = text!(
                "its epoch id is not the one of the first batch of this epoch that was met",
                "其纪元标识与该纪元中首个批次的标识不同"
            );
            findings.push(self.finding(FindingCode::TwoEpochs, *seq, *seq, Some(*file), message));
        }
        self.holes(&chain.batches, findings);
        let broken = self.breaks(&chain.batches, findings);
        self.groups(&chain.batches, findings);
        chain.proven_to = proven_to(&chain.batches, broken);
        findings.extend(self.without_act(&chain));
        findings.extend(self.ended_by().filter_map(|act| self.ended_elsewhere(&chain, act)));
        chain
    }

    /// The acts that ended this life.
    pub fn ended_by(&self) -> impl Iterator<Item = &'a KeptEpoch> {
        let key = self.key;
        self.epochs.iter().filter(move |act| act.is_of(key) && act.ended.epoch == key.epoch)
    }

    /// A life above the first is good only with the act that began it.
    fn without_act(&self, chain: &Chain<'_>) -> Option<Finding> {
        let key = self.key;
        let first = chain.batches.first();
        if key.epoch == FIRST_EPOCH || self.partial || first.is_none() && self.stream.highest.is_none() {
            return None;
        }
        let begins = |act: &KeptEpoch| act.is_of(key) && act.epoch == key.epoch;
        let is_meant = |act: &KeptEpoch| self.stream.epoch_id.is_none_or(|id| id == act.epoch_id);
        if self.epochs.iter().any(|act| begins(act) && is_meant(act)) {
            return None;
        }
        let (number, seq) = (key.epoch, first.map_or(0, |kept| kept.seq));
        let message = text!(
            "no act by which two operators began epoch {number} with this id is among the files",
            "文件中没有两名操作员以此标识开始纪元 {number} 的操作"
        );
        let file = first.map(|kept| kept.file).or(self.stream.highest.map(|(_, witness)| witness.file));
        Some(self.finding(FindingCode::EpochWithoutAct, seq, seq, file, message))
    }

    /// An act that ended this life names a batch that another one stands for.
    fn ended_elsewhere(&self, chain: &Chain<'_>, act: &KeptEpoch) -> Option<Finding> {
        let ended = &act.ended;
        let there = match ended.seq {
            0 => self.genesis()?,
            seq => chain.at(seq)?.chain,
        };
        if there == ended.digest {
            return None;
        }
        let (named, there) = (ended.digest.short(), there.short());
        let message = text!(
            "the act that ended this epoch names {named} as its last batch here, but the batch is {there}",
            "结束该纪元的操作称此处最后批次为 {named}，而此处的批次为 {there}"
        );
        Some(self.finding(FindingCode::DigestConflict, ended.seq, ended.seq, Some(act.file), message))
    }

    /// Which batch counts at each place.
    fn choose(&self, findings: &mut Vec<Finding>) -> Chain<'a> {
        let mut others: BTreeMap<u64, Vec<&'a Kept>> = BTreeMap::new();
        for other in &self.stream.others {
            others.entry(other.seq).or_default().push(other);
        }
        let mut chain = Chain { batches: Vec::with_capacity(self.stream.batches.len()), ..Chain::default() };
        for (seq, first) in &self.stream.batches {
            let more = others.get(seq).into_iter().flatten().copied();
            let there: Vec<&'a Kept> = [first].into_iter().chain(more).collect();
            self.choose_at(*seq, &there, &mut chain, findings);
        }
        chain
    }

    fn choose_at(&self, seq: u64, there: &[&'a Kept], chain: &mut Chain<'a>, findings: &mut Vec<Finding>) {
        let superseding = &self.stream.superseding;
        let applied = if superseding.is_empty() { Applied::Untold } else { superseding.applied(seq) };
        let mut chosen = there.iter().copied().find(|kept| superseding.is_applied(kept, applied));
        let is_told = chosen.is_some();
        let counts = |kept: &Kept, chosen: Option<&Kept>| {
            chosen.is_some_and(|it| it.digest == kept.digest) || !superseding.is_superseded(&kept.digest)
        };
        for kept in there.iter().copied() {
            match chosen {
                _ if !counts(kept, chosen) => chain.superseded.push(kept),
                None => chosen = Some(kept),
                Some(it) if it.digest == kept.digest => {}
                Some(it) if is_told && superseding.came_for(kept, it) => chain.superseded.push(kept),
                Some(it) => findings.push(self.two_statements(it, kept)),
            }
        }
        if applied == Applied::First
            && !is_told
            && let Some(late) = chosen
        {
            findings.push(self.first_is_missing(late));
        }
        let is_open = applied == Applied::Untold;
        chain.untold += u64::from(is_open && chain.superseded.last().is_some_and(|kept| kept.seq == seq));
        chain.batches.extend(chosen);
    }

    fn first_is_missing(&self, late: &Kept) -> Finding {
        let message = text!(
            "the receiver's status says that it applied the batch that stood here first, but only one that came too late to \
             supersede it is here",
            "接收方状态文件称该位置应用的是最初的批次，而此处只有后到、未能取代它的批次"
        );
        self.finding(FindingCode::DigestConflict, late.seq, late.seq, Some(late.file), message)
    }

    fn two_statements(&self, first: &Kept, second: &Kept) -> Finding {
        let (one, other) = (first.digest.short(), second.digest.short());
        let file = self.files.shown(first.file);
        let message = text!(
            "two different statements are signed for this place: {one} in {file}, and {other} here",
            "该位置有两份不同的已签名声明：{file} 中为 {one}，此处为 {other}"
        );
        self.finding(FindingCode::TwoStatements, second.seq, second.seq, Some(second.file), message)
    }

    fn holes(&self, batches: &[&Kept], findings: &mut Vec<Finding>) {
        let mut expected = match batches.first() {
            Some(first) if self.partial => first.seq,
            Some(_) | None => 1,
        };
        for kept in batches {
            if kept.seq > expected {
                findings.push(self.hole(expected, kept.seq - 1, kept));
            }
            expected = kept.seq + 1;
        }
    }

    fn hole(&self, first: u64, last: u64, after: &Kept) -> Finding {
        let count = last - first + 1;
        let mut message = text!(
            "batches missing before this one: {count} (seq {first} to {last})",
            "此批次之前缺少 {count} 个批次（序号 {first} 至 {last}）"
        );
        let claimed = self.claims.map_or(0, |claims| claims.range(first..=last).count());
        if claimed > 0 {
            message = text!(
                "batches missing before this one: {count} (seq {first} to {last}); for {claimed} of them there is a file, \
                 but it did not verify",
                "此批次之前缺少 {count} 个批次（序号 {first} 至 {last}）；其中 {claimed} 个有文件，但未通过核验"
            );
        }
        self.finding(FindingCode::MissingSeq, first, last, Some(after.file), message)
    }

    /// Appends every break of the chain and returns the first seq that does not follow.
    fn breaks(&self, batches: &[&Kept], findings: &mut Vec<Finding>) -> Option<u64> {
        let mut first_break = None;
        let mut before: Option<&Kept> = None;
        for kept in batches {
            let expected = match before {
                Some(before) if before.seq + 1 == kept.seq => Some(before.chain),
                None if kept.seq == 1 => self.genesis(),
                Some(_) | None => None,
            };
            if let Some(expected) = expected
                && expected != kept.previous
            {
                first_break = first_break.or(Some(kept.seq));
                findings.push(self.broken(kept, expected));
            }
            before = Some(kept);
        }
        first_break
    }

    fn broken(&self, kept: &Kept, expected: Digest) -> Finding {
        let (named, expected) = (kept.previous.short(), expected.short());
        let message = if kept.seq == 1 {
            text!(
                "it names {named} before it, but the first batch of this epoch follows on {expected}",
                "它所指的前一摘要为 {named}，而该纪元首个批次应接在 {expected} 之后"
            )
        } else {
            text!(
                "it follows on a batch {named}, but the one before it is {expected}",
                "它接在批次 {named} 之后，而前一批次实为 {expected}"
            )
        };
        self.finding(FindingCode::BrokenChain, kept.seq, kept.seq, Some(kept.file), message)
    }

    fn groups(&self, batches: &[&Kept], findings: &mut Vec<Finding>) {
        for pair in batches.windows(2) {
            let (before, kept) = (pair[0], pair[1]);
            if before.seq + 1 != kept.seq {
                continue;
            }
            let expected = if before.group_last { kept.seq } else { before.group_first };
            if kept.group_first != expected {
                let (says, before_says) = (kept.group_first, expected);
                let message = text!(
                    "its group begins at seq {says}, but by the batch before it that should be seq {before_says}",
                    "其所属组始于序号 {says}，而按前一批次应始于序号 {before_says}"
                );
                findings.push(self.finding(FindingCode::BrokenGroup, kept.seq, kept.seq, Some(kept.file), message));
            }
        }
    }

    /// The digest at seq 0, as far as an epoch id is known.
    pub fn genesis(&self) -> Option<Digest> {
        let key = self.key;
        let id = self.stream.epoch_id?;
        Some(genesis(&key.link, &key.from, &key.to, &key.stream, key.epoch, id))
    }

    /// A fault of this stream.
    pub fn finding(
        &self,
        code: FindingCode,
        first: u64,
        last: u64,
        file: Option<u32>,
        message: crate::Text,
    ) -> Finding {
        let place = self.key.place(first, last);
        Finding::new(code, file.map(|file| self.files.shown(file)), place, message)
    }
}

/// The last seq of the unbroken run that begins with the first batch.
fn proven_to(batches: &[&Kept], broken: Option<u64>) -> Option<u64> {
    let mut proven = None;
    for kept in batches {
        if Some(kept.seq) == broken || proven.is_some_and(|proven| proven + 1 != kept.seq) {
            break;
        }
        proven = Some(kept.seq);
    }
    proven
}
