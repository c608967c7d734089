//! The configuration file of a zone, `ferry.toml`. `docs/configuration.md` lists every field.

mod contract_file;
mod fields;
pub mod preflight;
mod reader;
mod template;
#[cfg(test)]
mod tests;

use std::io::Read as _;
use std::path::{Path, PathBuf};

use ferry_format::{Carrier, LinkId, ZoneName};

pub use contract_file::{load_contract, load_schema};
pub use fields::{CARRIED_BYTES_MAX, FIELDS, Field, Kind, RESEND_STEPS_MAX};
pub use preflight::{ZoneLock, check_directories, check_keys, check_layout, check_private, preflight};
pub use template::Template;

use crate::error::Fault;
use crate::exit::ExitCode;
use crate::lang::Text;
use crate::text;
use fields::TIMER_MS_MAX;
use reader::{NameOrNumbers, Section, Source};

/// A configuration file is a few kilobytes; what is larger is another file.
const CONFIG_BYTES_MAX: u64 = 1 << 20;

/// The configuration of a zone. All paths are absolute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The file that it was read from.
    pub file: PathBuf,
    /// This zone.
    pub zone: ZoneName,
    /// The zone on the other side of the gate.
    pub peer: ZoneName,
    /// The link between them.
    pub link: LinkId,
    /// A note for people; may be empty.
    pub note: String,
    /// The zone's database.
    pub database: Database,
    /// The contract's file.
    pub contract: PathBuf,
    /// The drop directories and what is known of the gate.
    pub gate: GateConfig,
    /// Where the zone keeps its files.
    pub paths: Paths,
    /// How much may be under way.
    pub flow: Flow,
    /// When things happen; as written, see [`Config::scaled`].
    pub timers: Timers,
    /// How much of the refused is kept.
    pub quarantine: QuarantineLimits,
    /// What is kept of what has been applied.
    pub archive: ArchiveLimits,
    /// What is logged, and where to.
    pub log: Log,
}

/// The zone's database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Database {
    /// Its kind.
    pub kind: DatabaseKind,
    /// Its file.
    pub path: PathBuf,
}

/// The kinds of databases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DatabaseKind {
    /// SQLite, embedded.
    Sqlite,
}

impl DatabaseKind {
    /// The kind's name in the configuration file and in a contract's list of schemas.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
        }
    }
}

/// The drop directories and what is known of the gate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GateConfig {
    /// Files for the peer.
    pub to_gate: PathBuf,
    /// Files of the peer.
    pub from_gate: PathBuf,
    /// Where files are written before they appear in `to_gate`.
    pub temporary: PathBuf,
    /// How files are dressed.
    pub carrier: Carrier,
    /// Their extension.
    pub extension: String,
    /// The longest known delay, as written.
    pub worst_delay_ms: u64,
    /// How often the drop directory is looked into, as written.
    pub scan_interval_ms: u64,
    /// How long an incomplete file may lie before it is judged, as written.
    pub settle_ms: u64,
    /// Larger files are refused unread.
    pub max_file_bytes: u64,
    /// With less free space than this nothing is published.
    pub low_water_bytes: u64,
}

/// Where the zone keeps its files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    /// The directory of private keys.
    pub keys: PathBuf,
    /// The file of trusted cards.
    pub trust: PathBuf,
    /// The directory of batches until they are applied.
    pub spool: PathBuf,
    /// The directory of batches and status files afterwards.
    pub archive: PathBuf,
    /// The directory of refused files.
    pub quarantine: PathBuf,
    /// The file of what the zone must not forget.
    pub anchor: PathBuf,
}

/// How much may be under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flow {
    /// Batches of a stream in flight that the peer has not reported held.
    pub window: u64,
    /// Bytes of one stream held before their turn.
    pub hold_bytes: u64,
    /// Bytes of the largest group.
    pub group_bytes: u64,
}

/// When things happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timers {
    /// Divides all times; 1 unless for a demonstration.
    pub time_scale: u64,
    /// A status is sent at least this often.
    pub heartbeat_ms: u64,
    /// The waits before resends.
    pub resend: ResendProfile,
    /// The longest wait before a resend.
    pub resend_max_ms: u64,
    /// Progress within this time is told in one status.
    pub status_debounce_ms: u64,
    /// How often the database is looked into.
    pub observe_interval_ms: u64,
    /// How often a status is sent until the peer has answered.
    pub handshake_ms: u64,
}

/// The waits before resends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResendProfile {
    /// Doubling from above the gate's worst delay.
    Default,
    /// 1, 3, 5, 15, 30 minutes, as the second of the documents that Ferry answers asks for.
    SeedB,
    /// These waits in milliseconds, the last of them again and again.
    Steps(Vec<u64>),
}

