//! What every act of an operator needs: a reason, signatures, and a way to the daemon.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use ferry_core::ports::{ACT_DONE, ACT_IMPOSSIBLE, ACTED_ALREADY, STREAM_MOVED, TURNED_AWAY_BEFORE};
use ferry_format::limits::ACT_BYTES_MAX;
use ferry_format::{Act, ActId, ActTime, Deed, FormatError, Reason, SignedAct};
use serde_json::{Value, json};

use super::Context;
use super::desk::{Desk, unread};
use super::output::Output;
use crate::config::Config;
use crate::files::durable;
use crate::keyring::{OsEntropy, load_operator, read_trust};
use crate::lang::Text;
use crate::store::ActRow;
use crate::verify::format_error;
use crate::{ExitCode, Fault, Lang, text};

/// What every act has.
#[derive(Debug, Args)]
pub struct ActArgs {
    /// Why, in one line; both zones list it with the act
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// An operator's private key; twice where two operators must sign
    #[arg(long = "key", value_name = "FILE")]
    pub keys: Vec<PathBuf>,
    /// Write the act into this file for others to sign, instead of handing it in
    #[arg(long, value_name = "FILE")]
    pub draft: Option<PathBuf>,
    /// Wait so many seconds for the daemon to carry it out
    #[arg(long, value_name = "SECONDS", default_value_t = WAIT_SECONDS)]
    pub wait: u64,
}

/// The Chinese texts of these arguments: argument, text.
pub const CHINESE: &[(&str, &str)] = &[
    ("reason", "原因，写成一行；两区都会随该操作列出"),
    ("keys", "操作员私钥；需要两人签名时给出两次"),
    ("draft", "把操作写入此文件供他人签名，而不提交"),
    ("wait", "等待守护进程执行的秒数"),
];

/// How long the daemon is waited for: it looks every fifth of a second.
pub const WAIT_SECONDS: u64 = 3;
/// How often the database is asked meanwhile.
const ASK_EVERY: Duration = Duration::from_millis(50);

/// Makes an act, signs it, and hands it in or writes the draft.
///
/// # Errors
/// When the reason or a key is no good, signatures are missing, or the daemon turns the act away.
pub fn act(desk: &Desk, deed: Deed, args: &ActArgs, context: &Context) -> Result<Output, Fault> {
    let config = &desk.config;
    let reason = Reason::new(&args.reason).map_err(|error| {
        Fault::new(
            "bad-reason",
            ExitCode::Usage,
            text!("the reason {error}", "原因须为 1 至 200 个字符的一行文字，不含控制字符"),
            Text::fixed("say in one line why", "请用一行文字说明原因"),
        )
    })?;
    let id = ActId(OsEntropy::new().fresh().map_err(Fault::internal)?);
    let act = Act { link: config.link.clone(), zone: config.zone.clone(), id, at_ms: context.now_ms, reason, deed };
    let mut signed = SignedAct::unsigned(act);
    for key in &args.keys {
        sign(&mut signed, key)?;
    }
    match &args.draft {
        Some(path) => write_draft(&signed, path, context.lang),
        None => submit(desk, &signed, args.wait, context),
    }
}

/// Adds an operator's signature.
///
/// # Errors
/// When the key cannot be used.
pub fn sign(signed: &mut SignedAct, key: &Path) -> Result<(), Fault> {
    signed.approve(&load_operator(key)?).map_err(Fault::internal)
}

fn write_draft(signed: &SignedAct, path: &Path, lang: Lang) -> Result<Output, Fault> {
    let bytes = signed.write().map_err(Fault::internal)?;
    durable::publish_new(path, &bytes, durable::GROUP_READABLE).map_err(|error| unusable(path, &error.to_string()))?;
    Ok(drafted(signed, path, lang))
}

/// Tells what a draft is and who has signed it.
pub fn drafted(signed: &SignedAct, path: &Path, lang: Lang) -> Output {
    let (file, deed) = (path.display(), &signed.act.deed);
    let (have, need) = (signed.approvals.len(), deed.approvals());
    let human = match lang {
        Lang::En => format!(
            "{file}: {} of {}, signed by {have} of {need}\n\
             others sign it with `ferry acts sign {file} --key FILE`; `ferry acts submit {file}` hands it in\n",
            deed.name(),
            deed.stream()
        ),
        Lang::Zh => format!(
            "{file}：对流 {} 的操作 {}，已有 {have}/{need} 人签名\n\
             其他人用 `ferry acts sign {file} --key 文件` 签名；用 `ferry acts submit {file}` 提交\n",
            deed.stream(),
            deed.name()
        ),
    };
    Output::new(human, document(None, signed, None, Some(path)))
}

