//! What a gate is like: its scan, its delays, its limits and its faults, as a TOML file or a built-in.

mod builtin;
mod error;
mod field;

pub use builtin::{BUILT_INS, BuiltIn};
pub use error::ProfileError;
pub use field::{Allowed, FIELDS, Field, Group};

use crate::direction::Direction;
use crate::rate::Rate;
use serde::{Deserialize, Serialize};
use std::num::NonZeroU32;

/// What a gate is like. Durations are milliseconds; ranges stand in [`FIELDS`].
///
/// A field that a file leaves out has the value of [`Profile::default`]: a gate without delay, limit or fault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Profile {
    /// The profile's name, 1 to 32 of `a-z`, `0-9` and `-`.
    pub name: String,
    /// One line of English about it, at most 200 characters.
    pub summary: String,
    /// One line of Chinese about it, at most 200 characters.
    pub summary_zh: String,

    /// The time between two scans of a drop directory.
    pub scan_interval_ms: u64,
    /// A file is picked up when its size was unchanged for this many further scans.
    pub stable_scans: u64,
    /// What becomes of the source file after pick-up.
    pub source: Source,
    /// Extensions that may cross, lower case, without the point; none listed means all.
    pub extensions: Vec<String>,
    /// The largest file that may cross, in bytes; 0 means no limit.
    pub max_file_bytes: u64,
    /// Whether files that may not cross are removed (or left where they are).
    pub remove_refused: bool,
    /// Pick-ups a minute at most; 0 means no limit.
    pub files_per_minute: u64,
    /// Bytes picked up a second at most; 0 means no limit.
    pub bytes_per_second: u64,

    /// The order of deliveries.
    pub order: Order,
    /// How many zones the gate has inside.
    pub zones: Zones,
    /// How long the exclusive switch faces one side before it turns to the other; 0 means that it faces both.
    pub switch_ms: u64,
    /// The least delay from pick-up to delivery.
    pub delay_min_ms: u64,
    /// The mean delay.
    pub delay_mean_ms: u64,
    /// The greatest delay.
    pub delay_max_ms: u64,

    /// Files that vanish without a word.
    pub loss: Rate,
    /// Files that are delivered twice.
    pub duplicate: Rate,
    /// Delivered copies with one bit flipped.
    pub corrupt: Rate,
    /// Delivered copies that are cut short, of those without a flipped bit.
    pub truncate: Rate,
    /// Delivered copies that stand half written under their final name for a while.
    pub half_visible: Rate,
    /// Delivered copies that stand under a temporary name first, of those not half visible.
    pub temporary_name: Rate,
    /// How long a copy stays half visible or under its temporary name.
    pub unfinished_ms: u64,
    /// Files that the virus scan holds back.
    pub hold: Rate,
    /// The shortest hold.
    pub hold_min_ms: u64,
    /// The longest hold; every length between is equally likely.
    pub hold_max_ms: u64,
    /// Files that the virus scan removes.
    pub remove: Rate,

    /// The way that is interrupted.
    pub outage: Outage,
    /// When the interruption begins, counted from the start of the gate.
    pub outage_from_ms: u64,
    /// How long the interruption lasts; 0 means to the end.
    pub outage_for_ms: u64,
}

/// What becomes of a source file after pick-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// It is removed.
    Remove,
    /// It is renamed with [`RENAMED_SUFFIX`](crate::gate::RENAMED_SUFFIX).
    Rename,
    /// It stays as it is, and its name and size are remembered as long as it does.
    Leave,
}

/// The order of deliveries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// Each file crosses in its own time, so that files overtake each other.
    ByDelay,
    /// Files leave in the order of their pick-up; a slow one holds up those behind it.
    Fifo,
    /// Files of one scan cross together and leave in the order of their names; scans do not overtake each other.
    Alphabetical,
}

/// How many zones a gate has inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Zones {
    /// Two: a file crosses in one hop, when the switch faces the target.
    Two,
    /// Three: half of the delay passes on each of two hops; the exchange zone takes the file in when the
    /// switch faces the source, and lets it out when the switch faces the target.
    Three,
}

/// The way that is interrupted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outage {
    /// None.
    None,
    /// From the inner zone to the outer.
    InnerToOuter,
    /// From the outer zone to the inner.
    OuterToInner,
    /// Both ways.
    Both,
}

impl Outage {
    /// Whether this way is among the interrupted.
    pub const fn covers(self, direction: Direction) -> bool {
        match (self, direction) {
            (Self::None, _) => false,
            (Self::Both, _) => true,
            (Self::InnerToOuter, Direction::InnerToOuter) | (Self::OuterToInner, Direction::OuterToInner) => true,
            (Self::InnerToOuter, Direction::OuterToInner) | (Self::OuterToInner, Direction::InnerToOuter) => false,
        }
    }
}

impl Default for Profile {
    fn default() -> Self {
        Self {
            name: "unnamed".to_owned(),
            summary: String::new(),
            summary_zh: String::new(),
            scan_interval_ms: 200,
            stable_scans: 1,
            source: Source::Remove,
            extensions: Vec::new(),
            max_file_bytes: 0,
            remove_refused: false,
            files_per_minute: 0,
            bytes_per_second: 0,
            order: Order::ByDelay,
            zones: Zones::Two,
            switch_ms: 0,
            delay_min_ms: 0,
            delay_mean_ms: 0,
            delay_max_ms: 0,
            loss: Rate::NEVER,
            duplicate: Rate::NEVER,
            corrupt: Rate::NEVER,
            truncate: Rate::NEVER,
            half_visible: Rate::NEVER,
            temporary_name: Rate::NEVER,
            unfinished_ms: 2_000,
            hold: Rate::NEVER,
            hold_min_ms: 0,
            hold_max_ms: 0,
            remove: Rate::NEVER,
            outage: Outage::None,
            outage_from_ms: 0,
            outage_for_ms: 0,
        }
    }
}

