//! Everything that a zone's database has, so that it shows what was written.

use std::collections::BTreeMap;

use tests::demo::database::Database;

use super::place::Place;

/// The node's and the daemon's own tables that change by themselves: sessions and nonces are forgotten in time, and the daemon works.
const TABLES: &str = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'ferry%' AND name NOT LIKE 'sqlite%' \
     AND name NOT IN ('node_session', 'node_nonce') ORDER BY name";

/// The rows of every table, as text.
#[derive(PartialEq, Eq)]
pub struct Snapshot(BTreeMap<String, String>);

impl Snapshot {
    /// What a zone has.
    pub fn of(place: &Place, zone: usize) -> Self {
        let mut database = Database::open(&place.town.pair.database(zone)).unwrap();
        let mut tables = BTreeMap::new();
        for table in database.rows(TABLES, &[], |row| row.text(0)).unwrap() {
            let columns = "SELECT name FROM pragma_table_info(?1)";
            let columns = database.rows(columns, &[&table], |row| row.text(0)).unwrap();
            let quoted: Vec<String> = columns.iter().map(|column| format!("quote(\"{column}\")")).collect();
            let sql = format!(
                "SELECT coalesce(group_concat(line, char(10)), '') FROM (SELECT {} AS line FROM \"{table}\" ORDER BY 1)",
                quoted.join(" || ',' || ")
            );
            let rows = database.rows(&sql, &[], |row| row.text(0)).unwrap();
            tables.insert(table, rows.concat());
        }
        database.close();
        Self(tables)
    }

    /// The tables that changed although they are none of those in which something may be noted.
    pub fn changed(&self, after: &Self, noted: &[&str]) -> Vec<String> {
        let names = self.0.keys().chain(after.0.keys().filter(|name| !self.0.contains_key(*name)));
        let is_changed = |name: &&String| self.0.get(*name) != after.0.get(*name) && !noted.contains(&name.as_str());
        names.filter(is_changed).map(|name| format!("{name} was written")).collect()
    }
}
