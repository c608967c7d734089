//! `ferry verify`: archives against public keys, on any machine.

use std::io::IsTerminal as _;
use std::path::PathBuf;

use clap::Args;
use ferry_format::{Digest, LinkId};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use super::Context;
use super::output::Output;
use super::statement::{table_json, tables_text};
use crate::verify::{self, Report, Request, StatusLine, StreamLine};
use crate::{ExitCode, Fault, Lang};

/// The arguments of `ferry verify`.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// Files and directories to verify
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Whose signatures count: cards, trust files, or directories of them
    #[arg(long, required = true, num_args = 1.., value_name = "CARD|FILE|DIR")]
    pub trust: Vec<PathBuf>,
    /// Accept this link only
    #[arg(long, value_name = "LINK")]
    pub link: Option<LinkId>,
    /// The files are a part of an archive: do not miss what lies before and after them
    #[arg(long)]
    pub partial: bool,
}

/// Verifies, and ends with `verify-faults` when there is a fault.
///
/// # Errors
/// When a path or a card cannot be read.
pub fn run(args: VerifyArgs, context: &Context) -> Result<Output, Fault> {
    let trust = verify::load_trust(&args.trust)?;
    let request = Request { paths: &args.paths, trust: &trust, link: args.link, partial: args.partial };
    let bar = progress_bar(context);
    let report = verify::verify(&request, &|done, of| {
        bar.set_length(of as u64);
        bar.set_position(done as u64);
    })?;
    bar.finish_and_clear();
    let exit = if report.findings.is_empty() { ExitCode::Ok } else { ExitCode::VerifyFaults };
    Ok(Output::new(human(&report, context.lang), json_of(&report, context.lang)).ending(exit))
}

/// A bar on standard error when a person looks at it.
fn progress_bar(context: &Context) -> ProgressBar {
    if context.json || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let template = match context.lang {
        Lang::En => "verifying {wide_bar} {pos}/{len} files, {eta} left",
        Lang::Zh => "核验中 {wide_bar} {pos}/{len} 个文件，剩余 {eta}",
    };
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(0).with_style(style)
}

fn human(report: &Report, lang: Lang) -> String {
    let mut out = String::new();
    for finding in &report.findings {
        out.push_str(&finding.human(lang));
    }
    if !report.findings.is_empty() {
        out.push('\n');
    }
    out.push_str(&streams_text(&report.streams, lang));
    out.push_str(&statuses_text(&report.statuses, lang));
    out.push_str(&counts_text(report, lang));
    let (checked, not_checked) = match lang {
        Lang::En => ("checked:", "not checked:"),
        Lang::Zh => ("已检查：", "未检查："),
    };
    for (title, sentences) in [(checked, &report.checked), (not_checked, &report.not_checked)] {
        out.push_str(&format!("{title}\n"));
        out.extend(sentences.iter().map(|sentence| format!("  - {}\n", sentence.get(lang))));
    }
    out.push('\n');
    out.push_str(&verdict(report.findings.len(), lang));
    out
}

fn verdict(faults: usize, lang: Lang) -> String {
    match (faults, lang) {
        (0, Lang::En) => "no fault found\n".to_owned(),
        (0, Lang::Zh) => "未发现问题\n".to_owned(),
        (_, Lang::En) => format!("faults: {faults}\n"),
        (_, Lang::Zh) => format!("发现问题：{faults} 项\n"),
    }
}

fn streams_text(streams: &[StreamLine], lang: Lang) -> String {
    let mut out = String::new();
    for stream in streams {
        out.push_str(&stream_text(stream, lang));
        out.push_str(&tables_text(&stream.tables, lang));
    }
    out
}

fn stream_text(stream: &StreamLine, lang: Lang) -> String {
    let StreamLine { link, from, to, stream: name, epoch, batches, .. } = stream;
    let proven = proven_text(stream, lang);
    let digest = stream.last_digest.map_or_else(String::new, |digest| digest.to_string());
    let mut out = match lang {
        Lang::En => format!("{link} {from}→{to} {name}, epoch {epoch}: {batches} batches, {proven}\n"),
        Lang::Zh => format!("{link} {from}→{to} 流 {name}，纪元 {epoch}：{batches} 个批次，{proven}\n"),
    };
    if !digest.is_empty() {
        out.push_str(&match lang {
            Lang::En => format!("  last digest {digest}\n"),
            Lang::Zh => format!("  末批摘要 {digest}\n"),
        });
    }
    if stream.superseded > 0 {
        let count = stream.superseded;
        out.push_str(&match lang {
            Lang::En => format!("  {count} batches are superseded and do not count\n"),
            Lang::Zh => format!("  {count} 个批次已被取代，不计入\n"),
        });
    }
    if !stream.heads.is_empty() {
        let heads = &stream.heads;
        out.push_str(&match lang {
            Lang::En => format!("  only heads, without rows: seq {heads}\n"),
            Lang::Zh => format!("  仅有文件头、无行数据：序号 {heads}\n"),
        });
    }
    if !stream.last_group_whole {
        out.push_str(match lang {
            Lang::En => "  the last group is not whole yet\n",
            Lang::Zh => "  最后一组尚不完整\n",
        });
    }
    out
}

