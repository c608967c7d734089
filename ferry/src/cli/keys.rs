//! `ferry keys`: this zone's own keys and card.

use std::io;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use ferry_core::ports::AnchorStore as _;
use ferry_format::limits::CARD_BYTES_MAX;
use ferry_format::{Card, Instance, KeyProvider as _, SoftKeys};
use serde_json::json;

use super::Context;
use super::desk;
use super::output::Output;
use super::when;
use crate::config::Config;
use crate::files::{AnchorFile, durable};
use crate::keyring::{
    create_keys, create_operator, create_trace_key, credentials_directory, load_keys, own_card, trace_key_path,
};
use crate::lang::Text;
use crate::{ExitCode, Fault, Lang, text};

/// The arguments of `ferry keys`.
#[derive(Debug, Args)]
pub struct KeysArgs {
    /// What to do.
    #[command(subcommand)]
    pub verb: KeysVerb,
}

/// What can be done with the zone's keys.
#[derive(Debug, Subcommand)]
pub enum KeysVerb {
    /// Make the zone's keys where there are none
    Init,
    /// Show the ids of the zone's keys, and its public keys
    Show,
    /// Write the zone's public card, to be carried to the peer, and show its fingerprint
    Card {
        /// Where to [default: ZONE.card beside the configuration]
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Make the zone's next keys, which the daemon announces to the peer
    Rotate {
        /// Put others in the place of next keys that are there already: somebody else may have them
        #[arg(long)]
        anew: bool,
    },
    /// Sign with the next keys from now on, after the peer has put them in use
    Finish {
        /// Also if the peer is not known to have put them in use: its operators have the card from somebody's hand
        #[arg(long)]
        at_once: bool,
    },
    /// Make the secret of `ferry trace` where there is none
    Trace,
    /// Make an operator's key where there is none, and its card beside it
    Operator {
        /// The private key's file; the card gets the same name with the ending .card
        #[arg(value_name = "FILE")]
        key: PathBuf,
    },
}

/// The Chinese texts of the verb's own arguments: verb, argument, text.
pub const CHINESE: &[(&str, &str, &str)] = &[
    ("keys init", "", "在没有密钥时生成本区密钥"),
    ("keys show", "", "显示本区密钥的编号与公钥"),
    ("keys card", "", "写出要带给对端的公开名片，并显示其指纹"),
    ("keys rotate", "", "生成下一代密钥，由守护进程向对端公告"),
    ("keys rotate", "anew", "取代已有的下一代密钥：它们可能已落入他人之手"),
    ("keys finish", "", "在对端启用后，自此使用下一代密钥签名"),
    ("keys finish", "at_once", "即使未获知对端已启用：其操作员已当面取得名片"),
    ("keys trace", "", "在没有时生成 `ferry trace` 所用的密钥"),
    ("keys operator", "", "在没有密钥时生成一名操作员的密钥及其名片"),
    ("keys operator", "key", "私钥文件；名片与其同名，以 .card 结尾"),
    ("keys card", "out", "写到何处 [默认：配置文件旁的 ZONE.card]"),
];

/// Runs the verb.
///
/// # Errors
/// When the configuration or the keys cannot be used, or something is there that would be overwritten.
pub fn run(args: KeysArgs, context: &Context) -> Result<Output, Fault> {
    let config = desk::config(context)?;
    match args.verb {
        KeysVerb::Init => {
            let keys = create_keys(&config)?;
            shown(&config, &keys, context.lang)
        }
        KeysVerb::Show => shown(&config, &load(&config)?, context.lang),
        KeysVerb::Card { out } => card(&config, out, context),
        KeysVerb::Rotate { anew } => super::rotation::rotate(&config, anew, context),
        KeysVerb::Finish { at_once } => super::rotation::finish(&config, at_once, context),
        KeysVerb::Trace => trace(&config, context.lang),
        KeysVerb::Operator { key } => operator(&config, &key, context),
    }
}

fn load(config: &Config) -> Result<SoftKeys, Fault> {
    load_keys(config, credentials_directory().as_deref())
}

fn shown(config: &Config, keys: &SoftKeys, lang: Lang) -> Result<Output, Fault> {
    let zone = &config.zone;
    let sign = keys.sign_key_id();
    let encrypt = keys.encrypt_key_ids();
    let sign_pem = keys.sign_public().to_pem().map_err(Fault::internal)?;
    let encrypt_pem = keys.encrypt_public().to_pem().map_err(Fault::internal)?;
    let ids = encrypt.iter().map(ToString::to_string).collect::<Vec<_>>();
    let list = ids.join(" ");
    let human = match lang {
        Lang::En => format!("zone {zone}\nsigns with    {sign}\n{sign_pem}unwraps with  {list}\n{encrypt_pem}"),
        Lang::Zh => format!("{zone} 区\n签名密钥  {sign}\n{sign_pem}解封密钥  {list}\n{encrypt_pem}"),
    };
    let json = json!({
        "zone": zone.as_str(), "link": config.link.as_str(), "sign": sign.to_string(), "encrypt": ids,
        "sign_pem": sign_pem, "encrypt_pem": encrypt_pem,
    });
    Ok(Output::new(human, json))
}

/// Writes the card, or shows the one that is there: a second card of the same keys would have another fingerprint.
fn card(config: &Config, out: Option<PathBuf>, context: &Context) -> Result<Output, Fault> {
    let keys = load(config)?;
    let path = out.unwrap_or_else(|| config.directory().join(format!("{}.card", config.zone)));
    let max = u64::try_from(CARD_BYTES_MAX).unwrap_or(u64::MAX);
    let (card, new) = match durable::read_bounded(&path, max) {
        Ok(bytes) => (existing(config, &path, &bytes, &keys)?, false),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let card = own_card(config, &keys, instance(config)?, context.now_ms);
            let bytes = card.write(&keys).map_err(Fault::internal)?;
            durable::publish_new(&path, &bytes, durable::GROUP_READABLE).map_err(|error| unwritable(&path, &error))?;
            (card, true)
        }
        Err(error) => return Err(unwritable(&path, &error)),
    };
    let (file, fingerprint, made) = (path.display(), card.fingerprint_text(), when::local(card.created_at_ms));
    let human = match (context.lang, new) {
        (Lang::En, true) => format!("{file} was written\nfingerprint  {fingerprint}\n"),
        (Lang::En, false) => format!("{file} was made at {made}\nfingerprint  {fingerprint}\n"),
        (Lang::Zh, true) => format!("已写出 {file}\n指纹  {fingerprint}\n"),
        (Lang::Zh, false) => format!("{file} 生成于 {made}\n指纹  {fingerprint}\n"),
    };
    let fingerprint = card.fingerprint().to_string();
    Ok(Output::new(human, json!({ "card": path, "new": new, "fingerprint": fingerprint })))
}

