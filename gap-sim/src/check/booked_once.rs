//! Invariant 13, of the nodes: every payment that was confirmed is in the ledger once, with the verdict of the rule, and its answer
//! is what the outer zone was told.

use std::collections::{BTreeMap, BTreeSet};

use contract::rows::{Cell, ConfirmResult, NoticeRequest, NoticeRequestResult, PayConfirm, PayNotice, Row};
use contract::rules::{Decision, MatchState, OfflineSource, OrderState};
use ferry_format::StreamName;

use super::{Checker, Moment, identity};
use crate::world::World;
use crate::world::database::Database;
use crate::world::host::ZoneId;
use crate::world::nodes::Nodes;
use crate::world::nodes::books::{Books, Entry, Source};
use crate::world::nodes::desk::{all, find, json};

/// In every commit the ledger and the answers of the inner zone say the same, no payment is in it twice, and one counts for a notice
/// at most; orders, transactions and confirmations of the outer zone say the same, and none is without a payment that its channel
/// knows. In the end what was confirmed outside is booked inside, and what was answered inside is known outside, except what
/// operators let drop, and what waits for them.
#[derive(Debug, Default)]
pub(super) struct BookedOnce {
    seen: Option<[u64; 2]>,
}

impl Checker for BookedOnce {
    identity!(13, "booked-once");

    fn look(&mut self, world: &World, moment: &Moment) -> Result<(), String> {
        let Some(nodes) = world.nodes.as_deref() else { return Ok(()) };
        let is_end = matches!(moment, Moment::Ended);
        let commits = ZoneId::BOTH.map(|zone| world.host(zone).store.database().commits);
        if self.seen.replace(commits) == Some(commits) && !is_end {
            return Ok(());
        }
        // A database that is looked at is locked, and this looks at one.
        let is_usurped = |stream: &&StreamName| world.is_usurped(stream);
        let usurped: BTreeSet<StreamName> = world.model.streams.keys().filter(is_usurped).cloned().collect();
        ledger(world, nodes, &usurped)?;
        orders(world, nodes)?;
        if is_end { ended(world, nodes, &usurped) } else { Ok(()) }
    }

    fn restored(&mut self, _zone: ZoneId) {
        self.seen = None;
    }
}

fn by_id<R: Row>(database: &Database, id: &str) -> Option<R> {
    find(database, &[Cell::Text(id.to_owned())])
}

fn stream(name: &str) -> StreamName {
    name.parse().expect("the contract's streams have good names")
}

/// The ledger with the rows of its zone.
fn ledger(world: &World, nodes: &Nodes, usurped: &BTreeSet<StreamName>) -> Result<(), String> {
    let database = world.host(ZoneId::Inner).store.database();
    let mut counting: BTreeMap<&str, &Entry> = BTreeMap::new();
    let mut payments: BTreeMap<&str, &Entry> = BTreeMap::new();
    for entry in &database.books.ledger {
        if payments.insert(&entry.payment_id, entry).is_some() {
            return Err(format!("{} is booked twice", entry.payment_id));
        }
        if let Some(code) = entry.pay_code.as_deref().filter(|_| entry.counts)
            && let Some(other) = counting.insert(code, entry)
        {
            return Err(format!("{} and {} both count for {code}", other.payment_id, entry.payment_id));
        }
        if entry.source == Source::Online {
            booked(usurped, &database, entry)?;
        }
    }
    if nodes.was_put_back[ZoneId::Inner.index()] { Ok(()) } else { replay(&database) }
}

