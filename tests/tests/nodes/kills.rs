//! Nodes and daemons are killed between the channel's result and the booking: every payment is confirmed and booked once.

use tests::nodes::Process;
use tests::nodes::kills::{Phase, run};
use tests::pair::environment;

use super::seed::fresh;

/// Kills in an ordinary run; `FERRY_NODE_KILLS` takes another number.
const KILLS: usize = 8;

#[test]
fn no_payment_is_lost_or_counted_twice_when_nodes_and_daemons_are_killed() {
    let number = |name: &str| environment(name).map(|text| text.parse().expect("it is a number"));
    let kills = number("FERRY_NODE_KILLS").map_or(KILLS, |kills| usize::try_from(kills).unwrap());
    let seed = number("FERRY_NODE_KILLS_SEED").unwrap_or_else(fresh);
    println!("FERRY_NODE_KILLS_SEED={seed}");
    let report = run(seed, kills);
    println!("{report}");
    let least = u64::try_from(kills / Process::ALL.len()).unwrap();
    for process in Process::ALL {
        assert!(report.of_process(process) >= least, "{process:?}\n{report}");
    }
    // Some payments are quicker than the kill; most are not.
    let done = report.of_phase(Phase::Done);
    assert!(done < u64::try_from(kills.div_ceil(2)).unwrap(), "most kills came too late\n{report}");
}
