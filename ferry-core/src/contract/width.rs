//! The width of text as the business specifications count it.

/// The GBK width of `text`: ASCII counts 1, other characters 2, characters beyond the basic plane 4.
///
/// The specifications of the field count a Chinese character as two bytes while the bytes that cross are
/// UTF-8. GB 18030 spells characters beyond the basic plane in four bytes; rare characters of the basic plane
/// that GBK itself lacks count 2 here, so that the rule needs no table.
#[must_use]
pub fn gbk_width(text: &str) -> usize {
    text.chars().map(char_width).sum()
}

/// Whether the GBK width of `text` is at most `max`.
pub(super) fn fits(text: &str, max: usize) -> bool {
    // No character is wider than its UTF-8 bytes, so short texts need no counting.
    text.len() <= max || gbk_width(text) <= max
}

const fn char_width(character: char) -> usize {
    match character {
        '\u{0}'..='\u{7f}' => 1,
        '\u{80}'..='\u{ffff}' => 2,
        '\u{10000}'.. => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::{fits, gbk_width};

    #[test]
    fn chinese_counts_two_and_rare_characters_four() {
        assert_eq!(gbk_width("abc"), 3);
        assert_eq!(gbk_width("缴款码1"), 7);
        assert_eq!(gbk_width("\u{20000}"), 4);
        assert_eq!(gbk_width("·"), 2);
    }

    #[test]
    fn a_text_fits_up_to_its_width() {
        assert!(fits("缴款码", 6));
        assert!(!fits("缴款码", 5));
        assert!(fits("", 0));
    }
}
