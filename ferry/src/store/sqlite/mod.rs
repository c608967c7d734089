//! The store in SQLite, the embedded default.
//!
//! Three connections share one database in write-ahead mode, so that cutting, applying and observing do not wait for
//! each other's Rust code; SQLite itself lets one transaction write at a time. A commit returns when its log is on
//! disk (`synchronous = FULL`). Calls block, and must not be made from inside an asynchronous runtime.

mod acts;
mod apply;
mod audit;
mod backup;
mod books;
mod boundaries;
mod capture;
mod collapse;
mod create;
mod dialect;
mod epochs;
mod failure;
mod incoming;
mod inspect;
mod lane;
mod load;
mod notes;
mod outgoing;
mod parked;
mod reach;
mod recover;
mod retention;
mod schema;
mod spelling;
mod take_back;
#[cfg(test)]
mod tests;
mod trace;
mod trace_ahead;
mod trace_statements;
mod traced;
mod triggers;
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use ferry_core::contract::StreamContract;
use ferry_core::ports::{
    ActEnd, ActOrder, AppliedPlace, ApplyOutcome, ApplyRequest, Attempt, BatchSource, CutRequest, Dispute, Loaded,
    Notes, Observation, OutgoingBatch, PeerAct, PortError, RawCut, Recovered, RecoveredBatch, Retained, ReturnSource,
    Settled, Store, TakeBackOutcome, TakeBackRequest,
};
use ferry_format::{Digest, EpochId, LinkId, Mark, Payload, StreamName};

pub use audit::{AuditHead, AuditLeaf, checkpoint};
pub use backup::{copy_database, is_in_use};
pub use books::SqliteBooks;
pub use capture::{CaptureState, InstallReport, TableState};
pub use create::{Registered, Registration, create, database_mode};

use self::apply::Plan;
use self::capture::Watch;
use self::lane::{Access, Lane, Version};
use self::trace::Index;
use super::{StoreError, TraceKey};

/// The zone's database for one link.
pub struct SqliteStore {
    link: LinkId,
    /// Cuts, records, attempts, settles, and changes the schema.
    out: Lane,
    /// Follows and applies.
    into: Lane,
    /// Observes and notes.
    books: Lane,
    /// How each contract that was applied under is written, by digest.
    plans: Mutex<BTreeMap<Digest, Arc<Plan>>>,
    /// Looks whether the triggers stand, once it is asked to.
    watch: Mutex<Option<Watch>>,
    /// What was observed last, and before what it was: it is so still if nobody has committed since.
    observed: Mutex<Option<(Version, Observation)>>,
    /// By which rows are found again; without a secret none is kept.
    index: Option<Index>,
}

impl SqliteStore {
    /// Opens the database, and brings its tables to the present version.
    ///
    /// # Errors
    /// When there is none, when a newer program wrote it, or when it does not have the link.
    pub fn open(path: &Path, link: &LinkId) -> Result<Self, StoreError> {
        create::must_exist(path)?;
        let store = Self {
            link: link.clone(),
            out: Lane::new(path, Access::WriteOrdered)?,
            into: Lane::new(path, Access::Write)?,
            books: Lane::new(path, Access::WriteOrdered)?,
            plans: Mutex::new(BTreeMap::new()),
            watch: Mutex::new(None),
            observed: Mutex::new(None),
            index: None,
        };
        create::prepare(&mut store.out.lock(), path, link)?;
        Ok(store)
    }

