//! Climbs rungs, on every core where all are wanted, and tells what became of them.

use std::collections::BTreeMap;
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use super::judge;
use super::rung::{Rung, Then};
use super::scenario::{self, Life};
use super::world::World;
use crate::fail::Step;
use crate::fail::plan::{self, Passed};

/// After so many rungs that did not hold no more are climbed: they have one cause, or somebody should look.
const FALLS_MAX: usize = 20;
/// It is told how far the ladder is climbed whenever so many rungs are.
const TOLD_EVERY: usize = 200;

/// Ladders that are climbed as a whole take turns, each on all cores.
static TURN: Mutex<()> = Mutex::new(());

/// What a run met.
pub struct Climbed {
    /// Every step until it ended.
    pub seen: Vec<Passed>,
    /// Whether its fault met a step.
    met: bool,
    /// Whether the fault of the recovery met one, too.
    met_again: bool,
    /// Steps of the first recovery.
    pub recovery_steps: u64,
    /// How it ended.
    pub verdict: Result<(), String>,
}

/// What became of rungs.
#[derive(Debug, Default, Clone, Copy)]
pub struct Outcome {
    pub rungs: usize,
    /// So many met their step.
    pub met: usize,
    /// So many met the one of the recovery, too.
    pub met_again: usize,
    fell: usize,
}

/// Plays a life on a copy of the template without a fault.
pub fn clean(template: &Path, life: Life) -> Climbed {
    play(template, life, None)
}

/// Plays the life of a rung with its faults.
pub fn climb(template: &Path, rung: Rung) -> Climbed {
    play(template, rung.life, Some(rung))
}

fn play(template: &Path, life: Life, rung: Option<Rung>) -> Climbed {
    let mut world = World::new(template);
    let (mut met, mut met_again, mut recovery_steps) = (false, false, 0);
    plan::arm(rung.map(|rung| rung.fault()));
    let played = scenario::play(&mut world, life, &mut |world| {
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
    let verdict = played.and_then(|()| judge::judge(&mut world, life));
    Climbed { seen, met, met_again, recovery_steps, verdict }
}

/// Climbs rungs, whose steps are those of a clean run, and prints what became of them.
///
/// # Panics
/// With the names of those that do not hold.
pub fn climb_all(template: &Path, what: &'static str, seen: &[Passed], rungs: &[Rung], is_whole: bool) -> Outcome {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let turn = is_whole.then(|| TURN.lock().unwrap_or_else(PoisonError::into_inner));
    let book = Book { what, seen, rungs, begun: now(), next: AtomicUsize::new(0), pages: Mutex::default() };
    std::thread::scope(|scope| {
        for _ in 0..if is_whole { cores } else { 1 } {
            scope.spawn(|| book.climb(template));
        }
    });
    drop(turn);
    book.close()
}

#[expect(clippy::disallowed_methods, reason = "whoever waits for a ladder is told how long it has been climbed")]
fn now() -> Instant {
    Instant::now()
}

/// What is written down while a ladder is climbed.
struct Book<'b> {
    what: &'static str,
    seen: &'b [Passed],
    rungs: &'b [Rung],
    begun: Instant,
    next: AtomicUsize,
    pages: Mutex<Pages>,
}

#[derive(Default)]
struct Pages {
    all: Outcome,
    works: BTreeMap<&'static str, Outcome>,
    steps: BTreeMap<Step, Outcome>,
    falls: Vec<String>,
}

impl Book<'_> {
    /// Climbs one rung after the other, as long as there are some.
    fn climb(&self, template: &Path) {
        while let Some(rung) = self.rungs.get(self.next.fetch_add(1, Ordering::Relaxed)) {
            let climbed = panic::catch_unwind(AssertUnwindSafe(|| climb(template, *rung)));
            let Ok(climbed) = climbed else {
                // What this thread counts is not to be trusted any more.
                self.fell(&mut self.pages.lock().unwrap(), *rung, "it panicked");
                return;
            };
            if !self.note(*rung, &climbed) {
                return;
            }
        }
    }

    /// The step that a rung is about.
    fn step_of(&self, rung: Rung) -> Option<&Passed> {
        self.seen.get(usize::try_from(rung.at.checked_sub(1)?).ok()?)
    }

    /// Returns whether to go on.
    fn note(&self, rung: Rung, climbed: &Climbed) -> bool {
        let mut pages = self.pages.lock().unwrap();
        pages.all.add(climbed);
        if let Some(passed) = self.step_of(rung) {
            pages.works.entry(passed.part_of).or_default().add(climbed);
            pages.steps.entry(passed.step).or_default().add(climbed);
        }
        if let Err(why) = &climbed.verdict {
            self.fell(&mut pages, rung, why);
        }
        let done = pages.all.rungs;
        if done.is_multiple_of(TOLD_EVERY) {
            let (of, seconds) = (self.rungs.len(), now().duration_since(self.begun).as_secs());
            println!("{}: {done} of {of} rungs in {seconds} s, up to step {}", self.what, rung.at);
        }
        pages.falls.len() < FALLS_MAX
    }

    fn fell(&self, pages: &mut Pages, rung: Rung, why: &str) {
        let part_of = self.step_of(rung).map_or("", |passed| passed.part_of);
        let fall = format!("FERRY_LADDER_RUNG='{rung}' ({}, {part_of}):\n{why}", self.what);
        println!("{fall}");
        pages.falls.push(fall);
    }

    fn close(self) -> Outcome {
        let Pages { all, works, steps, falls } = self.pages.into_inner().unwrap();
        println!("{}: {all}", self.what);
        works.iter().for_each(|(name, outcome)| println!("  {name:<16} {outcome}"));
        steps.iter().for_each(|(step, outcome)| println!("  {:<16} {outcome}", format!("{step:?}")));
        println!("  {} s", now().duration_since(self.begun).as_secs());
        assert!(falls.is_empty(), "{} rungs do not hold:\n{}", falls.len(), falls.join("\n"));
        all
    }
}

impl Outcome {
    fn add(&mut self, climbed: &Climbed) {
        self.rungs += 1;
        self.met += usize::from(climbed.met);
        self.met_again += usize::from(climbed.met_again);
        self.fell += usize::from(climbed.verdict.is_err());
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { rungs, met, met_again, fell } = self;
        write!(
            f,
            "{rungs:>6} rungs climbed, {met:>6} met their step, {met_again:>6} met a second, {fell:>3} did not hold"
        )
    }
}
