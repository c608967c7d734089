//! Answers as people type them: with a unit, in capitals, or with the wide digits of a Chinese keyboard.

/// An answer is a number, a word or a letter; what is longer is something else.
pub const ANSWER_CHARS_MAX: usize = 80;

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

/// Folds what a keyboard may have made of a text: wide letters and digits, capitals, and around it quotes and spaces, and
/// the full stop at its end.
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
    let around = |letter: char| letter.is_whitespace() || "\"'`“”‘’「」『』".contains(letter);
    folded.trim_start_matches(around).trim_end_matches(|letter| around(letter) || ".!…".contains(letter)).to_owned()
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

/// What may stand before a letter.
const LABELS: [&str; 7] = ["answer", "option", "choice", "letter", "答案", "选项", "选"];

/// The letter that was meant, of so many.
///
/// # Errors
/// When it is none of them.
pub(super) fn letter(given: &str, choices: usize) -> Result<char, Misread> {
    let bare = |text: &str| text.trim_matches(|letter: char| !letter.is_alphanumeric()).to_owned();
    let mut bare_given = bare(given);
    for label in LABELS {
        if let Some(rest) =
            bare_given.strip_prefix(label).filter(|rest| !rest.starts_with(char::is_alphabetic) || !label.is_ascii())
        {
            bare_given = bare(rest);
        }
    }
    let mut letters = bare_given.chars();
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
    fn letters_are_read_as_people_type_them() {
        for text in ["b", "B", "Ｂ", "b)", "（b）", "b.", " B ", "answer b", "Option: B", "答案：b", "选 B。", "“b”。"]
        {
            assert_eq!(checked(text).and_then(|text| letter(&text, 3)), Ok('b'), "{text}");
        }
        for text in ["d", "ab", "a or b", "answer", "answerb", "not b", "b, c", "不选 b"] {
            assert_eq!(checked(text).and_then(|text| letter(&text, 3)), Err(Misread::NoLetter('c')), "{text}");
        }
    }

    #[test]
    fn quotes_and_full_stops_say_nothing() {
        for text in ["Confirm/1", "\"confirm/1\".", "‘confirm/1.’", " `confirm/1`。", "「ｃｏｎｆｉｒｍ／１」"]
        {
            assert_eq!(checked(text).as_deref(), Ok("confirm/1"), "{text}");
        }
        for text in ["", "　", ".", "“”。"] {
            assert_eq!(checked(text), Err(Misread::Empty), "{text}");
        }
        assert_eq!(checked(&"1".repeat(81)), Err(Misread::TooLong));
    }
}
