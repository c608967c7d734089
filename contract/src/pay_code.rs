//! Pay codes (缴款码), as the simulation mints them.
//!
//! No public rule fixes the inside of a pay code. This one is ours: 6 digits of the region, 2 of the year, 11 of a
//! serial number, and a check digit by ISO 7064 MOD 11,10. A real system brings its own pattern.

/// Digits of a pay code.
pub const PAY_CODE_DIGITS: usize = 20;
/// How many serial numbers a region has in a year.
pub const SERIALS_MAX: u64 = 100_000_000_000;
/// Serial numbers that begin with one minute: a leap year's 527 040 minutes have room for so many each within [`SERIALS_MAX`].
/// Where more are minted in a minute, those of the next ones are taken.
const OF_A_MINUTE: u64 = 100_000;

/// The least serial number that may be minted in a minute of the year, counted from 0.
///
/// What a ledger minted after its backup, and handed to a payer before the notice crossed, is known to nobody after the loss; but it
/// was minted in an earlier minute than anything that is minted then, so no pay code is given twice.
#[must_use]
pub const fn first_serial(minute: u64) -> u64 {
    minute.saturating_mul(OF_A_MINUTE)
}

/// The pay code for a 6-digit region, a 2-digit year and a serial number, which wraps at [`SERIALS_MAX`].
///
/// # Panics
/// When the region or the year is not of that many digits.
#[must_use]
pub fn pay_code(region: &str, year: &str, serial: u64) -> String {
    let digits = |text: &str, count| text.len() == count && text.bytes().all(|digit| digit.is_ascii_digit());
    assert!(digits(region, 6) && digits(year, 2), "a pay code begins with 6 digits of a region and 2 of a year");
    let mut code = format!("{region}{year}{:011}", serial % SERIALS_MAX);
    code.push(check_digit(&code));
    code
}

/// Whether `code` has 20 digits of which the last is the right check digit.
#[must_use]
pub fn is_pay_code(code: &str) -> bool {
    let digits = code.len() == PAY_CODE_DIGITS && code.bytes().all(|digit| digit.is_ascii_digit());
    digits && code.ends_with(check_digit(&code[..PAY_CODE_DIGITS - 1]))
}

/// The check digit by ISO 7064 MOD 11,10 over decimal digits.
fn check_digit(digits: &str) -> char {
    let product = digits.bytes().fold(10_u8, |product, digit| {
        let sum = (product + (digit - b'0')) % 10;
        (if sum == 0 { 10 } else { sum }) * 2 % 11
    });
    char::from(b'0' + (11 - product) % 10)
}

#[cfg(test)]
mod tests {
    use super::{SERIALS_MAX, check_digit, first_serial, is_pay_code, pay_code};

    #[test]
    fn every_minute_of_a_year_has_its_serial_numbers() {
        let last = 366 * 24 * 60 - 1;
        assert_eq!(first_serial(0), 0);
        assert!(first_serial(last) < first_serial(last + 1));
        assert!(first_serial(last + 1) <= SERIALS_MAX);
    }

    #[test]
    fn check_digit_follows_the_standard() {
        // The worked example of ISO 7064 for MOD 11,10.
        assert_eq!(check_digit("0794"), '5');
    }

    #[test]
    fn a_wrong_digit_or_a_swap_is_noticed() {
        let code = pay_code("610113", "26", 12_345);
        assert_eq!(code.len(), 20);
        assert!(code.starts_with("6101132600000012345"));
        assert!(is_pay_code(&code));
        for place in 0..20 {
            let mut digits = code.clone().into_bytes();
            digits[place] = b'0' + (digits[place] - b'0' + 1) % 10;
            assert!(!is_pay_code(&String::from_utf8(digits).unwrap()), "digit {place}");
        }
        assert!(!is_pay_code(&code[1..]));
        assert!(!is_pay_code("6101132600000012345x"));
    }
}
