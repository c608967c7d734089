//! Makes a database, brings it to the present version, and registers what crosses.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use ferry_core::contract::{Contract, StreamContract};
use ferry_core::ports::PortError;
use ferry_format::statement::genesis;
use ferry_format::{EpochId, Instance, LinkId, StreamName, ZoneName};

use super::dialect::SqliteDialect;
use super::failure::DbError;
use super::lane::{Access, Columns as _, Lane, Session, args, sql};
use crate::store::StoreError;
use crate::store::dialect::Dialect as _;

/// The version of this program, kept in the database so that an older program can name what it needs.
const PROGRAM: &str = env!("CARGO_PKG_VERSION");
/// Only ferry's user reads the database, unless it lies in a directory that is shared with a group: [`database_mode`].
const FILE_MODE: u32 = 0o600;
/// The mode of a database that ferry and a zone's other programs have through a group. SQLite gives the same to what it keeps beside
/// it, whoever of them makes that and whatever the process's mask.
const SHARED_MODE: u32 = 0o660;
/// The bits of a directory that is shared with its group: whoever makes a file there makes it for the group, which may do so, too.
const SHARED_DIRECTORY: u32 = 0o2070;
/// The version since which outboxes have the time of capture. Those of older databases get the column, and no times until
/// their triggers are made anew.
const CAPTURE_TIMES_SINCE: u64 = 4;
/// The first epoch of every stream.
const FIRST_EPOCH: u64 = 1;

/// A contract, seen from one zone.
#[derive(Debug, Clone, Copy)]
pub struct Registration<'a> {
    /// This zone.
    pub zone: &'a ZoneName,
    /// The contract.
    pub contract: &'a Contract,
    /// Its text, kept with every digest.
    pub text: &'a str,
    /// Random ids for the first epochs of own streams; those of streams that are there already are not used.
    pub epochs: &'a BTreeMap<StreamName, EpochId>,
    /// The wall clock.
    pub now_ms: u64,
}

/// What registering a contract found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Registered {
    /// Streams with a digest that was not known before, in the order of the contract.
    pub added: Vec<StreamName>,
    /// Own streams whose triggers do not write under the contract's digest, in the order of the contract.
    pub stale: Vec<StreamName>,
}

/// Makes a database: the file, ferry's tables, the business tables of `schema`, and the streams of the contract.
///
/// # Errors
/// When the file exists, or anything in it is not accepted; no file is left behind then.
pub fn create(
    path: &Path,
    link: &LinkId,
    instance: Instance,
    schema: &str,
    registration: &Registration<'_>,
) -> Result<(), StoreError> {
    make_file(path)?;
    let filled = fill(path, link, instance, schema, registration);
    if filled.is_err() {
        remove_file(path);
    }
    filled
}

/// The mode of a database at `path`: for its owner alone, or for the group as well where the directory has mode 2770, as one has in
/// which a node shares the zone's database.
///
/// # Errors
/// When the directory is not there.
pub fn database_mode(path: &Path) -> std::io::Result<u32> {
    let directory = fs::metadata(path.parent().unwrap_or_else(|| Path::new("/")))?;
    let is_shared = directory.mode() & SHARED_DIRECTORY == SHARED_DIRECTORY;
    Ok(if is_shared { SHARED_MODE } else { FILE_MODE })
}

fn make_file(path: &Path) -> Result<(), StoreError> {
    let failed = |cause: std::io::Error| {
        let path = path.to_owned();
        let is_there = cause.kind() == std::io::ErrorKind::AlreadyExists;
        if is_there { StoreError::Exists { path } } else { StoreError::File { path, cause } }
    };
    let mode = database_mode(path).map_err(failed)?;
    let file = OpenOptions::new().write(true).create_new(true).mode(FILE_MODE).open(path).map_err(failed)?;
    // Asked for at once, the process's mask would take the group's rights away.
    file.set_permissions(fs::Permissions::from_mode(mode)).map_err(|cause| {
        remove_file(path);
        failed(cause)
    })
}

/// Nothing depends on whether the remains of a failed creation can be removed.
fn remove_file(path: &Path) {
    for suffix in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        let _ = fs::remove_file(PathBuf::from(name));
    }
}

fn fill(
    path: &Path,
    link: &LinkId,
    instance: Instance,
    schema: &str,
    registration: &Registration<'_>,
) -> Result<(), StoreError> {
    let lane = Lane::new(path, Access::Write)?;
    let mut session = lane.lock();
    session.write(|session| {
        migrate(session, 0)?;
        session.run(sql().meta_put, args!["instance", instance.to_string()])?;
        session.script(schema).map_err(|error| StoreError::Schema(PortError::from(error)))?;
        register(session, link, registration).map(|_| ())
    })?;
    Ok(session.close().map_err(PortError::from)?)
}

/// Fails unless there is a file.
pub(super) fn must_exist(path: &Path) -> Result<(), StoreError> {
    if path.is_file() { Ok(()) } else { Err(StoreError::Missing { path: path.to_owned() }) }
}

