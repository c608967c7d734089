//! `gap-sim breaks`: each deliberate mistake of the product, and the first world that notices it. Only a program that was
//! built with the feature `breaks` can make them.

use crate::cli::BreaksArguments;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::print;
use ferry_core::breaks::{self, Break};
use gap_sim::world::World;
use gap_sim::world::options::Options;
use gap_sim::world::run::Verdict;
use std::panic::{self, AssertUnwindSafe};

/// What a world of a seed says of a mistake when all checkers look, or only that of one invariant; `None` when it notices
/// nothing.
fn noticed(which: Break, seed: u64, only: Option<u8>) -> Option<(String, String)> {
    breaks::set(Some(which));
    ferry_format::toy_keys::set(true);
    let ran = panic::catch_unwind(AssertUnwindSafe(|| {
        let mut world = World::new(Options::draw(seed), false);
        only.into_iter().for_each(|invariant| world.keep_checker(invariant));
        world.run().verdict
    }));
    breaks::set(None);
    match ran {
        Ok(Verdict::Pass) => None,
        Ok(Verdict::Correctness(violation)) => {
            Some((format!("{} {}", violation.invariant, violation.checker), violation.text))
        }
        Ok(Verdict::Liveness(what)) => only.is_none_or(|only| only == 9).then(|| ("9 convergence".to_owned(), what)),
        Ok(Verdict::Undecided) => None,
        Err(_) => only.is_none().then(|| ("an assertion of the product".to_owned(), String::new())),
    }
}

/// Looks for the first seed that notices each mistake, and prints the table of `docs/simulation.md`.
pub fn run(arguments: &BreaksArguments) -> Result<Exit, Failure> {
    // A mistake may make the product stop itself; that is a way to notice it, and no reason to print a backtrace.
    panic::set_hook(Box::new(|_| {}));
    print(
        "| mistake | what is done wrong | invariant | seed | noticed by | seed, its own checker alone |\n|---|---|---|---|---|---|\n",
    )?;
    let mut exit = Exit::Ok;
    let (first, last) = arguments.seeds;
    let chosen = |which: &&Break| arguments.only.as_ref().is_none_or(|name| which.name() == name);
    for which in Break::ALL.iter().filter(chosen) {
        let found = (first..=last).find_map(|seed| Some((seed, noticed(*which, seed, None)?)));
        let invariant = which.invariant();
        let alone = (first..=last).find(|seed| noticed(*which, *seed, Some(invariant)).is_some());
        let alone = alone.map_or_else(|| "none".to_owned(), |seed| seed.to_string());
        let (seed, by) = match &found {
            Some((seed, (by, text))) => {
                if arguments.tell {
                    print(&format!("<!-- {}: {text} -->\n", which.name()))?;
                }
                (seed.to_string(), by.as_str())
            }
            None => {
                exit = Exit::Undecided;
                ("none".to_owned(), "nothing")
            }
        };
        let (name, meaning) = (which.name(), which.meaning().trim());
        print(&format!("| `{name}` | {meaning} | {invariant} | {seed} | {by} | {alone} |\n"))?;
    }
    Ok(exit)
}
