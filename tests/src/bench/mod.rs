//! What the benchmarks share: tables to carry, the chain of two real zones, the baseline beside it, and the measures.

mod chain;
mod connection;
mod direct;
mod measure;
mod replay;
mod table;
mod verdict;

pub use chain::{Chain, Drained, ferry};
pub use connection::{Connection, document};
pub use direct::Direct;
pub use measure::{
    Percentiles, Stopwatch, megabytes, number_from_environment, pause, peak_bytes, per_second, print_machine,
    print_processor_time, processor_seconds, resident_bytes,
};
pub use replay::Replay;
pub use table::{NARROW, PROMPT, REAL, Table, USUAL, wide_rows, wide_table};
pub use verdict::{Budget, judge};
