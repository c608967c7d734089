//! A zone that is put back to a backup gets its own batches back, and sends again when it has them all.

use std::path::Path;

use contract::rows::{PayConfirm, Row as _, json_rows};
use contract::{Generator, Size};
use tests::demo::database::Database;
use tests::pair::{Daemon, INNER, Making, OUTER, Pair};

/// Rows of one insert: some batches of them.
const ROWS: u64 = 2_500;

/// A running pair whose outer zone has a backup of yesterday, and rows that are younger.
struct Drill {
    pair: Pair,
    daemons: Vec<Daemon>,
}

impl Drill {
    /// Yesterday both zones were made a backup of, while rows waited that were recorded only later.
    fn begin() -> Self {
        let pair = Pair::make(Making::default());
        let daemons = vec![pair.start(INNER), pair.start(OUTER)];
        let drill = Self { pair, daemons };
        drill.insert(0);
        drill.until_equal(ROWS);
        drill
    }

    fn stop(&mut self) {
        for daemon in self.daemons.drain(..) {
            assert_eq!(daemon.stop(), Some(0));
        }
    }

    fn start(&mut self) {
        self.daemons = vec![self.pair.start(INNER), self.pair.start(OUTER)];
    }

    /// Copies the databases of both zones.
    fn back_up(&mut self) {
        self.stop();
        for zone in [INNER, OUTER] {
            std::fs::copy(self.pair.database(zone), self.backup(zone)).unwrap();
        }
        self.start();
    }

    fn backup(&self, zone: usize) -> std::path::PathBuf {
        self.pair.dir.path().join(format!("backup-{zone}.db"))
    }

    /// Puts zones back to their backups.
    fn restore(&mut self, zones: &[usize]) {
        self.stop();
        for zone in zones {
            let database = self.pair.database(*zone);
            for more in ["-wal", "-shm"] {
                let beside = format!("{}{more}", database.display());
                if Path::new(&beside).exists() {
                    std::fs::remove_file(&beside).unwrap();
                }
            }
            std::fs::copy(self.backup(*zone), &database).unwrap();
        }
        self.start();
    }

    /// Inserts rows in one transaction.
    fn insert(&self, from: u64) {
        let generator = Generator::new(3, Size::M);
        let rows = json_rows(generator.confirmations(from..from + ROWS).map(|one| one.confirm.cells()));
        Database::open(&self.pair.database(OUTER)).unwrap().run(&PayConfirm::SHAPE.insert_sql(), &[&rows]).unwrap();
    }

    /// Waits until both zones have so many rows, and the same.
    fn until_equal(&self, rows: u64) {
        let mut tables = [INNER, OUTER].map(|zone| Database::open(&self.pair.database(zone)).unwrap());
        let digest = "SELECT sum(unicode(payer_name) * length(payer_name) + amount_fen) FROM pay_confirm";
        self.pair.carry_until(&format!("both zones to have {rows} rows"), || {
            let counts = tables.each_mut().map(|table| table.number("SELECT count(*) FROM pay_confirm", &[]).unwrap());
            counts == [rows, rows] && {
                let digests = tables.each_mut().map(|table| table.number(digest, &[]).unwrap());
                digests[0] == digests[1]
            }
        });
    }

    fn until_well(&self) {
        self.pair.carry_until("both zones to be well", || {
            [INNER, OUTER].iter().all(|zone| self.pair.stream(*zone, "confirm")["health"] == "ok")
        });
    }

    /// Rows that come later cross as ever, in the same epoch.
    fn goes_on(&self, rows: u64) {
        self.until_equal(rows);
        self.until_well();
        self.insert(50_000);
        self.until_equal(rows + ROWS);
        assert_eq!(self.pair.stream(OUTER, "confirm")["epoch"], 1);
    }
}

#[test]
fn an_owner_that_was_put_back_takes_its_rows_back_out_of_both_archives() {
    let mut drill = Drill::begin();
    drill.back_up();
    drill.insert(10_000);
    drill.until_equal(2 * ROWS);
    drill.restore(&[OUTER]);
    drill.goes_on(2 * ROWS);
    drill.stop();
}

#[test]
fn an_owner_without_its_archive_is_given_its_rows_by_the_peer() {
    let mut drill = Drill::begin();
    drill.back_up();
    drill.insert(10_000);
    drill.until_equal(2 * ROWS);
    drill.until_well();
    drill.stop();
    for lost in ["archive", "spool"] {
        std::fs::remove_dir_all(drill.pair.path(OUTER, &format!("{lost}/nontax"))).unwrap();
    }
    drill.restore(&[OUTER]);
    drill.goes_on(2 * ROWS);
    let life = drill.pair.json(OUTER, &["explain", "confirm/2"]).to_string();
    assert!(life.contains("taken-back") && life.contains("returned"), "{life}");
    drill.stop();
}

#[test]
fn both_zones_put_back_to_yesterday_have_everything_again() {
    let mut drill = Drill::begin();
    drill.back_up();
    drill.insert(10_000);
    drill.until_equal(2 * ROWS);
    drill.restore(&[INNER, OUTER]);
    drill.goes_on(2 * ROWS);
    drill.stop();
}
