//! `ferry trust`.

use clap::Args;

use super::Context;
use super::output::Output;
use crate::Fault;

/// The arguments of `ferry trust`.
#[derive(Debug, Args)]
pub struct TrustArgs {}

/// The Chinese texts of the verb's own arguments: verb, argument, text.
pub const CHINESE: &[(&str, &str, &str)] = &[];

/// Runs the verb.
///
/// # Errors
/// Always, until it is there.
pub fn run(_args: TrustArgs, _context: &Context) -> Result<Output, Fault> {
    Err(Fault::internal("not there"))
}
