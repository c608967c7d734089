//! What operators had put into the places of a group, and a database that was put back to a backup has forgotten.
//!
//! The batches lie in spool or archive and carry the act with its signatures. The peer may hold some of them, or have applied them
//! and forgotten it as well: what stood there first would be a second statement. So before anything is sent the act is listed and
//! carried out again, with the very batches that were sealed for it.

use std::collections::BTreeMap;

use ferry_format::{ActId, Batch, Digest, Payload, SeqRange, Supersedes, Verified, supersede_act};

use crate::coverage::{self, Place};
use crate::perform::Surroundings;
use crate::ports::{ActOrder, BatchId, FaultKind, Instead, PortError, Ports, Recovered, RecoveredOut, Side, Vetted};

/// Own batches of one act, by seq; several at one place where the sealing was cut short and done again.
type OfAct = BTreeMap<u64, Vec<(Digest, Supersedes)>>;

/// Carries acts out again whose batches are all here, and of which the books know nothing. Tells whether there was one.
pub(super) fn carry_out_again(
    around: &Surroundings,
    recovered: &Recovered,
    ports: &Ports<'_>,
    at_ms: u64,
) -> Result<bool, PortError> {
    let mut any = false;
    for own in &recovered.outgoing {
        let mut acts: Vec<OfAct> = forgotten(own, ports)?.into_values().collect();
        // One that superseded another names all that the other one names, and more.
        acts.sort_by_key(|act| act.values().flatten().map(|(_, it)| it.old.len()).max());
        for act in acts {
            any |= once(own, &act, around, ports, at_ms)?;
        }
    }
    Ok(any)
}

/// Superseding batches at places that are recorded and not known to be applied, which the books do not name.
fn forgotten(own: &RecoveredOut, ports: &Ports<'_>) -> Result<BTreeMap<ActId, OfAct>, PortError> {
    let mut acts: BTreeMap<ActId, OfAct> = BTreeMap::new();
    let (last, first) = (&own.last, own.settled.seq + 1);
    if first > last.seq {
        return Ok(acts);
    }
    for id in ports.spool.find(Side::Out, &last.stream, last.epoch, SeqRange { first, last: last.seq })? {
        if ports.store.recorded_digests(&id.stream, id.epoch, id.seq)?.contains(&id.digest) {
            continue;
        }
        let Some(bytes) = whole(&id, ports)? else { continue };
        let Ok(Vetted::Own(batch)) = ports.sealer.vet(&bytes) else { continue };
        let batch = batch.into_inner();
        let Some(supersedes) = batch.statement.supersedes.filter(|_| batch.digest == id.digest) else { continue };
        acts.entry(supersedes.act).or_default().entry(id.seq).or_default().push((id.digest, supersedes));
    }
    Ok(acts)
}

/// Carries one act out, if its batches are whole and name what the books have. Where they do not, operators decide again.
fn once(
    own: &RecoveredOut,
    act: &OfAct,
    around: &Surroundings,
    ports: &Ports<'_>,
    at_ms: u64,
) -> Result<bool, PortError> {
    let last = &own.last;
    let mut batches = Vec::new();
    for (seq, all) in act {
        let [(digest, _)] = all.as_slice() else { return Ok(false) };
        let id = BatchId { stream: last.stream.clone(), epoch: last.epoch, seq: *seq, digest: *digest };
        let Some(bytes) = whole(&id, ports)? else { return Ok(false) };
        let Ok(batch) = ports.sealer.open_own(&bytes) else { return Ok(false) };
        batches.push((batch, u64::try_from(bytes.len()).unwrap_or(u64::MAX)));
    }
    let Some((first, _)) = batches.first() else { return Ok(false) };
    let (statement, Some(supersedes)) = (&first.statement, &first.statement.supersedes) else { return Ok(false) };
    let contract = around.contract.stream(&last.stream).filter(|it| it.digest == statement.contract);
    let (Some(contract), true) = (contract, is_whole(own, &batches, supersedes)) else { return Ok(false) };
    if recorded(own, statement.group.first, supersedes.new.len(), ports)?.as_ref() != Some(&supersedes.old) {
        return Ok(false);
    }
    let Ok((act, file)) = supersede_act(statement).and_then(|signed| Ok((signed.act.clone(), signed.write()?))) else {
        return Ok(false);
    };
    let payloads: Vec<Payload> = batches.iter().map(|(batch, _)| batch.payload.clone()).collect();
    let id = ports.store.hand_in_again(&file, &payloads, at_ms)?;
    let instead = batches.iter().map(|(batch, file_bytes)| Instead {
        seq: batch.statement.seq,
        digest: batch.digest,
        rows: batch.statement.records,
        file_bytes: *file_bytes,
        tables: batch.statement.tables.clone(),
    });
    let (instead, ended) = (instead.collect(), Vec::new());
    let order = ActOrder { id, file, verdict: Ok(act), at_ms, superseding: None, instead, ended };
    let (end, _) = ports.store.act(&order, Some(contract))?;
    if end.is_done() {
        coverage::hit(Place::SupersededAgain);
    }
    Ok(end.is_done())
}

/// Whether there is one batch for each place of the group, all by the same act.
fn is_whole(own: &RecoveredOut, batches: &[(Verified<Batch>, u64)], supersedes: &Supersedes) -> bool {
    let first = batches.first().map_or(0, |(batch, _)| batch.statement.group.first);
    let fits = |(seq, (batch, _)): (u64, &(Verified<Batch>, u64))| {
        let statement = &batch.statement;
        statement.seq == seq
            && statement.group.first == first
            && statement.epoch_id == own.epoch_id
            && statement.supersedes.as_ref() == Some(supersedes)
    };
    batches.len() == supersedes.new.len() && (first..).zip(batches).all(fits)
}

/// What the books have at the places of a group, generation by generation, as an act names it; `None` where the generations of
/// the places differ.
fn recorded(own: &RecoveredOut, first: u64, count: usize, ports: &Ports<'_>) -> Result<Option<Vec<Digest>>, PortError> {
    let mut places = Vec::with_capacity(count);
    for seq in (first..).take(count) {
        places.push(ports.store.recorded_digests(&own.last.stream, own.last.epoch, seq)?);
    }
    let generations = places.first().map_or(0, Vec::len);
    if places.iter().any(|place| place.len() != generations) {
        return Ok(None);
    }
    Ok(Some((0..generations).flat_map(|index| places.iter().map(move |place| place[index])).collect()))
}

/// A file that is whole; `None` when it has rotted or its rows have left the archive.
fn whole(id: &BatchId, ports: &Ports<'_>) -> Result<Option<Vec<u8>>, PortError> {
    match ports.spool.get(Side::Out, id) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind == FaultKind::Corrupt => Ok(None),
        Err(error) => Err(error),
    }
}
