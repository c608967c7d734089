//! `ferry trust`: whose signatures this zone accepts, decided by people who compare fingerprints.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use ferry_format::limits::CARD_BYTES_MAX;
use ferry_format::{Card, Digest, KeyState, TrustEntry, TrustStore, fingerprint_text};
use serde_json::{Value, json};

use super::Context;
use super::desk;
use super::output::Output;
use super::tables::Table;
use super::when;
use crate::config::Config;
use crate::files::durable;
use crate::keyring::{OVERLAP_MS, read_trust, write_trust};
use crate::lang::Text;
use crate::verify::format_error;
use crate::{ExitCode, Fault, Lang, text};

/// The shortest prefix of a key id that names a key.
const PREFIX_CHARS_MIN: usize = 6;

/// The arguments of `ferry trust`.
#[derive(Debug, Args)]
pub struct TrustArgs {
    /// What to do.
    #[command(subcommand)]
    pub verb: TrustVerb,
}

/// What can be done with the trust file.
#[derive(Debug, Subcommand)]
pub enum TrustVerb {
    /// Trust a card, after its fingerprint was compared with what its owner says
    Add {
        /// The card
        #[arg(value_name = "CARD")]
        card: PathBuf,
        /// The fingerprint as the card's owner says it; without it, it is asked for
        #[arg(long, value_name = "HEX")]
        fingerprint: Option<String>,
        /// As whose card
        #[arg(long, value_enum, default_value_t = Role::Peer)]
        role: Role,
    },
    /// Put the keys in use that the peer announces, after their fingerprint was compared with what its operator says
    Activate {
        /// The fingerprint as the peer's operator says it; without it, it is asked for
        #[arg(long, value_name = "HEX")]
        fingerprint: Option<String>,
    },
    /// Write a file by which a zone's key that may be in other hands counts no more; two operators sign it
    Revoke {
        /// The id of the signing key, or at least 6 digits of its beginning
        #[arg(value_name = "KEY")]
        key: String,
        /// Where to write it
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// Why, in one line
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// Less of a stream is good than this zone knows of it; 0 for nothing. May be given for several streams
        #[arg(long, value_name = "STREAM=SEQ")]
        through: Vec<String>,
        /// The last good status [default: the last one that this zone knows of]
        #[arg(long, value_name = "NUMBER")]
        statuses: Option<u64>,
        /// An operator's private key; twice where two sign at once
        #[arg(long = "key-file", value_name = "FILE")]
        keys: Vec<PathBuf>,
    },
    /// Sign a revocation as an operator
    Sign {
        /// The file
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// The operator's private key
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
    },
    /// Apply a revocation that two operators have signed; to be done in both zones
    Apply {
        /// The file
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// List who is trusted
    List,
    /// Show one key that is trusted
    Show {
        /// The id of the signing key, or at least 6 digits of its beginning
        #[arg(value_name = "KEY")]
        key: String,
    },
    /// Trust a key no more; what it signed earlier is then refused too
    Remove {
        /// The id of the signing key, or at least 6 digits of its beginning
        #[arg(value_name = "KEY")]
        key: String,
    },
}

/// Whose card it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Role {
    /// The peer: signs batches and status files, and is sealed to
    Peer,
    /// An operator: signs acts
    Operator,
    /// An auditor: signs nothing, and can open every file sealed from then on
    Auditor,
}

/// The Chinese texts of the verb's own arguments: verb, argument, text.
pub const CHINESE: &[(&str, &str, &str)] = &[
    ("trust add", "", "在与持有人核对指纹之后信任一张名片"),
    ("trust add", "card", "名片文件"),
    ("trust add", "fingerprint", "名片持有人告知的指纹；省略时当场询问"),
    ("trust add", "role", "名片属于谁：peer 对端，operator 操作员，auditor 审计员"),
    ("trust activate", "", "在与对端操作员核对指纹之后启用其公告的密钥"),
    ("trust activate", "fingerprint", "对端操作员告知的指纹；省略时当场询问"),
    ("trust revoke", "", "写出吊销书，使可能落入他人之手的某区密钥失效；须两名操作员签名"),
    ("trust revoke", "key", "签名密钥的编号，或其开头至少 6 位"),
    ("trust revoke", "out", "写到何处"),
    ("trust revoke", "reason", "原因，写成一行"),
    ("trust revoke", "through", "某流有效部分少于本区所知；0 表示全部无效。可为多个流给出"),
    ("trust revoke", "statuses", "最后有效的状态文件编号 [默认：本区所知的最后一份]"),
    ("trust revoke", "keys", "操作员私钥；两人同时签名时给出两次"),
    ("trust sign", "", "以操作员身份签署吊销书"),
    ("trust sign", "file", "吊销书文件"),
    ("trust sign", "key", "操作员私钥"),
    ("trust apply", "", "应用两名操作员已签署的吊销书；两区都须执行"),
    ("trust apply", "file", "吊销书文件"),
    ("trust list", "", "列出受信任者"),
    ("trust show", "", "显示一个受信密钥"),
    ("trust show", "key", "签名密钥的编号，或其开头至少 6 位"),
    ("trust remove", "", "不再信任一个密钥；它此前的签名也将被拒绝"),
    ("trust remove", "key", "签名密钥的编号，或其开头至少 6 位"),
];

