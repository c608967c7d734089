//! `ferry acts`: what operators of both zones decided, and drafts on their way to it.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use ferry_core::ports::ACT_DONE;
use ferry_format::{Deed, SignedAct, Substitute};
use serde_json::{Value, json};

use super::act_effect::Effect;
use super::acting::{WAIT_SECONDS, drafted, explanation, read_draft, sign, submit, unusable};
use super::desk::{Desk, unread};
use super::output::Output;
use super::tables::Table;
use super::{Context, when};
use crate::files::durable;
use crate::lang::Text;
use crate::store::ActRow;
use crate::{ExitCode, Fault, Lang, text};

/// The arguments of `ferry acts`.
#[derive(Debug, Args)]
pub struct ActsArgs {
    /// What to do.
    #[command(subcommand)]
    pub verb: ActsVerb,
}

/// What can be done with acts.
#[derive(Debug, Subcommand)]
pub enum ActsVerb {
    /// List the acts of both zones, the latest first
    List,
    /// Show one act: what, why, by whom, what became of it, and which row or batches it put aside
    Show {
        /// Its number in the list
        #[arg(value_name = "NUMBER")]
        id: u64,
        /// Show the key of a row that it passed over, as `ferry trace` takes it
        #[arg(long)]
        keys: bool,
    },
    /// Sign a draft with an operator's key
    Sign {
        /// The draft
        #[arg(value_name = "FILE")]
        draft: PathBuf,
        /// The operator's private key
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
    },
    /// Hand in a draft that is signed
    Submit {
        /// The draft
        #[arg(value_name = "FILE")]
        draft: PathBuf,
        /// Wait so many seconds for the daemon to carry it out
        #[arg(long, value_name = "SECONDS", default_value_t = WAIT_SECONDS)]
        wait: u64,
    },
}

/// The Chinese texts of the verb's own arguments: verb, argument, text.
pub const CHINESE: &[(&str, &str, &str)] = &[
    ("acts", "", "查看两区操作员的决定，签署并提交草稿"),
    ("acts list", "", "列出两区的操作，最新的在前"),
    ("acts show", "", "显示一项操作：内容、原因、签署人与结果，以及被其越过的行或取代的批次"),
    ("acts show", "id", "列表中的编号"),
    ("acts show", "keys", "显示被越过的行的主键，可用于 `ferry trace`"),
    ("acts sign", "", "用操作员密钥签署草稿"),
    ("acts sign", "draft", "草稿文件"),
    ("acts sign", "key", "操作员私钥"),
    ("acts submit", "", "提交已签署的草稿"),
    ("acts submit", "draft", "草稿文件"),
];

/// More acts than that are read from the database itself.
const ACTS_MAX: u64 = 1_000;

/// Runs the verb.
///
/// # Errors
/// When books or draft cannot be read, or the act is turned away.
pub fn run(args: ActsArgs, context: &Context) -> Result<Output, Fault> {
    match args.verb {
        ActsVerb::Sign { draft, key } => {
            let mut signed = read_draft(&draft)?;
            sign(&mut signed, &key)?;
            let bytes = signed.write().map_err(Fault::internal)?;
            let directory = draft.parent().filter(|path| !path.as_os_str().is_empty());
            let directory = directory.unwrap_or(std::path::Path::new("."));
            let name = draft.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            durable::publish_through(directory, directory, name, &bytes, durable::GROUP_READABLE)
                .map_err(|error| unusable(&draft, &error.to_string()))?;
            Ok(drafted(&signed, &draft, context.lang))
        }
        ActsVerb::Submit { draft, wait } => submit(&Desk::open(context)?, &read_draft(&draft)?, wait, context),
        ActsVerb::List => {
            let rows = Desk::open(context)?.books.acts(ACTS_MAX).map_err(unread)?;
            Ok(list(&rows, context.lang))
        }
        ActsVerb::Show { id, keys } => {
            let desk = Desk::open(context)?;
            let row = desk.books.act(id).map_err(unread)?.ok_or_else(|| no_such_act(id))?;
            let effect = Effect::of(&desk, &row, keys)?;
            Ok(show(&row, &effect, context.lang))
        }
    }
}

fn list(rows: &[ActRow], lang: Lang) -> Output {
    let head = match lang {
        Lang::En => ["no", "zone", "act", "stream", "result", "when", "why"],
        Lang::Zh => ["编号", "区", "操作", "流", "结果", "时间", "原因"],
    };
    let mut table = Table::new(&head).right(&[0]);
    for row in rows {
        let act = SignedAct::parse(&row.file).ok().map(|signed| signed.act);
        let told = |of: Option<String>| of.unwrap_or_else(|| "?".to_owned());
        table.row(vec![
            row.id.to_string(),
            told(act.as_ref().map(|act| act.zone.to_string())),
            told(act.as_ref().map(|act| act.deed.name().to_owned())),
            told(act.as_ref().map(|act| act.deed.stream().to_string())),
            row.code.clone().unwrap_or_else(|| waits(lang).to_owned()),
            when::local(row.ended_at_ms.unwrap_or(row.handed_in_at_ms)),
            told(act.map(|act| act.reason.as_str().to_owned())),
        ]);
    }
    let human = match (rows.is_empty(), lang) {
        (true, Lang::En) => "no operator has acted\n".to_owned(),
        (true, Lang::Zh) => "尚无操作员操作\n".to_owned(),
        (false, Lang::En | Lang::Zh) => table.text(),
    };
    Output::new(human, json!({ "acts": rows.iter().map(act_json).collect::<Vec<_>>() }))
}

