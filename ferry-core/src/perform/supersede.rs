//! Carries acts out, and seals what takes the place of a group before it does.

use ferry_format::{Act, Approval, BatchStatement, Deed, Digest, Group, Mark, Payload, SignedAct, parse_record};

use super::Surroundings;
use crate::contract::{StreamContract, Tally};
use crate::ports::{
    ActEnd, ActOrder, BatchId, FaultKind, Instead, PortError, Ports, Side, SupersededPlace, Superseding,
};

/// Carries an act out. What is sealed for it stays in the order: an end that is not known is asked for again with the same
/// batches.
pub(super) fn act(
    order: &mut ActOrder,
    around: &Surroundings,
    ports: &Ports<'_>,
) -> Result<(ActEnd, Option<u64>), PortError> {
    if let Some(sealed) = seal(order, around, ports)? {
        match sealed {
            Ok(instead) => order.instead = instead,
            Err(code) => order.verdict = Err(code.to_owned()),
        }
    }
    if let Ok(Act { deed: Deed::NewEpoch { .. }, .. }) = &order.verdict {
        ports.spool.archive_act(Side::Out, &Digest::of(&[&order.file]), &order.file)?;
    }
    let stream = order.verdict.as_ref().ok().map(|act| act.deed.stream().clone());
    let contract = stream.as_ref().and_then(|stream| around.contract.stream(stream));
    let (end, parked_rows) = ports.store.act(order, contract)?;
    if let (Some(stream), Some(superseding)) = (stream, &order.superseding)
        && end.is_done()
    {
        for place in &superseding.places {
            // The file that counts no more: what stays behind is tidied at the next start, and drops at the peer.
            let (epoch, seq, digest) = (epoch_of(order), place.seq, place.file);
            let id = BatchId { stream: stream.clone(), epoch, seq, digest };
            let _ = ports.gate.withdraw(&around.batch_name(&id, place.attempt));
            let _ = ports.spool.archive(Side::Out, &[id]);
        }
    }
    if let Ok(Act { deed: Deed::NewEpoch { ended, .. }, .. }) = &order.verdict
        && end.is_done()
    {
        put_away(ended, &order.ended, around, ports);
    }
    Ok((end, parked_rows))
}

/// Puts the files of a life that has ended away: those that its books name, and those that came back to a zone which was put
/// back, and were never taken back. What stays behind is tidied at the next start, and is turned away at the peer.
fn put_away(ended: &Mark, files: &[(BatchId, u32)], around: &Surroundings, ports: &Ports<'_>) {
    for (id, attempt) in files {
        let _ = ports.gate.withdraw(&around.batch_name(id, *attempt));
    }
    for id in ports.spool.list(Side::Out).unwrap_or_default() {
        if id.stream == ended.stream && id.epoch <= ended.epoch {
            let _ = ports.spool.archive(Side::Out, &[id]);
        }
    }
}

/// Seals what an act puts into the places of a group; `None` for other acts, and when it was sealed before.
fn seal(order: &ActOrder, around: &Surroundings, ports: &Ports<'_>) -> Result<Option<Sealed>, PortError> {
    let (Ok(act), Some(superseding)) = (&order.verdict, &order.superseding) else { return Ok(None) };
    if !order.instead.is_empty() {
        return Ok(None);
    }
    let approvals = SignedAct::parse(&order.file).map(|signed| signed.approvals)?;
    let sealing = Sealing { act, superseding, approvals, now_ms: order.at_ms };
    let mut instead = Vec::new();
    let sealed = sealing.seal_all(around, ports, &mut instead);
    let Ok(Ok(())) = sealed else {
        // Tried again it is sealed anew, under other digests.
        sealing.discard(&instead, ports)?;
        return sealed.map(|refused| refused.err().map(Err));
    };
    Ok(Some(Ok(instead)))
}

/// The batches sealed for an act, or the code by which the act is turned away.
type Sealed = Result<Vec<Instead>, &'static str>;

fn epoch_of(order: &ActOrder) -> u64 {
    match order.verdict.as_ref().map(|act| &act.deed) {
        Ok(Deed::Supersede { epoch, .. }) => *epoch,
        Ok(_) | Err(_) => 0,
    }
}

