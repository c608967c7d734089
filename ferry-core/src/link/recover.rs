//! Takes up the work where the books, the spool and the anchor left it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use ferry_format::{BootNonce, Counters, Mark, StreamName};
use thiserror::Error;

use super::status::UNNOTED_NUMBERS;
use super::{Chore, Link, Lock, acts, intake, outgoing, peer, status};
use crate::breaks::{self, Break};
use crate::coverage::{self, Place};
use crate::perform::{Again, Surroundings};
use crate::ports::{Anchor, BatchId, Notes, PortError, Ports, Recovered, RecoveredOut, Side, Vetted};
use crate::receiver::Receiver;
use crate::retention::Retention;
use crate::sender::{FirstLook, Sender};
use crate::settings::Settings;
use crate::time::{Mono, Now};

/// Status numbers that a zone without its anchor may use before the peer has answered; the clock outruns them.
const UNANCHORED_NUMBERS: u64 = 1_000_000;

/// Why the work cannot be taken up.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RecoverError {
    /// A port failed.
    #[error(transparent)]
    Port(#[from] PortError),
    /// The books name an own stream that the contract does not have any more.
    #[error("the database sends stream `{0}`, which is not in the contract of this zone")]
    UnknownStream(StreamName),
}

/// Reads the books, the spool and the anchor, and gives a link that goes on from there.
///
/// # Errors
/// When one of them cannot be read, or they contradict the contract.
pub fn recover(
    around: Arc<Surroundings>,
    settings: Settings,
    boot: BootNonce,
    ports: &Ports<'_>,
    now: Now,
) -> Result<Link, RecoverError> {
    let recovered = ports.store.recover()?;
    let mut anchor = ports.anchor.load()?;
    let lock = judge_lock(anchor.as_ref(), &recovered, ports)?;
    let (recovered, left) = carry_out_again((lock, recovered), &around, &mut anchor, ports, now)?;
    sort_spool(&recovered, lock, ports)?;
    let retention = Retention::recover(recovered.retained.clone(), settings.retention_ms, now);
    let mut link = Link {
        senders: senders(&around, &settings, &recovered, now)?,
        receivers: receivers(&around, &recovered),
        order: Vec::new(),
        instance: recovered.instance,
        boot,
        next_op: 1,
        in_flight: BTreeSet::new(),
        audit: recovered.audit,
        lock,
        observe: Chore::default(),
        scan: Chore::default(),
        note: Chore::default(),
        retain: Chore { at: now.mono + retention.interval_ms(), busy: false },
        prune: Chore { at: Mono(u64::MAX), busy: false },
        retention,
        anchor: outgoing::AnchorState::lacking(unknown_superseding(anchor.as_ref(), ports)?),
        settles: VecDeque::new(),
        settling: false,
        publishing: 0,
        publish_retry: None,
        intake: intake::Intake::default(),
        counters: Counters::default(),
        turned_away: BTreeMap::new(),
        status: status::StatusState::default(),
        peer: peer::PeerState::default(),
        notes: Notes::default(),
        last_noted: now.mono,
        noted_fingerprint: 0,
        dropped_life: 0,
        acts: acts::Acts::recovered(recovered.untold.clone()),
        returning: super::returning::Returning::default(),
        giving: super::give_back::Giving::default(),
        epochs: super::epochs::Epochs::default(),
        last_fault: BTreeMap::new(),
        failing: super::failing::Failing::default(),
        left: super::put_away::LeftBehind::default(),
        keys: super::keys::Keys::default(),
        around,
        settings,
    };
    link.order = link.senders.keys().cloned().collect();
    link.order.sort_by_key(|stream| std::cmp::Reverse(link.senders[stream].priority));
    left.iter().for_each(|error| link.fault("carry-out-again", error));
    link.take_up_anchor(anchor, recovered.status_number, now);
    link.take_up_spool(ports, now)?;
    link.read_standing(ports.sealer.standing(), now);
    #[cfg(feature = "breaks")]
    if breaks::is(Break::OrphanResealed) {
        for id in ports.spool.list(Side::Out)? {
            let sender = link.senders.get_mut(&id.stream);
            sender.into_iter().for_each(|sender| sender.adopt_orphan(&id));
        }
    }
    Ok(link)
}

/// Carries out again what operators decided after the backup was made. The anchor says before that the zone was restored: what shows
/// it otherwise may be gone then.
fn carry_out_again(
    (lock, recovered): (Option<Lock>, Recovered),
    around: &Surroundings,
    anchor: &mut Option<Anchor>,
    ports: &Ports<'_>,
    now: Now,
) -> Result<(Recovered, Vec<PortError>), PortError> {
    let (mut any, mut left) = (false, Vec::new());
    if lock.is_none() {
        return Ok((recovered, left));
    }
    let anchored = anchor.as_ref().map(|anchor| anchor.superseding.clone()).unwrap_or_default();
    for own in &recovered.outgoing {
        let again = Again { own, first: 1, anchored: &anchored, around, at_ms: now.wall_ms };
        let mut before = || {
            let sound = anchor.as_mut().filter(|anchor| anchor.instance == recovered.instance && !anchor.restored);
            let Some(anchor) = sound else { return Ok(()) };
            anchor.restored = true;
            ports.anchor.save(anchor)
        };
        any |= again.carry_out(ports, &mut before, &mut left)?;
    }
    Ok((if any { ports.store.recover()? } else { recovered }, left))
}

