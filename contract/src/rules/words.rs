//! Lists and limits that several rules share.

/// The largest amount, in fen: 11 digits, as the payment interface allows them (数据元 of the merchant interface).
pub const AMOUNT_FEN_MAX: i64 = 99_999_999_999;
/// The most lines that a notice, a request or a confirmation can have: what its line number can count.
pub const LINES_MAX: usize = 999;
/// Lines of business (业务条线).
pub const BIZ_LINES: [&str; 5] = ["GENERAL", "TRAFFIC", "IMMIGRATION", "SCHOOL", "EXAM"];
/// The same, for messages.
pub(super) const BIZ_LINES_TEXT: &str = "GENERAL, TRAFFIC, IMMIGRATION, SCHOOL, EXAM";

/// Whether `text` is exactly so many decimal digits.
#[must_use]
pub fn is_digits(text: &str, count: usize) -> bool {
    text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit())
}
