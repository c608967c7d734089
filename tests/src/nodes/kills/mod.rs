//! Nodes and daemons are killed as `kill -9` does, between the channel's result and the booking, while a stream of payments runs
//! through a gate that misbehaves. In the end every payment is confirmed, carried, booked, answered and told once.
//!
//! For each kill one payment is followed: when it stands where the kill is aimed at, a drawn moment passes, and then the process
//! dies. Where the payment stood at that moment is looked up afterwards, so the report counts what was, not what was meant.

mod phase;
mod report;

use gap_sim::prng::Prng;

use super::accounts::Accounts;
use super::channel::{Fate, pay_at};
use super::stream::Stream;
use super::town::{Process, Town};
use crate::demo::clock::{Clock, rest};
use crate::demo::database::Database;
use crate::pair::OUTER;
pub use phase::Phase;
use phase::{stand, watch_for_confirmation};
pub use report::Report;

/// The longest moment between the place that is aimed at and the kill: some rounds of a node, so that later places come up.
const MOMENT_MS_MAX: u64 = 60;
/// The longest moment between the payer's wish and a kill that is aimed at the result on its way: a result is answered within some
/// milliseconds.
const AT_ONCE_MS_MAX: u64 = 15;
/// The longest that a process stays away: the service manager takes a tenth of a second.
const AWAY_MS_MAX: u64 = 400;
/// After so many kills the time of those orders is over whose messages were lost, so that the outer node asks meanwhile.
const TIMED_OUT_EVERY: usize = 3;
/// Fines for each kill: more are paid with the stream than without.
const FINES_OF_KILL: usize = 6;
/// The most of the item that a fine is for.
const QUANTITY_MAX: u64 = 9;
/// The time of those orders is over that are being paid in the channel that can be asked, and it is asked at once.
const LOST: &str = "UPDATE outer_order SET expire_ms = 1, ask_next_ms = 0 WHERE state = 1 AND channel = 'WECHAT'";

/// Kills so many times, and tells what was killed and counted.
///
/// # Panics
/// When a process ends by itself, or the money is not the same everywhere in the end.
#[must_use]
pub fn run(seed: u64, kills: usize) -> Report {
    let clock = Clock::start();
    let mut town = Town::behind_gate(seed);
    let mut prng = Prng::fork(seed, &[1]);
    let stream = Stream::start(&town, fines(&town, &mut prng, kills * FINES_OF_KILL), seed);
    let mut report = Report { seed, ..Report::default() };
    let mut victims = Vec::new();
    let mut aims = Vec::new();
    for number in 0..kills {
        let victim = next(&mut victims, &Process::ALL, &mut prng);
        let aim = next(&mut aims, &Phase::AIMED, &mut prng);
        let phase = kill(&mut town, number, victim, aim, &mut prng);
        report.killed(victim, phase);
        if number % TIMED_OUT_EVERY == 0 {
            town.write(OUTER, LOST, &[]);
        }
    }
    report.debts = stream.stop() + u64::try_from(kills).expect("a number fits into 64 bits");
    // Every other message is repeated until it is answered.
    town.until("all messages but the lost ones to be answered", || {
        let all = [&town.wechat, &town.unionpay].map(|channel| channel.takings());
        all.iter().flatten().all(|one| one.fate == Fate::Lost || !one.answers.is_empty())
    });
    town.write(OUTER, LOST, &[]);
    let accounts = Accounts::at_rest(&town);
    report.payments = accounts.outside.len();
    report.lost = town.wechat.takings().iter().filter(|one| one.fate == Fate::Lost).count();
    report.sums_fen = accounts.sums_fen();
    report.seconds = clock.now_ms() / 1_000;
    report
}

/// Issues so many notices.
fn fines(town: &Town, prng: &mut Prng, count: usize) -> Vec<(String, i64)> {
    let quantity = |_| i64::try_from(prng.between(1, QUANTITY_MAX)).expect("a small number");
    let quantities: Vec<i64> = (0..count).map(quantity).collect();
    let unit_fen = town.payer().unit_fen;
    town.issue_all(&quantities).into_iter().zip(quantities.iter().map(|quantity| quantity * unit_fen)).collect()
}

/// The next of a list that comes round and round, each time in another order, so that none is left out for long.
fn next<T: Copy>(rest: &mut Vec<T>, all: &[T], prng: &mut Prng) -> T {
    if rest.is_empty() {
        rest.extend_from_slice(all);
        prng.shuffle(rest);
    }
    rest.pop().expect("it was just filled")
}

/// Pays one debt, kills a process when the payment has come to a phase and a moment has passed, and starts it again. Yields where the
/// payment stood then.
fn kill(town: &mut Town, number: usize, victim: Process, aim: Phase, prng: &mut Prng) -> Phase {
    let payer = town.payer();
    let amount_fen = payer.unit_fen * i64::try_from(prng.between(1, QUANTITY_MAX)).expect("a small number");
    let order = payer.order(&format!("K-{number}"), None, amount_fen);
    payer.begin(&order, town.wechat.id());
    let fate = if prng.below(2) == 0 { Fate::Once } else { Fate::Doubled };
    town.wechat.arrange(&order, fate);
    match aim {
        Phase::Taken | Phase::Confirmed => {
            let (url, moment) = (town.wechat.pay_url(), prng.between(0, AT_ONCE_MS_MAX));
            let mut outer = Database::open(&town.pair.database(OUTER)).expect("the zone has a database");
            std::thread::scope(|scope| {
                scope.spawn(|| pay_at(&url, &order, amount_fen));
                if aim == Phase::Taken {
                    rest(moment)
                } else {
                    watch_for_confirmation(&mut outer, &order)
                }
                town.kill(victim);
            });
            outer.close();
        }
        Phase::Answered | Phase::Crossed | Phase::Booked | Phase::Done => {
            town.wechat.pay(&order, amount_fen);
            town.until("the payment to come where the kill is aimed at", || stand(town, &order) >= aim);
            rest(prng.between(0, MOMENT_MS_MAX));
            town.kill(victim);
        }
    }
    let phase = stand(town, &order);
    rest(prng.between(0, AWAY_MS_MAX));
    town.start(victim);
    phase
}
