//! Carries acts out, and seals what takes the place of a group before it does.

use ferry_format::{Act, Approval, BatchStatement, Deed, Digest, Group, Payload, SignedAct, parse_record};

use super::Surroundings;
use crate::contract::{StreamContract, Tally};
use crate::ports::{
    ActEnd, ActOrder, BatchId, FaultKind, Instead, PortError, Ports, Side, SupersededPlace, Superseding,
};

/// Carries an act out.
pub(super) fn act(
    order: &mut ActOrder,
    around: &Surroundings,
    ports: &Ports<'_>,
) -> Result<(ActEnd, Option<u64>), PortError> {
    let superseding = order.superseding.take();
    if let (Ok(act), Some(superseding)) = (&order.verdict, &superseding) {
        let approvals = SignedAct::parse(&order.file).map(|signed| signed.approvals)?;
        let sealing = Sealing { act, superseding, approvals, now_ms: order.at_ms };
        match sealing.seal_all(around, ports)? {
            Ok(instead) => order.instead = instead,
            Err(code) => order.verdict = Err(code.to_owned()),
        }
    }
    let stream = order.verdict.as_ref().ok().map(|act| act.deed.stream().clone());
    let contract = stream.as_ref().and_then(|stream| around.contract.stream(stream));
    let result = ports.store.act(order, contract);
    if let (Ok((end, _)), Some(stream), Some(superseding)) = (&result, stream, &superseding)
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
    order.superseding = superseding;
    result
}

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
    ) -> Result<Result<Vec<Instead>, &'static str>, PortError> {
        let Deed::Supersede { stream, epoch, new, .. } = &self.act.deed else { return Ok(Ok(Vec::new())) };
        let Some(contract) = around.contract.stream(stream) else { return Ok(Err("unknown-stream")) };
        let mut instead = Vec::with_capacity(new.len());
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
        if bytes > self.superseding.bytes_max {
            for Instead { seq, digest, .. } in &instead {
                let id = BatchId { stream: stream.clone(), epoch: *epoch, seq: *seq, digest: *digest };
                ports.spool.discard(Side::Out, &id)?;
            }
            return Ok(Err("superseding-too-large"));
        }
        Ok(Ok(instead))
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