const fn waits(lang: Lang) -> &'static str {
    match lang {
        Lang::En => "waits",
        Lang::Zh => "等待中",
    }
}

fn show(row: &ActRow, effect: &Effect, lang: Lang) -> Output {
    let label = |en: &'static str, zh: &'static str| match lang {
        Lang::En => en,
        Lang::Zh => zh,
    };
    let mut lines = Vec::new();
    if let Ok(SignedAct { act, approvals }) = SignedAct::parse(&row.file) {
        let signers: Vec<String> = approvals.iter().map(|approval| approval.key.to_string()).collect();
        lines.extend([
            (label("zone", "区"), act.zone.to_string()),
            (label("act", "操作"), what(&act.deed, lang)),
            (label("why", "原因"), act.reason.as_str().to_owned()),
            (label("made", "签署时间"), when::local(act.at_ms)),
            (label("signed by", "签署人"), signers.join(" ")),
        ]);
    }
    let code = row.code.as_deref().unwrap_or_default();
    let result =
        if code.is_empty() { waits(lang).to_owned() } else { format!("{code}: {}", explanation(code).0.get(lang)) };
    let verified = match (row.verified, lang) {
        (true, Lang::En) => "by operators whom this zone trusts",
        (true, Lang::Zh) => "由本区信任的操作员签署",
        (false, Lang::En) => "not by operators whom this zone trusts",
        (false, Lang::Zh) => "并非由本区信任的操作员签署",
    };
    lines.extend([
        (label("signatures", "签名"), verified.to_owned()),
        (label("result", "结果"), result),
        (label("ended", "结束时间"), row.ended_at_ms.map(when::local).unwrap_or_default()),
        (label("listed by the peer", "对端已列出"), row.told_at_ms.map(when::local).unwrap_or_default()),
        (label("digest", "摘要"), row.digest.to_string()),
    ]);
    let mut table = Table::bare().indented(2);
    for (name, value) in lines.into_iter().filter(|(_, value)| !value.is_empty()) {
        table.row(vec![name.to_owned(), value]);
    }
    let mut human = match lang {
        Lang::En => format!("act {}\n", row.id),
        Lang::Zh => format!("操作 {}\n", row.id),
    };
    human.push_str(&table.text());
    human.push_str(&effect.human(row.id, lang));
    if !code.is_empty() && code != ACT_DONE {
        let (_, next) = explanation(code);
        human.push_str(&match lang {
            Lang::En => format!("next: {}\n", next.get(lang)),
            Lang::Zh => format!("下一步：{}\n", next.get(lang)),
        });
    }
    let mut document = act_json(row);
    effect.add_to(&mut document);
    Output::new(human, document)
}

/// The deed in a few words.
fn what(deed: &Deed, lang: Lang) -> String {
    let (name, stream) = (deed.name(), deed.stream());
    if let Some((first, last)) = deed.places() {
        return format!("{name} {stream}/{first}-{last}");
    }
    let Deed::Pass { row, with, .. } = deed else { return format!("{name} {stream}") };
    let with = match (with, lang) {
        (Substitute::Void, Lang::En) => "nothing in its place",
        (Substitute::Void, Lang::Zh) => "不以任何内容代替",
        (Substitute::Current, Lang::En) => "the present row in its place",
        (Substitute::Current, Lang::Zh) => "以当前行代替",
    };
    match lang {
        Lang::En => format!("{name} {stream}, captured row {row}, {with}"),
        Lang::Zh => format!("{name} {stream}，捕获行 {row}，{with}"),
    }
}

fn act_json(row: &ActRow) -> Value {
    let signed = SignedAct::parse(&row.file).ok();
    let act = signed.as_ref().map(|signed| &signed.act);
    let range = act.and_then(|act| act.deed.places());
    let signers = signed.as_ref().map(|signed| &signed.approvals);
    json!({
        "act": row.id,
        "here": row.here,
        "zone": act.map(|act| act.zone.as_str()),
        "deed": act.map(|act| act.deed.name()),
        "stream": act.map(|act| act.deed.stream().as_str()),
        "first": range.map(|(first, _)| first),
        "last": range.map(|(_, last)| last),
        "reason": act.map(|act| act.reason.as_str()),
        "made_at_ms": act.map(|act| act.at_ms),
        "signers": signers.map(|all| all.iter().map(|one| one.key.to_string()).collect::<Vec<_>>()),
        "verified": row.verified,
        "digest": row.digest.to_string(),
        "handed_in_at_ms": row.handed_in_at_ms,
        "code": row.code,
        "ended_at_ms": row.ended_at_ms,
        "told_at_ms": row.told_at_ms,
    })
}

fn no_such_act(id: u64) -> Fault {
    Fault::new(
        "no-such-act",
        ExitCode::NotFound,
        text!("there is no act {id}", "没有操作 {id}"),
        Text::fixed("`ferry acts list` lists them", "`ferry acts list` 列出全部操作"),
    )
}
