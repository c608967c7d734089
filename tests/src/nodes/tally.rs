//! The test's own count of what is written where money stands: triggers beside those of the programs. Replicas are written by
//! upserts, so a confirmation that is applied twice leaves equal tables, and a second line here.

use std::collections::BTreeMap;
use std::path::Path;

use crate::demo::database::Database;
use crate::pair::{INNER, OUTER, Pair};

const TABLE: &str = "CREATE TABLE tally (place TEXT NOT NULL, key TEXT NOT NULL) STRICT";
/// What is counted: a zone, a table, its key, and the writes that count. Bookings are changed for good reasons, such as a payment
/// to the police that is to go back, and are added once.
const COUNTED: [(usize, &str, &str, &[&str]); 4] = [
    (OUTER, "pay_confirm", "confirm_id", &["INSERT", "UPDATE", "DELETE"]),
    (OUTER, "outer_txn", "confirm_id", &["INSERT", "UPDATE", "DELETE"]),
    (INNER, "pay_confirm", "confirm_id", &["INSERT", "UPDATE", "DELETE"]),
    (INNER, "inner_book", "payment_id", &["INSERT", "DELETE"]),
];

/// Writes by place and key.
pub type Writes = BTreeMap<(String, String), u64>;

/// Puts the triggers on the tables of both zones.
pub fn install(pair: &Pair) {
    for zone in [INNER, OUTER] {
        let mut database = Database::open(&pair.database(zone)).expect("the zone has a database");
        database.run(TABLE, &[]).expect("the database takes a table");
        for (_, table, key, events) in COUNTED.into_iter().filter(|(of, ..)| *of == zone) {
            for event in events {
                let row = if *event == "DELETE" { "OLD" } else { "NEW" };
                let place = place(zone, table);
                let sql = format!(
                    "CREATE TRIGGER \"tally:{table}:{event}\" AFTER {event} ON {table} BEGIN \
                     INSERT INTO tally (place, key) VALUES ('{place}', {row}.{key}); END"
                );
                database.run(&sql, &[]).expect("the database takes a trigger");
            }
        }
        database.close();
    }
}

/// The name of a counted table.
#[must_use]
pub fn place(zone: usize, table: &str) -> String {
    format!("{} {table}", if zone == INNER { "inside" } else { "outside" })
}

/// What a zone's triggers counted.
pub fn read(path: &Path) -> Writes {
    let mut database = Database::open(path).expect("the zone has a database");
    let sql = "SELECT place, key, count(*) FROM tally GROUP BY place, key";
    let take = |row: &crate::demo::database::Found<'_>| Ok(((row.text(0)?, row.text(1)?), row.number(2)?));
    let rows = database.rows(sql, &[], take).expect("the tally can be read");
    database.close();
    rows.into_iter().collect()
}
