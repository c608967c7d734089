//! The zone's keys at work: read again when their files change, so that a rotation needs no restart.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use ferry_format::{KeyId, SoftKeys};

use super::keys::{ENCRYPT_KEY, SIGN_KEY, load_keys};
use super::rotation::{self, NextKeys};
use super::trust::Stamp;
use crate::config::Config;
use crate::error::Fault;
use crate::files::os;

/// The keys of one zone.
#[derive(Debug)]
pub struct KeyRing {
    config: Config,
    credentials: Option<PathBuf>,
    current: Mutex<Current>,
}

/// A zone's keys at one moment.
#[derive(Debug)]
pub struct ZoneKeys {
    /// Those in use. They unwrap also what was sealed to older ones, and to the next.
    pub keys: SoftKeys,
    /// Those that are to be.
    pub next: Option<NextKeys>,
    /// The peer seals to those.
    accepted: AtomicBool,
}

#[derive(Debug)]
struct Current {
    zone: Arc<ZoneKeys>,
    stamps: Stamps,
}

/// What changes when a key file is replaced.
type Stamps = [Option<Stamp>; 3];

impl ZoneKeys {
    /// A file was sealed to these keys: if to the next ones, the peer's operators have put them in use.
    pub fn was_sealed_to(&self, recipients: &[KeyId]) {
        if self.next.as_ref().is_some_and(|next| recipients.contains(&next.card.encrypt.id())) {
            self.accepted.store(true, Ordering::Relaxed);
        }
    }

    /// Whether the peer seals to the next keys.
    #[must_use]
    pub fn is_accepted(&self) -> bool {
        self.accepted.load(Ordering::Relaxed)
    }
}

impl KeyRing {
    /// Reads the keys.
    ///
    /// # Errors
    /// When they cannot be used.
    pub fn open(config: &Config, credentials: Option<&Path>) -> Result<Self, Fault> {
        let stamps = stamps(config, credentials);
        let zone = Arc::new(read(config, credentials)?);
        let credentials = credentials.map(Path::to_owned);
        Ok(Self { config: config.clone(), credentials, current: Mutex::new(Current { zone, stamps }) })
    }

    /// The keys at the moment. When a file has changed they are read again; when they cannot be read, those before stay, and the
    /// log says so once.
    #[must_use]
    pub fn current(&self) -> Arc<ZoneKeys> {
        let credentials = self.credentials.as_deref();
        let stamps = stamps(&self.config, credentials);
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.stamps != stamps {
            current.stamps = stamps;
            match read(&self.config, credentials) {
                Ok(zone) => {
                    tracing::info!(key = %zone.keys.sign_public().id(), "the zone's keys were read again");
                    current.zone = Arc::new(zone);
                }
                Err(fault) => {
                    tracing::error!(%fault, "the zone's keys are not usable; those before stay in force");
                }
            }
        }
        current.zone.clone()
    }
}

fn read(config: &Config, credentials: Option<&Path>) -> Result<ZoneKeys, Fault> {
    let keys = load_keys(config, credentials)?;
    let next = rotation::load_next(config)?;
    let keys = next.iter().fold(keys, |keys, next| keys.also_unwrapping(&next.keys));
    Ok(ZoneKeys { keys, next, accepted: AtomicBool::new(false) })
}

fn stamps(config: &Config, credentials: Option<&Path>) -> Stamps {
    let directory = credentials.unwrap_or(&config.paths.keys);
    let next = rotation::next_directory(config);
    [directory.join(SIGN_KEY), directory.join(ENCRYPT_KEY), next]
        .map(|path| os::look(&path).ok().map(|found| Stamp::of(&found)))
}
