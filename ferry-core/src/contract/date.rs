//! Dates and times of day as digits.

/// Whether `text` is yyyyMMdd, a day of the calendar.
pub(super) fn is_date8(text: &str) -> bool {
    text.len() == 8 && date(text.as_bytes())
}

/// Whether `text` is yyyyMMddHHmmss.
pub(super) fn is_time14(text: &str) -> bool {
    text.len() == 14 && time(text.as_bytes())
}

/// Whether `text` is yyyyMMddHHmmssSSS.
pub(super) fn is_time17(text: &str) -> bool {
    text.len() == 17 && time(text.as_bytes()) && number(&text.as_bytes()[14..]).is_some()
}

fn time(digits: &[u8]) -> bool {
    let part = |from: usize, below: u32| number(&digits[from..from + 2]).is_some_and(|value| value < below);
    date(digits) && part(8, 24) && part(10, 60) && part(12, 60)
}

fn date(digits: &[u8]) -> bool {
    let (Some(year), Some(month), Some(day)) = (number(&digits[..4]), number(&digits[4..6]), number(&digits[6..8]))
    else {
        return false;
    };
    year > 0 && day > 0 && day <= days_of(year, month)
}

/// The days of a month; none when there is no such month.
const fn days_of(year: u32, month: u32) -> u32 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => 0,
    }
}

fn number(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |value, digit| digit.is_ascii_digit().then(|| value * 10 + u32::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use super::{is_date8, is_time14, is_time17};

    #[test]
    fn days_follow_the_calendar() {
        for good in ["20240229", "20000229", "99991231", "00010101"] {
            assert!(is_date8(good), "{good}");
        }
        for bad in ["20230229", "19000229", "20240431", "20241301", "20240100", "00000101", "2024010", "202401011"] {
            assert!(!is_date8(bad), "{bad}");
        }
        for bad in ["2024-1-1", "2024010a", "２０24", "+2240101"] {
            assert!(!is_date8(bad), "{bad}");
        }
    }

    #[test]
    fn times_follow_the_clock() {
        assert!(is_time14("20240229235959"));
        assert!(!is_time14("20240229240000"));
        assert!(!is_time14("20240229236000"));
        assert!(!is_time14("20240229235960"));
        assert!(!is_time14("20240230000000"));
        assert!(is_time17("20240229235959999"));
        assert!(!is_time17("2024022923595999x"));
        assert!(!is_time17("20240229235959"));
    }
}
