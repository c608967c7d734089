//! What the nodes keep beside the tables that cross: the inner zone's ledger, and the outer zone's orders and transactions. It lies
//! in the database of its zone and is put back with it; ferry knows nothing of it and returns nothing of it.

use std::collections::{BTreeMap, BTreeSet};

use contract::rows::{PayConfirm, PayConfirmItem};
use contract::rules::{Decision, MatchState, OfflineSource, OrderState};

/// Where a payment of the ledger was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// Through the gap.
    Online,
    /// At a counter, or to the police.
    Offline(OfflineSource),
}

/// A line of the ledger (账).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// 记账号.
    pub book_no: String,
    /// Where it was paid.
    pub source: Source,
    /// 确认单号, or 线下缴款号.
    pub payment_id: String,
    /// 缴款码, if any.
    pub pay_code: Option<String>,
    /// What was paid, in fen.
    pub amount_fen: i64,
    /// 匹配结果.
    pub state: MatchState,
    /// 处理决定.
    pub decision: Decision,
    /// The payment that came first.
    pub other: Option<String>,
    /// Whether it is the payment that counts for its notice.
    pub counts: bool,
}

/// An order (订单), with the confirmation that it becomes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// The confirmation, before a channel has said anything.
    pub confirm: PayConfirm,
    /// Its lines.
    pub items: Vec<PayConfirmItem>,
    /// 订单状态.
    pub state: OrderState,
    /// When its time is over, by the wall clock of its zone.
    pub expire_ms: u64,
    /// 确认单号, once money came in.
    pub confirm_id: Option<String>,
}

/// A transaction (交易): money that came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Txn {
    /// 平台订单号.
    pub order_no: String,
    /// 确认单号.
    pub confirm_id: String,
    /// What came in, in fen.
    pub amount_fen: i64,
    /// 是否重复缴款.
    pub is_duplicate: bool,
}

/// Everything that does not cross.
#[derive(Debug, Clone, Default)]
pub struct Books {
    /// The ledger, in the order of its lines. Nothing keeps a payment out that stands in it: the checkers look for that.
    pub ledger: Vec<Entry>,
    /// The next serial number of pay codes, by region and year.
    pub serials: BTreeMap<String, u64>,
    /// Orders by 平台订单号.
    pub orders: BTreeMap<String, Order>,
    /// Transactions by 渠道订单号.
    pub txns: BTreeMap<String, Txn>,
    /// Payments that fit no order, by 渠道订单号: people look at them.
    pub oddities: BTreeSet<String>,
    /// What units were told: by 确认单号 or 开具申请号, the two numbers of the answer.
    pub told: BTreeMap<String, (i64, i64)>,
}

impl Books {
    /// The line of a payment.
    #[must_use]
    pub fn entry(&self, payment_id: &str) -> Option<&Entry> {
        self.ledger.iter().find(|entry| entry.payment_id == payment_id)
    }

    /// The payment that counts for a pay code.
    #[must_use]
    pub fn counting(&self, pay_code: &str) -> Option<&Entry> {
        self.ledger.iter().find(|entry| entry.counts && entry.pay_code.as_deref() == Some(pay_code))
    }

    /// The states of the orders for a pay code, all but one.
    #[must_use]
    pub fn states(&self, pay_code: &str, but: &str) -> Vec<OrderState> {
        let of =
            |(no, order): &(&String, &Order)| order.confirm.pay_code.as_deref() == Some(pay_code) && no.as_str() != but;
        self.orders.iter().filter(of).map(|(_, order)| order.state).collect()
    }
}
