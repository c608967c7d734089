//! Hints that something happened: a file appeared at the gate, or the process is asked to end. Polling stays the truth.

use std::path::Path;
use std::sync::mpsc::Sender;

use notify::event::{AccessKind, AccessMode, EventKind};
use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::Message;

/// Watches the drop directory. `None` when the system cannot: polling alone is enough.
#[must_use]
pub fn directory(from_gate: &Path, to: Sender<Message>) -> Option<RecommendedWatcher> {
    let tell = move |event: notify::Result<notify::Event>| {
        let arrived = event.is_ok_and(|event| is_arrival(event.kind));
        if arrived {
            // The loop has ended when nobody listens.
            drop(to.send(Message::Hint));
        }
    };
    let started = notify::recommended_watcher(tell).and_then(|mut watcher| {
        watcher.watch(from_gate, RecursiveMode::NonRecursive)?;
        Ok(watcher)
    });
    match started {
        Ok(watcher) => Some(watcher),
        Err(error) => {
            tracing::info!(%error, "no hints from the drop directory; it is looked into at its interval");
            None
        }
    }
}

/// Our own removals are no hint.
fn is_arrival(kind: EventKind) -> bool {
    match kind {
        EventKind::Create(_) | EventKind::Modify(notify::event::ModifyKind::Name(_)) => true,
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => true,
        EventKind::Any | EventKind::Access(_) | EventKind::Modify(_) | EventKind::Remove(_) | EventKind::Other => false,
    }
}

/// Turns SIGTERM and SIGINT into a message.
///
/// # Errors
/// When the signals cannot be registered.
pub fn signals(to: Sender<Message>) -> std::io::Result<()> {
    let mut signals = Signals::new([SIGTERM, SIGINT])?;
    std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        for _ in signals.forever() {
            if to.send(Message::Stop).is_err() {
                return;
            }
        }
    })?;
    Ok(())
}
