//! Time as an argument: what the nodes write down is China time.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};

/// Tells the present moment.
pub trait Clock: Send + Sync {
    /// The present moment.
    fn now(&self) -> Moment;
}

/// The clock of this machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place where a node reads the clock")]
    fn now(&self) -> Moment {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Moment(i64::try_from(since.as_millis()).unwrap_or(i64::MAX).min(LAST_MS))
    }
}

/// 9999-12-30: the last day that eight digits can say wherever it is read.
const LAST_MS: i64 = 253_402_128_000_000;
/// China has one time, eight hours ahead of UTC, and no summer time.
const CHINA: Offset = Offset::constant(8);

/// A moment, in milliseconds since 1970-01-01 UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(i64);

impl Moment {
    /// A moment of so many milliseconds since 1970-01-01 UTC; none before that, and after 9999-12-30.
    #[must_use]
    pub fn of_ms(ms: i64) -> Option<Self> {
        (0..=LAST_MS).contains(&ms).then_some(Self(ms))
    }

    /// Milliseconds since 1970-01-01 UTC.
    #[must_use]
    pub const fn ms(self) -> i64 {
        self.0
    }

    /// The moment so many milliseconds later, at most the end of the year 9999, less two days.
    #[must_use]
    pub fn plus_ms(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms).clamp(0, LAST_MS))
    }

    /// The day in China, yyyyMMdd.
    #[must_use]
    pub fn date8(self) -> String {
        self.time17()[..8].to_owned()
    }

    /// The second in China, yyyyMMddHHmmss.
    #[must_use]
    pub fn time14(self) -> String {
        self.time17()[..14].to_owned()
    }

    /// The millisecond in China, yyyyMMddHHmmssSSS.
    #[must_use]
    pub fn time17(self) -> String {
        let civil = self.civil();
        let (date, time) = (civil.date(), civil.time());
        format!(
            "{:04}{:02}{:02}{:02}{:02}{:02}{:03}",
            date.year(),
            date.month(),
            date.day(),
            time.hour(),
            time.minute(),
            time.second(),
            time.millisecond()
        )
    }

    /// The moment that yyyyMMddHHmmss names in China; none for what is no such time.
    #[must_use]
    pub fn of_time14(text: &str) -> Option<Self> {
        if !contract::rules::is_time14(text) {
            return None;
        }
        let part = |from: usize, to: usize| text[from..to].parse::<i8>().ok();
        let year = text[..4].parse::<i16>().ok()?;
        let civil =
            DateTime::new(year, part(4, 6)?, part(6, 8)?, part(8, 10)?, part(10, 12)?, part(12, 14)?, 0).ok()?;
        let zoned = civil.to_zoned(TimeZone::fixed(CHINA)).ok()?;
        Self::of_ms(zoned.timestamp().as_millisecond())
    }

    fn civil(self) -> DateTime {
        let stamp = Timestamp::from_millisecond(self.0).expect("moments lie between the years 1970 and 9999");
        CHINA.to_datetime(stamp)
    }
}

#[cfg(test)]
mod tests {
    use super::Moment;

    #[test]
    fn times_are_those_of_china() {
        let moment = Moment::of_ms(1_767_196_800_123).unwrap();
        assert_eq!(moment.time17(), "20260101000000123");
        assert_eq!((moment.date8(), moment.time14()), ("20260101".to_owned(), "20260101000000".to_owned()));
        assert_eq!(Moment::of_time14("20260101000000").map(Moment::ms), Some(1_767_196_800_000));
        assert_eq!(Moment::of_time14("20260230000000"), None);
        assert_eq!(Moment::of_ms(i64::MAX), None);
        assert_eq!(moment.plus_ms(i64::MAX).date8(), "99991230");
    }
}
