//! Stops a host between two steps of an operation, wherever the seed says.

use std::sync::{Mutex, PoisonError};

/// The host has stopped: nothing that it is asked for happens any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stopped;

#[derive(Debug, Default)]
struct State {
    /// Steps left before the host stops; `None` when it does not.
    left: Option<u64>,
    steps: u64,
}

/// Counts the steps of a host: each write, sync, rename, removal, read and commit is one.
#[derive(Debug, Default)]
pub struct Fuse {
    state: Mutex<State>,
}

impl Fuse {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The host stops after so many more steps.
    pub fn light(&self, steps: u64) {
        self.state().left = Some(steps);
    }

    /// The host runs on, and a stopped one runs again.
    pub fn mend(&self) {
        self.state().left = None;
    }

    /// One step.
    ///
    /// # Errors
    /// When the host has stopped; the step does not happen.
    pub fn burn(&self) -> Result<(), Stopped> {
        let mut state = self.state();
        match &mut state.left {
            None => {}
            Some(0) => return Err(Stopped),
            Some(left) => *left -= 1,
        }
        state.steps += 1;
        Ok(())
    }

    /// Whether the host has stopped.
    #[must_use]
    pub fn is_burnt(&self) -> bool {
        self.state().left == Some(0)
    }

    /// Steps so far.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.state().steps
    }
}
