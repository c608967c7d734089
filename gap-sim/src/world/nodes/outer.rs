//! The outer node: requests, orders, what channels say became of them, and the answers of the inner zone. Of that zone it knows what
//! its replica holds.

use contract::rows::{
    BaseAgency, ConfirmResult, NoticeRequest, NoticeRequestItem, NoticeRequestResult, OfflinePayment, PayConfirm,
    PayConfirmItem, PayNotice, PayNoticeItem,
};
use contract::rules::{
    self, Charge, Debt, GuardRefusal, LATE_FEE, OfflineSource, OrderEvent, OrderState, OtherPayments, Policy,
    check_confirm, check_request, may_pay,
};

use super::books::{Order, Txn};
use super::desk::{Desk, china};
use super::mistake::Mistake;
use super::people::Payment;

/// 已退.
const REFUNDED: i64 = 2;

/// What became of a payment that was heard of.
#[derive(Debug, Clone)]
pub enum Heard {
    /// Everything is written.
    Settled,
    /// A mistaken node writes the confirmation in its next transaction.
    Unconfirmed(Box<(PayConfirm, Vec<PayConfirmItem>)>),
}

/// A unit asks for a notice.
pub fn request(desk: &mut Desk<'_>, asked: &NoticeRequest, items: &[NoticeRequestItem]) {
    if desk.find_by::<BaseAgency>(&asked.agency_id).is_none_or(|agency| !agency.is_enabled) {
        return;
    }
    let (request_id, time) = (desk.guid('Q'), desk.time17());
    let asked = NoticeRequest {
        request_id: request_id.clone(),
        fiscal_year: time[..4].to_owned(),
        create_time: time.clone(),
        update_time: time,
        ..asked.clone()
    };
    let item = |item: &NoticeRequestItem| NoticeRequestItem { request_id: request_id.clone(), ..item.clone() };
    let items: Vec<NoticeRequestItem> = items.iter().map(item).collect();
    assert!(check_request(&asked, &items).is_empty(), "units ask for what the contract allows: {asked:?}");
    desk.put(&asked);
    items.iter().for_each(|item| desk.put(item));
}

/// A unit orders what a notice asks for; none where the guard knows of a payment.
pub fn order(desk: &mut Desk<'_>, pay_code: &str, expire_ms: u64) -> Option<String> {
    match guard(desk, pay_code, "")? {
        // The other order may still fail; whoever pays is judged again.
        Ok(()) | Err(GuardRefusal::BeingPaid) => {}
        Err(_) => return None,
    }
    let notice: PayNotice = desk.find_by(pay_code)?;
    let no = desk.guid('P');
    let mut lines: Vec<PayNoticeItem> =
        desk.all::<PayNoticeItem>().into_iter().filter(|line| line.pay_code == pay_code).collect();
    lines.sort_by_key(|line| line.line_no);
    let mut items: Vec<PayConfirmItem> = lines.into_iter().map(|line| line_of(&no, line)).collect();
    if notice.late_fee_fen > 0 {
        let line_no = items.last().map_or(1, |line| line.line_no + 1);
        items.push(LATE_FEE.line(&no, line_no, notice.late_fee_fen));
    }
    let confirm = PayConfirm {
        pay_code: Some(notice.pay_code),
        mof_div_code: notice.mof_div_code,
        fiscal_year: notice.fiscal_year,
        agency_id: notice.agency_id,
        biz_line: notice.biz_line,
        biz_ref: notice.biz_ref,
        payer_type: notice.payer_type,
        payer_name: notice.payer_name,
        amount_fen: notice.total_fen,
        ..PayConfirm::default()
    };
    keep_order(desk, no, confirm, items, expire_ms)
}

/// A unit orders what began at its own site and has no notice inside.
pub fn order_directly(
    desk: &mut Desk<'_>,
    asked: &PayConfirm,
    items: &[PayConfirmItem],
    expire_ms: u64,
) -> Option<String> {
    let agency: BaseAgency = desk.find_by(&asked.agency_id).filter(|agency: &BaseAgency| agency.is_enabled)?;
    let no = desk.guid('P');
    let confirm = PayConfirm { pay_code: None, mof_div_code: agency.mof_div_code, ..asked.clone() };
    let item = |item: &PayConfirmItem| PayConfirmItem { confirm_id: no.clone(), ..item.clone() };
    let items = items.iter().map(item).collect();
    keep_order(desk, no.clone(), confirm, items, expire_ms)
}

