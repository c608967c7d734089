//! A database in memory, as naive as it can be.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use ferry_core::contract::StreamContract;
use ferry_core::ports::{
    ACT_DONE, ACTED_ALREADY, ActEnd, ActOrder, AppliedBatch, AppliedPlace, ApplyOutcome, ApplyRequest, Attempt,
    BatchSource, CutRequest, Dispute, DisputedPlace, FaultKind, Loaded, Notes, Observation, OpenAct, OutgoingBatch,
    PeerAct, PortError, RawCut, Recovered, RecoveredBatch, RecoveredIn, RecoveredOut, Retained, ReturnSource, Settled,
    SourceFault, Store, StreamBacklog, StreamState, TakeBackOutcome, TakeBackRequest, UntoldAct,
};
use ferry_format::{Checkpoint, Deed, Digest, EpochId, Instance, Mark, Payload, Refusal, StreamName, genesis};

/// What survives a restart.
pub struct MemoryStore {
    pub books: Mutex<Books>,
}

#[derive(Default, Clone)]
pub struct Books {
    pub outgoing: BTreeMap<StreamName, Out>,
    pub incoming: BTreeMap<StreamName, In>,
    pub retained: Retained,
    pub acts: Vec<OpenAct>,
    pub untold: Vec<UntoldAct>,
    /// Every act that has ended, by id.
    pub ended: Vec<(u64, ActEnd)>,
    pub status_number: u64,
    pub of_peer: Vec<PeerAct>,
    pub on_hold: BTreeSet<StreamName>,
    pub loading: BTreeSet<StreamName>,
    /// The next apply does this.
    pub unknown_next_apply: bool,
    /// What every apply is refused for.
    pub refuses: Option<Refusal>,
    /// The states that were noted, the latest of each stream last.
    pub states: Vec<StreamState>,
}

#[derive(Clone)]
pub struct Out {
    pub contract: Digest,
    pub outbox: BTreeMap<u64, String>,
    pub next_id: u64,
    pub epoch_id: EpochId,
    pub last: Mark,
    pub through_id: u64,
    pub settled: Mark,
    pub batches: BTreeMap<u64, RecoveredBatch>,
    pub begun: Option<UntoldAct>,
    pub boundaries: BTreeMap<u64, BTreeMap<StreamName, u64>>,
}

#[derive(Default, Clone)]
pub struct In {
    pub followed: Option<(EpochId, Mark)>,
    pub digests: BTreeMap<u64, Digest>,
    pub disputed: BTreeMap<(u64, u64), Option<Digest>>,
    pub rows: Vec<String>,
}

impl MemoryStore {
    pub fn commit(&self, stream: &StreamName, lines: &[String]) {
        let mut books = self.books.lock().unwrap();
        let out = books.outgoing.get_mut(stream).unwrap();
        for line in lines {
            out.outbox.insert(out.next_id, line.clone());
            out.next_id += 1;
        }
    }

    pub fn applied(&self, stream: &StreamName) -> Vec<String> {
        self.books.lock().unwrap().incoming.get(stream).map(|incoming| incoming.rows.clone()).unwrap_or_default()
    }
}

fn conflict(text: &str) -> PortError {
    PortError::new(FaultKind::Conflict, text)
}

impl Store for MemoryStore {
    fn recover(&self) -> Result<Recovered, PortError> {
        let books = self.books.lock().unwrap();
        let outgoing = books.outgoing.values().map(|out| RecoveredOut {
            last: out.last.clone(),
            epoch_id: out.epoch_id,
            through_id: out.through_id,
            settled: out.settled.clone(),
            unsettled: out.batches.range(out.settled.seq + 1..).map(|(_, batch)| batch.clone()).collect(),
            boundaries: out.boundaries.values().cloned().collect(),
            on_hold: books.on_hold.contains(&out.last.stream),
            loading: books.loading.contains(&out.last.stream),
            begun: out.begun.clone(),
        });
        let incoming = books.incoming.iter().map(|(stream, incoming)| RecoveredIn {
            stream: stream.clone(),
            followed: incoming.followed.clone(),
            parked_rows: 0,
            reports: Vec::new(),
            disputed: incoming
                .disputed
                .iter()
                .map(|((epoch, seq), against)| DisputedPlace { epoch: *epoch, seq: *seq, against: *against })
                .collect(),
            dismissed: Vec::new(),
            on_hold: books.on_hold.contains(stream),
            superseded: None,
        });
        let audit = Checkpoint { size: 0, root: Digest::of(&[]) };
        let (outgoing, incoming, retained) = (outgoing.collect(), incoming.collect(), books.retained.clone());
        let untold = books.untold.clone();
        let status_number = books.status_number;
        Ok(Recovered { instance: Instance([7; 16]), audit, outgoing, incoming, retained, untold, status_number })
    }

