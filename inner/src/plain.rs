//! A sensitive value (敏感字段) as somebody gives it, before it is encrypted: afterwards nobody can judge it.

use contract::rules::{Rule, is_sealed};

/// The value that is to be encrypted; blanks around it do not count, and nothing is no value.
///
/// # Errors
/// When it is encrypted already, or holds what people do not see.
pub(crate) fn plain(text: &str) -> Result<Option<&str>, Rule> {
    let text = text.trim();
    if text.chars().any(char::is_control) {
        return Err(Rule::ControlCharacter);
    }
    if is_sealed(text) {
        return Err(Rule::AlreadyEncrypted);
    }
    Ok((!text.is_empty()).then_some(text))
}

#[cfg(test)]
mod tests {
    use contract::rules::Rule;

    use super::plain;

    #[test]
    fn nothing_is_no_value_and_what_nobody_sees_is_refused() {
        assert_eq!(plain(" 6222 02\u{3000}"), Ok(Some("6222 02")));
        assert_eq!(plain(" \u{3000}"), Ok(None));
        assert_eq!(plain("62\u{7}22"), Err(Rule::ControlCharacter));
        assert_eq!(plain("f1:5d0c31a7:AAAA"), Err(Rule::AlreadyEncrypted));
    }
}
