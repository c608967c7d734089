//! `ferry take-back`: what the peer has applied beyond the anchor of a restored zone is this zone's own.

use clap::Args;
use ferry_format::{Deed, Mark, StreamName};

use super::acting::{ActArgs, act};
use super::desk::{Desk, unread};
use super::output::Output;
use super::{Context, place};
use crate::lang::Text;
use crate::{ExitCode, Fault, text};

/// The arguments of `ferry take-back`.
#[derive(Debug, Args)]
pub struct TakeBackArgs {
    /// A stream that this zone sends
    #[arg(value_name = "STREAM")]
    pub stream: StreamName,
    /// Reason and signatures.
    #[command(flatten)]
    pub act: ActArgs,
}

/// Hands in the act that names the last batch which the peer has applied.
///
/// # Errors
/// When the zone is not locked for what its peer has applied of that stream, or the act is turned away.
pub fn run(args: &TakeBackArgs, context: &Context) -> Result<Output, Fault> {
    let desk = Desk::open(context)?;
    place::at(&desk, &args.stream, 0)?;
    let facts = desk.books.facts().map_err(unread)?;
    let beyond = facts.iter().find(|(name, _)| name == "beyond").map_or("", |(_, value)| value.as_str());
    let mut marks = beyond.split(' ').filter_map(mark);
    let Some(through) = marks.find(|mark| mark.stream == args.stream) else {
        return Err(nothing_beyond(&args.stream));
    };
    act(&desk, Deed::TakeBack { through }, &args.act, context)
}

/// Stream, epoch, seq and digest, as the daemon notes them.
fn mark(text: &str) -> Option<Mark> {
    let mut parts = text.split('/');
    let mark = Mark {
        stream: parts.next()?.parse().ok()?,
        epoch: parts.next()?.parse().ok()?,
        seq: parts.next()?.parse().ok()?,
        digest: parts.next()?.parse().ok()?,
    };
    parts.next().is_none().then_some(mark)
}

fn nothing_beyond(stream: &StreamName) -> Fault {
    Fault::new(
        "nothing-beyond",
        ExitCode::Refused,
        text!(
            "the peer is not known to have applied more of {stream} than this zone's anchor tells of",
            "未获知对端对流 {stream} 的应用超出本区锚点所载"
        ),
        Text::fixed("`ferry status` tells how the stream stands now", "`ferry status` 说明该流的现状"),
    )
}
