//! Rows that gathered while the receiver was down, drained: how fast, whether the rate holds, and the memory of both daemons.
//!
//! The clock runs from the start of the receiver to the last acknowledgement at the sender. Batches that the sender had sealed
//! before are not counted, although they are carried too. The baseline writes the same rows straight into the same table, its
//! rate told for each tenth as well: a table that grows gets slower by itself.

use std::time::Duration;

use tests::bench::{Chain, Direct, NARROW, REAL, Table, megabytes, number_from_environment, per_second, print_machine};

/// Rows as small as they get; `FERRY_BENCH_ROWS` takes another number.
const ROWS: u64 = 5_000_000;
/// Confirmations of payments; `FERRY_BENCH_REAL_ROWS` takes another number.
const REAL_ROWS: u64 = 1_000_000;
/// Parts of which the rates are told.
const PARTS: u64 = 10;

fn main() {
    print_machine();
    measure(NARROW, number_from_environment("FERRY_BENCH_ROWS", ROWS));
    measure(REAL, number_from_environment("FERRY_BENCH_REAL_ROWS", REAL_ROWS));
}

fn measure(table: Table, rows: u64) {
    println!("{rows} rows of {}, {} a commit", table.shape.table, table.rows_a_commit);
    let mut direct = Direct::make(table);
    let commits: Vec<_> = table.commits(rows).collect();
    let part = commits.len().div_ceil(usize::try_from(PARTS).expect("ten fits"));
    let took: Vec<Duration> =
        commits.chunks(part).map(|part| direct.upsert(part.iter().cloned().map(table.rows))).collect();
    drop(direct);
    let direct = report("direct upsert (jsonb_each, WAL, FULL)", rows, took.iter().sum());
    let rates: Vec<f64> = took.iter().map(|took| per_second(rows / PARTS, *took)).collect();
    print_rates(&rates);
    let mut chain = Chain::start(table);
    let (captured, drained) = chain.drain(rows);
    chain.finish(rows);
    report("source commits with capture, receiver down", rows, captured);
    println!("sealed before the clock starts: {} rows", rows - drained.waiting);
    let backlog = report("backlog, start of the receiver to last acknowledgement", drained.waiting, drained.took);
    report("the same, counting the rows that were sealed before", rows, drained.took);
    print_rates(&drained.rates);
    let [inner, outer] = drained.resident.map(megabytes);
    println!("resident while draining, at most: inner daemon {inner:.1} MB, outer daemon {outer:.1} MB");
    println!("ratio to the direct upsert: {:.2}", backlog / direct);
}

fn print_rates(rates: &[f64]) {
    let told: Vec<String> = rates.iter().map(|rate| format!("{:.1}", rate / 1e3)).collect();
    println!("  thousand rows/s by tenths: {}", told.join(" "));
}

/// Prints a rate, and returns it.
fn report(what: &str, rows: u64, took: Duration) -> f64 {
    println!("{what}: {:.2} s, {:.0} rows/s", took.as_secs_f64(), per_second(rows, took));
    per_second(rows, took)
}
