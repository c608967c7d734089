//! Runs one action on the ports. The daemon calls this from its workers, a simulator in an order drawn from its seed:
//! both run the same steps, and nothing is decided here.

mod epoch;
mod replaced;
mod returning;
mod supersede;

use std::sync::Arc;

use ferry_format::{
    ActTime, Deed, EpochId, FileName, LinkId, Mark, NameKind, StatusBody, StatusStatement, StreamName, ZoneName,
};

pub(crate) use replaced::Again;

use crate::action::{Action, LeftFiles, Observed, Outcome, TakenFile};
use crate::breaks::{self, Break};
use crate::contract::{Contract, StreamContract};
use crate::coverage::{self, Place};
use crate::cut::{CutBatch, CutOutcome, cut};
use crate::group::{Group, ToApply};
use crate::ports::{
    ApplyOutcome, ApplyRequest, BatchId, CutRequest, FaultKind, OpenAct, PeerAct, PeerKey, PortError, Ports,
    QuarantineNote, ReadAct, Settled, Side,
};

/// What an action needs to know beside the ports.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// The contract that this side has.
    pub contract: Arc<Contract>,
    /// The link.
    pub link: LinkId,
    /// This zone.
    pub zone: ZoneName,
    /// The peer.
    pub peer: ZoneName,
    /// The extension of file names, as the gate's profile wants it.
    pub extension: String,
}

impl Surroundings {
    /// The name of a batch file of ours.
    #[must_use]
    pub fn batch_name(&self, id: &BatchId, attempt: u32) -> String {
        let kind = NameKind::Batch { stream: id.stream.clone(), epoch: id.epoch, seq: id.seq };
        self.name(kind, attempt, id.digest.short())
    }

    fn name(&self, kind: NameKind, attempt: u32, digest8: String) -> String {
        let (from, to) = (self.zone.clone(), self.peer.clone());
        FileName { from, to, kind, attempt, digest8, extension: self.extension.clone() }.to_string()
    }
}

/// Runs `action`. Every failure comes back in the outcome.
pub fn perform(action: Action, around: &Surroundings, ports: &Ports<'_>) -> Outcome {
    match action {
        Action::Observe { now_ms } => Outcome::Observed(observe(now_ms, ports)),
        Action::Cut { request, boundaries, plain_bytes, open } => {
            let result = read_and_cut(&request, &boundaries, plain_bytes, open, around, ports);
            Outcome::Cut(request.stream, result)
        }
        Action::Seal { statement, cut } => {
            let result = seal(&statement, &cut, ports);
            Outcome::Sealed(statement, cut, result)
        }
        Action::Record(batches) => {
            let result = ports.store.record(&batches);
            Outcome::Recorded(batches, result)
        }
        Action::Anchor(anchor) => {
            let result = ports.anchor.save(&anchor);
            Outcome::Anchored(anchor, result)
        }
        Action::Attempt(attempts) => {
            let result = ports.store.attempt(&attempts);
            Outcome::Attempted(attempts, result)
        }
        Action::Publish { id, name, replaces, reseal } => {
            let result = publish(&id, &name, replaces.as_deref(), reseal, ports);
            Outcome::Published(id, result)
        }
        Action::PublishStatus { statement, body, earlier, withdraw } => {
            let result = publish_status(&statement, &body, earlier, &withdraw, around, ports);
            Outcome::StatusPublished(statement.number, result)
        }
        Action::Settle { settled, archive, withdraw } => {
            let result = settle(&settled, &archive, &withdraw, ports);
            Outcome::Settled(settled, archive, withdraw, result)
        }
        Action::Reopen(reopened) => {
            let result = ports.store.reopen(&reopened);
            Outcome::Reopened(reopened, result)
        }
        Action::Load { stream, rows } => {
            let result = stream_contract(around, &stream).and_then(|contract| ports.store.load(contract, rows));
            Outcome::Loaded(stream, result)
        }
        returning @ (Action::FindOwn { .. }
        | Action::KeepOwn { .. }
        | Action::TakeBack { .. }
        | Action::GiveBack { .. }
        | Action::Withdraw(_)) => perform_returning(returning, around, ports),
        book @ (Action::Act(_) | Action::ListActs(_) | Action::Note(_) | Action::Retain(_) | Action::Prune(_)) => {
            perform_book(book, around, ports)
        }
        incoming @ (Action::Scan
        | Action::Take { .. }
        | Action::Keep { .. }
        | Action::Drop { .. }
        | Action::Expel { .. }
        | Action::Follow { .. }
        | Action::FollowBegun(_)
        | Action::PutAway(_)
        | Action::Apply { .. }
        | Action::ReadMark { .. }
        | Action::Recall { .. }
        | Action::KeepStatus { .. }) => perform_incoming(incoming, around, ports),
    }
}