/// An order that could not be confirmed is never made: while only a part of a notice has come, say.
fn keep_order(
    desk: &mut Desk<'_>,
    no: String,
    confirm: PayConfirm,
    items: Vec<PayConfirmItem>,
    expire_ms: u64,
) -> Option<String> {
    let time = desk.time17();
    let confirm = PayConfirm {
        confirm_id: no.clone(),
        platform_order_no: no.clone(),
        channel: "-".to_owned(),
        channel_order_no: "-".to_owned(),
        pay_time: time[..14].to_owned(),
        pay_date: time[..8].to_owned(),
        is_duplicate: false,
        evidence: 1,
        create_time: time.clone(),
        update_time: time,
        ..confirm
    };
    if !check_confirm(&confirm, &items, &Policy::default()).is_empty() {
        return None;
    }
    let order = Order { confirm, items, state: OrderState::Pending, expire_ms, confirm_id: None };
    desk.books().orders.insert(no.clone(), order);
    Some(no)
}

fn line_of(no: &str, line: PayNoticeItem) -> PayConfirmItem {
    PayConfirmItem {
        confirm_id: no.to_owned(),
        line_no: line.line_no,
        item_code: line.item_code,
        item_name: line.item_name,
        quantity: line.quantity,
        unit_fen: line.unit_fen,
        amount_fen: line.amount_fen,
    }
}

/// What the guard says of a pay code, leaving one order out; none where there is no notice.
fn guard(desk: &Desk<'_>, pay_code: &str, but: &str) -> Option<Result<(), GuardRefusal>> {
    let notice: PayNotice = desk.find_by(pay_code)?;
    let orders = states(desk, pay_code, but);
    let debt = Debt {
        notice_state: notice.state,
        expire_date: notice.expire_date.as_deref(),
        paid_offline: paid_offline(desk, pay_code).next().is_some(),
        orders: &orders,
    };
    Some(may_pay(debt, &desk.today()))
}

/// The states of the orders for a pay code, all but one. A confirmation that is not one too many counts as an order that is paid: its
/// order may be lost with the database.
fn states(desk: &Desk<'_>, pay_code: &str, but: &str) -> Vec<OrderState> {
    let counts = |confirm: &PayConfirm| {
        let is_other = confirm.pay_code.as_deref() == Some(pay_code) && confirm.platform_order_no != but;
        is_other && !confirm.is_duplicate && desk.mistake != Some(Mistake::ReturnedForgotten)
    };
    let confirmed = desk.all::<PayConfirm>().into_iter().filter(counts).map(|_| OrderState::Paid);
    desk.kept().states(pay_code, but).into_iter().chain(confirmed).collect()
}

/// Confirmations that no transaction knows: the zone was put back, and ferry has returned them. The one that counts comes first.
pub fn returned(desk: &Desk<'_>) -> Vec<PayConfirm> {
    if desk.mistake == Some(Mistake::ReturnedForgotten) {
        return Vec::new();
    }
    let is_unknown = |confirm: &PayConfirm| !desk.kept().txns.contains_key(&confirm.channel_order_no);
    let mut found: Vec<PayConfirm> = desk.all().into_iter().filter(is_unknown).collect();
    let place = |one: &PayConfirm| (one.is_duplicate, one.create_time.clone(), one.confirm_id.clone());
    found.sort_by_key(place);
    found
}

/// Makes transactions of what has come back: the order that was put back is paid, and another stands in for one that is lost.
pub fn take_returned(desk: &mut Desk<'_>) {
    for confirm in returned(desk) {
        let (no, pay_code) = (confirm.platform_order_no.clone(), confirm.pay_code.clone());
        let counts = |states: Vec<OrderState>| states.into_iter().any(OrderState::counts);
        let others = pay_code.is_some_and(|code| counts(desk.kept().states(&code, &no)));
        let paid_before = confirm.is_duplicate || others;
        let (txn_no, confirm_id) = (confirm.channel_order_no.clone(), confirm.confirm_id.clone());
        let txn = Txn {
            order_no: no.clone(),
            confirm_id: confirm_id.clone(),
            amount_fen: confirm.amount_fen,
            is_duplicate: confirm.is_duplicate,
        };
        match desk.books().orders.get_mut(&no) {
            Some(order) => {
                if let Some(state) = order.state.after(OrderEvent::Succeeded { paid_before }) {
                    (order.state, order.confirm_id) = (state, Some(confirm_id));
                }
            }
            None => {
                let mut items: Vec<PayConfirmItem> =
                    desk.all::<PayConfirmItem>().into_iter().filter(|item| item.confirm_id == confirm_id).collect();
                items.sort_by_key(|item| item.line_no);
                let state = if paid_before { OrderState::Repaid } else { OrderState::Paid };
                let order = Order { confirm, items, state, expire_ms: desk.wall_ms, confirm_id: Some(confirm_id) };
                desk.books().orders.insert(no, order);
            }
        }
        desk.books().txns.insert(txn_no, txn);
    }
}

