//! The baseline of payments: the rows that a node wrote, written once more by SQLite alone.

use std::path::Path;

use super::Stopwatch;
use crate::demo::database::Database;

/// The order of a payment whose row number is the first parameter.
macro_rules! order {
    () => {
        "(SELECT platform_order_no FROM done.outer_order WHERE rowid = CAST(?1 AS INTEGER))"
    };
}

/// The node's tables that a payment adds rows to, in the order of what refers to what, and which rows are those of an order.
const TABLES: [(&str, &str); 7] = [
    ("outer_order", concat!("platform_order_no = ", order!())),
    ("outer_order_item", concat!("platform_order_no = ", order!())),
    ("outer_attempt", concat!("platform_order_no = ", order!())),
    ("outer_txn", concat!("platform_order_no = ", order!())),
    ("pay_confirm", concat!("platform_order_no = ", order!())),
    (
        "pay_confirm_item",
        concat!("confirm_id = (SELECT confirm_id FROM done.outer_txn WHERE platform_order_no = ", order!(), ")"),
    ),
    ("outer_callback", concat!("kind = 'order' AND object = ", order!())),
];
/// What the two signed messages of a payment add, which names no order: any row stands for any other.
const NONCES: &str = "INSERT INTO main.node_nonce SELECT * FROM done.node_nonce WHERE rowid = CAST(?1 AS INTEGER)";
/// Tables written when an order is made; the others are written when its money came in.
const OF_ORDER: usize = 2;

/// What was written since a copy was made, and the copy.
pub struct Replay {
    database: Database,
    /// The row numbers before the first order and the first nonce.
    orders: u64,
    nonces: u64,
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

    /// What a database has beyond its copy, of so many payments.
    ///
    /// # Panics
    /// When it has another number of orders, or fewer signed messages.
    #[must_use]
    pub fn of(database: &Path, copy: &Path, payments: u64) -> Self {
        let mut into = Database::open(copy).expect("the copy opens");
        into.run("ATTACH DATABASE ?1 AS done", &[&database.display().to_string()]).expect("the database is attached");
        let [(orders, more_orders), (nonces, more_nonces)] = ["outer_order", "node_nonce"].map(|table| {
            let last = |database: &mut Database, schema: &str| {
                database.number(&format!("SELECT coalesce(max(rowid), 0) FROM {schema}.{table}"), &[]).expect("a table")
            };
            let before = last(&mut into, "main");
            (before, last(&mut into, "done") - before)
        });
        assert_eq!(more_orders, payments, "a payment has one order");
        assert!(more_nonces >= 2 * payments, "a payment has two signed messages");
        Self { database: into, orders, nonces, payments }
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

    /// The rows of a payment, those of its order or those of its money, each with a signed message.
    fn rows(&mut self, payment: u64, of_order: bool) {
        let order = (self.orders + payment + 1).to_string();
        for (table, which) in if of_order { &TABLES[..OF_ORDER] } else { &TABLES[OF_ORDER..] } {
            let sql = format!("INSERT INTO main.{table} SELECT * FROM done.{table} WHERE {which}");
            let written = self.database.run(&sql, &[&order]).expect("the same rows fit");
            assert!(written > 0, "a payment has rows in {table}");
        }
        let nonce = self.nonces + 2 * payment + if of_order { 1 } else { 2 };
        self.database.run(NONCES, &[&nonce.to_string()]).expect("the same row fits");
    }

    /// The change of an order's state, which rewrites its row.
    fn touch(&mut self, payment: u64) {
        let sql = concat!("UPDATE main.outer_order SET update_time = update_time WHERE platform_order_no = ", order!());
        self.database.run(sql, &[&(self.orders + payment + 1).to_string()]).expect("the order is there");
    }

    /// Ends.
    pub fn close(self) {
        self.database.close();
    }
}