/// Brings ferry's tables to the present version, and checks that the link is there.
pub(super) fn prepare(session: &mut Session, path: &Path, link: &LinkId) -> Result<(), StoreError> {
    let version = check_version(session, path)?;
    if version < known_version() {
        session.write(|session| migrate(session, version))?;
    }
    check_link(session, link)
}

/// The version of ferry's tables, if this program knows it.
pub(super) fn check_version(session: &mut Session, path: &Path) -> Result<u64, StoreError> {
    if session.first(sql().has_meta, &[])?.is_none() {
        return Err(StoreError::NotOurs { path: path.to_owned() });
    }
    let found = meta(session, "schema_version")?.unwrap_or_default();
    match found.parse::<u64>() {
        Ok(version) if (1..=known_version()).contains(&version) => Ok(version),
        Ok(_) | Err(_) => Err(StoreError::NewerSchema {
            found,
            known: known_version(),
            written_by: meta(session, "written_by")?.unwrap_or_default(),
        }),
    }
}

/// Fails unless the database has the link.
pub(super) fn check_link(session: &mut Session, link: &LinkId) -> Result<(), StoreError> {
    if session.all(sql().contract_list, args![link.as_str()])?.is_empty() {
        return Err(StoreError::UnknownLink { link: link.to_string() });
    }
    Ok(())
}

/// A fact about the whole database.
pub(super) fn meta(session: &mut Session, key: &str) -> Result<Option<String>, DbError> {
    session.first(sql().meta_get, args![key])?.map(|row| row.string(0)).transpose()
}

fn known_version() -> u64 {
    u64::try_from(SqliteDialect.migrations().len()).expect("there are few migrations")
}

fn migrate(session: &mut Session, from: u64) -> Result<(), DbError> {
    let done = usize::try_from(from).expect("a known version is small");
    for step in &SqliteDialect.migrations()[done..] {
        session.script(step)?;
    }
    if from < CAPTURE_TIMES_SINCE {
        for outbox in session.all(sql().trace.outboxes, &[])? {
            session.run(SqliteDialect.add_capture_time(&outbox.string(0)?), &[])?;
        }
    }
    session.run(sql().meta_put, args!["schema_version", known_version().to_string()])?;
    session.run(sql().meta_put, args!["written_by", PROGRAM])?;
    Ok(())
}

/// Adds the streams and digests that are not known yet, in the caller's transaction.
pub(super) fn register(
    session: &mut Session,
    link: &LinkId,
    registration: &Registration<'_>,
) -> Result<Registered, StoreError> {
    let zone = registration.zone;
    if !registration.contract.zones.contains(zone) {
        return Err(StoreError::UnknownZone { zone: zone.to_string() });
    }
    let mut registered = Registered::default();
    for stream in registration.contract.streams() {
        let own = stream.owner == *zone;
        let (direction, digest) = (if own { "out" } else { "in" }, stream.digest);
        let (name, at) = (stream.name.as_str(), registration.now_ms);
        let added =
            session.run(sql().contract_add, args![link.as_str(), name, direction, &digest, registration.text, at])?;
        if added > 0 {
            registered.added.push(stream.name.clone());
        }
        if own {
            if session.first(sql().out_get, args![link.as_str(), name])?.is_none() {
                add_own(session, link, stream, registration)?;
            }
            if capture_of(session, link, stream)? != Some(contract_id(session, link, stream)?) {
                registered.stale.push(stream.name.clone());
            }
        }
    }
    Ok(registered)
}

fn add_own(
    session: &mut Session,
    link: &LinkId,
    stream: &StreamContract,
    registration: &Registration<'_>,
) -> Result<(), StoreError> {
    let name = &stream.name;
    let epoch_id = registration.epochs.get(name).ok_or_else(|| StoreError::NoEpoch { stream: name.to_string() })?;
    let outbox = SqliteDialect.outbox(link, name);
    let before_first = genesis(link, &stream.owner, &stream.to, name, FIRST_EPOCH, *epoch_id);
    session.run(SqliteDialect.create_outbox(&outbox), &[])?;
    session.run(
        sql().out_add,
        args![link.as_str(), name.as_str(), outbox, FIRST_EPOCH, epoch_id.to_string(), &before_first],
    )?;
    Ok(())
}

/// The id of the stream's contract, which must have been registered.
pub(super) fn contract_id(session: &mut Session, link: &LinkId, stream: &StreamContract) -> Result<i64, DbError> {
    let row = session.first(sql().contract_id, args![link.as_str(), stream.name.as_str(), &stream.digest])?;
    row.ok_or_else(|| super::failure::corrupt("a registered contract is gone"))?.signed(0)
}

fn capture_of(session: &mut Session, link: &LinkId, stream: &StreamContract) -> Result<Option<i64>, DbError> {
    let row = session.first(sql().out_get, args![link.as_str(), stream.name.as_str()])?;
    let id = row.map(|row| row.maybe_int(9)).transpose()?.flatten();
    Ok(id.and_then(|id| i64::try_from(id).ok()))
}

impl From<DbError> for StoreError {
    fn from(error: DbError) -> Self {
        Self::Port(error.into())
    }
}
