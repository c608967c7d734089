//! `ferry status`.

use clap::Args;

use super::Context;
use super::output::Output;
use crate::Fault;

/// The arguments of `ferry status`.
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// End with code 27 (attention) when something waits for an operator
    #[arg(long)]
    pub check: bool,
}

/// Runs the verb.
///
/// # Errors
/// Always, until it is there.
pub fn run(_args: StatusArgs, _context: &Context) -> Result<Output, Fault> {
    Err(Fault::internal("not there"))
}
