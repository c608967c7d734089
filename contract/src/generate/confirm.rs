//! Payment confirmations (缴款确认) with their lines.

use super::Generator;
use super::day::{date8, time14};
use super::notice::Notice;
use super::rng::{Purpose, Rng};
use super::sealed::sealed;
use crate::rows::{PayConfirm, PayConfirmItem, PayNoticeItem};
use crate::rules::LATE_FEE;

/// A confirmation with its lines, whose amounts add up to what was paid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confirmation {
    /// The confirmation.
    pub confirm: PayConfirm,
    /// Its lines: those of the notice, and one for a late fee.
    pub items: Vec<PayConfirmItem>,
}

/// Payments that began at an agency's own site, in a hundred.
const DIRECT_PERCENT: u64 = 10;
/// The bank's day cut (日切): later payments belong to the next business day.
const DAY_CUT: &str = "22";
/// Channels (支付渠道), by how payers choose them.
const CHANNELS: [&str; 6] = ["WECHAT", "WECHAT", "WECHAT", "ALIPAY", "ALIPAY", "UNIONPAY"];
const BANKS: [&str; 5] = ["102791000028", "103791000018", "104791003008", "105791000033", "309791000014"];
/// Bytes of an account number before encryption.
const ACCOUNT_BYTES: usize = 19;

impl Generator {
    /// The confirmation with serial number `serial`: of the notice with that number, or of a payment that has none.
    #[must_use]
    pub fn confirmation(&self, serial: u64) -> Confirmation {
        let mut rng = Rng::new(self.seed, Purpose::Confirm, serial);
        let is_direct = rng.chance(DIRECT_PERCENT);
        let (Notice { notice, items }, bill_day) =
            self.order(if is_direct { Purpose::DirectPayment } else { Purpose::Notice }, serial);
        // A day after the notice, so that no payment comes before it.
        let day = bill_day + 1 + rng.below(9);
        let pay_time = time14(day, &mut rng);
        let after_cut = &pay_time[8..10] >= DAY_CUT;
        let channel = *rng.pick(&CHANNELS);
        let time = format!("{pay_time}{:03}", rng.below(1000));
        let confirm_id = Rng::new(self.seed, Purpose::ConfirmId, serial).guid_in_order(serial);
        let mut lines: Vec<PayConfirmItem> = items.into_iter().map(|item| confirm_item(&confirm_id, item)).collect();
        if notice.late_fee_fen > 0 {
            let line_no = lines.last().map_or(1, |line| line.line_no + 1);
            lines.push(LATE_FEE.line(&confirm_id, line_no, notice.late_fee_fen));
        }
        let confirm = PayConfirm {
            confirm_id,
            pay_code: (!is_direct).then_some(notice.pay_code),
            mof_div_code: notice.mof_div_code,
            fiscal_year: notice.fiscal_year,
            agency_id: notice.agency_id,
            biz_line: notice.biz_line,
            biz_ref: notice.biz_ref,
            payer_type: notice.payer_type,
            payer_name: notice.payer_name,
            payer_acct: rng.chance(60).then(|| sealed(ACCOUNT_BYTES, &mut rng)),
            pay_bank_no: rng.chance(60).then(|| (*rng.pick(&BANKS)).to_owned()),
            platform_order_no: format!("P{}{serial:012}", date8(day)),
            channel: channel.to_owned(),
            channel_order_no: format!("{}{serial:020}", date8(day)),
            amount_fen: notice.total_fen,
            pay_time,
            pay_date: date8(day + u64::from(after_cut)),
            is_duplicate: false,
            evidence: 1,
            create_time: time.clone(),
            update_time: time,
        };
        Confirmation { confirm, items: lines }
    }
}

fn confirm_item(confirm_id: &str, item: PayNoticeItem) -> PayConfirmItem {
    PayConfirmItem {
        confirm_id: confirm_id.to_owned(),
        line_no: item.line_no,
        item_code: item.item_code,
        item_name: item.item_name,
        quantity: item.quantity,
        unit_fen: item.unit_fen,
        amount_fen: item.amount_fen,
    }
}
