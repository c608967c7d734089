//! One line for each operation: for the trace, and for people who read it.

use ferry_core::action::{Action, Outcome};
use ferry_core::ports::PortError;

/// What an operation is about to do.
#[must_use]
pub fn describe(action: &Action) -> String {
    match action {
        Action::Observe { .. } => "observe".to_owned(),
        Action::Act(order) => match &order.verdict {
            Ok(act) => format!("act {} {}", act.deed.name(), act.deed.stream()),
            Err(code) => format!("act turned away {code}"),
        },
        Action::ListActs(acts) => format!("list acts {}", acts.len()),
        Action::Cut { request, boundaries, .. } => {
            format!("cut {} {}..{} boundaries {}", request.stream, request.after, request.upto, boundaries.len())
        }
        Action::Seal { statement, .. } => {
            format!("seal {}/{} rows {}", statement.stream, statement.seq, statement.records)
        }
        Action::Record(batches) => {
            let seqs: Vec<String> = batches.iter().map(|batch| format!("{}/{}", batch.stream, batch.seq)).collect();
            format!("record {}", seqs.join(" "))
        }
        Action::Anchor(anchor) => format!("anchor status {} audit {}", anchor.status_next, anchor.audit.size),
        Action::Attempt(attempts) => {
            let all: Vec<String> =
                attempts.iter().map(|one| format!("{}/{}a{}", one.stream, one.seq, one.attempt)).collect();
            format!("attempt {}", all.join(" "))
        }
        Action::Publish { name, .. } => format!("publish {name}"),
        Action::Scan => "scan".to_owned(),
        Action::Take { name, .. } => format!("take {name}"),
        Action::Keep { name, .. } => format!("keep {name}"),
        Action::Drop { name, refused, .. } => {
            format!("drop {name} {}", refused.as_ref().map_or("", |(note, _)| note.code.as_str()))
        }
        Action::Expel { id, note } => format!("expel {}/{} {}", id.stream, id.seq, note.code),
        Action::Follow { genesis, .. } => format!("follow {}", genesis.stream),
        Action::FollowBegun(act) => format!("follow with act {}", act.digest.short()),
        Action::Apply { stream, expect, batches, .. } => {
            format!("apply {stream} after {} batches {}", expect.seq, batches.len())
        }
        Action::PutAway(ids) => format!("put away {}", ids.len()),
        Action::ReadMark { stream } => format!("read watermark {stream}"),
        Action::Recall { id, .. } => format!("recall {}/{}", id.stream, id.seq),
        Action::Reopen(reopened) => format!("reopen {}/{}", reopened.mark.stream, reopened.mark.seq),
        Action::Load { stream, rows } => format!("load {stream} at most {rows} rows"),
        Action::FindOwn { stream, range, .. } => format!("find own {stream}/{}..{}", range.first, range.last),
        Action::KeepOwn { name, .. } => format!("keep own {name}"),
        Action::TakeBack { stream, expect, batches, .. } => {
            format!("take back {stream} after {} batches {}", expect.seq, batches.len())
        }
        Action::GiveBack { stream, seqs, .. } => {
            let seqs: Vec<String> = seqs.iter().map(u64::to_string).collect();
            format!("give back {stream}/{}", seqs.join(","))
        }
        Action::Withdraw(names) => format!("withdraw {}", names.join(" ")),
        Action::Settle { settled, .. } => format!("settle {}/{}", settled.mark.stream, settled.mark.seq),
        Action::PublishStatus { statement, .. } => format!("status {}", statement.number),
        Action::KeepStatus { name, .. } => format!("keep status {name}"),
        Action::Note(notes) => format!("note {}", notes.life.len()),
        Action::Retain(retained) => format!("retain {} marks {}", retained.elapsed_ms, retained.marks.len()),
        Action::Prune(what) => format!("prune {}/{}", what.stream, what.through),
    }
}

/// What failed, as the log would have it.
#[must_use]
pub fn failure(outcome: &Outcome) -> Option<String> {
    let error: Option<&PortError> = match outcome {
        Outcome::Observed(result) => result.as_ref().err(),
        Outcome::Cut(_, result) => result.as_ref().err(),
        Outcome::Sealed(_, _, result) => result.as_ref().err(),
        Outcome::Recorded(_, result) => result.as_ref().err(),
        Outcome::Anchored(_, result) => result.as_ref().err(),
        Outcome::Attempted(_, result) => result.as_ref().err(),
        Outcome::Published(_, result) => result.as_ref().err(),
        Outcome::Scanned(result) => result.as_ref().err(),
        Outcome::Taken(_, result) => result.as_ref().err(),
        Outcome::Kept(_, _, result) => result.as_ref().err(),
        Outcome::Dropped(_, result) => result.as_ref().err(),
        Outcome::Expelled(_, _, result) => result.as_ref().err(),
        Outcome::Followed(_, _, result) => result.as_ref().err(),
        Outcome::FollowedBegun(_, result) => result.as_ref().err(),
        Outcome::Applied(_, result) => match result {
            Ok((_, left_behind)) => left_behind.as_ref().map(|(_, error)| error),
            Err(error) => Some(error),
        },
        Outcome::PutAway(_, error) => error.as_ref(),
        Outcome::MarkRead(_, result) => result.as_ref().err(),
        Outcome::Recalled(_, _, _, result) => result.as_ref().err(),
        Outcome::Settled(_, _, _, result) => result.as_ref().err(),
        Outcome::Loaded(_, result) => result.as_ref().err(),
        Outcome::FoundOwn(_, _, result) => result.as_ref().err(),
        Outcome::KeptOwn(_, _, result) | Outcome::Withdrawn(_, result) => result.as_ref().err(),
        Outcome::TakenBack(_, result) => result.as_ref().err(),
        Outcome::GivenBack(_, _, error) => error.as_ref(),
        Outcome::Reopened(_, result) => result.as_ref().err(),
        Outcome::StatusPublished(_, result) => result.as_ref().err(),
        Outcome::Acted(_, result) => result.as_ref().err(),
        Outcome::ActsListed(_, result) | Outcome::Noted(_, result) | Outcome::Retained(result) => result.as_ref().err(),
        Outcome::Pruned(_, result) => result.as_ref().err(),
    };
    error.map(|error| format!("{:?}: {}", error.kind, error.text))
}
