//! Why an operator decided something, in any language, spelled in the ASCII that headers are made of.

use core::fmt;
use core::str::FromStr;

use thiserror::Error;

use crate::limits::REASON_CHARS_MAX;

/// An operator's reason: one line of text. In headers every byte of its UTF-8 outside printable ASCII, and `"`, `\` and `%`,
/// stands as `%` with two upper-case hex digits (the percent-encoding of RFC 3986, section 2.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason(String);

/// Why a text is no reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ReasonError {
    /// It is empty or too long.
    #[error("must have 1 to {REASON_CHARS_MAX} characters")]
    Length,
    /// It has a line break or another control character.
    #[error("must be one line without control characters")]
    Control,
    /// It is not percent-encoded UTF-8 in the one spelling.
    #[error("is not percent-encoded as it should be")]
    Encoding,
}

impl Reason {
    /// The reason that an operator typed.
    ///
    /// # Errors
    /// When it is empty, too long, or more than one line.
    pub fn new(text: &str) -> Result<Self, ReasonError> {
        let text = text.trim();
        if text.is_empty() || text.chars().count() > REASON_CHARS_MAX {
            return Err(ReasonError::Length);
        }
        if text.chars().any(char::is_control) {
            return Err(ReasonError::Control);
        }
        Ok(Self(text.to_owned()))
    }

    /// The text as it was typed.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Reason {
    /// The spelling in headers.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in self.0.bytes() {
            if is_literal(byte) {
                write!(out, "{}", char::from(byte))?;
            } else {
                write!(out, "%{byte:02X}")?;
            }
        }
        Ok(())
    }
}

impl FromStr for Reason {
    type Err = ReasonError;

    /// Reads the spelling in headers.
    fn from_str(spelled: &str) -> Result<Self, ReasonError> {
        let mut bytes = Vec::with_capacity(spelled.len());
        let mut rest = spelled.as_bytes();
        while let Some((byte, tail)) = rest.split_first() {
            if *byte == b'%' {
                let (digits, tail) = tail.split_at_checked(2).ok_or(ReasonError::Encoding)?;
                let digits = core::str::from_utf8(digits).map_err(|_| ReasonError::Encoding)?;
                bytes.push(u8::from_str_radix(digits, 16).map_err(|_| ReasonError::Encoding)?);
                rest = tail;
            } else {
                bytes.push(*byte);
                rest = tail;
            }
        }
        let reason = Self::new(&String::from_utf8(bytes).map_err(|_| ReasonError::Encoding)?)?;
        // One text has one spelling: no needless escape, no lower-case digit, no blank at an end.
        if reason.to_string() == spelled { Ok(reason) } else { Err(ReasonError::Encoding) }
    }
}

fn is_literal(byte: u8) -> bool {
    crate::canon::is_plain(byte) && byte != b'%'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_has_one_spelling() {
        for (text, spelled) in [
            ("the bank confirmed by phone", "the bank confirmed by phone"),
            ("银行已确认", "%E9%93%B6%E8%A1%8C%E5%B7%B2%E7%A1%AE%E8%AE%A4"),
            ("100 % \"sure\" \\o/", "100 %25 %22sure%22 %5Co/"),
        ] {
            let reason = Reason::new(text).unwrap();
            assert_eq!(reason.to_string(), spelled);
            assert_eq!(spelled.parse::<Reason>().unwrap().as_str(), text);
        }
    }

    #[test]
    fn what_is_no_reason_is_refused() {
        assert_eq!(Reason::new("  "), Err(ReasonError::Length));
        assert_eq!(Reason::new("two\nlines"), Err(ReasonError::Control));
        assert_eq!(Reason::new(&"长".repeat(REASON_CHARS_MAX + 1)), Err(ReasonError::Length));
        for spelled in ["%41", "%e9%93%b6", "%E9", "%", "%4", " a", "a ", "%FF", "a%0Ab"] {
            assert!(spelled.parse::<Reason>().is_err(), "{spelled}");
        }
    }
}
