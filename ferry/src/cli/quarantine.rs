//! `ferry quarantine`: the files that were refused, and why.

use clap::{Args, Subcommand};
use ferry_core::ports::Direction;
use ferry_format::{ActRange, Deed, StreamName};
use serde_json::{Value, json};

use super::Context;
use super::acting::{ActArgs, act, turned_away};
use super::advice::advice;
use super::desk::{self, Desk, unread};
use super::output::Output;
use super::statement::{header_json, header_text};
use super::tables::Table;
use super::{place, show, when};
use crate::files::{Kept, QuarantineDirectories};
use crate::lang::Text;
use crate::{ExitCode, Fault, Lang, text, verify};

/// The arguments of `ferry quarantine`.
#[derive(Debug, Args)]
pub struct QuarantineArgs {
    /// What to do.
    #[command(subcommand)]
    pub verb: QuarantineVerb,
}

/// What can be done with the quarantine.
#[derive(Debug, Subcommand)]
pub enum QuarantineVerb {
    /// List the files that were refused, the latest first
    List,
    /// Show why a file was refused, and what its header claims
    Show {
        /// A name from the list
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// Judge a refused group again, after its cause was mended
    Retry {
        /// A stream that the peer sends
        #[arg(value_name = "STREAM")]
        stream: StreamName,
        /// Reason and signatures.
        #[command(flatten)]
        act: ActArgs,
    },
    /// Let what was applied at a disputed place stand: two operators sign it
    Dismiss {
        /// A stream that the peer sends
        #[arg(value_name = "STREAM")]
        stream: StreamName,
        /// The disputed place, as `ferry status` names it
        #[arg(value_name = "SEQ")]
        seq: u64,
        /// Reason and signatures.
        #[command(flatten)]
        act: ActArgs,
    },
}

/// Reads the directory and tells. Needs no database.
///
/// # Errors
/// When the configuration or the directory cannot be read, or there is no such file.
pub fn run(args: QuarantineArgs, context: &Context) -> Result<Output, Fault> {
    match args.verb {
        QuarantineVerb::Retry { stream, act } => retry(&stream, &act, context),
        QuarantineVerb::Dismiss { stream, seq, act } => dismiss(&stream, seq, &act, context),
        QuarantineVerb::List => Ok(list(&files(context)?, context.lang)),
        QuarantineVerb::Show { name } => {
            let files = files(context)?;
            let found = files.iter().find(|(_, kept)| file_name(kept) == name);
            let by_origin = || files.iter().find(|(_, kept)| origin(kept) == Some(name.as_str()));
            let (signed, kept) = found.or_else(by_origin).ok_or_else(|| no_such_file(&name))?;
            Ok(show_one(*signed, kept, context.lang))
        }
    }
}

/// The files that were refused, the latest first, each with whether its signature is good.
fn files(context: &Context) -> Result<Vec<(bool, Kept)>, Fault> {
    let config = desk::config(context)?;
    let [refused, unverified] = QuarantineDirectories::list(&config).map_err(unread)?;
    let refused = refused.into_iter().map(|kept| (true, kept));
    let mut files: Vec<(bool, Kept)> = refused.chain(unverified.into_iter().map(|kept| (false, kept))).collect();
    files.sort_by_key(|(_, kept)| std::cmp::Reverse((at_ms(kept), kept.number)));
    Ok(files)
}

/// Lets what was applied at a disputed place stand.
fn dismiss(stream: &StreamName, seq: u64, args: &ActArgs, context: &Context) -> Result<Output, Fault> {
    let desk = Desk::open(context)?;
    let found = place::at(&desk, stream, seq)?;
    if seq == 0 {
        return Err(turned_away("no-dispute-to-dismiss"));
    }
    let range = ActRange { stream: stream.clone(), epoch: found.epoch, first: seq, last: seq };
    act(&desk, Deed::Dismiss { range }, args, context)
}

/// Has the refused group at the head of a stream judged again.
fn retry(stream: &StreamName, args: &ActArgs, context: &Context) -> Result<Output, Fault> {
    let desk = Desk::open(context)?;
    let found = place::at(&desk, stream, 0)?;
    let states = desk.books.stream_states().map_err(unread)?;
    let state = states.iter().find(|state| state.stream == *stream && state.direction == Direction::In);
    let Some(state) = state.filter(|state| state.health == "refused") else {
        return Err(turned_away("nothing-refused"));
    };
    // The refusal names one batch of the group at the head.
    let first = state.applied_seq + 1;
    let range = ActRange { stream: stream.clone(), epoch: found.epoch, first, last: state.last_seq.max(first) };
    act(&desk, Deed::Retry { range }, args, context)
}

fn list(files: &[(bool, Kept)], lang: Lang) -> Output {
    let head = match lang {
        Lang::En => ["name", "code", "signed", "bytes", "since"],
        Lang::Zh => ["文件", "代码", "有签名", "字节", "时间"],
    };
    let mut table = Table::new(&head).right(&[3]);
    for (signed, kept) in files {
        let reason = kept.reason.as_ref();
        table.row(vec![
            file_name(kept),
            reason.map_or_else(|| "?".to_owned(), |reason| reason.code.clone()),
            yes_no(*signed, lang).to_owned(),
            reason.map_or_else(|| "?".to_owned(), |reason| reason.bytes.to_string()),
            when::local(at_ms(kept)),
        ]);
    }
    let human = match (files.is_empty(), lang) {
        (true, Lang::En) => "the quarantine is empty\n".to_owned(),
        (true, Lang::Zh) => "隔离区为空\n".to_owned(),
        (false, Lang::En | Lang::Zh) => table.text(),
    };
    let documents: Vec<Value> = files.iter().map(|(signed, kept)| kept_json(*signed, kept, lang)).collect();
    Output::new(human, json!({ "files": documents }))
}

fn show_one(signed: bool, kept: &Kept, lang: Lang) -> Output {
    let mut human = format!("{}\n", file_name(kept));
    let (meaning, next) = explanation(kept);
    if let Some(reason) = &kept.reason {
        let lines = match lang {
            Lang::En => [
                ("code", reason.code.clone()),
                ("why", meaning.get(lang).to_owned()),
                ("noted", reason.story.clone()),
                ("name at the gate", reason.name.clone()),
                ("signed by a trusted key", yes_no(signed, lang).to_owned()),
                ("when", when::local(reason.at_ms)),
                ("bytes", reason.bytes.to_string()),
                ("sm3", reason.sm3.clone()),
            ],
            Lang::Zh => [
                ("代码", reason.code.clone()),
                ("原因", meaning.get(lang).to_owned()),
                ("记录", reason.story.clone()),
                ("网闸侧文件名", reason.name.clone()),
                ("受信任密钥签名", yes_no(signed, lang).to_owned()),
                ("时间", when::local(reason.at_ms)),
                ("字节", reason.bytes.to_string()),
                ("sm3", reason.sm3.clone()),
            ],
        };
        let mut table = Table::bare().indented(2);
        for (name, value) in lines {
            table.row(vec![name.to_owned(), value]);
        }
        human.push_str(&table.text());
    }
    let header = show::read(&kept.path).ok().map(|read| read.batch);
    if let Some(header) = &header {
        human.push_str(match lang {
            Lang::En => "its header claims (nothing here is proven)\n",
            Lang::Zh => "文件头所声称的内容（均未经证明）\n",
        });
        human.push_str(&header_text(header, lang));
    }
    human.push_str(&match lang {
        Lang::En => format!("next: {}\n", next.get(lang)),
        Lang::Zh => format!("下一步：{}\n", next.get(lang)),
    });
    let mut document = kept_json(signed, kept, lang);
    document["claims"] = header.as_ref().map_or(Value::Null, header_json);
    Output::new(human, document)
}

fn kept_json(signed: bool, kept: &Kept, lang: Lang) -> Value {
    let reason = kept.reason.as_ref();
    let (meaning, next) = explanation(kept);
    json!({
        "name": file_name(kept),
        "path": kept.path.display().to_string(),
        "number": kept.number,
        "signed": signed,
        "code": reason.map(|reason| &reason.code),
        "story": reason.map(|reason| &reason.story),
        "gate_name": reason.map(|reason| &reason.name),
        "at_ms": reason.map(|reason| reason.at_ms),
        "bytes": reason.map(|reason| reason.bytes),
        "sm3": reason.map(|reason| &reason.sm3),
        "meaning": meaning.get(lang),
        "next": next.get(lang),
    })
}

/// What the code of a refused file means, and what to do.
fn explanation(kept: &Kept) -> (Text, Text) {
    let Some(reason) = &kept.reason else {
        return (
            Text::fixed("the reason was lost in a crash", "原因在一次崩溃中丢失"),
            Text::fixed("`ferry verify` judges the file again", "可用 `ferry verify` 重新判定该文件"),
        );
    };
    let (meaning, next) = advice("quarantined", &reason.code);
    match verify::chinese_of_code(&reason.code) {
        Some(chinese) => (Text::new(reason.story.clone(), chinese), next),
        None => (meaning, next),
    }
}

fn file_name(kept: &Kept) -> String {
    kept.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn origin(kept: &Kept) -> Option<&str> {
    kept.reason.as_ref().map(|reason| reason.name.as_str())
}

fn at_ms(kept: &Kept) -> u64 {
    kept.reason.as_ref().map_or(0, |reason| reason.at_ms)
}

fn yes_no(yes: bool, lang: Lang) -> &'static str {
    match (yes, lang) {
        (true, Lang::En) => "yes",
        (false, Lang::En) => "no",
        (true, Lang::Zh) => "是",
        (false, Lang::Zh) => "否",
    }
}

fn no_such_file(name: &str) -> Fault {
    Fault::new(
        "no-such-file",
        ExitCode::NotFound,
        text!("the quarantine has no file {name}", "隔离区中没有文件 {name}"),
        Text::fixed("`ferry quarantine list` lists them", "`ferry quarantine list` 列出全部文件"),
    )
}
