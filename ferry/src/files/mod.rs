//! The zone's files: drop directories, spool and archive, quarantine, anchor.

pub mod anchor;
#[cfg(test)]
mod conformance;
pub mod durable;
mod fault;
pub mod gate;
mod ground;
pub mod os;
pub mod quarantine;
pub mod spool;
#[cfg(test)]
pub(crate) mod testing;

use ferry_core::ports::PortError;

pub use anchor::AnchorFile;
pub use fault::storage_fault;
pub use gate::{GateDirectories, OVERSIZE_PREFIX_BYTES};
pub use quarantine::{Kept, QuarantineDirectories};
pub use spool::{SPOOL_EXTENSION, SpoolDirectories};

use crate::config::{Config, ZoneLock};

/// The file ports of one zone.
#[derive(Debug)]
pub struct Files {
    /// The drop directories.
    pub gate: GateDirectories,
    /// Spool and archive.
    pub spool: SpoolDirectories,
    /// Refused files.
    pub quarantine: QuarantineDirectories,
    /// What the zone must not forget.
    pub anchor: AnchorFile,
}

impl Files {
    /// Opens the zone's files for the one process that works on them, and removes what an interrupted one left
    /// half-written.
    ///
    /// # Errors
    /// When a directory cannot be read or made.
    pub fn open(config: &Config, _lock: &ZoneLock) -> Result<Self, PortError> {
        let gate = GateDirectories::new(config);
        gate.clean()?;
        let spool = SpoolDirectories::new(config);
        spool.clean()?;
        let quarantine = QuarantineDirectories::open(config)?;
        if let Some(directory) = config.paths.anchor.parent() {
            durable::clean(directory).map_err(|error| durable::port_error("cannot clean", directory, &error))?;
        }
        Ok(Self { gate, spool, quarantine, anchor: AnchorFile::new(config.paths.anchor.clone()) })
    }
}
