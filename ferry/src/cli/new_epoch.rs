//! `ferry new-epoch`: a stream begins another life, because what its peer lacks is nowhere any more.

use clap::Args;
use ferry_core::ports::Direction;
use ferry_format::limits::EPOCH_MAX;
use ferry_format::{Deed, EpochId, StreamName};

use super::acting::{ActArgs, act};
use super::desk::{Desk, unread};
use super::output::Output;
use super::resend::not_own;
use super::{Context, place};
use crate::keyring::OsEntropy;
use crate::lang::Text;
use crate::store::OwnLife;
use crate::{ExitCode, Fault, Lang, text};

/// The arguments of `ferry new-epoch`.
#[derive(Debug, Args)]
pub struct NewEpochArgs {
    /// A stream that this zone sends
    #[arg(value_name = "STREAM")]
    pub stream: StreamName,
    /// Reason and signatures.
    #[command(flatten)]
    pub act: ActArgs,
}

/// Hands in the act that ends the present life of the stream where the books end, and begins another one.
///
/// # Errors
/// When the stream is not this zone's to send, there is no higher number, or the act is turned away.
pub fn run(args: &NewEpochArgs, context: &Context) -> Result<Output, Fault> {
    let desk = Desk::open(context)?;
    if place::at(&desk, &args.stream, 0)?.direction == Direction::In {
        return Err(not_own(&args.stream));
    }
    let life = desk.books.own_life(&args.stream).map_err(unread)?.ok_or_else(|| place::no_stream(&args.stream))?;
    let facts = desk.books.facts().map_err(unread)?;
    let known = facts.iter().find(|(name, _)| name == "next_epochs").map_or("", |(_, value)| value.as_str());
    let epoch = known.split(' ').find_map(|text| number(text, &args.stream)).unwrap_or(0).max(life.last.epoch + 1);
    if epoch > EPOCH_MAX {
        return Err(no_number(&args.stream));
    }
    let epoch_id = EpochId(OsEntropy::new().fresh().map_err(Fault::internal)?);
    let deed = Deed::NewEpoch { epoch, epoch_id, ended: life.last.clone() };
    let mut output = act(&desk, deed, &args.act, context)?;
    output.human.insert_str(0, &told(&life, epoch, context.lang));
    if let Some(document) = output.json.as_object_mut() {
        document.insert("epoch".to_owned(), epoch.into());
        document.insert("ended_epoch".to_owned(), life.last.epoch.into());
        document.insert("ended_seq".to_owned(), life.last.seq.into());
        document.insert("unapplied_batches".to_owned(), life.batches.into());
        document.insert("unapplied_rows".to_owned(), life.rows.into());
        document.insert("unapplied_deletes".to_owned(), life.deletes.into());
    }
    Ok(output)
}

/// The lowest number that a new life of the stream may have, as the daemon notes it: stream and number.
fn number(text: &str, stream: &StreamName) -> Option<u64> {
    let (name, number) = text.split_once('/')?;
    (name == stream.as_str()).then(|| number.parse().ok())?
}

/// What ends, and what the operators must know of it.
fn told(life: &OwnLife, epoch: u64, lang: Lang) -> String {
    let OwnLife { last, batches, rows, deletes } = life;
    let (stream, ended, seq) = (&last.stream, last.epoch, last.seq);
    match lang {
        Lang::En => format!(
            "epoch {ended} of {stream} ends at seq {seq}, and epoch {epoch} begins with every row of its tables\n\
             {batches} batches with {rows} rows are not known to be applied; their rows are sent as they stand now, but \
             {deletes} deletions among them are not sent again\n\
             rows that only the peer has stay there: compare the tables when the load is done\n"
        ),
        Lang::Zh => format!(
            "流 {stream} 的纪元 {ended} 止于序号 {seq}，纪元 {epoch} 从其各表的全部记录开始\n\
             有 {batches} 个批次、{rows} 行未获知已应用；其中各行按现状重新发送，但 {deletes} 项删除不会重新发送\n\
             仅对端存在的记录保留在对端：加载完成后请比对双方数据表\n"
        ),
    }
}

fn no_number(stream: &StreamName) -> Fault {
    Fault::new(
        "no-epoch-left",
        ExitCode::Refused,
        text!("{stream} has had every epoch up to {EPOCH_MAX}", "流 {stream} 的纪元号已用至上限 {EPOCH_MAX}"),
        Text::fixed("make the stream anew in the contract, under another name", "请在数据契约中以另一名称重建该流"),
    )
}
