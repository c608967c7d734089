//! The fields of a profile: one table for checks, for the written profile and for the reference page.

use super::Profile;

/// A field of a profile.
#[derive(Debug)]
pub struct Field {
    /// The name as TOML spells it.
    pub name: &'static str,
    /// What part of the gate it is about.
    pub group: Group,
    /// What values it takes.
    pub allowed: Allowed,
    /// What it means, in one line.
    pub meaning: &'static str,
}

/// What part of the gate a field is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// What the profile is called.
    Title,
    /// How files are picked up, and which.
    PickUp,
    /// How files cross.
    Crossing,
    /// What goes wrong.
    Fault,
}

/// What values a field takes.
#[derive(Debug)]
pub enum Allowed {
    /// A whole number between two ends, both included.
    Number {
        /// The least.
        min: u64,
        /// The greatest.
        max: u64,
        /// Reads it from a profile.
        value: fn(&Profile) -> u64,
    },
    /// A percentage.
    Rate,
    /// True or false.
    Flag,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A name of 1 to 32 characters.
    Name,
    /// A line of at most 200 characters.
    Line(fn(&Profile) -> &str),
    /// A list of file name extensions.
    Extensions,
}

impl Allowed {
    /// Says in words what is allowed.
    pub fn text(&self) -> String {
        match self {
            Self::Number { min, max, .. } => format!("{min} to {max}"),
            Self::Rate => "\"0 %\" to \"100 %\"".to_owned(),
            Self::Flag => "true or false".to_owned(),
            Self::Word(words) => words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(", "),
            Self::Name => format!("1 to {NAME_CHARS_MAX} of a-z, 0-9 and -"),
            Self::Line(_) => format!("one line, at most {LINE_CHARS_MAX} characters"),
            Self::Extensions => {
                format!("at most {EXTENSIONS_MAX}, each 1 to {EXTENSION_CHARS_MAX} of a-z and 0-9")
            }
        }
    }
}

/// A value out of its range.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) field: &'static str,
    pub(super) value: String,
    pub(super) allowed: String,
}

/// A name is typed on command lines and stands in a column of the list.
const NAME_CHARS_MAX: usize = 32;
/// A summary is one line of a list.
const LINE_CHARS_MAX: usize = 200;
/// Every file is compared with each of them.
const EXTENSIONS_MAX: usize = 64;
/// File systems allow more, but nobody uses them.
const EXTENSION_CHARS_MAX: usize = 16;
const HOUR_MS: u64 = 3_600_000;
const DAY_MS: u64 = 24 * HOUR_MS;
/// Far above what any gate carries, and its products with time still fit into 64 bits.
const FLOW_MAX: u64 = 1_000_000_000_000;

/// Every field, in the order of the written profile.
pub const FIELDS: &[Field] = &[
    Field { name: "name", group: Group::Title, allowed: Allowed::Name, meaning: "The profile's name" },
    line("summary", |profile| &profile.summary, "One line of English about it"),
    line("summary_zh", |profile| &profile.summary_zh, "One line of Chinese about it"),
    number(
        "scan_interval_ms",
        Group::PickUp,
        (1, HOUR_MS),
        |profile| profile.scan_interval_ms,
        "The time between two scans of a drop directory",
    ),
    number(
        "stable_scans",
        Group::PickUp,
        (0, 100),
        |profile| profile.stable_scans,
        "A file is picked up when its size was unchanged for this many further scans",
    ),
    word(
        "source",
        Group::PickUp,
        &["remove", "rename", "leave"],
        "What becomes of the source file after pick-up; renamed ones end with .done",
    ),
    Field {
        name: "extensions",
        group: Group::PickUp,
        allowed: Allowed::Extensions,
        meaning: "Extensions that may cross; an empty list lets all cross",
    },
    number(
        "max_file_bytes",
        Group::PickUp,
        (0, FLOW_MAX),
        |profile| profile.max_file_bytes,
        "The largest file that may cross; 0 means no limit",
    ),
    Field {
        name: "remove_refused",
        group: Group::PickUp,
        allowed: Allowed::Flag,
        meaning: "Whether files that may not cross (extension, size, empty) are removed or left",
    },
    number(
        "files_per_minute",
        Group::PickUp,
        (0, FLOW_MAX),
        |profile| profile.files_per_minute,
        "Pick-ups a minute at most; 0 means no limit",
    ),
    number(
        "bytes_per_second",
        Group::PickUp,
        (0, FLOW_MAX),
        |profile| profile.bytes_per_second,
        "Bytes picked up a second at most; 0 means no limit",
    ),
    word(
        "order",
        Group::Crossing,
        &["by-delay", "fifo", "alphabetical"],
        "The order of deliveries: each file in its own time, as picked up, or by name within a scan",
    ),
    word(
        "zones",
        Group::Crossing,
        &["two", "three"],
        "One hop, or two with an exchange zone between them that takes half of the delay each",
    ),
    number(
        "switch_ms",
        Group::Crossing,
        (0, HOUR_MS),
        |profile| profile.switch_ms,
        "How long the exclusive switch faces one side before the other; 0 means both at once",
    ),
    number(
        "delay_min_ms",
        Group::Crossing,
        (0, DAY_MS),
        |profile| profile.delay_min_ms,
        "The least delay from pick-up to delivery, not above the mean",
    ),
    number(
        "delay_mean_ms",
        Group::Crossing,
        (0, DAY_MS),
        |profile| profile.delay_mean_ms,
        "The mean delay, without waits for the switch and the virus scan",
    ),
    number(
        "delay_max_ms",
        Group::Crossing,
        (0, DAY_MS),
        |profile| profile.delay_max_ms,
        "The greatest delay, not below the mean",
    ),
    rate("loss", "Files that vanish without a word"),
    rate("duplicate", "Files that are delivered twice"),
    rate("corrupt", "Delivered copies with one bit flipped"),
    rate("truncate", "Delivered copies that are cut short, of those without a flipped bit"),
    rate("half_visible", "Delivered copies that stand half written under their final name for a while"),
    rate("temporary_name", "Delivered copies that stand under a name with .part first, of those not half visible"),
    number(
        "unfinished_ms",
        Group::Fault,
        (0, HOUR_MS),
        |profile| profile.unfinished_ms,
        "How long a copy stays half visible or under its temporary name",
    ),
    rate("hold", "Files that the virus scan holds back"),
    number(
        "hold_min_ms",
        Group::Fault,
        (0, DAY_MS),
        |profile| profile.hold_min_ms,
        "The shortest hold, not above the longest",
    ),
    number("hold_max_ms", Group::Fault, (0, DAY_MS), |profile| profile.hold_max_ms, "The longest hold"),
    rate("remove", "Files that the virus scan removes"),
    word(
        "outage",
        Group::Fault,
        &["none", "inner-to-outer", "outer-to-inner", "both"],
        "The way that is interrupted: nothing is picked up or delivered there",
    ),
    number(
        "outage_from_ms",
        Group::Fault,
        (0, 365 * DAY_MS),
        |profile| profile.outage_from_ms,
        "When the interruption begins, counted from the start of the gate",
    ),
    number(
        "outage_for_ms",
        Group::Fault,
        (0, 365 * DAY_MS),
        |profile| profile.outage_for_ms,
        "How long the interruption lasts; 0 means to the end",
    ),
];