    /// Has every batch that is recorded or applied from now on indexed under a secret, so that its rows are found again.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn indexed(mut self, secret: TraceKey) -> Result<Self, StoreError> {
        let index = self.out.lock().write(|session| Index::open(session, secret).map_err(StoreError::from))?;
        self.index = Some(index);
        Ok(self)
    }

    /// Adds the streams and digests of a contract that are not known yet.
    ///
    /// # Errors
    /// When the database cannot be written; nothing is changed then.
    pub fn register(&self, registration: &Registration<'_>) -> Result<Registered, StoreError> {
        let mut session = self.out.lock();
        session.write(|session| create::register(session, &self.link, registration))
    }

    /// Puts capture triggers on own tables and guards on replicas, in one transaction, after checking that no change
    /// can escape them. What was installed before is replaced. Of tables in `unchanged` the caller says that no row was written
    /// while their triggers did not stand.
    ///
    /// # Errors
    /// Every fault of every table; nothing is changed then.
    pub fn install_capture(
        &self,
        registration: &Registration<'_>,
        unchanged: &BTreeSet<String>,
    ) -> Result<InstallReport, StoreError> {
        let mut session = self.out.lock();
        session.write(|session| {
            create::register(session, &self.link, registration)?;
            capture::install(session, &self.link, registration, unchanged)
        })
    }

    /// How the triggers of a registered contract stand.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn capture_state(&self, registration: &Registration<'_>) -> Result<CaptureState, StoreError> {
        let mut session = self.books.lock();
        session.read(|session| Ok(capture::state(session, &self.link, registration.zone, registration.contract)?))
    }

    /// From here on every observation tells of own streams whose triggers do not stand as they were installed.
    ///
    /// # Errors
    /// When some do not stand already, or the database cannot be read.
    pub fn watch_capture(&self, registration: &Registration<'_>) -> Result<(), StoreError> {
        let faults = self.capture_state(registration)?.faults();
        if !faults.is_empty() {
            return Err(StoreError::Capture(faults));
        }
        let watch = Watch::new(registration.zone, registration.contract);
        *self.watch.lock().unwrap_or_else(PoisonError::into_inner) = Some(watch);
        *self.observed.lock().unwrap_or_else(PoisonError::into_inner) = None;
        Ok(())
    }

    /// Closes the connections in order, so that the write-ahead log is folded into the database.
    ///
    /// # Errors
    /// When a connection does not close; everything committed is safe all the same.
    pub fn close(&self) -> Result<(), PortError> {
        for lane in [&self.books, &self.into, &self.out] {
            lane.lock().close()?;
        }
        Ok(())
    }
}

impl Store for SqliteStore {
    fn recover(&self) -> Result<Recovered, PortError> {
        let mut session = self.out.lock();
        Ok(session.read(|session| recover::recover(session, &self.link))?)
    }

