//! The appliance: drop directories, databases, capture, apply, daemon and operator commands.
#![warn(missing_docs)]

pub mod backup;
pub mod cli;
pub mod config;
pub mod daemon;
pub mod drill;
mod fail;
pub mod files;
pub mod keyring;
pub mod store;
pub mod verify;

pub use console::{ExitCode, Fault, Lang, Text, error, exit, lang, text};
