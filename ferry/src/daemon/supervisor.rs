//! What the service manager is told: that the zone runs, that its loop still turns, and that it ends.
//!
//! Without a service manager nothing is told, and nothing is missing.

use std::time::Duration;

use ferry_core::time::Mono;
use sd_notify::NotifyState;

/// The service manager, as the loop sees it.
///
/// Only the loop tells the watchdog that it turns, never a thread of its own: a loop that hangs falls silent, and the
/// service manager ends the process. What hangs in a worker is not seen here; its operation stays open in `status`.
#[derive(Debug)]
pub struct Supervisor {
    /// How often the watchdog is told; `None` when nobody watches.
    every_ms: Option<u64>,
    /// When it is told next.
    due: Mono,
}

impl Supervisor {
    /// Learns from the environment whether the service manager watches this process.
    #[must_use]
    pub fn find(now: Mono) -> Self {
        Self::watching(sd_notify::watchdog_enabled(), now)
    }

    /// Half the interval, so that one late turn is no alarm.
    fn watching(interval: Option<Duration>, now: Mono) -> Self {
        let interval = interval.filter(|interval| !interval.is_zero());
        let half_ms = |interval: Duration| u64::try_from(interval.as_millis() / 2).unwrap_or(u64::MAX).max(1);
        Self { every_ms: interval.map(half_ms), due: now }
    }

    /// Tells that the zone is held and recovered.
    pub fn ready(&self) {
        tell(&NotifyState::Ready);
    }

    /// Tells the watchdog, when it is time, that the loop has turned.
    pub fn turned(&mut self, now: Mono) {
        if self.is_due(now) {
            tell(&NotifyState::Watchdog);
        }
    }

    /// How long the loop may sleep before the watchdog has to be told.
    #[must_use]
    pub fn due_in_ms(&self, now: Mono) -> u64 {
        self.every_ms.map_or(u64::MAX, |_| self.due.since(now))
    }

    /// Tells that the zone is about to end.
    pub fn stopping(&self) {
        tell(&NotifyState::Stopping);
    }

    fn is_due(&mut self, now: Mono) -> bool {
        let Some(every_ms) = self.every_ms.filter(|_| now >= self.due) else { return false };
        self.due = now + every_ms;
        true
    }
}

/// A zone works on when nobody could be told; the service manager draws its own conclusion from silence.
fn tell(state: &NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(std::slice::from_ref(state)) {
        tracing::warn!(%error, %state, "the service manager was not told");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_watchdog_is_told_at_once_and_at_half_its_interval() {
        let mut supervisor = Supervisor::watching(Some(Duration::from_secs(60)), Mono(5));
        assert!(supervisor.is_due(Mono(5)));
        assert_eq!(supervisor.due_in_ms(Mono(1_005)), 29_000);
        assert!(!supervisor.is_due(Mono(30_004)));
        assert!(supervisor.is_due(Mono(30_005)));
    }

    #[test]
    fn turns_that_were_missed_are_not_made_up() {
        let mut supervisor = Supervisor::watching(Some(Duration::from_secs(2)), Mono(0));
        assert!(supervisor.is_due(Mono(10_000)));
        assert!(!supervisor.is_due(Mono(10_000)));
        assert_eq!(supervisor.due_in_ms(Mono(10_000)), 1_000);
    }

    #[test]
    fn the_loop_never_spins_for_a_tiny_interval() {
        let mut supervisor = Supervisor::watching(Some(Duration::from_micros(1)), Mono(0));
        assert!(supervisor.is_due(Mono(0)));
        assert_eq!(supervisor.due_in_ms(Mono(0)), 1);
    }

    #[test]
    fn nobody_is_told_where_nobody_watches() {
        for interval in [None, Some(Duration::ZERO)] {
            let mut supervisor = Supervisor::watching(interval, Mono(0));
            assert!(!supervisor.is_due(Mono(u64::MAX)));
            assert_eq!(supervisor.due_in_ms(Mono(0)), u64::MAX);
        }
    }
}
