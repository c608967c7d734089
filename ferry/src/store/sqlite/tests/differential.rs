//! Whatever programs do to their tables, the peer's are the same at the end, and were what the owner's were at every boundary on
//! the way.
//!
//! Cases are counted in parts of `PROPTEST_CASES`, which is 256 unless it is set: with 25 600, a hundred times as many run.

mod bites;
mod program;
mod setup;
mod world;

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

use setup::{NASTY, REAL, Setup};
use world::{Broken, World};

/// Of 256 cases, how many run on the nasty contract: about ten seconds of a debug build.
const NASTY_OF_256: u32 = 96;
/// And on the real one.
const REAL_OF_256: u32 = 32;
/// And with programs that do not enforce foreign keys.
const LOOSE_OF_256: u32 = 32;

fn config(of_256: u32) -> ProptestConfig {
    let default = ProptestConfig::default();
    let cases = u64::from(default.cases) * u64::from(of_256) / 256;
    ProptestConfig { cases: u32::try_from(cases).unwrap().max(1), failure_persistence: None, ..default }
}

fn hold(setup: &'static Setup, steps: &[program::Step]) -> Result<(), TestCaseError> {
    match World::new(setup).run(steps) {
        Ok(()) | Err(Broken::Dangling(_)) => Ok(()),
        Err(broken) => Err(TestCaseError::fail(broken.to_string())),
    }
}

proptest! {
    #![proptest_config(config(NASTY_OF_256))]
    #[test]
    fn the_replica_equals_the_owner_at_every_boundary(steps in program::nasty()) {
        hold(&NASTY, &steps)?;
    }
}

proptest! {
    #![proptest_config(config(REAL_OF_256))]
    #[test]
    fn the_replica_of_the_real_contract_equals_its_owner(steps in program::real()) {
        hold(&REAL, &steps)?;
    }
}

proptest! {
    #![proptest_config(config(LOOSE_OF_256))]
    /// SQLite enforces foreign keys only for connections that ask for it. What such programs leave behind may be something that
    /// the replica cannot hold; then its group is refused, and never applied as something else.
    #[test]
    fn what_breaks_foreign_keys_is_refused_and_never_applied_differently(steps in program::nasty()) {
        let mut world = World::new(&NASTY);
        world.loosen();
        match world.run(&steps) {
            Ok(()) | Err(Broken::Dangling(_)) => {}
            Err(Broken::NotApplied(outcome)) => prop_assert!(outcome.contains("constraint-foreign-key"), "{outcome}"),
            Err(broken @ Broken::Different { .. }) => prop_assert!(false, "{broken}"),
        }
    }
}

/// Programs of the same seed, for tests that count.
fn sample(
    count: usize,
    strategy: impl Strategy<Value = Vec<program::Step>>,
) -> impl Iterator<Item = Vec<program::Step>> {
    let mut runner = TestRunner::deterministic();
    (0..count).map(move |_| strategy.new_tree(&mut runner).unwrap().current())
}

#[test]
fn every_kind_of_statement_goes_through_and_every_kind_of_obstacle_is_met() {
    let mut done = BTreeMap::<&str, u64>::new();
    let mut turned_away = BTreeMap::<&str, u64>::new();
    let mut kinds = BTreeMap::<&str, u64>::new();
    let programs = sample(60, program::nasty()).map(|steps| (&*NASTY, steps));
    for (setup, steps) in programs.chain(sample(20, program::real()).map(|steps| (&*REAL, steps))) {
        let mut world = World::new(setup);
        world.run(&steps).unwrap_or_else(|broken| panic!("{broken}"));
        for step in &steps {
            if let program::Step::Run { kind, .. } = step {
                *kinds.entry(kind).or_default() += 1;
            }
        }
        for (sum, of) in [(&mut done, &world.done), (&mut turned_away, &world.turned_away)] {
            for (name, count) in of {
                *sum.entry(name).or_default() += count;
            }
        }
    }
    let never: Vec<&&str> = kinds.keys().filter(|kind| !done.contains_key(**kind)).collect();
    assert!(kinds.len() >= 45 && never.is_empty(), "of {} kinds these never went through: {never:?}", kinds.len());
    for code in
        ["busy", "transaction", "constraint-unique", "constraint-check", "constraint-foreign-key", "constraint-trigger"]
    {
        assert!(turned_away.contains_key(code), "{code} was never met: {turned_away:?}");
    }
}
