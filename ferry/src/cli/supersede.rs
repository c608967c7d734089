//! `ferry supersede`: other batches take the place of a group that its receiver refuses.

use std::collections::BTreeSet;

use clap::{Args, ValueEnum};
use ferry_core::contract::StreamContract;
use ferry_core::ports::{BatchId, Direction, Sealer as _, Side, Spool as _};
use ferry_format::limits::SUPERSEDED_MAX;
use ferry_format::{Deed, Digest, Op, Payload, StreamName, parse_record, write_value};

use super::acting::{ActArgs, act};
use super::desk::{Desk, unread};
use super::output::Output;
use super::{Context, place};
use crate::files::SpoolDirectories;
use crate::keyring::{FerrySealer, OsEntropy, credentials_directory};
use crate::lang::Text;
use crate::store::{BatchQuery, BatchRow, RowKey};
use crate::{ExitCode, Fault, Lang, text};

/// The arguments of `ferry supersede`.
#[derive(Debug, Args)]
pub struct SupersedeArgs {
    /// A stream that this zone sends
    #[arg(value_name = "STREAM")]
    pub stream: StreamName,
    /// Any batch of the group
    #[arg(value_name = "SEQ")]
    pub seq: u64,
    /// What takes the place of the group's rows
    #[arg(long, value_enum)]
    pub with: With,
    /// Reason and signatures.
    #[command(flatten)]
    pub act: ActArgs,
}

/// What takes the place of a group's rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum With {
    /// Nothing: the peer keeps what it has, and later batches go on
    Void,
    /// The same rows as they stand in the tables now
    Current,
}

/// More unapplied batches than that are not looked through for the group.
const BATCHES_MAX: u64 = 100_000;

/// Prepares what is to take the place of the group, and hands the act in.
///
/// # Errors
/// When there is no such group that is not applied, its rows cannot be read, or the act is turned away.
pub fn run(args: &SupersedeArgs, context: &Context) -> Result<Output, Fault> {
    let desk = Desk::open(context)?;
    place::at(&desk, &args.stream, 0)?;
    let group = group(&desk, &args.stream, args.seq)?;
    let (contract, _) = crate::config::load_contract(&desk.config.contract)?;
    let contract = contract.stream(&args.stream).ok_or_else(|| place::no_stream(&args.stream))?;
    let lines = match args.with {
        With::Void => vec![Vec::new(); group.len()],
        With::Current => current(&desk, contract, &group)?,
    };
    let mut payloads = Vec::new();
    for lines in &lines {
        let mut payload = Payload::new(OsEntropy::new().fresh().map_err(Fault::internal)?);
        for line in lines {
            payload.push(line.as_bytes()).map_err(Fault::internal)?;
        }
        payloads.push(payload);
    }
    desk.books.leave_drafts(&payloads, context.now_ms).map_err(unread)?;
    let deed = deed(&desk, contract, &group, &payloads)?;
    let rows: usize = lines.iter().map(Vec::len).sum();
    let before: u64 = group.iter().map(|row| row.rows).sum();
    let (first, last) = (group[0].seq, group[group.len() - 1].seq);
    let told = match context.lang {
        Lang::En => format!("{rows} rows are to take the place of {before} in seq {first} to {last}\n"),
        Lang::Zh => format!("将以 {rows} 行取代序号 {first} 至 {last} 中的 {before} 行\n"),
    };
    let mut output = act(&desk, deed, &args.act, context)?;
    output.human.insert_str(0, &told);
    Ok(output)
}

/// The batches of the group, in order of seq.
fn group(desk: &Desk, stream: &StreamName, seq: u64) -> Result<Vec<BatchRow>, Fault> {
    let query =
        BatchQuery { direction: Direction::Out, stream: Some(stream.clone()), unsettled: true, limit: BATCHES_MAX };
    let mut rows = desk.books.batches(&query).map_err(unread)?;
    rows.sort_by_key(|row| row.seq);
    let first = rows.iter().find(|row| row.seq == seq).and_then(|row| Some(row.group?.first));
    let first = first.ok_or_else(|| {
        Fault::new(
            "no-such-open-group",
            ExitCode::Refused,
            text!(
                "batch {stream}/{seq} is not one of this zone's that waits to be applied",
                "批次 {stream}/{seq} 不是本区等待应用的批次"
            ),
            text!("`ferry queue {stream}` lists the batches that wait", "`ferry queue {stream}` 列出等待中的批次"),
        )
    })?;
    rows.retain(|row| row.group.is_some_and(|group| group.first == first));
    Ok(rows)
}

