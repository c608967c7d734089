//! Batches that go back to the zone that made them.

use ferry_format::{BatchStatement, Digest, EpochId, Mark, SeqRange, StreamName};

use super::{Surroundings, stream_contract};
use crate::action::{Action, FoundBatch, Outcome};
use crate::group::OwnGroup;
use crate::ports::{BatchId, FaultKind, PortError, Ports, Side, TakeBackOutcome, TakeBackRequest, Vetted};

/// Runs one of the actions by which batches and streams go back.
pub(super) fn perform(action: Action, around: &Surroundings, ports: &Ports<'_>) -> Outcome {
    match action {
        Action::Reopen(reopened) => {
            let result = ports.store.reopen(&reopened);
            Outcome::Reopened(reopened, result)
        }
        Action::FindOwn { stream, epoch, range } => {
            let result = find_own(&stream, epoch, range, ports);
            Outcome::FoundOwn(stream, range, result)
        }
        Action::TakeBack { stream, epoch_id, expect, batches, whole, now_ms } => {
            let result = take_back(&stream, epoch_id, &expect, &batches, whole, now_ms, around, ports);
            Outcome::TakenBack(stream, result)
        }
        Action::GiveBack { stream, epoch, seqs, attempt } => {
            let (names, error) = give_back(&stream, epoch, &seqs, attempt, around, ports);
            Outcome::GivenBack(stream, names, error)
        }
        Action::Withdraw(names) => {
            let result = withdraw(&names, ports);
            Outcome::Withdrawn(names, result)
        }
        Action::Observe { .. }
        | Action::Act(_)
        | Action::ListActs(_)
        | Action::Cut { .. }
        | Action::Seal { .. }
        | Action::Record(_)
        | Action::Anchor(_)
        | Action::Attempt(_)
        | Action::Publish { .. }
        | Action::PublishStatus { .. }
        | Action::Settle { .. }
        | Action::Scan
        | Action::Take { .. }
        | Action::Keep { .. }
        | Action::KeepOwn { .. }
        | Action::Drop { .. }
        | Action::Expel { .. }
        | Action::Follow { .. }
        | Action::Apply { .. }
        | Action::PutAway(_)
        | Action::ReadMark { .. }
        | Action::Recall { .. }
        | Action::KeepStatus { .. }
        | Action::Note(_)
        | Action::Retain(_)
        | Action::Prune(_) => unreachable!("the caller hands over what goes back"),
    }
}

/// Own batches of these places, verified as if they had come from the gate.
fn find_own(stream: &StreamName, epoch: u64, range: SeqRange, ports: &Ports<'_>) -> Result<Vec<FoundBatch>, PortError> {
    let mut found = Vec::new();
    for id in ports.spool.find(Side::Out, stream, epoch, range)? {
        let Some(bytes) = whole(Side::Out, &id, ports)? else { continue };
        // One that is not ours is no help, whoever put it there; the peer may have what is.
        if let Ok(Vetted::Own(batch)) = ports.sealer.vet(&bytes) {
            let batch = batch.into_inner();
            if batch.digest == id.digest {
                found.push((batch.statement, batch.digest));
            }
        }
    }
    Ok(found)
}

/// A file that is whole; `None` when it has rotted or its rows have left the archive.
fn whole(side: Side, id: &BatchId, ports: &Ports<'_>) -> Result<Option<Vec<u8>>, PortError> {
    match ports.spool.get(side, id) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind == FaultKind::Corrupt => Ok(None),
        Err(error) => Err(error),
    }
}

pub(super) fn keep_own(
    name: &str,
    statement: &BatchStatement,
    digest: Digest,
    bytes: &[u8],
    ports: &Ports<'_>,
) -> Result<(), PortError> {
    ports.spool.put(Side::Out, &BatchId::of(statement, digest), bytes)?;
    ports.gate.remove(name)
}

#[expect(clippy::too_many_arguments, reason = "they are the fields of one action")]
fn take_back(
    stream: &StreamName,
    epoch_id: EpochId,
    expect: &Mark,
    batches: &[BatchId],
    whole: bool,
    now_ms: u64,
    around: &Surroundings,
    ports: &Ports<'_>,
) -> Result<TakeBackOutcome, PortError> {
    let contract = stream_contract(around, stream)?;
    let mut source = OwnGroup::new(ports.spool, ports.sealer, contract, batches);
    let request = TakeBackRequest { contract, epoch_id, expect, whole, now_ms };
    ports.store.take_back(&request, &mut source)
}

/// Puts what there is of the places into the drop directory, up to the first that fails.
fn give_back(
    stream: &StreamName,
    epoch: u64,
    seqs: &[u64],
    attempt: u32,
    around: &Surroundings,
    ports: &Ports<'_>,
) -> (Vec<String>, Option<PortError>) {
    let mut names = Vec::new();
    let (Some(first), Some(last)) = (seqs.first().copied(), seqs.last().copied()) else { return (names, None) };
    let range = SeqRange { first, last };
    let found = match ports.spool.find(Side::In, stream, epoch, range) {
        Ok(found) => found,
        Err(error) => return (names, Some(error)),
    };
    for id in found.into_iter().filter(|id| seqs.contains(&id.seq)) {
        match give_one(&id, attempt, around, ports) {
            Ok(given) => names.extend(given),
            Err(error) => return (names, Some(error)),
        }
    }
    (names, None)
}

fn give_one(id: &BatchId, attempt: u32, around: &Surroundings, ports: &Ports<'_>) -> Result<Option<String>, PortError> {
    let applied = ports.store.applied_place(&id.stream, id.epoch, id.seq)?;
    // Where one of them was applied it is the one that counts.
    if applied.is_some_and(|place| place.digest != id.digest) {
        return Ok(None);
    }
    let Some(bytes) = whole(Side::In, id, ports)? else { return Ok(None) };
    let name = around.batch_name(id, attempt);
    ports.gate.publish(&name, &bytes)?;
    Ok(Some(name))
}

fn withdraw(names: &[String], ports: &Ports<'_>) -> Result<(), PortError> {
    names.iter().try_for_each(|name| ports.gate.withdraw(name))
}
