//! What the numbers of the contract mean, for people.

use crate::demo::lang::{Text, text};

/// 订单状态, by number.
const ORDER_STATES: [(&str, &str); 8] = [
    ("to be paid", "待支付"),
    ("being paid", "支付中"),
    ("paid", "支付成功"),
    ("failed", "支付失败"),
    ("closed", "已关闭"),
    ("one payment too many", "重缴"),
    ("paid after it was closed", "关闭后到账"),
    ("confirmed by two people", "确认支付"),
];
/// 通知书状态, by number.
const NOTICE_STATES: [(&str, &str); 3] = [("unpaid", "未缴"), ("paid", "已缴"), ("void", "作废")];
/// 匹配结果, by number from 1, with the names that the interfaces use.
const MATCHES: [(&str, &str); 4] = [
    ("MATCHED", "MATCHED 相符"),
    ("DUPLICATE", "DUPLICATE 重复"),
    ("AMOUNT_DIFF", "AMOUNT_DIFF 金额不符"),
    ("NO_NOTICE", "NO_NOTICE 无通知书"),
];
/// 处理决定, by number from 1.
const DECISIONS: [(&str, &str); 4] = [
    ("booked", "入账"),
    ("to be refunded online", "线上退付"),
    ("cash to be refunded", "线下退付"),
    ("under review", "人工核查"),
];
/// 退付状态, by number.
const REFUNDS: [(&str, &str); 3] = [("stands", "有效"), ("to go back", "待退"), ("gone back", "已退")];

fn word(words: &[(&str, &str)], number: Option<i64>) -> Text {
    let found = number.and_then(|number| usize::try_from(number).ok()).and_then(|place| words.get(place));
    let (english, chinese) = found.copied().unwrap_or(("unknown", "未知"));
    text!("{english}", "{chinese}")
}

/// The state of an order.
#[must_use]
pub fn order_state(number: Option<i64>) -> Text {
    word(&ORDER_STATES, number)
}

/// The state of a notice.
#[must_use]
pub fn notice_state(number: Option<i64>) -> Text {
    word(&NOTICE_STATES, number)
}

/// How a payment stands to the ledger.
#[must_use]
pub fn match_state(number: Option<i64>) -> Text {
    word(&MATCHES, number.map(|number| number - 1))
}

/// What is to be done with a payment.
#[must_use]
pub fn decision(number: Option<i64>) -> Text {
    word(&DECISIONS, number.map(|number| number - 1))
}

/// How an offline payment stands.
#[must_use]
pub fn refund_state(number: Option<i64>) -> Text {
    word(&REFUNDS, number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_of_the_rules_has_its_words() {
        use contract::rules::{Decision, MatchState, OrderState};
        assert_eq!(order_state(Some(OrderState::Repaid.number())).chinese, "重缴");
        assert_eq!(order_state(Some(OrderState::Confirmed.number())).chinese, "确认支付");
        assert_eq!(match_state(Some(MatchState::NoNotice.number())).english, "NO_NOTICE");
        assert_eq!(decision(Some(Decision::Review.number())).chinese, "人工核查");
        assert_eq!(notice_state(Some(3)).english, "unknown");
        assert_eq!(refund_state(None).chinese, "未知");
    }
}
