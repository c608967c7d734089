//! Reading what is known of a town's money out of its databases and its simulators.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Accounts, Booked, Confirmed, Ordered};
use crate::demo::clock::{Clock, rest};
use crate::demo::database::{Database, Found};
use crate::kills::settled::is_settled;
use crate::nodes::{Town, tally};
use crate::pair::{INNER, OUTER};

/// The longest that a town takes to come to rest after its last payment: every message may be lost some times, and comes again
/// within ten seconds each.
const REST_MS_MAX: u64 = 180_000;
/// Between two looks.
const GLANCE_MS: u64 = 200;

impl Accounts {
    /// Reads a town.
    pub fn read(town: &Town) -> Self {
        let [mut inner, mut outer] =
            [INNER, OUTER].map(|zone| Database::open(&town.pair.database(zone)).expect("the zone has a database"));
        let mut accounts = Self {
            outside: confirmed(&mut outer),
            inside: confirmed(&mut inner),
            booked: booked(&mut inner),
            orders: ordered(&mut outer),
            offline: pairs(&mut inner, OFFLINE, |row| Ok((row.number(1)?, row.number(2)?))),
            notices: pairs(&mut inner, "SELECT pay_code, state FROM pay_notice", |row| row.number(1))
                .into_keys()
                .collect(),
            answered: [&mut inner, &mut outer].map(|zone| pairs(zone, ANSWERS, |row| row.text(1))),
            allowed: allowed(&mut outer),
            ..Self::default()
        };
        inner.close();
        outer.close();
        for channel in [&town.wechat, &town.unionpay] {
            for one in channel.takings() {
                let amount_fen = u64::try_from(one.amount_fen).expect("nobody pays less than nothing");
                let number = (channel.id().to_owned(), one.channel_order_no);
                accounts.taken.insert(number, (one.platform_order_no, amount_fen));
            }
        }
        for zone in [INNER, OUTER] {
            accounts.writes.extend(tally::read(&town.pair.database(zone)));
        }
        accounts.hear(town);
        accounts
    }

    /// What the unit's site and the agency's system were told, each kind of message by itself.
    fn hear(&mut self, town: &Town) {
        let text = |told: &Value, name: &str| told[name].as_str().unwrap_or_default().to_owned();
        for told in town.site.heard() {
            let confirm_id = text(&told, "confirm_id");
            match told["kind"].as_str() {
                // An order that was closed has no payment.
                Some("order") if !confirm_id.is_empty() => {
                    self.told_paid.insert((confirm_id, told["paid_fen"].as_u64().unwrap_or_default()));
                }
                Some("confirm") => {
                    let answer = format!("{}:{}:{}", told["match_state"], told["decision"], text(&told, "book_no"));
                    self.told_answer.insert((confirm_id, answer));
                }
                _ => {}
            }
        }
        for told in town.agency.heard() {
            let payment_id = text(&told, "payment_id");
            match told["kind"].as_str() {
                Some("booked") => {
                    // An online payment that stands is booked with the same decision: the other one goes back.
                    if told["decision"] == REFUND_OFFLINE && told["source"] != ONLINE {
                        self.told_due.insert(payment_id.clone());
                    }
                    self.told_booked.insert((payment_id, text(&told, "book_no")));
                }
                Some("refund-due") => _ = self.told_due.insert(payment_id),
                Some("refunded") => _ = self.told_refunded.insert(payment_id),
                _ => {}
            }
        }
    }

    /// Waits until a town has come to rest, and reads it.
    ///
    /// # Panics
    /// With everything that is wrong, when the money is not the same everywhere in the end.
    pub fn at_rest(town: &Town) -> Self {
        Self::at_rest_when(town, || is_settled(&town.pair))
    }

    /// The same where the caller says when the zones are at rest: the books of a zone that was put back do not have everything that led
    /// to them.
    ///
    /// # Panics
    /// With everything that is wrong, when the money is not the same everywhere in the end.
    pub fn at_rest_when(town: &Town, is_settled: impl Fn() -> bool) -> Self {
        let clock = Clock::start();
        loop {
            town.carry();
            // Read after the zones have come to rest: what comes twice comes late.
            let is_settled = is_settled();
            let accounts = Self::read(town);
            let findings = accounts.findings();
            if is_settled && findings.is_empty() {
                return accounts;
            }
            let is_late = clock.now_ms() > REST_MS_MAX;
            assert!(!is_late, "the zones are at rest: {is_settled}; found:\n{}", findings.join("\n"));
            rest(GLANCE_MS);
        }
    }
}

/// 退付线下: how a booking says that the payment that it is of goes back offline.
const REFUND_OFFLINE: u64 = 3;
/// The source of payments that came through the gap.
const ONLINE: &str = "ONLINE";
const OFFLINE: &str = "SELECT payment_id, amount_fen, refund_state FROM offline_payment";
const ANSWERS: &str =
    "SELECT confirm_id, match_state || ':' || decision || ':' || book_no || ':' || diff_fen FROM confirm_result";

fn all<T>(database: &mut Database, sql: &str, take: impl Fn(&Found<'_>) -> Result<T, sqlx::Error>) -> Vec<T> {
    database.rows(sql, &[], take).expect("the database can be read")
}

fn pairs<T>(
    database: &mut Database,
    sql: &str,
    take: impl Fn(&Found<'_>) -> Result<T, sqlx::Error>,
) -> BTreeMap<String, T> {
    all(database, sql, |row| Ok((row.text(0)?, take(row)?))).into_iter().collect()
}

fn confirmed(database: &mut Database) -> Vec<Confirmed> {
    let sql = "SELECT confirm_id, channel, channel_order_no, platform_order_no, amount_fen, evidence, is_duplicate \
               FROM pay_confirm";
    all(database, sql, |row| {
        Ok(Confirmed {
            confirm_id: row.text(0)?,
            number: (row.text(1)?, row.text(2)?),
            order: row.text(3)?,
            amount_fen: row.number(4)?,
            evidence: row.number(5)?,
            is_duplicate: row.number(6)? == 1,
        })
    })
}

fn booked(database: &mut Database) -> Vec<Booked> {
    let sql = "SELECT book_no, payment_id, source = 'ONLINE', ifnull(pay_code, ''), amount_fen, counts FROM inner_book";
    all(database, sql, |row| {
        Ok(Booked {
            book_no: row.text(0)?,
            payment_id: row.text(1)?,
            is_online: row.number(2)? == 1,
            pay_code: row.text(3)?,
            amount_fen: row.number(4)?,
            counts: row.number(5)? == 1,
        })
    })
}

fn ordered(database: &mut Database) -> Vec<Ordered> {
    let sql = "SELECT platform_order_no, state, ifnull(pay_code, ''), ifnull(confirm_id, '') FROM outer_order";
    all(database, sql, |row| {
        Ok(Ordered { order: row.text(0)?, state: row.number(1)?, pay_code: row.text(2)?, confirm_id: row.text(3)? })
    })
}

fn allowed(database: &mut Database) -> BTreeMap<super::Number, (String, u64)> {
    let sql = "SELECT channel, channel_order_no, platform_order_no, amount_fen FROM outer_evidence \
               WHERE state = 1 AND maker <> checker";
    all(database, sql, |row| Ok(((row.text(0)?, row.text(1)?), (row.text(2)?, row.number(3)?)))).into_iter().collect()
}