/// Runs the verb.
///
/// # Errors
/// When a file cannot be used, a fingerprint differs, or a key is not known.
pub fn run(args: TrustArgs, context: &Context) -> Result<Output, Fault> {
    let config = desk::config(context)?;
    match args.verb {
        TrustVerb::Add { card, fingerprint, role } => add(&config, &card, fingerprint, role, context),
        TrustVerb::Activate { fingerprint } => super::rotation::activate(fingerprint, context),
        TrustVerb::Revoke { key, out, reason, through, statuses, keys } => {
            let draft = super::revocation::Draft { key, out, reason, through, statuses, keys };
            super::revocation::revoke(&draft, context)
        }
        TrustVerb::Sign { file, key } => super::revocation::sign(&file, &key, context),
        TrustVerb::Apply { file } => super::revocation::apply(&file, context),
        TrustVerb::List => Ok(list(&trust_of(&config)?, context.lang)),
        TrustVerb::Show { key } => {
            let trust = trust_of(&config)?;
            Ok(shown(find(&trust, &key)?, context.lang))
        }
        TrustVerb::Remove { key } => remove(&config, &key, context.lang),
    }
}

fn add(config: &Config, path: &Path, told: Option<String>, role: Role, context: &Context) -> Result<Output, Fault> {
    let card = read_card(path)?;
    fits(config, &card, role)?;
    let mut trust = trust_of(config)?;
    if trust.entry(&card.sign.id()).is_some() {
        return Err(known(&card));
    }
    let told = match told {
        Some(told) => told,
        None => ask(&card, context)?,
    };
    confirm(&card, &told)?;
    let retired = match role {
        Role::Peer => {
            let ends_ms = context.now_ms.saturating_add(OVERLAP_MS);
            trust.put_in_use(&card, Some(ends_ms)).map_err(Fault::internal)?.map(|old| old.to_string())
        }
        Role::Operator | Role::Auditor => {
            trust.add(entry(&card, role)).map_err(Fault::internal)?;
            None
        }
    };
    write_trust(&config.paths.trust, &trust)?;
    let (zone, key) = (&card.zone, card.sign.id());
    let mut human = match context.lang {
        Lang::En => format!("zone {zone}'s key {key} is trusted\n"),
        Lang::Zh => format!("已信任 {zone} 区的密钥 {key}\n"),
    };
    if let Some(old) = &retired {
        human.push_str(&match context.lang {
            Lang::En => format!("its key {old} is retired: what it signed is still accepted\n"),
            Lang::Zh => format!("其原密钥 {old} 已退役：此前的签名仍被接受\n"),
        });
    }
    let json = json!({
        "zone": zone.as_str(), "key": key.to_string(), "role": role_name(role),
        "fingerprint": card.fingerprint().to_string(), "retired": retired,
    });
    Ok(Output::new(human, json))
}

fn read_card(path: &Path) -> Result<Card, Fault> {
    let max = u64::try_from(CARD_BYTES_MAX).unwrap_or(u64::MAX);
    let bytes = durable::read_bounded(path, max).map_err(|error| {
        let path = path.display();
        let next = Text::fixed("name the card's file", "请指定名片文件");
        let exit = if error.kind() == io::ErrorKind::NotFound { ExitCode::NotFound } else { ExitCode::Input };
        Fault::new("card-unreadable", exit, text!("{path}: {error}", "{path}：无法读取（{error}）"), next)
    })?;
    let card = Card::parse(&bytes).map_err(|error| {
        let (path, cause) = (path.display(), format_error(&error));
        let (en, zh) = (cause.get(Lang::En), cause.get(Lang::Zh));
        Fault::new(
            "card-invalid",
            ExitCode::Input,
            text!("{path} is no card: {en}", "{path} 不是名片：{zh}"),
            Text::fixed("ask its owner for it again", "请向其持有人重新索取"),
        )
    })?;
    Ok(card.into_inner())
}

