//! Opens everything that the daemon works with, and says what to do when something is missing.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use core::num::NonZeroU64;

use ferry_core::contract::Contract;
use ferry_core::link::{Link, RecoverError, recover as recover_link};
use ferry_core::perform::Surroundings;
use ferry_core::ports::FaultKind;
use ferry_core::time::Now;
use ferry_format::{BootNonce, Entropy as _};

use super::{ZonePorts, numbers};
use crate::config::{Config, ZoneLock};
use crate::error::Fault;
use crate::exit::ExitCode;
use crate::files::{Files, storage_fault};
use crate::keyring::{FerrySealer, OsEntropy, take_trace_key};
use crate::lang::Text;
use crate::store::{Registration, SqliteStore, StoreError};

/// How often a start asks a database that another program has locked. Each try waits ten seconds: two minutes is longer than any
/// transaction that a zone's programs should hold, and far shorter than the service manager waits for a start.
const DATABASE_TRIES: u32 = 12;

/// What a start does with the database, once more when another program has it.
fn patiently<T>(mut attempt: impl FnMut() -> Result<T, StoreError>) -> Result<T, Fault> {
    for number in 1..DATABASE_TRIES {
        match attempt() {
            Err(StoreError::Port(error)) if error.kind == FaultKind::Transient => {
                tracing::warn!(%error, number, "the database cannot be used yet; trying again");
            }
            ended => return ended.map_err(|error| crate::store::fault(&error)),
        }
    }
    attempt().map_err(|error| crate::store::fault(&error))
}

/// Opens database, files and keys.
///
/// # Errors
/// When one of them is missing or not what it should be.
pub fn open(config: &Config, lock: &ZoneLock, credentials: Option<&Path>) -> Result<ZonePorts, Fault> {
    let secret = take_trace_key(config)?;
    let store = patiently(|| {
        let store = SqliteStore::open(&config.database.path, &config.link)?;
        match &secret {
            Some(secret) => store.indexed(secret.clone()),
            None => Ok(store),
        }
    })?;
    let sealer = FerrySealer::open(config, credentials)?;
    let files = Files::open(config, lock).map_err(|error| storage_fault(&error))?;
    let Files { gate, spool, quarantine, anchor } = files;
    Ok(ZonePorts { store, spool, gate, sealer, quarantine, anchor })
}

/// Reads the contract and divides its lingers by the time scale.
///
/// # Errors
/// When the contract is missing or wrong, or does not know the two zones.
pub fn surroundings(config: &Config) -> Result<(Surroundings, String), Fault> {
    let (contract, text) = crate::config::load_contract(&config.contract)?;
    let scale = NonZeroU64::new(config.timers.time_scale).unwrap_or(NonZeroU64::MIN);
    let around = Surroundings {
        contract: Arc::new(contract.scaled(scale)),
        link: config.link.clone(),
        zone: config.zone.clone(),
        peer: config.peer.clone(),
        extension: config.gate.extension.clone(),
    };
    Ok((around, text))
}

/// Registers the contract's digests, and refuses to run where captured rows would not be the contract's, or changes could escape.
///
/// # Errors
/// When the triggers stand for another contract than the file, or not as they were installed.
pub fn register(zone: &ZonePorts, config: &Config, contract: &Contract, text: &str, now: Now) -> Result<(), Fault> {
    let epochs = BTreeMap::new();
    let registration = Registration { zone: &config.zone, contract, text, epochs: &epochs, now_ms: now.wall_ms };
    let registered = patiently(|| zone.store.register(&registration))?;
    if let Some(fault) = crate::store::stale(&registered) {
        return Err(fault);
    }
    patiently(|| zone.store.watch_capture(&registration))
}

/// Takes up the work where the books, the spool and the anchor left it.
///
/// # Errors
/// When one of them cannot be read.
pub fn recover(zone: &ZonePorts, around: &Arc<Surroundings>, config: &Config, now: Now) -> Result<Link, Fault> {
    let mut boot = [0; 16];
    OsEntropy::new().fill(&mut boot).map_err(Fault::internal)?;
    let own = around.contract.streams().iter().filter(|stream| stream.owner == around.zone);
    let settings = numbers::settings(config).hastened(own.map(|stream| stream.limits.linger_ms));
    recover_link(around.clone(), settings, BootNonce(boot), &zone.ports(), now).map_err(|error| match &error {
        RecoverError::Port(error) => storage_fault(error),
        RecoverError::UnknownStream(_) => Fault::new(
            "contract-lacks-stream",
            ExitCode::Contract,
            crate::text!("{error}", "{error}"),
            Text::fixed("put back the contract that has this stream", "请恢复包含该数据流的契约"),
        ),
    })
}
