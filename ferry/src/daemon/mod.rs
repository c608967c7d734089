//! `ferry run`: the daemon of one zone.
//!
//! One thread owns the state machine; bounded workers run its actions. The daemon has no listening socket: it meets the
//! zone's programs in the database, and the peer in the drop directories.

mod clock;
#[cfg(test)]
mod ladder;
mod lanes;
mod log;
mod numbers;
mod report;
mod start;
mod supervisor;
mod watch;

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use ferry_core::action::{OpId, Outcome};
use ferry_core::link::Link;
use ferry_core::ports::Store as _;

pub use clock::Clock;
use lanes::Lanes;
pub use lanes::ZonePorts;
use supervisor::Supervisor;

use crate::config::{Config, ZoneLock, preflight};
use crate::drill;
use crate::error::Fault;

/// What reaches the loop.
pub enum Message {
    /// An action has ended.
    Done(OpId, Box<Outcome>),
    /// A worker has panicked.
    Broken,
    /// Something happened at the gate.
    Hint,
    /// The process is asked to end.
    Stop,
}

/// The longest sleep, so that a clock that stood still is noticed.
const SLEEP_MS_MAX: u64 = 1_000;

/// Runs the zone until SIGTERM or SIGINT. The step in hand is finished first.
///
/// # Errors
/// When the zone cannot be started, or a worker broke.
pub fn run(config: &Config) -> Result<(), Fault> {
    log::start(config.log)?;
    let credentials = crate::keyring::credentials_directory();
    preflight(config, credentials.as_deref())?;
    let lock = ZoneLock::take(config)?;
    let clock = Clock::start();
    let (sender, messages) = channel();
    let (around, text) = start::surroundings(config)?;
    let around = Arc::new(around);
    drill::begin_start();
    let zone = Arc::new(start::open(config, &lock, credentials.as_deref())?);
    start::register(&zone, config, &around.contract, &text, clock.now())?;
    let link = start::recover(&zone, &around, config, clock.now())?;
    drill::end();
    tracing::info!(zone = %config.zone, peer = %config.peer, link = %config.link, time_scale = config.timers.time_scale, "started");
    watch::signals(sender.clone()).map_err(Fault::internal)?;
    let watcher = watch::directory(&config.gate.from_gate, sender.clone());
    let lanes = Lanes::start(&zone, &around, &sender).map_err(Fault::internal)?;
    drop(sender);
    let supervisor = Supervisor::find(clock.now().mono);
    supervisor.ready();
    let mut daemon = Daemon { link, clock, messages, lanes, supervisor, reporter: report::Reporter::default() };
    let ended = daemon.run();
    drop(watcher);
    daemon.lanes.finish();
    let notes = daemon.link.last_notes(clock.now());
    if let Err(error) = zone.store.note(&notes) {
        tracing::warn!(%error, "the last notes were not written");
    }
    if let Err(error) = zone.store.close() {
        tracing::warn!(%error, "the database was not closed in order; nothing is lost");
    }
    tracing::info!("ended");
    ended
}

struct Daemon {
    link: Link,
    clock: Clock,
    messages: Receiver<Message>,
    lanes: Lanes,
    supervisor: Supervisor,
    reporter: report::Reporter,
}

impl Daemon {
    fn run(&mut self) -> Result<(), Fault> {
        let mut stopping = false;
        loop {
            self.supervisor.turned(self.clock.now().mono);
            if !stopping {
                while let Some((op, action)) = self.link.next(self.clock.now()) {
                    self.lanes.give(op, action);
                }
            }
            if stopping && !self.link.is_busy() {
                return Ok(());
            }
            let now = self.clock.now().mono;
            let wait = self.link.deadline(now).since(now).min(SLEEP_MS_MAX).min(self.supervisor.due_in_ms(now));
            match self.messages.recv_timeout(Duration::from_millis(wait)) {
                Ok(message) => stopping |= self.take(message)?,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Err(Fault::internal("the workers have ended")),
            }
            while let Ok(message) = self.messages.try_recv() {
                stopping |= self.take(message)?;
            }
            self.reporter.report(&mut self.link);
        }
    }

    /// Takes one message. Returns whether the process is asked to end.
    fn take(&mut self, message: Message) -> Result<bool, Fault> {
        match message {
            Message::Done(op, outcome) => {
                self.link.handle(op, *outcome, self.clock.now());
                Ok(false)
            }
            Message::Hint => {
                self.link.hint_gate();
                Ok(false)
            }
            Message::Stop => {
                tracing::info!("asked to end; finishing what is under way");
                self.supervisor.stopping();
                Ok(true)
            }
            Message::Broken => Err(Fault::internal("a worker panicked; see the log")),
        }
    }
}
