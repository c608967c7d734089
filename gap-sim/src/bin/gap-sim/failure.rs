//! Why `gap-sim` cannot do what it was asked, in both languages, and with which exit code.

use crate::exit::Exit;
use crate::lang::Lang;
use crate::words::{Word, say};
use gap_sim::ProfileError;
use gap_sim::exercise::{ANSWER_CHARS_MAX, Misread};
use std::io;
use std::path::PathBuf;
use thiserror::Error;

/// Why `gap-sim` cannot do what it was asked.
#[derive(Debug, Error)]
pub enum Failure {
    /// The profile is wrong.
    #[error("{0}")]
    Profile(#[from] ProfileError),
    /// The profile's file cannot be read.
    #[error("cannot read the profile {path}: {cause}; check the path, or take a built-in one (gap-sim profiles)")]
    ProfileFile {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        cause: io::Error,
    },
    /// A drop directory cannot be used.
    #[error("{option} {path}: {cause}; create the directory, or correct the path")]
    Directory {
        /// The option that names it.
        option: &'static str,
        /// The directory.
        path: PathBuf,
        /// What the operating system said.
        cause: io::Error,
    },
    /// Two options name one directory, and files would go in circles.
    #[error("{one} and {other} are the same directory, {path}; give each its own")]
    SameDirectory {
        /// One option.
        one: &'static str,
        /// The other.
        other: &'static str,
        /// The directory.
        path: PathBuf,
    },
    /// The work directory cannot be used.
    #[error("cannot use {path} for files in flight: {cause}; make it writable, or give another directory with --work")]
    Work {
        /// The directory, or the file in it.
        path: PathBuf,
        /// What the operating system said.
        cause: io::Error,
    },
    /// Another bridge holds the work directory.
    #[error("another bridge uses the work directory {path}; stop it, or give another one with --work")]
    WorkBusy {
        /// The directory.
        path: PathBuf,
    },
    /// A file of an earlier run cannot be delivered.
    #[error("cannot deliver {path}, left by an earlier run, to {to}: {cause}; mend that, or move the file away")]
    Leftover {
        /// The file.
        path: PathBuf,
        /// The drop directory.
        to: PathBuf,
        /// What the operating system said.
        cause: io::Error,
    },
    /// What an earlier run left half done in a drop directory cannot be removed.
    #[error("cannot tidy {path} after an earlier run: {cause}; let this user read and write it")]
    Sweep {
        /// The drop directory.
        path: PathBuf,
        /// What the operating system said.
        cause: io::Error,
    },
    /// The report cannot be written.
    #[error("cannot write the report {path}: {cause}; give another path with --report")]
    Report {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        cause: io::Error,
    },
    /// Signals cannot be caught.
    #[error("cannot catch SIGTERM and SIGINT: {0}; run it where signals are allowed")]
    Signals(io::Error),
    /// There is no scenario of that name.
    #[error("there is no scenario {name:?}; `gap-sim scenarios` lists those that there are")]
    Scenario {
        /// The name.
        name: String,
    },
    /// There is no exercise of that name.
    #[error("there is no exercise {name:?}; the exercises are {known}")]
    Exercise {
        /// The name.
        name: String,
        /// Those that there are.
        known: String,
    },
    /// An answer is of another kind than the question wants.
    #[error("{}", misread_text(Lang::English, *.0))]
    Answer(Misread),
    /// A file of seeds cannot be read.
    #[error("cannot read the seeds of {path}: {cause}; give a file with one seed a line")]
    Seeds {
        /// The file.
        path: PathBuf,
        /// What the operating system said, or what is wrong with a line.
        cause: io::Error,
    },
    /// The page cannot be written.
    #[error("cannot write the page {path}: {cause}; give another path with --html")]
    Page {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        cause: io::Error,
    },
    /// No seed could be drawn.
    #[error("cannot draw a seed from the operating system; give one with --seed")]
    Seed,
    /// Standard output cannot be written.
    #[error("cannot write to standard output: {0}; send it elsewhere")]
    Output(io::Error),
}

impl Failure {
    /// The exit code that tells this failure from others.
    pub const fn exit(&self) -> Exit {
        match self {
            Self::Profile(_) | Self::ProfileFile { .. } | Self::Seeds { .. } => Exit::Config,
            Self::Directory { .. } | Self::SameDirectory { .. } | Self::Work { .. } | Self::Sweep { .. } => {
                Exit::Directories
            }
            Self::WorkBusy { .. } => Exit::InUse,
            Self::Leftover { .. } | Self::Report { .. } | Self::Page { .. } | Self::Output(_) => Exit::Storage,
            Self::Scenario { .. } => Exit::NotFound,
            Self::Exercise { .. } | Self::Answer(_) => Exit::Usage,
            Self::Signals(_) | Self::Seed => Exit::Internal,
        }
    }