/// Own batches on their way back, and the peer's.
#[expect(clippy::wildcard_enum_match_arm, reason = "`perform` names every action")]
fn perform_returning(action: Action, around: &Surroundings, ports: &Ports<'_>) -> Outcome {
    match action {
        Action::FindOwn { stream, epoch, range } => {
            let result = returning::find_own(&stream, epoch, range, ports);
            Outcome::FoundOwn(stream, range, result)
        }
        Action::TakeBack { stream, epoch_id, expect, batches, group_first, whole, now_ms } => {
            let place = (&expect, group_first);
            let result = returning::take_back(&stream, epoch_id, place, &batches, whole, now_ms, around, ports);
            Outcome::TakenBack(stream, result)
        }
        Action::GiveBack { stream, epoch, seqs, attempt } => {
            let (names, error) = returning::give_back(&stream, epoch, &seqs, attempt, around, ports);
            Outcome::GivenBack(stream, names, error)
        }
        Action::Withdraw(names) => {
            let result = returning::withdraw(&names, ports);
            Outcome::Withdrawn(names, result)
        }
        Action::KeepOwn { name, statement, digest, bytes } => {
            let result = returning::keep_own(&name, &statement, digest, &bytes, ports);
            Outcome::KeptOwn(name, Box::new((*statement, digest)), result)
        }
        _ => unreachable!("the caller hands over what is named here"),
    }
}

