//! What is wrong with a town's money, in sentences.

use std::collections::{BTreeMap, BTreeSet};

use contract::rules::OrderState;

use super::{Accounts, Booked, Confirmed, Number, Ordered};
use crate::nodes::tally::place;
use crate::pair::{INNER, OUTER};

/// 双人确认支付.
const TWO_PEOPLE: u64 = 2;

impl Accounts {
    /// Everything that is wrong; nothing when each payment is confirmed, carried, booked, answered and told once.
    #[must_use]
    pub fn findings(&self) -> Vec<String> {
        let mut findings = Vec::new();
        self.payments(&mut findings);
        self.orders(&mut findings);
        self.crossing(&mut findings);
        self.ledger(&mut findings);
        self.counting(&mut findings);
        self.written_once(&mut findings);
        self.answers(&mut findings);
        self.told(&mut findings);
        self.sums(&mut findings);
        findings
    }

    /// What was paid: money that a channel took, and money that two people vouch for.
    #[must_use]
    pub fn paid(&self) -> BTreeMap<&Number, &(String, u64)> {
        self.allowed.iter().chain(&self.taken).collect()
    }

    /// Each payment has one confirmation outside, and each confirmation has a payment or the word of two people.
    fn payments(&self, findings: &mut Vec<String>) {
        let paid = self.paid();
        let mut confirmed: BTreeMap<&Number, Vec<&Confirmed>> = BTreeMap::new();
        for one in &self.outside {
            confirmed.entry(&one.number).or_default().push(one);
            match paid.get(&one.number) {
                None => findings.push(format!("{} confirms what nobody paid", one.confirm_id)),
                Some((order, amount)) if (order, amount) != (&one.order, &one.amount_fen) => {
                    findings.push(format!("{} confirms another payment than {:?}", one.confirm_id, one.number));
                }
                Some(_) => {}
            }
            if one.evidence == TWO_PEOPLE && !self.allowed.contains_key(&one.number) {
                findings.push(format!("{} rests on evidence that nobody allowed", one.confirm_id));
            }
            if one.evidence != TWO_PEOPLE && self.allowed.contains_key(&one.number) {
                findings.push(format!("{} does not say that two people allowed it", one.confirm_id));
            }
        }
        for number in paid.keys() {
            let count = confirmed.get(*number).map_or(0, Vec::len);
            if count != 1 {
                findings.push(format!("the payment {number:?} has {count} confirmations"));
            }
        }
    }

    /// An order that was paid says so, under its confirmation; and one that says so was paid.
    fn orders(&self, findings: &mut Vec<String>) {
        let paid: BTreeSet<&String> = self.paid().into_values().map(|(order, _)| order).collect();
        let known: BTreeSet<(&String, &String)> =
            self.outside.iter().map(|one| (&one.confirm_id, &one.order)).collect();
        let mut counting: BTreeMap<&String, usize> = BTreeMap::new();
        for Ordered { order, state, pay_code, confirm_id } in &self.orders {
            let state = i64::try_from(*state).ok().and_then(OrderState::of);
            if state.is_some_and(OrderState::has_money) != paid.contains(order) {
                findings
                    .push(format!("the order {order} is {state:?}, and whether it was paid: {}", paid.contains(order)));
            }
            if state.is_some_and(OrderState::has_money) && !known.contains(&(confirm_id, order)) {
                findings.push(format!("the order {order} names a confirmation that is not there: {confirm_id}"));
            }
            if state.is_some_and(OrderState::counts) && !pay_code.is_empty() {
                *counting.entry(pay_code).or_default() += 1;
            }
        }
        let orders: BTreeSet<&String> = self.orders.iter().map(|one| &one.order).collect();
        findings.extend(paid.difference(&orders).map(|order| format!("the paid order {order} is not there")));
        let twice = counting.into_iter().filter(|(_, count)| *count > 1);
        findings.extend(twice.map(|(pay_code, count)| format!("{count} orders count for {pay_code}")));
    }

    /// Both zones have the same confirmations.
    fn crossing(&self, findings: &mut Vec<String>) {
        for (from, to, way) in [(&self.outside, &self.inside, "inside"), (&self.inside, &self.outside, "outside")] {
            let missing = from.iter().filter(|one| !to.contains(one));
            findings.extend(missing.map(|one| format!("{} is not {way} as it is on the other side", one.confirm_id)));
        }
    }