fn deed(desk: &Desk, contract: &StreamContract, group: &[BatchRow], payloads: &[Payload]) -> Result<Deed, Fault> {
    let stream = &contract.name;
    let epoch_id = desk.books.epoch_id(stream).map_err(unread)?.ok_or_else(|| place::no_stream(stream))?;
    let mut generations: Vec<Vec<Digest>> = vec![group.iter().map(|row| row.digest).collect()];
    for row in group {
        let later = desk.books.superseding(stream, row.epoch, row.seq).map_err(unread)?;
        for (index, digest) in later.into_iter().enumerate() {
            if generations.len() < index + 2 {
                generations.push(Vec::new());
            }
            generations[index + 1].push(digest);
        }
    }
    let old = generations.concat();
    if old.len() > SUPERSEDED_MAX {
        return Err(too_many(old.len()));
    }
    Ok(Deed::Supersede {
        stream: stream.clone(),
        epoch: group[0].epoch,
        epoch_id,
        contract: contract.digest,
        first: group[0].seq,
        old,
        new: payloads.iter().map(|payload| payload.plain().sm3).collect(),
    })
}

/// The rows that each batch was about, as they stand in the tables now.
fn current(desk: &Desk, contract: &StreamContract, group: &[BatchRow]) -> Result<Vec<Vec<String>>, Fault> {
    let spool = SpoolDirectories::new(&desk.config);
    let sealer = FerrySealer::open(&desk.config, credentials_directory().as_deref())?;
    let mut keys = Vec::new();
    for row in group {
        let id = BatchId { stream: row.stream.clone(), epoch: row.epoch, seq: row.seq, digest: row.digest };
        let bytes = spool.get(Side::Out, &id).map_err(|error| unreadable(row, &error.to_string()))?;
        let batch = sealer.open_own(&bytes).map_err(|error| unreadable(row, &error.to_string()))?;
        let mut of_batch: BTreeSet<RowKey> = BTreeSet::new();
        for line in batch.records() {
            let of = || unreadable(row, "a row is not of the contract");
            of_batch.insert(key(contract, line).ok_or_else(of)?);
        }
        keys.push(of_batch.into_iter().collect());
    }
    desk.books.current_rows(contract, &keys).map_err(unread)
}

/// Which row a record is about.
fn key(contract: &StreamContract, line: &[u8]) -> Option<RowKey> {
    let record = parse_record(line).ok()?;
    let table = contract.tables.iter().position(|table| table.name == record.table)?;
    let mut text = vec![b'['];
    let positions: Vec<usize> = match record.op {
        Op::Delete => (0..contract.tables[table].key.len()).collect(),
        Op::Insert | Op::Update => contract.tables[table].key.clone(),
    };
    for (place, position) in positions.into_iter().enumerate() {
        if place > 0 {
            text.push(b',');
        }
        write_value(&mut text, record.values.get(position)?);
    }
    text.push(b']');
    Some(RowKey { table, key: String::from_utf8(text).ok()? })
}

fn too_many(digests: usize) -> Fault {
    Fault::new(
        "supersede-too-large",
        ExitCode::Refused,
        text!(
            "one act names {SUPERSEDED_MAX} batches at most, and this group has {digests} with what took its place before",
            "一项操作最多指明 {SUPERSEDED_MAX} 个批次，而该组连同此前取代它的批次共有 {digests} 个"
        ),
        Text::fixed(
            "mend the cause in the receiving zone, then `ferry quarantine retry` there",
            "请在接收区排除原因，然后在该区运行 `ferry quarantine retry`",
        ),
    )
}

fn unreadable(row: &BatchRow, why: &str) -> Fault {
    let (stream, seq) = (&row.stream, row.seq);
    Fault::new(
        "batch-unreadable",
        ExitCode::Corrupt,
        text!("batch {stream}/{seq} cannot be read: {why}", "无法读取批次 {stream}/{seq}：{why}"),
        Text::fixed(
            "let nothing take its place (--with void), and compare the tables afterwards",
            "请用 --with void 以空内容取代，之后比对数据表",
        ),
    )
}
