//! What people see of values that identify somebody (脱敏).

/// How much is shown at the beginning and at the end of a value of so many characters: about a third each way of long ones, and
/// nothing of those that could be guessed from it.
const fn shown(characters: usize) -> (usize, usize) {
    match characters {
        0..=6 => (0, 0),
        7..=10 => (2, 2),
        11..=14 => (3, 4),
        _ => (4, 4),
    }
}

/// A value with its middle hidden: `138****5678`, `6101**********0011`.
#[must_use]
pub fn mask(value: &str) -> String {
    let characters: Vec<char> = value.chars().collect();
    let (first, last) = shown(characters.len());
    let hidden = |(place, character): (usize, &char)| {
        let is_shown = place < first || place >= characters.len() - last;
        if is_shown { *character } else { '*' }
    };
    characters.iter().enumerate().map(hidden).collect()
}

#[cfg(test)]
mod tests {
    use super::mask;

    #[test]
    fn the_middle_is_hidden_and_short_values_are_hidden_whole() {
        assert_eq!(mask("13812345678"), "138****5678");
        assert_eq!(mask("610113199003070011"), "6101**********0011");
        assert_eq!(mask("123456"), "******");
        assert_eq!(mask("欧阳秀英先生吗"), "欧阳***生吗");
        assert_eq!(mask(""), "");
    }
}
