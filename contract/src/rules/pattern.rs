//! What pay codes (缴款码) look like. No public rule says it, so it is configuration.

use regex_lite::Regex;

use super::fault::Rule;
use crate::pay_code::is_pay_code;

/// The pattern that is taken where none is configured: 20 digits.
pub const PAY_CODE_PATTERN: &str = "^[0-9]{20}$";
/// The longest pattern, in bytes: one for a code of 20 characters is much shorter.
pub const PATTERN_BYTES_MAX: usize = 200;
/// The longest pay code: the width of its column.
pub const PAY_CODE_WIDTH_MAX: usize = 20;

/// What pay codes look like.
#[derive(Debug, Clone)]
pub struct PayCodePattern {
    /// As it is configured.
    pattern: String,
    regex: Regex,
    /// Whether the last digit must be the check digit of the simulation. Real codes need not have one.
    is_checked: bool,
}

/// Why a pattern cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// It is longer than [`PATTERN_BYTES_MAX`].
    #[error("the pattern of pay codes is longer than {PATTERN_BYTES_MAX} bytes; state one that is shorter")]
    TooLong,
    /// It does not stand for whole codes.
    #[error("the pattern of pay codes must begin with ^ and end with $, so that it stands for whole codes")]
    NotWhole,
    /// It is no regular expression.
    #[error("the pattern of pay codes is no regular expression: {0}")]
    NotARegex(String),
}

impl PayCodePattern {
    /// A pattern, and whether the check digit of the simulation is demanded besides.
    ///
    /// # Errors
    /// When the pattern cannot be used.
    pub fn new(pattern: &str, is_checked: bool) -> Result<Self, PatternError> {
        if pattern.len() > PATTERN_BYTES_MAX {
            return Err(PatternError::TooLong);
        }
        if pattern.len() < 2 || !pattern.starts_with('^') || !pattern.ends_with('$') {
            return Err(PatternError::NotWhole);
        }
        // An alternative on either side of `|` is anchored, too.
        let inside = &pattern[1..pattern.len() - 1];
        let regex =
            Regex::new(&format!("^(?:{inside})$")).map_err(|error| PatternError::NotARegex(error.to_string()))?;
        Ok(Self { pattern: pattern.to_owned(), regex, is_checked })
    }

    /// What is wrong with a pay code, if anything.
    #[must_use]
    pub fn check(&self, code: &str) -> Option<Rule> {
        if code.len() > PAY_CODE_WIDTH_MAX || !self.regex.is_match(code) {
            return Some(Rule::PayCodeForm { pattern: self.pattern.clone() });
        }
        (self.is_checked && !is_pay_code(code)).then_some(Rule::PayCodeCheck)
    }
}

impl Default for PayCodePattern {
    fn default() -> Self {
        Self::new(PAY_CODE_PATTERN, false).expect("a test makes the default pattern")
    }
}

impl PartialEq for PayCodePattern {
    fn eq(&self, other: &Self) -> bool {
        (&self.pattern, self.is_checked) == (&other.pattern, other.is_checked)
    }
}

impl Eq for PayCodePattern {}

#[cfg(test)]
mod tests {
    use super::{PatternError, PayCodePattern};
    use crate::pay_code::pay_code;

    #[test]
    fn the_default_wants_twenty_digits_and_no_check_digit() {
        let pattern = PayCodePattern::default();
        let code = pay_code("610113", "26", 5);
        let wrong = format!("{}{}", &code[..19], (code.as_bytes()[19] - b'0' + 1) % 10);
        assert_eq!(pattern.check(&wrong), None);
        let checked = PayCodePattern::new("^[0-9]{20}$", true).unwrap();
        assert_eq!(checked.check(&code), None);
        assert_eq!(checked.check(&wrong).map(|rule| rule.code()), Some("pay-code-check"));
        for bad in ["", "1", "6101132600000012345x", "610113260000001234567"] {
            assert_eq!(pattern.check(bad).map(|rule| rule.code()), Some("pay-code-form"), "{bad}");
        }
    }

    #[test]
    fn a_pattern_that_cannot_be_used_is_refused() {
        assert_eq!(PayCodePattern::new("[0-9]{20}", false), Err(PatternError::NotWhole));
        assert_eq!(PayCodePattern::new(&format!("^{}$", "a".repeat(200)), false), Err(PatternError::TooLong));
        assert!(matches!(PayCodePattern::new("^[0-9$", false), Err(PatternError::NotARegex(_))));
        let either = PayCodePattern::new("^[0-9]{16}|[0-9]{20}$", false).unwrap();
        assert_eq!(either.check("1234567890123456"), None);
        assert!(either.check("12345678901234567").is_some());
        // Sixteen digits are said to be the central finance's.
        assert_eq!(PayCodePattern::new("^[0-9]{16}$", false).unwrap().check("1234567890123456"), None);
    }
}
