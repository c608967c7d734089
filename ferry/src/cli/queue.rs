//! `ferry queue`.

use clap::Args;
use ferry_format::StreamName;

use super::Context;
use super::output::Output;
use crate::Fault;

/// The arguments of `ferry queue`.
#[derive(Debug, Args)]
pub struct QueueArgs {
    /// List this stream only
    #[arg(value_name = "STREAM")]
    pub stream: Option<StreamName>,
}

/// Runs the verb.
///
/// # Errors
/// Always, until it is there.
pub fn run(_args: QueueArgs, _context: &Context) -> Result<Output, Fault> {
    Err(Fault::internal("not there"))
}