/// Refuses a card of another link, and as the peer's that of another zone.
pub(super) fn fits(config: &Config, card: &Card, role: Role) -> Result<(), Fault> {
    let (link, zone) = (&card.link, &card.zone);
    let (own_link, peer) = (&config.link, &config.peer);
    if link == own_link && (role != Role::Peer || zone == peer) {
        return Ok(());
    }
    Err(Fault::new(
        "card-of-another",
        ExitCode::Input,
        text!(
            "the card is of zone {zone} on link {link}; the peer is {peer} on link {own_link}",
            "名片属于链路 {link} 的 {zone} 区；对端是链路 {own_link} 的 {peer} 区"
        ),
        Text::fixed("ask the peer for its card", "请向对端索取其名片"),
    ))
}

/// Shows the card on standard error and asks for the fingerprint that its owner says.
pub(super) fn ask(card: &Card, context: &Context) -> Result<String, Fault> {
    if !io::stdin().is_terminal() {
        return Err(Fault::new(
            "fingerprint-not-given",
            ExitCode::NotConfirmed,
            Text::fixed("the fingerprint was not given, and nobody can be asked", "未给出指纹，且无人可询问"),
            Text::fixed(
                "ask the card's owner for its fingerprint and give it with --fingerprint",
                "请向名片持有人询问指纹，并用 --fingerprint 给出",
            ),
        ));
    }
    let (zone, link, made) = (&card.zone, &card.link, when::local(card.created_at_ms));
    let fingerprint = card.fingerprint_text();
    let question = match context.lang {
        Lang::En => format!(
            "card of zone {zone}, link {link}, made at {made}\nfingerprint  {fingerprint}\n\
             Call its owner, let them read their fingerprint, and type what you hear.\n> "
        ),
        Lang::Zh => format!(
            "链路 {link} 的 {zone} 区的名片，生成于 {made}\n指纹  {fingerprint}\n\
             请致电持有人，请其读出指纹，并输入所听到的内容。\n> "
        ),
    };
    let mut answer = String::new();
    let mut screen = io::stderr().lock();
    let asked = screen.write_all(question.as_bytes()).and_then(|()| screen.flush());
    asked.and_then(|()| io::stdin().lock().read_line(&mut answer)).map_err(Fault::internal)?;
    Ok(answer)
}

pub(super) fn confirm(card: &Card, told: &str) -> Result<(), Fault> {
    let told: String = told.chars().filter(|c| !c.is_whitespace()).flat_map(char::to_lowercase).collect();
    if told.parse::<Digest>() == Ok(card.fingerprint()) {
        return Ok(());
    }
    Err(Fault::new(
        "fingerprint-differs",
        ExitCode::NotConfirmed,
        Text::fixed("the fingerprint is not that of the card; the card is not trusted", "指纹与名片不符；未信任该名片"),
        Text::fixed(
            "compare again with the card's owner; if it still differs, somebody changed the card on its way",
            "请与持有人再次核对；若仍不符，名片在途中已被调换",
        ),
    ))
}

fn entry(card: &Card, role: Role) -> TrustEntry {
    match role {
        Role::Peer => TrustEntry::of_zone(card, KeyState::Active),
        Role::Operator => TrustEntry::of_operator(card, KeyState::Active),
        Role::Auditor => TrustEntry { objects: Vec::new(), ..TrustEntry::of_zone(card, KeyState::Active) },
    }
}

fn remove(config: &Config, key: &str, lang: Lang) -> Result<Output, Fault> {
    let mut trust = trust_of(config)?;
    let id = find(&trust, key)?.sign.id();
    trust.remove(&id);
    write_trust(&config.paths.trust, &trust)?;
    let human = match lang {
        Lang::En => format!("key {id} is not trusted any more\n"),
        Lang::Zh => format!("不再信任密钥 {id}\n"),
    };
    Ok(Output::new(human, json!({ "removed": id.to_string() })))
}

