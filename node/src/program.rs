//! The command line that both nodes have, and how a node's program begins and ends.

use std::ffi::OsString;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::Arc;

use clap::{ArgAction, Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use console::{Fault, Lang, Output, blame, output};
use serde::de::DeserializeOwned;
use serde_json::json;
use tokio::sync::watch;

use crate::clock::SystemClock;
use crate::config::{self, NodeConfig};
use crate::database::Database;
use crate::desk::{self, ClientShown};
use crate::entropy::SystemEntropy;
use crate::failure::Failure;
use crate::field_key::{FieldKey, new_key};
use crate::http::Caller;
use crate::people::Role;
use crate::service::Node;

/// One node's program.
pub trait Program: Sized + Send + 'static {
    /// Its name: `inner-node` or `outer-node`.
    const NAME: &'static str;
    /// Its tables, version by version.
    const MIGRATIONS: &'static [&'static str];
    /// What its clients may be allowed.
    const PERMISSIONS: &'static [&'static str];
    /// Its configuration.
    type Config: DeserializeOwned + AsRef<NodeConfig> + Send + Sync + 'static;
    /// The verbs that only it has.
    type Verb: Subcommand + std::fmt::Debug + Send;
    /// The Chinese texts of its own verbs: verb, argument, text.
    const CHINESE: &'static [&'static [(&'static str, &'static str, &'static str)]];

    /// Serves until `end` says so.
    fn serve(
        node: Node,
        config: Self::Config,
        end: watch::Receiver<bool>,
    ) -> impl Future<Output = Result<(), Fault>> + Send;

    /// Does what one of its own verbs asks.
    fn obey(
        node: Node,
        config: Self::Config,
        verb: Self::Verb,
        caller: Caller,
        lang: Lang,
    ) -> impl Future<Output = Result<Output, Fault>> + Send;

    /// The description of its interface.
    fn openapi() -> serde_json::Value;
}

#[derive(Debug, Parser)]
#[command(version, disable_help_subcommand = true, disable_help_flag = true, disable_version_flag = true)]
struct Cli<V: Subcommand> {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    verb: Verb<V>,
    /// Print the version
    #[arg(short = 'V', long, action = ArgAction::Version, display_order = 903)]
    version: Option<bool>,
}

#[derive(Debug, Args)]
struct Global {
    /// The node's configuration file
    #[arg(long, global = true, value_name = "FILE", display_order = 900)]
    config: Option<PathBuf>,
    /// Answer with one JSON document, errors included
    #[arg(long, global = true, display_order = 901)]
    json: bool,
    /// Print help
    #[arg(short, long, global = true, action = ArgAction::Help, display_order = 902)]
    help: Option<bool>,
}

#[derive(Debug, Subcommand)]
enum Verb<V: Subcommand> {
    /// Make the node's own tables, or bring them to this version
    Init,
    /// Serve until told to stop
    Run,
    /// Make a new key of sensitive columns
    FieldKey(FieldKeyArgs),
    /// Keep the people who may use the node
    #[command(subcommand)]
    Person(PersonVerb),
    /// Keep the systems that may send messages
    #[command(subcommand)]
    Client(ClientVerb),
    /// Look into the record of acts
    Record(RecordArgs),
    /// Print the description of the interface (OpenAPI)
    Openapi,
    #[command(flatten)]
    Own(V),
}

#[derive(Debug, Args)]
struct FieldKeyArgs {
    /// The file to make
    path: PathBuf,
}

#[derive(Debug, Subcommand)]
enum PersonVerb {
    /// Add a person; the password is read from standard input
    Add(PersonAddArgs),
    /// Change a person
    Change(PersonChangeArgs),
    /// List all people
    List,
}

#[derive(Debug, Args)]
struct PersonAddArgs {
    /// The name to log in with: lower-case letters and digits
    name: String,
    /// The name of the human being
    #[arg(long)]
    title: String,
    /// What the person may do
    #[arg(long, value_parser = ["administrator", "operator", "reviewer", "auditor"])]
    role: String,
}

#[derive(Debug, Args)]
struct PersonChangeArgs {
    /// The name to log in with
    name: String,
    /// Another role
    #[arg(long, value_parser = ["administrator", "operator", "reviewer", "auditor"])]
    role: Option<String>,
    /// Take another password from standard input
    #[arg(long)]
    password: bool,
    /// Let the person log in no more
    #[arg(long, conflicts_with = "enable")]
    disable: bool,
    /// Let the person log in again
    #[arg(long)]
    enable: bool,
    /// Take the lock after wrong passwords away
    #[arg(long)]
    unlock: bool,
}

#[derive(Debug, Subcommand)]
enum ClientVerb {
    /// Write a client down as it is now
    Put(ClientPutArgs),
    /// List all clients
    List,
}

#[derive(Debug, Args)]
struct ClientPutArgs {
    /// Its id (devId)
    id: String,
    /// Its name
    #[arg(long)]
    title: String,
    /// The file of its SM2 public key in PEM
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// What it may do
    #[arg(long)]
    permission: String,
    /// The agency that it belongs to
    #[arg(long)]
    agency: Option<String>,
    /// Where it is told of what happened
    #[arg(long)]
    notify_url: Option<String>,
    /// Take no messages of it
    #[arg(long)]
    disable: bool,
}

#[derive(Debug, Args)]
struct RecordArgs {
    /// Text in any part of an entry
    #[arg(long)]
    text: Option<String>,
    /// The first time, a beginning of yyyyMMddHHmmssSSS
    #[arg(long)]
    from: Option<String>,
    /// The last time, the same way
    #[arg(long)]
    to: Option<String>,
    /// Check that no entry was changed or taken out
    #[arg(long)]
    check: bool,
}

const CHINESE: &[(&str, &str, &str)] = &[
    ("", "config", "本节点的配置文件"),
    ("", "json", "以一个 JSON 文档回答，出错时亦然"),
    ("", "help", "显示帮助"),
    ("", "version", "显示版本"),
    ("init", "", "建立本节点自有的表，或升级到本版本"),
    ("run", "", "运行服务，直至收到停止信号"),
    ("field-key", "", "生成敏感字段密钥"),
    ("field-key", "path", "要生成的文件"),
    ("person", "", "维护可使用本节点的人员"),
    ("person add", "", "增加人员，口令从标准输入读取"),
    ("person add", "name", "登录名：小写字母和数字"),
    ("person add", "title", "姓名"),
    ("person add", "role", "角色：系统管理员、操作员、复核员、审计员"),
    ("person change", "", "修改人员"),
    ("person change", "name", "登录名"),
    ("person change", "role", "新角色"),
    ("person change", "password", "从标准输入读取新口令"),
    ("person change", "disable", "停用"),
    ("person change", "enable", "启用"),
    ("person change", "unlock", "解除因口令错误的锁定"),
    ("person list", "", "列出全部人员"),
    ("client", "", "维护可发送报文的接入系统"),
    ("client put", "", "登记或更新接入系统"),
    ("client put", "id", "编号（devId）"),
    ("client put", "title", "名称"),
    ("client put", "key", "其 SM2 公钥（PEM）文件"),
    ("client put", "permission", "权限"),
    ("client put", "agency", "所属单位"),
    ("client put", "notify_url", "通知地址"),
    ("client put", "disable", "不再受理其报文"),
    ("client list", "", "列出全部接入系统"),
    ("record", "", "查询操作记录"),
    ("record", "text", "记录任一部分所含文字"),
    ("record", "from", "起始时间，yyyyMMddHHmmssSSS 的前若干位"),
    ("record", "to", "终止时间，同上"),
    ("record", "check", "检查记录是否被改动或抽走"),
    ("openapi", "", "输出接口说明（OpenAPI）"),
];

/// The whole program.
#[must_use]
pub fn main<P: Program>() -> process::ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let lang = Lang::from_environment();
    let json = blame::asks_for_json(&arguments);
    let parsed = command::<P>(lang).try_get_matches_from(&arguments);
    let cli = match parsed.and_then(|matches| Cli::<P::Verb>::from_arg_matches(&matches)) {
        Ok(cli) => cli,
        Err(error) => return output::finish(blame::judge(&error, P::NAME), lang, json),
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return output::finish(Err(Fault::internal(error)), lang, json),
    };
    let result = runtime.block_on(run::<P>(cli.verb, cli.global.config, lang));
    output::finish(result, lang, json)
}

