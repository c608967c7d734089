//! `ferry show`.

use clap::Args;

use super::Context;
use super::output::Output;
use crate::Fault;

/// The arguments of `ferry show`.
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// Which batch: stream/seq, 6 or more digits of its digest, a file's name, or a path
    #[arg(value_name = "BATCH")]
    pub batch: String,
}

/// Runs the verb.
///
/// # Errors
/// Always, until it is there.
pub fn run(_args: ShowArgs, _context: &Context) -> Result<Output, Fault> {
    Err(Fault::internal("not there"))
}

/// Counts and totals of one table: money in fen, as decimal strings.
pub fn table_json(table: &ferry_format::TableSummary) -> serde_json::Value {
    let totals: std::collections::BTreeMap<&str, String> =
        table.totals.iter().map(|(column, total)| (column.as_str(), total.to_string())).collect();
    serde_json::json!({
        "name": table.name,
        "inserts": table.inserts,
        "updates": table.updates,
        "deletes": table.deletes,
        "totals_fen": totals,
    })
}