impl Profile {
    /// Finds a built-in profile by its name.
    ///
    /// # Errors
    /// When there is none of that name; the error lists those that there are.
    pub fn built_in(name: &str) -> Result<Self, ProfileError> {
        let found = BUILT_INS.iter().find(|built_in| built_in.name == name);
        let built_in = found.ok_or_else(|| ProfileError::Unknown {
            name: name.to_owned(),
            known: BUILT_INS.iter().map(|built_in| built_in.name).collect::<Vec<_>>().join(", "),
        })?;
        Self::parse(built_in.name, built_in.toml)
    }

    /// Reads a profile from TOML text; `file` is what errors call it.
    ///
    /// # Errors
    /// When the text is not TOML, has a field that no profile has, or a value out of its range.
    pub fn parse(file: &str, text: &str) -> Result<Self, ProfileError> {
        let profile: Self = toml::from_str(text).map_err(|fault| ProfileError::syntax(file, text, &fault))?;
        match field::fault(&profile) {
            None => Ok(profile),
            Some(fault) => Err(ProfileError::range(file, text, fault)),
        }
    }

    /// Says why this profile cannot be used, for one that was not read by [`Profile::parse`].
    ///
    /// # Errors
    /// When a value is out of its range.
    pub fn check(&self) -> Result<(), ProfileError> {
        field::fault(self).map_or(Ok(()), |fault| Err(ProfileError::range(&self.name, "", fault)))
    }

    /// Divides every duration, and multiplies every rate of flow: the same gate in faster time.
    #[must_use]
    pub fn scaled(&self, divisor: NonZeroU32) -> Self {
        let factor = u64::from(divisor.get());
        let shorter = |ms: u64| ms / factor;
        let faster = |flow: u64| flow.saturating_mul(factor).min(i64::MAX.unsigned_abs());
        // An outage of 0 ms means one without end, so a short one must not become 0.
        let outage_for_ms = if self.outage_for_ms == 0 { 0 } else { shorter(self.outage_for_ms).max(1) };
        Self {
            scan_interval_ms: shorter(self.scan_interval_ms).max(1),
            files_per_minute: faster(self.files_per_minute),
            bytes_per_second: faster(self.bytes_per_second),
            switch_ms: if self.switch_ms == 0 { 0 } else { shorter(self.switch_ms).max(1) },
            delay_min_ms: shorter(self.delay_min_ms),
            delay_mean_ms: shorter(self.delay_mean_ms),
            delay_max_ms: shorter(self.delay_max_ms),
            unfinished_ms: shorter(self.unfinished_ms),
            hold_min_ms: shorter(self.hold_min_ms),
            hold_max_ms: shorter(self.hold_max_ms),
            outage_from_ms: shorter(self.outage_from_ms),
            outage_for_ms,
            ..self.clone()
        }
    }

    /// Writes the profile as TOML with every field, each under a comment with its meaning and range.
    pub fn to_toml(&self) -> String {
        let mut text = String::new();
        for (field, value) in self.values() {
            text.push_str(&format!("# {} ({})\n{} = {value}\n", field.meaning, field.allowed.text(), field.name));
        }
        text
    }

    /// Lists every field with its value as TOML spells it, in the order of [`FIELDS`].
    ///
    /// # Panics
    /// When a number is above 2^63 - 1, which [`Profile::check`] refuses.
    pub fn values(&self) -> Vec<(&'static Field, String)> {
        let table =
            toml::Table::try_from(self).expect("a profile holds texts, lists of texts, flags and checked numbers");
        let value_of = |field: &'static Field| table.get(field.name).map(|value| (field, value.to_string()));
        FIELDS.iter().filter_map(value_of).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_parses_and_bears_its_name() {
        for built_in in BUILT_INS {
            let profile = Profile::built_in(built_in.name).unwrap();
            assert_eq!(profile.name, built_in.name);
            assert!(!profile.summary.is_empty() && !profile.summary_zh.is_empty(), "{}", built_in.name);
        }
    }

    #[test]
    fn a_written_profile_reads_back_the_same() {
        for built_in in BUILT_INS {
            let profile = Profile::built_in(built_in.name).unwrap();
            assert_eq!(Profile::parse("again", &profile.to_toml()).unwrap(), profile);
        }
    }

    #[test]
    fn the_field_table_names_every_field_and_no_other() {
        let table = toml::Table::try_from(Profile::default()).unwrap();
        let mut known: Vec<&str> = FIELDS.iter().map(|field| field.name).collect();
        known.sort_unstable();
        let mut real: Vec<&str> = table.keys().map(String::as_str).collect();
        real.sort_unstable();
        assert_eq!(known, real);
    }

    #[test]
    fn scaling_divides_durations_and_speeds_up_flow() {
        let profile = Profile::built_in("seed-a").unwrap();
        let scaled = profile.scaled(NonZeroU32::new(10).unwrap());
        assert_eq!(scaled.delay_max_ms, 30_396);
        assert_eq!(scaled.scan_interval_ms, profile.scan_interval_ms / 10);
        assert_eq!(scaled.files_per_minute, profile.files_per_minute * 10);
        assert_eq!(scaled.loss, profile.loss);
        let unlimited = Profile::default().scaled(NonZeroU32::MAX);
        assert_eq!((unlimited.files_per_minute, unlimited.outage_for_ms, unlimited.scan_interval_ms), (0, 0, 1));
    }
}