impl ResendProfile {
    /// The steps of [`ResendProfile::SeedB`], in milliseconds.
    pub const SEED_B_MS: [u64; 5] = [60_000, 180_000, 300_000, 900_000, 1_800_000];
}

/// How much of the refused is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuarantineLimits {
    /// Files that no trusted key signed.
    pub unverified_files: u64,
    /// Their bytes.
    pub unverified_bytes: u64,
    /// Bytes of refused files that a trusted key signed.
    pub refused_bytes: u64,
}

/// What is kept of what has been applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ArchiveLimits {
    /// Days of running after which the rows of an applied batch leave the archive.
    pub whole_days: u64,
}

/// What is logged, and where to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Log {
    /// The least severe level.
    pub level: LogLevel,
    /// Where to.
    pub target: LogTarget,
}

/// Levels of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// What fails.
    Error,
    /// What an operator should look at.
    Warn,
    /// What happens.
    Info,
    /// How it happens.
    Debug,
    /// Everything.
    Trace,
}

impl LogLevel {
    /// The level's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

/// Where the log goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogTarget {
    /// The journal where there is one, else standard error.
    Auto,
    /// The journal.
    Journal,
    /// Standard error.
    Stderr,
}

impl Config {
    /// Reads a configuration file.
    ///
    /// # Errors
    /// When it cannot be read, is not TOML, or a field is missing, unknown or wrong; with line, column and field.
    pub fn load(path: &Path) -> Result<Self, Fault> {
        let file = std::path::absolute(path).map_err(|error| unreadable(path, &error))?;
        let mut text = String::new();
        let opened = std::fs::File::open(&file).map_err(|error| unreadable(path, &error))?;
        opened.take(CONFIG_BYTES_MAX + 1).read_to_string(&mut text).map_err(|error| unreadable(path, &error))?;
        if u64::try_from(text.len()).is_ok_and(|length| length > CONFIG_BYTES_MAX) {
            return Err(unreadable(path, &std::io::Error::other("the file is too large")));
        }
        Self::parse(&text, &file)
    }

    /// Reads the text of a configuration file that lies at `file`, an absolute path.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn parse(text: &str, file: &Path) -> Result<Self, Fault> {
        let source = Source { file, text };
        let mut top = source.top()?;
        let zone: ZoneName = top.parsed("zone")?;
        let peer: ZoneName = top.parsed("peer")?;
        if zone == peer {
            let cause = Text::fixed("must differ from zone", "不得与 zone 相同");
            return Err(top.fault(top.span(), "peer", &cause));
        }
        let config = Self {
            file: file.to_owned(),
            zone,
            peer,
            link: top.parsed("link")?,
            note: top.text("note")?.into_inner(),
            database: read(&mut top, "database", database)?,
            contract: read(&mut top, "contract", |section| section.path("path"))?,
            gate: read(&mut top, "gate", gate)?,
            paths: read(&mut top, "paths", paths)?,
            flow: read(&mut top, "flow", flow)?,
            timers: read(&mut top, "timers", timers)?,
            quarantine: read(&mut top, "quarantine", quarantine)?,
            archive: read(&mut top, "archive", archive)?,
            log: read(&mut top, "log", log)?,
        };
        top.done()?;
        Ok(config)
    }

    /// A time of this file divided by the time scale; at least 1 unless it was 0.
    #[must_use]
    pub fn scaled(&self, ms: u64) -> u64 {
        if ms == 0 { 0 } else { (ms / self.timers.time_scale).max(1) }
    }

    /// The directory that relative paths begin at.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.file.parent().unwrap_or_else(|| Path::new("/"))
    }
}

fn read<'t, T>(
    top: &mut Section<'t>,
    name: &'static str,
    take: impl FnOnce(&mut Section<'t>) -> Result<T, Fault>,
) -> Result<T, Fault> {
    let mut section = top.section(name)?;
    let taken = take(&mut section)?;
    section.done()?;
    Ok(taken)
}

fn database(section: &mut Section<'_>) -> Result<Database, Fault> {
    Ok(Database {
        kind: section.one_of("kind", &[(DatabaseKind::Sqlite.as_str(), DatabaseKind::Sqlite)])?,
        path: section.path("path")?,
    })
}

fn gate(section: &mut Section<'_>) -> Result<GateConfig, Fault> {
    Ok(GateConfig {
        to_gate: section.path("to_gate")?,
        from_gate: section.path("from_gate")?,
        temporary: section.path("temporary")?,
        carrier: section.one_of("carrier", &Carrier::ALL.map(|carrier| (carrier.name(), carrier)))?,
        extension: extension(section)?,
        worst_delay_ms: section.number("worst_delay_ms")?,
        scan_interval_ms: section.number("scan_interval_ms")?,
        settle_ms: section.number("settle_ms")?,
        max_file_bytes: section.number("max_file_bytes")?,
        low_water_bytes: section.number("low_water_bytes")?,
    })
}

