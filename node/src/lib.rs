//! What both nodes of a gap have in common: the database with its one writer, people and clients, the record of acts, encryption of
//! sensitive columns, signed messages, HTTP with its description, and the command line.
//!
//! A node knows neither keys of the gap nor drop directories nor the other zone. What it commits, ferry carries; of ferry it reads
//! one table.
#![warn(missing_docs)]

pub mod client;
pub mod clock;
pub mod config;
pub mod database;
pub mod desk;
pub mod entropy;
pub mod failure;
pub mod field_key;
pub mod http;
pub mod mask;
pub mod message;
pub mod password;
pub mod people;
pub mod post;
mod private;
pub mod program;
pub mod prune;
pub mod record;
pub mod rounds;
pub mod rows;
pub mod service;
pub mod session;
pub mod streams;
pub mod supervisor;
#[cfg(feature = "testing")]
pub mod testing;
pub mod turns;
pub mod url;
mod writer;

pub use clock::{Clock, Moment, SystemClock};
pub use database::{Database, Job};
pub use entropy::{Entropy, SystemEntropy, guid};
pub use failure::{Failure, Kind};
pub use field_key::FieldKey;
pub use service::{Node, Service};
pub use writer::unwound;

/// The tables that both nodes keep for themselves: the first migration of each.
pub const OWN_SQL: &str = include_str!("own.sql");
