//! The guard against double payment (重复缴款) on the outer side.
//!
//! The gap cannot be closed, because a payment at a counter takes some time to cross; what slips through is detected inside
//! and refunded, never dropped.

use super::order::OrderState;

/// What the outer zone knows of a debt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Debt<'r> {
    /// The notice's state: 0 未缴, 1 已缴, 2 作废.
    pub notice_state: i64,
    /// The last day on which it can be paid, yyyyMMdd.
    pub expire_date: Option<&'r str>,
    /// Whether a payment was made offline that is not refunded.
    pub paid_offline: bool,
    /// The states of the orders for it.
    pub orders: &'r [OrderState],
}

/// Why no further order may be paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GuardRefusal {
    /// 已缴.
    Paid,
    /// 已线下缴款.
    PaidOffline,
    /// 作废.
    Void,
    /// 已过缴款期限.
    Expired,
    /// Another order is being paid (支付中).
    BeingPaid,
}

impl GuardRefusal {
    /// The code by which interfaces know it.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Paid => "already-paid",
            Self::PaidOffline => "paid-offline",
            Self::Void => "notice-void",
            Self::Expired => "notice-expired",
            Self::BeingPaid => "being-paid",
        }
    }
}

/// Whether another order for a debt may begin to be paid on `today`, yyyyMMdd in China time.
///
/// # Errors
/// Why not.
pub fn may_pay(debt: Debt<'_>, today: &str) -> Result<(), GuardRefusal> {
    let any = |of: fn(OrderState) -> bool| debt.orders.iter().any(|state| of(*state));
    if any(OrderState::counts) {
        return Err(GuardRefusal::Paid);
    }
    if debt.paid_offline {
        return Err(GuardRefusal::PaidOffline);
    }
    match debt.notice_state {
        0 => {}
        1 => return Err(GuardRefusal::Paid),
        _ => return Err(GuardRefusal::Void),
    }
    if debt.expire_date.is_some_and(|last| last < today) {
        return Err(GuardRefusal::Expired);
    }
    if any(|state| state == OrderState::Paying) {
        return Err(GuardRefusal::BeingPaid);
    }
    Ok(())
}

/// What was paid for a debt besides the payment that is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OtherPayments<'r> {
    /// The states of the other orders for it.
    pub orders: &'r [OrderState],
    /// At a bank's counter, and not refunded.
    pub at_a_bank: bool,
    /// To the police (交警批量), and not refunded.
    pub to_the_police: bool,
    /// The notice's state: 0 未缴, 1 已缴, 2 作废.
    pub notice_state: Option<i64>,
}

/// Whether another payment counts already, so that one that has come in now is one too many (重缴). One to the police does not: the
/// online payment stands then, and the police give theirs back (A 3.3.1.7). A notice that is paid by nothing that the outer zone
/// knows of was paid by what has yet to cross.
#[must_use]
pub fn is_paid_before(others: OtherPayments<'_>) -> bool {
    let is_notice_paid = others.notice_state == Some(NOTICE_PAID);
    others.orders.iter().any(|state| state.counts()) || others.at_a_bank || (is_notice_paid && !others.to_the_police)
}

/// 已缴.
const NOTICE_PAID: i64 = 1;

#[cfg(test)]
mod tests {
    use super::{Debt, GuardRefusal, OtherPayments, is_paid_before, may_pay};
    use crate::rules::OrderState;

    #[test]
    fn one_payment_counts_and_one_to_the_police_makes_way() {
        let none = OtherPayments { orders: &[], at_a_bank: false, to_the_police: false, notice_state: Some(0) };
        assert!(!is_paid_before(none));
        assert!(!is_paid_before(OtherPayments { orders: &[OrderState::Closed, OrderState::Repaid], ..none }));
        assert!(is_paid_before(OtherPayments { orders: &[OrderState::Late], ..none }));
        assert!(is_paid_before(OtherPayments { at_a_bank: true, ..none }));
        assert!(is_paid_before(OtherPayments { notice_state: Some(1), ..none }));
        assert!(!is_paid_before(OtherPayments { notice_state: Some(1), to_the_police: true, ..none }));
        assert!(!is_paid_before(OtherPayments { notice_state: None, to_the_police: true, ..none }));
    }

    #[test]
    fn a_debt_is_paid_once() {
        let free = Debt { notice_state: 0, expire_date: Some("20260131"), paid_offline: false, orders: &[] };
        let said = |debt| may_pay(debt, "20260131");
        assert_eq!(said(free), Ok(()));
        assert_eq!(
            said(Debt { orders: &[OrderState::Closed, OrderState::Pending, OrderState::Repaid], ..free }),
            Ok(())
        );
        for state in [OrderState::Paid, OrderState::Late, OrderState::Confirmed] {
            let orders = [state];
            assert_eq!(may_pay(Debt { orders: &orders, ..free }, "20260131"), Err(GuardRefusal::Paid));
        }
        assert_eq!(said(Debt { orders: &[OrderState::Paying], ..free }), Err(GuardRefusal::BeingPaid));
        assert_eq!(said(Debt { paid_offline: true, ..free }), Err(GuardRefusal::PaidOffline));
        assert_eq!(said(Debt { notice_state: 1, ..free }), Err(GuardRefusal::Paid));
        assert_eq!(said(Debt { notice_state: 2, ..free }), Err(GuardRefusal::Void));
        assert_eq!(may_pay(free, "20260201"), Err(GuardRefusal::Expired));
    }
}