/// What is only written down.
#[expect(clippy::wildcard_enum_match_arm, reason = "`perform` names every action")]
fn perform_book(action: Action, around: &Surroundings, ports: &Ports<'_>) -> Outcome {
    match action {
        Action::Act(mut order) => {
            let result = supersede::act(&mut order, around, ports);
            Outcome::Acted(Box::new(order), result)
        }
        Action::ListActs(acts) => {
            let digests = acts.iter().map(|act| act.digest).collect();
            Outcome::ActsListed(digests, list_acts(acts, around, ports))
        }
        Action::Note(notes) => {
            let result = ports.store.note(&notes);
            Outcome::Noted(notes, result)
        }
        Action::Retain(retained) => Outcome::Retained(ports.store.retain(&retained)),
        Action::Prune(what) => {
            let (side, through) = (what.direction.side(), what.through);
            let result = ports.spool.prune(side, &what.stream, what.epoch, through, crate::settings::PRUNES_MAX);
            Outcome::Pruned(what, result)
        }
        _ => unreachable!("the caller hands over what is named here"),
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "`perform` names every action")]
fn perform_incoming(action: Action, around: &Surroundings, ports: &Ports<'_>) -> Outcome {
    match action {
        Action::Scan => Outcome::Scanned(ports.gate.scan(crate::settings::SCAN_FILES_MAX)),
        Action::Take { name, peer_keys } => {
            let result = take(&name, &peer_keys, ports);
            Outcome::Taken(name, result)
        }
        Action::Keep { name, id, bytes } => {
            let result = ports.spool.put(Side::In, &id, &bytes).and_then(|()| ports.gate.remove(&name));
            Outcome::Kept(name, id, result)
        }
        Action::KeepStatus { name, bytes } => {
            let kept = ports.spool.archive_status(Side::In, &name, &bytes);
            Outcome::Dropped(name.clone(), kept.and_then(|()| ports.gate.remove(&name)))
        }
        Action::Drop { name, dispute, refused } => {
            let remembered = dispute.map_or(Ok(()), |dispute| ports.store.dispute(&dispute));
            let kept = remembered
                .and_then(|()| refused.map_or(Ok(()), |(note, bytes)| ports.quarantine.put(&name, &bytes, &note)));
            let result = kept.and_then(|()| ports.gate.remove(&name));
            Outcome::Dropped(name, result)
        }
        Action::Recall { name, id, bytes } => {
            let result = ports.store.applied_place(&id.stream, id.epoch, id.seq);
            Outcome::Recalled(name, id, bytes, result)
        }
        Action::Expel { id, note } => {
            let result = expel(&id, &note, around, ports);
            Outcome::Expelled(id, note.code, result)
        }
        Action::Follow { epoch_id, genesis } => {
            let result = follow(epoch_id, &genesis, None, ports);
            Outcome::Followed(epoch_id, genesis, result)
        }
        Action::FollowBegun(mut act) => {
            let result = epoch::begin(&mut act, around, ports);
            Outcome::FollowedBegun(act, result)
        }
        Action::ReadMark { stream } => {
            let result = ports.store.watermark(&stream);
            Outcome::MarkRead(stream, result)
        }
        Action::PutAway(ids) => {
            let (left, error) = put_away(ids, ports);
            Outcome::PutAway(left, error)
        }
        Action::Apply { stream, epoch_id, expect, batches, peer_keys, now_ms } => {
            let batches = ToApply { batches: &batches, peer_keys: &peer_keys };
            let result = apply(&stream, epoch_id, &expect, batches, now_ms, around, ports);
            Outcome::Applied(stream, result)
        }
        _ => unreachable!("the caller hands over what is named here"),
    }
}

fn read_and_cut(
    request: &CutRequest,
    boundaries: &[u64],
    plain_bytes: u64,
    open: bool,
    around: &Surroundings,
    ports: &Ports<'_>,
) -> Result<CutOutcome, PortError> {
    let contract = stream_contract(around, &request.stream)?;
    let raw = ports.store.cut(request)?;
    match raw.contract {
        None if !open => Ok(CutOutcome::Empty { upto: request.upto }),
        Some(digest) if digest != contract.digest => Ok(CutOutcome::UnknownContract(digest)),
        None | Some(_) => {
            let salt = ports.sealer.salt()?;
            Ok(cut(&raw, request.rows, boundaries, plain_bytes, contract, salt, open))
        }
    }
}

fn stream_contract<'a>(around: &'a Surroundings, stream: &StreamName) -> Result<&'a StreamContract, PortError> {
    let unknown = || PortError::new(FaultKind::Conflict, format!("stream {stream} is not in the contract"));
    around.contract.stream(stream).ok_or_else(unknown)
}

fn seal(
    statement: &ferry_format::BatchStatement,
    cut: &CutBatch,
    ports: &Ports<'_>,
) -> Result<(ferry_format::Digest, u64), PortError> {
    let sealed = ports.sealer.seal_batch(statement, &cut.payload)?;
    let id = BatchId::of(statement, sealed.digest);
    put_sealed(&id, &sealed.bytes, ports)?;
    Ok((sealed.digest, u64::try_from(sealed.bytes.len()).unwrap_or(u64::MAX)))
}

/// Makes a sealed file durable. One that is there and may not be durable is removed: its batch is sealed again, as another file,
/// and a disk that fails for long would fill up with what nobody asks for.
fn put_sealed(id: &BatchId, bytes: &[u8], ports: &Ports<'_>) -> Result<(), PortError> {
    let Err(error) = ports.spool.put(Side::Out, id, bytes) else { return Ok(()) };
    // What is in conflict is another batch's file under the same name.
    if error.kind != FaultKind::Conflict
        && let Err(left) = ports.spool.discard(Side::Out, id)
    {
        return Err(PortError::new(error.kind, format!("{error}; it may lie there until the next start: {left}")));
    }
    Err(error)
}

