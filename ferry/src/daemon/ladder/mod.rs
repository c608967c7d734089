//! The ladder: in a short life of two zones, with the real store and real directories, every step that the operating system or
//! the database can refuse is refused once.

mod judge;
mod make;
mod program;
mod scenario;
mod world;

use std::path::Path;

use world::World;

use crate::fail::plan::{self, Fault};

/// How a run went.
struct Run {
    met: Option<plan::Met>,
    verdict: Result<(), String>,
}

/// Runs the scenario with one fault.
fn run(template: &Path, fault: Option<Fault>) -> Run {
    plan::arm(fault);
    let mut world = World::new(template);
    let played = scenario::play(&mut world, &mut |_| {});
    let met = plan::met();
    let seen = plan::seen();
    println!("{} steps", seen.len());
    plan::arm(None);
    let verdict = played.and_then(|()| judge::judge(&mut world));
    Run { met, verdict }
}

#[test]
fn clean() {
    let template = make::template();
    let start = std::time::Instant::now();
    let run = run(template.path(), None);
    println!("{:?}", start.elapsed());
    run.verdict.unwrap_or_else(|why| panic!("{why}"));
    assert!(run.met.is_none());
}