/// A line of an online payment is of a confirmation that came, and says what was answered.
fn booked(usurped: &BTreeSet<StreamName>, database: &Database, entry: &Entry) -> Result<(), String> {
    let id = &entry.payment_id;
    let Some(confirm) = by_id::<PayConfirm>(database, id) else {
        let is_untold = usurped.contains(&stream("confirm"));
        return if is_untold { Ok(()) } else { Err(format!("{id} is booked, and no confirmation says so")) };
    };
    if (confirm.amount_fen, &confirm.pay_code) != (entry.amount_fen, &entry.pay_code) {
        return Err(format!("{id} is booked with {} fen, and confirmed with {}", entry.amount_fen, confirm.amount_fen));
    }
    let Some(answer) = by_id::<ConfirmResult>(database, id) else {
        return Err(format!("{id} is booked and not answered"));
    };
    let told = (answer.match_state, answer.decision, answer.book_no.as_str(), answer.other_ref.as_ref());
    let meant = (entry.state.number(), entry.decision.number(), entry.book_no.as_str(), entry.other.as_ref());
    if told != meant {
        return Err(format!("{id} is booked as {meant:?} and answered as {told:?}"));
    }
    Ok(())
}

/// The verdicts of a ledger that was never put back, line by line, said again without the rule's own words.
fn replay(database: &Database) -> Result<(), String> {
    let mut first: BTreeMap<&str, (&str, Source)> = BTreeMap::new();
    for entry in &database.books.ledger {
        let (is_marked, amount_fen) = match by_id::<PayConfirm>(database, &entry.payment_id) {
            Some(confirm) => (confirm.is_duplicate, confirm.amount_fen),
            None => (false, entry.amount_fen),
        };
        let Some(code) = entry.pay_code.as_deref() else {
            match is_marked {
                true => expect(entry, MatchState::Duplicate, Decision::RefundOnline, None)?,
                false => expect(entry, MatchState::NoNotice, Decision::Book, None)?,
            }
            continue;
        };
        let before = first.get(code).copied();
        match (entry.source, before) {
            (Source::Online, Some((other, Source::Offline(OfflineSource::PoliceBatch)))) => {
                expect(entry, MatchState::Duplicate, Decision::RefundOffline, Some(other))?;
                first.insert(code, (&entry.payment_id, entry.source));
            }
            (Source::Online, Some((other, _))) => {
                expect(entry, MatchState::Duplicate, Decision::RefundOnline, Some(other))?;
            }
            (Source::Offline(_), Some((other, _))) => {
                expect(entry, MatchState::Duplicate, Decision::RefundOffline, Some(other))?;
            }
            (Source::Online, None) if is_marked => {
                expect(entry, MatchState::Duplicate, Decision::RefundOnline, None)?;
            }
            (_, None) if entry.state == MatchState::Matched => {
                let notice: Option<PayNotice> = by_id(database, code);
                if notice.is_none_or(|notice| notice.state != 1 || notice.total_fen != amount_fen) {
                    return Err(format!("{} is matched, and {code} is no notice that it pays", entry.payment_id));
                }
                first.insert(code, (&entry.payment_id, entry.source));
            }
            (_, None) => {
                let is_unclear = matches!(entry.state, MatchState::AmountDiff | MatchState::NoNotice);
                if !is_unclear || entry.decision != Decision::Review {
                    return Err(format!("{} is booked as {:?} {:?}", entry.payment_id, entry.state, entry.decision));
                }
            }
        }
    }
    Ok(())
}

fn expect(entry: &Entry, state: MatchState, decision: Decision, other: Option<&str>) -> Result<(), String> {
    let found = (entry.state, entry.decision, entry.other.as_deref());
    if found == (state, decision, other) {
        return Ok(());
    }
    Err(format!("{} is booked as {found:?} where {:?} is right", entry.payment_id, (state, decision, other)))
}

