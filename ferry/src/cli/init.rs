//! `ferry init`: makes a zone, from directories and keys to the database, and never overwrites anything.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;
use ferry_core::contract::Contract;
use ferry_core::ports::{Anchor, AnchorStore as _, Store as _};
use ferry_format::{Carrier, Instance, LinkId, TrustStore, ZoneName};
use rustix::fs::Mode;
use serde_json::json;

use super::Context;
use super::new_database::{self, NewDatabase};
use super::output::Output;
use crate::config::{Config, Template, check_layout, load_contract, load_schema};
use crate::files::{AnchorFile, durable};
use crate::keyring::{OsEntropy, create_keys, create_trace_key, own_card, write_trust};
use crate::lang::Text;
use crate::store::{SqliteStore, TraceKey, fault as store_fault};
use crate::{ExitCode, Fault, Lang, text};

/// The name of the configuration file in a zone's directory.
const CONFIG: &str = "ferry.toml";

/// The arguments of `ferry init`.
#[derive(Debug, Args)]
pub struct InitArgs {
    /// The zone's directory; made if it is missing
    #[arg(long, value_name = "DIR", required_unless_present = "database_only")]
    pub dir: Option<PathBuf>,
    /// This zone
    #[arg(long, required_unless_present = "database_only")]
    pub zone: Option<ZoneName>,
    /// The zone on the other side of the gate
    #[arg(long, required_unless_present = "database_only")]
    pub peer: Option<ZoneName>,
    /// The link between the two; the same on both sides
    #[arg(long, required_unless_present = "database_only")]
    pub link: Option<LinkId>,
    /// The contract: which tables cross, and who owns each
    #[arg(long, value_name = "FILE", required_unless_present = "database_only")]
    pub contract: Option<PathBuf>,
    /// The database to be made [default: ZONE.db in the zone's directory]
    #[arg(long, value_name = "FILE")]
    pub database: Option<PathBuf>,
    /// Where the gate takes files [default: to-gate in the zone's directory]
    #[arg(long, value_name = "DIR")]
    pub to_gate: Option<PathBuf>,
    /// Where the gate puts files [default: from-gate in the zone's directory]
    #[arg(long, value_name = "DIR")]
    pub from_gate: Option<PathBuf>,
    /// Divide all times; above 1 for demonstrations only
    #[arg(long, value_name = "N")]
    pub time_scale: Option<u64>,
    /// How files are dressed for the gate: raw, base64, xml
    #[arg(long)]
    pub carrier: Option<String>,
    /// The extension that the gate lets through
    #[arg(long)]
    pub extension: Option<String>,
    /// Make only the database anew, of a zone that has lost it and has no backup; --config names the zone
    #[arg(long, conflicts_with_all = OF_A_WHOLE_ZONE)]
    pub database_only: bool,
}

/// The arguments that describe a zone, which a zone that is there has in its configuration.
const OF_A_WHOLE_ZONE: [&str; 11] = [
    "dir",
    "zone",
    "peer",
    "link",
    "contract",
    "database",
    "to_gate",
    "from_gate",
    "time_scale",
    "carrier",
    "extension",
];

/// The Chinese texts of the verb's own arguments: verb, argument, text.
pub const CHINESE: &[(&str, &str, &str)] = &[
    ("init", "dir", "本区的目录；不存在时创建"),
    ("init", "zone", "本区名称"),
    ("init", "peer", "网闸对侧的区"),
    ("init", "link", "两区之间的链路，两侧相同"),
    ("init", "contract", "契约：哪些表过闸，各归谁所有"),
    ("init", "database", "要创建的数据库 [默认：本区目录下的 ZONE.db]"),
    ("init", "to_gate", "网闸取走文件的目录 [默认：本区目录下的 to-gate]"),
    ("init", "from_gate", "网闸放入文件的目录 [默认：本区目录下的 from-gate]"),
    ("init", "time_scale", "将所有时间缩短若干倍；大于 1 仅供演示"),
    ("init", "carrier", "文件过闸时的封装形式：raw、base64、xml"),
    ("init", "extension", "网闸放行的扩展名"),
    ("init", "database_only", "仅为已丢失数据库且无备份的区重建数据库；由 --config 指明该区"),
];

