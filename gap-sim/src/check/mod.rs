//! The twelve invariants of the protocol and one of the nodes, one checker each. They look on while a world runs, not only at its end.
//!
//! A checker knows what the world knows: what each zone's program committed, what lies on every disk, what is committed in
//! every database. It never asks the protocol whether all is well.

mod applied_once;
mod authentic;
mod booked_once;
mod bounded;
pub mod convergence;
mod durable_first;
mod judged;
mod no_skip;
mod nothing_vanishes;
mod prefix;
mod restored;
mod secrecy;
mod whole_groups;

use std::fmt;
use std::sync::Arc;

use ferry_format::{StatusBody, StatusStatement};

use crate::world::World;
use crate::world::host::ZoneId;

/// When a checker looks.
#[derive(Debug)]
pub enum Moment {
    /// A zone's program committed, or a fault struck.
    Committed,
    /// A daemon tried to start.
    Started(ZoneId),
    /// A daemon has ended, or power was cut.
    Stopped(ZoneId),
    /// An operation acted on the ports; with what failed, as the log has it.
    Acted(ZoneId, Option<String>),
    /// The state machine took an outcome.
    Handled(ZoneId),
    /// A status was handed to the gate.
    Status(ZoneId, Box<StatusStatement>, Box<StatusBody>),
    /// The gate picked up a file.
    Crosses(ZoneId, String, Arc<Vec<u8>>),
    /// Faults have ended.
    FaultsEnded,
    /// Everything has converged.
    Ended,
}

/// An invariant that did not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The number of the invariant, from 1.
    pub invariant: u8,
    /// The name of its checker.
    pub checker: &'static str,
    /// What was seen.
    pub text: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "invariant {} ({}): {}", self.invariant, self.checker, self.text)
    }
}

/// One invariant.
pub(crate) trait Checker: fmt::Debug {
    /// Its number, from 1.
    fn invariant(&self) -> u8;

    /// Its name.
    fn name(&self) -> &'static str;

    /// Looks at the world at a moment.
    ///
    /// # Errors
    /// What does not hold.
    fn look(&mut self, world: &World, moment: &Moment) -> Result<(), String>;

    /// A zone's database was put back from a backup: what is known of it must be learned anew.
    fn restored(&mut self, _zone: ZoneId) {}
}

/// All checkers.
#[derive(Debug)]
pub(crate) struct Checkers {
    all: Vec<Box<dyn Checker>>,
    /// What the world looked like when all had seen it.
    seen: Option<[u64; 5]>,
}

impl Checkers {
    /// All of them, as they are before anything has happened.
    pub(crate) fn new() -> Self {
        Self {
            all: vec![
                Box::<nothing_vanishes::NothingVanishes>::default(),
                Box::<applied_once::AppliedOnce>::default(),
                Box::<prefix::Prefix>::default(),
                Box::<whole_groups::WholeGroups>::default(),
                Box::<authentic::Authentic>::default(),
                Box::<judged::Judged>::default(),
                Box::<durable_first::DurableFirst>::default(),
                Box::<no_skip::NoSkip>::default(),
                Box::<convergence::Convergence>::default(),
                Box::<bounded::Bounded>::default(),
                Box::<secrecy::Secrecy>::default(),
                Box::<restored::Restored>::default(),
                Box::<booked_once::BookedOnce>::default(),
            ],
            seen: None,
        }
    }

    /// Every checker looks. The replicas of the model are followed first, so that all see the same.
    pub(crate) fn look(&mut self, world: &mut World, moment: &Moment) -> Result<(), Violation> {
        let version = world.version();
        let is_quiet = matches!(moment, Moment::Acted(_, None) | Moment::Handled(_) | Moment::Committed);
        if is_quiet && self.seen == Some(version) {
            return Ok(());
        }
        self.seen = Some(version);
        world.follow_replicas();
        for checker in &mut self.all {
            if let Err(text) = checker.look(world, moment) {
                return Err(Violation { invariant: checker.invariant(), checker: checker.name(), text });
            }
        }
        Ok(())
    }

    /// Keeps the checker of one invariant only.
    pub(crate) fn keep(&mut self, invariant: u8) {
        self.all.retain(|checker| checker.invariant() == invariant);
    }

    pub(crate) fn restored(&mut self, zone: ZoneId) {
        self.seen = None;
        for checker in &mut self.all {
            checker.restored(zone);
        }
    }

    /// Number and name of each.
    pub(crate) fn names(&self) -> Vec<(u8, &'static str)> {
        self.all.iter().map(|checker| (checker.invariant(), checker.name())).collect()
    }
}

/// Number and name of each invariant's checker.
#[must_use]
pub fn checkers() -> Vec<(u8, &'static str)> {
    Checkers::new().names()
}

macro_rules! identity {
    ($number:literal, $name:literal) => {
        fn invariant(&self) -> u8 {
            $number
        }

        fn name(&self) -> &'static str {
            $name
        }
    };
}
pub(crate) use identity;
