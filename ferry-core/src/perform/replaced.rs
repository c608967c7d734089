//! What operators had put into the places of a group, and a database that was put back to a backup has forgotten.
//!
//! The batches lie in spool or archive and carry the act with its signatures. The peer may hold some of them, or have applied them
//! and forgotten it as well: what stood there first would be a second statement. So before anything is sent the act is listed and
//! carried out again, with the very batches that were sealed for it.

use std::collections::BTreeMap;

use ferry_format::{Act, ActId, BatchStatement, Digest, Mark, SeqRange, Supersedes, supersede_act};

use super::Surroundings;
use super::returning::whole;
use crate::coverage::{self, Place};
use crate::ports::{ActOrder, Attempt, BatchId, FaultKind, Instead, PortError, Ports, RecoveredOut, Side, Vetted};
use crate::settings::RETURNED_ATTEMPT;

/// The batches that were sealed for an act at one time.
struct Sealed {
    act: Act,
    file: Vec<u8>,
    supersedes: Supersedes,
    first: u64,
    batches: BTreeMap<u64, Instead>,
    /// The anchor names one of them.
    anchored: bool,
}

impl Sealed {
    fn of(statement: &BatchStatement, supersedes: &Supersedes) -> Option<Self> {
        let signed = supersede_act(statement).ok()?;
        let file = signed.write().ok()?;
        let (supersedes, first, batches) = (supersedes.clone(), statement.group.first, BTreeMap::new());
        Some(Self { act: signed.act, file, supersedes, first, batches, anchored: false })
    }

    /// Whether there is one batch for each place of the group.
    fn is_whole(&self) -> bool {
        let seqs = self.batches.keys().copied();
        self.batches.len() == self.supersedes.new.len() && seqs.eq((self.first..).take(self.batches.len()))
    }
}

/// Whose batches are to be looked for, and where.
pub(crate) struct Again<'a> {
    /// The stream as its books stand.
    pub own: &'a RecoveredOut,
    /// Where the first group begins that is looked at.
    pub first: u64,
    /// What the anchor says of groups that are superseded.
    pub anchored: &'a [Mark],
    pub around: &'a Surroundings,
    pub at_ms: u64,
}

