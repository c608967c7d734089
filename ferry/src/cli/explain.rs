//! `ferry explain`.

use clap::Args;

use super::Context;
use super::output::Output;
use crate::Fault;

/// The arguments of `ferry explain`.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// Which batch: stream/seq, 6 or more digits of its digest, a file's name, or a path
    #[arg(value_name = "BATCH")]
    pub batch: String,
}

/// Runs the verb.
///
/// # Errors
/// Always, until it is there.
pub fn run(_args: ExplainArgs, _context: &Context) -> Result<Output, Fault> {
    Err(Fault::internal("not there"))
}
