//! The main job, `cargo demo`: two zones with keys and trust, a daemon and a node in each, a gate that misbehaves between them,
//! work at both nodes, and a comparison of both databases at the end.
//!
//! The daemons, the nodes and the gate are the shipped programs, as processes of their own. Base data is imported, notices are
//! issued and payments are made through the nodes' own commands and interfaces, while the daemons run.

mod account;
pub(crate) mod base;
pub(crate) mod books;
pub(crate) mod clock;
pub(crate) mod columns;
pub(crate) mod commands;
pub(crate) mod compare;
pub mod database;
mod deeds;
pub(crate) mod display;
pub mod failure;
pub(crate) mod folder;
mod gate;
pub(crate) mod lang;
mod ledger;
pub(crate) mod line;
pub(crate) mod options;
pub(crate) mod outcome;
pub(crate) mod papers;
mod payers;
pub(crate) mod process;
mod programs;
pub(crate) mod stop;
mod summary;
pub(crate) mod town;
mod verb;
mod watch;
mod worker;
pub(crate) mod writer;
pub(crate) mod zone;
pub(crate) mod zone_node;

use std::env;
use std::ffi::OsString;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use clap::FromArgMatches as _;

use account::NodesOutcome;
use base::BaseData;
use books::Books;
use clock::Clock;
use deeds::Deeds;
use display::Display;
use failure::{Exit, Failure};
use folder::Folder;
use lang::{Lang, text};
use ledger::Ledger;
use options::Options;
use outcome::{Asked, Outcome};
use papers::Catalogue;
use payers::{PAYERS, Payers};
use programs::Programs;
use stop::Stop;
use town::Town;
use watch::{Reached, Running};
use worker::Worker;
use zone::Zone;

/// How long a zone may say that something waits although nothing does: longer than the gate's longest delay at the
/// usual time scale.
const QUIET_MS_MAX: u64 = 20_000;
const STATUS_INTERVAL_MS: u64 = 200;

/// Runs the demo as the command line asks, and tells how it ended.
#[must_use]
pub fn main() -> ExitCode {
    let lang = Lang::of_environment();
    let found = options::command(lang).try_get_matches_from(arguments(env::args_os()));
    let options = match found.and_then(|found| Options::from_arg_matches(&found)) {
        Ok(options) => options,
        Err(fault) => {
            // The terminal may be gone; the exit code still tells.
            let _ = fault.print();
            return if fault.use_stderr() { Exit::Usage.into() } else { Exit::Ok.into() };
        }
    };
    if let Some(story) = options.story {
        return crate::story::main(&options, story, lang);
    }
    match run(&options, lang) {
        Ok(outcome) => {
            print(&outcome, options.json, lang);
            if outcome.equal { Exit::Ok.into() } else { Exit::Different.into() }
        }
        Err(failure) => {
            eprintln!("cargo demo: {}", failure.text.get(lang));
            failure.exit.into()
        }
    }
}

/// The arguments without a `--` before the first: `cargo demo -- --seed 1` and `cargo demo --seed 1` are the same.
fn arguments(given: impl Iterator<Item = OsString>) -> impl Iterator<Item = OsString> {
    given.enumerate().filter(|(place, argument)| !(*place == 1 && argument == "--")).map(|(_, argument)| argument)
}

/// What a run is asked for, told before anything is made.
///
/// # Errors
/// When no seed can be drawn.
pub(crate) fn asked(options: &Options) -> Result<Asked, Failure> {
    Ok(Asked {
        seed: options.seed.map_or_else(options::draw_seed, Ok)?,
        size: options.size.name(),
        profile: options.profile.clone(),
        time_scale: options.time_scale,
    })
}

/// The whole job, from building to comparing.
fn run(options: &Options, lang: Lang) -> Result<Outcome, Failure> {
    let stop = Stop::watch()?;
    let mut display = Display::new(lang);
    let asked = asked(options)?;
    let programs = find_programs(options, &display)?;
    stop.check()?;
    let folder = Arc::new(Folder::prepare(&options.dir, |text| display.tell(text))?);
    let Asked { seed, size, profile, time_scale } = &asked;
    display.tell(&text!(
        "seed {seed}, size {size}, gate profile {profile}; delays and timers divided by {time_scale}",
        "种子 {seed}，规模 {size}，网闸配置 {profile}；延迟与定时器同除以 {time_scale}"
    ));
    let town = Arc::new(Town::make(&programs, &folder, options.time_scale, None)?);
    stop.check()?;
    let clock = Clock::start();
    let mut running = Running { workers: Vec::new(), programs: town.start(&folder, &asked, (clock, &stop))? };
    let (deeds, reached) = work(options, *seed, (&town, &folder), &mut running, (clock, &stop, &mut display))?;
    display.tell(&text!("both sides agree; ending the programs and comparing", "两侧已一致；正在结束各程序并比对"));
    end(&town, running.programs, (clock, &stop))?;
    let tables = compare::compare(&town.inner_zone.database, &town.outer_zone.database)?;
    let account = NodesOutcome::of(&deeds, &town, &tables)?;
    let mut books = Books::open(&town.inner_zone, &town.outer_zone)?;
    let confirmed = reached.places.last().map_or(0, |place| place.batches);
    let commands = commands(&programs.ferry, &town, confirmed);
    let gate = zone::read_json(town.report())?.unwrap_or_default();
    let outcome = Outcome::of(asked, account, (&reached, &tables), &mut books, &gate, commands);
    books.close();
    outcome
}

