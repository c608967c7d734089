//! The rules of papers with lines: notices, requests and confirmations.

use super::fault::{Fault, Rule};
use super::policy::Policy;
use super::value::check_values;
use super::words::{BIZ_LINES, BIZ_LINES_TEXT, LINES_MAX};
use crate::rows::{
    NoticeRequest, NoticeRequestItem, OfflinePayment, PayConfirm, PayConfirmItem, PayNotice, PayNoticeItem, Row,
};

/// What the rules need of a line.
struct Line {
    line_no: i64,
    quantity: i64,
    unit_fen: i64,
    amount_fen: i64,
}

/// A line of any paper.
trait Lined {
    fn line(&self) -> Line;
}

macro_rules! lined {
    ($($row:ident),+) => {$(
        impl Lined for $row {
            fn line(&self) -> Line {
                Line { line_no: self.line_no, quantity: self.quantity, unit_fen: self.unit_fen, amount_fen: self.amount_fen }
            }
        }
    )+};
}
lined!(PayNoticeItem, NoticeRequestItem, PayConfirmItem);

/// What is wrong with a notice and its lines.
#[must_use]
pub fn check_notice(notice: &PayNotice, items: &[PayNoticeItem], policy: &Policy) -> Vec<Fault> {
    let mut faults = values(notice, items);
    let refuse = |column, rule| Fault::refusal(PayNotice::TABLE.shape.table, notice.pay_code.as_str(), column, rule);
    faults.extend(policy.pay_code.check(&notice.pay_code).map(|rule| refuse("pay_code", rule)));
    faults.extend(biz_line(&notice.biz_line).map(|rule| refuse("biz_line", rule)));
    let ends_early = notice.expire_date.as_ref().is_some_and(|end| *end < notice.bill_date);
    faults.extend(ends_early.then(|| refuse("expire_date", Rule::EndsBeforeStart)));
    let sum = notice.amount_fen.saturating_add(notice.late_fee_fen);
    faults.extend((sum != notice.total_fen).then(|| refuse("total_fen", Rule::Total { sum })));
    faults.extend(lines(items, notice.amount_fen).into_iter().map(|(column, rule)| refuse(column, rule)));
    faults.extend(positive(notice.total_fen).map(|rule| refuse("total_fen", rule)));
    faults
}

/// What is wrong with a request for a notice and its lines.
#[must_use]
pub fn check_request(request: &NoticeRequest, items: &[NoticeRequestItem]) -> Vec<Fault> {
    let mut faults = values(request, items);
    let table = NoticeRequest::TABLE.shape.table;
    let refuse = |column, rule| Fault::refusal(table, request.request_id.as_str(), column, rule);
    faults.extend(biz_line(&request.biz_line).map(|rule| refuse("biz_line", rule)));
    faults.extend(lines(items, request.amount_fen).into_iter().map(|(column, rule)| refuse(column, rule)));
    faults.extend(positive(request.amount_fen).map(|rule| refuse("amount_fen", rule)));
    faults
}

/// What is wrong with a confirmation and its lines.
#[must_use]
pub fn check_confirm(confirm: &PayConfirm, items: &[PayConfirmItem], policy: &Policy) -> Vec<Fault> {
    let mut faults = values(confirm, items);
    let table = PayConfirm::TABLE.shape.table;
    let refuse = |column, rule| Fault::refusal(table, confirm.confirm_id.as_str(), column, rule);
    let pay_code = confirm.pay_code.as_deref().and_then(|code| policy.pay_code.check(code));
    faults.extend(pay_code.map(|rule| refuse("pay_code", rule)));
    faults.extend(biz_line(&confirm.biz_line).map(|rule| refuse("biz_line", rule)));
    faults.extend(lines(items, confirm.amount_fen).into_iter().map(|(column, rule)| refuse(column, rule)));
    faults.extend(positive(confirm.amount_fen).map(|rule| refuse("amount_fen", rule)));
    faults
}

/// What is wrong with a payment that was made offline.
#[must_use]
pub fn check_offline(payment: &OfflinePayment, policy: &Policy) -> Vec<Fault> {
    let mut faults = check_values(&OfflinePayment::TABLE, &payment.cells());
    let table = OfflinePayment::TABLE.shape.table;
    let refuse = |column, rule| Fault::refusal(table, payment.payment_id.as_str(), column, rule);
    faults.extend(policy.pay_code.check(&payment.pay_code).map(|rule| refuse("pay_code", rule)));
    faults.extend(positive(payment.amount_fen).map(|rule| refuse("amount_fen", rule)));
    faults
}

