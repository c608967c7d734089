//! Nodes and daemons are killed as `kill -9` does, between the result and the booking, while a stream of payments runs through a gate
//! that misbehaves. In the end every payment is confirmed, carried, booked, answered and told once.
//!
//! For each kill one payment is followed: when it stands where the kill is aimed at, a drawn moment passes, and then the process
//! dies. Where the payment stood at that moment is looked up afterwards, so the report counts what was, not what was meant; and those
//! alone count that died before the booking.

mod followed;
mod phase;
mod report;

use gap_sim::prng::Prng;

use super::accounts::Accounts;
use super::channel::Fate;
use super::stream::Stream;
use super::town::{Process, Town};
use crate::demo::clock::{Clock, rest};
use crate::demo::database::Database;
use crate::pair::{OUTER, wait_until};
pub use followed::Kind;
use followed::{Followed, People};
pub use phase::Phase;
use phase::{stand, watch_for_confirmation};
pub use report::Report;

/// The longest moment between the place that is aimed at and the kill: some rounds of a node, so that later places come up.
const MOMENT_MS_MAX: u64 = 60;
/// The longest moment between the inner zone's confirmation and a kill before its booking: half a round of the node, which books what
/// it finds at once.
const CROSSED_MS_MAX: u64 = 10;
/// The longest moment between the payer's wish and a kill that is aimed at the result on its way: a result is answered within some
/// milliseconds.
const AT_ONCE_MS_MAX: u64 = 15;
/// The longest that a process stays away: the service manager takes a tenth of a second.
const AWAY_MS_MAX: u64 = 400;
/// After so many kills the time of those orders is over whose messages were lost, so that the outer node asks meanwhile.
const TIMED_OUT_EVERY: usize = 3;
/// Fines for each kill: more are paid with the stream than without.
const FINES_OF_KILL: usize = 6;
/// For each kill that is asked for at most so many are made: some payments are quicker than the kill, and never two of three.
pub const TRIES_OF_KILL: usize = 3;
/// From so many kills on every place between the result and the booking must have had one; fewer may miss one by chance.
pub const EVERYWHERE: usize = 50;
/// The most of the item that a fine is for.
const QUANTITY_MAX: u64 = 9;
/// The time of those orders is over that are being paid in the channel that can be asked, and it is asked at once.
const LOST: &str = "UPDATE outer_order SET expire_ms = 1, ask_next_ms = 0 WHERE state = 1 AND channel = 'WECHAT'";

/// Kills so many times between the result and the booking, and of many at least once in each place there, and tells what was killed and counted. What came too late is told, too, and
/// made up for.
///
/// # Panics
/// When a process ends by itself, when too many kills come too late, or when the money is not the same everywhere in the end.
#[must_use]
pub fn run(seed: u64, kills: usize) -> Report {
    let clock = Clock::start();
    let mut town = Town::behind_gate(seed);
    let mut prng = Prng::fork(seed, &[1]);
    let mut notices = fines(&town, &mut prng, kills * (FINES_OF_KILL + TRIES_OF_KILL));
    let stream = Stream::start(&town, notices.split_off(kills * TRIES_OF_KILL), seed);
    let people = People::log_in(&town);
    let mut report = Report { seed, asked: kills, ..Report::default() };
    let (mut victims, mut aims, mut kinds) = (Vec::new(), Vec::new(), Vec::new());
    let mut silent = Vec::new();
    let mut number = 0;
    while report.between() < kills || report.missed().is_some() {
        assert!(
            number < kills * TRIES_OF_KILL,
            "too many kills came after the booking, or none to a place before it\n{report}"
        );
        // Of what is answered within a millisecond only the death of whoever answers is sure to be before the answer.
        let (victim, aim) = match report.missed() {
            Some(phase) if report.between() >= kills => (Process::OuterNode, phase),
            _ => (next(&mut victims, &Process::ALL, &mut prng), next(&mut aims, &Phase::BETWEEN, &mut prng)),
        };
        let kind = next(&mut kinds, &Kind::ALL, &mut prng);
        let notice = if kind.has_notice { notices.pop() } else { None };
        let followed = Followed::begin((&town, &people), &format!("K-{number}"), kind, notice, &mut prng);
        let phase = kill(&mut town, &followed, victim, aim, &mut prng);
        report.killed(victim, phase, kind);
        wait_until("the reviewer to be answered", || followed.decide());
        // A channel may find its voice again when two people have spoken for it.
        if kind.by_two && prng.below(2) == 0 {
            town.wechat.let_go(&followed.order);
        } else if kind.by_two {
            silent.push(followed.order);
        }
        if number % TIMED_OUT_EVERY == 0 {
            town.write(OUTER, LOST, &[]);
        }
        number += 1;
    }
    report.debts = stream.stop() + u64::try_from(number).expect("a number fits into 64 bits");
    let accounts = come_to_rest(&town, &silent);
    report.payments = accounts.outside.len();
    report.by_two = accounts.allowed.len();
    report.lost = town.wechat.takings().iter().filter(|one| one.fate == Fate::Lost).count();
    report.sums_fen = accounts.sums_fen();
    report.seconds = clock.now_ms() / 1_000;
    report
}

/// Waits until every message is answered that is not lost or held back for good, and everything is counted.
fn come_to_rest(town: &Town, silent: &[String]) -> Accounts {
    town.until("all messages but the lost ones to be answered", || {
        let all = [&town.wechat, &town.unionpay].map(|channel| channel.takings());
        let is_quiet = |fate: Fate, order: &String| fate == Fate::Lost || silent.contains(order);
        all.iter().flatten().all(|one| is_quiet(one.fate, &one.platform_order_no) || !one.answers.is_empty())
    });
    town.write(OUTER, LOST, &[]);
    Accounts::at_rest(town)
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

/// Brings about a result, kills a process when the payment has come to a phase and a moment has passed, and starts it again. Yields
/// where the payment stood then.
fn kill(town: &mut Town, followed: &Followed, victim: Process, aim: Phase, prng: &mut Prng) -> Phase {
    match aim {
        Phase::Taken | Phase::Confirmed => {
            let moment = prng.between(0, AT_ONCE_MS_MAX);
            let mut outer = Database::open(&town.pair.database(OUTER)).expect("the zone has a database");
            std::thread::scope(|scope| {
                scope.spawn(|| followed.settle());
                // Before the channel has the money there is no result.
                while !followed.is_taken(town) {
                    std::hint::spin_loop();
                }
                if aim == Phase::Taken {
                    rest(moment)
                } else {
                    watch_for_confirmation(&mut outer, &followed.order)
                }
                town.kill(victim);
            });
            outer.close();
        }
        Phase::Answered | Phase::Crossed | Phase::Booked | Phase::Done => {
            followed.settle();
            town.until("the payment to come where the kill is aimed at", || stand(town, followed) >= aim);
            rest(prng.between(0, if aim == Phase::Answered { MOMENT_MS_MAX } else { CROSSED_MS_MAX }));
            town.kill(victim);
        }
    }
    let phase = stand(town, followed);
    rest(prng.between(0, AWAY_MS_MAX));
    town.start(victim);
    phase
}
