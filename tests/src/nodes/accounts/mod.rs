//! The reckoning: what the channels took, what was confirmed, what crossed, what was booked, what was answered and told must be the
//! same money, each time once.

mod judge;
mod read;

use std::collections::{BTreeMap, BTreeSet};

use super::tally::Writes;

/// The name of a payment: 支付渠道 and 渠道订单号.
pub type Number = (String, String);

/// A confirmation, as a zone has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confirmed {
    /// 确认单号.
    pub confirm_id: String,
    /// The payment.
    pub number: Number,
    /// 平台订单号.
    pub order: String,
    /// 金额, in fen.
    pub amount_fen: u64,
    /// 入账依据: 1 渠道结果, 2 双人确认支付.
    pub evidence: u64,
    /// 是否重复缴款: whether the outer zone saw a payment before it.
    pub is_duplicate: bool,
}

/// A line of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Booked {
    /// 记账号.
    pub book_no: String,
    /// 确认单号 or 线下缴款号.
    pub payment_id: String,
    /// Whether it came through the gap.
    pub is_online: bool,
    /// 缴款码; empty where there is none.
    pub pay_code: String,
    /// 金额, in fen.
    pub amount_fen: u64,
    /// Whether it counts for its notice.
    pub counts: bool,
}

/// An order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ordered {
    /// 平台订单号.
    pub order: String,
    /// 订单状态.
    pub state: u64,
    /// 缴款码; empty where there is none.
    pub pay_code: String,
    /// 确认单号; empty where no money came in.
    pub confirm_id: String,
}

/// Everything that is known of a town's money.
#[derive(Debug, Clone, Default)]
pub struct Accounts {
    /// What the channels took, by payment: the order and the amount in fen.
    pub taken: BTreeMap<Number, (String, u64)>,
    /// Payments that two people confirmed on evidence, the same way.
    pub allowed: BTreeMap<Number, (String, u64)>,
    /// Confirmations in the outer zone.
    pub outside: Vec<Confirmed>,
    /// Confirmations in the inner zone.
    pub inside: Vec<Confirmed>,
    /// The ledger.
    pub booked: Vec<Booked>,
    /// 线下缴款号 of the payments made offline, the amount in fen, and 退付状态: 0 stands, 1 goes back, 2 has gone back.
    pub offline: BTreeMap<String, (u64, u64)>,
    /// 缴款码 of all notices.
    pub notices: BTreeSet<String>,
    /// What the inner zone answered, by confirmation, as the inner and the outer zone have it.
    pub answered: [BTreeMap<String, String>; 2],
    /// The orders.
    pub orders: Vec<Ordered>,
    /// What the test's own triggers counted.
    pub writes: Writes,
    /// Confirmations of which the unit's site was told that the order was paid, and how much in fen.
    pub told_paid: BTreeSet<(String, u64)>,
    /// Confirmations of which the unit's site was told the inner zone's answer, and the answer, as `answered` begins.
    pub told_answer: BTreeSet<(String, String)>,
    /// Payments of whose booking the agency's system was told, and under which 记账号.
    pub told_booked: BTreeSet<(String, String)>,
    /// 线下缴款号 of the payments of which the agency's system was told that they go back: with their booking, or after it.
    pub told_due: BTreeSet<String>,
    /// 线下缴款号 of the payments of which the agency's system was told that they have gone back.
    pub told_refunded: BTreeSet<String>,
}