fn list(trust: &TrustStore, lang: Lang) -> Output {
    let head = match lang {
        Lang::En => ["key", "zone", "link", "role", "state"],
        Lang::Zh => ["密钥", "区", "链路", "角色", "状态"],
    };
    let mut table = Table::new(&head);
    for entry in trust.entries() {
        table.row(vec![
            entry.sign.id().to_string(),
            entry.zone.to_string(),
            entry.link.to_string(),
            role_name(role_of(entry)).to_owned(),
            state_name(&entry.state).to_owned(),
        ]);
    }
    let human = match (trust.entries().is_empty(), lang) {
        (true, Lang::En) => "nobody is trusted\n".to_owned(),
        (true, Lang::Zh) => "尚未信任任何人\n".to_owned(),
        (false, Lang::En | Lang::Zh) => table.text(),
    };
    let entries: Vec<Value> = trust.entries().iter().map(json_of).collect();
    Output::new(human, json!({ "entries": entries }))
}

fn shown(entry: &TrustEntry, lang: Lang) -> Output {
    let (key, encrypt, zone, link) = (entry.sign.id(), entry.encrypt.id(), &entry.zone, &entry.link);
    let (role, state) = (role_name(role_of(entry)), state_name(&entry.state));
    let fingerprint = fingerprint_text(&entry.fingerprint);
    let human = match lang {
        Lang::En => format!(
            "key          {key}\nsealed to    {encrypt}\nzone         {zone}\nlink         {link}\n\
             role         {role}\nstate        {state}\nfingerprint  {fingerprint}\n"
        ),
        Lang::Zh => format!(
            "签名密钥  {key}\n加密密钥  {encrypt}\n区        {zone}\n链路      {link}\n\
             角色      {role}\n状态      {state}\n指纹      {fingerprint}\n"
        ),
    };
    Output::new(human, json_of(entry))
}

fn json_of(entry: &TrustEntry) -> Value {
    let objects: Vec<&str> = entry.objects.iter().map(|kind| kind.name()).collect();
    json!({
        "key": entry.sign.id().to_string(), "encrypt": entry.encrypt.id().to_string(),
        "zone": entry.zone.as_str(), "link": entry.link.as_str(), "role": role_name(role_of(entry)),
        "state": state_name(&entry.state), "objects": objects, "not_after_ms": entry.not_after_ms,
        "fingerprint": entry.fingerprint.to_string(),
    })
}

/// The entry of a key, by its id or the beginning of it.
pub(super) fn find<'t>(trust: &'t TrustStore, key: &str) -> Result<&'t TrustEntry, Fault> {
    let found: Vec<&TrustEntry> =
        trust.entries().iter().filter(|entry| entry.sign.id().to_string().starts_with(key)).collect();
    match found.as_slice() {
        [entry] if key.len() >= PREFIX_CHARS_MIN => Ok(entry),
        _ => Err(Fault::new(
            "key-not-found",
            ExitCode::NotFound,
            text!("{key} does not name exactly one trusted key", "{key} 未能唯一确定一个受信密钥"),
            Text::fixed(
                "see `ferry trust list`, and give at least 6 digits",
                "请查看 `ferry trust list`，并至少给出 6 位",
            ),
        )),
    }
}

pub(super) fn trust_of(config: &Config) -> Result<TrustStore, Fault> {
    if config.paths.trust.symlink_metadata().is_err() {
        return Ok(TrustStore::new());
    }
    read_trust(&config.paths.trust)
}

pub(super) fn known(card: &Card) -> Fault {
    let key = card.sign.id();
    Fault::new(
        "key-known",
        ExitCode::Exists,
        text!("key {key} is in the trust file already", "密钥 {key} 已在信任文件中"),
        text!("see `ferry trust show {key}`", "请查看 `ferry trust show {key}`"),
    )
}

fn role_of(entry: &TrustEntry) -> Role {
    if entry.objects.is_empty() {
        Role::Auditor
    } else if entry.objects.contains(&ferry_format::Kind::Batch) {
        Role::Peer
    } else {
        Role::Operator
    }
}

fn role_name(role: Role) -> &'static str {
    match role {
        Role::Peer => "peer",
        Role::Operator => "operator",
        Role::Auditor => "auditor",
    }
}

fn state_name(state: &KeyState) -> &'static str {
    match state {
        KeyState::Active => "active",
        KeyState::Announced => "announced",
        KeyState::Retired => "retired",
        KeyState::Revoked { .. } => "revoked",
    }
}
