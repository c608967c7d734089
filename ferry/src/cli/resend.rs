//! `ferry resend`: asks the daemon to publish batches again at once.

use clap::Args;
use ferry_core::ports::Direction;
use ferry_format::StreamName;
use serde_json::json;

use super::Context;
use super::desk::{Desk, unread};
use super::output::Output;
use super::place;
use crate::lang::Text;
use crate::store::BatchQuery;
use crate::{ExitCode, Fault, Lang, text};

/// The arguments of `ferry resend`.
#[derive(Debug, Args)]
pub struct ResendArgs {
    /// A stream that this zone sends
    #[arg(value_name = "STREAM")]
    pub stream: StreamName,
    /// One seq or a range A-B; without it everything that is not known to be applied
    #[arg(value_name = "SEQ|A-B", value_parser = range)]
    pub range: Option<Range>,
}

/// An inclusive range of seqs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    first: u64,
    last: u64,
}

/// A stream with more unapplied batches than that is asked for in several requests.
const BATCHES_MAX: u64 = 100_000;

/// Writes the request.
///
/// # Errors
/// When the stream is not this zone's to send, or nothing unapplied is in the range.
pub fn run(args: ResendArgs, context: &Context) -> Result<Output, Fault> {
    let desk = Desk::open(context)?;
    if place::at(&desk, &args.stream, 0)?.direction == Direction::In {
        return Err(not_own(&args.stream));
    }
    let query = BatchQuery {
        direction: Direction::Out,
        stream: Some(args.stream.clone()),
        unsettled: true,
        limit: BATCHES_MAX,
    };
    let mut seqs: Vec<u64> = desk.books.batches(&query).map_err(unread)?.iter().map(|row| row.seq).collect();
    seqs.retain(|seq| args.range.is_none_or(|range| (range.first..=range.last).contains(seq)));
    let (Some(first), Some(last)) = (seqs.iter().min().copied(), seqs.iter().max().copied()) else {
        return Err(nothing_unapplied(&args.stream));
    };
    let by = format!("uid {}", rustix::process::getuid().as_raw());
    let books = &desk.books;
    let id = books.add_resend_request(&args.stream, first, last, &by, context.now_ms).map_err(unread)?;
    let (stream, count) = (&args.stream, seqs.len());
    let human = match context.lang {
        Lang::En => format!(
            "request {id}: {count} batches of {stream} (seq {first} to {last}) are sent again as soon as the daemon \
             reads it\n`ferry queue {stream}` shows the request until it is carried out\n"
        ),
        Lang::Zh => format!(
            "请求 {id}：流 {stream} 的 {count} 个批次（序号 {first} 至 {last}）将在守护进程读到后立即重发\n\
             在执行之前，`ferry queue {stream}` 会显示该请求\n"
        ),
    };
    let document = json!({ "request": id, "stream": stream.as_str(), "first": first, "last": last, "batches": count });
    Ok(Output::new(human, document))
}

fn range(text: &str) -> Result<Range, String> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    match (first.parse::<u64>(), last.parse::<u64>()) {
        (Ok(first), Ok(last)) if 1 <= first && first <= last => Ok(Range { first, last }),
        (Ok(_) | Err(_), Ok(_) | Err(_)) => Err("SEQ or A-B, from 1".to_owned()),
    }
}

fn not_own(stream: &StreamName) -> Fault {
    Fault::new(
        "not-own-stream",
        ExitCode::Refused,
        text!("stream {stream} is sent by the peer, not by this zone", "流 {stream} 由对端发送，不由本区发送"),
        Text::fixed(
            "what is missing here is reported to the peer by itself; its operator can run the same command there",
            "此处缺失的内容会自动报告给对端；也可由对端操作员在那边运行同一命令",
        ),
    )
}

fn nothing_unapplied(stream: &StreamName) -> Fault {
    Fault::new(
        "nothing-unapplied",
        ExitCode::Refused,
        text!(
            "no recorded batch of {stream} in that range still waits to be applied",
            "该范围内流 {stream} 没有已登记而未应用的批次"
        ),
        text!("`ferry queue {stream}` lists the batches that wait", "`ferry queue {stream}` 列出等待中的批次"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_one_seq_or_two() {
        assert_eq!(range("7"), Ok(Range { first: 7, last: 7 }));
        assert_eq!(range("7-9"), Ok(Range { first: 7, last: 9 }));
        for wrong in ["", "0", "9-7", "a", "1-", "-1", "1-2-3"] {
            assert!(range(wrong).is_err(), "{wrong}");
        }
    }
}
