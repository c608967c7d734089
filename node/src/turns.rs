//! Turns of other systems: each that is called has one of its own, so that one which is away delays no other.

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::failure::Failure;
use crate::writer::unwound;

/// Who has a turn. Clones share it.
#[derive(Debug, Clone)]
pub struct Turns {
    at_once: u32,
    room: Arc<Semaphore>,
    busy: Arc<Mutex<BTreeSet<String>>>,
}

/// The turn of a system; when it ends, however it ends, the system may have another.
#[derive(Debug)]
pub struct Turn {
    who: String,
    busy: Arc<Mutex<BTreeSet<String>>>,
    _place: OwnedSemaphorePermit,
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.busy.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.who);
    }
}

impl Turns {
    /// Turns of so many systems at once.
    #[must_use]
    pub fn new(at_once: u16) -> Self {
        Self { at_once: at_once.into(), room: Arc::new(Semaphore::new(at_once.into())), busy: Arc::default() }
    }

    /// Begins the turn of a system; none while it has one, or all places are taken. Nobody's turn is waited for.
    #[must_use]
    pub fn begin(&self, who: &str) -> Option<Turn> {
        let mut busy = self.busy.lock().unwrap_or_else(PoisonError::into_inner);
        if busy.contains(who) {
            return None;
        }
        let place = Arc::clone(&self.room).try_acquire_owned().ok()?;
        busy.insert(who.to_owned());
        Some(Turn { who: who.to_owned(), busy: Arc::clone(&self.busy), _place: place })
    }

    /// Waits until every turn that has begun is over.
    pub async fn over(&self) {
        // The room is never closed, so this fails never.
        drop(self.room.acquire_many(self.at_once).await);
    }
}

impl Turn {
    /// Does a job in this turn, beside the caller. One that fails or panics says so in the log; what it left is found again.
    pub fn spend(self, what: &'static str, job: impl Future<Output = Result<(), Failure>> + Send + 'static) {
        tokio::spawn(async move {
            if let Err(failure) = unwound(job).await.and_then(|done| done) {
                tracing::warn!(code = failure.code, "{what}, {}: {}", self.who, failure.message);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::sync::Semaphore;

    use super::Turns;

    #[tokio::test]
    async fn a_system_has_one_turn_and_delays_no_other() {
        let turns = Turns::new(2);
        let end = Arc::new(Semaphore::new(0));
        for who in ["a", "b"] {
            let end = Arc::clone(&end);
            let turn = turns.begin(who).expect("there is room");
            turn.spend("waiting", async move { end.acquire().await.map(|_| ()).map_err(crate::Failure::internal) });
            assert!(turns.begin(who).is_none(), "{who} has its turn");
        }
        assert!(turns.begin("c").is_none(), "there is no room");
        end.add_permits(2);
        turns.over().await;
        assert!(turns.begin("a").is_some());
    }

    #[tokio::test]
    async fn a_turn_that_panics_is_over() {
        let turns = Turns::new(1);
        turns.begin("a").expect("there is room").spend("panicking", async { panic!("it panics") });
        turns.over().await;
        assert!(turns.begin("a").is_some());
    }
}
