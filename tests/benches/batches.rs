//! One thousand sealed batches of 447 KB from end to end, with acknowledgements: what a batch costs, whatever its rows do.
//!
//! Once with a few large rows a batch, so that nearly all the work is that of files, and once with a thousand rows a batch.
//! The clock runs from the first source commit to the last acknowledgement at the sender. The baselines are what no carrier of
//! files gets by without: each file written durably once, by one thread.

use std::io::Write as _;
use std::time::Duration;

use tests::bench::{Chain, Stopwatch, number_from_environment, per_second, print_machine, wide_rows, wide_table};

/// `FERRY_BENCH_BATCHES` takes another number.
const BATCHES: u64 = 1_000;
/// A batch of confirmations when it closes, and the usual file of the gateways before it.
const SEALED_BYTES: usize = 447_000;
/// Six bits a character, and what is sealed beside the rows.
const TEXT_BYTES: usize = 589_000;
/// Rows of a batch.
const ROWS: [u64; 2] = [10, 1_000];

fn main() {
    let batches = number_from_environment("FERRY_BENCH_BATCHES", BATCHES);
    print_machine();
    let files = durable_files(batches);
    let baseline = report("files of 447 KB written durably, one after the other", batches, files);
    for rows in ROWS {
        let table = wide_table(rows);
        let text_bytes = TEXT_BYTES / usize::try_from(rows).expect("a thousand fits");
        let texts: Vec<String> = table.commits(batches * rows).map(|numbers| wide_rows(numbers, text_bytes)).collect();
        println!("{rows} rows a batch");
        let chain = Chain::start(table);
        let (captured, whole) = chain.carry(&texts);
        chain.finish(batches * rows);
        report("source commits with capture, while everything else runs", batches, captured);
        let whole = report("whole chain, first commit to last acknowledgement", batches, whole);
        println!("ratio to the durable files: {:.2}", whole / baseline);
    }
}

/// Each is written under another name, synced, renamed, and its name synced.
#[expect(clippy::disallowed_methods, reason = "the baseline does by hand what the appliance does")]
fn durable_files(count: u64) -> Duration {
    let dir = tempfile::tempdir().expect("a scratch directory");
    let names = std::fs::File::open(dir.path()).expect("the directory");
    let bytes = vec![0x5a_u8; SEALED_BYTES];
    let watch = Stopwatch::start();
    for number in 0..count {
        let (temporary, path) = (dir.path().join("tmp"), dir.path().join(number.to_string()));
        let mut file = std::fs::File::create(&temporary).expect("a file");
        file.write_all(&bytes).and_then(|()| file.sync_all()).expect("the file is durable");
        std::fs::rename(&temporary, &path).and_then(|()| names.sync_all()).expect("its name is durable");
    }
    watch.elapsed()
}

/// Prints a rate, and returns it.
fn report(what: &str, count: u64, took: Duration) -> f64 {
    println!("{what}: {:.2} s, {:.1}/s", took.as_secs_f64(), per_second(count, took));
    per_second(count, took)
}