/// Ends all programs, the nodes first, once neither zone waits for an operator.
///
/// # Errors
/// When a zone goes on saying that something waits, or a program does not end in order.
pub(crate) fn end(town: &Town, programs: Vec<process::Program>, (clock, stop): (Clock, &Stop)) -> Result<(), Failure> {
    for zone in [&town.inner_zone, &town.outer_zone] {
        expect_quiet(zone, (clock, stop))?;
    }
    programs.into_iter().rev().try_for_each(|program| program.end(clock))
}

/// Fails when a zone goes on saying that something waits for an operator. A peer that the gate kept quiet for a few
/// heartbeats is heard again by itself.
fn expect_quiet(zone: &Zone, (clock, stop): (Clock, &Stop)) -> Result<(), Failure> {
    let until_ms = clock.now_ms() + QUIET_MS_MAX;
    loop {
        stop.check()?;
        let status = zone.status()?;
        if status["attention"] == false {
            return Ok(());
        }
        if clock.now_ms() > until_ms {
            let (name, troubles) = (zone.name, &status["troubles"]);
            return Err(Failure::new(text!(
                "`ferry status` of {name} says that something waits for an operator: {troubles}",
                "{name} 区的 `ferry status` 表示有事项等待操作员：{troubles}"
            )));
        }
        clock::rest(STATUS_INTERVAL_MS);
    }
}

/// Finds the programs, or builds them.
///
/// # Errors
/// When one is not there, or the build fails.
pub(crate) fn find_programs(options: &Options, display: &Display) -> Result<Programs, Failure> {
    match &options.bin_dir {
        Some(directory) => Programs::find(directory),
        None => display.during(
            &text!(
                "building ferry, gap-sim and both nodes; the first time takes some minutes",
                "正在构建 ferry、gap-sim 与两个节点；首次需要几分钟"
            ),
            Programs::build,
        ),
    }
}

/// Starts the work at both nodes, and waits until all that comes of it is applied.
fn work(
    options: &Options,
    seed: u64,
    (town, folder): (&Arc<Town>, &Arc<Folder>),
    running: &mut Running,
    (clock, stop, display): (Clock, &Stop, &mut Display),
) -> Result<(Arc<Deeds>, Reached), Failure> {
    let base = Arc::new(BaseData::new(seed, options.size));
    let catalogue = Arc::new(Catalogue::of(&base));
    let deeds = Arc::new(Deeds::of(PAYERS));
    let (notices, confirmations) = (options.notices, options.confirmations);
    let planned = [base.rows(), notices, confirmations, Payers::requests(confirmations), confirmations];
    let mut books = Books::open(&town.inner_zone, &town.outer_zone)?;
    let payers = (Arc::clone(&base), Arc::clone(&catalogue));
    let payers = Payers::new(Arc::clone(town), payers, confirmations, Arc::clone(&deeds), stop.clone());
    let payers = Arc::new(payers);
    for _ in 0..PAYERS {
        let payers = Arc::clone(&payers);
        running.workers.push(Worker::start("payer", stop, move || payers.work())?);
    }
    let ledger =
        Ledger { town: Arc::clone(town), base, catalogue, notices, deeds: Arc::clone(&deeds), stop: stop.clone() };
    let folder = Arc::clone(folder);
    running.workers.push(Worker::start("ledger", stop, move || ledger.work(&folder))?);
    let reached = watch::until_agreed(running, &mut books, display, (clock, stop), (&planned, options.time_scale))?;
    display.finish();
    books.close();
    Ok((deeds, reached))
}

/// Commands to look around with, as they can be typed where the demo was started.
fn commands(ferry: &Path, town: &Town, confirmed: u64) -> Vec<String> {
    let batch = format!("confirm/{}", confirmed.clamp(1, 3));
    vec![
        commands::of_zone(ferry, &town.inner_zone, &["status"]),
        commands::of_zone(ferry, &town.outer_zone, &["explain", &batch]),
        commands::verify(ferry, [&town.inner_zone, &town.outer_zone]),
        commands::of_node(&town.inner, &["bookings"]),
        commands::of_node(&town.outer, &["order", "list"]),
    ]
}

/// Prints the result; a reader that has left, as `head` does, is no failure.
fn print(outcome: &Outcome, as_json: bool, lang: Lang) {
    let text = if as_json {
        let json = serde_json::to_string_pretty(outcome).expect("an outcome holds numbers and texts");
        json + "\n"
    } else {
        summary::summary(outcome, lang)
    };
    let _ = io::stdout().write_all(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::{OsString, arguments};

    #[test]
    fn options_may_stand_after_two_dashes_or_not() {
        for given in [&["demo", "--", "--json"][..], &["demo", "--json"]] {
            let kept: Vec<OsString> = arguments(given.iter().map(OsString::from)).collect();
            assert_eq!(kept, ["demo", "--json"]);
        }
    }
}
