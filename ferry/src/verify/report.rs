//! The judgement over all files together, and what it found.

use std::collections::BTreeMap;

use ferry_core::ranges;
use ferry_format::{Digest, Instance, KeyId, LinkId, SeqRange, TableSummary, ZoneName};

use super::audit;
use super::chain::{Bench, Chain};
use super::evidence::{Evidence, Kept, KeptEpoch, Speaker, StreamEvidence, StreamKey, Tables, add, subtract};
use super::finding::Finding;
use super::read::{Piece, Reader};
use super::statuses::Court;
use super::walk::Files;
use super::{Request, marks};
use crate::lang::Text;
use crate::text;

/// What a verification found.
#[derive(Debug)]
pub struct Report {
    /// Every fault: file by file, then stream by stream.
    pub findings: Vec<Finding>,
    /// Every stream of which there is evidence.
    pub streams: Vec<StreamLine>,
    /// Every database that a status speaks for.
    pub statuses: Vec<StatusLine>,
    /// How many files were what.
    pub counts: Counts,
    /// The keys whose signatures counted.
    pub keys: Vec<KeyLine>,
    /// What was checked, a sentence each.
    pub checked: Vec<Text>,
    /// What was not checked, a sentence each.
    pub not_checked: Vec<Text>,
}

/// How many files were what.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Files with a proven batch.
    pub batch_files: u64,
    /// Of these, further copies or attempts of a batch that was met before.
    pub copies: u64,
    /// Files with a proven status.
    pub status_files: u64,
    /// Files of ours that prove nothing.
    pub faulty_files: u64,
    /// Other signed objects by kind; they are not looked into.
    pub other_kinds: BTreeMap<&'static str, u64>,
    /// Files that are not ours.
    pub foreign_files: u64,
    /// Links to directories, devices and the like.
    pub special_files: u64,
}

/// One life of one stream.
#[derive(Debug, Clone)]
pub struct StreamLine {
    /// The link.
    pub link: LinkId,
    /// The sending zone.
    pub from: ZoneName,
    /// The receiving zone.
    pub to: ZoneName,
    /// The stream and its epoch.
    pub stream: String,
    /// The epoch.
    pub epoch: u64,
    /// How many batches count.
    pub batches: u64,
    /// How many batches do not count, because another one at their place does: they were superseded, or came too late to
    /// supersede what was applied.
    pub superseded: u64,
    /// At how many places with such batches no status of the receiver tells which one it applied.
    pub superseded_untold: u64,
    /// The first seq that is there.
    pub first_seq: Option<u64>,
    /// The last seq that is there.
    pub last_seq: Option<u64>,
    /// The last seq up to which every batch is there and follows on the one before it.
    pub proven_to: Option<u64>,
    /// The highest seq that any signed file speaks of.
    pub witnessed_to: Option<u64>,
    /// The statement digest at `last_seq`.
    pub last_digest: Option<Digest>,
    /// Whether the last group is whole.
    pub last_group_whole: bool,
    /// Batches of which only heads are here, as `1-7,9`: what was stated is proven, and not that the rows were that.
    pub heads: String,
    /// Counts and totals as stated, by table.
    pub tables: Vec<TableSummary>,
}

/// The statuses of one database.
#[derive(Debug, Clone)]
pub struct StatusLine {
    /// The link.
    pub link: LinkId,
    /// The zone that speaks.
    pub from: ZoneName,
    /// The zone that is spoken to.
    pub to: ZoneName,
    /// The speaker's database.
    pub instance: Instance,
    /// How many different ones there are.
    pub statuses: u64,
    /// The lowest number.
    pub first_number: u64,
    /// The highest number.
    pub last_number: u64,
}

/// A key whose signatures counted.
#[derive(Debug, Clone)]
pub struct KeyLine {
    /// The link.
    pub link: LinkId,
    /// The zone.
    pub zone: ZoneName,
    /// The id of the signing key.
    pub key: KeyId,
    /// The fingerprint of the card.
    pub fingerprint: Digest,
}

