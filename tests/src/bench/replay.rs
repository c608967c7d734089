//! The baseline of payments: the rows that a node wrote, written once more by SQLite alone.

use std::path::Path;

use super::Stopwatch;
use crate::demo::database::Database;

/// The node's tables that a payment adds rows to, in the order of what refers to what.
const TABLES: [&str; 8] = [
    "outer_order",
    "outer_order_item",
    "outer_attempt",
    "outer_txn",
    "pay_confirm",
    "pay_confirm_item",
    "outer_callback",
    "node_nonce",
];
/// Tables written when an order is made; the others are written when its money came in.
const OF_ORDER: usize = 2;

/// Rows of each table that a payment has.
#[derive(Debug, Clone)]
struct Share {
    table: &'static str,
    first: u64,
    each: u64,
}

/// What was written since a copy was made, and the copy.
pub struct Replay {
    database: Database,
    shares: Vec<Share>,
    payments: u64,
}

impl Replay {
    /// A copy of a database as it is, to which what follows will be written again.
    ///
    /// # Panics
    /// When the database cannot be copied.
    pub fn copy(database: &Path, copy: &Path) {
        let mut source = Database::open(database).expect("the node's database opens");
        source.run("VACUUM INTO ?1", &[&copy.display().to_string()]).expect("it is copied");
        source.close();
    }

    /// The rows that a database has beyond its copy, of so many payments.
    ///
    /// # Panics
    /// When payments do not all have as many rows.
    #[must_use]
    pub fn of(database: &Path, copy: &Path, payments: u64) -> Self {
        let mut into = Database::open(copy).expect("the copy opens");
        into.run("ATTACH DATABASE ?1 AS done", &[&database.display().to_string()]).expect("the database is attached");
        let shares = TABLES.map(|table| {
            let last = |database: &mut Database, schema: &str| {
                database.number(&format!("SELECT coalesce(max(rowid), 0) FROM {schema}.{table}"), &[]).expect("a table")
            };
            let (before, after) = (last(&mut into, "main"), last(&mut into, "done"));
            Share { table, first: before + 1, each: (after - before) / payments }
        });
        assert!(shares.iter().all(|share| share.each > 0), "a payment has rows in each of its tables: {shares:?}");
        Self { database: into, shares: shares.to_vec(), payments }
    }

    /// Writes so many payments again from the one of a number on, with three transactions each as the node has them, or so many
    /// payments' in one, and yields payments a second.
    ///
    /// # Panics
    /// When the database refuses.
    pub fn write(&mut self, payments: std::ops::Range<u64>, together: u64) -> f64 {
        assert!(payments.end <= self.payments, "there are {} payments", self.payments);
        let count = payments.end - payments.start;
        let watch = Stopwatch::start();
        let starts: Vec<u64> = payments.clone().step_by(usize::try_from(together).expect("a small number")).collect();
        for start in starts {
            let of_group = start..(start + together).min(payments.end);
            self.transaction(|replay| of_group.clone().for_each(|payment| replay.rows(payment, true)));
            self.transaction(|replay| of_group.clone().for_each(|payment| replay.touch(payment)));
            self.transaction(|replay| {
                of_group.clone().for_each(|payment| {
                    replay.touch(payment);
                    replay.rows(payment, false);
                });
            });
        }
        super::per_second(count, watch.elapsed())
    }

    fn transaction(&mut self, write: impl FnOnce(&mut Self)) {
        self.database.run("BEGIN IMMEDIATE", &[]).expect("nobody else writes");
        write(self);
        self.database.run("COMMIT", &[]).expect("it fits");
    }

    /// The rows of a payment, those of its order or those of its money.
    fn rows(&mut self, payment: u64, of_order: bool) {
        let shares = if of_order { &self.shares[..OF_ORDER] } else { &self.shares[OF_ORDER..] };
        for Share { table, first, each } in shares {
            let (from, to) = (first + payment * each, first + (payment + 1) * each);
            let sql = format!(
                "INSERT INTO main.{table} SELECT * FROM done.{table} WHERE rowid >= CAST(?1 AS INTEGER) AND rowid < CAST(?2 AS INTEGER)"
            );
            self.database.run(&sql, &[&from.to_string(), &to.to_string()]).expect("the same rows fit");
        }
    }

    /// The change of an order's state, which rewrites its row.
    fn touch(&mut self, payment: u64) {
        let rowid = (self.shares[0].first + payment).to_string();
        let sql = "UPDATE main.outer_order SET update_time = update_time WHERE platform_order_no = \
                   (SELECT platform_order_no FROM done.outer_order WHERE rowid = CAST(?1 AS INTEGER))";
        self.database.run(sql, &[&rowid]).expect("the order is there");
    }

    /// Ends.
    pub fn close(self) {
        self.database.close();
    }
}
