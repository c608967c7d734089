//! Rows a second through the whole chain, beside the fastest direct upsert that we know, in the same run.
//!
//! One million confirmations are committed in the outer zone, captured by triggers, sealed, published, taken, applied in
//! the inner zone and acknowledged; there is no gate, so nothing is waited for. The clock runs from the first source
//! commit to the last acknowledgement at the sender. The baseline writes the same rows straight into a table, through a
//! connection with the same settings.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use contract::rows::{PayConfirm, Row as _, json_rows};
use contract::{Generator, Size};
use tests::demo::database::Database;
use tests::pair::{INNER, Making, OUTER, Pair};

/// What the acceptance asks for; `FERRY_BENCH_ROWS` takes another number.
const ROWS: u64 = 1_000_000;
/// Rows of one source transaction.
const ROWS_A_COMMIT: u64 = 1_000;
/// How often the books are looked at: often enough not to matter in seconds, seldom enough not to disturb.
const GLANCE: Duration = Duration::from_millis(100);
/// Parts of a breakdown that took less are left out.
const SECONDS_TOLD_MIN: f64 = 0.1;
/// The kernel counts processor time for `/proc` in hundredths of a second.
const TICKS_A_SECOND: f64 = 100.0;

fn main() {
    let rows = tests::pair::environment("FERRY_BENCH_ROWS").and_then(|rows| rows.parse().ok()).unwrap_or(ROWS);
    println!("machine: {}, {} cores", cpu_model(), std::thread::available_parallelism().map_or(0, usize::from));
    println!("rows: {rows} of pay_confirm, {} columns, {ROWS_A_COMMIT} a commit", PayConfirm::SHAPE.columns.len());
    let chunks = chunks(rows);
    let bytes: usize = chunks.iter().map(String::len).sum();
    println!("bytes of a row as JSON: {}", bytes as u64 / rows);
    let direct = direct(&chunks);
    report("direct upsert (jsonb_each, WAL, FULL)", rows, direct);
    let (captured, whole) = ferried(rows, &chunks);
    report("source commits with capture, while ferrying", rows, captured);
    report("whole chain, first commit to last acknowledgement", rows, whole);
    println!("ratio to the direct upsert: {:.2}", direct.as_secs_f64() / whole.as_secs_f64());
}

fn report(what: &str, rows: u64, took: Duration) {
    println!("{what}: {:.2} s, {:.0} rows/s", took.as_secs_f64(), rows as f64 / took.as_secs_f64());
}

/// The rows as JSON arrays, one for each commit, made before any clock runs.
fn chunks(rows: u64) -> Vec<String> {
    let generator = Generator::new(1, Size::M);
    (0..rows)
        .step_by(usize::try_from(ROWS_A_COMMIT).expect("a thousand fits"))
        .map(|first| {
            let end = (first + ROWS_A_COMMIT).min(rows);
            json_rows(generator.confirmations(first..end).map(|confirmation| confirmation.confirm.cells()))
        })
        .collect()
}

#[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
fn direct(chunks: &[String]) -> Duration {
    let dir = tempfile::tempdir().expect("a scratch directory");
    let path = dir.path().join("direct.db");
    std::fs::File::create(&path).expect("an empty database");
    let mut database = Database::open(&path).expect("a database");
    for statement in schema_statements() {
        database.run(&statement, &[]).expect("the schema");
    }
    let upsert = upsert_sql();
    let start = Instant::now();
    for chunk in chunks {
        database.run(&upsert, &[chunk]).expect("an upsert");
    }
    start.elapsed()
}

/// The statements of the business schema that make the table and its indexes.
fn schema_statements() -> Vec<String> {
    let bare: Vec<&str> =
        contract::NONTAX_SQLITE_SQL.lines().filter(|line| !line.trim_start().starts_with("--")).collect();
    bare.join("\n").split(';').map(str::trim).filter(|statement| !statement.is_empty()).map(str::to_owned).collect()
}

/// The fastest insert that we know: `jsonb_each` hands each row over as it was parsed.
fn insert_sql() -> String {
    let shape = PayConfirm::SHAPE;
    let values: Vec<String> = (0..shape.columns.len()).map(|position| format!("value ->> {position}")).collect();
    let (columns, values) = (shape.columns.join(", "), values.join(", "));
    format!("INSERT INTO {} ({columns}) SELECT {values} FROM jsonb_each(?1)", shape.table)
}

fn upsert_sql() -> String {
    let shape = PayConfirm::SHAPE;
    let others = shape.columns.iter().filter(|column| !shape.key.contains(column));
    let sets: Vec<String> = others.map(|column| format!("{column} = excluded.{column}")).collect();
    // `WHERE true` keeps SQLite from reading ON as the beginning of a join.
    format!("{} WHERE true ON CONFLICT ({}) DO UPDATE SET {}", insert_sql(), shape.key.join(", "), sets.join(", "))
}

