//! A consistent copy of the database, made while programs and the daemon go on.

use std::path::Path;
use std::time::Duration;

use ferry_core::ports::FaultKind;
use ferry_format::Instance;

use super::create::{meta, must_exist};
use super::failure::{DbError, corrupt};
use super::lane::{Access, Lane, args, sql};
use crate::store::StoreError;

/// Copies the database at `path`, as it is at one moment, into a file that is not there yet. Returns the id of the database.
///
/// # Errors
/// When it cannot be read, or the copy not be written. What was written of the copy may be left.
pub fn copy_database(path: &Path, copy: &Path) -> Result<Instance, StoreError> {
    must_exist(path)?;
    let lane = Lane::new(path, Access::Write)?;
    let mut session = lane.lock();
    let instance = meta(&mut session, "instance")?.ok_or(StoreError::NotOurs { path: path.to_owned() })?;
    let instance = instance.parse().map_err(|_| corrupt("the id of the database is not readable"))?;
    session.run(sql().copy_into, args![copy.display().to_string()])?;
    session.close()?;
    Ok(instance)
}

/// Whether another program has the database at `path` open. One that cannot be opened at all is in nobody's use.
#[must_use]
pub fn is_in_use(path: &Path) -> bool {
    let Ok(lane) = Lane::new(path, Access::Alone) else { return false };
    let mut session = lane.lock();
    session.patience = Duration::ZERO;
    let taken = session.script(sql().take_alone);
    // A connection that is only dropped is closed some time later, and keeps its lock until then.
    let closed = session.close();
    match taken.and(closed) {
        Err(DbError::Port(error)) => error.kind == FaultKind::Transient,
        Ok(()) | Err(DbError::Constraint(_)) => false,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn a_database_is_in_use_while_another_connection_has_read_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("zone.db");
        std::fs::File::create_new(&path).unwrap();
        let other = Lane::new(&path, Access::Write).unwrap();
        other.lock().script("CREATE TABLE t (a INTEGER)").unwrap();
        assert!(is_in_use(&path));
        other.lock().close().unwrap();
        assert!(!is_in_use(&path));
        let nonsense = b"this is no database, and long enough that nobody takes it for one";
        std::fs::File::create(&path).unwrap().write_all(nonsense).unwrap();
        assert!(!is_in_use(&path));
    }
}
