//! The outer zone at work: payers, the site of agencies and the channels, all through the extranet payment node, several at a time.

use std::sync::{Arc, Mutex, PoisonError};

use node::{Clock as _, SystemClock};
use serde_json::{Value, json};

use super::base::BaseData;
use super::clock::rest;
use super::deeds::{Count, Deeds, Payable};
use super::failure::Failure;
use super::lang::text;
use super::ledger::report_offline;
use super::line::{Answer, Client, Who};
use super::papers::{Catalogue, Paper, Papers};
use super::stop::Stop;
use super::town::Town;

/// Payers at a time.
pub const PAYERS: u64 = 8;
/// One payment in so many begins at an agency's own site, without a notice; it is the last of its kind.
const DIRECT_EVERY: u64 = 10;
/// One payer in so many has paid at a counter a moment before.
const COUNTER_EVERY: u64 = 20;
const COUNTER_PLACE: u64 = 4;
/// Of so many payments two are for the same notice: a channel says first that the first one failed.
const TWICE_EVERY: u64 = 40;
const TWICE_PLACE: u64 = 7;
/// A channel tells of one payment in so many twice.
const DOUBLED_EVERY: u64 = 20;
const DOUBLED_PLACE: u64 = 1;
/// One request for a notice comes to so many payments.
const REQUEST_EVERY: u64 = 10;
/// How often what has not come yet is looked for.
const LOOK_MS: u64 = 50;

/// The states of an order after a payment.
const PAID: i64 = 2;
const FAILED: i64 = 3;
const REPAID: i64 = 5;

/// All that works in the outer zone.
pub struct Payers {
    town: Arc<Town>,
    catalogue: Arc<Catalogue>,
    deeds: Arc<Deeds>,
    stop: Stop,
    /// How many payments there are.
    payments: u64,
    next: Count,
    direct: Mutex<Papers>,
    requests: Mutex<Papers>,
}

impl Payers {
    /// The payers of so many payments.
    #[must_use]
    pub fn new(
        town: Arc<Town>,
        (base, catalogue): (Arc<BaseData>, Arc<Catalogue>),
        payments: u64,
        deeds: Arc<Deeds>,
        stop: Stop,
    ) -> Self {
        let direct = Mutex::new(Papers::direct(&base, &catalogue));
        let requests = Mutex::new(Papers::of_requests(&base, &catalogue));
        Self { town, catalogue, deeds, stop, payments, next: Count::default(), direct, requests }
    }

    /// How many requests for notices there are beside so many payments.
    #[must_use]
    pub const fn requests(payments: u64) -> u64 {
        payments.div_ceil(REQUEST_EVERY)
    }

    /// Pays until all payments are made, beside other payers.
    ///
    /// # Errors
    /// When a node answers otherwise than it must, or somebody asked to stop.
    pub fn work(&self) -> Result<(), Failure> {
        self.until_base_is_here()?;
        loop {
            self.stop.check()?;
            let serial = self.next.take();
            if serial >= self.payments {
                self.deeds.payer_done();
                return Ok(());
            }
            if serial.is_multiple_of(REQUEST_EVERY) {
                self.request(serial)?;
            }
            self.pay(serial)?;
        }
    }

    /// Waits until the last agency and what it collects are known outside.
    fn until_base_is_here(&self) -> Result<(), Failure> {
        let path = format!("/items?agency_id={}&limit=1", self.catalogue.last_agency);
        while self.town.outer.line.get(Who::Anyone, &path)?["items"].as_array().is_none_or(Vec::is_empty) {
            self.stop.check()?;
            rest(LOOK_MS);
        }
        Ok(())
    }

    /// Makes the payment of a serial number; one number stands for the second payment of the one before it.
    fn pay(&self, serial: u64) -> Result<(), Failure> {
        let is_first = is_twice(serial) && serial + 1 < self.payments;
        let is_second = serial > 0 && is_twice(serial - 1);
        if is_second {
            return Ok(());
        }
        let payable = if is_direct(serial) { None } else { self.next_payable()? };
        let Some(payable) = payable else {
            self.pay_directly(serial)?;
            return if is_first { self.pay_directly(serial + 1) } else { Ok(()) };
        };
        self.until_notice_is_here(&payable.pay_code)?;
        if is_first { self.pay_twice(serial, &payable) } else { self.pay_notice(serial, &payable) }
    }

    fn next_payable(&self) -> Result<Option<Payable>, Failure> {
        loop {
            self.stop.check()?;
            match self.deeds.next_payable() {
                Some(payable) => return Ok(payable),
                None => rest(LOOK_MS),
            }
        }
    }

    /// The payer looks the notice up until it has crossed.
    fn until_notice_is_here(&self, pay_code: &str) -> Result<(), Failure> {
        let path = format!("/notice?pay_code={pay_code}");
        loop {
            self.stop.check()?;
            let answer = self.town.outer.line.ask(Who::Anyone, &path, None)?;
            match answer.code() {
                _ if answer.is_good() => return Ok(()),
                "pay-code-unknown" | "not-yet-synchronised" => rest(LOOK_MS),
                _ => return Err(unexpected("/notice", &answer)),
            }
        }
    }

