//! `ferry resend`.

use clap::Args;
use ferry_format::StreamName;

use super::Context;
use super::output::Output;
use crate::Fault;

/// The arguments of `ferry resend`.
#[derive(Debug, Args)]
pub struct ResendArgs {
    /// A stream that this zone sends
    #[arg(value_name = "STREAM")]
    pub stream: StreamName,
    /// One seq or a range A-B; without it everything that is not known to be applied
    #[arg(value_name = "SEQ|A-B")]
    pub range: Option<String>,
}

/// Runs the verb.
///
/// # Errors
/// Always, until it is there.
pub fn run(_args: ResendArgs, _context: &Context) -> Result<Output, Fault> {
    Err(Fault::internal("not there"))
}
