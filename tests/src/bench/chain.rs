//! The whole chain: two real daemons, real files, and no gate between them, so that nothing is waited for.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::{Stopwatch, Table, megabytes, pause, peak_bytes, print_processor_time, processor_seconds, resident_bytes};
use crate::demo::database::Database;
use crate::pair::{Daemon, INNER, Making, OUTER, Pair, environment, program, wait_until};

/// How often the books are looked at: often enough not to matter in seconds, seldom enough not to disturb.
const GLANCE: Duration = Duration::from_millis(100);
/// Parts of a backlog whose rates are told apart.
const PARTS: u64 = 10;

/// The program that is measured; `FERRY_BENCH_PROGRAM` names another build of it, to be compared.
pub fn ferry() -> PathBuf {
    environment("FERRY_BENCH_PROGRAM").map_or_else(|| program("ferry"), PathBuf::from)
}

/// Two zones that have greeted each other.
pub struct Chain {
    table: Table,
    pair: Pair,
    inner: Option<Daemon>,
    outer: Option<Daemon>,
}

/// What draining a backlog took.
#[derive(Debug)]
pub struct Drained {
    /// Rows that no batch held when the clock started.
    pub waiting: u64,
    /// From the start of the receiver to the last acknowledgement at the sender.
    pub took: Duration,
    /// Rows a second in each part of the backlog.
    pub rates: Vec<f64>,
    /// The most memory resident in the receiver and in the sender, as sampled.
    pub resident: [u64; 2],
}

impl Chain {
    /// Makes the zones and waits until the receiver follows the table's stream.
    #[must_use]
    pub fn start(table: Table) -> Self {
        let making = Making { time_scale: 1, ferry: ferry(), no_gate: true, contract: table.contract() };
        let pair = Pair::make(making);
        let (inner, outer) = (Some(pair.start(INNER)), Some(pair.start(OUTER)));
        let chain = Self { table, pair, inner, outer };
        chain.wait_for_greeting();
        chain
    }

    fn wait_for_greeting(&self) {
        let stream = self.table.stream;
        wait_until("the zones to greet each other", || {
            self.pair.stream(INNER, stream)["epoch"].as_u64().is_some_and(|epoch| epoch > 0)
        });
    }

    /// A connection of a zone's node.
    ///
    /// # Panics
    /// When the database cannot be opened.
    #[must_use]
    pub fn node(&self, zone: usize) -> Database {
        Database::open(&self.pair.database(zone)).expect("the zone's database")
    }

    /// Commits rows while everything runs. Returns the time of the commits, and that until the last acknowledgement.
    ///
    /// # Panics
    /// When a row does not arrive.
    #[must_use]
    pub fn carry(&self, commits: &[String]) -> (Duration, Duration) {
        let mut source = self.node(OUTER);
        let insert = self.table.insert_sql();
        let (own, inner, outer) = self.processor_seconds();
        let watch = Stopwatch::start();
        for rows in commits {
            source.run(&insert, &[rows]).expect("a source commit");
        }
        let captured = watch.elapsed();
        while !self.is_settled(&mut source) {
            pause(GLANCE);
        }
        let whole = watch.elapsed();
        print_processor_time("source program", std::process::id(), &own);
        self.print_daemons(&inner, &outer);
        (captured, whole)
    }

    /// Commits rows while the receiver is down, then starts it and waits for the last acknowledgement.
    ///
    /// # Panics
    /// When the receiver does not run, or the database refuses.
    pub fn drain(&mut self, rows: u64) -> (Duration, Drained) {
        self.inner.take().expect("the receiver runs").stop();
        let mut source = self.node(OUTER);
        let insert = self.table.insert_sql();
        let mut captured = Duration::ZERO;
        for numbers in self.table.commits(rows) {
            let text = (self.table.rows)(numbers);
            let watch = Stopwatch::start();
            source.run(&insert, &[&text]).expect("a source commit");
            captured += watch.elapsed();
        }
        // The sender's window is full when it has cut nothing for a while; then only the receiver is missing.
        let mut waiting = self.waiting(&mut source);
        wait_until("the window to be full", || {
            let before = std::mem::replace(&mut waiting, self.waiting(&mut source));
            pause(Duration::from_secs(1));
            before == waiting
        });
        let (_, _, outer) = self.processor_seconds();
        let watch = Stopwatch::start();
        self.inner = Some(self.pair.start(INNER));
        let (rates, resident) = self.watch_until_settled(&mut source, rows, watch);
        let took = watch.elapsed();
        self.print_daemons(&BTreeMap::new(), &outer);
        (captured, Drained { waiting, took, rates, resident })
    }

