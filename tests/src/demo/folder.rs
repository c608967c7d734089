//! The folder of the demo: what an earlier demo left is replaced, what anybody else left is refused.

use std::fs::{self, DirBuilder, File, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use super::failure::{Exit, Failure};
use super::lang::{Text, text};

/// The file by which the demo knows its own folder again. It is locked while a demo works there.
const MARKER: &str = ".ferry-demo";
const MARKER_TEXT: &str = "The folder of `cargo demo`; the next one replaces it.\n";

/// The folder of one run.
#[derive(Debug)]
pub struct Folder {
    root: PathBuf,
    /// Held until the run ends, so that no second demo takes the folder away.
    lock: File,
}

impl Drop for Folder {
    /// Lets the lock go at once: closing alone would keep it for as long as a child that another thread is just
    /// starting holds a copy of the descriptor.
    fn drop(&mut self) {
        // A failure leaves it to the closing that follows.
        drop(self.lock.unlock());
    }
}

impl Folder {
    /// Makes the folder, or replaces one that an earlier demo left; then says so through `tell`.
    ///
    /// # Errors
    /// When something else lies there, another demo works there, or the disk refuses.
    pub fn prepare(root: &Path, tell: impl FnOnce(&Text)) -> Result<Self, Failure> {
        if !is_free(root)? {
            remove_earlier(root)?;
            let shown = root.display();
            tell(&text!("removed what an earlier demo left in {shown}", "已删除上次演示留在 {shown} 的内容"));
        }
        let refused = |cause: io::Error| Failure::file(root, &cause);
        DirBuilder::new().recursive(true).mode(0o755).create(root).map_err(refused)?;
        let mut lock = File::create(root.join(MARKER)).map_err(refused)?;
        lock.try_lock().map_err(|_| busy(root))?;
        lock.write_all(MARKER_TEXT.as_bytes()).map_err(refused)?;
        let folder = Self { root: root.to_owned(), lock };
        folder.directory("log")?;
        Ok(folder)
    }

    /// The folder itself.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Makes a directory in it.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn directory(&self, name: &str) -> Result<PathBuf, Failure> {
        let path = self.root.join(name);
        DirBuilder::new().recursive(true).mode(0o755).create(&path).map_err(|cause| Failure::file(&path, &cause))?;
        Ok(path)
    }

    /// The file that the program of this name writes what it has to say into.
    #[must_use]
    pub fn log(&self, program: &str) -> PathBuf {
        self.root.join("log").join(format!("{program}.log"))
    }
}

/// Whether nothing lies there.
fn is_free(root: &Path) -> Result<bool, Failure> {
    match fs::read_dir(root) {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(cause) if cause.kind() == io::ErrorKind::NotADirectory => Err(foreign(root)),
        Err(cause) => Err(Failure::file(root, &cause)),
    }
}

fn remove_earlier(root: &Path) -> Result<(), Failure> {
    let marker = match File::open(root.join(MARKER)) {
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Err(foreign(root)),
        opened => opened.map_err(|cause| Failure::file(root, &cause))?,
    };
    match marker.try_lock() {
        Ok(()) => fs::remove_dir_all(root).map_err(|cause| Failure::file(root, &cause)),
        Err(TryLockError::WouldBlock) => Err(busy(root)),
        Err(TryLockError::Error(cause)) => Err(Failure::file(root, &cause)),
    }
}

fn foreign(root: &Path) -> Failure {
    let shown = root.display();
    let text = text!(
        "{shown} was not made by the demo and is left alone; name another folder with --dir",
        "{shown} 不是演示所建，予以保留；请用 --dir 指定别的目录"
    );
    Failure { text, exit: Exit::Exists }
}

fn busy(root: &Path) -> Failure {
    let shown = root.display();
    let text = text!(
        "another demo works in {shown}; wait for it, or name another folder with --dir",
        "另一个演示正在使用 {shown}；请等待其结束，或用 --dir 指定别的目录"
    );
    Failure { text, exit: Exit::Exists }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_of_the_demo_is_replaced_and_any_other_is_left_alone() {
        let place = tempfile::tempdir().expect("a temporary directory");
        let root = place.path().join("demo");
        let folder = Folder::prepare(&root, |_| panic!("there was nothing to remove")).expect("the folder is new");
        folder.directory("inner").expect("a directory can be made");
        assert_eq!(Folder::prepare(&root, |_| ()).expect_err("a demo works there").exit, Exit::Exists);
        drop(folder);
        let mut told = false;
        let folder = Folder::prepare(&root, |_| told = true).expect("the demo made it");
        assert!(told && !root.join("inner").exists());
        drop(folder);

        let other = place.path().join("other");
        fs::create_dir(&other).expect("a directory can be made");
        drop(Folder::prepare(&other, |_| ()).expect("an empty directory is free"));
        fs::remove_file(other.join(MARKER)).expect("the marker is there");
        File::create(other.join("letter")).expect("a file can be made");
        assert_eq!(Folder::prepare(&other, |_| ()).expect_err("it is not ours").exit, Exit::Exists);
        assert!(other.join("letter").exists());
    }
}
