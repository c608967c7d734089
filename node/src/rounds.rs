//! Work that comes again and again: what waits in the database is looked for, and done.

use std::future::Future;
use std::time::Duration;

use tokio::sync::watch;

use crate::failure::Failure;
use crate::writer::unwound;

/// The longest pause after failures in a row.
const PAUSE_MAX: Duration = Duration::from_secs(60);

/// What one round came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Round {
    /// There may be more to do at once.
    More,
    /// Nothing waits now.
    Rest,
}

/// Does a job in rounds until the program is told to end: at once while there is more, else after `every`. After a failure it pauses,
/// twice as long each time, and says so once for each.
pub async fn rounds<F, O>(name: &'static str, every: Duration, mut end: watch::Receiver<bool>, mut job: F)
where
    F: FnMut() -> O + Send,
    O: Future<Output = Result<Round, Failure>> + Send,
{
    let mut pause = every;
    while !*end.borrow() {
        // A round that panics is one that failed: the next one comes after the pause.
        let wait = match unwound(async { job().await }).await.and_then(|done| done) {
            Ok(Round::More) => {
                pause = every;
                continue;
            }
            Ok(Round::Rest) => {
                pause = every;
                every
            }
            Err(failure) => {
                tracing::warn!(code = failure.code, "{name}: {}; again in {} ms", failure.message, pause.as_millis());
                let now = pause;
                pause = (pause * 2).min(PAUSE_MAX);
                now
            }
        };
        // An end that comes while it waits is not waited for.
        drop(tokio::time::timeout(wait, end.wait_for(|is_over| *is_over)).await);
    }
}
