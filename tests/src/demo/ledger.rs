//! The inner zone at work: the ledger that is there already, two people, a bank and the police, all through the intranet node.

use std::sync::Arc;

use contract::{Change, Op};
use node::{Clock as _, SystemClock};
use serde_json::{Value, json};

use super::base::BaseData;
use super::clock::rest;
use super::database::Database;
use super::deeds::{Deeds, Payable};
use super::failure::Failure;
use super::folder::Folder;
use super::lang::text;
use super::line::Who;
use super::papers::{Catalogue, Paper, Papers};
use super::stop::Stop;
use super::town::{OPERATOR, REVIEWER, Town};
use super::writer::write;
use super::zone_node::PASSWORD;

/// Notices of one message. With their lines they are some five hundred rows, which cross together.
const NOTICES: u64 = 200;
/// Rows of base data of one message.
const EDITS: usize = 250;
/// One notice in so many is paid at a counter and nowhere else, and one in so many is declared void by two people.
const OFFLINE_EVERY: u64 = 20;
const VOID_EVERY: u64 = 50;
/// Within [`VOID_EVERY`], the place of the one that is declared void: not one that is paid at a counter.
const VOID_PLACE: u64 = 7;
/// Days to pay.
const TERM_DAYS: i64 = 15;
const DAY_MS: i64 = 86_400_000;
/// Traffic fines (交警) can be paid to the police; everything else at a bank's counter.
const TRAFFIC: &str = "TRAFFIC";
const LOOK_MS: u64 = 50;

/// All that works in the inner zone.
pub struct Ledger {
    /// Both zones.
    pub town: Arc<Town>,
    /// The base data.
    pub base: Arc<BaseData>,
    /// What each agency collects.
    pub catalogue: Arc<Catalogue>,
    /// How many notices are issued.
    pub notices: u64,
    /// What was done.
    pub deeds: Arc<Deeds>,
    /// Whether somebody asked to stop.
    pub stop: Stop,
}

impl Ledger {
    /// Imports the base data, issues all notices, and changes base data between them.
    ///
    /// # Errors
    /// When the node refuses, or somebody asked to stop.
    pub fn work(&self, folder: &Folder) -> Result<(), Failure> {
        let directory = folder.directory("base-data")?;
        let imported = self.base.import(&self.town.inner, &directory, || self.stop.check())?;
        self.deeds.imported.add(imported.inserted);
        self.deeds.edited.add(imported.updated);
        let people = [self.session(OPERATOR)?, self.session(REVIEWER)?];
        let mut database = Database::open(&self.town.inner_zone.database)?;
        let mut papers = Papers::of_notices(&self.base, &self.catalogue);
        let rounds = self.notices.div_ceil(NOTICES).max(1);
        for round in 0..rounds {
            self.stop.check()?;
            let first = round * NOTICES;
            let papers: Vec<Paper> = (0..count(first, self.notices)).map(|_| papers.draw()).collect();
            self.issue(first, papers, &people)?;
            self.change(round, rounds, &mut database)?;
        }
        database.close();
        self.deeds.all_issued();
        self.refund(&people[1])
    }

    fn session(&self, name: &str) -> Result<String, Failure> {
        self.town.inner.line.log_in(name, PASSWORD)
    }