    fn observe(&self) -> Result<Observation, PortError> {
        let mut books = self.books.lock().unwrap();
        let ends: BTreeMap<StreamName, u64> =
            books.outgoing.iter().map(|(stream, out)| (stream.clone(), out.next_id - 1)).collect();
        for out in books.outgoing.values_mut().filter(|out| out.next_id - 1 > out.through_id) {
            out.boundaries.insert(out.next_id - 1, ends.clone());
        }
        let streams = ends.into_iter().map(|(stream, last_id)| StreamBacklog { stream, last_id, capture: None });
        let audit = Checkpoint { size: 0, root: Digest::of(&[]) };
        Ok(Observation { streams: streams.collect(), audit, acts: books.acts.clone() })
    }

    fn cut(&self, request: &CutRequest) -> Result<RawCut, PortError> {
        let books = self.books.lock().unwrap();
        let out = &books.outgoing[&request.stream];
        let limit = usize::try_from(request.rows).unwrap();
        let rows: Vec<(u64, &String)> =
            out.outbox.range(request.after + 1..=request.upto).take(limit).map(|(id, line)| (*id, line)).collect();
        if rows.is_empty() {
            return Ok(RawCut::default());
        }
        let lines: Vec<&str> = rows.iter().map(|(_, line)| line.as_str()).collect();
        Ok(RawCut {
            ids: rows.iter().map(|(id, _)| *id).collect(),
            lines: lines.join("\n").into_bytes(),
            contract: Some(out.contract),
        })
    }

    fn record(&self, batches: &[OutgoingBatch]) -> Result<(), PortError> {
        let mut books = self.books.lock().unwrap();
        let out = books.outgoing.get_mut(&batches[0].stream).unwrap();
        for batch in batches {
            if out.batches.get(&batch.seq).is_some_and(|recorded| recorded.digest == batch.digest) {
                continue;
            }
            if out.last.seq + 1 != batch.seq || out.last.digest != batch.previous {
                return Err(conflict("not the next seq"));
            }
            out.last.seq = batch.seq;
            out.last.digest = batch.digest;
            out.through_id = batch.through_id;
            out.outbox = out.outbox.split_off(&(batch.through_id + 1));
            out.boundaries = out.boundaries.split_off(&(batch.through_id + 1));
            let recorded = RecoveredBatch {
                seq: batch.seq,
                digest: batch.digest,
                group: batch.group,
                rows: batch.rows,
                file_bytes: batch.file_bytes,
                attempt: 1,
                cut_at_ms: batch.cut_at_ms,
                instead: Vec::new(),
            };
            out.batches.insert(batch.seq, recorded);
        }
        Ok(())
    }

    fn attempt(&self, attempts: &[Attempt]) -> Result<(), PortError> {
        let mut books = self.books.lock().unwrap();
        for attempt in attempts {
            let out = books.outgoing.get_mut(&attempt.stream).unwrap();
            out.batches.get_mut(&attempt.seq).unwrap().attempt = attempt.attempt;
        }
        Ok(())
    }

    fn settle(&self, settled: &Settled) -> Result<(), PortError> {
        let mut books = self.books.lock().unwrap();
        let out = books.outgoing.get_mut(&settled.mark.stream).unwrap();
        assert!(settled.mark.seq > out.settled.seq, "settled twice");
        out.settled = settled.mark.clone();
        Ok(())
    }

