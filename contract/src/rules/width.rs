//! The width of text as the specifications of the field count it.

/// The GBK width of `text`: ASCII counts 1, other characters 2, characters beyond the basic plane 4 (as GB 18030 spells them).
///
/// Lengths in the interface specifications count a Chinese character as two bytes, while what is signed is UTF-8.
#[must_use]
pub fn gbk_width(text: &str) -> usize {
    let width = |character: char| match character {
        '\u{0}'..='\u{7f}' => 1,
        '\u{80}'..='\u{ffff}' => 2,
        '\u{10000}'.. => 4,
    };
    text.chars().map(width).sum()
}

#[cfg(test)]
mod tests {
    use super::gbk_width;

    #[test]
    fn chinese_counts_two_and_rare_characters_four() {
        assert_eq!(["abc", "缴款码1", "\u{20000}", ""].map(gbk_width), [3, 7, 4, 0]);
    }
}
