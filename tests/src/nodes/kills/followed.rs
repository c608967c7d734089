//! A payment that a kill follows: with a notice or without, on the channel's word or on that of two people.

use std::sync::atomic::{AtomicBool, Ordering};

use gap_sim::prng::Prng;
use serde_json::{Value, json};

use crate::nodes::channel::{Fate, pay_at};
use crate::nodes::{Ask, Line, Town};

/// The most of the item that a payer owes without a notice.
const QUANTITY_MAX: u64 = 9;
/// From here on the fault is the node's.
const FAILED: u16 = 500;
/// What the outer node says when it decided before, and its answer was lost.
const DECIDED: &str = "confirm-decided";

/// What kind of payment it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Kind {
    /// Whether the debt has a notice.
    pub has_notice: bool,
    /// Whether two people confirm it on evidence, because the channel is silent.
    pub by_two: bool,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self { has_notice: false, by_two: false },
        Self { has_notice: true, by_two: false },
        Self { has_notice: false, by_two: true },
        Self { has_notice: true, by_two: true },
    ];

    /// What it is, for people.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match (self.has_notice, self.by_two) {
            (false, false) => "no notice, the channel said so",
            (true, false) => "a notice, the channel said so",
            (false, true) => "no notice, two people confirmed it",
            (true, true) => "a notice, two people confirmed it",
        }
    }
}

/// The sessions of those who confirm payments on evidence: they outlive the node's process, and passwords take their time.
pub struct People {
    operator: String,
    reviewer: String,
}

impl People {
    /// Both log in.
    pub fn log_in(town: &Town) -> Self {
        Self { operator: town.outer.log_in("li"), reviewer: town.outer.log_in("zhao") }
    }
}

/// A payment that a kill follows.
pub struct Followed {
    /// 平台订单号.
    pub order: String,
    kind: Kind,
    amount_fen: i64,
    outer: Line,
    /// Where the payer pays.
    pay_url: String,
    /// What the reviewer decides, and the session that it takes.
    evidence: Option<(Value, String)>,
    /// Whether the reviewer was answered.
    is_decided: AtomicBool,
}

impl Followed {
    /// Makes the order of a debt: of a notice where there is one. Of what two people confirm the money is in the channel already, the
    /// channel is silent, and the operator has asked.
    pub fn begin(
        (town, people): (&Town, &People),
        number: &str,
        kind: Kind,
        notice: Option<(String, i64)>,
        prng: &mut Prng,
    ) -> Self {
        let payer = town.payer();
        let quantity = i64::try_from(prng.between(1, QUANTITY_MAX)).expect("a small number");
        let (pay_code, amount_fen) = match notice {
            Some((pay_code, amount_fen)) => (Some(pay_code), amount_fen),
            None => (None, quantity * payer.unit_fen),
        };
        let order = payer.order(number, pay_code.as_deref(), amount_fen);
        payer.begin(&order, town.wechat.id());
        let told = if prng.below(2) == 0 { Fate::Once } else { Fate::Doubled };
        town.wechat.arrange(&order, if kind.by_two { Fate::Held } else { told });
        let evidence = kind.by_two.then(|| ask(town, people, &order, amount_fen));
        let (outer, pay_url) = (town.outer.line(), town.wechat.pay_url());
        Self { order, kind, amount_fen, outer, pay_url, evidence, is_decided: AtomicBool::new(false) }
    }

    /// Brings about the result: the payer pays and the channel says so, or the reviewer decides. One try.
    pub fn settle(&self) {
        if self.kind.by_two {
            self.decide();
        } else {
            pay_at(&self.pay_url, &self.order, self.amount_fen);
        }
    }

    /// The reviewer decides what is not decided yet. Yields whether the outer node has answered, now or before.
    pub fn decide(&self) -> bool {
        let Some((decision, token)) = &self.evidence else { return true };
        if self.is_decided.load(Ordering::Relaxed) {
            return true;
        }
        match self.outer.reach("POST", "/order/confirm-allow", Ask::Token(token), Some(decision.clone())) {
            Some((200, _)) => {}
            Some((409, answer)) if answer["error"]["code"] == DECIDED => {}
            Some((FAILED.., _)) | None => return false,
            Some((status, answer)) => panic!("{decision}: {status} {answer}"),
        }
        self.is_decided.store(true, Ordering::Relaxed);
        true
    }

    /// Whether the channel has the money.
    pub fn is_taken(&self, town: &Town) -> bool {
        town.wechat.has_taken(&self.order)
    }

    /// Whether whoever brought the result was answered.
    pub fn is_answered(&self, town: &Town) -> bool {
        if self.kind.by_two { self.is_decided.load(Ordering::Relaxed) } else { town.wechat.is_answered(&self.order) }
    }
}

/// The payer pays, the channel is silent, and an operator asks with the channel's statement in hand. Yields what a reviewer decides, and
/// the reviewer's session.
fn ask(town: &Town, people: &People, order: &str, amount_fen: i64) -> (Value, String) {
    town.wechat.pay(order, amount_fen);
    let taken = town.wechat.takings().into_iter().find(|one| one.platform_order_no == order).expect("it was paid");
    let asked = json!({
        "platform_order_no": order, "channel": town.wechat.id(), "channel_order_no": taken.channel_order_no,
        "amount_fen": taken.amount_fen, "fee_fen": taken.fee_fen, "paid_time": taken.paid_time,
        "reason": "渠道对账单第 3 页", "file_digest": "a7".repeat(32),
    });
    let asked = town.outer.post("/order/confirm-ask", Ask::Token(&people.operator), asked);
    (json!({ "evidence_id": asked["evidence_id"], "is_allowed": true }), people.reviewer.clone())
}