/// Looks at the database, and reads the acts that wait there.
fn observe(now_ms: u64, ports: &Ports<'_>) -> Result<Observed, PortError> {
    let mut observation = ports.store.observe()?;
    let read = |OpenAct { id, file }| {
        let act = ports.sealer.read_act(&file, ActTime::Now(now_ms)).map_err(|error| error.code().to_owned());
        ReadAct { id, file, act }
    };
    let acts = std::mem::take(&mut observation.acts).into_iter().map(read).collect();
    Ok(Observed { observation, acts, standing: ports.sealer.standing() })
}

/// An act that no operator whom this zone trusts has signed is listed as such.
fn list_acts(mut acts: Vec<PeerAct>, around: &Surroundings, ports: &Ports<'_>) -> Result<(), PortError> {
    for act in &mut acts {
        let read = ports.sealer.read_act(&act.file, ActTime::Past);
        act.verified = read.as_ref().is_ok_and(|read| read.zone == around.peer);
        if act.verified && read.is_ok_and(|read| matches!(read.deed, Deed::NewEpoch { .. })) {
            epoch::keep(Side::In, act, ports)?;
        }
    }
    ports.store.list_acts(&acts)
}

fn publish(id: &BatchId, name: &str, replaces: Option<&str>, reseal: bool, ports: &Ports<'_>) -> Result<(), PortError> {
    let mut bytes = ports.spool.get(Side::Out, id)?;
    let is_current = ports.sealer.is_current(&bytes)?;
    if reseal || !is_current {
        coverage::hit(if is_current { Place::Resealed } else { Place::ResealedForKey });
        bytes = ports.sealer.reseal(&bytes)?.bytes;
        ports.spool.put(Side::Out, id, &bytes)?;
    }
    if let Some(old) = replaces {
        ports.gate.withdraw(old)?;
    }
    ports.gate.publish(name, &bytes)?;
    if breaks::is(Break::SpoolDeletedWhenTaken) {
        ports.spool.discard(Side::Out, id)?;
    }
    Ok(())
}

fn publish_status(
    statement: &StatusStatement,
    body: &StatusBody,
    earlier: Vec<String>,
    withdraw: &[String],
    around: &Surroundings,
    ports: &Ports<'_>,
) -> Result<Vec<String>, PortError> {
    let sealed = ports.sealer.seal_status(statement, body)?;
    let name = around.name(NameKind::Status { number: statement.number }, 1, sealed.digest.short());
    for name in withdraw {
        ports.gate.withdraw(name)?;
    }
    let mut at_gate = Vec::new();
    for old in earlier {
        // A gate that looks seldom, and wants to see a file twice, would never take one that is always replaced.
        if breaks::is(Break::StatusAlwaysReplaced) {
            ports.gate.withdraw(&old)?;
            continue;
        }
        if !ports.gate.waits(&old)? {
            continue;
        }
        if at_gate.is_empty() {
            coverage::hit(Place::StatusWaits);
            at_gate.push(old);
        } else {
            ports.gate.withdraw(&old)?;
        }
    }
    // Evidence first: were it last, a full archive would leave a file at the gate that nobody withdraws.
    ports.spool.archive_status(Side::Out, &name, &sealed.bytes)?;
    ports.gate.publish(&name, &sealed.bytes)?;
    at_gate.push(name);
    Ok(at_gate)
}

/// Writes down what the peer has proved, and puts its files away. A file that is gone or damaged is told and changes nothing
/// else: to try again would not bring it back.
fn settle(
    settled: &Settled,
    archive: &[BatchId],
    withdraw: &[String],
    ports: &Ports<'_>,
) -> Result<Option<PortError>, PortError> {
    ports.store.settle(settled)?;
    for name in withdraw {
        ports.gate.withdraw(name)?;
    }
    let lost = match ports.spool.archive(Side::Out, archive) {
        Ok(()) => return Ok(None),
        Err(error) if error.kind == FaultKind::Corrupt => error,
        Err(error) => return Err(error),
    };
    for id in archive {
        match ports.spool.archive(Side::Out, std::slice::from_ref(id)) {
            Err(error) if error.kind != FaultKind::Corrupt => return Err(error),
            Ok(()) | Err(_) => {}
        }
    }
    Ok(Some(lost))
}

