//! `ferry hold` and `ferry release`: a stream stands still, and goes on.

use clap::Args;
use ferry_format::{Deed, StreamName};

use super::acting::{ActArgs, act};
use super::desk::Desk;
use super::output::Output;
use super::{Context, place};
use crate::Fault;

/// The arguments of `ferry hold` and `ferry release`.
#[derive(Debug, Args)]
pub struct HoldArgs {
    /// A stream of either direction
    #[arg(value_name = "STREAM")]
    pub stream: StreamName,
    /// Reason and signatures.
    #[command(flatten)]
    pub act: ActArgs,
}

/// Puts the stream on hold in this zone: of an own one nothing is sent, of the peer's nothing is applied.
///
/// # Errors
/// When there is no such stream, or the act is turned away.
pub fn hold(args: &HoldArgs, context: &Context) -> Result<Output, Fault> {
    of_stream(args, context, |stream| Deed::Hold { stream })
}

/// Lets the stream go on.
///
/// # Errors
/// When there is no such stream, or the act is turned away.
pub fn release(args: &HoldArgs, context: &Context) -> Result<Output, Fault> {
    of_stream(args, context, |stream| Deed::Release { stream })
}

fn of_stream(args: &HoldArgs, context: &Context, deed: impl FnOnce(StreamName) -> Deed) -> Result<Output, Fault> {
    let desk = Desk::open(context)?;
    place::at(&desk, &args.stream, 0)?;
    act(&desk, deed(args.stream.clone()), &args.act, context)
}
