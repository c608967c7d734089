//! What most verbs need first: the configuration, and the books of the zone's database.

use std::path::Path;

use ferry_core::ports::PortError;

use super::Context;
use crate::Fault;
use crate::config::{Config, DatabaseKind};
use crate::store::{Books, SqliteBooks, StoreError, fault};

/// The configuration file of a host with one zone.
pub const CONFIG_FILE: &str = "/etc/ferry/ferry.toml";

/// A zone's configuration and books.
pub struct Desk {
    /// The configuration.
    pub config: Config,
    /// The books.
    pub books: Box<dyn Books>,
}

impl Desk {
    /// Reads the configuration and opens the books.
    ///
    /// # Errors
    /// When one of them cannot be read.
    pub fn open(context: &Context) -> Result<Self, Fault> {
        let config = config(context)?;
        let books: Box<dyn Books> = match config.database.kind {
            DatabaseKind::Sqlite => {
                let opened = SqliteBooks::open(&config.database.path, &config.link);
                Box::new(opened.map_err(|error| fault(&error))?)
            }
        };
        Ok(Self { config, books })
    }
}

/// The configuration that was named, or the default one.
///
/// # Errors
/// When it cannot be read.
pub fn config(context: &Context) -> Result<Config, Fault> {
    Config::load(context.config.as_deref().unwrap_or(Path::new(CONFIG_FILE)))
}

/// A failed read of the books.
pub fn unread(error: PortError) -> Fault {
    fault(&StoreError::from(error))
}
