//! The test's own count of changes: triggers beside those of the appliance write down each row that is written or removed, in
//! the owner's tables and in the replicas, in the same transaction.
//!
//! Every image of a row carries a number of its own in one column. A group is applied as sets, and of several changes of a key
//! in one batch only the last image reaches the replica; so the writers change no key again before its last change is in a
//! batch ([`super::papers`]). Then what the owner writes down and what the replica writes down must be the same, key by key, in
//! the same order. An upsert that repeats a row leaves equal tables, and a second line here.

use std::collections::BTreeMap;
use std::path::Path;

use contract::Shape;
use contract::rows::{BaseRegion, PayConfirm, PayConfirmItem, PayNotice, PayNoticeItem, Row as _};

use crate::demo::database::Database;

/// A table whose changes are counted.
#[derive(Debug, Clone, Copy)]
pub struct Counted {
    /// The table.
    pub shape: Shape,
    /// The column that carries the number of an image.
    pub number: &'static str,
    /// Whether the inner zone owns it.
    pub from_inner: bool,
}

/// Every counted table.
pub const COUNTED: [Counted; 5] = [
    Counted { shape: BaseRegion::SHAPE, number: "ele_name", from_inner: true },
    Counted { shape: PayNotice::SHAPE, number: "biz_ref", from_inner: true },
    Counted { shape: PayNoticeItem::SHAPE, number: "quantity", from_inner: true },
    Counted { shape: PayConfirm::SHAPE, number: "platform_order_no", from_inner: false },
    Counted { shape: PayConfirmItem::SHAPE, number: "quantity", from_inner: false },
];

const TABLE: &str = "CREATE TABLE counted (id INTEGER PRIMARY KEY, tbl TEXT NOT NULL, key TEXT NOT NULL, \
    op TEXT NOT NULL, number INTEGER NOT NULL) STRICT";

/// Puts the triggers on every counted table of a zone.
pub fn install(path: &Path) {
    let mut database = Database::open(path).expect("the zone has a database");
    database.run(TABLE, &[]).expect("the database takes a table");
    for counted in COUNTED {
        for (event, row, op) in [("INSERT", "NEW", "i"), ("UPDATE", "NEW", "u"), ("DELETE", "OLD", "d")] {
            let sql = trigger(&counted, event, row, op);
            database.run(&sql, &[]).expect("the database takes a trigger");
        }
    }
    database.close();
}

fn trigger(counted: &Counted, event: &str, row: &str, op: &str) -> String {
    let (table, number) = (counted.shape.table, counted.number);
    let key: Vec<String> = counted.shape.key.iter().map(|column| format!("{row}.{column}")).collect();
    let key = key.join(", ");
    format!(
        "CREATE TRIGGER \"counted:{table}:{event}\" AFTER {event} ON {table} BEGIN \
         INSERT INTO counted (tbl, key, op, number) \
         VALUES ('{table}', json_array({key}), '{op}', CAST({row}.{number} AS INTEGER)); END"
    )
}

/// What became of a key, in order: the operation, and the number of the image that was written or removed.
type Life = Vec<(String, u64)>;
/// What became of each key of each table.
type Lives = BTreeMap<(String, String), Life>;

/// What the two zones' counts say together.
#[derive(Debug, Default)]
pub struct Verdict {
    /// Changes that the owners' tables saw.
    pub captured: u64,
    /// Changes that the replicas saw.
    pub applied: u64,
    /// Changes that no replica saw.
    pub lost: Vec<String>,
    /// Changes that a replica saw more than once.
    pub repeated: Vec<String>,
    /// Changes of a replica that its owner did not make.
    pub strange: Vec<String>,
    /// Keys whose changes came in another order, or as another operation.
    pub disordered: Vec<String>,
}

