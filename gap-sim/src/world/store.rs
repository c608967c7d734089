//! The store port over a [`Database`] in memory: each call is one transaction, which commits, does not, or does without
//! anybody learning of it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ferry_core::breaks::{self, Break};
use ferry_core::contract::StreamContract;
use ferry_core::ports::{
    ACT_DONE, ACTED_ALREADY, ActEnd, ActOrder, AppliedPlace, ApplyOutcome, ApplyRequest, Attempt, BatchSource,
    CutRequest, Dispute, DisputedPlace, FaultKind, Loaded, Notes, Observation, OutgoingBatch, PeerAct, PortError,
    RawCut, Recovered, RecoveredBatch, RecoveredIn, Retained, ReturnSource, Settled, Store, StreamBacklog,
    TakeBackOutcome, TakeBackRequest,
};
use ferry_format::{Deed, Digest, EpochId, Mark, Op, Payload, StreamName};

use super::apply::{ApplyPlan, not_applied};
use super::change::Change;
use super::database::{Captured, Database, PeerStream, RecordedBatch};
use super::fuse::{Fuse, Stopped};
use super::lives::{place, place_of};
use super::load::LoadStep;
use super::take_back::{TakeBackPlan, recovered_out};

/// What the next transactions meet.
#[derive(Debug, Default)]
struct Trouble {
    /// So many calls find the database busy.
    busy: u64,
    /// So many commits find the disk full.
    full: u64,
    /// The next commit happens, or not, and its outcome is not known.
    unknown: Option<bool>,
}

/// One zone's database as the protocol sees it.
#[derive(Debug)]
pub struct SimStore {
    fuse: Arc<Fuse>,
    database: Mutex<Database>,
    trouble: Mutex<Trouble>,
    /// What a mistaken load has read and not written.
    pub(super) read_early: Mutex<BTreeMap<StreamName, LoadStep>>,
}

/// The value that no database of these worlds takes: a CHECK constraint stands against it.
pub const POISON: &str = "poison";

fn fault(kind: FaultKind, text: &str) -> PortError {
    PortError::new(kind, text)
}