    /// Issues notices in one message. Some are paid at a counter, some declared void; the others go to their payers.
    fn issue(&self, first: u64, papers: Vec<Paper>, people: &[String; 2]) -> Result<(), Failure> {
        if papers.is_empty() {
            return Ok(());
        }
        let line = &self.town.inner.line;
        let expires = SystemClock.now().plus_ms(TERM_DAYS * DAY_MS).date8();
        let drafts: Vec<Value> = papers.iter().map(|paper| paper.draft(&expires)).collect();
        let push = json!({ "request_no": format!("N-{first}"), "drafts": drafts });
        let issued = line.post(Who::Client(&self.town.ledger), "/ledger/notices", &push)?;
        let codes: Vec<String> = serde_json::from_value(issued["pay_codes"].clone()).unwrap_or_default();
        if codes.len() != papers.len() {
            let (sent, came) = (papers.len(), codes.len());
            return Err(Failure::new(text!(
                "{sent} notices were to be issued, and {came} pay codes came",
                "应开具 {sent} 份通知书，返回缴款码 {came} 个"
            )));
        }
        self.deeds.issued.add(u64::try_from(codes.len()).unwrap_or(u64::MAX));
        let notice = |(pay_code, paper): (String, Paper)| Payable {
            pay_code,
            total_fen: paper.total_fen(),
            is_traffic: paper.biz_line == TRAFFIC,
        };
        let notices: Vec<(u64, Payable)> = (first..).zip(codes.into_iter().zip(papers).map(notice)).collect();
        for is_police in [false, true] {
            let offline = notices.iter().filter(|(serial, one)| is_offline(*serial) && one.is_traffic == is_police);
            let offline: Vec<&Payable> = offline.map(|(_, one)| one).collect();
            report_offline(&self.town, &offline, is_police)?;
            self.deeds.offline.add(u64::try_from(offline.len()).unwrap_or(u64::MAX));
        }
        for (_, void) in notices.iter().filter(|(serial, _)| is_void(*serial)) {
            self.void(&void.pay_code, people)?;
        }
        let rest = notices.into_iter().filter(|(serial, _)| !is_offline(*serial) && !is_void(*serial));
        self.deeds.hand_out(rest.map(|(_, one)| one));
        Ok(())
    }

    /// One person asks that a notice be void, and another one allows it.
    fn void(&self, pay_code: &str, [operator, reviewer]: &[String; 2]) -> Result<(), Failure> {
        let line = &self.town.inner.line;
        let asked = json!({ "wish": { "what": "void-notice", "pay_code": pay_code }, "reason": "开具有误" });
        let proposal = line.post(Who::Person(operator), "/proposal/ask", &asked)?;
        let decided = json!({ "id": proposal["id"], "is_allowed": true });
        line.post(Who::Person(reviewer), "/proposal/decide", &decided)?;
        self.deeds.voided.add(1);
        Ok(())
    }

    /// The changes of base data that fall to a round. No node deletes rows, so deletes go past it, as a database's keeper makes them.
    fn change(&self, round: u64, rounds: u64, database: &mut Database) -> Result<(), Failure> {
        let generator = &self.base.generator;
        let share = |rows: u64| round * rows / rounds..(round + 1) * rows / rounds;
        let agencies = generator.agency_changes(share(generator.counts().agencies));
        let items = generator.agency_item_changes(share(self.base.agency_items()));
        let (deletes, updates): (Vec<Change>, Vec<Change>) =
            agencies.chain(items).partition(|change| change.op == Op::Delete);
        for (place, changes) in updates.chunks(EDITS).enumerate() {
            self.stop.check()?;
            let rows: Vec<Value> = (round..).zip(changes).map(edit).collect();
            let push = json!({ "request_no": format!("B-{round}-{place}"), "rows": rows });
            self.town.inner.line.post(Who::Client(&self.town.ledger), "/ledger/base", &push)?;
            self.deeds.edited.add(u64::try_from(changes.len()).unwrap_or(u64::MAX));
        }
        for changes in deletes.chunks(EDITS) {
            write(database, changes)?;
            self.deeds.deleted.add(u64::try_from(changes.len()).unwrap_or(u64::MAX));
        }
        Ok(())
    }