/// What the batches of one act are sealed from.
struct Sealing<'s> {
    act: &'s Act,
    superseding: &'s Superseding,
    approvals: Vec<Approval>,
    now_ms: u64,
}

impl Sealing<'_> {
    /// Seals every batch of the act and makes its file durable. What it seals is recorded with the act or discarded at the next
    /// start.
    fn seal_all(
        &self,
        around: &Surroundings,
        ports: &Ports<'_>,
        instead: &mut Vec<Instead>,
    ) -> Result<Result<(), &'static str>, PortError> {
        let Deed::Supersede { stream, new, .. } = &self.act.deed else { return Ok(Err("not-superseding")) };
        let Some(contract) = around.contract.stream(stream) else { return Ok(Err("unknown-stream")) };
        for (place, payload) in self.superseding.places.iter().zip(new) {
            let Some(bytes) = ports.store.draft(payload)? else { return Ok(Err("draft-missing")) };
            let Ok(payload) = Payload::of_bytes(bytes) else { return Ok(Err("draft-damaged")) };
            let Some(statement) = self.statement(place, &payload, contract) else { return Ok(Err("draft-damaged")) };
            let sealed = ports.sealer.seal_batch(&statement, &payload)?;
            let id = BatchId::of(&statement, sealed.digest);
            ports.spool.put(Side::Out, &id, &sealed.bytes)?;
            instead.push(Instead {
                seq: place.seq,
                digest: sealed.digest,
                rows: statement.records,
                file_bytes: u64::try_from(sealed.bytes.len()).unwrap_or(u64::MAX),
                tables: statement.tables,
            });
        }
        let bytes: u64 = instead.iter().map(|one| one.file_bytes).sum();
        Ok(if bytes > self.superseding.bytes_max { Err("superseding-too-large") } else { Ok(()) })
    }

    fn discard(&self, sealed: &[Instead], ports: &Ports<'_>) -> Result<(), PortError> {
        let Deed::Supersede { stream, epoch, .. } = &self.act.deed else { return Ok(()) };
        for Instead { seq, digest, .. } in sealed {
            let id = BatchId { stream: stream.clone(), epoch: *epoch, seq: *seq, digest: *digest };
            ports.spool.discard(Side::Out, &id)?;
        }
        Ok(())
    }

    /// What one batch states; `None` when its payload is not the one that was approved, or not of the contract.
    fn statement(
        &self,
        place: &SupersededPlace,
        payload: &Payload,
        contract: &StreamContract,
    ) -> Option<BatchStatement> {
        let Self { act, superseding, approvals, now_ms } = self;
        let Deed::Supersede { stream, epoch, first, old, new, .. } = &act.deed else { return None };
        let index = place.seq.checked_sub(*first)?;
        let mut tally = Tally::new(contract);
        for line in payload.lines() {
            tally.add(&parse_record(line).ok()?).ok()?;
        }
        let plain = payload.plain();
        let approved: Option<&Digest> = new.get(usize::try_from(index).ok()?);
        if approved != Some(&plain.sm3) {
            return None;
        }
        let supersedes = ferry_format::Supersedes {
            act: act.id,
            at_ms: act.at_ms,
            reason: act.reason.clone(),
            old: old.clone(),
            new: new.clone(),
            approvals: approvals.clone(),
        };
        Some(BatchStatement {
            link: act.link.clone(),
            from: contract.owner.clone(),
            to: contract.to.clone(),
            stream: stream.clone(),
            epoch: *epoch,
            epoch_id: superseding.epoch_id,
            seq: place.seq,
            group: Group { first: *first, index, last: index + 1 == u64::try_from(new.len()).ok()? },
            previous: place.previous,
            contract: contract.digest,
            requires: superseding.requires.clone(),
            tables: tally.summarize(),
            records: payload.records(),
            plain,
            cut_at_ms: *now_ms,
            audit: superseding.audit,
            supersedes: Some(supersedes),
        })
    }
}

/// A payload that cannot be sealed is no fault of a port.
impl From<ferry_format::FormatError> for PortError {
    fn from(error: ferry_format::FormatError) -> Self {
        Self::new(FaultKind::Conflict, error.to_string())
    }
}
