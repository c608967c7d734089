//! The money of an order (订单金额).

use super::fault::Rule;
use super::words::AMOUNT_FEN_MAX;

/// What becomes of the amount of an order, in fen. Each part is at least nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Charge {
    /// 订单金额: what the payer owes, and what counts against the notice.
    pub original_fen: i64,
    /// 业务优惠: what the agency gives.
    pub biz_discount_fen: i64,
    /// 渠道优惠: what the channel gives.
    pub channel_discount_fen: i64,
    /// 手续费: what the channel keeps.
    pub fee_fen: i64,
    /// 实收: what arrives.
    pub received_fen: i64,
}

impl Charge {
    /// What is wrong, if anything: original = business discount + channel discount + fee + received.
    #[must_use]
    pub fn check(&self) -> Option<(&'static str, Rule)> {
        // What is computed comes last: it is as wrong only because something else is.
        let columns = [
            ("biz_discount_fen", self.biz_discount_fen),
            ("channel_discount_fen", self.channel_discount_fen),
            ("fee_fen", self.fee_fen),
            ("original_fen", self.original_fen),
            ("received_fen", self.received_fen),
        ];
        for (column, fen) in columns {
            if fen < 0 {
                return Some((column, Rule::Negative));
            }
            if fen > AMOUNT_FEN_MAX {
                return Some((column, Rule::AmountTooLarge { most: AMOUNT_FEN_MAX }));
            }
        }
        if self.original_fen == 0 {
            return Some(("original_fen", Rule::AmountZero));
        }
        let sum = self.biz_discount_fen + self.channel_discount_fen + self.fee_fen + self.received_fen;
        (sum != self.original_fen).then_some(("original_fen", Rule::ChargeEquation { sum }))
    }
}

#[cfg(test)]
mod tests {
    use super::Charge;

    #[test]
    fn the_parts_are_the_whole() {
        let charge = Charge {
            original_fen: 10_000,
            biz_discount_fen: 500,
            channel_discount_fen: 100,
            fee_fen: 38,
            received_fen: 9_362,
        };
        assert_eq!(charge.check(), None);
        let code = |charge: Charge| charge.check().map(|(column, rule)| (column, rule.code()));
        assert_eq!(code(Charge { fee_fen: 39, ..charge }), Some(("original_fen", "charge-equation")));
        assert_eq!(code(Charge { fee_fen: -38, received_fen: 9_438, ..charge }), Some(("fee_fen", "negative")));
        assert_eq!(code(Charge::default()), Some(("original_fen", "amount-zero")));
        assert_eq!(
            code(Charge { original_fen: 100_000_000_000, received_fen: 100_000_000_000, ..Charge::default() }),
            Some(("original_fen", "amount-too-large"))
        );
    }
}
