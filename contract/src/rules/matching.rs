//! What the ledger makes of a confirmation (匹配).

/// How a confirmation stands to the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum MatchState {
    /// 相符: the notice is paid with what it asks for.
    Matched,
    /// 重复: the notice had been paid.
    Duplicate,
    /// 金额不符: the amount is another.
    AmountDiff,
    /// 无通知书: there is no notice in force. Legal: a payment that began at an agency's own site has none.
    NoNotice,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Decision {
    /// 入账.
    Book,
    /// 线上退付: the online payment is booked and is to be refunded on its way back.
    RefundOnline,
    /// 线下退付: the online payment stands, and the one that was made offline is to be refunded.
    RefundOffline,
    /// 人工核查: the money is booked as unclear (待查), and people decide.
    Review,
}

/// Where a payment was made offline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum OfflineSource {
    /// 银行柜面.
    Bank,
    /// 交警批量: the money lies in the account of the police until they remit it (汇缴).
    PoliceBatch,
}

/// The confirmation, as far as matching goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paid<'r> {
    /// 缴款码, if any.
    pub pay_code: Option<&'r str>,
    /// What counts against the notice, in fen.
    pub amount_fen: i64,
    /// Whether the outer zone saw a payment before it (重缴).
    pub is_duplicate: bool,
}

/// What the ledger knows about the pay code of a confirmation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Known<'r> {
    /// The notice's state (0 未缴, 1 已缴, 2 作废) and total in fen.
    pub notice: Option<(i64, i64)>,
    /// The confirmation that was booked for it before.
    pub booked: Option<&'r str>,
    /// The payment that was made offline before and is not refunded.
    pub offline: Option<(&'r str, OfflineSource)>,
}

/// What the ledger makes of a confirmation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Judgement<'r> {
    /// How it stands to the ledger.
    pub state: MatchState,
    /// What is to be done.
    pub decision: Decision,
    /// The payment that came first.
    pub other: Option<&'r str>,
    /// What was paid less what was due, in fen.
    pub diff_fen: i64,
}

/// Judges a confirmation. Every one is booked as money that is there; none is ever turned away.
///
/// A payment that was made to the police leaves the online payment standing and is refunded itself, because its money has not
/// reached the bureau (A 3.3.1.7); one at a bank's counter has, so the online payment goes back.
#[must_use]
pub fn judge<'r>(paid: Paid<'r>, known: Known<'r>) -> Judgement<'r> {
    let plain = |state, decision| Judgement { state, decision, other: None, diff_fen: 0 };
    if paid.pay_code.is_none() {
        // What began at an agency's own site has nothing inside to be compared with; only the outer zone sees its order paid twice.
        return match paid.is_duplicate {
            true => plain(MatchState::Duplicate, Decision::RefundOnline),
            false => plain(MatchState::NoNotice, Decision::Book),
        };
    }
    let Some((notice_state, total_fen)) = known.notice else {
        return plain(MatchState::NoNotice, Decision::Review);
    };
    if let Some(first) = known.booked {
        return Judgement { other: Some(first), ..plain(MatchState::Duplicate, Decision::RefundOnline) };
    }
    if let Some((payment, source)) = known.offline {
        let decision = match source {
            OfflineSource::PoliceBatch => Decision::RefundOffline,
            OfflineSource::Bank => Decision::RefundOnline,
        };
        return Judgement { other: Some(payment), ..plain(MatchState::Duplicate, decision) };
    }
    if paid.is_duplicate {
        return plain(MatchState::Duplicate, Decision::RefundOnline);
    }
    let diff_fen = paid.amount_fen - total_fen;
    if diff_fen != 0 {
        return Judgement { diff_fen, ..plain(MatchState::AmountDiff, Decision::Review) };
    }
    if notice_state == VOID {
        return plain(MatchState::NoNotice, Decision::Review);
    }
    plain(MatchState::Matched, Decision::Book)
}

/// Judges a payment that was made offline, by the notice's state and total in fen and the payment that counts for it, if any: one
/// that comes after any other is to go back offline.
#[must_use]
pub fn judge_offline((state, total_fen): (i64, i64), first: Option<&str>, amount_fen: i64) -> Judgement<'_> {
    let plain = |state, decision| Judgement { state, decision, other: None, diff_fen: 0 };
    let diff_fen = amount_fen.saturating_sub(total_fen);
    match first {
        Some(_) => Judgement { other: first, ..plain(MatchState::Duplicate, Decision::RefundOffline) },
        None if diff_fen != 0 => Judgement { diff_fen, ..plain(MatchState::AmountDiff, Decision::Review) },
        None if state == UNPAID => plain(MatchState::Matched, Decision::Book),
        None => plain(MatchState::NoNotice, Decision::Review),
    }
}

/// Judges an offline payment that came back to a ledger which was put back. Its row says whether it is to go back (`refund_state` above
/// 0); whether another amount was reviewed it does not say, so people look again.
#[must_use]
pub fn judge_returned_offline(
    (state, total_fen): (i64, i64),
    first: Option<&str>,
    amount_fen: i64,
    refund_state: i64,
) -> Judgement<'_> {
    let diff_fen = amount_fen.saturating_sub(total_fen);
    let (match_state, decision) = if refund_state > 0 {
        (MatchState::Duplicate, Decision::RefundOffline)
    } else if diff_fen != 0 {
        (MatchState::AmountDiff, Decision::Review)
    } else if first.is_some() || state == VOID {
        (MatchState::NoNotice, Decision::Review)
    } else {
        (MatchState::Matched, Decision::Book)
    };
    Judgement { state: match_state, decision, other: first, diff_fen }
}

