//! The ladder: in a short life of two zones, with the real store and real directories, every step that the operating system or
//! the database can refuse is refused once. Power loss is the simulator's matter: here everything that was done stays done.
//!
//! A rung is the number of a step and how it fails. `FERRY_LADDER=all` climbs every rung, `FERRY_LADDER=1..2000` those of some
//! steps, a number that many of each kind of step, `FERRY_LADDER_SEED` draws the same ones again, and `FERRY_LADDER_RUNG` climbs
//! the one that a failed test has named.

mod climb;
mod draw;
mod judge;
mod make;
mod program;
mod rung;
mod scenario;
mod work;
mod world;

use std::cell::OnceCell;
use std::path::Path;

use climb::{Outcome, climb, climb_all};
use draw::Wanted;
use rung::{Rung, Then};

use crate::fail::Step;
use crate::fail::plan::{How, Passed};

/// A lasting fault is lifted after so long: a disk that somebody clears, a mount that comes back.
const LASTING_MS: u64 = 5_000;
/// So many mistakes of a kind are made, until one is noticed.
const MISTAKES_MAX: usize = 40;

/// The steps of a run without a fault, which must end well.
fn clean_run(template: &Path) -> Vec<Passed> {
    let climbed = climb(template, None);
    climbed.verdict.unwrap_or_else(|why| panic!("without a fault:\n{why}"));
    climbed.seen
}

/// The ways in which a step can fail. Of what is done in this process only a commit can be done and fail all the same; a file
/// system may be far away.
fn ways(step: Step) -> &'static [How] {
    match step {
        Step::Create | Step::Write | Step::SyncFile | Step::MakeDirectory | Step::Rename | Step::Link => {
            &[How::Before, How::Full, How::After]
        }
        Step::SyncDirectory | Step::Remove | Step::RemoveDirectory | Step::RollBack | Step::Close => {
            &[How::Before, How::After]
        }
        Step::Commit => &[How::Before, How::Full, How::After],
        Step::Run | Step::Script => &[How::Before, How::Full],
        Step::Open | Step::Read | Step::List | Step::NextEntry | Step::Look => &[How::Before],
        Step::Connect | Step::Begin | Step::Query => &[How::Before],
    }
}

/// The rungs that are wanted of all those that the steps of a clean run give, in the order of the steps.
fn rungs(seen: &[Passed], wanted: &Wanted, lasts_ms: u64) -> Vec<Rung> {
    let is_new = work::is_new(seen);
    let at = |step: Step| {
        let all = seen.iter().zip(&is_new).zip(1..);
        all.filter(move |((passed, is_new), _)| passed.step == step && **is_new).map(|(_, at)| at)
    };
    let mut found = Vec::new();
    for step in Step::ALL {
        let all = at(step).flat_map(|at| ways(step).iter().map(move |how| Rung::new(at, *how, lasts_ms)));
        found.extend(wanted.choose(all.collect()));
    }
    found.sort_by_key(|rung| rung.at);
    found
}

/// Climbs what is wanted, each rung followed by what `then` makes of it, and fails with the names of those that do not hold.
fn climb_wanted(what: &'static str, lasts_ms: u64, then: impl Fn(&Path, Rung, u64) -> Rung) -> Outcome {
    let template = make::template();
    let seen = clean_run(template.path());
    let wanted = Wanted::of_environment();
    let rungs: Vec<Rung> = rungs(&seen, &wanted, lasts_ms)
        .into_iter()
        .zip(wanted.seed..)
        .map(|(rung, number)| then(template.path(), rung, number))
        .collect();
    println!("{what}: {} steps, {} rungs, FERRY_LADDER_SEED={}", seen.len(), rungs.len(), wanted.seed);
    if wanted.is_whole() {
        let tally = work::tally(&seen);
        tally.iter().for_each(|(name, (all, new))| println!("  {name:<16} {all:>6} steps, {new:>6} of them different"));
    }
    climb_all(template.path(), what, &seen, &rungs, wanted.is_whole())
}

#[test]
fn every_step_may_fail_once() {
    if let Some(rung) = draw::named_rung() {
        let template = make::template();
        let seen = clean_run(template.path());
        climb_all(template.path(), "named", &seen, &[rung], false);
        return;
    }
    assert!(climb_wanted("once", 0, |_, rung, _| rung).met > 0);
}

#[test]
fn every_step_may_fail_for_a_while() {
    assert!(climb_wanted("for a while", LASTING_MS, |_, rung, _| rung).met > 0);
}

#[test]
fn every_step_may_fail_and_the_recovery_after_it() {
    let steps = OnceCell::new();
    let outcome = climb_wanted("and the recovery", 0, |template, rung, number| {
        let steps = *steps.get_or_init(|| {
            let probe = rung.then(Then::FailAgain { at: u64::MAX, how: How::Before });
            climb(template, Some(probe)).recovery_steps
        });
        // Each rung has another step of the recovery, so that all of these are met, too.
        rung.then(Then::FailAgain { at: 1 + number % steps, how: How::Before })
    });
    assert!(outcome.met_again > 0);
}

/// The first of the steps of a kind, taken from the whole run, at which a fault is noticed.
fn noticed(template: &Path, seen: &[Passed], step: Step, how: How) -> Option<(Rung, String)> {
    let at: Vec<u64> = seen.iter().zip(1..).filter(|(passed, _)| passed.step == step).map(|(_, at)| at).collect();
    let apart = at.len().div_ceil(MISTAKES_MAX);
    at.into_iter().step_by(apart).map(|at| Rung::new(at, how, 0)).find_map(|rung| {
        let why = climb(template, Some(rung)).verdict.err()?;
        Some((rung, why))
    })
}

/// Were the ladder blind, it would notice nothing of this either.
#[test]
fn a_failure_that_is_taken_for_a_success_is_noticed() {
    let template = make::template();
    let seen = clean_run(template.path());
    for step in [Step::Write, Step::Rename] {
        let (rung, why) = noticed(template.path(), &seen, step, How::Ignored).expect("one of them does harm");
        println!("{step:?} {rung}: {}", why.lines().next().unwrap_or_default());
    }
}

/// The rows committed apart from the watermark are no harm until the commit of the watermark fails.
#[cfg(feature = "drill")]
#[test]
fn a_watermark_that_is_committed_apart_is_noticed() {
    use ferry_core::breaks::{self, Break};
    let template = make::template();
    breaks::set(Some(Break::WatermarkApart));
    let seen = clean_run(template.path());
    let found = noticed(template.path(), &seen, Step::Commit, How::Before);
    breaks::set(None);
    let (rung, why) = found.expect("one of them repeats rows");
    println!("{rung}: {}", why.lines().next().unwrap_or_default());
}