    /// Each confirmation, and each payment made offline, has one line in the ledger, with its amount.
    fn ledger(&self, findings: &mut Vec<String>) {
        let mut due: BTreeMap<(&str, bool), u64> =
            self.inside.iter().map(|one| ((one.confirm_id.as_str(), true), one.amount_fen)).collect();
        due.extend(self.offline.iter().map(|(id, (fen, _))| ((id.as_str(), false), *fen)));
        let mut lines: BTreeMap<(&str, bool), Vec<&Booked>> = BTreeMap::new();
        for one in &self.booked {
            let key = (one.payment_id.as_str(), one.is_online);
            lines.entry(key).or_default().push(one);
            match due.get(&key) {
                None => findings.push(format!("the booking {} is of no payment", one.book_no)),
                Some(fen) if *fen != one.amount_fen => {
                    findings.push(format!("the booking {} is of {} fen, paid were {fen}", one.book_no, one.amount_fen));
                }
                Some(_) => {}
            }
        }
        for (payment_id, is_online) in due.into_keys() {
            let count = lines.get(&(payment_id, is_online)).map_or(0, Vec::len);
            if count != 1 {
                findings.push(format!("{payment_id} has {count} bookings"));
            }
        }
    }

    /// One payment counts for a notice that was paid.
    fn counting(&self, findings: &mut Vec<String>) {
        let paid = self.orders.iter().filter(|one| !one.confirm_id.is_empty() && self.notices.contains(&one.pay_code));
        let mut counting: BTreeMap<&String, usize> = paid.map(|one| (&one.pay_code, 0)).collect();
        for one in self.booked.iter().filter(|one| self.notices.contains(&one.pay_code)) {
            *counting.entry(&one.pay_code).or_default() += usize::from(one.counts);
        }
        let wrong = counting.into_iter().filter(|(_, count)| *count != 1);
        findings.extend(wrong.map(|(pay_code, count)| format!("{count} payments count for the notice {pay_code}")));
    }

    /// Nothing where money stands was written twice, or without being there in the end.
    fn written_once(&self, findings: &mut Vec<String>) {
        let confirms = |list: &[Confirmed]| list.iter().map(|one| one.confirm_id.clone()).collect::<Vec<_>>();
        let booked = self.booked.iter().map(|one| one.payment_id.clone()).collect();
        let there = [
            (place(OUTER, "pay_confirm"), confirms(&self.outside)),
            (place(OUTER, "outer_txn"), confirms(&self.outside)),
            (place(INNER, "pay_confirm"), confirms(&self.inside)),
            (place(INNER, "inner_book"), booked),
        ];
        let due: BTreeSet<(String, String)> =
            there.into_iter().flat_map(|(place, keys)| keys.into_iter().map(move |key| (place.clone(), key))).collect();
        let keys: BTreeSet<&(String, String)> = due.iter().chain(self.writes.keys()).collect();
        for key in keys {
            let (count, wanted) = (self.writes.get(key).copied().unwrap_or(0), u64::from(due.contains(key)));
            if count != wanted {
                findings.push(format!("{} {} was written {count} times", key.0, key.1));
            }
        }
    }

    /// Each confirmation is answered with its booking, and the outer zone has that answer.
    fn answers(&self, findings: &mut Vec<String>) {
        let [inside, outside] = &self.answered;
        let books: BTreeMap<&String, &String> = self.booked.iter().map(|one| (&one.payment_id, &one.book_no)).collect();
        for Confirmed { confirm_id, .. } in &self.outside {
            let answer = inside.get(confirm_id);
            let is_of_book = answer
                .zip(books.get(confirm_id))
                .is_some_and(|(answer, book)| answer.split(':').nth(2) == Some(book.as_str()));
            if !is_of_book {
                findings.push(format!("{confirm_id} is not answered with its booking: {answer:?}"));
            }
            if answer.is_none() || outside.get(confirm_id) != answer {
                findings.push(format!("the answer to {confirm_id} is not outside"));
            }
        }
    }

