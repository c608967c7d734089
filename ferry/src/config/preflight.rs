//! What is checked on the machine before a zone's files are touched: directories, file systems, owners and modes.

use std::fs::{File, Metadata, TryLockError};
use std::io::{self, Read as _, Seek as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, AtFlags, CWD, Mode, OFlags};

use super::Config;
use crate::error::Fault;
use crate::exit::ExitCode;
use crate::files::os;
use crate::lang::Text;
use crate::text;

/// Checks everything that a zone's daemon relies on. `credentials` is the directory that the service manager put the
/// keys into, when it did.
///
/// # Errors
/// The first thing that is not as it must be.
pub fn preflight(config: &Config, credentials: Option<&Path>) -> Result<(), Fault> {
    check_layout(config)?;
    check_directories(config)?;
    check_keys(config, credentials)
}

/// Checks that no directory lies where the gate, or another part of the zone, would take its files for its own.
///
/// # Errors
/// When two of them are the same, or one lies inside another.
pub fn check_layout(config: &Config) -> Result<(), Fault> {
    let directories: Vec<(&str, PathBuf)> =
        directories(config).into_iter().map(|(name, path)| (name, resolved(path))).collect();
    for (name, path) in &directories {
        for (other, outer) in directories.iter().filter(|(other, _)| other != name) {
            if path.starts_with(outer) {
                return Err(inside(name, path, other));
            }
        }
    }
    let files = [
        ("the configuration", &config.file),
        ("database.path", &config.database.path),
        ("contract.path", &config.contract),
        ("paths.trust", &config.paths.trust),
        ("paths.anchor", &config.paths.anchor),
    ];
    for (name, file) in files {
        let file = resolved(file);
        if let Some((other, _)) = directories.iter().find(|(_, directory)| file.starts_with(directory)) {
            return Err(inside(name, &file, other));
        }
    }
    Ok(())
}

/// Checks that the directories are there and writable, that files can be moved from the temporary directory into the
/// drop directory, and that nobody else may write where the zone keeps its files.
///
/// # Errors
/// The first thing that is not as it must be.
pub fn check_directories(config: &Config) -> Result<(), Fault> {
    let own = directories(config).into_iter().filter(|(name, _)| *name != "paths.keys");
    for (name, path) in own {
        writable_directory(name, path)?;
    }
    for (name, file) in [("paths.anchor", &config.paths.anchor), ("database.path", &config.database.path)] {
        writable_directory(name, file.parent().unwrap_or_else(|| Path::new("/")))?;
    }
    let (temporary, to_gate) = (&config.gate.temporary, &config.gate.to_gate);
    if !is_renamable(temporary, to_gate) {
        return Err(other_filesystem(temporary, to_gate));
    }
    for (name, path) in [
        ("paths.spool", &config.paths.spool),
        ("paths.archive", &config.paths.archive),
        ("paths.quarantine", &config.paths.quarantine),
    ] {
        not_writable_by(name, path, 0o022)?;
    }
    not_writable_by("the configuration", &config.file, 0o002)?;
    if config.paths.trust.exists() {
        not_writable_by("paths.trust", &config.paths.trust, 0o022)?;
    }
    Ok(())
}

/// Checks that only this user can reach the private keys. Keys that the service manager hands over are in its care.
///
/// # Errors
/// When the directory or a file in it has another owner, or another may read it.
pub fn check_keys(config: &Config, credentials: Option<&Path>) -> Result<(), Fault> {
    if credentials.is_some() {
        return Ok(());
    }
    let directory = &config.paths.keys;
    let found = std::fs::symlink_metadata(directory).map_err(|error| no_keys(directory, &error))?;
    if !found.is_dir() {
        return Err(no_keys(directory, &io::Error::from(io::ErrorKind::NotADirectory)));
    }
    private(directory, &found, 0o700)?;
    for entry in std::fs::read_dir(directory).map_err(|error| no_keys(directory, &error))? {
        let path = entry.map_err(|error| no_keys(directory, &error))?.path();
        if path.extension().is_some_and(|extension| extension == "pem" || extension == "key") {
            let found = std::fs::symlink_metadata(&path).map_err(|error| no_keys(&path, &error))?;
            private(&path, &found, 0o600)?;
        }
    }
    Ok(())
}