fn paid_offline(desk: &Desk<'_>, pay_code: &str) -> impl Iterator<Item = OfflinePayment> {
    let counts = move |paid: &OfflinePayment| paid.pay_code == pay_code && paid.refund_state != REFUNDED;
    desk.all::<OfflinePayment>().into_iter().filter(counts)
}

/// The payer chooses a channel: what is to be paid, if the guard lets him.
pub fn pay(desk: &mut Desk<'_>, no: &str) -> Option<i64> {
    take_returned(desk);
    let order = desk.kept().orders.get(no)?.clone();
    let after = order.state.after(OrderEvent::Started)?;
    if order.expire_ms <= desk.wall_ms {
        return None;
    }
    if let Some(pay_code) = &order.confirm.pay_code {
        guard(desk, pay_code, no)?.ok()?;
        let notice: PayNotice = desk.find_by(pay_code)?;
        if notice.total_fen != order.confirm.amount_fen {
            return None;
        }
    }
    go(desk, no, after);
    Some(order.confirm.amount_fen)
}

fn go(desk: &mut Desk<'_>, no: &str, state: OrderState) {
    if let Some(order) = desk.books().orders.get_mut(no) {
        order.state = state;
    }
}

/// Orders whose time is over.
pub fn expired(desk: &Desk<'_>) -> Vec<String> {
    let is_over = |order: &Order| order.expire_ms <= desk.wall_ms && order.state.after(OrderEvent::Expired).is_some();
    desk.kept().orders.iter().filter(|(_, order)| is_over(order)).map(|(no, _)| no.clone()).collect()
}

/// Closes an order (超时关单), if it is still open.
pub fn close(desk: &mut Desk<'_>, no: &str) {
    take_returned(desk);
    let state = desk.kept().orders.get(no).and_then(|order| order.state.after(OrderEvent::Expired));
    if let Some(state) = state {
        go(desk, no, state);
    }
}

/// Takes what a channel says of an order. The same again changes nothing; what fits no order is kept for people.
pub fn hear(desk: &mut Desk<'_>, said: &Payment) -> Heard {
    take_returned(desk);
    if !said.is_success {
        let state = desk.kept().orders.get(&said.order_no).and_then(|order| order.state.after(OrderEvent::Failed));
        if let Some(state) = state {
            go(desk, &said.order_no, state);
        }
        return Heard::Settled;
    }
    let is_anew = desk.mistake == Some(Mistake::ConfirmedAnew);
    if desk.kept().txns.contains_key(&said.channel_order_no) && !is_anew {
        return Heard::Settled;
    }
    match desk.kept().orders.get(&said.order_no).cloned() {
        Some(order) if order.confirm.amount_fen == said.amount_fen => settle(desk, order, said),
        Some(_) | None => {
            desk.books().oddities.insert(said.channel_order_no.clone());
            Heard::Settled
        }
    }
}