    /// The unit's site and the agency's system were told of everything, and of what it came to.
    fn told(&self, findings: &mut Vec<String>) {
        let [answered, _] = &self.answered;
        for Confirmed { confirm_id, amount_fen, .. } in &self.outside {
            if !self.told_paid.contains(&(confirm_id.clone(), *amount_fen)) {
                findings.push(format!("the unit's site was not told of the payment {confirm_id} of {amount_fen} fen"));
            }
            let answer: String = answered.get(confirm_id).map(|all| told_part(all)).unwrap_or_default();
            if !self.told_answer.contains(&(confirm_id.clone(), answer.clone())) {
                findings.push(format!("the unit's site was not told of the answer {confirm_id} {answer}"));
            }
        }
        let due: BTreeSet<(String, String)> =
            self.booked.iter().map(|one| (one.payment_id.clone(), one.book_no.clone())).collect();
        let untold = due.difference(&self.told_booked);
        findings.extend(untold.map(|(id, _)| format!("the agency's system was not told of the booking of {id}")));
        let strange = self.told_booked.difference(&due);
        findings.extend(strange.map(|(id, book)| format!("the agency's system was told of {id} as {book}")));
        self.told_refunds(findings);
    }

    /// The agency's system was told which payments made offline go back and which have gone back, and of no other.
    fn told_refunds(&self, findings: &mut Vec<String>) {
        let at_least = |state: u64| -> BTreeSet<String> {
            self.offline.iter().filter(|(_, (_, of))| *of >= state).map(|(id, _)| id.clone()).collect()
        };
        for (due, told, what) in
            [(at_least(1), &self.told_due, "goes back"), (at_least(2), &self.told_refunded, "has gone back")]
        {
            let untold = due.difference(told);
            findings.extend(untold.map(|id| format!("the agency's system was not told that {id} {what}")));
            let strange = told.difference(&due);
            findings
                .extend(strange.map(|id| format!("the agency's system was told that {id} {what}, and it does not")));
        }
    }

    /// The money is the same at the channels, outside, inside and in the ledger.
    fn sums(&self, findings: &mut Vec<String>) {
        let sums = self.sums_fen();
        if sums.iter().any(|sum| *sum != sums[0]) {
            findings.push(format!("paid, confirmed outside, confirmed inside, booked, in fen: {sums:?}"));
        }
    }

    /// Sums in fen: paid, confirmed outside, confirmed inside, booked online.
    #[must_use]
    pub fn sums_fen(&self) -> [u64; 4] {
        [
            self.paid().into_values().map(|(_, fen)| fen).sum(),
            self.outside.iter().map(|one| one.amount_fen).sum(),
            self.inside.iter().map(|one| one.amount_fen).sum(),
            self.booked.iter().filter(|one| one.is_online).map(|one| one.amount_fen).sum(),
        ]
    }
}

