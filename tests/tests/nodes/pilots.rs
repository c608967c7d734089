//! Both pilots with faults: a gate that loses, doubles, damages and delays, and channels that lose, double and hold back.

use tests::nodes::Town;
use tests::nodes::pilot::{run, seeds};
use tests::pair::environment;

use super::seed::fresh;

/// Seeds of one town: a town takes some seconds to make, and many have more to count in the end.
const OF_TOWN: usize = 5;

#[test]
fn both_pilots_come_through_a_gate_and_channels_that_misbehave() {
    let asked = environment("FERRY_PILOT_SEEDS").unwrap_or_else(|| {
        let first = fresh();
        format!("{first}..{}", first + 1)
    });
    println!("FERRY_PILOT_SEEDS={asked}");
    let all: Vec<u64> = seeds(&asked).collect();
    for some in all.chunks(OF_TOWN) {
        let mut town = Town::behind_gate(some[0]);
        for seed in some {
            println!("{}", run(&mut town, *seed));
        }
    }
}
