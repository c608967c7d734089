//! The crash test: daemons and gate are killed as `kill -9` does while both zones' programs write, and each captured change is
//! counted where it is applied.
//!
//! The daemons are built so that they stop where the test aims at, between any two steps of an action; there they are killed
//! and started again. Afterwards the shipped daemon takes their place and is killed at drawn moments. The same seed draws the
//! same aims and papers; the operating system decides the rest.

pub mod aims;
pub mod count;
pub mod gate;
pub mod papers;
pub mod post;
pub mod report;
pub mod settled;
pub mod writer;

use gap_sim::prng::Prng;

use crate::demo::clock::{Clock, rest};
use crate::demo::compare::compare;
use crate::pair::{INNER, Making, OUTER, Pair, program, wait_until};
use aims::Aim;
use gate::Gate;
use post::{Post, Stand};
use report::Report;
use writer::Writer;

/// The latest a shipped daemon is killed after its start: some of them are still starting then, most work.
const UNAIMED_MS_MAX: u64 = 400;
/// The latest the gate is killed after a file was seen in flight.
const GATE_MS_MAX: u64 = 30;

/// What a run does.
#[derive(Debug, Clone)]
pub struct Plan {
    /// What everything is drawn from.
    pub seed: u64,
    /// Where the daemons are killed.
    pub aims: Vec<Aim>,
    /// Kills of the gate, in between.
    pub gate: usize,
    /// Kills of the shipped daemon at drawn moments, afterwards.
    pub unaimed: usize,
    /// A mistake that every aimed daemon makes.
    pub mistake: Option<&'static str>,
}

/// Runs a plan to its end, and tells what was killed and counted.
///
/// # Panics
/// When a program ends by itself, does not come where it was aimed at, or the zones do not settle.
#[must_use]
pub fn run(plan: &Plan) -> Report {
    let clock = Clock::start();
    let pair = Pair::make(Making { ferry: program("ferry-drill"), ..Making::default() });
    let _evidence = Evidence(&pair);
    for zone in [INNER, OUTER] {
        count::install(&pair.database(zone));
    }
    let writers = papers::of_both_zones(plan.seed).into_iter().enumerate().map(|(zone, papers)| {
        let zone_seed = Prng::fork(plan.seed, &[2, u64::from(zone == OUTER)]).draw();
        Writer::start(pair.database(zone), papers, zone_seed)
    });
    let writers: Vec<Writer> = writers.collect();
    let mut report = Report { seed: plan.seed, ..Report::default() };
    let mut gate = Gate::start(&pair, plan.seed);
    let mut posts = kill_aimed(&pair, plan, &mut gate, &mut report);
    kill_unaimed(&pair, plan, &mut posts, &mut report);
    report.transactions = writers.into_iter().map(Writer::stop).sum();
    wait_until("both zones to settle", || settled::is_settled(&pair));
    for post in &mut posts {
        post.stop(&pair);
    }
    report.captured = settled::captured(&pair);
    report.leftovers = settled::leftovers(&pair);
    report.verdict = count::judge(&pair.database(INNER), &pair.database(OUTER));
    let compared = compare(&pair.database(INNER), &pair.database(OUTER)).expect("both databases can be read");
    report.rows = compared.iter().map(|one| one.inner.rows).sum();
    report.unequal = compared.iter().filter(|one| !one.is_equal()).map(|one| one.shape.table).collect();
    report.verified = settled::verify(&pair);
    report.seconds = clock.now_ms() / 1_000;
    report
}

/// Kills the daemons where they were aimed at, and the gate in between. Returns those that run in the end.
fn kill_aimed(pair: &Pair, plan: &Plan, gate: &mut Gate, report: &mut Report) -> [Post; 2] {
    let mut prng = Prng::fork(plan.seed, &[3]);
    let mut aims = plan.aims.iter();
    let mut posts = [INNER, OUTER].map(Post::new);
    for post in &mut posts {
        post.start_aimed(pair, aims.next(), plan.mistake);
    }
    let mut gate_kills = 0;
    for number in 1..=plan.aims.len() {
        let mut found: Option<(usize, Stand)> = None;
        wait_until("a daemon to stand where it was aimed at", || {
            found = posts.iter_mut().enumerate().find_map(|(at, post)| Some((at, post.stand()?)));
            found.is_some()
        });
        let (at, stand) = found.expect("it was just found");
        posts[at].kill();
        posts[at].start_aimed(pair, aims.next(), plan.mistake);
        report.aimed(stand);
        while gate_kills < plan.gate * number / plan.aims.len() {
            let in_flight = gate.kill(pair, prng.between(0, GATE_MS_MAX));
            report.gate.push(in_flight);
            // One that had just delivered everything was killed too, and another one is.
            gate_kills += usize::from(in_flight > 0);
        }
    }
    posts
}

/// Lets the shipped daemon take the place of the others, and kills it at drawn moments.
fn kill_unaimed(pair: &Pair, plan: &Plan, posts: &mut [Post; 2], report: &mut Report) {
    if plan.unaimed == 0 {
        return;
    }
    for post in posts.iter_mut() {
        post.stop(pair);
        post.start_shipped(pair);
    }
    let mut prng = Prng::fork(plan.seed, &[4]);
    for number in 0..plan.unaimed {
        rest(prng.between(0, UNAIMED_MS_MAX));
        let post = &mut posts[number % 2];
        let stand = post.stand();
        assert_eq!(stand, None, "the shipped daemon stops nowhere");
        post.kill();
        post.start_shipped(pair);
        report.unaimed += 1;
    }
}

/// Shows the ends of the logs when the test fails.
pub struct Evidence<'a>(pub &'a Pair);

impl Drop for Evidence<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for zone in [INNER, OUTER] {
                let log = std::fs::read_to_string(self.0.path(zone, "daemon.log")).unwrap_or_default();
                let lines: Vec<&str> = log.lines().collect();
                println!("the log of zone {zone} ends:\n{}", lines[lines.len().saturating_sub(20)..].join("\n"));
            }
        }
    }
}