/// Why the zone begins locked, if it does.
fn judge_lock(anchor: Option<&Anchor>, recovered: &Recovered, ports: &Ports<'_>) -> Result<Option<Lock>, PortError> {
    let mut lock = judge_anchor(anchor, recovered);
    if lock.is_none() && !unknown_superseding(anchor, ports)?.is_empty() && !breaks::is(Break::AnchorIgnored) {
        lock = Some(Lock::Restored);
    }
    match lock {
        Some(Lock::Restored) => coverage::hit(Place::RestoredLocked),
        Some(Lock::AnchorMissing | Lock::AnchorForeign) => coverage::hit(Place::AnchorLocked),
        None => {}
    }
    Ok(lock)
}

/// A database older than its anchor was restored; one without its anchor may have been.
fn judge_anchor(anchor: Option<&Anchor>, recovered: &Recovered) -> Option<Lock> {
    if breaks::is(Break::AnchorIgnored) {
        return None;
    }
    let Some(anchor) = anchor else {
        return (!breaks::is(Break::MissingAnchorIgnored)).then_some(Lock::AnchorMissing);
    };
    if anchor.instance == recovered.instance && anchor.restored {
        return Some(Lock::Restored);
    }
    if anchor.instance != recovered.instance {
        return Some(Lock::AnchorForeign);
    }
    let behind = anchor.sent.iter().any(|sent| {
        let stream = recovered.outgoing.iter().find(|stream| stream.last.stream == sent.stream);
        stream.is_none_or(|stream| {
            let last = &stream.last;
            (last.epoch, last.seq) < (sent.epoch, sent.seq)
                || (last.epoch, last.seq) == (sent.epoch, sent.seq) && last.digest != sent.digest
        })
    });
    behind.then_some(Lock::Restored)
}

/// The batches that took the place of others and may have been sent, and that the books lack.
fn unknown_superseding(anchor: Option<&Anchor>, ports: &Ports<'_>) -> Result<Vec<Mark>, PortError> {
    let mut unknown = Vec::new();
    for mark in anchor.iter().flat_map(|anchor| &anchor.superseding) {
        if !ports.store.recorded_digests(&mark.stream, mark.epoch, mark.seq)?.contains(&mark.digest) {
            unknown.push(mark.clone());
        }
    }
    Ok(unknown)
}

/// What an interrupted daemon left in the spool. A sealed file whose batch was never recorded was never published: its rows
/// are still in the outbox. That holds unless the database is an older one; then the file may be all that is left of them.
/// What is of a life that has ended is evidence, whether or not the books know it.
fn sort_spool(recovered: &Recovered, lock: Option<Lock>, ports: &Ports<'_>) -> Result<(), PortError> {
    let mut settled = Vec::new();
    for id in ports.spool.list(Side::Out)? {
        let has_ended = |stream: &RecoveredOut| stream.last.stream == id.stream && id.epoch < stream.last.epoch;
        if recovered.outgoing.iter().any(has_ended) {
            settled.push(id);
            continue;
        }
        let own = recovered.outgoing.iter().any(|stream| stream.last.stream == id.stream);
        let recorded = match own {
            true => ports.store.recorded_digests(&id.stream, id.epoch, id.seq)?,
            false => Vec::new(),
        };
        let counts = recorded.last() == Some(&id.digest);
        if !counts && recorded.contains(&id.digest) {
            // Another batch has taken its place: it is evidence.
            settled.push(id);
        } else if counts {
            let waits = |stream: &RecoveredOut| {
                let settled = &stream.settled;
                settled.stream == id.stream && settled.epoch == id.epoch && id.seq > settled.seq
            };
            if !recovered.outgoing.iter().any(waits) {
                settled.push(id);
            }
        } else if lock.is_none() && !breaks::is(Break::OrphanResealed) {
            coverage::hit(Place::SpoolTakenUp);
            ports.spool.discard(Side::Out, &id)?;
        }
    }
    if settled.is_empty() { Ok(()) } else { ports.spool.archive(Side::Out, &settled) }
}

fn senders(
    around: &Surroundings,
    settings: &Settings,
    recovered: &Recovered,
    now: Now,
) -> Result<BTreeMap<StreamName, Sender>, RecoverError> {
    // The peer's first status, which says what it holds, should be here by then.
    let look = FirstLook { at: now.mono + 2 * settings.handshake_ms, window: settings.window_batches };
    let mut senders = BTreeMap::new();
    for stream in &recovered.outgoing {
        let name = stream.last.stream.clone();
        let contract = around.contract.stream(&name).ok_or_else(|| RecoverError::UnknownStream(name.clone()))?;
        let (limits, priority, depends) = (contract.limits, contract.priority, contract.depends.clone());
        senders.insert(name, Sender::recover(stream.clone(), limits, priority, depends, now, look));
    }
    Ok(senders)
}