fn proven_text(stream: &StreamLine, lang: Lang) -> String {
    match (stream.first_seq, stream.last_seq, stream.proven_to) {
        (Some(first), Some(last), Some(proven)) if proven == last => match lang {
            Lang::En => format!("seq {first} to {last} without a hole"),
            Lang::Zh => format!("序号 {first} 至 {last} 连续无缺"),
        },
        (Some(first), Some(last), Some(proven)) => match lang {
            Lang::En => format!("seq {first} to {last}, proven up to {proven}"),
            Lang::Zh => format!("序号 {first} 至 {last}，可证明至 {proven}"),
        },
        (Some(first), Some(last), None) => match lang {
            Lang::En => format!("seq {first} to {last}, none proven"),
            Lang::Zh => format!("序号 {first} 至 {last}，均无法证明"),
        },
        (None, _, _) | (_, None, _) => match lang {
            Lang::En => "none is here".to_owned(),
            Lang::Zh => "未找到任何批次".to_owned(),
        },
    }
}

fn statuses_text(statuses: &[StatusLine], lang: Lang) -> String {
    let line = |line: &StatusLine| {
        let StatusLine { link, from, to, instance, statuses, first_number, last_number } = line;
        match lang {
            Lang::En => format!(
                "{link} {from}→{to}: {statuses} statuses of database {instance}, numbers {first_number} to {last_number}\n"
            ),
            Lang::Zh => format!(
                "{link} {from}→{to}：数据库 {instance} 的 {statuses} 份状态文件，编号 {first_number} 至 {last_number}\n"
            ),
        }
    };
    statuses.iter().map(line).collect()
}

fn counts_text(report: &Report, lang: Lang) -> String {
    let counts = &report.counts;
    let (batches, copies, statuses) = (counts.batch_files, counts.copies, counts.status_files);
    let (faulty, foreign) = (counts.faulty_files, counts.foreign_files);
    match lang {
        Lang::En => format!(
            "files: {batches} batches ({copies} of them copies or further attempts), {statuses} statuses, \
             {faulty} that prove nothing, {foreign} not ours\n"
        ),
        Lang::Zh => format!(
            "文件：批次 {batches} 个（其中副本或重发 {copies} 个），状态文件 {statuses} 个，\
             无法证明任何内容的 {faulty} 个，非本系统的 {foreign} 个\n"
        ),
    }
}

fn json_of(report: &Report, lang: Lang) -> Value {
    let counts = &report.counts;
    json!({
        "ok": report.findings.is_empty(),
        "faults": report.findings.iter().map(|finding| finding.json(lang)).collect::<Vec<_>>(),
        "streams": report.streams.iter().map(stream_json).collect::<Vec<_>>(),
        "statuses": report.statuses.iter().map(status_json).collect::<Vec<_>>(),
        "files": {
            "batches": counts.batch_files,
            "copies": counts.copies,
            "statuses": counts.status_files,
            "faulty": counts.faulty_files,
            "other_kinds": counts.other_kinds,
            "foreign": counts.foreign_files,
            "special": counts.special_files,
        },
        "keys": report.keys.iter().map(|key| json!({
            "link": key.link.as_str(),
            "zone": key.zone.as_str(),
            "key": key.key.to_string(),
            "fingerprint": key.fingerprint.to_string(),
        })).collect::<Vec<_>>(),
        "checked": report.checked.iter().map(|sentence| sentence.get(lang)).collect::<Vec<_>>(),
        "not_checked": report.not_checked.iter().map(|sentence| sentence.get(lang)).collect::<Vec<_>>(),
    })
}

fn stream_json(stream: &StreamLine) -> Value {
    json!({
        "link": stream.link.as_str(),
        "from": stream.from.as_str(),
        "to": stream.to.as_str(),
        "stream": stream.stream,
        "epoch": stream.epoch,
        "batches": stream.batches,
        "superseded": stream.superseded,
        "superseded_untold": stream.superseded_untold,
        "first_seq": stream.first_seq,
        "last_seq": stream.last_seq,
        "proven_to": stream.proven_to,
        "witnessed_to": stream.witnessed_to,
        "last_digest": stream.last_digest.as_ref().map(Digest::to_string),
        "last_group_whole": stream.last_group_whole,
        "heads": stream.heads,
        "tables": stream.tables.iter().map(table_json).collect::<Vec<_>>(),
    })
}

fn status_json(line: &StatusLine) -> Value {
    json!({
        "link": line.link.as_str(),
        "from": line.from.as_str(),
        "to": line.to.as_str(),
        "instance": line.instance.to_string(),
        "statuses": line.statuses,
        "first_number": line.first_number,
        "last_number": line.last_number,
    })
}