    /// The message in this language.
    pub fn text(&self, lang: Lang) -> String {
        match lang {
            Lang::English => self.to_string(),
            Lang::Chinese => self.chinese(),
        }
    }

    fn chinese(&self) -> String {
        match self {
            Self::Profile(cause) => profile_chinese(cause),
            Self::ProfileFile { path, cause } => {
                format!("无法读取配置 {}：{cause}；请检查路径，或使用内置配置（gap-sim profiles）", path.display())
            }
            Self::Directory { option, path, cause } => {
                format!("{option} {}：{cause}；请创建该目录，或更正路径", path.display())
            }
            Self::SameDirectory { one, other, path } => {
                format!("{one} 与 {other} 是同一目录 {}；请分别指定", path.display())
            }
            Self::Work { path, cause } => {
                format!("无法用 {} 存放在途文件：{cause}；请使其可写，或用 --work 另行指定", path.display())
            }
            Self::WorkBusy { path } => {
                format!("另一个 bridge 正在使用工作目录 {}；请先停止它，或用 --work 另行指定", path.display())
            }
            Self::Leftover { path, to, cause } => {
                format!(
                    "无法把上次运行遗留的 {} 送到 {}：{cause}；请排除故障，或移走该文件",
                    path.display(),
                    to.display()
                )
            }
            Self::Sweep { path, cause } => {
                format!("无法清理上次运行在 {} 的遗留：{cause}；请允许本用户读写该目录", path.display())
            }
            Self::Report { path, cause } => {
                format!("无法写入报告 {}：{cause}；请用 --report 另行指定", path.display())
            }
            Self::Signals(cause) => format!("无法接收 SIGTERM 和 SIGINT：{cause}；请在允许信号的环境中运行"),
            Self::Scenario { name } => format!("没有场景 {name:?}；可用的见 `gap-sim scenarios`"),
            Self::Exercise { name, known } => format!("没有练习 {name:?}；可用的练习有 {known}"),
            Self::Answer(misread) => misread_text(Lang::Chinese, *misread),
            Self::Seeds { path, cause } => {
                format!("无法读取种子文件 {}：{cause}；请提供每行一个种子的文件", path.display())
            }
            Self::Page { path, cause } => {
                format!("无法写入网页 {}：{cause}；请用 --html 另行指定", path.display())
            }
            Self::Seed => "无法从操作系统取得随机种子；请用 --seed 指定".to_owned(),
            Self::Output(cause) => format!("无法写入标准输出：{cause}；请重定向到别处"),
        }
    }
}

fn misread_text(lang: Lang, misread: Misread) -> String {
    match misread {
        Misread::Empty => say(lang, Word::AnswerEmpty, &[]),
        Misread::TooLong => say(lang, Word::AnswerTooLong, &[&ANSWER_CHARS_MAX]),
        Misread::NoNumber => say(lang, Word::AnswerNoNumber, &[]),
        Misread::OtherUnit => say(lang, Word::AnswerOtherUnit, &[]),
        Misread::NoLetter(last) => say(lang, Word::AnswerNoLetter, &[&last]),
    }
}

fn profile_chinese(cause: &ProfileError) -> String {
    match cause {
        ProfileError::Unknown { name, known } => {
            format!("没有配置 {name:?}；可用的有 {known}，也可给出 .toml 文件路径")
        }
        ProfileError::Syntax { file, line, column, message } => {
            format!("{file} 第 {line} 行第 {column} 列：{message}；请更正该行（字段见 docs/gate-profiles.md）")
        }
        ProfileError::Range { file, line, field, value, allowed } => {
            format!("{file} 第 {line} 行：{field} 的值 {value} 超出范围（{allowed}）；请更正该行")
        }
    }
}
