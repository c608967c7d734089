//! `ferry backup` and `ferry restore`: a consistent copy of the zone's database with its anchor, and putting it back.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::output::Output;
use super::{Context, desk, when};
use crate::backup::{AnchorKept, Made, PutBack, make, put_back};
use crate::{Fault, Lang};

/// The arguments of `ferry backup` and `ferry restore`.
#[derive(Debug, Args)]
pub struct BackupArgs {
    /// The directory of the backup
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
}

/// Makes a backup while the daemon goes on.
///
/// # Errors
/// When the directory is there already, or something cannot be read or written.
pub fn backup(args: &BackupArgs, context: &Context) -> Result<Output, Fault> {
    let config = desk::config(context)?;
    let made = make(&config, &args.dir, context.now_ms)?;
    let Made { instance, database_bytes, has_anchor } = &made;
    let dir = args.dir.display();
    let human = match (context.lang, has_anchor) {
        (Lang::En, true) => format!("{dir}: the database, {database_bytes} bytes, and its anchor\n"),
        (Lang::En, false) => format!("{dir}: the database, {database_bytes} bytes; the zone has no anchor\n"),
        (Lang::Zh, true) => format!("{dir}：数据库（{database_bytes} 字节）及其锚点\n"),
        (Lang::Zh, false) => format!("{dir}：数据库（{database_bytes} 字节）；本区没有锚点\n"),
    };
    let instance = instance.to_string();
    let document =
        json!({ "directory": args.dir, "instance": instance, "database_bytes": database_bytes, "anchor": has_anchor });
    Ok(Output::new(human, document))
}

/// Puts the zone's database back to a backup.
///
/// # Errors
/// When the daemon or another program has the database open, or the backup is damaged or another zone's.
pub fn restore(args: &BackupArgs, context: &Context) -> Result<Output, Fault> {
    let config = desk::config(context)?;
    let done = put_back(&config, &args.dir, context.now_ms)?;
    let human = told(&done, context.lang);
    let document = json!({
        "directory": args.dir,
        "made_at_ms": done.made_at_ms,
        "replaced": done.replaced,
        "anchor": anchor_name(done.anchor),
    });
    Ok(Output::new(human, document))
}

fn told(done: &PutBack, lang: Lang) -> String {
    let made = when::local(done.made_at_ms);
    let mut text = match lang {
        Lang::En => format!("the database is the one of {made}\n"),
        Lang::Zh => format!("数据库已恢复为 {made} 的备份\n"),
    };
    if let Some(replaced) = &done.replaced {
        let replaced = replaced.display();
        text.push_str(&match lang {
            Lang::En => format!("the one that was there is {replaced} now\n"),
            Lang::Zh => format!("原有数据库现为 {replaced}\n"),
        });
    }
    text.push_str(match (done.anchor, lang) {
        (AnchorKept::Present, Lang::En) => {
            "the anchor was still there: start the daemon, and the zone takes back by itself what it had sent since\n"
        }
        (AnchorKept::Present, Lang::Zh) => "锚点仍在：启动守护进程后，本区会自动取回此后已发送的内容\n",
        (AnchorKept::OfBackup, Lang::En) => {
            "the anchor is the one of the backup: start the daemon, and when `ferry status` says beyond-anchor, `ferry take-back`\n"
        }
        (AnchorKept::OfBackup, Lang::Zh) => {
            "锚点取自备份：启动守护进程；若 `ferry status` 显示 beyond-anchor，请使用 `ferry take-back`\n"
        }
        (AnchorKept::Missing, Lang::En) => {
            "there is no anchor: start the daemon, and the zone sends nothing before it has heard from its peer\n"
        }
        (AnchorKept::Missing, Lang::Zh) => "没有锚点：启动守护进程后，本区在收到对端消息之前不会发送\n",
    });
    text
}

const fn anchor_name(anchor: AnchorKept) -> &'static str {
    match anchor {
        AnchorKept::Present => "present",
        AnchorKept::OfBackup => "of-backup",
        AnchorKept::Missing => "missing",
    }
}
