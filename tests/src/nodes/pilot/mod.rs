//! Both pilots, 出入境 and 交警, in one town behind a gate that misbehaves: what happens to each payment is drawn from a seed.

mod cases;

use std::fmt::{Display, Formatter};
use std::ops::RangeInclusive;

use serde_json::{Value, json};

use super::accounts::Accounts;
use super::channel::{Channel, Fate};
use super::line::Ask;
use super::town::Town;
use crate::demo::clock::Clock;
use crate::pair::{INNER, OUTER};
pub use cases::{Case, Way, draw};

/// 订单状态: an order that is paid.
const PAID: u64 = 2;
/// How the answer to a payment begins that is one too many and goes back online (重复, 线上退付).
const SENT_BACK: &str = "2:2:";

/// A payment under way.
struct Open {
    case: Case,
    /// 平台订单号 of each payment's order, and whether the channel that can be asked took it; two payments may be of one order.
    orders: Vec<(String, bool)>,
    pay_code: Option<String>,
    amount_fen: i64,
    /// What was paid to the police besides: 线下缴款号.
    police: Option<String>,
}

/// What one seed came to.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The seed.
    pub seed: u64,
    /// Its cases.
    pub cases: Vec<Case>,
    /// Sums of the whole town in fen: paid, confirmed outside, confirmed inside, booked online.
    pub sums_fen: [u64; 4],
    /// How long it took; information only.
    pub ms: u64,
}

/// The seeds of a text such as `1..20`, both included, or `7`.
#[must_use]
pub fn seeds(text: &str) -> RangeInclusive<u64> {
    let (first, last) = text.split_once("..").unwrap_or((text, text));
    let number = |text: &str| text.parse().expect("seeds are a number, or two with .. between them");
    number(first)..=number(last)
}

/// Runs a seed in a town, through a gate that this seed draws, until its money is the same everywhere.
///
/// # Panics
/// When anything is not as it must be.
pub fn run(town: &mut Town, seed: u64) -> Outcome {
    let clock = Clock::start();
    town.change_gate(seed);
    let cases = draw(seed);
    let mut open = begin_all(town, seed, &cases);
    let of = |way: Way, open: &[Open]| -> Vec<usize> {
        (0..open.len()).filter(|place| open[*place].case.way == way).collect()
    };
    for place in of(Way::Late, &open).into_iter().chain(of(Way::Lost, &open)) {
        town.time_out(&open[place].orders[0].0);
    }
    for place in of(Way::TwoPeople, &open) {
        confirm_by_two(town, &open[place]);
    }
    for place in of(Way::Late, &open) {
        let (order, _) = &open[place].orders[0];
        town.until("an order to be closed", || town.state(order) == 4);
        town.unionpay.let_go(order);
    }
    for place in of(Way::PoliceLate, &open) {
        let pay_code = open[place].pay_code.clone().expect("a fine has a notice");
        let sql = format!("SELECT count(*) FROM inner_book WHERE pay_code = '{pay_code}'");
        town.until("the online payment to be booked", || town.number(INNER, &sql) == 1);
        let taken = town.pay_police(&pay_code, &format!("S{seed}-{place}"), open[place].amount_fen);
        assert_eq!((&taken["match_state"], &taken["refund_state"]), (&json!(2), &json!(1)), "{taken}");
        open[place].police = taken["payment_id"].as_str().map(str::to_owned);
    }
    refund_police(town, &open);
    let accounts = Accounts::at_rest(town);
    for one in &open {
        judge(one, &accounts);
        judge_channel(town, one);
    }
    Outcome { seed, cases, sums_fen: accounts.sums_fen(), ms: clock.now_ms() }
}

/// Issues the notices, and lets every payer pay.
fn begin_all(town: &Town, seed: u64, cases: &[Case]) -> Vec<Open> {
    let fines = cases.iter().filter(|case| case.is_fine).map(|case| case.quantity).collect::<Vec<_>>();
    let mut pay_codes = town.issue_all(&fines).into_iter();
    let mut open = Vec::new();
    for (place, case) in cases.iter().enumerate() {
        let pay_code = if case.is_fine { pay_codes.next() } else { None };
        open.push(begin(town, &format!("S{seed}-{place}"), case.clone(), pay_code));
    }
    open
}

fn begin(town: &Town, number: &str, case: Case, pay_code: Option<String>) -> Open {
    let payer = town.payer();
    let amount_fen = case.quantity * payer.unit_fen;
    let fate = match case.way {
        Way::Online | Way::Raced | Way::PoliceFirst | Way::PoliceLate => Fate::Once,
        Way::Doubled => Fate::Doubled,
        Way::Lost => Fate::Lost,
        Way::Late | Way::TwoPeople => Fate::Held,
    };
    let channel = channel(town, case.at_wechat);
    let order = payer.order(number, pay_code.as_deref(), amount_fen);
    payer.begin(&order, channel.id());
    channel.arrange(&order, fate);
    let mut orders = vec![(order.clone(), case.at_wechat)];
    let mut police = None;
    match (case.way, &pay_code) {
        (Way::Raced, pay_code) => {
            // The other channel takes money for an order that waits for the first one: nobody can keep payers from it. A debt that has
            // no notice has one order, which both channels have.
            let another = |pay_code: &String| payer.order(&format!("{number}-2"), Some(pay_code), amount_fen);
            let other = pay_code.as_ref().map_or_else(|| order.clone(), another);
            let second = self::channel(town, !case.at_wechat);
            second.arrange(&other, Fate::Once);
            std::thread::scope(|scope| {
                scope.spawn(|| second.pay(&other, amount_fen));
                channel.pay(&order, amount_fen);
            });
            orders.push((other, !case.at_wechat));
        }
        (Way::PoliceFirst, Some(pay_code)) => {
            let taken = town.pay_police(pay_code, number, amount_fen);
            assert_eq!(taken["match_state"], 1, "{taken}");
            police = taken["payment_id"].as_str().map(str::to_owned);
            channel.pay(&order, amount_fen);
        }
        _ => _ = channel.pay(&order, amount_fen),
    }
    Open { case, orders, pay_code, amount_fen, police }
}

