//! A world with a long outage: one way is down for a week while rows pile up, and then all of them must cross.

use ferry_core::settings::Settings;

use super::clock::NEW_YEAR_MS;
use super::host::ZoneId;
use super::options::{Options, StreamPlan, Workload};
use super::{Plan, World};
use crate::profile::{Outage, Profile};

/// How long the way from outer to inner is down.
const OUTAGE_MS: u64 = 7 * 24 * 3_600_000;
/// It goes down after an hour of ordinary work.
const OUTAGE_FROM_MS: u64 = 3_600_000;
/// Rows of one transaction of the payment platform.
const TRANSACTION_ROWS: u64 = 100;
/// The stream that waits.
const STREAM: &str = "confirm";
/// The longest time between two looks of the gate and of the daemons: a week has many seconds, and most show nothing.
const LOOK_MS: u64 = 30_000;
/// Statuses of a week, each signed and sealed, that say nothing new.
const HEARTBEAT_MS: u64 = 600_000;
/// From the end of the outage until all must have crossed: a million rows are a thousand batches, sixteen windows.
const DRAIN_MS: u64 = 24 * 3_600_000;

impl World {
    /// A world in which so many rows wait behind an outage of a week, rounded up to whole transactions.
    #[must_use]
    pub fn backlog(seed: u64, rows: u64) -> Self {
        let mut world = Self::bare(options(seed), false);
        for zone in ZoneId::BOTH {
            world.plan(0, Plan::Start(zone));
        }
        let transactions = rows.div_ceil(TRANSACTION_ROWS);
        for number in 0..transactions {
            let at = OUTAGE_FROM_MS / 2 + OUTAGE_MS / transactions.max(1) * number;
            world.plan(at, Plan::Commit(STREAM, TRANSACTION_ROWS));
        }
        world
    }
}

fn options(seed: u64) -> Options {
    let settings = Settings {
        observe_ms: LOOK_MS,
        scan_ms: LOOK_MS,
        note_ms: LOOK_MS,
        heartbeat_ms: HEARTBEAT_MS,
        ..Settings::default()
    };
    let profile = Profile {
        name: "week".to_owned(),
        scan_interval_ms: LOOK_MS,
        stable_scans: 1,
        delay_min_ms: 5_000,
        delay_mean_ms: 30_000,
        delay_max_ms: settings.gate_worst_ms,
        outage: Outage::OuterToInner,
        outage_from_ms: OUTAGE_FROM_MS,
        outage_for_ms: OUTAGE_MS,
        ..Profile::default()
    };
    let stream = |name, inner_owns, priority| StreamPlan {
        name,
        inner_owns,
        depends: Vec::new(),
        priority,
        rows: 1_000,
        plain_bytes: 1 << 20,
        linger_ms: 1_000,
        independent: false,
    };
    Options {
        seed,
        workload: Workload::Rows,
        mistake: None,
        streams: vec![stream("notice", true, 5), stream(STREAM, false, 9)],
        profile,
        safety_ms: OUTAGE_FROM_MS + OUTAGE_MS,
        transactions: 0,
        rows_max: 1,
        big_per_mille: 0,
        keys: 100_000,
        burst: 1,
        idle: false,
        wall_start_ms: NEW_YEAR_MS,
        latency_ms: 20,
        strikes: std::collections::BTreeMap::new(),
        operators: false,
        liveness_ms: DRAIN_MS,
        round_ms: 0,
        settings,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::run::Verdict;

    #[test]
    fn what_waited_behind_a_week_of_outage_crosses_within_the_limits() {
        let mut world = World::backlog(1, 5_000);
        let report = world.run();
        assert_eq!(report.verdict, Verdict::Pass);
        assert_eq!(report.rows, 5_000);
        assert!(report.simulated_ms > OUTAGE_MS);
    }
}
