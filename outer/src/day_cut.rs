//! To which business day a payment belongs (日切).

use node::Moment;

/// Milliseconds of a day.
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// The time of the day, in minutes, from which on a payment belongs to the next business day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DayCut(u16);

impl DayCut {
    /// Out of `HH:mm`, 00:01 to 24:00; none for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (hours, minutes) = text.split_once(':')?;
        let two = |part: &str| contract::rules::is_digits(part, 2).then(|| part.parse::<u16>().ok()).flatten();
        let (hours, minutes) = (two(hours)?, two(minutes)?);
        let cut = hours * 60 + minutes;
        (minutes < 60 && (1..=24 * 60).contains(&cut)).then_some(Self(cut))
    }

    /// The business day, yyyyMMdd, of a payment at yyyyMMddHHmmss; none for what is no such time.
    #[must_use]
    pub fn day_of(self, time14: &str) -> Option<String> {
        let paid = Moment::of_time14(time14)?;
        let part = |from: usize, to: usize| time14.get(from..to)?.parse::<u16>().ok();
        let minute = part(8, 10)? * 60 + part(10, 12)?;
        Some(if minute >= self.0 { paid.plus_ms(DAY_MS).date8() } else { paid.date8() })
    }
}

#[cfg(test)]
mod tests {
    use super::DayCut;

    #[test]
    fn a_payment_after_the_cut_belongs_to_the_next_day() {
        let cut = DayCut::parse("22:00").unwrap();
        assert_eq!(cut.day_of("20261231215959").as_deref(), Some("20261231"));
        assert_eq!(cut.day_of("20261231220000").as_deref(), Some("20270101"));
        let midnight = DayCut::parse("24:00").unwrap();
        assert_eq!(midnight.day_of("20261231235959").as_deref(), Some("20261231"));
        assert_eq!(cut.day_of("20260230220000"), None);
        for bad in ["", "22", "00:00", "24:01", "22:60", "2:00", "+2:00", "22:00:00"] {
            assert_eq!(DayCut::parse(bad), None, "{bad}");
        }
    }
}