/// The command line, with its help in a language.
#[must_use]
pub fn command<P: Program>(lang: Lang) -> clap::Command {
    let command = Cli::<P::Verb>::command().name(P::NAME).bin_name(P::NAME);
    match lang {
        Lang::En => command,
        Lang::Zh => console::chinese::localise(command, &text_of::<P>),
    }
}

/// The Chinese text of a verb or an argument.
#[must_use]
pub fn text_of<P: Program>(verb: &str, argument: &str) -> Option<&'static str> {
    let lines = CHINESE.iter().chain(P::CHINESE.iter().copied().flatten());
    let of =
        |verb: &str| lines.clone().find(|(of, name, _)| *of == verb && *name == argument).map(|(_, _, text)| *text);
    of(verb)
}

async fn run<P: Program>(verb: Verb<P::Verb>, file: Option<PathBuf>, lang: Lang) -> Result<Output, Fault> {
    match verb {
        Verb::Openapi => {
            let document = P::openapi();
            let human = serde_json::to_string_pretty(&document).map_err(Fault::internal)?;
            return Ok(Output::new(format!("{human}\n"), document));
        }
        Verb::FieldKey(args) => return make_key(&args.path),
        Verb::Init | Verb::Run | Verb::Person(_) | Verb::Client(_) | Verb::Record(_) | Verb::Own(_) => {}
    }
    let file = file.unwrap_or_else(|| PathBuf::from(format!("/etc/ferry/{}.toml", P::NAME)));
    let config: P::Config = config::read(&file)?;
    let node = open::<P>(config.as_ref()).await?;
    let caller = Caller::local("console");
    match verb {
        Verb::Init => Ok(done(lang, "the node's tables are ready", "节点的表已就绪")),
        Verb::Run => serve::<P>(node, config).await.map(|()| Output::silent()),
        Verb::Person(verb) => person(&node, &caller, verb, lang).await,
        Verb::Client(verb) => client::<P>(&node, &caller, verb, lang).await,
        Verb::Record(args) => search(&node, args, lang).await,
        Verb::Own(verb) => P::obey(node, config, verb, caller, lang).await,
        Verb::Openapi | Verb::FieldKey(_) => Err(Fault::internal("a verb was not done where it should have been")),
    }
}

