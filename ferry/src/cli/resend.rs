//! `ferry resend` and `ferry reseal`: batches are published again at once, as they are or sealed anew.

use clap::Args;
use ferry_core::ports::Direction;
use ferry_format::{ActRange, Deed, StreamName};

use super::acting::{ActArgs, act};
use super::desk::{Desk, unread};
use super::output::Output;
use super::{Context, place};
use crate::lang::Text;
use crate::store::BatchQuery;
use crate::{ExitCode, Fault, text};

/// The arguments of `ferry resend` and `ferry reseal`.
#[derive(Debug, Args)]
pub struct ResendArgs {
    /// A stream that this zone sends
    #[arg(value_name = "STREAM")]
    pub stream: StreamName,
    /// One seq or a range A-B; without it everything that is not known to be applied
    #[arg(value_name = "SEQ|A-B", value_parser = range)]
    pub range: Option<Range>,
    /// Reason and signatures.
    #[command(flatten)]
    pub act: ActArgs,
}

/// An inclusive range of seqs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// The first.
    pub first: u64,
    /// The last.
    pub last: u64,
}

/// A stream with more unapplied batches than that is asked for in several acts.
const BATCHES_MAX: u64 = 100_000;

/// Has batches published again.
///
/// # Errors
/// When the stream is not this zone's to send, nothing unapplied is in the range, or the act is turned away.
pub fn resend(args: &ResendArgs, context: &Context) -> Result<Output, Fault> {
    again(args, context, |range| Deed::Resend { range })
}

/// Has batches sealed under the present keys and published again.
///
/// # Errors
/// As for [`resend`].
pub fn reseal(args: &ResendArgs, context: &Context) -> Result<Output, Fault> {
    again(args, context, |range| Deed::Reseal { range })
}

fn again(args: &ResendArgs, context: &Context, deed: impl FnOnce(ActRange) -> Deed) -> Result<Output, Fault> {
    let desk = Desk::open(context)?;
    if place::at(&desk, &args.stream, 0)?.direction == Direction::In {
        return Err(not_own(&args.stream));
    }
    let (direction, stream) = (Direction::Out, Some(args.stream.clone()));
    let query = BatchQuery { direction, stream, unsettled: true, limit: BATCHES_MAX };
    let mut rows = desk.books.batches(&query).map_err(unread)?;
    rows.retain(|row| args.range.is_none_or(|range| (range.first..=range.last).contains(&row.seq)));
    let seqs = || rows.iter().map(|row| row.seq);
    let (Some(first), Some(last), Some(row)) = (seqs().min(), seqs().max(), rows.first()) else {
        return Err(nothing_unapplied(&args.stream));
    };
    let range = ActRange { stream: args.stream.clone(), epoch: row.epoch, first, last };
    act(&desk, deed(range), &args.act, context)
}

/// Reads one seq or a range.
///
/// # Errors
/// When it is neither.
pub fn range(text: &str) -> Result<Range, String> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    match (first.parse::<u64>(), last.parse::<u64>()) {
        (Ok(first), Ok(last)) if 1 <= first && first <= last => Ok(Range { first, last }),
        (Ok(_) | Err(_), Ok(_) | Err(_)) => Err("SEQ or A-B, from 1".to_owned()),
    }
}

/// A verb of the owner was asked for in the other zone.
pub fn not_own(stream: &StreamName) -> Fault {
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