/// Makes a zone, or only its database.
///
/// # Errors
/// When something is wrong with the arguments, when anything that would be made is there already, or when a step
/// fails; then the message lists what has been made.
pub fn run(args: InitArgs, context: &Context) -> Result<Output, Fault> {
    if args.database_only {
        return new_database::run(context);
    }
    let plan = Plan::of(&args.named()?, context.lang)?;
    let mut made = Vec::new();
    match plan.carry_out(context.now_ms, &mut made) {
        Ok(card) => Ok(answer(&plan, &card, context.lang)),
        Err(fault) => Err(with_remains(fault, &made)),
    }
}

/// What the command line must name of a whole zone, and the rest of it.
struct Named<'a> {
    dir: &'a Path,
    zone: &'a ZoneName,
    peer: &'a ZoneName,
    link: &'a LinkId,
    contract: &'a Path,
    more: &'a InitArgs,
}

impl InitArgs {
    /// The command line is read so that nothing of it is missing.
    fn named(&self) -> Result<Named<'_>, Fault> {
        let (Some(dir), Some(zone), Some(peer), Some(link), Some(contract)) =
            (&self.dir, &self.zone, &self.peer, &self.link, &self.contract)
        else {
            return Err(Fault::internal("an argument of init is missing"));
        };
        Ok(Named { dir, zone, peer, link, contract, more: self })
    }
}

/// Everything that is to be made, checked before the first of it is.
struct Plan {
    config: Config,
    config_text: String,
    card: PathBuf,
    contract: Contract,
    contract_text: String,
    schema: String,
}

impl Plan {
    fn of(args: &Named<'_>, lang: Lang) -> Result<Self, Fault> {
        let directory = absolute(args.dir)?;
        let contract_file = absolute(args.contract)?;
        let config_text = template(args, &directory, &contract_file)?.render(lang);
        let config = Config::parse(&config_text, &directory.join(CONFIG))?;
        let (contract, contract_text) = load_contract(&contract_file)?;
        let schema = load_schema(&contract_file, &contract, config.database.kind.as_str())?;
        check_zones(&config, &contract)?;
        check_layout(&config)?;
        let card = directory.join(format!("{}.card", args.zone));
        let plan = Self { config, config_text, card, contract, contract_text, schema };
        plan.nothing_is_there()?;
        Ok(plan)
    }

    /// The drop directories may be there: they are often made together with the gate.
    fn nothing_is_there(&self) -> Result<(), Fault> {
        let (config, paths) = (&self.config, &self.config.paths);
        for path in [&config.file, &config.database.path, &paths.trust, &paths.anchor, &self.card] {
            if path.symlink_metadata().is_ok() {
                return Err(exists(path));
            }
        }
        for path in [&paths.keys, &paths.spool, &paths.archive, &paths.quarantine, &config.gate.temporary] {
            let listed = std::fs::read_dir(path).map(|mut entries| entries.next().is_some());
            if listed.unwrap_or_else(|_| path.symlink_metadata().is_ok()) {
                return Err(exists(path));
            }
        }
        Ok(())
    }

    /// The configuration is written last: a zone that has one is whole.
    fn carry_out(&self, now_ms: u64, made: &mut Vec<PathBuf>) -> Result<ferry_format::Card, Fault> {
        let config = &self.config;
        directories(config, made)?;
        let keys = create_keys(config).inspect_err(|_| made.push(config.paths.keys.clone()))?;
        made.push(config.paths.keys.clone());
        let secret = create_trace_key(config)?;
        let mut entropy = OsEntropy::new();
        let instance = Instance(entropy.fresh().map_err(Fault::internal)?);
        self.database(instance, secret, now_ms, &mut entropy, made)?;
        write_trust(&config.paths.trust, &TrustStore::new())?;
        made.push(config.paths.trust.clone());
        let card = own_card(config, &keys, Some(instance), now_ms);
        let bytes = card.write(&keys).map_err(Fault::internal)?;
        publish(&self.card, &bytes, durable::GROUP_READABLE, made)?;
        publish(&config.file, self.config_text.as_bytes(), durable::PRIVATE, made)?;
        Ok(card)
    }

