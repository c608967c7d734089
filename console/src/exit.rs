//! The published table of exit codes. A number never changes its meaning; `docs/exit-codes.md` shows the same table.

use crate::lang::Text;

macro_rules! exit_codes {
    ($($(#[$doc:meta])* $variant:ident = $number:literal, $name:literal, $en:literal, $zh:literal;)*) => {
        /// How a program of Ferry ends.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum ExitCode {
            $(#[doc = $en] $variant,)*
        }

        impl ExitCode {
            /// All codes, in order of their numbers.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The number that the process ends with.
            #[must_use]
            pub const fn number(self) -> u8 {
                match self {
                    $(Self::$variant => $number,)*
                }
            }

            /// The name, in kebab case, as scripts and documents quote it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// What it means.
            #[must_use]
            pub const fn meaning(self) -> Text {
                match self {
                    $(Self::$variant => Text::fixed($en, $zh),)*
                }
            }
        }
    };
}

exit_codes! {
    Ok = 0, "ok", "Done.", "已完成。";
    Internal = 1, "internal", "A failure that has no code of its own; a bug if it comes again.", "没有专属代码的故障；如再次出现即为程序缺陷。";
    Usage = 2, "usage", "The command line is wrong.", "命令行有误。";
    Config = 10, "config", "The configuration file is missing or wrong.", "配置文件缺失或有误。";
    Contract = 11, "contract", "The contract is missing or wrong.", "交换契约缺失或有误。";
    Keys = 12, "keys", "The zone's keys are missing or cannot be used.", "本区密钥缺失或无法使用。";
    Trust = 13, "trust", "The trust file is missing or wrong, or the peer is not in it.", "信任文件缺失或有误，或其中没有对端。";
    Permissions = 14, "permissions", "A file or directory has the wrong owner or mode.", "文件或目录的属主或权限不正确。";
    Directories = 15, "directories", "A directory is missing, not writable, or inside another that it must not be in.", "目录缺失、不可写，或位于不该位于的目录之内。";
    Filesystem = 16, "filesystem", "The temporary and the drop directory lie on different file systems.", "临时目录与投递目录不在同一文件系统。";
    Database = 17, "database", "The database cannot be reached or used.", "数据库无法连接或使用。";
    SchemaVersion = 18, "schema-version", "The database has a schema version that this program cannot use.", "数据库结构版本与本程序不符。";
    InUse = 19, "in-use", "Another process works on this zone.", "另一个进程正在使用本区。";
    VerifyFaults = 20, "verify-faults", "The verification found faults.", "核验发现问题。";
    NotFound = 21, "not-found", "What was asked for is not there.", "所查找的对象不存在。";
    NotConfirmed = 22, "not-confirmed", "The operator did not confirm, or a fingerprint differs.", "操作员未确认，或指纹不一致。";
    DiskFull = 23, "disk-full", "There is no room on the disk.", "磁盘空间不足。";
    Locked = 24, "locked", "The zone is locked against sending until it has been returned or released.", "本区已锁定发送，须先恢复或解除。";
    Exists = 25, "exists", "Something is there already and is not overwritten.", "目标已存在，不予覆盖。";
    Refused = 26, "refused", "The present state does not allow this act.", "当前状态不允许此操作。";
    Attention = 27, "attention", "Something waits for an operator.", "有事项等待操作员处理。";
    Different = 28, "different", "The comparison found differences.", "比对发现差异。";
    TimedOut = 29, "timed-out", "What was waited for did not happen in time.", "等待超时。";
    Capture = 30, "capture", "Capture is not installed, or the schema lets writes escape it.", "未安装变更捕获，或表结构会使写入绕过捕获。";
    Input = 31, "input", "A file that was named is not what it should be.", "指定的文件不符合要求。";
    Storage = 32, "storage", "A file could not be read or written.", "文件读写失败。";
    Corrupt = 33, "corrupt", "What lies on the disk is not what was put there.", "磁盘上的内容与写入时不一致。";
    WorldCrashed = 40, "world-crashed", "A simulated world crashed.", "模拟世界崩溃。";
    WorldBroken = 41, "world-broken", "A simulated world broke an invariant.", "模拟世界违反了不变量。";
    WorldStuck = 42, "world-stuck", "A simulated world did not converge in time.", "模拟世界未在限期内收敛。";
    WorldUndecided = 43, "world-undecided", "A simulated world was not judged, which is no pass.", "模拟世界未能判定，不算通过。";
    WrongAnswer = 44, "wrong-answer", "The answer to an exercise is wrong.", "练习的答案不正确。";
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(code.number())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::lang::Lang;

    #[test]
    fn numbers_and_names_are_unique_and_ascend() {
        let numbers: Vec<u8> = ExitCode::ALL.iter().map(|code| code.number()).collect();
        assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
        let names: BTreeSet<&str> = ExitCode::ALL.iter().map(|code| code.name()).collect();
        assert_eq!(names.len(), numbers.len());
    }

    #[test]
    fn the_document_shows_the_table_row_by_row() {
        let page = include_str!("../../docs/exit-codes.md");
        let told: Vec<&str> = page.lines().filter(|line| line.starts_with("| ") && line.contains(" | `")).collect();
        let meant: Vec<String> = ExitCode::ALL.iter().map(|code| row(*code)).collect();
        assert_eq!(told, meant);
    }

    fn row(code: ExitCode) -> String {
        let meaning = code.meaning();
        let (en, zh) = (meaning.get(Lang::En), meaning.get(Lang::Zh));
        format!("| {} | `{}` | {en} | {zh} |", code.number(), code.name())
    }
}
