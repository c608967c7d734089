//! `ferry load`: every row of a stream's tables is captured once more, as it stands.

use clap::Args;
use ferry_core::ports::Direction;
use ferry_format::{Deed, StreamName};

use super::acting::{ActArgs, act};
use super::desk::Desk;
use super::output::Output;
use super::resend::not_own;
use super::{Context, place};
use crate::Fault;

/// The arguments of `ferry load`.
#[derive(Debug, Args)]
pub struct LoadArgs {
    /// A stream that this zone sends
    #[arg(value_name = "STREAM")]
    pub stream: StreamName,
    /// Reason and signatures.
    #[command(flatten)]
    pub act: ActArgs,
}

/// Hands the act in.
///
/// # Errors
/// When the stream is not this zone's to send, or the act is turned away.
pub fn run(args: &LoadArgs, context: &Context) -> Result<Output, Fault> {
    let desk = Desk::open(context)?;
    if place::at(&desk, &args.stream, 0)?.direction == Direction::In {
        return Err(not_own(&args.stream));
    }
    act(&desk, Deed::Load { stream: args.stream.clone() }, &args.act, context)
}