    fn reopen(&self, reopened: &Settled) -> Result<Vec<RecoveredBatch>, PortError> {
        let mut books = self.books.lock().unwrap();
        let out = books.outgoing.get_mut(&reopened.mark.stream).unwrap();
        assert!(reopened.mark.seq < out.settled.seq, "it is settled up to there");
        out.settled = reopened.mark.clone();
        Ok(out.batches.range(reopened.mark.seq + 1..).map(|(_, batch)| batch.clone()).collect())
    }

    fn recorded_digests(&self, stream: &StreamName, _: u64, seq: u64) -> Result<Vec<Digest>, PortError> {
        let books = self.books.lock().unwrap();
        let recorded = books.outgoing.get(stream).and_then(|out| out.batches.get(&seq));
        Ok(recorded.map(|batch| batch.digest).into_iter().collect())
    }

    fn load(&self, contract: &StreamContract, _rows: u64) -> Result<Loaded, PortError> {
        let mut books = self.books.lock().unwrap();
        if !books.loading.remove(&contract.name) {
            return Err(conflict("no load is under way"));
        }
        Ok(Loaded { table: contract.tables[0].name.clone(), rows: 0, done: true })
    }

    fn take_back(&self, _: &TakeBackRequest<'_>, _: &mut dyn ReturnSource) -> Result<TakeBackOutcome, PortError> {
        Err(conflict("nothing of these worlds is put back to a backup"))
    }

    fn follow(&self, epoch_id: EpochId, genesis: &Mark, act: Option<&PeerAct>) -> Result<(), PortError> {
        let mut books = self.books.lock().unwrap();
        books.of_peer.extend(act.cloned());
        let incoming = books.incoming.entry(genesis.stream.clone()).or_default();
        let can_leave = |(_, mark): &(EpochId, Mark)| act.is_some() && mark.epoch < genesis.epoch;
        if incoming.followed.as_ref().is_some_and(|followed| !can_leave(followed)) {
            return Err(conflict("follows already"));
        }
        incoming.digests.clear();
        incoming.disputed.clear();
        incoming.followed = Some((epoch_id, genesis.clone()));
        Ok(())
    }

    fn dispute(&self, dispute: &Dispute) -> Result<(), PortError> {
        let mut books = self.books.lock().unwrap();
        let incoming = books.incoming.entry(dispute.stream.clone()).or_default();
        let known = incoming.disputed.entry((dispute.epoch, dispute.seq)).or_default();
        *known = dispute.against.or(*known);
        Ok(())
    }

    fn apply(&self, request: &ApplyRequest<'_>, source: &mut dyn BatchSource) -> Result<ApplyOutcome, PortError> {
        let mut books = self.books.lock().unwrap();
        let unknown = std::mem::take(&mut books.unknown_next_apply);
        let incoming = books.incoming.get_mut(&request.contract.name).unwrap();
        let (_, mark) = incoming.followed.clone().unwrap();
        if mark != *request.expect {
            return Ok(ApplyOutcome::Moved(mark));
        }
        if let Some(refusal) = &books.refuses {
            return Ok(ApplyOutcome::Refused(refusal.clone()));
        }
        let incoming = books.incoming.get_mut(&request.contract.name).unwrap();
        let mut next = mark;
        let (mut rows, mut done) = (Vec::new(), Vec::new());
        loop {
            let batch = match source.next() {
                Ok(None) => break,
                Ok(Some(batch)) => batch,
                Err(SourceFault::Refused(refusal)) => return Ok(ApplyOutcome::Refused(refusal)),
                Err(SourceFault::Spoiled(spoiled)) => return Ok(ApplyOutcome::Spoiled(spoiled)),
                Err(SourceFault::Port(error)) => return Err(error),
            };
            assert_eq!(batch.seq, next.seq + 1, "a group is applied in order");
            next.seq = batch.seq;
            next.digest = batch.digest;
            rows.extend(batch.rows.iter().map(|row| String::from_utf8(batch.values(row).to_vec()).unwrap()));
            let count = u64::try_from(batch.rows.len()).unwrap();
            done.push(AppliedBatch { seq: batch.seq, rows: count, parked: 0, apply_ms: 0 });
            incoming.digests.insert(batch.seq, batch.digest);
        }
        incoming.rows.extend(rows);
        incoming.followed = Some((request.epoch_id, next.clone()));
        if unknown {
            return Err(PortError::new(FaultKind::Unknown, "the connection broke during the commit"));
        }
        Ok(ApplyOutcome::Applied { mark: next, batches: done, parked_rows: 0 })
    }

