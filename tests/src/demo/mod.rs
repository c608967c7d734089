//! The main job, `cargo demo`: two zones with keys and trust, a daemon in each, a gate that misbehaves between them,
//! real rows both ways, and a comparison of both databases at the end.
//!
//! The daemons and the gate are the shipped programs, as processes of their own. Rows are written as the zones' own
//! programs would write them, while the daemons run.

pub(crate) mod books;
pub(crate) mod clock;
pub(crate) mod columns;
pub(crate) mod compare;
pub mod database;
mod display;
pub mod failure;
mod folder;
mod gate;
mod lang;
mod options;
mod outcome;
mod process;
mod programs;
mod stop;
mod summary;
mod watch;
mod workload;
pub(crate) mod writer;
mod zone;

use std::env;
use std::ffi::OsString;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::FromArgMatches as _;

use books::Books;
use clock::Clock;
use display::Display;
use failure::{Exit, Failure};
use folder::Folder;
use lang::{Lang, text};
use options::Options;
use outcome::{Asked, Outcome, Work};
use programs::Programs;
use stop::Stop;
use watch::{Reached, Running};
use workload::Workload;
use writer::{Writer, Written};
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

/// The whole job, from building to comparing.
fn run(options: &Options, lang: Lang) -> Result<Outcome, Failure> {
    let stop = Stop::watch()?;
    let mut display = Display::new(lang);
    let asked = Asked {
        seed: options.seed.map_or_else(options::draw_seed, Ok)?,
        size: options.size.name(),
        profile: options.profile.clone(),
        time_scale: options.time_scale,
    };
    let programs = find_programs(options, &display)?;
    stop.check()?;
    let folder = Folder::prepare(&options.dir, |text| display.tell(text))?;
    let Asked { seed, size, profile, time_scale } = &asked;
    display.tell(&text!(
        "seed {seed}, size {size}, gate profile {profile}; delays and timers divided by {time_scale}",
        "种子 {seed}，规模 {size}，网闸配置 {profile}；延迟与定时器同除以 {time_scale}"
    ));
    let [inner, outer] = make_zones(&programs, &folder, options.time_scale)?;
    stop.check()?;
    let clock = Clock::start();
    let report = folder.root().join("gate-report.json");
    let programs_running = vec![
        gate::start(&programs.gap_sim, &folder, &asked, [&inner, &outer], &report)?,
        inner.start(&folder)?,
        outer.start(&folder)?,
    ];
    let mut running = Running { writers: Vec::new(), programs: programs_running };
    let (work, reached) = ferry(options, *seed, [&inner, &outer], &mut running, (clock, &stop, &mut display))?;
    display.tell(&text!("both sides agree; ending the daemons and comparing", "两侧已一致；正在结束守护进程并比对"));
    for zone in [&inner, &outer] {
        expect_quiet(zone, (clock, &stop))?;
    }
    for program in running.programs.drain(..).rev() {
        program.end(clock)?;
    }
    let tables = compare::compare(&inner.database, &outer.database)?;
    let mut books = Books::open(&inner, &outer)?;
    let confirmed = reached.places.last().map_or(0, |place| place.batches);
    let commands = commands(&programs.ferry, &inner, &outer, confirmed);
    let gate = zone::read_json(&report)?.unwrap_or_default();
    let outcome = Outcome::of(asked, (work, &reached), &tables, &mut books, &gate, commands);
    books.close();
    outcome
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

fn find_programs(options: &Options, display: &Display) -> Result<Programs, Failure> {
    match &options.bin_dir {
        Some(directory) => Programs::find(directory),
        None => display.during(
            &text!(
                "building ferry and gap-sim; the first time takes some minutes",
                "正在构建 ferry 与 gap-sim；首次需要几分钟"
            ),
            Programs::build,
        ),
    }
}

fn make_zones(programs: &Programs, folder: &Folder, time_scale: u32) -> Result<[Zone; 2], Failure> {
    zone::lay_out_contract(folder)?;
    let inner = Zone::make(&programs.ferry, folder, ["inner", "outer"], time_scale)?;
    let outer = Zone::make(&programs.ferry, folder, ["outer", "inner"], time_scale)?;
    inner.trust(&outer)?;
    outer.trust(&inner)?;
    Ok([inner, outer])
}

/// Starts the writers and waits until everything that they write is applied.
fn ferry(
    options: &Options,
    seed: u64,
    [inner, outer]: [&Zone; 2],
    running: &mut Running,
    (clock, stop, display): (Clock, &Stop, &mut Display),
) -> Result<(Work, Reached), Failure> {
    let workload = Arc::new(Workload::new(seed, options.size, options.notices, options.confirmations));
    let written = Arc::new(Written::default());
    let (notices, confirmations) = (options.notices, options.confirmations);
    let planned = [workload.base_rows(), notices, confirmations, workload.requests(), confirmations];
    let mut books = Books::open(inner, outer)?;
    for (zone, is_inner) in [(inner, true), (outer, false)] {
        let (database, work, count) = (zone.database.clone(), workload.clone(), written.clone());
        let writer = if is_inner {
            Writer::start(database, move |write| work.inner().try_for_each(write), count, clock, stop.clone())?
        } else {
            Writer::start(database, move |write| work.outer().try_for_each(write), count, clock, stop.clone())?
        };
        running.writers.push(writer);
    }
    let scale = options.time_scale;
    let reached = watch::until_agreed(running, &mut books, display, (clock, stop), (&planned, scale))?;
    display.finish();
    books.close();
    let work = Work {
        changes: written.changes(),
        updates_and_deletes: written.later(),
        first_commit_ms: written.first_commit_ms().unwrap_or(0),
    };
    Ok((work, reached))
}

/// Three commands to look around with, as they can be typed where the demo was started.
fn commands(ferry: &Path, inner: &Zone, outer: &Zone, confirmed: u64) -> Vec<String> {
    let some_batch = confirmed.clamp(1, 3);
    let here = env::current_dir().ok();
    let shown = |path: &Path| {
        let short = here.as_deref().and_then(|here| path.strip_prefix(here).ok()).unwrap_or(path);
        quoted(&short.display().to_string())
    };
    let (ferry, inner_config, outer_config) = (shown(ferry), shown(&inner.config), shown(&outer.config));
    let (archives, cards) = ([&inner.archive, &outer.archive], [&inner.card, &outer.card]);
    let join = |paths: [&PathBuf; 2]| format!("{} {}", shown(paths[0]), shown(paths[1]));
    vec![
        format!("{ferry} status --config {inner_config}"),
        format!("{ferry} explain confirm/{some_batch} --config {outer_config}"),
        format!("{ferry} verify {} --trust {}", join(archives), join(cards)),
    ]
}

/// A word as a shell reads it.
fn quoted(word: &str) -> String {
    let is_plain = |character: char| character.is_alphanumeric() || "/._-+=:@%".contains(character);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
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
    use super::{OsString, arguments, quoted};

    #[test]
    fn options_may_stand_after_two_dashes_or_not() {
        for given in [&["demo", "--", "--json"][..], &["demo", "--json"]] {
            let kept: Vec<OsString> = arguments(given.iter().map(OsString::from)).collect();
            assert_eq!(kept, ["demo", "--json"]);
        }
    }

    #[test]
    fn a_word_stays_one_word_in_a_shell() {
        assert_eq!(quoted("demo/inner/ferry.toml"), "demo/inner/ferry.toml");
        assert_eq!(quoted("my demo"), "'my demo'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
    }
}
