//! Every field of the configuration file: its default, its unit, its range and what it is for.

use ferry_core::settings::{DAY_MS, RETENTION_MIN_MS};
use ferry_format::limits::FILE_BYTES_MAX;

use crate::lang::Text;

/// One field.
#[derive(Debug, Clone)]
pub struct Field {
    /// Its path, such as `gate.carrier`.
    pub path: &'static str,
    /// What it may be.
    pub kind: Kind,
    /// What it is for.
    pub meaning: Text,
}

/// What a field may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A text that must be given; the words say which.
    Required(&'static str),
    /// A text that may be left out, with its default and the words that say which texts are allowed.
    Text(&'static str, &'static str),
    /// A path with its default, relative to the directory of the configuration file.
    Path(&'static str),
    /// A path that must be given, relative to the directory of the configuration file.
    RequiredPath,
    /// A whole number.
    Number {
        /// Used when it is left out.
        default: u64,
        /// The smallest value.
        min: u64,
        /// The largest value.
        max: u64,
        /// The unit.
        unit: &'static str,
    },
    /// The waiting times before resends: a name or a list.
    Profile,
}

impl Kind {
    /// The default as the file would show it; `None` when the field must be given.
    #[must_use]
    pub fn default_text(&self) -> Option<String> {
        match self {
            Self::Required(_) | Self::RequiredPath => None,
            Self::Text(default, _) | Self::Path(default) => Some(format!("\"{default}\"")),
            Self::Number { default, .. } => Some(default.to_string()),
            Self::Profile => Some("\"default\"".to_owned()),
        }
    }

    /// The unit; empty when there is none.
    #[must_use]
    pub const fn unit(&self) -> &'static str {
        match self {
            Self::Required(_) | Self::Text(..) => "",
            Self::Path(_) | Self::RequiredPath => "path",
            Self::Number { unit, .. } => unit,
            Self::Profile => "ms",
        }
    }

    /// What is allowed, in words.
    #[must_use]
    pub fn range(&self) -> String {
        match self {
            Self::Required(words) | Self::Text(_, words) => (*words).to_owned(),
            Self::Path(_) | Self::RequiredPath => "not empty".to_owned(),
            Self::Number { min, max, .. } => format!("{min} to {max}"),
            Self::Profile => format!("default, seed-b, or a list of 1 to {RESEND_STEPS_MAX} ascending numbers"),
        }
    }
}

/// Resend waits of a custom profile; later resends wait as long as the last.
pub const RESEND_STEPS_MAX: usize = 16;
/// A day: no timer of a protocol that is watched by people waits longer.
pub(super) const TIMER_MS_MAX: u64 = 86_400_000;
/// The largest number of bytes that a limit may allow (1 TiB), so that sums of limits stay far from overflow.
const LIMIT_BYTES_MAX: u64 = 1 << 40;
/// The largest file as it lies in the drop directory: carriers that are text grow a file by a third, and frame it.
pub const CARRIED_BYTES_MAX: u64 = FILE_BYTES_MAX / 3 * 4 + (1 << 20);

/// Ten years: what must be kept longer belongs into an archive of the department, not of an appliance.
const ARCHIVE_DAYS_MAX: u64 = 3_650;

const NAME: &str = "1 to 8 of a-z, 0-9, _; a letter first";
const LINK: &str = "1 to 32 of a-z, 0-9, _; a letter first";

const fn number(default: u64, min: u64, max: u64, unit: &'static str) -> Kind {
    Kind::Number { default, min, max, unit }
}

const fn field(path: &'static str, kind: Kind, en: &'static str, zh: &'static str) -> Field {
    Field { path, kind, meaning: Text::fixed(en, zh) }
}