    fn observe(&self) -> Result<Observation, PortError> {
        let mut session = self.books.lock();
        let mut observed = self.observed.lock().unwrap_or_else(PoisonError::into_inner);
        // Taken before anything is read: what is committed meanwhile makes it another one.
        let version = session.version()?;
        let mut watch = self.watch.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, observation)) = observed.as_ref().filter(|(before, _)| *before == version)
            && watch.as_mut().is_none_or(Watch::rest)
        {
            return Ok(observation.clone());
        }
        *observed = None;
        let (mut observation, moved) = session.read(|session| {
            if let Some(watch) = watch.as_mut() {
                watch.look(session, &self.link)?;
            }
            boundaries::observe(session, &self.link)
        })?;
        if let Some(watch) = watch.as_ref() {
            watch.tell(&mut observation.streams);
        }
        drop(watch);
        if !moved.is_empty() {
            session.write(|session| boundaries::remember(session, &self.link, &moved, &observation))?;
        }
        *observed = Some((version, observation.clone()));
        Ok(observation)
    }

    fn cut(&self, request: &CutRequest) -> Result<RawCut, PortError> {
        Ok(outgoing::cut(&mut self.out.lock(), &self.link, request, self.index.as_ref())?)
    }

    fn record(&self, batches: &[OutgoingBatch]) -> Result<(), PortError> {
        let mut session = self.out.lock();
        Ok(session.write(|session| outgoing::record(session, &self.link, batches, self.index.as_ref()))?)
    }

    fn attempt(&self, attempts: &[Attempt]) -> Result<(), PortError> {
        let mut session = self.out.lock();
        Ok(session.write(|session| outgoing::attempt(session, &self.link, attempts))?)
    }

    fn settle(&self, settled: &Settled) -> Result<(), PortError> {
        let mut session = self.out.lock();
        Ok(session.write(|session| outgoing::settle(session, &self.link, settled))?)
    }

    fn reopen(&self, reopened: &Settled) -> Result<Vec<RecoveredBatch>, PortError> {
        let mut session = self.out.lock();
        Ok(session.write(|session| {
            outgoing::reopen(session, &self.link, reopened)?;
            let own = outgoing::own_stream(session, &self.link, &reopened.mark.stream)?;
            recover::unsettled(session, &self.link, &own)
        })?)
    }

    fn recorded_digests(&self, stream: &StreamName, epoch: u64, seq: u64) -> Result<Vec<Digest>, PortError> {
        Ok(outgoing::recorded_digests(&mut self.out.lock(), &self.link, stream, epoch, seq)?)
    }

    fn load(&self, contract: &StreamContract, rows: u64) -> Result<Loaded, PortError> {
        let mut session = self.out.lock();
        Ok(session.write(|session| load::step(session, &self.link, contract, rows))?)
    }

    fn take_back(
        &self,
        request: &TakeBackRequest<'_>,
        source: &mut dyn ReturnSource,
    ) -> Result<TakeBackOutcome, PortError> {
        take_back::take_back(&mut self.out.lock(), &self.link, (&self.plans, self.index.as_ref()), request, source)
    }

    fn follow(&self, epoch_id: EpochId, genesis: &Mark, act: Option<&PeerAct>) -> Result<(), PortError> {
        let mut session = self.into.lock();
        Ok(session.write(|session| match act {
            None => incoming::follow(session, &self.link, epoch_id, genesis),
            Some(act) => incoming::follow_begun(session, &self.link, epoch_id, genesis, act),
        })?)
    }

    fn dispute(&self, dispute: &Dispute) -> Result<(), PortError> {
        let mut session = self.into.lock();
        Ok(session.write(|session| incoming::dispute(session, &self.link, dispute))?)
    }

    fn apply(&self, request: &ApplyRequest<'_>, source: &mut dyn BatchSource) -> Result<ApplyOutcome, PortError> {
        apply::apply(&mut self.into.lock(), &self.link, (&self.plans, self.index.as_ref()), request, source)
    }

    fn watermark(&self, stream: &StreamName) -> Result<Option<Mark>, PortError> {
        let mut session = self.into.lock();
        Ok(incoming::followed(&mut session, &self.link, stream)?.map(|followed| followed.mark))
    }

    fn applied_place(&self, stream: &StreamName, epoch: u64, seq: u64) -> Result<Option<AppliedPlace>, PortError> {
        Ok(incoming::applied_place(&mut self.into.lock(), &self.link, stream, epoch, seq)?)
    }

    fn leave_draft(&self, payload: &Payload, now_ms: u64) -> Result<(), PortError> {
        let payloads = std::slice::from_ref(payload);
        Ok(self.out.lock().write(|session| acts::add_drafts(session, payloads, now_ms))?)
    }

    fn act_again(&self, order: &ActOrder, contract: Option<&StreamContract>) -> Result<ActEnd, PortError> {
        let mut session = self.out.lock();
        session.write(|session| {
            let id = acts::hand_in(session, &self.link, &order.file, order.at_ms)?;
            let order = ActOrder { id, ..order.clone() };
            acts::act(session, &self.link, &order, contract, self.index.as_ref()).map(|(end, _)| end)
        })
    }

    fn draft(&self, payload: &Digest) -> Result<Option<Vec<u8>>, PortError> {
        Ok(acts::draft(&mut self.out.lock(), payload)?)
    }

    fn act(&self, order: &ActOrder, contract: Option<&StreamContract>) -> Result<(ActEnd, Option<u64>), PortError> {
        let mut session = self.out.lock();
        session.write(|session| acts::act(session, &self.link, order, contract, self.index.as_ref()))
    }

    fn list_acts(&self, acts: &[PeerAct]) -> Result<(), PortError> {
        let mut session = self.books.lock();
        Ok(session.write(|session| acts::list_of_peer(session, &self.link, acts))?)
    }

    fn turned_away(&self) -> Result<Vec<Vec<u8>>, PortError> {
        Ok(acts::turned_away(&mut self.into.lock(), &self.link, "peer")?)
    }

    fn retain(&self, retained: &Retained) -> Result<(), PortError> {
        let mut session = self.books.lock();
        Ok(session.write(|session| retention::retain(session, &self.link, retained))?)
    }

    fn note(&self, notes: &Notes) -> Result<(), PortError> {
        let mut session = self.books.lock();
        Ok(session.write(|session| notes::note(session, &self.link, notes))?)
    }
}