/// Opens what a node works with, and brings its tables to this version.
///
/// # Errors
/// When configuration, key or database cannot be used.
pub async fn open<P: Program>(config: &NodeConfig) -> Result<Node, Fault> {
    let policy = config.policy()?;
    let field_key = FieldKey::read(&config.field_key)?;
    let database = Database::open(&config.database).await?;
    database.migrate(P::NAME, P::MIGRATIONS).await?;
    Ok(Node {
        database,
        clock: Arc::new(SystemClock),
        entropy: Arc::new(SystemEntropy::new()),
        field_key: Arc::new(field_key),
        policy: Arc::new(policy),
    })
}

/// Serves until the process is told to end by a signal.
async fn serve<P: Program>(node: Node, config: P::Config) -> Result<(), Fault> {
    start_log();
    let (stop, end) = watch::channel(false);
    let mut signals = signals()?;
    std::thread::spawn(move || {
        if signals.forever().next().is_some() {
            // An error says that nobody listens any more: the node has ended by itself.
            let _ended = stop.send(true);
        }
    });
    P::serve(node, config, end).await
}

fn signals() -> Result<signal_hook::iterator::Signals, Fault> {
    use signal_hook::consts::signal::{SIGINT, SIGTERM};
    signal_hook::iterator::Signals::new([SIGTERM, SIGINT]).map_err(Fault::internal)
}

/// To the journal where there is one, else to standard error.
fn start_log() {
    use tracing_subscriber::layer::SubscriberExt as _;
    use tracing_subscriber::util::SubscriberInitExt as _;
    let level = tracing_subscriber::filter::LevelFilter::INFO;
    let journal = tracing_journald::layer().ok();
    let human = journal.is_none().then(|| tracing_subscriber::fmt::layer().with_writer(std::io::stderr));
    // A second start in one process, as tests have it, keeps the first log.
    drop(tracing_subscriber::registry().with(level).with(journal).with(human).try_init());
}

fn done(lang: Lang, en: &'static str, zh: &'static str) -> Output {
    let text = console::Text::fixed(en, zh);
    Output::new(format!("{}\n", text.get(lang)), json!({ "done": true }))
}

fn make_key(path: &Path) -> Result<Output, Fault> {
    let text = new_key(&SystemEntropy::new()).map_err(|failure| failure.fault())?;
    let shown = path.display().to_string();
    let unwritten = |error: std::io::Error| {
        Fault::new(
            "field-key",
            if error.kind() == std::io::ErrorKind::AlreadyExists {
                console::ExitCode::Exists
            } else {
                console::ExitCode::Storage
            },
            console::text!("{shown} cannot be made: {error}", "无法生成 {shown}：{error}"),
            console::Text::fixed("take another path; a key is never overwritten", "请换一个路径；密钥不会被覆盖"),
        )
    };
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let mut file = file.map_err(unwritten)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(unwritten)?;
    let id = FieldKey::read(path)?.id().to_owned();
    Ok(Output::new(format!("{id}\n"), json!({ "key_id": id })))
}

fn password() -> Result<String, Fault> {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).map_err(Fault::internal)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

