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

use std::path::Path;

use climb::{climb, climb_all};
use draw::Wanted;
use rung::{Rung, Then};
use scenario::Life;

use crate::fail::Step;
use crate::fail::plan::{How, Passed};

/// A lasting fault is lifted after so long: a disk that somebody clears, a mount that comes back.
const LASTING_MS: u64 = 5_000;
/// So many mistakes of a kind are made, until one is noticed.
const MISTAKES_MAX: usize = 40;

/// Recoveries that are counted to know how many steps those between them have.
const PROBES: usize = 12;
/// What the life in which operators act has, and the other has not. Whatever else they have in common is climbed there.
const OPERATED: [&str; 11] = [
    work::START,
    work::COMMAND,
    "act",
    "list-acts",
    "load",
    "find-own",
    "keep-own",
    "take-back",
    "give-back",
    "withdraw",
    "reopen",
];

/// The steps of a run without a fault, which must end well.
fn clean_run(template: &Path, life: Life) -> Vec<Passed> {
    let climbed = climb::clean(template, life);
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
fn rungs(life: Life, seen: &[Passed], wanted: &Wanted, lasts_ms: u64) -> Vec<Rung> {
    let is_new = work::is_new(seen);
    let is_meant = |passed: &Passed| life == Life::Quiet || OPERATED.contains(&passed.part_of);
    let at = |step: Step| {
        let all = seen.iter().zip(&is_new).zip(1..);
        all.filter(move |((passed, is_new), _)| passed.step == step && **is_new && is_meant(passed)).map(|(_, at)| at)
    };
    let mut found = Vec::new();
    for step in Step::ALL {
        let all = at(step).flat_map(|at| ways(step).iter().map(move |how| Rung::new(life, at, *how, lasts_ms)));
        found.extend(wanted.choose(all.collect()));
    }
    found.sort_by_key(|rung| rung.at);
    found
}

/// Climbs what is wanted of both lives, each rung followed by what `then` makes of all of them, and fails with the names of those
/// that do not hold.
fn climb_wanted(what: &'static str, lasts_ms: u64, then: impl Fn(&Path, &mut [Rung], u64)) {
    let template = make::template();
    let wanted = Wanted::of_environment();
    for life in [Life::Quiet, Life::Operated] {
        let seen = clean_run(template.path(), life);
        let mut rungs = rungs(life, &seen, &wanted, lasts_ms);
        then(template.path(), &mut rungs, wanted.seed);
        println!("{what}, {life:?}: {} steps, {} rungs, FERRY_LADDER_SEED={}", seen.len(), rungs.len(), wanted.seed);
        if wanted.is_whole() {
            let tally = work::tally(&seen);
            tally
                .iter()
                .for_each(|(name, (all, new))| println!("  {name:<16} {all:>6} steps, {new:>6} of them different"));
        }
        let outcome = climb_all(template.path(), what, &seen, &rungs, wanted.is_whole());
        // Of two runs one may take a few steps less, and its last rungs are not there.
        assert!(outcome.met * 10 >= outcome.rungs * 9, "too few rungs met their step");
        assert!(outcome.met_again > 0 || rungs.iter().all(|rung| rung.then == Then::GoOn), "no recovery failed");
    }
}

#[test]
fn every_step_may_fail_once() {
    if let Some(rung) = draw::named_rung() {
        let template = make::template();
        let seen = clean_run(template.path(), rung.life);
        climb_all(template.path(), "named", &seen, &[rung], false);
        return;
    }
    climb_wanted("once", 0, |_, _, _| ());
}

#[test]
fn every_step_may_fail_for_a_while() {
    climb_wanted("for a while", LASTING_MS, |_, _, _| ());
}

/// The recovery grows with what lies in the spools and the books, and each rung has another step of it, so that all are met.
#[test]
fn every_step_may_fail_and_the_recovery_after_it() {
    climb_wanted("and the recovery", 0, |template, rungs, seed| {
        let apart = rungs.len().div_ceil(PROBES).max(1);
        for piece in rungs.chunks_mut(apart) {
            let steps =
                [piece.first(), piece.last()].into_iter().flatten().map(|rung| recovery_steps(template, *rung)).max();
            let steps = steps.unwrap_or(1).max(1);
            for (rung, number) in piece.iter_mut().zip(seed..) {
                let how = if number % 3 == 0 { How::After } else { How::Before };
                *rung = rung.then(Then::FailAgain { at: 1 + number % steps, how });
            }
        }
    });
}

/// How many steps a start takes after a rung.
fn recovery_steps(template: &Path, rung: Rung) -> u64 {
    climb(template, rung.then(Then::FailAgain { at: u64::MAX, how: How::Before })).recovery_steps
}

/// The first of the steps of a kind, in one kind of work, at which a fault is noticed.
fn noticed(template: &Path, seen: &[Passed], (part_of, step): (&str, Step), how: How) -> Option<(Rung, String)> {
    let is_meant = |passed: &Passed| passed.step == step && passed.part_of == part_of;
    let meant = seen.iter().zip(1..).filter(|(passed, _)| is_meant(passed));
    meant.take(MISTAKES_MAX).map(|(_, at)| Rung::new(Life::Quiet, at, how, 0)).find_map(|rung| {
        let why = climb(template, rung).verdict.err()?;
        Some((rung, why))
    })
}

/// Were the ladder blind, it would notice nothing of this either. A batch that was recorded and is not in the spool cannot be sent;
/// most other mistakes are mended by what comes next, as they should be.
#[test]
fn a_failure_that_is_taken_for_a_success_is_noticed() {
    let template = make::template();
    let seen = clean_run(template.path(), Life::Quiet);
    for step in [Step::Write, Step::Rename] {
        let found = noticed(template.path(), &seen, ("seal", step), How::Ignored);
        let (rung, why) = found.expect("a batch that is not in the spool is missed");
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
    let seen = clean_run(template.path(), Life::Quiet);
    let found = noticed(template.path(), &seen, ("apply", Step::Commit), How::Before);
    breaks::set(None);
    let (rung, why) = found.expect("one of them repeats rows");
    println!("{rung}: {}", why.lines().next().unwrap_or_default());
}