/// Takes money in: order, transaction and confirmation, all or nothing. A payment too many is confirmed too, and marked as such.
fn settle(desk: &mut Desk<'_>, order: Order, said: &Payment) -> Heard {
    let no = order.confirm.platform_order_no.clone();
    let confirm_id = confirm_id(desk, said);
    let paid_before = is_paid_before(desk, &order);
    let after = order.state.after(OrderEvent::Succeeded { paid_before });
    // A second payment of a paid order leaves the order as it is.
    let told = after.unwrap_or(OrderState::Repaid);
    let is_duplicate = told == OrderState::Repaid;
    let charge = Charge {
        original_fen: order.confirm.amount_fen,
        channel_discount_fen: said.discount_fen,
        fee_fen: said.fee_fen,
        received_fen: said.amount_fen - said.discount_fen - said.fee_fen,
        ..Charge::default()
    };
    assert_eq!(charge.check(), None, "channels keep and give what an order allows");
    let time = desk.time17();
    let confirm = PayConfirm {
        confirm_id: confirm_id.clone(),
        payer_acct: Some(said.payer_acct.clone()),
        channel: said.channel.to_owned(),
        channel_order_no: said.channel_order_no.clone(),
        pay_time: china(said.paid_ms, "%Y%m%d%H%M%S"),
        pay_date: china(said.paid_ms, "%Y%m%d"),
        is_duplicate,
        create_time: time.clone(),
        update_time: time,
        ..order.confirm
    };
    let item = |item: &PayConfirmItem| PayConfirmItem { confirm_id: confirm_id.clone(), ..item.clone() };
    let items: Vec<PayConfirmItem> = order.items.iter().map(item).collect();
    if let Some((state, order)) = after.zip(desk.books().orders.get_mut(&no)) {
        (order.state, order.confirm_id) = (state, Some(confirm_id.clone()));
    }
    let txn = Txn { order_no: no, confirm_id, amount_fen: said.amount_fen, is_duplicate };
    desk.books().txns.insert(said.channel_order_no.clone(), txn);
    if desk.mistake == Some(Mistake::ConfirmedApart) {
        return Heard::Unconfirmed(Box::new((confirm, items)));
    }
    confirm_with(desk, &confirm, &items);
    Heard::Settled
}

/// Writes a confirmation with its lines.
pub fn confirm_with(desk: &mut Desk<'_>, confirm: &PayConfirm, items: &[PayConfirmItem]) {
    desk.put(confirm);
    items.iter().for_each(|item| desk.put(item));
}

/// 确认单号: the same for the same payment, so that a zone that was put back and hears of it again confirms nothing twice.
fn confirm_id(desk: &mut Desk<'_>, said: &Payment) -> String {
    if desk.mistake == Some(Mistake::ConfirmedAnew) { desk.guid('C') } else { format!("C{}", said.channel_order_no) }
}

/// Whether another payment counts already for what an order pays.
fn is_paid_before(desk: &Desk<'_>, order: &Order) -> bool {
    let Some(pay_code) = &order.confirm.pay_code else { return false };
    let forgets = desk.mistake == Some(Mistake::SecondCounts);
    let orders = if forgets { Vec::new() } else { states(desk, pay_code, &order.confirm.platform_order_no) };
    let is_police = |paid: &OfflinePayment| paid.source == OfflineSource::PoliceBatch.number();
    let (to_the_police, at_a_bank): (Vec<_>, Vec<_>) = paid_offline(desk, pay_code).partition(is_police);
    rules::is_paid_before(OtherPayments {
        orders: &orders,
        at_a_bank: !at_a_bank.is_empty(),
        to_the_police: !to_the_police.is_empty(),
        notice_state: desk.find_by::<PayNotice>(pay_code).map(|notice| notice.state),
    })
}

/// Takes what has come back, tells units what has been answered and was not told, and gives the pay codes that they asked for.
pub fn relay(desk: &mut Desk<'_>) -> Vec<String> {
    take_returned(desk);
    let mut news = Vec::new();
    for answer in desk.all::<ConfirmResult>() {
        desk.books().told.insert(answer.confirm_id, (answer.match_state, answer.decision));
    }
    for answer in desk.all::<NoticeRequestResult>() {
        let was_told = desk.books().told.insert(answer.request_id, (answer.state, 0)).is_some();
        news.extend(answer.pay_code.filter(|_| !was_told));
    }
    news
}

/// Whether something has come back, or was answered and not told.
pub fn has_news(desk: &Desk<'_>) -> bool {
    if !returned(desk).is_empty() {
        return true;
    }
    let told = &desk.kept().told;
    let of_confirm =
        |answer: ConfirmResult| told.get(&answer.confirm_id) != Some(&(answer.match_state, answer.decision));
    let of_request = |answer: NoticeRequestResult| !told.contains_key(&answer.request_id);
    desk.all().into_iter().any(of_confirm) || desk.all().into_iter().any(of_request)
}
