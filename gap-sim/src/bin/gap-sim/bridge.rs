//! `gap-sim bridge`: both ways of the gate between real directories, in one thread.

use crate::cli::BridgeArguments;
use crate::failure::Failure;
use crate::hands::{self, Order};
use crate::lane::Lane;
use crate::lang::Lang;
use crate::options::{Options, way_name};
use crate::print;
use crate::report::{Report, State};
use crate::shift::Shift;
use crate::summary;
use crate::trouble::{Attempt, Troubles};
use crate::words::{Word, say};
use crate::work::{self, WorkRoom};
use gap_sim::{Direction, Gate};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::Receiver;

const REPORT_INTERVAL_MS: u64 = 1_000;
const PROGRESS_INTERVAL_MS: u64 = 10_000;

/// Runs until a signal comes, or until it was idle for long enough.
pub fn run(arguments: &BridgeArguments, lang: Lang) -> Result<(), Failure> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGTERM, signal_hook::consts::SIGINT] {
        signal_hook::flag::register(signal, Arc::clone(&stop)).map_err(Failure::Signals)?;
    }
    let mut options = Options::check(arguments)?;
    let _lock = work::lock(&options.work)?;
    options.work = options.work.canonicalize().map_err(|cause| Failure::Work { path: options.work.clone(), cause })?;
    options.print(lang);
    let mut lanes = [open(&options, Direction::InnerToOuter, lang)?, open(&options, Direction::OuterToInner, lang)?];
    for lane in &mut lanes {
        lane.clear_leftovers()?;
    }
    let shift = Shift::begin(&stop);
    write_report(&options, &lanes, State::Running, &shift)?;
    let orders = options.hands.then(|| hands::listen(lang));
    let state = carry(&options, &mut lanes, &shift, orders.as_ref(), lang);
    match state {
        State::Stopped => eprintln!("{}", say(lang, Word::Stopped, &[&options.work.display()])),
        State::Running | State::Idle => {
            eprintln!("{}", say(lang, Word::Idle, &[&options.until_idle_s.unwrap_or(0)]));
        }
    }
    write_report(&options, &lanes, state, &shift)?;
    let elapsed_ms = shift.now_ms();
    if options.json {
        print(&Report::of(&options, &lanes, state, elapsed_ms).json())
    } else {
        print(&summary::text(lang, &options, &lanes, elapsed_ms))
    }
}

fn open(options: &Options, way: Direction, lang: Lang) -> Result<Lane, Failure> {
    let room = WorkRoom::open(options.work.join(way.name()))?;
    let gate = Gate::new(options.profile.scaled(options.time_scale), options.seed, way);
    Ok(Lane::open(way, gate, options, room, lang))
}

fn carry(
    options: &Options,
    lanes: &mut [Lane; 2],
    shift: &Shift<'_>,
    orders: Option<&Receiver<Order>>,
    lang: Lang,
) -> State {
    let mut troubles =
        Troubles::new(lang, options.report.as_deref().map_or_else(String::new, |path| path.display().to_string()));
    let (mut report_at_ms, mut progress_at_ms) = (REPORT_INTERVAL_MS, PROGRESS_INTERVAL_MS);
    let (mut activity, mut told, mut active_at_ms) = (activity_of(lanes), activity_of(lanes), 0);
    loop {
        for order in orders.into_iter().flat_map(Receiver::try_iter) {
            for lane in lanes.iter_mut().filter(|lane| lane.way() == order.way) {
                lane.by_hand(shift, order.hand, &order.part);
            }
            let way = way_name(lang, order.way);
            eprintln!("{}", say(lang, Word::HandDone, &[&way, &order.hand.name(), &order.part]));
        }
        for lane in lanes.iter_mut() {
            lane.step(shift);
        }
        if shift.is_over() {
            return State::Stopped;
        }
        let now_ms = shift.now_ms();
        if now_ms >= report_at_ms {
            report_at_ms = now_ms + REPORT_INTERVAL_MS;
            match write_report(options, lanes, State::Running, shift) {
                Ok(()) => troubles.worked(Attempt::Report),
                Err(failure) => troubles.failed(Attempt::Report, &"", &failure.text(lang)),
            }
        }
        let reached = activity_of(lanes);
        if now_ms >= progress_at_ms {
            progress_at_ms = now_ms + PROGRESS_INTERVAL_MS;
            if reached != told {
                eprintln!("{}", summary::progress(lang, lanes, now_ms));
                told = reached;
            }
        }
        if reached != activity || lanes.iter().any(|lane| !lane.is_quiet(now_ms)) {
            (activity, active_at_ms) = (reached, now_ms);
        }
        if options
            .until_idle_s
            .is_some_and(|idle_s| now_ms >= active_at_ms.saturating_add(idle_s.saturating_mul(1_000)))
        {
            return State::Idle;
        }
        let next_ms = lanes.iter().map(|lane| lane.next_deadline_ms(now_ms)).min().unwrap_or(u64::MAX);
        shift.rest_until(next_ms);
    }
}

/// A number that grows with everything that happens.
fn activity_of(lanes: &[Lane]) -> u64 {
    lanes.iter().map(|lane| lane.tally()).map(|tally| tally.seen + tally.picked_up + tally.delivered + tally.lost).sum()
}

fn write_report(options: &Options, lanes: &[Lane; 2], state: State, shift: &Shift<'_>) -> Result<(), Failure> {
    match &options.report {
        Some(path) => Report::of(options, lanes, state, shift.now_ms()).write(path),
        None => Ok(()),
    }
}
