//! What every program of Ferry says to people: two languages, one table of exit codes, errors with a next step.
#![warn(missing_docs)]

pub mod blame;
pub mod chinese;
pub mod error;
pub mod exit;
pub mod lang;
pub mod output;
pub mod yuan;

pub use error::Fault;
pub use exit::ExitCode;
pub use lang::{Lang, Text};
pub use output::Output;
pub use yuan::yuan;
