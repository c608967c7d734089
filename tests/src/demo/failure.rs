//! Why the demo ended before both sides agreed, and with which exit code.

use std::fmt::Display;
use std::io;
use std::path::Path;
use std::process::ExitCode;

use super::lang::{Text, text};

/// How the demo ends; the numbers mean what they mean in `docs/exit-codes.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Both sides are equal.
    Ok = 0,
    /// A failure, or no progress.
    Failed = 1,
    /// The command line is wrong.
    Usage = 2,
    /// The folder holds something that the demo did not make.
    Exists = 25,
    /// The sides differ.
    Different = 28,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why the demo ended before both sides agreed.
#[derive(Debug)]
pub struct Failure {
    /// What happened and what to do next.
    pub text: Text,
    /// The exit code.
    pub exit: Exit,
}

impl Failure {
    /// A failure without an exit code of its own.
    #[must_use]
    pub const fn new(text: Text) -> Self {
        Self { text, exit: Exit::Failed }
    }

    /// A file or directory that the operating system refused.
    pub fn file(path: &Path, cause: &io::Error) -> Self {
        let path = path.display();
        Self::new(text!(
            "{path}: {cause}; look at the disk and who owns the folder, or name another with --dir",
            "{path}：{cause}；请检查磁盘与目录属主，或用 --dir 另行指定"
        ))
    }

    /// A zone's database that did not do what it was asked.
    pub fn database(path: &Path, cause: &dyn Display) -> Self {
        let path = path.display();
        Self::new(text!(
            "{path}: the database says: {cause}; the logs beside the zones may tell more",
            "{path}：数据库报告：{cause}；各区旁边的日志可能有更多信息"
        ))
    }

    /// The person at the keyboard asked to stop.
    #[must_use]
    pub fn stopped() -> Self {
        Self::new(text!("stopped before both sides agreed", "在两侧一致之前被停止"))
    }
}