/// The part of an answer that the unit's site is told: match, decision and 记账号.
fn told_part(answer: &str) -> String {
    answer.split(':').take(3).collect::<Vec<_>>().join(":")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One payment of a notice that went its whole way.
    fn sound() -> Accounts {
        let number = ("WECHAT".to_owned(), "W1".to_owned());
        let (id, order, book, code) = ("c1".to_owned(), "o1".to_owned(), "b1".to_owned(), "61".to_owned());
        let confirm = Confirmed {
            confirm_id: id.clone(),
            number: number.clone(),
            order: order.clone(),
            amount_fen: 300,
            evidence: 1,
            is_duplicate: false,
        };
        let answered = BTreeMap::from([(id.clone(), format!("1:1:{book}:0"))]);
        let places = [(OUTER, "pay_confirm"), (OUTER, "outer_txn"), (INNER, "pay_confirm"), (INNER, "inner_book")];
        Accounts {
            taken: [(number, (order.clone(), 300))].into(),
            outside: vec![confirm.clone()],
            inside: vec![confirm],
            booked: vec![Booked {
                book_no: book.clone(),
                payment_id: id.clone(),
                is_online: true,
                pay_code: code.clone(),
                amount_fen: 300,
                counts: true,
            }],
            notices: [code.clone()].into(),
            answered: [answered.clone(), answered],
            orders: vec![Ordered { order, state: 2, pay_code: code, confirm_id: id.clone() }],
            writes: places.map(|(zone, table)| ((place(zone, table), id.clone()), 1)).into(),
            told_paid: [(id.clone(), 300)].into(),
            told_answer: [(id.clone(), format!("1:1:{book}"))].into(),
            told_booked: [(id, book)].into(),
            ..Accounts::default()
        }
    }

    fn found(change: impl FnOnce(&mut Accounts)) -> Vec<String> {
        let mut accounts = sound();
        change(&mut accounts);
        accounts.findings()
    }

    #[track_caller]
    fn notices(word: &str, change: impl FnOnce(&mut Accounts)) {
        let findings = found(change);
        assert!(findings.iter().any(|one| one.contains(word)), "{word}: {findings:?}");
    }

    #[test]
    fn one_payment_that_went_its_way_is_right() {
        assert_eq!(found(|_| {}), Vec::<String>::new());
    }

    #[test]
    fn money_that_is_missing_is_noticed() {
        let other = || ("WECHAT".to_owned(), "W2".to_owned());
        notices("has 0 confirmations", |all| _ = all.taken.insert(other(), ("o1".to_owned(), 300)));
        notices("the paid order o2 is not there", |all| _ = all.taken.insert(other(), ("o2".to_owned(), 300)));
        notices("is not inside", |all| all.inside.clear());
        notices("c1 has 0 bookings", |all| all.booked.clear());
        notices("0 payments count", |all| all.booked[0].counts = false);
        notices("0 payments count", |all| all.booked.clear());
        notices("is Some(Paying)", |all| all.orders[0].state = 1);
        notices("p1 has 0 bookings", |all| _ = all.offline.insert("p1".to_owned(), (300, 0)));
    }

    #[test]
    fn money_that_nobody_paid_is_noticed() {
        notices("confirms what nobody paid", |all| all.taken.clear());
        notices("rests on evidence that nobody allowed", |all| all.outside[0].evidence = 2);
        notices("is of no payment", |all| all.booked[0].payment_id = "c2".to_owned());
        notices("does not say that two people", |all| all.allowed = all.taken.clone());
        notices("is not outside as it is", |all| all.inside[0].amount_fen = 301);
        notices("names a confirmation that is not there", |all| all.orders[0].confirm_id = "c2".to_owned());
    }

    #[test]
    fn money_that_is_counted_twice_is_noticed() {
        notices("has 2 confirmations", |all| all.outside.push(all.outside[0].clone()));
        notices("c1 has 2 bookings", |all| all.booked.push(all.booked[0].clone()));
        notices("2 payments count", |all| all.booked.push(all.booked[0].clone()));
        notices("paid, confirmed outside", |all| all.booked[0].amount_fen = 600);
        notices("2 orders count", |all| all.orders.push(all.orders[0].clone()));
        notices("was written 2 times", |all| _ = all.writes.insert((place(INNER, "pay_confirm"), "c1".to_owned()), 2));
        notices("was written 1 times", |all| _ = all.writes.insert((place(INNER, "inner_book"), "c0".to_owned()), 1));
    }

    #[test]
    fn whoever_was_not_told_is_noticed() {
        notices("is not answered", |all| all.answered[0].clear());
        notices("is not answered", |all| _ = all.answered[0].insert("c1".to_owned(), "1:1:b2:0".to_owned()));
        notices("is not outside", |all| all.answered[1].clear());
        notices("not told of the payment", |all| all.told_paid.clear());
        notices("not told of the payment", |all| all.told_paid = [("c1".to_owned(), 301)].into());
        notices("not told of the answer", |all| all.told_answer.clear());
        let other = [("c1".to_owned(), "1:2:b1".to_owned())];
        notices("not told of the answer c1 1:1:b1", |all| all.told_answer = other.into());
        notices("not told of the booking", |all| all.told_booked.clear());
        notices("was told of c1 as b2", |all| _ = all.told_booked.insert(("c1".to_owned(), "b2".to_owned())));
    }

    #[test]
    fn whoever_was_not_told_that_a_payment_goes_back_is_noticed() {
        let with = |state: u64| move |all: &mut Accounts| _ = all.offline.insert("p1".to_owned(), (300, state));
        notices("was not told that p1 goes back", with(1));
        notices("was not told that p1 has gone back", with(2));
        notices("was told that p1 goes back, and it does not", |all| _ = all.told_due.insert("p1".to_owned()));
        notices("was told that p1 has gone back, and", |all| _ = all.told_refunded.insert("p1".to_owned()));
    }

    #[test]
    fn what_two_people_vouch_for_is_paid() {
        let findings = found(|all| {
            all.allowed = std::mem::take(&mut all.taken);
            all.outside[0].evidence = 2;
            all.inside[0].evidence = 2;
        });
        assert_eq!(findings, Vec::<String>::new());
    }
}