    fn pay_notice(&self, serial: u64, payable: &Payable) -> Result<(), Failure> {
        let order = self.order(&self.order_of(serial, payable), self.channel(serial))?;
        if serial % COUNTER_EVERY != COUNTER_PLACE {
            return self.succeed(serial, &order, payable.total_fen, &[PAID]);
        }
        // Inside nobody knows yet that it is being paid outside, and outside nobody knows of this.
        let reported = report_offline(&self.town, &[payable], payable.is_traffic)?;
        self.deeds.offline.add(1);
        if payable.is_traffic {
            reported.into_iter().for_each(|payment_id| self.deeds.remember(payment_id));
            return self.succeed(serial, &order, payable.total_fen, &[PAID]);
        }
        // The report of the bank may cross before the channel says anything.
        self.succeed(serial, &order, payable.total_fen, &[PAID, REPAID])
    }

    /// The channel says that a payment failed, the payer pays again, and then the channel says that the first one was made after all.
    fn pay_twice(&self, serial: u64, payable: &Payable) -> Result<(), Failure> {
        let first = self.order(&self.order_of(serial, payable), self.channel(serial))?;
        let failed = json!({ "platform_order_no": first, "outcome": "failure", "reason": "支付超时" });
        let said = self.town.outer.line.post(Who::Client(self.channel(serial)), "/channel/result", &failed)?;
        expect_state(&said, &[FAILED])?;
        let second = self.order(&self.order_of(serial + 1, payable), self.channel(serial + 1))?;
        self.succeed(serial + 1, &second, payable.total_fen, &[PAID])?;
        self.succeed(serial, &first, payable.total_fen, &[REPAID])?;
        self.deeds.repaid.add(1);
        Ok(())
    }

    fn pay_directly(&self, serial: u64) -> Result<(), Failure> {
        let paper = draw(&self.direct);
        let order = self.order(&paper.order(&number(serial)), self.channel(serial))?;
        self.succeed(serial, &order, paper.lines_fen(), &[PAID])
    }

    fn request(&self, serial: u64) -> Result<(), Failure> {
        let paper = draw(&self.requests);
        let asked = paper.request(&number(serial));
        self.town.outer.line.post(Who::Client(&self.town.site), "/request/create", &asked)?;
        self.deeds.requested.add(1);
        Ok(())
    }

    fn order_of(&self, serial: u64, payable: &Payable) -> Value {
        json!({
            "biz_order_no": number(serial), "title": "非税缴款", "amount_fen": payable.total_fen, "pay_code": payable.pay_code,
        })
    }

    /// The site makes an order, and the payer chooses a channel. Yields the order's number.
    fn order(&self, asked: &Value, channel: &Client) -> Result<String, Failure> {
        let line = &self.town.outer.line;
        let made = line.post(Who::Client(&self.town.site), "/order/create", asked)?;
        let order = made["platform_order_no"].as_str().unwrap_or_default().to_owned();
        line.post(Who::Anyone, "/order/pay", &json!({ "platform_order_no": order, "channel": channel.id }))?;
        Ok(order)
    }

    /// The channel says that a payment was made, some twice.
    fn succeed(&self, serial: u64, order: &str, amount_fen: i64, states: &[i64]) -> Result<(), Failure> {
        let channel = self.channel(serial);
        let told = json!({
            "platform_order_no": order, "outcome": "success", "channel_order_no": number(serial), "amount_fen": amount_fen,
            "paid_time": SystemClock.now().time14(),
        });
        let is_doubled = serial % DOUBLED_EVERY == DOUBLED_PLACE;
        for _ in 0..=u64::from(is_doubled) {
            let said = self.town.outer.line.post(Who::Client(channel), "/channel/result", &told)?;
            expect_state(&said, states)?;
        }
        self.deeds.payments.add(1);
        self.deeds.told_twice.add(u64::from(is_doubled));
        Ok(())
    }

    fn channel(&self, serial: u64) -> &Client {
        let channels = &self.town.channels;
        let place = usize::try_from(serial).unwrap_or(0) % channels.len();
        &channels[place]
    }
}

fn draw(papers: &Mutex<Papers>) -> Paper {
    // Whoever broke while drawing ends the run.
    papers.lock().unwrap_or_else(PoisonError::into_inner).draw()
}

/// The number of a payment: at the site its order's, at the channel its own.
fn number(serial: u64) -> String {
    format!("{serial:012}")
}

const fn is_direct(serial: u64) -> bool {
    serial % DIRECT_EVERY == DIRECT_EVERY - 1
}

const fn is_twice(serial: u64) -> bool {
    serial % TWICE_EVERY == TWICE_PLACE
}

fn expect_state(said: &Value, states: &[i64]) -> Result<(), Failure> {
    if said["state"].as_i64().is_some_and(|state| states.contains(&state)) {
        return Ok(());
    }
    Err(Failure::new(text!(
        "an order should be in one of the states {states:?}, and outer-node says {said}",
        "订单应为状态 {states:?} 之一，outer-node 回答 {said}"
    )))
}

fn unexpected(path: &str, answer: &Answer) -> Failure {
    let Answer { status, document } = answer;
    Failure::new(text!(
        "outer-node answers {path} with {status}: {document}",
        "outer-node 对 {path} 回答 {status}：{document}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notice_that_is_paid_twice_has_both_payments() {
        let twice: Vec<u64> = (0..1_000).filter(|serial| is_twice(*serial)).collect();
        assert_eq!(twice.len(), 25);
        assert!(twice.iter().all(|serial| !is_direct(*serial) && !is_direct(serial + 1)));
        assert!(twice.iter().all(|serial| serial % COUNTER_EVERY != COUNTER_PLACE));
        assert_eq!([0, 1, 10, 11].map(Payers::requests), [0, 1, 1, 2]);
    }
}
