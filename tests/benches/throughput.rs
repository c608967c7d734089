//! Rows a second through the whole chain, beside the fastest direct upsert that we know, in the same run.
//!
//! Rows are committed in the outer zone, captured by triggers, sealed, published, taken, applied in the inner zone and
//! acknowledged; there is no gate, so nothing is waited for. The clock runs from the first source commit to the last
//! acknowledgement at the sender. The baseline writes the same rows straight into the same table, through a connection with the
//! same settings. Both are done with rows as small as they get, and with confirmations of payments.

use std::time::Duration;

use tests::bench::{Chain, Direct, NARROW, REAL, Table, number_from_environment, per_second, print_machine};

/// `FERRY_BENCH_ROWS` takes another number.
const ROWS: u64 = 1_000_000;

fn main() {
    let rows = number_from_environment("FERRY_BENCH_ROWS", ROWS);
    print_machine();
    for table in [NARROW, REAL] {
        measure(table, rows);
    }
}

fn measure(table: Table, rows: u64) {
    let texts: Vec<String> = table.commits(rows).map(table.rows).collect();
    let bytes: usize = texts.iter().map(String::len).sum();
    let (name, columns, commit) = (table.shape.table, table.shape.columns.len(), table.rows_a_commit);
    println!(
        "{rows} rows of {name}: {columns} columns, {} bytes of JSON a row, {commit} a commit",
        bytes as u64 / rows
    );
    let direct = Direct::make(table).upsert(texts.iter().cloned());
    let direct = report("direct upsert (jsonb_each, WAL, FULL)", rows, direct);
    let chain = Chain::start(table);
    let (captured, whole) = chain.carry(&texts);
    chain.finish(rows);
    report("source commits with capture, while everything else runs", rows, captured);
    let whole = report("whole chain, first commit to last acknowledgement", rows, whole);
    println!("ratio to the direct upsert: {:.2}", whole / direct);
}

/// Prints a rate, and returns it.
fn report(what: &str, rows: u64, took: Duration) -> f64 {
    println!("{what}: {:.2} s, {:.0} rows/s", took.as_secs_f64(), per_second(rows, took));
    per_second(rows, took)
}