fn receivers(around: &Surroundings, recovered: &Recovered) -> BTreeMap<StreamName, Receiver> {
    let mut receivers = BTreeMap::new();
    for contract in around.contract.owned_by(&around.peer) {
        let found = recovered.incoming.iter().find(|stream| stream.stream == contract.name).cloned();
        let stream = found.unwrap_or_else(|| crate::ports::RecoveredIn {
            stream: contract.name.clone(),
            followed: None,
            parked_rows: 0,
            reports: Vec::new(),
            disputed: Vec::new(),
            dismissed: Vec::new(),
            on_hold: false,
            superseded: None,
        });
        receivers.insert(contract.name.clone(), Receiver::recover(stream, contract.priority, contract.digest));
    }
    receivers
}

/// So many numbers a start without an anchor may begin later than it would have to: far more than one start uses, and less than three
/// hours of the clock.
const SPREAD_NUMBERS: u64 = 1_000_000;

fn spread(boot: &BootNonce) -> u64 {
    boot.0.iter().fold(0, |sum, byte| (sum * 256 + u64::from(*byte)) % SPREAD_NUMBERS)
}

impl Link {
    fn take_up_anchor(&mut self, anchor: Option<Anchor>, noted: u64, now: Now) {
        // Without an anchor, or with one that a backup may have brought along, the old numbers are not known; hundredths of a
        // second since 1970 are above any number that a zone which speaks a few times a second can have used. The clock may
        // have been put back since an earlier start without an anchor: then the books know better. Of a start from the same backup
        // they know nothing: chance keeps the two apart.
        let unknown = (now.wall_ms / 10).max(noted.saturating_add(UNNOTED_NUMBERS)).saturating_add(spread(&self.boot));
        (self.status.next, self.status.noted) = (unknown, noted);
        self.status.started = now.mono;
        let Some(anchor) = anchor.filter(|anchor| anchor.instance == self.instance) else {
            self.anchor.status_next = self.status.next + UNANCHORED_NUMBERS;
            return;
        };
        self.status.next = match anchor.restored {
            true => anchor.status_next.max(unknown),
            false => anchor.status_next,
        };
        if breaks::is(Break::StatusNumbersReused) {
            self.status.next = 1;
        }
        self.anchor.status_next = anchor.status_next;
        self.peer.highest = anchor.peer;
        self.peer.told_from = self.status.next;
        self.anchor.marks.clone_from(&anchor.sent);
        self.anchor.superseding.clone_from(&anchor.superseding);
        self.anchor.restored = anchor.restored;
        self.anchor.before = anchor.before;
        self.recover_beginning();
        self.anchor.sent = anchor.sent.into_iter().map(|mark| (mark.stream, (mark.epoch, mark.seq))).collect();
    }

    /// Batches that were held when the daemon ended are vetted again and held again.
    fn take_up_spool(&mut self, ports: &Ports<'_>, now: Now) -> Result<(), PortError> {
        let mut applied: Vec<BatchId> = Vec::new();
        for id in ports.spool.list(Side::In)? {
            let Some(receiver) = self.receivers.get_mut(&id.stream) else { continue };
            if is_applied(receiver.mark(), &id, ports)? {
                applied.push(id);
                continue;
            }
            let bytes = ports.spool.get(Side::In, &id)?;
            match ports.sealer.vet(&bytes) {
                Ok(Vetted::Batch(batch)) if batch.digest == id.digest => {
                    coverage::hit(Place::SpoolTakenUp);
                    if receiver.is_displaced(&batch.statement, batch.digest) {
                        ports.spool.discard(Side::In, &id)?;
                        continue;
                    }
                    for displaced in receiver.displace(&batch.statement) {
                        ports.spool.discard(Side::In, &displaced)?;
                    }
                    let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
                    receiver.add(&batch.statement, (batch.digest, batch.signer), length, now, true);
                }
                // A key may have been revoked, or the file rotted: the peer sends it again.
                Ok(_) | Err(_) => ports.spool.discard(Side::In, &id)?,
            }
        }
        if !applied.is_empty() {
            ports.spool.archive(Side::In, &applied)?;
        }
        self.receivers.values_mut().for_each(Receiver::find_ended);
        Ok(())
    }
}

/// Whether a batch in the spool was applied. One of an epoch that has ended may have been held when it did.
fn is_applied(mark: Option<&Mark>, id: &BatchId, ports: &Ports<'_>) -> Result<bool, PortError> {
    let Some(mark) = mark else { return Ok(false) };
    if id.epoch >= mark.epoch {
        return Ok((id.epoch, id.seq) <= (mark.epoch, mark.seq));
    }
    let place = ports.store.applied_place(&id.stream, id.epoch, id.seq)?;
    Ok(place.is_some_and(|place| place.digest == id.digest))
}