/// 未缴.
const UNPAID: i64 = 0;
/// 作废.
const VOID: i64 = 2;

/// Defines the numbers by which rows carry an enum.
macro_rules! numbered {
    ($type:ident { $($variant:ident = $number:literal),+ }) => {
        impl $type {
            /// The number in rows.
            #[must_use]
            pub const fn number(self) -> i64 {
                match self { $(Self::$variant => $number),+ }
            }

            /// What a number in a row means; none for others.
            #[must_use]
            pub const fn of(number: i64) -> Option<Self> {
                match number { $($number => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}
pub(super) use numbered;

numbered!(MatchState { Matched = 1, Duplicate = 2, AmountDiff = 3, NoNotice = 4 });
numbered!(Decision { Book = 1, RefundOnline = 2, RefundOffline = 3, Review = 4 });
numbered!(OfflineSource { Bank = 1, PoliceBatch = 2 });

#[cfg(test)]
mod tests {
    use super::{
        Decision, Judgement, Known, MatchState, OfflineSource, Paid, judge, judge_offline, judge_returned_offline,
    };

    #[test]
    fn the_first_offline_payment_of_what_is_due_counts() {
        let said = |state, first, amount| {
            let Judgement { state, decision, other, diff_fen } = judge_offline((state, 200), first, amount);
            (state, decision, other, diff_fen)
        };
        assert_eq!(said(0, None, 200), (MatchState::Matched, Decision::Book, None, 0));
        assert_eq!(said(0, Some("c1"), 200), (MatchState::Duplicate, Decision::RefundOffline, Some("c1"), 0));
        assert_eq!(said(0, None, 150), (MatchState::AmountDiff, Decision::Review, None, -50));
        for state in [1, 2] {
            assert_eq!(said(state, None, 200), (MatchState::NoNotice, Decision::Review, None, 0));
        }
    }

    const PAID: Paid<'static> = Paid { pay_code: Some("61"), amount_fen: 200, is_duplicate: false };

    fn said(paid: Paid<'_>, known: Known<'_>) -> (MatchState, Decision) {
        let Judgement { state, decision, .. } = judge(paid, known);
        (state, decision)
    }

    #[test]
    fn a_notice_is_matched_once() {
        let due = Known { notice: Some((0, 200)), ..Known::default() };
        assert_eq!(said(PAID, due), (MatchState::Matched, Decision::Book));
        let again = judge(PAID, Known { notice: Some((1, 200)), booked: Some("c1"), ..due });
        assert_eq!(
            (again.state, again.decision, again.other),
            (MatchState::Duplicate, Decision::RefundOnline, Some("c1"))
        );
        assert_eq!(said(Paid { is_duplicate: true, ..PAID }, due), (MatchState::Duplicate, Decision::RefundOnline));
        let other = judge(Paid { amount_fen: 150, ..PAID }, due);
        assert_eq!((other.state, other.decision, other.diff_fen), (MatchState::AmountDiff, Decision::Review, -50));
    }

    #[test]
    fn an_offline_payment_that_came_back_counts_as_far_as_its_row_and_the_notice_say() {
        let said = |notice, first, amount, refund| {
            let Judgement { state, decision, .. } = judge_returned_offline(notice, first, amount, refund);
            (state, decision)
        };
        for state in [0, 1] {
            assert_eq!(said((state, 200), None, 200, 0), (MatchState::Matched, Decision::Book));
        }
        assert_eq!(said((1, 200), None, 200, 2), (MatchState::Duplicate, Decision::RefundOffline));
        assert_eq!(said((1, 200), None, 150, 0), (MatchState::AmountDiff, Decision::Review));
        assert_eq!(said((1, 200), Some("c1"), 200, 0), (MatchState::NoNotice, Decision::Review));
        assert_eq!(said((2, 200), None, 200, 0), (MatchState::NoNotice, Decision::Review));
    }

    #[test]
    fn what_was_paid_to_the_police_goes_back_and_what_was_paid_at_a_bank_stands() {
        let known = |source| Known { notice: Some((1, 200)), booked: None, offline: Some(("o1", source)) };
        assert_eq!(said(PAID, known(OfflineSource::PoliceBatch)), (MatchState::Duplicate, Decision::RefundOffline));
        assert_eq!(said(PAID, known(OfflineSource::Bank)), (MatchState::Duplicate, Decision::RefundOnline));
        // A third payment is one online too many, whatever was paid offline.
        let third = Known { booked: Some("c1"), ..known(OfflineSource::PoliceBatch) };
        assert_eq!(said(PAID, third), (MatchState::Duplicate, Decision::RefundOnline));
    }

    #[test]
    fn money_without_a_notice_is_booked_or_looked_at() {
        let direct = Paid { pay_code: None, ..PAID };
        assert_eq!(said(direct, Known::default()), (MatchState::NoNotice, Decision::Book));
        let again = Paid { is_duplicate: true, ..direct };
        assert_eq!(said(again, Known::default()), (MatchState::Duplicate, Decision::RefundOnline));
        assert_eq!(said(PAID, Known::default()), (MatchState::NoNotice, Decision::Review));
        let void = Known { notice: Some((2, 200)), ..Known::default() };
        assert_eq!(said(PAID, void), (MatchState::NoNotice, Decision::Review));
    }

    #[test]
    fn numbers_mean_what_they_are() {
        for number in 1..=4 {
            assert_eq!(MatchState::of(number).map(MatchState::number), Some(number));
            assert_eq!(Decision::of(number).map(Decision::number), Some(number));
        }
        assert_eq!(Decision::of(5), None);
    }
}
