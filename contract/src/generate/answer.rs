//! Papers that answer others: requests and what became of them, payments made offline, results of confirmations.

use super::Generator;
use super::day::{date8, time14, time17};
use super::notice::Notice;
use super::rng::{Purpose, Rng};
use crate::rows::{
    ConfirmResult, NoticeRequest, NoticeRequestItem, NoticeRequestResult, OfflinePayment, PayNoticeItem,
};

/// A request for a notice (开具申请) with its lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The request.
    pub request: NoticeRequest,
    /// Its lines, whose amounts add up to the request's.
    pub items: Vec<NoticeRequestItem>,
}

/// Requests that are refused, in a hundred.
const REFUSED_PERCENT: u64 = 5;
/// Serial numbers of notices that answer requests begin here, so that they have pay codes of their own.
const REQUESTED_FROM: u64 = 50_000_000_000;

impl Generator {
    /// The request with serial number `serial`.
    #[must_use]
    pub fn notice_request(&self, serial: u64) -> Request {
        let (Notice { notice, items }, _) = self.order(Purpose::Request, REQUESTED_FROM + serial);
        let request_id = self.request_id(serial);
        let line = |item: PayNoticeItem| NoticeRequestItem {
            request_id: request_id.clone(),
            line_no: item.line_no,
            item_code: item.item_code,
            quantity: item.quantity,
            unit_fen: item.unit_fen,
            amount_fen: item.amount_fen,
        };
        let items = items.into_iter().map(line).collect();
        let request = NoticeRequest {
            request_id,
            mof_div_code: notice.mof_div_code,
            fiscal_year: notice.fiscal_year,
            agency_id: notice.agency_id,
            biz_line: notice.biz_line,
            biz_ref: notice.biz_ref,
            payer_type: notice.payer_type,
            payer_name: notice.payer_name,
            payer_id_no: notice.payer_id_no,
            payer_phone: notice.payer_phone,
            amount_fen: notice.amount_fen,
            expire_date: notice.expire_date,
            update_time: notice.create_time.clone(),
            create_time: notice.create_time,
        };
        Request { request, items }
    }

    /// What became of the request with serial number `serial`: the notice that was issued, if any, and the answer.
    #[must_use]
    pub fn request_answer(&self, serial: u64) -> (Option<Notice>, NoticeRequestResult) {
        let mut rng = Rng::new(self.seed, Purpose::RequestAnswer, serial);
        let (mut order, day) = self.order(Purpose::Request, REQUESTED_FROM + serial);
        let is_refused = rng.chance(REFUSED_PERCENT);
        let request_id = self.request_id(serial);
        order.notice.request_id = Some(request_id.clone());
        let answer = NoticeRequestResult {
            request_id,
            state: if is_refused { 2 } else { 1 },
            pay_code: (!is_refused).then(|| order.notice.pay_code.clone()),
            reason_code: is_refused.then(|| "not-collected".to_owned()),
            reason: is_refused.then(|| "该单位未开通此收入项目".to_owned()),
            answer_time: time17(day, &mut rng),
        };
        ((!is_refused).then_some(order), answer)
    }

    /// The payment of the notice with serial number `serial` at a bank's counter or to the police.
    #[must_use]
    pub fn offline_payment(&self, serial: u64) -> OfflinePayment {
        let mut rng = Rng::new(self.seed, Purpose::Offline, serial);
        let (Notice { notice, .. }, bill_day) = self.order(Purpose::Notice, serial);
        let day = bill_day + 1 + rng.below(9);
        let is_police = notice.biz_line == "TRAFFIC";
        let time = time17(day, &mut rng);
        OfflinePayment {
            payment_id: rng.guid(),
            pay_code: notice.pay_code,
            source: if is_police { 2 } else { 1 },
            source_ref: format!("{}{serial:012}", if is_police { "JJ" } else { "GM" }),
            amount_fen: notice.total_fen,
            pay_time: time14(day, &mut rng),
            pay_date: date8(day),
            book_no: format!("B{}{serial:012}", date8(day)),
            refund_state: i64::from(rng.chance(3)),
            create_time: time.clone(),
            update_time: time,
        }
    }

    /// What the ledger made of the confirmation with serial number `serial`.
    #[must_use]
    pub fn confirm_result(&self, serial: u64) -> ConfirmResult {
        let mut rng = Rng::new(self.seed, Purpose::Result, serial);
        let paid = self.confirmation(serial).confirm;
        let (match_state, decision) = match (&paid.pay_code, rng.below(100)) {
            (None, _) => (4, 1),
            (Some(_), 0..2) => (2, 2),
            (Some(_), 2) => (3, 4),
            (Some(_), _) => (1, 1),
        };
        let time = format!("{}{:03}", paid.pay_time, rng.below(1000));
        ConfirmResult {
            book_no: format!("B{}{serial:012}", paid.pay_date),
            confirm_id: paid.confirm_id,
            match_state,
            decision,
            book_time: time.clone(),
            other_ref: (match_state == 2).then(|| rng.guid()),
            diff_fen: if match_state == 3 { rng.between(1, 10_000) } else { 0 },
            update_time: time,
        }
    }

    fn request_id(&self, serial: u64) -> String {
        Rng::new(self.seed, Purpose::RequestId, serial).guid_in_order(serial)
    }
}
