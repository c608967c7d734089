//! The trust file: read when it changes, so that an operator's act counts without a restart.

use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use ferry_format::TrustStore;
use ferry_format::limits::TRUST_BYTES_MAX;

use crate::error::Fault;
use crate::exit::ExitCode;
use crate::files::{durable, os};
use crate::lang::{Lang, Text};
use crate::text;
use crate::verify::format_error;

/// How long new files of a key that was replaced count, in milliseconds: 30 days. Those on their way have long arrived by then, and
/// what it signed before stays verifiable.
pub const OVERLAP_MS: u64 = 30 * 86_400 * 1_000;

/// A trust file that is followed.
#[derive(Debug)]
pub struct TrustFile {
    path: PathBuf,
    current: Mutex<Current>,
}

#[derive(Debug)]
struct Current {
    trust: Arc<TrustStore>,
    stamp: Option<Stamp>,
}

/// What changes when a file is replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    inode: u64,
    bytes: u64,
    seconds: i64,
    nanoseconds: i64,
    changed: (i64, i64),
}

impl TrustFile {
    /// Reads the trust file.
    ///
    /// # Errors
    /// When it cannot be read, is no trust file, or others may write to it.
    pub fn open(path: &Path) -> Result<Self, Fault> {
        let (trust, stamp) = read_with_stamp(path)?;
        let current = Current { trust: Arc::new(trust), stamp: Some(stamp) };
        Ok(Self { path: path.to_owned(), current: Mutex::new(current) })
    }

    /// Who is trusted at the moment. When the file has changed it is read again; when it cannot be read, the last good
    /// state stays, and the log says so once.
    #[must_use]
    pub fn current(&self) -> Arc<TrustStore> {
        let stamp = os::look(&self.path).ok().map(|found| Stamp::of(&found));
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.stamp != stamp {
            match read_with_stamp(&self.path) {
                Ok((trust, stamp)) => {
                    tracing::info!(entries = trust.entries().len(), "the trust file was read again");
                    *current = Current { trust: Arc::new(trust), stamp: Some(stamp) };
                }
                Err(fault) => {
                    tracing::error!(%fault, "the trust file is not usable; the last good state stays in force");
                    current.stamp = stamp;
                }
            }
        }
        current.trust.clone()
    }
}

impl Stamp {
    pub(super) fn of(found: &Metadata) -> Self {
        Self {
            inode: found.ino(),
            bytes: found.size(),
            seconds: found.mtime(),
            nanoseconds: found.mtime_nsec(),
            changed: (found.ctime(), found.ctime_nsec()),
        }
    }
}

/// Reads a trust file.
///
/// # Errors
/// When it cannot be read, is no trust file, or others may write to it.
pub fn read_trust(path: &Path) -> Result<TrustStore, Fault> {
    read_with_stamp(path).map(|(trust, _)| trust)
}

/// Replaces a trust file durably.
///
/// # Errors
/// When it may not be durably there.
pub fn write_trust(path: &Path, trust: &TrustStore) -> Result<(), Fault> {
    let (directory, name) = (path.parent(), path.file_name().and_then(|name| name.to_str()));
    let (Some(directory), Some(name)) = (directory, name) else {
        return Err(unwritable(path, &io::Error::from(io::ErrorKind::InvalidFilename)));
    };
    durable::publish(directory, name, &trust.write()).map_err(|error| unwritable(path, &error))
}

fn read_with_stamp(path: &Path) -> Result<(TrustStore, Stamp), Fault> {
    let file = durable::open_regular(path).map_err(|error| unreadable(path, &error))?;
    let found = os::look_into(&file).map_err(|error| unreadable(path, &error))?;
    let mode = found.mode() & 0o7777;
    if mode & 0o022 != 0 {
        return Err(writable(path, mode));
    }
    let max = u64::try_from(TRUST_BYTES_MAX).unwrap_or(u64::MAX);
    let bytes = os::read_up_to(&file, max.saturating_add(1)).map_err(|error| unreadable(path, &error))?;
    let trust = TrustStore::parse(&bytes).map_err(|error| {
        let (path, cause) = (path.display(), format_error(&error));
        let (en, zh) = (cause.get(Lang::En), cause.get(Lang::Zh));
        Fault::new(
            "trust-invalid",
            ExitCode::Trust,
            text!("{path} is no trust file: {en}", "{path} 不是信任文件：{zh}"),
            Text::fixed(
                "restore it from a backup, or move it away and add the cards again with `ferry trust add`",
                "请从备份恢复，或移走该文件后用 `ferry trust add` 重新添加名片",
            ),
        )
    })?;
    Ok((trust, Stamp::of(&found)))
}

fn unreadable(path: &Path, error: &io::Error) -> Fault {
    let path = path.display();
    Fault::new(
        "trust-unreadable",
        ExitCode::Trust,
        text!("{path}: the trust file cannot be read: {error}", "{path}：无法读取信任文件：{error}"),
        Text::fixed("add the peer's card with `ferry trust add`", "请用 `ferry trust add` 添加对端名片"),
    )
}

fn unwritable(path: &Path, error: &io::Error) -> Fault {
    let path = path.display();
    Fault::new(
        "trust-unwritable",
        ExitCode::Storage,
        text!("{path}: the trust file cannot be written: {error}", "{path}：无法写入信任文件：{error}"),
        Text::fixed("look at the disk and the directory's owner", "请检查磁盘与目录属主"),
    )
}

fn writable(path: &Path, mode: u32) -> Fault {
    let path = path.display();
    Fault::new(
        "writable-by-others",
        ExitCode::Permissions,
        text!(
            "{path} has mode {mode:04o}, so others may decide who is trusted",
            "{path} 的权限为 {mode:04o}，他人可决定信任谁"
        ),
        text!("run: chmod go-w {path}", "请运行：chmod go-w {path}"),
    )
}