fn role(name: &str) -> Result<Role, Fault> {
    Role::parse(name).ok_or_else(|| Fault::internal("a role that the command line let through is none"))
}

async fn person(node: &Node, caller: &Caller, verb: PersonVerb, lang: Lang) -> Result<Output, Fault> {
    let failed = |failure: Failure| failure.fault();
    match verb {
        PersonVerb::Add(args) => {
            let asked =
                desk::NewPerson { role: role(&args.role)?, name: args.name, title: args.title, password: password()? };
            desk::add_person(node, caller, asked).await.map_err(failed)?;
            Ok(done(lang, "the person was added", "人员已增加"))
        }
        PersonVerb::Change(args) => {
            let asked = desk::ChangedPerson {
                name: args.name,
                title: None,
                role: args.role.as_deref().map(role).transpose()?,
                password: args.password.then(password).transpose()?,
                is_enabled: (args.disable || args.enable).then_some(args.enable),
                unlock: args.unlock,
            };
            desk::change_person(node, caller, asked).await.map_err(failed)?;
            Ok(done(lang, "the person was changed", "人员已修改"))
        }
        PersonVerb::List => {
            let people = desk::list_people(node).await.map_err(failed)?;
            let line = |one: &desk::PersonShown| {
                let state = if one.is_locked {
                    "locked"
                } else if one.is_enabled {
                    "enabled"
                } else {
                    "disabled"
                };
                format!("{}\t{}\t{}\t{state}\n", one.name, one.role.as_str(), one.title)
            };
            Ok(Output::new(people.iter().map(line).collect::<String>(), json!({ "people": people })))
        }
    }
}

async fn client<P: Program>(node: &Node, caller: &Caller, verb: ClientVerb, lang: Lang) -> Result<Output, Fault> {
    let failed = |failure: Failure| failure.fault();
    match verb {
        ClientVerb::Put(args) => {
            let shown = args.key.display();
            let public_key = std::fs::read_to_string(&args.key).map_err(|error| {
                Fault::new(
                    "public-key",
                    console::ExitCode::Input,
                    console::text!("{shown} cannot be read: {error}", "{shown} 无法读取：{error}"),
                    console::Text::fixed("name the client's public key in PEM", "请指明接入系统的 PEM 公钥"),
                )
            })?;
            let asked = ClientShown {
                id: args.id,
                title: args.title,
                public_key,
                permission: args.permission,
                agency_id: args.agency,
                notify_url: args.notify_url,
                is_enabled: !args.disable,
            };
            let kept = desk::put_client(node, caller, asked, P::PERMISSIONS).await.map_err(failed)?;
            let said = done(lang, "the client was written down", "接入系统已登记").human;
            let warning = if lang == Lang::Zh { &kept.warning_zh } else { &kept.warning };
            let warned = warning.iter().map(|warning| format!("{warning}\n")).collect::<String>();
            Ok(Output::new(format!("{said}{warned}"), json!(kept)))
        }
        ClientVerb::List => {
            let clients = desk::list_clients(node).await.map_err(failed)?;
            let line = |one: &ClientShown| {
                let state = if one.is_enabled { "enabled" } else { "disabled" };
                format!("{}\t{}\t{}\t{state}\n", one.id, one.permission, one.title)
            };
            Ok(Output::new(clients.iter().map(line).collect::<String>(), json!({ "clients": clients })))
        }
    }
}

async fn search(node: &Node, args: RecordArgs, lang: Lang) -> Result<Output, Fault> {
    let failed = |failure: Failure| failure.fault();
    if args.check {
        let broken = node.database.read(|connection| Box::pin(crate::record::first_broken(connection))).await;
        return match broken.map_err(failed)? {
            None => Ok(done(lang, "the record is whole", "操作记录完整")),
            Some(id) => Err(Fault::new(
                "record-broken",
                console::ExitCode::Corrupt,
                console::text!(
                    "entry {id} of the record does not follow on the one before it",
                    "操作记录第 {id} 条与前一条不衔接"
                ),
                console::Text::fixed("compare the record with a backup", "请与备份比对操作记录"),
            )),
        };
    }
    let asked = desk::RecordAsked { text: args.text, from: args.from, to: args.to, before: None };
    let found = desk::search(node, asked).await.map_err(failed)?;
    let line = |entry: &desk::Entry| {
        format!("{}\t{}\t{}\t{}\t{}\t{}\n", entry.id, entry.time, entry.who, entry.address, entry.what, entry.object)
    };
    Ok(Output::new(found.entries.iter().map(line).collect::<String>(), json!(found)))
}
