//! Answers as people type them: with a unit, in capitals, or with the wide digits of a Chinese keyboard.

/// An answer is a number, a word or a letter; what is longer is something else.
pub const ANSWER_CHARS_MAX: usize = 80;

/// What a number counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Things.
    Count,
    /// Seconds, rounded.
    Seconds,
    /// Minutes, rounded.
    Minutes,
}

/// Why an answer is neither right nor wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Misread {
    /// There is nothing in it.
    Empty,
    /// It is longer than any answer.
    TooLong,
    /// A whole number is wanted.
    NoNumber,
    /// It is in another unit than the one that is asked for.
    OtherUnit,
    /// A letter up to this one is wanted.
    NoLetter(char),
}

/// Folds what a keyboard may have made of a text: wide letters and digits, capitals, quotes and spaces around it.
#[must_use]
pub fn plain(text: &str) -> String {
    let narrow = |letter: char| match letter {
        // The wide forms stand in the order of ASCII.
        '！'..='～' => char::from_u32(u32::from(letter) - 0xFEE0).unwrap_or(letter),
        '\u{3000}' => ' ',
        '。' => '.',
        _ => letter,
    };
    let folded: String = text.chars().map(narrow).flat_map(char::to_lowercase).collect();
    folded.trim_matches(|letter: char| letter.is_whitespace() || "\"'`“”‘’「」".contains(letter)).to_owned()
}

/// The answer, folded.
///
/// # Errors
/// When it is empty or too long.
pub(super) fn checked(given: &str) -> Result<String, Misread> {
    if given.chars().nth(ANSWER_CHARS_MAX).is_some() {
        return Err(Misread::TooLong);
    }
    let folded = plain(given);
    if folded.is_empty() { Err(Misread::Empty) } else { Ok(folded) }
}

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

/// Words for a number of things, which say nothing.
const COUNTERS: [&str; 12] =
    ["times", "files", "file", "batches", "batch", "copies", "个", "次", "份", "批", "号", "第"];

/// The number that was meant.
///
/// # Errors
/// When it is no whole number, or one in another unit.
pub(super) fn number(given: &str, unit: Unit) -> Result<u64, Misread> {
    let wanted_ms = match unit {
        Unit::Count => None,
        Unit::Seconds => Some(1_000),
        Unit::Minutes => Some(60_000),
    };
    let mut digits = given;
    for counter in COUNTERS {
        digits = digits.trim_end_matches(counter).trim_start_matches(counter).trim();
    }
    if let Some((text, ms)) = TIMES.iter().find(|(text, _)| digits.ends_with(text)) {
        if wanted_ms != Some(*ms) {
            return Err(Misread::OtherUnit);
        }
        digits = digits.trim_end_matches(text).trim();
    }
    if let Some(small) = written_out(digits) {
        return Ok(small);
    }
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let whole: String = whole.chars().filter(|letter| ![' ', ',', '_'].contains(letter)).collect();
    let are_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let is_fraction = digits.contains('.');
    if whole.is_empty() || !are_digits(&whole) || !are_digits(fraction) || (is_fraction && wanted_ms.is_none()) {
        return Err(Misread::NoNumber);
    }
    let rounded = u64::from(fraction.as_bytes().first().is_some_and(|digit| *digit >= b'5'));
    whole.parse::<u64>().map(|whole| whole.saturating_add(rounded)).map_err(|_| Misread::NoNumber)
}

/// Small numbers in letters.
fn written_out(text: &str) -> Option<u64> {
    const WORDS: [[&str; 2]; 11] = [
        ["零", "zero"],
        ["一", "one"],
        ["二", "two"],
        ["三", "three"],
        ["四", "four"],
        ["五", "five"],
        ["六", "six"],
        ["七", "seven"],
        ["八", "eight"],
        ["九", "nine"],
        ["十", "ten"],
    ];
    if text == "两" {
        return Some(2);
    }
    WORDS.iter().position(|words| words.contains(&text)).and_then(|place| u64::try_from(place).ok())
}

/// The word that was meant: spaces around a slash or a dash say nothing.
pub(super) fn word(given: &str) -> String {
    given.split_whitespace().collect::<Vec<_>>().join(" ").replace(" / ", "/").trim_end_matches('.').to_owned()
}

/// The letter that was meant, of so many.
///
/// # Errors
/// When it is none of them.
pub(super) fn letter(given: &str, choices: usize) -> Result<char, Misread> {
    let bare = given.trim_matches(|letter: char| !letter.is_alphanumeric());
    let mut letters = bare.chars();
    let letters = (letters.next(), letters.next());
    let last = ('a'..='z').nth(choices.saturating_sub(1)).unwrap_or('z');
    match letters {
        (Some(letter), None) if ('a'..=last).contains(&letter) => Ok(letter),
        _ => Err(Misread::NoLetter(last)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_people_type_them() {
        let read = |text: &str, unit| checked(text).and_then(|text| number(&text, unit));
        for text in ["12", "１２", " 12 ", "12s", "12 s", "12 秒", "１２秒", "12 Seconds", "\"12\"", "11.6", "12.0s"]
        {
            assert_eq!(read(text, Unit::Seconds), Ok(12), "{text}");
        }
        for text in ["2", "２", "2 files", "2 个", "2次", "两个", "二", "two", "第2次"] {
            assert_eq!(read(text, Unit::Count), Ok(2), "{text}");
        }
        assert_eq!(read("20 566", Unit::Count), Ok(20_566));
        assert_eq!(read("20,566", Unit::Count), Ok(20_566));
        assert_eq!(read("12000 ms", Unit::Seconds), Err(Misread::OtherUnit));
        assert_eq!(read("1 小时", Unit::Minutes), Err(Misread::OtherUnit));
        assert_eq!(read("60 分钟", Unit::Minutes), Ok(60));
        for text in ["twelve hundred", "-3", "1.5", "1e3", ".", "s", "99999999999999999999999"] {
            assert!(read(text, Unit::Count).is_err(), "{text}");
        }
        assert_eq!(read("", Unit::Count), Err(Misread::Empty));
        assert_eq!(read("　", Unit::Count), Err(Misread::Empty));
        assert_eq!(read(&"1".repeat(81), Unit::Count), Err(Misread::TooLong));
    }

    #[test]
    fn letters_and_words_are_read_as_people_type_them() {
        for text in ["b", "B", "Ｂ", "b)", "（b）", "b.", " B "] {
            assert_eq!(checked(text).and_then(|text| letter(&text, 3)), Ok('b'), "{text}");
        }
        assert_eq!(letter("d", 3), Err(Misread::NoLetter('c')));
        assert_eq!(letter("ab", 3), Err(Misread::NoLetter('c')));
        for text in ["Confirm/1", " ｃｏｎｆｉｒｍ／１", "confirm / 1", "`confirm/1`", "confirm/1."] {
            assert_eq!(checked(text).map(|text| word(&text)).as_deref(), Ok("confirm/1"), "{text}");
        }
    }
}
