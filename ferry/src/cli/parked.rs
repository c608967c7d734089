//! `ferry parked`: rows of independent tables that were parked alone.

use clap::{Args, Subcommand};
use ferry_format::{ActRange, Deed, StreamName};
use serde_json::json;

use super::acting::{ActArgs, act};
use super::desk::{Desk, unread};
use super::output::Output;
use super::queue::{parked_json, parked_table};
use super::resend::{Range, range};
use super::{Context, place};
use crate::{Fault, Lang};

/// The arguments of `ferry parked`.
#[derive(Debug, Args)]
pub struct ParkedArgs {
    /// What to do.
    #[command(subcommand)]
    pub verb: ParkedVerb,
}

/// What can be done with parked rows.
#[derive(Debug, Subcommand)]
pub enum ParkedVerb {
    /// List parked rows, the latest first
    List {
        /// List this stream only
        #[arg(value_name = "STREAM")]
        stream: Option<StreamName>,
    },
    /// Try parked rows again, after what kept them out was mended
    Retry {
        /// A stream that the peer sends
        #[arg(value_name = "STREAM")]
        stream: StreamName,
        /// Of one seq or a range A-B; without it all
        #[arg(value_name = "SEQ|A-B", value_parser = range)]
        range: Option<Range>,
        /// Of this epoch; without it the oldest that has a parked row
        #[arg(long, value_name = "EPOCH", value_parser = clap::value_parser!(u64).range(1..))]
        epoch: Option<u64>,
        /// Reason and signatures.
        #[command(flatten)]
        act: ActArgs,
    },
}

/// More rows than that are told as a number only.
const ROWS_MAX: u64 = 10_000;

/// Runs the verb.
///
/// # Errors
/// When the books cannot be read, there is no such stream, or the act is turned away.
pub fn run(args: ParkedArgs, context: &Context) -> Result<Output, Fault> {
    let desk = Desk::open(context)?;
    match args.verb {
        ParkedVerb::List { stream } => list(&desk, stream.as_ref(), context.lang),
        ParkedVerb::Retry { stream, range, epoch, act: args } => {
            let present = place::at(&desk, &stream, 0)?.epoch;
            let parked = desk.books.parked_rows(ROWS_MAX).map_err(unread)?;
            let parked = parked.iter().filter(|row| row.stream == stream).map(|row| row.epoch);
            let epoch = epoch_to_try(epoch, parked, present);
            let Range { first, last } = range.unwrap_or(Range { first: 1, last: ferry_format::limits::SEQ_MAX });
            act(&desk, Deed::RetryRows { range: ActRange { stream, epoch, first, last } }, &args, context)
        }
    }
}

/// The epoch whose rows are tried. They may have been parked in one that has ended since: the oldest is tried first, unless another
/// is asked for because its rows are not taken yet.
fn epoch_to_try(asked: Option<u64>, parked: impl Iterator<Item = u64>, present: u64) -> u64 {
    asked.or_else(|| parked.min()).unwrap_or(present)
}

fn list(desk: &Desk, only: Option<&StreamName>, lang: Lang) -> Result<Output, Fault> {
    if let Some(stream) = only {
        place::at(desk, stream, 0)?;
    }
    let mut rows = desk.books.parked_rows(ROWS_MAX).map_err(unread)?;
    rows.retain(|row| only.is_none_or(|only| row.stream == *only));
    let human = match (rows.is_empty(), lang) {
        (true, Lang::En) => "no row is parked\n".to_owned(),
        (true, Lang::Zh) => "没有被搁置的行\n".to_owned(),
        (false, Lang::En | Lang::Zh) => parked_table(&rows, lang).text(),
    };
    Ok(Output::new(human, json!({ "rows": rows.iter().map(parked_json).collect::<Vec<_>>() })))
}

#[cfg(test)]
mod tests {
    use super::epoch_to_try;

    #[test]
    fn the_oldest_epoch_is_tried_unless_another_is_asked_for() {
        assert_eq!(epoch_to_try(None, [3, 2, 4].into_iter(), 4), 2);
        assert_eq!(epoch_to_try(Some(4), [3, 2, 4].into_iter(), 4), 4);
        assert_eq!(epoch_to_try(None, std::iter::empty(), 4), 4);
    }
}