fn stopped(_: Stopped) -> PortError {
    fault(FaultKind::Unknown, "the host has stopped")
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

impl SimStore {
    /// A store over a database.
    #[must_use]
    pub fn new(database: Database, fuse: Arc<Fuse>) -> Self {
        Self { fuse, database: Mutex::new(database), trouble: Mutex::default(), read_early: Mutex::default() }
    }

    /// The committed state, for those who look on or restore it.
    pub fn database(&self) -> MutexGuard<'_, Database> {
        self.database.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn trouble(&self) -> MutexGuard<'_, Trouble> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next so many calls find the database busy.
    pub fn make_busy(&self, calls: u64) {
        self.trouble().busy = calls;
    }

    /// The next so many commits find the disk full.
    pub fn make_full(&self, commits: u64) {
        self.trouble().full = commits;
    }

    /// The outcome of the next commit is not known; whether it happens is told.
    pub fn make_unknown(&self, happens: bool) {
        self.trouble().unknown = Some(happens);
    }

    /// No transaction meets anything any more.
    pub fn mend(&self) {
        *self.trouble() = Trouble::default();
    }

    fn read<T>(&self, work: impl FnOnce(&Database) -> Result<T, PortError>) -> Result<T, PortError> {
        self.fuse.burn().map_err(stopped)?;
        self.busy()?;
        work(&self.database())
    }

    fn busy(&self) -> Result<(), PortError> {
        let mut trouble = self.trouble();
        if trouble.busy > 0 {
            trouble.busy -= 1;
            return Err(fault(FaultKind::Transient, "the database is busy"));
        }
        Ok(())
    }

    /// One transaction: `plan` reads and decides, `act` changes. Whether the commit happens is settled between the two, so
    /// that nothing needs to be taken back.
    pub(super) fn write<P>(
        &self,
        plan: impl FnOnce(&Database) -> Result<P, PortError>,
        act: impl FnOnce(&mut Database, P),
    ) -> Result<(), PortError> {
        self.fuse.burn().map_err(stopped)?;
        self.busy()?;
        let planned = plan(&self.database())?;
        self.commit(|database| act(database, planned))
    }

    fn commit(&self, act: impl FnOnce(&mut Database)) -> Result<(), PortError> {
        self.commit_unseen(|database| {
            act(database);
            database.commits += 1;
        })
    }

    /// Commits something that no checker compares, so none need look.
    fn commit_unseen(&self, act: impl FnOnce(&mut Database)) -> Result<(), PortError> {
        let mut trouble = self.trouble();
        if trouble.full > 0 {
            trouble.full -= 1;
            return Err(fault(FaultKind::Full, "no room for the commit"));
        }
        self.fuse.burn().map_err(stopped)?;
        let unknown = trouble.unknown.take();
        if unknown != Some(false) {
            let mut database = self.database();
            act(&mut database);
        }
        if unknown.is_some() {
            return Err(fault(FaultKind::Unknown, "the connection broke during the commit"));
        }
        // A host that stops here has committed and nobody was told.
        self.fuse.burn().map_err(stopped)
    }

    /// The application of the zone commits one transaction; capture writes the outbox with it.
    ///
    /// # Panics
    /// When the stream is not the zone's own: a mistake of the world.
    pub fn commit_rows(&self, stream: &StreamContract, changes: &[Change]) {
        let mut database = self.database();
        let mut lines = Vec::new();
        for change in changes {
            let table = database.tables.entry(change.table.clone()).or_default();
            match change.op {
                Op::Insert | Op::Update => table.insert(change.key.clone(), change.values.clone()),
                Op::Delete => table.remove(&change.key),
            };
            lines.push(change.line());
        }
        let own = database.own.get_mut(&stream.name).expect("a world writes own streams only");
        for line in lines {
            own.last_id += 1;
            own.outbox.insert(own.last_id, Captured { line, contract: stream.digest });
        }
        database.commits += 1;
    }
}

impl Store for SimStore {
    fn recover(&self) -> Result<Recovered, PortError> {
        self.read(|database| {
            let outgoing = database.own.values().map(|own| recovered_out(database, own));
            let incoming = database.peers.iter().map(|(stream, peer)| RecoveredIn {
                stream: stream.clone(),
                followed: peer.followed.clone(),
                parked_rows: count(peer.parked.len()),
                on_hold: database.on_hold.contains(stream),
                superseded: peer.last_superseded(stream),
                reports: peer.last_reports(256),
                disputed: peer
                    .disputed
                    .iter()
                    .map(|((epoch, seq), against)| DisputedPlace { epoch: *epoch, seq: *seq, against: *against })
                    .collect(),
                dismissed: peer.dismissed.iter().copied().collect(),
            });
            Ok(Recovered {
                instance: database.instance,
                audit: database.checkpoint(),
                outgoing: outgoing.collect(),
                incoming: incoming.collect(),
                retained: database.retained.clone(),
                untold: database.untold_acts(),
                status_number: database.status_number,
            })
        })
    }

    fn observe(&self) -> Result<Observation, PortError> {
        self.fuse.burn().map_err(stopped)?;
        self.busy()?;
        let mut database = self.database();
        let ends: BTreeMap<StreamName, u64> =
            database.own.iter().map(|(stream, own)| (stream.clone(), own.last_id)).collect();
        for own in database.own.values_mut().filter(|own| own.last_id > own.through_id) {
            own.remember(&ends);
        }
        let streams = ends.into_iter().map(|(stream, last_id)| StreamBacklog { stream, last_id, capture: None });
        Ok(Observation { streams: streams.collect(), audit: database.checkpoint(), acts: database.open_acts() })
    }

    fn cut(&self, request: &CutRequest) -> Result<RawCut, PortError> {
        self.read(|database| {
            let outbox =
                &database.own.get(&request.stream).ok_or_else(|| fault(FaultKind::Conflict, "no stream"))?.outbox;
            let limit = usize::try_from(request.rows).unwrap_or(usize::MAX);
            let mut cut = RawCut::default();
            for (id, captured) in
                outbox.range(request.after + 1..).take(limit).take_while(|(id, _)| **id <= request.upto)
            {
                if *cut.contract.get_or_insert(captured.contract) != captured.contract {
                    break;
                }
                if !cut.ids.is_empty() {
                    cut.lines.push(b'\n');
                }
                cut.ids.push(*id);
                cut.lines.extend_from_slice(captured.line.as_bytes());
            }
            Ok(cut)
        })
    }

    fn record(&self, batches: &[OutgoingBatch]) -> Result<(), PortError> {
        self.write(
            |database| plan_record(database, batches),
            |database, fresh| {
                for batch in &batches[fresh..] {
                    record_one(database, batch);
                }
            },
        )
    }

    fn attempt(&self, attempts: &[Attempt]) -> Result<(), PortError> {
        self.write(
            |database| match database.awaits(attempts) {
                true => Ok(()),
                false => Err(fault(FaultKind::Conflict, "no batch waits for this attempt")),
            },
            |database, ()| {
                for attempt in attempts {
                    let own = database.own.get_mut(&attempt.stream);
                    if let Some(recorded) = own.and_then(|own| own.batches.get_mut(&place(attempt.epoch, attempt.seq)))
                    {
                        recorded.batch.attempt = attempt.attempt;
                    }
                    let text = format!("attempt {} {}", attempt.seq, attempt.attempt);
                    database.leaf(&format!("out.{}", attempt.stream), &text);
                }
            },
        )
    }

    fn settle(&self, settled: &Settled) -> Result<(), PortError> {
        let mark = &settled.mark;
        self.write(
            |database| {
                let own = database.own.get(&mark.stream);
                let own = own.ok_or_else(|| fault(FaultKind::Conflict, "no stream of this zone"))?;
                if mark.epoch != own.last.epoch {
                    return Err(fault(FaultKind::Conflict, "no batch of this epoch"));
                }
                if mark.seq <= own.settled.seq {
                    return Ok(false);
                }
                if own.batches.get(&place_of(mark)).map(|recorded| recorded.batch.digest) != Some(mark.digest) {
                    return Err(fault(FaultKind::Conflict, "another digest here"));
                }
                Ok(true)
            },
            |database, is_news| {
                if let Some(own) = database.own.get_mut(&mark.stream).filter(|_| is_news) {
                    own.settled = mark.clone();
                    database.leaf(&format!("out.{}", mark.stream), &format!("settled {}", mark.seq));
                }
            },
        )
    }

    fn reopen(&self, reopened: &Settled) -> Result<Vec<RecoveredBatch>, PortError> {
        let mark = &reopened.mark;
        self.write(
            |database| {
                let own = database.own.get(&mark.stream);
                let own = own.ok_or_else(|| fault(FaultKind::Conflict, "no stream of this zone"))?;
                let digest = match mark.seq {
                    0 => own.batches.get(&place(mark.epoch, 1)).map(|recorded| recorded.previous),
                    seq => own.batches.get(&place(mark.epoch, seq)).map(|recorded| recorded.batch.digest),
                };
                let is_ours = mark.epoch == own.last.epoch && mark.seq <= own.settled.seq;
                if !is_ours || digest != Some(mark.digest) {
                    return Err(fault(FaultKind::Conflict, "none of the settled batches"));
                }
                Ok(mark.seq < own.settled.seq)
            },
            |database, is_news| {
                if let Some(own) = database.own.get_mut(&mark.stream).filter(|_| is_news) {
                    own.settled = mark.clone();
                    database.leaf(&format!("out.{}", mark.stream), &format!("reopened {}", mark.seq));
                }
            },
        )?;
        let batches = self.database().own[&mark.stream].batches.clone();
        Ok(batches.into_iter().filter(|(at, _)| *at > place_of(mark)).map(|(_, recorded)| recorded.batch).collect())
    }

    fn recorded_digests(&self, stream: &StreamName, epoch: u64, seq: u64) -> Result<Vec<Digest>, PortError> {
        self.read(|database| {
            let own = database.own.get(stream).ok_or_else(|| fault(FaultKind::Conflict, "no stream"))?;
            let all = |recorded: &RecordedBatch| {
                let batch = &recorded.batch;
                [batch.digest].into_iter().chain(batch.instead.iter().copied()).collect()
            };
            Ok(own.batches.get(&place(epoch, seq)).map(all).unwrap_or_default())
        })
    }

    fn load(&self, contract: &StreamContract, rows: u64) -> Result<Loaded, PortError> {
        self.load_step(contract, rows)
    }

    fn take_back(
        &self,
        request: &TakeBackRequest<'_>,
        source: &mut dyn ReturnSource,
    ) -> Result<TakeBackOutcome, PortError> {
        self.fuse.burn().map_err(stopped)?;
        self.busy()?;
        let planned = TakeBackPlan::make(&self.database(), request, source)?;
        let plan = match planned {
            Ok(plan) => plan,
            Err(outcome) => return Ok(outcome),
        };
        self.commit(|database| plan.write(database))?;
        let database = self.database();
        let own = &database.own[&request.contract.name];
        Ok(TakeBackOutcome::TakenBack(Box::new(recovered_out(&database, own))))
    }

    fn follow(&self, epoch_id: EpochId, genesis: &Mark, act: Option<&PeerAct>) -> Result<(), PortError> {
        let stream = &genesis.stream;
        let leaves = act.is_some() || breaks::is(Break::EpochUnsigned);
        self.write(
            |database| match database.peers.get(stream).and_then(|peer| peer.followed.as_ref()) {
                Some((_, mark)) if leaves && mark.epoch < genesis.epoch => Ok(()),
                None if act.is_none() => Ok(()),
                Some(_) | None => Err(fault(FaultKind::Conflict, "the stream follows no epoch that could be left so")),
            },
            |database, ()| {
                database.peers.entry(stream.clone()).or_default().follow(epoch_id, genesis);
                if let Some(act) = act {
                    database.peer_acts.insert(act.digest, act.clone());
                }
                database.leaf(&format!("in.{stream}"), &format!("followed {}", genesis.epoch));
            },
        )
    }

    fn dispute(&self, dispute: &Dispute) -> Result<(), PortError> {
        self.write(
            |_| Ok(()),
            |database, ()| {
                let peer = database.peers.entry(dispute.stream.clone()).or_default();
                let place = (dispute.epoch, dispute.seq);
                let known = peer.disputed.get(&place);
                let is_news = match (known, dispute.against) {
                    (None, _) => true,
                    (Some(_), None) => false,
                    (Some(known), against) => *known != against,
                };
                if !peer.dismissed.contains(&place) && is_news {
                    peer.disputed.insert(place, dispute.against);
                    database.leaf(&format!("in.{}", dispute.stream), &format!("disputed {}", dispute.seq));
                }
            },
        )
    }

    fn apply(&self, request: &ApplyRequest<'_>, source: &mut dyn BatchSource) -> Result<ApplyOutcome, PortError> {
        self.fuse.burn().map_err(stopped)?;
        self.busy()?;
        let first = match source.next() {
            Ok(first) => first.ok_or_else(|| fault(FaultKind::Conflict, "a group without batches"))?,
            Err(error) => return not_applied(error),
        };
        let followed = self.database().peers.get(&request.contract.name).and_then(|peer| peer.followed.clone());
        let (epoch_id, mark) = followed.ok_or_else(|| fault(FaultKind::Conflict, "the stream follows no epoch"))?;
        let mark = match breaks::is(Break::NoCompare) {
            true => request.expect.clone(),
            false if mark != *request.expect => return Ok(ApplyOutcome::Moved(mark)),
            false => mark,
        };
        if epoch_id != request.epoch_id {
            return Err(fault(FaultKind::Conflict, "the stream follows another epoch of the same number"));
        }
        let mended = self.database().mended;
        let plan = match ApplyPlan::make(request, mark, mended, first, source)? {
            Ok(plan) => plan,
            Err(outcome) => return Ok(outcome),
        };
        if breaks::is(Break::WatermarkApart) {
            self.commit(|database| plan.write_rows(database))?;
            self.commit(|database| plan.write_books(database, request))?;
        } else {
            self.commit(|database| {
                plan.write_rows(database);
                plan.write_books(database, request);
            })?;
        }
        let parked_rows = self.database().peers.get(&request.contract.name).map_or(0, |peer| count(peer.parked.len()));
        Ok(ApplyOutcome::Applied { mark: plan.mark, batches: plan.applied, parked_rows })
    }

    fn watermark(&self, stream: &StreamName) -> Result<Option<Mark>, PortError> {
        self.read(|database| {
            let followed = database.peers.get(stream).and_then(|peer| peer.followed.as_ref());
            Ok(followed.map(|(_, mark)| mark.clone()))
        })
    }

    fn applied_place(&self, stream: &StreamName, epoch: u64, seq: u64) -> Result<Option<AppliedPlace>, PortError> {
        self.read(|database| {
            let at = place(epoch, seq);
            let applied = |peer: &PeerStream| {
                let chain = *peer.applied.get(&at)?;
                let digest = peer.superseding.get(&at).copied().unwrap_or(chain);
                Some(AppliedPlace { digest, chain })
            };
            Ok(database.peers.get(stream).and_then(applied))
        })
    }

    fn draft(&self, payload: &Digest) -> Result<Option<Vec<u8>>, PortError> {
        self.read(|database| Ok(database.drafts.get(payload).cloned()))
    }

    fn leave_draft(&self, payload: &Payload, _: u64) -> Result<(), PortError> {
        self.write(
            |_| Ok((payload.plain().sm3, payload.as_bytes().to_vec())),
            |database, (digest, bytes)| _ = database.drafts.insert(digest, bytes),
        )
    }

    fn act_again(&self, order: &ActOrder, contract: Option<&StreamContract>) -> Result<ActEnd, PortError> {
        let known = self.read(|database| {
            let listed = database.acts.values().find(|act| act.file == order.file);
            Ok(listed.and_then(|act| act.end.clone()))
        })?;
        if let Some((end, _)) = known {
            return Ok(end);
        }
        let end = self.database().end_of(order);
        self.commit(|database| {
            let id = database.hand_in(&order.file);
            database.carry_out(&ActOrder { id, ..order.clone() }, &end, contract);
        })?;
        Ok(end)
    }

    fn act(&self, order: &ActOrder, contract: Option<&StreamContract>) -> Result<(ActEnd, Option<u64>), PortError> {
        let known = self.read(|database| {
            let act = database.acts.get(&order.id);
            act.map(|act| act.end.clone()).ok_or_else(|| fault(FaultKind::Conflict, "there is no such act"))
        })?;
        let end = match known {
            Some((end, _)) => end,
            None => {
                let end = self.database().end_of(order);
                if let Ok(Deed::Supersede { new, .. }) = order.verdict.as_ref().map(|act| &act.deed)
                    && end.is_done()
                    && new.len() != order.instead.len()
                {
                    return Err(fault(FaultKind::Conflict, "batches of the act are lacking"));
                }
                self.commit(|database| database.carry_out(order, &end, contract))?;
                end
            }
        };
        let parked = match order.verdict.as_ref().map(|act| &act.deed) {
            Ok(Deed::RetryRows { range }) => Some(count(self.database().peers[&range.stream].parked.len())),
            Ok(_) | Err(_) => None,
        };
        Ok((end, parked))
    }

    fn list_acts(&self, acts: &[PeerAct]) -> Result<(), PortError> {
        self.write(
            |_| Ok(()),
            |database, ()| {
                for act in acts {
                    database.peer_acts.entry(act.digest).or_insert_with(|| act.clone());
                }
            },
        )
    }

    fn turned_away(&self) -> Result<Vec<Vec<u8>>, PortError> {
        self.read(|database| {
            let is_away = |act: &&PeerAct| ![ACT_DONE, ACTED_ALREADY].contains(&act.code.as_str());
            Ok(database.peer_acts.values().filter(is_away).map(|act| act.file.clone()).collect())
        })
    }

    fn retain(&self, retained: &Retained) -> Result<(), PortError> {
        self.busy()?;
        self.commit_unseen(|database| database.retained = retained.clone())
    }

    fn note(&self, notes: &Notes) -> Result<(), PortError> {
        self.write(
            |_| Ok(()),
            |database, ()| {
                database.status_number = notes.status_number.unwrap_or(database.status_number);
                for id in &notes.acts_told {
                    database.acts.get_mut(id).into_iter().for_each(|act| act.told = true);
                }
                for event in &notes.life {
                    database.note(event);
                }
            },
        )
    }
}

/// How many of the batches are recorded already; the others must follow.
fn plan_record(database: &Database, batches: &[OutgoingBatch]) -> Result<usize, PortError> {
    let conflict = || fault(FaultKind::Conflict, "the stream does not stand before this seq");
    let Some(first) = batches.first() else { return Ok(0) };
    let own = database.own.get(&first.stream).ok_or_else(conflict)?;
    let is_recorded = |batch: &&OutgoingBatch| {
        let recorded = own.batches.get(&place(batch.epoch, batch.seq));
        recorded.is_some_and(|recorded| recorded.batch.digest == batch.digest)
    };
    let fresh = batches.iter().take_while(is_recorded).count();
    let (mut seq, mut digest) = (own.last.seq, own.last.digest);
    for batch in &batches[fresh..] {
        if batch.stream != first.stream
            || batch.epoch != own.last.epoch
            || batch.seq != seq + 1
            || batch.previous != digest
        {
            return Err(conflict());
        }
        (seq, digest) = (batch.seq, batch.digest);
    }
    Ok(fresh)
}

fn record_one(database: &mut Database, batch: &OutgoingBatch) {
    let Some(own) = database.own.get_mut(&batch.stream) else { return };
    (own.last.seq, own.last.digest) = (batch.seq, batch.digest);
    own.through_id = batch.through_id;
    // Not split off, which counts what is left: a million rows may wait.
    while own.outbox.first_key_value().is_some_and(|(id, _)| *id <= batch.through_id) {
        own.outbox.pop_first();
    }
    own.boundaries = own.boundaries.split_off(&(batch.through_id + 1));
    let recovered = RecoveredBatch {
        seq: batch.seq,
        digest: batch.digest,
        group: batch.group,
        rows: batch.rows,
        file_bytes: batch.file_bytes,
        attempt: 1,
        cut_at_ms: batch.cut_at_ms,
        instead: Vec::new(),
    };
    let (through_id, previous) = (batch.through_id, batch.previous);
    let at = place(batch.epoch, batch.seq);
    own.batches.insert(at, RecordedBatch { batch: recovered, through_id, previous, payloads: Vec::new() });
    database.leaf(&format!("out.{}", batch.stream), &format!("recorded {} {}", batch.seq, batch.digest));
}
