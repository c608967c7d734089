//! Rows a second through the whole chain, beside the fastest direct upsert that we know, in the same run.
//!
//! One million confirmations are committed in the outer zone, captured by triggers, sealed, published, taken, applied in
//! the inner zone and acknowledged; there is no gate, so nothing is waited for. The clock runs from the first source
//! commit to the last acknowledgement at the sender. The baseline writes the same rows straight into a table.

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

fn main() {
    let rows = tests::pair::environment("FERRY_BENCH_ROWS").and_then(|rows| rows.parse().ok()).unwrap_or(ROWS);
    println!("machine: {}, {} cores", cpu_model(), std::thread::available_parallelism().map_or(0, usize::from));
    println!("rows: {rows} of pay_confirm, {} columns, {ROWS_A_COMMIT} a commit", PayConfirm::SHAPE.columns.len());
    let chunks = chunks(rows);
    let bytes: usize = chunks.iter().map(String::len).sum();
    println!("bytes of a row as JSON: {}", bytes as u64 / rows);
    let direct = direct(&chunks);
    report("direct upsert (json_each, WAL, FULL)", rows, direct);
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

fn upsert_sql() -> String {
    let shape = PayConfirm::SHAPE;
    let sets: Vec<String> = shape
        .columns
        .iter()
        .filter(|column| !shape.key.contains(column))
        .map(|column| format!("{column} = excluded.{column}"))
        .collect();
    // `WHERE true` keeps SQLite from reading ON as the beginning of a join.
    format!(
        "{} WHERE true ON CONFLICT ({}) DO UPDATE SET {}",
        shape.insert_sql(),
        shape.key.join(", "),
        sets.join(", ")
    )
}

#[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock, and waits for other processes")]
fn ferried(rows: u64, chunks: &[String]) -> (Duration, Duration) {
    let pair = Pair::make(Making { time_scale: 1, no_gate: true, ..Making::default() });
    let daemons = [pair.start(INNER), pair.start(OUTER)];
    tests::pair::wait_until("the zones to greet each other", || {
        pair.stream(INNER, "confirm")["epoch"].as_u64().is_some_and(|epoch| epoch > 0)
    });
    let mut source = Database::open(&pair.database(OUTER)).expect("the outer database");
    let insert = PayConfirm::SHAPE.insert_sql();
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
    for daemon in daemons {
        daemon.stop();
    }
    print_books(&pair.database(OUTER));
    (captured, whole)
}

/// Whether everything captured is sealed, and everything sealed is acknowledged as applied.
fn is_settled(source: &mut Database) -> bool {
    let waiting = source.number("SELECT count(*) FROM (SELECT 1 FROM ferry_outbox_nontax_confirm LIMIT 1)", &[]);
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

fn cpu_model() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split(": ").nth(1).map(str::to_owned));
    model.unwrap_or_else(|| "unknown processor".to_owned())
}
