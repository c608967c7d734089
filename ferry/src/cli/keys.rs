//! `ferry keys`.

use clap::Args;

use super::Context;
use super::output::Output;
use crate::Fault;

/// The arguments of `ferry keys`.
#[derive(Debug, Args)]
pub struct KeysArgs {}

/// The Chinese texts of the verb's own arguments: verb, argument, text.
pub const CHINESE: &[(&str, &str, &str)] = &[];

/// Runs the verb.
///
/// # Errors
/// Always, until it is there.
pub fn run(_args: KeysArgs, _context: &Context) -> Result<Output, Fault> {
    Err(Fault::internal("not there"))
}
