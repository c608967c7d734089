//! Nodes and daemons are killed between the result, which is the channel's or that of two people, and the booking: every payment is confirmed and booked once.

use tests::nodes::Process;
use tests::nodes::kills::{EVERYWHERE, Kind, Phase, run};
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
    assert!(report.between() >= kills, "{report}");
    let least = u64::try_from(kills / Process::ALL.len()).unwrap();
    for process in Process::ALL {
        assert!(report.count(|of, _, _| of == process) >= least, "{process:?}\n{report}");
    }
    let by_two = report.count(|_, _, kind| kind.by_two);
    assert_eq!(u64::try_from(report.by_two).unwrap(), by_two, "each that two people confirmed is counted\n{report}");
    for kind in Kind::ALL {
        assert!(report.count(|_, _, of| of == kind) >= least, "{kind:?}\n{report}");
    }
    if kills < EVERYWHERE {
        return;
    }
    for phase in Phase::BETWEEN {
        assert!(report.count(|_, at, _| at == phase) > 0, "no kill when {}\n{report}", phase.title());
    }
    for kind in Kind::ALL {
        let between = report.count(|_, at, of| of == kind && at < Phase::Booked);
        assert!(between > 0, "no kill before the booking: {}\n{report}", kind.title());
    }
}