/// Reads a draft.
///
/// # Errors
/// When it is no act.
pub fn read_draft(path: &Path) -> Result<SignedAct, Fault> {
    let max = u64::try_from(ACT_BYTES_MAX).unwrap_or(u64::MAX);
    let bytes = durable::read_bounded(path, max).map_err(|error| unusable(path, &error.to_string()))?;
    SignedAct::parse(&bytes).map_err(|error| {
        let (path, cause) = (path.display(), format_error(&error));
        let (en, zh) = (cause.get(Lang::En), cause.get(Lang::Zh));
        Fault::new(
            "act-invalid",
            ExitCode::Input,
            text!("{path} is no act: {en}", "{path} 不是操作文件：{zh}"),
            Text::fixed("write it anew with --draft", "请用 --draft 重新生成"),
        )
    })
}

/// Hands an act in, and waits a moment for the daemon.
///
/// # Errors
/// When it may not be carried out, or the daemon turns it away.
pub fn submit(desk: &Desk, signed: &SignedAct, seconds: u64, context: &Context) -> Result<Output, Fault> {
    let config = &desk.config;
    check(config, signed, context.now_ms)?;
    let bytes = signed.write().map_err(Fault::internal)?;
    let id = desk.books.hand_in(&bytes, context.now_ms).map_err(unread)?;
    let row = wait(desk, id, Duration::from_secs(seconds))?;
    let code = row.as_ref().and_then(|row| row.code.clone());
    if let Some(code) = code.as_deref().filter(|code| *code != ACT_DONE) {
        return Err(turned_away(code));
    }
    let (deed, stream, done) = (signed.act.deed.name(), signed.act.deed.stream(), code.is_some());
    let human = match (context.lang, done) {
        (Lang::En, true) => format!("act {id}: {deed} of {stream} is done\n"),
        (Lang::En, false) => {
            format!(
                "act {id}: {deed} of {stream} waits for the daemon\n`ferry acts show {id}` tells what became of it\n"
            )
        }
        (Lang::Zh, true) => format!("操作 {id}：对流 {stream} 的 {deed} 已完成\n"),
        (Lang::Zh, false) => {
            format!("操作 {id}：对流 {stream} 的 {deed} 等待守护进程执行\n`ferry acts show {id}` 说明其结果\n")
        }
    };
    Ok(Output::new(human, document(Some(id), signed, code.as_deref(), None)))
}

fn document(id: Option<u64>, signed: &SignedAct, code: Option<&str>, draft: Option<&Path>) -> Value {
    let deed = &signed.act.deed;
    json!({
        "act": id,
        "deed": deed.name(),
        "stream": deed.stream().as_str(),
        "signed": signed.approvals.len(),
        "needed": deed.approvals(),
        "code": code,
        "draft": draft,
    })
}

/// Checks here what the daemon will check too, so that the operator learns it at once.
fn check(config: &Config, signed: &SignedAct, now_ms: u64) -> Result<(), Fault> {
    if signed.act.zone != config.zone {
        return Err(turned_away("act-for-another-zone"));
    }
    let trust = read_trust(&config.paths.trust)?;
    signed.verify(&trust, &config.link, ActTime::Now(now_ms)).map(|_| ()).map_err(|error| untrusted(&error))
}

fn untrusted(error: &FormatError) -> Fault {
    let cause = format_error(error);
    let (en, zh) = (cause.get(Lang::En), cause.get(Lang::Zh));
    Fault::new(
        error.code(),
        ExitCode::Trust,
        text!("the act may not be carried out: {en}", "该操作不可执行：{zh}"),
        Text::fixed(
            "sign it with the keys of operators whom `ferry trust list` names; `ferry trust add CARD --role operator` adds one",
            "请用 `ferry trust list` 所列操作员的密钥签名；`ferry trust add 名片 --role operator` 可添加操作员",
        ),
    )
}

#[expect(clippy::disallowed_methods, reason = "a person waits for the daemon, a few seconds at most")]
fn wait(desk: &Desk, id: u64, patience: Duration) -> Result<Option<ActRow>, Fault> {
    let begin = std::time::Instant::now();
    loop {
        let row = desk.books.act(id).map_err(unread)?;
        if row.as_ref().is_some_and(|row| row.code.is_some()) || begin.elapsed() >= patience {
            return Ok(row);
        }
        std::thread::sleep(ASK_EVERY);
    }
}

/// Why the daemon turns an act away, and what to do.
#[must_use]
pub fn turned_away(code: &str) -> Fault {
    let (meaning, next) = explanation(code);
    let (en, zh) = (meaning.get(Lang::En), meaning.get(Lang::Zh));
    Fault::new(code_of(code), ExitCode::Refused, text!("the act is turned away: {en}", "操作被拒绝：{zh}"), next)
}