/// Checks that nobody else may read a private key's file.
///
/// # Errors
/// When it is missing, or another user could read it.
pub fn check_private(path: &Path) -> Result<(), Fault> {
    let found = std::fs::symlink_metadata(path).map_err(|error| no_keys(path, &error))?;
    private(path, &found, 0o600)
}

/// The exclusive right to work on a zone's files, held until it is dropped.
#[derive(Debug)]
pub struct ZoneLock {
    file: File,
}

impl Drop for ZoneLock {
    /// Lets the lock go at once: closing alone would keep it for as long as a child that another thread is just
    /// starting holds a copy of the descriptor.
    fn drop(&mut self) {
        // A failure leaves it to the closing that follows.
        drop(self.file.unlock());
    }
}

impl ZoneLock {
    /// Takes the lock.
    ///
    /// # Errors
    /// When another process holds it; the message tells which.
    pub fn take(config: &Config) -> Result<Self, Fault> {
        let path = config.paths.spool.join("lock");
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let opened = os::open(&path, flags, Mode::RUSR | Mode::WUSR);
        let mut file = opened.map_err(|error| unlockable(&path, &error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(in_use(&path, &mut file)),
            Err(TryLockError::Error(error)) => return Err(unlockable(&path, &error)),
        }
        let note = format!("{}\n", std::process::id());
        let noted = file.set_len(0).and_then(|()| file.rewind()).and_then(|()| os::write(&mut file, note.as_bytes()));
        noted.map_err(|error| unlockable(&path, &error))?;
        Ok(Self { file })
    }
}

/// The directories of a zone with the names of their fields.
fn directories(config: &Config) -> [(&'static str, &Path); 7] {
    [
        ("gate.to_gate", &config.gate.to_gate),
        ("gate.from_gate", &config.gate.from_gate),
        ("gate.temporary", &config.gate.temporary),
        ("paths.spool", &config.paths.spool),
        ("paths.archive", &config.paths.archive),
        ("paths.quarantine", &config.paths.quarantine),
        ("paths.keys", &config.paths.keys),
    ]
}

/// The path without links and dots, as far as it exists.
fn resolved(path: &Path) -> PathBuf {
    if let Ok(path) = path.canonicalize() {
        return path;
    }
    match (path.parent(), path.file_name()) {
        (Some(parent), Some(name)) => resolved(parent).join(name),
        (Some(_) | None, _) => path.to_owned(),
    }
}

fn writable_directory(name: &str, path: &Path) -> Result<(), Fault> {
    if !metadata(path)?.is_dir() {
        return Err(directory_fault(name, path, &io::Error::from(io::ErrorKind::NotADirectory)));
    }
    let wanted = Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK;
    rustix::fs::accessat(CWD, path, wanted, AtFlags::EACCESS)
        .map_err(|error| directory_fault(name, path, &error.into()))
}

fn metadata(path: &Path) -> Result<Metadata, Fault> {
    std::fs::metadata(path).map_err(|error| directory_fault("a directory", path, &error))
}

/// Whether files can be renamed from one directory into another: asks for a file that is not there, because the system
/// looks at the mounts before it looks for the file. Two mounts of one file system are as far apart as two file systems.
fn is_renamable(from: &Path, to: &Path) -> bool {
    const NO_FILE: &str = "tmp-none";
    rustix::fs::rename(from.join(NO_FILE), to.join(NO_FILE)) != Err(rustix::io::Errno::XDEV)
}

fn not_writable_by(name: &str, path: &Path, bits: u32) -> Result<(), Fault> {
    let mode = metadata(path)?.mode() & 0o7777;
    if mode & bits == 0 {
        return Ok(());
    }
    let path = path.display();
    Err(Fault::new(
        "writable-by-others",
        ExitCode::Permissions,
        text!(
            "{path} ({name}) has mode {mode:04o}, so others may write to it",
            "{path}（{name}）的权限为 {mode:04o}，他人可写"
        ),
        text!("run: chmod go-w {path}", "请运行：chmod go-w {path}"),
    ))
}

fn private(path: &Path, found: &Metadata, wanted: u32) -> Result<(), Fault> {
    let (mode, owner, user) = (found.mode() & 0o7777, found.uid(), rustix::process::geteuid().as_raw());
    let path = path.display();
    if owner != user {
        return Err(Fault::new(
            "key-owner",
            ExitCode::Permissions,
            text!(
                "{path} belongs to user {owner}, but this program runs as user {user}",
                "{path} 属于用户 {owner}，而本程序以用户 {user} 运行"
            ),
            text!("run: chown {user} {path}", "请运行：chown {user} {path}"),
        ));
    }
    if found.is_symlink() || mode != wanted {
        return Err(Fault::new(
            "key-mode",
            ExitCode::Permissions,
            text!(
                "{path} has mode {mode:04o}; private keys are used only with mode {wanted:04o}",
                "{path} 的权限为 {mode:04o}；私钥只在权限为 {wanted:04o} 时使用"
            ),
            text!("run: chmod {wanted:04o} {path}", "请运行：chmod {wanted:04o} {path}"),
        ));
    }
    Ok(())
}

fn directory_fault(name: &str, path: &Path, error: &io::Error) -> Fault {
    let path = path.display();
    Fault::new(
        "directory-unusable",
        ExitCode::Directories,
        text!("{path} ({name}) cannot be used: {error}", "{path}（{name}）无法使用：{error}"),
        Text::fixed(
            "make the directory and give it to the user that runs ferry, or correct the configuration",
            "请创建该目录并交给运行 ferry 的用户，或修正配置",
        ),
    )
}

fn inside(name: &str, path: &Path, other: &str) -> Fault {
    let path = path.display();
    Fault::new(
        "directory-inside-another",
        ExitCode::Directories,
        text!(
            "{path} ({name}) is, or lies inside, the directory of {other}",
            "{path}（{name}）与 {other} 的目录相同或位于其中"
        ),
        Text::fixed("give each of them a directory of its own", "请为它们各自指定独立的目录"),
    )
}

fn other_filesystem(temporary: &Path, to_gate: &Path) -> Fault {
    let (temporary, to_gate) = (temporary.display(), to_gate.display());
    Fault::new(
        "other-filesystem",
        ExitCode::Filesystem,
        text!(
            "{temporary} and {to_gate} lie on different file systems or mounts, so no file can be renamed into place",
            "{temporary} 与 {to_gate} 不在同一文件系统或同一挂载点，无法用改名方式让文件一次性出现"
        ),
        Text::fixed(
            "set gate.temporary to a directory beside gate.to_gate; a service needs one path above both in ReadWritePaths=",
            "请把 gate.temporary 设为 gate.to_gate 旁边的目录；以服务运行时，ReadWritePaths= 须写两者共同的上级目录",
        ),
    )
}

fn no_keys(path: &Path, error: &io::Error) -> Fault {
    let path = path.display();
    Fault::new(
        "keys-missing",
        ExitCode::Keys,
        text!("{path}: the keys cannot be read: {error}", "{path}：无法读取密钥：{error}"),
        Text::fixed("make the zone's keys with `ferry keys init`", "请用 `ferry keys init` 生成本区密钥"),
    )
}

fn unlockable(path: &Path, error: &io::Error) -> Fault {
    let path = path.display();
    Fault::new(
        "lock-unusable",
        ExitCode::Directories,
        text!("{path}: the lock cannot be taken: {error}", "{path}：无法取得锁：{error}"),
        Text::fixed("give the spool directory to the user that runs ferry", "请把 spool 目录交给运行 ferry 的用户"),
    )
}

fn in_use(path: &Path, file: &mut File) -> Fault {
    let mut noted = String::new();
    let holder = match file.take(32).read_to_string(&mut noted) {
        Ok(_) if noted.trim().bytes().all(|byte| byte.is_ascii_digit()) && !noted.trim().is_empty() => noted.trim(),
        Ok(_) | Err(_) => "?",
    };
    let path = path.display();
    Fault::new(
        "zone-in-use",
        ExitCode::InUse,
        text!(
            "another process (pid {holder}) works on this zone: it holds {path}",
            "另一个进程（pid {holder}）正在使用本区：它持有 {path}"
        ),
        Text::fixed("stop that process first", "请先停止该进程"),
    )
}