fn take(name: &str, peer_keys: &[PeerKey], ports: &Ports<'_>) -> Result<TakenFile, PortError> {
    let Some(bytes) = ports.gate.read(name)? else { return Ok(None) };
    let vetted = ports.sealer.vet(&bytes);
    // Whoever has revoked a key since must not find that its thief was believed once more.
    if *ports.sealer.standing().peer_keys != *peer_keys {
        let text = format!("the peer's keys have changed; {name} is judged again");
        return Err(PortError::new(FaultKind::Transient, text));
    }
    Ok(Some((Arc::new(bytes), vetted)))
}

fn expel(id: &BatchId, note: &QuarantineNote, around: &Surroundings, ports: &Ports<'_>) -> Result<(), PortError> {
    let bytes = ports.spool.get(Side::In, id)?;
    let kind = NameKind::Batch { stream: id.stream.clone(), epoch: id.epoch, seq: id.seq };
    let name = FileName {
        from: around.peer.clone(),
        to: around.zone.clone(),
        kind,
        attempt: 1,
        digest8: id.digest.short(),
        extension: around.extension.clone(),
    };
    ports.quarantine.put(&name.to_string(), &bytes, note)?;
    ports.spool.discard(Side::In, id)
}

/// Follows an epoch. One that is followed already, because an earlier commit's outcome was not known, is no failure.
fn follow(epoch_id: EpochId, genesis: &Mark, act: Option<&PeerAct>, ports: &Ports<'_>) -> Result<(), PortError> {
    let error = match ports.store.follow(epoch_id, genesis, act) {
        Ok(()) => return Ok(()),
        Err(error) => error,
    };
    match ports.store.watermark(&genesis.stream)? {
        Some(mark) if mark == *genesis => Ok(()),
        Some(_) | None => Err(error),
    }
}

fn apply(
    stream: &StreamName,
    epoch_id: EpochId,
    expect: &Mark,
    to_apply: ToApply<'_>,
    now_ms: u64,
    around: &Surroundings,
    ports: &Ports<'_>,
) -> Result<(ApplyOutcome, Option<LeftFiles>), PortError> {
    let contract = stream_contract(around, stream)?;
    let mut source = Group::new(ports.spool, ports.sealer, contract, to_apply);
    let request = ApplyRequest { contract, epoch_id, expect, now_ms };
    let outcome = ports.store.apply(&request, &mut source)?;
    // The rows are committed and must be reported as such; a file that stays in the spool is archived later.
    let left_behind = match outcome {
        ApplyOutcome::Applied { .. } => {
            let ids: Vec<BatchId> = to_apply.batches.iter().map(|(id, _)| id.clone()).collect();
            ports.spool.archive(Side::In, &ids).err().map(|error| (ids, error))
        }
        ApplyOutcome::Refused(_) | ApplyOutcome::Spoiled(_) | ApplyOutcome::Moved(_) => None,
    };
    Ok((outcome, left_behind))
}

/// Archives files of applied batches, each by itself, until the disk does not take one. Says what is left, and what failed.
fn put_away(ids: Vec<BatchId>, ports: &Ports<'_>) -> (Vec<BatchId>, Option<PortError>) {
    let mut lost = None;
    let mut ids = ids.into_iter();
    while let Some(id) = ids.next() {
        match ports.spool.archive(Side::In, std::slice::from_ref(&id)) {
            Ok(()) => {}
            Err(error) if error.kind == FaultKind::Corrupt => lost = Some(error),
            Err(error) => return ([id].into_iter().chain(ids).collect(), Some(error)),
        }
    }
    (Vec::new(), lost)
}
