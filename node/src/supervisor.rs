//! What the service manager is told: that the node serves, that its writer still writes, and that it ends.
//!
//! Without a service manager nothing is told, and nothing is missing.

use std::time::Duration;

use sd_notify::NotifyState;
use tokio::sync::watch;

use crate::database::Database;

/// Tells the service manager that the node serves, and then, for as long as somebody watches, that the writer of the
/// database still comes to every job. Whoever calls this listens and has its tables. Ends when `end` says so.
///
/// The watchdog is told by the task that asks the writer, so a writer or a runtime that hangs falls silent and the service
/// manager ends the process. A writer that is refused, because another program holds the database, does not hang.
pub async fn supervised(database: Database, mut end: watch::Receiver<bool>) {
    tell(&NotifyState::Ready);
    let watched = async {
        match sd_notify::watchdog_enabled().and_then(half) {
            Some(every) => turns(&database, every).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        // The sender gone means the end, too.
        _ = end.wait_for(|is_over| *is_over) => {}
        () = watched => {}
    }
    tell(&NotifyState::Stopping);
}

/// Tells the watchdog as often as asked, as long as the writer answers; silent for good once it has ended.
async fn turns(database: &Database, every: Duration) {
    loop {
        // A refusal comes from a writer that lives; one that has ended says so in `is_open`.
        let _refused = database.write(|_| Box::pin(async { Ok(()) })).await.err();
        if database.is_open() {
            tell(&NotifyState::Watchdog);
        }
        tokio::time::sleep(every).await;
    }
}

/// Half the interval, so that one late turn is no alarm.
fn half(interval: Duration) -> Option<Duration> {
    (!interval.is_zero()).then_some(interval / 2)
}

/// A node works on when nobody could be told; the service manager draws its own conclusion from silence.
fn tell(state: &NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(std::slice::from_ref(state)) {
        tracing::warn!(%error, %state, "the service manager was not told");
    }
}