    fn watch_until_settled(&self, source: &mut Database, rows: u64, watch: Stopwatch) -> (Vec<f64>, [u64; 2]) {
        let mut replica = self.node(INNER);
        let applied = "SELECT coalesce(sum(rows), 0) FROM ferry_batch_in WHERE stream = ?1";
        let (mut rates, mut resident) = (Vec::new(), [0; 2]);
        let (mut part_began, mut rows_before) = (Duration::ZERO, 0);
        while !self.is_settled(source) {
            pause(GLANCE);
            for (most, daemon) in resident.iter_mut().zip([&self.inner, &self.outer]) {
                *most = (*most).max(daemon.as_ref().map_or(0, |daemon| resident_bytes(daemon.process())));
            }
            let done = replica.number(applied, &[self.table.stream]).expect("the books");
            let now = watch.elapsed();
            if done >= rows_before + rows / PARTS {
                rates.push((done - rows_before) as f64 / (now - part_began).as_secs_f64());
                (part_began, rows_before) = (now, done);
            }
        }
        (rates, resident)
    }

    fn processor_seconds(&self) -> (BTreeMap<String, f64>, BTreeMap<String, f64>, BTreeMap<String, f64>) {
        let of = |daemon: &Option<Daemon>| daemon.as_ref().map(|daemon| processor_seconds(daemon.process()));
        (
            processor_seconds(std::process::id()),
            of(&self.inner).unwrap_or_default(),
            of(&self.outer).unwrap_or_default(),
        )
    }

    fn print_daemons(&self, inner: &BTreeMap<String, f64>, outer: &BTreeMap<String, f64>) {
        let both = [("inner daemon", &self.inner, inner), ("outer daemon", &self.outer, outer)];
        for (name, daemon, before) in both {
            let Some(daemon) = daemon else { continue };
            print_processor_time(name, daemon.process(), before);
            println!("  {name}: {:.1} MB resident at most", megabytes(peak_bytes(daemon.process())));
        }
    }

    /// Rows that no batch holds.
    fn waiting(&self, source: &mut Database) -> u64 {
        let sql = format!("SELECT count(*) FROM ferry_outbox_nontax_{} WHERE line <> ''", self.table.stream);
        source.number(&sql, &[]).expect("the outbox")
    }

    /// Whether everything captured is sealed, and everything sealed is acknowledged as applied.
    fn is_settled(&self, source: &mut Database) -> bool {
        let stream = self.table.stream;
        let waiting =
            format!("SELECT count(*) FROM (SELECT 1 FROM ferry_outbox_nontax_{stream} WHERE line <> '' LIMIT 1)");
        let open = "SELECT last_seq - settled_seq FROM ferry_stream_out WHERE stream = ?1";
        let waiting = source.number(&waiting, &[]).expect("the outbox");
        waiting == 0 && source.number(open, &[stream]).expect("the stream") == 0
    }

    /// Checks that as many rows as were committed are there, prints the sender's books, and ends the daemons.
    ///
    /// # Panics
    /// When a row is missing.
    pub fn finish(mut self, rows: u64) {
        let count = format!("SELECT count(*) FROM {}", self.table.shape.table);
        let arrived = self.node(INNER).number(&count, &[]).expect("a count");
        assert_eq!(arrived, rows, "every row is applied");
        let mut books = self.node(OUTER);
        let mut number = |sql: &str| books.number(sql, &[]).expect("the books");
        let batches = number("SELECT count(*) FROM ferry_batch_out");
        let attempts = number("SELECT sum(attempt) FROM ferry_batch_out");
        let bytes = number("SELECT sum(file_bytes) FROM ferry_batch_out");
        println!(
            "  batches: {batches}, published: {attempts}, sealed bytes: {bytes}, {} a batch",
            bytes / batches.max(1)
        );
        for daemon in [self.inner.take(), self.outer.take()].into_iter().flatten() {
            daemon.stop();
        }
    }
}