/// Judges all evidence together.
pub fn conclude(request: &Request<'_>, files: &Files, reader: &Reader<'_>, mut evidence: Evidence) -> Report {
    let mut findings = std::mem::take(&mut evidence.findings);
    findings.extend(files.unreadable.iter().cloned());
    let mut streams = Vec::new();
    let epochs = begun(&evidence);
    for (key, stream) in &evidence.streams {
        let claims = evidence.claims.get(key);
        let (trust, epochs, partial) = (request.trust, epochs.as_slice(), request.partial);
        let bench = Bench { key, stream, files, claims, trust, epochs, partial };
        let chain = bench.judge(&mut findings);
        marks::judge(&bench, &chain, &mut findings);
        if stream.highest.is_some_and(|(seq, _)| seq > 0) || !stream.batches.is_empty() {
            let tables = corrected(stream, &chain, files, reader);
            streams.push(stream_line(key, stream, &chain, tables));
        }
    }
    let statuses = judge_statuses(&mut evidence, files, &mut findings);
    let unclear = audit::judge(&evidence, files, &mut findings);
    let mut counts = evidence.counts;
    counts.special_files = files.special;
    let not_checked = not_checked(request, &streams, &counts, &unclear);
    Report { findings, streams, statuses, counts, keys: keys(request), checked: checked(), not_checked }
}

/// Acts whose epochs have begun: an act that was signed and turned away ends nothing.
fn begun(evidence: &Evidence) -> Vec<KeptEpoch> {
    let has_begun = |act: &&KeptEpoch| {
        let mut streams = evidence.streams.iter().filter(|(key, _)| act.is_of(key) && key.epoch == act.epoch);
        streams.any(|(_, stream)| stream.epoch_id.is_none_or(|id| id == act.epoch_id))
    };
    evidence.epochs.iter().filter(has_begun).cloned().collect()
}

fn judge_statuses(evidence: &mut Evidence, files: &Files, findings: &mut Vec<Finding>) -> Vec<StatusLine> {
    let mut lines = Vec::new();
    let names = &evidence.names;
    for (speaker, instances) in &mut evidence.statuses {
        let court = Court { speaker, names, files };
        for (instance, statuses) in instances {
            let count = court.judge(statuses, findings);
            if let (Some(first), Some(last)) = (statuses.first(), statuses.last()) {
                lines.push(status_line(speaker, *instance, count as u64, (first.number, last.number)));
            }
        }
    }
    lines
}

fn status_line(speaker: &Speaker, instance: Instance, statuses: u64, numbers: (u64, u64)) -> StatusLine {
    StatusLine {
        link: speaker.link.clone(),
        from: speaker.from.clone(),
        to: speaker.to.clone(),
        instance,
        statuses,
        first_number: numbers.0,
        last_number: numbers.1,
    }
}

fn stream_line(key: &StreamKey, stream: &StreamEvidence, chain: &Chain<'_>, tables: Tables) -> StreamLine {
    let last = chain.batches.last();
    StreamLine {
        link: key.link.clone(),
        from: key.from.clone(),
        to: key.to.clone(),
        stream: key.stream.to_string(),
        epoch: key.epoch,
        batches: chain.batches.len() as u64,
        superseded: chain.superseded.len() as u64,
        superseded_untold: chain.untold,
        first_seq: chain.batches.first().map(|kept| kept.seq),
        last_seq: last.map(|kept| kept.seq),
        proven_to: chain.proven_to,
        witnessed_to: stream.highest.map(|(seq, _)| seq),
        last_digest: last.map(|kept| kept.digest),
        last_group_whole: last.is_none_or(|kept| kept.group_last),
        heads: heads(chain),
        tables: tables.into_values().collect(),
    }
}

/// The places of which only heads are here.
fn heads(chain: &Chain<'_>) -> String {
    let mut found: Vec<SeqRange> = Vec::new();
    for seq in chain.batches.iter().filter(|kept| !kept.whole).map(|kept| kept.seq) {
        match found.last_mut().filter(|range| range.last + 1 == seq) {
            Some(range) => range.last = seq,
            None => found.push(SeqRange { first: seq, last: seq }),
        }
    }
    ranges::text(&found)
}

/// The sums over the batches that count. They were added up over the first statement of each place, so where another
/// one counts, both files are read again.
fn corrected(stream: &StreamEvidence, chain: &Chain<'_>, files: &Files, reader: &Reader<'_>) -> Tables {
    let mut tables = stream.tables.clone();
    let counts = |kept: &Kept| chain.at(kept.seq).is_some_and(|one| one.digest == kept.digest);
    for first in stream.batches.values().filter(|first| !counts(first)) {
        subtract(&mut tables, &stated(first, files, reader));
    }
    for other in stream.others.iter().filter(|other| counts(other)) {
        add(&mut tables, &stated(other, files, reader));
    }
    tables
}