/// The code itself where it is one of ours; an unknown one has no place in the published list.
fn code_of(code: &str) -> &'static str {
    CODES.iter().find(|(one, ..)| *one == code).map_or("act-turned-away", |(one, ..)| *one)
}

/// What the code of an act that was turned away means.
#[must_use]
pub fn explanation(code: &str) -> (Text, Text) {
    let found = CODES.iter().find(|(one, ..)| *one == code);
    found.map_or_else(
        || {
            (
                Text::fixed("the act could not be read or verified", "该操作无法读取或核验"),
                Text::fixed("sign it anew", "请重新签署"),
            )
        },
        |(_, meaning, next)| (Text::fixed(meaning[0], meaning[1]), Text::fixed(next[0], next[1])),
    )
}

type Code = (&'static str, [&'static str; 2], [&'static str; 2]);

const CODES: &[Code] = &[
    (ACT_DONE, ["it was carried out", "已执行"], ["nothing", "无需操作"]),
    (
        "act-for-another-zone",
        ["the act names another zone", "该操作指定的是另一个区"],
        ["hand it in there", "请在该区提交"],
    ),
    (
        "unknown-stream",
        ["this zone has no such stream", "本区没有该流"],
        ["`ferry status` lists the streams", "`ferry status` 列出全部流"],
    ),
    (
        "held-already",
        ["the stream is on hold already", "该流已处于暂停状态"],
        ["`ferry release` lets it go on", "`ferry release` 可使其继续"],
    ),
    (
        "not-held",
        ["the stream is not on hold in this zone", "该流在本区未被暂停"],
        ["`ferry status` tells what it waits for", "`ferry status` 说明其等待原因"],
    ),
    (
        "nothing-refused",
        ["no group at that place is refused here", "此处该位置没有被拒收的批次组"],
        ["`ferry status` names what is refused", "`ferry status` 列出被拒收的内容"],
    ),
    (
        "not-own-stream",
        ["the stream is sent by the peer, not by this zone", "该流由对端发送，不由本区发送"],
        ["run the command in the zone that owns it", "请在拥有该流的区运行此命令"],
    ),
    (
        "not-their-stream",
        ["the stream is sent by this zone, and parks nothing here", "该流由本区发送，本区不会搁置其行"],
        ["run the command in the peer's zone", "请在对端运行此命令"],
    ),
    (
        "nothing-unapplied",
        ["no recorded batch in that range still waits to be applied", "该范围内没有已登记而未应用的批次"],
        ["`ferry queue` lists the batches that wait", "`ferry queue` 列出等待中的批次"],
    ),
    (
        "bad-approval",
        [
            "a signature does not verify, or this zone does not trust the operator who made it",
            "签名未通过验证，或本区不信任该签署操作员",
        ],
        [
            "`ferry trust add --role operator` with that operator's card, or another operator; then decide anew",
            "先用该操作员的名片执行 `ferry trust add --role operator`，或换一位操作员；然后重新作出决定",
        ],
    ),
    (
        ACTED_ALREADY,
        ["the same act was carried out before", "该操作此前已经执行过"],
        ["nothing; `ferry acts list` shows when", "无需操作；`ferry acts list` 显示执行时间"],
    ),
    (
        TURNED_AWAY_BEFORE,
        ["the same act was turned away before, and the peer has it listed so", "该操作此前已被拒绝，对端也已如此记载"],
        ["decide anew: `ferry new-epoch` makes another act", "请重新作出决定：`ferry new-epoch` 会生成新的操作"],
    ),
    (
        ACT_IMPOSSIBLE,
        ["the database or the keys of this zone do not allow it", "本区的数据库或密钥不允许执行该操作"],
        ["the daemon's log says why; decide anew after mending that", "守护进程日志说明原因；排除后请重新作出决定"],
    ),
    (
        "not-stopped-there",
        ["the stream is not stopped at that row", "该流并未停在该行"],
        ["`ferry status` names the row at which a stream is stopped", "`ferry status` 指明流停在哪一行"],
    ),
    (
        "no-parked-rows",
        ["the stream has no parked rows here", "该流在此没有被搁置的行"],
        ["`ferry queue` lists parked rows", "`ferry queue` 列出被搁置的行"],
    ),
    (
        "no-current-image",
        ["the captured row does not tell which row of the table it is about", "该捕获行无法说明对应表中的哪一行"],
        ["pass it with --with void", "请用 --with void 越过"],
    ),
    (
        "no-dispute-to-dismiss",
        ["nothing that is applied at that place is disputed here", "此处该位置没有已应用而有争议的内容"],
        [
            "`ferry status` names disputes; at a place that is not applied the owner supersedes (`ferry supersede`)",
            "`ferry status` 列出争议；未应用的位置由拥有方取代（`ferry supersede`）",
        ],
    ),
    (
        "no-such-open-group",
        ["those batches are not one whole group that waits to be applied", "这些批次不是一个完整的、等待应用的批次组"],
        ["`ferry queue` lists the batches that wait", "`ferry queue` 列出等待中的批次"],
    ),
    (
        "too-many-superseded",
        ["too many groups are superseded and not applied yet", "已被取代而尚未应用的批次组过多"],
        ["wait until `ferry queue` shows some of them applied", "请等 `ferry queue` 显示其中一些已应用"],
    ),
    (
        "superseding-too-large",
        [
            "what is to take the place of the group is larger than the largest group may be",
            "用于取代该组的内容超过最大批次组的限制",
        ],
        [
            "raise `flow.group_bytes` in both zones and restart both daemons, or mend the cause in the receiving zone",
            "请在两区调大 `flow.group_bytes` 并重启两区守护进程，或在接收区排除原因",
        ],
    ),
    (
        "other-digests",
        ["the group is not as it was when the act was made", "该批次组与作出操作时不同"],
        ["run `ferry supersede` anew and sign what it makes", "请重新运行 `ferry supersede` 并签署其结果"],
    ),
    (
        "other-contract",
        ["the contract has changed since the act was made", "作出操作之后数据契约已变更"],
        ["run `ferry supersede` anew and sign what it makes", "请重新运行 `ferry supersede` 并签署其结果"],
    ),
    (
        "not-that-epoch",
        ["the stream has begun another epoch since the act was made", "作出操作之后该流已开始新的纪元"],
        ["`ferry status` tells how the stream stands now", "`ferry status` 说明该流的现状"],
    ),
    (
        "loading-already",
        ["the stream's tables are being sent once more already", "该流各表正在重新发送"],
        ["`ferry status` tells how far it has come", "`ferry status` 显示其进度"],
    ),
    (
        STREAM_MOVED,
        [
            "another batch than the one that the act names was recorded last in the stream",
            "该流最后登记的批次已不是操作所指的批次",
        ],
        [
            "put the stream on hold (`ferry hold`), then run `ferry new-epoch` anew and sign what it makes",
            "请先暂停该流（`ferry hold`），再重新运行 `ferry new-epoch` 并签署其结果",
        ],
    ),
    (
        "epoch-not-above",
        ["an epoch with that number, or a higher one, is known already", "该纪元号或更高的纪元号已被使用"],
        ["run `ferry new-epoch` anew and sign what it makes", "请重新运行 `ferry new-epoch` 并签署其结果"],
    ),
    (
        "not-restored",
        ["this zone is not locked as one that was restored", "本区并未因恢复而锁定"],
        ["`ferry status` tells how the zone stands now", "`ferry status` 说明本区的现状"],
    ),
    (
        "peer-not-heard",
        ["the peer has not yet said how far it has come", "对端尚未告知其进度"],
        [
            "wait for its next status; `ferry status` tells when it was heard last",
            "请等待其下一状态文件；`ferry status` 显示最近一次收到的时间",
        ],
    ),
    (
        "nothing-beyond",
        ["the peer has applied nothing of the stream beyond the anchor", "对端对该流的应用未超出锚点"],
        ["`ferry status` tells how the stream stands now", "`ferry status` 说明该流的现状"],
    ),
    (
        "peer-is-elsewhere",
        ["the peer has applied another batch last than the act names", "对端最后应用的批次与操作所指不同"],
        ["run `ferry take-back` anew and sign what it makes", "请重新运行 `ferry take-back` 并签署其结果"],
    ),
    (
        "peer-holds-more",
        [
            "the peer holds batches of the stream beyond what it has applied, and they would be a second statement for the same places",
            "对端还持有该流中尚未应用的后续批次，同一位置会出现第二份声明",
        ],
        [
            "wait until the peer has applied them; keep both archives safe if it never can",
            "请等待对端应用这些批次；若始终无法应用，请妥善保管双方归档",
        ],
    ),
    (
        "draft-missing",
        ["the rows that were prepared for the act are not in this zone's database", "为该操作准备的行不在本区数据库中"],
        ["run `ferry supersede` anew and sign what it makes", "请重新运行 `ferry supersede` 并签署其结果"],
    ),
    (
        "draft-damaged",
        ["the rows that were prepared for the act are not those that were signed", "为该操作准备的行与所签署的不符"],
        ["run `ferry supersede` anew and sign what it makes", "请重新运行 `ferry supersede` 并签署其结果"],
    ),
];

pub fn unusable(path: &Path, error: &str) -> Fault {
    let path = path.display();
    Fault::new(
        "draft-unusable",
        ExitCode::Storage,
        text!("{path}: {error}", "{path}：无法读写（{error}）"),
        Text::fixed("name another file", "请指定其他文件"),
    )
}
