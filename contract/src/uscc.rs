//! Unified social credit codes (统一社会信用代码, GB 32100).
//!
//! Codes in the field fail the standard's check often, so a wrong check character is a reason to warn, never to refuse.

/// The characters of a code in the order of their values: no I, O, S, V and Z.
const ALPHABET: &[u8; 31] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";

/// The code with its check character, for the first 17 characters; none when they are not 17 of the alphabet.
#[must_use]
pub fn with_check(body: &str) -> Option<String> {
    (body.len() == 17).then_some(())?;
    let mut weight = 1;
    let mut sum = 0;
    for character in body.bytes() {
        sum += ALPHABET.iter().position(|other| *other == character)? * weight;
        weight = weight * 3 % 31;
    }
    let check = ALPHABET[(31 - sum % 31) % 31];
    Some(format!("{body}{}", char::from(check)))
}

/// Whether `code` has the 18 characters of the standard, whatever its check character is.
#[must_use]
pub fn has_form(code: &str) -> bool {
    code.len() == 18 && code.bytes().all(|byte| ALPHABET.contains(&byte))
}

/// Whether the check character of `code` is the standard's.
#[must_use]
pub fn is_uscc(code: &str) -> bool {
    code.get(..17).and_then(with_check).is_some_and(|right| right == code)
}

#[cfg(test)]
mod tests {
    use super::is_uscc;

    #[test]
    fn published_codes_are_judged_as_the_standard_says() {
        for good in ["91350100M000100Y43", "91512081MA62K0260E", "12320900E875065319"] {
            assert!(is_uscc(good), "{good}");
        }
        for bad in ["91350100M000100Y4Z", "91350211M0000XUF46", "91350100M0001TGQXM", "", "9135"] {
            assert!(!is_uscc(bad), "{bad}");
        }
    }
}
