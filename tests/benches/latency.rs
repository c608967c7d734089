//! How long after its commit in the one zone a row is seen in the other, at a steady 200 commits a second of one row each.
//!
//! Once under the linger of confirmations, once without linger. A row counts as applied when a reader of the inner database
//! sees it; that one looks every millisecond. The baseline is the commit itself: the least that a commit of one row takes on
//! this disk, in a database of its own.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use tests::bench::{
    Chain, Direct, PROMPT, Percentiles, Stopwatch, Table, USUAL, number_from_environment, pause, print_machine,
};
use tests::demo::database::Database;
use tests::pair::{INNER, OUTER};

/// `FERRY_BENCH_SECONDS` takes another time.
const SECONDS: u64 = 60;
/// Commits a second.
const PACE: u64 = 200;
/// How often the reader looks.
const LOOK: Duration = Duration::from_millis(1);
/// How long the last rows may take.
const PATIENCE: Duration = Duration::from_secs(60);

fn main() {
    let seconds = number_from_environment("FERRY_BENCH_SECONDS", SECONDS);
    print_machine();
    let rows = seconds * PACE;
    println!("{rows} rows, one a commit, {PACE} a second");
    let mut direct = Direct::make(USUAL);
    let commits: Vec<Duration> = (0..seconds * PACE / 10)
        .map(|number| direct.upsert(std::iter::once((USUAL.rows)(number..number + 1))))
        .collect();
    report("a commit of one row, alone", commits);
    drop(direct);
    for (name, table) in [("linger 1 s", USUAL), ("linger 0", PROMPT)] {
        let chain = Chain::start(table);
        let times = latencies(&chain, table, rows);
        chain.finish(rows);
        report(&format!("commit to applied, {name}"), times);
    }
}

fn report(what: &str, times: Vec<Duration>) {
    let times = Percentiles::of(times);
    let of = |percent| times.milliseconds(percent);
    println!("{what}: p50 {:.1} ms, p90 {:.1} ms, p99 {:.1} ms, most {:.1} ms", of(50), of(90), of(99), of(100));
}

/// The time from each commit to the first look that sees its row.
fn latencies(chain: &Chain, table: Table, rows: u64) -> Vec<Duration> {
    let (mut source, mut replica) = (chain.node(OUTER), chain.node(INNER));
    let insert = table.insert_sql();
    let stopped = AtomicBool::new(false);
    let watch = Stopwatch::start();
    let (commits, committed) = channel();
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| look(&mut replica, table, rows, watch, committed, &stopped));
        for number in 0..rows {
            let due = Duration::from_micros(1_000_000 * number / PACE);
            pause(due.saturating_sub(watch.elapsed()));
            source.run(&insert, &[&(table.rows)(number..number + 1)]).expect("a source commit");
            commits.send(watch.elapsed()).expect("the reader listens");
        }
        let deadline = watch.elapsed() + PATIENCE;
        while !reader.is_finished() {
            assert!(watch.elapsed() < deadline, "the last rows do not arrive");
            stopped.store(watch.elapsed() + LOOK >= deadline, Ordering::Relaxed);
            pause(LOOK);
        }
        reader.join().expect("the reader ends well")
    })
}

/// Rows are applied in the order of their numbers, so the highest tells of all before it.
fn look(
    replica: &mut Database,
    table: Table,
    rows: u64,
    watch: Stopwatch,
    committed: Receiver<Duration>,
    stopped: &AtomicBool,
) -> Vec<Duration> {
    let highest = format!("SELECT coalesce(max(id), 0) FROM {}", table.shape.table);
    let mut times = Vec::new();
    while (times.len() as u64) < rows && !stopped.load(Ordering::Relaxed) {
        let seen = replica.number(&highest, &[]).expect("the inner database");
        let now = watch.elapsed();
        while (times.len() as u64) < seen {
            times.push(now.saturating_sub(committed.recv().expect("it was committed before it was applied")));
        }
        pause(LOOK);
    }
    times
}
