//! The files to verify, in a fixed order, kept in few bytes.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use super::finding::{Finding, FindingCode, Place};
use crate::files::durable::is_temporary;
use crate::text;
use crate::{ExitCode, Fault};

/// Names of files, without one allocation each.
#[derive(Debug, Default)]
pub struct Files {
    directories: Vec<PathBuf>,
    names: Vec<u8>,
    entries: Vec<Entry>,
    /// Directories that could not be read.
    pub unreadable: Vec<Finding>,
    /// Links to directories, devices, sockets: not followed, not read.
    pub special: u64,
}

#[derive(Debug)]
struct Entry {
    directory: u32,
    name_bytes: u32,
    name_at: u64,
}

impl Files {
    /// How many files there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// The path of one file.
    pub fn path(&self, index: usize) -> PathBuf {
        let entry = &self.entries[index];
        let at = usize::try_from(entry.name_at).expect("the names lie in memory");
        let length = usize::try_from(entry.name_bytes).expect("the name lies in memory");
        let directory = usize::try_from(entry.directory).expect("the directories lie in memory");
        self.directories[directory].join(OsStr::from_bytes(&self.names[at..at + length]))
    }

    /// The path of one file, to be shown.
    pub fn shown(&self, index: u32) -> String {
        let index = usize::try_from(index).expect("the file lies in memory");
        shown(&self.path(index))
    }

    fn enter(&mut self, directory: PathBuf) -> u32 {
        self.directories.push(directory);
        u32::try_from(self.directories.len() - 1).expect("fewer than 2^32 directories")
    }

    fn add(&mut self, directory: u32, name: &OsStr) {
        let name = name.as_bytes();
        self.entries.push(Entry {
            directory,
            name_bytes: u32::try_from(name.len()).expect("a name is short"),
            name_at: self.names.len() as u64,
        });
        self.names.extend_from_slice(name);
    }
}

/// Lists every file at or below `paths`, in the order of the paths, and below each in the order of names.
///
/// # Errors
/// When one of the paths does not exist or is neither a file nor a directory.
pub fn list(paths: &[PathBuf]) -> Result<Files, Fault> {
    let mut files = Files::default();
    for path in paths {
        let metadata = fs::metadata(path).map_err(|error| no_such_path(path, &error))?;
        if metadata.is_dir() {
            descend(&mut files, path);
        } else if metadata.is_file() {
            let parent = files.enter(path.parent().unwrap_or(Path::new("")).to_owned());
            files.add(parent, path.file_name().unwrap_or(path.as_os_str()));
        } else {
            files.special += 1;
        }
    }
    Ok(files)
}

/// Goes down without recursion, so that a deep tree cannot exhaust the stack.
fn descend(files: &mut Files, root: &Path) {
    let mut waiting = vec![root.to_owned()];
    while let Some(directory) = waiting.pop() {
        let names = match names_in(&directory) {
            Ok(names) => names,
            Err(error) => {
                files.unreadable.push(unreadable(&directory, &error));
                continue;
            }
        };
        let index = files.enter(directory.clone());
        let mut below = Vec::new();
        for name in names {
            // A running daemon writes a file under such a name and moves it; until then it proves nothing.
            if name.to_str().is_some_and(is_temporary) {
                files.special += 1;
                continue;
            }
            let path = directory.join(&name);
            match fs::symlink_metadata(&path).map(|metadata| metadata.file_type()) {
                Ok(kind) if kind.is_dir() => below.push(path),
                Ok(kind) if kind.is_file() => files.add(index, &name),
                Ok(kind) if kind.is_symlink() && path.is_file() => files.add(index, &name),
                Ok(_) => files.special += 1,
                Err(error) => files.unreadable.push(unreadable(&path, &error)),
            }
        }
        waiting.extend(below.into_iter().rev());
    }
}

fn names_in(directory: &Path) -> io::Result<Vec<OsString>> {
    let mut names = fs::read_dir(directory)?
        .map(|entry| entry.map(|entry| entry.file_name()))
        .collect::<io::Result<Vec<OsString>>>()?;
    names.sort();
    Ok(names)
}

/// A path to be shown. Whoever named the file must not steer the terminal.
pub fn shown(path: &Path) -> String {
    path.to_string_lossy().chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// The finding about a path that could not be read.
pub fn unreadable(path: &Path, error: &io::Error) -> Finding {
    let message = text!("it could not be read: {error}", "无法读取：{error}");
    Finding::new(FindingCode::Unreadable, Some(shown(path)), Place::default(), message)
}

fn no_such_path(path: &Path, error: &io::Error) -> Fault {
    let shown = shown(path);
    Fault::new(
        "no-such-path",
        ExitCode::NotFound,
        text!("{shown} cannot be read: {error}", "无法读取 {shown}：{error}"),
        text!("name files or directories that exist", "请指定存在的文件或目录"),
    )
}
