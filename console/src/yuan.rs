//! Money as people read it.

/// Fen as yuan with two decimals: `-12.05`.
#[must_use]
pub fn yuan(fen: i128) -> String {
    let sign = if fen < 0 { "-" } else { "" };
    let fen = fen.unsigned_abs();
    format!("{sign}{}.{:02}", fen / 100, fen % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_decimals_whatever_the_amount() {
        for (fen, text) in [(0, "0.00"), (5, "0.05"), (-5, "-0.05"), (123_456, "1234.56"), (-100, "-1.00")] {
            assert_eq!(yuan(fen), text);
        }
        assert_eq!(yuan(i128::MIN), "-1701411834604692317316873037158841057.28".to_owned());
    }
}
