//! `ferry quarantine`: the files that were refused, and why.

use clap::{Args, Subcommand};

use super::Context;
use super::output::Output;
use crate::Fault;

/// The arguments of `ferry quarantine`.
#[derive(Debug, Args)]
pub struct QuarantineArgs {
    /// What to do.
    #[command(subcommand)]
    pub verb: QuarantineVerb,
}

/// What can be done with the quarantine.
#[derive(Debug, Subcommand)]
pub enum QuarantineVerb {
    /// List the files that were refused, the latest first
    List,
    /// Show why a file was refused, and what its header claims
    Show {
        /// A name from the list
        #[arg(value_name = "NAME")]
        name: String,
    },
}

/// Runs the verb.
///
/// # Errors
/// Always, until it is there.
pub fn run(_args: QuarantineArgs, _context: &Context) -> Result<Output, Fault> {
    Err(Fault::internal("not there"))
}
