//! Numbers as people type them: with what is counted, with a unit, in letters, in English or in Chinese.

use super::answer::Misread;

/// What a number counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Things, or the number of one.
    Count(Thing),
    /// Seconds, rounded.
    Seconds,
    /// Minutes, rounded.
    Minutes,
}

/// What is counted or numbered. Its name may stand beside the number; the name of another thing may not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Thing {
    /// How often something happens.
    Times,
    /// Files of any kind.
    Files,
    /// Status files.
    StatusFiles,
    /// Files of one batch.
    Copies,
    /// Batches.
    Batches,
    /// Deliveries, each copy by itself.
    Deliveries,
    /// Which attempt.
    Attempt,
    /// Which batch of the stream confirm.
    SeqOfConfirm,
    /// Which invariant.
    Invariant,
    /// Which payment.
    Payment,
}

impl Thing {
    /// What may stand before or after the number.
    const fn names(self) -> &'static [&'static str] {
        match self {
            Self::Times => &["times", "time", "applied", "次", "遍", "应用", "被", "了"],
            Self::Files => &["files", "file", "文件", "份"],
            Self::StatusFiles => {
                &["status files", "status file", "statuses", "files", "file", "状态文件", "文件", "份"]
            }
            Self::Copies => &["files", "file", "copies", "copy", "arrows", "文件", "箭头", "份", "支"],
            Self::Batches => &["batches", "batch", "批次", "批"],
            Self::Deliveries => &["deliveries", "delivered", "times", "次", "送达"],
            Self::Attempt => &["attempt", "try", "次", "发送", "尝试"],
            Self::SeqOfConfirm => &["seq", "batch", "confirm", "序号", "批次", "批"],
            Self::Invariant => &["invariant", "rule", "promise", "不变量", "规则", "承诺", "条"],
            Self::Payment => &["payment", "pay", ".txt", "缴款", "笔"],
        }
    }

    /// Whether it is counted how often something happens.
    const fn is_how_often(self) -> bool {
        matches!(self, Self::Times | Self::Deliveries)
    }

    /// Whether one thing has the number, rather than so many things being there.
    const fn is_numbered(self) -> bool {
        matches!(self, Self::Attempt | Self::SeqOfConfirm | Self::Invariant | Self::Payment)
    }
}

/// Words that say nothing beside a number.
const FILLERS: [&str; 15] = [
    "it is", "the", "exactly", "only", "just", "in all", "answer", "答案", "一共", "共有", "共", "只", "仅", "是", "个",
];
/// Words that say nothing beside the number of one thing.
const NUMBER_SIGNS: [&str; 6] = ["number", "no.", "no", "#", "第", "号"];
/// Words that say nothing beside a time, which is rounded.
const ABOUT: [&str; 6] = ["about", "~", "≈", "大约", "约", "左右"];

/// Units of time by what may be written for them, the longer first, with their milliseconds.
const TIMES: [(&str, u64); 20] = [
    ("milliseconds", 1),
    ("millisecond", 1),
    ("毫秒", 1),
    ("ms", 1),
    ("seconds", 1_000),
    ("second", 1_000),
    ("secs", 1_000),
    ("sec", 1_000),
    ("秒钟", 1_000),
    ("秒", 1_000),
    ("minutes", 60_000),
    ("minute", 60_000),
    ("mins", 60_000),
    ("min", 60_000),
    ("分钟", 60_000),
    ("分", 60_000),
    ("hours", 3_600_000),
    ("hour", 3_600_000),
    ("小时", 3_600_000),
    ("s", 1_000),
];

/// The number that was meant.
///
/// # Errors
/// When it is no whole number, one in another unit, or one of something else.
pub(super) fn number(given: &str, unit: Unit) -> Result<u64, Misread> {
    match unit {
        Unit::Count(thing) => count(given, thing),
        Unit::Seconds => time(given, 1_000),
        Unit::Minutes => time(given, 60_000),
    }
}

fn count(given: &str, thing: Thing) -> Result<u64, Misread> {
    let signs: &[&str] = if thing.is_numbered() { &NUMBER_SIGNS } else { &[] };
    let bare = without(given, &[thing.names(), signs, &FILLERS]);
    let often = if thing.is_how_often() { how_often(bare) } else { None };
    let found = often.or_else(|| if thing.is_numbered() { which(bare) } else { None });
    match found.or_else(|| written_out(bare)).or_else(|| digits(bare)) {
        Some(number) => Ok(number),
        None if TIMES.iter().any(|(text, _)| is_time(bare, text)) => Err(Misread::OtherUnit),
        None => Err(Misread::NoNumber),
    }
}

