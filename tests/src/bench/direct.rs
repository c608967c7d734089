//! The baseline of every rate of rows: the same rows straight into the same table.

use std::time::Duration;

use super::{Stopwatch, Table};
use crate::demo::database::Database;

/// A database that is no zone, with the settings of one.
pub struct Direct {
    table: Table,
    database: Database,
    /// Where it lies; removed at the end.
    _dir: tempfile::TempDir,
}

impl Direct {
    /// Makes it.
    ///
    /// # Panics
    /// When it cannot be made.
    #[must_use]
    pub fn make(table: Table) -> Self {
        let dir = tempfile::tempdir().expect("a scratch directory");
        let path = dir.path().join("direct.db");
        std::fs::File::create(&path).expect("an empty database");
        let mut database = Database::open(&path).expect("a database");
        for statement in table.schema_statements() {
            database.run(&statement, &[]).expect("the schema");
        }
        Self { table, database, _dir: dir }
    }

    /// Writes the rows of each text in one transaction, and tells how long that took.
    ///
    /// # Panics
    /// When the database refuses.
    pub fn upsert(&mut self, commits: impl Iterator<Item = String>) -> Duration {
        let upsert = self.table.upsert_sql();
        let mut took = Duration::ZERO;
        for rows in commits {
            let watch = Stopwatch::start();
            self.database.run(&upsert, &[&rows]).expect("an upsert");
            took += watch.elapsed();
        }
        took
    }
}
