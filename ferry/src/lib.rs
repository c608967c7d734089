//! The appliance: drop directories, databases, capture, apply, daemon and operator commands.
#![warn(missing_docs)]

pub mod backup;
pub mod cli;
pub mod config;
pub mod daemon;
pub mod drill;
pub mod error;
pub mod exit;
mod fail;
pub mod files;
pub mod keyring;
pub mod lang;
pub mod store;
pub mod verify;

pub use error::Fault;
pub use exit::ExitCode;
pub use lang::{Lang, Text};