fn time(given: &str, wanted_ms: u64) -> Result<u64, Misread> {
    let mut bare = without(given, &[&ABOUT, &FILLERS]);
    if let Some((text, ms)) = TIMES.iter().find(|(text, _)| bare.ends_with(text)) {
        if wanted_ms != *ms {
            return Err(Misread::OtherUnit);
        }
        bare = without(bare.trim_end_matches(text), &[&ABOUT]);
    }
    if let Some(small) = written_out(bare) {
        return Ok(small);
    }
    let (whole, fraction) = bare.split_once('.').unwrap_or((bare, ""));
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Misread::NoNumber);
    }
    let rounded = u64::from(fraction.as_bytes().first().is_some_and(|digit| *digit >= b'5'));
    digits(whole).map(|whole| whole.saturating_add(rounded)).ok_or(Misread::NoNumber)
}

/// Whether a text is a number and this unit of time.
fn is_time(text: &str, unit: &str) -> bool {
    let number = text.strip_suffix(unit).map(str::trim);
    number.is_some_and(|number| digits(number).or_else(|| written_out(number)).is_some())
}

/// A text without these words at its beginning and its end.
fn without<'t>(given: &'t str, words: &[&[&str]]) -> &'t str {
    let mut text = given.trim();
    loop {
        let before = text;
        for word in words.iter().copied().flatten() {
            text = after_word(text, word).or_else(|| before_word(text, word)).unwrap_or(text);
        }
        if text == before {
            return text;
        }
    }
}

/// What follows a word; a sign may bind the number to it, as in pay-5.
fn after_word<'t>(text: &'t str, word: &str) -> Option<&'t str> {
    let rest = text.strip_prefix(word)?;
    let goes_on = word.ends_with(is_letter) && rest.starts_with(is_letter);
    let rest = rest.strip_prefix(['-', '/', ':', '#', '=', '_']).unwrap_or(rest);
    (!goes_on).then(|| rest.trim_start())
}

fn before_word<'t>(text: &'t str, word: &str) -> Option<&'t str> {
    let rest = text.strip_suffix(word)?;
    let goes_on = word.starts_with(is_letter) && rest.ends_with(is_letter);
    (!goes_on).then(|| rest.trim_end())
}

/// A letter of a script in which spaces stand between words.
const fn is_letter(letter: char) -> bool {
    letter.is_ascii_alphabetic()
}

/// A number in digits, which may stand in groups of three.
fn digits(text: &str) -> Option<u64> {
    let mut groups = text.split([' ', ',', '_']);
    let first = groups.next().filter(|first| !first.is_empty())?;
    let rest: Vec<&str> = groups.collect();
    let are_groups = rest.is_empty() || (first.len() <= 3 && rest.iter().all(|group| group.len() == 3));
    let whole = first.to_owned() + &rest.concat();
    let is_number = are_groups && whole.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| whole.parse().ok()).flatten()
}

fn how_often(text: &str) -> Option<u64> {
    match text {
        "never" => Some(0),
        "once" => Some(1),
        "twice" => Some(2),
        _ => None,
    }
}

/// The place of a thing in its order: the third, or 3rd.
fn which(text: &str) -> Option<u64> {
    const ORDINALS: [&str; 10] =
        ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"];
    let place = ORDINALS.iter().position(|ordinal| *ordinal == text).and_then(|place| u64::try_from(place + 1).ok());
    place.or_else(|| ["st", "nd", "rd", "th"].iter().find_map(|end| digits(text.strip_suffix(end)?)))
}

/// A number below a hundred in letters.
pub(super) fn written_out(text: &str) -> Option<u64> {
    const SMALL: [&str; 20] = [
        "zero",
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
        "thirteen",
        "fourteen",
        "fifteen",
        "sixteen",
        "seventeen",
        "eighteen",
        "nineteen",
    ];
    const TENS: [&str; 8] = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];
    let small = |word: &str| SMALL.iter().position(|small| *small == word);
    let tens = |word: &str| TENS.iter().position(|tens| *tens == word).map(|place| 10 * (place + 2));
    let number = match text.split_once(['-', ' ']) {
        None => small(text).or_else(|| tens(text)).or_else(|| written_in_chinese(text)),
        Some((first, last)) => {
            let last = small(last.trim()).filter(|last| (1..10).contains(last));
            tens(first).zip(last).map(|(tens, last)| tens + last)
        }
    };
    number.and_then(|number| u64::try_from(number).ok())
}

fn written_in_chinese(text: &str) -> Option<usize> {
    let digit = |text: &str| match text {
        "两" => Some(2),
        _ => ["零", "一", "二", "三", "四", "五", "六", "七", "八", "九"].iter().position(|digit| *digit == text),
    };
    let Some((tens, last)) = text.split_once('十') else { return digit(text) };
    let tens = if tens.is_empty() { Some(1) } else { digit(tens) };
    let last = if last.is_empty() { Some(0) } else { digit(last) };
    tens.zip(last).map(|(tens, last)| 10 * tens + last)
}

