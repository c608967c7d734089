//! The bounded workers: each lane runs its actions in the order of their issue, on one or two threads.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use ferry_core::action::{Action, Lane, OpId, Outcome};
use ferry_core::perform::{Surroundings, perform};
use ferry_core::ports::Ports;

use super::Message;
use crate::drill;
use crate::files::{AnchorFile, GateDirectories, QuarantineDirectories, SpoolDirectories};
use crate::keyring::FerrySealer;
use crate::store::SqliteStore;

/// The ports of a zone, shared by the workers.
pub struct ZonePorts {
    /// The database.
    pub store: SqliteStore,
    /// The spool and the archive.
    pub spool: SpoolDirectories,
    /// The drop directories.
    pub gate: GateDirectories,
    /// Keys and trust.
    pub sealer: FerrySealer,
    /// Refused files.
    pub quarantine: QuarantineDirectories,
    /// The anchor.
    pub anchor: AnchorFile,
}

impl ZonePorts {
    /// The ports as the protocol wants them.
    #[must_use]
    pub fn ports(&self) -> Ports<'_> {
        Ports {
            store: &self.store,
            spool: &self.spool,
            gate: &self.gate,
            sealer: &self.sealer,
            quarantine: &self.quarantine,
            anchor: &self.anchor,
        }
    }
}

type Job = (OpId, Action);

/// The running workers.
pub struct Lanes {
    jobs: BTreeMap<Lane, Sender<Job>>,
    threads: Vec<JoinHandle<()>>,
}

impl Lanes {
    /// Starts the workers. What becomes of each action goes to `done`.
    ///
    /// # Errors
    /// When the system gives no more threads.
    pub fn start(zone: &Arc<ZonePorts>, around: &Arc<Surroundings>, done: &Sender<Message>) -> std::io::Result<Self> {
        let mut lanes = Self { jobs: BTreeMap::new(), threads: Vec::new() };
        for lane in Lane::ALL {
            let (sender, receiver) = channel();
            let receiver = Arc::new(Mutex::new(receiver));
            for number in 0..lane.workers() {
                let worker =
                    Worker { zone: zone.clone(), around: around.clone(), jobs: receiver.clone(), done: done.clone() };
                let name = format!("{lane:?}-{number}").to_lowercase();
                lanes.threads.push(std::thread::Builder::new().name(name).spawn(move || worker.run())?);
            }
            lanes.jobs.insert(lane, sender);
        }
        Ok(lanes)
    }

    /// Hands an action to its lane.
    ///
    /// # Panics
    /// When a worker has panicked: its operation's outcome is lost, and going on would hang.
    pub fn give(&self, op: OpId, action: Action) {
        let lane = action.lane();
        let sent = self.jobs.get(&lane).is_some_and(|jobs| jobs.send((op, action)).is_ok());
        assert!(sent, "the {lane:?} workers have ended");
    }

    /// Ends the workers after the actions that they have, and waits for them.
    pub fn finish(self) {
        drop(self.jobs);
        for thread in self.threads {
            // A worker that panicked has said so on standard error.
            drop(thread.join());
        }
    }
}

struct Worker {
    zone: Arc<ZonePorts>,
    around: Arc<Surroundings>,
    jobs: Arc<Mutex<Receiver<Job>>>,
    done: Sender<Message>,
}

impl Worker {
    fn run(self) {
        while let Some((op, action)) = self.take() {
            drill::begin(&action);
            let outcome: Outcome = perform(action, &self.around, &self.zone.ports());
            drill::end();
            if self.done.send(Message::Done(op, Box::new(outcome))).is_err() {
                return;
            }
        }
    }

    fn take(&self) -> Option<Job> {
        let jobs = self.jobs.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        jobs.recv().ok()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // The loop must not wait for an outcome that never comes. When it has ended, nobody needs to know.
            drop(self.done.send(Message::Broken));
        }
    }
}