fn extension(section: &mut Section<'_>) -> Result<String, Fault> {
    let raw = section.text("extension")?;
    let good = (1..=4).contains(&raw.get_ref().len())
        && raw.get_ref().bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    if good {
        return Ok(raw.into_inner());
    }
    let cause = Text::fixed("must be 1 to 4 of a-z and 0-9", "须为 1 到 4 个 a-z、0-9 字符");
    Err(section.fault(raw.span(), "extension", &cause))
}

fn paths(section: &mut Section<'_>) -> Result<Paths, Fault> {
    Ok(Paths {
        keys: section.path("keys")?,
        trust: section.path("trust")?,
        spool: section.path("spool")?,
        archive: section.path("archive")?,
        quarantine: section.path("quarantine")?,
        anchor: section.path("anchor")?,
    })
}

fn flow(section: &mut Section<'_>) -> Result<Flow, Fault> {
    let flow = Flow {
        window: section.number("window")?,
        hold_bytes: section.number("hold_bytes")?,
        group_bytes: section.number("group_bytes")?,
    };
    if flow.hold_bytes < flow.group_bytes {
        let cause = Text::fixed("must be at least flow.group_bytes", "不得小于 flow.group_bytes");
        return Err(section.fault(section.span(), "hold_bytes", &cause));
    }
    Ok(flow)
}

fn timers(section: &mut Section<'_>) -> Result<Timers, Fault> {
    Ok(Timers {
        time_scale: section.number("time_scale")?,
        heartbeat_ms: section.number("heartbeat_ms")?,
        resend: resend(section)?,
        resend_max_ms: section.number("resend_max_ms")?,
        status_debounce_ms: section.number("status_debounce_ms")?,
        observe_interval_ms: section.number("observe_interval_ms")?,
        handshake_ms: section.number("handshake_ms")?,
    })
}

fn resend(section: &mut Section<'_>) -> Result<ResendProfile, Fault> {
    let Some(raw) = section.name_or_numbers("resend")? else { return Ok(ResendProfile::Default) };
    let span = raw.span();
    match raw.into_inner() {
        NameOrNumbers::Name(name) if name == "default" => Ok(ResendProfile::Default),
        NameOrNumbers::Name(name) if name == "seed-b" => Ok(ResendProfile::SeedB),
        NameOrNumbers::Numbers(steps)
            if steps[0] > 0 && steps.is_sorted() && steps[steps.len() - 1] <= TIMER_MS_MAX =>
        {
            Ok(ResendProfile::Steps(steps))
        }
        NameOrNumbers::Name(_) | NameOrNumbers::Numbers(_) => {
            let cause = Text::fixed(
                "must be default, seed-b, or ascending milliseconds above 0",
                "须为 default、seed-b 或大于 0 的升序毫秒列表",
            );
            Err(section.fault(span, "resend", &cause))
        }
    }
}

fn quarantine(section: &mut Section<'_>) -> Result<QuarantineLimits, Fault> {
    Ok(QuarantineLimits {
        unverified_files: section.number("unverified_files")?,
        unverified_bytes: section.number("unverified_bytes")?,
        refused_bytes: section.number("refused_bytes")?,
    })
}

fn archive(section: &mut Section<'_>) -> Result<ArchiveLimits, Fault> {
    Ok(ArchiveLimits { whole_days: section.number("whole_days")? })
}

fn log(section: &mut Section<'_>) -> Result<Log, Fault> {
    let levels = [LogLevel::Error, LogLevel::Warn, LogLevel::Info, LogLevel::Debug, LogLevel::Trace];
    let targets = [("auto", LogTarget::Auto), ("journal", LogTarget::Journal), ("stderr", LogTarget::Stderr)];
    Ok(Log {
        level: section.one_of("level", &levels.map(|level| (level.as_str(), level)))?,
        target: section.one_of("target", &targets)?,
    })
}

fn unreadable(path: &Path, error: &std::io::Error) -> Fault {
    let path = path.display();
    Fault::new(
        "config-unreadable",
        ExitCode::Config,
        text!("{path}: the configuration cannot be read: {error}", "{path}：无法读取配置文件：{error}"),
        Text::fixed(
            "name the file with --config, or make a zone with `ferry init`",
            "请用 --config 指定文件，或用 `ferry init` 新建一个区",
        ),
    )
}
