//! `gap-sim breaks`: each deliberate mistake of the product, and the first world that notices it. Only a program that was
//! built with the feature `breaks` can make them.

use crate::cli::BreaksArguments;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::print;
use ferry_core::breaks::{self, Break};
use gap_sim::world::World;
use gap_sim::world::nodes::mistake::Mistake;
use gap_sim::world::options::{Options, Workload};
use gap_sim::world::run::Verdict;
use std::panic::{self, AssertUnwindSafe};

/// The invariant that the nodes' mistakes break.
const NODES_INVARIANT: u8 = 13;

/// A mistake of the product, or of the nodes that use it.
#[derive(Debug, Clone, Copy)]
enum Wrong {
    Ferry(Break),
    Nodes(Mistake),
}

impl Wrong {
    fn all() -> impl Iterator<Item = Self> {
        Break::ALL.iter().copied().map(Self::Ferry).chain(Mistake::ALL.iter().copied().map(Self::Nodes))
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Ferry(which) => which.name(),
            Self::Nodes(which) => which.name(),
        }
    }

    const fn meaning(self) -> &'static str {
        match self {
            Self::Ferry(which) => which.meaning(),
            Self::Nodes(which) => which.meaning(),
        }
    }

    const fn invariant(self) -> u8 {
        match self {
            Self::Ferry(which) => which.invariant(),
            Self::Nodes(_) => NODES_INVARIANT,
        }
    }

    /// The world of a seed in which it is made; a mistake of the product, among rows that mean nothing.
    fn options(self, seed: u64) -> Options {
        match self {
            Self::Ferry(_) => Options::draw(seed),
            Self::Nodes(which) => Options { mistake: Some(which), ..Options::of(seed, Workload::Nodes) },
        }
    }
}

/// What a world of a seed says of a mistake when all checkers look, or only that of one invariant; `None` when it notices
/// nothing.
fn noticed(which: Wrong, seed: u64, only: Option<u8>) -> Option<(String, String)> {
    if let Wrong::Ferry(which) = which {
        breaks::set(Some(which));
    }
    ferry_format::toy_keys::set(true);
    let ran = panic::catch_unwind(AssertUnwindSafe(|| {
        let mut world = World::new(which.options(seed), false);
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
    let chosen = |which: &Wrong| arguments.only.as_ref().is_none_or(|name| which.name() == name);
    for which in Wrong::all().filter(chosen) {
        let found = (first..=last).find_map(|seed| Some((seed, noticed(which, seed, None)?)));
        let invariant = which.invariant();
        let alone = (first..=last).find(|seed| noticed(which, *seed, Some(invariant)).is_some());
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
