//! Operations that fail again and again, for the operator: a full disk, a directory that is not there, a busy database.

use std::collections::BTreeMap;

use crate::ports::{FaultKind, PortError};
use crate::settings::Settings;
use crate::time::Mono;

/// What a disk without room is called.
const DISK_FULL: &str = "disk-full";
/// What everything else is called that is tried again and again.
const OPERATION_FAILING: &str = "operation-failing";
/// A single failure is no trouble: the database was busy for a moment.
const TIMES_MIN: u32 = 2;
/// A failure that has not come again for so many of the longest of the intervals at which things are tried, or of its own last
/// interval, is over.
const INTERVALS: u64 = 3;

/// What fails at present.
#[derive(Debug, Default)]
pub(super) struct Failing {
    /// When something last ended, well or not.
    pub(super) turned: Mono,
    kinds: BTreeMap<&'static str, Failure>,
}

#[derive(Debug)]
struct Failure {
    times: u32,
    last: Mono,
    /// Between the last two.
    gap_ms: u64,
    full: bool,
    text: String,
}

impl Failing {
    /// An operation has failed.
    pub(super) fn add(&mut self, what: &'static str, error: &PortError, settings: &Settings) {
        let now = self.turned;
        let before = self.kinds.get(what).filter(|failure| is_present(failure, now, settings));
        let times = before.map_or(0, |failure| failure.times).saturating_add(1);
        let gap_ms = before.map_or(0, |failure| now.since(failure.last));
        let full = error.kind == FaultKind::Full;
        self.kinds.insert(what, Failure { times, last: now, gap_ms, full, text: error.text.clone() });
    }

    /// It has succeeded.
    pub(super) fn end(&mut self, what: &'static str) {
        self.kinds.remove(what);
    }

    /// The code and the words of what fails again and again, a full disk first; both are empty when nothing does.
    pub(super) fn told(&self, now: Mono, settings: &Settings) -> (&'static str, String) {
        let again = |failure: &Failure| failure.times >= TIMES_MIN && is_present(failure, now, settings);
        let mut found: Vec<_> = self.kinds.iter().filter(|(_, failure)| again(failure)).collect();
        found.sort_by_key(|(what, failure)| (!failure.full, **what));
        let Some((what, failure)) = found.first() else { return ("", String::new()) };
        let code = if failure.full { DISK_FULL } else { OPERATION_FAILING };
        (code, format!("{what}: {}", failure.text))
    }
}

fn is_present(failure: &Failure, now: Mono, settings: &Settings) -> bool {
    let longest = settings.retry_ms.max(settings.scan_ms).max(settings.observe_ms);
    now.since(failure.last) <= INTERVALS * longest.max(failure.gap_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fails_twice_is_told_until_it_has_not_failed_for_a_while() {
        let (settings, mut failing) = (Settings::default(), Failing::default());
        let failed = |kind, text: &str| PortError::new(kind, text);
        failing.turned = Mono(0);
        failing.add("keep", &failed(FaultKind::Transient, "busy"), &settings);
        assert_eq!(failing.told(Mono(0), &settings), ("", String::new()));
        failing.turned = Mono(1_000);
        failing.add("keep", &failed(FaultKind::Transient, "busy"), &settings);
        assert_eq!(failing.told(Mono(1_000), &settings), ("operation-failing", "keep: busy".to_owned()));
        for at in [1_500, 2_500] {
            failing.turned = Mono(at);
            failing.add("seal", &failed(FaultKind::Full, "no room"), &settings);
        }
        assert_eq!(failing.told(Mono(2_500), &settings), ("disk-full", "seal: no room".to_owned()));
        assert_eq!(failing.told(Mono(5_501), &settings), ("", String::new()));
        failing.turned = Mono(9_000);
        failing.add("seal", &failed(FaultKind::Full, "no room"), &settings);
        assert_eq!(failing.told(Mono(9_000), &settings).0, "", "it begins anew");
        for at in [20_000, 23_000, 29_000] {
            failing.turned = Mono(at);
            failing.add("status", &failed(FaultKind::Transient, "away"), &settings);
        }
        assert_eq!(failing.told(Mono(41_000), &settings).0, "operation-failing", "it is tried ever more seldom");
        failing.end("status");
        assert_eq!(failing.told(Mono(41_000), &settings).0, "");
    }
}