impl Again<'_> {
    /// Carries acts out again whose batches are all here, and of which the books know nothing. `before` comes before the first of
    /// them. Tells whether there was one, and appends to `left` why others were not carried out: no other attempt does better.
    ///
    /// # Errors
    /// When a port fails, and another attempt may do better.
    pub(crate) fn carry_out(
        &self,
        ports: &Ports<'_>,
        before: &mut dyn FnMut() -> Result<(), PortError>,
        left: &mut Vec<PortError>,
    ) -> Result<bool, PortError> {
        let mut all: Vec<Sealed> = self.forgotten(ports)?.into_iter().filter(Sealed::is_whole).collect();
        // One that superseded another names all that the other one names, and more. Of rivals, and of several sealings, the one
        // stands that may have been sent; then the latest.
        all.sort_by_key(|one| (one.supersedes.old.len(), !one.anchored, std::cmp::Reverse(one.act.at_ms)));
        let mut any = false;
        for sealed in all {
            if self.recorded(&sealed, ports)?.as_ref() != Some(&sealed.supersedes.old) {
                continue;
            }
            before()?;
            match self.once(sealed, ports) {
                Err(error) if matches!(error.kind, FaultKind::Conflict | FaultKind::Corrupt) => left.push(error),
                done => any |= done?,
            }
        }
        Ok(any)
    }

    /// Superseding batches at places that are recorded and not known to be applied, which the books do not name; those of the
    /// latest sealing first.
    fn forgotten(&self, ports: &Ports<'_>) -> Result<Vec<Sealed>, PortError> {
        let mut found: BTreeMap<(std::cmp::Reverse<u64>, ActId), Sealed> = BTreeMap::new();
        let (last, first) = (&self.own.last, self.first.max(self.own.settled.seq + 1));
        let contract = self.around.contract.stream(&last.stream);
        if first > last.seq {
            return Ok(Vec::new());
        }
        for id in ports.spool.find(Side::Out, &last.stream, last.epoch, SeqRange { first, last: last.seq })? {
            if ports.store.recorded_digests(&id.stream, id.epoch, id.seq)?.contains(&id.digest) {
                continue;
            }
            let Some(bytes) = whole(Side::Out, &id, ports)? else { continue };
            let Ok(Vetted::Own(batch)) = ports.sealer.vet(&bytes) else { continue };
            let batch = batch.into_inner();
            let statement = &batch.statement;
            let is_of_life = statement.epoch_id == self.own.epoch_id
                && contract.is_some_and(|known| known.digest == statement.contract)
                && batch.digest == id.digest;
            let Some(supersedes) = statement.supersedes.as_ref().filter(|_| is_of_life) else { continue };
            let key = (std::cmp::Reverse(statement.cut_at_ms), supersedes.act);
            let entry = match found.entry(key) {
                std::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
                std::collections::btree_map::Entry::Vacant(entry) => {
                    let Some(sealed) = Sealed::of(statement, supersedes) else { continue };
                    entry.insert(sealed)
                }
            };
            if entry.supersedes != *supersedes || entry.first != statement.group.first {
                continue;
            }
            entry.anchored |= self.anchored.iter().any(|mark| mark.digest == id.digest);
            let file_bytes = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            let (seq, digest, rows) = (id.seq, id.digest, statement.records);
            let tables = statement.tables.clone();
            entry.batches.insert(seq, Instead { seq, digest, rows, file_bytes, tables });
        }
        Ok(found.into_values().collect())
    }

    /// What the books have at the places of a group, generation by generation, as an act names it; `None` where the
    /// generations of the places differ.
    fn recorded(&self, sealed: &Sealed, ports: &Ports<'_>) -> Result<Option<Vec<Digest>>, PortError> {
        let last = &self.own.last;
        let mut places = Vec::with_capacity(sealed.batches.len());
        for seq in sealed.batches.keys() {
            places.push(ports.store.recorded_digests(&last.stream, last.epoch, *seq)?);
        }
        let generations = places.first().map_or(0, Vec::len);
        if places.iter().any(|place| place.len() != generations) {
            return Ok(None);
        }
        Ok(Some((0..generations).flat_map(|index| places.iter().map(move |place| place[index])).collect()))
    }

    fn once(&self, sealed: Sealed, ports: &Ports<'_>) -> Result<bool, PortError> {
        let last = &self.own.last;
        for Instead { seq, digest, .. } in sealed.batches.values() {
            let id = BatchId { stream: last.stream.clone(), epoch: last.epoch, seq: *seq, digest: *digest };
            let Some(bytes) = whole(Side::Out, &id, ports)? else { return Ok(false) };
            let Ok(batch) = ports.sealer.open_own(&bytes) else { return Ok(false) };
            ports.store.leave_draft(&batch.payload, self.at_ms)?;
        }
        let attempts: Vec<Attempt> = sealed.batches.keys().map(|seq| self.attempt(*seq)).collect();
        let (instead, ended) = (sealed.batches.into_values().collect(), Vec::new());
        let (file, verdict, superseding) = (sealed.file, Ok(sealed.act), None);
        let order = ActOrder { id: 0, file, verdict, at_ms: self.at_ms, superseding, instead, ended };
        ports.store.attempt(&attempts)?;
        let is_done = ports.store.act_again(&order, self.around.contract.stream(&last.stream))?.is_done();
        if is_done {
            coverage::hit(Place::SupersededAgain);
        }
        Ok(is_done)
    }

    /// How often the file was published is not known, and gates remember names.
    fn attempt(&self, seq: u64) -> Attempt {
        let last = &self.own.last;
        let known = self.own.unsettled.iter().find(|batch| batch.seq == seq).map_or(0, |batch| batch.attempt);
        let attempt = known.max(RETURNED_ATTEMPT);
        Attempt { stream: last.stream.clone(), epoch: last.epoch, seq, attempt, at_ms: self.at_ms }
    }
}