    /// The first anchor comes with the database: nothing was ever sent.
    fn database(
        &self,
        instance: Instance,
        secret: TraceKey,
        now_ms: u64,
        entropy: &mut OsEntropy,
        made: &mut Vec<PathBuf>,
    ) -> Result<(), Fault> {
        let (config, contract, text, schema) = (&self.config, &self.contract, &self.contract_text, &self.schema);
        let new = NewDatabase { config, contract, text, schema, instance, now_ms };
        let store: SqliteStore = new.make(Some(secret), entropy, made)?;
        let failed = |error| store_fault(&error);
        let recovered = store.recover().map_err(|error| failed(error.into()))?;
        let anchor = Anchor {
            instance: recovered.instance,
            sent: recovered.outgoing.into_iter().map(|stream| stream.last).collect(),
            superseding: Vec::new(),
            status_next: 1,
            peer: None,
            audit: recovered.audit,
            before: None,
            restored: false,
        };
        AnchorFile::new(config.paths.anchor.clone()).save(&anchor).map_err(|error| failed(error.into()))?;
        made.push(config.paths.anchor.clone());
        store.close().map_err(|error| failed(error.into()))
    }
}

/// Makes the directories of a zone that are missing.
pub(super) fn directories(config: &Config, made: &mut Vec<PathBuf>) -> Result<(), Fault> {
    let (gate, paths) = (&config.gate, &config.paths);
    let mut wanted = vec![&gate.to_gate, &gate.from_gate, &gate.temporary];
    wanted.extend([&paths.keys, &paths.spool, &paths.archive, &paths.quarantine]);
    for path in wanted {
        directory(path, made)?;
    }
    Ok(())
}

/// Makes a directory where there is none.
pub(super) fn directory(path: &Path, made: &mut Vec<PathBuf>) -> Result<(), Fault> {
    let new = !path.exists();
    durable::create_directory(path).map_err(|error| unwritable(path, &error))?;
    if new {
        made.push(path.to_owned());
    }
    Ok(())
}

/// Both zones must be the contract's.
pub(super) fn check_zones(config: &Config, contract: &Contract) -> Result<(), Fault> {
    let stranger = [&config.zone, &config.peer].into_iter().find(|zone| !contract.zones.contains(zone));
    stranger.map_or(Ok(()), |zone| Err(not_in_contract(zone, contract)))
}

fn template(args: &Named<'_>, directory: &Path, contract: &Path) -> Result<Template, Fault> {
    let more = args.more;
    let in_zone = |path: &Option<PathBuf>, name: String| match path {
        Some(path) => absolute(path),
        None => Ok(PathBuf::from(name)),
    };
    let to_gate = in_zone(&more.to_gate, "to-gate".to_owned())?;
    let mut temporary = to_gate.clone().into_os_string();
    temporary.push(".tmp");
    let database = in_zone(&more.database, format!("{}.db", args.zone))?;
    let from_gate = in_zone(&more.from_gate, "from-gate".to_owned())?;
    let mut template = Template::new()
        .text("zone", args.zone.as_str())
        .text("peer", args.peer.as_str())
        .text("link", args.link.as_str())
        .text("database.path", utf8(&database)?)
        .text("contract.path", utf8(contract)?)
        .text("gate.to_gate", utf8(&to_gate)?)
        .text("gate.from_gate", utf8(&from_gate)?)
        .text("gate.temporary", utf8(Path::new(&temporary))?)
        .text("gate.carrier", more.carrier.as_deref().unwrap_or(Carrier::Raw.name()));
    utf8(directory)?;
    if let Some(extension) = &more.extension {
        template = template.text("gate.extension", extension);
    }
    if let Some(scale) = more.time_scale {
        template = template.number("timers.time_scale", scale);
    }
    Ok(template)
}

fn publish(path: &Path, bytes: &[u8], mode: Mode, made: &mut Vec<PathBuf>) -> Result<(), Fault> {
    durable::publish_new(path, bytes, mode).map_err(|error| {
        let there = error.kind() == std::io::ErrorKind::AlreadyExists;
        if there { exists(path) } else { unwritable(path, &error) }
    })?;
    made.push(path.to_owned());
    Ok(())
}