const fn number(
    name: &'static str,
    group: Group,
    (min, max): (u64, u64),
    value: fn(&Profile) -> u64,
    meaning: &'static str,
) -> Field {
    Field { name, group, allowed: Allowed::Number { min, max, value }, meaning }
}

const fn word(name: &'static str, group: Group, words: &'static [&'static str], meaning: &'static str) -> Field {
    Field { name, group, allowed: Allowed::Word(words), meaning }
}

const fn rate(name: &'static str, meaning: &'static str) -> Field {
    Field { name, group: Group::Fault, allowed: Allowed::Rate, meaning }
}

const fn line(name: &'static str, value: fn(&Profile) -> &str, meaning: &'static str) -> Field {
    Field { name, group: Group::Title, allowed: Allowed::Line(value), meaning }
}

/// Finds the first value that is out of its range.
pub(super) fn fault(profile: &Profile) -> Option<Fault> {
    FIELDS.iter().find_map(|field| field_fault(field, profile)).or_else(|| order_fault(profile))
}

fn field_fault(field: &Field, profile: &Profile) -> Option<Fault> {
    let bad_value = match field.allowed {
        Allowed::Number { min, max, value } => {
            Some(value(profile)).filter(|number| !(min..=max).contains(number)).map(|number| number.to_string())
        }
        Allowed::Name => Some(&profile.name).filter(|name| !is_name(name)).map(|name| format!("{name:?}")),
        Allowed::Line(value) => Some(value(profile)).filter(|line| !is_line(line)).map(|line| format!("{line:?}")),
        Allowed::Extensions => bad_extension(&profile.extensions),
        // Their types hold nothing else.
        Allowed::Rate | Allowed::Flag | Allowed::Word(_) => None,
    };
    bad_value.map(|value| Fault { field: field.name, value, allowed: field.allowed.text() })
}

fn order_fault(profile: &Profile) -> Option<Fault> {
    let pairs = [
        ("delay_min_ms", profile.delay_min_ms, "delay_mean_ms", profile.delay_mean_ms),
        ("delay_mean_ms", profile.delay_mean_ms, "delay_max_ms", profile.delay_max_ms),
        ("hold_min_ms", profile.hold_min_ms, "hold_max_ms", profile.hold_max_ms),
    ];
    let (field, value, other, limit) = pairs.into_iter().find(|(_, lower, _, upper)| lower > upper)?;
    Some(Fault { field, value: value.to_string(), allowed: format!("at most {other}, which is {limit}") })
}

fn is_name(name: &str) -> bool {
    (1..=NAME_CHARS_MAX).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

fn is_line(line: &str) -> bool {
    line.chars().count() <= LINE_CHARS_MAX && !line.chars().any(char::is_control)
}

fn bad_extension(extensions: &[String]) -> Option<String> {
    if extensions.len() > EXTENSIONS_MAX {
        return Some(format!("a list of {}", extensions.len()));
    }
    let is_extension = |extension: &str| {
        (1..=EXTENSION_CHARS_MAX).contains(&extension.len())
            && extension.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    extensions.iter().find(|extension| !is_extension(extension)).map(|extension| format!("{extension:?}"))
}