    fn watermark(&self, stream: &StreamName) -> Result<Option<Mark>, PortError> {
        let books = self.books.lock().unwrap();
        Ok(books.incoming.get(stream).and_then(|incoming| incoming.followed.clone()).map(|(_, mark)| mark))
    }

    fn applied_place(&self, stream: &StreamName, _: u64, seq: u64) -> Result<Option<AppliedPlace>, PortError> {
        let books = self.books.lock().unwrap();
        let digest = books.incoming.get(stream).and_then(|incoming| incoming.digests.get(&seq).copied());
        Ok(digest.map(|digest| AppliedPlace { digest, chain: digest }))
    }

    fn draft(&self, _: &Digest) -> Result<Option<Vec<u8>>, PortError> {
        Ok(None)
    }

    fn leave_draft(&self, _: &Payload, _: u64) -> Result<(), PortError> {
        Err(conflict("nothing of these worlds is put back to a backup"))
    }

    fn act_again(&self, _: &ActOrder, _: Option<&StreamContract>) -> Result<ActEnd, PortError> {
        Err(conflict("nothing of these worlds is put back to a backup"))
    }

    fn act(&self, order: &ActOrder, contract: Option<&StreamContract>) -> Result<(ActEnd, Option<u64>), PortError> {
        let mut books = self.books.lock().unwrap();
        books.acts.retain(|act| act.id != order.id);
        let end = match &order.verdict {
            Ok(_) => ActEnd::done(),
            Err(code) => ActEnd::turned_away(code),
        };
        match order.verdict.as_ref().map(|act| &act.deed) {
            Ok(Deed::Hold { stream }) => _ = books.on_hold.insert(stream.clone()),
            Ok(Deed::Release { stream }) => _ = books.on_hold.remove(stream),
            Ok(Deed::NewEpoch { epoch, epoch_id, ended }) => {
                let contract = contract.expect("the stream is in the contract");
                let (owner, to, stream) = (&contract.owner, &contract.to, &ended.stream);
                let link = order.verdict.as_ref().map(|act| act.link.clone()).unwrap();
                let digest = genesis(&link, owner, to, stream, *epoch, *epoch_id);
                let last = Mark { epoch: *epoch, seq: 0, digest, ..ended.clone() };
                let out = books.outgoing.get_mut(stream).unwrap();
                let (id, file) = (order.id, order.file.clone());
                out.begun = Some(UntoldAct { id, file, end: end.clone(), at_ms: order.at_ms });
                (out.epoch_id, out.last, out.settled) = (*epoch_id, last.clone(), last);
                out.batches.clear();
                books.loading.insert(stream.clone());
            }
            Ok(_) | Err(_) => {}
        }
        let file = order.file.clone();
        books.ended.push((order.id, end.clone()));
        books.untold.push(UntoldAct { id: order.id, file, end: end.clone(), at_ms: order.at_ms });
        Ok((end, None))
    }

    fn list_acts(&self, acts: &[PeerAct]) -> Result<(), PortError> {
        self.books.lock().unwrap().of_peer.extend(acts.iter().cloned());
        Ok(())
    }

    fn turned_away(&self) -> Result<Vec<Vec<u8>>, PortError> {
        let books = self.books.lock().unwrap();
        let is_away = |act: &&PeerAct| ![ACT_DONE, ACTED_ALREADY].contains(&act.code.as_str());
        Ok(books.of_peer.iter().filter(is_away).map(|act| act.file.clone()).collect())
    }

    fn retain(&self, retained: &Retained) -> Result<(), PortError> {
        self.books.lock().unwrap().retained = retained.clone();
        Ok(())
    }

    fn note(&self, notes: &Notes) -> Result<(), PortError> {
        let mut books = self.books.lock().unwrap();
        books.untold.retain(|act| !notes.acts_told.contains(&act.id));
        books.states.extend(notes.states.iter().cloned());
        books.status_number = notes.status_number.unwrap_or(books.status_number);
        Ok(())
    }
}
