//! What most verbs need first: the configuration, and the books of the zone's database.

use std::path::Path;

use ferry_core::ports::{FaultKind, PortError};

use super::Context;
use crate::config::{Config, DatabaseKind};
use crate::lang::Text;
use crate::store::{Books, SqliteBooks, StoreError};
use crate::text;
use crate::{ExitCode, Fault};

/// The configuration file of a host with one zone.
pub const CONFIG_FILE: &str = "/etc/ferry/ferry.toml";

/// A zone's configuration and books.
pub struct Desk {
    /// The configuration.
    pub config: Config,
    /// The books.
    pub books: Box<dyn Books>,
}

impl Desk {
    /// Reads the configuration and opens the books.
    ///
    /// # Errors
    /// When one of them cannot be read.
    pub fn open(context: &Context) -> Result<Self, Fault> {
        let config = config(context)?;
        let books: Box<dyn Books> = match config.database.kind {
            DatabaseKind::Sqlite => {
                let opened = SqliteBooks::open(&config.database.path, &config.link);
                Box::new(opened.map_err(|error| not_opened(&error))?)
            }
        };
        Ok(Self { config, books })
    }
}

/// The configuration that was named, or the default one.
///
/// # Errors
/// When it cannot be read.
pub fn config(context: &Context) -> Result<Config, Fault> {
    Config::load(context.config.as_deref().unwrap_or(Path::new(CONFIG_FILE)))
}

/// A failed read of the books.
pub fn unread(error: PortError) -> Fault {
    let exit = match error.kind {
        FaultKind::Transient | FaultKind::Unknown | FaultKind::Conflict => ExitCode::Database,
        FaultKind::Full => ExitCode::DiskFull,
        FaultKind::Corrupt => ExitCode::Corrupt,
    };
    let next = match error.kind {
        FaultKind::Transient | FaultKind::Unknown | FaultKind::Conflict => {
            Text::fixed("try again in a moment", "请稍后重试")
        }
        FaultKind::Full => Text::fixed("make room on the disk of the database", "请在数据库所在磁盘上腾出空间"),
        FaultKind::Corrupt => Text::fixed(
            "stop the daemon and check the disk; keep the database and the spool as they are",
            "请停止守护进程并检查磁盘；保持数据库与 spool 目录原样",
        ),
    };
    let text = error.text;
    Fault::new("database-failed", exit, text!("the database did not answer: {text}", "数据库未能应答：{text}"), next)
}

fn not_opened(error: &StoreError) -> Fault {
    let exit = match error {
        StoreError::NewerSchema { .. } => ExitCode::SchemaVersion,
        StoreError::Port(error) if error.kind == FaultKind::Corrupt => ExitCode::Corrupt,
        _ => ExitCode::Database,
    };
    let message = text!("the zone's database cannot be opened: {error}", "无法打开本区数据库：{error}");
    let next = match error {
        StoreError::NewerSchema { .. } => {
            Text::fixed("install the version of ferry that the message names", "请安装消息中指出的 ferry 版本")
        }
        StoreError::Missing { .. } | StoreError::NotOurs { .. } | StoreError::UnknownLink { .. } => Text::fixed(
            "run `ferry init`, or correct database.path and link in the configuration file",
            "请运行 `ferry init`，或更正配置文件中的 database.path 与 link",
        ),
        _ => Text::fixed(
            "look whether the file is there and this user may read it",
            "请检查该文件是否存在、当前用户是否可读",
        ),
    };
    Fault::new(error.code(), exit, message, next)
}