fn stated(kept: &Kept, files: &Files, reader: &Reader<'_>) -> Vec<TableSummary> {
    let index = usize::try_from(kept.file).expect("the file lies in memory");
    match reader.read(&files.path(index)) {
        Piece::Batch { statement, .. } => statement.tables,
        Piece::Status { .. } | Piece::Faulty { .. } | Piece::Epoch(_) | Piece::Other(_) | Piece::Foreign => Vec::new(),
    }
}

fn keys(request: &Request<'_>) -> Vec<KeyLine> {
    let entries = request.trust.entries().iter();
    let line = |entry: &ferry_format::TrustEntry| KeyLine {
        link: entry.link.clone(),
        zone: entry.zone.clone(),
        key: entry.sign.id(),
        fingerprint: entry.fingerprint,
    };
    entries.map(line).collect()
}

fn checked() -> Vec<Text> {
    vec![
        Text::fixed(
            "of every file: structure and exact length, signature by a trusted key, digest of every chunk that is there, name",
            "逐个文件：结构与精确长度、受信任密钥的签名、现存每个数据块的摘要、文件名",
        ),
        Text::fixed(
            "of every stream: holes, the chain of statements, groups, two statements for one place, requirements, the acts that \
             began its epochs",
            "逐条流：序列缺失、声明链、分组、同一位置的两份声明、跨流依赖、开始各纪元的操作",
        ),
        Text::fixed(
            "between files: places that statuses witness, missing tails, numbers of statuses, heads of audit logs",
            "文件之间：状态文件所证明的位置、末尾缺失、状态文件编号、审计日志头",
        ),
    ]
}

fn not_checked(request: &Request<'_>, streams: &[StreamLine], counts: &Counts, unclear: &[audit::Zone]) -> Vec<Text> {
    let mut said = vec![
        Text::fixed(
            "rows were not decrypted: counts and money totals are those that the sender stated and signed",
            "未解密行数据：行数与金额合计均为发送方声明并签名的数值",
        ),
        Text::fixed("of a faulty file only the first failed check is told", "有问题的文件只报告首个未通过的检查"),
        Text::fixed(
            "that a later head of an audit log contains an earlier one is not proven by heads alone",
            "仅凭审计日志头无法证明较晚的日志包含较早的日志",
        ),
    ];
    if streams.iter().any(|stream| !stream.heads.is_empty()) {
        said.push(Text::fixed(
            "where only the head of a batch is kept, its sealed rows are not there to be compared with their digests",
            "仅保留文件头的批次，其加密行数据已不在，无法与摘要核对",
        ));
    }
    let untold: u64 = streams.iter().map(|stream| stream.superseded_untold).sum();
    if untold > 0 {
        said.push(text!(
            "no status of the receiver tells which of two batches it applied, where one may have come too late to supersede \
             the other: {untold} such places, at each of which the later one was counted",
            "后到的取代批次可能已经太迟：有 {untold} 个位置，接收方的状态文件未说明应用的是哪一批，此处按较晚的批次计数"
        ));
    }
    if request.partial {
        said.push(Text::fixed(
            "what lies before the first and after the last batch of a stream was not looked for (--partial)",
            "未查找各流首批之前与末批之后的内容（--partial）",
        ));
    }
    if counts.foreign_files > 0 {
        let count = counts.foreign_files;
        said.push(text!("{count} files are not ours and were not looked into", "{count} 个文件不属于本系统，未检查"));
    }
    for (kind, count) in &counts.other_kinds {
        said.push(text!(
            "{count} signed objects of kind {kind} were not looked into",
            "{count} 个 {kind} 类签名对象未检查"
        ));
    }
    if counts.special_files > 0 {
        let count = counts.special_files;
        said.push(text!(
            "{count} links to directories, devices or sockets were not followed",
            "{count} 个指向目录的链接、设备或套接字未跟随"
        ));
    }
    for (link, zone) in unclear {
        said.push(text!(
            "zone {zone} on link {link} showed several databases, so heads of its audit log were compared only within its own statuses",
            "链路 {link} 的 {zone} 区出现过多个数据库，其审计日志头仅在其自身状态文件内比对"
        ));
    }
    said
}