fn answer(plan: &Plan, card: &ferry_format::Card, lang: Lang) -> Output {
    let (config, paths) = (&plan.config, &plan.config.paths);
    let (file, card_file) = (config.file.display(), plan.card.display());
    let (zone, peer, link) = (&config.zone, &config.peer, &config.link);
    let fingerprint = card.fingerprint_text();
    let made = [
        (&config.file, Text::fixed("configuration", "配置")),
        (&config.database.path, Text::fixed("database", "数据库")),
        (&paths.keys, Text::fixed("private keys", "私钥")),
        (&plan.card, Text::fixed("public card", "公开名片")),
        (&config.gate.to_gate, Text::fixed("for the gate", "送往网闸")),
        (&config.gate.from_gate, Text::fixed("from the gate", "来自网闸")),
    ];
    let mut human = match lang {
        Lang::En => format!("zone {zone} of link {link} is made:\n"),
        Lang::Zh => format!("已建立链路 {link} 的 {zone} 区：\n"),
    };
    for (path, what) in &made {
        let _ = writeln!(human, "  {}  {}", path.display(), what.get(lang));
    }
    human.push_str(&match lang {
        Lang::En => format!(
            "fingerprint of its card:\n  {fingerprint}\n\nnext:\n  1. carry {card_file} to zone {peer}, and its card here\n  \
             2. ferry trust add {peer}.card --config {file}\n  3. ferry run --config {file}\n"
        ),
        Lang::Zh => format!(
            "名片指纹：\n  {fingerprint}\n\n下一步：\n  1. 将 {card_file} 带到 {peer} 区，并带回其名片\n  \
             2. ferry trust add {peer}.card --config {file}\n  3. ferry run --config {file}\n"
        ),
    });
    let json = json!({
        "zone": zone.as_str(), "peer": peer.as_str(), "link": link.as_str(),
        "config": config.file, "database": config.database.path, "card": plan.card,
        "to_gate": config.gate.to_gate, "from_gate": config.gate.from_gate,
        "fingerprint": card.fingerprint().to_string(),
    });
    Output::new(human, json)
}

/// A failure halfway, with what it leaves behind.
pub(super) fn with_remains(fault: Fault, made: &[PathBuf]) -> Fault {
    if made.is_empty() {
        return fault;
    }
    let (en, zh) = (fault.message.get(Lang::En), fault.message.get(Lang::Zh));
    let list = made.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ");
    let (next_en, next_zh) = (fault.next.get(Lang::En), fault.next.get(Lang::Zh));
    Fault {
        message: text!("{en}; made so far: {list}", "{zh}；此前已创建：{list}"),
        next: text!(
            "{next_en}; then remove what was made and run the same command again",
            "{next_zh}；然后删除已创建的内容，再次运行同一命令"
        ),
        ..fault
    }
}

fn absolute(path: &Path) -> Result<PathBuf, Fault> {
    std::path::absolute(path).map(|path| path.components().collect()).map_err(|error| unwritable(path, &error))
}

fn utf8(path: &Path) -> Result<&str, Fault> {
    path.to_str().ok_or_else(|| {
        let path = path.display();
        Fault::new(
            "path-not-utf8",
            ExitCode::Usage,
            text!("{path} is not UTF-8, so the configuration cannot name it", "{path} 不是 UTF-8，无法写入配置"),
            Text::fixed("use another path", "请使用其他路径"),
        )
    })
}

fn exists(path: &Path) -> Fault {
    let path = path.display();
    Fault::new(
        "zone-exists",
        ExitCode::Exists,
        text!("{path} is there already; nothing was made", "{path} 已存在；未创建任何内容"),
        Text::fixed("choose another directory, or move that away", "请另选目录，或移走已有内容"),
    )
}

fn unwritable(path: &Path, error: &std::io::Error) -> Fault {
    let path = path.display();
    Fault::new(
        "path-unusable",
        ExitCode::Storage,
        text!("{path}: {error}", "{path}：无法创建或使用（{error}）"),
        Text::fixed("look at the disk and the owner of the directory", "请检查磁盘与目录属主"),
    )
}

fn not_in_contract(zone: &ZoneName, contract: &Contract) -> Fault {
    let [one, other] = &contract.zones;
    let name = &contract.name;
    Fault::new(
        "zone-not-in-contract",
        ExitCode::Contract,
        text!(
            "contract {name} is between {one} and {other}; it has no zone {zone}",
            "契约 {name} 的双方为 {one} 与 {other}，没有 {zone} 区"
        ),
        Text::fixed(
            "correct the names of zone and peer, or name another contract",
            "请修正本区与对端的名称，或指定其他契约",
        ),
    )
}