/// The orders and transactions with the confirmations of their zone, and with what channels know.
fn orders(world: &World, nodes: &Nodes) -> Result<(), String> {
    let database = world.host(ZoneId::Outer).store.database();
    let books = &database.books;
    let mut counting: BTreeMap<&str, &str> = BTreeMap::new();
    for (no, order) in &books.orders {
        if order.state.has_money() {
            let id = order.confirm_id.as_deref().unwrap_or_default();
            let Some(confirm) = by_id::<PayConfirm>(&database, id) else {
                return Err(format!("the order {no} is paid, and no confirmation says so"));
            };
            if (confirm.amount_fen, &confirm.platform_order_no) != (order.confirm.amount_fen, no) {
                return Err(format!("the order {no} is confirmed as another"));
            }
            if confirm.is_duplicate != (order.state == OrderState::Repaid) {
                return Err(format!("the order {no} is {:?}, and its confirmation says otherwise", order.state));
            }
        }
        let code = order.confirm.pay_code.as_deref().filter(|_| order.state.counts());
        if let Some(other) = code.and_then(|code| counting.insert(code, no)) {
            return Err(format!("the orders {other} and {no} both count for one notice"));
        }
    }
    transactions(&database, books)?;
    confirmations(&database, nodes)
}

fn transactions(database: &Database, books: &Books) -> Result<(), String> {
    for (number, txn) in &books.txns {
        let confirm: Option<PayConfirm> = by_id(database, &txn.confirm_id);
        let told = confirm.map(|confirm| (confirm.amount_fen, confirm.is_duplicate));
        if told != Some((txn.amount_fen, txn.is_duplicate)) {
            return Err(format!(
                "the transaction {number} is {:?}, and confirmed as {told:?}",
                (txn.amount_fen, txn.is_duplicate)
            ));
        }
    }
    Ok(())
}

fn confirmations(database: &Database, nodes: &Nodes) -> Result<(), String> {
    let mut numbers = BTreeMap::new();
    for confirm in all::<PayConfirm>(database) {
        let number = confirm.channel_order_no;
        let said = nodes.people.payments.iter().find(|paid| paid.channel_order_no == number && paid.is_success);
        if said.is_none_or(|paid| paid.amount_fen != confirm.amount_fen) {
            return Err(format!("{} confirms a payment that no channel knows", confirm.confirm_id));
        }
        if let Some(other) = numbers.insert(number, confirm.confirm_id.clone()) {
            return Err(format!("{other} and {} confirm one payment", confirm.confirm_id));
        }
    }
    Ok(())
}

/// What must be the same in both zones when everything has converged.
fn ended(world: &World, nodes: &Nodes, usurped: &BTreeSet<StreamName>) -> Result<(), String> {
    if world.is_open(ZoneId::Inner) {
        inner_ended(world, nodes, usurped)?;
    }
    if world.is_open(ZoneId::Outer) {
        outer_ended(world, nodes)?;
    }
    let (inner, outer) = (world.host(ZoneId::Inner).store.database(), world.host(ZoneId::Outer).store.database());
    for confirm in all::<PayConfirm>(&outer) {
        let has_come = by_id::<PayConfirm>(&inner, &confirm.confirm_id).is_some();
        if !has_come && !is_dropped::<PayConfirm>(world, usurped, "confirm", &confirm.confirm_id) {
            return Err(format!("{} was confirmed, and never came", confirm.confirm_id));
        }
    }
    for answer in all::<ConfirmResult>(&inner) {
        let come: Option<ConfirmResult> = by_id(&outer, &answer.confirm_id);
        if come.as_ref() != Some(&answer) && !is_dropped::<ConfirmResult>(world, usurped, "result", &answer.confirm_id)
        {
            return Err(format!("{} was answered, and outside the answer is {come:?}", answer.confirm_id));
        }
    }
    for answer in all::<NoticeRequestResult>(&inner) {
        let come: Option<NoticeRequestResult> = by_id(&outer, &answer.request_id);
        if come.as_ref() != Some(&answer)
            && !is_dropped::<NoticeRequestResult>(world, usurped, "notice", &answer.request_id)
        {
            return Err(format!("{} was answered, and outside the answer is {come:?}", answer.request_id));
        }
    }
    Ok(())
}

