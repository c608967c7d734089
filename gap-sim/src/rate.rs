//! How often something happens, as an integer, written as a percentage.

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// A rate of one.
pub(crate) const PER_MILLION: u32 = 1_000_000;
const PER_PERCENT: u32 = PER_MILLION / 100;
/// A millionth is the fourth decimal of a percentage.
const PERCENT_DECIMALS_MAX: usize = 4;

/// How often something happens: 0 to 1 000 000 times in a million.
///
/// In a profile it is written as a percentage with up to four decimals: `"5 %"`, `"0.05 %"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Rate {
    per_million: u32,
}

impl Rate {
    /// It never happens.
    pub const NEVER: Self = Self { per_million: 0 };
    /// It happens every time.
    pub const ALWAYS: Self = Self { per_million: PER_MILLION };

    /// Makes a rate; there is none above a million in a million.
    pub const fn from_per_million(per_million: u32) -> Option<Self> {
        if per_million <= PER_MILLION { Some(Self { per_million }) } else { None }
    }

    /// How often in a million.
    pub const fn per_million(self) -> u32 {
        self.per_million
    }

    /// Reads a percentage: digits, optionally a point and up to four decimals, and a percent sign.
    pub fn parse(text: &str) -> Option<Self> {
        let number = text.trim().strip_suffix('%')?.trim_end();
        let (whole, decimals) = number.split_once('.').unwrap_or((number, "0"));
        let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !all_digits(whole) || whole.len() > 3 || !all_digits(decimals) || decimals.len() > PERCENT_DECIMALS_MAX {
            return None;
        }
        let fraction: u32 = format!("{decimals:0<PERCENT_DECIMALS_MAX$}").parse().ok()?;
        let whole: u32 = whole.parse().ok()?;
        Self::from_per_million(whole * PER_PERCENT + fraction)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, fraction) = (self.per_million / PER_PERCENT, self.per_million % PER_PERCENT);
        if fraction == 0 {
            return write!(out, "{whole} %");
        }
        let decimals = format!("{fraction:0>PERCENT_DECIMALS_MAX$}");
        write!(out, "{whole}.{} %", decimals.trim_end_matches('0'))
    }
}

impl Serialize for Rate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(PercentVisitor)
    }
}

struct PercentVisitor;

impl Visitor<'_> for PercentVisitor {
    type Value = Rate;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a percentage from \"0 %\" to \"100 %\" with up to four decimals, in quotes")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Rate, E> {
        Rate::parse(text).ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_are_read_and_written_alike() {
        for (text, per_million) in
            [("0 %", 0), ("5 %", 50_000), ("0.05 %", 500), ("0.0001 %", 1), ("100 %", 1_000_000), ("12.5 %", 125_000)]
        {
            let rate = Rate::parse(text).unwrap();
            assert_eq!(rate.per_million(), per_million, "{text}");
            assert_eq!(rate.to_string(), text);
        }
        assert_eq!(Rate::parse("5%"), Rate::parse("5 %"));
    }

    #[test]
    fn what_is_no_percentage_is_refused() {
        for text in
            ["", "%", "5", "-5 %", "100.0001 %", "101 %", "9999 %", "0.00001 %", ".5 %", "5. %", "five %", "+5 %"]
        {
            assert_eq!(Rate::parse(text), None, "{text}");
        }
    }
}