#[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock, and waits for other processes")]
fn ferried(rows: u64, chunks: &[String]) -> (Duration, Duration) {
    let pair = Pair::make(Making { time_scale: 1, no_gate: true, ..Making::default() });
    let daemons = [pair.start(INNER), pair.start(OUTER)];
    tests::pair::wait_until("the zones to greet each other", || {
        pair.stream(INNER, "confirm")["epoch"].as_u64().is_some_and(|epoch| epoch > 0)
    });
    let mut source = Database::open(&pair.database(OUTER)).expect("the outer database");
    let insert = insert_sql();
    let program = std::process::id();
    let before = processor_seconds(program);
    let start = Instant::now();
    for chunk in chunks {
        source.run(&insert, &[chunk]).expect("a source commit");
    }
    let captured = start.elapsed();
    while !is_settled(&mut source) {
        std::thread::sleep(GLANCE);
    }
    let whole = start.elapsed();
    let mut replica = Database::open(&pair.database(INNER)).expect("the inner database");
    let arrived = replica.number("SELECT count(*) FROM pay_confirm", &[]).expect("a count");
    assert_eq!(arrived, rows, "every row is applied");
    print_breakdown("source program", program, &before);
    for (name, daemon) in ["inner daemon", "outer daemon"].iter().zip(daemons) {
        print_breakdown(name, daemon.process(), &BTreeMap::new());
        println!("{name}: peak resident memory {}", peak_memory(daemon.process()));
        daemon.stop();
    }
    print_books(&pair.database(OUTER));
    (captured, whole)
}

/// Whether everything captured is sealed, and everything sealed is acknowledged as applied.
fn is_settled(source: &mut Database) -> bool {
    let waiting =
        source.number("SELECT count(*) FROM (SELECT 1 FROM ferry_outbox_nontax_confirm WHERE line <> '' LIMIT 1)", &[]);
    let open = source.number("SELECT last_seq - settled_seq FROM ferry_stream_out WHERE stream = 'confirm'", &[]);
    waiting.expect("the outbox") == 0 && open.expect("the stream") == 0
}

fn print_books(database: &Path) {
    let mut books = Database::open(database).expect("the outer database");
    let batches = books.number("SELECT count(*) FROM ferry_batch_out", &[]).expect("the books");
    let attempts = books.number("SELECT sum(attempt) FROM ferry_batch_out", &[]).expect("the books");
    let bytes = books.number("SELECT sum(file_bytes) FROM ferry_batch_out", &[]).expect("the books");
    println!("batches: {batches}, published: {attempts}, sealed bytes: {bytes}");
}

/// Prints the processor time that a process took since `before`, by the names of its threads.
fn print_breakdown(name: &str, process: u32, before: &BTreeMap<String, f64>) {
    let spent = processor_seconds(process);
    let spent: BTreeMap<&String, f64> =
        spent.iter().map(|(thread, seconds)| (thread, seconds - before.get(thread).unwrap_or(&0.0))).collect();
    let all: f64 = spent.values().sum();
    let told = spent.iter().filter(|(_, seconds)| **seconds >= SECONDS_TOLD_MIN);
    let parts: Vec<String> = told.map(|(thread, seconds)| format!("{thread} {seconds:.1}")).collect();
    println!("{name}: {all:.1} s of processor time ({})", parts.join(", "));
}

/// The processor time of a process by the names of its threads; threads of one name and number are one part.
fn processor_seconds(process: u32) -> BTreeMap<String, f64> {
    let mut spent = BTreeMap::new();
    let Ok(threads) = std::fs::read_dir(format!("/proc/{process}/task")) else { return spent };
    for thread in threads.flatten() {
        let stat = std::fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
        let Some((name, rest)) = stat.split_once('(').and_then(|(_, rest)| rest.rsplit_once(") ")) else { continue };
        // The name may hold anything; after it the state is the third field, and user and system time are 14 and 15.
        let ticks: f64 = rest.split(' ').skip(11).take(2).filter_map(|field| field.parse::<f64>().ok()).sum();
        let part = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '-');
        *spent.entry(part.to_owned()).or_insert(0.0) += ticks / TICKS_A_SECOND;
    }
    spent
}

fn peak_memory(process: u32) -> String {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:").map(|rest| rest.trim().to_owned()));
    peak.unwrap_or_else(|| "unknown".to_owned())
}

fn cpu_model() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split(": ").nth(1).map(str::to_owned));
    model.unwrap_or_else(|| "unknown processor".to_owned())
}
