//! Times and durations as people read them.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::Lang;

/// The wall clock, in milliseconds since 1970-01-01 UTC.
#[must_use]
pub fn now_ms() -> u64 {
    u64::try_from(Timestamp::now().as_millisecond()).unwrap_or(0)
}

/// A moment in local time with its zone, to the second; a dash when it is not known.
#[must_use]
pub fn local(at_ms: u64) -> String {
    in_zone(at_ms, TimeZone::system())
}

fn in_zone(at_ms: u64, zone: TimeZone) -> String {
    let timestamp = i64::try_from(at_ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
    match timestamp {
        Some(timestamp) if at_ms > 0 => timestamp.to_zoned(zone).strftime("%Y-%m-%d %H:%M:%S %:z").to_string(),
        Some(_) | None => "-".to_owned(),
    }
}

/// How long, in the two largest units.
#[must_use]
pub fn duration(ms: u64, lang: Lang) -> String {
    let seconds = ms / 1000;
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    let units = match lang {
        Lang::En => [" d", " h", " min", " s", " ms"],
        Lang::Zh => [" 天", " 小时", " 分", " 秒", " 毫秒"],
    };
    let [d, h, m, s, milli] = units;
    match (days, hours, minutes, seconds % 60) {
        (0, 0, 0, 0) => format!("{ms}{milli}"),
        (0, 0, 0, seconds) => format!("{seconds}{s}"),
        (0, 0, minutes, seconds) => format!("{minutes}{m} {seconds}{s}"),
        (0, hours, minutes, _) => format!("{hours}{h} {minutes}{m}"),
        (days, hours, _, _) => format!("{days}{d} {hours}{h}"),
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::offset;

    use super::*;

    #[test]
    fn a_moment_shows_its_zone() {
        let shanghai = TimeZone::fixed(offset(8));
        assert_eq!(in_zone(1_700_000_000_000, shanghai.clone()), "2023-11-15 06:13:20 +08:00");
        assert_eq!(in_zone(0, shanghai.clone()), "-");
        assert_eq!(in_zone(u64::MAX, shanghai), "-");
    }

    #[test]
    fn a_duration_has_at_most_two_units() {
        let shown =
            [(0, "0 ms"), (999, "999 ms"), (61_000, "1 min 1 s"), (7_260_000, "2 h 1 min"), (90_000_000, "1 d 1 h")];
        for (ms, text) in shown {
            assert_eq!(duration(ms, Lang::En), text);
        }
        assert_eq!(duration(61_000, Lang::Zh), "1 分 1 秒");
    }
}
