//! What crosses this gap: the non-tax contract (非税网闸交换契约), its schema, its rows, and rows to try it with.
//!
//! The contract and the schema are text that other programs read. The typed rows and the pure rules about them serve both
//! nodes; the generator serves tests, demonstrations and the simulator: one seed gives the same rows on every machine.
#![warn(missing_docs)]

pub mod generate;
pub mod pay_code;
pub mod region;
pub mod rows;
pub mod rules;
pub mod uscc;

pub use generate::{Change, Generator, Op, Size};
pub use region::{Region, RegionLevel, regions};
pub use rows::{Cell, Row, Shape, json_rows};

/// The contract in TOML; errors call it by this file name.
pub const NONTAX_TOML: &str = include_str!("../nontax.toml");
/// The schema of both zones for SQLite.
pub const NONTAX_SQLITE_SQL: &str = include_str!("../schema/nontax.sqlite.sql");
