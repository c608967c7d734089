//! The world around the nodes, which no restore puts back: payers, channels that say what became of orders, banks and the police.

use contract::rules::OfflineSource;

use super::desk::china;
use crate::prng::Prng;

/// What a channel says became of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payment {
    /// 渠道订单号.
    pub channel_order_no: String,
    /// 支付渠道.
    pub channel: &'static str,
    /// 平台订单号.
    pub order_no: String,
    /// Whether it was paid.
    pub is_success: bool,
    /// What the payer paid, in fen.
    pub amount_fen: i64,
    /// What the channel gives, in fen.
    pub discount_fen: i64,
    /// What the channel keeps, in fen.
    pub fee_fen: i64,
    /// 缴款账号, as the node keeps it.
    pub payer_acct: String,
    /// When it was paid, by the clock of the channel.
    pub paid_ms: u64,
    /// The node has answered that it knows.
    pub is_heard: bool,
}

/// A payment that a bank or the police report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// 缴款码.
    pub pay_code: String,
    /// Who reports.
    pub source: OfflineSource,
    /// 来源流水号.
    pub source_ref: String,
    /// In fen.
    pub amount_fen: i64,
    /// 缴款时间: yyyyMMddHHmmss.
    pub pay_time: String,
    /// The node has answered that it knows.
    pub is_heard: bool,
}

/// What people and systems around the nodes know.
#[derive(Debug, Clone, Default)]
pub struct People {
    /// What channels say, in the order in which it happened.
    pub payments: Vec<Payment>,
    /// What banks and the police report, in that order.
    pub reports: Vec<Report>,
    /// Values that nobody may see have numbers of their own.
    secrets: u64,
}

impl People {
    /// A payment of an order; the place at which it is kept.
    pub fn pay(&mut self, prng: &mut Prng, order_no: &str, amount_fen: i64, is_success: bool, now_ms: u64) -> usize {
        let number = self.payments.len();
        let part =
            |prng: &mut Prng| i64::try_from(prng.below(u64::try_from(amount_fen / 20 + 1).unwrap_or(1))).unwrap_or(0);
        let (discount_fen, fee_fen) = (part(prng), part(prng));
        let channel = ["WECHAT", "ALIPAY", "UNIONPAY"][usize::try_from(prng.below(3)).expect("one of three")];
        let payer_acct = self.secret();
        self.payments.push(Payment {
            channel_order_no: format!("{channel}{number:06}"),
            channel,
            order_no: order_no.to_owned(),
            is_success,
            amount_fen,
            discount_fen,
            fee_fen,
            payer_acct,
            paid_ms: now_ms,
            is_heard: false,
        });
        number
    }

    /// A payment at a counter or to the police; the place at which it is kept.
    pub fn pay_offline(&mut self, pay_code: &str, source: OfflineSource, amount_fen: i64, now_ms: u64) -> usize {
        let number = self.reports.len();
        self.reports.push(Report {
            pay_code: pay_code.to_owned(),
            source,
            source_ref: format!("X{number:06}"),
            amount_fen,
            pay_time: china(now_ms, "%Y%m%d%H%M%S"),
            is_heard: false,
        });
        number
    }

    /// A sensitive value as the nodes encrypt it, with the mark by which worlds look for it where it must not be.
    pub fn secret(&mut self) -> String {
        self.secrets += 1;
        format!("{SEALED_SECRET}{:010}", self.secrets)
    }
}

/// What marks every sensitive value of the nodes: ciphertext of the field key.
pub const SEALED_SECRET: &str = "f1:5ec2e700:SECRET";
