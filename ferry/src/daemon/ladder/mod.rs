//! The ladder: in a short life of two zones, with the real store and real directories, every step that the operating system or
//! the database can refuse is refused once. Power loss is the simulator's matter: here everything that was done stays done.
//!
//! A rung is the number of a step and how it fails. `FERRY_LADDER=all` climbs every rung, a number that many of each kind of
//! step, `FERRY_LADDER_SEED` draws the same ones again, and `FERRY_LADDER_RUNG` climbs the one that a failed test has named.

mod draw;
mod judge;
mod make;
mod program;
mod rung;
mod scenario;
mod world;

use std::path::Path;

use draw::Wanted;
use rung::{Rung, Then};
use world::World;

use crate::fail::Step;
use crate::fail::plan::{self, How};

/// A lasting fault is lifted after so long: a disk that somebody clears, a mount that comes back.
const LASTING_MS: u64 = 5_000;
/// So many mistakes of a kind are made, until one is noticed.
const MISTAKES_MAX: usize = 40;

/// What a run met.
struct Climbed {
    /// Every step until it ended.
    seen: Vec<(usize, Step)>,
    /// Whether its fault met a step.
    met: bool,
    /// Whether the fault of the recovery met one, too.
    met_again: bool,
    /// Steps of the first recovery.
    recovery_steps: u64,
    verdict: Result<(), String>,
}

/// Plays the scenario on a copy of the template with the faults of a rung.
fn climb(template: &Path, rung: Option<Rung>) -> Climbed {
    let mut world = World::new(template);
    let (mut met, mut met_again, mut recovery_steps) = (false, false, 0);
    plan::arm(rung.map(|rung| rung.fault()));
    let played = scenario::play(&mut world, &mut |world| {
        let (Some(at), Some(rung)) = (plan::met(), rung) else { return };
        if met {
            return;
        }
        met = true;
        if let Then::FailAgain { at: again, how } = rung.then {
            world.kill(at.zone);
            plan::arm(Some(plan::Fault { at: again, how, lasts_ms: 0 }));
            world.try_start(at.zone);
            met_again = plan::met().is_some();
            recovery_steps = plan::passed();
            plan::arm(None);
        }
    });
    let seen = plan::seen();
    plan::arm(None);
    let verdict = played.and_then(|()| judge::judge(&mut world));
    Climbed { seen, met, met_again, recovery_steps, verdict }
}

/// The steps of a run without a fault, which must end well.
fn clean_run(template: &Path) -> Vec<(usize, Step)> {
    let climbed = climb(template, None);
    climbed.verdict.unwrap_or_else(|why| panic!("without a fault:\n{why}"));
    climbed.seen
}

/// Climbs rungs, and fails with the name of the first that does not hold.
fn climb_all(template: &Path, what: &str, rungs: &[Rung]) -> usize {
    let mut met = 0;
    for rung in rungs {
        let climbed = climb(template, Some(*rung));
        met += usize::from(climbed.met);
        climbed.verdict.unwrap_or_else(|why| panic!("FERRY_LADDER_RUNG='{rung}' {what}:\n{why}"));
    }
    println!("{what}: {} rungs climbed, {met} of them met their step", rungs.len());
    met
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

/// The rungs that are wanted of all those that the steps of a clean run give.
fn rungs(seen: &[(usize, Step)], wanted: &Wanted, lasts_ms: u64) -> Vec<Rung> {
    let at = |step: Step| seen.iter().zip(1..).filter(move |((_, one), _)| *one == step).map(|(_, at)| at);
    let mut found = Vec::new();
    for step in Step::ALL {
        let all = at(step).flat_map(|at| ways(step).iter().map(move |how| Rung::new(at, *how, lasts_ms)));
        found.extend(wanted.choose(all.collect()));
    }
    found
}

#[test]
fn every_step_may_fail_once() {
    let template = make::template();
    let seen = clean_run(template.path());
    if let Some(rung) = draw::named_rung() {
        climb_all(template.path(), "named", &[rung]);
        return;
    }
    let wanted = Wanted::of_environment();
    println!("{} steps, FERRY_LADDER_SEED={}", seen.len(), wanted.seed);
    let met = climb_all(template.path(), "once", &rungs(&seen, &wanted, 0));
    assert!(met > 0);
}

#[test]
fn every_step_may_fail_for_a_while() {
    let template = make::template();
    let seen = clean_run(template.path());
    let wanted = Wanted::of_environment();
    println!("{} steps, FERRY_LADDER_SEED={}", seen.len(), wanted.seed);
    let met = climb_all(template.path(), "for a while", &rungs(&seen, &wanted, LASTING_MS));
    assert!(met > 0);
}

#[test]
fn every_step_may_fail_and_the_recovery_after_it() {
    let template = make::template();
    let seen = clean_run(template.path());
    let wanted = Wanted::of_environment();
    println!("{} steps, FERRY_LADDER_SEED={}", seen.len(), wanted.seed);
    let probe = rungs(&seen, &wanted, 0)[0].then(Then::FailAgain { at: u64::MAX, how: How::Before });
    let recovery = climb(template.path(), Some(probe)).recovery_steps;
    println!("{recovery} steps of a recovery");
    let mut failed_twice = 0;
    for (rung, number) in rungs(&seen, &wanted, 0).into_iter().zip(0_u64..) {
        // Each rung has another step of the recovery, so that all of these are met, too.
        let then = Then::FailAgain { at: 1 + (wanted.seed.wrapping_add(number)) % recovery, how: How::Before };
        let rung = rung.then(then);
        let climbed = climb(template.path(), Some(rung));
        failed_twice += u64::from(climbed.met_again);
        climbed.verdict.unwrap_or_else(|why| panic!("FERRY_LADDER_RUNG='{rung}':\n{why}"));
    }
    println!("{failed_twice} rungs failed twice");
    assert!(failed_twice > 0);
}

/// The first of the steps of a kind, taken from the whole run, at which a fault is noticed.
fn noticed(template: &Path, seen: &[(usize, Step)], step: Step, how: How) -> Option<(Rung, String)> {
    let at: Vec<u64> = seen.iter().zip(1..).filter(|((_, one), _)| *one == step).map(|(_, at)| at).collect();
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
