//! Worlds of the nodes: they try what they are made for, repeat, and notice a mistake of a node.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use gap_sim::world::World;
use gap_sim::world::nodes::counts::Counts;
use gap_sim::world::nodes::mistake::Mistake;
use gap_sim::world::options::{Options, Workload};
use gap_sim::world::run::{Report, Verdict};

/// The invariant of the nodes.
const BOOKED_ONCE: u8 = 13;

fn run(seed: u64, mistake: Option<Mistake>) -> Report {
    World::new(Options { mistake, ..Options::of(seed, Workload::Nodes) }, false).run()
}

#[test]
fn the_nodes_of_a_seed_do_the_same_again_and_leave_nothing_out() {
    let mut counts = Counts::default();
    for seed in 1..=12 {
        let report = run(seed, None);
        assert_eq!(report.verdict, Verdict::Pass, "{seed}");
        counts.add(report.counts);
        if seed <= 2 {
            assert_eq!(run(seed, None).hash, report.hash, "{seed}");
        }
    }
    for (what, count) in counts.list() {
        // How often somebody pays another amount is a matter of some hundred worlds.
        assert!(count > 0 || what == "amount_diff", "none of twelve worlds has any {what}: {counts:?}");
    }
}

#[test]
fn a_confirmation_apart_from_its_order_and_money_that_counts_twice_are_noticed() {
    for mistake in [Mistake::ConfirmedApart, Mistake::SecondCounts] {
        let noticed = (1..=30).find_map(|seed| match run(seed, Some(mistake)).verdict {
            Verdict::Correctness(violation) => Some(violation.invariant),
            Verdict::Pass | Verdict::Liveness(_) | Verdict::Undecided => None,
        });
        assert_eq!(noticed, Some(BOOKED_ONCE), "{}", mistake.name());
    }
}

#[test]
fn one_world_of_four_has_the_nodes() {
    let of_nodes = (0..1_000).filter(|seed| Workload::of(*seed) == Workload::Nodes).count();
    assert!((200..300).contains(&of_nodes), "{of_nodes}");
    assert_eq!(["rows", "nodes", "tables"].map(Workload::named), [Some(Workload::Rows), Some(Workload::Nodes), None]);
}
