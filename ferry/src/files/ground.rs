//! The directories that a zone was given, and whether they are still there: an empty mount point looks like an empty directory.

use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::StatxAttributes;

use super::os;

/// A directory that the zone was given, as it was at the start.
#[derive(Debug)]
pub struct Ground {
    path: PathBuf,
    /// Whether something was mounted at this very place.
    was_mounted: bool,
}

impl Ground {
    /// Looks at a directory. One that is not there, or of which the system cannot tell, counts as not mounted.
    #[must_use]
    pub fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), was_mounted: is_mounted(path).unwrap_or(false) }
    }

    /// The directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Fails unless the directory is there, and is a mount if it was one.
    ///
    /// # Errors
    /// `NotFound` when it is not there or nothing is mounted there any more; otherwise those of the system.
    pub fn check(&self) -> io::Result<()> {
        if !self.was_mounted {
            return if os::look(&self.path)?.is_dir() { Ok(()) } else { Err(io::ErrorKind::NotADirectory.into()) };
        }
        if is_mounted(&self.path)? {
            return Ok(());
        }
        let text = format!("nothing is mounted at {} any more; mount it again", self.path.display());
        Err(io::Error::new(io::ErrorKind::NotFound, text))
    }
}

/// Whether a path is the root of a mount. A bind mount is one too, although its device is its parent's.
fn is_mounted(path: &Path) -> io::Result<bool> {
    Ok(os::look_closely(path)?.stx_attributes.contains(StatxAttributes::MOUNT_ROOT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_that_has_gone_is_told_and_one_that_is_there_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("here");
        std::fs::create_dir(&place).unwrap();
        let ground = Ground::new(&place);
        ground.check().unwrap();
        std::fs::remove_dir(&place).unwrap();
        assert_eq!(ground.check().unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn a_mount_is_told_from_a_directory() {
        assert!(is_mounted(Path::new("/proc")).unwrap());
        assert!(!is_mounted(tempfile::tempdir().unwrap().path()).unwrap());
        let gone = Ground { path: tempfile::tempdir().unwrap().path().to_owned(), was_mounted: true };
        assert_eq!(gone.check().unwrap_err().kind(), io::ErrorKind::NotFound);
        let other = tempfile::tempdir().unwrap();
        let unmounted = Ground { path: other.path().to_owned(), was_mounted: true };
        assert!(unmounted.check().unwrap_err().to_string().contains("mount it again"));
    }
}
