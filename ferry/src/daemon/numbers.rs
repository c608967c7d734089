//! The protocol's numbers from the configuration.

use core::num::NonZeroU64;

use ferry_core::settings::{DAY_MS, ResendPlan, Settings};

use crate::config::{Config, ResendProfile};

/// What the protocol runs with. The time scale divides the timers; the lingers of the contract are divided by the caller.
#[must_use]
pub fn settings(config: &Config) -> Settings {
    let (gate, timers, flow) = (&config.gate, &config.timers, &config.flow);
    let written = Settings {
        window_batches: usize::try_from(flow.window).unwrap_or(usize::MAX),
        hold_bytes: flow.hold_bytes,
        group_bytes: flow.group_bytes,
        observe_ms: timers.observe_interval_ms,
        scan_ms: gate.scan_interval_ms,
        settle_ms: gate.settle_ms,
        heartbeat_ms: timers.heartbeat_ms,
        handshake_ms: timers.handshake_ms,
        status_debounce_ms: timers.status_debounce_ms,
        gate_worst_ms: gate.worst_delay_ms,
        resend: match &timers.resend {
            ResendProfile::Default => ResendPlan::Doubling,
            ResendProfile::SeedB => ResendPlan::seed_b(),
            ResendProfile::Steps(steps) => ResendPlan::Steps(steps.clone()),
        },
        resend_max_ms: timers.resend_max_ms,
        retention_ms: config.archive.whole_days * DAY_MS,
        ..Settings::default()
    };
    written.scaled(NonZeroU64::new(timers.time_scale).unwrap_or(NonZeroU64::MIN))
}
