//! `gap-sim run` and `gap-sim swarm`: worlds in this process.

use crate::cli::{RunArguments, SwarmArguments};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::lang::Lang;
use crate::print;
use crate::swarm_report::Totals;
use crate::words::{Word, say};
use ferry_core::coverage::{self, Place};
use gap_sim::check::Violation;
use gap_sim::world::World;
use gap_sim::world::faults::Fault;
use gap_sim::world::options::{Options, Workload};
use gap_sim::world::run::{Report, Verdict};
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::Instant;

/// What became of one world.
#[derive(Debug)]
pub struct Finished {
    /// Its seed.
    pub seed: u64,
    /// What its programs did.
    pub workload: Workload,
    /// Its report; the panic's message when it crashed.
    pub result: Result<Report, String>,
    /// What acted, and how often.
    pub faults: Vec<(Fault, u64)>,
    /// The places of the protocol that were reached; none are counted in a program that is shipped.
    pub places: Vec<Place>,
}

impl Finished {
    /// The exit code of a run that ended so.
    pub fn exit(&self) -> Exit {
        match self.result.as_ref().map(|report| &report.verdict) {
            Ok(Verdict::Pass) => Exit::Ok,
            Ok(Verdict::Correctness(_)) => Exit::Correctness,
            Ok(Verdict::Liveness(_)) => Exit::Liveness,
            Ok(Verdict::Undecided) => Exit::Undecided,
            Err(_) => Exit::Crash,
        }
    }

    /// What a run ended with.
    pub fn of(seed: u64, report: Report) -> Self {
        Self { seed, workload: Workload::Rows, result: Ok(report), faults: Vec::new(), places: Vec::new() }
    }

    /// One line about how it ended.
    pub fn sentence(&self, lang: Lang) -> String {
        match &self.result {
            Ok(report) => match &report.verdict {
                Verdict::Pass => say(lang, Word::WorldPass, &[&self.seed]),
                Verdict::Correctness(Violation { invariant, checker, text }) => {
                    say(lang, Word::WorldBroken, &[&self.seed, invariant, checker, text])
                }
                Verdict::Liveness(what) => say(lang, Word::WorldStuck, &[&self.seed, what]),
                Verdict::Undecided => say(lang, Word::WorldUndecided, &[&self.seed, &report.steps]),
            },
            Err(panic) => say(lang, Word::WorldCrashed, &[&self.seed, panic]),
        }
    }
}

/// Runs one world and tells everything about it.
pub fn run(arguments: &RunArguments, lang: Lang) -> Result<Exit, Failure> {
    if let Some(name) = &arguments.scenario {
        return crate::story::tell(name, arguments, lang);
    }
    let seed = crate::options::seed(arguments.seed)?;
    #[cfg(feature = "breaks")]
    ferry_format::toy_keys::set(arguments.toy_keys);
    let mut world = match arguments.backlog {
        Some(rows) => World::backlog(seed, rows),
        None => {
            let workload = arguments.workload.unwrap_or_else(|| Workload::of(seed));
            World::new(Options::of(seed, workload), arguments.trace.is_some())
        }
    };
    print(&world.options.to_string())?;
    let ran = panic::catch_unwind(AssertUnwindSafe(|| world.run()));
    let faults = world.faults.iter().collect();
    let workload = world.options.workload;
    let result = ran.map_err(|panic| message(&*panic));
    let finished = Finished { seed, workload, result, faults, places: coverage::take() };
    if let Some(last) = arguments.trace {
        let lines: Vec<_> = world.trace.lines().rev().take(last).collect();
        for line in lines.into_iter().rev() {
            print(&format!("{:>12} ms  {:<6} {}\n", line.at_ms, line.place, line.text))?;
        }
    }
    for (fault, count) in &finished.faults {
        print(&format!("fault {fault} {count}\n"))?;
    }
    if let Ok(report) = &finished.result {
        print(&format!(
            "steps {}, simulated {} ms, files {}, rows {}, trace lines {}\ntrace hash {}\n",
            report.steps, report.simulated_ms, report.files, report.rows, report.lines, report.hash
        ))?;
        for (what, count) in report.counts.list().into_iter().filter(|_| finished.workload == Workload::Nodes) {
            print(&format!("{}\n", say(lang, Word::SwarmNodes, &[&what, &count])))?;
        }
    }
    print(&format!("{}\n", finished.sentence(lang)))?;
    Ok(finished.exit())
}

