//! Daemons and gate are killed as `kill -9` does, between any two steps: nothing is lost, and nothing comes twice.

use ferry_core::breaks::Break;
use tests::kills::aims::{Aim, KINDS, draw};
use tests::kills::{Plan, run};
use tests::pair::environment;

/// Kills at places that are aimed at; `FERRY_KILLS` takes another number.
const KILLS: usize = 10;
/// Of so many aimed kills one more of the gate, and one of the shipped daemon at a drawn moment.
const OTHERS_EVERY: usize = 5;
/// Kills with the mistake: one after a commit of each zone.
const MISTAKEN: usize = 2;

/// The number that everything is drawn from: `FERRY_KILLS_SEED`, or a fresh one.
fn seed() -> u64 {
    environment("FERRY_KILLS_SEED").map_or_else(fresh, |seed| seed.parse().expect("FERRY_KILLS_SEED is a number"))
}

fn fresh() -> u64 {
    use ring::rand::SecureRandom as _;
    let mut bytes = [0; 8];
    ring::rand::SystemRandom::new().fill(&mut bytes).unwrap();
    u64::from_be_bytes(bytes)
}

#[test]
fn daemons_and_gate_that_are_killed_lose_nothing_and_repeat_nothing() {
    let kills = environment("FERRY_KILLS").map_or(KILLS, |kills| kills.parse().expect("FERRY_KILLS is a number"));
    let of_each_kind = kills.div_ceil(KINDS.len());
    let others = kills.div_ceil(OTHERS_EVERY);
    let seed = seed();
    println!("FERRY_KILLS_SEED={seed}");
    let aims = draw(seed, of_each_kind);
    let report = run(&Plan { seed, aims, gate: others, unaimed: others, mistake: None });
    println!("{report}");
    report.expect_exactly_once();
    for kind in KINDS {
        assert_eq!(report.of_kind(kind), u64::try_from(of_each_kind).unwrap(), "{kind}\n{report}");
    }
    assert_eq!((report.gate_in_flight(), report.unaimed), (others, u64::try_from(others).unwrap()), "{report}");
}

#[test]
fn a_watermark_in_its_own_transaction_is_noticed_although_the_zones_are_equal() {
    let seed = seed();
    println!("FERRY_KILLS_SEED={seed}");
    let aims = vec![Aim::after_commit(); MISTAKEN];
    let mistake = Some(Break::WatermarkApart.name());
    let report = run(&Plan { seed, aims, gate: 0, unaimed: 0, mistake });
    println!("{report}");
    assert!(report.unequal.is_empty() && report.verdict.lost.is_empty(), "upserts hide the repeat\n{report}");
    assert!(!report.verdict.repeated.is_empty(), "the mistake is not noticed\n{report}");
}
