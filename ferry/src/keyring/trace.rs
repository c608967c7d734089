//! The secret under which keys of rows are digested: one file beside the zone's private keys.

use std::io;
use std::path::{Path, PathBuf};

use ferry_format::Digest;
use zeroize::Zeroizing;

use super::OsEntropy;
use crate::config::{Config, check_private};
use crate::error::Fault;
use crate::exit::ExitCode;
use crate::files::durable;
use crate::lang::Text;
use crate::store::TraceKey;
use crate::text;

/// The file of the secret.
pub const TRACE_KEY: &str = "trace.key";
/// 64 hex digits and a newline.
const SECRET_BYTES_MAX: u64 = 128;

/// Where the secret of a zone lies. The service manager hands over no copy of it: `ferry trace` needs it too.
#[must_use]
pub fn trace_key_path(config: &Config) -> PathBuf {
    config.paths.keys.join(TRACE_KEY)
}

/// Reads the secret.
///
/// # Errors
/// When it is missing, damaged, or another user could have read it.
pub fn load_trace_key(config: &Config) -> Result<TraceKey, Fault> {
    let path = trace_key_path(config);
    if is_missing(&path) {
        return Err(missing(&path));
    }
    read(&path)
}

/// Makes the secret where there is none.
///
/// # Errors
/// When there is one, or it could not be durably written.
pub fn create_trace_key(config: &Config) -> Result<TraceKey, Fault> {
    let path = trace_key_path(config);
    if !is_missing(&path) {
        return Err(exists(&path));
    }
    make(&path).map_err(|error| unwritable(&path, &error))
}

/// The secret for the daemon, which makes it where there is none. `None` where none can be made: the unit of the service
/// manager lets the daemon change nothing among the keys. Rows are then ferried all the same, and not indexed.
///
/// # Errors
/// When there is one that cannot be used.
pub fn take_trace_key(config: &Config) -> Result<Option<TraceKey>, Fault> {
    let path = trace_key_path(config);
    if !is_missing(&path) {
        return read(&path).map(Some);
    }
    match make(&path) {
        Ok(secret) => {
            tracing::warn!(path = %path.display(), "made the secret of `ferry trace`; earlier batches are not found by it");
            Ok(Some(secret))
        }
        Err(error) => {
            tracing::warn!(path = %path.display(), %error, "no secret for `ferry trace`: run `ferry keys trace`, and start again");
            Ok(None)
        }
    }
}

fn is_missing(path: &Path) -> bool {
    path.symlink_metadata().is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
}

fn read(path: &Path) -> Result<TraceKey, Fault> {
    check_private(path)?;
    let bytes = durable::read_bounded(path, SECRET_BYTES_MAX).map(Zeroizing::new);
    let bytes = bytes.map_err(|error| unusable(path, &error))?;
    let digits = std::str::from_utf8(&bytes).ok().and_then(|text| text.strip_suffix('\n'));
    let secret = digits.and_then(|digits| digits.parse::<Digest>().ok());
    let secret = secret.map(|secret| Zeroizing::new(secret.0)).ok_or_else(|| unusable(path, &"not 64 hex digits"))?;
    Ok(TraceKey::new(&secret))
}

fn make(path: &Path) -> io::Result<TraceKey> {
    let secret = Zeroizing::new(OsEntropy::new().fresh::<32>().map_err(io::Error::other)?);
    let text = Zeroizing::new(format!("{}\n", Digest(*secret)));
    if let Some(directory) = path.parent() {
        durable::create_directory(directory)?;
    }
    durable::publish_new(path, text.as_bytes(), durable::PRIVATE)?;
    Ok(TraceKey::new(&secret))
}

fn missing(path: &Path) -> Fault {
    let path = path.display();
    Fault::new(
        "trace-key-missing",
        ExitCode::Keys,
        text!(
            "{path} is not there; without this secret no row can be looked for",
            "{path} 不存在；没有该密钥便无法查找任何行"
        ),
        Text::fixed(
            "restore it from the backup of the keys; if there never was one, run `ferry keys trace` and start the daemon anew",
            "请从密钥备份恢复；如从未有过，请运行 `ferry keys trace` 并重新启动守护进程",
        ),
    )
}

fn unusable(path: &Path, error: &dyn std::fmt::Display) -> Fault {
    let path = path.display();
    Fault::new(
        "trace-key-unusable",
        ExitCode::Keys,
        text!("{path} cannot be used: {error}", "{path} 无法使用（{error}）"),
        Text::fixed(
            "restore it from the backup of the keys; without one move it away, run `ferry keys trace` and start the daemon \
             anew: earlier batches are then not found any more",
            "请从密钥备份恢复；如无备份，请移走该文件，运行 `ferry keys trace` 并重新启动守护进程：此前的批次将无法再查到",
        ),
    )
}

fn exists(path: &Path) -> Fault {
    let path = path.display();
    Fault::new(
        "keys-exist",
        ExitCode::Exists,
        text!("{path} exists already; keys are never overwritten", "{path} 已存在；密钥永不覆盖"),
        Text::fixed("nothing; it is in use", "无需操作；正在使用"),
    )
}

fn unwritable(path: &Path, error: &io::Error) -> Fault {
    let path = path.display();
    Fault::new(
        "keys-unwritable",
        ExitCode::Storage,
        text!("{path} cannot be written: {error}", "{path} 无法写入：{error}"),
        Text::fixed("look at the disk and the directory's owner", "请检查磁盘与目录属主"),
    )
}
