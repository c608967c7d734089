//! Batches that go back to the zone that made them.

use ferry_format::{BatchStatement, Digest, EpochId, Mark, SeqRange, StreamName};

use super::{Again, Surroundings, stream_contract};
use crate::action::FoundBatch;
use crate::group::OwnGroup;
use crate::ports::{BatchId, FaultKind, PortError, Ports, Side, TakeBackOutcome, TakeBackRequest, Vetted};

/// Own batches of these places, verified as if they had come from the gate.
pub(super) fn find_own(
    stream: &StreamName,
    epoch: u64,
    range: SeqRange,
    ports: &Ports<'_>,
) -> Result<Vec<FoundBatch>, PortError> {
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
pub(super) fn whole(side: Side, id: &BatchId, ports: &Ports<'_>) -> Result<Option<Vec<u8>>, PortError> {
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
pub(super) fn take_back(
    stream: &StreamName,
    epoch_id: EpochId,
    (expect, group_first): (&Mark, u64),
    batches: &[BatchId],
    whole: bool,
    now_ms: u64,
    around: &Surroundings,
    ports: &Ports<'_>,
) -> Result<TakeBackOutcome, PortError> {
    let contract = stream_contract(around, stream)?;
    let mut source = OwnGroup::new(ports.spool, ports.sealer, contract, batches);
    let request = TakeBackRequest { contract, epoch_id, expect, whole, now_ms };
    let outcome = ports.store.take_back(&request, &mut source)?;
    let (TakeBackOutcome::TakenBack(own) | TakeBackOutcome::Moved(own)) = &outcome else { return Ok(outcome) };
    if group_first > expect.seq {
        return Ok(outcome);
    }
    // A group that was in the books in part only is whole now.
    let anchored = ports.anchor.load()?.map(|anchor| anchor.superseding).unwrap_or_default();
    let again = Again { own, first: group_first, anchored: &anchored, around, at_ms: now_ms };
    let mut left = Vec::new();
    let any = again.carry_out(ports, &mut || Ok(()), &mut left)?;
    if let Some(error) = left.pop() {
        // The return is told as failing, and the books as they stand now are read with the next attempt.
        return Err(error);
    }
    if !any {
        return Ok(outcome);
    }
    let mut streams = ports.store.recover()?.outgoing.into_iter();
    let own = streams.find(|one| one.last.stream == *stream);
    Ok(own.map_or(outcome, |own| TakeBackOutcome::TakenBack(Box::new(own))))
}

/// Puts what there is of the places into the drop directory, up to the first that fails.
pub(super) fn give_back(
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

pub(super) fn withdraw(names: &[String], ports: &Ports<'_>) -> Result<(), PortError> {
    names.iter().try_for_each(|name| ports.gate.withdraw(name))
}