/// All fields, in the order of the file.
pub const FIELDS: &[Field] = &[
    field("zone", Kind::Required(NAME), "This zone.", "本区名称。"),
    field("peer", Kind::Required(NAME), "The zone on the other side of the gate.", "网闸对侧的区。"),
    field(
        "link",
        Kind::Required(LINK),
        "The link between the two; the same on both sides.",
        "两区之间的链路，两侧相同。",
    ),
    field("note", Kind::Text("", "any"), "A note for people.", "供人阅读的备注。"),
    field("database.kind", Kind::Text("sqlite", "sqlite"), "The kind of database.", "数据库类型。"),
    field("database.path", Kind::RequiredPath, "The zone's database.", "本区数据库。"),
    field(
        "contract.path",
        Kind::RequiredPath,
        "The tables that may cross, and who owns each.",
        "可跨区的表及各表归属。",
    ),
    field(
        "gate.to_gate",
        Kind::RequiredPath,
        "Files for the peer; the gate takes them from here.",
        "发往对端的文件，由网闸取走。",
    ),
    field(
        "gate.from_gate",
        Kind::RequiredPath,
        "Files of the peer; the gate puts them here.",
        "对端的文件，由网闸放入。",
    ),
    field(
        "gate.temporary",
        Kind::RequiredPath,
        "Where files for the gate are written before they become visible; on the file system of to_gate.",
        "文件可见前的写入处，须与 to_gate 同一文件系统。",
    ),
    field(
        "gate.carrier",
        Kind::Text("raw", "raw, base64, xml"),
        "How files are dressed for the gate.",
        "文件过闸时的封装形式。",
    ),
    field(
        "gate.extension",
        Kind::Text("dat", "1 to 4 of a-z, 0-9"),
        "The extension that the gate lets through.",
        "网闸放行的扩展名。",
    ),
    field(
        "gate.worst_delay_ms",
        number(304_000, 1, TIMER_MS_MAX, "ms"),
        "The longest delay that is known of the gate.",
        "网闸已知的最长延迟。",
    ),
    field(
        "gate.scan_interval_ms",
        number(1_000, 10, TIMER_MS_MAX, "ms"),
        "How often the drop directory is looked into.",
        "查看投递目录的间隔。",
    ),
    field(
        "gate.settle_ms",
        number(10_000, 0, TIMER_MS_MAX, "ms"),
        "How long an incomplete file may lie before it is judged.",
        "不完整的文件最多等待多久再作判定。",
    ),
    field(
        "gate.max_file_bytes",
        number(CARRIED_BYTES_MAX, 1 << 16, CARRIED_BYTES_MAX, "bytes"),
        "Larger files are refused unread.",
        "超过此大小的文件不读取，直接拒绝。",
    ),
    field(
        "gate.low_water_bytes",
        number(512 << 20, 0, LIMIT_BYTES_MAX, "bytes"),
        "With less free space than this nothing is published.",
        "剩余空间低于此值时停止发布。",
    ),
    field("paths.keys", Kind::Path("keys"), "The directory of the zone's private keys.", "本区私钥目录。"),
    field("paths.trust", Kind::Path("trust"), "The file of trusted cards.", "受信名片文件。"),
    field("paths.spool", Kind::Path("spool"), "Batches until they are applied.", "应用之前的批次。"),
    field("paths.archive", Kind::Path("archive"), "Batches and status files afterwards.", "应用之后的批次与状态文件。"),
    field("paths.quarantine", Kind::Path("quarantine"), "Refused files with their reasons.", "被拒绝的文件及原因。"),
    field(
        "paths.anchor",
        Kind::Path("anchor"),
        "The file of what the zone must not forget.",
        "本区不得遗忘之事项的文件。",
    ),
    field(
        "flow.window",
        number(64, 1, 4_096, "batches"),
        "Batches of a stream in flight that the peer has not reported held.",
        "每个流中对端尚未报告收妥的在途批次数。",
    ),
    field(
        "flow.hold_bytes",
        number(1 << 30, 1 << 20, LIMIT_BYTES_MAX, "bytes"),
        "Bytes of one stream that may be out and not applied before no new group is begun; at least group_bytes.",
        "每个流中已发出而未应用的字节上限，达到后不再开始新组；不小于 group_bytes。",
    ),
    field(
        "flow.group_bytes",
        number(512 << 20, 1 << 16, LIMIT_BYTES_MAX, "bytes"),
        "The largest group; a larger single transaction stops its stream.",
        "组的上限；单个事务超过它时其所在流停止。",
    ),
    field(
        "timers.time_scale",
        number(1, 1, 100_000, ""),
        "Divides all times of this file; above 1 for demonstrations only.",
        "将本文件中的所有时间缩短若干倍；大于 1 仅供演示。",
    ),
    field(
        "timers.heartbeat_ms",
        number(60_000, 100, TIMER_MS_MAX, "ms"),
        "A status is sent at least this often.",
        "至少以此间隔发送状态文件。",
    ),
    field(
        "timers.resend",
        Kind::Profile,
        "Waits before resends: `default` doubles from above the gate's worst delay.",
        "重发前的等待：`default` 从网闸最长延迟之上起逐次加倍。",
    ),
    field(
        "timers.resend_max_ms",
        number(1_800_000, 1_000, TIMER_MS_MAX, "ms"),
        "The longest wait before a resend.",
        "重发前的最长等待。",
    ),
    field(
        "timers.status_debounce_ms",
        number(500, 0, TIMER_MS_MAX, "ms"),
        "Progress within this time is told in one status.",
        "此时间内的进展合并为一次状态。",
    ),
    field(
        "timers.observe_interval_ms",
        number(200, 10, TIMER_MS_MAX, "ms"),
        "How often the database is looked into for new rows; short lingers make it more often.",
        "查看数据库新变更的间隔；攒批时间较短时更频繁。",
    ),
    field(
        "timers.handshake_ms",
        number(10_000, 100, TIMER_MS_MAX, "ms"),
        "How often a status is sent until the peer has answered.",
        "对端应答之前发送状态的间隔。",
    ),
    field(
        "quarantine.unverified_files",
        number(256, 1, 100_000, "files"),
        "Files that no trusted key signed, the newest of which are kept.",
        "无受信签名的文件最多保留的个数，保留最新者。",
    ),
    field(
        "quarantine.unverified_bytes",
        number(64 << 20, 1 << 20, LIMIT_BYTES_MAX, "bytes"),
        "The same, in bytes.",
        "同上，按字节计。",
    ),
    field(
        "quarantine.refused_bytes",
        number(1 << 30, 1 << 20, LIMIT_BYTES_MAX, "bytes"),
        "Refused files that a trusted key signed.",
        "有受信签名而被拒绝的文件的总量上限。",
    ),
    field(
        "archive.whole_days",
        number(90, RETENTION_MIN_MS / DAY_MS, ARCHIVE_DAYS_MAX, "days"),
        "Days of running after which the rows of an applied batch leave the archive; its signed head stays.",
        "批次应用后，守护进程累计运行满此天数，其行数据移出归档；已签名的文件头保留。",
    ),
    field("log.level", Kind::Text("info", "error, warn, info, debug, trace"), "What is logged.", "日志级别。"),
    field(
        "log.target",
        Kind::Text("auto", "auto, journal, stderr"),
        "Where to; `auto` takes the journal where there is one.",
        "日志去向；`auto` 在有 journal 时使用它。",
    ),
];

/// The field at `path`.
///
/// # Panics
/// When there is none, which is a mistake in this crate.
#[must_use]
pub fn find(path: &str) -> &'static Field {
    let found = FIELDS.iter().find(|field| field.path == path);
    found.unwrap_or_else(|| panic!("{path} is no field of the configuration file"))
}