fn channel(town: &Town, is_wechat: bool) -> &Channel {
    if is_wechat { &town.wechat } else { &town.unionpay }
}

/// 确认支付: an operator asks with the channel's statement in hand, a reviewer allows. Then the channel may find its voice again.
fn confirm_by_two(town: &Town, open: &Open) {
    let (order, is_wechat) = &open.orders[0];
    let channel = channel(town, *is_wechat);
    let taken = channel.takings().into_iter().find(|one| one.platform_order_no == *order).expect("it was paid");
    let asked = json!({
        "platform_order_no": order, "channel": channel.id(), "channel_order_no": taken.channel_order_no,
        "amount_fen": taken.amount_fen, "fee_fen": taken.fee_fen, "paid_time": taken.paid_time,
        "reason": "渠道对账单第 3 页", "file_digest": "a7".repeat(32),
    });
    let (li, zhao) = (town.outer.log_in("li"), town.outer.log_in("zhao"));
    let asked = town.outer.post("/order/confirm-ask", Ask::Token(&li), asked);
    let decided = json!({ "evidence_id": asked["evidence_id"], "is_allowed": true });
    let decided = town.outer.post("/order/confirm-allow", Ask::Token(&zhao), decided);
    assert_eq!(decided["settled"]["state"], 7, "{decided}");
    if open.case.speaks_later {
        channel.let_go(order);
    }
}

/// What went to the police goes back, and the outer zone hears of it.
fn refund_police(town: &Town, open: &[Open]) {
    let refunds: Vec<&String> = open.iter().filter_map(|one| one.police.as_ref()).collect();
    let zhao = town.inner.log_in("zhao");
    for payment_id in refunds {
        let is = |state: u64| {
            format!("SELECT count(*) FROM offline_payment WHERE payment_id = '{payment_id}' AND refund_state = {state}")
        };
        town.until("the payment to the police to be sent back", || town.number(INNER, &is(1)) == 1);
        town.inner.post("/offline/refunded", Ask::Token(&zhao), json!({ "payment_id": payment_id }));
        town.until("the refund to be known outside", || town.number(OUTER, &is(2)) == 1);
    }
}

/// States of the orders and answers of the inner zone are those that the case must come to.
fn judge(open: &Open, accounts: &Accounts) {
    let is_of = |order: &String| open.orders.iter().any(|(of, _)| of == order);
    let mut states: Vec<u64> = accounts.orders.iter().filter(|one| is_of(&one.order)).map(|one| one.state).collect();
    states.sort_unstable();
    let [inside, _] = &accounts.answered;
    let answers = accounts.outside.iter().filter(|one| is_of(&one.order)).map(|one| inside[&one.confirm_id].as_str());
    let mut answers: Vec<&str> = answers.map(|answer| &answer[..3]).collect();
    answers.sort_unstable();
    let (due_states, due_answers) = open.case.due();
    assert_eq!((states.as_slice(), answers.as_slice()), (due_states, due_answers), "{:?} {:?}", open.case, open.orders);
    if open.case.way == Way::Raced {
        judge_race(open, accounts);
    }
}

/// Of two payments of one debt the outer zone marked the second, and that is the one that the inner zone sends back. The order that is
/// paid names the first.
fn judge_race(open: &Open, accounts: &Accounts) {
    let [inside, _] = &accounts.answered;
    let is_of = |order: &String| open.orders.iter().any(|(of, _)| of == order);
    let paid = accounts.orders.iter().find(|one| is_of(&one.order) && one.state == PAID).expect("one order is paid");
    let confirms: Vec<_> = accounts.outside.iter().filter(|one| is_of(&one.order)).collect();
    assert_eq!(confirms.iter().filter(|one| one.is_duplicate).count(), 1, "{confirms:?}");
    for one in confirms {
        let is_sent_back = inside[&one.confirm_id].starts_with(SENT_BACK);
        let is_second = one.confirm_id != paid.confirm_id;
        assert_eq!((one.is_duplicate, is_sent_back), (is_second, is_second), "{one:?} {paid:?}");
    }
}

/// The channel heard one thing however often it told, and was asked where it never told.
fn judge_channel(town: &Town, open: &Open) {
    for (order, is_wechat) in &open.orders {
        let takings = channel(town, *is_wechat).takings();
        let taken = takings.into_iter().find(|one| one.platform_order_no == *order).expect("it was paid");
        let heard: Vec<&Value> = taken.answers.iter().map(|answer| &answer["confirm_id"]).collect();
        let due = match (open.case.way, open.case.speaks_later) {
            (Way::Lost, _) | (Way::TwoPeople, false) => 0,
            (Way::Doubled, _) => 2,
            _ => 1,
        };
        assert!(heard.len() == due && heard.iter().all(|id| *id == heard[0] && id.is_string()), "{taken:?}");
        assert!(open.case.way != Way::Lost || taken.asked > 0, "{taken:?}");
    }
}

impl Display for Outcome {
    fn fmt(&self, to: &mut Formatter<'_>) -> std::fmt::Result {
        let [paid, ..] = self.sums_fen;
        let fines = self.cases.iter().filter(|case| case.is_fine).count();
        write!(
            to,
            "seed {}: {fines} fines and {} visa fees in {} ms; {paid} fen paid, confirmed, carried and booked until now",
            self.seed,
            self.cases.len() - fines,
            self.ms
        )
    }
}
