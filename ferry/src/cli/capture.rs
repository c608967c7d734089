//! `ferry capture`: whether the triggers stand by which changes are captured, and putting them back.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use clap::{Args, Subcommand};
use ferry_core::contract::Contract;
use serde_json::json;

use super::output::Output;
use super::{Context, desk};
use crate::config::{Config, DatabaseKind, load_contract};
use crate::store::{CaptureState, Registration, SqliteStore, StoreError, TableState, fault, stale};
use crate::{ExitCode, Fault, Lang};

/// The arguments of `ferry capture`.
#[derive(Debug, Args)]
#[command(arg_required_else_help = true)]
pub struct CaptureArgs {
    /// What to do.
    #[command(subcommand)]
    verb: CaptureVerb,
}

#[derive(Debug, Subcommand)]
enum CaptureVerb {
    /// Tell for every table whether its triggers stand as they were installed, and what is wrong
    Show,
    /// Put the triggers on the tables anew, after checking that no change can escape them
    Install(InstallArgs),
}

#[derive(Debug, Args)]
struct InstallArgs {
    /// A table with rows whose triggers did not stand; you say that nothing was written to it meanwhile, or that `ferry load`
    /// will send its rows
    #[arg(long, value_name = "TABLE")]
    unchanged: Vec<String>,
}

/// The Chinese texts of the verb: verb, argument, text.
pub const CHINESE: &[(&str, &str, &str)] = &[
    ("capture", "", "查看捕获变更的触发器是否完好，并重新安装"),
    ("capture show", "", "逐表说明触发器是否与安装时一致，以及问题所在"),
    ("capture install", "", "检查无变更可绕过之后，重新为各表安装触发器"),
    ("capture install", "unchanged", "触发器曾缺失且有数据的表；声明其间没有写入，或随后以 `ferry load` 发送其数据"),
];

/// Shows or installs.
///
/// # Errors
/// When the database or the contract cannot be read, when the tables would let changes escape, or, after showing, when something
/// is not as it was installed.
pub fn run(args: CaptureArgs, context: &Context) -> Result<Output, Fault> {
    let config = desk::config(context)?;
    let (contract, text) = load_contract(&config.contract)?;
    let store = match config.database.kind {
        DatabaseKind::Sqlite => {
            SqliteStore::open(&config.database.path, &config.link).map_err(|error| fault(&error))?
        }
    };
    let epochs = BTreeMap::new();
    let now_ms = context.now_ms;
    let registration = Registration { zone: &config.zone, contract: &contract, text: &text, epochs: &epochs, now_ms };
    let registered = store.register(&registration).map_err(|error| fault(&error))?;
    if let Some(fault) = stale(&registered) {
        return Err(fault);
    }
    let output = match args.verb {
        CaptureVerb::Show => show(&store, &registration, context.lang),
        CaptureVerb::Install(args) => install(&store, &registration, args.unchanged, &config, &contract, context.lang),
    };
    store.close().map_err(|error| fault(&StoreError::from(error)))?;
    output
}

fn show(store: &SqliteStore, registration: &Registration<'_>, lang: Lang) -> Result<Output, Fault> {
    let state = store.capture_state(registration).map_err(|error| fault(&error))?;
    let whole = state.tables.iter().all(|table| table.flaws.is_empty());
    let output = Output::new(text(&state, lang), document(&state));
    Ok(if whole { output } else { output.ending(ExitCode::Capture) })
}

fn install(
    store: &SqliteStore,
    registration: &Registration<'_>,
    unchanged: Vec<String>,
    config: &Config,
    contract: &Contract,
    lang: Lang,
) -> Result<Output, Fault> {
    let unchanged: BTreeSet<String> = unchanged.into_iter().collect();
    let report = store.install_capture(registration, &unchanged).map_err(|error| fault(&error))?;
    let (captured, guarded) = (report.captured.len(), report.guarded.len());
    let (zone, name) = (&config.zone, &contract.name);
    let human = match lang {
        Lang::En => format!(
            "contract {name} in zone {zone}: {captured} tables are captured, {guarded} replicas are guarded\n\
             a daemon that runs takes notice by itself\n"
        ),
        Lang::Zh => format!(
            "{zone} 区，契约 {name}：已为 {captured} 张表安装捕获，为 {guarded} 张副本表安装保护\n\
             运行中的守护进程会自行察觉\n"
        ),
    };
    let json = json!({ "captured": report.captured, "guarded": report.guarded, "unchanged": unchanged });
    Ok(Output::new(human, json))
}

fn text(state: &CaptureState, lang: Lang) -> String {
    let mut text = String::new();
    for TableState { stream, table, own, flaws } in &state.tables {
        let part = match (own, lang) {
            (true, Lang::En) => "captured",
            (false, Lang::En) => "guarded",
            (true, Lang::Zh) => "已捕获",
            (false, Lang::Zh) => "已保护",
        };
        if flaws.is_empty() {
            let _ = writeln!(text, "{stream}  {table}  {part}");
        }
        for flaw in flaws {
            let _ = writeln!(text, "{stream}  {table}  ! {flaw}");
        }
    }
    if state.tables.iter().any(|table| !table.flaws.is_empty()) {
        text.push_str(match lang {
            Lang::En => {
                "changes may escape, so these streams stop until `ferry capture install` has put the triggers back\n"
            }
            Lang::Zh => "变更可能绕过捕获，这些数据流已停住，直至 `ferry capture install` 重新安装触发器\n",
        });
    }
    text
}

fn document(state: &CaptureState) -> serde_json::Value {
    let one = |TableState { stream, table, own, flaws }: &TableState| {
        let flaws: Vec<String> = flaws.iter().map(ToString::to_string).collect();
        json!({ "stream": stream.as_str(), "table": table, "own": own, "flaws": flaws })
    };
    json!({ "tables": state.tables.iter().map(one).collect::<Vec<_>>() })
}
