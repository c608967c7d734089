//! What the daemon logs: failures, and changes of a stream's or the link's health.

use std::collections::BTreeMap;

use ferry_core::link::Link;

/// Logs each change once.
#[derive(Debug, Default)]
pub struct Reporter {
    faults: BTreeMap<&'static str, String>,
    refused: BTreeMap<String, String>,
    stopped: BTreeMap<String, String>,
    lock: &'static str,
}

impl Reporter {
    /// Logs what changed since the last call.
    pub fn report(&mut self, link: &mut Link) {
        for (what, text) in link.take_faults() {
            if self.faults.insert(what, text.clone()).as_ref() != Some(&text) {
                tracing::warn!(what, error = text, "an operation failed and is tried again");
            }
        }
        let lock = link.lock().map_or("", ferry_core::link::Lock::code);
        if lock != self.lock {
            self.lock = lock;
            if lock.is_empty() {
                tracing::info!("sending is unlocked");
            } else {
                tracing::error!(code = lock, "sending is locked");
            }
        }
        for receiver in link.receivers() {
            let Some(refusal) = receiver.refused() else { continue };
            let place = format!("{} {:?} {:?}", refusal.seq, refusal.table, refusal.row);
            if self.refused.insert(receiver.stream.to_string(), place.clone()).as_ref() != Some(&place) {
                tracing::error!(stream = %receiver.stream, seq = refusal.seq, code = refusal.code,
                    table = refusal.table, row = refusal.row, "a group is refused; its stream waits");
            }
        }
        for sender in link.senders() {
            let Some(stop) = sender.stopped() else { continue };
            if self.stopped.insert(sender.stream.to_string(), stop.code.clone()).as_ref() != Some(&stop.code) {
                tracing::error!(stream = %sender.stream, code = stop.code, place = stop.place, "a stream has stopped");
            }
        }
    }
}
