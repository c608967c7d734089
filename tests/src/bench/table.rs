//! The tables that the benchmarks carry.

use std::fmt::Write as _;
use std::ops::Range;
use std::path::PathBuf;

use contract::rows::{PayConfirm, Row as _, Shape, json_rows};
use contract::{Generator, Size};

use crate::workspace_root;

/// The characters of a text that hardly compresses: 64 of them, so a byte carries six bits.
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-";
const NARROW_COLUMNS: &[&str] = &["id", "pay_code", "amount_fen", "pay_time"];

/// A table with rows to fill it.
#[derive(Debug, Clone, Copy)]
pub struct Table {
    /// Its stream.
    pub stream: &'static str,
    /// Its name, columns and key.
    pub shape: Shape,
    /// Rows of one source transaction.
    pub rows_a_commit: u64,
    /// The rows with these numbers, counted from 0, as one JSON array of arrays.
    pub rows: fn(Range<u64>) -> String,
}

/// Confirmations of payments, as the non-tax contract has them.
pub const REAL: Table =
    Table { stream: "confirm", shape: PayConfirm::SHAPE, rows_a_commit: 1_000, rows: confirmations };
/// Rows as small as they get.
pub const NARROW: Table = small("narrow", "narrow_row", 1_000);
/// The same rows, one a commit, under the linger of confirmations.
pub const USUAL: Table = small("usual", "usual_row", 1);
/// The same rows, one a commit, without linger.
pub const PROMPT: Table = small("prompt", "prompt_row", 1);

const fn small(stream: &'static str, table: &'static str, rows_a_commit: u64) -> Table {
    Table { stream, shape: Shape { table, columns: NARROW_COLUMNS, key: &["id"] }, rows_a_commit, rows: small_rows }
}

/// Rows with one long text each, one batch a commit.
#[must_use]
pub const fn wide_table(rows_a_commit: u64) -> Table {
    Table {
        stream: "wide",
        shape: Shape { table: "wide_row", columns: &["id", "body"], key: &["id"] },
        rows_a_commit,
        rows: |_| String::new(),
    }
}

/// The rows of [`wide_table`] with these numbers, `text_bytes` of text in each.
#[must_use]
pub fn wide_rows(numbers: Range<u64>, text_bytes: usize) -> String {
    let mut state = numbers.start;
    let mut json = String::from("[");
    for number in numbers {
        let comma = if json.len() == 1 { "" } else { "," };
        write!(json, "{comma}[{},\"", number + 1).expect("writing to a string cannot fail");
        for _ in 0..text_bytes {
            let place = usize::try_from(next_random(&mut state) % 64).expect("it is below 64");
            json.push(char::from(ALPHABET[place]));
        }
        json.push_str("\"]");
    }
    json.push(']');
    json
}

impl Table {
    /// The contract file in which it is.
    #[must_use]
    pub fn contract(&self) -> PathBuf {
        workspace_root().join(if self.stream == REAL.stream {
            "contract/nontax.toml"
        } else {
            "tests/benches/contract/bench.toml"
        })
    }

    /// The statements of the business schema that make its tables and indexes.
    ///
    /// # Panics
    /// When the schema cannot be read.
    #[must_use]
    pub fn schema_statements(&self) -> Vec<String> {
        let text = if self.stream == REAL.stream {
            contract::NONTAX_SQLITE_SQL.to_owned()
        } else {
            let path = workspace_root().join("tests/benches/contract/bench.sqlite.sql");
            std::fs::read_to_string(path).expect("the schema of the benchmarks")
        };
        let bare: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with("--")).collect();
        let joined = bare.join("\n");
        joined.split(';').map(str::trim).filter(|statement| !statement.is_empty()).map(str::to_owned).collect()
    }

    /// The fastest insert that we know: `jsonb_each` hands each row over as it was parsed.
    #[must_use]
    pub fn insert_sql(&self) -> String {
        let values: Vec<String> = (0..self.shape.columns.len()).map(|place| format!("value ->> {place}")).collect();
        let (columns, values) = (self.shape.columns.join(", "), values.join(", "));
        format!("INSERT INTO {} ({columns}) SELECT {values} FROM jsonb_each(?1)", self.shape.table)
    }

    /// The same, with rows that are there replaced.
    #[must_use]
    pub fn upsert_sql(&self) -> String {
        let others = self.shape.columns.iter().filter(|column| !self.shape.key.contains(column));
        let sets: Vec<String> = others.map(|column| format!("{column} = excluded.{column}")).collect();
        let key = self.shape.key.join(", ");
        // `WHERE true` keeps SQLite from reading ON as the beginning of a join.
        format!("{} WHERE true ON CONFLICT ({key}) DO UPDATE SET {}", self.insert_sql(), sets.join(", "))
    }

    /// The numbers of the rows of each commit.
    pub fn commits(&self, rows: u64) -> impl Iterator<Item = Range<u64>> + use<> {
        let size = self.rows_a_commit;
        (0..rows.div_ceil(size)).map(move |place| place * size..rows.min((place + 1) * size))
    }
}

fn confirmations(numbers: Range<u64>) -> String {
    let generator = Generator::new(1, Size::M);
    json_rows(generator.confirmations(numbers).map(|confirmation| confirmation.confirm.cells()))
}

fn small_rows(numbers: Range<u64>) -> String {
    let mut json = String::from("[");
    for number in numbers {
        let comma = if json.len() == 1 { "" } else { "," };
        let mut state = number;
        let (code, fen) = (next_random(&mut state) % 10_u64.pow(18), next_random(&mut state) % 1_000_000);
        let second = number % 60;
        write!(json, "{comma}[{},\"33{code:018}\",{fen},\"202601021030{second:02}\"]", number + 1)
            .expect("writing to a string cannot fail");
    }
    json.push(']');
    json
}

/// SplitMix64 (Steele, Lea and Flood 2014): the same rows on every machine.
fn next_random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