impl Verdict {
    /// Whether every change was counted exactly once, in its order.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.captured == self.applied
            && [&self.lost, &self.repeated, &self.strange, &self.disordered].iter().all(|found| found.is_empty())
    }

    fn compare(&mut self, owner: &Lives, replica: &Lives) {
        let none = Life::new();
        for (key, made) in owner {
            self.compare_key(&format!("{} {}", key.0, key.1), made, replica.get(key).unwrap_or(&none));
        }
        let unknown = replica.iter().filter(|(key, _)| !owner.contains_key(*key));
        for (key, seen) in unknown {
            self.compare_key(&format!("{} {}", key.0, key.1), &none, seen);
        }
    }

    fn compare_key(&mut self, key: &str, made: &Life, seen: &Life) {
        self.captured += count(made.len());
        self.applied += count(seen.len());
        let (made_times, seen_times) = (times(made), times(seen));
        let mut is_whole = true;
        for (change, _) in made_times.iter().filter(|(change, _)| !seen_times.contains_key(*change)) {
            is_whole = false;
            self.lost.push(format!("{key} {change:?}"));
        }
        for (change, times) in &seen_times {
            let found = match made_times.get(change) {
                None => &mut self.strange,
                Some(made) if times > made => &mut self.repeated,
                Some(_) => continue,
            };
            is_whole = false;
            found.push(format!("{key} {change:?}: {times} times"));
        }
        if is_whole && made != seen {
            self.disordered.push(format!("{key}: {made:?} became {seen:?}"));
        }
    }
}

/// How often each image was written, and how often removed. Whether a write was an insert or an update is left out: a repeat
/// of an insert is an update.
fn times(life: &Life) -> BTreeMap<(bool, u64), u64> {
    let mut found = BTreeMap::new();
    for (op, number) in life {
        *found.entry((op == "d", *number)).or_insert(0) += 1;
    }
    found
}

fn count(length: usize) -> u64 {
    u64::try_from(length).expect("a length fits into 64 bits")
}

/// Compares what both zones counted.
#[must_use]
pub fn judge(inner: &Path, outer: &Path) -> Verdict {
    let (inner, outer) = (lives(inner), lives(outer));
    let of = |lives: &Lives, from_inner: bool| -> Lives {
        let is_owned = |table: &str| COUNTED.iter().any(|one| one.shape.table == table && one.from_inner == from_inner);
        lives.iter().filter(|((table, _), _)| is_owned(table)).map(|(key, life)| (key.clone(), life.clone())).collect()
    };
    let mut verdict = Verdict::default();
    verdict.compare(&of(&inner, true), &of(&outer, true));
    verdict.compare(&of(&outer, false), &of(&inner, false));
    verdict
}

fn lives(path: &Path) -> Lives {
    let mut database = Database::open(path).expect("the zone has a database");
    let sql = "SELECT tbl, key, op, number FROM counted ORDER BY id";
    let take =
        |row: &crate::demo::database::Found<'_>| Ok(((row.text(0)?, row.text(1)?), (row.text(2)?, row.number(3)?)));
    let rows = database.rows(sql, &[], take).expect("the count can be read");
    database.close();
    let mut lives = Lives::new();
    for (key, change) in rows {
        lives.entry(key).or_default().push(change);
    }
    lives
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(made: &[(&str, u64)], seen: &[(&str, u64)]) -> Verdict {
        let life = |changes: &[(&str, u64)]| -> Lives {
            let life: Life = changes.iter().map(|(op, number)| ((*op).to_owned(), *number)).collect();
            if life.is_empty() { Lives::new() } else { [(("t".to_owned(), "[1]".to_owned()), life)].into() }
        };
        let mut verdict = Verdict::default();
        verdict.compare(&life(made), &life(seen));
        verdict
    }

    #[test]
    fn a_change_that_is_lost_repeated_strange_or_out_of_order_is_found() {
        let made = [("i", 1), ("u", 2), ("d", 2), ("i", 3)];
        let good = verdict(&made, &made);
        assert!(good.is_good() && good.captured == 4 && good.applied == 4);
        let lost = verdict(&made, &made[..3]);
        assert!(!lost.is_good() && lost.lost.len() == 1, "{lost:?}");
        let all_lost = verdict(&made, &[]);
        assert_eq!(all_lost.lost.len(), 4, "{all_lost:?}");
        let repeated = verdict(&made, &[("i", 1), ("u", 1), ("u", 2), ("d", 2), ("i", 3)]);
        assert!(!repeated.is_good() && repeated.repeated.len() == 1 && repeated.disordered.is_empty(), "{repeated:?}");
        let strange = verdict(&made[..1], &made[..2]);
        assert!(!strange.is_good() && strange.strange.len() == 1, "{strange:?}");
        let unknown = verdict(&[], &made[..1]);
        assert!(!unknown.is_good() && unknown.strange.len() == 1, "{unknown:?}");
        let swapped = verdict(&[("i", 1), ("u", 2)], &[("i", 2), ("u", 1)]);
        assert!(!swapped.is_good() && swapped.disordered.len() == 1, "{swapped:?}");
    }
}
