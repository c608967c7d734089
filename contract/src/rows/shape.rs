//! A table as statements see it.

/// The name, columns and key of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// The table's name.
    pub table: &'static str,
    /// The columns, in the order of the contract.
    pub columns: &'static [&'static str],
    /// The key's columns, in key order.
    pub key: &'static [&'static str],
}

impl Shape {
    /// The places of the key's columns among the columns, in key order.
    pub fn key_positions(self) -> impl Iterator<Item = usize> {
        self.key.iter().filter_map(move |key| self.columns.iter().position(|column| column == key))
    }

    /// The SQLite statement that inserts the rows of one parameter, a JSON array of rows.
    #[must_use]
    pub fn insert_sql(self) -> String {
        let values = self.columns.iter().enumerate().map(|(position, _)| extract(position));
        format!("{ROWS} INSERT INTO {} ({}) SELECT {} FROM r", self.table, self.columns.join(", "), join(values))
    }

    /// The SQLite statement that gives existing rows the values of one parameter, a JSON array of rows.
    #[must_use]
    pub fn update_sql(self) -> String {
        let changed = self.columns.iter().enumerate().filter(|(_, column)| !self.key.contains(column));
        let sets = changed.map(|(position, column)| format!("{column} = {}", extract(position)));
        let same = self.key_positions().zip(self.key);
        let same: Vec<String> =
            same.map(|(position, key)| format!("{}.{key} = {}", self.table, extract(position))).collect();
        format!("{ROWS} UPDATE {} SET {} FROM r WHERE {}", self.table, join(sets), same.join(" AND "))
    }

    /// The SQLite statement that deletes the rows of one parameter, a JSON array of keys.
    #[must_use]
    pub fn delete_sql(self) -> String {
        let values = self.key.iter().enumerate().map(|(position, _)| extract(position));
        format!("{ROWS} DELETE FROM {} WHERE ({}) IN (SELECT {} FROM r)", self.table, self.key.join(", "), join(values))
    }
}

/// SQLite writes `json_each.value` out anew wherever it is named; kept once a row, inserts are a third faster.
const ROWS: &str = "WITH r AS MATERIALIZED (SELECT value FROM json_each(?1))";

fn extract(position: usize) -> String {
    format!("r.value ->> '$[{position}]'")
}

fn join(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::Shape;
    use crate::rows::shapes;

    const SHAPE: Shape = Shape { table: "t", columns: &["a", "b", "c"], key: &["c", "a"] };

    #[test]
    fn statements_take_one_parameter() {
        let sql = |rest: &str| format!("WITH r AS MATERIALIZED (SELECT value FROM json_each(?1)) {rest}");
        assert_eq!(
            SHAPE.insert_sql(),
            sql("INSERT INTO t (a, b, c) SELECT r.value ->> '$[0]', r.value ->> '$[1]', r.value ->> '$[2]' FROM r")
        );
        assert_eq!(
            SHAPE.update_sql(),
            sql(
                "UPDATE t SET b = r.value ->> '$[1]' FROM r WHERE t.c = r.value ->> '$[2]' AND t.a = r.value ->> '$[0]'"
            )
        );
        assert_eq!(
            SHAPE.delete_sql(),
            sql("DELETE FROM t WHERE (c, a) IN (SELECT r.value ->> '$[0]', r.value ->> '$[1]' FROM r)")
        );
    }

    #[test]
    fn every_key_column_is_a_column() {
        for shape in shapes() {
            assert_eq!(shape.key_positions().count(), shape.key.len(), "{}", shape.table);
        }
    }
}
