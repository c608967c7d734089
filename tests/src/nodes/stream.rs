//! A stream of payments that goes on while processes of the town are killed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use gap_sim::prng::Prng;

use super::channel::{Channel, pay_at};
use super::payer::Payer;
use super::town::Town;
use crate::demo::clock::rest;

/// Between two payments: some ten a second are what two processors take beside the daemons and the nodes.
const REST_MS: std::ops::RangeInclusive<u64> = 40..=160;
/// The most of the item that a payer owes: amounts differ, so that one that is swapped for another is noticed.
const QUANTITY_MAX: u64 = 9;
/// Of so many fines that are paid in the first channel one is paid in the other one, too, at the same time.
const RACED_EVERY: u64 = 3;

/// Payers who pay one after the other, until they are stopped or dropped.
pub struct Stream {
    thread: Option<JoinHandle<u64>>,
    stop: Arc<AtomicBool>,
}

/// Who pays, where, and what for.
struct Payers {
    payer: Payer,
    /// The id of each channel, and where it takes money.
    channels: [(&'static str, String); 2],
    /// Notices that are to be paid, and for how much.
    notices: Vec<(String, i64)>,
    prng: Prng,
}

impl Stream {
    /// Lets payers pay fines for the notices, each followed by visa fees, and visa fees alone afterwards.
    #[must_use]
    pub fn start(town: &Town, notices: Vec<(String, i64)>, seed: u64) -> Self {
        let channels = [&town.wechat, &town.unionpay].map(|channel: &Channel| (channel.id(), channel.pay_url()));
        let mut payers = Payers { payer: town.payer(), channels, notices, prng: Prng::fork(seed, &[2]) };
        let stop = Arc::new(AtomicBool::new(false));
        let asked = Arc::clone(&stop);
        let work = move || {
            let mut number = 0;
            while !asked.load(Ordering::Relaxed) {
                payers.pay(number);
                number += 1;
                rest(payers.prng.between(*REST_MS.start(), *REST_MS.end()));
            }
            number
        };
        let thread = std::thread::Builder::new().name("payers".to_owned()).spawn(work).expect("there is a thread");
        Self { thread: Some(thread), stop }
    }

    /// Stops after the payment in hand. Returns how many debts were paid.
    pub fn stop(mut self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().expect("it is taken once").join().expect("every payer pays")
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // The test has failed for another reason by now.
            let _ = thread.join();
        }
    }
}

impl Payers {
    fn pay(&mut self, number: u64) {
        let notice = if self.prng.below(2) == 0 { self.notices.pop() } else { None };
        let quantity = i64::try_from(self.prng.between(1, QUANTITY_MAX)).expect("a small number");
        let first = usize::from(self.prng.below(2) == 0);
        // The second channel takes money for an order that was not begun there. Nobody could ask it, so it must not lose its message.
        let is_raced = notice.is_some() && first == 0 && self.prng.below(RACED_EVERY) == 0;
        let (pay_code, amount_fen) = match notice {
            Some((pay_code, amount_fen)) => (Some(pay_code), amount_fen),
            None => (None, quantity * self.payer.unit_fen),
        };
        let order = self.payer.order(&format!("P-{number}"), pay_code.as_deref(), amount_fen);
        let (channel, url) = &self.channels[first];
        self.payer.begin(&order, channel);
        if is_raced {
            let other = self.payer.order(&format!("P-{number}-2"), pay_code.as_deref(), amount_fen);
            pay_at(&self.channels[1 - first].1, &other, amount_fen);
        }
        pay_at(url, &order, amount_fen);
    }
}