fn one((seed, workload): (u64, Workload), arguments: &SwarmArguments) -> Finished {
    choose_keys(seed, arguments);
    let _before = coverage::take();
    let ran = panic::catch_unwind(|| {
        let mut world = World::new(Options::of(seed, workload), false);
        let report = world.run();
        (report, world.faults.iter().collect())
    });
    let places = coverage::take();
    match ran {
        Ok((report, faults)) => Finished { seed, workload, result: Ok(report), faults, places },
        Err(panic) => Finished { seed, workload, result: Err(message(&*panic)), faults: Vec::new(), places },
    }
}

/// The seeds that a swarm runs with their workloads, those of the file first.
fn seeds_of(arguments: &SwarmArguments) -> Result<Vec<(u64, Workload)>, Failure> {
    let mut seeds = Vec::new();
    if let Some(path) = &arguments.regressions {
        let text = std::fs::read_to_string(path).map_err(|cause| Failure::Seeds { path: path.clone(), cause })?;
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let mut words = line.split(' ');
            let seed = words.next().and_then(|word| word.parse().ok()).zip(words.next().and_then(Workload::named));
            let lacks = || format!("{line:?} does not begin with a seed and `rows` or `nodes`");
            let cause = || std::io::Error::new(std::io::ErrorKind::InvalidData, lacks());
            seeds.push(seed.ok_or_else(|| Failure::Seeds { path: path.clone(), cause: cause() })?);
        }
    }
    let of = |seed: u64| (seed, arguments.workload.unwrap_or_else(|| Workload::of(seed)));
    if let Some((first, last)) = arguments.seeds {
        seeds.extend((first..=last).map(of));
    }
    if let Some(count) = arguments.random {
        let first = crate::options::seed(None)? >> 16;
        print(&format!("--seeds {first}..{}\n", first + count - 1))?;
        seeds.extend((first..first + count).map(of));
    }
    Ok(seeds)
}

/// Every fifth world has real keys in any case.
#[cfg(feature = "breaks")]
fn choose_keys(seed: u64, arguments: &SwarmArguments) {
    ferry_format::toy_keys::set(arguments.toy_keys && !seed.is_multiple_of(5));
}

#[cfg(not(feature = "breaks"))]
fn choose_keys(_seed: u64, _arguments: &SwarmArguments) {}

fn message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
}

/// Runs many worlds on every core, and tells of those that failed and of all together.
#[expect(clippy::disallowed_methods, reason = "a swarm tells how fast it was")]
pub fn swarm(arguments: &SwarmArguments, lang: Lang) -> Result<Exit, Failure> {
    let seeds = seeds_of(arguments)?;
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let (next, enough) = (AtomicUsize::new(0), AtomicBool::new(false));
    let start = Instant::now();
    let mut totals = Totals::default();
    let (sender, finished) = mpsc::channel::<Finished>();
    let result: Result<(), Failure> = std::thread::scope(|scope| {
        for _ in 0..threads {
            let (sender, seeds, next, enough) = (sender.clone(), &seeds, &next, &enough);
            scope.spawn(move || {
                while !enough.load(Ordering::Relaxed) {
                    let Some(seed) = seeds.get(next.fetch_add(1, Ordering::Relaxed)) else { return };
                    if sender.send(one(*seed, arguments)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        for world in &finished {
            if world.exit() != Exit::Ok {
                print(&format!("{}\n", world.sentence(lang)))?;
                enough.store(totals.failures() + 1 >= arguments.stop_after, Ordering::Relaxed);
            }
            totals.add(&world);
        }
        Ok(())
    });
    result?;
    print(&totals.text(start.elapsed(), lang))?;
    if arguments.wants_coverage() && totals.exit() == Exit::Ok {
        let lacks = totals.lacks();
        for lack in &lacks {
            print(&format!("{}\n", say(lang, Word::SwarmLacks, &[lack])))?;
        }
        return Ok(if lacks.is_empty() { Exit::Ok } else { Exit::Undecided });
    }
    Ok(totals.exit())
}