    /// Payments to the police that turned out to be second ones go back, and that is noted.
    fn refund(&self, reviewer: &str) -> Result<(), Failure> {
        let mut waiting = Vec::new();
        loop {
            self.stop.check()?;
            // Asked first: whatever the last payer remembered is seen below.
            let is_over = self.deeds.all_paid();
            waiting.extend(self.deeds.to_refund());
            let mut left = Vec::new();
            for payment_id in waiting {
                if self.is_refunded(reviewer, &payment_id)? {
                    self.deeds.refunded.add(1);
                } else {
                    left.push(payment_id);
                }
            }
            if is_over && left.is_empty() {
                return Ok(());
            }
            waiting = left;
            rest(LOOK_MS);
        }
    }

    /// Notes that a payment has gone back; not as long as the online payment has not come.
    fn is_refunded(&self, reviewer: &str, payment_id: &str) -> Result<bool, Failure> {
        let asked = json!({ "payment_id": payment_id });
        let answer = self.town.inner.line.ask(Who::Person(reviewer), "/offline/refunded", Some(&asked))?;
        match answer.code() {
            _ if answer.is_good() => Ok(true),
            "not-to-be-refunded" => Ok(false),
            _ => {
                let document = answer.document;
                Err(Failure::new(text!(
                    "the refund of {payment_id} is refused: {document}",
                    "{payment_id} 的退付被拒绝：{document}"
                )))
            }
        }
    }
}

/// A bank or the police report payments of notices inside. Yields their numbers.
///
/// # Errors
/// When the node refuses.
pub fn report_offline(town: &Town, paid: &[&Payable], is_police: bool) -> Result<Vec<String>, Failure> {
    if paid.is_empty() {
        return Ok(Vec::new());
    }
    let (client, source) = if is_police { (&town.police, 2) } else { (&town.bank, 1) };
    let pay_time = SystemClock.now().time14();
    let payment = |one: &&Payable| {
        let source_ref = format!("{}{}", if is_police { "JJ" } else { "GM" }, one.pay_code);
        json!({
            "pay_code": one.pay_code, "source": source, "source_ref": source_ref, "amount_fen": one.total_fen,
            "pay_time": pay_time,
        })
    };
    let payments: Vec<Value> = paid.iter().map(payment).collect();
    let taken = town.inner.line.post(Who::Client(client), "/offline/report", &json!({ "payments": payments }))?;
    let became = |one: &Value| {
        let payment_id = one["payment_id"].as_str().filter(|_| one["became"] == "booked");
        payment_id
            .map(str::to_owned)
            .ok_or_else(|| Failure::new(text!("a payment made offline is not booked: {one}", "线下缴款未入账：{one}")))
    };
    taken["payments"].as_array().into_iter().flatten().map(became).collect()
}

const fn is_offline(serial: u64) -> bool {
    serial.is_multiple_of(OFFLINE_EVERY)
}

const fn is_void(serial: u64) -> bool {
    serial % VOID_EVERY == VOID_PLACE
}

/// How many papers a round that begins with `first` of `all` has.
const fn count(first: u64, all: u64) -> u64 {
    let left = all.saturating_sub(first);
    if left < NOTICES { left } else { NOTICES }
}

/// What an update changes, as the ledger's interface takes it: an agency's telephone number, or the end of a right to collect.
fn edit((number, change): (u64, &Change)) -> Value {
    let value = |name: &str| {
        let place = change.shape.columns.iter().position(|column| *column == name);
        place.and_then(|place| change.cells[place].text()).unwrap_or_default().to_owned()
    };
    if change.shape.table == "base_agency" {
        let phone = format!("139{:08}", number % 100_000_000);
        json!({ "kind": "AGENCY", "values": { "id": value("id"), "phone": phone } })
    } else {
        let values = json!({ "id": value("id"), "is_enabled": false, "end_date": value("end_date") });
        json!({ "kind": "AGENCY_ITEM", "values": values })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_notice_is_both_void_and_paid() {
        assert!((0..1_000).all(|serial| !(is_offline(serial) && is_void(serial))));
        assert!((0..100).any(is_offline) && (0..100).any(is_void));
        assert_eq!((count(0, 450), count(400, 450), count(600, 450)), (200, 50, 0));
    }
}
