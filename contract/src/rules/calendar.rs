//! Days and times as digits, in China time.

use super::words::is_digits;

/// Whether `text` is a day of the calendar, yyyyMMdd, from the year 1900 on.
#[must_use]
pub fn is_date8(text: &str) -> bool {
    if !is_digits(text, 8) {
        return false;
    }
    let number = |from: usize, to: usize| text[from..to].parse::<u32>().unwrap_or(0);
    let (year, month, day) = (number(0, 4), number(4, 6), number(6, 8));
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 => 28 + u32::from(is_leap),
        _ => 0,
    };
    year >= 1900 && (1..=days).contains(&day)
}

/// Whether `text` is a second of a day, yyyyMMddHHmmss.
#[must_use]
pub fn is_time14(text: &str) -> bool {
    is_digits(text, 14) && is_date8(&text[..8]) && text[8..10] < *"24" && text[10..12] < *"60" && text[12..14] < *"60"
}

/// Whether `text` is a millisecond of a day, yyyyMMddHHmmssSSS.
#[must_use]
pub fn is_time17(text: &str) -> bool {
    is_digits(text, 17) && is_time14(&text[..14])
}

#[cfg(test)]
mod tests {
    use super::{is_date8, is_time14, is_time17};

    #[test]
    fn days_and_times_are_those_of_the_calendar() {
        for good in ["20240229", "20000229", "19000101", "20261231"] {
            assert!(is_date8(good), "{good}");
        }
        for bad in [
            "20230229",
            "19000229",
            "20261301",
            "20260100",
            "20260431",
            "2026010",
            "2026-1-1",
            "18991231",
            "２０２６０１０１",
        ] {
            assert!(!is_date8(bad), "{bad}");
        }
        assert!(is_time14("20260101235959") && !is_time14("20260101240000") && !is_time14("20260101126000"));
        assert!(is_time17("20260101235959999") && !is_time17("20260101235959"));
    }
}
