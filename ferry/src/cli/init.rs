//! `ferry init`.

use clap::Args;

use super::Context;
use super::output::Output;
use crate::Fault;

/// The arguments of `ferry init`.
#[derive(Debug, Args)]
pub struct InitArgs {}

/// The Chinese texts of the verb's own arguments: verb, argument, text.
pub const CHINESE: &[(&str, &str, &str)] = &[];

/// Runs the verb.
///
/// # Errors
/// Always, until it is there.
pub fn run(_args: InitArgs, _context: &Context) -> Result<Output, Fault> {
    Err(Fault::internal("not there"))
}
