//! Failures of the store as people and scripts see them.

use ferry_core::ports::FaultKind;

use super::{Registered, StoreError};
use crate::error::Fault;
use crate::exit::ExitCode;
use crate::lang::Text;
use crate::text;

/// How a command ends, the Chinese words for what is wrong, and what to do next.
type Judgement = (ExitCode, &'static str, Text);

const NEEDS_LOAD: Judgement = (
    ExitCode::Capture,
    "表中已有未捕获的数据",
    Text::fixed(
        "where nothing was written while the triggers did not stand, say so with `ferry capture install --unchanged TABLE`; \
         otherwise say it too, and have every row of the stream sent with `ferry load STREAM`",
        "若触发器缺失期间确无写入，请用 `ferry capture install --unchanged 表名` 声明；否则同样声明，\
         随后用 `ferry load 数据流` 将该流的所有行重新发送",
    ),
);

const CAPTURE_CHANGED: Judgement = (
    ExitCode::Capture,
    "捕获与安装时不符",
    Text::fixed(
        "find out who changed the schema and whether rows were written since; then `ferry capture install`",
        "请查明谁改动了表结构、其后是否有写入；然后运行 `ferry capture install`",
    ),
);

/// What a database that was not made, opened or prepared means for a command.
#[must_use]
pub fn fault(error: &StoreError) -> Fault {
    let (exit, zh, next): Judgement = match error {
        StoreError::Exists { .. } => (
            ExitCode::Exists,
            "数据库已存在",
            Text::fixed("name another file, or move that one away", "请指定其他文件，或移走该文件"),
        ),
        StoreError::Missing { .. } => (
            ExitCode::Database,
            "数据库不存在",
            Text::fixed(
                "correct database.path; what was lost comes back with `ferry restore`, or without a backup is made anew by `ferry init --database-only`",
                "请修正 database.path；已丢失的数据库可用 `ferry restore` 恢复；没有备份时用 `ferry init --database-only` 重建",
            ),
        ),
        StoreError::File { .. } => (
            ExitCode::Storage,
            "无法创建数据库文件",
            Text::fixed("look at the disk and the directory's owner", "请检查磁盘与目录属主"),
        ),
        StoreError::NotOurs { .. } => (
            ExitCode::Database,
            "不是 ferry 的数据库",
            Text::fixed(
                "correct database.path, or make a zone with `ferry init`",
                "请修正 database.path，或用 `ferry init` 建区",
            ),
        ),
        StoreError::NewerSchema { .. } => (
            ExitCode::SchemaVersion,
            "数据库结构版本更新",
            Text::fixed("install the version of ferry that the message names", "请安装消息中指出的 ferry 版本"),
        ),
        StoreError::UnknownLink { .. } | StoreError::UnknownZone { .. } | StoreError::NoEpoch { .. } => (
            ExitCode::Config,
            "链路或区不符",
            Text::fixed("correct zone, peer and link in the configuration", "请修正配置中的 zone、peer 与 link"),
        ),
        StoreError::Schema(_) => (
            ExitCode::Contract,
            "表结构未被接受",
            Text::fixed("correct the schema file of the contract", "请修正契约的表结构文件"),
        ),
        StoreError::Tables(_) => (
            ExitCode::Capture,
            "有表无法摆渡",
            Text::fixed("correct these tables, or leave them out of the contract", "请修正这些表，或将其移出契约"),
        ),
        StoreError::NeedsLoad(_) => NEEDS_LOAD,
        StoreError::Capture(_) => CAPTURE_CHANGED,
        StoreError::NotOwned { .. } => (
            ExitCode::Usage,
            "不是本区拥有的表",
            Text::fixed(
                "name a table that `ferry capture show` lists as own",
                "请指定 `ferry capture show` 所列的本区表",
            ),
        ),
        StoreError::Port(error) => (exit_of(error.kind), "数据库故障", next_of(error.kind)),
    };
    Fault::new(error.code(), exit, text!("{error}", "{zh}：{error}"), next)
}

/// What it means that the triggers of own streams stand for another contract; `None` when they do not.
#[must_use]
pub fn stale(registered: &Registered) -> Option<Fault> {
    if registered.stale.is_empty() {
        return None;
    }
    let streams: Vec<String> = registered.stale.iter().map(ToString::to_string).collect();
    let streams = streams.join(", ");
    Some(Fault::new(
        "capture-stale",
        ExitCode::Capture,
        text!(
            "the capture triggers of these streams stand for another contract: {streams}",
            "以下数据流的捕获触发器对应另一版契约：{streams}"
        ),
        Text::fixed(
            "put back the contract that the zone was made with, or make the zone anew with `ferry init`",
            "请恢复建区时所用的契约，或用 `ferry init` 重新建区",
        ),
    ))
}

fn exit_of(kind: FaultKind) -> ExitCode {
    match kind {
        FaultKind::Full => ExitCode::DiskFull,
        FaultKind::Corrupt => ExitCode::Corrupt,
        FaultKind::Transient | FaultKind::Unknown | FaultKind::Conflict => ExitCode::Database,
    }
}

fn next_of(kind: FaultKind) -> Text {
    match kind {
        FaultKind::Full => Text::fixed("make room on the disk of the database", "请在数据库所在磁盘上腾出空间"),
        FaultKind::Corrupt => Text::fixed(
            "stop the daemon and check the disk; keep the database and the spool as they are",
            "请停止守护进程并检查磁盘；保持数据库与 spool 目录原样",
        ),
        FaultKind::Transient | FaultKind::Unknown | FaultKind::Conflict => {
            Text::fixed("try again in a moment", "请稍后重试")
        }
    }
}