#[cfg(test)]
mod tests {
    use super::super::answer::checked;
    use super::*;

    fn read(text: &str, unit: Unit) -> Result<u64, Misread> {
        checked(text).and_then(|text| number(&text, unit))
    }

    fn read_as(thing: Thing, number: u64, texts: &[&str]) {
        for text in texts {
            assert_eq!(read(text, Unit::Count(thing)), Ok(number), "{text}");
        }
    }

    #[test]
    fn times_are_read_as_people_type_them() {
        for text in [
            "12",
            "１２",
            " 12 ",
            "12s",
            "12 s",
            "12 秒",
            "１２秒",
            "12 Seconds",
            "\"12\"",
            "11.6",
            "12.0s",
            "12.",
            "12 s.",
            "about 12 seconds",
            "~12",
            "约12秒",
            "12 秒左右",
            "twelve",
            "十二秒",
        ] {
            assert_eq!(read(text, Unit::Seconds), Ok(12), "{text}");
        }
        assert_eq!(read("12000 ms", Unit::Seconds), Err(Misread::OtherUnit));
        assert_eq!(read("1 小时", Unit::Minutes), Err(Misread::OtherUnit));
        assert_eq!(read("60 分钟", Unit::Minutes), Ok(60));
        for text in ["1 2", "12 or 13", "12:00", "confirm/1", "-12", "s", "1.2.3"] {
            assert!(read(text, Unit::Seconds).is_err(), "{text}");
        }
    }

    #[test]
    fn numbers_may_stand_beside_what_they_count() {
        read_as(
            Thing::Times,
            1,
            &["1", "once", "Once.", "one time", "1 time", "only once", "一次", "1 次", "应用了一次"],
        );
        read_as(Thing::Times, 2, &["twice", "two times", "两次", "2次", "二"]);
        read_as(Thing::Files, 20_566, &["20566", "20 566", "20,566 files", "20_566 个文件"]);
        read_as(Thing::Files, 64, &["64 files", "sixty-four", "sixty four files", "六十四个", "64 份"]);
        read_as(Thing::StatusFiles, 2, &["2 status files", "two statuses", "2 个状态文件", "两个"]);
        read_as(Thing::Copies, 2, &["2 copies", "two files", "2 份", "两个文件"]);
        read_as(Thing::Batches, 9, &["9 batches", "nine", "九批", "9 个批次"]);
        read_as(Thing::Deliveries, 6, &["6 deliveries", "6 times", "six", "送达 6 次", "六次"]);
        read_as(Thing::Attempt, 2, &["attempt 2", "the second attempt", "2nd", "第2次", "第二次", "第 2 次发送"]);
        read_as(
            Thing::SeqOfConfirm,
            1,
            &["1", "confirm/1", "Batch confirm/1", "seq 1", "第一批", "序号 1", "批次 confirm/1"],
        );
        read_as(Thing::Invariant, 3, &["3", "invariant 3", "Rule 3.", "rule no. 3", "the third rule", "#3", "“第3条”"]);
        read_as(Thing::Invariant, 3, &["第三条", "不变量 3", "第 3 条不变量", "3号", "Invariant number 3", "rule-3"]);
        read_as(Thing::Payment, 5, &["5", "payment 5", "pay-5", "pay-5.txt", "Payment #5", "the fifth payment"]);
        read_as(Thing::Payment, 5, &["第五笔", "第5笔缴款", "缴款 5", "five"]);
    }

    #[test]
    fn a_number_of_something_else_is_no_answer() {
        for (text, thing) in [
            ("payment 3", Thing::Invariant),
            ("3 files", Thing::Invariant),
            ("第3笔", Thing::Invariant),
            ("invariant 5", Thing::Payment),
            ("notice/1", Thing::SeqOfConfirm),
            ("before confirm/2", Thing::SeqOfConfirm),
            ("the first time", Thing::Times),
            ("first", Thing::Times),
            ("第1次", Thing::Times),
            ("1 batch", Thing::Times),
            ("not once", Thing::Times),
            ("once", Thing::Attempt),
            ("2 statuses", Thing::Copies),
            ("2 batches", Thing::Files),
            ("2 or 3", Thing::Files),
            ("1 2", Thing::Files),
            ("-3", Thing::Files),
            ("invariant -3", Thing::Invariant),
            ("1.5", Thing::Files),
            ("1e3", Thing::Files),
            ("twelve hundred", Thing::Files),
            ("99999999999999999999999", Thing::Files),
        ] {
            assert_eq!(read(text, Unit::Count(thing)), Err(Misread::NoNumber), "{text}");
        }
        assert_eq!(read("2 s", Unit::Count(Thing::Times)), Err(Misread::OtherUnit));
    }
}