/// Everything that came is booked, what is booked is the sum of what came, and a notice is paid where a payment counts for it. After
/// a restore a notice may have come back paid, and not yet the confirmation that paid it.
fn inner_ended(world: &World, nodes: &Nodes, usurped: &BTreeSet<StreamName>) -> Result<(), String> {
    let outside = match nodes.was_put_back[ZoneId::Inner.index()] {
        true => all::<PayConfirm>(&world.host(ZoneId::Outer).store.database()),
        false => Vec::new(),
    };
    let database = world.host(ZoneId::Inner).store.database();
    let confirms: Vec<PayConfirm> = all(&database);
    if let Some(confirm) = confirms.iter().find(|confirm| database.books.entry(&confirm.confirm_id).is_none()) {
        return Err(format!("{} came and is not booked", confirm.confirm_id));
    }
    let online = database.books.ledger.iter().filter(|entry| entry.source == Source::Online);
    let (booked, came) =
        (online.map(|entry| entry.amount_fen).sum::<i64>(), confirms.iter().map(|one| one.amount_fen).sum::<i64>());
    if booked != came && !usurped.contains(&stream("confirm")) {
        return Err(format!("{came} fen came and {booked} are booked"));
    }
    for notice in all::<PayNotice>(&database) {
        let counting = database.books.counting(&notice.pay_code);
        let is_of = |confirm: &&PayConfirm| confirm.pay_code.as_deref() == Some(notice.pay_code.as_str());
        let is_on_its_way = |confirm: &PayConfirm| {
            by_id::<PayConfirm>(&database, &confirm.confirm_id).is_none()
                && is_dropped::<PayConfirm>(world, usurped, "confirm", &confirm.confirm_id)
        };
        let may_lack = notice.state == 1 && outside.iter().filter(is_of).any(is_on_its_way);
        if (notice.state == 1) != counting.is_some() && !may_lack {
            let by = counting.map(|entry| entry.payment_id.as_str());
            return Err(format!("the notice {} has state {}, and {by:?} counts for it", notice.pay_code, notice.state));
        }
    }
    for asked in all::<NoticeRequest>(&database) {
        if by_id::<NoticeRequestResult>(&database, &asked.request_id).is_none() {
            return Err(format!("{} came and is not answered", asked.request_id));
        }
    }
    Ok(())
}

/// Every payment that a channel knows is confirmed, or fits no order because the zone was put back to before it.
fn outer_ended(world: &World, nodes: &Nodes) -> Result<(), String> {
    let database = world.host(ZoneId::Outer).store.database();
    let books = &database.books;
    for paid in nodes.people.payments.iter().filter(|paid| paid.is_success) {
        let number = &paid.channel_order_no;
        let is_confirmed = all::<PayConfirm>(&database).iter().any(|confirm| confirm.channel_order_no == *number);
        let is_odd = books.oddities.contains(number) && nodes.was_put_back[ZoneId::Outer.index()] && !is_confirmed;
        if !books.txns.contains_key(number) && !is_odd {
            return Err(format!("{} was paid, and is not confirmed", paid.channel_order_no));
        }
    }
    for answer in all::<ConfirmResult>(&database) {
        if books.told.get(&answer.confirm_id) != Some(&(answer.match_state, answer.decision)) {
            return Err(format!("the unit was not told how {} was answered", answer.confirm_id));
        }
    }
    Ok(())
}

/// Whether a row that its owner has need not be at the peer: operators let it drop, or its stream waits for somebody who is told.
fn is_dropped<R: Row>(world: &World, usurped: &BTreeSet<StreamName>, of: &str, id: &str) -> bool {
    let stream = stream(of);
    let (model, fate) = (&world.model.streams[&stream], &world.fates[&stream]);
    if fate.frozen || fate.forgotten || fate.unsendable_from.is_some() || usurped.contains(&stream) {
        return true;
    }
    let place = (R::SHAPE.table.to_owned(), json(vec![Cell::Text(id.to_owned())]));
    let is_it =
        |change: &crate::world::change::Change| (change.table.as_str(), change.key.as_str()) == (&place.0, &place.1);
    let last = model.changes.iter().rposition(is_it).map_or(0, |at| at as u64 + 1);
    model.dropped.contains(&place) || last > model.followed || model.parked.iter().any(is_it)
}
