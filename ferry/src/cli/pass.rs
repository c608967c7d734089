//! `ferry pass`: goes past a captured row that cannot be sent.

use clap::{Args, ValueEnum};
use ferry_format::{Deed, StreamName, Substitute};

use super::acting::{ActArgs, act};
use super::desk::Desk;
use super::output::Output;
use super::{Context, place};
use crate::Fault;

/// The arguments of `ferry pass`.
#[derive(Debug, Args)]
pub struct PassArgs {
    /// A stream that this zone sends and that is stopped
    #[arg(value_name = "STREAM")]
    pub stream: StreamName,
    /// The captured row at which it is stopped, as `ferry status` names it
    #[arg(value_name = "ROW")]
    pub row: u64,
    /// What crosses in its place
    #[arg(long, value_enum)]
    pub with: With,
    /// Reason and signatures.
    #[command(flatten)]
    pub act: ActArgs,
}

/// What crosses in the place of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum With {
    /// Nothing: the peer keeps what it has
    Void,
    /// The row as it stands in the table now, or its deletion
    Current,
}

/// Hands the act in.
///
/// # Errors
/// When there is no such stream, or the act is turned away.
pub fn run(args: &PassArgs, context: &Context) -> Result<Output, Fault> {
    let desk = Desk::open(context)?;
    place::at(&desk, &args.stream, 0)?;
    let with = match args.with {
        With::Void => Substitute::Void,
        With::Current => Substitute::Current,
    };
    act(&desk, Deed::Pass { stream: args.stream.clone(), row: args.row, with }, &args.act, context)
}
