//! The log: to the journal where there is one, to standard error otherwise.

use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::{Log, LogLevel, LogTarget};
use crate::error::Fault;
use crate::exit::ExitCode;
use crate::lang::Text;

/// Starts the log of this process.
///
/// # Errors
/// When the journal was asked for and there is none.
pub fn start(log: Log) -> Result<(), Fault> {
    let registry = tracing_subscriber::registry().with(level(log.level));
    let journal = match log.target {
        LogTarget::Stderr => None,
        LogTarget::Auto => tracing_journald::layer().ok(),
        LogTarget::Journal => Some(tracing_journald::layer().map_err(|error| no_journal(&error))?),
    };
    match journal {
        // A second start in one process (tests) keeps the first one's log.
        Some(journal) => drop(registry.with(journal).try_init()),
        None => {
            let stderr = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(false);
            drop(registry.with(stderr).try_init());
        }
    }
    Ok(())
}

fn level(level: LogLevel) -> LevelFilter {
    match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    }
}

fn no_journal(error: &std::io::Error) -> Fault {
    Fault::new(
        "no-journal",
        ExitCode::Config,
        crate::text!(
            "log.target is `journal`, and there is no journal: {error}",
            "log.target 为 `journal`，但系统没有 journal：{error}"
        ),
        Text::fixed("set log.target to `auto` or `stderr`", "请将 log.target 设为 `auto` 或 `stderr`"),
    )
}