fn values<H: Row, I: Row>(head: &H, items: &[I]) -> Vec<Fault> {
    let mut faults = check_values(&H::TABLE, &head.cells());
    // One line too many is enough to refuse the paper; a flood of them is not looked through.
    faults.extend(items.iter().take(LINES_MAX).flat_map(|item| check_values(&I::TABLE, &item.cells())));
    faults
}

fn biz_line(line: &str) -> Option<Rule> {
    (!BIZ_LINES.contains(&line)).then_some(Rule::NotOneOf { list: BIZ_LINES_TEXT })
}

fn positive(amount_fen: i64) -> Option<Rule> {
    (amount_fen == 0).then_some(Rule::AmountZero)
}

/// Lines are numbered from 1, each is quantity times unit, and together they are what the paper states.
fn lines<I: Lined>(items: &[I], stated_fen: i64) -> Vec<(&'static str, Rule)> {
    if items.is_empty() {
        return vec![("line_no", Rule::NoLines)];
    }
    if items.len() > LINES_MAX {
        return vec![("line_no", Rule::TooManyLines { most: LINES_MAX })];
    }
    let mut broken = Vec::new();
    let (mut sum, mut is_numbered) = (0_i64, true);
    for (number, line) in (1..).zip(items.iter().map(Lined::line)) {
        is_numbered &= line.line_no == number;
        let product = line.quantity.saturating_mul(line.unit_fen);
        if product != line.amount_fen {
            broken.push(("amount_fen", Rule::LineAmount { product }));
        }
        sum = sum.saturating_add(line.amount_fen);
    }
    if !is_numbered {
        broken.push(("line_no", Rule::LineNumbers));
    }
    if sum != stated_fen {
        broken.push(("amount_fen", Rule::LineSum { sum }));
    }
    broken
}

#[cfg(test)]
mod tests {
    use super::{check_confirm, check_notice, check_offline, check_request};
    use crate::generate::Notice;
    use crate::rules::{Fault, Policy};
    use crate::{Generator, Size};

    fn codes(faults: &[Fault]) -> Vec<&'static str> {
        faults.iter().map(|fault| fault.rule.code()).collect()
    }

    #[test]
    fn generated_papers_keep_every_rule() {
        let (generator, policy) = (Generator::new(1, Size::S), Policy::default());
        for serial in 0..500 {
            let order = generator.notice(serial);
            assert_eq!(check_notice(&order.notice, &order.items, &policy), []);
            let paid = generator.confirmation(serial);
            assert_eq!(check_confirm(&paid.confirm, &paid.items, &policy), []);
            let asked = generator.notice_request(serial);
            assert_eq!(check_request(&asked.request, &asked.items), []);
            assert_eq!(check_offline(&generator.offline_payment(serial), &policy), []);
        }
    }

    #[test]
    fn sums_lines_and_codes_are_checked() {
        let with = |change: &dyn Fn(&mut Notice)| {
            let mut order = Generator::new(1, Size::S).notice(3);
            change(&mut order);
            codes(&check_notice(&order.notice, &order.items, &Policy::default()))
        };
        assert_eq!(with(&|order| order.notice.total_fen += 1), ["total"]);
        assert_eq!(with(&|order| order.notice.pay_code = "1".to_owned()), ["pay-code-form"]);
        assert_eq!(with(&|order| order.notice.biz_line = "TAX".to_owned()), ["not-one-of"]);
        assert_eq!(with(&|order| order.notice.expire_date = Some("20250101".to_owned())), ["ends-before-start"]);
        assert_eq!(with(&|order| order.items.clear()), ["no-lines"]);
        assert_eq!(with(&|order| order.items[0].line_no = 2), ["line-numbers"]);
        assert_eq!(with(&|order| order.items[0].amount_fen += 1), ["line-amount", "line-sum"]);
        assert_eq!(with(&|order| order.items[0].quantity = i64::MAX), ["out-of-range", "line-amount"]);
        assert_eq!(
            with(&|order| {
                let line = order.items[0].clone();
                order.items = vec![line; 1_000];
            }),
            ["too-many-lines"]
        );
    }

    #[test]
    fn nothing_is_no_amount() {
        let mut payment = Generator::new(1, Size::S).offline_payment(0);
        payment.amount_fen = 0;
        assert_eq!(codes(&check_offline(&payment, &Policy::default())), ["amount-zero"]);
    }
}
