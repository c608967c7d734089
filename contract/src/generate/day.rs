//! Days and times of the year that the generator writes about.

use super::rng::Rng;

/// The fiscal year (预算年度) of every generated row.
pub(super) const FISCAL_YEAR: &str = "2026";
/// Its last two digits, as pay codes carry them.
pub(super) const YEAR_OF_CENTURY: &str = "26";
/// Its first day.
pub(super) const FIRST_DAY: &str = "20260101";
/// When base data was entered, before the year began.
pub(super) const BASE_TIME: &str = "20251215093000000";

const MONTH_DAYS: [u64; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/// Day `day` of the year, from 0, as yyyyMMdd; days beyond the year become its last.
pub(super) fn date8(day: u64) -> String {
    let mut rest = day.min(364);
    let mut month = 0;
    while rest >= MONTH_DAYS[month] {
        rest -= MONTH_DAYS[month];
        month += 1;
    }
    format!("{FISCAL_YEAR}{:02}{:02}", month + 1, rest + 1)
}

/// A time on that day as yyyyMMddHHmmss, between 08:00 and 23:59.
pub(super) fn time14(day: u64, rng: &mut Rng) -> String {
    format!("{}{:02}{:02}{:02}", date8(day), 8 + rng.below(16), rng.below(60), rng.below(60))
}

/// A time on that day as yyyyMMddHHmmssSSS.
pub(super) fn time17(day: u64, rng: &mut Rng) -> String {
    format!("{}{:03}", time14(day, rng), rng.below(1000))
}

#[cfg(test)]
mod tests {
    use super::date8;

    #[test]
    fn days_count_through_the_year() {
        assert_eq!(date8(0), "20260101");
        assert_eq!(date8(31), "20260201");
        assert_eq!(date8(58), "20260228");
        assert_eq!(date8(59), "20260301");
        assert_eq!(date8(364), "20261231");
        assert_eq!(date8(400), "20261231");
    }
}