/// Makes the secret that a zone of before `ferry trace` lacks.
fn trace(config: &Config, lang: Lang) -> Result<Output, Fault> {
    create_trace_key(config)?;
    let path = trace_key_path(config);
    let file = path.display();
    let human = match lang {
        Lang::En => {
            format!("{file} was made\nnext: start the daemon anew; batches from then on are found by `ferry trace`\n")
        }
        Lang::Zh => format!("已生成 {file}\n下一步：重新启动守护进程；此后的批次可用 `ferry trace` 查找\n"),
    };
    Ok(Output::new(human, json!({ "secret": path })))
}

/// Makes an operator's key and card. Both zones are to trust the card.
fn operator(config: &Config, path: &Path, context: &Context) -> Result<Output, Fault> {
    let keys = create_operator(path)?;
    let card = own_card(config, &keys, None, context.now_ms);
    let bytes = card.write(&keys).map_err(Fault::internal)?;
    let file = path.with_extension("card");
    durable::publish_new(&file, &bytes, durable::GROUP_READABLE).map_err(|error| unwritable(&file, &error))?;
    let (key, file, fingerprint) = (path.display(), file.display(), card.fingerprint_text());
    let human = match context.lang {
        Lang::En => format!(
            "{key} was made; nobody but its operator may have it\n{file} is its card\nfingerprint  {fingerprint}\n\
             trust it in both zones: ferry trust add {file} --role operator\n"
        ),
        Lang::Zh => format!(
            "已生成 {key}；仅操作员本人可持有\n{file} 为其名片\n指纹  {fingerprint}\n\
             请在两区信任：ferry trust add {file} --role operator\n"
        ),
    };
    let json =
        json!({ "key": path, "card": path.with_extension("card"), "fingerprint": card.fingerprint().to_string() });
    Ok(Output::new(human, json))
}

fn existing(config: &Config, path: &Path, bytes: &[u8], keys: &SoftKeys) -> Result<Card, Fault> {
    let card = Card::parse(bytes).ok().map(ferry_format::Verified::into_inner);
    let own = card.filter(|card| {
        let same_keys = card.sign == *keys.sign_public() && card.encrypt == *keys.encrypt_public();
        same_keys && card.zone == config.zone && card.link == config.link
    });
    own.ok_or_else(|| {
        let path = path.display();
        Fault::new(
            "card-exists",
            ExitCode::Exists,
            text!("{path} is there already, and is not the card of these keys", "{path} 已存在，且不是这些密钥的名片"),
            Text::fixed("name another file with --out, or move that one away", "请用 --out 指定其他文件，或移走该文件"),
        )
    })
}

/// The id of the zone's database, from the anchor.
fn instance(config: &Config) -> Result<Option<Instance>, Fault> {
    let anchor = AnchorFile::new(config.paths.anchor.clone()).load().map_err(|error| {
        Fault::new(
            "anchor-unreadable",
            ExitCode::Corrupt,
            text!("{error}", "锚文件无法使用：{error}"),
            Text::fixed("check the disk; keep the zone's files as they are", "请检查磁盘；保持本区文件原样"),
        )
    })?;
    Ok(anchor.map(|anchor| anchor.instance))
}

pub(super) fn unwritable(path: &Path, error: &io::Error) -> Fault {
    let path = path.display();
    Fault::new(
        "card-unusable",
        ExitCode::Storage,
        text!("{path}: {error}", "{path}：无法读写（{error}）"),
        Text::fixed("name another file with --out", "请用 --out 指定其他文件"),
    )
}
